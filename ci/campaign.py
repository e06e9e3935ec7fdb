# SPDX-License-Identifier: BSD-3-Clause
"""ci/fuzz --campaign DIR: a long run that can be ended and taken up again, as often as one likes.

DIR/campaign.json         marks the folder as a campaign
DIR/history.jsonl         a line for each slice (one engine on one target) and for each pruning
DIR/corpus/TARGET/        the inputs of both engines
DIR/crashes/TARGET/       failing inputs, minimised: one for each verdict
DIR/report.html           tables and plots, written after each round
DIR/running/              what the engines need while they run

A round is one target: all jobs work on it side by side, for the time of a
slice.  libFuzzer reads and writes corpus/TARGET itself, all the time.  The
instances of AFL++ (one -M, the others -S) begin with what is in it, and what is
new to them is copied into it at once.  With one job the engines take turns.
The target with the fewest rounds is next.

Everything is told by the history: what is not in it has not been done yet.  So
nothing but the figures of the slices under way is lost when it is killed.
"""

import argparse
import collections
import datetime
import fcntl
import json
import os
import re
import shutil
import threading
import time

import campaign_report
import fuzz
from engines import MEMORY_MB, TOOLS, Afl, LibFuzzer, build
from fuzz import INPUT_TIMEOUT, MAX_LEN, Stop, Trouble, environment, files_of, run, save_crash, shrink, write_whole
from fuzz_table import Screen, duration, judges_line

FORMAT = 1
PRUNE_EVERY = 4      # rounds of a target
AFL_OUT = "-aflpp-out"
FAILURES = 3         # slices in which an engine did not run at all: then it never will
CRASHES_READ = 20    # of one slice; the others are only counted as what they are to the engine


def plain(verdict):
    """A verdict without its op number: what makes two crashes the same."""
    return re.sub(r": (op #\d+|at the end)$", "", verdict)


def check_folder(path):
    """What is wrong with DIR, or "": it must not be there yet, be empty, or hold a campaign of this format."""
    if not os.path.lexists(path):
        parent = os.path.dirname(path)
        return "" if os.path.isdir(parent) and os.access(parent, os.W_OK) else "cannot make %s" % path
    if not os.path.isdir(path):
        return "%s is a file; a campaign needs a folder of its own" % path
    if not os.access(path, os.W_OK | os.X_OK):
        return "%s cannot be written to" % path
    mark = os.path.join(path, "campaign.json")
    if not os.path.exists(mark):
        return "%s holds something else; a campaign needs a folder of its own" % path if os.listdir(path) else ""
    try:
        with open(mark, encoding="utf-8") as file:
            made = json.load(file)["gomap campaign"]
    except (OSError, ValueError, KeyError, TypeError):
        return "%s is not a campaign's" % mark
    return "" if made == FORMAT else "%s was made by another version (format %s, this is %d); begin a new one" % (
        path, made, FORMAT)


class History:
    """DIR/history.jsonl, and what follows from it."""

    def __init__(self, path):
        self.path = path
        self.lines = []
        try:
            with open(path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        whole = data[:data.rfind(b"\n") + 1]
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                self.lines.append(json.loads(text))
            except ValueError as problem:
                raise Trouble("%s:%d: %s" % (path, number, problem)) from None
        if len(whole) < len(data):  # killed while it wrote
            os.truncate(path, len(whole))

    def add(self, line):
        line["when"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        with open(self.path, "ab") as file:
            file.write((json.dumps(line) + "\n").encode())
        self.lines.append(line)

    def seconds(self):
        """How long the campaign has run."""
        return max((line["at"] for line in self.lines), default=0)

    def rounds(self, target):
        return max((line["round"] for line in self.lines if line["target"] == target and "engine" in line), default=0)

    def pruned(self, target):
        """The round before which it was pruned last."""
        return max((line["pruned"] for line in self.lines if line["target"] == target and "pruned" in line), default=0)

    def crashes(self):
        """How often each verdict was seen: {(target, verdict): count}."""
        counts = collections.Counter()
        for line in self.lines:
            for verdict, count in line.get("crashes", {}).items():
                counts[line["target"], verdict] += count
        return counts

    def saved(self):
        """The input of each verdict: {(target, verdict): path in DIR}."""
        return {(line["target"], verdict): path for line in self.lines for verdict, path in line.get("saved", {}).items()}


class Slice:
    """What a Job does otherwise in a campaign: it shares its corpus, and no crash ends the whole."""

    def set_up(self, campaign, instance):
        self.campaign, self.instance = campaign, instance
        self.work = campaign.corpus(self.target)
        self.counts = collections.Counter()
        self.saved = {}
        self.ask_go()
        self.judges = self.replay.judges()
        return self

    def find(self, status):
        try:
            paths = self.crashing()
            for path in paths[:CRASHES_READ]:
                self.note(path)
            if len(paths) > CRASHES_READ:
                self.counts["more, not looked at"] += len(paths) - CRASHES_READ
            if not paths and not fuzz.stopped:
                problem = ("engine: exit status %d" % status if status else "engine: ran nothing" if not self.runs else
                           "engine: sees no coverage" if not self.features else "")
                if problem:
                    self.fail(problem)
                    self.counts[problem] += 1
        except Stop:
            pass
        except Exception as problem:  # a thread must not die in silence
            self.fail("ci/fuzz: %s: %s" % (type(problem).__name__, problem))
            self.counts[self.verdict] += 1
        self.verdict = ", ".join(self.counts) or self.verdict or ("ok" if self.runs else "not run")

    def note(self, path):
        """A failing input: counts its verdict, and keeps the first input of each, minimised."""
        with open(path, "rb") as file:
            first = file.read()
        verdict, _ = self.replay.verdict_as_on(self.engine, path)
        again = verdict not in ("", "timeout")
        verdict = verdict or self.logged_verdict()
        known = plain(verdict)
        self.counts[known] += 1
        with self.campaign.lock:  # of two engines that find the same only one minimises it
            self.campaign.drop(self.target, first)
            if (self.target, known) in self.campaign.known:
                return
            data, note = first, "" if again else "it is not minimised: replay alone does not end with this verdict"
            whole = True
            if again:
                try:
                    data, verdict, note = shrink(self.replay, first, verdict, self.folder)
                except Stop:
                    note, whole = "interrupted before it was minimised", False
            saved = save_crash(self.replay, verdict, data, self.campaign.folder)
            if whole:
                self.saved[known] = os.path.relpath(saved, self.campaign.folder)
                self.campaign.known.add((self.target, known))
            self.campaign.say(self.describe(saved, verdict, data, first, note))

    def line(self, number, at):
        """Its line of the history."""
        rate = (lambda n: round(n / self.elapsed)) if self.elapsed else (lambda n: 0)
        return {"round": number, "at": round(at, 1), "seconds": round(self.elapsed, 1), "target": self.target,
                "engine": self.engine, "instance": self.instance, "sanitizer": self.sanitizer,
                "runs": self.runs, "runs_per_s": rate(self.runs), "checked_ops": self.checked_ops,
                "features": self.features, "corpus": len(files_of(self.work)), "new": self.new,
                "crashes": dict(self.counts), "saved": self.saved}


class SliceOfLibFuzzer(Slice, LibFuzzer):
    def crashing(self):
        return [path for path in files_of(self.artifacts) if not os.path.basename(path).startswith("slow-unit-")]


class SliceOfAfl(Slice, Afl):
    def prepare(self):
        super().prepare()
        self.env.pop("AFL_BENCH_UNTIL_CRASH", None)
        self.env["AFL_SYNC_TIME"] = "1"  # minutes between two looks at what the others have found
        self.name_of_instance = "main" if self.instance == 0 else "s%d" % self.instance
        # All instances of a round write below one folder: that is how they find each other.
        self.out = os.path.join(os.path.dirname(self.folder), self.target + AFL_OUT, self.name_of_instance)

    def command(self):
        command = super().command()
        at = command.index("--")
        return command[:at] + ["-S" if self.instance else "-M", self.name_of_instance] + command[at:]

    def crashing(self):
        return [path for kind in ("crashes", "hangs") for path in files_of(os.path.join(self.out, kind))
                if "README" not in path]


class Campaign:
    def __init__(self, options, screen):
        self.options, self.screen = options, screen
        self.folder = options.campaign
        self.lock = threading.RLock()
        self.run_folder = os.path.join(self.folder, "running")
        self.jobs = []

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        self.lock_file = open(os.path.join(self.folder, "lock"), "wb")
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.lock_file.close()
            raise Trouble("%s is in use by another ci/fuzz --campaign" % self.folder) from None
        mark = os.path.join(self.folder, "campaign.json")
        if not os.path.exists(mark):
            write_whole(mark, (json.dumps({"gomap campaign": FORMAT}) + "\n").encode())
        self.history = History(os.path.join(self.folder, "history.jsonl"))
        self.known = set(self.history.saved())
        shutil.rmtree(self.run_folder, ignore_errors=True)
        os.makedirs(self.run_folder)
        for target in self.options.target:
            self.mend(target)
        self.base, self.begun = self.history.seconds(), time.monotonic()
        return self

    def __exit__(self, *_):
        fuzz.end_all(fuzz.signal.SIGKILL)
        self.lock_file.close()

    def say(self, text):
        self.screen.say(text)

    def at(self):
        """Seconds of this campaign so far, those of earlier calls included."""
        return self.base + time.monotonic() - self.begun

    def remaining(self):
        return self.options.time - (time.monotonic() - self.begun)

    # --- the corpus ---

    def corpus(self, target):
        return os.path.join(self.folder, "corpus", target)

    def mend(self, target):
        """Makes the corpus of a target, or takes up what a pruning left that was killed."""
        folder, before = self.corpus(target), self.corpus(target) + ".before"
        if os.path.isdir(before) and not os.path.isdir(folder):
            os.rename(before, folder)
        shutil.rmtree(before, ignore_errors=True)
        os.makedirs(folder, exist_ok=True)

    def drop(self, target, data):
        """A failing input must not stay in the corpus: engines end when they load it."""
        for path in files_of(self.corpus(target)):
            if os.path.getsize(path) == len(data):
                with open(path, "rb") as file:
                    same = file.read() == data
                if same:
                    os.unlink(path)

    def prune(self, target, number):
        """Leaves the fewest inputs that together have all features, and counts what fell."""
        begun = time.monotonic()
        folder, small = self.corpus(target), os.path.join(self.run_folder, "pruned")
        before = len(files_of(folder))
        shutil.rmtree(small, ignore_errors=True)
        os.makedirs(small)
        binary = os.path.join(fuzz.BUILD, "libfuzzer-" + self.options.sanitizer, "fuzz_" + target)
        status, said = run([binary, "-set_cover_merge=1", "-max_len=%d" % MAX_LEN, "-timeout=%d" % INPUT_TIMEOUT,
                            "-rss_limit_mb=%d" % MEMORY_MB, small, folder], 3600, cwd=self.run_folder,
                           env=environment("libfuzzer", self.options.sanitizer))
        after = len(files_of(small))
        if status != 0 or (before and not after):
            self.say("%s: pruning fails, exit status %s, and all %d inputs stay:\n%s" % (target, status, before, said[-2000:]))
            after = before
        else:
            os.rename(folder, folder + ".before")
            os.rename(small, folder)
            shutil.rmtree(folder + ".before")
        self.history.add({"pruned": number, "target": target, "at": round(self.at(), 1),
                          "seconds": round(time.monotonic() - begun, 1), "before": before, "after": after})
        self.say("%s: %d inputs after pruning, %d fell" % (target, after, before - after))

    def replay_all(self, target):
        """Before anything is looked for: does all that is known still pass?  False: its own corpus fails."""
        if target in self.options.negatives:
            return True
        job = self.job(target, "libfuzzer", 0, 1, "replay")
        os.makedirs(job.folder)
        well = True
        for folder in (job.corpus_folder, job.work):
            files = files_of(folder)
            if not files or not job.replay.verdict(folder, timeout=60 + len(files))[0]:
                continue
            for path in files:
                if job.replay.verdict(path)[0]:
                    job.note(path)
                    well = well and folder == job.work
        if job.counts:
            line = job.line(self.history.rounds(target), self.at())
            self.history.add(dict(line, engine="replay"))
        return well

    # --- rounds ---

    def job(self, target, engine, instance, seconds, name):
        kind = {"libfuzzer": SliceOfLibFuzzer, "aflpp": SliceOfAfl}[engine]
        options = argparse.Namespace(**dict(vars(self.options), time=seconds))
        job = kind(options, target, engine, len(self.history.lines) + instance, self.run_folder)
        job.folder = os.path.join(self.run_folder, "%s-%s-%s-%d" % (name, target, engine, instance))
        job.log, job.stats = os.path.join(job.folder, "log"), os.path.join(job.folder, "stats")
        return job.set_up(self, instance)

    def slots(self, target, engines):
        """The engine and the instance of each job of the target's next round."""
        jobs, number = self.options.jobs, self.history.rounds(target) + 1
        if len(engines) == 2 and jobs == 1:
            return [(engines[(number - 1) % 2], 0)]
        share = {engines[0]: jobs} if len(engines) == 1 else {"libfuzzer": jobs - jobs // 2, "aflpp": jobs // 2}
        return [(engine, instance) for engine, count in share.items() for instance in range(count)]

    def round(self, target, engines):
        number = self.history.rounds(target) + 1
        if number > self.history.pruned(target) + PRUNE_EVERY:
            self.prune(target, number - 1)
        seconds = max(1, int(min(self.options.slice, self.remaining())))
        jobs = [self.job(target, engine, instance, seconds, str(number)) for engine, instance in self.slots(target, engines)]
        self.jobs = jobs
        active = []
        for job in jobs:
            job.begin()
            active.append(job)
        while active:
            for job in list(active):
                job.poll()
                if job.state == "done":
                    active.remove(job)
                    self.done(job, number)
            self.screen.draw(jobs, "%s of %s; %d slices; crashes: %d; Ctrl-C ends it" % (
                duration(self.at() - self.base), duration(self.options.time),
                sum("engine" in line for line in self.history.lines), sum(self.history.crashes().values())))
            time.sleep(0.2)
        shutil.rmtree(os.path.join(self.run_folder, target + AFL_OUT), ignore_errors=True)
        for engine in engines:
            last = [line for line in self.history.lines if line.get("engine") == engine][-FAILURES:]
            if len(last) == FAILURES and all(
                    not line["runs"] and any(verdict.startswith("engine: ") for verdict in line["crashes"]) for line in last):
                raise Trouble("%s has not run once in %d slices; see above" % (engine, FAILURES))

    def done(self, job, number):
        if job.verdict == "hung":
            job.counts["engine: hung"] += 1
        if job.report:
            self.say(job.report)
        self.history.add(job.line(number, self.at()))
        if not self.screen.live:
            self.say("%s: %s runs, %d new, %s" % (job.name(), "{:,}".format(job.runs), job.new, job.verdict))
        shutil.rmtree(job.folder, ignore_errors=True)

    def report(self):
        campaign_report.write(os.path.join(self.folder, "report.html"), self.history,
                              {target: len(files_of(self.corpus(target))) for target in sorted(os.listdir(
                                  os.path.join(self.folder, "corpus"))) if "." not in target})

    def run(self, engines):
        if self.history.lines:
            self.say("%s: goes on after %s and %d slices" % (os.path.relpath(self.folder), duration(self.base), sum(
                "engine" in line for line in self.history.lines)))
        self.begun = time.monotonic()  # building does not count
        self.say("replaying the corpus")
        targets = [target for target in self.options.target if self.replay_all(target)]
        for target in self.options.target:
            if target not in targets:
                self.say("%s: its corpus fails already, and it is left out until that is mended" % target)
        while targets and self.remaining() >= 1 and not fuzz.stopped:
            self.round(min(targets, key=self.history.rounds), engines)
            self.report()

    def summary(self):
        lines = [line for line in self.history.lines if "engine" in line]
        self.say("%s: %s, %d slices, %s runs, %d new inputs, %d fell when pruned" % (
            os.path.relpath(self.folder), duration(self.history.seconds()), len(lines),
            "{:,}".format(sum(line["runs"] for line in lines)), sum(line["new"] for line in lines),
            sum(line["before"] - line["after"] for line in self.history.lines if "pruned" in line)))
        saved = self.history.saved()
        for (target, verdict), count in sorted(self.history.crashes().items()):
            self.say("%s: %s: %d times; %s" % (target, verdict, count, saved.get((target, verdict), "no input is kept")))
        self.say("report: %s" % os.path.relpath(os.path.join(self.folder, "report.html")))


def main(options):
    """ci/fuzz --campaign; returns the exit status."""
    screen = Screen(options)
    try:
        return run_in(Campaign(options, screen), options, screen)
    except OSError as problem:  # no room, no rights
        raise Trouble("--campaign: %s" % problem) from None


def run_in(campaign, options, screen):
    with campaign:
        try:
            present = build(options, screen, campaign.run_folder)
            if "libfuzzer" not in present:  # it prunes, whoever fuzzes
                build(argparse.Namespace(**dict(vars(options), engine=["libfuzzer"])), screen, campaign.run_folder)
            if not present:
                raise Trouble("no engine is here; ci/setup installs %s" % " and ".join(TOOLS[options.engine[0]]))
            campaign.run(present)
        except Stop:
            pass
        finally:
            screen.erase()
            for job in campaign.jobs:  # what was under way when a pruning or a signal ended it
                if job.process and job.process.poll() is None:
                    fuzz.send(job.process, fuzz.signal.SIGKILL)
        if campaign.jobs:
            screen.say(judges_line(campaign.jobs))
        campaign.report()
        campaign.summary()
        shutil.rmtree(campaign.run_folder, ignore_errors=True)
        return fuzz.stopped or (1 if campaign.history.crashes() else 0)
