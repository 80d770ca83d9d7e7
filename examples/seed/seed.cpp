// Times a graph op by op (eager) and as one native function (jit).
//
//   seed MODEL...     graphs with one f32 input of known shape

#include "../common/example.h"

#include <algorithm>
#include <chrono>

using namespace example;

static constexpr int kCalls = 1000, kChunk = 10, kRounds = 5;

/// Seconds for kCalls calls, by the median of chunks, which other programs that
/// take the processor away for a while do not move. Two callees take turns.
template <typename F, typename G>
static std::pair<double, double> secondsForCalls(F &&first, G &&second) {
  std::vector<double> samples[2];
  auto sample = [](std::vector<double> &into, auto &&call) {
    using Clock = std::chrono::steady_clock;
    for (int chunk = 0; chunk < kCalls / kChunk; ++chunk) {
      Clock::time_point start = Clock::now();
      for (int i = 0; i < kChunk; ++i)
        call();
      into.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
  };
  for (int round = 0; round < kRounds; ++round) {
    sample(samples[0], first);
    sample(samples[1], second);
  }
  for (std::vector<double> &list : samples)
    std::nth_element(list.begin(), list.begin() + list.size() / 2, list.end());
  auto total = [](const std::vector<double> &list) {
    return list[list.size() / 2] * (kCalls / kChunk);
  };
  return {total(samples[0]), total(samples[1])};
}

static void time(const mlc::Engine &engine, const std::string &path) {
  mlc::Model model = get(mlc::loadModel(path));
  mlc::Executable executable = get(engine.compile(model.graph, model.parameters));
  mlc::EagerRunner eager = get(mlc::EagerRunner::create(engine, model.graph, model.parameters));

  const mlc::ImageTensor &input = executable.interface().inputs[0];
  mlc::Tensor x = get(mlc::Tensor::zeros(mlc::DType::F32, input.dims));
  for (int64_t i = 0; i < x.size(); ++i)
    x.dataAs<float>()[i] = static_cast<float>(i % 7 - 3) / 4;
  mlc::TensorMap inputs = {{input.name, x}};
  mlc::Call call = get(executable.bind(inputs));

  get(call.run());
  mlc::Tensor jitted = call.outputs()[0].clone();
  mlc::Tensor interpreted = get(eager(inputs)).at(executable.interface().outputs[0].name);
  std::printf("eager computes %s\n", mlc::toString(interpreted, 8).c_str());
  std::printf("jit computes   %s\n", mlc::toString(jitted, 8).c_str());
  mlc::Difference difference = mlc::compare(jitted, interpreted, 1e-5, 1e-6);
  require(difference.equal, "they differ: " + difference.message);

  auto [eagerSeconds, jitSeconds] =
      secondsForCalls([&] { get(eager(inputs)); }, [&] { get(call.run()); });
  std::printf("%d calls: eager %.6f s, jit %.6f s: %.1f times faster\n", kCalls, eagerSeconds,
              jitSeconds, eagerSeconds / jitSeconds);
}

int main(int argc, char **argv) {
  require(argc > 1, "usage: seed MODEL...");
  mlc::Engine engine = get(mlc::Engine::create());
  for (int i = 1; i < argc; ++i)
    time(engine, argv[i]);
}
