// RUN: mlc-opt --mlc-expand-halves --split-input-file --verify-diagnostics %s | FileCheck %s
// RUN: mlc-opt --mlc-expand-halves=f16c=false --split-input-file --verify-diagnostics %s | FileCheck %s --check-prefix=PLAIN

// A bf16 is the upper half of an f32. Rounding is to nearest even, in integers, and a NaN
// stays one: its upper half might be that of infinity.

// CHECK-LABEL: func.func @bfloats
// CHECK-SAME:    (%[[FROM:.*]]: memref<8xi16>, %[[TO:.*]]: memref<8xi16>)
// CHECK:         %[[X:.*]] = vector.load %[[FROM]]{{.*}} : memref<8xi16>, vector<8xi16>
// CHECK:         %[[LONG:.*]] = arith.extui %[[X]] : vector<8xi16> to vector<8xi32>
// CHECK:         %[[BITS:.*]] = arith.shli %[[LONG]]
// CHECK:         %[[WIDE:.*]] = arith.bitcast %[[BITS]] : vector<8xi32> to vector<8xf32>
// CHECK:         %[[SUM:.*]] = arith.addf %[[WIDE]], %[[WIDE]]
// CHECK:         arith.cmpf uno, %[[SUM]], %[[SUM]]
// CHECK:         %[[SHORT:.*]] = arith.trunci %{{.*}} : vector<8xi32> to vector<8xi16>
// CHECK:         vector.store %[[SHORT]], %[[TO]]
// CHECK-NOT:     {{extf|truncf|bf16}}
// CHECK:         return
func.func @bfloats(%from: memref<8xbf16>, %to: memref<8xbf16>) {
  %c0 = arith.constant 0 : index
  %x = vector.load %from[%c0] : memref<8xbf16>, vector<8xbf16>
  %wide = arith.extf %x : vector<8xbf16> to vector<8xf32>
  %sum = arith.addf %wide, %wide : vector<8xf32>
  %narrow = arith.truncf %sum : vector<8xf32> to vector<8xbf16>
  vector.store %narrow, %to[%c0] : memref<8xbf16>, vector<8xbf16>
  return
}

// -----

// Where the CPU converts f16, instructions do; elsewhere integers.

// CHECK-LABEL: func.func @halves
// CHECK-SAME:    (%[[X:.*]]: i16) -> i16
// CHECK-NEXT:    %[[HALF:.*]] = arith.bitcast %[[X]] : i16 to f16
// CHECK-NEXT:    %[[WIDE:.*]] = arith.extf %[[HALF]] : f16 to f32
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[WIDE]], %[[WIDE]]
// CHECK-NEXT:    %[[ROUND:.*]] = arith.truncf %[[SUM]] : f32 to f16
// CHECK-NEXT:    %[[BITS:.*]] = arith.bitcast %[[ROUND]] : f16 to i16
// CHECK-NEXT:    return %[[BITS]] : i16

// PLAIN-LABEL: func.func @halves
// PLAIN-NOT:     {{extf|truncf|f16}}
// PLAIN:         arith.addf
// PLAIN-NOT:     {{extf|truncf|f16}}
// PLAIN:         return %{{.*}} : i16
func.func @halves(%x: f16) -> f16 {
  %wide = arith.extf %x : f16 to f32
  %sum = arith.addf %wide, %wide : f32
  %narrow = arith.truncf %sum : f32 to f16
  return %narrow : f16
}

// -----

// Rounding and widening again is not nothing.

// CHECK-LABEL: func.func @border
// CHECK:         arith.trunci
// CHECK:         arith.extui
func.func @border(%x: f32) -> f32 {
  %narrow = arith.truncf %x : f32 to bf16
  %wide = arith.extf %narrow : bf16 to f32
  return %wide : f32
}

// -----

// What only moves elements takes integers, constants with the same bits; what is not of 16
// bits stays.

// CHECK-LABEL: memref.global "private" constant @table : memref<3xi16> = dense<[16256, -16384, 32704]>
// CHECK-LABEL: func.func @moves
// CHECK-SAME:    (%[[M:.*]]: memref<?xi16>, %[[P:.*]]: vector<4xi1>, %[[D:.*]]: f64)
// CHECK-DAG:     arith.constant 15360 : i16
// CHECK-DAG:     arith.constant dense<-32768> : vector<4xi16>
// CHECK:         arith.select %[[P]], %{{.*}}, %{{.*}} : vector<4xi1>, vector<4xi16>
// CHECK:         vector.maskedstore %[[M]]{{.*}} : memref<?xi16>, vector<4xi1>, vector<4xi16>
// CHECK:         arith.truncf %[[D]] : f64 to f32
memref.global "private" constant @table : memref<3xbf16> = dense<[1.0, -2.0, 0x7FC0]>
func.func @moves(%m: memref<?xf16>, %p: vector<4xi1>, %d: f64) -> f32 {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f16
  %zeros = arith.constant dense<-0.0> : vector<4xf16>
  %ones = vector.broadcast %one : f16 to vector<4xf16>
  %v = arith.select %p, %ones, %zeros : vector<4xi1>, vector<4xf16>
  vector.maskedstore %m[%c0], %p, %v : memref<?xf16>, vector<4xi1>, vector<4xf16>
  %r = arith.truncf %d : f64 to f32
  return %r : f32
}

// -----

func.func @computes(%x: bf16) -> bf16 {
  // expected-error @+1 {{computes in bf16 or f16; expected arith.extf to f32, or arith.truncf from it}}
  %y = arith.addf %x, %x : bf16
  return %y : bf16
}
