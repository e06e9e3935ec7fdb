/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_port.h: the port behind conform/PROTOCOL.md: a request in, an answer
 * out.  conform/child_ref.c is this with a loop around it; gomap-conform asks
 * it for the answers that it expects.
 */
#ifndef GOMAP_CONFORM_PORT_H
#define GOMAP_CONFORM_PORT_H

#include "../oracle/oracle.h"
#include "conform_wire.h"

typedef struct port {
    maptype t;
    hmap *h;
    hiter its[oracle_iters];
    key_kind key;
    elem_kind elem;
    uint32_t copies; /* keys read so far */
} port;

/* Answers one request: a line without its newline, for dump several.  NULL: it
 * is no request that the port knows.  Valid until the next call. */
const char *port_answer(port *p, const char *request);

/* Takes its memory from an allocator that `fail` reaches; before the first map. */
void port_may_fail(void);

#endif
