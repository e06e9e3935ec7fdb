# SPDX-License-Identifier: BSD-3-Clause
"""The catalogue of porting mistakes: puts each patch of fuzz/bugs/ into a copy of
the port, and replays the corpus over it, target by target, with every judge; or
has an engine find it from an empty corpus.

    ci/bugs                              all of them
    ci/bugs delete-elem-stays            one
    ci/bugs --fuzz                       all of them, by fuzzing (bugs_fuzz.py)

build/bugs/NAME/         the changed sources, the program, what it said (TARGET.txt)
build/bugs/table.json    the whole table
build/bugs/fuzz.json     that of --fuzz

A bug is killed by a target whose corpus makes a judge differ, crashes, or hangs.
What has not changed since the last run is not run again.  Exit status: 0 all are
killed, 1 one survives or its patch no longer fits, 2 bad arguments or something
is missing.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time
import types

import bugs_fuzz
import bugs_replay
from bugs_catalogue import HOME, ROOT, Bug, locked, names, say, targets, trouble
from bugs_engines import ENGINES
from fuzz_main import parse_time


def judges_of(row):
    return {verdict.split(":")[0] for verdicts in row.get("killed", {}).values() for verdict in verdicts}


def show(row, needs_go):
    """One line of the table."""
    killed, by, verdict = row.get("killed", {}), "", ""
    if "error" in row:
        by = row["error"].upper()
    elif killed:
        target, verdicts = next(iter(killed.items()))
        by = target + (f" +{len(killed) - 1}" if len(killed) > 1 else "")
        # What the patch names, where that is among what was seen.
        named = [v for vs in killed.values() for v in vs if v.split(":")[0] == row["judge"]]
        verdict = (named or verdicts)[0]
    else:
        by = "needs go" if needs_go else "SURVIVES"
    return f"{row['name']:<45} {by:<16} {verdict[:31]:<31} {row['seconds']:>4.1f}"


def save(rows, name):
    with open(f"{HOME}/{name}.new", "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
    os.replace(f"{HOME}/{name}.new", f"{HOME}/{name}")


def replay_all(bugs, base, jobs, quiet):
    """The rows of the table, which it prints, and how many are bad."""
    tell = (lambda *_: None) if quiet else (lambda line: print(line, flush=True))
    tell(f"{'bug':<45} {'killed by':<16} {'judge: rule':<31} {'s':>4}")
    rows, bad, elsewhere, left_out = [], 0, [], []
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            for bug, row in zip(bugs, pool.map(lambda b: bugs_replay.one(b, base), bugs)):
                needs_go = bug.judge == "go" and not base.go
                rows.append({k: v for k, v in row.items() if k != "key"})
                tell(show(row, needs_go))
                if "error" in row:
                    bad += 1
                    tell("    " + "\n    ".join(row["log"].strip().splitlines()[:12]))
                elif not row["killed"]:
                    if needs_go:
                        left_out.append(bug.name)
                    else:
                        bad += 1
                elif bug.judge not in judges_of(row) and base.go:
                    elsewhere.append(f"{bug.name} (its head says {bug.judge}; {', '.join(sorted(judges_of(row)))})")
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    for text in elsewhere:
        tell(f"seen by another judge: {text}")
    if left_out:
        say(f"skipped, only the judge go sees them: {', '.join(left_out)}")
    killed = sum(1 for row in rows if row.get("killed"))
    tell(f"{len(rows)} bugs, {killed} killed, {bad} not, {len(left_out)} skipped, {time.monotonic() - start:.0f} s")
    return rows, bad


def fuzz_all(bugs, rows, base, args):
    """--fuzz: the exit status."""
    plan = types.SimpleNamespace(
        targets=base.targets if args.targets in ("best", "all") else args.targets.split(","), best=args.targets == "best",
        seeds=args.seeds, time=args.time, mutators={"on": [True], "off": [False], "both": [True, False]}[args.mutator])
    plan.engines = []
    for name in ENGINES if args.engine == "all" else [args.engine]:
        missing = [tool for tool in ENGINES[name].needs if not shutil.which(tool)]
        if missing and args.engine != "all":
            trouble(f"{name} needs {missing[0]}, which is missing; ci/setup installs it")
        elif missing:
            say(f"{name}: skipped: no {missing[0]}")
        else:
            plan.engines.append(ENGINES[name](base.targets, base.go, args.jobs))
    killers = {row["name"]: list(row.get("killed", {})) for row in rows}
    left_out = [bug.name for bug in bugs if bug.judge == "go" and not base.go and not killers[bug.name]]
    bugs = [bug for bug in bugs if bug.name not in left_out]
    fuzzed = bugs_fuzz.fuzz(bugs, killers, plan, args.jobs) if bugs else []
    if args.names == names():
        save(fuzzed, "fuzz.json")
    survivors = [f"{row['name']} ({row['engine']})" for row in fuzzed
                 if "error" in row or not any(cell["killed"] for cell in row["cells"])]
    if survivors:
        say(f"not killed: {', '.join(survivors)}")
    return 1 if survivors else 0


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/bugs", allow_abbrev=False,
        description="Puts each mistake of fuzz/bugs/ into the port, and replays the corpus over it.",
        epilog="Exit status: 0 all are killed, 1 one survives or its patch no longer fits, "
               "2 bad arguments or something is missing.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a patch, without .patch (default: all)")
    parser.add_argument("--list", action="store_true", help="list them, run nothing")
    parser.add_argument("--no-go", action="store_true", help="without the judge go; what only it can see is left out")
    parser.add_argument("--brief", action="store_true",
                        help="no further target once the judge that the patch names has killed it, as in ci/test")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="how many at once (default: the number of cores)")
    fuzz = parser.add_argument_group("fuzzing them from an empty corpus")
    fuzz.add_argument("--fuzz", action="store_true", help="have an engine find them, instead of the corpus")
    fuzz.add_argument("--engine", choices=[*ENGINES, "all"], default="libfuzzer", help="default: libfuzzer")
    fuzz.add_argument("--targets", default="best", metavar="T,T",
                      help="best: that which is quickest with the first seed; all; or some of them (default: best)")
    fuzz.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each, with seeds 1..N (default: 5)")
    fuzz.add_argument("--time", type=parse_time, default=60, metavar="T",
                      help="processor time that a run may take: 20s, 5m (default: 60s)")
    fuzz.add_argument("--mutator", choices=["on", "off", "both"], default="on",
                      help="mutate ops as well as bytes (fuzz/mutator.h), or bytes alone, or compare (default: on)")
    args = parser.parse_args()
    for option in ("jobs", "seeds"):
        if not 1 <= getattr(args, option) <= 100000:
            parser.error(f"--{option}: {getattr(args, option)} is no number from 1 on")
    for target in args.targets.split(",") if args.targets not in ("best", "all") else []:
        if target not in targets():
            parser.error(f"--targets: no target '{target}'; there are: best, all, {', '.join(targets())}")
    if args.fuzz and args.brief:
        parser.error("--brief does not go with --fuzz, which asks what each target can kill")
    if not args.fuzz:
        for option in ("engine", "targets", "seeds", "time", "mutator"):
            if getattr(args, option) != parser.get_default(option):
                parser.error(f"--{option} goes with --fuzz")
    for name in args.names:
        if name not in names():
            parser.error(f"no bug '{name}'; ci/bugs --list lists them")
    args.names = args.names or names()
    return args


def main():
    args = arguments()
    bugs = [Bug(name) for name in args.names]
    if args.list:
        for bug in bugs:
            print(f"{bug.name:<45} {bug.function}: {bug.what}")
        return 0
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2
    for tool in ("git", "cmake", "ninja", "gcc"):
        if not shutil.which(tool):
            trouble(f"{tool} is missing; ci/setup installs it")
    try:
        base = bugs_replay.Base(not args.no_go, args.jobs, args.brief)
        with locked("replay"):
            clean = bugs_replay.run_all(base.replay, f"{HOME}/unbroken", base)
            if clean:
                say(f"the unbroken port does not replay clean, so nothing can be said: {clean}")
                return 1
            if args.fuzz:
                say("replaying the corpus first, which tells what each target can kill")
            rows, bad = replay_all(bugs, base, args.jobs, args.fuzz)
            if args.names == names():
                save(rows, "table.json")
        if args.fuzz:
            return fuzz_all(bugs, rows, base, args)
        return 1 if bad else 0
    except KeyboardInterrupt:
        say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
