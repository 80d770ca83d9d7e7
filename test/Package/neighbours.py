"""What may live in one process beside a packaged mlc: another LLVM and MLIR, another
mlc, and mlc itself again and again.

    neighbours.py

Debian's LLVM and MLIR 19 are fetched, but not installed (their packages replace those of
22), and a second mlc is built of a copy of the tree with other versions. Both are kept in
build/neighbours.
"""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import packages
from packages import LIB, ROOT, check, run
from reload import DIGITS, check_logits, reload, write_images

KEPT = ROOT / "build/neighbours"
LLVM_19 = ["libllvm19", "llvm-19-dev", "libmlir-19", "libmlir-19-dev"]
ROUNDS = 200


def other_llvm():
    """A folder with Debian's LLVM and MLIR 19."""
    folder = KEPT / "llvm-19"
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as name:
            got = subprocess.run(["apt-get", "download", "-q", *LLVM_19], cwd=name, capture_output=True, text=True)
            check(got.returncode == 0, f"apt-get cannot fetch {LLVM_19}:\n{got.stdout}{got.stderr}")
            for package in pathlib.Path(name).glob("*.deb"):
                files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
                folder.mkdir(parents=True, exist_ok=True)
                unpacked = subprocess.run(["tar", "-x", "-C", folder, "--exclude=*.a"], stdin=files.stdout)
                check(files.wait() == 0 and unpacked.returncode == 0, f"cannot unpack {package}")
        done.touch()
    return folder / "usr/lib/llvm-19"


def other_mlc():
    """A prefix with an mlc of other versions than the packages have."""
    source, prefix = KEPT / "second", KEPT / "second-root"
    listed = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            text = (ROOT / name).read_bytes()
            for file, old, new in CHANGES:
                if name == file:
                    check(re.search(old, text), f"{file} has nothing like {old}")
                    text = re.sub(old, new, text)
            path = source / name
            if not path.exists() or path.read_bytes() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
                path.chmod((ROOT / name).stat().st_mode)
    for command in (["cmake", "--preset", "package"],
                    ["cmake", "--build", "--preset", "package", "-j", str(os.cpu_count()), "--target",
                     "mlc-shared", "mlc-compiler", "mlc-compile-helper", "MLCApi"]):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True)
        check(done.returncode == 0, f"the second mlc: {done.stdout[-4000:]}{done.stderr[-4000:]}")
    shutil.rmtree(prefix, ignore_errors=True)
    for component in ("runtime", "compiler", "dev"):
        run("cmake", "--install", source / "build/package", "--prefix", prefix / "usr", "--component", component)
    return prefix


_, C_VERSION, DOOR = packages.version()
CHANGES = [("include/mlc/Support/Version.h", rb"VERSION_MINOR \d+", b"VERSION_MINOR 99"),
           ("include/mlc/Support/Version.h", rb"NAMESPACE v(\d+)_\d+", rb"NAMESPACE v\1_99"),
           ("include/mlc/c/mlc.h", rb"MLC_C_VERSION \d+", b"MLC_C_VERSION 99"),
           ("include/mlc/Abi/Door.h", rb"kDoorVersion = \d+", b"kDoorVersion = 99"),
           ("lib/c/mlc.map", rb"MLC_\d+", b"MLC_99")]


class Hosts:
    """The programs and parts, built against one installed mlc."""

    def __init__(self, root, build, *options):
        run("cmake", "-S", ROOT / "test/Package/hosts", "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_PREFIX_PATH={root / 'usr'}", *options)
        run("cmake", "--build", build)
        self.build = build

    def part(self, name):
        return self.build / f"lib{name}.so"


def main():
    found = packages.find()
    llvm, second_root = other_llvm(), other_mlc()
    with tempfile.TemporaryDirectory() as name:
        here = pathlib.Path(name)
        root = packages.unpack(found.values(), here / "root")
        again = packages.unpack(found.values(), here / "again")
        hosts = Hosts(root, here / "hosts", f"-DLLVM_19={llvm}")
        second = Hosts(second_root, here / "second")
        images = here / "images"
        write_images(images)
        c, cpp, cpp_again, other = (hosts.part(p) for p in ("c", "cpp", "cpp-again", "llvm"))
        c_99, cpp_99 = second.part("c"), second.part("cpp")
        compilers = {1: root / LIB / f"libmlc-compiler.so.{DOOR}", 99: second_root / LIB / "libmlc-compiler.so.99"}

        def host(*actions, **environment):
            """The parts' lines, and the libraries that were there at the end."""
            said = run(hosts.build / "host", DIGITS / "digits.safetensors", images, *actions,
                       LD_LIBRARY_PATH=f"{root / LIB}:{second_root / LIB}", **environment).splitlines()
            loaded = {os.path.realpath(line.split()[1]) for line in said if line.startswith("loaded ")}
            return [line for line in said if not line.startswith("loaded ")], loaded

        def opens(parts, how="local"):
            return [f"{how}={part}" for part in parts]

        def runs(*parts):
            return [f"run={part}" for part in parts]

        # Alone: right, and the bits that every other process must have.
        (alone,), loaded = host(*opens([c]), *runs(c))
        check_logits(alone)
        check(not any(re.search("libLLVM|libMLIR", library) for library in loaded), loaded)

        # Beside LLVM and MLIR 19, opened before or after, shown to all or not, in every order.
        cases, preloaded = 0, f"{llvm}/lib/libMLIR.so.19.1 {llvm}/lib/libLLVM.so.19.1"
        for how, part in itertools.product(("local", "global"), (c, cpp)):
            first_mlc = [*opens([part]), *runs(part), *opens([other], how), *runs(other, part, other)]
            first_llvm = [*opens([other], how), *runs(other), *opens([part]), *runs(part, other, part)]
            llvm_opened = [*opens([other], how), *opens([part]), *runs(part, other, part)]
            mlc_opened = [*opens([part]), *opens([other], how), *runs(other, part, other)]
            for actions in (first_mlc, first_llvm, llvm_opened, mlc_opened):
                for preload in ("", preloaded):
                    said, loaded = host(*actions, LD_PRELOAD=preload)
                    asked = [a for a in actions if a.startswith("run=")]
                    wanted = [alone if a == f"run={part}" else "llvm 19.1.7" for a in asked]
                    check([re.sub(r"^llvm 19\..*", "llvm 19.1.7", line) for line in said] == wanted,
                          f"{actions} with LD_PRELOAD={preload}: {said}")
                    check(sum("libLLVM" in library for library in loaded) == 1 and
                          sum("libMLIR" in library for library in loaded) == 1, loaded)
                    check(str(compilers[1]) in loaded, loaded)
                    cases += 1

        # Two versions of libmlc, each with its own compiler, which the linker tells apart by
        # SONAME and by the versions of the symbols; two copies of the C++ library; all of them.
        for parts in ([c, c_99], [c_99, c], [cpp, cpp_again], [cpp, cpp_99], [cpp_99, cpp], [c, cpp, c_99, cpp_99]):
            for how in ("local", "global"):
                said, loaded = host(*opens(parts, how), *runs(*parts, *reversed(parts)))
                check(said == [alone] * (2 * len(parts)), f"{parts}, {how}: {said}")
                wanted = {str(compilers[99 if part in (c_99, cpp_99) else 1]) for part in parts}
                there = {library for library in loaded if "libmlc-compiler" in library}
                check(there == wanted, f"{parts}: {there} are loaded, expected {wanted}")
                cases += 1

        def fails(*actions, **environment):
            """What the host says on its way out."""
            done = subprocess.run([hosts.build / "host", DIGITS / "digits.safetensors", images, *actions],
                                  capture_output=True, text=True, env={**os.environ, **environment})
            check(done.returncode != 0, f"{actions} with {environment} works, though it cannot")
            return done.stderr

        # The wrong compiler, by its path.
        said = fails(*opens([c]), *runs(c), MLC_COMPILER=str(compilers[99]))
        check("the two halves of mlc are of different versions" in said, said)
        # That all of this sees somebody else's symbols: a compiler that shares MLIR takes those of 19.
        shared = ROOT / f"build/release/lib/libmlc-compiler.so.{DOOR}"
        check(shared.exists(), f"{shared} is missing: build the preset release")
        fails(*opens([c]), *runs(c), MLC_COMPILER=str(shared), LD_PRELOAD=preloaded)

        # libmlc unloaded and loaded again; then three of them by turns, of which two have the
        # same SONAME: paths tell them apart.
        libmlc, program = f"{LIB}/libmlc.so.{C_VERSION}", hosts.build / "reload"
        growth, lines, stayed = reload(program, images, ROUNDS, root / libmlc)
        check(lines == [alone] and stayed == {str(compilers[1])}, f"{lines}, {stayed}")
        _, lines, stayed = reload(program, images, 10, root / libmlc, again / libmlc,
                                  second_root / LIB / "libmlc.so.99")
        wanted = {str(compilers[1]), str(again / compilers[1].relative_to(root)), str(compilers[99])}
        check(lines == [alone] * 3 and stayed == wanted, f"{lines}, {stayed}")
    print(f"neighbours: {cases} processes with others; {ROUNDS} times unloaded, "
          f"the last {ROUNDS // 2} of them added {growth} kB")


main()
