/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ops.h: bytes <-> ops <-> text: the only decoder.  FORMAT.md documents both
 * formats byte by byte and word by word.
 */
#ifndef GOMAP_OPS_H
#define GOMAP_OPS_H

#include <stdio.h>

#include "../oracle/kinds.h"

enum {
    trace_header_bytes = 12,
    trace_op_bytes = 4,
    trace_max_ops = 1021, /* bytes behind the last op are ignored */
    trace_max_bytes = trace_header_bytes + trace_op_bytes * trace_max_ops, /* 4096 */
    trace_iters = 4,                                                       /* iterators a, b, c, d */
    /* One op reaches far, but not so far that random bytes make long runs. */
    op_max_keys = 64,
    op_max_steps = 63
};

typedef enum op_code {
    op_assign, /* keys key, key+step, ...: count of them */
    op_delete, /* the same */
    op_get,    /* the same; all five access functions */
    op_set_at, /* assign to the key that iterator stands on */
    op_del_at, /* delete the key that iterator stands on */
    op_get_at,
    op_clear,
    op_iter,  /* begin an iteration (ending the one in that slot) */
    op_next,  /* count steps; all: to its end */
    op_end,   /* break */
    op_check, /* full gm_check */
    op_fail,  /* the next but arg allocations succeed, then count fail */
    op_seed,  /* set the generator of this thread */
    op_make,  /* free the map and make another, with hint */
    op_nil,   /* every operation once on a nil map, with key */
    op_codes
} op_code;

typedef enum op_maker {
    make_map,
    make_map64,
    make_map_small,
    make_map_reflect,
    make_map_own, /* makemap, into an hmap of the caller's */
    op_makers
} op_maker;
/* Their names in traces and elsewhere. */
extern const char *const op_maker_names[op_makers];

/* One op, fields that its code does not use are 0. */
typedef struct op {
    uint8_t code;   /* op_code */
    uint8_t iter;   /* slot 0..3: set_at, del_at, get_at, iter, next, end */
    uint8_t maker;  /* op_maker: make */
    bool all;       /* next: until the iteration ends; count is then 0 */
    uint16_t count; /* 1..64: assign, delete, get; 1..63: next; 1..8: fail */
    uint16_t key;   /* assign, delete, get, nil: first key number; seed: the seed; fail: successes before */
    uint16_t step;  /* 1, 2, 4, ..128: assign, delete, get */
    int64_t hint;   /* make: int16 << 0..63, wrapped */
} op;

typedef struct trace {
    uint8_t key;  /* key_kind */
    uint8_t elem; /* elem_kind */
    uint8_t hash; /* hash_kind */
    uint8_t mode; /* gm_mode */
    uint8_t maker;
    uint32_t seed;
    int64_t hint; /* int16 << 0..63, wrapped */
    size_t nops;
    op ops[trace_max_ops];
} trace;

/* Any bytes are some trace. */
void trace_decode(trace *tr, const uint8_t *data, size_t size);

/* The canonical bytes of a trace, at most trace_max_bytes; returns how many.
 * trace_decode of them gives back an identical trace. */
size_t trace_encode(const trace *tr, uint8_t out[trace_max_bytes]);

/* The nearest hint, towards zero, that the format can express. */
int64_t trace_hint(int64_t hint);

/* One op alone, canonical. */
void op_encode(const op *o, uint8_t b[trace_op_bytes]);

typedef struct trace_error {
    unsigned line, column; /* from 1 */
    char message[192];     /* what is wrong and what is expected there */
} trace_error;

/* Reads the text form.  False: *err says where and what; *tr is then undefined. */
bool trace_parse(trace *tr, const char *text, size_t len, trace_error *err);

/* Writes the canonical text form; trace_parse gives back an identical trace. */
void trace_print(const trace *tr, FILE *out);

/* One op, and the header, as a line of that text without its newline; at most
 * cap bytes with the NUL. */
void trace_print_header(const trace *tr, char *out, size_t cap);
void op_print(const trace *tr, const op *o, char *out, size_t cap);

#endif
