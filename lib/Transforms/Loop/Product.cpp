//===- Product.cpp - What a contraction adds up ---------------------------===//

#include "Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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
  size_t ops = 2;
  auto isOperand = [&](Value factor, Value argument, Operation *&widens) {
    widens = widening(factor);
    ops += widens != nullptr;
    return (widens ? widens->getOperand(0) : factor) == argument;
  };
  if (!isOperand(mul->getOperand(0), body.getArgument(0), product.left) ||
      !isOperand(mul->getOperand(1), body.getArgument(1), product.right) ||
      llvm::range_size(body.without_terminator()) != ops)
    return std::nullopt;
  product.leftType = body.getArgument(0).getType();
  product.rightType = body.getArgument(1).getType();
  product.sumType = body.getArgument(2).getType();
  return product;
}

bool Product::useGroups(int64_t size, bool dotProducts) {
  this->size = size;
  bool isSigned = isa_and_nonnull<arith::ExtSIOp, arith::SIToFPOp>(right);
  if (!right || sumType.getIntOrFloatBitWidth() != 32)
    return false;
  if (dotProducts && size == 4 && sumType.isInteger(32) && leftType.isInteger(8) &&
      isa_and_nonnull<arith::ExtUIOp>(left) && rightType.isInteger(8) && isSigned)
    form = Form::Bytes;
  else if (size == 2 && sumType.isInteger(32) && leftType.isInteger(16) &&
           isa_and_nonnull<arith::ExtSIOp>(left) && rightType.isInteger(8) && isSigned)
    form = Form::Pairs;
  else if (size * rightType.getIntOrFloatBitWidth() == 32 && (rightType.isBF16() || isSigned))
    form = Form::Unpacked;
  else
    return false;
  return true;
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

/// The vector's bits as elements of another type.
static Value reinterpret(ImplicitLocOpBuilder &b, Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  int64_t bits = type.getDimSize(0) * type.getElementTypeBitWidth();
  return vector::BitCastOp::create(
      b, VectorType::get({bits / element.getIntOrFloatBitWidth()}, element), vector);
}

Value Product::unpack(ImplicitLocOpBuilder &b, Value value, int64_t i) const {
  Value groups = reinterpret(b, value, b.getI32Type());
  auto constant = [&](int32_t bits) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(cast<VectorType>(groups.getType()), bits));
  };
  int64_t bits = rightType.getIntOrFloatBitWidth(), above = bits * (size - 1 - i);
  // A bf16 is the upper half of an f32.
  if (rightType.isBF16()) {
    Value upper = above > 0 ? arith::ShLIOp::create(b, groups, constant(above)).getResult()
                            : arith::AndIOp::create(b, groups, constant(-(1 << bits))).getResult();
    return reinterpret(b, upper, sumType);
  }
  if (above > 0)
    groups = arith::ShLIOp::create(b, groups, constant(above));
  Value element = arith::ShRSIOp::create(b, groups, constant(32 - bits));
  if (sumType.isInteger())
    return element;
  return arith::SIToFPOp::create(b, cast<VectorType>(groups.getType()).clone(sumType), element);
}

Value Product::prepareRight(ImplicitLocOpBuilder &b, Value value, int64_t i) const {
  switch (form) {
  case Form::Single:
    return widen(b, right, value);
  case Form::Unpacked:
    return unpack(b, value, i);
  case Form::Bytes:
    return value;
  case Form::Pairs:
    return arith::ExtSIOp::create(b, cast<VectorType>(value.getType()).clone(b.getI16Type()),
                                  value);
  }
  llvm_unreachable("unknown form");
}

Value Product::multiplyAdd(ImplicitLocOpBuilder &b, Value x, Value y, Value accumulator,
                           bool fma) const {
  auto type = dyn_cast<VectorType>(accumulator.getType());
  auto call = [&](StringRef name, ValueRange operands) -> Value {
    return LLVM::CallIntrinsicOp::create(b, Type(type), b.getStringAttr(name), operands)
        ->getResult(0);
  };
  if (form == Form::Bytes) {
    std::string name = "llvm.x86.avx512.vpdpbusd." + std::to_string(type.getDimSize(0) * 32);
    return call(name, {accumulator, reinterpret(b, x, b.getI8Type()), y});
  }
  if (form == Form::Pairs) {
    StringRef name = type.getDimSize(0) == 16  ? "llvm.x86.avx512.pmaddw.d.512"
                     : type.getDimSize(0) == 8 ? "llvm.x86.avx2.pmadd.wd"
                                               : "llvm.x86.sse2.pmadd.wd";
    return arith::AddIOp::create(b, accumulator,
                                 call(name, {reinterpret(b, x, b.getI16Type()), y}));
  }
  if (!isa<FloatType>(sumType))
    return add(b, accumulator, arith::MulIOp::create(b, x, y));
  if (fma && type)
    return vector::FMAOp::create(b, x, y, accumulator);
  return add(b, accumulator, arith::MulFOp::create(b, x, y));
}

Value Product::add(ImplicitLocOpBuilder &b, Value x, Value y) const {
  if (isa<FloatType>(sumType))
    return arith::AddFOp::create(b, x, y);
  return arith::AddIOp::create(b, x, y);
}

} // namespace mlc::ir
