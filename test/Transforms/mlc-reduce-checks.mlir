// RUN: mlc-opt %s --mlc-reduce-checks | FileCheck %s

// A check of many bools asks whether the least of them, as a number, is not 0. The
// symbolic dimension is reduced by itself.

// CHECK-LABEL: func.func @many
// CHECK-SAME:    (%[[C:.*]]: tensor<?x3xi1>)
// CHECK-NEXT:    %[[N:.*]] = mlc.cast %[[C]] {dtype = "i32"} : (tensor<?x3xi1>) -> tensor<?x3xi32>
// CHECK-NEXT:    %[[R:.*]] = mlc.reduce %[[N]] {axes = array<i64: 1>, kind = "min"} : (tensor<?x3xi32>) -> tensor<?xi32>
// CHECK-NEXT:    %[[M:.*]] = mlc.reduce %[[R]] {axes = array<i64: 0>, kind = "min"} : (tensor<?xi32>) -> tensor<i32>
// CHECK-NEXT:    %[[A:.*]] = mlc.cast %[[M]] {dtype = "bool"} : (tensor<i32>) -> tensor<i1>
// CHECK-NEXT:    mlc.check %[[A]] {message = "sorted"} : (tensor<i1>) -> ()
func.func @many(%c: tensor<?x3xi1>) attributes {mlc.dims = ["n"]} {
  mlc.check %c {message = "sorted"} : (tensor<?x3xi1>) -> ()
  return
}

// CHECK-LABEL: func.func @known
// CHECK:         mlc.reduce %{{.*}} {axes = array<i64: 0, 1>, kind = "min"} : (tensor<2x3xi32>) -> tensor<i32>
func.func @known(%c: tensor<2x3xi1>) {
  mlc.check %c {message = "sorted"} : (tensor<2x3xi1>) -> ()
  return
}

// One bool is what it is, in a block too.

// CHECK-LABEL: func.func @one
// CHECK-SAME:    (%[[C:.*]]: tensor<i1>, %[[X:.*]]: tensor<2xi1>)
// CHECK-NEXT:    mlc.check %[[C]]
// CHECK:         ^bb0(%[[E:.*]]: tensor<i1>):
// CHECK-NEXT:      mlc.check %[[E]]
// CHECK-NEXT:      mlc.yield %[[E]]
func.func @one(%c: tensor<i1>, %x: tensor<2xi1>) -> tensor<2xi1> {
  mlc.check %c {message = "one"} : (tensor<i1>) -> ()
  %r = mlc.scan %x {carried = 0 : i64, sequences = 1 : i64} : (tensor<2xi1>) -> tensor<2xi1> {
  ^bb0(%e: tensor<i1>):
    mlc.check %e {message = "each"} : (tensor<i1>) -> ()
    mlc.yield %e : tensor<i1>
  }
  return %r : tensor<2xi1>
}
