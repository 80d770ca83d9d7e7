"""Uses the extension as its users do, from the sqlite3 shell, and checks it against numpy.

    check.py SQLITE3 EXTENSION
"""

import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np

import digits_table

HERE = pathlib.Path(__file__).parent
DIGITS = digits_table.DIGITS
DIGITS_MODEL = str(DIGITS / "digits.safetensors")
FANCY_MODEL = str(HERE.parent / "fancy/fancy.json")
sys.path.insert(0, str(HERE.parents[1] / "python/mlc_export"))
import mlc_export  # noqa: E402

SHELL, EXTENSION = sys.argv[1:3]


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def blob(*numbers, dtype="<f4"):
    return f"x'{np.array(numbers, dtype).tobytes().hex()}'"


def image(i):
    return f"(SELECT pixels FROM digits WHERE id = {i})"


class Extension(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._directory = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls._directory.name)
        cls.database = cls.dir / "digits.db"
        digits_table.make(cls.database)
        cls.logits = np.load(DIGITS / "heldout-logits.npy")
        cls.labels = np.load(DIGITS / "heldout-labels.npy")
        cls.images = np.load(DIGITS / "heldout-images.npy").astype("<f4")

    @classmethod
    def tearDownClass(cls):
        cls._directory.cleanup()

    def shell(self, script, *options, **environment):
        script = script.replace(":digits", quoted(DIGITS_MODEL)).replace(":fancy", quoted(FANCY_MODEL))
        return subprocess.run([SHELL, "-batch", "-bail", *options, "-cmd", f".load {EXTENSION}", self.database],
                              input=script, capture_output=True, text=True, cwd=self.dir, timeout=600,
                              env={**os.environ, **environment})

    def rows(self, script, *options):
        """What the shell prints for statements, as JSON values."""
        done = self.shell(script, "-json", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), script)
        return [row for line in done.stdout.replace("\n{", "{").splitlines() for row in json.loads(line)]

    def value(self, expression, source=""):
        """One SQL value; a blob as its floats."""
        row, = self.rows(f"SELECT typeof(v) AS type, CASE typeof(v) WHEN 'blob' THEN hex(v) ELSE v END AS v"
                         f" FROM (SELECT {expression} AS v {source});")
        return np.frombuffer(bytes.fromhex(row["v"]), "<f4") if row["type"] == "blob" else row["v"]

    def refuses(self, expression, *said):
        done = self.shell(f"SELECT {expression};")
        self.assertEqual(done.returncode, 1, expression + done.stdout)
        for text in said:
            self.assertIn(text, done.stderr, expression)

    def model(self, name, build):
        graph = mlc_export.Graph()
        build(graph.function("main"))
        graph.save(self.dir / name)
        return quoted(self.dir / name)

    # What is computed

    def test_accuracy_in_sql(self):
        row, = self.rows("SELECT count(*) AS n, sum(mlc_argmax(mlc_predict(:digits, pixels)) = label) AS right"
                         " FROM digits;")
        expected = int((self.logits.argmax(1) == self.labels).sum())
        self.assertEqual((row["n"], row["right"]), (len(self.labels), expected))
        self.assertGreater(expected, 0.97 * len(self.labels))

    def test_values_of_every_row(self):
        columns = ", ".join(f"p{i}" for i in range(64))
        rows = self.rows(f"SELECT hex(mlc_predict(:digits, pixels)) AS one,"
                         f" hex(mlc_predict(:digits, {columns})) AS wide,"
                         f" mlc_predict_json(:digits, pixels) AS json,"
                         f" hex(mlc_vector({columns})) = hex(pixels) AS same"
                         f" FROM digits JOIN wide USING (id) GROUP BY id ORDER BY id;")
        one = np.array([np.frombuffer(bytes.fromhex(row["one"]), "<f4") for row in rows])
        np.testing.assert_allclose(one, self.logits, rtol=1e-4, atol=1e-4)
        self.assertTrue(all(row["wide"] == row["one"] and row["same"] for row in rows))
        written = np.array([json.loads(row["json"])["logits"][0] for row in rows])
        np.testing.assert_array_equal(written.astype("<f4"), one)  # every f32 comes back
        # Bit for bit what one call with all rows gives.
        whole = self.value("mlc_predict(:digits, mlc_vector(pixels))", "FROM (SELECT pixels FROM digits ORDER BY id)")
        np.testing.assert_array_equal(whole, one.ravel())
        element = self.rows("SELECT mlc_element(mlc_predict(:digits, pixels), 3) AS e FROM digits ORDER BY id;")
        np.testing.assert_allclose([row["e"] for row in element], one[:, 3], rtol=1e-14)

    def test_the_documented_queries(self):
        script = (HERE / "digits.sql").read_text().replace("build/release/examples/mlc", EXTENSION)
        done = subprocess.run([SHELL, "-bail", self.database], input=script, capture_output=True, text=True,
                              cwd=HERE.parents[1], timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("97.78", done.stdout)

    def test_numbers_that_csv_brings_as_text(self):
        (self.dir / "row.csv").write_text("1.5,2,-3e0, 4\n")
        value = self.rows(".mode csv\n.import row.csv row\n.mode json\n"
                          "SELECT mlc_predict(:fancy, a, b, c, d) AS v FROM row;".replace(
                              ".import", "CREATE TABLE row (a TEXT, b TEXT, c TEXT, d TEXT);\n.import"))
        self.assertEqual(value, [{"v": 4.5}])

    def test_scalars_blobs_and_numbers_in_order(self):
        self.assertEqual(self.value("mlc_predict(:fancy, 1, 2, 3, 4)"), 10.0)
        self.assertEqual(self.value("typeof(mlc_predict(:fancy, 1, 2, 3, 4))"), "real")
        self.assertEqual(self.value(f"mlc_predict(:fancy, 1, {blob(2)}, 3, {blob(4)})"), 10.0)

    def test_several_inputs_and_outputs(self):
        def build(main):
            x, scale = main.input("x", "f32", ["n", 2]), main.input("scale", "f32", [2])
            count = main.input("count", "i64", ["n"])
            main.output("scaled", main.binary("mul", x, main.broadcast(scale, ["n", 2], [1])))
            main.output("counted", main.add(count, main.broadcast(main.scalar(1, "i64"), ["n"], [])))
            main.output("positive", main.compare("gt", x, main.broadcast(main.scalar(0, "f32"), ["n", 2], [])))
        model = self.model("several.safetensors", build)
        # x is two rows, so count must be two, too; scale has none.
        got = json.loads(self.value(f"mlc_predict_json({model}, {blob(1, -2, 3, 4)}, 10, 0.5,"
                                    f" {blob(7, 2**62, dtype='<i8')})"))
        self.assertEqual(got, {"scaled": [[10, -1], [30, 2]], "counted": [8, 2**62 + 1],
                               "positive": [[True, False], [True, True]]})
        got = json.loads(self.value(f"mlc_predict_json({model}, 1, 2, {blob(3, 4)}, 9007199254740993)"))
        self.assertEqual(got["counted"], [9007199254740994])
        description = json.loads(self.value(f"mlc_describe({model})"))
        self.assertEqual(description["inputs"][2], {"name": "count", "dtype": "i64", "shape": ["n"]})
        self.assertEqual([o["name"] for o in description["outputs"]], ["scaled", "counted", "positive"])
        self.refuses(f"mlc_predict({model}, 1, 2, 3, 4, 5)", "3 outputs", "mlc_predict_json")
        self.refuses(f"mlc_predict_json({model}, {blob(1, 2, 3, 4)}, 10, 0.5, 7)",
                     "input 'count' has 1 rows, those before it 2")
        self.refuses(f"mlc_predict_json({model}, 1, 2, {blob(1, 2, 3, 4)}, 5)",
                     "argument 4 is a blob of 16 bytes, expected 8 for input 'scale', which is f32[2]")
        for number in ("1.5", "9223372036854775808", "'one'"):
            self.refuses(f"mlc_predict_json({model}, 1, 2, 3, 4, {number})", "argument 6",
                         "expected an integer of 64 bits for input 'count'")

    def test_integers_and_bools(self):
        def build(main):
            flags, x = main.input("flags", "bool", ["n"]), main.input("x", "i32", ["n"])
            main.output("y", main.select(flags, x, main.broadcast(main.scalar(-1, "i32"), ["n"], [])))
        model = self.model("flags.json", build)
        self.assertEqual(self.value(f"mlc_predict({model}, 1, 2147483647)"), 2147483647)
        self.assertEqual(self.value(f"mlc_predict({model}, 0, 5.0)"), -1)
        self.assertEqual(self.value(f"typeof(mlc_predict({model}, 0, 5))"), "integer")
        self.refuses(f"mlc_predict({model}, 2, 5)", "argument 2 is 2, expected 0 or 1 for input 'flags'")
        self.refuses(f"mlc_predict({model}, x'02', 5)", "byte 0 of argument 2 is 2, expected 0 or 1")
        self.refuses(f"mlc_predict({model}, 1, 2147483648)", "argument 3", "an integer of 32 bits")
        self.refuses(f"mlc_predict({model}, x'0001', {blob(1, 2, dtype='<i4')})", "output 'y' is i32[n]",
                     "mlc_predict_json")

    def test_what_is_no_number(self):
        def build(main):
            x = main.input("x", "f32", ["n", 2])
            main.output("y", main.unary("log", x))
        model = self.model("log.json", build)
        self.assertEqual(self.value(f"mlc_predict_json({model}, -1, 0)"), '{"y":[[null,-9e999]]}')
        self.assertEqual(self.value(f"json_extract(mlc_predict_json({model}, -1, 0), '$.y[0][1]') = -9e999"), 1)
        self.assertEqual(self.value(f"mlc_element(mlc_predict({model}, -1, 1), 0) IS NULL"), 1)
        self.assertEqual(self.value(f"mlc_argmax(mlc_predict({model}, -1, 1)) IS NULL"), 1)

        def scalar(main):
            main.output("y", main.unary("log", main.input("x", "f32", [])))
        self.assertEqual(self.value(f"mlc_predict({self.model('log1.json', scalar)}, -1) IS NULL"), 1)

    def test_json_brings_every_f32_back(self):
        random = np.random.default_rng(1)
        values = np.concatenate([random.integers(0, 0x7f800000, 2000, np.uint32).view("<f4"),
                                 np.array([0, 1, 5, 1e-45, 1.17549435e-38, 3.4028235e38, 16777216], "<f4")])

        def build(main):
            main.output("y", main.unary("abs", main.input("x", "f32", ["n"])))
        got = self.value(f"mlc_predict_json({self.model('abs.json', build)}, {blob(*values)})")
        np.testing.assert_array_equal(np.array(json.loads(got)["y"]).astype("<f4"), values)
        self.assertEqual(self.rows(f"SELECT DISTINCT type FROM json_each({quoted(got)}, '$.y');"), [{"type": "real"}])

    def test_vectors(self):
        np.testing.assert_array_equal(self.value(f"mlc_vector(1, '2.5', {blob(3, 4)})"), [1, 2.5, 3, 4])
        ordered = "FROM (SELECT * FROM (VALUES (3), (1), (2)) ORDER BY 1)"
        np.testing.assert_array_equal(self.value("mlc_vector(column1)", ordered), [1, 2, 3])
        self.assertIsNone(self.value("mlc_vector(column1)", "FROM (VALUES (1), (NULL), (2))"))
        self.assertIsNone(self.value("mlc_vector(id)", "FROM digits WHERE id < 0"))
        self.assertEqual(self.value(f"mlc_argmax({blob(-3, 7, 7, -np.inf)})"), 1)
        self.assertIsNone(self.value("mlc_argmax(x'')"))
        self.assertIsNone(self.value("mlc_argmax(NULL)"))
        self.assertIsNone(self.value(f"mlc_element({blob(1)}, NULL)"))
        self.assertEqual(self.value("mlc_argmax(zeroblob(12))"), 0)
        self.refuses("mlc_vector('one')", "argument 1 is 'one', expected a number")
        self.refuses("mlc_vector(1, 1e39)", "argument 2 is '1.0e+39'")
        self.refuses("mlc_vector(1, x'00')", "a blob of 1 bytes")
        self.refuses("mlc_argmax(1.5)", "argument 1 is REAL, expected a BLOB of f32")
        self.refuses("mlc_argmax(x'000000')", "3 bytes, expected a multiple of 4")
        self.refuses(f"mlc_element({blob(1, 2)}, 2)", "no element 2, the blob has 2")
        self.refuses(f"mlc_element({blob(1, 2)}, -1)", "no element -1")
        self.refuses(f"mlc_element({blob(1, 2)}, '0')", "argument 2 is TEXT, expected an INTEGER")

    # What is refused

    def test_errors(self):
        cases = {
            "mlc_predict()": ["expected a model and its inputs"],
            "mlc_predict('no-such-model', 1)": ["mlc_predict: ", "no-such-model"],
            "mlc_predict_json('no-such-model', 1)": ["mlc_predict_json: ", "no-such-model"],
            "mlc_describe('/')": ["mlc_describe: ", "/"],
            f"mlc_describe({quoted(EXTENSION)})": [EXTENSION],
            "mlc_predict(7, 1)": ["argument 1 is INTEGER, expected the path of a model file as TEXT"],
            "mlc_predict(x'00', 1)": ["argument 1 is BLOB"],
            "mlc_predict('a' || char(0) || 'b', 1)": ["zero byte"],
            "mlc_predict(:digits)": ["input 'images' is f32[batch,64] and takes one blob or 64 numbers, got 0"],
            "mlc_predict(:digits, 1, 2)": ["64 numbers, got 2 numbers"],
            f"mlc_predict(:digits, 1, {blob(1)})": ["64 numbers, got 1 number\n"],
            "mlc_predict(:digits, x'')": ["a blob of 0 bytes, expected 256 ", "f32[batch,64], or a multiple of that"],
            "mlc_predict(:digits, zeroblob(257))": ["argument 2 is a blob of 257 bytes, expected 256"],
            "mlc_predict(:digits, zeroblob(256), 1)": ["got 2 arguments behind the model, expected 1"],
            "mlc_predict(:fancy, 1, 2, 3)": ["input 'd' is f32[]"],
            "mlc_predict(:fancy, 1, 2, 3, 4, 5)": ["got 5 arguments behind the model, expected 4"],
            "mlc_predict(:fancy, 1, 'two', 3, 4)": ["argument 3 is 'two', expected a number for input 'b'"],
            "mlc_predict(:fancy, 1, 2, 3, 1e39)": ["argument 5 is 1.0e+39, expected a number that f32 can hold"],
            "mlc_predict(:fancy, 1, 2, 3, zeroblob(8))": ["8 bytes, expected 4 for input 'd', which is f32[]\n"],
        }
        for expression, said in cases.items():
            self.refuses(expression, *said)
        wrong = self.model("wrong.json", lambda main: main.output(
            "y", main.unary("relu", main.input("x", "f64", [2]))))
        self.refuses(f"mlc_predict({wrong}, 1, 2)", "mlc_predict: ", "f64")

    def test_a_check_that_fails_is_an_error(self):
        scalar = {"dtype": "f32", "dims": []}
        nodes = [{"name": "holds", "op": "compare", "operands": ["x", "x"], "attributes": {"direction": "eq"},
                  "results": [{"name": "holds", "dtype": "bool", "dims": []}]},
                 {"name": "test", "op": "check", "operands": ["holds"], "results": [],
                  "attributes": {"message": "x is a number"}},
                 {"name": "sqrt", "op": "sqrt", "operands": ["x"], "results": [{"name": "y", **scalar}]}]
        main = {"name": "main", "inputs": [{"name": "x", **scalar}], "nodes": nodes,
                "outputs": [{"name": "y", "value": "y"}]}
        path = self.dir / "checked.json"
        path.write_text(json.dumps({"format_version": 1, "parameters": [], "functions": [main]}))
        self.assertEqual(self.value(f"mlc_predict({quoted(path)}, 9)"), 3)
        self.refuses(f"mlc_predict({quoted(path)}, {blob(np.nan)})", "mlc_predict: ", "x is a number")

    def test_null_gives_null(self):
        for expression in ("mlc_predict(NULL, 1)", "mlc_predict(:digits, NULL)", "mlc_describe(NULL)",
                           "mlc_predict(:fancy, 1, NULL, 3, 4)", "mlc_predict_json(:digits, NULL)"):
            self.assertIsNone(self.value(expression), expression)
        self.refuses("mlc_predict('no-such-model', NULL)", "no-such-model")

    def test_what_runs_files_is_for_statements_alone(self):
        self.rows("CREATE VIEW sly AS SELECT mlc_predict('m', 1);"
                  "CREATE TABLE t (x);"
                  "CREATE TRIGGER sly2 AFTER INSERT ON t BEGIN SELECT mlc_describe(new.x); END;"
                  "CREATE VIEW pure AS SELECT mlc_argmax(pixels) AS a FROM digits;"
                  "CREATE INDEX brightest ON digits (mlc_argmax(pixels));")
        for statement, function in (("SELECT * FROM sly", "mlc_predict"), ("INSERT INTO t VALUES (1)", "mlc_describe"),
                                    ("CREATE INDEX i ON t (mlc_predict_json(x))", "mlc_predict_json"),
                                    ("CREATE TABLE u (x, y AS (mlc_predict(x, 1)))", "mlc_predict")):
            done = self.shell(statement + ";")
            self.assertEqual(done.returncode, 1, statement)
            self.assertIn(f"unsafe use of {function}()", done.stderr)
        self.assertEqual(self.rows("SELECT count(a) AS n FROM pure;"), [{"n": len(self.labels)}])

    # The cache

    def test_a_changed_file_is_loaded_again(self):
        for factor in (2, 3):
            self.model(f"times{factor}.safetensors", lambda main, factor=factor: main.output("y", main.binary(
                "mul", main.input("x", "f32", [20]), main.parameter("w", np.full(20, factor, np.float32)))))
        last = f"mlc_element(mlc_predict(path, {blob(*[0] * 19, 1)}), 19)"
        constant = f"SELECT {last.replace('path', quoted('now.safetensors'))} AS y;\n"
        column = f"SELECT {last} AS y FROM (SELECT 'now.safetensors' AS path);\n"

        def written(source):  # readfile and writefile are functions of the shell
            return f"SELECT writefile('now.safetensors', {source}) > 0 AS written;\n"
        rows = self.rows("".join(written(f"readfile('times{factor}.safetensors')") + constant + column
                                 for factor in (2, 3, 2)))
        self.assertEqual([row["y"] for row in rows if "y" in row], [2.0, 2.0, 3.0, 3.0, 2.0, 2.0])
        done = self.shell(constant + written("'no model any more'") + constant)
        self.assertEqual((done.returncode, done.stdout.split()), (1, ["2.0", "1"]))
        self.assertIn("now.safetensors", done.stderr)
        done = self.shell(".bail off\n" + constant + written("readfile('times3.safetensors')") + constant)
        self.assertEqual((done.returncode, done.stdout.split()), (1, ["1", "3.0"]))  # only the first one failed

    def test_more_models_than_are_kept(self):
        for i in range(40):
            self.model(f"plus{i}.json", lambda main, i=i: main.output("y", main.add(
                main.input("x", "f32", []), main.scalar(i, "f32"))))
        rows = self.rows("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399)"
                         " SELECT i % 40 + 1.0 = mlc_predict('plus' || (i % 40) || '.json', 1) AS same, count(*) AS n"
                         " FROM n GROUP BY same;")
        self.assertEqual(rows, [{"same": 1, "n": 400}])

    def test_a_later_process_finds_what_was_compiled(self):
        statement = "SELECT mlc_predict(:fancy, 1, 2, 3, 4);"
        cache, nowhere = str(self.dir / "cache"), str(self.dir / "no-compiler.so")
        for environment in ({}, {"MLC_SQLITE_CACHE": cache}):  # nothing is compiled yet
            done = self.shell(statement, MLC_COMPILER=nowhere, **environment)
            self.assertEqual((done.returncode, "no-compiler.so" in done.stderr), (1, True), done.stderr)
        for environment in ({}, {"MLC_COMPILER": nowhere}):
            done = self.shell(statement, MLC_SQLITE_CACHE=cache, **environment)
            self.assertEqual((done.returncode, done.stdout), (0, "10.0\n"), done.stderr)
        done = self.shell(statement, MLC_SQLITE_CACHE=EXTENSION)  # which is no directory
        self.assertEqual(done.returncode, 1)
        self.assertIn(EXTENSION, done.stderr)

    def connect(self):
        connection = sqlite3.connect(self.database)
        connection.enable_load_extension(True)
        connection.load_extension(EXTENSION)
        return connection

    # Debian's Python has it; others may be built without.
    @unittest.skipUnless(hasattr(sqlite3.Connection, "enable_load_extension"), "this Python opens no extensions")
    def test_connections_in_threads(self):
        failures = []

        def work(seed):
            try:
                for _ in range(5):
                    connection = self.connect()
                    rows = connection.execute("SELECT id, mlc_predict(?, pixels) FROM digits", (DIGITS_MODEL,))
                    got = np.array([np.frombuffer(logits, "<f4") for _, logits in sorted(rows)])
                    np.testing.assert_allclose(got, self.logits, rtol=1e-4, atol=1e-4)
                    connection.close()
            except Exception as error:  # noqa: BLE001: whatever it is, the main thread reports it
                failures.append(error)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    # The library

    def test_exports_the_entry_alone(self):
        symbols = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", EXTENSION], check=True,
                                 capture_output=True, text=True).stdout.splitlines()
        self.assertEqual([line.split()[0] for line in symbols], ["sqlite3_mlc_init"])

    def test_time_of_a_row(self):
        """Says what a row costs in the shell; it demands nothing, as machines differ."""
        rows = 100 * len(self.labels)
        many = ("FROM digits, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100)"
                " SELECT i FROM n)")
        columns = ", ".join(f"p{i}" for i in range(64))

        def microseconds(expression, source=many):
            statement = f"SELECT count({expression}) {source};\n"
            done = self.shell("SELECT mlc_describe(:digits);\n.timer on\n" + 3 * statement)
            self.assertEqual(done.returncode, 0, done.stderr)
            return 1e6 / rows * min(map(float, re.findall(r"Run Time: real ([0-9.]+)", done.stdout)))
        base = microseconds("pixels IS NULL OR i")
        one = microseconds("mlc_predict(:digits, pixels)") - base
        argmax = microseconds("mlc_argmax(mlc_predict(:digits, pixels))") - base
        wide = microseconds(f"mlc_predict(:digits, {columns})", many.replace("digits", "wide", 1)) - base
        print(f"\na row in the shell: mlc_predict {one:.2f} us, with mlc_argmax {argmax:.2f} us,"
              f" of 64 columns {wide:.2f} us", file=sys.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
