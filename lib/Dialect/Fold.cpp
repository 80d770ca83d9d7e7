// Folders of mlc ops. A fold never changes a bit of a result: neutral elements
// only where IEEE arithmetic agrees for every operand (x - 0, x * 1, but not
// x + 0 or x * 0), constants only where the operation is exact or correctly
// rounded. No constant of more than kMaxFoldedElements elements is made, so that
// folding cannot grow a module.

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/APSInt.h"

using namespace mlir;
using llvm::APFloat;
using llvm::APInt;
using llvm::APSInt;

namespace mlc::ir {

namespace {

constexpr int64_t kMaxFoldedElements = 4096;

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

// The elements of a constant of integer or bool dtype, with their signedness.
llvm::SmallVector<APSInt> integers(DenseElementsAttr elements) {
  bool isUnsigned =
      elements.getElementType().isUnsignedInteger() || elements.getElementType().isInteger(1);
  llvm::SmallVector<APSInt> values;
  for (const APInt &value : elements.getValues<APInt>())
    values.emplace_back(value, isUnsigned);
  return values;
}

llvm::SmallVector<APFloat> floats(DenseElementsAttr elements) {
  return llvm::to_vector(elements.getValues<APFloat>());
}

bool isFloat(Type type) { return isa<FloatType>(cast<RankedTensorType>(type).getElementType()); }

DenseElementsAttr constantOf(RankedTensorType type, llvm::ArrayRef<APFloat> values) {
  return DenseElementsAttr::get(type, values);
}
DenseElementsAttr constantOf(RankedTensorType type, llvm::ArrayRef<APSInt> values) {
  llvm::SmallVector<APInt> plain(values.begin(), values.end());
  return DenseElementsAttr::get(type, plain);
}
DenseElementsAttr constantOf(RankedTensorType type, llvm::ArrayRef<bool> values) {
  return DenseElementsAttr::get(type, values);
}

// The constant operands, or nothing if one is not constant or the result is too
// large.
std::optional<llvm::SmallVector<DenseElementsAttr, 3>>
constants(llvm::ArrayRef<mlir::Attribute> operands, Type resultType) {
  auto type = cast<RankedTensorType>(resultType);
  if (!type.hasStaticShape() || type.getNumElements() > kMaxFoldedElements)
    return std::nullopt;
  llvm::SmallVector<DenseElementsAttr, 3> elements;
  for (mlir::Attribute operand : operands) {
    auto dense = dyn_cast_if_present<DenseElementsAttr>(operand);
    if (!dense)
      return std::nullopt;
    elements.push_back(dense);
  }
  return elements;
}

template <typename T, typename Fn>
DenseElementsAttr zip(RankedTensorType type, llvm::ArrayRef<T> lhs, llvm::ArrayRef<T> rhs,
                      Fn function) {
  llvm::SmallVector<decltype(function(lhs[0], rhs[0]))> values;
  for (auto [a, b] : llvm::zip_equal(lhs, rhs))
    values.push_back(function(a, b));
  return constantOf(type, values);
}

// Applies `onFloats` or `onIntegers` to two constants.
template <typename FloatFn, typename IntFn>
OpFoldResult foldBinary(llvm::ArrayRef<mlir::Attribute> operands, Type resultType, FloatFn onFloats,
                        IntFn onIntegers) {
  auto elements = constants(operands, resultType);
  if (!elements)
    return {};
  auto type = cast<RankedTensorType>(resultType);
  DenseElementsAttr lhs = (*elements)[0], rhs = (*elements)[1];
  if (isFloat(lhs.getType()))
    return zip<APFloat>(type, floats(lhs), floats(rhs), onFloats);
  return zip<APSInt>(type, integers(lhs), integers(rhs), onIntegers);
}

template <typename FloatFn, typename IntFn>
OpFoldResult foldUnary(mlir::Attribute operand, Type resultType, FloatFn onFloats,
                       IntFn onIntegers) {
  return foldBinary(
      {operand, operand}, resultType,
      [&](const APFloat &a, const APFloat &) { return onFloats(a); },
      [&](const APSInt &a, const APSInt &) { return onIntegers(a); });
}

// A result with the elements `source[index(i)]`.
template <typename IndexFn>
OpFoldResult gather(mlir::Attribute operand, Type resultType, IndexFn index) {
  auto elements = constants({operand}, resultType);
  if (!elements)
    return {};
  auto type = cast<RankedTensorType>(resultType);
  DenseElementsAttr source = elements->front();
  int64_t count = type.getNumElements();
  if (source.isSplat() && count != 0)
    return source.resizeSplat(type);
  auto pick = [&](auto values) -> OpFoldResult {
    decltype(values) picked;
    for (int64_t i = 0; i < count; ++i)
      picked.push_back(values[index(i)]);
    return constantOf(type, picked);
  };
  return isFloat(type) ? pick(floats(source)) : pick(integers(source));
}

// Row-major coordinates of the flat index `i`, and back.
llvm::SmallVector<int64_t> unflatten(int64_t i, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> at(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    at[d] = i % shape[d];
    i /= shape[d];
  }
  return at;
}
int64_t flatten(llvm::ArrayRef<int64_t> at, llvm::ArrayRef<int64_t> shape) {
  int64_t i = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    i = i * shape[d] + at[d];
  return i;
}

//===----------------------------------------------------------------------===//
// Neutral elements
//===----------------------------------------------------------------------===//

// The constant that fills `value`, seen through broadcasts.
DenseElementsAttr splatOf(mlir::Value value) {
  while (auto broadcast = value.getDefiningOp<BroadcastOp>())
    value = broadcast.getOperand();
  if (auto constant = value.getDefiningOp<ConstantOp>())
    if (auto elements = dyn_cast<DenseElementsAttr>(constant.getValue()))
      if (elements.isSplat())
        return elements;
  return {};
}

// Whether every element of `value` is `number`, with its sign bit.
bool isAll(mlir::Value value, double number) {
  DenseElementsAttr splat = splatOf(value);
  if (!splat)
    return false;
  if (isFloat(splat.getType())) {
    APFloat wanted(number), found = splat.getSplatValue<APFloat>();
    bool losesInfo;
    wanted.convert(found.getSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return found.bitwiseIsEqual(wanted);
  }
  APInt found = splat.getSplatValue<APInt>();
  return found == APInt(found.getBitWidth(), static_cast<uint64_t>(number));
}

} // namespace

//===----------------------------------------------------------------------===//
// Constants and arithmetic
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  // x + 0 turns -0 into +0; x + -0 is x for every x.
  double zero = isFloat(getType()) ? -0.0 : 0.0;
  if (isAll(getRhs(), zero))
    return getLhs();
  if (isAll(getLhs(), zero))
    return getRhs();
  return foldBinary(
      adaptor.getOperands(), getType(), [](const APFloat &a, const APFloat &b) { return a + b; },
      [](const APSInt &a, const APSInt &b) { return a + b; });
}

OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  if (isAll(getRhs(), 0.0))
    return getLhs();
  return foldBinary(
      adaptor.getOperands(), getType(), [](const APFloat &a, const APFloat &b) { return a - b; },
      [](const APSInt &a, const APSInt &b) { return a - b; });
}

OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (isAll(getRhs(), 1.0))
    return getLhs();
  if (isAll(getLhs(), 1.0))
    return getRhs();
  return foldBinary(
      adaptor.getOperands(), getType(), [](const APFloat &a, const APFloat &b) { return a * b; },
      [](const APSInt &a, const APSInt &b) { return a * b; });
}

OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (isAll(getRhs(), 1.0))
    return getLhs();
  return foldBinary(
      adaptor.getOperands(), getType(), [](const APFloat &a, const APFloat &b) { return a / b; },
      [](const APSInt &a, const APSInt &b) {
        if (b.isZero())
          return b;
        // INT_MIN / -1 wraps to INT_MIN.
        return a.isUnsigned() ? APSInt(a.udiv(b), true) : APSInt(a.sdiv(b), false);
      });
}

OpFoldResult MaxOp::fold(FoldAdaptor adaptor) {
  return foldBinary(
      adaptor.getOperands(), getType(),
      [](const APFloat &a, const APFloat &b) { return llvm::maximum(a, b); },
      [](const APSInt &a, const APSInt &b) { return a < b ? b : a; });
}

OpFoldResult MinOp::fold(FoldAdaptor adaptor) {
  return foldBinary(
      adaptor.getOperands(), getType(),
      [](const APFloat &a, const APFloat &b) { return llvm::minimum(a, b); },
      [](const APSInt &a, const APSInt &b) { return b < a ? b : a; });
}

OpFoldResult NegOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getOperand().getDefiningOp<NegOp>())
    return inner.getOperand();
  return foldUnary(
      adaptor.getOperand(), getType(), [](const APFloat &a) { return llvm::neg(a); },
      [](const APSInt &a) { return APSInt(-a, a.isUnsigned()); });
}

OpFoldResult AbsOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getDefiningOp<AbsOp>())
    return getOperand();
  return foldUnary(
      adaptor.getOperand(), getType(), [](const APFloat &a) { return llvm::abs(a); },
      [](const APSInt &a) { return a.isNegative() ? APSInt(-a, a.isUnsigned()) : a; });
}

OpFoldResult ReluOp::fold(FoldAdaptor) {
  return getOperand().getDefiningOp<ReluOp>() ? OpFoldResult(getOperand()) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

OpFoldResult CompareOp::fold(FoldAdaptor adaptor) {
  llvm::StringRef direction = getDirection();
  // `less` and `equal` of two elements, both false for NaN.
  auto decide = [&](bool less, bool equal, bool unordered) {
    if (direction == "eq")
      return equal;
    if (direction == "ne")
      return !equal;
    if (unordered)
      return false;
    if (direction == "lt")
      return less;
    if (direction == "le")
      return less || equal;
    return direction == "gt" ? !less && !equal : !less;
  };
  return foldBinary(
      adaptor.getOperands(), getType(),
      [&](const APFloat &a, const APFloat &b) {
        APFloat::cmpResult order = a.compare(b);
        return decide(order == APFloat::cmpLessThan, order == APFloat::cmpEqual,
                      order == APFloat::cmpUnordered);
      },
      [&](const APSInt &a, const APSInt &b) { return decide(a < b, a == b, false); });
}

OpFoldResult LogicalAndOp::fold(FoldAdaptor) {
  if (isAll(getRhs(), 1) || getLhs() == getRhs())
    return getLhs();
  if (isAll(getLhs(), 1))
    return getRhs();
  if (isAll(getRhs(), 0))
    return getRhs();
  return isAll(getLhs(), 0) ? OpFoldResult(getLhs()) : OpFoldResult();
}

OpFoldResult LogicalOrOp::fold(FoldAdaptor) {
  if (isAll(getRhs(), 0) || getLhs() == getRhs())
    return getLhs();
  if (isAll(getLhs(), 0))
    return getRhs();
  if (isAll(getRhs(), 1))
    return getRhs();
  return isAll(getLhs(), 1) ? OpFoldResult(getLhs()) : OpFoldResult();
}

OpFoldResult LogicalNotOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getOperand().getDefiningOp<LogicalNotOp>())
    return inner.getOperand();
  return foldUnary(
      adaptor.getOperand(), getType(), [](const APFloat &a) { return a; },
      [](const APSInt &a) { return APSInt(~a, a.isUnsigned()); });
}

OpFoldResult SelectOp::fold(FoldAdaptor) {
  if (getOnTrue() == getOnFalse() || isAll(getPredicate(), 1))
    return getOnTrue();
  return isAll(getPredicate(), 0) ? OpFoldResult(getOnFalse()) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Conversion and shape
//===----------------------------------------------------------------------===//

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  auto elements = constants({adaptor.getOperand()}, getType());
  if (!elements)
    return {};
  DenseElementsAttr source = elements->front();
  auto type = cast<RankedTensorType>(getType());
  Type to = type.getElementType();
  bool toBool = to.isInteger(1), toUnsigned = to.isUnsignedInteger();
  auto convert = [&](const auto &values, auto function) -> OpFoldResult {
    llvm::SmallVector<decltype(function(values[0]))> converted;
    for (const auto &value : values)
      converted.push_back(function(value));
    return constantOf(type, converted);
  };
  if (isFloat(source.getType())) {
    if (toBool)
      return convert(floats(source), [](const APFloat &a) { return !a.isZero(); });
    if (auto toFloat = dyn_cast<FloatType>(to))
      return convert(floats(source), [&](APFloat a) {
        bool losesInfo;
        a.convert(toFloat.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
        return a;
      });
    return convert(floats(source), [&](const APFloat &a) {
      // Saturates, and makes NaN 0.
      APSInt value(to.getIntOrFloatBitWidth(), toUnsigned);
      bool isExact;
      a.convertToInteger(value, APFloat::rmTowardZero, &isExact);
      return value;
    });
  }
  if (toBool)
    return convert(integers(source), [](const APSInt &a) { return !a.isZero(); });
  if (auto toFloat = dyn_cast<FloatType>(to))
    return convert(integers(source), [&](const APSInt &a) {
      APFloat value(toFloat.getFloatSemantics());
      value.convertFromAPInt(a, a.isSigned(), APFloat::rmNearestTiesToEven);
      return value;
    });
  return convert(integers(source), [&](const APSInt &a) {
    return APSInt(a.extOrTrunc(to.getIntOrFloatBitWidth()), toUnsigned);
  });
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  auto operandType = cast<RankedTensorType>(getOperand().getType());
  auto type = cast<RankedTensorType>(getType());
  if (operandType == type)
    return getOperand();
  return gather(adaptor.getOperand(), type, [&](int64_t i) {
    llvm::SmallVector<int64_t> at = unflatten(i, type.getShape()), from;
    for (auto [axis, size] : llvm::zip_equal(getAxes(), operandType.getShape()))
      from.push_back(size == 1 ? 0 : at[axis]);
    return flatten(from, operandType.getShape());
  });
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  return gather(adaptor.getOperand(), getType(), [](int64_t i) { return i; });
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  llvm::ArrayRef<int64_t> permutation = getPermutation();
  bool isIdentity = true;
  for (auto [i, from] : llvm::enumerate(permutation))
    isIdentity &= static_cast<int64_t>(i) == from;
  if (isIdentity)
    return getOperand();
  auto operandShape = cast<RankedTensorType>(getOperand().getType()).getShape();
  auto shape = cast<RankedTensorType>(getType()).getShape();
  return gather(adaptor.getOperand(), getType(), [&](int64_t i) {
    llvm::SmallVector<int64_t> at = unflatten(i, shape), from(at.size());
    for (size_t d = 0; d < at.size(); ++d)
      from[permutation[d]] = at[d];
    return flatten(from, operandShape);
  });
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  // A slice with as many elements as its operand takes them all, in order.
  if (getOperand().getType() == getType())
    return getOperand();
  auto operandShape = cast<RankedTensorType>(getOperand().getType()).getShape();
  auto shape = cast<RankedTensorType>(getType()).getShape();
  return gather(adaptor.getOperand(), getType(), [&](int64_t i) {
    llvm::SmallVector<int64_t> at = unflatten(i, shape);
    for (auto [axis, start, stride] : llvm::zip_equal(getAxes(), getStarts(), getStrides()))
      at[axis] = start + at[axis] * stride;
    return flatten(at, operandShape);
  });
}

OpFoldResult TakeOp::fold(FoldAdaptor adaptor) {
  auto indices = dyn_cast_if_present<DenseElementsAttr>(adaptor.getIndices());
  if (!indices)
    return {};
  llvm::ArrayRef<int64_t> operandShape = getOperand().getType().getShape();
  int64_t axis = getAxis(), size = operandShape[axis];
  llvm::SmallVector<int64_t> places;
  for (const APSInt &index : integers(indices)) {
    int64_t place = index.getExtValue();
    if (place < -size || place >= size)
      return {}; // What is an error of the run stays one.
    places.push_back(place < 0 ? place + size : place);
  }
  auto shape = cast<RankedTensorType>(getType()).getShape();
  auto indicesShape = getIndices().getType().getShape();
  return gather(adaptor.getOperand(), getType(), [&](int64_t i) {
    llvm::SmallVector<int64_t> at = unflatten(i, shape);
    auto first = at.begin() + axis;
    llvm::SmallVector<int64_t> place(first, first + indicesShape.size());
    at.insert(at.erase(first, first + indicesShape.size()), places[flatten(place, indicesShape)]);
    return flatten(at, operandShape);
  });
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getNumOperands() == 1 ? OpFoldResult(getOperand(0)) : OpFoldResult();
}

} // namespace mlc::ir
