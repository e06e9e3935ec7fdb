/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_report.h: what gomap-conform has found out, for people and as JSON.
 */
#ifndef GOMAP_CONFORM_REPORT_H
#define GOMAP_CONFORM_REPORT_H

#include "conform_run.h"

typedef struct conform_summary {
    const conform *c;
    uint64_t seed;
    size_t corpus, corpus_files; /* traces of it that were run, and that there are */
    size_t random, guided, kinds;
    uint64_t excused; /* breaches that its errata explain */
    double seconds;
} conform_summary;

/* Does the level hold, as far as was seen?  *checks: how many there were. */
bool report_level(const conform_summary *s, conform_level level, uint64_t *checks);

void report_text(const conform_summary *s, FILE *out);
void report_json(const conform_summary *s, FILE *out);

#endif
