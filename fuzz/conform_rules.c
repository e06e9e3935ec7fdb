/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_rules.c: the rules and their numbers; see conform_rules.h.
 */
#include "conform_rules.h"

#include <stdlib.h>
#include <string.h>

#include "../oracle/oracle.h"

const char *const conform_level_names[conform_levels] = {[level_protocol] = "protocol",
                                                         [level_map] = "map",
                                                         [level_range] = "range",
                                                         [level_structure] = "structure",
                                                         [level_memory] = "memory"};

conform_rule conform_rules[128] = {
    [check_answer] = {level_protocol, "child", "answer", 0, 0, NULL},
    [check_asked] = {level_protocol, "child", "unasked", 0, 0, NULL},
    [check_length] = {level_map, "uthash", "length", 0, 0, NULL},
    [check_membership] = {level_map, "uthash", "membership", 0, 0, NULL},
    [check_elem] = {level_map, "uthash", "elem-current", 0, 0, NULL},
    [check_panic] = {level_map, "panic", "missing", 0, 0, NULL},
    [check_no_panic] = {level_map, "panic", "unexpected", 0, 0, NULL},
    [check_nil] = {level_map, "panic", "nil-map", 0, 0, NULL},
    [check_key_wellformed] = {level_range, "uthash", "key-wellformed", 0, 0, NULL},
    [check_missed] = {level_range, "range", "missed", 0, 0, NULL},
    [check_deleted] = {level_range, "range", "deleted", 0, 0, NULL},
    [check_twice] = {level_range, "range", "twice", 0, 0, NULL},
    [check_after_end] = {level_range, "range", "after-end", 0, 0, NULL},
    [check_order] = {level_structure, "structure", "order", 0, 0, NULL},
    [check_result] = {level_structure, "structure", "result", 0, 0, NULL},
    [check_words] = {level_structure, "panic", "words", 0, 0, NULL},
    [check_dump] = {level_structure, "structure", "dump", 0, 0, NULL},
    [check_nomem] = {level_memory, "alloc", "null-without-failure", 0, 0, NULL},
    [check_repeat] = {level_memory, "alloc", "repeat", 0, 0, NULL},
    [check_leak] = {level_memory, "memory", "leak", 0, 0, NULL},
};
size_t conform_rule_count = conform_checks;

void rules_held(conform_check c)
{
    conform_rules[c].held++;
}

conform_rule *rules_find(conform_level level, const char *judge, const char *rule)
{
    size_t most = sizeof conform_rules / sizeof conform_rules[0];
    for (size_t i = 0; i < conform_rule_count; i++) {
        if (strcmp(conform_rules[i].judge, judge) == 0 && strcmp(conform_rules[i].rule, rule) == 0) {
            return &conform_rules[i];
        }
    }
    if (conform_rule_count == most) {
        return &conform_rules[most - 1];
    }
    conform_rule *r = &conform_rules[conform_rule_count++];
    r->level = level;
    snprintf(r->judge, sizeof r->judge, "%s", judge);
    snprintf(r->rule, sizeof r->rule, "%s", rule);
    return r;
}

/* The table of clauses speaks of the judges of replay: a field of a dump is a
 * field there as well, and what only a child can break stands here. */
const char *rules_clause(const char *judge, const char *rule)
{
    static const struct {
        const char *judge, *rule, *clause;
    } here[] = {
        {"structure", "order", "S-ITERATE-6"},
        {"structure", "result", "S-ITERATE-16"},
        {"alloc", "repeat", "S-MEMORY-11"},
    };
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        if (strcmp(here[i].judge, judge) == 0 && strcmp(here[i].rule, rule) == 0) {
            return here[i].clause;
        }
    }
    const oracle_report r = {.judge = strcmp(judge, "structure") == 0 ? "go" : judge, .rule = rule};
    const oracle_clause *clause = oracle_clause_of(&r);
    return clause != NULL ? clause->id : NULL;
}
