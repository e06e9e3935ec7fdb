/* SPDX-License-Identifier: BSD-3-Clause
 *
 * recipe.h: ops that belong together, for mutator.c alone.
 */
#ifndef GOMAP_RECIPE_H
#define GOMAP_RECIPE_H

#include "mutator.h"
#include "random_trace.h"
#include "survey.h"

/* One mutation under way. */
typedef struct mutator {
    const fuzz_target *f;
    trace *tr;
    size_t most; /* ops */
    uint64_t state;
    survey s;
} mutator;

/* New ops. */
typedef struct recipe {
    op ops[96];
    size_t n;
} recipe;

static inline unsigned below(mutator *m, size_t n)
{
    return (unsigned)((random_next(&m->state) >> 33) % n);
}

static inline bool one_in(mutator *m, unsigned n)
{
    return below(m, n) == 0;
}

/* 0 half of the time, 1 a quarter, .. */
static inline unsigned few(mutator *m, unsigned most)
{
    unsigned n = 0;
    while (n < most && one_in(m, 2)) {
        n++;
    }
    return n;
}

static inline bool allowed(const mutator *m, unsigned code)
{
    return (m->f->ops >> code & 1) != 0;
}

/* One of a bit set. */
static inline uint8_t one_of(mutator *m, uint32_t set)
{
    unsigned size = 0;
    for (uint32_t rest = set; rest != 0; rest &= rest - 1) {
        size++;
    }
    unsigned skip = below(m, size);
    uint8_t v = 0;
    while ((set >> v & 1) == 0 || skip-- > 0) {
        v++;
    }
    return v;
}

/* The ops of a mutation that inserts some, for the place before op `at`.  Reads
 * the survey of it. */
void recipe_make(mutator *m, mutation what, size_t at, recipe *r);

/* One op that may stand for op `at` instead: the same with another count, step
 * or slot, or another code for the same keys. */
void recipe_instead(mutator *m, size_t at, recipe *r);

/* A key number that is worth a try for op `at`, and a hint. */
uint16_t recipe_key(mutator *m, size_t at);
int64_t recipe_hint(mutator *m);

#endif
