"""What the frontends share: rules run one by one, and all that fails is told at once."""

import re

import numpy as np

from .errors import ExportError, MissingOps, Unsupported
from .file import FROM_NUMPY
from .graph import Value

RUNS = ("f32", "i32", "i64", "bool")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Rules(dict):
    """A frontend's table: the name of each primitive and the function that converts it.

    A rule is called with the conversion, the equation or node, and its operands as Values; with `raw`
    operands are as Conversion.value takes them, for rules that look at known ones. With `sizes` it does not
    look at symbolic sizes among them, but at the types that are made with them.
    """

    def of(self, *names, raw=False, sizes=False):
        def add(function):
            for name in names:
                assert name not in self, name
                self[name] = function
            function.raw, function.sizes = raw, sizes
            return function
        return add


class Weight:
    """A parameter that is in the model only if something uses it."""

    def __init__(self, name, array):
        self.name, self.array = name, array
        self.values = {}  # by the block that uses it


class Conversion:
    """One function of the model in the making, and what was missing so far. `f` is its block at hand."""

    def __init__(self, function):
        self.f = function
        self.missing = {}

    def input(self, name, dtype, dims):
        self.check_type(dtype, dims, f"input {name}")
        return self.f.input(name, dtype, dims)

    def outputs(self, names, values):
        if len(names) != len(values):
            raise ExportError(f"{len(values)} outputs, but {len(names)} names")
        for name, value in zip(names, values):
            self.f.output(name, self.value(value))

    def value(self, operand):
        """The Value of an operand, which may be a Value already, a Weight or a known array."""
        if isinstance(operand, Value):
            return operand
        if not isinstance(operand, Weight):
            return self._known(np.asarray(operand), "a constant", self.f.constant)
        if self.f not in operand.values:
            name = self.f.graph.parameter_name(operand.name, operand.array)
            operand.values[self.f] = self._known(operand.array, f"parameter {name}",
                                                 lambda array: self.f.parameter(name, array))
        return operand.values[self.f]

    def _known(self, array, what, make):
        dtype = FROM_NUMPY.get(array.dtype.name, array.dtype.name)
        if dtype in RUNS:
            return make(array)
        self.miss(f"dtype {dtype}", what)
        return Value("missing", dtype, array.shape)

    def block(self, convert):
        """A block for Block.if_ and its like: nodes that convert(*inputs) makes go there, and its results,
        operands of any kind, are the block's."""
        def make(block, *inputs):
            outer, self.f = self.f, block
            try:
                return [self.value(result) for result in convert(*inputs)]
            finally:
                self.f = outer
        return make

    @staticmethod
    def passed(operands):
        """What blocks cannot see of `operands` and must be passed in: their Values; what is known stays so.
        Also a function that makes of the blocks' inputs for these all the operands again."""
        def all_of(inputs):
            inputs = iter(inputs)
            return [next(inputs) if isinstance(o, Value) else o for o in operands]
        return [o for o in operands if isinstance(o, Value)], all_of

    def miss(self, name, place):
        self.missing.setdefault(name, []).append(place)

    def check_type(self, dtype, dims, place):
        """Records what no executor can compute with (lib/Graph/CheckExecutable.cpp)."""
        if dtype not in RUNS:
            self.miss(f"dtype {dtype}", place)
        names = [d for d in dims if isinstance(d, str)]
        for derived in (d for d in names if not NAME.fullmatch(d)):
            self.miss(f"dimension {derived}", place)
        if any(isinstance(d, str) for d in dims[1:]):
            self.miss("symbolic dimension that is not the leading one", place)

    def step(self, name, place, rule, types):
        """Runs `rule`, which returns a Value per type (dtype, dims). If it cannot or there is none, that is
        recorded, and values of these types stand in for the results, so that the rest can be looked at."""
        self.f.location, before = place or "", len(self.f.nodes)
        place = place or name
        for dtype, dims in types:
            self.check_type(dtype, dims, place)
        try:
            if rule is None:
                raise Unsupported
            values = rule()
        except Unsupported as why:
            self.miss(": ".join([name, *map(str, why.args)]), place)
            return [Value("missing", *t) for t in types]
        for value, (dtype, dims) in zip(values, types):
            if isinstance(value, Value) and (value.dtype, value.dims) != (dtype, list(dims)):
                raise ExportError(f"{name} at {place} was converted to {value}, not {dtype}{list(dims)}: "
                                  "a mistake in its rule")
        for node in self.f.nodes[before:]:
            if problem := cannot_run(node):
                self.miss(f"{name}: {problem}", place)
        return values

    def finish(self):
        if self.missing:
            raise MissingOps(self.missing)


def cannot_run(node):
    """As check_type, of what an op does along a symbolic dimension: words, or None."""
    dims = node.operands[0].dims if node.operands else []
    if not dims or not isinstance(dims[0], str):
        return None
    if node.op == "reduce" and 0 in node.attributes["axes"] or node.attributes.get("axis") == 0:
        return f"{node.op} along the symbolic dimension"
    if node.op == "matmul" and node.attributes.get("transpose_a") and len(dims) == 2:
        return "sums over the symbolic dimension"
    return None
