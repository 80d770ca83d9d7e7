// The smallest embedding: loads the digits classifier and calls it on images.
#include "mlc/Tensor/Npy.h"
#include "mlc/mlc.h"
#include <algorithm>
#include <iostream>

int main(int, char **argv) {
  auto engine = mlc::Engine::create();
  auto model = engine->load(argv[1]);  // digits.safetensors
  auto images = mlc::readNpy(argv[2]); // f32[any number, 64]
  if (!model || !images)
    return std::cerr << (model ? images.error() : model.error()).message << "\n", 1;
  auto call = model->bind({{"images", *images}}); // once
  if (!call || !call->run())                      // as often as the images change
    return 1;
  const float *logits = call->outputs()[0].dataAs<float>();
  for (int64_t i = 0; i < 10; ++i, logits += 10)
    std::cout << std::max_element(logits, logits + 10) - logits << " ";
  std::cout << "\n";
}
