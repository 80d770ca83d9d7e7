// OpenVINO as a contestant, by the C++ API that its Python package has headers for: f32 precision,
// latency hint, one stream, inputs and outputs bound once, infer() on the calling thread.
#include "Driver.h"

#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>

using namespace mlc;
using namespace mlc::benchmarks;
namespace op = ov::opset13;

namespace {

struct OpenVino {
  ov::Core core;
  ov::InferRequest request;
  Program program;
  Tensor result;

  using Value = ov::Output<ov::Node>;

  template <typename T, typename... A> static Value make(A &&...arguments) {
    return std::make_shared<T>(std::forward<A>(arguments)...);
  }
  static Value constant(const Tensor &tensor) {
    const Shape &dims = tensor.shape();
    return make<op::Constant>(ov::element::f32, ov::Shape(dims.begin(), dims.end()), tensor.data());
  }

  static Value step(const std::string &name, const std::vector<Value> &in) {
    if (name == "matmul")
      return make<op::MatMul>(in[0], in[1]);
    if (name == "linear" || name == "linear_relu") {
      Value sum = make<op::Add>(make<op::MatMul>(in[0], in[1]), in[2]);
      return name == "linear" ? sum : make<op::Relu>(sum);
    }
    if (name == "add")
      return make<op::Add>(in[0], in[1]);
    if (name == "sub")
      return make<op::Subtract>(in[0], in[1]);
    if (name == "mul")
      return make<op::Multiply>(in[0], in[1]);
    if (name == "relu")
      return make<op::Relu>(in[0]);
    if (name == "softmax")
      return make<op::Softmax>(in[0], -1);
    if (name == "layer_norm") {
      Value axes = make<op::Constant>(ov::element::i64, ov::Shape{1}, std::vector<int64_t>{-1});
      Value normal = make<op::MVN>(in[0], axes, true, 1e-5f, ov::op::MVNEpsMode::INSIDE_SQRT);
      return make<op::Add>(make<op::Multiply>(normal, in[1]), in[2]);
    }
    if (name == "attention") {
      // The kernel wants a batch before the heads.
      Value batch = make<op::Constant>(ov::element::i64, ov::Shape{1}, std::vector<int64_t>{0});
      auto batched = [&](const Value &value) { return make<op::Unsqueeze>(value, batch); };
      return make<op::Squeeze>(make<op::ScaledDotProductAttention>(batched(in[0]), batched(in[1]),
                                                                   batched(in[2]), false),
                               batch);
    }
    throw Unsupported("there is no " + name);
  }

  void load(const std::string &directory) {
    program = Program::read(directory);
    std::map<std::string, Value> values;
    ov::ParameterVector parameters;
    for (const auto &[name, tensor] : program.tensors)
      if (program.isWeight(name))
        values[name] = constant(tensor);
    for (const std::string &name : program.inputs) {
      const Shape &dims = program.tensors[name].shape();
      parameters.push_back(
          std::make_shared<op::Parameter>(ov::element::f32, ov::Shape(dims.begin(), dims.end())));
      values[name] = parameters.back();
    }
    for (const Step &s : program.steps) {
      std::vector<Value> operands;
      for (const std::string &operand : s.operands)
        operands.push_back(values.at(operand));
      values[s.result] = step(s.op, operands);
    }
    auto model =
        std::make_shared<ov::Model>(ov::OutputVector{values.at(program.output)}, parameters);
    auto compiled =
        core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32),
                           ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
                           ov::inference_num_threads(threadCount()), ov::num_streams(1),
                           ov::hint::enable_cpu_pinning(false));
    request = compiled.create_infer_request();
    for (size_t i = 0; i < parameters.size(); ++i)
      request.set_input_tensor(i, ov::Tensor(ov::element::f32, parameters[i]->get_shape(),
                                             program.tensors[program.inputs[i]].data()));
    const ov::Shape &shape = compiled.output().get_shape();
    result = Tensor::zeros(DType::F32, Shape(shape.begin(), shape.end())).orThrow();
    request.set_output_tensor(ov::Tensor(ov::element::f32, shape, result.data()));
    run();
  }
  void run() { request.infer(); }
  Tensor output() { return result; }
};

} // namespace

int main() {
  OpenVino contestant;
  return serve(contestant, std::string("OpenVINO ") + ov::get_openvino_version().buildNumber);
}
