// RUN: mlc-opt --mlc-bufferize %s | FileCheck %s

// In a driver every call writes to its destination; only intermediates are
// allocated and nothing is copied.

// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[X:.*]]: memref<?x4xf32> {mlc.input = "x"}, %[[Y:.*]]: memref<?x4xf32> {mlc.output = "y"})
// CHECK:         %[[N:.*]] = memref.dim %[[X]]
// CHECK:         %[[T:.*]] = memref.alloc(%[[N]]) : memref<?x4xf32>
// CHECK:         call @kernel_0(%[[X]], %[[T]]) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
// Two calls that name the same empty tensor do not share a buffer.
// CHECK:         %[[U:.*]] = memref.alloc(%[[N]]) : memref<?x4xf32>
// CHECK:         call @kernel_0(%[[T]], %[[U]])
// CHECK:         call @kernel_0(%[[U]], %[[Y]])
// CHECK-NOT:     memref.copy
// CHECK:         return{{$}}

// The contraction and its epilogue stay in the destination.
// CHECK:       func.func private @kernel_0(%[[A:.*]]: memref<?x4xf32>, %[[B:.*]]: memref<?x4xf32>) attributes
// CHECK-NOT:     memref.alloc
// CHECK:         linalg.fill ins(%{{.*}}) outs(%[[B]]
// CHECK:         linalg.generic {{.*}} ins(%[[A]] : memref<?x4xf32>) outs(%[[B]]
// CHECK:         return{{$}}

// A loop that fills a kernel's destination gives nothing back.
// CHECK:       func.func private @kernel_1(%[[A:.*]]: memref<2x4xf32>, %[[B:.*]]: memref<2x4xf32>) attributes
// CHECK-NOT:     memref.alloc
// CHECK:         scf.for %[[I:.*]] = %{{.*}} iter_args(%[[C:.*]] = %[[B]])
// CHECK-NOT:     memref.alloc
// CHECK:           %[[TO:.*]] = memref.subview %[[C]][%[[I]], 0] [1, 4] [1, 1]
// CHECK:           linalg.exp ins(%{{.*}}) outs(%[[TO]]
// CHECK:         return{{$}}

// Attention is computed in its destination.
// CHECK:       func.func private @kernel_2(%[[A:.*]]: memref<4x3xf32>, %[[B:.*]]: memref<4x3xf32>) attributes
// CHECK-NEXT:    mlc.attend(%[[A]], %[[A]], %[[A]], %[[B]])
// CHECK-SAME:      : (memref<4x3xf32>, memref<4x3xf32>, memref<4x3xf32>, memref<4x3xf32>) -> ()
// CHECK:         return{{$}}

#id = affine_map<(i, j) -> (i, j)>
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: tensor<?x4xf32> {mlc.input = "x"}, %y: tensor<?x4xf32> {mlc.output = "y"}) -> tensor<?x4xf32> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x4xf32>
    %t = tensor.empty(%n) : tensor<?x4xf32>
    %0 = call @kernel_0(%x, %t) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %3 = call @kernel_0(%0, %t) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %1 = call @kernel_0(%3, %y) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    return %1 : tensor<?x4xf32>
  }
  func.func private @kernel_0(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {mlc.kind = "elementwise"} {
    %zero = arith.constant 0.0 : f32
    %0 = linalg.fill ins(%zero : f32) outs(%b : tensor<?x4xf32>) -> tensor<?x4xf32>
    %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x4xf32>) outs(%0 : tensor<?x4xf32>) {
    ^bb0(%p: f32, %q: f32):
      %2 = arith.addf %p, %q : f32
      linalg.yield %2 : f32
    } -> tensor<?x4xf32>
    return %1 : tensor<?x4xf32>
  }
  func.func private @kernel_1(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> tensor<2x4xf32> attributes {mlc.kind = "data"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%c = %b) -> tensor<2x4xf32> {
      %from = tensor.extract_slice %a[%i, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<4xf32>
      %to = tensor.extract_slice %c[%i, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<4xf32>
      %row = linalg.exp ins(%from : tensor<4xf32>) outs(%to : tensor<4xf32>) -> tensor<4xf32>
      %next = tensor.insert_slice %row into %c[%i, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<2x4xf32>
      scf.yield %next : tensor<2x4xf32>
    }
    return %r : tensor<2x4xf32>
  }
  func.func private @kernel_2(%a: tensor<4x3xf32>, %b: tensor<4x3xf32>) -> tensor<4x3xf32> attributes {mlc.kind = "attention"} {
    %0 = mlc.attend(%a, %a, %a, %b) {maps = [
      affine_map<(m, n, k, c) -> (m, k)>, affine_map<(m, n, k, c) -> (n, k)>,
      affine_map<(m, n, k, c) -> (n, c)>, affine_map<(m, n, k, c) -> (m, c)>]}
      : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32> {
    ^bb0(%s: f32):
      mlc.yield %s : f32
    }
    return %0 : tensor<4x3xf32>
  }
}
