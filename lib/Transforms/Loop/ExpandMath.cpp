//===- ExpandMath.cpp - Elementary functions become arithmetic ------------===//
//
// mlc-expand-math: rewrites math.exp, log, tanh and erf on f32 and vectors of f32
// at any level from linalg down to vector. Other element types are left alone.
// For a CPU without fused multiply-add, math.fma goes too.
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

using EmitFunction = Value (*)(ImplicitLocOpBuilder &, Value);

EmitFunction findExpansion(Operation *op) {
  if (op->getNumOperands() != 1)
    return nullptr;
  Type type = op->getOperand(0).getType();
  if (!getElementTypeOrSelf(type).isF32() || isa<TensorType>(type))
    return nullptr;
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
