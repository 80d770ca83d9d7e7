"""What the tests of both frontends share: a model is exported, run, and compared with its framework."""

import functools
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "mlc-run"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "examples/export"))
import numpy as np  # noqa: E402
import tool  # noqa: E402
from mlc_export import MissingOps  # noqa: E402

RANDOM = np.random.default_rng(5)


def floats(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def recording(rules):
    """The names of the rules that are used from now on."""
    used = set()

    def watch(name, rule):
        @functools.wraps(rule)
        def watched(*arguments, **options):
            used.add(name)
            return rule(*arguments, **options)
        return watched
    for name, rule in list(rules.items()):
        dict.__setitem__(rules, name, watch(name, rule))
    return used


def graph_of(path):
    """The entry function of a model file, as its JSON has it."""
    content = path.read_bytes()
    header = json.loads(content[8:8 + struct.unpack("<Q", content[:8])[0]])
    return json.loads(header["__metadata__"]["mlc.graph"])["functions"][0]


class ExportTest(tool.ToolTest):
    def runs(self, path, inputs, outputs, *options):
        """mlc-run computes `outputs` from `inputs` (arrays by name), with jit and with the reference."""
        arguments = [path, "--compare=reference", *options]
        for kind, prefix, arrays in (("input", "in", inputs), ("expected-output", "out", outputs)):
            for name, array in arrays.items():
                file = self.npy(f"{prefix}-{name}.npy", np.array(array, order="C"))
                arguments.append(f"--{kind}={name}=@{file.name}")
        out = self.succeeds(*arguments)
        for name in outputs:
            self.assertIn(f"{name}: agrees with out-{name}.npy", out)

    def differs(self, path, inputs, outputs):
        """The comparison of runs() notices a small mistake."""
        name, array = next(iter(outputs.items()))
        with self.assertRaises(AssertionError):
            self.runs(path, inputs, {name: np.asarray(array) + np.float32(1e-2)})

    def missing(self, export, *expected):
        """export(path) raises MissingOps with exactly these names, (name, count) each, and writes nothing."""
        before = set(self.dir.iterdir())
        with self.assertRaises(MissingOps) as caught:
            export(self.dir / "missing.safetensors")
        counts = {name: len(places) for name, places in caught.exception.missing.items()}
        self.assertEqual(counts, dict(expected), str(caught.exception))
        self.assertEqual(set(self.dir.iterdir()), before)
        return caught.exception.missing
