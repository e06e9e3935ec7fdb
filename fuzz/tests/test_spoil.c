/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_spoil.c: the judges are seen failing.  Each seed of the target that must
 * fail is noticed by exactly the judge and the rule that spoilers.def names for
 * what it spoils; each spoiler has a seed; and between them they break every rule
 * of ref/check.c, raise every throw and fatal of ref/map.c and what ref/maptype.c
 * has to say of a wrong descriptor, and are heard by every judge.
 *
 * Built by CMake, which defines GOMAP_ROOT, the folder of the sources.
 */
#include "../spoil.h"

#include <dirent.h>

#include "../run.h"

static char looked_at[256]; /* what is being looked at, for CHECK's message */

static const char *where(void);
#define TEST_CASE where()
#include "../../ref/tests/test.h"

static const char *where(void)
{
    snprintf(test_case(), test_case_size, " (%.80s)", looked_at);
    return test_case();
}

/* Rules that no trace can break, with the reason. */
static const char *const not_seen[] = {
    "checker-memory", /* the C library's own malloc would have to fail */
};

static const char *slurp(const char *folder, const char *name)
{
    enum { most = 1 << 18 };
    static char text[most];
    char path[512];
    snprintf(looked_at, sizeof looked_at, "%s", name);
    snprintf(path, sizeof path, "%s/%s/%s", GOMAP_ROOT, folder, name);
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL);
    size_t size = fread(text, 1, most - 1, f);
    CHECK(size > 0 && size < most - 1);
    fclose(f);
    text[size] = '\0';
    return text;
}

/* ---- the seeds ------------------------------------------------------------- */

enum { most_spoilers = 256, most_words = 64 };
static unsigned shown[most_spoilers]; /* seeds of each spoiler */
static char words[most_words][64];    /* of the throws and fatals, from each seed that ends in one */
static size_t nwords;

static const char *const folder_of_seeds = "corpus/selftest_negative/seed";

static void the_seed_is_seen_as_the_table_says(const char *name)
{
    static trace tr, bent;
    trace_error err;
    const char *text = slurp(folder_of_seeds, name);
    CHECK(text[0] == '#');
    CHECK(trace_parse(&tr, text, strlen(text), &err));
    CHECK(tr.seed < spoilers_n); /* the number itself, so that it still means the same when there are more */
    const fuzz_target *f = fuzz_target_named("selftest_negative", strlen("selftest_negative"));
    bent = tr;
    fuzz_restrict(f, &bent);
    CHECK(bent.nops == tr.nops && bent.key == tr.key && bent.elem == tr.elem && bent.hash == tr.hash);

    run_result r = run_trace(&tr, f, NULL);
    CHECK(r.failed);
    char verdict[128];
    snprintf(verdict, sizeof verdict, "%s: %s", r.report.judge, r.report.rule);
    const spoiler *s = &spoilers[tr.seed];
    if (strcmp(verdict, s->seen_by) != 0) {
        fprintf(stderr, "%s: the spoiler %s must be seen by `%s`, and was by `%s`: %s\n", name, s->name,
                s->seen_by, verdict, r.report.detail);
        exit(1);
    }
    CHECK(strncmp(name, r.report.judge, strlen(r.report.judge)) == 0); /* the file is called after it */
    shown[tr.seed]++;
    if (strcmp(r.report.rule, "unexpected") == 0) {
        CHECK(nwords < most_words);
        snprintf(words[nwords++], sizeof words[0], "%.63s", r.report.detail);
    }
}

static void each_seed_is_seen_as_the_table_says(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", GOMAP_ROOT, folder_of_seeds);
    DIR *d = opendir(path);
    CHECK(d != NULL);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        size_t n = strlen(e->d_name);
        if (n > 4 && strcmp(e->d_name + n - 4, ".txt") == 0) {
            the_seed_is_seen_as_the_table_says(e->d_name);
        }
    }
    closedir(d);
}

static void each_spoiler_has_a_seed_and_a_name(void)
{
    for (size_t i = 0; i < spoilers_n; i++) {
        snprintf(looked_at, sizeof looked_at, "%s", spoilers[i].name);
        CHECK(shown[i] > 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(strcmp(spoilers[i].name, spoilers[j].name) != 0);
        }
    }
}

/* ---- that nothing is left out ---------------------------------------------- */

static bool has_spoiler(const char *judge, const char *rule, size_t rule_len)
{
    for (size_t i = 0; i < spoilers_n; i++) {
        const char *s = spoilers[i].seen_by;
        size_t n = strlen(judge);
        if (strncmp(s, judge, n) == 0 && strncmp(s + n, ": ", 2) == 0 &&
            (rule == NULL || (strncmp(s + n + 2, rule, rule_len) == 0 && s[n + 2 + rule_len] == '\0'))) {
            return true;
        }
    }
    return false;
}

/* The next string in quotes behind `before`, or NULL; *text moves behind it. */
static const char *next_quoted(const char **text, const char *before, size_t *len)
{
    const char *at = strstr(*text, before);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(before);
    *len = strcspn(at, "\"");
    *text = at + *len;
    return at;
}

static void each_rule_of_the_checker_has_a_spoiler(void)
{
    const char *text = slurp("ref", "check.c"), *rule;
    size_t len, rules = 0;
    while ((rule = next_quoted(&text, "GM_HOLDS(c, \"", &len)) != NULL) {
        bool seen = has_spoiler("check", rule, len);
        for (size_t i = 0; i < LENGTH(not_seen); i++) {
            bool listed = strlen(not_seen[i]) == len && strncmp(not_seen[i], rule, len) == 0;
            CHECK(!listed || !seen);
            seen = seen || listed;
        }
        if (!seen) {
            fprintf(stderr, "spoilers.def has nothing that check: %.*s must see\n", (int)len, rule);
            exit(1);
        }
        rules++;
    }
    CHECK(rules > 0);
}

static void each_alarm_of_the_port_is_raised(const char *file, const char *call)
{
    const char *text = slurp("ref", file), *alarm;
    size_t len, alarms = 0;
    while ((alarm = next_quoted(&text, call, &len)) != NULL) {
        size_t i = 0;
        while (i < nwords && (strlen(words[i]) != len || strncmp(words[i], alarm, len) != 0)) {
            i++;
        }
        if (i == nwords) {
            fprintf(stderr, "no seed ends with %s%.*s\")\n", call, (int)len, alarm);
            exit(1);
        }
        alarms++;
    }
    CHECK(alarms > 0);
}

static void each_judge_is_heard(void)
{
    for (size_t i = 0; oracles[i] != NULL; i++) {
        snprintf(looked_at, sizeof looked_at, "%s", oracles[i]->name);
        CHECK(has_spoiler(oracles[i]->name, NULL, 0));
    }
    snprintf(looked_at, sizeof looked_at, "panic");
    CHECK(has_spoiler("panic", NULL, 0)); /* which the run itself judges */
}

int main(void)
{
    CHECK(spoilers_n <= most_spoilers);
    each_seed_is_seen_as_the_table_says();
    each_spoiler_has_a_seed_and_a_name();
    each_rule_of_the_checker_has_a_spoiler();
    each_alarm_of_the_port_is_raised("map.c", "fatal(\"");
    each_alarm_of_the_port_is_raised("map.c", "throw(\"");
    each_alarm_of_the_port_is_raised("maptype.c", "throw(\"");
    each_alarm_of_the_port_is_raised("maptype.c", "gopanic(\"");
    each_judge_is_heard();
    printf("%zu ways to spoil a map, each of them seen\n", spoilers_n);
    fflush(stdout);
    /* What was spoiled was abandoned where it stood: not for a leak checker. */
    _Exit(0);
}
