# SPDX-License-Identifier: BSD-3-Clause
"""A trace as a unit test in C, which needs ref/ and libc and nothing else; see ci/export.py."""

import re

import export
from export import Cannot
from export_c_kinds import ELEM_MAKE, ELEMS, KEYS, NO_ELEM, SAME, TYPEHASH, hash_code

CALLS = {"assign": "put", "delete": "del", "get": "get", "iter": "iter", "next": "next", "end": "end", "clear": "clear",
         "check": "look_at_all", "fail": "fail", "seed": "gm_rand_seed", "nil": "nil", "free": "free_map"}


def lines(trace):
    for step, last, distance, count in export.runs(trace.steps):
        numbers = [str(n) for n in step.numbers]
        if step.act == "make":
            hint = step.numbers[1]
            numbers[1] = "INT64_MIN" if hint == -2**63 else "INT64_C(%d)" % hint if abs(hint) >= 2**31 else str(hint)
            yield "make(%s); // %s" % (", ".join(numbers), export.MAKERS[step.numbers[0]])
        elif step.act == "nil":
            yield "nil(%s, %s);" % (numbers[0], "true" if step.unhashable else "false")
        elif count > 1 and distance:
            yield "for (int n = %s; n != %d; %s) {" % (numbers[0], last + distance, export.advance(distance))
            yield "    %s((unsigned)n);" % CALLS[step.act]
            yield "}"
        elif count > 1:
            yield "for (int i = 0; i < %d; i++) {" % count
            yield "    %s(%s);" % (CALLS[step.act], numbers[0])
            yield "}"
        else:
            yield "%s%s(%s);" % (CALLS[step.act], "_unhashable" if step.unhashable else "", ", ".join(numbers))
    if not trace.steps or trace.steps[-1].act != "free":  # it failed before that
        yield "free_map();"


def program(trace, text, name, flags=""):
    """The test; Cannot: why there is none."""
    if trace.sabotage:
        raise Cannot("the target spoils the map behind the judges' backs; the port itself is not wrong")
    key, elem, hasher = (trace.header[word] for word in ("key", "elem", "hash"))
    size, before, rtype, functions = KEYS[key]
    elem_size, elem_before, elem_rtype = ELEMS[elem]
    if before and elem_before:
        elem_before = ""
    nan, number = SAME.get(key, ("false", "n"))
    unused = "    (void)n;\n"
    key_code = "%sstatic const rtype key_type = %s;\n\n%s\nstatic bool is_nan(unsigned n)\n{\n%s    return %s;\n}\n\n" \
        "@if assign delete get iter SHAPED\n// Equal keys have one.\nstatic unsigned id(unsigned n)\n{\n%s    return %s;\n}\n@end\n" % (
            before, rtype, functions, "" if "n" in re.findall(r"\w+", nan) else unused, nan,
            "" if "n" in re.findall(r"\w+", number) else unused, number)
    words = set(trace.acts)
    if trace.unhashable() or "nil" in words:
        words.add("PANIC")
    words.update("%s-unhashable" % step.act for step in trace.steps if step.unhashable)
    for act in ("assign", "delete", "get"):
        if not any(step.act == act and not step.unhashable for step in trace.steps):
            words.discard(act)
    if trace.header["mode"] == "exact" and "iter" in words:
        words.update(("erratum", "PANIC"))
    elif "next" in words:
        words.add("strict-next")
    if hasher not in TYPEHASH:
        words.update(("SHAPED", "NUMBER"))
    if hasher == "aes":
        words.add("AES")
    return export.fill("test.c.in", words, {
        "VERDICT": trace.verdict, "FILE": name, "FLAGS": flags, "TRACE": export.comment(text), "KEY_CODE": key_code,
        "ELEM_CODE": "%sstatic const rtype elem_type = %s;\n\n%s" % (elem_before, elem_rtype, NO_ELEM if elem == "zero" else ELEM_MAKE % elem_size),
        "HASH_CODE": hash_code(hasher, key), "KEY_SIZE": size, "ELEM_SIZE": elem_size, "LIMIT": trace.limit,
        "ENTRIES": max(1, sum(step.act == "assign" for step in trace.steps)), "SEED": trace.header["seed"],
        "MODE": "gm_" + trace.header["mode"], "STEPS": "\n".join("    " + line for line in lines(trace))})
