// Engine::evaluate with the reference: what is checked before anything runs.
#include "FakeCompiler.h"
#include "TestGraphs.h"

using namespace mlc;

namespace {

Engine engine() {
  EngineOptions options;
  options.compiler = noCompiler();
  return get(Engine::create(options));
}

Error errorOf(const Graph &graph, const TensorMap &parameters, const TensorMap &inputs,
              const CompileOptions &options = {}) {
  auto result = engine().evaluate(graph, parameters, inputs, Executor::Reference, options);
  REQUIRE_FALSE(result.ok());
  return result.error();
}

} // namespace

TEST_CASE("the reference evaluates by name") {
  auto outputs = get(engine().evaluate(denseGraph(), denseParameters(),
                                       {{"x", tensor({1, 2}, {1, 1})}}, Executor::Reference));
  REQUIRE(outputs.size() == 1);
  CHECK(outputs.at("y").shape() == Shape{1, 3});
  CHECK(values(outputs.at("y")) == std::vector<float>{5.5, 0, 10});
}

TEST_CASE("one error lists every input that does not fit") {
  Tensor integers = get(Tensor::zeros(DType::I32, {1, 2}));
  Error error = errorOf(addGraph(), {}, {{"x", integers}, {"q", integers}});
  CHECK(error.kind == ErrorKind::BadInput);
  CHECK(error.message == "input 'x' is i32[1,2], expected f32[batch,2]\n"
                         "missing input 'z': f32[batch,2]\n"
                         "unknown input 'q'; the inputs are: x, z");
}

TEST_CASE("an input of another rank or size is refused") {
  Tensor good = tensor({1, 2}, {0, 0});
  CHECK(errorOf(addGraph(), {}, {{"x", tensor({2}, {0, 0})}, {"z", good}}).message ==
        "input 'x' is f32[2], expected f32[batch,2]");
  CHECK(errorOf(addGraph(), {}, {{"x", good}, {"z", tensor({2, 1}, {0, 0})}}).message ==
        "input 'z' is f32[2,1], expected f32[batch,2]");
}

TEST_CASE("a symbolic dimension has one size") {
  Error error =
      errorOf(addGraph(), {}, {{"x", tensor({1, 2}, {0, 0})}, {"z", tensor({2, 2}, {0, 0, 0, 0})}});
  CHECK(error.kind == ErrorKind::BadInput);
  CHECK(error.message == "dimension 'batch' is 1 in input 'x' but 2 in input 'z'");
}

TEST_CASE("parameters are checked against the graph") {
  TensorMap inputs{{"x", tensor({1, 2}, {1, 1})}};
  Error error =
      errorOf(denseGraph(), {{"w", tensor({3}, {0, 0, 0})}, {"v", tensor({0}, {})}}, inputs);
  CHECK(error.kind == ErrorKind::BadInput);
  CHECK(error.message == "parameter 'w' is f32[3], expected f32[2,3]\n"
                         "missing parameter 'bias': f32[3]\n"
                         "unknown parameter 'v'");
}

TEST_CASE("a parameter that the function does not reach need not be there") {
  Graph graph = denseGraph();
  FunctionBuilder b(graph, "other");
  b.output(b.input("x", type({1})), "y");
  graph.functions.push_back(b.finish());
  CompileOptions options;
  options.function = "other";
  auto outputs =
      get(engine().evaluate(graph, {}, {{"x", tensor({1}, {7})}}, Executor::Reference, options));
  CHECK(values(outputs.at("y")) == std::vector<float>{7});
}

TEST_CASE("an unknown function is a usage error that lists the functions") {
  CompileOptions options;
  options.function = "train";
  Error error = errorOf(callGraph(), {}, {}, options);
  CHECK(error.kind == ErrorKind::Usage);
  CHECK(error.message == "no function 'train'; the functions are: main, twice");
}

TEST_CASE("a graph without a function is refused") {
  CHECK(errorOf(Graph(), {}, {}).kind == ErrorKind::BadInput);
}

TEST_CASE("a dtype that no executor runs is unsupported") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  b.output(b.input("x", type({1}, DType::F64)), "y");
  graph.functions.push_back(b.finish());
  CHECK(errorOf(graph, {}, {}).kind == ErrorKind::Unsupported);
}

TEST_CASE("misaligned memory is refused") {
  alignas(8) static char memory[32] = {};
  Tensor odd = Tensor::borrow(DType::F32, {1, 2}, memory + 1, nullptr);
  CHECK(errorOf(addGraph(), {}, {{"x", odd}, {"z", tensor({1, 2}, {0, 0})}}).message ==
        "input 'x' is not aligned to its element type");
}

TEST_CASE("describe tells what a function takes") {
  ImageInterface interface = get(describe(denseGraph()));
  CHECK(interface.function == "main");
  CHECK(interface.dims == std::vector<std::string>{"batch"});
  REQUIRE(interface.inputs.size() == 1);
  CHECK(toString(typeOf(interface.inputs[0], interface.dims)) == "f32[batch,2]");
  CHECK(toString(typeOf(interface.outputs[0], interface.dims)) == "f32[batch,3]");
  REQUIRE(interface.parameters.size() == 2);
  CHECK(interface.parameters[0].name == "w");
}
