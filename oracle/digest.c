/* SPDX-License-Identifier: BSD-3-Clause
 *
 * digest.c: all that map.go defines of a map, its iterators and the generator,
 * in one number of 64 bits.  This is the definition; oracle/go/digest.go is its
 * twin, and determinism and the real runtime are judged by it.
 *
 * No address goes in, and no byte order: two runs that did the same have the
 * same digest on every CPU of one word size.
 *
 *   words     eight bytes each, lowest first, go to four running hashes in turn
 *             (the rest of a run of words, fewer than four, to the first one);
 *             single numbers go to the first one
 *   order     generator, count, flags|B|noverflow|hash0, nevacuate, buckets with
 *             the free part of the tail, oldbuckets, four iterators
 *   bucket    tophash, keys, elems as they lie there, stale ones too, then the
 *             link; numbers in keys lowest byte first
 *   string    which static copy of which number it points to, and its length;
 *             interfaces: type and the same of their box, or the pointer; mixed:
 *             its fields so
 *   indirect  a live one: what it points to; a stale one: nil or not nil, for
 *             the memory may be gone
 *   link      0 the end, 1 a bucket of its own, 2+n bucket n of the array
 *   tail      number of the first free preallocated bucket, and of the one that
 *             holds the sentinel
 *   iterator  all fields but key and elem, which belong to the step that moved
 *             it: they are valid until the next write only
 */
#include "digest.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_WORDS 1
#else
#define NATIVE_WORDS 0
#endif

enum { longest_chain = 1 << 16, image_bytes = dataOffset + 8 * 256 };

typedef struct digest {
    const oracle_step *s;
    uint64_t a, b, c, d;
    bool plain; /* slots are all there is to see of a bucket */
} digest;

static void mix(digest *g, uint64_t x)
{
    g->a = digest_step(g->a, x);
}

static inline uint64_t word_at(const unsigned char *p)
{
    if (NATIVE_WORDS) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        return w;
    }
    uint64_t w = 0;
    for (unsigned i = 0; i < 8; i++) {
        w |= (uint64_t)p[i] << 8 * i;
    }
    return w;
}

static void mix_words(digest *g, const void *from, size_t n)
{
    const unsigned char *p = from;
    uint64_t a = g->a, b = g->b, c = g->c, d = g->d;
    for (; n >= 4; n -= 4, p += 32) {
        a = digest_step(a, word_at(p));
        b = digest_step(b, word_at(p + 8));
        c = digest_step(c, word_at(p + 16));
        d = digest_step(d, word_at(p + 24));
    }
    for (; n > 0; n--, p += 8) {
        a = digest_step(a, word_at(p));
    }
    g->a = a;
    g->b = b;
    g->c = c;
    g->d = d;
}

/* ---- byte order ----------------------------------------------------------- */

/* Native numbers of unit bytes, turned lowest byte first. */
static void turn(unsigned char *p, size_t size, size_t unit)
{
    for (size_t at = 0; !NATIVE_WORDS && at + unit <= size; at += unit) {
        for (size_t i = 0; i < unit / 2; i++) {
            unsigned char byte = p[at + i];
            p[at + i] = p[at + unit - 1 - i];
            p[at + unit - 1 - i] = byte;
        }
    }
}

/* The size of the numbers that the values of this type consist of; 1: bytes. */
static size_t unit_of(const rtype *t)
{
    switch (t->kind) {
    case kindInt16:
    case kindInt32:
    case kindInt64:
    case kindFloat32:
    case kindFloat64:
    case kindUnsafePointer:
        return t->size;
    case kindComplex64:
    case kindComplex128:
        return t->size / 2;
    default:
        return 1;
    }
}

static void turn_keys(const rtype *t, unsigned char *p, size_t n)
{
    if (t->kind != kindStruct) {
        turn(p, n * t->size, unit_of(t));
        return;
    }
    for (size_t i = 0; i < n * t->nfields; i++) {
        const structfield *f = &t->fields[i % t->nfields];
        turn(p + i / t->nfields * t->size + f->offset, f->typ->size, f->typ->size);
    }
}

/* ---- values --------------------------------------------------------------- */

static bool points_elsewhere(key_kind k)
{
    return k == key_string || k == key_iface || k == key_mixed;
}

static uint64_t roll_bytes(uint64_t roll, const unsigned char *p, size_t size)
{
    for (; size >= 8; size -= 8, p += 8) {
        roll = digest_step(roll, word_at(p));
    }
    if (size > 0) {
        unsigned char last[8] = {0};
        memcpy(last, p, size);
        roll = digest_step(roll, word_at(last));
    }
    return roll;
}

uint64_t digest_key(const oracle_step *s, uint64_t roll, const void *p)
{
    const rtype *t = s->t->key;
    if (points_elsewhere(s->key_kind)) {
        uint64_t w[key_max_words];
        unsigned n = key_words(s->key_kind, p, w);
        for (unsigned i = 0; i < n; i++) {
            roll = digest_step(roll, w[i]);
        }
        return roll;
    }
    if (NATIVE_WORDS) {
        return roll_bytes(roll, p, t->size);
    }
    unsigned char turned[key_max_size];
    memcpy(turned, p, t->size);
    turn_keys(t, turned, 1);
    return roll_bytes(roll, turned, t->size);
}

uint64_t digest_elem(const oracle_step *s, uint64_t roll, const void *p)
{
    const rtype *t = s->t->elem;
    if (NATIVE_WORDS) {
        return roll_bytes(roll, p, t->size);
    }
    unsigned char turned[elem_max_size];
    memcpy(turned, p, t->size);
    turn(turned, t->size, unit_of(t));
    return roll_bytes(roll, turned, t->size);
}

/* ---- buckets -------------------------------------------------------------- */

/* The numbers of a bucket's slots lowest byte first, where they are not yet. */
static const unsigned char *image(const digest *g, const bmap *b, unsigned char out[image_bytes])
{
    const maptype *t = g->s->t;
    size_t keys = bucketCnt * (size_t)t->keysize, elems = bucketCnt * (size_t)t->elemsize;
    memcpy(out, b, dataOffset + keys + elems);
    if (!maptype_indirectkey(t) && !points_elsewhere(g->s->key_kind)) {
        turn_keys(t->key, out + dataOffset, bucketCnt);
    }
    if (!maptype_indirectelem(t)) {
        turn(out + dataOffset + keys, elems, unit_of(t->elem));
    }
    return out;
}

static void mix_indirect(digest *g, bmap *b, bool key)
{
    const maptype *t = g->s->t;
    size_t size = key ? t->keysize : t->elemsize;
    size_t full = key ? t->key->size : t->elem->size;
    char *at = (char *)b + dataOffset + (key ? 0 : bucketCnt * (size_t)t->keysize);
    for (unsigned i = 0; i < bucketCnt; i++, at += size) {
        const void *p = gm_loadp(at);
        //= SPEC.md#S-MEMORY-22
        //# What a stale pointer of an old slot points to MUST NOT be compared, only whether it is nil.
        if (p == NULL || b->tophash[i] < minTopHash) {
            mix(g, p != NULL);
        } else if (key && points_elsewhere(g->s->key_kind)) {
            mix(g, 2);
            g->a = digest_key(g->s, g->a, p);
        } else { /* bytes, as all other kinds of this size are */
            mix(g, 2);
            mix_words(g, p, full / 8);
            g->a = roll_bytes(g->a, (const unsigned char *)p + full / 8 * 8, full % 8);
        }
    }
}

static void mix_bucket(digest *g, bmap *b)
{
    const maptype *t = g->s->t;
    unsigned char turned[image_bytes];
    const unsigned char *at = NATIVE_WORDS ? b->tophash : image(g, b, turned);
    if (g->plain) {
        mix_words(g, at, 1 + (size_t)t->keysize + t->elemsize);
        return;
    }
    mix_words(g, at, 1);
    if (maptype_indirectkey(t)) {
        mix_indirect(g, b, true);
    } else if (points_elsewhere(g->s->key_kind)) {
        for (unsigned i = 0; i < bucketCnt; i++) {
            g->a = digest_key(g->s, g->a, (const char *)b + dataOffset + i * (size_t)t->keysize);
        }
    } else {
        mix_words(g, at + dataOffset, t->keysize);
    }
    if (maptype_indirectelem(t)) {
        mix_indirect(g, b, false);
    } else {
        mix_words(g, at + dataOffset + bucketCnt * (size_t)t->keysize, t->elemsize);
    }
}

static void mix_array(digest *g, void *buckets, uintptr_t nmain, uintptr_t nall)
{
    const maptype *t = g->s->t;
    mix(g, nmain);
    mix(g, nall);
    for (uintptr_t i = 0; i < nmain; i++) {
        bmap *b = add(buckets, i * t->bucketsize);
        for (int depth = 0;; depth++) {
            mix_bucket(g, b);
            b = bmap_overflow(b, t);
            if (b == NULL || depth == longest_chain) {
                break;
            }
            uintptr_t at = (uintptr_t)b - (uintptr_t)buckets;
            bool inside = (uintptr_t)b >= (uintptr_t)buckets && at < nall * t->bucketsize;
            mix(g, inside ? 2 + at / t->bucketsize : 1);
        }
        mix(g, 0);
    }
}

bool digest_tail(const oracle_step *s, uintptr_t *first, uintptr_t *sentinel)
{
    const maptype *t = s->t;
    hmap *h = s->h;
    if (h->buckets == NULL || h->extra->nextOverflow == NULL) {
        return false;
    }
    *first = ((uintptr_t)h->extra->nextOverflow - (uintptr_t)h->buckets) / t->bucketsize;
    *sentinel = 0;
    for (uintptr_t n = *first; n < gm_gen_of(h->buckets)->nbuckets; n++) {
        if (bmap_overflow(add(h->buckets, n * t->bucketsize), t) != NULL) {
            *sentinel = n;
            break;
        }
    }
    return true;
}

/* ---- iterators ------------------------------------------------------------ */

/* How deep in the chain is the bucket?  -1: it is not there. */
static int depth_of(const maptype *t, bmap *b, const bmap *wanted)
{
    for (int depth = 0; b != NULL && depth < longest_chain; depth++) {
        if (b == wanted) {
            return depth;
        }
        b = bmap_overflow(b, t);
    }
    return -1;
}

/* Where it stands, among the chains that its next bucket number leads to: 1 and
 * four times the depth in its own array, 2 and that in oldbuckets, 0 neither. */
//= SPEC.md#S-MEMORY-23
//# Buckets that neither map nor iteration can come to MUST NOT be compared
static uint64_t position(const maptype *t, hmap *h, const hiter *it)
{
    uintptr_t at = (it->bucket + bucketMask(it->B)) & bucketMask(it->B);
    int depth = depth_of(t, add(it->buckets, at * t->bucketsize), it->bptr);
    if (depth >= 0) {
        return 1 + 4 * (uint64_t)depth;
    }
    if (hmap_growing(h)) {
        depth = depth_of(t, add(h->oldbuckets, (at & hmap_oldbucketmask(h)) * t->bucketsize), it->bptr);
        if (depth >= 0) {
            return 2 + 4 * (uint64_t)depth;
        }
    }
    return 0;
}

static void mix_iter(digest *g, hmap *h, const hiter *it)
{
    //= SPEC.md#S-MEMORY-23
    //# nor the fields of an iteration that has ended
    if (it->h == NULL) {
        mix(g, 0);
        return;
    }
    unsigned which = it->buckets == h->buckets ? 1 : it->buckets == h->oldbuckets ? 2 : 0;
    mix(g, 1 | which << 1);
    mix(g, it->startBucket);
    mix(g, (uint64_t)it->offset | (uint64_t)it->wrapped << 8 | (uint64_t)it->B << 16 | (uint64_t)it->i << 24);
    mix(g, it->bucket);
    mix(g, it->checkBucket);
    mix(g, position(g->s->t, h, it));
}

//= SPEC.md#S-MEMORY-21
//# What keeps memory alive MUST NOT be compared: extra, overflow and oldoverflow of map and iterator, and
//# addresses.
uint64_t oracle_digest(const oracle_step *s)
{
    hmap *h = s->h;
    const maptype *t = s->t;
    digest g = {.s = s, .a = 1, .b = 2, .c = 3, .d = 4};
    g.plain = !points_elsewhere(s->key_kind) && !maptype_indirectkey(t) && !maptype_indirectelem(t);
    gm_rand rand = gm_rand_state();
    mix(&g, PtrSize == 8 ? rand.wyrand : rand.t[0] | (uint64_t)rand.t[1] << 32);
    mix(&g, (uint64_t)h->count);
    mix(&g, h->flags | (uint64_t)h->B << 8 | (uint64_t)h->noverflow << 16 | (uint64_t)h->hash0 << 32);
    mix(&g, h->nevacuate);
    if (h->buckets == NULL) {
        mix(&g, 0);
    } else {
        uintptr_t nall = gm_gen_of(h->buckets)->nbuckets;
        mix_array(&g, h->buckets, bucketShift(h->B), nall);
        uintptr_t first, sentinel;
        if (digest_tail(s, &first, &sentinel)) {
            mix(&g, 1 + (uint64_t)first);
            mix(&g, sentinel);
        } else {
            mix(&g, 0);
        }
    }
    if (!hmap_growing(h)) {
        mix(&g, 0);
    } else {
        mix_array(&g, h->oldbuckets, hmap_noldbuckets(h), gm_gen_of(h->oldbuckets)->nbuckets);
    }
    for (unsigned i = 0; i < oracle_iters; i++) {
        mix_iter(&g, h, &s->its[i]);
    }
    uint64_t x = digest_step(digest_step(digest_step(g.a, g.b), g.c), g.d);
    return x ^ x >> 32;
}
