//===- Elements.cpp - Elements and indices of the reference functions ------------===//

#include "Ops.h"

#include "mlc/Tensor/Element.h"

#include <cmath>
#include <limits>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace reference {

std::vector<double> floats(const Tensor &tensor) {
  if (tensor.dtype() == DType::F32)
    return std::vector<double>(tensor.dataAs<float>(), tensor.dataAs<float>() + tensor.size());
  std::vector<double> values;
  values.reserve(static_cast<size_t>(tensor.size()));
  for (int64_t i = 0; i < tensor.size(); ++i)
    values.push_back(elementAsDouble(tensor, i));
  return values;
}

std::vector<int64_t> integers(const Tensor &tensor) {
  int64_t n = tensor.size();
  if (tensor.dtype() == DType::Bool)
    return std::vector<int64_t>(tensor.dataAs<uint8_t>(), tensor.dataAs<uint8_t>() + n);
  if (tensor.dtype() == DType::I32)
    return std::vector<int64_t>(tensor.dataAs<int32_t>(), tensor.dataAs<int32_t>() + n);
  return std::vector<int64_t>(tensor.dataAs<int64_t>(), tensor.dataAs<int64_t>() + n);
}

template <typename To, typename From, typename Convert>
static void store(Tensor &to, const std::vector<From> &from, Convert convert) {
  for (size_t i = 0; i < from.size(); ++i)
    to.dataAs<To>()[i] = convert(from[i]);
}

template <typename To, typename From> static void store(Tensor &to, const std::vector<From> &from) {
  store<To>(to, from, [](From value) { return static_cast<To>(value); });
}

Result<Tensor> fromFloats(const ResultType &type, const std::vector<double> &values) {
  Result<Tensor> result = Tensor::zeros(type.dtype, type.shape);
  if (!result)
    return result;
  if (type.dtype == DType::BF16)
    store<uint16_t>(*result, values, bfloatFromDouble);
  else if (type.dtype == DType::F16)
    store<uint16_t>(*result, values, halfFromDouble);
  else
    store<float>(*result, values);
  return result;
}

Result<Tensor> fromIntegers(const ResultType &type, const std::vector<int64_t> &values) {
  Result<Tensor> result = Tensor::zeros(type.dtype, type.shape);
  if (!result)
    return result;
  if (type.dtype == DType::F32)
    store<float>(*result, values);
  else if (type.dtype == DType::BF16)
    store<uint16_t>(*result, values, bfloatFromInt);
  else if (type.dtype == DType::F16)
    store<uint16_t>(*result, values, halfFromInt);
  else if (type.dtype == DType::Bool)
    store<uint8_t>(*result, values);
  else if (type.dtype == DType::I32)
    store<int32_t>(*result, values);
  else
    store<int64_t>(*result, values);
  return result;
}

int64_t wrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrappingSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t wrappingMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

double maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double minimum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

MultiIndex::MultiIndex(const Shape &shape)
    : shape(shape), index(shape.size(), 0), inside(elementCount(shape) != 0) {}

void MultiIndex::next() {
  for (size_t i = shape.size(); i-- > 0;) {
    if (++index[i] < shape[i])
      return;
    index[i] = 0;
  }
  inside = false;
}

int64_t flatIndex(const Shape &shape, const Shape &index) {
  int64_t flat = 0;
  for (size_t i = 0; i < shape.size(); ++i)
    flat = flat * shape[i] + index[i];
  return flat;
}

} // namespace reference
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
