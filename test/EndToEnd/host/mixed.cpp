// Many threads that load, compile, bind, run, cancel and destroy, all at once and on
// common engines and executables; every result is compared bit for bit.
//
//   mlc-host-mixed MODEL.safetensors THREADS OPERATIONS
#include "mlc/Graph/Rewrite.h"
#include "mlc/mlc.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

using namespace mlc;

namespace {

constexpr int kGraphs = 4, kSlots = 8;

[[noreturn]] void fail(const std::string &what) {
  std::fprintf(stderr, "mlc-host-mixed: %s\n", what.c_str());
  std::exit(1);
}

template <typename T> T get(Result<T> result) {
  if (!result)
    fail(result.error().message);
  return std::move(*result);
}

/// y = (x + x) + ... + x, with `adds` ops, x: f32[n, 3].
Graph addsGraph(int adds) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", {DType::F32, {Dim("n"), 3}}), sum = x;
  for (int i = 0; i < adds; ++i)
    sum = get(builder.node(Op::Add, {sum, x}));
  builder.output(sum, "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

/// y = a * a, long enough to be cancelled.
Graph longGraph() {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId a = builder.input("a", {DType::F32, {600, 600}});
  builder.output(get(builder.node(Op::MatMul, {a, a})), "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

/// What a slot of all threads may hold: an executable and how often it adds.
struct Adder {
  Executable model;
  int adds;
};
using Shared = std::shared_ptr<const Adder>;

class Mixed {
public:
  explicit Mixed(std::string path)
      : path(std::move(path)), engine(get(Engine::create(onThreads()))) {
    expected = logits(get(engine.load(this->path)));
  }

  void work(unsigned seed, int operations) {
    std::mt19937 random(seed);
    for (int i = 0; i < operations; ++i)
      switch (random() % 10) {
      case 0:
        if (logits(get(engine.load(path))) != expected)
          fail("a loaded model computes other bits");
        break;
      case 1:
        compile(random);
        break;
      case 2: // The last holder destroys it, maybe in the middle of another's run.
        put(random() % kSlots, {});
        break;
      case 3:
        cancelled();
        break;
      case 4:
        ownEngine(random);
        break;
      default:
        bindAndRun(random);
      }
    ++done;
  }

  std::atomic<int64_t> runs{0}, cancellations{0};
  std::atomic<int> done{0};

private:
  static EngineOptions onThreads() {
    EngineOptions options;
    options.threads = 2;
    return options;
  }

  static std::vector<float> logits(const Executable &model) {
    Tensor image = get(Tensor::zeros(DType::F32, {1, 64}));
    for (int i = 0; i < 64; ++i)
      image.dataAs<float>()[i] = static_cast<float>(i % 17) / 16;
    Tensor result = get(model({{"images", image}})).begin()->second;
    return {result.dataAs<float>(), result.dataAs<float>() + result.size()};
  }

  Shared take(size_t slot) {
    std::lock_guard<std::mutex> lock(mutex);
    return slots[slot];
  }
  void put(size_t slot, Shared shared) {
    std::lock_guard<std::mutex> lock(mutex);
    std::swap(slots[slot], shared); // The old one is destroyed outside of the lock.
  }

  void compile(std::mt19937 &random) {
    int adds = 1 + static_cast<int>(random() % kGraphs);
    CompileOptions options;
    options.grain = random() % 2; // 1: each row may be on another thread
    put(random() % kSlots,
        std::make_shared<Adder>(Adder{get(engine.compile(addsGraph(adds), {}, options)), adds}));
  }

  void bindAndRun(std::mt19937 &random) {
    Shared shared = take(random() % kSlots);
    if (!shared)
      return;
    auto rows = static_cast<int64_t>(random() % 4);
    Tensor x = get(Tensor::zeros(DType::F32, {rows, 3}));
    for (int64_t i = 0; i < x.size(); ++i)
      x.dataAs<float>()[i] = static_cast<float>(random() % 1000);
    Call call = get(shared->model.bind({{"x", x}}));
    auto terms = static_cast<float>(shared->adds + 1);
    shared.reset(); // The call keeps the executable.
    for (int run = 0; run < 3; ++run)
      if (Status status = call.run(); !status)
        fail(status.error().message);
    for (int64_t i = 0; i < x.size(); ++i)
      if (call.outputs()[0].dataAs<float>()[i] != terms * x.dataAs<float>()[i])
        fail("a sum of x is wrong");
    ++runs;
  }

  void cancelled() {
    std::call_once(longOnce, [&] { longModel = get(engine.compile(longGraph(), {})); });
    Tensor a = get(Tensor::zeros(DType::F32, {600, 600}));
    std::optional<Call> call = get(longModel->bind({{"a", a}}));
    Cancellation cancellation;
    call->setCancellation(cancellation);
    std::atomic<bool> isRunning{false};
    std::thread runner([&] {
      isRunning = true;
      Status status;
      while (status)
        status = call->run();
      if (status.error().kind != ErrorKind::Cancelled)
        fail(status.error().message);
    });
    while (!isRunning)
      std::this_thread::yield();
    cancellation.request();
    runner.join();
    ++cancellations;
  }

  void ownEngine(std::mt19937 &random) {
    Engine own = get(Engine::create());
    int adds = 1 + static_cast<int>(random() % kGraphs);
    put(random() % kSlots, // It outlives its engine.
        std::make_shared<Adder>(Adder{get(own.compile(addsGraph(adds), {})), adds}));
  }

  std::string path;
  Engine engine;
  std::vector<float> expected;
  std::mutex mutex;
  Shared slots[kSlots];
  std::once_flag longOnce;
  std::optional<Executable> longModel;
};

} // namespace

int main(int argc, char **argv) {
  if (argc != 4)
    return std::fprintf(stderr, "usage: mlc-host-mixed MODEL THREADS OPERATIONS\n"), 2;
  Mixed mixed(argv[1]);
  int count = std::atoi(argv[2]), operations = std::atoi(argv[3]);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] { mixed.work(static_cast<unsigned>(i), operations); });
  for (std::thread &thread : threads)
    thread.join();
  if (mixed.done != count || mixed.runs == 0 || mixed.cancellations == 0)
    fail("something was never done");
  std::printf("%d threads, %d operations each: %lld runs compared, %lld runs cancelled\n", count,
              operations, static_cast<long long>(mixed.runs),
              static_cast<long long>(mixed.cancellations));
}
