/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_port.c: the port behind the protocol; see conform_port.h.
 */
#include "conform_port.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>

enum { most_words = 12, words_room = 2 * wire_room };

typedef struct words {
    char text[words_room];
    char *at[most_words];
    unsigned n;
} words;

static char small[256 + 2 * wire_room]; /* an answer of one line */
static char *large;                     /* or of several */

static jmp_buf back;
static char panic_words[160];

/* ---- failing -------------------------------------------------------------- */

static void on_failure(gm_event what, const char *msg)
{
    if (what != gm_event_panic) {
        fprintf(stderr, "fatal error: %s\n", msg);
        abort();
    }
    snprintf(panic_words, sizeof panic_words, "%s", msg);
    longjmp(back, 1);
}

static size_t successes, failures; /* so many allocations succeed, then so many fail */

static void *fallible_alloc(void *ctx, size_t size)
{
    (void)ctx;
    if (failures > 0) {
        if (successes == 0) {
            failures--;
            return NULL;
        }
        successes--;
    }
    return calloc(1, size);
}

static void fallible_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    (void)size;
    free(p);
}

void port_may_fail(void)
{
    static const gm_allocator fallible = {fallible_alloc, fallible_free, NULL};
    gm_set_allocator(&fallible);
}

/* ---- words ---------------------------------------------------------------- */

static bool split(words *w, const char *request)
{
    w->n = 0;
    if (strlen(request) >= sizeof w->text) {
        return false;
    }
    snprintf(w->text, sizeof w->text, "%s", request);
    char *rest = w->text;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        if (w->n == most_words) {
            return false;
        }
        w->at[w->n++] = word;
    }
    return w->n > 0;
}

/* The value of the word `name=value`, or NULL. */
static const char *value_of(const words *w, const char *name)
{
    size_t len = strlen(name);
    for (unsigned i = 1; i < w->n; i++) {
        if (strncmp(w->at[i], name, len) == 0 && w->at[i][len] == '=') {
            return w->at[i] + len + 1;
        }
    }
    return NULL;
}

static bool choose(const words *w, const char *name, const char *const *names, unsigned count, unsigned *out)
{
    const char *value = value_of(w, name);
    for (unsigned i = 0; i < count; i++) {
        if (value == NULL || strcmp(names[i], value) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static const char *ok_count(const hmap *h)
{
    snprintf(small, sizeof small, "ok %" PRIdPTR, h != NULL ? h->count : 0);
    return small;
}

/* ---- requests -------------------------------------------------------------- */

static const char *make_map(port *p, const words *w)
{
    static const char *const modes[] = {"strict", "exact"};
    static const char *const makers[] = {"makemap", "makemap64", "makemap_small", "reflect_makemap"};
    unsigned key, elem, hash, mode, maker;
    int64_t hint = 0, seed;
    const char *said = value_of(w, "hint");
    if (!choose(w, "key", key_kind_names, wire_key_kinds, &key) ||
        !choose(w, "elem", elem_kind_names, elem_kinds, &elem) ||
        !choose(w, "hash", hash_kind_names, wire_hash_kinds, &hash) || !choose(w, "mode", modes, 2, &mode) ||
        !choose(w, "maker", makers, 4, &maker) || (said != NULL && !wire_number(said, &hint))) {
        return "unsupported";
    }
    gm_map_free(&p->t, p->h);
    p->h = NULL;
    memset(p->its, 0, sizeof p->its);
    p->copies = 0;
    if (value_of(w, "seed") != NULL && wire_number(value_of(w, "seed"), &seed)) {
        gm_rand_seed((uint64_t)seed);
    }
    p->key = (key_kind)key;
    p->elem = (elem_kind)elem;
    kinds_maptype(&p->t, p->key, p->elem, (hash_kind)hash, mode == 0 ? gm_strict : gm_exact);
    switch (maker) {
    case 0:
        p->h = makemap(&p->t, (intptr_t)hint, NULL);
        break;
    case 1:
        p->h = makemap64(&p->t, hint, NULL);
        break;
    case 2:
        p->h = makemap_small();
        break;
    default:
        p->h = reflect_makemap(&p->t, (intptr_t)hint);
        break;
    }
    return p->h != NULL ? ok_count(p->h) : "nomem";
}

static const char *set(port *p, hmap *h, const void *key, const char *word)
{
    static unsigned char elem[elem_max_size];
    if (wire_get_elem(p->elem, word, elem) != wire_ok) {
        return NULL;
    }
    void *slot = mapassign(&p->t, h, key);
    if (slot == NULL) {
        return "nomem";
    }
    memcpy(slot, elem, p->t.elem->size);
    return ok_count(h);
}

static unsigned char no_elem[elem_max_size];

/* By one of the five access functions; NULL: absent. */
static void *found_by(const maptype *t, hmap *h, const void *key, unsigned which)
{
    bool ok = true;
    void *e;
    switch (which) {
    case 0:
        e = mapaccess1(t, h, key);
        return e != zeroVal ? e : NULL;
    case 1:
        e = mapaccess2(t, h, key, &ok);
        break;
    case 2:
        e = mapaccess1_fat(t, h, key, no_elem);
        return e != no_elem ? e : NULL;
    case 3:
        e = mapaccess2_fat(t, h, key, no_elem, &ok);
        break;
    default: /* the only one that does not hash where the map is empty */
        mapaccessK(t, h, key, &e);
        break;
    }
    return ok ? e : NULL;
}

/* By all of them, of which the one that says something else is believed; which is
 * the first, and so the one that panics, goes round.  A key is hashed once, as
 * far as the generator knows. */
static const char *get(port *p, hmap *h, const void *key)
{
    enum { functions = 5 };
    gm_rand before = gm_rand_state();
    void *first = found_by(&p->t, h, key, p->copies % (functions - 1));
    gm_rand after = gm_rand_state();
    void *said = first;
    for (unsigned i = 0; i < functions; i++) {
        gm_rand_restore(before);
        void *e = found_by(&p->t, h, key, i);
        said = e != first ? e : said;
    }
    gm_rand_restore(after);
    if (said == NULL) {
        return "absent";
    }
    char word[wire_room];
    wire_put_elem(p->elem, said, word);
    snprintf(small, sizeof small, "ok %s", word);
    return small;
}

static const char *stands(port *p, const hiter *it)
{
    if (it->key == NULL) {
        return "end";
    }
    char key[wire_room], elem[wire_room];
    wire_put_key(p->key, it->key, key);
    wire_put_elem(p->elem, it->elem, elem);
    snprintf(small, sizeof small, "ok %s %s", key, elem);
    return small;
}

static const char *iterate(port *p, hmap *h, const char *what, hiter *it)
{
    if (strcmp(what, "next") == 0) {
        if (it->h == NULL) {
            return "end";
        }
        mapiternext(it);
        return stands(p, it);
    }
    gm_iter_end(it);
    if (strcmp(what, "end") == 0) {
        return "ok";
    }
    memset(it, 0, sizeof *it);
    mapiterinit(&p->t, h, it);
    return stands(p, it);
}

static const char *dump(port *p)
{
    char *text = NULL;
    size_t size, lines = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL) {
        return NULL;
    }
    gm_dump(&p->t, p->h, gm_sink_file(f));
    for (unsigned i = 0; i < oracle_iters; i++) {
        if (p->its[i].h != NULL) {
            fprintf(f, "iterator %c:\n", 'a' + (char)i);
            gm_dump_iter(&p->its[i], gm_sink_file(f));
        }
    }
    fclose(f);
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    free(large);
    large = malloc(size + 32);
    if (large != NULL) {
        snprintf(large, size + 32, "ok %zu\n%s", lines, text);
        large[strlen(large) - 1] = '\0';
    }
    free(text);
    return large;
}

/* What is done to a map, the current one or a nil one. */
static const char *on_map(port *p, hmap *h, char *const *at, unsigned n)
{
    static uint64_t key[(key_max_size + 7) / 8];
    if (n == 1 && strcmp(at[0], "len") == 0) {
        return ok_count(h);
    }
    if (n == 1 && strcmp(at[0], "clear") == 0) {
        mapclear(&p->t, h);
        return ok_count(h);
    }
    if (n < 2 || wire_get_key(p->key, at[1], ++p->copies, key) != wire_ok) {
        return NULL;
    }
    if (n == 3 && strcmp(at[0], "set") == 0) {
        return set(p, h, key, at[2]);
    }
    if (n == 2 && strcmp(at[0], "get") == 0) {
        return get(p, h, key);
    }
    if (n == 2 && strcmp(at[0], "del") == 0) {
        mapdelete(&p->t, h, key);
        return ok_count(h);
    }
    return NULL;
}

static const char *answer(port *p, const words *w)
{
    const char *what = w->at[0];
    int64_t a, b;
    if (strcmp(what, "map") == 0) {
        return make_map(p, w);
    }
    if (w->n == 3 && strcmp(what, "fail") == 0 && wire_number(w->at[1], &a) && wire_number(w->at[2], &b)) {
        successes = (size_t)a;
        failures = (size_t)b;
        return "ok";
    }
    if (w->n == 1 && strcmp(what, "free") == 0) {
        gm_map_free(&p->t, p->h);
        p->h = NULL;
        memset(p->its, 0, sizeof p->its);
        snprintf(small, sizeof small, "ok %zu", gm_mem_stats_get().live_blocks);
        return small;
    }
    if (p->h == NULL) {
        return NULL; /* what is left needs a map */
    }
    if (w->n == 1 && strcmp(what, "dump") == 0) {
        return dump(p);
    }
    if (w->n == 2 && strcmp(what, "seed") == 0 && wire_number(w->at[1], &a)) {
        gm_rand_seed((uint64_t)a);
        return "ok";
    }
    bool iterating = strcmp(what, "iter") == 0 || strcmp(what, "next") == 0 || strcmp(what, "end") == 0;
    if (iterating) {
        bool fine = w->n == 2 && wire_number(w->at[1], &a) && a >= 0 && a < oracle_iters;
        return fine ? iterate(p, p->h, what, &p->its[a]) : NULL;
    }
    if (w->n == 2 && strcmp(what, "nil") == 0 && strcmp(w->at[1], "iter") == 0) {
        hiter it = {0};
        return iterate(p, NULL, "iter", &it);
    }
    if (w->n > 1 && strcmp(what, "nil") == 0) {
        return on_map(p, NULL, w->at + 1, w->n - 1);
    }
    return on_map(p, p->h, w->at, w->n);
}

const char *port_answer(port *p, const char *request)
{
    static words w;
    if (!split(&w, request)) {
        return NULL;
    }
    gm_handler *before = gm_set_handler(on_failure);
    const char *volatile said = small;
    if (setjmp(back) == 0) {
        said = answer(p, &w);
    } else {
        if (strcmp(w.at[0], "next") == 0 || strcmp(w.at[0], "iter") == 0) { /* E3 of ref/ERRATA.md */
            int64_t slot = 0;
            wire_number(w.at[1], &slot);
            gm_iter_end(&p->its[slot]);
        }
        snprintf(small, sizeof small, "panic %s", panic_words);
    }
    gm_set_handler(before);
    return said;
}
