/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_grow.c: when a map grows, how far each write brings the growth, and
 * where entries go.  The numbers follow from map.go by hand.
 */
#include "one_map.h"

/* ---- growth to twice the size ----------------------------------------- */

/* Keys 0, 1, 2 ... spread evenly, so no bucket overflows.  Each write does its
 * own old bucket and the one at the mark; with n old buckets the write that
 * starts the growth lands on old bucket n/2, and each next one on the bucket
 * after.  When the last of them is done the mark, which has gone from 0 to
 * n/2-1, runs over the rest. */
//= SPEC.md#S-ASSIGN-1 type=test
//# An assignment to a map without buckets MUST first make an array of one bucket.
//= SPEC.md#S-ASSIGN-7 type=test
//# An insertion MUST start a growth first if none goes on and either count+1 entries are over the load factor
//# or there are too many overflow buckets.
//= SPEC.md#S-ASSIGN-11 type=test
//# An insertion MUST copy the key, set the slot's tophash, and add 1 to count.
//= SPEC.md#S-BUCKET-1 type=test
//# count MUST be the number of entries, which is what len answers.
//= SPEC.md#S-GROW-3 type=test
//# A growth MUST double the number of buckets if count+1 entries are over the load factor, and otherwise keep
//# it.
static void the_load_makes_the_map_double_at_13_halves(void)
{
    static const struct {
        int entry;
        uint8_t B;
        bool growing;
        uintptr_t nevacuate;
    } rows[] = {
        {1, 0, false, 0},  {8, 0, false, 0},    {9, 1, false, 1},    {13, 1, false, 1},  {14, 2, false, 2},
        {26, 2, false, 2}, {27, 3, true, 1},    {28, 3, false, 4},   {52, 3, false, 4},  {53, 4, true, 1},
        {54, 4, true, 2},  {55, 4, true, 3},    {56, 4, false, 8},   {104, 4, false, 8}, {105, 5, true, 1},
        {106, 5, true, 2}, {107, 5, true, 3},   {108, 5, true, 4},   {109, 5, true, 5},  {110, 5, true, 6},
        {111, 5, true, 7}, {112, 5, false, 16}, {208, 5, false, 16}, {209, 6, true, 1},
    };
    begin(&t_int64, &t_int64, 0);
    size_t row = 0;
    for (int n = 1; row < LENGTH(rows); n++) {
        CHECK(put(&t, h, n - 1, n));
        CHECK(h->count == n && h->noverflow == 0);
        SOUND(&t, h, NULL);
        if (n == rows[row].entry) {
            CHECK_ROW(n, h->B == rows[row].B);
            CHECK_ROW(n, hmap_growing(h) == rows[row].growing);
            CHECK_ROW(n, h->nevacuate == rows[row].nevacuate);
            CHECK_ROW(n, !hmap_sameSizeGrow(h));
            row++;
        }
    }
    for (int64_t k = 0; k < 209; k++) {
        CHECK_ROW(k, get(&t, h, k) == k + 1);
    }
    END();
}

/* Where all keys meet in one bucket the limits are the same. */
//= SPEC.md#S-GROW-3 type=test
static void the_load_counts_whatever_the_keys_collide(void)
{
    static const int limits[] = {8, 13, 26, 52, 104};
    begin(&t_int64, &t_int64, 0);
    for (int n = 1; n <= 105; n++) {
        int B = 0;
        while (B < 5 && n > limits[B]) {
            B++;
        }
        CHECK(put(&t, h, KEY(0, 77, n), n));
        CHECK_ROW(n, h->B == B);
    }
    END();
}

//= SPEC.md#S-MAKE-3 type=test
//# makemap MUST choose the smallest B for which hint entries are not over the load factor.
//= SPEC.md#S-ASSIGN-5 type=test
//# An update MUST change nothing but that entry, beyond the growth work, and start no growth.
static void a_map_made_with_a_hint_grows_one_entry_beyond_it(void)
{
    static const intptr_t hints[] = {8, 13, 26, 52, 104, 208};
    for (size_t i = 0; i < LENGTH(hints); i++) {
        begin(&t_int64, &t_int64, hints[i]);
        CHECK_ROW(i, h->B == i);
        for (intptr_t n = 0; n < hints[i]; n++) {
            CHECK_ROW(i, put(&t, h, n, n));
            CHECK_ROW(i, h->B == i && !hmap_growing(h));
        }
        CHECK_ROW(i, put(&t, h, 0, 5)); /* an update needs no room */
        CHECK_ROW(i, h->B == i && !hmap_growing(h));
        CHECK_ROW(i, put(&t, h, hints[i], 1));
        CHECK_ROW(i, h->B == i + 1);
        END();
    }
}

/* Entry 27 has hash 26 = 2 mod 4: old buckets 2 and then 0 are split.  Bit 4 of
 * the hash decides between bucket 2 and bucket 6. */
//= SPEC.md#S-EVACUATE-2 type=test
//# Entries of old bucket n MUST go to new bucket n (X) or, only where the map doubles, to new bucket n plus
//# the number of old buckets (Y).
//= SPEC.md#S-EVACUATE-4 type=test
//# A free slot of an evacuated chain MUST become evacuatedEmpty.
//= SPEC.md#S-EVACUATE-6 type=test
//# Where the map doubles an entry MUST go to Y exactly if its key's hash has the bit with the value of the
//# number of old buckets.
//= SPEC.md#S-EVACUATE-9 type=test
//# The old slot of an entry MUST become evacuatedX or evacuatedY, as it went.
//= SPEC.md#S-EVACUATE-12 type=test
//# Key and elem slots MUST be copied as they are, so that indirect keys and elems stay where they lie.
//= SPEC.md#S-EVACUATE-18 type=test
//# Nothing MUST be stored in a new bucket before the old bucket that fills it is evacuated.
//= SPEC.md#S-ASSIGN-8 type=test
//# An assignment that has started a growth MUST begin again with the choice of the bucket, and forget what it
//# has found.
static void evacuation_splits_a_bucket_by_the_next_bit(void)
{
    static const uint8_t marks[] = {evacuatedX, evacuatedY, evacuatedX,     evacuatedY,
                                    evacuatedX, evacuatedY, evacuatedEmpty, evacuatedEmpty};
    begin(&t_int64, &t_int64, 26);
    for (int64_t k = 0; k <= 26; k++) {
        CHECK(put(&t, h, k, 100 + k));
    }
    bmap *old = bucket_at(&t, h->oldbuckets, 2); /* 2 6 10 14 18 22 */
    CHECK(memcmp(old->tophash, marks, sizeof marks) == 0);
    static const struct {
        uintptr_t bucket;
        int n;
        int64_t keys[4];
    } rows[] = {
        {2, 4, {2, 10, 18, 26}}, {6, 3, {6, 14, 22}}, {0, 4, {0, 8, 16, 24}},
        {4, 3, {4, 12, 20}},     {1, 0, {0}},         {3, 0, {0}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        bmap *b = bucket_at(&t, h->buckets, rows[i].bucket);
        for (int s = 0; s < bucketCnt; s++) {
            CHECK_ROW(i, b->tophash[s] == (s < rows[i].n ? 5 : emptyRest));
            if (s < rows[i].n) {
                CHECK_ROW(i, key_at(key_slot(&t, b, (uintptr_t)s)) == rows[i].keys[s]);
                CHECK_ROW(i, key_at(elem_slot(&t, b, (uintptr_t)s)) == 100 + rows[i].keys[s]);
            }
        }
    }
    /* 1 and 3 are as they were */
    CHECK(!evacuated(bucket_at(&t, h->oldbuckets, 1)) && !evacuated(bucket_at(&t, h->oldbuckets, 3)));
    END();
}

/* A long chain goes where its bit says and is dense there; holes are gone. */
//= SPEC.md#S-EVACUATE-3 type=test
//# An evacuation MUST go through the whole chain in order, bucket by bucket and slot by slot.
//= SPEC.md#S-EVACUATE-10 type=test
//# Entries MUST fill their new chain from slot 0 of its main bucket without gaps, in the order in which they
//# come.
//= SPEC.md#S-EVACUATE-11 type=test
//# An entry that finds the last bucket of its new chain full MUST go into slot 0 of a new overflow bucket
//# behind it.
//= SPEC.md#S-GROW-6 type=test
//# A growth MUST start with nevacuate 0 and noverflow 0.
//= SPEC.md#S-ASSIGN-9 type=test
//# A new entry whose chain has no free slot MUST go into slot 0 of a new overflow bucket behind the last of
//# the chain.
static void evacuation_closes_the_holes(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int i = 0; i < 20; i++) { /* old bucket 1, alternately to 1 and 5 */
        CHECK(put(&t, h, KEY(i % 2 == 0 ? 1 : 5, 0x40 + i, 0), i));
    }
    for (int i = 0; i < 20; i += 4) { /* 0 4 8 12 16 leave holes */
        del(&t, h, KEY(1, 0x40 + i, 0));
    }
    for (int i = 0; i < 11; i++) {
        CHECK(put(&t, h, KEY(2, 0x80, i), i));
    }
    CHECK(h->B == 2 && h->count == 26 && h->noverflow == 3);
    CHECK(put(&t, h, KEY(5, 0xff, 0), 1));
    CHECK(h->B == 3 && h->count == 27);
    static const uint8_t x[] = {0x42, 0x46, 0x4a, 0x4e, 0x52, 0, 0, 0};
    static const uint8_t y0[] = {0x41, 0x43, 0x45, 0x47, 0x49, 0x4b, 0x4d, 0x4f};
    static const uint8_t y1[] = {0x51, 0x53, 0xff, 0, 0, 0, 0, 0};
    CHECK(memcmp(bucket_at(&t, h->buckets, 1)->tophash, x, 8) == 0);
    bmap *y = bucket_at(&t, h->buckets, 5);
    CHECK(memcmp(y->tophash, y0, 8) == 0);
    CHECK(memcmp(bmap_overflow(y, &t)->tophash, y1, 8) == 0);
    CHECK(h->noverflow == 1); /* counted afresh for the new array */
    END();
}

/* ---- whose writes do the work ----------------------------------------- */

//= SPEC.md#S-GROW-11 type=test
//# Growth work for a bucket MUST evacuate the old bucket that its number without the bits beyond the old
//# array names.
//= SPEC.md#S-GROW-12 type=test
//# Growth work MUST then, if the growth still goes on, evacuate the bucket at nevacuate, and no more than
//# that.
//= SPEC.md#S-EVACUATE-1 type=test
//# Evacuating a bucket that is evacuated already MUST move nothing.
//= SPEC.md#S-EVACUATE-15 type=test
//# An evacuation MUST advance the mark if and only if its bucket is the one at nevacuate.
//= SPEC.md#S-ASSIGN-2 type=test
//# An assignment MUST do the growth work for the key's bucket before it searches, if a growth goes on.
//= SPEC.md#S-DELETE-2 type=test
//# A deletion MUST do the growth work for the key's bucket before it searches, if a growth goes on, whether
//# the key is there or not.
//= SPEC.md#S-LOOKUP-11 type=test
//# A lookup MUST NOT change the map, nor do growth work.
//= SPEC.md#S-BUCKET-5 type=test
//# While a growth goes on nevacuate MUST be less than the number of old buckets, and every old bucket below
//# it evacuated.
static void every_write_evacuates_two_buckets_and_reads_none(void)
{
    begin(&t_int64, &t_int64, 208); /* B=5 */
    for (int64_t k = 0; k < 208; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(put(&t, h, 240, 240)); /* old bucket 240 mod 32 = 16 */
    CHECK(h->B == 6 && h->nevacuate == 1);
    hiter it = {0};
    mapiterinit(&t, h, &it);
    while (it.key != NULL) {
        mapiternext(&it);
    }
    CHECK(has(&t, h, 20) && !has(&t, h, 999));
    CHECK(h->nevacuate == 1);

    CHECK(put(&t, h, 20, 1)); /* an update: old bucket 20, then 1 */
    CHECK(h->nevacuate == 2 && evacuated(bucket_at(&t, h->oldbuckets, 20)));
    del(&t, h, 21); /* a delete: 21, then 2 */
    CHECK(h->nevacuate == 3 && evacuated(bucket_at(&t, h->oldbuckets, 21)));
    del(&t, h, 999); /* a delete of nothing: 999 mod 32 = 7, then 3 */
    CHECK(h->nevacuate == 4 && evacuated(bucket_at(&t, h->oldbuckets, 7)));
    CHECK(put(&t, h, 4, 1)); /* the bucket at the mark itself: 4, and then 5 too */
    CHECK(h->nevacuate == 6);
    CHECK(put(&t, h, 16, 1)); /* done already: only 6, and the mark runs over 7 */
    CHECK(h->nevacuate == 8);
    unsigned done = 0;
    for (uintptr_t b = 0; b < 32; b++) {
        done += evacuated(bucket_at(&t, h->oldbuckets, b));
    }
    CHECK(done == 8 + 3); /* 16, 20, 21 */
    END();
}

/* 4096 old buckets.  Writes go to old buckets from 4095 downward, while the mark
 * comes from 0; write number n does bucket 4096-n and bucket n-1.  After number
 * 2048 all are done: the mark steps to 2048, and may look at 1024 more. */
//= SPEC.md#S-EVACUATE-16 type=test
//# Advancing the mark MUST add 1 to nevacuate, and then 1 for each evacuated bucket that it stands on, up to
//# 1024 more and not beyond the last old bucket.
//= SPEC.md#S-EVACUATE-17 type=test
//# A growth MUST end when nevacuate comes to the number of old buckets: oldbuckets and oldoverflow become
//# nil, sameSizeGrow goes off, and nevacuate and the other flags stay.
//= SPEC.md#S-BUCKET-4 type=test
//# oldbuckets MUST be the array before, while a growth goes on, and nil at all other times.
static void the_mark_looks_at_1024_buckets_at_a_time(void)
{
    begin(&t_int64, &t_empty, 26624);
    CHECK(h->B == 12);
    for (int64_t k = 0; k < 26624; k++) {
        test_key key = key_of(k);
        CHECK(mapassign(&t, h, key.bytes) != NULL);
    }
    CHECK(!hmap_growing(h));
    CHECK(put(&t, h, 4095 + 8 * 4096, 0)); /* starts the growth, on old bucket 4095 */
    CHECK(h->B == 13 && h->nevacuate == 1);
    for (int64_t n = 2; n <= 2047; n++) {
        CHECK(put(&t, h, 4096 - n, 0));
        CHECK_ROW(n, h->nevacuate == (uintptr_t)n);
    }
    CHECK(put(&t, h, 2048, 0));
    CHECK(hmap_growing(h) && h->nevacuate == 3072);
    CHECK(put(&t, h, 0, 0)); /* nothing left to evacuate, but the mark goes on */
    CHECK(!hmap_growing(h) && h->nevacuate == 4096);
    END();
}

/* ---- growth to the same size ------------------------------------------ */

/* Gives bucket b an overflow bucket with one entry: nine keys, eight deleted. */
static void make_sparse(int b)
{
    for (int i = 0; i < 9; i++) {
        CHECK(put(&t, h, KEY(b, 50, i), i));
    }
    for (int i = 0; i < 8; i++) {
        del(&t, h, KEY(b, 50, i));
    }
}

//= SPEC.md#S-GROW-3 type=test
//= SPEC.md#S-GROW-4 type=test
//# The flag sameSizeGrow MUST be set while a growth that keeps the number of buckets goes on, and at no other
//# time.
//= SPEC.md#S-GROW-10 type=test
//# The number of old buckets MUST be 1<<B in a growth that keeps it, and 1<<(B-1) where the map doubles.
//= SPEC.md#S-OVERFLOW-4 type=test
//# Every overflow bucket that is chained MUST add 1 to noverflow where B is below 16.
//= SPEC.md#S-ASSIGN-7 type=test
static void as_many_overflow_buckets_as_buckets_start_a_growth_to_the_same_size(void)
{
    for (uint8_t B = 1; B <= 8; B++) {
        begin(&t_int64, &t_int64, 13 * ((intptr_t)1 << B) / 2);
        int n = 1 << B;
        for (int b = 0; b < n; b++) {
            CHECK_ROW(B, h->noverflow == b);
            make_sparse(b);
        }
        CHECK_ROW(B, h->noverflow == n && !hmap_growing(h) && h->B == B);
        CHECK_ROW(B, put(&t, h, KEY(0, 50, 8), 1)); /* an update does not start it */
        del(&t, h, KEY(0, 50, 7));                  /* nor does a delete */
        CHECK_ROW(B, !hmap_growing(h));

        CHECK_ROW(B, put(&t, h, KEY(n / 2, 60, 0), 1));
        CHECK_ROW(B, h->B == B && h->noverflow == 0);
        if (B > 1) { /* with two buckets, one write does both */
            CHECK_ROW(B, hmap_growing(h) && hmap_sameSizeGrow(h) && h->nevacuate == 1);
            CHECK_ROW(B, hmap_noldbuckets(h) == (uintptr_t)n && hmap_oldbucketmask(h) == (uintptr_t)n - 1);
        }
        SOUND(&t, h, NULL);
        for (int b = 0; b < n; b++) {
            CHECK_ROW(B, get(&t, h, KEY(b, 50, 8)) == (b == 0 ? 1 : 8));
            CHECK_ROW(B, put(&t, h, KEY(b, 50, 8), 3));
        }
        CHECK_ROW(B, !hmap_growing(h) && flags_of(h) == 0);
        for (int b = 0; b < n; b++) {
            CHECK_ROW(B, bmap_overflow(bucket_at(&t, h->buckets, (uintptr_t)b), &t) == NULL);
            CHECK_ROW(B, get(&t, h, KEY(b, 50, 8)) == 3);
        }
        END();
    }
}

/* One short of the limit nothing happens. */
//= SPEC.md#S-GROW-2 type=test
//# Overflow buckets MUST be too many exactly if noverflow is at least 1<<B, or 1<<15 where B is above 15.
static void fewer_overflow_buckets_than_buckets_start_nothing(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int b = 0; b < 3; b++) {
        make_sparse(b);
    }
    CHECK(h->noverflow == 3);
    for (int i = 0; i < 8; i++) {
        CHECK(put(&t, h, KEY(3, 60, i), i));
    }
    CHECK(!hmap_growing(h) && h->noverflow == 3);
    CHECK(put(&t, h, KEY(3, 60, 8), 8)); /* takes the fourth; the decision came before */
    CHECK(!hmap_growing(h) && h->noverflow == 4);
    CHECK(put(&t, h, KEY(3, 60, 9), 9));
    CHECK(hmap_sameSizeGrow(h));
    /* old bucket 3 with its nine keys is moved: one overflow bucket again */
    CHECK(h->noverflow == 1);
    END();
}

/* Both reasons at once: the load decides. */
//= SPEC.md#S-GROW-3 type=test
static void a_loaded_map_with_many_overflow_buckets_doubles(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int b = 0; b < 4; b++) {
        make_sparse(b);
    }
    CHECK(h->count == 4 && h->noverflow == 4);
    /* A growth to the same size would come with the next key; to see the load
     * win, the count is raised by hand, as nothing else can. */
    h->count += 22;
    CHECK(put(&t, h, KEY(1, 60, 0), 1));
    h->count -= 22;
    CHECK(h->B == 3 && !hmap_sameSizeGrow(h));
    END();
}

/* B=16 and 17: an overflow bucket is counted when the low 1 or 2 bits of a
 * random word are zero.  The same words are drawn here a second time. */
//= SPEC.md#S-OVERFLOW-4 type=test
//= SPEC.md#S-OVERFLOW-5 type=test
//# From B=16 on a chained overflow bucket MUST add 1 to noverflow exactly if the low B-15 bits of one
//# fastrand are 0.
static void from_2_to_the_16_buckets_noverflow_is_a_sample(void)
{
    static const struct {
        intptr_t hint;
        uint8_t B;
        uint32_t mask;
    } rows[] = {{212992, 15, 0}, {212993, 16, 1}, {425985, 17, 3}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            gm_rand_seed(seed);
            begin(&t_int64, &t_empty, rows[i].hint);
            CHECK_ROW(i, h->B == rows[i].B);
            gm_rand state = gm_rand_state();
            uint16_t want = 0;
            for (int n = 0; n < 8 * 40; n++) {
                CHECK_ROW(i, put(&t, h, KEY(9, 200, n), 0));
                if (n > 0 && n % 8 == 0) {
                    if (rows[i].B < 16) {
                        want++; /* no word is drawn */
                    } else {
                        gm_rand now = gm_rand_state();
                        gm_rand_restore(state);
                        want = (uint16_t)(want + ((fastrand() & rows[i].mask) == 0));
                        state = gm_rand_state();
                        CHECK_ROW(i, memcmp(&now, &state, sizeof now) == 0);
                    }
                }
                CHECK_ROW(i, h->noverflow == want);
            }
            CHECK_ROW(i, chain_length(&t, bucket_at(&t, h->buckets, 9)) == 39);
            gm_map_free(&t, h);
        }
    }
}

/* ---- what is left of the old bucket ----------------------------------- */

/* Marks of 8 old slots, and are key, elem and overflow pointer wiped? */
static bool wiped(bmap *old)
{
    const unsigned char *p = (const unsigned char *)old;
    for (size_t i = dataOffset; i < t.bucketsize; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

//= SPEC.md#S-EVACUATE-13 type=test
//# An evacuation while the flag oldIterator is set MUST leave key slots, elem slots and overflow pointers of
//# the old chain as they are.
//= SPEC.md#S-EVACUATE-14 type=test
//# When the flag oldIterator is not set, the main bucket of an evacuated chain MUST be zeroed behind its
//# tophash bytes if the bucket type has pointers, and left if not.
//= SPEC.md#S-GROW-7 type=test
//# A growth MUST start with the flag oldIterator as the flag iterator was, and the flag iterator off.
static void an_evacuated_bucket_is_wiped_if_it_has_pointers_and_no_iterator(void)
{
    static const struct {
        const rtype *key;
        bool iterated, want;
    } rows[] = {{&t_int64, false, false},
                {&t_int64, true, false},
                {&t_bytes129, false, true},
                {&t_bytes129, true, false}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        begin(rows[i].key, &t_int64, 26);
        for (int64_t k = 0; k < 26; k++) {
            CHECK_ROW(i, put(&t, h, k, k + 1));
        }
        hiter it = {0};
        if (rows[i].iterated) {
            mapiterinit(&t, h, &it);
            CHECK_ROW(i, flags_of(h) == (iterator | oldIterator));
        }
        CHECK_ROW(i, put(&t, h, 26, 27));
        CHECK_ROW(i, hmap_growing(h));
        CHECK_ROW(i, flags_of(h) == (rows[i].iterated ? oldIterator : 0));
        bmap *old = bucket_at(&t, h->oldbuckets, 2);
        CHECK_ROW(i, evacuated(old) && old->tophash[0] == evacuatedX && old->tophash[1] == evacuatedY);
        CHECK_ROW(i, wiped(old) == rows[i].want);
        CHECK_ROW(i, !wiped(bucket_at(&t, h->oldbuckets, 1)));
        gm_iter_end(&it);
        END();
    }
}

int main(void)
{
    gm_rand_seed(1);
    the_load_makes_the_map_double_at_13_halves();
    the_load_counts_whatever_the_keys_collide();
    a_map_made_with_a_hint_grows_one_entry_beyond_it();
    evacuation_splits_a_bucket_by_the_next_bit();
    evacuation_closes_the_holes();

    every_write_evacuates_two_buckets_and_reads_none();
    the_mark_looks_at_1024_buckets_at_a_time();

    as_many_overflow_buckets_as_buckets_start_a_growth_to_the_same_size();
    fewer_overflow_buckets_than_buckets_start_nothing();
    a_loaded_map_with_many_overflow_buckets_doubles();
    from_2_to_the_16_buckets_noverflow_is_a_sample();

    an_evacuated_bucket_is_wiped_if_it_has_pointers_and_no_iterator();
    return 0;
}
