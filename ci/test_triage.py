# SPDX-License-Identifier: BSD-3-Clause
"""Tests of ci/triage and ci/minimise.py: python3 ci/test_triage.py BUILD-FOLDER

What minimising does is tried on made-up failures, whose smallest trace is
known, and on the target that must fail, by a real replay.
"""

import contextlib
import functools
import glob
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

import fuzz
import export
import export_c
import export_c_kinds
import export_go
import minimise
import triage

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else os.path.join(fuzz.BUILD, "gcc")
SEEDS = os.path.join(fuzz.ROOT, "corpus", "selftest_negative", "seed")

HAVE_GO = any(os.path.exists(go) for go in triage.GO)

# The fewest ops that a seed needs, of those that are about a map of five entries: these, of which one must come
# after the first op; and what shows the damage, where the end of the trace does not.
FEWEST = {"check-must-see-a-wrong-count": 2, "check-must-see-a-wrong-tophash": 2, "determinism-must-see-another-end": 2,
          "memory-must-see-a-leak": 2, "range-must-see-a-swallowed-step": 4, "uthash-must-see-a-wrong-elem": 2}


def keys(text):
    """The keys that a text assigns."""
    found = set()
    for first, last, step in re.findall(r"^assign (\d+)(?:\.\.(\d+))?(?: step (\d+))?$", text, re.M):
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def tries_in_time(by, trace, seconds):
    """How often it tries something, by a clock on which each try takes a second."""
    tried = []
    with unittest.mock.patch.object(minimise.time, "monotonic", lambda: len(tried)):
        by(trace, lambda content: tried.append(content), seconds)
    return len(tried)


class ByOp(unittest.TestCase):
    def small(self, text, fails, seconds=20):
        self.assertTrue(fails(text))
        small = minimise.by_op(text, fails, time.monotonic() + seconds)
        self.assertTrue(fails(small))
        return small

    def test_removes_runs_of_ops(self):
        noise = "".join("get %d\nnext b x2\n" % n for n in range(100))
        text = "map key=string seed=9\n" + noise + "clear\n" + noise + "check\n" + noise
        self.assertEqual(self.small(text, lambda t: "clear" in t and "check" in t), "map\nclear\ncheck\n")

    def test_shortens_and_splits_ranges(self):
        text = "map\nassign 0..63 step 2\n"
        self.assertEqual(self.small(text, lambda t: 40 in keys(t)), "map\nassign 40\n")
        self.assertEqual(self.small(text, lambda t: {40, 42, 44} <= keys(t)), "map\nassign 40..44 step 2\n")
        self.assertEqual(self.small(text, lambda t: {0, 62} <= keys(t)), "map\nassign 0\nassign 62\n")
        self.assertEqual(self.small("map\nassign 65530 x20\n", lambda t: "assign" in t), "map\nassign 0\n")

    def test_makes_numbers_smaller(self):
        for text, needed, small in (
                ("next c x9", r"next c", "next c"), ("next c x*", r"next", "next c"),
                ("next c x50", r"next c x(1[7-9]|[2-5]\d)$", "next c x17"),
                ("fail after 300 x8", r"fail after (\d+)", "fail after 0"), ("seed 999", r"seed (9\d)?", "seed 0"),
                ("nil 1000", r"nil [1-9]", "nil 1"), ("make hint=100 maker=makemap64", r"make.*64", "make maker=makemap64"),
                ("assign 300..310", r"assign 3\d\d\.\.", "assign 300..301")):
            fails = lambda t: re.search(needed, t, re.M) is not None
            self.assertEqual(self.small("map\n%s\n" % text, fails), "map\n%s\n" % small)

    def test_simplifies_the_header(self):
        text = "map key=string elem=zero hash=lowbits hint=100 seed=77 mode=strict maker=makemap64\ncheck\n"
        self.assertEqual(self.small(text, lambda t: "strict" in t and re.search(r"seed=[5-7]\d", t)),
                         "map seed=50 mode=strict\n")

    def test_every_op_is_needed(self):
        text = "map\n" + "".join("assign %d\nget %d\n" % (n, n) for n in range(40))
        small = self.small(text, lambda t: len(keys(t)) >= 5)
        self.assertEqual(len(small.splitlines()), 6)

    def test_ends_in_time(self):
        text = "map\n" + "".join("get %d\n" % n for n in range(200))
        self.assertEqual(tries_in_time(minimise.by_op, text, 30), 30)


class ByByte(unittest.TestCase):
    def small(self, data, fails, seconds=10):
        return minimise.by_byte(data, fails, time.monotonic() + seconds)

    def test_keeps_what_is_needed_and_no_more(self):
        small = self.small(bytes(range(1, 201)), lambda d: b"\x29\x2a" in d and b"\x65" in d)
        self.assertLessEqual(len(small), 8)
        self.assertTrue(b"\x29\x2a" in small and b"\x65" in small)

    def test_makes_bytes_smaller(self):
        self.assertEqual(self.small(b"\xff\xff\xff\xff\xff\xff", lambda d: len(d) > 3 and d[2] > 36), b"\0\0\x25\0")

    def test_ends_in_time(self):
        self.assertEqual(tries_in_time(minimise.by_byte, bytes(range(1, 256)) * 16, 30), 30)

    def test_tiny(self):
        for data in (b"", b"x", b"abcde"):
            self.assertEqual(self.small(data, lambda d: False, 1), data)

    def test_stands_in_where_the_text_does_not_fail(self):
        data, whole = minimise.minimise(b"xxxxyyyybug.", "map\n", lambda content: b"bug" in content
                                        if isinstance(content, bytes) else False, lambda text: b"")
        self.assertEqual((data, whole), (b"bug\0", True))


def not_shrunk(replay, data, verdict, folder):
    return data, verdict, ""


class Broken:
    """The port with a mistake of fuzz/bugs/: its ref/, and a replay with it."""

    def __init__(self, name, folder):
        self.ref = os.path.join(folder, "ref")
        for part, names in (("ref", "*.[ch]"), ("oracle", "*.h"), ("fuzz", "*.h"), ("fuzz", "replay.c")):
            os.makedirs(os.path.join(folder, part), exist_ok=True)
            for path in glob.glob(os.path.join(fuzz.ROOT, part, names)):
                shutil.copy(path, os.path.join(folder, part))
        env = dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(folder))
        subprocess.run(["git", "apply", "-p1", os.path.join(fuzz.ROOT, "fuzz", "bugs", name + ".patch")], cwd=folder, env=env,
                       check=True)
        os.makedirs(os.path.join(folder, "build", "gcc"))
        compile_c(os.path.join(folder, "build", "gcc", "replay"), *objects(self.ref),
                  os.path.join(folder, "fuzz", "replay.c"), *(os.path.join(BUILD, "lib%s.a" % lib) for lib in ("fuzzcore", "oracle")))


COMPILER = ("gcc", "-std=c11", "-O1", "-D_POSIX_C_SOURCE=200809L")
OBJECTS = tempfile.TemporaryDirectory()


def compile_c(out, *arguments):
    subprocess.run([*COMPILER, *arguments, "-o", out], check=True)


@functools.lru_cache(maxsize=None)
def objects(ref):
    """Of a port, which is compiled once; of the repository's own they are those of the build."""
    if ref == triage.REF:
        return tuple(glob.glob(os.path.join(BUILD, "CMakeFiles", "gomap_objects.dir", "ref", "*.o")))
    folder = tempfile.mkdtemp(dir=OBJECTS.name)
    subprocess.run([*COMPILER, "-c", *glob.glob(os.path.abspath(ref) + "/*.c")], cwd=folder, check=True)
    return tuple(glob.glob(folder + "/*.o"))


# As strict as the repository's own code.
WARNINGS = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes "
            "-Wcast-qual -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wswitch-enum -Werror").split()


class Triage(unittest.TestCase):
    """With a real replay."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        saved = fuzz.BUILD, fuzz.HOME, triage.CORPUS
        self.addCleanup(lambda: (setattr(fuzz, "BUILD", saved[0]), setattr(fuzz, "HOME", saved[1]),
                                 setattr(triage, "CORPUS", saved[2])))
        fuzz.BUILD, self.preset = os.path.split(os.path.abspath(BUILD))
        fuzz.HOME = os.path.join(self.folder, "fuzz")
        triage.CORPUS = os.path.join(self.folder, "corpus")

    def triage(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = triage.main(["--preset", self.preset, *arguments])
            except SystemExit as end:
                status = end.code
        return status, out.getvalue(), err.getvalue()

    def rule(self, text):
        path = os.path.join(self.folder, "rule.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return fuzz.rule_of(fuzz.Replay(self.preset, "selftest_negative", dict(os.environ)).verdict(path)[0])

    def noisy(self, name):
        """A seed with ops that change nothing between those before the damage."""
        with open(os.path.join(SEEDS, name + ".txt"), encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if line and line[0] != "#"]
        noise = ["get 100..130", "delete 300..340", "iter d", "end d", "check"] * 4
        damage = lines.index("assign 4")
        return "\n".join([lines[0]] + [line for op in lines[1:damage] for line in noise + [op]] + noise +
                         lines[damage:]) + "\n"

    def test_every_op_that_is_left_is_needed(self):
        for name, fewest in FEWEST.items():
            text = self.noisy(name)
            path = os.path.join(self.folder, name + ".txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            status, small, said = self.triage("--target", "selftest_negative", "--as", "text", path)
            self.assertEqual((status, said), (0, ""), name)
            lines = small.splitlines()
            rule = self.rule(text)
            self.assertEqual(self.rule(small), rule, name)
            self.assertTrue(rule.startswith(name.partition("-")[0]), (name, rule))
            self.assertEqual(len(lines) - 1, fewest, small)
            for at in range(1, len(lines)):
                self.assertNotEqual(self.rule("\n".join(lines[:at] + lines[at + 1:]) + "\n"), rule, (small, at))

    def test_tells_everything(self):
        seed = os.path.join(SEEDS, "range-must-see-a-swallowed-step.txt")
        status, said, _ = self.triage(seed)
        self.assertEqual(status, 0)
        self.assertRegex(said, r"^range: missed: op #4\n")
        for words in ("\n    in: mapiternext\n", "=>    4  next a", "the port   ", "1 owed", "  saved   ", "  repeat  "):
            self.assertIn(words, said)
        saved = os.listdir(os.path.join(fuzz.HOME, "crashes", "selftest_negative"))
        self.assertEqual(len(saved), 2)

    def test_what_only_the_budget_shows(self):
        path = os.path.join(self.folder, "trace.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("map seed=0\nassign 0..63\nclear\n")  # a wrong tophash, gone with the rest
        replay = fuzz.Replay(self.preset, "selftest_negative", dict(os.environ))
        self.assertEqual((replay.verdict_as_on("libfuzzer", path)[0], replay.budget), ("", None))
        verdict, said = replay.verdict_as_on("aflpp", path)
        self.assertEqual((verdict, replay.budget), ("check: tophash-of-hash: at the end", fuzz.AFL_BUDGET))
        self.assertIn(" --budget %d " % fuzz.AFL_BUDGET, said.partition("to repeat it:")[2])
        steps = subprocess.run(replay.command("--steps", path), capture_output=True, text=True, timeout=60).stdout
        self.assertIn("\nlimit %d\n" % (fuzz.AFL_BUDGET * 2048 // 3), steps)  # bytes of a map that it can look at three times
        status, said, _ = self.triage("--target", "selftest_negative", path)
        self.assertEqual(status, 0)
        self.assertRegex(said, r"^check: tophash-of-hash: at the end\n")
        self.assertNotIn("clear", said)
        self.assertNotIn("--budget", said)  # what is left fails without it
        with open(path, "w", encoding="utf-8") as file:
            file.write("map seed=0\n")
        self.assertEqual((replay.verdict_as_on("aflpp", path)[0], replay.budget), ("", None))

    def test_promote(self):
        seed = os.path.join(SEEDS, "check-must-see-a-wrong-count.txt")
        status, said, _ = self.triage("--promote", "wrong-count", seed)
        self.assertEqual(status, 0)
        self.assertIn("kept", said)
        kept = os.path.join(triage.CORPUS, "selftest_negative", "regress", "wrong-count")
        with open(kept + ".txt", encoding="utf-8") as file:
            self.assertIn("# Before that: check: ", file.read())
        trip = subprocess.run([os.path.join(BUILD, "replay"), "--roundtrip", os.path.dirname(kept)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((trip.returncode, trip.stdout), (0, "2 files, 0 failed\n"))
        status, _, said = self.triage("--promote", "wrong-count", seed)  # nothing is overwritten
        self.assertEqual(status, 2)
        self.assertIn("already", said)

    def test_what_cannot_be_triaged(self):
        path = os.path.join(self.folder, "trace.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("map\nassign 1\n")
        status, said, _ = self.triage(path)
        self.assertEqual(status, 1)
        self.assertIn("ok, nothing to triage", said)
        with open(path, "w", encoding="utf-8") as file:
            file.write("map\nassing 1\n")
        for arguments, words in (((path,), "trace.txt:2:1: "), ((path + "x",), "is not a file"),
                                 (("--promote", "Bad Name", path), "a name is like"), (("--as", "perl", path), "perl"),
                                 (("--target", "nonsense", path), "nonsense"),
                                 (("--preset", "nonsense", path), "ci/cmake/build nonsense")):
            status, _, said = self.triage(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(words, said)
        self.assertFalse(os.path.exists(fuzz.HOME))

    def corpus(self, name):
        return os.path.join(fuzz.ROOT, "corpus", name + ".txt")

    def written(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def status(self, test, ref):
        """Of a unit test with that port."""
        binary = os.path.join(self.folder, "unit-test")
        compile_c(binary, *WARNINGS, "-I" + ref, test, *objects(ref))
        return subprocess.run([binary], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60).returncode

    def functions(self, folder, target):
        """Those that its findings in the corpus of a target are said to be in."""
        done = subprocess.run([os.path.join(folder, "build", "gcc", "replay"), "--target", target,
                               os.path.join(fuzz.ROOT, "corpus", target, "seed")], stdout=subprocess.PIPE, text=True, timeout=60)
        return set(re.findall(r"^    in: (.*)$", done.stdout, re.M))

    def test_as_c_fails_on_the_mistake_alone(self):
        # int64 keys, long keys and elems, strings, NaN; the traces behind them are not shrunk, which would change their type
        for mistake, target, seed, where, *whole in (
                ("iternext-filter-by-the-maps-mask", "grow_iter", "iterator-mid-doubling-then-doubled-again", "mapiternext"),
                ("access1-elem-not-followed", "indirect_key", "both-sides-of-128-indirect", "mapaccess1, mapaccess2, mapaccessK (growing: reads the old buckets)"),
                ("evacuate-x-and-y-swapped", "overflow", "doubling-splits-a-chain",
                 "mapassign (begins to grow: hashGrow, growWork, evacuate)"),
                ("equal-string-address", "everything", "two-copies-of-each-string", "mapassign",
                 "map key=mixed hash=aes maker=own\nassign 300 x9\nassign 300\n"),
                ("iternext-nan-looked-up", "nan_key", "complex-nan-in-either-part", "mapiternext",
                 "map key=float32 hash=mintop\nassign nan x8\niter a\nassign -inf\nassign nan x60\nnext a x*\n",
                 "map key=complex64 maker=own\nassign nan x8\niter a\nassign -0 x4\nassign nan x60\nnext a x*\n")):
            folder = os.path.join(self.folder, mistake)
            broken = Broken(mistake, folder)
            with unittest.mock.patch.object(fuzz, "BUILD", os.path.join(folder, "build")), \
                    unittest.mock.patch.object(triage, "REF", broken.ref), \
                    unittest.mock.patch.object(self, "preset", "gcc"):
                made = [self.triage("--as", "c", "--target", target, self.corpus(os.path.join(target, "seed", seed)))]
                with unittest.mock.patch.object(fuzz, "shrink", not_shrunk):
                    made += [self.triage("--as", "c", self.written("trace.txt", text)) for text in whole]
            for status, test, said in made:
                self.assertEqual((status, said), (0, ""), mistake)
                path = self.written("test.c", test)
                self.assertNotEqual(self.status(path, broken.ref), 0, test)
                self.assertEqual(self.status(path, triage.REF), 0, test)
            self.assertIn(where, self.functions(folder, target), mistake)

    def test_as_c_of_a_trace_that_does_not_fail(self):
        for text in ("map key=iface hash=random mode=strict\nassign 0..4032 step 64\nassign 16384 x20 step 128\n"
                     "assign 65000\nget 5\ndelete slice\nget slice\nnil slice\nassign nan x9\niter b\nnext b x*\n",
                     "map key=string elem=bytes1025 hash=mintop hint=20\nassign 0..40\niter a\nfail after 1\nassign 41..60\n"
                     "next a x*\nmake hint=-1<<63 maker=makemap64\nassign 7\nclear\n",
                     "map key=padded elem=zero hash=lowbits\nassign 1..9\nassign 1..9\ndelete 3\n",
                     "map key=mixed elem=bytes129 hash=lowbits mode=strict hint=100 maker=own\nassign 0..30\nassign 16384 x20\n"
                     "assign -0\nassign 32768\nassign nan x3\niter a\nassign slice\ndelete slice\nget slice\nnil slice\n"
                     "assign 100..160\nget 0..40\ndelete 3..9\nnext a x*\nmake hint=20 maker=own\nassign 16383\niter b\n",
                     "map key=string hash=aes maker=own\nassign 0..62\niter a\nassign 0..62\nnext a x*\n"):
            status, test, said = self.triage("--as", "c", self.written("trace.txt", text))
            self.assertEqual(status, 0, said)
            self.assertIn("does not fail: as it is", said)
            path = self.written("test.c", test)
            self.assertEqual(self.status(path, triage.REF), 0, test)
        ref = os.path.join(self.folder, "ref")  # the last one, which assigns the other copy of each string, hashes by AES
        shutil.copytree(triage.REF, ref, ignore=shutil.ignore_patterns("tests"))
        with open(os.path.join(ref, "aeshash.c"), encoding="utf-8") as file:
            text = file.read().replace("aeshashbody(x.str, h, (uintptr_t)x.len)", "aeshashbody(&x, h, sizeof x)")
        self.assertIn("sizeof x)", text)
        self.written(os.path.join(ref, "aeshash.c"), text)
        self.assertNotEqual(self.status(path, ref), 0, test)

    def test_as_c_has_the_keys_of_the_oracle(self):
        asks = self.written("asks.c", """\
#include <stdio.h>
#include <string.h>
#include "alg.h"
#include "kinds.h"

uintptr_t exported(unsigned n, unsigned copy, uintptr_t seed, bool shaped, void *out);
int main(int argc, char **argv)
{
    key_kind k = 0;
    static maptype t;
    while (argc == 2 && k < key_kinds && strcmp(key_kind_names[k], argv[1]) != 0) {
        k++;
    }
    if (k == key_kinds) {
        printf("no such kind\\n");
        return 1;
    }
    kinds_maptype(&t, k, elem_zero, hash_lowbits, gm_exact);
    for (unsigned n = 0; n < key_numbers; n += n % 4096 < 9 ? 1 : 19) {
        for (unsigned copy = 0; copy < 3 && !key_facts_of(k, (uint16_t)n).unhashable; copy++) {
            unsigned char key[1000] = {0}, other[1000] = {0};
            uint64_t addresses[key_max_words];
            uintptr_t h[4];
            key_make(k, (uint16_t)n, copy, key);
            for (int i = 0; i < 4; i++) {
                gm_rand_seed(n);
                h[i] = i > 1 ? exported(n, copy, n, i == 3, other) : i == 1 ? t.hasher(t.key, key, n) : typehash(t.key, key, n);
            }
            bool same = key_words(k, key, addresses) != 0 || memcmp(key, other, t.key->size) == 0;
            if (!same || h[0] != h[2] || h[1] != h[3]) {
                printf("number %u, copy %u\\n", n, copy);
                return 1;
            }
        }
    }
    return 0;
}
""")
        oracle = os.path.join(self.folder, "asks.o")
        compile_c(oracle, "-I" + triage.REF, "-I" + os.path.join(fuzz.ROOT, "oracle"), "-c", asks)
        for kind in export_c_kinds.KEYS:
            trace = export.Trace("map key=%s elem=zero hash=lowbits seed=0 mode=strict\nmake 0 0\n" % kind)
            test = self.written("test.c", "#define main unused\n" + export_c.program(trace, "", "test.c") + """
uintptr_t exported(unsigned n, unsigned copy, uintptr_t seed, bool shaped, void *out)
{
    key_make(n, copy, out);
    return shaped ? hasher(&key_type, out, seed) : typehash(&key_type, out, seed);
}
""")
            binary = os.path.join(self.folder, "asks")
            compile_c(binary, "-I" + triage.REF, test, oracle, os.path.join(BUILD, "liboracle.a"), *objects(triage.REF))
            done = subprocess.run([binary, kind], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (0, ""), kind)

    def test_as_c_says_why_not(self):
        seed = os.path.join(SEEDS, "check-must-see-a-wrong-count.txt")
        status, test, said = self.triage("--target", "selftest_negative", "--as", "c", seed)
        self.assertEqual((status, test), (3, ""))
        self.assertIn("--as c cannot show it: the target spoils the map", said)
        with unittest.mock.patch.object(triage, "judged", lambda options: ("check: made-up: op #1", fuzz.Replay(
                self.preset, "everything", dict(os.environ)))), unittest.mock.patch.object(fuzz, "shrink", not_shrunk):
            status, test, said = self.triage("--as", "c", self.written("trace.txt", "map\nassign 1\n"))
        self.assertEqual((status, test), (3, ""))
        self.assertIn("passes all the same", said)

    def test_as_go_says_why_not(self):
        for text, words in (("map\nfail after 0\nassign 1\n", "an allocation fails"),
                            ("map hash=tophash\nassign 1\n", "hash=tophash"),
                            ("map key=int8 hash=identity\nassign 1\n", "hash=identity: among the keys of kind int8"),
                            ("map key=float64\nassign 1\nclear\n", "clears a map whose keys may differ"),
                            ("map key=mixed\nassign 1\nclear\n", "clears a map whose keys may differ"),
                            ("map hint=1<<40\nassign 1\n", "1099511627776 entries")):
            status, program, said = self.triage("--as", "go", self.written("trace.txt", text))
            self.assertEqual((status, program), (3, ""), text)
            self.assertIn(words, said)
        for judge in export_go.INSIDE:
            trace = export.Trace("map key=int64 elem=int64 hash=real\nmake 0 0\n")
            trace.verdict = judge + ": rule: op #1"
            self.assertRaisesRegex(export.Cannot, "the judge " + judge, export_go.program, trace, "", "x.go")

    @unittest.skipUnless(HAVE_GO, "no go here (golang-1.19-go)")
    def test_as_go_shows_the_errata(self):
        for target, name in (("grow_iter", "errata-e1-cleared-in-a-growth-exact"),
                                     ("grow_iter", "errata-e1-tail-handed-out-again-exact"),
                                     ("grow_iter", "errata-e2-twice-exact"), ("nan_key", "errata-e2-missed-nan-exact"),
                                     ("grow_iter", "errata-e3-missed-exact"), ("indirect_key", "errata-e3-fault-exact")):
            with unittest.mock.patch.object(export_go, "STEPS", 0):  # 1000 rounds are enough
                status, program, said = self.triage("--as", "go", "--target", target, self.corpus("%s/seed/%s" % (target, name)))
            self.assertEqual(status, 0, said)
            self.assertRegex(said, r"broken in [1-9]\d* of 1000 rounds", name)
            self.assertNotIn("kept its promise", said)
            words = {"twice": "twice", "missed": "has ended without key", "fault": "nil pointer"}
            for word, what in words.items():
                if word in name and "e3-missed" not in name:
                    self.assertIn(what, said)
            self.assertTrue(program.startswith("// SPDX-License-Identifier: BSD-3-Clause\n\n//go:build ignore\n"))

    @unittest.skipUnless(HAVE_GO, "no go here (golang-1.19-go)")
    def test_as_go_keeps_quiet_where_go_is_right(self):
        for text in ("map key=string hash=lowbits\nassign 0..30\niter a\nnext a x3\ndelete 5..9\nassign 31..90\nnext a x*\nclear\n",
                     "map key=iface elem=bytes129\nassign 0 x5\nassign 16384..16484 step 4\nassign 45056 x9\niter b\n"
                     "assign 57344\nnil 5\nnil slice\nnext b x*\n",
                     "map key=complex128 elem=pointer hash=identity\nassign 0..12\nassign nan x9\niter c\nget 0..5\n"
                     "delete 0..8\nnext c x*\nend c\n",
                     "map key=float32 hash=aes hint=20 maker=own\nassign -inf\nassign 0..12\nassign nan x9\niter c\nassign -0\n"
                     "get 0..5\ndelete -inf\nassign 13..60\nnext c x*\n",
                     "map key=complex64 hash=lowbits\nassign 0..40\nassign nan x9\niter c\nget 0..5\ndelete 0..8\nnext c x*\n",
                     "map key=mixed hash=identity\nassign 0..20\nassign 16384 x9\nassign -0\nassign 32768\nassign inf\n"
                     "assign nan x5\niter a\nassign slice\nnil slice\nget 0..9\nassign 21..40\nassign 49152 x3\nnext a x*\n",
                     "map key=padded elem=zero hash=constant maker=reflect_makemap hint=9\nassign 0..40\niter a\nseed 5\n"
                     "make maker=makemap64 hint=20\nassign 7..9\n",
                     "map key=pointer elem=int8 hash=identity maker=makemap_small\nassign 0..40\niter a\ndelete @a\nnext a x*\n",
                     "map key=bytes16\nassign 0..40\niter a\nnext a x*\n", "map key=zero\nassign 0..3\niter a\nnext a x*\n",
                     "map key=int8 elem=bytes1025\nassign 100..160\niter a\nassign 0..60\nnext a x*\n"):
            with unittest.mock.patch.object(export_go, "STEPS", 0):
                status, program, said = self.triage("--as", "go", self.written("trace.txt", text))
            self.assertEqual(status, 0, said)
            self.assertIn("1000 rounds, and Go's map has kept its promise in each", said, program)

    def test_targets(self):
        targets = sum(fuzz.read_targets(), [])
        for path, target in (("corpus/overflow/seed/x.txt", "overflow"), ("/a/build/fuzz/crashes/makemap/x", "makemap"),
                             ("x.txt", "everything"), ("corpus/nonsense/x", "everything"),
                             ("/corpus/overflow/crashes/makemap/x", "makemap")):
            self.assertEqual(triage.target_of(path, targets), target)


if __name__ == "__main__":
    sys.exit(unittest.main())
