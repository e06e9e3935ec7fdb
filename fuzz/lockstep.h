/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lockstep.h: what lockstep and a replay of what it found have in common.
 */
#ifndef GOMAP_LOCKSTEP_H
#define GOMAP_LOCKSTEP_H

#include "run.h"

/* Only the judge go, and limits that a large map stays below. */
static inline void lockstep_options(run_options *o)
{
    o->go_alone = true;
    o->limits =
        (run_limits){.units = (size_t)4 << 20, .bytes = (size_t)128 << 20, .entries = (size_t)1 << 22};
}

#endif
