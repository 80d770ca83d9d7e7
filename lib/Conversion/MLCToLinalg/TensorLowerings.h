//===- TensorLowerings.h - The ops that are not element-wise ----*- C++ -*-===//
#ifndef MLC_CONVERSION_MLCTOLINALG_TENSORLOWERINGS_H
#define MLC_CONVERSION_MLCTOLINALG_TENSORLOWERINGS_H

#include "Lowering.h"

namespace mlc::ir {

#define MLC_TENSOR_LOWERING(NAME)                                                                  \
  mlir::FailureOr<mlir::Value> NAME(KernelLowering &, mlir::Operation *, mlir::Value destination)
MLC_TENSOR_LOWERING(lowerMatMul);
MLC_TENSOR_LOWERING(lowerPackedMatMul);
MLC_TENSOR_LOWERING(lowerPack);
MLC_TENSOR_LOWERING(lowerReduce);
MLC_TENSOR_LOWERING(lowerSoftmax);
MLC_TENSOR_LOWERING(lowerConstant);
MLC_TENSOR_LOWERING(lowerReshape);
MLC_TENSOR_LOWERING(lowerTranspose);
MLC_TENSOR_LOWERING(lowerSlice);
MLC_TENSOR_LOWERING(lowerConcat);
MLC_TENSOR_LOWERING(lowerTake);
#undef MLC_TENSOR_LOWERING

/// The elements of a slice where they lie.
mlir::Value viewOf(KernelLowering &, SliceOp);

} // namespace mlc::ir

#endif // MLC_CONVERSION_MLCTOLINALG_TENSORLOWERINGS_H
