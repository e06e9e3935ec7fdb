/* SPDX-License-Identifier: BSD-3-Clause
 *
 * alg.h: hash and equality, per kind of key (alg.go, hash64.go, hash32.go).
 *
 * The memory hash exists twice in Go: a portable fallback (alg.c), and one by
 * AES for CPUs that have it (aeshash.c).  The fallback is used unless initAlgAES
 * was called.  It reads words in the machine's own byte order, as in Go; the one
 * by AES is that of amd64 or 386, by the size of a word, on every machine.
 */
#ifndef GOMAP_ALG_H
#define GOMAP_ALG_H

#include "maptype.h"

enum { hashRandomBytes = PtrSize / 4 * 64 }; /* alg.go:303 */

/* Which of the two, and the key of the process for each.  alginit(seed) chooses
 * the fallback, derives hashkey from seed (Go: from the system's random data)
 * and makes all four words odd; initAlgAES(seed) chooses AES and derives
 * aeskeysched.  Without a call it is as after alginit(0).  Not to be changed
 * while a map exists. */
extern bool useAeshash;
extern uintptr_t hashkey[4];
extern unsigned char aeskeysched[hashRandomBytes];
GM_API void alginit(uint64_t seed);
GM_API void initAlgAES(uint64_t seed);

/* By AES where useAeshash, else by the fallback. */
uintptr_t memhash(const void *p, uintptr_t h, uintptr_t s);
uintptr_t memhash32(const void *p, uintptr_t h);
uintptr_t memhash64(const void *p, uintptr_t h);
uintptr_t strhash(const void *p, uintptr_t h);
uintptr_t memhashFallback(const void *p, uintptr_t h, uintptr_t s);
uintptr_t memhash32Fallback(const void *p, uintptr_t h);
uintptr_t memhash64Fallback(const void *p, uintptr_t h);
uintptr_t strhashFallback(const void *p, uintptr_t h);

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
