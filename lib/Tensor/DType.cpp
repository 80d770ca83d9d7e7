//===- DType.cpp - Element types ------------------------------------------===//
#include "mlc/Tensor/DType.h"

#include <cstddef>

using namespace mlc;

namespace {
enum class Class : uint8_t { Float, Integer, Bool };

struct DTypeInfo {
  std::string_view name;
  int64_t bytes;
  Class kind;
  bool executable;
};

/// In the order of the enumerators.
constexpr DTypeInfo kInfo[] = {
    {"f32", 4, Class::Float, true},    {"f64", 8, Class::Float, false},
    {"f16", 2, Class::Float, true},    {"bf16", 2, Class::Float, true},
    {"i8", 1, Class::Integer, false},  {"u8", 1, Class::Integer, false},
    {"i16", 2, Class::Integer, false}, {"i32", 4, Class::Integer, true},
    {"i64", 8, Class::Integer, true},  {"bool", 1, Class::Bool, true},
};
static_assert(sizeof(kInfo) / sizeof(*kInfo) == sizeof(kAllDTypes) / sizeof(*kAllDTypes),
              "one row per dtype");
} // namespace

static const DTypeInfo &info(DType dtype) { return kInfo[static_cast<size_t>(dtype)]; }

std::string_view mlc::dtypeName(DType dtype) { return info(dtype).name; }

std::optional<DType> mlc::parseDType(std::string_view name) {
  for (DType dtype : kAllDTypes)
    if (info(dtype).name == name)
      return dtype;
  return std::nullopt;
}

int64_t mlc::dtypeBytes(DType dtype) { return info(dtype).bytes; }
bool mlc::isFloat(DType dtype) { return info(dtype).kind == Class::Float; }
bool mlc::isInteger(DType dtype) { return info(dtype).kind == Class::Integer; }
bool mlc::isExecutable(DType dtype) { return info(dtype).executable; }
