//===- LoopCost.cpp - How long loops of kernels may take ------------------===//

#include "LoopCost.h"

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mlc::ir {

/// More than anybody waits for, and small enough to be added up.
static constexpr int64_t kUnbounded = int64_t(1) << 55;

int64_t boundedProduct(int64_t a, int64_t b) {
  int64_t product;
  return llvm::MulOverflow(a, b, product) ? kUnbounded : std::min(product, kUnbounded);
}

static int64_t boundOfDifference(Value from, Value to);

/// An upper bound of an index that is not negative.
static int64_t bound(Value value) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return *constant;
  if (auto least = value.getDefiningOp<arith::MinUIOp>())
    return std::min(bound(least.getLhs()), bound(least.getRhs()));
  if (auto rest = value.getDefiningOp<arith::RemUIOp>())
    return bound(rest.getRhs());
  if (auto difference = value.getDefiningOp<arith::SubIOp>())
    return boundOfDifference(difference.getRhs(), difference.getLhs());
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    return std::min(bound(sum.getLhs()) + bound(sum.getRhs()), kUnbounded);
  if (auto choice = value.getDefiningOp<arith::SelectOp>())
    return std::max(bound(choice.getTrueValue()), bound(choice.getFalseValue()));
  return kUnbounded;
}

/// An upper bound of to - from.
static int64_t boundOfDifference(Value from, Value to) {
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

int64_t cost(Operation &op) {
  int64_t ofRegions = 0;
  if (auto work = op.getAttrOfType<IntegerAttr>(kWorkAttr))
    ofRegions = work.getInt();
  for (Region &region : op.getRegions())
    for (Block &inner : region)
      ofRegions = std::max(ofRegions, cost(inner));
  if (auto loop = dyn_cast<scf::ForOp>(op))
    ofRegions = boundedProduct(ofRegions, iterations(loop));
  return std::min(1 + ofRegions, kUnbounded);
}

int64_t cost(Block &block) {
  int64_t total = 0;
  for (Operation &op : block)
    total = std::min(total + cost(op), kUnbounded);
  return total;
}

bool isBounded(int64_t cost) { return cost < kUnbounded >> 8; } // No step is as long as that.

} // namespace mlc::ir
