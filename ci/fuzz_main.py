# SPDX-License-Identifier: BSD-3-Clause
"""ci/fuzz: builds, replays the corpus, then fuzzes each target on each engine.

build/fuzz/work/TARGET/ENGINE-SANITIZER/
                                 inputs that were new to an engine; the next run starts from them
build/fuzz/crashes/TARGET/       minimised failing inputs, named by their verdict, and their text
build/fuzz/run-*/                logs of one run; removed when it found nothing

With --campaign all of that is in a folder of the caller's: campaign.py.

Exit status: 0 nothing found, 1 a failure found, 2 wrong arguments or it could
not be built, 130 interrupted.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time

import campaign
import fuzz
from engines import GRACE, TOOLS, Afl, LibFuzzer, build
from fuzz import (ENGINES, MAX_LEN, ROOT, SANITIZERS, Replay, Stop, Trouble, end_all, files_of, keep_input,
                  read_targets, run, write_whole)
from fuzz_table import Screen, duration, judges_line, table_lines

RATIO_TIME = 4       # seconds, and
RATIO_TURNS = 3      # how often, for AFL++ with a target and with the empty one, both of them from
RATIO_SEEDS = 50     # of the inputs at most: with more it would only try its seeds in that time


def parse_time(text):
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h|d)?", text)
    seconds = round(float(match.group(1)) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match.group(2) or "s"]) if match else 0
    if not 1 <= seconds <= 10**8:
        raise argparse.ArgumentTypeError("a time is like 30s, 5m or 8h, not '%s'" % text)
    return seconds


def parse_number(low, high):
    def parse(text):
        if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError("a number from %d to %d is needed, not '%s'" % (low, high, text))
        return int(text)
    return parse


def parse_arguments(arguments):
    targets, negatives = read_targets()
    parser = argparse.ArgumentParser(
        prog="ci/fuzz", allow_abbrev=False,
        description="Builds, replays the corpus, then fuzzes each target on each engine.",
        epilog="Targets: %s.  And one that must fail: %s.  Exit status: 0 nothing found, 1 a failure found, "
               "2 wrong arguments or it could not be built, 130 interrupted; of a campaign, 1: it has a crash, of whenever."
               % (", ".join(targets), ", ".join(negatives)))
    parser.add_argument("--target", nargs="+", action="extend", metavar="T", help="default: all but the one that must fail")
    parser.add_argument("--engine", nargs="+", action="extend", metavar="E", choices=ENGINES,
                        help="libfuzzer, aflpp; default: both")
    parser.add_argument("--time", type=parse_time, default=60, help="for each target on each engine: 30s, 5m, 8h; default: 60s")
    parser.add_argument("--jobs", type=parse_number(1, 1024), metavar="N", default=len(os.sched_getaffinity(0)),
                        help="how many at once; default: the number of cores")
    parser.add_argument("--sanitizer", choices=SANITIZERS, default="asan-ubsan", help="default: asan-ubsan")
    parser.add_argument("--go", action=argparse.BooleanOptionalAction,
                        help="the real go1.19 runtime as one more judge of traces in exact mode; default: where it is")
    parser.add_argument("--mutator", action=argparse.BooleanOptionalAction, default=True,
                        help="mutate ops as well as bytes (fuzz/mutator.h); --no-mutator: bytes alone")
    parser.add_argument("--replay", action=argparse.BooleanOptionalAction, default=True,
                        help="replay the corpus and earlier inputs first, so that a failure of theirs is told as such; "
                             "--no-replay: where all of it has just been replayed")
    parser.add_argument("--json", metavar="FILE", help="write the final table there")
    parser.add_argument("--seed", type=parse_number(0, 2**32 - 1), metavar="N", help="of the engines' randomness; default: different each time")
    parser.add_argument("--ratio", action=argparse.BooleanOptionalAction, default=True,
                        help="afterwards, replay libFuzzer's inputs with and without the sanitizer, and compare ops/s; "
                             "and compare AFL++'s runs/s with those of an empty target")
    parser.add_argument("--work", metavar="FOLDER", help="where new inputs go and come from; default: build/fuzz/work")
    parser.add_argument("--campaign", metavar="DIR",
                        help="a long run that can be ended and taken up again: everything is kept in DIR, one corpus for "
                             "both engines, pruned now and then, and DIR/report.html with plots; --time is then that of "
                             "the whole, and a crash does not end it")
    parser.add_argument("--slice", type=parse_time, metavar="T", help="of a campaign: how long a target is fuzzed before "
                        "the next has its turn; default: 5m")
    options = parser.parse_args(arguments)
    options.negatives = negatives
    for target in options.target or []:
        if target not in targets + negatives:
            parser.error("no target '%s'; there are: %s" % (target, " ".join(targets + negatives)))
    options.target = list(dict.fromkeys(options.target or targets))
    options.asked = list(dict.fromkeys(options.engine or []))
    options.engine = options.asked or list(ENGINES)
    if options.sanitizer == "msan" and "aflpp" in options.engine:
        if options.asked:
            parser.error("MSan works with --engine libfuzzer only")
        options.engine = ["libfuzzer"]
    if options.campaign is None and options.slice is not None:
        parser.error("--slice is for --campaign")
    if options.campaign is not None:
        if options.work or options.json:
            parser.error("--campaign keeps everything in its folder: --work and --json do not go with it")
        if not options.replay:
            parser.error("--campaign: --no-replay does not go with it")
        options.campaign = os.path.abspath(options.campaign)
        problem = campaign.check_folder(options.campaign)
        if problem:
            parser.error("--campaign: " + problem)
        options.slice = options.slice or 300
    options.work = os.path.abspath(options.work or os.path.join(fuzz.HOME, "work"))
    if options.json:
        folder = os.path.dirname(os.path.abspath(options.json))
        if os.path.isdir(options.json) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            parser.error("--json: cannot write %s" % options.json)
    return options


def ratios(options, jobs, screen, run_folder):
    """What the sanitizer costs: the same inputs, the same replay, the same judges, with it and plain -O2."""
    jobs = [job for job in jobs if job.engine == "libfuzzer" and job.verdict == "ok"]
    if not jobs or options.sanitizer == "none":
        return
    plain = "libfuzzer-none"
    log = os.path.join(run_folder, "build-plain.log")
    with open(log, "wb") as file:
        if run([os.path.join(ROOT, "ci", "cmake", "build"), plain, str(options.jobs)], 1800, stdout=file)[0] != 0:
            raise Trouble("%s does not build; see %s" % (plain, os.path.relpath(log)))
    for job in jobs:
        rates = []
        for preset in (job.preset, plain):
            replay = Replay(preset, job.target, job.replay.env)
            _, output = run(replay.command("--repeat", "5", job.work), 300, env=replay.env)
            match = re.search(r" ([0-9]+) ops/s$", output, re.M)
            if not match:
                raise Trouble("%s: replay tells no ops/s:\n%s" % (job.target, output))
            rates.append(int(match.group(1)))
        screen.say("%s: its %d inputs replayed: %s checked op/s with %s, %s at plain -O2; ratio %.2f" % (
            job.target, len(files_of(job.work)), "{:,}".format(rates[0]), options.sanitizer,
            "{:,}".format(rates[1]), rates[0] / rates[1]))


def afl_rate(job, binary, seeds, folder):
    """Runs/s of afl-fuzz alone with these seeds, over a few seconds; mutating bytes alone."""
    shutil.rmtree(folder, ignore_errors=True)
    env = {name: value for name, value in job.env.items() if name != "AFL_CUSTOM_MUTATOR_LIBRARY"}
    env["AFL_FAST_CAL"] = "1"
    status, output = run(["afl-fuzz", "-i", seeds, "-o", folder, "-V", str(RATIO_TIME), "-G", str(MAX_LEN),
                          "-t", "1000", "-m", "none", "--", binary], RATIO_TIME + GRACE, env=env)
    try:
        with open(os.path.join(folder, "default", "fuzzer_stats"), encoding="utf-8") as file:
            return float(re.search(r"(?m)^execs_per_sec *: (\S+)", file.read()).group(1))
    except (OSError, AttributeError, ValueError):
        raise Trouble("afl-fuzz -- %s: exit status %s, and no figures:\n%s" % (binary, status, output)) from None


def ratios_to_empty(jobs, screen):
    """What is left of AFL++'s speed: its runs/s with each target and with the empty one, in turns."""
    for job in jobs:
        if job.engine != "aflpp" or job.verdict != "ok":
            continue
        empty = os.path.join(os.path.dirname(job.binary), "empty")
        seeds = os.path.join(job.folder, "rate-in")
        os.makedirs(seeds)
        inputs = files_of(job.inputs)  # named by their content, so that these are a fair sample
        for path in inputs[::-(-len(inputs) // RATIO_SEEDS)]:
            keep_input(path, seeds)
        rates = [[afl_rate(job, binary, seeds, os.path.join(job.folder, "rate")) for binary in (empty, job.binary)]
                 for _ in range(RATIO_TURNS)]
        of_empty, of_target = (sum(column) / RATIO_TURNS for column in zip(*rates))
        screen.say("%s: %s runs/s alone with AFL++ and %s, an empty target %s; ratio %.2f" % (
            job.target, "{:,.0f}".format(of_target), job.sanitizer, "{:,.0f}".format(of_empty),
            of_target / of_empty))


def replay_corpus(options, jobs, screen):
    """Replays what is known before looking for what is not; a job whose input fails is done."""
    if not options.replay:
        return
    screen.say("replaying the corpus")
    for job in jobs:
        if job.negative or job.state == "done":
            continue
        for folder in (job.corpus_folder, job.work):
            files = files_of(folder)
            if not files:
                continue
            verdict, output = job.replay.verdict(folder, timeout=60 + len(files))
            if verdict:
                job.state, job.verdict = "done", verdict
                path = next((path for path in files if job.replay.verdict(path)[0]), folder)
                job.report = "%s: replay of %s: %s\n%s\n" % (
                    job.name(), os.path.relpath(path), verdict, output[-8000:].rstrip("\n"))
                screen.say(job.report)
                break


def run_jobs(options, jobs, screen):
    waiting = [job for job in jobs if job.state == "waiting"]
    active = []
    while active or (waiting and not fuzz.stopped):
        while waiting and len(active) < options.jobs and not fuzz.stopped:
            job = waiting.pop(0)
            job.begin()
            active.append(job)
            if not screen.live:
                screen.say("%s: started" % job.name())
        for job in list(active):
            job.poll()
            if job.state == "done":
                active.remove(job)
                if job.report:
                    screen.say(job.report)
                elif not screen.live:
                    screen.say("%s: %s after %s" % (job.name(), job.verdict, duration(job.elapsed)))
        screen.draw(jobs)
        time.sleep(0.2)


def main(arguments):
    options = parse_arguments(arguments)
    signal.signal(signal.SIGINT, fuzz.on_signal)
    signal.signal(signal.SIGTERM, fuzz.on_signal)
    if options.campaign:
        try:
            return campaign.main(options)
        except Trouble as trouble:
            print("ci/fuzz: %s" % trouble, file=sys.stderr)
            return 2
    os.makedirs(fuzz.HOME, exist_ok=True)
    run_folder = tempfile.mkdtemp(prefix="run-", dir=fuzz.HOME)
    screen = Screen(options)
    kinds = {"libfuzzer": LibFuzzer, "aflpp": Afl}
    jobs = []
    found = False
    try:
        try:
            present = build(options, screen, run_folder)
            for target in options.target:
                for engine in options.engine:
                    job = kinds[engine](options, target, engine, len(jobs), run_folder)
                    if engine not in present:
                        job.state, job.verdict = "done", "skipped: no " + TOOLS[engine][0]
                    else:
                        job.ask_go()
                        job.judges = job.replay.judges()
                        job.reserve()
                    jobs.append(job)
            replay_corpus(options, jobs, screen)
            run_jobs(options, jobs, screen)
        except Stop:
            pass
        except Trouble as trouble:
            print("ci/fuzz: %s" % trouble, file=sys.stderr)
            return 2
        for job in jobs:
            job.state = "done"
            job.verdict = job.verdict or "not run"
        found = any(job.report for job in jobs)
        screen.erase()
        if jobs:
            screen.say(judges_line(jobs))
            screen.say("\n".join(table_lines(jobs, cut=False)))
        if options.json and jobs:
            try:
                write_whole(options.json, (json.dumps([job.row() for job in jobs], indent=1) + "\n").encode())
            except OSError as problem:
                print("ci/fuzz: --json: %s" % problem, file=sys.stderr)
                return 2
        if options.ratio and not fuzz.stopped:
            try:
                ratios(options, jobs, screen, run_folder)
                ratios_to_empty(jobs, screen)
            except Stop:
                pass
            except Trouble as trouble:
                print("ci/fuzz: %s" % trouble, file=sys.stderr)
                return 2
        return fuzz.stopped or (1 if found else 0)
    finally:
        end_all(signal.SIGKILL)
        if not found:
            shutil.rmtree(run_folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
