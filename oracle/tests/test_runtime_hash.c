/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_runtime_hash.c: the hash functions of ref/ answer what those of the Go
 * runtime answer, by AES and by the portable fallback.
 *
 *   test_runtime_hash            compares with the recordings for this kind of
 *                                machine, in ref/tests/hash_go/recorded
 *   test_runtime_hash --live     runs the runtime itself, in both modes
 *   test_runtime_hash FILE...    compares with these
 *
 * The other half is ref/tests/hash_go/main.go: it prints hashes and digests of
 * hashes, and the key that it had; here the same are computed in the same order
 * under that key.  Exit status: 0 all the same, 1 some differ, 2 an input that
 * cannot be read, 77 nothing to compare with.
 *
 * Built by CMake, which defines GOMAP_HASH_RECORDED (a folder) and, where it
 * finds go1.19, GOMAP_HASH_GO (the program built from main.go).
 */
#include "../../ref/tests/test.h"
#include "../kinds.h"
#include "answers.h"

/* ---- what both languages compute -------------------------------------- */

GM_WRAPS static uint64_t split64(uint64_t n)
{
    uint64_t z = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void digest_add(uint64_t *d, uintptr_t h)
{
    *d = split64(*d ^ h);
}

static uint64_t folded(uint64_t d)
{
    return (d ^ d >> 32) & UINT32_MAX;
}

/* A seed for number n of anything, with all and no bits among them. */
static uintptr_t seed_of(uint64_t n)
{
    if (n % 8 < 2) {
        return n % 8 == 0 ? 0 : UINTPTR_MAX;
    }
    return (uintptr_t)split64(n);
}

enum { page = 4096, max_length = 300 };

static unsigned char memory[20 * page];

/* ---- series ----------------------------------------------------------- */

typedef uintptr_t memory_hash(const void *p, uintptr_t n, uintptr_t h);

static uintptr_t via_memhash(const void *p, uintptr_t n, uintptr_t h)
{
    return memhash(p, h, n);
}

static uintptr_t via_strhash(const void *p, uintptr_t n, uintptr_t h)
{
    const stringStruct s = {p, (intptr_t)n};
    return strhash(&s, h);
}

/* Hashes n bytes from memory[at] under seeds first_seed and on, so many of them.
 * The bytes are copied to the end of a block of their own, so that a sanitizer
 * sees any look beyond them; before them it sees one where `at` is a multiple of
 * 64, since alignment is kept. */
static void add_hashes(uint64_t *d, memory_hash *hash, size_t at, size_t n, uint64_t first_seed,
                       unsigned seeds)
{
    size_t skip = at % 64;
    unsigned char *block = malloc(skip + n > 0 ? skip + n : 1);
    CHECK(block != NULL);
    memcpy(block + skip, memory + at, n);
    for (unsigned k = 0; k < seeds; k++) {
        digest_add(d, hash(block + skip, n, seed_of(first_seed + k)));
    }
    free(block);
}

//= SPEC.md#S-HASH-14 type=test
//# The portable memory hash of s bytes under seed h MUST be the function below
static void hash_memory(const char *series, memory_hash *hash)
{
    static const size_t aligned[] = {0, 1, 3, 5, 8, 13, 16, 31, 33, 64, 100, 129, 200, 300};
    static const size_t longs[] = {301,  400,  511,   512,   513,   1000,  1024,
                                   1025, 4096, 65535, 65536, 65537, 65553, 70001};
    static const size_t full[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,   15,  16,  17,
                                  31, 32, 33, 48, 49, 64, 65, 97, 128, 129, 257, 300};
    char name[32];

    for (unsigned n = 0; n <= max_length; n++) {
        uint64_t d = 0;
        for (unsigned place = 0; place < 32; place++) {
            add_hashes(&d, hash, page - 16 + place, n, (uint64_t)n * 7 + place * 4, 4);
        }
        row(series, n, folded(d), bytes);
    }
    snprintf(name, sizeof name, "%s-64", series);
    for (unsigned i = 0; i < LENGTH(aligned); i++) {
        uint64_t d = 0;
        for (unsigned at = 0; at < 64; at++) {
            add_hashes(&d, hash, at, aligned[i], at, 1);
        }
        row(name, i, folded(d), bytes);
    }
    snprintf(name, sizeof name, "%s-long", series);
    for (unsigned i = 0; i < LENGTH(longs); i++) {
        row(name, i, hash(memory + 5, longs[i], seed_of(longs[i])), bytes);
    }
    snprintf(name, sizeof name, "%s-full", series);
    for (unsigned i = 0; i < LENGTH(full); i++) {
        row(name, i, hash(memory + 3, full[i], seed_of(2)), bytes);
    }
}

static void hash_words(const char *series, uintptr_t (*hash)(const void *, uintptr_t))
{
    char name[32];
    for (unsigned i = 0; i < 16; i++) {
        uint64_t d = 0;
        for (unsigned k = 0; k < 256; k++) {
            unsigned at = 256 * i + k;
            digest_add(&d, hash(memory + at, seed_of(at)));
        }
        row(series, i, folded(d), bytes);
    }
    snprintf(name, sizeof name, "%s-full", series);
    for (unsigned i = 0; i < 8; i++) {
        row(name, i, hash(memory + i, seed_of(i)), bytes);
    }
}

/* Zeros, NaNs, infinities, 1.5 and the smallest; and random bits.  NaNs draw
 * from the generator, which is seeded the same here and there. */
//= SPEC.md#S-HASH-9 type=test
//# MUST be c1·(c0 xor h) for either zero
static void hash_floats(void)
{
    static const uint64_t doubles[] = {0,
                                       UINT64_C(1) << 63,
                                       UINT64_C(0x7ff8000000000001),
                                       UINT64_C(0xfff8000000001234),
                                       UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0xfff0000000000000),
                                       UINT64_C(0x3ff8000000000000),
                                       1};
    static const uint32_t singles[] = {0,          0x80000000, 0x7fc00001, 0xffc01234,
                                       0x7f800000, 0xff800000, 0x3fc00000, 1};
    enum { last = 8 };
    uint64_t digests[4][last + 1] = {{0}};

    for (unsigned i = 0; i <= last; i++) {
        for (unsigned k = 0; k < LENGTH(doubles); k++) {
            uint64_t d[2] = {split64(k), split64(k + 100)};
            uint32_t f[2] = {(uint32_t)d[0], (uint32_t)d[1]};
            if (i < last) {
                d[0] = doubles[i];
                d[1] = doubles[k];
                f[0] = singles[i];
                f[1] = singles[k];
            }
            uint64_t seed = 16 * i + k + 1;
            uintptr_t h = seed_of(seed);
            gm_rand_seed(seed);
            digest_add(&digests[0][i], f64hash(&d[1], h));
            gm_rand_seed(seed);
            digest_add(&digests[1][i], f32hash(&f[1], h));
            gm_rand_seed(seed);
            digest_add(&digests[2][i], c128hash(d, h));
            gm_rand_seed(seed);
            digest_add(&digests[3][i], c64hash(f, h));
        }
    }
    static const char *const names[] = {"f64hash", "f32hash", "c128hash", "c64hash"};
    for (unsigned j = 0; j < LENGTH(names); j++) {
        for (unsigned i = 0; i <= last; i++) {
            row(names[j], i, folded(digests[j][i]), numbers);
        }
    }
}

/* The key numbers at both ends of each 4096, where special ones stand, and some
 * between. */
static bool chosen(unsigned n)
{
    return ((n + 16) & 0xfe0) == 0 || n % 61 == 0;
}

enum { first_unhashable = 0xe000 }; /* of iface */

//= SPEC.md#S-HASH-8 type=test
//# The hash of a type that is one run of plain bytes MUST be the memory hash of all its bytes.
//= SPEC.md#S-HASH-11 type=test
//# The hash of a string MUST be the memory hash of its bytes.
//= SPEC.md#S-HASH-12 type=test
//# The hash of an interface under seed h MUST be h where it is nil, and c1·g otherwise, with g the typehash
//# of the value in it under seed h xor c0.
/* Of float32, complex64 and mixed, which hash_go's recordings do not have, the rows
 * about their parts tell, and go1.19 beside every trace. */
static void hash_kinds_of_keys(void)
{
    for (unsigned k = 0; k <= key_pointer; k++) {
        const rtype *t = key_type((key_kind)k);
        unsigned char *key = malloc(t->size + 1); /* at an odd address, and nothing behind it */
        CHECK(key != NULL);
        uint64_t digests[16] = {0};
        for (unsigned n = 0; n < key_numbers; n++) {
            if (chosen(n) && !(k == key_iface && n >= first_unhashable)) {
                key_make((key_kind)k, (uint16_t)n, (uint32_t)split64((uint64_t)n + 1), key + 1);
                gm_rand_seed((uint64_t)n + 1);
                digest_add(&digests[n / 4096], typehash(t, key + 1, seed_of(n)));
            }
        }
        free(key);
        char name[32];
        snprintf(name, sizeof name, "typehash-%s", key_kind_names[k]);
        content c = t->kind == kindArray || t->kind == kindString || t->size == 0 ? bytes : numbers;
        for (unsigned i = 0; i < LENGTH(digests); i++) {
            row(name, i, folded(digests[i]), c);
        }
    }
}

static const rtype t_floats = {.size = 16,
                               .align = PtrSize,
                               .kind = kindArray,
                               .equal = arrayequal,
                               .elem = &t_float64,
                               .len = 2,
                               .name = "[2]float64"};

//= SPEC.md#S-HASH-13 type=test
//# The hash of an array or of a struct that is not plain bytes MUST chain its elems or its fields in order,
//# each under the hash of the one before as seed, blank fields left out.
static void hash_composites(void)
{
    int64_t five = 5;
    double half = 1.5;
    stringStruct k17 = {"k17", 3};
    const blank bl = {7, 99, 8};
    const stringStruct strings[] = {{NULL, 0}, k17, {"x", 1}};
    const double floats[] = {half, 0};
    const eface anys[][2] = {{{&t_int64, &five}, {NULL, NULL}}, {{&t_string, &k17}, {&t_float64, &half}}};
    const struct {
        const rtype *t;
        const void *value;
        content c;
    } rows[] = {{&t_blank, &bl, numbers},
                {&t_strings3, strings, bytes},
                {&t_floats, floats, numbers},
                {&t_anys, anys[0], numbers},
                {&t_anys, anys[1], numbers}};
    for (unsigned i = 0; i < LENGTH(rows); i++) {
        row("typehash-composite", i, typehash(rows[i].t, rows[i].value, seed_of(2)), rows[i].c);
    }
}

/* The words of the panic must be the runtime's. */
static void hash_unhashable(void)
{
    int64_t one = 1;
    eface e[4];
    for (unsigned i = 0; i < LENGTH(e); i++) {
        key_make(key_iface, (uint16_t)(first_unhashable + i), 0, &e[i]);
    }
    const eface pair[] = {{&t_int64, &one}, e[0]};

    gm_set_handler(test_handler);
    for (volatile unsigned i = 0; i < 6; i++) {
        test_caught()->failed = false;
        if (setjmp(test_caught()->back) == 0) {
            if (i < 4) {
                (void)nilinterhash(&e[i], 0);
            } else if (i == 4) {
                (void)typehash(e[0]._type, e[0].data, 0);
            } else {
                (void)typehash(&t_anys, pair, 0);
            }
        }
        uint64_t d = 0;
        if (test_caught()->failed) {
            for (const char *c = test_caught()->words; *c != '\0'; c++) {
                digest_add(&d, (unsigned char)*c);
            }
        }
        row("panic", i, folded(d), bytes);
    }
    gm_set_handler(NULL);
}

/* ---- inputs ------------------------------------------------------------ */

typedef enum outcome { all_same, some_differ, not_compared } outcome;

/* Compares with all answers of an input that is open. */
static outcome compare(FILE *in, const char *name)
{
    runtime = (answers){.in = in, .name = name};
    read_header();
    if (runtime.aes && strcmp(runtime.arch, "amd64") != 0 && strcmp(runtime.arch, "386") != 0) {
        fprintf(stderr, "SKIPPED: %s: the AES hash of %s is not ported\n", name, runtime.arch);
        return not_compared;
    }
    hash_memory("memhash", via_memhash);
    hash_memory("strhash", via_strhash);
    hash_words("memhash32", memhash32);
    hash_words("memhash64", memhash64);
    hash_floats();
    hash_kinds_of_keys();
    hash_composites();
    hash_unhashable();
    expect_word("end");
    printf("%s: %s %s, %s: %u compared, %u differ", name, runtime.go, runtime.arch,
           runtime.aes ? "AES" : "fallback", runtime.compared, runtime.wrong);
    if (runtime.skipped > 0) {
        printf(", %u skipped: of the other byte order", runtime.skipped);
    }
    printf("\n");
    if (runtime.compared == 0) {
        return not_compared;
    }
    return runtime.wrong == 0 ? all_same : some_differ;
}

static outcome compare_file(const char *name)
{
    FILE *in = fopen(name, "r");
    if (in == NULL) {
        perror(name);
        exit(2);
    }
    outcome o = compare(in, name);
    fclose(in);
    return o;
}

static int recorded(void)
{
    static const char *const fallback[2][2] = {{"mips-fallback", "386-fallback"},
                                               {"s390x-fallback", "amd64-fallback"}};
    const char *const names[] = {fallback[PtrSize == 8][little_endian()],
                                 PtrSize == 8 ? "amd64-aes" : "386-aes"};
    bool differ = false;
    for (size_t i = 0; i < LENGTH(names); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.txt", GOMAP_HASH_RECORDED, names[i]);
        differ = compare_file(path) != all_same || differ;
    }
    return differ ? 1 : 0;
}

#ifdef GOMAP_HASH_GO
/* The child reads GODEBUG when it starts; the path reaches the shell by the
 * environment too, where no character of it needs quoting. */
static outcome run(const char *name)
{
    setenv("GOMAP_HASH_GO", GOMAP_HASH_GO, 1);
    FILE *in = popen("exec \"$GOMAP_HASH_GO\"", "r");
    CHECK(in != NULL);
    outcome o = compare(in, name);
    while (fgetc(in) != EOF) {
        /* what was not compared */
    }
    int status = pclose(in);
    if (status != 0) {
        fprintf(stderr, "%s: %s ended with status %d\n", name, GOMAP_HASH_GO, status);
        exit(2);
    }
    return o;
}

static int live(void)
{
    unsetenv("GODEBUG");
    bool differ = run("the runtime as it is") == some_differ;
    if (!runtime.aes) {
        fprintf(stderr, "SKIPPED: the runtime's AES hash: this CPU has no AES\n");
    }
    setenv("GODEBUG", "cpu.aes=off", 1);
    differ = run("the runtime without AES") == some_differ || differ;
    if (runtime.aes) {
        fprintf(stderr, "GODEBUG=cpu.aes=off did not turn off the runtime's AES hash\n");
        return 1;
    }
    return differ ? 1 : 0;
}
#else
static int live(void)
{
    fprintf(stderr, "SKIPPED: no go1.19: nothing was compared with the runtime itself\n");
    return 77;
}
#endif

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof memory; i++) {
        memory[i] = (unsigned char)split64(i);
    }
    if (argc == 1) {
        return recorded();
    }
    if (strcmp(argv[1], "--live") == 0 && argc == 2) {
        return live();
    }
    if (argv[1][0] == '-') {
        fprintf(stderr, "usage: test_runtime_hash [--live | FILE...]\n");
        return 2;
    }
    bool differ = false, skipped = false;
    for (int i = 1; i < argc; i++) {
        outcome o = compare_file(argv[i]);
        differ = o == some_differ || differ;
        skipped = o == not_compared || skipped;
    }
    if (differ) {
        return 1;
    }
    return skipped ? 77 : 0;
}
