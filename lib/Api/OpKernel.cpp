//===- OpKernel.cpp - One op, compiled alone ------------------------------===//
//
// Works on single nodes and tensors. Refuses what inference refuses.
//
//===----------------------------------------------------------------------===//
#include "OpKernel.h"

#include "Signature.h"

#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Reference/Reference.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

Result<void *> threadScratch(int64_t bytes) {
  struct Scratch {
    AlignedBuffer buffer;
    int64_t bytes = -1;
  };
  static thread_local Scratch scratch;
  if (bytes > scratch.bytes || bytes < 0) {
    auto larger = AlignedBuffer::allocate(bytes, "a workspace", Memory::ofProcess());
    if (!larger)
      return larger.takeError();
    scratch.buffer = std::move(*larger);
    scratch.bytes = bytes;
  }
  return scratch.buffer.data();
}

/// Errors of a run say where they occurred, which is the graph of the op alone.
static constexpr std::string_view kPlaceOfOp = "function `op`: node `op`: ";

Result<OpKernel> OpKernel::make(const Engine &engine, Node node,
                                const std::vector<const Tensor *> &operands,
                                const CompileOptions &options) {
  OpKernel kernel;
  Graph alone;
  FunctionBuilder builder(alone, "op");
  std::vector<ValueId> inputs;
  inputs.reserve(operands.size());
  for (const Tensor *operand : operands) {
    const Shape &shape = operand->shape();
    inputs.push_back(builder.input("x" + std::to_string(inputs.size()),
                                   {operand->dtype(), Dims(shape.begin(), shape.end())}));
  }
  auto results = builder.nodes(node.op, std::move(inputs), node.attributes, "op");
  if (!results)
    return results.takeError();
  for (ValueId result : *results) {
    kernel.resultTypes.push_back(builder.type(result));
    Shape shape;
    for (const Dim &dim : kernel.resultTypes.back().dims)
      shape.push_back(dim.size);
    kernel.resultShapes.push_back(std::move(shape));
    builder.output(result, "y" + std::to_string(kernel.resultTypes.size() - 1));
  }
  bool isHosts = hasEffect(node.op) || node.op == Op::Custom;
  if (!isHosts && engine.hasCompiler()) {
    alone.functions.push_back(builder.finish());
    auto executable = engine.compile(alone, {}, options);
    if (!executable)
      return executable.takeError();
    kernel.executable = std::move(*executable);
  }
  kernel.node = std::move(node);
  kernel.printer = engine.state->printer;
  kernel.memory = engine.state->memory;
  return kernel;
}

Status OpKernel::run(const std::vector<const Tensor *> &operands,
                     std::vector<Tensor> &results) const {
  results.clear();
  if (!executable) {
    std::vector<Tensor> inputs;
    inputs.reserve(operands.size());
    for (const Tensor *operand : operands)
      inputs.push_back(*operand);
    auto values = evaluateNode(node, inputs, resultTypes, printer->get());
    if (!values)
      return values.takeError();
    results = std::move(*values);
    return {};
  }
  for (size_t i = 0; i < resultTypes.size(); ++i) {
    auto tensor = emptyTensor(resultTypes[i].dtype, resultShapes[i], memory);
    if (!tensor)
      return tensor.takeError();
    results.push_back(std::move(*tensor));
  }
  Status status = executable->run(operands.data(), results.data());
  if (status)
    return status;
  Error error = status.takeError();
  if (error.message.compare(0, kPlaceOfOp.size(), kPlaceOfOp) == 0)
    error.message.erase(0, kPlaceOfOp.size());
  return error;
}

Result<std::shared_ptr<const OpKernel>>
OpKernelCache::find(const Engine &engine, Op op, const std::vector<const Tensor *> &operands,
                    const Attributes &attributes) {
  ByteWriter key;
  key.integer(static_cast<int64_t>(op));
  for (const Tensor *operand : operands) {
    key.integer(static_cast<int64_t>(operand->dtype()));
    key.integer(static_cast<int64_t>(operand->shape().size()));
    for (int64_t size : operand->shape())
      key.integer(size);
  }
  for (const auto &[name, value] : attributes) {
    key.string(name);
    key.integer(static_cast<int64_t>(value.index()));
    if (const auto *flag = std::get_if<bool>(&value))
      key.integer(*flag);
    else if (const auto *number = std::get_if<int64_t>(&value))
      key.integer(*number);
    else if (const auto *text = std::get_if<std::string>(&value))
      key.string(*text);
    else if (const auto *numbers = std::get_if<std::vector<int64_t>>(&value))
      for (int64_t n : *numbers)
        key.integer(n);
    else if (const auto *dims = std::get_if<Dims>(&value))
      for (const Dim &dim : *dims)
        key.string(toString(dim));
    else if (const auto *tensor = std::get_if<Tensor>(&value))
      key.string(std::string_view(static_cast<const char *>(tensor->data()),
                                  static_cast<size_t>(tensor->byteSize())));
  }
  std::string bytes = key.take();
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto found = kernels.find(bytes); found != kernels.end())
      return found->second;
  }
  // Two threads may make the same kernel; the Engine compiles it once.
  auto complete = completeAttributes(op, attributes);
  if (!complete)
    return complete.takeError();
  Node node;
  node.name = opInfo(op).name;
  node.op = op;
  node.attributes = std::move(*complete);
  auto kernel = OpKernel::make(engine, std::move(node), operands, {});
  if (!kernel)
    return kernel.takeError();
  auto shared = std::make_shared<const OpKernel>(std::move(*kernel));
  std::lock_guard<std::mutex> lock(mutex);
  return kernels.emplace(std::move(bytes), std::move(shared)).first->second;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
