// Modules: eager, hybridised, saved and restored.
#include "TestGraphs.h"

#include "mlc/Api/Nn.h"

#include <cmath>
#include <cstdio>

using namespace mlc;
using Catch::Contains;

namespace {

nn::Sequential makeNet() { return nn::Sequential(nn::Linear(16), nn::ReLU(), nn::Linear(3)); }

/// A module of one's own: two layers and a residual.
class Residual : public nn::Module {
public:
  int runs = 0;

protected:
  Tensor forward(const Tensor &x) override {
    ++runs;
    return norm(x + second(tanh(first(x))));
  }
  void members(nn::Members &visit) override {
    visit("first", first);
    visit("second", second);
    visit("norm", norm);
  }

private:
  nn::Linear first{8}, second{4};
  nn::LayerNorm norm;
};

void checkClose(const Tensor &a, const Tensor &b) {
  Difference difference = compare(a, b, 1e-5, 1e-6);
  INFO(difference.message);
  CHECK(difference.equal);
}

const Tensor x = randomNormal({5, 4}, 1);

} // namespace

TEST_CASE("a network is the same eagerly and compiled") {
  nn::Sequential net = makeNet();
  Tensor eager = net(x);
  CHECK(eager.shape() == Shape{5, 3});
  JitOptions options;
  options.dims = {"batch"};
  net.hybridize(true, options);
  EngineStats before = defaultEngine().stats();
  checkClose(net(x), eager);
  for (int64_t rows : {1, 2, 3})
    checkClose(net(slice(x, 0, 0, rows)), slice(eager, 0, 0, rows));
  CHECK(defaultEngine().stats().traces - before.traces == 1);
  net.hybridize(false);
  CHECK(net(x).identical(eager));
}

TEST_CASE("a linear layer is x W^T + b, of any rank") {
  nn::Linear layer(2);
  layer(zeros({1, 3}));
  layer.loadStateDict({{"weight", array({1, 2, 3, 4, 5, 6}, {2, 3})}, {"bias", array({10, 20})}});
  CHECK(values(layer(array({1, 1, 1}))) == std::vector<float>{16, 35});
  CHECK(values(layer(array({1, 0, 0, 0, 1, 0}, {2, 1, 3}))) == std::vector<float>{11, 24, 12, 25});
  CHECK(layer(zeros({2, 0, 3})).shape() == Shape{2, 0, 2});
  CHECK_THAT(errorOf([&] { layer(zeros({1, 4})); }), Contains("reshape") || Contains("matmul"));
  CHECK_THAT(errorOf([] { nn::Linear(0); }), Contains("expected one or more"));
}

TEST_CASE("layer norm has mean 0 and deviation 1") {
  nn::LayerNorm norm;
  Tensor y = norm(x);
  for (float m : values(mean(y, {-1})))
    CHECK(m == Approx(0).margin(1e-6));
  for (float v : values(mean(y * y, {-1})))
    CHECK(v == Approx(1).epsilon(1e-3));
}

TEST_CASE("a GRU is PyTorch's formula, step by step") {
  constexpr int64_t steps = 5, batch = 2, in = 3, hidden = 4;
  nn::GRU gru(hidden);
  Tensor x = randomNormal({steps, batch, in}, 2);
  Tensor all = gru(x);
  REQUIRE(all.shape() == Shape{steps, batch, hidden});
  TensorMap state = gru.stateDict();
  auto at = [&](const char *name, int64_t row, int64_t column = 0) {
    const Tensor &t = state.at(name);
    return double(t.dataAs<float>()[t.shape().size() == 1 ? row : row * t.shape()[1] + column]);
  };
  std::vector<double> h(batch * hidden, 0);
  Tensor expected = zeros({steps, batch, hidden});
  for (int64_t s = 0; s < steps; ++s) {
    std::vector<double> before = h;
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t j = 0; j < hidden; ++j) {
        double fromInput[3], fromState[3];
        for (int64_t g = 0; g < 3; ++g) {
          int64_t row = g * hidden + j;
          fromInput[g] = at("bias_ih_l0", row);
          fromState[g] = at("bias_hh_l0", row);
          for (int64_t k = 0; k < in; ++k)
            fromInput[g] +=
                at("weight_ih_l0", row, k) * double(x.dataAs<float>()[(s * batch + b) * in + k]);
          for (int64_t k = 0; k < hidden; ++k)
            fromState[g] += at("weight_hh_l0", row, k) * before[size_t(b * hidden + k)];
        }
        auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
        double r = logistic(fromInput[0] + fromState[0]), z = logistic(fromInput[1] + fromState[1]);
        double n = std::tanh(fromInput[2] + r * fromState[2]);
        double &place = h[size_t(b * hidden + j)];
        place = (1 - z) * n + z * place;
        expected.dataAs<float>()[(s * batch + b) * hidden + j] = float(place);
      }
  }
  checkClose(all, expected);
  gru.hybridize();
  checkClose(gru(x), expected);

  // Unbatched, with a symbolic number of steps, and step by step.
  JitOptions options;
  options.dims = {"steps"};
  gru.hybridize(true, options);
  Tensor one = reshape(slice(x, 1, 0, 1), {steps, in});
  for (int64_t n : {steps, int64_t(1), int64_t(0)})
    checkClose(gru(slice(one, 0, 0, n)),
               reshape(slice(slice(expected, 1, 0, 1), 0, 0, n), {n, hidden}));
  auto step = jit([&](const Tensor &t, const Tensor &s) { return gru.step(t, s); });
  Tensor h1 = zeros({batch, hidden});
  for (int64_t s = 0; s < steps; ++s) {
    h1 = step(reshape(slice(x, 0, s, s + 1), {batch, in}), h1);
    checkClose(h1, reshape(slice(expected, 0, s, s + 1), {batch, hidden}));
  }
  gru.hybridize(false);
  CHECK_THAT(errorOf([&] { gru(array({1, 2, 3})); }), Contains("GRU: the input is f32[3]"));
}

TEST_CASE("a traced GRU keeps PyTorch's parameters whole") {
  nn::Sequential net(nn::GRU(4), nn::Linear(2));
  Tensor x = randomNormal({5, 3, 6}, 2);
  net(x);
  Model model = net.trace(x);
  CHECK(model.parameters.size() == 6);
  for (const auto &[name, tensor] : net.stateDict()) {
    INFO(name);
    REQUIRE(model.parameters.count(name) == 1);
    CHECK(model.parameters.at(name).identical(tensor));
  }
}

TEST_CASE("an embedding picks rows of its weight") {
  nn::Sequential net(nn::Embedding(7, 4), nn::Linear(2), nn::ReLU());
  Tensor words = cast(reshape(arange(6), {2, 3}), DType::I32);
  Tensor y = net(words);
  CHECK(y.shape() == Shape{2, 3, 2});
  Tensor weight = net.stateDict().at("0.weight");
  CHECK(weight.shape() == Shape{7, 4});
  JitOptions options;
  options.dims = {"batch"};
  net.hybridize(true, options);
  EngineStats before = defaultEngine().stats();
  checkClose(net(words), y);
  checkClose(net(slice(words, 0, 0, 1)), slice(y, 0, 0, 1));
  CHECK(defaultEngine().stats().traces - before.traces == 1);
  CHECK_THAT(errorOf([&] { net(words + 2); }), Contains("an index is not in [-7, 7)"));

  nn::Embedding embedding(7, 4);
  embedding.loadStateDict({{"weight", weight}});
  CHECK(embedding(words).identical(take(weight, words)));
  CHECK_THAT(errorOf([&] { embedding(words + 2); }), Contains(" is not in [-7, 7)"));
  CHECK_THAT(errorOf([&] { embedding(x); }), Contains("i32 or i64, got f32"));
  CHECK_THAT(errorOf([] { nn::Embedding(0, 4); }), Contains("Embedding: 0 rows of 4 elements"));
}

TEST_CASE("an embedding's weight is normally distributed") {
  nn::Embedding embedding(100, 100), other(100, 100);
  embedding.initialize(3), other.initialize(3);
  Tensor word = zeros({1}, DType::I64);
  CHECK(embedding(word).identical(other(word)));
  Tensor weight = embedding.stateDict().at("weight");
  CHECK(mean(weight).item<float>() == Approx(0).margin(0.05));
  CHECK(mean(weight * weight).item<float>() == Approx(1).epsilon(0.05));
}

TEST_CASE("dropout does nothing to what it is given") {
  nn::Dropout dropout(0.3);
  CHECK(dropout(x).identical(x));
  dropout.hybridize();
  CHECK(dropout(x).identical(x));
  nn::Sequential net(nn::Dropout(0), nn::Tanh(), nn::Dropout(1));
  CHECK(net(x).identical(tanh(x)));
  CHECK(net.stateDict().empty());
  for (double p : {-0.1, 1.5, std::nan("")})
    CHECK_THAT(errorOf([&] { nn::Dropout d(p); }), Contains("expected 0 to 1"));
}

TEST_CASE("parameters have PyTorch's names and survive a file") {
  nn::Sequential net = makeNet();
  net.initialize(7);
  Tensor y = net(x);
  TensorMap state = net.stateDict();
  REQUIRE(state.size() == 4);
  CHECK(state.at("0.weight").shape() == Shape{16, 4});
  CHECK(state.at("2.bias").shape() == Shape{3});
  CHECK(max(abs(state.at("0.weight"))).item<float>() <= 0.5f);
  CHECK(!state.at("0.bias").identical(slice(state.at("0.weight"), 1, 0, 1)));
  net.save("nn-test.safetensors");
  nn::Sequential other = makeNet();
  other.load("nn-test.safetensors");
  CHECK(other(x).identical(y));
  CHECK_THAT(errorOf([] { nn::Sequential(nn::Linear(16)).load("nn-test.safetensors"); }),
             Contains("'nn-test.safetensors': unknown parameter '2.bias'"));
  std::remove("nn-test.safetensors");
  CHECK_THAT(errorOf([&] { other.loadStateDict({{"0.weight", zeros({1})}}); }),
             Contains("'0.weight' is f32[1], expected f32[16,4]") &&
                 Contains("missing parameter '2.bias'"));
  CHECK(other(x).identical(y));
}

TEST_CASE("seeds make parameters, the same each time") {
  nn::Sequential a = makeNet(), b = makeNet();
  a.initialize(1), b.initialize(1);
  CHECK(a(x).identical(b(x)));
  b.initialize(2);
  CHECK(!a(x).identical(b(x)));
}

TEST_CASE("a hybridised network sees new parameters") {
  nn::Sequential net = makeNet(), other = makeNet();
  net.initialize(1), other.initialize(2);
  Tensor y = other(x);
  net.hybridize();
  net(x);
  net.loadStateDict(other.stateDict());
  checkClose(net(x), y);
}

TEST_CASE("modules of one's own, inside others") {
  Residual block;
  Tensor y = block(x);
  CHECK(block.stateDict().count("first.weight") == 1);
  CHECK(block.stateDict().count("norm.bias") == 1);
  block.hybridize();
  checkClose(block(x), y);
  int runs = block.runs;
  checkClose(block(x), y);
  CHECK(block.runs == runs);
  nn::Sequential net(Residual(), nn::GELU());
  Tensor outer = net(x);
  net.hybridize();
  checkClose(net(x), outer);
}

TEST_CASE("a traced network is a model file with its parameters' names") {
  nn::Sequential net = makeNet();
  Tensor y = net(x);
  JitOptions options;
  options.dims = {"batch"};
  Model model = net.trace(x, options);
  CHECK(model.parameters.size() == 4);
  CHECK(model.parameters.count("2.bias") == 1);
  Status saved = saveModel("nn-test-model.safetensors", model);
  check(saved);
  Executable loaded = get(defaultEngine().load("nn-test-model.safetensors"));
  std::remove("nn-test-model.safetensors");
  checkClose(get(loaded({{"x", x}})).at("y"), y);
}
