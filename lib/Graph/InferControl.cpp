//===- InferControl.cpp - Inference of if, while and scan ------------------------===//
//
// The op is judged by what its blocks say that they take and return; whether the
// blocks do so is judged node by node.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

using Types = std::vector<TensorType>;

std::string list(const Types &types) {
  std::string text = "(";
  for (size_t i = 0; i < types.size() && i < 20; ++i)
    text += (i ? ", " : "") + toString(types[i]);
  return text + (types.size() > 20 ? ", ...)" : ")");
}

Status expectTypes(const Inference &in, int constraint, const std::string &what, const Types &got,
                   const Types &expected) {
  if (got == expected)
    return {};
  return in.violates(constraint, what + ' ' + list(got) + ", expected " + list(expected));
}

bool isPredicate(const TensorType &type) { return type.dtype == DType::Bool && type.rank() == 0; }

} // namespace

InferredTypes inferIf(const Inference &in) {
  if (!isPredicate(in.operands[0]))
    return in.violates(1, "the predicate is " + toString(in.operands[0]) + ", expected bool[]");
  const Types passed(in.operands.begin() + 1, in.operands.end());
  const BlockTypes &then = in.context.blocks[0], &otherwise = in.context.blocks[1];
  for (const BlockTypes *block : {&then, &otherwise})
    if (Status status = expectTypes(in, 2, "a block takes", block->inputs, passed); !status)
      return status.takeError();
  if (then.outputs.empty())
    return in.violates(3, "the first block returns nothing");
  if (Status status =
          expectTypes(in, 3, "the second block returns", otherwise.outputs, then.outputs);
      !status)
    return status.takeError();
  return then.outputs;
}

InferredTypes inferWhile(const Inference &in) {
  auto carried = in.attribute<int64_t>("carried"), limit = in.attribute<int64_t>("limit");
  if (carried < 1 || carried > static_cast<int64_t>(in.operands.size()))
    return in.violates(1, "`carried` is " + std::to_string(carried) + ", expected 1 to " +
                              std::to_string(in.operands.size()) + ", the number of operands");
  if (limit < 0)
    return in.violates(2, "`limit` is " + std::to_string(limit) + ", expected at least 0");
  const BlockTypes &condition = in.context.blocks[0], &body = in.context.blocks[1];
  for (const BlockTypes *block : {&condition, &body})
    if (Status status = expectTypes(in, 3, "a block takes", block->inputs, in.operands); !status)
      return status.takeError();
  if (condition.outputs.size() != 1 || !isPredicate(condition.outputs[0]))
    return in.violates(4, "the first block returns " + list(condition.outputs) +
                              ", expected (bool[])");
  Types state(in.operands.begin(), in.operands.begin() + carried);
  if (Status status = expectTypes(in, 5, "the second block returns", body.outputs, state); !status)
    return status.takeError();
  return state;
}

InferredTypes inferScan(const Inference &in) {
  auto carried = in.attribute<int64_t>("carried"), sequences = in.attribute<int64_t>("sequences");
  auto count = static_cast<int64_t>(in.operands.size());
  if (carried < 0 || sequences < 0 || carried > count || sequences > count - carried)
    return in.violates(1, "`carried` is " + std::to_string(carried) + " and `sequences` " +
                              std::to_string(sequences) + ", but there are " +
                              std::to_string(count) + " operands");
  auto length = in.attribute<int64_t>("length");
  if (sequences == 0 ? length < 0 : length != -1)
    return in.violates(3, "`length` is " + std::to_string(length) + ", expected " +
                              (sequences == 0 ? "at least 0 without sequences"
                                              : "-1: the sequences say how many steps there are"));
  Dim steps(length);
  Types taken;
  for (int64_t i = 0; i < count; ++i) {
    TensorType type = in.operands[static_cast<size_t>(i)];
    if (i >= carried && i < carried + sequences) {
      if (type.rank() == 0)
        return in.violates(2, "operand " + std::to_string(i) + " is " + toString(type) +
                                  ", which has no steps");
      if (i > carried && type.dims[0] != steps)
        return in.violates(2, "sequences of " + toString(steps) + " and of " +
                                  toString(type.dims[0]) + " steps");
      steps = type.dims[0];
      type.dims.erase(type.dims.begin());
    }
    taken.push_back(std::move(type));
  }
  const BlockTypes &body = in.context.blocks[0];
  if (Status status = expectTypes(in, 4, "the block takes", body.inputs, taken); !status)
    return status.takeError();
  auto first = static_cast<size_t>(carried);
  if (body.outputs.empty())
    return in.violates(5, "the block returns nothing");
  Types results(body.outputs.begin(), body.outputs.begin() + static_cast<ptrdiff_t>(std::min(
                                                                 first, body.outputs.size())));
  if (Status status = expectTypes(in, 5, "the block returns first", results,
                                  Types(taken.begin(), taken.begin() + carried));
      !status)
    return status.takeError();
  for (size_t i = first; i < body.outputs.size(); ++i) {
    results.push_back(body.outputs[i]);
    results.back().dims.insert(results.back().dims.begin(), steps);
  }
  return results;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
