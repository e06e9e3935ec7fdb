# SPDX-License-Identifier: BSD-3-Clause
"""What ci/fuzz and ci/triage share: processes, targets, verdicts, replay, and shrinking an input.

The command itself is fuzz_main.py, the engines are in engines.py.
"""

import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import minimise

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
HOME = os.path.join(BUILD, "fuzz")

ENGINES = ("libfuzzer", "aflpp")
SANITIZERS = ("asan-ubsan", "msan", "none")

MAX_LEN = 4096       # trace_max_bytes of fuzz/ops.h
# Units of work for a trace on AFL++ (fuzz/run.c), where libFuzzer's may take 10000:
# it spends as much on one slow input as on thousands of others, and has to be quick.
AFL_BUDGET = 80
INPUT_TIMEOUT = 10   # seconds for one input: far above the 50 ms that one may take

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
        # It would have every malloc and free unwind the stack by its slow way, which
        # costs more than the map; where a block came from is told by replay.
        more["ASAN_OPTIONS"] = "abort_on_error=1:symbolize=0:detect_leaks=0:malloc_context_size=0"
        more["LSAN_OPTIONS"] = "exitcode=23:symbolize=0:fast_unwind_on_malloc=1"
        more["UBSAN_OPTIONS"] = "abort_on_error=1:symbolize=0:halt_on_error=1"
        env.update(AFL_NO_UI="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1", AFL_NO_COLOR="1",
                   AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_BENCH_UNTIL_CRASH="1",
                   AFL_HANG_TMOUT=str(INPUT_TIMEOUT * 1000), GOMAP_BUDGET=str(AFL_BUDGET))
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


def input_under_way(stats):
    """The input that fuzz/engine.c was at when it last wrote this file of GOMAP_STATS; None: it was at none."""
    with open(stats, "rb") as file:
        data = file.read()
    size = struct.unpack_from("=Q", data, 16)[0]  # + 1
    return data[24:24 + size - 1] if size else None


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
    """The replay binary of one build, for one target.

    go: with the real runtime as one more judge; budget: units of work of a trace, None: as many as it has.
    """

    def __init__(self, preset, target, env, go=False):
        self.binary = os.path.join(BUILD, preset, "replay")
        self.target = target
        self.env = env
        self.go = go
        self.budget = None

    def command(self, *arguments):
        return [self.binary, "--target", self.target, *(["--judge", "go"] if self.go else []),
                *(["--budget", str(self.budget)] if self.budget else []), *arguments]

    def judges(self):
        """Those in use, as replay names them."""
        names = run([self.binary, "--judges"], 60, env=self.env)[1].splitlines()
        return names if self.go else [name for name in names if not name.startswith("go")]

    def verdict(self, path, timeout=INPUT_TIMEOUT):
        """What is wrong with an input (a file or a folder of them): (verdict or "", output)."""
        status, output = run(self.command(path), timeout, env=self.env)
        return ("" if status == 0 else verdict_of(output, status)), output

    def verdict_as_on(self, engine, path):
        """The same for one input; where only the engine's budget makes it fail this replay has it from then on."""
        self.budget = None
        verdict, output = self.verdict(path)
        if not verdict and engine == "aflpp":
            self.budget = AFL_BUDGET
            verdict, output = self.verdict(path)
            if not verdict:
                self.budget = None
        return verdict, output

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
    if replay.budget:  # once its ops are needed, what the budget cut off is gone, as a rule
        budget, replay.budget = replay.budget, None
        if not fails(data):
            replay.budget = budget
    note = "" if whole else "it may be smaller still: minimising ends after %d s" % minimise.SECONDS
    return data, replay.verdict(written(data))[0], note


def save_crash(replay, verdict, data, home=None):
    """Saves a failing input under the name of its verdict, below build/fuzz or home; returns its path."""
    folder = os.path.join(home or HOME, "crashes", replay.target)
    os.makedirs(folder, exist_ok=True)
    saved = os.path.join(folder, "%s-%s" % (rule_of(verdict)[:60], hashlib.sha1(data).hexdigest()[:8]))
    write_whole(saved, data)
    return saved
