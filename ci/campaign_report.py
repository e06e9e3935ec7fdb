# SPDX-License-Identifier: BSD-3-Clause
"""The report of a campaign (campaign.py): one HTML file with its plots in it, for a browser without a network.

    python3 ci/campaign_report.py DIR        writes DIR/report.html anew
"""

import collections
import html
import os

from fuzz import write_whole
from fuzz_table import duration, number

ENGINES = (("libfuzzer", "libFuzzer"), ("aflpp", "AFL++"))
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 360, 190, 44, 22, 8, 10
POINTS = 240         # of one line; more are drawn as the mean of their neighbours
VERDICTS = 8         # lines of the plot of crashes; the table has all

STYLE = """
:root { color-scheme: light dark; --bg: #fff; --fg: #1c1e21; --soft: #5b6168; --rule: #d8dce0;
        --c0: #0b62b8; --c1: #c2410c; --c2: #15803d; --c3: #7e22ce; --c4: #a16207; --c5: #be185d; --c6: #0f766e; --c7: #52525b; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #15181c; --fg: #e6e8ea; --soft: #a3abb3; --rule: #363c43;
          --c0: #6cb2ff; --c1: #ff9a5c; --c2: #5fd08a; --c3: #c79bff; --c4: #e3c04d; --c5: #ff8fbf; --c6: #4fd1c5; --c7: #b5b8bd; } }
body { margin: 0 auto; max-width: 1240px; padding: 1rem; background: var(--bg); color: var(--fg);
       font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: .2rem 0; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; }
p { margin: .3rem 0; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th.t, td.t { text-align: left; } td.w { white-space: normal; min-width: 14rem; text-align: left; overflow-wrap: anywhere; }
.grid { display: grid; gap: .8rem 1.2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 280px), 1fr)); }
figure { margin: 0; min-width: 0; } figcaption { font-size: .85rem; }
figcaption b { font-weight: 600; margin-right: .6rem; white-space: nowrap; }
.wide { max-width: 420px; margin-top: .8rem; }
a { color: inherit; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: var(--soft); } svg .axis { stroke: var(--rule); }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.k { margin-right: .8rem; white-space: nowrap; } .k.line { white-space: normal; overflow-wrap: anywhere; }
.k::before { content: "\\25A0\\a0"; color: inherit; }
""" + "".join(".c%d { color: var(--c%d); } svg .c%d { stroke: var(--c%d); } svg circle.c%d { fill: var(--c%d); }\n" % ((n,) * 6)
              for n in range(8))


def minute(when):
    """A time of the history, as people read it."""
    return when[:16].replace("T", " ")


def thin(points):
    """At most POINTS of them."""
    step = -(-len(points) // POINTS)
    chunks = [points[at:at + step] for at in range(0, len(points), step)] if step > 1 else [[point] for point in points]
    return [(chunk[-1][0], sum(y for _, y in chunk) / len(chunk)) for chunk in chunks]


def ceiling(n):
    """The next round number: 1, 2 or 5 times a power of ten, and even above 1."""
    power = 1
    while True:
        for factor in (1, 2, 4, 6, 8, 10):
            if factor * power >= n:
                return factor * power
        power *= 10


def plot(title, series, end, steps=False):
    """An SVG with one line for each of series, (label, colour, [(seconds, y)]); the title and last values above it."""
    top = ceiling(max((y for _, _, points in series for _, y in points), default=1))
    x_of = lambda x: LEFT + (WIDTH - LEFT - RIGHT) * x / max(end, 1)
    y_of = lambda y: HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * y / top
    parts = []
    for y in (0, top / 2, top):
        parts.append('<line class="axis" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>' % (LEFT, WIDTH - RIGHT, y_of(y), y_of(y)))
        shown = number(int(y), 6) if y == int(y) else "%.1f" % y
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 5, y_of(y) + 4, shown))
    for x, anchor in ((0, "start"), (end / 2, "middle"), (end, "end")):
        parts.append('<text x="%.1f" y="%d" text-anchor="%s">%s</text>' % (x_of(x), HEIGHT - 6, anchor, duration(x)))
    for _, colour, points in series:
        points = points if steps else thin(points)
        if steps and points:  # a count stays what it is until it changes
            corners = []
            for x, y in points:
                corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
            points = corners + [(end, corners[-1][1])]
        if len(points) == 1:
            parts.append('<circle class="c%d" cx="%.1f" cy="%.1f" r="3"/>' % (colour, x_of(points[0][0]), y_of(points[0][1])))
        elif points:
            parts.append('<polyline class="c%d" points="%s"/>' % (
                colour, " ".join("%.1f,%.1f" % (x_of(x), y_of(y)) for x, y in points)))
    values = " ".join('<span class="k c%d">%s</span>' % (colour, "{:,.0f}".format(points[-1][1]))
                     for _, colour, points in series if points)
    words = "; ".join("%s %s" % (label, "{:,.0f}".format(points[-1][1])) for label, _, points in series if points)
    return ('<figure><figcaption><b>%s</b>%s</figcaption><svg viewBox="0 0 %d %d" role="img" aria-label="%s">%s</svg></figure>'
            % (html.escape(title), values, WIDTH, HEIGHT, html.escape("%s: %s" % (title, words), True), "".join(parts)))


def by_round(lines, what, together):
    """[(seconds, value)]: one for each round, from the lines of one target and engine."""
    rounds = collections.OrderedDict()
    for line in lines:
        rounds.setdefault(line["round"], []).append(line)
    return [(max(line["at"] for line in some), together(line[what] for line in some)) for some in rounds.values()]


def running_sum(points):
    total, summed = 0, []
    for x, y in points:
        total += y
        summed.append((x, total))
    return summed


def small_plots(slices, targets, what, together, end, summed=False):
    plots = []
    for target in targets:
        series = []
        for colour, (engine, label) in enumerate(ENGINES):
            points = by_round([line for line in slices if (line["target"], line["engine"]) == (target, engine)], what, together)
            series.append((label, colour, running_sum([(0, 0)] + points) if summed and points else points))
        plots.append(plot(target, series, end, steps=summed))
    return '<div class="grid">%s</div>' % "".join(plots)


def crash_plot(history, end):
    lines = []
    for colour, ((target, verdict), _) in enumerate(history.crashes().most_common(VERDICTS)):
        points = [(line["at"], line["crashes"][verdict]) for line in history.lines
                  if line["target"] == target and verdict in line.get("crashes", {})]
        lines.append(("%s: %s" % (target, verdict), colour, running_sum([(0, 0)] + points)))
    keys = "".join('<div class="k line c%d">%s</div>' % (colour, html.escape(label)) for label, colour, _ in lines)
    return '<div class="wide">%s%s</div>' % (plot("crashes so far", lines, end, steps=True), keys)


def table(heads, rows):
    """Words stand left, numbers right; a head that ends with a blank lets its column wrap, a "/" makes links of it."""
    words = {at for row in rows for at, cell in enumerate(row) if isinstance(cell, str) and not cell[:1].isdigit()}

    def cells(tag, row):
        parts = []
        for at, cell in enumerate(row):
            text = html.escape(cell if isinstance(cell, str) else "{:,}".format(cell), True)
            if tag == "th":
                text = text.rstrip("/ ")
            elif heads[at].endswith("/") and cell:
                text = '<a href="%s">%s</a>' % (text, text)
            kind = "" if at not in words else ' class="%s"' % ("w" if tag == "td" and heads[at].endswith(" ") else "t")
            parts.append("<%s%s>%s</%s>" % (tag, kind, text, tag))
        return "<tr>%s</tr>" % "".join(parts)
    return '<div class="scroll"><table>%s%s</table></div>' % (cells("th", heads), "".join(cells("td", row) for row in rows))


def write(path, history, corpus):
    """corpus: how many inputs each target has."""
    end = history.seconds()
    slices = [line for line in history.lines if "engine" in line]
    targets = [target for target in corpus if any(line["target"] == target for line in slices)]
    rows = []
    for target in targets:
        for engine, label in ENGINES:
            some = [line for line in slices if (line["target"], line["engine"]) == (target, engine)]
            if some:
                spent = sum(line["seconds"] for line in some)
                runs = sum(line["runs"] for line in some)
                rows.append((target, label, duration(spent), runs, round(runs / spent) if spent else 0,
                             sum(line["checked_ops"] for line in some), max(line["features"] for line in some),
                             sum(line["new"] for line in some), sum(sum(line["crashes"].values()) for line in some)))
    crashes, saved = history.crashes(), history.saved()
    seen = lambda target, verdict: [minute(line["when"]) for line in history.lines
                                    if line["target"] == target and verdict in line.get("crashes", {})]
    found = [(verdict, target, count, seen(target, verdict)[0], seen(target, verdict)[-1], saved.get((target, verdict), ""))
             for (target, verdict), count in sorted(crashes.items())]
    pruned = [line for line in history.lines if "pruned" in line]
    fell = [(target, corpus[target], sum(line["target"] == target for line in pruned),
             sum(line["before"] - line["after"] for line in pruned if line["target"] == target)) for target in targets]
    keys = "".join('<span class="k c%d">%s</span>' % (colour, label) for colour, (_, label) in enumerate(ENGINES))
    first, last = (minute(history.lines[0]["when"]), minute(history.lines[-1]["when"])) if history.lines else ("", "")
    page = [
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        "<title>gomap: a fuzzing campaign</title><style>%s</style>" % STYLE,
        "<h1>A fuzzing campaign of gomap</h1>",
        "<p>%s of fuzzing, %s to %s (UTC); %s slices; %s runs; %s; %s.</p>" % (
            duration(end), first, last, "{:,}".format(len(slices)), "{:,}".format(sum(line["runs"] for line in slices)),
            "sanitizer " + ", ".join(sorted({line["sanitizer"] for line in slices})) if slices else "nothing has run yet",
            "%d crashes, %d verdicts" % (sum(crashes.values()), len(crashes)) if crashes else "no crash"),
        "<h2>Crashes by verdict</h2>",
        (table(("verdict ", "target", "count", "first seen", "last seen", "input/"), found) + crash_plot(history, end))
        if crashes else "<p>None.</p>",
        "<h2>Targets and engines</h2>",
        table(("target", "engine", "time", "runs", "runs/s", "checked ops", "features", "new", "crashes"), rows),
        "<h2>Runs/s</h2><p>%s</p>" % keys, small_plots(slices, targets, "runs_per_s", sum, end),
        "<h2>Features</h2><p>%slibFuzzer counts features, AFL++ edges.</p>" % keys,
        small_plots(slices, targets, "features", max, end),
        "<h2>New inputs so far</h2><p>%s</p>" % keys, small_plots(slices, targets, "new", sum, end, summed=True),
        "<h2>The shared corpus</h2>",
        table(("target", "inputs now", "times pruned", "fell"), fell),
        "</html>\n"]
    write_whole(path, "\n".join(page).encode())


if __name__ == "__main__":
    import sys

    import campaign
    folder = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else ""
    if not os.path.exists(os.path.join(folder, "campaign.json")):
        sys.exit("usage: campaign_report.py DIR, the folder of a campaign")
    corpora = os.path.join(folder, "corpus")
    write(os.path.join(folder, "report.html"), campaign.History(os.path.join(folder, "history.jsonl")),
          {target: len(os.listdir(os.path.join(corpora, target))) for target in sorted(os.listdir(corpora))})
