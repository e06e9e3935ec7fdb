/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_overflow.c
 *
 * Tests overflow chains: taken from the preallocated tail up to its sentinel and then
 * from the heap; same-size growth when they pile up; emptyRest, which delete
 * has to spread back over the chain; noverflow, exact below B=16 and drawn at
 * random from there.
 *
 * A failure is: a chain that is shared, cyclic, or cut; a tophash state that stops a
 * lookup early; a wrong noverflow; and whatever the other judges say.
 *
 *     ci/fuzz --target overflow
 *     replay --target overflow FILE
 */
#include "run.h"

const fuzz_target target_overflow = {
    .name = "overflow",
    .keys = 1U << key_int64 | 1U << key_int8 | 1U << key_int16 | 1U << key_int32,
    .elems = 1U << elem_zero | 1U << elem_int8 | 1U << elem_int64,
    .hashes = PORTABLE_HASHES & ~(1U << hash_random),
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .bytes = 6 << 20, /* B=16 with small keys */
    .ops = ALL_OPS & ~(1U << op_fail | 1U << op_nil),
};
