/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_make.c: what makemap makes of a hint: B, the bucket array, its tail of
 * preallocated overflow buckets; and the arithmetic below it.
 *
 * The numbers were worked out from map.go, msize.go and Go's table of size
 * classes, not by running the port.
 */
#include <limits.h>

#include "test.h"

/* ---- the arithmetic --------------------------------------------------- */

/* sizeclasses.go:92, without class 0 */
static const uintptr_t classes[] = {
    8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,   160,   176,   192,
    208,   224,   240,   256,   288,   320,   352,   384,   416,   448,   480,   512,   576,   640,
    704,   768,   896,   1024,  1152,  1280,  1408,  1536,  1792,  2048,  2304,  2688,  3072,  3200,
    3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912,  8192,  9472,  9728,  10240, 10880, 12288,
    13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
};

//= SPEC.md#S-MAKE-8 type=test
//# The bytes that the allocator hands out MUST be the smallest size class that holds the size, below 32768
//# bytes, and from there on the size rounded up to a multiple of 8192.
static void roundupsize_gives_the_smallest_class_that_holds_the_size(void)
{
    CHECK(LENGTH(classes) == 67);
    CHECK(roundupsize(0) == 0);
    CHECK(roundupsize(1) == 8);
    for (size_t i = 0; i < LENGTH(classes); i++) {
        CHECK_ROW(i, roundupsize(classes[i] - 1) == classes[i]);
        CHECK_ROW(i, roundupsize(classes[i]) == classes[i]);
        if (i + 1 < LENGTH(classes)) {
            CHECK_ROW(i, roundupsize(classes[i] + 1) == classes[i + 1]);
        }
    }
}

//= SPEC.md#S-MAKE-8 type=test
static void roundupsize_gives_whole_pages_from_32768_on(void)
{
    static const struct {
        uintptr_t size, want;
    } rows[] = {
        {32767, 32768},
        {32768, 32768},
        {32769, 40960},
        {40959, 40960},
        {40960, 40960},
        {40961, 49152},
        {1000000, 1007616},
        {UINTPTR_MAX / 2 + 1, UINTPTR_MAX / 2 + 1},
        {UINTPTR_MAX / 2 + 2, UINTPTR_MAX / 2 + 1 + 8192},
        /* the last sizes for which size+8192 is a word, and the first for which it is not */
        {UINTPTR_MAX - 8193, UINTPTR_MAX - 8191},
        {UINTPTR_MAX - 8192, UINTPTR_MAX - 8191},
        {UINTPTR_MAX - 8191, UINTPTR_MAX - 8191},
        {UINTPTR_MAX - 8190, UINTPTR_MAX - 8190},
        {UINTPTR_MAX, UINTPTR_MAX},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_ROW(i, roundupsize(rows[i].size) == rows[i].want);
    }
}

/* The load factor is 13/2, but up to eight entries are never too many. */
//= SPEC.md#S-GROW-1 type=test
//# A number of entries MUST be over the load factor exactly if it is more than 8 and more than 13·(1<<B)/2,
//# the half taken before the product.
static void overLoadFactor_begins_at_thirteen_halves(void)
{
    static const struct {
        uint8_t B;
        intptr_t most;
    } rows[] = {{0, 8},   {1, 13},   {2, 26},   {3, 52},    {4, 104},     {5, 208},     {6, 416},
                {7, 832}, {8, 1664}, {9, 3328}, {10, 6656}, {15, 212992}, {16, 425984}, {20, 6815744}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CHECK_ROW(i, !overLoadFactor(rows[i].most, rows[i].B));
        CHECK_ROW(i, overLoadFactor(rows[i].most + 1, rows[i].B));
        for (intptr_t n = -1; n <= 8; n++) {
            CHECK_ROW(i, !overLoadFactor(n, rows[i].B));
        }
        CHECK_ROW(i, !overLoadFactor(INTPTR_MIN, rows[i].B));
        CHECK_ROW(i, overLoadFactor(INTPTR_MAX, rows[i].B));
    }
}

//= SPEC.md#S-GROW-2 type=test
//# Overflow buckets MUST be too many exactly if noverflow is at least 1<<B, or 1<<15 where B is above 15.
static void tooManyOverflowBuckets_begins_at_as_many_as_buckets(void)
{
    for (unsigned B = 0; B <= 15; B++) {
        unsigned limit = 1U << B;
        CHECK_ROW(B, !tooManyOverflowBuckets(0, (uint8_t)B));
        CHECK_ROW(B, !tooManyOverflowBuckets((uint16_t)(limit - 1), (uint8_t)B));
        CHECK_ROW(B, tooManyOverflowBuckets((uint16_t)limit, (uint8_t)B));
        CHECK_ROW(B, tooManyOverflowBuckets(UINT16_MAX, (uint8_t)B));
    }
    for (unsigned B = 16; B < 32; B++) {
        CHECK_ROW(B, !tooManyOverflowBuckets(32767, (uint8_t)B));
        CHECK_ROW(B, tooManyOverflowBuckets(32768, (uint8_t)B));
    }
}

//= SPEC.md#S-BUCKET-3 type=test
//# buckets MUST be an array of 1<<B main buckets, and the main bucket of a key the one whose number is the
//# low B bits of its hash.
static void bucketShift_and_bucketMask(void)
{
    CHECK(bucketShift(0) == 1 && bucketMask(0) == 0);
    CHECK(bucketShift(1) == 2 && bucketMask(1) == 1);
    CHECK(bucketShift(5) == 32 && bucketMask(5) == 31);
    CHECK(bucketShift(PtrSize * 8 - 1) == UINTPTR_MAX / 2 + 1);
    CHECK(bucketMask(PtrSize * 8 - 1) == UINTPTR_MAX / 2);
}

/* ---- hints ------------------------------------------------------------ */

static test_memory memory;

//= SPEC.md#S-MAKE-3 type=test
//# makemap MUST choose the smallest B for which hint entries are not over the load factor.
static void B_is_the_smallest_that_the_hint_does_not_overload(void)
{
    static const struct {
        intptr_t hint;
        uint8_t B;
    } rows[] = {
        {INTPTR_MIN, 0}, {INT_MIN, 0}, {-1, 0},      {0, 0},          {1, 0},   {8, 0},
        {9, 1},          {13, 1},      {14, 2},      {26, 2},         {27, 3},  {52, 3},
        {53, 4},         {104, 4},     {105, 5},     {208, 5},        {209, 6}, {1000, 8},
        {6656, 10},      {6657, 11},   {100000, 14}, {INTPTR_MAX, 0}, /* more than the address space holds */
    };
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        hmap *h = makemap(&t, rows[i].hint, NULL);
        CHECK_ROW(i, h != NULL && h->B == rows[i].B && h->count == 0);
        /* buckets come with the first insertion where one bucket will do */
        CHECK_ROW(i, (h->buckets == NULL) == (rows[i].B == 0));
        CHECK_ROW(i, h->oldbuckets == NULL && h->nevacuate == 0 && h->noverflow == 0 && flags_of(h) == 0);
        SOUND(&t, h, NULL);
        gm_map_free(&t, h);
    }
}

/* On both sides of the last hint that maxAlloc allows.  The allocator refuses,
 * so the size of the request tells B. */
//= SPEC.md#S-MAKE-1 type=test
//# A hint MUST count as 0 where it does not fit a Go int, is negative, or asks for more bytes (hint times
//# bucket size) than the machine's address space, 1<<48 on 64 bits and 1<<32 - 1 on 32 bits.
static void a_hint_beyond_the_address_space_counts_as_none(void)
{
#if UINTPTR_MAX == UINT64_MAX
    /* 2^48/144 = 1954687338268.4; 13*2^37 < that <= 13*2^38, so B=39: 2^39+2^35 buckets of 144 */
    const intptr_t last = (intptr_t)INT64_C(1954687338268);
    const size_t request = (size_t)(UINT64_C(584115552256) * 144);
#else
    /* (2^32-1)/140 = 30678337.8; 13*2^21 < that <= 13*2^22, so B=23: 2^23+2^19 buckets of 140 */
    const intptr_t last = 30678337;
    const size_t request = (size_t)8912896 * 140;
#endif
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    gm_mem_stats_reset();
    CHECK(makemap(&t, last, NULL) == NULL);
    CHECK(memory.refused == gm_genHeader + request);
    CHECK(gm_mem_stats_get().failures == 1 && gm_mem_stats_get().live_blocks == 0);

    memory.refused = 0;
    hmap *h = makemap(&t, last + 1, NULL);
    CHECK(h != NULL && h->B == 0 && h->buckets == NULL);
    CHECK(memory.refused == 0);
    gm_map_free(&t, h);
}

/* Buckets of 16 bytes reach maxAlloc to the byte; only beyond it does the hint
 * count as none. */
static void a_hint_of_all_the_address_space_is_tried(void)
{
#if UINTPTR_MAX == UINT64_MAX
    const intptr_t all = (intptr_t)1 << 44;
    maptype t;
    test_type(&t, &t_empty, &t_empty, gm_exact);
    memory.refused = 0;
    CHECK(makemap(&t, all, NULL) == NULL && memory.refused != 0);
    memory.refused = 0;
    hmap *h = makemap(&t, all + 1, NULL);
    CHECK(h != NULL && h->B == 0 && memory.refused == 0);
    gm_map_free(&t, h);
#endif
}

//= SPEC.md#S-MAKE-1 type=test
static void makemap64_takes_a_hint_that_is_no_int_for_none(void)
{
    static const struct {
        int64_t hint;
        uint8_t B;
    } rows[] = {{0, 0}, {8, 0}, {9, 1}, {1000, 8}, {-1, 0}, {INT64_MIN, 0}, {INT64_MAX, 0}};
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        hmap *h = makemap64(&t, rows[i].hint, NULL);
        CHECK_ROW(i, h != NULL && h->B == rows[i].B);
        gm_map_free(&t, h);
    }

    /* The low 32 bits of this one ask for B=8.  On 64-bit it is an int like
     * any other: 13*2^28 < 2^32+1000 <= 13*2^29, so B=30. */
    hmap *h = makemap64(&t, (INT64_C(1) << 32) + 1000, NULL);
    if (PtrSize == 8) {
        CHECK(h == NULL);
        CHECK(memory.refused == (size_t)(gm_genHeader + ((UINT64_C(1) << 30) + (UINT64_C(1) << 26)) * 144));
    } else {
        CHECK(h != NULL && h->B == 0);
        gm_map_free(&t, h);
    }
}

//= SPEC.md#S-MAKE-4 type=test
//# With B=0 a map MUST be made without buckets.
static void makemap_small_makes_no_buckets(void)
{
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    hmap *h = makemap_small();
    CHECK(h != NULL && h->B == 0 && h->buckets == NULL && h->count == 0);
    CHECK(!has(&t, h, 1));
    for (int64_t k = 0; k < 8; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(h->B == 0 && h->count == 8);
    gm_map_free(&t, h);
}

static void reflect_makemap_is_makemap_for_a_good_descriptor(void)
{
    maptype t;
    test_type(&t, &t_bytes129, &t_bytes1025, gm_exact);
    hmap *h = reflect_makemap(&t, 100);
    CHECK(h != NULL && h->B == 4);
    gm_map_free(&t, h);
}

/* ---- the tail --------------------------------------------------------- */

/* An array has 1<<B buckets, from B=4 another 1<<(B-4), and then what fits into
 * the size class (below 32 KB) or the pages that the request is rounded to:
 * for 32 bytes and B=4: 17*32 = 544, class 576, 18 buckets. */
//= SPEC.md#S-MAKE-7 type=test
//# An array with B of 4 or more MUST get a tail of overflow buckets behind its main buckets: 1<<(B-4), and
//# then as many buckets in all as fit into the bytes that the allocator hands out for that size.
//= SPEC.md#S-MAKE-9 type=test
//# The last bucket of a tail MUST have a sentinel as overflow pointer, and every other bucket of the array
//# nil, until they are used.
static void the_tail_fills_the_size_class(void)
{
    static const struct {
        const rtype *key, *elem;
        uint16_t bucketsize;
        uintptr_t nbuckets[7]; /* B = 4 .. 10 */
    } rows[] = {
#if UINTPTR_MAX == UINT64_MAX
        {&t_empty, &t_empty, 16, {18, 36, 72, 144, 304, 592, 1152}},
        {&t_uint8, &t_uint8, 32, {18, 36, 72, 152, 296, 576, 1280}},
        {&t_int64, &t_empty, 80, {17, 38, 76, 136, 272, 614, 1126}},
        {&t_int64, &t_int64, 144, {18, 37, 71, 142, 284, 568, 1137}},
        {&t_bytes127, &t_uint8, 1040, {17, 39, 70, 141, 275, 551, 1094}},
        {&t_bytes128, &t_bytes128, 2064, {19, 35, 71, 138, 273, 547, 1091}},
        {&t_bytes129, &t_bytes129, 144, {18, 37, 71, 142, 284, 568, 1137}},
#else
        {&t_empty, &t_empty, 12, {17, 34, 74, 149, 288, 544, 1130}},
        {&t_uint8, &t_uint8, 28, {17, 36, 73, 146, 292, 585, 1170}},
        {&t_int64, &t_empty, 76, {18, 35, 70, 143, 286, 646, 1185}},
        {&t_int64, &t_int64, 140, {19, 34, 69, 136, 292, 585, 1111}},
        {&t_bytes127, &t_uint8, 1036, {17, 39, 71, 142, 276, 545, 1091}},
        {&t_bytes128, &t_bytes128, 2060, {19, 35, 71, 139, 274, 544, 1089}},
        {&t_bytes129, &t_bytes129, 76, {18, 35, 70, 143, 286, 646, 1185}},
#endif
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        maptype t;
        test_type(&t, rows[i].key, rows[i].elem, gm_exact);
        CHECK_ROW(i, t.bucketsize == rows[i].bucketsize);
        for (unsigned B = 1; B <= 10; B++) {
            hmap *h = makemap(&t, 13 * (intptr_t)(1U << B) / 2, NULL);
            CHECK_ROW(i, h != NULL && h->B == B);
            uintptr_t base = (uintptr_t)1 << B;
            uintptr_t n = B < 4 ? base : rows[i].nbuckets[B - 4];
            CHECK_ROW(i, h->extra->overflow->nbuckets == n);
            CHECK_ROW(i, h->extra->overflow->bytes == n * t.bucketsize);
            CHECK_ROW(i, h->extra->overflow->B == B);
            if (B < 4) {
                CHECK_ROW(i, h->extra->nextOverflow == NULL);
            } else {
                CHECK_ROW(i, h->extra->nextOverflow == bucket_at(&t, h->buckets, base));
            }
            /* of all overflow pointers only the tail's last is set */
            for (uintptr_t b = 0; b < n; b++) {
                void *want = B >= 4 && b == n - 1 ? h->buckets : NULL;
                CHECK_ROW(i, (void *)bmap_overflow(bucket_at(&t, h->buckets, b), &t) == want);
            }
            gm_map_free(&t, h);
        }
    }
}

/* B=4 of 8+8 bytes: 17 buckets are 2448 bytes (32-bit: 2380), class 2688, so
 * 18 (19) buckets: two (three) in the tail.  Nine keys in one bucket need one. */
//= SPEC.md#S-OVERFLOW-1 type=test
//# An overflow bucket MUST come from the tail as long as there is one left in it, in order of address.
//= SPEC.md#S-OVERFLOW-2 type=test
//# The bucket of the tail with a non-nil overflow pointer MUST be the last to come from it, with that pointer
//# set to nil, and nextOverflow becomes nil.
//= SPEC.md#S-OVERFLOW-6 type=test
//# An overflow bucket MUST be chained behind the bucket that was full.
//= SPEC.md#S-MAKE-5 type=test
//# With B above 0 a map MUST be made with its array, and nextOverflow at the array's tail, if it has one.
static void overflow_buckets_come_from_the_tail_first_in_order(void)
{
    const unsigned tail = PtrSize == 8 ? 2 : 3;
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    hmap *h = makemap(&t, 104, NULL);
    CHECK(h->B == 4);
    size_t blocks = gm_mem_stats_get().live_blocks;
    for (unsigned n = 0; n < tail + 2; n++) {
        for (unsigned i = 0; i < 8; i++) {
            CHECK(put(&t, h, KEY(3, 9, 8 * n + i), 1));
            CHECK(h->noverflow == n);
        }
        /* each ninth entry takes the next bucket: of the tail while it lasts */
        bmap *last = bucket_at(&t, h->buckets, 3);
        for (unsigned i = 0; i < n; i++) {
            last = bmap_overflow(last, &t);
        }
        if (n > 0 && n <= tail) {
            CHECK(last == bucket_at(&t, h->buckets, 16 + n - 1));
        }
        CHECK(bmap_overflow(last, &t) == NULL);
        bmap *next = n < tail ? bucket_at(&t, h->buckets, 16 + n) : NULL;
        CHECK(h->extra->nextOverflow == next);
        CHECK(gm_mem_stats_get().live_blocks == blocks + (n > tail ? n - tail : 0));
        CHECK((h->extra->overflow->overflow != NULL) == (n > tail));
    }
    SOUND(&t, h, NULL);
    gm_map_free(&t, h);
}

/* From B=3, where arrays have no tail, to B=4 and 5; no key collides. */
//= SPEC.md#S-GROW-8 type=test
//# A growth MUST start with nextOverflow at the new array's tail, or nil if it has none.
static void a_growth_goes_to_the_tail_of_its_own_array(void)
{
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    hmap *h = makemap(&t, 26, NULL);
    for (int64_t k = 0; k < 105; k++) {
        uint8_t B = h->B;
        CHECK(put(&t, h, k, k));
        if (h->B != B) {
            bmap *tail = h->B < 4 ? NULL : bucket_at(&t, h->buckets, (uintptr_t)1 << h->B);
            CHECK_ROW(k, h->extra->nextOverflow == tail);
        }
    }
    CHECK(h->B == 5 && h->noverflow == 0);
    gm_map_free(&t, h);
}

//= SPEC.md#S-CLEAR-7 type=test
//# Clearing MUST keep the array and B, wipe the array, and make its tail whole again.
//= SPEC.md#S-MAKE-10 type=test
//# A new array MUST be all zero, and so MUST an array that is used again, tail included, but for its
//# sentinel.
static void clear_makes_the_tail_whole_again(void)
{
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    hmap *h = makemap(&t, 104, NULL);
    for (int i = 0; i < 8 * 6; i++) {
        CHECK(put(&t, h, KEY(3, 9, i), 1));
    }
    CHECK(h->extra->nextOverflow == NULL && h->noverflow == 5);
    mapclear(&t, h);
    uintptr_t n = PtrSize == 8 ? 18 : 19;
    CHECK(h->extra->nextOverflow == bucket_at(&t, h->buckets, 16));
    CHECK((void *)bmap_overflow(bucket_at(&t, h->buckets, n - 1), &t) == h->buckets);
    CHECK(bmap_overflow(bucket_at(&t, h->buckets, n - 2), &t) == NULL);
    CHECK(h->noverflow == 0 && h->extra->overflow->overflow == NULL);
    gm_map_free(&t, h);
}

/* ---- whose hmap ------------------------------------------------------- */

//= SPEC.md#S-MAKE-6 type=test
//# makemap MUST build the map in the header that the caller gives and, without one, in a new header.
static void a_map_can_live_in_the_callers_hmap(void)
{
    static const intptr_t hints[] = {0, 8, 9, 200};
    static const hmap zero;
    for (size_t i = 0; i < LENGTH(hints); i++) {
        maptype t;
        hmap mine = {0};
        test_type(&t, &t_bytes129, &t_int64, gm_exact);
        CHECK_ROW(i, makemap(&t, hints[i], &mine) == &mine);
        for (int64_t k = 0; k < 100; k++) {
            CHECK_ROW(i, put(&t, &mine, k, k + 1));
        }
        for (int64_t k = 0; k < 100; k++) {
            CHECK_ROW(i, get(&t, &mine, k) == k + 1);
        }
        SOUND(&t, &mine, NULL);
        gm_map_free(&t, &mine);
        CHECK_ROW(i, memcmp(&mine, &zero, sizeof zero) == 0);
        CHECK_ROW(i, gm_mem_stats_get().live_blocks == 0);
        /* and can be made again in the same place */
        CHECK_ROW(i, makemap(&t, hints[i], &mine) == &mine && mine.count == 0);
        gm_map_free(&t, &mine);
    }
}

//= SPEC.md#S-MEMORY-18 type=test
//# Making a map MUST fail whole, with nothing allocated, or succeed.
static void making_fails_whole_or_succeeds(void)
{
    static const struct {
        intptr_t hint;
        bool mine;
        size_t allocs; /* hmap with extra, then array; the caller's hmap needs its extra only with buckets */
    } rows[] = {{0, false, 1}, {100, false, 2}, {0, true, 0}, {100, true, 2}};
    static const hmap zero;
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        for (size_t n = 1; n <= rows[i].allocs + 1; n++) {
            hmap mine = {0};
            test_memory_fail(&memory, n, 1);
            hmap *h = makemap(&t, rows[i].hint, rows[i].mine ? &mine : NULL);
            test_memory_fail(&memory, 0, 0);
            CHECK_ROW(i, (h == NULL) == (n <= rows[i].allocs));
            if (h == NULL) {
                CHECK_ROW(i, memcmp(&mine, &zero, sizeof zero) == 0);
                CHECK_ROW(i, gm_mem_stats_get().live_blocks == 0);
            }
            gm_map_free(&t, h);
        }
    }
    test_memory_fail(&memory, 1, 1);
    CHECK(makemap_small() == NULL);
    test_memory_fail(&memory, 0, 0);
}

int main(void)
{
    gm_rand_seed(1);
    test_memory_use(&memory);

    roundupsize_gives_the_smallest_class_that_holds_the_size();
    roundupsize_gives_whole_pages_from_32768_on();
    overLoadFactor_begins_at_thirteen_halves();
    tooManyOverflowBuckets_begins_at_as_many_as_buckets();
    bucketShift_and_bucketMask();

    B_is_the_smallest_that_the_hint_does_not_overload();
    a_hint_beyond_the_address_space_counts_as_none();
    a_hint_of_all_the_address_space_is_tried();
    makemap64_takes_a_hint_that_is_no_int_for_none();
    makemap_small_makes_no_buckets();
    reflect_makemap_is_makemap_for_a_good_descriptor();

    the_tail_fills_the_size_class();
    overflow_buckets_come_from_the_tail_first_in_order();
    a_growth_goes_to_the_tail_of_its_own_array();
    clear_makes_the_tail_whole_again();

    a_map_can_live_in_the_callers_hmap();
    making_fails_whole_or_succeeds();
    CHECK(gm_mem_stats_get().live_blocks == 0);
    return 0;
}
