/* SPDX-License-Identifier: BSD-3-Clause
 *
 * judge_go.h: the real go1.19 runtime as a judge of a recording.
 *
 * Unlike the other judges it does not look on: the port's run is recorded
 * (record.h), and then the runtime is given the same.  Where they differ the
 * port has to run once more, up to the first differing step, for the report.
 */
#ifndef GOMAP_JUDGE_GO_H
#define GOMAP_JUDGE_GO_H

#include "child.h"

/* Lets the runtime begin with the recording, which is complete and will be
 * compared, while the caller has something else to do. */
void judge_go_begin(void);

/* Compares the whole recording.  oracle_differs: *r says that much, and where
 * digests were kept *step is the first step that differs, else SIZE_MAX; what
 * differs is for judge_go_explain to say.
 * oracle_unsupported: nothing was compared; child_why() says why, or the
 * recording is empty. */
oracle_answer judge_go_compare(oracle_report *r, size_t *step);

/* Has the runtime the same results and the same state after the recording, of
 * which the port was stopped at the last step? */
oracle_answer judge_go_agrees(const oracle_step *s);

/* The port stands at the differing step, the last of the recording: *r names
 * the first field that differs, and the two states are kept for show. */
void judge_go_explain(const oracle_step *s, oracle_report *r);

/* The port's state and the results of its last step as text, in the words of
 * oracle/go/dump.go; the caller frees it. */
char *judge_go_port_state(const oracle_step *s);
/* The last line of that alone: `result ` and what the step returned. */
void judge_go_port_result(const oracle_step *s, FILE *out);

/* States compared and found equal since the process began. */
uint64_t judge_go_states(void);

/* The first difference of two states as text: the field's name without numbers
 * to rule, the whole of it to detail.  False: they are the same. */
bool judge_go_field(const char *port, const char *go, char rule[64], char detail[256]);

#endif
