//===- Tolerance.cpp - How far a result may be from the exact one ---------===//

#include "Tolerance.h"

#include "mlc/Tensor/Element.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace mlc::test {

namespace {

constexpr double kUnit = 0x1p-24;

/// The parameters of a float dtype.
struct Format {
  int digits;     ///< Of the significand, with the leading one.
  int smallest;   ///< log2 of the least denormal.
  double largest; ///< Finite.
};

Format formatOf(DType dtype) {
  if (dtype == DType::F16)
    return {11, -24, 65504};
  if (dtype == DType::BF16)
    return {8, -133, 0x1.fep127};
  return {24, -149, std::numeric_limits<float>::max()};
}

double nearestIn(DType dtype, double x) {
  if (dtype == DType::F16)
    return halfToFloat(halfFromDouble(x));
  if (dtype == DType::BF16)
    return bfloatToFloat(bfloatFromDouble(x));
  return static_cast<float>(x);
}

const std::string &text(const Node &node, const char *attribute) {
  return std::get<std::string>(node.attributes.at(attribute));
}

int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  int64_t result = 1;
  for (; begin != end; ++begin)
    result *= *begin;
  return result;
}

std::vector<double> inUlps(const std::vector<double> &exact, double count) {
  std::vector<double> error;
  for (double x : exact)
    error.push_back(count * ulp(x));
  return error;
}

std::vector<double> magnitudes(const Tensor &tensor) {
  std::vector<double> result;
  for (int64_t i = 0; i < tensor.size(); ++i)
    result.push_back(std::fabs(elementAsDouble(tensor, i)));
  return result;
}

std::vector<double> matmulError(const Node &node, const Tensor &a, const Tensor &b) {
  std::vector<double> error = sumProducts(node, a.shape(), b.shape(), magnitudes(a), magnitudes(b));
  int64_t k = contractedCount(node, a.shape());
  for (double &e : error)
    e = sumError(k) * e + static_cast<double>(k) * 0x1p-149; // products may be denormal
  return error;
}

std::vector<double> sumErrors(const Node &node, const Tensor &x, const std::vector<double> &exact,
                              bool mean) {
  std::vector<double> error(exact.size()), elements = magnitudes(x);
  std::vector<int64_t> targets = reductionTargets(node, x.shape());
  for (size_t i = 0; i < elements.size(); ++i)
    error[static_cast<size_t>(targets[i])] += elements[i];
  int64_t n = contractedCount(node, x.shape());
  double count = static_cast<double>(std::max<int64_t>(n, 1));
  for (size_t i = 0; i < error.size(); ++i)
    error[i] = mean ? sumError(n) * error[i] / count + ulp(exact[i]) : sumError(n) * error[i];
  return error;
}

std::vector<double> softmaxError(const Node &node, const Tensor &x,
                                 const std::vector<double> &exact) {
  auto axis = std::get<int64_t>(node.attributes.at("axis"));
  const Shape &shape = x.shape();
  int64_t n = shape[static_cast<size_t>(axis)];
  int64_t inner = product(shape.begin() + axis + 1, shape.end());
  std::vector<double> error(exact.size());
  for (int64_t flat = 0; flat < x.size(); ++flat) {
    int64_t first = flat - flat / inner % n * inner;
    double largest = -std::numeric_limits<double>::infinity(), spread = 0;
    for (int64_t i = 0; i < n; ++i)
      largest = std::max(largest, elementAsDouble(x, first + i * inner));
    for (int64_t i = 0; i < n; ++i)
      if (double p = exact[static_cast<size_t>(first + i * inner)]; p > 0)
        spread += p * (largest - elementAsDouble(x, first + i * inner));
    double p = exact[static_cast<size_t>(flat)];
    double distance = p > 0 ? largest - elementAsDouble(x, flat) : 0;
    double relative = (16 + 4 * std::sqrt(static_cast<double>(n)) + distance + spread) * kUnit;
    error[static_cast<size_t>(flat)] = std::max(relative * p, 2 * ulp(p));
  }
  return error;
}

} // namespace

double ulp(double x, DType dtype) {
  Format format = formatOf(dtype);
  int exponent = 0;
  if (std::isfinite(x))
    std::frexp(x, &exponent);
  int place = x == 0 ? format.smallest : std::max(exponent - format.digits, format.smallest);
  return std::ldexp(1.0, place);
}

double roundedError(double x, double error, DType dtype) {
  return dtype == DType::F32 ? error : error + ulp(std::fabs(x) + error, dtype) / 2;
}

double sumError(int64_t n) {
  double count = static_cast<double>(n);
  return std::min(count, 4 * std::sqrt(count)) * kUnit * (1 + 0x1p-10);
}

int64_t contractedCount(const Node &node, const Shape &shape) {
  if (node.op == Op::MatMul)
    return shape[shape.size() - (std::get<bool>(node.attributes.at("transpose_a")) ? 2 : 1)];
  int64_t count = 1;
  for (int64_t axis : std::get<std::vector<int64_t>>(node.attributes.at("axes")))
    count *= shape[static_cast<size_t>(axis)];
  return count;
}

std::vector<double> sumProducts(const Node &node, const Shape &shapeA, const Shape &shapeB,
                                const std::vector<double> &a, const std::vector<double> &b) {
  bool transposeA = std::get<bool>(node.attributes.at("transpose_a"));
  bool transposeB = std::get<bool>(node.attributes.at("transpose_b"));
  size_t rank = shapeA.size();
  int64_t k = contractedCount(node, shapeA);
  int64_t m = shapeA[rank - (transposeA ? 1 : 2)], n = shapeB[rank - (transposeB ? 2 : 1)];
  int64_t batches = product(shapeA.begin(), shapeA.end() - 2);
  std::vector<double> result;
  for (int64_t batch = 0; batch < batches; ++batch)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p)
          sum += a[static_cast<size_t>(batch * m * k + (transposeA ? p * m + i : i * k + p))] *
                 b[static_cast<size_t>(batch * k * n + (transposeB ? j * k + p : p * n + j))];
        result.push_back(sum);
      }
  return result;
}

std::vector<int64_t> reductionTargets(const Node &node, const Shape &shape) {
  const auto &axes = std::get<std::vector<int64_t>>(node.attributes.at("axes"));
  std::vector<int64_t> targets;
  for (int64_t flat = 0, size = product(shape.begin(), shape.end()); flat < size; ++flat) {
    int64_t rest = flat, target = 0, stride = 1;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) {
      if (std::find(axes.begin(), axes.end(), static_cast<int64_t>(d)) != axes.end())
        continue;
      target += rest % shape[d] * stride;
      stride *= shape[d];
    }
    targets.push_back(target);
  }
  return targets;
}

Allowance allowance(const Node &node, const std::vector<Tensor> &operands,
                    const std::vector<double> &exact) {
  std::string_view kind = opInfo(node.op).tolerance;
  bool isExtreme =
      node.op == Op::Reduce && (text(node, "kind") == "max" || text(node, "kind") == "min");
  Allowance result;
  if (kind == "exact") {
    result.bitwise = true;
  } else if (kind == "ulp4") {
    result.signedZero = true;
    result.error = inUlps(exact, 4);
  } else if (node.op == Op::MatMul) {
    result.error = matmulError(node, operands[0], operands[1]);
  } else if (node.op == Op::Reduce) {
    if (isExtreme)
      result.error.assign(exact.size(), 0);
    else
      result.error = sumErrors(node, operands[0], exact, text(node, "kind") == "mean");
  } else { // softmax
    result.error = softmaxError(node, operands[0], exact);
  }
  for (size_t i = 0; i < result.error.size(); ++i)
    if (!isExtreme)
      result.error[i] = roundedError(exact[i], result.error[i], operands[0].dtype());
  return result;
}

std::string disagreement(const Tensor &got, const std::vector<double> &exact,
                         const Allowance &allowance) {
  double worst = 1, largest = formatOf(got.dtype()).largest;
  std::ostringstream message;
  message.precision(9);
  for (size_t i = 0; i < exact.size(); ++i) {
    double value = elementAsDouble(got, static_cast<int64_t>(i)), want = exact[i];
    if (std::isnan(value) && std::isnan(want))
      continue;
    double nearest = nearestIn(got.dtype(), want);
    bool sameSign = std::signbit(value) == std::signbit(want);
    double allowed = allowance.bitwise ? 0 : allowance.error[i], excess;
    if (value == nearest && (value != 0 || sameSign))
      continue;
    if (std::isfinite(want) && std::fabs(want) + allowed >= largest && std::isinf(value) &&
        sameSign)
      continue; // may overflow
    if (std::isfinite(value) && std::isfinite(nearest) && !allowance.bitwise)
      excess = want == 0 && allowance.signedZero ? 2 : std::fabs(value - want) / allowed;
    else
      excess = std::numeric_limits<double>::infinity();
    if (value == want && !allowance.bitwise && !allowance.signedZero)
      continue; // zeros of either sign
    if (!(excess <= worst)) {
      worst = excess;
      message.str("");
      message << "element " << i << " of " << exact.size() << " is " << value << ", expected "
              << want << ", allowed error " << allowed;
    }
  }
  return message.str();
}

} // namespace mlc::test
