/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_selftest_negative.c
 *
 * Must fail.  Behind the back of the judges, something is spoiled at the first
 * op after which the map has it; the seed of the trace says what, modulo the
 * number of spoilers in spoil.c, whose table says too which judge has to notice,
 * and by which rule.  A run that stays green means that the pipeline is blind.
 *
 * What the port could not live with is looked at at once; else the trace goes
 * on, and a later op shows it.
 *
 *     seed    spoiled                                    seen by
 *     0       the tophash of an entry                    check
 *     1       the elem of an entry                       uthash
 *     2       a step of iterator a, taken and not told   range
 *     3       a block that nobody frees                  memory
 *     4       the end state, in one of the two runs      determinism
 *     5       the count                                  check, and uthash after it
 *     6..     see spoil.c: a seed each in the corpus
 *
 *     replay --target selftest_negative corpus/selftest_negative/seed
 */
#include "run.h"
#include "spoil.h"

static bool sabotage(const trace *tr, size_t i, const maptype *t, hmap *h, hiter *its)
{
    static bool spoiled;
    static unsigned runs;
    if (i == 0) {
        spoiled = false;
        runs++;
    }
    if (spoiled) {
        return false;
    }
    const spoiler *s = &spoilers[tr->seed % spoilers_n];
    spoiled = s->spoil(&(victim){tr, i + 1, runs % 2 == 0, t, h, its});
    return spoiled && s->look == look_at_once;
}

const fuzz_target target_selftest_negative = {
    .name = "selftest_negative",
    .keys = 1U << key_int64 | 1U << key_bytes129 | 1U << key_iface | 1U << key_pointer,
    .elems = 1U << elem_int64 | 1U << elem_bytes129,
    .hashes = 1U << hash_real | 1U << hash_identity | 1U << hash_constant,
    .modes = ALL_MODES,
    .makers = ALL_MAKERS,
    .ops = ALL_OPS & ~(1U << op_fail | 1U << op_nil | 1U << op_make),
    .sabotage = sabotage,
};
