/* SPDX-License-Identifier: BSD-3-Clause
 *
 * alg.c: hash and equality, per kind of key.
 *
 * memhash, memhash32, memhash64 and strhash are assembler in Go: see aeshash.c.
 * The comment of each function names its place in Go's runtime.  Values are
 * read by memcpy only: a key may stand at any address of a bucket.
 */
#include "alg.h"

#include <stdio.h>

/* alg.go:13: what zeros, NaNs and interfaces are mixed with. */
#define c0 ((uintptr_t)(sizeof(void *) == 8 ? UINT64_C(33054211828000289) : UINT64_C(2860486313)))
#define c1 ((uintptr_t)(sizeof(void *) == 8 ? UINT64_C(23344194077549503) : UINT64_C(3267000013)))

/* alg.go:44.  Does the memory hash go by AES (aeshash.c)?  Deviation: off until
 * initAlgAES, whatever the CPU can do, so that a run is the same everywhere. */
bool useAeshash;

/* alg.go:306 */
unsigned char aeskeysched[hashRandomBytes];

/* alg.go:309.  The default is what alginit(0) makes. */
uintptr_t hashkey[4] = {
    (uintptr_t)UINT64_C(0xe220a8397b1dcdaf),
    (uintptr_t)UINT64_C(0x6e789e6aa1b965f5),
    (uintptr_t)UINT64_C(0x06c45d188009454f),
    (uintptr_t)UINT64_C(0xf88bb8a8724c81ed),
};

/* The next word of splitmix64.  Go asks the system for random bytes where this
 * is called; a specification has to be repeatable. */
GM_WRAPS static uint64_t gm_splitmix64(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* alg.go:311.  Chooses the fallback and derives hashkey from seed.
 * Invariant: all four are odd.
 * Deviation: Go looks at the CPU, and calls initAlgAES where it has AES. */
//= SPEC.md#S-MEMORY-20
//# The same calls with the same seed MUST lead to the same state, wherever memory lies.
void alginit(uint64_t seed)
{
    useAeshash = false;
    for (size_t i = 0; i < sizeof hashkey / sizeof hashkey[0]; i++) {
        hashkey[i] = (uintptr_t)gm_splitmix64(&seed) | 1;
    }
}

/* alg.go:331.  Chooses AES and derives aeskeysched from seed: the words of
 * splitmix64 one after the other, lowest byte first. */
void initAlgAES(uint64_t seed)
{
    useAeshash = true;
    for (size_t i = 0; i < sizeof aeskeysched; i += 8) {
        uint64_t z = gm_splitmix64(&seed);
        for (size_t k = 0; k < 8; k++) {
            aeskeysched[i + k] = (unsigned char)(z >> 8 * k);
        }
    }
}

/* Panics with words and the name of t.
 * Invariant: the text lives until this thread's next panic of this kind. */
_Noreturn void gm_panicType(const char *words, const rtype *t)
{
    static _Thread_local char msg[256];
    snprintf(msg, sizeof msg, "%s%s", words, t->name);
    gopanic(msg);
}

/* alg.go:338.  A 32-bit word in the machine's byte order, from any address. */
static uint32_t readUnaligned32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#if UINTPTR_MAX == UINT64_MAX

#define m1 UINT64_C(0xa0761d6478bd642f) /* hash64.go:18 */
#define m2 UINT64_C(0xe7037ed1a0b428db)
#define m3 UINT64_C(0x8ebc6af09c88c6e3)
#define m4 UINT64_C(0x589965cc75374cc3)
#define m5 UINT64_C(0x1d8e4e27c47d124f)

/* alg.go:346.  A 64-bit word in the machine's byte order, from any address. */
static uint64_t readUnaligned64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* hash64.go:81.  Both halves of the full product, folded into one word. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t hi, lo;
    Mul64(a, b, &hi, &lo);
    return hi ^ lo;
}

/* hash64.go:86.  Four bytes, widened. */
static uint64_t r4(const unsigned char *p)
{
    return readUnaligned32(p);
}

/* hash64.go:90.  Eight bytes. */
static uint64_t r8(const unsigned char *p)
{
    return readUnaligned64(p);
}

/* hash64.go:25.  Hash of the s bytes at p under seed h.
 * Invariant: reads exactly [p, p+s); p may be anything when s is 0.
 * Why does each length class read its ends twice?  Two overlapping words cover
 * any length up to their sum, without a loop over single bytes. */
//= SPEC.md#S-HASH-14
//# The portable memory hash of s bytes under seed h MUST be the function below, for the width of the
//# machine's word.
uintptr_t memhashFallback(const void *p, uintptr_t h, uintptr_t s)
{
    const unsigned char *at = p;
    uint64_t seed = h ^ hashkey[0] ^ m1;
    uint64_t a = 0, b = 0;

    if (s == 0) {
        return seed;
    }
    if (s < 4) {
        a = at[0];
        a |= (uint64_t)at[s >> 1] << 8;
        a |= (uint64_t)at[s - 1] << 16;
    } else if (s == 4) {
        a = r4(at);
        b = a;
    } else if (s < 8) {
        a = r4(at);
        b = r4(at + (s - 4));
    } else if (s == 8) {
        a = r8(at);
        b = a;
    } else if (s <= 16) {
        a = r8(at);
        b = r8(at + (s - 8));
    } else {
        uintptr_t l = s;
        if (l > 48) {
            uint64_t seed1 = seed;
            uint64_t seed2 = seed;
            for (; l > 48; l -= 48) {
                seed = mix(r8(at) ^ m2, r8(at + 8) ^ seed);
                seed1 = mix(r8(at + 16) ^ m3, r8(at + 24) ^ seed1);
                seed2 = mix(r8(at + 32) ^ m4, r8(at + 40) ^ seed2);
                at += 48;
            }
            seed ^= seed1 ^ seed2;
        }
        for (; l > 16; l -= 16) {
            seed = mix(r8(at) ^ m2, r8(at + 8) ^ seed);
            at += 16;
        }
        /* The last 16 bytes, of which some may have been mixed already: this
         * branch has s > 16, so they start inside the key. */
        a = r8(at + l - 16);
        b = r8(at + l - 8);
    }
    return mix(m5 ^ s, mix(a ^ m2, b ^ seed));
}

/* hash64.go:71.  As memhashFallback(p, h, 4), without its branches. */
uintptr_t memhash32Fallback(const void *p, uintptr_t h)
{
    uint64_t a = r4(p);
    return mix(m5 ^ 4, mix(a ^ m2, a ^ h ^ hashkey[0] ^ m1));
}

/* hash64.go:76.  As memhashFallback(p, h, 8), without its branches. */
uintptr_t memhash64Fallback(const void *p, uintptr_t h)
{
    uint64_t a = r8(p);
    return mix(m5 ^ 8, mix(a ^ m2, a ^ h ^ hashkey[0] ^ m1));
}

#else

/* hash32.go:59.  *a and *b become the low and the high half of their keyed
 * product. */
static void mix32(uint32_t *a, uint32_t *b)
{
    uint64_t c = (uint64_t)(*a ^ (uint32_t)hashkey[1]) * (uint64_t)(*b ^ (uint32_t)hashkey[2]);
    *a = (uint32_t)c;
    *b = (uint32_t)(c >> 32);
}

/* hash32.go:33.  Hash of the s bytes at p under seed h.
 * Invariant: reads exactly [p, p+s); p may be anything when s is 0. */
//= SPEC.md#S-HASH-14
uintptr_t memhashFallback(const void *p, uintptr_t h, uintptr_t s)
{
    const unsigned char *at = p;
    uint32_t a = h, b = s ^ hashkey[0];

    mix32(&a, &b);
    if (s == 0) {
        return a ^ b;
    }
    for (; s > 8; s -= 8) {
        a ^= readUnaligned32(at);
        b ^= readUnaligned32(at + 4);
        mix32(&a, &b);
        at += 8;
    }
    if (s >= 4) {
        a ^= readUnaligned32(at);
        b ^= readUnaligned32(at + (s - 4));
    } else {
        uint32_t t = at[0];
        t |= (uint32_t)at[s >> 1] << 8;
        t |= (uint32_t)at[s - 1] << 16;
        b ^= t;
    }
    mix32(&a, &b);
    mix32(&a, &b);
    return a ^ b;
}

/* hash32.go:14.  As memhashFallback(p, h, 4), without its branches. */
uintptr_t memhash32Fallback(const void *p, uintptr_t h)
{
    uint32_t a = h, b = 4 ^ hashkey[0];
    mix32(&a, &b);
    uint32_t t = readUnaligned32(p);
    a ^= t;
    b ^= t;
    mix32(&a, &b);
    mix32(&a, &b);
    return a ^ b;
}

/* hash32.go:24.  As memhashFallback(p, h, 8), without its branches. */
uintptr_t memhash64Fallback(const void *p, uintptr_t h)
{
    const unsigned char *at = p;
    uint32_t a = h, b = 8 ^ hashkey[0];
    mix32(&a, &b);
    a ^= readUnaligned32(at);
    b ^= readUnaligned32(at + 4);
    mix32(&a, &b);
    mix32(&a, &b);
    return a ^ b;
}

#endif

/* alg.go:52.  Hash of the bytes of the string at p.
 * Invariant: only length and bytes count, not where they lie. */
//= SPEC.md#S-HASH-11
//# The hash of a string MUST be the memory hash of its bytes.
uintptr_t strhashFallback(const void *p, uintptr_t h)
{
    stringStruct x;
    memcpy(&x, p, sizeof x);
    return memhashFallback(x.str, h, (uintptr_t)x.len);
}

/* alg.go:62.  Hash of the float32 at p.
 * Invariant: equal values hash alike, so both zeros do; a NaN draws one
 * fastrand, everything else none.
 * Why random?  All NaNs differ from one another, so a map can hold any number
 * of them; a fixed hash would put them into one chain. */
GM_WRAPS uintptr_t f32hash(const void *p, uintptr_t h)
{
    float f;
    memcpy(&f, p, sizeof f);
    //= SPEC.md#S-HASH-9
    //# MUST be c1·(c0 xor h) for either zero
    if (f == 0) {
        return c1 * (c0 ^ h);
    }
    //= SPEC.md#S-HASH-9
    //# c1·(c0 xor h xor r) with r one fastrand for a NaN
    if (f != f) {
        return c1 * (c0 ^ h ^ (uintptr_t)fastrand());
    }
    return memhash(p, h, 4);
}

/* alg.go:74.  Hash of the float64 at p; see f32hash. */
GM_WRAPS uintptr_t f64hash(const void *p, uintptr_t h)
{
    double f;
    memcpy(&f, p, sizeof f);
    //= SPEC.md#S-HASH-9
    if (f == 0) {
        return c1 * (c0 ^ h);
    }
    if (f != f) {
        return c1 * (c0 ^ h ^ (uintptr_t)fastrand());
    }
    return memhash(p, h, 8);
}

/* alg.go:86.  Hash of the complex64 at p: the real part's seeds the imaginary's.
 * Invariant: each part that is NaN draws one fastrand, the real part first. */
//= SPEC.md#S-HASH-10
//# The hash of a complex number MUST be that of its imaginary part under the hash of its real part as seed.
uintptr_t c64hash(const void *p, uintptr_t h)
{
    const unsigned char *at = p;
    return f32hash(at + sizeof(float), f32hash(at, h));
}

/* alg.go:91.  Hash of the complex128 at p; see c64hash. */
//= SPEC.md#S-HASH-10
uintptr_t c128hash(const void *p, uintptr_t h)
{
    const unsigned char *at = p;
    return f64hash(at + sizeof(double), f64hash(at, h));
}

/* alg.go:118.  Hash of the interface{} at p, by the value in it; nil is the seed
 * itself.  Panics where the value's type is not comparable.
 * Why here and not in typehash?  The message has to name the outermost type,
 * a struct rather than the slice in it.
 * Why does the type itself take no part?  Equal values of two types share a
 * hash and are told apart by equality. */
GM_WRAPS uintptr_t nilinterhash(const void *p, uintptr_t h)
{
    eface a;
    memcpy(&a, p, sizeof a);
    const rtype *t = a._type;
    //= SPEC.md#S-HASH-12
    //# The hash of an interface under seed h MUST be h where it is nil, and c1·g otherwise, with g the
    //# typehash of the value in it under seed h xor c0.
    if (t == NULL) {
        return h;
    }
    //= SPEC.md#S-PANIC-2
    //# Hashing an interface whose value has no equality MUST panic with `runtime error: hash of unhashable
    //# type ` and the name of the value's outermost type.
    if (t->equal == NULL) {
        gm_panicType("runtime error: hash of unhashable type ", t);
    }
    //= SPEC.md#S-HASH-12
    //# with g the typehash of the value in it under seed h xor c0
    if (t->directIface) {
        return c1 * typehash(t, &a.data, h ^ c0);
    }
    return c1 * typehash(t, a.data, h ^ c0);
}

/* alg.go:144.  Hash of the value of type t at p under seed h.
 * Invariant: values that t->equal calls equal hash alike; bytes of padding and
 * of blank fields are not read unless all of t is regular memory.
 * Deviation: interfaces with methods (interhash) do not occur here. */
//= SPEC.md#S-HASH-1
//# Equal keys MUST have one hash under one seed, whatever their bytes, padding or address.
uintptr_t typehash(const rtype *t, const void *p, uintptr_t h)
{
    const unsigned char *at = p;

    //= SPEC.md#S-HASH-8
    //# The hash of a type that is one run of plain bytes MUST be the memory hash of all its bytes.
    if (t->regularMemory) {
        /* With AES these two differ from memhash; the fallbacks agree with it. */
        switch (t->size) {
        case 4:
            return memhash32(p, h);
        case 8:
            return memhash64(p, h);
        default:
            return memhash(p, h, t->size);
        }
    }
    switch (t->kind) {
    case kindFloat32:
        return f32hash(p, h);
    case kindFloat64:
        return f64hash(p, h);
    case kindComplex64:
        return c64hash(p, h);
    case kindComplex128:
        return c128hash(p, h);
    case kindString:
        return strhash(p, h);
    case kindInterface:
        return nilinterhash(p, h);
    case kindArray:
        //= SPEC.md#S-HASH-13
        //# The hash of an array or of a struct that is not plain bytes MUST chain its elems or its fields in
        //# order, each under the hash of the one before as seed, blank fields left out.
        for (uintptr_t i = 0; i < t->len; i++) {
            h = typehash(t->elem, at + i * t->elem->size, h);
        }
        return h;
    case kindStruct:
        //= SPEC.md#S-HASH-13
        //# blank fields left out
        for (uintptr_t i = 0; i < t->nfields; i++) {
            const structfield *f = &t->fields[i];
            if (f->blank) {
                continue;
            }
            h = typehash(f->typ, at + f->offset, h);
        }
        return h;
    default:
        gm_panicType("runtime error: hash of unhashable type ", t);
    }
}

/* alg.go:200-217, memequal0 to memequal128 and their general form.  Equality of
 * t->size raw bytes.
 * Invariant: right for regularMemory types only, which have neither padding
 * nor parts whose equality is not that of their bytes. */
//= SPEC.md#S-HASH-7
//# two values of any other type if all their bytes are
bool memequal(const rtype *t, const void *p, const void *q)
{
    return gm_same_bytes(p, q, t->size);
}

/* alg.go:218.  Equality of float32: zeros are equal, NaNs are not. */
//= SPEC.md#S-HASH-3
//# Two floats MUST be equal as Go's == has it: +0 equals -0, and a NaN equals nothing, not even itself.
bool f32equal(const rtype *t, const void *p, const void *q)
{
    float x, y;
    (void)t;
    memcpy(&x, p, sizeof x);
    memcpy(&y, q, sizeof y);
    return x == y;
}

/* alg.go:221.  Equality of float64; see f32equal. */
//= SPEC.md#S-HASH-3
bool f64equal(const rtype *t, const void *p, const void *q)
{
    double x, y;
    (void)t;
    memcpy(&x, p, sizeof x);
    memcpy(&y, q, sizeof y);
    return x == y;
}

/* alg.go:224.  Equality of complex64: of both parts. */
//= SPEC.md#S-HASH-4
//# Two complex numbers MUST be equal if both parts are, each as a float.
bool c64equal(const rtype *t, const void *p, const void *q)
{
    const unsigned char *x = p, *y = q;
    return f32equal(t, x, y) && f32equal(t, x + sizeof(float), y + sizeof(float));
}

/* alg.go:227.  Equality of complex128: of both parts. */
//= SPEC.md#S-HASH-4
bool c128equal(const rtype *t, const void *p, const void *q)
{
    const unsigned char *x = p, *y = q;
    return f64equal(t, x, y) && f64equal(t, x + sizeof(double), y + sizeof(double));
}

/* alg.go:230.  Equality of strings: of length and bytes. */
//= SPEC.md#S-HASH-5
//# Two strings MUST be equal if lengths and bytes are, wherever the bytes lie.
bool strequal(const rtype *t, const void *p, const void *q)
{
    stringStruct x, y;
    (void)t;
    memcpy(&x, p, sizeof x);
    memcpy(&y, q, sizeof y);
    if (x.len != y.len) {
        return false;
    }
    return x.len == 0 || x.str == y.str || gm_same_bytes(x.str, y.str, (uintptr_t)x.len);
}

/* alg.go:238, with efaceeq (243).  Equality of interface{}: same dynamic type and
 * equal values; panics where both have one type that is not comparable.
 * Invariant: a type is one rtype object, so that types compare by address. */
//= SPEC.md#S-HASH-6
//# Two interfaces MUST be equal if both are nil or if they have the same dynamic type and equal values of it.
bool nilinterequal(const rtype *t, const void *p, const void *q)
{
    eface x, y;
    (void)t;
    memcpy(&x, p, sizeof x);
    memcpy(&y, q, sizeof y);
    if (x._type != y._type) {
        return false;
    }
    const rtype *dynamic = x._type;
    if (dynamic == NULL) {
        return true;
    }
    if (dynamic->equal == NULL) {
        gm_panicType("runtime error: comparing uncomparable type ", dynamic);
    }
    if (dynamic->directIface) {
        return x.data == y.data;
    }
    return dynamic->equal(dynamic, x.data, y.data);
}

/* reflect/type.go:3014, ArrayOf's equal.  Equality of all elems, in order. */
//= SPEC.md#S-HASH-7
//# two arrays if all elems are
bool arrayequal(const rtype *t, const void *p, const void *q)
{
    const unsigned char *x = p, *y = q;
    for (uintptr_t i = 0; i < t->len; i++) {
        uintptr_t at = i * t->elem->size;
        if (!t->elem->equal(t->elem, x + at, y + at)) {
            return false;
        }
    }
    return true;
}

/* cmd/compile/internal/compare/compare.go:86, EqStruct.  Equality of all
 * fields that have a name.
 * Deviation: the compiler compares cheap fields first.  Only a panic could tell
 * the order, and a value that can panic here cannot be hashed either. */
//= SPEC.md#S-HASH-7
//# Two structs MUST be equal if all fields but blank ones are
bool structequal(const rtype *t, const void *p, const void *q)
{
    const unsigned char *x = p, *y = q;
    for (uintptr_t i = 0; i < t->nfields; i++) {
        const structfield *f = &t->fields[i];
        if (!f->blank && !f->typ->equal(f->typ, x + f->offset, y + f->offset)) {
            return false;
        }
    }
    return true;
}
