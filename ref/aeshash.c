/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aeshash.c: the memory hash that go1.19 uses on x86 CPUs with AES.
 *
 * asm_amd64.s on 64-bit machines and asm_386.s on 32-bit ones, which differ in
 * more than the width of a word.  Other CPUs' assembler (asm_arm64.s) hashes in
 * yet another way and is not ported.  No AES instruction is needed here: one
 * round is a table and a few xors, slow and plain.  Off unless useAeshash is
 * set (initAlgAES): the fallback is every machine's.
 *
 * A register is an array of bytes, words go into it with the lowest byte first,
 * and keys byte by byte, so the answer does not depend on the machine.
 *
 * The assembler loads 16 bytes even of a shorter key, by two tricks (a mask, or
 * near the end of a page a shuffle) that never fault; C may not look outside of
 * an object, so the bytes of the key are copied and the rest are zeros, which is
 * what both tricks give.
 */
#include "aeshash.h"

#include "alg.h"

/* Registers that work side by side on a long key, each from a seed of its own:
 * 8 on amd64, 4 on 386. */
enum { lanes = hashRandomBytes / sizeof(gm_xmm) };

/* FIPS 197, figure 7: the inverse in GF(2^8), then an affine map. */
static const unsigned char sbox[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};

/* Twice a in GF(2^8), reduced by x^8 + x^4 + x^3 + x + 1. */
static unsigned char xtime(unsigned char a)
{
    return (unsigned char)((a << 1 & 0xff) ^ (a & 0x80 ? 0x1b : 0));
}

/* FIPS 197, 5.1: ShiftRows and SubBytes (which commute), MixColumns, AddRoundKey.
 * Byte 4c+r is row r of column c.  MixColumns turns the column (a, b, c, d) into
 * 2a+3b+c+d and so on in circle, that is a + (a+b+c+d) + 2(a+b). */
gm_xmm gm_aesenc(gm_xmm state, gm_xmm key)
{
    gm_xmm out;
    for (unsigned c = 0; c < 4; c++) {
        unsigned char column[4], sum = 0;
        for (unsigned r = 0; r < 4; r++) {
            column[r] = sbox[state.b[4 * ((c + r) % 4) + r]];
            sum ^= column[r];
        }
        for (unsigned r = 0; r < 4; r++) {
            unsigned char two = xtime(column[r] ^ column[(r + 1) % 4]);
            out.b[4 * c + r] = column[r] ^ sum ^ two ^ key.b[4 * c + r];
        }
    }
    return out;
}

/* AESENC with both operands the same register: what the assembler stirs with. */
static gm_xmm scramble(gm_xmm x)
{
    return gm_aesenc(x, x);
}

/* PXOR */
static gm_xmm pxor(gm_xmm x, gm_xmm y)
{
    for (unsigned i = 0; i < sizeof x.b; i++) {
        x.b[i] ^= y.b[i];
    }
    return x;
}

/* The n <= 16 bytes at p, then zeros; PAND with masks, PSHUFB with shifts, or
 * MOVOU where n is 16. */
static gm_xmm load(const unsigned char *p, uintptr_t n)
{
    gm_xmm x = {{0}};
    memcpy(x.b, p, n);
    return x;
}

/* Puts the low n bytes of word at byte i; MOVQ, MOVL, PINSRW. */
static void insert(gm_xmm *x, unsigned i, uintptr_t word, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        x->b[i + k] = (unsigned char)(word >> 8 * k);
    }
}

/* The low word of x: the hash. */
static uintptr_t low(gm_xmm x)
{
    uintptr_t h = 0;
    for (unsigned k = 0; k < PtrSize; k++) {
        h |= (uintptr_t)x.b[k] << 8 * k;
    }
    return h;
}

/* The i-th 16 bytes of the key of the process. */
static gm_xmm sched(unsigned i)
{
    return load(aeskeysched + sizeof(gm_xmm) * i, sizeof(gm_xmm));
}

/* Labels aes129plus of asm_amd64.s and aes65plus of asm_386.s, up to the last
 * scrambling: stirs all of a key longer than the lanes together into x, which
 * has the seed of each lane.
 * Invariant: reads exactly [p, p+s), s > 16*lanes.
 * Why does it start at the end?  The last block is whole wherever the key ends;
 * the loop from the front then need not reach further than the block before
 * it, and some bytes are taken twice. */
static void aeslong(gm_xmm x[lanes], const unsigned char *p, uintptr_t s)
{
    enum { size = sizeof(gm_xmm), stride = lanes * size };

    for (unsigned i = 0; i < lanes; i++) {
        gm_xmm last = load(p + s - stride + size * i, size);
        x[i] = PtrSize == 8 ? pxor(last, x[i]) : gm_aesenc(last, x[i]);
    }
    for (uintptr_t n = (s - 1) / stride; n > 0; n--) {
        for (unsigned i = 0; i < lanes; i++) {
            gm_xmm block = load(p + size * i, size);
            if (PtrSize == 8) {
                x[i] = gm_aesenc(scramble(x[i]), block);
            } else {
                x[i] = scramble(gm_aesenc(x[i], block));
            }
        }
        p += stride;
    }
}

/* asm_amd64.s:1128, asm_386.s:908.  Hash of the s bytes at p under seed h.
 * Invariant: reads exactly [p, p+s); p may be anything when s is 0.
 * Of the length only 16 bits take part, as there. */
static uintptr_t aeshashbody(const void *p, uintptr_t h, uintptr_t s)
{
    enum { size = sizeof(gm_xmm) };
    const unsigned char *at = p;
    gm_xmm x[lanes];
    gm_xmm unscrambled = {{0}};

    insert(&unscrambled, 0, h, PtrSize);
    for (unsigned i = 8; i < size; i += 2) {
        insert(&unscrambled, i, s, 2);
    }
    x[0] = scramble(pxor(unscrambled, sched(0)));

    if (s == 0) { /* aes0 */
        return low(scramble(x[0]));
    }
    if (s <= size) { /* aes0to15, aes16 */
        return low(scramble(scramble(scramble(pxor(load(at, s), x[0])))));
    }

    unsigned n = lanes;
    if (s <= 2 * size) {
        n = 2;
    } else if (s <= 4 * size) {
        n = 4;
    }
    for (unsigned i = 1; i < n; i++) {
        x[i] = scramble(pxor(unscrambled, sched(i)));
    }
    if (s <= n * size) { /* aes17to32, aes33to64, aes65to128: both ends, towards the middle */
        for (unsigned i = 0; i < n / 2; i++) {
            x[i] = pxor(x[i], load(at + size * i, size));
            x[n - 1 - i] = pxor(x[n - 1 - i], load(at + s - size * (i + 1), size));
        }
    } else {
        aeslong(x, at, s);
    }
    gm_xmm all = {{0}};
    for (unsigned i = 0; i < n; i++) {
        all = pxor(all, scramble(scramble(scramble(x[i]))));
    }
    return low(all);
}

/* The last three rounds of memhash32 and memhash64, keyed by aeskeysched. */
static uintptr_t aesrounds(gm_xmm x)
{
    for (unsigned i = 0; i < 3; i++) {
        x = gm_aesenc(x, sched(i));
    }
    return low(x);
}

/* asm_amd64.s:1102, asm_386.s:884.  Hash of the s bytes at p under seed h.
 * Invariant: reads exactly [p, p+s); p may be anything when s is 0. */
//= SPEC.md#S-HASH-15
//# An implementation MUST hash by one memory hash for as long as a map lives, but may choose that of
//# S-HASH-14, that by AES, or another: no language promise depends on it.
uintptr_t memhash(const void *p, uintptr_t h, uintptr_t s)
{
    if (!useAeshash) {
        return memhashFallback(p, h, s);
    }
    return aeshashbody(p, h, s);
}

/* asm_amd64.s:1113, asm_386.s:894.  Hash of the bytes of the string at p.
 * Invariant: only length and bytes count, not where they lie. */
uintptr_t strhash(const void *p, uintptr_t h)
{
    if (!useAeshash) {
        return strhashFallback(p, h);
    }
    stringStruct x;
    memcpy(&x, p, sizeof x);
    return aeshashbody(x.str, h, (uintptr_t)x.len);
}

/* asm_amd64.s:1462, asm_386.s:1104.  Hash of the 4 bytes at p under seed h: the
 * key stands right behind the seed. */
uintptr_t memhash32(const void *p, uintptr_t h)
{
    if (!useAeshash) {
        return memhash32Fallback(p, h);
    }
    gm_xmm x = {{0}};
    insert(&x, 0, h, PtrSize);
    memcpy(x.b + PtrSize, p, 4);
    return aesrounds(x);
}

/* asm_amd64.s:1479, asm_386.s:1118.  Hash of the 8 bytes at p under seed h: the
 * seed stands first on amd64, the key on 386. */
uintptr_t memhash64(const void *p, uintptr_t h)
{
    if (!useAeshash) {
        return memhash64Fallback(p, h);
    }
    enum { seedAt = PtrSize == 8 ? 0 : 8, keyAt = PtrSize == 8 ? 8 : 0 };
    gm_xmm x = {{0}};
    insert(&x, seedAt, h, PtrSize);
    memcpy(x.b + keyAt, p, 8);
    return aesrounds(x);
}
