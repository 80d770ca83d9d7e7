"""Checks that a pass is one td entry, one .cpp and one lit file of the same name.

`def FooBarPass : Pass<"mlc-foo-bar", ...>` in include/mlc/ROOM/Passes.td wants
FooBar.cpp below lib/ROOM and foo-bar.mlir below test/.
"""

import re

from repository import files, finish, text

ENTRY = re.compile(r'def (\w+)Pass : Pass<"(?:mlc|convert)-([\w-]+)"')


def main():
    findings, count = [], 0
    for td in files(".td"):
        if td.name != "Passes.td":
            continue
        room = "/".join(td.parts[2:-1])
        for name, argument in ENTRY.findall(text(td)):
            count += 1
            if name.lower() not in (argument.replace("-", ""), ("mlc" + argument).replace("-", "")):
                findings.append(f"{td}: {name}Pass is called mlc-{argument}")
            if not any(p.name == name + ".cpp" and str(p).startswith(f"lib/{room}/")
                       for p in files(".cpp")):
                findings.append(f"mlc-{argument}: no lib/{room}/{name}.cpp")
            if not any(p.stem in (argument, "mlc-" + argument) and p.parts[0] == "test"
                       for p in files(".mlir")):
                findings.append(f"mlc-{argument}: no lit test {argument}.mlir below test/")
    finish(findings, f"{count} passes have all their pieces")


main()
