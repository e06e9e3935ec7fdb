/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_panic.c: misuse is answered with Go's words, a panic leaves the map as
 * it was, and what happens when nobody handles it.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "one_map.h"

static hiter it;
static const void *the_key;

static void end(void)
{
    gm_iter_end(&it);
    END();
}

/* ---- the calls, for fails_with: on the map arg with the_key ----------- */

static void call_access1(void *arg)
{
    mapaccess1(&t, arg, the_key);
}

static void call_access2(void *arg)
{
    bool ok;
    mapaccess2(&t, arg, the_key, &ok);
}

static void call_access1_fat(void *arg)
{
    unsigned char zero = 0;
    mapaccess1_fat(&t, arg, the_key, &zero);
}

static void call_access2_fat(void *arg)
{
    unsigned char zero = 0;
    bool ok;
    mapaccess2_fat(&t, arg, the_key, &zero, &ok);
}

static void call_accessK(void *arg)
{
    void *elem;
    mapaccessK(&t, arg, the_key, &elem);
}

static void call_assign(void *arg)
{
    mapassign(&t, arg, the_key);
}

static void call_delete(void *arg)
{
    mapdelete(&t, arg, the_key);
}

static void call_clear(void *arg)
{
    mapclear(&t, arg);
}

static void call_iternext(void *arg)
{
    (void)arg;
    mapiternext(&it);
}

static void call_iterinit(void *arg)
{
    mapiterinit(&t, arg, &it);
}

/* ---- panics ----------------------------------------------------------- */

//= SPEC.md#S-PANIC-1 type=test
//# An assignment to a nil map MUST panic with `assignment to entry in nil map`.
static void assigning_to_a_nil_map_panics(void)
{
    int64_t key = 1;
    begin(&t_int64, &t_int64, 26);
    the_key = &key;
    CHECK(fails_with(gm_event_panic, "assignment to entry in nil map", call_assign, NULL));
    /* all else takes it for empty */
    CHECK(fails_with(gm_event_panic, NULL, call_access1, NULL));
    CHECK(fails_with(gm_event_panic, NULL, call_access2, NULL));
    CHECK(fails_with(gm_event_panic, NULL, call_accessK, NULL));
    CHECK(fails_with(gm_event_panic, NULL, call_delete, NULL));
    CHECK(fails_with(gm_event_panic, NULL, call_clear, NULL));
    CHECK(fails_with(gm_event_panic, NULL, call_iterinit, NULL));
    end();
}

static void put_any(int64_t *v)
{
    eface key = {&t_int64, v};
    int64_t *e = mapassign(&t, h, &key);
    CHECK(e != NULL);
    memcpy(e, v, sizeof *v);
}

/* Bytes of a map and of its array; all must be the same afterwards. */
typedef struct snapshot {
    unsigned char header[sizeof(hmap)];
    void *array;
    size_t bytes;
} snapshot;

static snapshot take(void)
{
    snapshot s = {.bytes = h->extra->overflow->bytes};
    memcpy(s.header, h, sizeof s.header);
    s.array = malloc(s.bytes);
    CHECK(s.array != NULL);
    memcpy(s.array, h->buckets, s.bytes);
    return s;
}

static bool unchanged(const snapshot *s)
{
    return memcmp(s->header, h, sizeof s->header) == 0 && memcmp(s->array, h->buckets, s->bytes) == 0;
}

static void (*const hashing[])(void *) = {
    call_access1, call_access2, call_access1_fat, call_access2_fat, call_assign, call_delete,
};

/* Also in the middle of a growth, where a write that does not panic would move
 * buckets, and on empty and nil maps, which hash for this alone. */
//= SPEC.md#S-PANIC-2 type=test
//# Hashing an interface whose value has no equality MUST panic with `runtime error: hash of unhashable type `
//# and the name of the value's outermost type.
//= SPEC.md#S-PANIC-3 type=test
//# A panic MUST leave the map as it was, and no write going on.
//= SPEC.md#S-LOOKUP-2 type=test
//# A lookup in a nil or empty map MUST hash the key, under seed 0, where hashing can panic.
//= SPEC.md#S-DELETE-1 type=test
//# A deletion from a nil or empty map MUST do nothing but hash the key, under seed 0, where hashing can
//# panic.
//= SPEC.md#S-CONCURRENT-4 type=test
//# An assignment, deletion or clearing MUST set hashWriting when it has hashed the key, and clear it on every
//# way out.
static void unhashable_keys_panic_and_change_nothing(void)
{
    static const char words[] = "runtime error: hash of unhashable type []int";
    void *slice[3] = {NULL, NULL, NULL};
    eface key = {&t_slice, slice};
    int64_t ints[28];
    begin(&t_any, &t_int64, 26);
    t.hasher = typehash;
    the_key = &key;

    for (size_t i = 0; i < LENGTH(hashing); i++) {
        CHECK_ROW(i, fails_with(gm_event_panic, words, hashing[i], h)); /* empty */
        if (hashing[i] != call_assign) {
            CHECK_ROW(i, fails_with(gm_event_panic, words, hashing[i], NULL));
        }
    }
    CHECK(h->count == 0 && flags_of(h) == 0);

    for (int64_t n = 0; n < 27; n++) {
        ints[n] = n;
        put_any(&ints[n]);
    }
    CHECK(hmap_growing(h));
    snapshot before = take();
    for (size_t i = 0; i < LENGTH(hashing); i++) {
        CHECK_ROW(i, fails_with(gm_event_panic, words, hashing[i], h));
        CHECK_ROW(i, unchanged(&before));
    }
    CHECK(fails_with(gm_event_panic, words, call_accessK, h));
    CHECK(unchanged(&before));
    free(before.array);
    SOUND(&t, h, NULL);

    /* and the map works as before */
    ints[27] = 27;
    put_any(&ints[27]);
    CHECK(h->count == 28);
    for (int n = 0; n < 28; n++) {
        eface k = {&t_int64, &ints[n]};
        void *e = mapaccess1(&t, h, &k);
        CHECK_ROW(n, e != zeroVal && key_at(e) == n);
    }
    end();
}

/* An unhashable value inside an array or struct key is met before any write. */
static void unhashable_parts_of_keys_panic_alike(void)
{
    static const structfield fields[] = {{&t_int64, 0, false}, {&t_any, 8, false}};
    static const rtype t_pair = {.size = 8 + 2 * PtrSize,
                                 .ptrdata = 8 + 2 * PtrSize,
                                 .align = PtrSize,
                                 .kind = kindStruct,
                                 .equal = structequal,
                                 .fields = fields,
                                 .nfields = 2,
                                 .name = "main.pair"};
    unsigned char key[8 + 2 * PtrSize] = {0};
    void *slice[3] = {NULL, NULL, NULL};
    const eface any = {&t_slice, slice};
    memcpy(key + 8, &any, sizeof any);
    begin(&t_pair, &t_int64, 26);
    t.hasher = typehash;
    the_key = key;
    CHECK(fails_with(gm_event_panic, "runtime error: hash of unhashable type []int", call_access1, NULL));
    CHECK(fails_with(gm_event_panic, "runtime error: hash of unhashable type []int", call_assign, h));
    CHECK(h->count == 0 && flags_of(h) == 0);
    end();
}

static void an_allocation_beyond_all_bounds_panics(void *n)
{
    intptr_t count;
    memcpy(&count, n, sizeof count);
    CHECK(newarray(&t, count, 0) == NULL);
}

static void newarray_panics_when_the_size_is_out_of_range(void)
{
    begin(&t_int64, &t_int64, 26);
    intptr_t bad[] = {-1, INTPTR_MIN, INTPTR_MAX, (intptr_t)(maxAlloc / t.bucketsize + 1)};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        CHECK_ROW(i, fails_with(gm_event_panic, "runtime: allocation size out of range",
                                an_allocation_beyond_all_bounds_panics, &bad[i]));
    }
    end();

    /* On 32 bits Go's bound leaves no room for the header of a generation. */
    if (PtrSize == 4) {
        begin(&t_bool, &t_empty, 26);
        CHECK(newarray(&t, (intptr_t)(UINTPTR_MAX / t.bucketsize), 0) == NULL);
        end();
    }
}

static const rtype t_floats17 = {.size = 17 * sizeof(double),
                                 .align = PtrSize,
                                 .kind = kindArray,
                                 .equal = arrayequal,
                                 .elem = &t_float64,
                                 .len = 17,
                                 .name = "[17]float64"};

/* A slot in use whose key pointer is gone: Go faults on it, unless nothing can
 * be found in the map and the key must equal itself, so that it is not looked at. */
//= SPEC.md#S-PANIC-6 type=test
//# In exact mode a step that reads a key through a nil pointer MUST panic with `runtime error: invalid memory
//# address or nil pointer dereference`.
static void a_lost_key_pointer_is_a_nil_dereference(const rtype *type, bool in_an_empty_map_too)
{
    begin(type, &t_int64, 26);
    CHECK(put(&t, h, 0, 0) && put(&t, h, 4, 4));
    gm_rand_seed(1);
    mapiterinit(&t, h, &it);
    CHECK(it.key != NULL);
    uintptr_t other = key_at(it.key) == 0 ? 1 : 0;
    void *slot = key_slot(&t, bucket_at(&t, h->buckets, 0), other);
    void *key = gm_loadp(slot);
    gm_storep(slot, NULL);
    CHECK(fails_with(gm_event_panic, "runtime error: invalid memory address or nil pointer dereference",
                     call_iternext, NULL));
    h->count = 0;
    CHECK(fails_with(gm_event_panic,
                     in_an_empty_map_too ? "runtime error: invalid memory address or nil pointer dereference"
                                         : NULL,
                     call_iternext, NULL));
    h->count = 2;
    gm_storep(slot, key);
    end();
}

static void set_flags(unsigned flags)
{
    atomic_store_explicit(&h->flags, (uint8_t)flags, memory_order_relaxed);
}

/* An evacuated slot whose key pointer is gone (ERRATA.md#E3): is the key looked
 * at?  Not where the map is empty, unless it may differ from itself or is asked
 * for its side of a doubling. */
static void a_lost_key_pointer_matters_only_where_the_key_is_read(void)
{
    for (unsigned row = 0; row < 16; row++) {
        bool filled = (row & 1) != 0, reflexive = (row & 2) != 0, walks = (row & 4) != 0,
             same = (row & 8) != 0;
        begin(&t_bytes129, &t_int64, 0);
        CHECK(put(&t, h, 1, 1));
        mapiterinit(&t, h, &it);
        bmap *b = h->buckets;
        void *slot = key_slot(&t, b, 0), *key = gm_loadp(slot);
        uint8_t top = b->tophash[0];
        unsigned flags = t.flags;
        gm_storep(slot, NULL);
        b->tophash[0] = evacuatedX;
        h->count = filled;
        t.flags = reflexive ? flags | 4 : flags & ~4U;
        it.bptr = b;
        it.i = 0;
        it.offset = 0;
        it.checkBucket = walks ? 0 : noCheck;
        it.oldoverflow = it.overflow; /* as if of the same size */
        it.overflow->iters++;
        set_flags(flags_of(h) | (same ? sameSizeGrow : 0));

        bool read = filled || !reflexive || (walks && !same);
        CHECK_ROW(row,
                  fails_with(gm_event_panic,
                             read ? "runtime error: invalid memory address or nil pointer dereference" : NULL,
                             call_iternext, NULL));
        gm_storep(slot, key);
        b->tophash[0] = top;
        h->count = 1;
        t.flags = flags;
        set_flags(flags_of(h) & ~(unsigned)sameSizeGrow);
        end();
    }
}

/* ---- fatal ------------------------------------------------------------ */

/* Another writer is simulated by its flag; test_concurrent.c has a real one. */
//= SPEC.md#S-CONCURRENT-1 type=test
//# A lookup that finds hashWriting set MUST be fatal with `concurrent map read and map write`.
//= SPEC.md#S-CONCURRENT-2 type=test
//# An assignment, deletion or clearing that finds hashWriting set MUST be fatal with `concurrent map writes`.
//= SPEC.md#S-CONCURRENT-3 type=test
//# A step of an iteration that finds hashWriting set MUST be fatal with `concurrent map iteration and map
//# write`.
//= SPEC.md#S-CONCURRENT-7 type=test
//# That misuse is noticed MUST NOT be relied on: every check is one plain look.
//= SPEC.md#S-ITERATE-5 type=test
//# The beginning of an iteration MUST take its first step.
static void concurrent_use_is_fatal(void)
{
    static const struct {
        void (*call)(void *);
        const char *words; /* NULL: not noticed */
    } rows[] = {
        {call_access1, "concurrent map read and map write"},
        {call_access2, "concurrent map read and map write"},
        {call_access1_fat, "concurrent map read and map write"},
        {call_access2_fat, "concurrent map read and map write"},
        {call_accessK, NULL},
        {call_assign, "concurrent map writes"},
        {call_delete, "concurrent map writes"},
        {call_clear, "concurrent map writes"},
        {call_iternext, "concurrent map iteration and map write"},
    };
    int64_t key = 1;
    begin(&t_int64, &t_int64, 26);
    the_key = &key;
    CHECK(put(&t, h, 1, 1) && put(&t, h, 2, 2));
    mapiterinit(&t, h, &it);
    snapshot before = take();
    for (size_t i = 0; i < LENGTH(rows); i++) {
        unsigned flags = flags_of(h);
        set_flags(flags | hashWriting);
        CHECK_ROW(i, fails_with(gm_event_fatal, rows[i].words, rows[i].call, h));
        set_flags(flags);
        CHECK_ROW(i, unchanged(&before));
    }
    /* beginning an iteration takes its first step */
    hiter first = it;
    memset(&it, 0, sizeof it);
    unsigned flags = flags_of(h);
    set_flags(flags | hashWriting);
    CHECK(fails_with(gm_event_fatal, "concurrent map iteration and map write", call_iterinit, h));
    set_flags(flags);
    gm_iter_end(&it);
    it = first;
    free(before.array);

    /* on an empty map nobody looks, but writers */
    mapclear(&t, h);
    set_flags(hashWriting);
    CHECK(fails_with(gm_event_fatal, NULL, call_access1, h));
    CHECK(fails_with(gm_event_fatal, NULL, call_delete, h));
    CHECK(fails_with(gm_event_fatal, NULL, call_clear, h));
    CHECK(fails_with(gm_event_fatal, "concurrent map writes", call_assign, h));
    set_flags(0);
    end();
}

static bool equal_ending_the_write(const rtype *key, const void *p, const void *q)
{
    set_flags(flags_of(h) & ~(unsigned)hashWriting);
    return memequal(key, p, q);
}

/* Who finds his own mark gone at the end of the write had company. */
//= SPEC.md#S-CONCURRENT-5 type=test
//# An assignment, deletion or clearing that at its end finds hashWriting cleared MUST be fatal with
//# `concurrent map writes`.
static void a_writer_notices_that_another_has_ended_its_write(void)
{
    int64_t key = 1;
    rtype type = t_int64;
    type.equal = equal_ending_the_write;
    begin(&type, &t_int64, 26);
    the_key = &key;
    /* The other flags say nothing of writers. */
    for (unsigned others = 0; others <= (iterator | oldIterator); others++) {
        CHECK(put(&t, h, 1, 1));
        set_flags(others);
        CHECK_ROW(others, fails_with(gm_event_fatal, "concurrent map writes", call_assign, h));
        set_flags(others);
        CHECK_ROW(others, fails_with(gm_event_fatal, "concurrent map writes", call_delete, h));
    }
    end();
}

static unsigned flags_while_freeing;

static void free_ending_the_write(void *ctx, void *p, size_t size)
{
    if (h != NULL && (flags_of(h) & hashWriting) != 0) {
        set_flags(flags_while_freeing);
    }
    test_free(ctx, p, size);
}

/* Clearing calls nothing of the caller's but free. */
static void clearing_notices_that_another_has_ended_its_write(void)
{
    test_memory memory;
    test_memory_use(&memory);
    gm_allocator a = {test_alloc, free_ending_the_write, &memory};
    gm_set_allocator(&a);
    h = NULL;
    for (unsigned others = 0; others <= (iterator | oldIterator); others++) {
        flags_while_freeing = others;
        begin(&t_bytes129, &t_int64, 0);
        CHECK(put(&t, h, 1, 1));
        CHECK_ROW(others, fails_with(gm_event_fatal, "concurrent map writes", call_clear, h));
        END();
        h = NULL;
    }
    gm_set_allocator(NULL);
}

/* ---- throws ----------------------------------------------------------- */

//= SPEC.md#S-PANIC-4 type=test
//# An evacuation that meets a slot in an evacuated state in a chain that is not evacuated MUST throw `bad map
//# state`, and no other state makes it throw.
static void an_evacuated_slot_in_a_live_bucket_is_a_bad_map_state(void)
{
    static const int64_t key = 26;
    the_key = &key;
    for (uint8_t mark = evacuatedX; mark <= evacuatedEmpty; mark++) {
        begin(&t_int64, &t_int64, 26);
        for (int64_t k = 0; k < 26; k++) {
            CHECK(put(&t, h, k, k));
        }
        bucket_at(&t, h->buckets, 2)->tophash[3] = mark;
        CHECK_ROW(mark, fails_with(gm_event_throw, "bad map state", call_assign, h));
        gm_map_free(&t, h); /* beyond repair, but not beyond freeing */
        CHECK(gm_mem_stats_get().live_blocks == 0);
    }
}

static void call_reflect_makemap(void *arg)
{
    reflect_makemap(arg, 0); /* what it refuses is in test_type.c */
}

/* Nine bytes are more than eight, although no type has such an alignment. */
static void an_alignment_beyond_eight_is_too_big(void)
{
    static maptype type;
    static rtype odd;
    odd = t_int64;
    odd.align = 9;
    MapOf(&type, &t_int64, &t_int64, gm_exact);
    type.key = &odd;
    CHECK(fails_with(gm_event_throw, "key align too big", call_reflect_makemap, &type));
    type.key = &t_int64;
    type.elem = &odd;
    CHECK(fails_with(gm_event_throw, "elem align too big", call_reflect_makemap, &type));
}

/* ---- handlers --------------------------------------------------------- */

static void handler_one(gm_event what, const char *msg)
{
    (void)what;
    (void)msg;
}

static void handlers_are_installed_and_given_back(void)
{
    CHECK(gm_set_handler(handler_one) == NULL);
    CHECK(gm_set_handler(test_handler) == handler_one);
    CHECK(gm_set_handler(NULL) == test_handler);
    CHECK(gm_set_handler(NULL) == NULL);
}

enum { aborted_status = 86 };

static void on_abort(int sig)
{
    (void)sig;
    _exit(aborted_status);
}

/* Runs f in a process of its own, which must abort, and gives its stderr.
 * Why a handler instead of a look at the signal it died of?  An emulator adds
 * words of its own to the stderr of a program that a signal kills. */
static const char *last_words(void (*f)(void *), void *arg)
{
    static char text[512];
    int fds[2], status;
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        signal(SIGABRT, on_abort);
        f(arg);
        _exit(0);
    }
    close(fds[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fds[0], text + n, sizeof text - 1 - n)) > 0) {
        n += (size_t)got;
    }
    text[n] = '\0';
    close(fds[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == aborted_status);
    return text;
}

//= SPEC.md#S-PANIC-7 type=test
//# Every failure MUST be told to the handler as what it is in Go: a panic, a throw or a fatal error.
static void without_a_handler_the_words_are_printed_and_the_process_aborts(void)
{
    int64_t key = 1;
    begin(&t_int64, &t_int64, 26);
    the_key = &key;
    CHECK(put(&t, h, 1, 1));
    CHECK(strcmp(last_words(call_assign, NULL), "panic: assignment to entry in nil map\n") == 0);
    set_flags(hashWriting);
    CHECK(strcmp(last_words(call_delete, h), "fatal error: concurrent map writes\n") == 0);
    CHECK(strcmp(last_words(call_access1, h), "fatal error: concurrent map read and map write\n") == 0);
    set_flags(0);
    maptype m;
    MapOf(&m, &t_int64, &t_int64, gm_exact);
    m.keysize = 7;
    CHECK(strcmp(last_words(call_reflect_makemap, &m), "fatal error: key size wrong\n") == 0);
    end();
}

static void grow_with_an_old_generation(void *arg)
{
    hmap *m = arg;
    int64_t key = 26;
    m->extra->oldoverflow = m->extra->overflow;
    mapassign(&t, m, &key);
}

/* In a process of its own, since nothing can be done with such a map after. */
//= SPEC.md#S-PANIC-5 type=test
//# A growth that starts while oldoverflow is set MUST throw `oldoverflow is not nil`, and no other does.
static void a_growth_that_finds_an_old_generation_throws(void)
{
    begin(&t_int64, &t_int64, 26);
    for (int64_t k = 0; k < 26; k++) {
        CHECK(put(&t, h, k, k));
    }
    CHECK(strcmp(last_words(grow_with_an_old_generation, h), "fatal error: oldoverflow is not nil\n") == 0);
    end();
}

static void a_handler_that_returns_is_followed_by_abort(void)
{
    begin(&t_int64, &t_int64, 26);
    int64_t key = 1;
    the_key = &key;
    gm_set_handler(handler_one);
    const char *words = last_words(call_assign, NULL);
    gm_set_handler(NULL);
    CHECK(strstr(words, "handler returned") != NULL);
    CHECK(strstr(words, "assignment to entry in nil map") != NULL);
    end();
}

int main(void)
{
    gm_rand_seed(1);
    assigning_to_a_nil_map_panics();
    unhashable_keys_panic_and_change_nothing();
    unhashable_parts_of_keys_panic_alike();
    newarray_panics_when_the_size_is_out_of_range();
    a_lost_key_pointer_is_a_nil_dereference(&t_bytes129, false);
    a_lost_key_pointer_is_a_nil_dereference(&t_floats17, true);
    a_lost_key_pointer_matters_only_where_the_key_is_read();

    concurrent_use_is_fatal();
    a_writer_notices_that_another_has_ended_its_write();
    clearing_notices_that_another_has_ended_its_write();

    an_evacuated_slot_in_a_live_bucket_is_a_bad_map_state();
    an_alignment_beyond_eight_is_too_big();

    handlers_are_installed_and_given_back();
    without_a_handler_the_words_are_printed_and_the_process_aborts();
    a_growth_that_finds_an_old_generation_throws();
    a_handler_that_returns_is_followed_by_abort();

    return 0;
}
