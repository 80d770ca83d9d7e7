// RUN: mlc-opt --pass-pipeline='builtin.module(mlc-parallelize{grain=100},cse)' --split-input-file %s | FileCheck %s

// 399 ops are less than four grains: as it was.

// CHECK-LABEL: func.func @short
// CHECK:         scf.for
// CHECK-NOT:   func.func
func.func @short(%x: memref<133xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c133 = arith.constant 133 : index
  scf.for %i = %c0 to %c133 step %c1 {
    %v = memref.load %x[%i] : memref<133xf32>
    memref.store %v, %x[%i] : memref<133xf32>
  } {mlc.independent}
  return
}

// -----

// A loop of any size. Its body of 4 ops (with its end) makes chunks of 25 iterations, 200
// indices, if it runs 400 ops or more, and one of all otherwise. A constant is repeated, a number that was read is passed on, and what may lie in
// other memory is still said.

// CHECK-LABEL: func.func @any_size
// CHECK-SAME:    (%[[X:.*]]: memref<?xf32> {mlc.may_alias}, %[[S:.*]]: memref<f32>)
// CHECK:         %[[FACTOR:.*]] = memref.load %[[S]]
// CHECK-DAG:     %[[CHUNK:.*]] = arith.constant 200 : index
// CHECK-DAG:     %[[COUNT:.*]] = arith.ceildivui %[[N:.*]], %{{.*}} : index
// CHECK:         %[[WORK:.*]] = arith.muli %[[COUNT]], %c4
// CHECK:         %[[SHORT:.*]] = arith.cmpi ult, %[[WORK]], %c400
// CHECK:         %[[ALL:.*]] = arith.maxui %[[N]], %c1
// CHECK-NEXT:    %[[PIECE:.*]] = arith.select %[[SHORT]], %[[ALL]], %[[CHUNK]] : index
// CHECK-NEXT:    mlc.parallel_for @any_size_part_0(%[[X]], %[[FACTOR]]) from %c0 to %[[N]] by %[[PIECE]] : (memref<?xf32>, f32)
// CHECK-NOT:     scf.for
// CHECK:       func.func private @any_size_part_0
// CHECK-SAME:    (%[[X:.*]]: memref<?xf32> {mlc.may_alias}, %[[FACTOR:.*]]: f32, %[[FROM:.*]]: index, %[[TO:.*]]: index) attributes {mlc.kind = "elementwise"}
// CHECK:         %[[STEP:.*]] = arith.constant 8 : index
// CHECK:         scf.for %[[I:.*]] = %[[FROM]] to %[[TO]] step %[[STEP]] {
// CHECK-NEXT:      memref.load %[[X]][%[[I]]]
// CHECK-NEXT:      arith.mulf %{{.*}}, %[[FACTOR]]
func.func @any_size(%x: memref<?xf32> {mlc.may_alias}, %s: memref<f32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %factor = memref.load %s[] : memref<f32>
  scf.for %i = %c0 to %n step %c8 {
    %v = memref.load %x[%i] : memref<?xf32>
    %w = arith.mulf %v, %factor : f32
    memref.store %w, %x[%i] : memref<?xf32>
  } {mlc.independent}
  return
}

// -----

// Two iterations outside, more inside: the inner loop is spread, once for each step of the
// outer one, whose index it gets.

// CHECK-LABEL: func.func @inner
// CHECK:         scf.for %[[I:.*]] = %c0 to %c2
// CHECK:           %[[CHUNK:.*]] = arith.constant 33 : index
// CHECK:           mlc.parallel_for @inner_part_0(%{{.*}}, %[[I]]) from %c0 to %c400 by %[[CHUNK]] : (memref<2x400xf32>, index)
func.func @inner(%x: memref<2x400xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c400 = arith.constant 400 : index
  scf.for %i = %c0 to %c2 step %c1 {
    scf.for %j = %c0 to %c400 step %c1 {
      %v = memref.load %x[%i, %j] : memref<2x400xf32>
      memref.store %v, %x[%i, %j] : memref<2x400xf32>
    } {mlc.independent}
  } {mlc.independent}
  return
}

// -----

// Eight iterations outside: no thread waits for others in between.

// CHECK-LABEL: func.func @outer
// CHECK-NOT:     scf.for
// CHECK:         mlc.parallel_for @outer_part_0(%{{.*}}) from %c0 to %c8{{.*}} by %c1{{.*}} : (memref<8x400xf32>)
// CHECK:       func.func private @outer_part_0
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-NOT:   mlc.parallel_for
func.func @outer(%x: memref<8x400xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c400 = arith.constant 400 : index
  scf.for %i = %c0 to %c8 step %c1 {
    scf.for %j = %c0 to %c400 step %c1 {
      %v = memref.load %x[%i, %j] : memref<8x400xf32>
      memref.store %v, %x[%i, %j] : memref<8x400xf32>
    } {mlc.independent}
  } {mlc.independent}
  return
}

// -----

// What an iteration does hangs on a size, too, computed in front: 2 ops and 3 for each row.

// CHECK-LABEL: func.func @rows_of_any_number
// CHECK-SAME:    (%{{.*}}: memref<?x64xf32>)
// CHECK:         %[[ROWS:.*]] = memref.dim
// CHECK:         %[[INNER:.*]] = arith.muli %[[ROWS]], %c3
// CHECK:         %[[WORK:.*]] = arith.addi %[[INNER]], %c3
// CHECK:         %[[PIECES:.*]] = arith.divui %c100{{.*}}, %[[WORK]]
// CHECK:         mlc.parallel_for @rows_of_any_number_part_0
func.func @rows_of_any_number(%x: memref<?x64xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  scf.for %j = %c0 to %c64 step %c1 {
    %n = memref.dim %x, %c0 : memref<?x64xf32>
    scf.for %i = %c0 to %n step %c1 {
      %v = memref.load %x[%i, %j] : memref<?x64xf32>
      memref.store %v, %x[%i, %j] : memref<?x64xf32>
    } {mlc.independent}
  } {mlc.independent}
  return
}

// -----

// Memory on the stack is each thread's own, if the loop alone uses it.

// CHECK-LABEL: func.func @on_the_stack
// CHECK:         mlc.parallel_for @on_the_stack_part_0(%{{.*}}) from
// CHECK:         scf.for
// CHECK-NOT:   mlc.parallel_for
// CHECK:       func.func private @on_the_stack_part_0
// CHECK:         memref.alloca
func.func @on_the_stack(%x: memref<400xf32>) attributes {mlc.kind = "elementwise"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c400 = arith.constant 400 : index
  %own = memref.alloca() : memref<1xf32>
  scf.for %i = %c0 to %c400 step %c1 {
    %v = memref.load %x[%i] : memref<400xf32>
    memref.store %v, %own[%c0] : memref<1xf32>
  } {mlc.independent}
  %common = memref.alloca() : memref<1xf32>
  %first = memref.load %x[%c0] : memref<400xf32>
  memref.store %first, %common[%c0] : memref<1xf32>
  scf.for %i = %c0 to %c400 step %c1 {
    %v = memref.load %common[%c0] : memref<1xf32>
    memref.store %v, %x[%i] : memref<400xf32>
  } {mlc.independent}
  return
}

// -----

// A sum is made in its order.

// CHECK-LABEL: func.func @sum
// CHECK-NOT:     mlc.parallel_for
func.func @sum(%x: memref<4000xf32>, %y: memref<f32>) attributes {mlc.kind = "reduction"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4000 = arith.constant 4000 : index
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %c4000 step %c1 iter_args(%s = %zero) -> f32 {
    %v = memref.load %x[%i] : memref<4000xf32>
    %t = arith.addf %s, %v : f32
    scf.yield %t : f32
  }
  memref.store %sum, %y[] : memref<f32>
  return
}

// -----

// Neither a driver nor what has no mark is looked at.

// CHECK-LABEL: func.func @run
// CHECK-NOT:     mlc.parallel_for
func.func @run(%x: memref<4000xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4000 = arith.constant 4000 : index
  scf.for %i = %c0 to %c4000 step %c1 {
    %v = memref.load %x[%i] : memref<4000xf32>
    memref.store %v, %x[%i] : memref<4000xf32>
  } {mlc.independent}
  return
}
