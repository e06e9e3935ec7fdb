/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_rand.c: the two generators against known sequences, and that the map
 * draws where Go draws and nowhere else.
 *
 * The sequences were computed by a Go program of its own that steps wyrand with
 * math/bits.Mul64, and xorshift64+ with Go's uint32 arithmetic, from stubs.go's
 * formulas; none of our code took part.
 */
#include "test.h"

#if UINTPTR_MAX == UINT64_MAX
static const struct {
    uint64_t seed, words[4];
} wyrand[] = {
    {1,
     {UINT64_C(0xcdef1695e1f8ed2c), UINT64_C(0x61d6d24b1c9aad40), UINT64_C(0x8cf880c22eebfadf),
      UINT64_C(0x05b3a992fedc4f8a)}},
    {0,
     {UINT64_C(0x111cb3a78f59a58e), UINT64_C(0xceabd938ff4e856d), UINT64_C(0x61fb51318f47d2a4),
      UINT64_C(0x78bd03c491909760)}},
    {UINT64_C(0x0123456789abcdef),
     {UINT64_C(0x58b962217aafc627), UINT64_C(0xd7488e0f880dbd37), UINT64_C(0xa175b746466eac63),
      UINT64_C(0x159c6469d42795c0)}},
    {UINT64_MAX,
     {UINT64_C(0xba1dc814e82d5d44), UINT64_C(0x57accfe85fe29d15), UINT64_C(0x3afa6e616fb3aa6f),
      UINT64_C(0x6cfb4186089762e0)}},
};

//= SPEC.md#S-HASH-16 type=test
//# fastrand and fastrand64 MUST step the generator below, once per word drawn.
static void fastrand64_steps_wyrand(void)
{
    for (size_t i = 0; i < LENGTH(wyrand); i++) {
        gm_rand_seed(wyrand[i].seed);
        for (size_t j = 0; j < LENGTH(wyrand[i].words); j++) {
            CHECK_ROW(i, fastrand64() == wyrand[i].words[j]);
        }
    }
}

static void fastrand_is_the_low_half_of_the_same_sequence(void)
{
    for (size_t i = 0; i < LENGTH(wyrand); i++) {
        gm_rand_seed(wyrand[i].seed);
        for (size_t j = 0; j < LENGTH(wyrand[i].words); j += 2) {
            CHECK_ROW(i, fastrand() == (uint32_t)wyrand[i].words[j]);
            CHECK_ROW(i, fastrand64() == wyrand[i].words[j + 1]);
        }
    }
}

static const uint32_t thousandth = 0x01a8adac;

#else
static const struct {
    uint64_t seed;
    uint32_t words[8];
} xorshift[] = {
    {1, {0x00020401, 0x00040804, 0x0814040b, 0x08180419, 0x081a0430, 0x08344431, 0x083a543f, 0x892864da}},
    {0, /* taken as 1: from 0, xorshift would stay there */
     {0x00020401, 0x00040804, 0x0814040b, 0x08180419, 0x081a0430, 0x08344431, 0x083a543f, 0x892864da}},
    {UINT64_C(0x0123456789abcdef),
     {0x1495a797, 0xacfb50df, 0xe8bd2082, 0x5a9f6f68, 0x330b60e3, 0x7ea1de4e, 0x8e017209, 0x4ebbf089}},
    {UINT64_MAX,
     {0xfffefbff, 0xfffefbfe, 0xf80e01f7, 0xf01b03ef, 0xfa1301f7, 0xfa16c1f3, 0xf220f3d5, 0x7b241565}},
};

//= SPEC.md#S-HASH-16 type=test
static void fastrand_steps_xorshift(void)
{
    for (size_t i = 0; i < LENGTH(xorshift); i++) {
        gm_rand_seed(xorshift[i].seed);
        for (size_t j = 0; j < LENGTH(xorshift[i].words); j++) {
            CHECK_ROW(i, fastrand() == xorshift[i].words[j]);
        }
    }
}

static void fastrand64_is_two_words_low_one_first(void)
{
    for (size_t i = 0; i < LENGTH(xorshift); i++) {
        const uint32_t *w = xorshift[i].words;
        gm_rand_seed(xorshift[i].seed);
        CHECK_ROW(i, fastrand64() == (w[0] | (uint64_t)w[1] << 32));
        CHECK_ROW(i, fastrand() == w[2]);
        CHECK_ROW(i, fastrand64() == (w[3] | (uint64_t)w[4] << 32));
    }
}

static const uint32_t thousandth = 0x157dc2b3;
#endif

static void long_runs_agree(void)
{
    uint32_t last = 0;
    gm_rand_seed(1);
    for (int i = 0; i < 1000; i++) {
        last = fastrand();
    }
    CHECK(last == thousandth);
}

static void a_restored_state_replays(void)
{
    gm_rand_seed(7);
    fastrand();
    gm_rand state = gm_rand_state();
    uint32_t a = fastrand();
    uint64_t b = fastrand64();
    gm_rand_restore(state);
    CHECK(fastrand() == a);
    CHECK(fastrand64() == b);
}

static void Mul64_gives_the_full_product(void)
{
    static const struct {
        uint64_t x, y, hi, lo;
    } rows[] = {
        {0, UINT64_MAX, 0, 0},
        {1, UINT64_MAX, 0, UINT64_MAX},
        {2, UINT64_MAX, 1, UINT64_MAX - 1},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, 1},
        {UINT64_C(1) << 32, UINT64_C(1) << 32, 1, 0},
        {UINT64_C(1) << 63, 2, 1, 0},
        {UINT32_MAX, UINT32_MAX, 0, UINT64_C(0xfffffffe00000001)},
        /* (2^63+2^31)(2^32+1) = 2^95 + 2^64 + 2^31, as 2^63 + 2^63 = 2^64 */
        {UINT64_C(0x8000000080000000), UINT64_C(0x100000001), UINT64_C(0x80000001), UINT64_C(0x80000000)},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t hi, lo;
        Mul64(rows[i].x, rows[i].y, &hi, &lo);
        CHECK_ROW(i, hi == rows[i].hi && lo == rows[i].lo);
        Mul64(rows[i].y, rows[i].x, &hi, &lo);
        CHECK_ROW(i, hi == rows[i].hi && lo == rows[i].lo);
    }
}

static void MulUintptr_sees_every_overflow(void)
{
    const uintptr_t half = (uintptr_t)1 << (4 * PtrSize);
    const struct {
        uintptr_t a, b;
        bool overflow;
    } rows[] = {
        {0, 0, false},
        {0, UINTPTR_MAX, false},
        {UINTPTR_MAX, 0, false},
        {UINTPTR_MAX, 1, false},
        {1, UINTPTR_MAX, false},
        {UINTPTR_MAX, 2, true},
        {2, UINTPTR_MAX, true},
        {half - 1, half - 1, false},
        {half - 1, half + 1, false}, /* half*half - 1: the largest word */
        {half, half - 1, false},
        {half, half, true},
        {UINTPTR_MAX / 144, 144, false},
        {UINTPTR_MAX / 144 + 1, 144, true},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uintptr_t p;
        CHECK_ROW(i, MulUintptr(rows[i].a, rows[i].b, &p) == rows[i].overflow);
        uint64_t hi, lo;
        Mul64(rows[i].a, rows[i].b, &hi, &lo);
        CHECK_ROW(i, p == (uintptr_t)lo);
    }
}

/* How many words were drawn since the state was before. */
static int drawn(gm_rand before)
{
    gm_rand now = gm_rand_state();
    gm_rand_restore(before);
    for (int n = 0; n < 10; n++) {
        gm_rand at = gm_rand_state();
        if (memcmp(&at, &now, PtrSize == 8 ? sizeof at.wyrand : sizeof at.t) == 0) {
            return n;
        }
        fastrand();
    }
    return -1;
}

#define DRAWS(n, call)                                                                                       \
    do {                                                                                                     \
        gm_rand before = gm_rand_state();                                                                    \
        call;                                                                                                \
        CHECK(drawn(before) == (n));                                                                         \
    } while (0)

/* map.go calls fastrand in makemap_small, makemap, mapiterinit (once while
 * B <= 28), mapdelete and mapclear (a map that becomes empty), incrnoverflow
 * (from B=16); nowhere else. */
//= SPEC.md#S-HASH-17 type=test
//# A map MUST draw from the generator in these places and in no other.
//= SPEC.md#S-CLEAR-1 type=test
//# Clearing a nil or empty map MUST do nothing.
static void the_map_draws_where_Go_draws(void)
{
    maptype t;
    hmap *h;
    hiter it = {0};
    test_type(&t, &t_int64, &t_int64, gm_exact);
    gm_rand_seed(3);

    DRAWS(1, h = makemap_small());
    gm_map_free(&t, h);
    DRAWS(1, h = makemap(&t, 1000, NULL));
    gm_map_free(&t, h);
    DRAWS(1, h = makemap(&t, -1, NULL));

    DRAWS(0, del(&t, h, 1));
    DRAWS(0, mapclear(&t, h));
    DRAWS(0, mapiterinit(&t, h, &it)); /* nothing to range over */
    for (int64_t k = 0; k < 500; k++) {
        DRAWS(0, put(&t, h, KEY(k % 3, k & 0xff, k), k));
    }
    DRAWS(0, get(&t, h, KEY(0, 0, 0)));
    it = (hiter){0};
    DRAWS(1, mapiterinit(&t, h, &it));
    DRAWS(0, mapiternext(&it));
    DRAWS(0, gm_iter_end(&it));
    DRAWS(0, del(&t, h, KEY(0, 0, 0)));
    DRAWS(0, del(&t, h, KEY(0, 0, 0)));
    DRAWS(1, mapclear(&t, h));
    CHECK(put(&t, h, 1, 1) && put(&t, h, 2, 2));
    DRAWS(0, del(&t, h, 1));
    DRAWS(1, del(&t, h, 2));
    DRAWS(0, del(&t, h, 2));
    gm_map_free(&t, h);
}

//= SPEC.md#S-MAKE-2 type=test
//# A new map MUST get one fastrand as hash0.
//= SPEC.md#S-CLEAR-6 type=test
//# Clearing MUST draw a new hash0.
//= SPEC.md#S-DELETE-9 type=test
//# A deletion that empties the map MUST draw a new hash0, and no other deletion.
static void the_seed_of_a_map_is_the_word_drawn(void)
{
    maptype t;
    test_type(&t, &t_int64, &t_int64, gm_exact);
    gm_rand_seed(1);
#if UINTPTR_MAX == UINT64_MAX
    const uint32_t first = 0xe1f8ed2c, second = 0x1c9aad40, third = 0x2eebfadf, fourth = 0xfedc4f8a;
#else
    const uint32_t first = 0x00020401, second = 0x00040804, third = 0x0814040b, fourth = 0x08180419;
#endif
    hmap *h = makemap_small();
    CHECK(h->hash0 == first);
    gm_map_free(&t, h);
    h = makemap(&t, 100, NULL);
    CHECK(h->hash0 == second);
    CHECK(put(&t, h, 1, 1));
    del(&t, h, 1);
    CHECK(h->hash0 == third);
    CHECK(put(&t, h, 1, 1));
    mapclear(&t, h);
    CHECK(h->hash0 == fourth);
    gm_map_free(&t, h);
}

int main(void)
{
#if UINTPTR_MAX == UINT64_MAX
    fastrand64_steps_wyrand();
    fastrand_is_the_low_half_of_the_same_sequence();
#else
    fastrand_steps_xorshift();
    fastrand64_is_two_words_low_one_first();
#endif
    long_runs_agree();
    a_restored_state_replays();
    Mul64_gives_the_full_product();
    MulUintptr_sees_every_overflow();
    the_map_draws_where_Go_draws();
    the_seed_of_a_map_is_the_word_drawn();
    CHECK(gm_mem_stats_get().live_blocks == 0);
    return 0;
}
