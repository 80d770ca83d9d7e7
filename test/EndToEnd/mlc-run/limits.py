"""--limit-memory and --limit-seconds, for every executor."""

import json
import time

import tool
from tool import GIB


class Limits(tool.ToolTest):
    def slow_model(self, size=4096):
        """A matmul that takes the reference minutes."""
        graph = tool.mlc_export.Graph()
        main = graph.function("main")
        x = main.input("x", "f32", [size, size])
        main.output("y", main.matmul(x, x))
        graph.save(self.dir / "slow.json")
        return self.dir / "slow.json"

    def big_model(self, size):
        """A scalar that becomes f32[size]."""
        graph = tool.mlc_export.Graph()
        main = graph.function("main")
        x = main.input("x", "f32", [])
        main.output("y", main.broadcast(x, [size], []))
        graph.save(self.dir / "big.json")
        return self.dir / "big.json"

    def test_time_of_the_reference(self):
        start = time.monotonic()
        self.fails(6, self.slow_model(), "--input=x=random:1", "--exec=reference", "--output=y=@y.npy",
                   f"--limit-seconds={5 if tool.SANITIZED else 1}", says=["--limit-seconds", "running"])
        self.assertLess(time.monotonic() - start, 5 if not tool.SANITIZED else 30)

    def test_memory_of_inputs(self):
        model = self.add_model(dims=["n", 1024])
        # 4 GiB each; and two of 3 GiB that fit one by one.
        for size in (1 << 20, 3 << 18):
            self.fails(6, model, "--input=x=ones", "--input=z=ones", f"--dim=n={size}", "--exec=reference",
                       says="--limit-memory")
        self.fails(6, model, "--input=x=ones", "--input=z=ones", f"--dim=n={1 << 60}", "--limit-memory=0",
                   "--exec=reference", says="does not fit")

    def test_memory_of_results(self):
        if tool.SANITIZED:
            self.skipTest("sanitizers reserve terabytes of addresses")
        model = self.big_model(8 * GIB)
        self.fails(6, model, "--input=x=f32=1", "--exec=reference", seconds=10)

    def test_memory_of_the_file(self):
        model = self.dense_model()
        self.fails(6, model, "--input=x=1x2xf32=1 1", "--exec=reference", "--limit-memory=100", says="limit")

    def test_limits_that_are_enough_change_nothing(self):
        model = self.dense_model()
        arguments = [model, "--input=x=1x2xf32=1 1", "--exec=reference"]
        plain = self.succeeds(*arguments)
        self.assertEqual(plain, self.succeeds(*arguments, "--limit-memory=0", "--limit-seconds=0"))
        self.assertEqual(plain, self.succeeds(*arguments, "--limit-memory=256M", "--limit-seconds=100"))

    def test_many_nodes(self):
        """Twenty thousand nodes are read, validated and run within the bounds."""
        graph = tool.mlc_export.Graph()
        main = graph.function("main")
        value = x = main.input("x", "f32", [2])
        for _ in range(20_000):
            value = main.add(value, x)
        main.output("y", value)
        model = self.dir / "long.json"
        model.write_text(json.dumps(graph.json()))
        self.assertEqual(self.succeeds(model, "--input=x=ones", "--exec=reference", seconds=60),
                         "y: f32[2] [20001, 20001]\n")


tool.main()
