"""Writes mlc model files (docs/format.md).

By hand, with numpy alone:

    graph = mlc_export.Graph()
    main = graph.function("main")
    x = main.input("x", "f32", ["batch", 64])
    main.output("y", main.relu(main.linear(x, "layer0", weights, bias)))
    graph.save("model.safetensors")

From a JAX function with `mlc_export.jax.export`, from a PyTorch module with
`mlc_export.torch.export`; each needs its framework, and nothing else does.
"""

import importlib

from .errors import ExportError, MissingOps
from .file import load_tensors
from .graph import Function, Graph, Value

__all__ = ["ExportError", "Function", "Graph", "MissingOps", "Value", "jax", "load_tensors", "torch"]


def __getattr__(name):
    # The frontends import their frameworks, so they are loaded when first named.
    if name in ("jax", "torch"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
