//===- Safetensors.h - The container of weights -------------------*- C++ -*-===//
//
// Eight bytes of header length, a JSON header, the tensors' bytes back to back.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_MODEL_SAFETENSORS_H
#define MLC_LIB_MODEL_SAFETENSORS_H

#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Where a file's bytes come from.
struct ByteSource {
  int64_t size = 0;
  std::function<Status(int64_t offset, void *destination, int64_t count)> read;
  /// If set: all bytes, in memory that `keepAlive` owns and tensors may borrow.
  std::string_view mapped;
  std::shared_ptr<void> keepAlive;
};

struct TensorEntry {
  DType dtype = DType::F32;
  Shape shape;
  int64_t begin = 0, end = 0; ///< In the file.
};

struct SafetensorsHeader {
  static constexpr int64_t kMaxBytes = 100'000'000;

  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorEntry> tensors;
};

/// Reads and checks the header against every rule of the format; no tensor data
/// is touched. Messages start with `name`.
Result<SafetensorsHeader> readSafetensorsHeader(const ByteSource &source, const std::string &name);

/// The bytes of one tensor: borrowed if the source allows it and they are
/// aligned, else copied.
Result<Tensor> readSafetensor(const ByteSource &source, const TensorEntry &entry,
                              const std::string &name);

/// The length and header of a file whose data are the tensors in the order of
/// `order`, which this fills in.
std::string writeSafetensorsHeader(const std::map<std::string, std::string> &metadata,
                                   const std::map<std::string, Tensor> &tensors,
                                   std::vector<const Tensor *> &order);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_MODEL_SAFETENSORS_H
