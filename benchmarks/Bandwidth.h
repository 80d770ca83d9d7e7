// The fastest reading and copying that one core does: what kernels that do little arithmetic
// are measured against.
#ifndef MLC_BENCHMARKS_BANDWIDTH_H
#define MLC_BENCHMARKS_BANDWIDTH_H

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace mlc::benchmarks {

/// Reads a multiple of 512 bytes, eight vectors at a time.
#define MLC_READ_LOOP(NAME, TARGET, BYTES)                                                         \
  __attribute__((target(TARGET), noinline)) inline void NAME(const char *data, size_t size) {      \
    typedef float Vector __attribute__((vector_size(BYTES)));                                      \
    for (const char *end = data + size; data != end; data += 8 * BYTES) {                          \
      _Pragma("GCC unroll 8") for (int i = 0; i < 8; ++i) {                                        \
        Vector value;                                                                              \
        asm volatile("vmovups %1, %0"                                                              \
                     : "=v"(value)                                                                 \
                     : "m"(reinterpret_cast<const Vector *>(data)[i]));                            \
      }                                                                                            \
    }                                                                                              \
  }
MLC_READ_LOOP(readLoop512, "avx512f", 64)
MLC_READ_LOOP(readLoop256, "avx2", 32)
#undef MLC_READ_LOOP

namespace detail {

struct Freed {
  void operator()(void *memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<char, Freed>;

/// Memory that every page of has been written to, so that no two pages are one.
inline Buffer touched(size_t bytes) {
  Buffer buffer(static_cast<char *>(std::aligned_alloc(64, bytes)));
  if (!buffer)
    std::abort();
  std::memset(buffer.get(), 1, bytes);
  return buffer;
}

/// Seconds of one pass: the best of several attempts, each of which takes long enough for the
/// clock.
template <typename F> double secondsOfPass(F &&pass) {
  using Clock = std::chrono::steady_clock;
  auto secondsOf = [&](int64_t passes) {
    Clock::time_point start = Clock::now();
    for (int64_t i = 0; i < passes; ++i)
      pass();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  int64_t passes = 1;
  while (secondsOf(passes) < 3e-4)
    passes *= 2;
  double best = secondsOf(passes);
  for (int attempt = 0; attempt < 5; ++attempt)
    best = std::min(best, secondsOf(passes));
  return best / static_cast<double>(passes);
}

} // namespace detail

/// Seconds that reading `bytes` again and again takes each time, from wherever in the caches that
/// many lie.
inline double measureRead(size_t bytes) {
  bytes = (std::max<size_t>(bytes, 512) + 511) / 512 * 512;
  detail::Buffer buffer = detail::touched(bytes);
  __builtin_cpu_init();
  bool wide = __builtin_cpu_supports("avx512f");
  return detail::secondsOfPass(
      [&] { wide ? readLoop512(buffer.get(), bytes) : readLoop256(buffer.get(), bytes); });
}

/// Seconds that moving `bytes` takes: half of them are read, half written, with the C library's
/// copy, which knows when to go past the caches.
inline double measureCopy(size_t bytes) {
  size_t half = (std::max<size_t>(bytes / 2, 64) + 63) / 64 * 64;
  detail::Buffer from = detail::touched(half), to = detail::touched(half);
  return detail::secondsOfPass([&] {
    std::memcpy(to.get(), from.get(), half);
    asm volatile("" ::: "memory");
  });
}

} // namespace mlc::benchmarks

#endif // MLC_BENCHMARKS_BANDWIDTH_H
