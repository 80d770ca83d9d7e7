//===- MathFunctions.h - Our own elementary functions -----------*- C++ -*-===//
//
// Builders of elementary functions on f32 scalars and vectors of f32 of any
// shape: straight-line arith and math.fma/absf/copysign ops that become
// instructions on every target with fused multiply-add; no library is called. For
// other targets mlc-expand-math computes the fmas in f64.
//
// Greatest error over all floats, in units in the last place of the exact
// result, denormal arguments and results included (scripts/exhaustive), with
// fused multiply-add and without:
//
//   exp 1.05   log 0.84   tanh 2.57   erf 3.22   sigmoid 2.41
//   gelu (erf form) 3.73   gelu (tanh form) 3.46
//
// Infinities are exact, NaN gives NaN, the sign of a zero is kept.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TRANSFORMS_LOOP_MATHFUNCTIONS_H
#define MLC_TRANSFORMS_LOOP_MATHFUNCTIONS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {

mlir::Value emitExp(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
/// exp(x) / 2^halvings of x <= 0, for few halvings.
mlir::Value emitDecay(mlir::ImplicitLocOpBuilder &b, mlir::Value x, int halvings = 0);
/// NaN below 0, -inf at both zeros.
mlir::Value emitLog(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value emitTanh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
mlir::Value emitErf(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
/// 1 / (1 + exp(-x))
mlir::Value emitSigmoid(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
/// x/2 (1 + erf(x / sqrt(2))); -0 at -inf.
mlir::Value emitGeluErf(mlir::ImplicitLocOpBuilder &b, mlir::Value x);
/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); -0 at -inf.
mlir::Value emitGeluTanh(mlir::ImplicitLocOpBuilder &b, mlir::Value x);

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_LOOP_MATHFUNCTIONS_H
