//===- GraphWriter.cpp - The JSON of a graph ------------------------------===//
//
// One text for one graph: keys in a fixed order, attributes sorted by name, all
// of them written. Names must be UTF-8 or the text will not be JSON. Refuses
// nothing: the graph is valid.
//
//===----------------------------------------------------------------------===//
#include "GraphJson.h"
#include "mlc/Model/Model.h"
#include "mlc/Tensor/Element.h"

#include <cmath>

using namespace mlc;

namespace {

class GraphWriter {
public:
  explicit GraphWriter(bool compact) : compact(compact) {}

  std::string write(const Graph &graph) {
    text = "{";
    key("format_version", 1);
    text += std::to_string(kFormatVersion);
    comma();
    key("parameters", 1);
    lines(graph.parameters, 2, [&](const Parameter &p) { typed(p.name, p.type); });
    comma();
    key("functions", 1);
    lines(graph.functions, 2, [&](const Function &f) { function(f); });
    newLine(0);
    text += compact ? "}" : "}\n";
    return std::move(text);
  }

private:
  /// Starts a line `depth` levels in.
  void newLine(int depth) {
    if (!compact)
      text.append(1, '\n').append(static_cast<size_t>(depth), ' ');
  }
  void comma() { text += compact ? "," : ", "; }
  void key(std::string_view name) {
    appendJsonString(text, name);
    text += compact ? ":" : ": ";
  }
  void key(std::string_view name, int depth) {
    if (!compact && text.size() > 1 && text.back() == ' ')
      text.pop_back();
    newLine(depth);
    key(name);
  }

  /// An array on one line.
  template <typename List, typename F> void list(const List &elements, F write) {
    text += '[';
    bool first = true;
    for (const auto &element : elements) {
      if (!first)
        comma();
      first = false;
      write(element);
    }
    text += ']';
  }

  /// An array with a line for every element.
  template <typename List, typename F> void lines(const List &elements, int depth, F write) {
    text += '[';
    bool first = true;
    for (const auto &element : elements) {
      if (!first)
        text += ',';
      first = false;
      newLine(depth);
      write(element);
    }
    if (!first)
      newLine(depth - 1);
    text += ']';
  }

  void typed(const std::string &name, const TensorType &type) {
    text += '{';
    key("name");
    appendJsonString(text, name);
    comma();
    typeMembers(type.dtype, type.dims);
    text += '}';
  }

  void typeMembers(DType dtype, const Dims &sizes) {
    key("dtype");
    appendJsonString(text, dtypeName(dtype));
    comma();
    key("dims");
    dims(sizes);
  }

  void dims(const Dims &sizes) {
    list(sizes, [&](const Dim &dim) {
      if (dim.isSymbolic())
        appendJsonString(text, dim.name);
      else
        text += std::to_string(dim.size);
    });
  }

  const Value &value(ValueId id) const { return current->values[static_cast<size_t>(id)]; }
  void newValues(const std::vector<ValueId> &ids) {
    list(ids, [&](ValueId id) { typed(value(id).name, value(id).type); });
  }
  void uses(const std::vector<ValueId> &ids) {
    list(ids, [&](ValueId id) { appendJsonString(text, value(id).name); });
  }

  void function(const Function &f) {
    current = &f;
    text += '{';
    key("name");
    appendJsonString(text, f.name);
    comma();
    key("inputs", 3);
    lines(f.body.inputs, 4, [&](ValueId id) { typed(value(id).name, value(id).type); });
    comma();
    key("nodes", 3);
    lines(f.body.nodes, 4, [&](const Node &n) { node(n); });
    comma();
    key("outputs", 3);
    size_t index = 0;
    lines(f.body.outputs, 4, [&](ValueId id) {
      text += '{';
      key("name");
      appendJsonString(text, f.outputNames[index++]);
      comma();
      key("value");
      appendJsonString(text, value(id).name);
      text += '}';
    });
    text += '}';
  }

  void node(const Node &n) {
    text += '{';
    key("name");
    appendJsonString(text, n.name);
    comma();
    key("op");
    appendJsonString(text, opInfo(n.op).name);
    comma();
    key("operands");
    uses(n.operands);
    comma();
    key("results");
    newValues(n.results);
    if (!n.attributes.empty()) {
      comma();
      key("attributes");
      text += '{';
      bool first = true;
      for (const auto &[name, attribute] : n.attributes) {
        if (!first)
          comma();
        first = false;
        key(name);
        std::visit([&](const auto &v) { write(v); }, attribute);
      }
      text += '}';
    }
    if (!n.blocks.empty()) {
      comma();
      key("blocks");
      list(n.blocks, [&](const Block &b) { block(b); });
    }
    if (!n.location.empty()) {
      comma();
      key("location");
      appendJsonString(text, n.location);
    }
    text += '}';
  }

  void block(const Block &b) {
    text += '{';
    key("inputs");
    newValues(b.inputs);
    comma();
    key("nodes");
    list(b.nodes, [&](const Node &n) { node(n); });
    comma();
    key("outputs");
    uses(b.outputs);
    text += '}';
  }

  void write(bool value) { text += value ? "true" : "false"; }
  void write(int64_t value) { text += std::to_string(value); }
  void write(const std::string &value) { appendJsonString(text, value); }
  void write(const std::vector<int64_t> &values) {
    list(values, [&](int64_t v) { text += std::to_string(v); });
  }
  void write(const Dims &value) { dims(value); }
  void write(const Tensor &value) {
    text += '{';
    typeMembers(value.dtype(), Dims(value.shape().begin(), value.shape().end()));
    comma();
    key("data");
    text += '[';
    for (int64_t i = 0; i < value.size(); ++i) {
      if (i > 0)
        comma();
      element(value, i);
    }
    text += "]}";
  }
  void element(const Tensor &value, int64_t index) {
    std::string number = elementToString(value, index);
    if (isFloat(value.dtype()) && !std::isfinite(elementAsDouble(value, index)))
      appendJsonString(text, number);
    else // As an integer, -0 would lose its sign.
      text += number == "-0" ? "-0.0" : number;
  }

  bool compact;
  std::string text;
  const Function *current = nullptr;
};

} // namespace

std::string mlc::writeGraph(const Graph &graph, bool compact) {
  return GraphWriter(compact).write(graph);
}

std::string mlc::graphToJson(const Graph &graph) { return writeGraph(graph, false); }
