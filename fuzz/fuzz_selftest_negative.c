/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_selftest_negative.c
 *
 * Must fail.  Behind the back of the judges, something is spoiled as soon as
 * the map has five entries; the seed of the trace says what, and which judge
 * has to notice.  A run that stays green means that the pipeline is blind.
 *
 *     seed % 6   spoiled                                    seen by
 *     0          the tophash of an entry                    check
 *     1          the elem of an entry                       uthash
 *     2          a step of iterator a, taken and not told   range
 *     3          a block that nobody frees                  memory
 *     4          the end state, in the second run only      determinism
 *     5          the count                                  check, and uthash after it
 *
 *     replay --target selftest_negative corpus/selftest_negative/seed
 */
#include "run.h"

enum { entries_needed = 5 };

/* The first live slot of the array, or NULL: all entries are in old buckets. */
static bmap *find_entry(const maptype *t, hmap *h, uintptr_t *slot)
{
    for (uintptr_t i = 0; i < bucketShift(h->B); i++) {
        bmap *b = add(h->buckets, i * t->bucketsize);
        for (*slot = 0; *slot < bucketCnt; ++*slot) {
            if (b->tophash[*slot] >= minTopHash) {
                return b;
            }
        }
    }
    return NULL;
}

static void sabotage(const trace *tr, size_t i, const maptype *t, hmap *h, hiter *its)
{
    static bool done;
    static unsigned runs;
    if (i == 0) {
        done = false;
        runs++;
    }
    uintptr_t slot;
    if (done || h->count < entries_needed) {
        return;
    }
    bmap *b = find_entry(t, h, &slot);
    if (b == NULL) {
        return;
    }
    unsigned char *e = add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + slot * t->elemsize);
    switch (tr->seed % 6) {
    case 0:
        b->tophash[slot] ^= 0x40;
        break;
    case 1:
        e[0] ^= 1;
        break;
    case 2:
        if (its[0].h == NULL) {
            return;
        }
        mapiternext(&its[0]);
        break;
    case 3:
        newobject(8, gm_block_key);
        break;
    case 4:
        if (runs % 2 != 0) {
            return;
        }
        h->hash0++;
        break;
    default:
        h->count++;
        break;
    }
    done = true;
}

const fuzz_target target_selftest_negative = {
    .name = "selftest_negative",
    .keys = 1U << key_int64,
    .elems = 1U << elem_int64,
    .hashes = 1U << hash_identity,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_fail | 1U << op_nil | 1U << op_make),
    .sabotage = sabotage,
};
