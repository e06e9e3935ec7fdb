/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mutator.h: changes traces op by op, for libFuzzer (engine.c) and AFL++
 * (mutator_aflpp.c).  Same arguments, same result.  Not for several threads.
 */
#ifndef GOMAP_MUTATOR_H
#define GOMAP_MUTATOR_H

#include "run.h"

typedef enum mutation {
    mutation_insert,    /* a few new ops */
    mutation_delete,    /* a run of ops goes */
    mutation_copy,      /* a run of ops stands elsewhere too, or many times */
    mutation_move,      /* a run of ops stands elsewhere */
    mutation_swap,      /* two ops change places */
    mutation_key,       /* another key number */
    mutation_tweak,     /* another count, step, slot, or code with the same keys */
    mutation_threshold, /* as many new keys as take the map to just below, at or above growth */
    mutation_park,      /* an iteration is begun before the map grows, and continued behind that */
    mutation_loop,      /* steps of an iteration, with changes to what it stands on */
    mutation_chain,     /* keys of one bucket come and go */
    mutation_empty,     /* everything is deleted */
    mutation_hint,      /* a map for a number of entries at a border */
    mutation_fail,      /* an allocation fails where one is made */
    mutation_header,    /* another kind, hasher, mode, maker or seed */
    mutations
} mutation;

enum { mutator_min_bytes = trace_header_bytes + trace_op_bytes };

/* Writes to out, of at most max bytes, a mutation of data: canonical bytes of a
 * trace that the target runs as it is written, with at least one op.  Returns
 * how many bytes; 0: max is below mutator_min_bytes.  *did, if not NULL: the bit
 * set of the mutations that were made. */
size_t fuzz_mutate(const fuzz_target *f, uint64_t seed, const uint8_t *data, size_t size, uint8_t *out,
                   size_t max, uint32_t *did);

/* The same with a child of two inputs, put together from whole ops. */
size_t fuzz_cross(const fuzz_target *f, uint64_t seed, const uint8_t *a, size_t asize, const uint8_t *b,
                  size_t bsize, uint8_t *out, size_t max);

/* Does the target find an op of its own in these bytes? */
bool fuzz_has_ops(const fuzz_target *f, const uint8_t *data, size_t size);

/* Reads GOMAP_MUTATOR: unset or `on`, or `off`.  Exits with status 2 if it is
 * anything else. */
bool fuzz_mutator_on(void);

#endif
