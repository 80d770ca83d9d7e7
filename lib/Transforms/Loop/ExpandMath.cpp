//===- ExpandMath.cpp - Elementary functions become arithmetic ------------===//
//
// mlc-expand-math: rewrites math.exp, log, tanh and erf on f32 and vectors of f32
// at any level from linalg down to vector, and conversions between f32 and bf16. Other
// element types are left alone. For a CPU without fused multiply-add, math.fma goes too.
//
//===----------------------------------------------------------------------===//

#include "mlc/Transforms/Loop/MathFunctions.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_EXPANDMATHPASS
#include "mlc/Transforms/Loop/Passes.h.inc"

namespace {

/// The same number of elements as `like` has.
Type shapedAs(Value like, Type element) {
  auto vector = dyn_cast<VectorType>(like.getType());
  return vector ? Type(vector.clone(element)) : element;
}

Value constant(ImplicitLocOpBuilder &b, Value like, int32_t value) {
  TypedAttr attribute = b.getI32IntegerAttr(value);
  if (auto vector = dyn_cast<VectorType>(shapedAs(like, b.getI32Type())))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

/// To nearest even, in integers: vcvtneps2bf16 flushes denormals, and without it LLVM calls a
/// library. NaN becomes quiet.
Value emitRoundToBFloat(ImplicitLocOpBuilder &b, Value x) {
  auto number = [&](int32_t value) { return constant(b, x, value); };
  Value bits = arith::BitcastOp::create(b, shapedAs(x, b.getI32Type()), x);
  Value last = arith::ShRUIOp::create(b, bits, number(16));
  Value isOdd = arith::AndIOp::create(b, last, number(1));
  Value rounded = arith::AddIOp::create(b, bits, number(0x7fff));
  rounded = arith::AddIOp::create(b, rounded, isOdd);
  Value quiet = arith::OrIOp::create(b, bits, number(0x400000));
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  Value upper = arith::SelectOp::create(b, isNan, quiet, rounded);
  upper = arith::ShRUIOp::create(b, upper, number(16));
  upper = arith::TruncIOp::create(b, shapedAs(x, b.getI16Type()), upper);
  return arith::BitcastOp::create(b, shapedAs(x, b.getBF16Type()), upper);
}

Value emitWidenBFloat(ImplicitLocOpBuilder &b, Value x) {
  Value bits = arith::BitcastOp::create(b, shapedAs(x, b.getI16Type()), x);
  bits = arith::ExtUIOp::create(b, shapedAs(x, b.getI32Type()), bits);
  bits = arith::ShLIOp::create(b, bits, constant(b, x, 16));
  return arith::BitcastOp::create(b, shapedAs(x, b.getF32Type()), bits);
}

using EmitFunction = Value (*)(ImplicitLocOpBuilder &, Value);

EmitFunction findExpansion(Operation *op) {
  if (op->getNumOperands() != 1)
    return nullptr;
  Type type = op->getOperand(0).getType();
  if (isa<TensorType>(type))
    return nullptr;
  Type from = getElementTypeOrSelf(type);
  if (isa<arith::ExtFOp>(op))
    return from.isBF16() && getElementTypeOrSelf(op->getResult(0)).isF32() ? emitWidenBFloat
                                                                           : nullptr;
  if (!from.isF32())
    return nullptr;
  if (isa<arith::TruncFOp>(op))
    return getElementTypeOrSelf(op->getResult(0)).isBF16() ? emitRoundToBFloat : nullptr;
  return llvm::TypeSwitch<Operation *, EmitFunction>(op)
      .Case([](math::ExpOp) { return emitExp; })
      .Case([](math::LogOp) { return emitLog; })
      .Case([](math::TanhOp) { return emitTanh; })
      .Case([](math::ErfOp) { return emitErf; })
      .Default([](Operation *) { return nullptr; });
}

/// Computes each math.fma of f32 in f64, where its product is exact: with the sum
/// rounded to f64 and then to f32 it is off by half a unit and 2^-29 of one. What an fma
/// passes to another stays in f64, which is only more precise.
void widenFmas(Operation *root) {
  DenseMap<Value, Value> wide; // of f32 results
  root->walk([&](math::FmaOp op) {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32() || isa<TensorType>(type))
      return;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Type wideType = b.getF64Type();
    if (auto vector = dyn_cast<VectorType>(type))
      wideType = vector.clone(wideType);
    auto widen = [&](Value value) {
      Value known = wide.lookup(value);
      return known ? known : b.createOrFold<arith::ExtFOp>(wideType, value);
    };
    Value x = widen(op.getA()), y = widen(op.getB()), z = widen(op.getC());
    Value sum = arith::AddFOp::create(b, arith::MulFOp::create(b, x, y), z);
    Value rounded = arith::TruncFOp::create(b, type, sum);
    wide[rounded] = sum;
    op.replaceAllUsesWith(rounded);
    op.erase();
  });
}

struct ExpandMathPass : impl::ExpandMathPassBase<ExpandMathPass> {
  using ExpandMathPassBase::ExpandMathPassBase;

  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      EmitFunction emit = findExpansion(op);
      if (!emit)
        return;
      ImplicitLocOpBuilder b(op->getLoc(), op);
      op->getResult(0).replaceAllUsesWith(emit(b, op->getOperand(0)));
      op->erase();
    });
    if (!fma)
      widenFmas(getOperation());
  }
};

} // namespace
} // namespace mlc::ir
