//===- Codegen.h - From the LLVM dialect to an image ------------*- C++ -*-===//
#ifndef MLC_CODEGEN_CODEGEN_H
#define MLC_CODEGEN_CODEGEN_H

#include "mlc/Abi/Interface.h"
#include "mlc/Pipelines/Pipelines.h"
#include "mlc/Support/Result.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace mlc::codegen {

/// A CPU to compile for.
struct Target {
  std::string cpu;      ///< LLVM's name, e.g. "icelake-server" or "x86-64-v3".
  std::string features; ///< LLVM's feature string, "+avx2,+fma,...".
  ir::TargetDescription description;
};

/// "native" (the host), "x86-64-v2", "x86-64-v3" or "x86-64-v4"; others are Usage errors.
Result<Target> findTarget(const std::string &name);

/// What code for vectors is compiled for if images on other CPUs are to have it, too: the highest
/// of the levels x86-64-v2 to v4 that `target` has, or `target` itself if its vectors are others.
/// Levels have no dot products.
Target levelOf(const Target &target);

/// LLVM IR text of a module in the phase llvm, before LLVM's own passes.
Result<std::string> emitLLVM(mlir::ModuleOp module, const Target &target);
/// Assembly of what the image will hold.
Result<std::string> emitAssembly(mlir::ModuleOp module, const Target &target, bool optimize);
/// Compiles and links with ORC and JITLink, together with object files that emitKernel has
/// made; `interface` travels in the image, its cpu and features are filled in here. An
/// undefined symbol is an Internal error that names it.
Result<std::string> emitImage(mlir::ModuleOp module, ImageInterface interface, const Target &target,
                              bool optimize, llvm::ArrayRef<llvm::StringRef> objects = {});
/// An object file with the kernel `name` of a module in the phase llvm, for images to come.
Result<std::string> emitKernel(mlir::ModuleOp module, const std::string &name, const Target &target,
                               bool optimize);

} // namespace mlc::codegen

#endif // MLC_CODEGEN_CODEGEN_H
