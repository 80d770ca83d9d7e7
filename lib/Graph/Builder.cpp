//===- Builder.cpp - Building functions node by node ----------------------------===//

#include "UniqueNames.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Rewrite.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

FunctionBuilder::FunctionBuilder(const Graph &graph, std::string name) : graph(graph) {
  function.name = std::move(name);
}

ValueId FunctionBuilder::value(const std::string &name, TensorType type, int64_t scope) {
  function.values.push_back({name, std::move(type)});
  scopes.push_back(scope);
  return static_cast<ValueId>(function.values.size() - 1);
}

ValueId FunctionBuilder::input(const std::string &name, TensorType type) {
  return input(static_cast<int64_t>(open.size()), name, std::move(type));
}

ValueId FunctionBuilder::input(int64_t depth, const std::string &name, TensorType type) {
  OpenBlock *at = depth == 0 ? nullptr : &open[static_cast<size_t>(depth - 1)];
  ValueId id = value(takeUniqueName(names, name), std::move(type), at ? at->scope : 0);
  (at ? at->block : function.body).inputs.push_back(id);
  return id;
}

ValueId FunctionBuilder::input(Block &ended, const std::string &name, TensorType type) {
  ValueId id = value(takeUniqueName(names, name), std::move(type), ++numScopes);
  ended.inputs.push_back(id);
  return id;
}

void FunctionBuilder::beginBlock() { open.push_back({{}, ++numScopes}); }

Block FunctionBuilder::endBlock(std::vector<ValueId> outputs) {
  Block ended = std::move(open.back().block);
  ended.outputs = std::move(outputs);
  open.pop_back();
  return ended;
}

int64_t FunctionBuilder::depth(ValueId value) const {
  int64_t scope = scopes[static_cast<size_t>(value)];
  if (scope == 0)
    return 0;
  for (size_t i = 0; i < open.size(); ++i)
    if (open[i].scope == scope)
      return static_cast<int64_t>(i + 1);
  return -1;
}

Result<std::vector<ValueId>> FunctionBuilder::nodes(Op op, std::vector<ValueId> operands,
                                                    Attributes attributes, const std::string &name,
                                                    std::vector<Block> blocks) {
  auto complete = completeAttributes(op, std::move(attributes));
  if (!complete)
    return complete.takeError();
  std::vector<TensorType> types;
  for (ValueId operand : operands) {
    if (operand < 0 || operand >= static_cast<ValueId>(function.values.size()))
      return usageError(std::string(opInfo(op).name) + ": operand " + std::to_string(operand) +
                        " is not a value of function `" + function.name + "`");
    if (depth(operand) != static_cast<int64_t>(open.size()))
      return usageError(std::string(opInfo(op).name) + ": operand `" +
                        function.values[static_cast<size_t>(operand)].name +
                        "` is a value of another block");
    types.push_back(type(operand));
  }
  Node node;
  node.blocks = std::move(blocks);
  InferContext context;
  context.graph = &graph;
  context.blocks = blockTypes(function, node);
  std::set<std::string> dims;
  if (op == Op::Broadcast || op == Op::Custom) {
    for (std::string &dim : symbolicDims(function))
      dims.insert(std::move(dim));
    context.dims = &dims;
  }
  auto results = inferTypes(op, types, *complete, context);
  if (!results)
    return results.takeError();

  node.name = takeUniqueName(names, name.empty() ? std::string(opInfo(op).name) : name);
  node.op = op;
  node.operands = std::move(operands);
  node.attributes = std::move(*complete);
  node.location = location;
  int64_t scope = open.empty() ? 0 : open.back().scope;
  for (TensorType &result : *results) {
    // The value of a node with one result is called like the node.
    std::string valueName =
        results->size() == 1
            ? node.name
            : takeUniqueName(names, node.name + '/' + std::to_string(node.results.size() + 1));
    node.results.push_back(value(valueName, std::move(result), scope));
  }
  block().nodes.push_back(std::move(node));
  return block().nodes.back().results;
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
  if (hasEffect(op))
    return usageError(std::string(opInfo(op).name) +
                      ": has no result, expected 1 (see FunctionBuilder::nodes)");
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

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
