"""scripts/bench --pack: a folder from which another machine measures that has no compiler and no network.

It has scripts/bench, what that imports, and in bin/ and lib/ what --build takes. Python packages are the machine's own.
"""

import pathlib
import re
import shutil
import subprocess

from . import contestants, measure

SCRIPTS = ("scripts/bench", "benchmarks/bench", "benchmarks/contestants", "python/mlc_export")
# glibc comes with the system, and has to fit its kernel and loader.
OF_SYSTEM = re.compile(r"(linux-vdso|ld-linux.*|lib(c|m|mvec|dl|rt|pthread|resolv|util))\.so(\.\d+)?$")
LEFT_OUT = {"contestant-openvino": "its libraries belong to a Python package"}


def libraries_of(file):
    """What it needs, directly or not, and the system may not have: paths by the names that are looked for."""
    done = subprocess.run(["ldd", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        name, arrow, path = line.partition(" => ")
        name = name.split()[0]
        if arrow and not OF_SYSTEM.match(name):
            if path.startswith("not found"):
                raise OSError(f"{file} needs {name}, which is not there")
            found[name] = pathlib.Path(path.split()[0])
    return found


def pack(folder, build, say):
    """Fills a folder that is new or empty."""
    for name in SCRIPTS:
        source, target = contestants.ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.cpp", "*.h"))
        else:
            shutil.copy2(source, target)
    (folder / "COMMIT").write_text(f"{measure.commit()}\n", encoding="ascii")

    drivers = {kind.driver for kind in contestants.KINDS.values() if not kind.is_python}
    files = {}
    for driver in sorted(drivers):
        if driver in LEFT_OUT:
            say(f"left out: {driver}: {LEFT_OUT[driver]}")
        elif (build / "bin" / driver).exists():
            files[f"bin/{driver}"] = build / "bin" / driver
        else:
            say(f"left out: {driver}: it is not built")
    # mlc opens these itself, by their names with versions.
    files |= {f"lib/{file.name}": file for part in ("compiler", "threads")
              for file in (build / "lib").glob(f"libmlc-{part}.so.*")}
    for file in list(files.values()):
        files |= {f"lib/{name}": path for name, path in libraries_of(file).items()}
    for name, source in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(source, folder / name)
    subprocess.run(["strip", "--strip-unneeded", *(folder / name for name in files)], check=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    say(f"packed {size / 1e6:.0f} MB in {folder}; there: scripts/bench --build . --python python3")
