/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil_run.c: spoilers of what only a run shows: its results, its memory, the
 * alarms that the port raises itself.
 */
#include "blocks.h"
#include "spoil_map.h"

/* ---- what the judges besides check must see -------------------------------- */

enum { entries_needed = 5 };

/* Of a map with a few entries, the first that is in a main bucket of the new
 * array. */
static bmap *entry_of_some(const victim *m, unsigned *slot)
{
    for (uintptr_t n = 0; m->h->count >= entries_needed && n < bucketShift(m->h->B); n++) {
        bmap *b = main_bucket(m, m->h->buckets, n);
        for (*slot = 0; *slot < bucketCnt; ++*slot) {
            if (b->tophash[*slot] >= minTopHash) {
                return b;
            }
        }
    }
    return NULL;
}

bool spoil_wrong_tophash(const victim *m)
{
    unsigned i;
    bmap *b = entry_of_some(m, &i);
    if (b == NULL) {
        return false;
    }
    b->tophash[i] ^= 0x40;
    return true;
}

bool spoil_wrong_elem(const victim *m)
{
    unsigned i;
    bmap *b = entry_of_some(m, &i);
    if (b == NULL || m->t->elem->size == 0) {
        return false;
    }
    unsigned char *e = elem_slot(m, b, i);
    e = maptype_indirectelem(m->t) ? gm_loadp(e) : e;
    e[0] ^= 1;
    return true;
}

/* Keys that lie where they should by their hash: only the model knows better. */

static unsigned char *key_of_some(const victim *m)
{
    unsigned i;
    bmap *b = entry_of_some(m, &i);
    return b != NULL ? key_of(m, b, i) : NULL;
}

bool spoil_entry_twice(const victim *m)
{
    unsigned i;
    bmap *b = entry_of_some(m, &i);
    if (b == NULL || i + 1 == bucketCnt || b->tophash[i + 1] < minTopHash) {
        return false;
    }
    memcpy(key_slot(m, b, i), key_slot(m, b, i + 1), m->t->keysize);
    memcpy(elem_slot(m, b, i), elem_slot(m, b, i + 1), m->t->elemsize);
    return true;
}

SPOIL(key_of_no_entry, void, key, key_of_some(m), key_make((key_kind)m->tr->key, 9999, 0, key))

/* A hasher with a rule does not know what it is, and so hashes it as Go would. */
bool spoil_key_of_no_number(const victim *m)
{
    unsigned i;
    bmap *b = entry_of_some(m, &i);
    if (b == NULL || m->h->B != 0 || m->tr->key != key_int64) {
        return false;
    }
    int64_t none = -1;
    while (tophash(m->t->hasher(m->t->key, &none, m->h->hash0)) != b->tophash[i]) {
        none--;
    }
    memcpy(key_of(m, b, i), &none, sizeof none);
    return true;
}

bool spoil_key_in_another_form(const victim *m)
{
    unsigned char *key = key_of_some(m), was[key_max_size];
    uint32_t payload;
    key_facts facts;
    if (key == NULL || m->tr->key != key_iface || !key_read(key_iface, key, &facts, &payload)) {
        return false;
    }
    memcpy(was, key, m->t->key->size);
    for (uint32_t variant = 0; variant < 2 && memcmp(key, was, m->t->key->size) == 0; variant++) {
        key_make(key_iface, facts.n, variant, key);
    }
    return true;
}

bool spoil_swallowed_step(const victim *m)
{
    unsigned i;
    if (entry_of_some(m, &i) == NULL || m->its[0].h == NULL) {
        return false;
    }
    mapiternext(&m->its[0]);
    return true;
}

bool spoil_leak(const victim *m)
{
    unsigned i;
    return entry_of_some(m, &i) != NULL && newobject(8, gm_block_key) != NULL;
}

bool spoil_another_end(const victim *m)
{
    unsigned i;
    if (entry_of_some(m, &i) == NULL || !m->other_run) {
        return false;
    }
    m->h->hash0++;
    return true;
}

bool spoil_wrong_count(const victim *m)
{
    unsigned i;
    if (entry_of_some(m, &i) == NULL) {
        return false;
    }
    m->h->count++;
    return true;
}

/* Is that op one on an unhashable key? */
static bool panics(const victim *m, size_t number)
{
    const op *o = &m->tr->ops[number];
    return number < m->tr->nops && o->count == 1 && key_facts_of((key_kind)m->tr->key, o->key).unhashable;
}

/* Between two panics nothing may change. */
bool spoil_change_between_panics(const victim *m)
{
    return panics(m, m->done - 1) && panics(m, m->done) && spoil_wrong_elem(m);
}

/* ---- another thread ------------------------------------------------------- */

/* An allocator that is not the run's: another thread ends the write that is
 * under way, or the next allocation fails, which nobody has asked for. */
static hmap *written;
static bool refusing;

static void end_of_write(void)
{
    if (written != NULL) {
        set_flags(written, flags_of(written) & ~(unsigned)hashWriting);
    }
}

static void *other_alloc(void *ctx, size_t size)
{
    (void)ctx;
    end_of_write();
    if (refusing) {
        refusing = false;
        return NULL;
    }
    return block_new(size);
}

static void other_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    end_of_write();
    block_free(p, size);
}

static const gm_allocator other_allocator = {other_alloc, other_free, NULL};

SPOIL(write_under_way, hmap, h, with_entries(m), set_flags(h, flags_of(h) | hashWriting))

static const unsigned char no_key[1024]; /* no key of a trace, where keys are long */

/* The run looks up by mapaccess1 first, which would be the one to notice. */
SPOIL(lookup_beside_a_write, hmap, h, with_entries(m), bool ok; set_flags(h, flags_of(h) | hashWriting);
      mapaccess2(m->t, h, no_key, &ok))

/* Writes with another thread beside it, who ends that write: only what the write
 * itself calls can do it in time, so that it is done here, and not by the trace. */
static bool end_write_of(const victim *m, void (*write)(const victim *m))
{
    if (!maptype_indirectkey(m->t) || iterator_of(m) != NULL || in_new(m, begun) == NULL) {
        return false; /* it has to allocate or free, and at once */
    }
    gm_set_allocator(&other_allocator);
    refusing = false;
    written = m->h;
    write(m);
    written = NULL;
    return true;
}

static void assign_one(const victim *m)
{
    mapassign(m->t, m->h, no_key);
}

static void delete_one(const victim *m)
{
    unsigned char key[sizeof no_key];
    memcpy(key, key_of(m, in_new(m, begun), 0), m->t->key->size);
    mapdelete(m->t, m->h, key);
}

static void clear_all(const victim *m)
{
    mapclear(m->t, m->h);
}

bool spoil_assignment_ended_by_another(const victim *m)
{
    return end_write_of(m, assign_one);
}

bool spoil_deletion_ended_by_another(const victim *m)
{
    return end_write_of(m, delete_one);
}

bool spoil_clearing_ended_by_another(const victim *m)
{
    return end_write_of(m, clear_all);
}

bool spoil_failure_that_nobody_asked_for(const victim *m)
{
    if (!maptype_indirectkey(m->t) && !maptype_indirectelem(m->t)) {
        return false; /* only there every insertion allocates */
    }
    gm_set_allocator(&other_allocator);
    written = NULL;
    refusing = true;
    return true;
}

/* ---- what the port itself must see ----------------------------------------- */

/* The next op may begin a growth. */
static hmap *about_to_grow(const victim *m)
{
    bool assigns = m->done < m->tr->nops && m->tr->ops[m->done].code == op_assign;
    return assigns && overLoadFactor(m->h->count + 1, m->h->B) && idle(m) ? without_iterators(m) : NULL;
}

SPOIL(old_generation_before_a_growth, hmap, h, about_to_grow(m), h->extra->oldoverflow = h->extra->overflow)

/* The next growth work meets it. */
static bmap *at_the_mark(const victim *m)
{
    bmap *b = growing(m) != NULL ? main_bucket(m, m->h->oldbuckets, m->h->nevacuate) : NULL;
    return b != NULL && with_two(m, b) ? b : NULL;
}

SPOIL(evacuated_before_its_evacuation, bmap, b, at_the_mark(m), b->tophash[1] = evacuatedX)
