//===- Describe.cpp - What an image says about itself ---------------------===//
//
// Level: Graph, and what passes have noted on the module. The order of inputs, outputs
// and parameters is the frame's.
//
//===----------------------------------------------------------------------===//
#include "Describe.h"

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"

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

/// A bool is an i1 here: host calls are noted before it is a byte.
static std::vector<ImageTensor> describe(mlir::Attribute types) {
  std::vector<ImageTensor> tensors;
  for (auto entry : mlir::cast<mlir::ArrayAttr>(types).getAsRange<mlir::TypeAttr>()) {
    auto type = mlir::cast<mlir::RankedTensorType>(entry.getValue());
    ImageTensor tensor;
    tensor.dtype = static_cast<int64_t>(*ir::toDType(type.getElementType()));
    for (int64_t size : type.getShape())
      tensor.dims.push_back(mlir::ShapedType::isDynamic(size) ? -1 : size);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

static ImageHostCall describe(mlir::DictionaryAttr noted) {
  auto text = [&](const char *key) { return mlir::cast<mlir::StringAttr>(noted.get(key)).str(); };
  ImageHostCall call;
  call.kind = text("kind") == "custom" ? ImageHostCall::Kind::Custom : ImageHostCall::Kind::Print;
  call.name = text("name");
  call.place = text("place");
  call.operands = describe(noted.get("operands"));
  call.results = describe(noted.get("results"));
  return call;
}

static ImageCount countOf(mlir::DictionaryAttr noted, const char *key) {
  auto numbers = mlir::cast<mlir::DenseI64ArrayAttr>(noted.get(key)).asArrayRef();
  return {numbers[0], numbers[1]};
}

static ImageKernel describeKernel(mlir::ModuleOp module, mlir::DictionaryAttr noted) {
  auto text = [](mlir::DictionaryAttr from, const char *key) {
    return mlir::cast<mlir::StringAttr>(from.get(key)).str();
  };
  ImageKernel kernel;
  kernel.function = text(noted, "function");
  kernel.prepares = text(noted, "driver") == ir::kPrepareFunction;
  kernel.kind = text(noted, "kind");
  kernel.reason = text(noted, "reason");
  if (mlir::Operation *function = module.lookupSymbol(kernel.function))
    if (auto strategy = function->getAttrOfType<mlir::StringAttr>(ir::kStrategyAttr))
      kernel.strategy = strategy.str();
  if (noted.contains("chain"))
    kernel.chain = text(noted, "chain");
  kernel.operations = countOf(noted, "operations");
  kernel.bytes = countOf(noted, "bytes");
  for (auto op : mlir::cast<mlir::ArrayAttr>(noted.get("ops")).getAsRange<mlir::DictionaryAttr>())
    kernel.ops.push_back(
        {text(op, "op"), text(op, "node"), text(op, "place"), countOf(op, "operations")});
  return kernel;
}

ImageInterface mlc::describe(const Graph &graph, const Function &function) {
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
  return interface;
}

void mlc::describe(mlir::ModuleOp module, ImageInterface &interface) {
  if (auto bytes = module->getAttrOfType<mlir::IntegerAttr>("mlc.prepared_bytes"))
    interface.preparedBytes = bytes.getInt();
  if (auto messages = module->getAttrOfType<mlir::ArrayAttr>(ir::kMessagesAttr))
    for (auto message : messages.getAsRange<mlir::ArrayAttr>())
      interface.messages.push_back(
          {static_cast<ErrorKind>(mlir::cast<mlir::IntegerAttr>(message[0]).getInt()),
           mlir::cast<mlir::StringAttr>(message[1]).str()});
  if (auto calls = module->getAttrOfType<mlir::ArrayAttr>(ir::kHostCallsAttr))
    for (auto call : calls.getAsRange<mlir::DictionaryAttr>())
      interface.hostCalls.push_back(::describe(call));
  if (auto kernels = module->getAttrOfType<mlir::ArrayAttr>(ir::kKernelsAttr))
    for (auto kernel : kernels.getAsRange<mlir::DictionaryAttr>())
      interface.kernels.push_back(describeKernel(module, kernel));
}
