"""Builds a graph node by node.

A method per op states its result's type; mlc checks everything when it loads the file, so a wrong
operand here is an error there. Nodes get unique names and remember the line that made them.
"""

import collections
import inspect
import json
import os
import pathlib

import numpy as np

from . import file
from .errors import ExportError

# Up to here an array is written into the graph; what is larger is a parameter, which compiled code does
# not depend on and which mlc can lay out as it likes.
MAX_CONSTANT_ELEMENTS = 16
PACKAGE = str(pathlib.Path(__file__).parent) + os.sep


def dtype_name(array):
    if array.dtype.name not in file.FROM_NUMPY:
        raise ExportError(f"{array.dtype.name} is no dtype of a model file")
    return file.FROM_NUMPY[array.dtype.name]


class Value:
    """A named tensor of a function; dims are sizes or names."""

    def __init__(self, name, dtype, dims):
        self.name, self.dtype, self.dims = name, dtype, list(dims)

    def __repr__(self):
        return f"{self.name} : {self.dtype}[{','.join(map(str, self.dims))}]"

    def json(self):
        return {"name": self.name, "dtype": self.dtype, "dims": self.dims}


class Node:
    """An op that makes values; it is called like the first of them."""

    def __init__(self, op, operands, results, attributes, location, blocks=()):
        self.op, self.operands, self.results = op, operands, results
        self.attributes, self.location, self.blocks = attributes, location, blocks

    def json(self):
        location = {"location": self.location} if self.location else {}
        blocks = {"blocks": [b.json() for b in self.blocks]} if self.blocks else {}
        return {"name": self.results[0].name, "op": self.op, "operands": [v.name for v in self.operands],
                "results": [v.json() for v in self.results], "attributes": self.attributes, **blocks,
                **location}


class Names:
    """Makes names unique by numbering repetitions."""

    def __init__(self):
        self.taken, self._repetitions = set(), collections.Counter()

    def unique(self, wanted):
        name = wanted
        while name in self.taken:
            self._repetitions[wanted] += 1
            name = f"{wanted}_{self._repetitions[wanted]}"
        self.taken.add(name)
        return name

    def claim(self, name, what):
        if name in self.taken:
            raise ExportError(f"two {what}s are called {name!r}")
        return self.unique(name)


class Block:
    """Nodes in order: those of a function, or those that an `if`, `while` or `scan` runs. They see the values
    of their block alone; constants and parameters can be made in any."""

    def __init__(self, graph, names, location=None):
        self.graph, self._names, self._sources = graph, names, {}
        self.inputs, self.nodes, self.outputs = [], [], []
        self.location = location  # of the nodes to come: None is the caller's line, "" nowhere

    def node(self, op, operands, dtype, dims, attributes=None, name=None):
        """Appends a node with one result and returns that."""
        return self.node_of(op, operands, [(dtype, dims)], attributes, name=name)[0]

    def node_of(self, op, operands, types, attributes=None, blocks=(), name=None):
        """Appends a node with a result per type (dtype, dims) and returns the list of them."""
        name = name or f"{op}{len(self.nodes)}"
        results = [Value(self._names.unique(name), *t) for t in types]
        location = caller_location() if self.location is None else self.location
        self.nodes.append(Node(op, operands, results, attributes or {}, location, blocks))
        return results

    # Sources

    def parameter(self, name, array):
        """A weight by its name in the file; one node, however often it is asked for."""
        self.graph.add_parameter(name, array)
        if name not in self._sources:
            self._sources[name] = self.node("parameter", [], dtype_name(array), array.shape,
                                            {"parameter": name}, name)
        return self._sources[name]

    def constant(self, array, name="constant"):
        """A known array: repeated if all its elements are the same, in the graph if it is small, else a
        parameter called something like `name`."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        if array.size > 1 and is_splat(array):
            return self.broadcast(self.constant(array.flat[0]), array.shape, [])
        if array.size > MAX_CONSTANT_ELEMENTS:
            return self.parameter(self.graph.parameter_name(name, array), array)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._sources:
            value = {"dtype": dtype_name(array), "dims": list(array.shape), "data": elements(array)}
            self._sources[key] = self.node("constant", [], value["dtype"], array.shape, {"value": value})
        return self._sources[key]

    def scalar(self, number, dtype):
        return self.constant(np.array(number, file.TO_NUMPY[dtype]))

    # Element-wise

    def unary(self, op, x, attributes=None):
        return self.node(op, [x], x.dtype, x.dims, attributes)

    def binary(self, op, a, b):
        return self.node(op, [a, b], a.dtype, a.dims)

    def add(self, a, b):
        return self.binary("add", a, b)

    def relu(self, x):
        return self.unary("relu", x)

    def compare(self, direction, a, b):
        return self.node("compare", [a, b], "bool", a.dims, {"direction": direction})

    def select(self, predicate, on_true, on_false):
        return self.node("select", [predicate, on_true, on_false], on_true.dtype, on_true.dims)

    def cast(self, x, dtype):
        return x if x.dtype == dtype else self.node("cast", [x], dtype, x.dims, {"dtype": dtype})

    # Shape

    def broadcast(self, x, dims, axes):
        if x.dims == list(dims):
            return x
        return self.node("broadcast", [x], x.dtype, dims, {"shape": list(dims), "axes": list(axes)})

    def reshape(self, x, dims):
        if x.dims == list(dims):
            return x
        return self.node("reshape", [x], x.dtype, dims, {"shape": list(dims)})

    def transpose(self, x, permutation):
        permutation = list(permutation)
        if permutation == sorted(permutation):
            return x
        return self.node("transpose", [x], x.dtype, [x.dims[i] for i in permutation],
                         {"permutation": permutation})

    def slice(self, x, ranges):
        """`ranges` maps an axis to its (start, limit, stride)."""
        ranges = {axis: r for axis, r in sorted(ranges.items()) if r != (0, x.dims[axis], 1)}
        if not ranges:
            return x
        dims = list(x.dims)
        for axis, (start, limit, stride) in ranges.items():
            dims[axis] = -(-(limit - start) // stride)
        starts, limits, strides = (list(column) for column in zip(*ranges.values()))
        return self.node("slice", [x], x.dtype, dims, {"axes": list(ranges), "starts": starts,
                                                       "limits": limits, "strides": strides})

    def concat(self, operands, axis):
        if len(operands) == 1:
            return operands[0]
        dims = list(operands[0].dims)
        dims[axis] = sum(x.dims[axis] for x in operands)
        return self.node("concat", operands, operands[0].dtype, dims, {"axis": axis})

    def take(self, x, indices, axis):
        """Slices along an axis, picked by their indices."""
        dims = [*x.dims[:axis], *indices.dims, *x.dims[axis + 1:]]
        return self.node("take", [x, indices], x.dtype, dims, {"axis": axis})

    # Contractions and reductions

    def matmul(self, a, b, transpose_a=False, transpose_b=False):
        flags = {"transpose_a": transpose_a, "transpose_b": transpose_b}
        rows, columns = a.dims[-1 if transpose_a else -2], b.dims[-2 if transpose_b else -1]
        return self.node("matmul", [a, b], a.dtype, [*a.dims[:-2], rows, columns],
                         {name: True for name, flag in flags.items() if flag})

    def linear(self, x, name, weights, bias):
        """x * weights + bias, with parameters called name.weights and name.bias."""
        product = self.matmul(x, self.parameter(name + ".weights", weights))
        spread = self.broadcast(self.parameter(name + ".bias", bias), product.dims, [1])
        return self.add(product, spread)

    def reduce(self, kind, x, axes, keep_dims=False):
        axes = sorted(axes)
        if not axes:
            return x
        dims = [1 if i in axes else d for i, d in enumerate(x.dims) if keep_dims or i not in axes]
        return self.node("reduce", [x], x.dtype, dims,
                         {"kind": kind, "axes": axes, "keep_dims": keep_dims})

    def softmax(self, x, axis):
        return self.unary("softmax", x, {"axis": axis})

    def call(self, callee, operands):
        """Calls another function with one output."""
        result = callee.outputs[0]
        return self.node("call", operands, result.dtype, result.dims, {"callee": callee.name})

    # Control flow. Blocks are given as functions: called with the Block and its inputs, they append nodes to
    # it and return the list of its outputs. Each of these returns a list of results.

    def if_(self, predicate, then, otherwise, operands=()):
        """then(block, *operands) if the predicate holds, else otherwise(block, *operands)."""
        blocks = [self._block(make, map(type_of, operands)) for make in (then, otherwise)]
        return self.node_of("if", [predicate, *operands], map(type_of, blocks[0].outputs), blocks=blocks)

    def while_(self, condition, body, carried, others=(), limit=None):
        """As long as condition(block, *carried, *others) is [true], `carried` becomes
        body(block, *carried, *others); after `limit` times the run fails."""
        operands = [*carried, *others]
        blocks = [self._block(make, map(type_of, operands)) for make in (condition, body)]
        attributes = {"carried": len(carried)} | ({} if limit is None else {"limit": limit})
        return self.node_of("while", operands, map(type_of, carried), attributes, blocks)

    def scan(self, body, carried, sequences=(), others=(), length=None, reverse=False):
        """In each step `carried` becomes the first results of body(block, *carried, *slices, *others), where
        the slices are those of the sequences along their first dimension. Returns the last of them, then what
        the body's other results were in all steps. Without sequences there are `length` steps."""
        types = [*map(type_of, carried), *((x.dtype, x.dims[1:]) for x in sequences), *map(type_of, others)]
        block = self._block(body, types)
        steps = sequences[0].dims[0] if sequences else length
        collected = [(v.dtype, [steps, *v.dims]) for v in block.outputs[len(carried):]]
        attributes = {"carried": len(carried), "sequences": len(sequences), "reverse": reverse}
        return self.node_of("scan", [*carried, *sequences, *others], [*map(type_of, carried), *collected],
                            attributes if sequences else attributes | {"length": length}, [block])

    def _block(self, make, types):
        block = Block(self.graph, self._names, self.location)
        block.inputs = [Value(self._names.unique("arg"), *t) for t in types]
        block.outputs = list(make(block, *block.inputs))
        return block

    def json(self):
        return {"inputs": [v.json() for v in self.inputs], "nodes": [n.json() for n in self.nodes],
                "outputs": [v.name for v in self.outputs]}


class Function(Block):
    def __init__(self, graph, name):
        super().__init__(graph, Names())
        self.name, self.output_names, self._output_names = name, [], Names()

    def input(self, name, dtype, dims):
        self.inputs.append(Value(self._names.claim(name, "input"), dtype, dims))
        return self.inputs[-1]

    def output(self, name, value):
        self.output_names.append(self._output_names.claim(name, "output"))
        self.outputs.append(value)

    def json(self):
        return {"name": self.name, **super().json(),
                "outputs": [{"name": n, "value": v.name} for n, v in zip(self.output_names, self.outputs)]}


class Graph:
    """Functions and parameters of one model; the first function is the entry."""

    def __init__(self):
        self.parameters, self.functions, self.goldens = {}, [], []
        self._function_names = Names()

    def function(self, name):
        self.functions.append(Function(self, self._function_names.claim(name, "function")))
        return self.functions[-1]

    def add_parameter(self, name, array):
        known = self.parameters.get(name)
        if known is None:
            self.parameters[name] = np.ascontiguousarray(array).reshape(array.shape)
        elif not same(known, array):
            raise ExportError(f"two parameters are called {name!r}")

    def parameter_name(self, wanted, array):
        """`wanted`, or with a number behind it if that is another array's name."""
        name, number = wanted, 0
        while name in self.parameters and not same(self.parameters[name], array):
            number += 1
            name = f"{wanted}_{number}"
        return name

    def golden(self, inputs, outputs, relative_tolerance, absolute_tolerance):
        """Records a call of the entry function that `mlc-run --selftest` repeats."""
        self.goldens.append((inputs, outputs, relative_tolerance, absolute_tolerance))

    def json(self):
        parameters = [{"name": n, "dtype": dtype_name(a), "dims": list(a.shape)}
                      for n, a in self.parameters.items()]
        return {"format_version": 1, "parameters": parameters,
                "functions": [f.json() for f in self.functions]}

    def save(self, path):
        """Writes safetensors, or the graph's JSON alone when the path ends in .json."""
        if pathlib.Path(path).suffix == ".json":
            if self.parameters or self.goldens:
                raise ExportError(f"{path}: a .json file has no place for parameters and recorded calls")
            file.write_whole(path, (json.dumps(self.json(), indent=1) + "\n").encode())
        else:
            recorded, arrays = self._recorded()
            file.write_whole(path, file.model_bytes(self.json(), {**self.parameters, **arrays}, recorded))

    def _recorded(self):
        """The JSON of the goldens, and their arrays by the names that it uses."""
        recorded, arrays = [], {}
        for i, (inputs, outputs, relative, absolute) in enumerate(self.goldens):
            entry = {"function": self.functions[0].name, "relative_tolerance": relative,
                     "absolute_tolerance": absolute}
            for key, tensors in (("inputs", inputs), ("outputs", outputs)):
                entry[key] = {n: f"golden.{i}.{key[:-1]}.{n}" for n in tensors}
                arrays.update({entry[key][n]: np.asarray(a) for n, a in tensors.items()})
            recorded.append(entry)
        return recorded, arrays


def type_of(value):
    return value.dtype, value.dims


def same(a, b):
    """Whether two arrays are the same to the bit, so that NaN is NaN and -0 is not 0."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def is_splat(array):
    """Whether all elements have the same bits."""
    rows = np.frombuffer(array.tobytes(), np.uint8).reshape(array.size, array.itemsize)
    return bool((rows == rows[0]).all())


def elements(array):
    """The elements as JSON: the shortest text that reads back as the same value; words for what it lacks."""
    flat = array.flatten()
    if array.dtype.kind != "f":
        return flat.tolist()
    return [float(str(x)) if np.isfinite(x) else str(x) for x in flat]  # numpy says nan, inf and -inf too


def caller_location():
    """"file:line:column" of the line outside this package that made a node."""
    frame = inspect.currentframe()
    while frame.f_back and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return place(frame.f_code.co_filename, frame.f_lineno)


def place(path, line, column=1):
    # The name alone: a model file does not tell the folders of the machine that made it.
    return f"{pathlib.Path(path).name}:{line}:{column}"
