//===- DLPack.h - Tensors from and to other libraries -----------*- C++ -*-===//
//
// DLPack 1.x: the structs of dlpack.h (https://github.com/dmlc/dlpack), declared
// here under names of our own, so that a host may include its own dlpack.h; the
// layouts are the same, so a pointer to one is a pointer to the other.
// Thread-safety: as of the tensors.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TENSOR_DLPACK_H
#define MLC_TENSOR_DLPACK_H

#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <cstdint>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace dlpack {

inline constexpr uint32_t kMajorVersion = 1, kMinorVersion = 0;
inline constexpr int32_t kCpu = 1; ///< DLDevice::device_type
enum TypeCode : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kBool = 6 };
inline constexpr uint64_t kReadOnly = 1, kIsCopied = 2; ///< Flags.

/// DLTensor, with its DLDevice and DLDataType.
struct TensorView {
  void *data;
  int32_t deviceType, deviceId;
  int32_t rank;
  uint8_t typeCode, bits;
  uint16_t lanes;
  int64_t *shape;
  int64_t *strides; ///< In elements; null: row major and dense.
  uint64_t byteOffset;
};

/// DLManagedTensorVersioned. Its owner calls `deleter`, if there is one, once.
struct ManagedTensor {
  uint32_t major, minor;
  void *context;
  void (*deleter)(ManagedTensor *self);
  uint64_t flags;
  TensorView tensor;
};

} // namespace dlpack
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// `tensor` for another library, sharing its memory. The caller owns the result.
/// Usage error for a traced tensor.
Result<dlpack::ManagedTensor *> toDLPack(const Tensor &tensor);

/// Takes over a tensor of another library: its memory is shared, and `deleter` called
/// with the last copy. What is read-only, not dense or not aligned to its elements is
/// copied instead. On an error (another device, version or dtype; sizes that make no
/// sense) the caller keeps `managed`.
Result<Tensor> fromDLPack(dlpack::ManagedTensor *managed);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_TENSOR_DLPACK_H
