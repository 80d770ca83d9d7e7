// The op-by-op runner on compiled kernels.
#include "TestGraphs.h"

using namespace mlc;

namespace {

class CompileCounter : public CompilerClient {
public:
  Result<DoorReply> call(const DoorRequest &request, const Cancellation *cancellation) override {
    compilations += request.kind == DoorRequest::Kind::Compile;
    return inner->call(request, cancellation);
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

TEST_CASE("eager gives kernels the workspace they ask for") {
  // Enough rows and columns that the right-hand side is packed.
  const int64_t rows = 24, inner = 300, columns = 520;
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({rows, inner}));
  ValueId w = b.input("w", type({inner, columns}));
  ValueId product = get(b.node(Op::MatMul, {x, w}));
  b.output(get(b.node(Op::Softmax, {product}, {{"axis", int64_t(0)}})), "y");
  graph.functions.push_back(b.finish());
  TensorMap inputs{{"x", get(Tensor::zeros(DType::F32, {rows, inner}))},
                   {"w", get(Tensor::zeros(DType::F32, {inner, columns}))}};
  for (auto &input : inputs)
    for (int64_t i = 0; i < input.second.size(); ++i)
      input.second.dataAs<float>()[i] = static_cast<float>(i % 11 - 5) / 64;
  Engine engine = get(Engine::create());
  auto eager = get(engine.evaluate(graph, {}, inputs, Executor::Eager));
  auto reference = get(engine.evaluate(graph, {}, inputs, Executor::Reference));
  CHECK(compare(eager.at("y"), reference.at("y"), 1e-5, 1e-6).message == "");
}
