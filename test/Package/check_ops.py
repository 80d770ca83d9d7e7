"""Checks that no op of the vocabulary lacks a piece, and names what is missing.

An op of MLCOps.td needs: inference and reference (a case for its enumerator), a
lowering (its op class in MLCToLinalg, LowerControlFlow or OutlineKernels), a conformance file, a heading in
docs/ops.md and a round trip through mlc-opt. That every numbered constraint has a
failing test is checked by test/Unit/Graph/ConstraintTest.cpp.
"""

import re
import sys

from repository import ROOT, files, finish, text

sys.path.insert(0, str(ROOT / "scripts"))
import mlc_ops

# parameter is an argument of @prepare by then, calls are inlined.
NOT_LOWERED = {"parameter", "call"}


def contents(*patterns):
    return "\n".join(text(p) for p in files() if any(p.match(g) for g in patterns))


def main():
    inference = contents("lib/Graph/*.cpp")
    reference = contents("lib/Reference/*.cpp")
    lowering = contents("lib/Conversion/MLCToLinalg/*.cpp", "lib/Transforms/Loop/LowerControlFlow.cpp",
                        "lib/Transforms/Loop/OutlineKernels.cpp")
    reader = text("docs/ops.md")
    conformance = [p.name for p in files() if p.parts[:2] == ("test", "Conformance")]
    round_trips = text("test/Dialect/ops.mlir")
    findings, count = [], 0

    for op in mlc_ops.read_ops():
        if not op.enum:
            continue  # made by passes only
        count += 1

        def missing(piece, there):
            if not there:
                findings.append(f"{op.name}: {piece}")

        case = re.compile(rf"\bOp::{op.enum}\b")
        missing("no inference: lib/Graph has no case Op::" + op.enum, case.search(inference))
        missing("no reference: lib/Reference has no case Op::" + op.enum, case.search(reference))
        if op.name not in NOT_LOWERED:
            missing(f"no lowering: MLCToLinalg, LowerControlFlow and OutlineKernels do not mention {op.enum}Op",
                    re.search(rf"\b{op.enum}Op\b", lowering))
        missing(f"no conformance file: test/Conformance/{op.name}.*",
                any(n.split(".")[0] == op.name for n in conformance))
        missing("no entry in docs/ops.md",
                re.search(rf"^#+ .*\b{op.name}\b", reader, re.MULTILINE))
        missing("no round trip: test/Dialect/ops.mlir has no mlc." + op.name,
                re.search(rf"^ *(%.* = )?mlc\.{op.name}\b", round_trips, re.MULTILINE))
    finish(findings, f"{count} ops have all their pieces")


main()
