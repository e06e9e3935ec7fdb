/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil_map.h: where in a map there is something to spoil, for the spoilers
 * themselves.
 *
 * What they put into a map is of the right kind in the wrong place: a report
 * prints the map afterwards, so that a pointer has to lead to memory that is
 * there, and a size must not exceed what it is the size of.
 */
#ifndef GOMAP_SPOIL_MAP_H
#define GOMAP_SPOIL_MAP_H

#include "spoil.h"

#define SPOILER(function, name, seen_by, look) bool spoil_##function(const victim *m);
#include "spoilers.def"
#undef SPOILER

/* A spoiler: looks for a thing in the map and, where there is one, spoils it. */
#define SPOIL(function, type, it, found, ...)                                                                \
    bool spoil_##function(const victim *m)                                                                   \
    {                                                                                                        \
        type *it = (found);                                                                                  \
        if (it == NULL) {                                                                                    \
            return false;                                                                                    \
        }                                                                                                    \
        __VA_ARGS__;                                                                                         \
        return true;                                                                                         \
    }

/* The map, if it is in that state; else NULL. */
hmap *without_buckets(const victim *m);
hmap *with_buckets(const victim *m);
hmap *with_entries(const victim *m);
hmap *growing(const victim *m);
hmap *idle(const victim *m);
hmap *with_one_bucket(const victim *m);
hmap *growing_to_same_size(const victim *m);
hmap *doubling(const victim *m);
hmap *with_mark(const victim *m);
hmap *without_iterators(const victim *m);
/* The first iterator that lives, the generations of buckets and oldbuckets; NULL: none. */
hiter *iterator_of(const victim *m);
gm_gen *current(const victim *m);
gm_gen *old(const victim *m);

void set_flags(hmap *h, unsigned flags);
unsigned flags_of(const hmap *h);

bmap *main_bucket(const victim *m, void *buckets, uintptr_t n);
unsigned char *key_slot(const victim *m, bmap *b, unsigned i);
unsigned char *elem_slot(const victim *m, bmap *b, unsigned i);
unsigned char *key_of(const victim *m, bmap *b, unsigned i);
void *overflow_slot(const victim *m, bmap *b);

/* Kinds of main buckets. */
typedef bool kind_of_bucket(const victim *m, bmap *b);
bool begun(const victim *m, bmap *b);
bool with_two(const victim *m, bmap *b);
bool half_free(const victim *m, bmap *b);
bool full(const victim *m, bmap *b);
bool chained(const victim *m, bmap *b);
bool done(const victim *m, bmap *b);
/* The first bucket of that kind in that array, or NULL. */
bmap *in_new(const victim *m, kind_of_bucket *fits);
bmap *in_old(const victim *m, kind_of_bucket *fits);

#endif
