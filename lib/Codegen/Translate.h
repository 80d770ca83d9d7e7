//===- Translate.h - From the LLVM dialect to machine code ------*- C++ -*-===//
#ifndef MLC_LIB_CODEGEN_TRANSLATE_H
#define MLC_LIB_CODEGEN_TRANSLATE_H

#include "mlc/Codegen/Codegen.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace mlc::codegen {

/// The functions that an image exports.
inline constexpr llvm::StringRef kExports[] = {"run", "prepare", "workspace_bytes",
                                               "prepare_workspace_bytes"};

/// An LLVM context that collects errors instead of printing them and exiting.
class Context {
public:
  Context();
  llvm::LLVMContext &operator*() { return *context; }
  std::unique_ptr<llvm::LLVMContext> take() { return std::move(context); }
  /// Errors that LLVM reported, one a line.
  const std::string &errors() const { return *collected; }

private:
  std::unique_ptr<llvm::LLVMContext> context;
  std::shared_ptr<std::string> collected = std::make_shared<std::string>();
};

Result<std::unique_ptr<llvm::TargetMachine>> makeTargetMachine(const Target &target, bool optimize);

/// LLVM IR of a module in the phase llvm, made for `machine`: `exports`, all else internal.
Result<std::unique_ptr<llvm::Module>> translate(mlir::ModuleOp module, Context &context,
                                                llvm::TargetMachine &machine, const Target &target,
                                                llvm::ArrayRef<llvm::StringRef> exports);

/// LLVM's own passes, few: the IR that arrives is already what is wanted.
void runPasses(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace mlc::codegen

#endif // MLC_LIB_CODEGEN_TRANSLATE_H
