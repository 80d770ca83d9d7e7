// custom: functions of the host in every executor, and what goes wrong with them.
#include "HostOpsTest.h"

#include "../TempDir.h"

#include "mlc/Api/Jit.h"

#include <atomic>

using namespace mlc;
using Catch::Contains;

namespace {

Result<TensorType> sameType(const std::vector<TensorType> &operands) {
  if (operands.size() != 1)
    return usageError("takes one operand, got " + std::to_string(operands.size()));
  return operands[0];
}

std::atomic<int> doublings{0};

Status doubleElements(const std::vector<Tensor> &operands, Tensor &result) {
  ++doublings;
  for (int64_t i = 0; i < result.size(); ++i)
    result.dataAs<float>()[i] = 2 * operands[0].dataAs<float>()[i];
  return {};
}

/// Defines what the tests use, once.
const bool kDefined = [] {
  auto define = [](const char *name, CustomOp op) {
    if (Status status = defineCustomOp(name, std::move(op)); !status)
      throw status.takeError();
  };
  define("double", {sameType, doubleElements});
  // How many elements of a row are true: bool[n,k] -> i64[n].
  define("count",
         {[](const std::vector<TensorType> &operands) -> Result<TensorType> {
            if (operands.size() != 1 || operands[0].dtype != DType::Bool || operands[0].rank() != 2)
              return badInputError("takes one bool matrix");
            return TensorType{DType::I64, {operands[0].dims[0]}};
          },
          [](const std::vector<Tensor> &operands, Tensor &result) {
            int64_t columns = operands[0].shape()[1];
            for (int64_t i = 0; i < result.size(); ++i) {
              int64_t count = 0;
              for (int64_t j = 0; j < columns; ++j)
                count += operands[0].dataAs<uint8_t>()[i * columns + j];
              result.dataAs<int64_t>()[i] = count;
            }
            return Status();
          }});
  // Assigns what ops compute, instead of writing elements.
  define("normalise", {sameType, [](const std::vector<Tensor> &operands, Tensor &result) {
                         result = softmax(operands[0], 0);
                         return Status();
                       }});
  define("throws", {sameType, [](const std::vector<Tensor> &, Tensor &) -> Status {
                      throw std::runtime_error("no licence");
                    }});
  define("throws an int",
         {sameType, [](const std::vector<Tensor> &, Tensor &) -> Status { throw 42; }});
  define("fails", {sameType, [](const std::vector<Tensor> &, Tensor &) -> Status {
                     return resourceError("the device is busy");
                   }});
  define("assigns another type", {sameType, [](const std::vector<Tensor> &, Tensor &result) {
                                    result = zeros({7});
                                    return Status();
                                  }});
  define("rule throws", {[](const std::vector<TensorType> &) -> Result<TensorType> {
                           throw std::runtime_error("no rule");
                         },
                         doubleElements});
  return true;
}();

Attributes custom(const char *function, Dims shape, const char *dtype = "f32") {
  return {{"function", std::string(function)}, {"dtype", std::string(dtype)}, {"shape", shape}};
}

/// y = custom(x + x) - x, of type f32[dims].
Graph customGraph(const char *function, const Dims &dims = {2, 3}) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type(dims));
  ValueId sum = get(builder.node(Op::Add, {x, x}));
  builder.setLocation("net.py:7:1");
  ValueId c = get(builder.node(Op::Custom, {sum}, custom(function, dims), "mine"));
  builder.output(get(builder.node(Op::Sub, {c, x})), "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

const Tensor kX = array({1, -2, 3, -4, 5, -6}, {2, 3});

/// The error of running `graph`, which every executor must give.
std::string errorOfRuns(const Engine &engine, const Graph &graph, ErrorKind kind) {
  std::string first;
  for (const Way &way : kWays) {
    INFO(way.name);
    auto result = engine.evaluate(graph, {}, {{"x", kX}}, way.executor, way.options());
    REQUIRE(!result.ok());
    CHECK(result.error().kind == kind);
    if (first.empty())
      first = result.error().message;
    CHECK(result.error().message == first);
  }
  return first;
}

} // namespace

TEST_CASE_METHOD(LoggingEngine, "a custom op computes in every executor") {
  REQUIRE(kDefined);
  for (Dims dims : {Dims{2, 3}, Dims{Dim("batch"), 3}}) {
    Graph graph = customGraph("double", dims);
    for (const Way &way : kWays) {
      INFO(way.name);
      auto y = get(engine.evaluate(graph, {}, {{"x", kX}}, way.executor, way.options())).at("y");
      CHECK(values(y) == values(kX * 3));
    }
  }
}

TEST_CASE_METHOD(LoggingEngine, "bools in, integers out, for any number of rows") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({Dim("n"), 3}));
  ValueId zero = get(builder.node(Op::Sub, {x, x}));
  ValueId positive = get(builder.node(Op::Compare, {x, zero}, {{"direction", std::string("gt")}}));
  builder.output(get(builder.node(Op::Custom, {positive}, custom("count", {Dim("n")}, "i64"))),
                 "y");
  graph.functions.push_back(builder.finish());
  for (int64_t rows : {0, 1, 2})
    for (const Way &way : kWays) {
      INFO(way.name);
      Tensor input = kX.view({rows, 3}, 0);
      auto y = get(engine.evaluate(graph, {}, {{"x", input}}, way.executor, way.options())).at("y");
      REQUIRE(y.shape() == Shape{rows});
      for (int64_t i = 0; i < rows; ++i)
        CHECK(y.dataAs<int64_t>()[i] == (i == 0 ? 2 : 1));
    }
}

TEST_CASE("C++ applies a custom op at once, traced and compiled for any batch") {
  auto f = [](const Tensor &x) { return customOp("double", {x + 1}) * 0.5; };
  CHECK(values(f(kX)) == values(kX + 1));
  std::atomic<int> traces{0};
  JitOptions options;
  options.dims = {"batch"};
  options.onTrace = [&](const TraceEvent &) { ++traces; };
  auto compiled = jit(f, options);
  CHECK(values(compiled(kX)) == values(kX + 1));
  CHECK(values(compiled(ones({5, 3}))) == std::vector<float>(15, 2));
  CHECK(traces == 1);
  CHECK_THAT(compiled.print(kX), Contains("custom add {dtype=\"f32\", function=\"double\", "
                                          "shape=[batch,3]}"));
}

TEST_CASE_METHOD(LoggingEngine, "a model file names its custom ops") {
  mlc::test::TempDir directory;
  Model model;
  model.graph = customGraph("double", {Dim("batch"), 3});
  std::string path = directory.path("model.safetensors");
  check(saveModel(path, model));
  CHECK(print(get(loadModel(path)).graph) == print(model.graph));
  CHECK(values(get(get(engine.load(path))({{"x", kX}})).at("y")) == values(kX * 3));
}

TEST_CASE_METHOD(LoggingEngine, "a custom op may assign its result, and run ops") {
  Graph graph = customGraph("normalise");
  Tensor expected = softmax(kX + kX, 0) - kX;
  for (const Way &way : kWays) {
    INFO(way.name);
    auto y = get(engine.evaluate(graph, {}, {{"x", kX}}, way.executor, way.options())).at("y");
    CHECK(compare(y, expected, 1e-6, 1e-6).message == "");
  }
}

TEST_CASE_METHOD(LoggingEngine, "equal custom ops are one, and unused ones none") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({2, 3}));
  auto twice = [&](ValueId v) {
    return get(builder.node(Op::Custom, {v}, custom("double", {2, 3})));
  };
  twice(get(builder.node(Op::Neg, {x})));
  builder.output(get(builder.node(Op::Add, {twice(x), twice(x)})), "y");
  graph.functions.push_back(builder.finish());
  Executable model = get(engine.compile(graph, {}));
  doublings = 0;
  CHECK(values(get(model({{"x", kX}})).at("y")) == values(kX * 4));
  CHECK(doublings == 1);
}

TEST_CASE_METHOD(LoggingEngine, "what depends on parameters alone is computed when they are") {
  Graph graph;
  graph.parameters.push_back({"w", type({2, 3})});
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({2, 3}));
  ValueId w = get(builder.node(Op::Parameter, {}, {{"parameter", std::string("w")}}));
  ValueId twice = get(builder.node(Op::Custom, {w}, custom("double", {2, 3})));
  builder.output(get(builder.node(Op::Add, {x, twice})), "y");
  graph.functions.push_back(builder.finish());
  doublings = 0;
  Executable model = get(engine.compile(graph, {{"w", kX}}));
  CHECK(doublings == 1);
  CHECK(values(get(model({{"x", kX}})).at("y")) == values(kX * 3));
  CHECK(doublings == 1);
}

TEST_CASE_METHOD(LoggingEngine, "a custom op in a block runs when the block does") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", type({}, DType::Bool)), x = builder.input("x", type({2}));
  std::vector<Block> branches;
  for (const char *function : {"double", "throws"}) {
    builder.beginBlock();
    ValueId v = builder.input("v", type({2}));
    // The same for every input, but not to be run where it does not have to be.
    ValueId c = get(builder.node(Op::Constant, {}, {{"value", tensor({2}, {3, 4})}}));
    ValueId made = get(builder.node(Op::Custom, {c}, custom(function, {2})));
    branches.push_back(builder.endBlock({get(builder.node(Op::Add, {v, made}))}));
  }
  builder.output(get(builder.nodes(Op::If, {p, x}, {}, "if", std::move(branches)))[0], "y");
  graph.functions.push_back(builder.finish());
  Tensor yes = full({}, 1, DType::Bool);
  for (const Way &way : kWays) {
    INFO(way.name);
    TensorMap inputs{{"p", yes}, {"x", tensor({2}, {1, 1})}};
    auto y = get(engine.evaluate(graph, {}, inputs, way.executor, way.options())).at("y");
    CHECK(values(y) == std::vector<float>{7, 9});
    inputs["p"] = full({}, 0, DType::Bool);
    CHECK(!engine.evaluate(graph, {}, inputs, way.executor, way.options()).ok());
  }

  // s' = custom(s) + x in every step of a scan.
  Graph loop;
  FunctionBuilder steps(loop, "main");
  ValueId s0 = steps.input("s", type({})), xs = steps.input("xs", type({3}));
  steps.beginBlock();
  ValueId s = steps.input("s", type({})), e = steps.input("e", type({}));
  ValueId made = get(steps.node(Op::Custom, {s}, custom("double", {})));
  ValueId next = get(steps.node(Op::Add, {made, e}));
  std::vector<Block> body{steps.endBlock({next, made})};
  auto results = get(steps.nodes(
      Op::Scan, {s0, xs}, {{"carried", int64_t(1)}, {"sequences", int64_t(1)}}, "scan", body));
  steps.output(results[0], "last");
  steps.output(results[1], "all");
  loop.functions.push_back(steps.finish());
  for (const Way &way : kWays) {
    INFO(way.name);
    auto y = get(engine.evaluate(loop, {}, {{"s", tensor({}, {1})}, {"xs", tensor({3}, {1, 2, 3})}},
                                 way.executor, way.options()));
    CHECK(y.at("last").item<float>() == 19); // 1 -> 3 -> 8 -> 19
    CHECK(values(y.at("all")) == std::vector<float>{2, 6, 16});
  }
}

TEST_CASE_METHOD(LoggingEngine, "a function that fails or throws ends the run") {
  const std::string place = "function `main`: node `mine` (net.py:7:1): custom: function ";
  CHECK(errorOfRuns(engine, customGraph("throws"), ErrorKind::BadInput) ==
        place + "`throws`: no licence");
  CHECK(errorOfRuns(engine, customGraph("throws an int"), ErrorKind::BadInput) ==
        place + "`throws an int`: threw what is no std::exception");
  CHECK(errorOfRuns(engine, customGraph("fails"), ErrorKind::ResourceLimit) ==
        place + "`fails`: the device is busy");
  CHECK(errorOfRuns(engine, customGraph("assigns another type"), ErrorKind::BadInput) ==
        place + "`assigns another type`: assigned a result of type f32[7], expected f32[2,3]");
  int line = __LINE__ + 1;
  CHECK(errorOf([] { customOp("throws", {kX}); }) ==
        "CustomOpTest.cpp:" + std::to_string(line) + ": custom: function `throws`: no licence");
}

TEST_CASE_METHOD(LoggingEngine, "a failed run does no harm to the next") {
  std::atomic<bool> fail{true};
  static std::atomic<bool> *failing;
  failing = &fail;
  static const bool defined = [] {
    auto run = [](const std::vector<Tensor> &operands, Tensor &result) {
      if (*failing)
        throw std::runtime_error("not now");
      return doubleElements(operands, result);
    };
    return defineCustomOp("fails sometimes", {sameType, run}).ok();
  }();
  REQUIRE(defined);
  Executable model = get(engine.compile(customGraph("fails sometimes"), {}));
  Call call = get(model.bind({{"x", kX}}));
  for (int i = 0; i < 3; ++i) {
    fail = true;
    Status status = call.run();
    REQUIRE(!status.ok());
    CHECK_THAT(status.error().message, Contains("not now"));
    fail = false;
    check(call.run());
    CHECK(values(call.outputs()[0]) == values(kX * 3));
  }
}

TEST_CASE_METHOD(LoggingEngine, "a function that the host does not have is named") {
  CHECK(errorOfRuns(engine, customGraph("nobody's"), ErrorKind::Unsupported) ==
        "function `main`: node `mine` (net.py:7:1): custom: the host has no function `nobody's`; "
        "expected one defined by defineCustomOp");
  auto model = engine.compile(customGraph("nobody's"), {});
  CHECK(!model.ok()); // found out before the first run
  int line = __LINE__ + 1;
  CHECK_THAT(errorOf([] { customOp("nobody's", {kX}); }),
             Contains("CustomOpTest.cpp:" + std::to_string(line) +
                      ": custom: the host has no function `nobody's`"));
}

TEST_CASE_METHOD(LoggingEngine, "a rule that disagrees with the node is an error") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({2, 3}));
  builder.output(get(builder.node(Op::Custom, {x}, custom("double", {3, 2}), "mine")), "y");
  graph.functions.push_back(builder.finish());
  CHECK(errorOfRuns(engine, graph, ErrorKind::BadInput) ==
        "function `main`: node `mine`: custom: function `double`: gives f32[2,3] for (f32[2,3]), "
        "but the node says f32[3,2]");
  CHECK_THAT(errorOfRuns(engine, customGraph("count"), ErrorKind::BadInput),
             Contains("custom: function `count`: takes one bool matrix"));
  CHECK_THAT(errorOfRuns(engine, customGraph("rule throws"), ErrorKind::BadInput),
             Contains("custom: function `rule throws`: no rule"));
  CHECK_THAT(errorOf([] { customOp("double", {kX, kX}); }),
             Contains("custom: function `double`: takes one operand, got 2"));
}

TEST_CASE_METHOD(LoggingEngine, "without a host a custom op ends the run with a message") {
  Executable model = get(engine.compile(customGraph("double"), {}));
  Call call = get(model.bind({{"x", kX}}));
  REQUIRE(call.frame()->host != nullptr);
  mlc_host host = *call.frame()->host;
  host.call = nullptr;
  for (const mlc_host *none : {static_cast<const mlc_host *>(nullptr), &std::as_const(host)}) {
    call.frame()->host = none;
    Status status = call.run();
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::Unsupported);
    CHECK(status.error().message ==
          "function `main`: node `mine` (net.py:7:1): custom: function `double` cannot be called: "
          "the frame's host has no `call`");
  }
}

TEST_CASE("a custom op is defined once, and wholly") {
  CHECK_THAT(defineCustomOp("double", {sameType, doubleElements}).error().message,
             Contains("`double` is defined already"));
  CHECK_THAT(defineCustomOp("", {sameType, doubleElements}).error().message,
             Contains("the name is empty"));
  CHECK_THAT(defineCustomOp("half", {sameType, {}}).error().message, Contains("has no `run`"));
  CHECK_THAT(defineCustomOp("half", {{}, doubleElements}).error().message,
             Contains("has no `rule`"));
  CHECK(!findCustomOp("half").ok());
}
