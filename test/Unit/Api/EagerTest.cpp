// The op-by-op runner where there is no compiler half: the reference evaluates
// each op, so this tests everything but the kernels.
#include "FakeCompiler.h"
#include "TestGraphs.h"

using namespace mlc;

namespace {

struct Fixture {
  std::vector<std::string> log;
  std::shared_ptr<FakeCompiler> compiler = noCompiler();
  Engine engine;

  Fixture() : engine(make()) {}
  Engine make() {
    EngineOptions options;
    options.compiler = compiler;
    options.log = [this](const std::string &line) { log.push_back(line); };
    return get(Engine::create(options));
  }
  EagerRunner runner(const Graph &graph, const TensorMap &parameters = {}) {
    return get(EagerRunner::create(engine, graph, parameters));
  }
};

} // namespace

TEST_CASE_METHOD(Fixture, "eager runs op by op at any batch size") {
  EagerRunner run = runner(denseGraph(), denseParameters());
  CHECK(values(get(run({{"x", tensor({1, 2}, {1, 1})}})).at("y")) ==
        std::vector<float>{5.5, 0, 10});
  CHECK(values(get(run({{"x", tensor({2, 2}, {1, 1, 0, 0})}})).at("y")) ==
        std::vector<float>{5.5, 0, 10, 0.5, 0, 1});
  CHECK(get(run({{"x", tensor({0, 2}, {})}})).at("y").shape() == Shape{0, 3});
  CHECK(values(get(run({{"x", tensor({1, 2}, {1, 1})}})).at("y")) ==
        std::vector<float>{5.5, 0, 10});
}

TEST_CASE_METHOD(Fixture, "eager follows calls, and results are the caller's own") {
  EagerRunner run = runner(callGraph());
  Tensor a = tensor({2}, {1, 2});
  auto outputs = get(run({{"a", a}, {"b", tensor({2}, {10, 20})}}));
  CHECK(values(outputs.at("sum")) == std::vector<float>{22, 44});
  CHECK(values(outputs.at("same")) == std::vector<float>{1, 2});
  CHECK(outputs.at("same").data() != a.data());
}

TEST_CASE_METHOD(Fixture, "eager results that are parameters, constants or twice the same") {
  Graph graph;
  graph.parameters = {{"w", type({1})}};
  FunctionBuilder inner(graph, "inner");
  inner.output(get(inner.node(Op::Parameter, {}, {{"parameter", std::string("w")}})), "w");
  graph.functions.push_back(inner.finish());
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({1}));
  ValueId w = get(b.nodes(Op::Call, {}, {{"callee", std::string("inner")}})).front();
  ValueId c = get(b.node(Op::Constant, {}, {{"value", tensor({1}, {5})}}));
  ValueId sum = get(b.node(Op::Add, {x, c}));
  for (auto [value, name] : {std::pair(w, "w"), {c, "c"}, {sum, "first"}, {sum, "second"}})
    b.output(value, name);
  graph.functions.insert(graph.functions.begin(), b.finish());

  Tensor weight = tensor({1}, {3});
  EagerRunner run = runner(graph, {{"w", weight}});
  for (int round = 0; round < 2; ++round) {
    auto outputs = get(run({{"x", tensor({1}, {1})}}));
    CHECK(values(outputs.at("w")) == std::vector<float>{3});
    CHECK(values(outputs.at("c")) == std::vector<float>{5});
    CHECK(values(outputs.at("first")) == std::vector<float>{6});
    // Writing to a result changes nothing else.
    for (const char *name : {"w", "c", "first"})
      outputs.at(name).dataAs<float>()[0] = -1;
    CHECK(values(outputs.at("second")) == std::vector<float>{6});
    CHECK(values(weight) == std::vector<float>{3});
  }
}

TEST_CASE_METHOD(Fixture, "eager says once that the reference evaluates") {
  for (int i = 0; i < 2; ++i) {
    EagerRunner run = runner(addGraph());
    get(run({{"x", tensor({1, 2}, {1, 2})}, {"z", tensor({1, 2}, {3, 4})}}));
  }
  CHECK(log == std::vector<std::string>{"ops are evaluated by the reference: no compiler here"});
  CHECK(compiler->calls == 1);
}

TEST_CASE_METHOD(Fixture, "eager checks its inputs and parameters") {
  EagerRunner run = runner(addGraph());
  CHECK(run(TensorMap{}).error().message == "missing input 'x': f32[batch,2]\n"
                                            "missing input 'z': f32[batch,2]");
  CHECK(run.run({}).error().message == "got 0 inputs, expected 2");
  CHECK_FALSE(EagerRunner::create(engine, denseGraph(), {}).ok());
}
