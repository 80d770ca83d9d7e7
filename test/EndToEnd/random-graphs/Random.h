//===- Random.h - Random numbers, the same everywhere -----------*- C++ -*-===//
//
// std::mt19937_64 is specified to the bit, the distributions of <random> are not.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TEST_ENDTOEND_RANDOM_H
#define MLC_TEST_ENDTOEND_RANDOM_H

#include <cstddef>
#include <cstdint>
#include <random>

namespace mlc::test {

class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}

  /// 0 ... count - 1.
  size_t below(size_t count) { return static_cast<size_t>(engine() % count); }
  /// low ... high, both included.
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<size_t>(high - low + 1)));
  }
  bool chance(size_t percent) { return below(100) < percent; }
  template <typename T, size_t n> const T &pick(const T (&items)[n]) { return items[below(n)]; }

private:
  std::mt19937_64 engine;
};

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_RANDOM_H
