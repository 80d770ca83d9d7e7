"""What a model shows, demands and asks of its host: print, check and custom, and --debug-nans."""

import tool

# Prints its input in every step of a loop, demands that it is positive, takes a logarithm.
MODEL = """
module {
  func.func @main(%xs: tensor<?x2xf32> {mlc.input = "xs"}) -> (tensor<?x2xf32> {mlc.output = "y"}) attributes {mlc.dims = ["n"]} {
    %r = mlc.scan %xs {carried = 0 : i64, sequences = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%x: tensor<2xf32>):
      mlc.print %x {label = "x"} : (tensor<2xf32>) -> ()
      %zero = mlc.constant {value = dense<LIMIT> : tensor<2xf32>} : () -> tensor<2xf32>
      %c = mlc.compare %x, %zero {direction = "gt"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
      mlc.check %c {message = "x is above LIMIT"} : (tensor<2xi1>) -> () loc("positive"("net.py":7:1))
      %l = mlc.log %x : (tensor<2xf32>) -> tensor<2xf32> loc("logarithm"("net.py":8:1))
      mlc.yield %l : tensor<2xf32>
    }
    mlc.print %r {label = "all"} : (tensor<?x2xf32>) -> ()
    return %r : tensor<?x2xf32>
  }
}
"""

CUSTOM = """
module {
  func.func @main(%x: tensor<2xf32> {mlc.input = "x"}) -> (tensor<2xf32> {mlc.output = "y"}) {
    %0 = mlc.custom %x {function = "sort", dtype = "f32", shape = array<i64: 2>} : (tensor<2xf32>) -> tensor<2xf32> loc("sorted")
    return %0 : tensor<2xf32>
  }
}
"""


class HostOpsTest(tool.ToolTest):
    def model(self, limit):
        return self.write(f"model{limit}.mlir", MODEL.replace("LIMIT", limit))

    def test_prints_go_to_stderr(self):
        for executor in ("jit", "eager", "reference"):
            with self.subTest(executor):
                outcome = self.run_tool(self.model("0.0"), "--input=xs=2x2xf32=1 1 1 1", f"--exec={executor}")
                self.assertEqual((outcome.code, outcome.out), (0, "y: f32[2,2]\n[[0, 0],\n [0, 0]]\n"))
                self.assertEqual(outcome.err, "x: f32[2] [1, 1]\nx: f32[2] [1, 1]\n"
                                              "all: f32[2,2]\n[[0, 0],\n [0, 0]]\n")

    def test_a_check_ends_the_run(self):
        for executor in ("jit", "eager", "reference"):
            with self.subTest(executor):
                outcome = self.run_tool(self.model("0.0"), "--input=xs=3x2xf32=1 1 2 -1 3 3", f"--exec={executor}")
                self.assertEqual((outcome.code, outcome.out), (5, ""))
                self.assertEqual(outcome.err,
                                 "x: f32[2] [1, 1]\nx: f32[2] [2, -1]\nmlc-run: error: function `main`: node "
                                 "`positive` (net.py:7:1): x is above 0.0\n")

    def test_custom_needs_a_host(self):
        model = self.write("custom.mlir", CUSTOM)
        for executor in ("jit", "eager", "reference"):
            with self.subTest(executor):
                self.fails(4, model, "--input=x=ones", f"--exec={executor}",
                           says="function `main`: node `sorted`: custom: the host has no function `sort`")
        self.assertIn("custom x", self.succeeds(model, "--emit=graph"))
        self.assertIn("@host_0", self.succeeds(model, "--emit=buffers"))

    def test_debug_nans_names_the_op(self):
        model, negative = self.model("-9.0"), "--input=xs=2x2xf32=1 2 3 -4"
        self.assertIn("nan", self.run_tool(model, negative).out)
        for options, env in ((["--debug-nans"], {}), (["--debug-nans", "--exec=eager"], {}),
                             ([], {"MLC_DEBUG_NANS": "1"})):
            with self.subTest((options, env)):
                outcome = self.run_tool(model, negative, *options, env=env)
                self.assertEqual((outcome.code, outcome.out), (5, ""))
                self.assertTrue(outcome.err.endswith(
                    "mlc-run: error: function `main`: node `logarithm` (net.py:8:1): log: makes a NaN, at [1] of "
                    "shape [2], out of operands without any\n"), outcome.err)
        fine = self.run_tool(model, "--input=xs=1x2xf32=1 1", "--debug-nans")
        self.assertEqual((fine.code, fine.out), (0, "y: f32[1,2]\n[[0, 0]]\n"))
        for option in ("--exec=reference", "--benchmark", "--emit=llvm"):
            self.fails(2, model, negative, "--debug-nans", option,
                       says=f"--debug-nans has no meaning with {option.split('=llvm')[0]}")

    def test_text_runs_again(self):
        model = self.model("0.0")
        text = self.succeeds(model, "--emit=mlir")
        again = self.write("again.mlir", text)
        self.assertEqual(self.succeeds(again, "--emit=mlir"), text)
        inputs = "--input=xs=1x2xf32=1 1"
        fused = self.write("fused.mlir", self.succeeds(model, "--emit=fused"))
        first, *others = (self.run_tool(*command, inputs) for command in
                          ([model], [again], [fused, "--function=run"]))
        for other in others:
            self.assertEqual((other.code, other.out), (first.code, first.out))
            self.assertEqual(other.err, first.err)


tool.main()
