//===- LowerKernels.h - From memref arguments to pointers -------*- C++ -*-===//
#ifndef MLC_LIB_CONVERSION_TOLLVM_LOWERKERNELS_H
#define MLC_LIB_CONVERSION_TOLLVM_LOWERKERNELS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"

namespace mlc::ir {

/// What kernels that ask the host get as their last arguments, in this order: pointers to
/// its cancel flag (never null), to the status that the driver returns unless it is 0, and
/// to the host's table, which may be null.
struct Asking {
  mlir::Value flag, status, host;
  llvm::SmallVector<mlir::Value> values() const { return {flag, status, host}; }
};

/// The kernels that ask the host something: whether it wants the run to end, to run a
/// range on its threads, or where to count time.
llvm::DenseSet<mlir::StringAttr> kernelsThatAsk(mlir::ModuleOp module);

/// Gives kernels a pointer for each memref, then the symbolic size if a memref has it and
/// no argument is it, then what is in Asking if they ask.
mlir::LogicalResult lowerKernels(mlir::ModuleOp module, const mlir::LLVMTypeConverter &types);

} // namespace mlc::ir

#endif // MLC_LIB_CONVERSION_TOLLVM_LOWERKERNELS_H
