"""Checks what every file must be: not too long, finished, at home anywhere."""

import re

from repository import files, finish, text

MAX_LINES = 800
SOURCES = (".h", ".cpp", ".td", ".py", ".mlir", ".md", ".txt", ".cmake")
# Spelled in two parts so that this file passes its own check.
MARKERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.}])/(?:ho" r"me|ro" r"ot|wo" r"rk|Us" r"ers)/\w")


def main():
    findings, checked = [], files()
    for path in checked:
        try:
            content = text(path)
        except UnicodeDecodeError:
            continue  # data
        lines = content.splitlines()
        generated = path.suffix in (".inc", ".json") or "LICENSE" in path.name
        if len(lines) > MAX_LINES and not generated and path.name != "CHANGELOG.md":
            findings.append(f"{path}: {len(lines)} lines, more than {MAX_LINES}: split it")
        for number, line in enumerate(lines, 1):
            marker = MARKERS.search(line)
            if marker:
                findings.append(f"{path}:{number}: {marker.group(0)}: finish it or leave it out")
            if MACHINE_PATHS.search(line):
                findings.append(f"{path}:{number}: a path of one machine: {line.strip()[:80]}")
        if path.suffix in SOURCES and content and not content.endswith("\n"):
            findings.append(f"{path}: no newline at the end")
        if path.suffix in (".h", ".cpp") and path.parts[0] in ("lib", "include", "tools", "examples", "benchmarks"):
            if not re.match(r"/[/*]", content):
                findings.append(f"{path}:1: does not start with a comment that says its purpose")
    finish(findings, f"{len(checked)} files have the shape of the repository")


main()
