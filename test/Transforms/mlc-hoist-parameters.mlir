// RUN: mlc-opt %s --split-input-file --mlc-hoist-parameters | FileCheck %s

// What depends on weights alone moves; a bias is prepared before its broadcast,
// one that another prepared value needs is broadcast in @prepare.
// CHECK-LABEL: module
// CHECK: func.func @prepare(%[[W:.*]]: tensor<4x3xf32> {mlc.parameter = "w"}, %[[B:.*]]: tensor<3xf32> {mlc.parameter = "b"}, %{{.*}}: tensor<7xf32> {mlc.parameter = "unused"})
// CHECK-SAME: -> (tensor<4x3xf32> {mlc.prepared = 0 : i64}, tensor<3xf32> {mlc.prepared = 1 : i64})
// CHECK-NEXT: %[[L:.*]] = mlc.broadcast %[[B]] {axes = array<i64: 1>, shape = array<i64: 4, 3>}
// CHECK-NEXT: %[[S:.*]] = mlc.mul %[[W]], %[[L]]
// CHECK-NEXT: return %[[S]], %[[B]] :
// CHECK: func.func @run(%[[X:.*]]: tensor<?x4xf32> {mlc.input = "x"}, %[[P0:.*]]: tensor<4x3xf32> {mlc.prepared = 0 : i64}, %[[P1:.*]]: tensor<3xf32> {mlc.prepared = 1 : i64})
// CHECK-SAME: -> (tensor<?x3xf32> {mlc.output = "y"}) attributes {mlc.dims = ["batch"]}
// CHECK-NEXT: %[[M:.*]] = mlc.matmul %[[X]], %[[P0]]
// CHECK-NEXT: %[[Q:.*]] = mlc.broadcast %[[P1]] {axes = array<i64: 1>, shape = array<i64: -1, 3>}
// CHECK-NEXT: %[[R:.*]] = mlc.add %[[M]], %[[Q]]
// CHECK-NEXT: return %[[R]]
module attributes {mlc.parameters = [["w", tensor<4x3xf32>], ["b", tensor<3xf32>], ["unused", tensor<7xf32>]]} {
  func.func @model(%x: tensor<?x4xf32> {mlc.input = "x"}) -> (tensor<?x3xf32> {mlc.output = "y"}) attributes {mlc.dims = ["batch"]} {
    %w = mlc.parameter {parameter = "w"} : () -> tensor<4x3xf32>
    %b = mlc.parameter {parameter = "b"} : () -> tensor<3xf32>
    %0 = mlc.broadcast %b {axes = array<i64: 1>, shape = array<i64: 4, 3>} : (tensor<3xf32>) -> tensor<4x3xf32>
    %1 = mlc.mul %w, %0 : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
    %2 = mlc.matmul %x, %1 : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
    %3 = mlc.broadcast %b {axes = array<i64: 1>, shape = array<i64: -1, 3>} : (tensor<3xf32>) -> tensor<?x3xf32>
    %4 = mlc.add %2, %3 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
    return %4 : tensor<?x3xf32>
  }
}

// -----

// Splats and their broadcasts are made again in @run; other constants are prepared.
// CHECK-LABEL: module
// CHECK: func.func @prepare() -> (tensor<2xf32> {mlc.prepared = 0 : i64})
// CHECK-NEXT: %[[C:.*]] = mlc.constant {value = dense<[1.000000e+00, 2.000000e+00]>
// CHECK-NEXT: return %[[C]]
// CHECK: func.func @run(%[[X:.*]]: tensor<3x2xf32>, %[[P:.*]]: tensor<2xf32> {mlc.prepared = 0 : i64})
// CHECK-NEXT: %[[S:.*]] = mlc.constant {value = dense<5.000000e-01> : tensor<f32>}
// CHECK-NEXT: %[[B:.*]] = mlc.broadcast %[[S]]
// CHECK-NEXT: %[[A:.*]] = mlc.mul %[[X]], %[[B]]
// CHECK-NEXT: %[[D:.*]] = mlc.broadcast %[[P]]
// CHECK-NEXT: %[[R:.*]] = mlc.add %[[A]], %[[D]]
// CHECK-NEXT: %[[T:.*]] = mlc.sub %[[R]], %[[B]]
// CHECK-NEXT: return %[[T]]
func.func @constants(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %s = mlc.constant {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %c = mlc.constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %b = mlc.broadcast %s {axes = array<i64>, shape = array<i64: 3, 2>} : (tensor<f32>) -> tensor<3x2xf32>
  %d = mlc.broadcast %c {axes = array<i64: 1>, shape = array<i64: 3, 2>} : (tensor<2xf32>) -> tensor<3x2xf32>
  %0 = mlc.mul %x, %b : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = mlc.add %0, %d : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = mlc.sub %1, %b : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// -----

// Results may be inputs, weights, or values that depend on weights alone; equal
// ones are prepared once.
// CHECK-LABEL: module
// CHECK: func.func @prepare(%[[W:.*]]: tensor<2xf32> {mlc.parameter = "w"})
// CHECK-NEXT: %[[N:.*]] = mlc.neg %[[W]]
// CHECK-NEXT: return %[[W]], %[[N]] :
// CHECK: func.func @run(%[[X:.*]]: tensor<2xf32>, %[[P0:.*]]: tensor<2xf32> {mlc.prepared = 0 : i64}, %[[P1:.*]]: tensor<2xf32> {mlc.prepared = 1 : i64})
// CHECK-NEXT: return %[[X]], %[[P0]], %[[P1]], %[[P1]] :
module attributes {mlc.parameters = [["w", tensor<2xf32>]]} {
  func.func @results(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
    %w = mlc.parameter {parameter = "w"} : () -> tensor<2xf32>
    %n = mlc.neg %w : (tensor<2xf32>) -> tensor<2xf32>
    return %x, %w, %n, %n : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  }
}

// -----

// A branch on parameters that makes tensors of the symbolic size stays in @run, which
// knows it.
// CHECK-LABEL: module
// CHECK: func.func @prepare
// CHECK-NOT: mlc.if
// CHECK: func.func @run
// CHECK: mlc.if
// CHECK: mlc.broadcast
module attributes {mlc.parameters = [["p", tensor<i1>], ["w", tensor<2xf32>]]} {
  func.func @sized(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<i1>) attributes {mlc.dims = ["batch"]} {
    %p = mlc.parameter {parameter = "p"} : () -> tensor<i1>
    %w = mlc.parameter {parameter = "w"} : () -> tensor<2xf32>
    %r = mlc.if %p, %p, %w : (tensor<i1>, tensor<i1>, tensor<2xf32>) -> tensor<i1> {
    ^bb0(%q: tensor<i1>, %v: tensor<2xf32>):
      %b = mlc.broadcast %v {axes = array<i64: 1>, shape = array<i64: -1, 2>} : (tensor<2xf32>) -> tensor<?x2xf32>
      %s = mlc.scan %q, %b {carried = 1 : i64, sequences = 1 : i64} : (tensor<i1>, tensor<?x2xf32>) -> tensor<i1> {
      ^bb0(%c: tensor<i1>, %row: tensor<2xf32>):
        %n = mlc.logical_not %c : (tensor<i1>) -> tensor<i1>
        mlc.yield %n : tensor<i1>
      }
      mlc.yield %s : tensor<i1>
    }, {
    ^bb0(%q: tensor<i1>, %v: tensor<2xf32>):
      mlc.yield %q : tensor<i1>
    }
    return %x, %r : tensor<?x2xf32>, tensor<i1>
  }
}

// -----

// What is printed of parameters alone is printed by @run; a custom op on them is
// prepared, and so is no loop that prints.

// CHECK:       func.func @prepare(%[[W:.*]]: tensor<2x4xf32> {mlc.parameter = "w"})
// CHECK:         %[[F:.*]] = mlc.custom %[[W]]
// CHECK-NEXT:    return %[[F]], %[[W]]
// CHECK:       func.func @run
// CHECK:         mlc.print
// CHECK:         mlc.scan
// CHECK:           mlc.print
module attributes {mlc.parameters = [["w", tensor<2x4xf32>]]} {
  func.func @main() -> (tensor<2x4xf32> {mlc.output = "y"}) {
    %w = mlc.parameter {parameter = "w"} : () -> tensor<2x4xf32>
    %f = mlc.custom %w {function = "f", dtype = "f32", shape = array<i64: 2, 4>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
    mlc.print %f {label = "f"} : (tensor<2x4xf32>) -> ()
    %r = mlc.scan %w {carried = 0 : i64, sequences = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32> {
    ^bb0(%x: tensor<4xf32>):
      mlc.print %x {label = "x"} : (tensor<4xf32>) -> ()
      mlc.yield %x : tensor<4xf32>
    }
    return %r : tensor<2x4xf32>
  }
}
