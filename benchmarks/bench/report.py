"""Writes what was measured: results.json, table.md, plots, and the tables of the documentation."""

import json
import statistics

from . import contestants, plots
from .turns import geomean, quartiles, ratios_of

BEGIN = "<!-- written by scripts/bench --write-docs: do not edit -->"
BEGIN_THREADS = "<!-- several threads, written by scripts/bench --write-docs: do not edit -->"
GRAPH_FORMATS = ("ONNX Runtime", "OpenVINO", "IREE")
# What README.md shows: rows, cases and what a reader calls them.
GLANCE = (
    ("P6", "SEED, batch 1", "512 → 256 → 128 → 2, batch 1"),
    ("P6", "DLRM top, batch 1", "479 → 1024 → 1024 → 512 → 256 → 1, batch 1"),
    ("P5", "MLP3, batch 256", "1024 → 1024 → 1024 → 1024, batch 256"),
    ("P11", "attention 16 x 384 x 64", "attention, 16 heads × 384 × 64"),
    ("P11", "softmax 128 x 1024", "softmax 128 × 1024"),
    ("P10", "16384 elements", "8 element-wise ops, 16384 elements"),
)
GLANCE_RIVALS = ("oneDNN", "ONNX Runtime", "OpenVINO", "torch.compile", "jax", "IREE")
END = "<!-- end of what scripts/bench writes -->"


def of_time(seconds):
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def percent(value):
    return f"{100 * value:.0f} %"


def spread_text(values, form):
    """The median and, if there is more than one, the quartiles."""
    middle = form(statistics.median(values))
    if len(values) < 2:
        return middle
    low, high = quartiles(values)
    return f"{middle} ({form(low)}–{form(high)})"


def ratio(value):
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def ratio_text(values):
    return spread_text(values, ratio)


class CaseView:
    """What follows from the seconds of a case."""

    def __init__(self, row, case):
        self.row, self.case, self.name = row, case, case["name"]
        self.seconds = case["seconds"]
        self.own = self.seconds.get(row["subject"])

    def rivals(self):
        return [n for n in self.seconds if n in contestants.KINDS and contestants.KINDS[n].rival]

    def ratios(self, name):
        """How many times as long as mlc, by round; of medians where someone had fewer turns."""
        times = self.seconds[name]
        if len(times) == len(self.own):
            return ratios_of(times, self.own)
        return [statistics.median(times) / statistics.median(self.own)]

    def shares(self, name=None):
        """Of the speed of light, by round."""
        if "SOL" not in self.seconds:
            return []
        return ratios_of(self.seconds["SOL"], self.seconds[name] if name else self.own)

    def best(self):
        return min(self.rivals(), key=lambda n: statistics.median(self.seconds[n]), default=None)


def views(row):
    return [v for v in (CaseView(row, case) for case in row["cases"]) if v.own]


def extremes(values, form):
    return f"geomean {form(geomean(values))}, min {form(min(values))}"


def summarise_sol(row, seen):
    shares = [statistics.median(v.shares()) for v in seen if v.shares()]
    return [f"share of SOL: {extremes(shares, percent)}"] if shares else []


def summarise_best(row, seen):
    best = [statistics.median(v.ratios(v.best())) for v in seen if v.best()]
    return [f"vs best: {extremes(best, lambda v: f'{v:.2f} x')}"] if best else ["no rival was there"]


def summarise_blas(row, seen):
    """Against OpenBLAS and BLIS alone: where operands are arguments, everyone packs."""
    best = [min((statistics.median(v.ratios(n)) for n in ("OpenBLAS", "BLIS") if n in v.seconds), default=None)
            for v in seen]
    best = [b for b in best if b]
    return [f"vs best BLAS: {extremes(best, lambda v: f'{v:.2f} x')}"] if best else []


def summarise_each(row, seen):
    """For rows whose cases have little in common."""
    lines = []
    for v in seen:
        share = f"{percent(statistics.median(v.shares()))} of SOL" if v.shares() else ""
        best = f"{statistics.median(v.ratios(v.best())):.2f} x {v.best()}" if v.best() else ""
        lines.append(f"{v.name}: " + ", ".join(part for part in (share, best) if part))
    return lines


def summarise_second_row(row, seen):
    """How much longer two rows take than one."""
    time = {v.name: statistics.median(v.own) for v in seen}
    steps = [time[n] / time[n[:-1] + "1"] for n in time if n.endswith(" at 2") and n[:-1] + "1" in time]
    return [f"t(2)/t(1): median {statistics.median(steps):.2f}, max {max(steps):.2f}"] if steps else []


def summarise_roofline(row, seen):
    worst = [1 / statistics.median(v.shares()) for v in seen if v.shares()]
    return [f"time over roofline: geomean {geomean(worst):.2f}, max {max(worst):.2f}"] if worst else []


def summarise_percentiles(row, seen):
    pairs = [v.case["percentiles"][row["subject"]] for v in seen if row["subject"] in v.case.get("percentiles", {})]
    tails = [p99 / p50 for p50, p99 in pairs]
    return [f"p99/p50: median {statistics.median(tails):.2f}, max {max(tails):.2f}"] if tails else []


def summarise_graph_formats(row, seen):
    """Against the runtimes that read a graph, alone."""
    best = [min((statistics.median(v.ratios(n)) for n in GRAPH_FORMATS if n in v.seconds), default=None) for v in seen]
    best = [b for b in best if b]
    return [f"vs best runtime with a graph format: {extremes(best, lambda v: f'{v:.2f} x')}"] if best else []


def summarise_overhead(row, seen):
    lines = []
    for v in seen:
        empty = statistics.median(v.seconds["empty call"])
        above = {n: statistics.median(t) - empty for n, t in v.seconds.items() if n != "empty call"}
        lines.append("ns above an empty call: " + ", ".join(f"{n} {1e9 * a:.1f}" for n, a in above.items()))
    return lines


def summarise_compile(row, seen):
    return [", ".join(f"{v.name} {of_time(statistics.median(v.own))}" for v in seen)]


def neighbours(series):
    """The greatest ratio of a value to the median of the five around it."""
    return max(series[i] / statistics.median(series[max(0, i - 2):i + 3]) for i in range(len(series)))


def summarise_any_batch(row, seen):
    seen = [v for v in seen if "mlc any batch" in v.seconds]
    loss = [statistics.median(v.ratios("mlc any batch")) - 1 for v in seen]
    if not loss:
        return []
    lines = [f"compilations {row.get('compilations', '?')}",
             f"loss: median {percent(statistics.median(loss))}, max {percent(max(loss))}"]
    sizes = [v.case["x"] for v in seen]
    if sizes == list(range(int(sizes[0]), int(sizes[0]) + len(sizes))):
        times = [statistics.median(v.seconds["mlc any batch"]) for v in seen]
        lines.append(f"worst/median of neighbours {neighbours(times):.2f}")
    return lines


def summarise_others(row, seen):
    return ["; ".join(f"{v.name}: " + ", ".join(f"{n} {ratio(statistics.median(v.ratios(n)))} x"
                                                for n in v.seconds if n not in (row["subject"], "SOL"))
                      for v in seen)]


SUMMARIES = {"sol": summarise_sol, "best": summarise_best, "roofline": summarise_roofline,
             "percentiles": summarise_percentiles, "graph formats": summarise_graph_formats,
             "overhead": summarise_overhead, "compile": summarise_compile, "any batch": summarise_any_batch,
             "others": summarise_others, "blas": summarise_blas, "each": summarise_each,
             "second row": summarise_second_row}


def figure_text(figure):
    return f"{spread_text(figure['values'], lambda v: f'{v:.3g}')} {figure['unit']}"


def summary(row):
    if row["measure"] == "special":
        return "; ".join(f"{f['case']}: {f['figure']} {statistics.median(f['values']):.3g} {f['unit']}"
                         for f in row["figures"]) or f"not measured: {row['reason']}"
    seen = views(row)
    if not seen:
        return "not measured: see the reasons below its table"
    return "; ".join(line for kind in row["summary"] for line in SUMMARIES[kind](row, seen))


def table(header, lines):
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "---|" * len(header),
                      *("| " + " | ".join(line) + " |" for line in lines)])


def columns(row):
    """Those who were timed in any case, in the order of contestants.py."""
    timed = {name for case in row["cases"] for name in case["seconds"]}
    return [name for name in contestants.KINDS if name in timed and name != row["subject"]]


def row_table(row):
    names, seen = columns(row), views(row)
    has_sol = any(v.shares() for v in seen)
    header = ["case", row["subject"], *(["share of SOL"] if has_sol else []), *names]
    lines = []
    for v in seen:
        line = [v.name, of_time(statistics.median(v.own))]
        if has_sol:
            line.append(spread_text(v.shares(), percent) if v.shares() else "")
        for name in names:
            text = ratio_text(v.ratios(name)) if name in v.seconds else "–"
            line.append(f"**{text}**" if name == v.best() else text)
        lines.append(line)
    return table(header, lines)


def threads_text(count):
    return f"{count} thread{'s' if count > 1 else ''}"


def label(case):
    return f"{case['name']} with {threads_text(case['threads'])}" if "threads" in case else case["name"]


def refusals(row):
    """Each reason once, with the cases that it is about."""
    reasons = {}
    for case in row["cases"]:
        for name, why in case["refused"].items():
            reasons.setdefault((name, why), []).append(label(case))
    every = len(row["cases"])
    return [f"- {name}: not measured: {why}" + ("" if len(cases) == every else f" ({', '.join(cases)})")
            for (name, why), cases in reasons.items()]


def percentile_table(row):
    cases = [case for case in row["cases"] if case.get("percentiles")]
    if not cases:
        return ""
    names = list(dict.fromkeys(name for case in cases for name in case["percentiles"]))
    return "p99/p50 of single calls:\n\n" + table(
        ["case", *names],
        [[case["name"], *(f"{case['percentiles'][n][1] / case['percentiles'][n][0]:.2f}"
                          if n in case["percentiles"] else "–" for n in names)] for case in cases])


def row_section(row, most_cases=60):
    shown = dict(row)
    parts = [f"### {row['key']}: {row['title']}"]
    if row["aim"]:
        parts.append(f"Aim: {row['aim']}.")
    if row["note"]:
        parts.append(row["note"])
    if row.get("conditions"):
        parts.append(row["conditions"])
    if row["measure"] == "special":
        lines = [[f["case"], f["figure"], figure_text(f)] for f in row["figures"]]
        parts.append(table(["case", "what", "measured"], lines) if lines else f"Not measured: {row['reason']}")
        return "\n\n".join(parts)
    if len(row["cases"]) > most_cases:
        step = -(-len(row["cases"]) // most_cases)
        shown["cases"] = row["cases"][::step]
        parts.append(f"{len(shown['cases'])} of {len(row['cases'])} cases; results.json has all.")
    parts.append(row_table(shown))
    left_out = f"Left out on request: {', '.join(row['left_out'])}." if row.get("left_out") else ""
    parts += [part for part in (percentile_table(shown), "\n".join(refusals(row)), left_out) if part]
    return "\n\n".join(parts)


def placement(threads):
    """How many threads had how many cores."""
    counts = [str(t["threads"]) for t in threads]
    text = f"with {' and '.join([', '.join(counts[:-1])] * (len(counts) > 1) + counts[-1:])} threads"
    shared = [f"{t['threads']} on {t['cores']}" for t in threads if t["cores"] < t["threads"]]
    return f"{text}, each on a core of its own{' but ' + ', '.join(shared) if shared else ''}"


def conditions(result):
    m = result["machine"]
    caches = ", ".join(f"{level} {size}" for level, size in m["caches"].items())
    where = f"{placement(result['threads'])}, of" if "threads" in result else "on one core of"
    return (f"mlc {m['commit']}, measured on {m['date']} {where}: {m['processor']}, {m['isa']}, {m['cores']} cores, {caches}; "
            f"{m['system']}; load average {m['load']:.1f} at the start"
            + ("; the quick subset." if result.get("quick") else "."))


def markdown(result):
    if "threads" in result:
        return threads_markdown(result)
    parts = ["Rows were not all measured at one time; each says when." if result.get("merged") else conditions(result),
             "Figures of a contestant are its time over mlc's in the same round: median (first–third quartile); above "
             "1, mlc is faster. The best rival is bold. SOL is the speed of light, measured in mlc's process.",
             table(["row", "aim", "measured"],
                   [[row["key"], row["aim"], summary(row)] for row in result["rows"]])]
    parts += participants(result) + [row_section(row) for row in result["rows"]]
    return "\n\n".join(parts) + "\n"


def participants(result):
    """Who was there, and who was not."""
    absent = [f"- {name}: {why}" for name, why in result["absent"].items()]
    there = [f"- {name}: {about}" for name, about in result["contestants"].items()]
    return [*(["Absent:\n\n" + "\n".join(absent)] if absent else []), "Contestants:\n\n" + "\n".join(there)]


def speedup(row, v, name):
    """How many times as fast as with one thread, where both were measured."""
    one = [w for w in views(row) if w.name == v.name and w.case["threads"] == 1 and name in w.seconds]
    if not one or name not in v.seconds:
        return None
    return statistics.median(one[0].seconds[name]) / statistics.median(v.seconds[name])


def speedup_text(value):
    return f"{value:.2f} x" if value else "–"


def threads_summary(result):
    """Geomeans over the cases of a row, by number of threads."""
    names = [n for n in contestants.KINDS if any(n in columns(row) for row in result["rows"])]
    lines = []
    for row in result["rows"]:
        for threads in sorted({v.case["threads"] for v in views(row)}):
            seen = [v for v in views(row) if v.case["threads"] == threads]
            best = [statistics.median(v.ratios(v.best())) for v in seen if v.best()]
            line = [row["key"], str(threads), extremes(best, ratio) if best else "–"]
            for name in (row["subject"], *names):
                gains = [g for g in (speedup(row, v, name) for v in seen) if g]
                line.append(speedup_text(geomean(gains) if gains else None))
            lines.append(line)
    return table(["row", "threads", "best rival over mlc", *(f"speed-up of {n}" for n in ("mlc", *names))], lines)


def threads_table(row):
    names, lines = columns(row), []
    for v in views(row):
        cells = {name: ratio_text(v.ratios(name)) if name in v.seconds else "–" for name in names}
        lines.append([v.name, str(v.case["threads"]), of_time(statistics.median(v.own)),
                      speedup_text(speedup(row, v, row["subject"])),
                      *(f"**{text}**" if name == v.best() else text for name, text in cells.items())])
    return table(["case", "threads", row["subject"], "speed-up", *names], lines)


def threads_markdown(result):
    parts = [conditions(result),
             "Everyone has the same number of threads and of CPUs. Speed-up is over the same contestant's time with one "
             "thread, in the summary the geomean over the cases of a row. Other figures of a contestant are its time over "
             "mlc's in the same round: median (first–third quartile); above 1, mlc is faster. The best rival is bold.",
             threads_summary(result), *participants(result)]
    for row in result["rows"]:
        parts += [f"### {row['key']} with several threads: {row['title']}", threads_table(row)]
        parts += ["\n".join(refusals(row))] if refusals(row) else []
        parts += [f"Left out on request: {', '.join(row['left_out'])}."] if row["left_out"] else []
    return "\n\n".join(parts) + "\n"


def glance(result):
    """A few cases in one table, medians only."""
    lines = []
    for key, name, text in GLANCE:
        seen = [v for row in result["rows"] if row["key"] == key for v in views(row) if v.name == name]
        for v in seen:
            lines.append([text, of_time(statistics.median(v.own)),
                          *(ratio(statistics.median(v.ratios(rival))) if rival in v.seconds else "–"
                            for rival in GLANCE_RIVALS)])
    return table(["", "mlc", *GLANCE_RIVALS], lines)


def failures_of_subject(result):
    """Cases that mlc itself should have run and did not."""
    return ([label(case) for row in result["rows"] for case in row["cases"] if not case["seconds"].get(row["subject"])] +
            [row["key"] for row in result["rows"] if "reason" in row])


def write(result, directory):
    (directory / "results.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (directory / "table.md").write_text(markdown(result), encoding="utf-8")
    for row in result["rows"] if "threads" not in result else ():
        for name, picture in plots.of_row(row, views(row)):
            (directory / f"{name}.svg").write_text(picture, encoding="utf-8")


def configurations():
    return table(["contestant", "configuration"],
                 [[name, kind.configuration] for name, kind in contestants.KINDS.items()])


def replaced(document, body, begin=BEGIN):
    """A document with another text between the two marks."""
    before, _, rest = document.partition(begin)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError("the marks between which tables are written are missing")
    return f"{before}{begin}\n\n{body}\n{END}{after}"


def merged(results):
    """One result of several: rows of the last that has them, in the order of their numbers."""
    whole = dict(results[-1], rows=[], contestants={}, absent={})
    by_key = {}
    for result in results:
        several = {"conditions": conditions(result)} if len(results) > 1 else {}
        by_key |= {row["key"]: row | several for row in result["rows"]}
        whole["contestants"] |= result["contestants"]
        whole["absent"] |= result["absent"]
    whole["merged"] = len(results) > 1
    whole["rows"] = sorted(by_key.values(), key=lambda row: (len(row["key"]), row["key"]))
    whole["absent"] = {n: why for n, why in whole["absent"].items() if n not in whole["contestants"]}
    return whole


def write_docs(results, root):
    """A few cases go into README.md, the summary into docs/performance.md, everything into docs/benchmarks.md; what was
    measured with several threads, maybe on other machines, result by result into a section of docs/performance.md."""
    threaded = [result for result in results if "threads" in result]
    single = [result for result in results if "threads" not in result]
    bodies = []
    if single:
        result = merged(single)
        bodies += [("README.md", BEGIN, glance(result)),
                   ("docs/performance.md", BEGIN, markdown(result).partition("\n### ")[0]),
                   ("docs/benchmarks.md", BEGIN, "## Configurations\n\n" + configurations() + "\n\n## Results\n\n" +
                    markdown(result))]
    if threaded:
        bodies.append(("docs/performance.md", BEGIN_THREADS, "\n".join(map(threads_markdown, threaded))))
    for name, begin, body in bodies:
        path = root / name
        path.write_text(replaced(path.read_text(encoding="utf-8"), body.rstrip() + "\n", begin), encoding="utf-8")
    return 0
