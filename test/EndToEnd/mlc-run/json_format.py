"""--format=json: what docs/mlc-run.md promises, key by key."""

import json

import numpy as np
import tool


class Json(tool.ToolTest):
    def test_outputs(self):
        model = self.dense_model()
        out = json.loads(self.succeeds(model, "--input=x=1x2xf32=1 0.1", "--exec=reference",
                                       "--format=json"))
        self.assertEqual(list(out), ["version", "model", "function", "executor", "ok", "outputs"])
        self.assertEqual(out["version"], 1)
        self.assertEqual(out["model"], str(model))
        self.assertEqual((out["function"], out["executor"], out["ok"]), ("main", "reference", True))
        self.assertEqual(list(out["outputs"]), ["y", "p"])
        self.assertEqual(out["outputs"]["p"]["shape"], [1, 3])
        self.assertEqual(out["outputs"]["p"]["dtype"], "f32")
        # Shortest text that gives the same f32.
        expected = np.float32([1, 0.1]) @ np.float32([[1, 2, 3], [4, 5, 6]])
        np.testing.assert_array_equal(np.float32(out["outputs"]["p"]["values"]), expected)

    def test_numbers_that_json_does_not_have(self):
        model = self.add_model(dims=[3])
        out = self.succeeds(model, "--input=x=3xf32=nan inf -inf", "--input=z=zeros", "--exec=reference",
                            "--format", "json")
        strict = json.loads(out, parse_constant=lambda name: self.fail(name))
        self.assertEqual(strict["outputs"]["y"]["values"], ["nan", "inf", "-inf"])

    def test_names_are_escaped(self):
        model = self.add_model('quo"te\\\n\x01.json', dims=[])
        out = json.loads(self.succeeds(model, "--input=x=ones", "--input=z=ones", "--exec=reference",
                                       "--format=json"))
        self.assertEqual(out["model"], str(model))

    def test_mismatch_is_a_result(self):
        model = self.dense_model()
        self.npy("y.npy", np.float32([[5.5, 0, 12]]))
        outcome = self.run_tool(model, "--input=x=1x2xf32=1 1", "--exec=reference", "--format=json",
                                "--expected-output=y=@y.npy")
        self.assertEqual(outcome.code, 3)
        out = json.loads(outcome.out)
        self.assertFalse(out["ok"])
        comparison = out["comparisons"][0]
        self.assertEqual((comparison["output"], comparison["expectation"], comparison["equal"]),
                         ("y", "y.npy", False))
        self.assertEqual((comparison["index"], comparison["got"], comparison["expected"]), (2, 10, 12))

    def test_errors_leave_stdout_empty(self):
        outcome = self.run_tool(self.add_model(), "--format=json")
        self.assertEqual((outcome.code, outcome.out), (5, ""))

    def test_emit(self):
        model = self.add_model()
        out = json.loads(self.succeeds(model, "--emit=graph", "--format=json"))
        self.assertEqual(list(out), ["version", "model", "function", "phase", "text"])
        self.assertEqual(out["phase"], "graph")
        self.assertEqual(out["text"], self.succeeds(model, "--emit=graph"))

    def test_documented_keys(self):
        model = self.dense_model()
        run = [model, "--input=x=1x2xf32=1 1", "--exec=reference", "--format=json"]
        got = json.loads(self.succeeds(*run, "--compare=reference"))
        self.assertIn(tool.keys(got), tool.documented_keys())


tool.main()
