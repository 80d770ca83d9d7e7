"""Weights in fewer bits: values beside the same arithmetic in numpy, and what they cost on the digits."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "mlc-run"))
import numpy as np  # noqa: E402
import tool  # noqa: E402

DIGITS = tool.ROOT / "examples" / "digits"
TYPES = ("bf16", "int8", "int8-dynamic")
HAS_AVX512 = "avx512vl" in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
TARGETS = ("native", "x86-64-v3") + (("x86-64-v4",) if HAS_AVX512 else ())


def to_bf16(x):
    """The nearest bf16, ties to even, as an f32."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    quiet = (bits | 0x400000) & 0xFFFF0000
    return np.where(np.isnan(x), quiet, rounded).astype(np.uint32).view(np.float32)


def quantized(x, axis):
    """Integers, and the scales of all that lies along an axis."""
    largest = np.maximum(np.abs(x).max(axis=axis, keepdims=True), np.float32(2.0**-119))
    with np.errstate(invalid="ignore"):
        scale = (largest + (largest - largest)) / np.float32(127)
        return np.rint(x * (np.float32(1) / scale)), scale


def product(x, w, weights):
    """What the product should be, to double precision, and the sum of its terms' magnitudes."""
    x, w = x.astype(np.float32), w.astype(np.float32)
    if weights == "bf16":
        w = to_bf16(w).astype(np.float64)
    if weights == "int8":
        q, scale = quantized(w, 0)
        w = q.astype(np.float64) * scale
    if weights != "int8-dynamic":
        return x.astype(np.float64) @ w, np.abs(x.astype(np.float64)) @ np.abs(w)
    q, scale = quantized(w, 0)
    p, of_rows = quantized(x, 1)
    exact = (p.astype(np.int64) @ q.astype(np.int64)).astype(np.float32) * of_rows * scale
    return exact, np.zeros_like(exact)


class Weights(tool.ToolTest):
    def product_model(self, name, k, n, rows="batch", transpose=""):
        shape = f"{n}x{k}" if "b" in transpose else f"{k}x{n}"
        flags = "".join(f", transpose_{c} = true" for c in transpose)
        size = "?" if rows == "batch" else rows
        left = f"{k}x{size}" if "a" in transpose else f"{size}x{k}"
        dims = 'attributes {mlc.dims = ["batch"]}' if rows == "batch" else ""
        attributes = f"{{{flags[2:]}}}" if flags else ""
        return self.write(name, f"""
            module attributes {{mlc.parameters = [["w", tensor<{shape}xf32>]]}} {{
            func.func @main(%x: tensor<{left}xf32> {{mlc.input = "x"}})
                -> (tensor<{size}x{n}xf32> {{mlc.output = "y"}}) {dims} {{
              %w = mlc.parameter {{parameter = "w"}} : () -> tensor<{shape}xf32>
              %y = mlc.matmul %x, %w {attributes} : (tensor<{left}xf32>, tensor<{shape}xf32>) -> tensor<{size}x{n}xf32>
              return %y : tensor<{size}x{n}xf32>
            }}}}""")

    def compute(self, model, x, w, *options):
        for name, array in (("x.npy", x), ("w.npy", w)):
            self.npy(name, np.ascontiguousarray(array, np.float32))
        self.succeeds(model, "--input=x=@x.npy", "--parameter=w=@w.npy", "--output=y=@y.npy",
                      "--limit-memory=0", "--limit-seconds=0", *options)
        return np.load(self.dir / "y.npy")

    def check(self, got, x, w, weights):
        expected, magnitude = product(x, w, weights)
        if weights == "int8-dynamic":
            np.testing.assert_array_equal(got, expected.astype(np.float32))
            return
        allowed = 1e-6 * np.maximum(magnitude, 1e-37) * max(1, np.sqrt(x.shape[1]))
        self.assertLessEqual(float((np.abs(got - expected) - allowed).max(initial=0)), 0)

    def test_sizes(self):
        """Odd ones, on each target: a depth that is no whole group, columns that are no whole vector."""
        random = np.random.default_rng(1)
        for k, n in ((1, 1), (3, 47), (5, 49), (67, 129), (1030, 20)):
            model = self.product_model("m.mlir", k, n)
            w, x = random.standard_normal((k, n)), random.standard_normal((9, k))
            for weights in TYPES:
                results = []
                for target in TARGETS:
                    with self.subTest((k, n, weights, target)):
                        results.append(self.compute(model, x, w, f"--weights={weights}", f"--target={target}"))
                        self.check(results[-1], x, w, weights)
                if weights == "int8-dynamic":
                    for other in results[1:]:
                        np.testing.assert_array_equal(results[0], other)
                self.assertEqual(self.compute(model, x[:0], w, f"--weights={weights}").shape, (0, n))

    def test_batch_one_is_a_row(self):
        """Each row has the same bits whatever stands beside it."""
        random = np.random.default_rng(2)
        x, w = random.standard_normal((7, 130)), random.standard_normal((130, 100))
        any_batch, one = self.product_model("any.mlir", 130, 100), self.product_model("one.mlir", 130, 100, "1")
        for weights in TYPES:
            with self.subTest(weights):
                all_rows = self.compute(any_batch, x, w, f"--weights={weights}")
                for i in (0, 6):
                    row = self.compute(one, x[i : i + 1], w, f"--weights={weights}")
                    np.testing.assert_array_equal(row[0], all_rows[i])

    def test_transposed(self):
        random = np.random.default_rng(3)
        x, w = random.standard_normal((3, 21)), random.standard_normal((21, 50))
        for transpose in ("a", "b", "ab"):
            model = self.product_model("t.mlir", 21, 50, "3", transpose)
            for weights in TYPES:
                with self.subTest((transpose, weights)):
                    got = self.compute(model, x.T if "a" in transpose else x, w.T if "b" in transpose else w,
                                       f"--weights={weights}")
                    # Left-hand sides that lie in columns keep their type.
                    self.check(got, x, w, "int8" if weights == "int8-dynamic" and "a" in transpose else weights)

    def test_extreme_weights(self):
        """Columns of zeros, denormals, the largest numbers, infinities and NaN."""
        x = np.array([[1.0, -2.0, 0.5, 0.0]])
        w = np.zeros((4, 8), np.float32)
        w[:, 1] = [1e-45, 3e-42, -1e-40, 0]
        w[:, 2] = [1e38, -3e37, 1, 0]
        w[:, 3] = [1, np.inf, 2, 0]
        w[:, 4] = [1, np.nan, 2, 0]
        w[:, 5] = [1.00390625, 1.01171875, -1.00390625, 0]  # halfway between two bf16
        w[:, 6] = [127, 0.5, 1.5, -2.5]
        w[:, 7] = [2.0**-120, 2.0**-125, 0, 0]
        model = self.product_model("m.mlir", 4, 8)
        for weights in TYPES:
            with self.subTest(weights):
                got = self.compute(model, x, w, f"--weights={weights}")[0]
                self.assertEqual(got[0], 0)
                self.assertTrue(np.isnan(got[4]))
                if weights == "bf16":
                    self.assertTrue(np.isneginf(got[3]))
                    self.assertEqual(got[1], np.float32((to_bf16(w[:, 1]).astype(np.float64) * x[0]).sum()))
                    self.assertEqual(got[5], (to_bf16(w[:, 5]) * x[0]).sum())
                else:
                    self.assertTrue(np.isnan(got[3]))
                for column in (1, 2, 5, 6, 7):
                    self.check(got[None, column : column + 1], x, w[:, column : column + 1], weights)

    def test_extreme_inputs(self):
        """A row that has no scale is NaN, those beside it are not."""
        x = np.array([[0, 0, 0], [1, np.inf, 0], [1, np.nan, 2], [1e-45, 1e-40, 0], [3e38, 1e38, -3e38], [1, 2, 3]])
        w = np.array([[1.0, 2], [-0.5, 0.25], [0.125, 0.5]])
        got = self.compute(self.product_model("m.mlir", 3, 2), x, w, "--weights=int8-dynamic")
        np.testing.assert_array_equal(np.isnan(got).all(axis=1), [False, True, True, False, False, False])
        np.testing.assert_array_equal(got[0], [0, 0])
        finite = [0, 3, 4, 5]
        np.testing.assert_array_equal(got[finite], product(x[finite], w, "int8-dynamic")[0].astype(np.float32))

    def test_only_products(self):
        """A parameter that something else reads, too, is as it was there."""
        model = self.write("both.mlir", """
            module attributes {mlc.parameters = [["w", tensor<3x3xf32>]]} {
            func.func @main(%x: tensor<2x3xf32> {mlc.input = "x"})
                -> (tensor<2x3xf32> {mlc.output = "y"}, tensor<3x3xf32> {mlc.output = "z"}) {
              %w = mlc.parameter {parameter = "w"} : () -> tensor<3x3xf32>
              %y = mlc.matmul %x, %w : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
              return %y, %w : tensor<2x3xf32>, tensor<3x3xf32>
            }}""")
        w = np.random.default_rng(4).standard_normal((3, 3)).astype(np.float32)
        x = np.eye(2, 3)
        for weights in TYPES:
            self.npy("x.npy", x.astype(np.float32))
            self.npy("w.npy", w)
            self.succeeds(model, "--input=x=@x.npy", "--parameter=w=@w.npy", "--output=y=@y.npy", "--output=z=@z.npy",
                          f"--weights={weights}")
            np.testing.assert_array_equal(np.load(self.dir / "z.npy"), w)
            self.check(np.load(self.dir / "y.npy"), x, w, weights)

    def test_in_a_loop(self):
        """Weights are laid out before the loop; what they multiply is quantised in each step."""
        model = self.write("steps.mlir", """
            module attributes {mlc.parameters = [["w", tensor<16x16xf32>]]} {
            func.func @main(%xs: tensor<7x1x16xf32> {mlc.input = "xs"}, %h: tensor<1x16xf32> {mlc.input = "h"})
                -> (tensor<1x16xf32> {mlc.output = "last"}) {
              %last = mlc.scan %h, %xs {carried = 1 : i64, sequences = 1 : i64} : (tensor<1x16xf32>, tensor<7x1x16xf32>) -> tensor<1x16xf32> {
              ^bb0(%s: tensor<1x16xf32>, %x: tensor<1x16xf32>):
                %w = mlc.parameter {parameter = "w"} : () -> tensor<16x16xf32>
                %m = mlc.matmul %s, %w : (tensor<1x16xf32>, tensor<16x16xf32>) -> tensor<1x16xf32>
                %a = mlc.add %m, %x : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
                %n = mlc.tanh %a : (tensor<1x16xf32>) -> tensor<1x16xf32>
                mlc.yield %n : tensor<1x16xf32>
              }
              return %last : tensor<1x16xf32>
            }}""")
        # Small weights, or each step would multiply what is off in the one before.
        self.npy("w.npy", (np.random.default_rng(6).standard_normal((16, 16)) / 8).astype(np.float32))
        arguments = [model, "--input=xs=random:1", "--input=h=random:2", "--parameter=w=@w.npy"]
        for weights in TYPES:
            with self.subTest(weights):
                out = self.succeeds(*arguments, f"--weights={weights}", "--compare=reference")
                self.assertIn("last: agrees with reference, worst difference", out)
                run = self.succeeds(model, f"--weights={weights}", "--emit=fused").split("func.func @run")[1]
                self.assertNotIn("mlc.pack ", run)
                self.assertEqual(run.count("mlc.quantize"), 1 if weights == "int8-dynamic" else 0)

    def test_digits(self):
        """At most 0.2 points of accuracy are lost, and --compare says how far the logits are apart."""
        labels = np.load(DIGITS / "heldout-labels.npy")
        arguments = [DIGITS / "digits.safetensors", f"--input=images=@{DIGITS}/heldout-images.npy"]

        def right(*options):
            self.succeeds(*arguments, "--output=logits=@logits.npy", *options)
            logits = np.load(self.dir / "logits.npy")
            return 100 * float((logits.argmax(axis=1) == labels).mean())

        as_given = right()
        for weights in TYPES:
            with self.subTest(weights):
                self.assertGreaterEqual(right(f"--weights={weights}"), as_given - 0.2)
                out = self.succeeds(*arguments, f"--weights={weights}", "--compare=reference")
                self.assertIn("logits: agrees with reference, worst difference", out)
                self.fails(3, *arguments, f"--weights={weights}", "--compare=reference", "--tolerance=1e-5,1e-5",
                           says="logits")

    def test_options(self):
        model = DIGITS / "digits.safetensors"
        self.fails(2, model, "--weights=int4", says=["--weights: expected one of as-given, bf16, int8, int8-dynamic",
                                                     "'int4'"])
        self.fails(2, model, "--weights=int8", "--exec=eager", "--input=images=ones", "--dim=batch=1",
                   says="--weights has no meaning with --exec=eager")
        for weights, strategy in (("bf16", "packed right-hand side of bf16"), ("int8", "packed right-hand side of i8"),
                                  ("int8-dynamic", "of i8, dot products")):
            explanation = json.loads(self.succeeds(model, "--explain", f"--weights={weights}", "--format=json"))
            strategies = [k["strategy"] for k in explanation["explanation"]["kernels"] if k["kind"] == "contraction"]
            self.assertTrue(strategies)
            for text in strategies:
                self.assertIn(strategy, text)
        fused = self.write("fused.mlir", self.succeeds(model, "--emit=fused", "--weights=bf16"))
        self.fails(5, fused, "--emit=graph", says="weights that were reduced cannot be in a model")


if __name__ == "__main__":
    tool.main()
