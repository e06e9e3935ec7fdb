/* SPDX-License-Identifier: BSD-3-Clause
 *
 * judges.c: the judges that need no model: check, alloc, memory and
 * determinism.
 */
#include "oracle.h"

/* ---- check -------------------------------------------------------------- */

static oracle_answer check_all(const oracle_step *s, oracle_report *r)
{
    hiter *its[oracle_iters];
    for (unsigned i = 0; i < oracle_iters; i++) {
        its[i] = &s->its[i];
    }
    gm_check_result c;
    if (!gm_check(s->t, s->h, its, oracle_iters, &c)) {
        return oracle_differ(r, "check", c.rule, "%s", c.detail);
    }
    return oracle_ok;
}

/* A hint that the address space can hold is what the map takes before it grows:
 * up to 8 without buckets, else up to 6.5 a bucket, with as few buckets as that
 * takes.  Any other hint counts as none. */
static oracle_answer check_hint(const oracle_step *s, oracle_report *r)
{
    bool refused = s->hint < 0 || (uintptr_t)s->hint > maxAlloc / s->t->bucket->size;
    uint64_t want = refused ? 0 : (uint64_t)s->hint;
    uint64_t room = s->h->B == 0 ? 8 : (UINT64_C(13) << s->h->B) / 2;
    uint64_t half = s->h->B == 0 ? 0 : s->h->B == 1 ? 8 : room / 2;
    if (want > room || (s->h->B != 0 && want <= half)) {
        return oracle_differ(r, "check", "hint", "hint %lld gave B=%u, which takes %llu entries",
                             (long long)s->hint, s->h->B, (unsigned long long)room);
    }
    return oracle_ok;
}

static oracle_answer check_step(oracle_step *s, oracle_report *r)
{
    if (s->event == ev_make && check_hint(s, r) != oracle_ok) {
        return oracle_differs;
    }
    switch (s->event) {
    case ev_assign:
    case ev_delete:
    case ev_get:
        if (!s->phase) {
            gm_check_result c;
            if (!gm_check_at(s->t, s->h, s->hash, &c)) {
                return oracle_differ(r, "check", c.rule, "%s", c.detail);
            }
            if (s->event == ev_assign && !s->facts.nan && c.met == 0) {
                return oracle_differ(r, "check", "assigned-in-place",
                                     "no entry of the key's hash where it belongs");
            }
            return oracle_ok;
        }
        return check_all(s, r);
    case ev_iter:
    case ev_next:
    case ev_end:
        return s->phase ? check_all(s, r) : oracle_ok;
    case ev_make:
    case ev_clear:
    case ev_nomemory:
    case ev_check:
    case ev_before_free:
        return s->h != NULL ? check_all(s, r) : oracle_ok;
    case ev_panic: /* whose rule is that the digest stays the same */
    case ev_free:
    case ev_finish:
        return oracle_ok;
    }
    return oracle_unsupported;
}

const oracle oracle_check = {"check", check_step, NULL, NULL};

/* ---- alloc ------------------------------------------------------------- */

/* That nothing was lost is seen by check and uthash in the same step; here is
 * only whether NULL was allowed at all. */
static oracle_answer alloc_step(oracle_step *s, oracle_report *r)
{
    if (s->event == ev_nomemory && !s->injected) {
        return oracle_differ(r, "alloc", "null-without-failure", "NULL although no allocation failed");
    }
    return oracle_ok;
}

const oracle oracle_alloc = {"alloc", alloc_step, NULL, NULL};

/* ---- memory ------------------------------------------------------------ */

static oracle_answer memory_step(oracle_step *s, oracle_report *r)
{
    if (s->event == ev_free) {
        gm_mem_stats now = gm_mem_stats_get();
        if (now.live_blocks != s->before.live_blocks || now.live_bytes != s->before.live_bytes) {
            return oracle_differ(
                r, "memory", "leak", "%zu blocks and %zu bytes more than before the map was made",
                now.live_blocks - s->before.live_blocks, now.live_bytes - s->before.live_bytes);
        }
    }
    return oracle_ok;
}

const oracle oracle_memory = {"memory", memory_step, NULL, NULL};

/* ---- determinism ------------------------------------------------------- */

static oracle_answer determinism_step(oracle_step *s, oracle_report *r)
{
    if (s->event == ev_finish && s->digest[0] != s->digest[1]) {
        return oracle_differ(r, "determinism", "digest",
                             "the second run ended in another state: digest %016llx, then %016llx",
                             (unsigned long long)s->digest[0], (unsigned long long)s->digest[1]);
    }
    return oracle_ok;
}

const oracle oracle_determinism = {"determinism", determinism_step, NULL, NULL};
