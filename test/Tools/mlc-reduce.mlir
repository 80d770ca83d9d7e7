// mlc-reduce drops what the test script does not ask for.
// RUN: mlc-reduce %s --reduction-tree='traversal-mode=0 test=%S/Inputs/has-tanh.sh' | FileCheck %s
// CHECK-NOT: func.func @other
// CHECK: mlc.tanh
// CHECK-NOT: func.func @other
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @kept(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
