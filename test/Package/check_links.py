"""Checks that every relative link and every named script in the documents exists."""

import re

from repository import ROOT, files, finish, text

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
PROGRAM = re.compile(r"`(scripts/[\w-]+|test/[\w./-]+|examples/[\w./-]+|lib/[\w./-]+|include/[\w./-]+)`")


def main():
    findings, count = [], 0
    for path in files(".md"):
        content = text(path)
        targets = [(path.parent / t, t) for t in LINK.findall(content) if "://" not in t]
        targets += [(t, t) for t in PROGRAM.findall(content)]
        for target, written in targets:
            count += 1
            if not (ROOT / target).exists():
                findings.append(f"{path}: there is no {written}")
    finish(findings, f"{count} links lead somewhere")


main()
