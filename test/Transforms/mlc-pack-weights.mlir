// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=8 tile-of-few=16 tile-of-any=8 vector=4}))' | FileCheck %s
// RUN: not mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=0}))' 2>&1 | FileCheck %s --check-prefix=TILE
// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=8 tile-of-few=16 tile-of-any=8 tile-of-one=32 vector=4 weights=bf16}))' | FileCheck %s --check-prefix=BF16
// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=8 tile-of-few=16 tile-of-any=8 tile-of-one=32 vector=4 weights=int8}))' | FileCheck %s --check-prefix=INT8
// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=8 tile-of-few=16 tile-of-any=8 tile-of-one=32 vector=4 weights=int8-dynamic dot-products=true}))' | FileCheck %s --check-prefix=BYTES
// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{tile=8 tile-of-few=16 tile-of-any=8 tile-of-one=32 vector=4 weights=int8-dynamic}))' | FileCheck %s --check-prefix=PAIRS
// RUN: not mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-pack-weights{weights=int4}))' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: int4
// TILE: mlc-pack-weights: `tile`, `tile-of-few`, `tile-of-any`, `tile-of-one` and `vector` must be at least 1

module attributes {mlc.parameters = [["w", tensor<16x20xf32>], ["v", tensor<5x16xf32>], ["u", tensor<2x16x4xf32>], ["i", tensor<16x4xi32>], ["e", tensor<16x0xf32>], ["h", tensor<16x20xbf16>], ["t", tensor<16x40xf32>]]} {

// Twenty columns are three panels of eight, with the zeros that pack adds.
// CHECK-LABEL: func.func @weight
// CHECK-SAME: (%[[X:.*]]: tensor<?x16xf32>)
// CHECK: %[[W:.*]] = mlc.parameter
// CHECK: %[[P:.*]] = mlc.pack %[[W]] {tile = 8 : i64} : (tensor<16x20xf32>) -> tensor<3x16x8xf32>
// CHECK: mlc.packed_matmul %[[X]], %[[P]] : (tensor<?x16xf32>, tensor<3x16x8xf32>) -> tensor<?x20xf32>

// BF16-LABEL: func.func @weight
// BF16: %[[B:.*]] = mlc.cast %{{.*}} {dtype = "bf16"} : (tensor<16x20xf32>) -> tensor<16x20xbf16>
// BF16: %[[P:.*]] = mlc.pack %[[B]] {depth = 2 : i64, tile = 8 : i64} : (tensor<16x20xbf16>) -> tensor<3x8x8x2xbf16>
// BF16: mlc.packed_matmul %{{.*}}, %[[P]] : (tensor<?x16xf32>, tensor<3x8x8x2xbf16>) -> tensor<?x20xf32>

// A scale for each column, never a denormal, and NaN if the column has no largest number.
// INT8-LABEL: func.func @weight
// INT8: %[[A:.*]] = mlc.abs %[[W:.*]] :
// INT8: %[[M:.*]] = mlc.reduce %[[A]] {axes = array<i64: 0>, kind = "max"} : (tensor<16x20xf32>) -> tensor<20xf32>
// INT8: mlc.constant {value = dense<1.504632{{.*}}E-36> : tensor<20xf32>}
// INT8: %[[L:.*]] = mlc.max %[[M]]
// INT8: %[[N:.*]] = mlc.sub %[[L]], %[[L]]
// INT8: %[[F:.*]] = mlc.add %[[L]], %[[N]]
// INT8: %[[S:.*]] = mlc.div %[[F]]
// INT8: %[[R:.*]] = mlc.broadcast %[[S]] {axes = array<i64: 1>, shape = array<i64: 16, 20>}
// INT8: %[[Q:.*]] = mlc.quantize %[[W]], %[[R]] : (tensor<16x20xf32>, tensor<16x20xf32>) -> tensor<16x20xi8>
// INT8: %[[P:.*]] = mlc.pack %[[Q]] {tile = 8 : i64} : (tensor<16x20xi8>) -> tensor<3x16x8xi8>
// INT8: %[[Y:.*]] = mlc.packed_matmul %{{.*}}, %[[P]] : (tensor<?x16xf32>, tensor<3x16x8xi8>) -> tensor<?x20xf32>
// INT8: %[[T:.*]] = mlc.broadcast %[[S]] {axes = array<i64: 1>, shape = array<i64: -1, 20>}
// INT8: mlc.mul %[[Y]], %[[T]]

// Rows have scales, too. 128 more in each byte on the left is 128 times a column's sum.
// BYTES-LABEL: func.func @weight
// BYTES: mlc.quantize {{.*}} -> tensor<16x20xi8>
// BYTES: %[[M:.*]] = mlc.reduce %{{.*}} {axes = array<i64: 1>, kind = "max"} : (tensor<?x16xf32>) -> tensor<?xf32>
// BYTES: %[[X:.*]] = mlc.quantize {{.*}} -> tensor<?x16xui8>
// BYTES: %[[P:.*]] = mlc.pack %{{.*}} {depth = 4 : i64, tile = 8 : i64} : (tensor<16x20xi8>) -> tensor<3x4x8x4xi8>
// BYTES: %[[Y:.*]] = mlc.packed_matmul %[[X]], %[[P]] : (tensor<?x16xui8>, tensor<3x4x8x4xi8>) -> tensor<?x20xi32>
// BYTES: mlc.reduce %{{.*}} {axes = array<i64: 0>, kind = "sum"} : (tensor<16x20xi32>) -> tensor<20xi32>
// BYTES: mlc.constant {value = dense<128> : tensor<20xi32>}
// BYTES: %[[D:.*]] = mlc.sub %[[Y]], %{{.*}} : (tensor<?x20xi32>, tensor<?x20xi32>) -> tensor<?x20xi32>
// BYTES: %[[F:.*]] = mlc.cast %[[D]] {dtype = "f32"}
// BYTES: %[[ROWS:.*]] = mlc.mul %[[F]]
// BYTES: mlc.mul %[[ROWS]]

// PAIRS-LABEL: func.func @weight
// PAIRS: mlc.quantize {{.*}} -> tensor<?x16xi16>
// PAIRS: mlc.pack %{{.*}} {depth = 2 : i64, tile = 8 : i64} : (tensor<16x20xi8>) -> tensor<3x8x8x2xi8>
// PAIRS: %[[Y:.*]] = mlc.packed_matmul {{.*}} -> tensor<?x20xi32>
// PAIRS: mlc.cast %[[Y]]
func.func @weight(%x: tensor<?x16xf32>) -> tensor<?x20xf32> attributes {mlc.dims = ["batch"]} {
  %w = mlc.parameter {parameter = "w"} : () -> tensor<16x20xf32>
  %0 = mlc.matmul %x, %w : (tensor<?x16xf32>, tensor<16x20xf32>) -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

// Few columns get a panel of their width, rounded up to a vector; what is
// computed from weights is a weight.
// With columns on the left, which have no rows in one piece, only weights are reduced.
// CHECK-LABEL: func.func @narrow
// BYTES-LABEL: func.func @narrow
// BYTES: mlc.reduce %{{.*}} {axes = array<i64: 1>, kind = "max"} : (tensor<5x16xf32>) -> tensor<5xf32>
// BYTES: mlc.pack %{{.*}} {tile = 8 : i64, transpose = true} : (tensor<5x16xi8>) -> tensor<1x16x8xi8>
// BYTES: mlc.packed_matmul %{{.*}} {transpose_a = true} : (tensor<16x3xf32>, tensor<1x16x8xi8>) -> tensor<3x5xf32>
// CHECK: %[[N:.*]] = mlc.neg
// CHECK: %[[P:.*]] = mlc.pack %[[N]] {tile = 8 : i64, transpose = true} : (tensor<5x16xf32>) -> tensor<1x16x8xf32>
// CHECK: mlc.packed_matmul %{{.*}}, %[[P]] {transpose_a = true} : (tensor<16x3xf32>, tensor<1x16x8xf32>) -> tensor<3x5xf32>
func.func @narrow(%x: tensor<16x3xf32>) -> tensor<3x5xf32> {
  %v = mlc.parameter {parameter = "v"} : () -> tensor<5x16xf32>
  %n = mlc.neg %v : (tensor<5x16xf32>) -> tensor<5x16xf32>
  %0 = mlc.matmul %x, %n {transpose_a = true, transpose_b = true} : (tensor<16x3xf32>, tensor<5x16xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// bf16 and f16 are packed for the vectors of f32 that they are multiplied in.
// CHECK-LABEL: func.func @halves
// CHECK: %[[P:.*]] = mlc.pack %{{.*}} {tile = 8 : i64} : (tensor<16x20xbf16>) -> tensor<3x16x8xbf16>
// CHECK: mlc.packed_matmul %{{.*}}, %[[P]] : (tensor<7x16xbf16>, tensor<3x16x8xbf16>) -> tensor<7x20xbf16>
func.func @halves(%x: tensor<7x16xbf16>) -> tensor<7x20xbf16> {
  %w = mlc.parameter {parameter = "h"} : () -> tensor<16x20xbf16>
  %0 = mlc.matmul %x, %w : (tensor<7x16xbf16>, tensor<16x20xbf16>) -> tensor<7x20xbf16>
  return %0 : tensor<7x20xbf16>
}

// Run-time values: packed when transposed, else read in place.
// CHECK-LABEL: func.func @run_time
// BF16-LABEL: func.func @run_time
// BF16-NOT: bf16
// BF16-LABEL: func.func @others
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

// One row that multiplies what is narrower.
// CHECK-LABEL: func.func @one_row
// CHECK: mlc.pack %{{.*}} {tile = 16 : i64} : (tensor<16x40xf32>) -> tensor<3x16x16xf32>
// BF16-LABEL: func.func @one_row
// BF16: mlc.pack %{{.*}} {depth = 2 : i64, tile = 32 : i64} : (tensor<16x40xbf16>) -> tensor<2x8x32x2xbf16>
// BYTES-LABEL: func.func @one_row
// BYTES: mlc.pack %{{.*}} {depth = 4 : i64, tile = 16 : i64} : (tensor<16x40xi8>) -> tensor<3x4x16x4xi8>
func.func @one_row(%x: tensor<1x16xf32>) -> tensor<1x40xf32> {
  %t = mlc.parameter {parameter = "t"} : () -> tensor<16x40xf32>
  %0 = mlc.matmul %x, %t : (tensor<1x16xf32>, tensor<16x40xf32>) -> tensor<1x40xf32>
  return %0 : tensor<1x40xf32>
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
