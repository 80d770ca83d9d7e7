//===- Bufferize.cpp - Tensors to memrefs ---------------------------------===//
//
// Works on outlined kernels in linalg and on the drivers @run and @prepare. The
// kernels are bufferised by One-Shot Bufferize. The drivers are not: their calls
// are destination-passing, so each result is its destination, and the analysis
// would take quadratic time to find that out.
//
//===----------------------------------------------------------------------===//

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlc::ir {
#define GEN_PASS_DEF_BUFFERIZEPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

static MemRefType bufferType(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return MemRefType::get(type.getShape(), type.getElementType());
}

static bool isTensor(Value value) { return isa<TensorType>(value.getType()); }

static bool isTensorOp(Operation *op) {
  return llvm::any_of(op->getOperands(), isTensor) || llvm::any_of(op->getResults(), isTensor);
}

namespace {

/// Calls, slices, branches and loops on tensors, in which every result is written
/// to a destination already: only types change.
class DriverBufferizer {
public:
  explicit DriverBufferizer(MLIRContext *context) : b(context) {}

  LogicalResult run(Block &block) {
    bufferizeArguments(block);
    for (Operation &op : llvm::make_early_inc_range(block)) {
      b.setInsertionPoint(&op);
      if (failed(bufferize(&op)))
        return failure();
    }
    return success();
  }

  void eraseEmpties() {
    for (tensor::EmptyOp empty : empties)
      empty.erase();
  }

private:
  static void bufferizeArguments(Block &block) {
    for (Value argument : block.getArguments())
      if (isTensor(argument))
        argument.setType(bufferType(argument.getType()));
  }

  /// Operands are memrefs by now, so accessors that cast them are not for use.
  LogicalResult bufferize(Operation *op) {
    Location loc = op->getLoc();
    if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
      empties.push_back(empty);
    } else if (auto alloc = dyn_cast<bufferization::AllocTensorOp>(op)) {
      replace(op, memref::AllocOp::create(b, loc, bufferType(alloc.getType()),
                                          alloc.getDynamicSizes()));
    } else if (isa<tensor::DimOp>(op)) {
      replace(op, memref::DimOp::create(b, loc, op->getOperand(0), op->getOperand(1)));
    } else if (isa<tensor::ExtractOp>(op)) {
      replace(op,
              memref::LoadOp::create(b, loc, op->getOperand(0), op->getOperands().drop_front()));
    } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      return bufferizeSlice(slice);
    } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
      return bufferizeInsert(insert);
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      bufferizeCall(call);
    } else if (isa<scf::ForOp, scf::WhileOp, scf::IfOp>(op)) {
      return bufferizeControlFlow(op);
    } else if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      for (Value value : ret.getOperands())
        if (!isa<BlockArgument>(value))
          return ret.emitError() << "expected results that are written to arguments";
      ret->setOperands({});
    } else if (!isa<scf::YieldOp, scf::ConditionOp>(op) && isTensorOp(op)) {
      return op->emitError() << "expected calls, slices, control flow, tensor.empty and tensor.dim "
                                "only";
    }
    return success();
  }

  static void replace(Operation *op, Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
  }

  void bufferizeCall(func::CallOp call) {
    // An empty tensor has no identity, so calls may share one (cse sees to it); each
    // gets a buffer of its own.
    SmallVector<Value> operands(call.getOperands());
    MutableArrayRef<Value> destinations = MutableArrayRef(operands).take_back(call.getNumResults());
    for (Value &destination : destinations)
      if (auto empty = destination.getDefiningOp<tensor::EmptyOp>())
        destination = memref::AllocOp::create(b, call.getLoc(), bufferType(empty.getType()),
                                              empty.getDynamicSizes());
    auto made = func::CallOp::create(b, call.getLoc(), call.getCallee(), TypeRange(), operands);
    made->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    call.replaceAllUsesWith(destinations);
    call.erase();
  }

  LogicalResult bufferizeSlice(tensor::ExtractSliceOp slice) {
    ArrayRef<int64_t> offsets = slice.getStaticOffsets(), sizes = slice.getStaticSizes();
    bool leading = !offsets.empty() && sizes[0] == 1 && slice.hasUnitStride() &&
                   llvm::all_of(offsets.drop_front(), [](int64_t offset) { return offset == 0; }) &&
                   slice.getType().getShape() == sizes.drop_front();
    if (!leading)
      return slice.emitError() << "expected one index of the first dimension";
    OpFoldResult offset = slice.getMixedOffsets()[0];
    Value index = isa<Value>(offset)
                      ? cast<Value>(offset)
                      : arith::ConstantIndexOp::create(b, slice.getLoc(), offsets[0]).getResult();
    replace(slice, SlotOp::create(b, slice.getLoc(), bufferType(slice.getType()),
                                  slice->getOperand(0), index));
    return success();
  }

  /// What is inserted was computed there.
  static LogicalResult bufferizeInsert(tensor::InsertSliceOp insert) {
    Value whole = insert->getOperand(1);
    auto slot = insert->getOperand(0).getDefiningOp<SlotOp>();
    if (!slot || slot.getSource() != whole)
      return insert.emitError() << "expected a slice that is written in its place";
    replace(insert, whole);
    return success();
  }

  LogicalResult bufferizeControlFlow(Operation *op) {
    for (Value result : op->getResults())
      if (isTensor(result))
        result.setType(bufferType(result.getType()));
    for (Region &region : op->getRegions())
      if (failed(run(region.front())))
        return failure();
    // A buffer that stays the same is known by one name.
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      for (auto [result, argument, initial, yielded] :
           llvm::zip_equal(loop.getResults(), loop.getRegionIterArgs(), loop.getInitArgs(),
                           loop.getYieldedValues()))
        if (yielded == argument) {
          result.replaceAllUsesWith(initial);
          argument.replaceAllUsesWith(initial);
        }
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (auto [result, one, other] :
           llvm::zip_equal(branch.getResults(), branch.thenYield().getOperands(),
                           branch.elseYield().getOperands()))
        if (one == other)
          result.replaceAllUsesWith(one);
    }
    return success();
  }

  OpBuilder b;
  SmallVector<tensor::EmptyOp> empties;
};

} // namespace

/// Results of a driver are destination arguments already: they are dropped.
static LogicalResult bufferizeDriver(func::FuncOp driver) {
  Block &body = driver.getBody().front();
  DriverBufferizer bufferizer(driver.getContext());
  if (failed(bufferizer.run(body)))
    return failure();
  bufferizer.eraseEmpties();
  driver.setType(FunctionType::get(driver.getContext(), body.getArgumentTypes(), {}));
  driver.removeResAttrsAttr();
  return success();
}

/// As its calls are by now.
static void declareOnBuffers(func::FuncOp hostFunction) {
  SmallVector<Type> arguments;
  for (Type type : hostFunction.getArgumentTypes())
    arguments.push_back(bufferType(type));
  hostFunction.setType(FunctionType::get(hostFunction.getContext(), arguments, {}));
}

/// The buffer that a loop takes along and gives back.
static Value carriedBuffer(Value value) {
  while (auto loop = value.getDefiningOp<scf::ForOp>())
    value = loop.getTiedLoopInit(cast<OpResult>(value))->get();
  return value;
}

/// A kernel returns its destinations, which its callers know.
static LogicalResult dropResults(func::FuncOp kernel) {
  Block &body = kernel.getBody().front();
  auto ret = cast<func::ReturnOp>(body.getTerminator());
  auto destinations = body.getArguments().take_back(ret.getNumOperands());
  for (auto [value, destination] : llvm::zip(ret.getOperands(), destinations))
    if (carriedBuffer(value) != destination)
      return ret.emitError() << "expected a result that is computed in its destination";
  ret->setOperands({});
  kernel.setType(FunctionType::get(kernel.getContext(), body.getArgumentTypes(), {}));
  kernel.removeResAttrsAttr();
  return success();
}

namespace {

// NOLINTBEGIN(bugprone-derived-method-shadowing-base-method): so MLIR's models are made.
struct AttendOnBuffers
    : bufferization::DstBufferizableOpInterfaceExternalModel<AttendOnBuffers, AttendOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const bufferization::AnalysisState &) const {
    return !cast<AttendOp>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const bufferization::BufferizationOptions &options,
                          bufferization::BufferizationState &state) const {
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = bufferization::getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    auto made = AttendOp::create(rewriter, op->getLoc(), TypeRange(), buffers, op->getAttrs());
    made.getBody().takeBody(op->getRegion(0));
    bufferization::replaceOpWithBufferizedValues(rewriter, op, buffers.back());
    return success();
  }
};
// NOLINTEND(bugprone-derived-method-shadowing-base-method)

struct Bufferize : mlc::ir::impl::BufferizePassBase<Bufferize> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (StringRef name : {kPrepareFunction, kRunFunction}) {
      auto driver = module.lookupSymbol<func::FuncOp>(name);
      if (!driver || failed(bufferizeDriver(driver)))
        return signalPassFailure();
    }
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(kHostCallAttr))
        declareOnBuffers(function);
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(module, options, state)))
      return signalPassFailure();
    for (auto kernel : module.getOps<func::FuncOp>())
      if (kernel->hasAttr("mlc.kind") && failed(dropResults(kernel)))
        return signalPassFailure();
  }
};

} // namespace

void mlc::ir::registerBufferizationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, MLCDialect *) {
    AttendOp::attachInterface<AttendOnBuffers>(*context);
  });
}
