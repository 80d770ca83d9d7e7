// mlc-lsp-server: editors' language server for .mlir text of the mlc dialect.

#include "mlc/Pipelines/Pipelines.h"

#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlc::ir::registerDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
