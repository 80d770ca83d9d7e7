//===- ExpandMath.cpp - Elementary functions become arithmetic ------------===//
//
// mlc-expand-math: rewrites math.exp, log, tanh and erf on f32 and vectors of f32
// at any level from linalg down to vector. Other element types are left alone.
//
//===----------------------------------------------------------------------===//

#include "mlc/Transforms/Loop/MathFunctions.h"
#include "mlc/Transforms/Loop/Passes.h"

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

struct ExpandMathPass : impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      EmitFunction emit = findExpansion(op);
      if (!emit)
        return;
      ImplicitLocOpBuilder b(op->getLoc(), op);
      op->getResult(0).replaceAllUsesWith(emit(b, op->getOperand(0)));
      op->erase();
    });
  }
};

} // namespace
} // namespace mlc::ir
