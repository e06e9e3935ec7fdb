/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_blocks.c: the memory of the maps that are run: zero at first, out of
 * bounds afterwards, whether it is kept for the next map or not; and what is
 * small, where ASan is, lies in an area of our own that tells more.
 *
 *   cc -std=c11 -o test_blocks fuzz/tests/test_blocks.c fuzz/blocks.c ref/alg.c \
 *      ref/aeshash.c ref/maptype.c ref/runtime.c && ./test_blocks
 */
#include "../blocks.h"

#include <setjmp.h>
#include <stdlib.h>

#include "../../ref/runtime.h"
#include "../../ref/tests/test.h"

/* There only where ASan is: the first poisoned byte, or NULL. */
extern void *__asan_region_is_poisoned(void *p, size_t size) __attribute__((weak));

/* On both sides of what is kept, and of powers of two within. */
static const size_t sizes[] = {1,     16,    17,    100,    1025,   32768,    32769,         65535,
                               65536, 65537, 80000, 131072, 131073, 8U << 20, (8U << 20) + 1};

/* Under ASan these are small ones. */
static const size_t smalls[] = {1, 15, 16, 17, 24, 145, 1000, 1041, 5000, 32768};

static bool areas(void)
{
    return __asan_region_is_poisoned != NULL && getenv("GOMAP_MALLOC") == NULL;
}

static bool kept(size_t size)
{
    return size > 32768 && size <= 8U << 20;
}

static bool all_are(const unsigned char *p, size_t n, unsigned char byte)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != byte) {
            return false;
        }
    }
    return true;
}

/* The bytes before p + size are there, and where ASan is none behind them. */
static bool is_there(unsigned char *p, size_t size)
{
    return __asan_region_is_poisoned == NULL ||
           (__asan_region_is_poisoned(p, size) == NULL && __asan_region_is_poisoned(p, size + 1) == p + size);
}

static bool is_aligned(const unsigned char *p)
{
    return (uintptr_t)p % 16 == 0 || (sizeof p == 4 && (uintptr_t)p % 8 == 0);
}

static bool is_spoiled(unsigned char *p, size_t size)
{
    return __asan_region_is_poisoned != NULL ? __asan_region_is_poisoned(p, 1) == p : all_are(p, size, 0xdb);
}

/* ---- small ones under ASan -------------------------------------------------- */

static bool all_poisoned(unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (__asan_region_is_poisoned(p + i, 1) == NULL) {
            return false;
        }
    }
    return true;
}

/* Nobody may touch what is around a block: as much behind it as it has itself. */
static void test_gaps(void)
{
    for (size_t i = 0; i < LENGTH(smalls); i++) {
        unsigned char *before = block_new(smalls[i]), *p = block_new(smalls[i]), *behind = block_new(64);
        size_t gap = smalls[i] < 1024 ? smalls[i] : 1024;
        CHECK_ROW(i, is_there(p, smalls[i]) && is_aligned(p) && all_are(p, smalls[i], 0));
        CHECK_ROW(i, all_poisoned(p - 32, 32) && all_poisoned(p + smalls[i], gap));
        block_free(before, smalls[i]);
        CHECK_ROW(i, is_there(p, smalls[i]));
        block_free(p, smalls[i]);
        CHECK_ROW(i, all_poisoned(p, smalls[i]) && is_there(behind, 64));
        block_free(behind, 64);
    }
}

/* What is freed does not come again in that run, nor in the next one, which has
 * addresses of its own; then it does, and is all zero. */
static void test_runs(void)
{
    unsigned char *first[50], *p;
    blocks_next_run();
    blocks_next_run();
    for (size_t i = 0; i < LENGTH(first); i++) {
        first[i] = block_new(100);
        for (size_t j = 0; j < i; j++) {
            CHECK_ROW(i, first[i] != first[j]);
        }
        memset(first[i], 0x11, 100);
        block_free(first[i], 100);
    }
    for (int run = 1; run < 3; run++) {
        blocks_next_run();
        for (size_t i = 0; i < LENGTH(first); i++) {
            p = block_new(100);
            CHECK_ROW(i, all_are(p, 100, 0) && is_there(p, 100));
            CHECK_ROW(i, (p == first[i]) == (run == 2));
            for (size_t j = 0; run == 1 && j < LENGTH(first); j++) {
                CHECK_ROW(j, p != first[j] && __asan_region_is_poisoned(first[j], 100) == first[j]);
            }
            block_free(p, 100);
        }
    }
}

/* What a run has left behind, because it failed, stays as it is. */
static void test_left_behind(void)
{
    blocks_next_run();
    unsigned char *left = block_new(100), *freed = block_new(100), *p;
    memset(left, 0x11, 100);
    block_free(freed, 100);
    for (int run = 0; run < 4; run++) {
        blocks_next_run();
        for (int i = 0; i < 5; i++) {
            p = block_new(100);
            CHECK(p != left && p != freed && all_are(p, 100, 0));
            block_free(p, 100);
        }
        CHECK(all_are(left, 100, 0x11) && is_there(left, 100) && all_poisoned(freed, 100));
    }
    block_free(left, 100);
    blocks_next_run();
    blocks_next_run();
    p = block_new(100);
    CHECK(p == left);
    block_free(p, 100);
}

/* More than an area has: then they are malloc's, and are freed as such. */
static void test_full(void)
{
    unsigned char *p[64];
    for (size_t i = 0; i < LENGTH(p); i++) {
        p[i] = block_new(32768);
        CHECK_ROW(i, all_are(p[i], 32768, 0) && is_there(p[i], 32768) && is_aligned(p[i]));
        memset(p[i], (int)i, 32768);
    }
    for (size_t i = 0; i < LENGTH(p); i++) {
        CHECK_ROW(i, all_are(p[i], 32768, (unsigned char)i));
        block_free(p[i], 32768);
        CHECK_ROW(i, is_spoiled(p[i], 32768));
    }
}

static jmp_buf thrown;

static void on_throw(gm_event what, const char *msg)
{
    (void)msg;
    longjmp(thrown, what == gm_event_throw ? 1 : 2);
}

static bool throws(unsigned char *p, size_t size)
{
    if (setjmp(thrown) == 1) {
        return true;
    }
    block_free(p, size);
    return false;
}

static void test_wrong_frees(void)
{
    gm_handler *before = gm_set_handler(on_throw);
    unsigned char *p = block_new(100);
    CHECK(throws(p, 99) && throws(p, 116) && throws(p + 16, 100) && throws(p + 1, 100) &&
          throws(p - 16, 100));
    block_free(p, 100);
    CHECK(throws(p, 100) && throws(p, 0));
    gm_set_handler(before);
}

int main(void)
{
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t size = sizes[i];
        unsigned char *three[3];
        for (int turn = 0; turn < 2; turn++) { /* the second time from what is kept */
            for (int k = 0; k < 3; k++) {
                three[k] = block_new(size);
                CHECK_ROW(i, all_are(three[k], size, 0) && is_there(three[k], size) && is_aligned(three[k]));
                memset(three[k], 0x11, size);
            }
            CHECK_ROW(i, three[0] != three[1] && three[0] != three[2] && three[1] != three[2]);
            for (int k = 0; k < 3; k++) {
                block_free(three[k], size);
                /* Two of a size are kept. */
                bool to_see = kept(size) ? k < 2 : areas() && size <= 32768;
                CHECK_ROW(i, !to_see || is_spoiled(three[k], size));
            }
        }
        unsigned char *again = block_new(size);
        CHECK_ROW(i, !kept(size) || again == three[0] || again == three[1]);
        block_free(again, size);
    }

    /* A smaller one of the same power of two: no more of it is there than was asked for. */
    unsigned char *large = block_new(131072);
    memset(large, 0x11, 131072);
    block_free(large, 131072);
    unsigned char *smaller = block_new(80000);
    CHECK(all_are(smaller, 80000, 0) && is_there(smaller, 80000));
    block_free(smaller, 80000);

    if (areas()) {
        test_gaps();
        test_runs();
        test_left_behind();
        test_full();
        test_wrong_frees();
    }
    return 0;
}
