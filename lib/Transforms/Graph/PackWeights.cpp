// mlc-pack-weights: matmul -> pack and packed_matmul, on functions of mlc ops.
// Leaves alone batched products, other dtypes than f32, products without
// elements, and right-hand sides with a symbolic number of columns.

#include "ParameterOnly.h"

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

struct PackWeightsPass : impl::PackWeightsPassBase<PackWeightsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (tile < 1 || tileOfFew < 1 || vector < 1) {
      getOperation().emitError(
          "mlc-pack-weights: `tile`, `tile-of-few` and `vector` must be at least 1");
      return signalPassFailure();
    }
    for (Block &block : getOperation().getBody()) {
      llvm::DenseSet<Value> weights = parameterOnlyValues(block);
      llvm::SmallVector<MatMulOp> matmuls;
      block.walk([&](MatMulOp op) {
        if (!op->getParentOfType<FusionOp>())
          matmuls.push_back(op);
      });
      for (MatMulOp op : matmuls)
        if (isWorthPacking(op, weights.contains(op.getRhs()) || isReadOften(op)))
          pack(op);
    }
  }

  static bool isWorthPacking(MatMulOp op, bool isWeight) {
    RankedTensorType type = op.getRhs().getType();
    bool isMatrix = type.getRank() == 2 && type.getElementType().isF32();
    return isMatrix && (isWeight || op.getTransposeB()) && columns(op) > 0 &&
           type.getDimSize(op.getTransposeB() ? 1 : 0) != 0;
  }

  /// Whether so many rows are multiplied by what is no weight that packing it in each run
  /// costs less than reading it in place, where rows of a panel lie far apart: in pages of
  /// their own, and with some sizes in the same few sets of the cache.
  static bool isReadOften(MatMulOp op) {
    constexpr int64_t kRows = 64, kElements = 1 << 16;
    RankedTensorType lhs = op.getLhs().getType(), rhs = op.getRhs().getType();
    int64_t rows = lhs.getRank() == 2 ? lhs.getDimSize(op.getTransposeA() ? 1 : 0) : 0;
    return !ShapedType::isDynamic(rows) && rows >= kRows && rhs.hasStaticShape() &&
           rhs.getNumElements() >= kElements;
  }

  // Negative when it is symbolic.
  static int64_t columns(MatMulOp op) {
    return op.getRhs().getType().getDimSize(op.getTransposeB() ? 0 : 1);
  }

  /// Columns of a panel: more for few rows, so that a multiply-add need not wait for the one
  /// before; and no more than there are.
  int64_t panelColumns(MatMulOp op) {
    int64_t rows = op.getLhs().getType().getDimSize(op.getTransposeA() ? 1 : 0);
    constexpr int64_t kFewRows = 6;
    bool isFew = !ShapedType::isDynamic(rows) && rows <= kFewRows;
    return std::min<int64_t>(isFew ? tileOfFew : tile, llvm::alignTo(columns(op), vector));
  }

  void pack(MatMulOp op) {
    int64_t n = columns(op);
    int64_t width = panelColumns(op);
    RankedTensorType rhs = op.getRhs().getType();
    auto packedType = RankedTensorType::get(
        {llvm::divideCeilSigned(n, width), rhs.getDimSize(op.getTransposeB() ? 1 : 0), width},
        rhs.getElementType());
    IRRewriter rewriter(op);
    auto packed = PackOp::create(rewriter, op.getLoc(), packedType, op.getRhs(),
                                 rewriter.getI64IntegerAttr(width), op.getTransposeBAttr());
    rewriter.replaceOpWithNewOp<PackedMatMulOp>(op, op.getType(), op.getLhs(), packed,
                                                op.getTransposeAAttr());
  }
};

} // namespace
} // namespace mlc::ir
