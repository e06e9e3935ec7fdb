/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil.h: ways to spoil a map behind the backs of the judges, each with the
 * judge and the rule that must notice.  For the target that must fail.
 */
#ifndef GOMAP_SPOIL_H
#define GOMAP_SPOIL_H

#include "../ref/map.h"
#include "ops.h"

/* A map between two ops of a trace. */
typedef struct victim {
    const trace *tr;
    size_t done;    /* ops carried out */
    bool other_run; /* one of the two runs of a trace */
    const maptype *t;
    hmap *h;
    hiter *its;
} victim;

typedef enum spoil_look {
    look_at_once, /* the port could not go on with such a map: the judges look now */
    look_later    /* the trace goes on */
} spoil_look;

typedef struct spoiler {
    const char *name;
    const char *seen_by; /* `judge: rule`, as in a verdict */
    spoil_look look;
    bool (*spoil)(const victim *m); /* false: there is no such thing in the map now */
} spoiler;

/* The trace's seed, modulo their number, picks one: a new one goes to the end. */
extern const spoiler spoilers[];
extern const size_t spoilers_n;

#endif
