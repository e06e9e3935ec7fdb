# SPDX-License-Identifier: BSD-3-Clause
"""ci/oss-fuzz/check: OSS-Fuzz's build and its build check, without its images.

    ci/oss-fuzz/check                                    every configuration
    ci/oss-fuzz/check --sanitizer memory                 those with one sanitizer
    ci/oss-fuzz/check --engine libfuzzer --arch i386     those with one engine on one machine
    ci/oss-fuzz/check --files                            only the files that their machines read

Each configuration is built from nothing by .clusterfuzzlite/build.sh, in an
environment as empty as theirs, and then moved, as they do, to find paths that
were compiled in.  Only the plain build, which compiles the seeds, is kept for the
next sanitizer of the same engine and machine.  build/oss-fuzz/CONFIGURATION/out
keeps the result, log what was printed.  It is not their toolchain: clang and AFL++ are Debian's, and the
C++ library of the engines is the shared libstdc++.
"""

import argparse
import concurrent.futures
import fcntl
import itertools
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HOME = os.path.join(ROOT, "build", "oss-fuzz")

# What their image puts into the environment.
BASE_FLAGS = "-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
STOPPING = ("array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,"
            "returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound,vptr")
SANITIZER_FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": "-fsanitize=%s,unsigned-integer-overflow -fno-sanitize-recover=%s" % (STOPPING, STOPPING),
    "memory": "-fsanitize=memory -fsanitize-memory-track-origins",
    "coverage": "-fprofile-instr-generate -fcoverage-mapping",
}
ENGINES = {
    "libfuzzer": {"CC": "clang-19", "CXX": "clang++-19", "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer"},
    "afl": {"CC": "afl-clang-fast", "CXX": "afl-clang-fast++", "LIB_FUZZING_ENGINE": "/usr/lib/afl/libAFLDriver.a",
            "AFL_QUIET": "1"},
}
NOT_HERE = ("honggfuzz", "centipede")
# Debian's gcc-12-multilib, unlike gcc-multilib, leaves asm/ where only the 64-bit compiler looks.
M32_FLAGS = "-m32 -idirafter /usr/include/x86_64-linux-gnu"
MACHINES = {"x86_64": 62, "i386": 3}  # e_machine of ELF

# afl-fuzz insists on the first.
RUN_OPTIONS = {"ASAN_OPTIONS": "abort_on_error=1:symbolize=0:detect_leaks=0",
               "UBSAN_OPTIONS": "silence_unsigned_overflow=1:print_stacktrace=1"}
AFL_ENV = {"AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1",
           "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_FORKSRV_INIT_TMOUT": "30000"}
RUNS = 4
LEAST_EDGES = 100
# Calls of each sanitizer's run-time that a program of that sanitizer has at least, and any other at most.  The
# latter are theirs: run-times and engines have a few calls of their own.
LEAST_CALLS = {"address": ("asan", 1000), "memory": ("msan", 1000), "undefined": ("ubsan", 169)}
MOST_CALLS = {"asan": 0, "msan": 3, "ubsan": 200, "dfsan": 0}
MOST_CALLS_AFL = dict(MOST_CALLS, asan=18)  # in AFL++'s compiler-rt itself
LIBRARIES = re.compile(r"(libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|libstdc\+\+|ld-linux(-x86-64)?)\.so\.\d+")


class Bad(Exception):
    """A check that failed, in words."""


def targets(kind):
    with open(os.path.join(ROOT, "fuzz", "targets.def"), encoding="utf-8") as file:
        return re.findall(r"^%s\(([a-z][a-z0-9_]*), " % kind, file.read(), re.M)


def output_of(command, **options):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=300, check=False, **options)
    return result.returncode, result.stdout.decode("utf-8", "replace")


# --- what their machines read -------------------------------------------------

ACTIONS = {"google/clusterfuzzlite/actions/build_fuzzers@v1", "google/clusterfuzzlite/actions/run_fuzzers@v1"}


def load(path):
    import yaml  # Debian's python3-yaml
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        try:
            return yaml.safe_load(file)
        except yaml.YAMLError as problem:
            raise Bad("%s: %s" % (path, problem)) from None


def expect(found, words):
    if not found:
        raise Bad(words)


def check_workflow(path, known):
    """The modes that a workflow runs."""
    workflow = load(path)
    events = workflow.get("on", workflow.get(True))  # YAML 1.1 reads a bare "on" as true
    expect(events, "%s: no event starts it" % path)
    for entry in (events.get("schedule") or []) if isinstance(events, dict) else []:
        expect(re.fullmatch(r"(?:[\d*/,-]+ ){4}[\d*/,-]+", entry["cron"]), "%s: cron '%s'" % (path, entry["cron"]))
    modes = []
    for name, job in workflow["jobs"].items():
        uses = [step["uses"] for step in job["steps"]]
        expect(set(uses) == ACTIONS and len(uses) == 2 and "build" in uses[0],
               "%s: job %s does not build, then run: %s" % (path, name, uses))
        used = job.get("strategy", {}).get("matrix", {}).get("sanitizer") or [job["steps"][0]["with"]["sanitizer"]]
        expect(set(used) <= set(known) | {"coverage"}, "%s: job %s: sanitizer %s" % (path, name, used))
        asked = {step["with"]["sanitizer"] for step in job["steps"]}
        expect(len(asked) == 1, "%s: job %s runs another sanitizer than it builds" % (path, name))
        mode = job["steps"][1]["with"]["mode"]
        expect((mode == "coverage") == (used == ["coverage"]), "%s: job %s: mode %s with %s" % (path, name, mode, used))
        modes.append(mode)
    return modes


def check_files():
    project = load("ci/oss-fuzz/project.yaml")
    for key, known in (("sanitizers", set(SANITIZER_FLAGS) - {"coverage"}), ("fuzzing_engines", set(ENGINES)),
                       ("architectures", set(MACHINES))):
        expect(project.get(key) and set(project[key]) <= known, "ci/oss-fuzz/project.yaml: %s: %s" % (key, project.get(key)))
    for path in ("ci/oss-fuzz/project.yaml", ".clusterfuzzlite/project.yaml"):
        expect(load(path).get("language") == "c", "%s: language is not c" % path)
    folder = ".github/workflows"
    found = sum((check_workflow(os.path.join(folder, name), project["sanitizers"])
                 for name in sorted(os.listdir(os.path.join(ROOT, folder))) if name.startswith("cflite_")), [])
    expect(sorted(found) == ["batch", "code-change", "coverage", "prune"], "%s: modes %s" % (folder, sorted(found)))
    for path in ("ci/oss-fuzz/Dockerfile", ".clusterfuzzlite/Dockerfile"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        expect(re.search(r"^FROM gcr\.io/oss-fuzz-base/base-builder:", text, re.M), "%s: another image" % path)
        sources = re.findall(r"^COPY (\S+) \$SRC/\S*$", text, re.M)
        base = os.path.dirname(path) if path.startswith("ci/") else ""
        expect(sources, "%s: copies no build.sh" % path)
        for source in sources:
            expect(os.path.exists(os.path.join(ROOT, base, source)), "%s: there is no %s to copy" % (path, source))
    print("ok: project.yaml, %d workflow jobs (%s), 2 Dockerfiles" % (len(found), ", ".join(sorted(found))))
    return project


# --- one configuration ---------------------------------------------------------

class Build:
    def __init__(self, sanitizer, engine, arch):
        self.sanitizer, self.engine, self.arch = sanitizer, engine, arch
        self.name = "-".join((sanitizer, engine, arch))
        self.folder = os.path.join(HOME, self.name)
        self.shared = os.path.join(HOME, engine + "-" + arch)  # by all sanitizers
        self.tree = os.path.join(self.shared, "src", "gomap")
        self.out = os.path.join(self.folder, "out")
        self.log = os.path.join(self.folder, "log")

    def why_not(self):
        """Why it cannot be built here, or ""."""
        for tool in [ENGINES[self.engine][name] for name in ("CC", "CXX")] + ["cmake", "ninja", "zip", "nm", "readelf"]:
            if not shutil.which(tool):
                return "no %s; ci/setup installs it" % tool
        if self.engine == "afl" and not os.path.exists(ENGINES["afl"]["LIB_FUZZING_ENGINE"]):
            return "no libAFLDriver.a; ci/setup installs it (afl++)"
        if self.arch == "i386":
            with tempfile.TemporaryDirectory() as folder:
                source = os.path.join(folder, "probe.cc")
                with open(source, "w", encoding="utf-8") as file:
                    file.write("#include <cerrno>\n#include <string>\nint main() { return (int)std::string().size(); }\n")
                if output_of(["clang++-19", *M32_FLAGS.split(), source, "-o", os.path.join(folder, "probe")])[0] != 0:
                    return "clang++-19 cannot build for 32-bit x86 (lib32stdc++-12-dev, libc6-dev-i386)"
        return ""

    def environment(self, work, out):
        flags = " ".join(filter(None, (M32_FLAGS if self.arch == "i386" else "", BASE_FLAGS,
                                       SANITIZER_FLAGS[self.sanitizer],
                                       "-fsanitize=fuzzer-no-link" if self.engine == "libfuzzer" and self.sanitizer != "coverage" else "")))
        return dict(ENGINES[self.engine], PATH="/usr/local/bin:/usr/bin:/bin", HOME=self.folder, SRC=os.path.join(self.shared, "src"),
                    WORK=work, OUT=out, CFLAGS=flags, CXXFLAGS=flags, CCC=ENGINES[self.engine]["CXX"],
                    SANITIZER=self.sanitizer, FUZZING_ENGINE=self.engine, ARCHITECTURE=self.arch, FUZZING_LANGUAGE="c")

    def share(self):
        """The sources, in the place that the builds of all sanitizers see."""
        shutil.rmtree(self.shared, ignore_errors=True)
        shutil.copytree(ROOT, self.tree, symlinks=True, ignore=lambda folder, names:
                        {"build", ".git"} & set(names) if folder == ROOT else {"__pycache__"})
        shutil.copy(os.path.join(ROOT, ".clusterfuzzlite", "build.sh"), os.path.join(self.shared, "src"))

    def build(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        work, out = os.path.join(self.shared, "work"), os.path.join(self.folder, "built")
        plain, kept = os.path.join(work, "plain"), os.path.join(self.shared, "plain")
        for folder in (work, out):
            os.makedirs(folder)
        if os.path.exists(kept):
            os.rename(kept, plain)
        script = os.path.join(self.shared, "src", "build.sh")
        with open(self.log, "wb") as log:
            status = subprocess.run(["bash", "-eux", script], env=self.environment(work, out), cwd=self.tree,
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
        if status != 0:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise Bad("build.sh ends with status %d; the end of %s:\n%s" % (
                    status, os.path.relpath(self.log), log.read()[-3000:]))
        # Theirs run elsewhere, too, and without what was built on the way.
        os.rename(plain, kept)
        shutil.rmtree(work)
        os.rename(out, self.out)

    def check_out(self):
        """What is in OUT: all targets with their seeds, and nothing that must fail."""
        wanted = sorted("fuzz_" + target + end for target in targets("TARGET") for end in ("", ".options", "_seed_corpus.zip"))
        found = sorted(os.listdir(self.out))
        if found != wanted:
            raise Bad("in OUT, missing: %s; not wanted: %s" % (
                " ".join(sorted(set(wanted) - set(found))) or "nothing", " ".join(sorted(set(found) - set(wanted))) or "nothing"))

    def check_program(self, target):
        """All their checks of one program; returns figures."""
        path = os.path.join(self.out, "fuzz_" + target)
        with tempfile.TemporaryDirectory() as folder:
            self.check_machine(path)
            self.check_libraries(path)
            calls = self.check_calls(path)
            seeds = self.unpack(path, folder)
            if self.engine == "afl":
                self.check_afl(path, folder)
            else:
                self.check_start(path, folder)
            self.check_seeds(path, folder, seeds)
        return len(seeds), calls

    def check_machine(self, path):
        with open(path, "rb") as file:
            head = file.read(20)
        if head[:4] != b"\x7fELF" or struct.unpack("<H", head[18:20])[0] != MACHINES[self.arch]:
            raise Bad("%s is not a program for %s" % (path, self.arch))
        if not os.access(path, os.X_OK):
            raise Bad("%s is not executable" % path)

    def check_libraries(self, path):
        _, said = output_of(["readelf", "-dW", path])
        other = [name for name in re.findall(r"NEEDED\).*\[(.*)\]", said) if not LIBRARIES.fullmatch(name)]
        if other or re.search(r"\((RPATH|RUNPATH)\)", said):
            raise Bad("%s needs what their machines may lack: %s" % (path, " ".join(other) or "a library folder of its own"))

    def count_calls(self, path):
        """How often it calls functions named __asan..., __msan... and so on."""
        _, said = output_of(["nm", path])
        functions = {int(address, 16): name for address, name in
                     re.findall(r"^([0-9a-f]+) [tTwW] __(%s)" % "|".join(MOST_CALLS), said, re.M)}
        _, said = output_of(["readelf", "-SW", path])
        address, offset, size = (int(number, 16) for number in re.search(
            r" \.text +PROGBITS +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", said).groups())
        with open(path, "rb") as file:
            file.seek(offset)
            code = file.read(size)
        calls = dict.fromkeys(MOST_CALLS, 0)
        # Each byte that can be a call and the distance behind it: a disassembler takes 3 seconds for the same numbers.
        for found in re.finditer(rb"\xe8(?=(.{4}))", code, re.S):
            name = functions.get(address + found.start() + 5 + struct.unpack("<i", found[1])[0])
            if name:
                calls[name] += 1
        return calls

    def check_calls(self, path):
        """Its own sanitizer and no other: calls into each one's run-time."""
        calls = self.count_calls(path)
        own, least = LEAST_CALLS.get(self.sanitizer, ("", 0))
        if own and calls[own] < least:
            raise Bad("%s is not compiled with sanitizer %s: %d calls of __%s..." % (path, self.sanitizer, calls[own], own))
        for name, most in (MOST_CALLS_AFL if self.engine == "afl" else MOST_CALLS).items():
            if name != own and calls[name] > most:
                raise Bad("%s of sanitizer %s is compiled with another one, too: %d calls of __%s..." % (
                    path, self.sanitizer, calls[name], name))
        return calls[own] if own else 0

    def unpack(self, path, folder):
        seeds = os.path.join(folder, "seeds")
        with zipfile.ZipFile(path + "_seed_corpus.zip") as archive:
            archive.extractall(seeds)
        source = os.path.join(ROOT, "corpus", os.path.basename(path)[len("fuzz_"):])
        texts = [name for name in os.listdir(os.path.join(source, "seed")) if name.endswith(".txt")]
        missing = [name for name in texts if name[:-4] not in os.listdir(seeds)]
        if missing:
            raise Bad("%s_seed_corpus.zip lacks %s" % (path, " ".join(missing)))
        return [os.path.join(seeds, name) for name in sorted(os.listdir(seeds))]

    def options(self, path):
        with open(path + ".options", encoding="utf-8") as file:
            return ["-%s=%s" % pair for pair in re.findall(r"^(\w+) *= *(\S+)$", file.read(), re.M)]

    def run(self, command, folder, **more):
        env = dict(RUN_OPTIONS, PATH="/usr/bin:/bin", HOME=folder, LLVM_PROFILE_FILE=os.path.join(folder, "profile"), **more)
        return output_of(command, env=env, cwd=folder)

    def check_start(self, path, folder):
        status, said = self.run([path, "-seed=1337", "-runs=%d" % RUNS, *self.options(path)], folder)
        if status != 0 or "Done %d runs" % RUNS not in said:
            raise Bad("%s does not start, status %d:\n%s" % (path, status, said[-2000:]))
        edges = re.search(r"INFO: Loaded \d+ module.*(?:counters|guards)\):\s+(\d+)", said)
        if self.sanitizer != "coverage" and (not edges or int(edges.group(1)) < LEAST_EDGES):
            raise Bad("%s has %s edges for its engine to see" % (path, edges.group(1) if edges else "no"))

    def check_afl(self, path, folder):
        with open(path, "rb") as file:
            data = file.read()
        for mark in (b"##SIG_AFL_PERSISTENT##", b"##SIG_AFL_DEFER_FORKSRV##", b"__afl_sharedmem_fuzzing"):
            if mark not in data:
                raise Bad("%s has no %s: AFL++ would be slow, or blind" % (path, mark.decode()))
        seeds = os.path.join(folder, "in")
        os.makedirs(seeds)
        with open(os.path.join(seeds, "seed"), "w", encoding="utf-8") as file:
            file.write("input")
        _, said = self.run(["afl-fuzz", "-i", seeds, "-o", os.path.join(folder, "afl"), "-E", "100", "-m", "none", "--", path],
                           folder, **AFL_ENV)
        if "All set and ready to roll" not in said or re.search("target binary (crashed|terminated)", said):
            raise Bad("afl-fuzz cannot start %s:\n%s" % (path, said[-2000:]))

    def check_seeds(self, path, folder, seeds):
        if self.engine == "afl":
            status, said = self.run([path, *seeds], folder)
            well = said.count("Execution successful") == len(seeds)
        else:
            status, said = self.run([path, "-runs=0", *self.options(path), os.path.dirname(seeds[0])], folder)
            well = re.search(r"INFO: +%d files found" % len(seeds), said) is not None
        if status != 0 or not well:
            raise Bad("%s fails on its seeds, status %d:\n%s" % (path, status, said[-2000:]))
        if self.sanitizer == "coverage":
            self.check_profile(path, folder)

    def check_profile(self, path, folder):
        merged = os.path.join(folder, "merged")
        output_of(["llvm-profdata-19", "merge", "-sparse", os.path.join(folder, "profile"), "-o", merged])
        _, said = output_of(["llvm-cov-19", "report", path, "-instr-profile=" + merged, os.path.join(self.tree, "ref", "map.c")])
        share = re.search(r"^TOTAL\s+\d+\s+\d+\s+([0-9.]+)%", said, re.M)
        if not share or float(share.group(1)) == 0:
            raise Bad("%s: its seeds cover nothing of ref/map.c:\n%s" % (path, said[-2000:]))

    def check(self, jobs):
        self.build()
        self.check_out()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            figures = list(pool.map(self.check_program, targets("TARGET")))
        own = LEAST_CALLS.get(self.sanitizer)
        print("ok: %s: %d targets, %d seeds replayed%s" % (
            self.name, len(figures), sum(seeds for seeds, _ in figures),
            ", at least %d calls of __%s..." % (min(calls for _, calls in figures), own[0]) if own else ""), flush=True)


def configurations(options, project):
    """Those that their machines build, and why others are not: (builds, words)."""
    builds, words = [], []
    for engine in project["fuzzing_engines"]:
        for arch in project["architectures"]:
            for sanitizer in project["sanitizers"] + ["coverage"]:
                if not (options.sanitizer in (None, sanitizer) and options.engine in (None, engine)
                        and options.arch in (None, arch)):
                    continue
                build = Build(sanitizer, engine, arch)
                if engine == "afl" and (arch != "x86_64" or sanitizer in ("memory", "coverage")) or (
                        arch == "i386" and sanitizer != "address"):
                    words.append("%s: OSS-Fuzz has no such build" % build.name)
                elif build.why_not():
                    words.append("%s: %s" % (build.name, build.why_not()))
                else:
                    builds.append(build)
    for engine in NOT_HERE:
        if options.engine in (None, engine):
            words.append("%s: Debian has no package of it, and project.yaml does not ask for it" % engine)
    return builds, words


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="ci/oss-fuzz/check", allow_abbrev=False,
        description="Builds as OSS-Fuzz and ClusterFuzzLite do, and tests what came out as they do.",
        epilog="Exit status: 0 all well, 1 a check failed, 2 wrong arguments or something is missing, "
               "77 all that was asked for is skipped, by name.")
    parser.add_argument("--sanitizer", choices=list(SANITIZER_FLAGS), help="only with this one")
    parser.add_argument("--engine", choices=[*ENGINES, *NOT_HERE], help="only with this one")
    parser.add_argument("--arch", choices=list(MACHINES), help="only for this machine")
    parser.add_argument("--files", action="store_true", help="only project.yaml, workflows and Dockerfiles")
    parser.add_argument("--jobs", type=int, metavar="N", default=len(os.sched_getaffinity(0)),
                        help="how many programs are checked at once; default: the number of cores")
    options = parser.parse_args(arguments)
    if not 1 <= options.jobs <= 1024:
        parser.error("--jobs: a number from 1 to 1024 is needed, not %d" % options.jobs)
    return options


def main(arguments):
    options = parse_arguments(arguments)
    try:
        project = check_files()
        if options.files:
            return 0
        builds, words = configurations(options, project)
        for text in words:
            print("SKIPPED %s" % text, flush=True)
        for shared, group in itertools.groupby(builds, lambda build: build.shared):
            os.makedirs(HOME, exist_ok=True)
            with open(shared + ".lock", "wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                for number, build in enumerate(group):
                    if number == 0:
                        build.share()
                    build.check(options.jobs)
        return 0 if builds else 77
    except Bad as bad:
        print("BAD BUILD: %s" % bad, file=sys.stderr)
        return 1
    except ImportError:
        print("SKIPPED: no python3-yaml, which reads project.yaml; ci/setup installs it")
        return 77
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
