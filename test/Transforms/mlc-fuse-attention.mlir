// RUN: mlc-opt %s --mlc-fuse-attention=min-rows=4 | FileCheck %s
// RUN: mlc-opt %s --mlc-fuse-attention=min-rows=8 | FileCheck %s --check-prefix=FEWER
// RUN: mlc-opt %s --mlc-fuse-attention="min-rows=4 max-ops=3" | FileCheck %s --check-prefix=LESS

// CHECK-LABEL: func.func @plain
// CHECK-SAME: (%[[Q:.*]]: tensor<2x4x3xf32>, %[[K:.*]]: tensor<2x5x3xf32>, %[[V:.*]]: tensor<2x5x7xf32>)
// CHECK-NEXT: %[[F:.*]] = mlc.fusion "attention" (%[[A:.*]] = %[[Q]], %[[B:.*]] = %[[K]], %[[C:.*]] = %[[V]]) : {{.*}} -> tensor<2x4x7xf32> reason "attention stays alone" {
// CHECK-NEXT: %[[S:.*]] = mlc.matmul %[[A]], %[[B]] {transpose_b = true}
// CHECK-NEXT: %[[W:.*]] = mlc.softmax %[[S]] {axis = 2 : i64}
// CHECK-NEXT: %[[R:.*]] = mlc.matmul %[[W]], %[[C]]
// CHECK-NEXT: mlc.yield %[[R]]
// CHECK-NEXT: }
// CHECK-NEXT: return %[[F]]

// FEWER-LABEL: func.func @plain
// FEWER-NOT: mlc.fusion
// FEWER-LABEL: func.func @scaled_and_masked
func.func @plain(%q: tensor<2x4x3xf32>, %k: tensor<2x5x3xf32>, %v: tensor<2x5x7xf32>) -> tensor<2x4x7xf32> {
  %0 = mlc.matmul %q, %k {transpose_b = true} : (tensor<2x4x3xf32>, tensor<2x5x3xf32>) -> tensor<2x4x5xf32>
  %1 = mlc.softmax %0 {axis = 2 : i64} : (tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %2 = mlc.matmul %1, %v : (tensor<2x4x5xf32>, tensor<2x5x7xf32>) -> tensor<2x4x7xf32>
  return %2 : tensor<2x4x7xf32>
}

// A scale, a bias, a mask and its complement, which is used twice; constants and broadcasts
// become the group's own. Of any number of rows. A group with fewer ops does not do.
// CHECK-LABEL: func.func @scaled_and_masked
// CHECK-SAME: (%[[Q:.*]]: tensor<?x3xf32>, %[[K:.*]]: tensor<3x5xf32>, %[[V:.*]]: tensor<5x7xf32>, %[[B:.*]]: tensor<5xf32>, %[[M:.*]]: tensor<?x5xi1>)
// CHECK: mlc.fusion "attention" (%[[Q0:.*]] = %[[Q]], %[[K0:.*]] = %[[K]], %[[B0:.*]] = %[[B]], %[[M0:.*]] = %[[M]], %[[V0:.*]] = %[[V]])
// CHECK-NEXT: %[[S:.*]] = mlc.matmul %[[Q0]], %[[K0]]
// CHECK-NEXT: %[[C:.*]] = mlc.constant
// CHECK-NEXT: %[[CC:.*]] = mlc.broadcast %[[C]]
// CHECK-NEXT: %[[D:.*]] = mlc.div %[[S]], %[[CC]]
// CHECK-NEXT: %[[BB:.*]] = mlc.broadcast %[[B0]]
// CHECK-NEXT: %[[A:.*]] = mlc.add %[[D]], %[[BB]]
// CHECK-NEXT: %[[N:.*]] = mlc.logical_not %[[M0]]
// CHECK-NEXT: %[[I:.*]] = mlc.constant
// CHECK-NEXT: %[[II:.*]] = mlc.broadcast %[[I]]
// CHECK-NEXT: %[[E:.*]] = mlc.select %[[N]], %[[A]], %[[II]]
// CHECK-NEXT: %[[G:.*]] = mlc.select %[[N]], %[[E]], %[[A]]
// CHECK-NEXT: mlc.softmax %[[G]]
// CHECK-NEXT: mlc.matmul
// CHECK-NEXT: mlc.yield

// FEWER: mlc.fusion "attention"
// LESS-LABEL: func.func @scaled_and_masked
// LESS-NOT: mlc.fusion
// LESS-LABEL: func.func @scores_used_twice
func.func @scaled_and_masked(%q: tensor<?x3xf32>, %k: tensor<3x5xf32>, %v: tensor<5x7xf32>, %b: tensor<5xf32>, %m: tensor<?x5xi1>)
    -> (tensor<?x7xf32>, tensor<?x5xf32>) attributes {mlc.dims = ["rows"]} {
  %c = mlc.constant {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %i = mlc.constant {value = dense<0xFF800000> : tensor<f32>} : () -> tensor<f32>
  %0 = mlc.matmul %q, %k : (tensor<?x3xf32>, tensor<3x5xf32>) -> tensor<?x5xf32>
  %1 = mlc.broadcast %c {axes = array<i64>, shape = array<i64: -1, 5>} : (tensor<f32>) -> tensor<?x5xf32>
  %2 = mlc.div %0, %1 : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  %3 = mlc.broadcast %b {axes = array<i64: 1>, shape = array<i64: -1, 5>} : (tensor<5xf32>) -> tensor<?x5xf32>
  %4 = mlc.add %2, %3 : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  %5 = mlc.logical_not %m : (tensor<?x5xi1>) -> tensor<?x5xi1>
  %6 = mlc.broadcast %i {axes = array<i64>, shape = array<i64: -1, 5>} : (tensor<f32>) -> tensor<?x5xf32>
  %7 = mlc.select %5, %4, %6 : (tensor<?x5xi1>, tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  %8 = mlc.select %5, %7, %4 : (tensor<?x5xi1>, tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  %9 = mlc.softmax %8 {axis = 1 : i64} : (tensor<?x5xf32>) -> tensor<?x5xf32>
  %10 = mlc.matmul %9, %v : (tensor<?x5xf32>, tensor<5x7xf32>) -> tensor<?x7xf32>
  return %10, %3 : tensor<?x7xf32>, tensor<?x5xf32>
}

// CHECK-LABEL: func.func @scores_used_twice
// CHECK-NOT: mlc.fusion
func.func @scores_used_twice(%q: tensor<4x3xf32>, %k: tensor<3x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = mlc.matmul %q, %k : (tensor<4x3xf32>, tensor<3x4xf32>) -> tensor<4x4xf32>
  %1 = mlc.neg %0 : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = mlc.softmax %1 {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = mlc.matmul %2, %k {transpose_b = true} : (tensor<4x4xf32>, tensor<3x4xf32>) -> tensor<4x3xf32>
  %4 = mlc.matmul %2, %1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  // The values are scores, too.
  %5 = mlc.matmul %k, %q : (tensor<3x4xf32>, tensor<4x3xf32>) -> tensor<3x3xf32>
  %6 = mlc.softmax %0 {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %7 = mlc.matmul %6, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %4, %7 : tensor<4x4xf32>, tensor<4x4xf32>
}

// CHECK-LABEL: func.func @other_rows
// CHECK-NOT: mlc.fusion
func.func @other_rows(%q: tensor<4x3xf32>, %k: tensor<3x5xf32>, %v: tensor<5x7xf32>) -> tensor<4x7xf32> {
  %0 = mlc.matmul %q, %k : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  %1 = mlc.softmax %0 {axis = 0 : i64} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %2 = mlc.matmul %1, %v : (tensor<4x5xf32>, tensor<5x7xf32>) -> tensor<4x7xf32>
  return %2 : tensor<4x7xf32>
}

// CHECK-LABEL: func.func @weights_transposed
// CHECK-NOT: mlc.fusion
func.func @weights_transposed(%q: tensor<4x3xf32>, %k: tensor<3x4xf32>, %v: tensor<4x7xf32>) -> tensor<4x7xf32> {
  %0 = mlc.matmul %q, %k : (tensor<4x3xf32>, tensor<3x4xf32>) -> tensor<4x4xf32>
  %1 = mlc.softmax %0 {axis = 1 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = mlc.matmul %1, %v {transpose_a = true} : (tensor<4x4xf32>, tensor<4x7xf32>) -> tensor<4x7xf32>
  return %2 : tensor<4x7xf32>
}

// Values whose elements lie apart, no keys, and more elements than fit the cache.
// CHECK-LABEL: func.func @refused_values
// CHECK-NOT: mlc.fusion
func.func @refused_values(%q: tensor<4x3xf32>, %k: tensor<3x5xf32>, %v: tensor<7x5xf32>, %none: tensor<3x0xf32>, %nothing: tensor<0x7xf32>, %large: tensor<5x257xf32>)
    -> (tensor<4x7xf32>, tensor<4x7xf32>, tensor<4x257xf32>) {
  %0 = mlc.matmul %q, %k : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  %1 = mlc.softmax %0 {axis = 1 : i64} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %2 = mlc.matmul %1, %v {transpose_b = true} : (tensor<4x5xf32>, tensor<7x5xf32>) -> tensor<4x7xf32>
  %3 = mlc.matmul %q, %none : (tensor<4x3xf32>, tensor<3x0xf32>) -> tensor<4x0xf32>
  %4 = mlc.softmax %3 {axis = 1 : i64} : (tensor<4x0xf32>) -> tensor<4x0xf32>
  %5 = mlc.matmul %4, %nothing : (tensor<4x0xf32>, tensor<0x7xf32>) -> tensor<4x7xf32>
  %6 = mlc.matmul %q, %k : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  %7 = mlc.softmax %6 {axis = 1 : i64} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %8 = mlc.matmul %7, %large : (tensor<4x5xf32>, tensor<5x257xf32>) -> tensor<4x257xf32>
  return %2, %5, %8 : tensor<4x7xf32>, tensor<4x7xf32>, tensor<4x257xf32>
}

// In a block; of two products of the scores' shape, one stays outside.
// CHECK-LABEL: func.func @block
// CHECK: mlc.if
// CHECK: %[[X:.*]] = mlc.matmul %{{.*}}, %{{.*}} : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
// CHECK: mlc.fusion "attention"
// CHECK-COUNT-2: mlc.matmul
// CHECK: mlc.yield
func.func @block(%p: tensor<i1>, %q: tensor<4x3xf32>, %k: tensor<3x5xf32>, %v: tensor<5x7xf32>) -> tensor<4x7xf32> {
  %0 = mlc.if %p, %q, %k, %v : (tensor<i1>, tensor<4x3xf32>, tensor<3x5xf32>, tensor<5x7xf32>) -> tensor<4x7xf32> {
  ^bb0(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %c: tensor<5x7xf32>):
    %1 = mlc.matmul %a, %b : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
    %n = mlc.neg %a : (tensor<4x3xf32>) -> tensor<4x3xf32>
    %2 = mlc.matmul %n, %b : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
    %3 = mlc.add %1, %2 : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
    %4 = mlc.softmax %3 {axis = 1 : i64} : (tensor<4x5xf32>) -> tensor<4x5xf32>
    %5 = mlc.matmul %4, %c : (tensor<4x5xf32>, tensor<5x7xf32>) -> tensor<4x7xf32>
    mlc.yield %5 : tensor<4x7xf32>
  }, {
  ^bb0(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %c: tensor<5x7xf32>):
    %1 = mlc.matmul %a, %b : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
    %2 = mlc.matmul %1, %c : (tensor<4x5xf32>, tensor<5x7xf32>) -> tensor<4x7xf32>
    mlc.yield %2 : tensor<4x7xf32>
  }
  return %0 : tensor<4x7xf32>
}
