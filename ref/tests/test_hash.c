/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_hash.c: what alg.c and aeshash.c promise by themselves: keys of the
 * process, draws for NaNs, one round of AES, panics, and equality against what
 * Go's language specification says.
 *
 * Whether hashes are those of the Go runtime: oracle/tests/test_runtime_hash.c.
 */
#include "../aeshash.h"
#include "test.h"

static const uintptr_t seed = (uintptr_t)UINT64_C(0x9e3779b97f4a7c15);

/* ---- types ------------------------------------------------------------ */

static const structfield slice_fields[] = {{&t_slice, 0, false}};
static const rtype t_holder = {.size = 3 * sizeof(void *),
                               .ptrdata = PtrSize,
                               .align = PtrSize,
                               .kind = kindStruct,
                               .fields = slice_fields,
                               .nfields = 1,
                               .name = "main.holder"};

static stringStruct str(const char *s)
{
    return (stringStruct){s, (intptr_t)strlen(s)};
}

/* A double by its bits: the compiler shall not get at the sign of a zero. */
static double f64(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float f32(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The payload is not written through. */
static eface any(const rtype *t, void *data)
{
    return (eface){t, data};
}

/* ---- properties ------------------------------------------------------- */

GM_WRAPS static uint64_t split64(uint64_t n)
{
    uint64_t z = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The fallbacks for 4 and 8 bytes are the general one, on every machine. */
//= SPEC.md#S-HASH-14 type=test
//# The portable memory hash of s bytes under seed h MUST be the function below
static void test_fixed_sizes(void)
{
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t v = split64(i);
        uint32_t w = (uint32_t)v;
        CHECK(memhash32(&w, seed) == memhash(&w, seed, 4));
        CHECK(memhash64(&v, seed) == memhash(&v, seed, 8));
    }
}

static void test_hashkey(void)
{
    uintptr_t own[4];
    memcpy(own, hashkey, sizeof own);
    alginit(1);
    int64_t five = 5;
    uintptr_t other = memhash64(&five, seed);
    for (int i = 0; i < 4; i++) {
        CHECK((hashkey[i] & 1) == 1);
        CHECK(hashkey[i] != own[i]);
    }
    alginit(0);
    CHECK(memcmp(own, hashkey, sizeof own) == 0);
    CHECK(memhash64(&five, seed) != other);
}

/* FIPS 197, appendix B: the first round of the example. */
static void test_aesenc(void)
{
    static const gm_xmm state = {
        {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b, 0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08}};
    static const gm_xmm key = {
        {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1, 0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05}};
    static const gm_xmm after = {
        {0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b, 0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49}};
    gm_xmm got = gm_aesenc(state, key);
    CHECK(memcmp(&got, &after, sizeof got) == 0);
}

/* AES is off until it is asked for, follows its own key alone, and is off again
 * after alginit. */
//= SPEC.md#S-HASH-15 type=test
//# An implementation MUST hash by one memory hash for as long as a map lives, but may choose that of
//# S-HASH-14, that by AES, or another: no language promise depends on it.
static void test_choice(void)
{
    static const unsigned char zeros[hashRandomBytes];
    int64_t five = 5;
    const stringStruct s = str("k17");
    CHECK(!useAeshash);
    CHECK(memcmp(aeskeysched, zeros, sizeof zeros) == 0);
    CHECK(memhash64(&five, seed) == memhash64Fallback(&five, seed));

    initAlgAES(1);
    CHECK(useAeshash);
    uintptr_t all = memhash(&five, seed, 8), four = memhash32(&five, seed), eight = memhash64(&five, seed);
    uintptr_t string = strhash(&s, seed);
    CHECK(all != memhashFallback(&five, seed, 8));
    CHECK(four != memhash32Fallback(&five, seed));
    CHECK(eight != memhash64Fallback(&five, seed));
    CHECK(string != strhashFallback(&s, seed));
    CHECK(eight != all);
    CHECK(typehash(&t_int64, &five, seed) == eight);
    CHECK(typehash(&t_string, &s, seed) == string);
    hashkey[0] ^= 2;
    CHECK(memhash(&five, seed, 8) == all);
    hashkey[0] ^= 2;

    initAlgAES(2);
    CHECK(memhash(&five, seed, 8) != all);
    CHECK(memhash64(&five, seed) != eight);
    initAlgAES(1);
    CHECK(memhash(&five, seed, 8) == all);

    initAlgAES(0);
    for (unsigned i = 0; i < hashRandomBytes; i++) {
        CHECK(aeskeysched[i] == (unsigned char)(split64(i / 8) >> i % 8 * 8));
    }

    alginit(0);
    CHECK(!useAeshash);
    CHECK(memhash(&five, seed, 8) == memhashFallback(&five, seed, 8));
}

/* typehash finds the hash of a float by its width; complex numbers compare both parts. */
static void test_float_kinds(void)
{
    static const float f[] = {1.5F, -0.25F};
    static const double d[] = {1.5, -0.25};
    CHECK(typehash(&t_float32, f, seed) == f32hash(f, seed));
    CHECK(typehash(&t_float64, d, seed) == f64hash(d, seed));
    CHECK(typehash(&t_complex64, f, seed) == c64hash(f, seed));
    CHECK(typehash(&t_complex128, d, seed) == c128hash(d, seed));
    static const float other[][2] = {{1.25F, -0.25F}, {1.5F, 0.25F}};
    CHECK(c64equal(&t_complex64, f, f));
    CHECK(!c64equal(&t_complex64, f, other[0]) && !c64equal(&t_complex64, f, other[1]));
}

/* A NaN's hash is that of zero with one random word mixed in. */
//= SPEC.md#S-HASH-9 type=test
//# The hash of a float under seed h MUST be c1·(c0 xor h) for either zero, c1·(c0 xor h xor r) with r one
//# fastrand for a NaN, and the memory hash of its bytes otherwise.
//= SPEC.md#S-HASH-10 type=test
//# The hash of a complex number MUST be that of its imaginary part under the hash of its real part as seed.
GM_WRAPS static void test_nan_draws(void)
{
    static const uint64_t nan64 = UINT64_C(0x7ff8000000000001), zero64 = 0;
    static const uint32_t nan32 = UINT32_C(0x7fc00001), zero32 = 0;
    const uint64_t nan128[] = {nan64, nan64}, half128[] = {nan64, 0};

    for (uint64_t s = 1; s < 20; s++) {
        gm_rand_seed(s);
        uintptr_t r1 = fastrand();
        uintptr_t r2 = fastrand();
        gm_rand after2 = gm_rand_state();

        gm_rand_seed(s);
        CHECK(f64hash(&nan64, seed) == f64hash(&zero64, seed ^ r1));
        CHECK(f32hash(&nan32, seed) == f32hash(&zero32, seed ^ r2));
        gm_rand now = gm_rand_state();
        CHECK(memcmp(&now, &after2, sizeof now) == 0);

        gm_rand_seed(s);
        CHECK(c128hash(nan128, seed) == f64hash(&zero64, f64hash(&zero64, seed ^ r1) ^ r2));
        now = gm_rand_state();
        CHECK(memcmp(&now, &after2, sizeof now) == 0);

        gm_rand_seed(s);
        CHECK(c128hash(half128, seed) == f64hash(&zero64, f64hash(&zero64, seed ^ r1)));
        CHECK(fastrand() == (uint32_t)r2);
    }
}

//= SPEC.md#S-HASH-3 type=test
//# Two floats MUST be equal as Go's == has it: +0 equals -0, and a NaN equals nothing, not even itself.
//= SPEC.md#S-HASH-4 type=test
//# Two complex numbers MUST be equal if both parts are, each as a float.
//= SPEC.md#S-HASH-5 type=test
//# Two strings MUST be equal if lengths and bytes are, wherever the bytes lie.
//= SPEC.md#S-HASH-6 type=test
//# Two interfaces MUST be equal if both are nil or if they have the same dynamic type and equal values of it.
//= SPEC.md#S-HASH-7 type=test
//# Two structs MUST be equal if all fields but blank ones are, two arrays if all elems are, and two values of
//# any other type if all their bytes are.
//= SPEC.md#S-HASH-1 type=test
//# Equal keys MUST have one hash under one seed, whatever their bytes, padding or address.
static void test_equality(void)
{
    const double zeros[] = {f64(0), f64(UINT64_C(1) << 63)};
    const double nan = f64(UINT64_C(0x7ff8000000000001));
    CHECK(f64equal(&t_float64, &zeros[0], &zeros[1]));
    CHECK(!f64equal(&t_float64, &nan, &nan));
    CHECK(f64hash(&zeros[0], seed) == f64hash(&zeros[1], seed));
    const float fz[] = {f32(0), f32(UINT32_C(1) << 31), f32(UINT32_C(0x7fc00001))};
    CHECK(f32equal(NULL, &fz[0], &fz[1]));
    CHECK(!f32equal(NULL, &fz[2], &fz[2]));
    CHECK(c64equal(NULL, &fz[0], &fz[0]));
    CHECK(!c64equal(NULL, &fz[1], &fz[1])); /* the imaginary part is NaN */
    const double c[][2] = {{1, 0}, {1, zeros[1]}, {1, 2}, {2, 0}, {1, nan}};
    CHECK(c128equal(NULL, c[0], c[1]));
    CHECK(!c128equal(NULL, c[0], c[2]));
    CHECK(!c128equal(NULL, c[0], c[3]));
    CHECK(!c128equal(NULL, c[4], c[4]));

    const char here[] = "same", there[] = "same";
    const stringStruct s[] = {str(here), str(there), str("sane"), str("sam"), {NULL, 0}, {here, 0}};
    CHECK(strequal(&t_string, &s[0], &s[1]));
    CHECK(!strequal(&t_string, &s[0], &s[2]));
    CHECK(!strequal(&t_string, &s[0], &s[3]));
    CHECK(strequal(&t_string, &s[4], &s[5]));
    const stringStruct a = str("a"), b = str("b");
    CHECK(!strequal(&t_string, &a, &b));
    CHECK(strhash(&s[0], seed) == strhash(&s[1], seed));

    padded p, q;
    memset(&p, 0, sizeof p);
    memset(&q, 0xff, sizeof q);
    p.a = q.a = 3;
    p.b = q.b = 4;
    CHECK(structequal(&t_padded, &p, &q));
    CHECK(typehash(&t_padded, &p, seed) == typehash(&t_padded, &q, seed));
    q.a = 4;
    CHECK(!structequal(&t_padded, &p, &q));
    const blank b1 = {1, 2, 3}, b2 = {1, 9, 3}, b3 = {1, 2, 4};
    CHECK(structequal(&t_blank, &b1, &b2));
    CHECK(!structequal(&t_blank, &b1, &b3));

    const stringStruct a1[] = {s[0], s[2], s[4]}, a2[] = {s[1], s[2], s[5]}, a3[] = {s[0], s[2], s[3]};
    CHECK(arrayequal(&t_strings3, a1, a2));
    CHECK(!arrayequal(&t_strings3, a1, a3));
    CHECK(memequal(&t_empty, NULL, NULL));

    int64_t five = 5, cinq = 5, six = 6;
    uint64_t ufive = 5;
    char pointee[2];
    const eface e[] = {any(&t_int64, &five),     any(&t_int64, &cinq),
                       any(&t_int64, &six),      any(&t_uint64, &ufive),
                       any(NULL, NULL),          any(&t_pointer, pointee),
                       any(&t_pointer, pointee), any(&t_pointer, pointee + 1)};
    CHECK(nilinterequal(&t_any, &e[0], &e[1]));
    CHECK(!nilinterequal(&t_any, &e[0], &e[2]));
    CHECK(!nilinterequal(&t_any, &e[0], &e[3]));
    CHECK(!nilinterequal(&t_any, &e[0], &e[4]));
    CHECK(nilinterequal(&t_any, &e[4], &e[4]));
    CHECK(nilinterequal(&t_any, &e[5], &e[6]));
    CHECK(!nilinterequal(&t_any, &e[5], &e[7]));
}

/* ---- panics ----------------------------------------------------------- */

//= SPEC.md#S-PANIC-2 type=test
//# Hashing an interface whose value has no equality MUST panic with `runtime error: hash of unhashable type `
//# and the name of the value's outermost type.
static void test_panics(void)
{
    static void *three_words[3];
    static eface slice, holder, slices[2];
    slice = any(&t_slice, three_words);
    holder = any(&t_holder, three_words);
    slices[0] = slice;

    FAILS(gm_event_panic, "runtime error: hash of unhashable type []int", nilinterhash(&slice, seed));
    FAILS(gm_event_panic, "runtime error: hash of unhashable type main.holder", nilinterhash(&holder, seed));
    FAILS(gm_event_panic, "runtime error: hash of unhashable type []int",
          typehash(&t_slice, three_words, seed));
    FAILS(gm_event_panic, "runtime error: hash of unhashable type []int", typehash(&t_anys, slices, seed));
    FAILS(gm_event_panic, "runtime error: comparing uncomparable type []int",
          nilinterequal(&t_any, &slice, &slice));
    FAILS(gm_event_panic, "runtime error: comparing uncomparable type main.holder",
          nilinterequal(&t_any, &holder, &holder));
}

int main(void)
{
    test_fixed_sizes();
    test_hashkey();
    test_aesenc();
    test_choice();
    test_float_kinds();
    test_nan_draws();
    test_equality();
    test_panics();
    return 0;
}
