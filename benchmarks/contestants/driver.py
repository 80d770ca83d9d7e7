"""What every contestant in Python shares; the protocol is that of Driver.h.

A contestant is a class with `about`, a text; load(program), which prepares; run(), which computes once; and
output(), the result as a numpy array.
"""

import os
import pathlib
import sys
import time
import traceback

import numpy as np

# How many threads a contestant may have, in the variable that most libraries read themselves.
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))

# Libraries print; answers go where stdout was.
REPLIES = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


class Unsupported(Exception):
    pass


class Program:
    """program.txt with its tensors: arrays by name, the names of inputs, and (op, result, operands) steps."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.inputs, self.weights, self.steps = {}, {}, []
        for line in (directory / "program.txt").read_text(encoding="ascii").splitlines():
            op, name, *operands = line.split()
            if op == "output":
                self.output = name
            elif op in ("input", "weight"):
                tensors = self.inputs if op == "input" else self.weights
                tensors[name] = np.load(directory / f"{name}.npy")
            else:
                self.steps.append((op, name, operands))

    def function(self, ops, weights, arguments=()):
        """The program as a Python function of its inputs, and of `arguments`, that calls functions of `ops` directly,
        as if written by hand: what interprets steps would be timed too. `weights` are values by name."""
        missing = {op for op, _, _ in self.steps if op not in ops}
        if missing:
            raise Unsupported(f"there is no {', '.join(sorted(missing))}")
        lines = [f"def function({', '.join([*self.inputs, *arguments])}):"]
        lines += [f"    {name} = {op}({', '.join(operands)})" for op, name, operands in self.steps]
        lines.append(f"    return {self.output}")
        scope = dict(ops) | dict(weights)
        exec("\n".join(lines), scope)
        return scope["function"]


def answer(contestant, command, argument):
    if command in ("load", "compile"):
        program = Program(argument)
        start = time.perf_counter()
        contestant.load(program)
        return f"ok {time.perf_counter() - start:.9g}"
    if command == "run":
        contestant.run()
        np.save(argument, np.ascontiguousarray(contestant.output()))
        return "ok"
    run, calls = contestant.run, range(int(argument))
    if command == "time":
        cpu, start = time.process_time(), time.perf_counter()
        for _ in calls:
            run()
        wall = time.perf_counter() - start
        return f"ok {wall:.9g} {time.process_time() - cpu:.9g}"
    if command == "each":
        seconds = []
        for _ in calls:
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        seconds.sort()
        return f"ok {seconds[len(seconds) // 2]:.9g} {seconds[len(seconds) * 99 // 100]:.9g}"
    return f"error there is no command {command!r}"


def serve(contestant):
    print("ready", contestant.about, file=REPLIES)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            reply = answer(contestant, command, argument)
        except Unsupported as error:
            reply = f"unsupported {error}"
        except Exception as error:  # whatever a library throws is an answer; the log has all of it
            traceback.print_exc()
            reply = f"error {type(error).__name__}: {str(error).strip().partition(chr(10))[0][:500]}"
        print(" ".join(reply.split()), file=REPLIES)
