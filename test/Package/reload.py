"""Loads and unloads libmlc many times, with a model compiled and run each time.

    reload.py RELOAD ROUNDS LIBMLC

RELOAD is the program hosts/reload.c.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "examples/digits"
# What the second half of the rounds may add to the process. One model a round that is not
# freed, or one thread's text, would be more than that after 100 rounds.
MAX_GROWTH_KB = 1024


def write_images(path):
    """The held-out digits as the hosts read them: bytes without a header."""
    numpy.load(DIGITS / "heldout-images.npy").astype(numpy.float32).tofile(path)


def check_logits(line):
    """That a line of a host has the logits that numpy has."""
    logits = numpy.frombuffer(bytes.fromhex(line.split()[1]), ">u4").astype("<u4").view("<f4")
    expected = numpy.load(DIGITS / "heldout-logits.npy")
    numpy.testing.assert_allclose(logits.reshape(expected.shape), expected, rtol=1e-4, atol=1e-4)


def reload(program, images, rounds, *libraries):
    """(growth in kB, the lines with logits, the libraries of mlc that stayed)"""
    done = subprocess.run([str(a) for a in (program, DIGITS / "digits.safetensors", images, rounds, *libraries)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
    said = done.stdout.splitlines()
    growth = int(re.fullmatch(r"grew (-?\d+) kB", said[0]).group(1))
    if growth > MAX_GROWTH_KB:
        sys.exit(f"{program}: {rounds // 2} rounds added {growth} kB, expected at most {MAX_GROWTH_KB}")
    stayed = {os.path.realpath(line.split()[1]) for line in said if line.startswith("loaded ")}
    return growth, [line for line in said if line.startswith("mlc ")], stayed


if __name__ == "__main__":
    program, rounds, library = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        images = pathlib.Path(name) / "images"
        write_images(images)
        # A relative path, though the compiler is looked for from another working directory.
        os.chdir(pathlib.Path(library).parent)
        growth, (line,), stayed = reload(program, images, int(rounds), "./" + pathlib.Path(library).name)
    check_logits(line)
    if len(stayed) != 1 or "libmlc-compiler" not in next(iter(stayed)):
        sys.exit(f"{stayed} stayed, expected the compiler and nothing else")
    print(f"{rounds} times loaded and unloaded; the second half added {growth} kB")
