# SPDX-License-Identifier: BSD-3-Clause
"""For ci/spec: reads the clauses of ref/SPEC.md, the lines that cite them, and the
heads of the patches in fuzz/bugs/.  What is malformed becomes a finding."""
import glob
import os
import re

AREAS = ("TYPE", "HASH", "BUCKET", "TOPHASH", "MAKE", "LOOKUP", "ASSIGN", "DELETE", "CLEAR", "GROW", "EVACUATE",
         "OVERFLOW", "ITERATE", "MEMORY", "PANIC", "CONCURRENT")
WORDS = ("required", "observed", "free", "withdrawn")
HEADING = re.compile(r"^### (S-([A-Z]+)-([1-9]\d*))$")
PLACE = re.compile(r"^(?:`(\S+):(\d+)`|beyond map\.go) · \*\*(\w+)\*\*$")
CITE = re.compile(r"SPEC\.md#(S-[A-Z]+-\d+)(?: type=(test|exception))?(?: reason=(\S.*))?$")


def plain(text):
    return " ".join(text.split())


class Clause:
    def __init__(self, name, area, number, line):
        self.name, self.area, self.number, self.line = name, area, number, line
        self.sentence, self.place, self.word, self.body = "", None, "", []
        self.implementations, self.tests, self.exceptions, self.bugs = [], [], [], []

    def text(self):
        return plain(" ".join([self.sentence, *self.body]))

    def withdrawn(self):
        return self.word == "withdrawn"


def read_clauses(path, findings):
    """The clauses by name, in their order."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    clauses, current = {}, None
    name = os.path.relpath(path)
    for at, line in enumerate(lines, 1):
        heading = HEADING.match(line)
        if line.startswith("### S-") and not heading:
            findings.append(f"{name}:{at}: '{line}' is no clause: ### S-<AREA>-<n>")
        if heading:
            current = Clause(heading[1], heading[2], int(heading[3]), at)
            if current.area not in AREAS:
                findings.append(f"{name}:{at}: {current.name}: no area '{current.area}'; there are: {', '.join(AREAS)}")
            if current.name in clauses:
                findings.append(f"{name}:{at}: {current.name} is there twice")
            clauses[current.name] = current
        elif line.startswith("#"):
            current = None
        elif current is None:
            continue
        elif not current.sentence:
            current.sentence = line
        elif not current.word and line:
            place = PLACE.match(line)
            if not place:
                findings.append(f"{name}:{at}: {current.name}: the line after the sentence has to be "
                                "`FILE:LINE` · **word**, or beyond map.go · **word**")
                current.word = "free"
                continue
            current.place = (place[1], int(place[2])) if place[1] else None
            current.word = place[3]
        else:
            current.body.append(line)
    for clause in clauses.values():
        where = f"{name}:{clause.line}: {clause.name}"
        if "MUST" not in clause.sentence or not clause.sentence.endswith("."):
            findings.append(f"{where}: needs one sentence with a MUST, on one line")
        if clause.word not in WORDS:
            findings.append(f"{where}: '{clause.word}' is none of {', '.join(WORDS)}")
    for area in AREAS:
        numbers = [c.number for c in clauses.values() if c.area == area]
        if numbers != list(range(1, len(numbers) + 1)):
            findings.append(f"{name}: area {area}: its clauses have to be numbered 1, 2, 3 .., "
                            "and what is dropped stays as withdrawn")
    return clauses


def check_places(clauses, source, findings):
    """Every place is a line of Go's sources with something on it."""
    files = {}
    for clause in clauses.values():
        if clause.place is None:
            continue
        path, line = clause.place
        full = f"{source}/{path if '/' in path else f'runtime/{path}'}"
        if full not in files:
            try:
                with open(full, encoding="utf-8") as file:
                    files[full] = file.read().split("\n")
            except OSError:
                files[full] = []
        lines = files[full]
        if line > len(lines) or not lines[line - 1].strip():
            findings.append(f"ref/SPEC.md:{clause.line}: {clause.name}: there is nothing at {path}:{line} in go1.19")


class Citation:
    """One //= line, with the words below it."""

    def __init__(self, path, line, clause, kind, reason):
        self.path, self.line, self.clause, self.kind, self.reason = path, line, clause, kind, reason
        self.words = []
        self.target = line  # the line that it stands above
        self.asserts = False  # and is that one a static assertion?


def cited_files(root):
    found = []
    for pattern in ("ref/*.[ch]", "ref/tests/*.[ch]", "oracle/*.[ch]", "oracle/tests/*.[ch]", "fuzz/*.[ch]",
                    "fuzz/tests/*.[ch]", "corpus/*/seed/*.txt", "corpus/*/regress/*.txt"):
        found += sorted(glob.glob(f"{root}/{pattern}"))
    return [os.path.relpath(f, root) for f in found]


def is_test(path):
    return "/tests/" in path or path.startswith(("fuzz/fuzz_", "corpus/"))


def read_citations(root, path, findings):
    with open(f"{root}/{path}", encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    mark = "#" if path.endswith(".txt") else "//"
    cite, words = re.compile(rf"^\s*{mark}=(.*)$"), re.compile(rf"^\s*{mark}#\s?(.*)$")
    found, block = [], []
    for at, line in enumerate(lines, 1):
        head, more = cite.match(line), words.match(line)
        if head:
            parts = CITE.match(head[1].strip())
            if not parts:
                findings.append(f"{path}:{at}: '{line.strip()}' is no citation: "
                                f"{mark}= SPEC.md#S-<AREA>-<n> [type=test | type=exception reason=WHY]")
                continue
            block.append(Citation(path, at, parts[1], parts[2] or "implementation", parts[3]))
            found.append(block[-1])
        elif more and block:
            block[-1].words.append(more[1])
        elif more and mark == "//":
            findings.append(f"{path}:{at}: words of no clause: a line {mark}= has to stand above them")
        elif block and line.strip() and not line.strip().startswith(("/*", "* ", "*/")):
            for citation in block:
                citation.target = at
                citation.asserts = line.lstrip().startswith(("_Static_assert", "GM_AT("))
            block = []
    return found


def check_citations(citations, clauses, findings):
    quoted = set()
    for c in citations:
        where = f"{c.path}:{c.line}"
        clause = clauses.get(c.clause)
        if clause is None:
            findings.append(f"{where}: there is no clause {c.clause}")
            continue
        if clause.withdrawn():
            findings.append(f"{where}: {c.clause} is withdrawn")
            continue
        words = plain(" ".join(c.words))
        if words and words not in clause.text():
            findings.append(f"{where}: {c.clause} does not say '{words}'; it says '{clause.sentence}'")
        if words:
            quoted.add((c.path, c.clause))
        elif (c.path, c.clause) not in quoted:
            findings.append(f"{where}: the first line of a file that cites {c.clause} has to quote some of its words")
        if (c.kind == "exception") != (c.reason is not None):
            findings.append(f"{where}: type=exception and reason= come together")
        if (c.kind == "test") != (is_test(c.path) or c.asserts):
            findings.append(f"{where}: type=test belongs to tests (tests/, fuzz/fuzz_*.c, corpus/, static assertions), "
                            "and to nothing else")
        {"implementation": clause.implementations, "test": clause.tests, "exception": clause.exceptions}[c.kind].append(c)


class Bug:
    def __init__(self, root, path, findings):
        with open(f"{root}/{path}", encoding="utf-8") as file:
            head = file.read().split("\n--- a/")[0]
        self.path, self.name = path, os.path.basename(path)[:-len(".patch")]
        self.what = plain(head.split("\n\n")[0])
        found = re.search(r"^Clause: (\S.*)$", head, re.M)
        if not found:
            findings.append(f"{path}: its head has no line 'Clause: S-<AREA>-<n>', for what it breaks")
        self.clauses = re.split(r",\s*", found[1].strip()) if found else []


def read_bugs(root, clauses, findings):
    bugs = []
    for full in sorted(glob.glob(f"{root}/fuzz/bugs/*.patch")):
        bug = Bug(root, os.path.relpath(full, root), findings)
        bugs.append(bug)
        for name in bug.clauses:
            clause = clauses.get(name)
            if clause is None or clause.withdrawn():
                findings.append(f"{bug.path}: Clause: there is no clause '{name}'")
            elif clause.word == "free":
                findings.append(f"{bug.path}: Clause: {name} is free: breaking it is no mistake")
            else:
                clause.bugs.append(bug)
    return bugs
