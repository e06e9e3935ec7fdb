# SPDX-License-Identifier: BSD-3-Clause
"""libFuzzer and AFL++ as ci/fuzz runs them: one Job is one target on one of them, from its start to its verdict."""

import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import threading
import time

import fuzz
from fuzz import (INPUT_TIMEOUT, MAX_LEN, ROOT, Replay, Stop, Trouble, ended, environment, files_of,
                  input_under_way, keep_input, run, save_crash, send, shrink, start, verdict_of, write_whole)

TOOLS = {"libfuzzer": ("clang-19",), "aflpp": ("afl-clang-fast", "afl-fuzz")}
MEMORY_MB = 2048
GRACE = 60           # seconds that an engine may take beyond its time before it counts as hung


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


class Job:
    """One target on one engine."""

    def __init__(self, options, target, engine, index, run_folder):
        self.options, self.target, self.engine = options, target, engine
        self.sanitizer = options.sanitizer
        self.preset = engine + "-" + self.sanitizer
        self.binary = os.path.join(fuzz.BUILD, self.preset, "fuzz_" + target)
        self.corpus_folder = os.path.join(fuzz.BUILD, self.preset, "corpus", target)
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
        self.runs = self.checked_ops = self.features = self.corpus = self.new = 0
        self.elapsed = 0.0
        self.longest = 0.0
        self.process = None
        self.asked_to_end = None

    def ask_go(self):
        """The real runtime is a judge, too, where it could be built; --go: it has to be."""
        there = os.path.exists(os.path.join(fuzz.BUILD, self.preset, "go", "gomap-go119"))
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
            # However this process ends, the engine ends with it.
            self.process = start(["setpriv", "--pdeathsig", "TERM", *self.command()], stdout=log,
                                 stderr=subprocess.STDOUT, env=self.env, cwd=self.folder)
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
        if not self.verdict or self.verdict == "hung":
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
        elif fuzz.stopped or self.elapsed > self.options.time + GRACE:
            self.asked_to_end = now
            send(self.process, signal.SIGINT)
            if not fuzz.stopped:
                self.verdict = "hung"
                self.report = "%s: still running %d s after its time; log: %s\n" % (
                    self.name(), GRACE, os.path.relpath(self.log))

    def find(self, status):
        """In a thread of its own: what came out of it."""
        try:
            found = self.found()
            if not found and not fuzz.stopped and (status != 0 or self.verdict):
                found = self.under_way()
            if found:
                self.keep(found)
            elif self.verdict:
                pass  # it hung, and nothing tells why
            elif fuzz.stopped:
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

    def under_way(self):
        """The input that was being run when the engine went without a word, if that is why: a file, or None."""
        data = input_under_way(self.stats)
        if data is None:
            return None
        path = os.path.join(self.folder, "under-way")
        write_whole(path, data)
        return path if self.replay.verdict_as_on(self.engine, path)[0] else None

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
        self.verdict = verdict
        self.report = self.describe(save_crash(self.replay, verdict, data), verdict, data, first, note)

    def describe(self, saved, verdict, data, first, note):
        """A failing input that was saved, in words; writes its text beside it."""
        shown = os.path.relpath(saved)
        report = "%s FAILED\n%s\n" % (self.name(), verdict)
        try:
            write_whole(saved + ".txt", self.replay.text("--text", saved).encode())
            again, said = ("", "") if verdict == "timeout" else self.replay.verdict(saved)
            if again:  # what replay says begins with the verdict and ends with how to repeat it
                report = "%s FAILED\n%s" % (self.name(), said.partition("\nto repeat it:")[0])
            else:
                report += self.replay.text("--show", saved)
        except Stop:
            pass
        report = report.rstrip("\n") + "\n\n  saved   %s (%d bytes; the engine's had %d)\n" % (shown, len(data), len(first))
        report += "  text    %s.txt\n" % shown
        binary, *arguments = self.replay.command(shown)
        report += "  repeat  %s\n" % " ".join([os.path.relpath(binary), *arguments])
        return report + (note and "  note    %s\n" % note)

    def examine(self, path, data):
        """A failing input: (verdict, the smallest input with that verdict, a note)."""
        verdict, _ = self.replay.verdict_as_on(self.engine, path)
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
            self.new += event == b"NEW"
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
                if ",orig:" not in path and ",sync:" not in path:
                    keep_input(path, self.work)
                    self.new += 1
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
