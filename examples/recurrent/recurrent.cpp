// A recurrent network that reads a sequence and then feeds on its own output until that
// settles: a loop over steps, and one that the data stops.
//
//   recurrent FILE    where the model is saved
#include "mlc/Api/Nn.h"

#include <algorithm>
#include <cstdio>

using mlc::Tensor;
namespace nn = mlc::nn;

namespace {

/// What goes from round to round while the network listens to itself.
struct Echo {
  Tensor state, output, change, rounds;
  template <typename Visit> void tensors(Visit &&visit) { visit(state, output, change, rounds); }
};

struct Listener {
  nn::GRU unit{32};
  nn::Linear head{8};

  /// `sequence` is [steps, 1, 8].
  Echo operator()(const Tensor &sequence) {
    auto hear = [&](const Tensor &state, const Tensor &x) {
      return std::pair(unit.step(x, state), std::tuple<>()); // collects nothing
    };
    Tensor heard = mlc::scan(hear, mlc::zeros({1, 32}), sequence).first;

    Echo start{heard, mlc::tanh(head(heard)), mlc::full({}, 1), mlc::zeros({})};
    auto unsettled = [](const Echo &echo) { return echo.change > 1e-3; };
    auto listen = [&](const Echo &echo) {
      Tensor state = unit.step(echo.output, echo.state);
      Tensor output = mlc::tanh(head(state));
      Tensor change = mlc::max(mlc::abs(output - echo.output));
      return Echo{state, output, change, echo.rounds + 1};
    };
    return mlc::whileLoop(unsettled, listen, start, /*limit=*/1000);
  }
};

void run(const std::string &path) {
  Listener listener;
  Tensor sequence = mlc::randomNormal({64, 1, 8}, /*seed=*/1);
  Echo imperative = listener(sequence);
  std::printf("op by op: settled after %g rounds\n%s\n", imperative.rounds.item<double>(),
              mlc::toString(imperative.output).c_str());

  auto compiled = mlc::jit([&](const Tensor &x) { return listener(x); });
  Echo symbolic = compiled(sequence);
  std::printf("compiled: settled after %g rounds\n%s\n", symbolic.rounds.item<double>(),
              mlc::toString(symbolic.output).c_str());
  if (auto difference = mlc::compare(symbolic.output, imperative.output, 1e-4, 1e-5);
      !difference.equal)
    throw mlc::Error(mlc::ErrorKind::Mismatch, difference.message);

  // The loop is a loop: more steps are not more code.
  auto lines = [&](int64_t steps) {
    std::string text = compiled.lower("asm", mlc::zeros({steps, 1, 8}));
    return std::count(text.begin(), text.end(), '\n');
  };
  std::printf("lines of assembly for 64 steps and for 6400: %s\n",
              lines(64) == lines(6400) ? "the same" : "different");
  compiled.save(path, sequence);
}

} // namespace

int main(int, char **argv) {
  try {
    run(argv[1]);
  } catch (const std::exception &error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
