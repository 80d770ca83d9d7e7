"""Hostile and broken model files: one clear error, the right exit code, soon and in little memory."""

import json
import os
import struct

import numpy as np
import tool


def value(name, dims, dtype="f32"):
    return {"name": name, "dtype": dtype, "dims": dims}


def node(op, operands, dims, name="n", dtype="f32", attributes=None):
    return {"name": name, "op": op, "operands": operands, "results": [value(name, dims, dtype)],
            "attributes": attributes or {}}


def graph(nodes=None, inputs=None, output="n", **more):
    function = {"name": "main", "inputs": [value("x", [2])] if inputs is None else inputs,
                "nodes": [node("neg", ["x"], [2])] if nodes is None else nodes,
                "outputs": [{"name": "y", "value": output}]}
    return {"format_version": 1, "parameters": [], "functions": [function], **more}


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


class ModelFiles(tool.ToolTest):
    def refused(self, name, content, code=5, says=(), arguments=("--emit=graph",)):
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content)
        path = self.write(name, content)
        error = self.fails(code, path, *arguments, says=says, seconds=10)
        self.assertIn(name, error)
        self.assertLess(len(error), 5000)

    def test_good_ones_first(self):
        path = self.write("good.json", json.dumps(graph()))
        self.assertIn("neg", self.succeeds(path, "--emit=graph"))
        self.assertEqual(self.succeeds(path, "--input=x=2xf32=1 2", "--exec=reference"),
                         "y: f32[2] [-1, -2]\n")

    def test_paths(self):
        os.mkfifo(self.dir / "fifo")
        self.write("secret", b"{}").chmod(0)
        (self.dir / "directory.mlir").mkdir()
        for name in ("none.json", ".", "fifo", "directory.mlir", "/dev/zero", "x" * 5000):
            with self.subTest(name[:20]):
                self.fails(5, name, "--emit=graph", says=name[:200], seconds=10)
        if os.geteuid() != 0:
            self.fails(5, "secret", "--emit=graph", says="secret")

    def test_empty_and_garbage(self):
        self.refused("empty", b"")
        self.refused("garbage", bytes(range(256)) * 10)
        self.refused("text.json", b"hello")
        self.refused("open.json", b"{")
        self.refused("array.json", b"[]")
        self.refused("object.json", b"{}")

    def test_truncated_everywhere(self):
        content = self.dense_model().read_bytes()
        header = 8 + struct.unpack("<Q", content[:8])[0]
        # At every byte in unit tests; here where something begins or ends.
        for size in {0, 1, 7, 8, 9, 100, header - 1, header, header + 1, len(content) - 1}:
            with self.subTest(size):
                self.refused("cut.safetensors", content[:size])

    def test_header_length(self):
        self.refused("a.safetensors", safetensors({}, length=2**64 - 1))
        self.refused("b.safetensors", safetensors({}, length=2**63))
        self.refused("c.safetensors", safetensors({}, length=10**8 + 1))
        self.refused("d.safetensors", safetensors({}, length=0))

    def test_tensor_data(self):
        def model(a, b, data):
            header = {"__metadata__": {"mlc.format_version": "1", "mlc.graph": json.dumps(graph(
                nodes=[node("parameter", [], [2], "n", attributes={"parameter": "a"})],
                parameters=[value("a", [2]), value("b", [2])]))}}
            header["a"] = {"dtype": "F32", "shape": [2], "data_offsets": a}
            header["b"] = {"dtype": "F32", "shape": [2], "data_offsets": b}
            return safetensors(header, data)

        good = self.write("good.safetensors", model([0, 8], [8, 16], bytes(16)))
        self.succeeds(good, "--emit=graph")
        self.refused("overlap", model([0, 8], [4, 12], bytes(12)))
        self.refused("hole", model([0, 8], [12, 20], bytes(20)))
        self.refused("trailing", model([0, 8], [8, 16], bytes(17)))
        self.refused("short", model([0, 8], [8, 16], bytes(15)))
        self.refused("size", model([0, 8], [8, 12], bytes(12)))
        self.refused("backwards", model([8, 0], [8, 16], bytes(16)))

    def test_duplicate_keys(self):
        text = json.dumps(graph())
        self.refused("duplicate.json", text.replace('"parameters": []', '"parameters": [], "parameters": []'),
                     says="parameters")

    def test_nesting(self):
        self.refused("brackets.json", b"[" * 100_000)
        self.refused("objects.json", b'{"format_version":' * 100_000)
        self.refused("brackets.safetensors", safetensors(b"[" * 100_000))

    def test_dimensions(self):
        for dim in ("-1", "2.0", "1e3", '"4"', "9223372036854775808", "null", "true", '""', "[2]"):
            with self.subTest(dim):
                text = json.dumps(graph(inputs=[value("x", ["?"])])).replace('["?"]', f"[{dim}]", 1)
                self.refused("dim.json", text)

    def test_sizes(self):
        huge = [1 << 40, 1 << 40]
        for dims in (huge, [1 << 62, 4], [1 << 40]):
            with self.subTest(dims):
                path = self.write("huge.json", json.dumps(graph(
                    [node("neg", ["x"], dims)], inputs=[value("x", dims)])))
                outcome = self.run_tool(path, "--input=x=ones", "--exec=reference", seconds=10)
                self.assertIn(outcome.code, (5, 6), outcome.err)

    def test_versions_and_ops(self):
        self.refused("version.json", graph(format_version=2), 4, "version")
        self.refused("version.json", graph(format_version="1"), 5, "version")
        self.refused("ops.json", graph([node("fly", ["x"], [2], "a"), node("swim", ["a"], [2])]), 4,
                     ["fly", "swim"])
        self.refused("dtype.json", graph([node("neg", ["x"], [2])], inputs=[value("x", [2], "f8")]), 4, "f8")
        self.refused("key.json", graph(extra=1), 5, "extra")

    def test_graphs(self):
        for name, content, says in [
                ("cycle", graph([node("add", ["x", "b"], [2], "a"), node("add", ["x", "a"], [2], "b")],
                                output="a"), ["a", "b"]),
                ("itself", graph([node("add", ["x", "n"], [2])]), "n"),
                ("undefined", graph([node("neg", ["q"], [2])]), "q"),
                ("arity", graph([node("add", ["x"], [2])]), "add"),
                ("shape", graph([node("neg", ["x"], [3])]), "f32[3]"),
                ("dtype", graph([node("neg", ["x"], [2], dtype="i32")]), "i32"),
                ("twice", graph([node("neg", ["x"], [2]), node("neg", ["x"], [2])]), "n"),
                ("attribute", graph([node("neg", ["x"], [2], attributes={"axis": 1})]), "axis"),
                ("output", graph(output="z"), "z"),
                ("callee", graph([node("call", ["x"], [2], attributes={"callee": "g"})]), "g"),
                ("recursion", graph([node("call", ["x"], [2], attributes={"callee": "main"})]), "main"),
        ]:
            with self.subTest(name):
                self.refused(name + ".json", content, 5, says)

    def test_calls_that_multiply(self):
        """40 functions that each call the next twice: 2^40 nodes once inlined."""
        functions = []
        for i in range(40):
            call = {"callee": f"f{i + 1}"}
            functions.append({"name": f"f{i}", "inputs": [value("x", [2])], "outputs":
                              [{"name": "y", "value": "b"}], "nodes": [
                                  node("call", ["x"], [2], "a", attributes=call),
                                  node("call", ["a"], [2], "b", attributes=call)]})
        functions.append({**graph()["functions"][0], "name": "f40"})
        self.refused("bomb.json", graph(functions=functions), 6)

    def test_unsupported_dtype(self):
        path = self.write("double.json", json.dumps(graph([node("neg", ["x"], [2], dtype="f64")],
                                                          inputs=[value("x", [2], "f64")])))
        self.assertIn("f64", self.succeeds(path, "--emit=graph"))
        for arguments in (["--input=x=ones"], ["--emit=llvm"], ["--input=x=ones", "--exec=eager"],
                          ["--input=x=ones", "--exec=reference"]):
            self.fails(4, path, *arguments, says="f64")

    def test_weights_are_copied_or_mapped(self):
        model = self.dense_model()
        for options in ((), ("--map-weights",)):
            out = self.succeeds(model, "--input=x=1x2xf32=1 1", "--exec=reference", *options)
            self.assertIn("y: f32[1,3]\n[[5.5, 0, 10]]", out)

    def test_goldens(self):
        self.golden_model("good.safetensors", np.float32([-1, 2]))
        self.golden_model("bad.safetensors", np.float32([-1, 3]))
        reference = "--exec=reference"
        self.assertEqual(self.succeeds("good.safetensors", "--selftest", reference),
                         "golden 1, main: y: agrees with golden exactly\n")
        outcome = self.run_tool("bad.safetensors", "--selftest", reference)
        self.assertEqual(outcome.code, 3)
        self.assertIn("golden 1, main: y: DIFFERS from golden: element [1] is 2, expected 3", outcome.out)
        self.assertIn("golden 1: output 'y' differs from golden", outcome.err)
        self.succeeds("bad.safetensors", "--selftest", reference, "--tolerance=0,1")
        self.fails(5, self.add_model(), "--selftest", reference, says="has no goldens")
        self.fails(2, "good.safetensors", "--selftest", "--function=main2", reference, says="main2")

    def golden_model(self, name, expected):
        header = {"__metadata__": {
            "mlc.format_version": "1", "mlc.graph": json.dumps(graph()),
            "mlc.golden": json.dumps([{"function": "main", "relative_tolerance": 0,
                                       "absolute_tolerance": 0.25, "inputs": {"x": "in"},
                                       "outputs": {"y": "out"}}])},
            "in": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "out": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}
        self.write(name, safetensors(header, np.float32([1, -2]).tobytes() + expected.tobytes()))


tool.main()
