//===- Trace.cpp - Recording a graph --------------------------------------===//
//
// Works on graphs under construction. Refuses tensors of another trace, or of one
// that has ended.
//
//===----------------------------------------------------------------------===//
#include "Trace.h"

namespace mlc {

namespace {

Error wrongUse(const SourceLocation &where, const std::string &message) {
  return {ErrorKind::Usage, toString(where) + ": " + message};
}

} // namespace

TensorType typeOf(const Tensor &tensor) {
  if (tensor.isTraced())
    return symbolOf(tensor).type;
  return {tensor.dtype(), Dims(tensor.shape().begin(), tensor.shape().end())};
}

Trace::Trace(const std::string &name, std::function<std::map<std::string, Tensor>()> named)
    : builder(graph, name), named(std::move(named)) {}

static Tensor traced(std::shared_ptr<Trace> trace, ValueId value, const TensorType &type,
                     std::string origin) {
  auto symbol = std::make_shared<TraceSymbol>();
  symbol->origin = std::move(origin);
  symbol->trace = std::move(trace);
  symbol->value = value;
  symbol->type = type;
  Shape shape;
  shape.reserve(type.dims.size());
  for (const Dim &dim : type.dims)
    shape.push_back(dim.isSymbolic() ? kSymbolic : dim.size);
  return Tensor::traced(type.dtype, std::move(shape), std::move(symbol));
}

Tensor Trace::input(const std::string &name, const TensorType &type) {
  return traced(shared_from_this(), builder.input(name, type), type, "input `" + name + "`");
}

/// Empty if it has none. Asked once per captured tensor, and new ones may have been
/// made while the function ran.
std::string Trace::nameOf(const Tensor &tensor) const {
  if (named && tensor.size() > 0)
    for (const auto &[name, candidate] : named())
      if (candidate.data() == tensor.data())
        return name;
  return "";
}

ValueId Trace::valueOf(const Tensor &tensor, const SourceLocation &where) {
  if (!tensor.isTraced())
    return capture(tensor, where);
  const TraceSymbol &symbol = symbolOf(tensor);
  if (symbol.trace.get() != this || finished)
    throw wrongUse(where, symbol.origin + " belongs to " +
                              (symbol.trace->finished ? "a trace that has ended"
                                                      : "the trace of another function") +
                              ": a traced tensor may not leave the function that is traced");
  return symbol.value;
}

ValueId Trace::capture(const Tensor &tensor, const SourceLocation &where) {
  auto [first, last] = captured.equal_range(tensor.data());
  for (auto it = first; it != last; ++it)
    if (it->second.tensor.dtype() == tensor.dtype() && it->second.tensor.shape() == tensor.shape())
      return it->second.value;

  std::string name = nameOf(tensor);
  Result<ValueId> value = internalError("");
  if (name.empty() && tensor.byteSize() <= kLargestConstant) {
    value = builder.node(Op::Constant, {}, {{"value", tensor.clone()}});
  } else {
    if (name.empty())
      name = "captured";
    std::string parameter = name;
    for (size_t i = 1; graph.findParameter(parameter); ++i) // views of one tensor
      parameter = name + std::to_string(i);
    graph.parameters.push_back({parameter, typeOf(tensor)});
    parameters.emplace(parameter, tensor);
    value = builder.node(Op::Parameter, {}, {{"parameter", parameter}}, parameter);
  }
  if (!value)
    throw wrongUse(where, value.error().message);
  captured.emplace(tensor.data(), Captured{tensor, *value});
  return *value;
}

std::vector<Tensor> Trace::record(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                                  const SourceLocation &where) {
  std::vector<ValueId> values;
  values.reserve(operands.size());
  for (const Tensor &operand : operands)
    values.push_back(valueOf(operand, where));
  builder.setLocation(toString(where));
  auto results = builder.nodes(op, std::move(values), std::move(attributes));
  builder.setLocation("");
  if (!results)
    throw wrongUse(where, results.error().message);
  std::vector<Tensor> tensors;
  tensors.reserve(results->size());
  for (ValueId result : *results)
    tensors.push_back(traced(shared_from_this(), result, builder.type(result),
                             "`" + std::string(opInfo(op).name) + "` (" + toString(where) + ")"));
  return tensors;
}

void Trace::finish(const std::vector<Tensor> &outputs, const SourceLocation &where) {
  for (size_t i = 0; i < outputs.size(); ++i)
    builder.output(valueOf(outputs[i], where), outputs.size() == 1 ? "y" : "y" + std::to_string(i));
  graph.functions.push_back(builder.finish());
  removeDeadNodes(graph.functions.back());
  finished = true;
  captured.clear();
}

} // namespace mlc
