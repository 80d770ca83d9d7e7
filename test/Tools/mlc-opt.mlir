// The switches that people who develop passes rely on.

// RUN: mlc-opt --show-dialects | FileCheck %s --check-prefix=DIALECTS
// DIALECTS: Available Dialects:
// DIALECTS-SAME: mlc
// DIALECTS-NOT: tosa

// RUN: mlc-opt %s --pass-pipeline='builtin.module(func.func(mlc-simplify,cse))' | FileCheck %s
// CHECK-LABEL: func.func @f
// CHECK-NEXT: mlc.exp
// CHECK-NEXT: return

// RUN: mlc-opt %s --mlc-simplify --mlc-fuse --mlir-print-ir-after-all 2>&1 | FileCheck %s --check-prefix=AFTER
// AFTER: IR Dump After {{.*}}mlc-simplify
// AFTER-NOT: mlc.neg
// AFTER: IR Dump After {{.*}}mlc-fuse
// AFTER: mlc.fusion

// RUN: mlc-opt %s --mlc-simplify --mlir-timing --mlir-timing-display=list 2>&1 | FileCheck %s --check-prefix=TIMING
// TIMING: Execution time report
// TIMING: SimplifyPass

// RUN: mlc-opt %s --mlc-simplify --mlir-generate-reproducer=%t.mlir -o /dev/null
// RUN: mlc-opt %t.mlir --run-reproducer | FileCheck %s

// RUN: mlc-opt %s --load-pass-plugin=%mlc_plugin --pass-pipeline='builtin.module(func.func(test-count-ops))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=PLUGIN
// PLUGIN: remark: 4 ops

// RUN: not mlc-opt %s --pass-pipeline='builtin.module(tosa-to-linalg)' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: does not refer to a registered pass

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mlc.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = mlc.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = mlc.exp %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
