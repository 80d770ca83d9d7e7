// RUN: mlc-opt --pass-pipeline="builtin.module(mlc-share-kernels{least=2})" --split-input-file %s | FileCheck %s

// Two layers of other widths and depths, of one row, with panels of 64 columns: both leave 16
// columns for the last panel. The kernel is given columns, depth and number of panels.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 64, k, n mod 64)>
#out = affine_map<(m, n, k) -> (m, n)>
#bias = affine_map<(m, n) -> (n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[X:.*]]: memref<1x300xf32>, %[[W0:.*]]: memref<4x300x64xf32>,
// CHECK-DAG:     %[[ROW:.*]] = memref.cast %[[X]] : memref<1x300xf32> to memref<1x?xf32>
// CHECK-DAG:     %[[PANELS:.*]] = memref.cast %[[W0]] : memref<4x300x64xf32> to memref<?x?x64xf32>
// CHECK-DAG:     %[[N:.*]] = arith.constant 208 : index
// CHECK-DAG:     %[[K:.*]] = arith.constant 300 : index
// CHECK-DAG:     %[[P:.*]] = arith.constant 4 : index
// CHECK:         call @kernel_0(%[[ROW]], %[[PANELS]], %{{.*}}, %{{.*}}, %[[N]], %[[K]], %[[P]]) {mlc.kernel = 0 : i64}
// CHECK:         call @kernel_0(
// CHECK-SAME:      {mlc.kernel = 1 : i64}
func.func @run(%x: memref<1x300xf32>, %w0: memref<4x300x64xf32>, %b0: memref<208xf32>, %h: memref<1x208xf32>,
               %w1: memref<2x208x64xf32>, %b1: memref<80xf32>, %y: memref<1x80xf32>) {
  call @kernel_0(%x, %w0, %b0, %h) {mlc.kernel = 0 : i64} : (memref<1x300xf32>, memref<4x300x64xf32>, memref<208xf32>, memref<1x208xf32>) -> ()
  call @kernel_1(%h, %w1, %b1, %y) {mlc.kernel = 1 : i64} : (memref<1x208xf32>, memref<2x208x64xf32>, memref<80xf32>, memref<1x80xf32>) -> ()
  return
}

// CHECK:         func.func private @kernel_0(%{{.*}}: memref<1x?xf32>, %{{.*}}: memref<?x?x64xf32>, %{{.*}}: memref<?xf32>, %{{.*}}: memref<1x?xf32>, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index)
// CHECK-SAME:      mlc.sizes = [array<i64: 5>, array<i64: 6, 5>, array<i64: 4>, array<i64: 4>]
// CHECK:           linalg.fill
// CHECK:           linalg.generic
// CHECK-SAME:        mlc.form = {bytes_ahead = 0 : i64, bytes_ahead_of_rest = 0 : i64, cuts_depth = 0 : i64, many_panels = 0 : i64, odd_columns = 16 : i64, odd_depth = 0 : i64, sums = 1 : i64}
// CHECK-NOT:     @kernel_1
func.func private @kernel_0(%x: memref<1x300xf32>, %w: memref<4x300x64xf32>, %b: memref<208xf32>, %y: memref<1x208xf32>) attributes {mlc.kind = "contraction"} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<1x208xf32>)
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1x300xf32>, memref<4x300x64xf32>) outs(%y : memref<1x208xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#bias, #id], iterator_types = ["parallel", "parallel"]}
    ins(%b : memref<208xf32>) outs(%y : memref<1x208xf32>) {
  ^bb0(%l: f32, %acc: f32):
    %0 = arith.addf %acc, %l : f32
    linalg.yield %0 : f32
  }
  return
}
func.func private @kernel_1(%x: memref<1x208xf32>, %w: memref<2x208x64xf32>, %b: memref<80xf32>, %y: memref<1x80xf32>) attributes {mlc.kind = "contraction"} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<1x80xf32>)
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1x208xf32>, memref<2x208x64xf32>) outs(%y : memref<1x80xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#bias, #id], iterator_types = ["parallel", "parallel"]}
    ins(%b : memref<80xf32>) outs(%y : memref<1x80xf32>) {
  ^bb0(%l: f32, %acc: f32):
    %0 = arith.addf %acc, %l : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Rows of any number are a size, too, which the driver is given. Of three, the one whose last
// panel is whole stays as it is.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 48, k, n mod 48)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-SAME:    %[[M:[^ ]*]]: index
// CHECK:         call @kernel_0(%{{.*}}, %{{.*}}, %{{.*}}, %[[M]], %{{.*}}, %{{.*}}, %{{.*}}) :
// CHECK:         call @kernel_1(%{{.*}}, %{{.*}}, %{{.*}}) :
// CHECK:         call @kernel_0(
func.func @run(%x: memref<?x100xf32>, %w0: memref<2x100x48xf32>, %h: memref<?x64xf32>, %w1: memref<2x64x48xf32>, %i: memref<?x96xf32>,
               %w2: memref<3x96x48xf32>, %y: memref<?x112xf32>, %m: index) {
  call @kernel_0(%x, %w0, %h) : (memref<?x100xf32>, memref<2x100x48xf32>, memref<?x64xf32>) -> ()
  call @kernel_1(%h, %w1, %i) : (memref<?x64xf32>, memref<2x64x48xf32>, memref<?x96xf32>) -> ()
  call @kernel_2(%i, %w2, %y) : (memref<?x96xf32>, memref<3x96x48xf32>, memref<?x112xf32>) -> ()
  return
}

// CHECK:         func.func private @kernel_0(%{{.*}}: memref<?x?xf32>, %{{.*}}: memref<?x?x48xf32>, %{{.*}}: memref<?x?xf32>,
// CHECK-SAME:      mlc.sizes = [array<i64: 3, 5>, array<i64: 6, 5>, array<i64: 3, 4>]
// CHECK:         func.func private @kernel_1(%{{.*}}: memref<?x64xf32>, %{{.*}}: memref<2x64x48xf32>, %{{.*}}: memref<?x96xf32>) attributes {mlc.kind
// CHECK-NOT:     func.func
func.func private @kernel_0(%x: memref<?x100xf32>, %w: memref<2x100x48xf32>, %y: memref<?x64xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<?x100xf32>, memref<2x100x48xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
func.func private @kernel_1(%x: memref<?x64xf32>, %w: memref<2x64x48xf32>, %y: memref<?x96xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<?x64xf32>, memref<2x64x48xf32>) outs(%y : memref<?x96xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
func.func private @kernel_2(%x: memref<?x96xf32>, %w: memref<3x96x48xf32>, %y: memref<?x112xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<?x96xf32>, memref<3x96x48xf32>) outs(%y : memref<?x112xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// A residual of the shape of the left-hand side: its columns are the depth and the columns, so
// the layer keeps its constants. So does a product that is over in less time than sizes cost.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 64, k, n mod 64)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     mlc.sizes
func.func @run(%x: memref<1x256xf32>, %w0: memref<4x256x64xf32>, %y: memref<1x256xf32>, %w1: memref<8x512x64xf32>, %z: memref<1x512xf32>) {
  call @residual_0(%x, %w0, %y) : (memref<1x256xf32>, memref<4x256x64xf32>, memref<1x256xf32>) -> ()
  call @residual_1(%z, %w1, %z) : (memref<1x512xf32>, memref<8x512x64xf32>, memref<1x512xf32>) -> ()
  return
}
func.func private @residual_0(%x: memref<1x256xf32>, %w: memref<4x256x64xf32>, %y: memref<1x256xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1x256xf32>, memref<4x256x64xf32>) outs(%y : memref<1x256xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<1x256xf32>) outs(%y : memref<1x256xf32>) {
  ^bb0(%l: f32, %acc: f32):
    %0 = arith.addf %acc, %l : f32
    linalg.yield %0 : f32
  }
  return
}
func.func private @residual_1(%x: memref<1x512xf32>, %w: memref<8x512x64xf32>, %y: memref<1x512xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1x512xf32>, memref<8x512x64xf32>) outs(%y : memref<1x512xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<1x512xf32>) outs(%y : memref<1x512xf32>) {
  ^bb0(%l: f32, %acc: f32):
    %0 = arith.addf %acc, %l : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// So does one whose epilogue reads an operand in groups of columns: those are no panels.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 64, k, n mod 64)>
#out = affine_map<(m, n, k) -> (m, n)>
#groups = affine_map<(m, n) -> (m, n floordiv 4)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     mlc.sizes
func.func @run(%x: memref<1x300xf32>, %w: memref<4x300x64xf32>, %g: memref<1x64xf32>, %y: memref<1x256xf32>,
               %v: memref<7x256x64xf32>, %h: memref<1x112xf32>, %z: memref<1x448xf32>) {
  call @groups_0(%x, %w, %g, %y) : (memref<1x300xf32>, memref<4x300x64xf32>, memref<1x64xf32>, memref<1x256xf32>) -> ()
  call @groups_1(%y, %v, %h, %z) : (memref<1x256xf32>, memref<7x256x64xf32>, memref<1x112xf32>, memref<1x448xf32>) -> ()
  return
}
func.func private @groups_0(%x: memref<1x300xf32>, %w: memref<4x300x64xf32>, %g: memref<1x64xf32>, %y: memref<1x256xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1x300xf32>, memref<4x300x64xf32>) outs(%y : memref<1x256xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#groups, #id], iterator_types = ["parallel", "parallel"]}
    ins(%g : memref<1x64xf32>) outs(%y : memref<1x256xf32>) {
  ^bb0(%l: f32, %acc: f32):
    %0 = arith.addf %acc, %l : f32
    linalg.yield %0 : f32
  }
  return
}
func.func private @groups_1(%x: memref<1x256xf32>, %w: memref<7x256x64xf32>, %g: memref<1x112xf32>, %y: memref<1x448xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1x256xf32>, memref<7x256x64xf32>) outs(%y : memref<1x448xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#groups, #id], iterator_types = ["parallel", "parallel"]}
    ins(%g : memref<1x112xf32>) outs(%y : memref<1x448xf32>) {
  ^bb0(%l: f32, %acc: f32):
    %0 = arith.addf %acc, %l : f32
    linalg.yield %0 : f32
  }
  return
}
