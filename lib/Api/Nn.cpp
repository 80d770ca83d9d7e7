//===- Nn.cpp - Layers of neural networks ---------------------------------===//
//
// Works on tensors. Refuses state dictionaries whose names, dtypes or shapes are not
// those of the module.
//
//===----------------------------------------------------------------------===//
#include "mlc/Api/Nn.h"

#include "Trace.h"

#include <cmath>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace nn {

namespace {

bool isMade(const Tensor &parameter) { return parameter.shape() != Shape{0}; }

/// Reads `in` from the last dimension of x if it is 0.
void inferFeatures(int64_t &in, const Tensor &x, const char *layer) {
  TensorType type = typeOf(x);
  if (type.rank() < 1 || type.dims.back().isSymbolic())
    throw Error(ErrorKind::Usage, std::string(layer) + ": the input is " + toString(type) +
                                      ", expected a known last dimension");
  if (in == 0)
    in = type.dims.back().size;
}

/// x W^T, with W of shape [out, in].
Tensor timesTransposed(const Tensor &x, const Tensor &weight) {
  TensorType type = typeOf(x), weightType = typeOf(weight);
  // As one matrix, so that the weight need not be repeated for every batch.
  bool flat = type.rank() != 2 && !type.dims.front().isSymbolic();
  Tensor y = matmul(flat ? reshape(x, {-1, weightType.dims[1].size}) : x, weight, false, true);
  if (!flat)
    return y;
  Shape shape = x.shape();
  shape.back() = weightType.dims[0].size;
  return reshape(y, shape);
}

/// Rows of a parameter. In a trace it is the parameter that is recorded, not a view of
/// it, so that the model keeps it whole.
Tensor rows(const Tensor &parameter, int64_t start, int64_t limit,
            SourceLocation where = SourceLocation::here()) {
  Trace *trace = Trace::active();
  if (!trace)
    return slice(parameter, 0, start, limit);
  using Ints = std::vector<int64_t>;
  return trace->record(
      Op::Slice, {parameter},
      {{"axes", Ints{0}}, {"starts", Ints{start}}, {"limits", Ints{limit}}, {"strides", Ints{1}}},
      where)[0];
}

} // namespace

/// Calls `visit(full name, parameter)` and `enter(module)` for all there is.
class StateWalk : public Members {
public:
  std::function<void(const std::string &, Tensor &)> visit = [](const std::string &, Tensor &) {};
  std::function<void(Module &)> enter = [](Module &) {};

  void walk(Module &module) {
    enter(module);
    module.members(*this);
  }
  void operator()(const std::string &name, Tensor &parameter) override {
    visit(prefix + name, parameter);
  }
  void operator()(const std::string &name, Module &inner) override {
    std::string outer = prefix;
    prefix += name + ".";
    walk(inner);
    prefix = std::move(outer);
  }

  /// Gives every module a seed of its own.
  void seedAll(Module &module, uint64_t seed) {
    visit = [](const std::string &, Tensor &parameter) { parameter = Tensor(); };
    enter = [&](Module &m) { m.seed = seed += 0x9e3779b97f4a7c15U; };
    walk(module);
  }

private:
  std::string prefix;
};

TensorMap Module::stateDict() {
  TensorMap tensors;
  StateWalk state;
  state.visit = [&](const std::string &name, Tensor &parameter) {
    if (isMade(parameter))
      tensors.emplace(name, parameter);
  };
  state.walk(*this);
  return tensors;
}

std::vector<const void *> Module::addresses() {
  std::vector<const void *> list;
  StateWalk state;
  state.visit = [&](const std::string &, Tensor &parameter) { list.push_back(parameter.data()); };
  state.walk(*this);
  return list;
}

void Module::loadStateDict(const TensorMap &tensors) {
  std::string findings;
  auto find = [&](const std::string &finding) {
    findings += (findings.empty() ? "" : "\n") + finding;
  };
  std::map<std::string, Tensor *> places;
  StateWalk state;
  state.visit = [&](const std::string &name, Tensor &place) {
    places.emplace(name, &place);
    auto found = tensors.find(name);
    if (found == tensors.end())
      find("missing parameter '" + name + "'");
    else if (isMade(place) && typeOf(place) != typeOf(found->second))
      find("parameter '" + name + "' is " + toString(typeOf(found->second)) + ", expected " +
           toString(typeOf(place)));
  };
  state.walk(*this);
  for (const auto &[name, tensor] : tensors)
    if (!places.count(name))
      find("unknown parameter '" + name + "'");
  if (!findings.empty())
    throw Error(ErrorKind::BadInput, findings);
  for (const auto &[name, tensor] : tensors)
    *places.at(name) = tensor.clone();
}

void Module::save(const std::string &path) {
  if (Status status = saveTensors(path, stateDict()); !status)
    throw status.takeError();
}

void Module::load(const std::string &path) {
  auto tensors = loadTensors(path);
  if (!tensors)
    throw tensors.takeError();
  try {
    loadStateDict(*tensors);
  } catch (Error &error) {
    error.message = "'" + path + "': " + error.message;
    throw;
  }
}

void Module::initialize(uint64_t seed) { StateWalk().seedAll(*this, seed); }

JitOptions Module::named(JitOptions options) {
  options.parameters = [this] { return stateDict(); };
  return options;
}

void Module::hybridize(bool on, JitOptions options) {
  std::lock_guard<std::mutex> lock(mutex);
  compiled.reset();
  hybrid.reset();
  if (on)
    hybrid = named(std::move(options));
}

Model Module::trace(const Tensor &x, JitOptions options) {
  return jit([this](const Tensor &t) { return forward(t); }, named(std::move(options))).trace(x);
}

Tensor Module::operator()(const Tensor &x) {
  if (!hybrid || x.isTraced())
    return forward(x);
  std::shared_ptr<Compiled> current;
  {
    std::lock_guard<std::mutex> lock(mutex);
    current = compiled;
  }
  if (!current || current->parameters != addresses()) {
    forward(x); // makes the parameters that are not there yet
    current = std::make_shared<Compiled>(Compiled{
        jit(std::function<Tensor(const Tensor &)>([this](const Tensor &t) { return forward(t); }),
            *hybrid),
        addresses()});
    std::lock_guard<std::mutex> lock(mutex);
    compiled = current;
  }
  return current->function(x);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Linear::Linear(int64_t out, int64_t in, bool bias) : out(out), in(in), hasBias(bias) {
  if (out < 1 || in < 0)
    throw Error(ErrorKind::Usage, "Linear: " + std::to_string(in) + " to " + std::to_string(out) +
                                      " features, expected one or more");
}

Tensor Linear::forward(const Tensor &x) {
  inferFeatures(in, x, "Linear");
  if (!isMade(weight)) {
    float bound = in > 0 ? 1 / std::sqrt(static_cast<float>(in)) : 0;
    weight = randomUniform({out, in}, nextSeed(), -bound, bound);
    if (hasBias)
      bias = randomUniform({out}, nextSeed(), -bound, bound);
  }
  Tensor y = timesTransposed(x, weight);
  return hasBias ? y + bias : y;
}

void Linear::members(Members &visit) {
  visit("weight", weight);
  if (hasBias)
    visit("bias", bias);
}

Tensor LayerNorm::forward(const Tensor &x) {
  int64_t features = 0;
  inferFeatures(features, x, "LayerNorm");
  if (!isMade(weight)) {
    weight = ones({features});
    bias = zeros({features});
  }
  Tensor centred = x - mean(x, {-1}, true);
  Tensor variance = mean(centred * centred, {-1}, true);
  return centred * rsqrt(variance + epsilon) * weight + bias;
}

void LayerNorm::members(Members &visit) {
  visit("weight", weight);
  visit("bias", bias);
}

GRU::GRU(int64_t hidden, int64_t in) : hidden(hidden), in(in) {
  if (hidden < 1 || in < 0)
    throw Error(ErrorKind::Usage, "GRU: " + std::to_string(in) + " to " + std::to_string(hidden) +
                                      " features, expected one or more");
}

std::array<Tensor, 3> GRU::gates(const Tensor &x) {
  inferFeatures(in, x, "GRU");
  if (!isMade(inputWeight)) {
    float bound = 1 / std::sqrt(static_cast<float>(hidden));
    auto make = [&](Shape shape) {
      return randomUniform(std::move(shape), nextSeed(), -bound, bound);
    };
    inputWeight = make({3 * hidden, in});
    stateWeight = make({3 * hidden, hidden});
    inputBias = make({3 * hidden});
    stateBias = make({3 * hidden});
  }
  std::array<Tensor, 3> gates;
  for (int64_t i = 0; i < 3; ++i)
    gates[static_cast<size_t>(i)] =
        timesTransposed(x, rows(inputWeight, i * hidden, (i + 1) * hidden)) +
        rows(inputBias, i * hidden, (i + 1) * hidden);
  return gates;
}

Tensor GRU::next(const std::array<Tensor, 3> &gates, const Tensor &state) {
  auto fromState = [&](int64_t i) {
    return matmul(state, rows(stateWeight, i * hidden, (i + 1) * hidden), false, true) +
           rows(stateBias, i * hidden, (i + 1) * hidden);
  };
  Tensor reset = sigmoid(gates[0] + fromState(0)), update = sigmoid(gates[1] + fromState(1));
  Tensor candidate = tanh(gates[2] + reset * fromState(2));
  return (1 - update) * candidate + update * state;
}

Tensor GRU::step(const Tensor &x, const Tensor &state) { return next(gates(x), state); }

std::pair<Tensor, Tensor> GRU::run(const Tensor &x, const Tensor &state) {
  auto [last, all] = scan(
      [&](const Tensor &before, const std::array<Tensor, 3> &element) {
        Tensor after = next(element, before);
        return std::pair(after, after);
      },
      state, gates(x)); // the part of the input for all steps at once
  return {all, last};
}

Tensor GRU::forward(const Tensor &x) {
  TensorType type = typeOf(x);
  if (type.rank() != 2 && type.rank() != 3)
    throw Error(ErrorKind::Usage, "GRU: the input is " + toString(type) +
                                      ", expected [steps, features] or [steps, batch, features]");
  if (type.rank() == 3)
    return run(x, zeros({x.shape()[1], hidden})).first;
  Tensor one = run(reshape(x, {-1, 1, x.shape()[1]}), zeros({1, hidden})).first;
  return reshape(one, {-1, hidden});
}

void GRU::members(Members &visit) {
  visit("weight_ih_l0", inputWeight);
  visit("weight_hh_l0", stateWeight);
  visit("bias_ih_l0", inputBias);
  visit("bias_hh_l0", stateBias);
}

Embedding::Embedding(int64_t num, int64_t dim) : num(num), dim(dim) {
  if (num < 1 || dim < 1)
    throw Error(ErrorKind::Usage, "Embedding: " + std::to_string(num) + " rows of " +
                                      std::to_string(dim) + " elements, expected one or more");
}

Tensor Embedding::forward(const Tensor &indices) {
  if (!isMade(weight))
    weight = randomNormal({num, dim}, nextSeed());
  return take(weight, indices);
}

void Embedding::members(Members &visit) { visit("weight", weight); }

Dropout::Dropout(double p) {
  if (!(p >= 0 && p <= 1))
    throw Error(ErrorKind::Usage,
                "Dropout: the probability is " + std::to_string(p) + ", expected 0 to 1");
}

Tensor Sequential::forward(const Tensor &x) {
  Tensor y = x;
  for (const auto &module : modules)
    y = (*module)(y);
  return y;
}

void Sequential::members(Members &visit) {
  for (size_t i = 0; i < modules.size(); ++i)
    visit(std::to_string(i), *modules[i]);
}

} // namespace nn
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
