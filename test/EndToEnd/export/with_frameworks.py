"""Runs programs with the Python packages of python/mlc_export/requirements-test.txt.

    with_frameworks.py FOLDER PROGRAM.py...

FOLDER becomes a virtual environment with them, made anew when the requirements change.
"""

import pathlib
import shutil
import subprocess
import sys

REQUIREMENTS = pathlib.Path(__file__).resolve().parents[3] / "python/mlc_export/requirements-test.txt"


def prepare(folder):
    stamp = folder / "requirements"
    if stamp.is_file() and stamp.read_bytes() == REQUIREMENTS.read_bytes():
        return
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
    shutil.copy(REQUIREMENTS, stamp)  # last: a failed installation is tried again


def main():
    folder = pathlib.Path(sys.argv[1])
    prepare(folder)
    # One after the other, and all of them even if one fails.
    failed = [p for p in sys.argv[2:] if subprocess.run([folder / "bin/python", p]).returncode != 0]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


main()
