// RUN: mlc-opt %s --split-input-file --mlc-hoist-parameters --verify-diagnostics

// expected-error@+1 {{mlc-hoist-parameters: expected one function of one block, found 2 functions}}
module {
  func.func @one() { return }
  func.func @two() { return }
}

// -----

// expected-error@+1 {{mlc-hoist-parameters: expected one function of one block, found 0 functions}}
module {}

// -----

func.func @recursive(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{mlc-hoist-parameters: calls must be inlined before}}
  %0 = mlc.call %a {callee = "recursive"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
