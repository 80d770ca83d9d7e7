//===- WeightType.h - What weights are stored as ----------------*- C++ -*-===//
#ifndef MLC_ABI_WEIGHTTYPE_H
#define MLC_ABI_WEIGHTTYPE_H

#include "mlc/Support/Version.h"

#include <cstdint>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// What the f32 parameters that matrix products have on their right are stored as. Sums of
/// products are of f32 and biases stay as they are.
enum class WeightType : int64_t {
  AsGiven = 0,
  BF16 = 1,        ///< Rounded to nearest even.
  Int8 = 2,        ///< -127 to 127, with a scale in f32 for each column.
  Int8Dynamic = 3, ///< The same, and what is multiplied with them too: with a scale for each
                   ///< row, found in each run. Sums of products are exact.
};

inline constexpr const char *kWeightTypeNames[] = {"as-given", "bf16", "int8", "int8-dynamic"};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_ABI_WEIGHTTYPE_H
