//===- DescribeKernels.cpp - What a kernel computes, for people -----------===//
//
// Works on mlc fusions. The cost model: operations on elements, a multiply-add being two
// and exp and the like one; bytes that have to be moved at least, each operand and result
// once and only what is read of it.
//
//===----------------------------------------------------------------------===//

#include "DescribeKernels.h"
#include "Drivers.h"
#include "LoopCost.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlc::ir;

namespace {

/// constant + factor * size of the symbolic dimension.
struct Count {
  int64_t constant = 0, factor = 0;

  Count times(int64_t n) const { return {boundedProduct(constant, n), boundedProduct(factor, n)}; }
  Count plus(Count other) const { return {constant + other.constant, factor + other.factor}; }
  /// At least nothing.
  Count minus(Count other) const {
    return {std::max<int64_t>(constant - other.constant, 0),
            std::max<int64_t>(factor - other.factor, 0)};
  }
  bool isBelow(Count other) const {
    return std::pair(factor, constant) < std::pair(other.factor, other.constant);
  }
  Attribute attribute(Builder &b) const { return b.getDenseI64ArrayAttr({constant, factor}); }
};

} // namespace

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static Count elements(RankedTensorType type) {
  int64_t known = 1;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      known = boundedProduct(known, size);
  return type.hasStaticShape() ? Count{known, 0} : Count{0, known};
}

static Count bytes(RankedTensorType type) {
  return elements(type).times(std::max(1u, type.getElementTypeBitWidth() / 8));
}

/// 2 * m * n * k, where n of the result and of the k dimension one at most is symbolic.
static Count contraction(Value result, int64_t depth) {
  Count outputs = elements(typeOf(result)).times(2);
  return ShapedType::isDynamic(depth) ? Count{0, outputs.constant} : outputs.times(depth);
}

static Count operations(Operation *op) {
  Value result = op->getResult(0);
  if (auto matmul = dyn_cast<MatMulOp>(op)) {
    RankedTensorType lhs = typeOf(matmul.getLhs());
    return contraction(result, lhs.getDimSize(lhs.getRank() - (matmul.getTransposeA() ? 2 : 1)));
  }
  if (auto matmul = dyn_cast<PackedMatMulOp>(op))
    return contraction(result, typeOf(matmul.getLhs()).getDimSize(matmul.getTransposeA() ? 0 : 1));
  if (isa<ReduceOp>(op))
    return elements(typeOf(op->getOperand(0)));
  if (isa<SoftmaxOp>(op)) // maximum, difference, exp, sum, quotient
    return elements(typeOf(result)).times(5);
  if (isa<ConstantOp, BroadcastOp, ReshapeOp, TransposeOp, SliceOp, ConcatOp, TakeOp, PackOp>(op))
    return {};
  return elements(typeOf(result));
}

/// What is read of an operand of a fusion.
static Count bytesRead(Value operand) {
  Count all = bytes(typeOf(operand)), some;
  for (OpOperand &use : operand.getUses()) {
    Operation *user = use.getOwner();
    if (!isa<SliceOp, TakeOp>(user) || use.getOperandNumber() != 0)
      return all;
    some = some.plus(bytes(typeOf(user->getResult(0))));
  }
  return some.isBelow(all) ? some : all;
}

static NamedAttribute text(Builder &b, StringRef key, StringRef value) {
  return b.getNamedAttr(key, b.getStringAttr(value));
}

/// An entry of mlc.kernels.
static DictionaryAttr entry(Builder &b, StringRef function, StringRef driver, StringRef kind,
                            StringRef reason, Count operations, Count bytes,
                            ArrayRef<Attribute> ops) {
  return b.getDictionaryAttr(
      {text(b, "function", function), text(b, "driver", driver), text(b, "kind", kind),
       text(b, "reason", reason), b.getNamedAttr("operations", operations.attribute(b)),
       b.getNamedAttr("bytes", bytes.attribute(b)), b.getNamedAttr("ops", b.getArrayAttr(ops))});
}

DictionaryAttr mlc::ir::describeKernel(FusionOp fusion, StringRef function, StringRef driver) {
  Builder b(fusion.getContext());
  Count allOperations, allBytes;
  for (Value operand : fusion.getBody().getArguments())
    allBytes = allBytes.plus(bytesRead(operand));
  for (Value result : fusion->getResults())
    allBytes = allBytes.plus(bytes(typeOf(result)));
  SmallVector<Attribute> ops;
  for (Operation &op : fusion.getBody().front().without_terminator()) {
    Count count = operations(&op);
    allOperations = allOperations.plus(count);
    NodePlace place; // A copy that mlc-outline-kernels has made stands for no node.
    if (fusion.getReason())
      place = nodeAt(op.getLoc());
    ops.push_back(b.getDictionaryAttr({text(b, "op", op.getName().stripDialect()),
                                       text(b, "node", place.node), text(b, "place", place.source),
                                       b.getNamedAttr("operations", count.attribute(b))}));
  }
  return entry(b, function, driver, fusion.getKind(),
               fusion.getReason().value_or("copies a result"), allOperations, allBytes, ops);
}

void mlc::ir::describeCopy(func::CallOp call, MemRefType type) {
  auto module = call->getParentOfType<ModuleOp>();
  auto known = module->getAttrOfType<ArrayAttr>(kKernelsAttr);
  if (!known)
    return;
  Builder b(call.getContext());
  Count moved = bytes(RankedTensorType::get(type.getShape(), type.getElementType())).times(2);
  SmallVector<Attribute> all(known.begin(), known.end());
  call->setAttr(kKernelAttr, b.getI64IntegerAttr(static_cast<int64_t>(all.size())));
  all.push_back(entry(b, call.getCallee(), kRunFunction, "data", "its donor is read until the end",
                      {}, moved, {}));
  module->setAttr(kKernelsAttr, b.getArrayAttr(all));
}

static Count countOf(DictionaryAttr entry, StringRef key) {
  auto numbers = cast<DenseI64ArrayAttr>(entry.get(key)).asArrayRef();
  return {numbers[0], numbers[1]};
}

void mlc::ir::describeChain(ArrayRef<func::CallOp> chain, func::CallOp made,
                            llvm::function_ref<bool(Value)> isOwn) {
  auto module = made->getParentOfType<ModuleOp>();
  auto known = module->getAttrOfType<ArrayAttr>(kKernelsAttr);
  if (!known)
    return;
  Builder b(made.getContext());
  SmallVector<Attribute> all(known.begin(), known.end());
  Attribute place = b.getI64IntegerAttr(static_cast<int64_t>(all.size()));
  Count allOperations, allBytes, ownBytes;
  for (func::CallOp call : chain) {
    auto number = static_cast<size_t>(call->getAttrOfType<IntegerAttr>(kKernelAttr).getInt());
    NamedAttrList link(cast<DictionaryAttr>(all[number]));
    link.set("chain", b.getStringAttr(made.getCallee()));
    all[number] = link.getDictionary(b.getContext());
    allOperations = allOperations.plus(countOf(cast<DictionaryAttr>(all[number]), "operations"));
    allBytes = allBytes.plus(countOf(cast<DictionaryAttr>(all[number]), "bytes"));
    for (Value operand : call.getOperands())
      if (auto type = cast<MemRefType>(operand.getType()); isOwn(operand))
        ownBytes =
            ownBytes.plus(bytes(RankedTensorType::get(type.getShape(), type.getElementType())));
  }
  auto last = cast<DictionaryAttr>(
      all[static_cast<size_t>(chain.back()->getAttrOfType<IntegerAttr>(kKernelAttr).getInt())]);
  made->setAttr(kKernelAttr, place);
  all.push_back(entry(b, made.getCallee(), kRunFunction, "chain",
                      cast<StringAttr>(last.get("reason")), allOperations, allBytes.minus(ownBytes),
                      {}));
  module->setAttr(kKernelsAttr, b.getArrayAttr(all));
}
