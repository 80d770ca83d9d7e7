// RUN: mlc-opt --pass-pipeline='builtin.module(mlc-chain-kernels{l2-bytes=65536 grain=1024})' --split-input-file %s | FileCheck %s

// Two layers of 16 columns, 16 instructions a row each (and 2 of the epilogue), for as many rows as the
// caller has. What lies between them is written to the rows where a piece begins. 28 rows are a thread's
// grain of 1024 instructions, and a multiple of eight that.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK:       function = "layer", kind = "contraction"
// CHECK-SAME:    {bytes = array<i64: 2048, 128>, driver = "run", function = "chain_0", kind = "chain", operations = array<i64: 2, 10>, ops = [], reason = "third"}]
// CHECK-LABEL: func.func @run
// CHECK-SAME:      (%[[X:.*]]: memref<?x16xf32>, %[[W0:.*]]: memref<1x16x16xf32>, %[[W1:.*]]: memref<1x16x16xf32>, %[[Y:.*]]: memref<?x16xf32>
// CHECK:         %[[N:.*]] = memref.dim %[[X]]
// CHECK:         %[[H:.*]] = memref.alloc(%[[N]]) : memref<?x16xf32>
// CHECK-NEXT:    call @chain_0(%[[X]], %[[W0]], %[[H]], %[[W1]], %[[Y]]) {mlc.kernel = 4 : i64}
// CHECK-NEXT:    call @other(%[[Y]]) {mlc.kernel = 3 : i64}
// CHECK-NEXT:    return

// CHECK-LABEL: func.func private @chain_0_rows
// CHECK-SAME:      (%[[X:.*]]: memref<?x16xf32>, %[[W0:.*]]: memref<1x16x16xf32>, %[[H:.*]]: memref<?x16xf32>, %[[W1:.*]]: memref<1x16x16xf32>, %[[Y:.*]]: memref<?x16xf32>, %[[FROM:.*]]: index, %[[TO:.*]]: index) attributes {mlc.kind = "chain"}
// CHECK:         %[[BLOCK:.*]] = arith.muli %{{.*}}, %c24
// CHECK-NEXT:    scf.for %[[R:.*]] = %[[FROM]] to %[[TO]] step %[[BLOCK]] {
// CHECK-NEXT:      %[[LEFT:.*]] = arith.subi %[[TO]], %[[R]] : index
// CHECK-NEXT:      %[[SIZE:.*]] = arith.minui %[[BLOCK]], %[[LEFT]] : index
// CHECK-NEXT:      %[[X0:.*]] = mlc.rows %[[X]][%[[R]]] size %[[SIZE]] : memref<?x16xf32> -> memref<?x16xf32>
// CHECK-NEXT:      %[[H0:.*]] = mlc.rows %[[H]][%[[FROM]]] size %[[SIZE]] : memref<?x16xf32> -> memref<?x16xf32>
// CHECK-NEXT:      func.call @layer(%[[X0]], %[[W0]], %[[H0]]) {mlc.kernel = 1 : i64, mlc.work = 2592 : i64}
// CHECK-NEXT:      %[[H1:.*]] = mlc.rows %[[H]][%[[FROM]]] size %[[SIZE]]
// CHECK-NEXT:      %[[Y1:.*]] = mlc.rows %[[Y]][%[[R]]] size %[[SIZE]]
// CHECK-NEXT:      func.call @layer(%[[H1]], %[[W1]], %[[Y1]]) {mlc.kernel = 2 : i64, mlc.work = 2592 : i64}

// CHECK-LABEL: func.func private @chain_0(
// CHECK-SAME:    mlc.strategy = "2 kernels for blocks of about 96 rows; pieces for threads from 114 rows on"
// CHECK:         %[[N:.*]] = memref.dim
// CHECK-NEXT:    %[[LEAST:.*]] = arith.constant 114 : index
// CHECK-NEXT:    %[[SHORT:.*]] = arith.cmpi ult, %[[N]], %[[LEAST]] : index
// CHECK:         %[[ALL:.*]] = arith.maxui %[[N]], %c1
// CHECK-NEXT:    %[[PIECE:.*]] = arith.constant 32 : index
// CHECK-NEXT:    %[[CHUNK:.*]] = arith.select %[[SHORT]], %[[ALL]], %[[PIECE]] : index
// CHECK:         mlc.parallel_for @chain_0_rows(%{{.*}}) from %c0{{.*}} to %[[N]] by %[[CHUNK]]

// A kernel of the chain is not cut for threads, nor looks whether the host wants more.
// CHECK:       func.func private @layer({{.*}}) attributes {mlc.kind = "contraction", mlc.short}

// The chain has an entry of its own, and its kernels say so. What lies between costs it no bytes: 64 to be
// written, and as many to be read.
module attributes {mlc.kernels = [
    {bytes = array<i64: 7, 0>, driver = "run", function = "other", kind = "data", operations = array<i64: 0, 0>, ops = [], reason = "first"},
    {bytes = array<i64: 1024, 128>, driver = "run", function = "layer", kind = "contraction", operations = array<i64: 1, 5>, ops = ["a"], reason = "second"},
    {bytes = array<i64: 1024, 128>, driver = "run", function = "layer", kind = "contraction", operations = array<i64: 1, 5>, ops = ["b"], reason = "third"},
    {bytes = array<i64: 9, 0>, driver = "run", function = "other", kind = "data", operations = array<i64: 0, 0>, ops = [], reason = "fourth"}]} {
  func.func @run(%x: memref<?x16xf32>, %w0: memref<1x16x16xf32>, %w1: memref<1x16x16xf32>, %y: memref<?x16xf32>) {
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?x16xf32>
    %h = memref.alloc(%n) : memref<?x16xf32>
    call @other(%x) {mlc.kernel = 0 : i64} : (memref<?x16xf32>) -> ()
    call @layer(%x, %w0, %h) {mlc.kernel = 1 : i64} : (memref<?x16xf32>, memref<1x16x16xf32>, memref<?x16xf32>) -> ()
    call @layer(%h, %w1, %y) {mlc.kernel = 2 : i64} : (memref<?x16xf32>, memref<1x16x16xf32>, memref<?x16xf32>) -> ()
    call @other(%y) {mlc.kernel = 3 : i64} : (memref<?x16xf32>) -> ()
    return
  }
  func.func private @other(memref<?x16xf32>) attributes {mlc.kind = "data"}
  func.func private @layer(%x: memref<?x16xf32>, %w: memref<1x16x16xf32>, %y: memref<?x16xf32>) attributes {mlc.kind = "contraction"} {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%y : memref<?x16xf32>)
    linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x16xf32>, memref<1x16x16xf32>) outs(%y : memref<?x16xf32>) {
    ^bb0(%l: f32, %r: f32, %acc: f32):
      %0 = arith.mulf %l, %r : f32
      %1 = arith.addf %acc, %0 : f32
      linalg.yield %1 : f32
    }
    linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%y : memref<?x16xf32>) {
    ^bb0(%acc: f32):
      %0 = arith.negf %acc : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

// A known number of rows is cut into equal blocks of whole tiles, 136 is the largest such of 2040. Of four
// layers, what lies between them takes turns in two places.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK:         %[[A:.*]] = memref.alloc() : memref<2040x16xf32>
// CHECK-NEXT:    %[[B:.*]] = memref.alloc() : memref<2040x16xf32>
// CHECK-NEXT:    call @chain_0(%{{.*}}, %{{.*}}, %[[A]], %[[B]], %{{.*}})
// CHECK-NEXT:    return
// CHECK-LABEL: func.func private @chain_0_rows
// CHECK:         %[[BLOCK:.*]] = arith.constant 136 : index
// CHECK-NEXT:    scf.for %{{.*}} = %[[FROM:.*]] to %{{.*}} step %[[BLOCK]] {
// CHECK:           mlc.rows %arg2[%[[FROM]]] size %[[BLOCK]] : memref<2040x16xf32> -> memref<136x16xf32>
// CHECK:           func.call @layer
// CHECK:           mlc.rows %arg2[%[[FROM]]]
// CHECK-NEXT:      mlc.rows %arg3[%[[FROM]]]
// CHECK:           func.call @layer
// CHECK:           mlc.rows %arg3[%[[FROM]]]
// CHECK-NEXT:      mlc.rows %arg2[%[[FROM]]]
// CHECK:           func.call @layer
// CHECK:       func.func private @chain_0(
// CHECK:         arith.constant 136 : index
// CHECK:       func.func private @layer(%{{.*}}: memref<136x16xf32>, %{{.*}}: memref<1x16x16xf32>, %{{.*}}: memref<136x16xf32>)
func.func @run(%x: memref<2040x16xf32>, %w: memref<1x16x16xf32>, %y: memref<2040x16xf32>) {
  %a = memref.alloc() : memref<2040x16xf32>
  %b = memref.alloc() : memref<2040x16xf32>
  %c = memref.alloc() : memref<2040x16xf32>
  call @layer(%x, %w, %a) : (memref<2040x16xf32>, memref<1x16x16xf32>, memref<2040x16xf32>) -> ()
  call @layer(%a, %w, %b) : (memref<2040x16xf32>, memref<1x16x16xf32>, memref<2040x16xf32>) -> ()
  call @layer(%b, %w, %c) : (memref<2040x16xf32>, memref<1x16x16xf32>, memref<2040x16xf32>) -> ()
  call @layer(%c, %w, %y) : (memref<2040x16xf32>, memref<1x16x16xf32>, memref<2040x16xf32>) -> ()
  return
}
func.func private @layer(%x: memref<2040x16xf32>, %w: memref<1x16x16xf32>, %y: memref<2040x16xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<2040x16xf32>, memref<1x16x16xf32>) outs(%y : memref<2040x16xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// 1021 rows are a prime number, and 184 have no eight equal blocks of whole tiles: as they were.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     @chain_0
func.func @run(%x: memref<1021x16xf32>, %w: memref<1x16x16xf32>, %y: memref<1021x16xf32>) {
  %a = memref.alloc() : memref<1021x16xf32>
  call @layer(%x, %w, %a) : (memref<1021x16xf32>, memref<1x16x16xf32>, memref<1021x16xf32>) -> ()
  call @layer(%a, %w, %y) : (memref<1021x16xf32>, memref<1x16x16xf32>, memref<1021x16xf32>) -> ()
  return
}
func.func private @layer(%x: memref<1021x16xf32>, %w: memref<1x16x16xf32>, %y: memref<1021x16xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<1021x16xf32>, memref<1x16x16xf32>) outs(%y : memref<1021x16xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     @chain_0
func.func @run(%x: memref<184x16xf32>, %w: memref<1x16x16xf32>, %y: memref<184x16xf32>) {
  %a = memref.alloc() : memref<184x16xf32>
  call @layer(%x, %w, %a) : (memref<184x16xf32>, memref<1x16x16xf32>, memref<184x16xf32>) -> ()
  call @layer(%a, %w, %y) : (memref<184x16xf32>, memref<1x16x16xf32>, memref<184x16xf32>) -> ()
  return
}
func.func private @layer(%x: memref<184x16xf32>, %w: memref<1x16x16xf32>, %y: memref<184x16xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<184x16xf32>, memref<1x16x16xf32>) outs(%y : memref<184x16xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// What somebody else reads, too, is written to its own rows. The kernel that is also called elsewhere
// stays, for that call.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK:         call @chain_0(%{{.*}}, %{{.*}}, %[[A:.*]], %{{.*}}) :
// CHECK-NEXT:    call @host(%[[A]], %{{.*}})
// CHECK-NEXT:    call @layer(
// CHECK:       func.func private @layer(%{{.*}}: memref<960x16xf32>
// CHECK-LABEL: func.func private @chain_0_rows
// CHECK:         scf.for %[[R:.*]] =
// CHECK:           mlc.rows %arg2[%[[R]]] size %{{.*}} : memref<960x16xf32> -> memref<120x16xf32>
// CHECK:           func.call @layer_0(
// CHECK:       func.func private @layer_0(%{{.*}}: memref<120x16xf32>
func.func @run(%x: memref<960x16xf32>, %w: memref<1x16x16xf32>, %y: memref<960x16xf32>, %b: memref<960x16xf32>, %z: memref<960x16xf32>) {
  %a = memref.alloc() : memref<960x16xf32>
  call @layer(%x, %w, %a) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  call @layer(%a, %w, %y) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  call @host(%a, %b) : (memref<960x16xf32>, memref<960x16xf32>) -> ()
  call @layer(%b, %w, %z) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  return
}
func.func private @host(memref<960x16xf32>, memref<960x16xf32>)
func.func private @layer(%x: memref<960x16xf32>, %w: memref<1x16x16xf32>, %y: memref<960x16xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<960x16xf32>, memref<1x16x16xf32>) outs(%y : memref<960x16xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// An output that may lie in the memory of an input is not written before all of that has been read.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     @chain_0
func.func @run(%x: memref<960x16xf32> {mlc.input = "x"}, %w: memref<1x16x16xf32>, %y: memref<960x16xf32> {mlc.output = "y", mlc.donor = "x"}) {
  %a = memref.alloc() : memref<960x16xf32>
  call @layer(%x, %w, %a) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  call @layer(%a, %w, %y) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  return
}
func.func private @layer(%x: memref<960x16xf32>, %w: memref<1x16x16xf32>, %y: memref<960x16xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<960x16xf32>, memref<1x16x16xf32>) outs(%y : memref<960x16xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// -----

// A kernel that reads all rows for each of its own ends the chain.

#row = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 16, k, n mod 16)>
#out = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(m, n, k) -> (n, k)>
#square = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK:         call @chain_0(
// CHECK-NEXT:    call @square(
// CHECK-NEXT:    return
func.func @run(%x: memref<960x16xf32>, %w: memref<1x16x16xf32>, %y: memref<960x16xf32>, %z: memref<960x960xf32>) {
  %a = memref.alloc() : memref<960x16xf32>
  %b = memref.alloc() : memref<960x16xf32>
  call @layer(%x, %w, %a) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  call @layer(%a, %w, %b) : (memref<960x16xf32>, memref<1x16x16xf32>, memref<960x16xf32>) -> ()
  call @square(%b, %y, %z) : (memref<960x16xf32>, memref<960x16xf32>, memref<960x960xf32>) -> ()
  return
}
func.func private @square(%x: memref<960x16xf32>, %other: memref<960x16xf32>, %y: memref<960x960xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #all, #square], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%other, %x : memref<960x16xf32>, memref<960x16xf32>) outs(%y : memref<960x960xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
func.func private @layer(%x: memref<960x16xf32>, %w: memref<1x16x16xf32>, %y: memref<960x16xf32>) attributes {mlc.kind = "contraction"} {
  linalg.generic {indexing_maps = [#row, #panels, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %w : memref<960x16xf32>, memref<1x16x16xf32>) outs(%y : memref<960x16xf32>) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %0 = arith.mulf %l, %r : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}
