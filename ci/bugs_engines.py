# SPDX-License-Identifier: BSD-3-Clause
"""Runs a fuzz target over a broken port from an empty corpus, until something fails.
For ci/bugs --fuzz.

A run is paid in seconds of processor time, of the engine and all that it has
started (go1.19 too), so that a busy machine changes nothing.
"""
import ctypes
import os
import re
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import time

from bugs_catalogue import ROOT, VERDICT, build, digest, output_of, read, sources_of
from fuzz import AFL_BUDGET, input_under_way

ONE_INPUT = 5      # seconds that one input may work when it is tried alone, far above the 50 ms that it may need
HANG = 2           # and under an engine, which looks at the clock on the wall
SETTLED = 3        # after which a file is written to its end, on any machine
MAX_LEN = 4096     # trace_max_bytes of fuzz/ops.h
MEMORY_MB = 2048
# A signal ends the program when an input is tried alone, as it would without an engine.
SIGNALS = ("segv", "sigbus", "abort", "sigill", "sigfpe")
CHILD_SUBREAPER, PARENT_DEATH_SIGNAL = 36, 1  # of <sys/prctl.h>

# What the mutator is made of: without it these may change.
MUTATOR = ("mutator.c", "mutator.h", "mutator_aflpp.c", "recipe.c", "recipe.h", "survey.c", "survey.h")


# --- processes ---------------------------------------------------------------

def stop_worker(_number, _frame):
    end_descendants()
    os._exit(130)


def keep_descendants():
    """Of a worker process: whatever it starts, and what that starts, is its own to wait for.

    It must not outlive the one that has started it, nor they the worker.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(CHILD_SUBREAPER, 1, 0, 0, 0) != 0 or libc.prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    signal.signal(signal.SIGTERM, stop_worker)
    signal.signal(signal.SIGINT, stop_worker)


def descendants():
    """{pid: its processor time so far, in seconds, with that of those it has waited for}"""
    tick, family, parents = os.sysconf("SC_CLK_TCK"), {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = read(f"/proc/{pid}/stat").decode(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(pid)] = int(fields[1]), sum(int(f) for f in fields[11:15]) / tick
    of_parent = {}
    for pid, (parent, _) in parents.items():
        of_parent.setdefault(parent, []).append(pid)
    todo = [os.getpid()]
    while todo:
        for pid in of_parent.get(todo.pop(), []):
            family[pid] = parents[pid][1]
            todo.append(pid)
    return family


def end_descendants():
    """Kills and waits for all that is left: their processor time."""
    seconds = 0.0
    while True:
        for pid in descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            pid, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return seconds
        seconds += usage.ru_utime + usage.ru_stime


def run(command, cap, look=None, **options):
    """Runs a command until it ends, has worked for cap seconds, or look() is true.

    (exit status, None: it was ended; processor time of it and all its descendants)
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    begun, spent, pause, status = time.monotonic(), 0.0, 0.01, None
    try:
        while True:
            pid, wait, usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                status, spent = os.waitstatus_to_exitcode(wait), usage.ru_utime + usage.ru_stime
                break
            if look is not None and look():
                break
            wall = time.monotonic() - begun
            # Nothing works more than two cores do; a program that only waits ends some day.
            if wall > cap / 2 and (sum(descendants().values()) > cap or wall > 20 * cap + 60):
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
    finally:
        spent += end_descendants()
        process.returncode = status if status is not None else -signal.SIGKILL  # waited for above
    return status, spent


def limits():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# --- engines -----------------------------------------------------------------

class Engine:
    """The build of one engine, whose objects all bugs share."""

    def __init__(self, targets, go, jobs):
        self.targets = targets
        self.folder = f"{ROOT}/build/{self.preset}"
        build(self.preset, jobs, *[f"fuzz_{t}" for t in targets], *self.also, *["gomap-go119"] * go)
        self.go = go
        self.commands = {}
        for target in targets:
            status, text = output_of(["ninja", "-C", self.folder, "-t", "commands", f"fuzz_{target}"])
            if status != 0:
                raise RuntimeError(text)
            self.commands[target] = [line for line in text.splitlines() if " -o " in line]
        self.port = digest(*[read(path) for path in sources_of("ref", ".c", ".h")])
        files = [*sources_of("ref", ".c", ".h"), *sources_of("oracle", ".c", ".h"), *sources_of("oracle/go", ".go", ".s"),
                 *[path for path in sources_of("fuzz", ".c", ".h", ".def") if os.path.basename(path) not in MUTATOR]]
        rest = [digest(*[read(path) for path in files]), str(self.go), *sum(self.commands.values(), []),
                *self.given.values()]
        mutator = [read(f"{ROOT}/fuzz/{name}") for name in MUTATOR]
        self.digests = {False: digest(*rest), True: digest(*rest, *mutator)}

    def program(self, target):
        return f"{self.folder}/fuzz_{target}"

    def object(self, bug, source, scratch, keep):
        """Of scratch/ref/source, kept from run to run: (object, None), or (None, why not, for the table)."""
        # Of all that any target is made of, one command compiles this source.
        command = next(c for c in self.commands[self.targets[0]] if c.endswith(f" -c {ROOT}/ref/{source}"))
        out = f"{keep}/{self.name}-{source}-{digest(bug.patch, self.port, command)[:16]}.o"
        if not os.path.exists(out):
            for name in os.listdir(keep):
                if name.startswith(f"{self.name}-{source}-"):
                    os.unlink(f"{keep}/{name}")
            was, new = re.search(r" -o (\S+)", command).group(1), f"{scratch}/{source}.o"
            command = command.replace(f" -c {ROOT}/ref/{source}", f" -c {shlex.quote(f'{scratch}/ref/{source}')}")
            command = command.replace(f" -o {was}", f" -o {shlex.quote(new)}").replace(f" -MF {was}", f" -MF {shlex.quote(new)}")
            status, text = output_of(["sh", "-c", command], cwd=self.folder)
            if status != 0:
                return None, {"error": "does not compile", "log": text}
            os.replace(new, out)
        return out, None

    def link(self, bug, target, scratch, keep):
        """Makes scratch/fuzz_TARGET of the bug in scratch/ref: None, or why not, for the table."""
        link = self.commands[target][-1]
        for source in bug.files:
            made, wrong = self.object(bug, source, scratch, keep)
            if wrong:
                return wrong
            was = re.search(rf" (\S+/ref/{re.escape(source)}\.o) ", link).group(1)
            link = link.replace(f" {was} ", f" {shlex.quote(made)} ")
        link = link.replace(f" -o fuzz_{target} ", f"{self.faster} -o {shlex.quote(f'{scratch}/fuzz_{target}')} ")
        status, text = output_of(["sh", "-c", link], cwd=self.folder)
        return {"error": "does not link", "log": text} if status != 0 else None

    def environment(self, mutator):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("AFL_", "GOMAP_")) or name.startswith("GOMAP_GO")}
        env["GOMAP_MUTATOR"] = "on" if mutator else "off"
        if self.go:
            env["GOMAP_JUDGE"] = "go"
        return {**env, **self.given}

    def verdict(self, program, path):
        """What a program says to one input alone: "" if nothing is wrong."""
        log = f"{path}.log"
        env = dict(self.environment(True), UBSAN_OPTIONS=":".join(f"handle_{s}=0" for s in SIGNALS))
        with open(log, "wb") as out:
            status, _ = run([program, *self.plainly, path], ONE_INPUT, stdout=out, stderr=out, env=env, preexec_fn=limits)
        if status == 0:
            return ""
        text = read(log).decode(errors="replace")
        said = VERDICT.search(text)
        if status is None:
            return "hang"
        if said:
            return f"{said.group(1)}: {said.group(2)}"
        if status < 0 and "go: gone:" not in text:
            return f"crash: {signal.Signals(-status).name}"
        raise RuntimeError(f"{program} {path}: exit status {status}: {text[-400:]}")

    def fuzz(self, program, target, seed, cap, mutator, folder):
        """One run from nothing.

        verdict ("": survived), runs, seconds, and what was found but does not count (odd).
        """
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        stats = f"{folder}/stats"
        with open(stats, "wb") as file:
            file.write(bytes(64))
        env = self.environment(mutator)
        env["GOMAP_STATS"] = stats
        command, env = self.prepare(program, target, seed, mutator, folder, env)
        wall = time.monotonic()
        with open(f"{folder}/log", "wb") as log:
            _, seconds = run(command, cap, lambda: self.hung(folder), stdout=log, stderr=log, cwd=folder, env=env,
                             preexec_fn=limits)
        wall = time.monotonic() - wall
        runs = struct.unpack("=Q", read(stats)[:8])[0]
        row = {"verdict": "", "runs": runs, "seconds": round(seconds, 2), "wall": round(wall, 1), "cap": cap}
        path = self.found(folder) or self.stopped_early(folder)
        if path:
            row["runs"] += 1  # the last one has not come to its end
            said = self.verdict(program, path)
            unbroken = self.verdict(self.program(target), path)
            if said and not unbroken:
                row["verdict"] = said
                shutil.copy(path, f"{folder}.killed")
            else:
                row["odd"] = f"alone: {said or 'clean'}; the unbroken port: {unbroken or 'clean'}"
        elif seconds < cap * 0.9:
            row["odd"] = read(f"{folder}/log").decode(errors="replace")[-400:]
        if "odd" not in row:
            shutil.rmtree(folder)
        return row

    def stopped_early(self, _folder):
        return None

    def under_way(self, folder):
        """The input that the program was at, as a file of its own; None: it was at none."""
        data = input_under_way(f"{folder}/stats")
        if data is None:
            return None
        path = f"{folder}/under-way"
        with open(path, "wb") as file:
            file.write(data)
        return path


class LibFuzzer(Engine):
    name, preset, also, needs = "libfuzzer", "libfuzzer-none", [], ("clang-19",)
    faster = " -fuse-ld=lld" if shutil.which("ld.lld") else ""  # to link; AFL++ uses it anyway
    plainly = [f"-handle_{s}=0" for s in ("segv", "bus", "abrt", "ill", "fpe")]
    given = {}

    def prepare(self, program, _target, seed, mutator, folder, env):
        # Without a mutator of ops it begins with short inputs; with one it does not by itself.
        return [program, f"-seed={seed}", f"-max_len={MAX_LEN}", f"-timeout={HANG}", f"-rss_limit_mb={MEMORY_MB}",
                f"-artifact_prefix={folder}/found-", "-detect_leaks=0", *([] if mutator else ["-len_control=100"])], env

    def found(self, folder):
        names = [f for f in os.listdir(folder) if re.match(r"found-(crash|timeout|oom)-", f) and not f.endswith(".log")]
        return f"{folder}/{names[0]}" if names else None

    def failing(self, folder):
        return re.search(rb"^ALARM: working on|^==\d+== ?ERROR: libFuzzer: ", read(f"{folder}/log"), re.M) is not None

    def hung(self, folder):
        """What it does about a signal allocates, and so waits for ever where that met the port in malloc."""
        return time.time() - os.stat(f"{folder}/log").st_mtime >= SETTLED and self.failing(folder)

    def stopped_early(self, folder):
        return self.under_way(folder) if self.failing(folder) else None


class Afl(Engine):
    name, preset, also, needs = "aflpp", "aflpp-none", ["mutator"], ("afl-clang-fast", "afl-fuzz")
    faster = ""
    plainly = []
    given = {"GOMAP_BUDGET": str(AFL_BUDGET)}

    def prepare(self, program, target, seed, mutator, folder, env):
        os.makedirs(f"{folder}/in")
        with open(f"{folder}/in/nothing", "wb") as file:
            file.write(bytes(1))  # it insists on one input: a map without ops
        env.update(AFL_NO_UI="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1", AFL_NO_COLOR="1",
                   AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_HANG_TMOUT=str(1000 * HANG),
                   AFL_BENCH_UNTIL_CRASH="1")
        if mutator:
            env.update(AFL_CUSTOM_MUTATOR_LIBRARY=f"{self.folder}/mutator.so", GOMAP_TARGET=target)
        return ["afl-fuzz", "-i", f"{folder}/in", "-o", f"{folder}/out", "-s", str(seed), "-G", str(MAX_LEN),
                "-t", "1000", "-m", "none", "--", program], env

    def found(self, folder):
        for kind in ("crashes", "hangs"):
            try:
                names = [f for f in os.listdir(f"{folder}/out/default/{kind}") if f.startswith("id:") and not f.endswith(".log")]
            except FileNotFoundError:
                continue
            if names:
                return f"{folder}/out/default/{kind}/{names[0]}"
        return None

    def hung(self, folder):
        """It goes on after a hang, and ends by itself after a crash."""
        path = self.found(folder)
        return path is not None and time.time() - os.stat(path).st_mtime >= SETTLED

    def stopped_early(self, folder):
        """Where the map without ops fails already it does not begin."""
        text = read(f"{folder}/log").decode(errors="replace")
        return f"{folder}/in/nothing" if "PROGRAM ABORT" in text else None


ENGINES = {"libfuzzer": LibFuzzer, "aflpp": Afl}
