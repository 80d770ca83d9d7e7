//===- Quantize.h - Matrices as small integers and scales -------*- C++ -*-===//
#ifndef MLC_LIB_TRANSFORMS_GRAPH_QUANTIZE_H
#define MLC_LIB_TRANSFORMS_GRAPH_QUANTIZE_H

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {

/// A matrix: values times scales. Values are from -127 to 127; in u8, 128 more.
struct Quantized {
  mlir::Value values;
  mlir::Value scales; ///< One for each row, or for each column.
};

/// The matrix `x` of f32, with one scale for all elements along `axis`. The scale of what has
/// an infinity or a NaN is NaN.
Quantized quantizeAlong(mlir::ImplicitLocOpBuilder &b, mlir::Value x, int64_t axis,
                        mlir::Type type);

/// The matrix `x` with its rows (`axis` 0) or columns (1) multiplied by their scales.
mlir::Value scaled(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value scales, int64_t axis);

/// Sums of products u * v of u8 and i8 as they would be with u - 128; `values` are all v,
/// which follow each other along `axis`.
mlir::Value withoutOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value sums, mlir::Value values,
                          int64_t axis);

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_GRAPH_QUANTIZE_H
