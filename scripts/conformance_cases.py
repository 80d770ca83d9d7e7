"""What each op of the vocabulary gives, in numpy; see generate-conformance."""

import itertools
import math

import numpy as np

import conformance_host
from conformance_control import branch, loop, scan
from conformance_model import (BATCHES, DTYPES, HALVES, INT_RANGE, SHAPES, Draw, case, function, model,
                               node, op_case, rounded, tensor)

FLOATS = ["f32", *HALVES]
NUMBERS = ["f32", "i32", "i64", *HALVES]
NARROW = [[], [0], [1], [17], [64], [3, 5]]  # for the dtypes beside the first


def shapes_for(dtypes):
    """Every shape for the first dtype, some for the others."""
    for i, dtype in enumerate(dtypes):
        for shape in SHAPES if i == 0 else NARROW:
            yield dtype, shape


def is_float(array):
    return np.issubdtype(array.dtype, np.floating)


def elementwise(op, dtypes, function_of, operands=1, attributes=None, result=None, draw=None,
                seed=1, batched=True, exact=True):
    """Cases of an element-wise op: shapes, then a symbolic leading dimension."""
    random = Draw(seed)
    draw = draw or (lambda dtype, shape, turn: random.special(dtype, shape, turn=turn))
    label = "".join(f"{v} " for v in (attributes or {}).values())
    cases = []

    def run(dtype, shape):
        arrays = [draw(dtype, shape, turn * 5) for turn in range(operands)]
        computed = function_of(*arrays)
        return arrays, rounded(result or dtype, computed) if exact else computed

    for dtype, shape in shapes_for(dtypes):
        out = (result or dtype, shape)
        cases.append(op_case(op, [(dtype, shape)] * operands, out, attributes,
                             [run(dtype, shape)], label))
    if batched:
        dtype = dtypes[0]
        for rest in ([], [5]):
            dims = ["batch", *rest]
            runs = [run(dtype, [b, *rest]) for b in BATCHES]
            cases.append(op_case(op, [(dtype, dims)] * operands, (result or dtype, dims),
                                 attributes, runs, label))
    return cases


def every_pair(op, dtypes, function_of, attributes=None, result=None):
    """All pairs of special values, for binary ops."""
    cases = []
    for dtype in dtypes:
        pairs = list(itertools.product(Draw.SPECIALS[dtype], repeat=2))
        a, b = (np.array([p[i] for p in pairs], DTYPES[dtype]) for i in (0, 1))
        label = "".join(f"{v} " for v in (attributes or {}).values()) + "specials"
        cases.append(op_case(op, [(dtype, a.shape), (dtype, a.shape)], (result or dtype, a.shape),
                             attributes, [([a, b], rounded(result or dtype, function_of(a, b)))],
                             label))
    return cases


def binary(op, dtypes, function_of, **more):
    return (elementwise(op, dtypes, function_of, operands=2, **more) +
            every_pair(op, dtypes, function_of,
                       **{k: v for k, v in more.items() if k in ("attributes", "result")}))


def per_element(scalar):
    """A function of Python floats, applied in float64."""

    def apply(x):
        return np.array([scalar(float(v)) for v in x.reshape(-1)], np.float64).reshape(x.shape)

    return apply


def curve(op, scalar, grid, attributes=None, seed=2):
    """An elementary function: shapes, and a grid over its range with denormals."""
    f = per_element(scalar)
    tiny = [2.0**-149, 2.0**-140, 2.0**-127, 2.0**-126, 2.0**-60, 2.0**-24, 2.0**-12]
    label = "".join(f"{v} " for v in (attributes or {}).values())
    random = Draw(seed)
    draw = lambda dtype, shape, turn: random.special(dtype, shape, scale=3.0)
    cases = elementwise(op, FLOATS, f, attributes=attributes, draw=draw, exact=False)
    for dtype in FLOATS:
        points = np.array([*grid, *tiny, *(-t for t in tiny)], np.float32)
        points = rounded(dtype, points.astype(DTYPES[dtype]))
        cases.append(op_case(op, [(dtype, points.shape)], (dtype, points.shape), attributes,
                             [([points], f(points))], label + "range"))
    return cases


# Element-wise ----------------------------------------------------------------


def divide(a, b):
    if is_float(a):
        return a / b
    low, _ = INT_RANGE["i32" if a.dtype == np.int32 else "i64"]
    rows = []
    for x, y in zip(a.reshape(-1).tolist(), b.reshape(-1).tolist()):
        if y == 0:
            rows.append(0)
        elif x == low and y == -1:
            rows.append(low)
        else:
            q = abs(x) // abs(y)
            rows.append(q if (x < 0) == (y < 0) else -q)
    return np.array(rows, a.dtype).reshape(a.shape)


def larger(a, b, sign=1):
    """max (or min, with sign -1): NaN wins, and the zeros are ordered."""
    if not is_float(a):
        return np.maximum(a, b) if sign > 0 else np.minimum(a, b)
    rows = []
    for x, y in zip(a.reshape(-1).tolist(), b.reshape(-1).tolist()):
        if math.isnan(x) or math.isnan(y):
            rows.append(math.nan)
        else:
            key = lambda v: (v, math.copysign(1, v))
            rows.append(max(x, y, key=key) if sign > 0 else min(x, y, key=key))
    return np.array(rows, a.dtype).reshape(a.shape)


def exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def log(x):
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def sigmoid(x):
    return exp(x) / (1 + exp(x)) if x < 0 else 1 / (1 + exp(-x))


def gelu_erf(x):
    return -0.0 if x == -math.inf else x / 2 * math.erfc(-x / math.sqrt(2))


def gelu_tanh(x):
    if math.isinf(x):
        return x if x > 0 else -0.0
    return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))


def reciprocal_root(x):
    if x == 0:
        return math.copysign(math.inf, x)
    return 1 / math.sqrt(x) if x > 0 else math.nan


def relu(x):
    zero = np.zeros((), x.dtype)
    return np.where(np.isnan(x), x, larger(x, np.broadcast_to(zero, x.shape)))


COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
               "gt": np.greater, "ge": np.greater_equal}


def compare():
    cases = []
    for direction, f in COMPARISONS.items():
        attributes = {"direction": direction}
        dtypes = NUMBERS + (["bool"] if direction in ("eq", "ne") else [])
        cases += every_pair("compare", dtypes, f, attributes=attributes, result="bool")
    return cases + elementwise("compare", NUMBERS, np.less, operands=2, result="bool",
                               attributes={"direction": "lt"})


def select():
    cases, random = [], Draw(3)

    def run(dtype, shape):
        generator = Draw(36) if dtype in HALVES else random
        arrays = [generator.plain("bool", shape), random.special(dtype, shape),
                  random.special(dtype, shape, turn=3)]
        return arrays, np.where(*arrays)

    for dtype, shape in shapes_for(NUMBERS + ["bool"]):
        cases.append(op_case("select", [("bool", shape), (dtype, shape), (dtype, shape)],
                             (dtype, shape), None, [run(dtype, shape)], ""))
    dims = ["batch", 5]
    cases.append(op_case("select", [("bool", dims), ("f32", dims), ("f32", dims)], ("f32", dims),
                         None, [run("f32", [b, 5]) for b in BATCHES], ""))
    return cases


# Conversion and shape --------------------------------------------------------


def convert(x, dtype):
    if dtype == "bool":
        return x != 0
    if dtype in HALVES:
        return rounded(dtype, x.astype(np.float64) if is_float(x) else x.astype(np.int64))
    if is_float(x) and dtype in INT_RANGE:
        low, high = INT_RANGE[dtype]
        clamp = lambda v: 0 if math.isnan(v) else low if v < low else high if v > high else int(v)
        return np.array([clamp(float(v)) for v in x.reshape(-1)], DTYPES[dtype]).reshape(x.shape)
    return x.astype(DTYPES[dtype])


def cast():
    cases, random = [], Draw(4)
    edges = {"f32": [1.9, -1.9, 0.5, -0.5, 1e20, -1e20, 2147483648.0, -2147483648.0, 2147483520.0,
                     -2147483904.0, 2.0**63, -(2.0**63), 16777217.0, 2.0**63 - 2.0**39],
             # The last two: halfway between two bf16 and next to that, as no f32 is.
             "i32": [16777217, 33554433, -16777217, 2147483584, 2147483647, 65519, 65520,
                     257 * 2**22, 257 * 2**22 + 1, -259 * 2**22 + 1],
             "i64": [16777217, 2**32, 2**31, -2**31 - 1, 2**53 + 1, 2**63 - 1, 2**62 + 2**38,
                     2**62 + 2**38 + 1, *(257 * 2**n + d for n in (16, 29, 30, 41, 42, 54) for d in (0, 1, -1)),
                     *(-259 * 2**n + d for n in (16, 29, 30, 41, 42, 54) for d in (0, 1, -1))],
             "bool": [True, False],
             # Halfway between two f16 or bf16, and what rounds to infinity.
             "f16": [1.9, -1.9, 0.5, -0.5, 255.5, 257.0, 259.0, -2047.0, 60000.0],
             "bf16": [1.9, -1.9, 0.5, -0.5, 1e20, -1e20, 2147483648.0, -2147483648.0, 2.0**63, -(2.0**63),
                      2.0**62, 65280.0, 65536.0, 2.0**-24, 3 * 2.0**-25, 2.0**-25, 2.0**-26]}
    edges["f32"] += [65519.0, 65520.0, -65520.0, 2049.0, 2051.0, 2.0**-25, float.fromhex("0x1.000002p-25"), 3 * 2.0**-25,
                     2.0**-134, 3 * 2.0**-134, float.fromhex("0x1.008p-126"), 257.0, 259.0, float.fromhex("0x1.01p-100"),
                     float.fromhex("0x1.010002p-100"), float.fromhex("0x1.fffffep-15"), float.fromhex("0x1.ffcp-15"),
                     float.fromhex("0x1.ffp+127"), float.fromhex("0x1.fefffep+127")]
    for source, target in itertools.product(DTYPES, repeat=2):
        attributes = {"dtype": target}
        values = np.array(Draw.SPECIALS[source] + edges[source], DTYPES[source])
        values = rounded(source, values)
        inputs = [values] + [random.plain(source, s) for s in ([], [0], [17], [3, 33])]
        for x in inputs:
            cases.append(op_case("cast", [(source, x.shape)], (target, x.shape), attributes,
                                 [([x], convert(x, target))], f"to {target}"))
    # By way of f32 it is rounded twice, also in one kernel.
    for source, target in itertools.product(INT_RANGE, HALVES):
        x = np.array(edges[source], DTYPES[source])
        body = [node("cast", ["x0"], [("f", "f32", x.shape)], {"dtype": "f32"}, "first"),
                node("cast", ["f"], [("y", target, x.shape)], {"dtype": target}, "second")]
        graph = model([function("main", [("x0", source, x.shape)], body, [("y", "y")])])
        y = rounded(target, x.astype(np.float32).astype(np.float64))
        cases.append(case(f"{source}{list(x.shape)} to f32 to {target}", graph,
                          [({"x0": tensor(source, x.shape, x)}, {"y": tensor(target, x.shape, y)})]))
    runs = []
    for b in BATCHES:
        x = random.special("f32", [b, 5])
        runs.append(([x], convert(x, "i32")))
    cases.append(op_case("cast", [("f32", ["batch", 5])], ("i32", ["batch", 5]),
                         {"dtype": "i32"}, runs, "to i32"))
    return cases


def moves(op, rows, batched=()):
    """Ops that move elements. rows: (shape, result dims, attributes, function)."""
    cases, random = [], Draw(5)
    for i, (shape, dims, attributes, f) in enumerate(rows):
        for dtype in ["f32"] if i % 3 else DTYPES:
            x = random.special(dtype, shape)
            cases.append(op_case(op, [(dtype, shape)], (dtype, dims), attributes, [([x], f(x))],
                                 ""))
    for rest, dims, attributes, f in batched:
        runs = []
        for b in BATCHES:
            x = random.special("f32", [b, *rest])
            runs.append(([x], f(x)))
        cases.append(op_case(op, [("f32", ["batch", *rest])], ("f32", dims), attributes, runs, ""))
    return cases


def broadcast():
    def row(shape, target, axes):
        full = [1] * len(target)
        for size, axis in zip(shape, axes):
            full[axis] = size
        return (shape, target, {"shape": target, "axes": axes},
                lambda x: np.broadcast_to(x.reshape(full), target))

    cases = moves("broadcast", [
        row([], [], []), row([], [17], []), row([1], [17], [0]), row([17], [17], [0]),
        row([], [0], []), row([5], [3, 5], [1]), row([3], [3, 5], [0]), row([17], [2, 17], [1]),
        row([2, 1], [2, 33], [0, 1]), row([1, 5], [16, 5], [0, 1]), row([3], [2, 3, 17], [1]),
        row([2, 17], [2, 3, 17], [0, 2]), row([0], [3, 0], [1]), row([1, 1], [64, 2], [0, 1])])
    random, runs = Draw(6), []
    for b in BATCHES:
        x, like = random.plain("f32", [5]), random.plain("f32", [b, 5])
        runs.append(({"x": tensor("f32", [5], x), "like": tensor("f32", [b, 5], like)},
                     {"y": tensor("f32", [b, 5], np.broadcast_to(x, [b, 5]))}))
    dims = ["batch", 5]
    body = [node("broadcast", ["x"], [("y", "f32", dims)], {"shape": dims, "axes": [1]})]
    graph = model([function("main", [("x", "f32", [5]), ("like", "f32", dims)], body,
                            [("y", "y")])])
    return cases + [case("f32[5] to [batch, 5]", graph, runs)]


def reshape():
    def row(shape, target):
        return shape, target, {"shape": target}, lambda x: x.reshape(target)

    return moves("reshape", [
        row([], [1]), row([1], []), row([6], [2, 3]), row([2, 3], [3, 2]), row([17], [17, 1]),
        row([2, 0], [0, 5]), row([4, 4, 4], [64]), row([65], [5, 13]), row([3, 5], [3, 5])], [
        ([6], ["batch", 2, 3], {"shape": ["batch", 2, 3]}, lambda x: x.reshape([-1, 2, 3])),
        ([2, 3], ["batch", 6], {"shape": ["batch", 6]}, lambda x: x.reshape([-1, 6]))])


def transpose():
    def row(shape, permutation):
        return (shape, [shape[p] for p in permutation], {"permutation": permutation},
                lambda x: x.transpose(permutation))

    return moves("transpose", [
        row([], []), row([17], [0]), row([2, 3], [1, 0]), row([17, 16], [1, 0]),
        row([1, 33], [1, 0]), row([0, 3], [1, 0]), row([2, 3, 5], [2, 0, 1]),
        row([2, 3, 5], [0, 2, 1]), row([3, 1, 17], [1, 2, 0]), row([2, 3, 2, 17], [3, 1, 0, 2]),
        row([15, 17], [0, 1])], [
        ([3, 5], ["batch", 5, 3], {"permutation": [0, 2, 1]}, lambda x: x.transpose([0, 2, 1]))])


def slices():
    def row(shape, *cuts):
        key = [slice(None)] * len(shape)
        for axis, start, limit, stride in cuts:
            key[axis] = slice(start, limit, stride)
        columns = [list(c) for c in zip(*cuts)] or [[], [], [], []]
        attributes = dict(zip(("axes", "starts", "limits", "strides"), columns))
        dims = list(np.empty(shape)[tuple(key)].shape)
        return shape, dims, attributes, lambda x: x[tuple(key)]

    return moves("slice", [
        row([17], (0, 0, 17, 1)), row([17], (0, 1, 17, 1)), row([17], (0, 3, 3, 1)),
        row([17], (0, 16, 17, 1)), row([17], (0, 1, 16, 2)), row([65], (0, 0, 65, 64)),
        row([64], (0, 1, 64, 7)), row([3, 5], (1, 1, 4, 1)), row([3, 5], (0, 1, 3, 1)),
        row([3, 5], (0, 0, 3, 2), (1, 1, 5, 3)), row([2, 3, 33], (2, 1, 32, 1)), row([4], ),
        row([0, 3], (1, 0, 2, 1)), row([33, 2], (0, 2, 33, 5))], [
        ([5], ["batch", 3], {"axes": [1], "starts": [1], "limits": [4], "strides": [1]},
         lambda x: x[:, 1:4])])


def concat():
    cases, random = [], Draw(7)

    def add(dtype, shapes, axis, dims=None):
        sizes = BATCHES if dims else [None]
        runs = []
        for b in sizes:
            arrays = [random.special(dtype, [b, *s] if dims else s) for s in shapes]
            runs.append((arrays, np.concatenate(arrays, axis)))
        typed = [(dtype, ["batch", *s] if dims else s) for s in shapes]
        cases.append(op_case("concat", typed, (dtype, dims or runs[0][1].shape), {"axis": axis},
                             runs, f"axis {axis}"))

    for dtype in DTYPES:
        add(dtype, [[2], [3]], 0)
        add(dtype, [[17], [0], [1]], 0)
    add("f32", [[5]], 0)
    add("f32", [[3, 2], [3, 15]], 1)
    add("f32", [[2, 5], [1, 5], [33, 5]], 0)
    add("f32", [[2, 1, 3], [2, 16, 3]], 1)
    add("f32", [[0, 3], [0, 3]], 0)
    add("f32", [[1]] * 17, 0)
    add("f32", [[3], [2]], 1, ["batch", 5])
    return cases


def take():
    cases, random = [], Draw(35)

    def add(dims, index_dims, axis=0, dtype="f32", index="i32"):
        runs = []
        for b in BATCHES if "batch" in (*dims, *index_dims) else [None]:
            sized = lambda dims: [b if d == "batch" else d for d in dims]
            x, n = random.special(dtype, sized(dims)), dims[axis]
            generator = random.of_halves if dtype in HALVES else random.random
            picked = generator.randint(-n, max(n, 1), sized(index_dims)).reshape(-1)
            picked[:1], picked[1:2] = -n, n - 1
            picked = picked.astype(DTYPES[index]).reshape(sized(index_dims))
            runs.append(([x, picked], np.take(x, picked, axis)))
        result = [*dims[:axis], *index_dims, *dims[axis + 1:]]
        cases.append(op_case("take", [(dtype, dims), (index, index_dims)], (dtype, result),
                             {"axis": axis}, runs, f"axis {axis}"))

    for dtype in DTYPES:
        for index in ("i32", "i64"):
            add([7, 5], [3], 0, dtype, index)
            add([3, 65], [2, 3], 1, dtype, index)
    for dims, index_dims in [([5], []), ([1], []), ([5], [65]), ([17, 16], []), ([17, 16], [1]), ([5, 33], [2, 3]),
                             ([3, 64], [17]), ([2, 1], [7]), ([4, 3, 17], [2, 2]), ([2, 2, 1, 3], [3])]:
        add(dims, index_dims)
    for dims, index_dims, axis in [([3, 7], [], 1), ([3, 7], [15], 1), ([2, 5, 17], [3], 1), ([2, 5, 3], [2, 2], 2),
                                   ([2, 3, 4], [], 1), ([2, 3, 1, 5], [4], 2)]:
        add(dims, index_dims, axis)
    # Without indices, and without elements to pick; an axis longer than i32 can count.
    for dims, index_dims, axis in [([5, 3], [0], 0), ([5, 3], [2, 0], 0), ([0, 3], [0], 0), ([0], [0], 0),
                                   ([3, 0], [0], 1), ([5, 0], [4], 0), ([0, 5], [3], 1), ([3 * 10**9, 0], [], 0)]:
        add(dims, index_dims, axis, index="i64" if dims[0] > 2**31 else "i32")
    add(["batch", 5, 3], [4], 1)
    add(["batch", 7], [], 1)
    add(["batch", 7], [2, 3], 1, "bool", "i64")
    add([11, 5], ["batch", 3], 0)
    add([11, 16], ["batch"], 0, "i32", "i64")
    add([11], ["batch"], 0)
    return cases


# Contractions and reductions -------------------------------------------------


def matmul():
    cases, random = [], Draw(8)

    def product(a, b, ta, tb):
        wide = np.float64 if is_float(a) else object
        a, b, narrow = a.astype(wide), b.astype(wide), a.dtype
        a = np.swapaxes(a, -1, -2) if ta else a
        b = np.swapaxes(b, -1, -2) if tb else b
        if a.shape[-1] == 0:
            return np.zeros([*a.shape[:-1], b.shape[-1]], narrow)
        result = np.matmul(a, b)
        if wide is object:
            bits = 64 if narrow == np.int64 else 32
            wrap = lambda v: (int(v) + 2**(bits - 1)) % 2**bits - 2**(bits - 1)
            result = np.array([wrap(v) for v in result.reshape(-1)], narrow).reshape(result.shape)
        return result

    def add(m, k, n, ta=False, tb=False, dtype="f32", batch=(), draw=None):
        a = [*batch, *((k, m) if ta else (m, k))]
        b = [*batch, *((n, k) if tb else (k, n))]
        draw = draw or random.plain
        sizes = BATCHES if "batch" in (m, *batch) else [None]
        runs = []
        for size in sizes:
            sized = lambda dims: [size if d == "batch" else d for d in dims]
            x, y = draw(dtype, sized(a)), draw(dtype, sized(b))
            runs.append(([x, y], product(x, y, ta, tb)))
        attributes = {"transpose_a": ta, "transpose_b": tb}
        name = "transposed " * (ta or tb) + ("a" * ta + "b" * tb)
        cases.append(op_case("matmul", [(dtype, a), (dtype, b)], (dtype, [*batch, m, n]),
                             attributes, runs, name))

    for m, k, n in [(1, 1, 1), (2, 3, 2), (1, 7, 16), (1, 16, 1), (5, 1, 17), (7, 17, 33),
                    (13, 5, 64), (3, 65, 15), (6, 31, 63), (1, 64, 65), (17, 2, 1), (0, 3, 5),
                    (3, 0, 5), (3, 5, 0)]:
        add(m, k, n)
    for ta, tb in [(True, False), (False, True), (True, True)]:
        for m, k, n in [(1, 1, 1), (2, 3, 5), (7, 16, 17), (1, 17, 33), (13, 1, 2)]:
            add(m, k, n, ta, tb)
    for batch in [(1,), (3,), (0,), (2, 2)]:
        add(2, 5, 17, batch=batch)
        add(3, 4, 2, ta=True, batch=batch)
        add(3, 4, 2, tb=True, batch=batch)
    for dtype in ["i32", "i64"]:
        for m, k, n in [(1, 1, 1), (3, 5, 17), (2, 0, 3), (7, 16, 2)]:
            add(m, k, n, dtype=dtype, draw=random.special)
        add(3, 5, 17, True, True, dtype=dtype)
    for dtype in HALVES:
        for m, k, n in [(1, 1, 1), (2, 3, 2), (1, 7, 16), (5, 1, 17), (7, 17, 33), (3, 65, 15), (6, 31, 64),
                        (3, 0, 5), (0, 3, 5)]:
            add(m, k, n, dtype=dtype)
        for ta, tb in [(True, False), (False, True), (True, True)]:
            add(7, 16, 17, ta, tb, dtype=dtype)
        add(2, 5, 17, dtype=dtype, batch=(3,))
        add("batch", 5, 17, dtype=dtype)
    add("batch", 5, 17)
    add("batch", 16, 3, tb=True)
    add(2, 3, 5, batch=("batch",))

    # One NaN or infinity in a row reaches that row and no other.
    def extremes(dtype, a, b, label):
        cases.append(op_case("matmul", [(dtype, a.shape), (dtype, b.shape)], (dtype, [a.shape[0], b.shape[1]]),
                             {"transpose_a": False, "transpose_b": False},
                             [([a, b], product(a, b, False, False))], label))

    for dtype in FLOATS:
        a, b = random.plain(dtype, [3, 5]), np.abs(random.plain(dtype, [5, 17])) + DTYPES[dtype](1)
        a[0, 2], a[2, 4] = math.inf, math.nan
        extremes(dtype, a, rounded(dtype, b), "non-finite")
    # Sums that no f16 holds, or holds in the end alone; of 300 ones a bf16 would lose some.
    extremes("f16", np.array([[60000.0, 60000.0, 0], [60000.0, 60000.0, -60000.0], [-60000.0, -6000.0, 0]]),
             np.ones([3, 17]), "overflow")
    for dtype in HALVES:
        extremes(dtype, np.ones([2, 300]), np.ones([300, 17]), "many ones")
    return cases


def reduce_values(x, kind, axes, keep):
    axes, dtype = tuple(axes), x.dtype
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = np.transpose(x, [*kept, *axes]).reshape(
        [math.prod(x.shape[i] for i in kept), math.prod(x.shape[i] for i in axes)])
    real = is_float(x)
    out = []
    for row in rows.tolist():
        if kind == "sum":
            total = sum(row) if not real or not np.all(np.isfinite(row)) else math.fsum(row)
            if not real:
                bits = 64 if dtype == np.int64 else 32
                total = (total + 2**(bits - 1)) % 2**bits - 2**(bits - 1)
            out.append(total)
        elif kind == "mean":
            finite = np.all(np.isfinite(row))
            out.append((math.fsum(row) if finite else sum(row)) / len(row) if row else math.nan)
        else:
            sign = 1 if kind == "max" else -1
            low, high = INT_RANGE.get({np.dtype(np.int32): "i32", np.dtype(np.int64): "i64"}
                                      .get(dtype), (-math.inf, math.inf))
            best = np.array([low if kind == "max" else high], dtype)
            for v in row:
                best = larger(best, np.array([v], dtype), sign)
            out.append(best[0])
    shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes]
    return np.array(out, np.float64 if real else dtype).reshape(shape)


def reduce():
    cases, random = [], Draw(9)
    configurations = [
        ([], []), ([0], [0]), ([1], [0]), ([2], [0]), ([16], [0]), ([17], [0]), ([65], [0]),
        ([127], [0]), ([3, 5], [1]), ([3, 5], [0]), ([3, 5], [0, 1]), ([3, 17], [1]),
        ([17, 33], [0]), ([2, 64], [1]), ([3, 0], [1]), ([0, 3], [1]), ([0, 3], [0]),
        ([2, 3, 17], [0, 2]), ([2, 3, 17], [1]), ([2, 3, 5], [1, 2]), ([3, 5], [])]

    def add(kind, dtype, shapes, dims, axes, keep, draw, label=""):
        runs = []
        for shape in shapes:
            x = draw(dtype, shape)
            runs.append(([x], reduce_values(x, kind, axes, keep)))
        out = [1 if i in axes else n for i, n in enumerate(dims) if keep or i not in axes]
        cases.append(op_case("reduce", [(dtype, dims)], (dtype, out),
                             {"kind": kind, "axes": axes, "keep_dims": keep}, runs,
                             f"{kind} over {axes}{label}"))

    for kind in ["sum", "max", "min", "mean"]:
        for i, (shape, axes) in enumerate(configurations):
            draw = random.special if kind in ("max", "min") and i % 2 else random.plain
            add(kind, "f32", [shape], shape, axes, i % 4 == 3, draw)
        if kind != "mean":
            for dtype in ["i32", "i64"]:
                for shape, axes in [([17], [0]), ([3, 5], [0]), ([3, 33], [1]), ([0], [0])]:
                    add(kind, dtype, [shape], shape, axes, False, random.special)
        for dtype in HALVES:
            for shape, axes in [([17], [0]), ([], []), ([3, 5], [0]), ([3, 33], [1]), ([3, 5], []), ([2, 3, 17], [0, 2]),
                                ([0], [0]), ([700], [0])]:
                add(kind, dtype, [shape], shape, axes, len(shape) == 3,
                    random.special if kind in ("max", "min") else random.plain)
            add(kind, dtype, [[b, 17] for b in BATCHES], ["batch", 17], [1], False, random.plain)
        if kind in ("min", "max"):
            for dtype, rest in [("i32", []), ("i32", [17]), ("i64", [3, 5])]:
                add(kind, dtype, [[b, *rest] for b in BATCHES], ["batch", *rest], [0], len(rest) == 1, random.special)
        for keep in (False, True):
            add(kind, "f32", [[b, 17] for b in BATCHES], ["batch", 17], [1], keep, random.plain)
        rows = np.array([[1, math.nan, 2], [1, math.inf, 2], [-math.inf, 0, 1],
                         [math.inf, -math.inf, 0], [0.0, -0.0, 0.0], [-0.0, -0.0, -0.0]],
                        np.float32)
        for dtype in FLOATS:
            values = rows.astype(DTYPES[dtype])
            add(kind, dtype, [[6, 3]], [6, 3], [1], False, lambda d, s: values, " non-finite")
            add(kind, dtype, [[3, 6]], [3, 6], [0], False, lambda d, s: values.T.copy(), " non-finite")
    return cases


def softmax_values(x, axis):
    wide = x.astype(np.float64)
    if x.size == 0:
        return wide
    e = np.exp(wide - np.max(wide, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)


def softmax():
    cases, random = [], Draw(10)

    def add(arrays, dims, axis, label="", dtype="f32"):
        cases.append(op_case("softmax", [(dtype, dims)], (dtype, dims), {"axis": axis},
                             [([x], softmax_values(x, axis)) for x in arrays],
                             f"axis {axis}{label}"))

    for shape, axis in [([1], 0), ([2], 0), ([15], 0), ([16], 0), ([17], 0), ([65], 0), ([0], 0),
                        ([3, 5], 1), ([3, 5], 0), ([17, 33], 0), ([2, 64], 1), ([3, 0], 1),
                        ([0, 3], 1), ([0, 3], 0), ([2, 3, 17], 1), ([2, 3, 17], 2),
                        ([2, 3, 17], 0)]:
        add([random.plain("f32", shape)], shape, axis)
    add([random.plain("f32", [b, 17]) for b in BATCHES], ["batch", 17], 1)
    for dtype in HALVES:
        for shape, axis in [([1], 0), ([17], 0), ([3, 5], 0), ([17, 33], 1), ([2, 3, 17], 1), ([0, 3], 1)]:
            add([random.plain(dtype, shape)], shape, axis, dtype=dtype)
        add([random.plain(dtype, [b, 17]) for b in BATCHES], ["batch", 17], 1, dtype=dtype)
    # Results down to denormals and 0; one infinity; NaN; nothing but -inf.
    values = np.array([[0, -80, -100, -103, -200], [1000, 999, 900, 0, -1000], [5e-8, 0, 1, 2, 3],
                       [0, -math.inf, 1, 2, -math.inf], [math.inf, 0, 1, 2, 3],
                       [math.nan, 0, 1, 2, 3], [-math.inf] * 5, [88.5, 88.5, 88.5, 88.5, 88.5]])
    for dtype in FLOATS:
        add([rounded(dtype, values.astype(DTYPES[dtype]))], [8, 5], 1, " range", dtype)
    return cases


# Sources and functions -------------------------------------------------------


def parameter():
    cases, random = [], Draw(11)
    for dtype, shape in shapes_for(DTYPES):
        w = random.special(dtype, shape)
        graph = model([function("main", [], [node("parameter", [], [("y", dtype, shape)],
                                                  {"parameter": "w"})], [("y", "y")])],
                      [("w", dtype, shape)])
        expected = {"y": tensor(dtype, shape, w)}
        cases.append(case(f"{dtype}{shape}", graph, [({}, expected)],
                          {"w": tensor(dtype, shape, w)}))
    return cases


def constant():
    cases, random = [], Draw(12)
    for dtype, shape in shapes_for(DTYPES):
        w = random.special(dtype, shape)
        value = tensor(dtype, shape, w)
        literal = {"dtype": dtype, "dims": value["shape"], "data": value["data"]}
        graph = model([function("main", [], [node("constant", [], [("y", dtype, shape)],
                                                  {"value": literal})], [("y", "y")])])
        cases.append(case(f"{dtype}{shape}", graph, [({}, {"y": value})]))
    return cases


def call():
    cases, random = [], Draw(13)

    def add(name, functions, inputs, runs):
        cases.append(case(name, model(functions), runs))

    for dims, sizes in [([17], [[17]]), (["batch", 5], [[b, 5] for b in BATCHES])]:
        t = ("f32", dims)
        both = function("both", [("a", *t), ("b", *t)],
                        [node("sub", ["a", "b"], [("s", *t)], name="s"),
                         node("max", ["a", "b"], [("m", *t)], name="m")],
                        [("difference", "s"), ("larger", "m")])
        twice = function("twice", [("v", *t)],
                         [node("call", ["v", "v"], [("p", *t), ("q", *t)], {"callee": "both"})],
                         [("p", "p"), ("q", "q")])
        main = function("main", [("x", *t), ("y", *t)],
                        [node("call", ["x", "y"], [("d", *t), ("l", *t)], {"callee": "both"},
                              "first"),
                         node("call", ["l"], [("z", *t), ("same", *t)], {"callee": "twice"},
                              "second")],
                        [("d", "d"), ("z", "z"), ("l", "same")])
        runs = []
        for shape in sizes:
            x, y = random.plain("f32", shape), random.plain("f32", shape)
            most = np.maximum(x, y)
            runs.append(({"x": tensor("f32", shape, x), "y": tensor("f32", shape, y)},
                         {"d": tensor("f32", shape, x - y), "z": tensor("f32", shape, most - most),
                          "l": tensor("f32", shape, most)}))
        add(f"f32{dims}".replace("'", ""), [main, both, twice], None, runs)

    # A callee with a symbolic dimension, called at two sizes.
    n = ("i32", ["n"])
    negate = function("negate", [("v", *n)], [node("neg", ["v"], [("w", *n)])], [("w", "w")])
    main = function("main", [("x", "i32", [3]), ("y", "i32", [17])],
                    [node("call", ["x"], [("p", "i32", [3])], {"callee": "negate"}, "small"),
                     node("call", ["y"], [("q", "i32", [17])], {"callee": "negate"}, "large")],
                    [("p", "p"), ("q", "q")])
    x, y = random.special("i32", [3]), random.special("i32", [17])
    add("one callee, two sizes", [main, negate], None,
        [({"x": tensor("i32", [3], x), "y": tensor("i32", [17], y)},
          {"p": tensor("i32", [3], -x), "q": tensor("i32", [17], -y)})])
    return cases


SPREAD = np.concatenate([np.linspace(-20, 20, 81), np.linspace(-110, 110, 45)])
POSITIVE = np.concatenate([np.linspace(0.5, 2, 31), 2.0 ** np.linspace(-148, 127, 56)])

FILES = {
    "parameter": parameter,
    "constant": constant,
    "matmul": matmul,
    "add": lambda: binary("add", NUMBERS, np.add),
    "sub": lambda: binary("sub", NUMBERS, np.subtract),
    "mul": lambda: binary("mul", NUMBERS, np.multiply),
    "div": lambda: binary("div", NUMBERS, divide),
    "max": lambda: binary("max", NUMBERS, larger),
    "min": lambda: binary("min", NUMBERS, lambda a, b: larger(a, b, -1)),
    "neg": lambda: elementwise("neg", NUMBERS, np.negative),
    "abs": lambda: elementwise("abs", NUMBERS, np.absolute),
    "exp": lambda: curve("exp", exp, SPREAD),
    "log": lambda: curve("log", log, POSITIVE),
    "sqrt": lambda: elementwise("sqrt", FLOATS, np.sqrt),
    "rsqrt": lambda: curve("rsqrt", reciprocal_root, POSITIVE),
    "tanh": lambda: curve("tanh", math.tanh, SPREAD),
    "sigmoid": lambda: curve("sigmoid", sigmoid, SPREAD),
    "relu": lambda: elementwise("relu", NUMBERS, relu),
    "erf": lambda: curve("erf", math.erf, SPREAD),
    "gelu": lambda: (curve("gelu", gelu_erf, SPREAD, {"approximate": "erf"}) +
                     curve("gelu", gelu_tanh, SPREAD, {"approximate": "tanh"})),
    "compare": compare,
    "logical_and": lambda: binary("logical_and", ["bool"], np.logical_and),
    "logical_or": lambda: binary("logical_or", ["bool"], np.logical_or),
    "logical_not": lambda: elementwise("logical_not", ["bool"], np.logical_not),
    "select": select,
    "cast": cast,
    "broadcast": broadcast,
    "reshape": reshape,
    "transpose": transpose,
    "slice": slices,
    "concat": concat,
    "reduce": reduce,
    "softmax": softmax,
    "call": call,
    "if": branch,
    "while": loop,
    "scan": scan,
    "print": conformance_host.shown,
    "check": conformance_host.checked,
    "custom": conformance_host.custom,
    "take": take,
}
