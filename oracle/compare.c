/* SPDX-License-Identifier: BSD-3-Clause
 *
 * compare.c: asks the judges, and shows what they disagree about.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

const oracle *const oracles[] = {&oracle_check,  &oracle_uthash,      &oracle_range, &oracle_alloc,
                                 &oracle_memory, &oracle_determinism, NULL};

bool oracle_ask(oracle_step *s, oracle_report *r)
{
    s->entry = NULL;
    oracle_errata_step(s);
    for (size_t i = 0; oracles[i] != NULL; i++) {
        if (oracles[i]->step(s, r) == oracle_differs) {
            return false;
        }
    }
    oracle_errata_done(s);
    return true;
}

oracle_answer oracle_differ(oracle_report *r, const char *judge, const char *rule, const char *format, ...)
{
    r->judge = judge;
    r->rule = rule;
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->detail, sizeof r->detail, format, ap);
    va_end(ap);
    return oracle_differs;
}

/* ---- side by side ------------------------------------------------------ */

typedef struct lines {
    char **at;
    size_t n;
} lines;

static lines split(char *text)
{
    lines l = {NULL, 0};
    for (char *p = strtok(text, "\n"); p != NULL; p = strtok(NULL, "\n")) {
        char **more = realloc(l.at, (l.n + 1) * sizeof *more);
        if (more == NULL) {
            break;
        }
        l.at = more;
        l.at[l.n++] = p;
    }
    return l;
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

/* The port's entries, as uthash_show writes the model's: read from the buckets,
 * since lookups may be what is broken. */
static void show_port_chain(const oracle_step *s, bmap *b, FILE *out)
{
    size_t depth = 0;
    for (; b != NULL && depth < oracle_max_entries; b = bmap_overflow(b, s->t), depth++) {
        for (uintptr_t i = 0; i < bucketCnt; i++) {
            if (b->tophash[i] < minTopHash) {
                continue;
            }
            void *k = add(b, dataOffset + i * s->t->keysize);
            void *e = add(b, dataOffset + bucketCnt * (uintptr_t)s->t->keysize + i * s->t->elemsize);
            k = maptype_indirectkey(s->t) ? gm_loadp(k) : k;
            e = maptype_indirectelem(s->t) ? gm_loadp(e) : e;
            key_facts facts = {.id = 0};
            uint32_t payload = 0;
            bool known = key_read(s->key_kind, k, &facts, &payload);
            const oracle_entry *m = known ? model_entries() : NULL;
            while (m != NULL &&
                   (facts.nan ? !m->nan || (m->variant & 0xffff) != payload : m->nan || m->id != facts.id)) {
                m = m->next;
            }
            if (m != NULL) {
                char text[64];
                key_name(s->key_kind, m->n, text, sizeof text);
                fputs(text, out);
            } else {
                gm_dump_value(s->t->key, k, gm_sink_file(out));
            }
            if (m != NULL && elem_same(s->elem_kind, e, m->stamp)) {
                fprintf(out, " = value %llu\n", (unsigned long long)m->stamp);
            } else {
                fputs(" = another value: ", out);
                gm_dump_value(s->t->elem, e, gm_sink_file(out));
                fputc('\n', out);
            }
        }
    }
}

static void show_port(const oracle_step *s, FILE *out)
{
    for (uintptr_t i = 0; s->h->buckets != NULL && i < bucketShift(s->h->B); i++) {
        show_port_chain(s, add(s->h->buckets, i * s->t->bucketsize), out);
    }
    for (uintptr_t i = 0; hmap_growing(s->h) && i < hmap_noldbuckets(s->h); i++) {
        bmap *b = add(s->h->oldbuckets, i * s->t->bucketsize);
        if (!evacuated(b)) {
            show_port_chain(s, b, out);
        }
    }
}

static void show_iters(const oracle_step *s, FILE *out)
{
    for (unsigned i = 0; i < oracle_iters; i++) {
        if (s->its[i].h != NULL) {
            fprintf(out, "iterator %c:\n", 'a' + (char)i);
            gm_dump_iter(&s->its[i], gm_sink_file(out));
        }
    }
}

/* Two lines that differ and are wider than a column: from shortly before the
 * first difference on. */
static size_t first_shown(const char *a, const char *b, size_t half)
{
    enum { lead = 12 };
    size_t at = 0;
    while (a[at] != '\0' && a[at] == b[at]) {
        at++;
    }
    return (strlen(a) <= half && strlen(b) <= half) || at < half - lead ? 0 : at - lead;
}

static void put_pair(const char *a, const char *b, char mark, int half, FILE *out)
{
    size_t from = mark == ' ' ? 0 : first_shown(a, b, (size_t)half);
    a += from < strlen(a) ? from : strlen(a);
    b += from < strlen(b) ? from : strlen(b);
    fprintf(out, "%-*.*s %c %.*s\n", half, half, a, mark, half, b);
}

/* How many lines of one side have no counterpart, so that the sides meet again:
 * of the left, or as a negative number of the right; 0: the two lines just
 * differ. */
static long apart(const lines *l, size_t i, const lines *m, size_t j)
{
    for (size_t d = 1; d < 64; d++) {
        if (i + d < l->n && strcmp(l->at[i + d], m->at[j]) == 0) {
            return (long)d;
        }
        if (j + d < m->n && strcmp(l->at[i], m->at[j + d]) == 0) {
            return -(long)d;
        }
    }
    return 0;
}

/* Two states: the lines that differ, marked, with some of those around them. */
static void put_differing(const lines *l, const lines *m, int half, FILE *out)
{
    enum { around = 2, head = 3 };
    size_t i = 0, j = 0, quiet = around + 1; /* lines since the last difference */
    bool left_out = false;
    while (i < l->n || j < m->n) {
        bool both = i < l->n && j < m->n;
        if (both && strcmp(l->at[i], m->at[j]) == 0) {
            bool near = false;
            for (size_t d = 1; d <= around && i + d < l->n && j + d < m->n; d++) {
                near = near || strcmp(l->at[i + d], m->at[j + d]) != 0;
            }
            if (near || quiet < around || i < head) {
                put_pair(l->at[i], m->at[j], ' ', half, out);
            } else if (!left_out) {
                fprintf(out, "...\n");
            }
            left_out = !(near || quiet < around || i < head);
            quiet++;
            i++;
            j++;
            continue;
        }
        quiet = 0;
        left_out = false;
        long d = both ? apart(l, i, m, j) : i < l->n ? 1 : -1;
        put_pair(d >= 0 ? l->at[i] : "", d <= 0 ? m->at[j] : "", '!', half, out);
        i += d >= 0;
        j += d <= 0;
    }
}

/* Entries of both sides, sorted: those that only one has are marked. */
static void put_entries(lines *l, lines *m, int half, FILE *out)
{
    if (l->n > 1) {
        qsort(l->at, l->n, sizeof *l->at, by_text);
    }
    if (m->n > 1) {
        qsort(m->at, m->n, sizeof *m->at, by_text);
    }
    size_t i = 0, j = 0;
    while (i < l->n || j < m->n) {
        int order = i == l->n ? 1 : j == m->n ? -1 : strcmp(l->at[i], m->at[j]);
        put_pair(order <= 0 ? l->at[i] : "", order >= 0 ? m->at[j] : "", order != 0 ? '!' : ' ', half, out);
        i += order <= 0;
        j += order >= 0;
    }
}

static void put_as_they_are(const lines *l, const lines *m, int half, FILE *out)
{
    for (size_t i = 0; i < l->n || i < m->n; i++) {
        put_pair(i < l->n ? l->at[i] : "", i < m->n ? m->at[i] : "", ' ', half, out);
    }
}

static void write_port(const oracle_step *s, const oracle *judge, FILE *out)
{
    if (judge->show_port != NULL) {
        judge->show_port(s, out);
    } else if (judge == &oracle_uthash) {
        show_port(s, out);
    } else if (s->its[s->slot].h != NULL) {
        show_iters(s, out);
    } else {
        fprintf(out, "iterator %c has ended; the entries:\n", 'a' + (char)s->slot);
        show_port(s, out);
    }
}

void oracle_side_by_side(const oracle_step *s, const oracle_report *r, unsigned width, FILE *out)
{
    const oracle *judge = strcmp(oracle_go.name, r->judge) == 0 ? &oracle_go : NULL;
    for (size_t i = 0; oracles[i] != NULL; i++) {
        if (strcmp(oracles[i]->name, r->judge) == 0) {
            judge = oracles[i];
        }
    }
    if (s->h == NULL) {
        return;
    }
    if (judge == NULL || judge->show == NULL) {
        fprintf(out, "the port's state:\n");
        gm_dump(s->t, s->h, gm_sink_file(out));
        show_iters(s, out);
        return;
    }
    char *text[2] = {NULL, NULL};
    size_t size[2];
    for (int side = 0; side < 2; side++) {
        FILE *f = open_memstream(&text[side], &size[side]);
        if (f == NULL) {
            fprintf(out, "no memory to show the two states\n");
            free(text[0]);
            return;
        }
        if (side == 1) {
            judge->show(s, f);
        } else {
            write_port(s, judge, f);
        }
        fclose(f);
    }
    lines l = split(text[0]), m = split(text[1]);
    int half = (int)(width - 3) / 2;
    fprintf(out, "%-*.*s   %s\n", half, half, "the port", judge->name);
    if (judge == &oracle_go) {
        put_differing(&l, &m, half, out);
    } else if (judge == &oracle_uthash) {
        put_entries(&l, &m, half, out);
    } else {
        put_as_they_are(&l, &m, half, out);
    }
    free(l.at);
    free(m.at);
    free(text[0]);
    free(text[1]);
}
