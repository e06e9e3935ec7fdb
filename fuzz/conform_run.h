/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_run.h: one trace, carried out by a child behind the protocol of
 * conform/PROTOCOL.md, and judged from its answers.
 */
#ifndef GOMAP_CONFORM_RUN_H
#define GOMAP_CONFORM_RUN_H

#include "conform_peer.h"
#include "conform_port.h"
#include "conform_rules.h"
#include "run.h"

enum { conform_refusals = 32 };

typedef struct conform {
    peer child;

    /* What it said of itself. */
    char name[128];
    unsigned offers; /* bit set of conform_level */
    unsigned errata; /* bit set of numbers, of ref/ERRATA.md */
    bool strict, exact;
    fuzz_target target; /* the traces that it can be given */

    unsigned levels; /* those that are judged: what it offers, less what is not asked for */
    uint64_t requests, traces;
    struct {
        char what[64];
        uint64_t times;
    } refused[conform_refusals]; /* what it answered with `unsupported` */
    size_t nrefused;
} conform;

/* The first thing that went wrong. */
typedef struct breach {
    bool any;
    conform_level level;
    char judge[16], rule[64], detail[512];
    size_t op; /* from 1; 0: the making of the first map; one more than there are: the end */
} breach;

typedef struct conform_how {
    bool in_step; /* no request before the last one is answered */
    bool counted; /* for the numbers of the report */
    bool lower;   /* the structure is not looked at, although it is asked for */
    void (*saw)(void *ctx,
                const port *p); /* called after each request that the port has carried out, or NULL */
    void *ctx;
} conform_how;

/* Starts the child and hears who it is.  False: *why says why there is none. */
bool conform_meet(conform *c, char *why, size_t cap);

/* Starts it again if need be. */
breach conform_run(conform *c, const trace *tr, const conform_how *how);

#endif
