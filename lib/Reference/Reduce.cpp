//===- Reduce.cpp - Reference of reductions and softmax ---------------------------===//

#include "Ops.h"

#include <cmath>
#include <limits>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace reference {

/// By element of `shape`, its place in a tensor of the same shape but for `axes`,
/// which have size 1.
static std::vector<size_t> places(const Shape &shape, const std::vector<int64_t> &axes) {
  Shape reduced = shape;
  for (int64_t axis : axes)
    reduced[static_cast<size_t>(axis)] = 1;
  std::vector<size_t> list;
  Shape index(shape.size());
  for (MultiIndex at(shape); at.valid(); at.next()) {
    for (size_t i = 0; i < shape.size(); ++i)
      index[i] = reduced[i] == 1 ? 0 : at[i];
    list.push_back(static_cast<size_t>(flatIndex(reduced, index)));
  }
  return list;
}

template <typename T, typename Combine>
static std::vector<T> combineAll(const Node &node, const Operands &operands, const ResultType &type,
                                 const std::vector<T> &values, T initial, Combine combine) {
  std::vector<T> result(static_cast<size_t>(*elementCount(type.shape)), initial);
  std::vector<size_t> target =
      places(operands[0].shape(), attribute<std::vector<int64_t>>(node, "axes"));
  for (size_t i = 0; i < values.size(); ++i)
    result[target[i]] = combine(result[target[i]], values[i]);
  return result;
}

static Result<Tensor> reduceFloats(const Node &node, const Operands &operands,
                                   const ResultType &type) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto &kind = attribute<std::string>(node, "kind");
  std::vector<double> values = floats(operands[0]);
  if (kind == "max")
    return fromFloats(type, combineAll(node, operands, type, values, -infinity, maximum));
  if (kind == "min")
    return fromFloats(type, combineAll(node, operands, type, values, infinity, minimum));
  std::vector<double> sums =
      combineAll(node, operands, type, values, 0.0, [](double a, double b) { return a + b; });
  if (kind == "mean") {
    double count = 1;
    for (int64_t axis : attribute<std::vector<int64_t>>(node, "axes"))
      count *= static_cast<double>(operands[0].shape()[static_cast<size_t>(axis)]);
    for (double &sum : sums)
      sum /= count;
  }
  return fromFloats(type, sums);
}

static Result<Tensor> reduceIntegers(const Node &node, const Operands &operands,
                                     const ResultType &type) {
  const auto &kind = attribute<std::string>(node, "kind");
  std::vector<int64_t> values = integers(operands[0]);
  bool wide = type.dtype == DType::I64;
  int64_t lowest = wide ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int32_t>::min();
  int64_t highest =
      wide ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int32_t>::max();
  if (kind == "max")
    return fromIntegers(type, combineAll(node, operands, type, values, lowest,
                                         [](int64_t a, int64_t b) { return a > b ? a : b; }));
  if (kind == "min")
    return fromIntegers(type, combineAll(node, operands, type, values, highest,
                                         [](int64_t a, int64_t b) { return a < b ? a : b; }));
  return fromIntegers(type, combineAll(node, operands, type, values, int64_t(0), wrappingAdd));
}

Result<Tensor> evaluateReduce(const Node &node, const Operands &operands, const ResultType &type) {
  return isFloat(type.dtype) ? reduceFloats(node, operands, type)
                             : reduceIntegers(node, operands, type);
}

Result<Tensor> evaluateSoftmax(const Node &node, const Operands &operands, const ResultType &type) {
  std::vector<double> values = floats(operands[0]);
  std::vector<size_t> row = places(type.shape, {attribute<int64_t>(node, "axis")});
  // As many rows as elements is more than enough.
  std::vector<double> largest(values.size(), -std::numeric_limits<double>::infinity());
  std::vector<double> sum(values.size(), 0.0);
  for (size_t i = 0; i < values.size(); ++i)
    largest[row[i]] = maximum(largest[row[i]], values[i]);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::exp(values[i] - largest[row[i]]);
    sum[row[i]] += values[i];
  }
  for (size_t i = 0; i < values.size(); ++i)
    values[i] /= sum[row[i]];
  return fromFloats(type, values);
}

} // namespace reference
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
