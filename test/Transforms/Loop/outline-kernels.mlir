// RUN: mlc-opt --mlc-outline-kernels --split-input-file %s | FileCheck %s

// Equal fusions share a kernel; destinations become trailing arguments; an
// intermediate value gets a tensor of its own.

// CHECK-LABEL: func.func @prepare
// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[X:.*]]: tensor<?x4xf32> {mlc.input = "x"}, %[[Y:.*]]: tensor<?x4xf32> {mlc.output = "y"})
// CHECK:         %[[SIZE:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK:         %[[T:.*]] = tensor.empty(%[[SIZE]]) : tensor<?x4xf32>
// CHECK:         %[[A:.*]] = call @kernel_0(%[[X]], %[[T]])
// CHECK:         %[[B:.*]] = call @kernel_0(%[[A]], %[[Y]])
// CHECK:         return %[[B]]
// CHECK:       func.func private @kernel_0(%[[IN:.*]]: tensor<?x4xf32>, %{{.*}}: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {mlc.kind = "elementwise"}
// CHECK-NEXT:    %[[R:.*]] = mlc.relu %[[IN]]
// CHECK-NEXT:    return %[[R]]
// CHECK-NOT:   func.func
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: tensor<?x4xf32> {mlc.input = "x"}) -> (tensor<?x4xf32> {mlc.output = "y"}) attributes {mlc.dims = ["n"]} {
    %0 = mlc.fusion "elementwise" (%a = %x) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
      %1 = mlc.relu %a : (tensor<?x4xf32>) -> tensor<?x4xf32>
      mlc.yield %1 : tensor<?x4xf32>
    }
    %2 = mlc.fusion "elementwise" (%a = %0) : (tensor<?x4xf32>) -> tensor<?x4xf32> reason "function result" {
      %3 = mlc.relu %a : (tensor<?x4xf32>) -> tensor<?x4xf32>
      mlc.yield %3 : tensor<?x4xf32>
    }
    return %2 : tensor<?x4xf32>
  }
}

// -----

// A result that is an argument, and one that is returned twice, are copied.

// CHECK-LABEL: func.func @prepare
// CHECK-SAME:    (%[[W:.*]]: tensor<4xf32> {mlc.parameter = "w"}, %[[P:.*]]: tensor<4xf32> {mlc.prepared = 0 : i64})
// CHECK:         call @[[$COPY:.*]](%[[W]], %[[P]])
// CHECK-LABEL: func.func @run
// CHECK-SAME:    %[[Y:[^:]*]]: tensor<4xf32> {mlc.output = "y"}, %[[Z:[^:]*]]: tensor<4xf32> {mlc.output = "z"})
// CHECK:         %[[N:.*]] = call @[[$NEG:.*]](%{{.*}}, %[[Y]])
// CHECK:         call @[[$COPY]](%[[N]], %[[Z]])
// CHECK:       func.func private @[[$COPY]]
// CHECK:         mlc.reshape
// CHECK:       func.func private @[[$NEG]]
// CHECK:         mlc.neg
module {
  func.func @prepare(%w: tensor<4xf32> {mlc.parameter = "w"}) -> (tensor<4xf32> {mlc.prepared = 0 : i64}) {
    return %w : tensor<4xf32>
  }
  func.func @run(%p: tensor<4xf32> {mlc.prepared = 0 : i64}) -> (tensor<4xf32> {mlc.output = "y"}, tensor<4xf32> {mlc.output = "z"}) {
    %0 = mlc.fusion "elementwise" (%a = %p) : (tensor<4xf32>) -> tensor<4xf32> {
      %1 = mlc.neg %a : (tensor<4xf32>) -> tensor<4xf32>
      mlc.yield %1 : tensor<4xf32>
    }
    return %0, %0 : tensor<4xf32>, tensor<4xf32>
  }
}

// -----

// What a loop carries is copied only if an inner loop did, into buffers of its own;
// what a scan collects, if it is no new value.

// CHECK-LABEL: func.func @run
// CHECK:         mlc.scan
// CHECK-NEXT:    ^bb0(%[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4xf32>, %{{.*}}: tensor<i1>):
// CHECK-NEXT:      tensor.empty
// CHECK-NEXT:      %[[N:.*]] = func.call @[[$NEG:.*]](%[[X]], %{{.*}})
// CHECK:           %[[W:.*]] = mlc.while %[[A]]
// CHECK:             mlc.yield
// CHECK:             %[[M:.*]] = func.call @[[$NEG]]
// CHECK-NEXT:        mlc.yield %[[M]]
// CHECK-NEXT:      }
// CHECK-NEXT:      tensor.empty
// CHECK-NEXT:      %[[D:.*]] = func.call @[[$COPY:.*]](%[[B]], %{{.*}})
// CHECK-NEXT:      tensor.empty
// CHECK-NEXT:      %[[E:.*]] = func.call @[[$COPY]](%[[W]], %{{.*}})
// CHECK-NEXT:      mlc.yield %[[E]], %[[B]], %[[N]], %[[D]], %[[E]]
// CHECK:       func.func private @[[$NEG]]
// CHECK:         mlc.neg
// CHECK:       func.func private @[[$COPY]]
// CHECK:         mlc.reshape
module {
  func.func @prepare() {
    return
  }
  func.func @run(%x: tensor<4xf32> {mlc.input = "x"}, %p: tensor<i1> {mlc.input = "p"}, %xs: tensor<6x4xf32> {mlc.input = "xs"}) -> (tensor<6x4xf32> {mlc.output = "y"}) {
    %r:5 = mlc.scan %x, %x, %xs, %p {carried = 2 : i64, sequences = 1 : i64} : (tensor<4xf32>, tensor<4xf32>, tensor<6x4xf32>, tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>, tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x4xf32>) {
    ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>, %s: tensor<4xf32>, %q: tensor<i1>):
      %n = mlc.fusion "elementwise" (%v = %s) : (tensor<4xf32>) -> tensor<4xf32> {
        %1 = mlc.neg %v : (tensor<4xf32>) -> tensor<4xf32>
        mlc.yield %1 : tensor<4xf32>
      }
      %w = mlc.while %a, %q {carried = 1 : i64} : (tensor<4xf32>, tensor<i1>) -> tensor<4xf32> {
      ^bb0(%c: tensor<4xf32>, %t: tensor<i1>):
        mlc.yield %t : tensor<i1>
      }, {
      ^bb0(%c: tensor<4xf32>, %t: tensor<i1>):
        %m = mlc.fusion "elementwise" (%v = %c) : (tensor<4xf32>) -> tensor<4xf32> {
          %1 = mlc.neg %v : (tensor<4xf32>) -> tensor<4xf32>
          mlc.yield %1 : tensor<4xf32>
        }
        mlc.yield %m : tensor<4xf32>
      }
      mlc.yield %w, %b, %n, %b, %w : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    }
    return %r#2 : tensor<6x4xf32>
  }
}

// -----

// What the host does becomes calls of functions without a body, one for each that is
// described alike; the types are those of the graph, a bool among them.

// CHECK:       module attributes {mlc.host_calls = [
// CHECK-SAME:    {kind = "print", name = "c", operands = [tensor<?xi1>], place = "node `show` (net.py:1:2): ", results = []},
// CHECK-SAME:    {kind = "custom", name = "f", operands = [tensor<?xi1>], place = "", results = [tensor<?xf32>]}]}
// CHECK-LABEL: func.func @run
// CHECK-SAME:    (%[[C:.*]]: tensor<?xi1> {mlc.input = "c"}, %[[Y:.*]]: tensor<?xf32> {mlc.output = "y"})
// CHECK:         call @host_0(%[[C]]) : (tensor<?xi1>) -> ()
// CHECK-NEXT:    call @host_0(%[[C]]) : (tensor<?xi1>) -> ()
// CHECK-NEXT:    %[[R:.*]] = call @host_1(%[[C]], %[[Y]]) : (tensor<?xi1>, tensor<?xf32>) -> tensor<?xf32>
// CHECK-NEXT:    return %[[R]]
// CHECK:       func.func private @host_0(tensor<?xi1>) attributes {mlc.host_call = 0 : i64}
// CHECK:       func.func private @host_1(tensor<?xi1>, tensor<?xf32>) -> tensor<?xf32> attributes {mlc.host_call = 1 : i64}
module {
  func.func @prepare() {
    return
  }
  func.func @run(%c: tensor<?xi1> {mlc.input = "c"}) -> (tensor<?xf32> {mlc.output = "y"}) attributes {mlc.dims = ["n"]} {
    mlc.print %c {label = "c"} : (tensor<?xi1>) -> () loc("show"("net.py":1:2))
    mlc.print %c {label = "c"} : (tensor<?xi1>) -> () loc("show"("net.py":1:2))
    %0 = mlc.custom %c {function = "f", dtype = "f32", shape = array<i64: -1>} : (tensor<?xi1>) -> tensor<?xf32>
    return %0 : tensor<?xf32>
  }
}
