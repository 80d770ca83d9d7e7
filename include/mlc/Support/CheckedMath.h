//===- CheckedMath.h - Arithmetic that reports overflow ---------*- C++ -*-===//
#ifndef MLC_SUPPORT_CHECKEDMATH_H
#define MLC_SUPPORT_CHECKEDMATH_H

#include "mlc/Support/Version.h"

#include <cstdint>
#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// a * b, or nothing when the product does not fit.
inline std::optional<int64_t> checkedMul(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return std::nullopt;
  return product;
}

/// a + b, or nothing when the sum does not fit.
inline std::optional<int64_t> checkedAdd(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return std::nullopt;
  return sum;
}

/// The smallest multiple of `alignment` that is >= value (both >= 0).
constexpr int64_t alignTo(int64_t value, int64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_CHECKEDMATH_H
