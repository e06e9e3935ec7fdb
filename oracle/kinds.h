/* SPDX-License-Identifier: BSD-3-Clause
 *
 * kinds.h: the key kinds, elem kinds and hashers that a trace can choose.
 *
 * A trace speaks of keys as numbers 0..65535.  This is the one place that
 * knows which Go value a number stands for in each kind, and how to read the
 * number back from a value that an iterator produced.
 */
#ifndef GOMAP_KINDS_H
#define GOMAP_KINDS_H

#include "../ref/maptype.h"

enum { key_max_size = 1000, elem_max_size = 1025, key_numbers = 65536 };

typedef enum key_kind {
    key_int64, /* first: a header of zero bytes is the plain map */
    key_int8,
    key_int16,
    key_int32,
    key_bytes16,
    key_bytes127,
    key_bytes128,
    key_bytes129,
    key_bytes1000,
    key_zero, /* struct{}: every number is the one value */
    key_string,
    key_float64,
    key_complex128,
    key_iface,   /* interface{} holding an int64, string, float64, pointer or something unhashable */
    key_padded,  /* struct{ a uint8; b uint64 }: padding takes no part in equality */
    key_pointer, /* unsafe.Pointer; never dereferenced */
    key_float32,
    key_complex64,
    key_mixed, /* a large struct with a field of each other kind, one of them blank */
    key_kinds
} key_kind;

typedef enum elem_kind {
    elem_int64,
    elem_zero, /* struct{} */
    elem_int8,
    elem_bytes128,
    elem_bytes129,
    elem_bytes1025,
    elem_pointer,
    elem_kinds
} elem_kind;

typedef enum hash_kind {
    hash_real,     /* typehash, as Go */
    hash_identity, /* the key's id; the seed plays no part */
    hash_constant, /* one bucket, one tophash, for ever */
    hash_lowbits,  /* id spread over the word, but the low 8 bits are id & 1: long chains in two buckets */
    hash_tophash,  /* the same, but the top byte is the same for all: every probe compares keys */
    hash_mintop,   /* the same, but the top byte is id % 5: tophash has to lift it over the reserved values */
    hash_random,   /* real; keys that differ from themselves get a whole random word */
    hash_aes,      /* typehash as on x86 CPUs with AES */
    hash_kinds
} hash_kind;

extern const char *const key_kind_names[key_kinds];
extern const char *const elem_kind_names[elem_kinds];
extern const char *const hash_kind_names[hash_kinds];

const rtype *key_type(key_kind k);
const rtype *elem_type(elem_kind e);
/* *t becomes map[k]e in that mode with that hasher.  The memory hash is one of the
 * whole process: that of hash_aes is chosen here, keyed by initAlgAES(0), and any
 * other hasher's too.  So maps of both may not be used in turn. */
void kinds_maptype(maptype *t, key_kind k, elem_kind e, hash_kind h, gm_mode mode);

/* What is known of key number n of kind k without looking at any map. */
typedef struct key_facts {
    uint64_t id;     /* two numbers with one id are equal keys (+0 and -0 are) */
    bool nan;        /* differs from itself: no two keys are equal, ids mean nothing */
    bool unhashable; /* hashing it panics */
    uint16_t n;      /* the number itself; from key_read: a number with that id */
} key_facts;
key_facts key_facts_of(key_kind k, uint16_t n);
/* Has the kind numbers whose key differs from itself, and two for the zeros? */
bool key_may_be_nan(key_kind k);

/* Writes the value of key number n: key_type(k)->size bytes at out, padding
 * included.  variant picks among the representations that are equal but not
 * identical: which copy of a string's bytes or of an interface's value it
 * points to, the padding's content; kinds without any ignore it.  For NaN it
 * is the payload (modulo 65536), so that every NaN can be told from others.
 * Whatever the value points to is static and stays valid for ever. */
void key_make(key_kind k, uint16_t n, uint32_t variant, void *out);

/* The opposite: id, nan and (for NaN) the payload of the value at p.  False:
 * not a value that key_make writes. */
bool key_read(key_kind k, const void *p, key_facts *facts, uint32_t *payload);

/* For keys that hold addresses (string, iface, mixed): what the key at p holds,
 * without them, in as many words as it returns.  A string: which copy of which
 * number it points to, and its length; an interface: its type, and the same of its
 * box, the payload of its NaN or its pointer; mixed: a, b, c, the words of d[0] and
 * d[1], eight bytes of the blank field, the words of e.  0: no such kind.
 * oracle/go/digest.go has the same rule. */
enum { key_max_words = 10 };
unsigned key_words(key_kind k, const void *p, uint64_t w[key_max_words]);

/* Do the size-of-k bytes at p equal what key_make(k, n, variant) writes? */
bool key_same(key_kind k, const void *p, uint16_t n, uint32_t variant);

/* Fills the elem at out from stamp (int64: that number; bytes: low ones first),
 * and tells whether p holds exactly that.  elem_is_zero: all bytes zero. */
void elem_make(elem_kind e, uint64_t stamp, void *out);
bool elem_same(elem_kind e, const void *p, uint64_t stamp);
bool elem_is_zero(elem_kind e, const void *p);

/* Names for special key numbers that text traces may use, and that --show
 * prints: "nan" and "-0" (floats, complex numbers, iface, mixed), "inf" (those, but
 * where floats have 32 bits "-inf"), "slice" (iface and mixed: unhashable).
 * key_by_name: -1 where kind k has no such key.
 * key_name: writes what number n of kind k is, for people: `-0`, `"k17"`, `NaN`,
 * `int64(5)`, `[]int`, at most cap bytes with the NUL. */
int key_by_name(key_kind k, const char *name, size_t len);
void key_name(key_kind k, uint16_t n, char *out, size_t cap);

#endif
