"""Unpacks the packages that scripts/package made and uses them as a stranger would.

    packages.py

Nothing of the tree but its test programs and models is used: headers, libraries and tools
come out of the packages. What lives beside mlc in a process is neighbours.py's matter.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import symbols

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "build/package/packages"
NAMES = ["mlc-compiler", "mlc-compiler-tools", "mlc-dev", "mlc-runtime", "mlc-threads", "mlc-tools"]
DIGITS = ROOT / "examples/digits"
LIB = "usr/lib/x86_64-linux-gnu"


def run(*command, **environment):
    """What the command prints; the program ends if it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(c) for c in command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check(condition, message):
    if not condition:
        sys.exit(f"packages: {message}")


def find():
    """The packages by name; each of them once, or the program ends."""
    found = {}
    for path in PACKAGES.glob("*.deb"):
        found[run("dpkg-deb", "--field", path, "Package").strip()] = path
    check(sorted(found) == NAMES, f"{PACKAGES} has {sorted(found)}, expected {NAMES}; run scripts/package")
    return found


def unpack(packages, root):
    for package in packages:
        run("dpkg-deb", "--extract", package, root)
    return root


def version():
    """Of the packages, of the C ABI and of the door, as the headers say."""
    def number(path, pattern):
        return re.search(pattern, (ROOT / path).read_text()).group(1)
    release = ".".join(number("include/mlc/Support/Version.h", rf"MLC_VERSION_{part} (\d+)")
                       for part in ("MAJOR", "MINOR", "PATCH"))
    return (release + "-1",
            number("include/mlc/c/mlc.h", r"MLC_C_VERSION (\d+)"),
            number("include/mlc/Abi/Door.h", r"kDoorVersion = (\d+)"))


def check_fields(packages):
    release = version()[0]
    for name, path in packages.items():
        fields = dict(re.findall(r"^([\w-]+): (.*)", run("dpkg-deb", "--field", path), re.MULTILINE))
        check(fields["Version"] == release, f"{name} has version {fields['Version']}, expected {release}")
        check(fields["Architecture"] == "amd64", f"{name} is for {fields['Architecture']}")
        for field in ("Maintainer", "Section", "Description", "Installed-Size"):
            check(fields.get(field), f"{name} has no {field}")
        depends = fields.get("Depends", "")
        if name == "mlc-compiler-tools":
            check("libmlir-22" in depends, f"{name} depends on {depends}")
        else:
            check(not re.search("llvm|mlir", depends), f"{name} depends on {depends}")
            check(("libtbb12" in depends) == (name == "mlc-threads"), f"{name} depends on {depends}")
        if name != "mlc-dev":
            check("libc6 (>=" in depends and "libstdc++6 (>=" in depends, f"{name} depends on {depends}")
        if name == "mlc-dev":
            check(f"mlc-runtime (= {release})" in depends, f"{name} depends on {depends}")
        if name == "mlc-tools":
            check(f"mlc-compiler (= {release})" in depends, f"{name} depends on {depends}")
    # apt finds what they depend on in Debian's lists; nothing is installed.
    run("apt-get", "install", "--simulate", *packages.values())


def check_contents(packages, root):
    for name, path in packages.items():
        for line in run("dpkg-deb", "--contents", path).splitlines():
            mode, owner, _, _, _, file = line.split(maxsplit=5)
            check(owner == "root/root", f"{name}: {line}")
            check(mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx"), f"{name}: {line}")
            check(file.startswith("./usr/") or file in ("./", "./usr/"), f"{name}: {line}")
        doc = root / "usr/share/doc" / name
        check("Apache-2.0" in (doc / "copyright").read_text(), f"{doc}/copyright names no licence")
        check(run("zcat", doc / "changelog.Debian.gz").startswith("mlc ("), f"{doc}/changelog.Debian.gz")
        check(run("zcat", doc / "changelog.gz") == (ROOT / "CHANGELOG.md").read_text(), f"{doc}/changelog.gz")
        run("dpkg-deb", "--info", path, "md5sums")
    check("LLVM Exceptions to the Apache 2.0 License" in
          (root / "usr/share/doc/mlc-compiler/copyright").read_text(),
          "mlc-compiler does not carry LLVM's licence")

    _, c_version, door = version()
    libmlc, compiler = root / LIB / f"libmlc.so.{c_version}", root / LIB / f"libmlc-compiler.so.{door}"
    for binary in (libmlc, compiler, *(root / "usr/bin").iterdir()):
        dynamic = run("readelf", "-d", binary)
        mlir = binary.name in ("mlc-opt", "mlc-reduce", "mlc-lsp-server")
        check(("libMLIR" in dynamic) == mlir, f"{binary}: {dynamic}")
        paths = re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic)
        check(all(p == "/usr/lib/llvm-22/lib" for p in paths) and (mlir or not paths), f"{binary} looks in {paths}")
        check(".debug_info" not in run("readelf", "-SW", binary), f"{binary} is not stripped")
        check(str(ROOT).encode() not in binary.read_bytes(), f"{binary} names the folder that it was built in")
    check(f"[libmlc.so.{c_version}]" in run("readelf", "-d", libmlc), "libmlc has another SONAME than its file")
    check(f"libmlc {c_version} mlc-runtime" in run("dpkg-deb", "--info", packages["mlc-runtime"], "shlibs"),
          "mlc-runtime does not say which package its library is in")
    declared = set(re.findall(r"MLC_EXPORT.*?\b(mlc_\w+)\(", (root / "usr/include/mlc/c/mlc.h").read_text()))
    shown = {name.split("@")[0] for name, kind in symbols.symbols(libmlc) if kind == "T"}
    check(declared == shown, f"mlc/c/mlc.h and libmlc differ in {declared ^ shown}")
    kernels = [int.from_bytes(count, "little") for count in re.findall(rb"mlckern1(.{8})kernel_", compiler.read_bytes(),
                                                                      re.DOTALL)]
    check(len(kernels) == 2 and min(kernels) >= 100, f"libmlc-compiler has common kernels for two levels: {kernels}")
    print(f"libmlc shows {symbols.check(libmlc)} symbols, libmlc-compiler {symbols.check(compiler)}")


def embed(root, here):
    """README's program in C++ and a program in C, with CMake and with pkg-config."""
    sources = here / "sources"
    for file in ("test/Package/consumer/CMakeLists.txt", "examples/embed/embed.cpp", "test/EndToEnd/c-abi/use.c"):
        (sources / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, sources / file)
    build = here / "consumer"
    run("cmake", "-S", sources / "test/Package/consumer", "-B", build, "-G", "Ninja", f"-DSOURCES={sources}",
        f"-DCMAKE_PREFIX_PATH={root / 'usr'}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", build)
    paths = {"LD_LIBRARY_PATH": str(root / LIB)}
    classes = run(build / "embed", DIGITS / "digits.safetensors", DIGITS / "heldout-images.npy", **paths)
    check(classes.split() == "7 6 3 7 7 3 2 8 9 3".split(), f"the embedding program prints {classes}")
    run(build / "use", DIGITS / "digits.safetensors", here / "cache", **paths)

    flags = run("pkg-config", "--cflags", "--libs", "mlc", PKG_CONFIG_PATH=str(root / LIB / "pkgconfig")).split()
    run("cc", "-std=c11", sources / "test/EndToEnd/c-abi/use.c", *flags, "-o", here / "use")
    run(here / "use", DIGITS / "digits.safetensors", here / "cache-again", **paths)


def use_tools(root):
    graph = run(root / "usr/bin/mlc-run", DIGITS / "digits.safetensors", "--emit=graph")
    check("function main(images : f32[batch,64])" in graph, graph)
    fancy = [ROOT / "examples/fancy/fancy.json", *(f"--input={n}=f32={v}" for n, v in zip("abcd", (1, 2, 3, 4)))]
    check("result: f32[] 10" in run(root / "usr/bin/mlc-run", *fancy, "--exec=jit", "--compare=reference"), "mlc-run")
    for tool in ("mlc-opt", "mlc-reduce"):
        check("--mlc-" in run(root / "usr/bin" / tool, "--help"), f"{tool} knows no pass of mlc")


def main():
    packages = find()
    with tempfile.TemporaryDirectory() as name:
        here = pathlib.Path(name)
        check_fields(packages)
        # The runtime alone: no LLVM, and a clear word when there is no compiler.
        alone = unpack([packages["mlc-runtime"]], here / "runtime")
        needed = run("ldd", alone / LIB / f"libmlc.so.{version()[1]}")
        check(not re.search("LLVM|MLIR|not found", needed), needed)

        root = unpack(packages.values(), here / "root")
        check_contents(packages, root)
        embed(root, here)
        use_tools(root)
    print("packages: as they should be, embedded and used")


if __name__ == "__main__":
    main()
