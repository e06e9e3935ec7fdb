/* SPDX-License-Identifier: BSD-3-Clause
 *
 * field.c: names the first field in which two states differ, from their text
 * (judge_go.h; ref/dump.h has the format).
 */
#include <ctype.h>
#include <stdlib.h>

#include "judge_go.h"

/* One line of a state. */
typedef struct line {
    const char *at;
    int len;
} line;

typedef struct place {
    const char *section; /* buckets or oldbuckets */
    char iterator;
    long bucket; /* of the line before */
    int depth;   /* in its chain */
} place;

typedef struct finding {
    char *rule, *detail;
} finding;

enum { rule_bytes = 64, detail_bytes = 256 };

static line next_line(const char **p)
{
    line l = {*p, (int)strcspn(*p, "\n")};
    *p += l.len;
    if (**p != '\0') {
        ++*p;
    }
    return l;
}

static bool same(line a, line b)
{
    return a.len == b.len && memcmp(a.at, b.at, (size_t)a.len) == 0;
}

static bool starts(line l, const char *word)
{
    size_t n = strlen(word);
    return (size_t)l.len >= n && memcmp(l.at, word, n) == 0;
}

/* The next word: blanks within quotes or brackets do not end it. */
static line next_word(line *l)
{
    while (l->len > 0 && *l->at == ' ') {
        l->at++;
        l->len--;
    }
    line w = {l->at, 0};
    int open = 0;
    bool quoted = false;
    while (w.len < l->len) {
        char c = w.at[w.len];
        if (quoted && c == '\\' && w.len + 1 < l->len) {
            w.len++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && strchr("([{", c) != NULL) {
            open++;
        } else if (!quoted && strchr(")]}", c) != NULL) {
            open--;
        } else if (c == ' ' && !quoted && open == 0) {
            break;
        }
        w.len++;
    }
    l->at += w.len;
    l->len -= w.len;
    return w;
}

/* At most so much of a value in a message. */
static int shown(line l)
{
    return l.len < 60 ? l.len : 60;
}

static bool found(finding *f, const char *rule, const char *path, line port, line go)
{
    snprintf(f->rule, rule_bytes, "%s", rule);
    snprintf(f->detail, detail_bytes, "%s is %.*s, and in go1.19 %.*s", path, port.len > 0 ? shown(port) : 7,
             port.len > 0 ? port.at : "nothing", go.len > 0 ? shown(go) : 7, go.len > 0 ? go.at : "nothing");
    return true;
}

/* Words of the form name=value; the name, with a prefix, is the field. */
static bool named(finding *f, const char *prefix, const char *path, line port, line go)
{
    while (port.len > 0 || go.len > 0) {
        line a = next_word(&port), b = next_word(&go);
        int name = 0;
        while (name < b.len && b.at[name] != '=') {
            name++;
        }
        /* An iterator's key and elem are compared when it moves: later they are
         * shown only as far as each side still knows them to be valid. */
        bool later = strcmp(prefix, "iter.") == 0 && (starts(b, "key=") || starts(b, "elem="));
        if (same(a, b) || later) {
            continue;
        }
        char rule[rule_bytes], where[rule_bytes];
        bool pair = name < b.len && name < a.len && memcmp(a.at, b.at, (size_t)name) == 0;
        snprintf(rule, sizeof rule, "%s%.*s", prefix, pair ? name : 5, pair ? b.at : "ended");
        snprintf(where, sizeof where, "%s%.*s", path, pair ? name : 5, pair ? b.at : "ended");
        int skip = pair ? name + 1 : 0;
        return found(f, rule, where, (line){a.at + skip, a.len - skip}, (line){b.at + skip, b.len - skip});
    }
    return false;
}

/* ---- buckets -------------------------------------------------------------- */

typedef struct slot {
    line state, key, elem;
} slot;

static slot split_slot(line w)
{
    slot s = {{w.at, 0}, {w.at, 0}, {w.at, 0}};
    while (s.state.len < w.len && w.at[s.state.len] != ':' && w.at[s.state.len] != '~') {
        s.state.len++;
    }
    if (s.state.len == w.len) {
        return s;
    }
    s.key.at = w.at + s.state.len + 1;
    int rest = w.len - s.state.len - 1;
    bool quoted = false;
    while (s.key.len < rest && (quoted || s.key.at[s.key.len] != '=')) {
        char c = s.key.at[s.key.len];
        if (quoted && c == '\\') {
            s.key.len++;
        }
        quoted = quoted != (c == '"');
        s.key.len++;
    }
    if (s.key.len > rest) {
        s.key.len = rest;
    }
    if (s.key.len < rest) {
        s.elem = (line){s.key.at + s.key.len + 1, rest - s.key.len - 1};
    }
    return s;
}

/* The eight slots of a bucket; `.*4` are four. */
static void split_slots(line l, slot out[bucketCnt])
{
    int n = 0;
    while (n < bucketCnt && l.len > 0) {
        line w = next_word(&l);
        int times = 1;
        if (w.len == 3 && w.at[1] == '*') {
            times = w.at[2] - '0';
            w.len = 1;
        }
        for (; times > 0 && n < bucketCnt; times--) {
            out[n++] = split_slot(w);
        }
    }
    while (n < bucketCnt) {
        out[n++] = split_slot((line){".", 1});
    }
}

static bool slots_differ(finding *f, const place *p, line port, line go)
{
    slot a[bucketCnt], b[bucketCnt];
    split_slots(port, a);
    split_slots(go, b);
    char base[rule_bytes], path[rule_bytes + 16];
    if (p->depth > 0) {
        snprintf(base, sizeof base, "%s[%ld]+%d", p->section, p->bucket, p->depth);
    } else {
        snprintf(base, sizeof base, "%s[%ld]", p->section, p->bucket);
    }
    for (int i = 0; i < bucketCnt; i++) {
        if (!same(a[i].state, b[i].state)) {
            snprintf(path, sizeof path, "%s.tophash[%d]", base, i);
            return found(f, "tophash", path, a[i].state, b[i].state);
        }
        if (!same(a[i].key, b[i].key)) {
            snprintf(path, sizeof path, "%s.key[%d]", base, i);
            return found(f, "key", path, a[i].key, b[i].key);
        }
        if (!same(a[i].elem, b[i].elem)) {
            snprintf(path, sizeof path, "%s.elem[%d]", base, i);
            return found(f, "elem", path, a[i].elem, b[i].elem);
        }
    }
    return false;
}

typedef struct bucket_line {
    long first, last; /* a run of empty buckets */
    bool empty;
    line label, slots;
} bucket_line;

static bool read_bucket(line l, bucket_line *b)
{
    if (l.len == 0 || !isdigit((unsigned char)*l.at)) {
        return false;
    }
    char *end;
    b->first = b->last = strtol(l.at, &end, 10);
    if (end[0] == '.' && end[1] == '.') {
        b->last = strtol(end + 2, &end, 10);
    }
    line rest = {end, l.len - (int)(end - l.at)};
    b->label = next_word(&rest);
    b->slots = rest;
    b->empty = starts(b->label, "empty");
    return true;
}

/* Two lines of an array that differ. */
static bool buckets_differ(finding *f, place *p, line port, line go, const char **port_rest,
                           const char **go_rest)
{
    bucket_line a, b;
    bool port_has = read_bucket(port, &a), go_has = read_bucket(go, &b);
    char path[rule_bytes];
    while (port_has && go_has && a.empty && b.empty && a.last != b.last) {
        /* The shorter run ends first: what comes behind it is empty on the other side. */
        bool shorter = a.last < b.last;
        bucket_line *rest = shorter ? &b : &a;
        rest->first = (shorter ? a.last : b.last) + 1;
        if (shorter) {
            port_has = read_bucket(next_line(port_rest), &a);
        } else {
            go_has = read_bucket(next_line(go_rest), &b);
        }
    }
    if (port_has && go_has && a.first == b.first) {
        p->depth = a.first == p->bucket ? p->depth + 1 : 0;
        p->bucket = a.first;
        bool kinds = same(a.label, b.label) || a.empty || b.empty;
        line nothing = {".", 0};
        if (kinds && slots_differ(f, p, a.empty ? nothing : a.slots, b.empty ? nothing : b.slots)) {
            return true;
        }
        snprintf(path, sizeof path, "%s[%ld]+%d", p->section, p->bucket, p->depth);
        return found(f, "overflow", path, a.label, b.label);
    }
    snprintf(path, sizeof path, "%s[%ld]+%d.overflow", p->section, p->bucket, p->depth);
    line none = {"", 0};
    bool port_longer = port_has && a.first == p->bucket, go_longer = go_has && b.first == p->bucket;
    return found(f, "overflow", path, port_longer ? a.label : none, go_longer ? b.label : none);
}

static void note_place(place *p, line l)
{
    bucket_line b;
    if (starts(l, "buckets ") || starts(l, "oldbuckets ")) {
        p->section = *l.at == 'b' ? "buckets" : "oldbuckets";
        p->bucket = -1;
    } else if (starts(l, "iterator ")) {
        p->section = NULL;
        p->iterator = l.at[9];
    } else if (p->section != NULL && read_bucket(l, &b)) {
        p->depth = b.first == p->bucket ? p->depth + 1 : 0;
        p->bucket = b.last;
    }
}

bool judge_go_field(const char *port, const char *go, char rule[64], char detail[256])
{
    finding f = {rule, detail};
    place p = {.section = NULL, .bucket = -1};
    while (*port != '\0' || *go != '\0') {
        line a = next_line(&port), b = next_line(&go);
        char path[rule_bytes];
        if (same(a, b)) {
            note_place(&p, a);
        } else if (starts(a, "rand ") && starts(b, "rand ")) {
            return found(&f, "rand", "the generator's state", (line){a.at + 5, a.len - 5},
                         (line){b.at + 5, b.len - 5});
        } else if (starts(a, "map ") && starts(b, "map ")) {
            if (named(&f, "", "", a, b)) {
                return true;
            }
        } else if (starts(a, "iter ") && starts(b, "iter ")) {
            snprintf(path, sizeof path, "iter %c.", p.iterator);
            if (named(&f, "iter.", path, a, b)) {
                return true;
            }
        } else if (starts(a, "buckets ") && starts(b, "buckets ")) {
            line x = a, y = b;
            next_word(&x);
            next_word(&y);
            line m = next_word(&x), n = next_word(&y);
            return same(m, n) ? found(&f, "nextOverflow", "nextOverflow", x, y)
                              : found(&f, "buckets", "the size of buckets", m, n);
        } else if (starts(a, "oldbuckets ") || starts(b, "oldbuckets ")) {
            return found(&f, "oldbuckets", "oldbuckets", a, b);
        } else if (starts(a, "iterator ") || starts(b, "iterator ")) {
            return found(&f, "iter.ended", "the next iterator alive", a, b);
        } else if (p.section != NULL && (isdigit((unsigned char)*a.at) || isdigit((unsigned char)*b.at))) {
            return buckets_differ(&f, &p, a, b, &port, &go);
        } else if (starts(a, "tail ") && starts(b, "tail ")) {
            return named(&f, "", "", a, b);
        } else if (starts(a, "result ") && starts(b, "result ")) {
            return named(&f, "result.", "result.", a, b);
        } else {
            return found(&f, "dump", "a line of the dump", a, b);
        }
    }
    return false;
}
