//===- KernelLibrary.h - Kernels that images have in common -----*- C++ -*-===//
#ifndef MLC_LIB_COMPILER_KERNELLIBRARY_H
#define MLC_LIB_COMPILER_KERNELLIBRARY_H

#include "mlc/Codegen/Codegen.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlc {

/// A kernel that was compiled by itself: an object file that defines it.
struct CompiledKernel {
  std::string object;
  bool asks = false; ///< Whether it takes what kernels that ask the host do.
};
using SharedKernel = std::shared_ptr<const CompiledKernel>;

/// Takes the bodies of kernels that are given their sizes out of a module in the phase buffers,
/// gives them names that say all that their code depends on, and returns
/// them compiled: by an earlier request of the process, together with mlc, or now, in which case
/// `lower` takes a module of one kernel to a later phase. The process keeps those that were used
/// last, 8 MiB of them. Thread-safety: may be called from many threads at once.
Result<std::vector<SharedKernel>>
takeOutKernels(mlir::ModuleOp module, const codegen::Target &target, bool optimize, int64_t grain,
               llvm::function_ref<Status(mlir::ModuleOp, ir::Phase)> lower);

/// Where the process has had its kernels from so far, and how many are gone.
struct KernelCounts {
  int64_t known = 0;    ///< An earlier request.
  int64_t builtIn = 0;  ///< builtInKernels().
  int64_t compiled = 0; ///< The compiler.
  int64_t dropped = 0;  ///< Of all these, no longer kept.
};
KernelCounts kernelCounts();

/// What packKernels() has made when mlc was built, for some levels; nothing in programs that only
/// have this library.
llvm::ArrayRef<std::string_view> builtInKernels();

/// All kernels that the process keeps, sorted by their names, as builtInKernels() has them.
std::string packKernels();

} // namespace mlc

#endif // MLC_LIB_COMPILER_KERNELLIBRARY_H
