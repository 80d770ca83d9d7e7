// mlc-pack-weights: matmul -> pack and packed_matmul, on functions of mlc ops.
// Leaves alone batched products, integers, products without elements, and right-hand sides with a
// symbolic number of columns.

#include "ParameterOnly.h"
#include "Quantize.h"

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
    if (tile < 1 || tileOfFew < 1 || tileOfAny < 1 || tileOfOne < 1 || vector < 1) {
      getOperation().emitError("mlc-pack-weights: `tile`, `tile-of-few`, `tile-of-any`, "
                               "`tile-of-one` and "
                               "`vector` must be at least 1");
      return signalPassFailure();
    }
    for (Block &block : getOperation().getBody()) {
      llvm::DenseSet<Value> known = parameterOnlyValues(block);
      llvm::SmallVector<MatMulOp> matmuls;
      block.walk([&](MatMulOp op) {
        if (!op->getParentOfType<FusionOp>())
          matmuls.push_back(op);
      });
      for (MatMulOp op : matmuls) {
        bool isWeight = known.contains(op.getRhs());
        if (!isWorthPacking(op, isWeight || isReadOften(op)))
          continue;
        IRRewriter rewriter(op);
        ImplicitLocOpBuilder b(op.getLoc(), rewriter);
        bool mayReduce = isWeight && op.getType().getElementType().isF32();
        rewriter.replaceOp(op, product(b, op, mayReduce ? weights : WeightType::AsGiven));
      }
    }
  }

  static bool isWorthPacking(MatMulOp op, bool isWeight) {
    RankedTensorType type = op.getRhs().getType();
    Type element = type.getElementType();
    bool isMatrix = type.getRank() == 2 && (element.isF32() || element.isBF16() || element.isF16());
    return isMatrix && (isWeight || op.getTransposeB()) && columns(op) > 0 && depthOf(op) != 0;
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
  static int64_t depthOf(MatMulOp op) {
    return op.getRhs().getType().getDimSize(op.getTransposeB() ? 1 : 0);
  }

  /// Columns of a panel: more for rows that are or may be few, so that a multiply-add need not
  /// wait for the one before; and no more than there are. f32 that one row multiplies comes no
  /// faster than that, what is narrower does.
  int64_t panelColumns(MatMulOp op, bool isWidened) {
    int64_t rows = op.getLhs().getType().getDimSize(op.getTransposeA() ? 1 : 0);
    constexpr int64_t kFewRows = 6;
    int64_t wanted = ShapedType::isDynamic(rows) ? tileOfAny
                     : rows == 1 && isWidened    ? tileOfOne
                     : rows <= kFewRows          ? tileOfFew
                                                 : tile;
    return std::min<int64_t>(wanted, llvm::alignTo(columns(op), vector));
  }

  /// `matrix`, the right-hand side in any type, in panels with `depth` elements side by side.
  Value pack(ImplicitLocOpBuilder &b, MatMulOp op, Value matrix, int64_t depth) {
    auto type = cast<RankedTensorType>(matrix.getType());
    Type element = type.getElementType();
    int64_t width = panelColumns(op, element.isBF16() || (element.isInteger(8) && depth == 1));
    llvm::SmallVector<int64_t> shape{llvm::divideCeilSigned(columns(op), width), depthOf(op),
                                     width};
    if (depth > 1) {
      shape[1] = llvm::divideCeilSigned(shape[1], depth);
      shape.push_back(depth);
    }
    return PackOp::create(b, RankedTensorType::get(shape, element), matrix,
                          b.getI64IntegerAttr(width), op.getTransposeBAttr(),
                          b.getI64IntegerAttr(depth));
  }

  static Value multiply(ImplicitLocOpBuilder &b, MatMulOp op, Value lhs, Value packed, Type sum) {
    return PackedMatMulOp::create(b, op.getType().clone(sum), lhs, packed, op.getTransposeAAttr());
  }

  Value product(ImplicitLocOpBuilder &b, MatMulOp op, WeightType type) {
    switch (type) {
    case WeightType::AsGiven:
      return multiply(b, op, op.getLhs(), pack(b, op, op.getRhs(), 1),
                      op.getType().getElementType());
    case WeightType::BF16: {
      Value rounded = CastOp::create(b, op.getRhs().getType().clone(b.getBF16Type()), op.getRhs(),
                                     b.getStringAttr("bf16"));
      // Two fill an f32.
      return multiply(b, op, op.getLhs(), pack(b, op, rounded, 2), b.getF32Type());
    }
    case WeightType::Int8: {
      Quantized w = quantizeAlong(b, op.getRhs(), op.getTransposeB() ? 1 : 0, b.getI8Type());
      Value sum = multiply(b, op, op.getLhs(), pack(b, op, w.values, 1), b.getF32Type());
      return scaled(b, sum, w.scales, 1);
    }
    case WeightType::Int8Dynamic:
      return canBeExact(op) ? exactProduct(b, op) : product(b, op, WeightType::Int8);
    }
    llvm_unreachable("unknown type of weights");
  }

  /// Whether rows of the left-hand side lie in one piece and sums of products of bytes fit an i32.
  static bool canBeExact(MatMulOp op) {
    constexpr int64_t kDeepest = INT32_MAX / (127 * 127);
    return !op.getTransposeA() && depthOf(op) <= kDeepest;
  }

  /// The sums of products of integers, times both scales.
  Value exactProduct(ImplicitLocOpBuilder &b, MatMulOp op) {
    int64_t axis = op.getTransposeB() ? 1 : 0;
    Type left = dotProducts ? Type(b.getIntegerType(8, false)) : b.getI16Type();
    Quantized w = quantizeAlong(b, op.getRhs(), axis, b.getI8Type());
    Quantized x = quantizeAlong(b, op.getLhs(), 1, left);
    // Instructions for dot products take four bytes, of which those on the left have no sign.
    Value packed = pack(b, op, w.values, dotProducts ? 4 : 2);
    Value sum = multiply(b, op, x.values, packed, b.getI32Type());
    if (dotProducts)
      sum = withoutOffset(b, sum, w.values, axis);
    sum = CastOp::create(b, op.getType(), sum, b.getStringAttr("f32"));
    return scaled(b, scaled(b, sum, x.scales, 0), w.scales, 1);
  }
};

} // namespace
} // namespace mlc::ir
