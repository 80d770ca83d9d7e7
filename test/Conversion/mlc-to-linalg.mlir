// RUN: mlc-opt --convert-mlc-to-linalg --split-input-file %s | FileCheck %s

// A group of element-wise ops is one generic; a broadcast is an indexing map;
// splat constants are in the body.

// CHECK:       #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func private @elementwise
// CHECK-SAME:    (%[[X:.*]]: tensor<3x5xf32>, %[[B:.*]]: tensor<5xf32>, %[[OUT:.*]]: tensor<3x5xf32>)
// CHECK:         %[[R:.*]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel"]
// CHECK-SAME:      ins(%[[X]], %[[B]] : tensor<3x5xf32>, tensor<5xf32>) outs(%[[OUT]]
// CHECK-NEXT:    ^bb0(%[[x:.*]]: f32, %[[b:.*]]: f32, %{{.*}}: f32)
// CHECK-DAG:       %[[TWO:.*]] = arith.constant 2.0
// CHECK-DAG:       %[[SUM:.*]] = arith.addf %[[x]], %[[b]]
// CHECK:           %[[MUL:.*]] = arith.mulf %[[SUM]], %[[TWO]]
// CHECK:           linalg.yield %[[MUL]]
// CHECK:         return %[[R]]
module {
  func.func private @elementwise(%x: tensor<3x5xf32>, %b: tensor<5xf32>, %out: tensor<3x5xf32>) -> tensor<3x5xf32> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.broadcast %b {shape = array<i64: 3, 5>, axes = array<i64: 1>} : (tensor<5xf32>) -> tensor<3x5xf32>
    %1 = mlc.add %x, %0 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
    %2 = mlc.constant {value = dense<2.0> : tensor<3x5xf32>} : () -> tensor<3x5xf32>
    %3 = mlc.mul %1, %2 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
    return %3 : tensor<3x5xf32>
  }
}

// -----

// bool is a byte in memory and a bit in the body.

// CHECK-LABEL: func.func private @bools
// CHECK-SAME:    (%[[A:.*]]: tensor<4xi8>, %[[B:.*]]: tensor<4xi8>, %[[OUT:.*]]: tensor<4xi8>) -> tensor<4xi8>
// CHECK:         ^bb0(%[[a:.*]]: i8, %[[b:.*]]: i8, %{{.*}}: i8)
// CHECK:           %[[A1:.*]] = arith.cmpi ne, %[[a]]
// CHECK:           %[[B1:.*]] = arith.cmpi ne, %[[b]]
// CHECK:           %[[AND:.*]] = arith.andi %[[A1]], %[[B1]] : i1
// CHECK:           %[[BYTE:.*]] = arith.extui %[[AND]] : i1 to i8
// CHECK:           linalg.yield %[[BYTE]]
module {
  func.func private @bools(%a: tensor<4xi1>, %b: tensor<4xi1>, %out: tensor<4xi1>) -> tensor<4xi1> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.logical_and %a, %b : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
    return %0 : tensor<4xi1>
  }
}

// -----

// The contraction accumulates in the destination and its epilogue is in place.
// Packing shows in the indexing map only.

// CHECK:       #[[$PANELS:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 16, d2, d1 mod 16)>
// CHECK-LABEL: func.func private @contraction
// CHECK-SAME:    (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<2x8x16xf32>, %[[OUT:.*]]: tensor<?x20xf32>)
// CHECK:         %[[ZERO:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%[[OUT]]
// CHECK:         %[[MM:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[$PANELS]], #{{.*}}], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-SAME:      ins(%[[X]], %[[W]] : tensor<?x8xf32>, tensor<2x8x16xf32>) outs(%[[ZERO]]
// CHECK:         %[[R:.*]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel"]} outs(%[[MM]]
// CHECK:           arith.cmpf ugt
// CHECK:         return %[[R]]
module {
  func.func private @contraction(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %out: tensor<?x20xf32>) -> tensor<?x20xf32> attributes {mlc.kind = "contraction"} {
    %0 = mlc.packed_matmul %x, %w : (tensor<?x8xf32>, tensor<2x8x16xf32>) -> tensor<?x20xf32>
    %1 = mlc.relu %0 : (tensor<?x20xf32>) -> tensor<?x20xf32>
    return %1 : tensor<?x20xf32>
  }
}

// -----

// A narrower right-hand side is widened where it is multiplied, and so is what has no sign.

// CHECK:       #[[$GROUPS:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 16, d2 floordiv 4, d1 mod 16, d2 mod 4)>
// CHECK-LABEL: func.func private @bytes
// CHECK-SAME:    (%[[X:.*]]: tensor<?x6xi8>, %[[W:.*]]: tensor<1x2x16x4xi8>,
// CHECK:         linalg.generic {indexing_maps = [#{{.*}}, #[[$GROUPS]], #{{.*}}]
// CHECK:           arith.extui %{{.*}} : i8 to i32
// CHECK:           arith.extsi %{{.*}} : i8 to i32
// CHECK:           arith.muli
// CHECK:           arith.addi
// CHECK-LABEL: func.func private @widened
// CHECK:           arith.extf %{{.*}} : bf16 to f32
// CHECK:           arith.mulf
module {
  func.func private @bytes(%x: tensor<?x6xui8>, %w: tensor<1x2x16x4xi8>, %out: tensor<?x9xi32>) -> tensor<?x9xi32> attributes {mlc.kind = "contraction"} {
    %0 = mlc.packed_matmul %x, %w : (tensor<?x6xui8>, tensor<1x2x16x4xi8>) -> tensor<?x9xi32>
    return %0 : tensor<?x9xi32>
  }
  func.func private @widened(%x: tensor<?x6xf32>, %w: tensor<1x6x16xbf16>, %out: tensor<?x9xf32>) -> tensor<?x9xf32> attributes {mlc.kind = "contraction"} {
    %0 = mlc.packed_matmul %x, %w : (tensor<?x6xf32>, tensor<1x6x16xbf16>) -> tensor<?x9xf32>
    return %0 : tensor<?x9xf32>
  }
}

// -----

// The nearest integer is in the low bits of a sum; of u8, 128 more.

// CHECK-LABEL: func.func private @quantize
// CHECK-SAME:    %[[OUT:[^:]*]]: tensor<4xi8>) -> tensor<4xi8>
// CHECK:         linalg.generic {{.*}} outs(%[[OUT]]
// CHECK:           %[[R:.*]] = arith.divf
// CHECK:           %[[Q:.*]] = arith.mulf %{{.*}}, %[[R]]
// CHECK:           %[[C:.*]] = arith.constant 0x4B400080 : f32
// CHECK:           %[[SUM:.*]] = arith.addf %[[Q]], %[[C]]
// CHECK:           %[[BITS:.*]] = arith.bitcast %[[SUM]] : f32 to i32
// CHECK:           arith.trunci %[[BITS]] : i32 to i8
module {
  func.func private @quantize(%x: tensor<4xf32>, %s: tensor<4xf32>, %out: tensor<4xui8>) -> tensor<4xui8> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.quantize %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xui8>
    return %0 : tensor<4xui8>
  }
}

// -----

// Four rows side by side; behind the sixth row and the ninth column are zeros.

// CHECK:       #[[$FROM:.*]] = affine_map<(d0, d1, d2, d3) -> (d0 * 4 + d3, d1 * 8 + d2)>
// CHECK:       #[[$INTO:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d2, d3)>
// CHECK-LABEL: func.func private @pack_in_groups
// CHECK-SAME:    (%[[W:.*]]: tensor<6x9xi8>, %[[OUT:.*]]: tensor<2x2x8x4xi8>)
// CHECK:         %[[P:.*]] = tensor.extract_slice %[[OUT]][0, 0, 0, 0] [1, 1, 8, 4] [1, 1, 1, 1]
// CHECK:         linalg.generic {indexing_maps = [#[[$FROM]], #[[$INTO]]], {{.*}} ins(%[[W]] {{.*}} outs(%[[P]]
// CHECK:         tensor.extract_slice %{{.*}}[0, 1, 0, 0] [1, 1, 8, 4]
// CHECK:         linalg.fill
// CHECK:         tensor.extract_slice %{{.*}}[0, 1, 0, 0] [1, 1, 8, 2]
// CHECK:         tensor.extract_slice %{{.*}}[1, 0, 0, 0] [1, 1, 8, 4]
// CHECK:         linalg.fill
// CHECK:         tensor.extract_slice %{{.*}}[1, 0, 0, 0] [1, 1, 1, 4]
// CHECK:         tensor.extract_slice %{{.*}}[1, 1, 0, 0] [1, 1, 8, 4]
// CHECK:         linalg.fill
// CHECK:         tensor.extract_slice %{{.*}}[1, 1, 0, 0] [1, 1, 1, 2]
module {
  func.func private @pack_in_groups(%w: tensor<6x9xi8>, %out: tensor<2x2x8x4xi8>) -> tensor<2x2x8x4xi8> attributes {mlc.kind = "data"} {
    %0 = mlc.pack %w {tile = 8 : i64, depth = 4 : i64} : (tensor<6x9xi8>) -> tensor<2x2x8x4xi8>
    return %0 : tensor<2x2x8x4xi8>
  }
}

// -----

// Element-wise producers are computed inside a reduction; a mean divides in place.

// CHECK:       #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func private @reduction
// CHECK:         %[[SUM:.*]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "reduction"]}
// CHECK:           %[[SQUARE:.*]] = arith.mulf %[[E:.*]], %[[E]]
// CHECK:           arith.addf %{{.*}}, %[[SQUARE]]
// CHECK:         linalg.generic {{.*}} outs(%[[SUM]]
// CHECK:           %[[COUNT:.*]] = arith.constant 6.0
// CHECK:           arith.divf %{{.*}}, %[[COUNT]]
module {
  func.func private @reduction(%x: tensor<2x6xf32>, %out: tensor<2xf32>) -> tensor<2xf32> attributes {mlc.kind = "reduction"} {
    %0 = mlc.mul %x, %x : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x6xf32>
    %1 = mlc.reduce %0 {kind = "mean", axes = array<i64: 1>} : (tensor<2x6xf32>) -> tensor<2xf32>
    return %1 : tensor<2xf32>
  }
}

// -----

// Ops that move elements are views and copies.

// CHECK-LABEL: func.func private @concat
// CHECK-SAME:    (%[[A:.*]]: tensor<2xf32>, %[[B:.*]]: tensor<3xf32>, %[[OUT:.*]]: tensor<5xf32>)
// CHECK:         %[[P:.*]] = tensor.extract_slice %[[OUT]][0] [2] [1]
// CHECK:         %[[C:.*]] = linalg.generic {{.*}} ins(%[[A]] : tensor<2xf32>) outs(%[[P]]
// CHECK:         %[[I:.*]] = tensor.insert_slice %[[C]] into %[[OUT]][0] [2] [1]
// CHECK:         tensor.extract_slice %[[I]][2] [3] [1]
module {
  func.func private @concat(%a: tensor<2xf32>, %b: tensor<3xf32>, %out: tensor<5xf32>) -> tensor<5xf32> attributes {mlc.kind = "data"} {
    %0 = mlc.concat %a, %b {axis = 0 : i64} : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
    return %0 : tensor<5xf32>
  }
}

// -----

// A slice is read where it lies, unless it is the result.

// CHECK-LABEL: func.func private @slice
// CHECK-SAME:    (%[[X:.*]]: tensor<5x8xf32>, %[[Y:.*]]: tensor<2x4xf32>, %[[OUT:.*]]: tensor<2x4xf32>)
// CHECK-NEXT:    %[[PART:.*]] = tensor.extract_slice %[[X]][1, 3] [2, 4] [2, 1] : tensor<5x8xf32> to tensor<2x4xf32>
// CHECK-NEXT:    linalg.generic {{.*}} ins(%[[PART]], %[[Y]] : {{.*}}) outs(%[[OUT]]
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      arith.mulf
// CHECK-NEXT:      linalg.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    return
// CHECK-LABEL: func.func private @copied
// CHECK:         %[[ALL:.*]] = tensor.extract_slice %{{.*}}[0] [3] [1]
// CHECK-NEXT:    linalg.generic {{.*}} ins(%[[ALL]] : {{.*}}) outs(%{{.*}} : tensor<3xi8>)
module {
  func.func private @slice(%x: tensor<5x8xf32>, %y: tensor<2x4xf32>, %out: tensor<2x4xf32>) -> tensor<2x4xf32> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.slice %x {axes = array<i64: 0, 1>, starts = array<i64: 1, 3>, limits = array<i64: 5, 7>, strides = array<i64: 2, 1>} : (tensor<5x8xf32>) -> tensor<2x4xf32>
    %1 = mlc.mul %0, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    return %1 : tensor<2x4xf32>
  }
  func.func private @copied(%x: tensor<5xi1>, %out: tensor<3xi1>) -> tensor<3xi1> attributes {mlc.kind = "data"} {
    %0 = mlc.slice %x {axes = array<i64: 0>, starts = array<i64: 0>, limits = array<i64: 3>, strides = array<i64: 1>} : (tensor<5xi1>) -> tensor<3xi1>
    return %0 : tensor<3xi1>
  }
}

// -----

// A take is a loop around the copy of a row; bools are bytes.

// CHECK-LABEL: func.func private @take
// CHECK-SAME:    (%[[X:.*]]: tensor<?x5x3xi8>, %[[I:.*]]: tensor<4xi32>, %[[OUT:.*]]: tensor<?x4x3xi8>)
// CHECK:         %[[N:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK:         scf.for %[[B:.*]] = %{{.*}} to %[[N]] step %{{.*}} iter_args(%[[OUTER:.*]] = %[[OUT]])
// CHECK:           scf.for %[[P:.*]] = %{{.*}} iter_args(%[[INNER:.*]] = %[[OUTER]])
// CHECK:             tensor.extract %[[I]][%[[P]]]
// CHECK:             %[[PLACE:.*]] = arith.minsi
// CHECK:             %[[FROM:.*]] = tensor.extract_slice %[[X]][%[[B]], %[[PLACE]], 0] [1, 1, 3] [1, 1, 1] : tensor<?x5x3xi8> to tensor<3xi8>
// CHECK:             %[[TO:.*]] = tensor.extract_slice %[[INNER]][%[[B]], %[[P]], 0] [1, 1, 3]
// CHECK:             %[[ROW:.*]] = linalg.generic {{.*}} ins(%[[FROM]] : tensor<3xi8>) outs(%[[TO]] : tensor<3xi8>)
// CHECK:             tensor.insert_slice %[[ROW]] into %[[INNER]][%[[B]], %[[P]], 0]
module {
  func.func private @take(%x: tensor<?x5x3xi1>, %i: tensor<4xi32>, %out: tensor<?x4x3xi1>) -> tensor<?x4x3xi1> attributes {mlc.kind = "data"} {
    %0 = mlc.take %x, %i {axis = 1 : i64} : (tensor<?x5x3xi1>, tensor<4xi32>) -> tensor<?x4x3xi1>
    return %0 : tensor<?x4x3xi1>
  }
}

// -----

// What is computed of the scores is the body of the one op that is left; a mask that many
// rows share is read by a map without them, and bool is a byte.

// CHECK-DAG:   #[[$Q:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d3)>
// CHECK-DAG:   #[[$K:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d3)>
// CHECK-DAG:   #[[$V:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d4)>
// CHECK-DAG:   #[[$M:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2)>
// CHECK-DAG:   #[[$OUT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4)>
// CHECK-LABEL: func.func private @attention
// CHECK-SAME:    (%[[A:.*]]: tensor<?x4x3xf32>, %[[B:.*]]: tensor<?x5x3xf32>, %[[C:.*]]: tensor<?x5x7xf32>, %[[M:.*]]: tensor<?x5xi8>, %[[OUT:.*]]: tensor<?x4x7xf32>)
// CHECK-NEXT:    %[[R:.*]] = mlc.attend(%[[A]], %[[B]], %[[C]], %[[M]], %[[OUT]])
// CHECK-SAME:      maps = [#[[$Q]], #[[$K]], #[[$V]], #[[$M]], #[[$OUT]]]
// CHECK-NEXT:    ^bb0(%[[S:.*]]: f32, %[[m:.*]]: i8):
// CHECK:           %[[BIT:.*]] = arith.cmpi ne, %[[m]]
// CHECK:           %[[SCALED:.*]] = arith.mulf %[[S]]
// CHECK:           %[[SCORE:.*]] = arith.select %[[BIT]], %[[SCALED]]
// CHECK:           mlc.yield %[[SCORE]] : f32
// CHECK:         return %[[R]]
module {
  func.func private @attention(%q: tensor<?x4x3xf32>, %k: tensor<?x5x3xf32>, %v: tensor<?x5x7xf32>, %m: tensor<?x5xi1>, %out: tensor<?x4x7xf32>) -> tensor<?x4x7xf32> attributes {mlc.kind = "attention"} {
    %0 = mlc.matmul %q, %k {transpose_b = true} : (tensor<?x4x3xf32>, tensor<?x5x3xf32>) -> tensor<?x4x5xf32>
    %1 = mlc.constant {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
    %2 = mlc.broadcast %1 {shape = array<i64: -1, 4, 5>, axes = array<i64>} : (tensor<f32>) -> tensor<?x4x5xf32>
    %3 = mlc.mul %0, %2 : (tensor<?x4x5xf32>, tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %4 = mlc.broadcast %m {shape = array<i64: -1, 4, 5>, axes = array<i64: 0, 2>} : (tensor<?x5xi1>) -> tensor<?x4x5xi1>
    %5 = mlc.select %4, %3, %2 : (tensor<?x4x5xi1>, tensor<?x4x5xf32>, tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %6 = mlc.softmax %5 {axis = 2 : i64} : (tensor<?x4x5xf32>) -> tensor<?x4x5xf32>
    %7 = mlc.matmul %6, %v : (tensor<?x4x5xf32>, tensor<?x5x7xf32>) -> tensor<?x4x7xf32>
    return %7 : tensor<?x4x7xf32>
  }
}

// -----

// bf16 and f16 are computed in f32, and rounded after each op.

// CHECK-LABEL: func.func private @halves
// CHECK:         ^bb0(%[[x:.*]]: bf16, %[[y:.*]]: bf16, %{{.*}}: bf16)
// CHECK-DAG:       %[[X:.*]] = arith.extf %[[x]] : bf16 to f32
// CHECK-DAG:       %[[Y:.*]] = arith.extf %[[y]] : bf16 to f32
// CHECK:           %[[SUM:.*]] = arith.addf %[[X]], %[[Y]] : f32
// CHECK:           %[[sum:.*]] = arith.truncf %[[SUM]] to_nearest_even : f32 to bf16
// CHECK:           %[[AGAIN:.*]] = arith.extf %[[sum]] : bf16 to f32
// CHECK:           %[[EXP:.*]] = math.exp %[[AGAIN]] : f32
// CHECK:           %[[exp:.*]] = arith.truncf %[[EXP]] to_nearest_even : f32 to bf16
// CHECK:           linalg.yield %[[exp]] : bf16
module {
  func.func private @halves(%x: tensor<5xbf16>, %y: tensor<5xbf16>, %out: tensor<5xbf16>) -> tensor<5xbf16> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.add %x, %y : (tensor<5xbf16>, tensor<5xbf16>) -> tensor<5xbf16>
    %1 = mlc.exp %0 : (tensor<5xbf16>) -> tensor<5xbf16>
    return %1 : tensor<5xbf16>
  }
}

// -----

// A contraction accumulates in f32; the epilogue rounds, if to the same type, and goes on.

// CHECK-LABEL: func.func private @product
// CHECK-SAME:    %[[OUT:[a-z0-9]*]]: tensor<3x5xf16>) -> tensor<3x5xf16>
// CHECK:         %[[NEW:.*]] = tensor.empty() : tensor<3x5xf32>
// CHECK:         %[[ZERO:.*]] = linalg.fill {{.*}} outs(%[[NEW]] : tensor<3x5xf32>)
// CHECK:         %[[SUMS:.*]] = linalg.generic {{.*}}"reduction"]} ins({{.*}}tensor<3x4xf16>, tensor<4x5xf16>) outs(%[[ZERO]]
// CHECK:         ^bb0(%[[a:.*]]: f16, %[[b:.*]]: f16, %[[acc:.*]]: f32)
// CHECK-DAG:       %[[A:.*]] = arith.extf %[[a]] : f16 to f32
// CHECK-DAG:       %[[B:.*]] = arith.extf %[[b]] : f16 to f32
// CHECK:           %[[AB:.*]] = arith.mulf %[[A]], %[[B]] : f32
// CHECK:           arith.addf %[[acc]], %[[AB]] : f32
// CHECK:         linalg.generic {{.*}} ins(%[[SUMS]] : tensor<3x5xf32>) outs(%[[OUT]] : tensor<3x5xf16>)
// CHECK:           %[[ROUND:.*]] = arith.truncf %{{.*}} to_nearest_even : f32 to f16
// CHECK:           arith.extf %[[ROUND]] : f16 to f32
// CHECK:           arith.cmpf ugt
module {
  func.func private @product(%x: tensor<3x4xf16>, %w: tensor<4x5xf16>, %out: tensor<3x5xf16>) -> tensor<3x5xf16> attributes {mlc.kind = "contraction"} {
    %0 = mlc.matmul %x, %w : (tensor<3x4xf16>, tensor<4x5xf16>) -> tensor<3x5xf16>
    %1 = mlc.relu %0 : (tensor<3x5xf16>) -> tensor<3x5xf16>
    return %1 : tensor<3x5xf16>
  }
}

// -----

// CHECK-LABEL: func.func private @mean
// CHECK-SAME:    %[[OUT:[a-z0-9]*]]: tensor<2xbf16>) -> tensor<2xbf16>
// CHECK:         %[[SUMS:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<2x6xbf16>) outs(%{{.*}} : tensor<2xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[SUMS]] : tensor<2xf32>) outs(%[[OUT]] : tensor<2xbf16>)
// CHECK:           arith.divf {{.*}} : f32
// CHECK:           arith.truncf {{.*}} : f32 to bf16
module {
  func.func private @mean(%x: tensor<2x6xbf16>, %out: tensor<2xbf16>) -> tensor<2xbf16> attributes {mlc.kind = "reduction"} {
    %0 = mlc.reduce %x {kind = "mean", axes = array<i64: 1>} : (tensor<2x6xbf16>) -> tensor<2xbf16>
    return %0 : tensor<2xbf16>
  }
}

// -----

// CHECK-LABEL: func.func private @softmax
// CHECK-SAME:    %[[OUT:[a-z0-9]*]]: tensor<2x6xf16>) -> tensor<2x6xf16>
// CHECK:         %[[EXPS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x6xf32>)
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[EXPS]] : tensor<2xf32>, tensor<2x6xf32>) outs(%[[OUT]] : tensor<2x6xf16>)
// CHECK:           arith.mulf {{.*}} : f32
// CHECK:           arith.truncf {{.*}} : f32 to f16
module {
  func.func private @softmax(%x: tensor<2x6xf16>, %out: tensor<2x6xf16>) -> tensor<2x6xf16> attributes {mlc.kind = "softmax"} {
    %0 = mlc.softmax %x {axis = 1} : (tensor<2x6xf16>) -> tensor<2x6xf16>
    return %0 : tensor<2x6xf16>
  }
}

// -----

// An integer that f32 would round is rounded to odd first, so that it rounds to bf16 once.

// CHECK-LABEL: func.func private @integers
// CHECK:         ^bb0(%[[x:.*]]: i32, %{{.*}}: bf16)
// CHECK:           %[[LONG:.*]] = arith.cmpi uge
// CHECK:           %[[ODD:.*]] = arith.select %[[LONG]], %{{.*}}, %[[x]] : i32
// CHECK:           %[[F:.*]] = arith.sitofp %[[ODD]] : i32 to f32
// CHECK:           arith.truncf %[[F]] to_nearest_even : f32 to bf16
// CHECK-LABEL: func.func private @widths
// CHECK:           %[[WIDE:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK:           arith.truncf %[[WIDE]] to_nearest_even : f32 to bf16
module {
  func.func private @integers(%x: tensor<5xi32>, %out: tensor<5xbf16>) -> tensor<5xbf16> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.cast %x {dtype = "bf16"} : (tensor<5xi32>) -> tensor<5xbf16>
    return %0 : tensor<5xbf16>
  }
  func.func private @widths(%x: tensor<5xf16>, %out: tensor<5xbf16>) -> tensor<5xbf16> attributes {mlc.kind = "elementwise"} {
    %0 = mlc.cast %x {dtype = "bf16"} : (tensor<5xf16>) -> tensor<5xbf16>
    return %0 : tensor<5xbf16>
  }
}

// -----

// A constant without elements has no value to take.

// CHECK-LABEL: func.func private @nothing
// CHECK:         arith.constant 0.000000e+00 : f32
// CHECK:         linalg.generic
module {
  func.func private @nothing(%x: tensor<0x4x3xf32>, %out: tensor<0x4x5xf32>) -> tensor<0x4x5xf32> attributes {mlc.kind = "contraction"} {
    %0 = mlc.constant {value = dense<> : tensor<0x3x5xf32>} : () -> tensor<0x3x5xf32>
    %1 = mlc.matmul %x, %0 : (tensor<0x4x3xf32>, tensor<0x3x5xf32>) -> tensor<0x4x5xf32>
    return %1 : tensor<0x4x5xf32>
  }
}
