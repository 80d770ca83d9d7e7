"""Reads the assembly of contractions, cross-compiled: the innermost loops of a matmul are packed
fused multiply-adds on registers, or products and sums where there is no such instruction, with no access
to the stack."""

import re
import sys
import unittest

sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parent / "mlc-run"))
from tool import ToolTest  # noqa: E402

MODEL = """
module attributes {{mlc.parameters = [["w", tensor<{k}x{n}xf32>], ["b", tensor<{n}xf32>]]}} {{
  func.func @main(%x: tensor<{m}x{k}xf32> {{mlc.input = "x"}}) -> (tensor<{m}x{n}xf32> {{mlc.output = "y"}}) {dims} {{
    %w = mlc.parameter {{parameter = "w"}} : () -> tensor<{k}x{n}xf32>
    %b = mlc.parameter {{parameter = "b"}} : () -> tensor<{n}xf32>
    %0 = mlc.matmul %x, %w : (tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32>
    %1 = mlc.broadcast %b {{shape = array<i64: {size}, {n}>, axes = array<i64: 1>}} : (tensor<{n}xf32>) -> tensor<{m}x{n}xf32>
    %2 = mlc.add %0, %1 : (tensor<{m}x{n}xf32>, tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
    %3 = mlc.relu %2 : (tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
    func.return %3 : tensor<{m}x{n}xf32>
  }}
}}
"""

PLAIN = """
module {{
  func.func @main(%a: tensor<{m}x{k}xf32> {{mlc.input = "a"}}, %b: tensor<{k}x{n}xf32> {{mlc.input = "b"}}) -> (tensor<{m}x{n}xf32> {{mlc.output = "c"}}) {{
    %0 = mlc.matmul %a, %b : (tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32>
    func.return %0 : tensor<{m}x{n}xf32>
  }}
}}
"""

# m, n, k: square, one row, odd edges, few columns, more than one block of k, any batch.
SHAPES = [(512, 512, 512), (1, 256, 512), (17, 100, 33), (9, 2, 128), (64, 96, 3000), ("?", 256, 512)]
REGISTERS = {"x86-64-v2": "%xmm", "x86-64-v3": "%ymm", "x86-64-v4": "%zmm"}
PRODUCT = {"x86-64-v2": "mulps", "x86-64-v3": "vfmadd", "x86-64-v4": "vfmadd"}


def inner_loops(assembly):
    """The basic blocks that jump back to their own label and multiply and add."""
    label, block = None, []
    for line in assembly.splitlines():
        if match := re.match(r"(\.LBB\w+):", line):
            label, block = match[1], []
        elif label:
            block.append(line.split("#")[0])
            if re.match(r"\s+j\w+\s+" + re.escape(label) + r"\s*$", block[-1]):
                if any("vfmadd" in l or "mulps" in l or "mulss" in l for l in block):
                    yield block
                label = None


class Assembly(ToolTest):
    def check(self, model, target, wide, what):
        (self.dir / "m.mlir").write_text(model, encoding="utf-8")
        outcome = self.run_tool("m.mlir", "--emit=asm", f"--target={target}")
        self.assertEqual(outcome.code, 0, outcome.err)
        # Without frame pointers only %rsp points into the stack.
        self.assertNotRegex(outcome.out, r"movq\s+%rsp, %rbp")
        loops = list(inner_loops(outcome.out))
        self.assertTrue(loops, f"{what}: no innermost loop multiplies and adds")
        for loop in loops:
            text = "\n".join(loop)
            self.assertIn(PRODUCT[target], text, what)
            for line in loop:
                self.assertNotRegex(line, r"\(%rsp", f"{what}: stack access in\n{text}")
                self.assertNotRegex(line, r"\b(vfmadd\w*|v?mul|v?add)s[sd]\b",
                                    f"{what}: scalar arithmetic in\n{text}")
                if wide and PRODUCT[target] in line:
                    self.assertIn(REGISTERS[target], line, f"{what}: narrow vectors in\n{text}")

    def test_constant_weights(self):
        for target in REGISTERS:
            for m, n, k in SHAPES:
                dims = 'attributes {mlc.dims = ["batch"]}' if m == "?" else ""
                model = MODEL.format(m=m, n=n, k=k, dims=dims, size=-1 if m == "?" else m)
                self.check(model, target, True, f"{m}x{n}x{k} on {target}")

    def test_both_operands_arguments(self):
        for target in REGISTERS:
            for m, n, k in SHAPES[:5]:
                # Two columns are half a register at most: not widened when not packed.
                self.check(PLAIN.format(m=m, n=n, k=k), target, n > 16,
                           f"plain {m}x{n}x{k} on {target}")


if __name__ == "__main__":
    unittest.main()
