/* SPDX-License-Identifier: BSD-3-Clause
 *
 * run.c: carries out a trace on the port, and shows every step to the judges.
 *
 * Cost is bounded: each step is charged roughly what it costs, and the rest of
 * the trace is ignored once the budget is used up.  The charge depends on the
 * trace alone, never on a clock, so that an input always does the same.
 */
#include "run.h"

#include <setjmp.h>
#include <stdlib.h>

#include "../oracle/judge_go.h"
#include "blocks.h"

enum {
    budget_units = 10000,    /* about one unit a step */
    default_bytes = 1 << 18, /* of the map's memory; beyond, allocations fail */
    budget_entries = oracle_max_entries - 1,
    budget_chain = 16,    /* overflow buckets of a chain; no key goes into a longer one */
    bytes_per_unit = 2048 /* of memory to be cleared, copied or walked */
};

typedef struct runner {
    const trace *tr;
    const fuzz_target *target;
    const run_options *options;
    bool judged;
    bool first; /* the caller is shown each op */
    bool told;  /* a failure is reported to the caller */

    maptype t;
    hmap *h;
    hmap own; /* for a map that is made in it */
    hiter its[oracle_iters];

    oracle_step step;
    run_result result;
    uint64_t stamp;   /* elems written so far */
    uint32_t variant; /* keys made so far */
    uint64_t key[(key_max_size + 7) / 8];
    size_t budget;

    uint64_t digest; /* of the state, while nothing but panics has happened since */
    bool digest_holds;

    uint16_t at[oracle_iters]; /* number of the key that the iterator last produced */
    bool stands[oracle_iters]; /* and whether there is one */

    bool was_growing;
    uint8_t was_B;

    jmp_buf stop;    /* a judge differs, the port failed unexpectedly, or the recording is long enough */
    bool stopped;    /* the latter */
    jmp_buf *expect; /* a panic is expected, and wanted here */
    gm_event event;  /* the last panic, throw or fatal */
    const char *message;

    size_t bytes_of_others; /* allocated before this run, by one that failed */
    size_t fail_after;      /* allocations that still succeed */
    size_t fail_count;      /* then so many fail */
    bool injected;
    bool full; /* the limit of bytes was met */
} runner;

static runner *current; /* for the handler and the allocator, which have no context of ours */

static size_t run_units(const run_options *o)
{
    return o->limits.units != 0 ? o->limits.units : budget_units;
}

/* Not more than the budget lets a run look at three times. */
size_t run_bytes(const fuzz_target *f, const run_options *o)
{
    if (o->limits.bytes != 0) {
        return o->limits.bytes;
    }
    size_t limit = f->bytes != 0 ? f->bytes : default_bytes;
    size_t seen = run_units(o) * bytes_per_unit / 3;
    return limit < seen ? limit : seen;
}

/* ---- allocation faults -------------------------------------------------- */

static void *run_alloc(void *ctx, size_t size)
{
    (void)ctx;
    runner *r = current;
    if (r->fail_count > 0) {
        if (r->fail_after > 0) {
            r->fail_after--;
        } else {
            r->fail_count--;
            r->injected = true;
            return NULL;
        }
    }
    size_t limit = run_bytes(r->target, r->options);
    if (size > limit || gm_mem_stats_get().live_bytes - r->bytes_of_others > limit - size) {
        r->injected = true;
        r->full = true;
        return NULL;
    }
    return block_new(size);
}

static void run_free(void *ctx, void *p, size_t size)
{
    (void)ctx;
    block_free(p, size);
}

static const gm_allocator run_allocator = {run_alloc, run_free, NULL};

/* ---- failing ------------------------------------------------------------- */

static void run_handler(gm_event what, const char *msg)
{
    runner *r = current;
    r->event = what;
    r->message = msg;
    if (r->expect != NULL) {
        longjmp(*r->expect, 1);
    }
    static const char *const words[] = {
        [gm_event_panic] = "panic", [gm_event_throw] = "throw", [gm_event_fatal] = "fatal"};
    oracle_differ(&r->result.report, words[what], "unexpected", "%s", msg);
    longjmp(r->stop, 1);
}

/* ---- steps ---------------------------------------------------------------- */

/* The caller may want to know of it, and a failure tells what it was. */
static void begin_step(runner *r, run_step s)
{
    s.growing = r->h != NULL && hmap_growing(r->h);
    r->result.step = s;
    if (r->first && r->options->step != NULL) {
        r->options->step(r->options->ctx, &s);
    }
}

static void begin_keyed(runner *r, run_act act, uint16_t n)
{
    begin_step(r, (run_step){.act = act, .key = n, .unhashable = r->step.facts.unhashable});
}

static void begin_slot(runner *r, run_act act, unsigned slot)
{
    begin_step(r, (run_step){.act = act, .slot = (uint8_t)slot});
}

static void charge(runner *r, size_t units)
{
    r->budget -= units < r->budget ? units : r->budget;
}

/* The size of a key as it costs to be read and compared: field by field is slow. */
static size_t key_cost(const runner *r)
{
    return r->t.key->size * (r->tr->key == key_mixed ? 4 : 1);
}

/* What it costs more to hash so many keys by AES, which takes time for each byte. */
static size_t by_aes(const runner *r, size_t keys)
{
    return r->tr->hash == hash_aes ? keys * r->t.key->size / 128 : 0;
}

/* The cost of looking at every bucket. */
static size_t whole(const runner *r)
{
    if (r->h == NULL) {
        return 1;
    }
    size_t bytes = bucketShift(r->h->B) * r->t.bucketsize, count = (size_t)r->h->count;
    return 1 + bytes / bytes_per_unit + count / 4 + by_aes(r, count);
}

/* Overflow buckets in the chain that the key falls into. */
static size_t chain(const runner *r)
{
    if (r->h == NULL || r->h->buckets == NULL) {
        return 0;
    }
    size_t n = 0;
    bmap *b = add(r->h->buckets, (r->step.hash & bucketMask(r->h->B)) * r->t.bucketsize);
    while ((b = bmap_overflow(b, &r->t)) != NULL) {
        n++;
    }
    return n;
}

static void ask(runner *r, oracle_event event)
{
    oracle_step *s = &r->step;
    s->event = event;
    s->h = r->h;
    s->injected = r->injected;
    r->injected = false;
    if (event == ev_free || event == ev_finish || r->h == NULL) {
        s->phase = false;
    } else {
        bool growing = hmap_growing(r->h);
        s->phase = growing != r->was_growing || r->h->B != r->was_B;
        r->was_growing = growing;
        r->was_B = r->h->B;
        if (s->phase || event == ev_clear || event == ev_check) {
            charge(r, 2 * whole(r));
        }
        charge(r, by_aes(r, growing ? 2 * bucketCnt : 4)); /* keys of two buckets, or this one a few times */
    }
    charge(r, 1);
    if (event == ev_assign || event == ev_delete || event == ev_get || event == ev_nomemory) {
        charge(r, chain(r) * (128 + key_cost(r)) / 512); /* the check hashes all its keys */
    }
    if (event != ev_panic) {
        r->digest_holds = false;
    }
    r->result.steps++;
    if (r->judged && !oracle_ask(s, &r->result.report)) {
        longjmp(r->stop, 1);
    }
}

/* Calls key number n into being, and notes how the port will hash it.  For a
 * key whose hash is drawn at random the draw is the next one, and is put back.
 * An unhashable key has none. */
static void use_key(runner *r, uint16_t n)
{
    oracle_step *s = &r->step;
    s->n = n;
    s->variant = ++r->variant;
    s->facts = key_facts_of((key_kind)r->tr->key, n);
    s->key = r->key;
    key_make((key_kind)r->tr->key, n, s->variant, r->key);
    s->hash = 0;
}

/* A step of the recording is complete. */
static void recorded(runner *r)
{
    r->step.h = r->h;
    if (!record_done(&r->step, r->result.op)) {
        r->stopped = true;
        longjmp(r->stop, 1);
    }
}

static void note_hash(runner *r)
{
    if (r->h != NULL && !r->step.facts.unhashable) {
        gm_rand state = gm_rand_state();
        r->step.hash = r->t.hasher(r->t.key, r->key, r->h->hash0);
        gm_rand_restore(state);
    }
}

/* An operation on an unhashable key: panics with Go's words, and leaves map,
 * iterators and generator exactly as they were.  more: another such operation
 * on the same key follows at once, and the map is compared after the last. */
static void expect_panic(runner *r, void (*call)(runner *r), bool more)
{
    gm_rand before = gm_rand_state();
    r->step.h = r->h;
    if (r->judged && !r->digest_holds) {
        r->digest = oracle_digest(&r->step);
        r->digest_holds = true;
    }
    charge(r, more ? 1 : 4 * whole(r));
    jmp_buf here;
    r->expect = &here;
    r->message = NULL;
    if (setjmp(here) == 0) {
        call(r);
    }
    r->expect = NULL;
    static const char words[] = "runtime error: hash of unhashable type ";
    char type[64];
    key_name((key_kind)r->tr->key, r->step.n, type, sizeof type);
    gm_rand after = gm_rand_state();
    if (r->message == NULL) {
        oracle_differ(&r->result.report, "panic", "missing", "no panic, but %s cannot be hashed", type);
    } else if (r->event != gm_event_panic || strncmp(r->message, words, sizeof words - 1) != 0 ||
               strcmp(r->message + sizeof words - 1, type) != 0) {
        oracle_differ(&r->result.report, "panic", "words", "\"%s\" instead of \"%s%s\"", r->message, words,
                      type);
    } else if (memcmp(&before, &after, sizeof before) != 0) {
        oracle_differ(&r->result.report, "panic", "randomness", "the panic has drawn random numbers");
    } else if (r->judged && !more && oracle_digest(&r->step) != r->digest) {
        oracle_differ(&r->result.report, "panic", "trace-left", "the panic has changed the map");
    } else {
        record_text(r->message);
        ask(r, ev_panic);
        return;
    }
    longjmp(r->stop, 1);
}

static void *put_slot; /* what mapassign returned */

static void call_assign(runner *r)
{
    put_slot = mapassign(&r->t, r->h, r->key);
}

static void call_delete(runner *r)
{
    mapdelete(&r->t, r->h, r->key);
}

static unsigned char zero_elem[elem_max_size];

static void call_access1(runner *r)
{
    r->step.access.e1 = mapaccess1(&r->t, r->h, r->key);
}

static void call_access2(runner *r)
{
    r->step.access.e2 = mapaccess2(&r->t, r->h, r->key, &r->step.access.ok2);
}

static void call_access1_fat(runner *r)
{
    r->step.access.fat1 = mapaccess1_fat(&r->t, r->h, r->key, zero_elem);
}

static void call_access2_fat(runner *r)
{
    r->step.access.fat2 = mapaccess2_fat(&r->t, r->h, r->key, zero_elem, &r->step.access.okfat);
}

/* The one that does not hash on an empty map. */
static void call_accessK(runner *r)
{
    r->step.access.k = mapaccessK(&r->t, r->h, r->key, &r->step.access.ke);
}

static void call_get(runner *r)
{
    r->step.access.zero = zero_elem;
    call_access1(r);
    call_access2(r);
    call_access1_fat(r);
    call_access2_fat(r);
    call_accessK(r);
}

static void do_assign(runner *r, uint16_t n)
{
    size_t entries = r->options->limits.entries != 0 ? r->options->limits.entries : budget_entries;
    if ((size_t)r->h->count >= entries) {
        r->budget = 0;
        return;
    }
    use_key(r, n);
    if (r->step.facts.unhashable) {
        begin_keyed(r, act_assign, n);
        record_simple(record_assign, 0, n);
        expect_panic(r, call_assign, false);
        recorded(r);
        return;
    }
    note_hash(r);
    if (chain(r) >= budget_chain) {
        r->variant--; /* the key was not used: a recording need not know */
        charge(r, 1);
        return;
    }
    r->injected = false;
    begin_keyed(r, act_assign, n);
    call_assign(r);
    if (put_slot == NULL) {
        record_cut(); /* what was done of the growth is done; Go never fails */
        charge(r, whole(r));
        ask(r, ev_nomemory);
        if (r->full) {
            r->budget = 0; /* from here on, nothing but the same again */
            return;
        }
        if (r->fail_count > 0 && r->fail_after == 0) {
            return; /* more failures are to come; later ops meet them */
        }
        note_hash(r);
        call_assign(r);
        if (put_slot == NULL) {
            ask(r, ev_nomemory);
            return;
        }
    }
    r->step.elem = put_slot;
    r->step.stamp = ++r->stamp;
    ask(r, ev_assign);
    record_simple(record_assign, 0, n);
    record_elem(&r->step, put_slot);
    elem_make((elem_kind)r->tr->elem, r->step.stamp, put_slot);
    recorded(r);
    charge(r, r->t.elem->size / 256 + r->t.key->size / 256);
}

static void do_delete(runner *r, uint16_t n)
{
    use_key(r, n);
    begin_keyed(r, act_delete, n);
    if (r->step.facts.unhashable) {
        record_simple(record_delete, 0, n);
        expect_panic(r, call_delete, false);
        recorded(r);
        return;
    }
    note_hash(r);
    r->injected = false;
    call_delete(r);
    if (r->injected) {
        record_cut(); /* it was deleted in the old bucket, for want of memory to evacuate it */
    }
    ask(r, ev_delete);
    record_simple(record_delete, 0, n);
    recorded(r);
}

static void do_get(runner *r, uint16_t n)
{
    use_key(r, n);
    begin_keyed(r, act_get, n);
    record_simple(record_get, 0, n);
    if (r->step.facts.unhashable) {
        expect_panic(r, call_access1, true);
        expect_panic(r, call_access2, true);
        expect_panic(r, call_access1_fat, true);
        expect_panic(r, call_access2_fat, r->h->count != 0);
        if (r->h->count != 0) {
            expect_panic(r, call_accessK, false);
        }
        recorded(r);
        return;
    }
    call_get(r);
    record_get_result(&r->step);
    note_hash(r);
    ask(r, ev_get);
    recorded(r);
}

/* A step of an iteration can scan many empty buckets. */
static void charge_scan(runner *r, const hiter *it, uintptr_t from)
{
    if (it->h != NULL) {
        uintptr_t scanned = (it->bucket - from) & bucketMask(it->B);
        charge(r, scanned / 16);
    } else {
        charge(r, whole(r));
    }
}

static void do_iter(runner *r, unsigned slot)
{
    hiter *it = &r->its[slot];
    r->step.slot = slot;
    begin_slot(r, act_iter, slot);
    if (it->h != NULL) {
        gm_iter_end(it);
        ask(r, ev_end);
    }
    mapiterinit(&r->t, r->h, it);
    record_simple(record_iter, slot, 0);
    record_stands(&r->step);
    charge_scan(r, it, it->startBucket);
    ask(r, ev_iter);
    recorded(r);
}

static void do_next(runner *r, unsigned slot)
{
    hiter *it = &r->its[slot];
    r->step.slot = slot;
    begin_slot(r, act_next, slot);
    uintptr_t from = it->bucket;
    jmp_buf here;
    r->expect = &here;
    r->message = NULL;
    if (setjmp(here) == 0) {
        mapiternext(it);
    }
    r->expect = NULL;
    record_simple(record_next, slot, 0);
    r->step.fault = r->message != NULL;
    if (r->step.fault) {
        if (r->event != gm_event_panic || strstr(r->message, "nil pointer") == NULL) {
            run_handler(r->event, r->message); /* not what E3 does: as if it had not been expected */
        }
        gm_iter_end(it);
        record_text(r->message);
    } else {
        record_stands(&r->step);
    }
    charge_scan(r, it, from);
    ask(r, ev_next);
    r->step.fault = false;
    recorded(r);
}

/* The first map is made as the header says, any other by an op. */
static void record_maker(const runner *r, uint8_t maker, int64_t hint)
{
    if (!record.on) {
        return; /* a trace is a large thing to make for nothing */
    }
    if (r->result.op == 0) {
        trace header = {.key = r->tr->key,
                        .elem = r->tr->elem,
                        .hash = r->tr->hash,
                        .mode = r->tr->mode,
                        .seed = r->tr->seed,
                        .maker = maker,
                        .hint = hint};
        uint8_t bytes[trace_max_bytes];
        trace_encode(&header, bytes);
        record_header(bytes);
        return;
    }
    op o = {.code = op_make, .maker = maker, .hint = hint};
    uint8_t bytes[trace_op_bytes];
    op_encode(&o, bytes);
    record_op(bytes);
}

static void make(runner *r, uint8_t maker, int64_t hint)
{
    r->injected = false;
    begin_step(r, (run_step){.act = act_make, .maker = maker, .hint = hint});
    r->step.before = gm_mem_stats_get();
    gm_rand before = gm_rand_state();
    for (int attempt = 0; attempt < 2; attempt++) {
        r->step.hint = maker == make_map_small ? 0 : (intptr_t)hint;
        if (maker == make_map64 && (int64_t)(intptr_t)hint != hint) {
            r->step.hint = 0;
        }
        switch ((op_maker)maker) {
        case make_map:
            r->h = makemap(&r->t, (intptr_t)hint, NULL);
            break;
        case make_map64:
            r->h = makemap64(&r->t, hint, NULL);
            break;
        case make_map_small:
            r->h = makemap_small();
            break;
        case make_map_reflect:
            r->h = reflect_makemap(&r->t, (intptr_t)hint);
            break;
        case make_map_own: /* as Go does for a map that stays in its function's frame */
            memset(&r->own, 0, sizeof r->own);
            r->h = makemap(&r->t, (intptr_t)hint, &r->own);
            break;
        case op_makers:
            break;
        }
        if (r->h != NULL) {
            break;
        }
        /* No memory: for the budget or on demand.  A map without buckets is
         * always to be had once no failure is pending. */
        ask(r, ev_nomemory);
        r->fail_count = 0;
        r->full = false;
        maker = make_map_small;
        hint = 0;
        gm_rand_restore(before); /* as if it had been asked for at once */
    }
    r->was_growing = false;
    r->was_B = r->h->B;
    charge(r, whole(r));
    ask(r, ev_make);
    record_maker(r, maker, hint);
    recorded(r);
}

static void unmake(runner *r)
{
    ask(r, ev_before_free);
    begin_step(r, (run_step){.act = act_free});
    gm_map_free(&r->t, r->h);
    r->h = NULL;
    memset(r->its, 0, sizeof r->its);
    ask(r, ev_free);
}

/* The dump of a nil map and of an iteration over it, which is short. */
typedef struct nil_text {
    char s[64];
    size_t size;
} nil_text;

static void put_nil_text(void *ctx, const char *s, size_t n)
{
    nil_text *t = ctx;
    size_t room = sizeof t->s - 1 - t->size;
    memcpy(t->s + t->size, s, n < room ? n : room);
    t->size += n < room ? n : room;
    t->s[t->size] = '\0';
}

/* Every operation on a nil map: reads find nothing, assignment panics; it is sound,
 * has a dump of its own, and nothing to free. */
static void do_nil(runner *r, uint16_t n)
{
    hmap *h = r->h;
    r->h = NULL;
    use_key(r, n);
    begin_keyed(r, act_nil, n);
    jmp_buf here;
    hiter it;
    memset(&it, 0, sizeof it);
    bool unhashable = r->step.facts.unhashable;
    const char *wrong = NULL;
    record_simple(record_nil, 0, n);
    for (int volatile c = 0; c < 3 && wrong == NULL; c++) {
        void (*const calls[])(runner *) = {call_get, call_delete, call_assign};
        bool want = c == 2 || unhashable;
        r->expect = &here;
        r->message = NULL;
        if (setjmp(here) == 0) {
            calls[c](r);
        }
        r->expect = NULL;
        if (r->message != NULL) {
            record_text(r->message);
        } else if (c == 0) {
            record_get_result(&r->step);
        }
        if ((r->message != NULL) != want) {
            wrong = want ? "no panic on a nil map" : "a panic on a nil map";
        } else if (c == 2 && strcmp(r->message, "assignment to entry in nil map") != 0) {
            wrong = "other words than \"assignment to entry in nil map\"";
        }
    }
    const oracle_access *a = &r->step.access;
    if (wrong == NULL && !unhashable &&
        (a->e1 != zeroVal || a->ok2 || a->okfat || a->k != NULL || a->fat2 != a->zero)) {
        wrong = "a nil map has entries";
    }
    mapclear(&r->t, NULL);
    mapiterinit(&r->t, NULL, &it);
    if (wrong == NULL && (it.key != NULL || it.h != NULL)) {
        wrong = "an iteration over a nil map has begun";
    }
    mapiternext(&it);
    if (wrong == NULL && (it.key != NULL || it.h != NULL)) {
        wrong = "an iteration that has ended goes on";
    }
    gm_check_result c;
    hiter *its[] = {&it};
    if (wrong == NULL && !(gm_check(&r->t, NULL, its, 1, &c) && gm_check_at(&r->t, NULL, 0, &c))) {
        wrong = "a nil map is called unsound";
    }
    nil_text text = {.size = 0};
    gm_sink sink = {put_nil_text, &text};
    gm_dump(&r->t, NULL, sink);
    gm_dump_iter(&it, sink);
    if (wrong == NULL && strcmp(text.s, "map nil\niter ended\n") != 0) {
        wrong = "the dump of a nil map is another";
    }
    gm_map_free(&r->t, NULL);
    r->h = h;
    if (wrong != NULL) {
        oracle_differ(&r->result.report, "panic", "nil-map", "%s", wrong);
        longjmp(r->stop, 1);
    }
    charge(r, 8);
    r->digest_holds = false; /* hashing a NaN has drawn a number */
    recorded(r);
}

/* Remembers the number of the key that the iterator stands on: the key itself
 * is gone with the next write. */
static void note_position(runner *r, unsigned slot)
{
    uint32_t payload;
    key_facts facts = {.n = 0};
    const hiter *it = &r->its[slot];
    r->stands[slot] = it->key != NULL && key_read((key_kind)r->tr->key, it->key, &facts, &payload);
    r->at[slot] = facts.n;
}

static void do_check(runner *r)
{
    begin_step(r, (run_step){.act = act_check});
    ask(r, ev_check);
}

/* ---- ops ----------------------------------------------------------------- */

static void do_op(runner *r, const op *o)
{
    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        for (unsigned i = 0; i < o->count && r->budget > 0; i++) {
            uint16_t n = (uint16_t)(o->key + i * o->step);
            if (o->code == op_assign) {
                do_assign(r, n);
            } else if (o->code == op_delete) {
                do_delete(r, n);
            } else {
                do_get(r, n);
            }
        }
        break;
    case op_set_at:
        if (r->stands[o->iter]) {
            do_assign(r, r->at[o->iter]);
        }
        break;
    case op_del_at:
        if (r->stands[o->iter]) {
            do_delete(r, r->at[o->iter]);
        }
        break;
    case op_get_at:
        if (r->stands[o->iter]) {
            do_get(r, r->at[o->iter]);
        }
        break;
    case op_clear:
        begin_step(r, (run_step){.act = act_clear});
        mapclear(&r->t, r->h);
        charge(r, whole(r));
        ask(r, ev_clear);
        record_simple(record_clear, 0, 0);
        recorded(r);
        break;
    case op_iter:
        do_iter(r, o->iter);
        note_position(r, o->iter);
        break;
    case op_next:
        for (unsigned i = 0; (o->all || i < o->count) && r->its[o->iter].h != NULL && r->budget > 0; i++) {
            do_next(r, o->iter);
        }
        note_position(r, o->iter);
        break;
    case op_end:
        r->step.slot = o->iter;
        begin_slot(r, act_end, o->iter);
        gm_iter_end(&r->its[o->iter]);
        note_position(r, o->iter);
        ask(r, ev_end);
        record_simple(record_end, o->iter, 0);
        recorded(r);
        break;
    case op_check:
        do_check(r);
        break;
    case op_fail:
        begin_step(r, (run_step){.act = act_fail, .key = o->key, .count = o->count});
        r->fail_after = o->key;
        r->fail_count = o->count;
        break;
    case op_seed:
        begin_step(r, (run_step){.act = act_seed, .key = o->key});
        gm_rand_seed(o->key);
        r->digest_holds = false;
        record_simple(record_seed, 0, o->key);
        recorded(r);
        break;
    case op_make:
        r->step.h = r->h;
        record_map_end(&r->step);
        unmake(r);
        memset(r->stands, 0, sizeof r->stands);
        make(r, o->maker, o->hint);
        break;
    case op_nil:
        do_nil(r, o->key);
        break;
    case op_codes:
        break;
    }
}

/* One run; the digest of its end state, or 0 after a failure. */
static uint64_t run_once(runner *r)
{
    if (setjmp(r->stop) != 0) {
        if (r->stopped && !r->told) {
            return 0;
        }
        if (r->stopped) {
            judge_go_explain(&r->step, &r->result.report);
        }
        r->result.failed = true;
        if (r->told && r->options->failed != NULL) {
            r->options->failed(r->options->ctx, &r->step, &r->result);
        }
        return 0;
    }
    const trace *tr = r->tr;
    gm_rand_seed(tr->seed);
    kinds_maptype(&r->t, (key_kind)tr->key, (elem_kind)tr->elem, (hash_kind)tr->hash, (gm_mode)tr->mode);
    r->step.key_kind = (key_kind)tr->key;
    r->step.elem_kind = (elem_kind)tr->elem;
    r->step.t = &r->t;
    r->step.its = r->its;
    r->budget = run_units(r->options);
    make(r, tr->maker, tr->hint);
    for (size_t i = 0; i < tr->nops && i < r->options->until && r->budget > 0; i++) {
        r->result.op = i + 1;
        do_op(r, &tr->ops[i]);
        if (r->first && r->options->after != NULL) {
            r->options->after(r->options->ctx, i + 1, &r->t, r->h, r->its);
        }
        if (r->target->sabotage != NULL && r->target->sabotage(tr, i, &r->t, r->h, r->its)) {
            do_check(r);
        }
        r->result.ops = i + 1;
    }
    r->result.op = 0;
    r->step.h = r->h;
    uint64_t digest = record_map_end(&r->step);
    if (!record.on && !r->options->go_alone) {
        digest = oracle_digest(&r->step);
    }
    record.on = false;
    unmake(r);
    return digest;
}

static void begin_run(runner *r, const trace *tr, const fuzz_target *f, const run_options *o)
{
    memset(r, 0, sizeof *r);
    r->tr = tr;
    r->target = f;
    r->options = o;
    blocks_next_run();
    gm_mem_stats_reset(); /* a new peak is a branch that AFL++ sees: each run has its own */
    r->bytes_of_others = gm_mem_stats_get().live_bytes;
}

/* ---- go1.19 ----------------------------------------------------------------- */

/* Runs the port up to this step of the recording.  Where nothing is told the map
 * is freed. */
static void run_up_to(runner *r, size_t step, bool told)
{
    begin_run(r, r->tr, r->target, r->options);
    r->told = told;
    record_begin(true, false, step);
    run_once(r);
}

/* The first step that differs, by halving: the one before it does not. */
static size_t first_difference(runner *r, size_t last)
{
    size_t good = 0, bad = last; /* a step that agrees may be none: then it is step 0 */
    while (good < bad) {
        size_t step = good + (bad - good) / 2;
        run_up_to(r, step, false);
        bool same = r->stopped && judge_go_agrees(&r->step) == oracle_ok;
        gm_map_free(&r->t, r->h);
        if (same) {
            good = step + 1;
        } else {
            bad = step;
        }
    }
    return bad;
}

/* The recording of the run that has just ended, which was r's, differs at this
 * step: has it reported. */
static run_result report_go(runner *r, const oracle_report *report, size_t step)
{
    size_t last = record.nops;
    if (strcmp(report->rule, "no-answer") == 0) {
        step = last;
    } else if (step == SIZE_MAX) {
        step = first_difference(r, last);
    }
    run_up_to(r, step, true);
    if (!r->result.failed) { /* the end of the run came before that step: it is another run */
        r->result.failed = true;
        oracle_differ(&r->result.report, "go", "unsteady", "the port does not repeat what it did");
    }
    return r->result;
}

/* Compares that recording. */
static run_result ask_go(runner *r, run_result first)
{
    size_t step;
    bool cut = record.cut;
    oracle_report report;
    switch (judge_go_compare(&report, &step)) {
    case oracle_unsupported:
        first.go = go_missing;
        return first;
    case oracle_ok:
        first.go = cut ? go_in_part : go_agrees;
        return first;
    case oracle_differs:
        break;
    }
    return report_go(r, &report, step);
}

/* The port has panicked or thrown; go1.19 may have gone another way before that,
 * which says more. */
static run_result ask_go_why(runner *r)
{
    record_cut();
    oracle_report report;
    size_t step;
    if (judge_go_compare(&report, &step) == oracle_differs) {
        return report_go(r, &report, step);
    }
    begin_run(r, r->tr, r->target, r->options);
    r->told = true;
    record_begin(false, false, SIZE_MAX);
    run_once(r);
    return r->result;
}

/* Both runs are over: the last word of the judges that looked on. */
static run_result finish(runner *r, const uint64_t digest[2])
{
    r->judged = true;
    r->step.digest[0] = digest[0];
    r->step.digest[1] = digest[1];
    if (setjmp(r->stop) == 0) {
        ask(r, ev_finish);
    } else {
        r->result.failed = true;
        if (r->options->failed != NULL) {
            r->options->failed(r->options->ctx, &r->step, &r->result);
        }
    }
    return r->result;
}

run_result run_trace(const trace *tr, const fuzz_target *f, const run_options *o)
{
    static runner r; /* static: too large for the stack of a sanitizer build */
    static const run_options plain = {.until = SIZE_MAX};
    o = o != NULL ? o : &plain;
    run_result first = {.failed = false};
    uint64_t digest[2] = {0, 0};
    bool go = o->go != run_go_no && tr->mode == gm_exact;
    if (go && o->go != run_go_record && tr->hash == hash_aes) {
        go = child_has_aes();
    }

    current = &r;
    gm_handler *handler = gm_set_handler(run_handler);
    gm_set_allocator(&run_allocator);
    for (int turn = 0; turn < (o->go_alone ? 1 : 2); turn++) {
        begin_run(&r, tr, f, o);
        r.first = turn == 0;
        r.judged = turn == 0 && !o->go_alone;
        r.told = turn == 0 && !(go && o->go_alone);
        if (turn == 0) {
            record_begin(go, o->go != run_go_final, SIZE_MAX);
        }
        digest[turn] = run_once(&r);
        if (turn == 0) {
            first = r.result;
            if (first.failed) {
                break;
            }
            if (go && !o->go_alone && o->go != run_go_record) {
                judge_go_begin(); /* beside the second run */
            }
        }
    }
    if (!first.failed && !o->go_alone) {
        r.result = first;
        first = finish(&r, digest);
    }
    if (go && o->go_alone && first.failed) {
        first = ask_go_why(&r);
    } else if (go && !first.failed && o->go != run_go_record) {
        first = ask_go(&r, first);
    } else if (o->go != run_go_no && !go) {
        first.go = go_other;
    }
    record.on = false;
    gm_set_allocator(NULL);
    gm_set_handler(handler);
    return first;
}

void run_verdict(const run_result *r, char *out, size_t cap)
{
    if (!r->failed) {
        snprintf(out, cap, "ok");
    } else if (r->op == 0 && r->ops != 0) {
        snprintf(out, cap, "%s: %s: at the end", r->report.judge, r->report.rule);
    } else {
        snprintf(out, cap, "%s: %s: op #%zu", r->report.judge, r->report.rule, r->op);
    }
}

/* ASan's defaults suit large programs.  Here objects are small and live
 * briefly, and a use after free shows at the next op: a small quarantine and
 * short allocation stacks keep the cache warm.  Stacks are left to the compiler's
 * checks: looking for returned frames is slow where panics longjmp. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=4:"
           "allocator_release_to_os_interval_ms=-1:detect_stack_use_after_return=0";
}
