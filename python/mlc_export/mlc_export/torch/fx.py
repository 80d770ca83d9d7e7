"""Walks the graph of an ExportedProgram, node by node."""

import operator
import os
import re

import torch
from torch.utils._pytree import tree_leaves

from ..convert import RUNS, Conversion, Weight
from ..errors import Unsupported
from ..file import FROM_NUMPY
from ..graph import PACKAGE, Value, place
from .loops import RULES
from .rules import SYMBOLIC

FRAME = re.compile(r'File "([^"]+)", line (\d+)')
LIBRARIES = (os.path.dirname(torch.__file__) + os.sep, PACKAGE, "torch/", "<")


def dtype_of(dtype):
    name = str(dtype).removeprefix("torch.")
    return FROM_NUMPY.get(name, name)


def dims_of(tensor, names):
    """Sizes; a symbolic one is the name that `names` has for it, or, derived from it, no name."""
    return [int(d) if isinstance(d, int) or d.node.expr.is_number else
            re.sub(r"\w+", lambda symbol: names.get(symbol[0], symbol[0]), str(d)) for d in tensor.shape]


def user_line(node):
    """The innermost line outside PyTorch."""
    lines = [place(path, line) for path, line in FRAME.findall(node.meta.get("stack_trace") or "")
             if not path.startswith(LIBRARIES)]
    return lines[-1] if lines else None


class FxConversion(Conversion):
    def __init__(self, function, symbol_names):
        super().__init__(function)
        self._symbol_names = symbol_names
        self._block_place = None  # where the op is called whose block is being converted

    dtype_of = staticmethod(dtype_of)

    def type_of(self, meta):
        return dtype_of(meta.dtype), dims_of(meta, self._symbol_names)

    def value(self, operand):
        if isinstance(operand, SYMBOLIC):
            self.miss("a symbolic size as a value", self.f.location or "a constant")
            return Value("missing", "i64", [])
        if isinstance(operand, torch.Tensor):
            operand = self.array(operand, "a constant")
        return super().value(operand)

    def array(self, tensor, what):
        """A tensor as numpy has it. If mlc, and perhaps numpy, lacks its dtype, a Value to go on with."""
        if dtype_of(tensor.dtype) in RUNS:
            return tensor.detach().cpu().numpy()
        self.miss(f"dtype {dtype_of(tensor.dtype)}", what)
        return Value("missing", *self.type_of(tensor))

    def run(self, graph, sources):
        """Converts all nodes; `sources` has what stands for placeholders. Returns the outputs."""
        known = dict(sources)

        def read(argument):
            return torch.fx.node.map_arg(argument, known.__getitem__)
        for node in graph.nodes:
            if node.op == "output":
                results = read(node.args[0])
                return list(results) if isinstance(results, (list, tuple)) else [results]
            if node.op == "get_attr":  # the graph of a block
                known[node] = operator.attrgetter(node.target)(graph.owning_module)
            elif node.op != "placeholder":
                known[node] = self.node(node, read(node.args), read(node.kwargs))
        return []

    def inline(self, module, arguments):
        """The results of a block's graph."""
        outer, self._block_place = self._block_place, self.f.location
        inputs = [node for node in module.graph.nodes if node.op == "placeholder"]
        results = self.run(module.graph, dict(zip(inputs, arguments)))
        self._block_place = outer
        return results

    def node(self, node, args, kwargs):
        """The result of a node, or the list of its results."""
        if node.target is operator.getitem:
            return args[0][args[1]]
        meta = node.meta.get("val")
        if not has_tensor(meta):
            return meta  # arithmetic on sizes, which types tell anyway, and checks of it
        if can_fold(node, args, kwargs):
            return node.target(*args, **kwargs)
        name, several = str(node.target), not isinstance(meta, torch.Tensor)
        rule = RULES.get(name)

        def convert():
            if not rule.sizes and any(isinstance(leaf, SYMBOLIC) for leaf in tree_leaves((args, kwargs))):
                raise Unsupported("of a symbolic size")
            made = rule(self, node, *(args if rule.raw else map(self.operand, args)), **kwargs)
            return list(made) if several else [made]
        at = user_line(node) or self._block_place
        if several and not all(isinstance(m, torch.Tensor) for m in meta):
            self.miss(f"{name}: a result that is a number", at or name)
            return [Value("missing", *self.type_of(m)) if isinstance(m, torch.Tensor) else m for m in meta]
        results = self.step(name, at, rule and convert,
                            [self.type_of(m) for m in (meta if several else [meta])])
        return results if several else results[0]

    def operand(self, argument):
        """Tensors as Values, in lists too; numbers as they are."""
        if isinstance(argument, (list, tuple)):
            return [self.operand(a) for a in argument]
        return self.value(argument) if isinstance(argument, (Weight, torch.Tensor)) else argument


def has_tensor(meta):
    return isinstance(meta, torch.Tensor) or \
        isinstance(meta, (list, tuple)) and any(isinstance(m, torch.Tensor) for m in meta)


def can_fold(node, args, kwargs):
    """Whether PyTorch itself can compute a node: no input of the model has a part in it."""
    if not isinstance(node.target, torch._ops.OpOverload) or \
            torch.Tag.nondeterministic_seeded in node.target.tags:
        return False
    return not any(isinstance(leaf, (Value, Weight, *SYMBOLIC)) for leaf in tree_leaves((args, kwargs)))
