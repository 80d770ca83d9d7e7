//===- DType.h - Element types ----------------------------------*- C++ -*-===//
#ifndef MLC_TENSOR_DTYPE_H
#define MLC_TENSOR_DTYPE_H

#include "mlc/Support/Version.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Element types. The numbering is part of the canonical bytes: append only.
/// Signedness is in the dtype; Bool is one byte, 0 or 1, in memory.
enum class DType : uint8_t { F32, F64, F16, BF16, I8, U8, I16, I32, I64, Bool };

inline constexpr DType kAllDTypes[] = {DType::F32, DType::F64, DType::F16, DType::BF16,
                                       DType::I8,  DType::U8,  DType::I16, DType::I32,
                                       DType::I64, DType::Bool};

/// "f32", "f64", "f16", "bf16", "i8", "u8", "i16", "i32", "i64", "bool".
std::string_view dtypeName(DType dtype);
std::optional<DType> parseDType(std::string_view name);

/// Bytes per element in memory.
int64_t dtypeBytes(DType dtype);

bool isFloat(DType dtype);
/// Signed or unsigned integer; Bool is neither integer nor float.
bool isInteger(DType dtype);
/// Whether the executors run it; the others parse, verify and serialise.
bool isExecutable(DType dtype);

/// The dtype whose elements are T in memory.
template <typename T> constexpr DType dtypeOf() {
  if constexpr (std::is_same_v<T, float>)
    return DType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::F64;
  else if constexpr (std::is_same_v<T, bool>)
    return DType::Bool;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::U8;
  else {
    static_assert(std::is_integral_v<T> && std::is_signed_v<T>, "no dtype has such elements");
    return sizeof(T) == 1   ? DType::I8
           : sizeof(T) == 2 ? DType::I16
           : sizeof(T) == 4 ? DType::I32
                            : DType::I64;
  }
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_TENSOR_DTYPE_H
