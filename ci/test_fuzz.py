# SPDX-License-Identifier: BSD-3-Clause
"""Tests of ci/fuzz: what it computes, and what it does when an engine crashes, hangs or is interrupted.

The engines are stand-ins here (shell scripts), so that each case is quick and
certain; ci/test's group "smoke" runs the real ones.
"""

import argparse
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import engines
import fuzz
import fuzz_main
import fuzz_table

HERE = os.path.dirname(os.path.abspath(__file__))


class Arguments(unittest.TestCase):
    def test_times(self):
        for text, seconds in (("30s", 30), ("5m", 300), ("8h", 28800), ("1d", 86400), ("7", 7), ("1.5m", 90)):
            self.assertEqual(fuzz_main.parse_time(text), seconds)
        for text in ("", "0s", "-1s", "s", "5 m", "1e3", "0.2s", "999999999d"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=text):
                fuzz_main.parse_time(text)

    def test_defaults(self):
        options = fuzz_main.parse_arguments([])
        targets, negatives = fuzz.read_targets()
        self.assertEqual((options.target, options.engine), (targets, ["libfuzzer", "aflpp"]))
        self.assertTrue(targets and negatives)
        self.assertFalse(set(targets) & set(negatives))

    def test_several_of_each(self):
        targets = fuzz.read_targets()[0]
        options = fuzz_main.parse_arguments(["--target", targets[0], "--target", targets[1], targets[0],
                                        "--engine", "aflpp", "--engine", "libfuzzer"])
        self.assertEqual((options.target, options.engine), (targets[:2], ["aflpp", "libfuzzer"]))

    def test_msan_is_libfuzzer_only(self):
        self.assertEqual(fuzz_main.parse_arguments(["--sanitizer", "msan"]).engine, ["libfuzzer"])


class Verdicts(unittest.TestCase):
    def test_judge_wins_over_what_follows(self):
        output = "noise\nmodel: length: op #12\n==1==ERROR: x\nSUMMARY: libFuzzer: deadly signal\n"
        self.assertEqual(fuzz.verdict_of(output, 77), "model: length: op #12")
        self.assertEqual(fuzz.verdict_of("memory: leak: at the end\n", 1), "memory: leak: at the end")

    def test_sanitizers(self):
        output = "==7==ERROR\nSUMMARY: AddressSanitizer: heap-use-after-free /a/b/map.c:12:3 in mapassign\n"
        self.assertEqual(fuzz.verdict_of(output, 1), "AddressSanitizer: heap-use-after-free map.c:12:3 in mapassign")
        output = "/x/ref/map.c:3:9: runtime error: load of null pointer of type 'int'\n"
        self.assertEqual(fuzz.verdict_of(output, 1), "runtime error: load of null pointer of type 'int'")

    def test_without_words(self):
        self.assertEqual(fuzz.verdict_of("", -signal.SIGABRT), "killed by SIGABRT")
        self.assertEqual(fuzz.verdict_of("", None), "timeout")
        self.assertEqual(fuzz.verdict_of("", 3), "exit status 3")

    def test_rule_forgets_where(self):
        self.assertEqual(fuzz.rule_of("model: length: op #12"), fuzz.rule_of("model: length: op #3"))
        self.assertNotEqual(fuzz.rule_of("model: length: op #12"), fuzz.rule_of("range: twice: op #12"))


class Table(unittest.TestCase):
    def test_numbers_fit(self):
        for n in (0, 7, 1234, 999999, 10**7, 123456789, 10**10, 10**13, 2**64 - 1):
            for width in (6, 7, 8, 11, 12):
                self.assertLessEqual(len(fuzz_table.number(n, width)), width, (n, width))

    def test_durations_fit(self):
        for seconds in (0, 59, 60, 3599, 3600, 10**6):
            self.assertLessEqual(len(fuzz_table.duration(seconds)), 7)

    def test_fits_100_columns(self):
        job = engines.LibFuzzer(fuzz_main.parse_arguments([]), "selftest_negative", "libfuzzer", 0, "/nowhere")
        job.state, job.verdict = "done", "some judge: some very long rule of that judge: op #1021"
        job.runs, job.checked_ops, job.features, job.corpus, job.elapsed = 2**63, 2**63, 2**40, 2**40, 1e5
        for text in fuzz_table.table_lines([job]):
            self.assertLessEqual(len(text), 100)

    def test_libfuzzer_log(self):
        log = b"#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 30Mb\n#9\tNEW    cov: 5 ft: 16 corp: 12/8b lim: 4\n"
        self.assertEqual(engines.LibFuzzer.LINE.findall(log), [(b"INITED", b"4", b"1"), (b"NEW", b"16", b"12")])


# A stand-in for replay: the input fails if it contains the word bug.
REPLAY = """#!/bin/bash
for last; do :; done
case $3 in --show|--text) echo "shown $(wc -c <"$last") bytes"; exit ;; esac
[ -d "$last" ] && last="$last/*"
if cat $last | grep -q bug; then echo "judge: rule: op #3"; echo "the trace"; exit 1; fi
"""
COUNT = "printf '\\2\\0\\0\\0\\0\\0\\0\\0\\3\\0\\0\\0\\0\\0\\0\\0' | dd of=\"$GOMAP_STATS\" conv=notrunc status=none\n"
COUNT += "echo '#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0' >&2\n"


def under_way(text):
    """As an engine notes the input that it is at."""
    put = "printf '%s' | dd of=\"$GOMAP_STATS\" conv=notrunc bs=1 seek=%d status=none\n"
    return put % ("\\%o\\0\\0\\0\\0\\0\\0\\0" % (len(text) + 1), 16) + put % (text, 24)


class Jobs(unittest.TestCase):
    """Real processes, in a scratch folder instead of build/."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.saved = fuzz.BUILD, fuzz.HOME, engines.GRACE
        fuzz.BUILD = self.folder.name
        fuzz.HOME = os.path.join(fuzz.BUILD, "fuzz")
        self.addCleanup(self.restore)
        self.target = fuzz.read_targets()[0][0]
        self.preset = os.path.join(fuzz.BUILD, "libfuzzer-asan-ubsan")
        self.corpus = os.path.join(self.preset, "corpus", self.target)
        os.makedirs(self.corpus)
        os.makedirs(fuzz.HOME)
        self.script("replay", REPLAY)
        self.options = fuzz_main.parse_arguments(["--time", "1s", "--work", os.path.join(fuzz.HOME, "work")])

    def restore(self):
        fuzz.BUILD, fuzz.HOME, engines.GRACE = self.saved

    def script(self, name, text):
        path = os.path.join(self.preset, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, stat.S_IRWXU)

    def fuzz(self, engine, run=True):
        self.script("fuzz_" + self.target, "#!/bin/bash\n" + engine)
        job = engines.LibFuzzer(self.options, self.target, "libfuzzer", 0, os.path.join(fuzz.HOME, "run"))
        job.reserve()
        self.addCleanup(job.lock.close)
        with open(os.devnull, "w", encoding="utf-8") as null:
            screen = fuzz_table.Screen(self.options, null)
            fuzz_main.replay_corpus(self.options, [job], screen)
            fuzz_main.run_jobs(self.options, [job], screen)
        return job

    def test_nothing_found(self):
        job = self.fuzz(COUNT)
        self.assertEqual((job.verdict, job.runs, job.checked_ops, job.features, job.corpus), ("ok", 2, 3, 4, 1))
        self.assertEqual(set(job.row()), {"target", "engine", "sanitizer", "runs", "runs_per_s", "checked_ops",
                                          "checked_ops_per_s", "features", "corpus", "judges", "verdict"})

    def test_crash_is_minimised_and_saved(self):
        crash = "for a; do case $a in -artifact_prefix=*) printf 'xxxxyyyyzzzzbug.wwww' >${a#*=}crash-1;; esac; done\n"
        job = self.fuzz(COUNT + crash + "exit 77\n")
        self.assertEqual(job.verdict, "judge: rule: op #3")
        folder = os.path.join(fuzz.HOME, "crashes", self.target)
        names = sorted(os.listdir(folder))
        self.assertEqual(len(names), 2)
        self.assertTrue(names[0].startswith("judge-rule-"), names)
        self.assertEqual(names[1], names[0] + ".txt")
        with open(os.path.join(folder, names[0]), "rb") as file:
            self.assertEqual(file.read(), b"bug\0")
        self.assertIn("the trace", job.report)
        self.assertIn(names[0], job.report)

    def test_work_folder_has_one_user(self):
        job = self.fuzz(COUNT)
        with self.assertRaisesRegex(fuzz.Trouble, "in use by another ci/fuzz.*--work"):
            engines.LibFuzzer(self.options, self.target, "libfuzzer", 1, os.path.join(fuzz.HOME, "run")).reserve()
        job.lock.close()

    def test_go_judges_where_it_is(self):
        job = self.fuzz(COUNT)
        job.ask_go()
        self.assertFalse(job.replay.go)
        job.options.go = True
        with self.assertRaisesRegex(fuzz.Trouble, "no go1.19 here"):
            job.ask_go()
        os.makedirs(os.path.join(self.preset, "go"))
        self.script("go/gomap-go119", "")
        job.ask_go()
        self.assertIn("--judge", job.replay.command())
        self.assertEqual(job.env["GOMAP_JUDGE"], "go")
        del job.env["GOMAP_JUDGE"]
        job.options.go = False
        job.ask_go()
        self.assertNotIn("--judge", job.replay.command())
        self.assertNotIn("GOMAP_JUDGE", job.env)

    def test_mutator_can_be_left_out(self):
        called = os.path.join(self.folder.name, "called")
        for arguments, words in (([], r"^on (?!.*-len_control)"), (["--no-mutator"], r"^off .*-len_control=100")):
            self.options.mutator = fuzz_main.parse_arguments(arguments).mutator
            job = self.fuzz(COUNT + 'echo "$GOMAP_MUTATOR $*" >%s\n' % called)
            job.lock.close()
            with open(called, encoding="utf-8") as file:
                self.assertRegex(file.read(), words)
            afl = engines.Afl(self.options, self.target, "aflpp", 0, os.path.join(fuzz.HOME, "run"))
            afl.prepare()
            shutil.rmtree(os.path.join(fuzz.HOME, "run"))
            self.assertEqual("AFL_CUSTOM_MUTATOR_LIBRARY" in afl.env, self.options.mutator)
            self.assertTrue(not self.options.mutator or os.path.isabs(afl.env["AFL_CUSTOM_MUTATOR_LIBRARY"]))

    def test_failing_corpus_stops_the_target(self):
        with open(os.path.join(self.corpus, "known"), "w", encoding="utf-8") as file:
            file.write("a bug")
        job = self.fuzz("echo started >%s/started\n" % self.folder.name)
        self.assertEqual(job.verdict, "judge: rule: op #3")
        self.assertIn("known", job.report)
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "started")))

    def test_corpus_can_be_left_to_the_engine(self):
        with open(os.path.join(self.corpus, "known"), "w", encoding="utf-8") as file:
            file.write("a bug")
        self.options.replay = fuzz_main.parse_arguments(["--no-replay"]).replay
        job = self.fuzz(COUNT + 'for a; do grep -qs bug "$a"/* && exit 3; done\n')
        self.assertEqual((job.verdict, job.runs), ("engine: exit status 3", 2))

    def test_engine_that_dies(self):
        job = self.fuzz(COUNT + "echo no such thing; exit 3\n")
        self.assertEqual(job.verdict, "engine: exit status 3")
        self.assertIn("no such thing", job.report)

    def test_engine_that_does_nothing(self):
        self.assertEqual(self.fuzz("exit 0\n").verdict, "engine: ran nothing")

    def test_engine_that_hangs(self):
        engines.GRACE = 0
        begin = time.monotonic()
        job = self.fuzz(COUNT + "trap '' INT; while :; do sleep 0.1; done\n")
        self.assertEqual(job.verdict, "hung")
        self.assertTrue(job.report)
        self.assertLess(time.monotonic() - begin, 20)

    def test_input_of_an_engine_that_shows_none(self):
        engines.GRACE = 0
        hang = "while :; do sleep 0.1; done\n"  # ended by SIGINT: what ignores it is in the test above
        for end, clean in (("exit 3\n", "engine: exit status 3"), (hang, "hung")):
            for text, verdict in (("a bug", "judge: rule: op #3"), ("fine", clean)):
                job = self.fuzz(COUNT + under_way(text) + end)
                job.lock.close()
                shutil.rmtree(os.path.join(fuzz.HOME, "run"))
                self.assertEqual(job.verdict, verdict)
                self.assertTrue(job.report)
        saved = [name for name in os.listdir(os.path.join(fuzz.HOME, "crashes", self.target)) if ".txt" not in name]
        self.assertEqual(len(saved), 1, saved)  # of both, the same


class Command(unittest.TestCase):
    """The command itself; wants build/libfuzzer-asan-ubsan to be built, or builds it."""

    def start(self, *arguments):
        return subprocess.Popen([os.path.join(HERE, "fuzz"), *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def test_interrupt_ends_with_the_table(self):
        target = fuzz.read_targets()[0][0]
        with tempfile.TemporaryDirectory() as folder:
            rows = os.path.join(folder, "rows.json")
            process = self.start("--target", target, "--engine", "libfuzzer", "--time", "10m", "--json", rows,
                                 "--work", os.path.join(folder, "work"))
            output = ""
            for text in process.stdout:
                output += text
                if "started" in text:
                    break
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 130, output + rest)
            self.assertIn("verdict", rest)
            with open(rows, encoding="utf-8") as file:
                table = json.load(file)
            self.assertEqual([(row["target"], row["engine"], row["verdict"]) for row in table],
                             [(target, "libfuzzer", "ok")])
            self.assertGreater(table[0]["runs"], 0)

    def test_budget(self):
        target = fuzz.read_targets()[0][0]
        subprocess.run([os.path.join(HERE, "cmake", "build"), "libfuzzer-asan-ubsan", "1", "fuzz_" + target],
                       check=True, stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory() as folder:
            trace, stats = os.path.join(folder, "trace"), os.path.join(folder, "stats")
            with open(trace, "wb") as file:  # 64 keys, 10 times
                file.write(bytes(12) + bytes((7, 63, 0, 0)) * 10)
            steps = []
            for budget in ("", "x", "0", "100", "1000"):
                env = dict(os.environ, GOMAP_STATS=stats, **({"GOMAP_BUDGET": budget} if budget else {}))
                done = subprocess.run([os.path.join(fuzz.BUILD, "libfuzzer-asan-ubsan", "fuzz_" + target), trace],
                                      env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                if budget in ("x", "0"):
                    self.assertEqual(done.returncode, 2)
                    self.assertIn("GOMAP_BUDGET is '%s'" % budget, done.stderr)
                    continue
                self.assertEqual(done.returncode, 0, done.stderr)
                with open(stats, "rb") as file:
                    steps.append(struct.unpack_from("=Q", file.read(), 8)[0])
                os.unlink(stats)
            self.assertLess(steps[1], steps[2])  # of what 100 and 1000 units allow
            self.assertEqual(steps[2], steps[0])  # more than enough

    def test_wrong_arguments_leave_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            process = self.start("--time", "soon", "--json", os.path.join(folder, "rows.json"),
                                 "--work", os.path.join(folder, "work"))
            process.communicate(timeout=30)
            self.assertEqual((process.returncode, os.listdir(folder)), (2, []))


if __name__ == "__main__":
    sys.exit(unittest.main())
