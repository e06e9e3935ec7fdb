/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_reserve.c: an evacuation sets aside the overflow buckets that it can
 * need, beyond the preallocated ones, and no more.
 */
#include "one_map.h"

static test_memory memory;

/* How many allocations the write makes that evacuates old bucket 3, whose chain
 * has so many entries; and how many it should make. */
static size_t calls_of_evacuation(intptr_t hint, int entries, size_t *wanted)
{
    begin(&t_int64, &t_int64, hint);
    const int capacity = h->B == 2 ? 26 : 104, chain = entries < 9 ? 9 : entries;
    for (int i = 0; i < chain; i++) {
        CHECK(put(&t, h, KEY(3, 50, i), i));
    }
    for (int i = entries; i < chain; i++) {
        del(&t, h, KEY(3, 50, i));
    }
    for (int i = entries; i < capacity; i++) { /* in buckets that are evacuated before, or have no chain */
        CHECK(put(&t, h, KEY(h->B == 2 ? i % 2 : 4 + i % 12, 60, i), i));
    }
    CHECK(!hmap_growing(h));
    CHECK(put(&t, h, KEY(0, 70, 0), 0)); /* evacuates old buckets 0 and 1 */
    CHECK(hmap_growing(h) && !hmap_sameSizeGrow(h) && h->nevacuate == 2);

    size_t tail = 0, need = entries == 0 ? 0 : (size_t)(entries - 1) / 8;
    if (h->extra->nextOverflow != NULL) {
        void *end = bucket_at(&t, h->buckets, h->extra->overflow->nbuckets);
        tail = (size_t)((char *)end - (char *)h->extra->nextOverflow) / t.bucketsize;
    }
    *wanted = need > tail ? need - tail : 0;
    test_memory_fail(&memory, 0, 0);
    CHECK(put(&t, h, KEY(3, entries == 0 ? 80 : 50, 0), 0)); /* where there are entries, an update */
    size_t calls = memory.calls;
    CHECK(h->extra->gm_spare == NULL);
    END();
    return calls;
}

static void evacuation_allocates_what_it_can_need_beyond_the_tail(void)
{
    size_t wanted, most = 0;
    for (int entries = 0; entries <= 17; entries++) {
        CHECK_ROW(entries, calls_of_evacuation(26, entries, &wanted) == wanted);
        most = wanted > most ? wanted : most;
    }
    CHECK(most == 2); /* four buckets grow to eight, which have no tail */
    most = 0;
    for (int entries = 0; entries <= 64; entries++) {
        CHECK_ROW(entries, calls_of_evacuation(104, entries, &wanted) == wanted);
        most = wanted > most ? wanted : most;
    }
    CHECK(most > 0 && most < 7); /* sixteen to 32: a tail, but none for seven */
}

int main(void)
{
    gm_rand_seed(1);
    test_memory_use(&memory);
    evacuation_allocates_what_it_can_need_beyond_the_tail();
    return 0;
}
