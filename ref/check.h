/* SPDX-License-Identifier: BSD-3-Clause
 *
 * check.h: is the structure of a map sound?  One named conjunct per invariant.
 */
#ifndef GOMAP_CHECK_H
#define GOMAP_CHECK_H

#include "map.h"

typedef struct gm_check_result {
    const char *rule; /* the conjunct that failed, NULL: all hold */
    char detail[192]; /* where: bucket, slot, values */
    uintptr_t met;    /* gm_check_at: entries of that hash that it found in their place */
} gm_check_result;

/* Everything: both arrays, every chain and slot, every generation.  its are
 * the live iterators over h (n of them; NULL entries and ended ones are
 * skipped): their holds must add up.  O(size of the map); allocates nothing
 * from the map's allocator. */
GM_API bool gm_check(const maptype *t, hmap *h, hiter *const *its, size_t n, gm_check_result *r);

/* The header, and the chains that an operation on a key of this hash has
 * touched: its bucket, its old bucket, both destinations of the latter, and
 * the old bucket before nevacuate.  O(length of those chains).  While the map
 * grows all their entries are hashed, since any may have moved; else only those
 * with the tophash of this hash. */
GM_API bool gm_check_at(const maptype *t, hmap *h, uintptr_t hash, gm_check_result *r);

#endif
