// RUN: mlc-opt %s --split-input-file --mlc-inline-calls | FileCheck %s
// RUN: mlc-opt %s --split-input-file --mlc-inline-calls=entry=add | FileCheck %s --check-prefix=ENTRY

// Functions that call functions; the first one stays.
// CHECK-LABEL: func.func @fancy
// CHECK-SAME: (%[[A:.*]]: tensor<4xf32> {mlc.input = "a"}, %[[B:.*]]: tensor<4xf32> {mlc.input = "b"})
// CHECK-NEXT: %[[S:.*]] = mlc.add %[[A]], %[[B]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %[[T:.*]] = mlc.add %[[B]], %[[A]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %[[U:.*]] = mlc.add %[[S]], %[[T]] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %[[U]]
// CHECK-NOT: func.func

// ENTRY-NOT: @fancy
// ENTRY: func.func @add
// ENTRY-NOT: @both
func.func @fancy(%a: tensor<4xf32> {mlc.input = "a"}, %b: tensor<4xf32> {mlc.input = "b"}) -> tensor<4xf32> {
  %0 = mlc.call %a, %b {callee = "both"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @both(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.call %a, %b {callee = "add"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.call %b, %a {callee = "add"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = mlc.call %0, %1 {callee = "add"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
func.func @add(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A callee's symbolic dimension takes the size at the call, in nested calls too.
// CHECK-LABEL: func.func @static
// CHECK-NEXT: %[[B:.*]] = mlc.broadcast %{{.*}} {axes = array<i64: 1>, shape = array<i64: 3, 2>} : (tensor<2xf32>) -> tensor<3x2xf32>
// CHECK-NEXT: mlc.add %{{.*}}, %[[B]] : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
// CHECK-NEXT: return
func.func @static(%x: tensor<3x2xf32>, %b: tensor<2xf32>) -> tensor<3x2xf32> {
  %0 = mlc.call %x, %b {callee = "outer"} : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
func.func @outer(%x: tensor<?x2xf32>, %b: tensor<2xf32>) -> tensor<?x2xf32> attributes {mlc.dims = ["n"]} {
  %0 = mlc.call %x, %b {callee = "add"} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}
func.func @add(%x: tensor<?x2xf32>, %b: tensor<2xf32>) -> tensor<?x2xf32> attributes {mlc.dims = ["m"]} {
  %0 = mlc.broadcast %b {shape = array<i64: -1, 2>, axes = array<i64: 1>} : (tensor<2xf32>) -> tensor<?x2xf32>
  %1 = mlc.add %x, %0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// A callee that returns its argument, another caller's symbolic dimension, and a
// call without results.
// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: (%[[X:.*]]: tensor<?x2xf32>)
// CHECK-NEXT: %[[N:.*]] = mlc.neg %[[X]] : (tensor<?x2xf32>) -> tensor<?x2xf32>
// CHECK-NEXT: return %[[X]], %[[N]]
func.func @dynamic(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) attributes {mlc.dims = ["batch"]} {
  mlc.call {callee = "add"} : () -> ()
  %0:2 = mlc.call %x {callee = "two"} : (tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>)
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xf32>
}
func.func @two(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) attributes {mlc.dims = ["n"]} {
  %0 = mlc.neg %x : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return %x, %0 : tensor<?x2xf32>, tensor<?x2xf32>
}
func.func @add() {
  return
}
