//===- Machine.cpp - How fast this machine is -----------------------------===//
#include "mlc/Runtime/Machine.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <x86intrin.h>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double ticksPerSecond() {
  static const double frequency = [] {
    auto start = Clock::now();
    uint64_t first = __rdtsc();
    while (secondsSince(start) < 0.01) {
    }
    return static_cast<double>(__rdtsc() - first) / secondsSince(start);
  }();
  return frequency;
}

namespace {

// Enough independent chains to hide the latency of the multiply-add units.
constexpr int kChains = 12;

// Vectors live in registers only: nothing is passed or returned.
#define MLC_LOOPS(SUFFIX, TARGET, BYTES)                                                           \
  __attribute__((target(TARGET), noinline)) void fmaLoop##SUFFIX(int64_t rounds) {                 \
    typedef float Vector __attribute__((vector_size(BYTES)));                                      \
    Vector sums[kChains] = {}, factor = {}, addend = {};                                           \
    for (int64_t r = 0; r < rounds; ++r) {                                                         \
      _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) asm volatile(                     \
          "vfmadd213ps %2, %1, %0" : "+v"(sums[i]) : "v"(factor), "v"(addend));                    \
    }                                                                                              \
  }                                                                                                \
  __attribute__((target(TARGET), noinline)) void readLoop##SUFFIX(const char *from,                \
                                                                  const char *to) {                \
    typedef float Vector __attribute__((vector_size(BYTES)));                                      \
    for (; from < to; from += 256) {                                                               \
      _Pragma("GCC unroll 8") for (int i = 0; i < 256 / BYTES; ++i) {                              \
        Vector loaded;                                                                             \
        asm volatile("vmovups %1, %0"                                                              \
                     : "=v"(loaded)                                                                \
                     : "m"(*reinterpret_cast<const Vector *>(from + i * BYTES)));                  \
      }                                                                                            \
    }                                                                                              \
  }
MLC_LOOPS(512, "avx512f", 64)
MLC_LOOPS(256, "avx2,fma", 32)
#undef MLC_LOOPS

bool hasAvx512() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f");
}
bool hasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

} // namespace

double measureFmaPeak() {
  bool wide = hasAvx512();
  if (!wide && !hasAvx2())
    return 0;
  const int64_t rounds = 500000;
  double best = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    auto start = Clock::now();
    wide ? fmaLoop512(rounds) : fmaLoop256(rounds);
    best = std::max(best, 2.0 * kChains * (wide ? 16 : 8) * rounds / secondsSince(start));
  }
  return best;
}

double measureReadBandwidth(int64_t bytes) {
  bool wide = hasAvx512();
  if (!wide && !hasAvx2())
    return 0;
  constexpr int64_t kStep = 256, kSampleBytes = int64_t(1) << 20;
  int64_t size = std::max(kStep, (bytes + kStep - 1) / kStep * kStep);
  std::unique_ptr<char[]> block(new (std::nothrow) char[static_cast<size_t>(size) + 64]);
  if (!block)
    return 0;
  std::fill_n(block.get(), size + 64, 1);
  const char *from = block.get();
  from += 64 - reinterpret_cast<uintptr_t>(from) % 64;
  auto read = [&](int64_t rounds) {
    for (int64_t i = 0; i < rounds; ++i)
      wide ? readLoop512(from, from + size) : readLoop256(from, from + size);
  };
  int64_t rounds = std::max<int64_t>(1, kSampleBytes / size);
  read(1);
  double best = 0;
  auto begin = Clock::now();
  for (int attempt = 0; attempt < 3 || (attempt < 64 && secondsSince(begin) < 0.01); ++attempt) {
    auto start = Clock::now();
    read(rounds);
    best = std::max(best, static_cast<double>(size * rounds) / secondsSince(start));
  }
  return best;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
