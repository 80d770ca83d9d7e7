//===- Replay.cpp - A graph as C++ code would write it --------------------===//

#include "Replay.h"

namespace mlc::test {

namespace {

using Tensors = std::vector<Tensor>;

constexpr const char *kDim = "n"; ///< The symbolic dimension in a trace.

/// What does not change from step to step is used from around the functions.
template <typename RunBlock>
Tensors control(const Node &node, const Tensors &operands, const RunBlock &runBlock) {
  auto number = [&](const char *name) { return std::get<int64_t>(node.attributes.at(name)); };
  auto join = [](const Tensors &a, auto begin, auto end) {
    Tensors all = a;
    all.insert(all.end(), begin, end);
    return all;
  };
  if (node.op == Op::If)
    return cond(
        operands[0], [&](const Tensors &given) { return runBlock(0, given); },
        [&](const Tensors &given) { return runBlock(1, given); },
        Tensors(operands.begin() + 1, operands.end()));
  auto afterState = operands.begin() + number("carried");
  Tensors state(operands.begin(), afterState);
  if (node.op == Op::While)
    return whileLoop(
        [&](const Tensors &given) {
          return runBlock(0, join(given, afterState, operands.end()))[0];
        },
        [&](const Tensors &given) { return runBlock(1, join(given, afterState, operands.end())); },
        state, number("limit"));
  auto afterSequences = afterState + number("sequences");
  auto step = [&](const Tensors &given, const Tensors &elements) {
    Tensors all = runBlock(
        0, join(join(given, elements.begin(), elements.end()), afterSequences, operands.end()));
    auto middle = all.begin() + static_cast<ptrdiff_t>(given.size());
    return std::pair(Tensors(all.begin(), middle), Tensors(middle, all.end()));
  };
  bool reverse = std::get<bool>(node.attributes.at("reverse"));
  auto [last, collected] = afterState == afterSequences
                               ? scan([&](const Tensors &given) { return step(given, {}); }, state,
                                      number("length"), reverse)
                               : scan(step, state, Tensors(afterState, afterSequences), reverse);
  return join(last, collected.begin(), collected.end());
}

Attributes known(Attributes attributes, const std::map<std::string, Dim> &sizes) {
  for (auto &attribute : attributes)
    if (auto *dims = std::get_if<Dims>(&attribute.second))
      for (Dim &dim : *dims)
        if (dim.isSymbolic())
          dim = sizes.at(dim.name);
  return attributes;
}

} // namespace

JitOptions Replay::options() const {
  JitOptions options;
  const Function &function = graph.functions[0];
  for (ValueId input : function.body.inputs) {
    const Dims &dims = function.values[static_cast<size_t>(input)].type.dims;
    options.dims.emplace_back(!dims.empty() && dims[0].isSymbolic() ? kDim : "");
  }
  return options;
}

Replay::Tensors Replay::ordered(const TensorMap &inputs) const {
  Tensors list;
  const Function &function = graph.functions[0];
  for (ValueId input : function.body.inputs)
    list.push_back(inputs.at(function.values[static_cast<size_t>(input)].name));
  return list;
}

TensorMap Replay::named(const Tensors &outputs) const {
  TensorMap map;
  for (size_t i = 0; i < outputs.size(); ++i)
    map.emplace(graph.functions[0].outputNames[i], outputs[i]);
  return map;
}

Replay::Tensors Replay::call(const Function &function, const Tensors &inputs) const {
  Sizes sizes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Dims &dims = function.values[static_cast<size_t>(function.body.inputs[i])].type.dims;
    for (size_t d = 0; d < dims.size(); ++d)
      if (int64_t size = inputs[i].shape()[d]; dims[d].isSymbolic())
        sizes[dims[d].name] = size == kSymbolic ? Dim(kDim) : Dim(size);
  }
  return run(function, function.body, inputs, sizes);
}

Replay::Tensors Replay::run(const Function &function, const Block &block, const Tensors &inputs,
                            const Sizes &sizes) const {
  Tensors values(function.values.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    values[static_cast<size_t>(block.inputs[i])] = inputs[i];
  for (const Node &node : block.nodes) {
    Tensors operands;
    for (ValueId id : node.operands)
      operands.push_back(values[static_cast<size_t>(id)]);
    Tensors results;
    if (node.op == Op::Parameter)
      results = {parameters.at(std::get<std::string>(node.attributes.at("parameter")))};
    else if (node.op == Op::Call)
      results =
          call(*graph.findFunction(std::get<std::string>(node.attributes.at("callee"))), operands);
    else if (!node.blocks.empty())
      results = control(node, operands, [&](size_t i, const Tensors &given) {
        return run(function, node.blocks[i], given, sizes);
      });
    else
      results = apply(node.op, operands, known(node.attributes, sizes));
    for (size_t i = 0; i < results.size(); ++i)
      values[static_cast<size_t>(node.results[i])] = results[i];
  }
  Tensors outputs;
  for (ValueId id : block.outputs)
    outputs.push_back(values[static_cast<size_t>(id)]);
  return outputs;
}

} // namespace mlc::test
