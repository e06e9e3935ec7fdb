/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_hash.c: alg.c against recordings of the Go runtime's own hash functions,
 * and equality against what Go's language specification says.
 *
 * The tables were printed by hash_vectors.go, whose head tells how; test_values
 * goes through the same inputs in the same order.
 */
#include "test.h"

typedef struct vector {
    const char *name;
    uint64_t hash;
} vector;

static const vector vectors[] = {
#if UINTPTR_MAX == UINT64_MAX
    {"memhash", UINT64_C(0xdc61cce47cead595)},
    {"memhash", UINT64_C(0x3d41a419e9203b12)},
    {"memhash", UINT64_C(0x78ef81b81d32a88d)},
    {"memhash", UINT64_C(0xc57a898e226d95d2)},
    {"memhash", UINT64_C(0xc862f4080a5c756b)},
    {"memhash", UINT64_C(0xfc014ad554f9775e)},
    {"memhash", UINT64_C(0xb0bcf69ac3ef357d)},
    {"memhash", UINT64_C(0x7c23fa9d7eb785a6)},
    {"memhash", UINT64_C(0xcce8f05e028790b2)},
    {"memhash", UINT64_C(0xf0ac334a14602ad0)},
    {"memhash", UINT64_C(0x87430ccbed625dac)},
    {"memhash", UINT64_C(0x624cf6da4675337c)},
    {"memhash", UINT64_C(0xe0b5eff7ab39ba8)},
    {"memhash", UINT64_C(0x97c5b8205a6f12b7)},
    {"memhash", UINT64_C(0xa61c1ef0e04933ef)},
    {"memhash", UINT64_C(0x12c02e7aac41ba1f)},
    {"memhash", UINT64_C(0x945c5bfab63a836a)},
    {"memhash", UINT64_C(0xf32ba5ed63f39fef)},
    {"memhash", UINT64_C(0x2c0638e91da781fa)},
    {"memhash", UINT64_C(0x4246b6625e677e7c)},
    {"memhash", UINT64_C(0x12692a23912326c8)},
    {"memhash digest", UINT64_C(0x1fff02ab16b6457b)},
    {"memhash32, memhash64 digest", UINT64_C(0x3a274419f86c1f8c)},
    {"f64hash, f32hash digest", UINT64_C(0xc9616b9a81c0f059)},
    {"strhash", UINT64_C(0xdc61cce47cead595)},
    {"strhash", UINT64_C(0xc4e838e518d44594)},
    {"strhash", UINT64_C(0x4c60fa91ce16ff6b)},
    {"f64hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"f32hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"c128hash", UINT64_C(0x57cc6e37e34453cb)},
    {"c64hash", UINT64_C(0x77fc2c54067780e8)},
    {"f64hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"f32hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"c128hash", UINT64_C(0x57cc6e37e34453cb)},
    {"c64hash", UINT64_C(0x77fc2c54067780e8)},
    {"f64hash", UINT64_C(0x6c5921b45ea55d96)},
    {"f32hash", UINT64_C(0x408d57142d813f39)},
    {"c128hash", UINT64_C(0x934f8bc70d148897)},
    {"c64hash", UINT64_C(0x73df982e8242e8c9)},
    {"f64hash", UINT64_C(0x431b1619d39d1599)},
    {"f32hash", UINT64_C(0x8bf18e59dfd9404d)},
    {"c128hash", UINT64_C(0x39079dffa00d6a8c)},
    {"c64hash", UINT64_C(0x9bdff3ba942b5c2d)},
    {"iface nil", UINT64_C(0x9e3779b97f4a7c15)},
    {"iface int64", UINT64_C(0xa6c37153e8846d2f)},
    {"iface int32", UINT64_C(0xe10b1a1f9a565f6b)},
    {"iface float64", UINT64_C(0x175920d6c0996e95)},
    {"iface string", UINT64_C(0xd011c2e652f7b27e)},
    {"iface pointer", UINT64_C(0xa49186abd8e7c341)},
    {"type int64", UINT64_C(0x9b7f81f9ead5f3c3)},
    {"type int32", UINT64_C(0x27880a5fce546418)},
    {"type empty struct", UINT64_C(0xdc61cce47cead595)},
    {"type padded struct", UINT64_C(0xb7d360d31a8cbaed)},
    {"type blank field", UINT64_C(0x1324cfaea2f57720)},
    {"type array of strings", UINT64_C(0xdef694c459ea0f21)},
    {"type array of floats", UINT64_C(0xcc30ff224999289)},
    {"type array of interfaces", UINT64_C(0xa6c37153e8846d2f)},
    {"type 16 bytes", UINT64_C(0x33566b15c186fbd9)},
#else
    {"memhash", UINT64_C(0x55f9890)},
    {"memhash", UINT64_C(0xff138f9a)},
    {"memhash", UINT64_C(0xbca2df90)},
    {"memhash", UINT64_C(0x33d3b025)},
    {"memhash", UINT64_C(0x599c6506)},
    {"memhash", UINT64_C(0x1ea34285)},
    {"memhash", UINT64_C(0x9998138f)},
    {"memhash", UINT64_C(0x5d37389)},
    {"memhash", UINT64_C(0x7edaa865)},
    {"memhash", UINT64_C(0x319f6c44)},
    {"memhash", UINT64_C(0xd6ef8a0)},
    {"memhash", UINT64_C(0x50b320e3)},
    {"memhash", UINT64_C(0xb26c5094)},
    {"memhash", UINT64_C(0x537d6829)},
    {"memhash", UINT64_C(0x22a393eb)},
    {"memhash", UINT64_C(0xefd9fca6)},
    {"memhash", UINT64_C(0x4bffce28)},
    {"memhash", UINT64_C(0x8728e2db)},
    {"memhash", UINT64_C(0x51069df1)},
    {"memhash", UINT64_C(0xd25b613)},
    {"memhash", UINT64_C(0xf7f4124d)},
    {"memhash digest", UINT64_C(0xb26b48a77cc9a527)},
    {"memhash32, memhash64 digest", UINT64_C(0x6d537bbff191fe3c)},
    {"f64hash, f32hash digest", UINT64_C(0xfd8ce43a92910a6c)},
    {"strhash", UINT64_C(0x55f9890)},
    {"strhash", UINT64_C(0x7587ac33)},
    {"strhash", UINT64_C(0x42307184)},
    {"f64hash", UINT64_C(0x6eae088c)},
    {"f32hash", UINT64_C(0x6eae088c)},
    {"c128hash", UINT64_C(0xce774010)},
    {"c64hash", UINT64_C(0x31844604)},
    {"f64hash", UINT64_C(0x6eae088c)},
    {"f32hash", UINT64_C(0x6eae088c)},
    {"c128hash", UINT64_C(0xce774010)},
    {"c64hash", UINT64_C(0x31844604)},
    {"f64hash", UINT64_C(0x1ab71828)},
    {"f32hash", UINT64_C(0xd18d78bd)},
    {"c128hash", UINT64_C(0x56f4f809)},
    {"c64hash", UINT64_C(0x98ab0ee4)},
    {"f64hash", UINT64_C(0x71da195d)},
    {"f32hash", UINT64_C(0x9bb63277)},
    {"c128hash", UINT64_C(0xc0b8e82e)},
    {"c64hash", UINT64_C(0x7e0403f8)},
    {"iface nil", UINT64_C(0x7f4a7c15)},
    {"iface int64", UINT64_C(0x92598b83)},
    {"iface int32", UINT64_C(0xf6cfffaf)},
    {"iface float64", UINT64_C(0xede3ff5d)},
    {"iface string", UINT64_C(0x63967208)},
    {"iface pointer", UINT64_C(0x2ddcc51e)},
    {"type int64", UINT64_C(0x1866ea59)},
    {"type int32", UINT64_C(0x353414e1)},
    {"type empty struct", UINT64_C(0x55f9890)},
    {"type padded struct", UINT64_C(0x2a500e7e)},
    {"type blank field", UINT64_C(0x9f9027b0)},
    {"type array of strings", UINT64_C(0x52ccf3cc)},
    {"type array of floats", UINT64_C(0x21b9fb4d)},
    {"type array of interfaces", UINT64_C(0x92598b83)},
    {"type 16 bytes", UINT64_C(0x5fa41ee5)},
#endif
};

#if UINTPTR_MAX == UINT64_MAX
/* The same on a big-endian machine (GOARCH=s390x). */
static const vector big_endian_vectors[] = {
    {"memhash", UINT64_C(0xdc61cce47cead595)},
    {"memhash", UINT64_C(0x3d41a419e9203b12)},
    {"memhash", UINT64_C(0x78ef81b81d32a88d)},
    {"memhash", UINT64_C(0xc57a898e226d95d2)},
    {"memhash", UINT64_C(0x1d23cc5b15ac5cba)},
    {"memhash", UINT64_C(0xe220c96d5333fb5e)},
    {"memhash", UINT64_C(0xe05631ec0c9ea13d)},
    {"memhash", UINT64_C(0x21c5b9b4e5f470ad)},
    {"memhash", UINT64_C(0x73908abe70bbc10d)},
    {"memhash", UINT64_C(0xf9eb9f8ebe3bb6b8)},
    {"memhash", UINT64_C(0x14cdd2cec9cc0f5e)},
    {"memhash", UINT64_C(0xd424d3136ef4c3ba)},
    {"memhash", UINT64_C(0x8032083200fac6ad)},
    {"memhash", UINT64_C(0xfe8d414d9f889d5d)},
    {"memhash", UINT64_C(0x30bbde60f73b95dc)},
    {"memhash", UINT64_C(0x5004389e8974b57b)},
    {"memhash", UINT64_C(0xa9a36bea12a46261)},
    {"memhash", UINT64_C(0xdaf862b2c27135c3)},
    {"memhash", UINT64_C(0xa18464ae8d70ae1c)},
    {"memhash", UINT64_C(0x221019b1614217fc)},
    {"memhash", UINT64_C(0x7e040bf40c3b0463)},
    {"memhash digest", UINT64_C(0xfd66ec9a18b345f6)},
    {"memhash32, memhash64 digest", UINT64_C(0x3a274419f86c1f8c)},
    {"f64hash, f32hash digest", UINT64_C(0xc9616b9a81c0f059)},
    {"strhash", UINT64_C(0xdc61cce47cead595)},
    {"strhash", UINT64_C(0xc4e838e518d44594)},
    {"strhash", UINT64_C(0x3cc68231612ba29c)},
    {"f64hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"f32hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"c128hash", UINT64_C(0x57cc6e37e34453cb)},
    {"c64hash", UINT64_C(0x77fc2c54067780e8)},
    {"f64hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"f32hash", UINT64_C(0xc78b295fc7f4e8cc)},
    {"c128hash", UINT64_C(0x57cc6e37e34453cb)},
    {"c64hash", UINT64_C(0x77fc2c54067780e8)},
    {"f64hash", UINT64_C(0x6c5921b45ea55d96)},
    {"f32hash", UINT64_C(0x408d57142d813f39)},
    {"c128hash", UINT64_C(0x934f8bc70d148897)},
    {"c64hash", UINT64_C(0x73df982e8242e8c9)},
    {"f64hash", UINT64_C(0x431b1619d39d1599)},
    {"f32hash", UINT64_C(0x8bf18e59dfd9404d)},
    {"c128hash", UINT64_C(0x39079dffa00d6a8c)},
    {"c64hash", UINT64_C(0x9bdff3ba942b5c2d)},
    {"iface nil", UINT64_C(0x9e3779b97f4a7c15)},
    {"iface int64", UINT64_C(0xa6c37153e8846d2f)},
    {"iface int32", UINT64_C(0xe10b1a1f9a565f6b)},
    {"iface float64", UINT64_C(0x175920d6c0996e95)},
    {"iface string", UINT64_C(0xd011c2e652f7b27e)},
    {"iface pointer", UINT64_C(0xa49186abd8e7c341)},
    {"type int64", UINT64_C(0x9b7f81f9ead5f3c3)},
    {"type int32", UINT64_C(0x27880a5fce546418)},
    {"type empty struct", UINT64_C(0xdc61cce47cead595)},
    {"type padded struct", UINT64_C(0xb7d360d31a8cbaed)},
    {"type blank field", UINT64_C(0x1324cfaea2f57720)},
    {"type array of strings", UINT64_C(0xdef694c459ea0f21)},
    {"type array of floats", UINT64_C(0xcc30ff224999289)},
    {"type array of interfaces", UINT64_C(0xa6c37153e8846d2f)},
    {"type 16 bytes", UINT64_C(0xe82765f3a535bb4e)},
};
_Static_assert(LENGTH(big_endian_vectors) == LENGTH(vectors), "row for row");
#endif

static const uintptr_t seed = (uintptr_t)UINT64_C(0x9e3779b97f4a7c15);
static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 64, 97, 129, 300};

/* ---- types ------------------------------------------------------------ */

typedef struct blank {
    int32_t a, unnamed;
    int64_t b;
} blank;
static const structfield blank_fields[] = {{&t_int32, offsetof(blank, a), false},
                                           {&t_int32, offsetof(blank, unnamed), true},
                                           {&t_int64, offsetof(blank, b), false}};
static const rtype t_blank = {.size = sizeof(blank),
                              .align = PtrSize,
                              .kind = kindStruct,
                              .equal = structequal,
                              .fields = blank_fields,
                              .nfields = 3,
                              .name = "struct { a int32; _ int32; b int64 }"};

static const structfield slice_fields[] = {{&t_slice, 0, false}};
static const rtype t_holder = {.size = 3 * sizeof(void *),
                               .ptrdata = PtrSize,
                               .align = PtrSize,
                               .kind = kindStruct,
                               .fields = slice_fields,
                               .nfields = 1,
                               .name = "main.holder"};

static const rtype t_strings = {.size = 3 * sizeof(stringStruct),
                                .align = PtrSize,
                                .kind = kindArray,
                                .equal = arrayequal,
                                .elem = &t_string,
                                .len = 3,
                                .name = "[3]string"};
static const rtype t_floats = {.size = 16,
                               .align = PtrSize,
                               .kind = kindArray,
                               .equal = arrayequal,
                               .elem = &t_float64,
                               .len = 2,
                               .name = "[2]float64"};
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

/* ---- against the recordings ------------------------------------------- */

/* What a row needs of the machine to be comparable: Go reads words in native
 * byte order, and there is no recording from a 32-bit big-endian machine. */
typedef enum need {
    need_nothing,
    need_words, /* hashes 8-byte numbers: as two words on 32-bit, in memory order */
    need_bytes, /* hashes byte strings */
} need;

static bool little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static size_t next_vector;

static void row(const char *name, uint64_t hash, need n)
{
    CHECK(next_vector < LENGTH(vectors));
    const vector *v = &vectors[next_vector];
    bool comparable = little_endian() || n == need_nothing;
#if UINTPTR_MAX == UINT64_MAX
    if (!little_endian()) {
        v = &big_endian_vectors[next_vector];
        comparable = true;
    }
#endif
    next_vector++;
    CHECK(strcmp(v->name, name) == 0);
    if (comparable && v->hash != hash) {
        fprintf(stderr, "vector %zu, %s: %#llx, Go has %#llx\n", next_vector - 1, name,
                (unsigned long long)hash, (unsigned long long)v->hash);
        exit(1);
    }
}

GM_WRAPS static uint64_t split64(uint64_t n)
{
    uint64_t z = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

GM_WRAPS static uint64_t digest(uint64_t d, uintptr_t h)
{
    return (d ^ h) * UINT64_C(0x100000001b3);
}

static void test_values(void)
{
    unsigned char buf[320];
    for (size_t i = 0; i < sizeof buf; i++) {
        buf[i] = (unsigned char)split64(i);
    }
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        row("memhash", memhash(buf + 3, seed, lengths[i]), need_bytes);
    }

    uint64_t d = 0;
    for (uintptr_t n = 0; n <= 300; n++) {
        for (uintptr_t at = 0; at < 8; at++) {
            d = digest(d, memhash(buf + at, (uintptr_t)split64(n), n));
        }
    }
    row("memhash digest", d, need_bytes);

    d = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t v = split64(i);
        uint32_t w = (uint32_t)v;
        d = digest(d, memhash32(&w, (uintptr_t)split64(i + 1)));
        d = digest(d, memhash64(&v, (uintptr_t)split64(i + 2)));
    }
    row("memhash32, memhash64 digest", d, need_words);

    d = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t v = split64(i);
        uint32_t w = (uint32_t)v;
        if (f64equal(NULL, &v, &v) && f32equal(NULL, &w, &w)) {
            d = digest(d, f64hash(&v, (uintptr_t)v));
            d = digest(d, f32hash(&w, (uintptr_t)v));
        }
    }
    row("f64hash, f32hash digest", d, need_words);

    const stringStruct strings[] = {str(""), str("k17"), str("a longer string, of 34 bytes in all")};
    for (size_t i = 0; i < 3; i++) {
        row("strhash", strhash(&strings[i], seed), need_bytes);
    }

    static const uint64_t doubles[] = {0, UINT64_C(1) << 63, UINT64_C(0x3ff8000000000000),
                                       UINT64_C(0xfff0000000000000)};
    static const uint32_t floats[] = {0, UINT32_C(1) << 31, UINT32_C(0x3fc00000), UINT32_C(0xff800000)};
    for (size_t i = 0; i < 4; i++) {
        const double c[] = {f64(doubles[i]), 1.5};
        const float e[] = {1.5F, f32(floats[i])};
        row("f64hash", f64hash(&doubles[i], seed), need_words);
        row("f32hash", f32hash(&floats[i], seed), need_nothing);
        row("c128hash", c128hash(c, seed), need_words);
        row("c64hash", c64hash(e, seed), need_nothing);
    }

    int64_t five = 5;
    int32_t minus = -1;
    uint64_t minus0 = UINT64_C(1) << 63;
    stringStruct k17 = str("k17");
    const struct {
        const char *name;
        eface value;
        need n;
    } ifaces[] = {
        {"iface nil", any(NULL, NULL), need_nothing},
        {"iface int64", any(&t_int64, &five), need_words},
        {"iface int32", any(&t_int32, &minus), need_nothing},
        {"iface float64", any(&t_float64, &minus0), need_words},
        {"iface string", any(&t_string, &k17), need_bytes},
        {"iface pointer", any(&t_pointer, (void *)(uintptr_t)0x10), need_nothing},
    };
    for (size_t i = 0; i < LENGTH(ifaces); i++) {
        row(ifaces[i].name, nilinterhash(&ifaces[i].value, seed), ifaces[i].n);
    }

    padded pad;
    memset(&pad, 0xa5, sizeof pad);
    pad.a = 1;
    pad.b = 2;
    const blank bl = {7, 99, 8};
    const stringStruct three[] = {str(""), str("k17"), str("x")};
    const double two[] = {1.5, 0};
    const eface anys[] = {any(&t_int64, &five), any(NULL, NULL)};
    row("type int64", typehash(&t_int64, &five, seed), need_words);
    row("type int32", typehash(&t_int32, &minus, seed), need_nothing);
    row("type empty struct", typehash(&t_empty, NULL, seed), need_nothing);
    row("type padded struct", typehash(&t_padded, &pad, seed), need_words);
    row("type blank field", typehash(&t_blank, &bl, seed), need_words);
    row("type array of strings", typehash(&t_strings, three, seed), need_bytes);
    row("type array of floats", typehash(&t_floats, two, seed), need_words);
    row("type array of interfaces", typehash(&t_anys, anys, seed), need_words);
    row("type 16 bytes", typehash(&t_bytes16, buf, seed), need_bytes);
    CHECK(next_vector == LENGTH(vectors));
}

/* ---- properties ------------------------------------------------------- */

/* The fallbacks for 4 and 8 bytes are the general one, on every machine. */
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

/* A NaN's hash is that of zero with one random word mixed in. */
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
    CHECK(arrayequal(&t_strings, a1, a2));
    CHECK(!arrayequal(&t_strings, a1, a3));
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
    test_values();
    test_fixed_sizes();
    test_hashkey();
    test_nan_draws();
    test_equality();
    test_panics();
    return 0;
}
