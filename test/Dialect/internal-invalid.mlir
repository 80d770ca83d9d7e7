// Every constraint of the ops that passes make fails once.
// RUN: mlc-opt %s --split-input-file --verify-diagnostics

func.func @fusion_c1(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{fusion [C1]: unknown kind "convolution"}}
  %0 = mlc.fusion "convolution" (%x = %a) : (tensor<4xf32>) -> tensor<4xf32> {
    mlc.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @fusion_c2(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{fusion [C2]: the body's arguments differ from the operands in type}}
  %0 = "mlc.fusion"(%a) <{kind = "elementwise"}> ({
  ^bb0(%x: tensor<5xf32>):
    %1 = mlc.constant {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
    mlc.yield %1 : tensor<4xf32>
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @fusion_c3(%a: tensor<4xf32>) -> tensor<4xi32> {
  // expected-error@+1 {{fusion [C3]: the body does not yield values of the results' types}}
  %0 = mlc.fusion "elementwise" (%x = %a) : (tensor<4xf32>) -> tensor<4xi32> {
    mlc.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xi32>
}

// -----

func.func @fusion_c4(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.fusion "elementwise" (%x = %a) : (tensor<4xf32>) -> tensor<4xf32> {
    // expected-error@+1 {{fusion [C4]: mlc.fusion cannot be in a fusion}}
    %1 = mlc.fusion "elementwise" (%y = %x) : (tensor<4xf32>) -> tensor<4xf32> {
      mlc.yield %y : tensor<4xf32>
    }
    mlc.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @fusion_c5_elementwise(%a: tensor<4xf32>) -> tensor<f32> {
  // expected-error@+1 {{fusion [C5]: the body of "elementwise" must hold element-wise ops, broadcasts and slices only, constants aside}}
  %0 = mlc.fusion "elementwise" (%x = %a) : (tensor<4xf32>) -> tensor<f32> {
    %1 = mlc.reduce %x {kind = "sum", axes = array<i64: 0>} : (tensor<4xf32>) -> tensor<f32>
    mlc.yield %1 : tensor<f32>
  }
  return %0 : tensor<f32>
}

// -----

func.func @fusion_c5_contraction(%a: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error@+1 {{fusion [C5]: the body of "contraction" must hold one matmul or packed_matmul and element-wise ops, constants aside}}
  %0 = mlc.fusion "contraction" (%x = %a) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
    %1 = mlc.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = mlc.matmul %1, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    mlc.yield %2 : tensor<4x4xf32>
  }
  return %0 : tensor<4x4xf32>
}

// -----

func.func @fusion_c5_reduction(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{fusion [C5]: the body of "reduction" must hold reduces and element-wise ops, constants aside}}
  %0 = mlc.fusion "reduction" (%x = %a) : (tensor<4xf32>) -> tensor<4xf32> {
    %1 = mlc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
    mlc.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @fusion_c5_softmax(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{fusion [C5]: the body of "softmax" must hold one softmax and element-wise ops, constants aside}}
  %0 = mlc.fusion "softmax" (%x = %a) : (tensor<4xf32>) -> tensor<4xf32> {
    mlc.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @fusion_c5_data(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{fusion [C5]: the body of "data" must hold at most one op, which moves elements, constants aside}}
  %0 = mlc.fusion "data" (%x = %a) : (tensor<4xf32>) -> tensor<4xf32> {
    %1 = mlc.reshape %x {shape = array<i64: 2, 2>} : (tensor<4xf32>) -> tensor<2x2xf32>
    %2 = mlc.reshape %1 {shape = array<i64: 4>} : (tensor<2x2xf32>) -> tensor<4xf32>
    mlc.yield %2 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @yield(%a: tensor<4xf32>) {
  // expected-error@+1 {{expects parent op to be one of 'mlc.fusion, mlc.if, mlc.while, mlc.scan, mlc.attend'}}
  mlc.yield %a : tensor<4xf32>
}

// -----

func.func @isolated(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-note@+1 {{required by region isolation constraints}}
  %0 = mlc.fusion "elementwise" () : () -> tensor<4xf32> {
    // expected-error@+1 {{using value defined outside the region}}
    mlc.yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @pack_c1(%a: tensor<?x3xf32>) {
  // expected-error@+1 {{pack [C1]: the operand is 'tensor<?x3xf32>', expected a matrix with a known number of columns}}
  %0 = mlc.pack %a {tile = 2 : i64, transpose = true} : (tensor<?x3xf32>) -> tensor<1x3x2xf32>
  return
}

// -----

func.func @pack_c2(%a: tensor<4x3xf32>) {
  // expected-error@+1 {{pack [C2]: `tile` is 0 and `depth` 1, expected at least 1}}
  %0 = mlc.pack %a {tile = 0 : i64} : (tensor<4x3xf32>) -> tensor<1x4x3xf32>
  return
}

// -----

func.func @pack_c3_depth(%a: tensor<5x3xi8>) {
  // expected-error@+1 {{pack [C3]: the result is 'tensor<2x5x2xi8>', expected 'tensor<2x2x2x4xi8>'}}
  %0 = mlc.pack %a {tile = 2 : i64, depth = 4 : i64} : (tensor<5x3xi8>) -> tensor<2x5x2xi8>
  return
}

// -----

func.func @pack_c3(%a: tensor<4x3xf32>) {
  // expected-error@+1 {{pack [C3]: the result is 'tensor<1x4x2xf32>', expected 'tensor<2x4x2xf32>'}}
  %0 = mlc.pack %a {tile = 2 : i64} : (tensor<4x3xf32>) -> tensor<1x4x2xf32>
  return
}

// -----

func.func @packed_matmul_c1(%a: tensor<2x4xf64>, %b: tensor<1x4x3xf32>) {
  // expected-error@+1 {{packed_matmul [C1]: a product of 'f64' and 'f32' cannot be 'f32'}}
  %0 = mlc.packed_matmul %a, %b : (tensor<2x4xf64>, tensor<1x4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @packed_matmul_c1_integers(%a: tensor<2x4xi8>, %b: tensor<1x4x3xi8>) {
  // expected-error@+1 {{packed_matmul [C1]: a product of 'i8' and 'i8' cannot be 'i32'}}
  %0 = mlc.packed_matmul %a, %b : (tensor<2x4xi8>, tensor<1x4x3xi8>) -> tensor<2x3xi32>
  return
}

// -----

func.func @packed_matmul_c2(%a: tensor<2x4xf32>, %b: tensor<4x3xf32>) {
  // expected-error@+1 {{packed_matmul [C2]: expected operands of ranks 2 and 3, or 4, with a known tile and depth, found 'tensor<2x4xf32>' and 'tensor<4x3xf32>'}}
  %0 = mlc.packed_matmul %a, %b : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @packed_matmul_c3(%a: tensor<4x2xf32>, %b: tensor<1x4x3xf32>) {
  // expected-error@+1 {{packed_matmul [C3]: the contracted dimensions of 'tensor<4x2xf32>' and 'tensor<1x4x3xf32>' differ}}
  %0 = mlc.packed_matmul %a, %b : (tensor<4x2xf32>, tensor<1x4x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @packed_matmul_c3_depth(%a: tensor<2x5xui8>, %b: tensor<1x1x3x4xi8>) {
  // expected-error@+1 {{packed_matmul [C3]: the contracted dimensions of 'tensor<2x5xui8>' and 'tensor<1x1x3x4xi8>' differ}}
  %0 = mlc.packed_matmul %a, %b : (tensor<2x5xui8>, tensor<1x1x3x4xi8>) -> tensor<2x3xi32>
  return
}

// -----

func.func @quantize_c1(%a: tensor<2x4xf32>, %s: tensor<2xf32>) {
  // expected-error@+1 {{quantize [C1]: expected two operands of f32 and one shape, found 'tensor<2x4xf32>' and 'tensor<2xf32>'}}
  %0 = mlc.quantize %a, %s : (tensor<2x4xf32>, tensor<2xf32>) -> tensor<2x4xi8>
  return
}

// -----

func.func @quantize_c2(%a: tensor<2x4xf32>, %s: tensor<2x4xf32>) {
  // expected-error@+1 {{quantize [C2]: the result is 'tensor<2x4xi32>', expected i8, i16 or u8 in the shape of 'tensor<2x4xf32>'}}
  %0 = mlc.quantize %a, %s : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xi32>
  return
}

// -----

func.func @packed_matmul_c4(%a: tensor<2x4xf32>, %b: tensor<2x4x3xf32>) {
  // expected-error@+1 {{packed_matmul [C4]: the result 'tensor<2x3xf32>' does not have the rows of 'tensor<2x4xf32>' and the columns packed in 'tensor<2x4x3xf32>'}}
  %0 = mlc.packed_matmul %a, %b : (tensor<2x4xf32>, tensor<2x4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @slot(%a: memref<4x3xf32>, %i: index) {
  // expected-error@+1 {{slot [C1]: 'memref<4xf32>' is not 'memref<4x3xf32>' without its first dimension}}
  %0 = mlc.slot %a[%i] : memref<4x3xf32> -> memref<4xf32>
  return
}

// -----

func.func @rows_of_another_type(%a: memref<?x3xf32>, %i: index) {
  // expected-error@+1 {{rows [C1]: 'memref<?x3xi32>' is not rows of 'memref<?x3xf32>'}}
  %0 = mlc.rows %a[%i] size %i : memref<?x3xf32> -> memref<?x3xi32>
  return
}

// -----

func.func @wider_rows(%a: memref<8x3xf32>, %i: index) {
  // expected-error@+1 {{rows [C1]: 'memref<?x2x2xf32>' is not rows of 'memref<8x3xf32>'}}
  %0 = mlc.rows %a[%i] size %i : memref<8x3xf32> -> memref<?x2x2xf32>
  return
}

// -----

func.func @attention(%a: tensor<4x4xf32>) {
  // expected-error@+1 {{fusion [C5]: the body of "attention" must hold a matmul, a softmax of rows of its shape, the matmul with that and element-wise ops, constants aside}}
  %0 = mlc.fusion "attention" (%x = %a) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
    %1 = mlc.matmul %x, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = mlc.softmax %1 {axis = 0 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %3 = mlc.matmul %2, %x : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    mlc.yield %3 : tensor<4x4xf32>
  }
  return
}

// -----

#out = affine_map<(m, n, k, c) -> (m, c)>
func.func @attend_c1(%a: memref<4x4xf32>) {
  // expected-error@+1 {{attend [C1]: expected 4 maps of 4 loops}}
  mlc.attend(%a, %a, %a, %a) {maps = [#out, #out, #out]} : (memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>) -> () {
  ^bb0(%s: f32):
    mlc.yield %s : f32
  }
  return
}

// -----

#out = affine_map<(m, n, k, c) -> (m, c)>
func.func @attend_c2(%a: memref<4x4xf32>, %b: memref<4x4xf64>) {
  // expected-error@+1 {{attend [C2]: expected operands of f32, found 'memref<4x4xf64>'}}
  mlc.attend(%a, %b, %a, %a) {maps = [#out, #out, #out, #out]} : (memref<4x4xf32>, memref<4x4xf64>, memref<4x4xf32>, memref<4x4xf32>) -> () {
  ^bb0(%s: f32):
    mlc.yield %s : f32
  }
  return
}

// -----

#out = affine_map<(m, n, k, c) -> (m, c)>
func.func @attend_c3(%a: memref<4x4xf32>, %m: memref<4x4xi8>) {
  // expected-error@+1 {{attend [C3]: expected a body of ('f32', 'i8') that yields 'f32'}}
  mlc.attend(%a, %a, %a, %m, %a) {maps = [#out, #out, #out, #out, #out]} : (memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>, memref<4x4xi8>, memref<4x4xf32>) -> () {
  ^bb0(%s: f32):
    mlc.yield %s : f32
  }
  return
}
