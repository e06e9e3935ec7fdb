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

void oracle_side_by_side(const oracle_step *s, const oracle_report *r, unsigned width, FILE *out)
{
    const oracle *judge = NULL;
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
        } else if (judge == &oracle_uthash) {
            show_port(s, f);
        } else if (s->its[s->slot].h != NULL) {
            show_iters(s, f);
        } else {
            fprintf(f, "iterator %c has ended; the entries:\n", 'a' + (char)s->slot);
            show_port(s, f);
        }
        fclose(f);
    }
    lines l = split(text[0]), m = split(text[1]);
    bool keyed = judge == &oracle_uthash; /* both sides list entries: sort and align them */
    if (keyed && l.n > 1) {
        qsort(l.at, l.n, sizeof *l.at, by_text);
    }
    if (keyed && m.n > 1) {
        qsort(m.at, m.n, sizeof *m.at, by_text);
    }
    int half = (int)(width - 3) / 2;
    fprintf(out, "%-*.*s   %s\n", half, half, "the port", judge->name);
    size_t i = 0, j = 0;
    while (i < l.n || j < m.n) {
        int order = i == l.n ? 1 : j == m.n ? -1 : keyed ? strcmp(l.at[i], m.at[j]) : 0;
        fprintf(out, "%-*.*s %c %.*s\n", half, half, order <= 0 ? l.at[i] : "",
                keyed && order != 0 ? '!' : ' ', half, order >= 0 ? m.at[j] : "");
        i += order <= 0;
        j += order >= 0;
    }
    free(l.at);
    free(m.at);
    free(text[0]);
    free(text[1]);
}
