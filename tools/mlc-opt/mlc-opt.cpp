// mlc-opt: applies passes and pipelines to .mlir text, for people who develop
// passes.

#include "mlc/Pipelines/Pipelines.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlc::ir::registerDialects(registry);
  mlc::ir::registerPassesAndPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "mlc's pass driver\n", registry));
}
