/* SPDX-License-Identifier: BSD-3-Clause
 *
 * blocks.h: the memory of the maps that are run: what the C library gives, with
 * large blocks kept for the next map, and freed ones spoiled.
 */
#ifndef GOMAP_BLOCKS_H
#define GOMAP_BLOCKS_H

#include <stddef.h>

/* size bytes of zeros.  Ends the program where the machine has no more: a run
 * has its own limit, and does not come to this one. */
void *block_new(size_t size);

/* p is block_new(size)'s.  Who reads it afterwards is told so by ASan or, without
 * it, sees neither what was there nor zeros. */
void block_free(void *p, size_t size);

#endif
