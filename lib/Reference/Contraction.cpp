//===- Contraction.cpp - Reference of matmul --------------------------------------===//

#include "Ops.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace reference {

/// c[b, i, j] = sum over k of a[b, i, k] * b[b, k, j], in the order of k.
/// `multiplyAdd(sum, x, y)` is the step.
template <typename T, typename Step>
static std::vector<T> multiply(const Node &node, const Operands &operands, const ResultType &type,
                               const std::vector<T> &a, const std::vector<T> &b, Step multiplyAdd) {
  bool transposeA = attribute<bool>(node, "transpose_a");
  bool transposeB = attribute<bool>(node, "transpose_b");
  size_t rank = type.shape.size();
  int64_t rows = type.shape[rank - 2], columns = type.shape[rank - 1];
  int64_t depth = operands[0].shape()[transposeA ? rank - 2 : rank - 1];
  int64_t batches = 1;
  for (size_t i = 0; i + 2 < rank; ++i)
    batches *= type.shape[i];
  std::vector<T> result;
  for (int64_t n = 0; n < batches; ++n)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        T sum = 0;
        for (int64_t k = 0; k < depth; ++k) {
          int64_t inA = transposeA ? k * rows + i : i * depth + k;
          int64_t inB = transposeB ? j * depth + k : k * columns + j;
          sum = multiplyAdd(sum, a[static_cast<size_t>(n * rows * depth + inA)],
                            b[static_cast<size_t>(n * depth * columns + inB)]);
        }
        result.push_back(sum);
      }
  return result;
}

Result<Tensor> evaluateMatMul(const Node &node, const Operands &operands, const ResultType &type) {
  if (isFloat(type.dtype))
    return fromFloats(type, multiply(node, operands, type, floats(operands[0]), floats(operands[1]),
                                     [](double sum, double x, double y) { return sum + x * y; }));
  return fromIntegers(type, multiply(node, operands, type, integers(operands[0]),
                                     integers(operands[1]), [](int64_t sum, int64_t x, int64_t y) {
                                       return wrappingAdd(sum, wrappingMul(x, y));
                                     }));
}

} // namespace reference
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
