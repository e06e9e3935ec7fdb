/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_alloc_fail.c
 *
 * Tests allocations that fail, each of them at any time: the call returns NULL, the map
 * keeps all its entries, and the same call can be repeated.  Deleting, clearing
 * and iterating never fail.
 *
 * A failure is: an entry lost or half inserted, memory lost, NULL without a failed
 * allocation; and whatever the other judges say.
 *
 *     ci/fuzz --target alloc_fail
 *     replay --target alloc_fail FILE
 */
#include "run.h"

const fuzz_target target_alloc_fail = {
    .name = "alloc_fail",
    .keys = 1U << key_int64 | 1U << key_string | 1U << key_bytes129 | 1U << key_float64,
    .elems = 1U << elem_int64 | 1U << elem_zero | 1U << elem_bytes129,
    .hashes = PORTABLE_HASHES,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_nil),
};
