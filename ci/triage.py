# SPDX-License-Identifier: BSD-3-Clause
"""ci/triage FILE: makes a failing trace as small as it gets, and shows what is left.

    ci/triage build/fuzz/crashes/grow_iter/range-missed-0badcafe
    ci/triage --target overflow crash.txt
    ci/triage --as text FILE >small.txt
    ci/triage --as c FILE >test.c
    ci/triage --promote what-was-wrong FILE

FILE is a trace, binary or text (*.txt).  It is shrunk by op, then by byte, as
long as the verdict stays the same but for its op number: for at most 60 s, and
to where every op is needed.
"""

import argparse
import glob
import os
import re
import shutil
import signal
import sys
import tempfile

import export
import export_c
import export_go
import fuzz
from fuzz import Stop, Trouble

# Builds to take, the one that sees most first.
PRESETS = ("libfuzzer-asan-ubsan", "aflpp-asan-ubsan", "asan", "gcc")
CORPUS = os.path.join(fuzz.ROOT, "corpus")
REF = os.path.join(fuzz.ROOT, "ref")
GO = ("/usr/lib/go-1.19/bin/go", shutil.which("go") or "")
TRY_SECONDS = 120  # for a program that was made, with its compilation


def target_of(path, targets):
    """The T of .../corpus/T/... and .../crashes/T/...; else everything, as replay has it."""
    found = [name for kind, name in re.findall(r"(corpus|crashes)/(?=([^/]+)/)", os.path.abspath(path)) if name in targets]
    return found[-1] if found else "everything"


def parse_arguments(arguments):
    targets = sum(fuzz.read_targets(), [])
    parser = argparse.ArgumentParser(
        prog="ci/triage", allow_abbrev=False,
        description="Makes a failing trace as small as it gets, in at most 60 s, and shows what is left.",
        epilog="Exit status: 0 done, 1 the trace does not fail, 2 wrong arguments or nothing is built, "
               "3 --as c, --as go: that cannot show it, and why, 130 interrupted.")
    parser.add_argument("file", metavar="FILE", help="a trace: binary, or text in a file named *.txt")
    parser.add_argument("--target", metavar="T", choices=targets,
                        help="run as target T; default: the T of .../corpus/T/... or .../crashes/T/..., else everything")
    parser.add_argument("--preset", metavar="P", help="use replay of build/P; default: the first that is built of "
                        + ", ".join(PRESETS))
    parser.add_argument("--as", dest="form", choices=("text", "c", "go"),
                        help="print nothing but the small trace: in its text form; as a unit test in C that needs ref/ and libc "
                        "alone, and fails; as a Go program that does the same to the built-in map, and says whether it keeps "
                        "its promise.  A trace that does not fail is printed as it is")
    parser.add_argument("--promote", metavar="NAME", help="write corpus/T/regress/NAME, and NAME.txt beside it")
    options = parser.parse_args(arguments)
    if not os.path.isfile(options.file):
        parser.error("%s is not a file" % options.file)
    if options.promote is not None and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", options.promote):
        parser.error("--promote: a name is like what-was-wrong, not '%s'" % options.promote)
    options.target = options.target or target_of(options.file, targets)
    present = [name for name in ([options.preset] if options.preset else PRESETS)
               if os.path.exists(os.path.join(fuzz.BUILD, name, "replay"))]
    if not present:
        parser.error("there is no build/%s/replay; make it: ci/cmake/build %s 2 replay" % ((options.preset or "gcc",) * 2))
    options.preset = present[0]
    options.kept = [os.path.join(CORPUS, options.target, kind, options.promote + end) for kind, end in
                    (("regress", ""), ("regress", ".txt"), ("seed", ".txt"))] if options.promote else []
    for path in options.kept:
        if os.path.exists(path):
            parser.error("--promote: there is a %s already" % os.path.relpath(path))
    return options


def judged(options):
    """The verdict, and the replay that gives it: with the real runtime where the others have nothing to say."""
    replay = fuzz.Replay(options.preset, options.target, fuzz.environment("replay", "asan-ubsan"))
    verdict, output = replay.verdict(options.file)
    if not verdict and os.path.exists(os.path.join(fuzz.BUILD, options.preset, "go", "gomap-go119")):
        replay.go = True
        verdict, output = replay.verdict(options.file)
    if not verdict:
        verdict, output = replay.verdict_as_on("aflpp", options.file)
    if verdict == "exit status 2":  # not a trace
        raise Trouble(output.strip())
    return verdict, replay


def promote(options, replay, data, verdict):
    """The input and its text twin, which says what the verdict was."""
    os.makedirs(os.path.dirname(options.kept[0]), exist_ok=True)
    fuzz.write_whole(options.kept[0], data)
    words = "# What it is, and which commit mended it.\n# Before that: %s\n" % verdict
    fuzz.write_whole(options.kept[1], (words + replay.text("--text", options.kept[0])).encode())
    return "  kept    %s, and its text\n          say in the text's first line what it is, and which commit mended it\n" % (
        os.path.relpath(options.kept[0]))


def try_c(path, flags, fails):
    """A test that does not do what it was made for is none."""
    folder = os.path.dirname(path)
    binary = os.path.join(folder, "test")
    status, output = fuzz.run(["cc", "-std=c11", *flags.split(), "-I" + REF, path, *sorted(glob.glob(REF + "/*.c")), "-o", binary],
                              TRY_SECONDS)
    if status != 0:
        raise Trouble("the test does not compile:\n" + output.rstrip("\n"))
    status, output = fuzz.run([binary], TRY_SECONDS)
    if fails and status == 0:
        raise export.Cannot("a test of results and structure passes all the same")
    if not fails and status != 0:
        raise export.Cannot("the trace does not fail, and the test does: " + output.strip())


def try_go(path):
    """What the program says on this machine, and the program as gofmt has it."""
    go = next((name for name in GO if os.path.exists(name)), None)
    if go is None:
        return "not run: there is no go here (golang-1.19-go)"
    gofmt = os.path.join(os.path.dirname(os.path.realpath(go)), "gofmt")
    if os.path.exists(gofmt):
        status, output = fuzz.run([gofmt, "-w", path], TRY_SECONDS)
        if status != 0:
            raise Trouble("the program is no Go:\n" + output.rstrip("\n"))
    env = dict(os.environ, GO111MODULE="off", GOTOOLCHAIN="local", GOCACHE=os.path.join(fuzz.ROOT, "build", "gocache"))
    env.pop("GOROOT", None)
    status, output = fuzz.run([go, "run", path], TRY_SECONDS, env=env)
    if status not in (0, 1, None):
        raise Trouble("the program does not run:\n" + output.rstrip("\n"))
    return "%s: %s" % (go, "more than %d s" % TRY_SECONDS if status is None else output.splitlines()[0])


def print_as(options, replay, path, verdict):
    """Nothing but the trace in that form; what there is to say goes to stderr."""
    text = replay.text("--text", path)
    if options.form == "text":
        sys.stdout.write(text)
        return 0
    trace = export.Trace(fuzz.run(replay.command("--steps", path), fuzz.INPUT_TIMEOUT, env=replay.env)[1])
    trace.verdict = verdict or "ok"
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "test.c" if options.form == "c" else "program.go")
        name = re.sub(r"(\.txt)?$", "." + options.form, os.path.basename(path), count=1)
        try:
            if options.form == "c":
                flags = "-g -fsanitize=address,undefined " if re.search("Sanitizer|runtime error", verdict) else ""
                fuzz.write_whole(made, export_c.program(trace, text, name, flags).encode())
                try_c(made, flags, bool(verdict))
            else:
                program, notes = export_go.program(trace, text, name)
                fuzz.write_whole(made, program.encode())
                for note in [*notes, try_go(made)]:
                    print("ci/triage: %s" % note, file=sys.stderr)
        except export.Cannot as why:
            print("ci/triage: --as %s cannot show it: %s" % (options.form, why), file=sys.stderr)
            return 3
        with open(made, encoding="utf-8") as file:
            sys.stdout.write(file.read())
    return 0


def triage(options):
    verdict, replay = judged(options)
    if not verdict and options.form:
        print("ci/triage: %s does not fail: as it is" % options.file, file=sys.stderr)
        return print_as(options, replay, options.file, "")
    if not verdict:
        print("%s: target %s with build/%s: ok, nothing to triage" % (options.file, options.target, options.preset))
        return 1
    if verdict == "timeout":
        raise Trouble("%s takes longer than %d s; replay --until N finds the op" % (options.file, fuzz.INPUT_TIMEOUT))
    if options.file.endswith(".txt"):
        with tempfile.TemporaryDirectory() as folder:
            binary = os.path.join(folder, "binary")
            fuzz.run([replay.binary, "--compile", options.file, binary], fuzz.INPUT_TIMEOUT, env=replay.env)
            with open(binary, "rb") as file:
                first = file.read()
    else:
        with open(options.file, "rb") as file:
            first = file.read(fuzz.MAX_LEN)
    with tempfile.TemporaryDirectory() as folder:
        data, verdict, note = fuzz.shrink(replay, first, verdict, folder)
    saved = fuzz.save_crash(replay, verdict, data)
    text = replay.text("--text", saved)
    fuzz.write_whole(saved + ".txt", text.encode())
    kept = promote(options, replay, data, verdict) if options.promote else ""
    if options.form:
        return print_as(options, replay, saved, verdict)
    said = replay.verdict(saved)[1].partition("\nto repeat it:")[0].rstrip("\n")
    print(said)
    if " ops before\n" in said or " ops behind\n" in said:
        print("\nall of it:\n" + text.rstrip("\n"))
    print("\n  saved   %s (%d bytes; it had %d), and its text" % (os.path.relpath(saved), len(data), len(first)))
    print("  repeat  %s" % " ".join([os.path.relpath(word) if word == replay.binary else word
                                     for word in replay.command(os.path.relpath(saved))]))
    if note:
        print("  note    %s" % note)
    sys.stdout.write(kept)
    return 0


def main(arguments):
    options = parse_arguments(arguments)
    signal.signal(signal.SIGINT, fuzz.on_signal)
    signal.signal(signal.SIGTERM, fuzz.on_signal)
    try:
        return triage(options)
    except Stop:
        return fuzz.stopped
    except Trouble as trouble:
        print("ci/triage: %s" % trouble, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
