//===- PollCancel.cpp - Long kernels look whether they are still wanted ---===//
//
// Works on the loops of kernels over vectors and memrefs, and counts their ops.
// Kernels that are short whatever the size of a symbolic dimension stay as they are.
//
//===----------------------------------------------------------------------===//

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {
#define GEN_PASS_DEF_POLLCANCELPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// More than anybody waits for, and small enough to be added up.
constexpr int64_t kUnbounded = int64_t(1) << 55;

int64_t times(int64_t a, int64_t b) {
  int64_t product;
  return llvm::MulOverflow(a, b, product) ? kUnbounded : std::min(product, kUnbounded);
}

/// An upper bound of an index that is not negative.
int64_t bound(Value value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant;
  if (auto least = value.getDefiningOp<arith::MinUIOp>())
    return std::min(bound(least.getLhs()), bound(least.getRhs()));
  if (auto rest = value.getDefiningOp<arith::RemUIOp>())
    return bound(rest.getRhs());
  return kUnbounded;
}

/// An upper bound of to - from.
int64_t boundOfDifference(Value from, Value to) {
  if (auto least = to.getDefiningOp<arith::MinUIOp>())
    return std::min(boundOfDifference(from, least.getLhs()),
                    boundOfDifference(from, least.getRhs()));
  if (auto sum = to.getDefiningOp<arith::AddIOp>(); sum && sum.getLhs() == from)
    return bound(sum.getRhs());
  if (auto difference = from.getDefiningOp<arith::SubIOp>();
      difference && difference.getLhs() == to)
    return bound(difference.getRhs());
  return std::max<int64_t>(bound(to) - getConstantIntValue(from).value_or(0), 0);
}

int64_t iterations(scf::ForOp loop) {
  int64_t step = std::max<int64_t>(getConstantIntValue(loop.getStep()).value_or(1), 1);
  return llvm::divideCeil(boundOfDifference(loop.getLowerBound(), loop.getUpperBound()), step);
}

/// Ops that run when the block does, each as one, at most.
int64_t cost(Block &block) {
  int64_t total = 0;
  for (Operation &op : block) {
    int64_t ofRegions = 0;
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        ofRegions = std::max(ofRegions, cost(inner));
    if (auto loop = dyn_cast<scf::ForOp>(op))
      ofRegions = times(ofRegions, iterations(loop));
    total = std::min(total + 1 + ofRegions, kUnbounded);
  }
  return total;
}

struct PollCancel : mlc::ir::impl::PollCancelPassBase<PollCancel> {
  using PollCancelPassBase::PollCancelPassBase;

  void runOnOperation() override {
    if (getOperation()->hasAttr("mlc.kind") && !getOperation().isExternal())
      visit(getOperation().getBody().front());
  }

private:
  void visit(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      auto loop = dyn_cast<scf::ForOp>(op);
      if (!loop) {
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            visit(inner);
        continue;
      }
      int64_t body = cost(*loop.getBody());
      if (times(body, iterations(loop)) <= slice)
        continue;
      if (body > slice)
        visit(*loop.getBody());
      poll(loop, std::max<int64_t>(slice / body, 1));
    }
  }

  /// Cuts the loop into runs of `count` iterations, each of which is left out once the
  /// host wants no more.
  static void poll(scf::ForOp loop, int64_t count) {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    Value length =
        arith::MulIOp::create(b, loop.getStep(), arith::ConstantIndexOp::create(b, count));
    auto outer = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(), length,
                                    loop.getInitArgs());
    b.setInsertionPointToStart(outer.getBody());
    auto branch = scf::IfOp::create(b, loop.getResultTypes(), CancelledOp::create(b),
                                    /*addThenBlock=*/true, /*addElseBlock=*/true);
    if (loop.getNumResults() > 0)
      scf::YieldOp::create(b, branch.getResults());
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, outer.getRegionIterArgs());
    b.setInsertionPointToStart(branch.elseBlock());
    Value from = outer.getInductionVar();
    Value to =
        arith::MinUIOp::create(b, arith::AddIOp::create(b, from, length), loop.getUpperBound());
    auto inner = scf::ForOp::create(b, from, to, loop.getStep(), outer.getRegionIterArgs());
    inner.getRegion().takeBody(loop.getRegion());
    scf::YieldOp::create(b, inner.getResults());
    loop.replaceAllUsesWith(outer.getResults());
    loop.erase();
  }
};

} // namespace
