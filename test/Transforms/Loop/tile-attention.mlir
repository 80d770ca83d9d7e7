// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-tile-attention{vector-bits=128 vector-registers=16 block-keys=8},cse))" --split-input-file --verify-diagnostics %s | FileCheck %s

#q = affine_map<(b, m, n, k, c) -> (b, m, k)>
#k = affine_map<(b, m, n, k, c) -> (b, n, k)>
#v = affine_map<(b, m, n, k, c) -> (b, n, c)>
#out = affine_map<(b, m, n, k, c) -> (b, m, c)>

// Two vectors of 4 queries each, tiles of 4 keys, 16 keys in two blocks, and values of 6
// elements, of which the last vector is masked.

// CHECK-LABEL: func.func @plain
// CHECK-SAME:    (%[[Q:.*]]: memref<?x16x3xf32>, %[[K:.*]]: memref<?x16x3xf32>, %[[V:.*]]: memref<?x16x6xf32>, %[[OUT:.*]]: memref<?x16x6xf32>)
// CHECK-SAME:    mlc.strategy = "tiles of 4 keys x 8 queries, keys in blocks of 8, vectors of 4"
// CHECK-DAG:     %[[TURNED:.*]] = memref.alloca() {alignment = 16 : i64} : memref<4x8xf32>
// CHECK-DAG:     %[[SCORES:.*]] = memref.alloca() {alignment = 16 : i64} : memref<8x8xf32>
// CHECK-NOT:     mlc.attend
// Batch and block of queries.
// CHECK:         scf.for %[[B:[^ ]*]] =
// CHECK:           scf.for %[[M:[^ ]*]] = %{{.*}} to %{{.*}} step %[[EIGHT:[^ ]*]] {
// The queries, transposed.
// CHECK:             vector.maskedload %[[Q]][%[[B]],
// CHECK-COUNT-8:     vector.shuffle
// CHECK:             vector.store %{{.*}}, %[[TURNED]]
// Maximum and sum are carried over the blocks of keys.
// CHECK:             scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK:               scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}) -> (vector<4xf32>, vector<4xf32>)
// CHECK:                 scf.for
// CHECK-COUNT-2:           vector.load %[[TURNED]]
// CHECK-COUNT-4:           memref.load %[[K]]
// CHECK:                 vector.store %{{.*}}, %[[SCORES]]
// CHECK:                 arith.cmpf ogt
// CHECK:               arith.cmpf oeq
// Scores become weights, and then these times values are added up.
// CHECK:               scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}) -> (vector<4xf32>, vector<4xf32>)
// CHECK:                 math.fma
// CHECK:                 vector.store %{{.*}}, %[[SCORES]]
// CHECK:               vector.load %[[V]]
// CHECK:               vector.maskedload %[[V]]
// CHECK:             arith.divf
// CHECK:             vector.store %{{.*}}, %[[OUT]]
// CHECK:             vector.maskedstore %[[OUT]]
// CHECK:         } {mlc.independent}
// CHECK:         } {mlc.independent}
func.func @plain(%q: memref<?x16x3xf32>, %k: memref<?x16x3xf32>, %v: memref<?x16x6xf32>, %out: memref<?x16x6xf32>) {
  mlc.attend(%q, %k, %v, %out) {maps = [#q, #k, #v, #out]}
    : (memref<?x16x3xf32>, memref<?x16x3xf32>, memref<?x16x6xf32>, memref<?x16x6xf32>) -> () {
  ^bb0(%s: f32):
    mlc.yield %s : f32
  }
  return
}

// -----

// Any number of queries: a block that is not whole goes on by single vectors. Of 9 keys one
// is a tile of its own, in the last block. A mask of queries and keys is transposed, as i32;
// one of keys is read where it lies.

#q = affine_map<(m, n, k, c) -> (m, k)>
#k = affine_map<(m, n, k, c) -> (k, n)>
#v = affine_map<(m, n, k, c) -> (n, c)>
#full = affine_map<(m, n, k, c) -> (m, n)>
#row = affine_map<(m, n, k, c) -> (n)>
#out = affine_map<(m, n, k, c) -> (m, c)>

// CHECK-LABEL: func.func @masked
// CHECK-SAME:    %[[FULL:[^:]*]]: memref<?x9xi8>, %[[ROW:[^:]*]]: memref<9xf32>, %[[OUT:[^:]*]]: memref<?x4xf32>)
// CHECK:         %[[MASK:.*]] = memref.alloca() {alignment = 16 : i64} : memref<8x8xi32>
// CHECK:         %[[FITS:.*]] = arith.cmpi ule
// CHECK:         scf.if %[[FITS]] {
// CHECK:           vector.maskedload %[[FULL]]
// CHECK:           arith.extui %{{.*}} : vector<4xi8> to vector<4xi32>
// CHECK:           vector.store %{{.*}}, %[[MASK]]
// CHECK:           vector.load %[[MASK]]
// CHECK:           arith.trunci %{{.*}} : vector<4xi32> to vector<4xi8>
// CHECK:           memref.load %[[ROW]]
// CHECK:           %[[LAST:.*]] = arith.cmpi eq
// CHECK:           scf.if %[[LAST]] -> (vector<4xf32>, vector<4xf32>)
// CHECK:         } else {
// CHECK:           scf.for
// CHECK:             arith.minui
// CHECK:             scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}) -> (vector<4xf32>, vector<4xf32>)
func.func @masked(%q: memref<?x3xf32>, %k: memref<3x9xf32>, %v: memref<9x4xf32>, %full: memref<?x9xi8>, %row: memref<9xf32>, %out: memref<?x4xf32>) {
  %zero = arith.constant 0 : i8
  mlc.attend(%q, %k, %v, %full, %row, %out) {maps = [#q, #k, #v, #full, #row, #out]}
    : (memref<?x3xf32>, memref<3x9xf32>, memref<9x4xf32>, memref<?x9xi8>, memref<9xf32>, memref<?x4xf32>) -> () {
  ^bb0(%s: f32, %x: i8, %y: f32):
    %0 = arith.cmpi ne, %x, %zero : i8
    %1 = arith.addf %s, %y : f32
    %2 = arith.select %0, %1, %y : f32
    mlc.yield %2 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k, c) -> (m, k)>
#b = affine_map<(m, n, k, c) -> (n, k)>
#v = affine_map<(m, n, k, c) -> (c, n)>
#out = affine_map<(m, n, k, c) -> (m, c)>

func.func @values_apart(%a: memref<4x4xf32>, %b: memref<4x4xf32>) {
  // expected-error@+1 {{expected elements of a value to lie side by side}}
  mlc.attend(%a, %a, %a, %b) {maps = [#a, #b, #v, #out]}
    : (memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>) -> () {
  ^bb0(%s: f32):
    mlc.yield %s : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k, c) -> (m, k)>
#b = affine_map<(m, n, k, c) -> (n, k)>
#v = affine_map<(m, n, k, c) -> (n, c)>
#out = affine_map<(m, n, k, c) -> (m, c)>

func.func @no_keys(%a: memref<4x4xf32>, %none: memref<0x4xf32>, %b: memref<4x4xf32>) {
  // expected-error@+1 {{expected keys, and elements of keys and values, of known number}}
  mlc.attend(%a, %none, %none, %b) {maps = [#a, #b, #v, #out]}
    : (memref<4x4xf32>, memref<0x4xf32>, memref<0x4xf32>, memref<4x4xf32>) -> () {
  ^bb0(%s: f32):
    mlc.yield %s : f32
  }
  return
}
