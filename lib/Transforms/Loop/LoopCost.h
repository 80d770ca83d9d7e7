//===- LoopCost.h - How long loops of kernels may take ----------*- C++ -*-===//
//
// Upper bounds, in ops that are run, each counted as one.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_TRANSFORMS_LOOP_LOOPCOST_H
#define MLC_LIB_TRANSFORMS_LOOP_LOOPCOST_H

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlc::ir {

/// a * b of what is not negative; what is too large is a bound that may be added up.
int64_t boundedProduct(int64_t a, int64_t b);

/// How often the body runs at most. Sizes that the run time knows are without bound.
int64_t iterations(mlir::scf::ForOp loop);

/// Ops that run when the op or block does, at most.
int64_t cost(mlir::Operation &op);
int64_t cost(mlir::Block &block);
/// Whether a cost does not hang on a size that the run time knows.
bool isBounded(int64_t cost);

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_LOOPCOST_H
