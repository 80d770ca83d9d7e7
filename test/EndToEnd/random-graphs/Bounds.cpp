//===- Bounds.cpp - Evaluation with error bounds --------------------------===//

#include "Bounds.h"

#include "ErrorRules.h"

#include "mlc/Reference/Reference.h"
#include "mlc/Tensor/Element.h"

#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <sstream>

namespace mlc::test {

Bounded Bounded::exact(Tensor value) {
  std::vector<double> error(static_cast<size_t>(value.size()), 0.0);
  return {std::move(value), std::move(error)};
}

namespace {

/// A branch that may be the other one: nothing is known of its results.
void forget(std::vector<Bounded> &results) {
  for (Bounded &result : results)
    result.error.assign(result.error.size(), std::numeric_limits<double>::infinity());
}

Bounded slice(const Bounded &whole, int64_t step) {
  Shape shape(whole.value.shape().begin() + 1, whole.value.shape().end());
  int64_t size = *elementCount(shape);
  auto first = whole.error.begin() + static_cast<ptrdiff_t>(step * size);
  return {whole.value.view(shape, step * size), {first, first + static_cast<ptrdiff_t>(size)}};
}

} // namespace

Evaluator::Results Evaluator::runBlock(const Block &block, const std::vector<Value> &values,
                                       const std::vector<Bounded> &inputs) const {
  std::map<ValueId, Bounded> known;
  for (size_t i = 0; i < inputs.size(); ++i)
    known[block.inputs[i]] = inputs[i];
  for (const Node &node : block.nodes) {
    std::vector<Bounded> operands;
    for (ValueId id : node.operands)
      operands.push_back(known.at(id));
    auto results = evaluate(node, operands, values);
    if (!results)
      return results;
    for (size_t i = 0; i < node.results.size(); ++i)
      known[node.results[i]] = std::move((*results)[i]);
  }
  std::vector<Bounded> outputs;
  for (ValueId id : block.outputs)
    outputs.push_back(known.at(id));
  return outputs;
}

Evaluator::Results Evaluator::evaluateIf(const Node &node, const std::vector<Bounded> &operands,
                                         const std::vector<Value> &values) const {
  const Bounded &predicate = operands[0];
  auto results = runBlock(node.blocks[predicate.value.item<bool>() ? 0 : 1], values,
                          {operands.begin() + 1, operands.end()});
  if (results && predicate.error[0] > 0)
    forget(*results);
  return results;
}

Evaluator::Results Evaluator::evaluateWhile(const Node &node, std::vector<Bounded> state,
                                            const std::vector<Value> &values) const {
  bool isKnown = true;
  for (int64_t rounds = std::get<int64_t>(node.attributes.at("limit"));; --rounds) {
    auto condition = runBlock(node.blocks[0], values, state);
    if (!condition)
      return condition;
    isKnown &= condition->front().error[0] == 0;
    if (!condition->front().value.item<bool>())
      break;
    if (rounds == 0)
      return resourceError("a while exceeds its limit");
    auto next = runBlock(node.blocks[1], values, state);
    if (!next)
      return next;
    std::move(next->begin(), next->end(), state.begin());
  }
  state.resize(static_cast<size_t>(std::get<int64_t>(node.attributes.at("carried"))));
  if (!isKnown)
    forget(state);
  return state;
}

Evaluator::Results Evaluator::evaluateScan(const Node &node, const std::vector<Bounded> &operands,
                                           const std::vector<Value> &values) const {
  auto carried = static_cast<size_t>(std::get<int64_t>(node.attributes.at("carried")));
  auto sequences = static_cast<size_t>(std::get<int64_t>(node.attributes.at("sequences")));
  int64_t steps = sequences > 0 ? operands[carried].value.shape()[0]
                                : std::get<int64_t>(node.attributes.at("length"));
  bool reverse = std::get<bool>(node.attributes.at("reverse"));
  std::vector<TensorType> types = concreteTypes(node, values);
  std::vector<Bounded> state = operands, collected;
  for (size_t i = carried; i < types.size(); ++i) {
    Shape shape;
    for (const Dim &dim : types[i].dims)
      shape.push_back(dim.size);
    collected.push_back(Bounded::exact(*Tensor::zeros(types[i].dtype, shape)));
  }
  for (int64_t count = 0; count < steps; ++count) {
    int64_t step = reverse ? steps - 1 - count : count;
    for (size_t i = carried; i < carried + sequences; ++i)
      state[i] = slice(operands[i], step);
    auto results = runBlock(node.blocks[0], values, state);
    if (!results)
      return results;
    for (size_t i = 0; i < collected.size(); ++i) {
      const Bounded &made = (*results)[carried + i];
      int64_t size = made.value.size();
      if (size > 0)
        std::memcpy(slice(collected[i], step).value.data(), made.value.data(),
                    static_cast<size_t>(made.value.byteSize()));
      std::copy(made.error.begin(), made.error.end(),
                collected[i].error.begin() + static_cast<ptrdiff_t>(step * size));
    }
    for (size_t i = 0; i < carried; ++i)
      state[i] = std::move((*results)[i]);
  }
  state.resize(carried);
  std::move(collected.begin(), collected.end(), std::back_inserter(state));
  return state;
}

std::vector<TensorType> Evaluator::concreteTypes(const Node &node,
                                                 const std::vector<Value> &values) const {
  std::vector<TensorType> types;
  for (ValueId id : node.results) {
    types.push_back(values[static_cast<size_t>(id)].type);
    for (Dim &dim : types.back().dims)
      if (dim.isSymbolic())
        dim = Dim(sizes.at(dim.name));
  }
  return types;
}

Result<std::vector<Bounded>> Evaluator::evaluate(const Node &node,
                                                 const std::vector<Bounded> &operands,
                                                 const std::vector<Value> &functionValues) const {
  if (node.op == Op::Parameter)
    return std::vector<Bounded>{
        Bounded::exact(parameters.at(std::get<std::string>(node.attributes.at("parameter"))))};
  if (node.op == Op::Constant)
    return std::vector<Bounded>{Bounded::exact(std::get<Tensor>(node.attributes.at("value")))};
  if (node.op == Op::Call)
    return evaluateBounded(graph,
                           *graph.findFunction(std::get<std::string>(node.attributes.at("callee"))),
                           parameters, operands, print);
  if (node.op == Op::If)
    return evaluateIf(node, operands, functionValues);
  if (node.op == Op::While)
    return evaluateWhile(node, operands, functionValues);
  if (node.op == Op::Scan)
    return evaluateScan(node, operands, functionValues);

  auto known = [&](Dim &dim) {
    if (dim.isSymbolic())
      dim = Dim(sizes.at(dim.name));
  };
  Node concrete = node;
  for (auto &attribute : concrete.attributes)
    if (auto *dims = std::get_if<Dims>(&attribute.second))
      for (Dim &dim : *dims)
        known(dim);
  std::vector<Tensor> values;
  for (const Bounded &operand : operands)
    values.push_back(operand.value);
  auto results = evaluateNode(concrete, values, concreteTypes(node, functionValues), print);
  if (!results)
    return results.takeError();
  if (results->empty())
    return std::vector<Bounded>();
  auto error = resultError(concrete, operands, results->front());
  if (!error)
    return error.takeError();
  return std::vector<Bounded>{{std::move(results->front()), std::move(*error)}};
}

Result<std::vector<Bounded>> evaluateValues(const Graph &graph, const Function &function,
                                            const TensorMap &parameters,
                                            const std::vector<Bounded> &inputs,
                                            const PrintFunction &print) {
  std::vector<Bounded> values(function.values.size());
  std::map<std::string, int64_t> sizes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto id = static_cast<size_t>(function.body.inputs[i]);
    const Dims &dims = function.values[id].type.dims;
    for (size_t d = 0; d < dims.size(); ++d)
      if (dims[d].isSymbolic())
        sizes[dims[d].name] = inputs[i].value.shape()[d];
    values[id] = inputs[i];
  }
  Evaluator evaluator(graph, parameters, sizes, print);
  for (const Node &node : function.body.nodes) {
    std::vector<Bounded> operands;
    for (ValueId id : node.operands)
      operands.push_back(values[static_cast<size_t>(id)]);
    auto results = evaluator.evaluate(node, operands, function.values);
    if (!results)
      return results;
    for (size_t i = 0; i < node.results.size(); ++i)
      values[static_cast<size_t>(node.results[i])] = std::move((*results)[i]);
  }
  return values;
}

Result<std::vector<Bounded>> evaluateBounded(const Graph &graph, const Function &function,
                                             const TensorMap &parameters,
                                             const std::vector<Bounded> &inputs,
                                             const PrintFunction &print) {
  auto values = evaluateValues(graph, function, parameters, inputs, print);
  if (!values)
    return values;
  std::vector<Bounded> outputs;
  for (ValueId id : function.body.outputs)
    outputs.push_back((*values)[static_cast<size_t>(id)]);
  return outputs;
}

std::string compareBounded(const Tensor &got, const Bounded &expected) {
  if (got.dtype() != expected.value.dtype() || got.shape() != expected.value.shape())
    return "has another dtype or shape than the reference's";
  double worst = 0;
  std::ostringstream message;
  message.precision(9);
  for (int64_t i = 0; i < got.size(); ++i) {
    double allowed = expected.error[static_cast<size_t>(i)];
    if (std::isinf(allowed))
      continue;
    bool agrees;
    double distance = std::numeric_limits<double>::infinity();
    if (isFloat(got.dtype())) {
      double a = elementAsDouble(got, i), b = elementAsDouble(expected.value, i);
      if (std::isfinite(a) && std::isfinite(b))
        distance = std::fabs(a - b);
      agrees = std::isnan(b) ? std::isnan(a) : a == b || distance <= allowed;
    } else {
      agrees = elementAsInt(got, i) == elementAsInt(expected.value, i);
    }
    if (agrees || (worst > 0 && distance / allowed <= worst))
      continue;
    worst = allowed > 0 ? distance / allowed : distance;
    message.str("");
    message << "element " << i << " of " << got.size() << " is " << elementToString(got, i)
            << ", the reference has " << elementToString(expected.value, i) << ", allowed error "
            << allowed;
  }
  return message.str();
}

} // namespace mlc::test
