/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil_map.c: where in a map there is something to spoil; see spoil_map.h.
 */
#include "spoil_map.h"

/* ---- maps in some state --------------------------------------------------- */

hmap *without_buckets(const victim *m)
{
    return m->h->buckets == NULL ? m->h : NULL;
}

hmap *with_buckets(const victim *m)
{
    return m->h->buckets != NULL ? m->h : NULL;
}

hmap *with_entries(const victim *m)
{
    return m->h->count > 0 ? m->h : NULL;
}

hmap *growing(const victim *m)
{
    return hmap_growing(m->h) ? m->h : NULL;
}

hmap *idle(const victim *m)
{
    return hmap_growing(m->h) ? NULL : with_buckets(m);
}

hmap *with_one_bucket(const victim *m)
{
    return m->h->B == 0 ? idle(m) : NULL;
}

hmap *growing_to_same_size(const victim *m)
{
    return hmap_sameSizeGrow(m->h) ? growing(m) : NULL;
}

hmap *doubling(const victim *m)
{
    return hmap_sameSizeGrow(m->h) ? NULL : growing(m);
}

hmap *with_mark(const victim *m)
{
    return m->h->nevacuate > 0 ? growing(m) : NULL;
}

/* The first that lives, or NULL. */
hiter *iterator_of(const victim *m)
{
    for (unsigned i = 0; i < trace_iters; i++) {
        if (m->its[i].h != NULL) {
            return &m->its[i];
        }
    }
    return NULL;
}

hmap *without_iterators(const victim *m)
{
    return iterator_of(m) == NULL ? with_buckets(m) : NULL;
}

gm_gen *current(const victim *m)
{
    return with_buckets(m) != NULL ? m->h->extra->overflow : NULL;
}

gm_gen *old(const victim *m)
{
    return growing(m) != NULL ? m->h->extra->oldoverflow : NULL;
}

void set_flags(hmap *h, unsigned flags)
{
    atomic_store_explicit(&h->flags, (uint8_t)flags, memory_order_relaxed);
}

unsigned flags_of(const hmap *h)
{
    return atomic_load_explicit(&h->flags, memory_order_relaxed);
}

/* ---- buckets and slots ---------------------------------------------------- */

bmap *main_bucket(const victim *m, void *buckets, uintptr_t n)
{
    return add(buckets, n * m->t->bucketsize);
}

unsigned char *key_slot(const victim *m, bmap *b, unsigned i)
{
    return add(b, dataOffset + (uintptr_t)i * m->t->keysize);
}

unsigned char *elem_slot(const victim *m, bmap *b, unsigned i)
{
    return add(b, dataOffset + bucketCnt * (uintptr_t)m->t->keysize + (uintptr_t)i * m->t->elemsize);
}

unsigned char *key_of(const victim *m, bmap *b, unsigned i)
{
    return maptype_indirectkey(m->t) ? gm_loadp(key_slot(m, b, i)) : key_slot(m, b, i);
}

void *overflow_slot(const victim *m, bmap *b)
{
    return add(b, (uintptr_t)m->t->bucketsize - PtrSize);
}

bool begun(const victim *m, bmap *b)
{
    (void)m;
    return b->tophash[0] >= minTopHash;
}

bool with_two(const victim *m, bmap *b)
{
    return begun(m, b) && b->tophash[1] >= minTopHash;
}

bool half_free(const victim *m, bmap *b)
{
    return begun(m, b) && b->tophash[5] == emptyRest && bmap_overflow(b, m->t) == NULL;
}

bool full(const victim *m, bmap *b)
{
    unsigned n = 0;
    while (n < bucketCnt && b->tophash[n] >= minTopHash) {
        n++;
    }
    return n == bucketCnt && bmap_overflow(b, m->t) == NULL;
}

bool chained(const victim *m, bmap *b)
{
    return !evacuated(b) && bmap_overflow(b, m->t) != NULL;
}

bool done(const victim *m, bmap *b)
{
    (void)m;
    return evacuated(b);
}

/* The first bucket of that kind, or NULL. */
bmap *in_new(const victim *m, kind_of_bucket *fits)
{
    for (uintptr_t n = 0; m->h->buckets != NULL && n < bucketShift(m->h->B); n++) {
        bmap *b = main_bucket(m, m->h->buckets, n);
        if (fits(m, b)) {
            return b;
        }
    }
    return NULL;
}

bmap *in_old(const victim *m, kind_of_bucket *fits)
{
    for (uintptr_t n = 0; hmap_growing(m->h) && n < hmap_noldbuckets(m->h); n++) {
        bmap *b = main_bucket(m, m->h->oldbuckets, n);
        if (fits(m, b)) {
            return b;
        }
    }
    return NULL;
}
