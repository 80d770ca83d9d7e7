// The verifier of the vocabulary is Graph's inference function, whose unit tests
// have every constraint; here, that MLIR asks it, and what only MLIR can get wrong.
// RUN: mlc-opt %s --split-input-file --verify-diagnostics

func.func @dtypes(%a: tensor<4xf32>, %b: tensor<4xi32>) {
  // expected-error@+1 {{add [C1]: operands differ in type: f32[4] and i32[4]}}
  %0 = mlc.add %a, %b : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @result(%a: tensor<4xf32>) {
  // expected-error@+1 {{neg [C1]: result 0 is f32[3], expected f32[4]}}
  %0 = mlc.neg %a : (tensor<4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @bool(%a: tensor<4xi1>) {
  // expected-error@+1 {{exp [C2]: expected a float dtype, got bool}}
  %0 = mlc.exp %a : (tensor<4xi1>) -> tensor<4xi1>
  return
}

// -----

func.func @symbolic(%a: tensor<?x4xf32>) attributes {mlc.dims = ["batch"]} {
  // expected-error@+1 {{reduce [C4]: result 0 is f32[4], expected f32[batch]}}
  %0 = mlc.reduce %a {kind = "sum", axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @shape(%a: tensor<4xf32>) {
  // expected-error@+1 {{broadcast: attribute `shape`: expected a size, or -1 for the symbolic dimension, found -3}}
  %0 = mlc.broadcast %a {shape = array<i64: -3, 4>, axes = array<i64: 1>} : (tensor<4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @element_type(%a: tensor<4xcomplex<f32>>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of}}
  %0 = mlc.neg %a : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return
}

// -----

func.func @encoding(%a: tensor<4xf32, "sparse">) {
  // expected-error@+1 {{neg: expected a tensor without encoding, found tensor<4xf32, "sparse">}}
  %0 = mlc.neg %a : (tensor<4xf32, "sparse">) -> tensor<4xf32, "sparse">
  return
}

// -----

func.func @resource() {
  // expected-error@+1 {{constant: attribute `value` has the wrong kind}}
  %0 = mlc.constant {value = dense_resource<blob> : tensor<4xf32>} : () -> tensor<4xf32>
  return
}

// -----

func.func @constant() {
  // expected-error@+1 {{constant [C1]: result 0 is f32[5], expected f32[4]}}
  %0 = mlc.constant {value = dense<1.0> : tensor<4xf32>} : () -> tensor<5xf32>
  return
}

// -----

func.func @unlisted() {
  // expected-error@+1 {{parameter [C1]: the module has no `mlc.parameters`}}
  %0 = mlc.parameter {parameter = "w"} : () -> tensor<4xf32>
  return
}

// -----

module attributes {mlc.parameters = [["v", tensor<4xf32>]]} {
  func.func @unknown() {
    // expected-error@+1 {{parameter [C1]: the model has no parameter "w"}}
    %0 = mlc.parameter {parameter = "w"} : () -> tensor<4xf32>
    return
  }
}

// -----

module attributes {mlc.parameters = [["w", tensor<3xf32>]]} {
  func.func @other_type() {
    // expected-error@+1 {{parameter [C2]: result 0 is f32[4], expected f32[3]}}
    %0 = mlc.parameter {parameter = "w"} : () -> tensor<4xf32>
    return
  }
}

// -----

// expected-error@+1 {{`mlc.parameters` is not an array of [name, type]}}
module attributes {mlc.parameters = {w = tensor<3xf32>}} {}

// -----

// expected-error@+1 {{parameter "w" is listed twice}}
module attributes {mlc.parameters = [["w", tensor<3xf32>], ["w", tensor<4xf32>]]} {}

// -----

// expected-error@+1 {{parameter "w": expected a ranked tensor, found f32}}
module attributes {mlc.parameters = [["w", f32]]} {}

// -----

// expected-error@+1 {{`mlc.parameters` belongs on a module}}
func.func @misplaced() attributes {mlc.parameters = []} { return }

// -----

// expected-error@+1 {{`mlc.dims` is not an array of one name}}
func.func @two_dims() attributes {mlc.dims = ["m", "n"]} { return }

// -----

func.func @call(%a: tensor<4xf32>) {
  // expected-error@+1 {{call [C1]: the model has no function "missing"}}
  %0 = mlc.call %a {callee = "missing"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @callee(%a: tensor<?xf32>) -> tensor<?xf32> attributes {mlc.dims = ["n"]} { return %a : tensor<?xf32> }
func.func @operand(%a: tensor<4xi32>) {
  // expected-error@+1 {{call [C2]:}}
  %0 = mlc.call %a {callee = "callee"} : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

func.func @callee(%a: tensor<?xf32>) -> tensor<?xf32> attributes {mlc.dims = ["n"]} { return %a : tensor<?xf32> }
func.func @call_result(%a: tensor<4xf32>) {
  // expected-error@+1 {{call [C3]: result 0 is f32[5], expected f32[4]}}
  %0 = mlc.call %a {callee = "callee"} : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @take_indices(%a: tensor<4xf32>) {
  // expected-error@+1 {{take [C2]: expected indices of dtype i32 or i64, got f32}}
  %0 = mlc.take %a, %a {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @if_results(%p: tensor<i1>, %a: tensor<4xf32>) {
  // expected-error@+1 {{if [C4]: result 0 is f32[3], expected f32[4]}}
  %0 = mlc.if %p, %a : (tensor<i1>, tensor<4xf32>) -> tensor<3xf32> {
  ^bb0(%x: tensor<4xf32>):
    mlc.yield %x : tensor<4xf32>
  }, {
  ^bb0(%x: tensor<4xf32>):
    mlc.yield %x : tensor<4xf32>
  }
  return
}

// -----

// A loop whose types change.
func.func @scan_types(%a: tensor<4xf32>, %b: tensor<2x4xi32>) {
  // expected-error@+1 {{scan [C5]: the block returns first (i32[4]), expected (f32[4])}}
  %0 = mlc.scan %a, %b {carried = 1 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<2x4xi32>) -> tensor<4xf32> {
  ^bb0(%s: tensor<4xf32>, %x: tensor<4xi32>):
    mlc.yield %x : tensor<4xi32>
  }
  return
}

// -----

func.func @outer(%p: tensor<i1>, %a: tensor<4xf32>) {
  // expected-note@+1 {{required by region isolation constraints}}
  %0 = mlc.if %p : (tensor<i1>) -> tensor<4xf32> {
    // expected-error@+1 {{using value defined outside the region}}
    mlc.yield %a : tensor<4xf32>
  }, {
    mlc.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @check(%x: tensor<4xf32>) {
  // expected-error@+1 {{check [C1]: expected bool, got f32}}
  mlc.check %x {message = "x"} : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @custom(%x: tensor<?xf32>) attributes {mlc.dims = ["n"]} {
  // expected-error@+1 {{custom [C4]: result 0 is f32[4], expected f32[n]}}
  %0 = mlc.custom %x {function = "f", dtype = "f32", shape = array<i64: -1>} : (tensor<?xf32>) -> tensor<4xf32>
  return
}
