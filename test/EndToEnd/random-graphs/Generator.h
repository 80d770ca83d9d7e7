//===- Generator.h - Random valid graphs ------------------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_GENERATOR_H
#define MLC_TEST_ENDTOEND_GENERATOR_H

#include "Specimen.h"

namespace mlc::test {

/// The same specimen for the same seed, on every machine: a valid, executable
/// graph over all ops and dtypes that run, of small shapes (0, 1, primes, edges of
/// vectors), with values that stay tame under the reference.
Specimen generate(uint64_t seed);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_GENERATOR_H
