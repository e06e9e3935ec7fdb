/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform.c: the program gomap-conform: a port of the map, in whatever language,
 * under the judges of this one, through a small protocol over its standard input
 * and output (conform/PROTOCOL.md).
 *
 *     gomap-conform -- ./your-port
 *     gomap-conform --time 10s -- python3 fuzz/conform/child_dict.py
 *
 * First all traces of the corpus, then random ones, by turns with mutations of
 * those that took a map to rare kinds of state.  Exit code: 0 all levels that the
 * child claims hold, 1 something broke, 2 bad usage or no child.
 */
#include "conform_run.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "conform_report.h"
#include "conform_shrink.h"
#include "conform_states.h"
#include "mutator.h"
#include "random_trace.h"

static const char usage[] =
    "usage: gomap-conform [OPTION...] -- COMMAND [ARGUMENT...]\n"
    "\n"
    "Starts COMMAND, a port of the map that speaks the protocol of fuzz/conform/PROTOCOL.md, gives it\n"
    "traces, judges its answers, and says rule by rule what held and what broke.\n"
    "\n"
    "  --time T       how long: 30s, 5m (default: 60s)\n"
    "  --seed S       of the random traces: 0..18446744073709551615; default: another each time\n"
    "  --levels L,..  judge only these of map, range, structure, memory\n"
    "  --corpus DIR   the traces to begin with; default: corpus/ beside this program\n"
    "  --only FILE    only this trace: text in files named *.txt, else bytes\n"
    "  --save DIR     folder for the minimal traces of what broke\n"
    "  --until-first  stop at the first thing that breaks\n"
    "  --timeout T    how long the child may be silent when an answer is due (default: 10s)\n"
    "  --shrink T     how long to look for a smaller trace of each rule that broke (default: 5s)\n"
    "  --json FILE    the report as JSON\n"
    "  --help         this text\n"
    "\n"
    "Exit code: 0 all levels that the child claims hold, 1 something broke, 2 bad usage or no child.\n";

enum { excuse_tries = 30, confirm_tries = 3, large_one_in = 24 };

static struct {
    conform c;
    conform_summary sum;
    double seconds, shrink, start, end;
    const char *corpus, *only, *save, *json, *levels;
    char beside[4096];
    bool until_first, broke;
    uint64_t random;
    trace tr, low, work;
} my = {.seconds = 60, .shrink = 5};

static _Noreturn void die(const char *about, const char *what)
{
    fprintf(stderr, "gomap-conform: %s: %s\n", about, what);
    exit(2);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool over(void)
{
    return (my.until_first && my.broke) || now() >= my.end;
}

/* ---- what breaks ------------------------------------------------------------- */

static void save_trace(const conform_rule *r, struct conform_first *first)
{
    if (my.save == NULL) {
        return;
    }
    snprintf(first->file, sizeof first->file, "%s/%s-%s.txt", my.save, r->judge, r->rule);
    FILE *f = fopen(first->file, "w");
    if (f == NULL) {
        die(first->file, strerror(errno));
    }
    fprintf(f, "# %s: %s: %s\n", r->judge, r->rule, first->detail);
    trace_print(&first->tr, f);
    if (fclose(f) != 0) {
        die(first->file, strerror(errno));
    }
}

/* The same trace once more: one request at a time, which says best where it
 * is; then as it was. */
static bool again(const trace *tr, breach *b, conform_how *how, unsigned tries)
{
    for (unsigned i = 0; i <= tries; i++) {
        how->in_step = i == 0;
        breach next = conform_run(&my.c, tr, how);
        if (next.any) {
            *b = next;
            return true;
        }
    }
    return false;
}

static bool excusable(const breach *b)
{
    return my.c.errata != 0 && b->level == level_range && strcmp(b->judge, "range") == 0;
}

static void broken(const trace *tr, breach b, bool lower)
{
    conform_rule *r = rules_find(b.level, b.judge, b.rule);
    if (r->first != NULL && !excusable(&b)) {
        r->broken++;
        return;
    }
    conform_how how = {.in_step = true, .lower = lower};
    my.c.child.quiet = true; /* it has said once what it had to say */
    memcpy(&my.work, tr, sizeof my.work);
    bool steady = again(tr, &b, &how, excusable(&b) ? excuse_tries : confirm_tries);
    if (!steady && excusable(&b)) {
        my.sum.excused++;
        return;
    }
    my.broke = true;
    r = rules_find(b.level, b.judge, b.rule);
    r->broken++;
    if (r->first != NULL) {
        return;
    }
    struct conform_first *first = calloc(1, sizeof *first);
    if (first == NULL) {
        die("memory", "there is none left");
    }
    first->steady = steady;
    first->whole = steady && conform_shrink(&my.c, &my.work, &b, &how, my.shrink);
    memcpy(&first->tr, &my.work, sizeof first->tr);
    first->op = b.op;
    snprintf(first->detail, sizeof first->detail, "%s", b.detail);
    save_trace(r, first);
    r->first = first;
    printf("%s: %s: broken\n", r->judge, r->rule);
    fflush(stdout);
}

static void one_trace(const trace *tr)
{
    const conform_how how = {.counted = true, .saw = states_see};
    states_begin(tr);
    breach b = conform_run(&my.c, tr, &how);
    states_end();
    if (b.any) {
        broken(tr, b, false);
    }
    if (b.any && b.level == level_structure && !over()) { /* is it the structure alone? */
        const conform_how below = {.lower = true};
        my.low = *tr;
        my.low.mode = my.c.strict ? gm_strict : tr->mode;
        b = conform_run(&my.c, &my.low, &below);
        if (b.any) {
            broken(&my.low, b, true);
        }
    }
}

/* ---- the corpus --------------------------------------------------------------- */

static bool is_text(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".txt") == 0;
}

static void read_trace(const char *path, trace *tr)
{
    enum { most = 1 << 16 };
    static char data[most + 1];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        die(path, strerror(errno));
    }
    size_t n = fread(data, 1, most, f);
    bool bad = ferror(f) != 0;
    fclose(f);
    if (bad || n == most) {
        die(path, bad ? "cannot be read" : "is larger than a trace can be");
    }
    data[n] = '\0';
    trace_error err;
    if (!is_text(path)) {
        trace_decode(tr, (const uint8_t *)data, n);
    } else if (!trace_parse(tr, data, n, &err)) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, err.line, err.column, err.message);
        exit(2);
    }
}

typedef struct names {
    char **at;
    size_t n;
} names;

static void add_name(names *l, const char *folder, const char *name)
{
    size_t len = strlen(folder) + strlen(name) + 2;
    char **more = realloc(l->at, (l->n + 1) * sizeof *more);
    char *path = malloc(len);
    if (more == NULL || path == NULL) {
        die(folder, "no memory");
    }
    snprintf(path, len, "%s/%s", folder, name);
    l->at = more;
    l->at[l->n++] = path;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static bool is_trace(const char *name)
{
    size_t n = strlen(name);
    bool json = n > 5 && strcmp(name + n - 5, ".json") == 0, page = n > 3 && strcmp(name + n - 3, ".md") == 0;
    return name[0] != '.' && !json && !page;
}

/* All files below the folder. */
static void collect(const char *folder, names *files)
{
    DIR *d = opendir(folder);
    if (d == NULL) {
        die(folder, strerror(errno));
    }
    names inside = {NULL, 0};
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (is_trace(e->d_name)) {
            add_name(&inside, folder, e->d_name);
        }
    }
    closedir(d);
    if (inside.n > 1) {
        qsort(inside.at, inside.n, sizeof *inside.at, by_name);
    }
    for (size_t i = 0; i < inside.n; i++) {
        struct stat st;
        if (stat(inside.at[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            collect(inside.at[i], files);
        } else {
            char name[] = "";
            add_name(files, inside.at[i], name);
            files->at[files->n - 1][strlen(inside.at[i])] = '\0';
        }
        free(inside.at[i]);
    }
    free(inside.at);
}

static void run_corpus(void)
{
    names files = {NULL, 0};
    struct stat st;
    if (stat(my.corpus, &st) != 0 || !S_ISDIR(st.st_mode)) {
        die(my.corpus, "is no folder of traces; --corpus names one");
    }
    collect(my.corpus, &files);
    my.sum.corpus_files = files.n;
    if (files.n == 0) {
        die(my.corpus, "has no traces; --corpus names another folder");
    }
    for (size_t i = 0; i < files.n; i++) {
        if (!over()) {
            read_trace(files.at[i], &my.tr);
            fuzz_restrict(&my.c.target, &my.tr);
            my.sum.corpus++;
            one_trace(&my.tr);
        }
        free(files.at[i]);
    }
    free(files.at);
}

/* ---- random and guided traces --------------------------------------------------- */

static unsigned draw(size_t n)
{
    return (unsigned)((random_next(&my.random) >> 20) % n);
}

/* Some allocations are to fail. */
static void let_fail(trace *tr)
{
    unsigned many = 1 + draw(4);
    for (unsigned i = 0; i < many && tr->nops > 0 && tr->nops < trace_max_ops; i++) {
        size_t at = draw(tr->nops);
        memmove(&tr->ops[at + 1], &tr->ops[at], (tr->nops - at) * sizeof tr->ops[0]);
        tr->ops[at] = (op){.code = op_fail, .key = (uint16_t)draw(8), .count = (uint16_t)(1 + draw(3))};
        tr->nops++;
    }
}

static void run_random(void)
{
    trace_size size = draw(large_one_in) == 0 ? trace_large : trace_small;
    random_trace(&my.tr, random_next(&my.random), size, -1, -1);
    my.tr.mode = draw(2) == 0 ? gm_exact : gm_strict;
    if ((my.c.levels & 1U << level_memory) != 0 && draw(3) == 0) {
        let_fail(&my.tr);
    }
    fuzz_restrict(&my.c.target, &my.tr);
    my.sum.random++;
    one_trace(&my.tr);
}

static void run_guided(void)
{
    uint8_t from[trace_max_bytes], bytes[trace_max_bytes];
    size_t n = states_pick(&my.random, from);
    if (n == 0) {
        run_random();
        return;
    }
    size_t size = fuzz_mutate(&my.c.target, random_next(&my.random), from, n, bytes, sizeof bytes, NULL);
    trace_decode(&my.tr, bytes, size);
    fuzz_restrict(&my.c.target, &my.tr);
    my.sum.guided++;
    one_trace(&my.tr);
}

/* ---- the command line ------------------------------------------------------------ */

static double duration(const char *option, const char *text)
{
    char *end;
    double v = text != NULL && *text >= '0' && *text <= '9' ? strtod(text, &end) : -1;
    if (v < 0) {
        die(option, "needs a time such as 30s or 5m");
    }
    v *= *end == 'm' ? 60 : 1;
    end += *end == 's' || *end == 'm';
    if (*end != '\0' || v <= 0 || v > 1e6) {
        die(option, "needs a time such as 30s or 5m");
    }
    return v;
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

static void need_folder(const char *option, const char *path)
{
    struct stat st;
    if (path == NULL || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        fprintf(stderr, "gomap-conform: %s: '%s' is no folder\n", option, path != NULL ? path : "");
        exit(2);
    }
}

/* Returns where COMMAND begins. */
static int options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(a, "--") == 0) {
            return i + 1;
        } else if (strcmp(a, "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        } else if (strcmp(a, "--until-first") == 0) {
            my.until_first = true;
            continue;
        } else if (strcmp(a, "--time") == 0) {
            my.seconds = duration(a, value);
        } else if (strcmp(a, "--shrink") == 0) {
            my.shrink = duration(a, value);
        } else if (strcmp(a, "--timeout") == 0) {
            my.c.child.patience_ms = (unsigned)(1000 * duration(a, value));
        } else if (strcmp(a, "--seed") == 0) {
            my.sum.seed = number(a, value);
        } else if (strcmp(a, "--levels") == 0 && value != NULL) {
            my.levels = value;
        } else if (strcmp(a, "--corpus") == 0 && value != NULL) {
            my.corpus = value;
        } else if (strcmp(a, "--only") == 0 && value != NULL) {
            my.only = value;
        } else if (strcmp(a, "--save") == 0) {
            need_folder(a, value);
            my.save = value;
        } else if (strcmp(a, "--json") == 0 && value != NULL) {
            my.json = value;
        } else {
            die(a, a[0] == '-' ? "is not an option, or lacks its value; see gomap-conform --help"
                               : "is not understood; the command of the child stands behind --");
        }
        i++;
    }
    return argc;
}

/* The levels to be judged: those that the child claims, or some of them. */
static void choose_levels(void)
{
    my.c.levels = my.c.offers;
    if (my.levels == NULL) {
        return;
    }
    unsigned wanted = 1U << level_protocol | 1U << level_map;
    for (const char *p = my.levels; *p != '\0';) {
        size_t len = strcspn(p, ",");
        unsigned l = level_map;
        while (l < conform_levels &&
               (strlen(conform_level_names[l]) != len || strncmp(conform_level_names[l], p, len) != 0)) {
            l++;
        }
        if (l == conform_levels) {
            die("--levels", "knows map, range, structure and memory");
        }
        if ((my.c.offers & 1U << l) == 0) {
            fprintf(stderr, "gomap-conform: --levels: %s does not claim the level %s\n", my.c.name,
                    conform_level_names[l]);
            exit(2);
        }
        wanted |= 1U << l | (l == level_structure ? 1U << level_range : 0);
        p += len + (p[len] == ',');
    }
    my.c.levels &= wanted;
}

static void write_json(void)
{
    FILE *f = fopen(my.json, "w");
    if (f == NULL) {
        die(my.json, strerror(errno));
    }
    report_json(&my.sum, f);
    if (fclose(f) != 0) {
        int why = errno;
        remove(my.json);
        die(my.json, strerror(why));
    }
}

static bool all_hold(void)
{
    bool all = true;
    for (unsigned l = 0; l < conform_levels; l++) {
        uint64_t checks;
        bool holds = report_level(&my.sum, (conform_level)l, &checks);
        bool shown = checks > 0 || (my.only != NULL && l == level_memory);
        all = all && holds && (shown || (my.c.levels >> l & 1) == 0);
    }
    return all;
}

static void hello(void)
{
    char why[256];
    if (!conform_meet(&my.c, why, sizeof why)) {
        die(my.c.child.argv[0], why);
    }
    choose_levels();
    printf("%s claims the levels", my.c.name);
    for (unsigned l = level_map; l < conform_levels; l++) {
        if ((my.c.offers >> l & 1) != 0) {
            printf(" %s", conform_level_names[l]);
        }
    }
    printf("; seed %llu\n", (unsigned long long)my.sum.seed);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    my.sum.seed = (uint64_t)ts.tv_sec * 1000003 + (uint64_t)ts.tv_nsec;
    my.c.child.patience_ms = 10000;
    int command = options(argc, argv);
    if (command >= argc) {
        die("no child", "its command stands behind --; see gomap-conform --help");
    }
    if (my.corpus == NULL) {
        char self[2048];
        snprintf(self, sizeof self, "%s", argv[0]);
        snprintf(my.beside, sizeof my.beside, "%s/corpus", dirname(self));
        my.corpus = my.beside;
    }
    signal(SIGPIPE, SIG_IGN);
    my.c.child.argv = argv + command;
    my.sum.c = &my.c;
    my.random = my.sum.seed;
    hello();
    my.start = now();
    my.end = my.start + my.seconds;
    if (my.only != NULL) {
        read_trace(my.only, &my.tr);
        fuzz_restrict(&my.c.target, &my.tr);
        my.sum.corpus = my.sum.corpus_files = 1;
        one_trace(&my.tr);
    } else {
        run_corpus();
        while (!over()) {
            if (draw(2) == 0) {
                run_random();
            } else {
                run_guided();
            }
        }
    }
    peer_stop(&my.c.child);
    my.sum.seconds = now() - my.start;
    my.sum.kinds = states_kinds();
    report_text(&my.sum, stdout);
    if (my.json != NULL) {
        write_json();
    }
    return all_hold() ? 0 : 1;
}
