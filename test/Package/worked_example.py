"""Applies a worked example of the documents to a copy of the tree and tests it.

    worked_example.py PATCH NAME COPY_DIRECTORY

The patch adds something called NAME. The copy must build and pass its quick
suite; then every single hunk of the patch is taken out again, one at a time, and
something must fail with NAME in its words: first the checks that need no build,
then the build and the suite.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKS = ["test/Package/check_ops.py", "test/Package/check_passes.py",
          "scripts/generate-op-table --check", "scripts/generate-op-docs --check"]
# Tests of documents, timings and examples do not depend on what the patch adds.
SUITE = ["ctest", "--test-dir", "build/release", "--output-on-failure", "-LE", "long|documents",
         "-j", str(os.cpu_count())]


class Copy:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.environment = {**os.environ, "CCACHE_BASEDIR": str(self.directory),
                            "CCACHE_NOHASHDIR": "1"}

    def run(self, *command, text=None):
        """(whether it succeeded, what it said)"""
        done = subprocess.run(command, cwd=self.directory, env=self.environment, input=text,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode == 0, done.stdout

    def must(self, *command, text=None):
        succeeded, output = self.run(*command, text=text)
        if not succeeded:
            sys.exit(f"{' '.join(command)} failed:\n{output[-6000:]}")

    def create(self):
        """The tree's files as a git repository of their own; a build is kept."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for old in self.directory.iterdir():
            if old.name != "build":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
            check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.directory / name)
        self.must("git", "init", "-q")
        self.must("git", "add", "-A")

    def build(self):
        succeeded, output = self.run("cmake", "--preset", "release")
        if succeeded:
            succeeded, output = self.run("cmake", "--build", "--preset", "release")
        return succeeded, output

    def failure(self, name):
        """Which step fails and names `name`; None if all pass. Cheap steps first."""
        steps = [(c, lambda c=c: self.run("python3", *c.split())) for c in CHECKS]
        steps += [("the build", self.build), ("the suite", lambda: self.run(*SUITE))]
        for step, action in steps:
            succeeded, output = action()
            if not succeeded:
                return step, name.lower() in output.lower().replace("-", "").replace("_", ""), output
        return None


def hunks(patch):
    """Every hunk of a patch as a patch of its own, with the file it is in."""
    for file_patch in re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE):
        if not file_patch.startswith("diff --git "):
            continue
        header, *bodies = re.split(r"^(?=@@ )", file_patch, flags=re.MULTILINE)
        name = re.search(r" b/(\S+)", header).group(1)
        for number, body in enumerate(bodies, 1):
            yield f"{name}, hunk {number}", header + body


def main():
    patch, name = pathlib.Path(sys.argv[1]).read_text(), sys.argv[2]
    copy = Copy(sys.argv[3])
    copy.create()
    copy.must("git", "apply", "-", text=patch)
    failed = copy.failure(name)
    if failed:
        sys.exit(f"with the whole patch {failed[0]} fails:\n{failed[2][-6000:]}")
    print("with the whole patch everything passes")

    findings = 0
    for place, piece in hunks(patch):
        copy.must("git", "apply", "-R", "--recount", "-", text=piece)
        failed = copy.failure(name)
        if not failed:
            print(f"{place}: nothing notices that it is missing")
        elif not failed[1]:
            print(f"{place}: {failed[0]} fails without naming {name}:\n{failed[2][-3000:]}")
        else:
            print(f"{place}: {failed[0]} notices")
        findings += not failed or not failed[1]
        copy.must("git", "apply", "--recount", "-", text=piece)
    sys.exit(1 if findings else 0)


main()
