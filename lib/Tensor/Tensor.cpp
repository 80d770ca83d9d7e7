//===- Tensor.cpp - Dense host tensors ------------------------------------===//
#include "mlc/Tensor/Tensor.h"

#include "mlc/Support/CheckedMath.h"

#include <cstdlib>
#include <cstring>
#include <new>

using namespace mlc;

static constexpr size_t kAlignment = 64;

/// Tensors without elements point here, so that no pointer is ever null.
alignas(kAlignment) static char kNoElements[kAlignment];

std::optional<int64_t> mlc::elementCount(const Shape &shape) {
  // Dimensions of 0 are left out of the check: strides are products of the
  // others, and whether they fit may not depend on the order.
  int64_t product = 1;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0)
      return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    std::optional<int64_t> next = checkedMul(product, dim);
    if (!next)
      return std::nullopt;
    product = *next;
  }
  return empty ? 0 : product;
}

std::string mlc::toString(const Shape &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

static std::shared_ptr<void> noElements() {
  return std::shared_ptr<void>(std::shared_ptr<void>(), kNoElements);
}

/// Aligned memory of exactly `bytes` bytes (so that a checker sees the end), or
/// null.
static std::shared_ptr<void> allocate(int64_t bytes) {
  if (bytes == 0)
    return noElements();
  void *memory = nullptr;
  if (::posix_memalign(&memory, kAlignment, static_cast<size_t>(bytes)) != 0)
    return nullptr;
  return std::shared_ptr<void>(memory, std::free);
}

/// Bytes of such a tensor, or why there can be none.
static Result<int64_t> tensorBytes(DType dtype, const Shape &shape) {
  for (int64_t dim : shape)
    if (dim < 0)
      return badInputError("shape " + toString(shape) + " has a negative dimension");
  std::optional<int64_t> count = elementCount(shape);
  std::optional<int64_t> bytes = count ? checkedMul(*count, dtypeBytes(dtype)) : std::nullopt;
  if (!bytes)
    return resourceError("a tensor of shape " + toString(shape) + " is too large");
  return *bytes;
}

static Error noMemory(DType dtype, const Shape &shape, int64_t bytes) {
  return resourceError("no memory for a tensor " + std::string(dtypeName(dtype)) + toString(shape) +
                       " of " + std::to_string(bytes) + " bytes");
}

Tensor::Tensor() : memory(noElements()) {}

Result<Tensor> Tensor::zeros(DType dtype, Shape shape) {
  Result<int64_t> bytes = tensorBytes(dtype, shape);
  if (!bytes)
    return bytes.takeError();
  std::shared_ptr<void> memory = allocate(*bytes);
  if (!memory)
    return noMemory(dtype, shape, *bytes);
  std::memset(memory.get(), 0, static_cast<size_t>(*bytes));
  void *data = memory.get();
  return borrow(dtype, std::move(shape), data, memory);
}

Result<Tensor> Tensor::fromBytes(DType dtype, Shape shape, std::string_view bytes) {
  Result<int64_t> size = tensorBytes(dtype, shape);
  if (!size)
    return size.takeError();
  if (static_cast<uint64_t>(*size) != bytes.size())
    return badInputError("a tensor " + std::string(dtypeName(dtype)) + toString(shape) + " has " +
                         std::to_string(*size) + " bytes, not " + std::to_string(bytes.size()));
  std::shared_ptr<void> memory = allocate(*size);
  if (!memory)
    return noMemory(dtype, shape, *size);
  if (!bytes.empty())
    std::memcpy(memory.get(), bytes.data(), bytes.size());
  void *data = memory.get();
  return borrow(dtype, std::move(shape), data, memory);
}

Tensor Tensor::borrow(DType dtype, Shape shape, void *data,
                      const std::shared_ptr<void> &keepAlive) {
  Tensor tensor;
  tensor.elementType = dtype;
  tensor.count = elementCount(shape).value_or(0);
  tensor.dims = std::move(shape);
  if (data)
    tensor.memory = std::shared_ptr<void>(keepAlive, data);
  return tensor;
}

Status Tensor::expectCount(size_t count, const Shape &shape) {
  auto expected = elementCount(shape);
  if (expected && static_cast<size_t>(*expected) == count)
    return {};
  return badInputError(std::to_string(count) + " elements for a tensor of shape " +
                       toString(shape));
}

void Tensor::expectElements(DType dtype) const {
  if (isTraced())
    throw Error(ErrorKind::Usage, symbol->origin + " has no elements while its function is traced");
  if (dtype != elementType)
    throw Error(ErrorKind::Usage, "the elements are " + std::string(dtypeName(elementType)) +
                                      ", not " + std::string(dtypeName(dtype)));
}

Tensor Tensor::traced(DType dtype, Shape shape, std::shared_ptr<const TracedValue> value) {
  Tensor tensor;
  tensor.elementType = dtype;
  tensor.dims = std::move(shape);
  tensor.symbol = std::move(value);
  return tensor;
}

Tensor Tensor::view(Shape shape, int64_t first) const {
  char *begin = static_cast<char *>(memory.get()) + first * dtypeBytes(elementType);
  return borrow(elementType, std::move(shape), begin, memory);
}

Tensor Tensor::clone() const {
  std::shared_ptr<void> copy = allocate(byteSize());
  if (!copy)
    throw std::bad_alloc();
  if (count != 0)
    std::memcpy(copy.get(), data(), static_cast<size_t>(byteSize()));
  void *data = copy.get();
  return borrow(elementType, dims, data, copy);
}

Result<Tensor> Tensor::reshaped(Shape shape) const {
  std::optional<int64_t> elements = elementCount(shape);
  if (!elements || *elements != count)
    return badInputError("a tensor of shape " + toString(dims) + " has no shape " +
                         toString(shape) + ": the number of elements differs");
  Tensor result = *this;
  result.dims = std::move(shape);
  return result;
}

bool Tensor::identical(const Tensor &other) const {
  return elementType == other.elementType && dims == other.dims &&
         (count == 0 || std::memcmp(data(), other.data(), static_cast<size_t>(byteSize())) == 0);
}
