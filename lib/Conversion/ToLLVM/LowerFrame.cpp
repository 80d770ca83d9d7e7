//===- LowerFrame.cpp - From memref arguments to the frame ----------------===//
//
// Works on planned drivers, whose ops are calls of kernels and of the host, views,
// loads of predicates, branches and arithmetic on offsets, and on kernels
// (LowerKernels.h). See include/mlc/Abi/Frame.h.
//
//===----------------------------------------------------------------------===//

#include "KernelClock.h"
#include "LowerKernels.h"
#include "Pointers.h"

#include "mlc/Abi/Frame.h"
#include "mlc/Conversion/Passes.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Support/Result.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cstddef>

namespace mlc::ir {
#define GEN_PASS_DEF_LOWERFRAMEPASS
#include "mlc/Conversion/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

struct LowerFrame : mlc::ir::impl::LowerFramePassBase<LowerFrame> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    LLVMTypeConverter converter(&getContext());
    pointer = LLVM::LLVMPointerType::get(&getContext());
    asking = kernelsThatAsk(module);
    for (StringRef name : {kPrepareFunction, kRunFunction}) {
      auto driver = module.lookupSymbol<func::FuncOp>(name);
      if (driver && failed(lowerDriver(driver))) // Kernels may be compiled without one.
        return signalPassFailure();
    }
    if (failed(lowerKernels(module, converter)))
      return signalPassFailure();
    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function->hasAttr(kHostCallAttr))
        function.erase();
  }

private:
  /// Where a pointer lies.
  struct Place {
    Value table;
    int64_t offset;
  };

  /// Rebuilds the driver on a frame; every memref becomes a pointer.
  LogicalResult lowerDriver(func::FuncOp driver) {
    Block &body = driver.getBody().front();
    if (driver.getNumResults() != 0)
      return driver.emitError() << "expected results in trailing arguments only";
    ImplicitLocOpBuilder b(driver.getLoc(), driver.getContext());
    b.setInsertionPointToStart(&body);
    Value frame = body.addArgument(pointer, driver.getLoc());
    clock.reset();
    auto timed = driver.walk([](func::CallOp call) {
      return call->hasAttr(kKernelAttr) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (timed.wasInterrupted())
      clock.emplace(b, loadAt(b, pointer, frame, offsetof(mlc_frame, host)));

    arguments.clear();
    Value size;
    int64_t inputs = 0, outputs = 0, parameters = 0, blocks = 0;
    auto element = [&](size_t field, int64_t &index) {
      Value list = loadAt(b, pointer, frame, static_cast<int64_t>(field));
      return Place{list, 8 * index++};
    };
    for (unsigned i = 0; i < driver.getNumArguments(); ++i) {
      Value argument = driver.getArgument(i);
      if (driver.getArgAttr(i, kInputAttr)) {
        arguments[argument] = element(offsetof(mlc_frame, inputs), inputs);
      } else if (driver.getArgAttr(i, kOutputAttr)) {
        arguments[argument] = element(offsetof(mlc_frame, outputs), outputs);
      } else if (driver.getArgAttr(i, kParameterAttr)) {
        arguments[argument] = element(offsetof(mlc_frame, parameters), parameters);
      } else if (argument.getType().isIndex()) {
        Value dims = loadAt(b, pointer, frame, offsetof(mlc_frame, dims));
        size = loadAt(b, b.getI64Type(), dims, 0);
        Value index = arith::IndexCastOp::create(b, b.getIndexType(), size);
        argument.replaceAllUsesWith(index);
      } else { // the prepared block, then the workspace: mlc-plan-memory's order
        size_t field =
            blocks++ == 0 ? offsetof(mlc_frame, prepared) : offsetof(mlc_frame, workspace);
        arguments[argument] = {frame, static_cast<int64_t>(field)};
      }
    }

    symbolicCalls.clear();
    driver.walk([&](func::CallOp call) {
      auto kernel = getOperation().lookupSymbol<func::FuncOp>(call.getCallee());
      if (kernel && !hostCallOf(call) && takesSymbolicSize(kernel))
        symbolicCalls.insert(call);
    });
    for (Block &block : llvm::drop_begin(driver.getBody()))
      for (Value argument : block.getArguments())
        if (isa<MemRefType>(argument.getType()))
          argument.setType(pointer);
    SmallVector<Operation *> views, others;
    for (Block &block : driver.getBody())
      for (Operation &op : block)
        (isa<memref::ViewOp, memref::CastOp, SlotOp>(op) ? views : others).push_back(&op);
    for (Operation *op : others)
      if (failed(lowerOp(b, op, size)))
        return failure();
    for (Operation *view : views)
      view->dropAllUses();
    for (Operation *view : views)
      view->erase();
    body.eraseArguments(0, body.getNumArguments() - 1);
    checkCancelled(b, driver, frame);
    lowerHostCalls(b, driver, frame);
    lowerStops(b, driver);
    auto workspace = driver->getAttrOfType<DenseI64ArrayAttr>("mlc.workspace");
    if (!workspace || workspace.size() != 2)
      return driver.emitError() << "expected mlc.workspace; run mlc-plan-memory first";

    // A fresh function: attributes of the old arguments go away with it.
    OpBuilder outer(driver);
    auto lowered = func::FuncOp::create(outer, driver.getLoc(), driver.getName(),
                                        b.getFunctionType({pointer}, {b.getI32Type()}));
    lowered.getBody().takeBody(driver.getBody());
    addWorkspaceFunction(outer, driver, workspace);
    driver.erase();
    return success();
  }

  /// What a memref of a driver is, an argument, a view, a slot or a cast of one, in front of its
  /// user: there are more of them than registers.
  Value pointerTo(ImplicitLocOpBuilder &b, Value memref) {
    if (auto found = arguments.find(memref); found != arguments.end())
      return loadAt(b, pointer, found->second.table, found->second.offset);
    if (memref.getType() == pointer) // of a block
      return memref;
    Operation *op = memref.getDefiningOp();
    Value bytes;
    if (auto view = dyn_cast_or_null<memref::ViewOp>(op)) {
      bytes = arith::IndexCastOp::create(b, b.getI64Type(), view.getByteShift());
    } else if (auto slot = dyn_cast_or_null<SlotOp>(op)) {
      auto type = cast<MemRefType>(slot.getType());
      Value index = arith::IndexCastOp::create(b, b.getI64Type(), slot.getIndex());
      int64_t size = type.getNumElements() * std::max(1u, type.getElementTypeBitWidth() / 8);
      Value factor = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(size));
      bytes = arith::MulIOp::create(b, index, factor);
    } else if (!isa_and_nonnull<memref::CastOp>(op)) {
      return Value();
    }
    Value source = pointerTo(b, op->getOperand(0));
    return source && bytes ? byteOffset(b, source, bytes) : source;
  }

  LogicalResult lowerOp(ImplicitLocOpBuilder &b, Operation *op, Value size) {
    b.setInsertionPoint(op);
    b.setLoc(op->getLoc());
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()))
        continue;
      Value address = pointerTo(b, operand.get());
      if (!address)
        return op->emitError() << "expected operands that are arguments or views";
      operand.set(address);
    }
    if (auto call = dyn_cast<func::CallOp>(op)) {
      SmallVector<Value> operands(call.getOperands());
      if (symbolicCalls.contains(op))
        operands.push_back(size);
      func::CallOp::create(b, call.getCallee(), TypeRange(), operands);
      if (clock)
        clock->stop(b, call->getAttrOfType<IntegerAttr>(kKernelAttr));
      call.erase();
    } else if (isa<memref::LoadOp>(op)) {
      if (op->getNumOperands() != 1)
        return op->emitError() << "expected a buffer without dimensions";
      Value loaded = LLVM::LoadOp::create(b, op->getResult(0).getType(), op->getOperand(0));
      op->getResult(0).replaceAllUsesWith(loaded);
      op->erase();
    } else if (isa<func::ReturnOp>(op)) {
      Value ok = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
      func::ReturnOp::create(b, ok);
      op->erase();
    } else if (llvm::any_of(op->getResultTypes(), llvm::IsaPred<MemRefType>)) {
      return op->emitError() << "expected no other buffers than arguments and views";
    }
    return success();
  }

  //===--- Calls of the host ---------------------------------------------===//

  /// The index of what the host is called for, or nothing for a kernel.
  IntegerAttr hostCallOf(func::CallOp call) {
    auto callee = getOperation().lookupSymbol<func::FuncOp>(call.getCallee());
    return callee ? callee->getAttrOfType<IntegerAttr>(kHostCallAttr) : IntegerAttr();
  }

  void lowerHostCalls(ImplicitLocOpBuilder &b, func::FuncOp driver, Value frame) {
    SmallVector<func::CallOp> calls;
    driver.walk([&](func::CallOp call) {
      if (hostCallOf(call))
        calls.push_back(call);
    });
    if (calls.empty())
      return;
    Block &body = driver.getBody().front();
    b.setInsertionPointToStart(&body);
    HostCalling host;
    Value null = LLVM::ZeroOp::create(b, pointer);
    Value table = loadAt(b, pointer, frame, offsetof(mlc_frame, host));
    Value noHost = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, table, null);
    Value readable = LLVM::SelectOp::create(b, noHost, frame, table);
    host.context = loadAt(b, pointer, readable, offsetof(mlc_host, context));
    host.function = loadAt(b, pointer, readable, offsetof(mlc_host, call));
    Value noFunction = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, host.function, null);
    host.isMissing = LLVM::OrOp::create(b, noHost, noFunction);
    host.dims = loadAt(b, pointer, frame, offsetof(mlc_frame, dims));
    size_t most = 1;
    for (func::CallOp call : calls)
      most = std::max<size_t>(most, call.getNumOperands());
    Value count = LLVM::ConstantOp::create(b, b.getI64Type(),
                                           b.getI64IntegerAttr(static_cast<int64_t>(most)));
    host.pointers = LLVM::AllocaOp::create(b, pointer, pointer, count);
    host.failed = b.createBlock(body.getParent(), body.getParent()->end());
    func::ReturnOp::create(
        b, arith::ConstantOp::create(b, b.getI32IntegerAttr(MLC_RUN_HOST_FAILED)).getResult());
    for (func::CallOp call : calls)
      lowerHostCall(b, driver, call, host);
  }

  /// What all calls of a driver have in common.
  struct HostCalling {
    Value function, context, dims, isMissing;
    Value pointers; ///< An array that has room for those of any call.
    Block *failed = nullptr;
  };

  /// Operands are an array of pointers, results what follows them in it.
  void lowerHostCall(ImplicitLocOpBuilder &b, func::FuncOp driver, func::CallOp call,
                     const HostCalling &host) {
    IntegerAttr index = hostCallOf(call);
    auto list = getOperation()->getAttrOfType<ArrayAttr>(kHostCallsAttr);
    auto description = cast<DictionaryAttr>(list[static_cast<size_t>(index.getInt())]);
    auto numResults = static_cast<int64_t>(cast<ArrayAttr>(description.get("results")).size());
    int64_t firstResult = call.getNumOperands() - numResults;
    b.setLoc(call.getLoc());
    Block *before = call->getBlock(), *rest = before->splitBlock(call), *without = rest;
    if (numResults > 0) {
      without = b.createBlock(&driver.getBody(), driver.getBody().end());
      int64_t message = addMessage(mlc::ErrorKind::Unsupported, withoutHost(description));
      Value code = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(static_cast<int32_t>(MLC_RUN_STOPPED + message)));
      func::ReturnOp::create(b, code);
    }
    Block *calling = b.createBlock(rest);
    b.setInsertionPointToEnd(before);
    cf::CondBranchOp::create(b, host.isMissing, without, calling);

    b.setInsertionPointToEnd(calling);
    for (auto [i, operand] : llvm::enumerate(call.getOperands()))
      LLVM::StoreOp::create(b, operand, byteOffset(b, host.pointers, static_cast<int64_t>(8 * i)));
    auto type = LLVM::LLVMFunctionType::get(b.getI32Type(),
                                            {pointer, b.getI64Type(), pointer, pointer, pointer});
    Value number = LLVM::ConstantOp::create(b, b.getI64Type(), index);
    Value results = byteOffset(b, host.pointers, 8 * firstResult);
    auto made = LLVM::CallOp::create(
        b, type,
        ValueRange{host.function, host.context, number, host.pointers, results, host.dims});
    Value zero = LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(0));
    Value isDone = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, made.getResult(), zero);
    cf::CondBranchOp::create(b, isDone, rest, host.failed);
    call.erase();
  }

  static std::string withoutHost(DictionaryAttr description) {
    auto text = [&](StringRef key) { return cast<StringAttr>(description.get(key)).str(); };
    return text("place") + "custom: function `" + text("name") +
           "` cannot be called: the frame's host has no `call`";
  }

  /// The index of a message of the module.
  int64_t addMessage(mlc::ErrorKind kind, const std::string &text) {
    SmallVector<Attribute> messages;
    if (auto known = getOperation()->getAttrOfType<ArrayAttr>(kMessagesAttr))
      llvm::append_range(messages, known);
    Builder builder(&getContext());
    messages.push_back(builder.getArrayAttr(
        {builder.getI64IntegerAttr(static_cast<int64_t>(kind)), builder.getStringAttr(text)}));
    getOperation()->setAttr(kMessagesAttr, builder.getArrayAttr(messages));
    return static_cast<int64_t>(messages.size()) - 1;
  }

  /// Returns MLC_RUN_STOPPED + i where a condition that must hold does not.
  void lowerStops(ImplicitLocOpBuilder &b, func::FuncOp driver) {
    SmallVector<StopUnlessOp> stops;
    driver.walk([&](StopUnlessOp stop) { stops.push_back(stop); });
    for (StopUnlessOp stop : stops) {
      Block *before = stop->getBlock();
      Block *rest = before->splitBlock(stop);
      Block *stopped = b.createBlock(&driver.getBody(), driver.getBody().end());
      Value code = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(static_cast<int32_t>(MLC_RUN_STOPPED + stop.getMessage())));
      func::ReturnOp::create(b, code);
      b.setInsertionPointToEnd(before);
      cf::CondBranchOp::create(b, stop.getCondition(), rest, stopped);
      stop.erase();
    }
  }

  /// Returns MLC_RUN_CANCELLED between two kernels once the host's flag is set, and after
  /// one that has left something out what it says. Gives kernels that ask the host what
  /// they need for it.
  void checkCancelled(ImplicitLocOpBuilder &b, func::FuncOp driver, Value frame) {
    Block &body = driver.getBody().front();
    SmallVector<func::CallOp> calls;
    driver.walk([&](func::CallOp call) { calls.push_back(call); });
    llvm::SetVector<Operation *> places;
    SmallVector<func::CallOp> given;
    for (func::CallOp call : calls) {
      // Without loops, nothing has run before the first call; and behind a kernel that
      // asks the host itself, one look is enough.
      bool isFirst = call == calls.front() && call->getBlock() == &body;
      bool isBehind = !given.empty() && call->getPrevNode() == given.back();
      if (!isFirst && !isBehind)
        places.insert(call);
      if (asking.contains(call.getCalleeAttr().getAttr()))
        given.push_back(call);
    }
    if (places.empty() && given.empty())
      return;
    // Without a host or a flag, the flag is a zero of our own: one load and one
    // branch for each kernel in either case.
    b.setInsertionPointToStart(&body);
    Value one = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(1));
    Value zero = LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(0));
    Value never = LLVM::AllocaOp::create(b, pointer, b.getI32Type(), one);
    LLVM::StoreOp::create(b, zero, never);
    Value null = LLVM::ZeroOp::create(b, pointer);
    Value host = loadAt(b, pointer, frame, offsetof(mlc_frame, host));
    Value noHost = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, host, null);
    // The frame is longer than the field's offset: reading there is harmless.
    static_assert(offsetof(mlc_host, cancel) + sizeof(void *) <= sizeof(mlc_frame));
    Value readable = LLVM::SelectOp::create(b, noHost, frame, host);
    Value flag = loadAt(b, pointer, readable, offsetof(mlc_host, cancel));
    Value noFlag = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, flag, null);
    Value none = LLVM::OrOp::create(b, noHost, noFlag);
    flag = LLVM::SelectOp::create(b, none, never, flag);
    // What a kernel that has left something out returns in place of 0.
    Value status;
    if (!given.empty()) {
      status = LLVM::AllocaOp::create(b, pointer, b.getI32Type(), one);
      LLVM::StoreOp::create(b, zero, status);
    }

    Block *ended =
        b.createBlock(body.getParent(), body.getParent()->end(), b.getI32Type(), b.getLoc());
    func::ReturnOp::create(b, ended->getArgument(0));
    auto returnIfSet = [&](Operation *place, Value address, Value code) {
      Block *before = place->getBlock();
      Block *rest = before->splitBlock(place);
      b.setInsertionPointToEnd(before);
      Value value = loadFlag(b, address);
      Value set = isNotZero(b, value);
      if (!code)
        code = value;
      cf::CondBranchOp::create(b, set, ended, code, rest, ValueRange());
    };
    b.setInsertionPointToStart(&body);
    Value cancelled = arith::ConstantOp::create(b, b.getI32IntegerAttr(MLC_RUN_CANCELLED));
    for (Operation *place : places)
      returnIfSet(place, flag, cancelled);
    for (func::CallOp call : given) {
      call->insertOperands(call.getNumOperands(), {flag, status, host});
      returnIfSet(call->getNextNode(), status, {});
    }
  }

  /// (prepare_)workspace_bytes(dims) = c0 + c1 * dims[0].
  void addWorkspaceFunction(OpBuilder &outer, func::FuncOp driver, DenseI64ArrayAttr workspace) {
    bool run = driver.getName() == kRunFunction;
    auto function = func::FuncOp::create(outer, driver.getLoc(),
                                         run ? "workspace_bytes" : "prepare_workspace_bytes",
                                         outer.getFunctionType({pointer}, {outer.getI64Type()}));
    ImplicitLocOpBuilder b(driver.getLoc(), driver.getContext());
    b.setInsertionPointToStart(function.addEntryBlock());
    Value bytes = arith::ConstantOp::create(b, b.getI64IntegerAttr(workspace[0]));
    if (workspace[1] != 0) {
      Value size = loadAt(b, b.getI64Type(), function.getArgument(0), 0);
      Value factor = arith::ConstantOp::create(b, b.getI64IntegerAttr(workspace[1]));
      bytes = arith::AddIOp::create(b, bytes, arith::MulIOp::create(b, size, factor));
    }
    func::ReturnOp::create(b, bytes);
  }

  Type pointer;
  llvm::DenseSet<StringAttr> asking; ///< Kernels that get an Asking.
  // Of the driver that is being lowered:
  std::optional<KernelClock> clock; ///< If it times kernels.
  llvm::DenseMap<Value, Place> arguments;
  llvm::DenseSet<Operation *> symbolicCalls; ///< Of kernels that take the size.
};

} // namespace
