// mlc-fuse-attention: groups a matmul with the softmax of scores, what computes these
// and the matmul that they come from into one mlc.fusion, before other passes see to
// the matmuls.

#include "ParameterOnly.h"

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_FUSEATTENTIONPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

/// Elements of a query, a key or a value: more would not fit the cache.
constexpr int64_t kMostElements = 256;

/// Broadcasts and splat constants, which every group has of its own.
bool isCopied(Operation *op) {
  return isa<BroadcastOp>(op) || (isa<ConstantOp>(op) && isSplatConstant(op->getResult(0)));
}

/// What one matmul of weights and values is computed from, as far as nothing else uses it.
class Group {
public:
  Group(MatMulOp values, int64_t minRows, int64_t maxOps)
      : values(values), minRows(minRows), maxOps(maxOps) {}

  bool find() {
    softmax = values.getLhs().getDefiningOp<SoftmaxOp>();
    if (!softmax || !softmax->hasOneUse() || softmax->getBlock() != values->getBlock() ||
        values.getTransposeA() || values.getTransposeB() || !fits(softmax.getType()))
      return false;
    add(softmax);
    return matmul != nullptr;
  }

  /// The matmul that the scores come from.
  Operation *scores() const { return matmul; }

  void build() {
    llvm::SmallVector<Operation *> ops(members.begin(), members.end());
    ops.push_back(values);
    llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    llvm::SetVector<Value> operands;
    for (Operation *op : ops)
      collect(op, operands);
    llvm::ArrayRef<Value> inputs = operands.getArrayRef();
    llvm::SmallVector<Location> locations;
    for (Value input : inputs)
      locations.push_back(input.getLoc());

    OpBuilder builder(values);
    auto fusion = FusionOp::create(builder, values.getLoc(), values->getResultTypes(), inputs,
                                   builder.getStringAttr("attention"),
                                   builder.getStringAttr("attention stays alone"));
    Block *body =
        builder.createBlock(&fusion.getBody(), {}, ValueRange(inputs).getTypes(), locations);
    IRMapping mapping;
    mapping.map(inputs, body->getArguments());
    for (Operation *op : ops)
      copy(op, builder, mapping);
    YieldOp::create(builder, values.getLoc(), mapping.lookup(values.getResult()));
    values.replaceAllUsesWith(fusion.getResult(0));
    for (Operation *op : llvm::reverse(ops))
      op->erase();
  }

private:
  bool fits(RankedTensorType type) {
    int64_t rank = type.getRank(), rows = type.getDimSize(rank - 2);
    return type.getElementType().isF32() && static_cast<int64_t>(softmax.getAxis()) + 1 == rank &&
           type.getDimSize(rank - 1) > 0 && (ShapedType::isDynamic(rows) || rows >= minRows) &&
           isFew(values.getType().getDimSize(rank - 1));
  }

  static bool isFew(int64_t elements) { return elements > 0 && elements <= kMostElements; }

  /// Takes an op, and what it is computed from.
  void add(Operation *op) {
    members.insert(op);
    if (isa<MatMulOp>(op)) {
      matmul = op;
      return;
    }
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp(); producer && belongs(producer))
        add(producer);
  }

  bool belongs(Operation *op) {
    auto isMember = [&](Operation *user) { return members.contains(user); };
    if (isCopied(op) || op->getBlock() != values->getBlock() || members.contains(op) ||
        static_cast<int64_t>(members.size()) >= maxOps || !llvm::all_of(op->getUsers(), isMember))
      return false;
    if (auto product = dyn_cast<MatMulOp>(op)) {
      RankedTensorType lhs = product.getLhs().getType();
      return !matmul && isFew(lhs.getDimSize(lhs.getRank() - (product.getTransposeA() ? 2 : 1)));
    }
    return isElementwise(op);
  }

  void collect(Operation *op, llvm::SetVector<Value> &operands) {
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && isCopied(producer))
        collect(producer, operands);
      else if (!producer || !members.contains(producer))
        operands.insert(operand);
    }
  }

  void copy(Operation *op, OpBuilder &builder, IRMapping &mapping) {
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        copy(operand.getDefiningOp(), builder, mapping);
    builder.clone(*op, mapping);
  }

  MatMulOp values;
  SoftmaxOp softmax;
  int64_t minRows, maxOps;
  llvm::SetVector<Operation *> members; ///< But for `values`.
  Operation *matmul = nullptr;          ///< The one among them.
};

struct FuseAttentionPass : impl::FuseAttentionPassBase<FuseAttentionPass> {
  using Base::Base;

  void runOnOperation() override {
    llvm::SmallVector<MatMulOp> matmuls;
    getOperation().walk([&](MatMulOp op) { matmuls.push_back(op); });
    // From last to first: a group erases only matmuls that come before.
    llvm::DenseSet<Operation *> erased;
    for (MatMulOp op : llvm::reverse(matmuls)) {
      if (erased.contains(op))
        continue;
      Group group(op, minRows, maxOps);
      if (!group.find())
        continue;
      erased.insert(group.scores());
      group.build();
    }
  }
};

} // namespace
} // namespace mlc::ir
