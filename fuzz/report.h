/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report.h: a failure, told to a person: the verdict line, the functions
 * concerned, the trace around the failing op, the two states side by side, the
 * command that repeats it.
 */
#ifndef GOMAP_REPORT_H
#define GOMAP_REPORT_H

#include "run.h"

typedef struct report_context {
    const trace *tr;
    const fuzz_target *target;
    const char *program; /* replay, as it was called; NULL: another engine */
    const char *more;    /* options for the command, each behind a blank; NULL: none */
    const char *file;    /* to name in the command; NULL: not known here */
    FILE *out;
} report_context;

/* run_options.failed; ctx is a report_context. */
void report_failure(void *ctx, const oracle_step *s, const run_result *r);

/* The steps of a run, one a line, as they are begun: for programs.  Key
 * numbers, slots and makers as numbers; ctx is the FILE that run_options.step
 * writes to. */
void report_step(void *ctx, const run_step *s);

/* The functions of map.c that the failing step was in, for a line `in ...`. */
void report_functions(const oracle_step *s, const run_result *r, char *out, size_t cap);

/* The ops first..last (from 1) as numbered text lines, mark's with an arrow;
 * special keys are explained behind a #. */
void report_ops(const trace *tr, size_t first, size_t last, size_t mark, FILE *out);

#endif
