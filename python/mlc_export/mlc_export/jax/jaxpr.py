"""Walks a jaxpr: what depends on known values alone JAX computes at once, the rest becomes nodes by rules."""

import os
import sys

import jax
import numpy as np
from jax.extend.core import Literal

from ..convert import Conversion, Weight
from ..graph import MAX_CONSTANT_ELEMENTS, Value, place, same
from .rules import CALLS, RULES, type_of

# What is larger, like a mask made of an iota, is still computed here, but not without end.
MAX_FOLDED_ELEMENTS = 1 << 20
# Code of these packages is not the user's.
LIBRARIES = ("jax", "jaxlib", "flax", "mlc_export")


class JaxprConversion(Conversion):
    def __init__(self, function, captured):
        """`captured` maps names to the arrays that the traced function captures."""
        super().__init__(function)
        self._captured = captured
        self._call_place = None  # where the library function that is being inlined is called

    def constant(self, const):
        """An array that the jaxpr brings along: known if small, else a weight, called as in the source."""
        if not isinstance(const.dtype, np.dtype):  # a key of a random generator
            return Value("missing", str(const.dtype), const.shape)
        array = np.asarray(const)
        if array.size <= MAX_CONSTANT_ELEMENTS:
            return array
        names = [name for name, value in self._captured.items() if same(value, array)]
        return Weight(names[0] if names else "constant", array)

    def inline(self, jaxpr, consts, arguments):
        """Converts the equations of a jaxpr; returns its results."""
        known = dict(zip(jaxpr.constvars, consts)) | dict(zip(jaxpr.invars, arguments))

        def read(variable):
            if isinstance(variable, Literal):  # its value may be a Python number
                return np.asarray(variable.val, variable.aval.dtype)
            return known[variable]
        for equation in live(jaxpr):
            results = self.equation(equation, [read(v) for v in equation.invars])
            known.update(zip(equation.outvars, results))
        return [read(v) for v in jaxpr.outvars]

    def inline_call(self, closed, arguments):
        """The results of a call. JAX remembers where it traced a function first; of a library's function not
        that line is of interest but the one of the call at hand."""
        outer = self._call_place
        if path := closed.jaxpr.debug_info.func_filename:
            self._call_place = self.f.location if in_library(path) else None
        results = self.inline(closed.jaxpr, [self.constant(c) for c in closed.consts], arguments)
        self._call_place = outer
        return results

    def equation(self, equation, operands):
        name = equation.primitive.name
        at = self._call_place or user_line(equation.source_info)
        if name in CALLS:
            self.f.location = at
            return CALLS[name](self, equation, *operands)
        if can_fold(equation, operands):
            return fold(equation, operands)
        rule = RULES.get(name)

        def convert():
            values = operands if rule.raw else [self.value(o) for o in operands]
            results = rule(self, equation, *values)
            return results if isinstance(results, list) else [results]
        return self.step(name, at, rule and convert, [type_of(v.aval) for v in equation.outvars])


def live(jaxpr):
    """The equations that the results depend on; tracing, and more so differentiating, leaves others."""
    needed = set(v for v in jaxpr.outvars if not isinstance(v, Literal))
    equations = []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or not needed.isdisjoint(equation.outvars):
            needed.update(v for v in equation.invars if not isinstance(v, Literal))
            equations.append(equation)
    return equations[::-1]


def can_fold(equation, operands):
    if not operands and equation.primitive.name != "iota":  # a random or symbolic number
        return False
    return not equation.effects and all(isinstance(o, np.ndarray) for o in operands) and all(
        isinstance(v.aval.dtype, np.dtype) and all(isinstance(d, (int, np.integer)) for d in v.aval.shape) and
        v.aval.size <= MAX_FOLDED_ELEMENTS for v in equation.outvars)


def fold(equation, operands):
    results = equation.primitive.bind(*map(jax.numpy.asarray, operands), **equation.params)
    return [np.asarray(r) for r in (results if equation.primitive.multiple_results else [results])]


def in_library(path):
    return path.startswith(tuple(
        os.path.dirname(sys.modules[name].__file__) + os.sep for name in LIBRARIES if name in sys.modules))


def user_line(source_info):
    """The innermost line outside the libraries."""
    for frame in source_info.traceback.frames if source_info.traceback else []:
        if not in_library(frame.file_name) and not frame.file_name.startswith("<"):
            return place(frame.file_name, frame.line_num)
    return None
