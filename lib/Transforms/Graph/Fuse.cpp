// mlc-fuse: groups the ops of a function, and of every block of its if, while and
// scan, into mlc.fusion. Leaves parameters, calls, fusions of attention and what the host
// does alone.
//
// Ops are visited from last to first. An op joins the group of its users or
// becomes the last op, the root, of a new one. A group has one result, its
// root's; all other values of a group are used inside it only. So a group can
// always stand at the place of its root, and no cycle can arise.
//
// A group that reduces rows holds what is computed of whole rows, the reductions, and
// what is computed of their results, one element for each row.

#include "ParameterOnly.h"

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_FUSEPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

enum class Kind { Elementwise, Contraction, Reduction, Softmax, Data };

llvm::StringRef name(Kind kind) {
  switch (kind) {
  case Kind::Elementwise:
    return "elementwise";
  case Kind::Contraction:
    return "contraction";
  case Kind::Reduction:
    return "reduction";
  case Kind::Softmax:
    return "softmax";
  case Kind::Data:
    return "data";
  }
  llvm_unreachable("unknown kind");
}

Kind kindOf(Operation *op) {
  if (isa<MatMulOp, PackedMatMulOp>(op))
    return Kind::Contraction;
  if (isa<ReduceOp>(op))
    return Kind::Reduction;
  if (isa<SoftmaxOp>(op))
    return Kind::Softmax;
  if (isa<ConstantOp, ReshapeOp, TransposeOp, SliceOp, ConcatOp, TakeOp, PackOp>(op))
    return Kind::Data;
  return Kind::Elementwise;
}

bool isGroupable(Operation *op) {
  return isa_and_nonnull<MLCDialect>(op->getDialect()) &&
         !isa<ParameterOp, CallOp, FusionOp, YieldOp, PrintOp, CheckOp, CustomOp>(op) &&
         !isControlFlow(op);
}

// A slice that is read where it lies: vectors of it are contiguous.
bool isContiguousSlice(Operation *op) {
  auto slice = dyn_cast<SliceOp>(op);
  return slice && (slice.getAxes().empty() || slice.getStrides().back() == 1 ||
                   slice.getAxes().back() + 1 != slice.getType().getRank());
}

// Only the index changes: cheaper to repeat in every group than to store.
bool isRepeatable(Operation *op) { return isa<BroadcastOp>(op) || isContiguousSlice(op); }

llvm::ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// The iteration space of a reduction along the trailing dimensions of its operand.
struct RowSpace {
  llvm::SmallVector<int64_t> shape;
  int64_t rows = 0; ///< So many dimensions are left.

  bool operator==(const RowSpace &other) const {
    return shape == other.shape && rows == other.rows;
  }
  /// Whether a tensor has one element for each row.
  bool isPerRow(llvm::ArrayRef<int64_t> other) const {
    return rows > 0 && other.size() >= static_cast<size_t>(rows) &&
           other.take_front(rows) == llvm::ArrayRef(shape).take_front(rows) &&
           llvm::all_of(other.drop_front(rows), [](int64_t size) { return size == 1; });
  }
};

std::optional<RowSpace> rowsReducedBy(Operation *op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce || reduce.getAxes().empty() || reduce.getAxes().front() == 0)
    return std::nullopt;
  llvm::ArrayRef<int64_t> shape = shapeOf(reduce.getOperand()), axes = reduce.getAxes();
  if (axes.front() + static_cast<int64_t>(axes.size()) != static_cast<int64_t>(shape.size()))
    return std::nullopt;
  return RowSpace{llvm::to_vector(shape), axes.front()};
}

struct Group {
  Kind kind;
  Operation *root;
  llvm::SmallVector<int64_t> shape; ///< Of the loops: all members have it, but for those per row.
  int64_t rows;                     ///< Leading dimensions of rows that are reduced; 0: none are.
  llvm::StringRef reason;
  llvm::SmallVector<Operation *> members; ///< From last to first.
};

class Fuser {
public:
  Fuser(Block &block, bool fuse, int64_t maxOps) : block(block), fuse(fuse), maxOps(maxOps) {}

  void run() {
    llvm::SmallVector<Operation *> ops;
    for (Operation &op : block.without_terminator())
      if (isGroupable(&op))
        ops.push_back(&op);
    findRowSpaces(ops);
    for (Operation *op : llvm::reverse(ops))
      place(op);
    for (Operation *op : ops)
      if (auto root = rootOf.find(op); root != rootOf.end())
        build(groups[root->second]);
    for (Operation *op : llvm::reverse(ops))
      op->erase();
  }

private:
  // An element-wise op on the results of a reduction is computed where that is.
  void findRowSpaces(llvm::ArrayRef<Operation *> ops) {
    for (Operation *op : ops) {
      if (std::optional<RowSpace> reduced = rowsReducedBy(op)) {
        rowSpaces[op] = *reduced;
        continue;
      }
      if (kindOf(op) != Kind::Elementwise || isa<BroadcastOp>(op))
        continue;
      for (Value operand : op->getOperands())
        if (auto found = rowSpaces.find(operand.getDefiningOp());
            found != rowSpaces.end() && found->second.isPerRow(shapeOf(op->getResult(0)))) {
          RowSpace space = found->second;
          rowSpaces[op] = space;
          break;
        }
    }
  }

  // Adds `op` to the groups of its users, or makes a group of it.
  void place(Operation *op) {
    llvm::SetVector<size_t> users;
    llvm::DenseSet<size_t> contractions; // Groups in which `op` feeds the contraction.
    bool isUsedOutside = false;
    for (Operation *user : op->getUsers()) {
      auto found = memberOf.find(user);
      if (found == memberOf.end()) {
        isUsedOutside = true;
        continue;
      }
      users.insert(found->second.begin(), found->second.end());
      if (kindOf(user) == Kind::Contraction)
        contractions.insert(found->second.begin(), found->second.end());
    }
    // Constants that repeat one element are copied when groups are built.
    if (isSplatConstant(op->getResult(0)) && !isUsedOutside)
      return;

    llvm::StringRef reason;
    if (isUsedOutside)
      reason = whyStored(op);
    else if (users.empty())
      reason = "result is unused";
    else if (users.size() > 1 && !isRepeatable(op))
      reason = "result has several users";
    if (reason.empty() || isRepeatable(op))
      for (size_t user : users) {
        llvm::StringRef obstacle = contractions.contains(user) ? "consumer is a contraction"
                                                               : whyNotJoin(op, groups[user]);
        if (obstacle.empty())
          join(op, user);
        else
          reason = obstacle;
      }
    if (!reason.empty())
      start(op, reason);
  }

  llvm::StringRef whyStored(Operation *op) const {
    if (llvm::is_contained(op->getUsers(), block.getTerminator()))
      return "function result";
    bool isAttended =
        llvm::any_of(op->getUsers(), [](Operation *user) { return isa<FusionOp>(user); });
    return isAttended ? "consumer is an attention" : "consumer is not grouped";
  }

  // Empty when `op` may join `group`.
  llvm::StringRef whyNotJoin(Operation *op, const Group &group) const {
    if (!fuse)
      return "fusion is off";
    Kind kind = kindOf(op);
    if (kind == Kind::Softmax)
      return "softmax stays alone";
    if (kind == Kind::Data && !isContiguousSlice(op))
      return "data movement stays alone";
    if (group.kind == Kind::Softmax)
      return "consumer is a softmax";
    if (group.kind == Kind::Data)
      return "consumer moves data";
    if (reducesSymbolic(group))
      return "consumer reduces the symbolic dimension";
    if (kind == Kind::Contraction && group.kind == Kind::Contraction)
      return "consumer has a contraction already";
    if (kind == Kind::Contraction && group.kind == Kind::Reduction)
      return "consumer is a reduction";
    if (rowsOf(op, group) > 0) {
      if (group.kind == Kind::Contraction)
        return "consumer has a contraction";
    } else if (kind == Kind::Reduction) {
      return "reduces other rows";
    } else if (shapeOf(op->getResult(0)) != llvm::ArrayRef<int64_t>(group.shape)) {
      return "different shape";
    }
    if (static_cast<int64_t>(group.members.size()) >= maxOps)
      return "group is full";
    return "";
  }

  // The leading dimensions of the group's rows, if `op` reduces them or is computed per
  // row; else 0.
  int64_t rowsOf(Operation *op, const Group &group) const {
    if (auto found = rowSpaces.find(op); found != rowSpaces.end() &&
                                         found->second.shape == group.shape &&
                                         (group.rows == 0 || group.rows == found->second.rows))
      return found->second.rows;
    if (kindOf(op) == Kind::Elementwise &&
        RowSpace{group.shape, group.rows}.isPerRow(shapeOf(op->getResult(0))))
      return group.rows;
    return 0;
  }

  // A kernel learns the size of the symbolic dimension from its operands and results:
  // where no result has it, the operand that is reduced must stay one.
  static bool reducesSymbolic(const Group &group) {
    return group.kind == Kind::Reduction && ShapedType::isDynamicShape(group.shape) &&
           !ShapedType::isDynamicShape(shapeOf(group.root->getResult(0)));
  }

  void join(Operation *op, size_t index) {
    Group &group = groups[index];
    if (int64_t rows = rowsOf(op, group))
      group.rows = rows;
    group.members.push_back(op);
    if (Kind kind = kindOf(op); kind == Kind::Contraction || kind == Kind::Reduction)
      group.kind = kind;
    memberOf[op].push_back(index);
  }

  void start(Operation *op, llvm::StringRef reason) {
    // The loops of a reduction run over its operand.
    Value loops = isa<ReduceOp>(op) ? op->getOperand(0) : op->getResult(0);
    Group group{kindOf(op), op, llvm::to_vector(shapeOf(loops)), 0, reason, {op}};
    if (auto found = rowSpaces.find(op); found != rowSpaces.end()) {
      group.shape = found->second.shape;
      group.rows = found->second.rows;
    }
    rootOf[op] = groups.size();
    memberOf[op].push_back(groups.size());
    groups.push_back(std::move(group));
  }

  void build(const Group &group) {
    llvm::DenseSet<Operation *> members(group.members.begin(), group.members.end());
    llvm::SetVector<Value> operands;
    for (Operation *op : llvm::reverse(group.members))
      for (Value operand : op->getOperands())
        if (!members.contains(operand.getDefiningOp()) && !isCopied(operand))
          operands.insert(operand);
    llvm::SmallVector<Value> inputs;
    llvm::SmallVector<Location> locations;
    for (Value operand : operands) {
      Value made = fusedValues.lookup(operand);
      inputs.push_back(made ? made : operand);
      locations.push_back(operand.getLoc());
    }

    OpBuilder builder(group.root);
    auto fusion = FusionOp::create(builder, group.root->getLoc(), group.root->getResultTypes(),
                                   inputs, builder.getStringAttr(name(group.kind)),
                                   builder.getStringAttr(group.reason));
    Block *body =
        builder.createBlock(&fusion.getBody(), {}, ValueRange(inputs).getTypes(), locations);
    IRMapping mapping;
    mapping.map(operands.getArrayRef(), body->getArguments());
    for (Operation *op : llvm::reverse(group.members)) {
      for (Value operand : op->getOperands())
        if (!mapping.contains(operand))
          builder.clone(*operand.getDefiningOp(), mapping);
      builder.clone(*op, mapping);
    }
    Value result = group.root->getResult(0);
    YieldOp::create(builder, group.root->getLoc(), mapping.lookup(result));
    fusedValues[result] = fusion.getResult(0);
    result.replaceUsesWithIf(fusion.getResult(0),
                             [](OpOperand &use) { return !isGroupable(use.getOwner()); });
  }

  // A splat constant that is no group of its own.
  bool isCopied(Value value) const {
    return isSplatConstant(value) && !rootOf.contains(value.getDefiningOp());
  }

  Block &block;
  bool fuse;
  int64_t maxOps;
  llvm::SmallVector<Group, 0> groups;
  llvm::DenseMap<Operation *, llvm::SmallVector<size_t, 1>> memberOf;
  llvm::DenseMap<Operation *, size_t> rootOf;
  llvm::DenseMap<Operation *, RowSpace> rowSpaces; ///< Of reductions and of ops on their results.
  llvm::DenseMap<Value, Value> fusedValues;        ///< Of roots, in terms of fusions.
};

struct FusePass : impl::FusePassBase<FusePass> {
  using Base::Base;

  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      fuseBlock(block);
  }

  void fuseBlock(Block &block) {
    for (Operation &op : block)
      if (isControlFlow(&op))
        for (Region &region : op.getRegions())
          fuseBlock(region.front());
    Fuser(block, fuse, maxOps).run();
  }
};

} // namespace
} // namespace mlc::ir
