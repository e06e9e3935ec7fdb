/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_states.c: kinds of states; see conform_states.h.
 *
 * A kind is what the port's own state is like, coarsely: growth and how far it
 * is, the iterations alive and how each lies to the arrays, overflow buckets,
 * how full it is, and what keys and elems are.  Each kind has the number of
 * traces that were in it, and the first of them.
 */
#include "conform_states.h"

#include <stdlib.h>

#include "random_trace.h"

enum { slots = 1 << 15, most_kinds = slots / 2, most_kept = 4096, tries = 24 };

typedef struct kind {
    uint32_t id; /* never 0 */
    uint32_t traces;
    uint32_t last; /* number of the last of them */
    int32_t keeper;
} kind;

static kind kinds[slots];
static uint32_t listed[most_kinds]; /* slots in the order of discovery */
static size_t count;

static struct {
    uint8_t *bytes;
    size_t size;
} kept[most_kept];
static size_t nkept;

static const trace *current;
static uint32_t number;
static bool found; /* the current trace was the first somewhere */

void states_begin(const trace *tr)
{
    current = tr;
    number++;
    found = false;
}

/* 0, 1 or 2: none, few, many. */
static uint32_t few_or_many(uintptr_t n, uintptr_t many)
{
    return n == 0 ? 0 : n < many ? 1 : 2;
}

static uint32_t of_iterators(const port *p)
{
    uint32_t alive = 0, traits = 0;
    for (unsigned i = 0; i < oracle_iters; i++) {
        const hiter *it = &p->its[i];
        if (it->h == NULL) {
            continue;
        }
        alive++;
        traits |= it->buckets == p->h->buckets ? 1U : it->buckets == p->h->oldbuckets ? 2U : 4U;
        traits |= it->oldoverflow != NULL ? 8U : 0;     /* begun during a growth */
        traits |= it->checkBucket != noCheck ? 16U : 0; /* in an old bucket */
        traits |= it->wrapped ? 32U : 0;
    }
    return traits | (alive < 2 ? alive : 2U) << 6;
}

static uint32_t kind_of(const port *p)
{
    const hmap *h = p->h;
    const maptype *t = &p->t;
    bool growing = hmap_growing(h);
    uint32_t growth = !growing ? 0 : hmap_sameSizeGrow(h) ? 1U : 2U;
    uintptr_t old = growing ? hmap_noldbuckets(h) : 1;
    uint32_t progress = growing ? few_or_many(h->nevacuate, old / 2 + 1) : 0;
    uint32_t chains = few_or_many(h->noverflow, bucketShift(h->B) / 2 + 1);
    uintptr_t room = h->B == 0 ? (uintptr_t)bucketCnt : bucketShift(h->B) * 13 / 2;
    uint32_t load = h->count == 0                    ? 0
                    : (uintptr_t)h->count >= room    ? 3U
                    : (uintptr_t)h->count > room / 2 ? 2U
                                                     : 1U;
    uint32_t size = h->buckets == NULL ? 0 : h->B == 0 ? 1U : h->B < 4 ? 2U : 3U;
    uint32_t type = (maptype_indirectkey(t) ? 1U : 0) | (maptype_indirectelem(t) ? 2U : 0) |
                    (t->bucket->ptrdata != 0 ? 4U : 0) | (maptype_reflexivekey(t) ? 0 : 8U) |
                    (maptype_needkeyupdate(t) ? 16U : 0);
    return growth | progress << 2 | chains << 4 | load << 6 | size << 8 | type << 10 | of_iterators(p) << 15 |
           1U << 31;
}

void states_see(void *ctx, const port *p)
{
    (void)ctx;
    uint32_t id = kind_of(p);
    uint32_t at = (id * UINT32_C(0x9e3779b1)) >> 17;
    while (kinds[at].id != 0 && kinds[at].id != id) {
        at = (at + 1) % slots;
    }
    kind *k = &kinds[at];
    if (k->id == 0) {
        if (count == most_kinds) {
            return;
        }
        *k = (kind){.id = id, .keeper = -1};
        listed[count++] = at;
    }
    if (k->last == number) {
        return;
    }
    k->last = number;
    k->traces++;
    if (k->keeper < 0 && nkept < most_kept) {
        k->keeper = (int32_t)nkept;
        found = true;
    }
}

void states_end(void)
{
    uint8_t bytes[trace_max_bytes];
    if (!found) {
        return;
    }
    size_t n = trace_encode(current, bytes);
    kept[nkept].bytes = malloc(n);
    if (kept[nkept].bytes == NULL) {
        fprintf(stderr, "gomap-conform: the machine has no memory left\n");
        exit(2);
    }
    memcpy(kept[nkept].bytes, bytes, n);
    kept[nkept].size = n;
    nkept++;
}

size_t states_kinds(void)
{
    return count;
}

/* The rarest of some. */
size_t states_pick(uint64_t *random, uint8_t out[trace_max_bytes])
{
    const kind *best = NULL;
    for (unsigned i = 0; i < tries && count > 0; i++) {
        const kind *k = &kinds[listed[(random_next(random) >> 16) % count]];
        if (k->keeper >= 0 && (size_t)k->keeper < nkept && (best == NULL || k->traces < best->traces)) {
            best = k;
        }
    }
    if (best == NULL) {
        return 0;
    }
    memcpy(out, kept[best->keeper].bytes, kept[best->keeper].size);
    return kept[best->keeper].size;
}
