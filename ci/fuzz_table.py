# SPDX-License-Identifier: BSD-3-Clause
"""The table of ci/fuzz: live on a terminal, lines elsewhere."""

import os
import shutil
import sys
import time

COLUMNS = (("target", 17), ("engine", -9), ("runs", 11), ("runs/s", 7), ("checked op/s", 12),
           ("features", 8), ("corpus", 6), ("no new", 6), ("verdict", -14))
WIDTH = 100


def number(n, width):
    """As plain as it fits."""
    for shown in ("{:,}".format(n), str(n), "%.1fM" % (n / 1e6), "%.1fG" % (n / 1e9)):
        if len(shown) <= width:
            return shown
    return "%.0e" % n


def duration(seconds):
    seconds = int(seconds)
    if seconds < 60:
        return "%ds" % seconds
    if seconds < 3600:
        return "%dm%02ds" % divmod(seconds, 60)
    return "%dh%02dm" % (seconds // 3600, seconds // 60 % 60)


def line(cells):
    shown = []
    for (_, width), cell in zip(COLUMNS, cells):
        shown.append(cell.ljust(-width) if width < 0 else cell.rjust(width))
    shown[0] = cells[0].ljust(COLUMNS[0][1])
    return " ".join(shown).rstrip()


def table_lines(jobs, cut=True):
    lines = [line([name for name, _ in COLUMNS])]
    for job in jobs:
        row = job.row()
        widths = [abs(width) for _, width in COLUMNS]
        state = {"running": duration(job.elapsed), "finding": "looking ...", "waiting": ""}
        verdict = job.verdict if job.state == "done" else state[job.state]
        if cut and len(verdict) > widths[8]:
            verdict = verdict[:widths[8] - 3] + "..."
        numbers = [row["runs"], row["runs_per_s"], row["checked_ops_per_s"], row["features"], row["corpus"]]
        if not row["runs"]:
            cells = ["-"] * 6
        else:
            cells = [number(n, width) for n, width in zip(numbers, widths[2:])] + [duration(job.longest)]
        lines.append(line([job.target, job.engine] + cells + [verdict]))
    return lines


def judges_line(jobs):
    used = list(dict.fromkeys(name for job in jobs for name in job.judges))
    if used and not any(name.startswith("go") for name in used):
        used.append("without the real go1.19")
    return "judges: " + ", ".join(used or ["none"])


class Screen:
    """A table that is drawn over itself on a terminal, and lines elsewhere."""

    def __init__(self, options, out=sys.stdout):
        self.out, self.options = out, options
        self.live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.drawn = 0
        self.spoken = time.monotonic()

    def erase(self):
        if self.drawn:
            self.out.write("\x1b[%dA\x1b[J" % self.drawn)
            self.drawn = 0

    def say(self, text):
        self.erase()
        self.out.write(text.rstrip("\n") + "\n")
        self.out.flush()

    def draw(self, jobs, last=None):
        """last: the line below the table."""
        if not self.live:
            if time.monotonic() - self.spoken >= 60:
                self.spoken = time.monotonic()
                self.say("\n".join(table_lines([job for job in jobs if job.state == "running"])))
            return
        columns, rows = shutil.get_terminal_size()
        lines = table_lines(jobs)
        if len(lines) > rows - 2:  # what is going on matters most
            order = {"running": 0, "finding": 0, "done": 1, "waiting": 2}
            shown = sorted(jobs, key=lambda job: order[job.state])[:max(1, rows - 3)]
            lines = table_lines([job for job in jobs if job in shown])
        done = sum(job.state == "done" for job in jobs)
        lines.append(last or "%d of %d done, %s each, %d at a time; Ctrl-C ends it" % (
            done, len(jobs), duration(self.options.time), self.options.jobs))
        self.erase()
        self.out.write("".join(text[:columns - 1] + "\n" for text in lines))
        self.out.flush()
        self.drawn = len(lines)
