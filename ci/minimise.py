# SPDX-License-Identifier: BSD-3-Clause
"""The smallest trace that still fails in the same way: by op, in its text form, then by byte.

For ci/triage and ci/fuzz.  Nothing here runs anything: the caller's fails() says
whether a trace (text or bytes) still does.
"""

import re
import time

SECONDS = 60
HEADER = 12  # bytes, and
OP = 4       # bytes: fuzz/FORMAT.md

KEYS = re.compile(r"(assign|delete|get) (\d+)(?:\.\.(\d+)| x(\d+))?(?: step (\d+))?")


def lower(n, least=0):
    """Smaller numbers than n, the smallest first, each half as far away as the one before."""
    gap = n - least
    while gap > 0:
        yield n - gap
        gap //= 2


def keys_line(word, first, count, step):
    """An operation on keys, as trace_print writes it."""
    last = first + (count - 1) * step
    if count == 1:
        return "%s %d" % (word, first)
    return ("%s %d..%d" % (word, first, last) if last <= 65535 else "%s %d x%d" % (word, first, count)) + (
        " step %d" % step if step > 1 else "")


def simpler_keys(word, first, count, step):
    for part in [1 << bit for bit in reversed(range(6)) if 1 << bit < count]:
        yield [keys_line(word, (first + part * step) % 65536, count - part, step)]
        yield [keys_line(word, first, count - part, step)]
    if count >= 4:  # its two ends
        end = count // 4
        yield [keys_line(word, first, end, step), keys_line(word, (first + (count - end) * step) % 65536, end, step)]
    if step > 1:
        yield [keys_line(word, first, count, 1)]
    for key in lower(first):
        yield [keys_line(word, key, count, step)]


def simpler(op):
    """What may stand in the place of an operation: lists of lines, the boldest first."""
    keys = KEYS.fullmatch(op)
    if keys:
        word, first, last, times, step = keys.groups()
        first, step = int(first), int(step or 1)
        count = int(times) if times else (int(last) - first) // step + 1 if last else 1
        yield from simpler_keys(word, first, count, step)
        return
    if op.endswith(" x*"):
        yield [op[:-3]]
    if op.startswith("make "):
        for word in op.split()[1:]:
            yield [op.replace(" " + word, "")]
        return
    for number in re.finditer(r"(?<= x)\d+|(?<= )\d+", op):
        count = op[number.start() - 1] == "x"
        for n in lower(int(number.group(0)), 1 if count else 0):
            line = op[:number.start()] + str(n) + op[number.end():]
            yield [line[:-3] if line.endswith(" x1") else line]


def simpler_headers(header):
    """Fewer words, then smaller numbers; a word that is missing has its plainest value."""
    words = header.split()
    for at in reversed(range(1, len(words))):
        yield " ".join(words[:at] + words[at + 1:])
    for at in range(1, len(words)):
        name, _, value = words[at].partition("=")
        if name in ("seed", "hint") and value.isdigit():
            for n in lower(int(value)):
                yield " ".join(words[:at] + ["%s=%d" % (name, n)] + words[at + 1:])


def by_op(text, fails, end):
    """Runs of ops are removed, counts shortened, keys and other numbers made smaller, and the same with the map's
    words, until nothing of that can be done: then every op is needed."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    header = lines.pop(0) if lines and lines[0].split()[0] == "map" else "map"
    known = set()

    def still(new_header, new_ops):
        candidate = "\n".join([new_header] + new_ops) + "\n"
        if candidate in known or time.monotonic() >= end:
            return False
        known.add(candidate)
        return fails(candidate)

    ops = lines
    before = None
    while before != (header, ops) and time.monotonic() < end:
        before = header, list(ops)
        size = max(1, len(ops) // 2)
        while size:
            at = len(ops)
            while at > 0:
                at -= size
                fewer = ops[:max(at, 0)] + ops[at + size:]
                if still(header, fewer):
                    ops = fewer
            size //= 2
        at = 0
        while at < len(ops):
            found = next((new for new in simpler(ops[at]) if still(header, ops[:at] + new + ops[at + 1:])), None)
            if found is None:
                at += 1
            else:
                ops = ops[:at] + found + ops[at + 1:]
        found = header
        while found is not None:
            header = found
            found = next((new for new in simpler_headers(header) if still(new, ops)), None)
    return "\n".join([header] + ops) + "\n"


def by_byte(data, fails, end):
    """Chunks of whole ops are removed, then zeroed, then bytes made smaller."""
    for plain in (b"", b"\0"):
        size = OP * max(1, len(data) // 8)
        while size >= OP:
            at = max(0, (len(data) - 1) // size * size)
            while at >= 0 and time.monotonic() < end:
                chunk = data[at:at + size]
                shorter = data[:at] + plain * len(chunk) + data[at + size:]
                if shorter != data and fails(shorter):
                    data = shorter
                at -= size
            size = size // 2 // OP * OP
    for at in reversed(range(len(data))):
        while data[at] and time.monotonic() < end:
            for smaller in sorted({0, data[at] // 2, data[at] - 1}):
                trial = data[:at] + bytes([smaller]) + data[at + 1:]
                if fails(trial):
                    data = trial
                    break
            else:
                break
    return data


def minimise(data, text, fails, encode, seconds=SECONDS):
    """A failing trace, as bytes and as text: (bytes, was there time to try everything).

    encode makes bytes of text, or None.  Where the text does not fail, or its
    bytes do not, it is done by byte alone.
    """
    end = time.monotonic() + seconds
    if fails(text):
        encoded = encode(by_op(text, fails, end))
        if encoded is not None and fails(encoded):
            data = encoded
    before = None
    while data != before and time.monotonic() < end:  # a byte made smaller may make an op needless
        before = data
        data = by_byte(data, fails, end)
    return data, time.monotonic() < end
