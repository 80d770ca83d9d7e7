//===- Nn.h - Layers of neural networks -------------------------*- C++ -*-===//
//
//   auto net = mlc::nn::Sequential(mlc::nn::Linear(256), mlc::nn::ReLU(), mlc::nn::Linear(2));
//   mlc::Tensor y = net(x);   // op by op; sizes of layers are known after this
//   net.hybridize();          // from now on one native function
//
// A module is a function of one tensor with named parameters, named and laid out as
// PyTorch does ("0.weight": f32[out, in]). Write your own by deriving from Module.
//
// Everything here throws mlc::Error.
// Thread-safety: calls may run on many threads at once when all parameters have been
// made (by a first call); changing a module meanwhile is not safe.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_API_NN_H
#define MLC_API_NN_H

#include "mlc/Api/Jit.h"
#include "mlc/Support/Version.h"

#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace nn {

class Module;

/// Walks the parameters and inner modules of a module; see Module::members.
class Members {
public:
  virtual ~Members() = default;
  virtual void operator()(const std::string &name, Tensor &parameter) = 0;
  virtual void operator()(const std::string &name, Module &inner) = 0;
};

class Module {
public:
  virtual ~Module() = default;
  Module() = default;
  /// Copies share parameters, and are not hybridised.
  Module(const Module &other) : seed(other.seed) {}
  Module &operator=(const Module &) = delete;

  /// forward(), or after hybridize() the native function it was compiled to.
  Tensor operator()(const Tensor &x);
  /// Compiles from now on (or, with false, no longer). Parameters that loadStateDict()
  /// or initialize() replace later are seen; writing into their memory is not.
  void hybridize(bool on = true, JitOptions options = {});

  /// Parameters that have been made so far, by name; they share memory.
  TensorMap stateDict();
  /// Replaces parameters; the names must be those of stateDict(), or of a module that
  /// has not been called yet. The tensors are copied. Errors list what does not fit.
  void loadStateDict(const TensorMap &tensors);
  /// stateDict() in a safetensors file, which PyTorch's users can open, and back.
  void save(const std::string &path);
  void load(const std::string &path);
  /// Drops all parameters; the next call makes new ones from this seed.
  void initialize(uint64_t seed);
  /// The graph for inputs like `x`, with the parameters: saveModel() writes it.
  Model trace(const Tensor &x, JitOptions options = {});

protected:
  virtual Tensor forward(const Tensor &x) = 0;
  /// Names parameters and inner modules: `visit("weight", weight); visit("fc", fc);`.
  /// Parameters that are not made yet have the shape [0].
  virtual void members(Members & /*visit*/) {}
  /// For parameters: differs from parameter to parameter and from module to module.
  uint64_t nextSeed() { return seed += 0x632be59bd9b4e019U; }

private:
  friend class StateWalk;
  uint64_t seed = 0;
  struct Compiled {
    Jit<std::function<Tensor(const Tensor &)>> function;
    std::vector<const void *> parameters; ///< Of which the function was made.
  };
  std::vector<const void *> addresses();
  JitOptions named(JitOptions options);
  std::optional<JitOptions> hybrid;
  std::shared_ptr<Compiled> compiled;
  std::mutex mutex; ///< Guards `compiled`.
};

/// x W^T + b. Elements are spread over [-1/sqrt(in), 1/sqrt(in)) at first, as PyTorch's.
class Linear : public Module {
public:
  /// `in` may be left to the first input, whose last dimension it is.
  explicit Linear(int64_t out, int64_t in = 0, bool bias = true);

protected:
  Tensor forward(const Tensor &x) override;
  void members(Members &visit) override;

private:
  int64_t out, in;
  bool hasBias;
  Tensor weight, bias;
};

/// A module without parameters.
class Function : public Module {
public:
  explicit Function(Tensor (*function)(Operand)) : function(function) {}

protected:
  Tensor forward(const Tensor &x) override { return function(x); }

private:
  Tensor (*function)(Operand);
};

inline Function ReLU() { return Function(relu); }
inline Function Tanh() { return Function(tanh); }
inline Function Sigmoid() { return Function(sigmoid); }
inline Function GELU() {
  return Function([](Operand x) { return gelu(x); });
}
/// Along the last dimension.
inline Function Softmax() {
  return Function([](Operand x) { return softmax(x); });
}

/// (x - mean) / sqrt(variance + epsilon) * weight + bias, along the last dimension.
class LayerNorm : public Module {
public:
  explicit LayerNorm(double epsilon = 1e-5) : epsilon(epsilon) {}

protected:
  Tensor forward(const Tensor &x) override;
  void members(Members &visit) override;

private:
  double epsilon;
  Tensor weight, bias;
};

/// A gated recurrent unit over a sequence [steps, in] or [steps, batch, in]: the states
/// after each step, with `hidden` for `in`. The names, layout and formula of PyTorch's
/// nn.GRU with one layer: with r and z as sigmoids and n as tanh of what W_ih x + b_ih
/// and W_hh h + b_hh have for them (in n, the latter times r), h becomes (1 - z) n + z h.
class GRU : public Module {
public:
  /// `in` may be left to the first input.
  explicit GRU(int64_t hidden, int64_t in = 0);
  /// The states after each step from a given first one, [batch, hidden], and the last.
  std::pair<Tensor, Tensor> run(const Tensor &x, const Tensor &state);
  /// The state after x, [batch, in].
  Tensor step(const Tensor &x, const Tensor &state);

protected:
  Tensor forward(const Tensor &x) override;
  void members(Members &visit) override;

private:
  /// Of the gates r, z, n in that order: what the input has to say.
  std::array<Tensor, 3> gates(const Tensor &x);
  Tensor next(const std::array<Tensor, 3> &gates, const Tensor &state);
  int64_t hidden, in;
  Tensor inputWeight, stateWeight, inputBias, stateBias;
};

/// Rows of `weight`: f32[num, dim], picked by a tensor of indices as take() does: negative
/// ones count from the end, where PyTorch refuses them. Normally distributed at first, as
/// PyTorch's.
class Embedding : public Module {
public:
  Embedding(int64_t num, int64_t dim);

protected:
  Tensor forward(const Tensor &indices) override;
  void members(Members &visit) override;

private:
  int64_t num, dim;
  Tensor weight;
};

/// The identity: dropping elements with probability p is for training.
class Dropout : public Module {
public:
  explicit Dropout(double p = 0.5);

protected:
  Tensor forward(const Tensor &x) override { return x; }
};

/// One after the other; parameters are named "0.weight", ... by place.
class Sequential : public Module {
public:
  template <typename... M,
            typename = std::enable_if_t<(std::is_base_of_v<Module, std::decay_t<M>> && ...)>>
  explicit Sequential(M &&...modules) {
    (this->modules.push_back(std::make_shared<std::decay_t<M>>(std::forward<M>(modules))), ...);
  }

protected:
  Tensor forward(const Tensor &x) override;
  void members(Members &visit) override;

private:
  std::vector<std::shared_ptr<Module>> modules;
};

} // namespace nn
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_API_NN_H
