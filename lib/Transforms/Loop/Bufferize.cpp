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

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
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

/// Results of a driver are destination arguments already: they are dropped.
static LogicalResult bufferizeDriver(func::FuncOp driver) {
  Block &body = driver.getBody().front();
  for (Value argument : body.getArguments())
    argument.setType(bufferType(argument.getType()));
  OpBuilder b(driver.getContext());
  SmallVector<tensor::EmptyOp> empties;
  for (Operation &op : llvm::make_early_inc_range(body)) {
    b.setInsertionPoint(&op);
    if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
      empties.push_back(empty);
    } else if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      // Not dim.getSource(): the operand is a memref by now.
      Value size = memref::DimOp::create(b, op.getLoc(), op.getOperand(0), op.getOperand(1));
      dim.replaceAllUsesWith(size);
      op.erase();
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      // An empty tensor has no identity, so calls may share one (cse sees to it);
      // each gets a buffer of its own.
      SmallVector<Value> operands(call.getOperands());
      MutableArrayRef<Value> destinations =
          MutableArrayRef(operands).take_back(call.getNumResults());
      for (Value &destination : destinations)
        if (auto empty = destination.getDefiningOp<tensor::EmptyOp>())
          destination = memref::AllocOp::create(b, op.getLoc(), bufferType(empty.getType()),
                                                empty.getDynamicSizes());
      func::CallOp::create(b, op.getLoc(), call.getCallee(), TypeRange(), operands);
      call.replaceAllUsesWith(destinations);
      op.erase();
    } else if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      for (Value value : ret.getOperands())
        if (!isa<BlockArgument>(value))
          return ret.emitError() << "expected results that are written to arguments";
      ret->setOperands({});
    } else if (llvm::any_of(op.getResultTypes(), llvm::IsaPred<TensorType>)) {
      return op.emitError() << "expected calls, tensor.empty and tensor.dim only";
    }
  }
  for (tensor::EmptyOp empty : empties)
    empty.erase();
  driver.setType(b.getFunctionType(body.getArgumentTypes(), {}));
  driver.removeResAttrsAttr();
  return success();
}

/// A kernel returns its destinations, which its callers know.
static LogicalResult dropResults(func::FuncOp kernel) {
  Block &body = kernel.getBody().front();
  auto ret = cast<func::ReturnOp>(body.getTerminator());
  auto destinations = body.getArguments().take_back(ret.getNumOperands());
  for (auto [value, destination] : llvm::zip(ret.getOperands(), destinations))
    if (value != destination)
      return ret.emitError() << "expected a result that is computed in its destination";
  ret->setOperands({});
  kernel.setType(FunctionType::get(kernel.getContext(), body.getArgumentTypes(), {}));
  kernel.removeResAttrsAttr();
  return success();
}

namespace {

struct Bufferize : mlc::ir::impl::BufferizePassBase<Bufferize> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (StringRef name : {kPrepareFunction, kRunFunction}) {
      auto driver = module.lookupSymbol<func::FuncOp>(name);
      if (!driver || failed(bufferizeDriver(driver)))
        return signalPassFailure();
    }
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
