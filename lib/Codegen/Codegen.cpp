//===- Codegen.cpp - From the LLVM dialect to text or image ---------------===//
//
// Level: a module in the phase llvm. Every call owns its LLVM context, so calls
// may run on many threads.
//
//===----------------------------------------------------------------------===//
#include "mlc/Codegen/Codegen.h"
#include "ImageWriter.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlc;
using namespace mlc::codegen;

namespace {

/// A translated module with what it needs to live.
struct Translated {
  Context context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> module;
};

} // namespace

static Result<Translated> prepareModule(mlir::ModuleOp module, const Target &target, bool optimize,
                                        llvm::ArrayRef<llvm::StringRef> exports = kExports) {
  Translated result;
  Result<std::unique_ptr<llvm::TargetMachine>> machine = makeTargetMachine(target, optimize);
  if (!machine)
    return machine.takeError();
  result.machine = std::move(*machine);
  Result<std::unique_ptr<llvm::Module>> translated =
      translate(module, result.context, *result.machine, target, exports);
  if (!translated)
    return translated.takeError();
  result.module = std::move(*translated);
  return result;
}

Result<std::string> codegen::emitLLVM(mlir::ModuleOp module, const Target &target) {
  Result<Translated> translated = prepareModule(module, target, /*optimize=*/true);
  if (!translated)
    return translated.takeError();
  std::string text;
  llvm::raw_string_ostream stream(text);
  translated->module->print(stream, nullptr);
  return text;
}

/// Generates code as text or as an object file.
static Result<std::string> emitFile(mlir::ModuleOp module, const Target &target, bool optimize,
                                    llvm::ArrayRef<llvm::StringRef> exports,
                                    llvm::CodeGenFileType type) {
  Result<Translated> translated = prepareModule(module, target, optimize, exports);
  if (!translated)
    return translated.takeError();
  if (optimize)
    runPasses(*translated->module, *translated->machine);
  llvm::SmallString<0> file;
  llvm::raw_svector_ostream stream(file);
  llvm::legacy::PassManager passes;
  if (translated->machine->addPassesToEmitFile(passes, stream, nullptr, type))
    return internalError("LLVM cannot generate code for '" + target.cpu + "'");
  passes.run(*translated->module);
  if (!translated->context.errors().empty())
    return internalError("cannot generate code: " + translated->context.errors());
  return file.str().str();
}

Result<std::string> codegen::emitAssembly(mlir::ModuleOp module, const Target &target,
                                          bool optimize) {
  return emitFile(module, target, optimize, kExports, llvm::CodeGenFileType::AssemblyFile);
}

Result<std::string> codegen::emitKernel(mlir::ModuleOp module, const std::string &name,
                                        const Target &target, bool optimize) {
  return emitFile(module, target, optimize, llvm::StringRef(name),
                  llvm::CodeGenFileType::ObjectFile);
}

Result<std::string> codegen::emitImage(mlir::ModuleOp module, ImageInterface interface,
                                       const Target &target, bool optimize,
                                       llvm::ArrayRef<llvm::StringRef> objects) {
  Result<Translated> translated = prepareModule(module, target, optimize);
  if (!translated)
    return translated.takeError();
  if (optimize)
    runPasses(*translated->module, *translated->machine);
  Result<LinkedImage> linked =
      compileAndLink(std::move(translated->module), std::move(translated->context),
                     *translated->machine, objects, kImageHeaderBytes);
  if (!linked)
    return linked.takeError();

  interface.cpu = target.cpu;
  interface.features.clear();
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(target.features).split(features, ',');
  for (llvm::StringRef feature : features)
    interface.features.push_back(feature.drop_front().str()); // "+avx2" -> "avx2"
  return writeImage(*linked, interface);
}
