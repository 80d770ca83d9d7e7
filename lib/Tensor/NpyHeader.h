//===- NpyHeader.h - What stands before the elements of an .npy ---*- C++ -*-===//
#ifndef MLC_LIB_TENSOR_NPYHEADER_H
#define MLC_LIB_TENSOR_NPYHEADER_H

#include "mlc/Support/File.h"
#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

struct NpyHeader {
  /// As many bytes as a header can have.
  static constexpr int64_t kMaxBytes = 65536;

  DType dtype = DType::F32;
  Shape shape;
  int64_t dataOffset = 0;
  int64_t dataBytes = 0;
};

/// `prefix` holds the first bytes of an array that has `totalBytes`: all of them,
/// or kMaxBytes. The array ends where its data does. Messages start with `name`.
Result<NpyHeader> parseNpyHeader(std::string_view prefix, int64_t totalBytes,
                                 const std::string &name);

/// Refuses bools that are neither 0 nor 1.
Status checkNpyData(const Tensor &tensor, const std::string &name);

/// The array in `file` at `offset`.
Result<Tensor> readNpyAt(const RegularFile &file, int64_t offset, int64_t totalBytes,
                         const std::string &name);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_TENSOR_NPYHEADER_H
