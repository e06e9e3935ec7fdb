/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_peer.h: a program that is talked to line by line, and may do anything.
 */
#ifndef GOMAP_CONFORM_PEER_H
#define GOMAP_CONFORM_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef enum peer_fault {
    peer_well,
    peer_hang,    /* no answer within its time */
    peer_crash,   /* it ended */
    peer_closed,  /* it lives, but its output has ended */
    peer_too_long /* an endless line */
} peer_fault;

typedef struct peer_buffer {
    char *at;
    size_t from, to, room; /* at[from..to) is there */
} peer_buffer;

typedef struct peer {
    char *const *argv;
    unsigned patience_ms; /* so long it may be silent while an answer is due */
    bool quiet;           /* what it writes to stderr is thrown away */
    pid_t pid;            /* 0: it does not run */
    int in, out;          /* our ends: what we read, what we write */
    peer_buffer reading, writing;
    peer_fault fault;
    char why[160]; /* the fault in words */
    unsigned starts;
} peer;

/* Starts it, ending one that runs.  False: *why says why it cannot be started. */
bool peer_start(peer *p);
void peer_stop(peer *p);

/* Notes a line to be sent; what has been noted goes out while answers are
 * awaited, or with peer_flush. */
void peer_send(peer *p, const char *line);
void peer_flush(peer *p);

/* The next line that it has written, without its newline, valid until the next
 * call; NULL: a fault. */
char *peer_line(peer *p);

/* Has it written something that nobody has read? */
bool peer_has_more(peer *p);

#endif
