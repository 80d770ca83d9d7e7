"""What is measured: the rows of the scoreboard. All shapes come from other people's suites."""

import dataclasses

from .programs import Program

BLAS = ("OpenBLAS", "BLIS")
LIBRARIES = ("oneDNN", *BLAS)
RUNTIMES = ("jax", "ONNX Runtime", "OpenVINO", "IREE")
FRAMEWORKS = ("torch", "torch.compile", *RUNTIMES)
EVERY = ("",)  # name of a case begins so


@dataclasses.dataclass
class Case:
    name: str
    program: Program
    flops: float = 0  # what bounds it: operations, bytes read, bytes moved (half of them written)
    read: float = 0
    moved: float = 0
    x: float = 0      # where it lies in a plot of time against size
    any_batch: bool = False


@dataclasses.dataclass
class Row:
    """`measure` is run (seconds of a call), compile (until a call can be made) or special (a function of special.py).
    `summary` names the figures that report.py makes of it, in the words of `aim`. `threaded` is how the names of those
    cases begin that last long enough for several threads."""
    key: str
    title: str
    aim: str
    summary: tuple
    cases: list
    contestants: tuple
    subject: str = "mlc"
    measure: str = "run"
    threaded: tuple = ()
    percentiles: bool = False
    x: str = ""
    note: str = ""


# M x N x K: M is the batch, a layer is K -> N.
FC17 = ([(128, n, k) for n, k in ((768, 768), (2304, 768), (3072, 768), (768, 3072), (1024, 1024), (4096, 1024),
                                  (1024, 4096))] +
        [(256, n, k) for n, k in ((768, 768), (3072, 768), (768, 3072), (1024, 1024), (4096, 1024), (1024, 4096))] +
        [(1024, n, k) for n, k in ((512, 352), (256, 512), (512, 1024), (1024, 2560))])
TINY = [(1, 1, 1), (4, 4, 4), (4, 4, 16), (1, 16, 16), (16, 16, 16), (18, 32, 96), (24, 64, 96), (48, 64, 128),
        (192, 128, 128)]
SKINNY = [(7680, 2560), (6144, 2048), (4608, 1536), (8448, 2816), (3072, 1024), (512, 512), (1024, 512)]
SEED = (512, 256, 128, 2)
MLP3 = (1024, 1024, 1024, 1024)
NETWORKS = {
    "MLP3": MLP3,
    "DLRM bottom": (13, 512, 256, 128),
    "DLRM top": (479, 1024, 1024, 512, 256, 1),
    "NCF": (256, 256, 128, 64),
    "wide and deep": (845, 1024, 512, 256),
}


def layer(m, n, k):
    p = Program()
    p.step("linear_relu", p.input("x", m, k), p.weight("w", k, n), p.weight("b", n))
    return Case(f"{m} x {n} x {k}", p, flops=p.flops, read=p.bytes_read)


def product(m, n, k):
    p = Program()
    p.step("matmul", p.input("a", m, k), p.input("b", k, n))
    return Case(f"{m} x {n} x {k}", p, flops=p.flops, read=p.bytes_read)


def skinny(m, k, n):
    p = Program()
    p.step("matmul", p.input("x", n, k), p.weight("w", k, m))
    return Case(f"{m}, {k} at {n}", p, flops=p.flops, read=p.bytes_read)


def network(name, widths, batch, relu_last=False, any_batch=False):
    p = Program()
    value = p.input("x", batch, widths[0])
    for i, (k, n) in enumerate(zip(widths, widths[1:])):
        op = "linear_relu" if relu_last or i + 2 < len(widths) else "linear"
        value = p.step(op, value, p.weight(f"w{i}", k, n), p.weight(f"b{i}", n))
    return Case(f"{name}, batch {batch}", p, flops=p.flops, read=p.bytes_read, x=batch, any_batch=any_batch)


def chain_of_eight(size):
    p = Program()
    a, b, c, d = (p.input(name, size) for name in "abcd")
    value = p.step("add", p.step("mul", a, b), c)
    value = p.step("add", p.step("mul", value, p.step("sub", a, d)), b)
    p.step("relu", p.step("sub", p.step("mul", value, c), d))
    return Case(f"{size} elements", p, moved=p.bytes_moved)


def adds(count, size=4):
    p = Program()
    x = p.input("x", size)
    value = x
    for _ in range(count):
        value = p.step("add", value, x)
    return Case(f"{count} adds", p, x=count)


def one_add():
    p = Program()
    p.step("add", p.input("x", 1), p.input("z", 1))
    return Case("one add", p)


def softmax(rows, columns):
    p = Program()
    p.step("softmax", p.input("x", rows, columns))
    return Case(f"softmax {rows} x {columns}", p, moved=p.bytes_moved)


def layer_norm(rows, columns):
    p = Program()
    p.step("layer_norm", p.input("x", rows, columns), p.weight("scale", columns), p.weight("shift", columns))
    return Case(f"layer norm {rows} x {columns}", p, moved=p.bytes_moved)


def attention(heads, length, width):
    p = Program()
    p.step("attention", *(p.input(name, heads, length, width) for name in "qkv"))
    return Case(f"attention {heads} x {length} x {width}", p, flops=p.flops)


def layers(count, widths):
    case = network(f"{count} layers", widths, 1)
    case.name, case.x = f"{count} {'equal' if len(set(widths)) == 1 else 'distinct'} layers", count
    return case


def pick(quick, cases, few):
    return [cases[i] for i in few] if quick else cases


def rows(quick=False):
    """All of them; `quick` leaves the cases that tell most, for less than five minutes without Python peers."""
    fc17 = pick(quick, FC17, (0, 5, 9, 14))
    batches = (256, 1024) if quick else (256, 512, 1024, 2048)
    recommenders = pick(quick, list(NETWORKS), (0, 3))
    listed = [
        Row("P0", "Control: mlc against itself, in another process", "1 x, or the harness is not fair", ("others",),
            [layer(256, 768, 768), network("SEED", SEED, 1)], ("mlc again",)),
        Row("P1", "Layers (bias, relu, constant weights)",
            "share of SOL: geomean >= 97 %, min >= 94 %; >= 1.03 x best", ("sol", "best"),
            [layer(*s) for s in fc17], (*LIBRARIES, *FRAMEWORKS), threaded=EVERY),
        Row("P2", "Matmul, both operands arguments (packing counted)",
            "vs best BLAS: geomean >= 1.0 x, min >= 0.9 x", ("sol", "blas", "best"),
            [product(*s) for s in fc17], LIBRARIES, threaded=EVERY),
        Row("P3", "Tiny matmuls, specialised", "vs best: >= 2 x at 32^3 and below", ("best",),
            [product(*s) for s in pick(quick, TINY, (1, 4, 6, 8))],
            ("mlc raw", "libxsmm", *LIBRARIES, *FRAMEWORKS)),
        Row("P4", "Skinny products, constant weights (m, k at n = 1, 2, 4)",
            "share of read bandwidth >= 90 %; t(2) <= 1.1 t(1)", ("sol", "second row", "best"),
            [skinny(m, k, n) for m, k in pick(quick, SKINNY, (4, 5)) for n in (1, 2, 4)], (*LIBRARIES, *FRAMEWORKS)),
        Row("P5", "Networks at large batches", "samples/s vs best: >= 1.2 x", ("sol", "best"),
            [network(name, NETWORKS[name], b, relu_last=name == "MLP3") for name in recommenders for b in batches],
            (*LIBRARIES, *FRAMEWORKS), x="batch", threaded=EVERY),
        Row("P6", "Networks at batch 1",
            "<= 1.10 x roofline; >= 3 x ahead of every runtime with a graph format; p99/p50 <= 1.2",
            ("roofline", "best", "graph formats", "percentiles"),
            [network("SEED", SEED, 1), *(network(name, NETWORKS[name], 1) for name in pick(quick, list(NETWORKS)[1:], (2,)))],
            ("mlc bf16", "mlc int8", "mlc int8-dynamic", *LIBRARIES, *FRAMEWORKS), percentiles=True,
            note="With those in Python a call includes what their interface costs, which P7 shows. mlc with weights in "
                 "fewer bits computes something else: its results are off by up to 2 % (bf16) or 5 % (int8)."),
        Row("P7", "One add of one element", "ns above an empty indirect call: <= 3 raw, <= 15 checked", ("overhead",),
            [one_add()], ("empty call", "mlc raw", *FRAMEWORKS),
            note="What others take here is what a call through their Python interface costs."),
        Row("P9", "Compile time of chains and stacks",
            "linear or better; 1000 ops <= 100 ms; 50 equal layers <= 3 x one; 50 distinct layers <= 20 ms with "
            "known kernels", ("compile",),
            [*(adds(n) for n in ((10, 100) if quick else (10, 100, 1000))),
             *(layers(n, [64] * (n + 1)) for n in (1, 50)), layers(50, [32 + 8 * i for i in range(51)])],
            ("torch.compile", *RUNTIMES), measure="compile", x="ops"),
        Row("P10", "Eight element-wise ops: y = relu(((a*b + c)*(a - d) + b)*c - d)",
            "share of copy bandwidth at 4M: >= 90 %; vs hand-written C++ at 16K: >= 1 x", ("each",),
            [chain_of_eight(1 << 22), chain_of_eight(1 << 14)], ("C++", *FRAMEWORKS), threaded=("4194304",)),
        Row("P11", "Softmax, layer norm, attention",
            "share of copy bandwidth >= 85 %; attention: share of GEMM SOL >= 65 %; vs best >= 1.3 x", ("each",),
            [*(layer_norm(*s) for s in pick(quick, [(256, 768), (257, 768), (128, 1024)], (0,))),
             *(softmax(*s) for s in pick(quick, [(128, 1024), (4096, 64)], (0,))),
             *(attention(*s) for s in pick(quick, [(16, 384, 64), (12, 128, 64), (25, 1024, 64)], (1,)))],
            ("oneDNN", *FRAMEWORKS), threaded=("softmax", "attention")),
        Row("P12", "One image for every batch, SEED", "0 recompiles; loss <= 5 %; worst/median of neighbours <= 1.25",
            ("any batch",),
            [network("SEED", SEED, b, any_batch=True)
             for b in ((1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 127, 128, 256, 257) if quick else range(1, 258))],
            ("mlc any batch",), x="batch"),
        Row("P15", "Dispatch", "jit vs our own eager: >= 10 x on the adds; never slower on SEED", ("others",),
            [adds(100), network("SEED", SEED, 1)], ("mlc eager", "torch", "jax eager")),
        Row("P8", "From a model file to the first result",
            "warm engine <= 3 ms with known kernels, <= 15 with none; new process <= 50; from the disk cache <= 0.1 warm, "
            "<= 1.5 in a new process", (), [], (), measure="special",
            note="Engines are new; in the warm process kernels that take their sizes as arguments are known from the "
                 "round before. Files are in memory."),
        Row("P13", "Two threads with a call each; a call after a pause", "slowdown <= 1.05 x; <= 1.3 x", (), [], (),
            measure="special", note="Where others want the cores as well, the first figure says nothing. The second is of "
                                    "processor time."),
        Row("P14", "Footprint", "resident above the weights <= 20 MB, LLVM not mapped; the rest is reported", (), [], (),
            measure="special"),
    ]
    return sorted(listed, key=lambda row: int(row.key[1:]))


def threaded(listed):
    """Those rows that are measured with several threads, with the cases that are."""
    return [dataclasses.replace(row, cases=[case for case in row.cases if case.name.startswith(row.threaded)])
            for row in listed if row.threaded]


def from_file(path):
    """Rows of anybody's list: lines `M N K`, commas allowed, # begins a comment."""
    shapes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            m, n, k = map(int, words)
        except ValueError:
            raise ValueError(f"{path}:{number}: not three sizes M N K: {line.strip()!r}") from None
        if min(m, n, k) < 1:
            raise ValueError(f"{path}:{number}: a size below 1: {line.strip()!r}")
        shapes.append((m, n, k))
    if not shapes:
        raise ValueError(f"{path}: no shapes: lines M N K are expected")
    return [
        Row("layers", f"Layers of {path.name}", "", ("sol", "best"), [layer(*s) for s in shapes],
            (*LIBRARIES, *FRAMEWORKS), threaded=EVERY),
        Row("matmuls", f"Matmuls of {path.name}, both operands arguments", "", ("sol", "best"),
            [product(*s) for s in shapes], LIBRARIES, threaded=EVERY),
    ]
