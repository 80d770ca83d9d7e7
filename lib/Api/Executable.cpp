//===- Executable.cpp - Binding arguments and calling ---------------------===//
//
// Works on loaded images. Everything that can fail or allocate happens in
// bind(); Call::run is one indirect call.
//
//===----------------------------------------------------------------------===//
#include "OpKernel.h"
#include "Signature.h"

namespace mlc {

const ImageInterface &Executable::interface() const { return state->loaded->image->interface(); }

std::string_view Executable::imageBytes() const { return state->loaded->bytes; }

Result<Call> Executable::bind(const TensorMap &inputs, const TensorMap &outputs) const {
  const Image &image = *state->loaded->image;
  auto bound = bindTensors(image.interface(), inputs, outputs, /*allocate=*/true, state->maxDim);
  if (!bound)
    return bound.takeError();
  auto call = std::make_unique<Call::State>();
  call->executable = state;
  call->inputs = std::move(bound->inputs);
  call->outputs = std::move(bound->outputs);
  call->dims = std::move(bound->dims);
  auto workspace =
      AlignedBuffer::allocate(image.workspaceBytes()(call->dims.data()), "a workspace");
  if (!workspace)
    return workspace.takeError();
  call->workspace = std::move(*workspace);
  for (const Tensor &tensor : call->inputs)
    call->inputPointers.push_back(tensor.data());
  for (Tensor &tensor : call->outputs)
    call->outputPointers.push_back(tensor.data());

  call->function = image.run();
  mlc_frame &frame = call->frame;
  frame.version = MLC_FRAME_VERSION;
  frame.inputs = call->inputPointers.data();
  frame.outputs = call->outputPointers.data();
  frame.prepared = state->prepared.data();
  frame.workspace = call->workspace.data();
  frame.dims = call->dims.data();
  if (!state->hostCalls.empty())
    frame.host = call->host.emplace(state->hostCalls).get();
  return Call(std::move(call));
}

/// What the host does may run other kernels on the thread, so its scratch memory is left
/// to them.
static Status runWithHost(const Executable::State &state, const void *const *inputs,
                          void *const *outputs, int64_t workspaceBytes, const int64_t *dims) {
  auto workspace = AlignedBuffer::allocate(workspaceBytes, "a workspace");
  if (!workspace)
    return workspace.takeError();
  HostTable host(state.hostCalls);
  mlc_frame frame{};
  frame.version = MLC_FRAME_VERSION;
  frame.inputs = inputs;
  frame.outputs = outputs;
  frame.prepared = state.prepared.data();
  frame.workspace = workspace->data();
  frame.dims = dims;
  frame.host = host.get();
  const Image &image = *state.loaded->image;
  return statusOf(image.run()(&frame), image.interface(), &host);
}

Status Executable::run(const Tensor *const *inputs, Tensor *outputs) const {
  const Image &image = *state->loaded->image;
  const ImageInterface &interface = image.interface();
  constexpr size_t kFew = 16;
  const void *fewInputs[kFew], **inputPointers = fewInputs;
  void *fewOutputs[kFew], **outputPointers = fewOutputs;
  std::vector<const void *> manyInputs;
  std::vector<void *> manyOutputs;
  if (interface.inputs.size() > kFew) {
    manyInputs.resize(interface.inputs.size());
    inputPointers = manyInputs.data();
  }
  if (interface.outputs.size() > kFew) {
    manyOutputs.resize(interface.outputs.size());
    outputPointers = manyOutputs.data();
  }
  int64_t dim = 0; // checkExecutable lets one symbolic dimension through
  for (size_t i = 0; i < interface.inputs.size(); ++i) {
    inputPointers[i] = inputs[i]->data();
    if (!interface.dims.empty() && !interface.inputs[i].dims.empty() &&
        interface.inputs[i].dims[0] < 0)
      dim = inputs[i]->shape()[0];
  }
  if (dim > state->maxDim)
    return resourceError("dimension '" + interface.dims[0] + "' is " + std::to_string(dim) +
                         ", the largest is " + std::to_string(state->maxDim));
  for (size_t i = 0; i < interface.outputs.size(); ++i)
    outputPointers[i] = outputs[i].data();
  int64_t workspaceBytes = image.workspaceBytes()(&dim);
  if (!state->hostCalls.empty())
    return runWithHost(*state, inputPointers, outputPointers, workspaceBytes, &dim);
  auto workspace = threadScratch(workspaceBytes);
  if (!workspace)
    return workspace.takeError();
  mlc_frame frame{};
  frame.version = MLC_FRAME_VERSION;
  frame.inputs = inputPointers;
  frame.outputs = outputPointers;
  frame.prepared = state->prepared.data();
  frame.workspace = *workspace;
  frame.dims = &dim;
  return statusOf(image.run()(&frame), interface);
}

Result<TensorMap> Executable::operator()(const TensorMap &inputs) const {
  auto call = bind(inputs);
  if (!call)
    return call.takeError();
  if (Status status = call->run(); !status)
    return status.takeError();
  TensorMap results;
  for (size_t i = 0; i < call->outputs().size(); ++i)
    results.emplace(interface().outputs[i].name, call->outputs()[i]);
  return results;
}

Call::Call(std::unique_ptr<State> state) : state(std::move(state)) {}
Call::Call(Call &&) noexcept = default;
Call &Call::operator=(Call &&) noexcept = default;
Call::~Call() = default;

Status Call::run() {
  return statusOf(state->function(&state->frame), state->executable->loaded->image->interface(),
                  state->host ? &*state->host : nullptr);
}

const std::vector<Tensor> &Call::outputs() const { return state->outputs; }
mlc_run_function Call::function() const { return state->function; }
mlc_frame *Call::frame() { return &state->frame; }

} // namespace mlc
