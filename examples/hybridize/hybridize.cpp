// A network written as code: run op by op, then compiled by one word, saved and
// restored.
//
//   hybridize DIRECTORY    where parameters and model are saved
#include "mlc/Api/Nn.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

using mlc::Tensor;
namespace nn = mlc::nn;

static nn::Sequential makeNet() {
  return nn::Sequential(nn::Linear(256), nn::ReLU(), nn::Linear(128), nn::ReLU(), nn::Linear(2));
}

static double secondsFor1000Calls(nn::Module &net, const Tensor &x) {
  net(x); // the first call makes parameters, or compiles
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i)
    net(x);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

static void require(const mlc::Difference &difference) {
  if (!difference.equal)
    throw mlc::Error(mlc::ErrorKind::Mismatch, difference.message);
}

static void run(const std::string &directory) {
  nn::Sequential net = makeNet();
  net.initialize(/*seed=*/1);
  Tensor x = mlc::randomNormal({1, 512}, 2);
  Tensor imperative = net(x);
  std::printf("op by op  %s\n", mlc::toString(imperative).c_str());
  double before = secondsFor1000Calls(net, x);

  net.hybridize();
  Tensor symbolic = net(x);
  std::printf("compiled  %s\n", mlc::toString(symbolic).c_str());
  require(mlc::compare(symbolic, imperative, 1e-5, 1e-6));
  double after = secondsFor1000Calls(net, x);
  std::printf("1000 calls: %.6f s op by op, %.6f s compiled\n\n", before, after);

  std::string parameters = directory + "/net.safetensors";
  net.save(parameters);
  int64_t bytes = 0;
  for (const auto &[name, tensor] : net.stateDict()) {
    std::printf("%-9s %s\n", name.c_str(), mlc::toString(tensor.shape()).c_str());
    bytes += tensor.byteSize();
  }
  std::printf("%lld bytes of parameters, %llu in the file\n\n", static_cast<long long>(bytes),
              static_cast<unsigned long long>(std::filesystem::file_size(parameters)));
  nn::Sequential restored = makeNet();
  restored.load(parameters);
  require(mlc::compare(restored(x), imperative, 0, 0));

  mlc::Model model = net.trace(x);
  std::printf("%s", mlc::print(model.graph).c_str());
  if (mlc::Status saved = mlc::saveModel(directory + "/model.safetensors", model); !saved)
    throw saved.takeError();
}

int main(int, char **argv) {
  try {
    run(argv[1]);
  } catch (const std::exception &error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
