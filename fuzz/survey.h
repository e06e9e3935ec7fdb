/* SPDX-License-Identifier: BSD-3-Clause
 *
 * survey.h: what a map is like at some place of a trace, by reading the trace
 * alone.  Not exact (nothing is run), and good enough to aim by.
 */
#ifndef GOMAP_SURVEY_H
#define GOMAP_SURVEY_H

#include "../ref/map.h"
#include "ops.h"

typedef struct survey {
    unsigned count;                  /* entries */
    unsigned B;                      /* log2 of the number of buckets */
    uint8_t iters;                   /* bit set of the iterations begun and not ended by `end` */
    uintptr_t hash0;                 /* the hash seed of the trace's first map */
    maptype t;                       /* with the trace's hasher */
    uint64_t live[key_numbers / 64]; /* by id: those that equal themselves */
} survey;

/* The map before op number `at`, from 0. */
void survey_read(survey *s, const trace *tr, size_t at);

/* Would inserting the key make an entry that is not there yet? */
bool survey_fresh(const survey *s, const trace *tr, uint16_t n);

/* The most entries that 1<<B buckets take without growing. */
unsigned survey_room(unsigned B);

/* The hash of a key; false: it has none that stays, being NaN or unhashable. */
bool survey_hash(const survey *s, const trace *tr, uint16_t n, uintptr_t *hash);

#endif
