// mlc-opt: applies passes and pipelines to .mlir text, for people who develop
// passes.

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlc::ir::MLCDialect, mlir::func::FuncDialect>();
  mlc::ir::registerMLCGraphPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "mlc's pass driver\n", registry));
}
