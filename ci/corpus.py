# SPDX-License-Identifier: BSD-3-Clause
"""Makes corpus/TARGET/min anew: of all inputs that there are, the fewest that have all
their features together.

    ci/corpus                       all targets
    ci/corpus --target overflow     one
    ci/corpus --dry-run             says what it would do

Inputs are corpus/TARGET/{seed,regress,min} and what the fuzzers have left in
build/fuzz/work/TARGET/*/.  A feature is an edge of the port together with how often one
run takes it: once, twice, 3, 4-7, 8-15, 16-31, 32-127 times or more; libFuzzer counts them
and chooses (-set_cover_merge=1).  An input that meets the budget of a run is cut off
there first, so that each runs to its end; one that fails ends all, since it belongs to
ci/triage.  At most 2000 files of at most 4096 bytes, called by the hash of their bytes.
What goes in decides what comes out: a second run changes nothing.

Exit status: 0 done, 1 an input fails, 2 bad arguments or something is missing.
"""
import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRESET = "libfuzzer-none"
BUILD = f"{ROOT}/build/{PRESET}"
MOST_FILES = 2000
MOST_BYTES = 4096     # trace_max_bytes of fuzz/ops.h

CUT = re.compile(r"^(.+): cut short by the budget of a run: (\d+) of \d+ ops$", re.M)
LAST = re.compile(r"^\d+ files, (\d+) failed", re.M)
FEATURES = re.compile(r"^#\d+\s+(?:INITED|DONE)\s+cov: (\d+) ft: (\d+) ", re.M)


def say(text):
    print(f"ci/corpus: {text}", file=sys.stderr, flush=True)


def trouble(text):
    say(text)
    sys.exit(2)


class Fails(Exception):
    """An input does not replay clean; the argument is what replay said."""


def read_targets():
    with open(f"{ROOT}/fuzz/targets.def", encoding="utf-8") as file:
        return re.findall(r"^TARGET\((\w+),", file.read(), re.M)


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    return done.returncode, done.stdout


def read(path):
    with open(path, "rb") as file:
        return file.read()


def inputs_of(folder):
    """The inputs in a folder and below, without their text twins and what else lies there."""
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith((".txt", ".md", ".lock")):
                yield f"{at}/{name}"


def collect(folders, to):
    """Copies all inputs into one folder, each once, under the hash of its bytes."""
    os.makedirs(to)
    for folder in folders:
        for path in inputs_of(folder):
            data = read(path)
            if 0 < len(data) <= MOST_BYTES:
                with open(f"{to}/{hashlib.sha1(data).hexdigest()}", "wb") as file:
                    file.write(data)


def replay(target, folder):
    """Replays a folder: {path: how many of its ops were within the budget} of those that were cut short."""
    status, text = run([f"{BUILD}/replay", "--target", target, "--whole", folder])
    cut = {path: int(ops) for path, ops in CUT.findall(text)}
    last = LAST.search(text)
    if status not in (0, 1) or not last or int(last.group(1)) != len(cut):
        raise Fails(text)
    return cut


def cut_off(target, folder, scratch):
    """Shortens what meets the budget to where it meets it."""
    for path, ops in replay(target, folder).items():
        short = f"{scratch}/short"
        status, text = run([f"{BUILD}/replay", "--target", target, "--until", str(max(ops, 1)), "--text", path])
        with open(f"{short}.txt", "w", encoding="utf-8") as file:
            file.write(text)
        if status == 0:
            status, text = run([f"{BUILD}/replay", "--compile", f"{short}.txt", short])
        if status != 0:
            raise Fails(text)
        os.unlink(path)
        data = read(short)
        with open(f"{folder}/{hashlib.sha1(data).hexdigest()}", "wb") as file:
            file.write(data)
    for path in replay(target, folder):   # its first op alone is too much
        os.unlink(path)


def features(target, folder):
    """(edges, features) of all inputs of a folder."""
    if not os.path.isdir(folder) or not os.listdir(folder):
        return 0, 0
    status, text = run([f"{BUILD}/fuzz_{target}", "-runs=0", f"-max_len={MOST_BYTES}", folder])
    found = FEATURES.findall(text)
    if status != 0 or not found:
        raise Fails(text[-2000:])
    return int(found[-1][0]), int(found[-1][1])


def minimum(target, everything, to):
    os.makedirs(to)
    status, text = run([f"{BUILD}/fuzz_{target}", "-set_cover_merge=1", f"-max_len={MOST_BYTES}", to, everything])
    if status != 0:
        raise Fails(text[-2000:])
    names = sorted(os.listdir(to), key=lambda name: (os.path.getsize(f"{to}/{name}"), name))
    for name in names[MOST_FILES:]:
        os.unlink(f"{to}/{name}")
    if len(names) > MOST_FILES:
        say(f"{target}: {len(names)} files would be needed; the smallest {MOST_FILES} are kept")


def refresh(target, old, new):
    """Makes the folder old what new is; a file is there whole or not at all."""
    os.makedirs(old, exist_ok=True)
    for name in sorted(set(os.listdir(new)) - set(os.listdir(old))):
        shutil.copyfile(f"{new}/{name}", f"{old}/.{name}")
        os.replace(f"{old}/.{name}", f"{old}/{name}")
    for name in sorted(set(os.listdir(old)) - set(os.listdir(new))):
        os.unlink(f"{old}/{name}")


def one(target, args, scratch):
    """One target: the row of the table."""
    old, everything, new = f"{args.into}/{target}/min", f"{scratch}/all", f"{scratch}/min"
    collect([f"{ROOT}/corpus/{target}/regress", f"{BUILD}/corpus/{target}", old, f"{args.work}/{target}"], everything)
    cut_off(target, everything, scratch)
    minimum(target, everything, new)
    mine = set(os.listdir(old)) if os.path.isdir(old) else set()
    its = set(os.listdir(new))
    after = features(target, new)
    before = after if mine == its else features(target, old)
    row = [target, len(os.listdir(everything)), len(its), f"+{len(its - mine)}", f"-{len(mine - its)}",
           sum(os.path.getsize(f"{new}/{name}") for name in its), after[0], after[1],
           f"{after[1] - before[1]:+d}"]
    if not args.dry_run:
        refresh(target, old, new)
    return row


def arguments():
    parser = argparse.ArgumentParser(prog="ci/corpus", allow_abbrev=False, description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    targets = read_targets()
    parser.add_argument("--target", nargs="+", default=targets, metavar="TARGET", help="those alone")
    parser.add_argument("--work", default=f"{ROOT}/build/fuzz/work", metavar="FOLDER",
                        help="where the fuzzers have left inputs (default: build/fuzz/work)")
    parser.add_argument("--into", default=f"{ROOT}/corpus", metavar="FOLDER",
                        help="where TARGET/min is (default: corpus)")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="how many jobs the build may use (default: the number of cores)")
    args = parser.parse_args()
    for name in args.target:
        if name not in targets:
            parser.error(f"no target '{name}'; there are: {' '.join(targets)}")
    if args.jobs < 1:
        parser.error(f"--jobs: {args.jobs} is no number from 1 on")
    if not os.path.isdir(args.into):
        parser.error(f"--into: there is no folder {args.into}")
    return args


def main():
    args = arguments()
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2
    for tool in "clang-19", "cmake", "ninja":
        if not shutil.which(tool):
            trouble(f"{tool} is missing; ci/setup installs it")
    status, text = run([f"{ROOT}/ci/cmake/build", PRESET, str(args.jobs)])
    if status != 0:
        trouble(f"{PRESET} does not build:\n" + "\n".join(text.splitlines()[-15:]))

    head = ["target", "inputs", "min", "gained", "dropped", "bytes", "edges", "features", "change"]
    line = "{:<18}" + "{:>10}" * (len(head) - 1)
    print(line.format(*head))
    for target in dict.fromkeys(args.target):
        with tempfile.TemporaryDirectory(prefix="gomap-corpus-") as scratch:
            try:
                print(line.format(*one(target, args, scratch)), flush=True)
            except Fails as problem:
                print(str(problem).strip())
                say(f"{target}: an input fails, and nothing of this target was changed; ci/triage says more")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
