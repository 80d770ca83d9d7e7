// mlc as a contestant: contestant-mlc [jit|bf16|int8|int8-dynamic|raw|any|eager|empty]. It reads
// model.safetensors, as a user would. It also says how fast this core can be at best, since that is
// to be known in the process that is measured:
//
//   sol FLOPS READ MOVED   ok SECONDS: for that many operations, for reading that many bytes, or
//   for moving
//                          that many (half of them written), whatever takes longest
//   compile DIRECTORY      ok SECONDS, by an engine that has compiled nothing, until the first call
//   can be made compilations           ok NUMBER of images that were made for all the cases of
//   `any`
#include "../Bandwidth.h"
#include "../Graphs.h"
#include "Driver.h"

#include "mlc/Runtime/Machine.h"

#include <atomic>
#include <optional>
#include <thread>

using namespace mlc;
using namespace mlc::benchmarks;

namespace {

TensorMap inputsOf(const std::string &directory) {
  Program program = Program::read(directory, /*withWeights=*/false);
  TensorMap inputs;
  for (const std::string &name : program.inputs)
    inputs.emplace(name, program.tensors[name]);
  return inputs;
}

EngineOptions engineOptions() {
  EngineOptions options;
  options.threads = threadCount();
  return options;
}

/// One native function, bound once and called by Call::run.
struct Jit {
  CompileOptions options;
  std::optional<Call> call;

  void load(const std::string &directory) {
    call.reset();
    Engine engine = Engine::create(engineOptions()).orThrow();
    Executable executable = engine.load(directory + "/model.safetensors", options).orThrow();
    call = executable.bind(inputsOf(directory)).orThrow();
  }
  void run() {
    if (Status status = call->run(); !status)
      std::move(status).orThrow();
  }
  Tensor output() { return call->outputs()[0]; }
};

/// The same with its weights in fewer bits.
template <WeightType type> struct Reduced : Jit {
  Reduced() { options.weights = type; }
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
      engine = Engine::create(engineOptions()).orThrow();
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
    Engine engine = Engine::create(engineOptions()).orThrow();
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

/// What a new engine makes of a model file.
Call firstCall(const std::string &directory, const TensorMap &inputs, const std::string &cache) {
  EngineOptions options;
  if (!cache.empty())
    options.cache = CacheStore::directory(cache).orThrow();
  Engine engine = Engine::create(options).orThrow();
  Executable executable = engine.load(directory + "/model.safetensors").orThrow();
  Call call = executable.bind(inputs).orThrow();
  call.run().orThrow();
  return call;
}

double secondsOfCall(Call &call, size_t calls) {
  Stopwatch watch;
  for (size_t i = 0; i < calls; ++i)
    call.run().orThrow();
  return watch.wallSeconds() / static_cast<double>(calls);
}

/// The best of some attempts, alone and with another thread that does the same all the while.
std::pair<double, double> aloneAndTogether(const std::string &directory, size_t calls) {
  // Each with inputs of its own.
  Call mine = firstCall(directory, inputsOf(directory), ""),
       other = firstCall(directory, inputsOf(directory), "");
  double alone = 1e9, together = 1e9;
  for (int attempt = 0; attempt < 3; ++attempt) {
    alone = std::min(alone, secondsOfCall(mine, calls));
    std::atomic<bool> stop{false}, running{false};
    std::thread thread([&] {
      while (!stop) {
        other.run().orThrow();
        running = true;
      }
    });
    while (!running) {
    }
    together = std::min(together, secondsOfCall(mine, calls));
    stop = true;
    thread.join();
  }
  return {alone, together};
}

/// Of the processor, as whoever else wakes up then is not what is measured.
std::pair<double, double> hotAndPaused(const std::string &directory, size_t calls) {
  Call call = firstCall(directory, inputsOf(directory), "");
  std::vector<double> hot, paused;
  for (int i = 0; i < 10; ++i) {
    secondsOfCall(call, calls);
    for (std::vector<double> *seconds : {&hot, &paused}) {
      if (seconds == &paused)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      Stopwatch watch;
      call.run().orThrow();
      seconds->push_back(watch.cpuSeconds());
    }
  }
  std::sort(hot.begin(), hot.end());
  std::sort(paused.begin(), paused.end());
  return {hot[hot.size() / 2], paused[paused.size() / 2]};
}

/// Bytes of this process's memory that are resident, and whether LLVM is mapped.
std::pair<int64_t, bool> residentBytes() {
  std::ifstream status("/proc/self/smaps_rollup"), maps("/proc/self/maps");
  int64_t bytes = 0;
  bool llvm = false;
  for (std::string line; std::getline(status, line);)
    if (line.rfind("Rss:", 0) == 0)
      bytes = std::stoll(line.substr(4)) * 1024;
  for (std::string line; std::getline(maps, line);)
    llvm |=
        line.find("LLVM") != std::string::npos || line.find("mlc-compiler") != std::string::npos;
  return {bytes, llvm};
}

int once(const std::string &directory, const std::string &output, const std::string &cache) {
  Call call = firstCall(directory, inputsOf(directory), cache);
  if (output != "report") {
    writeNpy(output, call.outputs()[0]).orThrow();
    return 0;
  }
  auto [bytes, llvm] = residentBytes();
  std::printf("%lld %d\n", static_cast<long long>(bytes), llvm);
  return 0;
}

std::string answer(const std::string &command, std::istream &words) {
  std::ostringstream reply;
  reply.precision(9);
  double flops, read, moved;
  size_t calls;
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
  } else if (command == "first" && words >> directory) {
    std::string cache;
    words >> cache;
    TensorMap inputs = inputsOf(directory);
    Stopwatch watch;
    firstCall(directory, inputs, cache);
    reply << "ok " << watch.wallSeconds();
  } else if (command == "pair" && words >> directory >> calls) {
    auto [alone, together] = aloneAndTogether(directory, calls);
    reply << "ok " << alone << " " << together;
  } else if (command == "pause" && words >> directory >> calls) {
    auto [hot, paused] = hotAndPaused(directory, calls);
    reply << "ok " << hot << " " << paused;
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

int main(int argc, char **argv) try {
  std::string executor = argc > 1 ? argv[1] : "jit";
  if (executor == "nothing")
    return 0;
  if (executor == "once" && argc > 3)
    return once(argv[2], argv[3], argc > 4 ? argv[4] : "");
  if (executor == "jit")
    return contest<Jit>("Call::run");
  if (executor == "bf16")
    return contest<Reduced<WeightType::BF16>>("Call::run, weights in bf16");
  if (executor == "int8")
    return contest<Reduced<WeightType::Int8>>("Call::run, weights in int8");
  if (executor == "int8-dynamic")
    return contest<Reduced<WeightType::Int8Dynamic>>("Call::run, int8");
  if (executor == "raw")
    return contest<Raw>("the function's pointer");
  if (executor == "any")
    return contest<Any>("Call::run, one image for every batch");
  if (executor == "eager")
    return contest<Eager>("op by op");
  if (executor == "empty")
    return contest<Empty>("an empty function's pointer");
  std::fprintf(stderr, "usage: contestant-mlc [jit|bf16|int8|int8-dynamic|raw|any|eager|empty]\n");
  return 2;
} catch (const std::exception &error) {
  std::fprintf(stderr, "contestant-mlc: %s\n", error.what());
  return 1;
}
