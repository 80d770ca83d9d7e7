// mlc as a contestant: contestant-mlc [jit|raw|any|eager|empty]. It reads model.safetensors, as a
// user would. It also says how fast this core can be at best, since that is to be known in the
// process that is measured:
//
//   sol FLOPS READ MOVED   ok SECONDS: for that many operations, for reading that many bytes, or
//   for moving
//                          that many (half of them written), whatever takes longest
//   compile DIRECTORY      ok SECONDS, by an engine that has compiled nothing, until the first call
//   can be made compilations           ok NUMBER of images that were made for all the cases of
//   `any`
#include "../Bandwidth.h"
#include "../FmaPeak.h"
#include "../Graphs.h"
#include "Driver.h"

#include <optional>

using namespace mlc;
using namespace mlc::benchmarks;

namespace {

TensorMap inputsOf(const std::string &directory) {
  Program program = Program::read(directory);
  TensorMap inputs;
  for (const std::string &name : program.inputs)
    inputs.emplace(name, program.tensors[name]);
  return inputs;
}

/// One native function, bound once and called by Call::run.
struct Jit {
  std::optional<Call> call;

  void load(const std::string &directory) {
    call.reset();
    Engine engine = Engine::create().orThrow();
    Executable executable = engine.load(directory + "/model.safetensors").orThrow();
    call = executable.bind(inputsOf(directory)).orThrow();
  }
  void run() {
    if (Status status = call->run(); !status)
      std::move(status).orThrow();
  }
  Tensor output() { return call->outputs()[0]; }
};

/// The same function by its pointer.
struct Raw : Jit {
  mlc_run_function function = nullptr;
  mlc_frame *frame = nullptr;

  void load(const std::string &directory) {
    Jit::load(directory);
    function = call->function();
    frame = call->frame();
  }
  void run() {
    if (function(frame) != 0)
      throw std::runtime_error("the run was stopped");
  }
};

/// Not the function but one that does nothing: what a call costs.
struct Empty : Raw {
  void load(const std::string &directory) {
    Raw::load(directory);
    Raw::run(); // the output is right, as that of all others
  }
  void run() { emptyFunction(frame); }
};

/// One executable of model-any.safetensors, whose batch is symbolic, for all cases.
struct Any : Jit {
  static inline std::optional<Engine> engine;
  std::optional<Executable> executable;

  void load(const std::string &directory) {
    call.reset();
    if (!engine)
      engine = Engine::create().orThrow();
    if (!executable)
      executable = engine->load(directory + "/model-any.safetensors").orThrow();
    call = executable->bind(inputsOf(directory)).orThrow();
  }
};

/// Op by op.
struct Eager {
  std::optional<EagerRunner> runner;
  std::vector<Tensor> inputs, outputs;

  void load(const std::string &directory) {
    Engine engine = Engine::create().orThrow();
    Model model = loadModel(directory + "/model.safetensors").orThrow();
    inputs.clear();
    TensorMap byName = inputsOf(directory);
    for (const ImageTensor &input : describe(model.graph).orThrow().inputs)
      inputs.push_back(byName.at(input.name));
    runner = EagerRunner::create(engine, model.graph, model.parameters).orThrow();
    run(); // compiles the kernels
  }
  void run() { outputs = runner->run(inputs).orThrow(); }
  Tensor output() { return outputs[0]; }
};

std::string answer(const std::string &command, std::istream &words) {
  std::ostringstream reply;
  reply.precision(9);
  double flops, read, moved;
  std::string directory;
  if (command == "sol" && words >> flops >> read >> moved) {
    double peak = flops > 0 ? measureFmaPeak() : 1;
    if (peak == 0)
      return "unsupported this processor has no AVX2";
    double seconds = flops / peak;
    if (read > 0)
      seconds = std::max(seconds, measureRead(static_cast<size_t>(read)));
    if (moved > 0)
      seconds = std::max(seconds, measureCopy(static_cast<size_t>(moved)));
    reply << "ok " << seconds;
  } else if (command == "compile" && words >> directory) {
    TensorMap inputs = inputsOf(directory);
    Model model = loadModel(directory + "/model.safetensors").orThrow();
    Engine engine = Engine::create().orThrow();
    Stopwatch watch;
    Executable executable = engine.compile(model.graph, model.parameters).orThrow();
    Call call = executable.bind(inputs).orThrow();
    reply << "ok " << watch.wallSeconds();
  } else if (command == "compilations" && Any::engine) {
    reply << "ok " << Any::engine->stats().compilations;
  }
  return reply.str();
}

template <typename C> int contest(const std::string &how) {
  C contestant;
  return serve(contestant,
               "mlc " + std::to_string(MLC_VERSION_MAJOR) + "." +
                   std::to_string(MLC_VERSION_MINOR) + "." + std::to_string(MLC_VERSION_PATCH) +
                   ", " + how,
               answer);
}

} // namespace

int main(int argc, char **argv) {
  std::string executor = argc > 1 ? argv[1] : "jit";
  if (executor == "jit")
    return contest<Jit>("Call::run");
  if (executor == "raw")
    return contest<Raw>("the function's pointer");
  if (executor == "any")
    return contest<Any>("Call::run, one image for every batch");
  if (executor == "eager")
    return contest<Eager>("op by op");
  if (executor == "empty")
    return contest<Empty>("an empty function's pointer");
  std::fprintf(stderr, "usage: contestant-mlc [jit|raw|any|eager|empty]\n");
  return 2;
}
