# SPDX-License-Identifier: BSD-3-Clause
"""The catalogue of porting mistakes, fuzz/bugs/: what a patch says, and the port
with it in a scratch folder.  For ci/bugs, ci/docs and ci/mutants.
"""
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = f"{ROOT}/build/bugs"
CATALOGUE = f"{ROOT}/fuzz/bugs"

# What a judge says of a run, in the log of replay and of every engine.
VERDICT = re.compile(r"^([a-z0-9.]+): (.+): (?:op #\d+|at the end)$", re.M)


program = "ci/bugs"  # as which messages speak


def say(text):
    print(f"{program}: {text}", file=sys.stderr, flush=True)


def trouble(text):
    say(text)
    sys.exit(2)


def digest(*parts):
    whole = hashlib.sha256()
    for part in parts:
        part = part.encode() if isinstance(part, str) else part
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


@contextlib.contextmanager
def locked(what):
    """Two at once would work in the same folders: the second one waits."""
    os.makedirs(HOME, exist_ok=True)
    with open(f"{HOME}/.{what}.lock", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a forked worker has the file open too


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sources_of(folder, *endings):
    """The files of a folder of the repository with these endings, in a fixed order."""
    return [f"{ROOT}/{folder}/{f}" for f in sorted(os.listdir(f"{ROOT}/{folder}")) if f.endswith(endings)]


def output_of(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.returncode, done.stdout


def build(preset, jobs, *targets):
    status, text = output_of([f"{ROOT}/ci/cmake/build", preset, str(jobs), *targets])
    if status != 0:
        trouble(f"build/{preset}: the port does not build:\n" + "\n".join(text.splitlines()[-15:]))


def targets():
    with open(f"{ROOT}/fuzz/targets.def", encoding="utf-8") as file:
        return re.findall(r"^TARGET\((\w+),", file.read(), re.M)


def names():
    return sorted(f[:-len(".patch")] for f in os.listdir(CATALOGUE) if f.endswith(".patch"))


class Bug:
    """One patch, and what its head says."""

    def __init__(self, name):
        self.name = name
        self.patch = read(f"{CATALOGUE}/{name}.patch").decode()
        head = self.patch.split("\n--- a/")[0]
        self.what = " ".join(head.split("\n\n")[0].split())
        self.files = re.findall(r"^\+\+\+ b/ref/(\S+)$", self.patch, re.M)
        self.function, self.judge = self.line(head, "Function"), self.line(head, "Judge")
        if not re.search(r"^(Made in|Feared): \S", head, re.M):
            trouble(f"fuzz/bugs/{name}.patch: its head has neither 'Made in:' nor 'Feared:'")
        if not self.files or not all(re.fullmatch(r"\w+\.c", f) for f in self.files):
            trouble(f"fuzz/bugs/{name}.patch: it has to change ref/*.c and nothing else")

    def line(self, head, word):
        found = re.search(rf"^{word}: (\S.*)$", head, re.M)
        if not found:
            trouble(f"fuzz/bugs/{self.name}.patch: its head has no line '{word}:'")
        return found.group(1)

    def put_into(self, scratch):
        """The port with this mistake in scratch/ref: None, or why not, for the table."""
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(f"{scratch}/ref")
        for path in sources_of("ref", ".c", ".h"):
            shutil.copy(path, f"{scratch}/ref/")
        # Without the ceiling git would find gomap's own repository around the scratch copy.
        env = dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(scratch))
        status, text = output_of(["git", "apply", "-p1", f"{CATALOGUE}/{self.name}.patch"], cwd=scratch, env=env)
        return {"error": "does not apply", "log": text} if status != 0 else None
