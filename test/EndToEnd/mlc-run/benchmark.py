"""--benchmark: what it reports, for every executor."""

import json

import tool


class Benchmark(tool.ToolTest):
    def test_jit_beside_eager(self):
        model = self.dense_model()
        arguments = [model, "--input=x=1x2xf32=1 1", "--benchmark"]
        whole = json.loads(self.succeeds(*arguments, "--format=json"))
        self.assertIn(tool.keys(whole), tool.documented_keys())
        report = whole["benchmark"]
        jit, eager = report["timings"]
        self.assertEqual((jit["executor"], eager["executor"]), ("jit", "eager"))
        for timing in (jit, eager):
            self.assertGreater(timing["compile_ms"], 0)
            self.assertEqual(timing["calls"], timing["samples"] * timing["batch"])
            self.assertGreater(timing["samples"], 30)
            self.assertLessEqual(timing["fastest_ns"], timing["median_ns"])
            self.assertLessEqual(timing["median_ns"], timing["p90_ns"])
            self.assertLessEqual(timing["p90_ns"], timing["p99_ns"])
            self.assertGreaterEqual(timing["spread"], 0)
            # Shorter samples would measure the clock.
            self.assertGreater(timing["batch"] * timing["median_ns"], 5000)
        self.assertAlmostEqual(report["eager_ratio"], eager["median_ns"] / jit["median_ns"], places=6)
        # Three dispatches against one call of nanoseconds.
        self.assertGreater(report["eager_ratio"], 1)
        text = self.succeeds(*arguments)
        self.assertRegex(text, r"(?m)^executor +compile ms +ns/call")
        self.assertRegex(text, r"(?m)^jit is [\d.]+ times as fast as eager$")

    def test_one_executor(self):
        model = self.dense_model()
        report = json.loads(self.succeeds(model, "--input=x=1x2xf32=1 1", "--benchmark", "--exec=eager",
                                          "--format=json"))["benchmark"]
        self.assertEqual([t["executor"] for t in report["timings"]], ["eager"])
        self.assertEqual(report["eager_ratio"], 1)

    def test_reference(self):
        model = self.dense_model()
        report = json.loads(self.succeeds(model, "--input=x=1x2xf32=1 1", "--benchmark", "--exec=reference",
                                          "--format=json"))["benchmark"]
        self.assertEqual([t["executor"] for t in report["timings"]], ["reference", "eager"])

    def test_inputs_are_still_checked(self):
        self.fails(5, self.dense_model(), "--benchmark", says="missing --input x=VALUE: f32[batch,2]")


tool.main()
