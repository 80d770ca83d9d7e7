//===- Trace.cpp - Recording a graph --------------------------------------===//
//
// Works on graphs under construction. Refuses tensors of another trace, or of one
// that has ended.
//
//===----------------------------------------------------------------------===//
#include "Trace.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

namespace {

Error wrongUse(const SourceLocation &where, const std::string &message) {
  return {ErrorKind::Usage, toString(where) + ": " + message};
}

/// Whether there are several elements, all of the same bits.
bool isFilled(const Tensor &tensor) {
  if (tensor.size() < 2)
    return false;
  auto element = static_cast<size_t>(dtypeBytes(tensor.dtype()));
  const char *bytes = static_cast<const char *>(tensor.data());
  return std::memcmp(bytes, bytes + element, static_cast<size_t>(tensor.byteSize()) - element) == 0;
}

thread_local Trace *activeTrace = nullptr;

} // namespace

Trace *Trace::active() { return activeTrace; }

TraceScope::TraceScope(Trace &trace) : before(activeTrace) { activeTrace = &trace; }
TraceScope::~TraceScope() { activeTrace = before; }

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
      if (candidate.data() == tensor.data() && typeOf(candidate) == typeOf(tensor))
        return name;
  return "";
}

void Trace::checkUsable(const Tensor &tensor, const SourceLocation &where) const {
  if (!tensor.isTraced())
    return;
  const TraceSymbol &symbol = symbolOf(tensor);
  if (symbol.trace.get() != this || finished)
    throw wrongUse(where, symbol.origin + " belongs to " +
                              (symbol.trace->finished ? "a trace that has ended"
                                                      : "the trace of another function") +
                              ": a traced tensor may not leave the function that is traced");
  if (builder.depth(symbol.value) < 0)
    throw wrongUse(where, symbol.origin +
                              " was made in a function given to cond, whileLoop or scan, which "
                              "has ended: what is needed outside must be returned by it");
}

ValueId Trace::valueOf(const Tensor &tensor, const SourceLocation &where) {
  checkUsable(tensor, where);
  if (!tensor.isTraced())
    return capture(tensor, where);
  return atDepth(symbolOf(tensor).value, open.size());
}

std::vector<ValueId> Trace::valuesOf(const std::vector<Tensor> &tensors,
                                     const SourceLocation &where) {
  std::vector<ValueId> values;
  values.reserve(tensors.size());
  for (const Tensor &tensor : tensors)
    values.push_back(valueOf(tensor, where));
  return values;
}

ValueId Trace::atDepth(ValueId value, size_t depth) {
  if (builder.depth(value) == static_cast<int64_t>(depth))
    return value;
  ValueId around = atDepth(value, depth - 1);
  OpenBlock &block = open[depth - 1];
  auto place = static_cast<size_t>(std::find(block.outer.begin(), block.outer.end(), around) -
                                   block.outer.begin());
  if (place == block.outer.size())
    block.outer.push_back(around);
  block.inner.resize(block.outer.size(), -1);
  if (block.inner[place] < 0)
    block.inner[place] =
        builder.input(static_cast<int64_t>(depth), valueName(around), builder.type(around));
  return block.inner[place];
}

ValueId Trace::capture(const Tensor &tensor, const SourceLocation &where) {
  std::string parameter;
  auto [first, last] = captured.equal_range(tensor.data());
  for (auto it = first; it != last; ++it) {
    const Captured &known = it->second;
    if (known.tensor.dtype() != tensor.dtype() || known.tensor.shape() != tensor.shape())
      continue;
    if (builder.depth(known.value) == static_cast<int64_t>(open.size()))
      return known.value;
    parameter = known.parameter; // known in another block
  }

  std::optional<Tensor> fill; // the one element that all are equal to
  if (parameter.empty()) {
    std::string name = nameOf(tensor);
    if (name.empty() && isFilled(tensor)) {
      fill = tensor.view({}, 0);
    } else if (!name.empty() || tensor.byteSize() > kLargestConstant) {
      if (name.empty())
        name = "captured";
      parameter = name;
      for (size_t i = 1; graph.findParameter(parameter); ++i) // views of one tensor
        parameter = name + std::to_string(i);
      graph.parameters.push_back({parameter, typeOf(tensor)});
      parameters.emplace(parameter, tensor);
    }
  }
  auto value = !parameter.empty()
                   ? builder.node(Op::Parameter, {}, {{"parameter", parameter}}, parameter)
                   : builder.node(Op::Constant, {}, {{"value", (fill ? *fill : tensor).clone()}});
  if (value && fill)
    value = builder.node(Op::Broadcast, {*value},
                         {{"shape", typeOf(tensor).dims}, {"axes", std::vector<int64_t>()}});
  if (!value)
    throw wrongUse(where, value.error().message);
  captured.emplace(tensor.data(), Captured{tensor, *value, std::move(parameter)});
  return *value;
}

std::vector<Tensor> Trace::tracedResults(Op op, const std::vector<ValueId> &results,
                                         const SourceLocation &where) {
  std::vector<Tensor> tensors;
  tensors.reserve(results.size());
  for (ValueId result : results)
    tensors.push_back(traced(shared_from_this(), result, builder.type(result),
                             "`" + std::string(opInfo(op).name) + "` (" + toString(where) + ")"));
  return tensors;
}

std::vector<Tensor> Trace::record(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                                  const SourceLocation &where) {
  std::vector<ValueId> values = valuesOf(operands, where);
  builder.setLocation(toString(where));
  auto results = builder.nodes(op, std::move(values), std::move(attributes));
  builder.setLocation("");
  if (!results)
    throw wrongUse(where, results.error().message);
  return tracedResults(op, *results, where);
}

std::vector<Tensor> Trace::recordFlow(Op op, const std::vector<Tensor> &operands,
                                      Attributes attributes,
                                      const std::vector<TensorType> &blockInputs,
                                      const std::vector<detail::FlowBlock> &functions,
                                      const SourceLocation &where) {
  std::vector<ValueId> values = valuesOf(operands, where), outer;
  std::string name(opInfo(op).name);
  std::vector<Block> blocks;
  std::vector<std::vector<ValueId>> inner;
  for (const detail::FlowBlock &function : functions) {
    builder.beginBlock();
    open.push_back({outer, {}});
    std::vector<Tensor> inputs;
    inputs.reserve(blockInputs.size());
    for (const TensorType &type : blockInputs)
      inputs.push_back(
          traced(shared_from_this(), builder.input("x", type), type,
                 "an argument of a function given to `" + name + "` (" + toString(where) + ")"));
    try {
      blocks.push_back(builder.endBlock(valuesOf(function(inputs), where)));
    } catch (...) {
      builder.endBlock({}); // a caller that catches this goes on outside the block
      open.pop_back();
      throw;
    }
    inner.push_back(std::move(open.back().inner));
    open.pop_back();
  }

  for (size_t i = 0; i < blocks.size(); ++i) {
    Block &block = blocks[i];
    block.inputs.resize(blockInputs.size());
    inner[i].resize(outer.size(), -1);
    for (size_t k = 0; k < outer.size(); ++k)
      if (inner[i][k] >= 0)
        block.inputs.push_back(inner[i][k]);
      else // another block's
        builder.input(block, valueName(outer[k]), builder.type(outer[k]));
  }
  values.insert(values.end(), outer.begin(), outer.end());
  builder.setLocation(toString(where));
  auto results = builder.nodes(op, std::move(values), std::move(attributes), "", std::move(blocks));
  builder.setLocation("");
  if (!results)
    throw wrongUse(where, results.error().message);
  return tracedResults(op, *results, where);
}

void Trace::finish(const std::vector<Tensor> &outputs, const SourceLocation &where) {
  for (size_t i = 0; i < outputs.size(); ++i)
    builder.output(valueOf(outputs[i], where), outputs.size() == 1 ? "y" : "y" + std::to_string(i));
  graph.functions.push_back(builder.finish());
  removeDeadNodes(graph.functions.back());
  finished = true;
  captured.clear();
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
