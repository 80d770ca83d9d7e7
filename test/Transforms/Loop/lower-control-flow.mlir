// RUN: mlc-opt %s --split-input-file --mlc-lower-control-flow | FileCheck %s
// RUN: mlc-opt %s --split-input-file --mlc-lower-control-flow --mlc-bufferize --canonicalize | FileCheck %s --check-prefix=BUFFERS

// A carried value takes turns in two buffers and what is collected is written in its
// place: nothing is copied from step to step.

// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[H:.*]]: tensor<4xf32>, %[[XS:.*]]: tensor<6x4xf32>, %[[Y:.*]]: tensor<6x4xf32> {{.*}})
// CHECK:         %[[A:.*]] = bufferization.alloc_tensor() : tensor<4xf32>
// CHECK:         %[[B:.*]] = bufferization.alloc_tensor() : tensor<4xf32>
// CHECK:         %[[R:.*]]:4 = scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[C:.*]] = %[[H]], %[[ALL:.*]] = %[[Y]], %[[N:.*]] = %[[A]], %[[O:.*]] = %[[B]])
// CHECK-DAG:       %[[PLACE:.*]] = tensor.extract_slice %[[ALL]][%[[I]], 0] [1, 4] [1, 1]
// CHECK-DAG:       %[[X:.*]] = tensor.extract_slice %[[XS]][%[[I]], 0] [1, 4] [1, 1]
// CHECK:           %[[NEW:.*]] = func.call @kernel_0(%[[C]], %[[X]], %[[N]])
// CHECK:           %[[OUT:.*]] = func.call @kernel_0(%[[X]], %[[X]], %[[PLACE]])
// CHECK:           %[[IN:.*]] = tensor.insert_slice %[[OUT]] into %[[ALL]][%[[I]], 0]
// CHECK:           scf.yield %[[NEW]], %[[IN]], %[[O]], %[[N]]
// CHECK:         return %[[R]]#1

// BUFFERS-LABEL: func.func @run
// BUFFERS-SAME:    (%[[H:.*]]: memref<4xf32>, %[[XS:.*]]: memref<6x4xf32>, %[[Y:.*]]: memref<6x4xf32>
// BUFFERS:         scf.for %[[I:.*]] = {{.*}} iter_args(%[[C:.*]] = %[[H]], %[[N:.*]] = %{{.*}}, %[[O:.*]] = %{{.*}})
// BUFFERS-DAG:       %[[PLACE:.*]] = mlc.slot %[[Y]][%[[I]]]
// BUFFERS-DAG:       %[[X:.*]] = mlc.slot %[[XS]][%[[I]]]
// BUFFERS:           func.call @kernel_0(%[[C]], %[[X]], %[[N]])
// BUFFERS:           func.call @kernel_0(%[[X]], %[[X]], %[[PLACE]])
// BUFFERS-NOT:       memref.copy
// BUFFERS:           scf.yield %[[N]], %[[O]], %[[N]]
module {
  func.func @prepare() {
    return
  }
  func.func @run(%h: tensor<4xf32>, %xs: tensor<6x4xf32>, %y: tensor<6x4xf32> {mlc.output = "y"}) -> tensor<6x4xf32> {
    %r:2 = mlc.scan %h, %xs {carried = 1 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<6x4xf32>) -> (tensor<4xf32>, tensor<6x4xf32>) {
    ^bb0(%s: tensor<4xf32>, %x: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %0 = func.call @kernel_0(%s, %x, %e) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %1 = func.call @kernel_0(%x, %x, %e) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %0, %1 : tensor<4xf32>, tensor<4xf32>
    }
    return %r#1 : tensor<6x4xf32>
  }
  func.func private @kernel_0(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> attributes {mlc.kind = "elementwise"} {
    %0 = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%c : tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// A while counts its rounds; one that would exceed its limit ends the run.

// CHECK: module attributes {mlc.messages = {{\[}}[6, "while: has run 7 times, its `limit`, and would go on"]]}
// CHECK-LABEL: func.func @run
// CHECK:         scf.while
// CHECK:           %[[T:.*]] = func.call @kernel_0
// CHECK:           %[[P:.*]] = tensor.extract %[[T]][]
// CHECK:           %[[L:.*]] = arith.cmpi slt
// CHECK:           %[[GO:.*]] = arith.andi %[[P]], %[[L]]
// CHECK:           scf.condition(%[[GO]])
// CHECK:         %[[OK:.*]] = arith.xori
// CHECK:         mlc.stop_unless %[[OK]] {message = 0 : i64}
// BUFFERS-LABEL: func.func @run
module {
  func.func @prepare() {
    return
  }
  func.func @run(%p: tensor<i1>, %y: tensor<i1> {mlc.output = "y"}) -> tensor<i1> {
    %e = tensor.empty() : tensor<i1>
    %r = mlc.while %p {carried = 1 : i64, limit = 7 : i64} : (tensor<i1>) -> tensor<i1> {
    ^bb0(%a: tensor<i1>):
      %e1 = tensor.empty() : tensor<i1>
      %0 = func.call @kernel_0(%a, %e1) : (tensor<i1>, tensor<i1>) -> tensor<i1>
      mlc.yield %0 : tensor<i1>
    }, {
    ^bb0(%a: tensor<i1>):
      %e1 = tensor.empty() : tensor<i1>
      %0 = func.call @kernel_0(%a, %e1) : (tensor<i1>, tensor<i1>) -> tensor<i1>
      mlc.yield %0 : tensor<i1>
    }
    %1 = func.call @kernel_0(%r, %y) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    return %1 : tensor<i1>
  }
  func.func private @kernel_0(%a: tensor<i1>, %b: tensor<i1>) -> tensor<i1> attributes {mlc.kind = "elementwise"} {
    %0 = linalg.copy ins(%a : tensor<i1>) outs(%b : tensor<i1>) -> tensor<i1>
    return %0 : tensor<i1>
  }
}

// -----

// Both blocks of an if write to one destination.

// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[P:.*]]: tensor<i1>, %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32> {{.*}})
// CHECK:         %[[C:.*]] = tensor.extract %[[P]][]
// CHECK:         scf.if %[[C]]
// CHECK:           func.call @kernel_0(%[[X]], %[[Y]])
// CHECK:         } else {
// CHECK:           %[[E:.*]] = tensor.empty
// CHECK:           %[[T:.*]] = func.call @kernel_0(%[[X]], %[[E]])
// CHECK:           func.call @kernel_0(%[[T]], %[[Y]])
// BUFFERS-LABEL: func.func @run
// BUFFERS:         scf.if
// BUFFERS-NEXT:      func.call @kernel_0(%{{.*}}, %[[Y:.*]])
// BUFFERS-NEXT:    } else {
// BUFFERS:           func.call @kernel_0(%{{.*}}, %[[Y]])
module {
  func.func @prepare() {
    return
  }
  func.func @run(%p: tensor<i1>, %x: tensor<4xf32>, %y: tensor<4xf32> {mlc.output = "y"}) -> tensor<4xf32> {
    %r = mlc.if %p, %x : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %0 = func.call @kernel_0(%a, %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %0 : tensor<4xf32>
    }, {
    ^bb0(%a: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %0 = func.call @kernel_0(%a, %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      %1 = func.call @kernel_0(%0, %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %1 : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
  func.func private @kernel_0(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> attributes {mlc.kind = "elementwise"} {
    %0 = linalg.exp ins(%a : tensor<4xf32>) outs(%b : tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// A check ends the run with its message and its place; equal messages are one.

// CHECK: module attributes {mlc.messages = {{\[}}[5, "node `sorted` (net.py:4:1): rows are sorted"], [5, "rows are sorted"]]}
// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[C:.*]]: tensor<i1>)
// CHECK-NEXT:    %[[P:.*]] = tensor.extract %[[C]][]
// CHECK-NEXT:    mlc.stop_unless %[[P]] {message = 0 : i64}
// CHECK-NEXT:    %[[P:.*]] = tensor.extract %[[C]][]
// CHECK-NEXT:    mlc.stop_unless %[[P]] {message = 1 : i64}
// CHECK-NEXT:    %[[P:.*]] = tensor.extract %[[C]][]
// CHECK-NEXT:    mlc.stop_unless %[[P]] {message = 1 : i64}
// BUFFERS-LABEL: func.func @run
// BUFFERS-NEXT:    memref.load
// BUFFERS-NEXT:    mlc.stop_unless
module {
  func.func @prepare() {
    return
  }
  func.func @run(%c: tensor<i1>) {
    mlc.check %c {message = "rows are sorted"} : (tensor<i1>) -> () loc("sorted"("net.py":4:1))
    mlc.check %c {message = "rows are sorted"} : (tensor<i1>) -> ()
    mlc.check %c {message = "rows are sorted"} : (tensor<i1>) -> ()
    return
  }
}

// -----

// What is carried and collected is computed in the slice that collects it and carried
// from there: no other buffer, no copy.

// BUFFERS-LABEL: func.func @run
// BUFFERS-SAME:    (%[[H:.*]]: memref<4xf32>, %[[XS:.*]]: memref<6x4xf32>, %[[Y:.*]]: memref<6x4xf32>
// BUFFERS-NOT:     memref.alloc
// BUFFERS:         scf.for %[[I:.*]] = {{.*}} iter_args(%[[C:.*]] = %[[H]]) ->
// BUFFERS-DAG:       %[[PLACE:.*]] = mlc.slot %[[Y]][%[[I]]]
// BUFFERS-DAG:       %[[X:.*]] = mlc.slot %[[XS]][%[[I]]]
// BUFFERS:           func.call @kernel_0(%[[C]], %[[X]], %[[PLACE]])
// BUFFERS-NEXT:      scf.yield %[[PLACE]] :
module {
  func.func @prepare() {
    return
  }
  func.func @run(%h: tensor<4xf32>, %xs: tensor<6x4xf32>, %y: tensor<6x4xf32> {mlc.output = "y"}) -> tensor<6x4xf32> {
    %r:2 = mlc.scan %h, %xs {carried = 1 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<6x4xf32>) -> (tensor<4xf32>, tensor<6x4xf32>) {
    ^bb0(%s: tensor<4xf32>, %x: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %0 = func.call @kernel_0(%s, %x, %e) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
    }
    return %r#1 : tensor<6x4xf32>
  }
  func.func private @kernel_0(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> attributes {mlc.kind = "elementwise"} {
    %0 = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%c : tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// A value that is passed on for two steps more takes turns in four buffers, so that
// none that is still read is written to. What came from a sequence or from outside
// is passed on where it lies, and a pair that changes places needs no buffer.

// BUFFERS-LABEL: func.func @run
// BUFFERS-SAME:    (%[[H:[^:]*]]: memref<4xf32>, %[[G:[^:]*]]: memref<4xf32>, %[[XS:[^:]*]]: memref<6x4xf32>, %[[Y:[^:]*]]: memref<4xf32>
// BUFFERS-COUNT-4: memref.alloc
// BUFFERS-NOT:     memref.alloc
// BUFFERS:         scf.for %[[I:.*]] = {{.*}} iter_args(%[[A:.*]] = %[[H]], %[[B:.*]] = %[[G]], %[[C:.*]] = %[[G]], %[[D:.*]] = %[[H]], %[[K:.*]] = %[[H]], %[[P:.*]] = %[[H]], %[[Q:.*]] = %[[G]], %[[R0:.*]] = %{{.*}}, %[[R1:.*]] = %{{.*}}, %[[R2:.*]] = %{{.*}}, %[[R3:.*]] = %{{.*}})
// BUFFERS:           %[[X:.*]] = mlc.slot %[[XS]][%[[I]]]
// BUFFERS-NEXT:      func.call @kernel_0(%[[A]], %[[C]], %[[R0]])
// BUFFERS-NEXT:      scf.yield %[[R0]], %[[A]], %[[B]], %[[X]], %[[G]], %[[Q]], %[[P]], %[[R1]], %[[R2]], %[[R3]], %[[R0]]
module {
  func.func @prepare() {
    return
  }
  func.func @run(%h: tensor<4xf32>, %g: tensor<4xf32>, %xs: tensor<6x4xf32>, %y: tensor<4xf32> {mlc.output = "y"}) -> tensor<4xf32> {
    %r:7 = mlc.scan %h, %g, %g, %h, %h, %h, %g, %xs, %g {carried = 7 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<6x4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>, %d: tensor<4xf32>, %k: tensor<4xf32>, %p: tensor<4xf32>, %q: tensor<4xf32>, %x: tensor<4xf32>, %same: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %0 = func.call @kernel_0(%a, %c, %e) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %0, %a, %b, %x, %same, %q, %p : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    }
    %1 = func.call @kernel_0(%r#2, %r#3, %y) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %2 = func.call @kernel_0(%r#5, %r#6, %y) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %3 = func.call @kernel_0(%r#4, %r#0, %y) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %3 : tensor<4xf32>
  }
  func.func private @kernel_0(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> attributes {mlc.kind = "elementwise"} {
    %0 = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%c : tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}
