//===- Rows.cpp - Structured ops that share loops -------------------------===//
//
// Finds ops that follow each other and can be computed row by row: what one leaves in
// a row of a buffer the next ones read of the same row, so that it is still in the
// cache or in registers. Changes nothing.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace mlc::ir {
namespace {

Value baseOf(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

bool mayAliasOthers(Value base) {
  auto argument = dyn_cast<BlockArgument>(base);
  if (!argument)
    return true;
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return !function || function.getArgAttr(argument.getArgNumber(), kMayAliasAttr);
}

/// Calls `visit` for all accesses to what may be the same memory, of which one writes;
/// stops when it returns false.
template <typename F> bool allConflicts(const Nest &first, const Nest &second, F &&visit) {
  for (const Access &a : first.accesses)
    for (const Access &b : second.accesses)
      if ((&a == &first.out() || &b == &second.out()) && mayOverlap(a.memref, b.memref) &&
          !visit(a, b))
        return false;
  return true;
}

bool depend(const Nest &first, const Nest &second) {
  return !allConflicts(first, second, [](const Access &, const Access &) { return false; });
}

/// The number of leading dimensions that the leading loops run over.
unsigned leadingRows(const Access &access) {
  unsigned count = 0;
  for (AffineExpr index : access.map.getResults())
    if (index == getAffineDimExpr(count, access.map.getContext()))
      ++count;
    else
      break;
  return count;
}

/// The leading loops whose iterations each write a row of their own.
unsigned leadingRows(const Nest &nest) {
  unsigned count = 0;
  while (count < nest.numLoops() && !nest.isReduction(count))
    ++count;
  return std::min(count, leadingRows(nest.out()));
}

/// Whether an op touches nothing but what its indexing maps say.
bool isTransparent(linalg::LinalgOp op) {
  return op.hasPureBufferSemantics() && op.getNumDpsInits() == 1 &&
         llvm::all_of(op.getBlock()->without_terminator(), [](Operation &inner) {
           return isMemoryEffectFree(&inner) && inner.getNumRegions() == 0;
         });
}

class Grouping {
public:
  explicit Grouping(int64_t vectorBits) : vectorBits(vectorBits) {}

  void visit(Block &block) {
    for (Operation &op : block) {
      if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
        add(structured);
        continue;
      }
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          visit(inner);
      if (!isMemoryEffectFree(&op) || op.getNumRegions() > 0)
        open = false;
    }
    open = false;
  }

  SmallVector<Rows, 0> groups;

private:
  void add(linalg::LinalgOp op) {
    bool transparent = isTransparent(op);
    if (!open || !transparent || !join(op)) {
      groups.emplace_back();
      groups.back().nests.emplace_back(op);
      groups.back().nests.back().share(0, vectorBits);
    }
    open = transparent;
  }

  bool join(linalg::LinalgOp op) {
    Rows &group = groups.back();
    Nest added(op);
    added.share(0, vectorBits);
    unsigned rows = leadingRows(added), most = added.numLoops();
    for (const Nest &nest : group.nests) {
      rows = std::min(rows, group.nests.size() == 1 ? leadingRows(nest) : group.rows);
      most = std::max(most, nest.numLoops());
      allConflicts(nest, added, [&](const Access &a, const Access &b) {
        rows = std::min({rows, leadingRows(a), leadingRows(b)});
        return true;
      });
    }
    // Something is left for vectors.
    rows = std::min(rows, most - 1);
    for (unsigned i = 0; i < rows; ++i)
      if (added.extents[i] != group.nests.front().extents[i])
        rows = i;
    if (rows == 0 || !canShare(added, rows) ||
        !llvm::all_of(group.nests, [&](const Nest &nest) { return canShare(nest, rows); }))
      return false;
    group.nests.push_back(std::move(added));
    group.rows = rows;
    for (Nest &nest : group.nests)
      nest.share(rows, vectorBits);
    return true;
  }

  /// Whether it is not the rows that the op would better have vectors of.
  static bool canShare(const Nest &nest, unsigned rows) {
    return nest.lanes == 1 || nest.vectorLoop >= rows ||
           llvm::all_of(ArrayRef(nest.extents).drop_front(rows),
                        [](int64_t extent) { return extent == 1; });
  }

  int64_t vectorBits;
  bool open = false; ///< Whether the next op may join the last group.
};

/// Whether `added` may be computed at each vector right after `nest`.
bool canStream(const Nest &nest, const Nest &added) {
  return nest.isStream() && added.isStream() && nest.lanes == added.lanes &&
         nest.extents[nest.rows] == added.extents[added.rows] &&
         allConflicts(nest, added, [&](const Access &a, const Access &b) {
           return a.memref == b.memref && a.map == b.map &&
                  a.along(nest.vectorLoop) == AccessPattern::Contiguous;
         });
}

/// Puts each nest into the first stage that it may be in.
void findStages(Rows &group) {
  auto &stages = group.stages;
  for (Nest &nest : group.nests) {
    auto fits = [&](ArrayRef<Nest *> stage) {
      return llvm::all_of(stage, [&](Nest *other) {
        return canStream(*other, nest) || (!other->isStream() && !nest.isStream());
      });
    };
    size_t first = stages.size();
    for (; first > 0; --first)
      if (llvm::any_of(stages[first - 1], [&](Nest *other) { return depend(*other, nest); })) {
        if (fits(stages[first - 1]))
          --first;
        break;
      }
    size_t place = first;
    while (place < stages.size() && !fits(stages[place]))
      ++place;
    if (place == stages.size())
      stages.insert(stages.begin() + (place = first), SmallVector<Nest *>());
    stages[place].push_back(&nest);
  }
}

} // namespace

bool mayOverlap(Value a, Value b) {
  if (!isa<MemRefType>(a.getType()) || !isa<MemRefType>(b.getType()))
    return false;
  Value baseA = baseOf(a), baseB = baseOf(b);
  return baseA == baseB || (mayAliasOthers(baseA) && mayAliasOthers(baseB));
}

SmallVector<Rows, 0> findRows(Operation *function, int64_t vectorBits) {
  Grouping grouping(vectorBits);
  for (Region &region : function->getRegions())
    for (Block &block : region)
      grouping.visit(block);
  for (Rows &group : grouping.groups)
    findStages(group);
  return std::move(grouping.groups);
}

} // namespace mlc::ir
