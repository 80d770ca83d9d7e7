//===- OutlineKernels.cpp - mlc.fusion to functions -----------------------===//
//
// Works on mlc fusions, prints and custom ops in @run and @prepare. After it, both
// functions and the blocks of their if, while and scan hold only calls of kernels and
// of the host, checks, tensor.empty and tensor.dim, and the functions write to trailing
// arguments.
//
//===----------------------------------------------------------------------===//

#include "DescribeKernels.h"
#include "Drivers.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace mlc::ir {
#define GEN_PASS_DEF_OUTLINEKERNELSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// The kernels made so far, found again by the body that they were made from.
class KernelTable {
public:
  explicit KernelTable(ModuleOp module) : module(module) {}

  func::FuncOp find(FusionOp fusion) {
    auto flags = OperationEquivalence::IgnoreLocations;
    llvm::hash_code hash = hash_value(fusion.getKind());
    for (Type type : fusion.getBody().getArgumentTypes())
      hash = llvm::hash_combine(hash, type);
    for (Operation &op : fusion.getBody().front())
      hash = llvm::hash_combine(hash, op.getName(), op.hashProperties());
    auto &candidates = kernels[hash];
    for (auto &[known, kernel] : candidates)
      if (OperationEquivalence::isRegionEquivalentTo(&known.getBody(), &fusion.getBody(), flags))
        return kernel;
    func::FuncOp kernel = outline(fusion);
    candidates.push_back({fusion, kernel});
    return kernel;
  }

private:
  func::FuncOp outline(FusionOp fusion) {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    SmallVector<Type> arguments(fusion.getInputs().getTypes());
    llvm::append_range(arguments, fusion.getResultTypes());
    auto kernel =
        func::FuncOp::create(builder, fusion.getLoc(), "kernel_" + std::to_string(count++),
                             builder.getFunctionType(arguments, fusion.getResultTypes()));
    kernel.setPrivate();
    kernel->setAttr("mlc.kind", fusion.getKindAttr());
    Block *body = kernel.addEntryBlock();
    IRMapping map;
    Block &source = fusion.getBody().front();
    for (auto [from, to] : llvm::zip(source.getArguments(), body->getArguments()))
      map.map(from, to);
    builder.setInsertionPointToEnd(body);
    for (Operation &op : source.without_terminator())
      builder.clone(op, map);
    SmallVector<Value> results;
    for (Value v : source.getTerminator()->getOperands())
      results.push_back(map.lookup(v));
    func::ReturnOp::create(builder, fusion.getLoc(), results);
    return kernel;
  }

  ModuleOp module;
  int count = 0;
  llvm::DenseMap<size_t, SmallVector<std::pair<FusionOp, func::FuncOp>>> kernels;
};

/// What the host is called for: private functions without a body, destination-passing
/// as kernels are. Calls that are the same in everything share one.
class HostFunctions {
public:
  explicit HostFunctions(ModuleOp module) : module(module) {}

  func::FuncOp find(Operation *op) {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto custom = dyn_cast<CustomOp>(op);
    SmallVector<NamedAttribute> entries = {
        builder.getNamedAttr("kind", builder.getStringAttr(custom ? "custom" : "print")),
        builder.getNamedAttr("name",
                             custom ? custom.getFunctionAttr() : cast<PrintOp>(op).getLabelAttr()),
        builder.getNamedAttr("place", builder.getStringAttr(placeOf(op->getLoc()))),
        builder.getNamedAttr("operands", builder.getTypeArrayAttr(op->getOperandTypes())),
        builder.getNamedAttr("results", builder.getTypeArrayAttr(op->getResultTypes()))};
    Attribute description = builder.getDictionaryAttr(entries);
    func::FuncOp &function = functions[description];
    if (function)
      return function;
    SmallVector<Type> arguments(op->getOperandTypes());
    llvm::append_range(arguments, op->getResultTypes());
    int64_t index = static_cast<int64_t>(descriptions.size());
    function = func::FuncOp::create(builder, op->getLoc(), "host_" + std::to_string(index),
                                    builder.getFunctionType(arguments, op->getResultTypes()));
    function.setPrivate();
    function->setAttr(kHostCallAttr, builder.getI64IntegerAttr(index));
    descriptions.push_back(description);
    return function;
  }

  void describe() {
    if (!descriptions.empty())
      module->setAttr(kHostCallsAttr, ArrayAttr::get(module.getContext(), descriptions));
  }

private:
  ModuleOp module;
  SmallVector<Attribute> descriptions;
  llvm::DenseMap<Attribute, func::FuncOp> functions;
};

/// Whether what computes `value` can be told where to write it.
bool takesDestination(Value value) {
  if (auto scan = value.getDefiningOp<ScanOp>())
    return cast<OpResult>(value).getResultNumber() >= static_cast<uint64_t>(scan.getCarried());
  return value.getDefiningOp() && isa<FusionOp, CustomOp, IfOp>(value.getDefiningOp());
}

Value copyBefore(Operation *op, Value value) {
  OpBuilder builder(op);
  auto type = cast<RankedTensorType>(value.getType());
  auto copy = FusionOp::create(builder, op->getLoc(), TypeRange{type}, ValueRange{value},
                               builder.getStringAttr("data"), StringAttr());
  Block *body = builder.createBlock(&copy.getBody(), {}, {type}, {op->getLoc()});
  SmallVector<int64_t> shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  Value same = ReshapeOp::create(builder, op->getLoc(), type, body->getArgument(0),
                                 builder.getDenseI64ArrayAttr(shape));
  YieldOp::create(builder, op->getLoc(), ValueRange{same});
  return copy.getResult(0);
}

/// Makes every value that a function or a block returns one that takes a destination
/// of its own, by copies of arguments and of values that are returned twice. The
/// first `carried` values go to the next step of a loop, which only reads them: those
/// may be arguments, or be returned twice.
void copyDirectResults(Operation *ret, int64_t carried = 0) {
  llvm::SmallPtrSet<void *, 8> returned;
  llvm::DenseMap<Value, Value> copies;
  MutableArrayRef<OpOperand> operands = ret->getOpOperands();
  for (OpOperand &operand : operands.drop_front(carried)) {
    Value value = operand.get();
    if (takesDestination(value) && returned.insert(value.getAsOpaquePointer()).second)
      continue;
    operand.set(copies[value] = copyBefore(ret, value));
  }
  for (OpOperand &operand : operands.take_front(carried)) {
    Value value = operand.get();
    if (takesDestination(value) || isa<BlockArgument>(value))
      continue;
    // What an inner loop carried lies in buffers that its next run writes to.
    Value &copy = copies[value];
    if (!copy)
      copy = copyBefore(ret, value);
    operand.set(copy);
  }
}

/// Adds a destination argument for every result; result attributes move along.
SmallVector<Value> addDestinations(func::FuncOp driver) {
  SmallVector<Value> destinations;
  SmallVector<DictionaryAttr> attributes;
  for (unsigned i = 0, e = driver.getNumResults(); i < e; ++i) {
    attributes.push_back(driver.getResultAttrDict(i));
    driver.setResultAttrs(i, DictionaryAttr::get(driver.getContext()));
  }
  SmallVector<Type> results(driver.getResultTypes());
  for (auto [type, attribute] : llvm::zip(results, attributes)) {
    unsigned index = driver.getNumArguments();
    if (failed(driver.insertArgument(index, type, attribute, driver.getLoc())))
      return {};
    destinations.push_back(driver.getArgument(index));
  }
  return destinations;
}

struct OutlineKernels : mlc::ir::impl::OutlineKernelsPassBase<OutlineKernels> {
  using OutlineKernelsPassBase::OutlineKernelsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    KernelTable kernels(module);
    HostFunctions host(module);
    SmallVector<FusionOp> done;
    for (StringRef name : {kPrepareFunction, kRunFunction}) {
      auto driver = module.lookupSymbol<func::FuncOp>(name);
      if (!driver) {
        module.emitError() << "expected a function @" << name;
        return signalPassFailure();
      }
      outline(driver, kernels, host, done);
    }
    host.describe();
    if (describe)
      module->setAttr(kKernelsAttr, ArrayAttr::get(&getContext(), descriptions));
    descriptions.clear();
    // The fusions are the table's keys, so they go last.
    for (FusionOp fusion : llvm::reverse(done))
      fusion.erase();
  }

  void outline(func::FuncOp driver, KernelTable &kernels, HostFunctions &host,
               SmallVector<FusionOp> &done) {
    Block &body = driver.getBody().front();
    SmallVector<Operation *> ops;
    copyDirectResults(body.getTerminator());
    body.walk([](Operation *op) {
      if (auto branch = dyn_cast<IfOp>(op))
        for (Region &region : branch->getRegions())
          copyDirectResults(region.front().getTerminator());
      else if (auto loop = dyn_cast<WhileOp>(op)) // Its condition is only read.
        copyDirectResults(loop.getBody().front().getTerminator(), loop.getCarried());
      else if (auto scan = dyn_cast<ScanOp>(op))
        copyDirectResults(scan.getBody().front().getTerminator(), scan.getCarried());
    });
    SmallVector<Value> destinations = addDestinations(driver);
    llvm::DenseMap<Value, Value> destinationOf;
    for (auto [value, destination] : llvm::zip(body.getTerminator()->getOperands(), destinations))
      destinationOf[value] = destination;
    body.walk([&](Operation *op) {
      if (isa<FusionOp, PrintOp, CustomOp>(op))
        ops.push_back(op);
    });

    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    Value size; // of the symbolic dimension
    for (Operation *op : ops) {
      builder.setInsertionPoint(op);
      auto fusion = dyn_cast<FusionOp>(op);
      func::FuncOp callee = fusion ? kernels.find(fusion) : host.find(op);
      SmallVector<Value> operands(op->getOperands());
      for (Value result : op->getResults()) {
        Value destination = destinationOf.lookup(result);
        if (!destination) {
          auto type = cast<RankedTensorType>(result.getType());
          SmallVector<Value> sizes;
          if (!type.hasStaticShape())
            sizes.push_back(size ? size : size = symbolicSize(body));
          destination = tensor::EmptyOp::create(builder, op->getLoc(), type, sizes);
        }
        operands.push_back(destination);
      }
      auto call = func::CallOp::create(builder, op->getLoc(), callee, operands);
      op->replaceAllUsesWith(call.getResults());
      if (!fusion) {
        op->erase();
        continue;
      }
      if (describe) {
        auto index = static_cast<int64_t>(descriptions.size());
        call->setAttr(kKernelAttr, builder.getI64IntegerAttr(index));
        descriptions.push_back(describeKernel(fusion, callee.getName(), driver.getName()));
      }
      // The table still compares with the body; unlink it from its operands.
      fusion->setOperands({});
      done.push_back(fusion);
    }
  }

  SmallVector<Attribute> descriptions;
};

} // namespace
