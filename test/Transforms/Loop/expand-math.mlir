// RUN: mlc-opt --pass-pipeline="builtin.module(mlc-expand-math,cse)" --split-input-file %s | FileCheck %s
// RUN: mlc-opt --pass-pipeline="builtin.module(mlc-expand-math{fma=false},cse)" --split-input-file %s | FileCheck %s --check-prefix=WIDE

// tanh(a) = expm1(2a) / (expm1(2a) + 2), with the sign of x.

// CHECK-LABEL: func.func @tanh
// CHECK-SAME:    (%[[X:.*]]: vector<13xf32>)
// CHECK:         %[[ABS:.*]] = math.absf %[[X]] : vector<13xf32>
// CHECK-NOT:     math.tanh
// CHECK:         arith.bitcast %{{.*}} : vector<13xf32> to vector<13xi32>
// CHECK:         %[[TWO:.*]] = arith.constant dense<2.000000e+00>
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[T:.*]], %[[TWO]]
// CHECK-NEXT:    %[[Q:.*]] = arith.divf %[[T]], %[[SUM]]
// CHECK-NEXT:    math.copysign %[[Q]], %[[X]]
func.func @tanh(%x: vector<13xf32>) -> vector<13xf32> {
  %y = math.tanh %x : vector<13xf32>
  return %y : vector<13xf32>
}

// -----

// The others, on scalars; nothing is left that a library would have to compute.

// CHECK-LABEL: func.func @scalars
// CHECK-NOT:     math.{{exp|log|erf}}
// CHECK:         return
func.func @scalars(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  %1 = math.log %0 : f32
  %2 = math.erf %1 : f32
  return %2 : f32
}

// -----

// Other element types and tensors are left alone.

// CHECK-LABEL: func.func @others
// CHECK:         math.exp %{{.*}} : f64
// CHECK:         math.exp %{{.*}} : tensor<4xf32>
func.func @others(%x: f64, %t: tensor<4xf32>) -> (f64, tensor<4xf32>) {
  %0 = math.exp %x : f64
  %1 = math.exp %t : tensor<4xf32>
  return %0, %1 : f64, tensor<4xf32>
}

// -----

// Without fused multiply-add it is computed in f64, and rounded where a chain ends.

// CHECK-LABEL: func.func @chain
// CHECK-COUNT-2: math.fma

// WIDE-LABEL: func.func @chain
// WIDE-SAME:    (%[[X32:.*]]: vector<4xf32>, %[[Y32:.*]]: vector<4xf32>)
// WIDE-NEXT:    %[[X:.*]] = arith.extf %[[X32]] : vector<4xf32> to vector<4xf64>
// WIDE-NEXT:    %[[Y:.*]] = arith.extf %[[Y32]]
// WIDE-NEXT:    %[[P0:.*]] = arith.mulf %[[X]], %[[Y]] : vector<4xf64>
// WIDE-NEXT:    %[[S0:.*]] = arith.addf %[[P0]], %[[X]]
// WIDE-NEXT:    %[[P1:.*]] = arith.mulf %[[S0]], %[[X]]
// WIDE-NEXT:    %[[S1:.*]] = arith.addf %[[P1]], %[[Y]]
// WIDE-NEXT:    %[[R:.*]] = arith.truncf %[[S1]] : vector<4xf64> to vector<4xf32>
// WIDE-NEXT:    return %[[R]]
func.func @chain(%x: vector<4xf32>, %y: vector<4xf32>) -> vector<4xf32> {
  %0 = math.fma %x, %y, %x : vector<4xf32>
  %1 = math.fma %0, %x, %y : vector<4xf32>
  return %1 : vector<4xf32>
}

// -----

// An fma of f64 is left alone; a sum that others use too is rounded for them.

// WIDE-LABEL: func.func @mixed
// WIDE:         math.fma %{{.*}} : f64
// WIDE:         %[[S:.*]] = arith.addf %{{.*}} : f64
// WIDE:         %[[R:.*]] = arith.truncf %[[S]] : f64 to f32
// WIDE:         arith.mulf %[[S]], %{{.*}} : f64
// WIDE:         arith.mulf %[[R]], %[[R]] : f32
func.func @mixed(%x: f32, %d: f64) -> (f32, f32, f64) {
  %0 = math.fma %d, %d, %d : f64
  %1 = math.fma %x, %x, %x : f32
  %2 = math.fma %1, %x, %x : f32
  %3 = arith.mulf %1, %1 : f32
  return %2, %3, %0 : f32, f32, f64
}
