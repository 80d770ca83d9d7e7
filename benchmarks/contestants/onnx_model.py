"""A program as an ONNX model: for ONNX Runtime and for OpenVINO."""

import math

import numpy as np
import onnx
from driver import Unsupported
from onnx import TensorProto, helper, numpy_helper


class Builder:
    def __init__(self, program):
        self.nodes, self.constants = [], {}
        self.inputs = list(program.inputs)
        self.constants |= program.weights

    def node(self, op, operands, result=None, **attributes):
        result = result or f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, operands, [result], **attributes))
        return result

    def constant(self, value):
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(value, np.float32)
        return name

    def step(self, op, y, operands):
        simple = {"matmul": "MatMul", "add": "Add", "sub": "Sub", "mul": "Mul", "relu": "Relu", "linear": "Gemm"}
        if op in simple:
            self.node(simple[op], operands, y)
        elif op == "linear_relu":
            self.node("Relu", [self.node("Gemm", operands)], y)
        elif op == "softmax":
            self.node("Softmax", operands, y, axis=-1)
        elif op == "layer_norm":
            self.node("LayerNormalization", operands, y, axis=-1, epsilon=1e-5)
        elif op == "attention":
            self.attention(y, operands)
        else:
            raise Unsupported(f"there is no {op}")

    def attention(self, y, operands):
        q, k, v = operands
        transposed = self.node("Transpose", [k], perm=[0, 2, 1])
        factor = self.constant(1 / math.sqrt(self.width))
        scores = self.node("Mul", [self.node("MatMul", [q, transposed]), factor])
        self.node("MatMul", [self.node("Softmax", [scores], axis=-1), v], y)


def model_of(program):
    """The bytes of a model with the program's inputs, weights as initializers, and its output."""
    builder = Builder(program)
    builder.width = next(iter(program.inputs.values())).shape[-1]
    for step in program.steps:
        builder.step(*step)
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in program.inputs.items()]
    outputs = [helper.make_tensor_value_info(program.output, TensorProto.FLOAT, None)]
    weights = [numpy_helper.from_array(a, n) for n, a in builder.constants.items()]
    graph = helper.make_graph(builder.nodes, "main", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model).SerializeToString()
