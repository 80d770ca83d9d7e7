//===- Print.cpp - Tensors for people -------------------------------------===//
#include "mlc/Tensor/Element.h"

#include <algorithm>

using namespace mlc;

namespace {

/// Prints nested brackets; of a dimension longer than 2 * edge only the first and
/// last `edge` entries.
class Printer {
public:
  Printer(const Tensor &tensor, int64_t edge) : tensor(tensor), edge(edge) {
    strides.assign(tensor.shape().size(), 1);
    for (size_t i = strides.size(); i-- > 1;)
      strides[i - 1] = strides[i] * tensor.shape()[i];
  }

  void print(size_t depth, int64_t offset) {
    if (depth == strides.size()) {
      text += elementToString(tensor, offset);
      return;
    }
    int64_t size = tensor.shape()[depth];
    bool elided = edge >= 0 && size > 2 * edge;
    text += '[';
    for (int64_t i = 0; i < size; ++i) {
      if (i > 0)
        separate(depth);
      if (elided && i == edge) {
        text += "...";
        i = size - edge - 1;
        continue;
      }
      print(depth + 1, offset + i * strides[depth]);
    }
    text += ']';
  }

  std::string text;

private:
  void separate(size_t depth) {
    if (depth + 1 == strides.size()) {
      text += ", ";
      return;
    }
    // Inner arrays start below each other, set apart by their depth.
    text += ',';
    text.append(strides.size() - depth - 1, '\n');
    text.append(depth + 1, ' ');
  }

  const Tensor &tensor;
  int64_t edge;
  std::vector<int64_t> strides;
};

} // namespace

/// How many entries to keep at each end of a dimension: all (-1) or at most 3.
static int64_t edgeFor(const Tensor &tensor, int64_t maxElements) {
  if (tensor.size() <= maxElements)
    return -1;
  for (int64_t edge = 3; edge > 0; --edge) {
    int64_t shown = 1;
    for (int64_t dim : tensor.shape())
      shown = std::min(shown * std::min(dim, 2 * edge), maxElements + 1);
    if (shown <= maxElements)
      return edge;
  }
  return 0;
}

std::string mlc::toString(const Tensor &tensor, int64_t maxElements) {
  std::string type(dtypeName(tensor.dtype()));
  type += '[';
  for (size_t i = 0; i < tensor.shape().size(); ++i)
    type += (i ? "," : "") + std::to_string(tensor.shape()[i]);
  type += ']';
  if (tensor.size() == 0)
    return type + " []";
  maxElements = std::clamp<int64_t>(maxElements, 0, int64_t(1) << 40);
  Printer printer(tensor, edgeFor(tensor, maxElements));
  printer.print(0, 0);
  return type + (tensor.shape().size() > 1 ? "\n" : " ") + printer.text;
}
