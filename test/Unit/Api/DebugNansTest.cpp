// Engine::setDebugNans names the first op that makes a NaN.
#include "HostOpsTest.h"

#include "mlc/Api/Jit.h"

#include <cmath>
#include <limits>

using namespace mlc;
using Catch::Contains;

namespace {

/// Switches the engine of C++ ops, for one test.
struct DebugNans {
  DebugNans() { defaultEngine().setDebugNans(true); }
  ~DebugNans() { defaultEngine().setDebugNans(false); }
  DebugNans(const DebugNans &) = delete;
  DebugNans &operator=(const DebugNans &) = delete;
};

const Tensor kPositive = array({1, 2, 3, 4, 5, 6}, {2, 3});
const Tensor kMixed = array({1, 2, 3, 4, -5, 6}, {2, 3});

} // namespace

TEST_CASE("the first op that makes a NaN is named with its line") {
  int line = 0;
  auto f = [&](const Tensor &x) {
    Tensor y = x * 2;
    line = __LINE__ + 1;
    Tensor z = log(y);
    return z + y; // has a NaN too, but did not make it
  };
  auto compiled = jit(f);
  CHECK(std::isnan(values(compiled(kMixed))[4]));
  DebugNans debug;
  CHECK(values(f(kPositive)).size() == 6);
  std::string expected;
  for (bool isJit : {false, true}) {
    std::string error = errorOf([&] { isJit ? compiled(kMixed) : f(kMixed); });
    CHECK(error == "DebugNansTest.cpp:" + std::to_string(line) +
                       ": log: makes a NaN, at [1, 1] of shape [2, 3], out of operands without "
                       "any");
  }
}

TEST_CASE("a NaN that was there before is nobody's, and infinities are none") {
  DebugNans debug;
  const float inf = std::numeric_limits<float>::infinity();
  Tensor given = array({std::nanf(""), 1});
  CHECK(std::isnan(values(exp(given + 1))[0]));
  CHECK(values(log(zeros({1}))) == std::vector<float>{-inf});
  CHECK_THAT(errorOf([&] { array({inf}) - inf; }),
             Contains(": sub: makes a NaN, at [0] of shape [1]"));
  CHECK_THAT(errorOf([&] { matmul(full({1, 2}, inf), array({1, -1}, {2, 1})); }),
             Contains(": matmul: makes a NaN, at [0, 0]"));
  CHECK_THAT(errorOf([&] { mean(zeros({0})); }), Contains(": reduce: makes a NaN, at []"));
  sqrt(zeros({0}));
}

TEST_CASE("nothing is looked for when nobody asks") {
  CHECK(!defaultEngine().debugsNans());
  CHECK(!defaultEngine().isEager());
  CHECK(std::isnan(values(log(array({-1})))[0]));
  {
    DebugNans debug;
    CHECK(defaultEngine().debugsNans());
    CHECK(defaultEngine().isEager());
    defaultEngine().setEager(true);
  }
  CHECK(defaultEngine().isEager()); // the two do not undo each other
  defaultEngine().setEager(false);
  CHECK(!defaultEngine().isEager());
}

TEST_CASE_METHOD(LoggingEngine, "a model's node is named with its function and place") {
  Graph graph;
  FunctionBuilder callee(graph, "inner");
  ValueId v = callee.input("v", type({2}));
  callee.setLocation("net.py:9:2");
  callee.output(get(callee.node(Op::Sqrt, {v}, {}, "root")), "r");
  graph.functions.push_back(callee.finish());
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({2}));
  builder.beginBlock();
  ValueId s = builder.input("s", type({2}));
  ValueId called = get(builder.node(Op::Call, {s}, {{"callee", std::string("inner")}}));
  ValueId one = get(builder.node(Op::Constant, {}, {{"value", tensor({2}, {1, 1})}}));
  std::vector<Block> body{builder.endBlock({get(builder.node(Op::Sub, {called, one}))})};
  Attributes attributes{{"carried", int64_t(1)}, {"sequences", int64_t(0)}, {"length", int64_t(3)}};
  builder.output(get(builder.nodes(Op::Scan, {x}, attributes, "scan", std::move(body)))[0], "y");
  graph.functions.insert(graph.functions.begin(), builder.finish());
  TensorMap inputs{{"x", tensor({2}, {16, 0.25f})}}; // (3, -0.5) after one step
  CHECK(engine.evaluate(graph, {}, inputs, Executor::Jit).ok());
  engine.setDebugNans(true);
  for (Executor executor : {Executor::Jit, Executor::Eager}) {
    auto result = engine.evaluate(graph, {}, inputs, executor);
    REQUIRE(!result.ok());
    CHECK(result.error().kind == ErrorKind::BadInput);
    CHECK(result.error().message ==
          "function `inner`: node `root` (net.py:9:2): sqrt: makes a NaN, "
          "at [1] of shape [2], out of operands without any");
  }
  engine.setDebugNans(false);
  CHECK(engine.evaluate(graph, {}, inputs, Executor::Jit).ok());
}
