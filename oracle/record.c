/* SPDX-License-Identifier: BSD-3-Clause
 *
 * record.c: what the port really did; see record.h.
 */
#include "record.h"

#include <stdlib.h>

#include "digest.h"

recording record;

static _Noreturn void no_memory(void)
{
    fprintf(stderr, "gomap: the machine has no memory for a recording\n");
    abort();
}

static void make_room(void)
{
    if (record.nops + 2 < record.room) {
        return;
    }
    record.room = record.room == 0 ? 1 << 12 : 2 * record.room;
    record.ops = realloc(record.ops, record.room * record_op_bytes);
    record.each = realloc(record.each, record.room * sizeof *record.each);
    record.at = realloc(record.at, record.room * sizeof *record.at);
    if (record.ops == NULL || record.each == NULL || record.at == NULL) {
        no_memory();
    }
}

void record_begin(bool on, bool digests, size_t stop)
{
    make_room();
    record.nops = 0;
    record.words[0] = '\0';
    record.seen = 0;
    record.key = record.elem = NULL;
    record.roll = 1;
    record.states = 0;
    record.on = on;
    record.cut = false;
    record.digest = digests;
    record.stop = stop;
}

void record_cut(void)
{
    record.cut = record.cut || record.on;
    record.on = false;
}

static void roll(uint64_t x)
{
    record.roll = digest_step(record.roll, x);
}

void record_header(const uint8_t header[record_header_bytes])
{
    if (record.on) {
        memcpy(record.header, header, record_header_bytes);
        roll(record_make);
    }
}

void record_op(const uint8_t op[record_op_bytes])
{
    if (!record.on) {
        return;
    }
    make_room();
    memcpy(record.ops + record_op_bytes * record.nops, op, record_op_bytes);
    record.nops++;
    record.words[0] = '\0';
    record.seen = 0;
    record.key = record.elem = NULL;
    roll(op[0] & 31);
    if ((op[0] & 31) == record_make) {
        roll(record_make); /* the code, and that a map was made */
    }
}

void record_simple(unsigned code, unsigned hi, uint16_t key)
{
    uint8_t op[record_op_bytes] = {(uint8_t)(code | hi << 5), 0, (uint8_t)key, (uint8_t)(key >> 8)};
    record_op(op);
}

void record_text(const char *words)
{
    if (!record.on) {
        return;
    }
    snprintf(record.words, sizeof record.words, "%s", words);
    for (; *words != '\0'; words++) {
        roll((unsigned char)*words);
    }
}

void record_elem(const oracle_step *s, const void *elem)
{
    if (record.on) {
        record.roll = digest_elem(s, record.roll, elem);
    }
}

void record_get_result(const oracle_step *s)
{
    if (!record.on) {
        return;
    }
    const oracle_access *a = &s->access;
    bool missing = a->e1 == zeroVal;
    const bool seen[] = {
        missing, a->e2 == zeroVal, a->fat1 == a->zero, a->fat2 == a->zero, a->k == NULL,     a->ke == NULL,
        a->ok2,  a->okfat,         a->e1 == a->e2,     a->e1 == a->fat1,   a->e1 == a->fat2, a->e1 == a->ke};
    uint64_t flags = 0;
    for (unsigned i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        flags |= (uint64_t)seen[i] << i;
    }
    roll(flags);
    record.seen = flags;
    record.key = a->k;
    record.elem = missing ? NULL : a->e1;
    if (a->k != NULL) {
        record.roll = digest_key(s, record.roll, a->k);
    }
    if (!missing) {
        record.roll = digest_elem(s, record.roll, a->e1);
    }
}

/* Where the step's iterator stands, and what it shows: now is when its key and
 * elem can be read. */
void record_stands(const oracle_step *s)
{
    const hiter *it = &s->its[s->slot];
    if (!record.on) {
        return;
    }
    if (it->h == NULL) {
        roll(0);
        return;
    }
    const maptype *t = s->t;
    uintptr_t slot = (uintptr_t)(it->i + it->offset + bucketCnt - 1) & (bucketCnt - 1);
    void *k = add(it->bptr, dataOffset + slot * t->keysize);
    void *e = add(it->bptr, dataOffset + bucketCnt * (uintptr_t)t->keysize + slot * t->elemsize);
    k = maptype_indirectkey(t) ? gm_loadp(k) : k;
    e = maptype_indirectelem(t) ? gm_loadp(e) : e;
    record.seen = 1U | (it->key == k ? 2U : 0) | (it->elem == e ? 4U : 0);
    record.key = it->key;
    record.elem = it->elem;
    roll(record.seen);
    record.roll = digest_key(s, record.roll, it->key);
    record.roll = digest_elem(s, record.roll, it->elem);
}

bool record_done(const oracle_step *s, size_t op)
{
    if (!record.on) {
        return true;
    }
    record.at[record.nops] = (uint32_t)op;
    if (record.digest) {
        record.each[record.nops] = digest_step(record.roll, oracle_digest(s));
        record.states++;
    }
    if (record.look != NULL) {
        record.look(s);
    }
    return record.nops != record.stop;
}

uint64_t record_map_end(const oracle_step *s)
{
    if (!record.on) {
        return 0;
    }
    uint64_t state = oracle_digest(s);
    roll(state);
    record.states++;
    return state;
}
