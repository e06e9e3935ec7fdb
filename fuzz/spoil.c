/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil.c: the table of spoilers; see spoil.h.
 */
#include "spoil_map.h"

const spoiler spoilers[] = {
#define SPOILER(function, name, seen_by, look) {name, seen_by, look, spoil_##function},
#include "spoilers.def"
#undef SPOILER
};

const size_t spoilers_n = sizeof spoilers / sizeof spoilers[0];
