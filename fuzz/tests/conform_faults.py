# SPDX-License-Identifier: BSD-3-Clause
"""What gomap-conform makes of a child that is missing, foreign, silent, talks nonsense or dies: each is
named, with the smallest trace, and the run goes on.

    python3 fuzz/tests/conform_faults.py build/gcc
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BAD = [sys.executable, "-B", f"{HERE}/conform_bad_child.py"]
SILENT = ("hang", "no-hello")
AT_ONCE = 3  # they wait two thirds of their time
failed = 0


def complain(what, text):
    global failed
    failed += 1
    print(f"conform_faults: {what}\n{text}")


def run(build, folder, options, command):
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".json", delete=False) as file:
        report = file.name
    done = subprocess.run([f"{build}/gomap-conform", "--corpus", f"{folder}/corpus", "--timeout", "1s" if command[-1] in SILENT else "30s", "--shrink", "10s",
                           "--seed", "5", "--json", report, *options, "--", *command],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    with open(report, encoding="utf-8") as file:
        text = file.read()
    os.remove(report)
    found = json.loads(text) if text else None
    return done.returncode, done.stdout + done.stderr, found


# How it is at fault; which rule says so, and what the report has.
AT_FAULT = [
    ("hang", "child: hang", r"`clear`: it did not answer within \d+ ms"),
    ("crash", "child: crash", r"`clear`: it died of signal 6"),
    ("exit", "child: crash", r"`clear`: it ended with exit status 3"),
    ("half", "child: crash", r"`clear`: it ended with exit status 0, in the middle of a line"),
    ("nonsense", "child: nonsense", r"`clear`: the answer is `what \? is clear\?` instead of `ok COUNT`"),
    ("closed", "child: closed-output", r"`clear`: it closed its output, and is still running"),
    ("long", "child: too-long", r"`clear`: it has written \d+ bytes without a newline"),
    ("unasked", "child: unasked", r"`clear` was answered, and then came `ok 0`"),
    ("keeps", "uthash: length", r"the map counts \d+ entries, the model 0"),
    ("nomem", "child: nomem", r"`clear`: `nomem`, from a child that does not claim"),
    ("panic", "panic: unexpected", r"`clear`: panic out of order"),
    ("wrong-length", "uthash: length", r"the map counts 70000 entries, the model 0"),
    ("wrong-elem", "uthash: elem-current", r""),
    ("absent", "uthash: membership", r"is not in the map, but should be")]

# No child at all.
NO_CHILD = [
    (["true"], "no greeting: it ended with exit status 0"),
    ([*BAD, "no-hello"], "no greeting: it did not answer within 1000 ms"),
    ([*BAD, "ends"], "no greeting: it ended"),
    ([*BAD, "foreign"], "its greeting is 'GMGO'; it has to begin with 'hello 1 '"),
    ([*BAD, "other-words"], "its words have 2 bytes"),
    ([*BAD, "no-level"], "levels=maps"),
    ([*BAD, "no-kind"], "keys=int65")]


def at_fault(build, folder, mode, rule, words):
    save = f"{folder}/save-{mode}"
    os.mkdir(save)
    options = ["--time", "60s", *(["--shrink", "3s"] if mode in ("closed", "long") else []), "--only", f"{folder}/corpus/1.txt", "--save", save]
    status, text, found = run(build, folder, options, [*BAD, mode])
    broken = [r for r in (found or {}).get("rules", []) if r["broken"]]
    if status != 1 or [f"{r['judge']}: {r['rule']}" for r in broken] != [rule]:
        complain(f"{mode}: exit {status} instead of 1, or another rule than {rule}:", text)
        return
    first = broken[0]["first"]
    if not re.search(words, first["detail"]) or not first["steady"]:
        complain(f"{mode}: its detail is '{first['detail']}'", text)
    ops = first["trace"].splitlines()[1:]
    if len(ops) > 3 or (mode not in ("wrong-length", "wrong-elem", "absent") and ops[-1] != "clear"):
        complain(f"{mode}: not the smallest trace:", first["trace"])
    saved = f"{save}/{rule.replace(': ', '-')}.txt"
    again = subprocess.run([f"{build}/replay", saved], capture_output=True, text=True)
    if again.returncode != 0 or not again.stdout.startswith("1 files, 0 failed"):
        complain(f"{mode}: replay cannot run the saved trace {saved}", again.stdout + again.stderr)


def goes_on(build, folder, mode):
    """The run goes on behind the fault: all that it has to say of the second trace."""
    status, text, found = run(build, folder, ["--time", "12s", "--shrink", "1s"], [*BAD, mode])
    held = {r["rule"]: r["held"] for r in (found or {}).get("rules", [])}
    if status != 1 or found["corpus"] != 2 or held["membership"] < 40:
        complain(f"{mode}: the run did not go on", text)


def refuses(build, folder):
    status, text, _ = run(build, folder, ["--time", "2s"], [*BAD, "refuses"])
    if status != 1 or "NOT SHOWN" not in text or "`map key=" not in text:
        complain(f"refuses everything: exit {status} instead of 1, or not said", text)


def no_child(build, folder, command, words):
    status, text, _ = run(build, folder, [], command)
    if status != 2 or words not in text:
        complain(f"{command[-1]}: exit {status} instead of 2, or nothing says '{words}':", text)


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/corpus")
        # The first is at fault in its middle, the second is not: the run has to get there.
        with open(f"{folder}/corpus/1.txt", "w", encoding="utf-8") as file:
            file.write("map key=string\nassign 1..4\ndelete 3\nclear\nassign 2..3\nget 1..3\n")
        with open(f"{folder}/corpus/2.txt", "w", encoding="utf-8") as file:
            file.write("map key=int64\nassign 1..30\nget 1..40\n")
        at_fault(build, folder, *AT_FAULT[0])  # alone: it is by the clock that it is seen
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            cases = [pool.submit(at_fault, build, folder, *row) for row in AT_FAULT[1:]]
            cases += [pool.submit(goes_on, build, folder, mode) for mode in ("hang", "crash")]
            cases.append(pool.submit(refuses, build, folder))
            cases += [pool.submit(no_child, build, folder, *row) for row in [([f"{folder}/none"], "No such file"), *NO_CHILD]]
            for case in cases:
                case.result()
    if not failed:
        print("all faults noticed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
