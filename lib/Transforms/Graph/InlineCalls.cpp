// mlc-inline-calls: replaces every mlc.call of the entry function by the body of
// its callee, on modules in the phase graph. Refuses call cycles and more ops
// than its limit.

#include "mlc/Dialect/Convert.h"
#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_INLINECALLSPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

// The size that a callee's `?` has at a call; kDynamic when it is the caller's.
int64_t boundSize(func::FuncOp callee, CallOp call) {
  for (auto [type, operand] : llvm::zip_equal(callee.getArgumentTypes(), call.getOperands())) {
    auto actual = cast<RankedTensorType>(operand.getType()).getShape();
    for (auto [size, actualSize] : llvm::zip_equal(cast<RankedTensorType>(type).getShape(), actual))
      if (ShapedType::isDynamic(size))
        return actualSize;
  }
  return ShapedType::kDynamic;
}

void bindSize(mlir::Value value, int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  llvm::SmallVector<int64_t> shape(type.getShape());
  std::replace(shape.begin(), shape.end(), ShapedType::kDynamic, size);
  value.setType(RankedTensorType::get(shape, type.getElementType()));
}

// Writes `size` for the symbolic dimension in the types that an op defines and in
// its attributes.
void bindSize(Operation *op, int64_t size) {
  for (mlir::Value result : op->getResults())
    bindSize(result, size);
  for (Region &region : op->getRegions())
    for (mlir::Value argument : region.getArguments())
      bindSize(argument, size);
  std::optional<mlc::Op> graphOp = vocabularyOp(op);
  if (!graphOp)
    return;
  const OpInfo &info = opInfo(*graphOp);
  for (int32_t i = 0; i < info.numAttributes; ++i) {
    if (info.attributes[i].kind != AttributeKind::Dims)
      continue;
    llvm::StringRef name(info.attributes[i].name);
    llvm::SmallVector<int64_t> dims(op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef());
    std::replace(dims.begin(), dims.end(), int64_t(-1), size);
    op->setAttr(name, DenseI64ArrayAttr::get(op->getContext(), dims));
  }
}

struct InlineCallsPass : impl::InlineCallsPassBase<InlineCallsPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    func::FuncOp root = findEntry(module, symbols);
    if (!root || failed(checkCycles(root, symbols)) || failed(inlineInto(root, symbols)))
      return signalPassFailure();
    for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (func != root)
        func.erase();
  }

  func::FuncOp findEntry(ModuleOp module, SymbolTable &symbols) {
    auto functions = module.getOps<func::FuncOp>();
    func::FuncOp root;
    if (!entry.empty())
      root = symbols.lookup<func::FuncOp>(entry);
    else if (!functions.empty())
      root = *functions.begin();
    if (!root || root.isExternal()) {
      module.emitError("mlc-inline-calls: the module has no function ")
          << (entry.empty() ? "with a body" : entry.getValue());
      return {};
    }
    return root;
  }

  // Depth-first over the call graph, without recursion.
  static LogicalResult checkCycles(func::FuncOp root, SymbolTable &symbols) {
    struct Frame {
      func::FuncOp function;
      llvm::SmallVector<CallOp> calls;
      size_t next = 0;
    };
    llvm::DenseSet<Operation *> active, done;
    llvm::SmallVector<Frame> stack;
    auto enter = [&](func::FuncOp function) {
      active.insert(function);
      Frame &frame = stack.emplace_back(Frame{function, {}});
      function.walk([&](CallOp call) { frame.calls.push_back(call); });
    };
    enter(root);
    while (!stack.empty()) {
      Frame &frame = stack.back();
      if (frame.next == frame.calls.size()) {
        active.erase(frame.function);
        done.insert(frame.function);
        stack.pop_back();
        continue;
      }
      CallOp call = frame.calls[frame.next++];
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || !llvm::hasSingleElement(callee.getBody()))
        return call.emitError("call [C1]: ") << call.getCalleeAttr() << " has no body to inline";
      if (active.contains(callee))
        return call.emitError("call [C4]: ")
               << call.getCalleeAttr() << " calls itself, directly or through others";
      if (!done.contains(callee))
        enter(callee);
    }
    return success();
  }

  LogicalResult inlineInto(func::FuncOp root, SymbolTable &symbols) {
    int64_t count = 0;
    return inlineInto(root.getBody().front(), root, symbols, count);
  }

  LogicalResult inlineInto(mlir::Block &block, func::FuncOp root, SymbolTable &symbols,
                           int64_t &count) {
    // Inlined ops come before `next` and are visited in their turn.
    for (Operation *op = &block.front(); op;) {
      auto call = dyn_cast<CallOp>(op);
      if (!call) {
        for (Region &region : op->getRegions())
          if (failed(inlineInto(region.front(), root, symbols, count)))
            return failure();
        op = op->getNextNode();
        continue;
      }
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      int64_t size = boundSize(callee, call);
      IRMapping mapping;
      mapping.map(callee.getArguments(), call.getOperands());
      OpBuilder builder(call);
      Operation *before = op->getPrevNode();
      for (Operation &inner : callee.getBody().front().without_terminator()) {
        if (++count > maxOps)
          return root.emitError("mlc-inline-calls: more than ")
                 << maxOps.getValue() << " ops after inlining";
        Operation *clone = builder.clone(inner, mapping);
        if (!ShapedType::isDynamic(size))
          clone->walk([&](Operation *made) { bindSize(made, size); });
      }
      Operation *terminator = callee.getBody().front().getTerminator();
      for (auto [result, value] : llvm::zip_equal(call.getResults(), terminator->getOperands()))
        result.replaceAllUsesWith(mapping.lookup(value));
      call.erase();
      op = before ? before->getNextNode() : &block.front();
    }
    return success();
  }
};

} // namespace
} // namespace mlc::ir
