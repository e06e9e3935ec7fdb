/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aeshash.c: the memory hash that go1.19 uses on x86 CPUs with AES.
 *
 * asm_amd64.s on 64-bit machines and asm_386.s on 32-bit ones, which differ in
 * more than the width of a word.  Other CPUs' assembler (asm_arm64.s) hashes in
 * yet another way and is not ported.  No AES instruction is needed here: one
 * round is a table and a few xors.  Off unless useAeshash is
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

/* What SubBytes and MixColumns make of each byte, as the first of a column: a
 * column, lowest byte first.  With s from FIPS 197, figure 7 (the inverse in
 * GF(2^8), then an affine map), it is 2s, s, s and 3s.  Of another byte of a column
 * they make the same, turned. */
static const uint32_t columns[256] = {
    0xa56363c6, 0x847c7cf8, 0x997777ee, 0x8d7b7bf6, 0x0df2f2ff, 0xbd6b6bd6, 0xb16f6fde, 0x54c5c591,
    0x50303060, 0x03010102, 0xa96767ce, 0x7d2b2b56, 0x19fefee7, 0x62d7d7b5, 0xe6abab4d, 0x9a7676ec,
    0x45caca8f, 0x9d82821f, 0x40c9c989, 0x877d7dfa, 0x15fafaef, 0xeb5959b2, 0xc947478e, 0x0bf0f0fb,
    0xecadad41, 0x67d4d4b3, 0xfda2a25f, 0xeaafaf45, 0xbf9c9c23, 0xf7a4a453, 0x967272e4, 0x5bc0c09b,
    0xc2b7b775, 0x1cfdfde1, 0xae93933d, 0x6a26264c, 0x5a36366c, 0x413f3f7e, 0x02f7f7f5, 0x4fcccc83,
    0x5c343468, 0xf4a5a551, 0x34e5e5d1, 0x08f1f1f9, 0x937171e2, 0x73d8d8ab, 0x53313162, 0x3f15152a,
    0x0c040408, 0x52c7c795, 0x65232346, 0x5ec3c39d, 0x28181830, 0xa1969637, 0x0f05050a, 0xb59a9a2f,
    0x0907070e, 0x36121224, 0x9b80801b, 0x3de2e2df, 0x26ebebcd, 0x6927274e, 0xcdb2b27f, 0x9f7575ea,
    0x1b090912, 0x9e83831d, 0x742c2c58, 0x2e1a1a34, 0x2d1b1b36, 0xb26e6edc, 0xee5a5ab4, 0xfba0a05b,
    0xf65252a4, 0x4d3b3b76, 0x61d6d6b7, 0xceb3b37d, 0x7b292952, 0x3ee3e3dd, 0x712f2f5e, 0x97848413,
    0xf55353a6, 0x68d1d1b9, 0x00000000, 0x2cededc1, 0x60202040, 0x1ffcfce3, 0xc8b1b179, 0xed5b5bb6,
    0xbe6a6ad4, 0x46cbcb8d, 0xd9bebe67, 0x4b393972, 0xde4a4a94, 0xd44c4c98, 0xe85858b0, 0x4acfcf85,
    0x6bd0d0bb, 0x2aefefc5, 0xe5aaaa4f, 0x16fbfbed, 0xc5434386, 0xd74d4d9a, 0x55333366, 0x94858511,
    0xcf45458a, 0x10f9f9e9, 0x06020204, 0x817f7ffe, 0xf05050a0, 0x443c3c78, 0xba9f9f25, 0xe3a8a84b,
    0xf35151a2, 0xfea3a35d, 0xc0404080, 0x8a8f8f05, 0xad92923f, 0xbc9d9d21, 0x48383870, 0x04f5f5f1,
    0xdfbcbc63, 0xc1b6b677, 0x75dadaaf, 0x63212142, 0x30101020, 0x1affffe5, 0x0ef3f3fd, 0x6dd2d2bf,
    0x4ccdcd81, 0x140c0c18, 0x35131326, 0x2fececc3, 0xe15f5fbe, 0xa2979735, 0xcc444488, 0x3917172e,
    0x57c4c493, 0xf2a7a755, 0x827e7efc, 0x473d3d7a, 0xac6464c8, 0xe75d5dba, 0x2b191932, 0x957373e6,
    0xa06060c0, 0x98818119, 0xd14f4f9e, 0x7fdcdca3, 0x66222244, 0x7e2a2a54, 0xab90903b, 0x8388880b,
    0xca46468c, 0x29eeeec7, 0xd3b8b86b, 0x3c141428, 0x79dedea7, 0xe25e5ebc, 0x1d0b0b16, 0x76dbdbad,
    0x3be0e0db, 0x56323264, 0x4e3a3a74, 0x1e0a0a14, 0xdb494992, 0x0a06060c, 0x6c242448, 0xe45c5cb8,
    0x5dc2c29f, 0x6ed3d3bd, 0xefacac43, 0xa66262c4, 0xa8919139, 0xa4959531, 0x37e4e4d3, 0x8b7979f2,
    0x32e7e7d5, 0x43c8c88b, 0x5937376e, 0xb76d6dda, 0x8c8d8d01, 0x64d5d5b1, 0xd24e4e9c, 0xe0a9a949,
    0xb46c6cd8, 0xfa5656ac, 0x07f4f4f3, 0x25eaeacf, 0xaf6565ca, 0x8e7a7af4, 0xe9aeae47, 0x18080810,
    0xd5baba6f, 0x887878f0, 0x6f25254a, 0x722e2e5c, 0x241c1c38, 0xf1a6a657, 0xc7b4b473, 0x51c6c697,
    0x23e8e8cb, 0x7cdddda1, 0x9c7474e8, 0x211f1f3e, 0xdd4b4b96, 0xdcbdbd61, 0x868b8b0d, 0x858a8a0f,
    0x907070e0, 0x423e3e7c, 0xc4b5b571, 0xaa6666cc, 0xd8484890, 0x05030306, 0x01f6f6f7, 0x120e0e1c,
    0xa36161c2, 0x5f35356a, 0xf95757ae, 0xd0b9b969, 0x91868617, 0x58c1c199, 0x271d1d3a, 0xb99e9e27,
    0x38e1e1d9, 0x13f8f8eb, 0xb398982b, 0x33111122, 0xbb6969d2, 0x70d9d9a9, 0x898e8e07, 0xa7949433,
    0xb69b9b2d, 0x221e1e3c, 0x92878715, 0x20e9e9c9, 0x49cece87, 0xff5555aa, 0x78282850, 0x7adfdfa5,
    0x8f8c8c03, 0xf8a1a159, 0x80898909, 0x170d0d1a, 0xdabfbf65, 0x31e6e6d7, 0xc6424284, 0xb86868d0,
    0xc3414182, 0xb0999929, 0x772d2d5a, 0x110f0f1e, 0xcbb0b07b, 0xfc5454a8, 0xd6bbbb6d, 0x3a16162c,
};

/* FIPS 197, 5.1: ShiftRows, SubBytes and MixColumns, AddRoundKey.  Byte 4c+r is row
 * r of column c.  What turns out of a word on the left comes back on the right. */
GM_WRAPS gm_xmm gm_aesenc(gm_xmm state, gm_xmm key)
{
    gm_xmm out;
    for (unsigned c = 0; c < 4; c++) {
        const unsigned char *b = state.b;
        uint32_t x = columns[b[4 * c]], y = columns[b[4 * ((c + 1) % 4) + 1]],
                 z = columns[b[4 * ((c + 2) % 4) + 2]], w = columns[b[4 * ((c + 3) % 4) + 3]];
        x ^= (y << 8 | y >> 24) ^ (z << 16 | z >> 16) ^ (w << 24 | w >> 8);
        for (unsigned r = 0; r < 4; r++) {
            out.b[4 * c + r] = (unsigned char)(x >> 8 * r & 0xff) ^ key.b[4 * c + r];
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
