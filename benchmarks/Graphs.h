// The graphs that are timed, and deterministic data for them.
#ifndef MLC_BENCHMARKS_GRAPHS_H
#define MLC_BENCHMARKS_GRAPHS_H

#include "mlc/Graph/Rewrite.h"
#include "mlc/mlc.h"

#include <cstdio>
#include <cstdlib>

namespace mlc::benchmarks {

template <typename T> T get(Result<T> result) {
  if (result)
    return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

/// Values between -0.5 and 0.5.
inline Tensor filled(const Shape &shape) {
  Tensor tensor = get(Tensor::zeros(DType::F32, shape));
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.dataAs<float>()[i] = static_cast<float>(i * 7919 % 1009) / 1009 - 0.5f;
  return tensor;
}

/// A graph with its weights and one input for every f32 input of it.
struct Case {
  Graph graph;
  TensorMap parameters, inputs;

  ValueId parameter(FunctionBuilder &builder, const std::string &name, const Shape &shape) {
    graph.parameters.push_back({name, {DType::F32, Dims(shape.begin(), shape.end())}});
    parameters.emplace(name, filled(shape));
    return get(builder.node(Op::Parameter, {}, {{"parameter", name}}, name));
  }
  ValueId input(FunctionBuilder &builder, const std::string &name, const Shape &shape) {
    inputs.emplace(name, filled(shape));
    return builder.input(name, {DType::F32, Dims(shape.begin(), shape.end())});
  }
};

/// x[m, k] * w[k, n], the right-hand side a weight.
inline Case matmul(int64_t m, int64_t n, int64_t k) {
  Case c;
  FunctionBuilder builder(c.graph, "main");
  ValueId x = c.input(builder, "x", {m, k});
  ValueId w = c.parameter(builder, "w", {k, n});
  builder.output(get(builder.node(Op::MatMul, {x, w})), "y");
  c.graph.functions.push_back(builder.finish());
  return c;
}

/// Linear layers of the given widths with relu between.
inline Case network(int64_t batch, const std::vector<int64_t> &widths) {
  Case c;
  FunctionBuilder builder(c.graph, "main");
  ValueId value = c.input(builder, "x", {batch, widths[0]});
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    std::string layer = "layer" + std::to_string(i);
    ValueId w = c.parameter(builder, layer + ".weights", {widths[i], widths[i + 1]});
    ValueId b = c.parameter(builder, layer + ".bias", {widths[i + 1]});
    value = get(builder.node(Op::MatMul, {value, w}));
    Dims dims = builder.type(value).dims;
    b = get(builder.node(Op::Broadcast, {b}, {{"shape", dims}, {"axes", std::vector<int64_t>{1}}}));
    value = get(builder.node(Op::Add, {value, b}));
    if (i + 2 < widths.size())
      value = get(builder.node(Op::Relu, {value}));
  }
  builder.output(value, "y");
  c.graph.functions.push_back(builder.finish());
  return c;
}

/// x + z of one element.
inline Case oneAdd() {
  Case c;
  FunctionBuilder builder(c.graph, "main");
  ValueId x = c.input(builder, "x", {1}), z = c.input(builder, "z", {1});
  builder.output(get(builder.node(Op::Add, {x, z})), "y");
  c.graph.functions.push_back(builder.finish());
  return c;
}

/// What a call costs when nothing is computed: through a pointer, as a function of an
/// image is called.
__attribute__((noinline)) inline int32_t doNothing(mlc_frame *) {
  asm volatile("");
  return 0;
}
inline mlc_run_function volatile emptyFunction = doNothing;

/// `count` adds in a chain on 4 elements.
inline Case adds(int64_t count) {
  Case c;
  FunctionBuilder builder(c.graph, "main");
  ValueId x = c.input(builder, "x", {4}), value = x;
  for (int64_t i = 0; i < count; ++i)
    value = get(builder.node(Op::Add, {value, x}));
  builder.output(value, "y");
  c.graph.functions.push_back(builder.finish());
  return c;
}

} // namespace mlc::benchmarks

#endif // MLC_BENCHMARKS_GRAPHS_H
