//===- TestTensors.h - Small tensors from lists of values ---------*- C++ -*-===//
#ifndef MLC_TEST_UNIT_TENSOR_TESTTENSORS_H
#define MLC_TEST_UNIT_TENSOR_TESTTENSORS_H

#include "mlc/Tensor/Element.h"

#include <sstream>
#include <stdexcept>

namespace mlc::test {

/// tensorOf(DType::F32, {2, 2}, "1 2 nan 4").
inline Tensor tensorOf(DType dtype, Shape shape, const std::string &values) {
  Result<Tensor> tensor = Tensor::zeros(dtype, std::move(shape));
  if (!tensor)
    throw std::runtime_error(tensor.error().message);
  std::istringstream words(values);
  std::string word;
  int64_t index = 0;
  while (words >> word) {
    if (index == tensor->size())
      throw std::runtime_error("too many values");
    Status status = parseElement(*tensor, index++, word);
    if (!status)
      throw std::runtime_error(status.error().message);
  }
  if (index != tensor->size())
    throw std::runtime_error("too few values");
  return *tensor;
}

} // namespace mlc::test

#endif // MLC_TEST_UNIT_TENSOR_TESTTENSORS_H
