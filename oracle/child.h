/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child.h: another implementation in a process of its own, which is given
 * recordings and answers what it did; see child.c for the messages.
 */
#ifndef GOMAP_CHILD_H
#define GOMAP_CHILD_H

#include "record.h"

typedef enum child_answer {
    child_ok,      /* the reply is there */
    child_failed,  /* it died, hung or talked nonsense on this request; stderr has the reason */
    child_missing, /* there is none to be had: *why says so */
} child_answer;

typedef struct child_reply {
    uint64_t roll;
    const uint64_t *each; /* count of them, in the machine's byte order */
    size_t count;
    const char *text; /* a dump, NUL-terminated */
} child_reply;

/* Has the first nops operations of the recording carried out.  each: with a
 * digest after every step; dump: with the state at the end, as text.  The reply
 * is valid until the next call.  Starts the child at the first call, after a
 * fork, and again when it was lost, a few times. */
child_answer child_ask(const recording *rec, size_t nops, bool each, bool dump, child_reply *reply);

/* Lets it begin with what child_ask will be asked next, without a dump, while
 * the caller does other things.  The recording must not change in between; if
 * the next question is another one, this one's reply is thrown away. */
void child_begin(const recording *rec, size_t nops, bool each);

/* Starts it if need be.  False: there is none. */
bool child_ready(void);

/* Does it hash as x86 CPUs with AES do, where it is asked to?  True as well where
 * there is none: then it is that which has to be said. */
bool child_has_aes(void);

/* Why there is none. */
const char *child_why(void);

/* "go1.19.8 on amd64", once it has been started. */
const char *child_version(void);

#endif
