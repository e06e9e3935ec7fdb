# SPDX-License-Identifier: BSD-3-Clause
"""Tests of ci/fuzz --campaign: its folder, its history, its report, and what a kill leaves of it.

The last part runs libFuzzer and AFL++ for some seconds; it wants them built with asan-ubsan, or builds them.
"""

import argparse
import contextlib
import glob
import html.parser
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import campaign
import campaign_report
import engines
import fuzz
import fuzz_main
import fuzz_table

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = fuzz.read_targets()[0][0]
NEGATIVE = fuzz.read_targets()[1][0]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def slice_line(number, target=TARGET, engine="libfuzzer", **more):
    return dict({"round": number, "at": 10.0 * number, "seconds": 9, "target": target, "engine": engine, "instance": 0,
                 "sanitizer": "none", "runs": 900, "runs_per_s": 100, "checked_ops": 9000, "features": 40 + number,
                 "corpus": 5, "new": 2, "crashes": {}, "saved": {}}, **more)


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = os.path.join(scratch.name, "campaign")

    def options(self, *more):
        return fuzz_main.parse_arguments(["--campaign", self.folder, *more])

    def campaign(self, *more):
        options = self.options(*more)
        null = open(os.devnull, "w", encoding="utf-8")
        self.addCleanup(null.close)
        return campaign.Campaign(options, fuzz_table.Screen(options, null))


class Folder(Scratch):
    def test_new_and_empty_ones_will_do(self):
        self.assertEqual(campaign.check_folder(self.folder), "")
        os.makedirs(self.folder)
        self.assertEqual(campaign.check_folder(self.folder), "")

    def test_others_will_not(self):
        self.assertRegex(campaign.check_folder(os.path.join(self.folder, "no", "parent")), "cannot make")
        os.makedirs(self.folder)
        write(os.path.join(self.folder, "thesis.txt"), "")
        self.assertRegex(campaign.check_folder(self.folder), "holds something else")
        self.assertRegex(campaign.check_folder(os.path.join(self.folder, "thesis.txt")), "is a file")
        for text in ("{}", "[]", "{", '{"gomap campaign"}'):
            write(os.path.join(self.folder, "campaign.json"), text)
            self.assertRegex(campaign.check_folder(self.folder), "is not a campaign's", text)
        write(os.path.join(self.folder, "campaign.json"), '{"gomap campaign": 999}')
        self.assertRegex(campaign.check_folder(self.folder), "another version")

    def test_one_at_a_time(self):
        with self.campaign():
            with self.assertRaisesRegex(fuzz.Trouble, "in use"):
                self.campaign().__enter__()
        self.campaign().__enter__().__exit__()

    def test_killed_while_it_pruned(self):
        with self.campaign("--target", TARGET) as one:
            corpus = one.corpus(TARGET)
            write(os.path.join(corpus, "input"), "x")
        os.rename(corpus, corpus + ".before")
        with self.campaign("--target", TARGET):
            self.assertEqual(os.listdir(corpus), ["input"])
            self.assertFalse(os.path.exists(corpus + ".before"))
        os.makedirs(corpus + ".before")
        with self.campaign("--target", TARGET):
            self.assertEqual(os.listdir(os.path.dirname(corpus)), [TARGET])


class Story(Scratch):
    """The history, and what follows from it."""

    def history(self, *lines):
        os.makedirs(self.folder, exist_ok=True)
        made = campaign.History(os.path.join(self.folder, "history.jsonl"))
        for line in lines:
            made.add(line)
        return campaign.History(made.path)

    def test_what_it_tells(self):
        story = self.history(
            slice_line(1), slice_line(1, engine="aflpp", crashes={"check: rule": 2}, saved={"check: rule": "crashes/x"}),
            {"pruned": 1, "target": TARGET, "at": 15.0, "seconds": 1, "before": 9, "after": 4},
            slice_line(2, crashes={"check: rule": 1, "uthash: length": 1}), slice_line(1, target=NEGATIVE))
        self.assertEqual((story.rounds(TARGET), story.rounds(NEGATIVE), story.rounds("other")), (2, 1, 0))
        self.assertEqual((story.pruned(TARGET), story.pruned(NEGATIVE), story.seconds()), (1, 0, 20.0))
        self.assertEqual(story.crashes(), {(TARGET, "check: rule"): 3, (TARGET, "uthash: length"): 1})
        self.assertEqual(story.saved(), {(TARGET, "check: rule"): "crashes/x"})

    def test_line_that_was_not_finished(self):
        path = self.history(slice_line(1)).path
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"round": 2, "tar')
        self.assertEqual(len(campaign.History(path).lines), 1)
        self.assertEqual([line["round"] for line in self.history(slice_line(2)).lines], [1, 2])

    def test_line_that_is_none(self):
        path = self.history(slice_line(1)).path
        with open(path, "a", encoding="utf-8") as file:
            file.write("nonsense\n")
        with self.assertRaisesRegex(fuzz.Trouble, "history.jsonl:2"):
            campaign.History(path)

    def test_same_verdict(self):
        self.assertEqual(campaign.plain("range: missed: op #4"), "range: missed")
        self.assertEqual(campaign.plain("memory: leak: at the end"), "memory: leak")
        self.assertNotEqual(campaign.plain("range: missed: op #4"), campaign.plain("range: twice: op #4"))

    def test_who_gets_the_jobs(self):
        both = ["libfuzzer", "aflpp"]
        with self.campaign("--target", TARGET, "--jobs", "1") as one:
            self.assertEqual(one.slots(TARGET, both), [("libfuzzer", 0)])
            one.history.add(slice_line(1))
            self.assertEqual(one.slots(TARGET, both), [("aflpp", 0)])
            for jobs, share in ((2, "la"), (3, "lla"), (5, "lllaa")):
                one.options.jobs = jobs
                self.assertEqual("".join(engine[0] for engine, _ in one.slots(TARGET, both)), share)
            self.assertEqual(one.slots(TARGET, ["aflpp"]), [("aflpp", n) for n in range(5)])

    def test_roles_of_aflpp(self):
        with self.campaign("--target", TARGET, "--jobs", "4", "--no-go") as one:
            commands = []
            for instance in (0, 1):
                job = one.job(TARGET, "aflpp", instance, 7, "1")
                os.makedirs(job.folder)
                job.prepare()
                commands.append(" ".join(job.command()))
                self.assertNotIn("AFL_BENCH_UNTIL_CRASH", job.env)
            self.assertRegex(commands[0], r" -V 7 .* -M main -- ")
            self.assertRegex(commands[1], r" -V 7 .* -S s1 -- ")
            self.assertEqual(*(command.split(" -o ")[1].split()[0] for command in commands))


class Looker(html.parser.HTMLParser):
    """Are the tags of a report closed in their order?  And what is in it?"""

    VOID = ("meta", "br", "line", "circle", "polyline")

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.words, self.links = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words += data


class Report(Story):
    def report(self, *lines):
        path = os.path.join(self.folder, "report.html")
        campaign_report.write(path, self.history(*lines), {TARGET: 5})
        with open(path, encoding="utf-8") as file:
            text = file.read()
        looked = Looker(text)
        self.assertEqual(looked.open, [])
        self.assertNotIn("://", text)
        return looked

    def test_nothing_yet(self):
        self.assertIn("nothing has run yet", self.report().words)

    def test_plots_and_tables(self):
        looked = self.report(slice_line(1), slice_line(2), slice_line(2, engine="aflpp", runs_per_s=7654),
                             {"pruned": 2, "target": TARGET, "at": 25.0, "seconds": 1, "before": 9, "after": 4},
                             slice_line(3, crashes={"check: <b>&": 3}, saved={"check: <b>&": "crashes/x"}))
        self.assertEqual(looked.seen.count("svg"), 4)
        self.assertEqual((looked.seen.count("polyline"), looked.seen.count("circle")), (5, 2))
        self.assertEqual(looked.links, ["crashes/x"])
        for words in ("check: <b>&", "7,654", "3 crashes, 1 verdicts"):
            self.assertIn(words, looked.words)

    def test_long_campaigns_are_thinned(self):
        points = [(n, n % 2) for n in range(100000)]
        thin = campaign_report.thin(points)
        self.assertLessEqual(len(thin), campaign_report.POINTS)
        self.assertTrue(all(abs(y - 0.5) < 0.01 for _, y in thin[:-1]))
        self.assertEqual(thin[-1][0], 99999)

    def test_axes_end_above_all_values(self):
        for n in (0, 1, 3, 7, 10, 11, 99, 101, 123456):
            top = campaign_report.ceiling(n)
            self.assertTrue(n <= top <= max(2.5 * n, 1), (n, top))


class Running(Scratch):
    """The command itself, with libFuzzer."""

    def start(self, *more):
        process = subprocess.Popen([os.path.join(HERE, "fuzz"), "--campaign", self.folder, "--engine", "libfuzzer", "--jobs",
                                    "1", *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def lines(self):
        return campaign.History(os.path.join(self.folder, "history.jsonl")).lines

    @unittest.skipUnless(shutil.which("afl-fuzz"), "no afl-fuzz")
    def test_both_engines_share(self):
        with self.campaign("--target", TARGET, "--no-go", "--time", "10m", "--slice", "2s", "--jobs", "3") as one:
            self.assertEqual(engines.build(one.options, one.screen, one.run_folder), ["libfuzzer", "aflpp"])
            for _ in range(2):
                one.round(TARGET, ["libfuzzer", "aflpp"])
            lines = one.history.lines
            self.assertEqual(sorted((line["round"], line["engine"], line["instance"]) for line in lines),
                             [(n, *slot) for n in (1, 2) for slot in (("aflpp", 0), ("libfuzzer", 0), ("libfuzzer", 1))])
            self.assertEqual([line["crashes"] for line in lines], [{}] * 6)
            for line in lines:
                self.assertGreater(line["runs"], 0, line)
                self.assertGreater(line["features"], 0, line)
            self.assertGreater(sum(line["new"] for line in lines if line["engine"] == "aflpp"), 0)
            self.assertGreater(len(os.listdir(one.corpus(TARGET))), 0)
            self.assertEqual([name for name in os.listdir(one.run_folder) if TARGET in name], [])

    def engines(self):
        """libFuzzers that have this campaign's folder in their arguments, and are no zombies."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            if self.folder in text and "-max_total_time=" in text and "setpriv" not in text:
                found.append(text)
        return found

    def test_killed_and_taken_up_again(self):
        inputs = os.path.join(self.folder, "corpus", TARGET)
        targets = ("--target", NEGATIVE, TARGET)
        process = self.start("--time", "10m", "--slice", "10m", *targets)  # the first ends at its crash
        while not (self.engines() and os.path.isdir(inputs) and os.listdir(inputs)):
            time.sleep(0.05)
            self.assertIsNone(process.poll())
        process.kill()
        process.communicate(timeout=30)
        for _ in range(600):  # the engine ends with it
            if not self.engines():
                break
            time.sleep(0.1)
        self.assertEqual(self.engines(), [])
        before = self.lines()
        self.assertEqual([line["target"] for line in before], [NEGATIVE])
        kept = set(os.listdir(inputs))

        process = self.start("--time", "3s", "--slice", "2s", *targets)
        output, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, output)
        self.assertIn("goes on after", output)
        after = self.lines()
        self.assertEqual(after[:1], before)
        self.assertEqual((after[1]["target"], after[1]["round"]), (TARGET, 1))
        self.assertGreater(after[1]["at"], before[0]["at"])
        self.assertGreater(after[1]["runs"], 0)
        self.assertGreaterEqual(after[1]["corpus"], len(kept) // 2)  # smaller inputs may have come for larger ones
        verdicts = {verdict for line in after for verdict in line["crashes"]}
        self.assertTrue(verdicts)
        crashes = os.path.join(self.folder, "crashes", NEGATIVE)
        binaries = [name for name in os.listdir(crashes) if not name.endswith(".txt")]
        self.assertEqual(len(binaries), len(verdicts), output)
        self.assertTrue(all(os.path.exists(os.path.join(crashes, name + ".txt")) for name in binaries))
        with open(os.path.join(self.folder, "report.html"), encoding="utf-8") as file:
            report = file.read()
        for words in (TARGET, NEGATIVE, *verdicts):
            self.assertIn(words, report)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "running")))

    def test_interrupted(self):
        process = self.start("--time", "10m", "--target", TARGET)
        inputs = os.path.join(self.folder, "corpus", TARGET)
        while not (self.engines() and os.listdir(inputs)):
            time.sleep(0.05)
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, output)
        self.assertIn("report: ", output)
        line, = self.lines()
        self.assertEqual((line["target"], line["crashes"]), (TARGET, {}))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "report.html")))

    def test_pruned(self):
        with self.campaign("--target", TARGET, "--no-go", "--time", "10m", "--sanitizer", "asan-ubsan") as one:
            self.assertTrue(engines.build(argparse.Namespace(**dict(vars(one.options), engine=["libfuzzer"])), one.screen,
                                          one.run_folder))
            corpus = one.corpus(TARGET)
            for n in range(40):  # many that are the same to the engine
                write(os.path.join(corpus, "n%d" % n), "same, and not same: %d" % n)
            one.prune(TARGET, 4)
            line, = one.history.lines
            self.assertEqual((line["pruned"], line["before"], line["after"]), (4, 40, len(os.listdir(corpus))))
            self.assertTrue(0 < line["after"] < 40, line)
            write(os.path.join(corpus, "one more"), "x")
            with self.engine("#!/bin/sh\nexit 1\n"):
                one.prune(TARGET, 8)
            self.assertIn("one more", os.listdir(corpus))
            self.assertEqual(one.history.pruned(TARGET), 8)
            self.assertEqual(one.history.lines[-1]["before"], one.history.lines[-1]["after"])

    def test_engine_that_never_runs(self):
        with self.campaign("--target", TARGET, "--no-go", "--time", "10m", "--jobs", "1") as one:
            with self.engine("#!/bin/sh\necho no such thing >&2\nexit 3\n"):
                with self.assertRaisesRegex(fuzz.Trouble, "libfuzzer has not run once in 3 slices"):
                    for _ in range(4):
                        one.round(TARGET, ["libfuzzer"])
            self.assertEqual(one.history.crashes(), {(TARGET, "engine: exit status 3"): 3})

    @contextlib.contextmanager
    def engine(self, script):
        """A stand-in for libFuzzer's program of TARGET."""
        build, fuzz.BUILD = fuzz.BUILD, os.path.join(self.folder, "build")
        folder = os.path.join(fuzz.BUILD, "libfuzzer-asan-ubsan")
        os.makedirs(folder)
        write(os.path.join(folder, "fuzz_" + TARGET), script)
        os.chmod(os.path.join(folder, "fuzz_" + TARGET), 0o755)
        os.symlink(os.path.join(build, "libfuzzer-asan-ubsan", "replay"), os.path.join(folder, "replay"))
        try:
            yield
        finally:
            fuzz.BUILD = build

    def test_corpus_that_fails_by_now(self):
        with self.campaign("--target", TARGET, "--no-go") as one:
            paths = [os.path.join(one.corpus(TARGET), name) for name in ("bad", "bad too")]
            for path in paths:
                write(path, path)
            job = one.job(TARGET, "libfuzzer", 0, 1, "replay")
            kind = type(job.replay)
            verdict, text = kind.verdict, kind.text
            kind.verdict = lambda self, path, timeout=0: ("check: rule: op #1" if path.startswith(one.folder) else "", "")
            kind.text = lambda self, mode, path: "map\n"
            shrink = campaign.shrink
            campaign.shrink = lambda replay, data, verdict, folder: (data[-8:], verdict, "")
            try:
                self.assertTrue(one.replay_all(TARGET))
            finally:
                kind.verdict, kind.text, campaign.shrink = verdict, text, shrink
            self.assertFalse(any(os.path.exists(path) for path in paths))
            self.assertEqual(one.history.crashes(), {(TARGET, "check: rule"): 2})
            self.assertEqual(len(glob.glob(os.path.join(one.folder, "crashes", TARGET, "check-rule-*"))), 2)  # and its text


if __name__ == "__main__":
    sys.exit(unittest.main())
