#include "TestGraphs.h"

using namespace mlc;

Tensor tensor(Shape shape, const std::vector<float> &elements) {
  return get(Tensor::fromBytes(
      DType::F32, std::move(shape),
      {reinterpret_cast<const char *>(elements.data()), elements.size() * sizeof(float)}));
}

std::vector<float> values(const Tensor &tensor) {
  const float *data = tensor.dataAs<float>();
  return {data, data + tensor.size()};
}

TensorType type(Dims dims, DType dtype) { return {dtype, std::move(dims)}; }

Graph denseGraph() {
  Graph graph;
  graph.parameters = {{"w", type({2, 3})}, {"bias", type({3})}};
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({Dim("batch"), 2}));
  ValueId w = get(b.node(Op::Parameter, {}, {{"parameter", std::string("w")}}));
  ValueId bias = get(b.node(Op::Parameter, {}, {{"parameter", std::string("bias")}}));
  ValueId product = get(b.node(Op::MatMul, {x, w}));
  ValueId spread =
      get(b.node(Op::Broadcast, {bias},
                 {{"shape", Dims{Dim("batch"), 3}}, {"axes", std::vector<int64_t>{1}}}));
  ValueId sum = get(b.node(Op::Add, {product, spread}));
  b.output(get(b.node(Op::Relu, {sum})), "y");
  graph.functions.push_back(b.finish());
  return graph;
}

TensorMap denseParameters() {
  return {{"w", tensor({2, 3}, {1, 2, 3, 4, 5, 6})}, {"bias", tensor({3}, {0.5, -100, 1})}};
}

Graph addGraph() {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({Dim("batch"), 2}));
  ValueId z = b.input("z", type({Dim("batch"), 2}));
  b.output(get(b.node(Op::Add, {x, z})), "y");
  graph.functions.push_back(b.finish());
  return graph;
}

Graph callGraph() {
  Graph graph;
  FunctionBuilder twice(graph, "twice");
  ValueId x = twice.input("x", type({2}));
  twice.output(get(twice.node(Op::Add, {x, x})), "y");
  graph.functions.push_back(twice.finish());
  FunctionBuilder main(graph, "main");
  ValueId a = main.input("a", type({2}));
  ValueId b = main.input("b", type({2}));
  ValueId sum = get(main.node(Op::Add, {a, b}));
  ValueId doubled = get(main.nodes(Op::Call, {sum}, {{"callee", std::string("twice")}})).front();
  main.output(doubled, "sum");
  main.output(a, "same");
  graph.functions.insert(graph.functions.begin(), main.finish());
  return graph;
}
