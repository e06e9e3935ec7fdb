/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dump.c: a map and its iterators as canonical text; dump.h has the format.
 *
 * Meant for broken maps too: it stops at a chain that leads back into itself,
 * and never follows a pointer of a slot without an entry.
 */
#include "dump.h"

#include <inttypes.h>
#include <stdarg.h>

static void gm_put(gm_sink out, const char *s)
{
    out.write(out.ctx, s, strlen(s));
}

/* For pieces of bounded length only. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
gm_putf(gm_sink out, const char *format, ...)
{
    char piece[256];
    va_list args;
    va_start(args, format);
    vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    gm_put(out, piece);
}

static void gm_file_write(void *ctx, const char *s, size_t n)
{
    fwrite(s, 1, n, ctx);
}

gm_sink gm_sink_file(FILE *f)
{
    return (gm_sink){gm_file_write, f};
}

/* ---- values ----------------------------------------------------------- */

static uint64_t gm_load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t gm_load32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* A float by its bits.  Why not printf: the digits of %a are the C library's
 * choice for subnormals, and NaN payloads are lost. */
static void gm_put_float(gm_sink out, uint64_t bits, unsigned mantbits, unsigned expbits)
{
    uint64_t mant = bits & ((UINT64_C(1) << mantbits) - 1);
    uint64_t expmax = (UINT64_C(1) << expbits) - 1;
    uint64_t biased = bits >> mantbits & expmax;
    bool negative = (bits >> (mantbits + expbits) & 1) != 0;

    if (biased == expmax) {
        if (mant == 0) {
            gm_put(out, negative ? "-inf" : "+inf");
        } else {
            gm_putf(out, "nan:0x%0*" PRIx64, mantbits == 52 ? 16 : 8, bits);
        }
        return;
    }
    int bias = (1 << (expbits - 1)) - 1;
    int exponent = (int)biased - bias;
    if (biased == 0) {
        exponent = mant == 0 ? 0 : 1 - bias;
    }
    gm_put(out, negative ? "-0x" : "0x");
    gm_put(out, biased == 0 ? "0" : "1");
    uint64_t rest = mant << (64 - mantbits); /* the first digit on top */
    if (rest != 0) {
        gm_put(out, ".");
    }
    for (; rest != 0; rest = (rest & (UINT64_MAX >> 4)) << 4) {
        gm_putf(out, "%x", (unsigned)(rest >> 60));
    }
    gm_putf(out, "p%+d", exponent);
}

static void gm_put_string(gm_sink out, const void *p)
{
    stringStruct s;
    memcpy(&s, p, sizeof s);
    const unsigned char *at = s.str;
    gm_put(out, "\"");
    for (intptr_t i = 0; i < s.len; i++) {
        if (at[i] == '"' || at[i] == '\\') {
            gm_putf(out, "\\%c", at[i]);
        } else if (at[i] >= ' ' && at[i] <= '~') {
            gm_putf(out, "%c", at[i]);
        } else {
            gm_putf(out, "\\x%02x", at[i]);
        }
    }
    gm_put(out, "\"");
}

static void gm_put_bytes(gm_sink out, const unsigned char *at, uintptr_t n)
{
    gm_put(out, "0x");
    for (uintptr_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && at[i + run] == at[i]; run++) {
        }
        gm_putf(out, "%02x", at[i]);
        if (run < 4) {
            run = 1;
        } else {
            gm_putf(out, "*%" PRIuPTR "%s", run, i + run < n ? "," : "");
        }
    }
}

static void gm_put_iface(gm_sink out, const void *p)
{
    eface e;
    memcpy(&e, p, sizeof e);
    if (e._type == NULL) {
        gm_put(out, "nil");
        return;
    }
    gm_put(out, e._type->name);
    gm_put(out, "(");
    gm_dump_value(e._type, e._type->directIface ? (const void *)&e.data : e.data, out);
    gm_put(out, ")");
}

static void gm_put_array(gm_sink out, const rtype *t, const unsigned char *at)
{
    if (t->elem->kind == kindUint8) {
        gm_put_bytes(out, at, t->len);
        return;
    }
    gm_put(out, "[");
    for (uintptr_t i = 0; i < t->len; i++) {
        gm_put(out, i == 0 ? "" : " ");
        gm_dump_value(t->elem, at + i * t->elem->size, out);
    }
    gm_put(out, "]");
}

static void gm_put_struct(gm_sink out, const rtype *t, const unsigned char *at)
{
    gm_put(out, "{");
    for (uintptr_t i = 0; i < t->nfields; i++) {
        gm_put(out, i == 0 ? "" : " ");
        gm_dump_value(t->fields[i].typ, at + t->fields[i].offset, out);
    }
    gm_put(out, "}");
}

void gm_dump_value(const rtype *t, const void *p, gm_sink out)
{
    const unsigned char *at = p;

    if (t->size == 0) {
        gm_put(out, "{}");
        return;
    }
    switch (t->kind) {
    case kindBool:
        gm_put(out, at[0] != 0 ? "true" : "false");
        break;
    case kindInt8: {
        int8_t v;
        memcpy(&v, p, sizeof v);
        gm_putf(out, "%d", v);
        break;
    }
    case kindInt16: {
        int16_t v;
        memcpy(&v, p, sizeof v);
        gm_putf(out, "%d", v);
        break;
    }
    case kindInt32: {
        int32_t v;
        memcpy(&v, p, sizeof v);
        gm_putf(out, "%" PRId32, v);
        break;
    }
    case kindInt64: {
        int64_t v;
        memcpy(&v, p, sizeof v);
        gm_putf(out, "%" PRId64, v);
        break;
    }
    case kindInt: {
        intptr_t v;
        memcpy(&v, p, sizeof v);
        gm_putf(out, "%" PRIdPTR, v);
        break;
    }
    case kindUint8:
        gm_putf(out, "%u", at[0]);
        break;
    case kindUint64:
        gm_putf(out, "%" PRIu64, gm_load64(p));
        break;
    case kindFloat32:
        gm_put_float(out, gm_load32(p), 23, 8);
        break;
    case kindFloat64:
        gm_put_float(out, gm_load64(p), 52, 11);
        break;
    case kindComplex64:
        gm_put(out, "(");
        gm_put_float(out, gm_load32(at), 23, 8);
        gm_put(out, " ");
        gm_put_float(out, gm_load32(at + 4), 23, 8);
        gm_put(out, ")");
        break;
    case kindComplex128:
        gm_put(out, "(");
        gm_put_float(out, gm_load64(at), 52, 11);
        gm_put(out, " ");
        gm_put_float(out, gm_load64(at + 8), 52, 11);
        gm_put(out, ")");
        break;
    case kindString:
        gm_put_string(out, p);
        break;
    case kindInterface:
        gm_put_iface(out, p);
        break;
    case kindPtr:
    case kindUnsafePointer:
        gm_putf(out, "ptr:0x%" PRIxPTR, (uintptr_t)gm_loadp(p));
        break;
    case kindArray:
        gm_put_array(out, t, at);
        break;
    case kindStruct:
        gm_put_struct(out, t, at);
        break;
    default:
        gm_put(out, "?");
        break;
    }
}

/* Is the pointer-free value at p zero?  Padding does not count. */
static bool gm_value_zero(const rtype *t, const unsigned char *p)
{
    if (t->kind == kindStruct) {
        for (uintptr_t i = 0; i < t->nfields; i++) {
            if (!gm_value_zero(t->fields[i].typ, p + t->fields[i].offset)) {
                return false;
            }
        }
        return true;
    }
    if (t->kind == kindArray) {
        for (uintptr_t i = 0; i < t->len; i++) {
            if (!gm_value_zero(t->elem, p + i * t->elem->size)) {
                return false;
            }
        }
        return true;
    }
    for (uintptr_t i = 0; i < t->size; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool gm_bytes_zero(const void *p, uintptr_t n)
{
    const unsigned char *at = p;
    while (n > 0 && *at == 0) {
        at++;
        n--;
    }
    return n == 0;
}

/* ---- buckets ---------------------------------------------------------- */

static void *gm_slot_key(const maptype *t, bmap *b, unsigned i)
{
    return add(b, dataOffset + (uintptr_t)i * t->keysize);
}

static void *gm_slot_elem(const maptype *t, bmap *b, unsigned i)
{
    return add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + (uintptr_t)i * t->elemsize);
}

/* What a slot without an entry still has of its key or elem: is there any, and
 * may it be read? */
typedef enum gm_stale { gm_staleNone, gm_staleValue, gm_stalePointer } gm_stale;

static gm_stale gm_stale_of(const rtype *t, bool indirect, const void *slot, uintptr_t slotsize)
{
    if (indirect || t->ptrdata != 0) {
        return gm_bytes_zero(slot, slotsize) ? gm_staleNone : gm_stalePointer;
    }
    return gm_value_zero(t, slot) ? gm_staleNone : gm_staleValue;
}

static void gm_put_stale(gm_stale s, const rtype *t, const void *slot, gm_sink out)
{
    if (s == gm_stalePointer) {
        gm_put(out, "*");
    } else if (s == gm_staleValue) {
        gm_dump_value(t, slot, out);
    }
}

static gm_stale gm_stale_key(const maptype *t, bmap *b, unsigned i)
{
    return gm_stale_of(t->key, maptype_indirectkey(t), gm_slot_key(t, b, i), t->keysize);
}

static gm_stale gm_stale_elem(const maptype *t, bmap *b, unsigned i)
{
    return gm_stale_of(t->elem, maptype_indirectelem(t), gm_slot_elem(t, b, i), t->elemsize);
}

/* A slot with nothing in it but its state. */
static bool gm_slot_bare(const maptype *t, bmap *b, unsigned i)
{
    return b->tophash[i] < minTopHash && gm_stale_key(t, b, i) == gm_staleNone &&
           gm_stale_elem(t, b, i) == gm_staleNone;
}

/* The key or elem of an entry. */
static void gm_dump_held(const rtype *t, bool indirect, void *slot, gm_sink out)
{
    void *p = indirect ? gm_loadp(slot) : slot;
    if (p == NULL) {
        gm_put(out, "missing");
    } else {
        gm_dump_value(t, p, out);
    }
}

static void gm_dump_slot(const maptype *t, bmap *b, unsigned i, gm_sink out)
{
    uint8_t top = b->tophash[i];
    void *k = gm_slot_key(t, b, i);
    void *e = gm_slot_elem(t, b, i);

    if (top >= minTopHash) {
        gm_putf(out, " %02x:", top);
        gm_dump_held(t->key, maptype_indirectkey(t), k, out);
        gm_put(out, "=");
        gm_dump_held(t->elem, maptype_indirectelem(t), e, out);
        return;
    }
    gm_putf(out, " %c", ".-XYE"[top]);
    gm_stale sk = gm_stale_key(t, b, i);
    gm_stale se = gm_stale_elem(t, b, i);
    if (sk != gm_staleNone || se != gm_staleNone) {
        gm_put(out, "~");
        gm_put_stale(sk, t->key, k, out);
        gm_put(out, se != gm_staleNone ? "=" : "");
        gm_put_stale(se, t->elem, e, out);
    }
}

static void gm_dump_slots(const maptype *t, bmap *b, gm_sink out)
{
    for (unsigned i = 0, run; i < bucketCnt; i += run) {
        gm_dump_slot(t, b, i, out);
        run = 1;
        while (gm_slot_bare(t, b, i) && i + run < bucketCnt && b->tophash[i + run] == b->tophash[i] &&
               gm_slot_bare(t, b, i + run)) {
            run++;
        }
        if (run > 1) {
            gm_putf(out, "*%u", run);
        }
    }
    gm_put(out, "\n");
}

/* Does b lie in the array of g?  *number: which bucket it is there. */
static bool gm_in_array(const maptype *t, const gm_gen *g, const void *b, uintptr_t *number)
{
    uintptr_t begin = (uintptr_t)g + gm_genHeader;
    uintptr_t at = (uintptr_t)b;
    if (at < begin || at - begin >= g->bytes) {
        return false;
    }
    *number = (at - begin) / t->bucketsize;
    return true;
}

/* Walks a chain of buckets or a list of blocks, and notices, by Brent's method,
 * when it leads back. */
typedef struct gm_walk {
    void *at;         /* where it is; NULL: at the end */
    uintptr_t depth;  /* of that, the first 0 */
    const void *seen; /* an earlier one */
    uintptr_t limit;  /* depth at which to remember another one */
    bool cyclic;
} gm_walk;

static gm_walk gm_walk_begin(void *first)
{
    return (gm_walk){.at = first, .seen = first, .limit = 2};
}

/* next: what is linked to where it is. */
static void gm_walk_to(gm_walk *w, void *next)
{
    w->at = next;
    w->depth++;
    if (w->at != NULL && w->at == w->seen) {
        w->cyclic = true;
        w->at = NULL;
    }
    if (w->depth == w->limit) {
        w->seen = w->at;
        w->limit *= 2;
    }
}

static void gm_next_bucket(gm_walk *w, const maptype *t)
{
    gm_walk_to(w, bmap_overflow(w->at, t));
}

static void gm_next_block(gm_walk *w)
{
    const gm_block *blk = w->at;
    gm_walk_to(w, blk->next);
}

/* Bucket n of the array of g: +k, of its tail.  A chain or tail of a broken map
 * can lead to a main bucket: its number. */
static void gm_put_bucket(const gm_gen *g, uintptr_t n, gm_sink out)
{
    uintptr_t nmain = bucketShift(g->B);
    if (n < nmain) {
        gm_putf(out, "%" PRIuPTR, n);
    } else {
        gm_putf(out, "+%" PRIuPTR, n - nmain);
    }
}

static void gm_dump_chain(const maptype *t, const gm_gen *g, bmap *first, uintptr_t number, gm_sink out)
{
    gm_walk c = gm_walk_begin(first);
    for (; c.at != NULL; gm_next_bucket(&c, t)) {
        uintptr_t n;
        if (c.depth == 0) {
            gm_putf(out, "%" PRIuPTR " main", number);
        } else if (gm_in_array(t, g, c.at, &n)) {
            gm_putf(out, "%" PRIuPTR " ", number);
            gm_put_bucket(g, n, out);
        } else {
            gm_putf(out, "%" PRIuPTR " heap", number);
        }
        gm_dump_slots(t, c.at, out);
    }
    if (c.cyclic) {
        gm_putf(out, "%" PRIuPTR " cycle\n", number);
    }
}

static void gm_dump_array(const maptype *t, void *buckets, gm_sink out)
{
    const gm_gen *g = gm_gen_of(buckets);
    uintptr_t nmain = bucketShift(g->B);

    for (uintptr_t n = 0; n < nmain;) {
        uintptr_t empty = n;
        while (empty < nmain && gm_bytes_zero(add(buckets, empty * t->bucketsize), t->bucketsize)) {
            empty++;
        }
        if (empty == n) {
            gm_dump_chain(t, g, add(buckets, n * t->bucketsize), n, out);
            n++;
            continue;
        }
        if (empty == n + 1) {
            gm_putf(out, "%" PRIuPTR " empty\n", n);
        } else {
            gm_putf(out, "%" PRIuPTR "..%" PRIuPTR " empty\n", n, empty - 1);
        }
        n = empty;
    }
}

static void gm_dump_flags(unsigned flags, gm_sink out)
{
    static const char *const names[] = {"iterator", "oldIterator", "hashWriting", "sameSizeGrow"};
    const char *join = "";

    gm_put(out, " flags=");
    for (unsigned i = 0; i < 8; i++) {
        if ((flags >> i & 1) == 0) {
            continue;
        }
        gm_put(out, join);
        if (i < sizeof names / sizeof names[0]) {
            gm_put(out, names[i]);
        } else {
            gm_putf(out, "bit%u", i);
        }
        join = "|";
    }
    gm_put(out, flags == 0 ? "-" : "");
}

void gm_dump(const maptype *t, hmap *h, gm_sink out)
{
    if (h == NULL) {
        gm_put(out, "map nil\n");
        return;
    }
    const char *growth = "none";
    if (hmap_growing(h)) {
        growth = hmap_sameSizeGrow(h) ? "same" : "double";
    }
    gm_putf(out, "map ptrsize=%d count=%" PRIdPTR, (int)PtrSize, h->count);
    gm_dump_flags(atomic_load_explicit(&h->flags, memory_order_relaxed), out);
    gm_putf(out, " B=%u noverflow=%u hash0=0x%08" PRIx32 " nevacuate=%" PRIuPTR " growth=%s\n", h->B,
            h->noverflow, h->hash0, h->nevacuate, growth);

    if (h->buckets == NULL) {
        gm_put(out, "buckets -\n");
    } else {
        const gm_gen *g = gm_gen_of(h->buckets);
        uintptr_t nmain = bucketShift(g->B);
        gm_putf(out, "buckets %" PRIuPTR "+%" PRIuPTR, nmain, g->nbuckets - nmain);
        uintptr_t next;
        const mapextra *x = h->extra;
        if (x != NULL && x->nextOverflow != NULL && gm_in_array(t, g, x->nextOverflow, &next)) {
            gm_put(out, " next=");
            gm_put_bucket(g, next, out);
            gm_put(out, "\n");
        } else {
            gm_put(out, " next=-\n");
        }
        gm_dump_array(t, h->buckets, out);
    }
    if (hmap_growing(h)) {
        const gm_gen *g = gm_gen_of(h->oldbuckets);
        uintptr_t nmain = bucketShift(g->B);
        gm_putf(out, "oldbuckets %" PRIuPTR "+%" PRIuPTR "\n", nmain, g->nbuckets - nmain);
        gm_dump_array(t, h->oldbuckets, out);
    }
}

/* ---- iterators -------------------------------------------------------- */

static const char *gm_gen_name(const hmap *h, const gm_gen *g)
{
    if (g == h->extra->overflow) {
        return "new";
    }
    return g == h->extra->oldoverflow ? "old" : "gone";
}

/* The block of the list whose payload p is, or NULL. */
static const gm_block *gm_on_list(gm_block *list, const void *p)
{
    gm_walk w = gm_walk_begin(list);
    while (w.at != NULL && (uintptr_t)w.at + gm_blockHeader != (uintptr_t)p) {
        gm_next_block(&w);
    }
    return w.at;
}

/* Finds the chain of g that wanted is in. */
static bool gm_find_chain(const maptype *t, gm_gen *g, const bmap *wanted, uintptr_t *number,
                          uintptr_t *depth)
{
    for (*number = 0; *number < bucketShift(g->B); ++*number) {
        gm_walk c = gm_walk_begin(add(g, gm_genHeader + *number * t->bucketsize));
        for (; c.at != NULL; gm_next_bucket(&c, t)) {
            if (c.at == wanted) {
                *depth = c.depth;
                return true;
            }
        }
    }
    return false;
}

static void gm_dump_bptr(const maptype *t, const hmap *h, const bmap *b, gm_sink out)
{
    if (b == NULL) {
        gm_put(out, " bptr=-");
        return;
    }
    for (gm_gen *g = h->extra->gm_gens; g != NULL; g = g->older) {
        uintptr_t number, depth, n;
        const char *name = gm_gen_name(h, g);
        bool in_array = gm_in_array(t, g, b, &n);
        if (!in_array && gm_on_list(g->overflow, b) == NULL) {
            if (gm_on_list(g->parked, b) != NULL) {
                gm_putf(out, " bptr=%s:parked", name);
                return;
            }
            continue;
        }
        if (!gm_find_chain(t, g, b, &number, &depth)) {
            gm_putf(out, " bptr=%s:unlinked", name);
        } else if (depth == 0) {
            gm_putf(out, " bptr=%s:%" PRIuPTR, name, number);
        } else if (in_array) {
            gm_putf(out, " bptr=%s:%" PRIuPTR, name, number);
            gm_put_bucket(g, n, out);
        } else {
            gm_putf(out, " bptr=%s:%" PRIuPTR ".%" PRIuPTR, name, number, depth);
        }
        return;
    }
    gm_put(out, " bptr=?");
}

/* A key or an elem that an iterator points to. */
typedef struct gm_current {
    const rtype *type;
    const void *p;
    bool is_elem;
    bool indirect; /* p is memory of its own; else a slot */
} gm_current;

static const void *gm_slot_at(const maptype *t, const gm_current *c, bmap *b, unsigned i)
{
    return c->is_elem ? gm_slot_elem(t, b, i) : gm_slot_key(t, b, i);
}

/* p lies in bucket b: is it a slot there that may be read?  What is left in a
 * slot without an entry can point nowhere. */
static bool gm_slot_readable(const maptype *t, const gm_current *c, bmap *b, bool in_map)
{
    for (unsigned i = 0; i < bucketCnt; i++) {
        if (gm_slot_at(t, c, b, i) == c->p) {
            return c->type->ptrdata == 0 || (in_map && b->tophash[i] >= minTopHash);
        }
    }
    return false;
}

/* The overflow bucket on the list that p lies in. */
static bmap *gm_bucket_around(gm_block *list, const void *p)
{
    for (gm_walk w = gm_walk_begin(list); w.at != NULL; gm_next_block(&w)) {
        const gm_block *blk = w.at;
        uintptr_t begin = (uintptr_t)blk + gm_blockHeader;
        uintptr_t at = (uintptr_t)p;
        if (blk->kind == gm_block_overflow && at >= begin && at - begin < blk->size) {
            return add(w.at, gm_blockHeader);
        }
    }
    return NULL;
}

/* Is p the memory of a live entry's indirect key or elem? */
static bool gm_is_entry_memory(const maptype *t, const gm_current *c, void *buckets)
{
    for (uintptr_t n = 0; buckets != NULL && n < bucketShift(gm_gen_of(buckets)->B); n++) {
        gm_walk chain = gm_walk_begin(add(buckets, n * t->bucketsize));
        for (; chain.at != NULL; gm_next_bucket(&chain, t)) {
            bmap *b = chain.at;
            for (unsigned i = 0; i < bucketCnt; i++) {
                if (b->tophash[i] >= minTopHash && gm_loadp(gm_slot_at(t, c, b, i)) == c->p) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* An iterator's key and elem are valid until the next write, and nothing tells
 * whether there was one.  So p is read only where it is found to be a key or an
 * elem, of whichever entry, in memory that the map or an iterator keeps. */
static bool gm_still_valid(const maptype *t, const hmap *h, const gm_current *c)
{
    for (gm_gen *g = h->extra->gm_gens; g != NULL; g = g->older) {
        if (c->indirect) {
            const gm_block *blk = gm_on_list(g->parked, c->p);
            if (blk != NULL) {
                return c->type->ptrdata == 0 && blk->size == c->type->size;
            }
            continue;
        }
        uintptr_t n;
        if (gm_in_array(t, g, c->p, &n)) {
            return gm_slot_readable(t, c, add(g, gm_genHeader + n * t->bucketsize), g->mapholds);
        }
        bmap *b = gm_bucket_around(g->overflow, c->p);
        if (b != NULL) {
            return gm_slot_readable(t, c, b, g->mapholds);
        }
        b = gm_bucket_around(g->parked, c->p);
        if (b != NULL) {
            return gm_slot_readable(t, c, b, false);
        }
    }
    return c->indirect && (gm_is_entry_memory(t, c, h->buckets) || gm_is_entry_memory(t, c, h->oldbuckets));
}

static void gm_dump_current(const hiter *it, gm_current c, gm_sink out)
{
    gm_put(out, c.is_elem ? " elem=" : " key=");
    if (c.p == NULL) {
        gm_put(out, "-");
    } else if (c.type->size != 0 && !gm_still_valid(it->t, it->h, &c)) {
        gm_put(out, "*");
    } else {
        gm_dump_value(c.type, c.p, out);
    }
}

void gm_dump_iter(const hiter *it, gm_sink out)
{
    const hmap *h = it->h;
    if (h == NULL) {
        gm_put(out, "iter ended\n");
        return;
    }
    gm_putf(out, "iter B=%u startBucket=%" PRIuPTR " offset=%u wrapped=%s bucket=%" PRIuPTR " i=%u", it->B,
            it->startBucket, it->offset, it->wrapped ? "true" : "false", it->bucket, it->i);
    if (it->checkBucket == noCheck) {
        gm_put(out, " checkBucket=-");
    } else {
        gm_putf(out, " checkBucket=%" PRIuPTR, it->checkBucket);
    }
    gm_putf(out, " buckets=%s", gm_gen_name(h, gm_gen_of(it->buckets)));
    gm_dump_bptr(it->t, h, it->bptr, out);
    gm_dump_current(it, (gm_current){it->t->key, it->key, false, maptype_indirectkey(it->t)}, out);
    gm_dump_current(it, (gm_current){it->t->elem, it->elem, true, maptype_indirectelem(it->t)}, out);
    gm_put(out, "\n");
}
