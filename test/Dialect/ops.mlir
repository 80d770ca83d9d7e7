// Every op parses, verifies and prints, in its own and in the generic form.
// RUN: mlc-opt %s | mlc-opt | FileCheck %s
// RUN: mlc-opt %s --mlir-print-op-generic | mlc-opt | FileCheck %s

module attributes {mlc.parameters = [["w", tensor<4x3xf32>], ["b", tensor<3xf32>]]} {

// CHECK-LABEL: func.func @sources
func.func @sources() -> (tensor<4x3xf32>, tensor<2xi32>) {
  // CHECK: mlc.parameter {parameter = "w"} : () -> tensor<4x3xf32>
  %0 = mlc.parameter {parameter = "w"} : () -> tensor<4x3xf32>
  // CHECK: mlc.constant {value = dense<[1, -2]> : tensor<2xi32>} : () -> tensor<2xi32>
  %1 = mlc.constant {value = dense<[1, -2]> : tensor<2xi32>} : () -> tensor<2xi32>
  return %0, %1 : tensor<4x3xf32>, tensor<2xi32>
}

// CHECK-LABEL: func.func @contractions
func.func @contractions(%a: tensor<?x4xf32>, %b: tensor<4x3xf32>, %c: tensor<2x4x5xi32>, %d: tensor<2x3x4xi32>)
    -> (tensor<?x3xf32>, tensor<2x5x3xi32>) attributes {mlc.dims = ["batch"]} {
  // CHECK: mlc.matmul %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %0 = mlc.matmul %a, %b : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  // CHECK: mlc.matmul %{{.*}}, %{{.*}} {transpose_a = true, transpose_b = true} : (tensor<2x4x5xi32>, tensor<2x3x4xi32>) -> tensor<2x5x3xi32>
  %1 = mlc.matmul %c, %d {transpose_a = true, transpose_b = true} : (tensor<2x4x5xi32>, tensor<2x3x4xi32>) -> tensor<2x5x3xi32>
  return %0, %1 : tensor<?x3xf32>, tensor<2x5x3xi32>
}

// CHECK-LABEL: func.func @binary
func.func @binary(%a: tensor<2xf32>, %b: tensor<2xf32>) {
  // CHECK: mlc.add %{{.*}}, %{{.*}} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %0 = mlc.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.sub
  %1 = mlc.sub %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.mul
  %2 = mlc.mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.div
  %3 = mlc.div %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.max
  %4 = mlc.max %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.min
  %5 = mlc.min %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// CHECK-LABEL: func.func @unary
func.func @unary(%a: tensor<2xf32>) {
  // CHECK: mlc.neg %{{.*}} : (tensor<2xf32>) -> tensor<2xf32>
  %0 = mlc.neg %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.abs
  %1 = mlc.abs %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.exp
  %2 = mlc.exp %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.log
  %3 = mlc.log %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.sqrt
  %4 = mlc.sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.rsqrt
  %5 = mlc.rsqrt %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.tanh
  %6 = mlc.tanh %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.sigmoid
  %7 = mlc.sigmoid %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.relu
  %8 = mlc.relu %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.erf
  %9 = mlc.erf %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.gelu %{{.*}} : (tensor<2xf32>) -> tensor<2xf32>
  %10 = mlc.gelu %a : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mlc.gelu %{{.*}} {approximate = "tanh"} : (tensor<2xf32>) -> tensor<2xf32>
  %11 = mlc.gelu %a {approximate = "tanh"} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// CHECK-LABEL: func.func @predicates
func.func @predicates(%a: tensor<2xf32>, %p: tensor<2xi1>, %q: tensor<2xi1>) {
  // CHECK: mlc.compare %{{.*}}, %{{.*}} {direction = "lt"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  %0 = mlc.compare %a, %a {direction = "lt"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  // CHECK: mlc.logical_and
  %1 = mlc.logical_and %p, %q : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  // CHECK: mlc.logical_or
  %2 = mlc.logical_or %p, %q : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  // CHECK: mlc.logical_not
  %3 = mlc.logical_not %p : (tensor<2xi1>) -> tensor<2xi1>
  // CHECK: mlc.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %4 = mlc.select %p, %a, %a : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// CHECK-LABEL: func.func @shapes
func.func @shapes(%a: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> attributes {mlc.dims = ["batch"]} {
  // CHECK: mlc.cast %{{.*}} {dtype = "u8"} : (tensor<?x4xf32>) -> tensor<?x4xui8>
  %0 = mlc.cast %a {dtype = "u8"} : (tensor<?x4xf32>) -> tensor<?x4xui8>
  // CHECK: mlc.broadcast %{{.*}} {axes = array<i64: 1>, shape = array<i64: -1, 4>} : (tensor<4xf32>) -> tensor<?x4xf32>
  %1 = mlc.broadcast %b {axes = array<i64: 1>, shape = array<i64: -1, 4>} : (tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: mlc.reshape %{{.*}} {shape = array<i64: -1, 2, 2>} : (tensor<?x4xf32>) -> tensor<?x2x2xf32>
  %2 = mlc.reshape %a {shape = array<i64: -1, 2, 2>} : (tensor<?x4xf32>) -> tensor<?x2x2xf32>
  // CHECK: mlc.transpose %{{.*}} {permutation = array<i64: 1, 0>} : (tensor<?x4xf32>) -> tensor<4x?xf32>
  %3 = mlc.transpose %a {permutation = array<i64: 1, 0>} : (tensor<?x4xf32>) -> tensor<4x?xf32>
  // CHECK: mlc.slice %{{.*}} {axes = array<i64: 1>, limits = array<i64: 4>, starts = array<i64: 1>, strides = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?x2xf32>
  %4 = mlc.slice %a {axes = array<i64: 1>, starts = array<i64: 1>, limits = array<i64: 4>, strides = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?x2xf32>
  // CHECK: mlc.concat %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x6xf32>
  %5 = mlc.concat %a, %4 {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x6xf32>
  // CHECK: mlc.reduce %{{.*}} {axes = array<i64: 1>, kind = "max"} : (tensor<?x4xf32>) -> tensor<?xf32>
  %6 = mlc.reduce %a {axes = array<i64: 1>, kind = "max"} : (tensor<?x4xf32>) -> tensor<?xf32>
  // CHECK: mlc.reduce %{{.*}} {axes = array<i64: 1>, keep_dims = true, kind = "mean"} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  %7 = mlc.reduce %a {axes = array<i64: 1>, keep_dims = true, kind = "mean"} : (tensor<?x4xf32>) -> tensor<?x1xf32>
  // CHECK: mlc.softmax %{{.*}} {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %8 = mlc.softmax %a {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %8 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @indexing
func.func @indexing(%x: tensor<7x4xf32>, %i: tensor<?x3xi32>) -> tensor<?x3x4xf32> attributes {mlc.dims = ["batch"]} {
  // CHECK: mlc.take %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<7x4xf32>, tensor<?x3xi32>) -> tensor<?x3x4xf32>
  %0 = mlc.take %x, %i {axis = 0 : i64} : (tensor<7x4xf32>, tensor<?x3xi32>) -> tensor<?x3x4xf32>
  return %0 : tensor<?x3x4xf32>
}

// CHECK-LABEL: func.func @calls
func.func @calls(%a: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<3x4xf32> {
  // CHECK: mlc.call %{{.*}}, %{{.*}} {callee = "shapes"} : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %0 = mlc.call %a, %b {callee = "shapes"} : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @control_flow
func.func @control_flow(%p: tensor<i1>, %h: tensor<4xf32>, %xs: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {mlc.dims = ["steps"]} {
  // CHECK: mlc.if %{{.*}}, %{{.*}} : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<4xf32>):
  // CHECK-NEXT: mlc.yield %[[A]] : tensor<4xf32>
  // CHECK-NEXT: }, {
  %0 = mlc.if %p, %h : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    mlc.yield %a : tensor<4xf32>
  }, {
  ^bb0(%a: tensor<4xf32>):
    %n = mlc.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    mlc.yield %n : tensor<4xf32>
  }
  // CHECK: mlc.while %{{.*}}, %{{.*}} {carried = 1 : i64, limit = 5 : i64} : (tensor<4xf32>, tensor<i1>) -> tensor<4xf32> {
  %1 = mlc.while %0, %p {carried = 1 : i64, limit = 5 : i64} : (tensor<4xf32>, tensor<i1>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<i1>):
    mlc.yield %b : tensor<i1>
  }, {
  ^bb0(%a: tensor<4xf32>, %b: tensor<i1>):
    mlc.yield %a : tensor<4xf32>
  }
  // CHECK: mlc.scan %{{.*}}, %{{.*}} {carried = 1 : i64, reverse = true, sequences = 1 : i64} : (tensor<4xf32>, tensor<?x4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  %2:2 = mlc.scan %1, %xs {carried = 1 : i64, sequences = 1 : i64, reverse = true} : (tensor<4xf32>, tensor<?x4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  ^bb0(%s: tensor<4xf32>, %x: tensor<4xf32>):
    %n = mlc.add %s, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    mlc.yield %n, %s : tensor<4xf32>, tensor<4xf32>
  }
  return %2#1 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @host
func.func @host(%x: tensor<?x4xf32>, %c: tensor<?xi1>) -> tensor<?xi64> attributes {mlc.dims = ["batch"]} {
  // CHECK: mlc.print %{{.*}} {label = "x"} : (tensor<?x4xf32>) -> ()
  mlc.print %x {label = "x"} : (tensor<?x4xf32>) -> ()
  // CHECK: mlc.check %{{.*}} {message = "all"} : (tensor<?xi1>) -> ()
  mlc.check %c {message = "all"} : (tensor<?xi1>) -> ()
  // CHECK: mlc.custom %{{.*}}, %{{.*}} {dtype = "i64", function = "f", shape = array<i64: -1>} : (tensor<?x4xf32>, tensor<?xi1>) -> tensor<?xi64>
  %0 = mlc.custom %x, %c {function = "f", dtype = "i64", shape = array<i64: -1>} : (tensor<?x4xf32>, tensor<?xi1>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// CHECK-LABEL: func.func @internal
func.func @internal(%a: tensor<?x4xf32>, %b: tensor<4x3xf32>) -> tensor<?x3xf32> attributes {mlc.dims = ["batch"]} {
  // CHECK: mlc.pack %{{.*}} {tile = 2 : i64} : (tensor<4x3xf32>) -> tensor<2x4x2xf32>
  %0 = mlc.pack %b {tile = 2 : i64} : (tensor<4x3xf32>) -> tensor<2x4x2xf32>
  // CHECK: mlc.pack %{{.*}} {tile = 4 : i64, transpose = true} : (tensor<4x3xf32>) -> tensor<1x3x4xf32>
  %1 = mlc.pack %b {tile = 4 : i64, transpose = true} : (tensor<4x3xf32>) -> tensor<1x3x4xf32>
  // CHECK: %[[F:.*]] = mlc.fusion "contraction" (%[[X:.*]] = %{{.*}}, %[[W:.*]] = %{{.*}}) : (tensor<?x4xf32>, tensor<2x4x2xf32>) -> tensor<?x3xf32> reason "function result" {
  %2 = mlc.fusion "contraction" (%x = %a, %w = %0) : (tensor<?x4xf32>, tensor<2x4x2xf32>) -> tensor<?x3xf32> reason "function result" {
    // CHECK: %[[M:.*]] = mlc.packed_matmul %[[X]], %[[W]] : (tensor<?x4xf32>, tensor<2x4x2xf32>) -> tensor<?x3xf32>
    %3 = mlc.packed_matmul %x, %w : (tensor<?x4xf32>, tensor<2x4x2xf32>) -> tensor<?x3xf32>
    // CHECK: mlc.yield %[[M]] : tensor<?x3xf32>
    mlc.yield %3 : tensor<?x3xf32>
  }
  // CHECK: mlc.fusion "elementwise"
  %7 = mlc.fusion "elementwise" (%x = %b) : (tensor<4x3xf32>) -> tensor<4x3xi8> {
    // CHECK: mlc.quantize %{{.*}}, %{{.*}} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xi8>
    %8 = mlc.quantize %x, %x : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xi8>
    mlc.yield %8 : tensor<4x3xi8>
  }
  // CHECK: mlc.pack %{{.*}} {depth = 4 : i64, tile = 2 : i64} : (tensor<4x3xi8>) -> tensor<2x1x2x4xi8>
  %9 = mlc.pack %7 {tile = 2 : i64, depth = 4 : i64} : (tensor<4x3xi8>) -> tensor<2x1x2x4xi8>
  // CHECK: mlc.packed_matmul %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<2x1x2x4xi8>) -> tensor<?x3xf32>
  %10 = mlc.packed_matmul %a, %9 : (tensor<?x4xf32>, tensor<2x1x2x4xi8>) -> tensor<?x3xf32>
  // CHECK: mlc.fusion "elementwise" () : () -> (tensor<f32>, tensor<i1>) attributes {note = "kept"} {
  %4:2 = mlc.fusion "elementwise" () : () -> (tensor<f32>, tensor<i1>) attributes {note = "kept"} {
    %5 = mlc.constant {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
    %6 = mlc.constant {value = dense<true> : tensor<i1>} : () -> tensor<i1>
    // CHECK: mlc.yield %{{.*}}, %{{.*}} : tensor<f32>, tensor<i1>
    mlc.yield %5, %6 : tensor<f32>, tensor<i1>
  }
  // CHECK: return %[[F]]
  return %2 : tensor<?x3xf32>
}

}

// CHECK-LABEL: func.func @attend
func.func @attend(%a: tensor<4x3xf32>, %b: tensor<5x3xf32>, %m: tensor<5xi8>, %c: memref<4x3xf32>) -> tensor<4x3xf32> {
  // CHECK: %[[R:.*]] = mlc.attend(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {maps = [#{{.*}}, #{{.*}}, #{{.*}}, #{{.*}}, #{{.*}}]} : (tensor<4x3xf32>, tensor<5x3xf32>, tensor<5x3xf32>, tensor<5xi8>, tensor<4x3xf32>) -> tensor<4x3xf32> {
  // CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %{{.*}}: i8):
  // CHECK-NEXT: mlc.yield %[[S]] : f32
  %0 = mlc.attend(%a, %b, %b, %m, %a) {maps = [
    affine_map<(m, n, k, c) -> (m, k)>, affine_map<(m, n, k, c) -> (n, k)>, affine_map<(m, n, k, c) -> (n, c)>,
    affine_map<(m, n, k, c) -> (n)>, affine_map<(m, n, k, c) -> (m, c)>]}
    : (tensor<4x3xf32>, tensor<5x3xf32>, tensor<5x3xf32>, tensor<5xi8>, tensor<4x3xf32>) -> tensor<4x3xf32> {
  ^bb0(%s: f32, %x: i8):
    mlc.yield %s : f32
  }
  // CHECK: return %[[R]]
  return %0 : tensor<4x3xf32>
}
