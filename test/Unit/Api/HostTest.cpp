// What a host may give to an engine and a call: memory, a limit, a cache, a wish to end.
#include "TestGraphs.h"

#include "mlc/Runtime/Image.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace mlc;

namespace {

/// Counts what is taken, and has no more after `left` allocations.
class CountingMemory : public std::pmr::memory_resource {
public:
  int64_t left = 1 << 30, taken = 0, blocks = 0;

private:
  void *do_allocate(size_t bytes, size_t alignment) override {
    if (left-- <= 0)
      throw std::bad_alloc();
    taken += static_cast<int64_t>(bytes);
    ++blocks;
    return inner->allocate(bytes, alignment);
  }
  void do_deallocate(void *memory, size_t bytes, size_t alignment) override {
    taken -= static_cast<int64_t>(bytes);
    inner->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const memory_resource &other) const noexcept override { return this == &other; }
  std::pmr::memory_resource *inner = std::pmr::new_delete_resource();
};

Engine engineWith(EngineOptions options) { return get(Engine::create(std::move(options))); }

/// tanh(tanh(x)), x: f32[n, n], in as many kernels as there are ops.
Graph tanhGraph(Dim n) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId value = builder.input("x", type({n, 8}));
  for (int i = 0; i < 2; ++i)
    value = get(builder.node(Op::Tanh, {value}));
  builder.output(value, "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

/// y = a * b, f32[n, n].
Graph matmulGraph(int64_t n) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId a = builder.input("a", type({n, n})), b = builder.input("b", type({n, n}));
  builder.output(get(builder.node(Op::MatMul, {a, b})), "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

/// y = the largest of x: i32[n].
Graph maxGraph() {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({Dim("n")}, DType::I32));
  Attributes attributes{{"axes", std::vector<int64_t>{0}}, {"kind", std::string("max")}};
  builder.output(get(builder.node(Op::Reduce, {x}, attributes)), "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

/// A directory of the test's own.
struct Directory {
  std::filesystem::path path;
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "mlc-host-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto &entry : std::filesystem::directory_iterator(path))
      found.push_back(entry.path());
    return found;
  }
};

/// A store in this process.
class MapStore : public CacheStore {
public:
  std::optional<std::string> get(const std::string &key) override {
    std::lock_guard<std::mutex> lock(mutex);
    if (broken)
      throw std::runtime_error("the disk is gone");
    auto found = entries.find(key);
    return found == entries.end() ? std::nullopt : std::optional(found->second);
  }
  void put(const std::string &key, std::string_view value) override {
    std::lock_guard<std::mutex> lock(mutex);
    if (broken)
      throw 7;
    entries[key] = value;
  }
  std::map<std::string, std::string> entries;
  bool broken = false;

private:
  std::mutex mutex;
};

void checkSum(const Executable &model) {
  CHECK(
      values(get(model({{"x", tensor({1, 2}, {1, 2})}, {"z", tensor({1, 2}, {3, 4})}})).at("y")) ==
      std::vector<float>{4, 6});
}

} // namespace

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST_CASE("prepared parameters, workspaces and results are of the host's memory") {
  auto memory = std::make_shared<CountingMemory>();
  EngineOptions options;
  options.memory = memory;
  std::optional<Engine> engine = engineWith(options);
  std::optional<Executable> model = get(engine->compile(denseGraph(), denseParameters()));
  int64_t prepared = memory->taken;
  CHECK(prepared >= 6 * 4);
  std::optional<Call> call = get(model->bind({{"x", tensor({3, 2}, {1, 1, 0, 0, 1, 0})}}));
  CHECK(memory->taken >= prepared + 9 * 4);
  int64_t blocks = memory->blocks;
  check(call->run());
  check(call->run());
  CHECK(memory->blocks == blocks);
  Tensor result = call->outputs()[0];
  // The engine may go first.
  engine.reset();
  model.reset();
  check(call->run());
  call.reset();
  CHECK(memory->taken == 9 * 4);
  CHECK(values(result) == std::vector<float>{5.5, 0, 10, 0.5, 0, 1, 1.5, 0, 4});
  result = Tensor();
  CHECK(memory->taken == 0);
}

TEST_CASE("each block that the host's memory has not is an error, and nothing is lost") {
  auto memory = std::make_shared<CountingMemory>();
  EngineOptions options;
  options.memory = memory;
  options.cache = std::make_shared<MapStore>();
  int failures = 0;
  for (int allowed = 0;; ++allowed) {
    memory->left = allowed;
    auto run = [&]() -> Status {
      Engine engine = engineWith(options);
      auto model = engine.compile(denseGraph(), denseParameters());
      if (!model)
        return model.takeError();
      auto call = model->bind({{"x", tensor({1, 2}, {1, 1})}});
      if (!call)
        return call.takeError();
      Status status = call->run();
      if (status)
        CHECK(values(call->outputs()[0]) == std::vector<float>{5.5, 0, 10});
      return status;
    };
    Status status = run();
    CHECK(memory->taken == 0);
    if (status)
      break;
    ++failures;
    CHECK(status.error().kind == ErrorKind::ResourceLimit);
    CHECK_THAT(status.error().message, Catch::Contains("bytes cannot be allocated"));
    REQUIRE(allowed < 100);
  }
  CHECK(failures >= 4); // prepared parameters, scratch for them, a result, a workspace
}

TEST_CASE("an engine has a limit") {
  EngineOptions options;
  options.memoryLimit = -1;
  CHECK(Engine::create(options).error().kind == ErrorKind::Usage);
  options.memoryLimit = 10000;
  Engine engine = engineWith(options);
  Executable model = get(engine.compile(addGraph(), {}));
  auto bind = [&](int64_t rows) {
    Tensor x = get(Tensor::zeros(DType::F32, {rows, 2}));
    return model.bind({{"x", x}, {"z", x}});
  };
  {
    Call first = get(bind(1000)); // 8000 bytes
    auto second = bind(1000);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::ResourceLimit);
    CHECK_THAT(second.error().message, Catch::Contains("output 'y': a tensor of 8000 bytes would "
                                                       "exceed the engine's limit of 10000 bytes"));
    check(first.run());
  }
  CHECK(bind(1000)); // The first has given its own back.
}

//===----------------------------------------------------------------------===//
// Cache
//===----------------------------------------------------------------------===//

TEST_CASE("an image of the cache is not compiled again") {
  auto store = std::make_shared<MapStore>();
  EngineOptions options;
  options.cache = store;
  {
    Engine engine = engineWith(options);
    checkSum(get(engine.compile(addGraph(), {})));
    CHECK(engine.stats().compilations == 1);
    CHECK(engine.stats().cached == 0);
  }
  REQUIRE(store->entries.size() == 1);
  // An engine without a compiler runs it too.
  options.compiler = CompilerClient::inProcess("/nowhere/libmlc-compiler.so");
  {
    Engine engine = engineWith(options);
    checkSum(get(engine.compile(addGraph(), {})));
    CHECK(engine.stats().compilations == 0);
    CHECK(engine.stats().cached == 1);
    CompileOptions other;
    other.fuse = false; // another image
    CHECK(engine.compile(addGraph(), {}, other).error().kind == ErrorKind::Unsupported);
  }
}

TEST_CASE("what a cache must not have is compiled again") {
  auto store = std::make_shared<MapStore>();
  EngineOptions options;
  options.cache = store;
  std::string log;
  options.log = [&](const std::string &line) { log += line + "\n"; };
  checkSum(get(engineWith(options).compile(addGraph(), {})));
  REQUIRE(store->entries.size() == 1);
  std::string &entry = store->entries.begin()->second;
  const std::string good = entry;
  // Any byte may be damaged, and the end may be missing.
  for (size_t at = 0; at < good.size(); at += 1 + good.size() / 50) {
    entry = good;
    entry[at] = static_cast<char>(entry[at] ^ 0x20);
    Engine engine = engineWith(options);
    checkSum(get(engine.compile(addGraph(), {})));
    CHECK(engine.stats().compilations == 1);
    CHECK(entry == good);
  }
  for (size_t size : {size_t(0), size_t(7), good.size() / 2, good.size() - 1}) {
    entry = good.substr(0, size);
    Engine engine = engineWith(options);
    checkSum(get(engine.compile(addGraph(), {})));
    CHECK(engine.stats().compilations == 1);
  }
  CHECK(log.empty());
  store->broken = true;
  checkSum(get(engineWith(options).compile(addGraph(), {})));
  CHECK_THAT(log, Catch::Contains("failed to get an image: the disk is gone"));
  CHECK_THAT(log, Catch::Contains("failed to put an image"));
}

TEST_CASE("a directory is a cache") {
  Directory directory;
  std::filesystem::path inside = directory.path / "a" / "b";
  auto store = get(CacheStore::directory(inside.string(), 1000));
  CHECK_FALSE(store->get("one"));
  store->put("one", "1");
  store->put("one", std::string("\0x", 2));
  CHECK(store->get("one") == std::string("\0x", 2));
  CHECK(get(CacheStore::directory(inside.string()))->get("one") == std::string("\0x", 2));

  // Of what does not fit, that goes which was not used for longest.
  auto age = [&](const char *key, int hours) {
    for (const auto &entry : std::filesystem::directory_iterator(inside))
      if (entry.path().stem() == key)
        last_write_time(entry.path(),
                        std::filesystem::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  store->put("two", std::string(400, '2'));
  age("one", 3);
  age("two", 2);
  CHECK(store->get("one")); // used again
  store->put("three", std::string(500, '3'));
  CHECK(store->get("three"));
  store->put("four", std::string(200, '4'));
  CHECK_FALSE(store->get("two"));
  CHECK(store->get("one"));
  CHECK(store->get("four"));
  store->put("large", std::string(1001, 'l'));
  CHECK_FALSE(store->get("large"));
}

TEST_CASE("a cache directory that others may write to is refused") {
  Directory directory;
  auto message = [&](const std::string &path) {
    auto store = CacheStore::directory(path);
    REQUIRE_FALSE(store);
    CHECK(store.error().kind == ErrorKind::BadInput);
    return store.error().message;
  };
  std::filesystem::permissions(directory.path, std::filesystem::perms(0770));
  CHECK_THAT(message(directory.path.string()), Catch::Contains("expected mode 0700"));
  std::filesystem::permissions(directory.path, std::filesystem::perms(0700));
  std::string file = (directory.path / "file").string();
  std::ofstream(file) << "x";
  CHECK_THAT(message(file), Catch::Contains("is not a directory"));
  CHECK_THAT(message(file + "/below"), Catch::Contains("cannot be made"));
  CHECK_THAT(message(""), Catch::Contains("expected a path"));
  if (geteuid() == 0) {
    std::filesystem::path theirs = directory.path / "theirs";
    std::filesystem::create_directory(theirs);
    REQUIRE(chown(theirs.c_str(), 12345, 12345) == 0);
    CHECK_THAT(message(theirs.string()), Catch::Contains("belongs to another user"));
  }
}

//===----------------------------------------------------------------------===//
// Cancellation
//===----------------------------------------------------------------------===//

TEST_CASE("a compilation can be cancelled") {
  CompileOptions options;
  options.cancellation.emplace();
  options.cancellation->request();
  Engine engine = engineWith({});
  auto model = engine.compile(addGraph(), {}, options);
  REQUIRE_FALSE(model);
  CHECK(model.error().kind == ErrorKind::Cancelled);
  EngineOptions helper;
  helper.compiler = CompilerClient::helperProcess();
  CHECK(engineWith(helper).compile(addGraph(), {}, options).error().kind == ErrorKind::Cancelled);
  // The compiler's context is used again.
  options.cancellation->reset();
  checkSum(get(engine.compile(addGraph(), {}, options)));
}

TEST_CASE("a run that was cancelled before it starts, and one that is not") {
  Engine engine = engineWith({});
  CompileOptions options;
  options.fuse = false;
  Executable model = get(engine.compile(tanhGraph(4), {}, options));
  Call call = get(model.bind({{"x", get(Tensor::zeros(DType::F32, {4, 8}))}}));
  {
    Cancellation cancellation;
    call.setCancellation(cancellation);
    cancellation.request();
  }
  Status status = call.run();
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::Cancelled);
  CHECK(status.error().message == "function `main`: the run was cancelled");
  call.setCancellation({});
  check(call.run());
}

TEST_CASE("a long kernel ends within 100 ms of the wish") {
  Engine engine = engineWith({});
  std::optional<Call> call;
  SECTION("a matmul that takes seconds") {
    constexpr int64_t kSize = 6000;
    Tensor a = get(Tensor::zeros(DType::F32, {kSize, kSize}));
    call = get(get(engine.compile(matmulGraph(kSize), {})).bind({{"a", a}, {"b", a}}));
  }
  SECTION("a symbolic dimension") {
    CompileOptions options;
    options.fuse = false;
    Executable model = get(engine.compile(tanhGraph(Dim("n")), {}, options));
    call = get(model.bind({{"x", get(Tensor::zeros(DType::F32, {40'000'000, 8}))}}));
  }
  SECTION("a reduction along it") {
    Executable model = get(engine.compile(maxGraph(), {}));
    Tensor x = get(Tensor::zeros(DType::I32, {400'000'000}));
    call = get(model.bind({{"x", x}}));
  }
  using Clock = std::chrono::steady_clock;
  Cancellation cancellation;
  call->setCancellation(cancellation);
  std::atomic<bool> isDone{false};
  Clock::time_point ended;
  Status status;
  std::thread runner([&] {
    // The run takes much longer than the other thread waits, again and again.
    do
      status = call->run();
    while (status);
    ended = Clock::now();
    isDone = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK_FALSE(isDone);
  auto asked = Clock::now();
  cancellation.request();
  runner.join();
  CHECK(status.error().kind == ErrorKind::Cancelled);
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(ended - asked).count();
  CHECK(milliseconds < 100);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

TEST_CASE("a call is given other memory") {
  Engine engine = engineWith({});
  CompileOptions options;
  options.donated = {{"x", "y"}};
  Executable model = get(engine.compile(addGraph(), {}, options));
  alignas(64) float x[] = {1, 2}, z[] = {3, 4}, y[] = {0, 0};
  Call call = get(model.bind({{"x", tensor({1, 2}, {5, 6})}, {"z", tensor({1, 2}, {7, 8})}}));
  const void *inputs[] = {x, z};
  void *outputs[] = {y};
  auto rebind = [&] { return call.rebind({inputs, 2}, {outputs, 1}); };
  check(rebind());
  check(call.run());
  CHECK((y[0] == 4 && y[1] == 6));
  outputs[0] = x; // the memory that was donated to it
  check(rebind());
  check(call.run());
  CHECK((x[0] == 4 && x[1] == 6 && y[0] == 4));

  auto refused = [&](const std::string &message) {
    Status status = rebind();
    REQUIRE_FALSE(status);
    CHECK(status.error().message == message);
    x[0] = 1;
    check(call.run()); // with what was bound before
    CHECK(x[0] == 4);
  };
  outputs[0] = z;
  refused("output 'y' overlaps input 'z'");
  outputs[0] = x + 1;
  refused("output 'y' overlaps input 'x'");
  outputs[0] = reinterpret_cast<char *>(y) + 2;
  refused("output 'y' is not aligned to its element type");
  outputs[0] = nullptr;
  refused("output 'y' is null");
  outputs[0] = y;
  inputs[1] = nullptr;
  refused("input 'z' is null");
  CHECK(call.rebind({inputs, 1}, {outputs, 1}).error().message ==
        "got memory of 1 inputs and 1 outputs, expected 2 and 1");
  Call other = std::move(call);
  for (const Status &status : {call.run(), rebind()}) { // NOLINT: it was moved from
    REQUIRE_FALSE(status);
    CHECK(status.error().message == "the call was moved from");
  }
}

TEST_CASE("a call that runs is refused, and waited for") {
  Engine engine = engineWith({});
  Tensor a = get(Tensor::zeros(DType::F32, {1500, 1500}));
  std::optional<Call> call =
      get(get(engine.compile(matmulGraph(1500), {})).bind({{"a", a}, {"b", a}}));
  Cancellation cancellation;
  call->setCancellation(cancellation);
  std::atomic<int> runs{0};
  std::atomic<bool> isRefused{false}, isDone{false};
  std::thread runner([&] {
    while (call->run())
      ++runs;
    isDone = true;
  });
  while (runs == 0)
    std::this_thread::yield();
  const void *inputs[] = {a.data(), a.data()};
  void *outputs[] = {nullptr};
  while (!isRefused) { // Between two runs nothing is wrong but the null.
    Status status = call->rebind({inputs, 2}, {outputs, 1});
    REQUIRE_FALSE(status);
    isRefused = status.error().kind == ErrorKind::Usage;
    CHECK((isRefused || status.error().message == "output 'y' is null"));
  }
  cancellation.request();
  runner.join();
  CHECK(isDone);
}

TEST_CASE("a call may be destroyed while it runs on another thread") {
  Engine engine = engineWith({});
  Tensor a = get(Tensor::zeros(DType::F32, {1500, 1500}));
  std::optional<Call> call =
      get(get(engine.compile(matmulGraph(1500), {})).bind({{"a", a}, {"b", a}}));
  Cancellation cancellation;
  call->setCancellation(cancellation);
  Status status;
  std::thread runner([&] { status = call->run(); });
  const void *inputs[] = {a.data(), a.data()};
  void *outputs[] = {nullptr};
  while (call->rebind({inputs, 2}, {outputs, 1}).error().kind != ErrorKind::Usage)
    std::this_thread::yield();
  cancellation.request();
  call.reset(); // waits
  runner.join();
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::Cancelled);
}

TEST_CASE("results are for those too who prefer exceptions") {
  Engine engine = Engine::create().orThrow();
  checkSum(engine.compile(addGraph(), {}).orThrow());
  CHECK(errorOf([&] { (void)engine.load("missing.safetensors").orThrow(); }).find("missing") !=
        std::string::npos);
  CHECK(errorOf([] { Status(usageError("no")).orThrow(); }) == "no");
}
