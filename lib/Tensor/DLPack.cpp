//===- DLPack.cpp - Tensors from and to other libraries -------------------===//
//
// Works on host tensors. Refuses other devices, vector types, dtypes that mlc does
// not have, and structs that contradict themselves.
//
//===----------------------------------------------------------------------===//
#include "mlc/Tensor/DLPack.h"

#include <cstring>

using namespace mlc;
using dlpack::ManagedTensor;
using dlpack::TensorView;

static_assert(sizeof(TensorView) == 48 && sizeof(ManagedTensor) == 80, "the layout of dlpack.h");

static constexpr int32_t kMaxRank = 64;

static uint8_t typeCode(DType dtype) {
  switch (dtype) {
  case DType::F32:
  case DType::F64:
  case DType::F16:
    return dlpack::kFloat;
  case DType::BF16:
    return dlpack::kBfloat;
  case DType::U8:
    return dlpack::kUInt;
  case DType::Bool:
    return dlpack::kBool;
  case DType::I8:
  case DType::I16:
  case DType::I32:
  case DType::I64:
    break;
  }
  return dlpack::kInt;
}

namespace {
/// What a tensor that we hand out keeps.
struct Exported {
  ManagedTensor managed{};
  Tensor tensor;
  Shape shape;
};
} // namespace

Result<ManagedTensor *> mlc::toDLPack(const Tensor &tensor) {
  if (tensor.isTraced())
    return usageError(tensor.tracedValue()->origin + " is traced and has no elements to share");
  auto *exported = new Exported{{}, tensor, tensor.shape()};
  ManagedTensor &managed = exported->managed;
  managed.major = dlpack::kMajorVersion;
  managed.minor = dlpack::kMinorVersion;
  managed.context = exported;
  managed.deleter = [](ManagedTensor *self) { delete static_cast<Exported *>(self->context); };
  managed.tensor.data = exported->tensor.data();
  managed.tensor.deviceType = dlpack::kCpu;
  managed.tensor.rank = static_cast<int32_t>(exported->shape.size());
  managed.tensor.typeCode = typeCode(tensor.dtype());
  managed.tensor.bits = static_cast<uint8_t>(8 * dtypeBytes(tensor.dtype()));
  managed.tensor.lanes = 1;
  managed.tensor.shape = exported->shape.data();
  return &managed;
}

static Result<DType> dtypeIn(const TensorView &view) {
  for (DType dtype : kAllDTypes)
    if (view.typeCode == typeCode(dtype) && view.bits == 8 * dtypeBytes(dtype) && view.lanes == 1)
      return dtype;
  return unsupportedError("DLPack: there is no dtype of code " + std::to_string(view.typeCode) +
                          ", " + std::to_string(view.bits) + " bits, " +
                          std::to_string(view.lanes) + " lanes");
}

static bool isDense(const TensorView &view, const Shape &shape) {
  if (!view.strides)
    return true;
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0; expected *= shape[i])
    if (shape[i] != 1 && view.strides[i] != expected)
      return false;
  return true;
}

/// Copies the elements below `depth` in order.
static void copyStrided(const TensorView &view, const Shape &shape, int64_t bytes, size_t depth,
                        const char *from, char *&to) {
  if (depth == shape.size()) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
    to += bytes;
    return;
  }
  for (int64_t i = 0; i < shape[depth]; ++i)
    copyStrided(view, shape, bytes, depth + 1, from + i * view.strides[depth] * bytes, to);
}

Result<Tensor> mlc::fromDLPack(ManagedTensor *managed) {
  const TensorView &view = managed->tensor;
  if (managed->major != dlpack::kMajorVersion)
    return unsupportedError("DLPack: version " + std::to_string(managed->major) + ", expected " +
                            std::to_string(dlpack::kMajorVersion));
  if (view.deviceType != dlpack::kCpu)
    return unsupportedError("DLPack: a tensor on device type " + std::to_string(view.deviceType) +
                            ", expected 1, the CPU");
  auto dtype = dtypeIn(view);
  if (!dtype)
    return dtype.takeError();
  if (view.rank < 0 || view.rank > kMaxRank || (view.rank > 0 && !view.shape))
    return badInputError("DLPack: " + std::to_string(view.rank) + " dimensions, expected 0 to " +
                         std::to_string(kMaxRank) + " and their sizes");
  Shape shape(view.shape, view.shape + view.rank);
  auto count = elementCount(shape);
  int64_t bytes = dtypeBytes(*dtype);
  if (!count || *count > INT64_MAX / bytes)
    return badInputError("DLPack: no tensor has the shape " + toString(shape));
  if (*count > 0 && !view.data)
    return badInputError("DLPack: a tensor of shape " + toString(shape) + " without elements");

  char *data = *count > 0 ? static_cast<char *>(view.data) + view.byteOffset : nullptr;
  bool dense = *count == 0 || isDense(view, shape);
  bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(bytes) == 0;
  if (dense && aligned && !(managed->flags & dlpack::kReadOnly)) {
    std::shared_ptr<void> owner(managed, [](ManagedTensor *m) {
      if (m->deleter)
        m->deleter(m);
    });
    return Tensor::borrow(*dtype, std::move(shape), data, owner);
  }
  auto copy = Tensor::zeros(*dtype, shape);
  if (!copy)
    return copy;
  char *to = copy->dataAs<char>();
  if (dense && *count > 0)
    std::memcpy(to, data, static_cast<size_t>(copy->byteSize()));
  else if (!dense)
    copyStrided(view, shape, bytes, 0, data, to);
  if (managed->deleter)
    managed->deleter(managed);
  return copy;
}
