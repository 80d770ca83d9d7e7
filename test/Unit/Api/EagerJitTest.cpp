// The op-by-op runner on compiled kernels.
#include "TestGraphs.h"

using namespace mlc;

namespace {

class CompileCounter : public CompilerClient {
public:
  Result<DoorReply> call(const DoorRequest &request) override {
    compilations += request.kind == DoorRequest::Kind::Compile;
    return inner->call(request);
  }
  int compilations = 0;

private:
  std::shared_ptr<CompilerClient> inner = CompilerClient::inProcess();
};

/// A chain of `length` adds of y to x on f32[4].
Graph chain(int length) {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({4}));
  ValueId y = b.input("y", type({4}));
  for (int i = 0; i < length; ++i)
    x = get(b.node(Op::Add, {x, y}));
  b.output(x, "z");
  graph.functions.push_back(b.finish());
  return graph;
}

} // namespace

TEST_CASE("eager compiles an op once per signature") {
  auto compiler = std::make_shared<CompileCounter>();
  EngineOptions options;
  options.compiler = compiler;
  Engine engine = get(Engine::create(options));
  Graph graph = chain(100);
  EagerRunner run = get(EagerRunner::create(engine, graph, {}));
  TensorMap inputs{{"x", tensor({4}, {1, 2, 3, 4})}, {"y", tensor({4}, {1, 0, -1, 0.5})}};
  for (int i = 0; i < 3; ++i)
    CHECK(values(get(run(inputs)).at("z")) == std::vector<float>{101, 2, -97, 54});
  CHECK(compiler->compilations == 1);
}

TEST_CASE("eager and jit agree at several batch sizes") {
  Engine engine = get(Engine::create());
  EagerRunner run = get(EagerRunner::create(engine, denseGraph(), denseParameters()));
  Executable model = get(engine.compile(denseGraph(), denseParameters()));
  for (int64_t batch : {1, 0, 5, 1, 17}) {
    Tensor x = get(Tensor::zeros(DType::F32, {batch, 2}));
    for (int64_t i = 0; i < x.size(); ++i)
      x.dataAs<float>()[i] = static_cast<float>(i % 7) - 3;
    TensorMap inputs{{"x", x}};
    CHECK(get(run(inputs)).at("y").identical(get(model(inputs)).at("y")));
  }
}

TEST_CASE("eager calls functions on compiled kernels") {
  Engine engine = get(Engine::create());
  EagerRunner run = get(EagerRunner::create(engine, callGraph(), {}));
  auto outputs = get(run({{"a", tensor({2}, {1, 2})}, {"b", tensor({2}, {10, 20})}}));
  CHECK(values(outputs.at("sum")) == std::vector<float>{22, 44});
}
