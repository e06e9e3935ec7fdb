/* SPDX-License-Identifier: BSD-3-Clause
 *
 * replay.c: the default engine.  Runs traces from files and folders under all
 * judges and says what it found; shows, dumps and converts them.
 *
 *     replay corpus/grow_iter/seed            run a folder
 *     replay --show FILE                      numbered ops
 *     replay --dump --until 12 FILE           state after each op up to #12
 *     replay --steps FILE                     what it comes to, step by step, for programs
 *     replay --draw MAP.svg --until 12 FILE   a picture of the map after op #12
 *     replay --compile IN.txt OUT             text to bytes
 *
 * Exit code: 0 all well, 1 a judge differs, 2 bad usage or unreadable input.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "../oracle/judge_go.h"
#include "draw.h"
#include "lockstep.h"
#include "report.h"

static const char usage[] =
    "usage: replay [OPTION...] FILE|FOLDER...\n"
    "       replay --compile IN.txt OUT\n"
    "       replay --compile IN.txt... FOLDER\n"
    "\n"
    "Runs traces (binary, or text in files named *.txt) under all judges; --judge go adds one.\n"
    "\n"
    "  --target T      run as target T; default: the T of .../corpus/T/..., else everything\n"
    "  --targets       list the targets\n"
    "  --judges        list the judges\n"
    "  --show          print the ops, numbered, instead of running them\n"
    "  --text          print the trace in its text form\n"
    "  --bytes         print the trace in its binary form, as hex\n"
    "  --steps         run it, and print each step as it is begun, for programs\n"
    "  --dump          run it, and print map and iterators after each op\n"
    "  --draw FILE     run it, and write a picture of map and iterators at its end, as SVG\n"
    "  --until N       stop after op N\n"
    "  --budget N      N units of work a trace, of 10000, and less memory: as on AFL++ in ci/fuzz\n"
    "  --roundtrip     check that bytes -> ops -> text -> ops -> bytes loses nothing\n"
    "  --judge go      ask the real go1.19 as well, after each step (exact mode only)\n"
    "  --lockstep      no judge but go, in exact mode, with the limits of lockstep\n"
    "  --repeat N      run each file N times, and print checked ops/s\n"
    "  --whole         a trace that is too costly to be run to its end counts as failed\n"
    "  --slowest       print the file that took longest, with its time\n"
    "  --compile I O   write the binary form of text file I to O; of many, to a folder,\n"
    "                  each under its name without .txt\n"
    "  --help          this text\n"
    "\n"
    "Exit code: 0 all well, 1 a judge differs, 2 bad usage or unreadable input.\n";

enum { mode_run, mode_show, mode_text, mode_bytes, mode_dump, mode_steps, mode_draw, mode_roundtrip };

static struct {
    const char *program;
    int mode;
    const char *picture;       /* where --draw writes */
    const fuzz_target *target; /* NULL: from the path */
    size_t until;
    unsigned long repeat, budget; /* 0: that of run.c */
    bool slowest, whole;
    bool go, lockstep;

    size_t files, failed, go_files, go_in_part, go_other;
    uint64_t steps;
    double seconds, worst;
    char worst_file[512];
} opt = {.until = SIZE_MAX, .repeat = 1};

static _Noreturn void die(const char *what, const char *about, const char *hint)
{
    fprintf(stderr, "replay: %s: %s%s%s\n", about, what, hint[0] != '\0' ? "; " : "", hint);
    exit(2);
}

/* ---- reading -------------------------------------------------------------- */

static bool is_text(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".txt") == 0;
}

/* So that --draw TRACE does not overwrite the trace. */
static bool is_picture(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".svg") == 0;
}

/* The whole file, NUL-terminated; the caller frees it. */
static char *slurp(const char *path, size_t *size)
{
    enum { max_file = 1 << 20 };
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        die(strerror(errno), path, "");
    }
    char *data = malloc(max_file + 1);
    if (data == NULL) {
        die("no memory to read it", path, "");
    }
    *size = fread(data, 1, max_file, f);
    if (ferror(f)) {
        die(strerror(errno), path, "");
    }
    if (*size == max_file) {
        die("is larger than 1 MiB", path, "a trace has at most 4096 bytes");
    }
    fclose(f);
    data[*size] = '\0';
    return data;
}

static void parse_or_die(const char *path, const char *text, size_t size, trace *tr)
{
    trace_error err;
    if (!trace_parse(tr, text, size, &err)) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, err.line, err.column, err.message);
        exit(2);
    }
}

static void read_trace(const char *path, trace *tr)
{
    size_t size;
    char *data = slurp(path, &size);
    if (is_text(path)) {
        parse_or_die(path, data, size, tr);
    } else {
        trace_decode(tr, (const uint8_t *)data, size);
    }
    free(data);
}

static const fuzz_target *target_of(const char *path)
{
    if (opt.target != NULL) {
        return opt.target;
    }
    for (const char *p = strstr(path, "corpus/"); p != NULL; p = strstr(p + 1, "corpus/")) {
        const char *name = p + strlen("corpus/");
        size_t len = strcspn(name, "/");
        const fuzz_target *f = fuzz_target_named(name, len);
        if (f != NULL) {
            return f;
        }
    }
    return fuzz_target_named("everything", strlen("everything"));
}

/* ---- modes ---------------------------------------------------------------- */

static bool same_trace(const trace *a, const trace *b)
{
    uint8_t x[trace_max_bytes], y[trace_max_bytes];
    size_t n = trace_encode(a, x), m = trace_encode(b, y);
    return n == m && memcmp(x, y, n) == 0;
}

/* True: nothing was lost. */
static bool roundtrip(const char *path, const trace *tr)
{
    static trace back, again;
    uint8_t bytes[trace_max_bytes];
    trace_decode(&back, bytes, trace_encode(tr, bytes));
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL) {
        die("no memory", path, "");
    }
    trace_print(tr, f);
    fclose(f);
    trace_error err;
    bool ok = trace_parse(&again, text, size, &err) && same_trace(&again, tr) && same_trace(&back, tr);
    free(text);
    if (!ok) {
        printf("%s: does not survive bytes -> ops -> text -> ops -> bytes\n", path);
    }
    /* A regression input and its text twin must be the same trace. */
    char twin[512];
    struct stat st;
    snprintf(twin, sizeof twin, "%s.txt", path);
    if (ok && !is_text(path) && strstr(path, "/regress/") != NULL && stat(twin, &st) == 0) {
        read_trace(twin, &again);
        ok = same_trace(&again, tr);
        if (!ok) {
            printf("%s: %s is another trace\n", path, twin);
        }
    }
    return ok;
}

static void dump_after(void *ctx, size_t n, const maptype *t, hmap *h, const hiter *its)
{
    const report_context *c = ctx;
    printf("\n");
    report_ops(c->tr, n, n, 0, stdout);
    gm_dump(t, h, gm_sink_file(stdout));
    for (unsigned i = 0; i < oracle_iters; i++) {
        if (its[i].h != NULL) {
            printf("iterator %c:\n", 'a' + (char)i);
            gm_dump_iter(&its[i], gm_sink_file(stdout));
        }
    }
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What became of the judge go; where it was asked for and is missing, nothing
 * else counts. */
static void note_go(const char *path, const run_result *r, bool first)
{
    if (r->go == go_missing) {
        printf("go judge: skipped: %s\n", child_why());
        fflush(stdout);
        die("asked for by --judge go, and not there", "go judge", child_why());
    }
    opt.go_files += first && (r->go == go_agrees || r->go == go_in_part);
    opt.go_in_part += first && r->go == go_in_part;
    opt.go_other += first && r->go == go_other;
    (void)path;
}

/* What the steps are steps of: the map line, and the most memory that its
 * allocations may take. */
static void print_steps_head(const trace *tr, const fuzz_target *f, const run_options *o)
{
    char header[160];
    trace_print_header(tr, header, sizeof header);
    printf("%s\nlimit %zu\nsabotage %d\n", header, run_bytes(f, o), f->sabotage != NULL);
}

static void run_file(const char *path, const trace *tr, const fuzz_target *f)
{
    report_context c = {.tr = tr, .target = f, .program = opt.program, .file = path, .out = stdout};
    run_options o = {.until = opt.until, .failed = report_failure, .ctx = &c};
    if (opt.mode == mode_dump) {
        o.after = dump_after;
    }
    if (opt.mode == mode_steps) {
        o.step = report_step;
        o.failed = NULL;
        o.ctx = stdout;
    }
    if (opt.go) {
        o.go = run_go_each;
    }
    if (opt.lockstep) {
        lockstep_options(&o);
    }
    if (opt.budget != 0) {
        o.limits.units = opt.budget;
    }
    char more[64];
    int n = snprintf(more, sizeof more, "%s", opt.lockstep ? " --lockstep" : opt.go ? " --judge go" : "");
    if (opt.budget != 0) {
        snprintf(more + n, sizeof more - (size_t)n, " --budget %lu", opt.budget);
    }
    c.more = more;
    if (opt.mode == mode_steps) {
        print_steps_head(tr, f, &o);
    }
    for (unsigned long i = 0; i < opt.repeat; i++) {
        double start = now();
        run_result r = run_trace(tr, f, &o);
        double took = now() - start;
        opt.seconds += took;
        note_go(path, &r, i == 0);
        opt.steps += r.steps;
        if (took > opt.worst) {
            opt.worst = took;
            snprintf(opt.worst_file, sizeof opt.worst_file, "%s", path);
        }
        if (opt.mode == mode_steps) {
            char verdict[128];
            run_verdict(&r, verdict, sizeof verdict);
            printf("verdict %s\n", verdict);
        }
        if (r.failed) {
            opt.failed++;
            return;
        }
        if (opt.mode != mode_steps && i == 0 && r.ops < tr->nops && opt.until >= tr->nops) {
            printf("%s: cut short by the budget of a run: %zu of %zu ops\n", path, r.ops, tr->nops);
            opt.failed += opt.whole;
        }
    }
}

static void draw_file(const char *path, const trace *tr, const fuzz_target *f)
{
    report_context c = {.tr = tr, .target = f, .program = opt.program, .file = path, .out = stdout};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        die("no memory", path, "");
    }
    run_result r;
    bool drawn = draw_trace(&c, opt.until, &r, out);
    fclose(out);
    opt.failed += r.failed;
    if (!drawn) {
        die("there is no op after which to draw the map", path, "");
    }
    if (!r.failed && r.ops < tr->nops && opt.until >= tr->nops) {
        printf("%s: cut short by the budget of a run: %zu of %zu ops\n", path, r.ops, tr->nops);
    }
    out = fopen(opt.picture, "wb");
    if (out == NULL) {
        die(strerror(errno), opt.picture, "");
    }
    bool whole = fwrite(text, 1, size, out) == size;
    if (fclose(out) != 0 || !whole) {
        int why = errno;
        remove(opt.picture);
        die(strerror(why), opt.picture, "");
    }
    free(text);
}

static void one_file(const char *path)
{
    static trace tr;
    const fuzz_target *f = target_of(path);
    read_trace(path, &tr);
    opt.files++;
    if (opt.mode == mode_roundtrip) {
        opt.failed += !roundtrip(path, &tr);
        return;
    }
    fuzz_restrict(f, &tr);
    if (opt.lockstep) {
        tr.mode = gm_exact;
    }
    if (opt.until < tr.nops && opt.mode != mode_run && opt.mode != mode_dump && opt.mode != mode_draw &&
        opt.mode != mode_steps) {
        tr.nops = opt.until;
    }
    char header[160];
    uint8_t bytes[trace_max_bytes];
    size_t n;
    switch (opt.mode) {
    case mode_show:
        trace_print_header(&tr, header, sizeof header);
        printf("%s: target %s, %zu ops\n         %s\n", path, f->name, tr.nops, header);
        report_ops(&tr, 1, tr.nops, 0, stdout);
        break;
    case mode_text:
        trace_print(&tr, stdout);
        break;
    case mode_bytes:
        n = trace_encode(&tr, bytes);
        for (size_t i = 0; i < n; i++) {
            printf("%02x%s", bytes[i],
                   i + 1 == n || i == trace_header_bytes - 1 || (i > 12 && i % 16 == 11) ? "\n" : " ");
        }
        break;
    case mode_draw:
        draw_file(path, &tr, f);
        break;
    default:
        run_file(path, &tr, f);
        break;
    }
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

/* In the order of names, so that output can be compared. */
/* What else lies in corpus/. */
static bool may_be_trace(const char *name)
{
    size_t n = strlen(name);
    bool json = n > 5 && strcmp(name + n - 5, ".json") == 0;
    return name[0] != '.' && strcmp(name, "README.md") != 0 && !json;
}

static void one_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        die(strerror(errno), path, "name a trace file or a folder of them");
    }
    if (!S_ISDIR(st.st_mode)) {
        one_file(path);
        return;
    }
    DIR *d = opendir(path);
    if (d == NULL) {
        die(strerror(errno), path, "");
    }
    char **names = NULL;
    size_t n = 0;
    struct dirent *e;
    while (errno = 0, (e = readdir(d)) != NULL) {
        size_t len = strlen(path) + strlen(e->d_name) + 2;
        if (!may_be_trace(e->d_name)) {
            continue;
        }
        char **more = realloc(names, (n + 1) * sizeof *more);
        char *name = malloc(len);
        if (more == NULL || name == NULL) {
            die("no memory", path, "");
        }
        names = more;
        snprintf(name, len, "%s/%s", path, e->d_name);
        names[n++] = name;
    }
    if (errno != 0) {
        die(strerror(errno), path, "");
    }
    closedir(d);
    if (n > 1) {
        qsort(names, n, sizeof *names, by_name);
    }
    for (size_t i = 0; i < n; i++) {
        one_path(names[i]);
        free(names[i]);
    }
    free(names);
}

static void compile(const char *in, const char *out)
{
    static trace tr;
    size_t size;
    char *text = slurp(in, &size);
    parse_or_die(in, text, size, &tr);
    free(text);
    uint8_t bytes[trace_max_bytes];
    size_t n = trace_encode(&tr, bytes);
    FILE *f = fopen(out, "wb");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) {
        int why = errno;
        remove(out);
        die(strerror(why), out, "");
    }
}

static void compile_all(char **paths, int n, const char *out)
{
    struct stat st;
    if (stat(out, &st) != 0 || !S_ISDIR(st.st_mode)) {
        if (n != 1) {
            die("is no folder, and there is more than one text file", out, "see replay --help");
        }
        compile(paths[0], out);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (!is_text(paths[i])) {
            die("is not named *.txt", paths[i], "see replay --help");
        }
        const char *name = strrchr(paths[i], '/');
        name = name != NULL ? name + 1 : paths[i];
        char to[4096];
        int len = snprintf(to, sizeof to, "%s/%.*s", out, (int)(strlen(name) - strlen(".txt")), name);
        if (len < 0 || (size_t)len >= sizeof to) {
            die(strerror(ENAMETOOLONG), out, "");
        }
        compile(paths[i], to);
    }
}

static unsigned long number(const char *option, const char *text)
{
    char *end;
    errno = 0;
    unsigned long v = text != NULL ? strtoul(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0' || errno != 0 || text[0] == '-' || v == 0) {
        die("needs a whole number from 1 on", option, "see replay --help");
    }
    return v;
}

int main(int argc, char **argv)
{
    opt.program = argv[0];
    int paths = 0;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        } else if (strcmp(a, "--targets") == 0) {
            for (size_t k = 0; fuzz_targets[k] != NULL; k++) {
                puts(fuzz_targets[k]->name);
            }
            return 0;
        } else if (strcmp(a, "--judges") == 0) {
            for (size_t k = 0; oracles[k] != NULL; k++) {
                puts(oracles[k]->name);
            }
            if (child_ready()) {
                printf("go (%s)\n", child_version());
            } else {
                fprintf(stderr, "replay: no judge go: %s\n", child_why());
            }
            return 0;
        } else if (strcmp(a, "--compile") == 0) {
            if (argc < 4 || i != 1) {
                die("needs text files and where to: --compile IN.txt OUT", a, "see replay --help");
            }
            compile_all(argv + 2, argc - 3, argv[argc - 1]);
            return 0;
        } else if (strcmp(a, "--target") == 0) {
            const char *name = ++i < argc ? argv[i] : "";
            opt.target = fuzz_target_named(name, strlen(name));
            if (opt.target == NULL) {
                die("is not a target", name, "replay --targets lists them");
            }
        } else if (strcmp(a, "--judge") == 0) {
            const char *name = ++i < argc ? argv[i] : "";
            if (strcmp(name, "go") != 0) {
                die("is not a judge to ask for; there is: go", name, "see replay --help");
            }
            opt.go = true;
        } else if (strcmp(a, "--lockstep") == 0) {
            opt.go = opt.lockstep = true;
        } else if (strcmp(a, "--until") == 0) {
            opt.until = number(a, ++i < argc ? argv[i] : NULL);
        } else if (strcmp(a, "--budget") == 0) {
            opt.budget = number(a, ++i < argc ? argv[i] : NULL);
        } else if (strcmp(a, "--repeat") == 0) {
            opt.repeat = number(a, ++i < argc ? argv[i] : NULL);
        } else if (strcmp(a, "--slowest") == 0) {
            opt.slowest = true;
        } else if (strcmp(a, "--whole") == 0) {
            opt.whole = true;
        } else if (strcmp(a, "--show") == 0) {
            opt.mode = mode_show;
        } else if (strcmp(a, "--text") == 0) {
            opt.mode = mode_text;
        } else if (strcmp(a, "--bytes") == 0) {
            opt.mode = mode_bytes;
        } else if (strcmp(a, "--dump") == 0) {
            opt.mode = mode_dump;
        } else if (strcmp(a, "--steps") == 0) {
            opt.mode = mode_steps;
        } else if (strcmp(a, "--draw") == 0) {
            opt.mode = mode_draw;
            opt.picture = ++i < argc ? argv[i] : NULL;
            if (opt.picture == NULL || !is_picture(opt.picture)) {
                die("needs the name of a file that ends in .svg", a, "see replay --help");
            }
        } else if (strcmp(a, "--roundtrip") == 0) {
            opt.mode = mode_roundtrip;
        } else if (a[0] == '-' && a[1] != '\0') {
            die("is not an option", a, "see replay --help");
        } else {
            argv[paths++] = argv[i];
        }
    }
    if (paths == 0) {
        fputs(usage, stderr);
        return 2;
    }
    if (opt.go && !child_ready()) {
        printf("go judge: skipped: %s\n", child_why());
        return 2;
    }
    if (opt.mode == mode_draw && opt.budget != 0) {
        die("does not go with --draw, whose --until N ends a trace", "--budget", "see replay --help");
    }
    struct stat st;
    if (opt.mode == mode_draw && (paths != 1 || (stat(argv[0], &st) == 0 && S_ISDIR(st.st_mode)))) {
        die("needs exactly one trace", "--draw", "see replay --help");
    }
    for (int i = 0; i < paths; i++) {
        one_path(argv[i]);
    }
    if (opt.mode == mode_run || opt.mode == mode_dump || opt.mode == mode_roundtrip) {
        printf("%zu files, %zu failed", opt.files, opt.failed);
        if (opt.mode == mode_run) {
            printf(", %llu ops checked", (unsigned long long)opt.steps);
        }
        if (opt.go) {
            printf("; %s agrees: %llu states of %zu files", child_version(),
                   (unsigned long long)judge_go_states(), opt.go_files);
            if (opt.go_in_part != 0) {
                printf(" (%zu up to a failed allocation)", opt.go_in_part);
            }
            if (opt.go_other != 0) {
                printf(", %zu not its business (strict mode, or no AES)", opt.go_other);
            }
        }
        if (opt.repeat > 1) {
            printf(", %.0f ops/s", (double)opt.steps / opt.seconds);
        }
        printf("\n");
    }
    if (opt.slowest) {
        printf("slowest: %.1f ms, %s\n", opt.worst * 1e3, opt.worst_file);
    }
    if (opt.failed != 0) {
        /* Failed runs have abandoned their maps: not for a leak checker. */
        fflush(stdout);
        _Exit(1);
    }
    return 0;
}
