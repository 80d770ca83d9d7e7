//===- Npy.h - numpy's .npy and .npz files ----------------------*- C++ -*-===//
//
// Reads and writes format versions 1 to 3, little endian, C order, of all dtypes;
// bf16 as ml_dtypes has it, which numpy shows as V2. Fortran order, big
// endian, object and structured dtypes are BadInput errors that say so.
// .npz: stored (not deflated) members only; deflated ones are Unsupported.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TENSOR_NPY_H
#define MLC_TENSOR_NPY_H

#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <string>
#include <string_view>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

Result<Tensor> readNpy(const std::string &path);
Result<Tensor> parseNpy(std::string_view bytes, const std::string &nameForErrors);
Status writeNpy(const std::string &path, const Tensor &tensor);
/// The member `name` (with or without ".npy") of an .npz archive.
Result<Tensor> readNpz(const std::string &path, const std::string &name);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_TENSOR_NPY_H
