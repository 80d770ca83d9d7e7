//===- VectorLoops.h - Building loops over vectors --------------*- C++ -*-===//
//
// What mlc-tile-contractions and mlc-vectorize-kernels share: how an operand of
// a structured op on memrefs is accessed along one loop, and how an element-wise
// region is computed on vectors.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TRANSFORMS_LOOP_VECTORLOOPS_H
#define MLC_TRANSFORMS_LOOP_VECTORLOOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {

/// How the address of an operand changes along one loop.
enum class AccessPattern { Invariant, Contiguous, Other };

/// An operand of a structured op: element map(ivs) of a memref, or a scalar.
struct Access {
  mlir::Value memref;
  mlir::AffineMap map;

  mlir::Type elementType() const;
  AccessPattern along(unsigned loop) const;
  llvm::SmallVector<mlir::Value> indices(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange ivs) const;
  mlir::Value loadScalar(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange ivs) const;
  void storeScalar(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange ivs, mlir::Value value) const;
  /// `lanes` elements along `loop`, whose pattern is not Other; with a mask, the
  /// lanes that it leaves out are not read. lanes = 1 without mask is a scalar.
  mlir::Value load(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange ivs, unsigned loop,
                   int64_t lanes, mlir::Value mask) const;
  void store(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange ivs, mlir::Value vector,
             mlir::Value mask) const;
};

/// Adds to what mlc.strategy of the kernel around `op` says, for people.
void noteStrategy(mlir::Operation *op, const llvm::Twine &choice);

/// The accesses of a structured op on memrefs, inputs first.
llvm::SmallVector<Access> accessesOf(mlir::linalg::LinalgOp op);

mlir::Value indexConstant(mlir::ImplicitLocOpBuilder &b, int64_t value);
/// The number of iterations of `loop`, from the shape of an operand.
mlir::OpFoldResult loopSize(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<Access> accesses,
                            unsigned loop);
mlir::OpFoldResult loopSize(mlir::ImplicitLocOpBuilder &b, mlir::linalg::LinalgOp op,
                            unsigned loop);
mlir::Value asValue(mlir::ImplicitLocOpBuilder &b, mlir::OpFoldResult size);

/// The first `count` of `lanes` lanes; null if that is all of them.
mlir::Value constantMask(mlir::ImplicitLocOpBuilder &b, int64_t count, int64_t lanes);
/// The lanes below `count`, an index.
mlir::Value dynamicMask(mlir::ImplicitLocOpBuilder &b, mlir::Value count, int64_t lanes);

/// x * y + accumulator, of which `fma` says whether it may round once.
mlir::Value multiplyAdd(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y,
                        mlir::Value accumulator, bool fma);

/// `value` in each of `lanes` lanes; lanes = 1 gives the scalar.
mlir::Value splat(mlir::ImplicitLocOpBuilder &b, mlir::Value value, int64_t lanes);
/// `type`, or a vector of it when lanes > 1.
mlir::Type lanesOf(mlir::Type type, int64_t lanes);

/// Clones the element-wise ops of a region on vectors and returns what it yields.
/// `arguments` are vectors of `lanes` lanes.
mlir::Value cloneBody(mlir::ImplicitLocOpBuilder &b, mlir::Block &body, mlir::ValueRange arguments,
                      int64_t lanes);

/// scf.for whose iterations may run in any order.
mlir::scf::ForOp independentFor(mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to,
                                mlir::Value step);
/// independentFor from 0 to `size`; skipped for a size of 1 (the body runs at 0) and of 0.
void forEach(mlir::ImplicitLocOpBuilder &b, mlir::OpFoldResult size,
             llvm::function_ref<void(mlir::Value iv)> body);
/// scf.if that yields what the taken branch returns.
llvm::SmallVector<mlir::Value>
either(mlir::ImplicitLocOpBuilder &b, mlir::Value condition, mlir::TypeRange types,
       llvm::function_ref<llvm::SmallVector<mlir::Value>()> then,
       llvm::function_ref<llvm::SmallVector<mlir::Value>()> otherwise);
/// scf.for that carries `values`; the body returns the next ones.
llvm::SmallVector<mlir::Value> forCarried(
    mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to, mlir::Value step,
    mlir::ValueRange values,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value iv, mlir::ValueRange)> body);

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_LOOP_VECTORLOOPS_H
