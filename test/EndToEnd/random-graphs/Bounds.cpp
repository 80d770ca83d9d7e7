//===- Bounds.cpp - Evaluation with error bounds --------------------------===//

#include "Bounds.h"

#include "ErrorRules.h"

#include "mlc/Reference/Reference.h"
#include "mlc/Tensor/Element.h"

#include <cmath>
#include <limits>
#include <sstream>

namespace mlc::test {

Bounded Bounded::exact(Tensor value) {
  std::vector<double> error(static_cast<size_t>(value.size()), 0.0);
  return {std::move(value), std::move(error)};
}

Result<std::vector<Bounded>> Evaluator::evaluate(const Node &node,
                                                 const std::vector<Bounded> &operands,
                                                 const std::vector<TensorType> &types) const {
  if (node.op == Op::Parameter)
    return std::vector<Bounded>{
        Bounded::exact(parameters.at(std::get<std::string>(node.attributes.at("parameter"))))};
  if (node.op == Op::Constant)
    return std::vector<Bounded>{Bounded::exact(std::get<Tensor>(node.attributes.at("value")))};
  if (node.op == Op::Call)
    return evaluateBounded(graph,
                           *graph.findFunction(std::get<std::string>(node.attributes.at("callee"))),
                           parameters, operands);

  auto known = [&](Dim &dim) {
    if (dim.isSymbolic())
      dim = Dim(sizes.at(dim.name));
  };
  Node concrete = node;
  for (auto &attribute : concrete.attributes)
    if (auto *dims = std::get_if<Dims>(&attribute.second))
      for (Dim &dim : *dims)
        known(dim);
  std::vector<TensorType> concreteTypes = types;
  for (TensorType &type : concreteTypes)
    for (Dim &dim : type.dims)
      known(dim);
  std::vector<Tensor> values;
  for (const Bounded &operand : operands)
    values.push_back(operand.value);
  auto results = evaluateNode(concrete, values, concreteTypes);
  if (!results)
    return results.takeError();
  auto error = resultError(concrete, operands, results->front());
  if (!error)
    return error.takeError();
  return std::vector<Bounded>{{std::move(results->front()), std::move(*error)}};
}

Result<std::vector<Bounded>> evaluateValues(const Graph &graph, const Function &function,
                                            const TensorMap &parameters,
                                            const std::vector<Bounded> &inputs) {
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
  Evaluator evaluator(graph, parameters, sizes);
  for (const Node &node : function.body.nodes) {
    std::vector<Bounded> operands;
    for (ValueId id : node.operands)
      operands.push_back(values[static_cast<size_t>(id)]);
    std::vector<TensorType> types;
    for (ValueId id : node.results)
      types.push_back(function.values[static_cast<size_t>(id)].type);
    auto results = evaluator.evaluate(node, operands, types);
    if (!results)
      return results;
    for (size_t i = 0; i < node.results.size(); ++i)
      values[static_cast<size_t>(node.results[i])] = std::move((*results)[i]);
  }
  return values;
}

Result<std::vector<Bounded>> evaluateBounded(const Graph &graph, const Function &function,
                                             const TensorMap &parameters,
                                             const std::vector<Bounded> &inputs) {
  auto values = evaluateValues(graph, function, parameters, inputs);
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
