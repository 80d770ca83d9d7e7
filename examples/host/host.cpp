// A host with wishes of its own: for memory, for images that outlive it, for an end to
// runs that take too long, for models of strangers, and for threads.
//
//   example-host digits.safetensors heldout-images.npy CACHE-DIRECTORY
#include "mlc/Tensor/Npy.h"
#include "mlc/mlc.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

namespace {

/// The host's own memory, which it can count.
class CountedMemory : public std::pmr::memory_resource {
public:
  std::atomic<size_t> bytes{0};

private:
  void *do_allocate(size_t size, size_t alignment) override {
    void *memory = std::pmr::new_delete_resource()->allocate(size, alignment);
    bytes += size;
    return memory;
  }
  void do_deallocate(void *memory, size_t size, size_t alignment) override {
    bytes -= size;
    std::pmr::new_delete_resource()->deallocate(memory, size, alignment);
  }
  bool do_is_equal(const memory_resource &other) const noexcept override { return this == &other; }
};

mlc::Engine makeEngine(const std::shared_ptr<CountedMemory> &memory, const char *cacheDirectory) {
  mlc::EngineOptions options;
  options.log = [](const std::string &line) { std::fprintf(stderr, "mlc: %s\n", line.c_str()); };
  options.memory = memory;        // for parameters, workspaces and results
  options.memoryLimit = 64 << 20; // bytes of it at a time
  options.cache = mlc::CacheStore::directory(cacheDirectory).orThrow(); // for the next start
  return mlc::Engine::create(options).orThrow();
}

/// For models from somewhere: compiling them cannot take this process down.
mlc::Result<mlc::Executable> loadOfStranger(const char *path) {
  mlc::HelperLimits limits;
  limits.memoryBytes = int64_t(1) << 30;
  limits.seconds = 20;
  mlc::EngineOptions options;
  options.compiler = mlc::CompilerClient::helperProcess(limits);
  auto engine = mlc::Engine::create(options);
  return engine ? engine->load(path) : engine.takeError();
}

/// Each thread binds a call of its own; weights and code are shared.
int64_t runOnThreads(const mlc::Executable &model, const mlc::Tensor &images) {
  std::atomic<int64_t> runs{0};
  auto work = [&] {
    mlc::Call call = model.bind({{"images", images}}).orThrow();
    for (int i = 0; i < 100 && call.run(); ++i)
      ++runs;
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
  return runs;
}

/// A host's own threads, here started anew for each long kernel; mostly it has a pool.
class OwnThreads : public mlc::ParallelFor {
  void run(int64_t count, void (*body)(void *, int64_t), void *argument) override {
    std::atomic<int64_t> next{0};
    auto work = [&] {
      for (int64_t i; (i = next++) < count;)
        body(argument, i);
    };
    std::thread helper(work);
    work();
    helper.join();
  }
};

/// A batch that is worth two threads: the same bits as with one.
bool runOnOwnThreads(const char *path, const mlc::Executable &onOne) {
  mlc::EngineOptions options;
  options.parallelFor = std::make_shared<OwnThreads>();
  mlc::Executable onTwo = mlc::Engine::create(options).orThrow().load(path).orThrow();
  mlc::Tensor images = mlc::Tensor::zeros(mlc::DType::F32, {20000, 64}).orThrow();
  for (int64_t i = 0; i < images.size(); ++i)
    images.dataAs<float>()[i] = static_cast<float>(i % 17);
  auto logits = [&](const mlc::Executable &model) {
    return model({{"images", images}}).orThrow().at("logits");
  };
  return logits(onTwo).identical(logits(onOne));
}

/// One call for all rows: only the pointers change.
bool runRowByRow(const mlc::Executable &model, const mlc::Tensor &images, mlc::Tensor &logits) {
  mlc::Call call =
      model.bind({{"images", images.view({1, 64}, 0)}}, {{"logits", logits.view({1, 10}, 0)}})
          .orThrow();
  for (int64_t row = 0; row < images.shape()[0]; ++row) {
    const void *inputs[] = {images.dataAs<float>() + row * 64};
    void *outputs[] = {logits.dataAs<float>() + row * 10};
    if (!call.rebind({inputs, 1}, {outputs, 1}) || !call.run())
      return false;
  }
  return true;
}

/// Runs until somebody has waited long enough.
mlc::ErrorKind runUntilCancelled(mlc::Call &call) {
  mlc::Cancellation cancellation;
  call.setCancellation(cancellation);
  std::thread watchdog([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancellation.request();
  });
  mlc::Status status;
  while (status)
    status = call.run();
  watchdog.join();
  call.setCancellation({});
  return status.error().kind; // ErrorKind::Cancelled
}

} // namespace

int main(int argc, char **argv) try {
  if (argc != 4)
    return std::fprintf(stderr, "usage: example-host MODEL IMAGES CACHE-DIRECTORY\n"), 2;
  auto memory = std::make_shared<CountedMemory>();
  {
    mlc::Engine engine = makeEngine(memory, argv[3]);
    mlc::Executable model = engine.load(argv[1]).orThrow();
    mlc::Tensor images = mlc::readNpy(argv[2]).orThrow();
    std::printf("compiled: %s\n", engine.stats().cached ? "in an earlier run" : "now");
    std::printf("runs of two threads: %lld\n", static_cast<long long>(runOnThreads(model, images)));

    std::printf("a batch on two: %s\n",
                runOnOwnThreads(argv[1], model) ? "the same bits" : "other bits");

    mlc::Call batch = model.bind({{"images", images}}).orThrow();
    batch.run().orThrow();
    mlc::Tensor logits = batch.outputs()[0].clone();
    // Each row by code for one row.
    mlc::CompileOptions forOne;
    forOne.dims = {{"batch", 1}};
    mlc::Executable one = engine.load(argv[1], forOne).orThrow();
    if (!runRowByRow(one, images, logits) || !logits.identical(batch.outputs()[0]))
      return std::fprintf(stderr, "rows alone differ from rows of a batch\n"), 1;
    std::printf("row by row: the same bits\n");

    bool isCancelled = runUntilCancelled(batch) == mlc::ErrorKind::Cancelled;
    std::printf("cancelled: %s\n", isCancelled ? "yes" : "no");
    auto stranger = loadOfStranger(argv[2]); // which is no model
    std::printf("a stranger's model: %s\n", stranger ? "loaded" : stranger.error().message.c_str());
    std::printf("memory in use: %s\n", memory->bytes > 0 ? "some" : "none");
  }
  std::printf("and at the end: %zu bytes\n", memory->bytes.load());
  return 0;
} catch (const mlc::Error &error) {
  return std::fprintf(stderr, "example-host: %s\n", error.what()), 1;
}
