/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_hello.c: how a child says what it is; see conform_run.h and
 * conform/PROTOCOL.md.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "conform_run.h"

enum { all_errata = 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4 };

static bool refuse(char *why, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(char *why, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, cap, format, ap);
    va_end(ap);
    return false;
}

/* The names of a list, separated by commas, as a bit set. */
static bool read_set(const char *list, const char *const *names, unsigned n, uint32_t *set)
{
    *set = 0;
    while (*list != '\0') {
        size_t len = strcspn(list, ",");
        unsigned i = 0;
        while (i < n && (strlen(names[i]) != len || strncmp(names[i], list, len) != 0)) {
            i++;
        }
        if (i == n) {
            return false;
        }
        *set |= 1U << i;
        list += len + (list[len] == ',');
    }
    return *set != 0;
}

/* One word of the greeting. */
static bool learn(conform *c, const char *word, char *why, size_t cap)
{
    static const char *const modes[] = {"exact", "strict"};
    static const char *const errata[] = {"E0", "E1", "E2", "E3", "E4"};
    uint32_t set;
    const char *value = strchr(word, '=');
    size_t len = value != NULL ? (size_t)(value - word) : 0;
    if (value == NULL) {
        return refuse(why, cap, "its greeting has the word '%.40s', which is not of the form name=value",
                      word);
    }
    value++;
    bool fine = true;
    if (len == 6 && strncmp(word, "levels", len) == 0) {
        fine =
            read_set(value, conform_level_names, conform_levels, &set) && (set & 1U << level_protocol) == 0;
        c->offers = set | 1U << level_protocol;
    } else if (len == 4 && strncmp(word, "keys", len) == 0) {
        fine = read_set(value, key_kind_names, wire_key_kinds, &c->target.keys);
    } else if (len == 5 && strncmp(word, "elems", len) == 0) {
        fine = read_set(value, elem_kind_names, elem_kinds, &c->target.elems);
    } else if (len == 6 && strncmp(word, "hashes", len) == 0) {
        fine = read_set(value, hash_kind_names, wire_hash_kinds, &c->target.hashes);
    } else if (len == 5 && strncmp(word, "modes", len) == 0) {
        fine = read_set(value, modes, 2, &set);
        c->exact = (set & 1) != 0;
        c->strict = (set & 2) != 0;
    } else if (len == 6 && strncmp(word, "errata", len) == 0) {
        fine = read_set(value, errata, 5, &set) && (set & ~(uint32_t)all_errata) == 0;
        c->errata = set;
    } else if (len == 7 && strncmp(word, "ptrsize", len) == 0) {
        if (strtol(value, NULL, 10) != PtrSize) {
            return refuse(why, cap,
                          "its words have %s bytes; this gomap-conform judges those of %d (see PROTOCOL.md)",
                          value, (int)PtrSize);
        }
    } else {
        return refuse(why, cap, "its greeting has '%.40s', which means nothing; see PROTOCOL.md", word);
    }
    return fine || refuse(why, cap, "its greeting has '%.60s', with a value that means nothing", word);
}

static bool read_greeting(conform *c, char *line, char *why, size_t cap)
{
    char begin[] = "hello 1 ";
    if (strncmp(line, begin, sizeof begin - 1) != 0) {
        return refuse(why, cap, "its greeting is '%.60s'; it has to begin with '%s'", line, begin);
    }
    c->target = *fuzz_target_named("everything", strlen("everything"));
    c->target.name = "what the child offers";
    c->target.keys = (1U << wire_key_kinds) - 1;
    c->target.hashes = (1U << wire_hash_kinds) - 1;
    c->offers = 0;
    c->errata = 0;
    c->exact = true;
    c->strict = false;
    snprintf(c->name, sizeof c->name, "%s", c->child.argv[0]);
    char *rest = line + sizeof begin - 1;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        if (strncmp(word, "name=", 5) == 0) { /* to the end of the line */
            snprintf(c->name, sizeof c->name, "%s%s%s", word + 5, *rest != '\0' ? " " : "", rest);
            break;
        }
        if (!learn(c, word, why, cap)) {
            return false;
        }
    }
    if ((c->offers & (1U << level_structure)) != 0) {
        c->offers |= 1U << level_range;
    }
    if ((c->offers & 1U << level_map) == 0) {
        return refuse(why, cap, "its greeting does not claim the level map, which is the least: levels=map");
    }
    return true;
}

bool conform_meet(conform *c, char *why, size_t cap)
{
    if (!peer_start(&c->child)) {
        return refuse(why, cap, "%s", c->child.why);
    }
    peer_send(&c->child, "hello 1");
    char *line = peer_line(&c->child);
    if (line == NULL) {
        return refuse(why, cap, "no greeting: %s", c->child.why);
    }
    return read_greeting(c, line, why, cap);
}
