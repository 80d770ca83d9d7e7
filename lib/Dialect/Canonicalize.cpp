// Canonicalization patterns of mlc ops: those that a folder cannot express
// because they build an op. Exact, like the folders.

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mlc::ir {

// reshape(reshape(x)) -> reshape(x)
static LogicalResult mergeReshapes(ReshapeOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<ReshapeOp>();
  if (!inner)
    return failure();
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), inner.getOperand(), op.getShapeAttr());
  return success();
}

// transpose(transpose(x)) -> transpose(x)
static LogicalResult mergeTransposes(TransposeOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<TransposeOp>();
  if (!inner)
    return failure();
  llvm::SmallVector<int64_t> permutation;
  for (int64_t from : op.getPermutation())
    permutation.push_back(inner.getPermutation()[from]);
  rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getOperand(),
                                           rewriter.getDenseI64ArrayAttr(permutation));
  return success();
}

// broadcast(broadcast(x)) -> broadcast(x)
static LogicalResult mergeBroadcasts(BroadcastOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<BroadcastOp>();
  if (!inner)
    return failure();
  llvm::SmallVector<int64_t> axes;
  for (int64_t axis : inner.getAxes())
    axes.push_back(op.getAxes()[axis]);
  rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), inner.getOperand(), op.getShapeAttr(),
                                           rewriter.getDenseI64ArrayAttr(axes));
  return success();
}

// abs(neg(x)) -> abs(x)
static LogicalResult absOfNeg(AbsOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<NegOp>();
  if (!inner)
    return failure();
  rewriter.replaceOpWithNewOp<AbsOp>(op, op.getType(), inner.getOperand());
  return success();
}

// matmul of a transposition of the two trailing dimensions -> its attribute
static LogicalResult matmulOfTranspose(MatMulOp op, PatternRewriter &rewriter) {
  auto swapped = [](mlir::Value operand) -> mlir::Value {
    auto transpose = operand.getDefiningOp<TransposeOp>();
    if (!transpose)
      return {};
    llvm::ArrayRef<int64_t> permutation = transpose.getPermutation();
    int64_t rank = permutation.size();
    for (int64_t d = 0; d < rank - 2; ++d)
      if (permutation[d] != d)
        return {};
    // Of a canonical transposition that leaves these exchanged.
    return permutation[rank - 1] == rank - 2 ? transpose.getOperand() : mlir::Value();
  };
  mlir::Value lhs = swapped(op.getLhs()), rhs = swapped(op.getRhs());
  if (!lhs && !rhs)
    return failure();
  rewriter.replaceOpWithNewOp<MatMulOp>(
      op, op.getType(), lhs ? lhs : op.getLhs(), rhs ? rhs : op.getRhs(),
      rewriter.getBoolAttr(op.getTransposeA() != static_cast<bool>(lhs)),
      rewriter.getBoolAttr(op.getTransposeB() != static_cast<bool>(rhs)));
  return success();
}

// concat drops operands without elements along its axis
static LogicalResult dropEmptyOperands(ConcatOp op, PatternRewriter &rewriter) {
  llvm::SmallVector<mlir::Value> kept;
  for (mlir::Value operand : op.getOperands())
    if (cast<RankedTensorType>(operand.getType()).getDimSize(op.getAxis()) != 0)
      kept.push_back(operand);
  if (kept.empty() || kept.size() == op.getNumOperands())
    return failure();
  rewriter.replaceOpWithNewOp<ConcatOp>(op, op.getType(), kept, op.getAxisAttr());
  return success();
}

void MLCDialect::getCanonicalizationPatterns(RewritePatternSet &patterns) const {
  patterns.add(mergeReshapes);
  patterns.add(mergeTransposes);
  patterns.add(mergeBroadcasts);
  patterns.add(absOfNeg);
  patterns.add(matmulOfTranspose);
  patterns.add(dropEmptyOperands);
}

} // namespace mlc::ir
