// mlc-hoist-invariants: moves out of the blocks of if, while and scan what is the
// same in every step, on functions of mlc ops; and takes in what is not worth
// passing. Leaves control flow itself, and what has effects or may fail, where it is.

#include "ParameterOnly.h"

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_HOISTINVARIANTSPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

// Cheaper to repeat in every step than to keep.
bool isRepeatable(Operation *op) {
  return isa<BroadcastOp>(op) || (isa<ConstantOp>(op) && isSplatConstant(op->getResult(0)));
}

class Hoister {
public:
  explicit Hoister(Block &block) : block(block), known(parameterOnlyValues(block)) {}

  void run() { visit(block); }

private:
  // Inner blocks first: what they give up may leave the outer one, too.
  void visit(Block &outer) {
    for (Operation &op : llvm::make_early_inc_range(outer)) {
      if (!isControlFlow(&op))
        continue;
      for (Region &region : op.getRegions())
        visit(region.front());
      takeInConstants(&op);
      for (Region &region : op.getRegions())
        hoist(&op, region.front());
      dropDuplicates(&op);
      dropUnused(&op);
    }
  }

  // Splat constants are made where they are used.
  static void takeInConstants(Operation *op) {
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments().drop_front(numChanging(op))) {
        Value operand = operandOf(argument).get();
        if (!isSplatConstant(operand) || argument.use_empty())
          continue;
        OpBuilder builder = OpBuilder::atBlockBegin(&region.front());
        argument.replaceAllUsesWith(builder.clone(*operand.getDefiningOp())->getResult(0));
      }
  }

  void hoist(Operation *op, Block &body) {
    // What values of the body are outside of it.
    IRMapping outside;
    for (BlockArgument argument : body.getArguments().drop_front(numChanging(op)))
      outside.map(argument, operandOf(argument).get());
    llvm::SetVector<Operation *> moved;
    for (Operation &inner : body.without_terminator()) {
      if (!isPure(&inner) || isRepeatable(&inner))
        continue;
      // Of the blocks of an if only one runs: what only it needs stays there, unless
      // it is computed in advance.
      bool isWorthwhile = !isa<IfOp>(op) || known.contains(inner.getResult(0));
      if (!isWorthwhile || !llvm::all_of(inner.getOperands(), [&](Value operand) {
            return isAvailable(operand, outside);
          }))
        continue;
      OpBuilder builder(op);
      for (Value operand : inner.getOperands())
        makeOutside(operand, builder, outside);
      copyOutside(&inner, builder, outside);
      moved.insert(&inner);
    }
    for (Operation *inner : moved)
      for (Value result : inner->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !moved.contains(user); }))
          passIn(op, body, result, outside.lookup(result));
    for (Operation *inner : llvm::reverse(moved)) {
      for (Value result : inner->getResults())
        known.erase(result);
      inner->erase();
    }
  }

  static bool isAvailable(Value value, const IRMapping &outside) {
    if (outside.contains(value))
      return true;
    Operation *op = value.getDefiningOp();
    return op && isRepeatable(op) && llvm::all_of(op->getOperands(), [&](Value operand) {
             return isAvailable(operand, outside);
           });
  }

  void makeOutside(Value value, OpBuilder &builder, IRMapping &outside) {
    if (outside.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      makeOutside(operand, builder, outside);
    copyOutside(op, builder, outside);
  }

  void copyOutside(Operation *op, OpBuilder &builder, IRMapping &outside) {
    Operation *copy = builder.clone(*op, outside);
    for (auto [from, to] : llvm::zip(op->getResults(), copy->getResults()))
      if (known.contains(from))
        known.insert(to);
  }

  // Makes `outer` an operand that takes the place of `inner`.
  void passIn(Operation *op, Block &body, Value inner, Value outer) {
    op->insertOperands(op->getNumOperands(), outer);
    for (Region &region : op->getRegions()) {
      BlockArgument argument = region.addArgument(inner.getType(), inner.getLoc());
      if (known.contains(outer))
        known.insert(argument);
      if (&region.front() == &body)
        inner.replaceAllUsesWith(argument);
    }
  }

  static void dropDuplicates(Operation *op) {
    for (Region &region : op->getRegions()) {
      llvm::DenseMap<Value, BlockArgument> first;
      for (BlockArgument argument : region.getArguments().drop_front(numChanging(op)))
        if (auto [known, isNew] = first.try_emplace(operandOf(argument).get(), argument); !isNew)
          argument.replaceAllUsesWith(known->second);
    }
  }

  void dropUnused(Operation *op) {
    Region &first = op->getRegion(0);
    for (unsigned i = first.getNumArguments(); i-- > numChanging(op);) {
      bool isUsed = llvm::any_of(
          op->getRegions(), [&](Region &region) { return !region.getArgument(i).use_empty(); });
      if (isUsed)
        continue;
      op->eraseOperand(operandOf(first.getArgument(i)).getOperandNumber());
      for (Region &region : op->getRegions()) {
        known.erase(region.getArgument(i));
        region.eraseArgument(i);
      }
    }
  }

  Block &block;
  llvm::DenseSet<Value> known;
};

struct HoistInvariantsPass : impl::HoistInvariantsPassBase<HoistInvariantsPass> {
  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      Hoister(block).run();
  }
};

} // namespace
} // namespace mlc::ir
