"""--profile and --explain: kernels, the ops in them, and times that add up."""

import importlib.util
import json

import tool

DIGITS = tool.ROOT / "examples/digits/digits.safetensors"
# Names, and lines, of the nodes of each kernel of digits.
DIGITS_NODES = [["matmul1", "broadcast3", "add4", "relu5"], ["matmul7", "broadcast9", "add10"]]
DIGITS_PLACES = ["train.py:42:1", "train.py:43:1"]


def nodes(kernel):
    return [op["node"] for op in kernel["ops"]]


def linear(count):
    return (count["constant"], count["factor"])


class KernelTest(tool.ToolTest):
    def profile(self, model, *arguments):
        """The profile of a model; its kernels' times must be those of the call."""
        for attempt in range(5):  # Whatever else runs may interrupt a call between kernels.
            whole = json.loads(self.succeeds(model, *arguments, "--profile", "--format=json"))
            self.assertIn(tool.keys(whole), tool.documented_keys())
            report = whole["profile"]
            total = sum(kernel["ns"] for kernel in report["kernels"])
            self.assertAlmostEqual(total, report["kernels_ns"], delta=1e-6 * total)
            if tool.SANITIZED or abs(total - report["call_ns"]) <= 0.05 * report["call_ns"]:
                return report
        self.fail(f"the kernels take {total} ns, the call {report['call_ns']} ns")

    def seed(self):
        spec = importlib.util.spec_from_file_location("make", tool.ROOT / "examples/seed/make.py")
        make = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(make)
        make.build_seed().save(self.dir / "seed.safetensors")
        return self.dir / "seed.safetensors"


class Profile(KernelTest):
    def test_digits(self):
        report = self.profile(DIGITS, "--input=images=random:1", "--dim=batch=100")
        self.assertEqual([nodes(kernel) for kernel in report["kernels"]], DIGITS_NODES)
        for kernel, place in zip(report["kernels"], DIGITS_PLACES):
            self.assertEqual({op["place"] for op in kernel["ops"]}, {place})
            self.assertEqual((kernel["calls"], kernel["kind"]), (1, "contraction"))
            self.assertIn("packed right-hand side", kernel["strategy"])
            self.assertGreater(kernel["ns"], 0)
            self.assertEqual(kernel["chain"], "chain_0")
        hidden, logits = report["kernels"]
        # 2 * 64 * 64 of the product, the addition, relu; images in and values out. Packed
        # weights may have columns of zeros more.
        self.assertEqual(linear(hidden["operations"]), (0, 2 * 64 * 64 + 64 + 64))
        self.assertEqual(linear(logits["operations"]), (0, 2 * 64 * 10 + 10))
        for kernel, columns in ((hidden, 64), (logits, 10)):
            constant, factor = linear(kernel["bytes"])
            self.assertEqual(factor, 4 * (64 + columns))
            self.assertGreaterEqual(constant, 4 * 65 * columns)
            self.assertLess(constant, 4 * 65 * (columns + 64))
        self.assertAlmostEqual(hidden["gflops"], 100 * (2 * 64 * 64 + 128) / hidden["ns"], places=6)
        self.assertAlmostEqual(hidden["gbytes_per_s"], (hidden["bytes"]["constant"] + 4 * 12800) / hidden["ns"], places=6)
        if report["peak_gflops"] > 0:
            least = 100 * (2 * 64 * 64 + 128) / report["peak_gflops"]
            self.assertGreaterEqual(hidden["sol_ns"], 0.999 * least)
            self.assertAlmostEqual(hidden["sol_share"], hidden["sol_ns"] / hidden["ns"], places=6)

    def test_kernels_of_a_chain_share_its_time(self):
        for rows, threads in ((200, 1), (3000, 2)):
            with self.subTest(rows=rows, threads=threads):
                report = self.profile(DIGITS, "--input=images=random:1", f"--dim=batch={rows}", f"--threads={threads}")
                self.assertEqual([kernel["calls"] for kernel in report["kernels"]], [1, 1])
                hidden, logits = (kernel["ns"] for kernel in report["kernels"])
                self.assertGreater(hidden, logits)

    def test_seed(self):
        report = self.profile(self.seed(), "--input=x=random:1")
        self.assertEqual([nodes(kernel)[0] for kernel in report["kernels"]],
                         ["matmul1", "matmul7", "matmul13"])
        for kernel in report["kernels"]:
            self.assertTrue(all(op["place"].startswith("make.py:") for op in kernel["ops"]), kernel)

    def test_text(self):
        out = self.succeeds(DIGITS, "--input=images=random:1", "--dim=batch=100", "--profile")
        self.assertRegex(out, r"(?m)^kernel +calls +us/call +share +GFLOP/s +GB/s +of SOL$")
        self.assertRegex(out, r"(?m)^kernel_\d +1 +[\d.]+ +[\d.]+% +[\d.]+ +[\d.]+ +[\d.]+%$")
        self.assertRegex(out, r"(?m)^  relu +relu5 \(train.py:42:1\)$")
        self.assertRegex(out, r"(?m)^all kernels +[\d.]+ +[\d.]+%$")

    def test_kernels_in_loops_are_counted_every_time(self):
        (self.dir / "loop.mlir").write_text("""
func.func @main(%x: tensor<1000xf32> {mlc.input = "x"}) -> (tensor<1000xf32> {mlc.output = "y"}) {
  %y = mlc.scan %x {carried = 1 : i64, sequences = 0 : i64, length = 7 : i64} : (tensor<1000xf32>) -> tensor<1000xf32> {
  ^bb0(%a: tensor<1000xf32>):
    %t = mlc.tanh %a : (tensor<1000xf32>) -> tensor<1000xf32>
    mlc.yield %t : tensor<1000xf32>
  }
  return %y : tensor<1000xf32>
}
""")
        report = self.profile("loop.mlir", "--input=x=random:1")
        calls = [k["calls"] for k in report["kernels"] if any(op["op"] == "tanh" for op in k["ops"])]
        self.assertEqual(calls, [7])

    def test_the_results_are_still_checked(self):
        out = self.succeeds(DIGITS, "--input=images=random:1", "--dim=batch=3", "--profile",
                            "--compare=reference")
        self.assertRegex(out, r"^logits: agrees with reference")

    def test_usage(self):
        for arguments, says in [
                (["--profile", "--benchmark"], "choose one of --benchmark and --profile"),
                (["--explain", "--profile"], "choose one of --profile and --explain"),
                (["--profile", "--exec=eager"], "--exec=eager has no meaning with --profile"),
                (["--explain", "--exec=reference"], "--exec=reference has no meaning with --explain"),
                (["--explain", "--input=images=ones"], "--input has no meaning with --explain"),
                (["--profile", "--debug-nans"], "--debug-nans has no meaning with --profile")]:
            with self.subTest(arguments):
                self.fails(2, DIGITS, *arguments, says=says)


class Explain(KernelTest):
    def test_digits(self):
        whole = json.loads(self.succeeds(DIGITS, "--explain", "--format=json"))
        self.assertIn(tool.keys(whole), tool.documented_keys())
        report = whole["explanation"]
        self.assertEqual(report["dimension"], "batch")
        kernels = report["kernels"]
        *links, chain = [k for k in kernels if not k["prepares"]]
        self.assertEqual([nodes(k) for k in links], DIGITS_NODES)
        self.assertEqual([k["chain"] for k in links], [chain["kernel"]] * 2)
        self.assertEqual((chain["kind"], chain["chain"], chain["ops"]), ("chain", "", []))
        # What lies between the two is no matter of the chain's: 64 floats, written and read once.
        self.assertEqual(chain["bytes"]["factor"], sum(k["bytes"]["factor"] for k in links) - 2 * 4 * 64)
        self.assertEqual(chain["operations"]["factor"], sum(k["operations"]["factor"] for k in links))
        ops = {op["node"]: op for op in report["ops"]}
        self.assertEqual(len(ops), 11)
        self.assertEqual((ops["relu5"]["note"], ops["add10"]["note"]),
                         ("consumer is a contraction", "function result"))
        self.assertEqual(ops["add4"]["note"], "")
        for name in DIGITS_NODES[0]:
            *_, last = ops[name]["kernels"]
            self.assertEqual(nodes(kernels[last]), DIGITS_NODES[0])
            self.assertEqual(ops[name]["place"], DIGITS_PLACES[0])
        # The weights of a product are packed once.
        first, _ = ops["matmul1"]["kernels"]
        self.assertTrue(kernels[first]["prepares"])
        self.assertEqual([op["op"] for op in kernels[first]["ops"]], ["pack"])
        self.assertEqual(ops["layer0.bias"]["kernels"], [])

    def test_every_op_is_in_a_kernel_of_its_own(self):
        report = json.loads(self.succeeds(DIGITS, "--explain", "--no-fuse", "--format=json"))
        for kernel in report["explanation"]["kernels"]:
            self.assertLessEqual(len([n for n in nodes(kernel) if not n.startswith("broadcast")]), 1)
        self.assertIn("fusion is off", [op["note"] for op in report["explanation"]["ops"]])

    def test_called_functions_are_inlined(self):
        report = json.loads(self.succeeds(self.two_functions(), "--explain", "--format=json"))
        self.assertEqual(len(report["explanation"]["ops"]), 2)
        (kernel,) = report["explanation"]["kernels"]
        self.assertEqual(sorted(nodes(kernel)), sorted(op["node"] for op in report["explanation"]["ops"]))

    def test_text(self):
        out = self.succeeds(DIGITS, "--explain")
        self.assertRegex(out, r"(?m)^relu5 \(train.py:42:1\) +relu +kernel_\d +consumer is a contraction$")
        self.assertRegex(out, r"(?m)^  strategy +tiles of \d+ x \d+, vectors of \d+")
        self.assertRegex(out, r"(?m)^  operations +8320 \* batch$")
        self.assertRegex(out, r"(?m)^  bytes +\d+ \+ 512 \* batch$")


tool.main()
