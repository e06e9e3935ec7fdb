# SPDX-License-Identifier: BSD-3-Clause
"""Replays the corpus over each mistake of fuzz/bugs/, target by target, with every
judge.  For ci/bugs; ci/docs replays traces of its own.
"""
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import time

from bugs_catalogue import HOME, ROOT, VERDICT, build, digest, output_of, read, say, sources_of, targets

BUILD = f"{ROOT}/build/gcc"
# For the corpus of one target, which takes less than a second.  Of its own work, so
# that a busy machine is no alarm; the other one is for a program that only waits.
CPU_SECONDS = 10
TIMEOUT = 120

LAST = re.compile(r"^[1-9]\d* files, (\d+) failed", re.M)


class Base:
    """The build of the unbroken port, whose objects all bugs share."""

    def __init__(self, go, jobs, brief=False):
        self.brief = brief
        build("gcc", jobs, "replay", "corpus")
        self.replay = f"{BUILD}/replay"
        self.go = False
        if go:
            judges = subprocess.run([self.replay, "--judges"], capture_output=True, text=True)
            self.go = re.search(r"^go \(", judges.stdout, re.M) is not None
            if not self.go:
                say(f"judge go: skipped: {judges.stderr.strip()}")
        self.targets = targets()
        with open(f"{BUILD}/compile_commands.json", encoding="utf-8") as file:
            self.commands = {os.path.relpath(c["file"], f"{ROOT}/ref"): c for c in json.load(file)}
        inputs = sorted(f"{folder}/{f}" for t in self.targets for folder, _, files in os.walk(f"{BUILD}/corpus/{t}")
                        for f in files)
        self.digest = digest(read(self.replay), read(__file__), str(self.go), *[f + digest(read(f)) for f in inputs],
                             *[read(path) for path in sources_of("ref", ".c", ".h")])

    def object(self, source):
        command = shlex.split(self.commands[source]["command"])
        return os.path.join(self.commands[source]["directory"], command[command.index("-o") + 1])

    def compile(self, source, scratch):
        """The command that compiles scratch/ref/source, and the object it makes."""
        command = shlex.split(self.commands[source]["command"])
        out = f"{scratch}/{source}.o"
        command[command.index("-o") + 1] = out
        command[command.index("-c") + 1] = f"{scratch}/ref/{source}"
        return [*command, "-O1", "-g0"], out  # twice as fast to compile, and nobody debugs it

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


def run_all(program, scratch, base, judge=None):
    """By target: the verdicts of those whose corpus does not replay clean; in brief, up to the one where this judge has spoken."""
    os.makedirs(scratch, exist_ok=True)
    killed = {}
    for target in base.targets:
        verdicts, end = replay(program, target, base, f"{scratch}/{target}.txt")
        if verdicts or end:
            killed[target] = list(dict.fromkeys(verdicts + [end] * bool(end)))
        if end == "hang":  # once is enough
            break
        if base.brief and judge in [verdict.split(":")[0] for verdict in killed.get(target, [])]:
            break
    return killed


def make(bug, base, scratch):
    """Builds scratch/replay with the bug in it; what went wrong, or nothing."""
    wrong = bug.put_into(scratch)
    if wrong:
        return wrong
    changed = {}
    for source in bug.files:
        command, changed[source] = base.compile(source, scratch)
        status, text = output_of(command, cwd=BUILD)
        if status != 0:
            return {"error": "does not compile", "log": text}
    status, text = output_of(base.link(changed, scratch), cwd=BUILD)
    if status != 0:
        return {"error": "does not link", "log": text}
    return {}


def attempt(bug, base):
    """Makes and runs one bug: the row of the table, without the patch's own part."""
    scratch = f"{HOME}/{bug.name}"
    return make(bug, base, scratch) or {"killed": run_all(f"{scratch}/replay", scratch, base, bug.judge)}


def one(bug, base):
    """The row of one bug; the one of the last run if nothing has changed since."""
    scratch, key = f"{HOME}/{bug.name}", digest(bug.patch, base.digest, str(base.brief))
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
