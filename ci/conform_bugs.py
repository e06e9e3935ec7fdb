# SPDX-License-Identifier: BSD-3-Clause
"""Mistakes of fuzz/bugs/ as children of gomap-conform: each is put into a copy of the port, which is linked
behind the protocol (fuzz/conform/child_ref.c), and gomap-conform has to find it without a look inside.

    ci/conform-bugs --some               two dozen of them
    ci/conform-bugs                      all
    ci/conform-bugs delete-elem-stays    one

build/conform-bugs/NAME/    the changed sources, the child, the report (report.txt), the minimal trace

Exit status: 0 all are found, 1 one is not, or its patch no longer fits, 2 bad arguments or something is missing.
"""
import argparse
import concurrent.futures
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = f"{ROOT}/build/gcc"
CATALOGUE = f"{ROOT}/fuzz/bugs"
HOME = f"{ROOT}/build/conform-bugs"
CHILD = "../fuzz/conform/child_ref.c"
SECONDS = 30
# Of every part of the map one or two, which a seed of the corpus shows soon.
SOME = """access1-ignores-the-old-array accessk-elem-slot assign-counts-updates assign-no-second-search
assign-search-ends-at-a-hole assign-slot-from-before-growth clear-forgets-iterators clear-keeps-the-count
delete-elem-stays delete-spreads-over-entries delete-stops-at-a-hole delete-without-a-new-seed equal-float-bytes
equal-string-address evacuate-head-only evacuate-other-seed evacuate-x-and-y-swapped grow-always-doubles
grow-same-size-not-flagged hash-zeros-differ iterinit-no-offset iternext-deleted-entry iternext-never-filters
iternext-no-lookup iternext-skips-overflow-buckets makemap-full-buckets newoverflow-same-bucket-again
tophash-not-lifted-enough""".split()


class Base:
    """The build of the unbroken port, whose objects all children share."""

    def __init__(self, jobs):
        status, text = command_output([f"{ROOT}/ci/cmake/build", "gcc", str(jobs), "gomap-conform", "child_ref", "corpus"])
        if status != 0:
            trouble("it does not build:\n" + "\n".join(text.splitlines()[-15:]))
        with open(f"{BUILD}/compile_commands.json", encoding="utf-8") as file:
            self.commands = {os.path.relpath(c["file"], f"{ROOT}/ref"): shlex.split(c["command"]) for c in json.load(file)}

    def object(self, source):
        command = self.commands[source]
        return command[command.index("-o") + 1]

    def compile(self, source, scratch):
        """The command that compiles scratch/ref/source, and the object it makes."""
        command, out = [*self.commands[source], "-g0"], f"{scratch}/{source}.o"
        command[command.index("-o") + 1] = out
        command[command.index("-c") + 1] = f"{scratch}/ref/{source}"
        return command, out

    def link(self, changed, scratch):
        """The command that links the child with the changed objects, by source."""
        port = [s for s in sorted(self.commands) if re.fullmatch(r"\w+\.c", s)]
        objects = [changed.get(source) or self.object(source) for source in port]
        return [self.commands["map.c"][0], *objects, self.object(CHILD), "-o", f"{scratch}/child",
                f"{BUILD}/libfuzzcore.a", f"{BUILD}/liboracle.a"]


def trouble(text):
    print(f"ci/conform-bugs: {text}", file=sys.stderr)
    sys.exit(2)


def command_output(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout


def build(name, base, scratch):
    """None, or why there is no child."""
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(f"{scratch}/ref")
    for file in os.listdir(f"{ROOT}/ref"):
        if file.endswith((".c", ".h")):
            shutil.copy(f"{ROOT}/ref/{file}", f"{scratch}/ref/{file}")
    with open(f"{CATALOGUE}/{name}.patch", encoding="utf-8") as file:
        sources = re.findall(r"^\+\+\+ b/ref/(\w+\.c)$", file.read(), re.M)
    # Without the ceiling git would find gomap's own repository around the scratch copy.
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=HOME)
    steps = [("apply", ["git", "apply", "-p1", f"{CATALOGUE}/{name}.patch"], scratch)]
    changed = {}
    for source in sources:
        command, changed[source] = base.compile(source, scratch)
        steps.append(("compile", command, BUILD))
    steps.append(("link", base.link(changed, scratch), BUILD))
    for what, command, folder in steps:
        status, text = command_output(command, cwd=folder, env=env)
        if status != 0:
            return f"does not {what}: {text.strip()}"
    return None


def attempt(name, base, options):
    """One row: the mistake, what showed it, or why nothing did."""
    scratch = f"{HOME}/{name}"
    row = {"name": name, "rule": "", "ops": 0, "seconds": 0.0, "error": build(name, base, scratch)}
    if row["error"]:
        return row
    start = time.monotonic()
    done = subprocess.run(
        [f"{BUILD}/gomap-conform", "--until-first", "--time", f"{options.seconds}s", "--timeout", "5s", "--shrink",
         "3s", "--seed", str(options.seed), "--save", scratch, "--json", f"{scratch}/report.json", "--", f"{scratch}/child"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT, preexec_fn=no_cores)
    row["seconds"] = time.monotonic() - start
    with open(f"{scratch}/report.txt", "wb") as file:
        file.write(done.stdout)
    if done.returncode not in (0, 1):
        row["error"] = done.stdout.decode(errors="replace").strip()
        return row
    with open(f"{scratch}/report.json", encoding="utf-8") as file:
        found = [r for r in json.load(file)["rules"] if r["broken"] and r["first"]]
    if done.returncode == 1 and found:
        row["rule"] = f"{found[0]['judge']}: {found[0]['rule']}"
        row["ops"] = found[0]["first"]["ops"]
    return row


def no_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/conform-bugs", allow_abbrev=False,
        description="Makes mistakes of fuzz/bugs/ children of gomap-conform, which has to find them.",
        epilog="Exit status: 0 all are found, 1 one is not, 2 bad arguments or something is missing.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a patch, without .patch (default: all)")
    parser.add_argument("--some", action="store_true", help=f"{len(SOME)} of them, from every part of the map")
    parser.add_argument("--seconds", type=int, default=SECONDS, metavar="N", help=f"for each (default: {SECONDS})")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random traces (default: 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="how many at once (default: the number of cores)")
    args = parser.parse_args()
    for option in ("jobs", "seconds"):
        if getattr(args, option) < 1:
            parser.error(f"--{option}: {getattr(args, option)} is no number from 1 on")
    there = sorted(f[:-len(".patch")] for f in os.listdir(CATALOGUE) if f.endswith(".patch"))
    args.names = args.names or (SOME if args.some else there)
    for name in args.names:
        if name not in there:
            parser.error(f"no bug '{name}'; ci/bugs --list lists them")
    return args


def main():
    args = arguments()
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2
    os.makedirs(HOME, exist_ok=True)
    base = Base(args.jobs)
    print(f"{'bug':<45} {'judge: rule':<32} {'ops':>4} {'s':>5}")
    found = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for row in pool.map(lambda name: attempt(name, base, args), args.names):
                found += bool(row["rule"])
                said = row["rule"] or ("ERROR" if row["error"] else "NOT FOUND")
                print(f"{row['name']:<45} {said:<32} {row['ops'] or '':>4} {row['seconds']:>5.1f}", flush=True)
                if row["error"]:
                    print("    " + "\n    ".join(row["error"].splitlines()[:12]))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            return 130
    print(f"{found} of {len(args.names)} mistakes found through the protocol, each within {args.seconds} s")
    return 0 if found == len(args.names) else 1


if __name__ == "__main__":
    sys.exit(main())
