/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_everything.c
 *
 * Tests all kinds of keys and elems, all hashers, all ops, in both modes.
 *
 * A failure is: whatever any judge says.
 *
 *     ci/fuzz --target everything
 *     replay --target everything FILE
 */
#include "run.h"

//= SPEC.md#S-MEMORY-20 type=test
//# The same calls with the same seed MUST lead to the same state, wherever memory lies.
const fuzz_target target_everything = {
    .name = "everything",
    .keys = ALL_KEYS,
    .elems = ALL_ELEMS,
    .hashes = ALL_HASHES,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS,
};
