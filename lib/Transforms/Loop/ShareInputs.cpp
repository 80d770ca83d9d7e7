//===- ShareInputs.cpp - Outputs in the memory of donated inputs ----------===//
//
// Works on bufferised @run and kernels, before memory is planned. After it, outputs
// that name a donor are right with its memory and with memory of their own.
//
//===----------------------------------------------------------------------===//

#include "DescribeKernels.h"
#include "Lifetimes.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlc::ir {
#define GEN_PASS_DEF_SHAREINPUTSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// The element-wise op that alone touches `destination`, an argument of a kernel, and
/// writes it in the order of its loops; null if there is no such.
linalg::GenericOp elementwiseWriter(Value destination) {
  if (!destination.hasOneUse())
    return nullptr;
  OpOperand &use = *destination.use_begin();
  auto writer = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!writer || !writer.isDpsInit(&use) || writer.getNumDpsInits() != 1 ||
      writer.getNumReductionLoops() != 0 || !writer.getMatchingIndexingMap(&use).isIdentity())
    return nullptr;
  return writer;
}

class Sharing {
public:
  explicit Sharing(func::FuncOp run)
      : run(run), body(run.getBody().front()), symbols(run->getParentOfType<ModuleOp>()) {}

  LogicalResult share(Value input, Value output) {
    Operation *firstWrite = nullptr;
    for (Operation *user : output.getUsers()) {
      Operation *op = body.findAncestorOpInBlock(*user);
      if (!firstWrite || op->isBeforeInBlock(firstWrite))
        firstWrite = op;
    }
    Positions positions(body);
    llvm::SmallPtrSet<void *, 8> aliases;
    int64_t lastRead = -1;
    if (failed(positions.extendToUses(input, &body, aliases, lastRead)))
      return failure();
    if (!firstWrite || lastRead < positions.first(firstWrite))
      return success();
    if (lastRead > positions.last(firstWrite) || !readsBeforeItWrites(firstWrite, aliases, output))
      writeAtTheEnd(output, firstWrite);
    return success();
  }

private:
  /// Whether `op` is a kernel that reads of the input the very element that it writes
  /// next, and all others before or in the same row. If so, the kernel learns that the two may be
  /// the same memory.
  bool readsBeforeItWrites(Operation *op, const llvm::SmallPtrSetImpl<void *> &aliases,
                           Value output) {
    auto call = dyn_cast<func::CallOp>(op);
    if (!call || llvm::count(call.getOperands(), output) != 1)
      return false;
    auto kernel = symbols.lookup<func::FuncOp>(call.getCallee());
    SmallVector<Value> sharing;
    linalg::GenericOp writer;
    for (auto [operand, argument] : llvm::zip(call.getOperands(), kernel.getArguments()))
      if (operand == output) {
        sharing.push_back(argument);
        writer = elementwiseWriter(argument);
      }
    if (!writer)
      return false;
    for (auto [operand, argument] : llvm::zip(call.getOperands(), kernel.getArguments())) {
      if (!aliases.contains(operand.getAsOpaquePointer()))
        continue;
      // What reads before the writer does is computed before it, or row by row with it; but a
      // contraction reads its rows again after the writer has written parts of them.
      bool isContraction =
          kernel->getAttr("mlc.kind") == StringAttr::get(kernel.getContext(), "contraction");
      auto readsInTime = [&](OpOperand &use) {
        Operation *reader = use.getOwner();
        if (reader == writer)
          return writer.getMatchingIndexingMap(&use).isIdentity();
        return !isContraction && isa<linalg::GenericOp>(reader) &&
               reader->getBlock() == writer->getBlock() && reader->isBeforeInBlock(writer) &&
               cast<linalg::GenericOp>(reader).isDpsInput(&use);
      };
      if (operand.getType() != output.getType() || !llvm::all_of(argument.getUses(), readsInTime))
        return false;
      sharing.push_back(argument);
    }
    for (Value argument : sharing)
      kernel.setArgAttr(cast<BlockArgument>(argument).getArgNumber(), kMayAliasAttr,
                        UnitAttr::get(kernel.getContext()));
    return true;
  }

  /// Computes `output` in a buffer of its own, which is copied at the end.
  void writeAtTheEnd(Value output, Operation *firstWrite) {
    Location loc = output.getLoc();
    auto type = cast<MemRefType>(output.getType());
    OpBuilder b(firstWrite);
    SmallVector<Value> sizes;
    if (!type.hasStaticShape())
      sizes.push_back(memref::DimOp::create(b, loc, output, 0));
    Value buffer = memref::AllocOp::create(b, loc, type, sizes);
    output.replaceUsesWithIf(buffer,
                             [](OpOperand &use) { return !isa<memref::DimOp>(use.getOwner()); });
    b.setInsertionPoint(body.getTerminator());
    auto call = func::CallOp::create(b, loc, copyKernel(type), ValueRange{buffer, output});
    describeCopy(call, type);
  }

  func::FuncOp copyKernel(MemRefType type) {
    func::FuncOp &kernel = copyKernels[type];
    if (kernel)
      return kernel;
    OpBuilder b(run.getContext());
    kernel = func::FuncOp::create(b, run.getLoc(), "copy", b.getFunctionType({type, type}, {}));
    kernel.setPrivate();
    kernel->setAttr("mlc.kind", b.getStringAttr("data"));
    symbols.insert(kernel);
    b.setInsertionPointToStart(kernel.addEntryBlock());
    memref::CopyOp::create(b, run.getLoc(), kernel.getArgument(0), kernel.getArgument(1));
    func::ReturnOp::create(b, run.getLoc());
    return kernel;
  }

  func::FuncOp run;
  Block &body;
  SymbolTable symbols;
  llvm::DenseMap<Type, func::FuncOp> copyKernels;
};

struct ShareInputs : mlc::ir::impl::ShareInputsPassBase<ShareInputs> {
  void runOnOperation() override {
    auto run = getOperation().lookupSymbol<func::FuncOp>(kRunFunction);
    if (!run)
      return signalPassFailure();
    llvm::StringMap<Value> inputs;
    for (Value argument : run.getArguments())
      if (auto name = nameOf(run, argument, kInputAttr))
        inputs[name.getValue()] = argument;
    Sharing sharing(run);
    for (Value argument : run.getArguments()) {
      auto donor = nameOf(run, argument, kDonorAttr);
      if (!donor)
        continue;
      Value input = inputs.lookup(donor.getValue());
      if (!input || input.getType() != argument.getType()) {
        run.emitError() << "expected the donor " << donor << " to be an input of type "
                        << argument.getType();
        return signalPassFailure();
      }
      if (failed(sharing.share(input, argument)))
        return signalPassFailure();
    }
  }

  static StringAttr nameOf(func::FuncOp run, Value argument, StringRef attribute) {
    return run.getArgAttrOfType<StringAttr>(cast<BlockArgument>(argument).getArgNumber(),
                                            attribute);
  }
};

} // namespace
