"""Runs mlc-run under the bounds that every command must keep, and makes models for it."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "python/mlc_export"))
import mlc_export  # noqa: E402

MLC_RUN = os.environ.get("MLC_RUN", str(ROOT / "build/release/bin/mlc-run"))
SANITIZED = bool(os.environ.get("MLC_SANITIZE"))
GIB = 1 << 30


def keys(value):
    """What stays when the values in a JSON text change; tensors by name count as values."""
    if isinstance(value, dict):
        return {key: {} if key == "outputs" else keys(v) for key, v in value.items()}
    if isinstance(value, list):
        return [keys(value[0])] if value and isinstance(value[0], dict) else []
    return type(value).__name__ if not isinstance(value, (int, float, bool)) else "number"


def documented_keys():
    """keys() of the examples in docs/mlc-run.md."""
    text = (ROOT / "docs/mlc-run.md").read_text(encoding="utf-8")
    return [keys(json.loads(block))
            for block in re.findall(r"^(\{\n.*?^\})$", text, re.MULTILINE | re.DOTALL)]


class Outcome:
    """What a command did: exit code, stdout, stderr, seconds and peak bytes."""

    def __init__(self, code, out, err, peak):
        self.code, self.out, self.err, self.peak = code, out, err, peak


class ToolTest(unittest.TestCase):
    """Each test gets an empty directory, self.dir, that is also the current one of commands."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mlc-run-"))

    def tearDown(self):
        shutil.rmtree(self.dir)

    def run_tool(self, *arguments, seconds=30, program=MLC_RUN, env=None):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err, cwd=self.dir,
                                       env={**os.environ, **(env or {})})
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            timed_out = not timer.is_alive()
            timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertFalse(timed_out, f"{arguments} took more than {seconds} s")
            out.seek(0), err.seek(0)
            # What helper processes took counts too: their usage is in ours.
            outcome = Outcome(process.returncode, out.read().decode(), err.read().decode(),
                              usage.ru_maxrss * 1024)
        if not SANITIZED:
            self.assertLess(outcome.peak, 2 * GIB, arguments)
        return outcome

    def succeeds(self, *arguments, **options):
        """stdout of a command that must end well and say nothing else."""
        outcome = self.run_tool(*arguments, **options)
        self.assertEqual((outcome.code, outcome.err), (0, ""), arguments)
        return outcome.out

    def fails(self, code, *arguments, says=(), **options):
        """stderr of a command that must end with `code` and a message with each of `says`."""
        outcome = self.run_tool(*arguments, **options)
        self.assertEqual(outcome.code, code, f"{arguments}\n{outcome.out}{outcome.err}")
        self.assertTrue(outcome.err.startswith("mlc-run: error: "), outcome.err)
        self.assertTrue(outcome.err.endswith("\n"))
        self.assertEqual(outcome.err.count("mlc-run: error: "), 1, outcome.err)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, outcome.err)
        return outcome.err

    def write(self, name, content):
        path = self.dir / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def npy(self, name, array):
        np.save(self.dir / name, array)
        return self.dir / name

    def add_model(self, name="add.json", dims=(2, 3), dtype="f32"):
        """y = x + z."""
        graph = mlc_export.Graph()
        main = graph.function("main")
        x, z = main.input("x", dtype, dims), main.input("z", dtype, dims)
        main.output("y", main.add(x, z))
        graph.save(self.dir / name)
        return self.dir / name

    def dense_model(self, name="dense.safetensors", dims=("batch", 2)):
        """y = relu(x * w + bias), and the matrix product as p."""
        graph = mlc_export.Graph()
        main = graph.function("main")
        x = main.input("x", "f32", dims)
        w = main.parameter("w", np.array([[1, 2, 3], [4, 5, 6]], np.float32))
        bias = main.parameter("bias", np.array([0.5, -100, 1], np.float32))
        p = main.matmul(x, w)
        spread = main.broadcast(bias, p.dims, [1])
        main.output("y", main.relu(main.add(p, spread)))
        main.output("p", p)
        graph.save(self.dir / name)
        return self.dir / name

    def two_functions(self, name="two.json"):
        """main(x) = twice(x) + x; twice(x) = x + x."""
        graph = mlc_export.Graph()
        main, twice = graph.function("main"), graph.function("twice")
        x = twice.input("x", "f32", [])
        twice.output("y", twice.add(x, x))
        x = main.input("x", "f32", [])
        main.output("y", main.add(main.call(twice, [x]), x))
        graph.save(self.dir / name)
        return self.dir / name


def main():
    unittest.main(verbosity=1)
