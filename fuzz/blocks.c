/* SPDX-License-Identifier: BSD-3-Clause
 *
 * blocks.c: the memory of the maps that are run; see blocks.h.
 *
 * Many an input makes and frees large arrays.  ASan gets such a block from the
 * system and gives it back, so that each of its pages is a fault anew, which
 * costs more than what the map does with it.  Hence a few are kept, by powers of
 * two, and while they are, ASan is told that nobody may touch them.
 */
#include "blocks.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { smallest = 16, largest = 23, of_each = 2 }; /* 64 KiB to 8 MiB; an array, and the next of its size */

static void *kept[largest - smallest + 1][of_each];

/* Is ASan in the program?  For speed the judges, and with them this file, may be
 * compiled without it; then ci/cmake/flags.cmake says so. */
#if !defined(GOMAP_ASAN) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GOMAP_ASAN
#endif
#endif
#if !defined(GOMAP_ASAN) && defined(__SANITIZE_ADDRESS__)
#define GOMAP_ASAN
#endif

#ifdef GOMAP_ASAN
enum { asan = true };
void __asan_poison_memory_region(const volatile void *p, size_t size);
void __asan_unpoison_memory_region(const volatile void *p, size_t size);
#define POISON(p, size) __asan_poison_memory_region(p, size)
#define UNPOISON(p, size) __asan_unpoison_memory_region(p, size)
#else
enum { asan = false };
#define POISON(p, size) ((void)(p), (void)(size))
#define UNPOISON(p, size) ((void)(p), (void)(size))
#endif

/* Called through a pointer that the compiler must read, or else it leaves out a
 * store to memory that is about to be freed. */
static void *(*volatile fill)(void *p, int byte, size_t size) = memset;

/* The kept blocks that are large enough, none of them twice as large as needed;
 * *room: how large they are.  NULL: blocks of this size are not kept. */
static void **blocks_for(size_t size, size_t *room)
{
    if (size <= (size_t)1 << (smallest - 1) || size > (size_t)1 << largest) {
        return NULL;
    }
    unsigned k = smallest;
    while (size > (size_t)1 << k) {
        k++;
    }
    *room = (size_t)1 << k;
    return kept[k - smallest];
}

void *block_new(size_t size)
{
    size_t room = size;
    void **blocks = blocks_for(size, &room);
    for (unsigned i = 0; blocks != NULL && i < of_each; i++) {
        void *p = blocks[i];
        if (p != NULL) {
            blocks[i] = NULL;
            UNPOISON(p, size);
            return memset(p, 0, size);
        }
    }
    void *p = calloc(1, room);
    if (p == NULL) {
        fprintf(stderr, "gomap: the machine has no %zu bytes left\n", room);
        abort();
    }
    if (room > size) {
        POISON((char *)p + size, room - size);
    }
    return p;
}

void block_free(void *p, size_t size)
{
    size_t room;
    void **blocks = blocks_for(size, &room);
    if (!asan) {
        fill(p, 0xdb, size);
    }
    for (unsigned i = 0; blocks != NULL && i < of_each; i++) {
        if (blocks[i] == NULL) {
            blocks[i] = p;
            POISON(p, room);
            return;
        }
    }
    free(p);
}
