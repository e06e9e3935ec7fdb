/* SPDX-License-Identifier: BSD-3-Clause
 *
 * one_map.h: the map that most tests work on, one at a time, from begin to END.
 */
#ifndef GOMAP_TEST_ONE_MAP_H
#define GOMAP_TEST_ONE_MAP_H

#include "test.h"

static maptype t;
static hmap *h;

/* Hashed by hash_parts. */
static inline void begin_mode(const rtype *key, const rtype *elem, intptr_t hint, gm_mode mode)
{
    test_type(&t, key, elem, mode);
    h = makemap(&t, hint, NULL);
    CHECK(h != NULL);
}

static inline void begin(const rtype *key, const rtype *elem, intptr_t hint)
{
    begin_mode(key, elem, hint, gm_exact);
}

/* In the middle of a growth to the same size, which KEY(1, 60, 0) has begun.
 * Besides it each of four buckets holds KEY(bucket, 50, 8), at the end of a
 * chain from which eight others were deleted. */
static inline void begin_same_size_growth(const rtype *key)
{
    begin(key, &t_int64, 26);
    for (int b = 0; b < 4; b++) {
        for (int i = 0; i < 9; i++) {
            CHECK(put(&t, h, KEY(b, 50, i), i));
        }
        for (int i = 0; i < 8; i++) {
            del(&t, h, KEY(b, 50, i));
        }
    }
    CHECK(put(&t, h, KEY(1, 60, 0), 60));
    CHECK(hmap_sameSizeGrow(h));
}

static inline void test_end(const char *file, int line)
{
    test_sound(file, line, &t, h, NULL, 0);
    gm_map_free(&t, h);
    gm_mem_stats stats = gm_mem_stats_get();
    if (stats.live_blocks != 0 || stats.live_bytes != 0) {
        fprintf(stderr, "%s:%d: the map is freed and %zu blocks are left, %zu bytes%s\n", file, line,
                stats.live_blocks, stats.live_bytes, TEST_CASE);
        exit(1);
    }
}

/* The map is sound, without iterators, and all memory goes with it. */
#define END() test_end(__FILE__, __LINE__)

#endif
