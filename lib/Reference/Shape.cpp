//===- Shape.cpp - Reference of the ops that move elements ------------------------===//

#include "Ops.h"

#include <cstring>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace reference {

static void copyElement(const Tensor &from, int64_t source, Tensor &to, int64_t target) {
  auto bytes = static_cast<size_t>(dtypeBytes(from.dtype()));
  std::memcpy(to.dataAs<char>() + static_cast<size_t>(target) * bytes,
              from.dataAs<char>() + static_cast<size_t>(source) * bytes, bytes);
}

/// Fills the result element by element; `source(at, index)` sets the operand's
/// index for the result's.
template <typename Source>
static Result<Tensor> gather(const Tensor &operand, const ResultType &type, Source source) {
  Result<Tensor> result = Tensor::zeros(type.dtype, type.shape);
  if (!result)
    return result;
  int64_t target = 0;
  Shape index(operand.shape().size());
  for (MultiIndex at(type.shape); at.valid(); at.next()) {
    source(at, index);
    copyElement(operand, flatIndex(operand.shape(), index), *result, target++);
  }
  return result;
}

Result<Tensor> evaluateBroadcast(const Node &node, const Operands &operands,
                                 const ResultType &type) {
  const auto &axes = attribute<std::vector<int64_t>>(node, "axes");
  const Shape &from = operands[0].shape();
  return gather(operands[0], type, [&](const MultiIndex &at, Shape &index) {
    for (size_t i = 0; i < index.size(); ++i)
      index[i] = from[i] == 1 ? 0 : at[static_cast<size_t>(axes[i])];
  });
}

Result<Tensor> evaluateReshape(const Node &, const Operands &operands, const ResultType &type) {
  return operands[0].clone().reshaped(type.shape);
}

Result<Tensor> evaluateTranspose(const Node &node, const Operands &operands,
                                 const ResultType &type) {
  const auto &permutation = attribute<std::vector<int64_t>>(node, "permutation");
  return gather(operands[0], type, [&](const MultiIndex &at, Shape &index) {
    for (size_t i = 0; i < index.size(); ++i)
      index[static_cast<size_t>(permutation[i])] = at[i];
  });
}

Result<Tensor> evaluateSlice(const Node &node, const Operands &operands, const ResultType &type) {
  const auto &axes = attribute<std::vector<int64_t>>(node, "axes");
  const auto &starts = attribute<std::vector<int64_t>>(node, "starts");
  const auto &strides = attribute<std::vector<int64_t>>(node, "strides");
  return gather(operands[0], type, [&](const MultiIndex &at, Shape &index) {
    for (size_t i = 0; i < index.size(); ++i)
      index[i] = at[i];
    for (size_t i = 0; i < axes.size(); ++i) {
      auto axis = static_cast<size_t>(axes[i]);
      index[axis] = starts[i] + at[axis] * strides[i];
    }
  });
}

Result<Tensor> evaluateConcat(const Node &node, const Operands &operands, const ResultType &type) {
  auto axis = static_cast<size_t>(attribute<int64_t>(node, "axis"));
  Result<Tensor> result = Tensor::zeros(type.dtype, type.shape);
  if (!result)
    return result;
  int64_t offset = 0;
  Shape index(type.shape.size());
  for (const Tensor &operand : operands) {
    int64_t source = 0;
    for (MultiIndex at(operand.shape()); at.valid(); at.next()) {
      for (size_t i = 0; i < index.size(); ++i)
        index[i] = at[i] + (i == axis ? offset : 0);
      copyElement(operand, source++, *result, flatIndex(type.shape, index));
    }
    offset += operand.shape()[axis];
  }
  return result;
}

Result<Tensor> evaluateTake(const Node &node, const Operands &operands, const ResultType &type) {
  auto axis = static_cast<size_t>(attribute<int64_t>(node, "axis"));
  int64_t size = operands[0].shape()[axis];
  std::vector<int64_t> indices = integers(operands[1]);
  for (int64_t &index : indices) {
    if (index < -size || index >= size)
      return badInputError("take: index " + std::to_string(index) + " is not in [" +
                           std::to_string(-size) + ", " + std::to_string(size) + ")");
    index += index < 0 ? size : 0;
  }
  const Shape &places = operands[1].shape();
  return gather(operands[0], type, [&](const MultiIndex &at, Shape &index) {
    Shape place(places.size());
    for (size_t i = 0; i < place.size(); ++i)
      place[i] = at[axis + i];
    for (size_t i = 0; i < axis; ++i)
      index[i] = at[i];
    for (size_t i = axis + 1; i < index.size(); ++i)
      index[i] = at[i + place.size() - 1];
    index[axis] = indices[static_cast<size_t>(flatIndex(places, place))];
  });
}

} // namespace reference
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
