// RUN: mlc-opt --pass-pipeline="builtin.module(mlc-expand-math,cse)" --split-input-file %s | FileCheck %s

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
