/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_iterate.c: in which order an iterator goes, and what it meets when the
 * map is written and grows under it.
 */
#include <math.h>

#include "test.h"

static maptype t;
static hmap *h;
static hiter it;

static void begin(const rtype *key, const rtype *elem, intptr_t hint, gm_mode mode)
{
    test_type(&t, key, elem, mode);
    h = makemap(&t, hint, NULL);
    CHECK(h != NULL);
    memset(&it, 0, sizeof it);
}

static void end(void)
{
    gm_iter_end(&it);
    SOUND(&t, h, NULL);
    gm_map_free(&t, h);
    CHECK(gm_mem_stats_get().live_blocks == 0);
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
static void the_order_follows_from_one_random_word(void)
{
    for (uint8_t B = 0; B <= 5; B++) {
        uint32_t buckets = 1U << B, n = 13 * buckets / 2;
        begin(&t_int64, &t_int64, (intptr_t)n, gm_exact);
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
    begin(&t_int64, &t_int64, 13, gm_exact);
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
static void a_chain_is_walked_bucket_by_bucket(void)
{
    begin(&t_int64, &t_int64, 26, gm_exact);
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

static void nothing_is_held_where_there_is_nothing_to_range_over(void)
{
    begin(&t_int64, &t_int64, 100, gm_exact);
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

static void an_iteration_marks_the_map_and_ends_by_itself_or_early(void)
{
    static const hiter zero;
    begin(&t_int64, &t_int64, 0, gm_exact);
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

static void what_is_deleted_before_its_turn_is_not_met(void)
{
    for (int doomed = 0; doomed < 13; doomed++) {
        begin(&t_int64, &t_int64, 13, gm_exact);
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

static void the_elem_met_is_the_one_of_now(void)
{
    begin(&t_int64, &t_int64, 13, gm_exact);
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

/* The map right before its growth.  doubling: keys 0 to 25 in 4 buckets.  same_size: eight buckets with one old
 * entry each behind eight holes, and as many overflow buckets.  Returns the
 * number of keys; *keys are they. */
static int ready_to_grow(kind what, const rtype *key, gm_mode mode, int64_t *keys)
{
    begin(key, &t_int64, what == doubling ? 26 : 52, mode);
    int n = 0;
    if (what == doubling) {
        for (int64_t k = 0; k < 26; k++) {
            keys[n++] = k;
            CHECK(put(&t, h, k, k));
        }
        return n;
    }
    for (int b = 0; b < 8; b++) {
        for (int i = 0; i < 9; i++) {
            CHECK(put(&t, h, KEY(b, 50, i), KEY(b, 50, i)));
        }
        for (int i = 0; i < 6; i++) {
            del(&t, h, KEY(b, 50, i));
        }
        for (int i = 6; i < 9; i++) {
            keys[n++] = KEY(b, 50, i);
        }
    }
    return n;
}

static int64_t newcomer(int i)
{
    return KEY(i, 99, 7);
}

static void step(int *seen, const int64_t *keys, int n, int *newcomers)
{
    int64_t k = key_at(it.key);
    CHECK(key_at(it.elem) == k);
    for (int i = 0; i < n; i++) {
        if (keys[i] == k) {
            seen[i]++;
            mapiternext(&it);
            return;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (newcomer(i) == k) {
            newcomers[i]++;
            mapiternext(&it);
            return;
        }
    }
    CHECK(!"a key that was never there");
}

/* The growth starts with a write after some steps, every further write comes
 * after one more step.  In the end each old key was met once, and no newcomer
 * more than once. */
static void every_entry_is_met_once_while_the_map_grows(void)
{
    static const rtype *const types[] = {&t_int64, &t_bytes129};
    for (int mode = gm_exact; mode <= gm_strict; mode++) {
        for (size_t type = 0; type < LENGTH(types); type++) {
            for (int what = doubling; what <= same_size; what++) {
                for (int when = before_growth; when <= in_growth; when++) {
                    for (int steps = 0; steps <= 24; steps++) {
                        for (uint64_t seed = 0; seed < 6; seed++) {
                            int64_t keys[most];
                            int seen[most] = {0}, newcomers[8] = {0};
                            gm_rand_seed(seed);
                            int n = ready_to_grow((kind)what, types[type], (gm_mode)mode, keys);
                            int writes = 0;
                            if (when == in_growth) {
                                CHECK(put(&t, h, newcomer(writes), newcomer(writes)));
                                writes++;
                                CHECK(hmap_growing(h));
                            }
                            mapiterinit(&t, h, &it);
                            for (int i = 0; i < steps && it.key != NULL; i++) {
                                step(seen, keys, n, newcomers);
                            }
                            while (it.key != NULL) {
                                if (writes < 8) {
                                    CHECK(put(&t, h, newcomer(writes), newcomer(writes)));
                                    writes++;
                                    SOUND(&t, h, &it);
                                } else {
                                    CHECK(!hmap_growing(h));
                                }
                                if (it.bptr != NULL) {
                                    /* the entry that the iterator stands on was fetched before the write:
                                     * fetch it again, its place may have moved */
                                    int64_t k = -1;
                                    for (int i = 0; i < n && k < 0; i++) {
                                        k = it.key == NULL ? 0 : k;
                                    }
                                }
                                step(seen, keys, n, newcomers);
                            }
                            for (int i = 0; i < n; i++) {
                                CHECK_ROW(steps, seen[i] == 1);
                            }
                            for (int i = 0; i < 8; i++) {
                                CHECK_ROW(steps, newcomers[i] <= 1);
                            }
                            end();
                        }
                    }
                }
            }
        }
    }
}
