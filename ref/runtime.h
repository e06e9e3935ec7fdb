/* SPDX-License-Identifier: BSD-3-Clause
 *
 * runtime.h: what map.go takes from the Go runtime, in C.
 *
 * Four things: the ways to fail (panic, throw, fatal), the random generator,
 * memory with its accounting, and the size classes of Go's allocator.  The
 * lifetime of bucket arrays (generations) lives here too, because in Go it is
 * the garbage collector's business and not the map's.
 */
#ifndef GOMAP_RUNTIME_H
#define GOMAP_RUNTIME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define GM_API __attribute__((visibility("default")))
#else
#define GM_API
#endif

/* Arithmetic in hashes and generators wraps on purpose; say so to clang's
 * -fsanitize=integer, which would otherwise report it. */
#if defined(__clang__)
#define GM_WRAPS __attribute__((no_sanitize("unsigned-integer-overflow", "unsigned-shift-base")))
#else
#define GM_WRAPS
#endif

/* goarch.PtrSize */
enum { PtrSize = sizeof(void *) };
_Static_assert(sizeof(void *) == sizeof(uintptr_t) && (sizeof(void *) == 4 || sizeof(void *) == 8),
               "Go's map is defined for 32-bit and 64-bit words");

typedef struct rtype rtype;     /* maptype.h */
typedef struct maptype maptype; /* maptype.h */
typedef struct hmap hmap;       /* map.h */
typedef struct hiter hiter;     /* map.h */
typedef struct mapextra mapextra;

/* ---- failing ---------------------------------------------------------- */

typedef enum gm_event {
    gm_event_panic, /* Go code could recover(): nil map, unhashable key */
    gm_event_throw, /* the map's own invariants are broken */
    gm_event_fatal, /* concurrent use; Go cannot recover from it either */
} gm_event;

/* A handler gets Go's words for the event and must not return: it may
 * longjmp, exit or abort.  msg is static or lives until the next event of
 * this thread. */
typedef void gm_handler(gm_event what, const char *msg);

/* Installs h for the whole process and returns the one before it.  NULL
 * stands for the default: print as Go does to stderr and abort(). */
GM_API gm_handler *gm_set_handler(gm_handler *h);

_Noreturn void gopanic(const char *msg); /* panic.go: gopanic */
_Noreturn void throw(const char *msg);   /* panic.go: throw */
_Noreturn void fatal(const char *msg);   /* panic.go: fatal */

/* In exact mode, a place where go1.19 breaks a promise (ERRATA.md) tells this
 * hook before it does: number of the erratum, and the iterator concerned.  For
 * judges; NULL, the default: nobody is told.  Returns the one before it. */
typedef void gm_erratum_hook(int number, const hiter *it);
gm_erratum_hook *gm_set_erratum_hook(gm_erratum_hook *hook);
void gm_erratum(int number, const hiter *it);

/* ---- randomness ------------------------------------------------------- */

/* The generator state of this thread: Go keeps one in each M (runtime2.go,
 * m.fastrand).  64-bit machines step it as wyrand, 32-bit machines as
 * xorshift64+ over the two words t[0], t[1]. */
typedef union gm_rand {
    uint64_t wyrand;
    uint32_t t[2];
} gm_rand;

/* Sets this thread's state.  On 32-bit, t[0] is the low half and t[1] the high
 * half of seed; xorshift stays at zero from zero, so seed 0 is taken as 1. */
GM_API void gm_rand_seed(uint64_t seed);
GM_API gm_rand gm_rand_state(void);
GM_API void gm_rand_restore(gm_rand state);

uint32_t fastrand(void);   /* stubs.go:127 */
uint64_t fastrand64(void); /* stubs.go:160 */

/* ---- memory ----------------------------------------------------------- */

/* alloc returns size zero-filled bytes aligned for any object, or NULL; free
 * gets back what alloc returned with the same size.  Both must be callable
 * from any thread that uses a map. */
typedef struct gm_allocator {
    void *(*alloc)(void *ctx, size_t size);
    void (*free)(void *ctx, void *p, size_t size);
    void *ctx;
} gm_allocator;

/* Sets the allocator of the whole process (copied; NULL: calloc and free).
 * Only while no map exists. */
GM_API void gm_set_allocator(const gm_allocator *a);

typedef struct gm_mem_stats {
    size_t live_bytes; /* allocated and not yet freed, hidden headers included */
    size_t peak_bytes; /* the most that live_bytes ever was since the reset */
    size_t live_blocks;
    size_t allocs;   /* successful allocations since the reset */
    size_t failures; /* allocations that returned NULL since the reset */
} gm_mem_stats;

GM_API gm_mem_stats gm_mem_stats_get(void);
/* Starts peak, allocs and failures afresh; live counts go on. */
GM_API void gm_mem_stats_reset(void);

/* A block is one object of the map outside the bucket arrays: an overflow
 * bucket, or the memory of an indirect key or elem.  This header stands
 * gm_blockHeader bytes before the payload that Go would see. */
typedef enum gm_block_kind { gm_block_overflow = 1, gm_block_key, gm_block_elem } gm_block_kind;
typedef enum gm_block_state { gm_block_live = 0x4c, gm_block_parked = 0x50 } gm_block_state;

typedef struct gm_block {
    struct gm_block *next; /* the list it is on: a generation's overflow, parked, or spare */
    uint32_t size;         /* of the payload, bytes */
    uint8_t kind;          /* gm_block_kind */
    uint8_t state;         /* gm_block_state; anything else: not a block */
    uint8_t mark;          /* scratch of gm_check, 0 otherwise */
} gm_block;

enum { gm_blockHeader = 16 };
_Static_assert(sizeof(gm_block) <= gm_blockHeader, "header fits");

/* The allocator and its accounting; p has the size it was allocated with. */
void *gm_alloc(size_t size);
void gm_free(void *p, size_t size);

/* newobject allocates a zeroed payload of size bytes; NULL when the allocator
 * fails.  malloc.go:1194. */
void *newobject(size_t size, gm_block_kind kind);
void gm_block_free(void *payload);
gm_block *gm_block_of(void *payload);
void gm_blocks_free(gm_block *list); /* all blocks of a list */

/* A generation: one bucket array with all overflow buckets that are chained
 * to it.  It stands gm_genHeader bytes before the array, in one allocation, and
 * is on the list of all generations of its map, newest first.
 *
 * It is held by the map (as buckets or as oldbuckets) and by iterators; when
 * the last holder lets go it is freed at once. */
typedef struct gm_gen {
    struct gm_gen *newer, *older;
    gm_block *overflow; /* heap overflow buckets of this array, newest first */
    gm_block *parked;   /* blocks out of the map that an iterator may still read, see gm_park */
    uintptr_t nbuckets; /* the preallocated tail included */
    uintptr_t bytes;    /* of the array */
    uint32_t iters;     /* iterators that hold it */
    uint8_t B;          /* the array has 1<<B main buckets */
    bool mapholds;      /* hmap.buckets or hmap.oldbuckets is this array */
    bool cleared;       /* strict mode: the map was cleared, iterations over it are over */
} gm_gen;

enum { gm_genHeader = 64 };
_Static_assert(sizeof(gm_gen) <= gm_genHeader, "header fits");

/* newarray allocates n zeroed buckets of type t as a generation of its own
 * (on no list yet, held by nobody) and returns the array; NULL when the
 * allocator fails.  Panics, as Go does, when the size is out of range.
 * malloc.go:1216. */
void *newarray(const maptype *t, intptr_t n, uint8_t B);
gm_gen *gm_gen_of(void *buckets);
void gm_gen_free(gm_gen *g); /* array, overflow buckets and parked blocks */

/* roundupsize: the bytes that Go's allocator hands out for a request of size.
 * msize.go:13 */
uintptr_t roundupsize(uintptr_t size);

/* math.MulUintptr: *p = a*b, wrapped; true when it overflowed. */
bool MulUintptr(uintptr_t a, uintptr_t b, uintptr_t *p);
/* math.Mul64: the full product.  runtime/internal/math/math.go:25
 * Without a 128-bit type: schoolbook, on 32-bit halves; no partial sum can
 * exceed 64 bits. */
GM_WRAPS static inline void Mul64(uint64_t x, uint64_t y, uint64_t *hi, uint64_t *lo)
{
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 uint128;
    uint128 p = (uint128)x * y;
    *hi = (uint64_t)(p >> 64);
    *lo = (uint64_t)(p & UINT64_MAX);
#else
    uint64_t x0 = x & UINT32_MAX, x1 = x >> 32;
    uint64_t y0 = y & UINT32_MAX, y1 = y >> 32;
    uint64_t low = x0 * y0;
    uint64_t mid = x1 * y0 + (low >> 32);
    uint64_t mid2 = x0 * y1 + (mid & UINT32_MAX);
    *hi = x1 * y1 + (mid >> 32) + (mid2 >> 32);
    *lo = x * y;
#endif
}

/* The largest allocation that Go accepts: malloc.go:219. */
#define maxAlloc ((uintptr_t)(sizeof(void *) == 8 ? UINT64_C(1) << 48 : UINT32_MAX))

/* ---- untyped access --------------------------------------------------- */

/* unsafe.Pointer arithmetic: x bytes past p, which must stay inside p's object. */
static inline void *add(void *p, uintptr_t x)
{
    return (char *)p + x;
}

/* internal/bytealg: memequal.  Word by word and not by memcmp, which fuzz
 * engines and sanitizers intercept at a price of a multiple of the comparison. */
static inline bool gm_same_bytes(const void *p, const void *q, uintptr_t n)
{
    const unsigned char *a = p;
    const unsigned char *b = q;
    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), a += sizeof(uint64_t), b += sizeof(uint64_t)) {
        uint64_t x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        if (x != y) {
            return false;
        }
    }
    for (; n > 0; n--, a++, b++) {
        if (*a != *b) {
            return false;
        }
    }
    return true;
}

/* Pointers stored in untyped bucket memory are read and written by these two
 * only, so that neither alignment nor aliasing is assumed. */
static inline void *gm_loadp(const void *at)
{
    void *p;
    memcpy(&p, at, sizeof p);
    return p;
}

static inline void gm_storep(void *at, const void *p)
{
    memcpy(at, &p, sizeof p);
}

#endif
