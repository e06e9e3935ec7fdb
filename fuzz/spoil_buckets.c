/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil_buckets.c: spoilers of chains, growth, slots and tails.
 */
#include "spoil_map.h"

/* ---- check: chains --------------------------------------------------------- */

/* The end of the bucket's chain leads on. */
static void lead_on(const victim *m, bmap *b, void *to)
{
    while (bmap_overflow(b, m->t) != NULL) {
        b = bmap_overflow(b, m->t);
    }
    gm_storep(overflow_slot(m, b), to);
}

/* To a block that the map does not know. */
static bool lead_to_block(const victim *m, uintptr_t size, gm_block_kind kind, gm_block_state state)
{
    bmap *b = in_new(m, begun);
    void *block = b != NULL ? newobject(size, kind) : NULL;
    if (block == NULL) {
        return false;
    }
    gm_block_of(block)->state = (uint8_t)state;
    lead_on(m, b, block);
    return true;
}

bool spoil_chain_to_a_key(const victim *m)
{
    return lead_to_block(m, m->t->bucketsize, gm_block_key, gm_block_live);
}

bool spoil_chain_to_a_parked_bucket(const victim *m)
{
    return lead_to_block(m, m->t->bucketsize, gm_block_overflow, gm_block_parked);
}

bool spoil_chain_to_a_large_bucket(const victim *m)
{
    return lead_to_block(m, 2 * (uintptr_t)m->t->bucketsize, gm_block_overflow, gm_block_live);
}

bool spoil_chain_to_an_unlisted_bucket(const victim *m)
{
    return lead_to_block(m, m->t->bucketsize, gm_block_overflow, gm_block_live);
}

SPOIL(chain_to_a_main_bucket, bmap, b, in_new(m, begun), lead_on(m, b, b))
SPOIL(chain_to_itself, bmap, b, in_new(m, chained), lead_on(m, b, bmap_overflow(b, m->t)))

static bool all_zero(const void *p, uintptr_t n)
{
    const unsigned char *at = p;
    while (n > 0 && *at == 0) {
        at++;
        n--;
    }
    return n == 0;
}

/* Both buckets zero, so that what begins within the first one ends there. */
static bool zero_twice(const victim *m, bmap *b)
{
    bool last = b == main_bucket(m, m->h->buckets, bucketMask(m->h->B));
    return !last && all_zero(b, 2 * (uintptr_t)m->t->bucketsize);
}

bool spoil_chain_between_two_buckets(const victim *m)
{
    bmap *b = in_new(m, begun), *zero = in_new(m, zero_twice);
    if (b == NULL || zero == NULL) {
        return false;
    }
    lead_on(m, b, add(zero, dataOffset));
    return true;
}

/* The first preallocated bucket that is free, or NULL. */
static bmap *free_bucket(const victim *m)
{
    return with_buckets(m) != NULL ? m->h->extra->nextOverflow : NULL;
}

bool spoil_chain_to_a_free_bucket(const victim *m)
{
    bmap *b = in_new(m, begun), *to = free_bucket(m);
    if (b == NULL || to == NULL) {
        return false;
    }
    lead_on(m, b, to);
    return true;
}

/* One with a higher number, since buckets are looked at in order. */
bool spoil_shared_chain(const victim *m)
{
    bmap *owner = in_new(m, chained);
    if (owner == NULL || owner == main_bucket(m, m->h->buckets, bucketMask(m->h->B))) {
        return false;
    }
    lead_on(m, add(owner, m->t->bucketsize), bmap_overflow(owner, m->t));
    return true;
}

/* ---- check: growth --------------------------------------------------------- */

/* A stale key, which counts as nothing elsewhere, in the new bucket of an old one
 * that waits: the one of the same number, or that of the other half. */
static bool touch_destination(const victim *m, uintptr_t half)
{
    if (maptype_indirectkey(m->t) || m->t->key->ptrdata != 0 || m->t->keysize == 0) {
        return false; /* there a stale key counts */
    }
    for (uintptr_t n = 0; hmap_growing(m->h) && n < hmap_noldbuckets(m->h); n++) {
        if (!evacuated(main_bucket(m, m->h->oldbuckets, n))) {
            key_slot(m, main_bucket(m, m->h->buckets, n + half), 0)[0] = 1;
            return true;
        }
    }
    return false;
}

bool spoil_touched_destination(const victim *m)
{
    return touch_destination(m, 0);
}

bool spoil_touched_other_half(const victim *m)
{
    return doubling(m) != NULL && touch_destination(m, hmap_noldbuckets(m->h));
}

SPOIL(free_slot_in_an_evacuated_bucket, bmap, b, in_old(m, done), b->tophash[5] = emptyRest)
SPOIL(evacuated_slot_in_a_live_bucket, bmap, b, in_new(m, with_two), b->tophash[1] = evacuatedX)
SPOIL(evacuated_bucket_in_the_new_array, bmap, b, in_new(m, begun), b->tophash[0] = evacuatedX)

bool spoil_other_half_in_a_growth_to_the_same_size(const victim *m)
{
    bmap *b = growing_to_same_size(m) != NULL ? in_old(m, done) : NULL;
    if (b == NULL) {
        return false;
    }
    b->tophash[0] = evacuatedY;
    return true;
}

bool spoil_evacuated_bucket_not_wiped(const victim *m)
{
    bmap *b = in_old(m, done);
    if (b == NULL || m->t->bucket->ptrdata == 0 || m->t->elemsize == 0 ||
        (flags_of(m->h) & oldIterator) != 0) {
        return false;
    }
    elem_slot(m, b, 0)[0] = 1;
    return true;
}

/* ---- check: slots ---------------------------------------------------------- */

SPOIL(hole_behind_the_rest, bmap, b, in_new(m, half_free), b->tophash[7] = emptyOne)

bool spoil_hole_before_the_rest(const victim *m)
{
    bmap *b = in_new(m, half_free);
    unsigned i = 0;
    while (b != NULL && b->tophash[i] >= minTopHash) {
        i++;
    }
    if (b == NULL || b->tophash[i] != emptyRest) {
        return false;
    }
    b->tophash[i] = emptyOne;
    return true;
}

bool spoil_hole_at_the_end(const victim *m)
{
    bmap *b = in_new(m, full);
    if (b == NULL) {
        return false;
    }
    memset(key_slot(m, b, 7), 0, m->t->keysize);
    memset(elem_slot(m, b, 7), 0, m->t->elemsize);
    b->tophash[7] = emptyOne;
    return true;
}

bool spoil_elem_in_a_free_slot(const victim *m)
{
    bmap *b = in_new(m, half_free);
    if (b == NULL || m->t->elemsize == 0) {
        return false;
    }
    elem_slot(m, b, 7)[0] = 1;
    return true;
}

bool spoil_key_in_a_free_slot(const victim *m)
{
    bmap *b = in_new(m, half_free);
    if (b == NULL || (!maptype_indirectkey(m->t) && m->t->key->ptrdata == 0)) {
        return false;
    }
    key_slot(m, b, 7)[0] = 1;
    return true;
}

bool spoil_key_of_another_bucket(const victim *m)
{
    bmap *b = in_new(m, begun);
    int64_t key;
    if (b == NULL || m->t->key->kind != kindInt64) {
        return false;
    }
    memcpy(&key, key_slot(m, b, 0), sizeof key);
    uintptr_t before = m->t->hasher(m->t->key, &key, m->h->hash0);
    key ^= 1;
    uintptr_t after = m->t->hasher(m->t->key, &key, m->h->hash0);
    if (((before ^ after) & bucketMask(m->h->B)) == 0) {
        return false;
    }
    memcpy(key_slot(m, b, 0), &key, sizeof key);
    return true;
}

bool spoil_key_twice(const victim *m)
{
    bmap *b = in_new(m, with_two);
    if (b == NULL || !maptype_reflexivekey(m->t)) {
        return false;
    }
    memcpy(key_of(m, b, 1), key_of(m, b, 0), m->t->key->size);
    b->tophash[1] = b->tophash[0];
    return true;
}

/* ---- check: indirect keys and elems ---------------------------------------- */

static void *indirect_key(const victim *m)
{
    bmap *b = in_new(m, begun);
    return b != NULL && maptype_indirectkey(m->t) ? key_slot(m, b, 0) : NULL;
}

static void *indirect_elem(const victim *m)
{
    bmap *b = in_new(m, begun);
    return b != NULL && maptype_indirectelem(m->t) ? elem_slot(m, b, 0) : NULL;
}

SPOIL(key_without_memory, void, slot, indirect_key(m), gm_storep(slot, NULL))
SPOIL(elem_without_memory, void, slot, indirect_elem(m), gm_storep(slot, NULL))
SPOIL(key_in_parked_memory, void, slot, indirect_key(m), gm_block_of(gm_loadp(slot))->state = gm_block_parked)
SPOIL(key_in_memory_of_an_elem, void, slot, indirect_key(m),
      gm_block_of(gm_loadp(slot))->kind = gm_block_elem)
SPOIL(elem_in_too_little_memory, void, slot, indirect_elem(m), gm_block_of(gm_loadp(slot))->size--)

static bool share_elem(const victim *m, bmap *b)
{
    if (b == NULL || !maptype_indirectelem(m->t)) {
        return false;
    }
    gm_storep(elem_slot(m, b, 1), gm_loadp(elem_slot(m, b, 0)));
    return true;
}

bool spoil_shared_elem(const victim *m)
{
    return share_elem(m, in_new(m, with_two));
}

bool spoil_shared_elem_in_an_old_bucket(const victim *m)
{
    return share_elem(m, in_old(m, with_two));
}

/* In the part of a long chain in which nobody looks for equal keys. */
bool spoil_shared_key(const victim *m)
{
    unsigned entries = 0;
    if (!maptype_indirectkey(m->t)) {
        return false;
    }
    for (bmap *b = in_new(m, chained); b != NULL; b = bmap_overflow(b, m->t)) {
        if (entries >= 8 * bucketCnt && with_two(m, b)) {
            gm_storep(key_slot(m, b, 1), gm_loadp(key_slot(m, b, 0)));
            b->tophash[1] = b->tophash[0];
            return true;
        }
        for (unsigned i = 0; i < bucketCnt; i++) {
            entries += b->tophash[i] >= minTopHash;
        }
    }
    return false;
}

/* ---- check: whole arrays ---------------------------------------------------- */

/* The last bucket of the array, if it is the last of a tail. */
static bmap *last_of_tail(const victim *m, const gm_gen *g, void *buckets)
{
    return g != NULL && g->nbuckets > bucketShift(g->B) ? main_bucket(m, buckets, g->nbuckets - 1) : NULL;
}

SPOIL(wrong_noverflow, hmap, h, with_buckets(m), h->noverflow++)
SPOIL(free_tail_called_used, hmap, h, free_bucket(m) != NULL ? m->h : NULL, h->extra->nextOverflow = NULL)
SPOIL(free_bucket_not_zero, bmap, b, free_bucket(m), b->tophash[7] = emptyOne)

bool spoil_free_bucket_called_used(const victim *m)
{
    bmap *b = free_bucket(m);
    if (b == NULL || b == last_of_tail(m, current(m), m->h->buckets)) {
        return false;
    }
    m->h->extra->nextOverflow = add(b, m->t->bucketsize);
    return true;
}

bool spoil_free_bucket_in_a_chain(const victim *m)
{
    bmap *b = free_bucket(m);
    if (b == NULL || b == last_of_tail(m, current(m), m->h->buckets)) {
        return false;
    }
    gm_storep(overflow_slot(m, b), b);
    return true;
}

static bool lose_sentinel(const victim *m, bmap *last, const void *buckets)
{
    if (last == NULL || bmap_overflow(last, m->t) != buckets) {
        return false;
    }
    gm_storep(overflow_slot(m, last), NULL);
    return true;
}

bool spoil_sentinel_lost(const victim *m)
{
    return lose_sentinel(m, last_of_tail(m, current(m), m->h->buckets), m->h->buckets);
}

bool spoil_old_sentinel_lost(const victim *m)
{
    return m->t->bucket->ptrdata == 0 &&
           lose_sentinel(m, last_of_tail(m, old(m), m->h->oldbuckets), m->h->oldbuckets);
}

bool spoil_overflow_bucket_in_no_chain(const victim *m)
{
    gm_gen *g = current(m);
    void *bucket = g != NULL ? newobject(m->t->bucketsize, gm_block_overflow) : NULL;
    if (bucket == NULL) {
        return false;
    }
    gm_block_of(bucket)->next = g->overflow;
    g->overflow = gm_block_of(bucket);
    return true;
}
