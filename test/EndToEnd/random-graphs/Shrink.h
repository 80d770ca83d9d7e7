//===- Shrink.h - Smaller specimens that still fail -------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_SHRINK_H
#define MLC_TEST_ENDTOEND_SHRINK_H

#include "Specimen.h"

#include <functional>

namespace mlc::test {

/// Greedily inlines calls, takes one value as the only output, turns values into
/// inputs (that hold what the reference computed) and symbolic dimensions into
/// sizes, as long as `fails` says that the specimen still fails.
Specimen shrink(Specimen specimen, const std::function<bool(const Specimen &)> &fails);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_SHRINK_H
