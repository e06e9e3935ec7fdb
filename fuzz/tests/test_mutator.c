/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_mutator.c: whatever goes into the mutator, a trace of the target comes
 * out: with an op, within its sets and the size, in canonical bytes; and the
 * same again from the same seed.  Also what AFL++ calls.
 *
 *     build/gcc/tests/test_mutator [SEED]
 */
#include "../mutator.h"

#include <inttypes.h>

#include "../random_trace.h"

static const char *where(void);
#define TEST_CASE where()
#include "../../ref/tests/test.h"

void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t size, uint8_t **out, uint8_t *add, size_t add_size,
                       size_t max);
void afl_custom_deinit(void *data);

static uint64_t seed = 0x6d7574; /* an argument replaces it */
static uint64_t state;
static const fuzz_target *target;

static const char *where(void)
{
    snprintf(test_case(), test_case_size, " (target %s, seed %" PRIu64 ")", target->name, seed);
    return test_case();
}

static size_t below(size_t n)
{
    return (size_t)(random_next(&state) >> 33) % n;
}

/* Random bytes, or a trace that somebody would keep. */
static size_t some_input(uint8_t data[trace_max_bytes])
{
    static trace tr;
    if (below(3) != 0) {
        size_t size = below(20) == 0 ? below(trace_max_bytes + 1) : below(120);
        for (size_t i = 0; i < size; i++) {
            data[i] = (uint8_t)below(256);
        }
        return size;
    }
    random_trace(&tr, random_next(&state), trace_small, -1, -1);
    tr.nops = below(10) == 0 ? tr.nops : below(tr.nops < 30 ? tr.nops : 30);
    return trace_encode(&tr, data);
}

static size_t some_max(void)
{
    static const size_t edges[] = {0, 12, 15, 16, 17, 20, 64, 4095, 4096};
    return below(3) == 0 ? edges[below(LENGTH(edges))] : 16 + below(trace_max_bytes - 15);
}

/* A trace of the target as it stands, in canonical bytes. */
static void check_output(const uint8_t *out, size_t size, size_t max)
{
    static trace tr, bent;
    static uint8_t again[trace_max_bytes];
    if (max < mutator_min_bytes) {
        CHECK(size == 0);
        return;
    }
    CHECK(size >= mutator_min_bytes && size <= max);
    trace_decode(&tr, out, size);
    CHECK(tr.nops >= 1);
    CHECK(trace_encode(&tr, again) == size && memcmp(again, out, size) == 0);
    memcpy(&bent, &tr, sizeof bent);
    fuzz_restrict(target, &bent);
    CHECK(bent.nops == tr.nops);
    CHECK(trace_encode(&bent, again) == size && memcmp(again, out, size) == 0);
    CHECK(fuzz_has_ops(target, out, size));
}

/* Nothing is written behind max, and in place is as good as elsewhere. */
static uint32_t mutate(const uint8_t *data, size_t size, size_t max)
{
    static uint8_t out[trace_max_bytes + 1], same[trace_max_bytes];
    uint64_t s = random_next(&state);
    uint32_t did;
    out[max] = 0xa5;
    size_t n = fuzz_mutate(target, s, data, size, out, max, &did);
    check_output(out, n, max);
    CHECK(out[max] == 0xa5);
    CHECK(n == 0 || did != 0);
    gm_rand_seed(s); /* what the thread's generator does is nothing to the mutator, */
    gm_rand before = gm_rand_state();
    memcpy(same, data, size);
    CHECK(fuzz_mutate(target, s, same, size, same, max, NULL) == n);
    CHECK(memcmp(same, out, n) == 0);
    gm_rand after = gm_rand_state();
    CHECK(memcmp(&before, &after, sizeof before) == 0); /* nor the other way round */
    return did;
}

static void cross(const uint8_t *a, size_t asize, const uint8_t *b, size_t bsize, size_t max)
{
    static uint8_t out[trace_max_bytes + 1], same[trace_max_bytes];
    uint64_t s = random_next(&state);
    out[max] = 0xa5;
    size_t n = fuzz_cross(target, s, a, asize, b, bsize, out, max);
    check_output(out, n, max);
    CHECK(out[max] == 0xa5);
    CHECK(fuzz_cross(target, s, a, asize, b, bsize, same, max) == n);
    CHECK(memcmp(same, out, n) == 0);
}

static void test_any_input(void)
{
    static uint8_t a[trace_max_bytes], b[trace_max_bytes];
    for (size_t t = 0; fuzz_targets[t] != NULL; t++) {
        target = fuzz_targets[t];
        uint32_t did = 0;
        for (unsigned i = 0; i < 12000; i++) {
            size_t asize = some_input(a);
            did |= mutate(a, asize, some_max());
            if (i % 2 == 0) {
                size_t bsize = some_input(b);
                cross(a, asize, b, bsize, some_max());
            }
        }
        uint32_t all = (1U << mutations) - 1;
        if ((target->ops >> op_fail & 1) == 0) {
            all &= ~(1U << mutation_fail);
        }
        CHECK(did == all);
    }
}

/* A target may allow less than any of today's does: no recipe has all its ops. */
static void test_narrow_sets(void)
{
    static const fuzz_target narrow = {
        .name = "narrow",
        .keys = 1U << key_iface,
        .elems = 1U << elem_bytes129,
        .hashes = 1U << hash_tophash,
        .modes = 1U << gm_strict,
        .makers = 1U << make_map64,
        .ops = 1U << op_assign | 1U << op_nil,
    };
    static uint8_t a[trace_max_bytes], b[trace_max_bytes];
    target = &narrow;
    for (unsigned i = 0; i < 5000; i++) {
        size_t asize = some_input(a), bsize = some_input(b);
        mutate(a, asize, some_max());
        cross(a, asize, b, bsize, some_max());
    }
}

/* No op of a child is in neither of its parents, and most children have some of
 * both. */
static void test_cross_invents_nothing(void)
{
    static const uint16_t keys[] = {100, 200};
    static uint8_t in[2][trace_max_bytes], out[trace_max_bytes];
    static trace tr;
    target = fuzz_target_named("everything", strlen("everything"));
    size_t size[2];
    unsigned both = 0;
    for (unsigned i = 0; i < 2; i++) {
        trace_decode(&tr, NULL, 0);
        for (tr.nops = 0; tr.nops < 20; tr.nops++) {
            tr.ops[tr.nops] = (op){.code = op_get, .key = keys[i], .count = 1, .step = 1};
        }
        size[i] = trace_encode(&tr, in[i]);
    }
    for (unsigned i = 0; i < 2000; i++) {
        size_t n = fuzz_cross(target, random_next(&state), in[0], size[0], in[1], size[1], out, sizeof out);
        trace_decode(&tr, out, n);
        bool seen[2] = {false, false};
        for (size_t k = 0; k < tr.nops; k++) {
            CHECK(tr.ops[k].code == op_get && (tr.ops[k].key == keys[0] || tr.ops[k].key == keys[1]));
            seen[tr.ops[k].key == keys[1]] = true;
        }
        both += seen[0] && seen[1];
    }
    CHECK(both > 1000);
}

/* From nothing the mutator gets to maps that grow and to keys of one hash. */
static void test_aims(void)
{
    static uint8_t out[trace_max_bytes];
    static trace tr;
    target = fuzz_target_named("everything", strlen("everything"));
    unsigned nine = 0, at_work = 0, failing = 0;
    for (unsigned i = 0; i < 2000; i++) {
        size_t n = fuzz_mutate(target, random_next(&state), NULL, 0, out, sizeof out, NULL);
        trace_decode(&tr, out, n);
        unsigned assigned = 0;
        bool iterating = false, fails = false;
        for (size_t k = 0; k < tr.nops; k++) {
            iterating = iterating || tr.ops[k].code == op_iter;
            fails = fails || tr.ops[k].code == op_fail;
            if (tr.ops[k].code == op_assign) {
                assigned += tr.ops[k].count;
                at_work += iterating && assigned > 8;
                failing += fails;
            }
        }
        nine += assigned > 8;
    }
    CHECK(nine > 1000);
    CHECK(at_work > 500);
    CHECK(failing > 100);
}

static void test_aflpp(void)
{
    static uint8_t a[trace_max_bytes], b[trace_max_bytes];
    for (size_t t = 0; fuzz_targets[t] != NULL; t++) {
        target = fuzz_targets[t];
        CHECK(setenv("GOMAP_TARGET", target->name, 1) == 0);
        void *one = afl_custom_init(NULL, 7), *two = afl_custom_init(NULL, 7);
        for (unsigned i = 0; i < 1000; i++) {
            uint8_t *out, *same;
            size_t asize = some_input(a), bsize = some_input(b), max = some_max();
            uint8_t *add = i % 3 == 0 ? NULL : b;
            size_t n = afl_custom_fuzz(one, a, asize, &out, add, bsize, max);
            check_output(out, n, max);
            CHECK(afl_custom_fuzz(two, a, asize, &same, add, bsize, max) == n);
            CHECK(out != same && memcmp(out, same, n) == 0);
        }
        afl_custom_deinit(one);
        afl_custom_deinit(two);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        seed = strtoull(argv[1], NULL, 10);
    }
    state = seed;
    test_any_input();
    test_narrow_sets();
    test_cross_invents_nothing();
    test_aims();
    test_aflpp();
    printf("ok\n");
    return 0;
}
