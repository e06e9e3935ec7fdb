/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_unhashable.c
 *
 * Tests interface keys whose value cannot be hashed: every operation panics, also on an
 * empty and on a nil map, and the map can be used on as if nothing had been.
 *
 * A failure is: no panic, other words, or any change to map, iterators or generator by
 * it; and whatever the other judges say.
 *
 *     ci/fuzz --target unhashable
 *     replay --target unhashable FILE
 */
#include "run.h"

const fuzz_target target_unhashable = {
    .name = "unhashable",
    .keys = 1U << key_iface,
    .elems = 1U << elem_int64 | 1U << elem_zero | 1U << elem_bytes129,
    .hashes = PORTABLE_HASHES,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_fail),
};
