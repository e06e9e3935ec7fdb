# SPDX-License-Identifier: BSD-3-Clause
"""The mechanical catalogue of mistakes: makes mutants of the port (ci/mutate.py),
and runs the unit tests and the corpus over each until one of them notices.

    ci/mutants                        all of map.c, maptype.c, runtime.c and alg.c
    ci/mutants evacuate alg.c         those of a function, of a file
    ci/mutants --show 1a2b3c4d        one: what it changes, and what became of it

build/mutants/results.json    what became of each mutant; what is still true is not run again
build/mutants/table.json      the table, after a run over all of them

A mutant is killed by a unit test or by the corpus of a target in a plain build,
or in the build with ASan and UBSan, which gets those that have survived.
ci/mutants_equivalent.txt lists those that nothing can notice, each with the
reason.  A mutant that the compiler refuses, warnings being errors, is not
counted, but may leave something unused; nor is one that compiles to the same code.
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

from bugs_catalogue import digest, read
from mutants_run import HOME, ROOT, Run, say, trouble

try:
    import mutate
except ImportError as missing:
    print(f"ci/mutants: {missing}: python3-clang-19 is missing; ci/setup installs it", file=sys.stderr)
    sys.exit(2)

FILES = ("map.c", "maptype.c", "runtime.c", "alg.c")
EQUIVALENT = os.path.relpath(f"{ROOT}/ci/mutants_equivalent.txt")
WANTED = 95  # per cent


# ---- the list of those that nothing can notice -------------------------------

def equivalents(path):
    """The entries of such a list: {mutant's key: (line, reason)}."""
    entries, head, before, after = {}, None, None, None
    try:
        file = open(path, encoding="ascii")
    except OSError as error:
        trouble(f"--equivalent: {path}: {error.strerror}")
    with file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            mark, text = line[:2], line[2:].strip()
            found = re.fullmatch(r"(\w+\.c) (\w+) (\w+)(?: (\d+))?", line)
            if found:
                head, before, after = found, None, None
            elif mark == "- " and head and before is None:
                before = text
            elif mark == "+ " and before is not None and after is None:
                after = text
            elif mark == "= " and after is not None and text:
                key = (*head.group(1, 2, 3), before, after, int(head.group(4) or 1))
                if key in entries:
                    trouble(f"{path}:{number}: the same mutant stands in line {entries[key][0]}")
                entries[key] = (number, text)
                head = None
            else:
                trouble(f"{path}:{number}: not of the form that ci/mutants_equivalent.txt describes: {line}")
    if head:
        trouble(f"{path}: its last entry is not complete")
    return entries


# ---- what people see ---------------------------------------------------------

def identity(mutant):
    return digest(*map(str, mutant.key()))[:8]


def describe(mutant):
    times = f" {mutant.ordinal}" if mutant.ordinal > 1 else ""
    return (f"{identity(mutant)}  ref/{mutant.file}:{mutant.line}\n"
            f"{mutant.file} {mutant.function} {mutant.operator}{times}\n- {mutant.before}\n+ {mutant.after}")


def show(mutant, reason):
    before = read(f"{ROOT}/ref/{mutant.file}").decode("latin-1")
    path = f"ref/{mutant.file}"
    print(describe(mutant))
    print("".join(difflib.unified_diff(before.splitlines(True), mutant.apply(before).splitlines(True),
                                       f"a/{path}", f"b/{path}")), end="")
    if reason:
        print(f"equivalent: {reason}")


def row_of(name, cells):
    return f"{name:<28}" + "".join(f" {cell:>8}" for cell in cells)


def score(counts):
    counted = counts["mutants"] - counts["same"] - counts["equivalent"]
    return (100 * (counts["unit"] + counts["corpus"] + counts["asan"]) / counted if counted else 100.0), counted


def table(ends):
    """[(file, function, counts)] in the order of the text, with a sum for each file and all."""
    rows, empty = {}, dict.fromkeys(("mutants", "unit", "corpus", "asan", "survived", "same", "equivalent", "refused"), 0)
    for mutant, end in ends:
        for name in ((mutant.file, mutant.function), (mutant.file, ""), ("", "")):
            counts = rows.setdefault(name, dict(empty))
            counts[end] += 1
            counts["mutants"] += end != "refused"
    files = [f for f in FILES if (f, "") in rows]
    order = [name for f in files for name in [*[n for n in rows if n[0] == f and n[1]], (f, "")]]
    return [(*name, rows[name]) for name in [*order, ("", "")] if name in rows]


def print_table(rows):
    print(row_of("function", ("mutants", "unit", "corpus", "asan", "survived", "same", "equiv", "score")))
    for file, function, counts in rows:
        if counts["mutants"]:
            percent, counted = score(counts)
            name = function or (f"{file}, all of it" if file else "all")
            print(row_of(name, [*[counts[c] for c in ("mutants", "unit", "corpus", "asan", "survived", "same", "equivalent")],
                                f"{percent:.1f}" if counted else "-"]))


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/mutants", allow_abbrev=False,
        description="Makes mutants of the port, and runs unit tests and corpus over each until one notices.",
        epilog=f"Exit status: 0 at least {WANTED} % of those that are counted are killed, 1 fewer are, or an entry of "
               "ci/mutants_equivalent.txt is killed or fits no mutant, 2 bad arguments or something is missing.")
    parser.add_argument("names", nargs="*", metavar="FILE|FUNCTION", help="whose mutants (default: of " + ", ".join(FILES) + ")")
    parser.add_argument("--list", action="store_true", help="list them, run nothing")
    parser.add_argument("--show", metavar="ID", help="one of them, as the list and the survivors call it")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, drawn by chance")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="for --sample (default: 1)")
    parser.add_argument("--equivalent", metavar="FILE", default=EQUIVALENT,
                        help="the list of those that nothing can notice (default: ci/mutants_equivalent.txt)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="how many at once (default: the number of cores)")
    args = parser.parse_args()
    for option, value in (("--jobs", args.jobs), ("--sample", args.sample)):
        if value is not None and value < 1:
            parser.error(f"{option}: {value} is no number from 1 on")
    return args, parser


def main():
    args, parser = arguments()
    try:
        everything = [m for f in FILES for m in mutate.mutants(f"{ROOT}/ref/{f}", ["-std=c11"])]
    except (SyntaxError, UnicodeDecodeError, mutate.clang.cindex.LibclangError) as error:
        trouble(str(error))
    for name in args.names:
        if not any(name in (m.file, m.function) for m in everything):
            parser.error(f"no mutant of a file or function '{name}'")
    chosen = [m for m in everything if not args.names or m.file in args.names or m.function in args.names]
    if args.show:
        chosen = [m for m in everything if identity(m) == args.show] or parser.error(
            f"no mutant '{args.show}'; ci/mutants --list lists them")
    if args.sample:
        chosen = sorted(random.Random(args.seed).sample(chosen, min(args.sample, len(chosen))), key=everything.index)
    entries = equivalents(args.equivalent)
    if args.list:
        for mutant in chosen:
            print(f"{identity(mutant)} {mutant.file} {mutant.function} {mutant.operator}: {mutant.before}  ->  {mutant.after}")
        return 0
    if args.show:
        show(chosen[0], entries.get(chosen[0].key(), ("", ""))[1])
    stale = [f"{args.equivalent}:{line}: fits no mutant: the port has changed there" for key, (line, _) in entries.items()
             if key not in {m.key() for m in everything}]
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2

    start = time.monotonic()
    run, rows = Run(args.jobs), {}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for done, row in enumerate(pool.map(run.one, chosen), 1):
                rows[chosen[done - 1]] = row
                if done % 100 == 0:
                    say(f"{done} of {len(chosen)}, {time.monotonic() - start:.0f} s")
                    run.save()
        except KeyboardInterrupt:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            pool.shutdown(cancel_futures=True)
            run.save()
            say("interrupted; what is done stays done")
            return 130
    names = set(map(run.name, everything))
    run.known = {name: row for name, row in run.known.items() if name in names}
    run.save()

    ends = []
    for mutant in chosen:
        row, entry = rows[mutant], entries.get(mutant.key())
        end = row["stage"] if row["end"] == "killed" else row["end"]
        if entry and end == "survived":
            end = "equivalent"
        elif entry:
            said = f": {row['by']}: {row['said']}" if row["end"] == "killed" else ""
            stale.append(f"{args.equivalent}:{entry[0]}: it need not stand there, it is {row['end']}{said}")
        ends.append((mutant, end))
    if args.show:
        print(ends[0][1] + (f" by {rows[chosen[0]]['by']}: {rows[chosen[0]]['said']}" if "by" in rows[chosen[0]] else ""))
        return 1 if ends[0][1] == "survived" or stale else 0
    for mutant, end in ends:
        if end == "survived":
            print(f"survives: {describe(mutant)}\n")
    counts = table(ends)
    print_table(counts)
    if len(chosen) == len(everything):
        with open(f"{HOME}/table.json", "w", encoding="utf-8") as file:
            json.dump({"functions": [{"file": f, "function": n, **c, "score": round(score(c)[0], 1)} for f, n, c in counts],
                       "survivors": [{"id": identity(m), "file": m.file, "line": m.line, "function": m.function,
                                      "operator": m.operator, "before": m.before, "after": m.after}
                                     for m, end in ends if end == "survived"]}, file, indent=1)
    for text in stale:
        say(text)
    percent, counted = score(counts[-1][2])
    print(f"{counts[-1][2]['mutants']} mutants ({counts[-1][2]['refused']} more do not compile), {counted} counted, "
          f"{percent:.1f} % killed, {time.monotonic() - start:.0f} s")
    return 1 if percent < WANTED or stale else 0


if __name__ == "__main__":
    sys.exit(main())
