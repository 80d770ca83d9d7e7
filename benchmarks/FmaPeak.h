// The most fused multiply-adds that one core does: what kernels are measured against.
#ifndef MLC_BENCHMARKS_FMAPEAK_H
#define MLC_BENCHMARKS_FMAPEAK_H

#include <chrono>

namespace mlc::benchmarks {

// Enough independent chains to hide the latency of the multiply-add units.
inline constexpr int kChains = 12;

// Vectors live in registers only: nothing is passed or returned.
#define MLC_FMA_LOOP(NAME, TARGET, BYTES)                                                          \
  __attribute__((target(TARGET), noinline)) inline void NAME(long rounds) {                        \
    typedef float Vector __attribute__((vector_size(BYTES)));                                      \
    Vector sums[kChains] = {}, factor = {}, addend = {};                                           \
    for (long r = 0; r < rounds; ++r) {                                                            \
      _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) asm volatile(                     \
          "vfmadd213ps %2, %1, %0" : "+v"(sums[i]) : "v"(factor), "v"(addend));                    \
    }                                                                                              \
  }
MLC_FMA_LOOP(fmaLoop512, "avx512f", 64)
MLC_FMA_LOOP(fmaLoop256, "avx2,fma", 32)
#undef MLC_FMA_LOOP

/// Floating-point operations per second of f32 multiply-adds on this core now:
/// the best of several attempts. 0 where there is no AVX2.
inline double measureFmaPeak() {
  __builtin_cpu_init();
  bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")))
    return 0;
  using Clock = std::chrono::steady_clock;
  const long rounds = 500000;
  double best = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    Clock::time_point start = Clock::now();
    wide ? fmaLoop512(rounds) : fmaLoop256(rounds);
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double perSecond = 2.0 * kChains * (wide ? 16 : 8) * rounds / seconds;
    best = perSecond > best ? perSecond : best;
  }
  return best;
}

} // namespace mlc::benchmarks

#endif // MLC_BENCHMARKS_FMAPEAK_H
