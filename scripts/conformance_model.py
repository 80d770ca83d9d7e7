"""Builds the cases of conformance files: models of one op, tensors as JSON.

Elements of f16 and bf16 are computed in float64, which holds them, and rounded here.
"""

import fractions
import math

import numpy as np

DTYPES = {"f32": np.float32, "i32": np.int32, "i64": np.int64, "bool": np.bool_,
          "f16": np.float64, "bf16": np.float64}
HALVES = {"f16": (11, -14, 15), "bf16": (8, -126, 127)}  # bits of precision, exponents
INT_RANGE = {"i32": (-2**31, 2**31 - 1), "i64": (-2**63, 2**63 - 1)}
# 0, 1, primes and the edges of vectors of 8, 16 and 64 elements.
LENGTHS = [0, 1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65]
SHAPES = [[]] + [[n] for n in LENGTHS] + [[3, 5], [2, 0, 3], [2, 3, 17]]
BATCHES = [0, 1, 3, 16, 17]


def round_half(value, dtype):
    """A float or an integer rounded to f16 or bf16, to nearest even, in exact arithmetic."""
    if isinstance(value, float) and (value == 0 or not math.isfinite(value)):
        return value
    precision, lowest, highest = HALVES[dtype]
    exact = abs(fractions.Fraction(value))
    exponent = max(math.floor(math.log2(exact)) - 1, lowest) if exact else lowest
    while exact >= fractions.Fraction(2) ** (exponent + 1):
        exponent += 1
    last_place = fractions.Fraction(2) ** (exponent - precision + 1)
    rounded = float(round(exact / last_place) * last_place)  # round() is to even
    if rounded > (2 - 2.0 ** (1 - precision)) * 2.0 ** highest:
        rounded = math.inf
    return math.copysign(rounded, value)


def rounded(dtype, values):
    """What a result of that dtype holds: itself, but for f16 and bf16."""
    values = np.asarray(values)
    if dtype not in HALVES:
        return values
    result = np.array([round_half(v, dtype) for v in values.reshape(-1).tolist()], np.float64)
    if dtype == "f16" and values.dtype == np.float64:  # which numpy can do too
        assert np.array_equal(result, values.reshape(-1).astype(np.float16), equal_nan=True)
    return result.reshape(values.shape)


def number(value):
    """A float as JSON holds it: exact if an f32 holds it, else 12 digits."""
    value = float(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value if float(np.float32(value)) == value else float(f"{value:.12g}")


def tensor(dtype, shape, values):
    values = np.asarray(values).reshape(-1).tolist()
    assert len(values) == math.prod(shape), (shape, len(values))
    if dtype == "f32" or dtype in HALVES:
        values = [number(v) for v in values]
    elif dtype != "bool":
        values = [int(v) for v in values]
    return {"dtype": dtype, "shape": list(shape), "data": values}


class Draw:
    """Seeded values that are short to write; specials come first."""

    SPECIALS = {
        "f32": [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 3.0, 2.0**-149, -(2.0**-126),
                float(np.float32(3.4028234e38)), -float(np.float32(3.4028234e38))],
        "f16": [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 3.0, 2.0**-24, -(2.0**-14),
                65504.0, -65504.0, 1023 * 2.0**-24, 1 + 2.0**-10],
        "bf16": [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 3.0, 2.0**-133, -(2.0**-126),
                 255 * 2.0**120, -255 * 2.0**120, 129 * 2.0**-133, 1 + 2.0**-7],
        "i32": [0, 1, -1, 2**31 - 1, -2**31, 2, 7, -7],
        "i64": [0, 1, -1, 2**63 - 1, -2**63, 2, 7, -7],
        "bool": [True, False],
    }

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.of_halves = np.random.RandomState(1000 + seed)

    def plain(self, dtype, shape, scale=8.0):
        """Tame values: multiples of 1/64 of both signs, small integers, bools."""
        n = math.prod(shape)
        if dtype == "f32" or dtype in HALVES:
            random = self.random if dtype == "f32" else self.of_halves
            values = rounded(dtype, np.round(random.standard_normal(n) * scale * 16) / 64)
        elif dtype == "bool":
            values = self.random.randint(0, 2, n).astype(bool)
        else:
            values = self.random.randint(-100, 100, n)
        return values.astype(DTYPES[dtype]).reshape(shape)

    def special(self, dtype, shape, scale=8.0, turn=0):
        """Plain values with the specials (rotated by `turn`) strewn in."""
        values = self.plain(dtype, shape, scale).reshape(-1)
        specials = self.SPECIALS[dtype]
        assert np.array_equal(specials, rounded(dtype, specials), equal_nan=dtype in HALVES or dtype == "f32")
        for i in range(0, values.size, 2):
            k = i // 2 + turn
            values[i] = specials[k % len(specials)]
        return values.reshape(shape)


def value_json(name, dtype, dims):
    return {"name": name, "dtype": dtype, "dims": list(dims)}


def function(name, inputs, nodes, outputs):
    """inputs: (name, dtype, dims); nodes: dicts; outputs: (name, value)."""
    return {"name": name, "inputs": [value_json(*i) for i in inputs], "nodes": nodes,
            "outputs": [{"name": n, "value": v} for n, v in outputs]}


def node(op, operands, results, attributes=None, name="node", blocks=()):
    """results: (name, dtype, dims)."""
    made = {"name": name, "op": op, "operands": operands, "attributes": attributes or {},
            "results": [value_json(*r) for r in results]}
    if blocks:
        made["blocks"] = list(blocks)
    return made


def block(inputs, nodes, outputs):
    """inputs: (name, dtype, dims); outputs: names of values."""
    return {"inputs": [value_json(*i) for i in inputs], "nodes": nodes, "outputs": outputs}


def model(functions, parameters=()):
    return {"format_version": 1, "parameters": [value_json(*p) for p in parameters],
            "functions": functions}


def case(name, graph, runs, parameters=None):
    """runs: (inputs, outputs), dicts of tensor JSON by name."""
    return {"name": name, "model": graph, "parameters": parameters or {},
            "runs": [{"inputs": i, "outputs": o} for i, o in runs]}


def op_case(op, inputs, output, attributes, runs, name):
    """One node. inputs: (dtype, dims) each; runs: (list of input arrays, output array)."""
    names = [f"x{i}" for i in range(len(inputs))]
    body = [node(op, names, [("y", *output)], attributes)]
    typed = [(n, *t) for n, t in zip(names, inputs)]
    graph = model([function("main", typed, body, [("y", "y")])])
    rows = []
    for arrays, result in runs:
        result = np.asarray(result)
        rows.append(({n: tensor(t[0], a.shape, a) for n, t, a in zip(names, inputs, arrays)},
                     {"y": tensor(output[0], result.shape, result)}))
    label = ", ".join(f"{t}{list(d)}".replace("'", "") for t, d in inputs)
    return case(f"{name} {label}".strip(), graph, rows)


def flow_case(name, inputs, nodes, outputs, runs):
    """inputs, outputs: (name, dtype, dims); runs: (arrays, arrays) in their order."""
    graph = model([function("main", inputs, nodes, [(n, n) for n, _, _ in outputs])])
    tensors = lambda typed, arrays: {n: tensor(t, np.shape(a), a) for (n, t, _), a in zip(typed, arrays)}
    return case(name, graph, [(tensors(inputs, i), tensors(outputs, o)) for i, o in runs])
