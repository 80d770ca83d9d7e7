// RUN: mlc-opt --mlc-share-inputs --split-input-file %s | FileCheck %s

// The state has been read for the last time when the output is written: as it was.

// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[S:[^:]*]]: memref<4xf32> {mlc.input = "s"}, %[[Y:[^:]*]]: memref<4xf32> {{.*}})
// CHECK-NEXT:    %[[T:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NEXT:    call @k(%[[S]], %[[T]])
// CHECK-NEXT:    call @k(%[[T]], %[[Y]])
// CHECK-NEXT:    return
// CHECK-NOT:     mlc.may_alias
module {
  func.func @run(%s: memref<4xf32> {mlc.input = "s"}, %y: memref<4xf32> {mlc.output = "y", mlc.donor = "s"}) {
    %t = memref.alloc() : memref<4xf32>
    call @k(%s, %t) : (memref<4xf32>, memref<4xf32>) -> ()
    call @k(%t, %y) : (memref<4xf32>, memref<4xf32>) -> ()
    return
  }
  func.func private @k(%a: memref<4xf32>, %b: memref<4xf32>) attributes {mlc.kind = "elementwise"} {
    linalg.exp ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)
    return
  }
}

// -----

// A kernel that reads each element right before it writes it may be given one buffer
// for both.

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     memref.alloc
// CHECK:         call @k(
// CHECK-NEXT:    return
// CHECK:       func.func private @k(%{{.*}}: memref<?xf32> {mlc.may_alias}, %{{[^{]*}}: memref<?xf32>, %{{.*}}: memref<?xf32> {mlc.may_alias})
module {
  func.func @run(%s: memref<?xf32> {mlc.input = "s"}, %x: memref<?xf32> {mlc.input = "x"}, %y: memref<?xf32> {mlc.output = "y", mlc.donor = "s"}) {
    call @k(%s, %x, %y) : (memref<?xf32>, memref<?xf32>, memref<?xf32>) -> ()
    return
  }
  func.func private @k(%a: memref<?xf32>, %b: memref<?xf32>, %c: memref<?xf32>) attributes {mlc.kind = "elementwise"} {
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%a, %b : memref<?xf32>, memref<?xf32>) outs(%c : memref<?xf32>) {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %0 = arith.addf %p, %q : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

// One that reads other elements computes elsewhere, and so does one before the last
// read; what is computed is copied at the end. The second output is in no danger.

#id = affine_map<(i, j) -> (i, j)>
#t = affine_map<(i, j) -> (j, i)>

// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[S:[^:]*]]: memref<?x1xf32> {mlc.input = "s"}, %[[R:[^:]*]]: memref<3x3xf32> {mlc.input = "r"}, %[[Y:[^:]*]]: memref<?x1xf32> {{.*}}, %[[Z:[^:]*]]: memref<3x3xf32> {{.*}})
// CHECK:         %[[N:.*]] = memref.dim %[[Y]]
// CHECK-NEXT:    %[[A:.*]] = memref.alloc(%[[N]]) : memref<?x1xf32>
// CHECK-NEXT:    call @same(%[[S]], %[[A]])
// CHECK-NEXT:    %[[B:.*]] = memref.alloc() : memref<3x3xf32>
// CHECK-NEXT:    call @across(%[[R]], %[[B]])
// CHECK-NEXT:    call @last(%[[S]])
// CHECK-NEXT:    call @[[C0:copy[_0-9]*]](%[[A]], %[[Y]])
// CHECK-NEXT:    call @[[C1:copy[_0-9]*]](%[[B]], %[[Z]])
// CHECK-NEXT:    return
// CHECK-NOT:     mlc.may_alias
// CHECK:       func.func private @[[C0]](%[[P:.*]]: memref<?x1xf32>, %[[Q:.*]]: memref<?x1xf32>) attributes {mlc.kind = "data"}
// CHECK-NEXT:    memref.copy %[[P]], %[[Q]]
// CHECK:       func.func private @[[C1]](%{{.*}}: memref<3x3xf32>, %{{.*}}: memref<3x3xf32>) attributes {mlc.kind = "data"}
module {
  func.func @run(%s: memref<?x1xf32> {mlc.input = "s"}, %r: memref<3x3xf32> {mlc.input = "r"}, %y: memref<?x1xf32> {mlc.output = "y", mlc.donor = "s"}, %z: memref<3x3xf32> {mlc.output = "z", mlc.donor = "r"}) {
    call @same(%s, %y) : (memref<?x1xf32>, memref<?x1xf32>) -> ()
    call @across(%r, %z) : (memref<3x3xf32>, memref<3x3xf32>) -> ()
    call @last(%s) : (memref<?x1xf32>) -> ()
    return
  }
  func.func private @same(%a: memref<?x1xf32>, %b: memref<?x1xf32>) attributes {mlc.kind = "elementwise"} {
    linalg.exp ins(%a : memref<?x1xf32>) outs(%b : memref<?x1xf32>)
    return
  }
  func.func private @across(%a: memref<3x3xf32>, %b: memref<3x3xf32>) attributes {mlc.kind = "data"} {
    linalg.generic {indexing_maps = [#t, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<3x3xf32>) outs(%b : memref<3x3xf32>) {
    ^bb0(%p: f32, %q: f32):
      linalg.yield %p : f32
    }
    return
  }
  func.func private @last(%a: memref<?x1xf32>) attributes {mlc.kind = "data"} {
    return
  }
}

// -----

// A loop of no steps gives the state back as it came: the copy that follows is in
// place then, and the loop itself never writes to the output.

#id = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @run
// CHECK-SAME:    %[[Y:[^:]*]]: memref<4xf32> {mlc.donor = "s", mlc.output = "y"})
// CHECK:         %[[R:.*]]:2 = scf.for
// CHECK:         call @keep(%[[R]]#0, %[[Y]])
// CHECK-NEXT:    return
// CHECK:       func.func private @keep(%{{.*}}: memref<4xf32> {mlc.may_alias}, %{{.*}}: memref<4xf32> {mlc.may_alias})
module {
  func.func @run(%s: memref<4xf32> {mlc.input = "s"}, %y: memref<4xf32> {mlc.output = "y", mlc.donor = "s"}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %t = memref.alloc() : memref<4xf32>
    %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %s, %b = %t) -> (memref<4xf32>, memref<4xf32>) {
      scf.yield %b, %b : memref<4xf32>, memref<4xf32>
    }
    call @keep(%r#0, %y) : (memref<4xf32>, memref<4xf32>) -> ()
    return
  }
  func.func private @keep(%a: memref<4xf32>, %b: memref<4xf32>) attributes {mlc.kind = "data"} {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%a : memref<4xf32>) outs(%b : memref<4xf32>) {
    ^bb0(%p: f32, %q: f32):
      linalg.yield %p : f32
    }
    return
  }
}

// -----

// A kernel may read the input before it, row by row, to whatever end.

#in = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func.func @run
// CHECK-NOT:     memref.alloc
// CHECK:         call @k(
// CHECK-NEXT:    return
// CHECK:       func.func private @k(%{{.*}}: memref<?x4xf32> {mlc.may_alias}, %{{[^{]*}}: memref<?xf32>, %{{.*}}: memref<?x4xf32> {mlc.may_alias})
module {
  func.func @run(%s: memref<?x4xf32> {mlc.input = "s"}, %m: memref<?xf32> {mlc.input = "m"}, %y: memref<?x4xf32> {mlc.output = "y", mlc.donor = "s"}) {
    call @k(%s, %m, %y) : (memref<?x4xf32>, memref<?xf32>, memref<?x4xf32>) -> ()
    return
  }
  func.func private @k(%a: memref<?x4xf32>, %m: memref<?xf32>, %c: memref<?x4xf32>) attributes {mlc.kind = "reduction"} {
    linalg.generic {indexing_maps = [#in, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : memref<?x4xf32>) outs(%m : memref<?xf32>) {
    ^bb0(%p: f32, %r: f32):
      %0 = arith.addf %r, %p : f32
      linalg.yield %0 : f32
    }
    linalg.generic {indexing_maps = [#in, #row, #in], iterator_types = ["parallel", "parallel"]}
      ins(%a, %m : memref<?x4xf32>, memref<?xf32>) outs(%c : memref<?x4xf32>) {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %0 = arith.subf %p, %q : f32
      linalg.yield %0 : f32
    }
    return
  }
}

// -----

// A contraction reads its rows once for each panel of columns, of which the writer has
// written some by then.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// CHECK-LABEL: func.func @run
// CHECK:         %[[OWN:.*]] = memref.alloc() : memref<4x4xf32>
// CHECK:         call @k(%{{.*}}, %{{.*}}, %{{.*}}, %[[OWN]])
// CHECK:         call @copy(%[[OWN]], %{{.*}})
// CHECK-NOT:     mlc.may_alias
module {
  func.func @run(%s: memref<4x4xf32> {mlc.input = "s"}, %w: memref<4x4xf32> {mlc.input = "w"}, %t: memref<4x4xf32> {mlc.output = "t"}, %y: memref<4x4xf32> {mlc.output = "y", mlc.donor = "s"}) {
    call @k(%s, %w, %t, %y) : (memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>) -> ()
    return
  }
  func.func private @k(%s: memref<4x4xf32>, %w: memref<4x4xf32>, %t: memref<4x4xf32>, %y: memref<4x4xf32>) attributes {mlc.kind = "contraction"} {
    linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%s, %w : memref<4x4xf32>, memref<4x4xf32>) outs(%t : memref<4x4xf32>) {
    ^bb0(%x: f32, %z: f32, %acc: f32):
      %0 = arith.mulf %x, %z : f32
      %1 = arith.addf %acc, %0 : f32
      linalg.yield %1 : f32
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<4x4xf32>) outs(%y : memref<4x4xf32>) {
    ^bb0(%x: f32, %out: f32):
      %0 = math.absf %x : f32
      linalg.yield %0 : f32
    }
    return
  }
}
