# SPDX-License-Identifier: BSD-3-Clause
"""Makes mutants of C sources from their syntax tree, for ci/mutants.

    for mutant in mutate.mutants("ref/map.c", ["-std=c11"]): ...

A mutant is one small edit of one expression, statement or constant.  Only code
that the compiler sees has any: what the preprocessor leaves out has no tree.
Needs clang 19's python bindings (python3-clang-19).
"""
import re

import clang.cindex
from clang.cindex import BinaryOperator, CursorKind, TranslationUnit

RELATIONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
EQUALITIES = {"==": "!=", "!=": "=="}
# Statements that can be left out; a declaration cannot, its name is needed.
DROPPED = {CursorKind.CALL_EXPR, CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR,
           CursorKind.UNARY_OPERATOR, CursorKind.UNEXPOSED_EXPR, CursorKind.RETURN_STMT, CursorKind.GOTO_STMT,
           CursorKind.BREAK_STMT, CursorKind.CONTINUE_STMT, CursorKind.IF_STMT, CursorKind.FOR_STMT,
           CursorKind.WHILE_STMT, CursorKind.DO_STMT, CursorKind.SWITCH_STMT}
# Nothing in these is evaluated when the program runs.
SKIPPED = {CursorKind.STATIC_ASSERT, CursorKind.CXX_UNARY_EXPR, CursorKind.TYPE_REF}
BRANCHES = {CursorKind.IF_STMT, CursorKind.FOR_STMT, CursorKind.WHILE_STMT, CursorKind.DO_STMT}


class Mutant:
    """One edit: source[start:end] becomes text."""

    def __init__(self, source, function, operator, start, end, text, whole):
        self.file, self.function, self.operator = source.name, function, operator
        self.start, self.end, self.text = start, end, text
        # What people and the list of equivalent ones see: the lines that change, or
        # the statement that goes, without comments and line breaks.
        if whole:
            self.before, self.after = plain(source.text[start:end]), ";"
        else:
            first = source.text.rfind("\n", 0, start) + 1
            last = source.text.find("\n", end)
            self.before = plain(source.text[first:last])
            self.after = plain(source.text[first:start] + text + source.text[end:last])
        self.line = source.text.count("\n", 0, start) + 1
        self.ordinal = 1  # of those that look the same

    def apply(self, text):
        return text[:self.start] + self.text + text[self.end:]

    def key(self):
        return (self.file, self.function, self.operator, self.before, self.after, self.ordinal)


def plain(text):
    return " ".join(re.sub(r"/\*.*?\*/", " ", text, flags=re.S).split())


class Source:
    """A parsed file, and the mutants found so far."""

    def __init__(self, path, arguments):
        self.name = path.rsplit("/", 1)[-1]
        with open(path, encoding="latin-1") as file:  # a character a byte, as clang's offsets count
            self.text = file.read()
        unit = clang.cindex.Index.create().parse(
            path, args=arguments, options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        faults = [str(d) for d in unit.diagnostics if d.severity >= clang.cindex.Diagnostic.Error]
        if faults:
            raise SyntaxError(f"clang cannot parse {path}: {faults[0]}")
        self.path, self.macros, self.found, self.taken = path, {}, [], set()
        here = [c for c in unit.cursor.get_children() if c.location.file and c.location.file.name == path]
        for cursor in here:
            if cursor.kind == CursorKind.MACRO_INSTANTIATION:
                self.macros.setdefault(self.range(cursor), cursor.spelling)
        for cursor in here:
            self.top(cursor)

    def range(self, cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def code(self, cursor):
        start, end = self.range(cursor)
        return self.text[start:end]

    def add(self, operator, start, end, text, whole=False):
        if start < end and (start, end, text) not in self.taken:
            self.taken.add((start, end, text))
            self.found.append(Mutant(self, self.function, operator, start, end, text, whole))

    def top(self, cursor):
        self.function = cursor.spelling
        if cursor.kind == CursorKind.FUNCTION_DECL:
            for child in cursor.get_children():
                if child.kind == CursorKind.COMPOUND_STMT:
                    self.block(child)
        elif cursor.kind == CursorKind.VAR_DECL:
            self.initialiser(cursor)
        elif cursor.kind == CursorKind.ENUM_DECL:
            for child in cursor.get_children():
                self.function = child.spelling
                self.initialiser(child)

    def initialiser(self, cursor):
        """What stands behind the =, if there is one: an array's bound is no constant of the program."""
        start, end = self.range(cursor)
        equals = self.text.find("=", start, end)
        for child in cursor.get_children():
            if equals >= 0 and self.range(child)[0] > equals:
                self.expression(child)

    # ---- statements ----

    def block(self, cursor):
        for child in cursor.get_children():
            self.statement(child)

    def statement(self, cursor):
        kind, children = cursor.kind, list(cursor.get_children())
        discarded = self.code(cursor).startswith("(void)")
        if kind in DROPPED and not discarded:
            block = kind in BRANCHES or kind == CursorKind.SWITCH_STMT
            self.add("drop", *self.range(cursor), ";" if block else "", whole=True)
        if kind == CursorKind.COMPOUND_STMT:
            self.block(cursor)
        elif kind == CursorKind.LABEL_STMT:
            self.block(cursor)
        elif kind in (CursorKind.CASE_STMT, CursorKind.DEFAULT_STMT):
            if kind == CursorKind.CASE_STMT:
                self.expression(children.pop(0))
            for child in children:
                self.statement(child)
        elif kind in BRANCHES:
            condition = self.condition(cursor, children)
            for i, child in enumerate(children):
                if i == condition:
                    self.negate(child)
                    self.expression(child)
                elif kind == CursorKind.FOR_STMT and i < len(children) - 1:
                    self.expression(child)  # what stands in its brackets
                else:
                    self.statement(child)
        elif kind == CursorKind.SWITCH_STMT:
            self.expression(children[0])
            self.statement(children[-1])
        else:
            self.expression(cursor)

    def condition(self, cursor, children):
        """Which of the children decides; None: an endless for."""
        if cursor.kind != CursorKind.FOR_STMT:
            return len(children) - 1 if cursor.kind == CursorKind.DO_STMT else 0
        depth, at, parts = 0, self.text.index("(", cursor.extent.start.offset), []
        while len(parts) < 2:
            depth += {"(": 1, ")": -1}.get(self.text[at], 0)
            if self.text[at] == ";" and depth == 1:
                parts.append(at)
            at += 1
        return next((i for i, c in enumerate(children) if parts[0] < self.range(c)[0] < parts[1]), None)

    # ---- expressions ----

    def expression(self, cursor):
        kind, where = cursor.kind, self.range(cursor)
        if kind in SKIPPED:
            return
        if kind == CursorKind.VAR_DECL:
            self.initialiser(cursor)
            return
        if kind == CursorKind.INTEGER_LITERAL or kind == CursorKind.DECL_REF_EXPR and \
                cursor.referenced is not None and cursor.referenced.kind == CursorKind.ENUM_CONSTANT_DECL:
            self.constant(cursor)
        elif where not in self.macros:  # the inside of a macro is nobody's text
            children = list(cursor.get_children())
            if kind == CursorKind.BINARY_OPERATOR:
                self.binary(cursor, children)
            elif kind == CursorKind.UNARY_OPERATOR and self.code(cursor).startswith("!"):
                self.negate(cursor)
            elif kind == CursorKind.CONDITIONAL_OPERATOR:
                self.negate(children[0])
            elif kind == CursorKind.CALL_EXPR:
                self.swap(cursor)
        for child in cursor.get_children():
            self.expression(child)

    def binary(self, cursor, children):
        operator = cursor.binary_operator
        if operator in (BinaryOperator.LAnd, BinaryOperator.LOr):
            self.negate(cursor)
            for child in children:
                self.negate(child)
        elif operator in (BinaryOperator.LT, BinaryOperator.LE, BinaryOperator.GT, BinaryOperator.GE):
            self.negate(cursor)
            self.change("shift", children, RELATIONS)
        elif operator in (BinaryOperator.EQ, BinaryOperator.NE):
            self.negate(cursor)

    def change(self, name, children, table):
        start, end = self.range(children[0])[1], self.range(children[1])[0]
        found = re.search(r"[<>=!]+", self.text[start:end])
        if found and found.group() in table:
            self.add(name, start + found.start(), start + found.end(), table[found.group()])

    def negate(self, cursor):
        start, end = self.range(cursor)
        code = self.text[start:end]
        while cursor.kind == CursorKind.UNEXPOSED_EXPR and len(list(cursor.get_children())) == 1:
            cursor = next(cursor.get_children())
        if (start, end) not in self.macros:
            if cursor.kind == CursorKind.UNARY_OPERATOR and code.startswith("!"):
                self.add("negate", start, start + 1, "")
                return
            if cursor.kind == CursorKind.PAREN_EXPR:
                self.negate(next(cursor.get_children()))
                return
            if cursor.kind == CursorKind.BINARY_OPERATOR and \
                    cursor.binary_operator in (BinaryOperator.EQ, BinaryOperator.NE):
                self.change("negate", list(cursor.get_children()), EQUALITIES)
                return
        self.add("negate", start, end, f"!({code})")

    def swap(self, cursor):
        """Neighbours in the list of arguments."""
        ranges = [self.range(argument) for argument in cursor.get_arguments()]
        for (start, end), (start2, end2) in zip(ranges, ranges[1:]):
            first, second = self.text[start:end], self.text[start2:end2]
            if end <= start2 and plain(first) != plain(second):
                self.add("swap", start, end2, second + self.text[end:start2] + first)

    def constant(self, cursor):
        start, end = self.range(cursor)
        code = self.text[start:end]
        macro = self.macros.get((start, end), "")
        if code in ("true", "false"):
            self.add("constant", start, end, "false" if code == "true" else "true")
        elif macro == "NULL" or macro.startswith("atomic_") or code.startswith("memory_order_"):
            return
        elif re.fullmatch(r"\d+", code):
            self.add("constant", start, end, str(int(code) + 1))
            if int(code) > 0:
                self.add("constant", start, end, str(int(code) - 1))
        else:
            zero = cursor.kind == CursorKind.DECL_REF_EXPR and cursor.referenced.enum_value == 0
            self.add("constant", start, end, f"({code} + 1)")
            if not zero:
                self.add("constant", start, end, f"({code} - 1)")


def mutants(path, arguments):
    """All mutants of one file, in the order of its text."""
    found = sorted(Source(path, arguments).found, key=lambda m: (m.start, m.end, m.operator, m.text))
    seen = {}
    for mutant in found:
        alike = mutant.key()[:5]
        mutant.ordinal = seen[alike] = seen.get(alike, 0) + 1
    return found
