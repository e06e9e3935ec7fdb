/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_grow_iter.c
 *
 * Tests growth while iterations are under way: iterators begun before, in the middle
 * of and after growth of both kinds, several at once, with deletes, updates,
 * re-inserts and clears in the loop.
 *
 * A failure is: an iterator misses an entry that was there all along, produces one
 * twice, or one that is gone, or one with an old key or elem; and whatever the
 * other judges say.
 *
 *     ci/fuzz --target grow_iter
 *     replay --target grow_iter FILE
 */
#include "run.h"

const fuzz_target target_grow_iter = {
    .name = "grow_iter",
    .keys = 1U << key_int64 | 1U << key_int16 | 1U << key_string | 1U << key_float64 | 1U << key_pointer,
    .elems = 1U << elem_int64 | 1U << elem_zero | 1U << elem_pointer,
    .hashes = PORTABLE_HASHES,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_fail | 1U << op_nil | 1U << op_make),
};
