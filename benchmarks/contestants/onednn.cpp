// oneDNN as a contestant: a primitive per step, with bias and relu inside the contraction. Constant
// weights are reordered once to the format that the primitive asks for (format_tag::any). A layer
// is made both as an inner product and as a matmul, and the faster one is kept.
#include "Driver.h"

#include <dnnl.hpp>

#include <cmath>
#include <deque>

using namespace mlc;
using namespace mlc::benchmarks;
using dnnl::memory;
using Tag = memory::format_tag;

namespace {

constexpr auto f32 = memory::data_type::f32;

struct OneDnn {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Program program;
  struct Primitive {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
  };
  std::vector<Primitive> steps;
  std::deque<Tensor> intermediates; // which are referred to

  void execute(const Primitive &step) { step.primitive.execute(stream, step.arguments); }

  /// A tensor as it is, under other dimensions if given.
  memory plain(Tensor &tensor, memory::dims dims = {}, memory::dims strides = {}) {
    if (dims.empty())
      dims = tensor.shape();
    if (strides.empty()) {
      strides.assign(dims.size(), 1);
      for (size_t i = dims.size() - 1; i-- > 0;)
        strides[i] = strides[i + 1] * dims[i + 1];
    }
    return memory({dims, f32, strides}, engine, tensor.data());
  }

  /// Constant weights in the format that is asked for.
  memory packed(memory weights, const memory::desc &wanted) {
    if (weights.get_desc() == wanted)
      return weights;
    memory result(wanted, engine);
    dnnl::reorder(weights, result).execute(stream, weights, result);
    stream.wait();
    return result;
  }

  double secondsOf(const Primitive &step) {
    double best = 1e9;
    for (int round = 0; round < 20; ++round) {
      Stopwatch watch;
      execute(step);
      stream.wait();
      best = std::min(best, watch.wallSeconds());
    }
    return best;
  }

  Tensor &make(const Step &step, const Shape &shape) {
    return program.tensors[step.result] = Tensor::zeros(DType::F32, shape).orThrow();
  }
  Tensor &temporary(const Shape &shape) {
    intermediates.push_back(Tensor::zeros(DType::F32, shape).orThrow());
    return intermediates.back();
  }
  Tensor &operand(const Step &step, size_t i) { return program.tensors.at(step.operands.at(i)); }

  static dnnl::primitive_attr attributes(bool relu, float scale = 1) {
    dnnl::primitive_attr result;
    if (relu) {
      dnnl::post_ops after;
      after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
      result.set_post_ops(after);
    }
    if (scale != 1)
      result.set_output_scales(0, {scale});
    return result;
  }

  Primitive matmul(memory a, memory b, memory c, bool constant, Tensor *bias, bool relu,
                   float scale = 1) {
    memory::desc right = constant ? memory::desc(b.get_desc().dims(), f32, Tag::any) : b.get_desc();
    memory::desc biasDesc;
    std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, a}, {DNNL_ARG_DST, c}};
    if (bias) {
      arguments[DNNL_ARG_BIAS] = plain(*bias, {1, bias->size()});
      biasDesc = arguments[DNNL_ARG_BIAS].get_desc();
    }
    auto op = bias ? dnnl::matmul::desc(a.get_desc(), right, biasDesc, c.get_desc())
                   : dnnl::matmul::desc(a.get_desc(), right, c.get_desc());
    dnnl::matmul::primitive_desc desc(op, attributes(relu, scale), engine);
    arguments[DNNL_ARG_WEIGHTS] = constant ? packed(b, desc.weights_desc()) : b;
    return {dnnl::matmul(desc), arguments};
  }

  Primitive innerProduct(Tensor &a, Tensor &b, Tensor &c, Tensor *bias, bool relu) {
    memory::dims dims = {b.shape()[1], b.shape()[0]}; // output, input
    memory weights = plain(b, dims, {1, dims[0]}), from = plain(a), to = plain(c);
    memory::desc any(dims, f32, Tag::any);
    std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}};
    if (bias)
      arguments[DNNL_ARG_BIAS] = plain(*bias);
    auto kind = dnnl::prop_kind::forward_inference;
    auto op =
        bias ? dnnl::inner_product_forward::desc(kind, from.get_desc(), any,
                                                 arguments[DNNL_ARG_BIAS].get_desc(), to.get_desc())
             : dnnl::inner_product_forward::desc(kind, from.get_desc(), any, to.get_desc());
    dnnl::inner_product_forward::primitive_desc desc(op, attributes(relu), engine);
    arguments[DNNL_ARG_WEIGHTS] = packed(weights, desc.weights_desc());
    return {dnnl::inner_product_forward(desc), arguments};
  }

  void contraction(const Step &step) {
    Tensor &a = operand(step, 0), &b = operand(step, 1);
    Tensor *bias = step.operands.size() > 2 ? &operand(step, 2) : nullptr;
    bool relu = step.op == "linear_relu", constant = program.isWeight(step.operands[1]);
    Shape shape = a.shape();
    shape.back() = b.shape().back();
    Tensor &c = make(step, shape);
    Primitive best = matmul(plain(a), plain(b), plain(c), constant, bias, relu);
    if (constant && shape.size() == 2) {
      Primitive other = innerProduct(a, b, c, bias, relu);
      if (secondsOf(other) < secondsOf(best))
        best = other;
    }
    steps.push_back(best);
  }

  Primitive softmax(memory from, memory to, int axis) {
    auto kind = dnnl::prop_kind::forward_inference;
    dnnl::softmax_forward::primitive_desc desc(
        dnnl::softmax_forward::desc(kind, from.get_desc(), axis), engine);
    return {dnnl::softmax_forward(desc), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}}};
  }

  void layerNorm(const Step &step) {
    Tensor &x = operand(step, 0);
    memory from = plain(x), to = plain(make(step, x.shape()));
    using Flags = dnnl::normalization_flags;
    dnnl::layer_normalization_forward::primitive_desc desc(
        dnnl::layer_normalization_forward::desc(dnnl::prop_kind::forward_inference, from.get_desc(),
                                                1e-5f, Flags::use_scale | Flags::use_shift),
        engine);
    steps.push_back({dnnl::layer_normalization_forward(desc),
                     {{DNNL_ARG_SRC, from},
                      {DNNL_ARG_SCALE, plain(operand(step, 1))},
                      {DNNL_ARG_SHIFT, plain(operand(step, 2))},
                      {DNNL_ARG_DST, to}}});
  }

  void attention(const Step &step) {
    Tensor &q = operand(step, 0), &k = operand(step, 1), &v = operand(step, 2);
    int64_t heads = q.shape()[0], rows = q.shape()[1], columns = k.shape()[1], width = q.shape()[2];
    Tensor &scores = temporary({heads, rows, columns}), &weights = temporary(scores.shape());
    memory transposed = plain(k, {heads, width, columns}, {columns * width, 1, width});
    steps.push_back(matmul(plain(q), transposed, plain(scores), false, nullptr, false,
                           1 / std::sqrt(static_cast<float>(width))));
    steps.push_back(softmax(plain(scores), plain(weights), 2));
    steps.push_back(
        matmul(plain(weights), plain(v), plain(make(step, q.shape())), false, nullptr, false));
  }

  void load(const std::string &directory) {
    steps.clear();
    intermediates.clear();
    program = Program::read(directory);
    for (const Step &step : program.steps) {
      if (step.op == "matmul" || step.op == "linear" || step.op == "linear_relu")
        contraction(step);
      else if (step.op == "softmax") {
        Tensor &x = operand(step, 0);
        steps.push_back(softmax(plain(x), plain(make(step, x.shape())),
                                static_cast<int>(x.shape().size()) - 1));
      } else if (step.op == "layer_norm")
        layerNorm(step);
      else if (step.op == "attention")
        attention(step);
      else
        throw Unsupported("oneDNN runs layers, not chains of " + step.op);
    }
  }
  void run() {
    for (const Primitive &step : steps)
      execute(step);
    stream.wait();
  }
  Tensor output() { return program.tensors.at(program.output); }
};

} // namespace

int main() {
  OneDnn contestant;
  const dnnl_version_t *version = dnnl_version();
  return serve(contestant, "oneDNN " + std::to_string(version->major) + "." +
                               std::to_string(version->minor) + "." +
                               std::to_string(version->patch));
}
