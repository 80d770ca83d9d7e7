"""From a PyTorch module to a model file."""

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils._pytree import tree_map

from ..convert import Weight
from ..errors import ExportError
from ..graph import MAX_CONSTANT_ELEMENTS, Graph, Value
from .fx import FxConversion, dims_of
from .loops import RULES


def export(module, example_args, path, *, input_names=None, output_names=None, dynamic_batch=None):
    """Writes `module(*example_args)` to `path`; of the arguments only dtypes and shapes matter.

    `module` is a torch.nn.Module or what torch.export.export made of one (then example_args may be None).
    Parameters and buffers keep their names in state_dict(), inputs those of forward()'s arguments; outputs
    are y, or y0, y1, ..., unless names are given. With dynamic_batch="batch" the leading dimension of every
    input is any size, called batch. Raises MissingOps if mlc lacks anything.
    """
    trace(module, example_args, input_names=input_names, output_names=output_names,
          dynamic_batch=dynamic_batch).save(path)


def trace(module, example_args, *, input_names=None, output_names=None, dynamic_batch=None):
    """The Graph that export() writes."""
    if not isinstance(module, ExportedProgram):
        args, shapes = with_dynamic_batch(tuple(example_args), dynamic_batch)
        module = torch.export.export(module, args, dynamic_shapes=shapes)
    program = decomposed(module)
    graph = Graph()
    conversion = FxConversion(graph.function("main"), symbol_names(program, dynamic_batch or "batch"))
    results = conversion.run(program.graph, sources(program, conversion, input_names))
    results = [r for r, spec in zip(results, program.graph_signature.output_specs)
               if is_result(spec, conversion)]
    default = ["y"] if len(results) == 1 else [f"y{i}" for i in range(len(results))]
    conversion.outputs(output_names or default, results)
    conversion.finish()
    return graph


def with_dynamic_batch(args, dynamic_batch):
    """Arguments for torch.export.export, and shapes that make the leading dimension of every tensor a symbol.
    PyTorch derives all other sizes from that symbol and refuses code that depends on its value."""
    if dynamic_batch is None:
        return args, None
    # It takes sizes 0 and 1 for constants, so there are two of everything.
    args = tree_map(lambda a: a.repeat(2, *[1] * (a.dim() - 1)) if is_batched(a) and len(a) == 1 else a, args)
    batch = torch.export.Dim(dynamic_batch)
    return args, tree_map(lambda a: {0: batch} if is_batched(a) else None, args)


def is_batched(argument):
    return isinstance(argument, torch.Tensor) and argument.dim() > 0


def decomposed(program):
    """The program in functional ops; composites for which there is a rule stay whole."""
    table = torch.export.default_decompositions()
    for op in [op for op in table if str(op) in RULES]:
        del table[op]
    program = program.run_decompositions(table)
    program.graph.eliminate_dead_code()
    return program


def input_nodes(program):
    """(node, spec) of each input, in order."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    return [(nodes[spec.arg.name], spec) for spec in program.graph_signature.input_specs]


def symbol_names(program, batch):
    """Names of the program's symbolic sizes. PyTorch forgets how the user called them."""
    names = {}
    for node, _ in input_nodes(program):
        for dim in dims_of(node.meta["val"], {}) if isinstance(node.meta["val"], torch.Tensor) else []:
            if isinstance(dim, str) and dim not in names:
                names[dim] = batch if not names else dim
    return names


def sources(program, conversion, input_names):
    """What stands for each input node of the program: an input, a weight or a known value."""
    pairs = input_nodes(program)
    found, user = {}, []
    for node, spec in pairs:
        if spec.kind is InputKind.USER_INPUT and isinstance(node.meta["val"], torch.Tensor):
            user.append(node)
        elif spec.kind is InputKind.USER_INPUT:
            found[node] = spec.arg.value
        elif spec.kind is InputKind.CONSTANT_TENSOR and \
                program.constants[spec.target].numel() <= MAX_CONSTANT_ELEMENTS:
            found[node] = program.constants[spec.target]
        elif node.users:
            stored = program.constants if spec.target in program.constants else program.state_dict
            array = conversion.array(stored[spec.target], f"parameter {spec.target}")
            found[node] = array if isinstance(array, Value) else Weight(spec.target, array)
        else:
            found[node] = None
    names = input_names or [node.name for node in user]
    if len(names) != len(user):
        raise ExportError(f"{len(user)} inputs, but {len(names)} names: {', '.join(names)}")
    return found | {node: conversion.input(name, *conversion.type_of(node.meta["val"]))
                    for name, node in zip(names, user)}


def is_result(spec, conversion):
    if spec.kind is not OutputKind.USER_OUTPUT:
        conversion.miss(f"changing a tensor in place ({spec.kind.name.lower()})", spec.target or "forward")
    return spec.kind is OutputKind.USER_OUTPUT
