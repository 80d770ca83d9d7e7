"""What frameworks have as one op and mlc as several: functions that append nodes to a Function `f`."""

import math

import numpy as np

from . import file
from .errors import Unsupported

# Where elements are picked one by one, so many at most.
MAX_PIECES = 64


def symbolic(dim):
    return isinstance(dim, str)


def product(dims):
    return math.prod(dims)


# Shape

def broadcast_to(f, x, dims):
    """numpy's rule: sizes are aligned at the end, and 1 stretches."""
    return f.broadcast(x, dims, range(len(dims) - len(x.dims), len(dims)))


def broadcast_dims(a, b):
    """The dimensions that numpy's rule gives two operands."""
    rank = max(len(a), len(b))
    padded = [[1] * (rank - len(dims)) + list(dims) for dims in (a, b)]
    return [y if x == 1 else x for x, y in zip(*padded)]


def splat(f, number, dtype, dims):
    return f.broadcast(f.scalar(number, dtype), dims, [])


def like(f, number, x):
    return splat(f, number, x.dtype, x.dims)


def pad(f, x, low, high, number):
    """Adds elements of value `number`, a scalar Value, before and after each axis; negative takes away."""
    for axis, (before, after) in enumerate(zip(low, high)):
        if before == after == 0:
            continue
        if symbolic(x.dims[axis]):
            raise Unsupported("pads the symbolic dimension")
        size = x.dims[axis]
        x = f.slice(x, {axis: (max(0, -before), size - max(0, -after), 1)})

        def edge(count, axis=axis, dims=x.dims):
            return [f.broadcast(number, [*dims[:axis], count, *dims[axis + 1:]], [])] if count > 0 else []
        x = f.concat([*edge(before), x, *edge(after)], axis)
    return x


def element(f, x, axis, index):
    """x[..., index, ...], without that axis."""
    cut = f.slice(x, {axis: (index, index + 1, 1)})
    return f.reshape(cut, [*x.dims[:axis], *x.dims[axis + 1:]])


def chunks(f, x, count, axis):
    size = x.dims[axis] // count
    return [f.slice(x, {axis: (i * size, (i + 1) * size, 1)}) for i in range(count)]


def stack(f, operands, axis):
    return f.concat([f.reshape(x, [*x.dims[:axis], 1, *x.dims[axis:]]) for x in operands], axis)


def tile(f, x, counts):
    """x repeated as a whole along each axis; more counts than axes are for new leading ones."""
    x = f.reshape(x, [1] * (len(counts) - len(x.dims)) + x.dims)
    for axis, count in enumerate(counts):
        if count == 1:
            continue
        if symbolic(x.dims[axis]):
            raise Unsupported("along the symbolic dimension")
        before, size, after = x.dims[:axis], x.dims[axis], x.dims[axis + 1:]
        kept = [i for i in range(len(x.dims) + 1) if i != axis]
        x = f.reshape(f.broadcast(x, [*before, count, size, *after], kept), [*before, count * size, *after])
    return x


def reverse(f, x, axes):
    """The elements along these axes the other way round: a slice per index, joined."""
    for axis in axes:
        if symbolic(x.dims[axis]):
            raise Unsupported("along the symbolic dimension")
        if x.dims[axis] > MAX_PIECES:
            raise Unsupported(f"of more than {MAX_PIECES} elements")
        x = f.concat([f.slice(x, {axis: (i, i + 1, 1)}) for i in reversed(range(x.dims[axis]))] or [x], axis)
    return x


# Arithmetic

def reciprocal(f, x):
    return f.binary("div", like(f, 1, x), x)


def power(f, x, exponent):
    """x to a known power, where that is a few exact ops."""
    if exponent == 0.5:
        return f.unary("sqrt", x)
    if exponent == -0.5:
        return f.unary("rsqrt", x)
    if exponent != int(exponent) or abs(exponent) > 64:
        raise Unsupported(f"exponent {exponent}")
    if exponent < 0:
        return reciprocal(f, power(f, x, -exponent))
    result, square, rest = None, x, int(exponent)
    while rest:
        if rest % 2:
            result = square if result is None else f.binary("mul", result, square)
        rest //= 2
        square = f.binary("mul", square, square) if rest else square
    return like(f, 1, x) if result is None else result


def sign(f, x, nan_is_zero=False):
    zero, one, minus = like(f, 0, x), like(f, 1, x), like(f, -1, x)
    # What is neither above nor below 0 is 0 with its sign, or NaN.
    rest = zero if nan_is_zero else x
    return f.select(f.compare("gt", x, zero), one, f.select(f.compare("lt", x, zero), minus, rest))


def remainder(f, a, b):
    """With the sign of the dividend; integers only, since a quotient of floats is rounded."""
    if a.dtype not in ("i32", "i64"):
        raise Unsupported("of floats")
    return f.binary("sub", a, f.binary("mul", f.binary("div", a, b), b))


def floor_divide(f, a, b):
    """The quotient and remainder of integers, the latter with the sign of the divisor."""
    quotient, rest, zero = f.binary("div", a, b), remainder(f, a, b), like(f, 0, a)
    differs = f.compare("ne", f.compare("lt", rest, zero), f.compare("lt", b, zero))
    is_below = f.node("logical_and", [f.compare("ne", rest, zero), differs], "bool", a.dims)
    return (f.select(is_below, f.binary("sub", quotient, like(f, 1, a)), quotient),
            f.select(is_below, f.add(rest, b), rest))


# From here on floats have no fraction.
WHOLE = 2.0**23


def floor(f, x):
    if x.dtype in ("i32", "i64"):
        return x
    towards_zero = f.cast(f.cast(x, "i32"), x.dtype)
    less = f.binary("sub", towards_zero, like(f, 1, x))
    below = f.select(f.compare("gt", towards_zero, x), less, towards_zero)
    # NaN, the infinities and -0 stay.
    changes = f.node("logical_and", [f.compare("lt", f.unary("abs", x), like(f, WHOLE, x)),
                                     f.compare("ne", towards_zero, x)], "bool", x.dims)
    return f.select(changes, below, x)


def ceil(f, x):
    return f.unary("neg", floor(f, f.unary("neg", x)))


def trunc(f, x):
    return f.select(f.compare("lt", x, like(f, 0, x)), ceil(f, x), floor(f, x))


def round_to_even(f, x):
    """To the nearest, of two the even one: adding WHOLE leaves no bit for a fraction."""
    if x.dtype in ("i32", "i64"):
        return x
    size, whole, zero = f.unary("abs", x), like(f, WHOLE, x), like(f, 0, x)
    rounded = f.binary("sub", f.add(size, whole), whole)
    signed = f.select(f.compare("lt", x, zero), f.unary("neg", rounded), rounded)
    changes = f.node("logical_and", [f.compare("lt", size, whole), f.compare("ne", x, zero)], "bool", x.dims)
    return f.select(changes, signed, x)


def expm1(f, x):
    """e^x - 1 as tanh(x/2) * (e^x + 1), which cancels nothing near 0."""
    half = f.unary("tanh", f.binary("mul", x, like(f, 0.5, x)))
    return f.binary("mul", half, f.add(f.unary("exp", x), like(f, 1, x)))


def log1p(f, x):
    """log(1 + x). Near 0 what rounding u = 1 + x took away is made good by the factor x / (u - 1)."""
    one = like(f, 1, x)
    u = f.add(x, one)
    log = f.unary("log", u)
    corrected = f.binary("div", f.binary("mul", x, log), f.binary("sub", u, one))
    small = f.compare("lt", f.unary("abs", x), like(f, 0.5, x))
    return f.select(f.compare("eq", u, one), x, f.select(small, corrected, log))


def erfc(f, x):
    """1 - erf(x): as exact as f32 has it beside 1, not relative to the small values far right."""
    return f.binary("sub", like(f, 1, x), f.unary("erf", x))


def is_finite(f, x):
    if x.dtype not in ("f32", "f64"):
        return like(f, True, f.cast(x, "bool"))
    return f.compare("lt", f.unary("abs", x), like(f, np.inf, x))


def silu(f, x):
    return f.binary("mul", x, f.unary("sigmoid", x))


# Reductions

def reduce_bool(f, kind, x, axes, keep_dims=False):
    """kind "max": any; "min": all."""
    return f.cast(f.reduce(kind, f.cast(x, "i32"), axes, keep_dims), "bool")


def arg_extreme(f, kind, x, axis, dtype, keep_dims=False):
    """The first index of the largest (kind "max") or smallest element; NaN counts as both."""
    size = x.dims[axis]
    if symbolic(size):
        raise Unsupported("along the symbolic dimension")
    extreme = f.reduce(kind, x, [axis], keep_dims=True)
    hit = f.compare("eq", x, broadcast_to(f, extreme, x.dims))
    if x.dtype in ("f32", "f64"):
        hit = f.node("logical_or", [hit, f.compare("ne", x, x)], "bool", x.dims)
    index = f.broadcast(f.constant(np.arange(size, dtype=file.TO_NUMPY[dtype]), "indices"), x.dims, [axis])
    return f.reduce("min", f.select(hit, index, splat(f, size, dtype, x.dims)), [axis], keep_dims)


def log_softmax(f, x, axis):
    def spread(value):
        return broadcast_to(f, value, x.dims)
    shifted = f.binary("sub", x, spread(f.reduce("max", x, [axis], keep_dims=True)))
    total = f.reduce("sum", f.unary("exp", shifted), [axis], keep_dims=True)
    return f.binary("sub", shifted, spread(f.unary("log", total)))


def layer_norm(f, x, axes, weight, bias, epsilon):
    """(x - mean) / sqrt(variance + epsilon) * weight + bias; the last two may be None."""
    def spread(value):
        return broadcast_to(f, value, x.dims)
    centred = f.binary("sub", x, spread(f.reduce("mean", x, axes, keep_dims=True)))
    variance = f.reduce("mean", f.binary("mul", centred, centred), axes, keep_dims=True)
    scale = f.unary("rsqrt", f.add(variance, like(f, epsilon, variance)))
    result = f.binary("mul", centred, spread(scale))
    result = f.binary("mul", result, spread(weight)) if weight else result
    return f.add(result, spread(bias)) if bias else result


def group_norm(f, x, groups, weight, bias, epsilon):
    """[batch, channels, ...], where groups of channels have a mean and a variance."""
    def spread(value):
        return f.broadcast(value, x.dims, [1])
    grouped = f.reshape(x, [x.dims[0], groups, product(x.dims[1:]) // groups])
    result = f.reshape(layer_norm(f, grouped, [2], None, None, epsilon), x.dims)
    result = f.binary("mul", result, spread(weight)) if weight else result
    return f.add(result, spread(bias)) if bias else result


# Contractions

def linear(f, x, weight, bias=None):
    """x * weight^T + bias, with the weight as PyTorch has it."""
    result = matmul(f, x, weight, transpose_b=True)
    return f.add(result, broadcast_to(f, bias, result.dims)) if bias else result


def matmul(f, a, b, transpose_b=False):
    """numpy's matmul: vectors count as matrices, other leading dimensions broadcast. `transpose_b` is for
    matrices."""
    vector_a, vector_b = len(a.dims) == 1, len(b.dims) == 1
    a = f.reshape(a, [1, *a.dims]) if vector_a else a
    b = f.reshape(b, [*b.dims, 1]) if vector_b else b
    result = _matrices(f, a, b, transpose_b)
    dims = list(result.dims)
    if vector_b:
        dims.pop(-1)
    if vector_a:
        dims.pop(-1 if vector_b else -2)
    return f.reshape(result, dims)


def _matrices(f, a, b, transpose_b):
    rows = a.dims[:-1]
    if len(b.dims) == 2 and len(a.dims) > 2 and not any(map(symbolic, rows)):
        # One product with many rows instead of many products with the same matrix.
        flat = f.matmul(f.reshape(a, [product(rows), a.dims[-1]]), b, transpose_b=transpose_b)
        return f.reshape(flat, [*rows, flat.dims[-1]])
    # With a symbolic number of rows there is no such reshape, and the matrix is repeated.
    batch = broadcast_dims(a.dims[:-2], b.dims[:-2])
    return f.matmul(broadcast_to(f, a, [*batch, *a.dims[-2:]]), broadcast_to(f, b, [*batch, *b.dims[-2:]]),
                    transpose_b=transpose_b)


def dot_general(f, a, b, contract, batch):
    """XLA's product: sums over pairs of axes in `contract`, goes along with pairs in `batch`; the result has
    the batch, then the free dimensions of a, then those of b."""
    free_a, free_b = (_others(x, c, n) for x, c, n in zip((a, b), contract, batch))
    batch_dims = [a.dims[i] for i in batch[0]]
    dims = batch_dims + [a.dims[i] for i in free_a] + [b.dims[i] for i in free_b]
    if not free_a and free_b:  # rows may be symbolic, columns not
        a, b, contract, batch, free_a, free_b = b, a, contract[::-1], batch[::-1], free_b, free_a
    if any(symbolic(a.dims[i]) for i in free_a) and len(free_a) > 1:
        return _rows_along_symbolic(f, a, b, contract, batch, free_a, dims)
    left, transpose_a = _as_matrices(f, a, batch[0], free_a, contract[0], contracted_last=True)
    right, transpose_b = _as_matrices(f, b, batch[1], free_b, contract[1], contracted_last=False)
    return f.reshape(f.matmul(left, right, transpose_a, transpose_b), dims)


def _others(x, *axes):
    return [i for i in range(len(x.dims)) if not any(i in some for some in axes)]


def _rows_along_symbolic(f, a, b, contract, batch, free_a, dims):
    """A symbolic dimension cannot be merged with others into rows; it becomes a batch dimension along which
    the right side is repeated."""
    if batch[0] or free_a[0] != 0 or not symbolic(a.dims[0]):
        raise Unsupported("the symbolic dimension is not the leading one")
    b = f.broadcast(b, [a.dims[0], *b.dims], range(1, len(b.dims) + 1))
    return f.reshape(dot_general(f, a, b, (contract[0], [i + 1 for i in contract[1]]), ([0], [0])), dims)


def _as_matrices(f, x, batch, free, contract, contracted_last):
    """x as [batch..., free, contract], each merged into one dimension, or with the two the other way round
    and True, whichever needs no transposition."""
    wanted = [*batch, *free, *contract] if contracted_last else [*batch, *contract, *free]
    other = [*batch, *contract, *free] if contracted_last else [*batch, *free, *contract]
    flipped = other == sorted(other) and wanted != other
    order = other if flipped else wanted
    first, last = (free, contract) if contracted_last != flipped else (contract, free)
    merged = [[x.dims[i] for i in axes] for axes in (first, last)]
    dims = [x.dims[i] for i in batch] + [d[0] if len(d) == 1 else product(d) for d in merged]
    return f.reshape(f.transpose(x, order), dims), flipped
