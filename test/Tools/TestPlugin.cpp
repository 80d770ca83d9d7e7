// A pass plugin for mlc-opt --load-pass-plugin: counts the ops of a function.

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

namespace {

struct CountOpsPass
    : mlir::PassWrapper<CountOpsPass, mlir::InterfacePass<mlir::FunctionOpInterface>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CountOpsPass)
  llvm::StringRef getArgument() const override { return "test-count-ops"; }
  void runOnOperation() override {
    auto &ops = getOperation().getFunctionBody().front().getOperations();
    getOperation().emitRemark() << ops.size() << " ops";
  }
};

} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "mlc-test-plugin", "1",
          [] { mlir::PassRegistration<CountOpsPass>(); }};
}
