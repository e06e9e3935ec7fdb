/* SPDX-License-Identifier: BSD-3-Clause
 *
 * maptype.h: type descriptors, as far as the map looks at them.
 *
 * An rtype describes a key, elem or bucket type (type.go's _type with the
 * parts of arraytype and structtype that hashing walks).  A maptype joins key,
 * elem, bucket layout and hasher, and is the first argument of every function
 * of map.h.
 */
#ifndef GOMAP_MAPTYPE_H
#define GOMAP_MAPTYPE_H

#include "runtime.h"

/* typekind.go; only kinds that a key or elem can have here. */
enum {
    kindBool = 1,
    kindInt = 2,
    kindInt8 = 3,
    kindInt16 = 4,
    kindInt32 = 5,
    kindInt64 = 6,
    kindUint8 = 8,
    kindUint64 = 11,
    kindFloat32 = 13,
    kindFloat64 = 14,
    kindComplex64 = 15,
    kindComplex128 = 16,
    kindArray = 17,
    kindFunc = 19,
    kindInterface = 20,
    kindMap = 21,
    kindPtr = 22,
    kindSlice = 23,
    kindString = 24,
    kindStruct = 25,
    kindUnsafePointer = 26,
};

typedef struct structfield {
    const rtype *typ;
    uintptr_t offset; /* bytes from the start of the struct */
    bool blank;       /* named _: takes no part in hash and equality */
} structfield;

struct rtype {
    uintptr_t size;    /* bytes, a multiple of align */
    uintptr_t ptrdata; /* bytes of the prefix that can hold pointers; 0: pointer-free */
    uint8_t align;     /* bytes; at most 8 in a map */
    uint8_t kind;
    bool regularMemory; /* tflagRegularMemory: equal and hash are those of the raw bytes */
    bool directIface;   /* pointer-shaped: an interface holds the value itself */

    /* Do *p and *q hold equal values of this type?  NULL: not comparable. */
    bool (*equal)(const rtype *t, const void *p, const void *q);

    const rtype *elem;         /* kindArray */
    uintptr_t len;             /* kindArray */
    const structfield *fields; /* kindStruct */
    uintptr_t nfields;         /* kindStruct */
    const char *name;          /* as Go spells it: error texts name it */
};

/* Go's string header and empty interface, as they lie in key slots. */
typedef struct stringStruct {
    const void *str;
    intptr_t len;
} stringStruct;

typedef struct eface {
    const rtype *_type;
    void *data; /* points to the value, or is the value where directIface */
} eface;

typedef enum gm_mode {
    gm_exact,  /* bit for bit what go1.19.8 does, faults included */
    gm_strict, /* every erratum of ERRATA.md repaired */
} gm_mode;

/* type.go:355.  The order of Go's fields is kept; what follows flags is ours. */
//= SPEC.md#S-TYPE-1
//# A map type MUST say of its key, elem and bucket what the map needs: the three types, the hasher, the bytes
//# of a key slot, of an elem slot and of a bucket, and five flag bits.
struct maptype {
    const rtype *key;
    const rtype *elem;
    const rtype
        *bucket; /* the bucket's size, and its ptrdata: 0 when key and elem are inline and pointer-free */
    /* Hash of the key at p under seed.  May panic for interface keys, and may
     * draw from fastrand for keys that differ from themselves. */
    uintptr_t (*hasher)(const rtype *key, const void *p, uintptr_t seed);
    uint8_t keysize;     /* bytes of a key slot */
    uint8_t elemsize;    /* bytes of an elem slot */
    uint16_t bucketsize; /* bytes of a bucket, overflow pointer included */
    uint32_t flags;      /* bits 1, 2, 4, 8, 16: the five questions below */

    gm_mode mode;
    rtype gm_bucket; /* storage of *bucket; a maptype must therefore not be copied */
};

static inline bool maptype_indirectkey(const maptype *mt) /* type.go:371 */
{
    return (mt->flags & 1) != 0;
}

static inline bool maptype_indirectelem(const maptype *mt) /* type.go:374 */
{
    return (mt->flags & 2) != 0;
}

static inline bool maptype_reflexivekey(const maptype *mt) /* type.go:377 */
{
    return (mt->flags & 4) != 0;
}

static inline bool maptype_needkeyupdate(const maptype *mt) /* type.go:380 */
{
    return (mt->flags & 8) != 0;
}

static inline bool maptype_hashMightPanic(const maptype *mt) /* type.go:383 */
{
    return (mt->flags & 16) != 0;
}

/* The three questions that decide flag bits 4, 8 and 16; reflect/type.go:2164,
 * 2188, 2215.  t must be comparable. */
bool isReflexive(const rtype *t);
bool needKeyUpdate(const rtype *t);
bool hashMightPanic(const rtype *t);

/* Makes *t the descriptor of map[key]elem, hashed by typehash; reflect's MapOf
 * and bucketOf (reflect/type.go:1915, 2245).  key and elem must outlive t, and
 * t its maps; a caller may replace t->hasher before the first map is made.
 * Panics with Go's words if key is not comparable. */
GM_API void MapOf(maptype *t, const rtype *key, const rtype *elem, gm_mode mode);

/* The checks of reflect_makemap (map.go:1293), which throw on a descriptor
 * that the map could not work with. */
void gm_maptype_check(const maptype *t);

#endif
