/* SPDX-License-Identifier: BSD-3-Clause
 *
 * errata.c: which live iterations are caught in an erratum of go1.19, and what
 * may therefore go wrong for them in exact mode.
 *
 * E2 to E4 are reported by the port itself, at the line where strict mode
 * would decide otherwise.  E1 happens to iterators that mapclear does not know
 * of; its condition is tested here.
 */
#include "oracle.h"

static unsigned excuses[oracle_iters];
static const hiter *first_iter;

bool oracle_excused(unsigned slot, oracle_excuse what)
{
    return (excuses[slot] & (unsigned)what) != 0;
}

static void on_erratum(int number, const hiter *it)
{
    if (first_iter == NULL || it < first_iter || it >= first_iter + oracle_iters) {
        return;
    }
    /* The port's word is checked: strict mode has no errata, and E3 is about
     * arrays of one size. */
    if (it->t->mode == gm_strict || (number == 3 && it->B != it->h->B)) {
        return;
    }
    unsigned *e = &excuses[it - first_iter];
    if (number == 2) {
        *e |= it->oldoverflow->B != it->B ? excuse_twice : excuse_missed_nan;
    } else if (number == 3) {
        *e |= excuse_twice | excuse_missed | excuse_fault;
    } else if (number == 4) {
        *e |= excuse_twice;
    }
}

/* E1.  mapclear has wiped the main buckets of the current array.  An iterator
 * that walks this array and stands in a main bucket cannot tell the map from a
 * fresh one; any other can. */
static bool caught_by_clear(const hiter *it)
{
    const hmap *h = it->h;
    uintptr_t at = (uintptr_t)it->bptr - (uintptr_t)h->buckets;
    bool in_main = at < bucketShift(h->B) * it->t->bucketsize;
    return it->buckets != h->buckets || !in_main;
}

void oracle_errata_step(const oracle_step *s)
{
    if (s->event == ev_make) {
        first_iter = s->its;
        memset(excuses, 0, sizeof excuses);
        gm_set_erratum_hook(on_erratum);
    } else if (s->event == ev_clear && s->t->mode == gm_exact) {
        for (unsigned i = 0; i < oracle_iters; i++) {
            if (s->its[i].h != NULL && caught_by_clear(&s->its[i])) {
                excuses[i] |= excuse_cleared;
            }
        }
    } else if (s->event == ev_free) {
        gm_set_erratum_hook(NULL);
    }
}

void oracle_errata_done(const oracle_step *s)
{
    for (unsigned i = 0; i < oracle_iters; i++) {
        if (s->its[i].h == NULL) {
            excuses[i] = 0;
        }
    }
}
