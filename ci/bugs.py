# SPDX-License-Identifier: BSD-3-Clause
"""The catalogue of porting mistakes: puts each patch of fuzz/bugs/ into a copy of
the port, and replays the corpus over it, target by target, with every judge.

    ci/bugs                              all of them
    ci/bugs delete-elem-stays            one

build/bugs/NAME/         the changed sources, the program, what it said (TARGET.txt)
build/bugs/table.json    the whole table

A bug is killed by a target whose corpus makes a judge differ, crashes, or hangs.
What has not changed since the last run is not run again.  Exit status: 0 all are
killed, 1 one survives or its patch no longer fits, 2 bad arguments or something
is missing.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = f"{ROOT}/build/gcc"
HOME = f"{ROOT}/build/bugs"
CATALOGUE = f"{ROOT}/fuzz/bugs"
# For the corpus of one target, which takes less than a second.  Of its own work, so
# that a busy machine is no alarm; the other one is for a program that only waits.
CPU_SECONDS = 10
TIMEOUT = 120
COLUMNS = 100

VERDICT = re.compile(r"^([a-z0-9.]+): (.+): (?:op #\d+|at the end)$", re.M)
LAST = re.compile(r"^[1-9]\d* files, (\d+) failed", re.M)


def say(text):
    print(f"ci/bugs: {text}", file=sys.stderr, flush=True)


def trouble(text):
    say(text)
    sys.exit(2)


def digest(*parts):
    whole = hashlib.sha256()
    for part in parts:
        part = part.encode() if isinstance(part, str) else part
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Bug:
    """One patch, and what its head says."""

    def __init__(self, name):
        self.name = name
        self.patch = read(f"{CATALOGUE}/{name}.patch").decode()
        head = self.patch.split("\n--- a/")[0]
        self.what = " ".join(head.split("\n\n")[0].split())
        self.files = re.findall(r"^\+\+\+ b/ref/(\S+)$", self.patch, re.M)
        self.function, self.judge = self.line(head, "Function"), self.line(head, "Judge")
        if not re.search(r"^(Made in|Feared): \S", head, re.M):
            trouble(f"fuzz/bugs/{name}.patch: its head has neither 'Made in:' nor 'Feared:'")
        if not self.files or not all(re.fullmatch(r"\w+\.c", f) for f in self.files):
            trouble(f"fuzz/bugs/{name}.patch: it has to change ref/*.c and nothing else")

    def line(self, head, word):
        found = re.search(rf"^{word}: (\S.*)$", head, re.M)
        if not found:
            trouble(f"fuzz/bugs/{self.name}.patch: its head has no line '{word}:'")
        return found.group(1)


class Base:
    """The build of the unbroken port, whose objects all bugs share."""

    def __init__(self, go, jobs):
        done = subprocess.run([f"{ROOT}/ci/cmake/build", "gcc", str(jobs), "replay", "corpus"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            trouble("the port does not build:\n" + "\n".join((done.stdout + done.stderr).splitlines()[-15:]))
        self.replay = f"{BUILD}/replay"
        self.go = False
        if go:
            judges = subprocess.run([self.replay, "--judges"], capture_output=True, text=True)
            self.go = re.search(r"^go \(", judges.stdout, re.M) is not None
            if not self.go:
                say(f"judge go: skipped: {judges.stderr.strip()}")
        with open(f"{ROOT}/fuzz/targets.def", encoding="utf-8") as file:
            self.targets = re.findall(r"^TARGET\((\w+),", file.read(), re.M)
        with open(f"{BUILD}/compile_commands.json", encoding="utf-8") as file:
            self.commands = {os.path.relpath(c["file"], f"{ROOT}/ref"): c for c in json.load(file)}
        inputs = sorted(f"{folder}/{f}" for t in self.targets for folder, _, files in os.walk(f"{BUILD}/corpus/{t}")
                        for f in files)
        self.digest = digest(read(self.replay), read(__file__), str(self.go), *[f + digest(read(f)) for f in inputs],
                             *[read(f"{ROOT}/ref/{f}") for f in sorted(os.listdir(f"{ROOT}/ref")) if f[-2:] in (".c", ".h")])

    def object(self, source):
        command = shlex.split(self.commands[source]["command"])
        return os.path.join(self.commands[source]["directory"], command[command.index("-o") + 1])

    def compile(self, source, scratch):
        """The command that compiles scratch/ref/source, and the object it makes."""
        command = shlex.split(self.commands[source]["command"])
        out = f"{scratch}/{source}.o"
        command[command.index("-o") + 1] = out
        command[command.index("-c") + 1] = f"{scratch}/ref/{source}"
        return [*command, "-g0"], out  # a quarter faster to compile and link, and nobody debugs it

    def link(self, changed, scratch):
        """The command that links replay with the changed objects, by source."""
        compiler = shlex.split(self.commands["map.c"]["command"])[0]
        port = [s for s in sorted(self.commands) if re.fullmatch(r"\w+\.c", s)]
        objects = [changed.get(source) or self.object(source) for source in port]
        return [compiler, *objects, self.object("../fuzz/replay.c"), "-o", f"{scratch}/replay",
                f"{BUILD}/libfuzzcore.a", f"{BUILD}/liboracle.a"]


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def replay(program, target, base, log):
    """The corpus of one target: (verdicts, how it ended), both empty when it replays clean."""
    command = [program, "--target", target, *(["--judge", "go"] if base.go else []), f"{BUILD}/corpus/{target}"]
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT,
                                   start_new_session=True, preexec_fn=limits)
        try:
            status = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            status = None
        if status is None or status < 0:  # and the go1.19 that it has started
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    text = read(log).decode(errors="replace")
    verdicts = [f"{judge}: {rule}" for judge, rule in VERDICT.findall(text)]
    last = LAST.search(text)
    if status is None or status in (-signal.SIGXCPU, -signal.SIGKILL):
        return verdicts, "hang"
    if status < 0:
        return verdicts, f"crash: {signal.Signals(-status).name}"
    if status == 0 and last and last.group(1) == "0":
        return [], ""
    if not verdicts:
        verdicts = [f"replay: exit status {status}"] if status == 1 else []
        if not verdicts:
            raise RuntimeError(f"{' '.join(command)}: exit status {status}: {text[-300:]}")
    return verdicts, ""


def run_all(program, scratch, base):
    """By target: the verdicts of those whose corpus does not replay clean."""
    killed = {}
    for target in base.targets:
        verdicts, end = replay(program, target, base, f"{scratch}/{target}.txt")
        if verdicts or end:
            killed[target] = list(dict.fromkeys(verdicts + [end] * bool(end)))
        if end == "hang":  # once is enough
            break
    return killed


def command_output(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout


def make(bug, base, scratch):
    """Builds scratch/replay with the bug in it; what went wrong, or nothing."""
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(f"{scratch}/ref")
    for name in os.listdir(f"{ROOT}/ref"):
        if name.endswith((".c", ".h")):
            shutil.copy(f"{ROOT}/ref/{name}", f"{scratch}/ref/{name}")
    # Without the ceiling git would find gomap's own repository around the scratch copy.
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(scratch))
    status, text = command_output(["git", "apply", "-p1", f"{CATALOGUE}/{bug.name}.patch"], cwd=scratch, env=env)
    if status != 0:
        return {"error": "does not apply", "log": text}
    changed = {}
    for source in bug.files:
        command, changed[source] = base.compile(source, scratch)
        status, text = command_output(command, cwd=BUILD)
        if status != 0:
            return {"error": "does not compile", "log": text}
    status, text = command_output(base.link(changed, scratch), cwd=BUILD)
    if status != 0:
        return {"error": "does not link", "log": text}
    return {}


def attempt(bug, base):
    """Makes and runs one bug: the row of the table, without the patch's own part."""
    scratch = f"{HOME}/{bug.name}"
    return make(bug, base, scratch) or {"killed": run_all(f"{scratch}/replay", scratch, base)}


def one(bug, base):
    scratch, key = f"{HOME}/{bug.name}", digest(bug.patch, base.digest)
    try:
        row = json.loads(read(f"{scratch}/result.json"))
        if row["key"] == key:
            return row
    except (OSError, ValueError, KeyError):
        pass
    start = time.monotonic()
    row = attempt(bug, base)
    row = {"name": bug.name, "what": bug.what, "function": bug.function, "judge": bug.judge, **row,
           "seconds": round(time.monotonic() - start, 1), "key": key}
    with open(f"{scratch}/result.json", "w", encoding="utf-8") as file:
        json.dump(row, file, indent=1)
    return row


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


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/bugs", allow_abbrev=False,
        description="Puts each mistake of fuzz/bugs/ into the port, and replays the corpus over it.",
        epilog="Exit status: 0 all are killed, 1 one survives or its patch no longer fits, "
               "2 bad arguments or something is missing.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a patch, without .patch (default: all)")
    parser.add_argument("--list", action="store_true", help="list them, run nothing")
    parser.add_argument("--no-go", action="store_true", help="without the judge go; what only it can see is left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="how many at once (default: the number of cores)")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f"--jobs: {args.jobs} is no number from 1 on")
    there = sorted(f[:-len(".patch")] for f in os.listdir(CATALOGUE) if f.endswith(".patch"))
    for name in args.names:
        if name not in there:
            parser.error(f"no bug '{name}'; ci/bugs --list lists them")
    args.names = args.names or there
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
    os.makedirs(f"{HOME}/unbroken", exist_ok=True)
    base = Base(not args.no_go, args.jobs)
    clean = run_all(base.replay, f"{HOME}/unbroken", base)
    if clean:
        say(f"the unbroken port does not replay clean, so nothing can be said: {clean}")
        return 1

    print(f"{'bug':<45} {'killed by':<16} {'judge: rule':<31} {'s':>4}")
    rows, bad, elsewhere, left_out = [], 0, [], []
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for bug, row in zip(bugs, pool.map(lambda b: one(b, base), bugs)):
                needs_go = bug.judge == "go" and not base.go
                rows.append({k: v for k, v in row.items() if k != "key"})
                print(show(row, needs_go), flush=True)
                if "error" in row:
                    bad += 1
                    print("    " + "\n    ".join(row["log"].strip().splitlines()[:12]))
                elif not row["killed"]:
                    if needs_go:
                        left_out.append(bug.name)
                    else:
                        bad += 1
                elif bug.judge not in judges_of(row) and base.go:
                    elsewhere.append(f"{bug.name} (its head says {bug.judge}; {', '.join(sorted(judges_of(row)))})")
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            say("interrupted")
            return 130
    if args.names == sorted(f[:-len(".patch")] for f in os.listdir(CATALOGUE) if f.endswith(".patch")):
        with open(f"{HOME}/table.json", "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    for text in elsewhere:
        print(f"seen by another judge: {text}")
    if left_out:
        say(f"skipped, only the judge go sees them: {', '.join(left_out)}")
    killed = sum(1 for row in rows if row.get("killed"))
    print(f"{len(rows)} bugs, {killed} killed, {bad} not, {len(left_out)} skipped, {time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
