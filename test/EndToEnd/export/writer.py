"""The model file writer of mlc_export and its graph builder, with numpy alone."""

import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "mlc-run"))
import numpy as np  # noqa: E402
import tool  # noqa: E402
from mlc_export import ExportError, Graph, MissingOps, load_tensors, ops  # noqa: E402
from mlc_export.convert import Conversion, Weight  # noqa: E402
from mlc_export.errors import Unsupported  # noqa: E402

RANDOM = np.random.default_rng(3)


def floats(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def header_of(path):
    content = path.read_bytes()
    size, = struct.unpack("<Q", content[:8])
    return json.loads(content[8:8 + size]), 8 + size


class Builder(tool.ToolTest):
    def graph(self):
        graph = Graph()
        return graph, graph.function("main")

    def check(self, graph, inputs, outputs, *options):
        """mlc-run loads the graph, jit and the reference agree with it and with what numpy computed."""
        graph.save(self.dir / "model.safetensors")
        arguments = ["model.safetensors", "--compare=reference", *options]
        for name, array in inputs.items():
            arguments.append(f"--input={name}=@{self.npy(f'in-{name}.npy', array).name}")
        for name, array in outputs.items():
            array = np.asarray(array, order="C")
            arguments.append(f"--expected-output={name}=@{self.npy(f'out-{name}.npy', array).name}")
        return self.succeeds(*arguments)


class Writer(Builder):
    def unary(self, function, x, expected, *options):
        graph, main = self.graph()
        main.output("y", function(main, main.input("x", tool.mlc_export.graph.dtype_name(x), x.shape)))
        self.check(graph, {"x": x}, {"y": expected}, *options)

    def test_network_of_any_batch(self):
        graph, main = self.graph()
        weights, bias = floats(3, 2), floats(2)
        x = main.input("x", "f32", ["batch", 3])
        main.output("y", main.relu(main.linear(x, "layer", weights, bias)))
        for batch in (1, 7):
            x = floats(batch, 3)
            self.check(graph, {"x": x}, {"y": np.maximum(x @ weights + bias, 0)})
        self.assertEqual(set(load_tensors(self.dir / "model.safetensors")), {"layer.weights", "layer.bias"})
        # The comparison itself can fail.
        self.npy("out-y.npy", np.maximum(x @ weights + bias, 0) + np.float32(1e-3))
        self.assertEqual(self.run_tool("model.safetensors", "--input=x=@in-x.npy",
                                       "--expected-output=y=@out-y.npy").code, 3)

    def test_file_is_what_the_format_says(self):
        graph, main = self.graph()
        tensors = {"flag": np.array([True, False, True]), "b": np.arange(3, dtype=np.int64), "c": floats(5),
                   "a": np.arange(2, dtype=np.int64), "scalar": np.array(2.5, np.float32)}
        for name, array in tensors.items():
            main.output(name, main.parameter(name, array))
        self.check(graph, {}, tensors)
        header, start = header_of(self.dir / "model.safetensors")
        self.assertEqual(list(header), ["__metadata__", "a", "b", "c", "scalar", "flag"])
        self.assertEqual(start % 64, 0)
        for name, array in load_tensors(self.dir / "model.safetensors").items():
            np.testing.assert_array_equal(array, tensors[name])
        first = (self.dir / "model.safetensors").read_bytes()
        graph.save(self.dir / "again.safetensors")
        self.assertEqual((self.dir / "again.safetensors").read_bytes(), first)

    def test_goldens(self):
        graph, main = self.graph()
        main.output("y", main.unary("neg", main.input("x", "f32", ["n"])))
        graph.golden({"x": floats(3)}, {"y": np.zeros(3, np.float32)}, 0, 100)
        graph.save(self.dir / "good.safetensors")
        self.succeeds("good.safetensors", "--selftest")
        graph.golden({"x": np.ones(3, np.float32)}, {"y": np.ones(3, np.float32)}, 0, 0)
        graph.save(self.dir / "bad.safetensors")
        self.assertEqual(self.run_tool("bad.safetensors", "--selftest").code, 3)

    def test_constants(self):
        cases = [np.array([0.1, -0.0, np.nan, np.inf, -np.inf, 1e-45, 3.4028235e38], np.float32),
                 np.array([[True, False]]), np.array(-2**63, np.int64), np.array([7, -7], np.int32),
                 np.full((3, 2), 4, np.float32), np.zeros((2, 0), np.float32)]
        graph, main = self.graph()
        for i, array in enumerate(cases):
            main.output(f"y{i}", main.constant(array))
        self.check(graph, {}, {f"y{i}": array for i, array in enumerate(cases)})
        self.assertEqual(graph.parameters, {})
        self.assertIs(main.constant(cases[0]), main.constant(cases[0].copy()))

    def test_large_constants_are_parameters(self):
        graph, main = self.graph()
        table, other = floats(5, 5), floats(5, 5)
        main.output("a", main.constant(table, "table"))
        main.output("b", main.constant(other, "table"))
        main.output("c", main.constant(table, "table"))
        self.check(graph, {}, {"a": table, "b": other, "c": table})
        self.assertEqual(list(graph.parameters), ["table", "table_1"])

    def test_names(self):
        graph, main = self.graph()
        x = main.input("neg1", "f32", [2])
        y = main.unary("neg", main.unary("neg", x))
        self.assertEqual([n.results[0].name for n in main.nodes], ["neg0", "neg1_1"])
        main.output("y", y)
        self.check(graph, {"neg1": np.float32([1, 2])}, {"y": np.float32([1, 2])})
        for repeat, kind in ((lambda: main.input("neg1", "f32", []), "input"),
                             (lambda: main.output("y", y), "output"),
                             (lambda: graph.function("main"), "function")):
            with self.assertRaisesRegex(ExportError, f"two {kind}s are called"):
                repeat()
        w = main.parameter("w", floats(2))
        self.assertIs(main.parameter("w", graph.parameters["w"]), w)
        with self.assertRaisesRegex(ExportError, "two parameters are called 'w'"):
            main.parameter("w", floats(2))

    def test_locations(self):
        graph, main = self.graph()
        x = main.input("x", "f32", [2])
        main.relu(x)
        self.assertRegex(main.nodes[-1].location, r"^writer\.py:\d+:1$")
        main.location = "elsewhere.py:3:1"
        main.relu(x)
        main.location = ""
        main.output("y", main.relu(x))
        self.assertEqual([n.get("location") for n in main.json()["nodes"]][1:], ["elsewhere.py:3:1", None])
        self.check(graph, {"x": np.float32([-1, 1])}, {"y": np.float32([0, 1])})

    def test_nothing_is_left_of_a_failure(self):
        graph, main = self.graph()
        main.output("y", main.input("x", "f32", [2]))
        main.parameter("w", floats(2))
        graph.parameters["w"] = np.array([object(), object()])
        with self.assertRaises(ExportError):
            graph.save(self.dir / "model.safetensors")
        with self.assertRaisesRegex(ExportError, "no place for parameters"):
            graph.save(self.dir / "model.json")
        with self.assertRaisesRegex(ExportError, "complex64"):
            main.constant(np.array(1, np.complex64))
        self.assertEqual(list(self.dir.iterdir()), [])
        (self.dir / "folder").mkdir()
        with self.assertRaises(OSError):
            Graph().save(self.dir / "folder")
        self.assertEqual([p.name for p in self.dir.iterdir()], ["folder"])

    def test_arithmetic_of_several_ops(self):
        x = np.array([-80, -3, -0.7, -1e-4, -1e-30, 0, 1e-30, 1e-7, 3e-4, 0.3, 0.5, 2, 50], np.float32)
        wide = x.astype(np.float64)
        exact = ["--tolerance=1e-6,1e-37"]
        self.unary(ops.expm1, x, np.expm1(wide).astype(np.float32), *exact)
        above = x[x > -1]
        self.unary(ops.log1p, above, np.log1p(above.astype(np.float64)).astype(np.float32), *exact)
        for exponent in (0, 1, 2, 3, 7, -1, -2, 0.5, -0.5):
            base = np.array([0.5, 1, 1.5, 2], np.float32)
            self.unary(lambda f, v, e=exponent: ops.power(f, v, e), base, base ** np.float32(exponent))
        special = np.array([-np.inf, -2, -0.0, 0, 3, np.inf], np.float32)
        self.unary(ops.sign, special, np.sign(special))
        self.unary(ops.is_finite, special, np.isfinite(special))
        sevens = np.array([7, -7, 6, -1], np.int32)
        self.unary(lambda f, v: ops.remainder(f, v, ops.like(f, 3, v)), sevens, np.fmod(sevens, 3))

    def test_rounding(self):
        special = np.array([-np.inf, np.nan, -0.0, 0, 1e-45, 0.49999997, 8388607.5, 8388609, 2.0**31, 3e38])
        x = np.concatenate([np.arange(-4, 4.25, 0.25), special, -special]).astype(np.float32)
        for function, expected in ((ops.floor, np.floor), (ops.ceil, np.ceil), (ops.trunc, np.trunc),
                                   (ops.round_to_even, np.rint)):
            self.unary(function, x, expected(x), "--tolerance=0,0")
            with np.errstate(divide="ignore"):
                inverse = 1 / expected(x)  # shows the sign of 0
            self.unary(lambda f, v, g=function: ops.reciprocal(f, g(f, v)), x, inverse, "--tolerance=0,0")

    def test_floor_divide(self):
        a, b = (v.ravel().astype(np.int32) for v in np.meshgrid(np.arange(-7, 8), [-3, -2, -1, 1, 2, 3]))
        a[0], b[-1] = -2**31, 2**31 - 1
        graph, main = self.graph()
        values = ops.floor_divide(main, *(main.input(name, "i32", a.shape) for name in "ab"))
        for name, value in zip(("quotient", "rest"), values):
            main.output(name, value)
        self.check(graph, {"a": a, "b": b}, {"quotient": a // b, "rest": a % b})

    def test_tile(self):
        x = floats(2, 3)
        for counts in ((1, 2), (3, 1), (2, 3), (2, 1, 2), (0, 2)):
            self.unary(lambda f, v, c=counts: ops.tile(f, v, c), x, np.tile(x, counts))
        self.unary(lambda f, v: ops.tile(f, v, (2, 2)), x[:, :0], np.tile(x[:, :0], (2, 2)))

    def test_arg_extremes(self):
        x = np.array([[1, 3, 3, 2], [5, np.nan, 9, np.nan], [-np.inf] * 4], np.float32)
        for kind, function in (("max", np.argmax), ("min", np.argmin)):
            for axis in (0, 1):
                self.unary(lambda f, v, k=kind, a=axis: ops.arg_extreme(f, k, v, a, "i32"), x,
                           function(x, axis).astype(np.int32))

    def test_pad(self):
        x = floats(2, 3)
        self.unary(lambda f, v: ops.pad(f, v, [1, 0], [2, 3], f.scalar(9, "f32")), x,
                   np.pad(x, ((1, 2), (0, 3)), constant_values=9))
        self.unary(lambda f, v: ops.pad(f, v, [0, -1], [0, 2], f.scalar(0, "f32")), x,
                   np.pad(x[:, 1:], ((0, 0), (0, 2))))

    def test_reverse(self):
        x = floats(3, ops.MAX_PIECES)
        self.unary(lambda f, v: ops.reverse(f, v, [0, 1]), x, x[::-1, ::-1])
        self.unary(lambda f, v: ops.reverse(f, v, [1]), x[:, :0], x[:, :0])
        for dims, problem in (([ops.MAX_PIECES + 1], "of more than 64"), (["n"], "symbolic")):
            _, main = self.graph()
            with self.assertRaisesRegex(Unsupported, problem):
                ops.reverse(main, main.input("x", "f32", dims), [0])

    def test_matmul_of_all_ranks(self):
        for a, b in [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
                     ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((3, 4), (5, 4, 2)),
                     ((5, 2, 3), (3,))]:
            self.product(a, b, ops.matmul, np.matmul(*self.pair(a, b)))
        shapes = (5, 2, 3), (3, 4)
        self.product(*shapes, ops.matmul, np.matmul(*self.pair(*shapes)), symbolic=[0])

    def test_dot_general(self):
        for text, a, b, contract, batch, symbolic in [
                ("ij,jk->ik", (2, 3), (3, 4), ([1], [0]), ([], []), [0]),
                ("ji,kj->ik", (3, 2), (4, 3), ([0], [1]), ([], []), None),
                ("bqhd,bkhd->bhqk", (2, 3, 4, 5), (2, 6, 4, 5), ([3], [3]), ([0, 2], [0, 2]), [0, 1]),
                ("abc,cd->abd", (2, 3, 4), (4, 5), ([2], [0]), ([], []), [0]),
                ("bij,bjk->bik", (5, 2, 3), (5, 3, 4), ([2], [1]), ([0], [0]), [0, 1]),
                ("abcd,dcef->abef", (2, 3, 4, 5), (5, 4, 2, 3), ([2, 3], [1, 0]), ([], []), [0]),
                ("i,i->", (3,), (3,), ([0], [0]), ([], []), None),
                ("i,j->ij", (3,), (4,), ([], []), ([], []), [0]),
                ("i,ki->k", (3,), (4, 3), ([0], [1]), ([], []), [1])]:
            def convert(f, x, y, axes=(contract, batch)):
                return ops.dot_general(f, x, y, *axes)
            expected = np.einsum(text, *self.pair(a, b))
            for which in ([], symbolic):
                if which is not None:
                    with self.subTest(text, symbolic=which):
                        self.product(a, b, convert, expected, which)

    def pair(self, a, b):
        return [np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 4 for shape in (a, b)]

    def product(self, a, b, convert, expected, symbolic=()):
        """`symbolic` says of which operands (0, 1) the leading dimension is."""
        graph, main = self.graph()
        dims = [["n", *shape[1:]] if i in symbolic else shape for i, shape in enumerate((a, b))]
        main.output("z", convert(main, *(main.input(n, "f32", d) for n, d in zip("xy", dims))))
        self.check(graph, dict(zip("xy", self.pair(a, b))), {"z": expected})


class Blocks(Builder):
    def test_if(self):
        weights = floats(3, 3)

        def then(block, x, y):
            product = block.matmul(x, block.parameter("w", weights))
            return [product, block.binary("sub", y, block.scalar(1.5, "f32"))]

        def otherwise(block, x, y):
            return [x, block.binary("mul", y, block.scalar(1.5, "f32"))]
        graph, main = self.graph()
        x = main.input("x", "f32", ["n", 3])
        y = main.input("y", "f32", [])
        predicate = main.compare("gt", y, main.scalar(0, "f32"))
        first, second = main.if_(predicate, then, otherwise, [x, y])
        main.output("first", first)
        main.output("second", second)
        for rows in (1, 3):
            x = floats(rows, 3)
            for y in (np.float32(2.25), np.float32(-2.25), np.float32(np.nan)):
                expected = {"first": x @ weights, "second": y - np.float32(1.5)} if y > 0 else \
                    {"first": x, "second": y * np.float32(1.5)}
                self.check(graph, {"x": x, "y": y}, expected)

    def doubling(self, limit=None):
        """x doubled until it is above the bound."""
        graph, main = self.graph()
        x, bound = main.input("x", "i32", []), main.input("bound", "i32", [])
        result, = main.while_(lambda block, x, bound: [block.compare("le", x, bound)],
                              lambda block, x, bound: [block.add(x, x)], [x], [bound], limit)
        main.output("y", result)
        return graph

    def test_while(self):
        for x, bound, expected in ((1, 100, 128), (3, 3, 6), (7, 0, 7)):
            inputs = {"x": np.int32(x), "bound": np.int32(bound)}
            self.check(self.doubling(), inputs, {"y": np.int32(expected)})
        self.check(self.doubling(3), {"x": np.int32(1), "bound": np.int32(7)}, {"y": np.int32(8)})
        self.doubling(3).save(self.dir / "model.safetensors")
        self.fails(6, "model.safetensors", "--input=x=i32=1", "--input=bound=i32=8",
                   says=["has run 3 times, its `limit`"])

    def summing(self, xs, **options):
        """sums of xs * factor, from a start on; all sums too."""
        graph, main = self.graph()
        start, factor = main.input("start", "f32", [2]), main.input("factor", "f32", [2])

        def step(block, total, *given):
            total = block.add(total, block.binary("mul", given[0] if xs else total, given[-1]))
            return [total, total]
        sequences = [main.input("xs", "f32", xs)] if xs else []
        for name, value in zip(("last", "all"), main.scan(step, [start], sequences, [factor], **options)):
            main.output(name, value)
        return graph

    def test_scan(self):
        start, factor = floats(2), floats(2)
        for steps in (1, 5, 0):
            xs = floats(steps, 2)
            for reverse in (False, True):
                order = slice(None, None, -1 if reverse else 1)
                sums = [start]
                for row in xs[order]:
                    sums.append(sums[-1] + row * factor)
                expected = {"last": sums[-1], "all": np.array(sums[1:], np.float32).reshape(steps, 2)[order]}
                for dim in (steps, "steps"):
                    self.check(self.summing([dim, 2], reverse=reverse),
                               {"start": start, "factor": factor, "xs": xs}, expected)

    def test_scan_without_sequences(self):
        start, factor = floats(2), floats(2)
        for steps in (0, 1, 4):
            sums = [start]
            for _ in range(steps):
                sums.append(sums[-1] + sums[-1] * factor)
            self.check(self.summing(None, length=steps), {"start": start, "factor": factor},
                       {"last": sums[-1], "all": np.array(sums[1:], np.float32).reshape(steps, 2)})

    def test_blocks_in_blocks(self):
        """Rows of a table; of each its elements, added if they are positive, else doubled and added."""
        table = RANDOM.integers(-9, 9, (4, 3)).astype(np.int32)

        def element(block, total, x):
            positive = block.compare("gt", x, block.scalar(0, "i32"))
            summand, = block.if_(positive, lambda f, x: [x], lambda f, x: [f.add(x, x)], [x])
            return [block.add(total, summand)]

        def row(block, total, xs):
            return block.scan(element, [total], [xs]) * 2
        graph, main = self.graph()
        last, totals = main.scan(row, [main.scalar(0, "i32")], [main.input("x", "i32", [4, 3])])
        main.output("last", last)
        main.output("totals", totals)
        expected = np.cumsum(np.where(table > 0, table, 2 * table).sum(1)).astype(np.int32)
        self.check(graph, {"x": table}, {"last": expected[-1], "totals": expected})

    def test_blocks_see_their_own_values(self):
        graph, main = self.graph()
        x = main.input("x", "f32", [2])
        main.scan(lambda block, total: [block.add(total, x)], [x], length=1)
        main.output("y", x)
        graph.save(self.dir / "model.safetensors")
        self.fails(5, "model.safetensors", "--emit=graph", says=["`x`"])

    def test_names_and_locations(self):
        graph, main = self.graph()
        x = main.input("arg", "f32", [2])
        for _ in range(2):
            x, = main.scan(lambda block, x: [block.relu(x)], [x], length=1)
        main.output("y", x)
        names = [v.name for n in main.nodes for b in n.blocks for v in (*b.inputs, *b.nodes[0].results)]
        self.assertEqual(names, ["arg_1", "relu0", "arg_2", "relu0_1"])
        inner, outer = main.nodes[0].blocks[0].nodes[0].location, main.nodes[0].location
        self.assertRegex(inner, r"^writer\.py:\d+:1$")
        self.assertEqual(inner, outer)

    def test_conversion(self):
        """What is known outside is made anew inside, what is computed is passed in, and all that is missing
        is told."""
        weight, number = Weight("w", floats(20)), np.float32(3)

        def convert(conversion):
            x = conversion.input("x", "f32", [20])
            values, all_operands = conversion.passed([weight, x, number])
            self.assertEqual(values, [x])

            def block(*inputs):
                w, x, n = map(conversion.value, all_operands(inputs))
                product = conversion.f.binary("mul", x, w)
                return [conversion.f.add(product, conversion.f.broadcast(n, [20], []))]
            total = conversion.f.add(x, conversion.value(weight))
            return conversion.f.if_(conversion.value(np.bool_(True)), conversion.block(block),
                                    conversion.block(lambda x: [weight]), values) + [total]
        conversion = Conversion(Graph().function("main"))
        conversion.outputs(["y", "total"], convert(conversion))
        conversion.finish()
        x = floats(20)
        self.check(conversion.f.graph, {"x": x}, {"y": x * weight.array + number, "total": x + weight.array})
        self.assertEqual(list(conversion.f.graph.parameters), ["w"])

        def missing(*inputs):
            return conversion.step("sort", "a.py:1:1", None, [("f32", [2])])
        conversion.f.scan(conversion.block(missing), [conversion.value(number)], length=2)
        with self.assertRaises(MissingOps) as caught:
            conversion.finish()
        self.assertEqual(caught.exception.missing, {"sort": ["a.py:1:1"]})


class Problems(tool.ToolTest):
    def test_all_at_once(self):
        conversion = Conversion(Graph().function("main"))
        x = conversion.input("x", "f64", ["batch", 2])

        def unsupported():
            raise Unsupported("of a kind")
        conversion.step("sort", "a.py:1:1", None, [("f32", [2])])
        y, = conversion.step("sort", "a.py:2:1", None, [("f32", ["batch", "batch"])])
        conversion.step("gather", "a.py:3:1", unsupported, [("f32", ["2*batch"])])
        conversion.step("sum", "a.py:4:1", lambda: [conversion.f.reduce("sum", x, [0])], [("f64", [2])])
        conversion.outputs(["y"], [y])
        with self.assertRaises(MissingOps) as caught:
            conversion.finish()
        self.assertEqual(caught.exception.missing, {
            "dtype f64": ["input x", "a.py:4:1"],
            "sort": ["a.py:1:1", "a.py:2:1"],
            "symbolic dimension that is not the leading one": ["a.py:2:1"],
            "dimension 2*batch": ["a.py:3:1"],
            "gather: of a kind": ["a.py:3:1"],
            "sum: reduce along the symbolic dimension": ["a.py:4:1"]})
        self.assertIn("  sort (2 x): a.py:1:1, a.py:2:1\n", str(caught.exception))

    def test_a_wrong_rule_is_noticed(self):
        conversion = Conversion(Graph().function("main"))
        x = conversion.input("x", "f32", [2])
        with self.assertRaisesRegex(ExportError, "a mistake in its rule"):
            conversion.step("neg", "a.py:1:1", lambda: [conversion.f.cast(x, "i32")], [("f32", [2])])


if __name__ == "__main__":
    tool.main()
