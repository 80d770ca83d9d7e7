"""scripts/bench BUILD: a shape is measured with mlc alone, on one thread and on several."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def measure(directory, *options):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/bench", "--build", sys.argv[1], "--shapes", directory / "shapes",
         "--only", "mlc", "--seconds", "0.1", "--output", directory / "the results", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1200)  # of a second, on a busy machine
    assert done.returncode == 0, done.stdout
    return json.loads((directory / "the results/results.json").read_text(encoding="utf-8")), done.stdout


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "shapes").write_text("3 5 7\n", encoding="ascii")
        result, said = measure(directory)
        for row in result["rows"]:
            case, = row["cases"]
            assert len(case["seconds"]["mlc"]) >= 9 and min(case["seconds"]["mlc"]) > 0, said
            assert len(case["seconds"]["SOL"]) == len(case["seconds"]["mlc"]), said
        assert "| 3 x 5 x 7 |" in said, said

        most = min(2, len(os.sched_getaffinity(0)))
        (directory / "shapes").write_text("256 256 256\n", encoding="ascii")
        result, said = measure(directory, "--threads", str(most))
        for row in result["rows"]:
            assert [case["threads"] for case in row["cases"]] == list(range(1, most + 1)), said
            assert all(min(case["seconds"]["mlc"]) > 0 for case in row["cases"]), said


main()
