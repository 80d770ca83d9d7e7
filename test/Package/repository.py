"""What the repository checks share: the tree, its files and a way to report.

Every check is a program `check_*.py [ROOT]` that prints one line a finding and
exits 1 if there was any. ROOT is another copy of the tree, for tests of the
checks themselves.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()


def files(*suffixes):
    """Files of the tree that git does not ignore, as paths relative to ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = sorted({pathlib.Path(p) for p in listed.split("\0") if p})
    return [p for p in paths if (ROOT / p).is_file() and (not suffixes or p.suffix in suffixes)]


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def finish(findings, summary):
    """Prints the findings and ends the program."""
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(f"{len(findings)} finding(s)")
    print(summary)
