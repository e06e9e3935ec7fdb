/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_type.c: descriptors as reflect.MapOf makes them, and what
 * reflect_makemap refuses.
 */
#include "test.h"

enum { indirectkey = 1, indirectelem = 2, reflexive = 4, keyupdate = 8, mightpanic = 16 };

static const rtype t_func = {
    .size = PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindFunc, .name = "func()"};

static const structfield mixed_fields[] = {{&t_int64, 0, false}, {&t_float32, 8, false}};
static const rtype t_mixed = {.size = 16,
                              .align = PtrSize,
                              .kind = kindStruct,
                              .equal = structequal,
                              .fields = mixed_fields,
                              .nfields = 2,
                              .name = "main.mixed"};
static const structfield plain_fields[] = {{&t_int64, 0, false}, {&t_bool, 8, false}};
static const rtype t_plain = {.size = 16,
                              .align = PtrSize,
                              .kind = kindStruct,
                              .equal = structequal,
                              .fields = plain_fields,
                              .nfields = 2,
                              .name = "main.plain"};
static const structfield ifaced_fields[] = {{&t_ptr, 0, false}, {&t_any, PtrSize, false}};
static const rtype t_ifaced = {.size = 3 * PtrSize,
                               .ptrdata = 3 * PtrSize,
                               .align = PtrSize,
                               .kind = kindStruct,
                               .equal = structequal,
                               .fields = ifaced_fields,
                               .nfields = 2,
                               .name = "main.ifaced"};
//= SPEC.md#S-TYPE-1 type=test
//# A map type MUST say of its key, elem and bucket what the map needs: the three types, the hasher, the bytes
//# of a key slot, of an elem slot and of a bucket, and five flag bits.
//= SPEC.md#S-TYPE-2 type=test
//# A key of more than 128 bytes MUST be stored by pointer, in a slot of one word, and any other key in a slot
//# of its own size.
//= SPEC.md#S-TYPE-3 type=test
//# An elem of more than 128 bytes MUST be stored by pointer, in a slot of one word, and any other elem in a
//# slot of its own size.
//= SPEC.md#S-TYPE-4 type=test
//# A key type MUST count as reflexive exactly if no float, complex number or interface is in it.
//= SPEC.md#S-TYPE-5 type=test
//# A key MUST be stored again on update exactly if a float, complex number, interface or string is in its
//# type, since only there equal keys can differ.
//= SPEC.md#S-TYPE-6 type=test
//# Hashing MUST count as able to panic exactly for key types with an interface in them.
//= SPEC.md#S-TYPE-7 type=test
//# A bucket type MUST count as pointer-free (ptrdata 0) exactly if key and elem both are stored inline and
//# hold no pointers.
//= SPEC.md#S-BUCKET-6 type=test
//# A bucket MUST be eight tophash bytes, eight key slots, eight elem slots and the overflow pointer, in this
//# order and without padding.
static void test_layout(void)
{
    static const struct {
        const rtype *key, *elem;
        unsigned keysize, elemsize, flags;
        bool pointers;
    } want[] = {
        {&t_int64, &t_int64, 8, 8, reflexive, false},
        {&t_bool, &t_empty, 1, 0, reflexive, false},
        {&t_empty, &t_ptr, 0, PtrSize, reflexive, true},
        {&t_ptr, &t_int64, PtrSize, 8, reflexive, true},
        {&t_string, &t_bool, 2 * PtrSize, 1, reflexive | keyupdate, true},
        {&t_float32, &t_bool, 4, 1, keyupdate, false},
        {&t_int, &t_bool, PtrSize, 1, reflexive, false},
        {&t_complex64, &t_bool, 8, 1, keyupdate, false},
        {&t_complex128, &t_bool, 16, 1, keyupdate, false},
        {&t_any, &t_bool, 2 * PtrSize, 1, keyupdate | mightpanic, true},
        {&t_bytes128, &t_bytes128, 128, 128, reflexive, false},
        {&t_bytes129, &t_int64, PtrSize, 8, reflexive | indirectkey, true},
        {&t_int64, &t_bytes129, 8, PtrSize, reflexive | indirectelem, true},
        {&t_bytes129, &t_bytes129, PtrSize, PtrSize, reflexive | indirectkey | indirectelem, true},
        {&t_bytes129, &t_bool, PtrSize, 1, reflexive | indirectkey, true},
        {&t_mixed, &t_bool, 16, 1, keyupdate, false},
        {&t_plain, &t_slice, 16, 3 * PtrSize, reflexive, true},
        {&t_ifaced, &t_bool, 3 * PtrSize, 1, keyupdate | mightpanic, true},
        {&t_anys, &t_bool, 4 * PtrSize, 1, keyupdate | mightpanic, true},
    };
    for (size_t i = 0; i < LENGTH(want); i++) {
        maptype t;
        MapOf(&t, want[i].key, want[i].elem, gm_strict);
        CHECK(t.key == want[i].key && t.elem == want[i].elem);
        CHECK(t.hasher == typehash);
        CHECK(t.mode == gm_strict);
        CHECK(t.keysize == want[i].keysize);
        CHECK(t.elemsize == want[i].elemsize);
        CHECK(t.flags == want[i].flags);
        CHECK(maptype_indirectkey(&t) == ((want[i].flags & indirectkey) != 0));
        CHECK(maptype_indirectelem(&t) == ((want[i].flags & indirectelem) != 0));
        CHECK(maptype_reflexivekey(&t) == ((want[i].flags & reflexive) != 0));
        CHECK(maptype_needkeyupdate(&t) == ((want[i].flags & keyupdate) != 0));
        CHECK(maptype_hashMightPanic(&t) == ((want[i].flags & mightpanic) != 0));
        CHECK(t.bucketsize == 8 + 8 * (want[i].keysize + want[i].elemsize) + PtrSize);
        CHECK(t.bucket->size == t.bucketsize);
        CHECK(t.bucket->align == PtrSize && t.bucket->kind == kindStruct);
        CHECK(t.bucket->ptrdata == (want[i].pointers ? t.bucketsize : 0));
        gm_maptype_check(&t);
    }
}

/* ---- the three questions ---------------------------------------------- */

#define BIT(kind) (UINT32_C(1) << (kind))

static void call_isReflexive(void *type)
{
    isReflexive(type);
}

static void call_needKeyUpdate(void *type)
{
    needKeyUpdate(type);
}

static void test_every_kind(void)
{
    const uint32_t composed = BIT(kindArray) | BIT(kindStruct);
    const uint32_t plain = BIT(kindBool) | BIT(kindInt) | BIT(kindInt8) | BIT(kindInt16) | BIT(kindInt32) |
                           BIT(kindInt64) | BIT(kindUint8) | BIT(kindUint64) | BIT(kindPtr) |
                           BIT(kindUnsafePointer) | composed;
    const uint32_t two_zeros = BIT(kindFloat32) | BIT(kindFloat64) | BIT(kindComplex64) | BIT(kindComplex128);
    for (unsigned kind = 0; kind < 32; kind++) {
        const uint32_t bit = BIT(kind);
        rtype type = {
            .size = 8, .align = PtrSize, .kind = (uint8_t)kind, .elem = &t_int64, .len = 1, .name = "k"};
        CHECK_ROW(kind, hashMightPanic(&type) == (kind == kindInterface));
        if ((bit & (plain | two_zeros | BIT(kindInterface) | BIT(kindString))) == 0) {
            CHECK_ROW(kind, fails_with(gm_event_panic, "isReflexive called on non-key type k",
                                       call_isReflexive, &type));
            CHECK_ROW(kind, fails_with(gm_event_panic, "needKeyUpdate called on non-key type k",
                                       call_needKeyUpdate, &type));
            continue;
        }
        CHECK_ROW(kind, isReflexive(&type) == ((bit & (plain | BIT(kindString))) != 0));
        CHECK_ROW(kind, needKeyUpdate(&type) == ((bit & plain) == 0));
    }
}

/* One part that is not like the others decides, wherever it stands. */
static void test_every_part(void)
{
    for (size_t n = 1; n <= 3; n++) {
        for (size_t at = 0; at < n; at++) {
            structfield fields[3] = {{&t_int64, 0, false}, {&t_int64, 8, false}, {&t_int64, 16, false}};
            const rtype type = {.size = 8 * n,
                                .align = PtrSize,
                                .kind = kindStruct,
                                .fields = fields,
                                .nfields = n,
                                .name = "s"};
            const rtype array = {
                .size = 8 * n, .align = PtrSize, .kind = kindArray, .elem = &type, .len = 1, .name = "[1]s"};
            CHECK(isReflexive(&type) && !needKeyUpdate(&type) && !hashMightPanic(&type));
            CHECK(isReflexive(&array) && !needKeyUpdate(&array) && !hashMightPanic(&array));
            fields[at].typ = &t_float64;
            CHECK(!isReflexive(&type) && needKeyUpdate(&type) && !hashMightPanic(&type));
            CHECK(!isReflexive(&array) && needKeyUpdate(&array) && !hashMightPanic(&array));
            fields[at].typ = &t_any;
            CHECK(!isReflexive(&type) && needKeyUpdate(&type) && hashMightPanic(&type));
            CHECK(!isReflexive(&array) && needKeyUpdate(&array) && hashMightPanic(&array));
        }
    }
}

/* ---- refusals --------------------------------------------------------- */

static void test_not_comparable(void)
{
    static maptype t;
    FAILS(gm_event_panic, "reflect.MapOf: invalid key type []int", MapOf(&t, &t_slice, &t_bool, gm_exact));
    FAILS(gm_event_panic, "reflect.MapOf: invalid key type func()", MapOf(&t, &t_func, &t_bool, gm_exact));
    FAILS(gm_event_panic, "isReflexive called on non-key type []int", isReflexive(&t_slice));
    FAILS(gm_event_panic, "needKeyUpdate called on non-key type func()", needKeyUpdate(&t_func));
    CHECK(!hashMightPanic(&t_slice));
}

static void test_bad_alignment(void)
{
    static maptype t;
    static rtype odd;
    /* 8*(1+16) + 4 or 8 is no multiple of 32. */
    odd = t_complex128;
    odd.align = 32;
    FAILS(gm_event_panic, "reflect: bad size computation in MapOf", MapOf(&t, &odd, &t_empty, gm_exact));
    FAILS(gm_event_panic, "reflect: bad size computation in MapOf", MapOf(&t, &t_empty, &odd, gm_exact));
}

/* Makes map[int64]int64 (or of 129 bytes) and breaks one thing. */
static maptype broken;
static rtype key, elem;

static void fresh(const rtype *k, const rtype *e)
{
    key = *k;
    elem = *e;
    MapOf(&broken, &key, &elem, gm_exact);
}

//= SPEC.md#S-TYPE-8 type=test
//# reflect_makemap MUST throw on a descriptor that breaks one of these conditions, the first one that it
//# breaks, and otherwise do what makemap does without an hmap of the caller's.
static void test_reflect_makemap(void)
{
    fresh(&t_int64, &t_int64);
    key.equal = NULL;
    FAILS(gm_event_throw, "runtime.reflect_makemap: unsupported map key type", reflect_makemap(&broken, 0));

    fresh(&t_int64, &t_int64);
    broken.keysize = 7;
    FAILS(gm_event_throw, "key size wrong", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_int64);
    broken.flags |= indirectkey;
    FAILS(gm_event_throw, "key size wrong", reflect_makemap(&broken, 0));
    fresh(&t_bytes129, &t_int64);
    broken.flags &= ~(unsigned)indirectkey;
    FAILS(gm_event_throw, "key size wrong", reflect_makemap(&broken, 0));
    fresh(&t_bytes129, &t_int64);
    broken.keysize = 129;
    FAILS(gm_event_throw, "key size wrong", reflect_makemap(&broken, 0));

    fresh(&t_int64, &t_int64);
    broken.elemsize = 9;
    FAILS(gm_event_throw, "elem size wrong", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_int64);
    broken.flags |= indirectelem;
    FAILS(gm_event_throw, "elem size wrong", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_bytes129);
    broken.flags &= ~(unsigned)indirectelem;
    FAILS(gm_event_throw, "elem size wrong", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_bytes129);
    broken.elemsize = 129;
    FAILS(gm_event_throw, "elem size wrong", reflect_makemap(&broken, 0));

    fresh(&t_int64, &t_int64);
    key.align = 16;
    FAILS(gm_event_throw, "key align too big", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_int64);
    elem.align = 16;
    FAILS(gm_event_throw, "elem align too big", reflect_makemap(&broken, 0));

    fresh(&t_int64, &t_int64);
    key.align = 3;
    FAILS(gm_event_throw, "key size not a multiple of key align", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_int64);
    key.align = 0;
    FAILS(gm_event_throw, "key size not a multiple of key align", reflect_makemap(&broken, 0));
    fresh(&t_int64, &t_int64);
    elem.align = 5;
    FAILS(gm_event_throw, "elem size not a multiple of elem align", reflect_makemap(&broken, 0));

    /* Only an alignment that is no power of two gets as far as this. */
    fresh(&t_empty, &t_empty);
    key.align = 3;
    FAILS(gm_event_throw, "need padding in bucket (key)", reflect_makemap(&broken, 0));
    fresh(&t_empty, &t_empty);
    elem.align = 6;
    FAILS(gm_event_throw, "need padding in bucket (elem)", reflect_makemap(&broken, 0));

    fresh(&t_int64, &t_int64);
    hmap *h = reflect_makemap(&broken, 100);
    CHECK(h != NULL && h->B == 4);
    gm_map_free(&broken, h);
}

int main(void)
{
    test_layout();
    test_every_kind();
    test_every_part();
    test_not_comparable();
    test_bad_alignment();
    test_reflect_makemap();
    return 0;
}
