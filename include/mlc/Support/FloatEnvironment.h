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

/// While it lives its thread computes in the environment that it is given, the value of
/// MXCSR; then that is what it was, exception flags included. The arithmetic to protect
/// must be behind a call, as the C++ compiler may move what it sees past the constructor.
class FloatEnvironment {
public:
  explicit FloatEnvironment(unsigned environment) : saved(current()) { _mm_setcsr(environment); }
  ~FloatEnvironment() { _mm_setcsr(saved); }
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

  static unsigned current() { return _mm_getcsr(); }

private:
  unsigned saved;
};

/// All exceptions masked, nothing else.
class DefaultFloatEnvironment : public FloatEnvironment {
public:
  DefaultFloatEnvironment() : FloatEnvironment(0x1f80) {}
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_FLOATENVIRONMENT_H
