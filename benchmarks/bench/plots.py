"""Plots as SVG, written by hand: text that any browser shows and git compares."""

import html
import math
import statistics

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 480, 70, 190, 40, 60
COLOURS = ("#0b5394", "#cc4125", "#38761d", "#bf9000", "#674ea7", "#0097a7", "#a64d79", "#7f6000", "#45818e", "#b45f06",
           "#666666")


def text(x, y, content, anchor="middle", **attributes):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(str(content))}</text>'


def line(x1, y1, x2, y2, colour="#ddd"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


class Axis:
    """Maps values between `low` and `high` to pixels, by their logarithm if wanted."""

    def __init__(self, low, high, start, end, logarithmic):
        self.logarithmic = logarithmic
        if logarithmic:
            low, high = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
        self.low, self.high = low, high if high > low else low + 1
        self.start, self.end = start, end

    def __call__(self, value):
        value = math.log10(value) if self.logarithmic else value
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self):
        if self.logarithmic:
            return [10.0 ** e for e in range(int(self.low), int(self.high) + 1)]
        return [self.low + (self.high - self.low) * i / 5 for i in range(6)]


def frame(title, x_label, y_label, body):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
        f'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text((LEFT + WIDTH - RIGHT) / 2, 22, title, font_size="15"),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label),
        text(16, HEIGHT / 2, y_label, transform=f"rotate(-90 16 {HEIGHT / 2})"), *body, "</svg>", ""])


def number(value):
    return f"{value:g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.0e}"


def curves(title, x_label, y_label, series, logarithmic_x=True):
    """`series` maps a name to points (x, y); both axes are logarithmic unless said otherwise."""
    points = [p for s in series.values() for p in s]
    x = Axis(min(p[0] for p in points), max(p[0] for p in points), LEFT, WIDTH - RIGHT, logarithmic_x)
    y = Axis(min(p[1] for p in points), max(p[1] for p in points), HEIGHT - BOTTOM, TOP, True)
    body = []
    for value in x.ticks():
        body += [line(x(value), TOP, x(value), HEIGHT - BOTTOM), text(x(value), HEIGHT - BOTTOM + 18, number(value))]
    for value in y.ticks():
        body += [line(LEFT, y(value), WIDTH - RIGHT, y(value)), text(LEFT - 6, y(value) + 4, number(value), "end")]
    for i, (name, values) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in sorted(values))
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{3 if i == 0 else 1.5}"/>')
        if len(values) < 30:
            body += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>' for a, b in values]
        body.append(text(WIDTH - RIGHT + 12, TOP + 18 * i + 8, name, "start", fill=colour))
    return frame(title, x_label, y_label, body)


def shares(title, names, series):
    """A dot for each contestant above each shape; `series` maps a name to its share by shape, or None."""
    y = Axis(0, max(1.0, *(v for s in series.values() for v in s if v is not None)), HEIGHT - 150, TOP, False)
    step = (WIDTH - RIGHT - LEFT) / len(names)
    body = []
    for value in y.ticks():
        body += [line(LEFT, y(value), WIDTH - RIGHT, y(value)),
                 text(LEFT - 6, y(value) + 4, f"{100 * value:.0f} %", "end")]
    for i, name in enumerate(names):
        at = LEFT + (i + 0.5) * step
        body.append(text(at, HEIGHT - 138, name, "end", transform=f"rotate(-50 {at:.1f} {HEIGHT - 138})"))
    for j, (name, values) in enumerate(series.items()):
        colour = COLOURS[j % len(COLOURS)]
        for i, value in enumerate(values):
            if value is not None:
                body.append(f'<circle cx="{LEFT + (i + 0.5) * step:.1f}" cy="{y(value):.1f}" '
                            f'r="{6 if j == 0 else 3.5}" fill="{colour}" fill-opacity="0.85"/>')
        body.append(text(WIDTH - RIGHT + 12, TOP + 18 * j + 8, name, "start", fill=colour))
    return frame(title, "", "share of SOL", body)


def contestants_of(views):
    """mlc first, then the others; the speed of light is none of them."""
    return list(dict.fromkeys(name for v in views for name in v.seconds if name != "SOL"))


def of_row(row, views):
    """(name, picture) of what can be drawn."""
    if len(views) < 2:
        return
    names = contestants_of(views)
    if row["x"]:
        groups = {}
        for v in views:
            kind = v.name.rsplit(",", 1)[0] if row["x"] == "batch" else v.name.split(" ", 1)[1]
            groups.setdefault(kind, []).append(v)
        for kind, group in groups.items():
            series = {n: [(v.case["x"], 1e3 * statistics.median(v.seconds[n])) for v in group if n in v.seconds]
                      for n in names}
            if len(group) > 1:
                what = "compile time" if row["measure"] == "compile" else "time"
                yield (f"{row['key']}-{kind.replace(' ', '-')}",
                       curves(f"{row['key']}: {kind}: {what} against {row['x']}", row["x"], "ms",
                              {n: s for n, s in series.items() if s}))
    lit = [v for v in views if v.shares()]
    if lit:
        series = {n: [statistics.median(v.shares(n)) if n in v.seconds else None for v in lit] for n in names}
        yield (f"{row['key']}-share-of-SOL",
               shares(f"{row['key']}: {row['title']}", [v.name for v in lit], series))
