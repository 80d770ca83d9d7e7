// RUN: mlc-opt %s --mlc-simplify | FileCheck %s
// The same patterns serve the upstream pass.
// RUN: mlc-opt %s --canonicalize | FileCheck %s

// Neutral elements, also seen through a broadcast.
// CHECK-LABEL: func.func @neutral
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]] :
func.func @neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = mlc.constant {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %minus = mlc.constant {value = dense<-0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %one = mlc.constant {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %ones = mlc.broadcast %one {shape = array<i64: 4>, axes = array<i64>} : (tensor<f32>) -> tensor<4xf32>
  %0 = mlc.add %x, %minus : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.add %minus, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = mlc.sub %x, %zero : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = mlc.mul %ones, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = mlc.div %x, %ones : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// x + 0 makes +0 of -0, as x - (-0) does; x * 0 and x - x may be NaN.
// CHECK-LABEL: func.func @not_neutral
// CHECK: %[[A:.*]] = mlc.add
// CHECK-NEXT: %[[B:.*]] = mlc.sub
// CHECK-NEXT: %[[C:.*]] = mlc.mul
// CHECK-NEXT: %[[D:.*]] = mlc.sub
// CHECK-NEXT: return %[[A]], %[[B]], %[[C]], %[[D]] :
func.func @not_neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = mlc.constant {value = dense<0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %minus = mlc.constant {value = dense<-0.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = mlc.add %x, %zero : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.sub %x, %minus : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = mlc.mul %x, %zero : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = mlc.sub %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// Integers wrap; x / 0 is 0 and INT_MIN / -1 is INT_MIN.
// CHECK-LABEL: func.func @integers
// CHECK-SAME: (%[[X:.*]]: tensor<2xi32>)
// CHECK-DAG: %[[DIV:.*]] = mlc.constant {value = dense<[3, -3, 0, -2147483648]> : tensor<4xi32>}
// CHECK-DAG: %[[SUB:.*]] = mlc.constant {value = dense<[5, -9, 5, -2147483647]> : tensor<4xi32>}
// CHECK-DAG: %[[NEG:.*]] = mlc.constant {value = dense<[-2147483648, -5]> : tensor<2xi32>}
// CHECK-DAG: %[[SUM:.*]] = mlc.constant {value = dense<[44, 203]> : tensor<2xi32>}
// CHECK-DAG: %[[MIN:.*]] = mlc.constant {value = dense<[100, 3]> : tensor<2xui8>}
// CHECK: return %[[X]], %[[X]], %[[DIV]], %[[SUB]], %[[NEG]], %[[MIN]], %[[SUM]] :
func.func @integers(%x: tensor<2xi32>)
    -> (tensor<2xi32>, tensor<2xi32>, tensor<4xi32>, tensor<4xi32>, tensor<2xi32>, tensor<2xui8>, tensor<2xi32>) {
  %zero = mlc.constant {value = dense<0> : tensor<2xi32>} : () -> tensor<2xi32>
  %one = mlc.constant {value = dense<1> : tensor<2xi32>} : () -> tensor<2xi32>
  %0 = mlc.add %zero, %x : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %1 = mlc.mul %0, %one : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %a = mlc.constant {value = dense<[7, -7, 5, -2147483648]> : tensor<4xi32>} : () -> tensor<4xi32>
  %b = mlc.constant {value = dense<[2, 2, 0, -1]> : tensor<4xi32>} : () -> tensor<4xi32>
  %2 = mlc.div %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %3 = mlc.sub %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %c = mlc.constant {value = dense<[-2147483648, 5]> : tensor<2xi32>} : () -> tensor<2xi32>
  %4 = mlc.neg %c : (tensor<2xi32>) -> tensor<2xi32>
  %d = mlc.constant {value = dense<[200, 3]> : tensor<2xui8>} : () -> tensor<2xui8>
  %5 = mlc.max %d, %d : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %e = mlc.constant {value = dense<[100, 200]> : tensor<2xui8>} : () -> tensor<2xui8>
  %6 = mlc.add %5, %e : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %7 = mlc.cast %6 {dtype = "i32"} : (tensor<2xui8>) -> tensor<2xi32>
  %8 = mlc.min %d, %e : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  return %1, %0, %2, %3, %4, %8, %7 : tensor<2xi32>, tensor<2xi32>, tensor<4xi32>, tensor<4xi32>, tensor<2xi32>, tensor<2xui8>, tensor<2xi32>
}

// Floats round once; max propagates NaN and puts +0 above -0.
// CHECK-LABEL: func.func @floats
// CHECK-DAG: %[[ADD:.*]] = mlc.constant {value = dense<[3.000000e-01, 0x7FC00001, 0.000000e+00]> : tensor<3xf32>}
// CHECK-DAG: %[[DIV:.*]] = mlc.constant {value = dense<[1.000000e+00, 1.000000e+00, 0x7FC00000]> : tensor<3xf32>}
// CHECK-DAG: %[[MAX:.*]] = mlc.constant {value = dense<[2.000000e-01, 0x7FC00001, 0.000000e+00]> : tensor<3xf32>}
// CHECK-DAG: %[[NEG:.*]] = mlc.constant {value = dense<[-2.000000e-01, -1.000000e+00, -0.000000e+00]> : tensor<3xf32>}
// CHECK-DAG: %[[F16:.*]] = mlc.constant {value = dense<[6.550400e+04, 0x7C00]> : tensor<2xf16>}
// CHECK: return %[[ADD]], %[[DIV]], %[[MAX]], %[[NEG]], %[[F16]] :
func.func @floats() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2xf16>) {
  %a = mlc.constant {value = dense<[0.1, 0x7FC00001, -0.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %b = mlc.constant {value = dense<[0.2, 1.0, 0.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %0 = mlc.add %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %1 = mlc.div %b, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %2 = mlc.max %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %3 = mlc.neg %b : (tensor<3xf32>) -> tensor<3xf32>
  %c = mlc.constant {value = dense<[65519.9, 65520.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %4 = mlc.cast %c {dtype = "f16"} : (tensor<2xf32>) -> tensor<2xf16>
  return %0, %1, %2, %3, %4: tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2xf16>
}

// Float to integer truncates and saturates, NaN is 0 but true; integers wrap.
// CHECK-LABEL: func.func @casts
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-DAG: %[[I32:.*]] = mlc.constant {value = dense<[1, -1, 2147483647, -2147483648, 0]> : tensor<5xi32>}
// CHECK-DAG: %[[U8:.*]] = mlc.constant {value = dense<[1, 0, 255, 0, 0]> : tensor<5xui8>}
// CHECK-DAG: %[[BOOL:.*]] = mlc.constant {value = dense<true> : tensor<5xi1>}
// CHECK-DAG: %[[F32:.*]] = mlc.constant {value = dense<[0x4B800000, -3.000000e+00]> : tensor<2xf32>}
// CHECK-DAG: %[[I8:.*]] = mlc.constant {value = dense<[44, 56, -128]> : tensor<3xi8>}
// CHECK: return %[[X]], %[[I32]], %[[U8]], %[[BOOL]], %[[F32]], %[[I8]] :
func.func @casts(%x: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<5xi32>, tensor<5xui8>, tensor<5xi1>, tensor<2xf32>, tensor<3xi8>) {
  %0 = mlc.cast %x {dtype = "f32"} : (tensor<4xf32>) -> tensor<4xf32>
  %a = mlc.constant {value = dense<[1.9, -1.9, 1.0e20, -1.0e20, 0x7FC00000]> : tensor<5xf32>} : () -> tensor<5xf32>
  %1 = mlc.cast %a {dtype = "i32"} : (tensor<5xf32>) -> tensor<5xi32>
  %2 = mlc.cast %a {dtype = "u8"} : (tensor<5xf32>) -> tensor<5xui8>
  %3 = mlc.cast %a {dtype = "bool"} : (tensor<5xf32>) -> tensor<5xi1>
  %b = mlc.constant {value = dense<[16777217, -3]> : tensor<2xi32>} : () -> tensor<2xi32>
  %4 = mlc.cast %b {dtype = "f32"} : (tensor<2xi32>) -> tensor<2xf32>
  %c = mlc.constant {value = dense<[300, -200, 128]> : tensor<3xi32>} : () -> tensor<3xi32>
  %5 = mlc.cast %c {dtype = "i8"} : (tensor<3xi32>) -> tensor<3xi8>
  return %0, %1, %2, %3, %4, %5 : tensor<4xf32>, tensor<5xi32>, tensor<5xui8>, tensor<5xi1>, tensor<2xf32>, tensor<3xi8>
}

// CHECK-LABEL: func.func @predicates
// CHECK-SAME: (%[[X:.*]]: tensor<3xi1>, %[[V:.*]]: tensor<3xf32>, %[[W:.*]]: tensor<3xf32>)
// CHECK-DAG: %[[TRUE:.*]] = mlc.constant {value = dense<true> : tensor<3xi1>}
// CHECK-DAG: %[[FALSE:.*]] = mlc.constant {value = dense<false> : tensor<3xi1>}
// CHECK-DAG: %[[GE:.*]] = mlc.constant {value = dense<[true, false, false]> : tensor<3xi1>}
// CHECK-DAG: %[[NE:.*]] = mlc.constant {value = dense<[false, true, true]> : tensor<3xi1>}
// CHECK-DAG: %[[LT:.*]] = mlc.constant {value = dense<[false, true, false]> : tensor<3xi1>}
// CHECK: return %[[X]], %[[FALSE]], %[[TRUE]], %[[X]], %[[W]], %[[GE]], %[[NE]], %[[LT]] :
func.func @predicates(%x: tensor<3xi1>, %v: tensor<3xf32>, %w: tensor<3xf32>)
    -> (tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xf32>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>) {
  %true = mlc.constant {value = dense<true> : tensor<3xi1>} : () -> tensor<3xi1>
  %false = mlc.constant {value = dense<false> : tensor<3xi1>} : () -> tensor<3xi1>
  %0 = mlc.logical_and %true, %x : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  %1 = mlc.logical_and %x, %false : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  %2 = mlc.logical_or %x, %true : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  %n = mlc.logical_not %x : (tensor<3xi1>) -> tensor<3xi1>
  %3 = mlc.logical_not %n : (tensor<3xi1>) -> tensor<3xi1>
  %4 = mlc.select %false, %v, %w : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %a = mlc.constant {value = dense<[1.0, 2.0, 0x7FC00000]> : tensor<3xf32>} : () -> tensor<3xf32>
  %b = mlc.constant {value = dense<[1.0, 3.0, 0.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %5 = mlc.compare %a, %b {direction = "ge"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %6 = mlc.compare %a, %b {direction = "ne"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %7 = mlc.compare %a, %b {direction = "lt"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>, tensor<3xf32>, tensor<3xi1>, tensor<3xi1>, tensor<3xi1>
}

// Moves that move nothing, and moves of moves.
// CHECK-LABEL: func.func @moves
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
// CHECK-NEXT: %[[R:.*]] = mlc.reshape %[[X]] {shape = array<i64: 6>}
// CHECK-NEXT: %[[B:.*]] = mlc.broadcast %[[X]] {axes = array<i64: 1, 2>, shape = array<i64: 4, 2, 3>}
// CHECK-NEXT: return %[[X]], %[[R]], %[[X]], %[[X]], %[[X]], %[[X]], %[[B]] :
func.func @moves(%x: tensor<2x3xf32>)
    -> (tensor<2x3xf32>, tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<4x2x3xf32>) {
  %0 = mlc.reshape %x {shape = array<i64: 2, 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %r = mlc.reshape %x {shape = array<i64: 3, 2>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = mlc.reshape %r {shape = array<i64: 6>} : (tensor<3x2xf32>) -> tensor<6xf32>
  %t = mlc.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = mlc.transpose %t {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %3 = mlc.slice %x {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 3>, strides = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = mlc.concat %x {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %e = mlc.slice %x {axes = array<i64: 0>, starts = array<i64: 1>, limits = array<i64: 1>, strides = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<0x3xf32>
  %5 = mlc.concat %e, %x {axis = 0 : i64} : (tensor<0x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %b = mlc.broadcast %x {shape = array<i64: 1, 2, 3>, axes = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
  %6 = mlc.broadcast %b {shape = array<i64: 4, 2, 3>, axes = array<i64: 0, 1, 2>} : (tensor<1x2x3xf32>) -> tensor<4x2x3xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<2x3xf32>, tensor<6xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<4x2x3xf32>
}

// A take of constants, but not one whose indices do not exist.
// CHECK-LABEL: func.func @taken_constants
// CHECK-DAG: %[[A:.*]] = mlc.constant {value = dense<{{\[\[}}[6, 5], [4, 4]], {{\[\[}}3, 2], [1, 1]]]> : tensor<2x2x2xi32>}
// CHECK-DAG: %[[B:.*]] = mlc.constant {value = dense<[4, 1]> : tensor<2xi32>}
// CHECK-DAG: %[[C:.*]] = mlc.constant {value = dense<7.000000e+00> : tensor<2xf32>}
// CHECK-DAG: %[[D:.*]] = mlc.take
// CHECK: return %[[A]], %[[B]], %[[C]], %[[D]] :
func.func @taken_constants() -> (tensor<2x2x2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xf32>) {
  %x = mlc.constant {value = dense<[[6, 5, 4], [3, 2, 1]]> : tensor<2x3xi32>} : () -> tensor<2x3xi32>
  %i = mlc.constant {value = dense<[[0, 1], [2, -1]]> : tensor<2x2xi64>} : () -> tensor<2x2xi64>
  %0 = mlc.take %x, %i {axis = 1 : i64} : (tensor<2x3xi32>, tensor<2x2xi64>) -> tensor<2x2x2xi32>
  %j = mlc.constant {value = dense<-1> : tensor<i32>} : () -> tensor<i32>
  %1 = mlc.take %x, %j {axis = 1 : i64} : (tensor<2x3xi32>, tensor<i32>) -> tensor<2xi32>
  %s = mlc.constant {value = dense<7.0> : tensor<3xf32>} : () -> tensor<3xf32>
  %k = mlc.constant {value = dense<[2, 1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %2 = mlc.take %s, %k {axis = 0 : i64} : (tensor<3xf32>, tensor<2xi64>) -> tensor<2xf32>
  %l = mlc.constant {value = dense<[2, 3]> : tensor<2xi64>} : () -> tensor<2xi64>
  %3 = mlc.take %s, %l {axis = 0 : i64} : (tensor<3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0, %1, %2, %3 : tensor<2x2x2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xf32>
}

// CHECK-LABEL: func.func @moved_constants
// CHECK-DAG: %[[T:.*]] = mlc.constant {value = dense<{{\[\[}}1, 4], [2, 5], [3, 6]]> : tensor<3x2xi32>}
// CHECK-DAG: %[[S:.*]] = mlc.constant {value = dense<{{\[\[}}1, 3], [4, 6]]> : tensor<2x2xi32>}
// CHECK-DAG: %[[B:.*]] = mlc.constant {value = dense<{{\[\[}}7, 7, 7], [8, 8, 8]]> : tensor<2x3xi32>}
// CHECK-DAG: %[[R:.*]] = mlc.constant {value = dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi32>}
// CHECK: return %[[T]], %[[S]], %[[B]], %[[R]] :
func.func @moved_constants() -> (tensor<3x2xi32>, tensor<2x2xi32>, tensor<2x3xi32>, tensor<6xi32>) {
  %c = mlc.constant {value = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>} : () -> tensor<2x3xi32>
  %0 = mlc.transpose %c {permutation = array<i64: 1, 0>} : (tensor<2x3xi32>) -> tensor<3x2xi32>
  %1 = mlc.slice %c {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 3>, strides = array<i64: 2>} : (tensor<2x3xi32>) -> tensor<2x2xi32>
  %v = mlc.constant {value = dense<[[7], [8]]> : tensor<2x1xi32>} : () -> tensor<2x1xi32>
  %2 = mlc.broadcast %v {shape = array<i64: 2, 3>, axes = array<i64: 0, 1>} : (tensor<2x1xi32>) -> tensor<2x3xi32>
  %3 = mlc.reshape %c {shape = array<i64: 6>} : (tensor<2x3xi32>) -> tensor<6xi32>
  return %0, %1, %2, %3 : tensor<3x2xi32>, tensor<2x2xi32>, tensor<2x3xi32>, tensor<6xi32>
}

// CHECK-LABEL: func.func @signs
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[A:.*]] = mlc.abs %[[X]]
// CHECK-NEXT: %[[R:.*]] = mlc.relu %[[X]]
// CHECK-NEXT: return %[[X]], %[[A]], %[[A]], %[[R]] :
func.func @signs(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %n = mlc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %0 = mlc.neg %n : (tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.abs %n : (tensor<4xf32>) -> tensor<4xf32>
  %2 = mlc.abs %1 : (tensor<4xf32>) -> tensor<4xf32>
  %r = mlc.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %3 = mlc.relu %r : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A transposition of a matmul's operand is an attribute of the matmul.
// CHECK-LABEL: func.func @matmul
// CHECK-SAME: (%[[A:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<3x4xf32>, %[[C:.*]]: tensor<5x2x4xf32>)
// CHECK-NEXT: mlc.matmul %[[A]], %[[B]] {transpose_b = true}
// CHECK-NEXT: mlc.matmul %[[C]], %[[C]] {transpose_a = true} : (tensor<5x2x4xf32>, tensor<5x2x4xf32>)
// CHECK-NEXT: return
func.func @matmul(%a: tensor<2x4xf32>, %b: tensor<3x4xf32>, %c: tensor<5x2x4xf32>)
    -> (tensor<2x3xf32>, tensor<5x4x4xf32>) {
  %t = mlc.transpose %b {permutation = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %0 = mlc.matmul %a, %t : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  %u = mlc.transpose %c {permutation = array<i64: 0, 2, 1>} : (tensor<5x2x4xf32>) -> tensor<5x4x2xf32>
  %1 = mlc.matmul %u, %u {transpose_b = true} : (tensor<5x4x2xf32>, tensor<5x4x2xf32>) -> tensor<5x4x4xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<5x4x4xf32>
}

// No large constant is made.
// CHECK-LABEL: func.func @large
// CHECK: mlc.add
func.func @large(%x: tensor<5000xf32>) -> tensor<5000xf32> {
  %0 = mlc.constant {value = dense<1.5> : tensor<5000xf32>} : () -> tensor<5000xf32>
  %1 = mlc.add %0, %0 : (tensor<5000xf32>, tensor<5000xf32>) -> tensor<5000xf32>
  return %1 : tensor<5000xf32>
}

// -----

// What has an effect is never dead, nor is a call, whose callee may have one; a custom
// op is.

// CHECK-LABEL: func.func @effects
// CHECK-NEXT:    mlc.print
// CHECK-NEXT:    mlc.print
// CHECK-NEXT:    mlc.check
// CHECK-NEXT:    mlc.call
// CHECK-NEXT:    mlc.if
// CHECK:           mlc.print
// CHECK-NOT:     mlc.if
// CHECK:         return
func.func @effects(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  mlc.print %x {label = "x"} : (tensor<4xf32>) -> ()
  mlc.print %x {label = "x"} : (tensor<4xf32>) -> ()
  mlc.check %c {message = "c"} : (tensor<i1>) -> ()
  %f = mlc.custom %x {function = "f", dtype = "f32", shape = array<i64: 4>} : (tensor<4xf32>) -> tensor<4xf32>
  %0 = mlc.call %x, %c {callee = "effects"} : (tensor<4xf32>, tensor<i1>) -> tensor<4xf32>
  %1 = mlc.if %c, %x : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%v: tensor<4xf32>):
    mlc.print %v {label = "then"} : (tensor<4xf32>) -> ()
    mlc.yield %v : tensor<4xf32>
  }, {
  ^bb0(%v: tensor<4xf32>):
    mlc.yield %v : tensor<4xf32>
  }
  %2 = mlc.if %c, %x : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%v: tensor<4xf32>):
    mlc.yield %v : tensor<4xf32>
  }, {
  ^bb0(%v: tensor<4xf32>):
    mlc.yield %v : tensor<4xf32>
  }
  return %x : tensor<4xf32>
}
