/* SPDX-License-Identifier: BSD-3-Clause
 *
 * digest.h: states and values as numbers that are the same wherever the word
 * size is; see digest.c.
 */
#ifndef GOMAP_DIGEST_H
#define GOMAP_DIGEST_H

#include "oracle.h"

/* Folds a number into a running hash. */
GM_WRAPS static inline uint64_t digest_step(uint64_t a, uint64_t x)
{
    a = (a ^ x) * UINT64_C(0x9fb21c651e98df25);
    return a << 29 | a >> 35;
}

/* The free part of the preallocated tail: its first bucket and the one with the
 * sentinel, 0 if none has it, as numbers in the array.  False: there is none. */
bool digest_tail(const oracle_step *s, uintptr_t *first, uintptr_t *sentinel);

/* Folds a value into a running hash: key or elem of the step's kinds. */
uint64_t digest_key(const oracle_step *s, uint64_t roll, const void *p);
uint64_t digest_elem(const oracle_step *s, uint64_t roll, const void *p);

#endif
