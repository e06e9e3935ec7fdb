/* SPDX-License-Identifier: BSD-3-Clause
 *
 * spoil_type.c: spoilers of type descriptors, and of what the port is called with.
 *
 * The map stays as it is.  Beside it the port is given what a compiler never makes:
 * a descriptor that breaks one condition, a type without equality, a size that no
 * machine has; and must refuse it at once.
 */
#include "../ref/alg.h"
#include "spoil_map.h"

/* A descriptor like the map's, and types like its key's and elem's, to be spoiled.
 * A spoiler begins with fresh ones: the descriptor must not be copied. */
static rtype key, elem;
static maptype type;

static void fresh(const victim *m)
{
    key = *m->t->key;
    elem = *m->t->elem;
    MapOf(&type, &key, &elem, m->t->mode);
}

/* What reflect_makemap has to refuse. */
#define MISMADE(function, ...)                                                                               \
    bool spoil_##function(const victim *m)                                                                   \
    {                                                                                                        \
        fresh(m);                                                                                            \
        __VA_ARGS__;                                                                                         \
        gm_map_free(&type, reflect_makemap(&type, 0));                                                       \
        return true;                                                                                         \
    }

MISMADE(key_without_equality, key.equal = NULL)
MISMADE(key_slot_too_wide, type.keysize++)
MISMADE(large_key_inline, key.size = maxKeySize + key.align)
MISMADE(large_key_in_a_wide_slot, key.size = maxKeySize + key.align; type.flags |= 1;
        type.keysize = PtrSize + 1)
MISMADE(small_key_by_pointer, type.flags |= 1)
MISMADE(elem_slot_too_wide, type.elemsize++)
MISMADE(key_aligned_to_sixteen, key.align = 2 * bucketCnt)
MISMADE(elem_aligned_to_sixteen, elem.align = 2 * bucketCnt)
MISMADE(key_aligned_to_nothing, key.align = 0)
MISMADE(key_of_odd_size, key.size = type.keysize = 7)
MISMADE(elem_aligned_to_nothing, elem.align = 0)
MISMADE(elem_of_odd_size, elem.size = type.elemsize = 7)
MISMADE(key_of_three, key.size = key.align = type.keysize = 3)
MISMADE(elem_of_three, elem.size = elem.align = type.elemsize = 3)

/* What MapOf has to refuse. */
#define MISTYPED(function, ...)                                                                              \
    bool spoil_##function(const victim *m)                                                                   \
    {                                                                                                        \
        fresh(m);                                                                                            \
        __VA_ARGS__;                                                                                         \
        MapOf(&type, &key, &elem, gm_exact);                                                                 \
        return true;                                                                                         \
    }

MISTYPED(map_of_what_has_no_equality, key.equal = NULL)
MISTYPED(key_aligned_beyond_the_bucket, key.align = 64)
MISTYPED(elem_aligned_beyond_the_bucket, elem.align = 64)
MISTYPED(key_of_no_key_kind, key.kind = kindSlice)

bool spoil_update_of_no_key_kind(const victim *m)
{
    fresh(m);
    key.kind = kindSlice;
    needKeyUpdate(&key);
    return true;
}

bool spoil_hash_of_no_key_kind(const victim *m)
{
    fresh(m);
    key.kind = kindSlice;
    key.regularMemory = false;
    static const uint64_t value[16];
    typehash(&key, value, 0);
    return true;
}

/* Hashing comes first, and panics: equality never meets such a pair in a map. */
bool spoil_comparison_of_what_has_no_equality(const victim *m)
{
    fresh(m);
    key.equal = NULL;
    const eface e = {&key, NULL};
    nilinterequal(&key, &e, &e);
    return true;
}

/* makemap takes such a hint for none; newarray is asked itself. */
bool spoil_array_beyond_the_address_space(const victim *m)
{
    newarray(m->t, INTPTR_MAX, 0);
    return true;
}

bool spoil_array_beyond_all_memory(const victim *m)
{
    newarray(m->t, (intptr_t)(maxAlloc / m->t->bucketsize + 1), 0);
    return true;
}
