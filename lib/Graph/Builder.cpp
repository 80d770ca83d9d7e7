//===- Builder.cpp - Building functions node by node ----------------------------===//

#include "UniqueNames.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Rewrite.h"

namespace mlc {

FunctionBuilder::FunctionBuilder(const Graph &graph, std::string name) : graph(graph) {
  function.name = std::move(name);
}

ValueId FunctionBuilder::input(const std::string &name, TensorType type) {
  auto id = static_cast<ValueId>(function.values.size());
  function.values.push_back({takeUniqueName(names, name), std::move(type)});
  function.body.inputs.push_back(id);
  return id;
}

Result<std::vector<ValueId>> FunctionBuilder::nodes(Op op, std::vector<ValueId> operands,
                                                    Attributes attributes,
                                                    const std::string &name) {
  auto complete = completeAttributes(op, std::move(attributes));
  if (!complete)
    return complete.takeError();
  std::vector<TensorType> types;
  for (ValueId operand : operands) {
    if (operand < 0 || operand >= static_cast<ValueId>(function.values.size()))
      return usageError(std::string(opInfo(op).name) + ": operand " + std::to_string(operand) +
                        " is not a value of function `" + function.name + "`");
    types.push_back(type(operand));
  }
  InferContext context;
  context.graph = &graph;
  std::set<std::string> dims;
  if (op == Op::Broadcast) {
    for (std::string &dim : symbolicDims(function))
      dims.insert(std::move(dim));
    context.dims = &dims;
  }
  auto results = inferTypes(op, types, *complete, context);
  if (!results)
    return results.takeError();

  Node node;
  node.name = takeUniqueName(names, name.empty() ? std::string(opInfo(op).name) : name);
  node.op = op;
  node.operands = std::move(operands);
  node.attributes = std::move(*complete);
  node.location = location;
  for (TensorType &result : *results) {
    node.results.push_back(static_cast<ValueId>(function.values.size()));
    // The value of a node with one result is called like the node.
    std::string valueName =
        results->size() == 1
            ? node.name
            : takeUniqueName(names, node.name + '/' + std::to_string(node.results.size()));
    function.values.push_back({std::move(valueName), std::move(result)});
  }
  function.body.nodes.push_back(std::move(node));
  return function.body.nodes.back().results;
}

Result<ValueId> FunctionBuilder::node(Op op, std::vector<ValueId> operands, Attributes attributes,
                                      const std::string &name) {
  if (op == Op::Call) {
    auto callee = attributes.find("callee");
    const auto *text =
        callee == attributes.end() ? nullptr : std::get_if<std::string>(&callee->second);
    const Function *target = text ? graph.findFunction(*text) : nullptr;
    if (target && target->body.outputs.size() != 1)
      return usageError("call: `" + target->name + "` has " +
                        std::to_string(target->body.outputs.size()) +
                        " results, expected 1 (see FunctionBuilder::nodes)");
  }
  auto results = nodes(op, std::move(operands), std::move(attributes), name);
  if (!results)
    return results.takeError();
  return results->front();
}

void FunctionBuilder::output(ValueId value, const std::string &name) {
  function.body.outputs.push_back(value);
  function.outputNames.push_back(takeUniqueName(outputNames, name));
}

const TensorType &FunctionBuilder::type(ValueId value) const {
  return function.values[static_cast<size_t>(value)].type;
}

Function FunctionBuilder::finish() { return std::move(function); }

} // namespace mlc
