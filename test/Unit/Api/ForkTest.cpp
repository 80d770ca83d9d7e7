// Processes that are forked when a model is loaded: they run it and share its memory, and
// they compile if nobody was compiling.
#include "TestGraphs.h"

#include "mlc/Api/Jit.h"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace mlc;
using Catch::Matchers::Contains;

namespace {

constexpr unsigned kSeconds = 60; // after which a child hangs

struct Child {
  pid_t pid = -1;
  int pipe = -1;
};

/// Forks; the child says what `body` returns and ends, whatever happens.
Child start(const std::function<std::string()> &body) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  Child child{fork(), ends[0]};
  REQUIRE(child.pid >= 0);
  if (child.pid == 0) {
    alarm(kSeconds);
    std::string text;
    try {
      text = body();
    } catch (const std::exception &error) {
      text = error.what();
    } catch (...) { // of Catch2
      text = "it failed";
    }
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  return child;
}

/// What the child said.
std::string finish(Child child) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(child.pipe, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  close(child.pipe);
  int status = 0;
  REQUIRE(waitpid(child.pid, &status, 0) == child.pid);
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGALRM ? "it hangs"
                                       : "it died of signal " + std::to_string(WTERMSIG(status));
  return text;
}

/// Of the pages that lie whole in [start, end): how many this process alone has.
struct Pages {
  int64_t all = 0, own = 0;
};
Pages countPages(uintptr_t start, uintptr_t end) {
  constexpr uintptr_t page = 4096;
  constexpr uint64_t present = uint64_t(1) << 63, exclusive = uint64_t(1) << 56;
  Pages pages;
  int file = open("/proc/self/pagemap", O_RDONLY);
  for (uintptr_t at = (start + page - 1) / page; at < end / page; ++at) {
    uint64_t entry = exclusive;
    if (pread(file, &entry, sizeof entry, static_cast<off_t>(at * sizeof entry)) != sizeof entry)
      throw Error(ErrorKind::Internal, "cannot read the page map");
    ++pages.all;
    pages.own += !(entry & present) || (entry & exclusive);
  }
  close(file);
  return pages;
}

/// The mapping in which an address lies.
std::pair<uintptr_t, uintptr_t> mappingOf(uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long start, end;
    if (std::sscanf(line.c_str(), "%lx-%lx", &start, &end) == 2 && start <= address &&
        address < end)
      return {start, end};
  }
  return {};
}

/// relu(x w) with 4 MiB of weights, which are prepared.
constexpr int64_t kSize = 1024;
Executable bigModel() {
  Tensor w = randomNormal({kSize, kSize}, 1);
  return jit([w](const Tensor &x) { return relu(matmul(x, w)); }).compile(zeros({2, kSize}));
}

bool same(const Tensor &a, const Tensor &b) {
  return std::memcmp(a.data(), b.data(), static_cast<size_t>(a.byteSize())) == 0;
}

} // namespace

TEST_CASE("forked processes run what was loaded before, in memory that they share") {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); // of large pages the page map tells less
  Executable model = bigModel();
  Tensor x = randomNormal({2, kSize}, 2);
  Call call = get(model.bind({{"x", x}}));
  check(call.run());
  Tensor expected = call.outputs()[0].clone();
  auto code = mappingOf(reinterpret_cast<uintptr_t>(call.function()));
  auto prepared = reinterpret_cast<uintptr_t>(call.frame()->prepared);
  auto size = static_cast<uintptr_t>(model.interface().preparedBytes);
  REQUIRE(size >= static_cast<uintptr_t>(4 * kSize * kSize));

  auto count = [&] {
    Pages weights = countPages(prepared, prepared + size);
    Pages instructions = countPages(code.first, code.second);
    if (weights.all < 1023 || instructions.all < 1)
      return std::string("there are no pages to look at");
    return std::to_string(weights.own) + " pages of weights and " +
           std::to_string(instructions.own) + " of code are its own";
  };
  auto use = [&](Call &bound) {
    Tensor y = bound.outputs()[0];
    for (int i = 0; i < 20; ++i) {
      std::memset(y.data(), 0xff, static_cast<size_t>(y.byteSize()));
      if (!bound.run() || !same(y, expected))
        return false;
    }
    return true;
  };
  auto child = [&]() -> std::string {
    if (!use(call))
      return "the parent's call has another result";
    Call own = get(model.bind({{"x", x.clone()}}));
    if (!use(own) || get(model({{"x", x}})).size() != 1)
      return "a call of its own has another result";
    return count();
  };
  std::vector<Child> children;
  for (int i = 0; i < 8; ++i)
    children.push_back(start(child));
  for (Child one : children)
    CHECK(finish(one) == "0 pages of weights and 0 of code are its own");
  CHECK(use(call));

  // That would be seen.
  CHECK(finish(start([&] {
          static_cast<volatile char *>(call.frame()->prepared)[size / 2] = 1;
          return count();
        })) == "1 pages of weights and 0 of code are its own");
}

TEST_CASE("a forked process runs alone what ran on threads") {
  EngineOptions engineOptions;
  engineOptions.threads = 2;
  CompileOptions options;
  options.grain = 1;
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({64, 64}));
  builder.output(get(builder.node(Op::MatMul, {x, x})), "y");
  graph.functions.push_back(builder.finish());
  Executable model = get(get(Engine::create(engineOptions)).compile(graph, {}, options));
  Call call = get(model.bind({{"x", randomNormal({64, 64}, 3)}}));
  check(call.run());
  Tensor expected = call.outputs()[0].clone();
  std::atomic<bool> stop{false};
  std::thread busy([&] { // Threads of the pool are working when the child is made.
    Call other = get(model.bind({{"x", randomNormal({64, 64}, 4)}}));
    while (!stop)
      check(other.run());
  });
  for (int i = 0; i < 8; ++i)
    CHECK(finish(start([&]() -> std::string {
            for (int run = 0; run < 20; ++run)
              if (!call.run() || !same(call.outputs()[0], expected))
                return "another result";
            return "the same";
          })) == "the same");
  stop = true;
  busy.join();
}

TEST_CASE("a forked process compiles when nothing was being compiled") {
  auto twice = [] {
    JitOptions options;
    options.engine = get(Engine::create());
    return values(jit([](const Tensor &x) { return x + x; }, options)(ones({3})))[2];
  };
  auto child = [&] { return std::to_string(twice()); };
  CHECK(finish(start(child)) == "2.000000"); // The compiler may be open or not.
  CHECK(twice() == 2);
  std::vector<Child> children;
  for (int i = 0; i < 4; ++i)
    children.push_back(start(child));
  for (Child one : children)
    CHECK(finish(one) == "2.000000");

  // With an engine and threads that were there before.
  std::atomic<bool> stop{false};
  std::thread idle([&] {
    while (!stop)
      std::this_thread::yield();
  });
  Engine engine = get(Engine::create());
  Executable known = get(engine.compile(denseGraph(), denseParameters()));
  CHECK(finish(start([&]() -> std::string {
          get(engine.compile(addGraph(), {}));
          get(engine.compile(denseGraph(), denseParameters()));
          return "done";
        })) == "done");
  stop = true;
  idle.join();
}

TEST_CASE("a process that was forked while a thread compiled says so, and runs all the same") {
  Executable model = bigModel();
  Tensor x = randomNormal({2, kSize}, 2);
  Call call = get(model.bind({{"x", x}}));
  check(call.run());
  Tensor expected = call.outputs()[0].clone();

  Engine engine = get(Engine::create());
  std::atomic<bool> stop{false};
  std::atomic<int64_t> made{0};
  auto compileNext = [&] {
    int64_t n = made + 1;
    JitOptions options;
    options.engine = engine;
    jit([](const Tensor &t) { return softmax(matmul(t, t)); }, options).compile(ones({n, n}));
  };
  std::thread compiler([&] {
    for (; !stop; ++made)
      compileNext();
  });
  while (made < 1)
    std::this_thread::yield();
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    std::string text = finish(start([&]() -> std::string {
      if (!call.run() || !same(call.outputs()[0], expected))
        return "the parent's call has another result";
      compileNext(); // which the thread may have begun
      return "compiled";
    }));
    if (text != "compiled") {
      CHECK_THAT(text, Contains("it was forked while another thread of its parent was compiling"));
      ++told;
    }
  }
  stop = true;
  compiler.join();
  CHECK(told > 0);
  check(call.run());
  get(engine.compile(addGraph(), {})); // the parent is none the worse
}

TEST_CASE("a call that ran on another thread when its process was forked can be used") {
  // Some 100 ms a run.
  Tensor x = randomNormal({kSize, kSize}, 3) * 0.03;
  Executable model = jit([](const Tensor &t) {
                       return scan(
                                  [&](const Tensor &state) {
                                    return std::pair(tanh(matmul(state, t)), std::tuple<>());
                                  },
                                  t, int64_t(8))
                           .first;
                     }).compile(x);
  std::optional<Call> call(get(model.bind({{"x", x}})));
  check(call->run());
  Tensor expected = call->outputs()[0].clone();

  std::atomic<bool> stop{false}, good{true};
  std::atomic<int> runs{0};
  std::thread other([&] {
    for (; !stop; ++runs)
      good = call->run().ok() && good;
  });
  while (runs < 1)
    std::this_thread::yield();
  std::vector<Child> children;
  for (int i = 0; i < 4; ++i)
    children.push_back(start([&]() -> std::string {
      if (!call->run() || !same(call->outputs()[0], expected))
        return "another result";
      call.reset();
      return "done";
    }));
  children.push_back(start([&]() -> std::string {
    call.reset(); // waits for no run of the parent
    return "done";
  }));
  for (Child one : children)
    CHECK(finish(one) == "done");
  stop = true;
  other.join();
  CHECK(good);
}
