# SPDX-License-Identifier: BSD-3-Clause
"""Holds the clauses of ref/SPEC.md against the code, the tests and the catalogue of
mistakes.

    ci/spec                     all of it: what is wrong, and the matrix
    ci/spec S-EVACUATE-4        one clause, with all its lines

build/spec/index.html       the matrix as a page, in which each clause leads to its lines

What it looks at is listed in ref/SPEC.md, "How clauses are cited".  A clause needs an
implementation (or an exception with its reason), a test and, if it is required or
observed, a mistake in fuzz/bugs/ that breaks it.  That the mistake is found is what
`ci/bugs` shows; where its table is there and no older than what it speaks of, ci/spec
reads it.

Exit status: 0 all is well, 1 something is missing or wrong, 2 bad arguments.
"""
import argparse
import glob
import json
import os
import subprocess
import sys

import spec_html
import spec_port
import spec_rules
import spec_text

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GO = "/usr/share/go-1.19/src"
PAGES = f"{ROOT}/build/spec"


def say(text):
    print(f"ci/spec: {text}", file=sys.stderr, flush=True)


def bug_table():
    """What the last ci/bugs says, by bug, if nothing that it speaks of is newer; else None.
    Without Go it left out what only the judge go sees: of those nothing is known."""
    path = f"{ROOT}/build/bugs/table.json"
    inputs = [f for pattern in ("ref/*.[ch]", "fuzz/bugs/*.patch", "corpus/*/*/*")
              for f in glob.glob(f"{ROOT}/{pattern}")]
    try:
        if os.path.getmtime(path) < max(os.path.getmtime(f) for f in inputs):
            return None
        with open(path, encoding="utf-8") as file:
            rows = json.load(file)
        with_go = any(verdict.startswith("go: ") for row in rows for verdicts in row.get("killed", {}).values()
                      for verdict in verdicts)
        return {row["name"]: bool(row.get("killed")) for row in rows
                if row.get("killed") or with_go or row["judge"] != "go"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def check_ties(clauses, killed, findings):
    """Has each clause its implementation, its test and its mistake?"""
    for clause in clauses.values():
        if clause.withdrawn():
            continue
        where = f"ref/SPEC.md:{clause.line}: {clause.name}"
        if not clause.implementations and not clause.exceptions:
            findings.append(f"{where} has no implementation: no line //= SPEC.md#{clause.name} in ref/ or oracle/")
        if not clause.tests:
            findings.append(f"{where} has no test: no line //= SPEC.md#{clause.name} type=test")
        if clause.word == "free":
            continue
        if not clause.bugs:
            findings.append(f"{where} is {clause.word}, and no patch in fuzz/bugs/ breaks it")
        elif killed is not None and not any(killed.get(bug.name, True) for bug in clause.bugs):
            names = ", ".join(bug.name for bug in clause.bugs)
            findings.append(f"{where} is {clause.word}, and nothing that breaks it was found by ci/bugs: {names}")


def first(items, show):
    """The first item, and how many more there are."""
    if not items:
        return "-"
    return show(items[0]) + (f" +{len(items) - 1}" if len(items) > 1 else "")


def place(citation):
    return f"{citation.path}:{citation.target}"


def show_matrix(clauses, killed):
    print(f"{'clause':<14} {'word':<9} {'implementation':<22} {'test':<34} {'mistake that breaks it'}")
    for clause in clauses.values():
        # The most particular test is the one that says it in code.
        tests = sorted(clause.tests, key=lambda c: c.path.startswith("corpus/"))
        bugs = sorted(clause.bugs, key=lambda b: not (killed or {}).get(b.name, True))
        code = clause.implementations or clause.exceptions
        print(f"{clause.name:<14} {clause.word:<9} {first(code, place):<22} {first(tests, place):<34} "
              f"{first(bugs, lambda b: b.name)}")


def show_clause(clause, killed):
    print(f"{clause.name} ({clause.word}; {'%s:%d' % clause.place if clause.place else 'beyond map.go'})")
    print(f"  {clause.sentence}")
    for title, citations in (("implementation", clause.implementations), ("exception", clause.exceptions),
                             ("test", clause.tests)):
        for citation in citations:
            print(f"  {title:<15} {place(citation)}" + (f": {citation.reason}" if citation.reason else ""))
    for bug in clause.bugs:
        fate = None if killed is None else killed.get(bug.name)
        dies = "" if fate is None else " (found)" if fate else " (NOT FOUND)"
        print(f"  {'mistake':<15} {bug.name}{dies}: {bug.what}")


def arguments(clauses):
    parser = argparse.ArgumentParser(
        prog="ci/spec", allow_abbrev=False,
        description="Holds the clauses of ref/SPEC.md against code, tests and the catalogue of mistakes; "
                    "writes build/spec/index.html.",
        epilog="Exit status: 0 all is well, 1 something is missing or wrong, 2 bad arguments.")
    parser.add_argument("clauses", nargs="*", metavar="CLAUSE", help="show these only, with all their lines")
    args = parser.parse_args()
    for name in args.clauses:
        if name not in clauses:
            parser.error(f"no clause '{name}' in ref/SPEC.md; a name is like S-EVACUATE-4")
    return args


def main():
    os.chdir(ROOT)
    findings = []
    clauses = spec_text.read_clauses(f"{ROOT}/ref/SPEC.md", findings)
    args = arguments(clauses)
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2
    source = GO if os.path.exists(f"{GO}/runtime/map.go") else None
    if source:
        spec_text.check_places(clauses, source, findings)
    else:
        say("skipped: places in go1.19, and the recorded list of map.go's functions: golang-1.19-src is not installed")
    citations = [c for path in spec_text.cited_files(ROOT) for c in spec_text.read_citations(ROOT, path, findings)]
    spec_text.check_citations(citations, clauses, findings)
    bugs = spec_text.read_bugs(ROOT, clauses, findings)
    killed = bug_table()
    check_ties(clauses, killed, findings)
    rules = spec_rules.check_rules(ROOT, clauses, findings)
    twins, exceptions = spec_port.check_names(ROOT, source, findings)
    branches = spec_port.check_branches(ROOT, citations, findings)
    spec_html.write(ROOT, PAGES, clauses, citations, bugs, killed)

    if args.clauses:
        for name in args.clauses:
            show_clause(clauses[name], killed)
    else:
        show_matrix(clauses, killed)
    for finding in findings:
        print(finding)
    if branches is None:
        say("skipped: branches of ref/map.c: python3-clang-19 is not installed")
    if killed is None:
        say("build/bugs/table.json is missing or old: that the mistakes are found is left to ci/bugs")
    words = {word: sum(1 for c in clauses.values() if c.word == word) for word in spec_text.WORDS}
    print(f"{len(clauses)} clauses ({', '.join(f'{n} {word}' for word, n in words.items() if n)}), "
          f"{len(citations)} citations, {len(bugs)} mistakes{'' if killed is None else f' ({sum(killed.values())} found by ci/bugs)'}, "
          f"{rules} rules of judges; "
          f"map.go: {twins} functions have their twin, {exceptions} need none; "
          + (f"{branches} branches of map.c under a clause; " if branches is not None else "")
          + f"{len(findings)} findings")
    print(f"page: {os.path.relpath(PAGES)}/index.html")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
