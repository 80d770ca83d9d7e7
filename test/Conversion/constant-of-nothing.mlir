// RUN: mlc-opt --mlc-to-linalg %s | FileCheck %s

// A number that is broadcast to no elements becomes a constant without any. It has no value to
// take, but the kernel is made all the same.

// CHECK-LABEL: func.func private @kernel_0
// CHECK:         arith.constant 0.000000e+00 : f32
// CHECK:         mlc.attend
module attributes {mlc.parameters = []} {
  func.func @main(%q: tensor<0x65x17xf32> {mlc.input = "q"}, %v: tensor<0x64x64xf32> {mlc.input = "v"}) -> (tensor<0x65x64xf32> {mlc.output = "y"}) {
    %0 = mlc.constant {value = dense<3.875> : tensor<f32>} : () -> tensor<f32>
    %k = mlc.broadcast %0 {axes = array<i64>, shape = array<i64: 0, 64, 17>} : (tensor<f32>) -> tensor<0x64x17xf32>
    %1 = mlc.matmul %q, %k {transpose_b = true} : (tensor<0x65x17xf32>, tensor<0x64x17xf32>) -> tensor<0x65x64xf32>
    %2 = mlc.softmax %1 {axis = 2 : i64} : (tensor<0x65x64xf32>) -> tensor<0x65x64xf32>
    %3 = mlc.matmul %2, %v : (tensor<0x65x64xf32>, tensor<0x64x64xf32>) -> tensor<0x65x64xf32>
    func.return %3 : tensor<0x65x64xf32>
  }
}
