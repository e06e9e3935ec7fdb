/* SPDX-License-Identifier: BSD-3-Clause
 *
 * random_trace.h: traces at random, for lockstep.
 */
#ifndef GOMAP_RANDOM_TRACE_H
#define GOMAP_RANDOM_TRACE_H

#include "ops.h"

typedef enum trace_size {
    trace_small, /* a few hundred steps on a few buckets */
    trace_large, /* tens of thousands of steps on hundreds or thousands of buckets */
    trace_huge   /* 65,536 buckets and more, where noverflow is a guess */
} trace_size;

/* The same seed and arguments give the same trace, everywhere.  key, elem: the
 * kinds, or a negative number for any. */
void random_trace(trace *tr, uint64_t seed, trace_size size, int key, int elem);

/* The next number of a generator of its own (splitmix64). */
uint64_t random_next(uint64_t *state);

#endif
