// Which values of a block of mlc ops, and of the blocks in it, depend on parameters
// and constants alone.

#include "ParameterOnly.h"

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mlc::ir {

// Whether all values that an op makes, in its blocks too, have known sizes: the
// symbolic one is not a parameter's.
static bool isStatic(Operation &op) {
  auto isDynamic = [](Type type) { return !cast<RankedTensorType>(type).hasStaticShape(); };
  return !op.walk([&](Operation *inner) {
              return llvm::any_of(inner->getResultTypes(), isDynamic) ? WalkResult::interrupt()
                                                                      : WalkResult::advance();
            }).wasInterrupted();
}

static void collect(Block &block, llvm::DenseSet<Value> &values) {
  for (Operation &op : block.without_terminator()) {
    if (!isa_and_nonnull<MLCDialect>(op.getDialect()) || isa<CallOp, FusionOp>(op))
      continue;
    for (Region &region : op.getRegions()) {
      for (BlockArgument argument : region.getArguments().drop_front(numChanging(&op)))
        if (values.contains(operandOf(argument).get()))
          values.insert(argument);
      collect(region.front(), values);
    }
    bool isKnown = isMemoryEffectFree(&op) &&
                   llvm::all_of(op.getOperands(), [&](Value v) { return values.contains(v); }) &&
                   isStatic(op);
    if (isKnown)
      values.insert(op.result_begin(), op.result_end());
  }
}

llvm::DenseSet<Value> parameterOnlyValues(Block &block) {
  llvm::DenseSet<Value> values;
  collect(block, values);
  return values;
}

bool isSplatConstant(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return elements && (elements.isSplat() || elements.empty());
}

} // namespace mlc::ir
