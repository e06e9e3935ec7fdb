# SPDX-License-Identifier: BSD-3-Clause
"""ci/fuzz: builds, replays the corpus, then fuzzes each target on each engine.

build/fuzz/work/TARGET/ENGINE-SANITIZER/
                                 inputs that were new to an engine; the next run starts from them
build/fuzz/crashes/TARGET/       minimised failing inputs, named by their verdict, and their text
build/fuzz/run-*/                logs of one run; removed when it found nothing

Exit status: 0 nothing found, 1 a failure found, 2 wrong arguments or it could
not be built, 130 interrupted.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import minimise

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
HOME = os.path.join(BUILD, "fuzz")

ENGINES = ("libfuzzer", "aflpp")
SANITIZERS = ("asan-ubsan", "msan", "none")
TOOLS = {"libfuzzer": ("clang-19",), "aflpp": ("afl-clang-fast", "afl-fuzz")}

MAX_LEN = 4096       # trace_max_bytes of fuzz/ops.h
INPUT_TIMEOUT = 10   # seconds for one input: far above the 50 ms that one may take
MEMORY_MB = 2048
GRACE = 60           # seconds that an engine may take beyond its time before it counts as hung
RATIO_TIME = 5       # seconds, and
RATIO_TURNS = 2      # how often, for AFL++ with a target and with the empty one

SYMBOLIZER = shutil.which("llvm-symbolizer-19") or ""


class Stop(Exception):
    """Ctrl-C or SIGTERM; the argument is the exit status."""


class Trouble(Exception):
    """Why it cannot go on: exit status 2."""


# --- processes ---------------------------------------------------------------

stopped = 0            # exit status asked for by a signal
children = set()       # running subprocesses, each with a process group of its own
children_lock = threading.Lock()


def on_signal(number, _frame):
    global stopped
    if stopped:  # asked twice: at once
        end_all(signal.SIGKILL)
    stopped = 128 + number


def start(command, **options):
    with children_lock:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        children.add(process)
    return process


def ended(process):
    with children_lock:
        children.discard(process)


def send(process, number):
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def end_all(number):
    with children_lock:
        for process in children:
            send(process, number)


def run(command, timeout, stdout=subprocess.PIPE, **options):
    """Runs a command to its end: (exit status, what it printed).  Status None: it took too long."""
    process = start(command, stdout=stdout, stderr=subprocess.STDOUT, **options)
    end = time.monotonic() + timeout
    late = False
    while True:
        try:
            output, _ = process.communicate(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            late = late or time.monotonic() > end
            if late or stopped:
                send(process, signal.SIGKILL)
    ended(process)
    if stopped:
        raise Stop
    return None if late else process.returncode, (output or b"").decode("utf-8", "replace")


def environment(engine, sanitizer):
    env = dict(os.environ)
    more = {"UBSAN_OPTIONS": "print_stacktrace=1"}
    if SYMBOLIZER:
        env.setdefault("ASAN_SYMBOLIZER_PATH", SYMBOLIZER)
        env.setdefault("MSAN_SYMBOLIZER_PATH", SYMBOLIZER)
        env.setdefault("UBSAN_SYMBOLIZER_PATH", SYMBOLIZER)
    if engine == "aflpp":
        # afl-fuzz insists on the first two, and sees a failure by its signal only.
        more["ASAN_OPTIONS"] = "abort_on_error=1:symbolize=0:detect_leaks=0"
        more["UBSAN_OPTIONS"] = "abort_on_error=1:symbolize=0:halt_on_error=1"
        env.update(AFL_NO_UI="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1", AFL_NO_COLOR="1",
                   AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_BENCH_UNTIL_CRASH="1",
                   AFL_HANG_TMOUT=str(INPUT_TIMEOUT * 1000))
    for name, value in more.items():
        # What the caller has set comes last, and so wins.
        env[name] = value + (":" + os.environ[name] if os.environ.get(name) else "")
    return env


# --- targets -----------------------------------------------------------------

def read_targets(path=os.path.join(ROOT, "fuzz", "targets.def")):
    """fuzz/targets.def: ([those that must find nothing], [those that must fail])"""
    with open(path, encoding="utf-8") as file:
        lines = re.findall(r"^(TARGET|NEGATIVE)\(([a-z][a-z0-9_]*), ", file.read(), re.M)
    return ([name for kind, name in lines if kind == "TARGET"],
            [name for kind, name in lines if kind == "NEGATIVE"])


def files_of(folder):
    """The input files of a folder, in a fixed order."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    paths = (os.path.join(folder, name) for name in names if not name.startswith("."))
    return [path for path in paths if os.path.isfile(path)]


def keep_input(path, folder):
    """Copies an input into a folder under the name of its content."""
    with open(path, "rb") as file:
        data = file.read(MAX_LEN)
    to = os.path.join(folder, hashlib.sha1(data).hexdigest())
    if not os.path.exists(to):
        write_whole(to, data)


def write_whole(path, data):
    """Writes a file such that it is there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


# --- verdicts ----------------------------------------------------------------

VERDICTS = (
    re.compile(r"^[a-z][\w ()-]*: .+: (?:op #\d+|at the end)", re.M),   # a judge
    re.compile(r"(?<=^SUMMARY: )\w+Sanitizer: \S+(?: [^\n]* in \w+)?", re.M),
    re.compile(r"(?<=: )runtime error: [^\n]+", re.M),                  # UBSan
    re.compile(r"(?<=^SUMMARY: )libFuzzer: [^\n]+", re.M),
    re.compile(r"^(?:panic|fatal error|throw|fatal): [^\n]+", re.M),    # the port's own words
)


def verdict_of(output, status):
    """The one line that says what went wrong, from what a failing run printed."""
    for pattern in VERDICTS:
        match = pattern.search(output)
        if match:
            return re.sub(r" \S*/([\w.]+(?::\d+)*)", r" \1", match.group(0).strip())
    if status is not None and status < 0:
        return "killed by " + signal.Signals(-status).name
    return "timeout" if status is None else "exit status %d" % status


def rule_of(verdict):
    """A verdict without what changes when its input is minimised."""
    return re.sub(r"\W+", "-", re.sub(r"op #\d+.*|at the end|0x[0-9a-f]+|\b\d+\b", "", verdict)).strip("-").lower()


class Replay:
    """The replay binary of one build, for one target; go: with the real runtime as one more judge."""

    def __init__(self, preset, target, env, go=False):
        self.binary = os.path.join(BUILD, preset, "replay")
        self.target = target
        self.env = env
        self.go = go

    def command(self, *arguments):
        return [self.binary, "--target", self.target, *(["--judge", "go"] if self.go else []), *arguments]

    def judges(self):
        """Those in use, as replay names them."""
        names = run([self.binary, "--judges"], 60, env=self.env)[1].splitlines()
        return names if self.go else [name for name in names if not name.startswith("go")]

    def verdict(self, path, timeout=INPUT_TIMEOUT):
        """What is wrong with an input (a file or a folder of them): (verdict or "", output)."""
        status, output = run(self.command(path), timeout, env=self.env)
        return ("" if status == 0 else verdict_of(output, status)), output

    def text(self, mode, path):
        return run(self.command(mode, path), INPUT_TIMEOUT, env=self.env)[1]


def shrink(replay, data, verdict, folder):
    """The smallest input with that verdict: (its bytes, its own verdict, a note if there was no time for all)."""
    trial = os.path.join(folder, "trial")
    rule = rule_of(verdict)

    def written(content):
        path = trial + (".txt" if isinstance(content, str) else "")
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    def fails(content):
        return rule_of(replay.verdict(written(content))[0]) == rule

    def encode(text):
        if run([replay.binary, "--compile", written(text), trial], INPUT_TIMEOUT, env=replay.env)[0] != 0:
            return None
        with open(trial, "rb") as file:
            return file.read()

    data, whole = minimise.minimise(data, replay.text("--text", written(data)), fails, encode)
    # Bytes say one thing in many ways, and what a target does not allow is bent: the text says what was run.
    plain = encode(replay.text("--text", written(data)))
    if plain is not None and fails(plain):
        data = plain
    note = "" if whole else "it may be smaller still: minimising ends after %d s" % minimise.SECONDS
    return data, replay.verdict(written(data))[0], note


def save_crash(replay, verdict, data):
    """Saves a failing input under the name of its verdict; returns its path."""
    folder = os.path.join(HOME, "crashes", replay.target)
    os.makedirs(folder, exist_ok=True)
    saved = os.path.join(folder, "%s-%s" % (rule_of(verdict)[:60], hashlib.sha1(data).hexdigest()[:8]))
    write_whole(saved, data)
    return saved


# --- jobs --------------------------------------------------------------------

class Job:
    """One target on one engine."""

    def __init__(self, options, target, engine, index, run_folder):
        self.options, self.target, self.engine = options, target, engine
        self.sanitizer = options.sanitizer
        self.preset = engine + "-" + self.sanitizer
        self.binary = os.path.join(BUILD, self.preset, "fuzz_" + target)
        self.corpus_folder = os.path.join(BUILD, self.preset, "corpus", target)
        self.negative = target in options.negatives
        self.env = environment(engine, self.sanitizer)
        self.replay = Replay(self.preset, target, environment("replay", self.sanitizer))
        self.seed = None if options.seed is None else (options.seed + index) % 2**32
        self.folder = os.path.join(run_folder, target + "-" + engine)
        self.log = os.path.join(self.folder, "log")
        self.stats = os.path.join(self.folder, "stats")
        # A target that must fail starts from nothing: the engine has to find it.
        self.work = os.path.join(self.folder if self.negative else options.work, target, self.preset)
        self.state = "waiting"       # waiting, running, finding, done
        self.verdict = ""
        self.report = ""
        self.judges = []
        self.runs = self.checked_ops = self.features = self.corpus = 0
        self.elapsed = 0.0
        self.longest = 0.0
        self.process = None
        self.asked_to_end = None

    def ask_go(self):
        """The real runtime is a judge, too, where it could be built; --go: it has to be."""
        there = os.path.exists(os.path.join(BUILD, self.preset, "go", "gomap-go119"))
        if self.options.go and not there:
            raise Trouble("--go: there is no go1.19 here; ci/setup installs it (golang-1.19-go)")
        self.replay.go = there and self.options.go is not False
        if self.replay.go:
            self.env["GOMAP_JUDGE"] = "go"

    def reserve(self):
        """Keeps others out of the work folder: engines delete inputs there when they find smaller ones."""
        os.makedirs(self.work, exist_ok=True)
        self.lock = open(self.work + ".lock", "wb")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.lock.close()
            raise Trouble("%s is in use by another ci/fuzz; wait for it, or give --work FOLDER"
                          % os.path.relpath(self.work)) from None

    def begin(self):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.stats, "wb") as file:
            file.write(bytes(64))
        self.env["GOMAP_STATS"] = self.stats
        self.env["GOMAP_MUTATOR"] = "on" if self.options.mutator else "off"
        self.prepare()
        with open(self.log, "wb") as log:
            self.process = start(self.command(), stdout=log, stderr=subprocess.STDOUT, env=self.env,
                                 cwd=self.folder)
        self.started = self.last_new = time.monotonic()
        self.state = "running"

    def poll(self):
        if self.state == "finding":
            if not self.finder.is_alive():
                self.state = "done"
            return
        now = time.monotonic()
        status = self.process.poll()
        self.elapsed = now - self.started
        with open(self.stats, "rb") as file:
            self.runs, self.checked_ops = struct.unpack("=2Q", file.read(16))
        if self.progress():
            self.last_new = now
        self.longest = max(self.longest, now - self.last_new)
        if status is None:
            self.watch(now)
            return
        ended(self.process)
        self.progress()
        if not self.verdict:
            self.finder = threading.Thread(target=self.find, args=(status,), daemon=True)
            self.finder.start()
            self.state = "finding"
        else:
            self.state = "done"

    def watch(self, now):
        """Ends an engine that does not end by itself."""
        if self.asked_to_end:
            if now > self.asked_to_end + 5:
                send(self.process, signal.SIGKILL)
        elif stopped or self.elapsed > self.options.time + GRACE:
            self.asked_to_end = now
            send(self.process, signal.SIGINT)
            if not stopped:
                self.verdict = "hung"
                self.report = "%s: still running %d s after its time; log: %s\n" % (
                    self.name(), GRACE, os.path.relpath(self.log))

    def find(self, status):
        """In a thread of its own: what came out of it."""
        try:
            found = self.found()
            if found:
                self.keep(found)
            elif stopped:
                self.verdict = "ok" if self.runs else "not run"
            elif status != 0:
                self.fail("engine: exit status %d" % status)
            elif not self.runs:
                self.fail("engine: ran nothing")
            elif not self.checked_ops:
                self.fail("engine: checked nothing")
            elif not self.features:
                self.fail("engine: sees no coverage")
            else:
                self.verdict = "ok"
        except Stop:
            self.verdict = self.verdict or "interrupted"
        except Exception as problem:  # a thread must not die in silence
            self.fail("ci/fuzz: %s: %s" % (type(problem).__name__, problem))

    def fail(self, verdict):
        self.verdict = verdict
        with open(self.log, "rb") as file:
            tail = file.read()[-2000:].decode("utf-8", "replace")
        self.report = "%s: %s; the end of %s:\n%s\n" % (self.name(), verdict, os.path.relpath(self.log), tail)

    def keep(self, path):
        """A failing input: minimise it, save it, and say how to see it again."""
        with open(path, "rb") as file:
            first = file.read()
        try:
            verdict, data, note = self.examine(path, first)
        except Stop:
            verdict, data, note = self.logged_verdict(), first, "interrupted before it was minimised"
        saved = save_crash(self.replay, verdict, data)
        shown = os.path.relpath(saved)
        self.verdict = verdict
        self.report = "%s FAILED\n%s\n" % (self.name(), verdict)
        try:
            write_whole(saved + ".txt", self.replay.text("--text", saved).encode())
            again, said = ("", "") if verdict == "timeout" else self.replay.verdict(saved)
            if again:  # what replay says begins with the verdict and ends with how to repeat it
                self.report = "%s FAILED\n%s" % (self.name(), said.partition("\nto repeat it:")[0])
            else:
                self.report += self.replay.text("--show", saved)
        except Stop:
            pass
        self.report = self.report.rstrip("\n") + "\n\n  saved   %s (%d bytes; the engine's had %d)\n" % (shown, len(data), len(first))
        self.report += "  text    %s.txt\n" % shown
        self.report += "  repeat  %s\n" % " ".join(
            [os.path.relpath(self.replay.binary), "--target", self.target, shown])
        self.report += note and "  note    %s\n" % note

    def examine(self, path, data):
        """A failing input: (verdict, the smallest input with that verdict, a note)."""
        verdict, _ = self.replay.verdict(path)
        if not verdict:
            return self.logged_verdict(), data, "replay alone does not fail on it; log: " + os.path.relpath(self.log)
        if verdict == "timeout":
            return verdict, data, "an input that takes longer than %d s is not minimised" % INPUT_TIMEOUT
        data, verdict, note = shrink(self.replay, data, verdict, self.folder)
        return verdict, data, note

    def logged_verdict(self):
        with open(self.log, "rb") as file:
            return verdict_of(file.read().decode("utf-8", "replace"), 1)

    def name(self):
        return "%s on %s" % (self.target, self.engine)

    def row(self):
        rate = (lambda n: round(n / self.elapsed)) if self.elapsed else (lambda n: 0)
        return {"target": self.target, "engine": self.engine, "sanitizer": self.sanitizer,
                "runs": self.runs, "runs_per_s": rate(self.runs),
                "checked_ops": self.checked_ops, "checked_ops_per_s": rate(self.checked_ops),
                "features": self.features, "corpus": self.corpus, "judges": self.judges,
                "verdict": self.verdict or "not run"}


class LibFuzzer(Job):
    LINE = re.compile(rb"^#\d+\s+(\w+)\s+cov: \d+ ft: (\d+) corp: (\d+)", re.M)

    def prepare(self):
        self.artifacts = os.path.join(self.folder, "artifacts")
        os.makedirs(self.artifacts)
        self.read = 0

    def command(self):
        return [self.binary, self.work, *([] if self.negative else [self.corpus_folder]),
                "-max_len=%d" % MAX_LEN, "-timeout=%d" % INPUT_TIMEOUT, "-rss_limit_mb=%d" % MEMORY_MB,
                "-max_total_time=%d" % self.options.time, "-artifact_prefix=%s/" % self.artifacts,
                # Without a mutator of ops it begins with short inputs; with one it does not by itself.
                *([] if self.options.mutator else ["-len_control=100"]),
                *([] if self.seed is None else ["-seed=%d" % (self.seed or 1)])]

    def progress(self):
        """Reads the log's new lines; tells whether an input was new."""
        with open(self.log, "rb") as file:
            file.seek(self.read)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self.read += len(text)
        new = False
        for event, features, corpus in self.LINE.findall(text):
            self.features, self.corpus = int(features), int(corpus)
            new = new or event in (b"NEW", b"INITED")
        return new

    def found(self):
        names = [path for path in files_of(self.artifacts) if not os.path.basename(path).startswith("slow-unit-")]
        return names[0] if names else None


class Afl(Job):
    def prepare(self):
        self.inputs = os.path.join(self.folder, "in")
        self.out = os.path.join(self.folder, "out", "default")
        self.kept = set()
        os.makedirs(self.inputs)
        if self.options.mutator:
            self.env["AFL_CUSTOM_MUTATOR_LIBRARY"] = os.path.join(os.path.dirname(self.binary), "mutator.so")
            self.env["GOMAP_TARGET"] = self.target
        for path in [] if self.negative else files_of(self.corpus_folder) + files_of(self.work):
            if os.path.getsize(path):
                keep_input(path, self.inputs)
        if not files_of(self.inputs):
            with open(os.path.join(self.inputs, "plain"), "wb") as file:
                file.write(bytes(16))

    def command(self):
        return ["afl-fuzz", "-i", self.inputs, "-o", os.path.dirname(self.out), "-V", "%d" % self.options.time,
                "-G", str(MAX_LEN), "-t", "1000", "-m", "none",
                *([] if self.seed is None else ["-s", str(self.seed)]), "--", self.binary]

    def progress(self):
        """Takes new inputs over into the work folder; tells whether there were any."""
        queue = files_of(os.path.join(self.out, "queue"))
        self.corpus = len(queue)
        new = False
        for path in queue:
            if path not in self.kept:
                self.kept.add(path)
                if ",orig:" not in path:
                    keep_input(path, self.work)
                    new = True
        for name, pattern in (("plot_data", rb"(\d+)\s*$"), ("fuzzer_stats", rb"(?m)^edges_found\s*: (\d+)")):
            try:
                with open(os.path.join(self.out, name), "rb") as file:
                    match = re.search(pattern, file.read()[-4000:])
            except FileNotFoundError:
                continue
            if match:
                self.features = max(self.features, int(match.group(1)))
        return new

    def found(self):
        for kind in ("crashes", "hangs"):
            names = [path for path in files_of(os.path.join(self.out, kind)) if "README" not in path]
            if names:
                return names[0]
        return None


# --- the table ---------------------------------------------------------------

COLUMNS = (("target", 17), ("engine", -9), ("runs", 11), ("runs/s", 7), ("checked op/s", 12),
           ("features", 8), ("corpus", 6), ("no new", 6), ("verdict", -14))
WIDTH = 100


def number(n, width):
    """As plain as it fits."""
    for shown in ("{:,}".format(n), str(n), "%.1fM" % (n / 1e6), "%.1fG" % (n / 1e9)):
        if len(shown) <= width:
            return shown
    return "%.0e" % n


def duration(seconds):
    seconds = int(seconds)
    if seconds < 60:
        return "%ds" % seconds
    if seconds < 3600:
        return "%dm%02ds" % divmod(seconds, 60)
    return "%dh%02dm" % (seconds // 3600, seconds // 60 % 60)


def line(cells):
    shown = []
    for (_, width), cell in zip(COLUMNS, cells):
        shown.append(cell.ljust(-width) if width < 0 else cell.rjust(width))
    shown[0] = cells[0].ljust(COLUMNS[0][1])
    return " ".join(shown).rstrip()


def table_lines(jobs, cut=True):
    lines = [line([name for name, _ in COLUMNS])]
    for job in jobs:
        row = job.row()
        widths = [abs(width) for _, width in COLUMNS]
        state = {"running": duration(job.elapsed), "finding": "looking ...", "waiting": ""}
        verdict = job.verdict if job.state == "done" else state[job.state]
        if cut and len(verdict) > widths[8]:
            verdict = verdict[:widths[8] - 3] + "..."
        numbers = [row["runs"], row["runs_per_s"], row["checked_ops_per_s"], row["features"], row["corpus"]]
        if not row["runs"]:
            cells = ["-"] * 6
        else:
            cells = [number(n, width) for n, width in zip(numbers, widths[2:])] + [duration(job.longest)]
        lines.append(line([job.target, job.engine] + cells + [verdict]))
    return lines


def judges_line(jobs):
    used = list(dict.fromkeys(name for job in jobs for name in job.judges))
    if used and not any(name.startswith("go") for name in used):
        used.append("without the real go1.19")
    return "judges: " + ", ".join(used or ["none"])


class Screen:
    """A table that is drawn over itself on a terminal, and lines elsewhere."""

    def __init__(self, options, out=sys.stdout):
        self.out, self.options = out, options
        self.live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.drawn = 0
        self.spoken = time.monotonic()

    def erase(self):
        if self.drawn:
            self.out.write("\x1b[%dA\x1b[J" % self.drawn)
            self.drawn = 0

    def say(self, text):
        self.erase()
        self.out.write(text.rstrip("\n") + "\n")
        self.out.flush()

    def draw(self, jobs):
        if not self.live:
            if time.monotonic() - self.spoken >= 60:
                self.spoken = time.monotonic()
                self.say("\n".join(table_lines([job for job in jobs if job.state == "running"])))
            return
        columns, rows = shutil.get_terminal_size()
        lines = table_lines(jobs)
        if len(lines) > rows - 2:  # what is going on matters most
            order = {"running": 0, "finding": 0, "done": 1, "waiting": 2}
            shown = sorted(jobs, key=lambda job: order[job.state])[:max(1, rows - 3)]
            lines = table_lines([job for job in jobs if job in shown])
        done = sum(job.state == "done" for job in jobs)
        lines.append("%d of %d done, %s each, %d at a time; Ctrl-C ends it" % (
            done, len(jobs), duration(self.options.time), self.options.jobs))
        self.erase()
        self.out.write("".join(text[:columns - 1] + "\n" for text in lines))
        self.out.flush()
        self.drawn = len(lines)


# --- the command -------------------------------------------------------------

def parse_time(text):
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h|d)?", text)
    seconds = round(float(match.group(1)) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match.group(2) or "s"]) if match else 0
    if not 1 <= seconds <= 10**8:
        raise argparse.ArgumentTypeError("a time is like 30s, 5m or 8h, not '%s'" % text)
    return seconds


def parse_number(low, high):
    def parse(text):
        if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError("a number from %d to %d is needed, not '%s'" % (low, high, text))
        return int(text)
    return parse


def parse_arguments(arguments):
    targets, negatives = read_targets()
    parser = argparse.ArgumentParser(
        prog="ci/fuzz", allow_abbrev=False,
        description="Builds, replays the corpus, then fuzzes each target on each engine.",
        epilog="Targets: %s.  And one that must fail: %s.  Exit status: 0 nothing found, 1 a failure found, "
               "2 wrong arguments or it could not be built, 130 interrupted."
               % (", ".join(targets), ", ".join(negatives)))
    parser.add_argument("--target", nargs="+", action="extend", metavar="T", help="default: all but the one that must fail")
    parser.add_argument("--engine", nargs="+", action="extend", metavar="E", choices=ENGINES,
                        help="libfuzzer, aflpp; default: both")
    parser.add_argument("--time", type=parse_time, default=60, help="for each target on each engine: 30s, 5m, 8h; default: 60s")
    parser.add_argument("--jobs", type=parse_number(1, 1024), metavar="N", default=len(os.sched_getaffinity(0)),
                        help="how many at once; default: the number of cores")
    parser.add_argument("--sanitizer", choices=SANITIZERS, default="asan-ubsan", help="default: asan-ubsan")
    parser.add_argument("--go", action=argparse.BooleanOptionalAction,
                        help="the real go1.19 runtime as one more judge of traces in exact mode; default: where it is")
    parser.add_argument("--mutator", action=argparse.BooleanOptionalAction, default=True,
                        help="mutate ops as well as bytes (fuzz/mutator.h); --no-mutator: bytes alone")
    parser.add_argument("--json", metavar="FILE", help="write the final table there")
    parser.add_argument("--seed", type=parse_number(0, 2**32 - 1), metavar="N", help="of the engines' randomness; default: different each time")
    parser.add_argument("--ratio", action=argparse.BooleanOptionalAction, default=True,
                        help="afterwards, replay libFuzzer's inputs with and without the sanitizer, and compare ops/s; "
                             "and compare AFL++'s runs/s with those of an empty target")
    parser.add_argument("--work", metavar="FOLDER", default=os.path.join(HOME, "work"),
                        help="where new inputs go and come from; default: build/fuzz/work")
    options = parser.parse_args(arguments)
    options.negatives = negatives
    for target in options.target or []:
        if target not in targets + negatives:
            parser.error("no target '%s'; there are: %s" % (target, " ".join(targets + negatives)))
    options.target = list(dict.fromkeys(options.target or targets))
    options.asked = list(dict.fromkeys(options.engine or []))
    options.engine = options.asked or list(ENGINES)
    if options.sanitizer == "msan" and "aflpp" in options.engine:
        if options.asked:
            parser.error("MSan works with --engine libfuzzer only")
        options.engine = ["libfuzzer"]
    options.work = os.path.abspath(options.work)
    if options.json:
        folder = os.path.dirname(os.path.abspath(options.json))
        if os.path.isdir(options.json) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            parser.error("--json: cannot write %s" % options.json)
    return options


def build(options, screen, run_folder):
    """Builds what is needed; returns the engines that there are."""
    if subprocess.run([os.path.join(ROOT, "ci", "setup")], stdout=subprocess.DEVNULL).returncode:
        raise Trouble("ci/setup failed")
    for tool in ("cmake", "ninja", "clang-19"):
        if not shutil.which(tool):
            raise Trouble("%s is missing; ci/setup installs it" % tool)
    present = []
    for engine in options.engine:
        missing = [tool for tool in TOOLS[engine] if not shutil.which(tool)]
        if missing and engine in options.asked:
            raise Trouble("%s needs %s, which is missing; ci/setup installs it" % (engine, missing[0]))
        if missing:
            screen.say("%s is SKIPPED: no %s" % (engine, missing[0]))
            continue
        preset = engine + "-" + options.sanitizer
        screen.say("building %s" % preset)
        log = os.path.join(run_folder, "build-%s.log" % engine)
        with open(log, "wb") as file:
            status, _ = run([os.path.join(ROOT, "ci", "cmake", "build"), preset, str(options.jobs)], 1800, stdout=file)
        if status != 0:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise Trouble("%s does not build:\n%s" % (preset, file.read()))
        present.append(engine)
    return present


def ratios(options, jobs, screen, run_folder):
    """What the sanitizer costs: the same inputs, the same replay, the same judges, with it and plain -O2."""
    jobs = [job for job in jobs if job.engine == "libfuzzer" and job.verdict == "ok"]
    if not jobs or options.sanitizer == "none":
        return
    plain = "libfuzzer-none"
    log = os.path.join(run_folder, "build-plain.log")
    with open(log, "wb") as file:
        if run([os.path.join(ROOT, "ci", "cmake", "build"), plain, str(options.jobs)], 1800, stdout=file)[0] != 0:
            raise Trouble("%s does not build; see %s" % (plain, os.path.relpath(log)))
    for job in jobs:
        rates = []
        for preset in (job.preset, plain):
            replay = Replay(preset, job.target, job.replay.env)
            _, output = run(replay.command("--repeat", "5", job.work), 300, env=replay.env)
            match = re.search(r" ([0-9]+) ops/s$", output, re.M)
            if not match:
                raise Trouble("%s: replay tells no ops/s:\n%s" % (job.target, output))
            rates.append(int(match.group(1)))
        screen.say("%s: its %d inputs replayed: %s checked op/s with %s, %s at plain -O2; ratio %.2f" % (
            job.target, len(files_of(job.work)), "{:,}".format(rates[0]), options.sanitizer,
            "{:,}".format(rates[1]), rates[0] / rates[1]))


def afl_rate(job, binary, folder):
    """Runs/s of afl-fuzz alone with its seeds, over a few seconds; mutating bytes alone."""
    shutil.rmtree(folder, ignore_errors=True)
    env = {name: value for name, value in job.env.items() if name != "AFL_CUSTOM_MUTATOR_LIBRARY"}
    status, output = run(["afl-fuzz", "-i", job.inputs, "-o", folder, "-V", str(RATIO_TIME), "-G", str(MAX_LEN),
                          "-t", "1000", "-m", "none", "--", binary], RATIO_TIME + GRACE, env=env)
    try:
        with open(os.path.join(folder, "default", "fuzzer_stats"), encoding="utf-8") as file:
            stats = dict(re.findall(r"(\w+)\s*: (\S+)", file.read()))
        return int(stats["execs_done"]) / int(stats["run_time"])
    except (OSError, KeyError, ZeroDivisionError):
        raise Trouble("afl-fuzz -- %s: exit status %s, and no figures:\n%s" % (binary, status, output)) from None


def ratios_to_empty(jobs, screen):
    """What is left of AFL++'s speed: its runs/s with each target and with the empty one, in turns."""
    for job in jobs:
        if job.engine != "aflpp" or job.verdict != "ok":
            continue
        empty = os.path.join(os.path.dirname(job.binary), "empty")
        rates = [[afl_rate(job, binary, os.path.join(job.folder, "rate")) for binary in (empty, job.binary)]
                 for _ in range(RATIO_TURNS)]
        of_empty, of_target = (sum(column) / RATIO_TURNS for column in zip(*rates))
        screen.say("%s: %s runs/s alone with AFL++ and %s, an empty target %s; ratio %.2f" % (
            job.target, "{:,.0f}".format(of_target), job.sanitizer, "{:,.0f}".format(of_empty),
            of_target / of_empty))


def replay_corpus(options, jobs, screen):
    """Replays what is known before looking for what is not; a job whose input fails is done."""
    screen.say("replaying the corpus")
    for job in jobs:
        if job.negative or job.state == "done":
            continue
        for folder in (job.corpus_folder, job.work):
            files = files_of(folder)
            if not files:
                continue
            verdict, output = job.replay.verdict(folder, timeout=60 + len(files))
            if verdict:
                job.state, job.verdict = "done", verdict
                path = next((path for path in files if job.replay.verdict(path)[0]), folder)
                job.report = "%s: replay of %s: %s\n%s\n" % (
                    job.name(), os.path.relpath(path), verdict, output[-8000:].rstrip("\n"))
                screen.say(job.report)
                break


def fuzz(options, jobs, screen):
    waiting = [job for job in jobs if job.state == "waiting"]
    active = []
    while active or (waiting and not stopped):
        while waiting and len(active) < options.jobs and not stopped:
            job = waiting.pop(0)
            job.begin()
            active.append(job)
            if not screen.live:
                screen.say("%s: started" % job.name())
        for job in list(active):
            job.poll()
            if job.state == "done":
                active.remove(job)
                if job.report:
                    screen.say(job.report)
                elif not screen.live:
                    screen.say("%s: %s after %s" % (job.name(), job.verdict, duration(job.elapsed)))
        screen.draw(jobs)
        time.sleep(0.2)


def main(arguments):
    options = parse_arguments(arguments)
    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    os.makedirs(HOME, exist_ok=True)
    run_folder = tempfile.mkdtemp(prefix="run-", dir=HOME)
    screen = Screen(options)
    kinds = {"libfuzzer": LibFuzzer, "aflpp": Afl}
    jobs = []
    found = False
    try:
        try:
            present = build(options, screen, run_folder)
            for target in options.target:
                for engine in options.engine:
                    job = kinds[engine](options, target, engine, len(jobs), run_folder)
                    if engine not in present:
                        job.state, job.verdict = "done", "skipped: no " + TOOLS[engine][0]
                    else:
                        job.ask_go()
                        job.judges = job.replay.judges()
                        job.reserve()
                    jobs.append(job)
            replay_corpus(options, jobs, screen)
            fuzz(options, jobs, screen)
        except Stop:
            pass
        except Trouble as trouble:
            print("ci/fuzz: %s" % trouble, file=sys.stderr)
            return 2
        for job in jobs:
            job.state = "done"
            job.verdict = job.verdict or "not run"
        found = any(job.report for job in jobs)
        screen.erase()
        if jobs:
            screen.say(judges_line(jobs))
            screen.say("\n".join(table_lines(jobs, cut=False)))
        if options.json and jobs:
            try:
                write_whole(options.json, (json.dumps([job.row() for job in jobs], indent=1) + "\n").encode())
            except OSError as problem:
                print("ci/fuzz: --json: %s" % problem, file=sys.stderr)
                return 2
        if options.ratio and not stopped:
            try:
                ratios(options, jobs, screen, run_folder)
                ratios_to_empty(jobs, screen)
            except Stop:
                pass
            except Trouble as trouble:
                print("ci/fuzz: %s" % trouble, file=sys.stderr)
                return 2
        return stopped or (1 if found else 0)
    finally:
        end_all(signal.SIGKILL)
        if not found:
            shutil.rmtree(run_folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
