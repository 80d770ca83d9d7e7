//===- Executable.cpp - Binding arguments and calling ---------------------===//
//
// Works on loaded images. Everything that can fail or allocate happens in
// bind(); Call::run is one indirect call.
//
//===----------------------------------------------------------------------===//
#include "OpKernel.h"
#include "Signature.h"

#include "mlc/Reference/Reference.h"
#include "mlc/Runtime/Machine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

const ImageInterface &Executable::interface() const { return state->interface(); }

std::string_view Executable::imageBytes() const {
  return state->loaded ? std::string_view(state->loaded->bytes) : std::string_view();
}

Result<Call> Executable::bind(const TensorMap &inputs, const TensorMap &outputs) const {
  auto bound = bindTensors(interface(), inputs, outputs, state->memory, state->maxDim);
  if (!bound)
    return bound.takeError();
  auto call = std::make_unique<Call::State>();
  call->executable = state;
  call->inputs = std::move(bound->inputs);
  call->outputs = std::move(bound->outputs);
  call->dims = std::move(bound->dims);
  for (const Tensor &tensor : call->inputs)
    call->inputPointers.push_back(tensor.data());
  for (Tensor &tensor : call->outputs)
    call->outputPointers.push_back(tensor.data());
  if (!state->loaded)
    return Call(std::move(call));

  const Image &image = *state->loaded->image;
  auto workspace = AlignedBuffer::allocate(image.workspaceBytes()(call->dims.data()), "a workspace",
                                           state->memory, BlockUse::EveryCall);
  if (!workspace)
    return workspace.takeError();
  call->workspace = std::move(*workspace);
  call->function = image.run();
  mlc_frame &frame = call->frame;
  frame.version = MLC_FRAME_VERSION;
  frame.inputs = call->inputPointers.data();
  frame.outputs = call->outputPointers.data();
  frame.prepared = state->prepared.data();
  frame.workspace = call->workspace.data();
  frame.dims = call->dims.data();
  if (!state->hostCalls.empty())
    call->hostTable();
  if (size_t kernels = interface().kernels.size(); kernels > 0) {
    call->counters.resize(2 * kernels);
    call->hostTable().setProfile(call->counters.data());
  }
  return Call(std::move(call));
}

/// What the host does may run other kernels on the thread, so its scratch memory is left
/// to them.
static Status runWithHost(const Executable::State &state, const void *const *inputs,
                          void *const *outputs, int64_t workspaceBytes, const int64_t *dims) {
  auto workspace = AlignedBuffer::allocate(workspaceBytes, "a workspace", state.memory);
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

Status ReferenceModel::run(const std::vector<Tensor> &inputs,
                           const std::vector<Tensor> &outputs) const {
  auto results =
      evaluateReference(graph, *graph.findFunction(function), parameters, inputs, printer->get());
  if (!results)
    return results.takeError();
  for (size_t i = 0; i < outputs.size(); ++i)
    if (int64_t bytes = outputs[i].byteSize(); bytes > 0)
      std::memcpy(const_cast<void *>(outputs[i].data()), (*results)[i].data(),
                  static_cast<size_t>(bytes));
  return {};
}

Status Executable::run(const Tensor *const *inputs, Tensor *outputs) const {
  if (!state->loaded) {
    std::vector<Tensor> given, wanted(outputs, outputs + interface().outputs.size());
    given.reserve(interface().inputs.size());
    for (size_t i = 0; i < interface().inputs.size(); ++i)
      given.push_back(*inputs[i]);
    return state->reference->run(given, wanted);
  }
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
  if (state->hostCalls.mayNest())
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
  if (state->hostCalls.empty())
    return statusOf(image.run()(&frame), interface);
  HostTable host(state->hostCalls);
  frame.host = host.get();
  return statusOf(image.run()(&frame), interface, &host);
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

Call &Call::operator=(Call &&other) noexcept {
  std::swap(state, other.state);
  return *this;
}

Call::~Call() {
  while (state && state->isRunning())
    std::this_thread::sleep_for(std::chrono::microseconds(50));
}

namespace {

/// Marks a call as running. A plain store, since an exchange would be much of the time of
/// a small network; two threads that start in the same nanoseconds go unnoticed.
class Running {
public:
  explicit Running(std::atomic<uint32_t> &place) : place(place) {
    place.store(thisProcess(), std::memory_order_relaxed);
  }
  ~Running() { place.store(0, std::memory_order_release); }
  Running(const Running &) = delete;
  Running &operator=(const Running &) = delete;

private:
  std::atomic<uint32_t> &place;
};

Error notUsable(bool isThere) {
  return usageError(isThere ? "the call is running; bind one for each thread"
                            : "the call was moved from");
}

} // namespace

Status Call::run() {
  if (!state || state->isRunning())
    return notUsable(state != nullptr);
  Running running(state->runningIn);
  if (!state->function)
    return state->evaluateReference();
  int32_t code = state->function(&state->frame);
  if (code == 0)
    return {};
  return statusOf(code, state->executable->interface(), state->host ? &*state->host : nullptr);
}

Status Call::State::evaluateReference() const {
  const ReferenceModel &model = *executable->reference;
  if (cancellation && cancellation->isRequested())
    return statusOf(MLC_RUN_CANCELLED, model.interface);
  auto tensorsAt = [](const auto &pointers, const std::vector<Tensor> &bound) {
    std::vector<Tensor> tensors;
    tensors.reserve(bound.size());
    for (size_t i = 0; i < bound.size(); ++i)
      tensors.push_back(Tensor::borrow(bound[i].dtype(), bound[i].shape(),
                                       const_cast<void *>(pointers[i]), nullptr));
    return tensors;
  };
  return model.run(tensorsAt(inputPointers, inputs), tensorsAt(outputPointers, outputs));
}

static bool overlap(const void *a, const Tensor &ofA, const void *b, const Tensor &ofB) {
  auto first = reinterpret_cast<uintptr_t>(a), second = reinterpret_cast<uintptr_t>(b);
  return ofA.size() > 0 && ofB.size() > 0 &&
         first < second + static_cast<uintptr_t>(ofB.byteSize()) &&
         second < first + static_cast<uintptr_t>(ofA.byteSize());
}

/// Why the memory cannot be that of the bound tensor, or "".
static const char *objection(const void *data, const Tensor &bound) {
  if (!data && bound.size() > 0)
    return "is null";
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(dtypeBytes(bound.dtype())))
    return "is not aligned to its element type";
  return "";
}

/// Checks what Call::rebind is given. The tensors are those that were bound.
static Status checkMemory(const ImageInterface &interface, const std::vector<Tensor> &boundInputs,
                          const std::vector<Tensor> &boundOutputs, Span<const void *const> inputs,
                          Span<void *const> outputs) {
  auto wrong = [&](const char *what, const ImageTensor &tensor, const std::string &why) {
    return badInputError(std::string(what) + " '" + tensor.name + "' " + why);
  };
  if (inputs.size() != boundInputs.size() || outputs.size() != boundOutputs.size())
    return usageError("got memory of " + std::to_string(inputs.size()) + " inputs and " +
                      std::to_string(outputs.size()) + " outputs, expected " +
                      std::to_string(boundInputs.size()) + " and " +
                      std::to_string(boundOutputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i)
    if (const char *why = objection(inputs[i], boundInputs[i]); *why)
      return wrong("input", interface.inputs[i], why);
  for (size_t o = 0; o < outputs.size(); ++o) {
    const ImageTensor &output = interface.outputs[o];
    if (const char *why = objection(outputs[o], boundOutputs[o]); *why)
      return wrong("output", output, why);
    for (size_t i = 0; i < inputs.size(); ++i) {
      bool isGiven = static_cast<int64_t>(i) == output.donor && inputs[i] == outputs[o];
      if (!isGiven && overlap(outputs[o], boundOutputs[o], inputs[i], boundInputs[i]))
        return wrong("output", output, "overlaps input '" + interface.inputs[i].name + "'");
    }
    for (size_t other = 0; other < o; ++other)
      if (overlap(outputs[o], boundOutputs[o], outputs[other], boundOutputs[other]))
        return wrong("output", output, "overlaps output '" + interface.outputs[other].name + "'");
  }
  return {};
}

Status Call::rebind(Span<const void *const> inputs, Span<void *const> outputs) {
  if (!state || state->isRunning())
    return notUsable(state != nullptr);
  if (Status status = checkMemory(state->executable->interface(), state->inputs, state->outputs,
                                  inputs, outputs);
      !status)
    return status;
  std::copy(inputs.begin(), inputs.end(), state->inputPointers.begin());
  std::copy(outputs.begin(), outputs.end(), state->outputPointers.begin());
  return {};
}

void Call::setCancellation(std::optional<Cancellation> cancellation) {
  state->cancellation = std::move(cancellation);
  state->hostTable().setCancellation(state->cancellation ? &*state->cancellation : nullptr);
}

std::vector<KernelProfile> Call::profile() const {
  std::vector<KernelProfile> kernels;
  for (size_t i = 0; i < state->counters.size(); i += 2)
    kernels.push_back({static_cast<int64_t>(state->counters[i + 1]),
                       static_cast<double>(state->counters[i]) / ticksPerSecond()});
  return kernels;
}

void Call::resetProfile() { std::fill(state->counters.begin(), state->counters.end(), 0); }

const std::vector<Tensor> &Call::outputs() const { return state->outputs; }
mlc_run_function Call::function() const { return state->function; }
mlc_frame *Call::frame() { return &state->frame; }

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
