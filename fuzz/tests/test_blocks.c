/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_blocks.c: the memory of the maps that are run: zero at first, out of
 * bounds afterwards, whether it is kept for the next map or not.
 *
 *   cc -std=c11 -o test_blocks fuzz/tests/test_blocks.c fuzz/blocks.c ref/alg.c \
 *      ref/aeshash.c ref/maptype.c ref/runtime.c && ./test_blocks
 */
#include "../blocks.h"

#include <stdlib.h>

#include "../../ref/tests/test.h"

/* There only where ASan is: the first poisoned byte, or NULL. */
extern void *__asan_region_is_poisoned(void *p, size_t size) __attribute__((weak));

/* On both sides of what is kept, and of powers of two within. */
static const size_t sizes[] = {1,     100,   32768,  32769,  65535,    65536,
                               65537, 80000, 131072, 131073, 8U << 20, (8U << 20) + 1};

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

static bool is_spoiled(unsigned char *p, size_t size)
{
    return __asan_region_is_poisoned != NULL ? __asan_region_is_poisoned(p, 1) == p : all_are(p, size, 0xdb);
}

int main(void)
{
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t size = sizes[i];
        unsigned char *three[3];
        for (int turn = 0; turn < 2; turn++) { /* the second time from what is kept */
            for (int k = 0; k < 3; k++) {
                three[k] = block_new(size);
                CHECK_ROW(i, all_are(three[k], size, 0) && is_there(three[k], size));
                memset(three[k], 0x11, size);
            }
            CHECK_ROW(i, three[0] != three[1] && three[0] != three[2] && three[1] != three[2]);
            for (int k = 0; k < 3; k++) {
                block_free(three[k], size);
                CHECK_ROW(i,
                          !kept(size) || k == 2 || is_spoiled(three[k], size)); /* two of a size are kept */
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
    return 0;
}
