"""What if, while and scan give, in numpy: small integers throughout, so that every result is exact."""

import math

import numpy as np

from conformance_model import BATCHES, DTYPES, Draw, block, case, function, model, node, rounded, tensor


def flow_case(name, inputs, nodes, outputs, runs):
    """inputs, outputs: (name, dtype, dims); runs: (arrays, arrays) in their order."""
    graph = model([function("main", inputs, nodes, [(n, n) for n, _, _ in outputs])])
    tensors = lambda typed, arrays: {n: tensor(t, np.shape(a), a) for (n, t, _), a in zip(typed, arrays)}
    return case(name, graph, [(tensors(inputs, i), tensors(outputs, o)) for i, o in runs])


def branch():
    random, cases = Draw(31), []
    for dtype, dims in [("f32", []), ("f32", [17]), ("f32", [3, 0]), ("i32", [5]), ("bool", [33]),
                        ("f32", ["batch", 5]), ("f16", [17]), ("bf16", ["batch", 5])]:
        typed = lambda name: (name, dtype, dims)
        first, second = ("logical_and", "logical_or") if dtype == "bool" else ("add", "mul")
        combine = {"add": np.add, "mul": np.multiply, "logical_and": np.logical_and,
                   "logical_or": np.logical_or}
        blocks = [block([typed("a"), typed("b")], [node(first, ["a", "b"], [typed("c")], name="then")],
                        ["c", "a"]),
                  block([typed("d"), typed("e")], [node(second, ["d", "e"], [typed("f")], name="else")],
                        ["f", "e"])]
        runs = []
        for size in BATCHES if "batch" in dims else [0]:
            shape = [size if d == "batch" else d for d in dims]
            x, y = (random.plain(dtype, shape) for _ in range(2))
            runs.append(([np.bool_(True), x, y], [rounded(dtype, combine[first](x, y)), x]))
            runs.append(([np.bool_(False), x, y], [rounded(dtype, combine[second](x, y)), y]))
        cases.append(flow_case(f"{dtype}{dims}".replace("'", ""),
                               [("p", "bool", []), typed("x"), typed("y")],
                               [node("if", ["p", "x", "y"], [typed("r"), typed("s")], None, "node", blocks)],
                               [typed("r"), typed("s")], runs))
    return cases


def loop():
    cases, scalar = [], lambda name, dtype="i32": (name, dtype, [])
    # x + x as long as x < n.
    for dtype in ("i32", "i64", "f32"):
        t = lambda name: scalar(name, dtype)
        blocks = [block([t("a"), t("m")], [node("compare", ["a", "m"], [scalar("c", "bool")],
                                                {"direction": "lt"}, "less")], ["c"]),
                  block([t("b"), t("k")], [node("add", ["b", "b"], [t("d")], name="double")], ["d"])]
        runs = []
        for x, n in [(1, 100), (3, 3), (5, -1), (1, 2), (1, 1000)]:
            y = x
            while y < n:
                y += y
            runs.append(([DTYPES[dtype](x), DTYPES[dtype](n)], [DTYPES[dtype](y)]))
        cases.append(flow_case(f"doubling {dtype}", [t("x"), t("n")],
                               [node("while", ["x", "n"], [t("y")], {"carried": 1, "limit": 10}, "node",
                                     blocks)], [t("y")], runs))
    # Values that trade places: (a, b, left) -> (b, a + b, left - 1).
    for dims in ([], [17], ["batch", 3]):
        v = lambda name: (name, "i32", dims)
        one = node("constant", [], [scalar("one")], {"value": {"dtype": "i32", "dims": [], "data": [1]}}, "one")
        zero = node("constant", [], [scalar("zero")], {"value": {"dtype": "i32", "dims": [], "data": [0]}}, "zero")
        blocks = [block([v("a0"), v("b0"), scalar("l0")],
                        [zero, node("compare", ["l0", "zero"], [scalar("c", "bool")], {"direction": "gt"}, "more")],
                        ["c"]),
                  block([v("a1"), v("b1"), scalar("l1")],
                        [one, node("sub", ["l1", "one"], [scalar("l2")], name="count"),
                         node("add", ["a1", "b1"], [v("s")], name="sum")], ["b1", "s", "l2"])]
        runs = []
        for size in (1, 3) if "batch" in dims else [0]:
            for count in (0, 1, 2, 7):
                shape = [size if d == "batch" else d for d in dims]
                a = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
                b = a + np.int32(1)
                p, q = a, b
                for _ in range(count):
                    p, q = q, p + q
                runs.append(([a, b, np.int32(count)], [p, q, np.int32(0)]))
        cases.append(flow_case(f"trading places i32{dims}".replace("'", ""), [v("a"), v("b"), scalar("n")],
                               [node("while", ["a", "b", "n"], [v("p"), v("q"), scalar("l")], {"carried": 3}, "node",
                                     blocks)], [v("p"), v("q"), scalar("l")], runs))
    # Values that are passed on: (a, b, c, p, q, left) -> (a + c, a, b, q, p, left - 1).
    v = lambda name: (name, "i32", [5])
    blocks = [block([*map(v, ["a0", "b0", "c0", "p0", "q0"]), scalar("l0")],
                    [zero, node("compare", ["l0", "zero"], [scalar("g", "bool")], {"direction": "gt"}, "more")],
                    ["g"]),
              block([*map(v, ["a1", "b1", "c1", "p1", "q1"]), scalar("l1")],
                    [one, node("sub", ["l1", "one"], [scalar("l2")], name="count"),
                     node("add", ["a1", "c1"], [v("s")], name="sum")], ["s", "a1", "b1", "q1", "p1", "l2"])]
    runs = []
    for count in range(7):
        first = state = [np.arange(5, dtype=np.int32) + np.int32(10 * i) for i in range(5)]
        for _ in range(count):
            a, b, c, p, q = state
            state = [a + c, a, b, q, p]
        runs.append(([*first, np.int32(count)], [*state, np.int32(0)]))
    names = [*map(v, ["ra", "rb", "rc", "rp", "rq"]), scalar("rl")]
    inputs = [*map(v, "abcpq"), scalar("n")]
    cases.append(flow_case("passing on i32[5]", inputs,
                           [node("while", [n for n, _, _ in inputs], names, {"carried": 6}, "node", blocks)],
                           names, runs))
    return cases


def passing_on(random, steps, reverse, collects):
    """A scan that passes values on: sums come back two steps later and are carried twice, two values change
    places, one stays, one is the last element and one what is no sequence."""
    v, whole = (lambda name: (name, "i32", [3])), (lambda name: (name, "i32", [steps, 3]))
    carried = ["a", "b", "c", "p", "q", "stays", "twice", "element", "other"]
    collected = ["sum", "before", "elements", "again"] if collects else ["before"]
    body = block([*map(v, [n + "0" for n in carried]), v("x0"), v("m0")],
                 [node("sub", ["a0", "x0"], [v("d")], name="less"), node("add", ["d", "c0"], [v("s")], name="sum")],
                 ["s", "a0", "b0", "q0", "p0", "stays0", "s", "x0", "m0"] +
                 (["s", "b0", "x0", "s"] if collects else ["b0"]))
    runs = []
    for count in BATCHES if steps == "steps" else [steps]:
        first = state = [random.plain("i32", [3]) for _ in carried]
        x, m = random.plain("i32", [count, 3]), random.plain("i32", [3])
        rows = {n: np.zeros([count, 3], np.int32) for n in collected}
        for i in reversed(range(count)) if reverse else range(count):
            a, b, c, p, q, stays = state[:6]
            s = a - x[i] + c
            for n, row in {"sum": s, "before": b, "elements": x[i], "again": s}.items():
                if n in rows:
                    rows[n][i] = row
            state = [s, a, b, q, p, stays, s, x[i], m]
        runs.append(([*first, x, m], [*state, *rows.values()]))
    results = [v(n + "1") for n in carried] + [whole(n) for n in collected]
    return flow_case(f"{'reverse ' * reverse}passing on{' and collecting' * collects}, {steps} steps",
                     [*map(v, carried), whole("x"), v("m")],
                     [node("scan", [*carried, "x", "m"], results,
                           {"carried": len(carried), "sequences": 1, "reverse": reverse}, "node", [body])],
                     results, runs)


def scan():
    random, cases = Draw(33), []
    # s' = s + x * k, collecting s and s' - k.
    for dtype, dims, steps in [("f32", [], 5), ("f32", [17], 3), ("i32", [3], 4), ("f32", [2, 0], 3),
                               ("f32", [5], 0), ("f32", [16], 1), ("i64", [3], "steps"), ("f32", [33], "steps")]:
        for reverse in (False, True):
            v, whole = (lambda name: (name, dtype, dims)), (lambda name: (name, dtype, [steps, *dims]))
            body = block([v("s0"), v("t"), v("m")],
                         [node("mul", ["t", "m"], [v("u")], name="scale"),
                          node("add", ["s0", "u"], [v("s1")], name="sum"),
                          node("sub", ["s1", "m"], [v("w")], name="less")], ["s1", "s0", "w"])
            runs = []
            for count in BATCHES if steps == "steps" else [steps]:
                s, k = random.plain(dtype, dims), random.plain(dtype, dims)
                x = random.plain(dtype, [count, *dims])
                first, before, after = s, np.zeros_like(x), np.zeros_like(x)
                for i in reversed(range(count)) if reverse else range(count):
                    before[i] = s
                    s = s + x[i] * k
                    after[i] = s - k
                runs.append(([first, x, k], [s, before, after]))
            cases.append(flow_case(f"{'reverse ' * reverse}{dtype}{dims}, {steps} steps".replace("'", ""),
                                   [v("s"), whole("x"), v("k")],
                                   [node("scan", ["s", "x", "k"], [v("last"), whole("before"), whole("after")],
                                         {"carried": 1, "sequences": 1, "reverse": reverse}, "node", [body])],
                                   [v("last"), whole("before"), whole("after")], runs))
    # No sequence: powers of two, with a batch.
    v, whole = (lambda name: (name, "i32", ["batch"])), None
    for length in (0, 1, 6):
        body = block([v("a")], [node("add", ["a", "a"], [v("b")], name="double")], ["b"])
        runs = []
        for size in BATCHES:
            x = random.plain("i32", [size])
            runs.append(([x], [x * np.int32(2**length)]))
        cases.append(flow_case(f"length {length} i32[batch]", [v("x")],
                               [node("scan", ["x"], [v("y")], {"carried": 1, "sequences": 0, "length": length},
                                     "node", [body])], [v("y")], runs))
    # No carried value, bools collected; a scan in a scan, with a branch in it.
    p = ("p", "bool", [3, 4])
    body = block([("q", "bool", [4])], [node("logical_not", ["q"], [("r", "bool", [4])], name="not")], ["r", "q"])
    x = random.plain("bool", [3, 4])
    cases.append(flow_case("nothing carried, bool[3,4]", [p],
                           [node("scan", ["p"], [("n", "bool", [3, 4]), ("c", "bool", [3, 4])],
                                 {"carried": 0, "sequences": 1}, "node", [body])],
                           [("n", "bool", [3, 4]), ("c", "bool", [3, 4])], [([x], [~x, x])]))
    n = lambda name, dims=(): (name, "i32", list(dims))
    inner = block([n("i0"), n("e")],
                  [node("compare", ["e", "i0"], [("g", "bool", [])], {"direction": "gt"}, "greater"),
                   node("if", ["g", "i0", "e"], [n("i1")], None, "either",
                        [block([n("o"), n("h")], [node("add", ["o", "h"], [n("z")], name="add")], ["z"]),
                         block([n("o2"), n("h2")], [], ["o2"])])], ["i1", "i1"])
    outer = block([n("c"), n("row", [4])],
                  [node("scan", ["c", "row"], [n("d"), n("all", [4])], {"carried": 1, "sequences": 1}, "inner", [inner])],
                  ["d", "all"])
    runs = []
    for _ in range(3):
        m = random.plain("i32", [3, 4])
        c, rows = np.int32(0), np.zeros_like(m)
        for i in range(3):
            for j in range(4):
                c = c + m[i, j] if m[i, j] > c else c
                rows[i, j] = c
        runs.append(([np.int32(0), m], [c, rows]))
    cases.append(flow_case("a scan in a scan, a branch in that", [n("start"), n("m", [3, 4])],
                           [node("scan", ["start", "m"], [n("end"), n("rows", [3, 4])], {"carried": 1, "sequences": 1},
                                 "node", [outer])], [n("end"), n("rows", [3, 4])], runs))
    for collects in (False, True):
        cases += [passing_on(random, steps, False, collects) for steps in (0, 1, 7, "steps")]
        cases.append(passing_on(random, 7, True, collects))
    # What an inner scan carried changes places in the outer one.
    inner = block([n("u"), n("v"), n("e")], [node("sub", ["u", "e"], [n("w")], name="less"),
                                             node("add", ["w", "v"], [n("z")], name="sum")], ["z", "u", "z"])
    outer = block([n("c"), n("d"), n("row", [4])],
                  [node("scan", ["c", "d", "row"], [n("f"), n("g"), n("all", [4])],
                        {"carried": 2, "sequences": 1}, "inner", [inner])], ["g", "f", "f", "all"])
    runs = []
    for _ in range(2):
        m = random.plain("i32", [5, 4])
        c, d, ends, rows = np.int32(3), np.int32(-7), np.zeros(5, np.int32), np.zeros_like(m)
        for i in range(5):
            for j in range(4):
                c, d = c - m[i, j] + d, c
                rows[i, j] = c
            ends[i] = c
            c, d = d, c
        runs.append(([np.int32(3), np.int32(-7), m], [c, d, ends, rows]))
    results = [n("c1"), n("d1"), n("ends", [5]), n("rows", [5, 4])]
    cases.append(flow_case("a scan in a scan, passing on", [n("c0"), n("d0"), n("m", [5, 4])],
                           [node("scan", ["c0", "d0", "m"], results, {"carried": 2, "sequences": 1}, "node", [outer])],
                           results, runs))
    return cases
