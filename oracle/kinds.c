/* SPDX-License-Identifier: BSD-3-Clause
 *
 * kinds.c: what the key numbers and elem stamps of a trace stand for in memory.
 *
 * fuzz/FORMAT.md has the same tables for people ("Key numbers", "Hashers").
 * Any other program that wants to follow a trace, the one in Go above all, has
 * to make the same values and the same hashes; so a change here is a change of
 * the format.
 *
 * Three habits run through the file.  Values are written and read by memcpy,
 * since a slot of a bucket promises no alignment.  Reading never trusts: a
 * pointer found in a slot is compared with the addresses that key_make hands
 * out before anything behind it is touched, so that a broken map yields "not a
 * key" and not a crash of the judge.  What values point to lies in static
 * pools, filled at first use, because a trace touches few of the 65536 numbers;
 * any number of threads may do so at once.
 */
#include "kinds.h"

#include <inttypes.h>
#include <stdio.h>

#include "../ref/alg.h"

const char *const key_kind_names[key_kinds] = {
    [key_int64] = "int64",           [key_int8] = "int8",
    [key_int16] = "int16",           [key_int32] = "int32",
    [key_bytes16] = "bytes16",       [key_bytes127] = "bytes127",
    [key_bytes128] = "bytes128",     [key_bytes129] = "bytes129",
    [key_bytes1000] = "bytes1000",   [key_zero] = "zero",
    [key_string] = "string",         [key_float64] = "float64",
    [key_complex128] = "complex128", [key_iface] = "iface",
    [key_padded] = "padded",         [key_pointer] = "pointer",
    [key_float32] = "float32",       [key_complex64] = "complex64",
    [key_mixed] = "mixed",
};

const char *const elem_kind_names[elem_kinds] = {
    [elem_int64] = "int64",       [elem_zero] = "zero",         [elem_int8] = "int8",
    [elem_bytes128] = "bytes128", [elem_bytes129] = "bytes129", [elem_bytes1025] = "bytes1025",
    [elem_pointer] = "pointer",
};

const char *const hash_kind_names[hash_kinds] = {
    [hash_real] = "real",       [hash_identity] = "identity", [hash_constant] = "constant",
    [hash_lowbits] = "lowbits", [hash_tophash] = "tophash",   [hash_mintop] = "mintop",
    [hash_random] = "random",   [hash_aes] = "aes",
};

/* ---- types ------------------------------------------------------------- */

/* Go aligns 8-byte numbers to the word on 32-bit machines, hence PtrSize. */
#define INTEGER(bytes, alignment, k, spelling)                                                               \
    {                                                                                                        \
        .size = (bytes), .align = (alignment), .kind = (k), .regularMemory = true, .equal = memequal,        \
        .name = (spelling)                                                                                   \
    }
#define BYTES(n)                                                                                             \
    {                                                                                                        \
        .size = (n), .align = 1, .kind = kindArray, .regularMemory = true, .equal = memequal,                \
        .elem = &uint8_type, .len = (n), .name = "[" #n "]uint8"                                             \
    }
#define EMPTY                                                                                                \
    {                                                                                                        \
        .align = 1, .kind = kindStruct, .regularMemory = true, .equal = memequal, .name = "struct {}"        \
    }
#define POINTER                                                                                              \
    {                                                                                                        \
        .size = PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindUnsafePointer,                    \
        .regularMemory = true, .directIface = true, .equal = memequal, .name = "unsafe.Pointer"              \
    }

static const rtype uint8_type = INTEGER(1, 1, kindUint8, "uint8");
static const rtype uint64_type = INTEGER(8, PtrSize, kindUint64, "uint64");

enum { padded_b = PtrSize, padded_size = PtrSize + 8 };

static const structfield padded_fields[] = {
    {.typ = &uint8_type, .offset = 0},
    {.typ = &uint64_type, .offset = padded_b},
};

/* What mixed is made of: a boolean, an int, a pointer to something, an array of
 * what is not bytes, a blank field that makes the whole too large for a bucket,
 * and an interface, so that hashing it may panic. */
enum {
    mixed_b = PtrSize,
    mixed_c = 2 * PtrSize,
    mixed_d = 3 * PtrSize,
    mixed_strings = 2,
    mixed_blank = mixed_d + mixed_strings * 2 * PtrSize,
    mixed_blank_size = 120,
    mixed_e = mixed_blank + mixed_blank_size,
    mixed_size = mixed_e + 2 * PtrSize
};

static const rtype key_types[key_kinds];
static const rtype bool_type = INTEGER(1, 1, kindBool, "bool");
static const rtype int_type = INTEGER(PtrSize, PtrSize, kindInt, "int");
static const rtype blank_type = BYTES(120);
_Static_assert(mixed_blank_size == 120, "the blank field is as large as its type");
static const rtype int_pointer_type = {.size = PtrSize,
                                       .ptrdata = PtrSize,
                                       .align = PtrSize,
                                       .kind = kindPtr,
                                       .regularMemory = true,
                                       .directIface = true,
                                       .equal = memequal,
                                       .name = "*int"};
static const rtype strings_type = {.size = mixed_strings * 2 * PtrSize,
                                   .ptrdata = mixed_strings * 2 * PtrSize - PtrSize,
                                   .align = PtrSize,
                                   .kind = kindArray,
                                   .equal = arrayequal,
                                   .elem = &key_types[key_string],
                                   .len = mixed_strings,
                                   .name = "[2]string"};
static const structfield mixed_fields[] = {
    {.typ = &bool_type, .offset = 0},
    {.typ = &int_type, .offset = mixed_b},
    {.typ = &int_pointer_type, .offset = mixed_c},
    {.typ = &strings_type, .offset = mixed_d},
    {.typ = &blank_type, .offset = mixed_blank, .blank = true},
    {.typ = &key_types[key_iface], .offset = mixed_e},
};

/* One array, so that a hasher can tell the kind from the address of the type. */
static const rtype key_types[key_kinds] = {
    [key_int64] = INTEGER(8, PtrSize, kindInt64, "int64"),
    [key_int8] = INTEGER(1, 1, kindInt8, "int8"),
    [key_int16] = INTEGER(2, 2, kindInt16, "int16"),
    [key_int32] = INTEGER(4, 4, kindInt32, "int32"),
    [key_bytes16] = BYTES(16),
    [key_bytes127] = BYTES(127),
    [key_bytes128] = BYTES(128),
    [key_bytes129] = BYTES(129),
    [key_bytes1000] = BYTES(1000),
    [key_zero] = EMPTY,
    [key_string] = {.size = 2 * PtrSize,
                    .ptrdata = PtrSize,
                    .align = PtrSize,
                    .kind = kindString,
                    .equal = strequal,
                    .name = "string"},
    [key_float64] = {.size = 8, .align = PtrSize, .kind = kindFloat64, .equal = f64equal, .name = "float64"},
    [key_complex128] =
        {.size = 16, .align = PtrSize, .kind = kindComplex128, .equal = c128equal, .name = "complex128"},
    [key_iface] = {.size = 2 * PtrSize,
                   .ptrdata = 2 * PtrSize,
                   .align = PtrSize,
                   .kind = kindInterface,
                   .equal = nilinterequal,
                   .name = "interface {}"},
    [key_padded] = {.size = padded_size,
                    .align = PtrSize,
                    .kind = kindStruct,
                    .equal = structequal,
                    .fields = padded_fields,
                    .nfields = 2,
                    .name = "struct { a uint8; b uint64 }"},
    [key_pointer] = POINTER,
    [key_float32] = {.size = 4, .align = 4, .kind = kindFloat32, .equal = f32equal, .name = "float32"},
    [key_complex64] = {.size = 8, .align = 4, .kind = kindComplex64, .equal = c64equal, .name = "complex64"},
    [key_mixed] = {.size = mixed_size,
                   .ptrdata = mixed_size,
                   .align = PtrSize,
                   .kind = kindStruct,
                   .equal = structequal,
                   .fields = mixed_fields,
                   .nfields = sizeof mixed_fields / sizeof mixed_fields[0],
                   .name = "struct { a bool; b int; c *int; d [2]string; _ [120]uint8; e interface {} }"},
};

static const rtype elem_types[elem_kinds] = {
    [elem_int64] = INTEGER(8, PtrSize, kindInt64, "int64"),
    [elem_zero] = EMPTY,
    [elem_int8] = INTEGER(1, 1, kindInt8, "int8"),
    [elem_bytes128] = BYTES(128),
    [elem_bytes129] = BYTES(129),
    [elem_bytes1025] = BYTES(1025),
    [elem_pointer] = POINTER,
};

/* What an interface key can hold that Go refuses to hash: by number & 3. */
static const rtype unhashable_types[4];
static const structfield slice_field[] = {{.typ = &unhashable_types[0], .offset = 0}};
static const rtype unhashable_types[4] = {
    {.size = 3 * PtrSize,
     .ptrdata = PtrSize,
     .align = PtrSize,
     .kind = kindSlice,
     .elem = &int_type,
     .name = "[]int"},
    {.size = PtrSize,
     .ptrdata = PtrSize,
     .align = PtrSize,
     .kind = kindMap,
     .directIface = true,
     .name = "map[int]int"},
    {.size = PtrSize,
     .ptrdata = PtrSize,
     .align = PtrSize,
     .kind = kindFunc,
     .directIface = true,
     .name = "func()"},
    {.size = 3 * PtrSize,
     .ptrdata = PtrSize,
     .align = PtrSize,
     .kind = kindStruct,
     .fields = slice_field,
     .nfields = 1,
     .name = "struct { s []int }"},
};

const rtype *key_type(key_kind k)
{
    return &key_types[k];
}

const rtype *elem_type(elem_kind e)
{
    return &elem_types[e];
}

/* ---- byte patterns ----------------------------------------------------- */

/* 0, 1, .. 255, again and again: a pattern that starts anywhere in the first
 * 256 bytes is one memcpy, and checking it one comparison. */
#define RAMP4(b) (b), (b) + 1, (b) + 2, (b) + 3
#define RAMP16(b) RAMP4(b), RAMP4((b) + 4), RAMP4((b) + 8), RAMP4((b) + 12)
#define RAMP64(b) RAMP16(b), RAMP16((b) + 16), RAMP16((b) + 32), RAMP16((b) + 48)
#define RAMP256 RAMP64(0), RAMP64(64), RAMP64(128), RAMP64(192)
static const uint8_t ramp[] = {RAMP256, RAMP256, RAMP256, RAMP256, RAMP256, RAMP256};
_Static_assert(sizeof ramp >= 255 + elem_max_size && sizeof ramp >= 255 + key_max_size,
               "a pattern from any start stays inside");

static const uint8_t *pattern_of(uint64_t v)
{
    return ramp + ((v ^ v >> 8 ^ v >> 16) & 255);
}

/* The low bytes of v, lowest first and at most width of them, then the pattern. */
static void bytes_fill(void *out, size_t size, uint64_t v, size_t width)
{
    unsigned char *b = out;
    size_t i = 0;
    for (; i < width && i < size; i++) {
        b[i] = (unsigned char)(v >> 8 * i);
    }
    if (i < size) {
        memcpy(b + i, pattern_of(v), size - i);
    }
}

static bool bytes_same(const void *p, size_t size, uint64_t v, size_t width)
{
    const unsigned char *b = p;
    size_t i = 0;
    for (; i < width && i < size; i++) {
        if (b[i] != (unsigned char)(v >> 8 * i)) {
            return false;
        }
    }
    return gm_same_bytes(b + i, pattern_of(v), size - i);
}

/* ---- what values point to ---------------------------------------------- */

enum { slot_empty, slot_filling, slot_ready };

/* True for the one caller that has to fill a slot and then calls slot_done;
 * everybody else gets false, with the slot filled. */
static bool slot_claim(atomic_uchar *slot)
{
    if (atomic_load_explicit(slot, memory_order_acquire) == slot_ready) {
        return false;
    }
    unsigned char was = slot_empty;
    if (atomic_compare_exchange_strong(slot, &was, slot_filling)) {
        return true;
    }
    while (atomic_load_explicit(slot, memory_order_acquire) != slot_ready) {
        /* the claimer has a few bytes to write */
    }
    return false;
}

static void slot_done(atomic_uchar *slot)
{
    atomic_store_explicit(slot, slot_ready, memory_order_release);
}

/* Which of the count items of size bytes from base does p point to?  -1: none.
 * In integers, for p can be anything. */
static ptrdiff_t item_at(const void *p, const void *base, size_t size, size_t count)
{
    uintptr_t from = (uintptr_t)p - (uintptr_t)base;
    if ((uintptr_t)p < (uintptr_t)base || from / size >= count || from % size != 0) {
        return -1;
    }
    return (ptrdiff_t)(from / size);
}

/* Strings: number 0 is "", any other has two bytes of number and 0..58 of
 * pattern.  Two copies, for equal strings at different addresses. */
enum { string_max = 60 };
static unsigned char string_bytes[2][key_numbers][string_max];
static atomic_uchar string_slots[key_numbers];

static size_t string_len(uint16_t n)
{
    return n == 0 ? 0 : 2 + n % 59u;
}

static stringStruct string_make(uint16_t n, uint32_t variant)
{
    /* Go's "" usually has no bytes to point to; hashing must not mind. */
    if (n == 0 && (variant & 1) == 0) {
        return (stringStruct){NULL, 0};
    }
    if (slot_claim(&string_slots[n])) {
        bytes_fill(string_bytes[0][n], string_len(n), n, 2);
        bytes_fill(string_bytes[1][n], string_len(n), n, 2);
        slot_done(&string_slots[n]);
    }
    return (stringStruct){string_bytes[variant & 1][n], (intptr_t)string_len(n)};
}

/* The number of a string, or -1. */
static int32_t string_number(stringStruct s)
{
    if (s.str == NULL) {
        return s.len == 0 ? 0 : -1;
    }
    ptrdiff_t at = item_at(s.str, string_bytes, string_max, 2 * (size_t)key_numbers);
    if (at < 0) {
        return -1;
    }
    uint16_t n = (uint16_t)(at % key_numbers);
    if (atomic_load_explicit(&string_slots[n], memory_order_acquire) != slot_ready ||
        s.len != (intptr_t)string_len(n) || !bytes_same(s.str, string_len(n), n, 2)) {
        return -1;
    }
    return n;
}

/* Floats, as bits: a NaN that went through a floating-point register need not
 * come out as it went in.  first_nan and all numbers above it are NaN. */
#define FLOAT_NEGATIVE_ZERO (UINT64_C(1) << 63)
#define FLOAT_INF (UINT64_C(0x7ff) << 52)
#define FLOAT_DENORMAL UINT64_C(1)
#define FLOAT_NAN (UINT64_C(0xfff) << 51) /* quiet, payload 0 */
#define FLOAT_ONE (UINT64_C(0x3ff) << 52)

enum { float_nan = 0xc000, iface_float_nan = 0x3000 };

static uint64_t float_make(uint16_t m, uint16_t first_nan, uint32_t variant)
{
    if (m >= first_nan) {
        return FLOAT_NAN | (variant & 0xffff);
    }
    switch (m) {
    case 0:
        return 0;
    case 1:
        return FLOAT_NEGATIVE_ZERO;
    case 2:
        return FLOAT_INF;
    case 3:
        return FLOAT_DENORMAL;
    default:
        break;
    }
    double d = m;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* The same of 32 bits, where number 2 is the other infinity. */
#define FLOAT32_NEGATIVE_ZERO (UINT32_C(1) << 31)
#define FLOAT32_NEGATIVE_INF (UINT32_C(0x1ff) << 23)
#define FLOAT32_DENORMAL UINT32_C(1)
#define FLOAT32_NAN (UINT32_C(0x1ff) << 22)
#define FLOAT32_ONE (UINT32_C(0x7f) << 23)

static uint32_t float32_make(uint16_t m, uint32_t variant)
{
    static const uint32_t special[] = {0, FLOAT32_NEGATIVE_ZERO, FLOAT32_NEGATIVE_INF, FLOAT32_DENORMAL};
    if (m >= float_nan) {
        return FLOAT32_NAN | (variant & 0xffff);
    }
    if (m < sizeof special / sizeof special[0]) {
        return special[m];
    }
    float f = m;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static int32_t float32_number(uint32_t bits, uint32_t *payload)
{
    if ((bits & ~UINT32_C(0xffff)) == FLOAT32_NAN) {
        *payload = bits & 0xffff;
        return float_nan;
    }
    for (uint16_t m = 0; m < 4; m++) {
        if (bits == float32_make(m, 0)) {
            return m;
        }
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    if (!(f >= 4 && f < (float)float_nan)) {
        return -1;
    }
    int32_t m = (int32_t)f;
    return float32_make((uint16_t)m, 0) == bits ? m : -1;
}

/* The number of a float, first_nan for every NaN, or -1. */
static int32_t float_number(uint64_t bits, uint16_t first_nan, uint32_t *payload)
{
    if ((bits & ~UINT64_C(0xffff)) == FLOAT_NAN) {
        *payload = (uint32_t)(bits & 0xffff);
        return first_nan;
    }
    switch (bits) {
    case 0:
        return 0;
    case FLOAT_NEGATIVE_ZERO:
        return 1;
    case FLOAT_INF:
        return 2;
    case FLOAT_DENORMAL:
        return 3;
    default:
        break;
    }
    double d;
    memcpy(&d, &bits, sizeof d);
    if (!(d >= 4 && d < first_nan)) {
        return -1;
    }
    int32_t m = (int32_t)d;
    return float_make((uint16_t)m, first_nan, 0) == bits ? m : -1;
}

/* Interfaces: the two top bits of the number say what it holds. */
enum {
    iface_nil = 0x3fff, /* in the place of int64(0x3fff) */
    iface_string = 0x4000,
    iface_float = 0x8000,
    iface_pointer = 0xc000,
    iface_unhashable = 0xe000
};

typedef union box {
    int64_t i;
    uint64_t f; /* the bits of a float64 */
    stringStruct s;
} box;

static box boxes[2][iface_pointer];
static atomic_uchar box_slots[iface_pointer];
static uint64_t nan_boxes[65536]; /* by payload */
static atomic_uchar nan_slots[65536];
static uintptr_t slice_boxes[2][3]; /* two nil slices */

static void *fake_pointer(uint64_t n)
{
    uintptr_t address = 0x10000 + 16 * (uintptr_t)n;
    void *p;
    memcpy(&p, &address, sizeof p);
    return p;
}

static box box_content(uint16_t n, uint32_t copy)
{
    box b;
    memset(&b, 0, sizeof b);
    if (n < iface_string) {
        b.i = n;
    } else if (n < iface_float) {
        b.s = string_make(n & 0x3fff, copy);
    } else {
        b.f = float_make(n & 0x3fff, iface_float_nan, 0);
    }
    return b;
}

static eface iface_make(uint16_t n, uint32_t variant)
{
    if (n == iface_nil) {
        return (eface){NULL, NULL};
    }
    if (n >= iface_unhashable) {
        const rtype *t = &unhashable_types[n & 3];
        return (eface){t, t->directIface ? NULL : slice_boxes[variant & 1]};
    }
    if (n >= iface_pointer) {
        return (eface){&key_types[key_pointer], fake_pointer(n & 0x1fff)};
    }
    if (n >= iface_float + iface_float_nan) {
        uint16_t payload = (uint16_t)(variant & 0xffff);
        if (slot_claim(&nan_slots[payload])) {
            nan_boxes[payload] = FLOAT_NAN | payload;
            slot_done(&nan_slots[payload]);
        }
        return (eface){&key_types[key_float64], &nan_boxes[payload]};
    }
    if (slot_claim(&box_slots[n])) {
        boxes[0][n] = box_content(n, 0);
        boxes[1][n] = box_content(n, 1);
        slot_done(&box_slots[n]);
    }
    const rtype *t = n >= iface_float    ? &key_types[key_float64]
                     : n >= iface_string ? &key_types[key_string]
                                         : &key_types[key_int64];
    return (eface){t, &boxes[variant & 1][n]};
}

/* The number of a boxed value, or -1. */
static int32_t box_number(eface e, uint32_t *payload)
{
    ptrdiff_t at = item_at(e.data, nan_boxes, sizeof nan_boxes[0], 65536);
    if (at >= 0) {
        *payload = (uint32_t)at;
        bool sound = atomic_load_explicit(&nan_slots[at], memory_order_acquire) == slot_ready &&
                     nan_boxes[at] == (FLOAT_NAN | (uint64_t)at);
        return sound ? iface_float + iface_float_nan : -1;
    }
    at = item_at(e.data, boxes, sizeof(box), 2 * (size_t)iface_pointer);
    if (at < 0) {
        return -1;
    }
    uint16_t n = (uint16_t)(at % iface_pointer);
    if (atomic_load_explicit(&box_slots[n], memory_order_acquire) != slot_ready) {
        return -1;
    }
    const box *b = &boxes[at / iface_pointer][n];
    int32_t m;
    if (n < iface_string) {
        m = b->i == n ? n : -1;
    } else if (n < iface_float) {
        m = string_number(b->s) == (n & 0x3fff) ? n : -1;
    } else {
        m = float_make(n & 0x3fff, iface_float_nan, 0) == b->f ? n : -1;
    }
    return m;
}

/* The number of an interface, one of them where several mean the same, or -1. */
static int32_t iface_number(eface e, uint32_t *payload)
{
    if (e._type == NULL) {
        return e.data == NULL ? iface_nil : -1;
    }
    for (uint16_t i = 0; i < 4; i++) {
        uint16_t n = (uint16_t)(iface_unhashable + i);
        if (e._type == &unhashable_types[i]) {
            return e.data == iface_make(n, 0).data || e.data == iface_make(n, 1).data ? n : -1;
        }
    }
    if (e._type == &key_types[key_pointer]) {
        uintptr_t address = (uintptr_t)e.data;
        if (address < 0x10000 || address % 16 != 0 || (address - 0x10000) / 16 >= 0x2000) {
            return -1;
        }
        return iface_pointer + (int32_t)((address - 0x10000) / 16);
    }
    int32_t n = box_number(e, payload);
    if (n < 0 || iface_make((uint16_t)n, *payload)._type != e._type) {
        return -1;
    }
    return n;
}

/* A mixed key is made around its interface, which decides what it equals: the
 * other fields follow from the number of that.  Each field is the same in some keys
 * next to one another, so that equality has to look at all of them. */
static uint16_t mixed_number(uint16_t n)
{
    key_facts f = key_facts_of(key_iface, n);
    return f.nan || f.unhashable ? 0 : (uint16_t)f.id;
}

static intptr_t mixed_int(uint16_t m)
{
    return -(intptr_t)(m / 4);
}

static void *mixed_pointer(uint16_t m)
{
    return fake_pointer(m / 16);
}

static void mixed_make(uint16_t n, uint32_t variant, unsigned char *out)
{
    const uint16_t m = mixed_number(n);
    const intptr_t b = mixed_int(m);
    const stringStruct d[mixed_strings] = {string_make(m / 64, variant), string_make(m, variant >> 1)};
    const eface e = iface_make(n, variant);
    memset(out, 0, mixed_b);
    out[0] = m & 1;
    memcpy(out + mixed_b, &b, sizeof b);
    gm_storep(out + mixed_c, mixed_pointer(m));
    memcpy(out + mixed_d, d, sizeof d);
    memset(out + mixed_blank, (int)(1 + variant % 255), mixed_blank_size);
    memcpy(out + mixed_e, &e, sizeof e);
}

/* Its fields but the blank one. */
typedef struct mixed {
    unsigned char a;
    intptr_t b;
    void *c;
    stringStruct d[mixed_strings];
    eface e;
} mixed;

static mixed mixed_fields_at(const unsigned char *p)
{
    mixed m = {.a = p[0], .c = gm_loadp(p + mixed_c)};
    memcpy(&m.b, p + mixed_b, sizeof m.b);
    memcpy(m.d, p + mixed_d, sizeof m.d);
    memcpy(&m.e, p + mixed_e, sizeof m.e);
    return m;
}

/* The number of a mixed key, or -1. */
static int32_t mixed_read(const unsigned char *p, uint32_t *payload)
{
    const mixed f = mixed_fields_at(p);
    int32_t n = iface_number(f.e, payload);
    if (n < 0) {
        return -1;
    }
    const uint16_t m = mixed_number((uint16_t)n);
    for (size_t i = 1; i < mixed_blank_size; i++) {
        if (p[mixed_blank + i] != p[mixed_blank]) {
            return -1;
        }
    }
    for (size_t i = 1; i < mixed_b; i++) {
        if (p[i] != 0) {
            return -1;
        }
    }
    bool sound = f.a == (m & 1) && f.b == mixed_int(m) && f.c == mixed_pointer(m) &&
                 string_number(f.d[0]) == m / 64 && string_number(f.d[1]) == m;
    return sound ? n : -1;
}

/* ---- keys -------------------------------------------------------------- */

key_facts key_facts_of(key_kind k, uint16_t n)
{
    key_facts f = {.id = n, .nan = false, .unhashable = false, .n = n};
    switch (k) {
    case key_int8:
        f.id = n & 0xff;
        break;
    case key_zero:
        f.id = 0;
        break;
    case key_float64:
    case key_complex128:
    case key_float32:
    case key_complex64:
        f.nan = n >= float_nan;
        if (n == 1 || f.nan) {
            f.id = 0;
        }
        break;
    case key_iface:
    case key_mixed:
        f.nan = n >= iface_float + iface_float_nan && n < iface_pointer;
        f.unhashable = n >= iface_unhashable;
        if (f.nan) {
            f.id = 0;
        } else if (f.unhashable) {
            f.id = iface_unhashable + (n & 3u);
        } else if (n == iface_float + 1) {
            f.id = iface_float;
        }
        break;
    case key_int64:
    case key_int16:
    case key_int32:
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000:
    case key_string:
    case key_padded:
    case key_pointer:
    case key_kinds:
        break;
    }
    return f;
}

bool key_may_be_nan(key_kind k)
{
    return k == key_float32 || k == key_float64 || k == key_complex64 || k == key_complex128 ||
           k == key_iface || k == key_mixed;
}

/* The number in every 16 bits of b: reading needs to look at one place only. */
static uint64_t padded_value(uint16_t n)
{
    return n * UINT64_C(0x0001000100010001);
}

void key_make(key_kind k, uint16_t n, uint32_t variant, void *out)
{
    switch (k) {
    case key_int64: {
        int64_t v = n;
        memcpy(out, &v, sizeof v);
        break;
    }
    case key_int8: {
        uint8_t v = (uint8_t)n;
        memcpy(out, &v, sizeof v);
        break;
    }
    case key_int16:
        memcpy(out, &n, sizeof n);
        break;
    case key_int32: {
        int32_t v = n;
        memcpy(out, &v, sizeof v);
        break;
    }
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000:
        bytes_fill(out, key_types[k].size, n, 2);
        break;
    case key_string: {
        stringStruct s = string_make(n, variant);
        memcpy(out, &s, sizeof s);
        break;
    }
    case key_float64: {
        uint64_t v = float_make(n, float_nan, variant);
        memcpy(out, &v, sizeof v);
        break;
    }
    case key_complex128: {
        uint64_t v[2] = {float_make(n, float_nan, variant), FLOAT_ONE};
        if (n >= float_nan && (n & 1) != 0) { /* NaN in the other part */
            v[1] = v[0];
            v[0] = FLOAT_ONE;
        }
        memcpy(out, v, sizeof v);
        break;
    }
    case key_iface: {
        eface e = iface_make(n, variant);
        memcpy(out, &e, sizeof e);
        break;
    }
    case key_padded: {
        unsigned char *b = out;
        uint64_t v = padded_value(n);
        b[0] = (unsigned char)n;
        for (uint32_t i = 1; i < padded_b; i++) { /* never 0, what a fresh slot has */
            b[i] = (unsigned char)(1 + (variant % 255 + i) % 255);
        }
        memcpy(b + padded_b, &v, sizeof v);
        break;
    }
    case key_pointer:
        gm_storep(out, fake_pointer(n));
        break;
    case key_float32: {
        uint32_t v = float32_make(n, variant);
        memcpy(out, &v, sizeof v);
        break;
    }
    case key_complex64: {
        uint32_t v[2] = {float32_make(n, variant), FLOAT32_ONE};
        if (n >= float_nan && (n & 1) != 0) {
            v[1] = v[0];
            v[0] = FLOAT32_ONE;
        }
        memcpy(out, v, sizeof v);
        break;
    }
    case key_mixed:
        mixed_make(n, variant, out);
        break;
    case key_zero:
    case key_kinds:
        break;
    }
}

/* A number that stands for the value at p, or -1. */
static int32_t key_number(key_kind k, const void *p, uint32_t *payload)
{
    switch (k) {
    case key_int64: {
        int64_t v;
        memcpy(&v, p, sizeof v);
        return v >= 0 && v < key_numbers ? (int32_t)v : -1;
    }
    case key_int8: {
        uint8_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    case key_int16: {
        uint16_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    case key_int32: {
        int32_t v;
        memcpy(&v, p, sizeof v);
        return v >= 0 && v < key_numbers ? v : -1;
    }
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000: {
        const unsigned char *b = p;
        uint16_t n = (uint16_t)(b[0] | b[1] << 8);
        return bytes_same(p, key_types[k].size, n, 2) ? n : -1;
    }
    case key_zero:
        return 0;
    case key_string: {
        stringStruct s;
        memcpy(&s, p, sizeof s);
        return string_number(s);
    }
    case key_float64: {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        return float_number(v, float_nan, payload);
    }
    case key_complex128: {
        uint64_t v[2];
        memcpy(v, p, sizeof v);
        if (v[1] == FLOAT_ONE) {
            return float_number(v[0], float_nan, payload);
        }
        int32_t n = v[0] == FLOAT_ONE ? float_number(v[1], float_nan, payload) : -1;
        return n == float_nan ? n + 1 : -1; /* odd, as in key_make */
    }
    case key_iface: {
        eface e;
        memcpy(&e, p, sizeof e);
        return iface_number(e, payload);
    }
    case key_padded: {
        const unsigned char *b = p;
        uint64_t v;
        memcpy(&v, b + padded_b, sizeof v);
        uint16_t n = (uint16_t)(v & 0xffff);
        return v == padded_value(n) && b[0] == (n & 0xff) ? n : -1;
    }
    case key_pointer: {
        uintptr_t address = (uintptr_t)gm_loadp(p);
        if (address < 0x10000 || address % 16 != 0 || (address - 0x10000) / 16 >= key_numbers) {
            return -1;
        }
        return (int32_t)((address - 0x10000) / 16);
    }
    case key_float32: {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        return float32_number(v, payload);
    }
    case key_complex64: {
        uint32_t v[2];
        memcpy(v, p, sizeof v);
        if (v[1] == FLOAT32_ONE) {
            return float32_number(v[0], payload);
        }
        int32_t n = v[0] == FLOAT32_ONE ? float32_number(v[1], payload) : -1;
        return n == float_nan ? n + 1 : -1;
    }
    case key_mixed:
        return mixed_read(p, payload);
    case key_kinds:
        break;
    }
    return -1;
}

bool key_read(key_kind k, const void *p, key_facts *facts, uint32_t *payload)
{
    *payload = 0;
    int32_t n = key_number(k, p, payload);
    if (n < 0) {
        return false;
    }
    *facts = key_facts_of(k, (uint16_t)n);
    return true;
}

/* An address as the number of the item that it is; nil is 0, nothing known all ones. */
static uint64_t place(const void *p, const void *base, size_t size, size_t count, uint64_t first)
{
    ptrdiff_t at = item_at(p, base, size, count);
    return p == NULL ? 0 : at < 0 ? UINT64_MAX : first + (uint64_t)at;
}

static void iface_words(eface e, uint64_t w[2])
{
    static const key_kind boxed[] = {key_int64, key_string, key_float64};
    w[1] = (uintptr_t)e.data;
    if (e._type == NULL) {
        w[0] = 0;
        w[1] = e.data == NULL ? 0 : UINT64_MAX;
        return;
    }
    if (e._type == &key_types[key_pointer]) {
        w[0] = 4;
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (e._type == &key_types[boxed[i]]) {
            w[0] = 1 + i;
            w[1] = place(e.data, nan_boxes, sizeof nan_boxes[0], 65536, UINT64_C(1) << 32);
            if (w[1] == UINT64_MAX) {
                w[1] = place(e.data, boxes, sizeof(box), 2 * (size_t)iface_pointer, 1);
            }
            return;
        }
    }
    w[0] = 5; /* unhashable: never in a map */
    w[1] = 0;
}

static void string_words(stringStruct s, uint64_t w[2])
{
    w[0] = place(s.str, string_bytes, string_max, 2 * (size_t)key_numbers, 1);
    w[1] = (uint64_t)(int64_t)s.len;
}

static void mixed_words(const unsigned char *p, uint64_t w[key_max_words])
{
    const mixed f = mixed_fields_at(p);
    w[0] = f.a;
    w[1] = (uint64_t)(int64_t)f.b;
    w[2] = (uintptr_t)f.c;
    string_words(f.d[0], w + 3);
    string_words(f.d[1], w + 5);
    w[7] = 0;
    for (unsigned i = 0; i < 8; i++) {
        w[7] |= (uint64_t)p[mixed_blank + i] << 8 * i;
    }
    iface_words(f.e, w + 8);
}

unsigned key_words(key_kind k, const void *p, uint64_t w[key_max_words])
{
    if (k == key_string) {
        stringStruct s;
        memcpy(&s, p, sizeof s);
        string_words(s, w);
        return 2;
    }
    if (k == key_iface) {
        eface e;
        memcpy(&e, p, sizeof e);
        iface_words(e, w);
        return 2;
    }
    if (k == key_mixed) {
        mixed_words(p, w);
        return key_max_words;
    }
    return 0;
}

bool key_same(key_kind k, const void *p, uint16_t n, uint32_t variant)
{
    size_t size = key_types[k].size;
    if (key_types[k].kind == kindArray) {
        return bytes_same(p, size, n, 2);
    }
    unsigned char want[mixed_size];
    key_make(k, n, variant, want);
    return gm_same_bytes(p, want, size);
}

/* ---- elems ------------------------------------------------------------- */

/* Distinct and never NULL, for the first 2^28 stamps even on 32-bit. */
static void *elem_pointer_of(uint64_t stamp)
{
    uintptr_t address = (0x10000 + 16 * (uintptr_t)stamp) | 8;
    void *p;
    memcpy(&p, &address, sizeof p);
    return p;
}

void elem_make(elem_kind e, uint64_t stamp, void *out)
{
    if (e == elem_pointer) {
        gm_storep(out, elem_pointer_of(stamp));
    } else if (e == elem_int64) { /* a number, so that it reads the same whatever the byte order */
        memcpy(out, &stamp, sizeof stamp);
    } else {
        bytes_fill(out, elem_types[e].size, stamp, 8);
    }
}

bool elem_same(elem_kind e, const void *p, uint64_t stamp)
{
    if (e == elem_pointer) {
        return gm_loadp(p) == elem_pointer_of(stamp);
    }
    if (e == elem_int64) {
        return gm_same_bytes(p, &stamp, sizeof stamp);
    }
    return bytes_same(p, elem_types[e].size, stamp, 8);
}

bool elem_is_zero(elem_kind e, const void *p)
{
    const unsigned char *b = p;
    unsigned any = 0;
    for (size_t i = 0; i < elem_types[e].size; i++) {
        any |= b[i];
    }
    return any == 0;
}

/* ---- hashers ----------------------------------------------------------- */

enum { top_shift = 8 * PtrSize - 8 };

static uintptr_t with_top(uintptr_t hash, uintptr_t top)
{
    return (hash & (UINTPTR_MAX >> 8)) | top << top_shift;
}

/* A number's id under a seed, spread over the word: what the shaped hashers
 * start from.  Fibonacci hashing; the cost does not depend on the key's size. */
GM_WRAPS static uintptr_t spread(uint64_t id, uintptr_t seed)
{
    uint64_t x = (id ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (uintptr_t)((x ^ x >> 32) & UINTPTR_MAX);
}

/* The number of the key at p, from its first bytes where it is long: all that a
 * hasher meets besides keys is a wiped slot, and that shows there. */
static int32_t number_to_hash(key_kind k, const void *p, uint32_t *payload)
{
    enum { enough = 16 };
    if (key_types[k].kind == kindArray) {
        const unsigned char *b = p;
        uint16_t n = (uint16_t)(b[0] | b[1] << 8);
        return bytes_same(p, enough, n, 2) ? n : -1;
    }
    return key_number(k, p, payload);
}

/* Every rule in one place.  Draws from the generator happen in typehash (one
 * fastrand for a NaN) and in the case of hash_random below, nowhere else. */
static uintptr_t ruled_hash(hash_kind rule, const rtype *key, const void *p, uintptr_t seed)
{
    const key_kind k = (key_kind)(key - key_types);
    uint32_t payload = 0;
    const int32_t n = number_to_hash(k, p, &payload);
    if (n < 0) {
        return typehash(key, p, seed); /* a wiped slot: ERRATA.md#E3 lets an iterator read one */
    }
    key_facts f = {.id = (uint64_t)n};
    if (key_may_be_nan(k)) {
        f = key_facts_of(k, (uint16_t)n);
    }
    if (f.unhashable) {
        return typehash(key, p, seed); /* which panics */
    }

    uint64_t id = f.nan ? payload : f.id;
    bool shaped = rule == hash_lowbits || rule == hash_tophash || rule == hash_mintop;
    uintptr_t base = 0;
    if (shaped) {
        base = f.nan ? typehash(key, p, seed) : spread(id, seed);
    }
    switch (rule) {
    case hash_identity:
        return f.nan ? typehash(key, p, seed) : (uintptr_t)id;
    case hash_constant:
        return f.nan ? typehash(key, p, seed) : 0;
    case hash_lowbits:
        return (base & ~(uintptr_t)0xff) | (uintptr_t)(id & 1);
    case hash_tophash:
        return with_top(base, 0x80);
    case hash_mintop:
        return with_top(base, (uintptr_t)(id % 5));
    case hash_random:
        if (f.nan) {
            return PtrSize == 8 ? (uintptr_t)fastrand64() : fastrand();
        }
        break;
    case hash_real:
    case hash_aes:
    case hash_kinds:
        break;
    }
    return typehash(key, p, seed);
}

static uintptr_t identity_hash(const rtype *key, const void *p, uintptr_t seed)
{
    return ruled_hash(hash_identity, key, p, seed);
}

static uintptr_t constant_hash(const rtype *key, const void *p, uintptr_t seed)
{
    return ruled_hash(hash_constant, key, p, seed);
}

static uintptr_t lowbits_hash(const rtype *key, const void *p, uintptr_t seed)
{
    return ruled_hash(hash_lowbits, key, p, seed);
}

static uintptr_t tophash_hash(const rtype *key, const void *p, uintptr_t seed)
{
    return ruled_hash(hash_tophash, key, p, seed);
}

static uintptr_t mintop_hash(const rtype *key, const void *p, uintptr_t seed)
{
    return ruled_hash(hash_mintop, key, p, seed);
}

static uintptr_t random_hash(const rtype *key, const void *p, uintptr_t seed)
{
    return ruled_hash(hash_random, key, p, seed);
}

void kinds_maptype(maptype *t, key_kind k, elem_kind e, hash_kind h, gm_mode mode)
{
    static uintptr_t (*const hashers[hash_kinds])(const rtype *, const void *, uintptr_t) = {
        [hash_identity] = identity_hash, [hash_constant] = constant_hash, [hash_lowbits] = lowbits_hash,
        [hash_tophash] = tophash_hash,   [hash_mintop] = mintop_hash,     [hash_random] = random_hash,
    };
    MapOf(t, key_type(k), elem_type(e), mode);
    if (hashers[h] != NULL) { /* hash_real and hash_aes keep MapOf's own */
        t->hasher = hashers[h];
    }
    if (h == hash_aes && !useAeshash) {
        initAlgAES(0);
    } else if (h != hash_aes && useAeshash) {
        alginit(0);
    }
}

/* ---- names ------------------------------------------------------------- */

int key_by_name(key_kind k, const char *name, size_t len)
{
    static const struct {
        const char *name;
        int wide, narrow, iface; /* the number of a float of 64 or 32 bits; of an interface */
    } names[] = {
        {"nan", float_nan, float_nan, iface_float + iface_float_nan},
        {"-0", 1, 1, iface_float + 1},
        {"inf", 2, -1, iface_float + 2},
        {"-inf", -1, 2, -1},
        {"slice", -1, -1, iface_unhashable},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) != len || memcmp(names[i].name, name, len) != 0) {
            continue;
        }
        if (k == key_iface || k == key_mixed) {
            return names[i].iface;
        }
        if (k == key_float32 || k == key_complex64) {
            return names[i].narrow;
        }
        return k == key_float64 || k == key_complex128 ? names[i].wide : -1;
    }
    return -1;
}

static void float_name(uint16_t m, uint16_t first_nan, bool wide, char *out, size_t cap)
{
    const char *const special[] = {"0", "-0", wide ? "+Inf" : "-Inf", wide ? "5e-324" : "1e-45"};
    if (m >= first_nan) {
        snprintf(out, cap, "NaN");
    } else if (m < 4) {
        snprintf(out, cap, "%s", special[m]);
    } else {
        snprintf(out, cap, "%u", (unsigned)m);
    }
}

static void string_name(uint16_t n, char *out, size_t cap)
{
    if (n == 0) {
        snprintf(out, cap, "\"\"");
    } else {
        snprintf(out, cap, "\"k%u\"", (unsigned)n);
    }
}

static void iface_name(uint16_t n, char *out, size_t cap)
{
    if (n == iface_nil) {
        snprintf(out, cap, "nil");
    } else if (n < iface_string) {
        snprintf(out, cap, "int64(%u)", (unsigned)n);
    } else if (n < iface_float) {
        string_name(n & 0x3fff, out, cap);
    } else if (n < iface_pointer) {
        char number[16];
        float_name(n & 0x3fff, iface_float_nan, true, number, sizeof number);
        snprintf(out, cap, "float64(%s)", number);
    } else if (n < iface_unhashable) {
        snprintf(out, cap, "pointer(0x%x)", 0x10000u + 16u * (n & 0x1fffu));
    } else {
        snprintf(out, cap, "%s", unhashable_types[n & 3].name);
    }
}

void key_name(key_kind k, uint16_t n, char *out, size_t cap)
{
    char number[16], dynamic[32];
    switch (k) {
    case key_int64:
    case key_int32:
        snprintf(out, cap, "%u", (unsigned)n);
        break;
    case key_int8:
        snprintf(out, cap, "%d", (n & 0xff) < 0x80 ? n & 0xff : (n & 0xff) - 0x100);
        break;
    case key_int16:
        snprintf(out, cap, "%d", n < 0x8000 ? n : n - 0x10000);
        break;
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000:
        snprintf(out, cap, "bytes(%u)", (unsigned)n);
        break;
    case key_string:
        string_name(n, out, cap);
        break;
    case key_float64:
    case key_float32:
        float_name(n, float_nan, k == key_float64, out, cap);
        break;
    case key_complex128:
    case key_complex64:
        float_name(n, float_nan, k == key_complex128, number, sizeof number);
        if (n >= float_nan && (n & 1) != 0) {
            snprintf(out, cap, "(1+NaNi)");
        } else {
            snprintf(out, cap, "(%s+1i)", number);
        }
        break;
    case key_iface:
        iface_name(n, out, cap);
        break;
    case key_mixed: /* what cannot be hashed is called as the panic calls it */
        iface_name(n, dynamic, sizeof dynamic);
        snprintf(out, cap, n >= iface_unhashable ? "%s" : "{.. %s}", dynamic);
        break;
    case key_padded:
        snprintf(out, cap, "{%u 0x%" PRIx64 "}", n & 0xffu, padded_value(n));
        break;
    case key_pointer:
        snprintf(out, cap, "0x%x", 0x10000u + 16u * n);
        break;
    case key_zero:
    case key_kinds:
        snprintf(out, cap, "{}");
        break;
    }
}
