/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_clear.c: what clearing a map frees at once, and what it keeps, with and
 * without iterators.
 */
#include "one_map.h"

/* An iterator over an older array cannot reach the overflow buckets of this one. */
static void overflow_buckets_are_not_kept_for_an_iterator_over_an_older_array(void)
{
    hiter it = {0};
    begin(&t_int64, &t_int64, 26);
    for (int i = 0; i < 26; i++) {
        CHECK(put(&t, h, KEY(2, 50, i), i));
    }
    mapiterinit(&t, h, &it);
    for (int i = 0; h->B == 2 || hmap_growing(h); i++) {
        CHECK(put(&t, h, KEY(i, 60, 0), i));
    }
    unsigned chain = chain_length(&t, bucket_at(&t, h->buckets, 2));
    size_t before = gm_mem_stats_get().live_blocks;
    CHECK(chain >= 3);
    mapclear(&t, h);
    CHECK(gm_mem_stats_get().live_blocks == before - chain);
    gm_iter_end(&it);
    END();
}

/* ERRATA.md#E1 is mended where there is an iterator; without one strict mode
 * keeps the array as well. */
static void the_array_is_kept_in_both_modes_where_nobody_iterates(void)
{
    for (int mode = gm_exact; mode <= gm_strict; mode++) {
        for (int iterated = 0; iterated <= 1; iterated++) {
            hiter it = {0};
            begin_mode(&t_int64, &t_int64, 100, (gm_mode)mode);
            for (int64_t k = 0; k < 100; k++) {
                CHECK(put(&t, h, k, k));
            }
            void *buckets = h->buckets;
            mapiterinit(&t, h, &it);
            if (!iterated) {
                gm_iter_end(&it);
            }
            mapclear(&t, h);
            bool kept = mode == gm_exact || !iterated;
            CHECK_ROW(mode, h->buckets == (kept ? buckets : NULL) && h->B == (kept ? 4 : 0));
            gm_iter_end(&it);
            END();
        }
    }
}

int main(void)
{
    gm_rand_seed(1);
    overflow_buckets_are_not_kept_for_an_iterator_over_an_older_array();
    the_array_is_kept_in_both_modes_where_nobody_iterates();
    return 0;
}
