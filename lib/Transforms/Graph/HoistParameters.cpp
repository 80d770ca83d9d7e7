// mlc-hoist-parameters: splits the one function of a module, in the phase graph
// and with calls inlined, into @prepare and @run. Refuses modules with another
// number of functions, and remaining calls.

#include "ParameterOnly.h"

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_HOISTPARAMETERSPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

// A broadcast whose operand is as cheap to keep as its result: it needs no kernel.
bool isRepeatable(Value value) {
  auto broadcast = value.getDefiningOp<BroadcastOp>();
  return broadcast &&
         broadcast.getOperand().getType().getNumElements() <= broadcast.getType().getNumElements();
}

class Splitter {
public:
  Splitter(ModuleOp module, func::FuncOp source)
      : module(module), source(source), block(source.getBody().front()),
        known(parameterOnlyValues(block)) {}

  LogicalResult run() {
    auto misplaced = [&](Operation *op) {
      if (isa<CallOp>(op))
        op->emitError("mlc-hoist-parameters: calls must be inlined before");
      else if (isa<ParameterOp>(op) && op->getBlock() != &block)
        op->emitError("mlc-hoist-parameters: parameters must be moved out of blocks before");
      else
        return WalkResult::advance();
      return WalkResult::interrupt();
    };
    if (block.walk(misplaced).wasInterrupted())
      return failure();
    for (Operation &op : block)
      if (&op == block.getTerminator() || !isKnown(&op))
        for (Value operand : op.getOperands())
          demand(operand);
    buildPrepare();
    buildRun();
    source.erase();
    return success();
  }

private:
  bool isKnown(Operation *op) const {
    return op->getNumResults() != 0 && known.contains(op->getResult(0));
  }

  DictionaryAttr named(llvm::StringRef name, mlir::Attribute value) const {
    NamedAttribute attribute(StringAttr::get(value.getContext(), name), value);
    return DictionaryAttr::get(value.getContext(), attribute);
  }

  // What @run needs of `value`: it makes splats and broadcasts itself.
  void demand(Value value) {
    if (!known.contains(value) || isSplatConstant(value))
      return;
    if (isRepeatable(value))
      return demand(value.getDefiningOp<BroadcastOp>().getOperand());
    prepared.insert(value);
  }

  void buildPrepare() {
    OpBuilder builder(source);
    llvm::SmallVector<Type> inputs, results;
    llvm::SmallVector<StringAttr> names;
    if (auto parameters = module->getAttrOfType<ArrayAttr>(kParametersAttr))
      for (mlir::Attribute entry : parameters) {
        names.push_back(cast<StringAttr>(cast<ArrayAttr>(entry)[0]));
        inputs.push_back(cast<TypeAttr>(cast<ArrayAttr>(entry)[1]).getValue());
      }
    for (Value value : prepared)
      results.push_back(value.getType());
    auto prepare = func::FuncOp::create(builder, source.getLoc(), kPrepareFunction,
                                        builder.getFunctionType(inputs, results));
    builder.setInsertionPointToStart(prepare.addEntryBlock());
    llvm::StringMap<Value> parameters;
    llvm::SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
    for (auto [i, name] : llvm::enumerate(names)) {
      argumentAttrs.push_back(named(kParameterAttr, name));
      parameters[name.getValue()] = prepare.getArgument(i);
    }

    // The ops that the prepared values are made of, in their order.
    llvm::DenseSet<Operation *> needed;
    llvm::SmallVector<Operation *> worklist;
    auto need = [&](Value value) {
      if (needed.insert(value.getDefiningOp()).second)
        worklist.push_back(value.getDefiningOp());
    };
    llvm::for_each(prepared, need);
    while (!worklist.empty())
      llvm::for_each(worklist.pop_back_val()->getOperands(), need);
    IRMapping mapping;
    for (Operation &op : block) {
      if (!needed.contains(&op))
        continue;
      if (auto parameter = dyn_cast<ParameterOp>(op))
        mapping.map(parameter.getResult(), parameters.lookup(parameter.getParameter()));
      else
        builder.clone(op, mapping);
    }
    llvm::SmallVector<Value> returned;
    for (auto [i, value] : llvm::enumerate(prepared)) {
      returned.push_back(mapping.lookup(value));
      resultAttrs.push_back(named(kPreparedAttr, builder.getI64IntegerAttr(i)));
    }
    prepare.setAllArgAttrs(argumentAttrs);
    prepare.setAllResultAttrs(resultAttrs);
    func::ReturnOp::create(builder, source.getLoc(), returned);
  }

  void buildRun() {
    OpBuilder builder(source);
    llvm::SmallVector<Type> inputs(source.getArgumentTypes());
    for (Value value : prepared)
      inputs.push_back(value.getType());
    auto run = func::FuncOp::create(builder, source.getLoc(), kRunFunction,
                                    builder.getFunctionType(inputs, source.getResultTypes()));
    if (mlir::Attribute dims = source->getAttr(kDimsAttr))
      run->setAttr(kDimsAttr, dims);
    Block *body = run.addEntryBlock();
    builder.setInsertionPointToStart(body);
    IRMapping mapping;
    for (unsigned i = 0; i < source.getNumArguments(); ++i) {
      mapping.map(source.getArgument(i), run.getArgument(i));
      run.getArgument(i).setLoc(source.getArgument(i).getLoc());
    }
    llvm::SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
    source.getAllArgAttrs(argumentAttrs);
    source.getAllResultAttrs(resultAttrs);
    for (auto [i, value] : llvm::enumerate(prepared)) {
      unsigned argument = source.getNumArguments() + i;
      mapping.map(value, run.getArgument(argument));
      run.getArgument(argument).setLoc(value.getLoc());
      argumentAttrs.push_back(named(kPreparedAttr, builder.getI64IntegerAttr(i)));
    }
    // All at once: one by one, each would copy the list.
    run.setAllArgAttrs(argumentAttrs);
    run.setAllResultAttrs(resultAttrs);
    for (Operation &op : block) {
      if (&op != block.getTerminator() && isKnown(&op))
        continue;
      for (Value operand : op.getOperands())
        remake(operand, builder, mapping);
      builder.clone(op, mapping);
    }
  }

  // Clones splats and broadcasts before their first use in @run.
  void remake(Value value, OpBuilder &builder, IRMapping &mapping) {
    if (mapping.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      remake(operand, builder, mapping);
    builder.clone(*op, mapping);
  }

  ModuleOp module;
  func::FuncOp source;
  Block &block;
  llvm::DenseSet<Value> known;
  llvm::SetVector<Value> prepared;
};

struct HoistParametersPass : impl::HoistParametersPassBase<HoistParametersPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
    if (functions.size() != 1 || !llvm::hasSingleElement(functions[0].getBody())) {
      module.emitError("mlc-hoist-parameters: expected one function of one block, found ")
          << functions.size() << " functions";
      return signalPassFailure();
    }
    if (failed(Splitter(module, functions[0]).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlc::ir
