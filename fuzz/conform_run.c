/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_run.c: asks a child to carry out a trace; see conform_run.h.
 *
 * Requests are sent ahead of their answers, except where an answer decides what
 * is asked next.
 */
#include "conform_runner.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    most_entries = 4096, /* of a map */
    most_requests = 30000,
    most_hint = 1 << 16,    /* for a map that is free to take it as it likes */
    most_array = 1 << 22,   /* bytes of buckets that a hint may ask for */
    dumped_bytes = 1 << 17, /* by dumps of a trace, spread over it */
    some_steps = 16,
    sweep_entries = 256,
    repeated_entries = 16
};

static void settle(runner *r)
{
    while (r->due > 0) {
        runner_take(r);
    }
}

/* ---- asking ------------------------------------------------------------------- */

/* to_child: what the child gets, where that is not what the port gets; `` for
 * nothing. */
static void ask(runner *r, asked a, const char *text, const char *to_child)
{
    if (r->stop) {
        return;
    }
    if (r->due == runner_window) {
        runner_take(r);
    }
    a.op = r->op;
    a.text = strdup(text);
    if (a.text == NULL) {
        fprintf(stderr, "gomap-conform: the machine has no memory left\n");
        exit(2);
    }
    a.local = to_child != NULL && *to_child == '\0';
    if (!a.local && !r->stop) {
        peer_send(&r->c->child, to_child != NULL ? to_child : text);
        r->c->requests++;
        r->requests++;
    }
    r->ring[(r->first + r->due) % runner_window] = a;
    r->due++;
    if (r->how->in_step || r->memory) {
        settle(r);
    }
}

static void ask_plain(runner *r, request what, const char *text)
{
    ask(r, (asked){.what = what}, text, NULL);
}

static void ask_slot(runner *r, request what, unsigned slot)
{
    static const char *const words[] = {[req_iter] = "iter", [req_next] = "next", [req_end] = "end"};
    char text[32];
    snprintf(text, sizeof text, "%s %u", words[what], slot);
    ask(r, (asked){.what = what, .slot = slot}, text, r->range ? NULL : "");
}

/* The hint as the child can take it: a structure may be asked for any that
 * costs no more than a few MiB. */
static int64_t sane_hint(const runner *r, int64_t hint)
{
    if (!r->shaped) {
        return hint >= 0 && hint <= most_hint ? hint : 0;
    }
    maptype t;
    kinds_maptype(&t, (key_kind)r->tr->key, (elem_kind)r->tr->elem, hash_real, gm_exact);
    uint64_t array = (uint64_t)hint * t.bucketsize; /* more than it will be, by a factor of about 6 */
    bool taken = hint > 0 && (uint64_t)hint <= maxAlloc / t.bucketsize;
    return taken && (hint > 1 << 24 || array > most_array) ? 0 : hint;
}

static bool fresh_map(runner *r, uint8_t maker, int64_t hint, bool first)
{
    const trace *tr = r->tr;
    if (!r->shaped || maker == make_map_own) { /* whose the hmap is does not show */
        maker = make_map;
    }
    char text[256], to_child[128], seed[32] = "";
    hint = sane_hint(r, hint);
    if (first) {
        snprintf(seed, sizeof seed, " seed=%u", (unsigned)tr->seed);
    }
    snprintf(to_child, sizeof to_child, "map key=%s elem=%s hint=%" PRId64, key_kind_names[tr->key],
             elem_kind_names[tr->elem], hint);
    snprintf(text, sizeof text, "%s hash=%s mode=%s maker=%s%s", to_child, hash_kind_names[tr->hash],
             r->exact ? "exact" : "strict", op_maker_names[maker], seed);
    memset(r->begun, 0, sizeof r->begun);
    for (r->nomem = true; r->nomem && !r->stop;) { /* again where memory had to fail */
        r->nomem = false;
        ask(r, (asked){.what = req_map}, text, r->shaped ? NULL : to_child);
        settle(r);
    }
    return r->made && !r->stop;
}

static void put_key(runner *r, asked *a, char word[wire_room])
{
    uint64_t key[(key_max_size + 7) / 8];
    key_kind k = (key_kind)r->tr->key;
    bool nan = key_facts_of(k, a->n).nan;
    a->payload = nan ? ++r->payloads & 0xffff : 0;
    key_make(k, a->n, k == key_padded ? ++r->padding : a->payload, key);
    wire_put_key(k, key, word);
}

static void ask_key(runner *r, request what, uint16_t n)
{
    static const char *const words[] = {[req_set] = "set", [req_get] = "get", [req_del] = "del"};
    char key[wire_room], elem[wire_room] = "", text[2 * wire_room + 32];
    unsigned char bytes[elem_max_size];
    asked a = {.what = what, .n = n};
    put_key(r, &a, key);
    if (what == req_set) {
        a.stamp = ++r->stamps;
        elem_make((elem_kind)r->tr->elem, a.stamp, bytes);
        wire_put_elem((elem_kind)r->tr->elem, bytes, elem);
    }
    snprintf(text, sizeof text, "%s %s%s%s", words[what], key, *elem != '\0' ? " " : "", elem);
    ask(r, a, text, NULL);
}

/* Entries of the model, by get: those that equal themselves. */
static void sweep(runner *r, size_t most)
{
    static uint16_t numbers[sweep_entries];
    size_t n = 0;
    settle(r);
    most = most < sweep_entries ? most : sweep_entries;
    for (const oracle_entry *e = model_entries(); e != NULL && n < most; e = e->next) {
        if (!e->nan) {
            numbers[n++] = e->n;
        }
    }
    for (size_t i = 0; i < n; i++) {
        ask_key(r, req_get, numbers[i]);
    }
}

static void do_set(runner *r, uint16_t n)
{
    if (model_count() + r->due >= most_entries) {
        settle(r);
        if (model_count() >= most_entries) {
            return;
        }
    }
    r->nomem = false;
    ask_key(r, req_set, n);
    if (!r->nomem) { /* which is known at once only where memory may fail */
        return;
    }
    ask_plain(r, req_len, "len");
    ask_key(r, req_get, n);
    sweep(r, repeated_entries);
    while (r->nomem && !r->stop) {
        r->nomem = false;
        ask_key(r, req_set, n);
    }
    if (!r->stop) {
        runner_held(r, check_repeat);
    }
}

static void do_next(runner *r, const op *o)
{
    unsigned slot = o->iter;
    if (!r->begun[slot]) {
        return;
    }
    if (!o->all) {
        for (unsigned i = 0; i < o->count; i++) {
            ask_slot(r, req_next, slot);
        }
        return;
    }
    do {
        for (unsigned i = 0; i < some_steps; i++) {
            ask_slot(r, req_next, slot);
        }
        settle(r);
    } while (!r->stop && r->live[slot] && r->requests < most_requests);
}

static void do_end(runner *r, unsigned slot)
{
    if (r->begun[slot]) {
        r->begun[slot] = false;
        ask_slot(r, req_end, slot);
    }
}

static void do_nil(runner *r, uint16_t n)
{
    static const char *const words[] = {"set", "get", "del"};
    static const char *const others[] = {"nil len", "nil clear", "nil iter"};
    char key[wire_room], elem[wire_room], text[2 * wire_room + 32];
    unsigned char bytes[elem_max_size];
    asked a = {.what = req_nil, .n = n};
    elem_make((elem_kind)r->tr->elem, 1, bytes);
    wire_put_elem((elem_kind)r->tr->elem, bytes, elem);
    for (unsigned i = 0; i < 3; i++) {
        put_key(r, &a, key);
        snprintf(text, sizeof text, "nil %s %s%s%s", words[i], key, i == 0 ? " " : "", i == 0 ? elem : "");
        ask(r, a, text, NULL);
    }
    for (unsigned i = 0; i < (r->range ? 3 : 2); i++) {
        ask(r, a, others[i], NULL);
    }
}

static void do_clear(runner *r)
{
    if ((r->c->errata & 1U << 1) != 0) { /* E1 is about iterations alive */
        for (unsigned i = 0; i < oracle_iters; i++) {
            do_end(r, i);
        }
    }
    ask_plain(r, req_clear, "clear");
}

/* Where the key is the one that an iterator stands on. */
static bool stands_on(runner *r, unsigned slot)
{
    settle(r);
    return !r->stop && r->begun[slot] && r->stands[slot];
}

static void do_fail(runner *r, const op *o)
{
    char text[48];
    if (!r->memory) {
        return;
    }
    r->failures = o->count;
    r->nomems = 0;
    snprintf(text, sizeof text, "fail %u %u", o->key, o->count);
    ask(r, (asked){.what = req_fail}, text, NULL);
}

static void do_op(runner *r, const op *o)
{
    char text[32];
    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        for (unsigned i = 0; i < o->count; i++) {
            uint16_t n = (uint16_t)(o->key + i * o->step);
            if (o->code == op_assign) {
                do_set(r, n);
            } else {
                ask_key(r, o->code == op_delete ? req_del : req_get, n);
            }
        }
        break;
    case op_set_at:
        if (stands_on(r, o->iter)) {
            do_set(r, r->at[o->iter]);
        }
        break;
    case op_del_at:
    case op_get_at:
        if (stands_on(r, o->iter)) {
            ask_key(r, o->code == op_del_at ? req_del : req_get, r->at[o->iter]);
        }
        break;
    case op_clear:
        do_clear(r);
        break;
    case op_iter:
        r->begun[o->iter] = true;
        ask_slot(r, req_iter, o->iter);
        break;
    case op_next:
        do_next(r, o);
        break;
    case op_end:
        do_end(r, o->iter);
        break;
    case op_check:
        ask_plain(r, req_len, "len");
        break;
    case op_fail:
        do_fail(r, o);
        break;
    case op_seed:
        if (r->shaped) {
            snprintf(text, sizeof text, "seed %u", o->key);
            ask_plain(r, req_seed, text);
        }
        break;
    case op_make:
        fresh_map(r, o->maker, o->hint, false);
        break;
    case op_nil:
        do_nil(r, o->key);
        break;
    case op_codes:
        break;
    }
}

/* Dumps after each op, unless that gets long. */
static void maybe_dump(runner *r, bool last)
{
    if (!r->structure || r->stop || r->ref.h == NULL) {
        return;
    }
    if (last || r->dumped * r->tr->nops <= dumped_bytes * r->op) {
        ask_plain(r, req_dump, "dump");
    }
}

/* All is looked at once more. */
static void finish(runner *r)
{
    r->op = r->tr->nops + 1;
    settle(r);
    maybe_dump(r, true);
    if (r->memory) {
        r->failures = r->nomems = 0;
        ask(r, (asked){.what = req_fail}, "fail 0 0", NULL);
    }
    ask_plain(r, req_len, "len");
    sweep(r, sweep_entries);
    if (r->range) {
        const op whole = {.code = op_next, .all = true};
        r->begun[0] = true;
        ask_slot(r, req_iter, 0);
        do_next(r, &whole);
    }
    if (r->leaks) {
        ask(r, (asked){.what = req_free}, "free", NULL);
    }
    settle(r);
}

static bool has_failures(const trace *tr)
{
    for (size_t i = 0; i < tr->nops; i++) {
        if (tr->ops[i].code == op_fail) {
            return true;
        }
    }
    return false;
}

static bool judged(const conform *c, conform_level level)
{
    return (c->levels & 1U << level) != 0;
}

breach conform_run(conform *c, const trace *tr, const conform_how *how)
{
    static runner r; /* too large for a stack */
    memset(&r, 0, sizeof r);
    r.c = c;
    r.tr = tr;
    r.how = how;
    /* Where only exact mode can be had, an erratum may break the promise, and
     * which it is only the structure tells. */
    r.range = judged(c, level_range) && (!how->lower || c->strict);
    r.memory = judged(c, level_memory) && has_failures(tr);
    r.leaks = judged(c, level_memory);
    r.shaped = judged(c, level_structure) && !r.memory && (c->target.hashes >> tr->hash & 1) != 0;
    r.structure = r.shaped && !how->lower;
    r.exact = r.shaped && c->exact && (tr->mode == gm_exact || !c->strict);
    if (c->child.pid == 0 || c->child.fault != peer_well) {
        conform again = *c;
        char why[256];
        bool met = conform_meet(&again, why, sizeof why);
        c->child = again.child;
        if (!met) {
            runner_break(&r, &(asked){.op = 0}, level_protocol, "child", "start",
                         "started again, it fails: %s", why);
            return r.b;
        }
    }
    c->traces += how->counted;
    if (fresh_map(&r, tr->maker, tr->hint, true)) {
        for (size_t i = 0; i < tr->nops && !r.stop && r.requests < most_requests; i++) {
            r.op = i + 1;
            do_op(&r, &tr->ops[i]);
            maybe_dump(&r, false);
        }
        finish(&r);
    }
    settle(&r);
    if (!r.stop && peer_has_more(&c->child)) {
        const char *more = peer_line(&c->child);
        runner_break(&r, &(asked){.op = tr->nops + 1}, level_protocol, "child", "unasked",
                     "when all was answered, `%.80s` came",
                     more != NULL ? more : "something without a newline");
    }
    gm_map_free(&r.ref.t, r.ref.h);
    gm_set_erratum_hook(NULL);
    if (r.stop && c->child.pid != 0) {
        c->child.fault = c->child.fault == peer_well ? peer_closed : c->child.fault;
        peer_stop(&c->child); /* what it still has to say is of no use */
    }
    return r.b;
}
