//===- Lifetimes.h - Where a buffer of a driver is in use -------*- C++ -*-===//
#ifndef MLC_LIB_TRANSFORMS_LOOP_LIFETIMES_H
#define MLC_LIB_TRANSFORMS_LOOP_LIFETIMES_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace mlc::ir {

/// Numbers the ops of a driver, those of nested blocks after the op that holds
/// them. An op with blocks ends where its last inner op does.
class Positions {
public:
  explicit Positions(mlir::Block &block) { number(block); }
  int64_t first(mlir::Operation *op) const { return firsts.lookup(op); }
  int64_t last(mlir::Operation *op) const { return lasts.lookup(op); }

  /// Moves `last` to the last op of `block` that uses `value`, itself or in a nested
  /// block, as itself, as a view of it, or as the result of a branch or a loop. All
  /// that may be (in) the same memory is left in `seen`, but for arguments of blocks.
  llvm::LogicalResult extendToUses(mlir::Value value, mlir::Block *block,
                                   llvm::SmallPtrSetImpl<void *> &seen, int64_t &last) const;

private:
  void number(mlir::Block &block);

  llvm::DenseMap<mlir::Operation *, int64_t> firsts, lasts;
  int64_t count = 0;
};

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_LIFETIMES_H
