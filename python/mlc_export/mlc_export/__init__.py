"""Writes mlc model files (docs/format.md).

By hand, with numpy alone:

    graph = mlc_export.Graph()
    main = graph.function("main")
    x = main.input("x", "f32", ["batch", 64])
    main.output("y", main.relu(main.linear(x, "layer0", weights, bias)))
    graph.save("model.safetensors")
"""

from .errors import ExportError, MissingOps
from .file import load_tensors
from .graph import Function, Graph, Value

__all__ = ["ExportError", "Function", "Graph", "MissingOps", "Value", "load_tensors"]
