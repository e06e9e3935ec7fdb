/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_wire.c: keys and elems as words; see conform_wire.h.
 *
 * A key that is read is a number of fuzz/FORMAT.md again: the word says which,
 * and is then compared with the word of that number.
 */
#include "conform_wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    iface_nil = 0x3fff,
    iface_string = 0x4000,
    iface_float = 0x8000,
    iface_nan = 0xb000,
    iface_pointer = 0xc000,
    iface_unhashable = 0xe000,
    float_nan = 0xc000
};

bool wire_number(const char *word, int64_t *v)
{
    char *end;
    if (*word != '-' && (*word < '0' || *word > '9')) {
        return false;
    }
    errno = 0;
    long long n = strtoll(word, &end, 10);
    *v = n;
    return *end == '\0' && end != word && errno == 0 && strlen(word) < 24;
}

/* ---- writing -------------------------------------------------------------- */

static void put_bytes(const void *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = p;
    *out++ = 'x';
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[b[i] >> 4];
        *out++ = digits[b[i] & 15];
    }
    *out = '\0';
}

static void put_pointer(const void *p, char *out)
{
    snprintf(out, wire_room, "p%" PRIxPTR, (uintptr_t)gm_loadp(p));
}

static uint64_t word_at(const void *p, size_t i)
{
    uint64_t v;
    memcpy(&v, (const char *)p + 8 * i, sizeof v);
    return v;
}

static void put_iface(const void *p, char *out)
{
    key_facts f;
    uint32_t payload;
    unsigned char value[16];
    if (!key_read(key_iface, p, &f, &payload)) {
        snprintf(out, wire_room, "?");
    } else if (f.n == iface_nil) {
        snprintf(out, wire_room, "n");
    } else if (f.n < iface_string) {
        snprintf(out, wire_room, "i%u", (unsigned)f.n);
    } else if (f.n < iface_float) {
        key_make(key_string, f.n & 0x3fff, 0, value);
        wire_put_key(key_string, value, out);
    } else if (f.n < iface_pointer) {
        uint16_t m = f.n & 0x3fff;
        key_make(key_float64, f.n >= iface_nan ? float_nan : m, payload, value);
        wire_put_key(key_float64, value, out);
    } else if (f.n < iface_unhashable) {
        key_make(key_pointer, f.n & 0x1fff, 0, value);
        put_pointer(value, out);
    } else {
        snprintf(out, wire_room, "u%u", f.n & 3U);
    }
}

void wire_put_key(key_kind k, const void *p, char out[wire_room])
{
    const unsigned char *b = p;
    int16_t v16;
    int32_t v32;
    stringStruct s;
    switch (k) {
    case key_int64:
        snprintf(out, wire_room, "i%" PRId64, (int64_t)word_at(p, 0));
        break;
    case key_int8:
        snprintf(out, wire_room, "i%d", b[0] < 0x80 ? b[0] : b[0] - 0x100);
        break;
    case key_int16:
        memcpy(&v16, p, sizeof v16);
        snprintf(out, wire_room, "i%d", v16);
        break;
    case key_int32:
        memcpy(&v32, p, sizeof v32);
        snprintf(out, wire_room, "i%" PRId32, v32);
        break;
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000:
        put_bytes(p, key_type(k)->size, out);
        break;
    case key_string:
        memcpy(&s, p, sizeof s);
        put_bytes(s.str, (size_t)s.len, out);
        break;
    case key_float64:
        snprintf(out, wire_room, "f%016" PRIx64, word_at(p, 0));
        break;
    case key_complex128:
        snprintf(out, wire_room, "c%016" PRIx64 ",%016" PRIx64, word_at(p, 0), word_at(p, 1));
        break;
    case key_iface:
        put_iface(p, out);
        break;
    case key_padded:
        snprintf(out, wire_room, "s%u,%" PRIu64 ",%u", (unsigned)b[0], word_at(b + PtrSize, 0),
                 (unsigned)b[1]);
        break;
    case key_pointer:
        put_pointer(p, out);
        break;
    case key_zero:
    case key_float32: /* never: wire_key_kinds */
    case key_complex64:
    case key_mixed:
    case key_kinds:
        snprintf(out, wire_room, "z");
        break;
    }
}

void wire_put_elem(elem_kind e, const void *p, char out[wire_room])
{
    const unsigned char *b = p;
    switch (e) {
    case elem_int64:
        snprintf(out, wire_room, "i%" PRId64, (int64_t)word_at(p, 0));
        break;
    case elem_int8:
        snprintf(out, wire_room, "i%d", b[0] < 0x80 ? b[0] : b[0] - 0x100);
        break;
    case elem_bytes128:
    case elem_bytes129:
    case elem_bytes1025:
        put_bytes(p, elem_type(e)->size, out);
        break;
    case elem_pointer:
        put_pointer(p, out);
        break;
    case elem_zero:
    case elem_kinds:
        snprintf(out, wire_room, "z");
        break;
    }
}

/* ---- reading -------------------------------------------------------------- */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `x` and an even number of hex digits; how many bytes, or -1.  At most room of
 * them are stored. */
static long get_bytes(const char *word, unsigned char *out, size_t room)
{
    size_t n = 0;
    if (*word++ != 'x') {
        return -1;
    }
    for (; *word != '\0'; word += 2, n++) {
        int hi = digit(word[0]), lo = hi < 0 ? -1 : digit(word[1]);
        if (lo < 0) {
            return -1;
        }
        if (n < room) {
            out[n] = (unsigned char)(hi << 4 | lo);
        }
    }
    return (long)n;
}

/* Hex digits up to the given end. */
static bool get_hex(const char *word, size_t digits, char end, uint64_t *v)
{
    *v = 0;
    size_t i = 0;
    for (; i < digits && digit(word[i]) >= 0; i++) {
        *v = *v << 4 | (unsigned)digit(word[i]);
    }
    return i > 0 && word[i] == end;
}

static bool get_float(const char *word, char end, uint64_t *bits)
{
    return get_hex(word, 16, end, bits) && strlen(word) >= 16 && word[16] == end;
}

static wire_answer number_of_pointer(const char *word, uint16_t *n)
{
    uint64_t v;
    if (word[0] != 'p' || !get_hex(word + 1, 16, '\0', &v)) {
        return wire_unreadable;
    }
    *n = (uint16_t)((v - 0x10000) / 16);
    return wire_ok;
}

static wire_answer number_of_bytes(const char *word, uint16_t *n)
{
    unsigned char b[2] = {0, 0};
    long size = get_bytes(word, b, sizeof b);
    *n = (uint16_t)(b[0] | b[1] << 8);
    return size < 0 ? wire_unreadable : size == 1 ? wire_strange : wire_ok;
}

static wire_answer number_of_integer(const char *word, uint16_t *n)
{
    int64_t v;
    if (word[0] != 'i' || !wire_number(word + 1, &v)) {
        return wire_unreadable;
    }
    *n = (uint16_t)v;
    return wire_ok;
}

static wire_answer number_of_float(const char *word, uint16_t *n, uint32_t *variant)
{
    uint64_t bits;
    key_facts f;
    if (word[0] != 'f' || !get_float(word + 1, '\0', &bits)) {
        return wire_unreadable;
    }
    if (!key_read(key_float64, &bits, &f, variant)) {
        return wire_strange;
    }
    *n = f.n;
    return wire_ok;
}

static wire_answer number_of_iface(const char *word, uint16_t *n, uint32_t *variant)
{
    wire_answer a;
    uint32_t payload;
    switch (word[0]) {
    case 'n':
        *n = iface_nil;
        return word[1] == '\0' ? wire_ok : wire_unreadable;
    case 'i':
        return number_of_integer(word, n);
    case 'x':
        a = number_of_bytes(word, n);
        *n = (uint16_t)(iface_string + (*n & 0x3fff));
        return a;
    case 'f':
        a = number_of_float(word, n, &payload);
        if (a == wire_ok && *n == float_nan) {
            *variant = payload;
            *n = iface_nan;
        } else {
            *n = (uint16_t)(iface_float + (*n & 0x3fff));
        }
        return a;
    case 'p':
        a = number_of_pointer(word, n);
        *n = (uint16_t)(iface_pointer + (*n & 0x1fff));
        return a;
    case 'u':
        if (digit(word[1]) < 0 || digit(word[1]) > 3 || word[2] != '\0') {
            return wire_unreadable;
        }
        *n = (uint16_t)(iface_unhashable + digit(word[1]));
        return wire_ok;
    default:
        return wire_unreadable;
    }
}

static wire_answer number_of_padded(const char *word, uint16_t *n, uint32_t *variant)
{
    unsigned long long a, b, padding = 0;
    char *end;
    if (word[0] != 's' || digit(word[1]) < 0) {
        return wire_unreadable;
    }
    a = strtoull(word + 1, &end, 10);
    if (*end != ',' || digit(end[1]) < 0) {
        return wire_unreadable;
    }
    b = strtoull(end + 1, &end, 10);
    if (*end == ',' && digit(end[1]) >= 0) {
        padding = strtoull(end + 1, &end, 10);
        *variant = (uint32_t)((padding + 253) % 255);
    }
    if (*end != '\0') {
        return wire_unreadable;
    }
    *n = (uint16_t)b;
    return a == (b & 0xff) && padding < 256 ? wire_ok : wire_strange;
}

static wire_answer number_of(key_kind k, const char *word, uint16_t *n, uint32_t *variant)
{
    key_facts f;
    uint64_t bits[2];
    switch (k) {
    case key_int64:
    case key_int8:
    case key_int16:
    case key_int32:
        return number_of_integer(word, n);
    case key_bytes16:
    case key_bytes127:
    case key_bytes128:
    case key_bytes129:
    case key_bytes1000:
    case key_string:
        return number_of_bytes(word, n);
    case key_float64:
        return number_of_float(word, n, variant);
    case key_complex128:
        if (word[0] != 'c' || !get_float(word + 1, ',', &bits[0]) || !get_float(word + 18, '\0', &bits[1])) {
            return wire_unreadable;
        }
        if (!key_read(k, bits, &f, variant)) {
            return wire_strange;
        }
        *n = f.n;
        return wire_ok;
    case key_iface:
        return number_of_iface(word, n, variant);
    case key_padded:
        return number_of_padded(word, n, variant);
    case key_pointer:
        return number_of_pointer(word, n);
    case key_zero:
    case key_float32:
    case key_complex64:
    case key_mixed:
    case key_kinds:
        break;
    }
    *n = 0;
    return strcmp(word, "z") == 0 ? wire_ok : wire_unreadable;
}

wire_answer wire_get_key(key_kind k, const char *word, uint32_t copy, void *out)
{
    uint16_t n = 0;
    uint32_t variant = copy;
    wire_answer a = number_of(k, word, &n, &variant);
    if (a != wire_ok) {
        return a;
    }
    if (k == key_string && n == 0) {
        variant = 0; /* the empty string is the zero value, as dumps show it in stale slots */
    }
    key_make(k, n, variant, out);
    char again[wire_room];
    wire_put_key(k, out, again);
    size_t most = strlen(again);
    if (k == key_padded) { /* the padding need not be said */
        most = (size_t)(strrchr(again, ',') - again);
    }
    bool same = strncmp(again, word, most) == 0 && (k == key_padded || word[most] == '\0');
    return same ? wire_ok : wire_strange;
}

wire_answer wire_get_elem(elem_kind e, const char *word, void *out)
{
    size_t size = elem_type(e)->size;
    int64_t v;
    uint64_t address;
    long n;
    switch (e) {
    case elem_int64:
    case elem_int8:
        if (word[0] != 'i' || !wire_number(word + 1, &v)) {
            return wire_unreadable;
        }
        if (e == elem_int64) {
            memcpy(out, &v, sizeof v);
        } else {
            *(unsigned char *)out = (unsigned char)v;
        }
        return e == elem_int8 && (v < -128 || v > 127) ? wire_strange : wire_ok;
    case elem_bytes128:
    case elem_bytes129:
    case elem_bytes1025:
        n = get_bytes(word, out, size);
        return n < 0 ? wire_unreadable : (size_t)n != size ? wire_strange : wire_ok;
    case elem_pointer:
        if (word[0] != 'p' || !get_hex(word + 1, 16, '\0', &address)) {
            return wire_unreadable;
        }
        uintptr_t narrow = (uintptr_t)address;
        memcpy(out, &narrow, sizeof narrow);
        return narrow == address ? wire_ok : wire_strange;
    case elem_zero:
    case elem_kinds:
        break;
    }
    return strcmp(word, "z") == 0 ? wire_ok : wire_unreadable;
}
