//===- FloatEnvironment.h - Default floating-point arithmetic ---*- C++ -*-===//
//
// What a model becomes may not depend on how its host computes: reading, tracing,
// compiling and preparing happen in the environment that a program starts with -
// round to nearest, denormals kept, exceptions masked - whatever the calling thread
// has set (docs/rationale/floating-point.md). Running a model is the caller's own.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_SUPPORT_FLOATENVIRONMENT_H
#define MLC_SUPPORT_FLOATENVIRONMENT_H

#include "mlc/Support/Version.h"

#include <xmmintrin.h>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// While it lives its thread computes in the default environment; then MXCSR is what it
/// was, exception flags included. The arithmetic to protect must be behind a call, as
/// the C++ compiler may move what it sees past the constructor.
class DefaultFloatEnvironment {
public:
  DefaultFloatEnvironment() : saved(_mm_getcsr()) { _mm_setcsr(kDefault); }
  ~DefaultFloatEnvironment() { _mm_setcsr(saved); }
  DefaultFloatEnvironment(const DefaultFloatEnvironment &) = delete;
  DefaultFloatEnvironment &operator=(const DefaultFloatEnvironment &) = delete;

private:
  static constexpr unsigned kDefault = 0x1f80; ///< All exceptions masked, nothing else.
  unsigned saved;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_FLOATENVIRONMENT_H
