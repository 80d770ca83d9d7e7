//===- Print.cpp - Graphs for people ---------------------------------------------===//
//
//   parameter w : f32[512,256]
//
//   function main(x : f32[batch,512]) -> (y : f32[batch,256])
//     w : f32[512,256] = parameter {parameter="w"}
//     h : f32[batch,256] = matmul x w
//     return h
//
// Attributes that have their default are left out. For reading only: names are
// not escaped, and large constants are elided.
//
//===----------------------------------------------------------------------===//

#include "mlc/Graph/Print.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

constexpr int64_t kMaxConstantElements = 16;

struct Printer {
  const Function &function;
  std::string out;

  const std::string &name(ValueId id) { return function.values[static_cast<size_t>(id)].name; }

  void typed(const std::string &name, ValueId id) {
    out += name + " : " + toString(function.values[static_cast<size_t>(id)].type);
  }

  void names(const std::vector<ValueId> &ids) {
    for (ValueId id : ids)
      out += ' ' + name(id);
  }

  template <typename T, typename Text> void list(const std::vector<T> &items, Text text) {
    out += '[';
    for (size_t i = 0; i < items.size(); ++i)
      out += (i ? "," : "") + text(items[i]);
    out += ']';
  }

  void operator()(bool value) { out += value ? "true" : "false"; }
  void operator()(int64_t value) { out += std::to_string(value); }
  void operator()(const std::string &value) { out += '"' + value + '"'; }
  void operator()(const std::vector<int64_t> &value) {
    list(value, [](int64_t item) { return std::to_string(item); });
  }
  void operator()(const Dims &value) {
    list(value, [](const Dim &dim) { return toString(dim); });
  }
  void operator()(const Tensor &value) {
    // On one line, whatever the rank.
    for (char c : toString(value, kMaxConstantElements))
      if (c != '\n')
        out += c;
      else if (out.back() != ' ')
        out += ' ';
  }

  void attributes(const Node &node) {
    const OpInfo &info = opInfo(node.op);
    const char *separator = " {";
    for (const auto &[name, value] : node.attributes) {
      size_t start = out.size();
      out += separator + name + '=';
      size_t text = out.size();
      std::visit(*this, value);
      std::string_view printed = std::string_view(out).substr(text);
      if (std::holds_alternative<std::string>(value))
        printed = printed.substr(1, printed.size() - 2);
      bool isDefault = false;
      for (int32_t i = 0; i < info.numAttributes; ++i)
        isDefault |= info.attributes[i].optional && info.attributes[i].name == name &&
                     info.attributes[i].defaultText == printed;
      if (isDefault)
        out.resize(start);
      else
        separator = ", ";
    }
    if (separator[0] == ',')
      out += '}';
  }

  void block(const Block &block, const std::string &indent) {
    for (const Node &node : block.nodes) {
      out += indent;
      for (size_t i = 0; i < node.results.size(); ++i) {
        out += i ? ", " : "";
        typed(name(node.results[i]), node.results[i]);
      }
      out += (node.results.empty() ? "" : " = ") + std::string(opInfo(node.op).name);
      names(node.operands);
      attributes(node);
      out += '\n';
      for (const Block &inner : node.blocks) {
        out += indent + "  block";
        names(inner.inputs);
        out += '\n';
        this->block(inner, indent + "    ");
      }
    }
    out += indent + "return";
    names(block.outputs);
    out += '\n';
  }
};

} // namespace

std::string print(const Function &function) {
  Printer printer{function, "function " + function.name + '('};
  const Block &body = function.body;
  for (size_t i = 0; i < body.inputs.size(); ++i) {
    printer.out += i ? ", " : "";
    printer.typed(printer.name(body.inputs[i]), body.inputs[i]);
  }
  printer.out += ") -> (";
  for (size_t i = 0; i < body.outputs.size(); ++i) {
    printer.out += i ? ", " : "";
    printer.typed(function.outputNames[i], body.outputs[i]);
  }
  printer.out += ")\n";
  printer.block(body, "  ");
  return std::move(printer.out);
}

std::string print(const Graph &graph) {
  std::string text;
  for (const Parameter &parameter : graph.parameters)
    text += "parameter " + parameter.name + " : " + toString(parameter.type) + '\n';
  for (const Function &function : graph.functions)
    text += (text.empty() ? "" : "\n") + print(function);
  return text;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
