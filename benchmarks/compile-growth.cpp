// Fails when compiling takes more than twice as long an op in a graph that is four times as large:
// a chain of ops that becomes one kernel, and equal and distinct layers, which share some or none.
// A busy machine may spoil a round, so the fastest counts, in processor time of the process.

#include "Graphs.h"

#include <algorithm>
#include <ctime>

using namespace mlc;
using namespace mlc::benchmarks;

static double fastestCompilation(const Case &c) {
  constexpr int kRounds = 3;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    Engine fresh = get(Engine::create()); // with no image cached
    std::clock_t start = std::clock();
    get(fresh.compile(c.graph, c.parameters));
    double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = round == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

static Case equalLayers(int64_t count) { return network(1, std::vector<int64_t>(count + 1, 64)); }
static Case distinctLayers(int64_t count) {
  std::vector<int64_t> widths;
  for (int64_t i = 0; i <= count; ++i)
    widths.push_back(32 + 8 * i);
  return network(1, widths);
}

int main() {
  struct Family {
    const char *name;
    Case (*make)(int64_t);
    int64_t small;
  };
  constexpr int64_t kTimes = 4;
  constexpr double kMost = 2; // times linear
  bool passed = true;
  fastestCompilation(adds(1)); // opens the compiler
  for (const Family &family : {Family{"adds", adds, 500}, Family{"equal layers", equalLayers, 32},
                               Family{"distinct layers", distinctLayers, 16}}) {
    double small = fastestCompilation(family.make(family.small));
    double large = fastestCompilation(family.make(kTimes * family.small));
    double growth = large / small / kTimes;
    std::printf("%lld %s take %.1f ms, %lld take %.1f ms: %.2f times linear\n",
                static_cast<long long>(family.small), family.name, 1e3 * small,
                static_cast<long long>(kTimes * family.small), 1e3 * large, growth);
    passed = passed && growth <= kMost;
  }
  return passed ? 0 : 1;
}
