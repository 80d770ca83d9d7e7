// RUN: mlc-opt --split-input-file --verify-diagnostics --mlc-lower-frame %s

module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func private @kernel_0(%x: memref<4xf32>) attributes {mlc.kind = "elementwise"} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    // expected-error @+1 {{expected a kernel @kernel_1 of type '(memref<4xf32>, index, index) -> ()'}}
    mlc.parallel_for @kernel_1(%x) from %c0 to %c4 by %c4 : (memref<4xf32>)
    return
  }
  func.func private @kernel_1(%x: memref<4xf32>) attributes {mlc.kind = "elementwise"} {
    return
  }
}

// -----

module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func private @kernel_0(%x: memref<4xf32>) attributes {mlc.kind = "elementwise"} {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %v = vector.load %x[%c0] : memref<4xf32>, vector<4xf32>
    // expected-error @+1 {{expected arguments of the kernel and numbers}}
    mlc.parallel_for @kernel_1(%v) from %c0 to %c4 by %c4 : (vector<4xf32>)
    return
  }
  func.func private @kernel_1(%v: vector<4xf32>, %from: index, %to: index) attributes {mlc.kind = "elementwise"} {
    return
  }
}

// -----

module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func private @chain(%x: memref<4xf32>) attributes {mlc.kind = "chain"} {
    // expected-error @+1 {{expected a kernel that does not ask the host}}
    call @kernel_0(%x) : (memref<4xf32>) -> ()
    return
  }
  func.func private @kernel_0(memref<4xf32>) attributes {mlc.kind = "elementwise", mlc.asks}
}

// -----

module {
  func.func @prepare(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func @run(%block: memref<?xi8>, %workspace: memref<?xi8>) attributes {mlc.workspace = array<i64: 0, 0>} {
    return
  }
  func.func private @chain(%x: memref<4xf32>, %y: memref<?xf32>) attributes {mlc.kind = "chain"} {
    // expected-error @+1 {{expected arguments of the kernel, rows of them and numbers}}
    call @kernel_0(%y) : (memref<?xf32>) -> ()
    return
  }
  func.func private @kernel_0(memref<?xf32>) attributes {mlc.kind = "elementwise"}
}
