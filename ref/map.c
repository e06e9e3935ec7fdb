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

static uint8_t flags_get(const hmap *h)
{
    return atomic_load_explicit(&h->flags, memory_order_relaxed);
}

/* For writers, which are alone: no read-modify-write instruction is needed. */
static void flags_set(hmap *h, unsigned flags)
{
    atomic_store_explicit(&h->flags, (uint8_t)flags, memory_order_relaxed);
}

/* map.go:111.  Is the slot with this tophash free?
 * Invariant: the two empty states are the lowest values. */
bool isEmpty(uint8_t x)
{
    return x <= emptyOne;
}

/* map.go:184.  1<<b.
 * Invariant: b is below the word's bits wherever a map has that many buckets. */
uintptr_t bucketShift(uint8_t b)
{
    return (uintptr_t)1 << (b & (PtrSize * 8 - 1));
}

/* map.go:190.  The mask that takes a hash to one of 1<<b buckets. */
uintptr_t bucketMask(uint8_t b)
{
    return bucketShift(b) - 1;
}

/* map.go:195.  The top byte of a hash, lifted over the reserved values.
 * Invariant: the result is never a slot state. */
uint8_t tophash(uintptr_t hash)
{
    uint8_t top = (uint8_t)(hash >> (PtrSize * 8 - 8));
    if (top < minTopHash) {
        top = (uint8_t)(top + minTopHash);
    }
    return top;
}

/* map.go:203.  Has this bucket of the old array been evacuated?
 * Invariant: evacuation marks all eight slots of all buckets of a chain or
 * none, so the first slot answers for the chain. */
bool evacuated(const bmap *b)
{
    uint8_t h = b->tophash[0];
    return h > emptyOne && h < minTopHash;
}

/* map.go:208.  The next bucket of the chain; in the last PtrSize bytes. */
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
    if (h->B < 16) {
        h->noverflow++;
        return;
    }
    uint32_t mask = ((uint32_t)1 << (h->B - 15)) - 1;
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
    if (h->extra->nextOverflow != NULL) {
        ovf = h->extra->nextOverflow;
        if (bmap_overflow(ovf, t) == NULL) {
            h->extra->nextOverflow = add(ovf, t->bucketsize);
        } else {
            bmap_setoverflow(ovf, t, NULL);
            h->extra->nextOverflow = NULL;
        }
    } else {
        if (h->extra->gm_spare != NULL) {
            ovf = add(h->extra->gm_spare, gm_blockHeader);
            h->extra->gm_spare = h->extra->gm_spare->next;
        } else {
            ovf = newobject(t->bucket->size, gm_block_overflow);
            if (ovf == NULL) {
                return NULL;
            }
        }
        gm_block *blk = gm_block_of(ovf);
        blk->next = h->extra->overflow->overflow;
        h->extra->overflow->overflow = blk;
    }
    hmap_incrnoverflow(h);
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
    if ((int64_t)(intptr_t)hint != hint) {
        hint = 0;
    }
    return makemap(t, (intptr_t)hint, h);
}

/* map.go:293.  A map without buckets: they come with the first insertion. */
hmap *makemap_small(void)
{
    hmap *h = gm_newhmap();
    if (h == NULL) {
        return NULL;
    }
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
    if (overflow || mem > maxAlloc) {
        hint = 0;
    }

    if (h == NULL) {
        h = gm_newhmap();
        if (h == NULL) {
            return NULL;
        }
    }
    h->hash0 = fastrand();

    uint8_t B = 0;
    while (overLoadFactor(hint, B)) {
        B++;
    }
    h->B = B;

    if (h->B != 0) {
        bmap *nextOverflow;
        void *buckets = hmap_createOverflow(h) ? makeBucketArray(t, h->B, NULL, &nextOverflow) : NULL;
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
    if (dirtyalloc == NULL) {
        buckets = newarray(t, (intptr_t)nbuckets, b);
        if (buckets == NULL) {
            return NULL;
        }
    } else {
        buckets = dirtyalloc;
        memset(buckets, 0, t->bucket->size * nbuckets);
    }

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
void *mapaccess1(const maptype *t, hmap *h, const void *key)
{
    if (h == NULL || h->count == 0) {
        if (maptype_hashMightPanic(t)) {
            t->hasher(t->key, key, 0);
        }
        return zeroVal;
    }
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map read and map write");
    }
    uintptr_t hash = t->hasher(t->key, key, h->hash0);
    uintptr_t m = bucketMask(h->B);
    bmap *b = add(h->buckets, (hash & m) * t->bucketsize);
    void *c = h->oldbuckets;
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
                return e;
            }
        }
    }
    return zeroVal;
}

/* map.go:456.  mapaccess1 that also tells whether the key was there.
 * Why the loop stands here again: map.go has it three times, and a porter
 * compares line by line. */
void *mapaccess2(const maptype *t, hmap *h, const void *key, bool *ok)
{
    *ok = false;
    if (h == NULL || h->count == 0) {
        if (maptype_hashMightPanic(t)) {
            t->hasher(t->key, key, 0);
        }
        return zeroVal;
    }
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map read and map write");
    }
    uintptr_t hash = t->hasher(t->key, key, h->hash0);
    uintptr_t m = bucketMask(h->B);
    bmap *b = add(h->buckets, (hash & m) * t->bucketsize);
    void *c = h->oldbuckets;
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
    return zeroVal;
}

/* map.go:518.  Key and elem as they lie in the map; for mapiternext.
 * Invariant: called in the middle of an iteration, so it neither checks for
 * writers nor hashes on an empty map. */
void *mapaccessK(const maptype *t, hmap *h, const void *key, void **elem)
{
    *elem = NULL;
    if (h == NULL || h->count == 0) {
        return NULL;
    }
    uintptr_t hash = t->hasher(t->key, key, h->hash0);
    uintptr_t m = bucketMask(h->B);
    bmap *b = add(h->buckets, (hash & m) * t->bucketsize);
    void *c = h->oldbuckets;
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
    if (e == zeroVal) {
        return zero;
    }
    return e;
}

/* map.go:569.  mapaccess2 for elems larger than zeroVal. */
void *mapaccess2_fat(const maptype *t, hmap *h, const void *key, void *zero, bool *ok)
{
    void *e = mapaccess1(t, h, key);
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
    if (h == NULL) {
        gopanic("assignment to entry in nil map");
    }
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map writes");
    }
    uintptr_t hash = t->hasher(t->key, key, h->hash0);

    flags_set(h, flags_get(h) ^ hashWriting);

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
    if (hmap_growing(h)) {
        if (!growWork(t, h, bucket)) {
            goto nomemory;
        }
    }
    bmap *b = add(h->buckets, bucket * t->bucketsize);
    uint8_t top = tophash(hash);

    inserti = NULL;
    insertk = NULL;
    elem = NULL;
    for (;;) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] != top) {
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
            if (maptype_indirectkey(t)) {
                k = gm_loadp(k);
            }
            if (!t->key->equal(t->key, key, k)) {
                continue;
            }
            if (maptype_needkeyupdate(t)) {
                memmove(k, key, t->key->size);
            }
            elem = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
            goto done;
        }
        bmap *ovf = bmap_overflow(b, t);
        if (ovf == NULL) {
            break;
        }
        b = ovf;
    }
bucketloop:

    if (!hmap_growing(h) &&
        (overLoadFactor(h->count + 1, h->B) || tooManyOverflowBuckets(h->noverflow, h->B))) {
        if (!hashGrow(t, h)) {
            goto nomemory;
        }
        goto again;
    }

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
    if (maptype_indirectkey(t)) {
        kmem = newobject(t->key->size, gm_block_key);
        if (kmem == NULL) {
            goto nomemory;
        }
    }
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
    if (maptype_indirectkey(t)) {
        gm_storep(insertk, kmem);
        insertk = kmem;
    }
    memmove(insertk, key, t->key->size);
    *inserti = top;
    h->count++;

done:
    if ((flags_get(h) & hashWriting) == 0) {
        fatal("concurrent map writes");
    }
    flags_set(h, flags_get(h) & ~(unsigned)hashWriting);
    if (maptype_indirectelem(t)) {
        elem = gm_loadp(elem);
    }
    return elem;

nomemory:
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
void mapdelete(const maptype *t, hmap *h, const void *key)
{
    if (h == NULL || h->count == 0) {
        if (maptype_hashMightPanic(t)) {
            t->hasher(t->key, key, 0);
        }
        return;
    }
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map writes");
    }

    uintptr_t hash = t->hasher(t->key, key, h->hash0);

    flags_set(h, flags_get(h) ^ hashWriting);

    uintptr_t bucket = hash & bucketMask(h->B);
    gm_gen *gen = h->extra->overflow;
    bmap *b = add(h->buckets, bucket * t->bucketsize);
    if (hmap_growing(h)) {
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
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] != top) {
                if (b->tophash[i] == emptyRest) {
                    goto search;
                }
                continue;
            }
            void *k = add(b, dataOffset + i * t->keysize);
            void *k2 = k;
            if (maptype_indirectkey(t)) {
                k2 = gm_loadp(k2);
            }
            if (!t->key->equal(t->key, key, k2)) {
                continue;
            }
            if (maptype_indirectkey(t)) {
                gm_storep(k, NULL);
                gm_retire(gen->older, k2);
            } else if (t->key->ptrdata != 0) {
                memset(k, 0, t->key->size);
            }
            void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
            if (maptype_indirectelem(t)) {
                void *e2 = gm_loadp(e);
                gm_storep(e, NULL);
                gm_retire(gen->older, e2);
            } else {
                memset(e, 0, t->elem->size);
            }
            b->tophash[i] = emptyOne;
            if (i == bucketCnt - 1) {
                if (bmap_overflow(b, t) != NULL && bmap_overflow(b, t)->tophash[0] != emptyRest) {
                    goto notLast;
                }
            } else {
                if (b->tophash[i + 1] != emptyRest) {
                    goto notLast;
                }
            }
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
            h->count--;
            /* A new seed for an empty map: whoever collects colliding keys
             * has to start again. */
            if (h->count == 0) {
                h->hash0 = fastrand();
            }
            goto search;
        }
    }
search:

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
    if (h == NULL || h->count == 0) {
        return;
    }
    it->h = h;

    it->B = h->B;
    it->buckets = h->buckets;
    it->overflow = h->extra->overflow;
    it->oldoverflow = h->extra->oldoverflow;
    gm_iter_hold(h->extra, it->overflow);
    if (it->oldoverflow != NULL) {
        gm_iter_hold(h->extra, it->oldoverflow);
    }

    uintptr_t r;
    if (h->B > 31 - bucketCntBits) {
        r = (uintptr_t)fastrand64();
    } else {
        r = (uintptr_t)fastrand();
    }
    it->startBucket = r & bucketMask(h->B);
    it->offset = (uint8_t)((r >> h->B) & (bucketCnt - 1));

    it->bucket = it->startBucket;

    /* Other goroutines may be doing the same just now. */
    if ((flags_get(h) & (iterator | oldIterator)) != (iterator | oldIterator)) {
        atomic_fetch_or_explicit(&h->flags, iterator | oldIterator, memory_order_relaxed);
    }

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
void mapiternext(hiter *it)
{
    hmap *h = it->h;
    if (h == NULL) {
        return;
    }
    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map iteration and map write");
    }
    const maptype *t = it->t;
    if (it->overflow->cleared) { /* ERRATA.md#E1 */
        gm_iter_end(it);
        return;
    }
    uintptr_t bucket = it->bucket;
    bmap *b = it->bptr;
    uint8_t i = it->i;
    uintptr_t checkBucket = it->checkBucket;

next:
    if (b == NULL) {
        if (bucket == it->startBucket && it->wrapped) {
            gm_iter_end(it);
            return;
        }
        if (hmap_growing(h) && it->B == h->B && gm_walks_oldbuckets(t, h, it)) {
            uintptr_t oldbucket = bucket & hmap_oldbucketmask(h);
            b = add(h->oldbuckets, oldbucket * t->bucketsize);
            if (!evacuated(b)) {
                checkBucket = bucket;
                gm_iter_walk(it, h->extra->oldoverflow);
            } else {
                b = add(it->buckets, bucket * t->bucketsize);
                checkBucket = noCheck;
            }
        } else {
            b = add(it->buckets, bucket * t->bucketsize);
            checkBucket = noCheck;
        }
        bucket++;
        if (bucket == bucketShift(it->B)) {
            bucket = 0;
            it->wrapped = true;
        }
        i = 0;
    }
    for (; i < bucketCnt; i++) {
        uint8_t offi = (uint8_t)((i + it->offset) & (bucketCnt - 1));
        if (isEmpty(b->tophash[offi]) || b->tophash[offi] == evacuatedEmpty) {
            continue;
        }
        void *k = add(b, dataOffset + (uintptr_t)offi * t->keysize);
        if (maptype_indirectkey(t)) {
            k = gm_loadp(k);
        }
        if (k == NULL && gm_reads_key(t, h, checkBucket)) { /* ERRATA.md#E3 */
            gopanic("runtime error: invalid memory address or nil pointer dereference");
        }
        void *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + (uintptr_t)offi * t->elemsize);
        if (checkBucket != noCheck && gm_walks_split(t, h, it)) {
            if (maptype_reflexivekey(t) || t->key->equal(t->key, k, k)) {
                uintptr_t hash = t->hasher(t->key, k, h->hash0);
                if ((hash & bucketMask(it->B)) != checkBucket) {
                    continue;
                }
            } else {
                /* evacuate sends a key without a repeatable hash by the low
                 * bit of its tophash, and marks it X or Y with the same low
                 * bit; here the same bit chooses the same side.  (Go's shift by
                 * B-1 = 255 gives 0; C's would be undefined.) */
                uintptr_t side = it->B == 0 ? 0 : checkBucket >> (it->B - 1);
                if (side != (uintptr_t)(b->tophash[offi] & 1)) {
                    continue;
                }
            }
        }
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
            if (rk == NULL) {
                continue;
            }
            if (gm_meets_elsewhere(t, h, it, k, (bucket - 1) & bucketMask(it->B))) {
                continue;
            }
            it->key = rk;
            it->elem = re;
        }
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
    if (h == NULL || h->count == 0) {
        return;
    }

    if ((flags_get(h) & hashWriting) != 0) {
        fatal("concurrent map writes");
    }

    flags_set(h, flags_get(h) ^ hashWriting);

    gm_clear_blocks(t, h);

    flags_set(h, flags_get(h) & ~(unsigned)sameSizeGrow);
    h->oldbuckets = NULL;
    h->nevacuate = 0;
    h->noverflow = 0;
    h->count = 0;

    h->hash0 = fastrand();

    if (h->extra->oldoverflow != NULL) {
        gm_map_unhold(h->extra, h->extra->oldoverflow);
        h->extra->oldoverflow = NULL;
    }

    bmap *nextOverflow = NULL;
    if (t->mode == gm_strict && gm_iterated(h)) { /* ERRATA.md#E1 */
        gm_start_afresh(h);
    } else {
        makeBucketArray(t, h->B, h->buckets, &nextOverflow);
    }
    h->extra->nextOverflow = nextOverflow;

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
    if (!overLoadFactor(h->count + 1, h->B)) {
        bigger = 0;
    }
    void *oldbuckets = h->buckets;
    bmap *nextOverflow;
    void *newbuckets = makeBucketArray(t, (uint8_t)(h->B + bigger), NULL, &nextOverflow);
    if (newbuckets == NULL) {
        return false;
    }
    if (bigger == 0) {
        flags_set(h, flags_get(h) | sameSizeGrow);
    }

    unsigned flags = flags_get(h) & ~(unsigned)(iterator | oldIterator);
    if ((flags_get(h) & iterator) != 0) {
        flags |= oldIterator;
    }
    h->B = (uint8_t)(h->B + bigger);
    flags_set(h, flags);
    h->oldbuckets = oldbuckets;
    h->buckets = newbuckets;
    h->nevacuate = 0;
    h->noverflow = 0;

    if (h->extra->oldoverflow != NULL) {
        throw("oldoverflow is not nil");
    }
    h->extra->oldoverflow = h->extra->overflow;
    gm_adopt(h, newbuckets);
    h->extra->nextOverflow = nextOverflow;
    return true;
}

/* map.go:1085.  Would count entries be too many for 1<<B buckets?
 * Invariant: up to eight never are: they fit into one bucket.
 * Why halve before multiplying: 13*(1<<B) could overflow, 13*(1<<B)/2 cannot. */
bool overLoadFactor(intptr_t count, uint8_t B)
{
    return count > bucketCnt && (uintptr_t)count > loadFactorNum * (bucketShift(B) / loadFactorDen);
}

/* map.go:1092.  Are that many overflow buckets about as many as buckets?
 * Invariant: from B=15 on, noverflow counts in units that make 1<<15 the limit. */
bool tooManyOverflowBuckets(uint16_t noverflow, uint8_t B)
{
    if (B > 15) {
        B = 15;
    }
    return noverflow >= (uint16_t)(1U << (B & 15));
}

/* map.go:1105.  Is a growth, of either kind, in progress? */
bool hmap_growing(const hmap *h)
{
    return h->oldbuckets != NULL;
}

/* map.go:1110.  Is it one to the same size? */
bool hmap_sameSizeGrow(const hmap *h)
{
    return (flags_get(h) & sameSizeGrow) != 0;
}

/* map.go:1115.  The number of buckets before the growth in progress. */
uintptr_t hmap_noldbuckets(const hmap *h)
{
    uint8_t oldB = h->B;
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
    if (!evacuate(t, h, bucket & hmap_oldbucketmask(h))) {
        return false;
    }
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
static bool evacuate(const maptype *t, hmap *h, uintptr_t oldbucket)
{
    bmap *b = add(h->oldbuckets, oldbucket * t->bucketsize);
    uintptr_t newbit = hmap_noldbuckets(h);
    if (!evacuated(b)) {
        if (!gm_reserve(t, h, oldbucket)) {
            return false;
        }
        evacDst xy[2] = {{0}};
        evacDst *x = &xy[0];
        x->b = add(h->buckets, oldbucket * t->bucketsize);
        x->k = bmap_keys(x->b);
        x->e = add(x->k, bucketCnt * (uintptr_t)t->keysize);

        if (!hmap_sameSizeGrow(h)) {
            evacDst *y = &xy[1];
            y->b = add(h->buckets, (oldbucket + newbit) * t->bucketsize);
            y->k = bmap_keys(y->b);
            y->e = add(y->k, bucketCnt * (uintptr_t)t->keysize);
        }

        for (; b != NULL; b = bmap_overflow(b, t)) {
            void *k = bmap_keys(b);
            void *e = add(k, bucketCnt * (uintptr_t)t->keysize);
            for (int i = 0; i < bucketCnt; i++, k = add(k, t->keysize), e = add(e, t->elemsize)) {
                uint8_t top = b->tophash[i];
                if (isEmpty(top)) {
                    b->tophash[i] = evacuatedEmpty;
                    continue;
                }
                if (top < minTopHash) {
                    throw("bad map state");
                }
                void *k2 = k;
                if (maptype_indirectkey(t)) {
                    k2 = gm_loadp(k2);
                }
                uint8_t useY = 0;
                if (!hmap_sameSizeGrow(h)) {
                    uintptr_t hash = t->hasher(t->key, k2, h->hash0);
                    if ((flags_get(h) & iterator) != 0 && !maptype_reflexivekey(t) &&
                        !t->key->equal(t->key, k2, k2)) {
                        useY = top & 1;
                        top = tophash(hash);
                    } else {
                        if ((hash & newbit) != 0) {
                            useY = 1;
                        }
                    }
                }

                _Static_assert(evacuatedX + 1 == evacuatedY && (evacuatedX ^ 1) == evacuatedY,
                               "bad evacuatedN");

                b->tophash[i] = (uint8_t)(evacuatedX + useY);
                evacDst *dst = &xy[useY];

                if (dst->i == bucketCnt) {
                    dst->b = hmap_newoverflow(h, t, dst->b);
                    dst->i = 0;
                    dst->k = bmap_keys(dst->b);
                    dst->e = add(dst->k, bucketCnt * (uintptr_t)t->keysize);
                }
                dst->b->tophash[dst->i] = top;
                if (maptype_indirectkey(t)) {
                    gm_storep(dst->k, k2);
                } else {
                    memmove(dst->k, k, t->key->size);
                }
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
        gm_unreserve(h);
        /* Helps Go's collector; kept, because iterators can tell. */
        if ((flags_get(h) & oldIterator) == 0 && t->bucket->ptrdata != 0) {
            bmap *oldb = add(h->oldbuckets, oldbucket * t->bucketsize);
            memset(bmap_keys(oldb), 0, (uintptr_t)t->bucketsize - dataOffset);
        }
    }

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
    h->nevacuate++;
    uintptr_t stop = h->nevacuate + 1024;
    if (stop > newbit) {
        stop = newbit;
    }
    while (h->nevacuate != stop && bucketEvacuated(t, h, h->nevacuate)) {
        h->nevacuate++;
    }
    if (h->nevacuate == newbit) {
        h->oldbuckets = NULL;
        gm_map_unhold(h->extra, h->extra->oldoverflow);
        h->extra->oldoverflow = NULL;
        flags_set(h, flags_get(h) & ~(unsigned)sameSizeGrow);
    }
}

/* map.go:1293.  makemap for a descriptor that was put together at run time:
 * checks first that the map can work with it. */
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
    if (h->extra == NULL) {
        return false;
    }
    atomic_flag_clear(&h->extra->gm_lock);
    return true;
}

/* Makes the fresh array the map's current generation. */
static void gm_adopt(hmap *h, void *buckets)
{
    mapextra *x = h->extra;
    gm_gen *g = gm_gen_of(buckets);
    g->mapholds = true;
    g->older = x->gm_gens;
    if (g->older != NULL) {
        g->older->newer = g;
    }
    x->gm_gens = g;
    x->overflow = g;
}

/* Takes a generation that nobody holds any more out of the list and frees it. */
static void gm_gen_drop(mapextra *x, gm_gen *g)
{
    if (g->newer != NULL) {
        g->newer->older = g->older;
    } else {
        x->gm_gens = g->older;
    }
    if (g->older != NULL) {
        g->older->newer = g->newer;
    }
    gm_gen_free(g);
}

/* The map lets go of g: its buckets are neither buckets nor oldbuckets now. */
static void gm_map_unhold(mapextra *x, gm_gen *g)
{
    g->mapholds = false;
    if (g->iters == 0) {
        gm_gen_drop(x, g);
    }
}

/* Iterators begin and end on several threads at once; what they share is
 * behind this lock, for a few instructions. */
static void gm_lock(mapextra *x)
{
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
    while (g != NULL && g->iters == 0) {
        g = blk->kind == gm_block_overflow ? NULL : g->older;
    }
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
    if (g == it->oldoverflow) {
        return;
    }
    gm_iter_hold(it->h->extra, g);
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
    if (bmap_overflow(b, t) == NULL) {
        return true;
    }
    uintptr_t n = 0;
    for (; b != NULL; b = bmap_overflow(b, t)) {
        for (int i = 0; i < bucketCnt; i++) {
            n += !isEmpty(b->tophash[i]);
        }
    }
    uintptr_t need = n == 0 ? 0 : (n - 1) / bucketCnt;
    if (h->extra->nextOverflow != NULL) {
        gm_gen *g = h->extra->overflow;
        char *end = (char *)h->buckets + g->nbuckets * t->bucketsize;
        uintptr_t tail = (uintptr_t)(end - (char *)h->extra->nextOverflow) / t->bucketsize;
        need = need > tail ? need - tail : 0;
    }
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
    if (!maptype_indirectkey(t) && !maptype_indirectelem(t)) {
        return;
    }
    for (uintptr_t i = 0; i < bucketShift(h->B); i++) {
        gm_retire_chain(t, add(h->buckets, i * t->bucketsize), h->extra->overflow);
    }
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
    while (blk != NULL) {
        gm_block *next = blk->next;
        gm_park(g, blk);
        blk = next;
    }
}

/* See map.h. */
void gm_iter_end(hiter *it)
{
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
    if (h == NULL) {
        return;
    }
    mapextra *x = h->extra;
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
    if (old == it->oldoverflow) {
        return true;
    }
    if (t->mode == gm_strict) {
        return false;
    }
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
 * array counts?  That happens when the map was emptied by deletes, which gives
 * it a new seed, and k inserted again; the iteration meets the entry, or
 * another stale copy of k, in that bucket too.
 * Strict: leaves it to that bucket. */
static bool gm_meets_elsewhere(const maptype *t, const hmap *h, const hiter *it, const void *k,
                               uintptr_t walked)
{
    uintptr_t hash = t->hasher(t->key, k, h->hash0);
    if ((hash & bucketMask(it->B)) == walked) {
        return false;
    }
    if (t->mode == gm_strict) {
        return true;
    }
    gm_erratum(4, it);
    return false;
}
