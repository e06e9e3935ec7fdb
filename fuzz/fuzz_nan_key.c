/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_nan_key.c
 *
 * Tests keys that differ from themselves (NaN), which can be inserted for ever, never be
 * found and never be deleted: evacuation by the low bit of their tophash, iteration
 * from the evacuated slot.  And zeros of both signs, which are equal but not the
 * same: which of the two lies in the map.
 *
 * A failure is: a NaN entry that an iteration misses or produces twice; a zero of the
 * wrong sign; and whatever the other judges say.
 *
 *     ci/fuzz --target nan_key
 *     replay --target nan_key FILE
 */
#include "run.h"

const fuzz_target target_nan_key = {
    .name = "nan_key",
    .keys =
        1U << key_float64 | 1U << key_complex128 | 1U << key_iface | 1U << key_float32 | 1U << key_complex64,
    .elems = 1U << elem_int64 | 1U << elem_zero | 1U << elem_bytes129,
    .hashes = PORTABLE_HASHES,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_fail | 1U << op_nil | 1U << op_make),
};
