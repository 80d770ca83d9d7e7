"""Installs the build, moves the tree, and embeds what is there as a stranger would.

    installed.py CMAKE BUILD SOURCES
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

cmake, build, sources = (pathlib.Path(a) for a in sys.argv[1:])
digits = sources / "examples/digits"


def run(*command, **environment):
    outcome = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                             env={**os.environ, **environment})
    if outcome.returncode != 0:
        sys.exit(f"{command}\n{outcome.stdout}{outcome.stderr}")
    return outcome.stdout


def install(prefix, *components):
    for component in components:
        run(cmake, "--install", build, "--prefix", prefix, "--component", component)
    return {str(p.relative_to(prefix)) for p in prefix.rglob("*") if not p.is_dir()}


with tempfile.TemporaryDirectory() as name:
    here = pathlib.Path(name)

    # The runtime alone is one library, which needs no LLVM and shows what is ours.
    files = install(here / "runtime", "runtime")
    assert all(f.startswith("lib/libmlc.so.") for f in files) and files, files
    library, = (here / "runtime/lib").glob("libmlc.so.?")
    needed = run("ldd", library)
    assert "LLVM" not in needed and "MLIR" not in needed and "not found" not in needed, needed
    # Nor is a compiler found: a clear error.
    c_program = here / "no-compiler.c"
    c_program.write_text("""
        #include "mlc/c/mlc.h"
        #include <stdio.h>
        int main(int argc, char **argv) {
          mlc_engine *engine;
          mlc_executable *model;
          mlc_engine_create(NULL, &engine);
          mlc_status status = mlc_engine_load(engine, argv[argc - 1], NULL, &model);
          puts(mlc_last_error());
          return status == MLC_UNSUPPORTED ? 0 : 1;
        }""")
    run("cc", "-std=c11", "-I", sources / "include", c_program, library, "-o", here / "no-compiler")
    said = run(here / "no-compiler", digits / "digits.safetensors", LD_LIBRARY_PATH=library.parent)
    assert "the compiler library was not found" in said, said

    files = install(here / "first", "runtime", "threads", "compiler", "dev", "tools", "compiler-tools")
    headers = {f for f in files if f.startswith("include/")}
    assert all(f.startswith("include/mlc/") for f in headers), headers
    for header in headers:
        text = (here / "first" / header).read_text()
        assert "llvm/" not in text and "mlir/" not in text, header
    # What C++ programs link is in the inline namespace of its version.
    symbols = run("nm", "-C", "--defined-only", "-g", *(here / "first/lib").glob("*.a"))
    ours = [line for line in symbols.splitlines() if " mlc::" in line]
    foreign = [line for line in ours if not re.search(r" mlc::v\d", line)]
    assert len(ours) > 100 and not foreign, foreign[:5]
    prefix = (here / "first").rename(here / "moved")

    run(cmake, "-S", sources / "test/Package/consumer", "-B", here / "consumer", f"-DSOURCES={sources}",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run(cmake, "--build", here / "consumer")
    environment = {"LD_LIBRARY_PATH": str(prefix / "lib")}
    classes = run(here / "consumer/embed", digits / "digits.safetensors", digits / "heldout-images.npy",
                  **environment)
    assert len(classes.split()) == 10, classes
    run(here / "consumer/use", digits / "digits.safetensors", here / "cache", **environment)

    # pkg-config, and the tools where they lie.
    flags = run("pkg-config", "--cflags", "--libs", "mlc", PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig")).split()
    run("cc", "-std=c11", sources / "test/EndToEnd/c-abi/use.c", *flags, "-o", here / "use")
    run(here / "use", digits / "digits.safetensors", here / "cache", **environment)
    graph = run(prefix / "bin/mlc-run", digits / "digits.safetensors", "--emit=graph")
    assert "function main(images : f32[batch,64])" in graph, graph
    selftest = run(prefix / "bin/mlc-run", sources / "examples/fancy/fancy.json", "--emit=llvm")
    assert "define" in selftest, selftest
print("installed, moved and embedded")
