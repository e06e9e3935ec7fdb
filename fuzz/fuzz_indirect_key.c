/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_indirect_key.c
 *
 * Tests keys and elems on both sides of 128 bytes, where the slot holds a pointer
 * instead of the value: update through the pointer, memory that is freed at once or
 * parked for iterators, growth that moves the pointer alone.
 *
 * A failure is: memory that is read after it was freed, freed twice, shared, leaked or
 * kept although no iterator can reach it; and whatever the other judges say.
 *
 *     ci/fuzz --target indirect_key
 *     replay --target indirect_key FILE
 */
#include "run.h"

const fuzz_target target_indirect_key = {
    .name = "indirect_key",
    .keys =
        1U << key_int64 | 1U << key_bytes127 | 1U << key_bytes128 | 1U << key_bytes129 | 1U << key_bytes1000,
    .elems = 1U << elem_int64 | 1U << elem_bytes128 | 1U << elem_bytes129 | 1U << elem_bytes1025,
    .hashes = PORTABLE_HASHES,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_nil),
};
