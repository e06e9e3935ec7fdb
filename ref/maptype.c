/* SPDX-License-Identifier: BSD-3-Clause
 *
 * maptype.c: makes and checks type descriptors.
 *
 * In Go the compiler or reflect makes them; what stands here is reflect's way,
 * which the compiler's agrees with.
 */
#include "alg.h"
#include "map.h"

/* reflect/type.go:2164.  Is every value of type t equal to itself?
 * Invariant: t is comparable; anything else panics. */
//= SPEC.md#S-TYPE-4
//# A key type MUST count as reflexive exactly if no float, complex number or interface is in it.
bool isReflexive(const rtype *t)
{
    switch (t->kind) {
    case kindBool:
    case kindInt:
    case kindInt8:
    case kindInt16:
    case kindInt32:
    case kindInt64:
    case kindUint8:
    case kindUint64:
    case kindPtr:
    case kindString:
    case kindUnsafePointer:
        return true;
    case kindFloat32:
    case kindFloat64:
    case kindComplex64:
    case kindComplex128:
    case kindInterface:
        return false;
    case kindArray:
        return isReflexive(t->elem);
    case kindStruct:
        for (uintptr_t i = 0; i < t->nfields; i++) {
            if (!isReflexive(t->fields[i].typ)) {
                return false;
            }
        }
        return true;
    default:
        gm_panicType("isReflexive called on non-key type ", t);
    }
}

/* reflect/type.go:2188.  Can two equal values of type t differ in memory, so
 * that assigning to an existing key must store the key again?  (+0 and -0; a
 * string whose bytes lie elsewhere.)
 * Invariant: t is comparable; anything else panics. */
//= SPEC.md#S-TYPE-5
//# A key MUST be stored again on update exactly if a float, complex number, interface or string is in its
//# type, since only there equal keys can differ.
bool needKeyUpdate(const rtype *t)
{
    switch (t->kind) {
    case kindBool:
    case kindInt:
    case kindInt8:
    case kindInt16:
    case kindInt32:
    case kindInt64:
    case kindUint8:
    case kindUint64:
    case kindPtr:
    case kindUnsafePointer:
        return false;
    case kindFloat32:
    case kindFloat64:
    case kindComplex64:
    case kindComplex128:
    case kindInterface:
    case kindString:
        return true;
    case kindArray:
        return needKeyUpdate(t->elem);
    case kindStruct:
        for (uintptr_t i = 0; i < t->nfields; i++) {
            if (needKeyUpdate(t->fields[i].typ)) {
                return true;
            }
        }
        return false;
    default:
        gm_panicType("needKeyUpdate called on non-key type ", t);
    }
}

/* reflect/type.go:2215.  Can hashing a value of type t panic? */
//= SPEC.md#S-TYPE-6
//# Hashing MUST count as able to panic exactly for key types with an interface in them.
bool hashMightPanic(const rtype *t)
{
    switch (t->kind) {
    case kindInterface:
        return true;
    case kindArray:
        return hashMightPanic(t->elem);
    case kindStruct:
        for (uintptr_t i = 0; i < t->nfields; i++) {
            if (hashMightPanic(t->fields[i].typ)) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

/* What the bucket holds of a key or an elem: itself, or a pointer to it. */
typedef struct gm_slot {
    uintptr_t size, ptrdata, align;
} gm_slot;

static gm_slot gm_slot_of(const rtype *t, bool indirect)
{
    if (indirect) {
        return (gm_slot){PtrSize, PtrSize, PtrSize};
    }
    return (gm_slot){t->size, t->ptrdata, t->align};
}

/* reflect/type.go:2245.  The bucket type: eight tophash bytes, eight key slots,
 * eight elem slots, the overflow pointer.
 * Invariant: the overflow pointer ends the bucket, without padding before or
 * after it.  A bucket without pointers in key and elem counts as pointer-free
 * although it has that one.
 * Deviation: no mask for a collector; that is all that Go's function still
 * does. */
//= SPEC.md#S-TYPE-7
//# A bucket type MUST count as pointer-free (ptrdata 0) exactly if key and elem both are stored inline and
//# hold no pointers.
//= SPEC.md#S-BUCKET-6
//# in this order and without padding
static void bucketOf(rtype *bucket, gm_slot key, gm_slot elem)
{
    uintptr_t size = bucketCnt * (1 + key.size + elem.size) + PtrSize;
    if ((size & (key.align - 1)) != 0 || (size & (elem.align - 1)) != 0) {
        gopanic("reflect: bad size computation in MapOf");
    }
    *bucket = (rtype){
        .size = size,
        .ptrdata = key.ptrdata != 0 || elem.ptrdata != 0 ? size : 0,
        .align = PtrSize,
        .kind = kindStruct,
        .name = "bucket",
    };
}

/* reflect/type.go:1915.  Makes *t the descriptor of map[key]elem.
 * Invariant: t->hasher and key->equal agree: equal keys have one hash.
 * Deviation: Go looks for a descriptor made earlier and makes each only once;
 * here the caller owns it. */
void MapOf(maptype *t, const rtype *key, const rtype *elem, gm_mode mode)
{
    if (key->equal == NULL) {
        gm_panicType("reflect.MapOf: invalid key type ", key);
    }
    //= SPEC.md#S-TYPE-2
    //# A key of more than 128 bytes MUST be stored by pointer, in a slot of one word, and any other key in a
    //# slot of its own size.
    bool indirectkey = key->size > maxKeySize;
    //= SPEC.md#S-TYPE-3
    //# An elem of more than 128 bytes MUST be stored by pointer, in a slot of one word, and any other elem in
    //# a slot of its own size.
    bool indirectelem = elem->size > maxElemSize;
    gm_slot k = gm_slot_of(key, indirectkey);
    gm_slot e = gm_slot_of(elem, indirectelem);

    memset(t, 0, sizeof *t);
    bucketOf(&t->gm_bucket, k, e);
    t->key = key;
    t->elem = elem;
    t->bucket = &t->gm_bucket;
    t->hasher = typehash;
    t->keysize = (uint8_t)k.size;
    t->elemsize = (uint8_t)e.size;
    t->bucketsize = (uint16_t)t->bucket->size;
    t->mode = mode;
    //= SPEC.md#S-TYPE-1
    //# five flag bits
    if (indirectkey) {
        t->flags |= 1;
    }
    if (indirectelem) {
        t->flags |= 2;
    }
    if (isReflexive(key)) {
        t->flags |= 4;
    }
    if (needKeyUpdate(key)) {
        t->flags |= 8;
    }
    if (hashMightPanic(key)) {
        t->flags |= 16;
    }
}

/* Is a slot of slotsize bytes right for type t, whose inline limit is max? */
static bool gm_slot_fits(const rtype *t, uintptr_t max, bool indirect, uint8_t slotsize)
{
    if (t->size > max) {
        return indirect && slotsize == PtrSize;
    }
    return !indirect && slotsize == (uint8_t)t->size;
}

/* map.go:1293, the first half of reflect_makemap.  Throws unless the map can
 * work with this descriptor: slots of the right size, naturally aligned
 * without padding in the bucket.
 * Deviation: an alignment of 0, on which Go would divide, counts as one that
 * the size is no multiple of. */
//= SPEC.md#S-TYPE-8
//# reflect_makemap MUST throw on a descriptor that breaks one of these conditions, the first one that it
//# breaks
void gm_maptype_check(const maptype *t)
{
    const rtype *key = t->key;
    const rtype *elem = t->elem;

    if (key->equal == NULL) {
        throw("runtime.reflect_makemap: unsupported map key type");
    }
    if (!gm_slot_fits(key, maxKeySize, maptype_indirectkey(t), t->keysize)) {
        throw("key size wrong");
    }
    if (!gm_slot_fits(elem, maxElemSize, maptype_indirectelem(t), t->elemsize)) {
        throw("elem size wrong");
    }
    if (key->align > bucketCnt) {
        throw("key align too big");
    }
    if (elem->align > bucketCnt) {
        throw("elem align too big");
    }
    if (key->align == 0 || key->size % key->align != 0) {
        throw("key size not a multiple of key align");
    }
    if (elem->align == 0 || elem->size % elem->align != 0) {
        throw("elem size not a multiple of elem align");
    }
    _Static_assert(bucketCnt >= 8, "bucketsize too small for proper alignment");
    if (dataOffset % key->align != 0) {
        throw("need padding in bucket (key)");
    }
    if (dataOffset % elem->align != 0) {
        throw("need padding in bucket (elem)");
    }
}
