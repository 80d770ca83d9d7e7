//===- KernelLibrary.h - Kernels that images have in common -----*- C++ -*-===//
#ifndef MLC_LIB_COMPILER_KERNELLIBRARY_H
#define MLC_LIB_COMPILER_KERNELLIBRARY_H

#include "mlc/Codegen/Codegen.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>
#include <string>
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
/// them compiled: by an earlier request of the process, or now, in which case `lower` takes a
/// module of one kernel to a later phase. The process keeps those that were used last, 8 MiB of
/// them. Thread-safety: may be called from many threads at once.
Result<std::vector<SharedKernel>>
takeOutKernels(mlir::ModuleOp module, const codegen::Target &target, bool optimize, int64_t grain,
               llvm::function_ref<Status(mlir::ModuleOp, ir::Phase)> lower);

} // namespace mlc

#endif // MLC_LIB_COMPILER_KERNELLIBRARY_H
