// A part of a host that has another LLVM and MLIR than mlc: compiles and runs a function
// of its own with LLVM, and lets MLIR verify, simplify and lower one.
#include "digits.h"

#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm-c/Core.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"

/// Sums 3 i + 1 for i below n: a loop, that the optimiser and the code generator have
/// something to do.
static std::unique_ptr<llvm::Module> makeModule(llvm::LLVMContext &context) {
  auto module = std::make_unique<llvm::Module>("host", context);
  llvm::IRBuilder<> b(context);
  llvm::Type *i64 = b.getInt64Ty();
  auto *function =
      llvm::Function::Create(llvm::FunctionType::get(i64, {i64}, false),
                             llvm::Function::ExternalLinkage, "host_sum", module.get());
  auto *entry = llvm::BasicBlock::Create(context, "entry", function);
  auto *loop = llvm::BasicBlock::Create(context, "loop", function);
  auto *done = llvm::BasicBlock::Create(context, "done", function);
  llvm::Value *n = function->getArg(0);
  b.SetInsertPoint(entry);
  b.CreateCondBr(b.CreateICmpSGT(n, b.getInt64(0)), loop, done);
  b.SetInsertPoint(loop);
  llvm::PHINode *i = b.CreatePHI(i64, 2), *sum = b.CreatePHI(i64, 2);
  llvm::Value *term = b.CreateAdd(b.CreateMul(i, b.getInt64(3)), b.getInt64(1));
  llvm::Value *next = b.CreateAdd(i, b.getInt64(1)), *total = b.CreateAdd(sum, term);
  i->addIncoming(b.getInt64(0), entry);
  i->addIncoming(next, loop);
  sum->addIncoming(b.getInt64(0), entry);
  sum->addIncoming(total, loop);
  b.CreateCondBr(b.CreateICmpSLT(next, n), loop, done);
  b.SetInsertPoint(done);
  llvm::PHINode *result = b.CreatePHI(i64, 2);
  result->addIncoming(b.getInt64(0), entry);
  result->addIncoming(total, loop);
  b.CreateRet(result);
  MUST(!llvm::verifyModule(*module, &llvm::errs()), "the host's module");
  return module;
}

static void optimise(llvm::Module &module) {
  llvm::PassBuilder builder;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

static void runLlvm() {
  unsigned major = 0, minor = 0, patch = 0;
  LLVMGetVersion(&major, &minor, &patch);
  MUST(major == LLVM_VERSION_MAJOR, "the host was built for LLVM %d, but calls %u",
       LLVM_VERSION_MAJOR, major);
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = makeModule(*context);
  optimise(*module);
  auto jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  llvm::cantFail(jit->addIRModule({std::move(module), std::move(context)}));
  auto sum = llvm::cantFail(jit->lookup("host_sum")).toPtr<int64_t(int64_t)>();
  for (int64_t n : {-1, 0, 1, 2, 1000})
    MUST(sum(n) == (n > 0 ? 3 * n * (n - 1) / 2 + n : 0), "sum(%d) is %d", int(n), int(sum(n)));
}

static void runMlir() {
  mlir::MLIRContext context;
  context.loadDialect<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                      mlir::func::FuncDialect, mlir::scf::SCFDialect>();
  // A function without a terminator is refused: the traits of ops are found.
  {
    mlir::ScopedDiagnosticHandler quiet(&context, [](mlir::Diagnostic &) {});
    auto broken = mlir::parseSourceString<mlir::ModuleOp>(
        "func.func @f() { %0 = arith.constant 1 : i32 }", &context);
    MUST(!broken, "MLIR takes a function without a terminator");
  }
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    func.func @f(%n: index) -> (i32, i32) {
      %a = arith.constant 6 : i32
      %b = arith.constant 7 : i32
      %c = arith.muli %a, %b : i32
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %sum = scf.for %i = %zero to %n step %one iter_args(%s = %a) -> i32 {
        %t = arith.addi %s, %b : i32
        scf.yield %t : i32
      }
      return %c, %sum : i32, i32
    })",
                                                        &context);
  MUST(module, "the host's MLIR");
  mlir::PassManager passes(&context);
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createConvertSCFToCFPass());
  MUST(mlir::succeeded(passes.run(*module)), "the host's passes");
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  stream.flush();
  MUST(text.find("constant 42") != std::string::npos && text.find("muli") == std::string::npos &&
           text.find("scf.for") == std::string::npos &&
           text.find("cf.cond_br") != std::string::npos,
       "%s", text.c_str());
}

extern "C" __attribute__((visibility("default"))) int part(const char *, const char *) {
  runLlvm();
  runMlir();
  printf("llvm %s\n", LLVM_VERSION_STRING);
  fflush(stdout);
  return 0;
}
