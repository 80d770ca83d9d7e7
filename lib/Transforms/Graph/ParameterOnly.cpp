// Which values of a block of mlc ops depend on parameters and constants alone.

#include "ParameterOnly.h"

#include "mlc/Dialect/MLCDialect.h"

using namespace mlir;

namespace mlc::ir {

llvm::DenseSet<Value> parameterOnlyValues(Block &block) {
  llvm::DenseSet<Value> values;
  for (Operation &op : block.without_terminator()) {
    if (!isa_and_nonnull<MLCDialect>(op.getDialect()) || isa<CallOp>(op))
      continue;
    bool isKnown = llvm::all_of(op.getOperands(), [&](Value v) { return values.contains(v); }) &&
                   llvm::all_of(op.getResultTypes(), [](Type type) {
                     return cast<RankedTensorType>(type).hasStaticShape();
                   });
    if (isKnown)
      values.insert(op.result_begin(), op.result_end());
  }
  return values;
}

bool isSplatConstant(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return elements && (elements.isSplat() || elements.empty());
}

} // namespace mlc::ir
