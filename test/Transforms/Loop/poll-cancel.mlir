// RUN: mlc-opt --pass-pipeline='builtin.module(func.func(mlc-poll-cancel{slice=100}))' --split-input-file %s | FileCheck %s

// Short enough, whatever it computes: as it was.

// CHECK-LABEL: func.func @short
// CHECK-NOT:     mlc.cancelled
func.func @short(%x: memref<10xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c10 = arith.constant 10 : index
  scf.for %i = %c0 to %c10 step %c1 {
    %v = memref.load %x[%i] : memref<10xf32>
    memref.store %v, %x[%i] : memref<10xf32>
  }
  return
}

// -----

// A body of 4 ops (with the end of the block): 25 of them are a slice.

// CHECK-LABEL: func.func @any_size
// CHECK-SAME:    (%[[X:.*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK:         %[[LENGTH:.*]] = arith.muli %[[STEP:.*]], %c25
// CHECK-NEXT:    scf.for %[[FROM:.*]] = %c0 to %[[N]] step %[[LENGTH]] {
// CHECK-NEXT:      %[[STOP:.*]] = mlc.cancelled
// CHECK-NEXT:      scf.if %[[STOP]] {
// CHECK-NEXT:      } else {
// CHECK-NEXT:        %[[SUM:.*]] = arith.addi %[[FROM]], %[[LENGTH]]
// CHECK-NEXT:        %[[TO:.*]] = arith.minui %[[SUM]], %[[N]]
// CHECK-NEXT:        scf.for %[[I:.*]] = %[[FROM]] to %[[TO]] step %[[STEP]] {
// CHECK-NEXT:          memref.load %[[X]][%[[I]]]
func.func @any_size(%x: memref<?xf32>, %n: index) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %n step %c8 {
    %v = memref.load %x[%i] : memref<?xf32>
    %w = math.absf %v : f32
    memref.store %w, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// What a loop carries passes by the iterations that are left out.

// CHECK-LABEL: func.func @carried
// CHECK:         %[[ALL:.*]] = scf.for {{.*}} iter_args(%[[SO_FAR:.*]] = %{{.*}}) -> (i32) {
// CHECK:           %[[NEXT:.*]] = scf.if %{{.*}} -> (i32) {
// CHECK-NEXT:        scf.yield %[[SO_FAR]]
// CHECK:             %[[PART:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[SO_FAR]]) -> (i32) {
// CHECK:             scf.yield %[[PART]]
// CHECK:           scf.yield %[[NEXT]]
// CHECK:         memref.store %[[ALL]]
func.func @carried(%x: memref<?xi32>, %y: memref<i32>, %n: index) attributes {mlc.kind = "reduction"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %all = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (i32) {
    %v = memref.load %x[%i] : memref<?xi32>
    %next = arith.maxsi %so_far, %v : i32
    scf.yield %next : i32
  }
  memref.store %all, %y[] : memref<i32>
  return
}

// -----

// Each row is long, but not so long that its own loop has to look; the rest of a division
// and the end of a block of known width are short.

// CHECK-LABEL: func.func @rows
// CHECK-COUNT-1: mlc.cancelled
// CHECK-NOT:     mlc.cancelled
func.func @rows(%x: memref<?x1000xf32>, %n: index) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %rest = arith.remui %n, %c5 : index
  %whole = arith.subi %n, %rest : index
  scf.for %i = %c0 to %whole step %c1 {
    %next = arith.addi %i, %c5 : index
    %end = arith.minui %next, %n : index
    scf.for %j = %i to %end step %c1 {
      %v = memref.load %x[%i, %j] : memref<?x1000xf32>
      memref.store %v, %x[%i, %j] : memref<?x1000xf32>
    }
  }
  scf.for %i = %whole to %n step %c1 {
    %v = memref.load %x[%i, %c0] : memref<?x1000xf32>
    memref.store %v, %x[%i, %c1] : memref<?x1000xf32>
  }
  return
}

// -----

// A body that is too long looks itself, and so does the loop around it.

// CHECK-LABEL: func.func @both
// CHECK:         scf.for
// CHECK-NEXT:      mlc.cancelled
// CHECK:             scf.for
// CHECK:               scf.for
// CHECK-NEXT:            mlc.cancelled
// CHECK:                   scf.for
// CHECK-NOT:     mlc.cancelled
func.func @both(%x: memref<1000x1000xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c1000 = arith.constant 1000 : index
  scf.for %i = %c0 to %c1000 step %c1 {
    scf.for %j = %c0 to %c1000 step %c1 {
      %v = memref.load %x[%i, %j] : memref<1000x1000xf32>
      memref.store %v, %x[%j, %i] : memref<1000x1000xf32>
    }
  }
  return
}

// -----

// A sum has a bound, too: the first of two parts of a rest is short.

// CHECK-LABEL: func.func @half_of_rest
// CHECK-NOT:     mlc.cancelled
func.func @half_of_rest(%x: memref<?xf32>, %n: index) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c5 = arith.constant 5 : index
  %rest = arith.remui %n, %c5 : index
  %half = arith.addi %rest, %c2 : index
  scf.for %i = %c0 to %half step %c1 {
    %v = memref.load %x[%i] : memref<?xf32>
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// A kernel that calls others looks between as many calls as are a slice by what they say of themselves: each
// block of 49 ops, of which 45 are those of the call, is half of one.

// CHECK-LABEL: func.func @chain
// CHECK:         %[[LENGTH:.*]] = arith.muli %{{.*}}, %c2
// CHECK-NEXT:    scf.for %{{.*}} = %c0 to %{{.*}} step %[[LENGTH]] {
// CHECK-NEXT:      mlc.cancelled
// CHECK:             func.call @k
func.func @chain(%x: memref<?x3xf32>, %n: index) attributes {mlc.kind = "chain"} {
  %c0 = arith.constant 0 : index
  %c24 = arith.constant 24 : index
  scf.for %i = %c0 to %n step %c24 {
    %rows = mlc.rows %x[%i] size %c24 : memref<?x3xf32> -> memref<?x3xf32>
    func.call @k(%rows) {mlc.work = 45 : i64} : (memref<?x3xf32>) -> ()
  }
  return
}
func.func private @k(memref<?x3xf32>) attributes {mlc.kind = "elementwise"}

// -----

// Drivers are left to mlc-lower-frame.

// CHECK-LABEL: func.func @run
// CHECK-NOT:     mlc.cancelled
func.func @run(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    func.call @k() : () -> ()
  }
  return
}
func.func private @k() attributes {mlc.kind = "elementwise"}
