//===- Lifetimes.cpp - Where a buffer of a driver is in use ---------------===//

#include "Lifetimes.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;
using namespace mlc::ir;

void Positions::number(Block &block) {
  for (Operation &op : block) {
    firsts[&op] = count++;
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        number(inner);
    lasts[&op] = count - 1;
  }
}

LogicalResult Positions::extendToUses(Value value, Block *block,
                                      llvm::SmallPtrSetImpl<void *> &seen, int64_t &last) const {
  if (!seen.insert(value.getAsOpaquePointer()).second)
    return success();
  for (Operation *user : value.getUsers()) {
    Operation *ancestor = block->findAncestorOpInBlock(*user);
    if (!ancestor || ancestor == block->getTerminator())
      return user->emitError() << "expected a buffer that does not leave its block";
    last = std::max(last, this->last(ancestor));
    // What a loop yields it also starts with, so that its results stand for both.
    Operation *source = user->hasTrait<OpTrait::IsTerminator>() ? user->getParentOp() : user;
    for (Value result : source->getResults())
      if (isa<MemRefType>(result.getType()))
        if (failed(extendToUses(result, block, seen, last)))
          return failure();
  }
  return success();
}
