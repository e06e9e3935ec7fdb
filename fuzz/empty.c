/* SPDX-License-Identifier: BSD-3-Clause
 *
 * empty.c: the target that does nothing.  What an engine needs for itself is
 * its runs/s with this one; ci/fuzz compares others with it.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return 0;
}
