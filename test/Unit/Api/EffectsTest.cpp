// print and check: how often and in which order they happen, in every executor.
#include "HostOpsTest.h"

#include "mlc/Api/Jit.h"

using namespace mlc;
using Catch::Contains;

namespace {

Attributes label(const char *text) { return {{"label", std::string(text)}}; }
Attributes message(const char *text) { return {{"message", std::string(text)}}; }

/// Appends a node without results.
void effect(FunctionBuilder &builder, Op op, ValueId operand, Attributes attributes) {
  get(builder.nodes(op, {operand}, std::move(attributes)));
}

ValueId add(FunctionBuilder &builder, ValueId a, ValueId b) {
  return get(builder.node(Op::Add, {a, b}));
}

Tensor truth(Shape shape, const std::vector<bool> &elements) {
  Tensor tensor = *Tensor::zeros(DType::Bool, std::move(shape));
  for (size_t i = 0; i < elements.size(); ++i)
    tensor.dataAs<uint8_t>()[i] = elements[i];
  return tensor;
}

/// check(c) of bool[batch,3], then y = x.
Graph checkGraph(Dims dims) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId c = builder.input("c", {DType::Bool, std::move(dims)});
  ValueId x = builder.input("x", type({}));
  builder.setLocation("net.py:3:1");
  effect(builder, Op::Check, c, message("rows are sorted"));
  builder.output(get(builder.node(Op::Neg, {x})), "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

/// Lets the engine of C++ ops print to a log, for one test.
class DefaultLog {
public:
  DefaultLog() { defaultEngine().setPrint(LoggingEngine::printTo(log)); }
  ~DefaultLog() { defaultEngine().setPrint({}); }
  DefaultLog(const DefaultLog &) = delete;
  DefaultLog &operator=(const DefaultLog &) = delete;
  std::shared_ptr<Log> log = std::make_shared<Log>();
};

} // namespace

TEST_CASE_METHOD(LoggingEngine, "prints come once each, in the order of the graph") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({2})), b = builder.input("b", type({2}, DType::Bool));
  effect(builder, Op::Print, x, label("x"));
  ValueId y = add(builder, x, x), unused = add(builder, y, y);
  effect(builder, Op::Print, unused, label("unused"));
  effect(builder, Op::Print, y, label("y"));
  effect(builder, Op::Print, y, label("y"));
  effect(builder, Op::Print, b, label("b"));
  builder.output(y, "y");
  graph.functions.push_back(builder.finish());
  removeDeadNodes(graph.functions[0]);
  CHECK(run(graph, {}, {{"x", tensor({2}, {1, 2})}, {"b", truth({2}, {false, true})}}) ==
        Log{"x: f32[2] [1, 2]", "unused: f32[2] [4, 8]", "y: f32[2] [2, 4]", "y: f32[2] [2, 4]",
            "b: bool[2] [false, true]"});
}

TEST_CASE_METHOD(LoggingEngine, "an empty or symbolic tensor is printed with its size") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({Dim("batch"), 2}));
  ValueId y = add(builder, x, x);
  effect(builder, Op::Print, y, label("y"));
  builder.output(x, "same");
  graph.functions.push_back(builder.finish());
  CHECK(run(graph, {}, {{"x", tensor({0, 2}, {})}}) == Log{"y: f32[0,2] []"});
  CHECK(run(graph, {}, {{"x", tensor({2, 2}, {1, 2, 3, 4})}}) ==
        Log{"y: f32[2,2]\n[[2, 4],\n [6, 8]]"});
}

TEST_CASE_METHOD(LoggingEngine, "blocks print whenever they run, needed or not") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", type({}, DType::Bool)), x = builder.input("x", type({}));
  ValueId xs = builder.input("xs", type({3}));
  // The results of the scan and of the if are not used; `q` does not change.
  builder.beginBlock();
  ValueId s = builder.input("s", type({})), e = builder.input("e", type({})),
          q = builder.input("q", type({}));
  ValueId next = add(builder, s, e);
  effect(builder, Op::Print, next, label("sum"));
  effect(builder, Op::Print, q, label("same"));
  std::vector<Block> body{builder.endBlock({next})};
  Attributes attributes{{"carried", int64_t(1)}, {"sequences", int64_t(1)}};
  get(builder.nodes(Op::Scan, {x, xs, x}, attributes, "scan", std::move(body)));
  std::vector<Block> branches;
  for (const char *name : {"then", "else"}) {
    builder.beginBlock();
    ValueId v = builder.input("v", type({}));
    effect(builder, Op::Print, v, label(name));
    branches.push_back(builder.endBlock({v}));
  }
  get(builder.nodes(Op::If, {p, x}, {}, "if", std::move(branches)));
  builder.output(x, "y");
  graph.functions.push_back(builder.finish());
  removeDeadNodes(graph.functions[0]);
  for (bool taken : {true, false})
    CHECK(
        run(graph, {},
            {{"p", truth({}, {taken})}, {"x", tensor({}, {10})}, {"xs", tensor({3}, {1, 2, 3})}}) ==
        Log{"sum: f32[] 11", "same: f32[] 10", "sum: f32[] 13", "same: f32[] 10", "sum: f32[] 16",
            "same: f32[] 10", taken ? "then: f32[] 10" : "else: f32[] 10"});
}

TEST_CASE_METHOD(LoggingEngine, "a while prints in both of its blocks") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({})), n = builder.input("n", type({}));
  std::vector<Block> blocks;
  for (bool body : {false, true}) {
    builder.beginBlock();
    ValueId s = builder.input("s", type({})), m = builder.input("m", type({}));
    effect(builder, Op::Print, s, label(body ? "body" : "condition"));
    blocks.push_back(builder.endBlock(
        {body ? add(builder, s, s)
              : get(builder.node(Op::Compare, {s, m}, {{"direction", std::string("lt")}}))}));
  }
  builder.output(
      get(builder.nodes(Op::While, {x, n}, {{"carried", int64_t(1)}}, "while", blocks))[0], "y");
  graph.functions.push_back(builder.finish());
  CHECK(run(graph, {}, {{"x", tensor({}, {1})}, {"n", tensor({}, {4})}}) ==
        Log{"condition: f32[] 1", "body: f32[] 1", "condition: f32[] 2", "body: f32[] 2",
            "condition: f32[] 4"});
}

TEST_CASE_METHOD(LoggingEngine, "a call prints once per call, whether its result is used or not") {
  Graph graph;
  FunctionBuilder callee(graph, "double");
  ValueId v = callee.input("v", type({}));
  ValueId sum = add(callee, v, v);
  effect(callee, Op::Print, sum, label("double"));
  callee.output(sum, "y");
  graph.functions.push_back(callee.finish());
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({}));
  for (int i = 0; i < 3; ++i)
    get(builder.node(Op::Call, {x}, {{"callee", std::string("double")}}));
  builder.output(x, "y");
  Function main = builder.finish();
  removeDeadNodes(main);
  graph.functions.insert(graph.functions.begin(), std::move(main));
  CHECK(run(graph, {}, {{"x", tensor({}, {1})}}) ==
        Log{"double: f32[] 2", "double: f32[] 2", "double: f32[] 2"});
}

TEST_CASE_METHOD(LoggingEngine, "what depends on parameters alone is printed by runs, not before") {
  Graph graph;
  graph.parameters.push_back({"w", type({2})});
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({2}));
  ValueId w = get(builder.node(Op::Parameter, {}, {{"parameter", std::string("w")}}));
  ValueId twice = add(builder, w, w);
  effect(builder, Op::Print, twice, label("twice"));
  // A loop on parameters alone would be prepared if it did not print.
  builder.beginBlock();
  ValueId s = builder.input("s", type({2}));
  effect(builder, Op::Print, s, label("step"));
  std::vector<Block> body{builder.endBlock({add(builder, s, s)})};
  Attributes attributes{{"carried", int64_t(1)}, {"sequences", int64_t(0)}, {"length", int64_t(2)}};
  ValueId looped = get(builder.nodes(Op::Scan, {w}, attributes, "scan", std::move(body)))[0];
  builder.output(add(builder, x, looped), "y");
  graph.functions.push_back(builder.finish());
  TensorMap parameters{{"w", tensor({2}, {1, 2})}}, inputs{{"x", tensor({2}, {0, 0})}};
  Log expected{"twice: f32[2] [2, 4]", "step: f32[2] [1, 2]", "step: f32[2] [2, 4]"};
  CHECK(run(graph, parameters, inputs) == expected);

  log->clear();
  Executable model = get(engine.compile(graph, parameters));
  CHECK(log->empty());
  Call call = get(model.bind(inputs));
  for (int i = 0; i < 2; ++i) {
    log->clear();
    check(call.run());
    CHECK(*log == expected);
    CHECK(values(call.outputs()[0]) == std::vector<float>{4, 8});
  }
}

TEST_CASE_METHOD(LoggingEngine, "a check passes or ends the run, in every executor") {
  struct Case {
    Dims dims;
    Shape shape;
    std::vector<bool> elements;
    bool holds;
  };
  std::vector<Case> cases = {{{}, {}, {true}, true},
                             {{}, {}, {false}, false},
                             {{3}, {3}, {true, true, false}, false},
                             {{3}, {3}, {true, true, true}, true},
                             {{2, 0}, {2, 0}, {}, true},
                             {{Dim("batch"), 3}, {0, 3}, {}, true},
                             {{Dim("batch")}, {2}, {true, true}, true}};
  // One element of many is false, wherever it is.
  for (size_t i : {0, 7, 8, 16, 32}) {
    std::vector<bool> elements(33, true);
    elements[i] = false;
    cases.push_back({{33}, {33}, elements, false});
    cases.push_back({{Dim("batch"), 3}, {11, 3}, elements, false});
    cases.push_back({{Dim("batch")}, {33}, elements, false});
  }
  for (const Case &c : cases) {
    Graph graph = checkGraph(c.dims);
    for (const Way &way : kWays) {
      INFO(way.name << " " << toString(c.shape));
      auto result =
          engine.evaluate(graph, {}, {{"c", truth(c.shape, c.elements)}, {"x", tensor({}, {1})}},
                          way.executor, way.options());
      REQUIRE(result.ok() == c.holds);
      if (c.holds)
        continue;
      CHECK(result.error().kind == ErrorKind::BadInput);
      CHECK(result.error().message ==
            "function `main`: node `check` (net.py:3:1): rows are sorted");
    }
  }
}

TEST_CASE_METHOD(LoggingEngine, "a check of any number of rows that are all alike") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", type({}, DType::Bool)), x = builder.input("x", type({Dim("n")}));
  Attributes attributes{{"shape", Dims{Dim("n")}}, {"axes", std::vector<int64_t>()}};
  effect(builder, Op::Check, get(builder.node(Op::Broadcast, {p}, attributes)), message("all"));
  builder.output(add(builder, x, x), "y");
  graph.functions.push_back(builder.finish());
  for (bool holds : {true, false})
    for (int64_t rows : {0, 1, 17})
      for (const Way &way : kWays) {
        INFO(way.name << ", " << rows << " rows");
        TensorMap inputs{{"p", truth({}, {holds})}, {"x", zeros({rows})}};
        auto result = engine.evaluate(graph, {}, inputs, way.executor, way.options());
        CHECK(result.ok() == (holds || rows == 0));
      }
}

TEST_CASE_METHOD(LoggingEngine, "a check stands where it stands among prints") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId xs = builder.input("xs", type({3})), limit = builder.input("limit", type({}));
  builder.beginBlock();
  ValueId x = builder.input("x", type({})), most = builder.input("most", type({}));
  effect(builder, Op::Print, x, label("before"));
  effect(builder, Op::Check,
         get(builder.node(Op::Compare, {x, most}, {{"direction", std::string("lt")}})),
         message("x is small"));
  effect(builder, Op::Print, x, label("after"));
  std::vector<Block> body{builder.endBlock({x})};
  Attributes attributes{{"carried", int64_t(0)}, {"sequences", int64_t(1)}};
  builder.output(get(builder.nodes(Op::Scan, {xs, limit}, attributes, "scan", std::move(body)))[0],
                 "y");
  graph.functions.push_back(builder.finish());
  CHECK(run(graph, {}, {{"xs", tensor({3}, {1, 2, 3})}, {"limit", tensor({}, {2})}}) ==
        Log{"before: f32[] 1", "after: f32[] 1", "before: f32[] 2",
            "function `main`: node `check`: x is small"});
}

TEST_CASE_METHOD(LoggingEngine, "what prints may run ops itself") {
  // Unfused, `a` lies in the workspace while it is printed.
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({8, 8}));
  ValueId a = add(builder, x, x);
  effect(builder, Op::Print, a, label("a"));
  builder.output(add(builder, a, a), "y");
  graph.functions.push_back(builder.finish());
  CompileOptions options;
  options.fuse = false;
  Executable model = get(engine.compile(graph, {}, options));
  int prints = 0;
  engine.setPrint([&](std::string_view, const Tensor &value) {
    softmax(matmul(value, value), 0); // its kernels use the thread's scratch memory
    ++prints;
  });
  Tensor ones = *Tensor::zeros(DType::F32, {8, 8}), y = ones.clone();
  std::fill_n(ones.dataAs<float>(), 64, 1.0f);
  const Tensor *inputs[] = {&ones};
  check(model.run(inputs, &y));
  CHECK(values(y) == std::vector<float>(64, 4));
  CHECK(prints == 1);
}

TEST_CASE_METHOD(LoggingEngine, "what a print function throws is the error of the run") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({}));
  effect(builder, Op::Print, x, label("x"));
  builder.output(add(builder, x, x), "y");
  graph.functions.push_back(builder.finish());
  engine.setPrint([](std::string_view, const Tensor &) { throw std::runtime_error("disk full"); });
  CHECK(run(graph, {}, {{"x", tensor({}, {1})}}) ==
        Log{"function `main`: node `print`: print: disk full"});
}

TEST_CASE_METHOD(LoggingEngine, "a frame has a host only if there is something to call it for") {
  Executable plain = get(engine.compile(addGraph(), {}));
  Tensor x = tensor({1, 2}, {1, 2});
  Call call = get(plain.bind({{"x", x}, {"z", x}}));
  CHECK(call.frame()->host == nullptr);

  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId v = builder.input("v", type({2}));
  effect(builder, Op::Print, v, label("v"));
  builder.output(add(builder, v, v), "y");
  graph.functions.push_back(builder.finish());
  Call printing = get(get(engine.compile(graph, {})).bind({{"v", tensor({2}, {1, 2})}}));
  mlc_frame *frame = printing.frame();
  CHECK(printing.function()(frame) == 0);
  CHECK(*log == Log{"v: f32[2] [1, 2]"});
  // Without a host, or a function in it, the graph runs all the same.
  mlc_host mute{};
  mute.version = MLC_FRAME_VERSION;
  for (const mlc_host *host : {static_cast<const mlc_host *>(nullptr), &std::as_const(mute)}) {
    frame->host = host;
    CHECK(printing.function()(frame) == 0);
    CHECK(values(printing.outputs()[0]) == std::vector<float>{2, 4});
  }
  CHECK(log->size() == 1);
  mute.call = [](void *, int64_t, const void *const *, void *const *, const int64_t *) {
    return 7;
  };
  CHECK(printing.function()(frame) == MLC_RUN_HOST_FAILED);
}

TEST_CASE("C++ prints and checks the same at once and compiled") {
  DefaultLog printed;
  auto f = [](const Tensor &x) {
    print(x, "x");
    Tensor y = x * 2;
    check(y > 0, "y is positive");
    print(y, "y");
    return sum(y, {1});
  };
  JitOptions options;
  options.dims = {"batch"};
  auto compiled = jit(f, options);
  for (int64_t rows : {1, 2}) {
    Tensor x = ones({rows, 2});
    printed.log->clear();
    f(x);
    Log eager = *printed.log;
    CHECK(eager.size() == 2);
    for (int i = 0; i < 2; ++i) { // the second time nothing is traced
      printed.log->clear();
      compiled(x);
      CHECK(*printed.log == eager);
    }
  }
  Tensor negative = array({1, 1, 1, -1}, {2, 2});
  CHECK_THAT(errorOf([&] { f(negative); }),
             Contains("EffectsTest.cpp:") && Contains(": check: y is positive"));
  CHECK_THAT(errorOf([&] { compiled(negative); }),
             Contains("node `check` (EffectsTest.cpp:") && Contains("): y is positive"));
}

TEST_CASE("what a function captures is printed and checked by every call of it") {
  DefaultLog printed;
  Tensor weights = array({1, 2}), fine = array({1}) > 0, bad = array({1}) < 0;
  auto f = jit([&](const Tensor &x) {
    print(weights, "weights");
    check(fine, "fine");
    return x + weights;
  });
  for (int i = 1; i <= 3; ++i) {
    f(weights);
    CHECK(*printed.log == Log(static_cast<size_t>(i), "weights: f32[2] [1, 2]"));
  }
  auto g = jit([&](const Tensor &x) {
    check(bad, "never");
    return x * 2;
  });
  for (int i = 0; i < 2; ++i)
    CHECK_THAT(errorOf([&] { g(weights); }), Contains("node `check` (") && Contains("): never"));
}

TEST_CASE("C++ control flow prints what it runs, at once and compiled") {
  DefaultLog printed;
  auto f = [](const Tensor &xs) {
    auto step = [&](const Tensor &sum, const Tensor &x) {
      print(x, "x");
      Tensor next = sum + x;
      cond(
          next > 3, [&] { return print(next, "large"), next; },
          [&] { return print(next, "small"), next; });
      return std::make_pair(next, next);
    };
    return scan(step, zeros({}), xs).first;
  };
  auto compiled = jit(f);
  for (const Tensor &xs : {array({1, 2, 3}), zeros({0})}) {
    printed.log->clear();
    Tensor expected = f(xs);
    Log eager = *printed.log;
    printed.log->clear();
    CHECK(values(compiled(xs)) == values(expected));
    CHECK(*printed.log == eager);
    if (xs.size() == 3)
      CHECK(eager == Log{"x: f32[] 1", "small: f32[] 1", "x: f32[] 2", "small: f32[] 3",
                         "x: f32[] 3", "large: f32[] 6"});
    else
      CHECK(eager.empty());
  }
}

TEST_CASE("checks in C++ take bools, and numbers print as what they are") {
  DefaultLog printed;
  print(1.5, "number");
  CHECK(*printed.log == Log{"number: f32[] 1.5"});
  check(true, "");
  CHECK_THAT(errorOf([] { check(false, "never"); }), Contains(": check: never"));
  int line = __LINE__ + 1;
  CHECK(errorOf([] { check(array({1}), "a number"); }) ==
        "EffectsTest.cpp:" + std::to_string(line) + ": check [C1]: expected bool, got f32");
}
