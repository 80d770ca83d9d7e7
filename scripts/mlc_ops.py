"""Reads the vocabulary out of include/mlc/Dialect/MLCOps.td.

Shared by generate-op-table and generate-op-docs. It runs `llvm-tblgen --dump-json`, because the facts
that ODS ignores (class MLC_Facts) are visible there and nowhere else. LLVM_TBLGEN and LLVM_INCLUDE in
the environment override Debian's places.
"""

import difflib
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
TD = ROOT / "include/mlc/Dialect/MLCOps.td"

# ODS attribute definition -> AttributeKind of OpTable.h.
KINDS = {
    "BoolAttr": "Bool",
    "I64Attr": "Int",
    "StrAttr": "String",
    "DenseI64ArrayAttr": "Ints",
    "MLC_DimsAttr": "Dims",
    "ElementsAttr": "Dense",
}
TOLERANCES = {"exact", "ulp4", "contraction", "reduction", "composite"}


@dataclass
class Attribute:
    name: str
    kind: str
    default: str = None  # None: it must be given.


@dataclass
class Op:
    enum: str  # Empty for ops that only passes make.
    name: str
    summary: str
    description: str
    section: str
    constraints: list
    example: str
    tolerance: str
    operands: list
    min_operands: int
    max_operands: int  # -1: any number.
    num_results: int  # -1: any number.
    num_blocks: int
    attributes: list = field(default_factory=list)


class Malformed(Exception):
    pass


def dump():
    tblgen = os.environ.get("LLVM_TBLGEN", "/usr/lib/llvm-22/bin/llvm-tblgen")
    include = os.environ.get("LLVM_INCLUDE", "/usr/lib/llvm-22/include")
    command = [tblgen, "--dump-json", "-I", str(ROOT / "include"), "-I", include, str(TD)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def isa(records, name, superclass):
    return superclass in records[name]["!superclasses"]


def line_of(record):
    """The line of MLCOps.td on which a record is defined: the JSON itself is sorted by name."""
    place = record["!locs"][-1]
    if not place.startswith(TD.name + ":"):
        raise Malformed(f"{record['!name']} is defined in {place}; ops belong in {TD.name}")
    return int(place.rsplit(":", 1)[1])


def sections():
    """(line, title) of every banner comment of MLCOps.td."""
    lines = TD.read_text().splitlines()
    bar = re.compile(r"//===-+===//$")
    return [(i, lines[i][3:]) for i in range(1, len(lines) - 1)
            if bar.match(lines[i - 1]) and bar.match(lines[i + 1])]


def text(value):
    return " ".join((value or "").split())


def read_attribute(records, op, name, attribute):
    default = None
    if isa(records, attribute, "DefaultValuedAttr"):
        default = records[attribute]["defaultValue"].strip('"')
        attribute = records[attribute]["baseAttr"]["def"]
    if attribute not in KINDS:
        raise Malformed(f"{op}: attribute {name}: {attribute} is not one of {', '.join(KINDS)}")
    return Attribute(name, KINDS[attribute], default)


def read_op(records, record, banners):
    enum = record.get("graphEnum", "")
    op = Op(enum=enum, name=record["opName"], summary=text(record["summary"]),
            description=record["description"] or "",
            section=[title for line, title in banners if line < line_of(record)][-1],
            constraints=[text(c) for c in record.get("constraints", [])],
            example=text(record.get("example")), tolerance=record.get("tolerance", ""),
            operands=[], min_operands=0, max_operands=0,
            num_results=len(record["results"]["args"]),
            num_blocks=len(record["regions"]["args"]))
    for argument, name in record["arguments"]["args"]:
        definition = argument["def"]
        if isa(records, definition, "AttrConstraint"):
            if enum:
                op.attributes.append(read_attribute(records, op.name, name, definition))
            continue
        op.operands.append(name)
        if isa(records, definition, "Variadic"):
            op.max_operands = -1
        else:
            op.min_operands += 1
            op.max_operands += 1
    for result, _ in record["results"]["args"]:
        if isa(records, result["def"], "Variadic"):
            op.num_results = -1
    if enum:
        check(op)
    return op


def check(op):
    for field_name in ("summary", "example"):
        if not getattr(op, field_name):
            raise Malformed(f"{op.name}: {field_name} is missing")
    if op.tolerance not in TOLERANCES:
        raise Malformed(f"{op.name}: tolerance {op.tolerance!r} is not one of {sorted(TOLERANCES)}")
    if not op.constraints:
        raise Malformed(f"{op.name}: constraints are missing")
    for number, constraint in enumerate(op.constraints, 1):
        if not constraint.startswith(f"[C{number}] "):
            raise Malformed(f"{op.name}: constraint {number} must begin with [C{number}]: {constraint}")


def read_ops():
    """All ops in the order of MLCOps.td; those with an `enum` are the vocabulary."""
    records = dump()
    banners = sections()
    ops = [records[name] for name in records["!instanceof"]["Op"]
           if records[name]["opDialect"]["def"] == "MLC_Dialect"]
    return [read_op(records, record, banners) for record in sorted(ops, key=line_of)]


def main(generate, target):
    """Writes generate(ops) to `target`, or with --check says whether it is what is there."""
    path = ROOT / target
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    try:
        fresh = generate(read_ops())
    except Malformed as error:
        sys.exit(f"{TD.name}: {error}")
    if sys.argv[1:] == ["--check"]:
        there = path.read_text() if path.exists() else ""
        if there != fresh:
            lines = difflib.unified_diff(there.splitlines(), fresh.splitlines(), target, "fresh", n=0)
            sys.exit("\n".join([f"{target} is stale: run {os.path.relpath(sys.argv[0], ROOT)}",
                                *itertools.islice(lines, 12)]))
        return
    path.write_text(fresh)
