/* SPDX-License-Identifier: BSD-3-Clause
 *
 * draw.h: a map as a picture: both arrays with their chains, what each slot
 * holds, how far the evacuation is, where the iterators began and stand.
 *
 *     replay --draw FILE.svg [--until N] TRACE
 *
 * The picture is one SVG file without scripts, fonts or anything else from
 * outside, the same for the same trace.  Slots have class live, rest, one, x,
 * y or empty, by the state of their tophash; a live slot's title has tophash,
 * key and elem.  The group of a bucket has the id new-N or old-N, and those of
 * its overflow buckets new-N.1, new-N.2 and so on.
 */
#ifndef GOMAP_DRAW_H
#define GOMAP_DRAW_H

#include "report.h"

/* Runs the trace and draws the map as it is after op number until, after the
 * last op, or where the run fails, which it reports.  False: there was no op,
 * or no map, after which to draw. */
bool draw_trace(report_context *c, size_t until, run_result *r, FILE *out);

#endif
