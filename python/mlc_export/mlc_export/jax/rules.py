"""One rule per JAX primitive. To add one, add it here, and a case to test/EndToEnd/export/from_jax.py.

A rule gets the conversion `c`, whose `c.f` appends nodes, the equation `e` and its operands; it returns the
result, or a list of several. Rules of CALLS get operands of any kind and inline a nested jaxpr.
"""

import itertools

import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr

from .. import ops
from ..convert import Rules
from ..errors import Unsupported
from ..file import FROM_NUMPY

RULES, CALLS = Rules(), Rules()


def type_of(aval):
    """dtype and dims; what JAX derived from a symbolic size, like 2*batch, is a dim that is no name."""
    return (FROM_NUMPY.get(aval.dtype.name, aval.dtype.name),
            [int(d) if isinstance(d, (int, np.integer)) else str(d) for d in aval.shape])


def result_dims(e):
    return type_of(e.outvars[0].aval)[1]


def aligned(c, *operands):
    """Operands of the same size: JAX repeats scalars and sizes of 1 within an equation."""
    dims = operands[0].dims
    for other in operands[1:]:
        dims = ops.broadcast_dims(dims, other.dims)
    return [ops.broadcast_to(c.f, x, dims) for x in operands]


# Calls

@CALLS.of("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", "custom_jvp_call",
          "custom_vjp_call", "custom_vjp_call_jaxpr")
def call(c, e, *operands):
    inner = next(e.params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in e.params)
    return c.inline_call(inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ()), operands)


# Control flow: loops and branches that JAX has traced into jaxprs.

def cut(operands, *sizes):
    """The operands in lists of these sizes, and one of the rest."""
    ends = [0, *itertools.accumulate(sizes), len(operands)]
    return [list(operands[start:end]) for start, end in zip(ends, ends[1:])]


@RULES.of("scan", raw=True)
def scan(c, e, *operands):
    consts, carried, sequences = cut(operands, e.params["num_consts"], e.params["num_carry"])
    others, all_consts = c.passed(consts)

    def body(*inputs):
        changing, given = cut(inputs, len(carried) + len(sequences))
        return c.inline_call(e.params["jaxpr"], all_consts(given) + changing)
    return c.f.scan(c.block(body), [c.value(o) for o in carried], [c.value(o) for o in sequences], others,
                    e.params["length"], e.params["reverse"])


@RULES.of("while", raw=True)
def while_(c, e, *operands):
    """Mapped over a batch, rows have a predicate each: the loop ends with the last row, and rows that have
    ended stay as they are."""
    for_condition, for_body, initial = cut(operands, e.params["cond_nconsts"], e.params["body_nconsts"])
    others, all_consts = c.passed(for_condition + for_body)
    batch = range(e.params["cond_jaxpr"].out_avals[0].ndim)

    def split(inputs):
        changing, given = cut(inputs, len(initial))
        return changing, *cut(all_consts(given), len(for_condition))

    def predicate(consts, changing):
        result, = c.inline_call(e.params["cond_jaxpr"], consts + changing)
        return c.value(result)

    def condition(*inputs):
        changing, consts, _ = split(inputs)
        goes_on = predicate(consts, changing)
        for axis in batch:
            no_symbolic(goes_on, axis)
        return [ops.reduce_bool(c.f, "max", goes_on, batch) if batch else goes_on]

    def body(*inputs):
        changing, consts, body_consts = split(inputs)
        results = c.inline_call(e.params["body_jaxpr"], body_consts + changing)
        if not batch:
            return results
        goes_on = predicate(consts, changing)
        return [c.f.select(c.f.broadcast(goes_on, old.dims, batch), c.value(new), old)
                for old, new in zip(changing, results)]
    return c.f.while_(c.block(condition), c.block(body), [c.value(o) for o in initial], others)


@RULES.of("cond", raw=True)
def cond(c, e, index, *operands):
    branches = e.params["branches"]
    if isinstance(index, np.ndarray):
        return c.inline_call(branches[min(max(int(index), 0), len(branches) - 1)], operands)
    return branch(c, c.f.cast(index, "i32"), operands, branches)


def branch(c, index, operands, branches, first=0):
    """The results of the branch with that index, of which the branches given are the `first` and those that
    follow; an index beyond them means the nearest. Halving takes few ifs inside each other."""
    if len(branches) == 1:
        return c.inline_call(branches[0], operands)
    middle = len(branches) // 2
    values, all_operands = c.passed([index, *operands])

    def half(branches, first):
        def convert(*inputs):
            index, *operands = all_operands(inputs)
            return branch(c, index, operands, branches, first)
        return c.block(convert)
    is_before = c.f.compare("lt", index, c.f.scalar(first + middle, index.dtype))
    return c.f.if_(is_before, half(branches[:middle], first), half(branches[middle:], first + middle), values)


# Element-wise

for primitive in ("neg", "abs", "exp", "log", "sqrt", "rsqrt", "tanh", "erf"):
    RULES.of(primitive)(lambda c, e, x, op=primitive: c.f.unary(op, x))
for primitive in ("add", "sub", "mul", "div", "min"):
    RULES.of(primitive)(lambda c, e, a, b, op=primitive: c.f.binary(op, *aligned(c, a, b)))
RULES.of("add_any")(RULES["add"])
for primitive in ("eq", "ne", "lt", "le", "gt", "ge"):
    RULES.of(primitive)(lambda c, e, a, b, op=primitive: c.f.compare(op, *aligned(c, a, b)))

RULES.of("logistic")(lambda c, e, x: c.f.unary("sigmoid", x))
RULES.of("square")(lambda c, e, x: c.f.binary("mul", x, x))
RULES.of("integer_pow")(lambda c, e, x: ops.power(c.f, x, e.params["y"]))
RULES.of("expm1")(lambda c, e, x: ops.expm1(c.f, x))
RULES.of("log1p")(lambda c, e, x: ops.log1p(c.f, x))
RULES.of("erfc")(lambda c, e, x: ops.erfc(c.f, x))
RULES.of("sign")(lambda c, e, x: ops.sign(c.f, x))
RULES.of("is_finite")(lambda c, e, x: ops.is_finite(c.f, x))
RULES.of("floor")(lambda c, e, x: ops.floor(c.f, x))
RULES.of("ceil")(lambda c, e, x: ops.ceil(c.f, x))
RULES.of("rem")(lambda c, e, a, b: ops.remainder(c.f, *aligned(c, a, b)))
RULES.of("copy", "stop_gradient")(lambda c, e, x: x)
RULES.of("optimization_barrier")(lambda c, e, *x: list(x))


@RULES.of("round")
def round_(c, e, x):
    if e.params["rounding_method"] is not lax.RoundingMethod.TO_NEAREST_EVEN:
        raise Unsupported("of halves away from zero")
    return ops.round_to_even(c.f, x)


@RULES.of("max", raw=True)
def max_(c, e, a, b):
    for x, other in ((a, b), (b, a)):
        if isinstance(other, np.ndarray) and other.size and not other.any():
            return c.f.relu(ops.broadcast_to(c.f, c.value(x), result_dims(e)))
    return c.f.binary("max", *aligned(c, c.value(a), c.value(b)))


@RULES.of("pow", raw=True)
def pow_(c, e, x, exponent):
    if not isinstance(exponent, np.ndarray) or exponent.size != 1:
        raise Unsupported("the exponent is not a known number")
    return ops.power(c.f, ops.broadcast_to(c.f, c.value(x), result_dims(e)), exponent.item())


@RULES.of("clamp")
def clamp(c, e, low, x, high):
    low, x, high = aligned(c, low, x, high)
    return c.f.binary("min", c.f.binary("max", x, low), high)


@RULES.of("select_n")
def select_n(c, e, which, *cases):
    which, result, *others = aligned(c, which, *cases)
    for index, case in enumerate(others, 1):
        is_case = which if which.dtype == "bool" else c.f.compare("ge", which, ops.like(c.f, index, which))
        result = c.f.select(is_case, case, result)
    return result


def on_bools(name, op):
    @RULES.of(name)
    def rule(c, e, *operands):
        if operands[0].dtype != "bool":
            raise Unsupported("of integers")
        operands = aligned(c, *operands)
        return c.f.node(op, operands, "bool", operands[0].dims) if op else c.f.compare("ne", *operands)


for primitive, op in (("and", "logical_and"), ("or", "logical_or"), ("not", "logical_not"), ("xor", None)):
    on_bools(primitive, op)


@RULES.of("convert_element_type")
def convert_element_type(c, e, x):
    dtype = np.dtype(e.params["new_dtype"]).name
    return c.f.cast(x, FROM_NUMPY.get(dtype, dtype))


# Shape

RULES.of("reshape")(lambda c, e, x: c.f.reshape(x, result_dims(e)))
RULES.of("squeeze")(RULES["reshape"])
RULES.of("transpose")(lambda c, e, x: c.f.transpose(x, e.params["permutation"]))
RULES.of("concatenate")(lambda c, e, *x: c.f.concat(x, e.params["dimension"]))


@RULES.of("broadcast_in_dim")
def broadcast_in_dim(c, e, x, *sizes):
    return c.f.broadcast(x, result_dims(e), e.params["broadcast_dimensions"])


RULES.of("stack")(lambda c, e, *x: ops.stack(c.f, x, e.params["axis"]))
RULES.of("tile")(lambda c, e, x: ops.tile(c.f, x, e.params["reps"]))
RULES.of("rev")(lambda c, e, x: ops.reverse(c.f, x, e.params["dimensions"]))


@RULES.of("split")
def split(c, e, x):
    axis, ends = e.params["axis"], np.cumsum([0, *e.params["sizes"]]).tolist()
    no_symbolic(x, axis)
    return [c.f.slice(x, {axis: (start, end, 1)}) for start, end in zip(ends, ends[1:])]


@RULES.of("slice")
def slice_(c, e, x):
    starts, limits = e.params["start_indices"], e.params["limit_indices"]
    strides = e.params["strides"] or [1] * len(starts)
    ranges = {}
    for axis, (start, limit, stride) in enumerate(zip(starts, limits, strides)):
        if (start, str(limit), stride) != (0, str(x.dims[axis]), 1):
            no_symbolic(x, axis)
            ranges[axis] = (int(start), int(limit), int(stride))
    return c.f.slice(x, ranges)


def no_symbolic(x, axis):
    if ops.symbolic(x.dims[axis]):
        raise Unsupported("of the symbolic dimension")


@RULES.of("pad")
def pad(c, e, x, number):
    low, high, interior = zip(*e.params["padding_config"])
    if any(interior):
        raise Unsupported("between elements")
    return ops.pad(c.f, x, [int(n) for n in low], [int(n) for n in high], number)


@RULES.of("dynamic_slice", raw=True)
def dynamic_slice(c, e, x, *starts):
    x = c.value(x)
    require_known(starts)
    return part(c, x, [int(s) for s in starts], e.params["slice_sizes"])


def require_known(indices):
    if not all(isinstance(i, np.ndarray) for i in indices):
        raise Unsupported("the indices depend on an input")


def part(c, x, starts, sizes):
    """x[start : start + size] along each axis; starts are moved so that nothing sticks out, as XLA does."""
    ranges = {}
    for axis, (start, size) in enumerate(zip(starts, sizes)):
        if str(size) != str(x.dims[axis]):
            no_symbolic(x, axis)
            start = min(max(start, 0), x.dims[axis] - int(size))
            ranges[axis] = (start, start + int(size), 1)
    return c.f.slice(x, ranges)


@RULES.of("gather", raw=True)
def gather(c, e, x, indices):
    """Indexing with known numbers, like x[:, 0] or x[..., [2, 0]]: a slice per index, joined."""
    x, numbers = c.value(x), e.params["dimension_numbers"]
    require_known([indices])
    dims = result_dims(e)
    among = [i for i in range(len(dims)) if i not in numbers.offset_dims]  # these count the indices
    rows = indices.reshape(-1, indices.shape[-1]).tolist()
    if numbers.operand_batching_dims or len(rows) > ops.MAX_PIECES or \
            among != list(range(among[0], among[0] + len(among)) if among else []):
        raise Unsupported("other than a few known indices at one place")
    pieces = [gathered_slice(c, x, row, numbers, e.params) for row in rows]
    at = among[0] if among else 0
    pieces = [c.f.reshape(p, [*p.dims[:at], 1, *p.dims[at:]]) for p in pieces] if among else pieces
    return c.f.reshape(c.f.concat(pieces, at), dims)


def gathered_slice(c, x, row, numbers, params):
    starts, sizes = [0] * len(x.dims), params["slice_sizes"]
    for axis, start in zip(numbers.start_index_map, row):
        starts[axis] = start
        if not ops.symbolic(x.dims[axis]) and not 0 <= start <= x.dims[axis] - sizes[axis] and \
                "FILL" in str(params["mode"]):
            raise Unsupported("an index is out of bounds")
    piece = part(c, x, starts, sizes)
    return c.f.reshape(piece, [d for i, d in enumerate(piece.dims) if i not in numbers.collapsed_slice_dims])


# Reductions and contractions

for primitive in ("sum", "max", "min"):
    RULES.of(f"reduce_{primitive}")(lambda c, e, x, kind=primitive: c.f.reduce(kind, x, e.params["axes"]))
RULES.of("reduce_or")(lambda c, e, x: ops.reduce_bool(c.f, "max", x, e.params["axes"]))
RULES.of("reduce_and")(lambda c, e, x: ops.reduce_bool(c.f, "min", x, e.params["axes"]))
for primitive in ("max", "min"):
    RULES.of(f"arg{primitive}")(lambda c, e, x, kind=primitive: ops.arg_extreme(
        c.f, kind, x, e.params["axes"][0], FROM_NUMPY[np.dtype(e.params["index_dtype"]).name]))


@RULES.of("dot_general")
def dot_general(c, e, a, b):
    contract, batch = e.params["dimension_numbers"]
    dtype = type_of(e.outvars[0].aval)[0]
    return ops.dot_general(c.f, c.f.cast(a, dtype), c.f.cast(b, dtype), contract, batch)
