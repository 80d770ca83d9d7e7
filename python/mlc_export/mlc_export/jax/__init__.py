"""From a JAX function to a model file."""

import inspect

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from ..convert import Weight
from ..errors import ExportError
from ..graph import Graph
from .jaxpr import JaxprConversion
from .rules import type_of


def export(fn, params, example_inputs, path, *, input_names=None, output_names=None, dynamic_batch=None):
    """Writes `fn(params, *example_inputs)` to `path`; of the inputs only dtypes and shapes matter.

    The leaves of `params` become parameters named after their path: {'params': {'Dense_0': {'kernel': ...}}}
    gives Dense_0.kernel. Inputs are named like the arguments of `fn`, outputs y, or y0, y1, ..., or by the
    keys of a dict that `fn` returns, unless names are given. With dynamic_batch="batch" the leading
    dimension of every input is any size, called batch. Raises MissingOps if mlc lacks anything.
    """
    trace(fn, params, example_inputs, input_names=input_names, output_names=output_names,
          dynamic_batch=dynamic_batch).save(path)


def trace(fn, params, example_inputs, *, input_names=None, output_names=None, dynamic_batch=None):
    """The Graph that export() writes."""
    weights = [(parameter_name(key), np.asarray(jnp.asarray(leaf)))
               for key, leaf in jax.tree_util.tree_flatten_with_path(params)[0]]
    inputs = input_specs(example_inputs, dynamic_batch)
    names = input_names or default_input_names(fn, inputs)
    closed, result = jax.make_jaxpr(fn, return_shape=True)(jax.tree.map(spec, params), *inputs)
    graph = Graph()
    conversion = JaxprConversion(graph.function("main"), captured_arrays(fn))
    arguments = [Weight(*weight) for weight in weights]
    variables = closed.jaxpr.invars[len(weights):]
    if len(names) != len(variables):
        raise ExportError(f"{len(variables)} inputs, but {len(names)} names: {', '.join(names)}")
    arguments += [conversion.input(name, *type_of(v.aval)) for name, v in zip(names, variables)]
    results = conversion.inline_call(closed, arguments)
    conversion.outputs(output_names or default_output_names(result), results)
    conversion.finish()
    return graph


def spec(leaf):
    return jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.asarray(leaf).dtype)


def input_specs(example_inputs, dynamic_batch):
    """Types of the inputs. JAX can trace with a symbolic size, and then proves every size that it derives
    and refuses code that depends on the value; tracing with two sizes and comparing would believe code that
    takes another way at a third."""
    specs = [jax.tree.map(spec, example) for example in example_inputs]
    if dynamic_batch is None:
        return specs
    batch, = jax.export.symbolic_shape(dynamic_batch)
    return jax.tree.map(
        lambda s: jax.ShapeDtypeStruct((batch, *s.shape[1:]), s.dtype) if s.shape else s, specs)


def captured_arrays(fn):
    """What fn captures, by the names that its source has for it."""
    try:
        variables = inspect.getclosurevars(inspect.unwrap(fn))
    except TypeError:  # not a Python function
        return {}
    return {name: np.asarray(jnp.asarray(value))
            for name, value in {**variables.globals, **variables.nonlocals}.items()
            if isinstance(value, (np.ndarray, jax.Array)) and isinstance(value.dtype, np.dtype)}


def key_names(path):
    """The keys of a leaf as words, whatever containers they lead through."""
    return [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in path]


def parameter_name(path):
    keys = key_names(path)
    if len(keys) > 1 and keys[0] == "params":  # flax.linen puts all weights there
        keys = keys[1:]
    if len(keys) > 1 and keys[-1] == "value":  # flax.nnx puts each in an object
        keys = keys[:-1]
    return ".".join(keys) or "params"


def default_input_names(fn, inputs):
    """The names of fn's arguments after the first, with the keys of what is inside them."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())[1:]
    except (TypeError, ValueError):
        parameters = []
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        parameters.pop()
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters) or len(parameters) < len(inputs):
        names = ["x"] if len(inputs) == 1 else [f"x{i}" for i in range(len(inputs))]
    else:
        names = [p.name for p in parameters]
    return [".".join([name, *key_names(path)]) for name, value in zip(names, inputs)
            for path, _ in jax.tree_util.tree_flatten_with_path(value)[0]]


def default_output_names(result):
    leaves = jax.tree_util.tree_flatten_with_path(result)[0]
    keyed = isinstance(result, dict)
    return ["y" if len(leaves) == 1 and not keyed else ".".join(key_names(path)) if keyed else f"y{i}"
            for i, (path, _) in enumerate(leaves)]
