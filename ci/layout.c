/* SPDX-License-Identifier: BSD-3-Clause
 *
 * layout.c: prints what lies where in Go's map, for one size of a word, as the
 * part of ref/layout.json that is about it.  ci/layout compiles it with ref/ and
 * oracle/kinds.c, once with and once without -m32, and puts the parts together.
 *
 * hmap, bmap, hiter and mapextra of ref/map.h have Go's layout, and are read off
 * them.  Where the port keeps other things than Go, Go's own fields are listed
 * here: _type as in runtime/type.go, and maptype, which begins with a _type.
 */
#include <stdio.h>

#include "../oracle/kinds.h"
#include "../ref/map.h"

/* runtime/type.go:31 */
typedef struct go_type {
    uintptr_t size, ptrdata;
    uint32_t hash;
    uint8_t tflag, align, fieldAlign, kind;
    void *equal, *gcdata;
    int32_t str, ptrToThis;
} go_type;

typedef struct field {
    const char *name, *type;
    size_t offset, size;
} field;

#define AT(s, f, gotype)                                                                                     \
    {                                                                                                        \
#f, gotype, offsetof(s, f), sizeof(((s *)0)->f)                                                      \
    }
/* Those of maptype stand behind a _type. */
#define BEHIND(f, gotype)                                                                                    \
    {                                                                                                        \
#f, gotype, sizeof(go_type) + offsetof(maptype, f), sizeof(((maptype *)0)->f)                        \
    }

static const field hmap_fields[] = {
    AT(hmap, count, "int"),          AT(hmap, flags, "uint8"),       AT(hmap, B, "uint8"),
    AT(hmap, noverflow, "uint16"),   AT(hmap, hash0, "uint32"),      AT(hmap, buckets, "pointer"),
    AT(hmap, oldbuckets, "pointer"), AT(hmap, nevacuate, "uintptr"), AT(hmap, extra, "*mapextra"),
};
static const field mapextra_fields[] = {
    AT(mapextra, overflow, "*[]*bmap"),
    AT(mapextra, oldoverflow, "*[]*bmap"),
    AT(mapextra, nextOverflow, "*bmap"),
};
static const field bmap_fields[] = {AT(bmap, tophash, "[8]uint8")};
static const field hiter_fields[] = {
    AT(hiter, key, "pointer"),       AT(hiter, elem, "pointer"),         AT(hiter, t, "*maptype"),
    AT(hiter, h, "*hmap"),           AT(hiter, buckets, "pointer"),      AT(hiter, bptr, "*bmap"),
    AT(hiter, overflow, "*[]*bmap"), AT(hiter, oldoverflow, "*[]*bmap"), AT(hiter, startBucket, "uintptr"),
    AT(hiter, offset, "uint8"),      AT(hiter, wrapped, "bool"),         AT(hiter, B, "uint8"),
    AT(hiter, i, "uint8"),           AT(hiter, bucket, "uintptr"),       AT(hiter, checkBucket, "uintptr"),
};
static const field type_fields[] = {
    AT(go_type, size, "uintptr"), AT(go_type, ptrdata, "uintptr"), AT(go_type, hash, "uint32"),
    AT(go_type, tflag, "uint8"),  AT(go_type, align, "uint8"),     AT(go_type, fieldAlign, "uint8"),
    AT(go_type, kind, "uint8"),   AT(go_type, equal, "func"),      AT(go_type, gcdata, "*byte"),
    AT(go_type, str, "int32"),    AT(go_type, ptrToThis, "int32"),
};
static const field maptype_fields[] = {
    {"typ", "_type", 0, sizeof(go_type)},
    BEHIND(key, "*_type"),
    BEHIND(elem, "*_type"),
    BEHIND(bucket, "*_type"),
    BEHIND(hasher, "func"),
    BEHIND(keysize, "uint8"),
    BEHIND(elemsize, "uint8"),
    BEHIND(bucketsize, "uint16"),
    BEHIND(flags, "uint32"),
};

static void print_struct(const char *name, size_t size, const field *f, size_t n, bool last)
{
    printf("  \"%s\": {\"size\": %zu, \"fields\": [\n", name, size);
    for (size_t i = 0; i < n; i++) {
        printf("   {\"name\": \"%s\", \"offset\": %zu, \"size\": %zu, \"type\": \"%s\"}%s\n", f[i].name,
               f[i].offset, f[i].size, f[i].type, i + 1 < n ? "," : "");
    }
    printf("  ]}%s\n", last ? "" : ",");
}
#define STRUCT(name, size, fields, last)                                                                     \
    print_struct(name, size, fields, sizeof(fields) / sizeof(fields)[0], last)

typedef struct number {
    const char *name;
    unsigned long value;
} number;

#define NUMBER(n)                                                                                            \
    {                                                                                                        \
#n, (unsigned long)(n)                                                                               \
    }
static const number constants[] = {
    NUMBER(bucketCnt),   NUMBER(bucketCntBits), NUMBER(dataOffset),    NUMBER(maxKeySize),
    NUMBER(maxElemSize), NUMBER(loadFactorNum), NUMBER(loadFactorDen),
};
static const number states[] = {
    NUMBER(emptyRest),  NUMBER(emptyOne),       NUMBER(evacuatedX),
    NUMBER(evacuatedY), NUMBER(evacuatedEmpty), NUMBER(minTopHash),
};
static const number hmap_flags[] = {NUMBER(iterator), NUMBER(oldIterator), NUMBER(hashWriting),
                                    NUMBER(sameSizeGrow)};

static void print_numbers(const char *name, const number *n, size_t count)
{
    printf(" \"%s\": {", name);
    for (size_t i = 0; i < count; i++) {
        printf("%s\"%s\": %lu", i > 0 ? ", " : "", n[i].name, n[i].value);
    }
    printf("},\n");
}
#define NUMBERS(name, n) print_numbers(name, n, sizeof(n) / sizeof(n)[0])

/* The bits of maptype.flags, asked of the functions that read them. */
static void print_type_flags(void)
{
    static const struct {
        const char *name;
        bool (*set)(const maptype *t);
    } questions[] = {
        {"indirectkey", maptype_indirectkey},       {"indirectelem", maptype_indirectelem},
        {"reflexivekey", maptype_reflexivekey},     {"needkeyupdate", maptype_needkeyupdate},
        {"hashMightPanic", maptype_hashMightPanic},
    };
    number found[sizeof questions / sizeof questions[0]];
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        maptype t;
        memset(&t, 0, sizeof t);
        found[i] = (number){questions[i].name, 0};
        for (uint32_t bit = 1; bit != 0; bit <<= 1) {
            t.flags = bit;
            found[i].value |= questions[i].set(&t) ? bit : 0;
        }
    }
    NUMBERS("maptype_flags", found);
}

static void print_bucket(key_kind k, elem_kind e)
{
    maptype t;
    kinds_maptype(&t, k, e, hash_real, gm_exact);
    printf("  {\"key\": \"%s\", \"elem\": \"%s\", \"key_type_size\": %lu, \"elem_type_size\": %lu, "
           "\"indirectkey\": %s, \"indirectelem\": %s, \"keysize\": %u, \"elemsize\": %u, \"keys\": %u, "
           "\"elems\": %u, \"overflow\": %u, \"bucketsize\": %u, \"pointers\": %s, \"flags\": %u}%s\n",
           t.key->name, t.elem->name, (unsigned long)t.key->size, (unsigned long)t.elem->size,
           maptype_indirectkey(&t) ? "true" : "false", maptype_indirectelem(&t) ? "true" : "false", t.keysize,
           t.elemsize, (unsigned)dataOffset, dataOffset + bucketCnt * t.keysize,
           t.bucketsize - (unsigned)PtrSize, t.bucketsize, t.bucket->ptrdata != 0 ? "true" : "false", t.flags,
           k + 1 == key_kinds && e + 1 == elem_kinds ? "" : ",");
}

int main(void)
{
    printf("{\n \"pointer_size\": %zu,\n \"structs\": {\n", sizeof(void *));
    STRUCT("hmap", sizeof(hmap), hmap_fields, false);
    STRUCT("mapextra", offsetof(mapextra, nextOverflow) + sizeof(void *), mapextra_fields, false);
    STRUCT("bmap", sizeof(bmap), bmap_fields, false);
    STRUCT("hiter", sizeof(hiter), hiter_fields, false);
    STRUCT("_type", sizeof(go_type), type_fields, false);
    STRUCT("maptype", sizeof(go_type) + offsetof(maptype, flags) + sizeof(uint32_t), maptype_fields, true);
    printf(" },\n");
    NUMBERS("constants", constants);
    NUMBERS("tophash", states);
    NUMBERS("flags", hmap_flags);
    print_type_flags();
    printf(" \"buckets\": [\n");
    for (unsigned k = 0; k < key_kinds; k++) {
        for (unsigned e = 0; e < elem_kinds; e++) {
            print_bucket((key_kind)k, (elem_kind)e);
        }
    }
    printf(" ]\n}\n");
    return 0;
}
