// The language server knows the dialect: its diagnostics are our verifiers'.
// RUN: mlc-lsp-server --lit-test < %S/Inputs/open-document.json 2>/dev/null | FileCheck %s
// CHECK: "method": "textDocument/publishDiagnostics"
// CHECK: "message": "exp [C2]: expected a float dtype, got bool"
// CHECK: "uri": "test:///broken.mlir"
