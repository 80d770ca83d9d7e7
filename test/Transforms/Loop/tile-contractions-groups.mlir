// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-tile-contractions{vector-bits=512 vector-registers=32 dot-products=true},cse))" --split-input-file %s | FileCheck %s
// RUN: mlc-opt --pass-pipeline="builtin.module(func.func(mlc-tile-contractions{vector-bits=256 vector-registers=16 block-k=5},cse))" --split-input-file %s | FileCheck %s --check-prefix=V3

// Pairs of bf16 are loaded together and taken apart; the fifth of k, which has no partner, is
// added alone.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 32, k floordiv 2, n mod 32, k mod 2)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @unpacked
// CHECK-SAME:    (%[[A:.*]]: memref<1x5xf32>, %[[B:.*]]: memref<1x3x32x2xbf16>
// CHECK:         %[[P:.*]] = memref.collapse_shape %[[B]] {{\[}}[0], [1, 2, 3]] : memref<1x3x32x2xbf16> into memref<1x192xbf16>
// CHECK:         scf.for %[[K:.*]] = %c0 to %c4 step %c2 iter_args
// CHECK:           %[[AT:.*]] = arith.muli %[[K]], %c32
// CHECK:           %[[FIRST:.*]] = arith.addi %[[AT]], %c0
// CHECK:           %[[PAIRS:.*]] = vector.load %[[P]][%c0, %[[FIRST]]] : memref<1x192xbf16>, vector<32xbf16>
// CHECK:           %[[NEXT:.*]] = arith.addi %[[AT]], %c32
// CHECK:           vector.load %[[P]][%c0, %[[NEXT]]]
// CHECK:           %[[BITS:.*]] = vector.bitcast %[[PAIRS]] : vector<32xbf16> to vector<16xi32>
// CHECK:           %[[LOW:.*]] = arith.constant dense<16> : vector<16xi32>
// CHECK:           %[[SHIFTED:.*]] = arith.shli %[[BITS]], %[[LOW]]
// CHECK:           vector.bitcast %[[SHIFTED]] : vector<16xi32> to vector<16xf32>
// CHECK:           memref.load %[[A]][%c0, %[[K]]]
// CHECK-COUNT-2:   vector.fma
// CHECK:           %[[SECOND:.*]] = arith.addi %[[K]], %c1
// CHECK:           %[[HIGH:.*]] = arith.constant dense<-65536> : vector<16xi32>
// CHECK:           arith.andi %[[BITS]], %[[HIGH]]
// CHECK:           memref.load %[[A]][%c0, %[[SECOND]]]
// CHECK-COUNT-2:   vector.fma
// CHECK:         scf.for %{{.*}} = %c4 to %c5 step %c2
// CHECK-COUNT-2:   vector.fma
// CHECK-NOT:       vector.fma
// CHECK:         vector.store

// Blocks of k are whole groups.
// V3-LABEL: func.func @unpacked
// V3:         scf.for {{.*}} step %c4
// V3:           %[[END:.*]] = arith.minui %{{.*}}, %c4
// V3:           scf.for %{{.*}} to %[[END]] step %c2
// V3:           scf.for %{{.*}} = %[[END]] to %{{.*}} step %c2
func.func @unpacked(%a: memref<1x5xf32>, %b: memref<1x3x32x2xbf16>, %c: memref<1x32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<1x32xf32>)
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<1x5xf32>, memref<1x3x32x2xbf16>) outs(%c : memref<1x32xf32>) {
  ^bb0(%x: f32, %y: bf16, %acc: f32):
    %0 = arith.extf %y : bf16 to f32
    %1 = arith.mulf %x, %0 : f32
    %2 = arith.addf %acc, %1 : f32
    linalg.yield %2 : f32
  }
  return
}

// -----

// Four bytes in one step, where the CPU has it; one of k is left, and zeros instead of what is
// not there. Otherwise they are taken apart.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 16, k floordiv 4, n mod 16, k mod 4)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @bytes
// CHECK-SAME:    (%[[A:.*]]: memref<2x9xi8>
// CHECK:         scf.for %[[K:.*]] = %c0 to %c8 step %c4
// CHECK:           %[[Y:.*]] = vector.load %{{.*}} vector<64xi8>
// CHECK:           %[[FOUR:.*]] = vector.load %[[A]][%c0, %[[K]]] : memref<2x9xi8>, vector<4xi8>
// CHECK:           %[[WORD:.*]] = vector.bitcast %[[FOUR]] : vector<4xi8> to vector<1xi32>
// CHECK:           %[[ONE:.*]] = vector.extract %[[WORD]][0]
// CHECK:           %[[ALL:.*]] = vector.broadcast %[[ONE]] : i32 to vector<16xi32>
// CHECK:           %[[X:.*]] = vector.bitcast %[[ALL]] : vector<16xi32> to vector<64xi8>
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.*}}, %[[X]], %[[Y]])
// CHECK:         scf.for %[[K:.*]] = %c8 to %c9 step %c4
// CHECK:           %[[LAST:.*]] = memref.load %[[A]][%c0, %[[K]]]
// CHECK:           arith.extui %[[LAST]] : i8 to i32
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// V3-LABEL: func.func @bytes
// V3:         arith.shli %{{.*}}, %{{.*}} : vector<8xi32>
// V3:         arith.shrsi %{{.*}}, %{{.*}} : vector<8xi32>
// V3:         arith.extui %{{.*}} : i8 to i32
// V3:         arith.muli %{{.*}}, %{{.*}} : vector<8xi32>
func.func @bytes(%a: memref<2x9xi8>, %b: memref<1x3x16x4xi8>, %c: memref<2x16xi32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x9xi8>, memref<1x3x16x4xi8>) outs(%c : memref<2x16xi32>) {
  ^bb0(%x: i8, %y: i8, %acc: i32):
    %0 = arith.extui %x : i8 to i32
    %1 = arith.extsi %y : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  }
  return
}

// -----

// Two of 16 bits.

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (n floordiv 16, k floordiv 2, n mod 16, k mod 2)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @pairs
// CHECK:         %[[Y:.*]] = arith.extsi %{{.*}} : vector<32xi8> to vector<32xi16>
// CHECK:         %[[SUM:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%{{.*}}, %[[Y]])
// CHECK:         arith.addi %{{.*}}, %[[SUM]] : vector<16xi32>
// V3-LABEL: func.func @pairs
// V3:         llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}} : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
func.func @pairs(%a: memref<2x4xi16>, %b: memref<1x2x16x2xi8>, %c: memref<2x16xi32>) {
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%a, %b : memref<2x4xi16>, memref<1x2x16x2xi8>) outs(%c : memref<2x16xi32>) {
  ^bb0(%x: i16, %y: i8, %acc: i32):
    %0 = arith.extsi %x : i16 to i32
    %1 = arith.extsi %y : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  }
  return
}
