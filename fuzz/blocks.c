/* SPDX-License-Identifier: BSD-3-Clause
 *
 * blocks.c: the memory of the maps that are run; see blocks.h.
 *
 * Many an input makes and frees large arrays.  ASan gets such a block from the
 * system and gives it back, so that each of its pages is a fault anew, which
 * costs more than what the map does with it.  Hence a few are kept, by powers of
 * two, and while they are, ASan is told that nobody may touch them.
 *
 * Small blocks are many, and ASan's malloc and free were a fifth of a run.  Hence
 * under ASan they are cut from an area, one behind the other, with bytes between
 * them that nobody may touch.  What is freed is not handed out again in the same
 * run, so that a use after free meets what ASan was told, however late it comes.
 */
#include "blocks.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ref/runtime.h"

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

/* ---- small blocks ---------------------------------------------------------- */

enum {
    unit = 16,            /* blocks begin at multiples of it, as malloc's do */
    area_bytes = 1 << 20, /* with the gaps far more than most runs ask for */
    small = 1 << (smallest - 1),
    least_gap = 32,
    most_gap = 1024
};

/* Two, for the runs in turn: the second run of a trace has other addresses than
 * the first, so that the map's doings cannot depend on them unnoticed. */
static struct area {
    _Alignas(unit) unsigned char bytes[area_bytes];
    uint32_t sizes[area_bytes / unit]; /* of the block that begins there; 0: none in use does */
    size_t used;                       /* 0: not even poisoned yet */
    size_t live;                       /* blocks in use */
} areas[2];

static unsigned turn;

static bool use_areas(void)
{
    static int use = -1;
    if (use < 0) {
        use = asan && getenv("GOMAP_MALLOC") == NULL;
    }
    return use != 0;
}

static size_t up(size_t size)
{
    return (size + unit - 1) / unit * unit;
}

/* What a run that failed has left behind stays where it is. */
void blocks_next_run(void)
{
    turn ^= 1;
    if (areas[turn].used != 0 && areas[turn].live == 0) {
        areas[turn].used = least_gap;
    }
}

/* NULL: there is no room, or none is wanted. */
static void *small_new(size_t size)
{
    struct area *a = &areas[turn];
    if (size == 0 || size > small || !use_areas()) {
        return NULL;
    }
    if (a->used == 0) {
        POISON(a->bytes, sizeof a->bytes);
        a->used = least_gap;
    }
    /* One block further is still in the gap, unless the block is a large one. */
    size_t gap = least_gap + up(size < most_gap ? size : most_gap);
    if (up(size) + gap > sizeof a->bytes - a->used) {
        return NULL;
    }
    unsigned char *p = a->bytes + a->used;
    a->sizes[a->used / unit] = (uint32_t)size;
    a->used += up(size) + gap;
    a->live++;
    UNPOISON(p, size);
    return memset(p, 0, size);
}

static bool small_free(void *p, size_t size)
{
    struct area *a = areas;
    while (a < areas + 2 && ((uintptr_t)p < (uintptr_t)a->bytes || (uintptr_t)p >= (uintptr_t)a->sizes)) {
        a++;
    }
    if (a == areas + 2) {
        return false;
    }
    size_t at = (uintptr_t)p - (uintptr_t)a->bytes;
    if (size == 0 || at % unit != 0 || a->sizes[at / unit] != size) {
        throw("free of what is no block in use, or one of another size");
    }
    a->sizes[at / unit] = 0;
    a->live--;
    fill(p, 0xdb, size);
    POISON(p, up(size));
    return true;
}

/* ---- large blocks ---------------------------------------------------------- */

/* The kept blocks that are large enough, none of them twice as large as needed;
 * *room: how large they are.  NULL: blocks of this size are not kept. */
static void **blocks_for(size_t size, size_t *room)
{
    if (size <= small || size > (size_t)1 << largest) {
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
    void *p = small_new(size);
    if (p != NULL) {
        return p;
    }
    size_t room = size;
    void **blocks = blocks_for(size, &room);
    for (unsigned i = 0; blocks != NULL && i < of_each; i++) {
        p = blocks[i];
        if (p != NULL) {
            blocks[i] = NULL;
            UNPOISON(p, size);
            return memset(p, 0, size);
        }
    }
    p = calloc(1, room);
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
    if (small_free(p, size)) {
        return;
    }
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
