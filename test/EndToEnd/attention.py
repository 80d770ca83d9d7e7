"""Runs attention of many shapes, masks and special values by jit, and asks that one kernel computed
it and that the reference executor, which takes it op by op, agrees."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "mlc-run"))
import numpy as np  # noqa: E402
from tool import ToolTest  # noqa: E402

TARGETS = ("x86-64-v3", "native")
RANDOM = np.random.default_rng(11)
INF, NAN = np.float32(np.inf), np.float32(np.nan)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def tensor(shape, dtype="f32"):
    return f"tensor<{''.join(f'{size}x' for size in shape)}{dtype}>"


class Text:
    """A function of q, k, v and masks, which broadcast to the scores from the left."""

    def __init__(self, q, k, v, turned=False, symbolic=()):
        shapes = [list(x.shape) for x in (q, k, v)]
        for operand in symbolic:
            shapes["qkv".index(operand)][0] = "?"
        self.attributes = ' attributes {mlc.dims = ["size"]}' if symbolic else ""
        self.q, self.k, self.v = shapes
        self.scores = [*self.q[:-1], self.k[-1 if turned else -2]]
        self.out = [*self.q[:-1], self.v[-1]]
        self.arguments, self.lines = [], []
        for name, shape in (("q", self.q), ("k", self.k), ("v", self.v)):
            self.argument(name, shape, "f32")
        self.last = self.op("matmul", f'%q, %k {{transpose_b = {str(not turned).lower()}}}',
                            (tensor(self.q), tensor(self.k)), tensor(self.scores))

    def argument(self, name, shape, dtype):
        self.arguments.append(f'%{name}: {tensor(shape, dtype)} {{mlc.input = "{name}"}}')

    def op(self, name, operands, types, result):
        value = f"%{len(self.lines)}"
        self.lines.append(f"    {value} = mlc.{name} {operands} : ({', '.join(types)}) -> {result}")
        return value

    def broadcast(self, value, axes, shape, dtype):
        dims = ", ".join(str(-1 if size == "?" else size) for size in self.scores)
        text = f": {', '.join(map(str, axes))}" if axes else ""
        return self.op("broadcast", f"{value} {{axes = array<i64{text}>, shape = array<i64: {dims}>}}",
                       (tensor(shape, dtype),), tensor(self.scores, dtype))

    def constant(self, value):
        made = self.op("constant", f"{{value = dense<{value}> : tensor<f32>}}", (), "tensor<f32>")
        return self.broadcast(made, [], [], "f32")

    def binary(self, name, other):
        self.last = self.op(name, f"{self.last}, {other}", [tensor(self.scores)] * 2,
                            tensor(self.scores))

    def mask(self, name, axes, dtype="f32"):
        shape = [self.scores[axis] for axis in axes]
        self.argument(name, shape, dtype)
        return self.broadcast(f"%{name}", axes, shape, dtype)

    def select(self, predicate, other):
        self.last = self.op("select", f"{predicate}, {self.last}, {other}",
                            (tensor(self.scores, "i1"), *[tensor(self.scores)] * 2),
                            tensor(self.scores))

    def finish(self):
        axis = len(self.scores) - 1
        weights = self.op("softmax", f"{self.last} {{axis = {axis} : i64}}", (tensor(self.scores),),
                          tensor(self.scores))
        result = self.op("matmul", f"{weights}, %v", (tensor(self.scores), tensor(self.v)),
                         tensor(self.out))
        return "\n".join([
            "module {",
            f"  func.func @main({', '.join(self.arguments)}) -> "
            f'({tensor(self.out)} {{mlc.output = "y"}}){self.attributes} {{',
            *self.lines, f"    func.return {result} : {tensor(self.out)}", "  }", "}", ""])


def operands(batch, m, n, k, c):
    return normal(*batch, m, k), normal(*batch, n, k), normal(*batch, n, c)


class Attention(ToolTest):
    def check(self, text, targets=TARGETS, **arrays):
        (self.dir / "m.mlir").write_text(text.finish(), encoding="utf-8")
        for name, array in arrays.items():
            np.save(self.dir / f"{name}.npy", array)
        inputs = [f"--input={name}=@{name}.npy" for name in arrays]
        for target in targets:
            fused = self.run_tool("m.mlir", "--emit=fused", f"--target={target}")
            self.assertEqual(fused.out.count('mlc.fusion "attention"'), 1, fused.out)
            outcome = self.run_tool("m.mlir", *inputs, f"--target={target}", "--compare=reference",
                                    "--output=y=@y.npy")
            self.assertEqual(outcome.code, 0, f"{outcome.err}\n{target}:\n{text.finish()}")
        return np.load(self.dir / "y.npy")

    def test_shapes(self):
        # Vectors of 16 or 8, blocks of 32 or 16 queries and of about 128 keys, tiles of 8 or 4
        # keys, panels of 64 or 16 elements of a value.
        for batch, m, n, k, c in [((1,), 16, 1, 1, 1), ((), 16, 7, 3, 5), ((3,), 17, 8, 64, 64),
                                  ((2, 2), 33, 47, 19, 19), ((1, 3), 31, 129, 5, 65),
                                  ((2,), 64, 128, 64, 64), ((1,), 97, 300, 16, 80),
                                  ((), 40, 136, 256, 256), ((0,), 16, 4, 4, 4)]:
            q, k, v = operands(batch, m, n, k, c)
            for turned in (False, True):
                keys = np.ascontiguousarray(k.swapaxes(-1, -2)) if turned else k
                self.check(Text(q, keys, v, turned), q=q, k=keys, v=v)

    def test_numbers_of_rows_known_late(self):
        k, v = normal(9, 3), normal(9, 20)
        for rows in (0, 1, 15, 16, 17, 32, 33, 50, 64):
            q = normal(rows, 3)
            self.check(Text(q, k, v, symbolic="q"), q=q, k=k, v=v)

    def test_batches_known_late(self):
        for batch in (0, 1, 3):
            q, k, v = operands((batch, 2), 20, 40, 8, 12)
            text = Text(q, k, v, symbolic="qkv")
            text.binary("mul", text.constant(0.35))
            text.binary("add", text.mask("bias", [0, 3]))
            self.check(text, q=q, k=k, v=v, bias=normal(batch, 40))

    def test_masks(self):
        q, k, v = operands((2, 3), 37, 150, 8, 12)
        shape = (2, 3, 37, 150)
        causal = np.tril(np.ones(shape[2:], bool))
        for axes in ([0, 1, 2, 3], [2, 3], [0, 3], [3], [2], [0, 1], []):
            size = [shape[axis] for axis in axes]
            text = Text(q, k, v)
            text.binary("div", text.constant("2.8284271"))
            text.binary("add", text.mask("bias", axes))
            text.select(text.mask("mask", [2, 3], "i1"), text.constant("0xFF800000"))
            self.check(text, q=q, k=k, v=v, bias=normal(*size), mask=causal)
            text = Text(q, k, v)
            text.select(text.mask("mask", axes, "i1"), text.constant("-1.0e9"))
            self.check(text, q=q, k=k, v=v, mask=RANDOM.random(size) < 0.5)

    def test_special_scores(self):
        q, k, v = operands((1,), 40, 300, 4, 5)
        bias = np.zeros((1, 40, 300), np.float32)
        bias[0, 1] = -INF  # Nothing is left of the row.
        bias[0, 2, :200] = -INF  # Nothing of its first keys,
        bias[0, 3, 20:] = -INF  # or of its last.
        bias[0, 4, 130] = INF
        bias[0, 5, 299] = NAN
        bias[0, 6, 0] = NAN
        bias[0, 7, :] = -3e38
        bias[0, 8, ::2] = 3e38
        bias[0, 9, 250:] = 1e4  # The maximum grows late and by much,
        bias[0, 10] = np.arange(300)  # with every key,
        bias[0, 11] = -np.arange(300)  # or not at all.
        bias[0, 12, :] = np.where(np.arange(300) % 2, 0, -95)  # Weights that are denormal.
        bias[0, 13, 0], bias[0, 13, 1:] = NAN, -INF
        text = Text(q, k, v)
        text.binary("add", text.mask("bias", [0, 1, 2]))
        y = self.check(text, q=q, k=k, v=v, bias=bias)
        isnan = np.isnan(y).all(2)[0]
        self.assertEqual(set(np.flatnonzero(isnan)), {1, 4, 5, 6, 13})
        self.assertFalse(np.isnan(np.delete(y, np.flatnonzero(isnan), 1)).any())

    def test_special_queries_and_values(self):
        q, k, v = operands((2,), 18, 140, 4, 20)
        q[0, 0], q[0, 1, 2], q[0, 2] = 0, INF, 1e30
        v[1, 3, 4], v[1, 130, 5], v[1, 7, 6] = NAN, INF, -INF
        v[0, :, 0] = 3e38  # The sum of weighted values never exceeds them.
        y = self.check(Text(q, k, v), q=q, k=k, v=v)
        self.assertTrue(np.isfinite(y[0, 3:]).all())


if __name__ == "__main__":
    unittest.main()
