/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutator_aflpp.c: the op-aware mutator as AFL++ calls it.  The aflpp presets
 * build it as mutator.so; ci/fuzz loads it:
 *
 *     GOMAP_TARGET=grow_iter AFL_CUSTOM_MUTATOR_LIBRARY=<absolute path>/mutator.so afl-fuzz ..
 *
 * AFL++'s own mutations of bytes (havoc) go on beside it.
 */
#include <stdlib.h>

#include "mutator.h"
#include "random_trace.h"

#if defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

typedef struct custom {
    const fuzz_target *target;
    uint64_t state;
    uint8_t out[trace_max_bytes];
} custom;

EXPORT void *afl_custom_init(void *afl, unsigned seed);
EXPORT size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t size, uint8_t **out, uint8_t *add,
                              size_t add_size, size_t max);
EXPORT void afl_custom_deinit(void *data);

void *afl_custom_init(void *afl, unsigned seed)
{
    (void)afl;
    const char *name = getenv("GOMAP_TARGET");
    const fuzz_target *f = name == NULL ? NULL : fuzz_target_named(name, strlen(name));
    if (f == NULL) {
        fprintf(stderr, "gomap: the mutator needs a target's name in GOMAP_TARGET, not '%s'\n",
                name == NULL ? "" : name);
        exit(2);
    }
    custom *c = calloc(1, sizeof *c);
    if (c == NULL) {
        fprintf(stderr, "gomap: no memory for the mutator\n");
        exit(2);
    }
    c->target = f;
    c->state = seed;
    return c;
}

size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t size, uint8_t **out, uint8_t *add, size_t add_size,
                       size_t max)
{
    custom *c = data;
    uint64_t seed = random_next(&c->state);
    max = max < sizeof c->out ? max : sizeof c->out;
    *out = c->out;
    if (add != NULL && add_size != 0 && random_next(&c->state) % 4 == 0) {
        return fuzz_cross(c->target, seed, buf, size, add, add_size, c->out, max);
    }
    return fuzz_mutate(c->target, seed, buf, size, c->out, max, NULL);
}

void afl_custom_deinit(void *data)
{
    free(data);
}
