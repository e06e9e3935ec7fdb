/* SPDX-License-Identifier: BSD-3-Clause
 *
 * model_range.c: the judge `range`: what the language specification promises
 * about ranging over a map that changes meanwhile.
 *
 *   must appear      an entry that was there when the iteration began and is
 *                    still there when it ends
 *   may appear       an entry that was inserted meanwhile
 *   must not appear  an entry that was deleted before it was reached; any
 *                    entry a second time
 *
 * An entry is an insertion, not a key: deleting a key and inserting it again
 * makes a new entry, which may appear although the old one has.
 *
 * Per iterator, `must` counts the entries that are still owed, so that each
 * step costs the same however large the map is.
 */
#include "oracle.h"

typedef struct walk {
    bool live;
    uint32_t run;   /* number of this iteration, from 1; what entries' seen[] hold */
    uint32_t begin; /* the last insertion before it began */
    size_t must;    /* entries not later than begin, still live, not yet produced */
    size_t produced;
} walk;

static walk walks[oracle_iters];
static uint32_t runs;

static const char *name_of(const oracle_step *s, uint16_t n)
{
    static char text[64];
    key_name(s->key_kind, n, text, sizeof text);
    return text;
}

#define DIFFER(rule, ...) return oracle_differ(r, "range", rule, __VA_ARGS__)

static bool owed(const walk *w, unsigned slot, const oracle_entry *e)
{
    return e->seq <= w->begin && e->seen[slot] != w->run;
}

static oracle_answer on_next(oracle_step *s, oracle_report *r)
{
    walk *w = &walks[s->slot];
    const hiter *it = &s->its[s->slot];
    if (!w->live) {
        if (it->key != NULL) {
            DIFFER("after-end", "iterator %c went on after its end", 'a' + (char)s->slot);
        }
        return oracle_ok;
    }
    if (s->fault) {
        w->live = false;
        if (oracle_excused(s->slot, excuse_fault)) {
            return oracle_ok;
        }
        DIFFER("fault", "iterator %c has dereferenced a nil pointer", 'a' + (char)s->slot);
    }
    if (it->key == NULL) {
        w->live = false;
        if (w->must == 0 || oracle_excused(s->slot, excuse_missed)) {
            return oracle_ok;
        }
        for (const oracle_entry *e = model_entries(); e != NULL; e = e->next) {
            if (owed(w, s->slot, e) && e->nan && oracle_excused(s->slot, excuse_missed_nan)) {
                w->must--;
            } else if (owed(w, s->slot, e)) {
                DIFFER(
                    "missed",
                    "iterator %c ended after %zu entries without %s (%zu missed), which was there all along",
                    'a' + (char)s->slot, w->produced, name_of(s, e->n), w->must);
            }
        }
        if (w->must == 0) {
            return oracle_ok;
        }
        DIFFER("missed", "iterator %c ended with %zu entries owed that no longer exist", 'a' + (char)s->slot,
               w->must);
    }
    oracle_entry *e = s->entry;
    w->produced++;
    if (e == NULL) {
        if (oracle_excused(s->slot, excuse_cleared)) {
            return oracle_ok;
        }
        DIFFER("deleted", "iterator %c produced a key that is not in the map", 'a' + (char)s->slot);
    }
    if (e->seen[s->slot] == w->run) {
        if (oracle_excused(s->slot, excuse_cleared) || oracle_excused(s->slot, excuse_twice)) {
            return oracle_ok;
        }
        DIFFER("twice", "iterator %c produced %s twice", 'a' + (char)s->slot, name_of(s, e->n));
    }
    if (owed(w, s->slot, e)) {
        w->must--;
    }
    e->seen[s->slot] = w->run;
    return oracle_ok;
}

static oracle_answer range_step(oracle_step *s, oracle_report *r)
{
    switch (s->event) {
    case ev_make:
        for (unsigned i = 0; i < oracle_iters; i++) {
            walks[i].live = false;
        }
        runs = 0;
        return oracle_ok;
    case ev_iter: {
        walk *w = &walks[s->slot];
        w->live = true;
        w->run = ++runs;
        w->begin = model_last_seq();
        w->must = model_count();
        w->produced = 0;
        return on_next(s, r);
    }
    case ev_next:
        return on_next(s, r);
    case ev_end:
        walks[s->slot].live = false;
        return oracle_ok;
    case ev_delete:
        for (unsigned i = 0; i < oracle_iters && s->entry != NULL; i++) {
            if (walks[i].live && owed(&walks[i], i, s->entry)) {
                walks[i].must--;
            }
        }
        return oracle_ok;
    case ev_clear:
        for (unsigned i = 0; i < oracle_iters; i++) {
            walks[i].must = 0;
        }
        return oracle_ok;
    case ev_assign:
    case ev_nomemory:
    case ev_get:
    case ev_panic:
    case ev_check:
    case ev_before_free:
    case ev_free:
    case ev_finish:
        return oracle_ok;
    }
    return oracle_unsupported;
}

static void range_show(const oracle_step *s, FILE *out)
{
    for (unsigned i = 0; i < oracle_iters; i++) {
        const walk *w = &walks[i];
        if (!w->live && i != s->slot) {
            continue; /* the one that this step was about may just have ended */
        }
        fprintf(out, "iterator %c: %zu produced, %zu owed\n", 'a' + (char)i, w->produced, w->must);
        for (const oracle_entry *e = model_entries(); e != NULL; e = e->next) {
            char text[64];
            key_name(s->key_kind, e->n, text, sizeof text);
            fprintf(out, "  %s: %s\n", text,
                    e->seen[i] == w->run ? "produced"
                    : e->seq <= w->begin ? "must appear"
                                         : "may appear");
        }
    }
}

const oracle oracle_range = {"range", range_step, range_show, NULL};
