"""What a case computes: tensors and steps, for every contestant alike.

A program is written to a directory as program.txt, an npy file for every input and weight, and the model files
of mlc. `expected` is what numpy makes of it in double precision.
"""

import math
import pathlib
import sys
import zlib

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "python/mlc_export"))
import mlc_export  # noqa: E402

from .contestants import EXACT  # noqa: E402


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layer_norm(x, scale, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + shift


def attention(q, k, v):
    return softmax(q @ np.swapaxes(k, 1, 2) / math.sqrt(q.shape[-1])) @ v


NUMPY = {
    "matmul": lambda a, b: a @ b,
    "linear": lambda x, w, b: x @ w + b,
    "linear_relu": lambda x, w, b: np.maximum(x @ w + b, 0),
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "relu": lambda x: np.maximum(x, 0),
    "softmax": softmax,
    "layer_norm": layer_norm,
    "attention": attention,
}


def mlc_linear(f, x, w, b):
    product = f.matmul(x, w)
    return f.add(product, f.broadcast(b, product.dims, [1]))


def mlc_layer_norm(f, x, scale, shift):
    def over(value, axis):
        return f.broadcast(value, x.dims, [axis])
    centred = f.binary("sub", x, over(f.reduce("mean", x, [1]), 0))
    variance = f.reduce("mean", f.binary("mul", centred, centred), [1])
    epsilon = f.broadcast(f.scalar(1e-5, "f32"), variance.dims, [])
    factor = f.unary("rsqrt", f.add(variance, epsilon))
    normal = f.binary("mul", centred, over(factor, 0))
    return f.add(f.binary("mul", normal, over(scale, 1)), over(shift, 1))


def mlc_attention(f, q, k, v):
    scores = f.matmul(q, k, transpose_b=True)
    factor = f.broadcast(f.scalar(1 / math.sqrt(q.dims[2]), "f32"), scores.dims, [])
    return f.matmul(f.softmax(f.binary("mul", scores, factor), 2), v)


MLC = {
    "matmul": lambda f, a, b: f.matmul(a, b),
    "linear": mlc_linear,
    "linear_relu": lambda f, x, w, b: f.relu(mlc_linear(f, x, w, b)),
    "add": lambda f, a, b: f.add(a, b),
    "sub": lambda f, a, b: f.binary("sub", a, b),
    "mul": lambda f, a, b: f.binary("mul", a, b),
    "relu": lambda f, x: f.relu(x),
    "softmax": lambda f, x: f.softmax(x, len(x.dims) - 1),
    "layer_norm": mlc_layer_norm,
    "attention": mlc_attention,
}


class Program:
    """Built step by step; `input`, `weight` and `step` return the name of what they make."""

    def __init__(self):
        self.shapes, self.scales = {}, {}
        self.inputs, self.steps = [], []
        self.result = None
        self.flops = 0

    def input(self, name, *shape):
        self.inputs.append(name)
        return self.weight(name, *shape, scale=1)

    def weight(self, name, *shape, scale=None):
        """Normally distributed, so that what is multiplied by it keeps its size unless `scale` says otherwise."""
        self.shapes[name] = shape
        self.scales[name] = 1 / math.sqrt(shape[0]) if scale is None else scale
        return name

    def step(self, op, *operands):
        name = f"t{len(self.steps)}"
        self.steps.append((op, name, operands))
        a, b = self.shapes[operands[0]], self.shapes[operands[-1]]
        self.shapes[name] = a
        if op in ("matmul", "linear", "linear_relu"):
            b = self.shapes[operands[1]]
            self.shapes[name] = (*a[:-1], b[-1])
            self.flops += 2 * math.prod(a) * b[-1]
        elif op == "attention":
            self.flops += 4 * math.prod(a) * self.shapes[operands[1]][1]
        self.result = name
        return name

    def bytes_of(self, *names):
        return sum(4 * math.prod(self.shapes[name]) for name in names)

    @property
    def bytes_read(self):
        """Of all inputs and weights, each once."""
        return self.bytes_of(*self.scales)

    @property
    def bytes_moved(self):
        """The same and the output."""
        return self.bytes_read + self.bytes_of(self.result)

    def text(self):
        lines = [f"{'input' if name in self.inputs else 'weight'} {name}" for name in self.scales]
        lines += [" ".join((op, name, *operands)) for op, name, operands in self.steps]
        return "\n".join([*lines, f"output {self.result}", ""])

    def arrays(self):
        """The same on every run, whatever else there is in the program."""
        def array(name):
            random = np.random.default_rng(zlib.crc32(name.encode()))
            values = random.standard_normal(self.shapes[name], np.float32)
            return values * np.float32(self.scales[name])
        return {name: array(name) for name in self.scales}

    def evaluate(self, arrays):
        values = {name: array.astype(np.float64) for name, array in arrays.items()}
        for op, name, operands in self.steps:
            values[name] = NUMPY[op](*[values[o] for o in operands])
        return values[self.result]

    def mlc_graph(self, arrays, batch=None):
        """The model of mlc; `batch` is the name of the first dimension of all inputs, if that is to be symbolic."""
        graph = mlc_export.Graph()
        main = graph.function("main")
        main.location = ""
        values = {}
        for name in self.scales:
            if name in self.inputs:
                dims = list(self.shapes[name])
                values[name] = main.input(name, "f32", [batch, *dims[1:]] if batch else dims)
            else:
                values[name] = main.parameter(name, arrays[name])
        for op, name, operands in self.steps:
            values[name] = MLC[op](main, *[values[o] for o in operands])
        main.output("y", values[self.result])
        return graph

    def write(self, directory, any_batch=False):
        """All that contestants read, and returns what they should compute."""
        directory.mkdir(parents=True, exist_ok=True)
        arrays = self.arrays()
        (directory / "program.txt").write_text(self.text(), encoding="ascii")
        for name, array in arrays.items():
            np.save(directory / f"{name}.npy", array)
        self.mlc_graph(arrays).save(directory / "model.safetensors")
        if any_batch:
            self.mlc_graph(arrays, "batch").save(directory / "model-any.safetensors")
        return self.evaluate(arrays)


def disagreement(got, expected, allowed=EXACT):
    """Why `got` is not what was expected, or nothing. What is allowed is a share of the largest magnitude."""
    if got.shape != expected.shape:
        return f"a result of shape {list(got.shape)} instead of {list(expected.shape)}"
    if not np.all(np.isfinite(got)):
        return "a result that is not finite"
    if expected.size == 0:
        return ""
    allowed *= max(float(np.abs(expected).max()), 1e-30)
    worst = float(np.abs(got - expected).max())
    return f"a result that is off by {worst:.2g}, more than {allowed:.2g}" if worst > allowed else ""
