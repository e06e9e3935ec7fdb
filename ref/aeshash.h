/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aeshash.h: the memory hash of x86 CPUs with AES instructions, without them.
 *
 * aeshash.c computes what Go's assembler does; alg.h declares the four hash
 * functions that lead there.  Here is only what a test has to reach.
 */
#ifndef GOMAP_AESHASH_H
#define GOMAP_AESHASH_H

/* An SSE register: 16 bytes, in the order in which they lie in memory. */
typedef struct gm_xmm {
    unsigned char b[16];
} gm_xmm;

/* The instruction AESENC: one round of AES over state, with key as round key. */
gm_xmm gm_aesenc(gm_xmm state, gm_xmm key);

#endif
