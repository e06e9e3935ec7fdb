/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_large.c: what depends on a number of buckets that no test can allocate.
 * The map is made to believe that it has them, and is stopped before it looks.
 */
#include "one_map.h"

static hiter it;

static void call_iterinit(void *arg)
{
    mapiterinit(&t, arg, &it);
}

/* 32 random bits are enough for start bucket and slot up to B=28.  The writer's
 * flag stops the iterator at its first step. */
static void an_iterator_draws_a_long_word_for_more_than_28_bits_of_buckets(void)
{
    begin(&t_int64, &t_int64, 0);
    CHECK(put(&t, h, 1, 1));
    for (uint8_t B = 0; B < PtrSize * 8; B++) {
        gm_rand_seed(B + 1U);
        uintptr_t r = B > 28 ? (uintptr_t)fastrand64() : fastrand();
        gm_rand after = gm_rand_state(), now;
        gm_rand_seed(B + 1U);
        h->B = B;
        atomic_store_explicit(&h->flags, hashWriting, memory_order_relaxed);
        CHECK_ROW(B, fails_with(gm_event_fatal, "concurrent map iteration and map write", call_iterinit, h));
        atomic_store_explicit(&h->flags, iterator | oldIterator, memory_order_relaxed);
        h->B = 0;
        now = gm_rand_state();
        CHECK_ROW(B, memcmp(&now, &after, sizeof now) == 0);
        CHECK_ROW(B, it.B == B && it.startBucket == (r & (((uintptr_t)1 << B) - 1)));
        CHECK_ROW(B, it.offset == (r >> B & 7));
        gm_iter_end(&it);
    }
    END();
}

static test_memory memory;

static void call_newarray(void *n)
{
    intptr_t buckets;
    memcpy(&buckets, n, sizeof buckets);
    newarray(&t, buckets, 0);
}

/* Buckets of 16 bytes reach maxAlloc on 64-bit to the byte. */
static void an_array_may_have_all_the_address_space_or_nothing(void)
{
    begin(&t_empty, &t_empty, 0);
    void *none = newarray(&t, 0, 0);
    CHECK(none != NULL && gm_gen_of(none)->nbuckets == 0 && gm_gen_of(none)->bytes == 0);
    gm_gen_free(gm_gen_of(none));
#if UINTPTR_MAX == UINT64_MAX
    intptr_t all = (intptr_t)1 << 44, more = all + 1;
    memory.refused = 0;
    CHECK(newarray(&t, all, 0) == NULL && memory.refused == gm_genHeader + ((size_t)1 << 48));
    CHECK(fails_with(gm_event_panic, "runtime: allocation size out of range", call_newarray, &more));
#endif
    intptr_t negative = -1;
    CHECK(fails_with(gm_event_panic, "runtime: allocation size out of range", call_newarray, &negative));
    END();
}

int main(void)
{
    test_memory_use(&memory);
    an_array_may_have_all_the_address_space_or_nothing();
    an_iterator_draws_a_long_word_for_more_than_28_bits_of_buckets();
    return 0;
}
