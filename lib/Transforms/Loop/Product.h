//===- Product.h - What a contraction adds up -------------------*- C++ -*-===//
//
// The body acc + widen(a) * widen(b) of a structured op, where each widen is nothing or
// one op from a narrower element type.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TRANSFORMS_LOOP_PRODUCT_H
#define MLC_TRANSFORMS_LOOP_PRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {

class Product {
public:
  /// Nothing if the body is anything else.
  static std::optional<Product> match(mlir::linalg::GenericOp op);

  /// `value`, a scalar or a vector of the operand's elements, with the accumulator's.
  mlir::Value widenLeft(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const {
    return widen(b, left, value);
  }
  mlir::Value widenRight(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const {
    return widen(b, right, value);
  }
  /// accumulator + x * y; of vectors of floats in one step if `fma`.
  mlir::Value multiplyAdd(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y,
                          mlir::Value accumulator, bool fma) const;

private:
  mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op, mlir::Value value) const;

  mlir::Operation *left = nullptr, *right = nullptr; ///< What widens; null: nothing.
};

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_LOOP_PRODUCT_H
