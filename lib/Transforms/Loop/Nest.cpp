//===- Nest.cpp - The loops of one structured op --------------------------===//

#include "Nest.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mlc::ir {

//===----------------------------------------------------------------------===//
// Combiner
//===----------------------------------------------------------------------===//

Combiner Combiner::of(linalg::LinalgOp op) {
  Combiner combiner;
  Block &body = *op.getBlock();
  Value result = body.getArguments().back();
  Operation *last = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!last || op.getNumReductionLoops() == 0)
    return combiner;
  if (last->getNumOperands() == 2 && result.hasOneUse() && *result.user_begin() == last)
    combiner.op = last;
  // element > result ? element : result
  auto select = dyn_cast<arith::SelectOp>(last);
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (compare && compare.getPredicate() == arith::CmpFPredicate::OGT &&
      select.getFalseValue() == result && compare.getRhs() == result &&
      compare.getLhs() == select.getTrueValue() && llvm::range_size(result.getUses()) == 2) {
    combiner.op = select;
    combiner.comparison = compare;
  }
  return combiner;
}

TypedAttr Combiner::neutral(Builder &b) const {
  if (!op)
    return {};
  Type type = op->getResult(0).getType();
  auto infinity = [&](bool negative) {
    return b.getFloatAttr(
        type, llvm::APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), negative));
  };
  unsigned width = type.getIntOrFloatBitWidth();
  return llvm::TypeSwitch<Operation *, TypedAttr>(op)
      .Case<arith::AddFOp>([&](auto) { return b.getFloatAttr(type, -0.0); })
      .Case<arith::MaximumFOp, arith::SelectOp>([&](auto) { return infinity(true); })
      .Case<arith::MinimumFOp>([&](auto) { return infinity(false); })
      .Case<arith::AddIOp>([&](auto) { return b.getIntegerAttr(type, 0); })
      .Case<arith::MaxSIOp>(
          [&](auto) { return b.getIntegerAttr(type, llvm::APInt::getSignedMinValue(width)); })
      .Case<arith::MinSIOp>(
          [&](auto) { return b.getIntegerAttr(type, llvm::APInt::getSignedMaxValue(width)); })
      .Default(TypedAttr());
}

Value Combiner::combine(ImplicitLocOpBuilder &b, Value soFar, Value element) const {
  if (comparison) {
    Value greater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, element, soFar);
    return arith::SelectOp::create(b, greater, element, soFar);
  }
  Operation *clone = b.clone(*op);
  clone->setOperands({soFar, element});
  clone->getResult(0).setType(soFar.getType());
  return clone->getResult(0);
}

Value Combiner::combineAll(ImplicitLocOpBuilder &b, ValueRange vectors) const {
  SmallVector<Value> left(vectors);
  while (left.size() > 1) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < left.size(); i += 2)
      next.push_back(combine(b, left[i], left[i + 1]));
    if (left.size() % 2 == 1)
      next.push_back(left.back());
    left = next;
  }
  Value vector = left.front();
  for (int64_t lanes = cast<VectorType>(vector.getType()).getDimSize(0); lanes > 1; lanes /= 2) {
    auto half = [&](int64_t from) -> Value {
      auto picked = llvm::to_vector(llvm::seq<int64_t>(from, from + lanes / 2));
      return vector::ShuffleOp::create(b, vector, vector, picked);
    };
    vector = combine(b, half(0), half(lanes / 2));
  }
  return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
}

//===----------------------------------------------------------------------===//
// Nest
//===----------------------------------------------------------------------===//

Nest::Nest(linalg::LinalgOp op)
    : op(op), accesses(accessesOf(op)), iterators(op.getIteratorTypesArray()),
      extents(op.getStaticLoopRanges()), combiner(Combiner::of(op)) {}

bool Nest::qualifies(unsigned loop) const {
  Builder b(op->getContext());
  if (isReduction(loop) && !combiner.neutral(b))
    return false;
  for (const Access &access : inputs())
    if (access.along(loop) == AccessPattern::Other)
      return false;
  AccessPattern wanted = isReduction(loop) ? AccessPattern::Invariant : AccessPattern::Contiguous;
  return out().along(loop) == wanted;
}

bool Nest::isPerRow(const Access &access) const {
  for (unsigned i = rows; i < numLoops(); ++i)
    if (extents[i] != 1 && access.map.isFunctionOfDim(i))
      return false;
  return true;
}

void Nest::share(unsigned count, int64_t vectorBits) {
  rows = count;
  vectorLoop = ~0u;
  lanes = 1;
  // Widest element first: all vectors of a body have as many lanes.
  unsigned widest = 8;
  for (const Access &access : accesses)
    widest = std::max(widest, access.elementType().getIntOrFloatBitWidth());
  for (Operation &inner : op.getBlock()->without_terminator())
    for (Type type : inner.getResultTypes())
      if (type.isIntOrFloat())
        widest = std::max(widest, type.getIntOrFloatBitWidth());
  // The innermost loop that qualifies wins; parallel ones come first.
  for (bool wantReduction : {false, true})
    for (int i = static_cast<int>(numLoops()) - 1; i >= static_cast<int>(rows) && lanes == 1; --i) {
      if (isReduction(i) != wantReduction || !qualifies(i))
        continue;
      int64_t most = vectorBits / widest;
      if (ShapedType::isStatic(extents[i]))
        most = std::min<int64_t>(most, llvm::PowerOf2Ceil(std::max<int64_t>(extents[i], 1)));
      if (most > 1) {
        vectorLoop = i;
        lanes = most;
      }
    }
}

} // namespace mlc::ir
