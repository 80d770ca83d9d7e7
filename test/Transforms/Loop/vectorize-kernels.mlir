// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-vectorize-kernels{vector-bits=256},cse))" --split-input-file %s | FileCheck %s

// Whole vectors in a loop, then a masked tail.

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @elementwise
// CHECK-SAME:    (%[[X:.*]]: memref<19xf32>, %[[Y:.*]]: memref<19xf32>)
// CHECK:         scf.for %[[I:.*]] = %c0 to %c16 step %c8
// CHECK:           %[[V:.*]] = vector.load %[[X]][%[[I]]] : memref<19xf32>, vector<8xf32>
// CHECK:           %[[S:.*]] = arith.addf %[[V]], %[[V]] : vector<8xf32>
// CHECK:           vector.store %[[S]], %[[Y]][%[[I]]]
// CHECK:         %[[MASK:.*]] = arith.constant dense<[true, true, true, false, false, false, false, false]>
// CHECK:         vector.maskedload %[[X]][%c16], %[[MASK]]
// CHECK:         vector.maskedstore %[[Y]][%c16], %[[MASK]]
func.func @elementwise(%x: memref<19xf32>, %y: memref<19xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
    ins(%x : memref<19xf32>) outs(%y : memref<19xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A size known at run time: the tail is computed if there is one.

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @symbolic
// CHECK:         %[[N:.*]] = memref.dim
// CHECK:         %[[REST:.*]] = arith.remui %[[N]], %c8
// CHECK:         scf.for
// CHECK:         scf.if
// CHECK:           arith.cmpi slt
// CHECK:           vector.maskedstore
func.func @symbolic(%x: memref<?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
    ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// A row reduction is carried in a vector, whose lanes are combined at the end.

#in = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func.func @rows
// CHECK:         %[[NEUTRAL:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK:         %[[SUM:.*]] = scf.for {{.*}} iter_args(%[[ACC:.*]] = %[[NEUTRAL]])
// CHECK:           arith.addf %[[ACC]]
// CHECK:         vector.shuffle %[[SUM]], %[[SUM]] [0, 1, 2, 3]
// CHECK:         memref.store
func.func @rows(%x: memref<4x16xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<4x16xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A column reduction keeps a vector of columns and runs over the rows inside.

#in = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>

// CHECK-LABEL: func.func @columns
// CHECK-SAME:    (%[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<8xf32>)
// CHECK:         %[[START:.*]] = vector.load %[[Y]]
// CHECK:         %[[SUM:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[START]])
// CHECK:           vector.load %[[X]]
// CHECK:         vector.store %[[SUM]], %[[Y]]
func.func @columns(%x: memref<4x8xf32>, %y: memref<8xf32>) {
  linalg.generic {indexing_maps = [#in, #column], iterator_types = ["reduction", "parallel"]}
    ins(%x : memref<4x8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A transposition has no loop along which all operands are contiguous: scalars.

#in = affine_map<(i, j) -> (j, i)>
#out = affine_map<(i, j) -> (i, j)>

// CHECK-LABEL: func.func @transpose
// CHECK-NOT:     vector
// CHECK:         memref.load
// CHECK:         memref.store
func.func @transpose(%x: memref<4x8xf32>, %y: memref<8x4xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<4x8xf32>) outs(%y : memref<8x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// One element is left over: it is stored as a scalar (see Access::store).

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @one_left
// CHECK-NOT:     vector.maskedstore
// CHECK:         %[[LAST:.*]] = vector.extract
// CHECK:         memref.store %[[LAST]]
func.func @one_left(%x: memref<9xf32>, %y: memref<9xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
    ins(%x : memref<9xf32>) outs(%y : memref<9xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}
