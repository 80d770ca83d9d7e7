//===- Nest.h - The loops of one structured op ------------------*- C++ -*-===//
//
// What mlc-vectorize-kernels knows of a structured op on memrefs: its loops, which of
// them is computed in vectors, and which ops can share loops with it.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_TRANSFORMS_LOOP_NEST_H
#define MLC_LIB_TRANSFORMS_LOOP_NEST_H

#include "VectorLoops.h"

namespace mlc::ir {

/// How a reduction combines an element with the result so far: an op of both, or a
/// select of the one that a comparison prefers.
class Combiner {
public:
  static Combiner of(mlir::linalg::LinalgOp op);

  /// The value that leaves the other operand as it is; null if none is known.
  mlir::TypedAttr neutral(mlir::Builder &b) const;
  /// On values of any common type.
  mlir::Value combine(mlir::ImplicitLocOpBuilder &b, mlir::Value soFar, mlir::Value element) const;
  /// Combines values, then the lanes of the result, each pairwise.
  mlir::Value combineAll(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange vectors) const;

private:
  mlir::Operation *op = nullptr;
  mlir::Operation *comparison = nullptr;
};

/// The loops of one structured op. The outermost `rows` of them may be shared.
struct Nest {
  explicit Nest(mlir::linalg::LinalgOp op);

  bool isReduction(unsigned loop) const {
    return iterators[loop] == mlir::utils::IteratorType::reduction;
  }
  unsigned numLoops() const { return iterators.size(); }
  /// Whether vectors are reduced: lanes are combined when the loops are done.
  bool reducesVectors() const { return lanes > 1 && isReduction(vectorLoop); }
  /// Whether all that is left inside of the rows is a loop over vectors.
  bool isStream() const { return lanes > 1 && vectorLoop == rows && numLoops() == rows + 1; }
  mlir::Block &body() const { return op->getRegion(0).front(); }
  const Access &out() const { return accesses.back(); }
  llvm::ArrayRef<Access> inputs() const { return llvm::ArrayRef(accesses).drop_back(); }

  /// Whether nothing but the loops over rows, and loops of one iteration, moves an access.
  bool isPerRow(const Access &access) const;

  /// Leaves the outermost `count` loops to be shared and picks one of the others for vectors.
  void share(unsigned count, int64_t vectorBits);

  mlir::linalg::LinalgOp op;
  llvm::SmallVector<Access> accesses; ///< Inputs, then the one output.
  llvm::SmallVector<mlir::utils::IteratorType> iterators;
  llvm::SmallVector<int64_t> extents; ///< Of the loops, where they are known.
  Combiner combiner;
  unsigned rows = 0;
  unsigned vectorLoop = ~0u; ///< ~0u: none
  int64_t lanes = 1;

private:
  bool qualifies(unsigned loop) const;
};

/// Nests, in order, that are computed together for each iteration of their outermost
/// `rows` loops; each stage in turn, and in it the nests, in one loop over vectors if
/// the first is a stream.
struct Rows {
  unsigned rows = 0;
  llvm::SmallVector<Nest, 0> nests;
  llvm::SmallVector<llvm::SmallVector<Nest *>> stages;
};

/// Whether two memrefs may be (in) the same memory.
bool mayOverlap(mlir::Value a, mlir::Value b);

/// All structured ops on memrefs in a function, grouped.
llvm::SmallVector<Rows, 0> findRows(mlir::Operation *function, int64_t vectorBits);

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_NEST_H
