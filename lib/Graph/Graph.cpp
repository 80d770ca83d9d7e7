//===- Graph.cpp - Lookups in a graph -----------------------------------------===//

#include "mlc/Graph/Graph.h"

#include <unordered_set>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

std::string toString(const Dim &dim) {
  return dim.isSymbolic() ? dim.name : std::to_string(dim.size);
}

std::string toString(const TensorType &type) {
  std::string text(dtypeName(type.dtype));
  text += '[';
  for (size_t i = 0; i < type.dims.size(); ++i) {
    text += i ? "," : "";
    text += toString(type.dims[i]);
  }
  return text + ']';
}

std::string placeOf(const Function &function, const Node &node) {
  return "function `" + function.name + "`: node `" + node.name + '`' +
         (node.location.empty() ? "" : " (" + node.location + ')') + ": ";
}

const Function *Graph::findFunction(std::string_view name) const {
  for (const Function &function : functions)
    if (function.name == name)
      return &function;
  return nullptr;
}

const Parameter *Graph::findParameter(std::string_view name) const {
  for (const Parameter &parameter : parameters)
    if (parameter.name == name)
      return &parameter;
  return nullptr;
}

std::vector<std::string> symbolicDims(const Function &function) {
  std::vector<std::string> names;
  std::unordered_set<std::string_view> seen;
  for (ValueId input : function.body.inputs)
    for (const Dim &dim : function.values[input].type.dims)
      if (dim.isSymbolic() && seen.insert(dim.name).second)
        names.push_back(dim.name);
  return names;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
