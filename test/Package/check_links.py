"""Checks that every relative link and every named script in the documents exists."""

import re

from repository import ROOT, files, finish, text

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
PROGRAM = re.compile(r"`(scripts/[\w-]+|test/[\w./-]+|examples/[\w./-]+|lib/[\w./-]+|include/[\w./-]+)`")


def main():
    findings, count = [], 0
    # Files that only the worked examples add.
    added = {line[6:] for p in files(".patch") for line in text(p).splitlines()
             if line.startswith("+++ b/")} | {"test/Conformance/softsign.json"}
    for path in files(".md"):
        content = re.sub(r"^```.*?^```$", "", text(path), flags=re.MULTILINE | re.DOTALL)
        targets = [(path.parent / t, t) for t in LINK.findall(content) if "://" not in t]
        targets += [(t, t) for t in PROGRAM.findall(content)]
        for target, written in targets:
            count += 1
            if not (ROOT / target).exists() and written not in added:
                findings.append(f"{path}: there is no {written}")
    finish(findings, f"{count} links lead somewhere")


main()
