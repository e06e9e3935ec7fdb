/* SPDX-License-Identifier: BSD-3-Clause
 *
 * map.h: Go's classic map, as of go1.19, in C.  This is the public header.
 *
 * Names, layouts and signatures are map.go's; what starts with gm_ is what C
 * needs beyond Go.  Every function that takes a maptype needs the one that the
 * map was made with.
 *
 * Lifetime.  A pointer returned by access, assignment or iteration is valid
 * until the next write (assign, delete, clear) to that map.  Keys are copied
 * in; what a key points to (a string's bytes, an interface's value) stays the
 * caller's and must outlive its entry and the iterators that were alive with it.
 *
 * Failure.  Misuse panics, throws or is fatal with Go's words through
 * gm_set_handler's handler; after a panic the map is as it was.  When memory
 * runs out a writing call returns NULL, nothing is lost, and the same call can
 * be repeated.
 *
 * Threads.  As in Go: any number of concurrent readers and iterators, or one
 * writer.  Breaking the rule is detected on a best-effort basis and fatal.
 */
#ifndef GOMAP_MAP_H
#define GOMAP_MAP_H

#include "alg.h"
#include "maptype.h"

enum {
    /* map.go:67: a bucket holds eight entries. */
    bucketCntBits = 3,
    bucketCnt = 1 << bucketCntBits,

    /* map.go:72: average load that triggers growth, 13/2 = 6.5. */
    loadFactorNum = 13,
    loadFactorDen = 2,

    /* map.go:79: larger keys and elems are stored by pointer. */
    maxKeySize = 128,
    maxElemSize = 128,

    /* map.go:85: keys start here in a bucket. */
    dataOffset = 8,

    /* map.go:93: tophash values below minTopHash are states of the slot. */
    //= SPEC.md#S-TOPHASH-2
    //# A tophash byte MUST be one of the states below or, from 5 on, the tophash of an entry.
    emptyRest = 0,      /* empty, and so is all that follows in the chain */
    emptyOne = 1,       /* empty */
    evacuatedX = 2,     /* entry moved to the same bucket number of the new array */
    evacuatedY = 3,     /* entry moved to bucket number + old number of buckets */
    evacuatedEmpty = 4, /* was empty when the bucket was evacuated */
    minTopHash = 5,

    /* map.go:101: hmap.flags. */
    //= SPEC.md#S-BUCKET-2
    //# flags MUST hold iterator (1), oldIterator (2), hashWriting (4) and sameSizeGrow (8), and no other bit.
    iterator = 1,     /* there may be an iterator using buckets */
    oldIterator = 2,  /* there may be an iterator using oldbuckets */
    hashWriting = 4,  /* a write is going on */
    sameSizeGrow = 8, /* the growth in progress keeps the number of buckets */
};

/* map.go:107: no bucket has this number. */
#define noCheck UINTPTR_MAX

/* map.go:1417. */
enum { maxZero = 1024 };

/* map.go:116.  len(m) is count. */
//= SPEC.md#S-BUCKET-11
//# The order and offsets of the fields of hmap, mapextra and hiter MUST be those of the layout tables only
//# where a tool reads the map's memory from outside.
struct hmap {
    intptr_t count;
    _Atomic uint8_t flags; /* relaxed accesses: detection is best effort */
    uint8_t B;             /* 1<<B buckets */
    uint16_t noverflow;    /* overflow buckets of the current array; approximate from B=16 */
    uint32_t hash0;        /* seed */

    void *buckets;       /* NULL until the first insertion of a small map */
    void *oldbuckets;    /* the array before, while growing */
    uintptr_t nevacuate; /* old buckets below this number are evacuated */

    mapextra *extra;
};

/* map.go:134.  In Go the two overflow fields only keep memory alive; here
 * they are the map's hold on the generations of buckets and oldbuckets.
 * Deviation: exists as soon as the map has buckets. */
struct mapextra {
    gm_gen *overflow;    /* generation of hmap.buckets */
    gm_gen *oldoverflow; /* generation of hmap.oldbuckets */

    struct bmap *nextOverflow; /* the next free preallocated overflow bucket, or NULL */

    gm_gen *gm_gens;     /* all generations of this map, newest first; map's and iterators' */
    gm_block *gm_spare;  /* overflow buckets set aside so that an evacuation cannot fail half-way */
    atomic_flag gm_lock; /* guards gm_gens' list and holders: iterators of several threads meet there */
    bool gm_owned;       /* the hmap was allocated by makemap, in one block with this */
};

/* map.go:152.  Eight tophash bytes; then, untyped, eight keys, eight elems
 * and the pointer to the overflow bucket in the last PtrSize bytes. */
typedef struct bmap {
    uint8_t tophash[bucketCnt];
} bmap;

/* map.go:167.  Zero it before mapiterinit, and end it: by iterating until key
 * is NULL, or by gm_iter_end. */
struct hiter {
    void *key;  /* the entry's key, NULL: iteration is over */
    void *elem; /* its elem */
    const maptype *t;
    hmap *h;
    void *buckets;       /* hmap.buckets when the iteration began */
    bmap *bptr;          /* bucket that it stands in */
    gm_gen *overflow;    /* held: generation of buckets */
    gm_gen *oldoverflow; /* held: generation of oldbuckets when the iteration began, or NULL */
    uintptr_t startBucket;
    uint8_t offset; /* slot to start from in every bucket */
    bool wrapped;
    uint8_t B; /* hmap.B when the iteration began */
    uint8_t i;
    uintptr_t bucket;
    uintptr_t checkBucket;
};

/* Go's layout, to the byte: debuggers and probes read it from outside. */
#define GM_AT(type, field, at64, at32)                                                                       \
    _Static_assert(offsetof(type, field) == (sizeof(void *) == 8 ? (at64) : (at32)), #type "." #field)
//= SPEC.md#S-BUCKET-11 type=test
//# The order and offsets of the fields of hmap, mapextra and hiter
GM_AT(struct hmap, count, 0, 0);
GM_AT(struct hmap, flags, 8, 4);
GM_AT(struct hmap, B, 9, 5);
GM_AT(struct hmap, noverflow, 10, 6);
GM_AT(struct hmap, hash0, 12, 8);
GM_AT(struct hmap, buckets, 16, 12);
GM_AT(struct hmap, oldbuckets, 24, 16);
GM_AT(struct hmap, nevacuate, 32, 20);
GM_AT(struct hmap, extra, 40, 24);
_Static_assert(sizeof(hmap) == (sizeof(void *) == 8 ? 48 : 28), "hmap");
_Static_assert(sizeof(bmap) == 8, "bmap");
GM_AT(struct hiter, key, 0, 0);
GM_AT(struct hiter, elem, 8, 4);
GM_AT(struct hiter, t, 16, 8);
GM_AT(struct hiter, h, 24, 12);
GM_AT(struct hiter, buckets, 32, 16);
GM_AT(struct hiter, bptr, 40, 20);
GM_AT(struct hiter, overflow, 48, 24);
GM_AT(struct hiter, oldoverflow, 56, 28);
GM_AT(struct hiter, startBucket, 64, 32);
GM_AT(struct hiter, offset, 72, 36);
GM_AT(struct hiter, wrapped, 73, 37);
GM_AT(struct hiter, B, 74, 38);
GM_AT(struct hiter, i, 75, 39);
GM_AT(struct hiter, bucket, 80, 40);
GM_AT(struct hiter, checkBucket, 88, 44);
_Static_assert(sizeof(hiter) == 12 * sizeof(void *), "hiter");
#undef GM_AT

/* The elem that mapaccess returns for a missing key; all zero, read-only by
 * convention.  map.go:1418 */
GM_API extern unsigned char zeroVal[maxZero];

/* ---- making ----------------------------------------------------------- */

/* make(map[K]V, hint).  hint < 0 or too large counts as 0.  h is NULL, or a
 * zeroed hmap of the caller's that becomes the map.  NULL: no memory.
 * map.go:304, 283, 293, 1293 */
GM_API hmap *makemap(const maptype *t, intptr_t hint, hmap *h);
GM_API hmap *makemap64(const maptype *t, int64_t hint, hmap *h);
GM_API hmap *makemap_small(void);
GM_API hmap *reflect_makemap(const maptype *t, intptr_t cap);

/* Frees the map with everything that it or its iterators hold; they must not
 * be used afterwards.  h itself too, unless it was given to makemap by the
 * caller: then it is zeroed.  h may be NULL. */
GM_API void gm_map_free(const maptype *t, hmap *h);

/* ---- access ----------------------------------------------------------- */

/* The elem of *key, or zeroVal.  h may be NULL (a nil map).  An elem larger
 * than maxZero bytes needs the _fat forms, which return zero (the caller's)
 * instead of zeroVal.  *ok: was it there?  map.go:395, 456, 561, 569 */
GM_API void *mapaccess1(const maptype *t, hmap *h, const void *key);
GM_API void *mapaccess2(const maptype *t, hmap *h, const void *key, bool *ok);
GM_API void *mapaccess1_fat(const maptype *t, hmap *h, const void *key, void *zero);
GM_API void *mapaccess2_fat(const maptype *t, hmap *h, const void *key, void *zero, bool *ok);

/* Key and elem as they lie in the map, or NULL and *elem = NULL.  map.go:518 */
GM_API void *mapaccessK(const maptype *t, hmap *h, const void *key, void **elem);

/* ---- writing ---------------------------------------------------------- */

/* The elem slot of *key, inserted with a zero elem if it was missing; the
 * caller writes the elem.  NULL: no memory, see above.  map.go:578 */
GM_API void *mapassign(const maptype *t, hmap *h, const void *key);

/* delete(m, *key) and clearing all entries.  Neither can fail for want of
 * memory.  map.go:695, 993 */
GM_API void mapdelete(const maptype *t, hmap *h, const void *key);
GM_API void mapclear(const maptype *t, hmap *h);

/* ---- ranging ---------------------------------------------------------- */

/* Starts an iteration over h and takes the first step.  it must be zeroed and
 * stay at its place until it ends.  map.go:815, 866 */
GM_API void mapiterinit(const maptype *t, hmap *h, hiter *it);
GM_API void mapiternext(hiter *it);

/* Ends an iteration early (Go's break) and zeroes *it; on an iterator that
 * has ended, nothing happens. */
GM_API void gm_iter_end(hiter *it);

/* ---- the inside, for ref/ and for the judges --------------------------- */

bool isEmpty(uint8_t x);                                    /* map.go:111 */
uintptr_t bucketShift(uint8_t b);                           /* map.go:184 */
uintptr_t bucketMask(uint8_t b);                            /* map.go:190 */
uint8_t tophash(uintptr_t hash);                            /* map.go:195 */
bool evacuated(const bmap *b);                              /* map.go:203 */
bmap *bmap_overflow(bmap *b, const maptype *t);             /* map.go:208 */
bool overLoadFactor(intptr_t count, uint8_t B);             /* map.go:1085 */
bool tooManyOverflowBuckets(uint16_t noverflow, uint8_t B); /* map.go:1092 */
bool hmap_growing(const hmap *h);                           /* map.go:1105 */
bool hmap_sameSizeGrow(const hmap *h);                      /* map.go:1110 */
uintptr_t hmap_noldbuckets(const hmap *h);                  /* map.go:1115 */
uintptr_t hmap_oldbucketmask(const hmap *h);                /* map.go:1124 */

#endif
