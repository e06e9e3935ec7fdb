# SPDX-License-Identifier: BSD-3-Clause
"""Does ci/spec see what it says it sees?  A copy of the tree is broken in one place
at a time, and ci/spec has to say so.

    python3 ci/test_spec.py      in a folder of its own, which goes away again
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATCH = "fuzz/bugs/assign-last-hole-first.patch"
CLANG = subprocess.run(["/usr/bin/python3", "-c", "import clang.cindex"], stderr=subprocess.DEVNULL).returncode == 0
SOURCE = os.path.exists("/usr/share/go-1.19/src/runtime/map.go")

# What is broken: file, pattern, what comes in its place; and what ci/spec has to say.
BREAKS = [
    ("ref/map.c", r"S-OVERFLOW-4\b", "S-OVERFLOW-44", "there is no clause S-OVERFLOW-44"),
    ("ref/map.c", r"//# An overflow bucket MUST come from the tail", "//# An overflow bucket MUST come from the heap",
     "S-OVERFLOW-1 does not say"),
    ("ref/SPEC.md", r"MUST become evacuatedEmpty", "MUST become emptyOne", "S-EVACUATE-4 does not say"),
    ("ref/map.c", r"//= SPEC\.md#S-ASSIGN-6\n.*//#.*\n", "", "S-ASSIGN-6 has no implementation"),
    ("ref/tests/test_delete.c", r"//= SPEC\.md#S-ASSIGN-6 type=test\n//#.*\n", "", "S-ASSIGN-6 has no test"),
    ("ref/map.c", r"//= SPEC\.md#S-OVERFLOW-4\n", "//= SPEC.md#S-OVERFLOW-4 type=test\n", "type=test belongs to tests"),
    ("ref/map.c", r"//= SPEC\.md#S-OVERFLOW-4\n", "//= SPEC.md#S-OVERFLOW-4 type=exception\n",
     "type=exception and reason= come together"),
    ("ref/map.c", r"//= SPEC\.md#S-OVERFLOW-4\n.*//#.*\n(.*//#.*\n)?", "//= SPEC.md#S-OVERFLOW-4\n",
     "has to quote some of its words"),
    (PATCH, r"Clause: .*", "Clause: S-ASSIGN-7", "S-ASSIGN-6 is observed, and no patch in fuzz/bugs/ breaks it"),
    (PATCH, r"Clause: .*\n", "", "its head has no line 'Clause: "),
    (PATCH, r"Clause: .*", "Clause: S-NONSENSE-1", "there is no clause 'S-NONSENSE-1'"),
    (PATCH, r"Clause: .*", "Clause: S-HASH-15", "S-HASH-15 is free"),
    ("ref/map.c", r"    uint8_t h = b->tophash\[0\];\n", "    uint8_t h = b->tophash[0];\n    if (h == 99) {\n    }\n",
     "evacuated: this if is under no clause"),
    ("ref/map.c", r"return x <= emptyOne;", "return x <= emptyOne ? true : false;", "isEmpty: this ?: is under no clause"),
    ("ref/map.c", r"bucketEvacuated", "bucketIsEvacuated", "bucketEvacuated of map.go:1139 is missing"),
    ("ref/map.c", r"/\* map\.go:111\.", "/* map.go:112.", "the comment above isEmpty has to begin with map.go:111"),
    ("ci/spec_names.txt", r"190 bucketMask\n195 tophash\n", "195 tophash\n190 bucketMask\n",
     "bucketMask stands elsewhere"),
    ("ci/spec_names.txt", r"(?m)^111 .*\n", "", "is not map.go's list of functions"),
    ("oracle/clause.c", r'.*"check", "load".*\n', "", "no line for the rule check: load"),
    ("oracle/clause.c", r'"check", "load"', '"check", "loads"', "check: loads: no judge has this rule"),
    ("oracle/clause.c", r"An insertion MUST start", "An insertion starts", "S-ASSIGN-7 does not begin with"),
    ("ref/dump.c", r"growth=%s", "growth=%s colour=%s", "no line for the rule go: colour"),
    ("ref/SPEC.md", r"`map\.go:1180`", "`map.go:11800`", "there is nothing at map.go:11800"),
    ("ref/SPEC.md", r"### S-EVACUATE-18", "### S-EVACUATE-19", "have to be numbered 1, 2, 3"),
    ("ref/SPEC.md", r"(A free slot of an evacuated chain) MUST", r"\1 has to", "needs one sentence with a MUST"),
    ("ref/SPEC.md", r"(### S-EVACUATE-4\n\n.*\n\n.*)observed", r"\1noticed", "'noticed' is none of"),
]


def spec(tree):
    done = subprocess.run([f"{tree}/ci/spec"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, GOMAP_NO_SETUP="1"))
    return done.returncode, done.stdout


def check_table(tree):
    """A table of ci/bugs in which one mistake survives, the only one that breaks its clause."""
    names = [f[:-len(".patch")] for f in os.listdir(f"{tree}/fuzz/bugs") if f.endswith(".patch")]
    rows = [{"name": n, "judge": "check", "killed": {} if n in PATCH else {"everything": ["check: count-exact"]}}
            for n in names]
    os.makedirs(f"{tree}/build/bugs")
    with open(f"{tree}/build/bugs/table.json", "w", encoding="utf-8") as file:
        json.dump(rows, file)
    status, text = spec(tree)
    wanted = "S-ASSIGN-6 is observed, and nothing that breaks it was found by ci/bugs: assign-last-hole-first"
    if status != 1 or wanted not in text:
        print(f"build/bugs/table.json: '{wanted}' was not said, exit status {status}:\n{text[-400:]}")
        return 1
    return 0


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="gomap-spec-") as tree:
        for folder in ("ref", "oracle", "fuzz", "ci"):
            shutil.copytree(f"{ROOT}/{folder}", f"{tree}/{folder}", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(f"{ROOT}/corpus", f"{tree}/corpus", ignore=shutil.ignore_patterns("vectors", "min"))
        status, text = spec(tree)
        if status != 0:
            sys.exit(f"the copy, unbroken: exit status {status}\n{text[-800:]}")
        for path, pattern, instead, wanted in BREAKS:
            if (not CLANG and "is under no clause" in wanted) or \
                    (not SOURCE and re.search("11800|not map.go's list", wanted)):
                print(f"skipped: {wanted}: python3-clang-19 or golang-1.19-src is not installed")
                continue
            with open(f"{tree}/{path}", encoding="utf-8") as file:
                whole = file.read()
            broken = re.sub(pattern, instead, whole)
            if broken == whole:
                print(f"{path}: nothing matches {pattern}")
                failed += 1
                continue
            with open(f"{tree}/{path}", "w", encoding="utf-8") as file:
                file.write(broken)
            status, text = spec(tree)
            if status != 1 or wanted not in text:
                print(f"{path}: '{wanted}' was not said, exit status {status}:\n{text[-400:]}")
                failed += 1
            with open(f"{tree}/{path}", "w", encoding="utf-8") as file:
                file.write(whole)
        failed += check_table(tree)
    print(f"{len(BREAKS) + 1} breaks, {failed} not seen as they should be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
