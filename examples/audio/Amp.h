// A model of a guitar amplifier as a plug-in holds it: everything that may wait happens in
// prepare(), and process() is called by the host's audio thread.
#ifndef MLC_EXAMPLES_AUDIO_AMP_H
#define MLC_EXAMPLES_AUDIO_AMP_H

#include "mlc/Api/Nn.h"

#include <optional>

namespace audio {

/// A gated recurrent unit that hears one sample a step, and a weighted sum of its state
/// that is added to the dry signal.
class AmpNetwork : public mlc::nn::Module {
public:
  static constexpr int64_t kHidden = 32;
  /// A block [samples, 1, 1] and the state [1, kHidden] before it to the wet block and
  /// the state after it.
  std::pair<mlc::Tensor, mlc::Tensor> block(const mlc::Tensor &x, const mlc::Tensor &state);

protected:
  mlc::Tensor forward(const mlc::Tensor &x) override;
  void members(mlc::nn::Members &visit) override;

private:
  mlc::nn::GRU unit{kHidden, 1};
  mlc::nn::Linear head{1, kHidden};
};

class Amp {
public:
  static constexpr double kSampleRate = 48000; ///< Of the recordings it was fitted to.

  /// The weights by name, as AmpNetwork::load reads them from a file. Throws mlc::Error.
  explicit Amp(const mlc::TensorMap &weights) { network.loadStateDict(weights); }

  /// Compiles for blocks of that many samples, allocates, and touches every page that
  /// process() will. Throws mlc::Error. Not while process() runs.
  void prepare(double sampleRate, int blockSize);
  /// One block. Neither allocates nor locks, and asks nothing of the system.
  void process(const float *in, float *out) noexcept;
  /// Forgets what was heard.
  void reset() noexcept;

private:
  AmpNetwork network;
  mlc::Tensor input, state, output;
  std::optional<mlc::Call> call;
};

} // namespace audio

#endif // MLC_EXAMPLES_AUDIO_AMP_H
