/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test.h: what the tests share: CHECK, a few types, a hasher that lets a test
 * choose bucket and tophash, an allocator that fails on demand, and a handler
 * that catches panics.
 */
#ifndef GOMAP_TEST_H
#define GOMAP_TEST_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "../alg.h"
#include "../check.h"

#define CHECK(e)                                                                                             \
    do {                                                                                                     \
        if (!(e)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s%s\n", __FILE__, __LINE__, #e, TEST_CASE);                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* CHECK within a table or a loop: says which row. */
#define CHECK_ROW(row, e)                                                                                    \
    do {                                                                                                     \
        if (!(e)) {                                                                                          \
            fprintf(stderr, "%s:%d: row %ld: %s%s\n", __FILE__, __LINE__, (long)(row), #e, TEST_CASE);       \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* What a failed CHECK adds: a test that tries many cases writes here which one
 * it is at, seed included. */
enum { test_case_size = 96 };
static inline char *test_case(void)
{
    static char text[test_case_size];
    return text;
}

/* A test whose own variables say which case it is at defines this before it
 * includes the file; it is evaluated only when a CHECK has failed. */
#ifndef TEST_CASE
#define TEST_CASE test_case()
#endif

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* ---- types ------------------------------------------------------------ */

#define TEST_REGULAR(goname, bytes, boundary, goKind)                                                        \
    {                                                                                                        \
        .size = (bytes), .align = (boundary), .kind = (goKind), .regularMemory = true, .equal = memequal,    \
        .name = (goname)                                                                                     \
    }
static const rtype t_bool = TEST_REGULAR("bool", 1, 1, kindBool);
static const rtype t_uint8 = TEST_REGULAR("uint8", 1, 1, kindUint8);
static const rtype t_int = TEST_REGULAR("int", PtrSize, PtrSize, kindInt);
static const rtype t_int32 = TEST_REGULAR("int32", 4, 4, kindInt32);
static const rtype t_int64 = TEST_REGULAR("int64", 8, PtrSize, kindInt64);
static const rtype t_uint64 = TEST_REGULAR("uint64", 8, PtrSize, kindUint64);
static const rtype t_empty = TEST_REGULAR("struct {}", 0, 1, kindStruct);
static const rtype t_float32 = {
    .size = 4, .align = 4, .kind = kindFloat32, .equal = f32equal, .name = "float32"};
static const rtype t_float64 = {
    .size = 8, .align = PtrSize, .kind = kindFloat64, .equal = f64equal, .name = "float64"};
static const rtype t_complex64 = {
    .size = 8, .align = 4, .kind = kindComplex64, .equal = c64equal, .name = "complex64"};
static const rtype t_complex128 = {
    .size = 16, .align = PtrSize, .kind = kindComplex128, .equal = c128equal, .name = "complex128"};
static const rtype t_string = {.size = 2 * PtrSize,
                               .ptrdata = PtrSize,
                               .align = PtrSize,
                               .kind = kindString,
                               .equal = strequal,
                               .name = "string"};
static const rtype t_any = {.size = 2 * PtrSize,
                            .ptrdata = 2 * PtrSize,
                            .align = PtrSize,
                            .kind = kindInterface,
                            .equal = nilinterequal,
                            .name = "interface {}"};
static const rtype t_slice = {
    .size = 3 * PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindSlice, .name = "[]int"};
static const rtype t_ptr = {.size = PtrSize,
                            .ptrdata = PtrSize,
                            .align = PtrSize,
                            .kind = kindPtr,
                            .regularMemory = true,
                            .directIface = true,
                            .equal = memequal,
                            .name = "*int"};
static const rtype t_pointer = {.size = PtrSize,
                                .ptrdata = PtrSize,
                                .align = PtrSize,
                                .kind = kindUnsafePointer,
                                .regularMemory = true,
                                .directIface = true,
                                .equal = memequal,
                                .name = "unsafe.Pointer"};

#define TEST_BYTES(n)                                                                                        \
    {                                                                                                        \
        .size = (n), .align = 1, .kind = kindArray, .regularMemory = true, .equal = memequal,                \
        .elem = &t_uint8, .len = (n), .name = "[" #n "]uint8"                                                \
    }
static const rtype t_bytes16 = TEST_BYTES(16);
static const rtype t_bytes127 = TEST_BYTES(127);
static const rtype t_bytes128 = TEST_BYTES(128);
static const rtype t_bytes129 = TEST_BYTES(129);
static const rtype t_bytes136 = TEST_BYTES(136);
static const rtype t_bytes1025 = TEST_BYTES(1025);

static const rtype t_anys = {.size = 4 * PtrSize,
                             .ptrdata = 4 * PtrSize,
                             .align = PtrSize,
                             .kind = kindArray,
                             .equal = arrayequal,
                             .elem = &t_any,
                             .len = 2,
                             .name = "[2]interface {}"};

/* A struct with a gap, whose bytes mean nothing. */
typedef struct padded {
    uint8_t a;
    uint64_t b;
} padded;
static const structfield padded_fields[] = {{&t_uint8, offsetof(padded, a), false},
                                            {&t_uint64, offsetof(padded, b), false}};
static const rtype t_padded = {.size = sizeof(padded),
                               .align = PtrSize,
                               .kind = kindStruct,
                               .equal = structequal,
                               .fields = padded_fields,
                               .nfields = 2,
                               .name = "struct { a uint8; b uint64 }"};

/* A struct with a field that no name refers to. */
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

static const rtype t_strings3 = {.size = 3 * sizeof(stringStruct),
                                 .align = PtrSize,
                                 .kind = kindArray,
                                 .equal = arrayequal,
                                 .elem = &t_string,
                                 .len = 3,
                                 .name = "[3]string"};

/* ---- keys ------------------------------------------------------------- */

/* A key of these tests is an int64 whose parts choose its place: low 16 bits of
 * the hash (the bucket), the hash's top byte, and a number that tells keys of
 * one hash apart. */
#define KEY(low, top, n) ((int64_t)(low) | (int64_t)(top) << 16 | (int64_t)(n) << 24)

/* The hasher to go with KEY; the seed takes no part.  Plain small numbers are
 * their own hash, with tophash 5. */
static inline uintptr_t hash_parts(const rtype *key, const void *p, uintptr_t seed)
{
    int64_t k;
    (void)key;
    (void)seed;
    memcpy(&k, p, sizeof k);
    return (uintptr_t)(k & 0xffff) | (uintptr_t)(k >> 16 & 0xff) << (PtrSize * 8 - 8);
}

/* hash_parts' descriptor; key is a type of eight bytes or more, whatever it
 * takes them for. */
static inline void test_type(maptype *t, const rtype *key, const rtype *elem, gm_mode mode)
{
    MapOf(t, key, elem, mode);
    t->hasher = hash_parts;
}

enum { test_maxkey = 136 };

/* The bytes of key k, for key types of up to test_maxkey bytes. */
typedef struct test_key {
    unsigned char bytes[test_maxkey];
} test_key;

static inline test_key key_of(int64_t k)
{
    test_key key = {{0}};
    memcpy(key.bytes, &k, sizeof k);
    return key;
}

static inline int64_t key_at(const void *p)
{
    int64_t k;
    memcpy(&k, p, sizeof k);
    return k;
}

/* m[k] = v; false: no memory. */
static inline bool put(const maptype *t, hmap *h, int64_t k, int64_t v)
{
    test_key key = key_of(k);
    void *e = mapassign(t, h, key.bytes);
    if (e != NULL && t->elem->size >= sizeof v) {
        memcpy(e, &v, sizeof v);
    }
    return e != NULL;
}

/* The elem of k, or -1. */
static inline int64_t get(const maptype *t, hmap *h, int64_t k)
{
    test_key key = key_of(k);
    bool ok;
    void *e = mapaccess2(t, h, key.bytes, &ok);
    return ok ? key_at(e) : -1;
}

static inline bool has(const maptype *t, hmap *h, int64_t k)
{
    test_key key = key_of(k);
    bool ok;
    mapaccess2(t, h, key.bytes, &ok);
    return ok;
}

static inline void del(const maptype *t, hmap *h, int64_t k)
{
    test_key key = key_of(k);
    mapdelete(t, h, key.bytes);
}

/* ---- looking inside --------------------------------------------------- */

static inline uint8_t flags_of(const hmap *h)
{
    return atomic_load_explicit(&h->flags, memory_order_relaxed);
}

static inline bmap *bucket_at(const maptype *t, void *buckets, uintptr_t n)
{
    return add(buckets, n * t->bucketsize);
}

static inline void *key_slot(const maptype *t, bmap *b, uintptr_t i)
{
    return add(b, dataOffset + i * t->keysize);
}

static inline void *elem_slot(const maptype *t, bmap *b, uintptr_t i)
{
    return add(b, dataOffset + bucketCnt * (uintptr_t)t->keysize + i * t->elemsize);
}

/* Number of overflow buckets behind b. */
static inline unsigned chain_length(const maptype *t, bmap *b)
{
    unsigned n = 0;
    while ((b = bmap_overflow(b, t)) != NULL) {
        n++;
    }
    return n;
}

static inline void test_sound(const char *file, int line, const maptype *t, hmap *h, hiter *const *its,
                              size_t n)
{
    gm_check_result r;
    if (!gm_check(t, h, its, n, &r)) {
        fprintf(stderr, "%s:%d: gm_check: %s: %s%s\n", file, line, r.rule, r.detail, TEST_CASE);
        exit(1);
    }
}

/* The map is sound, and `it`, NULL or its only live iterator, with it. */
#define SOUND(t, h, it) test_sound(__FILE__, __LINE__, t, h, (hiter *const[]){it}, 1)

/* ---- memory ----------------------------------------------------------- */

/* Checks that free gets the size that alloc was asked for, and can fail. */
typedef struct test_memory {
    size_t calls;    /* of alloc, failed ones included */
    size_t fail_at;  /* this call fails (1: the next, after calls = 0), 0: none */
    size_t fail_for; /* so many calls fail from there on */
    size_t limit;    /* larger requests fail */
    size_t refused;  /* size of the last request that failed */
} test_memory;

typedef union test_header {
    size_t size;
    max_align_t align;
} test_header;

static inline void *test_alloc(void *ctx, size_t size)
{
    test_memory *m = ctx;
    m->calls++;
    bool fails = m->fail_at != 0 && m->calls >= m->fail_at && m->calls - m->fail_at < m->fail_for;
    if (fails || size > m->limit) {
        m->refused = size;
        return NULL;
    }
    test_header *p = calloc(1, sizeof *p + size);
    CHECK(p != NULL);
    p->size = size;
    return p + 1;
}

static inline void test_free(void *ctx, void *p, size_t size)
{
    test_header *header = (test_header *)p - 1;
    (void)ctx;
    CHECK(header->size == size);
    free(header);
}

/* Installs m as the allocator, with no failures. */
static inline void test_memory_use(test_memory *m)
{
    *m = (test_memory){.limit = (size_t)1 << 28};
    gm_allocator a = {test_alloc, test_free, m};
    gm_set_allocator(&a);
}

/* The calls of alloc from number n on fail, so many of them. */
static inline void test_memory_fail(test_memory *m, size_t n, size_t so_many)
{
    m->calls = 0;
    m->fail_at = n;
    m->fail_for = so_many;
}

/* ---- panics ----------------------------------------------------------- */

/* What this thread's last failure was. */
typedef struct test_failure {
    bool failed; /* has there been one since this was cleared? */
    gm_event what;
    char words[128];
    jmp_buf back;
} test_failure;

static inline test_failure *test_caught(void)
{
    static _Thread_local test_failure f;
    return &f;
}

static inline void test_handler(gm_event what, const char *msg)
{
    test_failure *f = test_caught();
    f->failed = true;
    f->what = what;
    snprintf(f->words, sizeof f->words, "%s", msg);
    longjmp(f->back, 1);
}

/* Calls f(arg) and tells whether it failed with exactly these words; NULL:
 * that it did not fail. */
static inline bool fails_with(gm_event what, const char *words, void (*f)(void *), void *arg)
{
    gm_handler *before = gm_set_handler(test_handler);
    if (setjmp(test_caught()->back) == 0) {
        f(arg);
        gm_set_handler(before);
        if (words != NULL) {
            fprintf(stderr, "did not fail with: %s\n", words);
        }
        return words == NULL;
    }
    gm_set_handler(before);
    if (words == NULL || test_caught()->what != what || strcmp(test_caught()->words, words) != 0) {
        fprintf(stderr, "failed with: %s\n", test_caught()->words);
        return false;
    }
    return true;
}

/* Checks that the call fails with exactly these words. */
#define FAILS(event, text, call)                                                                             \
    do {                                                                                                     \
        gm_handler *const test_before = gm_set_handler(test_handler);                                        \
        test_caught()->failed = false;                                                                       \
        if (setjmp(test_caught()->back) == 0) {                                                              \
            call;                                                                                            \
        }                                                                                                    \
        gm_set_handler(test_before);                                                                         \
        CHECK(test_caught()->failed);                                                                        \
        CHECK(test_caught()->what == (event));                                                               \
        CHECK(strcmp(test_caught()->words, (text)) == 0);                                                    \
    } while (0)

#endif
