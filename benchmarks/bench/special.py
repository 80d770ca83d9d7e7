"""Rows about processes and threads rather than calls: P8, P13, P14. mlc alone takes part.

Each function returns figures: {"case", "figure", "unit", "values"}, one value a round.
"""

import os
import shutil
import time

import numpy as np

from . import contestants, rows, turns
from .contestants import Contestant, Failed
from .programs import disagreement

PAUSE_ROUNDS = 3


def written(measurement, case):
    directory = measurement.output / "case"
    for old in directory.glob("*"):
        old.unlink()
    return directory, case.program.write(directory)


def spawn(command, core, environment=None):
    """Seconds from starting a process on a core to its end, and what it said."""
    before = os.sched_getaffinity(0)
    reading, writing = os.pipe()
    os.sched_setaffinity(0, {core})  # which the process inherits
    try:
        start = time.perf_counter()
        process = os.posix_spawn(command[0], command, os.environ | contestants.environment(1) | (environment or {}),
                                 file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
        _, status = os.waitpid(process, 0)
        seconds = time.perf_counter() - start
    finally:
        os.sched_setaffinity(0, before)
        os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    if status != 0:
        raise Failed(f"{' '.join(command)} ends with status {status}")
    return seconds, text


def command_of_mlc(measurement):
    return str(contestants.command_of(contestants.KINDS["mlc"], measurement.build)[0])


def packaged(measurement):
    """The environment in which mlc takes the compiler of packages; None if there is none."""
    compiler = measurement.packaged_compiler
    return {"MLC_COMPILER": str(compiler)} if compiler and compiler.exists() else None


def start_up(measurement):
    """P8: from a file to the first result."""
    figures, mlc = [], command_of_mlc(measurement)
    for case in (rows.network("SEED", rows.SEED, 1), rows.network("MLP3", rows.MLP3, 256, relu_last=True)):
        directory, expected = written(measurement, case)
        cache, output = measurement.output / "cache", directory / "computed.npy"
        shutil.rmtree(cache, ignore_errors=True)
        driver = measurement.contestant("mlc")
        if not driver:
            raise Failed(measurement.absent["mlc"])
        driver.ask("load", directory)
        once = [mlc, "once", str(directory), str(output)]
        variants = {
            "warm process, compiled": lambda: float(driver.ask("first", directory)[0]),
            "warm process, image in a disk cache": lambda: float(driver.ask("first", directory, cache)[0]),
            "new process, compiled": lambda: spawn(once, measurement.core)[0],
            "new process, image in a disk cache": lambda: spawn([*once, str(cache)], measurement.core)[0],
            "a process that does nothing": lambda: spawn([mlc, "nothing"], measurement.core)[0],
        }
        if environment := packaged(measurement):
            variants["new process, compiled as packaged"] = lambda: spawn(once, measurement.core, environment)[0]
        values = {name: [] for name in variants}
        for number in range(turns.MIN_ROUNDS + 1):
            for name, variant in variants.items():
                output.unlink(missing_ok=True)
                seconds = variant()
                if name.startswith("new") and (why := disagreement(np.load(output), expected)):
                    raise Failed(f"{name}: gives {why}")
                if number > 0:  # the first fills the cache
                    values[name].append(1e3 * seconds)
        figures += [{"case": case.name, "figure": name, "unit": "ms", "values": v} for name, v in values.items()]
    return figures


def threads(measurement):
    """P13: two threads with a call each, and a call after a pause."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Failed("needs two cores")
    figures = []
    for case, calls in ((rows.network("SEED", rows.SEED, 1), 1000), (rows.network("MLP3", rows.MLP3, 256), 2)):
        directory, _ = written(measurement, case)
        driver = Contestant([command_of_mlc(measurement), "jit"], {measurement.core, cores[0], cores[-1]},
                            measurement.output / "threads.log")
        try:
            pairs = [driver.ask("pair", directory, calls) for _ in range(turns.MIN_ROUNDS)]
            pauses = [driver.ask("pause", directory, calls) for _ in range(PAUSE_ROUNDS)]
        finally:
            driver.close()
        for name, found in (("slowdown beside another thread", pairs), ("slowdown after 100 ms", pauses)):
            figures.append({"case": case.name, "figure": name, "unit": "x",
                            "values": [float(b) / float(a) for a, b in found]})
    return figures


def footprint(measurement):
    """P14: resident memory above the weights, and the size of libraries."""
    mlc, figures = command_of_mlc(measurement), []
    for case in (rows.network("SEED", rows.SEED, 1), rows.network("MLP3", rows.MLP3, 1)):
        directory, _ = written(measurement, case)
        cache = measurement.output / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        weights = case.program.bytes_read
        once = [mlc, "once", str(directory), "report"]
        for _ in range(2):
            said = {"compiled": spawn(once, measurement.core)[1],
                    "image in a disk cache": spawn([*once, str(cache)], measurement.core)[1]}
            if environment := packaged(measurement):
                said["compiled as packaged"] = spawn(once, measurement.core, environment)[1]
        for name, text in said.items():
            resident, llvm = map(int, text.split())
            figures.append({"case": case.name, "unit": "MB", "values": [(resident - weights) / 1e6],
                            "figure": f"resident above weights, {name}, LLVM {'mapped' if llvm else 'not mapped'}"})
    for library in ("libmlc.so", "libmlc-compiler.so"):
        file = measurement.build / "lib" / library
        if file.exists():
            figures.append({"case": library, "figure": "size, LLVM's libraries beside it not counted", "unit": "MB",
                            "values": [file.stat().st_size / 1e6]})
    return figures


SPECIAL = {"P8": start_up, "P13": threads, "P14": footprint}
