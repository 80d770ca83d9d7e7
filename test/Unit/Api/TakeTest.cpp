// Indices that do not exist, in every executor: an error of the run that needs them.
#include "TestGraphs.h"

#include "mlc/Api/Jit.h"

using namespace mlc;
using Catch::EndsWith;

namespace {

const Executor kExecutors[] = {Executor::Reference, Executor::Eager, Executor::Jit};

Tensor indices(const std::vector<int64_t> &values, DType dtype = DType::I64) {
  return cast(array(values, {static_cast<int64_t>(values.size())}), dtype);
}

/// y = take(x, i), x: f32[5,3] and i: dtype[n].
Graph takeGraph(DType dtype) {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({5, 3})), i = b.input("i", type({Dim("n")}, dtype));
  b.output(get(b.node(Op::Take, {x, i}, {{"axis", int64_t(0)}}, "pick")), "y");
  graph.functions.push_back(b.finish());
  return graph;
}

class Fixture {
protected:
  Engine engine = get(Engine::create());
  Tensor x = reshape(cast(arange(15), DType::F32), {5, 3});

  Result<TensorMap> run(const Graph &graph, const TensorMap &inputs, Executor executor,
                        const TensorMap &parameters = {}) {
    return engine.evaluate(graph, parameters, inputs, executor);
  }
  void checkFails(const Graph &graph, const TensorMap &inputs, Executor executor,
                  const TensorMap &parameters = {}) {
    auto outputs = run(graph, inputs, executor, parameters);
    INFO(static_cast<int>(executor));
    REQUIRE_FALSE(outputs.ok());
    CHECK(outputs.error().kind == ErrorKind::BadInput);
    CHECK_THAT(outputs.error().message, Catch::StartsWith("function `main`: node `pick`: take: ") &&
                                            EndsWith(" is not in [-5, 5)"));
  }
};

} // namespace

TEST_CASE_METHOD(Fixture, "an index that does not exist is an error, wherever it stands") {
  for (Executor executor : kExecutors)
    for (DType dtype : {DType::I32, DType::I64}) {
      Graph graph = takeGraph(dtype);
      std::vector<int64_t> wrong{5, -6, INT32_MAX, INT32_MIN};
      if (dtype == DType::I64)
        wrong.insert(wrong.end(), {int64_t(1) << 32, INT64_MAX, INT64_MIN, -(int64_t(1) << 32)});
      for (int64_t index : wrong)
        for (size_t size : {1, 7, 33})
          for (size_t place : {size_t(0), size / 2, size - 1}) {
            std::vector<int64_t> list(size, -5);
            list[place] = index;
            checkFails(graph, {{"x", x}, {"i", indices(list, dtype)}}, executor);
          }
      auto outputs = get(run(graph, {{"x", x}, {"i", indices({-5, 4, 0}, dtype)}}, executor));
      CHECK(values(outputs.at("y")) == std::vector<float>{0, 1, 2, 12, 13, 14, 0, 1, 2});
      CHECK(get(run(graph, {{"x", x}, {"i", indices({}, dtype)}}, executor)).at("y").size() == 0);
    }
}

TEST_CASE_METHOD(Fixture, "a call goes on after a run that an index has ended") {
  Executable model = get(engine.compile(takeGraph(DType::I64), {}));
  Tensor i = indices({1, 7});
  Call call = get(model.bind({{"x", x}, {"i", i}}));
  CHECK_FALSE(call.run());
  i.dataAs<int64_t>()[1] = 4;
  REQUIRE(call.run());
  CHECK(values(call.outputs()[0]) == std::vector<float>{3, 4, 5, 12, 13, 14});
}

TEST_CASE_METHOD(Fixture, "only a block that runs looks at its indices") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  TensorType whole = type({5, 3}), picks = type({2}, DType::I64), result = type({2, 3});
  graph.parameters.push_back({"w", whole});
  graph.parameters.push_back({"bad", picks});
  ValueId p = b.input("p", type({}, DType::Bool)), y = b.input("y", result);
  std::vector<Block> blocks;
  for (bool takes : {true, false}) {
    b.beginBlock();
    ValueId same = b.input("s", result);
    if (takes) {
      ValueId w = get(b.node(Op::Parameter, {}, {{"parameter", std::string("w")}}));
      ValueId i = get(b.node(Op::Parameter, {}, {{"parameter", std::string("bad")}}));
      ValueId rows = get(b.node(Op::Take, {w, i}, {{"axis", int64_t(0)}}, "pick"));
      same = get(b.node(Op::Add, {rows, same}));
    }
    blocks.push_back(b.endBlock({same}));
  }
  b.output(get(b.nodes(Op::If, {p, y}, {}, "either", blocks))[0], "z");
  graph.functions.push_back(b.finish());

  Tensor yes = *Tensor::zeros(DType::Bool, {}), no = yes.clone(), zeros = mlc::zeros({2, 3});
  *yes.dataAs<bool>() = true;
  TensorMap bad{{"w", x}, {"bad", indices({0, 9})}}, good{{"w", x}, {"bad", indices({0, -1})}};
  for (Executor executor : kExecutors) {
    checkFails(graph, {{"p", yes}, {"y", zeros}}, executor, bad);
    CHECK(get(run(graph, {{"p", no}, {"y", zeros}}, executor, bad)).at("z").identical(zeros));
    CHECK(values(get(run(graph, {{"p", yes}, {"y", zeros}}, executor, good)).at("z")) ==
          std::vector<float>{0, 1, 2, 12, 13, 14});
  }
}

TEST_CASE_METHOD(Fixture, "a result that nobody needs needs its indices, too") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId t = b.input("x", type({5, 3})), i = b.input("i", type({2}, DType::I32));
  get(b.node(Op::Take, {t, i}, {{"axis", int64_t(0)}}, "pick"));
  b.output(get(b.node(Op::Neg, {t})), "y");
  graph.functions.push_back(b.finish());
  for (Executor executor : kExecutors)
    checkFails(graph, {{"x", x}, {"i", indices({0, 5}, DType::I32)}}, executor);
}

TEST_CASE_METHOD(Fixture, "an axis of a size that i32 cannot hold, and one without elements") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId t = b.input("x", type({int64_t(3) << 30, 0})), u = b.input("u", type({0, 2}));
  ValueId i = b.input("i", type({2}, DType::I32)), j = b.input("j", type({Dim("n")}, DType::I32));
  b.output(get(b.node(Op::Take, {t, i}, {{"axis", int64_t(0)}}, "long")), "y");
  b.output(get(b.node(Op::Take, {u, j}, {{"axis", int64_t(0)}}, "none")), "z");
  graph.functions.push_back(b.finish());
  TensorMap inputs{{"x", zeros({int64_t(3) << 30, 0})},
                   {"u", zeros({0, 2})},
                   {"i", indices({INT32_MAX, INT32_MIN}, DType::I32)},
                   {"j", indices({}, DType::I32)}};
  for (Executor executor : kExecutors) {
    inputs["j"] = indices({}, DType::I32);
    CHECK(get(run(graph, inputs, executor)).at("z").shape() == Shape{0, 2});
    inputs["j"] = indices({0}, DType::I32);
    auto outputs = run(graph, inputs, executor);
    REQUIRE_FALSE(outputs.ok());
    CHECK_THAT(outputs.error().message,
               Catch::Contains("node `none`") && EndsWith(" is not in [0, 0)"));
  }
}

TEST_CASE_METHOD(Fixture, "take in C++ names the line, compiled or not") {
  Tensor i = indices({0, 5});
  int line = __LINE__ + 1;
  std::string message = errorOf([&] { take(x, i); });
  CHECK_THAT(message, Catch::StartsWith("TakeTest.cpp:" + std::to_string(line) + ": take: ") &&
                          EndsWith(" is not in [-5, 5)"));
  CHECK(message.find("op`") == std::string::npos);
  auto rows = jit([&](const Tensor &picks) { return take(x, picks); });
  CHECK_THAT(errorOf([&] { rows(i); }), EndsWith("take: an index is not in [-5, 5)"));
  CHECK(rows(indices({-1, 2})).identical(take(x, indices({4, 2}))));
}
