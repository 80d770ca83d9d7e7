//===- Elementwise.cpp - Reference of the element-wise ops -----------------------===//
//
// A float op is a function of doubles, an integer op one of int64_t that wraps;
// narrower integers wrap when they are stored.
//
//===----------------------------------------------------------------------===//

#include "Ops.h"

#include <cmath>
#include <limits>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace reference {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kSqrtTwoOverPi = 0.79788456080286535588;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// x/2 * (1 + erf(x/sqrt(2))), by erfc because the sum cancels below 0.
double geluErf(double x) {
  if (std::isinf(x) && x < 0)
    return -0.0;
  return x / 2 * std::erfc(-x * kSqrtHalf);
}

/// x/2 * (1 + tanh(u)) = x * sigmoid(2u).
double geluTanh(double x) {
  if (std::isinf(x) && x < 0)
    return -0.0;
  return x * sigmoid(2 * kSqrtTwoOverPi * (x + 0.044715 * x * x * x));
}

double reluFloat(double x) { return std::isnan(x) || x > 0 ? x : 0.0; }

/// Truncates towards zero; x / 0 is 0, and the one quotient that overflows wraps.
int64_t divide(int64_t a, int64_t b) {
  if (b == 0)
    return 0;
  return b == -1 ? wrappingSub(0, a) : a / b;
}

int64_t absolute(int64_t a) { return a < 0 ? wrappingSub(0, a) : a; }

template <typename FloatOp>
Result<Tensor> unaryFloat(const Operands &operands, const ResultType &type, FloatOp op) {
  std::vector<double> values = floats(operands[0]);
  for (double &x : values)
    x = op(x);
  return fromFloats(type, values);
}

template <typename FloatOp, typename IntOp>
Result<Tensor> unary(const Operands &operands, const ResultType &type, FloatOp floatOp,
                     IntOp intOp) {
  if (isFloat(type.dtype))
    return unaryFloat(operands, type, floatOp);
  std::vector<int64_t> values = integers(operands[0]);
  for (int64_t &x : values)
    x = intOp(x);
  return fromIntegers(type, values);
}

template <typename IntOp>
Result<Tensor> binaryInt(const Operands &operands, const ResultType &type, IntOp op) {
  std::vector<int64_t> a = integers(operands[0]), b = integers(operands[1]);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = op(a[i], b[i]);
  return fromIntegers(type, a);
}

template <typename FloatOp, typename IntOp>
Result<Tensor> binary(const Operands &operands, const ResultType &type, FloatOp floatOp,
                      IntOp intOp) {
  if (!isFloat(type.dtype))
    return binaryInt(operands, type, intOp);
  std::vector<double> a = floats(operands[0]), b = floats(operands[1]);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = floatOp(a[i], b[i]);
  return fromFloats(type, a);
}

template <typename T> bool holds(const std::string &direction, T a, T b) {
  if (direction == "eq")
    return a == b;
  if (direction == "ne")
    return a != b;
  if (direction == "lt")
    return a < b;
  if (direction == "le")
    return a <= b;
  if (direction == "gt")
    return a > b;
  return a >= b;
}

template <typename T>
Result<Tensor> compareAll(const Node &node, const ResultType &type, const std::vector<T> &a,
                          const std::vector<T> &b) {
  const auto &direction = attribute<std::string>(node, "direction");
  std::vector<int64_t> result;
  result.reserve(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    result.push_back(holds(direction, a[i], b[i]));
  return fromIntegers(type, result);
}

/// Truncates towards zero and saturates to the `bits` wide signed type; NaN is 0.
int64_t saturate(double x, int bits) {
  if (std::isnan(x))
    return 0;
  double end = std::ldexp(1.0, bits - 1); // One past the largest value.
  if (x >= end)
    return bits == 64 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(end) - 1;
  if (x < -end)
    return bits == 64 ? std::numeric_limits<int64_t>::min() : -static_cast<int64_t>(end);
  return static_cast<int64_t>(x);
}

} // namespace

Result<Tensor> evaluateElementwise(const Node &node, const Operands &operands,
                                   const ResultType &type) {
  switch (node.op) {
  case Op::Add:
    return binary(operands, type, [](double a, double b) { return a + b; }, wrappingAdd);
  case Op::Sub:
    return binary(operands, type, [](double a, double b) { return a - b; }, wrappingSub);
  case Op::Mul:
    return binary(operands, type, [](double a, double b) { return a * b; }, wrappingMul);
  case Op::Div:
    return binary(operands, type, [](double a, double b) { return a / b; }, divide);
  case Op::Max:
    return binary(operands, type, maximum, [](int64_t a, int64_t b) { return a > b ? a : b; });
  case Op::Min:
    return binary(operands, type, minimum, [](int64_t a, int64_t b) { return a < b ? a : b; });
  case Op::Neg:
    return unary(
        operands, type, [](double x) { return -x; }, [](int64_t x) { return wrappingSub(0, x); });
  case Op::Abs:
    return unary(operands, type, [](double x) { return std::fabs(x); }, absolute);
  case Op::Relu:
    return unary(operands, type, reluFloat, [](int64_t x) { return x > 0 ? x : 0; });
  case Op::Exp:
    return unaryFloat(operands, type, [](double x) { return std::exp(x); });
  case Op::Log:
    return unaryFloat(operands, type, [](double x) { return std::log(x); });
  case Op::Sqrt:
    return unaryFloat(operands, type, [](double x) { return std::sqrt(x); });
  case Op::Rsqrt:
    return unaryFloat(operands, type, [](double x) { return 1 / std::sqrt(x); });
  case Op::Tanh:
    return unaryFloat(operands, type, [](double x) { return std::tanh(x); });
  case Op::Sigmoid:
    return unaryFloat(operands, type, sigmoid);
  case Op::Erf:
    return unaryFloat(operands, type, [](double x) { return std::erf(x); });
  case Op::Gelu:
    return unaryFloat(operands, type,
                      attribute<std::string>(node, "approximate") == "tanh" ? geluTanh : geluErf);
  case Op::LogicalAnd:
    return binaryInt(operands, type, [](int64_t a, int64_t b) { return a & b; });
  case Op::LogicalOr:
    return binaryInt(operands, type, [](int64_t a, int64_t b) { return a | b; });
  case Op::LogicalNot: {
    std::vector<int64_t> values = integers(operands[0]);
    for (int64_t &x : values)
      x = !x;
    return fromIntegers(type, values);
  }
  default:
    return internalError(std::string(opInfo(node.op).name) + " is not element-wise");
  }
}

Result<Tensor> evaluateCompare(const Node &node, const Operands &operands, const ResultType &type) {
  if (isFloat(operands[0].dtype()))
    return compareAll(node, type, floats(operands[0]), floats(operands[1]));
  return compareAll(node, type, integers(operands[0]), integers(operands[1]));
}

Result<Tensor> evaluateSelect(const Node &, const Operands &operands, const ResultType &type) {
  std::vector<int64_t> predicate = integers(operands[0]);
  auto choose = [&](auto onTrue, const auto &onFalse) {
    for (size_t i = 0; i < onTrue.size(); ++i)
      if (!predicate[i])
        onTrue[i] = onFalse[i];
    return onTrue;
  };
  if (isFloat(type.dtype))
    return fromFloats(type, choose(floats(operands[1]), floats(operands[2])));
  return fromIntegers(type, choose(integers(operands[1]), integers(operands[2])));
}

Result<Tensor> evaluateCast(const Node &, const Operands &operands, const ResultType &type) {
  if (isFloat(operands[0].dtype())) {
    std::vector<double> values = floats(operands[0]);
    if (isFloat(type.dtype))
      return fromFloats(type, values);
    std::vector<int64_t> result;
    result.reserve(values.size());
    for (double x : values)
      result.push_back(type.dtype == DType::Bool
                           ? x != 0
                           : saturate(x, static_cast<int>(8 * dtypeBytes(type.dtype))));
    return fromIntegers(type, result);
  }
  std::vector<int64_t> values = integers(operands[0]);
  if (type.dtype == DType::Bool)
    for (int64_t &x : values)
      x = x != 0;
  return fromIntegers(type, values);
}

} // namespace reference
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
