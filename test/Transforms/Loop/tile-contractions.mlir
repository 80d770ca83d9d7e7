// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-tile-contractions{vector-bits=512 vector-registers=32},cse))" --split-input-file %s | FileCheck %s
// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-tile-contractions{block-k=4},cse))" --split-input-file %s | FileCheck %s --check-prefix=BLOCKS

// Packed panels of two vectors, one whole and one odd; 14 rows would fit, 8 are
// the most. The epilogue (relu) is computed on the accumulators.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 32, k, n mod 32)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @packed
// CHECK-SAME:    (%[[A:.*]]: memref<9x9xf32>, %[[B:.*]]: memref<2x9x32xf32>, %[[C:.*]]: memref<9x40xf32>)
// CHECK-NOT:     linalg
// One whole panel: no mask. A tile of 8 rows and one of the row that is left.
// CHECK:         scf.for {{.*}} iter_args
// CHECK-COUNT-2:   vector.load %[[B]]
// CHECK-COUNT-8:   memref.load %[[A]]
// CHECK:         vector.store %{{.*}}, %[[C]]
// The odd panel: its 8 columns are one vector of which half is stored.
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           vector.load %[[B]]
// CHECK:           vector.fma
// CHECK:         arith.constant dense<[true, true, true, true, true, true, true, true, false, false, false, false, false, false, false, false]>
// CHECK:         %[[KEEP:.*]] = arith.cmpf ugt
// CHECK:         %[[RELU:.*]] = arith.select %[[KEEP]]
// CHECK:         vector.maskedstore %[[C]][{{.*}}], %{{.*}}, %[[RELU]]
// CHECK:         return

// Blocks of 4 of the 9: the first starts from zero, the next from the partial sums
// in the output; the epilogue follows the last.
// BLOCKS-LABEL: func.func @packed
// BLOCKS-SAME:    %[[C:[^:]*]]: memref<9x40xf32>)
// BLOCKS:         %[[FIRST:.*]] = arith.cmpi eq
// BLOCKS:         %[[LAST:.*]] = arith.cmpi uge
// BLOCKS:         scf.if %[[FIRST]]
// BLOCKS:         } else {
// BLOCKS:           vector.load %[[C]]
// BLOCKS:         scf.if %[[LAST]]
// BLOCKS:           arith.cmpf ugt
// BLOCKS:         } else {
// BLOCKS-NOT:       arith.cmpf
// BLOCKS:           vector.store
func.func @packed(%a: memref<9x9xf32>, %b: memref<2x9x32xf32>, %c: memref<9x40xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<9x40xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<9x9xf32>, memref<2x9x32xf32>) outs(%c : memref<9x40xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%c : memref<9x40xf32>) {
  ^bb0(%x: f32):
    %0 = arith.cmpf ugt, %x, %zero : f32
    %1 = arith.select %0, %x, %zero : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Columns that are not contiguous in the right-hand side are refused.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @transposed
// CHECK:         linalg.generic
// BLOCKS-LABEL: func.func @transposed
// BLOCKS:         linalg.generic
func.func @transposed(%a: memref<4x8xf32>, %b: memref<4x8xf32>, %c: memref<4x4xf32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<4x8xf32>, memref<4x8xf32>) outs(%c : memref<4x4xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Rows of any number: in cache blocks of 128, tiles of 8, and one or two of the rest. While a
// panel is computed on, the next one is fetched; 16 bytes at each k by each of the 16 tiles.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 48, k, n mod 48)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @blocks_of_rows
// CHECK-SAME:    (%[[A:.*]]: memref<?x512xf32>, %[[B:.*]]: memref<3x512x48xf32>, %[[C:.*]]: memref<?x144xf32>)
// CHECK:         scf.for %[[BLOCK:.*]] = %c0 to %{{.*}} step %c128 {
// CHECK:           scf.for %[[PANEL:.*]] = %c0 to %c3 step %c1 {
// CHECK:             scf.for %[[ROW:.*]] = %[[BLOCK]] to %{{.*}} step %c8 {
// CHECK:               %[[ALL:.*]] = memref.collapse_shape %[[B]]
// CHECK:               %[[AFTER:.*]] = arith.addi %[[PANEL]], %c1
// CHECK:               %[[IS_LAST:.*]] = arith.cmpi eq, %[[AFTER]], %c3
// CHECK:               arith.select %[[IS_LAST]], %c0, %[[AFTER]]
// CHECK:               arith.divui %[[ROW]], %c8
// CHECK:               scf.for %[[K:.*]] = %c0 to %c512
// CHECK:                 %[[OFFSET:.*]] = arith.muli %[[K]], %c4
// CHECK:                 %[[AT:.*]] = arith.addi %{{.*}}, %[[OFFSET]]
// CHECK:                 memref.prefetch %[[ALL]][%[[AT]]], read, locality<2>, data
// CHECK-COUNT-24:        vector.fma
// CHECK:             %[[IS_SEVEN:.*]] = arith.cmpi eq, %[[FIRST:.*]], %c7
// CHECK:             %[[SEVEN:.*]] = arith.select %[[IS_SEVEN]], %c7, %c0
// CHECK:             arith.cmpi eq, %[[SECOND:.*]], %c7
// CHECK:             %[[MORE:.*]] = arith.addi %[[SEVEN]], %{{.*}}
// CHECK:             %[[NEXT:.*]] = arith.addi %[[LAST:.*]], %[[MORE]]
// CHECK:             scf.for %{{.*}} = %[[LAST]] to %[[NEXT]] step %c7 {
// CHECK-COUNT-21:      vector.fma
// CHECK:             arith.cmpi eq, %[[FIRST]], %c6
// CHECK:             arith.cmpi eq, %[[SECOND]], %c6
// CHECK:             scf.for %{{.*}} = %[[NEXT]] to %{{.*}} step %c6 {
// CHECK-COUNT-18:      vector.fma
// CHECK:             scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c1 {
// CHECK-COUNT-3:       vector.fma
// CHECK:           } {mlc.independent}
// CHECK:         } {mlc.independent}
// CHECK-NOT:     memref.prefetch
func.func @blocks_of_rows(%a: memref<?x512xf32>, %b: memref<3x512x48xf32>, %c: memref<?x144xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<?x144xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<?x512xf32>, memref<3x512x48xf32>) outs(%c : memref<?x144xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Columns of the right-hand side lie apart, as of a transposed one: each panel is gathered on
// the stack, with zeros up to a whole vector, before the rows are computed on it.

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @transposed
// CHECK-SAME:    (%[[A:.*]]: memref<16x8xf32>, %[[B:.*]]: memref<50x8xf32>, %[[C:.*]]: memref<16x50xf32>)
// CHECK:         %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64} : memref<8x48xf32>
// CHECK:         scf.for %[[I:.*]] = %c0 to %c48
// CHECK:           scf.for %[[K:.*]] = %c0 to %c8
// CHECK:             %[[X:.*]] = memref.load %[[B]][%{{.*}}, %[[K]]]
// CHECK:             memref.store %[[X]], %[[PANEL]][%[[K]], %[[I]]]
// CHECK:         vector.load %[[PANEL]]
// CHECK-COUNT-24: vector.fma
// CHECK:         scf.for %{{.*}} = %c0 to %c2
// CHECK-COUNT-14: memref.store %{{.*}}, %[[PANEL]]
// CHECK:         vector.load %[[PANEL]]
// CHECK-COUNT-8: vector.fma
func.func @transposed(%a: memref<16x8xf32>, %b: memref<50x8xf32>, %c: memref<16x50xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<16x50xf32>)
  linalg.generic {indexing_maps = [#a, #bt, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<16x8xf32>, memref<50x8xf32>) outs(%c : memref<16x50xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Sizes that are numbers, as mlc-share-kernels makes them: what is computed of a sum, whose buffer is asked for
// its size, too, is still computed before the sum is stored. A row's beginning is a number of its own.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 32, k, n mod 32)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @given
// CHECK-SAME:    (%[[A:.*]]: memref<2x?xf32>, %[[B:.*]]: memref<?x?x32xf32>, %[[C:.*]]: memref<2x?xf32>)
// CHECK-NOT:     linalg
// CHECK:         arith.divui %{{.*}}, %c32
// CHECK-COUNT-3: llvm.freeze
// CHECK:         scf.for {{.*}} iter_args
// CHECK-COUNT-4:   vector.fma
// CHECK:         arith.cmpf ugt
// CHECK:         vector.store %{{.*}}, %[[C]]
// CHECK-NOT:     linalg
// CHECK:         return
func.func @given(%a: memref<2x?xf32>, %b: memref<?x?x32xf32>, %c: memref<2x?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<2x?xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"],
                  mlc.form = {bytes_ahead = 0 : i64, bytes_ahead_of_rest = 0 : i64, cuts_depth = 0 : i64, many_panels = 0 : i64, odd_columns = 0 : i64, odd_depth = 0 : i64, sums = 1 : i64}}
    ins(%a, %b : memref<2x?xf32>, memref<?x?x32xf32>) outs(%c : memref<2x?xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%c : memref<2x?xf32>) {
  ^bb0(%x: f32):
    %0 = arith.cmpf ugt, %x, %zero : f32
    %1 = arith.select %0, %x, %zero : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Columns of one vector: four sums of each element go on side by side, of which one has what is left of k.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @few_columns
// CHECK-SAME:    attributes {mlc.strategy = "tiles of 2 x 16, vectors of 16, 4 sums of each element, packed right-hand side"}
// CHECK:         %[[SUMS:.*]]:8 = scf.for {{.*}} = %c0 to %c64 step %c4 iter_args
// CHECK-COUNT-8:   vector.fma
// CHECK:         %[[ALL:.*]]:8 = scf.for {{.*}} = %c64 to %c66 step %c1 iter_args({{.*}} = %[[SUMS]]#0
// CHECK-COUNT-2:   vector.fma
// CHECK-NOT:       vector.fma
// CHECK:         %[[X:.*]] = arith.addf %[[ALL]]#0, %[[ALL]]#4
// CHECK:         %[[Y:.*]] = arith.addf %[[ALL]]#2, %[[ALL]]#6
// CHECK:         arith.addf %[[X]], %[[Y]]
func.func @few_columns(%a: memref<2x66xf32>, %b: memref<1x66x16xf32>, %c: memref<2x10xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<2x10xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x66xf32>, memref<1x66x16xf32>) outs(%c : memref<2x10xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// So few products that their code needs no loop.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @few_products
// CHECK-NOT:     scf.for
// CHECK-COUNT-9: vector.fma
// CHECK-NOT:     scf.for
// CHECK:         arith.addf
// CHECK:         return
func.func @few_products(%a: memref<1x9xf32>, %b: memref<9x16xf32>, %c: memref<1x16xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<1x16xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<1x9xf32>, memref<9x16xf32>) outs(%c : memref<1x16xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// Few rows, and columns from far away: while a panel is computed on, all of the next one is fetched.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 64, k, n mod 64)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @few_rows
// CHECK:         scf.for %{{.*}} = %c0 to %c16 step %c1 {
// CHECK:           scf.for %{{.*}} = %c0 to %c1024
// CHECK-COUNT-4:     memref.prefetch %{{.*}}, read, locality<2>, data
// CHECK-NOT:         memref.prefetch
// CHECK-COUNT-12:    vector.fma
func.func @few_rows(%a: memref<3x1024xf32>, %b: memref<16x1024x64xf32>, %c: memref<3x1024xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<3x1024xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<3x1024xf32>, memref<16x1024x64xf32>) outs(%c : memref<3x1024xf32>) {
  ^bb0(%x: f32, %y: f32, %acc: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
