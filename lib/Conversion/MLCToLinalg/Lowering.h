//===- Lowering.h - How one kernel is lowered -------------------*- C++ -*-===//
//
// An op is lowered in one of two ways. Element-wise ops have a ScalarLowering,
// which computes one element: a group of them becomes the body of one
// linalg.generic. Other ops have a TensorLowering, which writes a destination.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_CONVERSION_MLCTOLINALG_LOWERING_H
#define MLC_CONVERSION_MLCTOLINALG_LOWERING_H

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <functional>

namespace mlc::ir {

/// The type of a tensor in memory: bool is stored as one byte, u8 as bytes without a sign.
mlir::Type storageType(mlir::Type type);

/// f32 for bf16 and f16, in which nothing is computed; other types are their own.
mlir::Type computingType(mlir::Type element);
/// The tensor type with that element type.
mlir::RankedTensorType computingType(mlir::RankedTensorType type);
/// An element in its computing type, which holds it exactly, and back, rounded to `type`.
mlir::Value widened(mlir::ImplicitLocOpBuilder &b, mlir::Value element);
mlir::Value rounded(mlir::ImplicitLocOpBuilder &b, mlir::Value element, mlir::Type type);

/// Whether `op` is element-wise: has a ScalarLowering.
bool hasScalarLowering(mlir::Operation *op);
/// One element of an element-wise op from one element of each operand; bool is i1.
mlir::Value computeElement(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op,
                           mlir::ValueRange elements);

/// Lowers the ops of one kernel function in place.
class KernelLowering {
public:
  KernelLowering(mlir::func::FuncOp kernel, unsigned numResults);
  mlir::LogicalResult run();

  mlir::ImplicitLocOpBuilder &builder() { return b; }

  /// The tensor that holds `value` in its own type, computing it into a new one if need be.
  mlir::Value materialize(mlir::Value value);
  /// A new tensor of the storage type of `type`.
  mlir::Value empty(mlir::RankedTensorType type);
  /// One that shares no memory with another, even if they are never in use together: what
  /// uses one may be computed in the same loop as what uses the other.
  mlir::Value emptyApart(mlir::RankedTensorType type);
  mlir::Value fill(mlir::Value destination, mlir::TypedAttr value);

  /// linalg.generic over the iteration space of `value`, whose elements it
  /// computes from leaves, into `destination`. `outputMap` maps the iteration
  /// space to the destination; `combine`, if given, gets the element and the
  /// destination's element and returns the new one.
  using Combine =
      std::function<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value, mlir::Value)>;
  mlir::Value computeElements(mlir::Value value, mlir::Value destination);
  mlir::Value reduceElements(mlir::Value value, mlir::Value destination, mlir::AffineMap outputMap,
                             llvm::ArrayRef<int64_t> reducedDims, Combine combine);
  /// linalg.generic of given operands and maps; all maps have the same domain.
  mlir::Value
  generic(mlir::ValueRange inputs, mlir::Value destination, llvm::ArrayRef<mlir::AffineMap> maps,
          llvm::ArrayRef<int64_t> reducedDims,
          std::function<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)> body);
  /// mlc.attend, with what is computed of the scores in its body.
  mlir::Value attend(Attention attention, mlir::Value destination);
  mlir::AffineMap identity(int64_t rank) {
    return mlir::AffineMap::getMultiDimIdentityMap(rank, b.getContext());
  }
  /// The size of dimension 0 of a dynamic argument: the symbolic size.
  mlir::Value symbolicSize();
  mlir::OpFoldResult sizeOf(mlir::RankedTensorType type, int64_t dim);

private:
  struct Leaf {
    mlir::Value tensor;
    mlir::AffineMap map;
  };
  struct Elements; // the leaves of an element-wise expression, and its emission

  bool isTransparent(mlir::Operation *op);
  bool isBool(mlir::Value value);
  void findStored();
  mlir::LogicalResult lowerAnchors();

  mlir::func::FuncOp kernel;
  mlir::ImplicitLocOpBuilder b;
  unsigned numResults;
  /// mlc value -> tensor that holds it, in its storage type or not yet rounded to it
  llvm::DenseMap<mlir::Value, mlir::Value> storage;
  llvm::DenseMap<mlir::Value, mlir::Value> destinations; // returned mlc value -> argument
  llvm::DenseSet<mlir::Value> boolArguments;             // mlc type was bool
  llvm::DenseSet<mlir::Operation *> stored; // element-wise ops whose results get a tensor
  mlir::Value inPlace; // contraction result whose buffer the epilogue may overwrite
};

/// Writes the result of `op` to `destination` and returns the written tensor.
using TensorLowering = mlir::FailureOr<mlir::Value> (*)(KernelLowering &, mlir::Operation *,
                                                        mlir::Value destination);
/// Null for ops without one. Element-wise ops have none.
TensorLowering findTensorLowering(mlir::Operation *op);

} // namespace mlc::ir

#endif // MLC_CONVERSION_MLCTOLINALG_LOWERING_H
