//===- LowerKernels.cpp - From memref arguments to pointers ---------------===//
//
// Works on kernels of any content, whose memrefs are arguments. Refuses ranges whose part
// is no kernel that takes what they pass.
//
//===----------------------------------------------------------------------===//

#include "LowerKernels.h"
#include "KernelClock.h"
#include "Pointers.h"

#include "mlc/Abi/Frame.h"
#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cstddef>

using namespace mlir;
using namespace mlc::ir;

/// Whether a call is one of a chain that is made for profiling.
static bool isTimedInChain(Operation *op) {
  return isa<func::CallOp>(op) && op->hasAttr(kKernelAttr) &&
         op->getParentOfType<func::FuncOp>()->hasAttr("mlc.kind");
}

llvm::DenseSet<StringAttr> mlc::ir::kernelsThatAsk(ModuleOp module) {
  llvm::DenseSet<StringAttr> asking;
  module.walk([&](Operation *op) {
    if (op->hasAttr(kAsksAttr))
      asking.insert(cast<func::FuncOp>(op).getSymNameAttr());
    if (isa<CancelledOp, ParallelForOp>(op) || isTimedInChain(op))
      asking.insert(op->getParentOfType<func::FuncOp>().getSymNameAttr());
  });
  return asking;
}

namespace {

class KernelLowering {
public:
  KernelLowering(ModuleOp module, const LLVMTypeConverter &types)
      : module(module), types(types), pointer(LLVM::LLVMPointerType::get(module.getContext())),
        asking(kernelsThatAsk(module)) {}

  LogicalResult lower() {
    // Before the kernels that they call change their types.
    SmallVector<ParallelForOp> ranges;
    module.walk([&](ParallelForOp range) { ranges.push_back(range); });
    for (ParallelForOp range : ranges)
      if (failed(addTask(range)))
        return failure();
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr("mlc.kind") && takesSymbolicSize(function))
        symbolic.insert(function.getSymNameAttr());
    for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function->hasAttr("mlc.kind") && failed(lowerKernel(function)))
        return failure();
    return success();
  }

private:
  /// Arguments become noalias pointers and, if need be, the symbolic size. No two
  /// buffers of a call overlap, as the plan keeps operands alive across it, but for
  /// those that mlc-share-inputs has marked. Numbers stay what they are.
  LogicalResult lowerKernel(func::FuncOp kernel) {
    if (kernel.isExternal()) {
      kernel.setFunctionType(FunctionType::get(kernel.getContext(), loweredArguments(kernel), {}));
      kernel.removeArgAttrsAttr();
      return success();
    }
    Block &body = kernel.getBody().front();
    ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
    b.setInsertionPointToStart(&body);
    unsigned count = kernel.getNumArguments();
    SmallVector<Type> types(loweredArguments(kernel));
    SmallVector<Value> fresh;
    for (Type type : types)
      fresh.push_back(body.addArgument(type, kernel.getLoc()));
    Value size = takesSymbolicSize(kernel) ? fresh[count] : Value();
    if (failed(lowerCalls(kernel, fresh)))
      return failure();
    if (asking.contains(kernel.getSymNameAttr())) {
      auto last = ArrayRef(fresh).take_back(3);
      lowerAsking(kernel, {last[0], last[1], last[2]}, fresh, size);
    }
    b.setInsertionPointToStart(&body);
    for (unsigned i = 0; i < count; ++i) {
      Value old = body.getArgument(i);
      auto type = dyn_cast<MemRefType>(old.getType());
      old.replaceAllUsesWith(type ? memrefOf(b, type, fresh[i], sizesOf(b, kernel, i, fresh, size))
                                  : fresh[i]);
    }
    body.eraseArguments(0, count);
    SmallVector<bool> isNoalias;
    for (unsigned i = 0; i < count; ++i)
      isNoalias.push_back(!kernel.getArgAttr(i, kMayAliasAttr));
    kernel.setFunctionType(b.getFunctionType(types, {}));
    kernel.removeArgAttrsAttr();
    for (unsigned i = 0; i < count; ++i) {
      if (types[i] != pointer)
        continue;
      if (isNoalias[i])
        kernel.setArgAttr(i, "llvm.noalias", b.getUnitAttr());
      kernel.setArgAttr(i, "llvm.nonnull", b.getUnitAttr());
    }
    return success();
  }

  SmallVector<Type> loweredArguments(func::FuncOp kernel) {
    SmallVector<Type> types;
    for (Type type : kernel.getArgumentTypes())
      types.push_back(isa<MemRefType>(type) ? pointer : type);
    if (takesSymbolicSize(kernel))
      types.push_back(IntegerType::get(module.getContext(), 64));
    if (asking.contains(kernel.getSymNameAttr()))
      types.append(3, pointer);
    return types;
  }

  /// `arguments` are those that the kernel will have.
  void lowerAsking(func::FuncOp kernel, const Asking &ask, ArrayRef<Value> arguments, Value size) {
    SmallVector<CancelledOp> polls;
    SmallVector<ParallelForOp> ranges;
    kernel.walk([&](CancelledOp poll) { polls.push_back(poll); });
    kernel.walk([&](ParallelForOp range) { ranges.push_back(range); });
    for (CancelledOp poll : polls)
      lowerPoll(poll, ask);
    if (ranges.empty())
      return;
    size_t most = 0; // the chunk, values, the ends, the size and what an Asking has
    for (ParallelForOp range : ranges)
      most = std::max<size_t>(most, range.getValues().size() + 7);
    ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
    b.setInsertionPointToStart(&kernel.getBody().front());
    Value count = LLVM::ConstantOp::create(b, b.getI64Type(),
                                           b.getI64IntegerAttr(static_cast<int64_t>(most)));
    Value list = LLVM::AllocaOp::create(b, pointer, b.getI64Type(), count);
    for (ParallelForOp range : ranges) {
      SmallVector<Value> operands;
      for (Value operand : range.getValues())
        operands.push_back(isa<MemRefType>(operand.getType())
                               ? arguments[cast<BlockArgument>(operand).getArgNumber()]
                               : operand);
      lowerRange(range, ask, operands, size, list);
    }
  }

  static void lowerPoll(CancelledOp poll, const Asking &ask) {
    ImplicitLocOpBuilder b(poll.getLoc(), poll);
    Value set = isNotZero(b, loadFlag(b, ask.flag));
    poll.replaceAllUsesWith(set);
    Block *before = poll->getBlock();
    Block *rest = before->splitBlock(poll->getNextNode());
    Block *note = b.createBlock(rest);
    setStatus(b, ask, MLC_RUN_CANCELLED);
    cf::BranchOp::create(b, rest);
    b.setInsertionPointToEnd(before);
    cf::CondBranchOp::create(b, set, note, rest);
    poll.erase();
  }

  /// Atomic, as threads that run parts of one kernel may do so together.
  static void setStatus(ImplicitLocOpBuilder &b, const Asking &ask, int32_t code) {
    Value value = LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(code));
    LLVM::StoreOp::create(b, value, ask.status, /*alignment=*/4, /*isVolatile=*/false,
                          /*isNonTemporal=*/false, /*isInvariantGroup=*/false,
                          LLVM::AtomicOrdering::monotonic);
  }

  //===--- Calls of other kernels ----------------------------------------===//

  LogicalResult lowerCalls(func::FuncOp kernel, ArrayRef<Value> arguments) {
    SmallVector<func::CallOp> calls;
    kernel.walk([&](func::CallOp call) { calls.push_back(call); });
    std::optional<KernelClock> clock;
    if (llvm::any_of(calls, [](func::CallOp call) { return isTimedInChain(call); })) {
      ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
      b.setInsertionPointToStart(&kernel.getBody().front());
      clock.emplace(b, arguments.back()); // the host, as a kernel that asks gets it
    }
    for (func::CallOp call : calls) {
      StringAttr callee = call.getCalleeAttr().getAttr();
      if (asking.contains(callee))
        return call.emitError() << "expected a kernel that does not ask the host";
      ImplicitLocOpBuilder b(call.getLoc(), call);
      SmallVector<Value> operands;
      Value rows;
      for (Value operand : call.getOperands())
        operands.push_back(
            isa<MemRefType>(operand.getType()) ? pointerTo(b, operand, arguments, rows) : operand);
      if (llvm::is_contained(operands, Value()) || (symbolic.contains(callee) && !rows))
        return call.emitError() << "expected arguments of the kernel, rows of them and numbers";
      if (symbolic.contains(callee))
        operands.push_back(arith::IndexCastOp::create(b, b.getI64Type(), rows));
      func::CallOp::create(b, callee, TypeRange(), operands);
      if (clock)
        clock->stop(b, call->getAttrOfType<IntegerAttr>(kKernelAttr));
      call.erase();
    }
    SmallVector<Operation *> views;
    kernel.walk([&](Operation *op) {
      if (isa<RowsOp, memref::CastOp>(op))
        views.push_back(op);
    });
    for (Operation *view : llvm::reverse(views))
      if (view->use_empty())
        view->erase();
    return success();
  }

  /// What a call in a kernel is given: an argument, or `count` rows of one.
  static Value pointerTo(ImplicitLocOpBuilder &b, Value memref, ArrayRef<Value> arguments,
                         Value &count) {
    if (auto argument = dyn_cast<BlockArgument>(memref))
      return arguments[argument.getArgNumber()];
    if (auto cast = memref.getDefiningOp<memref::CastOp>())
      return pointerTo(b, cast.getSource(), arguments, count);
    auto rows = memref.getDefiningOp<RowsOp>();
    Value source = rows ? pointerTo(b, rows.getSource(), arguments, count) : Value();
    if (!source)
      return {};
    count = rows.getSize();
    auto type = cast<MemRefType>(rows.getSource().getType());
    int64_t bytes = ShapedType::getNumElements(type.getShape().drop_front()) *
                    std::max(1u, type.getElementTypeBitWidth() / 8);
    Value index = arith::IndexCastOp::create(b, b.getI64Type(), rows.getIndex());
    Value factor = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(bytes));
    return byteOffset(b, source, LLVM::MulOp::create(b, index, factor).getResult());
  }

  //===--- Ranges for the host's threads ---------------------------------===//

  func::FuncOp partOf(ParallelForOp range) {
    return module.lookupSymbol<func::FuncOp>(range.getCallee());
  }

  static std::string taskName(ParallelForOp range) { return (range.getCallee() + "_task").str(); }

  /// The function that the host's parallel_for calls: takes the length of a chunk and the
  /// arguments of a part, with the ends of the whole range, from the list that lowerRange
  /// has made, and runs one chunk.
  LogicalResult addTask(ParallelForOp range) {
    func::FuncOp part = partOf(range);
    SmallVector<Type> expected(range.getValues().getTypes());
    expected.append(2, IndexType::get(module.getContext()));
    if (!part || !part->hasAttr("mlc.kind") || part.isExternal() ||
        part.getFunctionType() != FunctionType::get(module.getContext(), expected, {}))
      return range.emitError() << "expected a kernel @" << range.getCallee() << " of type "
                               << FunctionType::get(module.getContext(), expected, {});
    for (Value operand : range.getValues()) {
      auto argument = dyn_cast<BlockArgument>(operand);
      bool isKernels = argument && argument.getOwner() ==
                                       &range->getParentOfType<func::FuncOp>().getBody().front();
      if (isa<MemRefType>(operand.getType()) ? !isKernels
                                             : !operand.getType().isIntOrIndexOrFloat())
        return range.emitError() << "expected arguments of the kernel and numbers";
    }
    if (module.lookupSymbol(taskName(range)))
      return success(); // Two ranges of one part.
    ImplicitLocOpBuilder b(part.getLoc(), part->getContext());
    b.setInsertionPointAfter(part);
    auto task =
        func::FuncOp::create(b, taskName(range), b.getFunctionType({pointer, b.getI64Type()}, {}));
    task.setPrivate();
    Block &body = *task.addEntryBlock();
    b.setInsertionPointToStart(&body);
    SmallVector<Value> arguments;
    auto element = [&](Type type, size_t i) -> Value {
      bool isIndex = type.isIndex();
      Value value = loadAt(b, isIndex ? b.getI64Type() : type, body.getArgument(0),
                           static_cast<int64_t>(8 * i));
      return isIndex ? arith::IndexCastOp::create(b, type, value).getResult() : value;
    };
    Value chunk = element(b.getIndexType(), 0);
    for (auto [i, type] : llvm::enumerate(loweredArguments(part)))
      arguments.push_back(element(type, i + 1));
    size_t ends = range.getValues().size();
    Value number = arith::IndexCastOp::create(b, b.getIndexType(), body.getArgument(1));
    Value from = arith::AddIOp::create(b, arguments[ends], arith::MulIOp::create(b, number, chunk));
    Value to =
        arith::MinUIOp::create(b, arith::AddIOp::create(b, from, chunk), arguments[ends + 1]);
    arguments[ends] = from;
    arguments[ends + 1] = to;
    func::CallOp::create(b, part.getSymName(), TypeRange(), arguments);
    func::ReturnOp::create(b);
    return success();
  }

  /// Asks the host if there is enough for its threads, and runs the range here otherwise.
  void lowerRange(ParallelForOp range, const Asking &ask, ArrayRef<Value> operands, Value size,
                  Value list) {
    func::FuncOp part = partOf(range);
    SmallVector<Value> arguments(operands);
    arguments.append({range.getFrom(), range.getTo()});
    // The part may be lowered already: what it takes shows in its operands.
    if (!part->hasAttr(kSizesAttr) && llvm::any_of(range.getValues().getTypes(), isSymbolic))
      arguments.push_back(size);
    if (asking.contains(part.getSymNameAttr()))
      llvm::append_range(arguments, ask.values());
    ImplicitLocOpBuilder b(range.getLoc(), range);
    Value chunk = range.getChunk();
    Value length = arith::SubIOp::create(b, range.getTo(), range.getFrom());
    Value count = arith::IndexCastOp::create(
        b, b.getI64Type(), arith::CeilDivUIOp::create(b, length, chunk).getResult());
    Value two = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(2));
    Value null = LLVM::ZeroOp::create(b, pointer);
    Value isLong = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::uge, count, two);
    Value isThere = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, ask.host, null);

    Block *before = range->getBlock(), *rest = before->splitBlock(range->getNextNode());
    Block *look = b.createBlock(rest), *spread = b.createBlock(rest), *fail = b.createBlock(rest),
          *here = b.createBlock(rest);
    b.setInsertionPointToEnd(before);
    cf::CondBranchOp::create(b, LLVM::AndOp::create(b, isLong, isThere).getResult(), look, here);

    b.setInsertionPointToEnd(look);
    Value function = loadAt(b, pointer, ask.host, offsetof(mlc_host, parallel_for));
    cf::CondBranchOp::create(
        b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, function, null).getResult(), spread,
        here);

    b.setInsertionPointToEnd(spread);
    SmallVector<Value> listed{chunk};
    llvm::append_range(listed, arguments);
    for (auto [i, value] : llvm::enumerate(listed)) {
      if (value.getType().isIndex())
        value = arith::IndexCastOp::create(b, b.getI64Type(), value);
      LLVM::StoreOp::create(b, value, byteOffset(b, list, static_cast<int64_t>(8 * i)));
    }
    auto taskType = b.getFunctionType({pointer, b.getI64Type()}, {});
    Value task = func::ConstantOp::create(b, taskType, b.getStringAttr(taskName(range)));
    task = UnrealizedConversionCastOp::create(b, pointer, task).getResult(0);
    auto type =
        LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, b.getI64Type(), pointer, pointer});
    Value context = loadAt(b, pointer, ask.host, offsetof(mlc_host, context));
    auto made = LLVM::CallOp::create(b, type, ValueRange{function, context, count, task, list});
    cf::CondBranchOp::create(b, isNotZero(b, made.getResult()), fail, rest);

    b.setInsertionPointToEnd(fail);
    setStatus(b, ask, MLC_RUN_HOST_FAILED);
    cf::BranchOp::create(b, rest);

    b.setInsertionPointToEnd(here);
    func::CallOp::create(b, part.getSymName(), TypeRange(), arguments);
    cf::BranchOp::create(b, rest);
    range.erase();
  }

  /// The sizes of the dynamic dimensions of an argument: the kernel's arguments that
  /// mlc.sizes names, or the symbolic one.
  static SmallVector<Value> sizesOf(ImplicitLocOpBuilder &b, func::FuncOp kernel, unsigned argument,
                                    ArrayRef<Value> arguments, Value symbolic) {
    auto noted = kernel->getAttrOfType<ArrayAttr>(kSizesAttr);
    if (!noted)
      return {symbolic};
    SmallVector<Value> sizes;
    for (int64_t i : cast<DenseI64ArrayAttr>(noted[argument]).asArrayRef())
      sizes.push_back(arith::IndexCastOp::create(b, b.getI64Type(), arguments[i]));
    return sizes;
  }

  /// A row-major memref at `address`, with the sizes of its dynamic dimensions;
  /// convert-to-llvm folds the cast away.
  Value memrefOf(ImplicitLocOpBuilder &b, MemRefType type, Value address,
                 ArrayRef<Value> dynamicSizes) {
    Type descriptorType = this->types.convertType(type);
    auto descriptor = MemRefDescriptor::poison(b, b.getLoc(), descriptorType);
    descriptor.setAllocatedPtr(b, b.getLoc(), address);
    descriptor.setAlignedPtr(b, b.getLoc(), address);
    descriptor.setConstantOffset(b, b.getLoc(), 0);
    int64_t known = 1; // The stride is this times `factor`.
    Value factor;
    auto times = [&](Value value, int64_t number) -> Value {
      if (number == 1)
        return value;
      Value constant = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(number));
      return value ? LLVM::MulOp::create(b, value, constant).getResult() : constant;
    };
    for (int64_t i = type.getRank() - 1; i >= 0; --i) {
      if (factor)
        descriptor.setStride(b, b.getLoc(), i, times(factor, known));
      else
        descriptor.setConstantStride(b, b.getLoc(), i, known);
      if (!type.isDynamicDim(i)) {
        descriptor.setConstantSize(b, b.getLoc(), i, type.getDimSize(i));
        known *= type.getDimSize(i);
        continue;
      }
      Value size = dynamicSizes.back();
      dynamicSizes = dynamicSizes.drop_back();
      descriptor.setSize(b, b.getLoc(), i, size);
      factor = factor ? LLVM::MulOp::create(b, factor, size).getResult() : size;
    }
    return UnrealizedConversionCastOp::create(b, type, Value(descriptor)).getResult(0);
  }

  ModuleOp module;
  const LLVMTypeConverter &types;
  Type pointer;
  llvm::DenseSet<StringAttr> asking;
  llvm::DenseSet<StringAttr> symbolic; ///< Kernels that get the symbolic size.
};

} // namespace

LogicalResult mlc::ir::lowerKernels(ModuleOp module, const LLVMTypeConverter &types) {
  return KernelLowering(module, types).lower();
}
