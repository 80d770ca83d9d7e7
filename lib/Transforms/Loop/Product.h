//===- Product.h - What a contraction adds up -------------------*- C++ -*-===//
//
// The body acc + widen(a) * widen(b) of a structured op, where each widen is nothing or
// one op from a narrower element type. If elements of the right-hand side that follow each
// other along k lie side by side, as many as fill an accumulator are a group.
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

  /// Takes groups of `size` from now on, and says whether it can. With `dotProducts` the
  /// CPU adds up products of four bytes in one step.
  bool useGroups(int64_t size, bool dotProducts);
  int64_t groupSize() const { return size; }
  /// Whether a group is added in one step, of left-hand sides in groups, too; else one
  /// element of it at a time.
  bool addsGroups() const { return form == Form::Bytes || form == Form::Pairs; }
  /// Whether elements have to be taken out of groups.
  bool unpacks() const { return form == Form::Unpacked; }

  /// `value`, a scalar or a vector of the left-hand side's elements, in the accumulator's type.
  mlir::Value widenLeft(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const {
    return widen(b, left, value);
  }
  /// Vectors of the right-hand side, one of each group: element `i` of each group in the
  /// accumulator's type, or all of it as multiplyAdd takes it.
  mlir::Value prepareRight(mlir::ImplicitLocOpBuilder &b, mlir::Value value, int64_t i) const;
  /// accumulator + x * y; of vectors of floats in one step if `fma`. Of groups, x has one in
  /// the bits of each i32.
  mlir::Value multiplyAdd(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y,
                          mlir::Value accumulator, bool fma) const;
  /// The sum of two accumulators.
  mlir::Value add(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y) const;

private:
  enum class Form {
    Single,   ///< No groups.
    Unpacked, ///< Bits are moved until they are an element.
    Bytes,    ///< Four bytes, of which those on the left have no sign.
    Pairs,    ///< Two of 16 bits.
  };

  mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op, mlir::Value value) const;
  mlir::Value unpack(mlir::ImplicitLocOpBuilder &b, mlir::Value value, int64_t i) const;

  mlir::Operation *left = nullptr, *right = nullptr; ///< What widens; null: nothing.
  mlir::Type leftType, rightType, sumType;           ///< Of elements.
  Form form = Form::Single;
  int64_t size = 1;
};

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_LOOP_PRODUCT_H
