//===- ElementwiseOps.cpp - One element of each element-wise op -----------===//
//
// mlc to arith and math on scalars. Each op is one entry of the table at the end, and is
// computed in f32 if it is of bf16 or f16.
// No undefined behaviour is emitted: integer division, casts and comparisons are
// defined for every operand as MLCOps.td says.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlc/Transforms/Loop/MathFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlc::ir;

using Builder_ = ImplicitLocOpBuilder;
/// Computes one element of an op from one element of each operand.
using ScalarLowering = Value (*)(Builder_ &, Operation *, ValueRange elements);

Type mlc::ir::computingType(Type element) {
  return element.isBF16() || element.isF16() ? Float32Type::get(element.getContext()) : element;
}

RankedTensorType mlc::ir::computingType(RankedTensorType type) {
  return type.clone(computingType(type.getElementType()));
}

Value mlc::ir::widened(Builder_ &b, Value element) {
  Type wide = computingType(element.getType());
  return wide == element.getType() ? element : arith::ExtFOp::create(b, wide, element).getResult();
}

Value mlc::ir::rounded(Builder_ &b, Value element, Type type) {
  if (type == element.getType())
    return element;
  // With the default mode said, as MLIR's canonicalizer makes one rounding of two otherwise:
  // of an integer to f32, and of that.
  auto mode = arith::RoundingModeAttr::get(b.getContext(), arith::RoundingMode::to_nearest_even);
  return arith::TruncFOp::create(b, type, element, mode, /*fastmath=*/nullptr);
}

static bool isFloatValue(Value v) { return isa<FloatType>(v.getType()); }

static Value integer(Builder_ &b, Type type, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}
static Value real(Builder_ &b, Type type, double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
}

template <typename FloatOp, typename IntOp>
static Value arithmetic(Builder_ &b, Operation *, ValueRange x) {
  if (isFloatValue(x[0]))
    return FloatOp::create(b, x[0], x[1]);
  return IntOp::create(b, x[0], x[1]);
}

template <typename UnaryOp> static Value unary(Builder_ &b, Operation *, ValueRange x) {
  return UnaryOp::create(b, x[0]);
}

template <typename BinaryOp> static Value binary(Builder_ &b, Operation *, ValueRange x) {
  return BinaryOp::create(b, x[0], x[1]);
}

static Value divide(Builder_ &b, Operation *, ValueRange x) {
  if (isFloatValue(x[0]))
    return arith::DivFOp::create(b, x[0], x[1]);
  // Dividing by 1 instead gives INT_MIN / -1 = INT_MIN; x / 0 becomes 0.
  Type type = x[0].getType();
  unsigned width = type.getIntOrFloatBitWidth();
  Value zero = integer(b, type, 0);
  Value lowest = integer(b, type, llvm::APInt::getSignedMinValue(width).getSExtValue());
  using P = arith::CmpIPredicate;
  Value byZero = arith::CmpIOp::create(b, P::eq, x[1], zero);
  Value atLowest = arith::CmpIOp::create(b, P::eq, x[0], lowest);
  Value byMinusOne = arith::CmpIOp::create(b, P::eq, x[1], integer(b, type, -1));
  Value overflows = arith::AndIOp::create(b, atLowest, byMinusOne);
  Value unsafe = arith::OrIOp::create(b, byZero, overflows);
  Value divisor = arith::SelectOp::create(b, unsafe, integer(b, type, 1), x[1]);
  Value quotient = arith::DivSIOp::create(b, x[0], divisor);
  return arith::SelectOp::create(b, byZero, zero, quotient);
}

static Value negate(Builder_ &b, Operation *, ValueRange x) {
  if (isFloatValue(x[0]))
    return arith::NegFOp::create(b, x[0]);
  return arith::SubIOp::create(b, integer(b, x[0].getType(), 0), x[0]);
}

static Value absolute(Builder_ &b, Operation *, ValueRange x) {
  if (isFloatValue(x[0]))
    return math::AbsFOp::create(b, x[0]);
  Value zero = integer(b, x[0].getType(), 0);
  Value negative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x[0], zero);
  Value negated = arith::SubIOp::create(b, zero, x[0]);
  return arith::SelectOp::create(b, negative, negated, x[0]);
}

static Value reciprocalSqrt(Builder_ &b, Operation *, ValueRange x) {
  Value root = math::SqrtOp::create(b, x[0]);
  return arith::DivFOp::create(b, real(b, x[0].getType(), 1.0), root);
}

static Value relu(Builder_ &b, Operation *, ValueRange x) {
  Type type = x[0].getType();
  if (!isFloatValue(x[0]))
    return arith::MaxSIOp::create(b, x[0], integer(b, type, 0));
  // "Unordered or greater" keeps NaN and turns -0 into +0.
  Value zero = real(b, type, 0.0);
  Value keep = arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, x[0], zero);
  return arith::SelectOp::create(b, keep, x[0], zero);
}

static Value sigmoid(Builder_ &b, Operation *, ValueRange x) { return emitSigmoid(b, x[0]); }

static Value gelu(Builder_ &b, Operation *op, ValueRange x) {
  bool tanhForm = cast<GeluOp>(op).getApproximate() == "tanh";
  return tanhForm ? emitGeluTanh(b, x[0]) : emitGeluErf(b, x[0]);
}

static Value compare(Builder_ &b, Operation *op, ValueRange x) {
  StringRef direction = cast<CompareOp>(op).getDirection();
  if (isFloatValue(x[0])) {
    using P = arith::CmpFPredicate;
    P predicate = llvm::StringSwitch<P>(direction)
                      .Case("eq", P::OEQ)
                      .Case("ne", P::UNE)
                      .Case("lt", P::OLT)
                      .Case("le", P::OLE)
                      .Case("gt", P::OGT)
                      .Default(P::OGE);
    return arith::CmpFOp::create(b, predicate, x[0], x[1]);
  }
  using P = arith::CmpIPredicate;
  P predicate = llvm::StringSwitch<P>(direction)
                    .Case("eq", P::eq)
                    .Case("ne", P::ne)
                    .Case("lt", P::slt)
                    .Case("le", P::sle)
                    .Case("gt", P::sgt)
                    .Default(P::sge);
  return arith::CmpIOp::create(b, predicate, x[0], x[1]);
}

static Value logicalNot(Builder_ &b, Operation *, ValueRange x) {
  return arith::XOrIOp::create(b, x[0], integer(b, x[0].getType(), 1));
}

static Value select(Builder_ &b, Operation *, ValueRange x) {
  return arith::SelectOp::create(b, x[0], x[1], x[2]);
}

/// Truncates towards zero, saturates, and turns NaN into 0. fptosi is only
/// reached by values that fit.
static Value floatToInt(Builder_ &b, Value x, IntegerType to) {
  unsigned width = to.getWidth();
  double limit = std::ldexp(1.0, static_cast<int>(width) - 1); // 2^(w-1), exact
  using P = arith::CmpFPredicate;
  Value high = arith::CmpFOp::create(b, P::OGE, x, real(b, x.getType(), limit));
  Value low = arith::CmpFOp::create(b, P::OLT, x, real(b, x.getType(), -limit));
  Value nan = arith::CmpFOp::create(b, P::UNO, x, x);
  Value outside = arith::OrIOp::create(b, arith::OrIOp::create(b, high, low), nan);
  Value safe = arith::SelectOp::create(b, outside, real(b, x.getType(), 0.0), x);
  Value result = arith::FPToSIOp::create(b, to, safe);
  Value highest = integer(b, to, llvm::APInt::getSignedMaxValue(width).getSExtValue());
  Value lowest = integer(b, to, llvm::APInt::getSignedMinValue(width).getSExtValue());
  result = arith::SelectOp::create(b, high, highest, result);
  return arith::SelectOp::create(b, low, lowest, result);
}

/// An integer that f32 holds and that rounds to the same bf16: of one that is too long the
/// last bit kept is set if any of those dropped is (rounding to odd, for either sign). It is
/// at least two places behind the last of a bf16. (f16 needs no such thing: what f32 does not
/// hold is infinite.)
static Value roundToOdd(Builder_ &b, Value x) {
  auto type = cast<IntegerType>(x.getType());
  Value result = x;
  for (int64_t dropped : {14, 28, 40}) {
    int64_t limit = dropped + 10; // of the magnitude's bits
    if (limit >= type.getWidth())
      break;
    Value mask = integer(b, type, (int64_t(1) << dropped) - 1);
    Value carry = arith::AddIOp::create(b, arith::AndIOp::create(b, x, mask), mask);
    Value odd = arith::OrIOp::create(b, x, carry);
    odd = arith::AndIOp::create(b, odd, integer(b, type, -(int64_t(1) << dropped)));
    Value shifted = arith::AddIOp::create(b, x, integer(b, type, int64_t(1) << limit));
    Value isLong = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, shifted,
                                         integer(b, type, int64_t(2) << limit));
    result = arith::SelectOp::create(b, isLong, odd, result);
  }
  return result;
}

static Value convert(Builder_ &b, Value x, Type to) {
  Type from = x.getType();
  if (from == to)
    return x;
  if (from != computingType(from))
    return convert(b, widened(b, x), to);
  if (to.isBF16() && from.isInteger() && !from.isInteger(1))
    x = roundToOdd(b, x);
  if (to != computingType(to))
    return rounded(b, convert(b, x, computingType(to)), to);
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = to.getIntOrFloatBitWidth();
  if (to.isInteger(1)) {
    if (fromFloat)
      return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x, real(b, from, 0.0));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, integer(b, from, 0));
  }
  if (from.isInteger(1))
    return toFloat ? arith::UIToFPOp::create(b, to, x).getResult()
                   : arith::ExtUIOp::create(b, to, x).getResult();
  if (fromFloat && toFloat)
    return toWidth > fromWidth ? arith::ExtFOp::create(b, to, x).getResult()
                               : arith::TruncFOp::create(b, to, x).getResult();
  if (fromFloat)
    return floatToInt(b, x, cast<IntegerType>(to));
  if (toFloat)
    return arith::SIToFPOp::create(b, to, x);
  return toWidth > fromWidth ? arith::ExtSIOp::create(b, to, x).getResult()
                             : arith::TruncIOp::create(b, to, x).getResult();
}

/// A sum with 1.5 * 2^23 has the integer that is nearest in its low bits.
static Value quantize(Builder_ &b, Operation *op, ValueRange x) {
  Type to = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  Type type = x[0].getType();
  Value inverse = arith::DivFOp::create(b, real(b, type, 1.0), x[1]);
  Value scaled = arith::MulFOp::create(b, x[0], inverse);
  double offset = to.isUnsignedInteger() ? 128 : 0;
  Value sum = arith::AddFOp::create(b, scaled, real(b, type, 0x1.8p23 + offset));
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), sum);
  return arith::TruncIOp::create(b, b.getIntegerType(to.getIntOrFloatBitWidth()), bits);
}

static Type resultElement(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
}

static Value castElement(Builder_ &b, Operation *op, ValueRange x) {
  return convert(b, x[0], resultElement(op));
}

static ScalarLowering findScalarLowering(Operation *op) {
  static const llvm::DenseMap<TypeID, ScalarLowering> table = {
      {TypeID::get<AddOp>(), arithmetic<arith::AddFOp, arith::AddIOp>},
      {TypeID::get<SubOp>(), arithmetic<arith::SubFOp, arith::SubIOp>},
      {TypeID::get<MulOp>(), arithmetic<arith::MulFOp, arith::MulIOp>},
      {TypeID::get<DivOp>(), divide},
      {TypeID::get<MaxOp>(), arithmetic<arith::MaximumFOp, arith::MaxSIOp>},
      {TypeID::get<MinOp>(), arithmetic<arith::MinimumFOp, arith::MinSIOp>},
      {TypeID::get<NegOp>(), negate},
      {TypeID::get<AbsOp>(), absolute},
      {TypeID::get<ExpOp>(), unary<math::ExpOp>},
      {TypeID::get<LogOp>(), unary<math::LogOp>},
      {TypeID::get<SqrtOp>(), unary<math::SqrtOp>},
      {TypeID::get<RsqrtOp>(), reciprocalSqrt},
      {TypeID::get<TanhOp>(), unary<math::TanhOp>},
      {TypeID::get<SigmoidOp>(), sigmoid},
      {TypeID::get<ReluOp>(), relu},
      {TypeID::get<ErfOp>(), unary<math::ErfOp>},
      {TypeID::get<GeluOp>(), gelu},
      {TypeID::get<CompareOp>(), compare},
      {TypeID::get<LogicalAndOp>(), binary<arith::AndIOp>},
      {TypeID::get<LogicalOrOp>(), binary<arith::OrIOp>},
      {TypeID::get<LogicalNotOp>(), logicalNot},
      {TypeID::get<SelectOp>(), select},
      {TypeID::get<CastOp>(), castElement},
      {TypeID::get<QuantizeOp>(), quantize},
  };
  return table.lookup(op->getName().getTypeID());
}

bool mlc::ir::hasScalarLowering(Operation *op) { return findScalarLowering(op) != nullptr; }

Value mlc::ir::computeElement(Builder_ &b, Operation *op, ValueRange elements) {
  ScalarLowering lower = findScalarLowering(op);
  // These compute nothing that would be rounded, or round themselves.
  if (isa<SelectOp, CastOp, QuantizeOp>(op))
    return lower(b, op, elements);
  SmallVector<Value> wide;
  for (Value element : elements)
    wide.push_back(widened(b, element));
  return rounded(b, lower(b, op, wide), resultElement(op));
}
