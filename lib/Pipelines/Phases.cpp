//===- Phases.cpp - What each phase is made of ----------------------------===//
//
// One function per phase; each is a list of passes to read from top to bottom.
//
//===----------------------------------------------------------------------===//

#include "mlc/Conversion/Passes.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Pipelines/Pipelines.h"
#include "mlc/Transforms/Graph/Passes.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace mlc::ir {

static constexpr llvm::StringLiteral kPhaseNames[] = {"graph",   "fused",  "linalg",
                                                      "buffers", "vector", "llvm"};

llvm::StringRef phaseName(Phase phase) { return kPhaseNames[static_cast<int>(phase)]; }

std::optional<Phase> parsePhase(llvm::StringRef name) {
  for (int i = 0; i < 6; ++i)
    if (kPhaseNames[i] == name)
      return static_cast<Phase>(i);
  return std::nullopt;
}

Phase currentPhase(ModuleOp module) {
  auto name = module->getAttrOfType<StringAttr>(kPhaseAttr);
  return name ? parsePhase(name.getValue()).value_or(Phase::Graph) : Phase::Graph;
}

namespace {

/// Records the phase that a module has reached.
struct MarkPhase : PassWrapper<MarkPhase, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MarkPhase)
  explicit MarkPhase(Phase phase) : phase(phase) {}
  StringRef getName() const override { return "mlc-mark-phase"; }
  void runOnOperation() override {
    getOperation()->setAttr(kPhaseAttr, StringAttr::get(&getContext(), phaseName(phase)));
  }
  Phase phase;
};

} // namespace

/// Columns of a packed panel: as many vectors as a register tile has. Of tiles with as many
/// accumulators, 8 x 3 vectors read less of a panel, which comes from the second level of
/// the cache, than 6 x 4, and less of the left-hand side than 12 x 2, which then fits the first.
static int64_t panelColumns(const TargetDescription &target) {
  int64_t lanes = target.vectorBits / 32;
  return lanes * (target.vectorRegisters >= 32 ? 3 : 2);
}

static void toFused(OpPassManager &manager, const PipelineOptions &options) {
  InlineCallsPassOptions inlining;
  inlining.entry = options.entry;
  PackWeightsPassOptions packing;
  packing.tile = panelColumns(options.target);
  packing.tileOfFew = 4 * options.target.vectorBits / 32;
  packing.tileOfAny = options.target.vectorRegisters >= 32 ? packing.tileOfFew : packing.tile;
  packing.tileOfOne = (options.target.vectorRegisters >= 32 ? 2 : 1) * packing.tileOfFew;
  packing.vector = options.target.vectorBits / 32;
  packing.weights = options.weights;
  packing.dotProducts = options.target.dotProducts;
  FuseAttentionPassOptions attention;
  attention.minRows = options.target.vectorBits / 32;
  FusePassOptions fusion;
  fusion.fuse = options.fuse;

  manager.addPass(createInlineCallsPass(inlining));
  manager.addNestedPass<func::FuncOp>(createCheckIndicesPass());
  manager.addNestedPass<func::FuncOp>(createReduceChecksPass());
  manager.addNestedPass<func::FuncOp>(createSimplifyPass());
  manager.addNestedPass<func::FuncOp>(createCSEPass());
  if (options.fuse)
    manager.addNestedPass<func::FuncOp>(createFuseAttentionPass(attention));
  manager.addNestedPass<func::FuncOp>(createPackWeightsPass(packing));
  manager.addNestedPass<func::FuncOp>(createHoistInvariantsPass());
  manager.addNestedPass<func::FuncOp>(createCSEPass());
  manager.addPass(createHoistParametersPass());
  manager.addNestedPass<func::FuncOp>(createFusePass(fusion));
}

static void toLinalg(OpPassManager &manager, const PipelineOptions &options) {
  OutlineKernelsPassOptions outlining;
  outlining.describe = options.describe;
  manager.addPass(createOutlineKernelsPass(outlining));
  manager.addPass(createLowerControlFlowPass());
  manager.addPass(createMLCToLinalgPass());
  manager.addPass(createCSEPass());
}

static void toBuffers(OpPassManager &manager, const PipelineOptions &options) {
  manager.addPass(createBufferizePass());
  manager.addPass(createCSEPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createShareInputsPass());
  if (options.fuse) {
    ChainKernelsPassOptions chain;
    chain.l2Bytes = options.target.l2Bytes;
    chain.vectorBits = options.target.vectorBits;
    if (options.grain > 0)
      chain.grain = options.grain;
    manager.addPass(createChainKernelsPass(chain));
  }
  manager.addPass(createPlanMemoryPass());
  ShareKernelsPassOptions share;
  share.vectorBits = options.target.vectorBits;
  share.vectorRegisters = options.target.vectorRegisters;
  if (options.grain > 0)
    share.slice = std::min<int64_t>(share.slice, options.grain);
  manager.addPass(createShareKernelsPass(share));
}

static void toVector(OpPassManager &manager, const PipelineOptions &options) {
  TileAttentionPassOptions attention;
  attention.vectorBits = options.target.vectorBits;
  attention.vectorRegisters = options.target.vectorRegisters;
  attention.fma = options.target.fma;
  manager.addNestedPass<func::FuncOp>(createTileAttentionPass(attention));
  TileContractionsPassOptions tile;
  tile.vectorBits = options.target.vectorBits;
  tile.vectorRegisters = options.target.vectorRegisters;
  tile.fma = options.target.fma;
  tile.dotProducts = options.target.dotProducts;
  manager.addNestedPass<func::FuncOp>(createTileContractionsPass(tile));
  VectorizeKernelsPassOptions vectorize;
  vectorize.vectorBits = options.target.vectorBits;
  manager.addNestedPass<func::FuncOp>(createVectorizeKernelsPass(vectorize));
  ExpandMathPassOptions expand;
  expand.fma = options.target.fma;
  manager.addNestedPass<func::FuncOp>(createExpandMathPass(expand));
  ExpandHalvesPassOptions halves;
  halves.f16c = options.target.f16c;
  manager.addPass(createExpandHalvesPass(halves));
  ParallelizePassOptions parallelize;
  if (options.grain > 0)
    parallelize.grain = options.grain;
  manager.addPass(createParallelizePass(parallelize));
  manager.addNestedPass<func::FuncOp>(createPollCancelPass());
  manager.addPass(createCSEPass());
}

static void toLLVM(OpPassManager &manager, const PipelineOptions &) {
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createLowerFramePass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCSEPass());
}

void addPhase(OpPassManager &manager, Phase phase, const PipelineOptions &options) {
  switch (phase) {
  case Phase::Graph:
    break;
  case Phase::Fused:
    toFused(manager, options);
    break;
  case Phase::Linalg:
    toLinalg(manager, options);
    break;
  case Phase::Buffers:
    toBuffers(manager, options);
    break;
  case Phase::Vector:
    toVector(manager, options);
    break;
  case Phase::LLVM:
    toLLVM(manager, options);
    break;
  }
  manager.addPass(std::make_unique<MarkPhase>(phase));
}

void addPhases(OpPassManager &manager, Phase from, Phase to, const PipelineOptions &options) {
  for (int i = static_cast<int>(from) + 1; i <= static_cast<int>(to); ++i)
    addPhase(manager, static_cast<Phase>(i), options);
}

} // namespace mlc::ir
