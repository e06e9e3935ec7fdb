/* SPDX-License-Identifier: BSD-3-Clause
 *
 * oracle.h: second opinions.  Every judge is an `oracle`: it is shown each
 * primitive step after the port has taken it, and answers ok, unsupported or
 * differs.  The judges, in the order in which they are asked:
 *
 *   check        is the structure sound after this step (ref/check.h); does a
 *                fresh map have room for its hint, and no more
 *   uthash       membership, values, length, against a uthash table: of what a
 *                step is about, and of all entries where check looks at all
 *   range        what an iteration must, may and must not produce
 *   alloc        a failed allocation loses nothing and can be repeated
 *   memory       nothing leaked, nothing kept longer than it can be reached
 *   determinism  the same trace again ends in the same state
 *
 * uthash comes before range, because it finds the entry that a step is about.
 */
#ifndef GOMAP_ORACLE_H
#define GOMAP_ORACLE_H

#include <stdio.h>

#include "../ref/check.h"
#include "../ref/dump.h"
#include "../ref/map.h"
#include "kinds.h"

enum { oracle_iters = 4, oracle_max_entries = 24576 };

typedef enum oracle_answer { oracle_ok, oracle_unsupported, oracle_differs } oracle_answer;

typedef enum oracle_event {
    ev_make,     /* a fresh map: t, h, hint */
    ev_assign,   /* key, elem: the slot, which is not yet written with stamp */
    ev_nomemory, /* mapassign(key) or makemap returned NULL */
    ev_delete,   /* key */
    ev_get,      /* key, access */
    ev_panic,    /* an operation on an unhashable key has panicked, as it must */
    ev_clear,
    ev_iter,        /* slot: mapiterinit, then as ev_next */
    ev_next,        /* slot: mapiternext; the iterator stands on its entry or has ended */
    ev_end,         /* slot: gm_iter_end */
    ev_check,       /* the trace asks for a full check */
    ev_before_free, /* the last look at a map */
    ev_free,        /* the map and all its iterators are gone */
    ev_finish       /* the trace is over; digests of the two runs */
} oracle_event;

/* One entry of the model: one insertion, not one key. */
typedef struct oracle_entry oracle_entry;

typedef struct oracle_access { /* what the five access functions returned */
    void *e1, *e2, *fat1, *fat2, *ke;
    void *k;
    void *zero; /* what the fat ones were given */
    bool ok2, okfat;
} oracle_access;

typedef struct oracle_step {
    oracle_event event;
    bool phase; /* a growth began or ended, or the map was cleared: time for full checks */

    key_kind key_kind;
    elem_kind elem_kind;
    const maptype *t;
    hmap *h;
    hiter *its; /* oracle_iters of them; those with h == NULL are not live */
    unsigned slot;

    gm_mem_stats before; /* what was allocated before this map was asked for */
    intptr_t hint;       /* ev_make: what the maker was asked for, as Go's int; 0: no hint */
    uint16_t n;          /* key number */
    uint32_t variant;    /* and its representation */
    const void *key;     /* its bytes */
    key_facts facts;
    uintptr_t hash; /* as the port hashed it */
    void *elem;
    uint64_t stamp;
    oracle_access access;

    bool fault;         /* ev_next: mapiternext has panicked over a nil pointer; the iterator was ended */
    bool injected;      /* an allocation failed during this step on the trace's demand, or for the budget */
    uint64_t digest[2]; /* ev_finish: of the final state, in the judged run and in the second run */

    oracle_entry *entry; /* found by uthash: the entry that the step is about, or NULL */
} oracle_step;

typedef struct oracle_report {
    const char *judge;
    const char *rule; /* short and stable: reports with the same judge and rule are one finding */
    char detail[256];
} oracle_report;

typedef struct oracle {
    const char *name;
    oracle_answer (*step)(oracle_step *s, oracle_report *r); /* NULL: asked when the run is over */
    /* Writes the state that this judge believes in, one line an entry; NULL:
     * nothing to show. */
    void (*show)(const oracle_step *s, FILE *out);
    /* The port's state as show writes this judge's; NULL: by entries and
     * iterators. */
    void (*show_port)(const oracle_step *s, FILE *out);
} oracle;

extern const oracle oracle_check, oracle_uthash, oracle_range, oracle_alloc, oracle_memory,
    oracle_determinism;

/* The real go1.19 runtime, at ev_finish (judge_go.h).  Not among those below: it
 * judges a recording, where the port's run was recorded. */
extern const oracle oracle_go;

/* All of them, in the order above, NULL-terminated. */
extern const oracle *const oracles[];

/* Asks all judges; false: one differs, *r says which and why.  (compare.c) */
bool oracle_ask(oracle_step *s, oracle_report *r);

/* The clause of ref/SPEC.md that the report's rule looks after, and its first
 * words; NULL: the rule has none.  (clause.c) */
typedef struct oracle_clause {
    const char *judge, *rule;
    const char *id, *words;
} oracle_clause;

const oracle_clause *oracle_clause_of(const oracle_report *r);

/* Fills *r and returns oracle_differs. */
oracle_answer oracle_differ(oracle_report *r, const char *judge, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Writes the port's state and that of the judge named in r side by side, lines
 * that differ marked, at most width columns. */
void oracle_side_by_side(const oracle_step *s, const oracle_report *r, unsigned width, FILE *out);

/* A digest of all that map.go defines of map, iterators and generator, free of
 * addresses and byte order.  (digest.c) */
uint64_t oracle_digest(const oracle_step *s);

/* ---- errata (errata.c) ----------------------------------------------------- */

/* What go1.19 may get wrong for an iteration that an erratum of ref/ERRATA.md
 * has caught, in exact mode.  Everything else still fails. */
typedef enum oracle_excuse {
    excuse_cleared = 1,    /* E1: entries that mapclear removed; entries in their bucket a second time */
    excuse_twice = 2,      /* E2, E3, E4: an entry a second time */
    excuse_missed_nan = 4, /* E2: an entry whose key differs from itself, missed */
    excuse_missed = 8,     /* E3: any entry, missed */
    excuse_fault = 16,     /* E3: a nil dereference */
} oracle_excuse;

bool oracle_excused(unsigned slot, oracle_excuse what);
/* To be told of every step, before the judges are, and after them. */
void oracle_errata_step(const oracle_step *s);
void oracle_errata_done(const oracle_step *s);

/* ---- between uthash and range ------------------------------------------ */

struct oracle_entry {
    uint64_t id;                 /* the key's */
    uint64_t stamp;              /* the elem's content */
    uint32_t seq;                /* insertions are numbered from 1 */
    uint32_t variant;            /* representation of the key that lies in the map */
    uint32_t seen[oracle_iters]; /* the run of the iterator in that slot which has produced it */
    uint16_t n;
    bool nan;
    oracle_entry *next, *prev; /* all live entries */
};

/* The live entries, their number, and the number of the last insertion. */
const oracle_entry *model_entries(void);
/* The entry of a key, by its payload where it is a NaN, or NULL. */
oracle_entry *model_entry(const key_facts *f, uint32_t payload);
size_t model_count(void);
uint32_t model_last_seq(void);

#endif
