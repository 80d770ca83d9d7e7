// RUN: mlc-opt --mlc-plan-memory --split-input-file %s | FileCheck %s

// %a and %c are never alive together and share an offset; %b overlaps both.

// CHECK-LABEL: func.func @run
// CHECK-SAME:    %[[X:[^:]*]]: memref<16xf32> {mlc.input = "x"}, %[[Y:[^:]*]]: memref<16xf32> {mlc.output = "y"},
// CHECK-SAME:    %{{.*}}: memref<?xi8>, %[[ARENA:.*]]: memref<?xi8>) attributes {mlc.workspace = array<i64: 128, 0>}
// CHECK:         %[[O0:.*]] = arith.constant 0
// CHECK:         %[[A:.*]] = memref.view %[[ARENA]][%[[O0]]]
// CHECK:         %[[O1:.*]] = arith.constant 64
// CHECK:         %[[B:.*]] = memref.view %[[ARENA]][%[[O1]]]
// CHECK:         call @k(%[[A]], %[[B]])
// CHECK:         %[[O2:.*]] = arith.constant 0
// CHECK:         %[[C:.*]] = memref.view %[[ARENA]][%[[O2]]]
// CHECK:         call @k(%[[B]], %[[C]])
// CHECK-NOT:     memref.alloc
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: memref<16xf32> {mlc.input = "x"}, %y: memref<16xf32> {mlc.output = "y"}) {
    %a = memref.alloc() : memref<16xf32>
    call @k(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
    %b = memref.alloc() : memref<16xf32>
    call @k(%a, %b) : (memref<16xf32>, memref<16xf32>) -> ()
    %c = memref.alloc() : memref<16xf32>
    call @k(%b, %c) : (memref<16xf32>, memref<16xf32>) -> ()
    call @k(%c, %y) : (memref<16xf32>, memref<16xf32>) -> ()
    return
  }
  func.func private @k(%a: memref<16xf32>, %b: memref<16xf32>) attributes {mlc.kind = "elementwise"} {
    return
  }
}

// -----

// Growing buffers follow the constant ones, at multiples of the symbolic size.
// A kernel's own buffer becomes an argument.

// CHECK:       module attributes {mlc.prepared_bytes = 0 : i64}
// CHECK-LABEL: func.func @run
// CHECK-SAME:    %{{.*}}: memref<?xi8>, %[[ARENA:.*]]: memref<?xi8>, %[[N:.*]]: index) attributes {mlc.workspace = array<i64: 64, 128>}
// CHECK:         %[[G:.*]] = memref.view %[[ARENA]][%{{.*}}][%[[N]]] : memref<?xi8> to memref<?x32xf32>
// CHECK:         %[[S:.*]] = memref.view %[[ARENA]][%{{.*}}][] : memref<?xi8> to memref<4xf32>
// CHECK:         call @k(%{{.*}}, %[[G]], %[[S]])
// CHECK:       func.func private @k(%{{.*}}: memref<?x32xf32>, %{{.*}}: memref<?x32xf32>, %{{.*}}: memref<4xf32>)
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: memref<?x32xf32> {mlc.input = "x"}) {
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?x32xf32>
    %g = memref.alloc(%n) : memref<?x32xf32>
    call @k(%x, %g) : (memref<?x32xf32>, memref<?x32xf32>) -> ()
    return
  }
  func.func private @k(%a: memref<?x32xf32>, %b: memref<?x32xf32>) attributes {mlc.kind = "softmax"} {
    %s = memref.alloc() : memref<4xf32>
    return
  }
}

// -----

// A use inside a region keeps a buffer alive to the end of the op that holds the
// region: %a may not share memory with %b, which is used in the same loop.

// CHECK-LABEL: func.func @run
// CHECK-SAME:    mlc.workspace = array<i64: 128, 0>
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: memref<16xf32> {mlc.input = "x"}, %y: memref<16xf32> {mlc.output = "y"}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %a = memref.alloc() : memref<16xf32>
    %b = memref.alloc() : memref<16xf32>
    scf.for %i = %c0 to %c8 step %c1 {
      func.call @k(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
      func.call @k(%a, %b) : (memref<16xf32>, memref<16xf32>) -> ()
    }
    call @k(%b, %y) : (memref<16xf32>, memref<16xf32>) -> ()
    return
  }
  func.func private @k(%a: memref<16xf32>, %b: memref<16xf32>) attributes {mlc.kind = "elementwise"} {
    return
  }
}

// -----

// Prepared tensors are slices of one block, each aligned to 64 bytes.

// CHECK:       module attributes {mlc.prepared_bytes = 192 : i64}
// CHECK-LABEL: func.func @prepare
// CHECK-SAME:    %[[W:[^:]*]]: memref<17xf32> {mlc.parameter = "w"}, %[[BLOCK:[^:]*]]: memref<?xi8>
// CHECK:         %[[P:.*]] = memref.view %[[BLOCK]][%c0]
// CHECK:         %[[Q:.*]] = memref.view %[[BLOCK]][%c128]
// CHECK:         call @k(%[[W]], %[[P]])
// CHECK-LABEL: func.func @run
// CHECK:         memref.view %{{.*}}[%c128]
module {
  func.func @prepare(%w: memref<17xf32> {mlc.parameter = "w"}, %p: memref<17xf32> {mlc.prepared = 0 : i64}, %q: memref<4xf32> {mlc.prepared = 1 : i64}) {
    call @k(%w, %p) : (memref<17xf32>, memref<17xf32>) -> ()
    return
  }
  func.func @run(%p: memref<17xf32> {mlc.prepared = 0 : i64}, %q: memref<4xf32> {mlc.prepared = 1 : i64}) {
    return
  }
  func.func private @k(%a: memref<17xf32>, %b: memref<17xf32>) attributes {mlc.kind = "data"} {
    return
  }
}
