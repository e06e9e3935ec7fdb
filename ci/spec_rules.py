# SPDX-License-Identifier: BSD-3-Clause
"""For ci/spec: names each rule that a failure can be reported under a clause of
SPEC.md (oracle/clause.c), and does the table name no other?"""
import re

TABLE = "oracle/clause.c"
ROW = re.compile(r'^    \{"([^"]+)", "([^"]+)", (?:"([^"]+)"|NULL), "(.*)"\},$')


def read(root, path):
    with open(f"{root}/{path}", encoding="utf-8") as file:
        return file.read()


def rules_of_code(root):
    """All (judge, rule) that the sources can report."""
    found = {("check", rule) for rule in re.findall(r'GM_HOLDS\(c, "([^"]+)"', read(root, "ref/check.c"))}
    for path in ("oracle/judges.c", "oracle/judge_go.c", "fuzz/run.c"):
        found |= set(re.findall(r'oracle_differ\(\s*[\w&>.-]+, "([^"]+)", "([^"]+)"', read(root, path)))
    for judge in ("uthash", "range"):
        found |= {(judge, rule) for rule in re.findall(r'DIFFER\(\s*"([^"]+)"', read(root, f"oracle/model_{judge}.c"))}
    # What the handler was told, unasked: run.c has the words in a list.
    words = re.search(r'words\[\] = \{(.*?)\};', read(root, "fuzz/run.c"), re.S)
    found |= {(judge, "unexpected") for judge in re.findall(r'"(\w+)"', words[1] if words else "")}
    return found | {("go", rule) for rule in fields(root)}


def fields(root):
    """The fields by which two dumps are compared, oracle/field.c."""
    field = read(root, "oracle/field.c")
    found = set(re.findall(r'found\(&?f, "([^"]+)"', field)) | set(re.findall(r': found\(&f, "([^"]+)"', field))
    dump, go = read(root, "ref/dump.c"), read(root, "oracle/judge_go.c")
    header = function(dump, "gm_dump").split("buckets")[0] + function(dump, "gm_dump_flags")
    iterator = function(dump, "gm_dump_iter") + function(dump, "gm_dump_bptr")
    for prefix, text in (("", header), ("iter.", iterator),
                         ("result.", function(go, "judge_go_port_result")),
                         ("", function(go, "judge_go_port_state"))):
        names = {name for string in re.findall(r'"((?:[^"\\]|\\.)*)"', text) for name in re.findall(r"(?:^|\s)(\w+)=", string)}
        # An iterator's key and elem are compared when it moves, as results.
        found |= {prefix + name for name in names if prefix != "iter." or name not in ("key", "elem")}
    return found | {"ended", "iter.ended", "result.ended"}


def function(text, name):
    found = re.search(rf"^[^\n;]*\b{name}\([^;{{]*\)\n\{{\n(.*?)^\}}", text, re.M | re.S)
    if not found:
        raise LookupError(name)
    return found[1]


def check_rules(root, clauses, findings):
    """Returns how many rules name a clause."""
    named = {}
    for at, line in enumerate(read(root, TABLE).split("\n"), 1):
        row = ROW.match(line)
        if not row:
            continue
        judge, rule, name, words = row.groups()
        words = words.replace('\\"', '"')
        where = f"{TABLE}:{at}: {judge}: {rule}"
        if (judge, rule) in named:
            findings.append(f"{where} is there twice")
        named[judge, rule] = name
        if name is None:
            continue
        clause = clauses.get(name)
        if clause is None or clause.withdrawn():
            findings.append(f"{where}: there is no clause {name}")
        elif not clause.sentence.startswith(words) or not words:
            findings.append(f"{where}: {name} does not begin with '{words}'; it says '{clause.sentence}'")
    try:
        code = rules_of_code(root)
    except LookupError as missing:
        findings.append(f"{TABLE}: cannot be compared with the judges: there is no function {missing}")
        code = set(named)
    for judge, rule in sorted(code - set(named)):
        findings.append(f"{TABLE}: no line for the rule {judge}: {rule}")
    for judge, rule in sorted(set(named) - code):
        findings.append(f"{TABLE}: {judge}: {rule}: no judge has this rule")
    return sum(1 for name in named.values() if name is not None)
