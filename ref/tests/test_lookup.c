/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_lookup.c: access and assignment: which slots are looked at, what is
 * found, in which array, and what assigning to an existing key changes.
 */
#include "one_map.h"

/* ---- slots ------------------------------------------------------------ */

//= SPEC.md#S-TOPHASH-1 type=test
//# The tophash of a hash MUST be its top byte, plus 5 if that is below 5.
//= SPEC.md#S-TOPHASH-2 type=test
//# A tophash byte MUST be one of the states below or, from 5 on, the tophash of an entry.
static void tophash_keeps_clear_of_the_slot_states(void)
{
    for (uintptr_t top = 0; top < 256; top++) {
        uintptr_t hash = top << (PtrSize * 8 - 8);
        uint8_t want = (uint8_t)(top < 5 ? top + 5 : top);
        CHECK_ROW(top, tophash(hash) == want);
        CHECK_ROW(top, tophash(hash | 0xffffff) == want); /* only the top byte counts */
    }
}

//= SPEC.md#S-TOPHASH-3 type=test
//# A slot MUST count as free exactly where its tophash is emptyRest or emptyOne.
//= SPEC.md#S-TOPHASH-4 type=test
//# A chain MUST count as evacuated exactly where the tophash of its first slot is evacuatedX, evacuatedY or
//# evacuatedEmpty.
static void empty_and_evacuated_are_told_by_tophash(void)
{
    for (unsigned top = 0; top < 256; top++) {
        bmap b = {{(uint8_t)top, 7, 7, 7, 7, 7, 7, 7}};
        CHECK_ROW(top, isEmpty((uint8_t)top) == (top == 0 || top == 1));
        CHECK_ROW(top, evacuated(&b) == (top == 2 || top == 3 || top == 4));
    }
}

/* Does any of the three find k?  All must agree. */
static bool found(int64_t k)
{
    test_key key = key_of(k);
    bool ok;
    void *elem;
    void *e2 = mapaccess2(&t, h, key.bytes, &ok);
    void *e1 = mapaccess1(&t, h, key.bytes);
    void *k1 = mapaccessK(&t, h, key.bytes, &elem);
    CHECK(e1 == e2);
    CHECK(ok == (e1 != zeroVal));
    CHECK(ok == (k1 != NULL));
    CHECK(elem == (ok ? e1 : NULL));
    CHECK(k1 == NULL || key_at(k1) == k);
    return ok;
}

/* Slots 0 to 7 and an overflow bucket; one slot at a time is marked by hand. */
//= SPEC.md#S-LOOKUP-5 type=test
//# A search MUST go through slots 0 to 7 of each bucket of the chain, from the main bucket to the last, and
//# end at emptyRest but at no other state.
static void a_search_ends_at_emptyRest_and_goes_past_emptyOne(void)
{
    begin(&t_int64, &t_int64, 14);
    for (int i = 0; i < 12; i++) {
        CHECK(put(&t, h, KEY(2, 0x80 + i, 0), i));
    }
    bmap *b = bucket_at(&t, h->buckets, 2);
    for (int at = 0; at < 12; at++) {
        bmap *in = at < 8 ? b : bmap_overflow(b, &t);
        uint8_t *slot = &in->tophash[at % 8];
        uint8_t was = *slot;
        CHECK(was == 0x80 + at);
        for (uint8_t mark = emptyRest; mark <= emptyOne; mark++) {
            *slot = mark;
            for (int i = 0; i < 12; i++) {
                CHECK_ROW(at, found(KEY(2, 0x80 + i, 0)) == (i < at || (i > at && mark == emptyOne)));
            }
        }
        *slot = was;
    }
    END();
}

static unsigned compared;

static bool equal_counting(const rtype *key, const void *p, const void *q)
{
    compared++;
    return memequal(key, p, q);
}

static const rtype t_counting = {.size = 8,
                                 .align = PtrSize,
                                 .kind = kindInt64,
                                 .regularMemory = true,
                                 .equal = equal_counting,
                                 .name = "int64"};

//= SPEC.md#S-LOOKUP-6 type=test
//# A search MUST compare a key only with keys that have its tophash, and take the first that is equal.
//= SPEC.md#S-TOPHASH-8 type=test
//# The tophash beside an entry MUST be that of its key's hash.
static void keys_are_compared_only_where_tophash_agrees(void)
{
    begin(&t_counting, &t_int64, 0);
    for (int i = 0; i < 4; i++) {
        CHECK(put(&t, h, KEY(0, 100, i), i)); /* each meets all before it */
    }
    CHECK(compared == 0 + 1 + 2 + 3);
    CHECK(put(&t, h, KEY(0, 101, 0), 9));
    CHECK(compared == 6);
    compared = 0;
    CHECK(get(&t, h, KEY(0, 101, 0)) == 9 && compared == 1);
    CHECK(get(&t, h, KEY(0, 100, 2)) == 2 && compared == 1 + 3);
    CHECK(!has(&t, h, KEY(0, 100, 7)) && compared == 4 + 4);
    CHECK(!has(&t, h, KEY(0, 102, 0)) && compared == 8);
    END();
}

//= SPEC.md#S-BUCKET-3 type=test
//# buckets MUST be an array of 1<<B main buckets, and the main bucket of a key the one whose number is the
//# low B bits of its hash.
static void the_low_bits_of_the_hash_choose_the_bucket(void)
{
    begin(&t_int64, &t_int64, 53); /* B=4 */
    for (int64_t k = 0; k < 64; k++) {
        CHECK(put(&t, h, KEY(k, 0x40 + k, 0), k));
    }
    for (int64_t k = 0; k < 64; k++) {
        bmap *b = bucket_at(&t, h->buckets, (uintptr_t)(k % 16));
        CHECK_ROW(k, b->tophash[k / 16] == 0x40 + k);
        CHECK_ROW(k, key_at(key_slot(&t, b, (uintptr_t)k / 16)) == KEY(k, 0x40 + k, 0));
        CHECK_ROW(k, key_at(elem_slot(&t, b, (uintptr_t)k / 16)) == k);
    }
    END();
}

/* ---- nothing to find -------------------------------------------------- */

//= SPEC.md#S-LOOKUP-1 type=test
//# A lookup in a nil or empty map MUST find nothing.
//= SPEC.md#S-LOOKUP-8 type=test
//# A lookup that does not find the key MUST give the address of a zero elem, and false where it also tells
//# whether the key was there.
//= SPEC.md#S-LOOKUP-10 type=test
//# The lookup for iterators MUST give both key and elem as they lie in the map, or neither.
static void absent_keys_read_as_the_shared_zero(void)
{
    int64_t key = 5;
    bool ok = true;
    void *elem = &key;
    begin(&t_int64, &t_int64, 0);
    hmap *maps[] = {NULL, h};
    for (size_t i = 0; i < LENGTH(maps); i++) {
        CHECK(mapaccess1(&t, maps[i], &key) == zeroVal);
        ok = true;
        CHECK(mapaccess2(&t, maps[i], &key, &ok) == zeroVal && !ok);
        elem = &key;
        CHECK(mapaccessK(&t, maps[i], &key, &elem) == NULL && elem == NULL);
    }
    CHECK(put(&t, h, 6, 6));
    CHECK(!found(5) && found(6));
    END();
}

//= SPEC.md#S-LOOKUP-9 type=test
//# For elems of more than 1024 bytes the zero elem MUST be the one that the caller brings.
static void large_elems_have_the_callers_zero(void)
{
    unsigned char zero[1025] = {0};
    int64_t one = 1, two = 2;
    bool ok;
    begin(&t_int64, &t_bytes1025, 0);
    CHECK(mapaccess1_fat(&t, NULL, &one, zero) == zero);
    CHECK(mapaccess1_fat(&t, h, &one, zero) == zero);
    unsigned char *e = mapassign(&t, h, &one);
    CHECK(e != NULL && memcmp(e, zero, sizeof zero) == 0);
    memset(e, 7, 1025);
    CHECK(mapaccess1_fat(&t, h, &one, zero) == e);
    CHECK(mapaccess2_fat(&t, h, &one, zero, &ok) == e && ok);
    CHECK(mapaccess1_fat(&t, h, &two, zero) == zero);
    CHECK(mapaccess2_fat(&t, h, &two, zero, &ok) == zero && !ok);
    END();
}

static int64_t hashed_with;

static uintptr_t hash_recording(const rtype *key, const void *p, uintptr_t seed)
{
    hashed_with = (int64_t)seed;
    return hash_parts(key, p, 0);
}

/* An empty map hashes only keys that may panic, with seed 0. */
//= SPEC.md#S-HASH-2 type=test
//# Every hash that places or finds an entry MUST be taken under the map's seed, hash0, as it is at that
//# moment.
static void the_hasher_gets_the_seed_of_the_map(void)
{
    begin(&t_int64, &t_int64, 0);
    t.hasher = hash_recording;
    hashed_with = -1;
    CHECK(!has(&t, h, 1));
    del(&t, h, 1);
    CHECK(hashed_with == -1);

    t.flags |= 16;
    CHECK(!has(&t, h, 1) && hashed_with == 0);
    hashed_with = -1;
    del(&t, h, 1);
    CHECK(hashed_with == 0);
    hashed_with = -1;
    CHECK(!has(&t, NULL, 1) && hashed_with == 0);

    CHECK(h->hash0 != 0);
    CHECK(put(&t, h, 1, 1) && hashed_with == (int64_t)h->hash0);
    hashed_with = -1;
    CHECK(has(&t, h, 1) && hashed_with == (int64_t)h->hash0);
    hashed_with = -1;
    del(&t, h, 2);
    CHECK(hashed_with == (int64_t)h->hash0);
    END();
}

/* ---- while the map grows ---------------------------------------------- */

/* Keys 0 to 26, growing from 4 to 8 buckets; see test_grow.c for the marks.
 * The write of 26 has evacuated old buckets 2 and 0. */
//= SPEC.md#S-LOOKUP-3 type=test
//# While a growth goes on a lookup MUST read the old bucket of the key, unless that is evacuated.
//= SPEC.md#S-LOOKUP-11 type=test
//# A lookup MUST NOT change the map, nor do growth work.
static void lookups_follow_evacuated_buckets_and_do_no_work(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int64_t k = 0; k <= 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(hmap_growing(h) && h->nevacuate == 1);
    for (int64_t k = 0; k <= 26; k++) {
        CHECK_ROW(k, found(k));
        test_key key = key_of(k);
        void *at = mapaccess1(&t, h, key.bytes);
        void *want; /* keys were inserted in order: the old bucket has k at slot k/4, the new one at k/8 */
        if (k % 4 == 0 || k % 4 == 2) {
            want = elem_slot(&t, bucket_at(&t, h->buckets, (uintptr_t)k % 8), (uintptr_t)k / 8);
        } else {
            want = elem_slot(&t, bucket_at(&t, h->oldbuckets, (uintptr_t)k % 4), (uintptr_t)k / 4);
        }
        CHECK_ROW(k, at == want);
    }
    for (int64_t k = 27; k < 60; k++) {
        CHECK_ROW(k, !found(k));
    }
    CHECK(hmap_growing(h) && h->nevacuate == 1);
    END();
}

/* Growth to the same number of buckets: the old bucket has the same number. */
//= SPEC.md#S-LOOKUP-4 type=test
//# The old bucket of a key MUST be chosen by one bit less of its hash where the map doubles, and by as many
//# bits where it grows to the same size.
static void lookups_in_a_growth_to_the_same_size_use_the_whole_mask(void)
{
    begin_same_size_growth(&t_int64);
    for (int b = 0; b < 4; b++) {
        CHECK(get(&t, h, KEY(b, 50, 8)) == 8 && found(KEY(b, 50, 8)));
        CHECK(!found(KEY(b, 50, 7)));
    }
    CHECK(found(KEY(1, 60, 0)));
    END();
}

/* ---- assigning to an existing key ------------------------------------- */

//= SPEC.md#S-ASSIGN-3 type=test
//# An assignment MUST search the whole chain for the key, and where it is found update that entry instead of
//# inserting another.
//= SPEC.md#S-ASSIGN-5 type=test
//# An update MUST change nothing but that entry, beyond the growth work, and start no growth.
//= SPEC.md#S-BUCKET-10 type=test
//# No two entries of a map MUST have equal keys.
static void assigning_twice_keeps_one_entry_in_its_slot(void)
{
    begin(&t_int64, &t_int64, 0);
    int64_t key = 3;
    void *e = mapassign(&t, h, &key);
    CHECK(e != NULL && key_at(e) == 0);
    CHECK(mapassign(&t, h, &key) == e);
    CHECK(h->count == 1);
    END();
}

static int64_t zero_bits(void)
{
    bmap *b = bucket_at(&t, h->buckets, 0);
    return key_at(key_slot(&t, b, 0));
}

//= SPEC.md#S-ASSIGN-4 type=test
//# An update MUST store the key again where the type needs it (S-TYPE-5), and leave the first key where not.
static void the_key_is_stored_again_where_equal_keys_can_differ(void)
{
    double plus = 0.0, minus = -0.0;
    int64_t plusbits, minusbits;
    memcpy(&plusbits, &plus, sizeof plus);
    memcpy(&minusbits, &minus, sizeof minus);
    CHECK(plusbits != minusbits);

    begin(&t_float64, &t_int64, 0);
    t.hasher = typehash;
    CHECK(mapassign(&t, h, &plus) != NULL);
    CHECK(zero_bits() == plusbits);
    CHECK(mapassign(&t, h, &minus) != NULL);
    CHECK(h->count == 1 && zero_bits() == minusbits);
    CHECK(mapaccess1(&t, h, &plus) != zeroVal);
    CHECK(zero_bits() == minusbits); /* reading stores nothing */
    END();

    const char one[] = "same bytes", two[] = "same bytes";
    const stringStruct s1 = {one, sizeof one - 1}, s2 = {two, sizeof two - 1};
    stringStruct in;
    begin(&t_string, &t_int64, 0);
    t.hasher = typehash;
    CHECK(mapassign(&t, h, &s1) != NULL && mapassign(&t, h, &s2) != NULL);
    CHECK(h->count == 1);
    memcpy(&in, key_slot(&t, bucket_at(&t, h->buckets, 0), 0), sizeof in);
    CHECK(in.str == two);
    END();
}

static bool equal_by_first_byte(const rtype *key, const void *p, const void *q)
{
    (void)key;
    return memcmp(p, q, 1) == 0;
}

static uintptr_t hash_zero(const rtype *key, const void *p, uintptr_t seed)
{
    (void)key;
    (void)p;
    (void)seed;
    return 0;
}

/* The type claims that equal keys are the same; the first one stays.  With an
 * indirect key, either way what the slot points to is written, not the slot. */
//= SPEC.md#S-ASSIGN-4 type=test
static void the_first_key_stays_where_equal_keys_are_the_same(void)
{
    for (int indirect = 0; indirect <= 1; indirect++) {
        for (int update = 0; update <= 1; update++) {
            unsigned char a[129] = {1, 10}, b[129] = {1, 20};
            rtype key = indirect ? t_bytes129 : t_bytes127;
            key.equal = equal_by_first_byte;
            begin(&key, &t_int64, 0);
            t.hasher = hash_zero;
            t.flags = (t.flags & ~8U) | (update ? 8U : 0);

            CHECK(mapassign(&t, h, a) != NULL);
            void *slot = key_slot(&t, bucket_at(&t, h->buckets, 0), 0);
            unsigned char *stored = indirect ? gm_loadp(slot) : slot;
            CHECK(stored[0] == 1 && stored[1] == 10);
            CHECK(mapassign(&t, h, b) != NULL);
            CHECK(h->count == 1);
            CHECK(!indirect || gm_loadp(slot) == (void *)stored);
            CHECK(stored[1] == (update ? 20 : 10));
            CHECK(memcmp(stored, update ? b : a, key.size) == 0);
            END();
        }
    }
}

/* ---- sizes ------------------------------------------------------------ */

//= SPEC.md#S-BUCKET-7 type=test
//# An indirect slot MUST hold the address of the key or elem, and whatever reads, compares, hashes or returns
//# the key or elem follow it.
//= SPEC.md#S-LOOKUP-7 type=test
//# A lookup that finds the key MUST give the elem's address, in its slot or behind the slot's pointer.
//= SPEC.md#S-LOOKUP-10 type=test
//= SPEC.md#S-ASSIGN-10 type=test
//# A new entry with an indirect key or elem MUST get zeroed memory of its own for it, of the type's size,
//# with its address in the slot.
//= SPEC.md#S-ASSIGN-12 type=test
//# An assignment MUST return the address of the entry's elem, which is zero if the entry is new.
static void keys_and_elems_beyond_128_bytes_lie_outside_the_bucket(void)
{
    static const struct {
        const rtype *key, *elem;
        bool indirectkey, indirectelem;
    } rows[] = {
        {&t_bytes128, &t_bytes128, false, false},
        {&t_bytes129, &t_bytes128, true, false},
        {&t_bytes128, &t_bytes129, false, true},
        {&t_bytes129, &t_bytes129, true, true},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        begin(rows[i].key, rows[i].elem, 0);
        test_key key;
        memset(&key, 0, sizeof key);
        for (unsigned n = 0; n < 128; n++) {
            key.bytes[n] = (unsigned char)n;
        }
        size_t blocks = gm_mem_stats_get().live_blocks;
        unsigned char *e = mapassign(&t, h, key.bytes);
        CHECK_ROW(i, e != NULL);
        unsigned outside = (unsigned)rows[i].indirectkey + rows[i].indirectelem;
        CHECK_ROW(i, gm_mem_stats_get().live_blocks == blocks + 1 + outside); /* and the first bucket */
        memset(e, 0x5a, rows[i].elem->size);
        bmap *b = bucket_at(&t, h->buckets, 0);
        void *k = key_slot(&t, b, 0), *v = elem_slot(&t, b, 0);
        k = rows[i].indirectkey ? gm_loadp(k) : k;
        v = rows[i].indirectelem ? gm_loadp(v) : v;
        CHECK_ROW(i, memcmp(k, key.bytes, rows[i].key->size) == 0);
        CHECK_ROW(i, v == (void *)e);
        CHECK_ROW(i, mapaccess1(&t, h, key.bytes) == (void *)e);
        void *elem;
        CHECK_ROW(i, mapaccessK(&t, h, key.bytes, &elem) == k && elem == (void *)e);
        END();
    }
}

//= SPEC.md#S-BUCKET-6 type=test
//# A bucket MUST be eight tophash bytes, eight key slots, eight elem slots and the overflow pointer, in this
//# order and without padding.
static void keys_without_bytes_are_one_key(void)
{
    begin(&t_empty, &t_int64, 0);
    t.hasher = hash_zero;
    unsigned char nothing = 0;
    CHECK(mapassign(&t, h, &nothing) != NULL);
    CHECK(mapassign(&t, h, &nothing) != NULL);
    CHECK(h->count == 1);
    bool ok;
    mapaccess2(&t, h, &nothing, &ok);
    CHECK(ok);
    mapdelete(&t, h, &nothing);
    CHECK(h->count == 0);
    END();
}

int main(void)
{
    gm_rand_seed(1);
    tophash_keeps_clear_of_the_slot_states();
    empty_and_evacuated_are_told_by_tophash();
    a_search_ends_at_emptyRest_and_goes_past_emptyOne();
    keys_are_compared_only_where_tophash_agrees();
    the_low_bits_of_the_hash_choose_the_bucket();

    absent_keys_read_as_the_shared_zero();
    large_elems_have_the_callers_zero();
    the_hasher_gets_the_seed_of_the_map();

    lookups_follow_evacuated_buckets_and_do_no_work();
    lookups_in_a_growth_to_the_same_size_use_the_whole_mask();

    assigning_twice_keeps_one_entry_in_its_slot();
    the_key_is_stored_again_where_equal_keys_can_differ();
    the_first_key_stays_where_equal_keys_are_the_same();

    keys_and_elems_beyond_128_bytes_lie_outside_the_bucket();
    keys_without_bytes_are_one_key();
    return 0;
}
