"""Cases of print, check and custom: effects and functions of the host."""

import numpy as np

from conformance_model import BATCHES, DTYPES, Draw, flow_case, node


def host_cases(op, dtypes, draw, attributes, result):
    """The op on x beside y = `result`(x), of x's type, by one node of the vocabulary or by the op itself."""
    cases = []
    for dtype in dtypes:
        for dims in [[], [0], [1], [17], [65], [3, 33], [2, 0, 3], ["batch"], ["batch", 5]]:
            x, y = ("x", dtype, dims), ("y", dtype, dims)
            runs = []
            for size in BATCHES if "batch" in dims else [0]:
                value = draw(dtype, [size if d == "batch" else d for d in dims])
                runs.append(([value], [result(value)]))
            if op == "custom":
                nodes = [node(op, ["x"], [y], {**attributes, "dtype": dtype, "shape": dims})]
            else:
                nodes = [node(op, ["x"], [], attributes),
                         node("logical_not" if dtype == "bool" else "neg", ["x"], [y], name="negation")]
            cases.append(flow_case(f"{dtype}{dims}".replace("'", ""), [x], nodes, [y], runs))
    return cases


def negation(x):
    return ~x if x.dtype == np.bool_ else np.negative(x)


def shown():
    return host_cases("print", DTYPES, Draw(41).special, {"label": "x"}, negation)


def checked():
    return host_cases("check", ["bool"], lambda _, shape: np.ones(shape, np.bool_), {"message": "all are true"},
                      negation)


def custom():
    # ConformanceTest.cpp defines it: the elements in reverse row-major order.
    return host_cases("custom", DTYPES, Draw(43).special, {"function": "reverse"},
                      lambda x: x.reshape(-1)[::-1].reshape(x.shape))
