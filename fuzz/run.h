/* SPDX-License-Identifier: BSD-3-Clause
 *
 * run.h: carries out a trace on the port, and shows every step to the judges.
 */
#ifndef GOMAP_RUN_H
#define GOMAP_RUN_H

#include "../oracle/oracle.h"
#include "ops.h"

/* A fuzz target: which traces it runs.  Everything else is shared. */
typedef struct fuzz_target {
    const char *name;
    /* Bit sets of what is allowed.  A header value outside of its set is
     * replaced by one of the set and such an op is left out, so that every
     * input is a trace of the target, and a trace within the sets is run as it
     * is written. */
    uint32_t keys, elems, hashes, modes, makers, ops;
    /* The most memory a map may take, beyond which its allocations fail;
     * walking and wiping it is what large maps cost.  0: 256 KiB. */
    size_t bytes;
    /* Called after op number i was carried out and judged; true: the judges look
     * at the whole map at once.  NULL: nothing.  For the target that must fail. */
    bool (*sabotage)(const trace *tr, size_t i, const maptype *t, hmap *h, hiter *its);
} fuzz_target;

#define ALL_KEYS ((1U << key_kinds) - 1)
#define ALL_ELEMS ((1U << elem_kinds) - 1)
#define ALL_HASHES ((1U << hash_kinds) - 1)
/* Without the one that is slow here: every byte by a table. */
#define PORTABLE_HASHES (ALL_HASHES & ~(1U << hash_aes))
#define ALL_MODES (1U << gm_exact | 1U << gm_strict)
#define ALL_MAKERS ((1U << op_makers) - 1)
#define ALL_OPS ((1U << op_codes) - 1)

/* Every target of targets.def, in its order. */
extern const fuzz_target *const fuzz_targets[];
const fuzz_target *fuzz_target_named(const char *name, size_t len);

/* Bends a trace into what the target allows. */
void fuzz_restrict(const fuzz_target *f, trace *tr);

typedef enum run_go_answer {
    go_not_asked,
    go_agrees,
    go_in_part, /* up to an allocation that was made to fail, which Go cannot follow */
    go_other,   /* not a trace for it: strict mode, or hashing by AES where it has none */
    go_missing, /* there is no go1.19 here: child_why() */
} run_go_answer;

/* A primitive step, as it is about to be done. */
typedef enum run_act {
    act_make,
    act_assign,
    act_delete,
    act_get,
    act_iter,
    act_next,
    act_end,
    act_clear,
    act_check,
    act_fail,
    act_seed,
    act_nil,
    act_free,
    run_acts
} run_act;

typedef struct run_step {
    run_act act;
    uint8_t slot;    /* iter, next, end */
    uint8_t maker;   /* make */
    bool growing;    /* the map was growing before it */
    bool unhashable; /* the key is */
    uint16_t key;    /* assign, delete, get, nil: its number; seed: the seed; fail: successes before */
    uint16_t count;  /* fail */
    int64_t hint;    /* make */
} run_step;

typedef struct run_result {
    bool failed;
    oracle_report report; /* judge "panic", "throw" or "fatal": the port raised it unexpectedly */
    size_t op;            /* number of the op, from 1; 0: the making of the first map, or after the last op */
    run_step step;        /* the last that was begun */
    uint64_t steps;       /* primitive operations that were judged */
    size_t ops;           /* ops carried out: less than the trace has when the budget ran out */
    run_go_answer go;
} run_result;

/* Is the real go1.19 a judge of the run?  Of traces in exact mode only. */
typedef enum run_go {
    run_go_no,
    run_go_record, /* nobody is asked: what was done stays in `record`, digests after each step too */
    run_go_final,  /* all results, and the state at the end of each map */
    run_go_each,   /* the state after each step as well */
} run_go;

/* What a run may cost; 0: as much as when fuzzing. */
typedef struct run_limits {
    size_t units; /* about one unit a step */
    size_t bytes; /* of the map's memory; beyond, allocations fail */
    size_t entries;
} run_limits;

/* What a run can be asked to show. */
typedef struct run_options {
    size_t until; /* stop after this op, SIZE_MAX: none */
    void (*after)(void *ctx, size_t op, const maptype *t, hmap *h,
                  const hiter *its);                                      /* after each op, or NULL */
    void (*step)(void *ctx, const run_step *s);                           /* before each step, or NULL */
    void (*failed)(void *ctx, const oracle_step *s, const run_result *r); /* state at the failure, or NULL */
    void *ctx;
    run_go go;
    bool go_alone; /* no other judge, and no second run */
    run_limits limits;
} run_options;

/* Runs the trace, judged, then once more to compare the end states.  Leaves
 * nothing behind, unless it failed: then the map is abandoned as it was. */
run_result run_trace(const trace *tr, const fuzz_target *f, const run_options *o);

/* The most memory that the map of a run may take. */
size_t run_bytes(const fuzz_target *f, const run_options *o);

/* `judge: rule: op #n`: the line that is the same for the same finding. */
void run_verdict(const run_result *r, char *out, size_t cap);

#endif
