/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutator.c: the op-aware mutator, one core for both engines.
 *
 * A trace is decoded, changed by one or more of the mutations of mutator.h, and
 * encoded again.  The plain ones cut, copy and move whole ops; the others insert
 * ops that belong together (recipe.h) and aim by a survey of the trace, which
 * tells how many entries and which keys the map has at some op (survey.h).
 *
 * What the target does not allow never comes out: recipes lose those ops, and
 * header values are drawn from its sets.
 */
#include "mutator.h"

#include <stdlib.h>

#include "recipe.h"

/* Puts them before op `at`, as far as there is room and the target allows. */
static bool insert(mutator *m, size_t at, const op *ops, size_t n)
{
    trace *tr = m->tr;
    bool any = false;
    for (size_t i = 0; i < n && tr->nops < m->most; i++) {
        if (allowed(m, ops[i].code)) {
            memmove(&tr->ops[at + 1], &tr->ops[at], (tr->nops - at) * sizeof tr->ops[0]);
            tr->ops[at++] = ops[i];
            tr->nops++;
            any = true;
        }
    }
    return any;
}

/* ---- the mutations ------------------------------------------------------- */

/* A place between ops; the end is as likely as all others together. */
static size_t place(mutator *m)
{
    return one_in(m, 2) ? m->tr->nops : below(m, m->tr->nops + 1);
}

static bool by_recipe(mutator *m, mutation what)
{
    recipe r;
    if (what == mutation_fail && !allowed(m, op_fail)) {
        return false;
    }
    size_t at = place(m);
    recipe_make(m, what, at, &r);
    return insert(m, at, r.ops, r.n);
}

/* A run of ops: where it begins, and how many; 0: there are none. */
static size_t some_run(mutator *m, size_t *from)
{
    if (m->tr->nops == 0) {
        return 0;
    }
    *from = below(m, m->tr->nops);
    size_t longest = m->tr->nops - *from, n = 1 + few(m, 4);
    if (one_in(m, 4)) {
        n = 1 + below(m, longest);
    }
    return n < longest ? n : longest;
}

static bool rearrange(mutator *m, mutation what)
{
    static op run[trace_max_ops];
    trace *tr = m->tr;
    size_t from = 0, n = some_run(m, &from);
    if (n == 0 || (what != mutation_copy && tr->nops < 2)) {
        return false;
    }
    memcpy(run, &tr->ops[from], n * sizeof run[0]);
    if (what == mutation_swap) {
        size_t other = below(m, tr->nops);
        tr->ops[from] = tr->ops[other];
        tr->ops[other] = run[0];
        return other != from;
    }
    if (what == mutation_copy) {
        bool any = false;
        size_t at = one_in(m, 2) ? from : below(m, tr->nops + 1);
        for (unsigned times = 1 + (n < 8 ? few(m, 4) : 0); times > 0; times--) {
            any = insert(m, at, run, n) || any;
        }
        return any;
    }
    if (n == tr->nops) {
        return false;
    }
    memmove(&tr->ops[from], &tr->ops[from + n], (tr->nops - from - n) * sizeof run[0]);
    tr->nops -= n;
    return what == mutation_delete || insert(m, below(m, tr->nops + 1), run, n);
}

static bool change_key(mutator *m)
{
    for (unsigned tries = 0; tries < 8 && m->tr->nops > 0; tries++) {
        size_t at = below(m, m->tr->nops);
        op *o = &m->tr->ops[at];
        if (o->code == op_assign || o->code == op_delete || o->code == op_get || o->code == op_nil) {
            uint16_t before = o->key;
            o->key = recipe_key(m, at);
            return o->key != before;
        }
    }
    return false;
}

static bool tweak(mutator *m)
{
    if (m->tr->nops == 0) {
        return false;
    }
    recipe r;
    size_t at = below(m, m->tr->nops);
    recipe_instead(m, at, &r);
    if (!allowed(m, r.ops[0].code)) {
        return false;
    }
    m->tr->ops[at] = r.ops[0];
    return true;
}

static bool change_hint(mutator *m)
{
    for (size_t i = 0; i < m->tr->nops; i++) {
        if (m->tr->ops[i].code == op_make && one_in(m, 2)) {
            m->tr->ops[i].hint = recipe_hint(m);
            return true;
        }
    }
    m->tr->hint = recipe_hint(m);
    return true;
}

static bool change_header(mutator *m)
{
    trace *tr = m->tr;
    switch (below(m, 8)) {
    case 0:
    case 1:
        tr->key = one_of(m, m->f->keys);
        break;
    case 2:
        tr->elem = one_of(m, m->f->elems);
        break;
    case 3:
    case 4:
        tr->hash = one_of(m, m->f->hashes);
        /* The hash by AES takes long, and reaches nothing of the map's. */
        if (tr->hash == hash_aes && !one_in(m, 4) && (m->f->hashes & PORTABLE_HASHES) != 0) {
            tr->hash = one_of(m, m->f->hashes & PORTABLE_HASHES);
        }
        break;
    case 5:
        tr->mode = one_of(m, m->f->modes);
        break;
    case 6:
        tr->maker = one_of(m, m->f->makers);
        break;
    default:
        tr->seed = one_in(m, 2) ? below(m, 16) : (uint32_t)random_next(&m->state);
        break;
    }
    return true;
}

static bool mutate_once(mutator *m, mutation what)
{
    switch (what) {
    case mutation_delete:
    case mutation_copy:
    case mutation_move:
    case mutation_swap:
        return rearrange(m, what);
    case mutation_key:
        return change_key(m);
    case mutation_tweak:
        return tweak(m);
    case mutation_hint:
        return change_hint(m);
    case mutation_header:
        return change_header(m);
    case mutation_insert:
    case mutation_threshold:
    case mutation_park:
    case mutation_loop:
    case mutation_chain:
    case mutation_empty:
    case mutation_fail:
    case mutations:
        break;
    }
    return by_recipe(m, what);
}

/* ---- whole inputs -------------------------------------------------------- */

static mutator begin(const fuzz_target *f, trace *tr, uint64_t seed, size_t max)
{
    mutator m = {.f = f, .tr = tr, .state = seed};
    m.most = (max - trace_header_bytes) / trace_op_bytes;
    m.most = m.most < trace_max_ops ? m.most : trace_max_ops;
    tr->nops = tr->nops < m.most ? tr->nops : m.most;
    return m;
}

static size_t finish(mutator *m, uint8_t *out)
{
    static uint8_t bytes[trace_max_bytes];
    while (m->tr->nops == 0) {
        by_recipe(m, mutation_insert);
    }
    size_t n = trace_encode(m->tr, bytes);
    memcpy(out, bytes, n);
    return n;
}

size_t fuzz_mutate(const fuzz_target *f, uint64_t seed, const uint8_t *data, size_t size, uint8_t *out,
                   size_t max, uint32_t *did)
{
    /* How often each is chosen: in a trace that has little yet, and otherwise. */
    static const uint8_t weights[2][mutations] = {
        {[mutation_insert] = 6,
         [mutation_threshold] = 3,
         [mutation_park] = 3,
         [mutation_loop] = 2,
         [mutation_chain] = 3,
         [mutation_empty] = 1,
         [mutation_hint] = 2,
         [mutation_fail] = 2,
         [mutation_header] = 4},
        {[mutation_insert] = 8,
         [mutation_delete] = 9,
         [mutation_copy] = 4,
         [mutation_move] = 3,
         [mutation_swap] = 3,
         [mutation_key] = 8,
         [mutation_tweak] = 8,
         [mutation_threshold] = 3,
         [mutation_park] = 3,
         [mutation_loop] = 3,
         [mutation_chain] = 3,
         [mutation_empty] = 2,
         [mutation_hint] = 1,
         [mutation_fail] = 3,
         [mutation_header] = 4},
    };
    static trace tr;
    if (did != NULL) {
        *did = 0;
    }
    if (max < mutator_min_bytes) {
        return 0;
    }
    trace_decode(&tr, data, size);
    fuzz_restrict(f, &tr);
    mutator m = begin(f, &tr, seed, max);
    unsigned wanted = 1 + few(&m, 4);
    /* Short traces say the same in less time: beyond some length, which is seldom
     * a great one, ops go rather than come. */
    size_t enough = (size_t)8 << few(&m, 6);
    if (tr.nops < 4) {
        wanted += 2 + below(&m, 4);
    }
    for (unsigned done = 0, tries = 0; done < wanted && tries < 50; tries++) {
        const uint8_t *w = weights[tr.nops >= 4];
        unsigned sum = 0, what = 0;
        for (unsigned i = 0; i < mutations; i++) {
            sum += w[i];
        }
        unsigned at = below(&m, sum);
        while (at >= w[what]) {
            at -= w[what++];
        }
        if (tr.nops > enough && !one_in(&m, 3)) {
            what = mutation_delete;
        }
        if (mutate_once(&m, (mutation)what)) {
            done++;
            if (did != NULL) {
                *did |= 1U << what;
            }
        }
    }
    return finish(&m, out);
}

size_t fuzz_cross(const fuzz_target *f, uint64_t seed, const uint8_t *a, size_t asize, const uint8_t *b,
                  size_t bsize, uint8_t *out, size_t max)
{
    static trace tr, other;
    if (max < mutator_min_bytes) {
        return 0;
    }
    trace_decode(&tr, a, asize);
    fuzz_restrict(f, &tr);
    trace_decode(&other, b, bsize);
    fuzz_restrict(f, &other);
    mutator m = begin(f, &tr, seed, max), from = begin(f, &other, seed + 1, max);
    if (one_in(&m, 4)) {
        memcpy(&tr, &other, offsetof(trace, nops));
    }
    size_t at = below(&m, tr.nops + 1), start = 0, n;
    switch (below(&m, 3)) {
    case 0: /* the beginning of the one, the end of the other */
        tr.nops = at;
        start = other.nops > 0 ? below(&m, other.nops) : 0;
        insert(&m, at, &other.ops[start], other.nops - start);
        break;
    case 1: /* a run of the other in the midst of the one */
        n = some_run(&from, &start);
        insert(&m, at, &other.ops[start], n);
        break;
    default: /* by turns */
        at = 0;
        while (start < other.nops && tr.nops < m.most) {
            at += below(&m, 6);
            at = at < tr.nops ? at : tr.nops;
            n = 1 + below(&m, 6);
            n = n < other.nops - start ? n : other.nops - start;
            insert(&m, at, &other.ops[start], n);
            at += n;
            start += n;
        }
        break;
    }
    return finish(&m, out);
}

bool fuzz_has_ops(const fuzz_target *f, const uint8_t *data, size_t size)
{
    static trace tr;
    trace_decode(&tr, data, size);
    fuzz_restrict(f, &tr);
    return tr.nops > 0;
}

bool fuzz_mutator_on(void)
{
    const char *value = getenv("GOMAP_MUTATOR");
    if (value == NULL || strcmp(value, "on") == 0) {
        return true;
    }
    if (strcmp(value, "off") != 0) {
        fprintf(stderr, "gomap: GOMAP_MUTATOR is '%s'; it can be: on, off\n", value);
        exit(2);
    }
    return false;
}
