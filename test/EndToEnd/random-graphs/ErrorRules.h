//===- ErrorRules.h - How errors pass through an op -------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_ERRORRULES_H
#define MLC_TEST_ENDTOEND_ERRORRULES_H

#include "Bounds.h"

namespace mlc::test {

/// The bounds of the only result of `node`, given what the reference made of it.
Result<std::vector<double>> resultError(const Node &node, const std::vector<Bounded> &operands,
                                        const Tensor &result);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_ERRORRULES_H
