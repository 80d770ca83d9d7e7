"""Wrote version-1.safetensors and version-1.json, once.

They stay as they are: every later reader must load them. The script says what is
in them, and is independent of mlc's own writer.

    python3 test/Model/make_version_1.py
"""

import json
import pathlib
import struct

import numpy as np

HERE = pathlib.Path(__file__).parent


def value(name, dtype, dims):
    return {"name": name, "dtype": dtype, "dims": dims}


def node(name, op, operands, dtype, dims, attributes=None, location=None):
    made = {"name": name, "op": op, "operands": operands, "results": [value(name, dtype, dims)]}
    if attributes is not None:
        made["attributes"] = attributes
    if location is not None:
        made["location"] = location
    return made


def dense(dtype, dims, data):
    return {"value": {"dtype": dtype, "dims": dims, "data": data}}


def network():
    """y = relu(x w + b) for any batch; the relu in a function of its own."""
    batch = ["batch", 2]
    main = {
        "name": "main",
        "inputs": [value("x", "f32", ["batch", 3])],
        "nodes": [
            node("w", "parameter", [], "f32", [3, 2], {"parameter": "layer.w"}, "net.py:1:1"),
            node("b", "parameter", [], "f32", [2], {"parameter": "layer.b"}),
            node("xw", "matmul", ["x", "w"], "f32", batch, {"transpose_a": False}, "net.py:2:5"),
            node("bb", "broadcast", ["b"], "f32", batch, {"shape": batch, "axes": [1]}),
            node("sum", "add", ["xw", "bb"], "f32", batch, {}),
            node("clipped", "call", ["sum"], "f32", batch, {"callee": "rectify"}),
        ],
        "outputs": [{"name": "y", "value": "clipped"}],
    }
    rectify = {
        "name": "rectify",
        "inputs": [value("v", "f32", ["rows", 2])],
        "nodes": [node("r", "relu", ["v"], "f32", ["rows", 2])],
        "outputs": [{"name": "result", "value": "r"}],
    }
    parameters = [value("layer.w", "f32", [3, 2]), value("layer.b", "f32", [2]),
                  value("unused.flags", "bool", [3]), value("unused.half", "f16", [0, 5])]
    return {"format_version": 1, "parameters": parameters, "functions": [main, rectify]}


def vocabulary():
    """Every op, every kind of attribute, every dtype."""
    f, i, b = ("f32", [2, 3]), ("i32", [2, 3]), ("bool", [2, 3])
    nodes = [
        node("c_f32", "constant", [], "f32", [2, 3], dense("f32", [2, 3], [0, -0.0, 0.1, "nan", "inf", "-inf"])),
        node("c_i32", "constant", [], "i32", [2, 3], dense("i32", [2, 3], [0, 1, -1, 2, 2**31 - 1, -2**31])),
        node("c_i64", "constant", [], "i64", [2], dense("i64", [2], [2**63 - 1, -2**63])),
        node("c_bool", "constant", [], "bool", [2], dense("bool", [2], [True, False])),
        node("c_f64", "constant", [], "f64", [], dense("f64", [], [0.1])),
        node("c_f16", "constant", [], "f16", [1], dense("f16", [1], [65504])),
        node("c_bf16", "constant", [], "bf16", [1], dense("bf16", [1], [1.5])),
        node("c_i8", "constant", [], "i8", [1], dense("i8", [1], [-128])),
        node("c_u8", "constant", [], "u8", [1], dense("u8", [1], [255])),
        node("c_i16", "constant", [], "i16", [0], dense("i16", [0], [])),
        node("product", "matmul", ["f", "f"], "f32", [2, 2], {"transpose_b": True}),
    ]
    for op in ("add", "sub", "mul", "div", "max", "min"):
        nodes.append(node(op, op, ["f", "c_f32"], *f))
        nodes.append(node(op + "_i32", op, ["i", "c_i32"], *i))
    for op in ("neg", "abs", "exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "relu", "erf"):
        nodes.append(node(op, op, ["f"], *f))
    nodes += [
        node("gelu_erf", "gelu", ["f"], *f),
        node("gelu_tanh", "gelu", ["f"], *f, {"approximate": "tanh"}),
        node("less", "compare", ["f", "c_f32"], *b, {"direction": "lt"}),
        node("and", "logical_and", ["less", "b"], *b),
        node("or", "logical_or", ["and", "b"], *b),
        node("not", "logical_not", ["or"], *b),
        node("chosen", "select", ["not", "f", "c_f32"], *f),
        node("as_i64", "cast", ["f"], "i64", [2, 3], {"dtype": "i64"}),
        node("spread", "broadcast", ["f"], "f32", [4, 2, 3], {"shape": [4, 2, 3], "axes": [1, 2]}),
        node("flat", "reshape", ["f"], "f32", [6], {"shape": [6]}),
        node("turned", "transpose", ["f"], "f32", [3, 2], {"permutation": [1, 0]}),
        node("part", "slice", ["f"], "f32", [2, 2], {"axes": [1], "starts": [0], "limits": [3], "strides": [2]}),
        node("joined", "concat", ["f", "part"], "f32", [2, 5], {"axis": 1}),
        node("softened", "softmax", ["f"], *f, {"axis": 1}),
        node("kept", "reduce", ["f"], "f32", [2, 1], {"kind": "mean", "axes": [1], "keep_dims": True}),
    ]
    for kind in ("sum", "max", "min"):
        nodes.append(node("reduce_" + kind, "reduce", ["f"], "f32", [], {"kind": kind, "axes": [0, 1]}))
    function = {
        "name": "vocabulary",
        "inputs": [value("f", *f), value("i", *i), value("b", *b)],
        "nodes": nodes,
        "outputs": [{"name": n["name"], "value": n["name"]} for n in nodes],
    }
    return {"format_version": 1, "parameters": [], "functions": [function]}


def write_safetensors(path, metadata, tensors):
    codes = {"float32": "F32", "float16": "F16", "bool": "BOOL"}
    header, offset = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": codes[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(array.tobytes() for array in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    w = np.array([[1, -2], [0.5, 4], [-1, 0.25]], np.float32)
    b = np.array([0.5, -1], np.float32)
    x = np.array([[1, 2, 3], [-4, 5, -6]], np.float32)
    goldens = [{"function": "main", "relative_tolerance": 1e-6, "absolute_tolerance": 0,
                "inputs": {"x": "golden.0.input.x"}, "outputs": {"y": "golden.0.output.y"}}]
    metadata = {"format": "pt", "mlc.format_version": "1", "mlc.graph": json.dumps(network()),
                "mlc.golden": json.dumps(goldens)}
    write_safetensors(HERE / "version-1.safetensors", metadata, {
        "layer.w": w, "layer.b": b, "golden.0.input.x": x,
        "golden.0.output.y": np.maximum(x @ w + b, 0), "unused.half": np.zeros((0, 5), np.float16),
        "unused.flags": np.array([True, False, True])})
    (HERE / "version-1.json").write_text(json.dumps(vocabulary(), indent=1) + "\n")


main()
