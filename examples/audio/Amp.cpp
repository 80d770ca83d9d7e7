// The amplifier: a network compiled for one block size, its state in one place.
#include "Amp.h"

#include <algorithm>
#include <cstring>

using mlc::Tensor;

namespace audio {

std::pair<Tensor, Tensor> AmpNetwork::block(const Tensor &x, const Tensor &state) {
  auto [states, last] = unit.run(x, state);
  return {head(states) + x, last};
}

Tensor AmpNetwork::forward(const Tensor &x) { return block(x, mlc::zeros({1, kHidden})).first; }

void AmpNetwork::members(mlc::nn::Members &visit) {
  visit("unit", unit);
  visit("head", head);
}

void Amp::prepare(double sampleRate, int blockSize) {
  if (sampleRate != kSampleRate)
    throw mlc::Error(mlc::ErrorKind::Unsupported,
                     "the amplifier was fitted to 48000 samples a second, the host has " +
                         std::to_string(sampleRate));
  if (blockSize < 1)
    throw mlc::Error(mlc::ErrorKind::Usage,
                     "blocks of " + std::to_string(blockSize) + " samples, expected one or more");
  Tensor in = mlc::zeros({blockSize, 1, 1}), out = mlc::zeros({blockSize, 1, 1});
  Tensor silent = mlc::zeros({1, AmpNetwork::kHidden});

  mlc::JitOptions options;
  options.name = "amp";
  options.parameters = [this] { return network.stateDict(); };
  options.donate = {1}; // the state after a block may be written over the one before it
  auto block = [this](const Tensor &x, const Tensor &before) { return network.block(x, before); };
  mlc::Executable executable = mlc::jit(block, options).compile(in, silent);
  mlc::Call bound =
      executable.bind({{"x0", in}, {"x1", silent}}, {{"y0", out}, {"y1", silent}}).orThrow();
  std::vector<float> silence(static_cast<size_t>(blockSize));
  // Nothing fails any more.
  call.emplace(std::move(bound));
  input = std::move(in);
  output = std::move(out);
  state = std::move(silent);

  // What is written for the first time or called for the first time may make the system
  // work: once now, on silence.
  process(silence.data(), silence.data());
  reset();
}

void Amp::process(const float *in, float *out) noexcept {
  // Copies, as a host may give the same memory for both.
  auto bytes = static_cast<size_t>(input.byteSize());
  std::memcpy(input.data(), in, bytes);
  bool good = call->run().ok();
  std::memcpy(out, good ? output.data() : in, bytes); // better dry than loud
}

void Amp::reset() noexcept { std::fill_n(state.dataAs<float>(), state.size(), 0.0f); }

} // namespace audio
