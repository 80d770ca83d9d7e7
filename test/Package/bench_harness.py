"""The harness of scripts/bench: statistics, who is refused, what is written. No contestant is needed."""

import contextlib
import io
import math
import os
import pathlib
import sys
import tempfile
import unittest
import xml.dom.minidom

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import numpy as np  # noqa: E402
from bench import contestants, main, measure, plots, programs, report, rows, turns  # noqa: E402

# Answers as a contestant does: a network of one layer, right or wrong, or as told by its name.
FAKE = r'''
import sys, time
import numpy as np
kind = sys.argv[1]
print("ready a fake that is", kind, flush=True)
for line in sys.stdin:
    command, *words = line.split()
    if command == "load":
        directory = words[0]
        print("unsupported there is no add" if kind == "refusing" else "ok 0.5", flush=True)
    elif command == "run":
        x, w, b = (np.load(f"{directory}/{n}.npy").astype("float64") for n in "xwb")
        np.save(words[0], np.maximum(x @ w + b, 0) * (1.01 if kind == "wrong" else 1))
        print("ok", flush=True)
    elif command == "time":
        if kind == "dying":
            sys.exit(1)
        seconds = int(words[0]) * (0.002 if kind == "slow" else 0.001)
        print("ok", seconds, seconds, flush=True)
    elif command == "sol":
        print("ok 0.0005", flush=True)
    else:
        print("error what is", command, flush=True)
'''


class Statistics(unittest.TestCase):
    def test_interval_holds_the_median(self):
        values = list(range(1, 102))
        low, high = turns.interval(values)
        self.assertEqual((low, high), (41, 61))
        self.assertEqual(turns.interval([5.0]), (5.0, 5.0))
        self.assertEqual(turns.interval([1, 2, 3]), (1, 3))

    def test_quartiles(self):
        self.assertEqual(turns.quartiles([1, 2, 3, 4, 5]), (2, 4))
        self.assertEqual(turns.quartiles([7]), (7, 7))

    def test_known_needs_rounds_and_a_small_spread(self):
        self.assertTrue(turns.known([[1.0] * turns.MIN_ROUNDS]))
        self.assertFalse(turns.known([[1.0] * (turns.MIN_ROUNDS - 1)]))
        self.assertFalse(turns.known([[1.0] * 20, [1.0, 2.0] * 10]))

    def test_geomean(self):
        self.assertAlmostEqual(turns.geomean([1, 4]), 2)
        self.assertTrue(math.isnan(turns.geomean([])))

    def test_neighbours(self):
        self.assertEqual(report.neighbours([1, 1, 1, 3, 1, 1, 1]), 3)


class Fixed:
    """Takes `wall` seconds a call, of which the process has the core for `cpu`."""

    def __init__(self, *walls, cpu=1.0):
        self.walls, self.cpu, self.asked = list(walls), cpu, []

    def time(self, calls):
        self.asked.append(calls)
        wall = self.walls.pop(0) if len(self.walls) > 1 else self.walls[0]
        return wall * calls, wall * calls * self.cpu


class Turns(unittest.TestCase):
    def test_a_turn_lasts_long_enough(self):
        contestant = Fixed(1e-6)
        calls = turns.calls_for_a_turn(contestant)
        self.assertGreaterEqual(calls * 1e-6, turns.BATCH_SECONDS)
        self.assertLess(calls * 1e-6, 3 * turns.BATCH_SECONDS)
        self.assertEqual(turns.calls_for_a_turn(Fixed(1.0)), 1)

    def test_a_disturbed_turn_is_repeated(self):
        contestant = Fixed(1.0)
        self.assertEqual(turns.turn(contestant, 10), 1.0)
        self.assertEqual(len(contestant.asked), 1)
        disturbed = Fixed(2.0, cpu=0.5)
        self.assertEqual(turns.turn(disturbed, 10), 1.0)  # of the core
        self.assertEqual(len(disturbed.asked), turns.ATTEMPTS)

    def test_rounds_end_when_ratios_are_known(self):
        seconds, _ = turns.take_turns({"a": Fixed(0.01), "b": Fixed(0.02)}, "a", {"SOL": lambda: 0.005}, 100, OSError)
        self.assertEqual({n: len(s) for n, s in seconds.items()}, dict.fromkeys(["a", "b", "SOL"], turns.MIN_ROUNDS))

    def test_rounds_end_at_a_limit(self):
        walls = [0.01, 0.03] * 1000
        for limit, clock, rounds in ((1e9, iter(range(1000)).__next__, turns.MAX_ROUNDS),
                                     (0, iter(range(1000)).__next__, turns.MIN_ROUNDS)):
            seconds, _ = turns.take_turns({"a": Fixed(*walls)}, "a", {}, limit, OSError, clock)
            self.assertEqual(len(seconds["a"]), rounds)


class Programs(unittest.TestCase):
    def test_work_is_counted(self):
        p = rows.layer(2, 3, 5).program
        self.assertEqual((p.flops, p.bytes_read), (60, 4 * (10 + 15 + 3)))
        self.assertEqual(rows.chain_of_eight(8).moved, 4 * 8 * 5)
        self.assertEqual(rows.attention(2, 8, 4).flops, 2 * 2 * (2 * 8 * 8 * 4))

    def test_text(self):
        self.assertEqual(rows.layer(2, 3, 5).program.text(),
                         "input x\nweight w\nweight b\nlinear_relu t0 x w b\noutput t0\n")

    def test_what_is_wrong_is_refused(self):
        right = np.ones((2, 3))
        self.assertEqual(programs.disagreement(right + 1e-6, right), "")
        self.assertIn("off by", programs.disagreement(right + 1e-4, right))
        self.assertIn("shape", programs.disagreement(right[0], right))
        self.assertIn("not finite", programs.disagreement(right * np.nan, right))

    def test_every_case_computes(self):
        for row in rows.rows(quick=True):
            for case in row.cases:
                if max(math.prod(s) for s in case.program.shapes.values()) < 1 << 18:
                    result = case.program.evaluate(case.program.arrays())
                    self.assertEqual(result.shape, case.program.shapes[case.program.result], case.name)

    def test_rows_name_contestants(self):
        for row in rows.rows():
            for name in (row.subject, *row.contestants):
                self.assertIn(name, contestants.KINDS)
            self.assertEqual(len({case.name for case in row.cases}), len(row.cases), row.key)

    def test_summaries_exist(self):
        for row in rows.rows():
            self.assertLessEqual(set(row.summary), set(report.SUMMARIES), row.key)

    def test_shapes_of_a_file(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "mine.txt"
            file.write_text("# M N K\n 1, 2, 3\n\n4 5 6 # a comment\n")
            self.assertEqual([case.name for case in rows.from_file(file)[0].cases], ["1 x 2 x 3", "4 x 5 x 6"])
            for text, why in (("1 2", "mine.txt:1: not three"), ("1 2 x", "not three"), ("0 1 1", "below 1"),
                              ("# none", "no shapes")):
                file.write_text(text)
                with self.assertRaisesRegex(ValueError, why):
                    rows.from_file(file)


class Rows(unittest.TestCase):
    """A row of one layer with contestants that are fake."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.output = pathlib.Path(directory.name)
        (self.output / "case").mkdir()
        (self.output / "fake.py").write_text(FAKE)
        self.kinds = dict(contestants.KINDS)
        self.addCleanup(lambda: (contestants.KINDS.clear(), contestants.KINDS.update(self.kinds)))
        self.command, self.absence = contestants.command_of, contestants.absence
        contestants.command_of = self.command_of_fake
        self.addCleanup(lambda: setattr(contestants, "command_of", self.command))

    def command_of_fake(self, kind, build):
        return [pathlib.Path(sys.executable), self.output / "fake.py", kind.argument]

    def measured(self, only=None, **arguments):
        contestants.KINDS.clear()
        for name, argument in {"mlc": "right", **arguments}.items():
            contestants.KINDS[name] = contestants.Kind(name, "fake", argument, name != "mlc", "")
        row = rows.Row("P0", "a row", "", ("sol", "best"), [rows.layer(2, 3, 5), rows.layer(3, 3, 5)],
                       tuple(arguments))
        self.said = []
        core = min(os.sched_getaffinity(0))
        measurement = measure.Measurement(self.output, self.output, core, self.said.append, 5, only)
        with contextlib.closing(measurement):
            measurement.row(row)
        report.write(measurement.result, self.output)
        return measurement.result, (self.output / "table.md").read_text()

    def test_table(self):
        result, table = self.measured(rival="slow")
        self.assertIn("| 2 x 3 x 5 | 1 ms | 50 % (50 %–50 %) | **2.00 (2.00–2.00)** |", table)
        self.assertIn("vs best: geomean 2.00 x, min 2.00 x", table)
        self.assertEqual(report.failures_of_subject(result), [])

    def test_wrong_and_refusing_rivals_are_named_and_not_timed(self):
        result, table = self.measured(liar="wrong", shy="refusing", rival="slow")
        self.assertRegex(table, "- liar: not measured: gives a result that is off by")
        self.assertIn("- shy: not measured: there is no add", table)
        self.assertEqual(set(result["rows"][0]["cases"][0]["seconds"]), {"mlc", "rival", "SOL"})

    def test_absent_rivals_are_named(self):
        contestants.absence = lambda kind, build: "it is not built" if kind.name == "gone" else ""
        self.addCleanup(lambda: setattr(contestants, "absence", self.absence))
        _, table = self.measured(gone="right")
        self.assertIn("Absent:\n\n- gone: it is not built", table)

    def test_who_is_left_out_on_request_is_named(self):
        _, table = self.measured(only=["slow one"], **{"slow one": "slow", "other": "slow"})
        self.assertIn("Left out on request: other.", table)
        self.assertNotIn("- other:", table)

    def test_a_rival_that_dies_does_not_take_others_along(self):
        result, table = self.measured(dying="dying", rival="slow")
        self.assertRegex(table, "- dying: not measured: the process ended")
        self.assertIn("**2.00 (2.00–2.00)**", table)
        self.assertEqual(report.failures_of_subject(result), [])

    def test_wrong_results_of_mlc_are_failures(self):
        result, _ = self.measured(mlc="wrong")
        self.assertEqual(report.failures_of_subject(result), ["2 x 3 x 5", "3 x 3 x 5"])


class Output(unittest.TestCase):
    def test_plots_are_xml(self):
        for picture in (plots.curves("a & b", "x", "ms", {"mlc": [(1, 0.5), (10, 3)], "other": [(1, 2)]}),
                        plots.shares("<title>", ["a", "b"], {"mlc": [0.9, None], "other": [0.5, 1.2]})):
            self.assertEqual(xml.dom.minidom.parseString(picture).documentElement.tagName, "svg")

    def test_times(self):
        self.assertEqual([report.of_time(s) for s in (5e-9, 1.5e-6, 0.25, 3)], ["5 ns", "1.5 µs", "250 ms", "3 s"])

    def test_documents_are_rewritten_between_marks(self):
        document = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        self.assertEqual(report.replaced(document, "new"), f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n")
        with self.assertRaises(ValueError):
            report.replaced("no marks", "new")

    def test_documents_have_marks(self):
        for name in ("README.md", "docs/performance.md", "docs/benchmarks.md"):
            document = (ROOT / name).read_text(encoding="utf-8")
            self.assertIn("new", report.replaced(document, "new"))

    def test_glance(self):
        known = {(row.key, case.name) for row in rows.rows() for case in row.cases}
        for key, name, _ in report.GLANCE:
            self.assertIn((key, name), known)
        row = {"key": "P6", "subject": "mlc",
               "cases": [{"name": "SEED, batch 1", "seconds": {"mlc": [4e-6, 4e-6], "oneDNN": [6e-6, 6e-6]}}]}
        self.assertEqual(report.glance({"rows": [row]}).splitlines()[2:],
                         ["| 512 → 256 → 128 → 2, batch 1 | 4 µs | 1.50 | – | – | – | – | – |"])

    def test_results_are_merged(self):
        def result(key, title, **absent):
            machine = {"commit": "c", "date": title, "processor": "p", "isa": "i", "cores": 1, "caches": {}, "system": "s",
                       "load": 0}
            return {"rows": [{"key": key, "title": title}], "contestants": {"mlc": ""}, "absent": absent,
                    "machine": machine}
        whole = report.merged([result("P10", "old"), result("P2", "two", jax="why"), result("P10", "new", mlc="no")])
        self.assertEqual([row["title"] for row in whole["rows"]], ["two", "new"])
        self.assertEqual(whole["absent"], {"jax": "why"})
        self.assertIn("measured on two", whole["rows"][0]["conditions"])

    def test_second_row(self):
        row = {"subject": "mlc", "cases": [{"name": f"512, 512 at {n}", "seconds": {"mlc": [n * 1e-6]}} for n in (1, 2)]}
        self.assertEqual(report.summarise_second_row(row, report.views(row)), ["t(2)/t(1): median 2.00, max 2.00"])

    def test_figures_of_special_rows(self):
        row = {"key": "P8", "title": "t", "aim": "a", "note": "", "measure": "special",
               "figures": [{"case": "SEED", "figure": "warm", "unit": "ms", "values": [1.0, 2.0, 3.0]}]}
        self.assertIn("| SEED | warm | 2 (1.5–2.5) ms |", report.row_section(row))
        self.assertEqual(report.summary(row), "SEED: warm 2 ms")
        self.assertIn("needs two cores", report.row_section({**row, "figures": [], "reason": "needs two cores"}))

    def test_command_line(self):
        for arguments, why in ((["P99"], "no row 'P99'"), (["--only", "nobody"], "no contestant 'nobody'"),
                               (["--shapes", "/nowhere"], "No such file")):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as ended:
                main.main(arguments)
            self.assertEqual(ended.exception.code, 2)
            self.assertIn(why, said.getvalue())


if __name__ == "__main__":
    unittest.main()
