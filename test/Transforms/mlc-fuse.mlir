// RUN: mlc-opt %s --mlc-fuse | FileCheck %s
// RUN: mlc-opt %s --mlc-fuse=fuse=false | FileCheck %s --check-prefix=SINGLE
// RUN: mlc-opt %s --mlc-fuse=max-ops=2 | FileCheck %s --check-prefix=FULL

// A contraction takes bias, activation and what else feeds its epilogue; a value
// with users in two groups ends its own; a broadcast is repeated in both.
// CHECK-LABEL: func.func @epilogue
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<1x4x3xf32>, %[[B:.*]]: tensor<3xf32>, %[[R:.*]]: tensor<?x3xf32>)
// CHECK-NEXT: %[[F0:.*]] = mlc.fusion "contraction" (%[[X0:.*]] = %[[X]], %[[W0:.*]] = %[[W]], %[[B0:.*]] = %[[B]]) : {{.*}} reason "result has several users" {
// CHECK-NEXT: %[[M:.*]] = mlc.packed_matmul %[[X0]], %[[W0]]
// CHECK-NEXT: %[[BB:.*]] = mlc.broadcast %[[B0]]
// CHECK-NEXT: %[[A:.*]] = mlc.add %[[M]], %[[BB]]
// CHECK-NEXT: mlc.yield %[[A]]
// CHECK: %[[F1:.*]] = mlc.fusion "elementwise" (%[[R1:.*]] = %[[R]], %[[A1:.*]] = %[[F0]]) : {{.*}} reason "function result" {
// CHECK-NEXT: %[[E:.*]] = mlc.exp %[[R1]]
// CHECK-NEXT: %[[P:.*]] = mlc.mul %[[A1]], %[[E]]
// CHECK-NEXT: mlc.yield %[[P]]
// CHECK: %[[F2:.*]] = mlc.fusion "elementwise" (%[[B2:.*]] = %[[B]], %[[A2:.*]] = %[[F0]]) : {{.*}} reason "function result" {
// CHECK-NEXT: %[[BB2:.*]] = mlc.broadcast %[[B2]]
// CHECK-NEXT: mlc.sub %[[A2]], %[[BB2]]
// CHECK: return %[[F1]], %[[F2]]

// SINGLE-LABEL: func.func @epilogue
// SINGLE-COUNT-6: reason "{{fusion is off|result has several users|function result}}" {
// SINGLE-NEXT: mlc.sub
// SINGLE-NEXT: mlc.yield
// SINGLE-NEXT: }
// SINGLE-NEXT: return
func.func @epilogue(%x: tensor<?x4xf32>, %w: tensor<1x4x3xf32>, %b: tensor<3xf32>, %r: tensor<?x3xf32>)
    -> (tensor<?x3xf32>, tensor<?x3xf32>) attributes {mlc.dims = ["batch"]} {
  %0 = mlc.packed_matmul %x, %w : (tensor<?x4xf32>, tensor<1x4x3xf32>) -> tensor<?x3xf32>
  %1 = mlc.broadcast %b {axes = array<i64: 1>, shape = array<i64: -1, 3>} : (tensor<3xf32>) -> tensor<?x3xf32>
  %2 = mlc.add %0, %1 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %3 = mlc.exp %r : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %4 = mlc.mul %2, %3 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %5 = mlc.sub %2, %1 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return %4, %5 : tensor<?x3xf32>, tensor<?x3xf32>
}

// A value with several users joins when all are in one group; splats are copied in.
// CHECK-LABEL: func.func @diamond
// CHECK-NEXT: mlc.fusion "elementwise" (%[[X:.*]] = %{{.*}}) : (tensor<8xf32>) -> tensor<8xf32> reason "function result" {
// CHECK-NEXT: %[[C:.*]] = mlc.constant {value = dense<2.000000e+00> : tensor<f32>}
// CHECK-NEXT: %[[B:.*]] = mlc.broadcast %[[C]]
// CHECK-NEXT: %[[N:.*]] = mlc.neg %[[X]]
// CHECK-NEXT: %[[M:.*]] = mlc.mul %[[N]], %[[B]]
// CHECK-NEXT: %[[L:.*]] = mlc.compare %[[N]], %[[B]]
// CHECK-NEXT: %[[S:.*]] = mlc.select %[[L]], %[[M]], %[[N]]
// CHECK-NEXT: mlc.yield %[[S]]
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @diamond(%x: tensor<8xf32>) -> tensor<8xf32> {
  %c = mlc.constant {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %b = mlc.broadcast %c {axes = array<i64>, shape = array<i64: 8>} : (tensor<f32>) -> tensor<8xf32>
  %0 = mlc.neg %x : (tensor<8xf32>) -> tensor<8xf32>
  %1 = mlc.mul %0, %b : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = mlc.compare %0, %b {direction = "lt"} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xi1>
  %3 = mlc.select %2, %1, %0 : (tensor<8xi1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %3 : tensor<8xf32>
}

// Element-wise producers join their reduction, which joins what is computed per row.
// CHECK-LABEL: func.func @reduction
// CHECK-NEXT: mlc.fusion "reduction" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.broadcast
// CHECK-NEXT: mlc.sub
// CHECK-NEXT: mlc.mul
// CHECK-NEXT: mlc.reduce
// CHECK-NEXT: mlc.sqrt
// CHECK-NEXT: mlc.yield
func.func @reduction(%x: tensor<8x4xf32>, %m: tensor<8xf32>) -> tensor<8xf32> {
  %b = mlc.broadcast %m {axes = array<i64: 0>, shape = array<i64: 8, 4>} : (tensor<8xf32>) -> tensor<8x4xf32>
  %0 = mlc.sub %x, %b : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %1 = mlc.mul %0, %0 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %2 = mlc.reduce %1 {kind = "sum", axes = array<i64: 1>} : (tensor<8x4xf32>) -> tensor<8xf32>
  %3 = mlc.sqrt %2 : (tensor<8xf32>) -> tensor<8xf32>
  return %3 : tensor<8xf32>
}

// Several reductions of the same rows, with what is computed of the rows and per row.
// CHECK-LABEL: func.func @norm
// CHECK-NEXT: mlc.fusion "reduction" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.reduce {{.*}} kind = "mean"
// CHECK: mlc.sub
// CHECK: mlc.reduce {{.*}} kind = "mean"
// CHECK: mlc.rsqrt
// CHECK: mlc.yield
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @norm(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {mlc.dims = ["batch"]} {
  %0 = mlc.reduce %x {kind = "mean", axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?xf32>
  %1 = mlc.broadcast %0 {axes = array<i64: 0>, shape = array<i64: -1, 4>} : (tensor<?xf32>) -> tensor<?x4xf32>
  %2 = mlc.sub %x, %1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = mlc.mul %2, %2 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = mlc.reduce %3 {kind = "mean", axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?xf32>
  %c = mlc.constant {value = dense<1.0e-5> : tensor<f32>} : () -> tensor<f32>
  %e = mlc.broadcast %c {axes = array<i64>, shape = array<i64: -1>} : (tensor<f32>) -> tensor<?xf32>
  %5 = mlc.add %4, %e : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %6 = mlc.rsqrt %5 : (tensor<?xf32>) -> tensor<?xf32>
  %7 = mlc.broadcast %6 {axes = array<i64: 0>, shape = array<i64: -1, 4>} : (tensor<?xf32>) -> tensor<?x4xf32>
  %8 = mlc.mul %2, %7 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %8 : tensor<?x4xf32>
}

// Reductions of other rows stay in kernels of their own.
// CHECK-LABEL: func.func @other_rows
// CHECK-NEXT: mlc.fusion "reduction" {{.*}} reason "reduces other rows" {
// CHECK-NEXT: mlc.reduce
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "elementwise" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.broadcast
// CHECK-NEXT: mlc.sub
// CHECK-NEXT: mlc.yield
func.func @other_rows(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = mlc.reduce %x {kind = "max", axes = array<i64: 0>} : (tensor<8x4xf32>) -> tensor<4xf32>
  %1 = mlc.broadcast %0 {axes = array<i64: 1>, shape = array<i64: 8, 4>} : (tensor<4xf32>) -> tensor<8x4xf32>
  %2 = mlc.sub %x, %1 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %2 : tensor<8x4xf32>
}

// Slices are read where they lie, by every group that uses them; not so one whose
// elements are apart.
// CHECK-LABEL: func.func @slices
// CHECK-NEXT: mlc.fusion "contraction" {{.*}} reason "result has several users" {
// CHECK: mlc.fusion "data" {{.*}} reason "data movement stays alone" {
// CHECK-NEXT: mlc.slice {{.*}}strides = array<i64: 2>
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "elementwise" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.slice
// CHECK-NEXT: mlc.slice
// CHECK-NEXT: mlc.mul
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "elementwise" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.slice
// CHECK-NEXT: mlc.add
// CHECK-NEXT: mlc.yield
func.func @slices(%x: tensor<2x3xf32>, %w: tensor<3x8xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = mlc.matmul %x, %w : (tensor<2x3xf32>, tensor<3x8xf32>) -> tensor<2x8xf32>
  %1 = mlc.slice %0 {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 4>, strides = array<i64: 1>} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %2 = mlc.slice %0 {axes = array<i64: 1>, starts = array<i64: 4>, limits = array<i64: 8>, strides = array<i64: 1>} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %3 = mlc.slice %0 {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 8>, strides = array<i64: 2>} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %4 = mlc.mul %1, %2 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = mlc.add %2, %3 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %4, %5 : tensor<2x4xf32>, tensor<2x4xf32>
}

// Every reason to stop.
// CHECK-LABEL: func.func @chain
// CHECK: mlc.fusion "elementwise" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.neg
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "contraction" {{.*}} reason "consumer is a contraction" {
// CHECK-NEXT: mlc.matmul
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "contraction" {{.*}} reason "consumer has a contraction already" {
// CHECK-NEXT: mlc.matmul
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "contraction" {{.*}} reason "consumer is a softmax" {
// CHECK-NEXT: mlc.matmul
// CHECK-NEXT: mlc.add
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "softmax" {{.*}} reason "softmax stays alone" {
// CHECK-NEXT: mlc.softmax
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "data" {{.*}} reason "data movement stays alone" {
// CHECK-NEXT: mlc.transpose
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "elementwise" {{.*}} reason "consumer moves data" {
// CHECK-NEXT: mlc.exp
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "data" {{.*}} reason "function result" {
// CHECK-NEXT: mlc.reshape
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "elementwise" {{.*}} reason "result is unused" {
// CHECK-NEXT: mlc.exp
// CHECK-NEXT: mlc.yield
func.func @chain(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> (tensor<16xf32>, tensor<4x4xf32>) {
  %0 = mlc.neg %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = mlc.matmul %0, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = mlc.matmul %x, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = mlc.matmul %y, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = mlc.add %2, %3 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = mlc.softmax %4 {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %6 = mlc.transpose %5 {permutation = array<i64: 1, 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %7 = mlc.exp %6 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %8 = mlc.reshape %7 {shape = array<i64: 16>} : (tensor<4x4xf32>) -> tensor<16xf32>
  %9 = mlc.exp %y : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %8, %0 : tensor<16xf32>, tensor<4x4xf32>
}

// An epilogue may read what the contraction reads, but not compute it.
// CHECK-LABEL: func.func @own_operand
// CHECK-NEXT: %[[N:.*]] = mlc.fusion "elementwise" {{.*}} reason "consumer is a contraction" {
// CHECK-NEXT: mlc.neg
// CHECK: mlc.fusion "contraction" (%[[A:.*]] = %[[N]], %[[B:.*]] = %{{.*}}) :
// CHECK-NEXT: %[[M:.*]] = mlc.matmul %[[A]], %[[B]]
// CHECK-NEXT: mlc.add %[[M]], %[[A]]
func.func @own_operand(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = mlc.neg %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = mlc.matmul %0, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = mlc.add %1, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2 : tensor<4x4xf32>
}

// A broadcast is written out for consumers that cannot repeat it, and only for them.
// CHECK-LABEL: func.func @broadcasts
// CHECK: %[[E:.*]] = mlc.fusion "elementwise" {{.*}} reason "result has several users" {
// CHECK-NEXT: mlc.exp
// CHECK: %[[B:.*]] = mlc.fusion "elementwise" (%{{.*}} = %[[E]]) : {{.*}} reason "consumer moves data" {
// CHECK-NEXT: mlc.broadcast
// CHECK-NEXT: mlc.yield
// CHECK: mlc.fusion "elementwise" (%{{.*}} = %[[E]]) :
// CHECK-NEXT: mlc.broadcast
// CHECK-NEXT: mlc.neg
// CHECK: mlc.fusion "data" (%{{.*}} = %[[B]]) :
// CHECK-NEXT: mlc.reshape
// CHECK: mlc.fusion "elementwise" (%{{.*}} = %[[E]]) :
// CHECK-NEXT: mlc.broadcast
// CHECK-NEXT: mlc.abs
func.func @broadcasts(%x: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<6xf32>, tensor<2x3xf32>) {
  %s = mlc.exp %x : (tensor<3xf32>) -> tensor<3xf32>
  %b = mlc.broadcast %s {axes = array<i64: 1>, shape = array<i64: 2, 3>} : (tensor<3xf32>) -> tensor<2x3xf32>
  %0 = mlc.neg %b : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = mlc.reshape %b {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %2 = mlc.abs %b : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<6xf32>, tensor<2x3xf32>
}

// Constants that are not splats, and splats that are results, stand alone.
// CHECK-LABEL: func.func @constants
// CHECK-NEXT: %[[C:.*]] = mlc.fusion "data" () : () -> tensor<2xf32> reason "data movement stays alone" {
// CHECK-NEXT: mlc.constant
// CHECK: %[[S:.*]] = mlc.fusion "data" () : () -> tensor<2xf32> reason "function result" {
// CHECK-NEXT: mlc.constant
// CHECK: %[[A:.*]] = mlc.fusion "elementwise" (%{{.*}} = %{{.*}}, %{{.*}} = %[[C]]) :
// CHECK: %[[J:.*]] = mlc.fusion "data" (%{{.*}} = %{{.*}}, %{{.*}} = %[[S]]) :
// CHECK: return %[[A]], %[[S]], %[[J]] :
func.func @constants(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<4xf32>) {
  %c = mlc.constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %s = mlc.constant {value = dense<3.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %0 = mlc.add %x, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = mlc.concat %x, %s {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return %0, %s, %1 : tensor<2xf32>, tensor<2xf32>, tensor<4xf32>
}

// A group of the largest size says so.
// FULL-LABEL: func.func @long
// FULL: mlc.fusion "elementwise" {{.*}} reason "group is full" {
// FULL-NEXT: mlc.neg
// FULL-NEXT: mlc.yield
// FULL: mlc.fusion "elementwise" {{.*}} reason "function result" {
// FULL-NEXT: mlc.exp
// FULL-NEXT: mlc.abs
// FULL-NEXT: mlc.yield

// SINGLE-LABEL: func.func @long
// SINGLE-COUNT-3: mlc.fusion "elementwise" (%{{.*}} = %{{.*}}) :
// SINGLE: return
func.func @long(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = mlc.abs %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// Shapes that differ, and users that are no group.
// CHECK-LABEL: func.func @shapes
// CHECK: mlc.fusion "elementwise" {{.*}} reason "different shape" {
// CHECK-NEXT: mlc.exp
// CHECK: mlc.fusion "elementwise" {{.*}} reason "consumer is not grouped" {
// CHECK-NEXT: mlc.broadcast
// CHECK-NEXT: mlc.neg
// CHECK: mlc.call
func.func @shapes(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %0 = mlc.exp %x : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %1 = mlc.broadcast %0 {axes = array<i64: 0, 1>, shape = array<i64: 3, 4>} : (tensor<1x4xf32>) -> tensor<3x4xf32>
  %2 = mlc.neg %1 : (tensor<3x4xf32>) -> tensor<3x4xf32>
  mlc.call %2 {callee = "sink"} : (tensor<3x4xf32>) -> ()
  return %x : tensor<1x4xf32>
}
func.func @sink(%x: tensor<3x4xf32>) {
  return
}

// -----

// What the host does is in no group, and ends those that it takes from.

// CHECK-LABEL: func.func @host
// CHECK:         %[[A:.*]] = mlc.fusion "elementwise" {{.*}} reason "consumer is not grouped"
// CHECK:         mlc.print %[[A]]
// CHECK-NEXT:    %[[F:.*]] = mlc.custom %[[A]]
// CHECK-NEXT:    %[[R:.*]] = mlc.fusion "elementwise" (%{{.*}} = %[[F]])
func.func @host(%x: tensor<4xf32>) -> tensor<4xf32> {
  %n = mlc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %a = mlc.abs %n : (tensor<4xf32>) -> tensor<4xf32>
  mlc.print %a {label = "a"} : (tensor<4xf32>) -> ()
  %f = mlc.custom %a {function = "f", dtype = "f32", shape = array<i64: 4>} : (tensor<4xf32>) -> tensor<4xf32>
  %r = mlc.exp %f : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// Nothing joins what reduces the symbolic dimension: its operand tells the size.

// CHECK-LABEL: func.func @symbolic_reduction
// CHECK:         %[[N:.*]] = mlc.fusion "elementwise" {{.*}} -> tensor<?xi32> reason "consumer reduces the symbolic dimension"
// CHECK:         mlc.fusion "reduction" (%{{.*}} = %[[N]]) : (tensor<?xi32>) -> tensor<i32>
func.func @symbolic_reduction(%c: tensor<?xi1>, %x: tensor<i32>) -> tensor<i32> attributes {mlc.dims = ["n"]} {
  %b = mlc.broadcast %x {shape = array<i64: -1>, axes = array<i64>} : (tensor<i32>) -> tensor<?xi32>
  %n = mlc.neg %b : (tensor<?xi32>) -> tensor<?xi32>
  %r = mlc.reduce %n {kind = "min", axes = array<i64: 0>} : (tensor<?xi32>) -> tensor<i32>
  return %r : tensor<i32>
}
