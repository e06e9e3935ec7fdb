# SPDX-License-Identifier: BSD-3-Clause
"""Tests of ci/corpus, on a folder of its own: python3 ci/test_corpus.py"""

import os
import re
import subprocess
import tempfile
import unittest

import corpus

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = "unhashable"
HEADER = bytes(12)


def run(into, work, *more):
    """(exit status, what it said, the numbers of the target's row by the head of the table)"""
    done = subprocess.run([f"{ROOT}/ci/corpus", "--target", TARGET, "--into", into, "--work", work, *more],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    head = re.search(r"^target +(.*)$", done.stdout, re.M)
    row = re.search(rf"^{TARGET} +(.*)$", done.stdout, re.M)
    numbers = dict(zip(head[1].split(), map(int, row[1].split()))) if head and row else {}
    return done.returncode, done.stdout, numbers


class Corpus(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gomap-test-")
        self.addCleanup(folder.cleanup)
        self.into, self.work = f"{folder.name}/corpus", f"{folder.name}/work"
        self.min, self.left = f"{self.into}/{TARGET}/min", f"{self.work}/{TARGET}/libfuzzer-none"
        os.makedirs(self.min)
        os.makedirs(self.left)

    def write(self, path, data):
        with open(path, "wb") as file:
            file.write(data)

    def test_what_has_nothing_of_its_own_is_dropped(self):
        self.write(f"{self.min}/useless", HEADER)
        status, said, row = run(self.into, self.work, "--dry-run")
        self.assertEqual((status, os.listdir(self.min)), (0, ["useless"]), said)
        status, said, row = run(self.into, self.work)
        self.assertEqual((status, row["dropped"]), (0, -1), said)
        names = os.listdir(self.min)
        self.assertEqual(len(names), row["min"])
        self.assertEqual(row["gained"], row["min"])
        self.assertTrue(all(re.fullmatch("[0-9a-f]{40}", name) for name in names), names)
        self.assertEqual(sum(os.path.getsize(f"{self.min}/{name}") for name in names), row["bytes"])
        self.assertGreater(row["change"], 0)
        # The same once more: nothing changes.
        status, said, row = run(self.into, self.work)
        self.assertEqual((status, row["gained"], row["dropped"], row["change"]), (0, 0, 0, 0), said)
        self.assertEqual(sorted(os.listdir(self.min)), sorted(names))

    def test_what_meets_the_budget_is_cut_off(self):
        # Far more work than a run may do: 64 keys assigned again and again.
        self.write(f"{self.left}/long", HEADER + bytes([7, 63, 0, 0]) * 1000)
        self.assertEqual(list(corpus.replay(TARGET, self.left)), [f"{self.left}/long"])
        corpus.cut_off(TARGET, self.left, self.into)
        self.assertEqual(corpus.replay(TARGET, self.left), {})
        sizes = [os.path.getsize(f"{self.left}/{name}") for name in os.listdir(self.left)]
        self.assertEqual(len(sizes), 1)
        self.assertTrue(400 < sizes[0] < 2000, sizes)

    def test_an_input_that_fails_is_not_overlooked(self):
        with self.assertRaises(corpus.Fails):
            corpus.replay("selftest_negative", f"{corpus.BUILD}/corpus/selftest_negative")

    def test_inputs_are_collected_once(self):
        for name, data in ("a", b"1"), ("b", b"1"), ("a.txt", b"2"), ("empty", b""), ("large", bytes(4097)):
            self.write(f"{self.left}/{name}", data)
        corpus.collect([self.left, self.left], f"{self.into}/all")
        self.assertEqual(len(os.listdir(f"{self.into}/all")), 1)

    def test_a_folder_that_cannot_be_read_changes_nothing(self):
        self.write(f"{self.into}/file", b"")
        status, said, _ = run(f"{self.into}/file", self.work)
        self.assertEqual(status, 2, said)
        self.assertIn("--into", said)


if __name__ == "__main__":
    unittest.main()
