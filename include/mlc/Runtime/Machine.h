//===- Machine.h - How fast this machine is ---------------------*- C++ -*-===//
#ifndef MLC_RUNTIME_MACHINE_H
#define MLC_RUNTIME_MACHINE_H

#include "mlc/Support/Version.h"

#include <cstdint>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// How fast the time stamp counter counts. The first call takes some 10 ms. Thread-safe.
double ticksPerSecond();

/// Operations per second of f32 multiply-adds, two each, on one core now: the best of
/// several attempts, some 10 ms altogether. 0 where there is no AVX2.
double measureFmaPeak();

/// Bytes per second that one core reads now, over and over, of a block of so many: the
/// best of several attempts, some 10 ms or, for large blocks, three readings. 0 where there
/// is no AVX2 or no memory.
double measureReadBandwidth(int64_t bytes);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_RUNTIME_MACHINE_H
