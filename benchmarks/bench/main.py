"""The command line of scripts/bench."""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from . import contestants, measure, pack, report, rows, threads

ROOT = contestants.ROOT
BUILD = ROOT / "build/release"
HELP = """
Builds the release preset, lets mlc and its rivals take turns on the same inputs on one core, after their
outputs have been compared with numpy's, and writes results.json, table.md and *.svg.

  scripts/bench --install        once: Debian's oneDNN, OpenBLAS, BLIS and libxsmm; the others in build/bench-venv (2 GB)
  scripts/bench                  every row with everyone: about an hour, most of it compiling for rivals
  scripts/bench --quick          the cases that tell most, C++ rivals only: less than five minutes
  scripts/bench P1 P6            two rows; --list names all
  scripts/bench --shapes FILE    layers and matmuls of your own: lines M N K, where M is the batch
  scripts/bench --only oneDNN,jax P1
  scripts/bench --threads 2,4    everyone with one, two and four threads, rows of large cases alone
  scripts/bench --write-docs build/bench/2030-01-01/results.json

Where nothing can be built or fetched, a folder packed elsewhere measures with what Python packages there are:

  scripts/bench --pack FOLDER
  cd FOLDER; scripts/bench --build . --python python3

Ratios are times of the rival over times of mlc in the same round: above 1, mlc is faster. Who cannot run is
listed with the reason. Exit codes: 0 everything was measured; 1 mlc could not be built, or failed or gave a wrong
result; 2 usage.
"""


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", epilog=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="P1, P2, ...; all if none is given")
    parser.add_argument("--quick", action="store_true", help="few cases, C++ rivals only")
    parser.add_argument("--shapes", metavar="FILE", type=pathlib.Path, help="measure these M N K instead of rows")
    parser.add_argument("--only", metavar="NAME,...", help="these rivals only")
    parser.add_argument("--output", metavar="DIRECTORY", type=pathlib.Path, help="default: build/bench/<date>")
    parser.add_argument("--core", type=int, help="pin to this core; default: the last one")
    parser.add_argument("--threads", metavar="N,...", type=threads.counts,
                        help="measure with these numbers of threads, and with one, on as many CPUs")
    parser.add_argument("--seconds", type=float, help="the longest a case may take turns (default: 20, quick: 4)")
    parser.add_argument("--build", metavar="DIRECTORY", type=pathlib.Path,
                        help="use this build as it is; default: build/release, brought up to date")
    parser.add_argument("--python", metavar="PROGRAM",
                        help="run contestants in Python with this; default: that of build/bench-venv")
    parser.add_argument("--pack", metavar="FOLDER", type=pathlib.Path,
                        help="make a folder that measures where nothing can be built, and do nothing else")
    parser.add_argument("--install", action="store_true", help="fetch the rivals, and do nothing else")
    parser.add_argument("--list", action="store_true", help="list rows and contestants, and do nothing else")
    parser.add_argument("--write-docs", metavar="JSON", type=pathlib.Path, nargs="+",
                        help="put the tables of results into the documentation, and do nothing else; a row is that of "
                             "the last file that has it")
    options = parser.parse_args(arguments)
    options.python = python_of(parser, options)
    options.seconds = options.seconds or (4 if options.quick else 20)
    return parser, options


# Rows that show what the compiler of packages does, into which LLVM is linked.
PACKAGED_ROWS = {"P8", "P14"}


def python_of(parser, options):
    if not options.python:
        return contestants.VENV / "bin/python"
    found = shutil.which(options.python)
    if not found:
        parser.error(f"there is no program {options.python!r}")
    return pathlib.Path(found).absolute()


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def build(targets):
    """The targets of presets."""
    environment = os.environ | {"PATH": f"/usr/bin:{os.environ['PATH']}"}
    commands = []
    for preset, names in targets.items():
        commands += [["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "--target", *names]]
    for command in commands:
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        except FileNotFoundError as error:
            sys.exit(f"scripts/bench: {error}; --build takes what was built elsewhere")
        if done.returncode != 0:
            print(done.stdout[-4000:], file=sys.stderr)
            sys.exit("scripts/bench: mlc could not be built (above); scripts/bootstrap installs what a build needs")


def choose(parser, options):
    """The rows to measure, and the rivals (None: all)."""
    known = list(contestants.KINDS)
    only = None
    if options.quick:
        only = [name for name, kind in contestants.KINDS.items() if not kind.is_python]
    if options.only:
        only = [name.strip() for name in options.only.split(",")]
        for name in only:
            if name not in known:
                parser.error(f"there is no contestant {name!r}; there are: {', '.join(known)}")
    if options.shapes:
        try:
            listed = rows.from_file(options.shapes)
            return rows.threaded(listed) if options.threads else listed, only
        except (OSError, ValueError) as error:
            parser.error(str(error))
    available = rows.rows(options.quick)
    keys = [row.key for row in available]
    if options.threads:
        available = rows.threaded(available)
    with_threads = [row.key for row in available]
    for key in options.rows:
        if key in keys and key not in with_threads:
            parser.error(f"row {key} is not measured with several threads; those that are: {', '.join(with_threads)}")
        if key not in keys:
            parser.error(f"there is no row {key!r}; there are: {', '.join(keys)}")
    return [row for row in available if not options.rows or row.key in options.rows], only


def cpus_of(parser, options):
    """(the CPU for one thread, those for several)"""
    cpus = sorted(os.sched_getaffinity(0))
    core = cpus[-1] if options.core is None else options.core
    if core not in cpus:
        parser.error(f"core {core} is not among those that this process may use: {cpus}")
    if options.threads:
        if options.core is not None:
            parser.error("--core is for one thread; --threads chooses as many CPUs itself")
        if options.threads[-1] > len(cpus):
            parser.error(f"--threads {options.threads[-1]}: this process may use {len(cpus)} CPUs")
    return core, threads.order(cpus)


def pack_into(parser, folder):
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        parser.error(f"{folder} is there, and is not an empty folder")
    say("building")
    build({"portable": ["contestants", "mlc-compiler", "mlc-threads"]})
    try:
        pack.pack(folder.resolve(), ROOT / "build/portable", say)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"scripts/bench: {error}")
    return 0


def print_list(options):
    for row in rows.rows():
        cases = f"; {len(row.cases)} cases" if row.cases else ""
        print(f"{row.key:4} {row.title}{cases}. Aim: {row.aim}")
    print()
    for name, kind in contestants.KINDS.items():
        why = contestants.absence(kind, options.build or BUILD, options.python)
        print(f"{name:14} {'absent: ' + why if why else kind.configuration}")


def main(arguments=None):
    parser, options = parse(arguments)
    if options.list:
        return print_list(options)
    if options.pack:
        return pack_into(parser, options.pack)
    if options.install:
        failures = contestants.install(say)
        for failure in failures:
            print(f"scripts/bench: {failure} failed; the others go on without it", file=sys.stderr)
        return 1 if failures else 0
    if options.write_docs:
        results = [json.loads(file.read_text(encoding="utf-8")) for file in options.write_docs]
        return report.write_docs(results, ROOT)

    chosen, only = choose(parser, options)
    core, cpus = cpus_of(parser, options)
    if not options.build:
        say("building")
        targets = {"release": ["contestants", "mlc-compiler", *(["mlc-threads"] if options.threads else [])]}
        if any(row.key in PACKAGED_ROWS for row in chosen):
            targets["package"] = ["mlc-compiler"]
        build(targets)
    output = (options.output or ROOT / "build/bench" / datetime.datetime.now().strftime("%Y-%m-%d-%H%M")).resolve()
    (output / "case").mkdir(parents=True, exist_ok=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was measured is kept
    measurement = measure.Measurement(output, (options.build or BUILD).resolve(), core, say, options.seconds, only,
                                      options.python, options.threads or (), cpus)
    if not options.build:
        measurement.packaged_compiler = ROOT / "build/package/lib/libmlc-compiler.so"
    result = measurement.result
    result["quick"] = options.quick
    try:
        for row in chosen:
            measurement.row(row)
            report.write(result, output)
    except KeyboardInterrupt:
        say("interrupted: what was measured is kept")
    finally:
        measurement.close()
    report.write(result, output)
    print((output / "table.md").read_text(encoding="utf-8"))
    say(f"results are in {output}")
    return 1 if report.failures_of_subject(result) else 0
