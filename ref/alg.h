/* SPDX-License-Identifier: BSD-3-Clause
 *
 * alg.h: hash and equality, per kind of key (alg.go, hash64.go, hash32.go).
 *
 * The memory hash is Go's portable fallback, the one that runs on CPUs without
 * AES instructions; words are read in the machine's own byte order, as there.
 */
#ifndef GOMAP_ALG_H
#define GOMAP_ALG_H

#include "maptype.h"

/* hash{64,32}.go's key of the process.  alginit(seed) derives it from seed (Go:
 * from the system's random data) and makes all four odd; without a call it
 * has a fixed default.  Not to be changed while a map exists. */
extern uintptr_t hashkey[4];
GM_API void alginit(uint64_t seed);

uintptr_t memhash(const void *p, uintptr_t h, uintptr_t s);
uintptr_t memhash32(const void *p, uintptr_t h);
uintptr_t memhash64(const void *p, uintptr_t h);
uintptr_t strhash(const void *p, uintptr_t h);
uintptr_t f32hash(const void *p, uintptr_t h);
uintptr_t f64hash(const void *p, uintptr_t h);
uintptr_t c64hash(const void *p, uintptr_t h);
uintptr_t c128hash(const void *p, uintptr_t h);
uintptr_t nilinterhash(const void *p, uintptr_t h);

/* The hash of the value of type t at p under seed h; the hasher that MapOf
 * installs.  Panics "hash of unhashable type T" where T has no equality. */
GM_API uintptr_t typehash(const rtype *t, const void *p, uintptr_t h);

/* Panics with words followed by t's name. */
_Noreturn void gm_panicType(const char *words, const rtype *t);

/* rtype.equal of each kind.  All ignore alignment of p and q. */
GM_API bool memequal(const rtype *t, const void *p, const void *q); /* regularMemory types of any size */
GM_API bool f32equal(const rtype *t, const void *p, const void *q);
GM_API bool f64equal(const rtype *t, const void *p, const void *q);
GM_API bool c64equal(const rtype *t, const void *p, const void *q);
GM_API bool c128equal(const rtype *t, const void *p, const void *q);
GM_API bool strequal(const rtype *t, const void *p, const void *q);
GM_API bool nilinterequal(const rtype *t, const void *p, const void *q);
GM_API bool arrayequal(const rtype *t, const void *p, const void *q);  /* elem by elem */
GM_API bool structequal(const rtype *t, const void *p, const void *q); /* field by field, blanks skipped */

#endif
