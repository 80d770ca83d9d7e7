//===- Team.h - A certain number of threads ---------------------*- C++ -*-===//
#ifndef MLC_TEST_CONFORMANCE_TEAM_H
#define MLC_TEST_CONFORMANCE_TEAM_H

#include "mlc/Support/ParallelFor.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace mlc::test {

/// As many threads as it is told, on a machine with any number of processors. They take
/// parts in turn and begin together, so that each has some and runs beside the others.
class Team : public ParallelFor {
public:
  explicit Team(int size) : size(size) {}

  void resize(int threads) { size = threads; } ///< Between runs.

  void run(int64_t count, void (*body)(void *, int64_t), void *argument) override {
    int64_t most = std::min<int64_t>(size, count);
    std::atomic<int64_t> ready{0};
    auto parts = [&](int64_t first) {
      for (++ready; ready < most;)
        std::this_thread::yield();
      for (int64_t i = first; i < count; i += most)
        body(argument, i);
    };
    std::vector<std::thread> others;
    for (int64_t i = 1; i < most; ++i)
      others.emplace_back(parts, i);
    parts(0);
    for (std::thread &other : others)
      other.join();
  }

private:
  int size;
};

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_TEAM_H
