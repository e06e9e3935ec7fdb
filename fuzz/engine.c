/* SPDX-License-Identifier: BSD-3-Clause
 *
 * engine.c: the entry points that libFuzzer and AFL++ call.  Compiled once per
 * target with GM_TARGET=<name>; the rest is shared with replay.
 *
 * GOMAP_STATS=FILE: keeps two native uint64 counters there, runs and judged
 * steps, in a mapping that forked children add to as well.
 * GOMAP_JUDGE=go: the real go1.19 is one more judge of traces in exact mode.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../oracle/child.h"
#include "report.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
extern const fuzz_target JOIN(target_, GM_TARGET);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Atomic uint64_t *stats;
static run_go go;

static void open_stats(const char *path)
{
    enum { bytes = 64 };
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, bytes) != 0) {
        fprintf(stderr, "gomap: cannot write GOMAP_STATS file %s\n", path);
        exit(2);
    }
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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
    go = judge != NULL ? run_go_final : run_go_no;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static trace tr;
    const fuzz_target *f = &JOIN(target_, GM_TARGET);
    trace_decode(&tr, data, size);
    fuzz_restrict(f, &tr);
    report_context c = {.tr = &tr, .target = f, .file = NULL, .out = stderr};
    c.more = go != run_go_no ? " --judge go" : NULL;
    run_options o = {.until = SIZE_MAX, .failed = report_failure, .ctx = &c, .go = go};
    run_result r = run_trace(&tr, f, &o);
    if (stats != NULL) {
        atomic_fetch_add_explicit(&stats[0], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats[1], r.steps, memory_order_relaxed);
    }
    if (r.go == go_missing) {
        fprintf(stderr, "go: gone: this judge was asked for and is not there: %s\n", child_why());
        abort();
    }
    if (r.failed) {
        abort();
    }
    return 0;
}
