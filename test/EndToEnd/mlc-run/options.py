"""Every option of mlc-run, what it prints where, and its exit codes."""

import numpy as np
import tool


class Options(tool.ToolTest):
    REFERENCE = ("--exec", "reference")

    def test_help_and_version(self):
        text = self.succeeds("--help")
        for option in ("--input", "--output", "--expected-output", "--function", "--exec", "--compare",
                       "--benchmark", "--emit", "--format", "--selftest", "--dim", "--parameter",
                       "--target", "--specialize", "--no-fuse", "--no-optimize", "--tolerance", "--limit-memory",
                       "--limit-seconds", "--map-weights", "--version", "Exit codes", "random:SEED"):
            self.assertIn(option, text)
        self.assertTrue(all(len(line) <= 100 for line in text.splitlines()))
        self.assertEqual(self.succeeds("-h"), text)
        self.assertRegex(self.succeeds("--version"), r"^mlc-run \d+\.\d+\.\d+\n$")

    def test_usage_errors(self):
        model = self.add_model()
        for arguments, says in [
                ([], "no MODEL"),
                ([""], "MODEL is empty"),
                ([model, model], "one MODEL at a time"),
                ([model, "--inptu", "x=ones"], "unknown option '--inptu'; did you mean --input?"),
                ([model, "--ouput=y=@y.npy"], "did you mean --output?"),
                ([model, "--qqqqqqqqqqq"], "--help lists the options"),
                ([model, "-x"], "unknown option '-x'"),
                ([model, "---input"], "unknown option"),
                ([model, "--benchmark=yes"], "--benchmark: takes no value"),
                ([model, "--input"], "--input: expected a value"),
                ([model, "--input", "x"], "--input: expected NAME=VALUE, got 'x'"),
                ([model, "--input", "=ones"], "expected NAME=VALUE"),
                ([model, "--input", "x=ones", "--input", "x=zeros"], "'x' is given twice"),
                ([model, "--output", "y=y.npy"], "expected NAME=@FILE.npy"),
                ([model, "--exec", "fast"], "expected jit, eager or reference, got 'fast'"),
                ([model, "--emit", "tokens"], "expected one of graph, "),
                ([model, "--format", "xml"], "expected json or text"),
                ([model, "--compare", "jit"], "expected reference"),
                ([model, "--dim", "batch=-1"], "expected a size >= 0, got '-1'"),
                ([model, "--dim", "batch=9223372036854775808"], "expected a size >= 0"),
                ([model, "--dim", "batch=1", "--dim", "batch=1"], "'batch' is given twice"),
                ([model, "--tolerance", "small"], "expected RELATIVE"),
                ([model, "--tolerance=-1"], "expected RELATIVE"),
                ([model, "--tolerance=nan"], "expected RELATIVE"),
                ([model, "--limit-memory", "1T"], "expected bytes"),
                ([model, "--limit-memory", "9999999999999G"], "expected bytes"),
                ([model, "--limit-seconds", "1.5"], "expected whole seconds"),
                ([model, "--emit=llvm", "--benchmark"], "choose one of --benchmark and --emit"),
                ([model, "--emit=llvm", "--input", "x=ones"], "--input has no meaning with --emit"),
                ([model, "--selftest", "--dim", "n=1"], "--dim has no meaning with --selftest"),
                ([model, "--selftest", "--emit=llvm"], "choose one of"),
                ([model, "--specialize", "batch"], "--specialize: expected NAME=VALUE, got 'batch'"),
                ([model, "--specialize", "batch=-1"], "--specialize: expected a size >= 0, got '-1'"),
                ([model, "--specialize", "batch=1", "--selftest"],
                 "--specialize has no meaning with --selftest"),
                ([model, "--specialize", "batch=1", "--emit=graph"],
                 "--specialize: function `main` has no symbolic dimension `batch`"),
                ([model, "--function", "train"], "no function 'train'; the functions are: main"),
                ([model, "--function="], "--function: expected a name"),
                ([model, "--input=x=ones", "--input=z=ones", "--dim", "batch=1"],
                 "no symbolic dimension 'batch'"),
        ]:
            with self.subTest(arguments[1:]):
                self.fails(2, *arguments, says=says)

    def test_values_attached_or_apart(self):
        model = self.add_model()
        expected = "y: f32[2,3]\n[[1, 1, 1],\n [1, 1, 1]]\n"
        self.assertEqual(self.succeeds(model, "--input=x=ones", "--input=z=zeros", "--exec=reference"),
                         expected)
        self.assertEqual(self.succeeds("--exec", "reference", "--input", "x=ones", "--input", "z=zeros",
                                       "--", model), expected)

    def test_model_that_looks_like_an_option(self):
        self.add_model("--add.json")
        self.assertIn("y: ", self.succeeds("--input=x=ones", "--input=z=ones", *self.REFERENCE, "--",
                                           "--add.json"))

    def test_function(self):
        model = self.two_functions()
        self.assertEqual(self.succeeds(model, "--input=x=f32=2", *self.REFERENCE), "y: f32[] 6\n")
        self.assertEqual(self.succeeds(model, "--input=x=f32=2", "--function=twice", *self.REFERENCE),
                         "y: f32[] 4\n")

    def test_specialize(self):
        model = self.dense_model()
        for executor in (self.REFERENCE, ()):
            arguments = [model, *executor, "--specialize=batch=2", "--compare=reference"]
            self.assertIn("y: f32[2,3]\n", self.succeeds(*arguments, "--input=x=ones"))
            self.fails(5, *arguments, "--input=x=1x2xf32=1 1", says="expected f32[2,2]")
            self.fails(2, *arguments, "--input=x=ones", "--dim=batch=2", says="no symbolic dimension 'batch'")
        text = self.succeeds(model, "--specialize=batch=2", "--emit=graph")
        self.assertIn("x : f32[2,2]", text)
        self.assertNotIn("batch", text)
        self.fails(2, model, "--specialize=rows=2", "--input=x=ones",
                   says="has no symbolic dimension `rows`; it has `batch`")

    def test_emit_graph(self):
        model = self.two_functions()
        text = self.succeeds(model, "--emit=graph")
        self.assertIn("twice", text)
        self.assertIn("f32[]", text)
        one = self.succeeds(model, "--emit=graph", "--function=twice")
        self.assertIn(one, text)
        self.assertNotIn("main", one)
        self.fails(2, model, "--emit=graph", "--function=train", says="no function 'train'")

    def test_output_files(self):
        model = self.dense_model()
        out = self.succeeds(model, "--input=x=1x2xf32=1 1", "--output=y=@y.npy", *self.REFERENCE)
        self.assertEqual(out, "")
        np.testing.assert_array_equal(np.load(self.dir / "y.npy"), np.float32([[5.5, 0, 10]]))
        self.fails(5, model, "--input=x=1x2xf32=1 1", "--output=q=@q.npy", *self.REFERENCE,
                   says="unknown output 'q'; the outputs are: y, p")
        self.fails(5, model, "--input=x=1x2xf32=1 1", "--output=y=@no/such/directory/y.npy",
                   *self.REFERENCE, says="no/such/directory/y.npy")

    def test_expected_output(self):
        model = self.dense_model()
        arguments = [model, "--input=x=1x2xf32=1 1", *self.REFERENCE]
        self.npy("good.npy", np.float32([[5.5, 0, 10.00001]]))
        self.npy("bad.npy", np.float32([[5.5, 0, 12]]))
        self.npy("shape.npy", np.float32([5.5, 0, 10]))
        self.npy("double.npy", np.float64([[5.5, 0, 10]]))
        self.assertIn("y: agrees with good.npy, worst difference",
                      self.succeeds(*arguments, "--expected-output=y=@good.npy"))
        outcome = self.run_tool(*arguments, "--expected-output=y=@bad.npy")
        self.assertEqual(outcome.code, 3)
        self.assertIn("y: DIFFERS from bad.npy: element [0, 2] is 10, expected 12", outcome.out)
        self.assertIn("output 'y' differs from bad.npy", outcome.err)
        self.fails(3, *arguments, "--expected-output=y=@good.npy", "--tolerance=0")
        self.succeeds(*arguments, "--expected-output=y=@bad.npy", "--tolerance=0,2")
        self.fails(3, *arguments, "--expected-output=y=@shape.npy", says="f32[1, 3]")
        self.fails(3, *arguments, "--expected-output=y=@double.npy", says="f64")
        self.fails(5, *arguments, "--expected-output=y=@none.npy", says="none.npy")

    def test_compare_reference(self):
        model = self.dense_model()
        out = self.succeeds(model, "--input=x=1x2xf32=1 1", *self.REFERENCE, "--compare=reference")
        self.assertIn("y: agrees with reference exactly\n", out)
        self.assertIn("p: agrees with reference exactly\n", out)

    def test_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = tool.subprocess.run([tool.MLC_RUN, "--help"], stdout=full, stderr=tool.subprocess.PIPE,
                                       text=True, check=False)
        self.assertEqual(done.returncode, 6)
        self.assertIn("cannot write", done.stderr)


tool.main()
