/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_calls.c: what the map hands to the hasher and to equality: which type,
 * which of the two keys first, which seed.  A hasher or an equality of the
 * caller's own can tell.
 */
#include "one_map.h"

/* ---- equality --------------------------------------------------------- */

static const void *equal_first, *equal_second;
static unsigned compared;

static bool equal_recording(const rtype *key, const void *p, const void *q)
{
    CHECK(key == t.key);
    equal_first = p;
    equal_second = q;
    compared++;
    return memequal(key, p, q);
}

static const rtype t_recording = {.size = 8,
                                  .align = PtrSize,
                                  .kind = kindInt64,
                                  .regularMemory = true,
                                  .equal = equal_recording,
                                  .name = "int64"};

/* It was called once, and first came the caller's key, then the map's. */
static bool compared_in_order(const void *key, const void *slot)
{
    bool well = compared == 1 && equal_first == key && equal_second == slot;
    compared = 0;
    return well;
}

static void the_callers_key_is_compared_with_the_maps(void)
{
    bool ok;
    void *e;
    int64_t k = 1;
    begin(&t_recording, &t_int64, 0);
    CHECK(put(&t, h, k, 10));
    void *slot = key_slot(&t, h->buckets, 0);
    compared = 0;
    mapaccess1(&t, h, &k);
    CHECK(compared_in_order(&k, slot));
    mapaccess2(&t, h, &k, &ok);
    CHECK(compared_in_order(&k, slot));
    CHECK(mapaccessK(&t, h, &k, &e) == slot);
    CHECK(compared_in_order(&k, slot));
    CHECK(mapassign(&t, h, &k) != NULL);
    CHECK(compared_in_order(&k, slot));
    mapdelete(&t, h, &k);
    CHECK(compared_in_order(&k, slot));
    END();
}

static void nothing_is_compared_once_the_key_is_found(void)
{
    const int64_t keys[] = {KEY(0, 50, 0), KEY(0, 50, 1), KEY(0, 50, 2)};
    bool ok;
    void *e;
    begin(&t_recording, &t_int64, 0);
    for (size_t i = 0; i < LENGTH(keys); i++) {
        CHECK(put(&t, h, keys[i], 1));
    }
    compared = 0;
    mapaccess1(&t, h, &keys[0]);
    mapaccess2(&t, h, &keys[0], &ok);
    mapaccessK(&t, h, &keys[0], &e);
    CHECK(compared == 3);
    CHECK(mapassign(&t, h, &keys[0]) != NULL && compared == 4);
    mapdelete(&t, h, &keys[0]);
    CHECK(compared == 5);
    mapdelete(&t, h, &keys[2]); /* after the one that stands before it */
    CHECK(compared == 7);
    END();
}

/* ---- the hasher ------------------------------------------------------- */

static const void *hashed;
static int64_t hashed_with; /* -1: not called */

static uintptr_t hash_recording(const rtype *key, const void *p, uintptr_t seed)
{
    CHECK(key == t.key);
    hashed = p;
    hashed_with = (int64_t)seed;
    return hash_parts(key, p, seed);
}

static void a_key_that_may_panic_is_hashed_with_seed_0_where_nothing_is_to_be_found(void)
{
    bool ok;
    int64_t k = 1;
    begin(&t_int64, &t_int64, 0);
    t.hasher = hash_recording;
    t.flags |= 16;
    hmap *const maps[] = {NULL, h};
    for (size_t i = 0; i < LENGTH(maps); i++) {
        hashed_with = -1;
        mapaccess1(&t, maps[i], &k);
        CHECK_ROW(i, hashed_with == 0 && hashed == &k);
        hashed_with = -1;
        mapaccess2(&t, maps[i], &k, &ok);
        CHECK_ROW(i, hashed_with == 0 && hashed == &k);
        hashed_with = -1;
        mapdelete(&t, maps[i], &k);
        CHECK_ROW(i, hashed_with == 0 && hashed == &k);
    }
    END();
}

int main(void)
{
    gm_rand_seed(1);
    the_callers_key_is_compared_with_the_maps();
    nothing_is_compared_once_the_key_is_found();
    a_key_that_may_panic_is_hashed_with_seed_0_where_nothing_is_to_be_found();
    return 0;
}
