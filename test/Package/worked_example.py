"""Applies a worked example of the documents to a copy of the tree and tests it.

    worked_example.py PATCH NAME COPY_DIRECTORY

The patch adds something called NAME; lines `generate: COMMAND` before its first
file write what follows from it. The copy must build and pass its quick suite. Then
every single place - a hunk of the patch, or a generated file - is taken out again,
one at a time, and something must fail with NAME in its words: first the checks that
need no build, then the build and the suite.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKS = ["test/Package/check_ops.py", "test/Package/check_passes.py",
          "scripts/generate-op-table --check", "scripts/generate-op-docs --check",
          "scripts/generate-conformance --check"]
# Tests of documents, timings and examples do not depend on what the patch adds.
# What is most likely to notice comes first; the sweeps of random graphs take minutes and
# come last.
SUITE = ["ctest", "--test-dir", "build/release", "--output-on-failure", "--stop-on-failure",
         "-LE", "long|documents", "-j", str(os.cpu_count())]
NEAR = "^(lit|unit-.*|op-.*-fresh|conformance-[a-z]+)$"
SWEEPS = "random-graphs-(v?[0-9]+)"


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

    def changed(self):
        """Files that differ from the tree that was copied."""
        self.must("git", "add", "-A", "-N")
        return self.run("git", "diff", "--name-only")[1].split()

    def hunks(self, patch):
        """(place, how to take it out, how to put it back) for every hunk."""
        for part in re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE)[1:]:
            header, *bodies = re.split(r"^(?=@@ )", part, flags=re.MULTILINE)
            file = re.search(r" b/(\S+)", header).group(1)
            for number, body in enumerate(bodies, 1):
                apply = lambda *flags, piece=header + body: self.must(
                    "git", "apply", "--recount", *flags, "-", text=piece)
                yield f"{file}, hunk {number}", lambda a=apply: a("-R"), apply

    def generated(self, files):
        """The same for generated files: as they were before, or not there."""
        for file in files:
            new = (self.directory / file).read_bytes()
            old = subprocess.run(["git", "show", f":{file}"], cwd=self.directory,
                                 capture_output=True).stdout

            def put(content, path=self.directory / file):
                path.write_bytes(content) if content else path.unlink()
            yield f"{file}, generated", lambda o=old, p=put: p(o), lambda n=new, p=put: p(n)

    def build(self):
        succeeded, output = self.run("cmake", "--preset", "release")
        if succeeded:
            succeeded, output = self.run("cmake", "--build", "--preset", "release")
        return succeeded, output

    def failure(self, name):
        """Which step fails and names `name`; None if all pass. Cheap steps first."""
        steps = [(c, lambda c=c: self.run("python3", *c.split())) for c in CHECKS]
        steps += [("the build", self.build), ("the suite", lambda: self.run(*SUITE, "-R", NEAR)),
                  ("the suite", lambda: self.run(*SUITE, "-E", f"{NEAR}|{SWEEPS}")),
                  ("the sweeps", lambda: self.run(*SUITE, "-R", SWEEPS))]
        for step, action in steps:
            succeeded, output = action()
            if not succeeded:
                return step, name.lower() in output.lower().replace("-", "").replace("_", ""), output
        return None


def main():
    patch, name = pathlib.Path(sys.argv[1]).read_text(), sys.argv[2]
    copy = Copy(sys.argv[3])
    copy.create()
    copy.must("git", "apply", "-", text=patch)
    by_hand = set(copy.changed())
    for command in re.findall(r"^generate: (.*)$", patch, flags=re.MULTILINE):
        copy.must(*command.split())
    generated = sorted(set(copy.changed()) - by_hand)
    failed = copy.failure(name)
    if failed:
        sys.exit(f"with the whole patch {failed[0]} fails:\n{failed[2][-6000:]}")
    print("with the whole patch everything passes", flush=True)

    findings = 0
    for place, remove, restore in [*copy.hunks(patch), *copy.generated(generated)]:
        remove()
        failed = copy.failure(name)
        if not failed:
            print(f"{place}: nothing notices that it is missing")
        elif not failed[1]:
            print(f"{place}: {failed[0]} fails without naming {name}:\n{failed[2][-3000:]}")
        else:
            print(f"{place}: {failed[0]} notices", flush=True)
        findings += not failed or not failed[1]
        restore()
    sys.exit(1 if findings else 0)


main()
