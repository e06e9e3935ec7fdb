/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_check.c: can the checker see?  Sound maps are broken in one place at a
 * time; it must name the right rule, and be content again after the repair.
 *
 * Every rule of check.c's list is broken here, except checker-memory.
 */
#include "one_map.h"

/* ---- types ------------------------------------------------------------ */

/* A key of eight bytes that counts as holding pointers. */
static const rtype t_handle = {.size = 8,
                               .ptrdata = PtrSize,
                               .align = PtrSize,
                               .kind = kindUnsafePointer,
                               .regularMemory = true,
                               .equal = memequal,
                               .name = "main.handle"};

/* ---- the map under test ----------------------------------------------- */

static hiter it;

/* Keys are small, so each is its own hash. */
static void start(const rtype *key, const rtype *elem, intptr_t hint)
{
    gm_rand_seed(1);
    begin(key, elem, hint);
}

static void end(void)
{
    gm_iter_end(&it);
    END();
}

static void put_all(int64_t from, int64_t to, int64_t step)
{
    for (int64_t k = from; k <= to; k += step) {
        test_key key = key_of(k);
        void *e = mapassign(&t, h, key.bytes);
        CHECK(e != NULL);
        memset(e, 0x11, t.elem->size);
    }
}

static void del_all(int64_t from, int64_t to, int64_t step)
{
    for (int64_t k = from; k <= to; k += step) {
        del(&t, h, k);
    }
}

static void *overflow_slot(bmap *b)
{
    return add(b, (uintptr_t)t.bucketsize - PtrSize);
}

/* ---- verdicts --------------------------------------------------------- */

static gm_check_result result;

static bool whole(void)
{
    hiter *its[] = {NULL, &it};
    bool sound = gm_check(&t, h, its, 2, &result);
    CHECK(sound == (result.rule == NULL));
    return sound;
}

static void sound(int line)
{
    bool ok = whole();
    for (uintptr_t hash = 0; ok && hash < 64; hash++) {
        ok = gm_check_at(&t, h, hash, &result);
    }
    if (!ok) {
        fprintf(stderr, "%s:%d: a sound map is said to break %s: %s\n", __FILE__, line, result.rule,
                result.detail);
        exit(1);
    }
}

#define STILL_SOUND() sound(__LINE__)

static void named(int line, const char *rule, const char *who)
{
    if (result.rule == NULL || strcmp(result.rule, rule) != 0) {
        fprintf(stderr, "%s:%d: %s should name %s and says %s: %s\n", __FILE__, line, who, rule,
                result.rule == NULL ? "nothing" : result.rule, result.detail);
        exit(1);
    }
    CHECK(strlen(result.detail) > 0);
}

/* What gm_check_at must say around the given hash. */
typedef enum local { local_too, local_blind } local;

/* Puts n bytes of `what` at `where`, looks for the rule, and puts back what was
 * there. */
static void breaks(int line, const char *rule, local l, uintptr_t hash, void *where, const void *what,
                   size_t n)
{
    unsigned char before[64];
    CHECK(n <= sizeof before);
    sound(line);
    memcpy(before, where, n);
    memcpy(where, what, n);
    gm_rand state = gm_rand_state();
    whole();
    named(line, rule, "gm_check");
    bool local_sound = gm_check_at(&t, h, hash, &result);
    CHECK(local_sound == (l == local_blind));
    if (l == local_too) {
        named(line, rule, "gm_check_at");
    }
    gm_rand after = gm_rand_state();
    CHECK(memcmp(&state, &after, sizeof state) == 0);
    memcpy(where, before, n);
    sound(line);
}

#define BREAKS(rule, l, hash, where, type, value)                                                            \
    breaks(__LINE__, rule, l, hash, where, (const type[]){value}, sizeof(type))
typedef void *pointer;

/* ---- maps to break ---------------------------------------------------- */

/* Old buckets 0 and 2 of 4 are evacuated, the mark is at 1. */
static void begin_doubling(const rtype *key, const rtype *elem)
{
    start(key, elem, 20);
    put_all(0, 25, 1);
    STILL_SOUND();
    put_all(26, 26, 1);
    CHECK(hmap_growing(h) && !hmap_sameSizeGrow(h) && h->B == 3 && h->nevacuate == 1);
    STILL_SOUND();
}

/* Four sparse chains; old buckets 0 and 3 of 4 are evacuated. */
static void begin_same_size(const rtype *key, const rtype *elem)
{
    start(key, elem, 20);
    for (int64_t b = 0; b < 4; b++) {
        put_all(b, b + 32, 4);
        del_all(b + 4, b + 32, 4);
    }
    STILL_SOUND();
    put_all(7, 7, 4);
    CHECK(hmap_growing(h) && hmap_sameSizeGrow(h) && h->B == 2 && h->nevacuate == 1);
    STILL_SOUND();
}

/* ---- header ----------------------------------------------------------- */

static void test_nil_and_empty(void)
{
    start(&t_int64, &t_int64, 0);
    CHECK(gm_check(&t, NULL, NULL, 0, &result) && result.rule == NULL);
    CHECK(gm_check_at(&t, NULL, 0, &result) && result.rule == NULL);
    BREAKS("buckets-exist", local_too, 0, &h->count, intptr_t, 1);
    BREAKS("buckets-exist", local_too, 0, &h->B, uint8_t, 1);
    BREAKS("buckets-exist", local_too, 0, &h->noverflow, uint16_t, 1);
    BREAKS("buckets-exist", local_too, 0, &h->nevacuate, uintptr_t, 1);
    BREAKS("buckets-exist", local_too, 0, &h->oldbuckets, pointer, h);
    BREAKS("buckets-exist", local_too, 0, &h->extra->nextOverflow, pointer, h);
    BREAKS("buckets-exist", local_too, 0, &h->extra->overflow, pointer, h);
    BREAKS("buckets-exist", local_too, 0, &h->extra->oldoverflow, pointer, h);
    BREAKS("buckets-exist", local_too, 0, &h->extra->gm_spare, pointer, h);
    /* Without buckets there are only generations that were cleared under an iterator. */
    static gm_gen gen;
    BREAKS("buckets-exist", local_too, 0, &h->extra->gm_gens, pointer, &gen);
    gen = (gm_gen){.cleared = true, .mapholds = true, .iters = 1};
    BREAKS("buckets-exist", local_too, 0, &h->extra->gm_gens, pointer, &gen);
    gen = (gm_gen){.cleared = true};
    BREAKS("buckets-exist", local_too, 0, &h->extra->gm_gens, pointer, &gen);
    BREAKS("flags", local_too, 0, &h->flags, uint8_t, hashWriting);
    end();

    /* An hmap of the caller's has no extra before it has buckets. */
    static hmap own;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    h = makemap(&t, 0, &own);
    CHECK(h == &own && h->extra == NULL);
    STILL_SOUND();
    put_all(1, 1, 1);
    STILL_SOUND();
    end();
}

//= SPEC.md#S-BUCKET-2 type=test
//# flags MUST hold iterator (1), oldIterator (2), hashWriting (4) and sameSizeGrow (8), and no other bit.
static void test_map_header(void)
{
    start(&t_int64, &t_int64, 0);
    put_all(1, 3, 1);
    gm_gen *g = h->extra->overflow;
    BREAKS("flags", local_too, 0, &h->flags, uint8_t, hashWriting);
    BREAKS("flags", local_too, 0, &h->flags, uint8_t, 0x10);
    BREAKS("flags", local_too, 0, &h->flags, uint8_t, sameSizeGrow);
    BREAKS("buckets-exist", local_too, 0, &h->extra, pointer, NULL);
    BREAKS("spare-returned", local_too, 0, &h->extra->gm_spare, pointer, h);
    BREAKS("generation-current", local_too, 0, &h->extra->overflow, pointer, NULL);
    BREAKS("generation-current", local_too, 0, &h->extra->gm_gens, pointer, NULL);
    BREAKS("generation-current", local_too, 0, &g->mapholds, bool, false);
    BREAKS("generation-current", local_too, 0, &g->newer, pointer, g);
    BREAKS("generation-current", local_too, 0, &h->B, uint8_t, 1);
    BREAKS("generation-size", local_too, 0, &g->nbuckets, uintptr_t, 2);
    BREAKS("generation-size", local_too, 0, &g->bytes, uintptr_t, g->bytes - 1);
    BREAKS("growing-fields", local_too, 0, &h->extra->oldoverflow, pointer, g);
    BREAKS("nevacuate-range", local_too, 0, &h->nevacuate, uintptr_t, 2);
    BREAKS("load", local_too, 0, &h->count, intptr_t, 10);
    BREAKS("load", local_too, 0, &h->count, intptr_t, -1);
    BREAKS("prealloc-next", local_too, 0, &h->extra->nextOverflow, pointer, h->buckets);
    BREAKS("prealloc-next", local_too, 0, &h->extra->nextOverflow, pointer, g);
    BREAKS("prealloc-next", local_too, 0, &h->extra->nextOverflow, pointer, add(h->buckets, g->bytes));
    BREAKS("count-exact", local_blind, 0, &h->count, intptr_t, 4);
    BREAKS("count-exact", local_blind, 0, &h->count, intptr_t, 2);
    BREAKS("noverflow-exact", local_blind, 0, &h->noverflow, uint16_t, 1);
    end();
}

static void test_growing_fields(void)
{
    begin_doubling(&t_int64, &t_int64);
    gm_gen *g = h->extra->overflow, *old = h->extra->oldoverflow;
    BREAKS("flags", local_too, 0, &h->flags, uint8_t, 0x10);
    BREAKS("growing-fields", local_too, 0, &g->older, pointer, NULL);
    BREAKS("growing-fields", local_too, 0, &h->extra->oldoverflow, pointer, NULL);
    BREAKS("growing-fields", local_too, 0, &h->extra->oldoverflow, pointer, g);
    BREAKS("growing-fields", local_too, 0, &old->mapholds, bool, false);
    BREAKS("growing-fields", local_too, 0, &old->B, uint8_t, 3);
    BREAKS("growing-fields", local_too, 0, &h->flags, uint8_t, sameSizeGrow);
    BREAKS("generation-size", local_too, 0, &old->nbuckets, uintptr_t, 5);
    BREAKS("nevacuate-range", local_too, 0, &h->nevacuate, uintptr_t, 4);
    BREAKS("nevacuate-next", local_too, 0, &h->nevacuate, uintptr_t, 2);
    BREAKS("nevacuate-prefix", local_too, 1, &h->nevacuate, uintptr_t, 3);
    BREAKS("load", local_too, 0, &h->count, intptr_t, 53);
    BREAKS("generation-list", local_blind, 0, &old->newer, pointer, NULL);
    end();

    /* Same size: entries come in while it goes on, beyond the load limit. */
    start(&t_int64, &t_int64, 9);
    put_all(1, 3, 1);
    BREAKS("count-exact", local_blind, 0, &h->count, intptr_t, 15);
    BREAKS("load", local_too, 0, &h->count, intptr_t, 16);
    end();

    /* No doubling leads to a single bucket. */
    start(&t_int64, &t_int64, 0);
    put_all(1, 3, 1);
    h->oldbuckets = h->buckets;
    h->extra->oldoverflow = h->extra->overflow;
    CHECK(!whole());
    named(__LINE__, "growing-fields", "gm_check");
    h->oldbuckets = NULL;
    h->extra->oldoverflow = NULL;
    STILL_SOUND();
    end();
}

/* The scan that moves the mark looks at 1024 buckets at most; what lies behind
 * a mark beyond them need not wait for evacuation. */
static void test_far_mark(void)
{
    start(&t_int64, &t_int64, 13312);
    put_all(0, 13312, 1);
    CHECK(hmap_growing(h) && h->B == 12);
    while (h->nevacuate <= 1024) {
        put_all(0, 0, 1); /* its bucket is done: the mark alone moves on */
    }
    CHECK(hmap_growing(h));
    STILL_SOUND();
    end();
}

/* ---- chains ----------------------------------------------------------- */

//= SPEC.md#S-BUCKET-8 type=test
//# A chain MUST go from a main bucket over overflow pointers to a bucket whose overflow pointer is nil,
//# through overflow buckets of its own array that are in no other chain.
//= SPEC.md#S-OVERFLOW-3 type=test
//# Without a tail an overflow bucket MUST be new, and zero.
static void test_heap_chains(void)
{
    start(&t_int64, &t_int64, 20);
    put_all(0, 64, 4); /* bucket 0 and two overflow buckets */
    put_all(1, 33, 4); /* bucket 1 and one */
    CHECK(h->B == 2 && h->noverflow == 3);
    bmap *b0 = bucket_at(&t, h->buckets, 0), *b1 = bucket_at(&t, h->buckets, 1);
    bmap *o1 = bmap_overflow(b0, &t), *o2 = bmap_overflow(o1, &t);
    BREAKS("chain-in-generation", local_too, 0, overflow_slot(o2), pointer, b1);
    BREAKS("chain-in-generation", local_too, 0, overflow_slot(o2), pointer, add(b1, 8));
    BREAKS("chain-not-cyclic", local_too, 0, overflow_slot(o2), pointer, o1);
    BREAKS("chain-not-cyclic", local_too, 0, overflow_slot(o2), pointer, o2);
    BREAKS("chain-not-shared", local_blind, 0, overflow_slot(b1), pointer, o1);
    BREAKS("overflow-linked", local_blind, 0, overflow_slot(b1), pointer, NULL);
    BREAKS("overflow-list", local_blind, 0, &gm_block_of(o2)->next, pointer, gm_block_of(o2));
    BREAKS("overflow-list", local_blind, 2, &gm_block_of(o1)->kind, uint8_t, gm_block_key);
    BREAKS("overflow-list", local_blind, 2, &gm_block_of(o1)->state, uint8_t, gm_block_parked);
    BREAKS("overflow-list", local_blind, 2, &gm_block_of(o1)->size, uint32_t, 8);
    BREAKS("nevacuate-range", local_too, 0, &h->nevacuate, uintptr_t, 3);
    /* Without the lists, a chain still has to go on at an overflow bucket. */
    gm_block *blk = gm_block_of(o1);
    const gm_block was = *blk;
    for (int i = 0; i < 3; i++) {
        blk->kind = i == 0 ? gm_block_key : was.kind;
        blk->state = i == 1 ? gm_block_parked : was.state;
        blk->size = i == 2 ? 8 : was.size;
        CHECK_ROW(i, !gm_check_at(&t, h, 0, &result));
        named(__LINE__, "chain-in-generation", "gm_check_at");
    }
    *blk = was;
    end();

    /* A list that leads back, and an iterator that is looked for behind that. */
    start(&t_int64, &t_int64, 20);
    put_all(0, 64, 4);
    mapiterinit(&t, h, &it);
    gm_block *newest = h->extra->overflow->overflow;
    CHECK(newest->next != NULL && newest->next->next == NULL);
    it.bptr = add(newest->next, gm_blockHeader);
    BREAKS("overflow-list", local_blind, 0, &newest->next, pointer, newest);
    end();

    /* A bucket of the old generation in a chain of the new one.  Looking at
     * that chain alone does not tell where it came from. */
    begin_same_size(&t_int64, &t_int64);
    void *foreign = add(h->extra->oldoverflow->overflow, gm_blockHeader);
    void *slot = overflow_slot(bucket_at(&t, h->buckets, 3));
    CHECK(gm_loadp(slot) == NULL);
    gm_storep(slot, foreign);
    CHECK(!whole());
    named(__LINE__, "chain-in-generation", "gm_check");
    gm_storep(slot, NULL);
    STILL_SOUND();
    end();
}

static void test_tails(void)
{
    start(&t_int64, &t_int64, 100);
    put_all(1, 3, 1);
    gm_gen *g = h->extra->overflow;
    bmap *tail = bucket_at(&t, h->buckets, 16), *last = bucket_at(&t, h->buckets, g->nbuckets - 1);
    CHECK(g->nbuckets >= 18);
    BREAKS("prealloc-next", local_too, 0, &h->extra->nextOverflow, pointer, bucket_at(&t, h->buckets, 15));
    BREAKS("prealloc-next", local_too, 0, &h->extra->nextOverflow, pointer, add(tail, 1));
    BREAKS("prealloc-linked", local_blind, 0, &h->extra->nextOverflow, pointer,
           bucket_at(&t, h->buckets, 17));
    BREAKS("prealloc-sentinel", local_blind, 0, &h->extra->nextOverflow, pointer, NULL);
    BREAKS("prealloc-sentinel", local_blind, 0, overflow_slot(last), pointer, NULL);
    BREAKS("prealloc-free-is-free", local_blind, 0, key_slot(&t, tail, 3), uint8_t, 1);
    BREAKS("prealloc-free-is-free", local_blind, 0, &tail->tophash[7], uint8_t, 1);
    BREAKS("prealloc-free-is-free", local_blind, 0, key_slot(&t, last, 0), uint8_t, 1);
    BREAKS("prealloc-sentinel", local_blind, 0, overflow_slot(last), pointer, tail);
    BREAKS("prealloc-free-is-free", local_blind, 0, overflow_slot(tail), pointer, last);
    /* A chain into the free part. */
    BREAKS("chain-in-generation", local_too, 1, overflow_slot(bucket_at(&t, h->buckets, 1)), pointer, tail);

    put_all(0, 8 * 16, 16);
    CHECK(bmap_overflow(bucket_at(&t, h->buckets, 0), &t) == tail);
    BREAKS("prealloc-linked", local_blind, 1, overflow_slot(bucket_at(&t, h->buckets, 0)), pointer, NULL);
    BREAKS("chain-not-shared", local_blind, 0, overflow_slot(bucket_at(&t, h->buckets, 1)), pointer, tail);
    BREAKS("chain-not-cyclic", local_too, 0, overflow_slot(tail), pointer, tail);

    /* The same tail, grown old. */
    put_all(200, 290, 1);
    CHECK(!hmap_growing(h));
    put_all(300, 305, 1);
    CHECK(hmap_growing(h) && h->B == 5);
    bmap *oldlast = bucket_at(&t, h->oldbuckets, g->nbuckets - 1);
    STILL_SOUND();
    BREAKS("prealloc-free-is-free", local_blind, 0, key_slot(&t, oldlast, 0), uint8_t, 1);
    BREAKS("prealloc-sentinel", local_blind, 0, overflow_slot(oldlast), pointer, NULL);
    end();
}

//= SPEC.md#S-TOPHASH-5 type=test
//# Either all slots of a chain MUST be in an evacuated state or none, and none in the current array.
//= SPEC.md#S-EVACUATE-18 type=test
//# Nothing MUST be stored in a new bucket before the old bucket that fills it is evacuated.
static void test_evacuation(void)
{
    begin_doubling(&t_int64, &t_int64);
    bmap *done = bucket_at(&t, h->oldbuckets, 0), *waiting = bucket_at(&t, h->oldbuckets, 1);
    BREAKS("destination-empty", local_too, 1, key_slot(&t, bucket_at(&t, h->buckets, 1), 0), uint8_t, 1);
    BREAKS("destination-empty", local_too, 1, key_slot(&t, bucket_at(&t, h->buckets, 5), 7), uint8_t, 1);
    BREAKS("evacuated-all-or-none", local_too, 0, &done->tophash[5], uint8_t, minTopHash);
    BREAKS("evacuated-all-or-none", local_too, 0, &done->tophash[7], uint8_t, emptyRest);
    BREAKS("evacuated-all-or-none", local_too, 1, &waiting->tophash[3], uint8_t, evacuatedX);
    BREAKS("tophash-of-hash", local_too, 1, &waiting->tophash[2], uint8_t, minTopHash + 1);
    /* What a key of another bucket has touched: the other half of its old bucket, and the one at the mark. */
    BREAKS("emptyRest-is-rest", local_too, 0, &bucket_at(&t, h->buckets, 4)->tophash[7], uint8_t, emptyOne);
    BREAKS("evacuated-all-or-none", local_too, 1, &done->tophash[5], uint8_t, minTopHash);
    BREAKS("evacuated-all-or-none", local_too, 0, &bucket_at(&t, h->buckets, 0)->tophash[1], uint8_t,
           evacuatedY);
    BREAKS("evacuated-in-current", local_too, 0, &bucket_at(&t, h->buckets, 0)->tophash[0], uint8_t,
           evacuatedX);
    end();

    begin_same_size(&t_int64, &t_int64);
    done = bucket_at(&t, h->oldbuckets, 0);
    BREAKS("evacuated-side", local_too, 0, &done->tophash[0], uint8_t, evacuatedY);
    BREAKS("destination-empty", local_too, 1, key_slot(&t, bucket_at(&t, h->buckets, 1), 7), uint8_t, 1);
    BREAKS("bucket-of-hash", local_too, 1, key_slot(&t, bucket_at(&t, h->oldbuckets, 1), 0), int64_t, 2);
    end();

    /* With pointers in the buckets, evacuation wipes and cuts the chains off. */
    begin_same_size(&t_handle, &t_int64);
    done = bucket_at(&t, h->oldbuckets, 0);
    CHECK(bmap_overflow(done, &t) == NULL);
    BREAKS("evacuated-wiped", local_too, 0, key_slot(&t, done, 0), uint8_t, 1);
    BREAKS("evacuated-wiped", local_too, 0, elem_slot(&t, done, 7), uint8_t, 1);
    end();

    /* Unless an iterator is there. */
    start(&t_handle, &t_int64, 20);
    put_all(0, 25, 1);
    mapiterinit(&t, h, &it);
    put_all(26, 26, 1);
    CHECK(hmap_growing(h));
    STILL_SOUND();
    end();
}

/* ---- slots ------------------------------------------------------------ */

static void test_slots(void)
{
    start(&t_int64, &t_int64, 20);
    put_all(1, 9, 4);
    bmap *b = bucket_at(&t, h->buckets, 1);
    BREAKS("emptyRest-is-rest", local_too, 1, &b->tophash[5], uint8_t, minTopHash);
    BREAKS("emptyRest-is-rest", local_too, 1, &b->tophash[7], uint8_t, emptyOne);
    BREAKS("emptyOne-not-last", local_too, 1, &b->tophash[3], uint8_t, emptyOne);
    BREAKS("fresh-slot-zero", local_too, 1, elem_slot(&t, b, 3), uint8_t, 1);
    BREAKS("fresh-slot-zero", local_too, 1, &b->tophash[2], uint8_t, emptyRest);
    /* Nothing moves while the map does not grow: only the key asked about is hashed, and met or not. */
    BREAKS("tophash-of-hash", local_blind, 1, &b->tophash[2], uint8_t, minTopHash + 1);
    CHECK(gm_check_at(&t, h, 5, &result) && result.met == 1);
    b->tophash[1]++;
    CHECK(gm_check_at(&t, h, 5, &result) && result.met == 0);
    b->tophash[1]--;
    BREAKS("bucket-of-hash", local_too, 1, key_slot(&t, b, 1), int64_t, 6);
    BREAKS("key-unique", local_blind, 1, key_slot(&t, b, 2), int64_t, 1);
    /* A stale key without pointers is nothing bad. */
    memset(key_slot(&t, b, 3), 7, 8);
    STILL_SOUND();
    end();

    /* A hole at the very end of a chain. */
    start(&t_int64, &t_int64, 0);
    put_all(1, 8, 1);
    b = h->buckets;
    memset(elem_slot(&t, b, 7), 0, 8);
    BREAKS("emptyOne-not-last", local_too, 0, &b->tophash[7], uint8_t, emptyOne);
    /* And one in the middle, which is none. */
    del_all(4, 4, 1);
    CHECK(b->tophash[3] == emptyOne);
    STILL_SOUND();
    end();

    start(&t_handle, &t_int64, 0);
    put_all(1, 3, 1);
    BREAKS("fresh-slot-zero", local_too, 0, key_slot(&t, h->buckets, 5), uint8_t, 1);
    end();
}

static void test_indirect(void)
{
    start(&t_bytes136, &t_bytes136, 0);
    put_all(1, 3, 1);
    bmap *b = h->buckets;
    void *key = gm_loadp(key_slot(&t, b, 0)), *elem = gm_loadp(elem_slot(&t, b, 0));
    gm_block *kb = gm_block_of(key), *eb = gm_block_of(elem);
    BREAKS("indirect-live", local_too, 0, key_slot(&t, b, 0), pointer, NULL);
    BREAKS("indirect-live", local_too, 0, elem_slot(&t, b, 0), pointer, NULL);
    BREAKS("indirect-live", local_too, 0, key_slot(&t, b, 0), pointer, elem);
    BREAKS("indirect-live", local_too, 0, &kb->state, uint8_t, gm_block_parked);
    BREAKS("indirect-live", local_too, 0, &eb->state, uint8_t, 0);
    BREAKS("indirect-live", local_too, 0, &kb->kind, uint8_t, gm_block_elem);
    BREAKS("indirect-live", local_too, 0, &eb->size, uint32_t, 135);
    BREAKS("indirect-unique", local_blind, 0, elem_slot(&t, b, 1), pointer, elem);
    end();

    begin_doubling(&t_int64, &t_bytes136);
    b = bucket_at(&t, h->oldbuckets, 1);
    BREAKS("indirect-unique", local_blind, 1, elem_slot(&t, b, 1), pointer, gm_loadp(elem_slot(&t, b, 0)));
    end();
}

/* ---- generations and iterators ---------------------------------------- */

//= SPEC.md#S-MEMORY-5 type=test
//# The list of generations MUST have each generation of the map once, newest first.
static void test_generations(void)
{
    start(&t_int64, &t_int64, 0);
    put_all(1, 8, 1);
    mapiterinit(&t, h, &it);
    gm_gen *g = h->extra->overflow;
    STILL_SOUND();
    CHECK(!gm_check(&t, h, NULL, 0, &result)); /* there is one that nobody owns up to */
    named(__LINE__, "iterator-holds", "gm_check");
    BREAKS("iterator-holds", local_blind, 0, &g->iters, uint32_t, 2);
    BREAKS("iterator-holds", local_blind, 0, &it.overflow, pointer, NULL);
    BREAKS("iterator-holds", local_blind, 0, &it.oldoverflow, pointer, g);
    BREAKS("iterator-flag", local_blind, 0, &h->flags, uint8_t, oldIterator);
    BREAKS("iterator-position", local_blind, 0, &it.buckets, pointer, h);
    BREAKS("iterator-position", local_blind, 0, &it.B, uint8_t, 1);
    BREAKS("iterator-position", local_blind, 0, &it.startBucket, uintptr_t, 1);
    BREAKS("iterator-position", local_blind, 0, &it.bucket, uintptr_t, 1);
    BREAKS("iterator-position", local_blind, 0, &it.checkBucket, uintptr_t, 1);
    BREAKS("iterator-position", local_blind, 0, &it.offset, uint8_t, 8);
    BREAKS("iterator-position", local_blind, 0, &it.i, uint8_t, 0);
    BREAKS("iterator-position", local_blind, 0, &it.i, uint8_t, 9);
    BREAKS("iterator-position", local_blind, 0, &it.bptr, pointer, NULL);
    BREAKS("iterator-position", local_blind, 0, &it.bptr, pointer, add(h->buckets, 1));

    /* Two growths later the iterator alone holds its array. */
    put_all(9, 30, 1);
    STILL_SOUND();
    g = it.overflow;
    CHECK(g != h->extra->overflow && g != h->extra->oldoverflow);
    BREAKS("generation-holders", local_blind, 0, &g->mapholds, bool, true);
    BREAKS("generation-holders", local_blind, 0, &g->iters, uint32_t, 0);
    BREAKS("generation-size", local_blind, 0, &g->nbuckets, uintptr_t, 2);
    BREAKS("generation-list", local_blind, 0, &g->newer, pointer, NULL);
    end();

    /* The same with two complete growths: no array is larger than a newer one, unless it was cleared. */
    start(&t_int64, &t_int64, 0);
    put_all(1, 8, 1);
    mapiterinit(&t, h, &it);
    put_all(9, 18, 1);
    g = it.overflow;
    CHECK(!hmap_growing(h) && h->B == 2 && g->B == 0 && g->newer->B == 2);
    const gm_gen was = *g;
    g->B = 3;
    g->nbuckets = 8;
    g->bytes = 8 * (uintptr_t)t.bucketsize;
    CHECK(!whole());
    named(__LINE__, "generation-list", "gm_check");
    g->cleared = true;
    CHECK(!whole());
    named(__LINE__, "iterator-position", "gm_check");
    *g = was;
    BREAKS("iterator-holds", local_blind, 0, &it.oldoverflow, pointer, h);
    end();

    /* An iterator whose array is the old one now. */
    start(&t_int64, &t_int64, 20);
    put_all(0, 25, 1);
    mapiterinit(&t, h, &it);
    put_all(26, 26, 1);
    CHECK(it.overflow == h->extra->oldoverflow);
    BREAKS("iterator-flag", local_blind, 0, &h->flags, uint8_t, 0);
    end();
}

static void test_parked(void)
{
    start(&t_int64, &t_bytes136, 20);
    put_all(0, 64, 4);
    mapiterinit(&t, h, &it);
    mapclear(&t, h);
    put_all(1, 3, 1);
    gm_gen *g = h->extra->overflow;
    CHECK(g->parked != NULL);
    STILL_SOUND();
    gm_block *blk = g->parked;
    BREAKS("parked-list", local_blind, 0, &blk->state, uint8_t, gm_block_live);
    BREAKS("parked-list", local_blind, 0, &blk->kind, uint8_t, 9);
    BREAKS("parked-list", local_blind, 0, &blk->kind, uint8_t, 0);
    for (gm_block *b = g->parked; b != NULL; b = b->next) {
        if (b->kind == gm_block_elem) { /* not a place to stand in */
            BREAKS("iterator-position", local_blind, 0, &it.bptr, pointer, add(b, gm_blockHeader));
        }
    }
    BREAKS("parked-list", local_blind, 0, &blk->next, pointer, blk);
    BREAKS("parked-needs-iterator", local_blind, 0, &g->iters, uint32_t, 0);
    end();
}

/* What an iterator can still read of an old bucket, after its entries have moved
 * and gone: the slots as they were, and the memory behind them. */
//= SPEC.md#S-MEMORY-8 type=test
//# What leaves the map while an iteration can still read it MUST be kept until no such iteration is left.
static void test_reads(void)
{
    start(&t_bytes136, &t_bytes136, 0);
    put_all(0, 7, 1);
    mapiterinit(&t, h, &it);
    put_all(8, 30, 1); /* its bucket is two growths old */
    del_all(0, 7, 1);
    STILL_SOUND();
    bmap *b = it.bptr;
    CHECK(it.overflow != h->extra->overflow && it.overflow != h->extra->oldoverflow);
    CHECK(evacuated(b) && it.overflow->parked != NULL);
    gm_block other[2] = {{.kind = gm_block_key, .size = 136}}; /* a payload of none that is in use */
    BREAKS("iterator-reads", local_blind, 0, key_slot(&t, b, 7), pointer, add(other, gm_blockHeader));
    BREAKS("iterator-reads", local_blind, 0, elem_slot(&t, b, 0), pointer, gm_loadp(key_slot(&t, b, 0)));
    other[0].state = gm_block_parked;
    other[0].size = 135;
    BREAKS("iterator-reads", local_blind, 0, key_slot(&t, b, 7), pointer, add(other, gm_blockHeader));
    void *rest = add(b, (uintptr_t)t.bucketsize - PtrSize);
    BREAKS("iterator-reads", local_blind, 0, rest, pointer, h->buckets);
    end();
}

/* ---- sound ones that look odd ----------------------------------------- */

/* NaN keys may be in any bucket, and hashing one would draw from fastrand. */
static void test_nan(void)
{
    MapOf(&t, &t_float64, &t_int64, gm_exact);
    gm_rand_seed(3);
    h = makemap(&t, 0, NULL);
    CHECK(h != NULL);
    const uint64_t bits = UINT64_C(0x7ff8000000000001);
    for (int i = 0; i < 500; i++) {
        double f;
        if (i % 3 == 0) {
            f = i;
        } else {
            memcpy(&f, &bits, sizeof f);
        }
        CHECK(mapassign(&t, h, &f) != NULL);
        gm_rand before = gm_rand_state();
        STILL_SOUND();
        gm_rand after = gm_rand_state();
        CHECK(memcmp(&before, &after, sizeof before) == 0);
    }
    CHECK(h->count == 500);
    end();
}

/* A growth to the same size that begins just below the load limit, lets two
 * entries in and is completed by a delete leaves the map above it. */
static void test_overfull(void)
{
    start(&t_int64, &t_int64, 20);
    for (int64_t b = 0; b < 3; b++) {
        put_all(b, b + 32, 4);
        del_all(b + 4, b + 32, 4);
    }
    put_all(4, 28, 4);
    put_all(5, 25, 4);
    put_all(3, 35, 4);
    CHECK(h->count == 25 && h->noverflow == 4 && !hmap_growing(h));
    put_all(39, 43, 4);
    CHECK(hmap_growing(h) && hmap_sameSizeGrow(h));
    STILL_SOUND();
    del_all(47, 47, 4);
    CHECK(!hmap_growing(h) && h->B == 2 && h->count == 27 && overLoadFactor(h->count, h->B));
    STILL_SOUND();
    end();
}

/* Long chains, in which equal keys are not looked for. */
static void test_degenerate(void)
{
    start(&t_int64, &t_int64, 400);
    put_all(0, 255 * 128, 128);
    put_all(256 * 128, 400 * 128, 128);
    STILL_SOUND();
    del_all(128, 390 * 128, 128);
    STILL_SOUND();
    mapclear(&t, h);
    STILL_SOUND();
    end();

    /* But no two of them share their memory. */
    start(&t_bytes136, &t_int64, 400);
    put_all(0, 255 * 128, 128);
    put_all(256 * 128, 400 * 128, 128);
    bmap *b = h->buckets;
    for (int i = 0; i < 20; i++) {
        b = bmap_overflow(b, &t);
    }
    BREAKS("indirect-unique", local_blind, 1, key_slot(&t, b, 1), pointer, gm_loadp(key_slot(&t, b, 0)));
    end();
}

int main(void)
{
    test_nil_and_empty();
    test_map_header();
    test_growing_fields();
    test_far_mark();
    test_heap_chains();
    test_tails();
    test_evacuation();
    test_slots();
    test_indirect();
    test_generations();
    test_parked();
    test_reads();
    test_nan();
    test_overfull();
    test_degenerate();
    return 0;
}
