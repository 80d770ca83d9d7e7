//===- Engine.cpp - Compiling, and running once ---------------------------===//
//
// Works on graphs: validates them, asks the compiler half through the door, and
// loads and prepares what comes back. Refuses what validate and checkExecutable
// refuse, and parameters that are not there or of another type.
//
//===----------------------------------------------------------------------===//
#include "Fork.h"
#include "OpKernel.h"
#include "Signature.h"

#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Reference/Reference.h"
#include "mlc/Support/CheckedMath.h"
#include "mlc/Support/FloatEnvironment.h"

#include <algorithm>
#include <cstdlib>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

namespace {

/// Largest size of a symbolic dimension with which no value takes more than
/// 2^40 bytes, so that no offset or sum of sizes in an image can overflow.
int64_t largestDim(const Graph &graph, const Function &entry) {
  const int64_t most = int64_t(1) << 40;
  int64_t largest = 1;
  for (const Function *function : reachableFunctions(graph, entry))
    for (const Value &value : function->values) {
      int64_t bytes = dtypeBytes(value.type.dtype);
      for (const Dim &dim : value.type.dims)
        if (!dim.isSymbolic())
          bytes = checkedMul(bytes, std::max<int64_t>(dim.size, 1)).value_or(most);
      largest = std::max(largest, bytes);
    }
  return most / std::min(largest, most);
}

/// Runs an image's prepare on the parameters: all executables of a model are the same.
Result<AlignedBuffer> prepareParameters(const Image &image, const TensorMap &parameters,
                                        const HostCalls &hostCalls,
                                        const std::shared_ptr<Memory> &memory,
                                        const Cancellation *cancellation) {
  DefaultFloatEnvironment environment;
  const ImageInterface &interface = image.interface();
  std::vector<const void *> pointers;
  for (const ImageTensor &parameter : interface.parameters) {
    auto found = parameters.find(parameter.name);
    if (found == parameters.end())
      return internalError("the image asks for an unknown parameter '" + parameter.name + "'");
    pointers.push_back(found->second.data());
  }
  std::vector<int64_t> dims(interface.dims.size(), 0);
  auto prepared = AlignedBuffer::allocate(interface.preparedBytes, "a block of prepared parameters",
                                          memory, BlockUse::EveryCall);
  if (!prepared)
    return prepared;
  auto workspace =
      AlignedBuffer::allocate(image.prepareWorkspaceBytes()(dims.data()), "a workspace", memory);
  if (!workspace)
    return workspace;
  mlc_frame frame{};
  frame.version = MLC_FRAME_VERSION;
  frame.parameters = pointers.data();
  frame.prepared = prepared->data();
  frame.workspace = workspace->data();
  frame.dims = dims.data();
  HostTable host(hostCalls);
  host.setCancellation(cancellation);
  frame.host = host.get();
  if (Status status = statusOf(image.prepare()(&frame), interface, &host); !status)
    return status.takeError();
  return prepared;
}

/// Whether an environment variable is 1.
bool isSet(const char *variable) {
  const char *value = std::getenv(variable);
  return value && std::string_view(value) == "1";
}

} // namespace

DoorRequest compileRequest(const Graph &graph, const CompileOptions &options) {
  DoorRequest request;
  request.kind = DoorRequest::Kind::Compile;
  request.payload = serialize(graph);
  request.function = options.function;
  request.target = options.target;
  request.optimize = options.optimize;
  request.fuse = options.fuse;
  request.grain = options.grain;
  request.profile = options.profile;
  request.weights = options.weights;
  request.donated = options.donated;
  return request;
}

Result<DoorReply> Engine::State::ask(const DoorRequest &request, const Cancellation *cancellation) {
  if (Status status = canCompile(); !status)
    return status.takeError();
  Compiling compiling;
  auto reply = compiler->call(request, cancellation);
  if (!reply)
    return reply;
  if (!reply->ok)
    return Error{reply->errorKind, std::move(reply->message)};
  if (!reply->message.empty())
    say(reply->message);
  return reply;
}

Result<std::shared_ptr<const LoadedImage>> Engine::State::make(const DoorRequest &request,
                                                               const std::string &encoded,
                                                               const Cancellation *cancellation) {
  auto loaded = [&](std::string bytes) -> Result<std::shared_ptr<const LoadedImage>> {
    auto image = Image::load(bytes);
    if (!image)
      return image.takeError();
    this->bytes += static_cast<int64_t>(bytes.size());
    return std::make_shared<const LoadedImage>(LoadedImage{std::move(*image), std::move(bytes)});
  };
  if (auto found = cache->get(encoded, request.target)) {
    auto image = loaded(std::move(*found));
    if (image) {
      ++cached;
      return image;
    }
    say("an image of the cache store cannot be used: " + image.error().message);
  }
  auto reply = ask(request, cancellation);
  if (!reply)
    return reply.takeError();
  auto image = loaded(std::move(reply->result));
  if (!image)
    return image;
  ++compilations;
  cache->put(encoded, request.target, (*image)->bytes);
  return image;
}

Result<std::shared_ptr<const LoadedImage>>
Engine::State::compile(const DoorRequest &request, const Cancellation *cancellation) {
  if (Status status = canCompile(); !status) // before a lock that may never be free
    return status.takeError();
  Compiling compiling;
  std::string encoded = request.encode();
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<Slot> &place = slots[encoded];
    if (!place)
      place = std::make_shared<Slot>();
    slot = place;
  }
  std::lock_guard<std::mutex> lock(slot->mutex);
  if (slot->image)
    return slot->image;
  auto image = make(request, encoded, cancellation);
  if (image)
    slot->image = *image;
  return image;
}

bool Engine::State::hasCompiler() {
  if (!canCompile()) // whoever asks is told when it compiles
    return true;
  Compiling compiling;
  std::call_once(probed, [&] {
    // The cheapest request: print a graph without nodes.
    Graph graph;
    FunctionBuilder builder(graph, "probe");
    builder.output(builder.input("x", {}), "y");
    graph.functions.push_back(builder.finish());
    DoorRequest request = compileRequest(graph, {});
    request.kind = DoorRequest::Kind::Emit;
    request.phase = "graph";
    auto reply = compiler->call(request);
    compilerFound = reply.ok() || reply.error().kind != ErrorKind::Unsupported;
    if (!compilerFound)
      say("ops are evaluated by the reference: " + reply.error().message);
  });
  return compilerFound;
}

Result<Engine> Engine::create(EngineOptions options) {
  watchForks();
  if (options.memoryLimit < 0)
    return usageError("EngineOptions: `memoryLimit` is " + std::to_string(options.memoryLimit) +
                      ", expected at least 0");
  if (options.threads < 0)
    return usageError("EngineOptions: `threads` is " + std::to_string(options.threads) +
                      ", expected at least 0");
  auto state = std::make_shared<State>();
  state->parallelFor = std::move(options.parallelFor);
  if (!state->parallelFor && options.threads != 1) {
    auto threads = ParallelFor::threads(options.threads);
    if (!threads)
      return threads.takeError();
    state->parallelFor = std::move(*threads);
  }
  state->compiler = options.compiler ? std::move(options.compiler) : CompilerClient::inProcess();
  state->log = std::move(options.log);
  state->opKernels = std::make_shared<OpKernelCache>();
  state->printer = std::make_shared<Printer>(std::move(options.print));
  state->memory = std::make_shared<Memory>(std::move(options.memory), options.memoryLimit);
  // The state's log without the state, which holds the cache.
  state->cache.emplace(std::move(options.cache), [log = state->log](const std::string &message) {
    if (log)
      log(message);
  });
  state->opByOp = (isSet("MLC_DISABLE_JIT") ? State::kEager : 0) |
                  (isSet("MLC_DEBUG_NANS") ? State::kDebugNans : 0);
  state->failOnRecompile = isSet("MLC_FAIL_ON_RECOMPILE");
  return Engine(std::move(state));
}

bool Engine::hasCompiler() const { return state->hasCompiler(); }
void Engine::setEager(bool eager) const { state->setOpByOp(State::kEager, eager); }
void Engine::setDebugNans(bool debug) const { state->setOpByOp(State::kDebugNans, debug); }
bool Engine::isEager() const { return state->opByOp != 0; }
bool Engine::debugsNans() const { return (state->opByOp & State::kDebugNans) != 0; }
void Engine::setFailOnRecompile(bool fail) const { state->failOnRecompile = fail; }
void Engine::setPrint(PrintFunction print) const { state->printer->set(std::move(print)); }
EngineStats Engine::stats() const {
  return {state->traces, state->compilations, state->cached, state->hits, state->bytes};
}

const Engine &defaultEngine() {
  static const Engine *engine = [] {
    auto created = Engine::create();
    if (!created)
      throw created.takeError();
    return new Engine(std::move(*created));
  }();
  return *engine;
}

Result<Executable> Engine::compile(const Graph &graph, const TensorMap &parameters,
                                   const CompileOptions &options) const {
  if (!options.dims.empty())
    return specialized(graph, options, [&](const Graph &made, const CompileOptions &rest) {
      return compile(made, parameters, rest);
    });
  auto entry = checkedEntry(graph, options.function);
  if (!entry)
    return entry.takeError();
  if (Status status = checkParameters(graph, **entry, parameters); !status)
    return status.takeError();
  if (options.grain < 0)
    return usageError("CompileOptions: `grain` is " + std::to_string(options.grain) +
                      ", expected at least 0");
  const Cancellation *cancellation = options.cancellation ? &*options.cancellation : nullptr;
  auto loaded = state->compile(compileRequest(graph, options), cancellation);
  if (!loaded) {
    bool mayBeMissing = options.orReference && loaded.error().kind == ErrorKind::Unsupported;
    if (mayBeMissing && !state->hasCompiler())
      return state->referenceExecutable(graph, **entry, parameters, options.donated);
    return loaded.takeError();
  }
  const Image &image = *(*loaded)->image;
  auto hostCalls = HostCalls::find(image.interface(), state->printer, state->parallelFor);
  if (!hostCalls)
    return hostCalls.takeError();
  auto prepared = prepareParameters(image, parameters, *hostCalls, state->memory, cancellation);
  if (!prepared)
    return prepared.takeError();
  state->bytes += (*loaded)->image->interface().preparedBytes;
  auto executable = std::make_shared<Executable::State>();
  executable->loaded = std::move(*loaded);
  executable->memory = state->memory;
  executable->prepared = std::move(*prepared);
  executable->maxDim = largestDim(graph, **entry);
  executable->hostCalls = std::move(*hostCalls);
  return Executable(std::move(executable));
}

Result<Executable> Engine::State::referenceExecutable(
    const Graph &graph, const Function &entry, const TensorMap &parameters,
    const std::vector<std::pair<std::string, std::string>> &donated) {
  auto interface = describe(graph, entry.name);
  if (!interface)
    return interface.takeError();
  auto find = [](std::vector<ImageTensor> &tensors, const std::string &name) {
    return std::find_if(tensors.begin(), tensors.end(),
                        [&](const ImageTensor &tensor) { return tensor.name == name; });
  };
  for (const auto &[input, output] : donated) {
    auto from = find(interface->inputs, input), to = find(interface->outputs, output);
    if (from == interface->inputs.end() || to == interface->outputs.end() ||
        from->dtype != to->dtype || from->dims != to->dims)
      return usageError("function `" + entry.name + "`: the input '" + input +
                        "' cannot be donated to the output '" + output + "'");
    to->donor = from - interface->inputs.begin();
  }
  auto model = std::make_shared<ReferenceModel>();
  model->graph = graph;
  model->function = entry.name;
  for (const auto &[name, tensor] : parameters)
    model->parameters.emplace(name, tensor.clone());
  model->interface = std::move(*interface);
  model->printer = printer;
  auto executable = std::make_shared<Executable::State>();
  executable->reference = std::move(model);
  executable->memory = memory;
  executable->maxDim = largestDim(graph, entry);
  return Executable(std::move(executable));
}

Result<Executable> Engine::load(const std::string &path, const CompileOptions &options) const {
  auto model = loadModel(path);
  if (!model)
    return model.takeError();
  return compile(model->graph, model->parameters, options);
}

Result<std::string> Engine::emit(const Graph &graph, const std::string &phase,
                                 const CompileOptions &options) const {
  if (!options.dims.empty())
    return specialized(graph, options, [&](const Graph &made, const CompileOptions &rest) {
      return emit(made, phase, rest);
    });
  auto entry = checkedEntry(graph, options.function);
  if (!entry)
    return entry.takeError();
  DoorRequest request = compileRequest(graph, options);
  request.kind = DoorRequest::Kind::Emit;
  request.phase = phase;
  auto reply = state->ask(request);
  if (!reply)
    return reply.takeError();
  return std::move(reply->result);
}

Result<ImageInterface> Engine::explain(const Graph &graph, const CompileOptions &options) const {
  if (!options.dims.empty())
    return specialized(graph, options, [&](const Graph &made, const CompileOptions &rest) {
      return explain(made, rest);
    });
  auto entry = checkedEntry(graph, options.function);
  if (!entry)
    return entry.takeError();
  DoorRequest request = compileRequest(graph, options);
  request.kind = DoorRequest::Kind::Explain;
  auto reply = state->ask(request, options.cancellation ? &*options.cancellation : nullptr);
  if (!reply)
    return reply.takeError();
  return ImageInterface::decode(reply->result);
}

Result<Graph> Engine::parseMlir(std::string_view text) const {
  DoorRequest request;
  request.kind = DoorRequest::Kind::ParseMlir;
  request.payload = std::string(text);
  auto reply = state->ask(request);
  if (!reply)
    return reply.takeError();
  auto graph = deserialize(reply->result);
  if (!graph)
    return graph;
  if (Status status = validate(*graph); !status)
    return status.takeError();
  return graph;
}

Result<TensorMap> Engine::evaluate(const Graph &graph, const TensorMap &parameters,
                                   const TensorMap &inputs, Executor executor,
                                   const CompileOptions &options) const {
  if (!options.dims.empty())
    return specialized(graph, options, [&](const Graph &made, const CompileOptions &rest) {
      return evaluate(made, parameters, inputs, executor, rest);
    });
  if (executor == Executor::Jit && debugsNans())
    executor = Executor::Eager;
  if (executor == Executor::Jit) {
    auto executable = compile(graph, parameters, options);
    if (!executable)
      return executable.takeError();
    return (*executable)(inputs);
  }
  if (executor == Executor::Eager) {
    auto runner = EagerRunner::create(*this, graph, parameters, options);
    if (!runner)
      return runner.takeError();
    return (*runner)(inputs);
  }
  auto entry = checkedEntry(graph, options.function);
  if (!entry)
    return entry.takeError();
  if (Status status = checkParameters(graph, **entry, parameters); !status)
    return status.takeError();
  auto bound = bindTensors(interfaceOf(**entry), inputs, {}, /*memory=*/nullptr);
  if (!bound)
    return bound.takeError();
  auto outputs =
      evaluateReference(graph, **entry, parameters, bound->inputs, state->printer->get());
  if (!outputs)
    return outputs.takeError();
  TensorMap results;
  for (size_t i = 0; i < outputs->size(); ++i)
    results.emplace((*entry)->outputNames[i], std::move((*outputs)[i]));
  return results;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
