"""scripts/bench BUILD: a shape is measured with mlc alone, and with a rival that is absent."""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "shapes").write_text("3 5 7\n", encoding="ascii")
        done = subprocess.run(
            [sys.executable, ROOT / "scripts/bench", "--build", sys.argv[1], "--shapes", directory / "shapes",
             "--only", "mlc", "--seconds", "0.1", "--output", directory / "results"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1200)  # of a second, on a busy machine
        assert done.returncode == 0, done.stdout
        result = json.loads((directory / "results/results.json").read_text(encoding="utf-8"))
        for row in result["rows"]:
            case, = row["cases"]
            assert len(case["seconds"]["mlc"]) >= 9 and min(case["seconds"]["mlc"]) > 0, done.stdout
            assert len(case["seconds"]["SOL"]) == len(case["seconds"]["mlc"]), done.stdout
        assert "| 3 x 5 x 7 |" in done.stdout, done.stdout


main()
