/* SPDX-License-Identifier: BSD-3-Clause
 *
 * blocks.h: the memory of the maps that are run: what the C library gives, with
 * large blocks kept for the next map, and freed ones spoiled.  Under ASan small
 * blocks come from areas of our own, which is several times as fast; ASan then
 * says `use-after-poison` of whatever it finds there.  With GOMAP_MALLOC set in
 * the environment they are malloc's, and it tells where a block came from and who
 * freed it.
 */
#ifndef GOMAP_BLOCKS_H
#define GOMAP_BLOCKS_H

#include <stddef.h>

/* size bytes of zeros.  Ends the program where the machine has no more: a run
 * has its own limit, and does not come to this one. */
void *block_new(size_t size);

/* p is block_new(size)'s.  Who reads it afterwards is told so by ASan or, without
 * it, sees neither what was there nor zeros.  Throws, where it can tell, if p is
 * not that any more or never was. */
void block_free(void *p, size_t size);

/* Another run begins: what was freed before the last one may be used again. */
void blocks_next_run(void);

#endif
