"""Runs rows: starts contestants, compares what they compute, lets them take turns, collects everything in one
dictionary that report.py and plots.py read and that is written as JSON."""

import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess

import numpy as np

from . import contestants as field
from . import threads, turns
from .contestants import Contestant, Failed, ThreadedContestant, Unsupported
from .programs import disagreement
from .special import SPECIAL

SLOW_COMPILATION = 2.0  # seconds; repeated once only


def commit():
    """What of mlc was measured."""
    packed = field.ROOT / "COMMIT"
    if packed.exists():
        return packed.read_text(encoding="ascii").strip()
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty", "--tags"], cwd=field.ROOT, capture_output=True,
                              text=True)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def machine(core):
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", info)
    caches = {}
    for index in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        level, kind, size = ((index / f).read_text().strip() for f in ("level", "type", "size"))
        if kind != "Instruction":
            caches[f"L{level}"] = size
    return {"date": datetime.date.today().isoformat(), "processor": model[1] if model else platform.processor(),
            "cores": os.cpu_count(), "core": core, "commit": commit(), "caches": dict(sorted(caches.items())),
            "isa": "AVX-512" if " avx512f " in info else "AVX2" if " avx2 " in info else "none",
            "system": platform.platform(), "load": os.getloadavg()[0]}


class Measurement:
    """With `counts`, numbers of threads, every case is measured with each of them, on the first of `cpus`."""

    def __init__(self, output, build, core, say, limit_seconds, only=None, python=field.VENV / "bin/python", counts=(),
                 cpus=()):
        self.output, self.build, self.core, self.say = output, build, core, say
        self.limit_seconds, self.only, self.python = limit_seconds, only, python
        self.counts, self.cpus = counts, cpus
        self.packaged_compiler = None  # the library that packages have, if it was built
        self.running, self.absent = {}, {}
        self.result = {"version": 1, "machine": machine(core), "contestants": {}, "absent": self.absent, "rows": []}
        if counts:
            self.result["threads"] = [{"threads": n, "cpus": cpus[:n], "cores": threads.cores(cpus[:n])}
                                      for n in counts]
            self.absent |= {name: kind.one_thread for name, kind in field.KINDS.items() if kind.one_thread}

    def contestant(self, name, count=None):
        """A running contestant, with that many threads if given, or None and an entry in `absent`."""
        if name in self.absent:
            return None
        if (name, count) not in self.running or not self.running[name, count].alive:
            kind = field.KINDS[name]
            why = field.absence(kind, self.build, self.python)
            if not why:
                try:
                    self.running[name, count] = self.start(kind, count)
                    self.result["contestants"][name] = self.running[name, count].about
                except (OSError, Failed) as error:
                    why = f"does not start: {error}"
            if why:
                self.absent[name] = why
                self.say(f"absent: {name}: {why}")
                return None
        return self.running[name, count]

    def start(self, kind, count):
        command = field.command_of(kind, self.build, self.python)
        environment = field.environment_of(kind, self.build)
        log = self.output / f"{kind.name.replace(' ', '-')}.log"
        if count:
            return ThreadedContestant(command, set(self.cpus[:count]), log, environment, count)
        return Contestant(command, self.core, log, environment)

    def close(self):
        for contestant in self.running.values():
            contestant.close()

    def row(self, row):
        """Measures a row; its entry in the result is there from the beginning, so that nothing is lost."""
        entry = {"key": row.key, "title": row.title, "aim": row.aim, "summary": row.summary, "subject": row.subject,
                 "measure": row.measure, "x": row.x, "note": row.note, "cases": []}
        entry["left_out"] = [n for n in row.contestants
                             if self.only is not None and n not in (*self.only, *self.absent) and field.KINDS[n].rival]
        self.result["rows"].append(entry)
        if row.measure == "special":
            self.special(row.key, entry)
            return
        names = [row.subject] + [n for n in row.contestants if n not in entry["left_out"]]
        for number, case in enumerate(row.cases, 1):
            self.say(f"{row.key} {number}/{len(row.cases)}: {case.name}")
            directory = self.output / "case"
            for old in directory.glob("*"):
                old.unlink()
            expected = case.program.write(directory, case.any_batch)
            for count in self.counts or (None,):
                entry["cases"].append(self.case(row, case, names, expected, count))
        if "any batch" in row.summary and ("mlc any batch", None) in self.running:
            try:
                entry["compilations"] = int(self.running["mlc any batch", None].ask("compilations")[0])
            except Failed as error:
                self.say(f"  FAILED: mlc any batch: {error}")

    def special(self, key, entry):
        self.say(key)
        entry["figures"] = []
        try:
            entry["figures"] = SPECIAL[key](self)
        except (Failed, Unsupported, OSError) as error:
            entry["reason"] = str(error)
            self.say(f"  FAILED: {error}")
        for figure in entry["figures"]:
            self.say(f"  {figure['case']}: {figure['figure']}: {statistics.median(figure['values']):.3g} "
                     f"{figure['unit']}")

    def case(self, row, case, names, expected, count):
        directory = self.output / "case"
        result = {"name": case.name, "flops": case.flops, "read": case.read, "moved": case.moved, "x": case.x,
                  "seconds": {}, "load": {}, "refused": {}}
        if count:
            result["threads"] = count
        ready = {}
        for name in names:
            contestant = self.contestant(name, count)
            if contestant:
                try:
                    result["load"][name] = self.prepare(name, contestant, directory, expected)
                    ready[name] = contestant
                except (Unsupported, Failed) as error:
                    result["refused"][name] = str(error)
                    wrong = "" if isinstance(error, Unsupported) else "FAILED: "
                    self.say(f"  {wrong}{name}: {error}")
        if row.subject not in ready:
            result["refused"].setdefault(row.subject, self.absent.get(row.subject, "not ready"))
            return result
        if row.measure == "compile":
            result["seconds"] = self.compilations(ready, directory, result["load"])
        else:
            extra = {}
            if not count and (case.flops or case.read or case.moved):
                words = ("sol", case.flops, case.read, case.moved)
                extra["SOL"] = lambda: float(ready[row.subject].ask(*words)[0])
            try:
                result["seconds"], lost = turns.take_turns(ready, row.subject, extra, self.limit_seconds, Failed)
            except Failed as error:
                lost = {row.subject: str(error)}
            for name, why in lost.items():
                result["refused"][name] = why
                self.say(f"  FAILED: {name}: {why}")
            if row.subject in lost:
                return result
            if row.percentiles:
                result["percentiles"] = self.percentiles(ready, result)
        self.tell(row, result)
        return result

    def prepare(self, name, contestant, directory, expected):
        """Loads a case and compares what is computed; returns the seconds of loading."""
        seconds = float(contestant.ask("load", directory)[0])
        file = directory / "computed.npy"
        file.unlink(missing_ok=True)
        contestant.ask("run", file)
        why = disagreement(np.load(file), expected, field.KINDS[name].allowed)
        if why:
            raise Failed(f"gives {why}")
        return seconds

    def compilations(self, ready, directory, load):
        """In turns; who is slow, or fails, has no more."""
        seconds = {name: [] for name in ready}
        for number in range(turns.MIN_ROUNDS):
            for name, contestant in ready.items():
                if load[name] > SLOW_COMPILATION:
                    seconds[name] = [load[name]]
                elif len(seconds[name]) == number:
                    try:
                        seconds[name].append(float(contestant.ask("compile", directory)[0]))
                    except Failed as error:
                        self.say(f"  FAILED: {name}: {error}")
        return {name: times for name, times in seconds.items() if times}

    def percentiles(self, ready, result):
        """[median, p99] of single calls, each the median of rounds in turns."""
        rounds = {name: [] for name in ready if name in result["seconds"]}
        for _ in range(5):
            for name in list(rounds):
                calls = int(0.2 / statistics.median(result["seconds"][name]))
                try:
                    answer = ready[name].ask("each", min(2000, max(200, calls)))
                    rounds[name].append([float(v) for v in answer])
                except Failed as error:
                    result["refused"][name] = str(error)
                    del rounds[name]
        return {name: [statistics.median(column) for column in zip(*values)] for name, values in rounds.items()}

    def tell(self, row, result):
        """One line of progress."""
        seconds = result["seconds"]
        base = seconds[row.subject]
        count = f"threads {result['threads']}: " if "threads" in result else ""
        parts = [f"{count}{row.subject} {statistics.median(base) * 1e6:.4g} us in {len(base)} rounds"]
        for name, times in seconds.items():
            if name != row.subject and len(times) == len(base):
                ratios = turns.ratios_of(times, base)
                low, high = turns.quartiles(ratios)
                parts.append(f"{name} {statistics.median(ratios):.2f} ({low:.2f}..{high:.2f})")
        self.say("  " + ", ".join(parts))
