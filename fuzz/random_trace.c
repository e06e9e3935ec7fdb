/* SPDX-License-Identifier: BSD-3-Clause
 *
 * random_trace.c: traces at random, biased to where a map is complicated:
 * growth of both kinds with iterations under way, long chains, deletions that
 * leave holes, keys that differ from themselves.
 *
 * A trace goes from mood to mood.  A mood is a set of weights for the next op,
 * and lasts for some ops; the keys come from a window that moves now and then.
 */
#include "random_trace.h"

typedef struct maker {
    trace *tr;
    uint64_t state;
    trace_size size;
    unsigned base, span; /* the window of key numbers */
    unsigned step;
    unsigned cycle, cycle_step; /* the next chain to fill, and how far apart its keys are */
} maker;

uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(maker *m, unsigned n)
{
    return (unsigned)(random_next(&m->state) >> 33) % n;
}

static bool one_in(maker *m, unsigned n)
{
    return below(m, n) == 0;
}

/* An index with the given weights. */
static unsigned pick(maker *m, const unsigned char *weights, unsigned n)
{
    unsigned sum = 0, i = 0;
    for (unsigned k = 0; k < n; k++) {
        sum += weights[k];
    }
    unsigned at = below(m, sum);
    while (at >= weights[i]) {
        at -= weights[i++];
    }
    return i;
}

static op *push(maker *m, op_code code)
{
    static op rest; /* what does not fit any more */
    op *o = m->tr->nops < trace_max_ops ? &m->tr->ops[m->tr->nops++] : &rest;
    memset(o, 0, sizeof *o);
    o->code = (uint8_t)code;
    return o;
}

/* ---- keys --------------------------------------------------------------- */

static bool has_iface(const trace *tr)
{
    return tr->key == key_iface || tr->key == key_mixed;
}

/* A number for which key kinds have something special. */
static unsigned special_key(maker *m)
{
    if (has_iface(m->tr)) {
        static const unsigned from[] = {0xb000, 0x8000, 0x3fff, 0x4000, 0xc000, 0xe000};
        return from[below(m, 6)] + below(m, 4);
    }
    return one_in(m, 3) ? below(m, 4) : 0xc000 + below(m, 64);
}

static uint16_t some_key(maker *m)
{
    unsigned n = m->base + below(m, m->span) * m->step;
    if (key_may_be_nan((key_kind)m->tr->key) && one_in(m, 4)) {
        n = special_key(m);
    }
    return (uint16_t)n;
}

static void move_window(maker *m)
{
    static const unsigned char spans[] = {3, 3, 2, 1};
    static const unsigned small[] = {10, 40, 80, 200}, large[] = {200, 1000, 4000, 20000};
    unsigned which = pick(m, spans, 4);
    m->span = m->size == trace_small ? small[which] : large[which];
    m->base = one_in(m, 3) ? 0 : below(m, 65536);
    m->step = one_in(m, 3) ? 1U << below(m, 8) : 1;
    m->cycle = m->base;
    m->cycle_step = 1U << below(m, 6);
    if (has_iface(m->tr)) {
        /* All but int64(n) are far up. */
        m->base = (below(m, 4) << 14 | below(m, 0x1000)) & 0xdfff;
        m->step = 1;
        m->span = m->span > 0x1000 ? 0x1000 : m->span;
    }
}

static void range_op(maker *m, op_code code)
{
    op *o = push(m, code);
    o->key = some_key(m);
    o->step = (uint16_t)(one_in(m, 3) ? 1U << below(m, 8) : 1);
    unsigned most = m->size == trace_small ? 24 : op_max_keys;
    o->count = (uint16_t)(1 + below(m, most));
    if (o->count == 1) {
        o->step = 1;
    }
}

static void one_key(maker *m, op_code code)
{
    op *o = push(m, code);
    o->key = some_key(m);
    o->count = 1;
    o->step = 1;
}

/* ---- moods -------------------------------------------------------------- */

enum {
    do_assign,
    do_assigns,
    do_delete,
    do_deletes,
    do_get,
    do_iter,
    do_next,
    do_rest,
    do_end,
    do_set_at,
    do_del_at,
    do_get_at,
    do_clear,
    do_seed,
    do_make,
    do_nil,
    do_cycle, /* fills a chain and empties it again: growth to the same size */
    do_empty, /* deletes what the window has: a new seed */
    doings
};

static const unsigned char moods[][doings] = {
    /*  =  ==   -  --   ?  it  nx  x*  end =@ -@ ?@ cl sd mk nl cy em */
    {30, 20, 4, 1, 6, 6, 20, 2, 1, 2, 1, 1, 0, 0, 0, 0, 0, 0},  /* fill */
    {6, 2, 30, 14, 6, 5, 20, 2, 1, 1, 4, 1, 0, 0, 0, 0, 0, 2},  /* drain */
    {20, 2, 18, 1, 10, 4, 20, 1, 1, 3, 3, 2, 0, 0, 0, 0, 1, 0}, /* churn */
    {10, 4, 2, 0, 2, 5, 12, 1, 1, 1, 1, 0, 0, 0, 0, 0, 20, 0},  /* chains */
    {20, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 30, 2},  /* chains, and few iterations */
    {8, 1, 6, 0, 4, 20, 40, 6, 3, 3, 3, 2, 0, 0, 0, 0, 1, 0},   /* iterate */
    {10, 6, 4, 1, 10, 4, 10, 3, 2, 2, 2, 2, 4, 2, 2, 4, 2, 2},  /* anything */
};

static int64_t some_hint(maker *m)
{
    unsigned most = m->size == trace_small ? 5 : 11;
    switch (below(m, 8)) {
    case 0:
    case 1:
    case 2:
        return 0;
    case 3: /* around the room of 1<<B buckets */
        return ((int64_t)13 << below(m, most)) / 2 + (int)below(m, 3) - 1;
    case 4:
        return -(int64_t)below(m, 3);
    case 5:
        return (int64_t)1 << (31 + below(m, 32)); /* refused */
    default:
        return below(m, 8U << most);
    }
}

static void doing(maker *m, unsigned what)
{
    op *o;
    unsigned slot = below(m, 3) == 0 ? below(m, trace_iters) : 0;
    switch (what) {
    case do_assign:
        one_key(m, op_assign);
        break;
    case do_assigns:
        range_op(m, op_assign);
        break;
    case do_delete:
        one_key(m, op_delete);
        break;
    case do_deletes:
        range_op(m, op_delete);
        break;
    case do_get:
        one_key(m, op_get);
        break;
    case do_iter:
        push(m, op_iter)->iter = (uint8_t)slot;
        break;
    case do_next:
        o = push(m, op_next);
        o->iter = (uint8_t)slot;
        o->count = (uint16_t)(1 + below(m, 3) * below(m, m->size == trace_small ? 6 : op_max_steps / 2));
        break;
    case do_rest:
        o = push(m, op_next);
        o->iter = (uint8_t)slot;
        o->all = true;
        break;
    case do_end:
        push(m, op_end)->iter = (uint8_t)slot;
        break;
    case do_set_at:
        push(m, op_set_at)->iter = (uint8_t)slot;
        break;
    case do_del_at:
        push(m, op_del_at)->iter = (uint8_t)slot;
        break;
    case do_get_at:
        push(m, op_get_at)->iter = (uint8_t)slot;
        break;
    case do_clear:
        push(m, op_clear);
        break;
    case do_seed:
        push(m, op_seed)->key = (uint16_t)below(m, 65536);
        break;
    case do_make:
        o = push(m, op_make);
        o->maker = (uint8_t)below(m, op_makers);
        o->hint = trace_hint(some_hint(m));
        break;
    case do_nil:
        push(m, op_nil)->key = some_key(m);
        break;
    case do_empty:
        o = push(m, op_delete);
        o->key = (uint16_t)m->base;
        o->count = (uint16_t)(m->span < op_max_keys ? m->span : op_max_keys);
        o->step = (uint16_t)m->step;
        if (o->count == 1) {
            o->step = 1;
        }
        if (one_in(m, 2)) { /* to the last */
            push(m, op_iter)->iter = 3;
            for (int i = 0; i < 8; i++) {
                push(m, op_del_at)->iter = 3;
                o = push(m, op_next);
                o->iter = 3;
                o->count = 1;
            }
        }
        break;
    default: /* do_cycle */
        o = push(m, op_assign);
        o->key = (uint16_t)m->cycle++;
        o->step = (uint16_t)m->cycle_step;
        o->count = (uint16_t)(9 + below(m, 20));
        op again = *o;
        again.code = op_delete;
        if (!one_in(m, 6)) {
            *push(m, op_delete) = again;
        }
        break;
    }
}

static void choose_types(maker *m, int key, int elem)
{
    static const unsigned char key_weights[key_kinds] = {12, 2, 2, 3, 3, 2, 3, 3, 1, 1,
                                                         6,  6, 3, 6, 3, 3, 3, 2, 4};
    static const unsigned char elem_weights[elem_kinds] = {10, 2, 2, 2, 3, 1, 3};
    static const unsigned char hash_weights[hash_kinds] = {8, 6, 1, 4, 3, 3, 2, 4};
    trace *tr = m->tr;
    tr->key = (uint8_t)(key >= 0 ? (unsigned)key : pick(m, key_weights, key_kinds));
    tr->elem = (uint8_t)(elem >= 0 ? (unsigned)elem : pick(m, elem_weights, elem_kinds));
    tr->hash = (uint8_t)pick(m, hash_weights, hash_kinds);
    if (key_may_be_nan((key_kind)tr->key) && one_in(m, 2)) {
        tr->hash = hash_random;
    }
    tr->mode = gm_exact;
    tr->maker = (uint8_t)(one_in(m, 4) ? below(m, op_makers) : 0);
    tr->hint = trace_hint(some_hint(m));
    tr->seed = (uint32_t)random_next(&m->state);
}

/* An array of 1<<16 buckets or more, by hint or by 213,000 insertions; beyond
 * the 65,536 numbers there are only NaNs to insert. */
static void huge_trace(maker *m)
{
    trace *tr = m->tr;
    tr->key = key_float64;
    tr->elem = (uint8_t)(one_in(m, 2) ? elem_int8 : elem_zero);
    tr->hash = (uint8_t)(one_in(m, 3) ? hash_random : hash_lowbits);
    tr->maker = make_map;
    tr->hint = (int64_t)(213 + below(m, 100)) << 10;
    unsigned ops = 200 + below(m, 700);
    for (unsigned i = 0; i < ops; i++) {
        op *o = push(m, op_assign);
        o->key = (uint16_t)(0xc000 + below(m, 0x3f00));
        o->count = op_max_keys;
        o->step = 1;
        if (one_in(m, 100)) {
            push(m, op_iter)->iter = 0;
        } else if (one_in(m, 20)) {
            o = push(m, op_next);
            o->count = op_max_steps;
        } else if (one_in(m, 50)) {
            m->base = 4;
            m->span = 40000;
            range_op(m, one_in(m, 2) ? op_delete : op_assign);
        }
    }
}

/* ---- growth to the same size ------------------------------------------------ */

static void push_range(maker *m, op_code code, unsigned key, unsigned count, unsigned step)
{
    op *o = push(m, code);
    o->key = (uint16_t)key;
    o->count = (uint16_t)count;
    o->step = (uint16_t)(count == 1 ? 1 : step);
}

static void some_steps(maker *m)
{
    unsigned slot = below(m, 3);
    op *o = push(m, one_in(m, 4) ? op_iter : op_next);
    o->iter = (uint8_t)slot;
    if (o->code == op_next) {
        o->count = (uint16_t)(1 + below(m, 3));
    }
}

/* Growth to the same size comes of chains that were long once.  Here they are
 * made one after another, by keys that all go to one bucket under the identity,
 * and emptied, with a few entries and iterations that stay. */
static void long_chains(maker *m, unsigned B)
{
    unsigned nbuckets = 1U << B;
    for (unsigned rounds = 4 + below(m, 30); rounds > 0; rounds--) {
        unsigned key = below(m, nbuckets) + nbuckets * (2 + below(m, 20));
        unsigned count = 9 + below(m, 18);
        push_range(m, op_assign, key, count, nbuckets);
        if (one_in(m, 2)) {
            some_steps(m);
        }
        push_range(m, op_delete, key, count, nbuckets);
        while (one_in(m, 2)) {
            some_steps(m);
        }
        if (one_in(m, 2)) {
            push_range(m, one_in(m, 6) ? op_delete : op_assign, below(m, 2 * nbuckets), 1 + below(m, 3), 1);
        }
    }
}

/* The same with hashes that depend on the seed: fill and empty; then delete what
 * is left in the middle of the growth, for a new seed, and come back. */
static void to_the_last(maker *m, unsigned B)
{
    unsigned fill = (13U << B) / 2, key = below(m, 1000);
    for (unsigned rounds = 6 + below(m, 3); rounds > 0; rounds--) {
        push_range(m, op_assign, key, fill - 1, 1);
        push_range(m, op_delete, key, rounds == 1 ? fill - 4 : fill - 1, 1);
        key += fill;
    }
    unsigned left = key - 4; /* three keys */
    push_range(m, op_assign, key, 1, 1);
    push(m, op_iter);
    some_steps(m);
    push_range(m, op_delete, left, 3, 1);
    push_range(m, op_delete, key, 1, 1);
    push_range(m, op_assign, left, 1 + below(m, 3), 1);
    op *o = push(m, op_next);
    o->all = true;
}

static void same_size(maker *m, bool any_kind)
{
    static const uint8_t kinds[] = {key_bytes129, key_bytes1000, key_string, key_int64};
    trace *tr = m->tr;
    unsigned B = 1 + below(m, 3);
    if (any_kind && one_in(m, 2)) {
        tr->key = kinds[below(m, 4)];
    }
    tr->maker = make_map;
    tr->hint = (13 << B) / 2;
    if (one_in(m, 3)) {
        tr->hash = (uint8_t)(one_in(m, 2) ? hash_real : hash_mintop);
        to_the_last(m, B);
        return;
    }
    tr->hash = hash_identity;
    push_range(m, op_assign, 1, 1 + below(m, 6), 1);
    if (key_may_be_nan((key_kind)tr->key)) {
        push_range(m, op_assign, has_iface(tr) ? 0xb000 : 0xc000, 8, 1);
    }
    long_chains(m, B);
}

void random_trace(trace *tr, uint64_t seed, trace_size size, int key, int elem)
{
    maker m = {.tr = tr, .state = seed, .size = size};
    memset(tr, 0, offsetof(trace, ops));
    choose_types(&m, key, elem);
    if (size == trace_huge) {
        huge_trace(&m);
        return;
    }
    if (size == trace_small && one_in(&m, 4)) {
        same_size(&m, key < 0);
        return;
    }
    unsigned ops = size == trace_small ? 40 + below(&m, 300) : 200 + below(&m, 800);
    move_window(&m);
    unsigned mood = 0;
    while (tr->nops < ops) {
        for (unsigned i = 1 + below(&m, 60); i > 0 && tr->nops < ops; i--) {
            doing(&m, pick(&m, moods[mood], doings));
        }
        mood = below(&m, sizeof moods / sizeof moods[0]);
        if (one_in(&m, 3)) {
            move_window(&m);
        }
    }
}
