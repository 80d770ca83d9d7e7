//===- GuardedTensor.h - Tensors between inaccessible pages -----*- C++ -*-===//
#ifndef MLC_TEST_CONFORMANCE_GUARDEDTENSOR_H
#define MLC_TEST_CONFORMANCE_GUARDEDTENSOR_H

#include "mlc/Tensor/Tensor.h"

namespace mlc::test {

/// Which guard page the elements touch.
enum class Flush { Start, End };

/// An uninitialised (0xA5) tensor on pages of its own, its first byte right after
/// an inaccessible page or its last byte right before one.
Tensor guardedTensor(DType dtype, const Shape &shape, Flush flush);
/// A copy of `tensor` there, which cannot be written.
Tensor guardedCopy(const Tensor &tensor, Flush flush);

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_GUARDEDTENSOR_H
