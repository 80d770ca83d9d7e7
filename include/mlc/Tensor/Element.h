//===- Element.h - Single elements as numbers -------------------*- C++ -*-===//
//
// For code that handles elements one by one and need not be fast: printing,
// comparing, reading literals.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TENSOR_ELEMENT_H
#define MLC_TENSOR_ELEMENT_H

#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The value of an f16 or bf16 given by its bits. Exact.
float halfToFloat(uint16_t bits);
float bfloatToFloat(uint16_t bits);

/// The bits of the nearest f16 or bf16, ties to even; NaN stays a (quiet) NaN.
uint16_t halfFromDouble(double value);
uint16_t bfloatFromDouble(double value);
uint16_t halfFromInt(int64_t value);
uint16_t bfloatFromInt(int64_t value);

/// Element `index` (flat, row-major, in range) as a double: exact but for i64,
/// which rounds. Bools are 0 and 1.
double elementAsDouble(const Tensor &tensor, int64_t index);
/// Element `index` of an integer or bool tensor. Exact.
int64_t elementAsInt(const Tensor &tensor, int64_t index);

/// The shortest decimal text that reads back as the element: "1", "0.1",
/// "1e+20", "-0", "nan", "inf", "-inf", "true".
std::string elementToString(const Tensor &tensor, int64_t index);

/// Sets element `index` from decimal text as elementToString writes it, rounding
/// once to the dtype. BadInput if the text is not a number or, for integers and
/// bools ("true", "false", "0", "1"), not a value of the dtype.
Status parseElement(Tensor &tensor, int64_t index, std::string_view text);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_TENSOR_ELEMENT_H
