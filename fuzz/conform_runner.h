/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_runner.h: one run of a trace under way, for conform_run.c, which asks,
 * and conform_judge.c, which takes the answers, alone.
 */
#ifndef GOMAP_CONFORM_RUNNER_H
#define GOMAP_CONFORM_RUNNER_H

#include "conform_run.h"

enum { runner_window = 256 }; /* requests under way */

typedef enum request {
    req_map,
    req_set,
    req_get,
    req_del,
    req_len,
    req_clear,
    req_iter,
    req_next,
    req_end,
    req_seed,
    req_dump,
    req_fail,
    req_free,
    req_nil
} request;

/* A request whose answer is due. */
typedef struct asked {
    request what;
    bool local; /* the child is not asked: only the port takes this step */
    unsigned slot;
    uint16_t n;
    uint32_t payload;
    uint64_t stamp;
    size_t op;
    char *text; /* as the port gets it */
} asked;

typedef struct runner {
    conform *c;
    const trace *tr;
    const conform_how *how;
    bool range, structure, memory, leaks; /* what is judged in this run */
    bool shaped, exact;                   /* the child is told hash, mode, maker and seed; and that mode */
    port ref;

    asked ring[runner_window];
    size_t first, due;
    size_t op, requests, dumped;
    breach b;
    bool stop;
    bool begun[oracle_iters]; /* as far as requests go */

    uint64_t stamps;
    uint32_t payloads, padding;

    /* As far as answers go. */
    bool live[oracle_iters];
    bool stands[oracle_iters];
    uint16_t at[oracle_iters];
    bool made, nomem;
    uint64_t failures, nomems; /* that were demanded, and what came of it */

    oracle_step step; /* what the models are shown: the child's map */
    hmap shown;       /* of which they read the count */
    hiter its[oracle_iters];
    uint64_t key[oracle_iters][(key_max_size + 7) / 8];
    unsigned char elem[elem_max_size];
    unsigned char zero[elem_max_size];
} runner;

/* Notes the first thing that goes wrong, and stops. */
void runner_break(runner *r, const asked *a, conform_level level, const char *judge, const char *rule,
                  const char *format, ...) __attribute__((format(printf, 6, 7)));

/* A check has found nothing wrong. */
void runner_held(const runner *r, conform_check c);

/* Takes the oldest answer that is due, and judges it. */
void runner_take(runner *r);

#endif
