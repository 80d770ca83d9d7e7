// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-vectorize-kernels{vector-bits=256},cse))" --split-input-file %s | FileCheck %s

// Four whole vectors at a time in a loop, then the rest, masked.

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @elementwise
// CHECK-SAME:    (%[[X:.*]]: memref<67xf32>, %[[Y:.*]]: memref<67xf32>)
// CHECK:         scf.for %[[I:.*]] = %c0 to %c64 step %c32
// CHECK:           %[[V:.*]] = vector.load %[[X]][%[[I]]] : memref<67xf32>, vector<8xf32>
// CHECK:           %[[S:.*]] = arith.addf %[[V]], %[[V]] : vector<8xf32>
// CHECK-COUNT-3:   vector.load
// CHECK:           vector.store %[[S]], %[[Y]][%[[I]]]
// CHECK-COUNT-3:   vector.store
// CHECK:         } {mlc.independent}
// CHECK:         %[[MASK:.*]] = arith.constant dense<[true, true, true, false, false, false, false, false]>
// CHECK:         vector.maskedload %[[X]][%c64], %[[MASK]]
// CHECK:         vector.maskedstore %[[Y]][%c64], %[[MASK]]
func.func @elementwise(%x: memref<67xf32>, %y: memref<67xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
    ins(%x : memref<67xf32>) outs(%y : memref<67xf32>) {
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

// A row reduction is carried in four vectors, which are combined in pairs, and so are
// the lanes of the last one.

#in = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func.func @rows
// CHECK:         %[[NEUTRAL:.*]] = arith.constant dense<-0.000000e+00> : vector<8xf32>
// CHECK:         %[[SUM:.*]]:4 = scf.for {{.*}} iter_args(%[[A:.*]] = %[[NEUTRAL]], %[[B:.*]] = %[[NEUTRAL]], %[[C:.*]] = %[[NEUTRAL]], %[[D:.*]] = %[[NEUTRAL]])
// CHECK:           arith.addf %[[A]]
// CHECK:           arith.addf %[[B]]
// CHECK:           arith.addf %[[C]]
// CHECK:           arith.addf %[[D]]
// CHECK:         %[[LEFT:.*]] = arith.addf %[[SUM]]#0, %[[SUM]]#1
// CHECK:         %[[RIGHT:.*]] = arith.addf %[[SUM]]#2, %[[SUM]]#3
// CHECK:         %[[ALL:.*]] = arith.addf %[[LEFT]], %[[RIGHT]]
// CHECK:         vector.shuffle %[[ALL]], %[[ALL]] [0, 1, 2, 3]
// CHECK:         memref.store
func.func @rows(%x: memref<4x64xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<4x64xf32>) outs(%y : memref<4xf32>) {
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

// -----

// Ops that need of each other what is in the same row share the loop over rows. Inside of
// it what needs the vector that is there shares the loop over vectors: the sum takes the
// products before they are loaded again. An element per row is taken from a register. Rows
// that wait for sums come in pairs, of which each step has both; one that is left is alone.

#in = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func.func @row_by_row
// CHECK-SAME:    (%[[X:.*]]: memref<?x32xf32>, %[[M:.*]]: memref<?xf32>, %[[P:.*]]: memref<?x32xf32>, %[[S:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?x32xf32>)
// CHECK:         %[[N:.*]] = memref.dim
// CHECK:         %[[ODD:.*]] = arith.remui %[[N]], %c2
// CHECK:         %[[WHOLE:.*]] = arith.subi %[[N]], %[[ODD]]
// CHECK:         scf.for %[[I:.*]] = %c0 to %[[WHOLE]] step %c2
// CHECK:           %[[J:.*]] = arith.addi %[[I]], %c1
// CHECK:           memref.store %{{.*}}, %[[M]][%[[I]]]
// CHECK-NEXT:      memref.store %{{.*}}, %[[M]][%[[J]]]
// CHECK-NEXT:      memref.store %{{.*}}, %[[S]][%[[I]]]
// CHECK-NEXT:      memref.store %{{.*}}, %[[S]][%[[J]]]
// CHECK:           vector.load %[[X]][%[[I]], %c0]
// CHECK:           vector.load %[[X]][%[[J]], %c0]
// CHECK:           %[[MAX:.*]] = arith.maximumf {{.*}} : f32
// CHECK-NEXT:      memref.store %[[MAX]], %[[M]][%[[I]]]
// CHECK:           %[[OTHER:.*]] = arith.maximumf {{.*}} : f32
// CHECK-NEXT:      memref.store %[[OTHER]], %[[M]][%[[J]]]
// CHECK-NOT:       memref.load
// CHECK:           %[[MAXES:.*]] = vector.broadcast %[[MAX]]
// CHECK:           %[[OTHERS:.*]] = vector.broadcast %[[OTHER]]
// CHECK:           %[[V:.*]] = vector.load %[[X]][%[[I]], %c0]
// CHECK:           %[[PRODUCT:.*]] = arith.mulf %[[V]], %[[MAXES]]
// CHECK:           %[[W:.*]] = vector.load %[[X]][%[[J]], %c0]
// CHECK:           arith.mulf %[[W]], %[[OTHERS]]
// CHECK-COUNT-3:   vector.load %[[X]][%[[J]],
// CHECK-NOT:       vector.load
// CHECK:           arith.addf %{{.*}}, %[[PRODUCT]]
// CHECK:           vector.store %[[PRODUCT]], %[[P]][%[[I]], %c0]
// CHECK:           vector.store %{{.*}}, %[[P]][%[[J]], %c0]
// CHECK:           %[[SUM:.*]] = arith.addf {{.*}} : f32
// CHECK:           vector.broadcast %[[SUM]]
// CHECK:           vector.load %[[P]][%[[I]], %c0]
// CHECK:           vector.load %[[P]][%[[J]], %c0]
// CHECK:           vector.store %{{.*}}, %[[Y]][%[[I]], %c0]
// CHECK:         } {mlc.independent}
// CHECK:         scf.for %[[LAST:.*]] = %[[WHOLE]] to %[[N]] step %c1
// CHECK:           vector.store %{{.*}}, %[[Y]][%[[LAST]], %c0]
// CHECK:         } {mlc.independent}
// CHECK-NOT:     scf.for
// CHECK:         return
func.func @row_by_row(%x: memref<?x32xf32>, %m: memref<?xf32>, %p: memref<?x32xf32>, %s: memref<?xf32>, %y: memref<?x32xf32>) {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%lowest : f32) outs(%m : memref<?xf32>)
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<?x32xf32>) outs(%m : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.maximumf %b, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#in, #row, #in], iterator_types = ["parallel", "parallel"]}
    ins(%x, %m : memref<?x32xf32>, memref<?xf32>) outs(%p : memref<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  }
  linalg.fill ins(%zero : f32) outs(%s : memref<?xf32>)
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%p : memref<?x32xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#in, #row, #in], iterator_types = ["parallel", "parallel"]}
    ins(%p, %s : memref<?x32xf32>, memref<?xf32>) outs(%y : memref<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// What reads another row than is written in the same iteration has a loop of its own.

#in = affine_map<(i, j) -> (i, j)>
#first = affine_map<(i, j) -> (0, j)>

// CHECK-LABEL: func.func @other_row
// CHECK-COUNT-2: scf.for
// CHECK:         return
func.func @other_row(%x: memref<4x8xf32>, %y: memref<4x8xf32>, %z: memref<4x8xf32>) {
  linalg.generic {indexing_maps = [#in, #in], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#first, #in], iterator_types = ["parallel", "parallel"]}
    ins(%y : memref<4x8xf32>) outs(%z : memref<4x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

// An even number of rows leaves none, an odd one the last; one row is no pair.

#in = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func.func @even
// CHECK:         scf.for %{{.*}} = %c0 to %c4 step %c2
// CHECK:         } {mlc.independent}
// CHECK-NOT:     scf.for
// CHECK:         return
func.func @even(%x: memref<4x8xf32>, %y: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<4xf32>)
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<4x8xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func.func @odd
// CHECK:         scf.for %{{.*}} = %c0 to %c4 step %c2
// CHECK:         } {mlc.independent}
// CHECK-NOT:     scf.for
// CHECK:         memref.store %{{.*}}, %{{.*}}[%c4]
// CHECK:         return
func.func @odd(%x: memref<5x8xf32>, %y: memref<5xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<5xf32>)
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<5x8xf32>) outs(%y : memref<5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func.func @one_row
// CHECK-NOT:     scf.for
// CHECK:         return
func.func @one_row(%x: memref<1x8xf32>, %y: memref<1xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<1xf32>)
  linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<1x8xf32>) outs(%y : memref<1xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}
