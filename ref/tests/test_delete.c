/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_delete.c: what deleting and clearing leave behind in the slots, and
 * that neither needs memory.
 */
#include "one_map.h"

static test_memory memory;

/* ---- slot states ------------------------------------------------------ */

enum { chain = 20 }; /* entries of the chain under test: buckets with 8, 8 and 4 */

/* Key number i of the chain, in bucket 1; its tophash is visible as a letter. */
static int64_t nth(int i)
{
    return KEY(1, 'a' + i, 0);
}

/* B=2: nothing grows while the chain is built and emptied. */
static void build_chain(int n)
{
    begin(&t_int64, &t_int64, 26);
    for (int i = 0; i < n; i++) {
        CHECK(put(&t, h, nth(i), i));
    }
    CHECK(h->B == 2 && !hmap_growing(h));
}

/* The chain of bucket 1 as text: a letter for an entry, - for emptyOne, . for
 * emptyRest, | between buckets. */
static const char *chain_text(void)
{
    static char text[64];
    size_t n = 0;
    for (bmap *b = bucket_at(&t, h->buckets, 1); b != NULL; b = bmap_overflow(b, &t)) {
        if (n > 0) {
            text[n++] = '|';
        }
        for (int i = 0; i < bucketCnt; i++) {
            uint8_t top = b->tophash[i];
            text[n++] = (char)(top == emptyRest ? '.' : top == emptyOne ? '-' : top);
        }
    }
    text[n] = '\0';
    return text;
}

//= SPEC.md#S-DELETE-6 type=test
//# The slot of a removed entry MUST become emptyOne if an entry follows it in the chain.
//= SPEC.md#S-DELETE-7 type=test
//# The slot of a removed entry that nothing follows MUST become emptyRest, and so MUST the run of emptyOne
//# before it, back over bucket borders to the head of the chain.
static void an_emptied_slot_becomes_emptyRest_only_where_nothing_follows(void)
{
    static const struct {
        int n;
        const char *deletes; /* in this order */
        const char *want;
    } rows[] = {
        /* one bucket: not the last, the last, and back over the holes before it */
        {3, "a", "-bc....."},
        {3, "b", "a-c....."},
        {3, "c", "ab......"},
        {3, "bc", "a......."},
        {3, "cb", "a......."},
        {3, "ab", "--c....."},
        {3, "abc", "........"},
        {8, "h", "abcdefg."},
        {8, "gh", "abcdef.."},
        {8, "ag", "-bcdef-h"},
        /* over the border of two buckets, both ways */
        {10, "h", "abcdefg-|ij......"},
        {10, "i", "abcdefgh|-j......"},
        {10, "j", "abcdefgh|i......."},
        {10, "ij", "abcdefgh|........"},
        {10, "hij", "abcdefg.|........"},
        {10, "ghij", "abcdef..|........"},
        {10, "fhij", "abcde-g.|........"},
        {10, "ijh", "abcdefg.|........"}, /* the overflow bucket is empty by then */
        {10, "abcdefghi", "--------|-j......"},
        {10, "abcdefghij", "........|........"},
        {10, "jihgfedcba", "........|........"},
        /* three buckets; from the middle one, back to the first and not further */
        {20, "t", "abcdefgh|ijklmnop|qrs....."},
        {20, "qrst", "abcdefgh|ijklmnop|........"},
        {20, "pqrst", "abcdefgh|ijklmno.|........"},
        {20, "ijklmnopqrst", "abcdefgh|........|........"},
        {20, "hijklmnopqrst", "abcdefg.|........|........"},
        {20, "ijklmnopqrs", "abcdefgh|--------|---t...."},
        {20, "qrstp", "abcdefgh|ijklmno.|........"},
        {20, "qrsti", "abcdefgh|-jklmnop|........"},
        {20, "abcdefghijklmnopqrst", "........|........|........"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        build_chain(rows[i].n);
        for (const char *d = rows[i].deletes; *d != '\0'; d++) {
            del(&t, h, nth(*d - 'a'));
        }
        if (strcmp(chain_text(), rows[i].want) != 0) {
            fprintf(stderr, "after deleting %s: %s\n", rows[i].deletes, chain_text());
        }
        CHECK_ROW(i, strcmp(chain_text(), rows[i].want) == 0);
        END();
    }
}

/* What the states mean: a free slot is emptyRest if and only if no slot behind
 * it in the chain is in use. */
static void check_states(const bool *live)
{
    const char *text = chain_text();
    int last = -1;
    for (int i = 0; i < chain; i++) {
        if (live[i]) {
            last = i;
        }
    }
    for (int i = 0; i < 24; i++) {
        char want = (char)(i < chain && live[i] ? 'a' + i : i < last ? '-' : '.');
        CHECK_ROW(i, text[i + i / 8] == want);
    }
}

/* Every pair of positions, then both orders; and 200 random orders of all. */
//= SPEC.md#S-TOPHASH-6 type=test
//# Behind a slot that is emptyRest there MUST be nothing but emptyRest in its chain.
//= SPEC.md#S-TOPHASH-7 type=test
//# A free slot with no entry behind it in its chain MUST be emptyRest and not emptyOne.
//= SPEC.md#S-DELETE-8 type=test
//# A removed entry MUST be taken off count.
static void the_states_are_right_after_any_deletes(void)
{
    for (int i = 0; i < chain; i++) {
        for (int j = 0; j < chain; j++) {
            bool live[chain];
            memset(live, true, sizeof live);
            build_chain(chain);
            del(&t, h, nth(i));
            live[i] = false;
            check_states(live);
            del(&t, h, nth(j));
            live[j] = false;
            check_states(live);
            END();
        }
    }

    gm_rand_seed(42);
    for (int round = 0; round < 200; round++) {
        snprintf(test_case(), test_case_size, " (round %d of seed 42)", round);
        bool live[chain];
        memset(live, true, sizeof live);
        build_chain(chain);
        for (int left = chain; left > 0; left--) {
            int i = (int)(fastrand() % chain);
            while (!live[i]) {
                i = (i + 1) % chain;
            }
            del(&t, h, nth(i));
            live[i] = false;
            check_states(live);
            for (int k = 0; k < chain; k++) {
                CHECK(has(&t, h, nth(k)) == live[k]);
            }
        }
        CHECK(h->count == 0);
        END();
    }
    *test_case() = '\0';
}

//= SPEC.md#S-ASSIGN-6 type=test
//# A new entry MUST go into the first free slot of its chain.
static void holes_are_filled_again_from_the_front(void)
{
    build_chain(10);
    del(&t, h, nth(8));
    del(&t, h, nth(5));
    del(&t, h, nth(1));
    CHECK(strcmp(chain_text(), "a-cde-gh|-j......") == 0);
    CHECK(put(&t, h, nth(10), 1));
    CHECK(strcmp(chain_text(), "akcde-gh|-j......") == 0);
    CHECK(put(&t, h, nth(11), 1));
    CHECK(strcmp(chain_text(), "akcdelgh|-j......") == 0);
    CHECK(put(&t, h, nth(12), 1));
    CHECK(strcmp(chain_text(), "akcdelgh|mj......") == 0);
    CHECK(put(&t, h, nth(13), 1));
    CHECK(strcmp(chain_text(), "akcdelgh|mjn.....") == 0);
    CHECK(h->noverflow == 1);
    END();
}

/* A hole in front of the key does not make assigning move or double it. */
//= SPEC.md#S-ASSIGN-3 type=test
//# An assignment MUST search the whole chain for the key, and where it is found update that entry instead of
//# inserting another.
static void a_key_behind_a_hole_is_found_by_assignment(void)
{
    build_chain(10);
    del(&t, h, nth(0));
    CHECK(put(&t, h, nth(9), 77));
    CHECK(strcmp(chain_text(), "-bcdefgh|ij......") == 0);
    CHECK(get(&t, h, nth(9)) == 77 && h->count == 9);
    END();
}

/* What would stand behind an emptyRest is not looked for by a delete either, and
 * an assignment takes that slot. */
static void writers_end_their_search_at_emptyRest(void)
{
    begin(&t_int64, &t_int64, 14);
    for (int i = 0; i < 8; i++) {
        CHECK(put(&t, h, KEY(2, 0x80 + i, 0), i));
    }
    bmap *b = bucket_at(&t, h->buckets, 2);
    b->tophash[3] = emptyRest;
    del(&t, h, KEY(2, 0x85, 0));
    CHECK(b->tophash[5] == 0x85 && h->count == 8);
    CHECK(put(&t, h, KEY(2, 0x85, 0), 50));
    CHECK(b->tophash[3] == 0x85 && key_at(elem_slot(&t, b, 3)) == 50);
    CHECK(key_at(elem_slot(&t, b, 5)) == 5 && h->count == 9);
    b->tophash[5] = emptyOne; /* the same key twice is no sound map */
    memset(elem_slot(&t, b, 5), 0, sizeof(int64_t));
    h->count = 7;
    END();
}

//= SPEC.md#S-DELETE-10 type=test
//# A deletion MUST move no entry and unlink no overflow bucket.
static void an_emptied_overflow_bucket_stays_and_is_used_again(void)
{
    build_chain(10);
    del(&t, h, nth(8));
    del(&t, h, nth(9));
    CHECK(chain_length(&t, bucket_at(&t, h->buckets, 1)) == 1 && h->noverflow == 1);
    size_t blocks = gm_mem_stats_get().live_blocks;
    CHECK(put(&t, h, nth(11), 1));
    CHECK(strcmp(chain_text(), "abcdefgh|l.......") == 0);
    CHECK(h->noverflow == 1 && gm_mem_stats_get().live_blocks == blocks);
    END();
}

/* ---- slot contents ---------------------------------------------------- */

static bool all_zero(const void *p, size_t n)
{
    const unsigned char *bytes = p;
    while (n > 0 && bytes[n - 1] == 0) {
        n--;
    }
    return n == 0;
}

/* The elem is wiped in any case; the key only where it holds pointers. */
//= SPEC.md#S-DELETE-4 type=test
//# The key of a removed entry MUST be zeroed in its slot if it is indirect or holds pointers, and left there
//# if not.
//= SPEC.md#S-DELETE-5 type=test
//# The elem slot of a removed entry MUST be zeroed, whatever its type.
//= SPEC.md#S-BUCKET-9 type=test
//# A free slot MUST hold a zero elem, and a zero key where keys hold pointers.
//= SPEC.md#S-ASSIGN-12 type=test
//# An assignment MUST return the address of the entry's elem, which is zero if the entry is new.
static void a_deleted_slot_keeps_at_most_its_key(void)
{
    static const struct {
        const rtype *key, *elem;
        bool keeps;
    } rows[] = {
        {&t_int64, &t_int64, true},    {&t_bytes128, &t_bytes128, true},  {&t_bytes129, &t_int64, false},
        {&t_int64, &t_bytes129, true}, {&t_bytes129, &t_bytes129, false},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        begin(rows[i].key, rows[i].elem, 0);
        test_key key = key_of(KEY(0, 9, 1));
        CHECK_ROW(i, put(&t, h, 1, 1) && put(&t, h, 2, 2));
        void *e = mapassign(&t, h, key.bytes);
        CHECK_ROW(i, e != NULL);
        memset(e, 0xff, rows[i].elem->size);
        bmap *b = bucket_at(&t, h->buckets, 0);
        mapdelete(&t, h, key.bytes);
        CHECK_ROW(i, all_zero(elem_slot(&t, b, 2), t.elemsize));
        CHECK_ROW(i, all_zero(key_slot(&t, b, 2), t.keysize) == !rows[i].keeps);
        if (rows[i].keeps) {
            CHECK_ROW(i, memcmp(key_slot(&t, b, 2), key.bytes, t.keysize) == 0);
        }
        /* m[k] += 1 on the slot used again begins at zero */
        e = mapassign(&t, h, key.bytes);
        CHECK_ROW(i, e != NULL && all_zero(e, rows[i].elem->size));
        CHECK_ROW(i, b->tophash[2] == 9);
        END();
    }

    begin(&t_string, &t_string, 0);
    t.hasher = typehash;
    stringStruct s = {"key", 3};
    void *e = mapassign(&t, h, &s);
    CHECK(e != NULL);
    memcpy(e, &s, sizeof s);
    mapdelete(&t, h, &s);
    bmap *b = bucket_at(&t, h->buckets, 0);
    CHECK(all_zero(key_slot(&t, b, 0), t.keysize) && all_zero(elem_slot(&t, b, 0), t.elemsize));
    END();
}

//= SPEC.md#S-DELETE-3 type=test
//# A deletion MUST remove the entry with that key, and where there is none leave all entries as they are.
//= SPEC.md#S-DELETE-1 type=test
//# A deletion from a nil or empty map MUST do nothing but hash the key, under seed 0, where hashing can
//# panic.
static void deleting_a_missing_key_changes_nothing(void)
{
    build_chain(10);
    hmap before = {0};
    size_t bytes = (size_t)4 * t.bucketsize;
    void *copy = malloc(bytes);
    CHECK(copy != NULL);
    memcpy(copy, h->buckets, bytes);
    memcpy(&before, h, sizeof before);
    del(&t, h, nth(11));
    del(&t, h, KEY(1, 'a', 1)); /* same hash as a key that is there */
    del(&t, h, KEY(2, 'a', 0)); /* empty bucket */
    CHECK(memcmp(copy, h->buckets, bytes) == 0);
    CHECK(memcmp(&before, h, sizeof before) == 0);
    free(copy);
    mapdelete(&t, NULL, &bytes);
    END();
}

/* ---- the seed --------------------------------------------------------- */

//= SPEC.md#S-DELETE-9 type=test
//# A deletion that empties the map MUST draw a new hash0, and no other deletion.
//= SPEC.md#S-CLEAR-1 type=test
//# Clearing a nil or empty map MUST do nothing.
//= SPEC.md#S-CLEAR-6 type=test
//# Clearing MUST draw a new hash0.
static void emptying_the_map_gives_it_a_new_seed(void)
{
    build_chain(3);
    uint32_t seed = h->hash0;
    del(&t, h, nth(0));
    del(&t, h, nth(2));
    CHECK(h->hash0 == seed);
    gm_rand before = gm_rand_state();
    uint32_t next = fastrand();
    gm_rand_restore(before);
    del(&t, h, nth(1));
    CHECK(h->count == 0 && h->hash0 == next && next != seed);
    mapclear(&t, h); /* nothing to clear: the seed stays */
    CHECK(h->hash0 == next);

    CHECK(put(&t, h, nth(0), 1));
    before = gm_rand_state();
    next = fastrand();
    gm_rand_restore(before);
    mapclear(&t, h);
    CHECK(h->hash0 == next);
    END();
}

/* ---- while growing ---------------------------------------------------- */

/* 27 keys, growing from 4 to 8 buckets, old buckets 2 and 0 evacuated. */
//= SPEC.md#S-DELETE-2 type=test
//# A deletion MUST do the growth work for the key's bucket before it searches, if a growth goes on, whether
//# the key is there or not.
static void deletes_do_growth_work(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int64_t k = 0; k <= 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(h->nevacuate == 1);
    del(&t, h, 7); /* old bucket 3, then 1: the last two */
    CHECK(!hmap_growing(h) && h->nevacuate == 4);
    CHECK(!has(&t, h, 7) && h->count == 26);
    END();
}

/* B=1, 13 keys in bucket 0: two buckets.  The 14th starts a growth to B=2,
 * whose evacuation must set an overflow bucket aside. */
static void start_growth_that_cannot_evacuate(const rtype *key, const rtype *elem)
{
    begin(key, elem, 9);
    for (int i = 0; i < 13; i++) {
        CHECK(put(&t, h, KEY(0, 0x30 + i, 0), i));
    }
    CHECK(!hmap_growing(h) && h->noverflow == 1);
    test_memory_fail(&memory, 2, SIZE_MAX); /* the array can be had, the bucket cannot */
    CHECK(!put(&t, h, KEY(0, 0x30 + 13, 0), 13));
    CHECK(hmap_growing(h) && h->B == 2 && h->count == 13 && h->nevacuate == 0);
    SOUND(&t, h, NULL);
}

//= SPEC.md#S-MEMORY-17 type=test
//# A deletion MUST succeed without memory: an entry whose old bucket cannot be evacuated is removed there.
//= SPEC.md#S-MEMORY-13 type=test
//# An evacuation MUST set aside the overflow buckets that it can need before it moves anything, and give back
//# what it did not use.
static void without_memory_an_entry_is_deleted_where_it_lies(void)
{
    static const struct {
        const rtype *key, *elem;
    } rows[] = {{&t_int64, &t_int64}, {&t_bytes129, &t_int64}, {&t_bytes129, &t_bytes129}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        start_growth_that_cannot_evacuate(rows[i].key, rows[i].elem);
        bmap *old = bucket_at(&t, h->oldbuckets, 0);
        del(&t, h, KEY(0, 0x33, 0));
        CHECK_ROW(i, h->count == 12 && hmap_growing(h) && h->nevacuate == 0);
        CHECK_ROW(i, old->tophash[3] == emptyOne && old->tophash[2] == 0x32);
        CHECK_ROW(i, bucket_at(&t, h->buckets, 0)->tophash[0] == emptyRest);
        for (int k = 0; k < 13; k++) {
            CHECK_ROW(i, has(&t, h, KEY(0, 0x30 + k, 0)) == (k != 3));
        }
        SOUND(&t, h, NULL);
        del(&t, h, KEY(0, 0x33, 0)); /* twice, and one never there */
        del(&t, h, KEY(0, 0x70, 0));
        CHECK_ROW(i, h->count == 12);

        /* with memory again, what was left undone is done */
        test_memory_fail(&memory, 0, 0);
        CHECK_ROW(i, put(&t, h, KEY(0, 0x30 + 13, 0), 13));
        CHECK_ROW(i, h->count == 13 && !hmap_growing(h) && h->B == 2);
        for (int k = 0; k < 14; k++) {
            CHECK_ROW(i, has(&t, h, KEY(0, 0x30 + k, 0)) == (k != 3));
        }
        END();
    }
}

//= SPEC.md#S-MEMORY-17 type=test
static void without_memory_all_entries_can_be_deleted(void)
{
    start_growth_that_cannot_evacuate(&t_bytes129, &t_bytes129);
    for (int k = 0; k < 13; k++) {
        uint32_t seed = h->hash0;
        del(&t, h, KEY(0, 0x30 + k, 0));
        CHECK(h->count == 12 - k);
        CHECK((h->hash0 == seed) == (k < 12));
        SOUND(&t, h, NULL);
    }
    test_memory_fail(&memory, 0, 0);
    CHECK(put(&t, h, 1, 1) && h->count == 1);
    END();
}

/* ---- clear ------------------------------------------------------------ */

//= SPEC.md#S-CLEAR-2 type=test
//# Clearing MUST leave no entry, and count 0.
//= SPEC.md#S-CLEAR-4 type=test
//# Clearing MUST set noverflow to 0.
//= SPEC.md#S-CLEAR-7 type=test
//# Clearing MUST keep the array and B, wipe the array, and make its tail whole again.
static void clear_keeps_the_array_and_nothing_else(void)
{
    build_chain(20);
    void *buckets = h->buckets;
    mapclear(&t, h);
    CHECK(h->count == 0 && h->B == 2 && h->buckets == buckets);
    CHECK(h->noverflow == 0 && h->extra->overflow->overflow == NULL);
    CHECK(all_zero(buckets, (size_t)4 * t.bucketsize));
    for (int i = 0; i < 20; i++) {
        CHECK(!has(&t, h, nth(i)));
    }
    CHECK(put(&t, h, nth(4), 4) && get(&t, h, nth(4)) == 4);
    END();
    mapclear(&t, NULL);
}

//= SPEC.md#S-CLEAR-3 type=test
//# Clearing MUST end a growth that goes on: no oldbuckets, nevacuate 0, sameSizeGrow off.
static void clear_ends_growth_of_either_kind(void)
{
    /* to twice the size */
    begin(&t_bytes129, &t_int64, 26);
    for (int64_t k = 0; k <= 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(hmap_growing(h) && !hmap_sameSizeGrow(h));
    mapclear(&t, h);
    CHECK(!hmap_growing(h) && h->nevacuate == 0 && h->B == 3 && flags_of(h) == 0);
    CHECK(h->extra->oldoverflow == NULL);
    END();

    /* to the same */
    begin_same_size_growth(&t_bytes129);
    mapclear(&t, h);
    CHECK(!hmap_growing(h) && !hmap_sameSizeGrow(h) && flags_of(h) == 0 && h->B == 2);
    END();
}

int main(void)
{
    gm_rand_seed(1);
    test_memory_use(&memory);
    an_emptied_slot_becomes_emptyRest_only_where_nothing_follows();
    the_states_are_right_after_any_deletes();
    holes_are_filled_again_from_the_front();
    a_key_behind_a_hole_is_found_by_assignment();
    writers_end_their_search_at_emptyRest();
    an_emptied_overflow_bucket_stays_and_is_used_again();

    a_deleted_slot_keeps_at_most_its_key();
    deleting_a_missing_key_changes_nothing();
    emptying_the_map_gives_it_a_new_seed();

    deletes_do_growth_work();
    without_memory_an_entry_is_deleted_where_it_lies();
    without_memory_all_entries_can_be_deleted();

    clear_keeps_the_array_and_nothing_else();
    clear_ends_growth_of_either_kind();
    return 0;
}
