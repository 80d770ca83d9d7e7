//===- Generator.h - Random valid graphs ------------------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_GENERATOR_H
#define MLC_TEST_ENDTOEND_GENERATOR_H

#include "Bounds.h"

namespace mlc::test {

/// A graph with everything to run its first function once.
struct Specimen {
  Graph graph;
  TensorMap parameters;
  TensorMap inputs; ///< By name.
};

/// The same specimen for the same seed, on every machine: a valid, executable
/// graph over all ops and dtypes that run, of small shapes (0, 1, primes, edges of
/// vectors), with values that stay tame under the reference.
Specimen generate(uint64_t seed);

/// The inputs in the order of the first function.
std::vector<Bounded> orderedInputs(const Specimen &specimen);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_GENERATOR_H
