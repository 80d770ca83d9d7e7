// Stopping at any phase, printing, parsing and resuming gives the same LLVM IR,
// byte for byte.

// RUN: mlc-opt %s --mlc-to-llvm | mlir-translate --mlir-to-llvmir -o %t.once.ll
// RUN: mlc-opt %s --mlc-to-fused | mlc-opt --mlc-to-linalg | mlc-opt --mlc-to-buffers | mlc-opt --mlc-to-vector | mlc-opt --mlc-to-llvm | mlir-translate --mlir-to-llvmir -o %t.resumed.ll
// RUN: diff %t.once.ll %t.resumed.ll
// RUN: mlc-opt %s --mlc-to-linalg | mlc-opt --mlc-to-llvm | mlir-translate --mlir-to-llvmir | diff %t.once.ll -
// RUN: FileCheck %s --input-file %t.once.ll

// CHECK-DAG: define i32 @run(ptr
// CHECK-DAG: define i32 @prepare(ptr
// CHECK-DAG: define i64 @workspace_bytes(ptr
// CHECK-DAG: define i64 @prepare_workspace_bytes(ptr
// CHECK-NOT: declare {{.*}} @{{(malloc|free|memcpy|memset|expf|tanhf)}}

// A phase that the module has passed already is not repeated.
// RUN: mlc-opt %s --mlc-to-buffers | mlc-opt --mlc-to-linalg | FileCheck %s --check-prefix=PASSED
// PASSED: mlc.phase = "buffers"

module attributes {mlc.parameters = [["w", tensor<5x20xf32>], ["b", tensor<20xf32>]]} {
  func.func @main(%x: tensor<?x5xf32> {mlc.input = "x"}) -> (tensor<?x20xf32> {mlc.output = "y"}) attributes {mlc.dims = ["batch"]} {
    %w = mlc.parameter {parameter = "w"} : () -> tensor<5x20xf32>
    %b = mlc.parameter {parameter = "b"} : () -> tensor<20xf32>
    %0 = mlc.matmul %x, %w : (tensor<?x5xf32>, tensor<5x20xf32>) -> tensor<?x20xf32>
    %1 = mlc.broadcast %b {shape = array<i64: -1, 20>, axes = array<i64: 1>} : (tensor<20xf32>) -> tensor<?x20xf32>
    %2 = mlc.add %0, %1 : (tensor<?x20xf32>, tensor<?x20xf32>) -> tensor<?x20xf32>
    %3 = mlc.tanh %2 : (tensor<?x20xf32>) -> tensor<?x20xf32>
    %4 = mlc.softmax %3 {axis = 1 : i64} : (tensor<?x20xf32>) -> tensor<?x20xf32>
    func.return %4 : tensor<?x20xf32>
  }
}
