//===- Translate.cpp - From the LLVM dialect to machine code --------------===//
//
// Level: the LLVM dialect in, an llvm::Module for one target out. Refuses a
// module that lacks one of the exports or that LLVM's verifier refuses.
//
//===----------------------------------------------------------------------===//
#include "Translate.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/PassInstrumentation.h"
#include "llvm/IR/PassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"

#include <mutex>

using namespace mlc;
using namespace mlc::codegen;

namespace {

/// LLVM's default handler prints errors and exits the process.
class CollectErrors : public llvm::DiagnosticHandler {
public:
  explicit CollectErrors(std::shared_ptr<std::string> out) : out(std::move(out)) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error) {
      llvm::raw_string_ostream stream(*out);
      llvm::DiagnosticPrinterRawOStream printer(stream);
      if (!out->empty())
        stream << '\n';
      info.print(printer);
    }
    return true;
  }

private:
  std::shared_ptr<std::string> out;
};

} // namespace

Context::Context() : context(std::make_unique<llvm::LLVMContext>()) {
  context->setDiagnosticHandler(std::make_unique<CollectErrors>(collected));
}

Result<std::unique_ptr<llvm::TargetMachine>> codegen::makeTargetMachine(const Target &target,
                                                                        bool optimize) {
  static std::once_flag initialised;
  std::call_once(initialised, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return internalError("LLVM has no x86-64 back end: " + error);
  llvm::TargetOptions options;
  options.MCOptions.AsmVerbose = true;
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, "x86-64", target.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      optimize ? llvm::CodeGenOptLevel::Less : llvm::CodeGenOptLevel::None));
  if (!machine)
    return internalError("LLVM cannot make code for '" + target.cpu + "'");
  return machine;
}

/// Makes the module what an image is: the exports visible, the rest internal,
/// everything within reach of PC-relative addresses, nothing unwinds, and no
/// call to a C library may be invented.
static Status shapeModule(llvm::Module &module, const Target &target,
                          llvm::ArrayRef<llvm::StringRef> exports) {
  llvm::AttrBuilder attributes(module.getContext());
  attributes.addAttribute(llvm::Attribute::NoUnwind);
  attributes.addAttribute("no-builtins");
  attributes.addAttribute("target-cpu", "x86-64");
  attributes.addAttribute("target-features", target.features);
  attributes.addAttribute("tune-cpu", target.cpu);
  if (target.description.vectorBits == 512) {
    attributes.addAttribute("prefer-vector-width", "512");
    attributes.addAttribute("min-legal-vector-width", "512");
  }
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    bool exported = llvm::is_contained(exports, function.getName());
    function.setLinkage(exported ? llvm::GlobalValue::ExternalLinkage
                                 : llvm::GlobalValue::InternalLinkage);
    function.setVisibility(llvm::GlobalValue::DefaultVisibility);
    function.setDSOLocal(true);
    function.setUWTableKind(llvm::UWTableKind::None);
    function.addFnAttrs(attributes);
    // What an image exports only calls kernels: its code would get no faster.
    if (llvm::is_contained(kExports, function.getName())) {
      function.addFnAttr(llvm::Attribute::OptimizeNone);
      function.addFnAttr(llvm::Attribute::NoInline);
    }
  }
  for (llvm::GlobalVariable &variable : module.globals()) {
    if (variable.isDeclaration())
      continue;
    variable.setLinkage(llvm::GlobalValue::InternalLinkage);
    variable.setVisibility(llvm::GlobalValue::DefaultVisibility);
    variable.setDSOLocal(true);
  }
  std::string missing;
  for (llvm::StringRef name : exports)
    if (llvm::Function *function = module.getFunction(name); !function || function->isDeclaration())
      missing += (missing.empty() ? "'" : ", '") + name.str() + "'";
  if (!missing.empty())
    return internalError("the module defines no function " + missing);
  return {};
}

Result<std::unique_ptr<llvm::Module>> codegen::translate(mlir::ModuleOp module, Context &context,
                                                         llvm::TargetMachine &machine,
                                                         const Target &target,
                                                         llvm::ArrayRef<llvm::StringRef> exports) {
  mlir::MLIRContext &mlirContext = *module.getContext();
  mlir::registerBuiltinDialectTranslation(mlirContext);
  mlir::registerLLVMDialectTranslation(mlirContext);
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(&mlirContext, [&](mlir::Diagnostic &diagnostic) {
    diagnostics += "\n" + diagnostic.str();
    return mlir::success();
  });
  // Default alignments come from the data layout, so it has to be there first.
  std::string layout = machine.createDataLayout().getStringRepresentation();
  module->setAttr(mlir::LLVM::LLVMDialect::getDataLayoutAttrName(),
                  mlir::StringAttr::get(&mlirContext, layout));
  // The verifier runs below, after the module has got its final shape.
  std::unique_ptr<llvm::Module> result =
      mlir::translateModuleToLLVMIR(module, *context, "mlc", /*disableVerification=*/true);
  if (!result)
    return internalError("cannot translate to LLVM IR" + diagnostics);
  result->setTargetTriple(machine.getTargetTriple());
  result->setPICLevel(llvm::PICLevel::BigPIC);
  if (Status s = shapeModule(*result, target, exports); !s)
    return s.takeError();
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(*result, &stream))
    return internalError("malformed LLVM IR: " + broken);
  return result;
}

void codegen::runPasses(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::FunctionAnalysisManager analyses;
  analyses.registerPass([] { return llvm::PassInstrumentationAnalysis(); });
  analyses.registerPass([] { return llvm::AssumptionAnalysis(); });
  analyses.registerPass([] { return llvm::DominatorTreeAnalysis(); });
  analyses.registerPass([&] { return llvm::TargetLibraryAnalysis(); });
  analyses.registerPass([&] { return machine.getTargetIRAnalysis(); });
  // EarlyCSE alone: more passes gave the same kernels, and idiom recognition
  // would make calls of memset and memcpy, which an image may not have.
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass());
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      passes.run(function, analyses);
}
