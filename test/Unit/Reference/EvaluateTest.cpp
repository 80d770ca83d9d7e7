// Tests of evaluating whole graphs: calls, parameters, symbolic dimensions and
// what is refused.

#include "Evaluate.h"

using namespace mlc;

static Graph denseGraph() {
  Graph graph;
  graph.parameters.push_back({"w", {DType::F32, {2, 2}}});
  {
    FunctionBuilder layer(graph, "layer");
    ValueId x = layer.input("x", {DType::F32, {Dim("rows"), 2}});
    ValueId w = *layer.node(Op::Parameter, {}, {{"parameter", "w"}});
    layer.output(*layer.node(Op::MatMul, {x, w}), "y");
    graph.functions.push_back(layer.finish());
  }
  FunctionBuilder main(graph, "main");
  ValueId x = main.input("x", {DType::F32, {Dim("batch"), 2}});
  ValueId bias = main.input("bias", {DType::F32, {2}});
  ValueId h = *main.node(Op::Call, {x}, {{"callee", "layer"}});
  h = *main.node(Op::Call, {h}, {{"callee", "layer"}});
  ValueId b =
      *main.node(Op::Broadcast, {bias}, {{"shape", Dims{Dim("batch"), 2}}, {"axes", Ints{1}}});
  main.output(*main.node(Op::Add, {h, b}), "y");
  main.output(x, "x");
  graph.functions.push_back(main.finish());
  REQUIRE(validate(graph).ok());
  return graph;
}

TEST_CASE("a graph with calls, a parameter and a symbolic dimension") {
  Graph graph = denseGraph();
  const Function &main = *graph.findFunction("main");
  ParameterMap parameters{{"w", f32({2, 2}, {0, 1, 2, 0})}};
  for (int64_t batch : {0, 1, 3}) {
    std::vector<float> x, expected;
    for (int64_t i = 0; i < batch; ++i) {
      float base = static_cast<float>(i);
      x.insert(x.end(), {base, base + 1});
      // w * w is twice the identity.
      expected.insert(expected.end(), {2 * base + 10, 2 * base + 22});
    }
    Tensor input = f32({batch, 2}, x);
    auto outputs = evaluateReference(graph, main, parameters, {input, f32({10, 20})});
    REQUIRE(outputs.ok());
    checkSame((*outputs)[0], f32({batch, 2}, expected));
    checkSame((*outputs)[1], input);
    if (batch > 0)
      CHECK((*outputs)[1].data() != input.data());
  }
}

static void checkRefused(const Result<std::vector<Tensor>> &result, ErrorKind kind,
                         const std::string &text) {
  REQUIRE(!result.ok());
  CHECK(result.error().kind == kind);
  CHECK_THAT(result.error().message, Catch::Contains(text));
}

TEST_CASE("inputs that do not fit are refused by name") {
  Graph graph = denseGraph();
  const Function &main = *graph.findFunction("main");
  ParameterMap parameters{{"w", f32({2, 2}, {0, 1, 2, 0})}};
  Tensor x = f32({1, 2}, {1, 2}), bias = f32({1, 2});
  auto evaluate = [&](std::vector<Tensor> inputs) {
    return evaluateReference(graph, main, parameters, inputs);
  };
  checkRefused(evaluate({x}), ErrorKind::BadInput, "`main` takes 2 inputs, got 1");
  checkRefused(evaluate({x, f32({1, 2, 3})}), ErrorKind::BadInput,
               "input `bias` of `main` is f32[2], got f32[3]");
  checkRefused(evaluate({i32({1, 2}, {1, 2}), bias}), ErrorKind::BadInput,
               "input `x` of `main` is f32[batch,2], got i32[1,2]");
  checkRefused(evaluate({bias, bias}), ErrorKind::BadInput,
               "input `x` of `main` is f32[batch,2], got f32[2]");
}

TEST_CASE("one name is one size") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId a = builder.input("a", {DType::F32, {Dim("n")}});
  ValueId b = builder.input("b", {DType::F32, {Dim("n")}});
  builder.output(*builder.node(Op::Add, {a, b}), "sum");
  graph.functions.push_back(builder.finish());
  auto result = evaluateReference(graph, graph.functions[0], {}, {f32({1, 2}), f32({1, 2, 3})});
  checkRefused(result, ErrorKind::BadInput,
               "input `b` of `main` is f32[n], got f32[3], but an earlier dimension `n` is 2");
}

TEST_CASE("missing and wrong parameters are refused by name") {
  Graph graph = denseGraph();
  const Function &main = *graph.findFunction("main");
  std::vector<Tensor> inputs{f32({1, 2}, {1, 2}), f32({1, 2})};
  checkRefused(evaluateReference(graph, main, {}, inputs), ErrorKind::Usage,
               "no value is given for parameter `w`");
  checkRefused(evaluateReference(graph, main, {{"w", f32({4}, {1, 2, 3, 4})}}, inputs),
               ErrorKind::BadInput, "parameter `w` is f32[4], expected f32[2,2]");
}

TEST_CASE("dtypes that cannot be executed yet are refused") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId a = builder.input("a", {DType::F64, {2}});
  builder.output(*builder.node(Op::Neg, {a}), "y");
  graph.functions.push_back(builder.finish());
  auto result = evaluateReference(graph, graph.functions[0], {}, {*Tensor::zeros(DType::F64, {2})});
  checkRefused(result, ErrorKind::Unsupported, "f64");
}

TEST_CASE("evaluateNode refuses ops and types it cannot know") {
  Node call;
  call.op = Op::Call;
  checkRefused(evaluateNode(call, {}, {{DType::F32, {}}}), ErrorKind::Usage, "call");
  Node neg;
  neg.op = Op::Neg;
  checkRefused(evaluateNode(neg, {f32({1})}, {{DType::F32, {Dim("n")}}}), ErrorKind::Usage, "`n`");
  checkRefused(evaluateNode(neg, {f32({1})}, {}), ErrorKind::Usage, "one result type");
}

TEST_CASE("evaluateNode gives results their own memory") {
  Node reshape;
  reshape.op = Op::Reshape;
  reshape.attributes = {{"shape", Dims{2, 1}}};
  Tensor x = f32({1, 2});
  auto results = evaluateNode(reshape, {x}, {{DType::F32, {2, 1}}});
  REQUIRE(results.ok());
  checkSame((*results)[0], f32({2, 1}, {1, 2}));
  CHECK((*results)[0].data() != x.data());
}
