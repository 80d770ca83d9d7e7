//===- Specimen.h - What is run in several ways -----------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_SPECIMEN_H
#define MLC_TEST_ENDTOEND_SPECIMEN_H

#include "Bounds.h"

namespace mlc::test {

/// A graph with everything to run its first function once.
struct Specimen {
  Graph graph;
  TensorMap parameters;
  TensorMap inputs; ///< By name.
};

/// The inputs in the order of the first function.
std::vector<Bounded> orderedInputs(const Specimen &specimen);

/// The sizes that the inputs give the symbolic dimensions of the first function.
std::map<std::string, int64_t> dimSizes(const Specimen &specimen);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_SPECIMEN_H
