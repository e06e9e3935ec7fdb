/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bucket.c: draws the bucket of a map type as text, from the descriptor that
 * the port works with.  ref/SPEC.md shows some, and ci/examples runs it again.
 *
 *     bucket int64 int8          the key kind and the elem kind, as in traces
 *
 * A line is one word of memory.  tN is tophash N; a field that fills less than
 * half a word is kN or eN.
 *
 * Exit code: 0 all well, 2 bad usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../oracle/kinds.h"
#include "../ref/map.h"

/* A run of equal fields: where it begins, how many, how large each. */
typedef struct run {
    uintptr_t at, count, size;
    const char *name;
} run;

/* The number of name in names, or count: there is no such name. */
static unsigned find(const char *name, const char *const *names, unsigned count)
{
    unsigned i = 0;
    while (i < count && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

/* What begins at this byte of the bucket or covers it: label, and how many
 * bytes there are up to its end. */
static uintptr_t field_at(const run *runs, unsigned nruns, uintptr_t at, char *label, size_t cap)
{
    for (unsigned r = 0; r < nruns; r++) {
        const run *f = &runs[r];
        if (at < f->at || at >= f->at + f->count * f->size) {
            continue;
        }
        uintptr_t n = (at - f->at) / f->size;
        bool begins = (at - f->at) % f->size == 0;
        if (!begins) {
            snprintf(label, cap, "%s", "");
        } else if (f->count == 1) {
            snprintf(label, cap, "%s", f->name);
        } else if (f->size < PtrSize / 2) {
            snprintf(label, cap, "%c%" PRIuPTR, f->name[0], n);
        } else {
            snprintf(label, cap, "%s %" PRIuPTR, f->name, n);
        }
        return f->at + (n + 1) * f->size - at;
    }
    snprintf(label, cap, "%s", "..");
    return 1; /* padding, which no kind of a trace has */
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bucket KEY ELEM, a kind of key and one of elems, as traces name them\n");
        return 2;
    }
    unsigned k = find(argv[1], key_kind_names, key_kinds), e = find(argv[2], elem_kind_names, elem_kinds);
    if (k == key_kinds || e == elem_kinds) {
        fprintf(stderr, "bucket: '%s' is no kind of %s; fuzz/FORMAT.md lists them\n",
                argv[k == key_kinds ? 1 : 2], k == key_kinds ? "key" : "elem");
        return 2;
    }
    maptype t;
    kinds_maptype(&t, (key_kind)k, (elem_kind)e, hash_real, gm_exact);
    printf("map[%s]%s: a bucket has %u bytes; key slots of %u%s, elem slots of %u%s\n", t.key->name,
           t.elem->name, t.bucketsize, t.keysize, maptype_indirectkey(&t) ? " (pointers)" : "", t.elemsize,
           maptype_indirectelem(&t) ? " (pointers)" : "");

    const run runs[] = {
        {0, bucketCnt, 1, "tophash"},
        {dataOffset, bucketCnt, t.keysize, "key"},
        {dataOffset + bucketCnt * (uintptr_t)t.keysize, bucketCnt, t.elemsize, "elem"},
        {t.bucketsize - PtrSize, 1, PtrSize, "overflow"},
    };
    for (uintptr_t at = 0; at < t.bucketsize;) {
        if (at % PtrSize == 0) {
            printf("%4" PRIuPTR " |", at);
        }
        char label[32];
        uintptr_t left = field_at(runs, sizeof runs / sizeof *runs, at, label, sizeof label);
        uintptr_t row = PtrSize - at % PtrSize;
        uintptr_t bytes = left < row ? left : row;
        printf("%-*s|%s", (int)(3 * bytes - 1), label, bytes == row ? "\n" : "");
        at += bytes;
    }
    return 0;
}
