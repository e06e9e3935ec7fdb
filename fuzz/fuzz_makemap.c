/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_makemap.c
 *
 * Tests making: hints that are negative, huge, or on either side of each boundary, by all
 * five makers; the preallocated tail for each bucket size; reuse of a map after it
 * was cleared or emptied.
 *
 * A failure is: a map that does not take its hint without growing, or a hint that is not
 * refused; a tail of the wrong length; and whatever the other judges say.
 *
 *     ci/fuzz --target makemap
 *     replay --target makemap FILE
 */
#include "run.h"

const fuzz_target target_makemap = {
    .name = "makemap",
    .keys = ALL_KEYS,
    .elems = ALL_ELEMS,
    .hashes = 1U << hash_real | 1U << hash_identity,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .bytes = 6 << 20, /* B=16 with small keys */
    .ops = ALL_OPS & ~(1U << op_fail),
};
