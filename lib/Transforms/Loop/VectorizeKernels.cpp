//===- VectorizeKernels.cpp - Structured ops to loops over vectors --------===//
//
// Works on linalg ops on memrefs, one at a time; whatever mlc-tile-contractions
// has left is lowered here, in scalars if there is nothing better.
//
//===----------------------------------------------------------------------===//

#include "VectorLoops.h"

#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace mlc::ir {
#define GEN_PASS_DEF_VECTORIZEKERNELSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// The op of a reduction's body that combines an element with the result so far.
Operation *findCombiner(linalg::LinalgOp op) {
  Block &body = *op.getBlock();
  Value result = body.getArguments().back();
  Operation *combiner = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!combiner || combiner->getNumOperands() != 2 || !result.hasOneUse() ||
      *result.user_begin() != combiner)
    return nullptr;
  return combiner;
}

/// The value that leaves the other operand of a combiner as it is.
TypedAttr neutralElement(Builder &b, Operation *combiner) {
  Type type = combiner->getResult(0).getType();
  auto infinity = [&](bool negative) {
    return b.getFloatAttr(
        type, llvm::APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), negative));
  };
  unsigned width = type.getIntOrFloatBitWidth();
  return llvm::TypeSwitch<Operation *, TypedAttr>(combiner)
      .Case<arith::AddFOp>([&](auto) { return b.getFloatAttr(type, -0.0); })
      .Case<arith::MaximumFOp>([&](auto) { return infinity(true); })
      .Case<arith::MinimumFOp>([&](auto) { return infinity(false); })
      .Case<arith::AddIOp>([&](auto) { return b.getIntegerAttr(type, 0); })
      .Case<arith::MaxSIOp>(
          [&](auto) { return b.getIntegerAttr(type, llvm::APInt::getSignedMinValue(width)); })
      .Case<arith::MinSIOp>(
          [&](auto) { return b.getIntegerAttr(type, llvm::APInt::getSignedMaxValue(width)); })
      .Default(TypedAttr());
}

/// combiner(lhs, rhs) on values of any common type.
Value combine(ImplicitLocOpBuilder &b, Operation *combiner, Value lhs, Value rhs) {
  Operation *clone = b.clone(*combiner);
  clone->setOperands({lhs, rhs});
  clone->getResult(0).setType(lhs.getType());
  return clone->getResult(0);
}

/// Combines the lanes of a vector, halving it until one is left.
Value combineLanes(ImplicitLocOpBuilder &b, Operation *combiner, Value vector, int64_t lanes) {
  for (; lanes > 1; lanes /= 2) {
    auto half = [&](int64_t from) -> Value {
      auto picked = llvm::to_vector(llvm::seq<int64_t>(from, from + lanes / 2));
      return vector::ShuffleOp::create(b, vector, vector, picked);
    };
    vector = combine(b, combiner, half(0), half(lanes / 2));
  }
  return isa<VectorType>(vector.getType())
             ? vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0}).getResult()
             : vector;
}

/// Lowers one structured op.
class Lowering {
public:
  Lowering(linalg::LinalgOp op, int64_t vectorBits)
      : op(op), b(op.getLoc(), op), accesses(accessesOf(op)), ivs(op.getNumLoops()) {
    for (unsigned i = 0; i < op.getNumLoops(); ++i)
      sizes.push_back(loopSize(b, op, i));
    chooseVectorLoop(vectorBits);
  }

  void run() {
    if (!isa<linalg::FillOp>(op.getOperation()))
      noteStrategy(op, lanes == 1 ? Twine("scalar loop")
                                  : "vectors of " + Twine(lanes) +
                                        (isReduction(vectorLoop) ? ", combined at the end" : ""));
    SmallVector<unsigned> parallel, reduction;
    for (unsigned i = 0; i < op.getNumLoops(); ++i)
      if (i != vectorLoop)
        (op.getIteratorTypesArray()[i] == utils::IteratorType::parallel ? parallel : reduction)
            .push_back(i);
    parallelLoops(parallel, reduction);
    op->erase();
  }

private:
  bool isReduction(unsigned loop) {
    return op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction;
  }

  void chooseVectorLoop(int64_t vectorBits) {
    // Widest element first: all vectors of a body have as many lanes.
    unsigned widest = 8;
    for (const Access &access : accesses)
      widest = std::max(widest, access.elementType().getIntOrFloatBitWidth());
    for (Operation &inner : op.getBlock()->without_terminator())
      for (Type type : inner.getResultTypes())
        if (type.isIntOrFloat())
          widest = std::max(widest, type.getIntOrFloatBitWidth());
    bool reduces = op.getNumReductionLoops() > 0;
    combiner = reduces ? findCombiner(op) : nullptr;
    // The innermost loop that qualifies wins; parallel ones come first.
    for (bool wantReduction : {false, true})
      for (int i = static_cast<int>(op.getNumLoops()) - 1; i >= 0 && lanes == 1; --i) {
        if (isReduction(i) != wantReduction || !qualifies(i))
          continue;
        int64_t most = vectorBits / widest;
        if (std::optional<int64_t> size = getConstantIntValue(sizes[i]))
          most = std::min<int64_t>(most, llvm::PowerOf2Ceil(std::max<int64_t>(*size, 1)));
        if (most > 1) {
          vectorLoop = i;
          lanes = most;
        }
      }
  }

  bool qualifies(unsigned loop) {
    if (isReduction(loop) && (!combiner || !neutralElement(b, combiner)))
      return false;
    for (const Access &access : ArrayRef(accesses).drop_back())
      if (access.along(loop) == AccessPattern::Other)
        return false;
    AccessPattern wanted = isReduction(loop) ? AccessPattern::Invariant : AccessPattern::Contiguous;
    return accesses.back().along(loop) == wanted;
  }

  void parallelLoops(ArrayRef<unsigned> loops, ArrayRef<unsigned> reduction) {
    if (!loops.empty())
      return forEach(b, sizes[loops.front()], [&](Value iv) {
        ivs[loops.front()] = iv;
        parallelLoops(loops.drop_front(), reduction);
      });
    if (lanes == 1)
      return point(reduction, 1, {});
    if (isReduction(vectorLoop))
      return reduceAlongVector(reduction);
    overVectors([&](Value mask) { point(reduction, lanes, mask); });
  }

  /// Runs `body` with ivs[vectorLoop] at each multiple of `lanes`, with a mask for
  /// the last, partial vector.
  void overVectors(llvm::function_ref<void(Value mask)> body) {
    splitVectorLoop(
        [&](Value from, Value to, Value step) {
          auto loop = independentFor(b, from, to, step);
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToStart(loop.getBody());
          ivs[vectorLoop] = loop.getInductionVar();
          body({});
        },
        [&](Value at, Value mask) {
          ivs[vectorLoop] = at;
          body(mask);
        });
  }

  /// Calls `full` for the loop over whole vectors and `partial` for the rest,
  /// inside an scf.if when only the run time knows whether there is one.
  void splitVectorLoop(llvm::function_ref<void(Value, Value, Value)> full,
                       llvm::function_ref<void(Value, Value)> partial) {
    Value zero = indexConstant(b, 0), step = indexConstant(b, lanes);
    if (std::optional<int64_t> size = getConstantIntValue(sizes[vectorLoop])) {
      int64_t whole = *size / lanes * lanes;
      if (whole == lanes)
        partial(zero, {});
      else if (whole > 0)
        full(zero, indexConstant(b, whole), step);
      if (*size > whole)
        partial(indexConstant(b, whole), constantMask(b, *size - whole, lanes));
      return;
    }
    Value size = asValue(b, sizes[vectorLoop]);
    Value rest = arith::RemUIOp::create(b, size, step);
    Value whole = arith::SubIOp::create(b, size, rest);
    full(zero, whole, step);
    Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, rest, zero);
    auto branch = scf::IfOp::create(b, some, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    partial(whole, dynamicMask(b, rest, lanes));
  }

  /// The elements of the inputs at the current position.
  SmallVector<Value> inputs(int64_t width, Value mask) {
    SmallVector<Value> values;
    for (const Access &access : ArrayRef(accesses).drop_back())
      values.push_back(access.load(b, ivs, vectorLoop, width, mask));
    return values;
  }

  /// One output vector (or scalar): all remaining reduction loops run inside.
  void point(ArrayRef<unsigned> reduction, int64_t width, Value mask) {
    const Access &out = accesses.back();
    bool reads = !op.getBlock()->getArguments().back().use_empty();
    Value initial;
    if (reads)
      initial = out.load(b, ivs, vectorLoop, width, mask);
    else
      initial = arith::ConstantOp::create(b, b.getZeroAttr(lanesOf(out.elementType(), width)));
    Value result = carried(reduction, initial, [&](Value accumulator) {
      SmallVector<Value> arguments = inputs(width, mask);
      arguments.push_back(accumulator);
      return cloneBody(b, *op.getBlock(), arguments, width);
    });
    out.store(b, ivs, result, mask);
  }

  Value carried(ArrayRef<unsigned> loops, Value initial, llvm::function_ref<Value(Value)> body) {
    if (loops.empty())
      return body(initial);
    return forCarried(b, indexConstant(b, 0), asValue(b, sizes[loops.front()]), indexConstant(b, 1),
                      {initial}, [&](Value iv, ValueRange values) -> SmallVector<Value> {
                        ivs[loops.front()] = iv;
                        return {carried(loops.drop_front(), values[0], body)};
                      })[0];
  }

  /// The innermost loop is a reduction: its lanes are combined at the end.
  void reduceAlongVector(ArrayRef<unsigned> outer) {
    const Access &out = accesses.back();
    auto type = VectorType::get({lanes}, out.elementType());
    Value neutral = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, Attribute(neutralElement(b, combiner))));
    auto step = [&](Value accumulator, Value mask) {
      SmallVector<Value> arguments = inputs(lanes, mask);
      arguments.push_back(accumulator);
      Value next = cloneBody(b, *op.getBlock(), arguments, lanes);
      return mask ? arith::SelectOp::create(b, mask, next, accumulator).getResult() : next;
    };
    Value vector = carried(outer, neutral, [&](Value accumulator) {
      Value zero = indexConstant(b, 0), width = indexConstant(b, lanes);
      Value size = asValue(b, sizes[vectorLoop]);
      std::optional<int64_t> known = getConstantIntValue(sizes[vectorLoop]);
      Value rest = known ? indexConstant(b, *known % lanes)
                         : arith::RemUIOp::create(b, size, width).getResult();
      Value whole = known ? indexConstant(b, *known - *known % lanes)
                          : arith::SubIOp::create(b, size, rest).getResult();
      accumulator = forCarried(b, zero, whole, width, {accumulator},
                               [&](Value iv, ValueRange values) -> SmallVector<Value> {
                                 ivs[vectorLoop] = iv;
                                 return {step(values[0], {})};
                               })[0];
      if (known && *known % lanes == 0)
        return accumulator;
      ivs[vectorLoop] = whole;
      return step(accumulator,
                  known ? constantMask(b, *known % lanes, lanes) : dynamicMask(b, rest, lanes));
    });
    Value lanesCombined = combineLanes(b, combiner, vector, lanes);
    // The combiner's operand order is kept: the result so far comes first.
    out.storeScalar(b, ivs, combine(b, combiner, out.loadScalar(b, ivs), lanesCombined));
  }

  linalg::LinalgOp op;
  ImplicitLocOpBuilder b;
  SmallVector<Access> accesses;
  SmallVector<Value> ivs;
  SmallVector<OpFoldResult> sizes;
  Operation *combiner = nullptr;
  unsigned vectorLoop = ~0u; // none
  int64_t lanes = 1;
};

struct VectorizeKernels : mlc::ir::impl::VectorizeKernelsPassBase<VectorizeKernels> {
  using VectorizeKernelsPassBase::VectorizeKernelsPassBase;

  void runOnOperation() override {
    lowerCopies();
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op->emitError() << "expected buffers; run mlc-bufferize first";
        return signalPassFailure();
      }
      Lowering(op, vectorBits).run();
    }
  }

  /// Bufferisation's copies become structured ops, so that no image calls memcpy.
  void lowerCopies() {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies) {
      OpBuilder builder(copy);
      if (copy.getSource() != copy.getTarget())
        linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    }
  }
};

} // namespace
