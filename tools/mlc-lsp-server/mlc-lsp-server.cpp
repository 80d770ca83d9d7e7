// mlc-lsp-server: editors' language server for .mlir text of the mlc dialect.

#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlc::ir::MLCDialect, mlir::func::FuncDialect>();
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
