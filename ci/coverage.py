# SPDX-License-Identifier: BSD-3-Clause
"""Which lines and branches of ref/ the corpus reaches, by target and in all, on both
word sizes; then the same with the unit tests.

    ci/coverage                     the table, and what is wrong
    ci/coverage --missing           what the corpus misses, as lines for ci/coverage.list

build/coverage/html/index.html      the same table, and the sources with their counts

A branch counts twice, as taken and as not taken.  Nothing is left out silently: each
outcome that the corpus misses stands in ci/coverage.list with the reason, in a section

    trace: REASON       no trace can take it, but the unit tests do
    never: REASON       nothing can take it
    chance: REASON      it is taken or not, from run to run

and a line counts as one that cannot be reached only where it is missed because of such
an outcome.  So 100 % of lines and branches means: of those that the list leaves.
Exit status: 0 all that is left is reached, by the corpus; of all branches, listed ones
too, 98 % are taken by the corpus alone; and the list is exact (what it names is there,
and missed).  1 otherwise, 2 bad arguments or something is missing.
"""
import argparse
import collections
import concurrent.futures
import html
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = f"{ROOT}/build/coverage"
LIST = f"{ROOT}/ci/coverage.list"
PRESETS = {64: "coverage", 32: "coverage-m32"}
NEEDED = 98     # per cent of all branches, by the corpus alone
SHOWN = 88      # characters of a condition

EXPANSION, MCDC_DECISION = 1, 5     # kinds of regions and branches in llvm-cov's JSON


def say(text):
    print(f"ci/coverage: {text}", file=sys.stderr, flush=True)


def trouble(text):
    say(text)
    sys.exit(2)


def output(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        trouble(f"{' '.join(command[:4])} ..: exit status {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


# --- running -----------------------------------------------------------------

class Build:
    """One word size: its programs, and the profiles of what they ran."""

    def __init__(self, bits):
        self.bits = bits
        self.folder = f"{ROOT}/build/{PRESETS[bits]}"
        self.replay = f"{self.folder}/replay"
        self.profiles = f"{self.folder}/profiles"

    def make(self, jobs):
        return subprocess.run([f"{ROOT}/ci/cmake/build", PRESETS[self.bits], str(jobs), "replay", "corpus", "unit_tests"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, name, command, expected):
        """Runs a program of this build; its counts go to NAME's profile."""
        env = dict(os.environ, LLVM_PROFILE_FILE=f"{self.profiles}/{name}.%m.profraw")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=env, cwd=ROOT)
        if done.returncode != expected:
            text = done.stdout.decode(errors="replace")[-1500:]
            say(f"{' '.join(command)}: exit status {done.returncode}, not {expected}:\n{text}")
            return False
        return True

    def merged(self, name, parts):
        """One profile from those of the parts."""
        raw = [f"{self.profiles}/{f}" for f in sorted(os.listdir(self.profiles)) if f.endswith(".profraw") and
               f.split(".")[0] in parts]
        out = f"{self.profiles}/{name}.profdata"
        output(["llvm-profdata-19", "merge", "-sparse", *raw, "-o", out])
        return out

    def cov(self, verb, profile, *options):
        return output(["llvm-cov-19", verb, self.replay, f"-instr-profile={profile}", *options])


def read_targets():
    """fuzz/targets.def: {name: the exit status of a replay of its corpus}"""
    with open(f"{ROOT}/fuzz/targets.def", encoding="utf-8") as file:
        lines = re.findall(r"^(TARGET|NEGATIVE)\((\w+),", file.read(), re.M)
    return {name: int(kind == "NEGATIVE") for kind, name in lines}


def run_all(builds, targets, jobs):
    """Replays the corpus, plainly and with dumps, and runs the unit tests."""
    work = []
    for build in builds:
        shutil.rmtree(build.profiles, ignore_errors=True)
        os.makedirs(build.profiles)
        for target, status in targets.items():
            folders = [f"{build.folder}/corpus/{target}"]
            work.append((build, target, [build.replay, "--dump", "--target", target, *folders], status))
            if os.path.isdir(f"{ROOT}/corpus/{target}/min"):
                folders.append(f"{ROOT}/corpus/{target}/min")
            work.append((build, target, [build.replay, "--target", target, *folders], status))
        tests = sorted(name for name in os.listdir(f"{build.folder}/tests") if re.fullmatch(r"test_\w+", name))
        if not tests:
            trouble(f"no unit tests in {build.folder}/tests")
        work += [(build, "unit", [f"{build.folder}/tests/{name}"], 0) for name in tests]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return all(list(pool.map(lambda job: job[0].run(*job[1:]), work)))


# --- counting ----------------------------------------------------------------

class Source:
    """The text of one file of ref/."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().split("\n")

    def between(self, l1, c1, l2, c2):
        part = self.lines[l1 - 1:l2]
        part[-1] = part[-1][:c2 - 1]
        part[0] = part[0][c1 - 1:]
        return " ".join(" ".join(part).split())

    def call(self, line, column):
        """The use of a macro there, with its arguments."""
        text = " ".join(" ".join([self.lines[line - 1][column - 1:], *self.lines[line:line + 8]]).split())
        end, depth = re.match(r"\w+", text).end(), 0
        for at in range(end, len(text)) if text[end:end + 1] == "(" else ():
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if depth == 0:
                return text[:at + 1]
        return text[:end]


class Counts:
    """What one profile says about ref/: {(file, line): times} and {outcome: times}, where an outcome is
    (file, function, condition, its number among the same in the function, "true" or "false")."""

    def __init__(self):
        self.lines, self.outcomes, self.functions, self.line_of = {}, {}, {}, {}
        self.uncalled = set()   # (file, function, word size)

    def add(self, other):
        for mine, more in ((self.lines, other.lines), (self.outcomes, other.outcomes),
                           (self.functions, other.functions)):
            for key, times in more.items():
                mine[key] = mine.get(key, 0) + times
        self.line_of.update(other.line_of)
        self.uncalled |= other.uncalled


sources = {}


def source(path):
    if path not in sources:
        sources[path] = Source(path)
    return sources[path]


def condition(function, branch, text):
    """The condition's own text; that of the macro's use where it stands in a macro."""
    expanded = {r[6]: r for r in function["regions"] if r[7] == EXPANSION}
    file = branch[6]
    if file == 0:
        words = text.between(*branch[:4]) or text.lines[branch[0] - 1][branch[1] - 1:]
    else:
        while expanded[file][5] != 0:
            file = expanded[file][5]
        words = text.call(*expanded[file][:2])
    return words[:SHOWN].strip()


def count(build, profile):
    counts = Counts()
    folded = set()   # branches on what is constant here, as PtrSize == 8
    path = f"{ROOT}/ref"
    for line in build.cov("show", profile, "--show-branches=count").splitlines():
        if line.startswith("/") and line.endswith(":"):
            path = line[:-1]
        found = re.search(r"\|  Branch \((\d+):(\d+)\): \[Folded", line)
        if found:
            folded.add((path, int(found[1]), int(found[2])))

    data = json.loads(build.cov("export", profile))["data"][0]
    for function in data["functions"]:
        path, name = function["filenames"][0], function["name"].split(":")[-1]
        file, text, seen = os.path.basename(path), source(path), collections.Counter()
        body = function["regions"][0]
        key = (file, name)
        counts.functions[key] = counts.functions.get(key, 0) + function["count"]
        for line in range(body[0], body[2] + 1):
            counts.line_of[file, line] = key
        for branch in sorted(function["branches"], key=lambda b: (b[6] != 0, b)):
            if branch[8] == MCDC_DECISION or (path, *branch[:2]) in folded:
                continue
            words = condition(function, branch, text)
            seen[words] += 1
            for outcome, times in ("true", branch[4]), ("false", branch[5]):
                at = (file, name, words, seen[words], outcome)
                counts.outcomes[at] = counts.outcomes.get(at, 0) + times

    path = ""
    for line in build.cov("export", profile, "--format=lcov").splitlines():
        if line.startswith("SF:"):
            path = os.path.basename(line[3:])
        elif line.startswith("DA:"):
            number, times = map(int, line[3:].split(",")[:2])
            # What holds a brace and nothing else does nothing, and behind a break it is not reached.
            if source(f"{ROOT}/ref/{path}").lines[number - 1].strip() not in ("{", "}"):
                counts.lines[path, number] = times
    counts.uncalled = {(*f, build.bits) for f, times in counts.functions.items() if times == 0}
    return counts


# --- the list ----------------------------------------------------------------

def written(at):
    """An outcome or a function, as it stands in ci/coverage.list."""
    if len(at) < 5:
        return f"{at[0]} {at[1]}, not called" + "".join(f" on {bits} bits" for bits in at[2:])
    file, function, words, number, outcome = at
    return f"{file} {function}, {outcome}{f' #{number}' if number > 1 else ''}: {words}"


def read_list(path):
    """{entry: (kind, reason)}"""
    entries, section = {}, None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip()
            where = f"{os.path.relpath(path)}:{number}"
            if not line or line.startswith("#"):
                continue
            if line.startswith("    "):
                if section is None:
                    trouble(f"{where}: an entry before any section, which begins with 'trace: ', 'never: ' or 'chance: '")
                if line.strip() in entries:
                    trouble(f"{where}: the entry stands there twice")
                entries[line.strip()] = section
            else:
                found = re.fullmatch(r"(trace|never|chance): (\S.*)", line)
                if not found:
                    trouble(f"{where}: neither a section ('trace: REASON', 'never: REASON', 'chance: REASON') nor an entry "
                            "(four blanks, then what --missing prints)")
                section = found.groups()
    return entries


class Gap:
    """What a run missed, in the words of the list."""

    def __init__(self, counts):
        uncalled = {f for f, times in counts.functions.items() if times == 0}
        self.outcomes = {at: (written(at[:2] if at[:2] in uncalled else at)) for at, times in
                         counts.outcomes.items() if times == 0}
        self.entries = list(dict.fromkeys([written(f) for f in sorted(uncalled)] + list(self.outcomes.values())))
        self.lines = {at: counts.line_of.get(at) for at, times in counts.lines.items() if times == 0}
        # Lines that exist for one word size only, in a function that only the other one calls.
        explained = self.functions()
        for function in sorted(set(self.lines.values()) - explained - {None}):
            self.entries += [written(at) for at in sorted(counts.uncalled) if at[:2] == function]

    def functions(self):
        """The functions that have a gap, by name."""
        return {tuple(entry.split(",")[0].split(" ")) for entry in self.entries}


def judge(corpus, everything, entries):
    """The problems, as lines; and how many outcomes and lines are listed."""
    problems = []
    missed, missed_by_all = Gap(corpus), Gap(everything)
    known = {written(at) for at in [*everything.functions, *everything.outcomes, *everything.uncalled]}
    for entry in missed.entries:
        if entry not in entries:
            problems.append(f"missed by the corpus, and not in the list: {entry}")
    for entry in missed_by_all.entries:
        if entry not in entries and entry not in missed.entries:
            problems.append(f"missed by corpus and unit tests, and not in the list: {entry}")
    for entry, (kind, _) in entries.items():
        if kind == "chance" and entry in known:
            continue
        if entry not in missed.entries and entry not in missed_by_all.entries:
            what = "the corpus takes it" if entry in known else "there is none such"
            problems.append(f"in the list, but {what}: {entry}")
        elif kind == "trace" and entry in missed_by_all.entries:
            problems.append(f"in the list as one for the unit tests, which miss it: {entry}")
        elif kind == "never" and entry not in missed_by_all.entries:
            problems.append(f"in the list as one that nothing can take, but the unit tests do: {entry}")
    for gap, who in (missed, "corpus"), (missed_by_all, "corpus and unit tests"):
        explained = gap.functions()
        for (file, line), function in sorted(gap.lines.items()):
            if function not in explained:
                problems.append(f"line missed by {who} without a missed branch: {file}:{line}")
    return problems, missed, missed_by_all


# --- telling -----------------------------------------------------------------

def share(have, of):
    """Never rounded up to what it is not."""
    return f"{int(1000 * have / of) / 10:.1f}%" if of else "-"


def row(name, counts, sizes):
    hit = lambda table: sum(1 for times in table.values() if times)
    return [name, f"{hit(counts.lines)}/{sizes[0]}", share(hit(counts.lines), sizes[0]),
            f"{hit(counts.outcomes)}/{sizes[1]}", share(hit(counts.outcomes), sizes[1])]


def table(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("  ".join([r[0].ljust(widths[0]), *[text.rjust(w) for text, w in zip(r[1:], widths[1:])]]))


def by_file(counts):
    """The same, file by file."""
    parts = {}
    for name in "lines", "outcomes":
        for at, times in getattr(counts, name).items():
            getattr(parts.setdefault(at[0], Counts()), name)[at] = times
    return sorted(parts.items())


def write_html(builds, names, rows, jobs):
    """The sources with their counts, for each row of the table that has some, and an index."""
    folder = f"{HOME}/html"
    shutil.rmtree(folder, ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda pair: pair[1].cov(
            "show", f"{pair[1].profiles}/{pair[0]}.profdata", "--format=html", "--show-branches=count", "--show-mcdc",
            f"--output-dir={folder}/{pair[0]}-{pair[1].bits}", f"--project-title=gomap: {names[pair[0]]}"),
            [(name, build) for name in names for build in builds]))
    titles = {title: name for name, title in names.items()}
    lines = []
    for r in rows:
        cells = [html.escape(text) for text in r]
        if r[0] in titles:
            cells += [f'<a href="{titles[r[0]]}-{b.bits}/index.html">{b.bits}-bit</a>' for b in builds]
        tag = "th" if r[1] == "lines" else "td"
        lines.append("<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>")
    with open(f"{folder}/index.html", "w", encoding="utf-8") as file:
        file.write("<!doctype html><meta charset=utf-8><title>gomap: coverage of ref/</title>\n"
                   "<style>body{font:14px sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:right}"
                   "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f2f2f2}</style>\n"
                   "<h1>Coverage of ref/</h1>\n<p>What is missed and why: ci/coverage.list.</p>\n<table>\n"
                   + "\n".join(lines) + "\n</table>\n")


# --- main --------------------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/coverage", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__)
    parser.add_argument("--missing", action="store_true",
                        help="print what the corpus misses, as lines for ci/coverage.list, and end")
    parser.add_argument("--list", default=LIST, metavar="FILE", help="another list than ci/coverage.list")
    parser.add_argument("--no-html", action="store_true", help="the table only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="how many at once (default: the number of cores)")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f"--jobs: {args.jobs} is no number from 1 on")
    if not os.path.isfile(args.list):
        parser.error(f"--list: there is no file {args.list}")
    return args


def main():
    args = arguments()
    entries = read_list(args.list)
    if subprocess.run([f"{ROOT}/ci/setup"], stdout=subprocess.DEVNULL).returncode != 0:
        return 2
    for tool in "clang-19", "llvm-cov-19", "llvm-profdata-19", "cmake", "ninja":
        if not shutil.which(tool):
            trouble(f"{tool} is missing; ci/setup installs it")
    builds = []
    for bits in PRESETS:
        build = Build(bits)
        made = build.make(args.jobs)
        if made.returncode == 0:
            builds.append(build)
            continue
        needs = " (it needs gcc-12-multilib and libc6-dev-i386)" if bits == 32 else ""
        text = "\n".join(made.stdout.splitlines()[-15:])
        trouble(f"the {bits}-bit build failed{needs}:\n{text}")

    targets = read_targets()
    if not run_all(builds, targets, args.jobs):
        return 1
    names = {**{target: target for target in targets}, "corpus": "the corpus", "all": "with the unit tests"}
    parts = {**{target: [target] for target in targets}, "corpus": list(targets), "all": [*targets, "unit"]}
    counts = {name: Counts() for name in names}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        pairs = [(name, build) for name in names for build in builds]
        for (name, _), part in zip(pairs, pool.map(lambda p: count(p[1], p[1].merged(p[0], parts[p[0]])), pairs)):
            counts[name].add(part)
    corpus, everything = counts["corpus"], counts["all"]
    if args.missing:
        both = Gap(everything).entries
        for kind in "trace", "never":
            print(f"{kind}:")
            for entry in dict.fromkeys(Gap(corpus).entries + both):
                if (entry in both) == (kind == "never"):
                    print(f"    {entry}")
        return 0

    problems, missed, missed_by_all = judge(corpus, everything, entries)
    sizes = len(everything.lines), len(everything.outcomes)
    rows = [["", "lines", "", "branches", ""]]
    rows += [row(title, counts[name], sizes) for name, title in names.items()]
    table(rows)
    files = [["the corpus, by file", "lines", "", "branches", ""]]
    files += [row(name, part, (len(part.lines), len(part.outcomes))) for name, part in by_file(corpus)]
    print()
    table(files)
    print()

    def left(gap, total_counts, word):
        """What the list leaves: (lines reached of them, branches taken of them)."""
        listed = {at for at, entry in gap.outcomes.items() if entry in entries}
        functions = {tuple(entry.split(",")[0].split(" ")) for entry in entries if entry in gap.entries}
        behind = {at for at, function in gap.lines.items() if function in functions}
        lines, outcomes = sizes[0] - len(behind), sizes[1] - len(listed)
        got = lines - len(set(gap.lines) - behind), outcomes - len(set(gap.outcomes) - listed)
        print(f"{word}: {got[0]} of {lines} lines that can be reached ({share(got[0], lines)}), "
              f"{got[1]} of {outcomes} branches ({share(got[1], outcomes)}); "
              f"listed: {len(listed)} branches, {len(behind)} lines behind them")

    left(missed, corpus, "the corpus alone")
    left(missed_by_all, everything, "with the unit tests")
    taken = sizes[1] - len(missed.outcomes)
    if 100 * taken < NEEDED * sizes[1]:
        problems.append(f"the corpus alone takes {taken} of all {sizes[1]} branches: less than {NEEDED} %")
    for problem in problems:
        print(problem)
    if not args.no_html:
        write_html(builds, names, rows + files, args.jobs)
        print(f"sources with counts: {os.path.relpath(HOME)}/html/index.html")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
