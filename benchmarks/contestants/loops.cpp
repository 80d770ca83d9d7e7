// Plain loops in C++ as a contestant: what the compiler that built mlc makes of them, with all of
// this processor's instructions and every pointer `restrict`.
#include "Driver.h"

using namespace mlc;
using namespace mlc::benchmarks;

namespace {

void chain(int64_t size, const float *__restrict a, const float *__restrict b,
           const float *__restrict c, const float *__restrict d, float *__restrict y) {
  for (int64_t i = 0; i < size; ++i) {
    float value = ((a[i] * b[i] + c[i]) * (a[i] - d[i]) + b[i]) * c[i] - d[i];
    y[i] = value > 0 ? value : 0;
  }
}

struct Loops {
  Program program;
  Tensor result;

  void load(const std::string &directory) {
    program = Program::read(directory);
    std::string ops;
    for (const Step &step : program.steps)
      ops += step.op + " ";
    if (ops != "mul add sub mul add mul sub relu ")
      throw Unsupported("only the chain of eight ops is written as a loop");
    result = Tensor::zeros(DType::F32, program.tensors.at("a").shape()).orThrow();
  }
  void run() {
    auto data = [&](const char *name) { return program.tensors.at(name).dataAs<float>(); };
    chain(result.size(), data("a"), data("b"), data("c"), data("d"), result.dataAs<float>());
  }
  Tensor output() { return result; }
};

} // namespace

int main() {
  Loops loops;
  return serve(loops, "C++ loops, " __VERSION__);
}
