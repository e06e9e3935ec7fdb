/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runtime.c: what map.go takes from the Go runtime; see runtime.h.
 */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>

#include "maptype.h"

/* ---- failing ---------------------------------------------------------- */

static _Atomic(gm_handler *) gm_the_handler;

gm_handler *gm_set_handler(gm_handler *h)
{
    return atomic_exchange(&gm_the_handler, h);
}

/* Every failure ends here.  The abort() behind the handler is for handlers
 * that break their promise and return. */
//= SPEC.md#S-PANIC-7
//# Every failure MUST be told to the handler as what it is in Go: a panic, a throw or a fatal error.
static _Noreturn void gm_fail(gm_event what, const char *msg)
{
    gm_handler *h = atomic_load(&gm_the_handler);
    if (h != NULL) {
        h(what, msg);
        fprintf(stderr, "gomap: the handler returned from: %s\n", msg);
    } else {
        fprintf(stderr, "%s: %s\n", what == gm_event_panic ? "panic" : "fatal error", msg);
    }
    abort();
}

void gopanic(const char *msg)
{
    gm_fail(gm_event_panic, msg);
}

void throw(const char *msg)
{
    gm_fail(gm_event_throw, msg);
}

void fatal(const char *msg)
{
    gm_fail(gm_event_fatal, msg);
}

static _Atomic(gm_erratum_hook *) gm_the_erratum_hook;

gm_erratum_hook *gm_set_erratum_hook(gm_erratum_hook *hook)
{
    return atomic_exchange(&gm_the_erratum_hook, hook);
}

void gm_erratum(int number, const hiter *it)
{
    gm_erratum_hook *hook = atomic_load(&gm_the_erratum_hook);
    if (hook != NULL) {
        hook(number, it);
    }
}

/* ---- randomness ------------------------------------------------------- */

//= SPEC.md#S-CONCURRENT-8
//# Each thread MUST have a generator of its own, or draws of several threads be ordered in some other way.
static _Thread_local gm_rand gm_m_fastrand = {.t = {1, 1}};

void gm_rand_seed(uint64_t seed)
{
    if (PtrSize == 8) {
        gm_m_fastrand.wyrand = seed;
        return;
    }
    if (seed == 0) {
        seed = 1;
    }
    gm_m_fastrand.t[0] = (uint32_t)seed;
    gm_m_fastrand.t[1] = (uint32_t)(seed >> 32);
}

gm_rand gm_rand_state(void)
{
    return gm_m_fastrand;
}

void gm_rand_restore(gm_rand state)
{
    gm_m_fastrand = state;
}

/* stubs.go:135 and 163.  One wyrand step: the word that fastrand64 returns. */
GM_WRAPS static uint64_t gm_wyrand(void)
{
    uint64_t hi, lo;
    gm_m_fastrand.wyrand += UINT64_C(0xa0761d6478bd642f);
    Mul64(gm_m_fastrand.wyrand, gm_m_fastrand.wyrand ^ UINT64_C(0xe7037ed1a0b428db), &hi, &lo);
    return hi ^ lo;
}

/* stubs.go:145.  One xorshift64+ step. */
GM_WRAPS static uint32_t gm_xorshift(void)
{
    uint32_t s1 = gm_m_fastrand.t[0];
    uint32_t s0 = gm_m_fastrand.t[1];
    s1 ^= s1 << 17;
    s1 = s1 ^ s0 ^ (s1 >> 7) ^ (s0 >> 16);
    gm_m_fastrand.t[0] = s0;
    gm_m_fastrand.t[1] = s1;
    return s0 + s1;
}

//= SPEC.md#S-HASH-16
//# fastrand and fastrand64 MUST step the generator below, once per word drawn.
uint32_t fastrand(void)
{
    return PtrSize == 8 ? (uint32_t)(gm_wyrand() & UINT32_MAX) : gm_xorshift();
}

//= SPEC.md#S-HASH-16
uint64_t fastrand64(void)
{
    if (PtrSize == 8) {
        return gm_wyrand();
    }
    uint64_t r = gm_xorshift();
    return r | (uint64_t)gm_xorshift() << 32;
}

/* ---- memory ----------------------------------------------------------- */

static void *gm_default_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return calloc(1, size);
}

static void gm_default_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    (void)size;
    free(p);
}

static const gm_allocator gm_default = {gm_default_alloc, gm_default_free, NULL};
static gm_allocator gm_the_allocator = {gm_default_alloc, gm_default_free, NULL};

void gm_set_allocator(const gm_allocator *a)
{
    gm_the_allocator = a != NULL ? *a : gm_default;
}

static struct {
    _Atomic size_t live_bytes, peak_bytes, live_blocks, allocs, failures;
} gm_mem;

gm_mem_stats gm_mem_stats_get(void)
{
    return (gm_mem_stats){
        .live_bytes = atomic_load(&gm_mem.live_bytes),
        .peak_bytes = atomic_load(&gm_mem.peak_bytes),
        .live_blocks = atomic_load(&gm_mem.live_blocks),
        .allocs = atomic_load(&gm_mem.allocs),
        .failures = atomic_load(&gm_mem.failures),
    };
}

void gm_mem_stats_reset(void)
{
    atomic_store(&gm_mem.peak_bytes, atomic_load(&gm_mem.live_bytes));
    atomic_store(&gm_mem.allocs, 0);
    atomic_store(&gm_mem.failures, 0);
}

void *gm_alloc(size_t size)
{
    void *p = gm_the_allocator.alloc(gm_the_allocator.ctx, size);
    if (p == NULL) {
        atomic_fetch_add_explicit(&gm_mem.failures, 1, memory_order_relaxed);
        return NULL;
    }
    atomic_fetch_add_explicit(&gm_mem.allocs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&gm_mem.live_blocks, 1, memory_order_relaxed);
    size_t live = atomic_fetch_add_explicit(&gm_mem.live_bytes, size, memory_order_relaxed) + size;
    size_t peak = atomic_load_explicit(&gm_mem.peak_bytes, memory_order_relaxed);
    while (peak < live && !atomic_compare_exchange_weak(&gm_mem.peak_bytes, &peak, live)) {
    }
    return p;
}

void gm_free(void *p, size_t size)
{
    atomic_fetch_sub_explicit(&gm_mem.live_blocks, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&gm_mem.live_bytes, size, memory_order_relaxed);
    gm_the_allocator.free(gm_the_allocator.ctx, p, size);
}

void *newobject(size_t size, gm_block_kind kind)
{
    gm_block *blk = gm_alloc(gm_blockHeader + size);
    if (blk == NULL) {
        return NULL;
    }
    blk->size = (uint32_t)size;
    blk->kind = (uint8_t)kind;
    blk->state = gm_block_live;
    return add(blk, gm_blockHeader);
}

gm_block *gm_block_of(void *payload)
{
    return (gm_block *)(void *)((char *)payload - gm_blockHeader);
}

void gm_block_free(void *payload)
{
    gm_block *blk = gm_block_of(payload);
    blk->state = 0;
    gm_free(blk, gm_blockHeader + blk->size);
}

//= SPEC.md#S-MAKE-10
//# A new array MUST be all zero
void *newarray(const maptype *t, intptr_t n, uint8_t B)
{
    uintptr_t mem = t->bucket->size;
    if (n != 1) {
        bool overflow = MulUintptr(t->bucket->size, (uintptr_t)n, &mem);
        if (overflow || mem > maxAlloc || n < 0) {
            gopanic("runtime: allocation size out of range");
        }
    }
    if (mem > UINTPTR_MAX - gm_genHeader) {
        return NULL; /* fits Go's address space, but not with our header */
    }
    gm_gen *g = gm_alloc(gm_genHeader + mem);
    if (g == NULL) {
        return NULL;
    }
    g->nbuckets = (uintptr_t)n;
    g->bytes = mem;
    g->B = B;
    return add(g, gm_genHeader);
}

gm_gen *gm_gen_of(void *buckets)
{
    return (gm_gen *)(void *)((char *)buckets - gm_genHeader);
}

void gm_blocks_free(gm_block *list)
{
    while (list != NULL) {
        gm_block *next = list->next;
        gm_block_free(add(list, gm_blockHeader));
        list = next;
    }
}

//= SPEC.md#S-MEMORY-2
//# A generation MUST be freed
void gm_gen_free(gm_gen *g)
{
    gm_blocks_free(g->overflow);
    gm_blocks_free(g->parked);
    gm_free(g, gm_genHeader + g->bytes);
}

/* sizeclasses.go:92, class_to_size: the sizes in which Go allocates small
 * objects. */
static const uint16_t class_to_size[] = {
    0,     8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,   160,   176,
    192,   208,   224,   240,   256,   288,   320,   352,   384,   416,   448,   480,   512,   576,
    640,   704,   768,   896,   1024,  1152,  1280,  1408,  1536,  1792,  2048,  2304,  2688,  3072,
    3200,  3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912,  8192,  9472,  9728,  10240, 10880,
    12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
};
enum { _MaxSmallSize = 32768, _PageSize = 8192 };

/* msize.go:13.
 * Deviation: finds the class by bisection instead of by Go's two lookup tables;
 * those map a size to the smallest class that holds it, and so does this. */
//= SPEC.md#S-MAKE-8
//# The bytes that the allocator hands out MUST be the smallest size class that holds the size, below 32768
//# bytes, and from there on the size rounded up to a multiple of 8192.
uintptr_t roundupsize(uintptr_t size)
{
    if (size < _MaxSmallSize) {
        size_t lo = 0, hi = sizeof class_to_size / sizeof class_to_size[0] - 1;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (class_to_size[mid] < size) {
                lo = mid + 1;
            } else {
                hi = mid;
            }
        }
        return class_to_size[lo];
    }
    if (size > UINTPTR_MAX - _PageSize) {
        return size;
    }
    return (size + _PageSize - 1) & ~(uintptr_t)(_PageSize - 1);
}

/* ---- arithmetic ------------------------------------------------------- */

/* runtime/internal/math/math.go:12 */
GM_WRAPS bool MulUintptr(uintptr_t a, uintptr_t b, uintptr_t *p)
{
    *p = a * b;
    if ((a | b) < (uintptr_t)1 << (4 * PtrSize) || a == 0) {
        return false;
    }
    return b > UINTPTR_MAX / a;
}
