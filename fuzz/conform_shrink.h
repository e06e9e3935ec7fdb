/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_shrink.h: the smallest trace by which a child still breaks a rule.
 */
#ifndef GOMAP_CONFORM_SHRINK_H
#define GOMAP_CONFORM_SHRINK_H

#include "conform_run.h"

/* Makes *tr smaller, op by op, as long as the same rule is broken, and for at
 * most so many seconds; *b is then what the smaller one breaks.  False: there
 * was not time enough to try everything. */
bool conform_shrink(conform *c, trace *tr, breach *b, const conform_how *how, double seconds);

#endif
