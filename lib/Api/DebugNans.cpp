//===- DebugNans.cpp - Finding the op that makes a NaN --------------------===//
//
// Works on tensors with elements.
//
//===----------------------------------------------------------------------===//
#include "DebugNans.h"

#include "mlc/Tensor/Element.h"

#include <cmath>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The place of the first NaN in row-major order, or -1.
static int64_t findNan(const Tensor &tensor) {
  if (isFloat(tensor.dtype()))
    for (int64_t i = 0; i < tensor.size(); ++i)
      if (std::isnan(elementAsDouble(tensor, i)))
        return i;
  return -1;
}

/// "[1, 2]".
static std::string indexText(const Shape &shape, int64_t place) {
  Shape index(shape.size());
  for (size_t i = shape.size(); i-- > 0; place /= shape[i])
    index[i] = place % shape[i];
  return toString(index);
}

Status refuseNewNan(std::string_view op, const std::vector<const Tensor *> &operands,
                    const std::vector<Tensor> &results) {
  for (const Tensor &result : results) {
    int64_t place = findNan(result);
    if (place < 0)
      continue;
    for (const Tensor *operand : operands)
      if (findNan(*operand) >= 0)
        return {};
    return badInputError(std::string(op) + ": makes a NaN, at " + indexText(result.shape(), place) +
                         " of shape " + toString(result.shape()) + ", out of operands without any");
  }
  return {};
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
