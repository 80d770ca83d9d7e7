//===- MLCToLinalg.cpp - Kernels of mlc ops to linalg on tensors ----------===//
//
// Works on the functions that mlc-outline-kernels makes: a kernel holds, slices
// aside, at most one op that is not element-wise. Element-wise ops, broadcasts and
// splat constants are folded into the body of the generic that needs their elements,
// which reads slices where they lie.
//
//===----------------------------------------------------------------------===//

#include "TensorLowerings.h"

#include "mlc/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

namespace mlc::ir {
#define GEN_PASS_DEF_MLCTOLINALGPASS
#include "mlc/Conversion/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

Type mlc::ir::storageType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor &&
      (tensor.getElementType().isInteger(1) || tensor.getElementType().isUnsignedInteger(8)))
    return tensor.clone(IntegerType::get(type.getContext(), 8));
  return type;
}

/// Whether all elements are equal; so are those of nothing.
static bool isSplatConstant(Operation *op) {
  auto constant = dyn_cast<ConstantOp>(op);
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return elements && (elements.isSplat() || elements.empty());
}

/// Where element `map` of the broadcast's result comes from.
static AffineMap sourceMap(BroadcastOp op, AffineMap map) {
  auto from = cast<RankedTensorType>(op.getOperand().getType());
  auto to = cast<RankedTensorType>(op.getResult().getType());
  SmallVector<AffineExpr> results;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    bool repeated = from.getDimSize(i) == 1 && to.getDimSize(axis) != 1;
    results.push_back(repeated ? getAffineConstantExpr(0, op.getContext()) : map.getResult(axis));
  }
  return AffineMap::get(map.getNumDims(), 0, results, op.getContext());
}

//===----------------------------------------------------------------------===//
// Element-wise expressions
//===----------------------------------------------------------------------===//

/// An expression is walked twice: to collect the tensors that it reads, and, in
/// the body of the generic, to compute an element from theirs.
struct KernelLowering::Elements {
  explicit Elements(KernelLowering &kernel) : kernel(kernel) {}

  KernelLowering &kernel;
  SmallVector<Leaf> leaves;
  llvm::DenseMap<std::pair<Value, AffineMap>, unsigned> leafIndex;
  llvm::DenseMap<std::pair<Value, AffineMap>, Value> computed;

  void collect(Value value, AffineMap map) {
    if (leafIndex.count({value, map}) || computed.count({value, map}))
      return;
    Operation *op = value.getDefiningOp();
    if (Value tensor = kernel.storage.lookup(value)) {
      leafIndex[{value, map}] = leaves.size();
      leaves.push_back({tensor, map});
      return;
    }
    computed[{value, map}] = Value();
    if (auto broadcast = dyn_cast<BroadcastOp>(op))
      return collect(broadcast.getOperand(), sourceMap(broadcast, map));
    for (Value operand : op->getOperands())
      collect(operand, map);
  }

  /// `elements` are the generic's block arguments, one per leaf.
  Value emit(ImplicitLocOpBuilder &b, Value value, AffineMap map, ValueRange elements) {
    if (auto it = leafIndex.find({value, map}); it != leafIndex.end()) {
      Value &known = loaded[{value, map}];
      if (!known)
        known = fromStorage(b, value, elements[it->second]);
      return known;
    }
    Value &known = computed[{value, map}];
    if (known)
      return known;
    Operation *op = value.getDefiningOp();
    Value result;
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      auto splat = cast<DenseElementsAttr>(constant.getValue());
      // A constant without elements is as good as one of zeros.
      TypedAttr value = splat.empty() ? b.getZeroAttr(splat.getElementType())
                                      : cast<TypedAttr>(splat.getSplatValue<Attribute>());
      result = arith::ConstantOp::create(b, value);
    } else if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
      result = emit(b, broadcast.getOperand(), sourceMap(broadcast, map), elements);
    } else {
      SmallVector<Value> operands;
      for (Value operand : op->getOperands())
        operands.push_back(emit(b, operand, map, elements));
      result = computeElement(b, op, operands);
    }
    return computed[{value, map}] = result;
  }

private:
  llvm::DenseMap<std::pair<Value, AffineMap>, Value> loaded;

  Value fromStorage(ImplicitLocOpBuilder &b, Value value, Value element) {
    if (!kernel.isBool(value))
      return rounded(b, element, getElementTypeOrSelf(value.getType()));
    Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, element, zero);
  }
};

/// The element in the form in which it is stored.
static Value toStorage(ImplicitLocOpBuilder &b, Value element) {
  if (element.getType().isInteger(1))
    return arith::ExtUIOp::create(b, b.getI8Type(), element);
  return element;
}

//===----------------------------------------------------------------------===//
// KernelLowering
//===----------------------------------------------------------------------===//

KernelLowering::KernelLowering(func::FuncOp kernel, unsigned numResults)
    : kernel(kernel), b(kernel.getLoc(), kernel.getContext()), numResults(numResults) {
  for (Value argument : kernel.getArguments()) {
    if (isBool(argument))
      boolArguments.insert(argument);
    argument.setType(storageType(argument.getType()));
  }
}

bool KernelLowering::isBool(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType().isInteger(1) ||
         boolArguments.contains(value);
}

bool KernelLowering::isTransparent(Operation *op) {
  return hasScalarLowering(op) || isa<BroadcastOp>(op) || isSplatConstant(op);
}

Value KernelLowering::symbolicSize() {
  for (Value argument : kernel.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    if (type.getRank() > 0 && type.isDynamicDim(0))
      return tensor::DimOp::create(b, argument, 0);
  }
  return Value();
}

OpFoldResult KernelLowering::sizeOf(RankedTensorType type, int64_t dim) {
  if (type.isDynamicDim(dim))
    return symbolicSize();
  return b.getIndexAttr(type.getDimSize(dim));
}

Value KernelLowering::empty(RankedTensorType type) {
  auto stored = cast<RankedTensorType>(storageType(type));
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < stored.getRank(); ++i)
    sizes.push_back(sizeOf(stored, i));
  return tensor::EmptyOp::create(b, sizes, stored.getElementType());
}

Value KernelLowering::emptyApart(RankedTensorType type) {
  auto stored = cast<RankedTensorType>(storageType(type));
  SmallVector<Value> sizes;
  if (!stored.hasStaticShape())
    sizes.push_back(symbolicSize());
  return bufferization::AllocTensorOp::create(b, stored, sizes);
}

Value KernelLowering::fill(Value destination, TypedAttr value) {
  Value scalar = arith::ConstantOp::create(b, value);
  return linalg::FillOp::create(b, ValueRange{scalar}, ValueRange{destination}).getResult(0);
}

Value KernelLowering::generic(ValueRange inputs, Value destination, ArrayRef<AffineMap> maps,
                              ArrayRef<int64_t> reducedDims,
                              std::function<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  SmallVector<utils::IteratorType> iterators(maps.back().getNumDims(),
                                             utils::IteratorType::parallel);
  for (int64_t dim : reducedDims)
    iterators[dim] = utils::IteratorType::reduction;
  auto op = linalg::GenericOp::create(
      b, TypeRange{destination.getType()}, inputs, ValueRange{destination}, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange elements) {
        ImplicitLocOpBuilder inner(loc, nested);
        linalg::YieldOp::create(inner, toStorage(inner, body(inner, elements)));
      });
  return op.getResult(0);
}

Value KernelLowering::computeElements(Value value, Value destination) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  Elements elements(*this);
  elements.collect(value, identity(rank));

  // The epilogue of a contraction overwrites the contraction's own result.
  std::optional<unsigned> overwritten;
  for (auto [i, leaf] : llvm::enumerate(elements.leaves))
    if (inPlace && leaf.tensor == inPlace && leaf.map.isIdentity() &&
        inPlace.getType() == destination.getType())
      overwritten = i;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (auto [i, leaf] : llvm::enumerate(elements.leaves))
    if (i != overwritten) {
      inputs.push_back(leaf.tensor);
      maps.push_back(leaf.map);
    }
  maps.push_back(identity(rank));
  Value out = overwritten ? inPlace : destination;
  return generic(inputs, out, maps, {}, [&](ImplicitLocOpBuilder &nested, ValueRange arguments) {
    SmallVector<Value> ordered(arguments.drop_back());
    if (overwritten)
      ordered.insert(ordered.begin() + *overwritten, arguments.back());
    return elements.emit(nested, value, identity(rank), ordered);
  });
}

Value KernelLowering::reduceElements(Value value, Value destination, AffineMap outputMap,
                                     ArrayRef<int64_t> reducedDims, Combine combine) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  Elements elements(*this);
  elements.collect(value, identity(rank));
  // Some operand must span the whole iteration space: broadcasts alone do not.
  bool spans = llvm::any_of(elements.leaves, [](const Leaf &l) { return l.map.isIdentity(); });
  if (!spans) {
    materialize(value);
    return reduceElements(value, destination, outputMap, reducedDims, combine);
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Leaf &leaf : elements.leaves) {
    inputs.push_back(leaf.tensor);
    maps.push_back(leaf.map);
  }
  maps.push_back(outputMap);
  return generic(inputs, destination, maps, reducedDims,
                 [&](ImplicitLocOpBuilder &nested, ValueRange arguments) {
                   Value element =
                       elements.emit(nested, value, identity(rank), arguments.drop_back());
                   return combine(nested, element, arguments.back());
                 });
}

Value KernelLowering::attend(Attention attention, Value destination) {
  MatMulOp product = attention.scores, sum = attention.values;
  Value scores = product.getResult(), weighed = attention.softmax.getOperand();
  unsigned m = product.getType().getRank() - 2, n = m + 1, k = m + 2, c = m + 3;
  AffineMap all = identity(m + 2);
  // Over the loops (batch..., m, n, k, c).
  auto mapOf = [&](unsigned row, unsigned column, bool transpose = false) {
    SmallVector<unsigned> results = llvm::to_vector(llvm::seq(m));
    results.append({transpose ? column : row, transpose ? row : column});
    return AffineMap::getMultiDimMapWithTargets(m + 4, results, b.getContext());
  };
  SmallVector<Value> operands{materialize(product.getLhs()), materialize(product.getRhs()),
                              materialize(sum.getRhs())};
  SmallVector<AffineMap> maps{mapOf(m, k, product.getTransposeA()),
                              mapOf(n, k, !product.getTransposeB()),
                              mapOf(n, c, sum.getTransposeB())};

  // No tensor holds the scores: the leaf that stands for them is the body's first argument.
  storage[scores] = destination;
  Elements elements(*this);
  elements.collect(weighed, all);
  auto found = elements.leafIndex.find({scores, all});
  size_t scoreAt = found == elements.leafIndex.end() ? elements.leaves.size() : found->second;
  SmallVector<Type> types{b.getF32Type()};
  for (auto [i, leaf] : llvm::enumerate(elements.leaves)) {
    if (i == scoreAt)
      continue;
    operands.push_back(leaf.tensor);
    maps.push_back(AffineMap::get(m + 4, 0, leaf.map.getResults(), b.getContext()));
    types.push_back(cast<RankedTensorType>(leaf.tensor.getType()).getElementType());
  }
  operands.push_back(destination);
  maps.push_back(mapOf(m, c));
  auto op = AttendOp::create(b, destination.getType(), operands,
                             b.getNamedAttr("maps", b.getAffineMapArrayAttr(maps)));
  ImplicitLocOpBuilder::InsertionGuard guard(b);
  Block *body =
      b.createBlock(&op.getBody(), {}, types, SmallVector<Location>(types.size(), b.getLoc()));
  SmallVector<Value> arguments(body->getArguments().drop_front());
  if (scoreAt < elements.leaves.size())
    arguments.insert(arguments.begin() + scoreAt, body->getArgument(0));
  YieldOp::create(b, elements.emit(b, weighed, all, arguments));
  return op.getResult();
}

/// Whether `tensor` is of the type that `value` is stored in.
static bool isStored(Value value, Value tensor) {
  return tensor && tensor.getType() == storageType(value.getType());
}

Value KernelLowering::materialize(Value value) {
  if (Value known = storage.lookup(value); isStored(value, known))
    return known;
  Value result = computeElements(value, empty(cast<RankedTensorType>(value.getType())));
  return storage[value] = result;
}

/// What storing and loading an element costs, in simple ops.
constexpr int64_t kWorthStoring = 8;

static int64_t costOf(Operation *op) {
  if (isa<BroadcastOp, ConstantOp>(op))
    return 0;
  return isa<DivOp, ErfOp, ExpOp, GeluOp, LogOp, RsqrtOp, SigmoidOp, SqrtOp, TanhOp>(op)
             ? kWorthStoring
             : 1;
}

/// Element-wise ops are computed again wherever they are read, but for these.
void KernelLowering::findStored() {
  // Where an op is read: if at one place, by which op that is no part of an expression.
  struct Readers {
    Operation *one = nullptr;
    bool several = false;
  };
  llvm::DenseMap<Operation *, Readers> readersOf;
  llvm::DenseMap<Operation *, int64_t> costs;
  auto body = kernel.getBody().front().without_terminator();
  for (Operation &op : body) {
    if (!isTransparent(&op))
      continue;
    int64_t &cost = costs[&op] = costOf(&op);
    for (Value operand : op.getOperands())
      cost = std::min(cost + costs.lookup(operand.getDefiningOp()), kWorthStoring);
  }
  for (Operation &op : llvm::reverse(body)) {
    if (!isTransparent(&op))
      continue;
    Readers &readers = readersOf[&op];
    bool repeated = false;
    for (Operation *user : op.getUsers()) {
      Readers ofUser{user, false};
      if (isTransparent(user) && !stored.contains(user))
        ofUser = readersOf.lookup(user);
      readers.several |= ofUser.several || (readers.one && readers.one != ofUser.one);
      readers.one = ofUser.one;
      repeated |= isa<BroadcastOp>(user);
    }
    if (isa<BroadcastOp, ConstantOp>(op))
      continue;
    if (repeated || (readers.several && costs.lookup(&op) >= kWorthStoring))
      stored.insert(&op);
  }
}

LogicalResult KernelLowering::lowerAnchors() {
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    // Ops that this lowering has made itself are of other dialects.
    if (!isa<MLCDialect>(op.getDialect()))
      continue;
    if (isTransparent(&op)) {
      b.setLoc(op.getLoc());
      if (stored.contains(&op) && !destinations.contains(op.getResult(0)))
        materialize(op.getResult(0));
      continue;
    }
    TensorLowering lower = findTensorLowering(&op);
    if (!lower)
      return op.emitError() << "has no lowering to linalg";
    b.setLoc(op.getLoc());
    Value result = op.getResult(0);
    auto type = cast<RankedTensorType>(result.getType());
    Value destination = destinations.lookup(result);
    if (auto slice = dyn_cast<SliceOp>(op); slice && !destination) {
      storage[result] = viewOf(*this, slice);
      continue;
    }
    bool contraction = isa<MatMulOp, PackedMatMulOp>(op);
    if (contraction) {
      // What reads the sums rounds them: nothing stands between them and the epilogue.
      if (computingType(type) != type)
        destination = Value();
      type = computingType(type);
    }
    if (!destination && contraction && numResults == 1) {
      // Accumulate in the final result's buffer where the types agree.
      Value root = kernel.getArguments().back();
      if (root.getType() == type)
        destination = root;
    }
    FailureOr<Value> tensor = lower(*this, &op,
                                    destination         ? destination
                                    : isa<ReduceOp>(op) ? emptyApart(type)
                                                        : empty(type));
    if (failed(tensor))
      return failure();
    storage[result] = *tensor;
    if (contraction)
      inPlace = *tensor;
  }
  return success();
}

LogicalResult KernelLowering::run() {
  Block &body = kernel.getBody().front();
  auto ret = cast<func::ReturnOp>(body.getTerminator());
  SmallVector<Operation *> old;
  for (Operation &op : body.without_terminator())
    old.push_back(&op);
  unsigned firstDestination = kernel.getNumArguments() - numResults;
  for (unsigned i = 0; i < firstDestination; ++i)
    storage[kernel.getArgument(i)] = kernel.getArgument(i);
  for (unsigned i = 0; i < numResults; ++i)
    destinations[ret.getOperand(i)] = kernel.getArgument(firstDestination + i);

  b.setInsertionPoint(ret);
  if (kernel->getAttr("mlc.kind") == b.getStringAttr("attention")) {
    Value result = ret.getOperand(0);
    std::optional<Attention> attention = Attention::of(result);
    if (!attention)
      return kernel.emitError() << "expected a kernel of one attention";
    b.setLoc(result.getLoc());
    storage[result] = attend(*attention, destinations.lookup(result));
  } else {
    findStored();
    if (failed(lowerAnchors()))
      return failure();
  }
  SmallVector<Value> results;
  for (unsigned i = 0; i < numResults; ++i) {
    Value value = ret.getOperand(i);
    Value known = storage.lookup(value);
    b.setLoc(value.getLoc());
    results.push_back(isStored(value, known)
                          ? known
                          : computeElements(value, kernel.getArgument(firstDestination + i)));
  }
  ret->setOperands(results);
  for (Operation *op : llvm::reverse(old))
    op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

/// The bool that a branch or a loop depends on, from the byte that holds it.
void loadPredicate(tensor::ExtractOp extract) {
  ImplicitLocOpBuilder b(extract.getLoc(), extract.getContext());
  b.setInsertionPointAfter(extract);
  extract.getResult().setType(b.getI8Type());
  Value zero = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
  Value holds = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, extract, zero);
  extract.getResult().replaceAllUsesExcept(holds, holds.getDefiningOp());
}

/// Arguments and results of every function, and what drivers pass around, take
/// their storage types. Kernel bodies keep theirs: they are lowered next.
void useStorageTypes(ModuleOp module) {
  module.walk([](func::FuncOp function) {
    auto convert = [](TypeRange types) {
      return llvm::map_to_vector(types, [](Type t) { return storageType(t); });
    };
    function.setFunctionType(FunctionType::get(function.getContext(),
                                               convert(function.getArgumentTypes()),
                                               convert(function.getResultTypes())));
    if (function->hasAttr("mlc.kind"))
      return;
    function.walk([](Operation *op) {
      for (Value result : op->getResults())
        result.setType(storageType(result.getType()));
      for (Region &region : op->getRegions())
        for (Value argument : region.getArguments())
          argument.setType(storageType(argument.getType()));
      if (auto extract = dyn_cast<tensor::ExtractOp>(op); extract && extract.getType().isInteger(1))
        loadPredicate(extract);
    });
    for (Value argument : function.getArguments())
      argument.setType(storageType(argument.getType()));
  });
}

struct MLCToLinalg : mlc::ir::impl::MLCToLinalgPassBase<MLCToLinalg> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    useStorageTypes(module);
    for (auto kernel : module.getOps<func::FuncOp>()) {
      if (!kernel->hasAttr("mlc.kind"))
        continue;
      if (failed(KernelLowering(kernel, kernel.getNumResults()).run()))
        return signalPassFailure();
    }
  }
};

} // namespace
