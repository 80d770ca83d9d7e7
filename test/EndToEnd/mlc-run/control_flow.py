"""Loops and branches on tensors: a gated recurrent unit that is one loop however many steps it has, the
limit of a while, and text that can be run again at every stage."""

import re

import numpy as np

import tool

# h' = (1 - z) n + z h with the gates of a GRU; i inputs, h units, one row.
GRU = """
module attributes {mlc.parameters = [["wx", tensor<8x48xf32>], ["wh", tensor<16x48xf32>], ["b", tensor<48xf32>]]} {
  func.func @main(%xs: tensor<STEPSx1x8xf32> {mlc.input = "xs"}, %h: tensor<1x16xf32> {mlc.input = "h"}) -> (tensor<1x16xf32> {mlc.output = "last"}, tensor<STEPSx1x16xf32> {mlc.output = "all"}) DIMS {
    %r:2 = mlc.scan %h, %xs {carried = 1 : i64, sequences = 1 : i64} : (tensor<1x16xf32>, tensor<STEPSx1x8xf32>) -> (tensor<1x16xf32>, tensor<STEPSx1x16xf32>) {
    ^bb0(%s: tensor<1x16xf32>, %x: tensor<1x8xf32>):
      %wx = mlc.parameter {parameter = "wx"} : () -> tensor<8x48xf32>
      %wh = mlc.parameter {parameter = "wh"} : () -> tensor<16x48xf32>
      %b = mlc.parameter {parameter = "b"} : () -> tensor<48xf32>
      %row = mlc.broadcast %b {shape = array<i64: 1, 48>, axes = array<i64: 1>} : (tensor<48xf32>) -> tensor<1x48xf32>
      %a0 = mlc.matmul %x, %wx : (tensor<1x8xf32>, tensor<8x48xf32>) -> tensor<1x48xf32>
      %gx = mlc.add %a0, %row : (tensor<1x48xf32>, tensor<1x48xf32>) -> tensor<1x48xf32>
      %gh = mlc.matmul %s, %wh : (tensor<1x16xf32>, tensor<16x48xf32>) -> tensor<1x48xf32>
      %rx = mlc.slice %gx {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 16>, strides = array<i64: 1>} : (tensor<1x48xf32>) -> tensor<1x16xf32>
      %rh = mlc.slice %gh {axes = array<i64: 1>, starts = array<i64: 0>, limits = array<i64: 16>, strides = array<i64: 1>} : (tensor<1x48xf32>) -> tensor<1x16xf32>
      %zx = mlc.slice %gx {axes = array<i64: 1>, starts = array<i64: 16>, limits = array<i64: 32>, strides = array<i64: 1>} : (tensor<1x48xf32>) -> tensor<1x16xf32>
      %zh = mlc.slice %gh {axes = array<i64: 1>, starts = array<i64: 16>, limits = array<i64: 32>, strides = array<i64: 1>} : (tensor<1x48xf32>) -> tensor<1x16xf32>
      %nx = mlc.slice %gx {axes = array<i64: 1>, starts = array<i64: 32>, limits = array<i64: 48>, strides = array<i64: 1>} : (tensor<1x48xf32>) -> tensor<1x16xf32>
      %nh = mlc.slice %gh {axes = array<i64: 1>, starts = array<i64: 32>, limits = array<i64: 48>, strides = array<i64: 1>} : (tensor<1x48xf32>) -> tensor<1x16xf32>
      %r0 = mlc.add %rx, %rh : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %r1 = mlc.sigmoid %r0 : (tensor<1x16xf32>) -> tensor<1x16xf32>
      %z0 = mlc.add %zx, %zh : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %z1 = mlc.sigmoid %z0 : (tensor<1x16xf32>) -> tensor<1x16xf32>
      %n0 = mlc.mul %r1, %nh : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %n1 = mlc.add %nx, %n0 : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %n2 = mlc.tanh %n1 : (tensor<1x16xf32>) -> tensor<1x16xf32>
      %d = mlc.sub %s, %n2 : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %m = mlc.mul %z1, %d : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      %next = mlc.add %n2, %m : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
      mlc.yield %next, %next : tensor<1x16xf32>, tensor<1x16xf32>
    }
    return %r#0, %r#1 : tensor<1x16xf32>, tensor<STEPSx1x16xf32>
  }
}
"""

ENDLESS = """
func.func @main(%p: tensor<i1> {mlc.input = "p"}, %x: tensor<f32> {mlc.input = "x"}) -> (tensor<f32> {mlc.output = "y"}) {
  %r = mlc.while %x, %p {carried = 1 : i64LIMIT} : (tensor<f32>, tensor<i1>) -> tensor<f32> {
  ^bb0(%a: tensor<f32>, %q: tensor<i1>):
    mlc.yield %q : tensor<i1>
  }, {
  ^bb0(%a: tensor<f32>, %q: tensor<i1>):
    %n = mlc.neg %a : (tensor<f32>) -> tensor<f32>
    mlc.yield %n : tensor<f32>
  } loc("spin")
  return %r : tensor<f32>
}
"""


def numpy_gru(xs, h, wx, wh, b):
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    states = []
    for x in xs.astype(np.float64):
        gx, gh = x @ wx + b, h @ wh
        r, z = sigmoid(gx[:, :16] + gh[:, :16]), sigmoid(gx[:, 16:32] + gh[:, 16:32])
        n = np.tanh(gx[:, 32:] + r * gh[:, 32:])
        h = (1 - z) * n + z * h
        states.append(h)
    return np.array(states)


class ControlFlow(tool.ToolTest):
    def setUp(self):
        super().setUp()
        random = np.random.RandomState(5)
        self.weights = {"wx": random.standard_normal((8, 48)), "wh": random.standard_normal((16, 48)) / 4,
                        "b": random.standard_normal(48)}
        self.options = [f"--parameter={n}=@{self.npy(n + '.npy', w.astype(np.float32))}"
                        for n, w in self.weights.items()]

    def gru(self, steps):
        text = GRU.replace("STEPS", "?" if steps is None else str(steps))
        dims = 'attributes {mlc.dims = ["steps"]}' if steps is None else ""
        return self.write(f"gru{steps}.mlir", text.replace("DIMS", dims))

    def test_recurrent_unit(self):
        """The numbers are numpy's, for a fixed and for any number of steps, under every executor."""
        random = np.random.RandomState(6)
        for steps in (64, 1, 0, 65):
            xs = random.standard_normal((steps, 1, 8)).astype(np.float32)
            h = random.standard_normal((1, 16)).astype(np.float32)
            expected = numpy_gru(xs, h, *(w.astype(np.float32) for w in self.weights.values()))
            inputs = [f"--input=xs=@{self.npy('xs.npy', xs)}", f"--input=h=@{self.npy('h.npy', h)}"]
            for model in (self.gru(steps), self.gru(None)):
                for executor in ("jit", "eager", "reference"):
                    with self.subTest((steps, model.name, executor)):
                        self.succeeds(model, *inputs, *self.options, f"--exec={executor}", "--output=all=@all.npy",
                                      "--output=last=@last.npy")
                        got, last = np.load(self.dir / "all.npy"), np.load(self.dir / "last.npy")
                        self.assertEqual(got.shape, (steps, 1, 16))
                        if steps:
                            np.testing.assert_allclose(got, expected, rtol=0, atol=2e-6)
                        np.testing.assert_array_equal(last, got[-1] if steps else h)

    def test_steps_cost_no_code(self):
        """64 steps are as much code as 6400: one loop. Weights are packed outside."""
        count = lambda text: len(text.splitlines())
        few, many = (self.succeeds(self.gru(steps), "--emit=asm") for steps in (64, 6400))
        self.assertEqual(count(few), count(many))
        fused = self.succeeds(self.gru(64), "--emit=fused")
        self.assertNotIn("mlc.pack ", fused[fused.index("func.func @run"):])

    def test_steps_copy_nothing(self):
        """A step is two products and what is element by element: gates are read where they lie, and the state,
        both carried and collected, is computed where it is collected. One copy, of the last state, follows."""
        text = self.succeeds(self.gru(64), "--emit=buffers")
        kinds = dict(re.findall(r'func.func private @(\w+)\(.*mlc.kind = "(\w+)"', text))
        before, rest = text[text.index("func.func @run"):].split("scf.for", 1)
        step, after = rest.split("scf.yield", 1)
        called = lambda part: [kinds[name] for name in re.findall(r"call @(\w+)\(", part)]
        self.assertEqual(called(before), [])
        self.assertEqual(sorted(called(step)), ["contraction", "contraction", "elementwise"])
        self.assertEqual(called(after[:after.index("return")]), ["data"])

    def test_text_runs_again(self):
        model = self.gru(3)
        inputs = ["--input=xs=random:1", "--input=h=random:2", *self.options]
        text = self.succeeds(model, "--emit=mlir")
        again = self.write("again.mlir", text)
        self.assertEqual(self.succeeds(again, "--emit=mlir"), text)
        fused = self.write("fused.mlir", self.succeeds(model, "--emit=fused"))
        expected = self.succeeds(model, *inputs)
        for file in (again, fused):
            with self.subTest(file.name):
                self.assertEqual(self.succeeds(file, *inputs), expected)

    def test_endless_while(self):
        for limit, text in ((7, ", limit = 7 : i64"), (1000000, "")):
            model = self.write("endless.mlir", ENDLESS.replace("LIMIT", text))
            for executor in ("jit", "eager", "reference"):
                with self.subTest((limit, executor)):
                    self.assertEqual(self.succeeds(model, "--input=p=bool=false", "--input=x=f32=3",
                                                   f"--exec={executor}"), "y: f32[] 3\n")
                    if limit == 7 or executor != "eager": # a million dispatches take a while
                        self.fails(6, model, "--input=p=bool=true", "--input=x=f32=3", f"--exec={executor}",
                                   says=[f"has run {limit} times, its `limit`", "function `main`: node `spin`"])


tool.main()
