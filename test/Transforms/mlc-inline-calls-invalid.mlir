// RUN: mlc-opt %s --split-input-file --mlc-inline-calls=max-ops=3 --verify-diagnostics

// expected-error@+1 {{mlc-inline-calls: the module has no function with a body}}
module {}

// -----

func.func @self(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{call [C4]: "self" calls itself, directly or through others}}
  %0 = mlc.call %a {callee = "self"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @entry(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.call %a {callee = "ping"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @ping(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.call %a {callee = "pong"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @pong(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{call [C4]: "ping" calls itself, directly or through others}}
  %0 = mlc.call %a {callee = "ping"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @entry(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{call [C1]: "external" has no body to inline}}
  %0 = mlc.call %a {callee = "external"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @external(tensor<4xf32>) -> tensor<4xf32>

// -----

// Doubling: three levels would make 8 ops.
// expected-error@+1 {{mlc-inline-calls: more than 3 ops after inlining}}
func.func @entry(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.call %a {callee = "twice"} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.call %0 {callee = "twice"} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
func.func @twice(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.neg %a : (tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
