//===- Tensor.h - Dense host tensors ----------------------------*- C++ -*-===//
//
// A Tensor is a dtype, a shape and row-major, densely packed elements aligned
// to 64 bytes. Copies share the memory (like a shared_ptr): use clone() for an
// independent tensor. Thread-safety: as a shared_ptr to plain memory.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TENSOR_TENSOR_H
#define MLC_TENSOR_TENSOR_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"
#include "mlc/Tensor/DType.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

using Shape = std::vector<int64_t>;
/// The size, in the shape of a traced tensor, that is known at run time only.
inline constexpr int64_t kSymbolic = -1;

/// Product of the dimensions, or nothing if one is negative or the product of
/// those that are not 0 overflows (so that strides fit in every order).
std::optional<int64_t> elementCount(const Shape &shape);
/// "[2, 3]".
std::string toString(const Shape &shape);

/// A value of a graph that is being recorded; lib/Api/Trace.h derives from it.
struct TracedValue {
  std::string origin; ///< For errors: "`gt` (model.cpp:12)".
  virtual ~TracedValue() = default;
};

/// Elements in a row, in memory of others: C++20's std::span, as far as needed here.
template <typename T> class Span {
public:
  Span(T *data, size_t size) : first(data), count(size) {}
  /// Of a vector, an array, or whatever else has data() and size().
  template <typename C, typename = decltype(std::declval<C &>().data())>
  Span(C &container) : first(container.data()), count(container.size()) {}
  T *data() const { return first; }
  size_t size() const { return count; }
  T *begin() const { return first; }
  T *end() const { return first + count; }
  T &operator[](size_t i) const { return first[i]; }

private:
  T *first;
  size_t count;
};

class Tensor {
public:
  /// An f32 tensor of shape [0].
  Tensor();

  /// Zero-filled. Fails with ResourceLimit when the size overflows or memory
  /// is not to be had, BadInput on a negative dimension.
  static Result<Tensor> zeros(DType dtype, Shape shape);
  /// A copy of `bytes`, which must be exactly the tensor's size.
  static Result<Tensor> fromBytes(DType dtype, Shape shape, std::string_view bytes);
  /// Memory of someone else; `keepAlive` is released with the last copy. The
  /// shape must have an elementCount, `data` may be null if that is 0.
  static Tensor borrow(DType dtype, Shape shape, void *data,
                       const std::shared_ptr<void> &keepAlive);
  /// Elements of someone else, by their C++ type. BadInput if the shape has another
  /// number of them.
  template <typename T>
  static Result<Tensor> borrow(Span<T> elements, Shape shape,
                               const std::shared_ptr<void> &keepAlive = nullptr) {
    if (Status status = expectCount(elements.size(), shape); !status)
      return status.takeError();
    return borrow(dtypeOf<T>(), std::move(shape), elements.data(), keepAlive);
  }

  /// Stands for a value of a graph that is being recorded: it has a dtype and a
  /// shape, in which a symbolic dimension is kSymbolic, and no elements.
  static Tensor traced(DType dtype, Shape shape, std::shared_ptr<const TracedValue> value);
  bool isTraced() const { return symbol != nullptr; }
  const std::shared_ptr<const TracedValue> &tracedValue() const { return symbol; }

  DType dtype() const { return elementType; }
  const Shape &shape() const { return dims; }
  /// Number of elements; 0 for a traced tensor.
  int64_t size() const { return count; }
  int64_t byteSize() const { return count * dtypeBytes(elementType); }

  /// Of a traced tensor: a pointer to nothing.
  void *data() { return memory.get(); }
  const void *data() const { return memory.get(); }
  template <typename T> T *dataAs() { return static_cast<T *>(data()); }
  template <typename T> const T *dataAs() const { return static_cast<const T *>(data()); }

  /// The elements, in row-major order. Throws Error unless they are Ts.
  template <typename T> Span<T> span() {
    expectElements(dtypeOf<T>());
    return {dataAs<T>(), static_cast<size_t>(count)};
  }
  template <typename T> Span<const T> span() const {
    expectElements(dtypeOf<T>());
    return {dataAs<T>(), static_cast<size_t>(count)};
  }

  /// The one element, converted to T (float, double, int32_t, int64_t or bool).
  /// Throws Error for another number of elements, and for a traced tensor, whose
  /// value is known when the compiled graph runs and not before.
  template <typename T> T item() const;
  /// Whether the one element is not 0; throws as item does.
  explicit operator bool() const { return item<bool>(); }

  /// A copy with its own memory. Throws std::bad_alloc like a std::vector.
  Tensor clone() const;
  /// The same memory under another shape with as many elements.
  Result<Tensor> reshaped(Shape shape) const;
  /// The same memory from element `first` on, which must have room for `shape`.
  Tensor view(Shape shape, int64_t first) const;
  /// Same dtype, shape and bytes (so NaN equals the same NaN).
  bool identical(const Tensor &other) const;

private:
  static Status expectCount(size_t count, const Shape &shape);
  void expectElements(DType dtype) const;

  DType elementType = DType::F32;
  Shape dims{0};
  int64_t count = 0;
  std::shared_ptr<void> memory;
  std::shared_ptr<const TracedValue> symbol;
};

extern template float Tensor::item<float>() const;
extern template double Tensor::item<double>() const;
extern template int32_t Tensor::item<int32_t>() const;
extern template int64_t Tensor::item<int64_t>() const;
extern template bool Tensor::item<bool>() const;

/// numpy-like text: dtype, shape and elements, elided past `maxElements`.
std::string toString(const Tensor &tensor, int64_t maxElements = 1000);

/// The worst disagreement between two tensors.
struct Difference {
  bool equal = true;
  int64_t index = -1; ///< Flat index of the worst element, -1 if shapes differ.
  double got = 0, expected = 0;
  double excess = 0;   ///< |got - expected| / allowed; > 1 is a mismatch.
  std::string message; ///< Empty if equal, else names the worst element.
};

/// Element-wise |got - expected| <= absolute + relative * |expected|. NaN agrees
/// with NaN only, an infinity only with itself. Integers and bools must be equal.
Difference compare(const Tensor &got, const Tensor &expected, double relative, double absolute);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_TENSOR_TENSOR_H
