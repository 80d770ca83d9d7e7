//===- PollCancel.cpp - Long kernels look whether they are still wanted ---===//
//
// Works on the loops of kernels over vectors and memrefs, and counts their ops.
// Kernels that are short whatever the size of a symbolic dimension stay as they are.
//
//===----------------------------------------------------------------------===//

#include "LoopCost.h"

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

struct PollCancel : mlc::ir::impl::PollCancelPassBase<PollCancel> {
  using PollCancelPassBase::PollCancelPassBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (kernel->hasAttr("mlc.kind") && !kernel->hasAttr(kShortAttr) && !kernel.isExternal())
      visit(kernel.getBody().front());
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
      if (boundedProduct(body, iterations(loop)) <= slice)
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
