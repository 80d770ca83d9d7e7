// RUN: mlc-opt --split-input-file --mlc-lower-frame --cse %s | FileCheck %s

// run reads its pointers from the frame (include/mlc/Abi/Frame.h), each in front of the
// kernel that takes it: inputs at 8, outputs at 16, the workspace at 40, dims at 48.

// CHECK-LABEL: func.func @prepare(%{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: func.func @prepare_workspace_bytes(%{{.*}}: !llvm.ptr) -> i64
// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[FRAME:.*]]: !llvm.ptr) -> i32
// CHECK:         %[[EIGHT:.*]] = llvm.mlir.constant(8 : i64)
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[FRAME]][%[[EIGHT]]]
// CHECK:         %[[INPUTS:.*]] = llvm.load %[[FIELD]]
// CHECK:         llvm.mlir.constant(16 : i64)
// CHECK:         %[[OUTPUTS:.*]] = llvm.load
// CHECK:         llvm.mlir.constant(48 : i64)
// CHECK:         %[[N:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK:         %[[FIRST:.*]] = llvm.getelementptr %[[INPUTS]]
// CHECK:         %[[X:.*]] = llvm.load %[[FIRST]]
// CHECK:         %[[FIRST:.*]] = llvm.getelementptr %[[OUTPUTS]]
// CHECK:         %[[Y:.*]] = llvm.load %[[FIRST]]
// CHECK:         call @kernel_0(%[[X]], %[[Y]], %[[N]]) : (!llvm.ptr, !llvm.ptr, i64) -> ()
// CHECK:         llvm.mlir.constant(40 : i64)
// CHECK:         %[[WORKSPACE:.*]] = llvm.load
// CHECK:         %[[VIEW:.*]] = llvm.getelementptr %[[WORKSPACE]]
// CHECK:         call @kernel_1(%[[VIEW]]
// CHECK:         %[[OK:.*]] = arith.constant 0 : i32
// CHECK:         return %[[OK]]

// c0 + c1 * dims[0].
// CHECK-LABEL: func.func @workspace_bytes
// CHECK-DAG:     arith.constant 64 : i64
// CHECK-DAG:     arith.constant 128 : i64
// CHECK:         arith.muli
// CHECK:         arith.addi

// CHECK:       func.func private @kernel_0(%{{.*}}: !llvm.ptr {llvm.noalias, llvm.nonnull}, %{{.*}}: !llvm.ptr {llvm.noalias, llvm.nonnull}, %[[SIZE:.*]]: i64)
// CHECK:         llvm.insertvalue %[[SIZE]]
// CHECK:         builtin.unrealized_conversion_cast {{.*}} to memref<?x4xf32>
// CHECK-NOT:     memref.view

// What may lie in the memory of another argument is not noalias.
// CHECK:       func.func private @kernel_1(%{{.*}}: !llvm.ptr {llvm.nonnull}, %{{.*}}: !llvm.ptr {llvm.noalias, llvm.nonnull}, %{{.*}}: !llvm.ptr {llvm.nonnull})
module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%x: memref<?x4xf32> {mlc.input = "x"}, %y: memref<?x4xf32> {mlc.output = "y"}, %block: memref<?xi8>, %workspace: memref<?xi8>, %n: index) attributes {mlc.workspace = array<i64: 64, 128>} {
    %offset = arith.constant 64 : index
    %view = memref.view %workspace[%offset][] : memref<?xi8> to memref<f32>
    call @kernel_0(%x, %y) : (memref<?x4xf32>, memref<?x4xf32>) -> ()
    call @kernel_1(%view, %view, %view) : (memref<f32>, memref<f32>, memref<f32>) -> ()
    return
  }
  func.func private @kernel_0(%a: memref<?x4xf32>, %b: memref<?x4xf32>) attributes {mlc.kind = "elementwise"} {
    %c0 = arith.constant 0 : index
    %0 = memref.load %a[%c0, %c0] : memref<?x4xf32>
    memref.store %0, %b[%c0, %c0] : memref<?x4xf32>
    return
  }
  func.func private @kernel_1(%a: memref<f32> {mlc.may_alias}, %b: memref<f32>, %c: memref<f32> {mlc.may_alias}) attributes {mlc.kind = "elementwise"} {
    return
  }
}

// -----

// The host's function `call` is at 24 of its table, the table at 56 of the frame. Without
// either, a print does nothing and a custom op returns MLC_RUN_STOPPED + 0, its message.

// CHECK: module attributes {mlc.host_calls = {{.*}}, mlc.messages = {{\[}}[4, "node `f`: custom: function `f` cannot be called: the frame's host has no `call`"]]}
// CHECK-LABEL: func.func @run
// CHECK:         llvm.mlir.constant(56 : i64)
// CHECK:         llvm.mlir.constant(8 : i64)
// CHECK:         %[[CONTEXT:.*]] = llvm.load
// CHECK:         llvm.mlir.constant(24 : i64)
// CHECK:         %[[CALL:.*]] = llvm.load
// CHECK:         llvm.mlir.constant(48 : i64)
// CHECK:         %[[DIMS:.*]] = llvm.load
// CHECK:         %[[LIST:.*]] = llvm.alloca
// CHECK:         cf.cond_br %[[NONE:.*]], ^[[AFTER:.*]], ^[[PRINT:.*]]
// CHECK:       ^[[PRINT]]:
// CHECK:         llvm.store %{{.*}}, %{{.*}} : !llvm.ptr, !llvm.ptr
// CHECK:         %[[CODE:.*]] = llvm.call %[[CALL]](%[[CONTEXT]], %{{.*}}, %[[LIST]], %{{.*}}, %[[DIMS]]) : !llvm.ptr, (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK:         llvm.icmp "eq" %[[CODE]]
// CHECK:         cf.cond_br %{{.*}}, ^[[AFTER]], ^[[FAILED:.*]]
// CHECK:       ^[[AFTER]]:
// CHECK:         cf.cond_br %{{.*}}, ^{{.*}}, ^[[ON:.*]]
// CHECK:       ^[[ON]]:
// CHECK-NEXT:    cf.cond_br %[[NONE]], ^[[WITHOUT:.*]], ^[[CUSTOM:.*]]
// CHECK:       ^[[CUSTOM]]:
// CHECK:         llvm.call %[[CALL]]
// CHECK:         cf.cond_br %{{.*}}, ^[[END:.*]], ^[[FAILED]]
// CHECK:       ^[[FAILED]]:
// CHECK-NEXT:    %[[R:.*]] = arith.constant -1 : i32
// CHECK-NEXT:    return %[[R]]
// CHECK:       ^[[WITHOUT]]:
// CHECK-NEXT:    %[[R:.*]] = arith.constant 2 : i32
// CHECK-NEXT:    return %[[R]]
// CHECK-NOT:   func.func private
module attributes {mlc.host_calls = [{kind = "print", name = "x", operands = [tensor<4xf32>], place = "", results = []}, {kind = "custom", name = "f", operands = [tensor<4xf32>], place = "node `f`: ", results = [tensor<4xf32>]}]} {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%x: memref<4xf32> {mlc.input = "x"}, %y: memref<4xf32> {mlc.output = "y"}, %block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    call @host_0(%x) : (memref<4xf32>) -> ()
    call @host_1(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
    return
  }
  func.func private @host_0(memref<4xf32>) attributes {mlc.host_call = 0 : i64}
  func.func private @host_1(memref<4xf32>, memref<4xf32>) attributes {mlc.host_call = 1 : i64}
}

// -----

// A kernel that asks the host is given its flag, where to note that it left something
// out, and its table. The note is what counts when it has returned.

// CHECK-LABEL: func.func @run
// CHECK:         %[[HOST:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK:         llvm.or
// CHECK-NEXT:    %[[FLAG:.*]] = llvm.select
// CHECK:         %[[STATUS:.*]] = llvm.alloca
// CHECK:         call @kernel_0(%{{.*}}, %[[FLAG]], %[[STATUS]], %[[HOST]])
// CHECK-NEXT:    %[[CODE:.*]] = llvm.load volatile %[[STATUS]]
// CHECK:         cf.cond_br %{{.*}}, ^[[ENDED:.*]](%[[CODE]] : i32), ^[[REST:.*]]
// CHECK:       ^[[REST]]:
// CHECK-NEXT:    %[[OK:.*]] = arith.constant 0 : i32
// CHECK-NEXT:    return %[[OK]]
// CHECK:       ^[[ENDED]](%[[CODE:.*]]: i32):
// CHECK-NEXT:    return %[[CODE]]
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME:    %[[FLAG:[^ ]*]]: !llvm.ptr, %[[STATUS:[^ ]*]]: !llvm.ptr, %{{[^ ]*}}: !llvm.ptr)
// CHECK:         %[[SET:.*]] = llvm.load volatile %[[FLAG]]
// CHECK:         %[[NOW:.*]] = llvm.icmp "ne" %[[SET]]
// CHECK-NEXT:    cf.cond_br %[[NOW]], ^[[NOTE:.*]], ^[[ON:.*]]
// CHECK:       ^[[NOTE]]:
// CHECK-NEXT:    %[[ONE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    llvm.store %[[ONE]], %[[STATUS]] atomic monotonic
// CHECK-NEXT:    cf.br ^[[ON]]
// CHECK:       ^[[ON]]:
// CHECK:         cf.cond_br %[[NOW]]
module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%y: memref<4xf32> {mlc.output = "y"}, %block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    call @kernel_0(%y) : (memref<4xf32>) -> ()
    return
  }
  func.func private @kernel_0(%y: memref<4xf32>) attributes {mlc.kind = "elementwise"} {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %stop = mlc.cancelled
    cf.cond_br %stop, ^end, ^on
  ^on:
    memref.store %zero, %y[%c0] : memref<4xf32>
    cf.br ^end
  ^end:
    return
  }
}

// -----

// A range of two chunks or more goes to the host's parallel_for, at 16 of its table, if
// there is one, with a list of what its part takes; else it is run here. What the host
// returns, but 0, ends the run with -1.

// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME:    (%[[X:[^ ]*]]: !llvm.ptr {llvm.noalias, llvm.nonnull}, %[[N:[^ ]*]]: i64, %{{[^ ]*}}: !llvm.ptr, %[[STATUS:[^ ]*]]: !llvm.ptr, %[[HOST:[^ ]*]]: !llvm.ptr)
// CHECK:         %[[LIST:.*]] = llvm.alloca
// CHECK:         %[[COUNT:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK:         %[[LONG:.*]] = llvm.icmp "uge" %[[COUNT]]
// CHECK:         %[[THERE:.*]] = llvm.icmp "ne" %[[HOST]]
// CHECK:         %[[BOTH:.*]] = llvm.and %[[LONG]], %[[THERE]]
// CHECK-NEXT:    cf.cond_br %[[BOTH]], ^[[LOOK:.*]], ^[[HERE:bb.]]
// CHECK:       ^[[LOOK]]:
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[HOST]]
// CHECK-NEXT:    %[[FUNCTION:.*]] = llvm.load %[[FIELD]]
// CHECK:         cf.cond_br %{{.*}}, ^[[SPREAD:.*]], ^[[HERE]]
// CHECK:       ^[[SPREAD]]:
// CHECK:         llvm.store %{{.*}}, %{{.*}} : i64
// CHECK:         llvm.store %[[X]]
// CHECK:         %[[TASK:.*]] = constant @kernel_0_part_0_task : (!llvm.ptr, i64) -> ()
// CHECK:         %[[BODY:.*]] = builtin.unrealized_conversion_cast %[[TASK]]
// CHECK:         %[[FAILED:.*]] = llvm.call %[[FUNCTION]](%{{.*}}, %[[COUNT]], %[[BODY]], %[[LIST]])
// CHECK:         cf.cond_br %{{.*}}, ^[[FAIL:.*]], ^[[REST:.*]]
// CHECK:       ^[[FAIL]]:
// CHECK-NEXT:    %[[CODE:.*]] = llvm.mlir.constant(-1 : i32)
// CHECK-NEXT:    llvm.store %[[CODE]], %[[STATUS]]
// CHECK-NEXT:    cf.br ^[[REST]]
// CHECK:       ^[[HERE]]:
// CHECK-NEXT:    call @kernel_0_part_0(%[[X]], %{{.*}}, %{{.*}}, %[[N]])
// CHECK:       func.func private @kernel_0_part_0(%{{.*}}: !llvm.ptr {llvm.noalias, llvm.nonnull}, %{{.*}}: index, %{{.*}}: index, %{{.*}}: i64)

// The chunk of a number, cut at the end of the range.

// CHECK:       func.func private @kernel_0_part_0_task(%[[LIST:.*]]: !llvm.ptr, %[[NUMBER:.*]]: i64)
// CHECK:         %[[WORD:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK:         %[[CHUNK:.*]] = arith.index_cast %[[WORD]]
// CHECK:         %[[I:.*]] = arith.index_cast %[[NUMBER]]
// CHECK:         %[[AT:.*]] = arith.muli %[[I]], %[[CHUNK]]
// CHECK:         %[[FROM:.*]] = arith.addi %{{.*}}, %[[AT]]
// CHECK:         %[[END:.*]] = arith.addi %[[FROM]], %[[CHUNK]]
// CHECK:         %[[TO:.*]] = arith.minui %[[END]]
// CHECK:         call @kernel_0_part_0(%{{.*}}, %[[FROM]], %[[TO]], %{{.*}})
module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%x: memref<?xf32> {mlc.input = "x"}, %block: memref<?xi8>, %workspace: memref<?xi8>, %n: index) attributes {mlc.workspace = array<i64: 0, 0>} {
    call @kernel_0(%x) : (memref<?xf32>) -> ()
    return
  }
  func.func private @kernel_0(%x: memref<?xf32>) attributes {mlc.kind = "elementwise"} {
    %c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?xf32>
    %c16 = arith.constant 16 : index
    mlc.parallel_for @kernel_0_part_0(%x) from %c0 to %n by %c16 : (memref<?xf32>)
    return
  }
  func.func private @kernel_0_part_0(%x: memref<?xf32>, %from: index, %to: index) attributes {mlc.kind = "elementwise"} {
    %zero = arith.constant 0.0 : f32
    %c1 = arith.constant 1 : index
    scf.for %i = %from to %to step %c1 {
      memref.store %zero, %x[%i] : memref<?xf32>
    }
    return
  }
}

// -----

// A kernel may call others for rows of what it is given: pointers to the first of them, and their
// number for a kernel of any size that is not given it otherwise. A call that is described is timed, for the host that
// the caller asks, and another is not.

// CHECK-LABEL: func.func private @chain
// CHECK-SAME:    (%[[X:[^ ]*]]: !llvm.ptr {{.*}}, %[[Y:[^ ]*]]: !llvm.ptr {{.*}}, %[[R:[^ ]*]]: index, %[[N:[^ ]*]]: index, %{{[^ ]*}}: i64, %{{[^ ]*}}: !llvm.ptr, %{{[^ ]*}}: !llvm.ptr, %[[HOST:[^ ]*]]: !llvm.ptr)
// CHECK:         llvm.icmp "eq" %[[HOST]]
// CHECK:         %[[ROW:.*]] = arith.index_cast %[[R]] : index to i64
// CHECK-NEXT:    %[[BYTES:.*]] = llvm.mlir.constant(20 : i64)
// CHECK-NEXT:    %[[AT:.*]] = llvm.mul %[[ROW]], %[[BYTES]]
// CHECK-NEXT:    %[[FIRST:.*]] = llvm.getelementptr %[[X]][%[[AT]]]
// CHECK:         %[[SIZE:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK-NEXT:    call @kernel_0(%[[FIRST]], %[[Y]], %[[SIZE]])
// CHECK-NEXT:    llvm.call_intrinsic "llvm.readcyclecounter"
// CHECK:         llvm.atomicrmw add
// CHECK:         call @kernel_1(%{{.*}}, %[[N]])
// CHECK-NEXT:    llvm.call_intrinsic "llvm.readcyclecounter"
// CHECK-NOT:     llvm.atomicrmw
module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func private @chain(%x: memref<?x5xf32>, %y: memref<3xf32>, %r: index, %n: index) attributes {mlc.kind = "chain"} {
    %rows = mlc.rows %x[%r] size %n : memref<?x5xf32> -> memref<?x4xf32>
    call @kernel_0(%rows, %y) {mlc.kernel = 0 : i64} : (memref<?x4xf32>, memref<3xf32>) -> ()
    %cast = memref.cast %rows : memref<?x4xf32> to memref<?x?xf32>
    call @kernel_1(%cast, %n) : (memref<?x?xf32>, index) -> ()
    return
  }
  func.func private @kernel_0(memref<?x4xf32>, memref<3xf32>) attributes {mlc.kind = "elementwise"}
  func.func private @kernel_1(memref<?x?xf32>, index) attributes {mlc.kind = "elementwise", mlc.sizes = [array<i64: 1, 1>]}
}

// -----

// Calls of kernels that are described are timed: the time since the call before, and one
// call more, go to the kernel's two counters in the array at 40 of the host's table, or to
// memory of the driver's own. A call of the host stops the clock, too.

// CHECK-LABEL: func.func @run
// CHECK:         %[[LAST:.*]] = llvm.alloca {{.*}} x i64
// CHECK:         %[[START:.*]] = llvm.call_intrinsic "llvm.readcyclecounter"() : () -> i64
// CHECK-NEXT:    llvm.store %[[START]], %[[LAST]]
// CHECK:         %[[OWN:.*]] = llvm.alloca {{.*}} x i64
// CHECK:         llvm.select
// CHECK:         %[[COUNTERS:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK-NEXT:    %[[NOBODY:.*]] = llvm.icmp "eq" %[[COUNTERS]]
// CHECK:         call @kernel_0
// CHECK-NEXT:    %[[NOW:.*]] = llvm.call_intrinsic "llvm.readcyclecounter"
// CHECK-NEXT:    %[[BEFORE:.*]] = llvm.load %[[LAST]]
// CHECK-NEXT:    %[[TAKEN:.*]] = llvm.sub %[[NOW]], %[[BEFORE]]
// CHECK:         %[[PLACE:.*]] = llvm.getelementptr %[[COUNTERS]]
// CHECK-NEXT:    %[[AT:.*]] = llvm.select %[[NOBODY]], %[[OWN]], %[[PLACE]]
// CHECK:         llvm.atomicrmw add %{{.*}}, %[[TAKEN]] monotonic
// CHECK:         llvm.atomicrmw add
// CHECK:         llvm.store %[[NOW]], %[[LAST]]
// CHECK:         %[[THEN:.*]] = llvm.call_intrinsic "llvm.readcyclecounter"
// CHECK-NEXT:    llvm.store %[[THEN]], %[[LAST]]
module attributes {mlc.host_calls = [{kind = "print", name = "x", operands = [tensor<f32>], place = "", results = []}]} {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%x: memref<f32> {mlc.input = "x"}, %y: memref<f32> {mlc.output = "y"}, %block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    call @kernel_0(%x, %y) {mlc.kernel = 1 : i64} : (memref<f32>, memref<f32>) -> ()
    call @host_0(%y) : (memref<f32>) -> ()
    return
  }
  func.func private @kernel_0(%a: memref<f32>, %b: memref<f32>) attributes {mlc.kind = "elementwise"} {
    return
  }
  func.func private @host_0(memref<f32>) attributes {mlc.host_call = 0 : i64}
}
