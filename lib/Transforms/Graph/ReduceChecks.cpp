// mlc-reduce-checks: lets every mlc.check ask for one bool, on functions of mlc ops.

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_REDUCECHECKSPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

// The least element along the axes from `first` on.
Value leastOf(OpBuilder &builder, Location loc, Value numbers, int64_t first) {
  auto type = cast<RankedTensorType>(numbers.getType());
  auto axes = llvm::to_vector(llvm::seq<int64_t>(first, type.getRank()));
  auto result = RankedTensorType::get(type.getShape().take_front(first), type.getElementType());
  return ReduceOp::create(builder, loc, result, numbers, "min", axes, /*keep_dims=*/false);
}

// Whether all elements are true. The least of nothing is not 0, which is right.
Value allOf(OpBuilder &builder, Location loc, Value condition) {
  auto type = cast<RankedTensorType>(condition.getType());
  Value least = CastOp::create(builder, loc, type.clone(builder.getI32Type()), condition, "i32");
  // Nothing is fused into what reduces the symbolic dimension, so that goes last.
  if (type.isDynamicDim(0) && type.getRank() > 1)
    least = leastOf(builder, loc, least, 1);
  least = leastOf(builder, loc, least, 0);
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
