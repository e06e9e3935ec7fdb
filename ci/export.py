# SPDX-License-Identifier: BSD-3-Clause
"""What a trace did, step by step, as a program of its own: ci/triage --as c, --as go.

`replay --steps` says which steps a trace comes to; the parts here turn them into
lines of C or Go, and fill them into a template of ci/templates/:

    @NAME@              replaced by a value
    @if A B             the lines up to @end stand where a step is called A or B,
    ...                 or where A or B is among the words that the exporter adds
    @end
"""

import os
import re

TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")
MAKERS = ("makemap", "makemap64", "makemap_small", "reflect_makemap", "own")


class Cannot(Exception):
    """Why this trace cannot be shown in that form: exit status 3."""


class Trace:
    """The steps of a run, as replay --steps prints them."""

    def __init__(self, output):
        self.header, self.limit, self.sabotage, self.verdict, self.steps = {}, 0, False, "", []
        for line in output.splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "map":
                self.header = dict(word.split("=", 1) for word in words[1:])
            elif words[0] == "limit":
                self.limit = int(words[1])
            elif words[0] == "sabotage":
                self.sabotage = words[1] == "1"
            elif words[0] == "verdict":
                self.verdict = line.partition(" ")[2]
            elif re.fullmatch(r"[a-z]+( -?\d+)*( unhashable)?", line):
                self.steps.append(Step(words))
            else:  # a sanitizer's words: the port has ended the program
                break
        self.acts = {step.act for step in self.steps}

    def unhashable(self):
        return any(step.unhashable for step in self.steps)


class Step:
    def __init__(self, words):
        self.act = words[0]
        self.unhashable = words[-1] == "unhashable"
        self.numbers = [int(word) for word in words[1:len(words) - self.unhashable]]


def runs(steps):
    """The steps in order, those that follow each other in equal distance as (first step, last number, distance, how many)."""
    at = 0
    while at < len(steps):
        step, last, distance = steps[at], at, None
        if step.act in ("assign", "delete", "get") and not step.unhashable:
            while last + 1 < len(steps) and (steps[last + 1].act, steps[last + 1].unhashable) == (step.act, False):
                next_distance = steps[last + 1].numbers[0] - steps[last].numbers[0]
                if next_distance != (next_distance if distance is None else distance) or next_distance == 0:
                    break
                distance, last = next_distance, last + 1
        elif step.act == "next":
            while last + 1 < len(steps) and (steps[last + 1].act, steps[last + 1].numbers) == ("next", step.numbers):
                last += 1
        if last - at < 2:
            last = at
        yield step, steps[last].numbers[0] if step.numbers else 0, distance or 0, last - at + 1
        at = last + 1


def fill(name, words, values):
    """A template of ci/templates/, for what these words stand for, with these values."""
    with open(os.path.join(TEMPLATES, name), encoding="utf-8") as file:
        text = file.read()
    for key, value in values.items():
        text = text.replace("@%s@" % key, str(value).rstrip("\n"))
    out, keep = [], [True]  # an @if may stand in another
    for line in text.splitlines():
        if line.startswith("@if "):
            keep.append(keep[-1] and bool(words & set(line.split()[1:])))
        elif line == "@end":
            keep.pop()
        elif keep[-1]:
            out.append(line)
    return "\n".join(out) + "\n"


def advance(distance):
    """n++ and its like."""
    sign = "+" if distance > 0 else "-"
    return "n" + 2 * sign if abs(distance) == 1 else "n %s= %d" % (sign, abs(distance))


def comment(text):
    """Lines as a comment of C or Go, indented in it."""
    return "\n".join(("//     " + line).rstrip() for line in text.strip().splitlines())
