# SPDX-License-Identifier: BSD-3-Clause
"""Tests of replay --draw: python3 ci/test_draw.py BUILD-FOLDER

A picture is well-formed, needs nothing from outside, and shows what replay
--dump says: as many entries, as many slots of each other state, the same
buckets, each iterator where it stands.  README.md's picture is up to date.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SVG = "{http://www.w3.org/2000/svg}"
LETTERS = {".": "rest", "-": "one", "X": "x", "Y": "y", "E": "empty"}

# Target, seed, and the ops after which to draw; None: after the last.
TRACES = (
    ("grow_iter", "iterators-before-during-after-one-doubling", (1, 2, 9, 12, None)),
    ("grow_iter", "iterator-in-the-middle-of-same-size-growth", (1, 3, None)),
    ("grow_iter", "iterator-two-doublings-behind", (3, None)),
    ("grow_iter", "iterate-an-empty-map", (1, None)),
)

# What no seed has: several hundred entries, chains, and values that XML must not take for its own.
MORE = {
    "large": "map key=string elem=int64 hash=real seed=7\n" +
             "".join("assign %d..%d\n" % (n, n + 63) for n in range(0, 512, 64)) + "iter a\nnext a x20\n",
    "chains": "map key=float64 elem=bytes129 hash=constant seed=3\nassign 0..63\nassign 65000..65063\niter d\n"
              "delete 4..50\n",
    "markup": "map key=iface elem=pointer hash=lowbits\nassign 0..9\nassign 16384..16447\nassign 49152..49160\niter b\n",
}
BUILD = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else os.path.join(ROOT, "build", "gcc")


def replay(*arguments):
    return subprocess.run([os.path.join(BUILD, "replay"), *arguments], capture_output=True, text=True, timeout=120)


def dumped(text):
    """The last map that replay --dump printed: (count, slots by class, {bucket id}, live iterators)."""
    last = "map " + text.rpartition("\nmap ")[2]
    slots = dict.fromkeys(["live", *LETTERS.values()], 0)
    ids, array, depth, last_number = set(), "new", {}, 0
    for line in last.splitlines():
        if line.startswith(("buckets ", "oldbuckets ")):
            array, depth = ("old" if line.startswith("old") else "new"), {}
        empty = re.match(r"(\d+)(?:\.\.(\d+))? empty$", line)
        if empty:
            first, end = int(empty.group(1)), int(empty.group(2) or empty.group(1))
            ids.update("%s-%d" % (array, n) for n in range(first, end + 1))
            slots["rest"] += 8 * (end - first + 1)
        bucket = re.match(r"(\d+) (?:main|heap|\+\d+) ", line)
        if bucket:
            number = bucket.group(1)
            behind = depth.get(number, 0)
            depth[number] = behind + 1
            ids.add("%s-%s" % (array, number) + (".%d" % behind if behind else ""))
            rest = line[bucket.end():]
            others = 0
            # A state stands behind a blank, and strings have blanks only between quotes.
            for letter, run in re.findall(r"(?:^| )([-.XYE])(?:~[^ ]*|\*(\d))?(?= |$)", re.sub(r'"(?:[^"\\]|\\.)*"', '""', rest)):
                slots[LETTERS[letter]] += int(run or 1)
                others += int(run or 1)
            slots["live"] += 8 - others
    count = int(re.search(r" count=(\d+)", last).group(1))
    return count, slots, ids, len(re.findall(r"^iter B=", last, re.M))


class Draw(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.picture = os.path.join(folder.name, "map.svg")
        self.trace = os.path.join(folder.name, "trace.txt")

    def draw(self, *arguments):
        said = replay("--draw", self.picture, *arguments)
        self.assertEqual((said.returncode, said.stderr), (0, ""), said.stdout)
        return self.read()

    def read(self):
        with open(self.picture, encoding="ascii") as file:
            text = file.read()
        self.assertNotRegex(text, r"(?i)<script|<image|href|@import|@font-face|url\(")
        return xml.fromstring(text)

    def compare(self, *arguments):
        picture = self.draw(*arguments)
        count, slots, ids, iterators = dumped(replay("--dump", *arguments).stdout)
        drawn = dict.fromkeys(slots, 0)
        for rect in picture.iter(SVG + "rect"):
            kind = rect.get("class", "").split()
            if kind[:1] == ["slot"]:
                drawn[kind[1]] += 1
                self.assertEqual(rect.find(SVG + "title") is not None, kind[1] == "live")
        self.assertEqual(drawn["live"], count, arguments)
        self.assertEqual(drawn, slots, arguments)
        self.assertEqual({group.get("id") for group in picture.iter(SVG + "g")}, ids, arguments)
        text = "".join(picture.itertext())
        self.assertEqual(len(re.findall(r"[abcd] iter B=", text)), iterators, arguments)
        return picture

    def test_shows_what_the_dump_says(self):
        for target, name, ops in TRACES:
            path = os.path.join(ROOT, "corpus", target, "seed", name + ".txt")
            for op in ops:
                self.compare(*([] if op is None else ["--until", str(op)]), path)

    def test_large_chained_and_odd(self):
        for text in MORE.values():
            with open(self.trace, "w", encoding="utf-8") as file:
                file.write(text)
            self.compare(self.trace)

    def test_evacuation_and_iterators_are_marked(self):
        target, name, _ = TRACES[0]
        picture = self.compare("--until", "9", os.path.join(ROOT, "corpus", target, "seed", name + ".txt"))
        marks = [path for path in picture.iter(SVG + "path") if path.get("class") == "evacuation"]
        self.assertEqual(len(marks), 1)
        frames = {}
        for group in picture.iter(SVG + "g"):
            for rect in group.iter(SVG + "rect"):
                if rect.get("class") == "frame":
                    kind = "began" if rect.get("stroke-dasharray") else "stands"
                    frames.setdefault(kind, []).append(group.get("id"))
        text = "".join(picture.itertext())
        stands = sorted(place.replace(":", "-") for place in re.findall(r" bptr=((?:old|new):\d+)", text))
        began = sorted("%s-%s" % (array, number) for number, array in
                       re.findall(r" startBucket=(\d+).* buckets=(old|new)", text))
        self.assertEqual((sorted(frames["stands"]), sorted(frames["began"])), (stands, began))
        self.assertEqual(len(stands), 2)

    def test_a_failing_run_is_drawn_where_it_fails(self):
        for name in os.listdir(os.path.join(ROOT, "corpus", "selftest_negative", "seed")):
            said = replay("--draw", self.picture, os.path.join(ROOT, "corpus", "selftest_negative", "seed", name))
            self.assertEqual(said.returncode, 1, name)
            self.assertRegex(said.stdout, r"^%s: " % name.partition("-")[0])
            picture = self.read()
            self.assertTrue(picture.find(SVG + "g") is not None or "no buckets yet" in "".join(picture.itertext()), name)

    def test_wrong_calls_write_nothing(self):
        with open(self.trace, "w", encoding="utf-8") as file:
            file.write("map key=int64\n")
        folder = os.path.dirname(self.trace)
        for arguments, words in ((("--draw", self.picture, self.trace), "no op"),
                                 (("--draw", self.trace, self.trace), "ends in .svg"),
                                 (("--draw", self.picture, folder), "exactly one trace"),
                                 (("--draw", self.picture, self.trace, self.trace), "exactly one trace"),
                                 (("--draw",), "ends in .svg")):
            said = replay(*arguments)
            self.assertEqual(said.returncode, 2, arguments)
            self.assertIn(words, said.stderr)
            self.assertEqual(os.listdir(folder), ["trace.txt"])

    def test_readme_picture_is_up_to_date(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            command = re.search(r"build/gcc/replay --draw (\S+\.svg) ([^`\n]*)", file.read())
        self.assertIsNotNone(command)
        arguments = [os.path.join(ROOT, word) if "/" in word else word for word in command.group(2).split()]
        self.draw(*arguments)
        with open(self.picture, encoding="utf-8") as new, open(os.path.join(ROOT, command.group(1)), encoding="utf-8") as old:
            self.assertEqual(new.read(), old.read(), "run: " + command.group(0))


if __name__ == "__main__":
    sys.exit(unittest.main())
