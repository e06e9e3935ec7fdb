/* SPDX-License-Identifier: BSD-3-Clause
 *
 * survey.c: a map's size and keys, read off a trace without running it.
 *
 * Failing allocations, growth to the same size, new hash seeds and what
 * iterators stand on are left out: the mutator wants to be right most of the
 * time and quick always.
 */
#include "survey.h"

static unsigned B_of_hint(int64_t hint, unsigned maker)
{
    unsigned B = 0;
    if (maker == make_map_small || hint > key_numbers) { /* huge ones are refused */
        return B;
    }
    while (hint > (int64_t)survey_room(B)) {
        B++;
    }
    return B;
}

unsigned survey_room(unsigned B)
{
    unsigned room = ((unsigned)loadFactorNum << B) / (unsigned)loadFactorDen;
    return B == 0 ? (unsigned)bucketCnt : room;
}

static bool is_live(const survey *s, uint64_t id)
{
    return (s->live[id / 64 % (key_numbers / 64)] >> (id % 64) & 1) != 0;
}

static void set_live(survey *s, uint64_t id, bool live)
{
    uint64_t *word = &s->live[id / 64 % (key_numbers / 64)];
    uint64_t bit = UINT64_C(1) << (id % 64);
    *word = live ? *word | bit : *word & ~bit;
}

static void begin_map(survey *s, int64_t hint, unsigned maker)
{
    memset(s->live, 0, sizeof s->live);
    s->count = 0;
    s->iters = 0;
    s->B = B_of_hint(hint, maker);
}

static void assign(survey *s, const trace *tr, uint16_t n)
{
    key_facts f = key_facts_of((key_kind)tr->key, n);
    if (f.unhashable || (!f.nan && is_live(s, f.id))) {
        return;
    }
    if (!f.nan) {
        set_live(s, f.id, true);
    }
    s->count++;
    while (s->count > survey_room(s->B)) {
        s->B++;
    }
}

static void delete_key(survey *s, const trace *tr, uint16_t n)
{
    key_facts f = key_facts_of((key_kind)tr->key, n);
    if (!f.unhashable && !f.nan && is_live(s, f.id)) {
        set_live(s, f.id, false);
        s->count -= s->count > 0;
    }
}

static void carry_out(survey *s, const trace *tr, const op *o)
{
    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
        for (unsigned i = 0; i < o->count; i++) {
            (o->code == op_assign ? assign : delete_key)(s, tr, (uint16_t)(o->key + i * o->step));
        }
        break;
    case op_clear:
        memset(s->live, 0, sizeof s->live);
        s->count = 0;
        break;
    case op_iter:
        s->iters |= (uint8_t)(1U << o->iter);
        break;
    case op_end:
        s->iters &= (uint8_t) ~(1U << o->iter);
        break;
    case op_make:
        begin_map(s, o->hint, o->maker);
        break;
    case op_del_at: /* one of them; which one, only a run could tell */
        s->count -= s->count > 0 && (s->iters >> o->iter & 1) != 0;
        break;
    case op_get:
    case op_set_at:
    case op_get_at:
    case op_next:
    case op_check:
    case op_fail:
    case op_seed:
    case op_nil:
    case op_codes:
        break;
    }
}

void survey_read(survey *s, const trace *tr, size_t at)
{
    gm_rand others = gm_rand_state();
    gm_rand_seed(tr->seed);
    s->hash0 = fastrand();
    gm_rand_restore(others);
    kinds_maptype(&s->t, (key_kind)tr->key, (elem_kind)tr->elem, (hash_kind)tr->hash, (gm_mode)tr->mode);
    begin_map(s, tr->hint, tr->maker);
    for (size_t i = 0; i < at && i < tr->nops; i++) {
        carry_out(s, tr, &tr->ops[i]);
    }
}

bool survey_fresh(const survey *s, const trace *tr, uint16_t n)
{
    key_facts f = key_facts_of((key_kind)tr->key, n);
    return !f.unhashable && (f.nan || !is_live(s, f.id));
}

bool survey_hash(const survey *s, const trace *tr, uint16_t n, uintptr_t *hash)
{
    key_facts f = key_facts_of((key_kind)tr->key, n);
    if (f.nan || f.unhashable) {
        return false;
    }
    unsigned char key[key_max_size];
    key_make((key_kind)tr->key, n, 0, key);
    *hash = s->t.hasher(s->t.key, key, s->hash0);
    return true;
}
