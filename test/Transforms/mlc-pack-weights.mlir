// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=8 tile-of-few=16 vector=4}))' | FileCheck %s
// RUN: not mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=0}))' 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: mlc-pack-weights: `tile`, `tile-of-few` and `vector` must be at least 1

module attributes {mlc.parameters = [["w", tensor<16x20xf32>], ["v", tensor<5x16xf32>], ["u", tensor<2x16x4xf32>], ["i", tensor<16x4xi32>], ["e", tensor<16x0xf32>]]} {

// Twenty columns are three panels of eight, with the zeros that pack adds.
// CHECK-LABEL: func.func @weight
// CHECK-SAME: (%[[X:.*]]: tensor<?x16xf32>)
// CHECK: %[[W:.*]] = mlc.parameter
// CHECK: %[[P:.*]] = mlc.pack %[[W]] {tile = 8 : i64} : (tensor<16x20xf32>) -> tensor<3x16x8xf32>
// CHECK: mlc.packed_matmul %[[X]], %[[P]] : (tensor<?x16xf32>, tensor<3x16x8xf32>) -> tensor<?x20xf32>
func.func @weight(%x: tensor<?x16xf32>) -> tensor<?x20xf32> attributes {mlc.dims = ["batch"]} {
  %w = mlc.parameter {parameter = "w"} : () -> tensor<16x20xf32>
  %0 = mlc.matmul %x, %w : (tensor<?x16xf32>, tensor<16x20xf32>) -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

// Few columns get a panel of their width, rounded up to a vector; what is
// computed from weights is a weight.
// CHECK-LABEL: func.func @narrow
// CHECK: %[[N:.*]] = mlc.neg
// CHECK: %[[P:.*]] = mlc.pack %[[N]] {tile = 8 : i64, transpose = true} : (tensor<5x16xf32>) -> tensor<1x16x8xf32>
// CHECK: mlc.packed_matmul %{{.*}}, %[[P]] {transpose_a = true} : (tensor<16x3xf32>, tensor<1x16x8xf32>) -> tensor<3x5xf32>
func.func @narrow(%x: tensor<16x3xf32>) -> tensor<3x5xf32> {
  %v = mlc.parameter {parameter = "v"} : () -> tensor<5x16xf32>
  %n = mlc.neg %v : (tensor<5x16xf32>) -> tensor<5x16xf32>
  %0 = mlc.matmul %x, %n {transpose_a = true, transpose_b = true} : (tensor<16x3xf32>, tensor<5x16xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// Run-time values: packed when transposed, else read in place.
// CHECK-LABEL: func.func @run_time
// CHECK-SAME: (%[[X:.*]]: tensor<3x16xf32>, %[[Y:.*]]: tensor<4x16xf32>, %[[Z:.*]]: tensor<16x4xf32>, %[[B:.*]]: tensor<?x16xf32>)
// CHECK: %[[P:.*]] = mlc.pack %[[Y]] {tile = 4 : i64, transpose = true} : (tensor<4x16xf32>) -> tensor<1x16x4xf32>
// CHECK: mlc.packed_matmul %[[X]], %[[P]] : (tensor<3x16xf32>, tensor<1x16x4xf32>) -> tensor<3x4xf32>
// CHECK: mlc.matmul %[[X]], %[[Z]] :
// CHECK: mlc.matmul %[[X]], %[[B]] {transpose_b = true} :
func.func @run_time(%x: tensor<3x16xf32>, %y: tensor<4x16xf32>, %z: tensor<16x4xf32>, %b: tensor<?x16xf32>) attributes {mlc.dims = ["batch"]} {
  %0 = mlc.matmul %x, %y {transpose_b = true} : (tensor<3x16xf32>, tensor<4x16xf32>) -> tensor<3x4xf32>
  %1 = mlc.matmul %x, %z : (tensor<3x16xf32>, tensor<16x4xf32>) -> tensor<3x4xf32>
  %2 = mlc.matmul %x, %b {transpose_b = true} : (tensor<3x16xf32>, tensor<?x16xf32>) -> tensor<3x?xf32>
  return
}

// Batched products, integers and matrices without elements are left alone.
// CHECK-LABEL: func.func @others
// CHECK-NOT: pack
func.func @others(%x: tensor<2x3x16xf32>, %i: tensor<3x16xi32>, %m: tensor<3x16xf32>) {
  %u = mlc.parameter {parameter = "u"} : () -> tensor<2x16x4xf32>
  %0 = mlc.matmul %x, %u : (tensor<2x3x16xf32>, tensor<2x16x4xf32>) -> tensor<2x3x4xf32>
  %j = mlc.parameter {parameter = "i"} : () -> tensor<16x4xi32>
  %1 = mlc.matmul %i, %j : (tensor<3x16xi32>, tensor<16x4xi32>) -> tensor<3x4xi32>
  %e = mlc.parameter {parameter = "e"} : () -> tensor<16x0xf32>
  %2 = mlc.matmul %m, %e : (tensor<3x16xf32>, tensor<16x0xf32>) -> tensor<3x0xf32>
  return
}

// Run-time values that many rows read are packed, too: of 64 rows, and 65536 elements.
// CHECK-LABEL: func.func @read_often
// CHECK-SAME: (%[[X:.*]]: tensor<64x256xf32>, %[[Y:.*]]: tensor<256x256xf32>, %[[Z:.*]]: tensor<63x256xf32>, %[[B:.*]]: tensor<?x256xf32>)
// CHECK: %[[P:.*]] = mlc.pack %[[Y]] {tile = 8 : i64} :
// CHECK: mlc.packed_matmul %[[X]], %[[P]] :
// CHECK: mlc.matmul %[[Z]], %[[Y]] :
// CHECK: mlc.matmul %[[B]], %[[Y]] :
func.func @read_often(%x: tensor<64x256xf32>, %y: tensor<256x256xf32>, %z: tensor<63x256xf32>, %b: tensor<?x256xf32>) attributes {mlc.dims = ["batch"]} {
  %0 = mlc.matmul %x, %y : (tensor<64x256xf32>, tensor<256x256xf32>) -> tensor<64x256xf32>
  %1 = mlc.matmul %z, %y : (tensor<63x256xf32>, tensor<256x256xf32>) -> tensor<63x256xf32>
  %2 = mlc.matmul %b, %y : (tensor<?x256xf32>, tensor<256x256xf32>) -> tensor<?x256xf32>
  return
}

// Two rows are few.
// CHECK-LABEL: func.func @few_rows
// CHECK: mlc.pack %{{.*}} {tile = 16 : i64} : (tensor<16x20xf32>) -> tensor<2x16x16xf32>
func.func @few_rows(%x: tensor<2x16xf32>) -> tensor<2x20xf32> {
  %w = mlc.parameter {parameter = "w"} : () -> tensor<16x20xf32>
  %0 = mlc.matmul %x, %w : (tensor<2x16xf32>, tensor<16x20xf32>) -> tensor<2x20xf32>
  return %0 : tensor<2x20xf32>
}

}
