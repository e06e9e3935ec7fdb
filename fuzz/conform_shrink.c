/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_shrink.c: smaller traces; see conform_shrink.h.
 *
 * Runs of ops go, the longest first, until none can be left out; then what ops
 * and the map's words say gets smaller; and that again while it helps.
 */
#include "conform_shrink.h"

#include <string.h>
#include <time.h>

/* A child that hangs makes every try cost its whole patience: less will do. */
enum { hasty_ms = 400 };

typedef struct shrinker {
    conform *c;
    const conform_how *how;
    trace *tr;
    breach *b;
    double end;
    bool within; /* wanted is an op of the trace that breaks it */
} shrinker;

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Takes the candidate if it breaks the same rule. */
static bool still(shrinker *s, const trace *candidate)
{
    if (now() >= s->end) {
        return false;
    }
    breach b = conform_run(s->c, candidate, s->how);
    if (!b.any || strcmp(b.judge, s->b->judge) != 0 || strcmp(b.rule, s->b->rule) != 0 ||
        (s->within && b.op > candidate->nops)) {
        return false;
    }
    *s->b = b;
    if (s->tr != candidate) {
        memcpy(s->tr, candidate, sizeof *candidate);
    }
    return true;
}

static void without(const trace *tr, size_t from, size_t n, trace *out)
{
    memcpy(out, tr, sizeof *tr);
    memmove(&out->ops[from], &out->ops[from + n], (tr->nops - from - n) * sizeof out->ops[0]);
    out->nops -= n;
}

static bool fewer_ops(shrinker *s, trace *work)
{
    bool any = false;
    if (s->b->op > 0 && s->b->op < s->tr->nops) { /* what came after it */
        without(s->tr, s->b->op, s->tr->nops - s->b->op, work);
        any = still(s, work);
    }
    for (size_t size = s->tr->nops / 2 + 1; size > 0; size /= 2) {
        for (size_t end = s->tr->nops; end > 0 && now() < s->end;) {
            size_t from = end > size ? end - size : 0;
            without(s->tr, from, end - from, work);
            any = still(s, work) || any;
            end = from < s->tr->nops ? from : s->tr->nops;
        }
    }
    return any;
}

/* Halves of the way from a number to the least. */
#define SMALLER(field, least)                                                                                \
    do {                                                                                                     \
        while ((field) > (least)) {                                                                          \
            bool found = false;                                                                              \
            for (int64_t gap = (int64_t)(field) - (least); gap > 0 && !found; gap /= 2) {                    \
                int64_t was = (int64_t)(field);                                                              \
                memcpy(work, s->tr, sizeof *work);                                                           \
                change(work, i, what, was - gap);                                                            \
                found = still(s, work);                                                                      \
            }                                                                                                \
            if (!found) {                                                                                    \
                break;                                                                                       \
            }                                                                                                \
            any = true;                                                                                      \
        }                                                                                                    \
    } while (0)

typedef enum part { part_count, part_step, part_key, part_hint, part_head_hint, part_seed } part;

static void change(trace *tr, size_t i, part what, int64_t v)
{
    op *o = &tr->ops[i];
    switch (what) {
    case part_count:
        o->count = (uint16_t)v;
        o->step = v == 1 && o->step > 1 ? 1 : o->step;
        break;
    case part_step:
        o->step = (uint16_t)v;
        break;
    case part_key:
        o->key = (uint16_t)v;
        break;
    case part_hint:
        o->hint = trace_hint(v);
        break;
    case part_head_hint:
        tr->hint = trace_hint(v);
        break;
    case part_seed:
        tr->seed = (uint32_t)v;
        break;
    }
}

static bool smaller_op(shrinker *s, trace *work, size_t i)
{
    bool any = false;
    const op *o = &s->tr->ops[i];
    part what;
    if (o->all) {
        memcpy(work, s->tr, sizeof *work);
        work->ops[i].all = false;
        work->ops[i].count = 1;
        any = still(s, work);
    }
    what = part_count;
    SMALLER(o->count, 1);
    if (o->step > 1) {
        memcpy(work, s->tr, sizeof *work);
        change(work, i, part_step, 1);
        any = still(s, work) || any;
    }
    what = part_key;
    SMALLER(o->key, 0);
    what = part_hint;
    SMALLER(o->hint, 0);
    return any;
}

/* One word of the header at its plainest. */
static bool plainer(shrinker *s, trace *work, uint8_t *field)
{
    size_t at = (size_t)(field - (uint8_t *)s->tr);
    if (*field == 0) {
        return false;
    }
    memcpy(work, s->tr, sizeof *work);
    ((uint8_t *)work)[at] = 0;
    return still(s, work);
}

static bool smaller_header(shrinker *s, trace *work)
{
    bool any = false;
    size_t i = 0;
    part what;
    trace *tr = s->tr;
    const fuzz_target *f = &s->c->target;
    if ((f->elems & 1) != 0) {
        any = plainer(s, work, &tr->elem) || any;
    }
    if ((f->keys & 1) != 0) {
        any = plainer(s, work, &tr->key) || any;
    }
    any = plainer(s, work, &tr->maker) || any;
    if (tr->hash != hash_identity && (f->hashes >> hash_identity & 1) != 0) {
        memcpy(work, tr, sizeof *work);
        work->hash = hash_identity;
        any = still(s, work) || any;
    }
    what = part_head_hint;
    SMALLER(tr->hint, 0);
    what = part_seed;
    SMALLER(tr->seed, 0);
    return any;
}

/* What shows only when all is looked at once more, at the end, gets an op of its
 * own, so that the trace says everything. */
static void spell_out(shrinker *s, trace *work)
{
    s->within = true;
    if (s->b->op <= s->tr->nops || s->tr->nops + 2 > trace_max_ops) {
        return;
    }
    memcpy(work, s->tr, sizeof *work);
    work->ops[work->nops++] = (op){.code = op_iter};
    work->ops[work->nops++] = (op){.code = op_next, .all = true};
    if (still(s, work)) {
        return;
    }
    for (size_t i = 0; i < s->tr->nops; i++) {
        if (s->tr->ops[i].code != op_assign) {
            continue;
        }
        memcpy(work, s->tr, sizeof *work);
        work->ops[work->nops] = work->ops[i];
        work->ops[work->nops++].code = op_get;
        if (still(s, work)) {
            return;
        }
    }
}

bool conform_shrink(conform *c, trace *tr, breach *b, const conform_how *how, double seconds)
{
    static trace work;
    shrinker s = {.c = c, .how = how, .tr = tr, .b = b, .end = now() + seconds};
    unsigned patience = c->child.patience_ms;
    bool hangs = strcmp(b->rule, "hang") == 0;
    if (hangs && patience > hasty_ms) {
        c->child.patience_ms = hasty_ms;
    }
    for (bool any = true; any && now() < s.end;) {
        any = fewer_ops(&s, &work);
        for (size_t i = 0; i < tr->nops && now() < s.end; i++) {
            any = smaller_op(&s, &work, i) || any;
        }
        any = smaller_header(&s, &work) || any;
    }
    bool whole = now() < s.end;
    s.end += 1;
    spell_out(&s, &work);
    c->child.patience_ms = patience;
    return whole;
}
