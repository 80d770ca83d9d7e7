// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-tile-contractions{vector-bits=512 vector-registers=32},cse))" --split-input-file %s | FileCheck %s

// Operands may be narrower than the accumulators: the left-hand side is widened as a
// scalar, vectors of the right-hand side in registers.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 32, k, n mod 32)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @both
// CHECK-SAME:    (%[[A:.*]]: memref<2x50xbf16>, %[[B:.*]]: memref<1x50x32xbf16>, %[[C:.*]]: memref<2x32xf32>)
// CHECK-NOT:     linalg
// CHECK:         scf.for
// CHECK:           %[[RIGHT:.*]] = vector.load %[[B]]{{.*}} vector<16xbf16>
// CHECK:           %[[Y:.*]] = arith.extf %[[RIGHT]] : vector<16xbf16> to vector<16xf32>
// CHECK:           %[[LEFT:.*]] = memref.load %[[A]]
// CHECK:           %[[WIDE:.*]] = arith.extf %[[LEFT]] : bf16 to f32
// CHECK:           %[[X:.*]] = vector.broadcast %[[WIDE]] : f32 to vector<16xf32>
// CHECK:           vector.fma %[[X]], %[[Y]], %{{.*}} : vector<16xf32>
func.func @both(%a: memref<2x50xbf16>, %b: memref<1x50x32xbf16>, %c: memref<2x32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<2x32xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x50xbf16>, memref<1x50x32xbf16>) outs(%c : memref<2x32xf32>) {
  ^bb0(%x: bf16, %y: bf16, %acc: f32):
    %0 = arith.extf %x : bf16 to f32
    %1 = arith.extf %y : bf16 to f32
    %2 = arith.mulf %0, %1 : f32
    %3 = arith.addf %acc, %2 : f32
    linalg.yield %3 : f32
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @right
// CHECK-SAME:    (%[[A:.*]]: memref<2x5xf32>, %[[B:.*]]: memref<5x20xi8>
// CHECK:           %[[RIGHT:.*]] = vector.load %[[B]]{{.*}} vector<16xi8>
// CHECK:           %[[REST:.*]] = vector.maskedload %[[B]]{{.*}} vector<16xi8>
// CHECK:           arith.sitofp %[[RIGHT]] : vector<16xi8> to vector<16xf32>
// CHECK:           arith.sitofp %[[REST]] : vector<16xi8> to vector<16xf32>
func.func @right(%a: memref<2x5xf32>, %b: memref<5x20xi8>, %c: memref<2x20xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x5xf32>, memref<5x20xi8>) outs(%c : memref<2x20xf32>) {
  ^bb0(%x: f32, %y: i8, %acc: f32):
    %0 = arith.sitofp %y : i8 to f32
    %1 = arith.mulf %x, %0 : f32
    %2 = arith.addf %acc, %1 : f32
    linalg.yield %2 : f32
  }
  return
}

// -----

// Integers, one of them without a sign.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @integers
// CHECK:           arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK:           arith.extui %{{.*}} : i8 to i32
// CHECK:           %[[P:.*]] = arith.muli
// CHECK:           arith.addi %{{.*}}, %[[P]] : vector<16xi32>
func.func @integers(%a: memref<2x5xi8>, %b: memref<5x16xi8>, %c: memref<2x16xi32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x5xi8>, memref<5x16xi8>) outs(%c : memref<2x16xi32>) {
  ^bb0(%x: i8, %y: i8, %acc: i32):
    %0 = arith.extui %x : i8 to i32
    %1 = arith.extsi %y : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  }
  return
}

// -----

// Anything else around the operands is no contraction.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @negated
// CHECK:         linalg.generic
func.func @negated(%a: memref<2x5xf32>, %b: memref<5x16xf32>, %c: memref<2x16xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x5xf32>, memref<5x16xf32>) outs(%c : memref<2x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.negf %y : f32
    %1 = arith.mulf %x, %0 : f32
    %2 = arith.addf %acc, %1 : f32
    linalg.yield %2 : f32
  }
  return
}
