/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_rules.h: what gomap-conform checks: rules by level, how often each
 * held and was broken, and the clause of ref/SPEC.md behind it.
 */
#ifndef GOMAP_CONFORM_RULES_H
#define GOMAP_CONFORM_RULES_H

#include "ops.h"

typedef enum conform_level {
    level_protocol, /* asked of every child */
    level_map,
    level_range,
    level_structure,
    level_memory,
    conform_levels
} conform_level;

extern const char *const conform_level_names[conform_levels];

typedef struct conform_rule {
    conform_level level;
    char judge[16], rule[64];
    uint64_t held, broken;
    struct conform_first { /* the first time that it was broken */
        trace tr;          /* the smallest trace that shows it */
        size_t op;
        char detail[512];
        bool steady, whole; /* it was seen again; there was time to try everything smaller */
        char file[256];     /* where the trace was saved, or "" */
    } * first;
} conform_rule;

/* The rules that every run counts.  Those of the structure that break are added
 * by the name of the field. */
typedef enum conform_check {
    check_answer, /* there is one, and it can be read */
    check_asked,  /* and nothing beside it */
    check_length,
    check_membership,
    check_elem,
    check_panic,
    check_no_panic,
    check_key_wellformed,
    check_missed,
    check_deleted,
    check_twice,
    check_after_end,
    check_order,
    check_result,
    check_words,
    check_dump,
    check_nomem,
    check_repeat,
    check_leak,
    conform_checks
} conform_check;

void rules_held(conform_check c);
/* The rule of that judge and name, added if it is new. */
conform_rule *rules_find(conform_level level, const char *judge, const char *rule);

extern conform_rule conform_rules[128];
extern size_t conform_rule_count;

/* The clause of ref/SPEC.md that a rule is about, or NULL. */
const char *rules_clause(const char *judge, const char *rule);

#endif
