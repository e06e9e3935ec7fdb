# SPDX-License-Identifier: BSD-3-Clause
"""Tests of ci/layout, and of whether ref/layout.json is enough: python3 ci/test_layout.py

That it sees a difference, wherever one is; the comparison itself is
`ci/layout --check`.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import layout
import read_map

with open(layout.JSON, encoding="utf-8") as json_file:
    LAYOUT = json.load(json_file)


def as_go_says_it(part):
    """What ci/layout.go would print, were it of one mind with that part."""
    return {"version": "go1.19", "pointer_size": part["pointer_size"], "structs": copy.deepcopy(part["structs"]),
            "constants": {**part["constants"], **part["tophash"], **part["flags"]},
            "buckets": [{word: bucket[word] for word in bucket if not word.startswith("indirect")} for bucket in part["buckets"]]}


class Differences(unittest.TestCase):
    def test_none(self):
        for bits in ("64", "32"):
            self.assertEqual(list(layout.differences(LAYOUT[bits], as_go_says_it(LAYOUT[bits]))), [])

    def test_every_number_counts(self):
        part = LAYOUT["32"]
        for name, record in part["structs"].items():
            for at in range(len(record["fields"])):
                for word in ("offset", "size"):
                    real = as_go_says_it(part)
                    real["structs"][name]["fields"][at][word] += 1
                    self.assertEqual(len(list(layout.differences(part, real))), 1)
            real = as_go_says_it(part)
            real["structs"][name]["size"] += 4
            self.assertEqual(len(list(layout.differences(part, real))), 1)
            real["structs"][name]["fields"].append({"name": "more", "offset": 99, "size": 1})
            self.assertEqual(len(list(layout.differences(part, real))), 2)
        for word in as_go_says_it(part)["constants"]:
            real = as_go_says_it(part)
            real["constants"][word] += 1
            self.assertEqual(len(list(layout.differences(part, real))), 1, word)
        for word, value in as_go_says_it(part)["buckets"][5].items():
            real = as_go_says_it(part)
            real["buckets"][5][word] = not value if isinstance(value, bool) else value + ("x" if isinstance(value, str) else 1)
            self.assertTrue(list(layout.differences(part, real)), word)
        self.assertTrue(list(layout.differences(part, {**as_go_says_it(part), "buckets": []})))
        self.assertTrue(list(layout.differences(part, {**as_go_says_it(part), "pointer_size": 8})))


class Files(unittest.TestCase):
    def test_tables_are_made_anew(self):
        text = "Before.\n\n<!-- layout: bmap -->\nold\n<!-- end -->\n\nAfter `x`.\n"
        made = layout.with_tables(text, LAYOUT)
        self.assertIn("| `tophash` | `[8]uint8` | 0 | 8 | 0 | 8 |", made)
        self.assertNotIn("old", made)
        self.assertTrue(made.startswith("Before.\n\n<!-- layout: bmap -->\n") and made.endswith("<!-- end -->\n\nAfter `x`.\n"))
        self.assertEqual(layout.with_tables(made, LAYOUT), made)
        for name in [*LAYOUT["64"]["structs"], "tophash", "flags", "maptype_flags", "buckets"]:
            self.assertIn("| --- |", layout.table(LAYOUT, name))
        self.assertRaisesRegex(layout.Trouble, "'nonsense'", layout.table, LAYOUT, "nonsense")

    def test_check_sees_a_stale_file(self):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(layout, "GO", ("", "")), \
                unittest.mock.patch.object(layout, "JSON", os.path.join(folder, "layout.json")), \
                unittest.mock.patch.object(layout, "TABLES", os.path.join(folder, "*.md")):
            self.assertEqual(layout.main(["--check"]), 1)  # no file
            document = os.path.join(folder, "x.md")
            layout.write(document, "<!-- layout: hmap -->\n<!-- end -->\n")
            self.assertEqual(layout.main([]), 0)
            self.assertEqual(layout.main(["--check"]), 0)
            good = layout.read(layout.JSON)
            layout.write(layout.JSON, good.replace('"offset": 16', '"offset": 24', 1))
            self.assertEqual(layout.main(["--check"]), 1)
            layout.write(layout.JSON, good)
            layout.write(document, layout.read(document).replace("| 16 |", "| 17 |", 1))
            self.assertEqual(layout.main(["--check"]), 1)


class Subject:
    """A Go program with maps in every state, and its memory."""

    def __init__(self, go, bits, folder):
        shutil.copy(os.path.join(layout.HERE, "layout_maps.go"), folder)
        binary = os.path.join(folder, "maps-" + bits)
        layout.go_build(go, bits, folder, ["layout_maps.go"], binary)
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.maps = json.loads(self.process.stdout.readline())
        self.file = open("/proc/%d/mem" % self.process.pid, "rb", buffering=0)

    def read(self, address, size):
        data = os.pread(self.file.fileno(), size, address) if size else b""
        if len(data) != size:
            raise OSError("%d bytes at %#x cannot be read" % (size, address))
        return data

    def close(self):
        self.file.close()
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(60)


@unittest.skipIf(layout.find_go()[0] is None, layout.find_go()[1])
class Outside(unittest.TestCase):
    def read_all(self, bits):
        with tempfile.TemporaryDirectory() as folder:
            try:
                subject = Subject(layout.find_go()[0], bits, folder)
            except OSError as why:
                self.skipTest("a program for %s does not run here: %s" % (layout.GOARCH[bits], why))
            growths = set()
            try:
                for shown in subject.maps:
                    self.read_one(subject, bits, shown, growths)
            finally:
                self.assertEqual(subject.close(), 0)
        # Both kinds, in the middle: with buckets that are moved, and buckets that are not.
        self.assertEqual(growths, {("double", False), ("double", True), ("same", False), ("same", True)})

    def read_one(self, subject, bits, shown, growths):
        address, entries = shown["Map"], [(bytes.fromhex(e["Key"]), bytes.fromhex(e["Elem"]), e["Hash"]) for e in shown["Entries"]]
        reader = read_map.Reader(subject.read, LAYOUT[bits], shown["Type"])
        self.assertEqual(sorted((key, elem) for _, key, elem in reader.walk(address)), sorted(e[:2] for e in entries))
        for key, elem, hash_of_key in entries:
            if len(key) != 8 or key[6:] != b"\xf8\x7f":  # of NaN the hash is another each time
                self.assertEqual(reader.find(address, hash_of_key, lambda k: k == key), elem)
                self.assertIsNone(reader.find(address, hash_of_key, lambda k: False))
        if address != 0:
            (_, count), (old, old_count) = reader.arrays(address)
            for i in range(old_count if old else 0):
                growths.add(("same" if count == old_count else "double", reader.evacuated(old + i * reader.type["bucketsize"])))

    def test_maps_of_64_bits(self):
        self.read_all("64")

    def test_maps_of_32_bits(self):
        self.read_all("32")


if __name__ == "__main__":
    sys.exit(unittest.main())
