// What mlc is measured by (docs/performance.md): share of the multiply-add peak,
// small networks by jit and eager, and how compile time grows with a graph.

#include "Graphs.h"

#include "mlc/Api/Nn.h"
#include "mlc/Runtime/Machine.h"

#include <benchmark/benchmark.h>

using namespace mlc;
using namespace mlc::benchmarks;
using benchmark::State;

static const Engine &engine() {
  static const Engine shared = get(Engine::create());
  return shared;
}

static void runJit(State &state, const Case &c) {
  Executable executable = get(engine().compile(c.graph, c.parameters));
  Call call = get(executable.bind(c.inputs));
  for (auto _ : state)
    if (!call.run())
      state.SkipWithError("run failed");
}

static void runEager(State &state, const Case &c) {
  EagerRunner eager = get(EagerRunner::create(engine(), c.graph, c.parameters));
  for (auto _ : state)
    benchmark::DoNotOptimize(get(eager(c.inputs)));
}

static void MatMul(State &state) {
  static const double peak = measureFmaPeak();
  int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  runJit(state, matmul(m, n, k));
  double work = 2.0 * m * n * k;
  state.counters["flop/s"] =
      benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] =
      benchmark::Counter(work / peak, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(MatMul)
    ->Args({64, 64, 64})
    ->Args({256, 256, 256})
    ->Args({512, 512, 512})
    ->Args({1024, 1024, 1024})
    ->Args({8, 1024, 1024})
    ->Args({1, 256, 512})
    ->Args({127, 255, 129});

static Case seed(int64_t batch) { return network(batch, {512, 256, 128, 2}); }
static void SeedJit(State &state) { runJit(state, seed(state.range(0))); }
static void SeedEager(State &state) { runEager(state, seed(state.range(0))); }
BENCHMARK(SeedJit)->Arg(1)->Arg(32)->Arg(256);
BENCHMARK(SeedEager)->Arg(1)->Arg(32)->Arg(256);

static void AddsJit(State &state) { runJit(state, adds(100)); }
static void AddsEager(State &state) { runEager(state, adds(100)); }
BENCHMARK(AddsJit);
BENCHMARK(AddsEager);

//===----------------------------------------------------------------------===//
// What a call of one add costs, beside one of a function that does nothing
//===----------------------------------------------------------------------===//

static void OneAddEmpty(State &state) {
  mlc_frame frame{};
  for (auto _ : state)
    benchmark::DoNotOptimize(emptyFunction(&frame));
}
static void OneAddRaw(State &state) {
  Case c = oneAdd();
  Executable executable = get(engine().compile(c.graph, c.parameters));
  Call call = get(executable.bind(c.inputs));
  mlc_run_function volatile function = call.function();
  mlc_frame *frame = call.frame();
  for (auto _ : state)
    benchmark::DoNotOptimize(function(frame));
}
static void OneAddChecked(State &state) { runJit(state, oneAdd()); }
BENCHMARK(OneAddEmpty);
BENCHMARK(OneAddRaw);
BENCHMARK(OneAddChecked);

//===----------------------------------------------------------------------===//
// What calling from C++ costs: four elements, so that it is all overhead
//===----------------------------------------------------------------------===//

static Tensor addOne(const Tensor &x) { return x + 1; }

/// The floor: everything bound beforehand.
static void CallBound(State &state) {
  Executable executable = jit(addOne).compile(ones({4}));
  Call call = get(executable.bind({{"x", ones({4})}}));
  for (auto _ : state)
    if (!call.run())
      state.SkipWithError("run failed");
}
/// A jit function that knows the signature: finds it and allocates the result.
static void CallJit(State &state) {
  auto function = jit(addOne);
  Tensor x = ones({4});
  for (auto _ : state)
    benchmark::DoNotOptimize(function(x));
}
/// One op at once.
static void CallOp(State &state) {
  Tensor x = ones({4}), y = ones({4});
  for (auto _ : state)
    benchmark::DoNotOptimize(x + y);
}
/// Recording the seed network, without compiling it.
static void TraceSeed(State &state) {
  nn::Sequential net(nn::Linear(256), nn::ReLU(), nn::Linear(128), nn::ReLU(), nn::Linear(2));
  Tensor x = ones({1, 512});
  net(x);
  for (auto _ : state)
    benchmark::DoNotOptimize(net.trace(x));
}
BENCHMARK(CallBound);
BENCHMARK(CallJit);
BENCHMARK(CallOp);
BENCHMARK(TraceSeed)->Unit(benchmark::kMicrosecond);

static void compile(State &state, const Case &c) {
  get(engine().compile(c.graph, c.parameters)); // the compiler is open and warm
  for (auto _ : state) {
    Engine fresh = get(Engine::create()); // with no image cached
    benchmark::DoNotOptimize(get(fresh.compile(c.graph, c.parameters)));
  }
  state.SetComplexityN(state.range(0));
}

/// Equal layers: one kernel, so that only the driver grows.
static void CompileEqualLayers(State &state) {
  compile(state, network(1, std::vector<int64_t>(state.range(0) + 1, 64)));
}
/// Layers of different widths: a kernel each.
static void CompileDistinctLayers(State &state) {
  std::vector<int64_t> widths;
  for (int64_t i = 0; i <= state.range(0); ++i)
    widths.push_back(32 + 8 * i);
  compile(state, network(1, widths));
}
/// One kernel that grows.
static void CompileAdds(State &state) { compile(state, adds(state.range(0))); }
static void growth(benchmark::internal::Benchmark *b) {
  b->RangeMultiplier(4)->Range(1, 64)->Unit(benchmark::kMillisecond)->Complexity(benchmark::oN);
}
BENCHMARK(CompileEqualLayers)->Apply(growth);
BENCHMARK(CompileDistinctLayers)->Apply(growth);
BENCHMARK(CompileAdds)->Apply(growth);

BENCHMARK_MAIN();
