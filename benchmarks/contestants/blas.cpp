// A BLAS as a contestant, compiled once for each: sgemm, or sgemv for one row, and a loop for bias
// and relu.
#include "Driver.h"

#include MLC_BENCHMARKS_CBLAS

#include <functional>

using namespace mlc;
using namespace mlc::benchmarks;

namespace {

struct Blas {
  Program program;
  std::vector<std::function<void()>> steps;

  void load(const std::string &directory) {
    steps.clear();
    program = Program::read(directory);
    for (const Step &step : program.steps) {
      bool linear = step.op == "linear" || step.op == "linear_relu";
      if (!linear && step.op != "matmul")
        throw Unsupported("a BLAS has no " + step.op);
      const Tensor &a = program.tensors.at(step.operands[0]);
      const Tensor &b = program.tensors.at(step.operands[1]);
      if (a.shape().size() != 2)
        throw Unsupported("cblas.h has no batches of matrices");
      int m = static_cast<int>(a.shape()[0]), k = static_cast<int>(a.shape()[1]),
          n = static_cast<int>(b.shape()[1]);
      Tensor &c = program.tensors[step.result] = Tensor::zeros(DType::F32, {m, n}).orThrow();
      const float *left = a.dataAs<float>(), *right = b.dataAs<float>();
      float *out = c.dataAs<float>();
      steps.push_back([=] {
        if (m == 1)
          cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, right, n, left, 1, 0, out, 1);
        else
          cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, left, k, right, n, 0,
                      out, n);
      });
      if (linear) {
        const float *bias = program.tensors.at(step.operands[2]).dataAs<float>();
        bool relu = step.op == "linear_relu";
        steps.push_back(
            [=] { relu ? finish<true>(out, bias, m, n) : finish<false>(out, bias, m, n); });
      }
    }
  }

  template <bool relu>
  static void finish(float *__restrict out, const float *__restrict bias, int64_t m, int64_t n) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        float value = out[i * n + j] + bias[j];
        out[i * n + j] = relu && !(value > 0) ? 0 : value;
      }
  }

  void run() {
    for (const std::function<void()> &step : steps)
      step();
  }
  Tensor output() { return program.tensors.at(program.output); }
};

} // namespace

int main() {
  Blas blas;
#ifdef BLIS_H
  bli_init();
  std::string about = std::string("BLIS ") + bli_info_get_version_str() + ", " +
                      bli_arch_string(bli_arch_query_id());
#else
  std::string about = std::string(openblas_get_config()) + ", " + openblas_get_corename();
#endif
  return serve(blas, about);
}
