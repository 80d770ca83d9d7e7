//===- Reference.cpp - Evaluates graphs node by node --------------------------------===//
//
// Refuses dtypes that no executor runs yet. Calls and blocks are evaluated by
// recursion, whose depth validate() bounds.
//
//===----------------------------------------------------------------------===//

#include "mlc/Reference/Reference.h"
#include "Ops.h"
#include "mlc/Graph/Infer.h"

#include <cstring>
#include <new>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

TensorType typeOf(const Tensor &tensor) {
  return {tensor.dtype(), Dims(tensor.shape().begin(), tensor.shape().end())};
}

using reference::attribute;
using reference::Operands;
using reference::ResultType;

Result<Tensor> evaluateCustom(const Node &node, const Operands &operands, const ResultType &type) {
  const auto &name = attribute<std::string>(node, "function");
  auto op = findCustomOp(name);
  if (!op)
    return op.takeError();
  auto result = Tensor::zeros(type.dtype, type.shape);
  if (!result)
    return result;
  std::vector<TensorType> types;
  types.reserve(operands.size());
  for (const Tensor &operand : operands)
    types.push_back(typeOf(operand));
  if (Status status = checkCustomOp(**op, name, types, typeOf(*result)); !status)
    return status.takeError();
  if (Status status = runCustomOp(**op, name, operands, *result); !status)
    return status.takeError();
  return result;
}

Status runEffect(const Node &node, const Operands &operands, const PrintFunction &print) {
  if (node.op == Op::Print)
    return runPrint(print, attribute<std::string>(node, "label"), operands[0]);
  return runCheck(attribute<std::string>(node, "message"), operands[0]);
}

// No default: the compiler names an op that has no line here.
Result<Tensor> evaluateOp(const Node &node, const Operands &operands, const ResultType &type) {
  switch (node.op) {
  case Op::Constant:
    return std::get<Tensor>(node.attributes.at("value")).clone();
  case Op::MatMul:
    return evaluateMatMul(node, operands, type);
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Div:
  case Op::Max:
  case Op::Min:
  case Op::Neg:
  case Op::Abs:
  case Op::Exp:
  case Op::Log:
  case Op::Sqrt:
  case Op::Rsqrt:
  case Op::Tanh:
  case Op::Sigmoid:
  case Op::Relu:
  case Op::Erf:
  case Op::Gelu:
  case Op::LogicalAnd:
  case Op::LogicalOr:
  case Op::LogicalNot:
    return evaluateElementwise(node, operands, type);
  case Op::Compare:
    return evaluateCompare(node, operands, type);
  case Op::Select:
    return evaluateSelect(node, operands, type);
  case Op::Cast:
    return evaluateCast(node, operands, type);
  case Op::Broadcast:
    return evaluateBroadcast(node, operands, type);
  case Op::Reshape:
    return evaluateReshape(node, operands, type);
  case Op::Transpose:
    return evaluateTranspose(node, operands, type);
  case Op::Slice:
    return evaluateSlice(node, operands, type);
  case Op::Concat:
    return evaluateConcat(node, operands, type);
  case Op::Reduce:
    return evaluateReduce(node, operands, type);
  case Op::Softmax:
    return evaluateSoftmax(node, operands, type);
  case Op::Custom:
    return evaluateCustom(node, operands, type);
  case Op::Print:
  case Op::Check:
    return internalError(std::string(opInfo(node.op).name) + ": has no value");
  case Op::Take:
    return evaluateTake(node, operands, type);
  case Op::Parameter:
  case Op::Call:
  case Op::If:
  case Op::While:
  case Op::Scan:
    return usageError(std::string(opInfo(node.op).name) +
                      ": its value needs the rest of the model");
  }
  return internalError("op `" + std::string(opInfo(node.op).name) + "` has no reference");
}

/// Evaluates one function on inputs that were checked.
class Evaluator {
public:
  Evaluator(const GraphIndex &index, const ParameterMap &parameters, const Function &function,
            std::map<std::string, Dim> dims, const PrintFunction &print)
      : index(index), parameters(parameters), function(function), dims(std::move(dims)),
        print(print), tensors(function.values.size()), usesLeft(function.values.size(), 0) {}

  Result<std::vector<Tensor>> run(const std::vector<Tensor> &inputs) {
    return runBlock(function.body, inputs);
  }

private:
  Tensor &at(ValueId id) { return tensors[static_cast<size_t>(id)]; }

  void countUses(const std::vector<ValueId> &ids) {
    for (ValueId id : ids)
      ++usesLeft[static_cast<size_t>(id)];
  }

  /// The value, released with its last use.
  Tensor take(ValueId id) {
    return --usesLeft[static_cast<size_t>(id)] == 0 ? std::exchange(at(id), Tensor()) : at(id);
  }

  Result<std::vector<Tensor>> runBlock(const Block &block, const std::vector<Tensor> &inputs) {
    for (const Node &node : block.nodes)
      countUses(node.operands);
    countUses(block.outputs);
    for (size_t i = 0; i < inputs.size(); ++i)
      at(block.inputs[i]) = inputs[i];
    for (const Node &node : block.nodes) {
      std::vector<Tensor> operands;
      operands.reserve(node.operands.size());
      for (ValueId id : node.operands)
        operands.push_back(take(id));
      auto results = evaluate(node, operands);
      if (!results) {
        Error error = results.takeError();
        // Of nested blocks and calls, the innermost node is the one to name.
        if (error.message.compare(0, 10, "function `") != 0)
          error.message = placeOf(function, node) + error.message;
        return error;
      }
      for (size_t i = 0; i < results->size(); ++i)
        at(node.results[i]) = std::move((*results)[i]);
    }
    std::vector<Tensor> outputs;
    outputs.reserve(block.outputs.size());
    for (ValueId id : block.outputs)
      outputs.push_back(take(id));
    return outputs;
  }

  Result<std::vector<Tensor>> evaluateIf(const Node &node, const std::vector<Tensor> &operands) {
    const Block &chosen = node.blocks[operands[0].item<bool>() ? 0 : 1];
    return runBlock(chosen, {operands.begin() + 1, operands.end()});
  }

  Result<std::vector<Tensor>> evaluateWhile(const Node &node, std::vector<Tensor> values) {
    auto carried = reference::attribute<int64_t>(node, "carried");
    auto limit = reference::attribute<int64_t>(node, "limit");
    for (int64_t round = 0;; ++round) {
      auto goesOn = runBlock(node.blocks[0], values);
      if (!goesOn)
        return goesOn;
      if (!(*goesOn)[0].item<bool>())
        break;
      if (round == limit)
        return resourceError("while: has run " + std::to_string(limit) +
                             " times, its `limit`, and would go on");
      auto next = runBlock(node.blocks[1], values);
      if (!next)
        return next;
      std::move(next->begin(), next->end(), values.begin());
    }
    values.resize(static_cast<size_t>(carried));
    return values;
  }

  Result<std::vector<Tensor>> evaluateScan(const Node &node, const std::vector<Tensor> &operands,
                                           const std::vector<TensorType> &types) {
    auto carried = static_cast<size_t>(reference::attribute<int64_t>(node, "carried"));
    auto sequences = static_cast<size_t>(reference::attribute<int64_t>(node, "sequences"));
    int64_t steps = sequences > 0 ? operands[carried].shape()[0]
                                  : reference::attribute<int64_t>(node, "length");
    std::vector<Tensor> values = operands, collected;
    for (size_t i = carried; i < types.size(); ++i) {
      Shape shape;
      for (const Dim &dim : types[i].dims)
        shape.push_back(dim.size);
      auto whole = Tensor::zeros(types[i].dtype, std::move(shape));
      if (!whole)
        return whole.takeError();
      collected.push_back(std::move(*whole));
    }
    auto slice = [](const Tensor &whole, int64_t step) {
      Shape shape(whole.shape().begin() + 1, whole.shape().end());
      int64_t size = *elementCount(shape);
      return whole.view(std::move(shape), step * size);
    };
    for (int64_t round = 0; round < steps; ++round) {
      int64_t step = reference::attribute<bool>(node, "reverse") ? steps - 1 - round : round;
      for (size_t i = carried; i < carried + sequences; ++i)
        values[i] = slice(operands[i], step);
      auto results = runBlock(node.blocks[0], values);
      if (!results)
        return results;
      for (size_t i = 0; i < carried; ++i)
        values[i] = (*results)[i];
      for (size_t i = 0; i < collected.size(); ++i) {
        Tensor place = slice(collected[i], step);
        const Tensor &made = (*results)[carried + i];
        if (made.byteSize() > 0)
          std::memcpy(place.data(), made.data(), static_cast<size_t>(made.byteSize()));
      }
    }
    values.resize(carried);
    values.insert(values.end(), collected.begin(), collected.end());
    return values;
  }

  Result<std::vector<Tensor>> evaluate(const Node &node, const std::vector<Tensor> &operands) {
    if (node.op == Op::Parameter) {
      const auto &name = std::get<std::string>(node.attributes.at("parameter"));
      auto found = parameters.find(name);
      if (found == parameters.end())
        return usageError("no value is given for parameter `" + name + '`');
      const TensorType &type = function.values[static_cast<size_t>(node.results[0])].type;
      if (typeOf(found->second) != type)
        return badInputError("parameter `" + name + "` is " + toString(typeOf(found->second)) +
                             ", expected " + toString(type));
      return std::vector<Tensor>{found->second};
    }
    if (node.op == Op::Call) {
      const Function *callee =
          index.findFunction(std::get<std::string>(node.attributes.at("callee")));
      std::vector<TensorType> types;
      types.reserve(operands.size());
      for (const Tensor &operand : operands)
        types.push_back(typeOf(operand));
      auto bindings = bindDims(*callee, types);
      if (!bindings)
        return bindings.takeError();
      return Evaluator(index, parameters, *callee, std::move(*bindings), print).run(operands);
    }
    std::vector<TensorType> types;
    types.reserve(node.results.size());
    for (ValueId id : node.results)
      types.push_back(substituteDims(function.values[static_cast<size_t>(id)].type, dims));
    if (node.op == Op::If)
      return evaluateIf(node, operands);
    if (node.op == Op::While)
      return evaluateWhile(node, operands);
    if (node.op == Op::Scan)
      return evaluateScan(node, operands, types);
    return evaluateNode(node, operands, types, print);
  }

  const GraphIndex &index;
  const ParameterMap &parameters;
  const Function &function;
  std::map<std::string, Dim> dims;
  const PrintFunction &print;
  std::vector<Tensor> tensors;
  std::vector<int64_t> usesLeft;
};

} // namespace

Result<std::vector<Tensor>> evaluateNode(const Node &node, const std::vector<Tensor> &operands,
                                         const std::vector<TensorType> &resultTypes,
                                         const PrintFunction &print) {
  for (const Tensor &operand : operands)
    if (!isExecutable(operand.dtype()))
      return unsupportedError("dtype " + std::string(dtypeName(operand.dtype())) +
                              " cannot be executed yet");
  if (hasEffect(node.op)) {
    if (Status status = runEffect(node, operands, print); !status)
      return status.takeError();
    return std::vector<Tensor>();
  }
  if (resultTypes.size() != 1)
    return usageError(std::string(opInfo(node.op).name) + ": expected one result type, got " +
                      std::to_string(resultTypes.size()));
  ResultType type{resultTypes[0].dtype, {}};
  if (!isExecutable(type.dtype))
    return unsupportedError("dtype " + std::string(dtypeName(type.dtype)) +
                            " cannot be executed yet");
  for (const Dim &dim : resultTypes[0].dims) {
    if (dim.isSymbolic())
      return usageError(std::string(opInfo(node.op).name) + ": dimension `" + dim.name +
                        "` of the result is not known");
    type.shape.push_back(dim.size);
  }
  try {
    Result<Tensor> result = evaluateOp(node, operands, type);
    if (!result)
      return result.takeError();
    return std::vector<Tensor>{std::move(*result)};
  } catch (const std::bad_alloc &) {
    return resourceError(std::string(opInfo(node.op).name) + ": out of memory for " +
                         toString(resultTypes[0]));
  }
}

Result<std::vector<Tensor>> evaluateReference(const Graph &graph, const Function &function,
                                              const ParameterMap &parameters,
                                              const std::vector<Tensor> &inputs,
                                              const PrintFunction &print) {
  std::vector<TensorType> types;
  types.reserve(inputs.size());
  for (const Tensor &input : inputs)
    types.push_back(typeOf(input));
  auto dims = bindDims(function, types);
  if (!dims)
    return dims.takeError();
  GraphIndex index(graph);
  auto outputs = Evaluator(index, parameters, function, std::move(*dims), print).run(inputs);
  if (!outputs)
    return outputs;
  // Inputs, parameters and outputs may share memory: give the caller its own.
  try {
    for (Tensor &output : *outputs)
      output = output.clone();
  } catch (const std::bad_alloc &) {
    return resourceError("out of memory for the outputs of `" + function.name + '`');
  }
  return outputs;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
