//===- Describe.cpp - What an image says about itself ---------------------===//
//
// Level: Graph. The order of inputs, outputs and parameters is the frame's.
//
//===----------------------------------------------------------------------===//
#include "Describe.h"

#include <algorithm>

using namespace mlc;

static ImageTensor describe(const std::string &name, const TensorType &type,
                            const std::vector<std::string> &symbols) {
  ImageTensor tensor;
  tensor.name = name;
  tensor.dtype = static_cast<int64_t>(type.dtype);
  for (const Dim &dim : type.dims) {
    if (dim.isSymbolic())
      tensor.dims.push_back(
          -1 - (std::find(symbols.begin(), symbols.end(), dim.name) - symbols.begin()));
    else
      tensor.dims.push_back(dim.size);
  }
  return tensor;
}

ImageInterface mlc::describe(const Graph &graph, const Function &function, int64_t preparedBytes,
                             std::vector<std::string> messages) {
  ImageInterface interface;
  interface.function = function.name;
  interface.dims = symbolicDims(function);
  for (ValueId id : function.body.inputs)
    interface.inputs.push_back(::describe(function.values[static_cast<size_t>(id)].name,
                                          function.values[static_cast<size_t>(id)].type,
                                          interface.dims));
  for (size_t i = 0; i < function.body.outputs.size(); ++i) {
    auto id = static_cast<size_t>(function.body.outputs[i]);
    interface.outputs.push_back(
        ::describe(function.outputNames[i], function.values[id].type, interface.dims));
  }
  for (const Parameter &parameter : graph.parameters)
    interface.parameters.push_back(::describe(parameter.name, parameter.type, interface.dims));
  interface.preparedBytes = preparedBytes;
  interface.messages = std::move(messages);
  return interface;
}
