#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A Python dict as a child of gomap-conform, at the level map: the example to copy.

    build/gcc/gomap-conform -- python3 fuzz/conform/child_dict.py

One line in, one line out (PROTOCOL.md).  What a dict cannot do is answered with
`unsupported`, and gomap-conform goes on without it.
"""
import struct
import sys

GREETING = "hello 1 levels=map name=Python dict"


def key_of(word):
    """A word of the protocol as a dict key; its first letter says what it is.

    The letter goes into the key, since in Python 1 == 1.0 and in Go they differ
    where both can be keys of one map.  Equality is Python's own: -0.0 is 0.0,
    and a NaN, of which each call makes a new one, equals nothing."""
    kind, rest = word[0], word[1:]
    if kind == "i":
        return kind, int(rest)
    if kind in "xp":  # bytes, or an address: as they are written
        return kind, rest
    if kind == "f":
        return kind, float_of(rest)
    if kind == "c":
        real, imaginary = rest.split(",")
        return kind, float_of(real), float_of(imaginary)
    if kind == "s":  # fields a and b, and a byte for the padding, which is no part of the value
        a, b = rest.split(",")[:2]
        return kind, int(a), int(b)
    if kind == "u":  # Go cannot hash it, and no more can Python
        return kind, []
    if word in ("z", "n"):
        return (kind,)
    raise ValueError(word)


def float_of(digits):
    return struct.unpack(">d", bytes.fromhex(digits))[0]


class Child:
    def __init__(self):
        self.map = {}

    def ok(self):
        return f"ok {len(self.map)}"

    def answer(self, words):
        """The answer to one request, split at its blanks."""
        what = words[0]
        if words == ["hello", "1"]:
            return GREETING
        if what == "map":  # the kinds of key and elem are of no use to a dict
            self.map = {}
            return self.ok()
        if what == "set":
            self.map[key_of(words[1])] = words[2]  # an elem is given back as it came
            return self.ok()
        if what == "get":
            elem = self.map.get(key_of(words[1]))
            return "absent" if elem is None else f"ok {elem}"
        if what == "del":
            key = key_of(words[1])
            if key in self.map:  # pop(key, None) lets an unhashable key pass where the dict is empty
                del self.map[key]
            return self.ok()
        if what == "clear":
            self.map.clear()
            return self.ok()
        if what == "len":
            return self.ok()
        return "unsupported"


def main():
    child = Child()
    for line in sys.stdin:
        try:
            said = child.answer(line.split())
        except TypeError as error:  # unhashable
            said = f"panic {error}"
        sys.stdout.write(said + "\n")
        sys.stdout.flush()  # an answer that lies in a buffer is no answer


if __name__ == "__main__":
    main()
