/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_states.h: which kinds of state a map has been in, and the traces that
 * lead to the rare ones.
 */
#ifndef GOMAP_CONFORM_STATES_H
#define GOMAP_CONFORM_STATES_H

#include "conform_port.h"
#include "ops.h"

/* A run of this trace begins; then every state that it is in. */
void states_begin(const trace *tr);
void states_see(void *ctx, const port *p);
/* It is over: kept, if it was the first somewhere. */
void states_end(void);

/* Kinds seen so far. */
size_t states_kinds(void);

/* The bytes of a trace that reached a rare kind; 0: there is none yet. */
size_t states_pick(uint64_t *random, uint8_t out[trace_max_bytes]);

#endif
