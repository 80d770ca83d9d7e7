//===- Product.cpp - What a contraction adds up ---------------------------===//

#include "Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mlc::ir {

/// The op between a body's argument and `value`; null if there is none.
static Operation *widening(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, arith::SIToFPOp,
                         arith::UIToFPOp>(op)
             ? op
             : nullptr;
}

std::optional<Product> Product::match(linalg::GenericOp op) {
  Block &body = *op.getBlock();
  if (body.getNumArguments() != 3)
    return std::nullopt;
  Operation *add = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(add) ||
      add->getOperand(0) != body.getArgument(2))
    return std::nullopt;
  Operation *mul = add->getOperand(1).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(mul))
    return std::nullopt;
  Product product;
  int64_t ops = 2;
  auto isOperand = [&](Value factor, Value argument, Operation *&widens) {
    widens = widening(factor);
    ops += widens != nullptr;
    return (widens ? widens->getOperand(0) : factor) == argument;
  };
  if (!isOperand(mul->getOperand(0), body.getArgument(0), product.left) ||
      !isOperand(mul->getOperand(1), body.getArgument(1), product.right) ||
      llvm::range_size(body.without_terminator()) != ops)
    return std::nullopt;
  return product;
}

Value Product::widen(ImplicitLocOpBuilder &b, Operation *op, Value value) const {
  if (!op)
    return value;
  Type type = op->getResult(0).getType();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  OperationState state(b.getLoc(), op->getName(), value, type, op->getAttrs());
  return b.create(state)->getResult(0);
}

Value Product::multiplyAdd(ImplicitLocOpBuilder &b, Value x, Value y, Value accumulator,
                           bool fma) const {
  if (!isa<FloatType>(getElementTypeOrSelf(accumulator.getType())))
    return arith::AddIOp::create(b, accumulator, arith::MulIOp::create(b, x, y));
  if (fma && isa<VectorType>(accumulator.getType()))
    return vector::FMAOp::create(b, x, y, accumulator);
  return arith::AddFOp::create(b, accumulator, arith::MulFOp::create(b, x, y));
}

} // namespace mlc::ir
