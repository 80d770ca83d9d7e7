// A part of a host that has mlc's static C++ library inside.
#include "digits.h"
#include "mlc/mlc.h"

#include <vector>

extern "C" __attribute__((visibility("default"))) int part(const char *modelPath,
                                                           const char *imagesPath) {
  std::vector<float> images(MAX_IMAGES * PIXELS);
  int64_t count = read_images(imagesPath, images.data());
  auto engine = mlc::Engine::create();
  auto model = engine->load(modelPath);
  MUST(model, "%s", model.error().message.c_str());
  auto input = mlc::Tensor::borrow(mlc::DType::F32, {count, PIXELS}, images.data(), nullptr);
  auto call = model->bind({{"images", input}});
  MUST(call, "%s", call.error().message.c_str());
  auto status = call->run();
  MUST(status, "%s", status.error().message.c_str());
  print_logits("mlc", call->outputs()[0].dataAs<float>(), count);
  try { // An exception crosses from the library to here, past whoever else is in the process.
    throw mlc::Error{mlc::ErrorKind::Usage, "caught"};
  } catch (const mlc::Error &error) {
    MUST(error.message == "caught", "%s", error.message.c_str());
  }
  return 0;
}
