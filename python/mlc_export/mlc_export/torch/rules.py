"""One rule per ATen op. To add one, add it here, and a case to test/EndToEnd/export/from_torch.py.

A rule gets the conversion `c`, whose `c.f` appends nodes, the node `n` of the exported program, and its
arguments, with Values for tensors; it returns the result, or a list of several. Types of results are taken
from `n`, where PyTorch has worked them out.
"""

import math

import torch

from .. import ops
from ..convert import Rules
from ..errors import Unsupported
from ..graph import Value

RULES = Rules()
SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


def result_type(c, n):
    return c.type_of(n.meta["val"])


def operand(c, x, dtype, dims):
    """A tensor or number as a tensor of that type."""
    if isinstance(x, SYMBOLIC):
        raise Unsupported("of a symbolic size")
    if not isinstance(x, Value):
        return ops.splat(c.f, x, dtype, dims)
    return ops.broadcast_to(c.f, c.f.cast(x, dtype), dims)


def operands(c, n, *values):
    """Operands as tensors of the result's type."""
    return [operand(c, x, *result_type(c, n)) for x in values]


def axis_of(x, axis):
    return axis % max(1, len(x.dims))


def axes_of(x, axes):
    """PyTorch's axes: None or none are all, negative ones count from the end."""
    if axes is None or axes == []:
        return list(range(len(x.dims)))
    return sorted(axis_of(x, axis) for axis in ([axes] if isinstance(axes, int) else axes))


# Element-wise

for name in ("neg", "abs", "exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "relu", "erf"):
    RULES.of(f"aten.{name}.default")(lambda c, n, x, op=name: c.f.unary(op, *operands(c, n, x)))
for name, op in (("mul", "mul"), ("div", "div"), ("maximum", "max"), ("minimum", "min")):
    for overload in ("Tensor", "Scalar") if op in ("mul", "div") else ("default",):
        RULES.of(f"aten.{name}.{overload}")(
            lambda c, n, a, b, op=op: arithmetic(c, op, *operands(c, n, a, b)))


def arithmetic(c, op, a, b):
    """PyTorch calculates with bools: a product is both, a sum either."""
    if a.dtype == "bool":
        op = {"mul": "logical_and", "min": "logical_and", "add": "logical_or", "max": "logical_or"}[op]
    return c.f.binary(op, a, b)


@RULES.of("aten.add.Tensor", "aten.add.Scalar", "aten.sub.Tensor", "aten.sub.Scalar")
def add(c, n, a, b, alpha=1):
    a, b = operands(c, n, a, b)
    return arithmetic(c, "add" if ".add." in str(n.target) else "sub", a, scaled(c, b, alpha))


@RULES.of("aten.rsub.Scalar")
def rsub(c, n, a, b, alpha=1):
    a, b = operands(c, n, a, b)
    return c.f.binary("sub", b, scaled(c, a, alpha))


def scaled(c, x, factor):
    return x if factor == 1 else c.f.binary("mul", x, ops.like(c.f, factor, x))


def unary_rule(name, convert):
    RULES.of(f"aten.{name}")(lambda c, n, x, *more: convert(c.f, *operands(c, n, x), *more))


unary_rule("reciprocal.default", ops.reciprocal)
unary_rule("square.default", lambda f, x: f.binary("mul", x, x))
unary_rule("pow.Tensor_Scalar", ops.power)
unary_rule("expm1.default", ops.expm1)
unary_rule("log1p.default", ops.log1p)
unary_rule("erfc.default", ops.erfc)
unary_rule("sign.default", lambda f, x: ops.sign(f, x, nan_is_zero=True))
unary_rule("floor.default", ops.floor)
unary_rule("ceil.default", ops.ceil)
unary_rule("trunc.default", ops.trunc)
unary_rule("round.default", ops.round_to_even)
for base in (2, 10):
    unary_rule(f"log{base}.default", lambda f, x, base=base: f.binary(
        "div", f.unary("log", x), ops.like(f, math.log(base), x)))
unary_rule("silu.default", ops.silu)
unary_rule("leaky_relu.default", lambda f, x, slope=0.01: f.select(
    f.compare("gt", x, ops.like(f, 0, x)), x, f.binary("mul", x, ops.like(f, slope, x))))


@RULES.of("aten.elu.default")
def elu(c, n, x, alpha=1.0, scale=1.0, input_scale=1.0):
    negative = scaled(c, ops.expm1(c.f, scaled(c, x, input_scale)), alpha)
    return scaled(c, c.f.select(c.f.compare("gt", x, ops.like(c.f, 0, x)), x, negative), scale)


@RULES.of("aten.div.Tensor_mode", "aten.div.Scalar_mode")
def divide(c, n, a, b, *, rounding_mode):
    a, b = operands(c, n, a, b)
    if a.dtype not in ("i32", "i64"):
        raise Unsupported("of floats")
    return ops.floor_divide(c.f, a, b)[0] if rounding_mode == "floor" else c.f.binary("div", a, b)


@RULES.of("aten.remainder.Scalar", "aten.remainder.Tensor", "aten.fmod.Scalar", "aten.fmod.Tensor")
def remainder(c, n, a, b):
    a, b = operands(c, n, a, b)
    return ops.remainder(c.f, a, b) if ".fmod." in str(n.target) else ops.floor_divide(c.f, a, b)[1]


@RULES.of("aten.gelu.default")
def gelu(c, n, x, approximate="none"):
    return c.f.unary("gelu", x, {"approximate": "erf" if approximate == "none" else approximate})


@RULES.of("aten.clamp.default", "aten.clamp.Tensor", "aten.hardtanh.default")
def clamp(c, n, x, low=None, high=None):
    if "hardtanh" in str(n.target):
        low, high = -1 if low is None else low, 1 if high is None else high
    result, = operands(c, n, x)
    for op, bound in (("max", low), ("min", high)):
        if bound is not None:
            result = c.f.binary(op, result, *operands(c, n, bound))
    return result


RULES.of("aten.clamp_min.default")(lambda c, n, x, low: clamp(c, n, x, low))
RULES.of("aten.clamp_max.default")(lambda c, n, x, high: clamp(c, n, x, None, high))

for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    @RULES.of(f"aten.{name}.Tensor", f"aten.{name}.Scalar")
    def compare(c, n, a, b, direction=name):
        metas = [x.meta["val"] if isinstance(x, torch.fx.Node) else x for x in n.args]
        common = c.dtype_of(torch.result_type(*metas))
        dims = result_type(c, n)[1]
        return c.f.compare(direction, operand(c, a, common, dims), operand(c, b, common, dims))

RULES.of("aten.isnan.default")(lambda c, n, x: c.f.compare("ne", x, x))
RULES.of("aten.logical_not.default")(lambda c, n, x: c.f.unary("logical_not", *operands(c, n, x)))
for name, op in (("and", "logical_and"), ("or", "logical_or"), ("xor", None), ("not", "logical_not")):
    @RULES.of(f"aten.bitwise_{name}.{'default' if name == 'not' else 'Tensor'}",
              *([] if name == "not" else [f"aten.logical_{name}.default"]))
    def on_bools(c, n, *values, op=op):
        if result_type(c, n)[0] != "bool":
            raise Unsupported("of integers")
        values = operands(c, n, *values)
        return c.f.node(op, values, "bool", values[0].dims) if op else c.f.compare("ne", *values)


@RULES.of("aten.where.self")
def where(c, n, predicate, on_true, on_false):
    on_true, on_false = operands(c, n, on_true, on_false)
    return c.f.select(ops.broadcast_to(c.f, predicate, on_true.dims), on_true, on_false)


@RULES.of("aten._to_copy.default", "aten.clone.default", "aten.detach.default", "aten.alias.default",
          "aten.expand.default", sizes=True)
def converted(c, n, x, *_, **__):
    """What changes dtype, memory or size, but no element."""
    return operands(c, n, x)[0]


@RULES.of("aten.full.default", "aten.full_like.default", sizes=True)
def full(c, n, _, number, **__):
    return operands(c, n, number)[0]


# Shape

@RULES.of("aten.view.default", "aten.unsqueeze.default", "aten.squeeze.dims", "aten.squeeze.dim",
          "aten.squeeze.default", sizes=True)
def reshape(c, n, x, *_):
    return c.f.reshape(x, result_type(c, n)[1])


@RULES.of("aten.permute.default")
def permute(c, n, x, axes):
    return c.f.transpose(x, [axis_of(x, a) for a in axes])


@RULES.of("aten.t.default")
def t(c, n, x):
    return c.f.transpose(x, reversed(range(len(x.dims))))


@RULES.of("aten.transpose.int")
def transpose(c, n, x, a, b):
    order = list(range(len(x.dims)))
    a, b = axis_of(x, a), axis_of(x, b)
    order[a], order[b] = order[b], order[a]
    return c.f.transpose(x, order)


@RULES.of("aten.slice.Tensor")
def slice_(c, n, x, axis=0, start=None, end=None, step=1):
    axis = axis_of(x, axis)
    size = x.dims[axis]
    if ops.symbolic(size):
        if (start, step) != (0, 1) or end is not None and end < 2**63 - 1:
            raise Unsupported("of the symbolic dimension")
        return x
    start, limit, step = slice(start, end, step).indices(size)
    return c.f.slice(x, {axis: (start, max(start, limit), step)})


@RULES.of("aten.select.int")
def select(c, n, x, axis, index):
    axis = axis_of(x, axis)
    if ops.symbolic(x.dims[axis]):
        raise Unsupported("of the symbolic dimension")
    return ops.element(c.f, x, axis, index % x.dims[axis])


@RULES.of("aten.embedding.default")
def embedding(c, n, weight, indices, *_, **__):  # the other arguments matter to gradients
    return c.f.take(weight, indices, 0)


@RULES.of("aten.index_select.default")
def index_select(c, n, x, axis, indices):
    if not x.dims:
        return x
    axis = axis_of(x, axis)
    if ops.symbolic(x.dims[axis]):
        raise Unsupported("along the symbolic dimension")
    return c.f.reshape(c.f.take(x, indices, axis), result_type(c, n)[1])


RULES.of("aten.repeat.default")(lambda c, n, x, counts: ops.tile(c.f, x, counts))


@RULES.of("aten.flip.default")
def flip(c, n, x, axes):
    return ops.reverse(c.f, x, [axis_of(x, a) for a in axes])


@RULES.of("aten.split_with_sizes.default", "aten.split.Tensor", sizes=True)
def split(c, n, x, _, axis=0):
    axis, start, pieces = axis_of(x, axis), 0, []
    for meta in n.meta["val"]:
        size = meta.shape[axis]
        if not isinstance(size, int):
            raise Unsupported("of the symbolic dimension")
        pieces.append(c.f.slice(x, {axis: (start, start + size, 1)}))
        start += size
    return pieces


@RULES.of("aten.cat.default")
def cat(c, n, tensors, axis=0):
    dtype, dims = result_type(c, n)
    return c.f.concat([c.f.cast(x, dtype) for x in tensors], axis % len(dims))


@RULES.of("aten.constant_pad_nd.default")
def pad(c, n, x, amounts, number=0):
    # Pairs from the last axis on.
    low, high = ([0] * (len(x.dims) - len(amounts) // 2) + list(amounts[i::2])[::-1] for i in (0, 1))
    return ops.pad(c.f, x, low, high, c.f.scalar(number, x.dtype))


# Reductions

@RULES.of("aten.sum.dim_IntList", "aten.sum.default", "aten.mean.dim", "aten.mean.default")
def reduce(c, n, x, axes=None, keep_dims=False, **_):
    kind = "mean" if ".mean." in str(n.target) else "sum"
    return c.f.reduce(kind, c.f.cast(x, result_type(c, n)[0]), axes_of(x, axes), keep_dims)


for name, kind in (("amax", "max"), ("amin", "min")):
    RULES.of(f"aten.{name}.default")(lambda c, n, x, axes=None, keep_dims=False, kind=kind: c.f.reduce(
        kind, x, axes_of(x, axes), keep_dims))
for kind in ("max", "min"):
    @RULES.of(f"aten.{kind}.dim")
    def extreme(c, n, x, axis, keep_dims=False, kind=kind):
        axis = axis_of(x, axis)
        return [c.f.reduce(kind, x, [axis], keep_dims), ops.arg_extreme(c.f, kind, x, axis, "i64", keep_dims)]

    @RULES.of(f"aten.arg{kind}.default")
    def arg_extreme(c, n, x, axis=None, keep_dims=False, kind=kind):
        if axis is None:
            x, axis = c.f.reshape(x, [ops.product(known_sizes(x))]), 0
        result = ops.arg_extreme(c.f, kind, x, axis_of(x, axis), "i64", keep_dims)
        return c.f.reshape(result, result_type(c, n)[1])

for name, kind in (("any", "max"), ("all", "min")):
    @RULES.of(*(f"aten.{name}.{overload}" for overload in ("default", "dim", "dims")))
    def reduce_bool(c, n, x, axes=None, keep_dims=False, kind=kind):
        return ops.reduce_bool(c.f, kind, c.f.cast(x, "bool"), axes_of(x, axes), keep_dims)


def known_sizes(x):
    if any(map(ops.symbolic, x.dims)):
        raise Unsupported("along the symbolic dimension")
    return x.dims


@RULES.of("aten.var.correction", "aten.std.correction")
def variance(c, n, x, axes=None, correction=1, keepdim=False):
    axes = axes_of(x, axes)
    count = ops.product(known_sizes(Value("", x.dtype, [x.dims[a] for a in axes])))
    mean = c.f.reduce("mean", x, axes, keep_dims=True)
    centred = c.f.binary("sub", x, ops.broadcast_to(c.f, mean, x.dims))
    total = c.f.reduce("sum", c.f.binary("mul", centred, centred), axes, keepdim)
    divisor = max(0, count - (1 if correction is None else correction))
    result = c.f.binary("div", total, ops.like(c.f, divisor, total))
    return c.f.unary("sqrt", result) if ".std." in str(n.target) else result


@RULES.of("aten.linalg_vector_norm.default")
def vector_norm(c, n, x, order=2, axes=None, keep_dims=False, **_):
    if order != 2:
        raise Unsupported(f"of order {order}")
    return c.f.unary("sqrt", c.f.reduce("sum", c.f.binary("mul", x, x), axes_of(x, axes), keep_dims))


@RULES.of("aten.softmax.int", "aten._softmax.default", "aten.log_softmax.int", "aten._log_softmax.default")
def softmax(c, n, x, axis, *_):
    x, = operands(c, n, x)
    if "log" in str(n.target):
        return ops.log_softmax(c.f, x, axis_of(x, axis))
    return c.f.softmax(x, axis_of(x, axis))


@RULES.of("aten.layer_norm.default")
def layer_norm(c, n, x, shape, weight=None, bias=None, epsilon=1e-5, *_):
    axes = list(range(len(x.dims) - len(shape), len(x.dims)))
    return ops.layer_norm(c.f, x, axes, weight, bias, epsilon)


@RULES.of("aten.native_group_norm.default", sizes=True)
def group_norm(c, n, x, weight, bias, batch, channels, size, groups, epsilon):
    return [ops.group_norm(c.f, x, groups, weight, bias, epsilon), None, None]


@RULES.of("aten.native_layer_norm.default")
def native_layer_norm(c, n, *args):
    """The same in a program that was decomposed already, with two results that only training uses."""
    return [layer_norm(c, n, *args), None, None]


@RULES.of("aten._native_batch_norm_legit_no_training.default")
def batch_norm(c, n, x, weight, bias, mean, var, momentum, epsilon):
    """(x - mean) / sqrt(var + epsilon) * weight + bias along axis 1, and two results for training."""
    def spread(value):
        return c.f.broadcast(value, x.dims, [1])
    scale = c.f.unary("rsqrt", c.f.add(var, ops.like(c.f, epsilon, var)))
    scale = c.f.binary("mul", scale, weight) if weight else scale
    result = c.f.binary("mul", c.f.binary("sub", x, spread(mean)), spread(scale))
    return [c.f.add(result, spread(bias)) if bias else result, None, None]


# Contractions

RULES.of("aten.mm.default", "aten.bmm.default", "aten.matmul.default", "aten.mv.default", "aten.dot.default")(
    lambda c, n, a, b: ops.matmul(c.f, a, b))


RULES.of("aten.linear.default")(lambda c, n, x, weight, bias=None: ops.linear(c.f, x, weight, bias))


@RULES.of("aten.addmm.default", "aten.baddbmm.default")
def addmm(c, n, added, a, b, beta=1, alpha=1):
    result = scaled(c, ops.matmul(c.f, a, b), alpha)
    return c.f.add(scaled(c, ops.broadcast_to(c.f, added, result.dims), beta), result)


@RULES.of("aten.scaled_dot_product_attention.default")
def attention(c, n, query, key, value, mask=None, dropout_p=0.0, is_causal=False, scale=None,
              enable_gqa=False):
    if dropout_p or enable_gqa:
        raise Unsupported("with dropout or grouped queries")
    rank, (rows, columns) = len(query.dims), (query.dims[-2], key.dims[-2])
    turned = c.f.transpose(key, [*range(rank - 2), rank - 1, rank - 2])
    scores = ops.matmul(c.f, query, turned)
    scores = scaled(c, scores, 1 / math.sqrt(query.dims[-1]) if scale is None else scale)
    if is_causal:
        mask = c.value(torch.ones(rows, columns, dtype=torch.bool).tril())
    if mask and mask.dtype == "bool":
        scores = c.f.select(ops.broadcast_to(c.f, mask, scores.dims), scores,
                            ops.like(c.f, -math.inf, scores))
    elif mask:
        scores = c.f.add(scores, ops.broadcast_to(c.f, mask, scores.dims))
    return ops.matmul(c.f, c.f.softmax(scores, rank - 1), value)
