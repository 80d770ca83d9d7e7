//===- Compare.cpp - How far two tensors are apart ------------------------===//
#include "mlc/Tensor/Element.h"

#include <cmath>
#include <limits>

using namespace mlc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {
/// One pair of elements.
struct Distance {
  double difference = 0; ///< |got - expected|; infinity if they cannot be close.
  double allowed = 0;
  bool agrees = true;

  double excess() const {
    if (difference == 0)
      return 0;
    double ratio = allowed > 0 ? difference / allowed : kInfinity;
    return std::isnan(ratio) ? kInfinity : ratio;
  }
};
} // namespace

static Distance floatDistance(double got, double expected, double relative, double absolute) {
  Distance d;
  if (std::isnan(got) || std::isnan(expected)) {
    d.agrees = std::isnan(got) && std::isnan(expected);
    d.difference = d.agrees ? 0 : kInfinity;
    return d;
  }
  if (got == expected)
    return d;
  d.difference = std::fabs(got - expected);
  if (std::isinf(got) || std::isinf(expected)) {
    d.agrees = false;
    return d;
  }
  d.allowed = absolute + relative * std::fabs(expected);
  d.agrees = d.difference <= d.allowed;
  return d;
}

static Distance integerDistance(int64_t got, int64_t expected) {
  Distance d;
  d.agrees = got == expected;
  d.difference = std::fabs(static_cast<double>(got) - static_cast<double>(expected));
  // Neighbours beyond 2^53 are still not equal.
  if (!d.agrees && d.difference == 0)
    d.difference = 1;
  return d;
}

static std::string number(double value) {
  Tensor scalar = Tensor::borrow(DType::F64, {}, &value, nullptr);
  return elementToString(scalar, 0);
}

static std::string position(const Shape &shape, int64_t index) {
  if (shape.empty())
    return "the only element";
  Shape indices(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    indices[i] = index % shape[i];
    index /= shape[i];
  }
  return "element " + toString(indices);
}

static std::string typeText(const Tensor &tensor) {
  return std::string(dtypeName(tensor.dtype())) + toString(tensor.shape());
}

Difference mlc::compare(const Tensor &got, const Tensor &expected, double relative,
                        double absolute) {
  Difference result;
  if (got.dtype() != expected.dtype() || got.shape() != expected.shape()) {
    result.equal = false;
    result.excess = kInfinity;
    result.message = "got " + typeText(got) + ", expected " + typeText(expected);
    return result;
  }
  Distance worst;
  int64_t mismatches = 0;
  for (int64_t i = 0; i < got.size(); ++i) {
    Distance d = isFloat(got.dtype())
                     ? floatDistance(elementAsDouble(got, i), elementAsDouble(expected, i),
                                     relative, absolute)
                     : integerDistance(elementAsInt(got, i), elementAsInt(expected, i));
    mismatches += !d.agrees;
    // A mismatch is worse than agreement, then what exceeds more, then differs more.
    bool worse = d.agrees != worst.agrees       ? !d.agrees
                 : d.excess() != worst.excess() ? d.excess() > worst.excess()
                                                : d.difference > worst.difference;
    if (worse || i == 0) {
      worst = d;
      result.index = i;
    }
  }
  if (result.index < 0)
    return result;
  result.got = elementAsDouble(got, result.index);
  result.expected = elementAsDouble(expected, result.index);
  result.excess = worst.excess();
  result.equal = mismatches == 0;
  if (!result.equal)
    result.message =
        position(got.shape(), result.index) + " is " + elementToString(got, result.index) +
        ", expected " + elementToString(expected, result.index) + " (differs by " +
        number(worst.difference) + ", allowed " + number(worst.allowed) + "; " +
        std::to_string(mismatches) + " of " + std::to_string(got.size()) + " elements disagree)";
  return result;
}
