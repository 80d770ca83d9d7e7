// libxsmm as a contestant: a kernel that is generated at load for the shape of one product, and
// called by its pointer. Its matrices are column-major, so the operands change places.
#include "Driver.h"

#include <libxsmm.h>

using namespace mlc;
using namespace mlc::benchmarks;

namespace {

struct Xsmm {
  Program program;
  libxsmm_mmfunction<float> kernel;
  const float *left = nullptr, *right = nullptr;
  Tensor result;

  void load(const std::string &directory) {
    program = Program::read(directory);
    if (program.steps.size() != 1 || program.steps[0].op != "matmul")
      throw Unsupported("a single product without bias is all that is tried with libxsmm");
    const Tensor &a = program.tensors.at(program.steps[0].operands[0]);
    const Tensor &b = program.tensors.at(program.steps[0].operands[1]);
    int m = static_cast<int>(a.shape()[0]), k = static_cast<int>(a.shape()[1]),
        n = static_cast<int>(b.shape()[1]);
    kernel = libxsmm_mmfunction<float>(LIBXSMM_GEMM_FLAG_NONE, n, m, k, 1.0f, 0.0f);
    if (!kernel)
      throw Unsupported("it generates no kernel for this shape");
    left = a.dataAs<float>();
    right = b.dataAs<float>();
    result = Tensor::zeros(DType::F32, {m, n}).orThrow();
  }
  void run() { kernel(right, left, result.dataAs<float>()); }
  Tensor output() { return result; }
};

} // namespace

int main() {
  Xsmm contestant;
  libxsmm_init();
  return serve(contestant,
               std::string("libxsmm ") + LIBXSMM_VERSION + ", " + libxsmm_get_target_arch());
}
