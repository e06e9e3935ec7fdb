/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lockstep.c: random traces, each carried out by the port and by the real
 * go1.19 runtime, and compared.  ci/lockstep runs it for both word sizes.
 *
 *     lockstep --ops 1000000 --seed 7
 *
 * Small maps are compared after each op, large ones by all results and their
 * states at the end.  Ends with one line; exit code: 0 no difference, 1 one (its
 * report is printed and its trace saved), 2 bad usage or no go1.19 here.
 */
#define _XOPEN_SOURCE 700 /* setitimer */

#include "lockstep.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../oracle/judge_go.h"
#include "pin_down.h"
#include "random_trace.h"
#include "report.h"

static const char usage[] =
    "usage: lockstep [OPTION...]\n"
    "\n"
    "Random traces on the port and on the real go1.19, in lock-step.\n"
    "\n"
    "  --ops N      stop after so many ops (default: 1000000)\n"
    "  --seed S     0..18446744073709551615; default: another each time\n"
    "  --kind K     only keys of kind K, or of kinds K/E: int64, string, int64/bytes129\n"
    "  --each       only small maps, compared after each op\n"
    "  --final      every map by results and end states only\n"
    "  --save DIR   folder for the trace of a difference (default: .)\n"
    "  --pin FILE   which op of this trace is it that crashes the port\n"
    "  --help       this text\n"
    "\n"
    "Exit code: 0 no difference, 1 a difference, 2 bad usage or no go1.19 here.\n";

enum { stuck_seconds = 20, pin_seconds = 2, large_one_in = 24, huge_one_in = 40 };

static struct {
    uint64_t ops, seed;
    int key, elem;
    bool each, final;
    const char *save;
    char replay[4096], self[4096];
    char pin_option[8];

    trace tr;
    uint64_t traces, done;
    char file[4200];
} my = {.ops = 1000000, .key = -1, .elem = -1, .save = ".", .pin_option = "--pin"};

static _Noreturn void die(const char *about, const char *what)
{
    fprintf(stderr, "lockstep: %s: %s; see lockstep --help\n", about, what);
    exit(2);
}

static uint64_t number(const char *option, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long v = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || *text < '0' || *text > '9' || *end != '\0' || errno != 0) {
        die(option, "needs a whole number");
    }
    return v;
}

static int named(const char *const *names, int n, const char *name, size_t len, const char *what)
{
    for (int i = 0; i < n; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            return i;
        }
    }
    fprintf(stderr, "lockstep: --kind: '%.*s' is no kind of %s; there are:", (int)len, name, what);
    for (int i = 0; i < n; i++) {
        fprintf(stderr, " %s", names[i]);
    }
    fputc('\n', stderr);
    exit(2);
}

static void choose_kind(const char *text)
{
    if (text == NULL) {
        die("--kind", "needs the name of a kind");
    }
    size_t len = strcspn(text, "/");
    my.key = named(key_kind_names, key_kinds, text, len, "key");
    if (text[len] == '/') {
        my.elem = named(elem_kind_names, elem_kinds, text + len + 1, strlen(text + len + 1), "elem");
    }
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static report_context context(void)
{
    return (report_context){.tr = &my.tr,
                            .target = fuzz_target_named("everything", strlen("everything")),
                            .program = my.replay,
                            .more = " --lockstep",
                            .file = my.file,
                            .out = stdout};
}

/* ---- a difference ----------------------------------------------------------- */

/* Calls nothing that a signal handler may not. */
static bool save_trace(void)
{
    uint8_t bytes[trace_max_bytes];
    size_t n = trace_encode(&my.tr, bytes);
    int fd = open(my.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

static void failed(void *ctx, const oracle_step *s, const run_result *r)
{
    putchar('\n');
    if (!save_trace()) {
        fprintf(stderr, "lockstep: cannot write %s: %s\n", my.file, strerror(errno));
    }
    report_failure(ctx, s, r);
}

/* The port has crashed or goes round in circles.  In a fresh process, which
 * takes the trace from the file: this one's memory may be anything. */
static void on_crash(int signal)
{
    (void)signal;
    char *argv[] = {my.self, my.pin_option, my.file, NULL};
    if (save_trace()) {
        execv(my.self, argv);
    }
    static const char words[] = "\nlockstep: crashed, and cannot save the trace\n";
    if (write(STDERR_FILENO, words, sizeof words - 1) > 0) {
        _exit(1);
    }
    _exit(1);
}

static void watch_crashes(void)
{
    static char stack[1 << 16];
    stack_t s = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&s, NULL);
    static const int signals[] = {SIGVTALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction a = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
        sigaction(signals[i], &a, NULL);
    }
}

/* In seconds of this process's own work, so that a busy machine is no alarm. */
static void watch(void)
{
    struct itimerval t = {.it_value = {.tv_sec = stuck_seconds}};
    setitimer(ITIMER_VIRTUAL, &t, NULL);
}

/* --pin FILE: what on_crash starts. */
static int pin(const char *path)
{
    uint8_t bytes[trace_max_bytes];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        die(path, strerror(errno));
    }
    trace_decode(&my.tr, bytes, fread(bytes, 1, sizeof bytes, f));
    fclose(f);
    report_context c = context();
    c.file = path;
    run_options o = {.failed = report_failure, .ctx = &c, .go = run_go_each};
    lockstep_options(&o);
    pin_down(&c, &o, pin_seconds);
    return 1;
}

/* ---- the run ---------------------------------------------------------------- */

static trace_size choose_size(uint64_t *state)
{
    if (my.each || random_next(state) % large_one_in != 0) {
        return my.final && !my.each && random_next(state) % 2 == 0 ? trace_large : trace_small;
    }
    bool any = my.key < 0 && my.elem < 0;
    return any && random_next(state) % huge_one_in == 0 ? trace_huge : trace_large;
}

/* False: a difference. */
static bool one_trace(uint64_t *state)
{
    trace_size size = choose_size(state);
    random_trace(&my.tr, random_next(state), size, my.key, my.elem);
    snprintf(my.file, sizeof my.file, "%s/lockstep-%dbit-%llu-%llu", my.save, 8 * (int)PtrSize,
             (unsigned long long)my.seed, (unsigned long long)my.traces);
    report_context c = context();
    run_options o = {.until = SIZE_MAX, .failed = failed, .ctx = &c};
    lockstep_options(&o);
    o.go = size == trace_small && !my.final ? run_go_each : run_go_final;
    watch();
    run_result r = run_trace(&my.tr, c.target, &o);
    my.traces++;
    my.done += record.nops + 1;
    if (r.go == go_missing) {
        fprintf(stderr, "lockstep: go judge: skipped: %s\n", child_why());
        exit(2);
    }
    return !r.failed;
}

static void progress(double start)
{
    double seconds = now() - start;
    printf("\r%llu traces, %llu ops, %llu states compared, %.0f s ", (unsigned long long)my.traces,
           (unsigned long long)my.done, (unsigned long long)judge_go_states(), seconds);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    my.seed = (uint64_t)ts.tv_sec * 1000003 + (uint64_t)ts.tv_nsec;
    char self[2048];
    snprintf(self, sizeof self, "%s", argv[0]);
    snprintf(my.self, sizeof my.self, "%s", argv[0]);
    snprintf(my.replay, sizeof my.replay, "%s/replay", dirname(self));
    if (argc == 3 && strcmp(argv[1], my.pin_option) == 0) {
        return pin(argv[2]);
    }
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(a, "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        } else if (strcmp(a, "--each") == 0) {
            my.each = true;
            continue;
        } else if (strcmp(a, "--final") == 0) {
            my.final = true;
            continue;
        } else if (strcmp(a, "--ops") == 0) {
            my.ops = number(a, value);
        } else if (strcmp(a, "--seed") == 0) {
            my.seed = number(a, value);
        } else if (strcmp(a, "--kind") == 0) {
            choose_kind(value);
        } else if (strcmp(a, "--save") == 0 && value != NULL) {
            my.save = value;
        } else {
            die(a, a[0] == '-' ? "is not an option, or lacks its value" : "is not understood");
        }
        i++;
    }
    struct stat st;
    if (stat(my.save, &st) != 0 || !S_ISDIR(st.st_mode)) {
        die(my.save, "is no folder");
    }
    if (!child_ready()) {
        fprintf(stderr, "lockstep: go judge: skipped: %s\n", child_why());
        return 2;
    }
    watch_crashes();

    bool terminal = isatty(STDOUT_FILENO) != 0, agrees = true;
    double start = now(), told = start;
    uint64_t state = my.seed;
    while (agrees && my.done < my.ops) {
        agrees = one_trace(&state);
        if (terminal && now() - told > 0.5) {
            told = now();
            progress(start);
        }
    }
    double seconds = now() - start;
    printf("%s%llu traces, %llu ops, %llu states compared, %d differences, %.1f s, %.0f ops/s "
           "(%s, seed %llu)\n",
           terminal && agrees ? "\r" : "", (unsigned long long)my.traces, (unsigned long long)my.done,
           (unsigned long long)judge_go_states(), !agrees, seconds, (double)my.done / seconds,
           child_version(), (unsigned long long)my.seed);
    return agrees ? 0 : 1;
}
