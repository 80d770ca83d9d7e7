// mlc-simplify: the folders and canonicalization patterns of the mlc dialect, on
// functions of mlc ops.

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_SIMPLIFYPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

struct SimplifyPass : impl::SimplifyPassBase<SimplifyPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    context->getLoadedDialect<MLCDialect>()->getCanonicalizationPatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    // Not reaching a fixed point is no failure: every step is a valid rewrite.
    (void)applyPatternsGreedily(getOperation(), patterns);
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
} // namespace mlc::ir
