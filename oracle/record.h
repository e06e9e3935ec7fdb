/* SPDX-License-Identifier: BSD-3-Clause
 *
 * record.h: what the port really did, as a trace without counts, limits or
 * failures, and what came of it, as numbers: for a comparison with another
 * implementation that is given the same trace.
 *
 * The recording is a trace in the bytes of fuzz/FORMAT.md, each operation
 * carried out once, of any length.  Step 0 is the making of the first map,
 * step n the n-th operation.
 */
#ifndef GOMAP_RECORD_H
#define GOMAP_RECORD_H

#include "oracle.h"

enum { record_header_bytes = 12, record_op_bytes = 4 };

/* First bytes of the operations that a recording has. */
enum {
    record_assign = 0,
    record_delete = 8,
    record_get = 12,
    record_iter = 20,
    record_next = 22,
    record_end = 25,
    record_clear = 26,
    record_seed = 29,
    record_make = 30,
    record_nil = 31
};

typedef struct recording {
    uint8_t header[record_header_bytes];
    uint8_t *ops;   /* nops of four bytes */
    uint64_t *each; /* digests after step 0..nops, where asked for */
    uint32_t *at;   /* number of the trace's op behind each step, from 1; 0: none */
    size_t nops, room;
    char words[128];        /* of the last step's panic */
    uint64_t seen;          /* of the last step: how what it returned relates */
    const void *key, *elem; /* and the entry that it returned, until the next step */
    size_t states;          /* how many states are in roll or each */
    uint64_t roll;          /* all results and, at the end of each map, its state */

    bool on;     /* something is being recorded */
    bool cut;    /* a failed allocation, which no other implementation follows, ended it early */
    bool digest; /* keep each */
    size_t stop; /* record_done says so after this step; SIZE_MAX: never */
    void (*look)(const oracle_step *s); /* called after each step, where set; stays set */
} recording;

/* The one recording of the process. */
extern recording record;

/* Empties it and turns it on or off. */
void record_begin(bool on, bool digests, size_t stop);
void record_cut(void);

/* One step: what is done to whom, then its results, then the state.  Results in
 * the order of oracle/go/steps.go.  All do nothing while recording is off.
 * done: false says that this was the step to stop after. */
void record_header(const uint8_t header[record_header_bytes]);
void record_op(const uint8_t op[record_op_bytes]);
void record_simple(unsigned code, unsigned hi, uint16_t key);
void record_text(const char *words);
void record_elem(const oracle_step *s, const void *elem);
void record_get_result(const oracle_step *s);
void record_stands(const oracle_step *s);
bool record_done(const oracle_step *s, size_t op);

/* The map is about to go.  The digest of its state, where that is recorded. */
uint64_t record_map_end(const oracle_step *s);

#endif
