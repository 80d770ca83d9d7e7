"""The harness of scripts/bench: statistics, who is refused, what is written. No contestant is needed."""

import argparse
import contextlib
import io
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import xml.dom.minidom

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import numpy as np  # noqa: E402
from bench import contestants, main, measure, pack, plots, programs, report, rows, threads, turns  # noqa: E402

# Answers as a contestant does: a network of one layer, right or wrong, or as told by its name.
FAKE = r'''
import os, sys, threading, time
import numpy as np
kind = sys.argv[1]
if kind == "missing":
    import no_such_package
if kind == "killed":
    os.kill(os.getpid(), 9)
if kind == "spinning":
    def spin():
        while True:
            pass
    threading.Thread(target=spin, daemon=True).start()
threads = int(os.environ["OMP_NUM_THREADS"])
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
        seconds /= threads if kind != "serial" else 1
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
        self.output = pathlib.Path(directory.name) / "with a space"
        self.output.mkdir()
        (self.output / "case").mkdir()
        (self.output / "fake.py").write_text(FAKE)
        self.kinds = dict(contestants.KINDS)
        self.addCleanup(lambda: (contestants.KINDS.clear(), contestants.KINDS.update(self.kinds)))
        self.command, self.absence = contestants.command_of, contestants.absence
        contestants.command_of = self.command_of_fake
        self.addCleanup(lambda: setattr(contestants, "command_of", self.command))

    def command_of_fake(self, kind, build, python):
        return [pathlib.Path(sys.executable), self.output / "fake.py", kind.argument]

    def measured(self, only=None, counts=(), **arguments):
        contestants.KINDS.clear()
        for name, argument in {"mlc": "right", **arguments}.items():
            contestants.KINDS[name] = contestants.Kind(name, "fake", argument, name != "mlc", "")
        row = rows.Row("P0", "a row", "", ("sol", "best"), [rows.layer(2, 3, 5), rows.layer(3, 3, 5)],
                       tuple(arguments))
        self.said = []
        core = min(os.sched_getaffinity(0))
        measurement = measure.Measurement(self.output, self.output, core, self.said.append, 5, only,
                                          counts=counts, cpus=[core] * max(counts, default=0))
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
        contestants.absence = lambda kind, *_: "it is not built" if kind.name == "gone" else ""
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

    def test_why_a_rival_does_not_start_is_named(self):
        _, table = self.measured(missing="missing", killed="killed")
        self.assertIn("- missing: does not start: the process ended: ModuleNotFoundError: No module named 'no_such_package'",
                      table)
        self.assertIn("- killed: does not start: the process ended by SIGKILL", table)

    def test_several_threads(self):
        result, table = self.measured(counts=[1, 2], slow="slow", serial="serial", liar="wrong")
        self.assertIn("| 2 x 3 x 5 | 1 | 1 ms | 1.00 x | 2.00 (2.00–2.00) | **1.00 (1.00–1.00)** |", table)
        self.assertIn("| 2 x 3 x 5 | 2 | 500 µs | 2.00 x | **2.00 (2.00–2.00)** | 2.00 (2.00–2.00) |", table)
        self.assertIn("| P0 | 2 | geomean 2.00, min 2.00 | 2.00 x | 2.00 x | 1.00 x |", table)
        self.assertIn("- liar: not measured: gives a result that is off by", table)
        self.assertIn("with 1 and 2 threads, each on a core of its own but 2 on 1, of:", table)
        self.assertEqual([case["threads"] for case in result["rows"][0]["cases"]], [1, 2, 1, 2])
        self.assertNotIn("SOL", result["rows"][0]["cases"][0]["seconds"])
        self.assertEqual(report.failures_of_subject(result), [])

    def test_wrong_results_with_threads_are_failures(self):
        result, _ = self.measured(counts=[1, 2], mlc="wrong")
        self.assertEqual(report.failures_of_subject(result)[:2], ["2 x 3 x 5 with 1 thread", "2 x 3 x 5 with 2 threads"])

    def test_who_runs_on_one_thread_is_absent(self):
        contestants.KINDS["single"] = contestants.Kind("single", "fake", "right", True, "", one_thread="a plain loop")
        measurement = measure.Measurement(self.output, self.output, 0, print, 5, counts=[1, 2], cpus=[0, 0])
        self.assertEqual(measurement.result["absent"]["single"], "a plain loop")
        self.assertIsNone(measurement.contestant("single", 2))

    def test_threads_that_spin_are_stopped_between_turns(self):
        core = min(os.sched_getaffinity(0))
        command = [sys.executable, self.output / "fake.py", "spinning"]
        with contextlib.closing(contestants.ThreadedContestant(command, core, self.output / "log", {}, 2)) as spinning:
            def processor_time():
                stat = pathlib.Path(f"/proc/{spinning._process.pid}/stat").read_text().rpartition(")")[2].split()
                return stat[0], int(stat[11]) + int(stat[12])
            spinning.time(1)
            before = processor_time()
            time.sleep(0.2)
            self.assertEqual(processor_time(), before)
            self.assertEqual(before[0], "T")
            self.assertEqual(spinning.time(4), (0.002, 0.002))

    def test_wrong_results_of_mlc_are_failures(self):
        result, _ = self.measured(mlc="wrong")
        self.assertEqual(report.failures_of_subject(result), ["2 x 3 x 5", "3 x 3 x 5"])


class Threads(unittest.TestCase):
    def topology(self, places):
        """A folder such as /sys has, of (package, siblings) by CPU."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        for cpu, (package, siblings) in enumerate(places):
            folder = pathlib.Path(directory.name) / f"cpu{cpu}/topology"
            folder.mkdir(parents=True)
            (folder / "physical_package_id").write_text(f"{package}\n")
            (folder / "thread_siblings_list").write_text(f"{siblings}\n")
        return pathlib.Path(directory.name)

    def test_counts(self):
        self.assertEqual(threads.counts("4,2,4"), [1, 2, 4])
        for text in ("", "0", "-1", "two", "1;2"):
            with self.assertRaises(argparse.ArgumentTypeError):
                threads.counts(text)

    def test_cores_come_before_their_second_threads(self):
        topology = self.topology([(0, "0-1"), (0, "0-1"), (0, "2-3"), (0, "2-3")])
        self.assertEqual(threads.order(range(4), topology), [3, 1, 2, 0])
        self.assertEqual([threads.cores(cpus, topology) for cpus in ([3], [3, 1], [3, 1, 2])], [1, 2, 2])

    def test_one_package_comes_before_the_other(self):
        topology = self.topology([(0, "0"), (1, "1"), (0, "2"), (1, "3")])
        self.assertEqual(threads.order(range(4), topology), [3, 1, 2, 0])

    def test_without_a_topology_each_is_a_core(self):
        nowhere = pathlib.Path("/nowhere")
        self.assertEqual(threads.order([0, 1, 5], nowhere), [5, 1, 0])
        self.assertEqual(threads.cores([0, 1], nowhere), 2)

    def test_rows_have_large_cases_alone(self):
        for quick in (False, True):
            listed = {row.key: [case.name for case in row.cases] for row in rows.threaded(rows.rows(quick))}
            self.assertEqual(list(listed), ["P1", "P2", "P5", "P10", "P11"])
            self.assertEqual(listed["P10"], ["4194304 elements"])
            self.assertNotIn("layer norm", " ".join(listed["P11"]))
            self.assertTrue(all(listed.values()))

    def test_environment(self):
        self.assertEqual(contestants.environment(3)["OPENBLAS_NUM_THREADS"], "3")
        self.assertNotIn("false", contestants.environment(3)["XLA_FLAGS"])
        self.assertIn("false", contestants.environment(1)["XLA_FLAGS"])


class Packing(unittest.TestCase):
    def test_a_folder_has_what_it_needs(self):
        with tempfile.TemporaryDirectory() as name:
            build, folder = pathlib.Path(name) / "build", pathlib.Path(name) / "folder"
            for file in ("bin/contestant-mlc", "bin/contestant-openvino", "lib/libmlc-compiler.so.1", "lib/other.so"):
                (build / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(os.path.realpath(sys.executable), build / file)
            said = []
            pack.pack(folder, build, said.append)
            needed = pack.libraries_of(build / "bin/contestant-mlc")
            self.assertEqual({file.name for file in (folder / "lib").iterdir()}, {"libmlc-compiler.so.1", *needed})
            self.assertFalse([n for n in needed if n.startswith(("libc.so", "libm.so", "ld-linux"))])
            self.assertEqual([file.name for file in (folder / "bin").iterdir()], ["contestant-mlc"])
            self.assertIn("left out: contestant-openvino: its libraries belong to a Python package", said)
            done = subprocess.run([sys.executable, folder / "scripts/bench", "--list", "--build", folder],
                                  stdout=subprocess.PIPE, text=True, check=True)
            self.assertIn("mlc            one native function", done.stdout)
            self.assertRegex(done.stdout, "oneDNN +absent: contestant-onednn is not built")

    def test_what_is_packed_is_known(self):
        self.assertEqual(bool(pack.OF_SYSTEM.match("libm.so.6")), True)
        for name in ("libmlc.so", "libstdc++.so.6", "libcblas.so.3"):
            self.assertIsNone(pack.OF_SYSTEM.match(name))


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
        both = document + f"{report.BEGIN_THREADS}\nold\n{report.END}\n"
        self.assertEqual(report.replaced(both, "new", report.BEGIN_THREADS),
                         document + f"{report.BEGIN_THREADS}\n\nnew\n{report.END}\n")

    def test_documents_have_marks(self):
        for name in ("README.md", "docs/performance.md", "docs/benchmarks.md"):
            document = (ROOT / name).read_text(encoding="utf-8")
            self.assertIn("new", report.replaced(document, "new"))
        document = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
        self.assertIn("new", report.replaced(document, "new", report.BEGIN_THREADS))

    def test_threads_go_into_a_section_of_their_own(self):
        machine = {"commit": "c", "date": "d", "processor": "one with 64 cores", "isa": "i", "cores": 64, "caches": {},
                   "system": "s", "load": 0}
        cases = [{"name": "2 x 3 x 5", "threads": n, "seconds": {"mlc": [1 / n], "jax": [3 / n]}, "refused": {}}
                 for n in (1, 4)]
        row = {"key": "P1", "title": "t", "subject": "mlc", "cases": cases, "left_out": []}
        result = {"machine": machine, "threads": [{"threads": n, "cores": n, "cpus": []} for n in (1, 4)],
                  "contestants": {"jax": "jax 7"}, "absent": {"IREE": "gone"}, "rows": [row]}
        with tempfile.TemporaryDirectory() as name:
            file = pathlib.Path(name) / "docs/performance.md"
            file.parent.mkdir()
            before = f"{report.BEGIN}\n\nof one thread\n{report.END}\n"
            file.write_text(f"{before}{report.BEGIN_THREADS}\n{report.END}\n", encoding="utf-8")
            report.write_docs([result], pathlib.Path(name))
            document = file.read_text(encoding="utf-8")
        self.assertTrue(document.startswith(before))
        for text in ("with 1 and 4 threads, each on a core of its own, of: one with 64 cores, i, 64 cores", "- jax: jax 7",
                     "- IREE: gone", "| 2 x 3 x 5 | 4 | 250 ms | 4.00 x | **3.00** |"):
            self.assertIn(text, document)

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
                               (["--shapes", "/nowhere"], "No such file"),
                               (["--threads", "none"], "numbers of threads"),
                               (["--threads", "2", "P3"], "row P3 is not measured with several threads; those that are: P1"),
                               (["--threads", "99999"], "this process may use"),
                               (["--threads", "1", "--core", str(max(os.sched_getaffinity(0)))], "for one thread"),
                               (["--python", "nobody's"], "no program"),
                               (["--pack", str(ROOT)], "is not an empty folder")):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as ended:
                main.main(arguments)
            self.assertEqual(ended.exception.code, 2)
            self.assertIn(why, said.getvalue())


if __name__ == "__main__":
    unittest.main()
