//===- LowerControlFlow.cpp - mlc.if, while, scan and check to scf --------===//
//
// Works on the drivers that mlc-outline-kernels leaves: calls that write to
// destinations, on tensors. What a block returns is written where the next step,
// or the code after the op, reads it, so that nothing is copied from step to step.
//
//===----------------------------------------------------------------------===//

#include "Drivers.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Support/Result.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"

namespace mlc::ir {
#define GEN_PASS_DEF_LOWERCONTROLFLOWPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

Value mlc::ir::symbolicSize(Block &body) {
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  for (Value argument : body.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    if (type.getRank() > 0 && type.isDynamicDim(0))
      return tensor::DimOp::create(builder, argument.getLoc(), argument, 0);
  }
  return Value();
}

NodePlace mlc::ir::nodeAt(Location location) {
  if (auto fused = dyn_cast<FusedLoc>(location); fused && !fused.getLocations().empty())
    location = fused.getLocations().front();
  auto node = dyn_cast<NameLoc>(location);
  if (!node)
    return {};
  NodePlace place{node.getName().str(), ""};
  llvm::raw_string_ostream stream(place.source);
  if (auto file = dyn_cast<FileLineColLoc>(node.getChildLoc()))
    stream << file.getFilename().strref() << ':' << file.getLine() << ':' << file.getColumn();
  else if (auto text = dyn_cast<NameLoc>(node.getChildLoc()))
    stream << text.getName().strref();
  return place;
}

std::string mlc::ir::placeOf(Location location) {
  NodePlace place = nodeAt(location);
  if (place.node.empty())
    return "";
  std::string source = place.source.empty() ? "" : " (" + place.source + ')';
  return "node `" + place.node + '`' + source + ": ";
}

namespace {

/// The buffers that a value of every step of a loop takes turns in: each step writes
/// to the next. Initial values are never written to.
struct Ring {
  Value value;
  int64_t size;
};

class DriverLowering {
public:
  DriverLowering(func::FuncOp driver, SmallVectorImpl<Attribute> &messages)
      : body(driver.getBody().front()), rewriter(driver.getContext()), messages(messages) {
    auto destinations = body.getArguments().take_back(driver.getNumResults());
    for (auto [value, destination] : llvm::zip(body.getTerminator()->getOperands(), destinations))
      destinationOf[value] = destination;
  }

  LogicalResult run() { return lowerBlock(body); }

private:
  LogicalResult lowerBlock(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      rewriter.setInsertionPoint(&op);
      LogicalResult result = success();
      if (auto branch = dyn_cast<IfOp>(op))
        result = lower(branch);
      else if (auto loop = dyn_cast<WhileOp>(op))
        result = lower(loop);
      else if (auto loop = dyn_cast<ScanOp>(op))
        result = lower(loop);
      else if (auto check = dyn_cast<CheckOp>(op))
        result = lower(check);
      if (failed(result))
        return failure();
    }
    return success();
  }

  //===--- Destinations --------------------------------------------------===//

  Value allocate(Location loc, RankedTensorType type) {
    SmallVector<Value> sizes;
    if (!type.hasStaticShape())
      sizes.push_back(size());
    // Unlike tensor.empty, each of these is a buffer of its own.
    return bufferization::AllocTensorOp::create(rewriter, loc, type, sizes);
  }

  Value size() { return knownSize ? knownSize : knownSize = symbolicSize(body); }

  /// Where a result of an if, or a collected one of a scan, is to be written.
  Value destinationFor(OpResult result) {
    if (Value destination = destinationOf.lookup(result))
      return destination;
    return allocate(result.getLoc(), cast<RankedTensorType>(result.getType()));
  }

  /// Makes what computes `value` write it to `destination`.
  LogicalResult retarget(Value value, Value destination) {
    Operation *op = value.getDefiningOp();
    if (auto call = dyn_cast_or_null<func::CallOp>(op)) {
      unsigned first = call.getNumOperands() - call.getNumResults();
      call.setOperand(first + cast<OpResult>(value).getResultNumber(), destination);
      return success();
    }
    if (!op || !isa<IfOp, ScanOp>(op))
      return emitError(value.getLoc()) << "expected a value that can be written to a destination";
    destinationOf[value] = destination;
    return success();
  }

  /// The rings that a loop with the block `body` needs: for every value that it
  /// computes and carries, but does not collect. Where a value is collected it stays,
  /// and is carried from there.
  static SmallVector<Ring> ringsOf(Block &body, int64_t carried) {
    OperandRange values = body.getTerminator()->getOperands();
    llvm::MapVector<Value, int64_t> sizes;
    for (int64_t i = 0; i < carried; ++i) {
      // A block may also return a carried value as it came, in any place, so that the
      // value in place i can be of an earlier step; in a cycle of such it is initial.
      int64_t age = 0;
      Value value = values[i];
      auto argument = dyn_cast<BlockArgument>(value);
      for (; argument && argument.getArgNumber() < carried && age < carried; ++age) {
        value = values[argument.getArgNumber()];
        argument = dyn_cast<BlockArgument>(value);
      }
      if (argument || llvm::is_contained(values.drop_front(carried), value))
        continue;
      // One is read, one is written to, and one is kept for every step of age.
      int64_t &size = sizes[value];
      size = std::max(size, age + 2);
    }
    return llvm::map_to_vector(sizes, [](auto ring) { return Ring{ring.first, ring.second}; });
  }

  void allocateRings(ArrayRef<Ring> rings, SmallVectorImpl<Value> &buffers) {
    for (const Ring &ring : rings)
      for (int64_t i = 0; i < ring.size; ++i)
        buffers.push_back(
            allocate(ring.value.getLoc(), cast<RankedTensorType>(ring.value.getType())));
  }

  /// Makes a step write to the first buffer of every ring, and yield the rest first.
  LogicalResult takeTurns(ArrayRef<Ring> rings, ValueRange buffers,
                          SmallVectorImpl<Value> &yielded) {
    for (const Ring &ring : rings) {
      if (failed(retarget(ring.value, buffers.front())))
        return failure();
      llvm::append_range(yielded, buffers.slice(1, ring.size - 1));
      yielded.push_back(buffers.front());
      buffers = buffers.drop_front(ring.size);
    }
    return success();
  }

  /// Moves the ops of `from` to the end of `to`; returns what it returned.
  SmallVector<Value> inlineBlock(Block &from, Block *to, ValueRange arguments) {
    Operation *yield = from.getTerminator();
    rewriter.inlineBlockBefore(&from, to, to->end(), arguments);
    SmallVector<Value> values(yield->getOperands());
    yield->erase();
    rewriter.setInsertionPointToEnd(to);
    return values;
  }

  Value predicate(Location loc, Value tensor) {
    return tensor::ExtractOp::create(rewriter, loc, tensor, ValueRange());
  }

  Value index(Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }

  //===--- if ------------------------------------------------------------===//

  LogicalResult lower(IfOp op) {
    Location loc = op.getLoc();
    SmallVector<Value> destinations;
    for (OpResult result : op->getResults())
      destinations.push_back(destinationFor(result));
    auto branch = scf::IfOp::create(rewriter, loc, op.getResultTypes(),
                                    predicate(loc, op.getPredicate()), /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
    Block *blocks[] = {branch.thenBlock(), branch.elseBlock()};
    for (auto [from, to] : llvm::zip(op->getRegions(), blocks)) {
      SmallVector<Value> values = inlineBlock(from.front(), to, op.getInputs());
      for (auto [value, destination] : llvm::zip_equal(values, destinations))
        if (failed(retarget(value, destination)))
          return failure();
      scf::YieldOp::create(rewriter, loc, values);
      if (failed(lowerBlock(*to)))
        return failure();
    }
    rewriter.replaceOp(op, branch);
    return success();
  }

  //===--- while ---------------------------------------------------------===//

  LogicalResult lower(WhileOp op) {
    Location loc = op.getLoc();
    int64_t count = op.getCarried();
    SmallVector<Ring> rings = ringsOf(op.getBody().front(), count);
    // Carried values, their buffers, and the number of rounds.
    SmallVector<Value> initial(op.getOperands().take_front(count));
    allocateRings(rings, initial);
    initial.push_back(index(loc, 0));
    Value limit = index(loc, op.getLimit()), one = index(loc, 1);
    // The condition passes everything on, and its own value.
    SmallVector<Type> before(ValueRange(initial).getTypes()), after(before);
    after.push_back(rewriter.getI1Type());
    auto loop = scf::WhileOp::create(rewriter, loc, after, initial);
    auto arguments = [&](Block *block) {
      SmallVector<Value> values(block->getArguments().take_front(count));
      llvm::append_range(values, op.getOperands().drop_front(count));
      return values;
    };

    Block *condition =
        rewriter.createBlock(&loop.getBefore(), {}, before, SmallVector(before.size(), loc));
    Value goesOn = inlineBlock(op.getCondition().front(), condition, arguments(condition)).front();
    goesOn = predicate(loc, goesOn);
    Value allowed = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                          condition->getArguments().back(), limit);
    SmallVector<Value> passed(condition->getArguments());
    passed.push_back(goesOn);
    scf::ConditionOp::create(rewriter, loc, arith::AndIOp::create(rewriter, loc, goesOn, allowed),
                             passed);

    Block *step = rewriter.createBlock(&loop.getAfter(), {}, after, SmallVector(after.size(), loc));
    SmallVector<Value> yielded = inlineBlock(op.getBody().front(), step, arguments(step));
    ValueRange state = step->getArguments().drop_back();
    if (failed(takeTurns(rings, state.drop_front(count).drop_back(), yielded)))
      return failure();
    yielded.push_back(arith::AddIOp::create(rewriter, loc, state.back(), one));
    scf::YieldOp::create(rewriter, loc, yielded);
    if (failed(lowerBlock(*condition)) || failed(lowerBlock(*step)))
      return failure();

    rewriter.setInsertionPointAfter(loop);
    Value yes = arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
    Value ended = arith::XOrIOp::create(rewriter, loc, loop.getResults().back(), yes);
    stopUnless(loc, ended, mlc::ErrorKind::ResourceLimit,
               placeOf(loc) + "while: has run " + std::to_string(op.getLimit()) +
                   " times, its `limit`, and would go on");
    rewriter.replaceOp(op, loop.getResults().take_front(count));
    return success();
  }

  void stopUnless(Location loc, Value condition, mlc::ErrorKind kind, const std::string &text) {
    Attribute message = rewriter.getArrayAttr(
        {rewriter.getI64IntegerAttr(static_cast<int64_t>(kind)), rewriter.getStringAttr(text)});
    auto found = llvm::find(messages, message);
    int64_t number = found - messages.begin();
    if (found == messages.end())
      messages.push_back(message);
    StopUnlessOp::create(rewriter, loc, condition, rewriter.getI64IntegerAttr(number));
  }

  //===--- check ---------------------------------------------------------===//

  LogicalResult lower(CheckOp op) {
    if (op.getCondition().getType().getRank() != 0)
      return op.emitError() << "expected a check of one bool; run mlc-reduce-checks before";
    stopUnless(op.getLoc(), predicate(op.getLoc(), op.getCondition()), mlc::ErrorKind::BadInput,
               placeOf(op.getLoc()) + op.getMessage().str());
    op.erase();
    return success();
  }

  //===--- scan ----------------------------------------------------------===//

  LogicalResult lower(ScanOp op) {
    Location loc = op.getLoc();
    int64_t count = op.getCarried(), sequences = op.getSequences();
    SmallVector<Ring> rings = ringsOf(op.getBody().front(), count);
    // Carried values, what is collected, and the buffers of carried values.
    SmallVector<Value> initial(op.getOperands().take_front(count));
    for (OpResult result : op->getResults().drop_front(count))
      initial.push_back(destinationFor(result));
    allocateRings(rings, initial);
    Value steps = numSteps(op), zero = index(loc, 0), one = index(loc, 1);
    auto loop = scf::ForOp::create(rewriter, loc, zero, steps, one, initial);
    Block *body = loop.getBody();
    if (!body->empty())
      rewriter.eraseOp(body->getTerminator());
    rewriter.setInsertionPointToEnd(body);
    Value step = loop.getInductionVar();
    if (op.getReverse())
      step = arith::SubIOp::create(rewriter, loc, arith::SubIOp::create(rewriter, loc, steps, one),
                                   step);

    ValueRange state = loop.getRegionIterArgs();
    ValueRange wholes = state.slice(count, op.getNumResults() - count);
    SmallVector<Value> places;
    for (Value whole : wholes)
      places.push_back(slice(loc, whole, step));
    SmallVector<Value> arguments(state.take_front(count));
    for (Value sequence : op.getOperands().slice(count, sequences))
      arguments.push_back(slice(loc, sequence, step));
    llvm::append_range(arguments, op.getOperands().drop_front(count + sequences));

    SmallVector<Value> yielded = inlineBlock(op.getBody().front(), body, arguments);
    for (auto [value, place, whole] :
         llvm::zip_equal(MutableArrayRef(yielded).drop_front(count), places, wholes)) {
      if (failed(retarget(value, place)))
        return failure();
      auto at = place.getDefiningOp<tensor::ExtractSliceOp>();
      value = tensor::InsertSliceOp::create(rewriter, loc, value, whole, at.getMixedOffsets(),
                                            at.getMixedSizes(), at.getMixedStrides());
    }
    if (failed(takeTurns(rings, state.drop_front(op.getNumResults()), yielded)))
      return failure();
    scf::YieldOp::create(rewriter, loc, yielded);
    if (failed(lowerBlock(*body)))
      return failure();
    rewriter.replaceOp(op, loop.getResults().take_front(op.getNumResults()));
    return success();
  }

  Value numSteps(ScanOp op) {
    if (op.getSequences() == 0)
      return index(op.getLoc(), op.getLength());
    auto type = cast<RankedTensorType>(op.getOperand(op.getCarried()).getType());
    return type.isDynamicDim(0) ? size() : index(op.getLoc(), type.getDimSize(0));
  }

  Value slice(Location loc, Value whole, Value step) {
    auto type = cast<RankedTensorType>(whole.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0)),
        strides(type.getRank(), rewriter.getIndexAttr(1)), sizes;
    for (int64_t extent : type.getShape())
      sizes.push_back(rewriter.getIndexAttr(extent));
    offsets[0] = step;
    sizes[0] = rewriter.getIndexAttr(1);
    auto sliceType = RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
    return tensor::ExtractSliceOp::create(rewriter, loc, sliceType, whole, offsets, sizes, strides);
  }

  Block &body;
  IRRewriter rewriter;
  SmallVectorImpl<Attribute> &messages;
  llvm::DenseMap<Value, Value> destinationOf;
  Value knownSize;
};

struct LowerControlFlow : mlc::ir::impl::LowerControlFlowPassBase<LowerControlFlow> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Attribute> messages;
    for (StringRef name : {kPrepareFunction, kRunFunction}) {
      auto driver = module.lookupSymbol<func::FuncOp>(name);
      if (!driver || failed(DriverLowering(driver, messages).run()))
        return signalPassFailure();
    }
    if (!messages.empty())
      module->setAttr(kMessagesAttr, ArrayAttr::get(&getContext(), messages));
  }
};

} // namespace
