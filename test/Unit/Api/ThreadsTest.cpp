// Long kernels on several threads, of the host or of oneTBB.
#include "TestGraphs.h"

#include "mlc/Support/FloatEnvironment.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

using namespace mlc;
using Catch::Matchers::Contains;

namespace {

/// Threads that are started for each call, and what they were asked for.
class StartedThreads : public ParallelFor {
public:
  explicit StartedThreads(int count) : count(count) {}

  void run(int64_t parts, void (*body)(void *, int64_t), void *argument) override {
    ++calls;
    std::atomic<int64_t> next{parts};
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t)
      threads.emplace_back([&] {
        DefaultFloatEnvironment environment;  // a pool's threads have not their caller's
        for (int64_t i; (i = --next) >= 0;) { // backwards
          body(argument, i);
          std::lock_guard<std::mutex> lock(mutex);
          everyPart.insert(i);
          environments.insert(FloatEnvironment::current() & ~0x3fU);
        }
      });
    for (std::thread &thread : threads)
      thread.join();
    parted += parts;
  }

  int count;
  std::atomic<int64_t> calls{0}, parted{0};
  std::set<int64_t> everyPart;
  std::set<unsigned> environments; ///< MXCSR of the threads afterwards, without flags.

private:
  std::mutex mutex;
};

class Failing : public ParallelFor {
public:
  explicit Failing(std::function<void()> fail) : fail(std::move(fail)) {}
  void run(int64_t, void (*)(void *, int64_t), void *) override { fail(); }

private:
  std::function<void()> fail;
};

Engine engineWith(std::shared_ptr<ParallelFor> parallelFor) {
  EngineOptions options;
  options.parallelFor = std::move(parallelFor);
  return get(Engine::create(std::move(options)));
}

Engine engineWith(int threads) {
  EngineOptions options;
  options.threads = threads;
  return get(Engine::create(std::move(options)));
}

/// y = softmax(tanh(x w)), x: f32[n, 200], w: f32[200, 700]; z = the sums of x.
Graph network() {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({Dim("n"), 200}));
  ValueId w = builder.input("w", type({200, 700}));
  ValueId product = get(builder.node(Op::MatMul, {x, w}));
  ValueId bent = get(builder.node(Op::Tanh, {product}));
  builder.output(get(builder.node(Op::Softmax, {bent}, {{"axis", int64_t(1)}})), "y");
  Attributes sum{{"axes", std::vector<int64_t>{1}}, {"kind", std::string("sum")}};
  builder.output(get(builder.node(Op::Reduce, {x}, sum)), "z");
  graph.functions.push_back(builder.finish());
  return graph;
}

Tensor filled(Shape shape, float scale) {
  Tensor tensor = get(Tensor::zeros(DType::F32, std::move(shape)));
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.dataAs<float>()[i] = scale * static_cast<float>((i * 7919) % 1001 - 500);
  return tensor;
}

TensorMap inputs(int64_t rows, float scale = 1e-4F) {
  return {{"x", filled({rows, 200}, scale)}, {"w", filled({200, 700}, 1e-2F)}};
}

void checkSame(const TensorMap &got, const TensorMap &expected) {
  for (const auto &[name, tensor] : expected) {
    INFO(name);
    CHECK(got.at(name).identical(tensor));
  }
}

} // namespace

TEST_CASE("any number of threads computes the same bits") {
  TensorMap given = inputs(501);
  TensorMap expected = get(get(engineWith(1).compile(network(), {}))(given));
  for (int count : {1, 2, 4}) {
    INFO(count);
    auto threads = std::make_shared<StartedThreads>(count);
    Executable model = get(engineWith(threads).compile(network(), {}));
    checkSame(get(model(given)), expected);
    CHECK(threads->calls > 0);
    CHECK(threads->parted >= 4 * threads->calls); // fewer are not worth it
    Executable pooled = get(engineWith(count).compile(network(), {}));
    checkSame(get(pooled(given)), expected);
  }
}

TEST_CASE("what is short is not spread") {
  auto threads = std::make_shared<StartedThreads>(2);
  Executable model = get(engineWith(threads).compile(network(), {}));
  for (int64_t rows : {0, 1, 3})
    checkSame(get(model(inputs(rows))),
              get(get(engineWith(1).compile(network(), {}))(inputs(rows))));
  CHECK(threads->calls == 0);

  CompileOptions options;
  options.grain = 1;
  Executable finest = get(engineWith(threads).compile(network(), {}, options));
  checkSame(get(finest(inputs(5))), get(model(inputs(5))));
  CHECK(threads->calls > 0);
  CHECK(threads->everyPart.count(0) == 1);
}

TEST_CASE("threads compute as the caller does") {
  // Products are denormal: x is about 1e-38.
  TensorMap given = inputs(64, 1e-40F);
  CompileOptions options;
  options.grain = 1;
  auto threads = std::make_shared<StartedThreads>(2);
  Executable spread = get(engineWith(threads).compile(network(), {}, options));
  Executable pooled = get(engineWith(2).compile(network(), {}, options));
  Executable alone = get(engineWith(1).compile(network(), {}, options));
  TensorMap kept = get(alone(given)), flushed;
  {
    FloatEnvironment flush(0x9fc0); // FTZ and DAZ, all exceptions masked
    flushed = get(alone(given));
    checkSame(get(spread(given)), flushed);
    checkSame(get(pooled(given)), flushed);
  }
  CHECK_FALSE(flushed.at("z").identical(kept.at("z")));
  checkSame(get(spread(given)), kept);
  checkSame(get(pooled(given)), kept);
  CHECK(threads->environments == std::set<unsigned>{0x1f80}); // theirs is left as it was
}

TEST_CASE("a parallel-for that fails ends the run") {
  TensorMap given = inputs(501);
  auto failure = [&](std::function<void()> fail) {
    Executable model =
        get(engineWith(std::make_shared<Failing>(std::move(fail))).compile(network(), {}));
    Call call = get(model.bind(given));
    Status bound = call.run();
    REQUIRE_FALSE(bound);
    auto outcome = model(given);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().message == bound.error().message);
    return bound.error();
  };
  Error thrown = failure([] { throw std::runtime_error("the pool is closed"); });
  CHECK(thrown.kind == ErrorKind::BadInput);
  CHECK(thrown.message == "function `main`: the host's parallel-for failed: the pool is closed");
  CHECK(failure([] { throw 7; }).message == "function `main`: the host's parallel-for failed");
  CHECK(failure([] { throw std::bad_alloc(); }).kind == ErrorKind::ResourceLimit);
}

TEST_CASE("runs on threads are cancelled") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId a = builder.input("a", type({3000, 3000}));
  builder.output(get(builder.node(Op::MatMul, {a, a})), "y");
  graph.functions.push_back(builder.finish());
  Executable model = get(engineWith(0).compile(graph, {}));
  Call call = get(model.bind({{"a", filled({3000, 3000}, 1e-3F)}}));
  Cancellation cancellation;
  call.setCancellation(cancellation);
  std::chrono::steady_clock::time_point asked;
  std::thread user([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    asked = std::chrono::steady_clock::now();
    cancellation.request();
  });
  Status status = call.run();
  auto late = std::chrono::steady_clock::now() - asked;
  user.join();
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::Cancelled);
  CHECK(late < std::chrono::seconds(1)); // 0.1 where nothing else keeps the processors busy
}

TEST_CASE("many callers share the threads of an engine") {
  CompileOptions options;
  options.grain = 1;
  Engine engine = engineWith(2);
  Executable model = get(engine.compile(network(), {}, options));
  TensorMap given = inputs(33);
  TensorMap expected = get(get(engineWith(1).compile(network(), {}, options))(given));
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t)
    callers.emplace_back([&] {
      Call call = get(model.bind(given));
      for (int i = 0; i < 20; ++i)
        if (call.run() && call.outputs()[0].identical(expected.at("y")))
          ++right;
    });
  for (std::thread &caller : callers)
    caller.join();
  CHECK(right == 160);
}

TEST_CASE("wishes for threads that cannot be had are refused") {
  EngineOptions options;
  options.threads = -1;
  auto engine = Engine::create(options);
  REQUIRE_FALSE(engine);
  CHECK(engine.error().kind == ErrorKind::Usage);
  CHECK_THAT(engine.error().message, Contains("`threads` is -1"));

  CompileOptions coarse;
  coarse.grain = -1;
  auto model = engineWith(1).compile(network(), {}, coarse);
  REQUIRE_FALSE(model);
  CHECK_THAT(model.error().message, Contains("`grain` is -1"));

  setenv("MLC_THREADS", "/nowhere/libmlc-threads.so", 1);
  options.threads = 2;
  auto without = Engine::create(options);
  unsetenv("MLC_THREADS");
  REQUIRE_FALSE(without);
  CHECK(without.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(without.error().message, Contains("the threads library was not found") &&
                                          Contains("/nowhere/libmlc-threads.so"));
}
