// Trace, compile, call and save a C++ function; mlc-run runs what it saves.
//
//   quickstart MODEL.safetensors
#include "mlc/Api/Jit.h"

#include <iostream>

int main(int, char **argv) {
  using mlc::Tensor;
  Tensor weights = mlc::randomNormal({4, 3}, /*seed=*/1);
  auto layer = [&](const Tensor &x) { return mlc::tanh(mlc::matmul(x, weights) + 0.5); };
  Tensor x = mlc::array({1, 2, 3, 4, -1, -2, -3, -4}, {2, 4});
  try {
    std::cout << "op by op: " << mlc::toString(layer(x)) << "\n";

    mlc::JitOptions options;
    options.name = "layer";
    options.dims = {"batch"}; // any number of rows
    auto compiled = mlc::jit(layer, options);
    std::cout << "compiled: " << mlc::toString(compiled(x)) << "\n\n" << compiled.print(x);
    compiled.save(argv[1], x);
  } catch (const mlc::Error &error) {
    return std::cerr << error.what() << "\n", 1;
  }
}
