# SPDX-License-Identifier: BSD-3-Clause
"""Runs unit tests and corpus over mutants, for ci/mutants: each program is linked
once, with a shared library of the port, and a mutant is one more such library.
"""
import fcntl
import json
import math
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import threading

from bugs_catalogue import digest, read

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = f"{ROOT}/build/mutants"
TIMEOUT = 120  # seconds, of waiting and not of work
MEMORY = 4 << 30


def say(text):
    print(f"ci/mutants: {text}", file=sys.stderr, flush=True)


def trouble(text):
    say(text)
    sys.exit(2)


def output(command, **options):
    """Exit status and text.  A Ctrl-C is not for it: a compiler that it ends would seem to refuse a mutant."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", start_new_session=True, **options)
    return done.returncode, done.stdout


def must(command, what, **options):
    status, text = output(command, **options)
    if status != 0:
        trouble(f"{what}:\n" + "\n".join(text.splitlines()[-15:]))


class Killer:
    """One program with its arguments that may notice a mutant."""

    def __init__(self, stage, name, command, inputs=()):
        self.stage, self.name, self.command = stage, name, command
        self.digest = digest(read(command[0]), *command[1:], *map(read, inputs))
        self.seconds = 0


class Build:
    """One preset: its programs, linked with a library of the port that each mutant replaces."""

    def __init__(self, preset, jobs, asan):
        self.folder, self.home, self.asan = f"{ROOT}/build/{preset}", f"{HOME}/{preset}", asan
        os.makedirs(self.home, exist_ok=True)
        tests = [f"{folder}/tests/{f}" for folder in ("ref", "oracle") for f in sorted(os.listdir(f"{ROOT}/{folder}/tests"))
                 if re.fullmatch(r"test_\w+\.c", f)]
        names = [os.path.basename(t)[:-2] for t in tests]
        must([f"{ROOT}/ci/cmake/build", preset, str(jobs), "replay", "corpus", *names], f"build/{preset} does not build")
        with open(f"{self.folder}/compile_commands.json", encoding="utf-8") as file:
            self.commands = {os.path.relpath(c["file"], ROOT): c for c in json.load(file)}
        self.port = sorted(s for s in self.commands if re.fullmatch(r"ref/\w+\.c", s))
        compiler = shlex.split(self.commands["ref/map.c"]["command"])
        self.linker = [compiler[0], *[a for a in compiler if re.match("-f(no-)?sanitize", a)]]
        self.objects = {}
        for source in self.port:
            self.objects[source] = f"{self.home}/{os.path.basename(source)}.o"
            must(self.compile(source, f"{ROOT}/{source}", self.objects[source]), f"{source} does not compile",
                 cwd=self.folder)
        self.library({}, self.home)
        self.killers = [self.killer("unit", name, [self.program(name, test)]) for name, test in zip(names, tests)]
        replay = self.program("replay", "fuzz/replay.c")
        with open(f"{ROOT}/fuzz/targets.def", encoding="utf-8") as file:
            targets = re.findall(r"^TARGET\((\w+),", file.read(), re.M)
        go = [] if asan else self.go(replay)
        for options in [[]] + [["--judge", "go"]] * bool(go):
            for target in targets:
                folder = f"{self.folder}/corpus/{target}"
                inputs = sorted(f"{folder}/{f}" for f in os.listdir(folder))
                self.killers.append(self.killer("corpus", target + " with go" * bool(options),
                                                [replay, *options, "--target", target, folder],
                                                inputs + (go if options else [])))
        self.unbroken()

    def killer(self, stage, name, command, inputs=()):
        return Killer("asan" if self.asan else stage, f"{stage} {name}" if self.asan else name, command, inputs)

    def go(self, replay):
        """The program that is the judge go, where there is one."""
        status, text = output([replay, "--judges"], cwd=ROOT, env=self.environment(self.home))
        binary = f"{self.folder}/go/gomap-go119"
        if status == 0 and re.search(r"^go \(", text, re.M) and os.path.exists(binary):
            return [binary]
        say("judge go: skipped, no go1.19")
        return []

    def object(self, source):
        command = shlex.split(self.commands[source]["command"])
        return os.path.join(self.commands[source]["directory"], command[command.index("-o") + 1])

    def compile(self, source, path, out, *more):
        """The command that compiles path in place of source, for a library of the port."""
        command = shlex.split(self.commands[source]["command"])
        command[command.index("-o") + 1], command[command.index("-c") + 1] = out, path
        # Most mutants die at once, so that the compiler's time counts.
        return [*command, "-iquote", f"{ROOT}/ref", "-g0", "-O1" if self.asan else "-O0",
                "-fvisibility=default", *more]

    def library(self, changed, folder):
        objects = [changed.get(source, self.objects[source]) for source in self.port]
        must([*self.linker, "-shared", *objects, "-o", f"{folder}/libport.so"], "the port does not link")

    def program(self, name, source):
        out = f"{self.home}/{name}"
        parts = [self.object(source), f"{self.folder}/libfuzzcore.a", f"{self.folder}/liboracle.a"]
        if not os.path.exists(out) or os.path.getmtime(out) < max(map(os.path.getmtime, parts)):
            must([*self.linker, *parts, "-s", "-o", out, "-L", self.home, "-lport", "-pthread"], f"{name} does not link")
        return out

    def environment(self, folder):
        return dict(os.environ, LD_LIBRARY_PATH=folder, ASAN_OPTIONS="hard_rss_limit_mb=2048")

    def unbroken(self):
        """Everything passes on the port as it is; what takes least goes first."""
        os.makedirs(f"{self.home}/unbroken", exist_ok=True)
        for killer in self.killers:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            seen = self.notices(killer, self.home, f"{self.home}/unbroken/log", 60)
            if seen:
                say(f"the unbroken port does not pass, so nothing can be said: {killer.stage}, {killer.name}: {seen}")
                sys.exit(1)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            killer.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        stages = ["unit", "corpus", "asan"]
        self.killers.sort(key=lambda k: (stages.index(k.stage), "with go" in k.name, k.seconds))

    def notices(self, killer, folder, log, seconds):
        """What a program says about the library in folder; nothing when it is content."""
        def limits():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            # Of its own work; the second limit is for what it starts.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds) + 2, math.ceil(seconds) + 2))
            if not self.asan:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

        with open(log, "wb") as out:
            process = subprocess.Popen(killer.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT,
                                       env=self.environment(folder), start_new_session=True, preexec_fn=limits)
            try:
                status = process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                status = -signal.SIGKILL
            if status < 0:  # and what it has started
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
        if status in (-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGKILL):
            return "hang"
        if status < 0:
            return f"crash: {signal.Signals(-status).name}"
        if status == 0:
            return ""
        text = read(log).decode(errors="replace").replace(f"{ROOT}/", "")
        lines = [line for line in text.splitlines() if line.strip()]
        wanted = [line for line in lines if re.search(r"^[a-z0-9.]+: .+: (op #\d+|at the end)$|ERROR: |runtime error", line)]
        return (wanted or lines or [f"exit status {status}"])[0].strip()[:200]


class Run:
    """The mutants of one call, and what is known of them from earlier ones."""

    def __init__(self, jobs):
        self.jobs, self.lock, self.asan_lock = jobs, threading.Lock(), threading.Lock()
        os.makedirs(HOME, exist_ok=True)
        self.alone = open(f"{HOME}/.lock", "w", encoding="ascii")
        try:
            fcntl.flock(self.alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waits for another ci/mutants to end")
            fcntl.flock(self.alone, fcntl.LOCK_EX)
        self.plain, self.asan = Build("gcc", jobs, False), None
        self.optimised, self.local, self.workers = {}, threading.local(), 0
        text = []
        for source in self.plain.port:  # without comments: those change nothing
            command = self.plain.compile(source, f"{ROOT}/{source}", "-")
            command[command.index("-c")] = "-E"
            status, preprocessed = output([*command, "-P"], cwd=self.plain.folder)
            text += [preprocessed] if status == 0 else trouble(f"{source} cannot be preprocessed")
        self.port = digest(*text, *self.plain.compile("ref/map.c", "", ""))
        try:
            with open(f"{HOME}/results.json", encoding="utf-8") as file:
                self.known = json.load(file)
        except (OSError, ValueError):
            self.known = {}

    def save(self):
        with self.lock:
            with open(f"{HOME}/results.new", "w", encoding="utf-8") as file:
                json.dump(self.known, file, indent=0)
            os.replace(f"{HOME}/results.new", f"{HOME}/results.json")

    def scratch(self):
        if not hasattr(self.local, "folder"):
            with self.lock:
                self.workers += 1
                self.local.folder = f"{HOME}/work/{self.workers}"
            os.makedirs(self.local.folder, exist_ok=True)
        return self.local.folder

    def sanitized(self):
        with self.asan_lock:
            if not self.asan:
                say("building with ASan and UBSan, for what has survived")
                self.asan = Build("asan", self.jobs, True)
        return self.asan

    def one(self, mutant):
        """What becomes of a mutant: a row with 'end': refused, same, killed or survived."""
        name = self.name(mutant)
        row = self.known.get(name, {})
        if row.get("end") in ("refused", "same") or row.get("end") == "killed" and self.still(row):
            return row
        row = {"passed": row.get("passed", {})}
        self.attempt(mutant, self.plain, row)
        if "end" not in row and self.same(mutant):
            row["end"] = "same"
        if "end" not in row:
            self.attempt(mutant, self.sanitized(), row)
        row.setdefault("end", "survived")
        with self.lock:
            self.known[name] = row
        return row

    def name(self, mutant):
        return digest(self.port, *map(str, mutant.key()))[:16]

    def still(self, row):
        """Would what has killed it do so again?"""
        build = self.sanitized() if row["stage"] == "asan" else self.plain
        return any((k.stage, k.name, k.digest) == (row["stage"], row["by"], row["digest"]) for k in build.killers)

    def attempt(self, mutant, build, row):
        left = [k for k in build.killers if row["passed"].get(f"{k.stage} {k.name}") != k.digest]
        if not left:
            return
        folder = self.scratch()
        refused, out = self.compiled(mutant, build, folder, "-w" if build.asan else "-Wno-unused")
        if refused:
            row.update(end="refused", said=refused)
            return
        build.library({f"ref/{mutant.file}": out}, folder)
        for killer in left:
            said = build.notices(killer, folder, f"{folder}/log", 0.3 + 10 * killer.seconds)
            if said:
                row.update(end="killed", stage=killer.stage, by=killer.name, digest=killer.digest, said=said)
                return
            row["passed"][f"{killer.stage} {killer.name}"] = killer.digest

    def compiled(self, mutant, build, folder, *more):
        path, out = f"{folder}/{mutant.file}", f"{folder}/{mutant.file}.o"
        with open(path, "w", encoding="latin-1") as file:
            file.write(mutant.apply(self.text(mutant.file)))
        status, text = output(build.compile(f"ref/{mutant.file}", path, out, *more), cwd=build.folder)
        errors = [line for line in text.splitlines() if "error:" in line] or [text]
        return (errors[0].split("error:")[-1].strip() if status else ""), out

    def text(self, name):
        return read(f"{ROOT}/ref/{name}").decode("latin-1")

    def same(self, mutant):
        """Does it compile, with optimisation, to what the port compiles to?"""
        folder, options = self.scratch(), ("-w", "-O2")
        with self.lock:
            if mutant.file not in self.optimised:
                os.makedirs(f"{HOME}/work/unbroken", exist_ok=True)
                path, out = f"{HOME}/work/unbroken/{mutant.file}", f"{HOME}/work/unbroken/{mutant.file}.o"
                shutil.copy(f"{ROOT}/ref/{mutant.file}", path)
                must(self.plain.compile(f"ref/{mutant.file}", path, out, *options), f"{mutant.file} does not compile",
                     cwd=self.plain.folder)
                self.optimised[mutant.file] = read(out)
        refused, out = self.compiled(mutant, self.plain, folder, *options)
        return not refused and read(out) == self.optimised[mutant.file]
