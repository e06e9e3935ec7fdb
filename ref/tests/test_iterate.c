/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_iterate.c: in which order an iterator goes, and what it meets when the
 * map is written and grows under it.
 */
#include <math.h>

#include "one_map.h"

static hiter it;

static void end(void)
{
    gm_iter_end(&it);
    END();
}

/* ---- order ------------------------------------------------------------ */

/* The word that the next iterator will draw. */
static uint32_t peek(void)
{
    gm_rand before = gm_rand_state();
    uint32_t r = fastrand();
    gm_rand_restore(before);
    return r;
}

/* Keys 0 to n-1 in 1<<B buckets: key k is in bucket k mod 1<<B, slot k>>B.  The
 * low B bits of the word say where to start, the next three at which slot of
 * every bucket. */
//= SPEC.md#S-ITERATE-3 type=test
//# An iteration MUST draw one random word r and start at bucket r mod 1<<B and, in every bucket, at slot
//# (r>>B) mod 8.
//= SPEC.md#S-ITERATE-5 type=test
//# The beginning of an iteration MUST take its first step.
//= SPEC.md#S-ITERATE-6 type=test
//# An iteration MUST go through all buckets in order of number, from the last to bucket 0, and end where it
//# began.
//= SPEC.md#S-ITERATE-8 type=test
//# In each bucket an iteration MUST go through all eight slots from its start slot on, slot 0 behind slot 7,
//# and then to the next bucket of the chain.
//= SPEC.md#S-ITERATE-17 type=test
//# A step MUST leave behind where it stood: bucket, the number of the next one; bptr, the bucket itself; i,
//# how many of its slots are done; and checkBucket and wrapped.
static void the_order_follows_from_one_random_word(void)
{
    for (uint8_t B = 0; B <= 5; B++) {
        uint32_t buckets = 1U << B, n = 13 * buckets / 2;
        begin(&t_int64, &t_int64, (intptr_t)n);
        for (uint32_t k = 0; k < n; k++) {
            CHECK(put(&t, h, k, 1000 + k));
        }
        CHECK(h->B == B && h->noverflow == 0);
        for (uint64_t seed = 0; seed < 40; seed++) {
            gm_rand_seed(seed);
            uint32_t r = peek();
            uint32_t start = r & (buckets - 1), offset = r >> B & 7;
            mapiterinit(&t, h, &it);
            CHECK(it.startBucket == start && it.offset == offset);
            for (uint32_t b = 0; b < buckets; b++) {
                for (uint32_t i = 0; i < 8; i++) {
                    uint32_t k = ((i + offset) & 7) << B | ((start + b) & (buckets - 1));
                    if (k < n) {
                        CHECK_ROW(seed, it.key != NULL && key_at(it.key) == k && key_at(it.elem) == 1000 + k);
                        mapiternext(&it);
                    }
                }
            }
            CHECK_ROW(seed, it.key == NULL && it.elem == NULL);
        }
        end();
    }
}

/* Seed 1 draws 0xe1f8ed2c on 64-bit and 0x00020401 on 32-bit (test_rand.c):
 * with two buckets, start 0 and offset 6; start 1 and offset 0. */
static void a_known_seed_gives_a_known_order(void)
{
#if UINTPTR_MAX == UINT64_MAX
    static const int64_t want[] = {12, 0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11};
#else
    static const int64_t want[] = {1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10, 12};
#endif
    begin(&t_int64, &t_int64, 13);
    for (int64_t k = 0; k < 13; k++) {
        CHECK(put(&t, h, k, k));
    }
    gm_rand_seed(1);
    mapiterinit(&t, h, &it);
    for (size_t i = 0; i < LENGTH(want); i++) {
        CHECK_ROW(i, it.key != NULL && key_at(it.key) == want[i]);
        mapiternext(&it);
    }
    CHECK(it.key == NULL);
    end();
}

/* The offset applies to every bucket of a chain. */
//= SPEC.md#S-ITERATE-8 type=test
static void a_chain_is_walked_bucket_by_bucket(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int i = 0; i < 20; i++) {
        CHECK(put(&t, h, KEY(2, 50, i), i));
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        gm_rand_seed(seed);
        int offset = (int)(peek() >> 2 & 7);
        mapiterinit(&t, h, &it);
        for (int b = 0; b < 3; b++) {
            for (int i = 0; i < 8; i++) {
                int n = 8 * b + (i + offset) % 8;
                if (n < 20) {
                    CHECK_ROW(seed, it.key != NULL && key_at(it.elem) == n);
                    mapiternext(&it);
                }
            }
        }
        CHECK_ROW(seed, it.key == NULL);
    }
    end();
}

/* ---- begin and end ---------------------------------------------------- */

//= SPEC.md#S-ITERATE-1 type=test
//# Ranging over a nil or empty map MUST end at once, without a draw and without a mark on the map.
static void nothing_is_held_where_there_is_nothing_to_range_over(void)
{
    begin(&t_int64, &t_int64, 100);
    mapiterinit(&t, h, &it);
    CHECK(it.key == NULL && it.h == NULL && flags_of(h) == 0);
    CHECK(h->extra->overflow->iters == 0);
    mapiternext(&it);
    gm_iter_end(&it);
    mapiterinit(&t, NULL, &it);
    CHECK(it.key == NULL && it.h == NULL);
    mapiternext(&it);
    CHECK(it.key == NULL);
    end();
}

//= SPEC.md#S-ITERATE-4 type=test
//# The beginning of an iteration MUST set the flags iterator and oldIterator, if not both are set.
//= SPEC.md#S-ITERATE-7 type=test
//# At the end of an iteration key and elem MUST be nil.
//= SPEC.md#S-BUCKET-2 type=test
//# flags MUST hold iterator (1), oldIterator (2), hashWriting (4) and sameSizeGrow (8), and no other bit.
//= SPEC.md#S-MEMORY-4 type=test
//# An iteration MUST let go of what it holds when it ends, by itself or early.
static void an_iteration_marks_the_map_and_ends_by_itself_or_early(void)
{
    static const hiter zero;
    begin(&t_int64, &t_int64, 0);
    CHECK(put(&t, h, 1, 1) && put(&t, h, 2, 2));
    mapiterinit(&t, h, &it);
    CHECK(flags_of(h) == (iterator | oldIterator));
    CHECK(h->extra->overflow->iters == 1);
    SOUND(&t, h, &it);
    mapiternext(&it);
    CHECK(it.key != NULL);
    mapiternext(&it);
    CHECK(it.key == NULL && h->extra->overflow->iters == 0);
    mapiternext(&it); /* after the end: nothing */
    CHECK(it.key == NULL && h->extra->overflow->iters == 0);
    gm_iter_end(&it);

    memset(&it, 0, sizeof it);
    mapiterinit(&t, h, &it);
    CHECK(h->extra->overflow->iters == 1);
    gm_iter_end(&it);
    CHECK(memcmp(&it, &zero, sizeof it) == 0 && h->extra->overflow->iters == 0);
    gm_iter_end(&it);
    CHECK(h->extra->overflow->iters == 0);
    end();
}

/* ---- writes that do not grow the map ---------------------------------- */

//= SPEC.md#S-ITERATE-9 type=test
//# A slot that is free or evacuatedEmpty MUST be passed over.
//= SPEC.md#S-ITERATE-18 type=test
//# An iteration MUST produce every entry that is there from its beginning to its end exactly once, any entry
//# inserted meanwhile at most once, and no entry that was deleted before it was reached, but for what
//# ERRATA.md lists.
static void what_is_deleted_before_its_turn_is_not_met(void)
{
    for (int doomed = 0; doomed < 13; doomed++) {
        begin(&t_int64, &t_int64, 13);
        for (int64_t k = 0; k < 13; k++) {
            CHECK(put(&t, h, k, k));
        }
        gm_rand_seed(5);
        mapiterinit(&t, h, &it);
        int64_t first = key_at(it.key);
        int met = 1;
        del(&t, h, doomed);
        for (mapiternext(&it); it.key != NULL; mapiternext(&it)) {
            CHECK_ROW(doomed, key_at(it.key) != doomed);
            met++;
        }
        CHECK_ROW(doomed, met == (first == doomed ? 13 : 12));
        end();
    }
}

//= SPEC.md#S-ITERATE-15 type=test
//# An entry that has not been evacuated, or whose key differs from itself, MUST be produced from the slot
//# that the iteration stands at.
static void the_elem_met_is_the_one_of_now(void)
{
    begin(&t_int64, &t_int64, 13);
    for (int64_t k = 0; k < 13; k++) {
        CHECK(put(&t, h, k, k));
    }
    int64_t round = 0;
    int met = 0;
    for (mapiterinit(&t, h, &it); it.key != NULL; mapiternext(&it)) {
        int64_t k = key_at(it.key);
        CHECK(key_at(it.elem) == (round == 0 ? k : round * 100 + k));
        met++;
        round++;
        for (k = 0; k < 13; k++) {
            CHECK(put(&t, h, k, round * 100 + k));
        }
    }
    CHECK(met == 13);
    end();
}

/* ---- growth under an iterator ----------------------------------------- */

typedef enum kind { doubling, same_size } kind;
typedef enum moment { before_growth, in_growth } moment;

enum { most = 64 };

static int64_t keys[most]; /* the keys that are there from the start */
static int nkeys;
static int met[most];        /* how often the iterator met them */
static int newcomers_met[8]; /* and those that came later */

static int64_t newcomer(int i)
{
    return KEY(i, 99, 7);
}

/* The map right before its growth.  doubling: keys 0 to 25 in four buckets.
 * same_size: eight buckets with three entries each behind six holes, so that
 * there are as many overflow buckets. */
static void ready_to_grow(kind what, const rtype *key, gm_mode mode)
{
    memset(met, 0, sizeof met);
    memset(newcomers_met, 0, sizeof newcomers_met);
    begin_mode(key, &t_int64, what == doubling ? 26 : 52, mode);
    nkeys = 0;
    if (what == doubling) {
        for (int64_t k = 0; k < 26; k++) {
            keys[nkeys++] = k;
            CHECK(put(&t, h, k, k));
        }
        return;
    }
    for (int b = 0; b < 8; b++) {
        for (int i = 0; i < 9; i++) {
            CHECK(put(&t, h, KEY(b, 50, i), KEY(b, 50, i)));
        }
        for (int i = 0; i < 6; i++) {
            del(&t, h, KEY(b, 50, i));
        }
        for (int i = 6; i < 9; i++) {
            keys[nkeys++] = KEY(b, 50, i);
        }
    }
}

/* Counts the entry that the iterator stands on. */
static void meet(void)
{
    int64_t k = key_at(it.key);
    CHECK(key_at(it.elem) == k);
    for (int i = 0; i < nkeys; i++) {
        if (keys[i] == k) {
            met[i]++;
            return;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (newcomer(i) == k) {
            newcomers_met[i]++;
            return;
        }
    }
    CHECK(k == -1); /* no key is: this one was never there */
}

/* The growth starts with the write after `steps` steps (or just before the
 * iteration), every further write comes after one more step; the eighth at the
 * latest ends it. */
static void range_while_growing(moment when, int steps)
{
    int writes = 0;
    if (when == in_growth) {
        CHECK(put(&t, h, newcomer(0), newcomer(0)));
        writes++;
        CHECK(hmap_growing(h));
    }
    int taken = 0;
    for (mapiterinit(&t, h, &it); it.key != NULL; mapiternext(&it)) {
        meet();
        taken++;
        if (taken > steps && writes < 8) {
            CHECK(put(&t, h, newcomer(writes), newcomer(writes)));
            writes++;
            SOUND(&t, h, &it);
        }
    }
    CHECK(writes < 8 || !hmap_growing(h));
    for (int i = 0; i < nkeys; i++) {
        CHECK_ROW(i, met[i] == 1);
    }
    for (int i = 0; i < 8; i++) {
        CHECK_ROW(i, newcomers_met[i] <= 1);
    }
    CHECK(when == before_growth || newcomers_met[0] == 1);
}

//= SPEC.md#S-ITERATE-18 type=test
//= SPEC.md#S-ITERATE-2 type=test
//# An iteration MUST walk the array that is the map's when it begins, with the B of that moment, whatever
//# becomes of the map.
//= SPEC.md#S-ITERATE-10 type=test
//# While the map grows and has the iteration's B, a bucket whose old bucket is not evacuated when the
//# iteration comes to it MUST be walked in the old array, with its own number as checkBucket.
//= SPEC.md#S-ITERATE-12 type=test
//# In an old bucket of a map that doubles, an entry whose key equals itself MUST be passed over if the low
//# bits of its hash, as many as the iteration's B, are not checkBucket.
static void every_entry_is_met_once_while_the_map_grows(void)
{
    static const rtype *const types[] = {&t_int64, &t_bytes129};
    for (int mode = gm_exact; mode <= gm_strict; mode++) {
        for (int run = 0; run < 8; run++) {
            for (int steps = 0; steps <= 24; steps++) {
                for (uint64_t seed = 0; seed < 6; seed++) {
                    snprintf(test_case(), test_case_size, " (mode %d, run %d, %d steps, seed %u)", mode, run,
                             steps, (unsigned)seed);
                    gm_rand_seed(seed);
                    ready_to_grow(run & 1 ? doubling : same_size, types[run >> 1 & 1], (gm_mode)mode);
                    range_while_growing(run & 4 ? before_growth : in_growth, steps);
                    end();
                }
            }
        }
    }
    *test_case() = '\0';
}

/* Growth from four to eight buckets by key 26: old buckets 2 and 0 have moved,
 * 1 and 3 have not.  An iterator that begins now walks the old bucket in place
 * of a new one that is not filled yet, and skips what will not go there. */
//= SPEC.md#S-ITERATE-10 type=test
//= SPEC.md#S-ITERATE-11 type=test
//# Any other bucket MUST be walked in the iteration's own array, with noCheck as checkBucket.
//= SPEC.md#S-ITERATE-12 type=test
//= SPEC.md#S-ITERATE-17 type=test
static void a_bucket_not_filled_yet_is_read_from_the_old_array(void)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        begin(&t_int64, &t_int64, 26);
        for (int64_t k = 0; k <= 26; k++) {
            CHECK(put(&t, h, k, k));
        }
        gm_rand_seed(seed);
        uint32_t r = peek();
        uint32_t start = r & 7, offset = r >> 3 & 7;
        mapiterinit(&t, h, &it);
        CHECK(it.B == 3 && it.oldoverflow == h->extra->oldoverflow);
        for (uint32_t b = 0; b < 8; b++) {
            uint32_t bucket = (start + b) & 7;
            bool old = (bucket & 1) != 0;
            for (uint32_t i = 0; i < 8; i++) {
                uint32_t slot = (i + offset) & 7;
                uint32_t k = old ? slot * 4 + (bucket & 3) : slot * 8 + bucket;
                if (k > 26 || (k & 7) != bucket) {
                    continue;
                }
                CHECK_ROW(seed, it.key != NULL && key_at(it.key) == k);
                CHECK_ROW(seed, it.checkBucket == (old ? bucket : noCheck));
                bmap *in = bucket_at(&t, old ? h->oldbuckets : h->buckets, old ? bucket & 3 : bucket);
                CHECK_ROW(seed, it.bptr == in);
                mapiternext(&it);
            }
        }
        CHECK_ROW(seed, it.key == NULL);
        end();
    }
}

/* Begun before the growth, an iterator goes on in the array that it knows; what
 * has moved is looked up where it is now. */
//= SPEC.md#S-ITERATE-16 type=test
//# An entry that has been evacuated MUST be looked up by its key, and produced with the key and elem that the
//# map has now, or passed over if it has none.
//= SPEC.md#S-ITERATE-2 type=test
static void what_has_moved_is_met_as_it_is_now(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin(&t_float64, &t_int64, 26);
        t.hasher = typehash;
        for (int i = 0; i < 26; i++) {
            double k = i;
            int64_t v = i;
            void *e = mapassign(&t, h, &k);
            CHECK(e != NULL);
            memcpy(e, &v, sizeof v);
        }
        gm_rand_seed(seed);
        mapiterinit(&t, h, &it);
        int64_t first = key_at(it.elem);
        double last = 100;
        for (int i = 0; i < 8; i++) { /* ends the growth */
            last++;
            CHECK(mapassign(&t, h, &last) != NULL);
        }
        CHECK(!hmap_growing(h) && h->B == 3);
        double minus = -0.0, gone = 3.0, again = 4.0;
        int64_t v = 77;
        void *e = mapassign(&t, h, &minus); /* an equal key, but another one */
        CHECK(e != NULL);
        memcpy(e, &v, sizeof v);
        mapdelete(&t, h, &gone);
        mapdelete(&t, h, &again);
        e = mapassign(&t, h, &again);
        CHECK(e != NULL);
        memcpy(e, &v, sizeof v);

        int met_zero = 0, met_again = 0, met_all = 1;
        for (mapiternext(&it); it.key != NULL; mapiternext(&it)) {
            double k;
            memcpy(&k, it.key, sizeof k);
            CHECK_ROW(seed, k < 100 && !(k >= 3 && k <= 3));
            if (k <= 0) {
                CHECK_ROW(seed, signbit(k) && key_at(it.elem) == 77);
                met_zero++;
            } else if (k >= 4 && k <= 4) {
                CHECK_ROW(seed, key_at(it.elem) == 77);
                met_again++;
            } else {
                CHECK_ROW(seed, key_at(it.elem) == (int64_t)k);
            }
            met_all++;
        }
        CHECK_ROW(seed, met_zero == (first != 0) && met_again == (first != 4));
        CHECK_ROW(seed, met_all == (first == 3 ? 26 : 25));
        end();
    }
}

/* ---- keys that differ from themselves --------------------------------- */

static uintptr_t nan_hashes[32]; /* what the hasher says for NaN, one after the other */
static unsigned nan_next;

static uintptr_t hash_float(const rtype *key, const void *p, uintptr_t seed)
{
    double k;
    (void)key;
    (void)seed;
    memcpy(&k, p, sizeof k);
    if (isnan(k)) {
        CHECK(nan_next < LENGTH(nan_hashes));
        return nan_hashes[nan_next++];
    }
    return (uintptr_t)k;
}

static void put_float(double k, int64_t v)
{
    void *e = mapassign(&t, h, &k);
    CHECK(e != NULL);
    memcpy(e, &v, sizeof v);
}

#define TOP(x) ((uintptr_t)(x) << (PtrSize * 8 - 8))

/* Four buckets.  Bucket 2 has four NaNs, with tophash 0x40 to 0x43; the others
 * have 22 numbers.  When asked again, the hasher gives the NaNs 0x90 to 0x93
 * and low bits that send them the other way than the old tophash's low bit. */
static void nans_ready_to_grow(gm_mode mode)
{
    begin_mode(&t_float64, &t_int64, 26, mode);
    t.hasher = hash_float;
    nan_next = 0;
    for (unsigned i = 0; i < 4; i++) {
        nan_hashes[i] = TOP(0x40 + i) | 2;
        nan_hashes[4 + i] = TOP(0x90 + i) | (i % 2 == 0 ? 6 : 2);
    }
    for (int i = 0; i < 4; i++) {
        put_float((double)NAN, i);
    }
    for (int i = 0; i < 22; i++) {
        put_float(4 * (i / 3) + (i % 3 == 2 ? 3 : i % 3), 10 + i);
    }
    CHECK(h->count == 26 && !hmap_growing(h) && nan_next == 4);
}

//= SPEC.md#S-EVACUATE-7 type=test
//# Where the map doubles and the flag iterator is set, an entry whose key differs from itself MUST go to Y
//# exactly if the low bit of its tophash is 1, and not by its hash.
//= SPEC.md#S-EVACUATE-8 type=test
//# An entry that went by the low bit of its tophash MUST get the tophash of the hash just drawn.
//= SPEC.md#S-EVACUATE-6 type=test
//# Where the map doubles an entry MUST go to Y exactly if its key's hash has the bit with the value of the
//# number of old buckets.
//= SPEC.md#S-TOPHASH-8 type=test
//# The tophash beside an entry MUST be that of its key's hash.
static void NaNs_go_by_their_tophash_while_an_iterator_must_foresee_it(void)
{
    static const uint8_t marks[2][8] = {{3, 2, 3, 2, 4, 4, 4, 4}, {2, 3, 2, 3, 4, 4, 4, 4}};
    static const uint8_t x[2][8] = {{0x41, 0x43}, {0x90, 0x92}};
    static const uint8_t y[2][8] = {{0x40, 0x42, 5}, {0x91, 0x93, 5}};
    for (int iterated = 0; iterated <= 1; iterated++) {
        nans_ready_to_grow(gm_exact);
        put_float(29, 50); /* old bucket 1, then 0 */
        CHECK(hmap_growing(h) && h->nevacuate == 2);
        if (iterated) {
            mapiterinit(&t, h, &it);
            CHECK((flags_of(h) & iterator) != 0);
        }
        put_float(30, 51); /* old bucket 2, then 3; 30 itself goes to bucket 6 */
        /* without an iterator by the new hash, and tophash stays */
        CHECK(memcmp(bucket_at(&t, h->buckets, 2)->tophash, x[iterated], 8) == 0);
        CHECK(memcmp(bucket_at(&t, h->buckets, 6)->tophash, y[iterated], 8) == 0);
        if (iterated) { /* the old array is kept for it */
            void *old = add(it.oldoverflow, gm_genHeader);
            CHECK(memcmp(bucket_at(&t, old, 2)->tophash, marks[iterated], 8) == 0);
        }
        CHECK(!hmap_growing(h) && h->count == 28);
        end();
    }
}

/* Wherever the growth overtakes the iterator. */
//= SPEC.md#S-ITERATE-13 type=test
//# In an old bucket of a map that doubles, an entry whose key differs from itself MUST be passed over if the
//# low bit of its tophash is not the highest bit of checkBucket.
//= SPEC.md#S-ITERATE-15 type=test
static void every_NaN_is_met_once_while_the_map_grows(void)
{
    for (int run = 0; run < 4; run++) {
        for (int steps = 0; steps <= 26; steps++) {
            for (uint64_t seed = 0; seed < 10; seed++) {
                int elems[64] = {0};
                snprintf(test_case(), test_case_size, " (run %d, %d steps, seed %u)", run, steps,
                         (unsigned)seed);
                nans_ready_to_grow(run & 1 ? gm_strict : gm_exact);
                gm_rand_seed(seed);
                bool begun = (run & 2) != 0;
                if (begun) {
                    put_float(29, 50);
                }
                int taken = 0;
                for (mapiterinit(&t, h, &it); it.key != NULL; mapiternext(&it)) {
                    int64_t v = key_at(it.elem);
                    CHECK(v >= 0 && v < 64);
                    elems[v]++;
                    if (taken == steps) {
                        put_float(29, 50);
                        put_float(30, 51);
                        CHECK(!hmap_growing(h));
                        SOUND(&t, h, &it);
                    }
                    taken++;
                }
                for (int i = 0; i < 32; i++) {
                    CHECK_ROW(i, elems[i] == (i < 4 || i >= 10));
                }
                CHECK(elems[51] <= 1 && (begun ? elems[50] == 1 : elems[50] <= 1));
                end();
            }
        }
    }
    *test_case() = '\0';
}

/* ERRATA.md#E2 with two buckets, where the bucket's number itself is the side
 * that its NaNs are thought to go to.  A growth to the same size stops for want
 * of memory before anything is evacuated; an iterator stands in old bucket 1;
 * the growth ends and a doubling begins. */
static void NaNs_of_a_growth_to_the_same_size_are_missed_in_exact_mode_only(void)
{
    test_memory memory;
    test_memory_use(&memory);
    for (int mode = gm_exact; mode <= gm_strict; mode++) {
        begin_mode(&t_float64, &t_int64, 9, (gm_mode)mode);
        t.hasher = hash_float;
        nan_next = 0;
        for (unsigned i = 0; i < LENGTH(nan_hashes); i++) {
            nan_hashes[i] = TOP(0x40) | 1;
        }
        for (int i = 0; i < 3; i++) {
            put_float((double)NAN, i);
        }
        for (double k = 1; k < 19; k += 2) {
            put_float(k, 10); /* one overflow bucket behind bucket 1 */
        }
        for (double k = 1; k < 19; k += 2) {
            mapdelete(&t, h, &k);
        }
        for (double k = 0; k < 18; k += 2) {
            put_float(k, 10); /* and one behind bucket 0 */
        }
        CHECK(h->B == 1 && h->noverflow == 2 && h->count == 12);
        double k = 18;
        test_memory_fail(&memory, 2, 1);
        CHECK(mapassign(&t, h, &k) == NULL && hmap_sameSizeGrow(h) && h->nevacuate == 0);
        test_memory_fail(&memory, 0, 0);

        for (uint64_t seed = 0; it.startBucket != 1; seed++) {
            gm_iter_end(&it);
            gm_rand_seed(seed);
            mapiterinit(&t, h, &it);
        }
        CHECK(it.checkBucket == 1 && key_at(it.elem) < 3);
        put_float(18, 10);
        put_float(20, 10);
        CHECK(h->B == 2);
        int nans = 0, others = 0;
        for (; it.key != NULL; mapiternext(&it)) {
            nans += key_at(it.elem) < 3;
            others += key_at(it.elem) == 10;
        }
        CHECK_ROW(mode, nans == (mode == gm_exact ? 1 : 3) && others >= 9 && others <= 11);
        end();
    }
    gm_set_allocator(NULL);
}

/* ---- clear under an iterator ------------------------------------------ */

static void after_clear_nothing_is_left_to_meet(void)
{
    for (int mode = gm_exact; mode <= gm_strict; mode++) {
        begin_mode(&t_int64, &t_int64, 13, (gm_mode)mode);
        for (int64_t k = 0; k < 13; k++) {
            CHECK(put(&t, h, k, k));
        }
        mapiterinit(&t, h, &it);
        mapclear(&t, h);
        CHECK(h->count == 0);
        mapiternext(&it);
        CHECK(it.key == NULL);
        end();
    }
}

/* Strict mode only; exact mode has ERRATA.md#E1 instead. */
//= SPEC.md#S-ITERATE-22 type=test
//# In strict mode clearing the map MUST end the iterations that are under way at their next step.
//= SPEC.md#S-CLEAR-7 type=test
//# Clearing MUST keep the array and B, wipe the array, and make its tail whole again.
static void in_strict_mode_an_iteration_ends_with_the_map_cleared_under_it(void)
{
    static const rtype *const types[] = {&t_int64, &t_bytes129};
    for (size_t i = 0; i < LENGTH(types); i++) {
        begin_mode(types[i], &t_int64, 26, gm_strict);
        for (int n = 0; n < 26; n++) {
            CHECK(put(&t, h, KEY(0, 50, n), n));
        }
        mapiterinit(&t, h, &it);
        CHECK(it.key != NULL);
        mapclear(&t, h);
        for (int n = 0; n < 26; n++) {
            CHECK(put(&t, h, KEY(0, 50, n), n));
        }
        SOUND(&t, h, &it);
        mapiternext(&it);
        CHECK(it.key == NULL);
        /* the next one meets all */
        int n = 0;
        memset(&it, 0, sizeof it);
        for (mapiterinit(&t, h, &it); it.key != NULL; mapiternext(&it)) {
            n++;
        }
        CHECK(n == 26);
        end();
    }
}

int main(void)
{
    gm_rand_seed(1);
    the_order_follows_from_one_random_word();
    a_known_seed_gives_a_known_order();
    a_chain_is_walked_bucket_by_bucket();

    nothing_is_held_where_there_is_nothing_to_range_over();
    an_iteration_marks_the_map_and_ends_by_itself_or_early();

    what_is_deleted_before_its_turn_is_not_met();
    the_elem_met_is_the_one_of_now();

    every_entry_is_met_once_while_the_map_grows();
    a_bucket_not_filled_yet_is_read_from_the_old_array();
    what_has_moved_is_met_as_it_is_now();

    NaNs_go_by_their_tophash_while_an_iterator_must_foresee_it();
    every_NaN_is_met_once_while_the_map_grows();
    NaNs_of_a_growth_to_the_same_size_are_missed_in_exact_mode_only();

    after_clear_nothing_is_left_to_meet();
    in_strict_mode_an_iteration_ends_with_the_map_cleared_under_it();
    return 0;
}
