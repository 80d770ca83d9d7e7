"""What needs the compiler half: jit and eager, all phases, .mlir files, the helper process."""

import random

import tool


class Compiled(tool.ToolTest):
    def test_executors_agree(self):
        model = self.dense_model()
        arguments = [model, "--input=x=random:1", "--dim=batch=5"]
        reference = self.succeeds(*arguments, "--exec=reference", "--output=y=@y.npy")
        self.assertEqual(reference, "")
        for executor in ("jit", "eager"):
            for options in ((), ("--no-fuse",), ("--no-optimize",), ("--no-fuse", "--no-optimize"),
                            ("--limit-memory=0", "--limit-seconds=0"), ("--target=x86-64-v3",)):
                with self.subTest((executor, options)):
                    out = self.succeeds(*arguments, f"--exec={executor}", *options, "--compare=reference",
                                        "--expected-output=y=@y.npy")
                    self.assertIn("y: agrees with y.npy", out)
                    self.assertIn("p: agrees with reference", out)

    def test_call_and_functions(self):
        model = self.two_functions()
        for executor in ("jit", "eager"):
            self.assertEqual(self.succeeds(model, "--input=x=f32=2", f"--exec={executor}"), "y: f32[] 6\n")
            self.assertEqual(self.succeeds(model, "--input=x=f32=2", f"--exec={executor}",
                                           "--function=twice"), "y: f32[] 4\n")

    def test_index_outside(self):
        """Exit code 5 in every executor, also from the text of a later phase."""
        model = self.write("take.mlir", """
            func.func @main(%x: tensor<5x2xf32> {mlc.input = "x"}, %i: tensor<?xi32> {mlc.input = "i"})
                -> (tensor<?x2xf32> {mlc.output = "y"}) attributes {mlc.dims = ["n"]} {
              %y = mlc.take %x, %i {axis = 0 : i64} : (tensor<5x2xf32>, tensor<?xi32>) -> tensor<?x2xf32>
              return %y : tensor<?x2xf32>
            }""")
        fused = self.write("fused.mlir", self.succeeds(model, "--emit=fused"))
        for file, function, executor in ((model, "main", "jit"), (model, "main", "eager"),
                                         (model, "main", "reference"), (fused, "run", "jit")):
            with self.subTest((file.name, executor)):
                run = (file, f"--function={function}", "--input=x=5x2xf32=0 1 2 3 4 5 6 7 8 9", f"--exec={executor}")
                self.assertEqual(self.succeeds(*run, "--input=i=2xi32=-1 1"), "y: f32[2,2]\n[[8, 9],\n [2, 3]]\n")
                for index in (5, -6, 2**31 - 1, -2**31):
                    self.fails(5, *run, f"--input=i=3xi32=0 {index} 1",
                               says=[f"function `{function}`: node `", "take: ", "is not in [-5, 5)"])

    def test_every_phase(self):
        model = self.dense_model()
        for phase, shows in [("mlir", "mlc.matmul"), ("fused", "mlc.fusion"), ("linalg", "linalg."),
                             ("buffers", "memref<"), ("vector", "vector<"), ("llvm", "define "),
                             ("asm", "ret")]:
            with self.subTest(phase):
                self.assertIn(shows, self.succeeds(model, f"--emit={phase}"))
        oldest = self.succeeds(model, "--emit=asm", "--target=x86-64-v2")
        self.assertIn("xmm", oldest)
        self.assertNotRegex(oldest, "ymm|zmm|vmul|vadd|vmov|fmadd")
        old = self.succeeds(model, "--emit=asm", "--target=x86-64-v3")
        self.assertIn("xmm", old)
        self.assertNotIn("zmm", old)
        self.assertNotEqual(old, self.succeeds(model, "--emit=asm", "--target=x86-64-v4"))
        self.fails(2, model, "--emit=asm", "--target=z80", says="z80")

    def test_unfused_is_another_program(self):
        model = self.dense_model()
        self.assertNotEqual(self.succeeds(model, "--emit=fused"),
                            self.succeeds(model, "--emit=fused", "--no-fuse"))

    def test_mlir_file(self):
        """What --emit=mlir prints is a model again; its weights come from options."""
        model = self.dense_model()
        mlir = self.write("dense.mlir", self.succeeds(model, "--emit=mlir"))
        self.assertEqual(self.succeeds(mlir, "--emit=mlir"), mlir.read_text())
        x = "--input=x=1x2xf32=1 1"
        self.fails(5, mlir, x, says=["missing parameter 'w': f32[2,3]", "missing parameter 'bias': f32[3]"])
        out = self.succeeds(mlir, x, "--parameter=w=2x3xf32=1 2 3 4 5 6", "--parameter=bias=3xf32=0.5 -100 1")
        self.assertEqual(out, self.succeeds(model, x))

    def test_bad_mlir_files(self):
        for name, text, code in [
                ("empty", "", 5),
                ("garbage", "not mlir", 5),
                ("unknown", '"other.op"() : () -> ()', 5),
                ("arith", "func.func @main() -> f32 { %0 = arith.constant 1.0 : f32 return %0 : f32 }", 5),
                ("nesting", "(" * 100_000, 5),
                ("attributes", "module attributes {a = " + "[" * 100_000, 5),
                ("regions", "module {" * 100_000, 5),
                ("bytecode", "ML\u00efR" + "x" * 100, 5),
        ]:
            with self.subTest(name):
                path = self.write(name + ".mlir", text.encode("latin-1"))
                self.fails(code, path, "--emit=graph", says=name + ".mlir", seconds=10)
        with open(self.dir / "large.mlir", "wb") as file:
            file.truncate(1 << 40)
        self.fails(6, "large.mlir", "--emit=graph", says="large.mlir", seconds=10)

    def test_time_of_the_compiler(self):
        """A graph of kernels that all differ, so that none is shared; the helper ends with the command."""
        graph = tool.mlc_export.Graph()
        main = graph.function("main")
        values = [main.input("x", "f32", [7, 11])]
        choice = random.Random(0).choice
        for _ in range(30_000):
            op = choice(["exp", "tanh", "log", "erf"])
            values.append(main.node(op, [values[-1]], "f32", [7, 11]))
        main.output("y", values[-1])
        graph.save(self.dir / "long.json")
        self.fails(6, "long.json", "--input=x=ones", "--limit-seconds=1", says="limit", seconds=10)

    def test_memory_of_the_compiler(self):
        if tool.SANITIZED:
            self.skipTest("sanitizers reserve terabytes of addresses")
        self.fails(6, self.dense_model(), "--input=x=1x2xf32=1 1", "--limit-memory=60M", says="memory")

    def test_eager_frees_what_it_no_longer_needs(self):
        if tool.SANITIZED:
            self.skipTest("sanitizers reserve terabytes of addresses")
        graph = tool.mlc_export.Graph()
        main = graph.function("main")
        value = main.input("x", "f32", [1 << 24])  # 64 MiB
        for _ in range(15):
            value = main.node("neg", [value], "f32", [1 << 24])
        main.output("y", main.node("reduce", [value], "f32", [], {"kind": "max", "axes": [0]}))
        graph.save(self.dir / "chain.json")
        self.assertEqual(self.succeeds("chain.json", "--input=x=ones", "--exec=eager", "--limit-memory=400M"),
                         "y: f32[] -1\n")

    def test_no_compiler(self):
        model = self.dense_model()
        away = {"MLC_COMPILE_HELPER": "/nonexistent/helper"}
        x = "--input=x=1x2xf32=1 1"
        self.fails(4, model, x, env=away, says="/nonexistent/helper")
        eager = self.run_tool(model, x, "--exec=eager", env=away)
        self.assertEqual(eager.code, 0)
        self.assertIn("ops are evaluated by the reference", eager.err)
        self.assertEqual(eager.out, self.succeeds(model, x, "--exec=reference"))
        self.succeeds(model, "--emit=graph", env=away)


tool.main()
