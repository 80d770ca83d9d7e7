//===- Parallelize.cpp - Long loops for the threads of the host -----------===//
//
// Works on the loops of kernels over vectors and memrefs. Their bodies become
// functions like kernels, so that no pointer loses its noalias on the way to a thread.
//
//===----------------------------------------------------------------------===//

#include "LoopCost.h"
#include "VectorLoops.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlc::ir {
#define GEN_PASS_DEF_PARALLELIZEPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// So many iterations are spread well enough over the threads of most machines.
constexpr int64_t kEnough = 8;

/// What a loop's body needs from around it: values to be passed, and ops that are cheaper
/// to be repeated, each before its users.
struct Surroundings {
  explicit Surroundings(scf::ForOp loop) : loop(loop) {}
  scf::ForOp loop;
  llvm::SetVector<Value> passed;
  llvm::SetVector<Operation *> repeated;

  /// Memory on the stack is each thread's own if nothing outside of the loop uses it.
  bool isRepeated(Operation *op) {
    auto isInside = [&](Operation *user) { return loop->isProperAncestor(user); };
    return (isMemoryEffectFree(op) && op->getNumRegions() == 0) ||
           (isa<memref::AllocaOp>(op) && llvm::all_of(op->getUsers(), isInside));
  }

  /// Whether the value can be had in another function.
  bool add(Value value) {
    Operation *op = value.getDefiningOp();
    if (op && isRepeated(op)) {
      for (Value operand : op->getOperands())
        if (!add(operand))
          return false;
      repeated.insert(op);
      return true;
    }
    passed.insert(value);
    return isa<MemRefType>(value.getType()) ? !op : value.getType().isIntOrIndexOrFloat();
  }
};

/// The ops that an iteration of a loop runs, computed in front of the loop.
class Work {
public:
  Work(ImplicitLocOpBuilder &b, scf::ForOp loop) : b(b), loop(loop) {}
  Value ofBody() { return of(*loop.getBody()); }

private:
  Value of(Block &block) {
    int64_t known = 0;
    SmallVector<Value> found;
    for (Operation &op : block) {
      int64_t most = cost(op);
      auto inner = dyn_cast<scf::ForOp>(op);
      Value count = inner ? countOf(inner) : Value();
      // The count may be less than its bound: a loop over rows that are left may not run.
      if (isBounded(most) && (!count || getConstantIntValue(count))) {
        known += most;
        continue;
      }
      ++known;
      for (Region &region : op.getRegions())
        for (Block &nested : region)
          found.push_back(count ? b.createOrFold<arith::MulIOp>(count, of(nested)) : of(nested));
    }
    Value total = arith::ConstantIndexOp::create(b, known);
    for (Value work : found)
      total = b.createOrFold<arith::AddIOp>(total, work);
    return total;
  }

  /// Null if it depends on where the loop is.
  Value countOf(scf::ForOp inner) {
    if (Value from = outside(inner.getLowerBound()), to = outside(inner.getUpperBound()),
        step = outside(inner.getStep());
        from && to && step)
      return b.createOrFold<arith::CeilDivUIOp>(b.createOrFold<arith::SubIOp>(to, from), step);
    return {};
  }

  /// The value in front of the loop, or null.
  Value outside(Value value) {
    if (!loop.getRegion().isAncestor(value.getParentRegion()))
      return value;
    Operation *op = value.getDefiningOp();
    if (!op || !isMemoryEffectFree(op) || op->getNumRegions() > 0)
      return {};
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      operands.push_back(outside(operand));
      if (!operands.back())
        return {};
    }
    Operation *copy = b.clone(*op);
    copy->setOperands(operands);
    return copy->getResult(cast<OpResult>(value).getResultNumber());
  }

  ImplicitLocOpBuilder &b;
  scf::ForOp loop;
};

struct Parallelize : mlc::ir::impl::ParallelizePassBase<Parallelize> {
  using ParallelizePassBase::ParallelizePassBase;

  void runOnOperation() override {
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!function->hasAttr("mlc.kind") || function->hasAttr(kShortAttr) || function.isExternal())
        continue;
      kernel = function;
      parts = 0;
      visit(kernel.getBody().front());
    }
  }

private:
  /// The ops that are worth waking a thread.
  int64_t least() const { return boundedProduct(grain, 4); }

  void visit(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      auto loop = dyn_cast<scf::ForOp>(op);
      if (loop && isLong(loop) && isBest(loop) && outline(loop))
        continue;
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          visit(inner);
    }
  }

  bool isLong(scf::ForOp loop) const {
    return loop->hasAttr(kIndependentAttr) &&
           boundedProduct(cost(*loop.getBody()), iterations(loop)) >= least();
  }

  /// Whether no loop inside of a long one is a better choice.
  bool isBest(scf::ForOp loop) const {
    int64_t count = iterations(loop);
    if (count >= kEnough)
      return true;
    WalkResult found = loop.getBody()->walk([&](scf::ForOp inner) {
      return isLong(inner) && iterations(inner) > count ? WalkResult::interrupt()
                                                        : WalkResult::advance();
    });
    return !found.wasInterrupted();
  }

  /// False if the loop is of a form that cannot be taken out.
  bool outline(scf::ForOp loop) {
    std::optional<int64_t> step = getConstantIntValue(loop.getStep());
    Surroundings around(loop);
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(loop.getRegion(), captured);
    captured.insert(loop.getStep());
    if (!step || loop.getNumResults() > 0 ||
        !llvm::all_of(captured, [&](Value value) { return around.add(value); }))
      return false;
    passSizes(around);
    noteStrategy(loop, "pieces for threads from " + Twine(least()) + " ops on");
    func::FuncOp part = makePart(loop, around);
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    ParallelForOp::create(b, part.getSymName(), around.passed.getArrayRef(), loop.getLowerBound(),
                          loop.getUpperBound(), chunkOf(b, loop, *step));
    loop.erase();
    return true;
  }

  /// How many indices a piece has: `grain` ops, but all if that is too little altogether.
  Value chunkOf(ImplicitLocOpBuilder &b, scf::ForOp loop, int64_t step) const {
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    Value work = Work(b, loop).ofBody();
    Value pieces = b.createOrFold<arith::DivUIOp>(constant(grain), work);
    pieces = b.createOrFold<arith::MaxUIOp>(pieces, constant(1));
    Value chunk = b.createOrFold<arith::MulIOp>(pieces, constant(step));
    Value all = b.createOrFold<arith::SubIOp>(loop.getUpperBound(), loop.getLowerBound());
    Value count = b.createOrFold<arith::CeilDivUIOp>(all, constant(step));
    Value total = b.createOrFold<arith::MulIOp>(work, count);
    Value isShort =
        b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, total, constant(least()));
    all = b.createOrFold<arith::MaxUIOp>(all, constant(1));
    return b.createOrFold<arith::SelectOp>(isShort, all, chunk);
  }

  /// The argument of the kernel that `value` is, or null.
  BlockArgument argumentOfKernel(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == &kernel.getBody().front() ? argument
                                                                        : BlockArgument();
  }

  /// Of a kernel that is given its sizes: which of its arguments those of `buffer` are.
  ArrayRef<int64_t> sizesOf(Value buffer) {
    auto all = kernel->getAttrOfType<ArrayAttr>(kSizesAttr);
    BlockArgument argument = argumentOfKernel(buffer);
    if (!all || !argument || argument.getArgNumber() >= all.size())
      return {};
    return cast<DenseI64ArrayAttr>(all[argument.getArgNumber()]).asArrayRef();
  }

  void passSizes(Surroundings &around) {
    for (Value value : llvm::to_vector(around.passed.getArrayRef()))
      for (int64_t size : sizesOf(value))
        around.passed.insert(kernel.getArgument(size));
  }

  /// The same of a part.
  void noteSizes(func::FuncOp part, const Surroundings &around, const IRMapping &mapping) {
    if (!kernel->hasAttr(kSizesAttr))
      return;
    Builder b(part.getContext());
    SmallVector<Attribute> all;
    for (Value value : around.passed) {
      SmallVector<int64_t> sizes;
      for (int64_t size : sizesOf(value))
        sizes.push_back(
            cast<BlockArgument>(mapping.lookup(kernel.getArgument(size))).getArgNumber());
      all.push_back(b.getDenseI64ArrayAttr(sizes));
    }
    part->setAttr(kSizesAttr, b.getArrayAttr(all));
  }

  /// The function of what is passed, and of the ends of a range, that runs the loop there.
  func::FuncOp makePart(scf::ForOp loop, const Surroundings &around) {
    ImplicitLocOpBuilder b(loop.getLoc(), kernel->getContext());
    b.setInsertionPointAfter(kernel);
    SmallVector<Type> types(ValueRange(around.passed.getArrayRef()).getTypes());
    types.append(2, b.getIndexType());
    std::string name = (kernel.getSymName() + "_part_" + Twine(parts++)).str();
    auto part = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
    part.setPrivate();
    part->setAttr("mlc.kind", kernel->getAttr("mlc.kind"));
    Block &body = *part.addEntryBlock();
    b.setInsertionPointToStart(&body);
    IRMapping mapping;
    for (auto [value, argument] : llvm::zip(around.passed, body.getArguments())) {
      mapping.map(value, argument);
      BlockArgument given = argumentOfKernel(value);
      if (given && kernel.getArgAttr(given.getArgNumber(), kMayAliasAttr))
        part.setArgAttr(argument.getArgNumber(), kMayAliasAttr, b.getUnitAttr());
    }
    noteSizes(part, around, mapping);
    for (Operation *op : around.repeated)
      b.clone(*op, mapping);
    unsigned ends = body.getNumArguments() - 2;
    auto range = scf::ForOp::create(b, body.getArgument(ends), body.getArgument(ends + 1),
                                    mapping.lookup(loop.getStep()));
    range.getBody()->erase();
    loop.getRegion().cloneInto(&range.getRegion(), mapping);
    func::ReturnOp::create(b);
    return part;
  }

  func::FuncOp kernel;
  int parts = 0; ///< Functions made of this kernel.
};

} // namespace
