// RUN: mlc-opt '--mlc-outline-kernels=describe' %s | FileCheck %s
// RUN: mlc-opt --mlc-outline-kernels %s | FileCheck %s --check-prefix=NOT

// Fusions that share a kernel are described each by their own nodes. Costs are c0 and c1
// of c0 + c1 * n; an operand that is only sliced costs what is read of it.

// NOT-NOT:     mlc.kernels
// NOT-NOT:     mlc.kernel =

// CHECK:       module attributes {mlc.kernels = [
// CHECK-SAME:    {bytes = array<i64: 0, 32>, driver = "run", function = "kernel_0", kind = "elementwise", operations = array<i64: 0, 4>, ops = [{node = "first", op = "relu", operations = array<i64: 0, 4>, place = "net.py:3:1"}], reason = "fusion is off"},
// CHECK-SAME:    {bytes = array<i64: 0, 32>, driver = "run", function = "kernel_0", kind = "elementwise", operations = array<i64: 0, 4>, ops = [{node = "second", op = "relu", operations = array<i64: 0, 4>, place = ""}], reason = "consumer is a contraction"},
// CHECK-SAME:    {bytes = array<i64: 64, 32>, driver = "run", function = "kernel_1", kind = "contraction", operations = array<i64: 0, 36>, ops = [{{.*}}op = "slice", operations = array<i64: 0, 0>{{.*}}op = "matmul", operations = array<i64: 0, 32>{{.*}}op = "tanh", operations = array<i64: 0, 4>{{.*}}], reason = "function result"}]}
// CHECK-LABEL: func.func @run
// CHECK:         call @kernel_0({{.*}}) {mlc.kernel = 0 : i64}
// CHECK:         call @kernel_0({{.*}}) {mlc.kernel = 1 : i64}
// CHECK:         call @kernel_1({{.*}}) {mlc.kernel = 2 : i64}
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: tensor<?x4xf32> {mlc.input = "x"}, %w: tensor<9x4xf32> {mlc.input = "w"}) -> (tensor<?x4xf32> {mlc.output = "y"}) attributes {mlc.dims = ["n"]} {
    %0 = mlc.fusion "elementwise" (%a = %x) : (tensor<?x4xf32>) -> tensor<?x4xf32> reason "fusion is off" {
      %1 = mlc.relu %a : (tensor<?x4xf32>) -> tensor<?x4xf32> loc("first"("net.py":3:1))
      mlc.yield %1 : tensor<?x4xf32>
    }
    %2 = mlc.fusion "elementwise" (%a = %0) : (tensor<?x4xf32>) -> tensor<?x4xf32> reason "consumer is a contraction" {
      %3 = mlc.relu %a : (tensor<?x4xf32>) -> tensor<?x4xf32> loc("second")
      mlc.yield %3 : tensor<?x4xf32>
    }
    %4 = mlc.fusion "contraction" (%a = %2, %b = %w) : (tensor<?x4xf32>, tensor<9x4xf32>) -> tensor<?x4xf32> reason "function result" {
      %5 = mlc.slice %b {axes = array<i64: 0>, starts = array<i64: 0>, limits = array<i64: 4>, strides = array<i64: 1>} : (tensor<9x4xf32>) -> tensor<4x4xf32>
      %6 = mlc.slice %a {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 4>, strides = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
      %7 = mlc.matmul %6, %5 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
      %8 = mlc.tanh %7 : (tensor<?x4xf32>) -> tensor<?x4xf32>
      mlc.yield %8 : tensor<?x4xf32>
    }
    return %4 : tensor<?x4xf32>
  }
}
