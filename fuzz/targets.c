/* SPDX-License-Identifier: BSD-3-Clause
 *
 * targets.c: the targets of targets.def, and which traces each one runs.
 */
#include "run.h"

#define TARGET(name, about) extern const fuzz_target target_##name;
#define NEGATIVE(name, about) extern const fuzz_target target_##name;
#include "targets.def"
#undef TARGET
#undef NEGATIVE

const fuzz_target *const fuzz_targets[] = {
#define TARGET(name, about) &target_##name,
#define NEGATIVE(name, about) &target_##name,
#include "targets.def"
#undef TARGET
#undef NEGATIVE
    NULL,
};

const fuzz_target *fuzz_target_named(const char *name, size_t len)
{
    for (size_t i = 0; fuzz_targets[i] != NULL; i++) {
        if (strlen(fuzz_targets[i]->name) == len && memcmp(fuzz_targets[i]->name, name, len) == 0) {
            return fuzz_targets[i];
        }
    }
    return NULL;
}

/* v if the set has it, else the one of the set that v falls on. */
static uint8_t into(uint32_t set, uint8_t v)
{
    if ((set >> v & 1) != 0) {
        return v;
    }
    unsigned size = 0;
    for (uint32_t rest = set; rest != 0; rest &= rest - 1) {
        size++;
    }
    unsigned index = v % size;
    uint8_t w = 0;
    while (index > 0 || (set >> w & 1) == 0) {
        index -= set >> w & 1;
        w++;
    }
    return w;
}

void fuzz_restrict(const fuzz_target *f, trace *tr)
{
    tr->key = into(f->keys, tr->key);
    tr->elem = into(f->elems, tr->elem);
    tr->hash = into(f->hashes, tr->hash);
    tr->mode = into(f->modes, tr->mode);
    tr->maker = into(f->makers, tr->maker);
    size_t kept = 0;
    for (size_t i = 0; i < tr->nops; i++) {
        if ((f->ops >> tr->ops[i].code & 1) != 0) {
            tr->ops[kept++] = tr->ops[i];
        }
    }
    tr->nops = kept;
}
