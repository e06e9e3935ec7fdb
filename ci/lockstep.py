# SPDX-License-Identifier: BSD-3-Clause
"""Builds lockstep (fuzz/lockstep.c) for both word sizes and runs it in portions,
several at once, 64-bit and 32-bit in turn.

    ci/lockstep --ops 200000000

Ends in one line.  Exit status: 0 no difference, 1 one (its report is printed,
its trace is in build/lockstep/), 2 bad arguments or something is missing.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRESETS = {64: "gcc", 32: "gcc-m32"}
PORTION = 1_000_000  # ops of one run of the program
LINE = re.compile(r"^\r?(\d+) traces, (\d+) ops, (\d+) states compared, (\d+) differences, "
                  r"[\d.]+ s, \d+ ops/s \((go\S+ on \S+), seed \d+\)$", re.M)


def count(text):
    value = int(text.replace("_", "").replace(",", "")) if re.fullmatch(r"[0-9][0-9_,]*", text) else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 on")
    return value


def seed(text):
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number of up to 18 digits")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/lockstep", allow_abbrev=False,
        description="Random traces on the port and on the real go1.19, compared after each op (small maps) "
                    "or by results and end states (large ones).",
        epilog="Exit status: 0 no difference, 1 a difference, 2 bad arguments or something is missing.")
    parser.add_argument("--ops", type=count, default=10_000_000, metavar="N", help="ops in all (default: 10000000)")
    parser.add_argument("--seed", type=seed, metavar="S", help="default: another each time")
    parser.add_argument("--kind", metavar="K", help="only keys of this kind, or keys/elems: int64, int64/bytes129")
    parser.add_argument("--jobs", type=count, default=2, metavar="J", help="how many runs at once (default: 2)")
    parser.add_argument("--bits", type=int, choices=sorted(PRESETS), help="one word size only (default: both in turn)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--each", action="store_true", help="only small maps, compared after each op")
    how.add_argument("--final", action="store_true", help="every map by results and end states only")
    return parser.parse_args()


def say(text):
    print(f"ci/lockstep: {text}", file=sys.stderr, flush=True)


def build(bits, jobs):
    """True: the programs for this word size are there."""
    done = subprocess.run([f"{ROOT}/ci/cmake/build", PRESETS[bits], str(min(jobs, os.cpu_count() or 1)),
                           "lockstep", "replay"], capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-15:]
        say(f"the {bits}-bit build ({PRESETS[bits]}) failed:\n" + "\n".join(last))
    return done.returncode == 0


class Run:
    """One run of the program."""

    def __init__(self, bits, ops, seed_, options):
        self.bits = bits
        self.out = tempfile.TemporaryFile()
        folder = os.path.relpath(f"{ROOT}/build/{PRESETS[bits]}", ROOT)
        self.process = subprocess.Popen(
            [f"{folder}/lockstep", "--ops", str(ops), "--seed", str(seed_), "--save", "build/lockstep", *options],
            cwd=ROOT, stdout=self.out, stderr=self.out)

    def text(self):
        self.out.seek(0)
        return self.out.read().decode(errors="replace")


def main():
    args = arguments()
    if subprocess.run([f"{ROOT}/ci/setup"]).returncode != 0:
        sys.exit(2)
    os.makedirs(f"{ROOT}/build/lockstep", exist_ok=True)
    sizes = [args.bits] if args.bits else [64, 32]
    built = [bits for bits in sizes if build(bits, args.jobs)]
    if 64 in sizes and 64 not in built or not built:
        sys.exit(2)
    skipped = [f"{bits}-bit skipped: it does not build here" for bits in sizes if bits not in built]
    for text in skipped:
        say(text)

    options = [o for o, on in (("--each", args.each), ("--final", args.final)) if on]
    options += ["--kind", args.kind] if args.kind else []
    first = args.seed if args.seed is not None else time.time_ns() // 1000
    portions = [min(PORTION, args.ops - at) for at in range(0, args.ops, PORTION)]
    if len(portions) < len(built):  # one for each word size at least
        portions = [-(-args.ops // len(built))] * len(built)
    totals, versions, running, failed, at = [0, 0, 0, 0], {}, [], None, 0
    start = told = time.monotonic()
    terminal = sys.stdout.isatty()
    try:
        while (at < len(portions) or running) and not failed:
            while at < len(portions) and len(running) < args.jobs:
                running.append(Run(built[at % len(built)], portions[at], first + at, options))
                at += 1
            time.sleep(0.02)
            for run in [r for r in running if r.process.poll() is not None]:
                running.remove(run)
                text = run.text()
                found = LINE.search(text)
                if found:
                    totals = [a + int(b) for a, b in zip(totals, found.groups())]
                    versions[found.group(5)] = versions.get(found.group(5), 0) + int(found.group(2))
                if run.process.returncode != 0 or not found:
                    failed = (run.process.returncode, text)
                    break
            if terminal and time.monotonic() - told > 0.5:
                told = time.monotonic()
                print(f"\r{totals[1]:,} of {args.ops:,} ops, {totals[2]:,} states compared, "
                      f"{told - start:.0f} s ", end="", flush=True)
    except KeyboardInterrupt:
        say("interrupted")
    finally:
        for run in running:
            run.process.kill()
            run.process.wait()
    seconds = time.monotonic() - start
    if terminal:
        print("\r", end="")
    if failed:
        print(failed[1].strip())
        if failed[0] != 1:
            sys.exit(2)
        totals[3] = max(totals[3], 1)
    what = "; ".join([f"{v}: {n:,} ops" for v, n in sorted(versions.items())] + skipped + [f"seed {first}"])
    print(f"{totals[0]:,} traces, {totals[1]:,} ops, {totals[2]:,} states compared, {totals[3]} differences, "
          f"{seconds:.1f} s, {totals[1] / seconds:,.0f} ops/s ({what})")
    sys.exit(1 if totals[3] else 0)


main()
