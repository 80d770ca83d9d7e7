//===- World.h - What the functions of a specimen share ---------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_WORLD_H
#define MLC_TEST_ENDTOEND_WORLD_H

#include "Bounds.h"
#include "Random.h"

#include "mlc/mlc.h"

namespace mlc::test {

/// The one function of custom ops.
constexpr const char *kIdentity = "identity";

/// What all functions of a specimen share.
struct World {
  Random random;
  Graph graph;
  TensorMap parameters;
  bool specials = false;   ///< Whether inputs hold NaN, infinities and extremes.
  bool continuous = false; ///< Whether floats have all their bits, not eighths.
  int64_t labels = 0;      ///< Of what is printed.

  explicit World(uint64_t seed);
};

/// Small numbers, of which sums and products stay small.
Tensor randomTensor(World &world, DType dtype, const Shape &shape);

/// Whether a value is worth building on.
bool isTame(const Bounded &bounded);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_WORLD_H
