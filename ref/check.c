/* SPDX-License-Identifier: BSD-3-Clause
 *
 * check.c: is the structure of a map sound?
 *
 * What holds of every map between two operations, one conjunct each, by the
 * name that gm_check_result.rule gives when it fails:
 *
 *   header
 *     flags                     no write going on, no unknown bit, sameSizeGrow only while growing
 *     buckets-exist             without buckets nothing else is set; with them there is an extra
 *     spare-returned            no overflow bucket is left set aside
 *     generation-current        extra->overflow is the newest generation, that of buckets, with 1<<B main
 *                               buckets
 *     generation-size           an array has as many buckets as makeBucketArray gives it
 *     growing-fields            oldbuckets and extra->oldoverflow come and go together, with the right size
 *     nevacuate-range           below the old size while growing; idle: where the last growth left it
 *     nevacuate-next            the bucket at the mark waits for evacuation (or the scan stopped after 1024)
 *     load                      not more entries than growth would have allowed
 *     prealloc-next             nextOverflow is a bucket of the tail
 *   chains
 *     chain-in-generation       a chained bucket is of the same generation, from its list or its used tail
 *     chain-not-cyclic          a chain ends
 *     chain-not-shared          no bucket is in two chains                               (gm_check only)
 *     nevacuate-prefix          all buckets below the mark are evacuated
 *     destination-empty         where an old bucket is not evacuated, its new ones are untouched
 *     evacuated-all-or-none     a chain is marked evacuated throughout or nowhere
 *     evacuated-in-current      the current array has no evacuated bucket
 *     evacuated-side            a growth to the same size knows only X
 *     evacuated-wiped           pointers of an evacuated bucket that no iterator can be in are cleared
 *   slots
 *     emptyRest-is-rest         behind emptyRest there is nothing but emptyRest
 *     emptyOne-not-last         emptyOne has an entry behind it somewhere
 *     fresh-slot-zero           a free slot has a zero elem, and a zero key if keys hold pointers
 *     indirect-live             indirect keys and elems are blocks in use, of their kind and size
 *     indirect-unique           and belong to one slot                                   (gm_check only)
 *     bucket-of-hash            an entry is in the bucket that its hash chooses; gm_check_at looks at all
 *                               while the map grows, else at those with the tophash that it was asked about
 *     tophash-of-hash           and its tophash is that of the hash
 *     key-unique                no key is in a chain twice                               (gm_check only)
 *   whole map (gm_check only)
 *     count-exact               count is the number of entries
 *     noverflow-exact           noverflow is the number of chained overflow buckets; from B=16: not above it
 *     prealloc-linked           every used bucket of a tail is in a chain
 *     prealloc-free-is-free     every other one is zero
 *     prealloc-sentinel         and the last free one, and no used one, has the sentinel
 *     overflow-linked           every overflow bucket of a generation is in one of its chains
 *     generation-list           the list of generations is well linked, newest first
 *     generation-holders        the map holds two at most; each generation has a holder
 *     overflow-list             a generation's overflow buckets are blocks in use, each listed once
 *     parked-list               what is parked is marked so, and each block listed once
 *     parked-needs-iterator     only what an iterator can still read is parked
 *     iterator-holds            iterators hold listed generations, as many as these count
 *     iterator-flag             a generation with an iterator in it is flagged so
 *     iterator-position         an iterator stands inside what it holds
 *     iterator-reads            and so does the rest of its chain; the memory of the indirect keys and elems
 *                               there is in use or parked
 *     checker-memory            not the map's fault: the checker itself found no memory
 *
 * The checker leaves no trace: it puts back the random state, and never hashes
 * a key that differs from itself, which would draw from it.
 */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* gm_block.mark: on which list the block was found, and was it then chained?
 * Memory of an entry is only ever gm_markUsed. */
enum { gm_markCurrent = 1, gm_markOld = 2, gm_markOther = 3, gm_markUsed = 0x80 };

/* One of the map's two arrays. */
typedef struct gm_array {
    void *buckets;
    gm_gen *gen;
    bool old;               /* oldbuckets */
    uintptr_t nmain;        /* main buckets */
    uintptr_t used;         /* tail buckets below this number can be chained */
    unsigned char *inChain; /* one per tail bucket: found in a chain; NULL: not tracked */
    uintptr_t tailLinked;   /* tail buckets found in chains */
    uintptr_t heapLinked;   /* heap buckets found in chains */
} gm_array;

typedef struct gm_checker {
    const maptype *t;
    hmap *h;
    unsigned flags; /* of h */
    gm_check_result *r;
    bool whole;     /* gm_check: track who is where */
    uintptr_t hash; /* gm_check_at: of the key that it is about */
    uint8_t top;    /* and its tophash */
    uintptr_t live; /* entries seen */
    gm_array cur, old;
} gm_checker;

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4), cold, noinline))
#endif
static bool
gm_fails(gm_checker *c, const char *rule, const char *detail, ...)
{
    va_list args;
    va_start(args, detail);
    c->r->rule = rule;
    vsnprintf(c->r->detail, sizeof c->r->detail, detail, args);
    va_end(args);
    return false;
}

/* States a conjunct: leaves the function, naming the rule, if it is false. */
#define GM_HOLDS(c, rule, conjunct, ...)                                                                     \
    do {                                                                                                     \
        if (!(conjunct)) {                                                                                   \
            return gm_fails((c), (rule), __VA_ARGS__);                                                       \
        }                                                                                                    \
    } while (0)

static const char *gm_array_name(const gm_array *a)
{
    return a->old ? "old" : "new";
}

static bmap *gm_bucket(const gm_checker *c, const gm_array *a, uintptr_t number)
{
    return add(a->buckets, number * c->t->bucketsize);
}

static void *gm_key_slot(const maptype *t, bmap *b, unsigned i)
{
    return add(b, dataOffset + (uintptr_t)i * t->keysize);
}

static void *gm_elem_slot(const maptype *t, bmap *b, unsigned i)
{
    return add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + (uintptr_t)i * t->elemsize);
}

/* The key of a slot that holds an entry. */
static void *gm_key(const maptype *t, bmap *b, unsigned i)
{
    void *k = gm_key_slot(t, b, i);
    return maptype_indirectkey(t) ? gm_loadp(k) : k;
}

static bool gm_all_zero(const void *p, uintptr_t n)
{
    /* Not memcmp: sanitizers and engines intercept it, and this is called for
     * every free slot. */
    const unsigned char *at = p;
    uint64_t any = 0;
    for (; n >= sizeof any; n -= sizeof any, at += sizeof any) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        any |= word;
    }
    for (; n > 0; n--, at++) {
        any |= *at;
    }
    return any == 0;
}

/* ---- header ----------------------------------------------------------- */

/* makeBucketArray's number of buckets. */
static uintptr_t gm_nbuckets(const maptype *t, uint8_t B)
{
    uintptr_t n = bucketShift(B);
    if (B >= 4) {
        n += bucketShift((uint8_t)(B - 4));
        uintptr_t size = t->bucket->size * n;
        uintptr_t up = roundupsize(size);
        if (up != size) {
            n = up / t->bucket->size;
        }
    }
    return n;
}

static bool gm_check_size(gm_checker *c, const gm_gen *g)
{
    uintptr_t want = gm_nbuckets(c->t, g->B);
    bool size_as_made = g->nbuckets == want && g->bytes == want * c->t->bucketsize;
    GM_HOLDS(c, "generation-size", size_as_made,
             "B=%u buckets=%" PRIuPTR " bytes=%" PRIuPTR " want %" PRIuPTR, g->B, g->nbuckets, g->bytes,
             want);
    return true;
}

/* Entries that a map of this size can have come to.  The load limit is looked
 * at only when a key is inserted while no growth is going on.  A growth to the
 * same size begins below the limit and lets in one entry per evacuated bucket;
 * updates and deletes can complete it, and the next insertion is what doubles.
 * A growth to twice the size ends far below its limit. */
static bool gm_load_possible(const hmap *h, bool doubling)
{
    uintptr_t slack = doubling ? 0 : bucketShift(h->B);
    return h->count >= 0 &&
           ((uintptr_t)h->count <= slack || !overLoadFactor(h->count - (intptr_t)slack, h->B));
}

/* Strict mode's mapclear leaves arrays behind that only iterators hold. */
static bool gm_only_cleared(const mapextra *x)
{
    for (const gm_gen *g = x->gm_gens; g != NULL; g = g->older) {
        if (!g->cleared || g->mapholds || g->iters == 0) {
            return false;
        }
    }
    return true;
}

static bool gm_check_nobuckets(gm_checker *c)
{
    const hmap *h = c->h;
    bool header_empty =
        h->count == 0 && h->B == 0 && h->noverflow == 0 && h->nevacuate == 0 && h->oldbuckets == NULL;
    GM_HOLDS(c, "buckets-exist", header_empty, "no buckets, but count=%" PRIdPTR " B=%u", h->count, h->B);
    const mapextra *x = h->extra;
    bool extra_empty = x == NULL || (x->overflow == NULL && x->oldoverflow == NULL &&
                                     x->nextOverflow == NULL && gm_only_cleared(x) && x->gm_spare == NULL);
    GM_HOLDS(c, "buckets-exist", extra_empty, "no buckets, but extra holds some");
    return true;
}

static bool gm_check_growing(gm_checker *c)
{
    const hmap *h = c->h;
    const mapextra *x = h->extra;
    bool growing = hmap_growing(h);
    bool same = hmap_sameSizeGrow(h);

    GM_HOLDS(c, "growing-fields", growing == (x->oldoverflow != NULL), "oldbuckets %s, oldoverflow %s",
             growing ? "set" : "nil", x->oldoverflow != NULL ? "set" : "nil");
    if (!growing) {
        bool mark_idle = h->nevacuate == 0 || h->nevacuate == bucketShift(h->B) ||
                         (h->B > 0 && h->nevacuate == bucketShift(h->B) / 2);
        GM_HOLDS(c, "nevacuate-range", mark_idle, "idle, nevacuate=%" PRIuPTR " B=%u", h->nevacuate, h->B);
        return true;
    }
    bool has_old_size = same || h->B > 0;
    GM_HOLDS(c, "growing-fields", has_old_size, "doubling to B=0");
    gm_gen *old = gm_gen_of(h->oldbuckets);
    bool old_is_next = x->oldoverflow == old && x->gm_gens->older == old && old->mapholds;
    GM_HOLDS(c, "growing-fields", old_is_next, "oldbuckets is not the generation after the newest");
    uintptr_t noldbuckets = hmap_noldbuckets(h);
    GM_HOLDS(c, "growing-fields", bucketShift(old->B) == noldbuckets, "old array has B=%u, map B=%u%s",
             old->B, h->B, same ? " same size" : "");
    if (!gm_check_size(c, old)) {
        return false;
    }
    GM_HOLDS(c, "nevacuate-range", h->nevacuate < noldbuckets, "nevacuate=%" PRIuPTR " of %" PRIuPTR,
             h->nevacuate, noldbuckets);
    /* The scan that moves the mark gives up after 1024 evacuated buckets. */
    bool mark_at_work =
        h->nevacuate > 1024 || !evacuated(add(h->oldbuckets, h->nevacuate * c->t->bucketsize));
    GM_HOLDS(c, "nevacuate-next", mark_at_work, "bucket %" PRIuPTR " is evacuated", h->nevacuate);
    return true;
}

/* The free part of the current tail begins at nextOverflow. */
static bool gm_check_next(gm_checker *c)
{
    const hmap *h = c->h;
    const gm_gen *g = h->extra->overflow;
    uintptr_t next = (uintptr_t)h->extra->nextOverflow;
    uintptr_t begin = (uintptr_t)h->buckets;

    c->cur.used = g->nbuckets;
    if (next == 0) {
        return true;
    }
    bool in_array = next >= begin && next - begin < g->bytes && (next - begin) % c->t->bucketsize == 0;
    GM_HOLDS(c, "prealloc-next", in_array, "nextOverflow is not a bucket of the array");
    c->cur.used = (next - begin) / c->t->bucketsize;
    bool in_tail = c->cur.used >= bucketShift(h->B);
    GM_HOLDS(c, "prealloc-next", in_tail, "nextOverflow is main bucket %" PRIuPTR, c->cur.used);
    return true;
}

/* All that can be said in O(1); prepares c->cur and c->old. */
static bool gm_check_header(gm_checker *c)
{
    hmap *h = c->h;
    c->flags = atomic_load_explicit(&h->flags, memory_order_relaxed);

    const unsigned known = iterator | oldIterator | hashWriting | sameSizeGrow;
    bool flags_known = (c->flags & ~known) == 0;
    bool not_writing = (c->flags & hashWriting) == 0;
    bool same_only_growing = (c->flags & sameSizeGrow) == 0 || h->oldbuckets != NULL;
    GM_HOLDS(c, "flags", flags_known && not_writing && same_only_growing, "flags=%#x, %sgrowing", c->flags,
             h->oldbuckets != NULL ? "" : "not ");
    if (h->buckets == NULL) {
        return gm_check_nobuckets(c);
    }
    const mapextra *x = h->extra;
    GM_HOLDS(c, "buckets-exist", x != NULL, "buckets without extra");
    GM_HOLDS(c, "spare-returned", x->gm_spare == NULL, "overflow buckets are still set aside");
    gm_gen *g = gm_gen_of(h->buckets);
    bool current = x->overflow == g && x->gm_gens == g && g->newer == NULL && g->mapholds;
    GM_HOLDS(c, "generation-current", current, "buckets is not the newest generation");
    GM_HOLDS(c, "generation-current", g->B == h->B, "map has B=%u, array B=%u", h->B, g->B);
    if (!gm_check_size(c, g) || !gm_check_growing(c)) {
        return false;
    }
    bool doubling = h->oldbuckets != NULL && (c->flags & sameSizeGrow) == 0;
    GM_HOLDS(c, "load", gm_load_possible(h, doubling), "count=%" PRIdPTR " B=%u", h->count, h->B);

    c->cur.buckets = h->buckets;
    c->cur.gen = g;
    c->cur.nmain = bucketShift(h->B);
    if (h->oldbuckets != NULL) {
        gm_gen *old = x->oldoverflow;
        c->old.buckets = h->oldbuckets;
        c->old.gen = old;
        c->old.old = true;
        c->old.nmain = bucketShift(old->B);
        /* Nothing tells how far an old tail was used, except that its last
         * bucket has the sentinel until it is used. */
        c->old.used = old->nbuckets;
        if (old->nbuckets > c->old.nmain) {
            bmap *last = gm_bucket(c, &c->old, old->nbuckets - 1);
            c->old.used -= bmap_overflow(last, c->t) == (bmap *)h->oldbuckets;
        }
    }
    return gm_check_next(c);
}

/* ---- chains ----------------------------------------------------------- */

/* Can b, found as an overflow pointer in the chain of that main bucket, be an
 * overflow bucket of a? */
static bool gm_check_link(gm_checker *c, const gm_array *a, uintptr_t number, bmap *b)
{
    uintptr_t at = (uintptr_t)b;
    uintptr_t begin = (uintptr_t)a->buckets;

    if (at >= begin && at - begin < a->gen->bytes) {
        uintptr_t n = (at - begin) / c->t->bucketsize;
        bool in_used_tail = (at - begin) % c->t->bucketsize == 0 && n >= a->nmain && n < a->used;
        GM_HOLDS(c, "chain-in-generation", in_used_tail, "%s bucket %" PRIuPTR " goes on at bucket %" PRIuPTR,
                 gm_array_name(a), number, n);
        return true;
    }
    const gm_block *blk = gm_block_of(b);
    bool block_in_use =
        blk->kind == gm_block_overflow && blk->state == gm_block_live && blk->size == c->t->bucketsize;
    GM_HOLDS(c, "chain-in-generation", block_in_use,
             "%s bucket %" PRIuPTR " goes on at no overflow bucket: kind=%u state=%#x size=%" PRIu32,
             gm_array_name(a), number, blk->kind, blk->state, blk->size);
    unsigned list = blk->mark & ~(unsigned)gm_markUsed;
    bool listed_here = !c->whole || list == (a->old ? gm_markOld : gm_markCurrent);
    GM_HOLDS(c, "chain-in-generation", listed_here, "%s bucket %" PRIuPTR " goes on in another generation",
             gm_array_name(a), number);
    return true;
}

/* Makes sure that the chain can be walked.  A link that leads back is noticed
 * by Brent's method: one remembered bucket, remembered anew at each power of
 * two. */
static bool gm_check_links(gm_checker *c, const gm_array *a, uintptr_t number)
{
    const bmap *remembered = gm_bucket(c, a, number);
    uintptr_t steps = 0, limit = 2;

    for (bmap *b = bmap_overflow(gm_bucket(c, a, number), c->t); b != NULL; b = bmap_overflow(b, c->t)) {
        if (!gm_check_link(c, a, number, b)) {
            return false;
        }
        GM_HOLDS(c, "chain-not-cyclic", b != remembered, "%s bucket %" PRIuPTR, gm_array_name(a), number);
        if (++steps == limit) {
            remembered = b;
            limit *= 2;
        }
    }
    return true;
}

/* Notes that every overflow bucket of this chain is taken. */
static bool gm_check_shared(gm_checker *c, gm_array *a, uintptr_t number)
{
    uintptr_t begin = (uintptr_t)a->buckets;

    for (bmap *b = bmap_overflow(gm_bucket(c, a, number), c->t); b != NULL; b = bmap_overflow(b, c->t)) {
        if ((uintptr_t)b >= begin && (uintptr_t)b - begin < a->gen->bytes) {
            uintptr_t k = ((uintptr_t)b - begin) / c->t->bucketsize - a->nmain;
            GM_HOLDS(c, "chain-not-shared", a->inChain[k] == 0,
                     "%s bucket %" PRIuPTR " shares tail bucket +%" PRIuPTR, gm_array_name(a), number, k);
            a->inChain[k] = 1;
            a->tailLinked++;
        } else {
            gm_block *blk = gm_block_of(b);
            GM_HOLDS(c, "chain-not-shared", (blk->mark & gm_markUsed) == 0,
                     "%s bucket %" PRIuPTR " shares an overflow bucket", gm_array_name(a), number);
            blk->mark |= gm_markUsed;
            a->heapLinked++;
        }
    }
    return true;
}

/* ---- slots ------------------------------------------------------------ */

/* Where a slot is, for details. */
typedef struct gm_place {
    const gm_array *a;
    uintptr_t number; /* main bucket */
    unsigned depth;   /* bucket of its chain, from 0 */
    unsigned i;       /* slot */
} gm_place;

#define GM_PLACE "%s bucket %" PRIuPTR " depth %u slot %u"
#define GM_PLACE_ARGS(at) gm_array_name((at)->a), (at)->number, (at)->depth, (at)->i

static bool gm_check_indirect(gm_checker *c, const gm_place *at, void *slot, gm_block_kind kind,
                              uintptr_t size)
{
    void *p = gm_loadp(slot);
    const char *what = kind == gm_block_key ? "key" : "elem";
    GM_HOLDS(c, "indirect-live", p != NULL, GM_PLACE ": nil %s", GM_PLACE_ARGS(at), what);
    const gm_block *blk = gm_block_of(p);
    bool block_in_use = blk->state == gm_block_live && blk->kind == (uint8_t)kind && blk->size == size;
    GM_HOLDS(c, "indirect-live", block_in_use, GM_PLACE ": %s memory has kind=%u state=%#x size=%" PRIu32,
             GM_PLACE_ARGS(at), what, blk->kind, blk->state, blk->size);
    return true;
}

/* A slot with an entry. */
static bool gm_check_entry(gm_checker *c, const gm_place *at, bmap *b)
{
    const maptype *t = c->t;

    if (maptype_indirectkey(t) &&
        !gm_check_indirect(c, at, gm_key_slot(t, b, at->i), gm_block_key, t->key->size)) {
        return false;
    }
    if (maptype_indirectelem(t) &&
        !gm_check_indirect(c, at, gm_elem_slot(t, b, at->i), gm_block_elem, t->elem->size)) {
        return false;
    }
    c->live++;
    if (!c->whole && c->old.gen == NULL && b->tophash[at->i] != c->top) {
        return true; /* only a growth moves entries: this one was looked at when it came, or by gm_check */
    }
    void *k = gm_key(t, b, at->i);
    if (!maptype_reflexivekey(t) && !t->key->equal(t->key, k, k)) {
        return true; /* its hash was random: it may be anywhere */
    }
    uintptr_t hash = t->hasher(t->key, k, c->h->hash0);
    uintptr_t want = hash & (at->a->nmain - 1);
    GM_HOLDS(c, "bucket-of-hash", at->number == want, GM_PLACE ": hash %#" PRIxPTR " wants bucket %" PRIuPTR,
             GM_PLACE_ARGS(at), hash, want);
    uint8_t top = tophash(hash);
    GM_HOLDS(c, "tophash-of-hash", b->tophash[at->i] == top,
             GM_PLACE ": tophash %#x, hash %#" PRIxPTR " wants %#x", GM_PLACE_ARGS(at), b->tophash[at->i],
             hash, top);
    c->r->met += hash == c->hash;
    return true;
}

/* Keys without pointers are overwritten unread, so mapdelete leaves them. */
static bool gm_key_clears(const maptype *t)
{
    return maptype_indirectkey(t) || t->key->ptrdata != 0;
}

/* A slot without one. */
static bool gm_check_free(gm_checker *c, const gm_place *at, bmap *b)
{
    const maptype *t = c->t;
    bool elem_zero = gm_all_zero(gm_elem_slot(t, b, at->i), t->elemsize);
    GM_HOLDS(c, "fresh-slot-zero", elem_zero, GM_PLACE ": elem", GM_PLACE_ARGS(at));
    bool key_zero = !gm_key_clears(t) || gm_all_zero(gm_key_slot(t, b, at->i), t->keysize);
    GM_HOLDS(c, "fresh-slot-zero", key_zero, GM_PLACE ": key", GM_PLACE_ARGS(at));
    return true;
}

/* Are all slots from i on emptyRest, and as gm_check_free wants them?  Keys and
 * elems stand side by side, so that most buckets need one look instead of one
 * a slot. */
static bool gm_rest_is_free(const maptype *t, bmap *b, unsigned i)
{
    uintptr_t n = bucketCnt - i;
    return gm_all_zero(b->tophash + i, n) && gm_all_zero(gm_elem_slot(t, b, i), n * t->elemsize) &&
           (!gm_key_clears(t) || gm_all_zero(gm_key_slot(t, b, i), n * t->keysize));
}

/* All slots of a chain that is in use. */
static bool gm_check_slots(gm_checker *c, const gm_array *a, uintptr_t number)
{
    gm_place at = {a, number, 0, 0};
    uint8_t before = minTopHash; /* the slot before this one; as if an entry stood before the first */

    for (bmap *b = gm_bucket(c, a, number); b != NULL; b = bmap_overflow(b, c->t), at.depth++) {
        for (at.i = 0; at.i < bucketCnt; at.i++) {
            uint8_t top = b->tophash[at.i];
            if (top == emptyRest && before != emptyOne && gm_rest_is_free(c->t, b, at.i)) {
                before = emptyRest;
                break; /* on to the next bucket; else slot by slot, to say where it is wrong */
            }
            bool not_evacuated = top >= minTopHash || isEmpty(top);
            GM_HOLDS(c, "evacuated-all-or-none", not_evacuated, GM_PLACE ": tophash %u", GM_PLACE_ARGS(&at),
                     top);
            bool rest_stays = before != emptyRest || top == emptyRest;
            GM_HOLDS(c, "emptyRest-is-rest", rest_stays, GM_PLACE ": tophash %u", GM_PLACE_ARGS(&at), top);
            bool hole_goes_on = before != emptyOne || top != emptyRest;
            GM_HOLDS(c, "emptyOne-not-last", hole_goes_on, GM_PLACE ": emptyRest behind emptyOne",
                     GM_PLACE_ARGS(&at));
            if (top < minTopHash ? !gm_check_free(c, &at, b) : !gm_check_entry(c, &at, b)) {
                return false;
            }
            before = top;
        }
    }
    GM_HOLDS(c, "emptyOne-not-last", before != emptyOne,
             "%s bucket %" PRIuPTR ": the chain ends with emptyOne", gm_array_name(a), number);
    return true;
}

/* All slots of a chain that has been evacuated.  What keys and elems are still
 * there is not looked at: they may point to memory that is gone. */
static bool gm_check_evacuated(gm_checker *c, const gm_array *a, uintptr_t number)
{
    gm_place at = {a, number, 0, 0};
    const maptype *t = c->t;
    bool same = (c->flags & sameSizeGrow) != 0;
    bmap *first = gm_bucket(c, a, number);

    for (bmap *b = first; b != NULL; b = bmap_overflow(b, t), at.depth++) {
        for (at.i = 0; at.i < bucketCnt; at.i++) {
            uint8_t top = b->tophash[at.i];
            bool marked = top == evacuatedX || top == evacuatedY || top == evacuatedEmpty;
            GM_HOLDS(c, "evacuated-all-or-none", marked, GM_PLACE ": tophash %u", GM_PLACE_ARGS(&at), top);
            bool side_exists = !same || top != evacuatedY;
            GM_HOLDS(c, "evacuated-side", side_exists, GM_PLACE ": Y in a growth to the same size",
                     GM_PLACE_ARGS(&at));
        }
    }
    /* oldIterator can come while the growth goes on, but it does not go: if it
     * is not set now, it was not when this bucket was evacuated. */
    bool must_wipe = t->bucket->ptrdata != 0 && (c->flags & oldIterator) == 0;
    bool wiped = !must_wipe || gm_all_zero(add(first, dataOffset), (uintptr_t)t->bucketsize - dataOffset);
    GM_HOLDS(c, "evacuated-wiped", wiped, "old bucket %" PRIuPTR, number);
    return true;
}

/* No entry may be in the new array before the old bucket is evacuated, not
 * even a trace: nothing was ever written there. */
static bool gm_check_destination(gm_checker *c, uintptr_t oldbucket, uintptr_t number)
{
    bool untouched = gm_all_zero(gm_bucket(c, &c->cur, number), c->t->bucketsize);
    GM_HOLDS(c, "destination-empty", untouched,
             "new bucket %" PRIuPTR ", old bucket %" PRIuPTR " is not evacuated", number, oldbucket);
    return true;
}

/* Is any later key of the chain equal to an earlier one?
 * Why not in chains of more than 8 buckets: the cost is quadratic, and only a
 * degenerate hash makes them. */
static bool gm_check_unique_keys(gm_checker *c, const gm_array *a, uintptr_t number)
{
    enum { most = 8 * bucketCnt };
    const rtype *key = c->t->key;
    void *keys[most];
    uint8_t tops[most];
    unsigned n = 0;

    for (bmap *b = gm_bucket(c, a, number); b != NULL; b = bmap_overflow(b, c->t)) {
        for (unsigned i = 0; i < bucketCnt; i++) {
            if (isEmpty(b->tophash[i])) {
                continue;
            }
            if (n == most) {
                return true;
            }
            void *k = gm_key(c->t, b, i);
            uint8_t top = b->tophash[i];
            for (unsigned j = 0; j < n; j++) {
                bool differs = tops[j] != top || !key->equal(key, keys[j], k);
                GM_HOLDS(c, "key-unique", differs, "%s bucket %" PRIuPTR ": entries %u and %u of the chain",
                         gm_array_name(a), number, j, n);
            }
            keys[n] = k;
            tops[n] = top;
            n++;
        }
    }
    return true;
}

/* Everything about the chain of one main bucket. */
static bool gm_check_chain(gm_checker *c, gm_array *a, uintptr_t number)
{
    if (!gm_check_links(c, a, number) || (c->whole && !gm_check_shared(c, a, number))) {
        return false;
    }
    if (evacuated(gm_bucket(c, a, number))) {
        GM_HOLDS(c, "evacuated-in-current", a->old, "bucket %" PRIuPTR, number);
        return gm_check_evacuated(c, a, number);
    }
    if (a->old) {
        GM_HOLDS(c, "nevacuate-prefix", number >= c->h->nevacuate,
                 "bucket %" PRIuPTR " is not evacuated, nevacuate=%" PRIuPTR, number, c->h->nevacuate);
        if (!gm_check_destination(c, number, number)) {
            return false;
        }
        if (c->cur.nmain != a->nmain && !gm_check_destination(c, number, number + a->nmain)) {
            return false;
        }
    }
    return gm_check_slots(c, a, number) && (!c->whole || gm_check_unique_keys(c, a, number));
}

/* ---- whole arrays ----------------------------------------------------- */

/* Of the tail, the buckets before `used` are in chains, the others free. */
static bool gm_check_tail(gm_checker *c, const gm_array *a, uintptr_t used)
{
    uintptr_t last = a->gen->nbuckets - 1;

    for (uintptr_t n = a->nmain; n < a->gen->nbuckets; n++) {
        uintptr_t data = (uintptr_t)c->t->bucketsize - PtrSize;
        bmap *b = gm_bucket(c, a, n);
        bool sentinel = n == last && bmap_overflow(b, c->t) == (bmap *)a->buckets;
        if (n < used) {
            GM_HOLDS(c, "prealloc-linked", a->inChain[n - a->nmain] != 0, "%s tail bucket +%" PRIuPTR,
                     gm_array_name(a), n - a->nmain);
            continue;
        }
        GM_HOLDS(c, "prealloc-sentinel", sentinel == (n == last), "%s tail bucket +%" PRIuPTR,
                 gm_array_name(a), n - a->nmain);
        bool zero = gm_all_zero(b, data) && (sentinel || bmap_overflow(b, c->t) == NULL);
        GM_HOLDS(c, "prealloc-free-is-free", zero, "%s tail bucket +%" PRIuPTR, gm_array_name(a),
                 n - a->nmain);
    }
    return true;
}

/* All chains of an array.
 * Chains of evacuated old buckets are intact, unless wiping the main bucket has
 * cut them off: then their overflow buckets are in no chain, rightly. */
static bool gm_check_array(gm_checker *c, gm_array *a)
{
    for (uintptr_t n = 0; n < a->nmain; n++) {
        bmap *b = gm_bucket(c, a, n);
        bool no_entry = gm_all_zero(b->tophash, bucketCnt);
        if (!a->old && no_entry && gm_all_zero(b, c->t->bucketsize)) {
            continue; /* never used: there is nothing that could be wrong */
        }
        if (!gm_check_chain(c, a, n)) {
            return false;
        }
    }
    if (a->old && c->t->bucket->ptrdata != 0) {
        return true;
    }
    /* Tail buckets are used in order, so an old tail, without nextOverflow to
     * look at, is used as far as there are links into it. */
    if (!gm_check_tail(c, a, a->old ? a->nmain + a->tailLinked : a->used)) {
        return false;
    }
    for (gm_block *blk = a->gen->overflow; blk != NULL; blk = blk->next) {
        GM_HOLDS(c, "overflow-linked", (blk->mark & gm_markUsed) != 0, "an overflow bucket of the %s array",
                 gm_array_name(a));
    }
    return true;
}

static bool gm_check_arrays(gm_checker *c)
{
    const hmap *h = c->h;

    /* Before the chains: a used last bucket that still had the sentinel would
     * only look like a link to main bucket 0. */
    const gm_gen *g = c->cur.gen;
    if (g->nbuckets > c->cur.nmain) {
        bool sentinel = bmap_overflow(gm_bucket(c, &c->cur, g->nbuckets - 1), c->t) == (bmap *)h->buckets;
        bool has_free = c->cur.used < g->nbuckets;
        GM_HOLDS(c, "prealloc-sentinel", sentinel == has_free, "free tail %s, sentinel %s",
                 has_free ? "left" : "used up", sentinel ? "there" : "gone");
    }
    if (!gm_check_array(c, &c->cur) || (c->old.gen != NULL && !gm_check_array(c, &c->old))) {
        return false;
    }
    GM_HOLDS(c, "count-exact", (uintptr_t)h->count == c->live, "count=%" PRIdPTR ", entries %" PRIuPTR,
             h->count, c->live);
    uintptr_t linked = c->cur.tailLinked + c->cur.heapLinked;
    bool noverflow_right = h->B < 16 ? h->noverflow == (uint16_t)linked : h->noverflow <= linked;
    GM_HOLDS(c, "noverflow-exact", noverflow_right, "noverflow=%u, overflow buckets %" PRIuPTR, h->noverflow,
             linked);
    return true;
}

/* Calls visit on the block of every indirect key and elem; stops when it
 * returns false.  The order is always the same. */
static bool gm_each_block(gm_checker *c, const gm_array *a, bool (*visit)(gm_checker *c, gm_block *blk))
{
    for (uintptr_t n = 0; a->gen != NULL && n < a->nmain; n++) {
        bmap *b = gm_bucket(c, a, n);
        if (evacuated(b)) {
            continue;
        }
        for (; b != NULL; b = bmap_overflow(b, c->t)) {
            for (unsigned i = 0; i < bucketCnt; i++) {
                if (isEmpty(b->tophash[i])) {
                    continue;
                }
                if (maptype_indirectkey(c->t) && !visit(c, gm_block_of(gm_loadp(gm_key_slot(c->t, b, i))))) {
                    return false;
                }
                if (maptype_indirectelem(c->t) &&
                    !visit(c, gm_block_of(gm_loadp(gm_elem_slot(c->t, b, i))))) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool gm_mark_entry(gm_checker *c, gm_block *blk)
{
    GM_HOLDS(c, "indirect-unique", blk->mark == 0, "a block of %" PRIu32 " bytes is in two slots", blk->size);
    blk->mark = gm_markUsed;
    return true;
}

static bool gm_unmark_entry(gm_checker *c, gm_block *blk)
{
    (void)c;
    blk->mark = 0;
    return true;
}

/* Only after all chains and slots were found right: it follows them blindly. */
static bool gm_check_indirect_unique(gm_checker *c)
{
    if (!maptype_indirectkey(c->t) && !maptype_indirectelem(c->t)) {
        return true;
    }
    bool unique = gm_each_block(c, &c->cur, gm_mark_entry) && gm_each_block(c, &c->old, gm_mark_entry);
    gm_each_block(c, &c->cur, gm_unmark_entry);
    gm_each_block(c, &c->old, gm_unmark_entry);
    return unique;
}

/* ---- generations ------------------------------------------------------ */

static bool gm_check_generations(gm_checker *c)
{
    const mapextra *x = c->h->extra;

    /* A list whose links agree both ways and whose head has nothing before it
     * cannot lead back into itself. */
    const gm_gen *newer = NULL;
    for (const gm_gen *g = x->gm_gens; g != NULL; newer = g, g = g->older) {
        GM_HOLDS(c, "generation-list", g->newer == newer, "a generation with B=%u is linked wrongly", g->B);
        if (!gm_check_size(c, g)) {
            return false;
        }
        bool newer_not_smaller = newer == NULL || newer->B >= g->B || g->cleared;
        GM_HOLDS(c, "generation-list", newer_not_smaller, "B=%u is newer than B=%u",
                 newer == NULL ? 0 : newer->B, g->B);
        bool of_map = g == x->overflow || g == x->oldoverflow;
        GM_HOLDS(c, "generation-holders", g->mapholds == of_map, "B=%u mapholds=%d", g->B, g->mapholds);
        GM_HOLDS(c, "generation-holders", g->mapholds || g->iters > 0, "nobody holds a generation with B=%u",
                 g->B);
        GM_HOLDS(c, "parked-needs-iterator", g->parked == NULL || g->iters > 0, "generation with B=%u", g->B);
    }
    return true;
}

/* Marks a generation's blocks with the list they are on. */
static bool gm_mark_lists(gm_checker *c, gm_gen *g, uint8_t mark)
{
    for (gm_block *blk = g->overflow; blk != NULL; blk = blk->next) {
        bool in_use =
            blk->kind == gm_block_overflow && blk->state == gm_block_live && blk->size == c->t->bucketsize;
        GM_HOLDS(c, "overflow-list", in_use, "kind=%u state=%#x size=%" PRIu32, blk->kind, blk->state,
                 blk->size);
        GM_HOLDS(c, "overflow-list", blk->mark == 0, "an overflow bucket is listed twice");
        blk->mark = mark;
    }
    for (gm_block *blk = g->parked; blk != NULL; blk = blk->next) {
        bool known =
            blk->kind >= gm_block_overflow && blk->kind <= gm_block_elem && blk->state == gm_block_parked;
        GM_HOLDS(c, "parked-list", known, "kind=%u state=%#x", blk->kind, blk->state);
        GM_HOLDS(c, "parked-list", blk->mark == 0, "a block is listed twice");
        blk->mark = gm_markOther;
    }
    return true;
}

/* Marks were set from each list's head on, so a block without one ends it. */
static void gm_unmark_lists(const mapextra *x)
{
    for (gm_gen *g = x->gm_gens; g != NULL; g = g->older) {
        for (gm_block *blk = g->overflow; blk != NULL && blk->mark != 0; blk = blk->next) {
            blk->mark = 0;
        }
        for (gm_block *blk = g->parked; blk != NULL && blk->mark != 0; blk = blk->next) {
            blk->mark = 0;
        }
    }
}

static bool gm_mark_all_lists(gm_checker *c)
{
    const mapextra *x = c->h->extra;
    for (gm_gen *g = x->gm_gens; g != NULL; g = g->older) {
        uint8_t mark = g == x->overflow ? gm_markCurrent : g == x->oldoverflow ? gm_markOld : gm_markOther;
        if (!gm_mark_lists(c, g, mark)) {
            return false;
        }
    }
    return true;
}

/* ---- iterators -------------------------------------------------------- */

static bool gm_listed(const mapextra *x, const gm_gen *wanted)
{
    const gm_gen *g = x == NULL ? NULL : x->gm_gens;
    while (g != NULL && g != wanted) {
        g = g->older;
    }
    return g != NULL;
}

/* Is b a bucket that an iterator which holds g may stand in? */
static bool gm_stands_in(const gm_checker *c, gm_gen *g, const bmap *b)
{
    if (g == NULL) {
        return false;
    }
    uintptr_t begin = (uintptr_t)g + gm_genHeader;
    if ((uintptr_t)b >= begin && (uintptr_t)b - begin < g->bytes) {
        return ((uintptr_t)b - begin) % c->t->bucketsize == 0;
    }
    for (const gm_block *blk = g->overflow; blk != NULL; blk = blk->next) {
        if ((uintptr_t)b == (uintptr_t)blk + gm_blockHeader) {
            return true;
        }
    }
    for (const gm_block *blk = g->parked; blk != NULL; blk = blk->next) {
        if ((uintptr_t)b == (uintptr_t)blk + gm_blockHeader && blk->kind == gm_block_overflow) {
            return true;
        }
    }
    return false;
}

static bool gm_check_iterator(gm_checker *c, const hiter *it)
{
    const mapextra *x = c->h->extra;
    gm_gen *g = it->overflow;
    gm_gen *old = it->oldoverflow;

    bool holds_listed = gm_listed(x, g) && (old == NULL || gm_listed(x, old));
    GM_HOLDS(c, "iterator-holds", holds_listed, "an iterator with B=%u holds what is not there", it->B);
    bool own_array = it->buckets == add(g, gm_genHeader) && it->B == g->B;
    GM_HOLDS(c, "iterator-position", own_array, "B=%u, its array has B=%u", it->B, g->B);
    uintptr_t n = bucketShift(it->B);
    bool numbers = it->startBucket < n && it->bucket < n && it->offset < bucketCnt && it->i > 0 &&
                   it->i <= bucketCnt && (it->checkBucket == noCheck || it->checkBucket < n);
    GM_HOLDS(c, "iterator-position", numbers,
             "startBucket=%" PRIuPTR " bucket=%" PRIuPTR " offset=%u i=%u of B=%u", it->startBucket,
             it->bucket, it->offset, it->i, it->B);
    bool inside = gm_stands_in(c, g, it->bptr) || gm_stands_in(c, old, it->bptr);
    GM_HOLDS(c, "iterator-position", inside, "bptr is in no generation that it holds");

    /* mapiterinit sets both flags; hashGrow turns iterator into oldIterator. */
    bool flagged = (g != x->overflow || (c->flags & iterator) != 0) &&
                   (g != x->oldoverflow || (c->flags & oldIterator) != 0);
    GM_HOLDS(c, "iterator-flag", flagged, "flags=%#x", c->flags);
    return true;
}

/* Does it iterate over this map, and has not ended? */
static bool gm_lives(const gm_checker *c, const hiter *it)
{
    return it != NULL && it->h == c->h;
}

static bool gm_check_iterators(gm_checker *c, hiter *const *its, size_t n)
{
    const mapextra *x = c->h->extra;

    for (size_t i = 0; i < n; i++) {
        if (gm_lives(c, its[i]) && !gm_check_iterator(c, its[i])) {
            return false;
        }
    }
    for (const gm_gen *g = x == NULL ? NULL : x->gm_gens; g != NULL; g = g->older) {
        uint32_t holds = 0;
        for (size_t i = 0; i < n; i++) {
            if (gm_lives(c, its[i])) {
                holds += (its[i]->overflow == g ? 1U : 0U) + (its[i]->oldoverflow == g ? 1U : 0U);
            }
        }
        GM_HOLDS(c, "iterator-holds", holds == g->iters,
                 "generation with B=%u counts %" PRIu32 " holds, there are %" PRIu32, g->B, g->iters, holds);
    }
    return true;
}

/* What an iterator may still read through a slot: its own entry's, or, from a
 * stale copy of the slot, that of an entry which has moved and perhaps gone. */
static bool gm_is_kept(const void *slot, gm_block_kind kind, uintptr_t size)
{
    void *p = gm_loadp(slot);
    if (p == NULL) {
        return true;
    }
    const gm_block *blk = gm_block_of(p);
    bool known = blk->state == gm_block_live || blk->state == gm_block_parked;
    return known && blk->kind == (uint8_t)kind && blk->size == size;
}

/* The chain from where the iterator stands.  The buckets before are behind it,
 * and those after it are read only if they are not evacuated by then. */
static bool gm_check_rest(gm_checker *c, const hiter *it)
{
    const maptype *t = c->t;

    for (bmap *b = it->bptr; b != NULL; b = bmap_overflow(b, t)) {
        bool inside = gm_stands_in(c, it->overflow, b) || gm_stands_in(c, it->oldoverflow, b);
        GM_HOLDS(c, "iterator-reads", inside, "its chain goes on in no generation that it holds");
        for (unsigned i = 0; i < bucketCnt; i++) {
            bool entry = !isEmpty(b->tophash[i]) && b->tophash[i] != evacuatedEmpty;
            if (entry && maptype_indirectkey(t)) {
                bool key_kept = gm_is_kept(gm_key_slot(t, b, i), gm_block_key, t->key->size);
                GM_HOLDS(c, "iterator-reads", key_kept, "the key in slot %u has been freed", i);
            }
            if (entry && maptype_indirectelem(t)) {
                bool elem_kept = gm_is_kept(gm_elem_slot(t, b, i), gm_block_elem, t->elem->size);
                GM_HOLDS(c, "iterator-reads", elem_kept, "the elem in slot %u has been freed", i);
            }
        }
    }
    return true;
}

/* After the chains, which end then.  An iteration over a map without buckets was
 * cut off, and reads nothing more. */
static bool gm_check_reads(gm_checker *c, hiter *const *its, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (gm_lives(c, its[i]) && !gm_check_rest(c, its[i])) {
            return false;
        }
    }
    return true;
}

/* ---- the two checks --------------------------------------------------- */

static bool gm_check_whole(gm_checker *c, hiter *const *its, size_t n)
{
    if (!gm_check_header(c)) {
        return false;
    }
    if (c->h->buckets == NULL) {
        return gm_check_iterators(c, its, n);
    }
    if (!gm_check_generations(c)) {
        return false;
    }
    uintptr_t tail = c->cur.gen->nbuckets - c->cur.nmain;
    uintptr_t oldtail = c->old.gen == NULL ? 0 : c->old.gen->nbuckets - c->old.nmain;
    unsigned char few[64] = {0}; /* small maps are checked often */
    bool fits = tail + oldtail <= sizeof few;
    unsigned char *inChain = fits ? few : calloc(1, tail + oldtail);
    GM_HOLDS(c, "checker-memory", inChain != NULL, "%" PRIuPTR " bytes", tail + oldtail);
    c->cur.inChain = inChain;
    c->old.inChain = inChain + tail;

    /* The lists first: iterators are looked for on them, and chains by their marks. */
    bool sound = gm_mark_all_lists(c) && gm_check_iterators(c, its, n) && gm_check_arrays(c);
    gm_unmark_lists(c->h->extra);
    sound = sound && gm_check_indirect_unique(c) && gm_check_reads(c, its, n);
    if (!fits) {
        free(inChain);
    }
    return sound;
}

bool gm_check(const maptype *t, hmap *h, hiter *const *its, size_t n, gm_check_result *r)
{
    gm_checker c = {.t = t, .h = h, .r = r, .whole = true};
    r->rule = NULL;
    r->detail[0] = '\0';
    r->met = 0;
    if (h == NULL) {
        return true;
    }
    gm_rand before = gm_rand_state();
    bool sound = gm_check_whole(&c, its, n);
    gm_rand_restore(before);
    return sound;
}

static bool gm_check_around(gm_checker *c, uintptr_t hash)
{
    if (!gm_check_header(c)) {
        return false;
    }
    if (c->h->buckets == NULL) {
        return true;
    }
    uintptr_t number = hash & (c->cur.nmain - 1);
    if (!gm_check_chain(c, &c->cur, number)) {
        return false;
    }
    if (c->old.gen == NULL) {
        return true;
    }
    /* Where the old bucket is not evacuated, its check includes that its
     * destinations are empty. */
    uintptr_t oldbucket = hash & (c->old.nmain - 1);
    if (!gm_check_chain(c, &c->old, oldbucket)) {
        return false;
    }
    if (c->old.nmain != c->cur.nmain && evacuated(gm_bucket(c, &c->old, oldbucket)) &&
        !gm_check_chain(c, &c->cur, number ^ c->old.nmain)) {
        return false;
    }
    return c->h->nevacuate == 0 || gm_check_chain(c, &c->old, c->h->nevacuate - 1);
}

bool gm_check_at(const maptype *t, hmap *h, uintptr_t hash, gm_check_result *r)
{
    gm_checker c = {.t = t, .h = h, .r = r, .hash = hash, .top = tophash(hash)};
    r->rule = NULL;
    r->detail[0] = '\0';
    r->met = 0;
    if (h == NULL) {
        return true;
    }
    gm_rand before = gm_rand_state();
    bool sound = gm_check_around(&c, hash);
    gm_rand_restore(before);
    return sound;
}
