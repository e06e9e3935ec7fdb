# SPDX-License-Identifier: BSD-3-Clause
"""For ci/spec: has ref/map.c all functions of map.go, and is every branch of it
under a clause?"""
import os
import re

RECORD = "ci/spec_names.txt"
FUNC = re.compile(r"^func (?:\(\w+ \*?(\w+)\) )?(\w+)\(")
DEFINITION = re.compile(r"^(?:static )?(?:const )?\w[\w ]*?[ *](\w+)\(")
# A statement longer than this is too much to be under one clause.
SCREEN = 24


# ---- names -----------------------------------------------------------------

def go_functions(path):
    """(line, name as it is spelled here) of each function of map.go."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    found = []
    for at, line in enumerate(lines, 1):
        func = FUNC.match(line)
        if func:
            found.append((at, f"{func[1]}_{func[2]}" if func[1] else func[2]))
    return found


def read_record(root, findings):
    """(line, name, why it has no twin or None), as recorded."""
    found = []
    with open(f"{root}/{RECORD}", encoding="utf-8") as file:
        for at, line in enumerate(file.read().split("\n"), 1):
            row = re.match(r"^(\d+) (\w+)(?:: (\S.*))?$", line)
            if row:
                found.append((int(row[1]), row[2], row[3]))
            elif line and not line.startswith("#"):
                findings.append(f"{RECORD}:{at}: '{line}' is not LINE NAME[: why it has no twin]")
    return found


def c_functions(lines):
    """(line, name, what the comment above says of map.go's line) of each function defined in map.c."""
    found, comment = [], ""
    for at, line in enumerate(lines, 1):
        if line.startswith("/*"):
            comment = line
        func = DEFINITION.match(line)
        if func and not line.rstrip().endswith((";", ",")) and not line.startswith(("#", "typedef")):
            place = re.match(r"/\* map\.go:(\d+)\b", comment)
            found.append((at, func[1], int(place[1]) if place else None))
            comment = ""
        elif func and line.rstrip().endswith(","):
            end = next((i for i in range(at, min(at + 6, len(lines))) if lines[i].rstrip().endswith((";", ")"))), at)
            if not lines[end].rstrip().endswith(";"):
                found.append((at, func[1], None))
                comment = ""
    return found


def check_names(root, source, findings):
    """Returns how many functions of map.go have their twin, and how many need none."""
    record = read_record(root, findings)
    if source is not None:
        real = go_functions(f"{source}/runtime/map.go")
        if real != [(line, name) for line, name, _ in record]:
            wrong = [f"{line} {name}" for line, name in set(real) ^ {(line, name) for line, name, _ in record}]
            findings.append(f"{RECORD}: is not map.go's list of functions: {', '.join(sorted(wrong)) or 'another order'}")
    with open(f"{root}/ref/map.c", encoding="utf-8") as file:
        port = c_functions(file.read().split("\n"))
    places = {name: (at, place) for at, name, place in port}
    before = 0
    for line, name, why in record:
        if why is not None:
            if name in places:
                findings.append(f"{RECORD}: {name} is said to have no twin, and map.c has one")
            continue
        if name not in places:
            findings.append(f"ref/map.c: {name} of map.go:{line} is missing")
            continue
        at, place = places[name]
        if place != line:
            findings.append(f"ref/map.c:{at}: the comment above {name} has to begin with map.go:{line}")
        if at < before:
            findings.append(f"ref/map.c:{at}: {name} stands elsewhere in map.go's order")
        before = at
    return sum(1 for r in record if r[2] is None), sum(1 for r in record if r[2] is not None)


# ---- branches --------------------------------------------------------------

class Scope:
    """What one citation covers: the statement below it, with all that is in it;
    if that is longer than a screen, its head only."""

    def __init__(self, cursor, cited_lines, lines):
        start, end = cursor.extent.start, cursor.extent.end
        self.line, self.last = start.line, end.line
        length = sum(1 for n in range(start.line, end.line + 1) if n not in cited_lines)
        if length > SCREEN:
            self.last = start.line
            while self.last < end.line and not lines[self.last - 1].rstrip().endswith("{"):
                self.last += 1

    def covers(self, line):
        return self.line <= line <= self.last


def check_branches(root, citations, findings):
    """Every branch of every function of map.c lies in the scope of a citation.
    Returns how many there are, or None where libclang is missing."""
    try:
        from clang import cindex
        index = cindex.Index.create()
    except (ImportError, OSError, RuntimeError):
        try:
            cindex.Config.set_library_file("libclang-19.so.1")
            index = cindex.Index.create()
        except (NameError, OSError, RuntimeError, cindex.LibclangError):
            return None
    path = f"{root}/ref/map.c"
    unit = index.parse(path, args=["-std=c11", f"-I{root}/ref", *system_headers()])
    errors = [d for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
    if errors:
        findings.append(f"ref/map.c: libclang: {errors[0].spelling}")
        return 0
    kinds = cindex.CursorKind
    branches = {kinds.IF_STMT: "if", kinds.CONDITIONAL_OPERATOR: "?:", kinds.SWITCH_STMT: "switch",
                kinds.FOR_STMT: "for", kinds.WHILE_STMT: "while", kinds.DO_STMT: "do"}
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    cited_lines = {n for n, text in enumerate(lines, 1) if text.lstrip().startswith(("//=", "//#"))}
    targets = {c.target for c in citations if c.path == "ref/map.c"}
    total = 0
    for function in unit.cursor.get_children():
        if function.kind != kinds.FUNCTION_DECL or not function.is_definition() or \
                function.location.file is None or os.path.abspath(function.location.file.name) != os.path.abspath(path):
            continue
        body = [c for c in function.get_children() if c.kind == kinds.COMPOUND_STMT][0]
        inside, outermost = [], {}
        for cursor in body.walk_preorder():
            if cursor == body:
                continue
            inside.append(cursor)
            outermost.setdefault(cursor.extent.start.line, cursor)
        scopes = [Scope(outermost[n], cited_lines, lines) for n in targets if n in outermost]
        for cursor in inside:
            if cursor.kind not in branches:
                continue
            total += 1
            line = cursor.extent.start.line
            if not any(scope.covers(line) for scope in scopes):
                findings.append(f"ref/map.c:{line}: {function.spelling}: this {branches[cursor.kind]} is under no clause")
    return total


def system_headers():
    """Debian's libclang has its own headers, but does not always find them."""
    for folder in ("/usr/lib/llvm-19/lib/clang/19/include", "/usr/lib/clang/19/include"):
        if os.path.isdir(folder):
            return ["-isystem", folder]
    return []
