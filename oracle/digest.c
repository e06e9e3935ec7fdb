/* SPDX-License-Identifier: BSD-3-Clause
 *
 * digest.c: a map's state in one number, for comparing two runs of a trace.
 * What a dump shows goes in, but not by way of text, which would cost more
 * than the run itself.
 */
#include "oracle.h"

typedef struct digest {
    const oracle_step *s;
    uint64_t d;
} digest;

static void mix(digest *g, uint64_t x)
{
    g->d = (g->d ^ x) * UINT64_C(0x9fb21c651e98df25);
    g->d ^= g->d >> 32;
}

/* The first and the last eight bytes: an elem is filled from one stamp. */
static void mix_elem(digest *g, const void *p, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, p, size < 8 ? size : 8);
    mix(g, word);
    if (size > 8) {
        memcpy(&word, (const char *)p + size - 8, 8);
        mix(g, word);
    }
}

static void mix_key(digest *g, const void *p)
{
    uint32_t payload = 0;
    key_facts facts = {.id = 0};
    bool known = key_read(g->s->key_kind, p, &facts, &payload);
    mix(g, (uint64_t)known << 32 | payload);
    mix(g, facts.id);
}

static void mix_bucket(digest *g, bmap *b)
{
    const maptype *t = g->s->t;
    uint64_t states;
    memcpy(&states, b->tophash, sizeof states);
    mix(g, states);
    for (uintptr_t i = 0; i < bucketCnt; i++) {
        if (b->tophash[i] < minTopHash) {
            continue;
        }
        void *k = add(b, dataOffset + i * t->keysize);
        void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
        mix_key(g, maptype_indirectkey(t) ? gm_loadp(k) : k);
        mix_elem(g, maptype_indirectelem(t) ? gm_loadp(e) : e, t->elem->size);
    }
}

/* Main buckets with their chains; free preallocated ones are all alike. */
static void mix_array(digest *g, void *buckets, uintptr_t n)
{
    const maptype *t = g->s->t;
    for (uintptr_t i = 0; i < n; i++) {
        bmap *b = add(buckets, i * t->bucketsize);
        uint64_t states;
        memcpy(&states, b->tophash, sizeof states);
        if (states == 0 && bmap_overflow(b, t) == NULL) {
            continue;
        }
        mix(g, i);
        for (; b != NULL; b = bmap_overflow(b, t)) {
            mix_bucket(g, b);
        }
        mix(g, UINT64_MAX);
    }
}

static void mix_iter(digest *g, const hiter *it)
{
    mix(g, it->h != NULL);
    if (it->h == NULL) {
        return;
    }
    mix(g, it->startBucket);
    mix(g, (uint64_t)it->offset | (uint64_t)it->wrapped << 8 | (uint64_t)it->B << 16 | (uint64_t)it->i << 24);
    mix(g, it->bucket);
    mix(g, it->checkBucket);
    mix(g, it->buckets == it->h->buckets);
}

uint64_t oracle_digest(const oracle_step *s)
{
    digest g = {s, 1};
    hmap *h = s->h;
    gm_rand rand = gm_rand_state();
    mix(&g, rand.t[0]);
    mix(&g, rand.t[1]);
    mix(&g, (uint64_t)h->count);
    mix(&g, h->flags);
    mix(&g, (uint64_t)h->B | (uint64_t)h->noverflow << 8 | (uint64_t)h->hash0 << 32);
    mix(&g, h->nevacuate);
    if (h->buckets != NULL) {
        bmap *next = h->extra->nextOverflow;
        mix(&g, next == NULL ? 0 : (uint64_t)((char *)next - (char *)h->buckets));
        mix_array(&g, h->buckets, bucketShift(h->B));
    }
    if (hmap_growing(h)) {
        mix_array(&g, h->oldbuckets, hmap_noldbuckets(h));
    }
    for (unsigned i = 0; i < oracle_iters; i++) {
        mix_iter(&g, &s->its[i]);
    }
    return g.d;
}
