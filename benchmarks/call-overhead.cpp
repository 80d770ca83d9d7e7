// Fails when a call of one add costs much more than one of a function that does nothing:
// docs/performance.md says what it should cost, this has room for a busy machine.

#include "Graphs.h"

#include <algorithm>
#include <chrono>

using namespace mlc;
using namespace mlc::benchmarks;

namespace {

constexpr double kMostRaw = 15, kMostChecked = 60; // ns above the empty function

template <typename F> double nanosecondsPerCall(F &&call) {
  constexpr int calls = 100000;
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  for (int i = 0; i < calls; ++i)
    call();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / calls;
}

} // namespace

int main() {
  Case c = oneAdd();
  Engine engine = get(Engine::create());
  Executable executable = get(engine.compile(c.graph, c.parameters));
  Call call = get(executable.bind(c.inputs));
  mlc_run_function volatile function = call.function();
  mlc_frame *frame = call.frame();
  bool good = true;
  double empty = 1e9, raw = 1e9, checked = 1e9; // the best of rounds, in turns
  for (int round = 0; round < 50; ++round) {
    empty = std::min(empty, nanosecondsPerCall([&] { good &= emptyFunction(frame) == 0; }));
    raw = std::min(raw, nanosecondsPerCall([&] { good &= function(frame) == 0; }));
    checked = std::min(checked, nanosecondsPerCall([&] { good &= call.run().ok(); }));
  }
  std::printf(
      "a call of nothing takes %.1f ns; of one add, above that: %.1f ns raw, %.1f ns checked\n",
      empty, raw - empty, checked - empty);
  return good && raw - empty <= kMostRaw && checked - empty <= kMostChecked ? 0 : 1;
}
