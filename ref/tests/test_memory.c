/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_memory.c: what is allocated, when it is freed, and that a failed
 * allocation loses nothing.
 */
#include "one_map.h"

static test_memory memory;

static size_t live(void)
{
    return gm_mem_stats_get().live_bytes;
}

static size_t blocks(void)
{
    return gm_mem_stats_get().live_blocks;
}

/* Bytes of an array of n buckets, header included. */
static size_t array_bytes(size_t n)
{
    return gm_genHeader + n * t.bucketsize;
}

/* ---- arrays ----------------------------------------------------------- */

//= SPEC.md#S-MEMORY-2 type=test
//# A generation MUST be freed when the last of map and iterations lets go of it, at once.
//= SPEC.md#S-GROW-5 type=test
//# A growth MUST start by making the new array, the array that was becomes oldbuckets, and no entry moves
//# yet.
//= SPEC.md#S-EVACUATE-17 type=test
//# A growth MUST end when nevacuate comes to the number of old buckets: oldbuckets and oldoverflow become
//# nil, sameSizeGrow goes off, and nevacuate and the other flags stay.
static void the_old_array_is_freed_by_the_write_that_ends_the_growth(void)
{
    begin(&t_int64, &t_int64, 0);
    size_t bare = live();
    CHECK(put(&t, h, 0, 0));
    CHECK(live() == bare + array_bytes(1));
    for (int64_t k = 1; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(live() == bare + array_bytes(4) && blocks() == 2);
    CHECK(put(&t, h, 26, 26));
    CHECK(live() == bare + array_bytes(4) + array_bytes(8));
    CHECK(put(&t, h, 27, 27));
    CHECK(!hmap_growing(h) && live() == bare + array_bytes(8) && blocks() == 2);
    END();
}

//= SPEC.md#S-MEMORY-6 type=test
//# An overflow bucket MUST be listed with the generation in whose array its chain begins.
//= SPEC.md#S-GROW-9 type=test
//# A growth MUST start with the overflow buckets so far as oldoverflow, and with none as overflow.
static void the_old_arrays_overflow_buckets_go_with_it(void)
{
    begin(&t_int64, &t_int64, 26);
    size_t bare = live() - array_bytes(4);
    for (int i = 0; i < 26; i++) {
        CHECK(put(&t, h, KEY(i < 24 ? 1 : 3, 50, i), i));
    }
    CHECK(h->noverflow == 2);
    CHECK(live() == bare + array_bytes(4) + 2 * (gm_blockHeader + (size_t)t.bucketsize));
    CHECK(put(&t, h, KEY(5, 50, 0), 1)); /* old bucket 1: two overflow buckets again; then 0 */
    CHECK(hmap_growing(h));
    CHECK(live() == bare + array_bytes(4) + array_bytes(8) + 4 * (gm_blockHeader + (size_t)t.bucketsize));
    CHECK(put(&t, h, KEY(2, 50, 0), 1));
    CHECK(!hmap_growing(h));
    CHECK(live() == bare + array_bytes(8) + 2 * (gm_blockHeader + (size_t)t.bucketsize));
    END();
}

/* Grows from 4 to 8 buckets with one iterator begun before; the growth ends. */
static size_t grow_under(hiter *it)
{
    begin(&t_int64, &t_int64, 26);
    size_t bare = live() - array_bytes(4);
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    memset(it, 0, sizeof *it);
    mapiterinit(&t, h, it);
    CHECK(put(&t, h, 26, 26) && put(&t, h, 27, 27));
    CHECK(!hmap_growing(h));
    CHECK(live() == bare + array_bytes(4) + array_bytes(8));
    SOUND(&t, h, it);
    return bare + array_bytes(8);
}

//= SPEC.md#S-MEMORY-1 type=test
//# Every bucket that the map or an iteration can still read MUST stay, with its chain, for as long as it can.
//= SPEC.md#S-MEMORY-3 type=test
//# An iteration MUST hold the array that it walks and, where it reads the old array, that one too.
//= SPEC.md#S-MEMORY-4 type=test
//# An iteration MUST let go of what it holds when it ends, by itself or early.
static void an_iterator_keeps_the_old_array_until_it_ends_either_way(void)
{
    hiter it;
    size_t without = grow_under(&it);
    mapiternext(&it);
    CHECK(live() == without + array_bytes(4));
    gm_iter_end(&it);
    CHECK(live() == without && blocks() == 2);
    END();

    without = grow_under(&it);
    while (it.key != NULL) {
        CHECK(live() == without + array_bytes(4));
        mapiternext(&it);
    }
    CHECK(live() == without && blocks() == 2);
    END();
}

//= SPEC.md#S-MEMORY-2 type=test
//= SPEC.md#S-MEMORY-3 type=test
static void the_last_of_several_iterators_frees_the_array(void)
{
    hiter a, b = {0}, c = {0};
    size_t without = grow_under(&a);
    gm_iter_end(&a);
    CHECK(live() == without);
    END();

    begin(&t_int64, &t_int64, 26);
    without = live() - array_bytes(4) + array_bytes(8);
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    mapiterinit(&t, h, &b);
    CHECK(put(&t, h, 26, 26));
    mapiterinit(&t, h, &c); /* begun in the growth: holds both */
    CHECK(put(&t, h, 27, 27));
    test_sound(__FILE__, __LINE__, &t, h, (hiter *const[]){&b, &c}, 2);
    CHECK(live() == without + array_bytes(4));
    gm_iter_end(&b);
    CHECK(live() == without + array_bytes(4));
    while (c.key != NULL) {
        mapiternext(&c);
    }
    CHECK(live() == without);
    END();
}

/* Three arrays at once: one for each of two iterators, and the map's. */
static void fill_three_arrays(hiter *a, hiter *b)
{
    int64_t k = 0;
    for (; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    mapiterinit(&t, h, a);
    for (; k < 52; k++) {
        CHECK(put(&t, h, k, k));
    }
    mapiterinit(&t, h, b);
    for (; k < 60; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(h->B == 4 && !hmap_growing(h));
}

//= SPEC.md#S-MEMORY-2 type=test
//= SPEC.md#S-MEMORY-5 type=test
//# The list of generations MUST have each generation of the map once, newest first.
static void each_iterator_keeps_its_own_array_only(void)
{
    hiter a = {0}, b = {0};
    begin(&t_int64, &t_int64, 26);
    size_t bare = live() - array_bytes(4);
    fill_three_arrays(&a, &b);
    size_t now = array_bytes(h->extra->overflow->nbuckets);
    CHECK(live() == bare + array_bytes(4) + array_bytes(8) + now);
    gm_iter_end(&b);
    CHECK(live() == bare + array_bytes(4) + now);
    gm_iter_end(&a);
    CHECK(live() == bare + now);
    END();
}

/* ---- keys and elems outside the bucket -------------------------------- */

//= SPEC.md#S-MEMORY-7 type=test
//# The memory of an indirect key or elem MUST belong to one entry, and be freed when the entry is removed and
//# no iteration can come to an old slot of it.
static void without_an_iterator_deleted_keys_and_elems_are_freed_at_once(void)
{
    const size_t one = gm_blockHeader + 129;
    begin(&t_bytes129, &t_bytes129, 26);
    size_t empty = live();
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
        CHECK(live() == empty + (size_t)(k + 1) * 2 * one);
    }
    CHECK(put(&t, h, 5, 6)); /* an update allocates nothing */
    CHECK(live() == empty + 26 * 2 * one);
    for (int64_t k = 0; k < 26; k++) {
        del(&t, h, k);
        CHECK(live() == empty + (size_t)(25 - k) * 2 * one);
    }
    END();
}

/* An iterator over the array that the entry lies in cannot reach it any more:
 * the slot is empty. */
static void an_iterator_over_the_current_array_keeps_no_deleted_entry(void)
{
    hiter it = {0};
    begin(&t_bytes129, &t_bytes129, 26);
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    mapiterinit(&t, h, &it);
    size_t before = blocks();
    for (int64_t k = 0; k < 26; k++) {
        del(&t, h, k);
        CHECK(blocks() == before - (size_t)(k + 1) * 2);
        SOUND(&t, h, &it);
    }
    gm_iter_end(&it);
    END();
}

/* The same where there is no memory to evacuate the entry's bucket, so that it
 * is deleted in the old array, over which the iterator goes. */
static void an_iterator_over_the_old_array_keeps_nothing_deleted_there(void)
{
    hiter it = {0};
    begin(&t_bytes129, &t_bytes129, 26);
    for (int i = 0; i < 26; i++) {
        CHECK(put(&t, h, KEY(3, 50, i), i));
    }
    mapiterinit(&t, h, &it);
    CHECK(put(&t, h, KEY(0, 50, 0), 1)); /* evacuates old buckets 0 and 1 */
    CHECK(hmap_growing(h) && h->nevacuate == 2);
    size_t before = blocks();
    test_memory_fail(&memory, 1, 1000);
    for (int i = 0; i < 10; i++) {
        del(&t, h, KEY(3, 50, i));
        CHECK(blocks() == before - (size_t)(i + 1) * 2);
        SOUND(&t, h, &it);
    }
    test_memory_fail(&memory, 0, 0);
    gm_iter_end(&it);
    END();
}

/* An iterator over an older array still has the addresses in its slots. */
//= SPEC.md#S-MEMORY-8 type=test
//# What leaves the map while an iteration can still read it MUST be kept until no such iteration is left.
//= SPEC.md#S-MEMORY-7 type=test
static void a_deleted_entry_is_kept_for_iterators_over_older_arrays_and_no_longer(void)
{
    hiter a = {0}, b = {0}, c = {0};
    begin(&t_bytes129, &t_bytes129, 26);
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    mapiterinit(&t, h, &a);
    mapiterinit(&t, h, &b);
    CHECK(put(&t, h, 26, 26) && put(&t, h, 27, 27));
    CHECK(!hmap_growing(h));
    mapiterinit(&t, h, &c); /* over the new array: keeps nothing */

    size_t before = blocks();
    for (int64_t k = 0; k < 10; k++) {
        del(&t, h, k);
    }
    hiter *its[] = {&a, &b, &c};
    test_sound(__FILE__, __LINE__, &t, h, its, 3);
    CHECK(blocks() == before); /* ten keys and elems, parked */
    gm_iter_end(&a);
    CHECK(blocks() == before);
    do { /* reads the parked keys, and skips them */
        mapiternext(&b);
        CHECK(b.key == NULL || key_at(b.key) >= 10);
    } while (b.key != NULL);
    CHECK(blocks() == before - 20 - 1); /* and the old array with them */
    del(&t, h, 10);
    CHECK(blocks() == before - 20 - 1 - 2);
    gm_iter_end(&c);
    END();
}

/* Parked for the iterator over the middle one of three arrays, what it leaves
 * behind passes on to the one over the oldest. */
//= SPEC.md#S-MEMORY-8 type=test
static void parked_memory_passes_on_to_the_older_iterator(void)
{
    hiter a = {0}, b = {0};
    begin(&t_bytes129, &t_int64, 26);
    fill_three_arrays(&a, &b);
    size_t before = blocks();
    del(&t, h, 1);
    CHECK(blocks() == before);
    gm_iter_end(&b); /* its array goes; the key stays, for a */
    CHECK(blocks() == before - 1);
    SOUND(&t, h, &a);
    gm_iter_end(&a);
    CHECK(blocks() == before - 3);
    END();
}

//= SPEC.md#S-MEMORY-9 type=test
//# Clearing MUST free overflow buckets and the memory of all entries, those in old buckets too, or keep what
//# an iteration can still read.
static void clear_frees_at_once_what_no_iterator_can_reach(void)
{
    begin(&t_bytes129, &t_bytes129, 26);
    size_t empty = live();
    for (int i = 0; i < 26; i++) {
        CHECK(put(&t, h, KEY(2, 50, i), i));
    }
    mapclear(&t, h);
    CHECK(live() == empty);
    END();

    hiter it = {0};
    begin(&t_int64, &t_int64, 26);
    empty = live();
    for (int i = 0; i < 26; i++) {
        CHECK(put(&t, h, KEY(2, 50, i), i));
    }
    mapiterinit(&t, h, &it);
    size_t before = blocks();
    mapclear(&t, h);
    CHECK(blocks() == before); /* it may stand in an overflow bucket */
    SOUND(&t, h, &it);
    gm_iter_end(&it);
    CHECK(live() == empty);
    END();
}

/* ---- the end ---------------------------------------------------------- */

//= SPEC.md#S-MEMORY-10 type=test
//# Freeing a map MUST free all that it and its iterations hold.
static void freeing_the_map_frees_what_iterators_hold(void)
{
    static const rtype *const types[] = {&t_int64, &t_bytes129};
    for (size_t i = 0; i < LENGTH(types); i++) {
        for (int entries = 26; entries <= 62; entries++) {
            hiter a = {0}, b = {0}, c = {0};
            begin(types[i], types[i], 0);
            for (int k = 0; k < entries; k++) {
                CHECK_ROW(entries, put(&t, h, KEY(k % 5, 50, k), k));
                if (k == 12) {
                    mapiterinit(&t, h, &a);
                }
                if (k == 26) {
                    mapiterinit(&t, h, &b);
                }
                if (k == 30) {
                    del(&t, h, KEY(0, 50, 0));
                    mapiterinit(&t, h, &c);
                }
            }
            hiter *its[] = {&a, &b, &c};
            test_sound(__FILE__, __LINE__, &t, h, its, 3);
            gm_map_free(&t, h);
            CHECK_ROW(entries, blocks() == 0 && live() == 0);
        }
    }
    gm_map_free(&t, NULL);
}

static void the_callers_hmap_is_zeroed_and_all_else_freed(void)
{
    static const hmap zero;
    hmap mine = {0};
    hiter it = {0};
    test_type(&t, &t_bytes129, &t_bytes129, gm_exact);
    CHECK(makemap(&t, 0, &mine) == &mine);
    for (int64_t k = 0; k < 27; k++) {
        CHECK(put(&t, &mine, k, k));
    }
    mapiterinit(&t, &mine, &it);
    gm_map_free(&t, &mine);
    CHECK(memcmp(&mine, &zero, sizeof zero) == 0 && blocks() == 0);
}

static void the_statistics_add_up(void)
{
    test_type(&t, &t_int64, &t_int64, gm_exact);
    gm_mem_stats_reset();
    size_t calls = memory.calls;
    h = makemap(&t, 26, NULL);
    CHECK(h != NULL);
    for (int64_t k = 0; k < 28; k++) {
        CHECK(put(&t, h, k, k));
    }
    gm_mem_stats s = gm_mem_stats_get();
    CHECK(s.allocs == 3 && s.failures == 0 && memory.calls - calls == 3);
    CHECK(s.live_blocks == 2);
    CHECK(s.peak_bytes == s.live_bytes + array_bytes(4)); /* both arrays at once */
    test_memory_fail(&memory, 1, 2);
    CHECK(makemap_small() == NULL && makemap_small() == NULL);
    test_memory_fail(&memory, 0, 0);
    CHECK(gm_mem_stats_get().failures == 2 && gm_mem_stats_get().allocs == 3);
    gm_mem_stats_reset();
    s = gm_mem_stats_get();
    CHECK(s.allocs == 0 && s.failures == 0 && s.peak_bytes == s.live_bytes && s.live_blocks == 2);
    END();
}

/* ---- failing ---------------------------------------------------------- */

enum { sparse_keys = 80, script_keys = 116 };

static int64_t values[script_keys]; /* what the map must hold; 0: not there */
static hiter one, two;
static size_t failed;
static bool doubled, same_sized; /* the kinds of growth that were seen */

/* Of the first 80 keys three of four share buckets 0 and 1 of whatever array:
 * long chains.  The other 36 have four buckets, nine keys each. */
static int64_t script_key(int i)
{
    if (i >= sparse_keys) {
        return KEY((i - sparse_keys) / 9, 20 + i, 0);
    }
    return KEY(i % 4 == 0 ? i : i % 2, 20 + i, 0);
}

static void as_expected(void)
{
    intptr_t n = 0;
    for (int i = 0; i < script_keys; i++) {
        CHECK_ROW(i, has(&t, h, script_key(i)) == (values[i] != 0));
        CHECK_ROW(i, values[i] == 0 || get(&t, h, script_key(i)) == values[i]);
        n += values[i] != 0;
    }
    CHECK(h->count == n);
    test_sound(__FILE__, __LINE__, &t, h, (hiter *const[]){&one, &two}, 2);
}

/* m[key i] = v, again after it has failed. */
static void script_put(int i, int64_t v)
{
    size_t failures = gm_mem_stats_get().failures;
    while (!put(&t, h, script_key(i), v)) {
        failed++;
        CHECK(gm_mem_stats_get().failures > failures); /* NULL for no other reason */
        failures = gm_mem_stats_get().failures;
        CHECK((flags_of(h) & hashWriting) == 0);
        as_expected();
    }
    CHECK(gm_mem_stats_get().failures == failures); /* a failure is never passed over */
    values[i] = v;
    if (hmap_growing(h)) {
        *(hmap_sameSizeGrow(h) ? &same_sized : &doubled) = true;
    }
}

static void script_del(int i)
{
    del(&t, h, script_key(i));
    values[i] = 0;
}

/* Growth of both kinds, long chains, holes, iterators over three arrays,
 * deletes in the middle of growth, clear. */
static void script(const rtype *key, const rtype *elem, bool mine, hmap *mine_h)
{
    test_type(&t, key, elem, gm_exact);
    memset(values, 0, sizeof values);
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    gm_rand_seed(1);
    while ((h = makemap(&t, 26, mine ? mine_h : NULL)) == NULL) {
        failed++;
        CHECK(blocks() == 0);
    }
    for (int first = sparse_keys; first < script_keys; first += 9) {
        for (int i = 0; i < 9; i++) {
            script_put(first + i, i + 1);
        }
        for (int i = 0; i < 8; i++) {
            script_del(first + i);
        }
    }
    for (int i = 0; i < 30; i++) {
        script_put(i, i + 1);
    }
    mapiterinit(&t, h, &one);
    for (int i = 0; i < 30; i += 3) {
        script_del(i);
    }
    for (int i = 30; i < 70; i++) {
        script_put(i, i + 1);
        if (i % 7 == 0) {
            script_del(i - 20);
        }
    }
    mapiterinit(&t, h, &two);
    for (int i = 0; i < 10 && one.key != NULL; i++) {
        mapiternext(&one);
    }
    for (int i = 69; i >= 20; i--) {
        script_del(i);
    }
    for (int i = 60; i < script_keys; i++) {
        script_put(i, 2 * i + 1);
    }
    as_expected();
    while (two.key != NULL) {
        mapiternext(&two);
    }
    gm_iter_end(&one);
    as_expected();
    mapclear(&t, h);
    memset(values, 0, sizeof values);
    as_expected();
    for (int i = 0; i < 20; i++) {
        script_put(i, i + 1);
    }
    as_expected();
    gm_map_free(&t, h);
    CHECK(blocks() == 0 && live() == 0);
}

/* The script is run once to count its allocations, and then twice for each of
 * them: it fails alone, and with the two after it. */
//= SPEC.md#S-MEMORY-11 type=test
//# A call that fails for want of memory MUST leave every entry as it was and no write going on, so that it
//# can be repeated.
//= SPEC.md#S-MEMORY-12 type=test
//# Every allocation MUST come before the change that needs it.
//= SPEC.md#S-MEMORY-14 type=test
//# Setting aside MUST give back all of it when memory runs out on the way.
//= SPEC.md#S-MEMORY-15 type=test
//# Growth work that fails for want of memory MUST be told to the caller, which stores nothing then.
//= SPEC.md#S-MEMORY-19 type=test
//# A call MUST fail only where an allocation has failed.
static void no_failed_allocation_loses_anything(void)
{
    static const struct {
        const rtype *key, *elem;
        bool mine;
    } rows[] = {{&t_int64, &t_int64, false}, {&t_int64, &t_int64, true}, {&t_bytes129, &t_bytes129, false}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        hmap mine = {0};
        test_memory_fail(&memory, 0, 0);
        failed = 0;
        script(rows[i].key, rows[i].elem, rows[i].mine, &mine);
        size_t calls = memory.calls;
        CHECK_ROW(i, failed == 0 && calls > 10 && doubled && same_sized);
        for (size_t n = 1; n <= calls; n++) {
            for (size_t so_many = 1; so_many <= 3; so_many += 2) {
                snprintf(test_case(), test_case_size, " (types %u, %u failures from allocation %u on)",
                         (unsigned)i, (unsigned)so_many, (unsigned)n);
                test_memory_fail(&memory, n, so_many);
                gm_mem_stats_reset();
                failed = 0;
                script(rows[i].key, rows[i].elem, rows[i].mine, &mine);
                CHECK(gm_mem_stats_get().failures >= 1);
                CHECK(failed <= so_many);
            }
        }
        test_memory_fail(&memory, 0, 0);
    }
    *test_case() = '\0';
}

/* Everything fails from here on: the map stays as it is, readable and
 * iterable, and can be emptied. */
//= SPEC.md#S-MEMORY-11 type=test
//= SPEC.md#S-MEMORY-16 type=test
//# A growth that cannot get its array MUST NOT have begun.
static void a_map_out_of_memory_can_still_be_read_and_emptied(void)
{
    hiter it = {0};
    begin(&t_bytes129, &t_bytes129, 0);
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    test_memory_fail(&memory, 1, SIZE_MAX);
    CHECK(!put(&t, h, 26, 26) && !put(&t, h, 26, 26));
    CHECK(h->count == 26 && !hmap_growing(h) && flags_of(h) == 0);
    CHECK(put(&t, h, 3, 33) && get(&t, h, 3) == 33); /* an update needs no memory */
    int n = 0;
    for (mapiterinit(&t, h, &it); it.key != NULL; mapiternext(&it)) {
        n++;
    }
    CHECK(n == 26);
    for (int64_t k = 0; k < 20; k++) {
        del(&t, h, k);
    }
    mapclear(&t, h);
    CHECK(h->count == 0);
    test_memory_fail(&memory, 0, 0);
    CHECK(put(&t, h, 26, 26));
    END();
}

//= SPEC.md#S-MEMORY-11 type=test
static void a_first_bucket_that_cannot_be_had_leaves_an_empty_map(void)
{
    hmap mine = {0};
    test_type(&t, &t_int64, &t_int64, gm_exact);
    CHECK(makemap(&t, 0, &mine) == &mine);
    for (size_t n = 1; n <= 2; n++) { /* the extra, then the bucket */
        test_memory_fail(&memory, n, 1);
        CHECK(!put(&t, &mine, 1, 1));
        CHECK(mine.count == 0 && mine.buckets == NULL && flags_of(&mine) == 0);
        CHECK(!has(&t, &mine, 1));
        test_memory_fail(&memory, 0, 0);
        SOUND(&t, &mine, NULL);
        if (n == 1) {
            CHECK(mine.extra == NULL);
        }
    }
    CHECK(put(&t, &mine, 1, 1) && get(&t, &mine, 1) == 1);
    gm_map_free(&t, &mine);
    CHECK(blocks() == 0);
}

int main(void)
{
    gm_rand_seed(1);
    test_memory_use(&memory);
    the_old_array_is_freed_by_the_write_that_ends_the_growth();
    the_old_arrays_overflow_buckets_go_with_it();
    an_iterator_keeps_the_old_array_until_it_ends_either_way();
    the_last_of_several_iterators_frees_the_array();
    each_iterator_keeps_its_own_array_only();

    without_an_iterator_deleted_keys_and_elems_are_freed_at_once();
    an_iterator_over_the_current_array_keeps_no_deleted_entry();
    an_iterator_over_the_old_array_keeps_nothing_deleted_there();
    a_deleted_entry_is_kept_for_iterators_over_older_arrays_and_no_longer();
    parked_memory_passes_on_to_the_older_iterator();
    clear_frees_at_once_what_no_iterator_can_reach();

    freeing_the_map_frees_what_iterators_hold();
    the_callers_hmap_is_zeroed_and_all_else_freed();
    the_statistics_add_up();

    no_failed_allocation_loses_anything();
    a_map_out_of_memory_can_still_be_read_and_emptied();
    a_first_bucket_that_cannot_be_had_leaves_an_empty_map();
    return 0;
}
