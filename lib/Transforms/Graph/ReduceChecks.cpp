// mlc-reduce-checks: lets every mlc.check ask for one bool, on functions of mlc ops.

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_REDUCECHECKSPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

// Whether all elements are true. The least of nothing is not 0, which is right.
Value allOf(OpBuilder &builder, Location loc, Value condition) {
  auto type = cast<RankedTensorType>(condition.getType());
  Type i32 = builder.getI32Type();
  Value numbers = CastOp::create(builder, loc, type.clone(i32), condition, "i32");
  auto axes = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Value least = ReduceOp::create(builder, loc, RankedTensorType::get({}, i32), numbers, "min", axes,
                                 /*keep_dims=*/false);
  return CastOp::create(builder, loc, RankedTensorType::get({}, builder.getI1Type()), least,
                        "bool");
}

struct ReduceChecksPass : impl::ReduceChecksPassBase<ReduceChecksPass> {
  void runOnOperation() override {
    getOperation().walk([](CheckOp check) {
      if (check.getCondition().getType().getRank() == 0)
        return;
      OpBuilder builder(check);
      check.getConditionMutable().assign(allOf(builder, check.getLoc(), check.getCondition()));
    });
  }
};

} // namespace
} // namespace mlc::ir
