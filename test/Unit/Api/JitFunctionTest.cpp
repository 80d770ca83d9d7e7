// C++ functions traced and compiled: values, signatures, wrong use.
#include "TestGraphs.h"

#include "mlc/Api/Jit.h"

#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace mlc;
using Catch::Contains;
using Floats = std::vector<float>;

namespace {

/// A jit function that counts how often its C++ runs.
struct Counted {
  std::shared_ptr<int> runs = std::make_shared<int>(0);
  Tensor operator()(const Tensor &x) const {
    ++*runs;
    return relu(x * 2 + 1);
  }
};

struct State {
  Tensor hidden;
  std::vector<Tensor> layers;
  int depth = 0;
  template <typename Visit> void tensors(Visit &&visit) { visit(hidden, layers, depth); }
};

const Tensor x = array({1, -2, 3, -4}, {2, 2});

} // namespace

TEST_CASE("a function is traced once per signature") {
  Counted counted;
  std::vector<TraceEvent> events;
  JitOptions options;
  options.name = "twice";
  options.onTrace = [&](const TraceEvent &event) { events.push_back(event); };
  auto f = jit(counted, options);
  EngineStats before = defaultEngine().stats();
  CHECK(values(f(x)) == Floats{3, 0, 7, 0});
  CHECK(values(f(-x)) == Floats{0, 5, 0, 9});
  CHECK(*counted.runs == 1);
  CHECK(values(f(array({1, 2}))) == Floats{3, 5});
  CHECK(*counted.runs == 2);
  CHECK(values(f(x)) == Floats{3, 0, 7, 0});
  CHECK(*counted.runs == 2);
  EngineStats after = defaultEngine().stats();
  CHECK(after.traces - before.traces == 2);
  CHECK(after.hits - before.hits == 2);
  REQUIRE(events.size() == 2);
  CHECK(events[0].signature == "(f32[2,2])");
  CHECK(events[0].nearest.empty());
  CHECK(events[1].function == "twice");
  CHECK(events[1].nearest == "(f32[2,2])");
  CHECK(events[1].difference == "argument 0 is f32[2], was f32[2,2]");
  CHECK(after.bytes > before.bytes);
}

TEST_CASE("of the signatures known, the one that differs least is told") {
  std::vector<TraceEvent> events;
  JitOptions options;
  options.onTrace = [&](const TraceEvent &event) { events.push_back(event); };
  auto f =
      jit([](const Tensor &a, const Tensor &b, int n) { return sum(a) + sum(b) * n; }, options);
  f(ones({2}), ones({2}), 1);
  f(ones({3}), ones({3}), 1);
  f(ones({3}), ones({4}), 1);
  CHECK(events.back().nearest == "(f32[3], f32[3]) and 4 bytes of static arguments");
  CHECK(events.back().difference == "argument 1 is f32[4], was f32[3]");
  f(ones({4}), ones({4}), 2);
  CHECK(events.back().nearest == "(f32[3], f32[4]) and 4 bytes of static arguments");
  CHECK(events.back().difference == "argument 0 is f32[4], was f32[3]; static arguments differ");
}

TEST_CASE("a program may forbid recompilation") {
  JitOptions options;
  options.engine = get(Engine::create());
  options.engine->setFailOnRecompile(true);
  Counted counted;
  auto f = jit(counted, options);
  CHECK(values(f(x)) == Floats{3, 0, 7, 0});
  CHECK(errorOf([&] { f(array({1, 2})); }) ==
        "jit function `f`: would be compiled again, for (f32[2]) beside (f32[2,2]): argument 0 is "
        "f32[2], was f32[2,2]");
  CHECK(*counted.runs == 1);
  CHECK(values(f(x)) == Floats{3, 0, 7, 0});
  REQUIRE(setenv("MLC_FAIL_ON_RECOMPILE", "1", 1) == 0);
  options.engine = get(Engine::create());
  unsetenv("MLC_FAIL_ON_RECOMPILE");
  auto g = jit(counted, options);
  g(x);
  CHECK_THAT(errorOf([&] { g(array({1, 2})); }), Contains("would be compiled again"));
}

TEST_CASE("a named leading dimension takes any size") {
  Counted counted;
  JitOptions options;
  options.dims = {"batch"};
  auto f = jit(counted, options);
  for (int64_t n : {1, 2, 17, 0}) {
    Tensor y = f(ones({n, 3}));
    CHECK(y.shape() == Shape{n, 3});
    CHECK(values(y) == Floats(static_cast<size_t>(3 * n), 3));
  }
  CHECK(*counted.runs == 1);

  options.dims = {"n", "n"};
  auto g =
      jit([](const Tensor &a, const Tensor &b) { return reshape(a + b, {-1, 3, 1}); }, options);
  CHECK(g(ones({4, 3}), ones({4, 3})).shape() == Shape{4, 3, 1});
  CHECK_THAT(errorOf([&] { g(ones({4, 3}), ones({5, 3})); }),
             Contains("dimension 'n' is 4 in argument 0 and 5 in argument 1"));
  options.dims = {"n"};
  auto h = jit([](const Tensor &a) { return a; }, options);
  CHECK_THAT(errorOf([&] { h(full({}, 1)); }), Contains("no leading dimension to be called 'n'"));
}

TEST_CASE("structs, containers and static arguments") {
  int runs = 0;
  auto step = jit([&](const State &state, int power, const std::string &mode) {
    ++runs;
    State next = state;
    for (int i = 0; i < power; ++i)
      next.hidden = next.hidden * state.layers[0];
    if (mode == "negate")
      next.hidden = -next.hidden;
    next.depth += power;
    return next;
  });
  State state{array({1, 2}), {array({3, 4}), array({5, 6})}, 10};
  State next = step(state, 2, std::string("plain"));
  CHECK(values(next.hidden) == Floats{9, 32});
  CHECK(values(next.layers[1]) == Floats{5, 6});
  CHECK(next.depth == 12);
  CHECK(values(step(state, 2, std::string("plain")).hidden) == Floats{9, 32});
  CHECK(runs == 1);
  CHECK(values(step(state, 1, std::string("negate")).hidden) == Floats{-3, -8});
  CHECK(runs == 2);
  auto pair = jit([](const std::pair<Tensor, Tensor> &p) {
    return std::tuple(p.first + p.second, std::map<std::string, Tensor>{{"same", p.first}});
  });
  auto [sum, same] = pair(std::pair(x, x));
  CHECK(values(sum) == Floats{2, -4, 6, -8});
  CHECK(values(same.at("same")) == values(x));
}

TEST_CASE("captured tensors are parameters or constants, with the values of the trace") {
  Tensor big = arange(100, DType::F32), small = array({1, 2}, {2, 1});
  auto f = jit([&](const Tensor &t) { return t + big + sum(big) + small; });
  Tensor y = f(zeros({2, 100}));
  CHECK(values(y)[101] == 4950 + 1 + 2);
  Model model = f.trace(zeros({2, 100}));
  REQUIRE(model.graph.parameters.size() == 1);
  CHECK(model.parameters.count(model.graph.parameters[0].name) == 1);
  big.dataAs<float>()[1] = 1e6f;
  CHECK(values(f(zeros({2, 100})))[101] == 4950 + 1 + 2);
}

TEST_CASE("stages one at a time, and the same model from a file") {
  auto f = jit(Counted());
  std::string printed = f.print(x);
  CHECK_THAT(printed, Contains("relu") && Contains("f32[2,2]"));
  CHECK_THAT(f.lower("fused", x), Contains("mlc.fusion"));
  Model model = f.trace(x);
  CHECK_THAT(model.graph.functions[0].body.nodes.back().location, Contains("JitFunctionTest.cpp:"));
  CHECK(values(get(f.compile(x)({{"x", x}})).at("y")) == Floats{3, 0, 7, 0});
  f.save("jit-function-test.json", x);
  Executable loaded = get(defaultEngine().load("jit-function-test.json"));
  std::remove("jit-function-test.json");
  CHECK(values(get(loaded({{"x", x}})).at("y")) == Floats{3, 0, 7, 0});
}

TEST_CASE("jit functions in jit functions become part of them") {
  Counted counted;
  auto inner = jit(counted);
  auto outer = jit([&](const Tensor &t) { return inner(t) + inner(-t); });
  CHECK(values(outer(x)) == Floats{3, 5, 7, 9});
  CHECK(*counted.runs == 2);
  CHECK_THAT(errorOf([&] {
               jit([&](const Tensor &t) {
                 inner.trace(t);
                 return t;
               })(x);
             }),
             Contains("cannot be traced inside another trace"));
}

TEST_CASE("jit can be switched off") {
  Engine engine = get(Engine::create());
  JitOptions options;
  options.engine = engine;
  Counted counted;
  auto f = jit(counted, options);
  engine.setEager(true);
  CHECK(values(f(x)) == Floats{3, 0, 7, 0});
  CHECK(values(f(x)) == Floats{3, 0, 7, 0});
  CHECK(*counted.runs == 2);
  CHECK(engine.stats().traces == 0);
  engine.setEager(false);
  f(x), f(x);
  CHECK(*counted.runs == 3);

  REQUIRE(setenv("MLC_DISABLE_JIT", "1", 1) == 0);
  CHECK(get(Engine::create()).isEager());
  unsetenv("MLC_DISABLE_JIT");
  CHECK(!get(Engine::create()).isEager());
}

TEST_CASE("what looks at an element cannot be traced, and says where") {
  int line = 0;
  auto f = jit([&](const Tensor &t) {
    line = __LINE__ + 1;
    if (sum(t) > 0)
      return t;
    return -t;
  });
  std::string message = errorOf([&] { f(x); });
  CHECK_THAT(message, Contains("`compare` (JitFunctionTest.cpp:" + std::to_string(line) + ")") &&
                          Contains("mlc::select"));
  auto g = jit([&](const Tensor &t) { return t * t.item<float>(); });
  CHECK_THAT(errorOf([&] { g(array({2})); }), Contains("input `x`"));
}

TEST_CASE("traced tensors stay in their trace") {
  Tensor escaped;
  auto f = jit([&](const Tensor &t) { return escaped = t + 1; });
  f(x);
  CHECK(escaped.isTraced());
  CHECK_THAT(errorOf([&] { escaped + 1; }), Contains("a trace that has ended"));
  CHECK_THAT(errorOf([&] { jit([&](const Tensor &t) { return t + escaped; })(x); }),
             Contains("a trace that has ended"));
  auto mixed =
      jit([&](const Tensor &outer) { return jit([&](const Tensor &t) { return t + outer; })(x); });
  CHECK_THAT(errorOf([&] { mixed(x); }), Contains("the trace of another function"));
}

TEST_CASE("an exception passes through, and the next call starts afresh") {
  bool broken = true;
  auto f = jit([&](const Tensor &t) {
    if (broken)
      throw std::runtime_error("mine");
    return t + 1;
  });
  CHECK_THROWS_WITH(f(x), "mine");
  broken = false;
  CHECK(values(f(x)) == Floats{2, -1, 4, -3});
  CHECK_THAT(errorOf([&] { jit([](const Tensor &) { return 5; })(x); }),
             Contains("no tensor in the result"));
}

TEST_CASE("errors in a trace name the line") {
  int line = __LINE__ + 1;
  auto f = jit([](const Tensor &t) { return t + zeros({3}); });
  CHECK_THAT(errorOf([&] { f(x); }), Contains("JitFunctionTest.cpp:" + std::to_string(line)) &&
                                         Contains("f32[2,2] and f32[3]"));
}

TEST_CASE("many threads meet a function together") {
  auto f = jit([](const Tensor &t) { return relu(t * 2 + 1); });
  std::vector<std::thread> threads;
  std::vector<int> good(8, 0);
  for (size_t i = 0; i < good.size(); ++i)
    threads.emplace_back([&, i] {
      for (int64_t n = 1; n < 5; ++n)
        good[i] += values(f(ones({n}))) == Floats(static_cast<size_t>(n), 3);
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(good == std::vector<int>(8, 4));
}

TEST_CASE("results outlive the engine and the function") {
  Tensor y;
  {
    JitOptions options;
    options.engine = get(Engine::create());
    y = jit(Counted(), options)(x);
  }
  CHECK(values(y) == Floats{3, 0, 7, 0});
}

namespace {

/// (state, x) -> the next state, and twice that as a row.
std::pair<Tensor, Tensor> advance(const Tensor &state, const Tensor &in) {
  Tensor next = state + in;
  return {next, mlc::reshape(next * 2, {1, 2, 2})};
}

JitOptions donating(std::vector<size_t> indices) {
  JitOptions options;
  options.name = "step";
  options.donate = std::move(indices);
  return options;
}

} // namespace

TEST_CASE("a donated argument's memory becomes the result's") {
  auto step = jit(advance, donating({0}));
  Tensor state = array({1, 2, 3, 4}, {2, 2});
  for (float round : {1.f, 2.f}) {
    auto [next, row] = step(state, x);
    CHECK(next.data() == state.data());
    CHECK(values(state) == Floats{1 + round, 2 - 2 * round, 3 + 3 * round, 4 - 4 * round});
    CHECK(values(row) == Floats{2 + 2 * round, 4 - 4 * round, 6 + 6 * round, 8 - 8 * round});
  }
  // One result, of any size.
  JitOptions options = donating({1});
  options.dims = {"n", "n"};
  auto add = jit([](const Tensor &a, const Tensor &b) { return a + b; }, options);
  for (int64_t n : {0, 1, 5}) {
    Tensor sum = ones({n});
    CHECK(add(ones({n}), sum).data() == sum.data());
    CHECK(values(sum) == Floats(static_cast<size_t>(n), 2));
  }
}

TEST_CASE("an argument that lies in another's memory is not overwritten") {
  auto step = jit(advance, donating({0}));
  Tensor both = array({1, 2, 3, 4}, {2, 2});
  CHECK(values(step(both, both).first) == Floats{2, 4, 6, 8});
  CHECK(values(both) == Floats{1, 2, 3, 4});
}

TEST_CASE("an argument is donated to the first result of its type that has no donor") {
  auto swap =
      jit([](const Tensor &a, const Tensor &b) { return std::pair(b, a); }, donating({0, 1}));
  Tensor a = array({1, 2}), b = array({3, 4});
  auto [first, second] = swap(a, b);
  CHECK(first.data() == a.data());
  CHECK(second.data() == b.data());
  CHECK(values(a) == Floats{3, 4});
  CHECK(values(b) == Floats{1, 2});
}

TEST_CASE("a donation that no result can take is an error") {
  auto error = [](std::vector<size_t> indices) {
    return errorOf([&] { jit(advance, donating(std::move(indices)))(x, x); });
  };
  CHECK(error({2}) == "jit function `step`: argument 2 cannot be donated: there are 2 tensors");
  CHECK(error({0, 0}) == "jit function `step`: argument 0 is donated twice");
  CHECK(error({0, 1}) == "jit function `step`: argument 1 cannot be donated: no result is f32[2,2] "
                         "and has no donor yet");
}

TEST_CASE("an eager engine keeps what is donated") {
  JitOptions options = donating({0});
  options.engine = get(Engine::create());
  options.engine->setEager(true);
  Tensor state = array({1, 2, 3, 4}, {2, 2});
  CHECK(values(jit(advance, options)(state, x).first) == Floats{2, 0, 6, 0});
  CHECK(values(state) == Floats{1, 2, 3, 4});
}
