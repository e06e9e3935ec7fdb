/* SPDX-License-Identifier: BSD-3-Clause
 *
 * engine.c: the entry points that libFuzzer and AFL++ call.  Compiled once per
 * target with GM_TARGET=<name>; the rest is shared with replay.
 *
 * GOMAP_STATS=FILE: keeps what engine_stats says there, in a mapping that forked
 * children write to as well, and that outlives whatever ends the process.
 * GOMAP_JUDGE=go: the real go1.19 is one more judge of traces in exact mode.
 * GOMAP_BUDGET=N: a trace ends after N units of work, about as many steps, where
 * it otherwise may do 10000 (run.c).  For an engine that wants many quick runs.
 * GOMAP_MUTATOR=off: libFuzzer mutates bytes only, not ops too (mutator.h).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../oracle/child.h"
#include "mutator.h"
#include "report.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define KNOWN(data, size) __msan_unpoison((data), (size))
#endif
#endif
#ifndef KNOWN
#define KNOWN(data, size) ((void)(data), (void)(size))
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
extern const fuzz_target JOIN(target_, GM_TARGET);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t asize, const uint8_t *b, size_t bsize, uint8_t *out,
                                 size_t max, unsigned seed);

/* libFuzzer's own mutation of bytes.  Other engines have none, and never call
 * what calls it. */
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));

/* Native numbers; read by ci/fuzz.py. */
typedef struct engine_stats {
    _Atomic uint64_t runs, steps;   /* judged ones */
    _Atomic uint64_t under_way;     /* size + 1 of the input that is being run; 0: none */
    uint8_t input[trace_max_bytes]; /* that input, or the last one */
} engine_stats;

static engine_stats *stats;
static run_go go;
static size_t budget; /* 0: that of run.c */
static bool mutator_on;

static void open_stats(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof *stats) != 0) {
        fprintf(stderr, "gomap: cannot write GOMAP_STATS file %s\n", path);
        exit(2);
    }
    void *p = mmap(NULL, sizeof *stats, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED) {
        fprintf(stderr, "gomap: cannot map GOMAP_STATS file %s\n", path);
        exit(2);
    }
    stats = p;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const char *path = getenv("GOMAP_STATS");
    if (path != NULL) {
        open_stats(path);
    }
    const char *judge = getenv("GOMAP_JUDGE");
    if (judge != NULL && strcmp(judge, "go") != 0) {
        fprintf(stderr, "gomap: GOMAP_JUDGE is '%s'; it can be: go\n", judge);
        exit(2);
    }
    const char *units = getenv("GOMAP_BUDGET");
    char *end = NULL;
    budget = units != NULL ? strtoul(units, &end, 10) : 0;
    if (units != NULL && (*end != '\0' || budget == 0)) {
        fprintf(stderr, "gomap: GOMAP_BUDGET is '%s'; it must be a number from 1 on\n", units);
        exit(2);
    }
    go = judge != NULL ? run_go_final : run_go_no;
    mutator_on = fuzz_mutator_on();
    return 0;
}

/* An engine shows the input that it failed on, if it still can: its own handler
 * waits for ever where a signal has met the port within malloc. */
static void note_begin(const uint8_t *data, size_t size)
{
    if (stats != NULL) {
        size = size < trace_max_bytes ? size : trace_max_bytes;
        memcpy(stats->input, data, size);
        atomic_store_explicit(&stats->under_way, size + 1, memory_order_relaxed);
    }
}

static void note_end(const run_result *r)
{
    if (stats != NULL) {
        atomic_store_explicit(&stats->under_way, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->runs, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->steps, r->steps, memory_order_relaxed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static trace tr;
    const fuzz_target *f = &JOIN(target_, GM_TARGET);
    note_begin(data, size);
    trace_decode(&tr, data, size);
    fuzz_restrict(f, &tr);
    report_context c = {.tr = &tr, .target = f, .file = NULL, .out = stderr};
    c.more = go != run_go_no ? " --judge go" : NULL;
    run_options o = {
        .until = SIZE_MAX, .limits.units = budget, .failed = report_failure, .ctx = &c, .go = go};
    run_result r = run_trace(&tr, f, &o);
    if (r.go == go_missing) {
        fprintf(stderr, "go: gone: this judge was asked for and is not there: %s\n", child_why());
        abort();
    }
    if (r.failed) {
        abort();
    }
    note_end(&r);
    return 0;
}

/* One mutation in five is of bytes: it finds what no recipe thinks of. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    const fuzz_target *f = &JOIN(target_, GM_TARGET);
    if (!mutator_on || max < mutator_min_bytes) {
        return LLVMFuzzerMutate(data, size, max);
    }
    if (seed % 5 == 0) {
        size = LLVMFuzzerMutate(data, size, max);
        KNOWN(data, size); /* MSan does not see what the engine, which it did not compile, has written */
        if (fuzz_has_ops(f, data, size)) {
            return size;
        }
    }
    return fuzz_mutate(f, seed, data, size, data, max, NULL);
}

/* 0: libFuzzer mutates instead. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t asize, const uint8_t *b, size_t bsize, uint8_t *out,
                                 size_t max, unsigned seed)
{
    if (!mutator_on) {
        return 0;
    }
    return fuzz_cross(&JOIN(target_, GM_TARGET), seed, a, asize, b, bsize, out, max);
}
