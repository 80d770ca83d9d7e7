"""Checks every include against the table of rooms in docs/architecture.md."""

import re

from repository import files, finish, text

ALWAYS = {"Support", "Abi"}
OUTSIDE = {"mlir": "mlir", "llvm": "llvm", "nlohmann": "json", "oneapi": "oneapi"}
INCLUDE = re.compile(r'^\s*#?\s*include\s*[<"]([^>"]+)[>"]')


def read_table():
    """{room: (rooms it may include, outside headers it may include)}"""
    rows = {}
    for line in text("docs/architecture.md").splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or cells[0] in ("library", "---"):
            continue
        listed = [{n.strip() for n in c.split(",") if n.strip()} for c in cells[1:]]
        rows[cells[0]] = (listed[0], listed[1])
    return rows


def room_of(path):
    parts = path.parts
    if parts[0] == "lib":
        return parts[1]
    if parts[:2] == ("include", "mlc"):
        return parts[2] if len(parts) > 3 else "Api"  # mlc.h belongs to Api
    return parts[0]


def main():
    table = read_table()
    findings, count = [], 0
    if not table:
        findings.append("docs/architecture.md: the table of rooms is gone")
    for path in files(".h", ".cpp", ".td", ".inc"):
        if path.parts[0] not in ("lib", "include", "tools", "examples", "benchmarks"):
            continue
        room = room_of(path)
        if room not in table:
            findings.append(f"{path}: the table of rooms has no row '{room}'")
            continue
        rooms, outside = table[room]
        for number, line in enumerate(text(path).splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            first, _, rest = match.group(1).partition("/")
            where = f"{path}:{number}: {room} may not include"
            if first == "mlc":
                count += 1
                other = rest.split("/")[0] if "/" in rest else "Api"
                if other != room and other not in rooms | ALWAYS and "anything" not in rooms:
                    findings.append(f"{where} {other} ({match.group(1)})")
            elif first in OUTSIDE:
                count += 1
                # TableGen's mlir/*.td files come with MLIR like its headers.
                if OUTSIDE[first] not in outside:
                    findings.append(f"{where} {OUTSIDE[first]} headers ({match.group(1)})")
    finish(findings, f"{count} includes follow the table of rooms")


main()
