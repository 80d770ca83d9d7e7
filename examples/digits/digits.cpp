// Classifies the held-out digits with one executable, in one batch and one by
// one, and checks that the three executors agree.
//
//   digits DIRECTORY     the one with digits.safetensors and heldout-*.npy

#include "../common/example.h"
#include "mlc/Tensor/Npy.h"

#include <algorithm>

using namespace example;

static constexpr int64_t kPixels = 64, kSide = 8, kClasses = 10;

static int64_t predicted(const mlc::Tensor &logits, int64_t row) {
  const float *first = logits.dataAs<float>() + row * kClasses;
  return std::max_element(first, first + kClasses) - first;
}

static double accuracy(const std::vector<int64_t> &predictions, const mlc::Tensor &labels) {
  int64_t right = 0;
  for (int64_t i = 0; i < labels.size(); ++i)
    right += predictions[i] == labels.dataAs<int64_t>()[i];
  return 100.0 * right / labels.size();
}

/// Images side by side, the darker the pixel the denser the letter.
static void show(const mlc::Tensor &images, const std::vector<int64_t> &chosen,
                 const std::vector<int64_t> &predictions, const mlc::Tensor &labels) {
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t image : chosen) {
      const float *row = images.dataAs<float>() + image * kPixels + y * kSide;
      for (int64_t x = 0; x < kSide; ++x) {
        char shade = " .:+*#%@"[std::min<int64_t>(7, static_cast<int64_t>(row[x] * 8))];
        std::printf("%c%c", shade, shade);
      }
      std::printf("  ");
    }
    std::printf("\n");
  }
  for (int64_t image : chosen) {
    long long label = labels.dataAs<int64_t>()[image], said = predictions[image];
    std::printf("%lld%-17s", said,
                said == label ? "" : (" (labelled " + std::to_string(label) + ")").c_str());
  }
  std::printf("\n");
}

int main(int argc, char **argv) {
  require(argc == 2, "usage: digits DIRECTORY");
  std::string directory = argv[1];
  mlc::Model model = get(mlc::loadModel(directory + "/digits.safetensors"));
  mlc::Tensor images = get(mlc::readNpy(directory + "/heldout-images.npy"));
  mlc::Tensor labels = get(mlc::readNpy(directory + "/heldout-labels.npy"));
  const int64_t count = labels.size();

  mlc::Engine engine = get(mlc::Engine::create());
  mlc::Executable executable = get(engine.compile(model.graph, model.parameters));

  // All images in one batch.
  mlc::Tensor batched = get(executable({{"images", images}})).at("logits");
  std::vector<int64_t> predictions;
  for (int64_t i = 0; i < count; ++i)
    predictions.push_back(predicted(batched, i));

  // The same executable on one image at a time.
  mlc::Tensor image = get(mlc::Tensor::zeros(mlc::DType::F32, {1, kPixels}));
  mlc::Call call = get(executable.bind({{"images", image}}));
  std::vector<int64_t> single;
  mlc::Tensor collected = batched.clone();
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(images.dataAs<float>() + i * kPixels, kPixels, image.dataAs<float>());
    get(call.run());
    const mlc::Tensor &logits = call.outputs()[0];
    single.push_back(predicted(logits, 0));
    std::copy_n(logits.dataAs<float>(), kClasses, collected.dataAs<float>() + i * kClasses);
  }

  std::printf("%lld held-out images in one batch: %.2f %% right\n", (long long)count,
              accuracy(predictions, labels));
  std::printf("the same one by one:            %.2f %% right\n", accuracy(single, labels));
  require(accuracy(predictions, labels) >= 97,
          "the classifier is not what it was when it was trained");
  // The order of additions does not depend on the batch.
  require(batched.identical(collected), "one by one gives other bits than one batch");
  std::printf("bit for bit the same logits\n");

  // The other executors, and numpy's logits from the time of training.
  mlc::EagerRunner eager = get(mlc::EagerRunner::create(engine, model.graph, model.parameters));
  mlc::TensorMap inputs = {{"images", images}};
  mlc::Tensor reference =
      get(engine.evaluate(model.graph, model.parameters, inputs, mlc::Executor::Reference))
          .at("logits");
  std::pair<const char *, mlc::Tensor> others[] = {
      {"jit in one batch", batched},
      {"jit one by one", collected},
      {"eager", get(eager(inputs)).at("logits")},
      {"numpy", get(mlc::readNpy(directory + "/heldout-logits.npy"))}};
  for (const auto &[name, logits] : others) {
    mlc::Difference difference = mlc::compare(logits, reference, 1e-5, 1e-5);
    require(difference.equal, std::string(name) + " differs from reference: " + difference.message);
    std::printf("%s agrees with reference\n", name);
  }

  // The first images, and one that it gets wrong.
  std::vector<int64_t> chosen = {0, 1, 2};
  for (int64_t i = 3; i < count && chosen.size() < 4; ++i)
    if (predictions[i] != labels.dataAs<int64_t>()[i])
      chosen.push_back(i);
  std::printf("\n");
  show(images, chosen, predictions, labels);
}
