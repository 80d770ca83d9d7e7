// RUN: mlc-opt %s --mlc-check-indices | FileCheck %s

// All indices are compared with both ends of the axis.

// CHECK-LABEL: func.func @rows
// CHECK-SAME:    (%[[X:.*]]: tensor<5x3xf32>, %[[I:.*]]: tensor<?x2xi32>)
// CHECK-NEXT:    %[[W:.*]] = mlc.cast %[[I]] {dtype = "i64"}
// CHECK-NEXT:    %[[MIN:.*]] = mlc.constant {value = dense<-5> : tensor<i64>}
// CHECK-NEXT:    %[[A:.*]] = mlc.broadcast %[[MIN]] {axes = array<i64>, shape = array<i64: -1, 2>}
// CHECK-NEXT:    %[[GE:.*]] = mlc.compare %[[W]], %[[A]] {direction = "ge"}
// CHECK-NEXT:    %[[END:.*]] = mlc.constant {value = dense<5> : tensor<i64>}
// CHECK-NEXT:    %[[B:.*]] = mlc.broadcast %[[END]]
// CHECK-NEXT:    %[[LT:.*]] = mlc.compare %[[W]], %[[B]] {direction = "lt"}
// CHECK-NEXT:    %[[IN:.*]] = mlc.logical_and %[[GE]], %[[LT]]
// CHECK-NEXT:    mlc.check %[[IN]] {message = "take: an index is not in [-5, 5)"}
// CHECK-NEXT:    mlc.take %[[X]], %[[I]]
func.func @rows(%x: tensor<5x3xf32>, %i: tensor<?x2xi32>) -> tensor<?x2x3xf32> attributes {mlc.dims = ["n"]} {
  %0 = mlc.take %x, %i {axis = 0 : i64} : (tensor<5x3xf32>, tensor<?x2xi32>) -> tensor<?x2x3xf32>
  return %0 : tensor<?x2x3xf32>
}

// Known indices are compared here and now; what does not exist ends the run.

// CHECK-LABEL: func.func @constants
// CHECK-NEXT:    mlc.constant
// CHECK-NEXT:    mlc.take
// CHECK-NEXT:    mlc.constant {value = dense<[2, 0]>
// CHECK:         mlc.check %{{.*}} {message = "take: an index is not in [-2, 2)"}
func.func @constants(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %i = mlc.constant {value = dense<[-2, 1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = mlc.take %x, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  %j = mlc.constant {value = dense<[2, 0]> : tensor<2xi64>} : () -> tensor<2xi64>
  %1 = mlc.take %x, %j {axis = 0 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// In the block of the take, where it may not run.

// CHECK-LABEL: func.func @block
// CHECK:         mlc.if
// CHECK-NOT:     }, {
// CHECK:         mlc.check
// CHECK-NEXT:    mlc.take
func.func @block(%p: tensor<i1>, %x: tensor<5xf32>, %i: tensor<i64>, %y: tensor<f32>) -> tensor<f32> {
  %0 = mlc.if %p, %x, %i, %y : (tensor<i1>, tensor<5xf32>, tensor<i64>, tensor<f32>) -> tensor<f32> {
  ^bb0(%a: tensor<5xf32>, %j: tensor<i64>, %b: tensor<f32>):
    %1 = mlc.take %a, %j {axis = 0 : i64} : (tensor<5xf32>, tensor<i64>) -> tensor<f32>
    mlc.yield %1 : tensor<f32>
  }, {
  ^bb0(%a: tensor<5xf32>, %j: tensor<i64>, %b: tensor<f32>):
    mlc.yield %b : tensor<f32>
  }
  return %0 : tensor<f32>
}
