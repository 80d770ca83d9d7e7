//===- MathKernels.cpp - Compiled elementary functions for tests ----------===//

#include "MathKernels.h"

#include "mlc/Transforms/Loop/MathFunctions.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <stdexcept>

using namespace mlir;

namespace mlc::test {

struct MathKernels::State {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

namespace {

void require(bool ok, const char *what) {
  if (!ok)
    throw std::runtime_error(what);
}

template <typename T> T require(llvm::Expected<T> value) {
  if (!value)
    throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}

template <typename Op> Value emitOp(ImplicitLocOpBuilder &b, Value x) { return Op::create(b, x); }

const std::pair<const char *, Value (*)(ImplicitLocOpBuilder &, Value)> kFunctions[] = {
    {"exp", emitOp<math::ExpOp>},    {"log", emitOp<math::LogOp>}, {"tanh", emitOp<math::TanhOp>},
    {"erf", emitOp<math::ErfOp>},    {"sigmoid", ir::emitSigmoid}, {"gelu_erf", ir::emitGeluErf},
    {"gelu_tanh", ir::emitGeluTanh},
};

OwningOpRef<ModuleOp> buildModule(MLIRContext &context, int64_t width) {
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b, "kernels");
  auto shaped = [&](Type element) {
    return width ? Type(VectorType::get(width, element)) : element;
  };
  Type pointer = LLVM::LLVMPointerType::get(&context);
  auto addFunction = [&](const Twine &name, Type element, llvm::function_ref<Value(Value)> emit) {
    b.setInsertionPointToEnd(module->getBody());
    auto function = func::FuncOp::create(b, name.str(), b.getFunctionType({pointer, pointer}, {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    Value x = LLVM::LoadOp::create(b, shaped(element), function.getArgument(0), /*alignment=*/2);
    LLVM::StoreOp::create(b, emit(x), function.getArgument(1), /*alignment=*/2);
    func::ReturnOp::create(b);
  };
  Type single = b.getF32Type();
  for (auto [name, emit] : kFunctions)
    addFunction(name, single, [&, emit = emit](Value x) { return emit(b, x); });
  for (auto [name, half] :
       {std::pair<StringRef, Type>("bf16", b.getBF16Type()), {"f16", b.getF16Type()}}) {
    addFunction("widen_" + name, half,
                [&](Value x) { return arith::ExtFOp::create(b, shaped(single), x); });
    addFunction("round_" + name, single,
                [&, half = half](Value x) { return arith::TruncFOp::create(b, shaped(half), x); });
  }
  return module;
}

} // namespace

MathKernels::MathKernels(int64_t width, const std::string &cpu, bool f16c) : state(new State) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registry.insert<func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, arith::ArithDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = buildModule(context, width);
  PassManager manager(&context);
  ir::ExpandMathPassOptions options;
  options.fma =
      cpu == "native" ? llvm::sys::getHostCPUFeatures().lookup("fma") : cpu != "x86-64-v2";
  manager.addPass(ir::createExpandMathPass(options));
  ir::ExpandHalvesPassOptions halves;
  halves.f16c = f16c && cpu != "x86-64-v2";
  manager.addPass(ir::createExpandHalvesPass(halves));
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  require(succeeded(manager.run(*module)), "the kernels do not lower");

  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = translateModuleToLLVMIR(*module, *llvmContext);
  require(llvmModule != nullptr, "the kernels do not translate");

  auto target = require(llvm::orc::JITTargetMachineBuilder::detectHost());
  if (cpu != "native") {
    target = llvm::orc::JITTargetMachineBuilder(target.getTargetTriple());
    target.setCPU(cpu);
  }
  // No process symbols: a call of the C library would not link.
  state->jit = require(llvm::orc::LLJITBuilder()
                           .setJITTargetMachineBuilder(target)
                           .setLinkProcessSymbolsByDefault(false)
                           .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                           .create());
  auto error = state->jit->addIRModule({std::move(llvmModule), std::move(llvmContext)});
  require(!error, "the kernels do not compile");
}

MathKernels::~MathKernels() = default;

MathKernels::Function MathKernels::find(const std::string &name) const {
  return require(state->jit->lookup(name)).toPtr<Function>();
}

} // namespace mlc::test
