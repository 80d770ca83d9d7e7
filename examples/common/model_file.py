"""Writes mlc model files (docs/format.md) from Python, with numpy alone.

The honest frontend for now: a script names values and ops, states every result
type, and gets a safetensors file whose metadata carries the graph. mlc checks
everything when it loads the file, so a wrong type here is an error there.

    graph = Graph()
    main = graph.function("main")
    x = main.input("x", "f32", ["batch", 64])
    main.output("y", main.relu(main.linear(x, "layer0", weights, bias)))
    graph.save("model.safetensors")
"""

import inspect
import json
import pathlib
import struct

import numpy as np

SAFETENSORS_NAMES = {"f32": "F32", "f64": "F64", "f16": "F16", "i8": "I8", "u8": "U8",
                     "i16": "I16", "i32": "I32", "i64": "I64", "bool": "BOOL"}
MLC_NAMES = {"float32": "f32", "float64": "f64", "float16": "f16", "int8": "i8", "uint8": "u8",
             "int16": "i16", "int32": "i32", "int64": "i64", "bool": "bool"}


def dtype_name(array):
    return MLC_NAMES[array.dtype.name]


class Value:
    """A named tensor of a function; dims are sizes or names."""

    def __init__(self, name, dtype, dims):
        self.name, self.dtype, self.dims = name, dtype, list(dims)

    def json(self):
        return {"name": self.name, "dtype": self.dtype, "dims": self.dims}


class Function:
    def __init__(self, graph, name):
        self.graph, self.name = graph, name
        self.inputs, self.nodes, self.outputs = [], [], []

    def input(self, name, dtype, dims):
        self.inputs.append(Value(name, dtype, dims))
        return self.inputs[-1]

    def node(self, op, operands, dtype, dims, attributes=None, name=None):
        """Appends a node with one result and returns that."""
        name = name or f"{op}{len(self.nodes)}"
        result = Value(name, dtype, dims)
        self.nodes.append({
            "name": name, "op": op, "operands": [v.name for v in operands],
            "results": [result.json()], "attributes": attributes or {},
            "location": caller_location()})
        return result

    def parameter(self, name, array):
        self.graph.parameters[name] = np.ascontiguousarray(array)
        return self.node("parameter", [], dtype_name(array), array.shape,
                         {"parameter": name}, name)

    def matmul(self, a, b):
        return self.node("matmul", [a, b], a.dtype, [*a.dims[:-1], b.dims[-1]])

    def add(self, a, b):
        return self.node("add", [a, b], a.dtype, a.dims)

    def relu(self, x):
        return self.node("relu", [x], x.dtype, x.dims)

    def broadcast(self, x, dims, axes):
        return self.node("broadcast", [x], x.dtype, dims, {"shape": list(dims), "axes": axes})

    def linear(self, x, name, weights, bias):
        """x * weights + bias, with parameters called name.weights and name.bias."""
        product = self.matmul(x, self.parameter(name + ".weights", weights))
        spread = self.broadcast(self.parameter(name + ".bias", bias), product.dims, [1])
        return self.add(product, spread)

    def call(self, callee, operands):
        """Calls another function with one output."""
        result = callee.outputs[0][1]
        return self.node("call", operands, result.dtype, result.dims, {"callee": callee.name})

    def output(self, name, value):
        self.outputs.append((name, value))

    def json(self):
        return {"name": self.name, "inputs": [v.json() for v in self.inputs], "nodes": self.nodes,
                "outputs": [{"name": n, "value": v.name} for n, v in self.outputs]}


class Graph:
    """Functions and parameters of one model; the first function is the entry."""

    def __init__(self):
        self.parameters, self.functions, self.goldens = {}, [], []

    def function(self, name):
        self.functions.append(Function(self, name))
        return self.functions[-1]

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
        path = pathlib.Path(path)
        if path.suffix == ".json":
            path.write_text(json.dumps(self.json(), indent=1) + "\n", encoding="utf-8")
            return
        tensors, goldens = dict(self.parameters), []
        for i, (inputs, outputs, relative, absolute) in enumerate(self.goldens):
            names = [{n: f"golden.{i}.{kind}.{n}" for n in arrays}
                     for kind, arrays in (("input", inputs), ("output", outputs))]
            goldens.append({"function": self.functions[0].name, "relative_tolerance": relative,
                            "absolute_tolerance": absolute, "inputs": names[0], "outputs": names[1]})
            for arrays, called in zip((inputs, outputs), names):
                tensors.update({called[n]: np.ascontiguousarray(a) for n, a in arrays.items()})
        metadata = {"mlc.format_version": "1",
                    "mlc.graph": json.dumps(self.json(), separators=(",", ":"))}
        if goldens:
            metadata["mlc.golden"] = json.dumps(goldens, separators=(",", ":"))
        header, blobs, offset = {"__metadata__": metadata}, [], 0
        for name, array in tensors.items():
            blobs.append(array.astype(array.dtype.newbyteorder("<")).tobytes())
            header[name] = {"dtype": SAFETENSORS_NAMES[dtype_name(array)],
                            "shape": list(array.shape),
                            "data_offsets": [offset, offset + len(blobs[-1])]}
            offset += len(blobs[-1])
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-(8 + len(text)) % 64)  # aligns the tensors
        path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load_parameters(path):
    """The tensors of a safetensors file by name, as any reader sees them."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    dtypes = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "BOOL": "?"}
    return {name: np.frombuffer(data[start + t["data_offsets"][0]:start + t["data_offsets"][1]],
                                dtypes[t["dtype"]]).reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__"}


def caller_location():
    """"file:line:column" of the frontend script's line that made a node."""
    frame = inspect.currentframe()
    while frame.f_back and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"{pathlib.Path(frame.f_code.co_filename).name}:{frame.f_lineno}:1"
