//===- ControlFlow.cpp - if, while and scan on tensors at hand ------------===//
//
// Works on nodes and tensors that inference has accepted. What runs in the blocks is
// the caller's: ops of a graph (EagerRunner) or a C++ function (Flow.h).
//
//===----------------------------------------------------------------------===//
#include "ControlFlow.h"

#include "Signature.h"

#include <cstring>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

namespace {

using Tensors = std::vector<Tensor>;

int64_t number(const Node &node, const char *name) {
  return std::get<int64_t>(node.attributes.at(name));
}

Result<Tensors> runWhile(const Node &node, Tensors values, const RunBlock &runBlock) {
  int64_t limit = number(node, "limit");
  for (int64_t count = 0;; ++count) {
    auto condition = runBlock(0, values);
    if (!condition)
      return condition;
    if (!condition->front().item<bool>())
      break;
    if (count == limit)
      return resourceError("while: has run " + std::to_string(limit) +
                           " times, its `limit`, and would go on");
    auto next = runBlock(1, values);
    if (!next)
      return next;
    std::move(next->begin(), next->end(), values.begin());
  }
  values.resize(static_cast<size_t>(number(node, "carried")));
  return values;
}

Tensor slice(const Tensor &whole, int64_t step) {
  Shape shape(whole.shape().begin() + 1, whole.shape().end());
  return whole.view(shape, step * *elementCount(shape));
}

/// Room for what is collected in `steps` steps.
Result<Tensor> room(int64_t steps, DType dtype, Shape shape) {
  shape.insert(shape.begin(), steps);
  return emptyTensor(dtype, std::move(shape));
}

Result<Tensors> runScan(const Node &node, const Tensors &operands, const RunBlock &runBlock,
                        const CollectedTypes &collected) {
  auto carried = static_cast<size_t>(number(node, "carried"));
  auto sequences = static_cast<size_t>(number(node, "sequences"));
  int64_t steps = sequences > 0 ? operands[carried].shape()[0] : number(node, "length");
  bool reverse = std::get<bool>(node.attributes.at("reverse"));
  Tensors values = operands, whole;
  for (int64_t count = 0; count < steps; ++count) {
    int64_t step = reverse ? steps - 1 - count : count;
    for (size_t i = carried; i < carried + sequences; ++i)
      values[i] = slice(operands[i], step);
    auto results = runBlock(0, values);
    if (!results)
      return results;
    for (size_t i = carried; i < results->size(); ++i) {
      const Tensor &made = (*results)[i];
      if (count == 0) {
        auto tensor = room(steps, made.dtype(), made.shape());
        if (!tensor)
          return tensor.takeError();
        whole.push_back(std::move(*tensor));
      }
      if (made.byteSize() > 0)
        std::memcpy(slice(whole[i - carried], step).data(), made.data(),
                    static_cast<size_t>(made.byteSize()));
    }
    std::move(results->begin(), results->begin() + static_cast<ptrdiff_t>(carried), values.begin());
  }
  if (steps == 0) { // no block has said what it collects
    auto types = collected();
    if (!types)
      return types.takeError();
    for (auto &[dtype, shape] : *types) {
      auto tensor = room(0, dtype, std::move(shape));
      if (!tensor)
        return tensor.takeError();
      whole.push_back(std::move(*tensor));
    }
  }
  values.resize(carried);
  std::move(whole.begin(), whole.end(), std::back_inserter(values));
  return values;
}

} // namespace

Result<Tensors> runControlFlow(const Node &node, const Tensors &operands, const RunBlock &runBlock,
                               const CollectedTypes &collected) {
  switch (node.op) {
  case Op::If:
    return runBlock(operands[0].item<bool>() ? 0 : 1, {operands.begin() + 1, operands.end()});
  case Op::While:
    return runWhile(node, operands, runBlock);
  default:
    return runScan(node, operands, runBlock, collected);
  }
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
