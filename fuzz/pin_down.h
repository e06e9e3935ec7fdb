/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pin_down.h: which op it is that kills the program.
 */
#ifndef GOMAP_PIN_DOWN_H
#define GOMAP_PIN_DOWN_H

#include "report.h"

/* A run of this trace has crashed, or does not end.  Finds the shortest
 * beginning of it that fails, in processes of their own, and has that one
 * report: a judge may see the cause before the effect. */
void pin_down(const report_context *c, const run_options *o, unsigned seconds);

#endif
