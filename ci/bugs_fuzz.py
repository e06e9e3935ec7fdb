# SPDX-License-Identifier: BSD-3-Clause
"""ci/bugs --fuzz: how soon an engine that starts from nothing kills each mistake.

build/bugs/fuzz/NAME/ENGINE.json                 its runs
build/bugs/fuzz/NAME/ENGINE-TARGET-..-N.killed   the input that killed it, for `replay`
build/bugs/fuzz.json                             the whole table
"""
import concurrent.futures
import json
import multiprocessing
import os
import shutil
import statistics
import time

from bugs_catalogue import HOME, digest, locked, read, say
from bugs_engines import keep_descendants

SLICES = (2, 10)  # seconds that the targets get in turn, before each of them gets all
NEVER = float("inf")


class Runs:
    """What is known of one bug on one engine, and the programs to know more."""

    def __init__(self, bug, engine, killers, plan):
        self.bug, self.engine, self.plan = bug, engine, plan
        self.killers = [t for t in killers if t in plan.targets] or plan.targets
        self.scratch = f"{HOME}/fuzz/{bug.name}"
        self.file = f"{self.scratch}/{engine.name}.json"
        self.keys = {on: digest(bug.patch, engine.digests[on]) for on in (False, True)}
        self.made = None
        os.makedirs(self.scratch, exist_ok=True)
        try:
            self.runs = {name: run for name, run in json.loads(read(self.file)).items() if run["key"] in self.keys.values()}
        except (OSError, ValueError, KeyError):
            self.runs = {}

    def program(self, target):
        folder = f"{self.scratch}/{self.engine.name}"
        if self.made is None:
            wrong = self.bug.put_into(folder)
            if wrong:
                raise Broken(wrong)
            self.made = set()
        if target not in self.made:
            wrong = self.engine.link(self.bug, target, folder, self.scratch)
            if wrong:
                raise Broken(wrong)
            self.made.add(target)
        return f"{folder}/fuzz_{target}"

    def close(self):
        """The programs are large, and soon made again."""
        if self.made is not None:
            shutil.rmtree(f"{self.scratch}/{self.engine.name}", ignore_errors=True)

    def run(self, target, seed, mutator, cap):
        """The run with these, of which no more than cap seconds count."""
        name, key = f"{target}-{'on' if mutator else 'off'}-{seed}", self.keys[mutator]
        known = self.runs.get(name)
        if not known or known["key"] != key or (not known["verdict"] and known["cap"] < cap):
            known = self.engine.fuzz(self.program(target), target, seed, cap, mutator,
                                     f"{self.scratch}/{self.engine.name}-{name}")
            self.runs[name] = known = dict(known, key=key)
            with open(f"{self.file}.new", "w", encoding="utf-8") as file:
                json.dump(self.runs, file, indent=1)
            os.replace(f"{self.file}.new", self.file)
        return known if known["verdict"] and known["seconds"] <= cap else dict(known, verdict="")

    def best_target(self):
        """That which kills it first with the first seed, or the first of all."""
        if len(self.killers) == 1:
            return self.killers[0]
        for cap in sorted({min(cap, self.plan.time) for cap in (*SLICES, self.plan.time)}):
            for target in self.killers:
                if self.run(target, 1, True, cap)["verdict"]:
                    return target
        return self.killers[0]

    def cell(self, target, mutator):
        """The seeds of one target."""
        runs = [self.run(target, seed, mutator, self.plan.time) for seed in range(1, self.plan.seeds + 1)]
        killed = [run for run in runs if run["verdict"]]
        return {"target": target, "mutator": mutator, "seeds": len(runs), "killed": len(killed),
                "runs": median(runs, "runs"), "seconds": median(runs, "seconds"),
                "verdicts": sorted({run["verdict"] for run in killed}),
                "odd": sorted({run["odd"] for run in runs if "odd" in run}),
                "each": [{k: v for k, v in run.items() if k != "key"} for run in runs]}


class Broken(Exception):
    """The argument: why there is no program, for the table."""


def median(runs, what):
    """Of a survivor all that is known is that it takes longer: None if that is the median."""
    middle = statistics.median(run[what] if run["verdict"] else NEVER for run in runs)
    return None if middle == NEVER else middle


def work(job):
    bug, engine, killers, plan = job
    runs = Runs(bug, engine, killers, plan)
    row = {"name": bug.name, "engine": engine.name, "cells": []}
    try:
        targets = [runs.best_target()] if plan.best else plan.targets
        row["cells"] = [runs.cell(target, on) for target in targets for on in plan.mutators]
    except Broken as wrong:
        row.update(wrong.args[0])
    except RuntimeError as trouble:  # the others go on
        row.update({"error": "no result", "log": str(trouble)})
    finally:
        runs.close()
    return row


# --- the table ---------------------------------------------------------------

def plain(value, width):
    """A median: a survivor's is none."""
    if value is None:
        return "-".rjust(width)
    text = f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:.1f}"
    return text.rjust(width)


def show(row, plan):
    """The line of one bug."""
    if "error" in row:
        return f"{row['name']:<45} {row['error'].upper()}\n    " + "\n    ".join(row["log"].strip().splitlines()[:12])
    line = f"{row['name']:<45} "
    if not plan.best and len(plan.targets) > 1:
        return line + " ".join(plain(cell["seconds"], 6) for cell in row["cells"] if cell["mutator"] == plan.mutators[0])
    line += f"{row['cells'][0]['target']:<12}"
    for cell in row["cells"]:
        line += f" {cell['killed']}/{cell['seeds']} {plain(cell['runs'], 8)} {plain(cell['seconds'], 6)}"
    if len(row["cells"]) == 1:
        line += "  " + (row["cells"][0]["verdicts"] or ["SURVIVES"])[0][:21]
    return line


def heading(engine, plan):
    line = f"{engine.name:<45} "
    if not plan.best and len(plan.targets) > 1:
        return line + " ".join(f"{target[:6]:>6}" for target in plan.targets)
    line += f"{'target':<12}" + f" {'of':>3} {'runs':>8} {'s':>6}" * len(plan.mutators)
    return line + ("  judge: rule" if len(plan.mutators) == 1 else "  with and without mutator")


def over_all(cells, what):
    """The median of all bugs, of which the survivors take longest."""
    return statistics.median([NEVER if not cell or cell[what] is None else cell[what] for cell in cells])


def summary(engine, rows, plan):
    """What all bugs come to, each in the best of its targets."""
    lines, runs = [], {}
    for on in plan.mutators:
        best = []
        for row in rows:
            cells = [cell for cell in row["cells"] if cell["mutator"] == on]
            best.append(min(cells, key=lambda c: NEVER if c["seconds"] is None else c["seconds"], default=None))
        killed = sum(1 for cell in best if cell and cell["seconds"] is not None)
        runs[on], seconds = over_all(best, "runs"), over_all(best, "seconds")
        lines.append(f"{engine.name}, mutator {'on' if on else 'off'}: {killed} of {len(rows)} killed "
                     f"({100 * killed / len(rows):.1f}%) within {plan.time} s by the median of {plan.seeds} "
                     f"seed{'s' * (plan.seeds > 1)}; the median bug "
                     + ("survives" if runs[on] == NEVER else f"takes {plain(runs[on], 0)} runs, {plain(seconds, 0)} s"))
    if len(plan.mutators) == 2 and runs[True] != NEVER:
        least = runs[False] if runs[False] != NEVER else None
        if least:
            lines.append(f"{engine.name}: the median bug takes {runs[True] / least:.2g} of the runs that it takes "
                         "without the mutator")
        both = [row["cells"] for row in rows if row["cells"] and all(c["runs"] is not None for c in row["cells"])]
        if both and plan.best:
            ratio = statistics.median(on["runs"] / off["runs"] for on, off in both)
            lines.append(f"{engine.name}: of the {len(both)} that die both ways the median takes {ratio:.2g} of the runs")
    return lines


def fuzz(bugs, killers, plan, jobs):
    """Runs and shows all: the rows."""
    rows = []
    # Each worker waits for what it has started and for nothing else.
    pool = concurrent.futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), keep_descendants)
    try:
        for engine in plan.engines:
            start = time.monotonic()
            print(heading(engine, plan), flush=True)
            of_engine = []
            with locked(engine.name):
                for row in pool.map(work, [(bug, engine, killers[bug.name], plan) for bug in bugs]):
                    of_engine.append(row)
                    print(show(row, plan), flush=True)
                    for odd in sorted({odd for cell in row["cells"] for odd in cell["odd"]}):
                        say(f"{row['name']}: does not count: {odd}")
            for line in summary(engine, of_engine, plan):
                print(line)
            print(f"{engine.name}: {time.monotonic() - start:.0f} s", flush=True)
            rows += of_engine
    finally:
        pool.shutdown(cancel_futures=True)
    return rows
