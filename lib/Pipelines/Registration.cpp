//===- Registration.cpp - Dialects, passes and --mlc-to-<phase> -----------===//

#include "mlc/Conversion/Passes.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Pipelines/Pipelines.h"
#include "mlc/Transforms/Graph/Passes.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace mlc::ir {

void registerDialects(DialectRegistry &registry) {
  registry
      .insert<MLCDialect, affine::AffineDialect, arith::ArithDialect,
              bufferization::BufferizationDialect, cf::ControlFlowDialect, func::FuncDialect,
              linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
              scf::SCFDialect, tensor::TensorDialect, vector::VectorDialect>();
  registerBufferizationModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

namespace {

/// Takes a module from the phase that it is in to a later one.
struct RunToPhase : PassWrapper<RunToPhase, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RunToPhase)
  explicit RunToPhase(Phase phase)
      : phase(phase), argument(("mlc-to-" + phaseName(phase)).str()),
        description(("Take the module to the phase " + phaseName(phase)).str()) {}
  RunToPhase(const RunToPhase &other)
      : PassWrapper(other), phase(other.phase), argument(other.argument),
        description(other.description) {}

  StringRef getArgument() const override { return argument; }
  StringRef getDescription() const override { return description; }
  StringRef getName() const override { return "RunToPhase"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registerDialects(registry);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    PipelineOptions options;
    options.entry = entry;
    options.fuse = fuse;
    options.describe = describe;
    options.target.vectorBits = vectorBits;
    options.target.vectorRegisters = vectorRegisters;
    options.target.fma = fma;
    options.target.dotProducts = dotProducts;
    options.weights = weights;
    options.target.f16c = f16c;
    OpPassManager manager(ModuleOp::getOperationName());
    addPhases(manager, currentPhase(module), phase, options);
    if (failed(runPipeline(manager, module)))
      signalPassFailure();
  }

  Phase phase;
  std::string argument, description;
  Option<std::string> entry{*this, "entry", llvm::cl::desc("Function to compile; first if empty")};
  Option<bool> fuse{*this, "fuse", llvm::cl::init(true), llvm::cl::desc("Fuse ops into kernels")};
  Option<bool> describe{*this, "describe",
                        llvm::cl::desc("Describe kernels, and time them in @run")};
  Option<int64_t> vectorBits{*this, "vector-bits", llvm::cl::init(512),
                             llvm::cl::desc("Width of a vector register")};
  Option<int64_t> vectorRegisters{*this, "vector-registers", llvm::cl::init(32),
                                  llvm::cl::desc("Number of vector registers")};
  Option<bool> fma{*this, "fma", llvm::cl::init(true),
                   llvm::cl::desc("Whether fused multiply-add may be used")};
  Option<bool> dotProducts{
      *this, "dot-products", llvm::cl::init(false),
      llvm::cl::desc("Whether the CPU adds up products of four bytes in one step")};
  Option<WeightType> weights{*this, "weights", llvm::cl::init(WeightType::AsGiven),
                             llvm::cl::desc("What weights are stored as"), weightTypeValues()};
  Option<bool> f16c{*this, "f16c", llvm::cl::init(true),
                    llvm::cl::desc("Whether the CPU converts f16")};
};

} // namespace

void registerPassesAndPipelines() {
  registerMLCGraphPasses();
  registerMLCLoopPasses();
  registerMLCConversionPasses();
  // The upstream passes of our phases, so that a phase can be run step by step.
  memref::registerExpandStridedMetadataPass();
  registerCanonicalizerPass();
  registerCSEPass();
  // One by one: the header that registers all conversions includes all dialects.
  registerPass([] { return createConvertToLLVMPass(); });
  registerPass([] { return createLowerAffinePass(); });
  registerPass([] { return createReconcileUnrealizedCastsPass(); });
  registerPass([] { return createSCFToControlFlowPass(); });
  for (Phase phase : {Phase::Fused, Phase::Linalg, Phase::Buffers, Phase::Vector, Phase::LLVM})
    registerPass([phase] { return std::make_unique<RunToPhase>(phase); });
}

} // namespace mlc::ir
