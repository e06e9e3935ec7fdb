/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil_header.c: spoilers of the header, of generations and of iterators.
 */
#include "spoil_map.h"

/* ---- check: header --------------------------------------------------------- */

SPOIL(unknown_flag, hmap, h, with_buckets(m), set_flags(h, flags_of(h) | 0x10))
SPOIL(write_left_open, hmap, h, with_buckets(m), set_flags(h, flags_of(h) | hashWriting))
SPOIL(same_size_without_growth, hmap, h, idle(m), set_flags(h, flags_of(h) | sameSizeGrow))

static gm_gen unheld_gen, held_gen = {.cleared = true, .mapholds = true, .iters = 1},
                          uniterated_gen = {.cleared = true};
static gm_block stray_block;
static bmap stray_bucket;

SPOIL(count_without_buckets, hmap, h, without_buckets(m), h->count = 1)
SPOIL(B_without_buckets, hmap, h, without_buckets(m), h->B = 1)
SPOIL(noverflow_without_buckets, hmap, h, without_buckets(m), h->noverflow = 1)
SPOIL(nevacuate_without_buckets, hmap, h, without_buckets(m), h->nevacuate = 1)
SPOIL(oldbuckets_without_buckets, hmap, h, without_buckets(m), h->oldbuckets = newarray(m->t, 1, 0))
SPOIL(overflow_without_buckets, hmap, h, without_buckets(m), h->extra->overflow = &unheld_gen)
SPOIL(oldoverflow_without_buckets, hmap, h, without_buckets(m), h->extra->oldoverflow = &unheld_gen)
SPOIL(nextOverflow_without_buckets, hmap, h, without_buckets(m), h->extra->nextOverflow = &stray_bucket)
SPOIL(spare_without_buckets, hmap, h, without_buckets(m), h->extra->gm_spare = &stray_block)
SPOIL(generation_without_buckets, hmap, h, without_buckets(m), h->extra->gm_gens = &unheld_gen)
SPOIL(held_generation_without_buckets, hmap, h, without_buckets(m), h->extra->gm_gens = &held_gen)
SPOIL(unread_generation_without_buckets, hmap, h, without_buckets(m), h->extra->gm_gens = &uniterated_gen)
SPOIL(extra_lost, hmap, h, without_iterators(m), h->extra = NULL)
SPOIL(spare_kept, hmap, h, with_buckets(m), h->extra->gm_spare = &stray_block)

SPOIL(overflow_lost, hmap, h, with_buckets(m), h->extra->overflow = NULL)
SPOIL(generations_lost, hmap, h, with_buckets(m), h->extra->gm_gens = NULL)
SPOIL(generation_before_the_newest, gm_gen, g, current(m), g->newer = g)
SPOIL(current_generation_not_held, gm_gen, g, current(m), g->mapholds = false)
SPOIL(B_of_another_array, hmap, h, with_buckets(m), h->B++)
SPOIL(one_bucket_too_many, gm_gen, g, current(m), g->nbuckets++)
SPOIL(one_byte_too_few, gm_gen, g, current(m), g->bytes--)

SPOIL(oldoverflow_without_growth, hmap, h, idle(m), h->extra->oldoverflow = h->extra->overflow)
SPOIL(growth_without_oldoverflow, hmap, h, growing(m), h->extra->oldoverflow = NULL)
SPOIL(growth_to_one_bucket, hmap, h, with_one_bucket(m), h->oldbuckets = h->buckets;
      h->extra->oldoverflow = h->extra->overflow)
SPOIL(oldoverflow_of_another_array, hmap, h, growing(m), h->extra->oldoverflow = h->extra->overflow)
SPOIL(old_generation_not_listed, gm_gen, g, old(m), g->newer->older = NULL)
SPOIL(old_generation_not_held, gm_gen, g, old(m), g->mapholds = false)
SPOIL(doubling_called_same_size, hmap, h, doubling(m), set_flags(h, flags_of(h) | sameSizeGrow))
SPOIL(same_size_called_doubling, hmap, h, growing_to_same_size(m),
      set_flags(h, flags_of(h) & ~(unsigned)sameSizeGrow))
SPOIL(one_old_bucket_too_many, gm_gen, g, old(m), g->nbuckets++)
SPOIL(mark_at_the_end, hmap, h, growing(m), h->nevacuate = hmap_noldbuckets(h))
SPOIL(mark_too_low, hmap, h, with_mark(m), h->nevacuate--)
SPOIL(mark_without_growth, hmap, h, idle(m), h->nevacuate = bucketShift(h->B) + 1)
SPOIL(count_below_zero, hmap, h, with_buckets(m), h->count = -1)
SPOIL(count_above_load, hmap, h, with_buckets(m), h->count = (intptr_t)(16 * bucketShift(h->B) + 16))

bool spoil_mark_too_high(const victim *m)
{
    hmap *h = m->h;
    for (uintptr_t n = h->nevacuate + 1; hmap_growing(h) && n < hmap_noldbuckets(h); n++) {
        if (!evacuated(main_bucket(m, h->oldbuckets, n))) {
            h->nevacuate = n;
            return true;
        }
    }
    return false;
}

SPOIL(tail_before_the_array, gm_gen, g, current(m), m->h->extra->nextOverflow = (bmap *)g)
SPOIL(tail_behind_the_array, gm_gen, g, current(m), m->h->extra->nextOverflow = add(m->h->buckets, g->bytes))
SPOIL(tail_between_two_buckets, hmap, h, with_buckets(m), h->extra->nextOverflow = add(h->buckets, 1))
SPOIL(tail_in_the_main_buckets, hmap, h, with_buckets(m), h->extra->nextOverflow = h->buckets)

/* ---- check: generations ----------------------------------------------------- */

SPOIL(old_generation_without_a_newer_one, gm_gen, g, old(m), g->newer = NULL)

/* A generation of its own behind the oldest, with as many buckets or twice as
 * many, where that means no tail. */
static gm_gen *one_more_generation(const victim *m, bool twice)
{
    gm_gen *last = current(m);
    while (last != NULL && last->older != NULL) {
        last = last->older;
    }
    unsigned B = last != NULL ? last->B + twice : 0;
    void *array = last != NULL && B < 4 ? newarray(m->t, (intptr_t)1 << B, (uint8_t)B) : NULL;
    if (array == NULL) {
        return NULL;
    }
    last->older = gm_gen_of(array);
    last->older->newer = last;
    return last->older;
}

SPOIL(older_and_larger, gm_gen, g, one_more_generation(m, true), (void)g)
SPOIL(generation_that_nobody_holds, gm_gen, g, one_more_generation(m, false), (void)g)
SPOIL(generation_held_for_nothing, gm_gen, g, one_more_generation(m, false), g->mapholds = true)
SPOIL(one_bucket_too_many_in_a_past_array, gm_gen, g, one_more_generation(m, false), g->nbuckets++)

bool spoil_parked_without_iterators(const victim *m)
{
    gm_gen *g = current(m);
    void *block = g != NULL && g->iters == 0 ? newobject(8, gm_block_key) : NULL;
    if (block == NULL) {
        return false;
    }
    g->parked = gm_block_of(block);
    g->parked->state = gm_block_parked;
    return true;
}

static gm_block *overflow_block(const victim *m)
{
    return current(m) != NULL ? current(m)->overflow : NULL;
}

static gm_block *parked_block(const victim *m)
{
    return current(m) != NULL ? current(m)->parked : NULL;
}

SPOIL(overflow_bucket_called_a_key, gm_block, blk, overflow_block(m), blk->kind = gm_block_key)
SPOIL(overflow_bucket_called_parked, gm_block, blk, overflow_block(m), blk->state = gm_block_parked)
SPOIL(overflow_bucket_too_small, gm_block, blk, overflow_block(m), blk->size--)
SPOIL(overflow_bucket_marked_as_listed, gm_block, blk, overflow_block(m), blk->mark = 1)
SPOIL(parked_block_of_no_kind, gm_block, blk, parked_block(m), blk->kind = 0)
SPOIL(parked_block_of_an_unknown_kind, gm_block, blk, parked_block(m), blk->kind = 9)
SPOIL(parked_block_called_live, gm_block, blk, parked_block(m), blk->state = gm_block_live)
SPOIL(parked_block_marked_as_listed, gm_block, blk, parked_block(m), blk->mark = 1)
SPOIL(overflow_bucket_listed_again, gm_block, blk, overflow_block(m), blk->next = blk)
SPOIL(parked_block_listed_again, gm_block, blk, parked_block(m), blk->next = blk)

/* ---- check: iterators ------------------------------------------------------- */

SPOIL(iterator_holds_nothing, hiter, it, iterator_of(m), it->overflow = NULL)
SPOIL(iterator_holds_what_is_not_there, hiter, it, iterator_of(m), it->oldoverflow = &unheld_gen)
SPOIL(one_hold_too_many, hiter, it, iterator_of(m), it->overflow->iters++)
SPOIL(iterator_of_another_array, hiter, it, iterator_of(m), it->buckets = add(it->buckets, m->t->bucketsize))
SPOIL(iterator_of_another_B, hiter, it, iterator_of(m), it->B++)
SPOIL(iterator_began_behind_the_end, hiter, it, iterator_of(m), it->startBucket = bucketShift(it->B))
SPOIL(iterator_behind_the_end, hiter, it, iterator_of(m), it->bucket = bucketShift(it->B))
SPOIL(iterator_from_a_ninth_slot, hiter, it, iterator_of(m), it->offset = bucketCnt)
SPOIL(iterator_before_the_first_slot, hiter, it, iterator_of(m), it->i = 0)
SPOIL(iterator_behind_the_last_slot, hiter, it, iterator_of(m), it->i = bucketCnt + 1)
SPOIL(iterator_for_no_bucket, hiter, it, iterator_of(m), it->checkBucket = bucketShift(it->B))
SPOIL(iterator_nowhere, hiter, it, iterator_of(m), it->bptr = NULL)
SPOIL(iterator_between_two_buckets, hiter, it, iterator_of(m), it->bptr = add(it->buckets, 1))
SPOIL(iterator_outside_the_map, hiter, it, iterator_of(m), it->bptr = &stray_bucket)

bool spoil_iterator_in_a_parked_elem(const victim *m)
{
    hiter *it = iterator_of(m);
    for (gm_block *blk = it != NULL ? it->overflow->parked : NULL; blk != NULL; blk = blk->next) {
        if (blk->kind == gm_block_elem) {
            it->bptr = add(blk, gm_blockHeader);
            return true;
        }
    }
    return false;
}

/* The iterator's bucket, if it is in an array that the map has let go of. */
static bmap *left_behind(const victim *m)
{
    const hiter *it = iterator_of(m);
    bool map_holds = it == NULL || it->overflow->mapholds;
    return map_holds || it->oldoverflow != NULL ? NULL : it->bptr;
}

/* Lets what an entry left behind in that bucket lead to this block. */
static bool lead_stale_to(const victim *m, bool key, gm_block_state state, uint32_t size)
{
    static struct {
        gm_block block;
        unsigned char memory[2048];
    } stray;
    bmap *b = left_behind(m);
    if (b == NULL || !(key ? maptype_indirectkey(m->t) : maptype_indirectelem(m->t))) {
        return false;
    }
    for (unsigned i = 0; i < bucketCnt; i++) {
        if (b->tophash[i] == evacuatedX || b->tophash[i] == evacuatedY) {
            gm_block_kind kind = key ? gm_block_key : gm_block_elem;
            stray.block = (gm_block){.kind = (uint8_t)kind, .state = (uint8_t)state, .size = size};
            gm_storep(key ? key_slot(m, b, i) : elem_slot(m, b, i), add(&stray, gm_blockHeader));
            return true;
        }
    }
    return false;
}

bool spoil_stale_key_freed(const victim *m)
{
    return lead_stale_to(m, true, 0, (uint32_t)m->t->key->size);
}

bool spoil_stale_elem_freed(const victim *m)
{
    return lead_stale_to(m, false, 0, (uint32_t)m->t->elem->size);
}

bool spoil_stale_elem_of_another_size(const victim *m)
{
    return lead_stale_to(m, false, gm_block_live, 1);
}

bool spoil_stale_key_is_an_elem(const victim *m)
{
    bmap *b = left_behind(m);
    if (b == NULL || !maptype_indirectkey(m->t) || !maptype_indirectelem(m->t) || !evacuated(b)) {
        return false;
    }
    gm_storep(key_slot(m, b, 0), gm_loadp(elem_slot(m, b, 0)));
    return true;
}

SPOIL(chain_left_behind_goes_on_in_the_map, bmap, b, left_behind(m),
      gm_storep(overflow_slot(m, b), m->h->buckets))

static bool lose_flag(const victim *m, const gm_gen *where, unsigned flag)
{
    hiter *it = iterator_of(m);
    if (it == NULL || it->overflow != where) {
        return false;
    }
    set_flags(m->h, flags_of(m->h) & ~flag);
    return true;
}

bool spoil_iterator_flag_lost(const victim *m)
{
    return lose_flag(m, current(m), iterator);
}

bool spoil_old_iterator_flag_lost(const victim *m)
{
    return lose_flag(m, old(m), oldIterator);
}
