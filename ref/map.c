/* SPDX-License-Identifier: BSD-3-Clause
 *
 * map.c: Go's classic map, function for function and in the order of map.go as
 * of go1.19.  Open the two side by side; the first line above each function
 * says where its twin stands.
 *
 * In one paragraph: a map is an array of 1<<B buckets, each with room for eight
 * entries and a chain of overflow buckets behind it.  The low B bits of a
 * key's hash choose the bucket, the top byte (tophash) is kept beside each
 * slot and doubles as the slot's state.  When the load passes 6.5 entries a
 * bucket the array doubles; when overflow buckets pile up although the load is
 * low, it is replaced by one of the same size.  Either way entries move bucket
 * by bucket, a little with each write, and an iterator that began before may go
 * on in the old array, which therefore must outlive its evacuation.
 *
 * What differs from Go is collected here, once:
 *
 *  - Go's race, msan and asan hooks have no counterpart; the C sanitizers see
 *    the accesses themselves.
 *  - Memory.  Go's collector frees what nobody can reach.  Here bucket arrays
 *    are generations with counted holders and the memory of indirect keys and
 *    elems belongs to the live entry (the gm_ functions at the end).
 *  - Allocation can fail.  Functions that allocate then report it, and do so
 *    before they have changed anything that they could not leave as it is.
 *  - hmap.extra exists as soon as there are buckets, since it holds them.
 *  - flags is atomic, relaxed: what Go reads and writes plainly is best-effort
 *    detection of misuse, and C has no benign data races.
 */
#include "map.h"

unsigned char zeroVal[maxZero];

/* What C needs beyond Go, defined at the end of this file. */
static bool gm_extra(hmap *h);
static void gm_adopt(hmap *h, void *buckets);
static void gm_map_unhold(mapextra *x, gm_gen *g);
static void gm_iter_hold(mapextra *x, gm_gen *g);
static void gm_iter_unhold(mapextra *x, gm_gen *g);
static void gm_iter_walk(hiter *it, gm_gen *g);
static void gm_retire(gm_gen *from, void *payload);
static bool gm_reserve(const maptype *t, hmap *h, uintptr_t oldbucket);
static void gm_unreserve(hmap *h);
static void gm_clear_blocks(const maptype *t, hmap *h);
static hmap *gm_newhmap(void);

/* Where go1.19 breaks a promise: what strict mode does instead. */
static bool gm_iterated(const hmap *h);
static void gm_start_afresh(hmap *h);
static bool gm_walks_split(const maptype *t, const hmap *h, const hiter *it);
static bool gm_walks_oldbuckets(const maptype *t, const hmap *h, const hiter *it);
static bool gm_reads_key(const maptype *t, const hmap *h, uintptr_t checkBucket);
static bool gm_meets_elsewhere(const maptype *t, const hmap *h, const hiter *it, const void *k,
                               uintptr_t walked);

//= SPEC.md#S-CONCURRENT-7
//# That misuse is noticed MUST NOT be relied on: every check is one plain look.
static uint8_t flags_get(const hmap *h)
{
    return atomic_load_explicit(&h->flags, memory_order_relaxed);
}

/* For writers, which are alone: no read-modify-write instruction is needed. */
//= SPEC.md#S-BUCKET-2
//# flags MUST hold iterator (1), oldIterator (2), hashWriting (4) and sameSizeGrow (8), and no other bit.
static void flags_set(hmap *h, unsigned flags)
{
    atomic_store_explicit(&h->flags, (uint8_t)flags, memory_order_relaxed);
}

/* map.go:111.  Is the slot with this tophash free?
 * Invariant: the two empty states are the lowest values. */
//= SPEC.md#S-TOPHASH-3
//# A slot MUST count as free exactly where its tophash is emptyRest or emptyOne.
bool isEmpty(uint8_t x)
{
    return x <= emptyOne;
}

/* map.go:184.  1<<b.
 * Invariant: b is below the word's bits wherever a map has that many buckets. */
//= SPEC.md#S-BUCKET-3
//# buckets MUST be an array of 1<<B main buckets
uintptr_t bucketShift(uint8_t b)
{
    return (uintptr_t)1 << (b & (PtrSize * 8 - 1));
}

/* map.go:190.  The mask that takes a hash to one of 1<<b buckets. */
//= SPEC.md#S-BUCKET-3
//# the main bucket of a key the one whose number is the low B bits of its hash
uintptr_t bucketMask(uint8_t b)
{
    return bucketShift(b) - 1;
}

/* map.go:195.  The top byte of a hash, lifted over the reserved values.
 * Invariant: the result is never a slot state. */
//= SPEC.md#S-TOPHASH-1
//# The tophash of a hash MUST be its top byte
uint8_t tophash(uintptr_t hash)
{
    uint8_t top = (uint8_t)(hash >> (PtrSize * 8 - 8));
    //= SPEC.md#S-TOPHASH-1
    //# plus 5 if that is below 5
    if (top < minTopHash) {
        top = (uint8_t)(top + minTopHash);
    }
    return top;
}

/* map.go:203.  Has this bucket of the old array been evacuated?
 * Invariant: evacuation marks all eight slots of all buckets of a chain or
 * none, so the first slot answers for the chain. */
//= SPEC.md#S-TOPHASH-4
//# A chain MUST count as evacuated exactly where the tophash of its first slot is
bool evacuated(const bmap *b)
{
    uint8_t h = b->tophash[0];
    return h > emptyOne && h < minTopHash;
}

/* map.go:208.  The next bucket of the chain; in the last PtrSize bytes. */
//= SPEC.md#S-BUCKET-6
//# A bucket MUST be eight tophash bytes, eight key slots, eight elem slots and the overflow pointer
bmap *bmap_overflow(bmap *b, const maptype *t)
{
    return gm_loadp(add(b, (uintptr_t)t->bucketsize - PtrSize));
}

/* map.go:212 */
static void bmap_setoverflow(bmap *b, const maptype *t, const bmap *ovf)
{
    gm_storep(add(b, (uintptr_t)t->bucketsize - PtrSize), ovf);
}

/* map.go:216.  The first key slot. */
//= SPEC.md#S-BUCKET-6
//# Key slot i is at offset 8 + i·keysize
static void *bmap_keys(bmap *b)
{
    return add(b, dataOffset);
}

/* map.go:227.  Counts one more overflow bucket in h.noverflow.
 * Invariant: exact below B=16; from there each is counted with probability
 * 1/(1<<(B-15)), so that 1<<15 stands for about as many as there are buckets.
 * Why: tooManyOverflowBuckets needs to compare with 1<<B, and noverflow has
 * only 16 bits. */
static void hmap_incrnoverflow(hmap *h)
{
    //= SPEC.md#S-OVERFLOW-4
    //# Every overflow bucket that is chained MUST add 1 to noverflow where B is below 16.
    if (h->B < 16) {
        h->noverflow++;
        return;
    }
    uint32_t mask = ((uint32_t)1 << (h->B - 15)) - 1;
    //= SPEC.md#S-OVERFLOW-5
    //# exactly if the low B-15 bits of one fastrand are 0
    if ((fastrand() & mask) == 0) {
        h->noverflow++;
    }
}

/* map.go:246.  Chains a zeroed overflow bucket behind b and returns it.
 * Invariant: b is the last of its chain in h.buckets.  A free preallocated
 * bucket has a nil overflow pointer, except the very last one, whose pointer
 * is a sentinel.
 * Deviation: NULL when memory is short, with nothing changed.  A bucket that
 * gm_reserve has set aside comes before a new one; Go's slice of overflow
 * buckets is the generation's list here, for all types. */
static bmap *hmap_newoverflow(hmap *h, const maptype *t, bmap *b)
{
    bmap *ovf;
    //= SPEC.md#S-OVERFLOW-1
    //# An overflow bucket MUST come from the tail as long as there is one left in it, in order of address.
    if (h->extra->nextOverflow != NULL) {
        ovf = h->extra->nextOverflow;
        //= SPEC.md#S-OVERFLOW-2
        //# The bucket of the tail with a non-nil overflow pointer MUST be the last to come from it
        if (bmap_overflow(ovf, t) == NULL) {
            h->extra->nextOverflow = add(ovf, t->bucketsize);
        } else {
            bmap_setoverflow(ovf, t, NULL);
            h->extra->nextOverflow = NULL;
        }
    } else {
        //= SPEC.md#S-MEMORY-13
        //# An evacuation MUST set aside the overflow buckets that it can need
        if (h->extra->gm_spare != NULL) {
            ovf = add(h->extra->gm_spare, gm_blockHeader);
            h->extra->gm_spare = h->extra->gm_spare->next;
        } else {
            //= SPEC.md#S-OVERFLOW-3
            //# Without a tail an overflow bucket MUST be new, and zero.
            ovf = newobject(t->bucket->size, gm_block_overflow);
            if (ovf == NULL) {
                return NULL;
            }
        }
        //= SPEC.md#S-MEMORY-6
        //# An overflow bucket MUST be listed with the generation in whose array its chain begins.
        gm_block *blk = gm_block_of(ovf);
        blk->next = h->extra->overflow->overflow;
        h->extra->overflow->overflow = blk;
    }
    hmap_incrnoverflow(h);
    //= SPEC.md#S-OVERFLOW-6
    //# An overflow bucket MUST be chained behind the bucket that was full.
    //= SPEC.md#S-BUCKET-8
    //# through overflow buckets of its own array that are in no other chain
    bmap_setoverflow(b, t, ovf);
    return ovf;
}

/* map.go:274.  Sees to it that what keeps overflow buckets alive exists.
 * Deviation: false when memory is short; called where the first array of a
 * map is made, because generations need h.extra for every type. */
static bool hmap_createOverflow(hmap *h)
{
    return h->extra != NULL || gm_extra(h);
}

/* map.go:283.  makemap for a hint that may not fit an int. */
hmap *makemap64(const maptype *t, int64_t hint, hmap *h)
{
    //= SPEC.md#S-MAKE-1
    //# A hint MUST count as 0 where it does not fit a Go int
    if ((int64_t)(intptr_t)hint != hint) {
        hint = 0;
    }
    return makemap(t, (intptr_t)hint, h);
}

/* map.go:293.  A map without buckets: they come with the first insertion. */
//= SPEC.md#S-MAKE-4
//# With B=0 a map MUST be made without buckets.
hmap *makemap_small(void)
{
    hmap *h = gm_newhmap();
    //= SPEC.md#S-MEMORY-18
    //# Making a map MUST fail whole, with nothing allocated, or succeed.
    if (h == NULL) {
        return NULL;
    }
    //= SPEC.md#S-MAKE-2
    //# A new map MUST get one fastrand as hash0.
    h->hash0 = fastrand();
    return h;
}

static void *makeBucketArray(const maptype *t, uint8_t b, void *dirtyalloc, bmap **nextOverflow);

/* map.go:304.  A map with room for hint entries before it first grows.
 * Invariant: a hint that cannot be had (negative, or more than the address
 * space holds) counts as 0.  With B=0 no buckets are made yet.
 * Deviation: NULL when memory is short, *h is then zeroed as it was.  A first
 * bucket of the caller's, which Go's compiler may have put on the stack, is not
 * supported: it could not be a generation. */
hmap *makemap(const maptype *t, intptr_t hint, hmap *h)
{
    uintptr_t mem;
    bool overflow = MulUintptr((uintptr_t)hint, t->bucket->size, &mem);
    //= SPEC.md#S-MAKE-1
    //# is negative, or asks for more bytes (hint times bucket size) than the machine's address space
    if (overflow || mem > maxAlloc) {
        hint = 0;
    }

    //= SPEC.md#S-MAKE-6
    //# makemap MUST build the map in the header that the caller gives and, without one, in a new header.
    if (h == NULL) {
        h = gm_newhmap();
        if (h == NULL) {
            return NULL;
        }
    }
    //= SPEC.md#S-MAKE-2
    //= SPEC.md#S-HASH-17
    //# A map MUST draw from the generator in these places and in no other.
    h->hash0 = fastrand();

    uint8_t B = 0;
    //= SPEC.md#S-MAKE-3
    //# makemap MUST choose the smallest B for which hint entries are not over the load factor.
    while (overLoadFactor(hint, B)) {
        B++;
    }
    h->B = B;

    //= SPEC.md#S-MAKE-5
    //# With B above 0 a map MUST be made with its array, and nextOverflow at the array's tail, if it has one.
    //= SPEC.md#S-MAKE-4
    if (h->B != 0) {
        bmap *nextOverflow;
        void *buckets = hmap_createOverflow(h) ? makeBucketArray(t, h->B, NULL, &nextOverflow) : NULL;
        //= SPEC.md#S-MEMORY-18
        if (buckets == NULL) {
            gm_map_free(t, h);
            return NULL;
        }
        h->buckets = buckets;
        gm_adopt(h, buckets);
        h->extra->nextOverflow = nextOverflow;
    }
    return h;
}

/* map.go:345.  An array of 1<<b buckets, from b=4 with a tail of preallocated
 * overflow buckets: 1<<(b-4), and what the allocator's size class leaves room
 * for.  dirtyalloc is NULL, or an array made with the same t and b that is
 * wiped and used again.
 * Invariant: in the tail only the last bucket has an overflow pointer, the
 * sentinel: that tells newoverflow where the tail ends.  Any non-nil pointer
 * would do; the array itself is one that the collector has no trouble with.
 * Deviation: NULL when memory is short. */
static void *makeBucketArray(const maptype *t, uint8_t b, void *dirtyalloc, bmap **nextOverflow)
{
    uintptr_t base = bucketShift(b);
    uintptr_t nbuckets = base;
    //= SPEC.md#S-MAKE-7
    //# 1<<(B-4), and then as many buckets in all as fit into the bytes that the allocator hands out
    if (b >= 4) {
        nbuckets += bucketShift((uint8_t)(b - 4));
        uintptr_t sz = t->bucket->size * nbuckets;
        uintptr_t up = roundupsize(sz);
        if (up != sz) {
            nbuckets = up / t->bucket->size;
        }
    }

    void *buckets;
    *nextOverflow = NULL;
    //= SPEC.md#S-MAKE-10
    //# A new array MUST be all zero, and so MUST an array that is used again, tail included, but for its
    //# sentinel.
    if (dirtyalloc == NULL) {
        buckets = newarray(t, (intptr_t)nbuckets, b);
        if (buckets == NULL) {
            return NULL;
        }
    } else {
        buckets = dirtyalloc;
        memset(buckets, 0, t->bucket->size * nbuckets);
    }

    //= SPEC.md#S-MAKE-9
    //# The last bucket of a tail MUST have a sentinel as overflow pointer
    if (base != nbuckets) {
        *nextOverflow = add(buckets, base * t->bucketsize);
        bmap *last = add(buckets, (nbuckets - 1) * t->bucketsize);
        bmap_setoverflow(last, t, buckets);
    }
    return buckets;
}

/* map.go:395.  The elem of *key, or zeroVal.
 * Invariant: reads only; never does growth work, so that readers can be many.
 * While growing, the old bucket has the entry until it is evacuated.
 * Why hash on an empty map: an unhashable key must panic there too. */
//= SPEC.md#S-LOOKUP-11
//# A lookup MUST NOT change the map, nor do growth work.
//= SPEC.md#S-CONCURRENT-6
//# Lookups and iterations of any number of threads MUST be able to go on together
void *mapaccess1(const maptype *t, hmap *h, const void *key)
{
    //= SPEC.md#S-LOOKUP-1
    //# A lookup in a nil or empty map MUST find nothing.
    if (h == NULL || h->count == 0) {
        //= SPEC.md#S-LOOKUP-2
        //# A lookup in a nil or empty map MUST hash the key, under seed 0, where hashing can panic.
        if (maptype_hashMightPanic(t)) {
            t->hasher(t->key, key, 0);
        }
        return zeroVal;
    }
    //= SPEC.md#S-CONCURRENT-1
    //# A lookup that finds hashWriting set MUST be fatal with `concurrent map read and map write`.
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map read and map write");
    }
    //= SPEC.md#S-HASH-2
    //# MUST be taken under the map's seed, hash0
    uintptr_t hash = t->hasher(t->key, key, h->hash0);
    uintptr_t m = bucketMask(h->B);
    //= SPEC.md#S-BUCKET-3
    bmap *b = add(h->buckets, (hash & m) * t->bucketsize);
    void *c = h->oldbuckets;
    //= SPEC.md#S-LOOKUP-3
    //# While a growth goes on a lookup MUST read the old bucket of the key, unless that is evacuated.
    if (c != NULL) {
        //= SPEC.md#S-LOOKUP-4
        //# by one bit less of its hash where the map doubles
        if (!hmap_sameSizeGrow(h)) {
            m >>= 1;
        }
        bmap *oldb = add(c, (hash & m) * t->bucketsize);
        if (!evacuated(oldb)) {
            b = oldb;
        }
    }
    uint8_t top = tophash(hash);
    //= SPEC.md#S-LOOKUP-5
    //# through slots 0 to 7 of each bucket of the chain, from the main bucket to the last
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            //= SPEC.md#S-LOOKUP-6
            //# MUST compare a key only with keys that have its tophash
            if (b->tophash[i] != top) {
                //= SPEC.md#S-LOOKUP-5
                //# and end at emptyRest but at no other state
                if (b->tophash[i] == emptyRest) {
                    return zeroVal;
                }
                continue;
            }
            void *k = add(b, dataOffset + i * t->keysize);
            //= SPEC.md#S-BUCKET-7
            //# An indirect slot MUST hold the address of the key or elem, and whatever reads, compares,
            //# hashes or returns the key or elem follow it.
            if (maptype_indirectkey(t)) {
                k = gm_loadp(k);
            }
            //= SPEC.md#S-LOOKUP-7
            //# A lookup that finds the key MUST give the elem's address, in its slot or behind the slot's
            //# pointer.
            if (t->key->equal(t->key, key, k)) {
                void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
                if (maptype_indirectelem(t)) {
                    e = gm_loadp(e);
                }
                return e;
            }
        }
    }
    //= SPEC.md#S-LOOKUP-8
    //# A lookup that does not find the key MUST give the address of a zero elem
    return zeroVal;
}

/* map.go:456.  mapaccess1 that also tells whether the key was there.
 * Why the loop stands here again: map.go has it three times, and a porter
 * compares line by line. */
void *mapaccess2(const maptype *t, hmap *h, const void *key, bool *ok)
{
    *ok = false;
    //= SPEC.md#S-LOOKUP-1
    //= SPEC.md#S-LOOKUP-2
    if (h == NULL || h->count == 0) {
        if (maptype_hashMightPanic(t)) {
            t->hasher(t->key, key, 0);
        }
        return zeroVal;
    }
    //= SPEC.md#S-CONCURRENT-1
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map read and map write");
    }
    //= SPEC.md#S-HASH-2
    uintptr_t hash = t->hasher(t->key, key, h->hash0);
    uintptr_t m = bucketMask(h->B);
    bmap *b = add(h->buckets, (hash & m) * t->bucketsize);
    void *c = h->oldbuckets;
    //= SPEC.md#S-LOOKUP-3
    //= SPEC.md#S-LOOKUP-4
    if (c != NULL) {
        if (!hmap_sameSizeGrow(h)) {
            m >>= 1;
        }
        bmap *oldb = add(c, (hash & m) * t->bucketsize);
        if (!evacuated(oldb)) {
            b = oldb;
        }
    }
    uint8_t top = tophash(hash);
    //= SPEC.md#S-LOOKUP-5
    //= SPEC.md#S-LOOKUP-6
    //= SPEC.md#S-BUCKET-7
    //= SPEC.md#S-LOOKUP-7
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] != top) {
                if (b->tophash[i] == emptyRest) {
                    return zeroVal;
                }
                continue;
            }
            void *k = add(b, dataOffset + i * t->keysize);
            if (maptype_indirectkey(t)) {
                k = gm_loadp(k);
            }
            if (t->key->equal(t->key, key, k)) {
                void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
                if (maptype_indirectelem(t)) {
                    e = gm_loadp(e);
                }
                *ok = true;
                return e;
            }
        }
    }
    //= SPEC.md#S-LOOKUP-8
    //# and false where it also tells whether the key was there
    return zeroVal;
}

/* map.go:518.  Key and elem as they lie in the map; for mapiternext.
 * Invariant: called in the middle of an iteration, so it neither checks for
 * writers nor hashes on an empty map. */
//= SPEC.md#S-LOOKUP-10
//# The lookup for iterators MUST give both key and elem as they lie in the map, or neither.
void *mapaccessK(const maptype *t, hmap *h, const void *key, void **elem)
{
    *elem = NULL;
    //= SPEC.md#S-LOOKUP-1
    if (h == NULL || h->count == 0) {
        return NULL;
    }
    //= SPEC.md#S-HASH-2
    uintptr_t hash = t->hasher(t->key, key, h->hash0);
    uintptr_t m = bucketMask(h->B);
    bmap *b = add(h->buckets, (hash & m) * t->bucketsize);
    void *c = h->oldbuckets;
    //= SPEC.md#S-LOOKUP-3
    //= SPEC.md#S-LOOKUP-4
    if (c != NULL) {
        if (!hmap_sameSizeGrow(h)) {
            m >>= 1;
        }
        bmap *oldb = add(c, (hash & m) * t->bucketsize);
        if (!evacuated(oldb)) {
            b = oldb;
        }
    }
    uint8_t top = tophash(hash);
    //= SPEC.md#S-LOOKUP-5
    //= SPEC.md#S-LOOKUP-6
    //= SPEC.md#S-BUCKET-7
    //= SPEC.md#S-LOOKUP-7
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] != top) {
                if (b->tophash[i] == emptyRest) {
                    return NULL;
                }
                continue;
            }
            void *k = add(b, dataOffset + i * t->keysize);
            if (maptype_indirectkey(t)) {
                k = gm_loadp(k);
            }
            if (t->key->equal(t->key, key, k)) {
                void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
                if (maptype_indirectelem(t)) {
                    e = gm_loadp(e);
                }
                *elem = e;
                return k;
            }
        }
    }
    return NULL;
}

/* map.go:561.  mapaccess1 for elems larger than zeroVal. */
void *mapaccess1_fat(const maptype *t, hmap *h, const void *key, void *zero)
{
    void *e = mapaccess1(t, h, key);
    //= SPEC.md#S-LOOKUP-9
    //# For elems of more than 1024 bytes the zero elem MUST be the one that the caller brings.
    if (e == zeroVal) {
        return zero;
    }
    return e;
}

/* map.go:569.  mapaccess2 for elems larger than zeroVal. */
void *mapaccess2_fat(const maptype *t, hmap *h, const void *key, void *zero, bool *ok)
{
    void *e = mapaccess1(t, h, key);
    //= SPEC.md#S-LOOKUP-9
    if (e == zeroVal) {
        *ok = false;
        return zero;
    }
    *ok = true;
    return e;
}

static bool hashGrow(const maptype *t, hmap *h);
static bool growWork(const maptype *t, hmap *h, uintptr_t bucket);

/* map.go:578.  The elem slot of *key, which is inserted if it was missing.
 * Invariant: hashWriting is set only after the hasher, which may panic, and
 * cleared on every way out.  The slot is chosen after the growth decision: if
 * the map starts to grow, everything found so far is void.
 * Why the first free slot of the chain and not the place where the search
 * ended: holes that deletes left are filled before the chain gets longer.
 * Deviation: NULL when memory is short.  Every allocation comes before the
 * change that needs it; what may have happened by then is growth work and an
 * empty overflow bucket, which change no entry. */
void *mapassign(const maptype *t, hmap *h, const void *key)
{
    //= SPEC.md#S-PANIC-1
    //# An assignment to a nil map MUST panic with `assignment to entry in nil map`.
    if (h == NULL) {
        gopanic("assignment to entry in nil map");
    }
    //= SPEC.md#S-CONCURRENT-2
    //# An assignment, deletion or clearing that finds hashWriting set MUST be fatal with `concurrent map
    //# writes`.
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map writes");
    }
    //= SPEC.md#S-HASH-2
    uintptr_t hash = t->hasher(t->key, key, h->hash0);

    //= SPEC.md#S-CONCURRENT-4
    //# MUST set hashWriting when it has hashed the key, and clear it on every way out
    //= SPEC.md#S-PANIC-3
    //# A panic MUST leave the map as it was, and no write going on.
    flags_set(h, flags_get(h) ^ hashWriting);

    //= SPEC.md#S-ASSIGN-1
    //# An assignment to a map without buckets MUST first make an array of one bucket.
    if (h->buckets == NULL) {
        void *first = hmap_createOverflow(h) ? newarray(t, 1, 0) : NULL;
        if (first == NULL) {
            goto nomemory;
        }
        h->buckets = first;
        gm_adopt(h, first);
    }

    uint8_t *inserti;
    void *insertk;
    void *elem;
again:;
    uintptr_t bucket = hash & bucketMask(h->B);
    //= SPEC.md#S-ASSIGN-2
    //# An assignment MUST do the growth work for the key's bucket before it searches, if a growth goes on.
    //= SPEC.md#S-EVACUATE-18
    //# Nothing MUST be stored in a new bucket before the old bucket that fills it is evacuated.
    if (hmap_growing(h)) {
        //= SPEC.md#S-MEMORY-15
        //# Growth work that fails for want of memory MUST be told to the caller, which stores nothing then.
        if (!growWork(t, h, bucket)) {
            goto nomemory;
        }
    }
    bmap *b = add(h->buckets, bucket * t->bucketsize);
    uint8_t top = tophash(hash);

    inserti = NULL;
    insertk = NULL;
    elem = NULL;
    //= SPEC.md#S-ASSIGN-3
    //# An assignment MUST search the whole chain for the key
    for (;;) {
        //= SPEC.md#S-LOOKUP-5
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            //= SPEC.md#S-LOOKUP-6
            if (b->tophash[i] != top) {
                //= SPEC.md#S-ASSIGN-6
                //# A new entry MUST go into the first free slot of its chain.
                if (isEmpty(b->tophash[i]) && inserti == NULL) {
                    inserti = &b->tophash[i];
                    insertk = add(b, dataOffset + i * t->keysize);
                    elem = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
                }
                if (b->tophash[i] == emptyRest) {
                    goto bucketloop;
                }
                continue;
            }
            void *k = add(b, dataOffset + i * t->keysize);
            //= SPEC.md#S-BUCKET-7
            if (maptype_indirectkey(t)) {
                k = gm_loadp(k);
            }
            //= SPEC.md#S-BUCKET-10
            //# No two entries of a map MUST have equal keys.
            if (!t->key->equal(t->key, key, k)) {
                continue;
            }
            //= SPEC.md#S-ASSIGN-4
            //# An update MUST store the key again where the type needs it (S-TYPE-5), and leave the first key
            //# where not.
            if (maptype_needkeyupdate(t)) {
                memmove(k, key, t->key->size);
            }
            //= SPEC.md#S-ASSIGN-5
            //# An update MUST change nothing but that entry
            elem = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
            goto done;
        }
        bmap *ovf = bmap_overflow(b, t);
        //= SPEC.md#S-LOOKUP-5
        if (ovf == NULL) {
            break;
        }
        b = ovf;
    }
bucketloop:

    //= SPEC.md#S-ASSIGN-7
    //# MUST start a growth first if none goes on and either count+1 entries are over the load factor
    if (!hmap_growing(h) &&
        (overLoadFactor(h->count + 1, h->B) || tooManyOverflowBuckets(h->noverflow, h->B))) {
        //= SPEC.md#S-MEMORY-16
        //# A growth that cannot get its array MUST NOT have begun.
        if (!hashGrow(t, h)) {
            goto nomemory;
        }
        //= SPEC.md#S-ASSIGN-8
        //# An assignment that has started a growth MUST begin again with the choice of the bucket, and forget
        //# what it has found.
        goto again;
    }

    //= SPEC.md#S-ASSIGN-9
    //# A new entry whose chain has no free slot MUST go into slot 0 of a new overflow bucket behind the last
    //# of the chain.
    if (inserti == NULL) {
        bmap *newb = hmap_newoverflow(h, t, b);
        if (newb == NULL) {
            goto nomemory;
        }
        inserti = &newb->tophash[0];
        insertk = bmap_keys(newb);
        elem = add(insertk, bucketCnt * (uintptr_t)t->keysize);
    }

    void *kmem = NULL;
    void *vmem = NULL;
    //= SPEC.md#S-ASSIGN-10
    //# MUST get zeroed memory of its own for it
    //= SPEC.md#S-MEMORY-12
    //# Every allocation MUST come before the change that needs it.
    if (maptype_indirectkey(t)) {
        kmem = newobject(t->key->size, gm_block_key);
        if (kmem == NULL) {
            goto nomemory;
        }
    }
    //= SPEC.md#S-ASSIGN-10
    //= SPEC.md#S-MEMORY-11
    //# A call that fails for want of memory MUST leave every entry as it was and no write going on, so that
    //# it can be repeated.
    if (maptype_indirectelem(t)) {
        vmem = newobject(t->elem->size, gm_block_elem);
        if (vmem == NULL) {
            if (kmem != NULL) {
                gm_block_free(kmem);
            }
            goto nomemory;
        }
        gm_storep(elem, vmem);
    }
    //= SPEC.md#S-ASSIGN-10
    if (maptype_indirectkey(t)) {
        gm_storep(insertk, kmem);
        insertk = kmem;
    }
    //= SPEC.md#S-ASSIGN-11
    //# An insertion MUST copy the key, set the slot's tophash, and add 1 to count.
    //= SPEC.md#S-TOPHASH-8
    //# The tophash beside an entry MUST be that of its key's hash.
    memmove(insertk, key, t->key->size);
    *inserti = top;
    //= SPEC.md#S-BUCKET-1
    //# count MUST be the number of entries, which is what len answers.
    h->count++;

done:
    //= SPEC.md#S-CONCURRENT-5
    //# An assignment, deletion or clearing that at its end finds hashWriting cleared MUST be fatal with
    //# `concurrent map writes`.
    if ((flags_get(h) & hashWriting) == 0) {
        fatal("concurrent map writes");
    }
    flags_set(h, flags_get(h) & ~(unsigned)hashWriting);
    //= SPEC.md#S-ASSIGN-12
    //# An assignment MUST return the address of the entry's elem
    if (maptype_indirectelem(t)) {
        elem = gm_loadp(elem);
    }
    return elem;

nomemory:
    //= SPEC.md#S-MEMORY-11
    //# and no write going on, so that it can be repeated
    //= SPEC.md#S-MEMORY-19
    //# A call MUST fail only where an allocation has failed.
    flags_set(h, flags_get(h) & ~(unsigned)hashWriting);
    return NULL;
}

/* map.go:695.  Removes the entry of *key, if there is one.
 * Invariant: emptyRest means that nothing follows in the chain; so when the
 * freed slot is the last one in use, the run of emptyOne before it, back over
 * bucket borders to the chain's head, becomes emptyRest.
 * Why the elem is always cleared but the key only if it holds pointers: a slot
 * that is reused must read as a zero elem (m[k] += 1 relies on it), while a
 * stale key is overwritten unread; pointers go because of the collector.
 * Deviation: cannot fail.  If there is no memory for the growth work, the
 * entry is deleted where it lies, in the old bucket. */
//= SPEC.md#S-DELETE-10
//# A deletion MUST move no entry and unlink no overflow bucket.
void mapdelete(const maptype *t, hmap *h, const void *key)
{
    //= SPEC.md#S-DELETE-1
    //# A deletion from a nil or empty map MUST do nothing but hash the key, under seed 0, where hashing can
    //# panic.
    if (h == NULL || h->count == 0) {
        if (maptype_hashMightPanic(t)) {
            t->hasher(t->key, key, 0);
        }
        return;
    }
    //= SPEC.md#S-CONCURRENT-2
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map writes");
    }

    //= SPEC.md#S-HASH-2
    uintptr_t hash = t->hasher(t->key, key, h->hash0);

    //= SPEC.md#S-CONCURRENT-4
    //= SPEC.md#S-PANIC-3
    flags_set(h, flags_get(h) ^ hashWriting);

    uintptr_t bucket = hash & bucketMask(h->B);
    gm_gen *gen = h->extra->overflow;
    bmap *b = add(h->buckets, bucket * t->bucketsize);
    //= SPEC.md#S-DELETE-2
    //# A deletion MUST do the growth work for the key's bucket before it searches
    if (hmap_growing(h)) {
        //= SPEC.md#S-MEMORY-17
        //# A deletion MUST succeed without memory: an entry whose old bucket cannot be evacuated is removed
        //# there.
        if (!growWork(t, h, bucket)) {
            bmap *oldb = add(h->oldbuckets, (bucket & hmap_oldbucketmask(h)) * t->bucketsize);
            if (!evacuated(oldb)) {
                b = oldb;
                gen = h->extra->oldoverflow;
            }
        }
    }
    bmap *bOrig = b;
    uint8_t top = tophash(hash);
    //= SPEC.md#S-DELETE-3
    //# A deletion MUST remove the entry with that key
    for (; b != NULL; b = bmap_overflow(b, t)) {
        //= SPEC.md#S-LOOKUP-5
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            //= SPEC.md#S-LOOKUP-6
            if (b->tophash[i] != top) {
                if (b->tophash[i] == emptyRest) {
                    goto search;
                }
                continue;
            }
            void *k = add(b, dataOffset + i * t->keysize);
            void *k2 = k;
            //= SPEC.md#S-BUCKET-7
            if (maptype_indirectkey(t)) {
                k2 = gm_loadp(k2);
            }
            //= SPEC.md#S-DELETE-3
            //# and where there is none leave all entries as they are
            if (!t->key->equal(t->key, key, k2)) {
                continue;
            }
            //= SPEC.md#S-DELETE-4
            //# MUST be zeroed in its slot if it is indirect or holds pointers, and left there if not
            if (maptype_indirectkey(t)) {
                gm_storep(k, NULL);
                //= SPEC.md#S-MEMORY-7
                //# be freed when the entry is removed and no iteration can come to an old slot of it
                gm_retire(gen->older, k2);
            } else if (t->key->ptrdata != 0) {
                memset(k, 0, t->key->size);
            }
            void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
            //= SPEC.md#S-DELETE-5
            //# The elem slot of a removed entry MUST be zeroed, whatever its type.
            //= SPEC.md#S-BUCKET-9
            //# A free slot MUST hold a zero elem
            if (maptype_indirectelem(t)) {
                void *e2 = gm_loadp(e);
                gm_storep(e, NULL);
                gm_retire(gen->older, e2);
            } else {
                memset(e, 0, t->elem->size);
            }
            //= SPEC.md#S-DELETE-6
            //# The slot of a removed entry MUST become emptyOne
            b->tophash[i] = emptyOne;
            //= SPEC.md#S-DELETE-6
            //# if an entry follows it in the chain
            if (i == bucketCnt - 1) {
                if (bmap_overflow(b, t) != NULL && bmap_overflow(b, t)->tophash[0] != emptyRest) {
                    goto notLast;
                }
            } else {
                if (b->tophash[i + 1] != emptyRest) {
                    goto notLast;
                }
            }
            //= SPEC.md#S-DELETE-7
            //# MUST become emptyRest, and so MUST the run of emptyOne before it
            //= SPEC.md#S-TOPHASH-7
            //# A free slot with no entry behind it in its chain MUST be emptyRest and not emptyOne.
            //= SPEC.md#S-TOPHASH-6
            //# Behind a slot that is emptyRest there MUST be nothing but emptyRest in its chain.
            for (;;) {
                b->tophash[i] = emptyRest;
                if (i == 0) {
                    if (b == bOrig) {
                        break;
                    }
                    bmap *c = b;
                    for (b = bOrig; bmap_overflow(b, t) != c; b = bmap_overflow(b, t)) {
                    }
                    i = bucketCnt - 1;
                } else {
                    i--;
                }
                if (b->tophash[i] != emptyOne) {
                    break;
                }
            }
notLast:
            //= SPEC.md#S-DELETE-8
            //# A removed entry MUST be taken off count.
            //= SPEC.md#S-BUCKET-1
            h->count--;
            /* A new seed for an empty map: whoever collects colliding keys
             * has to start again. */
            //= SPEC.md#S-DELETE-9
            //# A deletion that empties the map MUST draw a new hash0
            if (h->count == 0) {
                h->hash0 = fastrand();
            }
            goto search;
        }
    }
search:

    //= SPEC.md#S-CONCURRENT-5
    if ((flags_get(h) & hashWriting) == 0) {
        fatal("concurrent map writes");
    }
    flags_set(h, flags_get(h) & ~(unsigned)hashWriting);
}

/* map.go:815.  Starts an iteration and takes its first step.
 * Invariant: the iterator keeps the array, B and start that it saw; whatever
 * happens to the map, it walks that array to the end.  One random word gives
 * start bucket and start slot, so that nobody comes to rely on an order.
 * Deviation: instead of keeping Go's overflow slices alive, it holds the
 * generations of both arrays. */
void mapiterinit(const maptype *t, hmap *h, hiter *it)
{
    it->t = t;
    //= SPEC.md#S-ITERATE-1
    //# Ranging over a nil or empty map MUST end at once, without a draw and without a mark on the map.
    if (h == NULL || h->count == 0) {
        return;
    }
    it->h = h;

    //= SPEC.md#S-ITERATE-2
    //# An iteration MUST walk the array that is the map's when it begins
    it->B = h->B;
    it->buckets = h->buckets;
    it->overflow = h->extra->overflow;
    it->oldoverflow = h->extra->oldoverflow;
    //= SPEC.md#S-MEMORY-3
    //# An iteration MUST hold the array that it walks
    gm_iter_hold(h->extra, it->overflow);
    //= SPEC.md#S-MEMORY-3
    //# where it reads the old array, that one too
    if (it->oldoverflow != NULL) {
        gm_iter_hold(h->extra, it->oldoverflow);
    }

    uintptr_t r;
    //= SPEC.md#S-ITERATE-3
    //# An iteration MUST draw one random word
    if (h->B > 31 - bucketCntBits) {
        r = (uintptr_t)fastrand64();
    } else {
        r = (uintptr_t)fastrand();
    }
    //= SPEC.md#S-ITERATE-3
    //# start at bucket r mod 1<<B and, in every bucket, at slot (r>>B) mod 8
    it->startBucket = r & bucketMask(h->B);
    it->offset = (uint8_t)((r >> h->B) & (bucketCnt - 1));

    it->bucket = it->startBucket;

    /* Other goroutines may be doing the same just now. */
    //= SPEC.md#S-ITERATE-4
    //# The beginning of an iteration MUST set the flags iterator and oldIterator, if not both are set.
    //= SPEC.md#S-CONCURRENT-6
    //# they write nothing of the map but flags, and those atomically
    if ((flags_get(h) & (iterator | oldIterator)) != (iterator | oldIterator)) {
        atomic_fetch_or_explicit(&h->flags, iterator | oldIterator, memory_order_relaxed);
    }

    //= SPEC.md#S-ITERATE-5
    //# The beginning of an iteration MUST take its first step.
    mapiternext(it);
}

/* map.go:866.  Goes to the next entry, or to key == NULL at the end.
 * Invariant: entries never move within a bucket, so (bucket, slot) is a
 * position that survives any write.  A bucket of the iterator's array is in one
 * of three states: it has the entries; or it is not filled yet, because the
 * growth during which the iteration began has not evacuated its old bucket
 * (then the old bucket is walked, skipping what will go elsewhere:
 * checkBucket); or its entries have moved on to a later array (then each key is
 * looked up, since it may have been deleted or updated since).
 * Why keys that differ from themselves are returned from the evacuated slot:
 * no lookup could find them, and nothing can have deleted or updated them.
 * Deviation: ends the holds at the end of the iteration; on an ended iterator
 * nothing happens, where Go would fault.  The walk of an old array of a
 * later growth takes hold of it first. */
//= SPEC.md#S-ITERATE-18
//# An iteration MUST produce every entry that is there from its beginning to its end exactly once
void mapiternext(hiter *it)
{
    hmap *h = it->h;
    //= SPEC.md#S-ITERATE-7
    //# At the end of an iteration key and elem MUST be nil.
    if (h == NULL) {
        return;
    }
    //= SPEC.md#S-CONCURRENT-3
    //# A step of an iteration that finds hashWriting set MUST be fatal with `concurrent map iteration and map
    //# write`.
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map iteration and map write");
    }
    const maptype *t = it->t;
    //= SPEC.md#S-ITERATE-22
    //# In strict mode clearing the map MUST end the iterations that are under way at their next step.
    if (it->overflow->cleared) { /* ERRATA.md#E1 */
        gm_iter_end(it);
        return;
    }
    uintptr_t bucket = it->bucket;
    bmap *b = it->bptr;
    uint8_t i = it->i;
    uintptr_t checkBucket = it->checkBucket;

next:
    //= SPEC.md#S-ITERATE-8
    //# and then to the next bucket of the chain
    if (b == NULL) {
        //= SPEC.md#S-ITERATE-6
        //# and end where it began
        //= SPEC.md#S-ITERATE-7
        //= SPEC.md#S-MEMORY-4
        //# MUST let go of what it holds when it ends
        if (bucket == it->startBucket && it->wrapped) {
            gm_iter_end(it);
            return;
        }
        //= SPEC.md#S-ITERATE-10
        //# While the map grows and has the iteration's B, a bucket whose old bucket is not evacuated when the
        //# iteration comes to it MUST be walked in the old array, with its own number as checkBucket.
        if (hmap_growing(h) && it->B == h->B && gm_walks_oldbuckets(t, h, it)) {
            uintptr_t oldbucket = bucket & hmap_oldbucketmask(h);
            b = add(h->oldbuckets, oldbucket * t->bucketsize);
            //= SPEC.md#S-ITERATE-10
            //# MUST be walked in the old array, with its own number as checkBucket
            if (!evacuated(b)) {
                checkBucket = bucket;
                gm_iter_walk(it, h->extra->oldoverflow);
            } else {
                b = add(it->buckets, bucket * t->bucketsize);
                checkBucket = noCheck;
            }
        } else {
            //= SPEC.md#S-ITERATE-11
            //# Any other bucket MUST be walked in the iteration's own array, with noCheck as checkBucket.
            b = add(it->buckets, bucket * t->bucketsize);
            checkBucket = noCheck;
        }
        bucket++;
        //= SPEC.md#S-ITERATE-6
        //# An iteration MUST go through all buckets in order of number, from the last to bucket 0
        if (bucket == bucketShift(it->B)) {
            bucket = 0;
            it->wrapped = true;
        }
        i = 0;
    }
    //= SPEC.md#S-ITERATE-8
    //# all eight slots from its start slot on, slot 0 behind slot 7
    for (; i < bucketCnt; i++) {
        uint8_t offi = (uint8_t)((i + it->offset) & (bucketCnt - 1));
        //= SPEC.md#S-ITERATE-9
        //# A slot that is free or evacuatedEmpty MUST be passed over.
        if (isEmpty(b->tophash[offi]) || b->tophash[offi] == evacuatedEmpty) {
            continue;
        }
        void *k = add(b, dataOffset + (uintptr_t)offi * t->keysize);
        //= SPEC.md#S-BUCKET-7
        if (maptype_indirectkey(t)) {
            k = gm_loadp(k);
        }
        //= SPEC.md#S-PANIC-6
        //# In exact mode a step that reads a key through a nil pointer MUST panic with `runtime error:
        //# invalid memory address or nil pointer dereference`.
        if (k == NULL && gm_reads_key(t, h, checkBucket)) { /* ERRATA.md#E3 */
            gopanic("runtime error: invalid memory address or nil pointer dereference");
        }
        void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + (uintptr_t)offi * t->elemsize);
        //= SPEC.md#S-ITERATE-14
        //# Whether entries of the other half are passed over MUST be decided at each slot, by whether a
        //# growth to the same size goes on at that moment.
        if (checkBucket != noCheck && gm_walks_split(t, h, it)) {
            if (maptype_reflexivekey(t) || t->key->equal(t->key, k, k)) {
                uintptr_t hash = t->hasher(t->key, k, h->hash0);
                //= SPEC.md#S-ITERATE-12
                //# In an old bucket of a map that doubles, an entry whose key equals itself MUST be passed
                //# over if the low bits of its hash, as many as the iteration's B, are not checkBucket.
                if ((hash & bucketMask(it->B)) != checkBucket) {
                    continue;
                }
            } else {
                /* evacuate sends a key without a repeatable hash by the low
                 * bit of its tophash, and marks it X or Y with the same low
                 * bit; here the same bit chooses the same side.  (Go's shift by
                 * B-1 = 255 gives 0; C's would be undefined.) */
                //= SPEC.md#S-ITERATE-13
                //# In an old bucket of a map that doubles, an entry whose key differs from itself MUST be
                //# passed over if the low bit of its tophash is not the highest bit of checkBucket.
                uintptr_t side = it->B == 0 ? 0 : checkBucket >> (it->B - 1);
                if (side != (uintptr_t)(b->tophash[offi] & 1)) {
                    continue;
                }
            }
        }
        //= SPEC.md#S-ITERATE-15
        //# An entry that has not been evacuated, or whose key differs from itself, MUST be produced from the
        //# slot that the iteration stands at.
        if ((b->tophash[offi] != evacuatedX && b->tophash[offi] != evacuatedY) ||
            !(maptype_reflexivekey(t) || t->key->equal(t->key, k, k))) {
            it->key = k;
            if (maptype_indirectelem(t)) {
                e = gm_loadp(e);
            }
            it->elem = e;
        } else {
            void *re;
            void *rk = mapaccessK(t, h, k, &re);
            //= SPEC.md#S-ITERATE-16
            //# MUST be looked up by its key, and produced with the key and elem that the map has now, or
            //# passed over
            if (rk == NULL) {
                continue;
            }
            //= SPEC.md#S-ITERATE-21
            //# In strict mode an entry that the lookup for an evacuated slot finds in another bucket than the
            //# one walked MUST be left to that bucket.
            if (gm_meets_elsewhere(t, h, it, k, (bucket + bucketMask(it->B)) & bucketMask(it->B))) {
                continue;
            }
            it->key = rk;
            it->elem = re;
        }
        //= SPEC.md#S-ITERATE-17
        //# A step MUST leave behind where it stood
        it->bucket = bucket;
        it->bptr = b;
        it->i = (uint8_t)(i + 1);
        it->checkBucket = checkBucket;
        return;
    }
    b = bmap_overflow(b, t);
    i = 0;
    goto next;
}

/* map.go:993.  Removes all entries and keeps the array.
 * Invariant: ends a growth in progress; gives the map a new seed; the
 * preallocated tail is whole again.
 * Deviation: entries' memory and overflow buckets are freed, or kept for the
 * iterators that may still read them; extra itself stays, as in Go. */
void mapclear(const maptype *t, hmap *h)
{
    //= SPEC.md#S-CLEAR-1
    //# Clearing a nil or empty map MUST do nothing.
    if (h == NULL || h->count == 0) {
        return;
    }

    //= SPEC.md#S-CONCURRENT-2
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map writes");
    }

    //= SPEC.md#S-CONCURRENT-4
    flags_set(h, flags_get(h) ^ hashWriting);

    //= SPEC.md#S-MEMORY-9
    //# Clearing MUST free overflow buckets and the memory of all entries, those in old buckets too, or keep
    //# what an iteration can still read.
    gm_clear_blocks(t, h);

    //= SPEC.md#S-CLEAR-3
    //# Clearing MUST end a growth that goes on: no oldbuckets, nevacuate 0, sameSizeGrow off.
    //= SPEC.md#S-CLEAR-5
    //# Clearing MUST leave the flags iterator and oldIterator as they are.
    flags_set(h, flags_get(h) & ~(unsigned)sameSizeGrow);
    h->oldbuckets = NULL;
    h->nevacuate = 0;
    //= SPEC.md#S-CLEAR-4
    //# Clearing MUST set noverflow to 0.
    h->noverflow = 0;
    //= SPEC.md#S-CLEAR-2
    //# Clearing MUST leave no entry, and count 0.
    h->count = 0;

    //= SPEC.md#S-CLEAR-6
    //# Clearing MUST draw a new hash0.
    h->hash0 = fastrand();

    //= SPEC.md#S-CLEAR-3
    if (h->extra->oldoverflow != NULL) {
        gm_map_unhold(h->extra, h->extra->oldoverflow);
        h->extra->oldoverflow = NULL;
    }

    bmap *nextOverflow = NULL;
    //= SPEC.md#S-CLEAR-7
    //# MUST keep the array and B, wipe the array, and make its tail whole again
    //= SPEC.md#S-ITERATE-22
    if (t->mode == gm_strict && gm_iterated(h)) { /* ERRATA.md#E1 */
        gm_start_afresh(h);
    } else {
        makeBucketArray(t, h->B, h->buckets, &nextOverflow);
    }
    h->extra->nextOverflow = nextOverflow;

    //= SPEC.md#S-CONCURRENT-5
    if ((flags_get(h) & hashWriting) == 0) {
        fatal("concurrent map writes");
    }
    flags_set(h, flags_get(h) & ~(unsigned)hashWriting);
}

/* map.go:1041.  Starts a growth: to twice the size if the load asks for it,
 * else to the same size, to be rid of sparse overflow chains.
 * Invariant: not growing before.  Nothing is moved here; growWork does that.
 * An iterator over buckets becomes one over oldbuckets.
 * Deviation: false when memory is short, with nothing changed; so the array is
 * made before any flag is. */
static bool hashGrow(const maptype *t, hmap *h)
{
    uint8_t bigger = 1;
    //= SPEC.md#S-GROW-3
    //# A growth MUST double the number of buckets if count+1 entries are over the load factor, and otherwise
    //# keep it.
    if (!overLoadFactor(h->count + 1, h->B)) {
        bigger = 0;
    }
    void *oldbuckets = h->buckets;
    bmap *nextOverflow;
    void *newbuckets = makeBucketArray(t, (uint8_t)(h->B + bigger), NULL, &nextOverflow);
    //= SPEC.md#S-MEMORY-16
    if (newbuckets == NULL) {
        return false;
    }
    //= SPEC.md#S-GROW-4
    //# The flag sameSizeGrow MUST be set while a growth that keeps the number of buckets goes on, and at no
    //# other time.
    if (bigger == 0) {
        flags_set(h, flags_get(h) | sameSizeGrow);
    }

    //= SPEC.md#S-GROW-7
    //# A growth MUST start with the flag oldIterator as the flag iterator was, and the flag iterator off.
    unsigned flags = flags_get(h) & ~(unsigned)(iterator | oldIterator);
    //= SPEC.md#S-GROW-7
    if ((flags_get(h) & iterator) != 0) {
        flags |= oldIterator;
    }
    h->B = (uint8_t)(h->B + bigger);
    flags_set(h, flags);
    //= SPEC.md#S-GROW-5
    //# the array that was becomes oldbuckets, and no entry moves yet
    h->oldbuckets = oldbuckets;
    h->buckets = newbuckets;
    //= SPEC.md#S-GROW-6
    //# A growth MUST start with nevacuate 0 and noverflow 0.
    h->nevacuate = 0;
    h->noverflow = 0;

    //= SPEC.md#S-PANIC-5
    //# A growth that starts while oldoverflow is set MUST throw `oldoverflow is not nil`, and no other does.
    if (h->extra->oldoverflow != NULL) {
        throw("oldoverflow is not nil");
    }
    //= SPEC.md#S-GROW-9
    //# A growth MUST start with the overflow buckets so far as oldoverflow, and with none as overflow.
    h->extra->oldoverflow = h->extra->overflow;
    gm_adopt(h, newbuckets);
    //= SPEC.md#S-GROW-8
    //# A growth MUST start with nextOverflow at the new array's tail, or nil if it has none.
    h->extra->nextOverflow = nextOverflow;
    return true;
}

/* map.go:1085.  Would count entries be too many for 1<<B buckets?
 * Invariant: up to eight never are: they fit into one bucket.
 * Why halve before multiplying: 13*(1<<B) could overflow, 13*(1<<B)/2 cannot. */
//= SPEC.md#S-GROW-1
//# exactly if it is more than 8 and more than 13·(1<<B)/2, the half taken before the product
bool overLoadFactor(intptr_t count, uint8_t B)
{
    return count > bucketCnt && (uintptr_t)count > loadFactorNum * (bucketShift(B) / loadFactorDen);
}

/* map.go:1092.  Are that many overflow buckets about as many as buckets?
 * Invariant: from B=15 on, noverflow counts in units that make 1<<15 the limit. */
bool tooManyOverflowBuckets(uint16_t noverflow, uint8_t B)
{
    //= SPEC.md#S-GROW-2
    //# Overflow buckets MUST be too many exactly if noverflow is at least 1<<B, or 1<<15 where B is above 15.
    if (B > 15) {
        B = 15;
    }
    return noverflow >= (uint16_t)(1U << (B & 15));
}

/* map.go:1105.  Is a growth, of either kind, in progress? */
//= SPEC.md#S-BUCKET-4
//# oldbuckets MUST be the array before, while a growth goes on, and nil at all other times.
bool hmap_growing(const hmap *h)
{
    return h->oldbuckets != NULL;
}

/* map.go:1110.  Is it one to the same size? */
//= SPEC.md#S-GROW-4
bool hmap_sameSizeGrow(const hmap *h)
{
    return (flags_get(h) & sameSizeGrow) != 0;
}

/* map.go:1115.  The number of buckets before the growth in progress. */
uintptr_t hmap_noldbuckets(const hmap *h)
{
    uint8_t oldB = h->B;
    //= SPEC.md#S-GROW-10
    //# The number of old buckets MUST be 1<<B in a growth that keeps it, and 1<<(B-1) where the map doubles.
    if (!hmap_sameSizeGrow(h)) {
        oldB--;
    }
    return bucketShift(oldB);
}

/* map.go:1124.  The mask that takes a hash to an old bucket. */
uintptr_t hmap_oldbucketmask(const hmap *h)
{
    return hmap_noldbuckets(h) - 1;
}

static bool evacuate(const maptype *t, hmap *h, uintptr_t oldbucket);

/* map.go:1128.  Moves the entries of the bucket about to be written, and of
 * one more so that every write brings the growth nearer to its end.
 * Invariant: afterwards the bucket's entries are in the new array.
 * Deviation: false when memory is short; an old bucket is then either as it
 * was or wholly evacuated. */
static bool growWork(const maptype *t, hmap *h, uintptr_t bucket)
{
    //= SPEC.md#S-GROW-11
    //# Growth work for a bucket MUST evacuate the old bucket that its number without the bits beyond the old
    //# array names.
    //= SPEC.md#S-MEMORY-15
    if (!evacuate(t, h, bucket & hmap_oldbucketmask(h))) {
        return false;
    }
    //= SPEC.md#S-GROW-12
    //# Growth work MUST then, if the growth still goes on, evacuate the bucket at nevacuate, and no more than
    //# that.
    if (hmap_growing(h)) {
        return evacuate(t, h, h->nevacuate);
    }
    return true;
}

/* map.go:1139 */
static bool bucketEvacuated(const maptype *t, const hmap *h, uintptr_t bucket)
{
    return evacuated(add(h->oldbuckets, bucket * t->bucketsize));
}

/* map.go:1145.  Where evacuate puts the next entry. */
typedef struct evacDst {
    bmap *b; /* bucket, the last of its chain so far */
    int i;   /* slot */
    void *k; /* its key */
    void *e; /* its elem */
} evacDst;

static void advanceEvacuationMark(hmap *h, const maptype *t, uintptr_t newbit);

/* map.go:1152.  Moves a chain of the old array to the new one: bucket for
 * bucket in a growth to the same size, else split over two (X: the same number,
 * Y: that plus the number of old buckets) by one more bit of the hash.
 * Invariant: the old slots keep key and elem, and their tophash becomes the
 * mark of where the entry went, for iterators that are still here.  The new
 * chain is dense.  No new bucket gets entries before its old one is evacuated.
 * Why the low bit of tophash sends a key that differs from itself: its hash is
 * new each time, but an iterator that began in this growth must be able to
 * tell beforehand where the key will go.  The tophash is then drawn anew, or
 * the key would go the same way at every growth.
 * Deviation: false, with nothing moved, when memory for the overflow buckets
 * that this may need cannot be set aside. */
//= SPEC.md#S-TOPHASH-5
//# Either all slots of a chain MUST be in an evacuated state or none
//= SPEC.md#S-EVACUATE-18
static bool evacuate(const maptype *t, hmap *h, uintptr_t oldbucket)
{
    bmap *b = add(h->oldbuckets, oldbucket * t->bucketsize);
    uintptr_t newbit = hmap_noldbuckets(h);
    //= SPEC.md#S-EVACUATE-1
    //# Evacuating a bucket that is evacuated already MUST move nothing.
    if (!evacuated(b)) {
        //= SPEC.md#S-MEMORY-13
        //# before it moves anything
        if (!gm_reserve(t, h, oldbucket)) {
            return false;
        }
        evacDst xy[2] = {{0}};
        //= SPEC.md#S-EVACUATE-2
        //# Entries of old bucket n MUST go to new bucket n (X)
        evacDst *x = &xy[0];
        x->b = add(h->buckets, oldbucket * t->bucketsize);
        x->k = bmap_keys(x->b);
        x->e = add(x->k, bucketCnt * (uintptr_t)t->keysize);

        //= SPEC.md#S-EVACUATE-2
        //# only where the map doubles, to new bucket n plus the number of old buckets (Y)
        if (!hmap_sameSizeGrow(h)) {
            evacDst *y = &xy[1];
            y->b = add(h->buckets, (oldbucket + newbit) * t->bucketsize);
            y->k = bmap_keys(y->b);
            y->e = add(y->k, bucketCnt * (uintptr_t)t->keysize);
        }

        //= SPEC.md#S-EVACUATE-3
        //# An evacuation MUST go through the whole chain in order, bucket by bucket and slot by slot.
        for (; b != NULL; b = bmap_overflow(b, t)) {
            void *k = bmap_keys(b);
            void *e = add(k, bucketCnt * (uintptr_t)t->keysize);
            //= SPEC.md#S-EVACUATE-3
            for (int i = 0; i < bucketCnt; i++, k = add(k, t->keysize), e = add(e, t->elemsize)) {
                uint8_t top = b->tophash[i];
                //= SPEC.md#S-EVACUATE-4
                //# A free slot of an evacuated chain MUST become evacuatedEmpty.
                if (isEmpty(top)) {
                    b->tophash[i] = evacuatedEmpty;
                    continue;
                }
                //= SPEC.md#S-PANIC-4
                //# MUST throw `bad map state`
                if (top < minTopHash) {
                    throw("bad map state");
                }
                void *k2 = k;
                //= SPEC.md#S-BUCKET-7
                if (maptype_indirectkey(t)) {
                    k2 = gm_loadp(k2);
                }
                uint8_t useY = 0;
                //= SPEC.md#S-EVACUATE-5
                //# In a growth to the same size an entry MUST go to X with the tophash that it has, and its
                //# key not be hashed.
                if (!hmap_sameSizeGrow(h)) {
                    uintptr_t hash = t->hasher(t->key, k2, h->hash0);
                    //= SPEC.md#S-EVACUATE-7
                    //# Where the map doubles and the flag iterator is set, an entry whose key differs from
                    //# itself
                    if ((flags_get(h) & iterator) != 0 && !maptype_reflexivekey(t) &&
                        !t->key->equal(t->key, k2, k2)) {
                        useY = top & 1;
                        //= SPEC.md#S-EVACUATE-8
                        //# An entry that went by the low bit of its tophash MUST get the tophash of the hash
                        //# just drawn.
                        top = tophash(hash);
                    } else {
                        //= SPEC.md#S-EVACUATE-6
                        //# Where the map doubles an entry MUST go to Y exactly if its key's hash has the bit
                        //# with the value of the number of old buckets.
                        if ((hash & newbit) != 0) {
                            useY = 1;
                        }
                    }
                }

                _Static_assert(evacuatedX + 1 == evacuatedY && (evacuatedX ^ 1) == evacuatedY,
                               "bad evacuatedN");

                //= SPEC.md#S-EVACUATE-9
                //# The old slot of an entry MUST become evacuatedX or evacuatedY, as it went.
                b->tophash[i] = (uint8_t)(evacuatedX + useY);
                evacDst *dst = &xy[useY];

                //= SPEC.md#S-EVACUATE-11
                //# An entry that finds the last bucket of its new chain full MUST go into slot 0 of a new
                //# overflow bucket behind it.
                if (dst->i == bucketCnt) {
                    dst->b = hmap_newoverflow(h, t, dst->b);
                    dst->i = 0;
                    dst->k = bmap_keys(dst->b);
                    dst->e = add(dst->k, bucketCnt * (uintptr_t)t->keysize);
                }
                //= SPEC.md#S-EVACUATE-10
                //# MUST fill their new chain from slot 0 of its main bucket without gaps
                //= SPEC.md#S-TOPHASH-8
                dst->b->tophash[dst->i] = top;
                //= SPEC.md#S-EVACUATE-12
                //# Key and elem slots MUST be copied as they are
                if (maptype_indirectkey(t)) {
                    gm_storep(dst->k, k2);
                } else {
                    memmove(dst->k, k, t->key->size);
                }
                //= SPEC.md#S-EVACUATE-12
                //# so that indirect keys and elems stay where they lie
                if (maptype_indirectelem(t)) {
                    gm_storep(dst->e, gm_loadp(e));
                } else {
                    memmove(dst->e, e, t->elem->size);
                }
                dst->i++;
                /* These may now stand behind the last slot, which is still
                 * inside the bucket: the overflow pointer follows. */
                dst->k = add(dst->k, t->keysize);
                dst->e = add(dst->e, t->elemsize);
            }
        }
        //= SPEC.md#S-MEMORY-13
        //# and give back what it did not use
        gm_unreserve(h);
        /* Helps Go's collector; kept, because iterators can tell. */
        //= SPEC.md#S-EVACUATE-13
        //# An evacuation while the flag oldIterator is set MUST leave key slots, elem slots and overflow
        //# pointers of the old chain as they are.
        //= SPEC.md#S-EVACUATE-14
        //# When the flag oldIterator is not set, the main bucket of an evacuated chain MUST be zeroed behind
        //# its tophash bytes if the bucket type has pointers, and left if not.
        if ((flags_get(h) & oldIterator) == 0 && t->bucket->ptrdata != 0) {
            bmap *oldb = add(h->oldbuckets, oldbucket * t->bucketsize);
            memset(bmap_keys(oldb), 0, (uintptr_t)t->bucketsize - dataOffset);
        }
    }

    //= SPEC.md#S-EVACUATE-15
    //# An evacuation MUST advance the mark if and only if its bucket is the one at nevacuate.
    if (oldbucket == h->nevacuate) {
        advanceEvacuationMark(h, t, newbit);
    }
    return true;
}

/* map.go:1266.  Moves the mark over the bucket just evacuated and those after
 * it that writes have evacuated already; ends the growth at the last one.
 * Invariant: looks at no more than 1024 buckets, so that no single write pays
 * for all.
 * Deviation: the map lets go of the old generation here, which frees it unless
 * an iterator holds it. */
static void advanceEvacuationMark(hmap *h, const maptype *t, uintptr_t newbit)
{
    //= SPEC.md#S-EVACUATE-16
    //# Advancing the mark MUST add 1 to nevacuate
    h->nevacuate++;
    uintptr_t stop = h->nevacuate + 1024;
    //= SPEC.md#S-EVACUATE-16
    //# and not beyond the last old bucket
    if (stop > newbit) {
        stop = newbit;
    }
    //= SPEC.md#S-EVACUATE-16
    //# and then 1 for each evacuated bucket that it stands on, up to 1024 more
    while (h->nevacuate != stop && bucketEvacuated(t, h, h->nevacuate)) {
        h->nevacuate++;
    }
    //= SPEC.md#S-EVACUATE-17
    //# A growth MUST end when nevacuate comes to the number of old buckets
    //= SPEC.md#S-BUCKET-5
    //# While a growth goes on nevacuate MUST be less than the number of old buckets, and every old bucket
    //# below it evacuated.
    if (h->nevacuate == newbit) {
        h->oldbuckets = NULL;
        gm_map_unhold(h->extra, h->extra->oldoverflow);
        h->extra->oldoverflow = NULL;
        flags_set(h, flags_get(h) & ~(unsigned)sameSizeGrow);
    }
}

/* map.go:1293.  makemap for a descriptor that was put together at run time:
 * checks first that the map can work with it. */
//= SPEC.md#S-TYPE-8
//# and otherwise do what makemap does without an hmap of the caller's
hmap *reflect_makemap(const maptype *t, intptr_t cap)
{
    gm_maptype_check(t);
    return makemap(t, cap, NULL);
}

/* ---- what C needs beyond Go ------------------------------------------- */

/* An hmap of makemap's own and its mapextra are one block, so that a map which
 * exists has room for its bookkeeping. */
typedef struct gm_owned_hmap {
    hmap h;
    mapextra extra;
} gm_owned_hmap;

/* A zeroed hmap with its extra; NULL: no memory. */
static hmap *gm_newhmap(void)
{
    gm_owned_hmap *o = gm_alloc(sizeof *o);
    //= SPEC.md#S-MEMORY-18
    if (o == NULL) {
        return NULL;
    }
    atomic_flag_clear(&o->extra.gm_lock);
    o->extra.gm_owned = true;
    o->h.extra = &o->extra;
    return &o->h;
}

/* An extra for an hmap that the caller brought; false: no memory. */
static bool gm_extra(hmap *h)
{
    h->extra = gm_alloc(sizeof *h->extra);
    //= SPEC.md#S-MEMORY-18
    if (h->extra == NULL) {
        return false;
    }
    atomic_flag_clear(&h->extra->gm_lock);
    return true;
}

/* Makes the fresh array the map's current generation. */
//= SPEC.md#S-MEMORY-5
//# The list of generations MUST have each generation of the map once, newest first.
static void gm_adopt(hmap *h, void *buckets)
{
    mapextra *x = h->extra;
    gm_gen *g = gm_gen_of(buckets);
    g->mapholds = true;
    g->older = x->gm_gens;
    //= SPEC.md#S-MEMORY-5
    if (g->older != NULL) {
        g->older->newer = g;
    }
    x->gm_gens = g;
    x->overflow = g;
}

/* Takes a generation that nobody holds any more out of the list and frees it. */
static void gm_gen_drop(mapextra *x, gm_gen *g)
{
    //= SPEC.md#S-MEMORY-5
    if (g->newer != NULL) {
        g->newer->older = g->older;
    } else {
        x->gm_gens = g->older;
    }
    //= SPEC.md#S-MEMORY-5
    if (g->older != NULL) {
        g->older->newer = g->newer;
    }
    gm_gen_free(g);
}

/* The map lets go of g: its buckets are neither buckets nor oldbuckets now. */
static void gm_map_unhold(mapextra *x, gm_gen *g)
{
    g->mapholds = false;
    //= SPEC.md#S-MEMORY-2
    //# A generation MUST be freed when the last of map and iterations lets go of it, at once.
    //= SPEC.md#S-MEMORY-1
    //# Every bucket that the map or an iteration can still read MUST stay, with its chain, for as long as it
    //# can.
    if (g->iters == 0) {
        gm_gen_drop(x, g);
    }
}

/* Iterators begin and end on several threads at once; what they share is
 * behind this lock, for a few instructions. */
static void gm_lock(mapextra *x)
{
    //= SPEC.md#S-CONCURRENT-6
    while (atomic_flag_test_and_set_explicit(&x->gm_lock, memory_order_acquire)) {
    }
}

static void gm_unlock(mapextra *x)
{
    atomic_flag_clear_explicit(&x->gm_lock, memory_order_release);
}

static void gm_iter_hold(mapextra *x, gm_gen *g)
{
    gm_lock(x);
    g->iters++;
    gm_unlock(x);
}

/* A block has left the map: it is kept with the newest generation, from g on
 * to older ones, that an iterator holds, because that iterator may still read
 * it; without one it is freed.  Which generations the entry has been through is
 * not recorded, so a block younger than that generation is kept as well.
 * Why older ones only: a block leaves when its slot is emptied or its bucket
 * wiped, and stale copies of its address are in buckets evacuated before.
 * An overflow bucket is reached from its own generation and no other. */
static void gm_park(gm_gen *g, gm_block *blk)
{
    //= SPEC.md#S-MEMORY-8
    //# What leaves the map while an iteration can still read it MUST be kept until no such iteration is left.
    while (g != NULL && g->iters == 0) {
        g = blk->kind == gm_block_overflow ? NULL : g->older;
    }
    //= SPEC.md#S-MEMORY-7
    if (g == NULL) {
        gm_block_free(add(blk, gm_blockHeader));
        return;
    }
    blk->state = gm_block_parked;
    blk->next = g->parked;
    g->parked = blk;
}

/* An iterator lets go of g.  What the last one leaves behind may still be
 * read from an older generation, and is passed on to it. */
static void gm_iter_unhold(mapextra *x, gm_gen *g)
{
    gm_lock(x);
    //= SPEC.md#S-MEMORY-2
    //= SPEC.md#S-MEMORY-8
    if (--g->iters == 0) {
        gm_block *blk = g->parked;
        g->parked = NULL;
        while (blk != NULL) {
            gm_block *next = blk->next;
            gm_park(g, blk);
            blk = next;
        }
        if (!g->mapholds) {
            gm_gen_drop(x, g);
        }
    }
    gm_unlock(x);
}

/* The memory of a key or elem has left the map, out of a slot whose stale
 * copies can be in from and older generations. */
static void gm_retire(gm_gen *from, void *payload)
{
    gm_park(from, gm_block_of(payload));
}

/* The iterator is about to walk a bucket of the old array g. */
static void gm_iter_walk(hiter *it, gm_gen *g)
{
    //= SPEC.md#S-MEMORY-3
    if (g == it->oldoverflow) {
        return;
    }
    gm_iter_hold(it->h->extra, g);
    //= SPEC.md#S-MEMORY-3
    if (it->oldoverflow != NULL) {
        gm_iter_unhold(it->h->extra, it->oldoverflow);
    }
    it->oldoverflow = g;
}

/* Sets aside as many overflow buckets as evacuating this old bucket can need,
 * beyond the preallocated ones.  False: no memory, and nothing is set aside.
 * n entries that are split over two chains need the most overflow buckets when
 * the split leaves no slot unused: (n-1)/8, the same as for one chain. */
static bool gm_reserve(const maptype *t, hmap *h, uintptr_t oldbucket)
{
    bmap *b = add(h->oldbuckets, oldbucket * t->bucketsize);
    //= SPEC.md#S-MEMORY-13
    if (bmap_overflow(b, t) == NULL) {
        return true;
    }
    uintptr_t n = 0;
    //= SPEC.md#S-MEMORY-13
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (int i = 0; i < bucketCnt; i++) {
            n += !isEmpty(b->tophash[i]);
        }
    }
    //= SPEC.md#S-MEMORY-13
    uintptr_t need = n == 0 ? 0 : (n - 1) / bucketCnt;
    //= SPEC.md#S-MEMORY-13
    if (h->extra->nextOverflow != NULL) {
        gm_gen *g = h->extra->overflow;
        char *end = (char *)h->buckets + g->nbuckets * t->bucketsize;
        uintptr_t tail = (uintptr_t)(end - (char *)h->extra->nextOverflow) / t->bucketsize;
        need = need > tail ? need - tail : 0;
    }
    //= SPEC.md#S-MEMORY-13
    //= SPEC.md#S-MEMORY-14
    //# Setting aside MUST give back all of it when memory runs out on the way.
    for (; need > 0; need--) {
        void *spare = newobject(t->bucket->size, gm_block_overflow);
        if (spare == NULL) {
            gm_unreserve(h);
            return false;
        }
        gm_block *blk = gm_block_of(spare);
        blk->next = h->extra->gm_spare;
        h->extra->gm_spare = blk;
    }
    return true;
}

static void gm_unreserve(hmap *h)
{
    gm_blocks_free(h->extra->gm_spare);
    h->extra->gm_spare = NULL;
}

/* Calls gm_retire on the key and elem memory of all entries of a chain. */
static void gm_retire_chain(const maptype *t, bmap *b, gm_gen *from)
{
    //= SPEC.md#S-MEMORY-9
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] < minTopHash) {
                continue;
            }
            if (maptype_indirectkey(t)) {
                gm_retire(from, gm_loadp(add(b, dataOffset + i * t->keysize)));
            }
            if (maptype_indirectelem(t)) {
                uintptr_t elems = dataOffset + bucketCnt * (uintptr_t)t->keysize;
                gm_retire(from, gm_loadp(add(b, elems + i * t->elemsize)));
            }
        }
    }
}

/* All memory that belongs to the entries leaves the map. */
static void gm_retire_entries(const maptype *t, hmap *h)
{
    //= SPEC.md#S-MEMORY-9
    if (!maptype_indirectkey(t) && !maptype_indirectelem(t)) {
        return;
    }
    //= SPEC.md#S-MEMORY-9
    for (uintptr_t i = 0; i < bucketShift(h->B); i++) {
        gm_retire_chain(t, add(h->buckets, i * t->bucketsize), h->extra->overflow);
    }
    //= SPEC.md#S-MEMORY-9
    //# those in old buckets too
    if (hmap_growing(h)) {
        for (uintptr_t i = 0; i < hmap_noldbuckets(h); i++) {
            bmap *b = add(h->oldbuckets, i * t->bucketsize);
            if (!evacuated(b)) {
                gm_retire_chain(t, b, h->extra->oldoverflow);
            }
        }
    }
}

/* mapclear's part of memory: the array stays, its chains do not. */
static void gm_clear_blocks(const maptype *t, hmap *h)
{
    gm_retire_entries(t, h);
    gm_gen *g = h->extra->overflow;
    gm_block *blk = g->overflow;
    g->overflow = NULL;
    //= SPEC.md#S-MEMORY-9
    //# or keep what an iteration can still read
    while (blk != NULL) {
        gm_block *next = blk->next;
        gm_park(g, blk);
        blk = next;
    }
}

/* See map.h. */
void gm_iter_end(hiter *it)
{
    //= SPEC.md#S-MEMORY-4
    //# when it ends, by itself or early
    if (it->h != NULL) {
        mapextra *x = it->h->extra;
        gm_iter_unhold(x, it->overflow);
        if (it->oldoverflow != NULL) {
            gm_iter_unhold(x, it->oldoverflow);
        }
    }
    memset(it, 0, sizeof *it);
}

/* See map.h. */
void gm_map_free(const maptype *t, hmap *h)
{
    //= SPEC.md#S-MEMORY-10
    //# Freeing a map MUST free all that it and its iterations hold.
    if (h == NULL) {
        return;
    }
    mapextra *x = h->extra;
    //= SPEC.md#S-MEMORY-10
    if (x != NULL) {
        if (h->buckets != NULL) {
            for (gm_gen *g = x->gm_gens; g != NULL; g = g->older) {
                g->iters = 0; /* whoever iterates has nothing left to read */
            }
            gm_retire_entries(t, h);
        }
        while (x->gm_gens != NULL) {
            gm_gen_drop(x, x->gm_gens);
        }
        if (x->gm_owned) {
            gm_free(h, sizeof(gm_owned_hmap));
            return;
        }
        gm_free(x, sizeof *x);
    }
    memset(h, 0, sizeof *h);
}

/* ---- errata: where exact and strict part ways ---------------------------- */

/* Does an iterator of this map exist? */
static bool gm_iterated(const hmap *h)
{
    //= SPEC.md#S-ITERATE-22
    for (const gm_gen *g = h->extra->gm_gens; g != NULL; g = g->older) {
        if (g->iters != 0) {
            return true;
        }
    }
    return false;
}

/* ERRATA.md#E1.  mapclear wipes the array under the iterators of the map, but
 * neither overflow buckets nor older arrays, and hands the preallocated
 * overflow buckets out again while an iterator may stand in one.
 * Strict: the map starts again without buckets, and the iterations that were
 * under way end: all that they owed is gone. */
static void gm_start_afresh(hmap *h)
{
    mapextra *x = h->extra;
    //= SPEC.md#S-ITERATE-22
    for (gm_gen *g = x->gm_gens; g != NULL; g = g->older) {
        g->cleared = true;
    }
    gm_map_unhold(x, x->overflow);
    x->overflow = NULL;
    h->buckets = NULL;
    h->B = 0;
}

/* ERRATA.md#E2.  Is the old bucket that the iterator walks split over two new
 * ones, so that entries of the other one are to be skipped?  Go asks how the
 * map grows at this moment; the growth that the walk began in may be over, and
 * another of the other kind may have begun.
 * Strict: asks the two arrays. */
static bool gm_walks_split(const maptype *t, const hmap *h, const hiter *it)
{
    bool now = !hmap_sameSizeGrow(h);
    bool then = it->oldoverflow->B != it->B;
    //= SPEC.md#S-ITERATE-19
    //# In strict mode an iteration MUST decide by the two arrays that it walks between, and not by the growth
    //# of the moment, whether entries of the other half are passed over.
    if (now != then) {
        if (t->mode == gm_strict) {
            return then;
        }
        gm_erratum(2, it);
    }
    return now;
}

/* ERRATA.md#E3.  May the iterator take h.oldbuckets for the array that its own
 * is being filled from?  Go takes the same number of buckets for proof; after
 * two growths to the same size the old array is a later one than the
 * iterator's, and its buckets may be wiped while the iterator is in them.
 * Strict: compares the arrays. */
static bool gm_walks_oldbuckets(const maptype *t, const hmap *h, const hiter *it)
{
    const gm_gen *old = h->extra->oldoverflow;
    //= SPEC.md#S-ITERATE-20
    //# In strict mode an iteration MUST walk an old array only if that was the map's old array when it began.
    if (old == it->oldoverflow) {
        return true;
    }
    //= SPEC.md#S-ITERATE-20
    if (t->mode == gm_strict) {
        return false;
    }
    //= SPEC.md#S-ITERATE-20
    if (old != it->overflow) {
        gm_erratum(3, it);
    }
    return true;
}

/* ERRATA.md#E3.  Does mapiternext look at the key of an evacuated slot?  Go
 * faults there if the slot of an indirect key was wiped; C must not get so far. */
static bool gm_reads_key(const maptype *t, const hmap *h, uintptr_t checkBucket)
{
    return h->count != 0 || !maptype_reflexivekey(t) || (checkBucket != noCheck && !hmap_sameSizeGrow(h));
}

/* ERRATA.md#E4.  Does the entry that was looked up for a stale key k lie in
 * another bucket than the one that is walked, counted as the iterator's own
 * array counts?  (mapiternext's bucket is the one after it by then.)  That happens when the map was emptied
 * by deletes, which gives it a new seed, and k inserted again; the iteration meets the entry, or another
 * stale copy of k, in that bucket too. Strict: leaves it to that bucket. */
static bool gm_meets_elsewhere(const maptype *t, const hmap *h, const hiter *it, const void *k,
                               uintptr_t walked)
{
    uintptr_t hash = t->hasher(t->key, k, h->hash0);
    //= SPEC.md#S-ITERATE-21
    if ((hash & bucketMask(it->B)) == walked) {
        return false;
    }
    //= SPEC.md#S-ITERATE-21
    if (t->mode == gm_strict) {
        return true;
    }
    gm_erratum(4, it);
    return false;
}
