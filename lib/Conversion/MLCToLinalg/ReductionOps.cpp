//===- ReductionOps.cpp - reduce and softmax ------------------------------===//
//
// A reduction is a fill with the neutral element and one linalg.generic whose
// body combines an element with the destination's; a mean divides in place. bf16 and f16
// are reduced in tensors of f32, whose elements are rounded in the end.
//
//===----------------------------------------------------------------------===//

#include "TensorLowerings.h"

#include "mlc/Transforms/Loop/MathFunctions.h"

#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace mlc::ir;

using Combine = KernelLowering::Combine;

static Value combineSum(ImplicitLocOpBuilder &b, Value element, Value sum) {
  if (isa<FloatType>(sum.getType()))
    return arith::AddFOp::create(b, sum, element);
  return arith::AddIOp::create(b, sum, element);
}
static Value combineMax(ImplicitLocOpBuilder &b, Value element, Value max) {
  if (isa<FloatType>(max.getType()))
    return arith::MaximumFOp::create(b, max, element);
  return arith::MaxSIOp::create(b, max, element);
}
static Value combineMin(ImplicitLocOpBuilder &b, Value element, Value min) {
  if (isa<FloatType>(min.getType()))
    return arith::MinimumFOp::create(b, min, element);
  return arith::MinSIOp::create(b, min, element);
}

/// The value that max (or min) of nothing has.
static TypedAttr extreme(Builder &b, Type type, bool lowest) {
  if (auto real = dyn_cast<FloatType>(type))
    return b.getFloatAttr(type, llvm::APFloat::getInf(real.getFloatSemantics(), lowest));
  unsigned width = type.getIntOrFloatBitWidth();
  return b.getIntegerAttr(type, lowest ? llvm::APInt::getSignedMinValue(width)
                                       : llvm::APInt::getSignedMaxValue(width));
}

FailureOr<Value> mlc::ir::lowerReduce(KernelLowering &kernel, Operation *op, Value destination) {
  auto reduce = cast<ReduceOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  auto from = cast<RankedTensorType>(reduce.getOperand().getType());
  auto to = cast<RankedTensorType>(destination.getType());
  Type stored = to.getElementType(), element = computingType(stored);
  ArrayRef<int64_t> axes = reduce.getAxes();
  StringRef kind = reduce.getKind();

  SmallVector<AffineExpr> kept;
  int64_t count = 1;
  for (int64_t i = 0; i < from.getRank(); ++i) {
    bool reduced = llvm::is_contained(axes, i);
    if (!reduced)
      kept.push_back(b.getAffineDimExpr(i));
    else if (reduce.getKeepDims())
      kept.push_back(b.getAffineConstantExpr(0));
    if (reduced)
      count *= from.getDimSize(i);
  }
  AffineMap map = AffineMap::get(from.getRank(), 0, kept, b.getContext());

  Combine combine = kind == "max" ? combineMax : kind == "min" ? combineMin : combineSum;
  TypedAttr neutral =
      kind == "max" || kind == "min" ? extreme(b, element, kind == "max") : b.getZeroAttr(element);
  Value result = stored == element ? destination : kernel.emptyApart(computingType(to));
  result = kernel.reduceElements(reduce.getOperand(), kernel.fill(result, neutral), map, axes,
                                 [&](ImplicitLocOpBuilder &nested, Value next, Value soFar) {
                                   return combine(nested, widened(nested, next), soFar);
                                 });
  auto finish = [&](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
    Value value = x[0];
    if (kind == "mean") {
      auto divisor = nested.getFloatAttr(element, static_cast<double>(count));
      value = arith::DivFOp::create(nested, value, arith::ConstantOp::create(nested, divisor));
    }
    return rounded(nested, value, stored);
  };
  AffineMap own = kernel.identity(to.getRank());
  if (stored != element)
    return kernel.generic({result}, destination, {own, own}, {}, finish);
  return kind == "mean" ? kernel.generic({}, result, {own}, {}, finish) : result;
}

FailureOr<Value> mlc::ir::lowerSoftmax(KernelLowering &kernel, Operation *op, Value destination) {
  auto softmax = cast<SoftmaxOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  Value source = kernel.materialize(softmax.getOperand());
  auto type = cast<RankedTensorType>(source.getType());
  int64_t rank = type.getRank(), axis = softmax.getAxis();
  SmallVector<int64_t> rowShape;
  SmallVector<AffineExpr> rowExprs;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) {
      rowShape.push_back(type.getDimSize(i));
      rowExprs.push_back(b.getAffineDimExpr(i));
    }
  Type stored = type.getElementType(), element = computingType(stored);
  auto rowType = RankedTensorType::get(rowShape, element);
  AffineMap all = kernel.identity(rank), row = AffineMap::get(rank, 0, rowExprs, b.getContext());

  // The maximum of what is not NaN is enough: a NaN makes the sum NaN, and so all results.
  Value max = kernel.fill(kernel.emptyApart(rowType), extreme(b, element, true));
  max = kernel.generic(
      {source}, max, {all, row}, {axis}, [](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
        Value next = widened(nested, x[0]);
        Value greater = arith::CmpFOp::create(nested, arith::CmpFPredicate::OGT, next, x[1]);
        return arith::SelectOp::create(nested, greater, next, x[1]);
      });
  Value exps = stored == element ? destination : kernel.emptyApart(computingType(type));
  exps = kernel.generic({source, max}, exps, {all, row, all}, {},
                        [](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
                          Value next = widened(nested, x[0]);
                          return emitDecay(nested, arith::SubFOp::create(nested, next, x[1]));
                        });
  Value sum = kernel.fill(kernel.emptyApart(rowType), b.getZeroAttr(element));
  sum = kernel.generic(
      {exps}, sum, {all, row}, {axis},
      [](ImplicitLocOpBuilder &nested, ValueRange x) { return combineSum(nested, x[0], x[1]); });
  // One division a row: the sum is 1 at least, so that nothing overflows or is denormal.
  AffineMap own = kernel.identity(rank - 1);
  Value factor =
      kernel.generic({}, sum, {own}, {}, [](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
        auto one = arith::ConstantOp::create(nested, nested.getFloatAttr(x[0].getType(), 1.0));
        return arith::DivFOp::create(nested, one, x[0]);
      });
  if (stored != element)
    return kernel.generic({factor, exps}, destination, {row, all, all}, {},
                          [&](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
                            return rounded(nested, arith::MulFOp::create(nested, x[1], x[0]),
                                           stored);
                          });
  return kernel.generic({factor}, exps, {row, all}, {},
                        [](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
                          return arith::MulFOp::create(nested, x[1], x[0]);
                        });
}
