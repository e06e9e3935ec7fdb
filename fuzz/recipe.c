/* SPDX-License-Identifier: BSD-3-Clause
 *
 * recipe.c: what byte mutation hardly ever gets together: a map at its load
 * factor, an iteration under way when it grows, a chain that fills and empties.
 *
 * The survey tells how many entries and which keys the map has at the place that
 * the ops are for; keys and counts are chosen by it.
 */
#include "recipe.h"

static op *push(recipe *r, op_code code)
{
    if (r->n == sizeof r->ops / sizeof r->ops[0]) {
        r->n--; /* the last one is lost: recipes are far shorter */
    }
    op *o = &r->ops[r->n++];
    memset(o, 0, sizeof *o);
    o->code = (uint8_t)code;
    return o;
}

static void push_at(recipe *r, op_code code, unsigned slot)
{
    push(r, code)->iter = (uint8_t)slot;
}

static void push_keys(recipe *r, op_code code, unsigned key, unsigned count, unsigned step)
{
    op *o = push(r, code);
    o->key = (uint16_t)key;
    o->count = (uint16_t)count;
    o->step = (uint16_t)(count == 1 ? 1 : step);
}

static void push_next(recipe *r, unsigned slot, unsigned count)
{
    op *o = push(r, op_next);
    o->iter = (uint8_t)slot;
    o->all = count == 0;
    o->count = (uint16_t)count;
}

/* ---- keys ---------------------------------------------------------------- */

static bool has_keys(const op *o)
{
    return o->code == op_assign || o->code == op_delete || o->code == op_get;
}

/* A number that the trace uses already; false: it uses none. */
static bool used_key(mutator *m, uint16_t *n)
{
    for (unsigned tries = 0; tries < 8 && m->tr->nops > 0; tries++) {
        const op *o = &m->tr->ops[below(m, m->tr->nops)];
        if (has_keys(o)) {
            *n = (uint16_t)(o->key + below(m, o->count) * o->step);
            return true;
        }
    }
    return false;
}

/* A number whose key goes to the bucket of n's, or has its tophash. */
static uint16_t colliding_key(mutator *m, uint16_t n)
{
    if (m->tr->hash == hash_identity) { /* by the number itself; with B above 0, or doubled later */
        return (uint16_t)(n + ((1 + below(m, 8)) << (m->s.B + few(m, 2))));
    }
    uintptr_t want, hash;
    if (!survey_hash(&m->s, m->tr, n, &want)) {
        return n;
    }
    bool by_top = one_in(m, 4);
    uintptr_t low = ((uintptr_t)1 << m->s.B) - 1;
    for (unsigned tries = 0; tries < 24; tries++) {
        uint16_t k = (uint16_t)(n + 1 + tries + below(m, 40));
        if (survey_hash(&m->s, m->tr, k, &hash) &&
            (by_top ? tophash(hash) == tophash(want) : (hash & low) == (want & low))) {
            return k;
        }
    }
    return (uint16_t)(n + 1);
}

/* A number for which the key kind has something special. */
static uint16_t special_key(mutator *m)
{
    static const uint16_t of_iface[] = {0xb000, 0xb000, 0x8000, 0x3fff, 0x4000, 0xc000, 0xe000, 0};
    switch ((key_kind)m->tr->key) {
    case key_iface:
    case key_mixed:
        return (uint16_t)(of_iface[below(m, 8)] + below(m, 4));
    case key_float64:
    case key_complex128:
    case key_float32:
    case key_complex64:
        return (uint16_t)(one_in(m, 3) ? below(m, 4) : 0xc000 + below(m, 16));
    case key_int8:
        return (uint16_t)(256 * below(m, 3) + below(m, 16)); /* wraps */
    case key_int64:
    case key_int16:
    case key_int32:
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000:
    case key_zero:
    case key_string:
    case key_padded:
    case key_pointer:
    case key_kinds:
        break;
    }
    return (uint16_t)(59 * below(m, 4)); /* strings of one length; 0 is the empty one */
}

/* The first of `count` numbers that no entry has, as far as they are found. */
static uint16_t fresh_key(mutator *m, unsigned count, unsigned step)
{
    uint16_t n = (uint16_t)below(m, one_in(m, 2) ? 64 : 0x3000);
    for (unsigned tries = 0, run = 0; tries < 1000 && run < count; tries++) {
        if (survey_fresh(&m->s, m->tr, (uint16_t)(n + run * step))) {
            run++;
        } else {
            n = (uint16_t)(n + run * step + 1);
            run = 0;
        }
    }
    return n;
}

static uint16_t some_key(mutator *m)
{
    uint16_t n = 0;
    unsigned what = below(m, 10);
    if (what < 7 && !used_key(m, &n)) {
        what = 7 + below(m, 3);
    }
    switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
        return n;
    case 4:
        return (uint16_t)(n + below(m, 5) - 2);
    case 5:
    case 6:
        return colliding_key(m, n);
    case 7:
        return special_key(m);
    case 8:
        return fresh_key(m, 1, 1);
    default:
        return (uint16_t)below(m, one_in(m, 4) ? key_numbers : 32);
    }
}

/* How far apart the keys of one bucket are. */
static unsigned chain_step(mutator *m)
{
    switch ((hash_kind)m->tr->hash) {
    case hash_identity:
        return 1U << (m->s.B < 7 ? m->s.B + below(m, 2) : 7);
    case hash_lowbits:
        return 2;
    case hash_real:
    case hash_constant:
    case hash_tophash:
    case hash_mintop:
    case hash_random:
    case hash_aes:
    case hash_kinds:
        break;
    }
    return 1;
}

static unsigned some_step(mutator *m)
{
    return one_in(m, 3) ? one_in(m, 2) ? chain_step(m) : 1U << below(m, 8) : 1;
}

static unsigned some_count(mutator *m)
{
    switch (below(m, 6)) {
    case 0:
        return 2 + below(m, 7); /* a bucket, or less */
    case 1:
        return 8 + below(m, 3);
    case 2:
        return 1 + below(m, op_max_keys);
    default:
        return 1;
    }
}

static void push_some_keys(mutator *m, recipe *r, op_code code)
{
    unsigned step = some_step(m), count = some_count(m);
    uint16_t key = code == op_assign && one_in(m, 3) ? fresh_key(m, count, step) : some_key(m);
    push_keys(r, code, key, count, step);
}

/* ---- numbers ------------------------------------------------------------- */

/* Hints, mostly on a border between two sizes. */
static int64_t some_hint(mutator *m)
{
    unsigned most = m->f->bytes != 0 && one_in(m, 8) ? 16 : 6;
    switch (below(m, 8)) {
    case 0:
        return 0;
    case 1:
        return -(int64_t)below(m, 3);
    case 2:
        return trace_hint(
            (int64_t)((uint64_t)(1 + few(m, 6) * below(m, 40)) << below(m, 63) & INT64_MAX)); /* huge */
    default:
        return trace_hint((int64_t)survey_room(below(m, most + 1)) + (int)below(m, 3) - 1);
    }
}

/* A slot with an iteration under way, if there is one. */
static unsigned some_slot(mutator *m)
{
    if (m->s.iters != 0 && !one_in(m, 4)) {
        return one_of(m, m->s.iters);
    }
    return few(m, trace_iters - 1);
}

static unsigned some_steps(mutator *m)
{
    return one_in(m, 5) ? 0 : one_in(m, 6) ? 1 + below(m, op_max_steps) : 1 + few(m, 6);
}

/* ---- recipes ------------------------------------------------------------- */

static void push_any(mutator *m, recipe *r)
{
    static const uint8_t weights[op_codes] = {
        [op_assign] = 12, [op_delete] = 6, [op_get] = 2,  [op_set_at] = 3, [op_del_at] = 4,
        [op_get_at] = 1,  [op_clear] = 1,  [op_iter] = 5, [op_next] = 6,   [op_end] = 1,
        [op_check] = 1,   [op_fail] = 3,   [op_seed] = 1, [op_make] = 1,   [op_nil] = 1,
    };
    unsigned sum = 0, code = 0;
    for (unsigned c = 0; c < op_codes; c++) {
        sum += allowed(m, c) ? weights[c] : 0;
    }
    for (unsigned at = below(m, sum);; code++) {
        unsigned weight = allowed(m, code) ? weights[code] : 0;
        if (at < weight) {
            break;
        }
        at -= weight;
    }
    op *o;
    switch ((op_code)code) {
    case op_assign:
    case op_delete:
    case op_get:
        push_some_keys(m, r, (op_code)code);
        break;
    case op_set_at:
    case op_del_at:
    case op_get_at:
    case op_iter:
    case op_end:
        push_at(r, (op_code)code, some_slot(m));
        break;
    case op_next:
        push_next(r, some_slot(m), some_steps(m));
        break;
    case op_fail:
        o = push(r, op_fail);
        o->key = (uint16_t)few(m, 8);
        o->count = (uint16_t)(1 + few(m, 7));
        break;
    case op_seed:
        push(r, op_seed)->key = (uint16_t)below(m, key_numbers);
        break;
    case op_make:
        o = push(r, op_make);
        o->maker = (uint8_t)below(m, op_makers);
        o->hint = some_hint(m);
        break;
    case op_nil:
        push(r, op_nil)->key = some_key(m);
        break;
    case op_clear:
    case op_check:
    case op_codes:
        push(r, (op_code)code);
        break;
    }
}

/* Looks up keys that were inserted before: half-way through a growth a lookup
 * has two arrays to choose from. */
static void push_look(mutator *m, recipe *r, size_t at)
{
    size_t all = at < m->tr->nops ? at : m->tr->nops;
    for (unsigned tries = 0; tries < 8 && all + r->n > 0; tries++) {
        size_t i = below(m, all + r->n);
        op o = i < all ? m->tr->ops[i] : r->ops[i - all];
        if (o.code == op_assign) {
            push_keys(r, op_get, o.key, o.count, o.step);
            return;
        }
    }
}

/* New keys up to the next size at which the map grows, or one off. */
static void push_threshold(mutator *m, recipe *r, bool over)
{
    unsigned B = m->s.B + (one_in(m, 6) ? 1 : 0);
    unsigned want = survey_room(B) + (over ? 1 : below(m, 3));
    if (!over) {
        want--;
    }
    unsigned left = want > m->s.count ? want - m->s.count : 1;
    unsigned step = one_in(m, 4) ? some_step(m) : 1;
    uint16_t key = fresh_key(m, left < 2 * op_max_keys ? left : 1, step);
    for (unsigned ops = 0; left > 0 && ops < 4; ops++) {
        unsigned count = left < op_max_keys ? left : op_max_keys;
        push_keys(r, op_assign, key, count, step);
        key = (uint16_t)(key + count * step);
        left -= count;
    }
}

/* What is worth doing while a growth is half done: little at a time, since each
 * change moves two more buckets. */
static void push_scene(mutator *m, recipe *r, size_t at, unsigned slot)
{
    for (unsigned i = 1 + few(m, 5); i > 0; i--) {
        switch (below(m, 12)) {
        case 0:
        case 1:
        case 2:
            push_look(m, r, at);
            break;
        case 3:
        case 4:
            push_keys(r, op_assign, some_key(m), 1, 1);
            break;
        case 5:
            push_keys(r, op_delete, some_key(m), 1, 1);
            break;
        case 7:
            push_some_keys(m, r, one_in(m, 2) ? op_assign : op_delete);
            break;
        case 8:
        case 9:
            push_at(r, one_in(m, 2) ? op_del_at : op_set_at, slot);
            break;
        case 10:
            push_at(r, op_iter, some_slot(m));
            break;
        default:
            push_next(r, slot, 1 + few(m, 3));
            break;
        }
    }
    if (one_in(m, 8)) {
        push(r, op_clear);
    }
}

static void push_park(mutator *m, recipe *r, size_t at)
{
    unsigned slot = some_slot(m);
    if (one_in(m, 3)) {
        push_threshold(m, r, false);
    }
    push_at(r, op_iter, slot);
    push_next(r, slot, 1 + few(m, 6));
    push_threshold(m, r, true);
    push_scene(m, r, at, slot);
    push_next(r, slot, 0);
}

/* Overflow buckets, one too few or just enough for a growth to the same size:
 * chains of bucket after bucket, each deleted but for a few keys before the
 * next.  Then the growth, and a scene.  Only under hashers that tell the bucket
 * by the number. */
static void push_pile(mutator *m, recipe *r, size_t at)
{
    unsigned B = m->s.B, slot = some_slot(m);
    if (m->tr->hash != hash_identity && (m->f->hashes >> hash_identity & 1) != 0 && one_in(m, 2)) {
        m->tr->hash = hash_identity;
    }
    bool identity = m->tr->hash == hash_identity;
    if (!one_in(m, 4)) {
        push(r, op_clear);
    }
    if (B == 0 || one_in(m, 8)) { /* a size to pile up in */
        B = 1 + few(m, 3);
        push_keys(r, op_assign, 0, survey_room(B - 1) + 1 + below(m, 4), 1);
        if (one_in(m, 2)) {
            push(r, op_clear);
        }
    }
    B = B < 5 ? B : 5;
    unsigned step = identity ? 1U << B : 2, buckets = identity ? 1U << B : 2;
    unsigned seen = key_may_be_nan((key_kind)m->tr->key) && one_in(m, 2) ? special_key(m) : 0;
    push_keys(r, op_assign, seen, 1 + below(m, (size_t)2 << B), 1); /* to be looked for later */
    unsigned want = (1U << B) - (one_in(m, 4) ? 1 : 0), bucket = below(m, buckets);
    for (unsigned rounds = 0; want > 0 && rounds < 24; rounds++) {
        unsigned n = 1 + below(m, want < 3 ? want : 3), keep = few(m, 2);
        unsigned count = 8 * n + 1, key = bucket + 16 * step;
        push_keys(r, op_assign, key, count, step);
        push_keys(r, op_delete, key + keep * step, count - keep, step);
        want -= n;
        bucket = (bucket + 1) % buckets;
    }
    unsigned begun = below(m, 3); /* before the growth, in its midst, or not at all */
    if (begun == 0) {
        push_at(r, op_iter, slot);
        push_next(r, slot, 1 + few(m, 4));
    }
    push_keys(r, op_assign, fresh_key(m, 1, 1), 1, 1);
    if (begun == 1) {
        push_at(r, op_iter, slot);
    }
    push_scene(m, r, at, slot);
    if (begun != 2) {
        push_next(r, slot, 0);
    }
}

/* So many buckets that overflow buckets are no longer counted one by one, or
 * half of that, and one long chain. */
static void push_huge(mutator *m, recipe *r)
{
    m->tr->hash = hash_constant;
    m->tr->hint = trace_hint((int64_t)survey_room(14 + below(m, 2)) * 5 / 4);
    unsigned count = 1 + below(m, op_max_keys);
    for (unsigned ops = 1 + below(m, 3), key = 0; ops > 0; ops--) {
        push_keys(r, op_assign, key, count, 1);
        key += count;
    }
}

/* An allocation fails: some early one, or that of a growth, or one in its midst. */
static void push_fail(mutator *m, recipe *r, size_t at)
{
    unsigned slot = some_slot(m), where = below(m, 4);
    if (where == 1) {
        push_threshold(m, r, false);
        if (one_in(m, 2)) {
            push_at(r, op_iter, slot);
        }
    } else if (where == 2) { /* keys of one bucket, which evacuation has to chain again */
        push_keys(r, op_assign, below(m, 64), 9 + below(m, 8), 2 * chain_step(m));
        push_threshold(m, r, true);
    }
    op *o = push(r, op_fail);
    o->key = (uint16_t)few(m, 6);
    o->count = (uint16_t)(1 + few(m, 4));
    if (where == 1) {
        push_keys(r, op_assign, fresh_key(m, 1, 1), 1 + few(m, 2), 1);
        push_scene(m, r, at, slot);
    } else if (where == 2) {
        push_scene(m, r, at, slot);
    } else if (one_in(m, 2)) {
        push_threshold(m, r, true);
    } else {
        push_some_keys(m, r, op_assign);
    }
}

static void push_loop(mutator *m, recipe *r)
{
    unsigned slot = some_slot(m);
    if ((m->s.iters >> slot & 1) == 0 || one_in(m, 3)) {
        push_at(r, op_iter, slot);
    }
    static const op_code codes[] = {op_del_at, op_set_at, op_get_at, op_assign, op_delete};
    op_code what = codes[below(m, 5)];
    for (unsigned i = 1 + below(m, 12); i > 0; i--) {
        if (what == op_assign || what == op_delete) {
            push_some_keys(m, r, what);
        } else {
            push_at(r, what, slot);
        }
        push_next(r, slot, 1 + few(m, 2));
    }
}

/* Chains of bucket after bucket, each emptied before the next: the overflow
 * buckets stay, until there are so many that the map grows to its own size.
 * Mostly that is what comes next, and then a clear in its midst, or the next
 * doubling. */
static void push_chain(mutator *m, recipe *r, size_t at)
{
    unsigned step = chain_step(m), room = survey_room(m->s.B), count = 9 + below(m, 16);
    if (one_in(m, 2) && room > m->s.count + count) {
        count = room - m->s.count;
        count = count < op_max_keys ? count : op_max_keys;
    }
    uint16_t key = one_in(m, 2) ? some_key(m) : fresh_key(m, 1, 1);
    for (unsigned rounds = 1 + below(m, 6); rounds > 0; rounds--) {
        push_keys(r, op_assign, key, count, step);
        if (one_in(m, 3)) {
            push_at(r, op_iter, some_slot(m));
        }
        if (rounds > 1 || one_in(m, 2)) {
            unsigned from = one_in(m, 2) ? below(m, one_in(m, 2) ? 8 : count) : 0;
            push_keys(r, op_delete, key + from * step, count - from, step);
        }
        key = (uint16_t)(key + (one_in(m, 4) ? count * step : 1));
    }
    push_keys(r, op_assign, one_in(m, 2) ? key : some_key(m), 1, 1);
    if (one_in(m, 3)) {
        push_look(m, r, at);
    } else if (one_in(m, 3)) {
        push(r, op_clear);
        memset(m->s.live, 0, sizeof m->s.live);
        m->s.count = 0;
    }
    if (one_in(m, 2)) {
        push_threshold(m, r, true);
    } else {
        push_some_keys(m, r, op_assign);
    }
}

static void push_empty(mutator *m, recipe *r, size_t at)
{
    if (one_in(m, 3)) {
        push(r, op_clear);
    } else {
        for (size_t i = at; i > 0 && r->n < 40; i--) {
            if (m->tr->ops[i - 1].code == op_assign) {
                *push(r, op_delete) = m->tr->ops[i - 1];
                r->ops[r->n - 1].code = op_delete;
            }
        }
    }
    if (one_in(m, 2)) {
        push_some_keys(m, r, op_assign);
    }
    if (one_in(m, 3)) {
        push_next(r, some_slot(m), 0);
    }
}

void recipe_make(mutator *m, mutation what, size_t at, recipe *r)
{
    r->n = 0;
    survey_read(&m->s, m->tr, at);
    switch (what) {
    case mutation_threshold:
        push_threshold(m, r, false);
        break;
    case mutation_park:
        push_park(m, r, at);
        break;
    case mutation_loop:
        push_loop(m, r);
        break;
    case mutation_chain:
        if (m->f->bytes != 0 && (m->f->hashes >> hash_constant & 1) != 0 && one_in(m, 12)) {
            push_huge(m, r);
        } else if (one_in(m, 2)) {
            push_pile(m, r, at);
        } else {
            push_chain(m, r, at);
        }
        break;
    case mutation_empty:
        push_empty(m, r, at);
        break;
    case mutation_fail:
        push_fail(m, r, at);
        break;
    case mutation_insert:
    case mutation_delete:
    case mutation_copy:
    case mutation_move:
    case mutation_swap:
    case mutation_key:
    case mutation_tweak:
    case mutation_hint:
    case mutation_header:
    case mutations:
        for (unsigned i = 1 + few(m, 4); i > 0; i--) {
            push_any(m, r);
        }
        break;
    }
}

void recipe_instead(mutator *m, size_t at, recipe *r)
{
    r->n = 0;
    const op *o = &m->tr->ops[at];
    survey_read(&m->s, m->tr, at);
    if (has_keys(o)) {
        unsigned what = below(m, 4);
        unsigned count = what == 0 ? some_count(m) : o->count, step = o->step;
        op_code code = (op_code)o->code;
        if (what == 1 && count < op_max_keys) { /* one more, or one less */
            count = one_in(m, 2) || count == 1 ? count + 1 : count - 1;
        } else if (what == 2) {
            step = some_step(m);
        } else if (what == 3) {
            static const op_code codes[] = {op_assign, op_delete, op_get};
            code = codes[below(m, 3)];
        }
        push_keys(r, code, o->key, count, step);
    } else if (o->code == op_next) {
        push_next(r, one_in(m, 3) ? some_slot(m) : o->iter, some_steps(m));
    } else if (o->code == op_set_at || o->code == op_del_at || o->code == op_get_at) {
        static const op_code codes[] = {op_set_at, op_del_at, op_get_at};
        push_at(r, codes[below(m, 3)], some_slot(m));
    } else if (o->code == op_iter || o->code == op_end) {
        push_at(r, (op_code)o->code, below(m, trace_iters));
    } else {
        push_any(m, r);
    }
}

uint16_t recipe_key(mutator *m, size_t at)
{
    survey_read(&m->s, m->tr, at);
    return some_key(m);
}

int64_t recipe_hint(mutator *m)
{
    return some_hint(m);
}
