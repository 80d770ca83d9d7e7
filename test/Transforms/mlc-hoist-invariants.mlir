// RUN: mlc-opt %s --split-input-file --mlc-hoist-invariants | FileCheck %s

// What every step computes alike is computed once; the weight itself is not passed
// any more. A splat constant is made inside.

// CHECK-LABEL: func.func @loop
// CHECK:         %[[W:.*]] = mlc.parameter {parameter = "w"}
// CHECK:         %[[E:.*]] = mlc.exp %[[W]]
// CHECK:         mlc.scan %{{.*}}, %{{.*}}, %[[E]] {carried = 1 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<3x4xf32>, tensor<4xf32>)
// CHECK-NEXT:    ^bb0(%[[S:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<4xf32>):
// CHECK-NEXT:      %[[C:.*]] = mlc.constant {value = dense<2.0
// CHECK-NEXT:      %[[A:.*]] = mlc.add %[[S]], %[[I]]
// CHECK-NEXT:      %[[B:.*]] = mlc.mul %[[A]], %[[C]]
// CHECK-NEXT:      %[[D:.*]] = mlc.sub %[[B]], %[[X]]
// CHECK-NEXT:      mlc.yield %[[D]]
module attributes {mlc.parameters = [["w", tensor<4xf32>]]} {
  func.func @loop(%h: tensor<4xf32>, %xs: tensor<3x4xf32>) -> tensor<4xf32> {
    %c = mlc.constant {value = dense<2.0> : tensor<4xf32>} : () -> tensor<4xf32>
    %r = mlc.scan %h, %xs, %c {carried = 1 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<3x4xf32>, tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%s: tensor<4xf32>, %x: tensor<4xf32>, %two: tensor<4xf32>):
      %w = mlc.parameter {parameter = "w"} : () -> tensor<4xf32>
      %e = mlc.exp %w : (tensor<4xf32>) -> tensor<4xf32>
      %a = mlc.add %s, %e : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %b = mlc.mul %a, %two : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %d = mlc.sub %b, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %d : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

// Of a branch only what parameters alone decide leaves its block. An operand that is
// given twice is given once.

// CHECK-LABEL: func.func @branch
// CHECK:         %[[W:.*]] = mlc.parameter
// CHECK-NEXT:    %[[N:.*]] = mlc.neg %[[W]]
// CHECK-NEXT:    mlc.if %{{.*}}, %{{.*}}, %[[N]] : (tensor<i1>, tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT:    ^bb0(%[[X:.*]]: tensor<4xf32>, %[[M:.*]]: tensor<4xf32>):
// CHECK-NEXT:      %[[T:.*]] = mlc.tanh %[[X]]
// CHECK-NEXT:      %[[A:.*]] = mlc.add %[[T]], %[[M]]
// CHECK-NEXT:      mlc.yield %[[A]]
// CHECK-NEXT:    }, {
// CHECK-NEXT:    ^bb0(%[[Y:.*]]: tensor<4xf32>, %{{.*}}: tensor<4xf32>):
// CHECK-NEXT:      mlc.yield %[[Y]]
module attributes {mlc.parameters = [["w", tensor<4xf32>]]} {
  func.func @branch(%p: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
    %r = mlc.if %p, %x, %x : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      %w = mlc.parameter {parameter = "w"} : () -> tensor<4xf32>
      %n = mlc.neg %w : (tensor<4xf32>) -> tensor<4xf32>
      %t = mlc.tanh %a : (tensor<4xf32>) -> tensor<4xf32>
      %s = mlc.add %t, %n : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %s : tensor<4xf32>
    }, {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
      mlc.yield %b : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

// What has an effect or may fail stays in its block, what it needs leaves.

// CHECK-LABEL: func.func @host
// CHECK:         %[[N:.*]] = mlc.neg
// CHECK:         mlc.scan
// CHECK-NEXT:    ^bb0(%[[X:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<4xf32>):
// CHECK-NEXT:      mlc.print %[[I]]
// CHECK-NEXT:      %[[F:.*]] = mlc.custom %[[I]]
// CHECK-NEXT:      %[[A:.*]] = mlc.add %[[X]], %[[F]]
// CHECK-NEXT:      mlc.yield %[[A]]
func.func @host(%xs: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3x4xf32> {
  %r = mlc.scan %xs, %y {carried = 0 : i64, sequences = 1 : i64} : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32> {
  ^bb0(%x: tensor<4xf32>, %same: tensor<4xf32>):
    %n = mlc.neg %same : (tensor<4xf32>) -> tensor<4xf32>
    mlc.print %n {label = "n"} : (tensor<4xf32>) -> ()
    %f = mlc.custom %n {function = "f", dtype = "f32", shape = array<i64: 4>} : (tensor<4xf32>) -> tensor<4xf32>
    %a = mlc.add %x, %f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    mlc.yield %a : tensor<4xf32>
  }
  return %r : tensor<3x4xf32>
}

// -----

// A take that is the same in every step is done once, but what ends the run when its
// indices do not exist stays where it may not be reached.

// CHECK-LABEL: func.func @indices
// CHECK-DAG:     %[[T:.*]] = mlc.take
// CHECK-DAG:     %[[R:.*]] = mlc.reduce
// CHECK:         mlc.scan %{{.*}}, %{{.*}}
// CHECK-NEXT:    ^bb0(
// CHECK-NEXT:      mlc.check
// CHECK-NEXT:      mlc.add
// CHECK-NEXT:      mlc.yield
func.func @indices(%h: tensor<4xf32>, %xs: tensor<3x4xf32>, %i: tensor<4xi32>) -> tensor<4xf32> {
  %r = mlc.scan %h, %xs, %h, %i {carried = 1 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<3x4xf32>, tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32> {
  ^bb0(%s: tensor<4xf32>, %x: tensor<4xf32>, %w: tensor<4xf32>, %j: tensor<4xi32>):
    %0 = mlc.reduce %j {kind = "min", axes = array<i64: 0>} : (tensor<4xi32>) -> tensor<i32>
    %p = mlc.cast %0 {dtype = "bool"} : (tensor<i32>) -> tensor<i1>
    mlc.check %p {message = "an index is 0"} : (tensor<i1>) -> ()
    %1 = mlc.take %w, %j {axis = 0 : i64} : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
    %2 = mlc.add %s, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    mlc.yield %2 : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
