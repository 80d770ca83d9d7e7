"""Runs contractions of many shapes whose exact result numpy knows: small integers in f32, so that
no rounding happens in any order of summation and results must agree bit for bit."""

import itertools
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "mlc-run"))
import numpy as np  # noqa: E402
from assembly import MODEL  # noqa: E402
from tool import ToolTest  # noqa: E402

BINARY = """
module {{
  func.func @main(%a: tensor<{a}xf32> {{mlc.input = "a"}}, %b: tensor<{b}xf32> {{mlc.input = "b"}}) -> (tensor<{c}xf32> {{mlc.output = "c"}}) {{
    %0 = mlc.matmul %a, %b {{transpose_a = {ta}, transpose_b = {tb}}} : (tensor<{a}xf32>, tensor<{b}xf32>) -> tensor<{c}xf32>
    func.return %0 : tensor<{c}xf32>
  }}
}}
"""
CHAIN = """
module attributes {{mlc.parameters = [["w0", tensor<{k}x{n}xf32>], ["w1", tensor<{n}x{n}xf32>], ["w2", tensor<{n}x{c}xf32>]]}} {{
  func.func @main(%x: tensor<{m}x{k}xf32> {{mlc.input = "x"}}) -> (tensor<{m}x{c}xf32> {{mlc.output = "y"}}) {dims} {{
    %w0 = mlc.parameter {{parameter = "w0"}} : () -> tensor<{k}x{n}xf32>
    %w1 = mlc.parameter {{parameter = "w1"}} : () -> tensor<{n}x{n}xf32>
    %w2 = mlc.parameter {{parameter = "w2"}} : () -> tensor<{n}x{c}xf32>
    %0 = mlc.matmul %x, %w0 : (tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32>
    %1 = mlc.relu %0 : (tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
    %2 = mlc.matmul %1, %w1 : (tensor<{m}x{n}xf32>, tensor<{n}x{n}xf32>) -> tensor<{m}x{n}xf32>
    %3 = mlc.add %2, %1 : (tensor<{m}x{n}xf32>, tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
    %4 = mlc.matmul %3, %w2 : (tensor<{m}x{n}xf32>, tensor<{n}x{c}xf32>) -> tensor<{m}x{c}xf32>
    func.return %4 : tensor<{m}x{c}xf32>
  }}
}}
"""
TARGETS = ("x86-64-v2", "x86-64-v3", "native")
RANDOM = np.random.default_rng(7)


def integers(*shape):
    return RANDOM.integers(-4, 5, shape).astype(np.float32)


def joined(shape):
    return "x".join(map(str, shape))


class Contractions(ToolTest):
    def run_model(self, text, expected, *arguments, **arrays):
        (self.dir / "m.mlir").write_text(text, encoding="utf-8")
        for name, array in arrays.items():
            np.save(self.dir / f"{name}.npy", array)
        (output, value), = expected.items()
        for target in TARGETS:
            outcome = self.run_tool("m.mlir", *arguments, f"--target={target}",
                                    f"--output={output}=@{output}.npy")
            self.assertEqual(outcome.code, 0, outcome.err)
            got = np.load(self.dir / f"{output}.npy")
            self.assertTrue(np.array_equal(got, value),
                            f"{np.argwhere(got != value)[:4]} differ on {target} in\n{text}")

    def test_weights_bias_relu(self):
        # Blocks of k end at 1024; tiles have up to 8 rows and 64 columns.
        shapes = [(1, 64, 1024), (6, 65, 1025), (7, 33, 2048), (13, 2, 2049), (8, 128, 17),
                  (5, 1, 9), (12, 63, 1), (3, 16, 3000)]
        for m, n, k in shapes:
            x, w, b = integers(m, k), integers(k, n), integers(n)
            y = np.maximum(x @ w + b, 0)
            for batch in (False, True):
                dims = 'attributes {mlc.dims = ["batch"]}' if batch else ""
                text = MODEL.format(m="?" if batch else m, n=n, k=k, dims=dims,
                                    size=-1 if batch else m)
                self.run_model(text, {"y": y}, "--input=x=@x.npy", "--parameter=w=@w.npy",
                               "--parameter=b=@b.npy", x=x, w=w, b=b)

    def chain(self, m, k, n, c, batch):
        x = integers(m, k)
        weights = {name: RANDOM.integers(-1, 2, shape).astype(np.float32)
                   for name, shape in (("w0", (k, n)), ("w1", (n, n)), ("w2", (n, c)))}
        h = np.maximum(x @ weights["w0"], 0)
        y = (h @ weights["w1"] + h) @ weights["w2"]
        self.assertLess(np.abs(y).max(initial=0), 2 ** 24)
        text = CHAIN.format(m="?" if batch else m, k=k, n=n, c=c,
                            dims='attributes {mlc.dims = ["batch"]}' if batch else "")
        for threads in (1, 3):
            self.run_model(text, {"y": y}, "--input=x=@x.npy", f"--threads={threads}",
                           *(f"--parameter={name}=@{name}.npy" for name in weights), x=x, **weights)
        (self.dir / "m.mlir").write_text(text, encoding="utf-8")
        outcome = self.run_tool("m.mlir", "--emit=buffers")
        self.assertIn("call @chain_0", outcome.out)

    def test_chains_of_layers(self):
        # Blocks have 24 to 144 rows.
        for rows in (0, 1, 23, 95, 144, 145, 241, 1000):
            self.chain(rows, k=21, n=40, c=3, batch=True)
        self.chain(500, k=64, n=200, c=64, batch=True)
        # A known number of rows is cut into equal blocks.
        self.chain(192, k=32, n=64, c=10, batch=False)
        self.chain(9000, k=33, n=50, c=1, batch=False)

    def test_transposed_operands(self):
        for ta, tb, (m, n, k) in itertools.product(
                (False, True), (False, True), [(5, 19, 7), (9, 70, 1030), (2, 3, 64)]):
            a, b = integers(m, k), integers(k, n)
            stored_a, stored_b = (a.T if ta else a), (b.T if tb else b)
            text = BINARY.format(a=joined(stored_a.shape), b=joined(stored_b.shape),
                                 c=joined((m, n)), ta=str(ta).lower(), tb=str(tb).lower())
            self.run_model(text, {"c": a @ b}, "--input=a=@a.npy", "--input=b=@b.npy",
                           a=np.ascontiguousarray(stored_a), b=np.ascontiguousarray(stored_b))

    def test_batches(self):
        for ta, tb in itertools.product((False, True), (False, True)):
            a, b = integers(2, 3, 5, 1027), integers(2, 3, 1027, 21)
            stored_a = a.swapaxes(2, 3) if ta else a
            stored_b = b.swapaxes(2, 3) if tb else b
            text = BINARY.format(a=joined(stored_a.shape), b=joined(stored_b.shape), c="2x3x5x21",
                                 ta=str(ta).lower(), tb=str(tb).lower())
            self.run_model(text, {"c": a @ b}, "--input=a=@a.npy", "--input=b=@b.npy",
                           a=np.ascontiguousarray(stored_a), b=np.ascontiguousarray(stored_b))

    def test_long_sums_of_any_numbers(self):
        # Terms cancel: the default tolerance is that of the tensor, not of the element.
        text = BINARY.format(a="4x3000", b="3000x9", c="4x9", ta="false", tb="false")
        a, b = (RANDOM.standard_normal(s).astype(np.float32) for s in ((4, 3000), (3000, 9)))
        exact = a.astype(np.float64) @ b.astype(np.float64)
        self.run_model_close(text, exact, a, b, 0)
        wrong = exact.copy()
        wrong[2, 3] += 1e-4 * np.abs(exact).max()
        self.run_model_close(text, wrong, a, b, 3)

    def run_model_close(self, text, expected, a, b, code):
        (self.dir / "m.mlir").write_text(text, encoding="utf-8")
        for name, array in (("a", a), ("b", b), ("e", expected.astype(np.float32))):
            np.save(self.dir / f"{name}.npy", array)
        outcome = self.run_tool("m.mlir", "--input=a=@a.npy", "--input=b=@b.npy",
                                "--compare=reference", "--expected-output=c=@e.npy")
        self.assertEqual(outcome.code, code, outcome.err)


if __name__ == "__main__":
    unittest.main()
