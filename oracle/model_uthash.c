/* SPDX-License-Identifier: BSD-3-Clause
 *
 * model_uthash.c: the judge `uthash`.  A second map, made of other people's
 * code, that takes every step as well: membership, values, length, and which
 * representation of a key lies in the map.
 *
 * Keys are looked up by their id (kinds.h), never by the port's own hash or
 * equality.  Keys that differ from themselves (NaN) stand beside the table, in
 * an array indexed by their payload.  All memory is static and handed out
 * afresh for each map, since malloc would be most of the cost.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *model_malloc(size_t size);
#define uthash_malloc(size) model_malloc(size)
#define uthash_free(p, size) ((void)(p), (void)(size))
/* Fibonacci hashing of the 8-byte id. */
#define HASH_FUNCTION(keyptr, keylen, hashv)                                                                 \
    do {                                                                                                     \
        uint64_t model_id_;                                                                                  \
        memcpy(&model_id_, (keyptr), (keylen));                                                              \
        (hashv) = (unsigned)((model_id_ * UINT64_C(0x9e3779b97f4a7c15)) >> 32);                              \
    } while (0)
#include <uthash.h>

#include "oracle.h"

typedef struct node {
    oracle_entry e; /* first: a node is found from its entry */
    uint32_t look;  /* the last look at the whole map that met it */
    UT_hash_handle hh;
} node;

static struct {
    node *table;
    node *by_payload[65536]; /* NaN keys */
    oracle_entry *entries;
    size_t count;
    uint32_t last_seq;
    uint32_t looks; /* at the whole map */

    node *free_nodes; /* linked through e.next */
    size_t used_nodes;
    size_t used_bytes;
} m;

static node nodes[oracle_max_entries];
static _Alignas(16) unsigned char arena[1 << 21]; /* uthash's table and its doublings */

static void *model_malloc(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > sizeof arena - m.used_bytes) {
        fprintf(stderr, "gomap: the uthash model's arena is too small\n");
        abort();
    }
    void *p = arena + m.used_bytes;
    m.used_bytes += size;
    return p;
}

const oracle_entry *model_entries(void)
{
    return m.entries;
}

size_t model_count(void)
{
    return m.count;
}

uint32_t model_last_seq(void)
{
    return m.last_seq;
}

static void model_reset(void)
{
    for (oracle_entry *e = m.entries; e != NULL; e = e->next) {
        if (e->nan) {
            m.by_payload[e->variant & 0xffff] = NULL;
        }
    }
    m.table = NULL;
    m.entries = NULL;
    m.count = 0;
    m.free_nodes = NULL;
    m.used_nodes = 0;
    m.used_bytes = 0;
}

static oracle_entry *model_find(uint64_t id)
{
    node *found = NULL;
    HASH_FIND(hh, m.table, &id, sizeof id, found);
    return found != NULL ? &found->e : NULL;
}

oracle_entry *model_entry(const key_facts *f, uint32_t payload)
{
    if (!f->nan) {
        return model_find(f->id);
    }
    node *n = m.by_payload[payload & 0xffff];
    return n != NULL ? &n->e : NULL;
}

static oracle_entry *model_insert(const oracle_step *s)
{
    node *n = m.free_nodes;
    if (n != NULL) {
        m.free_nodes = (node *)(void *)n->e.next;
    } else if (m.used_nodes < oracle_max_entries) {
        n = &nodes[m.used_nodes++];
    } else {
        fprintf(stderr, "gomap: more than %d live entries: the budget of run.c is wrong\n",
                oracle_max_entries);
        abort();
    }
    memset(n, 0, sizeof *n);
    n->e.id = s->facts.id;
    n->e.nan = s->facts.nan;
    n->e.seq = ++m.last_seq;
    n->e.n = s->n;
    n->e.variant = s->variant;
    if (s->facts.nan) {
        m.by_payload[s->variant & 0xffff] = n;
    } else {
        HASH_ADD(hh, m.table, e.id, sizeof n->e.id, n);
    }
    n->e.next = m.entries;
    if (m.entries != NULL) {
        m.entries->prev = &n->e;
    }
    m.entries = &n->e;
    m.count++;
    return &n->e;
}

/* The entry's memory is not reused before the next insertion: later judges may
 * look at it. */
static void model_remove(oracle_entry *e)
{
    node *n = (node *)(void *)e;
    HASH_DELETE(hh, m.table, n);
    if (m.table == NULL) {
        m.used_bytes = 0; /* the table went with its last entry */
    }
    if (e->prev != NULL) {
        e->prev->next = e->next;
    } else {
        m.entries = e->next;
    }
    if (e->next != NULL) {
        e->next->prev = e->prev;
    }
    m.count--;
    n->e.next = (oracle_entry *)(void *)m.free_nodes;
    m.free_nodes = n;
}

static const char *name_of(const oracle_step *s, uint16_t n)
{
    static char text[64];
    key_name(s->key_kind, n, text, sizeof text);
    return text;
}

#define DIFFER(rule, ...) return oracle_differ(r, "uthash", rule, __VA_ARGS__)

static oracle_answer on_assign(oracle_step *s, oracle_report *r)
{
    oracle_entry *e = s->facts.nan ? NULL : model_find(s->facts.id);
    if (e == NULL) {
        if (!elem_is_zero(s->elem_kind, s->elem)) {
            DIFFER("fresh-elem-zero", "the slot of new key %s does not read as zero", name_of(s, s->n));
        }
        e = model_insert(s);
    } else {
        if (!elem_same(s->elem_kind, s->elem, e->stamp)) {
            DIFFER("elem-current", "the slot of key %s does not hold the value last written",
                   name_of(s, s->n));
        }
        if (maptype_needkeyupdate(s->t)) {
            e->n = s->n;
            e->variant = s->variant;
        }
    }
    e->stamp = s->stamp;
    s->entry = e;
    return oracle_ok;
}

static oracle_answer on_get(oracle_step *s, oracle_report *r)
{
    const oracle_access *a = &s->access;
    oracle_entry *e = s->facts.nan ? NULL : model_find(s->facts.id);
    s->entry = e;
    bool found = a->k != NULL;
    if (found != (e != NULL)) {
        DIFFER("membership", "key %s is %s the map, but should%s be", name_of(s, s->n),
               found ? "in" : "not in", found ? " not" : "");
    }
    if (a->ok2 != found || a->okfat != found || (a->e1 != zeroVal) != found || (a->ke != NULL) != found ||
        a->e2 != a->e1 || a->fat1 != (found ? a->e1 : a->zero) || a->fat2 != a->fat1 ||
        (found && a->ke != a->e1)) {
        DIFFER("access-agree", "the access functions disagree about key %s", name_of(s, s->n));
    }
    if (!found) {
        if (!elem_is_zero(s->elem_kind, a->fat1)) {
            DIFFER("missing-elem-zero", "the elem of missing key %s is not zero", name_of(s, s->n));
        }
        return oracle_ok;
    }
    if (!key_same(s->key_kind, a->k, e->n, e->variant)) {
        DIFFER("key-current", "the map's key for %s is not the one that should lie there", name_of(s, s->n));
    }
    if (!elem_same(s->elem_kind, a->e1, e->stamp)) {
        DIFFER("elem-current", "the elem of key %s is not the value last written", name_of(s, s->n));
    }
    return oracle_ok;
}

/* What an iterator produced: the entry, if it is one.  A key that is not in
 * the map is the range model's business. */
static oracle_answer on_next(oracle_step *s, oracle_report *r)
{
    hiter *it = &s->its[s->slot];
    if (it->key == NULL) {
        return oracle_ok;
    }
    uint32_t payload;
    key_facts facts;
    if (!key_read(s->key_kind, it->key, &facts, &payload)) {
        DIFFER("key-wellformed", "iterator %c produced a key that nobody ever inserted", 'a' + (char)s->slot);
    }
    oracle_entry *e = model_entry(&facts, payload);
    s->entry = e;
    if (e == NULL || oracle_excused(s->slot, excuse_cleared)) {
        return oracle_ok;
    }
    if (!key_same(s->key_kind, it->key, e->n, e->variant)) {
        DIFFER("key-current", "iterator %c produced key %s in another form than lies in the map",
               'a' + (char)s->slot, name_of(s, e->n));
    }
    if (!elem_same(s->elem_kind, it->elem, e->stamp)) {
        DIFFER("elem-current", "iterator %c produced key %s with another elem than the value last written",
               'a' + (char)s->slot, name_of(s, e->n));
    }
    return oracle_ok;
}

/* One entry as it lies in the map. */
static oracle_answer look_at_slot(const oracle_step *s, const void *key, const void *elem, oracle_report *r)
{
    uint32_t payload;
    key_facts facts;
    if (!key_read(s->key_kind, key, &facts, &payload)) {
        DIFFER("key-wellformed", "a key lies in the map that nobody ever inserted");
    }
    oracle_entry *e = model_entry(&facts, payload);
    if (e == NULL) {
        DIFFER("membership", "key %s lies in the map, but should not", name_of(s, facts.n));
    }
    node *n = (node *)(void *)e;
    if (n->look == m.looks) {
        DIFFER("membership", "key %s lies in the map twice", name_of(s, e->n));
    }
    n->look = m.looks;
    if (!key_same(s->key_kind, key, e->n, e->variant)) {
        DIFFER("key-current", "key %s lies in the map in another form than it should", name_of(s, e->n));
    }
    bool unwritten = s->event == ev_assign && e == s->entry;
    if (!unwritten && !elem_same(s->elem_kind, elem, e->stamp)) {
        DIFFER("elem-current", "the elem of key %s is not the value last written", name_of(s, e->n));
    }
    return oracle_ok;
}

static oracle_answer look_at_chain(const oracle_step *s, bmap *b, oracle_report *r)
{
    const maptype *t = s->t;
    for (; b != NULL; b = bmap_overflow(b, t)) {
        char *keys = (char *)b + dataOffset;
        char *elems = keys + bucketCnt * (size_t)t->keysize;
        for (unsigned i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] < minTopHash) {
                continue;
            }
            const void *key = keys + i * (size_t)t->keysize, *elem = elems + i * (size_t)t->elemsize;
            if (look_at_slot(s, maptype_indirectkey(t) ? gm_loadp(key) : key,
                             maptype_indirectelem(t) ? gm_loadp(elem) : elem, r) != oracle_ok) {
                return oracle_differs;
            }
        }
    }
    return oracle_ok;
}

/* What lies in the map is in the model, once, as it was written last.  `check`,
 * which is asked first, has seen that there is as much as the map counts. */
static oracle_answer look_at_all(const oracle_step *s, oracle_report *r)
{
    const maptype *t = s->t;
    hmap *h = s->h;
    m.looks++;
    for (uintptr_t n = 0; h->buckets != NULL && n < bucketShift(h->B); n++) {
        if (look_at_chain(s, add(h->buckets, n * t->bucketsize), r) != oracle_ok) {
            return oracle_differs;
        }
    }
    for (uintptr_t n = 0; hmap_growing(h) && n < hmap_noldbuckets(h); n++) {
        bmap *b = add(h->oldbuckets, n * t->bucketsize);
        if (!evacuated(b) && look_at_chain(s, b, r) != oracle_ok) {
            return oracle_differs;
        }
    }
    return oracle_ok;
}

static oracle_answer uthash_step(oracle_step *s, oracle_report *r)
{
    oracle_answer a = oracle_ok;
    bool all = s->phase;
    switch (s->event) {
    case ev_make:
        model_reset();
        m.last_seq = 0;
        break;
    case ev_assign:
        a = on_assign(s, r);
        break;
    case ev_get:
        a = on_get(s, r);
        break;
    case ev_delete:
        s->entry = s->facts.nan ? NULL : model_find(s->facts.id);
        if (s->entry != NULL) {
            model_remove(s->entry);
        }
        break;
    case ev_clear:
        model_reset();
        break;
    case ev_iter:
    case ev_next:
        a = on_next(s, r);
        break;
    case ev_panic:
    case ev_end:
        break;
    case ev_nomemory:
    case ev_check:
    case ev_before_free:
        all = true;
        break;
    case ev_free:
    case ev_finish:
        return oracle_ok;
    }
    if (a != oracle_ok) {
        return a;
    }
    if (s->h == NULL) {
        return oracle_ok; /* makemap failed: there is no map to compare */
    }
    size_t count = (size_t)s->h->count;
    if (count != m.count) {
        DIFFER("length", "the map counts %zu entries, the model %zu", count, m.count);
    }
    return all ? look_at_all(s, r) : oracle_ok;
}

static void uthash_show(const oracle_step *s, FILE *out)
{
    for (const oracle_entry *e = m.entries; e != NULL; e = e->next) {
        char text[64];
        key_name(s->key_kind, e->n, text, sizeof text);
        fprintf(out, "%s = value %llu\n", text, (unsigned long long)e->stamp);
    }
}

const oracle oracle_uthash = {"uthash", uthash_step, uthash_show, NULL};
