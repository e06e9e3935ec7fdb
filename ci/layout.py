# SPDX-License-Identifier: BSD-3-Clause
"""What lies where in the map, for tools that read memory: ref/layout.json, and tables of it.

    ci/layout            writes both, from the code
    ci/layout --check    compares both with the code, and with a real Go where there is one

ref/layout.json has these keys:

    format              1; another number where a key changes its meaning
    go                  the Go whose map it is
    64, 32              by size of a word:
      pointer_size      bytes
      structs           by name: size, and fields with name, offset, size (bytes) and type
      constants         of map.go, by name
      tophash           what a tophash byte below minTopHash says of its slot
      flags             bits of hmap.flags
      maptype_flags     bits of maptype.flags
      buckets           bucket layouts of map types: offsets of keys, elems and the overflow
                        pointer; keysize and elemsize of a slot; key_type_size and
                        elem_type_size, of which only a pointer is stored where indirectkey
                        and indirectelem say so; pointers: does the collector scan the bucket

A table stands in ref/SPEC.md, or a chapter of it, between <!-- layout: NAME --> and
<!-- end -->; NAME is hmap, mapextra, bmap, hiter, _type, maptype, tophash, flags,
maptype_flags or buckets.
"""

import argparse
import difflib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(ROOT, "ci")
JSON = os.path.join(ROOT, "ref", "layout.json")
TABLES = os.path.join(ROOT, "ref", "SPEC*.md")
GO = ("/usr/lib/go-1.19/bin/go", shutil.which("go") or "")
GOARCH = {"64": "amd64", "32": "386"}
M32 = ("-m32", "-idirafter", "/usr/include/x86_64-linux-gnu")
TIMEOUT = 300

# Map types that the table of buckets shows, by key and elem.
EXAMPLES = (("int64", "int64"), ("int8", "int8"), ("int32", "[128]uint8"), ("string", "int64"), ("string", "struct {}"),
            ("struct {}", "int64"), ("struct {}", "struct {}"), ("interface {}", "unsafe.Pointer"),
            ("struct { a uint8; b uint64 }", "int8"), ("[127]uint8", "int64"), ("[128]uint8", "int64"),
            ("[129]uint8", "int64"), ("int64", "[129]uint8"), ("[1000]uint8", "[1025]uint8"))

STATES = {"emptyRest": "empty, and so is every later slot of the chain", "emptyOne": "empty",
          "evacuatedX": "moved to the bucket of the same number in `buckets`",
          "evacuatedY": "moved to the bucket of this number plus the old number of buckets",
          "evacuatedEmpty": "was empty when its bucket was evacuated",
          "minTopHash": "from here on: an entry, and the byte is the top byte of its hash (plus 5 where that is below 5)"}
FLAGS = {"iterator": "there may be an iterator over `buckets`", "oldIterator": "there may be an iterator over `oldbuckets`",
         "hashWriting": "a write is going on", "sameSizeGrow": "the growth under way keeps the number of buckets"}
TYPE_FLAGS = {"indirectkey": "the slot has a pointer to the key", "indirectelem": "the slot has a pointer to the elem",
              "reflexivekey": "k == k for every key", "needkeyupdate": "assigning to an entry writes its key, too",
              "hashMightPanic": "hashing a key may panic"}


class Trouble(Exception):
    """What is missing, or broken: exit status 2."""


def say(text):
    print("ci/layout: " + text, file=sys.stderr, flush=True)


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, **options)
    return done.returncode, done.stdout


# --- the code ------------------------------------------------------------------

def can_build(flags):
    """Is there a compiler for that size of a word?"""
    with tempfile.TemporaryDirectory() as folder:
        probe = os.path.join(folder, "probe.c")
        with open(probe, "w", encoding="utf-8") as file:
            file.write("#include <errno.h>\nint main(void) { return errno; }\n")
        return run(["cc", *flags, probe, "-o", probe + ".out"])[0] == 0


def from_code(bits):
    """The part of the JSON that is about one size of a word, as text."""
    flags = M32 if bits == "32" else ()
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "layout")
        status, output = run(["cc", "-std=c11", *flags, os.path.join(HERE, "layout.c"), os.path.join(ROOT, "oracle", "kinds.c"),
                              *sorted(glob.glob(os.path.join(ROOT, "ref", "*.c"))), "-o", binary])
        if status == 0:
            status, output = run([binary])
    if status != 0:
        raise Trouble("ci/layout.c for %s bits:\n%s" % (bits, output.rstrip("\n")))
    return output


def whole(parts):
    """ref/layout.json, of the parts by size of a word."""
    text = '{\n"format": 1,\n"go": "go1.19",\n' + ",\n".join('"%s": %s' % (bits, parts[bits].rstrip("\n")) for bits in ("64", "32"))
    text += "\n}\n"
    json.loads(text)
    return text


# --- tables --------------------------------------------------------------------

def markdown(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def table(layout, name):
    """A table of SPEC.md."""
    wide, small = layout["64"], layout["32"]
    if name in wide["structs"]:
        pairs = zip(wide["structs"][name]["fields"], small["structs"][name]["fields"])
        rows = [["`%s`" % a["name"], "`%s`" % a["type"], str(a["offset"]), str(a["size"]), str(b["offset"]), str(b["size"])]
                for a, b in pairs]
        rows.append(["in all", "", "", str(wide["structs"][name]["size"]), "", str(small["structs"][name]["size"])])
        return markdown(["field", "type", "offset, 64-bit", "size", "offset, 32-bit", "size"], rows)
    for key, words in (("tophash", STATES), ("flags", FLAGS), ("maptype_flags", TYPE_FLAGS)):
        if name == key:
            return markdown(["value" if key == "tophash" else "bit", "name", "meaning"],
                            [[str(number), "`%s`" % word, words[word]] for word, number in wide[key].items()])
    if name == "buckets":
        rows = []
        for key, elem in EXAMPLES:
            found = [next(b for b in part["buckets"] if (b["key"], b["elem"]) == (key, elem)) for part in (wide, small)]
            rows.append(["`map[%s]%s`" % (key, elem)] + [str(b[word]) for b in found
                                                         for word in ("keysize", "elemsize", "elems", "overflow", "bucketsize")])
        return markdown(["map", "key slot, 64-bit", "elem slot", "elems at", "overflow at", "bucket",
                         "key slot, 32-bit", "elem slot", "elems at", "overflow at", "bucket"], rows)
    raise Trouble("there is no table '%s'" % name)


MARKED = re.compile(r"(<!-- layout: (\S+) -->\n)(.*?)(<!-- end -->)", re.S)


def with_tables(text, layout):
    return MARKED.sub(lambda m: "%s\n%s\n%s" % (m.group(1), table(layout, m.group(2)), m.group(4)), text)


def documents():
    return [path for path in sorted(glob.glob(TABLES)) if "<!-- layout: " in read(path)]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


# --- Go --------------------------------------------------------------------------

def find_go():
    """The go1.19 of this machine, or why there is none."""
    for name in GO:
        if os.path.exists(name):
            env = dict(os.environ, GOTOOLCHAIN="local")
            env.pop("GOROOT", None)
            said = run([name, "version"], env=env)[1]
            if re.match(r"go version go1\.19(\.\d+)? ", said):
                return name, ""
    return None, "no go1.19 here (golang-1.19-go)"


def go_build(go, bits, folder, sources, output):
    env = dict(os.environ, GO111MODULE="off", GOTOOLCHAIN="local", CGO_ENABLED="0", GOOS="linux", GOARCH=GOARCH[bits],
               GOCACHE=os.path.join(ROOT, "build", "gocache"))
    env.pop("GOROOT", None)
    env.pop("GOFLAGS", None)
    status, said = run([go, "build", "-p", "2", "-o", output, *sources], cwd=folder, env=env)
    if status != 0:
        raise Trouble("Go does not compile %s:\n%s" % (", ".join(sources), said.rstrip("\n")))


def from_go(go, part, bits):
    """What the DWARF and the type descriptors of a Go program say, for that size of a word; None: it cannot run here."""
    names = [*part["structs"], *part["constants"], *part["tophash"], *part["flags"]]
    types = '//go:build ignore\n\npackage main\n\nimport (\n\t"runtime"\n\t"unsafe"\n)\n\nvar _ unsafe.Pointer\n'
    types += "var version = runtime.Version()\nvar wanted = map[string]bool{%s}\n" % ", ".join('"%s": true' % n for n in names)
    # A variable of each: a type that no variable has is not in the DWARF.
    types += "".join("var m%d map[%s]%s\n" % (i, b["key"], b["elem"]) for i, b in enumerate(part["buckets"]))
    types += "var maps = []any{%s}\n" % ", ".join("m%d" % i for i in range(len(part["buckets"])))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(HERE, "layout.go"), folder)
        write(os.path.join(folder, "types.go"), types)
        binary = os.path.join(folder, "layout")
        go_build(go, bits, folder, ["layout.go", "types.go"], binary)
        try:
            status, said = run([binary])
        except OSError:
            return None
    if status != 0:
        raise Trouble("ci/layout.go on %s: %s" % (GOARCH[bits], said.rstrip("\n")))
    return json.loads(said)


def differences(part, real):
    """Where they differ, a line each."""
    if part["pointer_size"] != real["pointer_size"]:
        yield "pointer_size: %s, and in Go %s" % (part["pointer_size"], real["pointer_size"])
    for name, ours in part["structs"].items():
        theirs = real["structs"].get(name, {"size": "missing", "fields": []})
        wanted = {f["name"]: (f["offset"], f["size"]) for f in ours["fields"]}
        found = {f["name"]: (f["offset"], f["size"]) for f in theirs["fields"]}
        if ours["size"] != theirs["size"]:
            yield "%s: size %s, and in Go %s" % (name, ours["size"], theirs["size"])
        for word in [*wanted, *(word for word in found if word not in wanted)]:
            if wanted.get(word) != found.get(word):
                yield "%s.%s: (offset, size) is %s, and in Go %s" % (name, word, wanted.get(word), found.get(word))
    for kind in ("constants", "tophash", "flags"):
        for word, number in part[kind].items():
            if real["constants"].get(word) != number:
                yield "%s is %s, and in Go %s" % (word, number, real["constants"].get(word))
    for ours, theirs in zip(part["buckets"], real["buckets"]):
        # What the descriptor says by its flags is said twice in ours.
        for word in theirs:
            if ours[word] != theirs[word]:
                yield "map[%s]%s: %s is %s, and in Go %s" % (ours["key"], ours["elem"], word, ours[word], theirs[word])
        for word in ("indirectkey", "indirectelem"):
            if ours[word] != (theirs["flags"] & part["maptype_flags"][word] != 0):
                yield "map[%s]%s: %s is %s, and not in Go" % (ours["key"], ours["elem"], word, ours[word])
    if len(part["buckets"]) != len(real["buckets"]):
        yield "%d bucket layouts, and in Go %d" % (len(part["buckets"]), len(real["buckets"]))


def compare_go(layout):
    """With a real Go, for both sizes of a word: how many differences."""
    go, why = find_go()
    if go is None:
        say("skipped: not compared with Go: " + why)
        return 0
    count = 0
    for bits in ("64", "32"):
        real = from_go(go, layout[bits], bits)
        if real is None:
            say("skipped: not compared with Go on %s: this machine does not run its programs" % GOARCH[bits])
            continue
        found = list(differences(layout[bits], real))
        for line in found:
            print("%s, %s bits: %s" % (real["version"], bits, line))
        if not found:
            print("%s on %s: %d structs, %d constants, %d bucket layouts are the same by DWARF and type descriptors" % (
                real["version"], GOARCH[bits], len(layout[bits]["structs"]),
                sum(len(layout[bits][kind]) for kind in ("constants", "tophash", "flags")), len(layout[bits]["buckets"])))
        count += len(found)
    return count


# --- the command -------------------------------------------------------------------

def check_text(path, wanted):
    """Does the file say that?"""
    have = read(path) if os.path.exists(path) else ""
    if have == wanted:
        return 0
    name = os.path.relpath(path, ROOT)
    sys.stdout.writelines(line if line.endswith("\n") else line + "\n" for line in difflib.unified_diff(
        have.splitlines(True), wanted.splitlines(True), name, name + ", from the code", n=0))
    return 1


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="ci/layout", allow_abbrev=False,
        description="Writes ref/layout.json, and the tables made of it in ref/SPEC*.md, from the code.",
        epilog="Exit status: 0 done, 1 --check has found a difference, 2 wrong arguments or something is missing.")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; compare both with the code, and layout.json with Go's DWARF and type descriptors")
    options = parser.parse_args(arguments)
    try:
        parts = {"64": from_code("64")}
        if can_build(M32):
            parts["32"] = from_code("32")
        elif options.check and os.path.exists(JSON):
            say("skipped: the 32-bit part: cc cannot build for 32-bit x86 (gcc-12-multilib, libc6-dev-i386)")
            parts["32"] = re.search(r'^"32": (\{.*^\})\n\}\n\Z', read(JSON), re.M | re.S).group(1)
        else:
            raise Trouble("cc cannot build for 32-bit x86; ci/setup installs what it takes (gcc-12-multilib, libc6-dev-i386)")
        text = whole(parts)
        layout = json.loads(text)
        if not options.check:
            write(JSON, text)
            for path in documents():
                write(path, with_tables(read(path), layout))
            return 0
        wrong = check_text(JSON, text)
        for path in documents():
            wrong += check_text(path, with_tables(read(path), layout))
        wrong += compare_go(layout)
        if wrong:
            print("ci/layout: differences; where the code is right, run ci/layout and commit what it writes")
        return 1 if wrong else 0
    except Trouble as trouble:
        say(str(trouble))
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
