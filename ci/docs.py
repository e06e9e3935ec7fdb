# SPDX-License-Identifier: BSD-3-Clause
"""Runs what ref/SPEC.md and ref/PORTING.md show, and follows the links of all documents.

    ci/docs                     examples, pictures, links
    ci/docs --mistakes          the traces that name a bug, on a port that has it
    ci/docs --draw              writes the pictures again

The fenced blocks, by the first word behind the fence:

    trace [bug=NAME] [picture=FILE.svg@N]...
                    a trace, which replays clean under all judges (and beside
                    the real go1.19 where it is installed); the picture is the
                    one of the state after op N.  With --mistakes, the program
                    with fuzz/bugs/NAME.patch has to fail on it.
    dump [after=N]  the state after op N, or the last one, of the trace above
    verdict         how the program with the trace's bug begins what it says
    console         `$ command`, run where the repository is, and what it prints

In what is expected, a line `...` stands for any lines, `...` within a line for
anything; in a dump a line that begins with two blanks goes on where the one
before ended.  Exit status: 0 all is as shown, 1 something is not (FILE:LINE: what),
2 bad arguments or something is missing.
"""
import argparse
import concurrent.futures
import difflib
import glob
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

import bugs_catalogue
import bugs_replay
from bugs_catalogue import ROOT, VERDICT, Bug, build, say
from bugs_replay import BUILD

DOCUMENTS = ("ref/SPEC.md", "ref/PORTING.md")
WORDS = ("trace", "dump", "verdict", "console")
TIMEOUT = 120


class Wrong(Exception):
    """Something is not as the document shows it."""


class Block:
    def __init__(self, document, line, info, text):
        self.document, self.line, self.text = document, line, text
        word, *options = info.split()
        self.word, self.options, self.pictures = word, {}, []
        self.shown = []  # of a trace: the blocks below that show something of it
        for option in options:
            name, _, value = option.partition("=")
            picture = re.fullmatch(r"(\S+\.svg)@(\d+)", value)
            if word == "trace" and name == "picture" and picture:
                self.pictures.append((picture.group(1), picture.group(2)))
            elif (word == "trace" and name == "bug" and value) or (word == "dump" and name == "after" and value.isdigit()):
                self.options[name] = value
            else:
                raise Wrong(f"{document}:{line}: a block '{word}' has no option '{option}'")

    def __str__(self):
        return f"{self.document}:{self.line}"


def read(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def blocks_of(document):
    """The blocks that are examples; dumps and verdicts are with their trace as well."""
    found, trace, inside = [], None, None
    for number, line in enumerate(read(document).split("\n"), 1):
        if inside is not None:
            if line.rstrip() == "```":
                first, info, lines = inside
                inside = None
                if info.split()[:1] and info.split()[0] in WORDS:
                    block = Block(document, first, info, "".join(f"{text}\n" for text in lines))
                    found.append(block)
                    if block.word == "trace":
                        trace = block
                    elif block.word != "console":
                        if trace is None:
                            raise Wrong(f"{block}: a block '{block.word}' without a trace above it")
                        trace.shown.append(block)
            else:
                inside[2].append(line)
        elif line.startswith("```"):
            inside = (number, line[3:].strip(), [])
    if inside is not None:
        raise Wrong(f"{document}:{inside[0]}: this block has no end")
    return found


def compare(block, expected, got, whole=True):
    """Raises Wrong unless what was got is what the block expects (or, not whole, begins with it)."""
    if block.word == "dump":
        expected = re.sub(r"\n {2,}", " ", expected)
    lines = expected.splitlines()
    pattern = ""
    for line in lines:
        pattern += r"(?:.*\n)*?" if line == "..." else r".*?".join(re.escape(part) for part in line.split("...")) + "\n"
    if re.fullmatch(pattern, got) if whole else re.match(pattern, got):
        return
    difference = difflib.unified_diff(lines, got.splitlines(), "shown", "got", lineterm="", n=3)
    raise Wrong(f"{block}: this is not what comes out\n" + "\n".join(difference))


def run(command, **options):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, cwd=ROOT, timeout=TIMEOUT, **options)
    except subprocess.TimeoutExpired as end:
        raise Wrong(f"{shlex.join(command)}: has not ended after {TIMEOUT} seconds") from end


def states_of(text):
    """What replay --dump says, by the number of the op."""
    parts = re.split(r"^ +(\d+)  [a-z].*\n", text, flags=re.M)
    states = {int(number): body for number, body in zip(parts[1::2], parts[2::2])}
    if states:
        last = max(states)
        states[last] = re.sub(r"^1 files, 0 failed.*\n\Z", "", states[last], flags=re.M)
    return {number: body.strip("\n") + "\n" for number, body in states.items()}


def written(folder, block):
    path = os.path.join(folder, f"{os.path.basename(block.document)}-{block.line}.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(block.text)
    return path


def check_trace(block, folder, go):
    """Runs a trace and compares its dumps; how many states were compared with the real runtime."""
    path = written(folder, block)
    done = run([f"{BUILD}/replay", "--target", "everything", "--whole", "--dump", path])
    if done.returncode != 0:
        raise Wrong(f"{block}: the port does not replay this clean\n{done.stdout}")
    states = states_of(done.stdout)
    for shown in block.shown:
        if shown.word == "dump":
            after = int(shown.options.get("after", max(states)))
            if after not in states:
                raise Wrong(f"{shown}: the trace has no op {after}")
            compare(shown, shown.text, states[after])
        elif "bug" not in block.options:
            raise Wrong(f"{shown}: a verdict of a trace without a bug")
    if not go or re.search(r"\bmode=strict\b", block.text):
        return 0
    done = run([f"{BUILD}/replay", "--target", "everything", "--judge", "go", path])
    agrees = re.search(r"agrees: (\d+) states", done.stdout)
    if done.returncode != 0 or not agrees:
        raise Wrong(f"{block}: go1.19 does otherwise\n{done.stdout}")
    return int(agrees.group(1))


def check_console(block):
    commands = re.split(r"^\$ (.*)\n", block.text, flags=re.M)
    if commands[0] or len(commands) < 3:
        raise Wrong(f"{block}: the first line is no '$ command'")
    for command, expected in zip(commands[1::2], commands[2::2]):
        try:
            done = run(shlex.split(command))
        except OSError as trouble:
            raise Wrong(f"{block}: {command}: {trouble}") from trouble
        if done.returncode != 0:
            raise Wrong(f"{block}: {command}: exit status {done.returncode}\n{done.stdout}")
        compare(block, expected, done.stdout)


def drawn(block, picture, until, folder):
    out = f"{folder}/{os.path.basename(picture)}"
    done = run([f"{BUILD}/replay", "--target", "everything", "--draw", out, "--until", until, written(folder, block)])
    if done.returncode != 0:
        raise Wrong(f"{block}: {picture} cannot be drawn\n{done.stdout}")
    with open(out, encoding="utf-8") as file:
        return file.read()


def pictures_of(blocks):
    for block in blocks:
        for picture, until in block.pictures:
            yield block, os.path.join(os.path.dirname(block.document), picture), until


def check_picture(block, picture, until, folder):
    try:
        old = read(picture)
    except OSError as trouble:
        raise Wrong(f"{block}: {picture}: {trouble.strerror}; ci/docs --draw draws it") from trouble
    if drawn(block, picture, until, folder) != old:
        raise Wrong(f"{block}: {picture} is not the picture of this trace any more; ci/docs --draw draws it")


# ---- links -------------------------------------------------------------------


def anchors(document, known={}):
    """The anchors of a document's headings, made as GitHub makes them."""
    if document not in known:
        text = re.sub(r"^```.*?^```", "", read(document), flags=re.M | re.S)
        known[document], seen = set(), {}
        for heading in re.findall(r"^#+ (.*)$", text, re.M):
            heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
            anchor = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
            count = seen[anchor] = seen.get(anchor, -1) + 1
            known[document].add(f"{anchor}-{count}" if count else anchor)
    return known[document]


def check_links(document):
    """How many links there are to files of ours and to headings in them."""
    text = re.sub(r"^```.*?^```", lambda block: "\n" * block.group().count("\n"), read(document), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    count = 0
    for link in re.finditer(r"\]\(([^)\s]+)\)", text):
        place = f"{document}:{text.count(chr(10), 0, link.start()) + 1}"
        path, _, anchor = link.group(1).partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        count += 1
        target = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
        if not os.path.exists(f"{ROOT}/{target}"):
            raise Wrong(f"{place}: there is no {target}")
        if anchor and target.endswith(".md") and anchor not in anchors(target):
            raise Wrong(f"{place}: {target} has no heading #{anchor}")
    return count


# ---- mistakes ----------------------------------------------------------------


def how_it_ended(status):
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def check_mistake(block, base, folder):
    """Builds the port with the trace's bug, and sees it fail."""
    name = block.options["bug"]
    scratch = f"{ROOT}/build/docs/{name}"
    trouble = bugs_replay.make(Bug(name), base, scratch)
    if trouble:
        raise Wrong(f"{block}: fuzz/bugs/{name}.patch {trouble['error']}\n{trouble['log']}")
    done = run([f"{scratch}/replay", "--target", "everything", written(folder, block)], preexec_fn=bugs_replay.limits)
    verdict = VERDICT.search(done.stdout)
    if not (done.returncode == 1 and verdict) and done.returncode >= 0:
        raise Wrong(f"{block}: no judge and no crash tells of the bug {name}\n{done.stdout}")
    for shown in block.shown:
        if shown.word == "verdict":
            compare(shown, shown.text, done.stdout, whole=False)
    return f"{block}: {name}: {verdict.group() if verdict else how_it_ended(done.returncode)}"


# ---- all ---------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/docs", allow_abbrev=False,
        description="Runs the examples of ref/SPEC.md and ref/PORTING.md, compares their pictures, follows links.",
        epilog="Exit status: 0 all is as shown, 1 something is not, 2 bad arguments or something is missing.")
    parser.add_argument("--draw", action="store_true", help="write the pictures again, check nothing")
    parser.add_argument("--mistakes", action="store_true",
                        help="put the bugs that the traces name into the port, and see the traces fail")
    args = parser.parse_args()
    if args.draw and args.mistakes:
        parser.error("--draw and --mistakes do not go together")
    return args


def judge_go():
    done = subprocess.run([f"{BUILD}/replay", "--judges"], capture_output=True, text=True)
    if re.search(r"^go \(", done.stdout, re.M):
        return True
    say(f"judge go: skipped: {done.stderr.strip()}")
    return False


def gather(works):
    """Runs them two at a time; prints what is wrong, returns what is not."""
    results, wrong = [], 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(*work) for work in works]:
            try:
                results.append(future.result())
            except Wrong as what:
                wrong += 1
                print(f"{what}\n")
    return results, wrong


def main():
    args = arguments()
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2
    bugs_catalogue.program = "ci/docs"
    build("gcc", os.cpu_count() or 1, "replay", "bucket")
    blocks = [block for document in DOCUMENTS for block in blocks_of(document)]
    traces = [block for block in blocks if block.word == "trace"]
    with tempfile.TemporaryDirectory() as folder:
        if args.draw:
            for block, picture, until in pictures_of(blocks):
                text = drawn(block, picture, until, folder)
                os.makedirs(os.path.dirname(f"{ROOT}/{picture}"), exist_ok=True)
                with open(f"{ROOT}/{picture}", "w", encoding="utf-8") as file:
                    file.write(text)
                print(picture)
            return 0
        if args.mistakes:
            base = bugs_replay.Base(False, os.cpu_count() or 1)
            seen, wrong = gather([(check_mistake, block, base, folder) for block in traces if "bug" in block.options])
            print("\n".join(seen))
            print(f"{len(seen) + wrong} mistakes, {len(seen)} seen, {wrong} not")
            return 1 if wrong or not seen else 0
        states, wrong = gather([(check_trace, block, folder, go) for go in [judge_go()] for block in traces])
        consoles = [block for block in blocks if block.word == "console"]
        wrong += gather([(check_console, block) for block in consoles])[1]
        pictures = list(pictures_of(blocks))
        wrong += gather([(check_picture, *picture, folder) for picture in pictures])[1]
        documents = sorted(path for path in glob.glob("**/*.md", root_dir=ROOT, recursive=True) if not path.startswith("build/"))
        links, lost = gather([(check_links, document) for document in documents])
        wrong += lost
    dumps = sum(1 for block in blocks if block.word == "dump")
    print(f"{len(traces)} traces with {dumps} dumps, {sum(states)} states compared with go1.19; {len(consoles)} commands, "
          f"{len(pictures)} pictures, {sum(links)} links in {len(documents)} documents; {wrong} wrong")
    return 1 if wrong or not traces else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as what:
        print(what)
        sys.exit(1)
