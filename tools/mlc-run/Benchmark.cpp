//===- Benchmark.cpp - Timing calls ---------------------------------------===//
//
// A sample is a batch of calls that lasts at least 10 us, so that reading the
// clock costs nothing beside it. The executors are timed in turns, so that a slow
// phase of the machine hits both; between them every round warms up again.
//
//===----------------------------------------------------------------------===//
#include "Benchmark.h"

#include "Limits.h"

#include "mlc/Reference/Reference.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace mlc::run {

namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr double kSampleSeconds = 10e-6;
constexpr double kRoundSeconds = 0.05;
constexpr int kRounds = 10;
/// An executor that is slower than this gets fewer rounds.
constexpr double kMostSeconds = 5;
constexpr size_t kFewestSamples = 3;

/// Times one executor.
class Sampler {
public:
  /// `calls(n)` makes n calls.
  Sampler(std::string executor, double compileMs, std::function<Status(int64_t)> calls)
      : calls(std::move(calls)) {
    timing.executor = std::move(executor);
    timing.compileMs = compileMs;
    timing.batch = 1;
  }

  /// Finds the batch size, and lets caches, branch predictors and clock settle.
  Status warmUp() {
    auto start = Clock::now();
    do {
      auto sample = Clock::now();
      if (Status status = calls(timing.batch); !status)
        return status;
      if (secondsSince(sample) < kSampleSeconds)
        timing.batch *= 2;
    } while (secondsSince(start) < kRoundSeconds);
    return {};
  }

  Status round() {
    if (spent > kMostSeconds && perCall.size() >= kFewestSamples)
      return {};
    // The executor before us left the caches to itself; pay that outside.
    if (Status status = calls(timing.batch); !status)
      return status;
    auto start = Clock::now();
    double elapsed = 0;
    do {
      if (Status status = calls(timing.batch); !status)
        return status;
      double now = secondsSince(start);
      perCall.push_back((now - elapsed) / static_cast<double>(timing.batch) * 1e9);
      elapsed = now;
    } while (elapsed < kRoundSeconds);
    spent += elapsed;
    return {};
  }

  Timing finish() {
    std::sort(perCall.begin(), perCall.end());
    auto percentile = [&](double p) {
      return perCall[static_cast<size_t>(std::lround(p * static_cast<double>(perCall.size() - 1)))];
    };
    timing.samples = static_cast<int64_t>(perCall.size());
    timing.calls = timing.samples * timing.batch;
    timing.median = percentile(0.5);
    timing.p90 = percentile(0.9);
    timing.p99 = percentile(0.99);
    timing.fastest = perCall.front();
    timing.spread = (percentile(0.75) - percentile(0.25)) / timing.median;
    return timing;
  }

private:
  Timing timing;
  std::function<Status(int64_t)> calls;
  std::vector<double> perCall;
  double spent = 0;
};

/// Calls `once` n times; for executors whose call is a Result.
template <typename F> std::function<Status(int64_t)> repeated(F once) {
  return [once = std::move(once)](int64_t n) mutable -> Status {
    for (int64_t i = 0; i < n; ++i)
      if (auto result = once(); !result.ok())
        return result.error();
    return {};
  };
}

struct Subject {
  const Graph &graph;
  const TensorMap &parameters;
  const TensorMap &inputs;
  CompileOptions options;
  ImageInterface interface;

  std::vector<Tensor> positional() const {
    std::vector<Tensor> tensors;
    tensors.reserve(interface.inputs.size());
    for (const ImageTensor &input : interface.inputs)
      tensors.push_back(inputs.at(input.name));
    return tensors;
  }
};

Result<Sampler> makeJit(const Engine &engine, const Subject &subject) {
  auto start = Clock::now();
  auto executable = engine.compile(subject.graph, subject.parameters, subject.options);
  if (!executable)
    return executable.takeError();
  double compileMs = secondsSince(start) * 1e3;
  auto bound = executable->bind(subject.inputs);
  if (!bound)
    return bound.takeError();
  auto call = std::make_shared<Call>(std::move(*bound));
  return Sampler("jit", compileMs, repeated([call] { return call->run(); }));
}

Result<Sampler> makeEager(const Engine &engine, const Subject &subject) {
  auto start = Clock::now();
  auto created = EagerRunner::create(engine, subject.graph, subject.parameters, subject.options);
  if (!created)
    return created.takeError();
  auto runner = std::make_shared<EagerRunner>(std::move(*created));
  std::vector<Tensor> inputs = subject.positional();
  // Kernels are compiled when the first run meets them.
  if (auto first = runner->run(inputs); !first)
    return first.takeError();
  double compileMs = secondsSince(start) * 1e3;
  return Sampler("eager", compileMs,
                 repeated([runner, inputs = std::move(inputs)] { return runner->run(inputs); }));
}

Result<Sampler> makeReference(const Subject &subject) {
  const Function *function = subject.graph.findFunction(subject.interface.function);
  return Sampler("reference", 0, repeated([&subject, function, inputs = subject.positional()] {
                   return evaluateReference(subject.graph, *function, subject.parameters, inputs);
                 }));
}

} // namespace

Result<BenchmarkResult> benchmark(const std::function<Result<Engine>()> &makeEngine,
                                  const Arguments &arguments, const Graph &graph,
                                  const TensorMap &parameters, const TensorMap &inputs) {
  auto interface = describe(graph, arguments.compile.function);
  if (!interface)
    return interface.takeError();
  Subject subject{graph, parameters, inputs, arguments.compile, std::move(*interface)};
  // A full evaluation first: it checks inputs and parameters for every executor.
  enterStage("compiling");
  std::vector<Sampler> samplers;
  auto add = [&](Executor executor) -> Status {
    auto engine = makeEngine();
    if (!engine)
      return engine.takeError();
    auto sampler = executor == Executor::Jit     ? makeJit(*engine, subject)
                   : executor == Executor::Eager ? makeEager(*engine, subject)
                                                 : makeReference(subject);
    if (!sampler)
      return sampler.takeError();
    samplers.push_back(std::move(*sampler));
    return {};
  };
  if (Status status = add(arguments.executor); !status)
    return status.takeError();
  if (arguments.executor != Executor::Eager)
    if (Status status = add(Executor::Eager); !status)
      return status.takeError();

  enterStage("benchmarking");
  for (Sampler &sampler : samplers)
    if (Status status = sampler.warmUp(); !status)
      return status.takeError();
  for (int i = 0; i < kRounds; ++i)
    for (Sampler &sampler : samplers)
      if (Status status = sampler.round(); !status)
        return status.takeError();

  BenchmarkResult result;
  for (Sampler &sampler : samplers)
    result.timings.push_back(sampler.finish());
  result.ratio = result.timings.back().median / result.timings.front().median;
  return result;
}

} // namespace mlc::run
