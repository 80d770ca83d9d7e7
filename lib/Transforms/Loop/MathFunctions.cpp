//===- MathFunctions.cpp - Our own elementary functions -------------------===//
//
// Works on f32 scalars and vectors of f32, before or after vectorisation; makes
// arith and math ops only. The coefficients are in Polynomials.inc, which
// scripts/generate-polynomials writes.
//
//===----------------------------------------------------------------------===//

#include "mlc/Transforms/Loop/MathFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"

#include "Polynomials.inc"

#include <cmath>
#include <limits>

using namespace mlir;

namespace mlc::ir {
namespace {

/// Adding and subtracting 1.5 * 2^23 + bias rounds a float below 2^21 to an integer n and
/// leaves n + bias in the low bits of the sum. Shifted to where the exponent is, with all
/// others shifted out, they are 2^(n + bias - 127); with this bias, half of the sum's bits
/// are 2^(n/2).
constexpr float kRounder = 0x1.8p23f;
constexpr int32_t kBias = 2 * 127;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Arithmetic on values of one shape, as terse as the formulas it writes down.
class Emitter {
public:
  Emitter(ImplicitLocOpBuilder &b, Value x) : b(b), floats(x.getType()) {
    integers = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(floats))
      integers = vector.clone(integers);
  }

  Value constant(float value) { return splat(floats, b.getF32FloatAttr(value)); }
  Value constant(int32_t value) { return splat(integers, b.getI32IntegerAttr(value)); }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value add(Value x, float y) { return add(x, constant(y)); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value sub(Value x, float y) { return sub(x, constant(y)); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value mul(Value x, float y) { return mul(x, constant(y)); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, x); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }
  Value fma(Value x, float y, Value z) { return fma(x, constant(y), z); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value withSign(Value x, Value sign) { return math::CopySignOp::create(b, x, sign); }
  Value select(Value p, Value x, Value y) { return arith::SelectOp::create(b, p, x, y); }
  Value compare(arith::CmpFPredicate predicate, Value x, float y) {
    return arith::CmpFOp::create(b, predicate, x, constant(y));
  }
  Value less(Value x, float y) { return compare(arith::CmpFPredicate::OLT, x, y); }
  Value greater(Value x, float y) { return compare(arith::CmpFPredicate::OGT, x, y); }
  /// NaN stays NaN.
  Value atMost(Value x, float y) { return select(greater(x, y), constant(y), x); }
  Value atLeast(Value x, float y) { return select(less(x, y), constant(y), x); }

  Value bits(Value x) { return arith::BitcastOp::create(b, integers, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, floats, x); }
  Value toFloat(Value x) { return arith::SIToFPOp::create(b, floats, x); }
  Value addi(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subi(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value shiftLeft(Value x, int32_t n) { return arith::ShLIOp::create(b, x, constant(n)); }
  Value shiftRight(Value x, int32_t n) { return arith::ShRSIOp::create(b, x, constant(n)); }

  template <size_t n> Value polynomial(const float (&coefficients)[n], Value x) {
    Value sum = constant(coefficients[n - 1]);
    for (size_t i = n - 1; i-- > 0;)
      sum = fma(sum, x, constant(coefficients[i]));
    return sum;
  }

  /// 2^n of an integer whose low bits are n + 127, 1 <= n + 127 <= 254.
  Value power2(Value biased) { return fromBits(shiftLeft(biased, 23)); }

  /// x = n ln 2 + r with |r| <= ln(2)/2 and a bit, for |x| < 2^20; `low` is a
  /// small rest of x that no f32 could hold. The low bits of `biased` are
  /// n + bias.
  struct Reduced {
    Value biased, r;
  };
  Reduced reduce(Value x, Value low = {}, int32_t bias = kBias) {
    float rounder = kRounder + static_cast<float>(bias);
    Value rounded = fma(x, kLog2E, constant(rounder));
    Value n = sub(rounded, rounder);
    Value r = fma(n, -kLn2High, x); // exact
    if (low)
      r = add(r, fma(n, -kLn2Low, low));
    else
      r = fma(n, -kLn2Low, r);
    return {bits(rounded), r};
  }

  /// exp(r) - 1 for |r| <= ln(2)/2, to relative accuracy.
  Value expm1Reduced(Value r) { return fma(mul(r, r), polynomial(kExpTail, r), r); }

  /// A number m * 2^a * 2^b with both powers normal: 2^n in one factor would
  /// not reach the denormal results. Only the last product rounds.
  struct Scaled {
    Value first, second;
  };
  Scaled scale(Value m, Value biased) {
    Value half = shiftRight(biased, 1);
    return {mul(m, power2(half)), power2(subi(biased, half))};
  }

  /// exp(r) for |r| <= ln(2)/2.
  Value expReduced(Value r) {
    return fma(fma(polynomial(kExpTail, r), r, constant(1.0f)), r, constant(1.0f));
  }

  /// exp(x + low) for -104 <= x <= 89.
  Scaled expScaled(Value x, Value low = {}) {
    Reduced reduced = reduce(x, low);
    return scale(expReduced(reduced.r), reduced.biased);
  }

  /// exp(x) / 2^halvings for x <= 0: 2^(n + 64) is normal, and only the last product rounds.
  Value decay(Value x, int halvings = 0) {
    Reduced reduced = reduce(atLeast(x, -104.0f), {}, 127 + 64);
    return mul(mul(expReduced(reduced.r), power2(reduced.biased)),
               std::ldexp(1.0f, -64 - halvings));
  }

  /// exp(y) - 1 for |y| <= 87, to relative accuracy.
  Value expm1(Value y) {
    Reduced reduced = reduce(y);
    Value power = power2(subi(reduced.biased, constant(kBias - 127)));
    return fma(power, expm1Reduced(reduced.r), sub(power, 1.0f));
  }

private:
  Value splat(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(b, value);
  }

  ImplicitLocOpBuilder &b;
  Type floats, integers;
};

} // namespace

Value emitExp(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  // exp(-104) rounds to 0 and exp(89) to infinity.
  auto result = e.expScaled(e.atMost(e.atLeast(x, -104.0f), 89.0f));
  return e.mul(result.first, result.second);
}

Value emitDecay(ImplicitLocOpBuilder &b, Value x, int halvings) {
  return Emitter(b, x).decay(x, halvings);
}

Value emitLog(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  Value denormal = e.less(x, 0x1p-126f);
  Value normal = e.select(denormal, e.mul(x, 0x1p23f), x);
  // normal = 2^n m with sqrt(1/2) <= m < sqrt(2).
  Value bits = e.bits(normal);
  Value n = e.shiftRight(e.subi(bits, e.bits(e.constant(kSqrtHalf))), 23);
  Value f = e.sub(e.fromBits(e.subi(bits, e.shiftLeft(n, 23))), 1.0f);
  Value k = e.toFloat(e.addi(n, e.select(denormal, e.constant(-23), e.constant(0))));

  Value square = e.mul(f, f);
  Value rest = e.fma(e.mul(square, f), e.polynomial(kLogTail, f), e.mul(k, kLn2Low));
  rest = e.fma(square, -0.5f, rest);
  Value result = e.fma(k, kLn2High, e.add(f, rest));

  result = e.select(e.less(x, kInfinity), result, x); // infinity and NaN are their own
  Value zero = e.compare(arith::CmpFPredicate::OEQ, x, 0.0f);
  Value special =
      e.select(zero, e.constant(-kInfinity), e.constant(std::numeric_limits<float>::quiet_NaN()));
  return e.select(e.greater(x, 0.0f), result, special);
}

Value emitTanh(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  // tanh(a) = expm1(2a) / (expm1(2a) + 2): nothing cancels, and it is 1 from 9.01 on.
  Value a = e.atMost(e.abs(x), 9.5f);
  Value t = e.expm1(e.add(a, a));
  return e.withSign(e.div(t, e.add(t, 2.0f)), x);
}

Value emitErf(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  // erf(a) = -expm1(log(erfc(a))), which is 1 from 3.92 on.
  Value a = e.atMost(e.abs(x), 4.0f);
  Value logErfc = e.mul(e.neg(a), e.polynomial(kErfLog, a));
  return e.withSign(e.expm1(logErfc), x);
}

Value emitSigmoid(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  Value decay = e.decay(e.neg(e.abs(x)));
  Value numerator = e.select(e.less(x, 0.0f), decay, e.constant(1.0f));
  return e.div(numerator, e.add(decay, 1.0f));
}

Value emitGeluErf(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  // gelu(x) = max(x, 0) - |x| Phi(-|x|), and a Phi(-a) = s P(s) exp(-a^2/2) with
  // s = a / (a + c): the small result of a negative x is never a difference. It is 0
  // from -14.3 on.
  Value a = e.atMost(e.abs(x), 15.0f);
  Value square = e.mul(a, a);
  Value squareLow = e.fma(a, a, e.neg(square));
  auto reduced = e.reduce(e.mul(square, -0.5f), e.mul(squareLow, -0.5f));
  Value s = e.div(a, e.add(a, kNormalTailShift));
  Value tail = e.mul(s, e.polynomial(kNormalTail, s));
  tail = e.fma(tail, e.expm1Reduced(reduced.r), tail);
  auto scaled = e.scale(tail, reduced.biased);
  Value positive = e.select(e.less(x, 0.0f), e.constant(-0.0f), x);
  return e.fma(e.neg(scaled.first), scaled.second, positive);
}

Value emitGeluTanh(ImplicitLocOpBuilder &b, Value x) {
  Emitter e(b, x);
  // gelu(x) = x / (1 + exp(-v)), v = x (s + c x^2) with s = 2 sqrt(2/pi). The exponential
  // of -|v| needs |v| to absolute accuracy: it is computed as a sum of two floats.
  Value a = e.atMost(e.abs(x), 12.0f); // the result is 0 from -10.2 on
  Value square = e.mul(a, a);
  Value squareLow = e.fma(a, a, e.neg(square));
  Value cubic = e.mul(square, kGeluCubicHigh);
  Value cubicLow = e.fma(square, kGeluCubicHigh, e.neg(cubic));
  cubicLow = e.fma(squareLow, kGeluCubicHigh, cubicLow);
  cubicLow = e.fma(square, kGeluCubicLow, cubicLow);

  Value factor = e.add(cubic, kGeluSlopeHigh);
  Value cubicPart = e.sub(factor, kGeluSlopeHigh);
  Value slopePart = e.sub(factor, cubicPart);
  Value factorLow = e.add(e.sub(e.constant(kGeluSlopeHigh), slopePart), e.sub(cubic, cubicPart));
  factorLow = e.add(factorLow, e.add(cubicLow, kGeluSlopeLow));

  Value v = e.neg(e.mul(a, factor));
  Value vLow = e.neg(e.fma(a, factorLow, e.fma(a, factor, v)));
  auto scaled = e.expScaled(v, vLow);
  Value decay = e.mul(scaled.first, scaled.second);

  Value negative = e.less(x, 0.0f);
  Value numerator = e.select(negative, e.mul(a, scaled.first), x);
  Value quotient = e.div(numerator, e.add(decay, 1.0f));
  return e.select(negative, e.mul(e.neg(quotient), scaled.second), quotient);
}

} // namespace mlc::ir
