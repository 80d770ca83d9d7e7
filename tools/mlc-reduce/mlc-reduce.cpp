// mlc-reduce: shrinks .mlir text while a test script still finds it interesting.

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Reducer/Passes.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlc::ir::MLCDialect, mlir::func::FuncDialect>();
  mlc::ir::registerMLCGraphPasses();
  mlir::registerTransformsPasses();
  mlir::registerReducerPasses();
  mlir::MLIRContext context(registry);
  return failed(mlir::mlirReduceMain(argc, argv, context));
}
