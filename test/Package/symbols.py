"""Checks that libraries show nothing but mlc's own symbols.

    symbols.py LIBRARY...

A symbol of somebody else's code inside of ours would be found by the dynamic linker
when that somebody is in the process, too: it would take ours, or we theirs.
"""

import pathlib
import re
import subprocess
import sys

OURS = {"libmlc.so": r"mlc_\w+@@MLC_\d+(\.\d+)?|MLC_\d+(\.\d+)?",
        "libmlc-threads.so": r"mlc_threads_functions",
        "libmlc-compiler.so": r"mlc_door|mlc_door_exit_without_memory"}
# With a shared MLIR, type ids must be the same address on both sides (door-shared-mlir.map).
TYPE_IDS = r"_ZG?VZN4mlir6detail14TypeIDResolver\w+|_ZZN4mlir6detail14TypeIDResolver\w+"


def read(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def symbols(library):
    """(name, type) of what the library defines for others: small letters are local symbols,
    but for those of unique ('u') and weak ones."""
    lines = read("nm", "-D", "--defined-only", "--with-symbol-versions", "--format=posix", library).splitlines()
    found = [tuple(line.split()[:2]) for line in lines]
    return [(name, kind) for name, kind in found if kind.isupper() or kind in "uvw"]


def check(library):
    """Ends the program if the library shows what is not ours."""
    library = pathlib.Path(library)
    ours = OURS[library.name[:library.name.index(".so") + 3]]
    if "libMLIR" in read("readelf", "-d", library):
        ours += "|" + TYPE_IDS
    shown = symbols(library)
    foreign = sorted(f"{name} ({kind})" for name, kind in shown if not re.fullmatch(ours, name))
    if foreign or not shown:
        sys.exit(f"{library} shows {len(foreign)} of {len(shown)} symbols that are not mlc's: {foreign[:20]}")
    return len(shown)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(f"{argument}: {check(argument)} symbols, all of mlc")
