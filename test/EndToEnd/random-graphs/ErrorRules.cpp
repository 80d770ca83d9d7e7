//===- ErrorRules.cpp - How errors pass through an op ---------------------===//
//
// Let x be the reference's operands, e their bounds, f the op in exact arithmetic
// and y the reference's rounded f(x). An executor holds x' with |x' - x| <= e and
// returns f(x') with an error of its own. The bound on its distance to y is the
// sum of: how far f(x') may be from f(x), the executor's error (the tolerance
// class), and the reference's rounding.
//
//===----------------------------------------------------------------------===//

#include "ErrorRules.h"

#include "../../Conformance/Tolerance.h"

#include "mlc/Reference/Reference.h"
#include "mlc/Tensor/Element.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlc::test {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::infinity();
/// The largest finite element.
double largestOf(DType dtype) {
  return dtype == DType::F16    ? 65504
         : dtype == DType::BF16 ? 0x1.fep127
                                : double(std::numeric_limits<float>::max());
}

/// What `error` near y becomes when executor and reference round to a narrow dtype.
double bothRounded(double y, double error, DType dtype) {
  if (dtype == DType::F32 || error == 0)
    return error;
  error += ulp(std::fabs(y) + error, dtype);
  return std::fabs(y) + error >= largestOf(dtype) ? kUnknown : error;
}

const std::string &text(const Node &node, const char *attribute) {
  return std::get<std::string>(node.attributes.at(attribute));
}

bool isExact(const Bounded &operand) {
  return std::all_of(operand.error.begin(), operand.error.end(), [](double e) { return e == 0; });
}

/// One element of an operand.
struct Element {
  double x, error;
  double low() const { return x - error; }
  double high() const { return x + error; }
};

Element at(const Bounded &operand, size_t i) {
  return {elementAsDouble(operand.value, static_cast<int64_t>(i)), operand.error[i]};
}

//===----------------------------------------------------------------------===//
// Element-wise ops
//===----------------------------------------------------------------------===//

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double reciprocalRoot(double x) { return 1 / std::sqrt(x); }

/// The op as a monotone function of one float, or null.
double (*monotone(Op op))(double) {
  switch (op) {
  case Op::Exp:
    return std::exp;
  case Op::Log:
    return std::log;
  case Op::Sqrt:
    return std::sqrt;
  case Op::Rsqrt:
    return reciprocalRoot;
  case Op::Tanh:
    return std::tanh;
  case Op::Sigmoid:
    return sigmoid;
  case Op::Erf:
    return std::erf;
  default:
    return nullptr;
  }
}

/// How far f(x') may be from f(x) for an element-wise op on floats, all operands
/// finite; unknown where f jumps or the sign of a zero would matter.
double carriedError(const Node &node, const std::vector<Element> &x) {
  const Element &a = x[0], &b = x.back();
  switch (node.op) {
  case Op::Add:
  case Op::Sub:
    return a.error + b.error;
  case Op::Mul:
    return std::fabs(a.x) * b.error + std::fabs(b.x) * a.error + a.error * b.error;
  case Op::Div: {
    double nearest = std::fabs(b.x) - b.error;
    if (!(nearest > 0))
      return kUnknown;
    return (a.error + std::fabs(a.x / b.x) * b.error) / nearest;
  }
  case Op::Max:
  case Op::Min:
    return std::max(a.error, b.error);
  case Op::Neg:
  case Op::Abs:
  case Op::Relu:
    return a.error;
  case Op::Gelu:
    return 1.13 * a.error; // the largest slope
  default:
    break;
  }
  double (*f)(double) = monotone(node.op);
  if (!f)
    return kUnknown;
  // -0 and +0 part ways here; everywhere else near 0 these are undefined on one side.
  if (node.op == Op::Rsqrt && !(a.low() > 0) && !(a.high() < 0))
    return kUnknown;
  if (a.error == 0)
    return 0;
  double above = std::fabs(f(a.high()) - f(a.x)), below = std::fabs(f(a.x) - f(a.low()));
  if (!std::isfinite(above) || !std::isfinite(below))
    return kUnknown;
  return std::max(above, below) * (1 + 0x1p-20);
}

/// The executor's error and the reference's rounding, at a result of magnitude up to
/// |y| + carried; `same` when the operands have the same bits.
double ownError(const Node &node, double y, double carried, bool same, DType dtype) {
  double spacing = ulp(std::fabs(y) + carried, dtype);
  if (opInfo(node.op).tolerance == "exact") {
    bool rounds = node.op == Op::Add || node.op == Op::Sub || node.op == Op::Mul ||
                  node.op == Op::Div || node.op == Op::Sqrt;
    return same || !rounds ? 0 : spacing;
  }
  // ulp4, of f32, and one for the reference, or for both
  return 4 * ulp(std::fabs(y) + carried) + spacing;
}

double floatError(const Node &node, const std::vector<Element> &x, double y, DType dtype) {
  bool same = true, finite = true, nan = false;
  for (const Element &e : x) {
    if (std::isinf(e.error))
      return kUnknown;
    same &= e.error == 0;
    finite &= std::isfinite(e.x);
    nan |= std::isnan(e.x);
  }
  if (nan)
    return 0; // a certain NaN stays one
  if (!finite || !std::isfinite(y)) {
    // Exact operands: the same infinity or NaN for everyone, but for x / 0 and the like.
    bool zeroMatters = (node.op == Op::Div || node.op == Op::Rsqrt) && x.back().x == 0;
    return same && !zeroMatters ? 0 : kUnknown;
  }
  double carried = carriedError(node, x);
  double error = carried + ownError(node, y, carried, same, dtype);
  return error > 0 && std::fabs(y) + error >= largestOf(dtype) ? kUnknown : error;
}

double compareError(const Element &a, const Element &b) {
  if (a.error == 0 && b.error == 0)
    return 0;
  if (std::isnan(a.x) || std::isnan(b.x))
    return std::isinf(a.error + b.error) ? kUnknown : 0;
  return std::fabs(a.x - b.x) > a.error + b.error ? 0 : kUnknown;
}

double castError(const Element &a, DType from, DType to, double y) {
  if (a.error == 0)
    return 0;
  if (std::isinf(a.error) || std::isnan(a.x))
    return kUnknown;
  if (!isFloat(from) || isFloat(to))
    return bothRounded(y, a.error, to);
  if (to == DType::Bool)
    return std::fabs(a.x) > a.error ? 0 : kUnknown;
  double limit = std::ldexp(1.0, to == DType::I32 ? 31 : 63);
  bool certain = std::trunc(a.low()) == std::trunc(a.high()) && std::fabs(y) < limit - 1;
  return certain ? 0 : kUnknown;
}

double selectError(const Element &p, const Element &t, const Element &f, bool isFloatType) {
  if (p.error == 0)
    return p.x != 0 ? t.error : f.error;
  if (t.x == f.x && t.error == 0 && f.error == 0)
    return 0;
  double distance = std::fabs(t.x - f.x) + std::max(t.error, f.error);
  return isFloatType && std::isfinite(distance) ? distance : kUnknown;
}

double elementError(const Node &node, const std::vector<Element> &x,
                    const std::vector<Bounded> &operands, const Tensor &result, size_t i) {
  bool unknown =
      std::any_of(x.begin(), x.end(), [](const Element &e) { return std::isinf(e.error); });
  double y = elementAsDouble(result, static_cast<int64_t>(i));
  switch (node.op) {
  case Op::Compare:
    return compareError(x[0], x[1]);
  case Op::Cast:
    return castError(x[0], operands[0].value.dtype(), result.dtype(), y);
  case Op::Select:
    return selectError(x[0], x[1], x[2], isFloat(result.dtype()));
  case Op::LogicalAnd:
  case Op::LogicalOr: {
    // false and unknown is false; true or unknown is true.
    double decisive = node.op == Op::LogicalOr;
    for (const Element &e : x)
      if (e.error == 0 && e.x == decisive)
        return 0;
    return unknown ? kUnknown : 0;
  }
  default:
    if (isFloat(result.dtype()))
      return floatError(node, x, y, result.dtype());
    return unknown ? kUnknown : 0;
  }
}

std::vector<double> elementwiseError(const Node &node, const std::vector<Bounded> &operands,
                                     const Tensor &result) {
  std::vector<double> error;
  for (size_t i = 0; i < static_cast<size_t>(result.size()); ++i) {
    std::vector<Element> x;
    for (const Bounded &operand : operands)
      x.push_back(at(operand, i));
    error.push_back(elementError(node, x, operands, result, i));
  }
  return error;
}

//===----------------------------------------------------------------------===//
// Ops that move elements
//===----------------------------------------------------------------------===//

/// Moves the numbers of the operands' elements to learn where each one goes.
/// `indices` are operands that are not moved, and known.
Result<std::vector<double>> movedError(const Node &node, const std::vector<Bounded> &operands,
                                       const Tensor &result,
                                       const std::vector<Tensor> &indices = {}) {
  std::vector<Tensor> numbered;
  std::vector<double> errors;
  for (const Bounded &operand : operands) {
    auto tensor = Tensor::zeros(DType::I64, operand.value.shape());
    if (!tensor)
      return tensor.takeError();
    for (int64_t i = 0; i < tensor->size(); ++i)
      tensor->dataAs<int64_t>()[i] = static_cast<int64_t>(errors.size()) + i;
    errors.insert(errors.end(), operand.error.begin(), operand.error.end());
    numbered.push_back(std::move(*tensor));
  }
  numbered.insert(numbered.end(), indices.begin(), indices.end());
  TensorType type{DType::I64, {}};
  for (int64_t size : result.shape())
    type.dims.emplace_back(size);
  auto moved = evaluateNode(node, numbered, {type});
  if (!moved)
    return moved.takeError();
  std::vector<double> error;
  for (int64_t i = 0; i < result.size(); ++i)
    error.push_back(errors[static_cast<size_t>(moved->front().dataAs<int64_t>()[i])]);
  return error;
}

/// Of indices that another executor may see otherwise, nothing is known.
Result<std::vector<double>> takeError(const Node &node, const std::vector<Bounded> &operands,
                                      const Tensor &result) {
  for (double e : operands[1].error)
    if (e > 0)
      return std::vector<double>(static_cast<size_t>(result.size()), kUnknown);
  return movedError(node, {operands[0]}, result, {operands[1].value});
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// |x| + slack * e for each element.
std::vector<double> magnitudes(const Bounded &operand, double slack) {
  std::vector<double> result;
  for (size_t i = 0; i < operand.error.size(); ++i) {
    Element e = at(operand, i);
    result.push_back(std::fabs(e.x) + slack * e.error);
  }
  return result;
}

/// The largest power of 2 that divides all finite elements; 2^200 if all are 0.
double quantum(const Tensor &tensor) {
  int smallest = 200;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double x = elementAsDouble(tensor, i);
    if (x == 0 || !std::isfinite(x))
      continue;
    int exponent;
    auto bits = static_cast<int64_t>(std::ldexp(std::frexp(std::fabs(x), &exponent), 24));
    smallest = std::min(smallest, exponent - 24 + __builtin_ctzll(static_cast<uint64_t>(bits)));
  }
  return std::ldexp(1.0, smallest);
}

/// Bounds of sums of `n` terms. `plain` are the sums of the magnitudes of the
/// terms, `widened` of what they may be, `unit` divides all terms: a sum below
/// 2^24 units is exact in any order, unless a unit is less than the least denormal.
std::vector<double> sumBounds(const Tensor &result, int64_t n, const std::vector<double> &plain,
                              const std::vector<double> &widened, double unit, bool exact,
                              double divisor) {
  std::vector<double> error;
  for (size_t i = 0; i < plain.size(); ++i) {
    double y = elementAsDouble(result, static_cast<int64_t>(i));
    if (!std::isfinite(y) || !std::isfinite(widened[i])) {
      // Infinite or NaN terms: the same for everyone, unless a sum overflowed.
      error.push_back(exact && !std::isfinite(plain[i]) ? 0 : kUnknown);
      continue;
    }
    bool noRounding = exact && unit >= 0x1p-149 && plain[i] <= 0x1p24 * unit;
    double e = widened[i] - plain[i];
    if (!noRounding)
      e += (sumError(n) + 0x1p-23) * widened[i] + static_cast<double>(n) * 0x1p-149;
    e /= divisor;
    if (divisor != 1)
      e += 2 * ulp(std::fabs(y) + e);
    bool overflows = e > 0 && widened[i] >= largestOf(DType::F32);
    error.push_back(overflows ? kUnknown : bothRounded(y, e, result.dtype()));
  }
  return error;
}

std::vector<double> matmulBounds(const Node &node, const std::vector<Bounded> &operands,
                                 const Tensor &result) {
  const Bounded &a = operands[0], &b = operands[1];
  const Shape &shapeA = a.value.shape(), &shapeB = b.value.shape();
  bool exact = isExact(a) && isExact(b);
  auto plain = sumProducts(node, shapeA, shapeB, magnitudes(a, 0), magnitudes(b, 0));
  auto widened = sumProducts(node, shapeA, shapeB, magnitudes(a, 1), magnitudes(b, 1));
  if (!isFloat(result.dtype())) {
    // Sums of magnitudes are infinite or NaN where an element is unknown.
    std::vector<double> error;
    for (double w : widened)
      error.push_back(std::isfinite(w) ? 0 : kUnknown);
    return error;
  }
  return sumBounds(result, contractedCount(node, shapeA), plain, widened,
                   quantum(a.value) * quantum(b.value), exact, 1);
}

std::vector<double> reduceBounds(const Node &node, const Bounded &x, const Tensor &result) {
  std::vector<int64_t> targets = reductionTargets(node, x.value.shape());
  const std::string &kind = text(node, "kind");
  bool sums = kind == "sum" || kind == "mean";
  size_t count = static_cast<size_t>(result.size());
  std::vector<double> plain(count), widened(count), largest(count);
  auto low = magnitudes(x, 0), high = magnitudes(x, 1);
  for (size_t i = 0; i < targets.size(); ++i) {
    auto target = static_cast<size_t>(targets[i]);
    plain[target] += low[i];
    widened[target] += high[i];
    largest[target] = std::max(largest[target], x.error[i]);
  }
  int64_t n = contractedCount(node, x.value.shape());
  if (sums && isFloat(result.dtype()))
    return sumBounds(result, n, plain, widened, quantum(x.value), isExact(x),
                     kind == "mean" ? static_cast<double>(std::max<int64_t>(n, 1)) : 1);
  // max and min move by at most the largest error; an integer is known or not.
  return largest;
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

Result<std::vector<double>> softmaxBounds(const Node &node, const Bounded &x,
                                          const Tensor &result) {
  std::vector<double> exact;
  for (int64_t i = 0; i < result.size(); ++i)
    exact.push_back(elementAsDouble(result, i));
  std::vector<double> own = allowance(node, {x.value}, exact).error;

  auto axis = std::get<int64_t>(node.attributes.at("axis"));
  const Shape &shape = x.value.shape();
  int64_t n = shape[static_cast<size_t>(axis)], inner = 1;
  for (size_t d = static_cast<size_t>(axis) + 1; d < shape.size(); ++d)
    inner *= shape[d];
  std::vector<double> error(exact.size());
  for (int64_t flat = 0; flat < result.size(); ++flat) {
    int64_t first = flat - flat / inner % n * inner;
    double moved = 0;
    bool finite = true;
    for (int64_t i = 0; i < n; ++i) {
      Element e = at(x, static_cast<size_t>(first + i * inner));
      moved = std::max(moved, e.error);
      finite &= std::isfinite(e.x);
    }
    auto i = static_cast<size_t>(flat);
    double p = exact[i];
    if (std::isnan(p) || !finite)
      error[i] = moved == 0 ? (std::isnan(p) ? 0 : 2 * own[i]) : kUnknown;
    else // each of numerator and denominator by a factor exp(moved)
      error[i] = std::isinf(moved) ? kUnknown
                                   : std::min(p * std::expm1(2 * moved), 1.0) +
                                         2 * own[i] * (1 + 2 * moved) + 2 * ulp(p, result.dtype());
  }
  return error;
}

} // namespace

Result<std::vector<double>> resultError(const Node &node, const std::vector<Bounded> &operands,
                                        const Tensor &result) {
  switch (node.op) {
  case Op::MatMul:
    return matmulBounds(node, operands, result);
  case Op::Reduce:
    return reduceBounds(node, operands[0], result);
  case Op::Softmax:
    return softmaxBounds(node, operands[0], result);
  case Op::Broadcast:
  case Op::Reshape:
  case Op::Transpose:
  case Op::Slice:
  case Op::Concat:
    return movedError(node, operands, result);
  case Op::Custom: // the identity
    return operands[0].error;
  case Op::Take:
    return takeError(node, operands, result);
  default:
    return elementwiseError(node, operands, result);
  }
}

} // namespace mlc::test
