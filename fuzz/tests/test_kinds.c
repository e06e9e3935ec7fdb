/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_kinds.c: key numbers, the values that they stand for, and hashes agree.
 *
 *   cc -std=c11 -o test_kinds fuzz/tests/test_kinds.c oracle/kinds.c \
 *      ref/aeshash.c ref/alg.c ref/maptype.c ref/runtime.c && ./test_kinds
 */
#include "../../oracle/kinds.h"

static key_kind kind; /* what is being looked at, for CHECK's message */
static unsigned number;

static const char *where(void);
#define TEST_CASE where()
#include "../../ref/tests/test.h"

static const char *where(void)
{
    snprintf(test_case(), test_case_size, " (%s key %u)", key_kind_names[kind], number);
    return test_case();
}

enum { guard = 16 };
static const uint32_t variants[] = {0, 1, 2, 7, 255, 0x1234, 0x10001, UINT32_MAX};
enum { nvariants = LENGTH(variants) };

/* Key and elem values at odd addresses, as the map may hold them. */
static unsigned char buffer_a[1 + elem_max_size + guard], buffer_b[1 + elem_max_size + guard];
static unsigned char *const a = buffer_a + 1, *const b = buffer_b + 1;

/* How far apart the numbers that a test looks at may stand. */
static unsigned stride_of(key_kind k)
{
    return key_type(k)->size > 150 ? 37 : 1;
}

/* Does the hasher of mt raise an event for the key in a? */
static bool hashing_fails(const maptype *mt)
{
    test_caught()->failed = false;
    gm_set_handler(test_handler);
    if (setjmp(test_caught()->back) == 0) {
        (void)mt->hasher(mt->key, a, 0);
    }
    gm_set_handler(NULL);
    return test_caught()->failed;
}

/* ---- types ------------------------------------------------------------- */

static void test_types(void)
{
    enum { P = PtrSize };
    /* As unsafe.Sizeof, Alignof and reflect.Type.String say in Go. */
    static const struct {
        uintptr_t size, ptrdata;
        unsigned align, typekind;
        bool regular, direct;
        const char *name;
    } keys[key_kinds] = {
        {8, 0, P, kindInt64, true, false, "int64"},
        {1, 0, 1, kindInt8, true, false, "int8"},
        {2, 0, 2, kindInt16, true, false, "int16"},
        {4, 0, 4, kindInt32, true, false, "int32"},
        {16, 0, 1, kindArray, true, false, "[16]uint8"},
        {127, 0, 1, kindArray, true, false, "[127]uint8"},
        {128, 0, 1, kindArray, true, false, "[128]uint8"},
        {129, 0, 1, kindArray, true, false, "[129]uint8"},
        {1000, 0, 1, kindArray, true, false, "[1000]uint8"},
        {0, 0, 1, kindStruct, true, false, "struct {}"},
        {2 * P, P, P, kindString, false, false, "string"},
        {8, 0, P, kindFloat64, false, false, "float64"},
        {16, 0, P, kindComplex128, false, false, "complex128"},
        {2 * P, 2 * P, P, kindInterface, false, false, "interface {}"},
        {P == 8 ? 16 : 12, 0, P, kindStruct, false, false, "struct { a uint8; b uint64 }"},
        {P, P, P, kindUnsafePointer, true, true, "unsafe.Pointer"},
        {4, 0, 4, kindFloat32, false, false, "float32"},
        {8, 0, 4, kindComplex64, false, false, "complex64"},
        {9 * P + 120, 9 * P + 120, P, kindStruct, false, false,
         "struct { a bool; b int; c *int; d [2]string; _ [120]uint8; e interface {} }"},
    };
    static const struct {
        uintptr_t size, ptrdata;
        unsigned align;
        const char *name;
    } elems[elem_kinds] = {
        {8, 0, P, "int64"},          {0, 0, 1, "struct {}"},    {1, 0, 1, "int8"},
        {128, 0, 1, "[128]uint8"},   {129, 0, 1, "[129]uint8"}, {1025, 0, 1, "[1025]uint8"},
        {P, P, P, "unsafe.Pointer"},
    };
    for (kind = 0; kind < key_kinds; kind++) {
        const rtype *t = key_type(kind);
        CHECK(t->size == keys[kind].size && t->size <= key_max_size);
        CHECK(t->ptrdata == keys[kind].ptrdata);
        CHECK(t->align == keys[kind].align);
        CHECK(t->kind == keys[kind].typekind);
        CHECK(t->regularMemory == keys[kind].regular && t->directIface == keys[kind].direct);
        CHECK(t->equal != NULL && strcmp(t->name, keys[kind].name) == 0);
        for (int e = 0; e < elem_kinds; e++) {
            const rtype *et = elem_type((elem_kind)e);
            CHECK(et->size == elems[e].size && et->size <= elem_max_size);
            CHECK(et->ptrdata == elems[e].ptrdata && et->align == elems[e].align);
            CHECK(strcmp(et->name, elems[e].name) == 0);
            for (int h = 0; h < hash_kinds; h++) {
                for (int m = gm_exact; m <= gm_strict; m++) {
                    maptype mt;
                    kinds_maptype(&mt, kind, (elem_kind)e, (hash_kind)h, (gm_mode)m);
                    CHECK(mt.key == t && mt.elem == et && mt.mode == (gm_mode)m);
                    CHECK((mt.hasher == typehash) == (h == hash_real || h == hash_aes));
                    CHECK(useAeshash == (h == hash_aes));
                }
            }
        }
    }
    kind = 0;
}

/* ---- values ------------------------------------------------------------ */

/* make, read, same and facts agree; nothing is written beside the value. */
static void check_value(uint16_t n, uint32_t variant)
{
    size_t size = key_type(kind)->size;
    key_facts want = key_facts_of(kind, n), got = {0};
    uint32_t payload = 0xdddddddd;

    memset(a - 1, 0xee, 1 + size + guard);
    memset(b - 1, 0x11, 1 + size + guard);
    key_make(kind, n, variant, a);
    key_make(kind, n, variant, b);
    CHECK(a[-1] == 0xee && b[-1] == 0x11);
    for (size_t i = size; i < size + guard; i++) {
        CHECK(a[i] == 0xee && b[i] == 0x11);
    }
    CHECK(memcmp(a, b, size) == 0); /* every byte is written, padding too */

    CHECK(key_read(kind, a, &got, &payload));
    CHECK(got.id == want.id && got.nan == want.nan && got.unhashable == want.unhashable);
    CHECK(payload == (want.nan ? variant % 65536 : 0));
    CHECK(key_same(kind, a, n, variant));
    CHECK(want.n == n && key_same(kind, a, got.n, variant)); /* n need not come back, its value does */
}

static void test_values(void)
{
    for (kind = 0; kind < key_kinds; kind++) {
        for (number = 0; number < key_numbers; number += stride_of(kind)) {
            uint16_t n = (uint16_t)number;
            check_value(n, variants[number % nvariants]);
            check_value(n, number);
        }
    }
    kind = 0;
}

/* Equality: t->equal, ids and nan tell the same story, variants none. */
static void check_pair(uint16_t n, uint32_t vn, uint16_t m, uint32_t vm)
{
    const rtype *t = key_type(kind);
    key_facts fn = key_facts_of(kind, n), fm = key_facts_of(kind, m);
    if (fn.unhashable || fm.unhashable) {
        return;
    }
    key_make(kind, n, vn, a);
    key_make(kind, m, vm, b);
    bool equal = !fn.nan && !fm.nan && fn.id == fm.id;
    CHECK(t->equal(t, a, b) == equal);
    CHECK(t->equal(t, b, a) == equal);
    CHECK(key_same(kind, b, n, vn) == (memcmp(a, b, t->size) == 0));
    if (!equal && !(fn.nan && fm.nan)) {
        CHECK(!key_same(kind, b, n, vn));
    }
}

static void test_equality(void)
{
    for (kind = 0; kind < key_kinds; kind++) {
        for (number = 0; number < key_numbers; number += stride_of(kind)) {
            uint16_t n = (uint16_t)number;
            static const uint16_t apart[] = {1,   2,      3,      59,     64,     255,    256,
                                             257, 0x1000, 0x2000, 0x3fff, 0x4000, 0x8000, 0xffff};
            for (unsigned i = 0; i < nvariants; i += 3) {
                check_pair(n, variants[i], n, variants[(i + 1) % nvariants]);
            }
            for (unsigned i = 0; i < LENGTH(apart); i++) {
                check_pair(n, i, (uint16_t)(n + apart[i]), n);
            }
        }
    }
    /* All pairs among the numbers where something special begins. */
    static const uint16_t edges[] = {0,      1,      2,      3,      4,      255,    256,    0x3ffe, 0x3fff,
                                     0x4000, 0x4001, 0x7fff, 0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0xafff,
                                     0xb000, 0xb001, 0xbfff, 0xc000, 0xc001, 0xdfff, 0xe000, 0xffff};
    for (kind = 0; kind < key_kinds; kind++) {
        for (size_t i = 0; i < LENGTH(edges); i++) {
            for (size_t j = 0; j < LENGTH(edges); j++) {
                number = edges[i];
                check_pair(edges[i], 0, edges[j], 1);
            }
        }
    }
    kind = 0;
}

/* Ids are as many as the kind has different keys. */
static void test_ids(void)
{
    static unsigned char seen[key_numbers];
    for (kind = 0; kind < key_kinds; kind++) {
        unsigned ids = 0, nans = 0, unhashable = 0, want = key_numbers, want_nans = 0;
        memset(seen, 0, sizeof seen);
        for (number = 0; number < key_numbers; number++) {
            key_facts f = key_facts_of(kind, (uint16_t)number);
            CHECK(f.id < key_numbers && !(f.nan && f.unhashable));
            nans += f.nan;
            unhashable += f.unhashable;
            if (!f.nan && !f.unhashable && !seen[f.id]) {
                seen[f.id] = 1;
                ids++;
            }
        }
        if (kind == key_int8) {
            want = 256;
        }
        if (kind == key_zero) {
            want = 1;
        }
        if (kind == key_float64 || kind == key_complex128 || kind == key_float32 || kind == key_complex64) {
            want_nans = 0x4000;
            want = 0xc000 - 1; /* -0 is +0 */
        }
        const bool iface = kind == key_iface || kind == key_mixed;
        if (iface) {
            want_nans = 0x1000;
            want = 0xe000 - 0x1000 - 1;
        }
        CHECK(ids == want && nans == want_nans && key_may_be_nan(kind) == (nans != 0));
        CHECK(unhashable == (iface ? 0x2000 : 0));
    }
    kind = 0;
}

static double double_at(const void *p)
{
    double d;
    memcpy(&d, p, sizeof d);
    return d;
}

/* The values are those that FORMAT.md names, stated once more in C's terms. */
static void test_meaning(void)
{
    int64_t i64;
    stringStruct s, s2;
    eface e, e2;
    int8_t i8;
    uint64_t bits;

    number = 40000;
    kind = key_int64;
    key_make(kind, 40000, 0, a);
    memcpy(&i64, a, sizeof i64);
    CHECK(i64 == 40000);
    kind = key_int8;
    key_make(kind, 0x12ff, 0, a);
    memcpy(&i8, a, sizeof i8);
    CHECK(i8 == -1);
    kind = key_bytes127;
    key_make(kind, 0x12ec, 0, a); /* 0x12 ^ 0xec is 0xfe */
    CHECK(a[0] == 0xec && a[1] == 0x12 && a[2] == 0xfe && a[3] == 0xff && a[4] == 0);
    CHECK(a[126] == 122);

    kind = key_string;
    key_make(kind, 0, 0, a);
    memcpy(&s, a, sizeof s);
    CHECK(s.len == 0 && s.str == NULL);
    key_make(kind, 0, 1, a);
    memcpy(&s, a, sizeof s);
    CHECK(s.len == 0 && s.str != NULL);
    for (number = 1; number < key_numbers; number++) {
        key_make(kind, (uint16_t)number, 0, a);
        memcpy(&s, a, sizeof s);
        key_make(kind, (uint16_t)number, 1, a);
        memcpy(&s2, a, sizeof s2);
        CHECK((uintptr_t)s.len == 2 + number % 59 && s.len == s2.len && s.str != s2.str);
        CHECK(memcmp(s.str, s2.str, (size_t)s.len) == 0);
        const unsigned char *c = s.str;
        CHECK((c[0] | c[1] << 8) == (int)number);
    }

    kind = key_float64;
    number = 1;
    key_make(kind, 1, 0, a);
    memcpy(&bits, a, sizeof bits);
    CHECK(bits == UINT64_C(1) << 63);
    key_make(kind, 2, 0, a);
    CHECK(double_at(a) > 1.7e308 && double_at(a) / 2 == double_at(a));
    key_make(kind, 3, 0, a);
    memcpy(&bits, a, sizeof bits);
    CHECK(bits == 1);
    key_make(kind, 4, 0, a);
    CHECK(double_at(a) == 4);
    key_make(kind, 0xbfff, 0, a);
    CHECK(double_at(a) == 0xbfff);
    key_make(kind, 0xc000, 0x1ffff, a);
    memcpy(&bits, a, sizeof bits);
    CHECK(bits == UINT64_C(0x7ff800000000ffff));

    kind = key_complex128;
    number = 0xc001;
    key_make(kind, 5, 0, a);
    CHECK(double_at(a) == 5 && double_at(a + 8) == 1);
    key_make(kind, 0xc000, 9, a);
    memcpy(&bits, a, sizeof bits);
    CHECK(bits == UINT64_C(0x7ff8000000000009) && double_at(a + 8) == 1);
    key_make(kind, 0xc001, 9, a);
    memcpy(&bits, a + 8, sizeof bits);
    CHECK(bits == UINT64_C(0x7ff8000000000009) && double_at(a) == 1);

    kind = key_padded;
    for (number = 0; number < 1000; number++) {
        bool differs = false;
        key_make(kind, 0x1234, number, a);
        key_make(kind, 0x1234, number + 1, b);
        CHECK(a[0] == 0x34);
        for (int i = 1; i < PtrSize; i++) {
            CHECK(a[i] != 0);
            differs = differs || a[i] != b[i];
        }
        CHECK(differs);
    }

    kind = key_iface;
    for (number = 0; number < key_numbers; number++) {
        uint16_t n = (uint16_t)number;
        key_make(kind, n, 0, a);
        memcpy(&e, a, sizeof e);
        key_make(kind, n, 1, a);
        memcpy(&e2, a, sizeof e2);
        CHECK(e._type == e2._type);
        if (n == 0x3fff) {
            CHECK(e._type == NULL && e.data == NULL);
        } else if (n < 0x4000) {
            memcpy(&i64, e.data, sizeof i64);
            CHECK(e._type == key_type(key_int64) && i64 == n && e.data != e2.data);
        } else if (n < 0x8000) {
            memcpy(&s, e.data, sizeof s);
            memcpy(&s2, e2.data, sizeof s2);
            CHECK(e._type == key_type(key_string) && e.data != e2.data && s.str != s2.str);
            CHECK((uintptr_t)s.len == (n == 0x4000 ? 0 : 2 + (n & 0x3fffU) % 59));
        } else if (n < 0xc000) {
            CHECK(e._type == key_type(key_float64) && e.data != e2.data);
            memcpy(&bits, e.data, sizeof bits);
            if (n >= 0xb000) {
                CHECK(bits == UINT64_C(0x7ff8000000000000));
            } else if (n >= 0x8004) {
                CHECK(double_at(e.data) == (n & 0x3fff));
            }
        } else if (n < 0xe000) {
            CHECK(e._type == key_type(key_pointer));
            CHECK((uintptr_t)e.data == 0x10000 + 16 * (uintptr_t)(n & 0x1fff));
        } else {
            static const char *const names[] = {"[]int", "map[int]int", "func()", "struct { s []int }"};
            CHECK(e._type->equal == NULL && strcmp(e._type->name, names[n & 3]) == 0);
            CHECK(e._type->directIface == ((n & 3) == 1 || (n & 3) == 2));
            if (e._type->directIface) {
                CHECK(e.data == NULL && e2.data == NULL);
            } else {
                CHECK(e.data != NULL && e2.data != NULL && e.data != e2.data);
            }
        }
    }

    kind = key_pointer;
    number = 5;
    key_make(kind, 5, 0, a);
    CHECK((uintptr_t)gm_loadp(a) == 0x10050);

    static const struct {
        uint16_t n;
        uint32_t bits;
    } floats[] = {{0, 0},
                  {1, 0x80000000},
                  {2, 0xff800000},
                  {3, 1},
                  {4, 0x40800000},
                  {5, 0x40a00000},
                  {0xbfff, 0x473fff00},
                  {0xc000, 0x7fc00009},
                  {0xffff, 0x7fc00009}};
    uint32_t narrow[2];
    for (size_t i = 0; i < LENGTH(floats); i++) {
        number = floats[i].n;
        kind = key_float32;
        key_make(kind, floats[i].n, 9, a);
        memcpy(narrow, a, 4);
        CHECK(narrow[0] == floats[i].bits);
        kind = key_complex64;
        key_make(kind, floats[i].n, 9, a);
        memcpy(narrow, a, 8);
        bool imaginary = floats[i].n == 0xffff;
        CHECK(narrow[imaginary] == floats[i].bits && narrow[!imaginary] == 0x3f800000);
    }
    kind = 0;
    number = 0;
}

/* A mixed key: its other fields but the blank one follow from its interface. */
static void test_mixed(void)
{
    enum { P = PtrSize };
    static const struct {
        uint16_t n, m;
    } rows[] = {{0, 0},           {5, 5},           {0x3fff, 0x3fff}, {0x4123, 0x4123},
                {0x8000, 0x8000}, {0x8001, 0x8000}, {0xb000, 0},      {0xbfff, 0},
                {0xc007, 0xc007}, {0xdfff, 0xdfff}, {0xe000, 0},      {0xffff, 0}};
    kind = key_mixed;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        for (uint32_t v = 0; v < 4; v++) {
            number = rows[i].n;
            intptr_t n;
            stringStruct s, want;
            key_make(kind, rows[i].n, v, a);
            CHECK(a[0] == (rows[i].m & 1));
            memcpy(&n, a + P, sizeof n);
            CHECK(n == -(intptr_t)(rows[i].m / 4));
            CHECK((uintptr_t)gm_loadp(a + (size_t)2 * P) == 0x10000 + 16 * (uintptr_t)(rows[i].m / 16));
            for (unsigned k = 0; k < 2; k++) {
                key_make(key_string, (uint16_t)(k == 0 ? rows[i].m / 64 : rows[i].m), v >> k, b);
                memcpy(&want, b, sizeof want);
                memcpy(&s, a + (size_t)(3 + 2 * k) * P, sizeof s);
                CHECK(s.str == want.str && s.len == want.len);
            }
            for (unsigned k = 0; k < 120; k++) {
                CHECK(a[7 * P + k] == 1 + v);
            }
            key_make(key_iface, rows[i].n, v, b);
            CHECK(memcmp(a + 7 * P + 120, b, 2 * (size_t)P) == 0);
        }
    }
    uint64_t w[key_max_words], x[key_max_words];
    key_make(kind, 0x4123, 0, a);
    CHECK(key_words(kind, a, w) == key_max_words && key_words(key_int64, a, x) == 0);
    for (size_t i = 0; i < key_type(kind)->size; i++) { /* every field is in the words */
        bool padding = i > 0 && i < P, rest = i >= 7 * P + 8 && i < 7 * P + 120;
        a[i] ^= 0xff;
        key_words(kind, a, x);
        CHECK((memcmp(w, x, sizeof w) != 0) == !(padding || rest));
        a[i] ^= 0xff;
    }
    kind = 0;
    number = 0;
}

static void test_nan_payloads(void)
{
    static const struct {
        key_kind k;
        uint16_t n;
    } nans[] = {{key_float64, 0xc000},    {key_float64, 0xffff}, {key_complex128, 0xc000},
                {key_complex128, 0xffff}, {key_iface, 0xb000},   {key_iface, 0xbfff},
                {key_float32, 0xc000},    {key_float32, 0xffff}, {key_complex64, 0xc000},
                {key_complex64, 0xffff}};
    for (size_t i = 0; i < LENGTH(nans); i++) {
        kind = nans[i].k;
        for (number = 0; number < 65536; number++) {
            key_facts f;
            uint32_t payload = 1;
            key_make(kind, nans[i].n, number, a);
            CHECK(key_read(kind, a, &f, &payload) && f.nan && payload == number);
            CHECK(!key_type(kind)->equal(key_type(kind), a, a));
            CHECK(key_same(kind, a, nans[i].n, number + 65536));
            CHECK(!key_same(kind, a, nans[i].n, number + 1));
        }
    }
    kind = 0;
}

/* ---- what is not a key ------------------------------------------------- */

static void refuse(void)
{
    key_facts f;
    uint32_t payload;
    CHECK(!key_read(kind, a, &f, &payload));
}

/* Any single wrong byte in a value is noticed, wherever another key is not
 * what it makes; addresses are never followed. */
static void test_garbage(void)
{
    size_t size;
    for (kind = 0; kind < key_kinds; kind++) {
        size = key_type(kind)->size;
        for (number = 0; number<key_numbers; number += size> 100 ? 9973 : 2503) {
            uint16_t n = (uint16_t)number;
            for (size_t i = 0; i < size; i++) {
                key_facts f;
                uint32_t payload;
                key_make(kind, n, number, a);
                a[i] ^= (unsigned char)(1 + number % 255);
                CHECK(!key_same(kind, a, n, number));
                if (!key_read(kind, a, &f, &payload)) {
                    continue;
                }
                /* Then it is some other key, or the same one in other clothes. */
                bool found = false;
                for (unsigned v = 0; v < 2 && !found; v++) {
                    for (unsigned m = 0; m < key_numbers && !found; m++) {
                        found = key_same(kind, a, (uint16_t)m, f.nan ? payload : v);
                    }
                }
                CHECK(found || (kind == key_padded && i >= 1 && i < PtrSize));
            }
        }
    }

    number = 0;
    kind = key_int64;
    memcpy(a, &(int64_t){-1}, 8);
    refuse();
    memcpy(a, &(int64_t){key_numbers}, 8);
    refuse();
    kind = key_int32;
    memcpy(a, &(int32_t){-1}, 4);
    refuse();
    kind = key_float64;
    static const uint64_t floats[] = {
        UINT64_C(0x3ff0000000000000), /* 1 */
        UINT64_C(0x4012000000000000), /* 4.5 */
        UINT64_C(0xc014000000000000), /* -5 */
        UINT64_C(0xfff0000000000000), /* -Inf */
        UINT64_C(0x7ff0000000000001), /* a signalling NaN */
        UINT64_C(0xfff8000000000000), /* NaN with a sign */
        UINT64_C(0x40e8000000000000), /* 0xc000 */
        UINT64_C(0x7fe0000000000000), 2,
    };
    for (size_t i = 0; i < LENGTH(floats); i++) {
        memcpy(a, &floats[i], 8);
        refuse();
    }

    kind = key_complex128; /* 1+5i */
    key_make(key_float64, 5, 0, a + 8);
    memcpy(a, &(double){1}, 8);
    refuse();

    kind = key_string;
    key_make(kind, 1, 0, b);
    stringStruct good, s;
    memcpy(&good, b, sizeof good);
    s = (stringStruct){NULL, 1};
    memcpy(a, &s, sizeof s);
    refuse();
    s = (stringStruct){b, good.len};
    memcpy(a, &s, sizeof s);
    refuse();
    s = (stringStruct){good.str, good.len + 1};
    memcpy(a, &s, sizeof s);
    refuse();
    s = (stringStruct){good.str, -1};
    memcpy(a, &s, sizeof s);
    refuse();
    memset(a, 0xa5, key_max_size);
    refuse();

    kind = key_iface;
    refuse();
    memset(a, 0, key_max_size);
    eface e = {NULL, b}, boxed;
    memcpy(a, &e, sizeof e);
    refuse();
    for (unsigned n = 0; n < key_numbers; n += 0x800) { /* right data, wrong type */
        key_make(kind, (uint16_t)n, 0, b);
        memcpy(&boxed, b, sizeof boxed);
        e = (eface){key_type(key_int8), boxed.data};
        memcpy(a, &e, sizeof e);
        number = n;
        refuse();
        if (n < 0xc000) {
            e = (eface){key_type(n < 0x4000 ? key_string : key_int64), boxed.data};
            memcpy(a, &e, sizeof e);
            refuse();
        }
        e = (eface){boxed._type, a};
        memcpy(a, &e, sizeof e);
        refuse();
    }

    kind = key_bytes127;
    memset(a, 0, 127);
    refuse();
    kind = key_pointer;
    gm_storep(a, NULL);
    refuse();
    kind = key_padded;
    key_make(kind, 7, 0, a);
    a[0] = 8;
    refuse();
    kind = 0;
    number = 0;
}

/* ---- hashers ----------------------------------------------------------- */

static const uintptr_t low = 0xff;
static const unsigned top_shift = 8 * PtrSize - 8;

static bool rand_equal(gm_rand x, gm_rand y)
{
    return memcmp(&x, &y, sizeof x) == 0;
}

static void check_hash(const maptype *mt, hash_kind h, uint16_t n)
{
    key_facts f = key_facts_of(kind, n);
    uintptr_t seed = (uintptr_t)n * 0x9e3779b9u;
    uint32_t v1 = n, v2 = n + 1u;
    key_make(kind, n, v1, a);
    key_make(kind, n, v2, b);

    gm_rand_seed(n + 1u);
    gm_rand before = gm_rand_state();
    uintptr_t real = typehash(mt->key, a, seed);
    gm_rand once = gm_rand_state();
    gm_rand_restore(before);
    uintptr_t hash = mt->hasher(mt->key, a, seed);

    if (f.nan) {
        /* Real hashes of NaN draw one word, and so does every rule. */
        CHECK(!rand_equal(before, once));
        if (h == hash_random) {
            gm_rand_restore(before);
            CHECK(hash == (PtrSize == 8 ? (uintptr_t)fastrand64() : fastrand()));
            return;
        }
        CHECK(rand_equal(gm_rand_state(), once));
    } else {
        CHECK(rand_equal(before, once) && rand_equal(gm_rand_state(), before));
        CHECK(mt->hasher(mt->key, b, seed) == hash); /* equal keys */
    }
    uint64_t id = f.nan ? v1 : f.id;
    uint64_t mixed = (id ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    uintptr_t base = f.nan ? real : (uintptr_t)(mixed ^ mixed >> 32);
    switch (h) {
    case hash_identity:
        CHECK(hash == (f.nan ? real : (uintptr_t)id));
        break;
    case hash_constant:
        CHECK(hash == (f.nan ? real : 0));
        break;
    case hash_lowbits:
        CHECK((hash & low) == (id & 1) && hash >> 8 == base >> 8);
        break;
    case hash_tophash:
        CHECK(hash >> top_shift == 0x80 && hash << 8 == base << 8);
        break;
    case hash_mintop:
        CHECK(hash >> top_shift == id % 5 && hash << 8 == base << 8);
        break;
    case hash_real:
    case hash_random:
    case hash_aes:
    case hash_kinds:
        CHECK(hash == real);
        break;
    }
}

static void test_hashers(void)
{
    alginit(1);
    for (kind = 0; kind < key_kinds; kind++) {
        for (int h = 0; h < hash_kinds; h++) {
            maptype mt;
            kinds_maptype(&mt, kind, elem_int64, (hash_kind)h, gm_exact);
            unsigned stride = h == hash_aes ? 37 : stride_of(kind); /* AES takes long */
            for (number = 0; number < key_numbers; number += stride) {
                if (!key_facts_of(kind, (uint16_t)number).unhashable) {
                    check_hash(&mt, (hash_kind)h, (uint16_t)number);
                }
            }
        }
    }
    /* +0 and -0 are one key. */
    static const struct {
        key_kind k;
        uint16_t zero;
    } zeros[] = {{key_float64, 0}, {key_complex128, 0}, {key_iface, 0x8000},
                 {key_float32, 0}, {key_complex64, 0},  {key_mixed, 0x8000}};
    for (size_t i = 0; i < LENGTH(zeros); i++) {
        kind = zeros[i].k;
        for (int h = 0; h < hash_kinds; h++) {
            maptype mt;
            kinds_maptype(&mt, kind, elem_int64, (hash_kind)h, gm_exact);
            key_make(kind, zeros[i].zero, 0, a);
            key_make(kind, zeros[i].zero + 1, 0, b);
            CHECK(memcmp(a, b, mt.key->size) != 0);
            CHECK(mt.hasher(mt.key, a, 3) == mt.hasher(mt.key, b, 3));
        }
    }
    kind = 0;
}

static void test_unhashable(void)
{
    static const char *const words[] = {"[]int", "map[int]int", "func()", "struct { s []int }"};
    for (int i = 0; i < 2 * hash_kinds; i++) {
        maptype mt;
        kind = i % 2 == 0 ? key_iface : key_mixed;
        kinds_maptype(&mt, kind, elem_int64, (hash_kind)(i / 2), gm_exact);
        for (number = 0xe000; number < key_numbers; number += 61) {
            key_make(kind, (uint16_t)number, number, a);
            CHECK(hashing_fails(&mt) && test_caught()->what == gm_event_panic);
            CHECK(strstr(test_caught()->words, "hash of unhashable type ") != NULL);
            CHECK(strstr(test_caught()->words, words[number & 3]) != NULL);
        }
    }
    kind = 0;
}

/* A slot that was wiped under an iterator (ERRATA.md#E3) holds no key that a
 * number stands for, and is still hashed: as Go does. */
static void test_hash_of_wiped_slot(void)
{
    maptype mt;
    kind = key_pointer;
    for (int h = 0; h < hash_kinds; h++) {
        kinds_maptype(&mt, kind, elem_int64, (hash_kind)h, gm_exact);
        memset(a, 0, key_max_size);
        CHECK(mt.hasher(mt.key, a, 5) == typehash(mt.key, a, 5));
    }
    kind = 0;
}

/* ---- elems ------------------------------------------------------------- */

static void test_elems(void)
{
    static const uint64_t stamps[] = {0,
                                      1,
                                      2,
                                      0xff,
                                      0x100,
                                      0x1234,
                                      0x123456,
                                      0xfffffff,
                                      UINT64_C(0x123456789abcdef0),
                                      UINT64_MAX,
                                      UINT64_MAX - 0xfff}; /* whose address would be 0 */
    for (int i = 0; i < elem_kinds; i++) {
        elem_kind e = (elem_kind)i;
        size_t size = elem_type(e)->size;
        for (size_t j = 0; j < LENGTH(stamps); j++) {
            memset(a - 1, 0xee, 1 + size + guard);
            elem_make(e, stamps[j], a);
            CHECK(a[-1] == 0xee);
            for (size_t k = size; k < size + guard; k++) {
                CHECK(a[k] == 0xee);
            }
            CHECK(elem_same(e, a, stamps[j]));
            if (size > 0) {
                /* the part of a stamp that fits into the elem */
                uint64_t differ = e == elem_pointer ? 0xfffffff : size == 1 ? 0xff : UINT64_MAX;
                for (size_t k = 0; k < LENGTH(stamps); k++) {
                    if (((stamps[j] ^ stamps[k]) & differ) != 0) {
                        CHECK(!elem_same(e, a, stamps[k]));
                    }
                }
                for (size_t k = 0; k < size; k++) {
                    a[k] ^= 0x40;
                    CHECK(!elem_same(e, a, stamps[j]));
                    a[k] ^= 0x40;
                }
            }
            if (e == elem_int64) {
                CHECK(memcmp(a, &stamps[j], sizeof stamps[j]) == 0); /* in the machine's byte order */
            } else if (e != elem_pointer) {
                for (size_t k = 0; k < 8 && k < size; k++) {
                    CHECK(a[k] == (unsigned char)(stamps[j] >> 8 * k));
                }
            }
            CHECK(e != elem_pointer || gm_loadp(a) != NULL);
        }
        memset(a, 0, elem_max_size);
        CHECK(elem_is_zero(e, a));
        for (size_t k = 0; k < size; k++) {
            a[k] = 0x80;
            CHECK(!elem_is_zero(e, a));
            a[k] = 0;
        }
        a[size] = 1;
        CHECK(elem_is_zero(e, a));
    }
}

/* ---- names ------------------------------------------------------------- */

static void test_names(void)
{
    static const struct {
        const char *name;
        int wide, narrow, iface;
    } special[] = {{"nan", 0xc000, 0xc000, 0xb000},
                   {"-0", 1, 1, 0x8001},
                   {"inf", 2, -1, 0x8002},
                   {"-inf", -1, 2, -1},
                   {"slice", -1, -1, 0xe000},
                   {"", -1, -1, -1},
                   {"na", -1, -1, -1},
                   {"nano", -1, -1, -1},
                   {"NaN", -1, -1, -1}};
    for (kind = 0; kind < key_kinds; kind++) {
        for (size_t i = 0; i < LENGTH(special); i++) {
            int want = kind == key_iface || kind == key_mixed          ? special[i].iface
                       : kind == key_float64 || kind == key_complex128 ? special[i].wide
                       : kind == key_float32 || kind == key_complex64  ? special[i].narrow
                                                                       : -1;
            CHECK(key_by_name(kind, special[i].name, strlen(special[i].name)) == want);
        }
    }
    CHECK(key_by_name(key_float64, "nanny", 3) == 0xc000); /* len counts, not a NUL */

    static const struct {
        key_kind k;
        uint16_t n;
        const char *name;
    } names[] = {
        {key_int64, 65535, "65535"},
        {key_int8, 0x17f, "127"},
        {key_int8, 0x80, "-128"},
        {key_int16, 0x8000, "-32768"},
        {key_int32, 0x8000, "32768"},
        {key_bytes1000, 7, "bytes(7)"},
        {key_zero, 9, "{}"},
        {key_string, 0, "\"\""},
        {key_string, 17, "\"k17\""},
        {key_float64, 0, "0"},
        {key_float64, 1, "-0"},
        {key_float64, 2, "+Inf"},
        {key_float64, 3, "5e-324"},
        {key_float64, 0xbfff, "49151"},
        {key_float64, 0xc000, "NaN"},
        {key_complex128, 5, "(5+1i)"},
        {key_complex128, 0xc000, "(NaN+1i)"},
        {key_complex128, 0xc001, "(1+NaNi)"},
        {key_iface, 5, "int64(5)"},
        {key_iface, 0x3fff, "nil"},
        {key_iface, 0x4000, "\"\""},
        {key_iface, 0x4005, "\"k5\""},
        {key_iface, 0x8001, "float64(-0)"},
        {key_iface, 0xb123, "float64(NaN)"},
        {key_iface, 0xc001, "pointer(0x10010)"},
        {key_iface, 0xe000, "[]int"},
        {key_iface, 0xffff, "struct { s []int }"},
        {key_padded, 0x1234, "{52 0x1234123412341234}"},
        {key_pointer, 0xffff, "0x10fff0"},
        {key_float32, 2, "-Inf"},
        {key_float32, 3, "1e-45"},
        {key_complex64, 2, "(-Inf+1i)"},
        {key_complex64, 0xc001, "(1+NaNi)"},
        {key_mixed, 5, "{.. int64(5)}"},
        {key_mixed, 0xe001, "map[int]int"},
    };
    char text[64];
    for (size_t i = 0; i < LENGTH(names); i++) {
        kind = names[i].k;
        number = names[i].n;
        key_name(kind, names[i].n, text, sizeof text);
        CHECK(strcmp(text, names[i].name) == 0);
        memset(text, '!', sizeof text);
        key_name(kind, names[i].n, text, 3);
        CHECK(strlen(text) <= 2 && text[3] == '!');
        CHECK(strncmp(text, names[i].name, 2) == 0);
    }
    kind = 0;
}

int main(void)
{
    test_types();
    test_values();
    test_equality();
    test_ids();
    test_meaning();
    test_mixed();
    test_nan_payloads();
    test_garbage();
    test_hashers();
    test_unhashable();
    test_hash_of_wiped_slot();
    test_elems();
    test_names();
    puts("test_kinds: ok");
    return 0;
}
