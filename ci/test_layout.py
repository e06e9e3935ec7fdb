# SPDX-License-Identifier: BSD-3-Clause
"""Tests of ci/layout, and of whether ref/layout.json is enough: python3 ci/test_layout.py

That it sees a difference, wherever one is; the comparison itself is
`ci/layout --check`.
"""

import copy
import json
import os
import sys
import tempfile
import unittest
import unittest.mock

import layout

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


if __name__ == "__main__":
    sys.exit(unittest.main())
