// Short ways to write types, tensors and one-node graphs, well formed or not.
#ifndef MLC_TEST_UNIT_GRAPH_BUILD_H
#define MLC_TEST_UNIT_GRAPH_BUILD_H

#include "mlc/Graph/Graph.h"

#include <catch2/catch.hpp>
#include <cstdlib>

namespace mlc {

using Ints = std::vector<int64_t>;

/// "f32[batch,512]" as a type: the inverse of toString.
inline TensorType type(const std::string &text) {
  size_t open = text.find('[');
  REQUIRE(open != std::string::npos);
  auto dtype = parseDType(text.substr(0, open));
  REQUIRE(dtype.has_value());
  TensorType result{*dtype, {}};
  for (size_t at = open + 1; text[at] != ']';) {
    size_t end = text.find_first_of(",]", at);
    std::string dim = text.substr(at, end - at);
    bool number = dim.find_first_not_of("-0123456789") == std::string::npos;
    result.dims.push_back(number ? Dim(std::strtoll(dim.c_str(), nullptr, 10)) : Dim(dim));
    at = text[end] == ',' ? end + 1 : end;
  }
  return result;
}

inline std::vector<TensorType> types(const std::vector<std::string> &texts) {
  std::vector<TensorType> list;
  for (const std::string &text : texts)
    list.push_back(type(text));
  return list;
}

inline Tensor zeros(DType dtype, Shape shape) { return *Tensor::zeros(dtype, std::move(shape)); }

/// A function of one node, whose operands are the inputs x0, x1, ... and whose
/// results are the outputs y0, y1, ...
inline Function oneNode(Op op, const std::vector<TensorType> &operands, Attributes attributes,
                        const std::vector<TensorType> &results) {
  Function function;
  function.name = "main";
  Node node;
  node.name = "node";
  node.op = op;
  node.attributes = std::move(attributes);
  auto add = [&](std::string name, const TensorType &type) {
    function.values.push_back({std::move(name), type});
    return static_cast<ValueId>(function.values.size() - 1);
  };
  for (const TensorType &type : operands)
    node.operands.push_back(add('x' + std::to_string(node.operands.size()), type));
  for (const TensorType &type : results)
    node.results.push_back(add('y' + std::to_string(node.results.size()), type));
  function.body.inputs = node.operands;
  function.body.outputs = node.results;
  for (ValueId id : node.results)
    function.outputNames.push_back(function.values[static_cast<size_t>(id)].name);
  function.body.nodes.push_back(std::move(node));
  return function;
}

} // namespace mlc

#endif // MLC_TEST_UNIT_GRAPH_BUILD_H
