//===- Element.cpp - Single elements as numbers ---------------------------===//
//
// Text conversions go through std::to_chars and std::from_chars: shortest, exact
// and independent of the locale. Assumes the default rounding mode nowhere.
//
//===----------------------------------------------------------------------===//
#include "mlc/Tensor/Element.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlc;

//===----------------------------------------------------------------------===//
// Narrow floats
//===----------------------------------------------------------------------===//

float mlc::bfloatToFloat(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

float mlc::halfToFloat(uint16_t bits) {
  int exponent = bits >> 10 & 0x1f;
  int mantissa = bits & 0x3ff;
  float magnitude;
  if (exponent == 0x1f)
    magnitude =
        mantissa ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  else
    magnitude = std::ldexp(static_cast<float>(mantissa + 0x400), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// The 16-bit float with so many exponent and mantissa bits nearest to `value`.
/// A long double holds each double and each int64_t.
static uint16_t roundToNarrow(long double value, int exponentBits, int mantissaBits) {
  const int infinity = ((1 << exponentBits) - 1) << mantissaBits;
  const int sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value))
    return static_cast<uint16_t>(sign | infinity | 1 << (mantissaBits - 1));
  if (std::isinf(value))
    return static_cast<uint16_t>(sign | infinity);
  if (value == 0)
    return static_cast<uint16_t>(sign);
  const int smallest = 2 - (1 << (exponentBits - 1));
  int exponent = std::max(std::ilogb(value), smallest);
  if (exponent > 1 - smallest)
    return static_cast<uint16_t>(sign | infinity);
  // In units of the last place: an integer part of at most mantissaBits + 1 bits.
  long double units = std::ldexp(std::fabs(value), mantissaBits - exponent);
  int whole = static_cast<int>(units);
  long double rest = units - whole;
  if (rest > 0.5L || (rest == 0.5L && whole % 2 != 0))
    ++whole;
  // The leading one of a normal number carries into the exponent field.
  return static_cast<uint16_t>(sign | (((exponent - smallest) << mantissaBits) + whole));
}

uint16_t mlc::halfFromDouble(double value) { return roundToNarrow(value, 5, 10); }
uint16_t mlc::bfloatFromDouble(double value) { return roundToNarrow(value, 8, 7); }

static_assert(std::numeric_limits<long double>::digits >= 64, "holds each int64_t");
uint16_t mlc::halfFromInt(int64_t value) {
  return roundToNarrow(static_cast<long double>(value), 5, 10);
}
uint16_t mlc::bfloatFromInt(int64_t value) {
  return roundToNarrow(static_cast<long double>(value), 8, 7);
}

//===----------------------------------------------------------------------===//
// Elements as numbers
//===----------------------------------------------------------------------===//

template <typename T> static T load(const Tensor &tensor, int64_t index) {
  T value;
  std::memcpy(&value, tensor.dataAs<char>() + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T> static void store(Tensor &tensor, int64_t index, T value) {
  std::memcpy(tensor.dataAs<char>() + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

int64_t mlc::elementAsInt(const Tensor &tensor, int64_t index) {
  switch (tensor.dtype()) {
  case DType::I8:
    return load<int8_t>(tensor, index);
  case DType::U8:
    return load<uint8_t>(tensor, index);
  case DType::Bool:
    return load<uint8_t>(tensor, index) != 0;
  case DType::I16:
    return load<int16_t>(tensor, index);
  case DType::I32:
    return load<int32_t>(tensor, index);
  case DType::I64:
    return load<int64_t>(tensor, index);
  case DType::F32:
  case DType::F64:
  case DType::F16:
  case DType::BF16:
    break;
  }
  return 0;
}

double mlc::elementAsDouble(const Tensor &tensor, int64_t index) {
  switch (tensor.dtype()) {
  case DType::F32:
    return load<float>(tensor, index);
  case DType::F64:
    return load<double>(tensor, index);
  case DType::F16:
    return halfToFloat(load<uint16_t>(tensor, index));
  case DType::BF16:
    return bfloatToFloat(load<uint16_t>(tensor, index));
  default:
    return static_cast<double>(elementAsInt(tensor, index));
  }
}

//===----------------------------------------------------------------------===//
// Elements as text
//===----------------------------------------------------------------------===//

template <typename T> static std::string shortest(T value) {
  if (std::isnan(value))
    return "nan";
  char buffer[64];
  std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

std::string mlc::elementToString(const Tensor &tensor, int64_t index) {
  switch (tensor.dtype()) {
  case DType::F64:
    return shortest(load<double>(tensor, index));
  case DType::F32:
  case DType::F16:
  case DType::BF16:
    // For the narrow ones: short enough, and exact.
    return shortest(static_cast<float>(elementAsDouble(tensor, index)));
  case DType::Bool:
    return elementAsInt(tensor, index) ? "true" : "false";
  default:
    return std::to_string(elementAsInt(tensor, index));
  }
}

template <typename T> static bool parseNumber(std::string_view text, T &value) {
  const char *end = text.data() + text.size();
  std::from_chars_result result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

/// A float that is rounded once. Too large is no value, too small is zero.
template <typename T> static bool parseFloat(std::string_view text, T &value) {
  const char *end = text.data() + text.size();
  std::from_chars_result result = std::from_chars(text.data(), end, value);
  if (result.ptr != end || (text.size() > 3 && text.find("nan(") != text.npos))
    return false;
  if (result.ec == std::errc())
    return true;
  long double wide;
  if (result.ec != std::errc::result_out_of_range || !parseNumber(text, wide) ||
      std::fabs(wide) > 1)
    return false;
  value = std::copysign(T(0), static_cast<T>(wide));
  return true;
}

template <typename T>
static bool parseInteger(Tensor &tensor, int64_t index, std::string_view text) {
  T value;
  if (!parseNumber(text, value))
    return false;
  store<T>(tensor, index, value);
  return true;
}

static bool parseInto(Tensor &tensor, int64_t index, std::string_view text) {
  switch (tensor.dtype()) {
  case DType::F32: {
    float value;
    if (!parseFloat(text, value))
      return false;
    store(tensor, index, value);
    return true;
  }
  case DType::F64:
  case DType::F16:
  case DType::BF16: {
    double value;
    if (!parseFloat(text, value))
      return false;
    if (tensor.dtype() == DType::F64)
      store(tensor, index, value);
    else
      store<uint16_t>(tensor, index,
                      tensor.dtype() == DType::F16 ? halfFromDouble(value)
                                                   : bfloatFromDouble(value));
    return std::isinf(value) || !std::isinf(elementAsDouble(tensor, index));
  }
  case DType::I8:
    return parseInteger<int8_t>(tensor, index, text);
  case DType::U8:
    return parseInteger<uint8_t>(tensor, index, text);
  case DType::I16:
    return parseInteger<int16_t>(tensor, index, text);
  case DType::I32:
    return parseInteger<int32_t>(tensor, index, text);
  case DType::I64:
    return parseInteger<int64_t>(tensor, index, text);
  case DType::Bool: {
    bool value = text == "true" || text == "1";
    store<uint8_t>(tensor, index, value);
    return value || text == "false" || text == "0";
  }
  }
  return false;
}

Status mlc::parseElement(Tensor &tensor, int64_t index, std::string_view text) {
  if (parseInto(tensor, index, text))
    return {};
  return badInputError("\"" + std::string(text.substr(0, 40)) + "\" is not a value of " +
                       std::string(dtypeName(tensor.dtype())));
}

//===----------------------------------------------------------------------===//
// The one element
//===----------------------------------------------------------------------===//

/// `value` as a T, if T can hold it (a fraction is cut off).
template <typename T, typename From> static std::optional<T> narrow(From value) {
  if constexpr (std::is_same_v<T, bool>)
    return value != 0;
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(value);
  if constexpr (std::is_floating_point_v<From>) {
    // -min is a power of two, so both comparisons are exact; false for NaN.
    constexpr auto bound = -static_cast<From>(std::numeric_limits<T>::min());
    return std::trunc(value) >= -bound && value < bound ? std::optional<T>(static_cast<T>(value))
                                                        : std::nullopt;
  } else {
    return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max()
               ? std::optional<T>(static_cast<T>(value))
               : std::nullopt;
  }
}

template <typename T> T Tensor::item() const {
  if (isTraced())
    throw Error(ErrorKind::Usage,
                "the value of " + symbol->origin +
                    " is not known while its function is traced, only when the "
                    "compiled function runs; choose with mlc::select or mlc::cond, "
                    "repeat with mlc::whileLoop or mlc::scan, or run this part "
                    "outside the traced function");
  if (count != 1)
    throw Error(ErrorKind::Usage, "a tensor of shape " + toString(dims) + " has " +
                                      std::to_string(count) +
                                      " elements, expected one to convert to a number");
  std::optional<T> value = isFloat(elementType) ? narrow<T>(elementAsDouble(*this, 0))
                                                : narrow<T>(elementAsInt(*this, 0));
  if (!value)
    throw Error(ErrorKind::Usage,
                elementToString(*this, 0) + " is not a value of the integer type asked for");
  return *value;
}

template float Tensor::item<float>() const;
template double Tensor::item<double>() const;
template int32_t Tensor::item<int32_t>() const;
template int64_t Tensor::item<int64_t>() const;
template bool Tensor::item<bool>() const;
