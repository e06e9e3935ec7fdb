/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_dump.c: dumps, letter for letter.
 *
 * Keys are small, so hash_parts makes each its own hash, and bucket numbers can
 * be told by looking; the seed is set by hand, since it is no part of what is
 * tested.
 */
#include "../dump.h"

#include "test.h"

static char text[16384];
static size_t length;

static void collect(void *ctx, const char *s, size_t n)
{
    (void)ctx;
    CHECK(length + n < sizeof text);
    memcpy(text + length, s, n);
    length += n;
    text[length] = '\0';
}

static const gm_sink sink = {collect, NULL};

static void expect(int line, const char *want)
{
    if (strcmp(text, want) != 0) {
        fprintf(stderr, "%s:%d: the dump is\n%s\nand should be\n%s\n", __FILE__, line, text, want);
        exit(1);
    }
    length = 0;
    text[0] = '\0';
}

#define EXPECT(want) expect(__LINE__, (want))

#if UINTPTR_MAX == UINT64_MAX
#define MAP "map ptrsize=8 "
#else
#define MAP "map ptrsize=4 "
#endif

/* ---- types ------------------------------------------------------------ */

static const rtype t_int8 = TEST_REGULAR("int8", 1, 1, kindInt8);
static const rtype t_int16 = TEST_REGULAR("int16", 2, 2, kindInt16);
static const rtype t_strings = {.size = 2 * sizeof(stringStruct),
                                .align = PtrSize,
                                .kind = kindArray,
                                .equal = arrayequal,
                                .elem = &t_string,
                                .len = 2,
                                .name = "[2]string"};

/* ---- values ----------------------------------------------------------- */

#define VALUE(t, p, want)                                                                                    \
    do {                                                                                                     \
        gm_dump_value(&t, p, sink);                                                                          \
        EXPECT(want);                                                                                        \
    } while (0)

static void test_floats(void)
{
    static const struct {
        uint64_t bits;
        const char *want;
    } doubles[] = {
        {0, "0x0p+0"},
        {UINT64_C(0x8000000000000000), "-0x0p+0"},
        {UINT64_C(0x3ff0000000000000), "0x1p+0"},
        {UINT64_C(0xbff8000000000000), "-0x1.8p+0"},
        {UINT64_C(0x3fb999999999999a), "0x1.999999999999ap-4"},
        {UINT64_C(0x7fefffffffffffff), "0x1.fffffffffffffp+1023"},
        {UINT64_C(0x0010000000000000), "0x1p-1022"},
        {UINT64_C(0x0000000000000001), "0x0.0000000000001p-1022"},
        {UINT64_C(0x7ff0000000000000), "+inf"},
        {UINT64_C(0xfff0000000000000), "-inf"},
        {UINT64_C(0x7ff8000000000005), "nan:0x7ff8000000000005"},
        {UINT64_C(0xfff0000000000001), "nan:0xfff0000000000001"},
    };
    for (size_t i = 0; i < LENGTH(doubles); i++) {
        VALUE(t_float64, &doubles[i].bits, doubles[i].want);
    }
    static const struct {
        uint32_t bits;
        const char *want;
    } floats[] = {
        {0, "0x0p+0"},          {0xbfc00000, "-0x1.8p+0"}, {0x7f7fffff, "0x1.fffffep+127"},
        {1, "0x0.000002p-126"}, {0x7f800000, "+inf"},      {0x7fc00003, "nan:0x7fc00003"},
    };
    for (size_t i = 0; i < LENGTH(floats); i++) {
        VALUE(t_float32, &floats[i].bits, floats[i].want);
    }
    const uint64_t c128[] = {UINT64_C(0x3ff8000000000000), UINT64_C(0x7ff8000000000001)};
    VALUE(t_complex128, c128, "(0x1.8p+0 nan:0x7ff8000000000001)");
    const uint32_t c64[] = {0x80000000, 0x3f800000};
    VALUE(t_complex64, c64, "(-0x0p+0 0x1p+0)");
}

static void test_values(void)
{
    const bool yes = true, no = false;
    VALUE(t_bool, &yes, "true");
    VALUE(t_bool, &no, "false");
    const intptr_t word = INTPTR_MIN + 1;
    VALUE(t_int, &word, PtrSize == 8 ? "-9223372036854775807" : "-2147483647");
    const int8_t i8 = -128;
    VALUE(t_int8, &i8, "-128");
    const int16_t i16 = -2;
    VALUE(t_int16, &i16, "-2");
    const int32_t i32 = INT32_MIN;
    VALUE(t_int32, &i32, "-2147483648");
    const int64_t i64 = INT64_MIN;
    VALUE(t_int64, &i64, "-9223372036854775808");
    const uint8_t u8 = 255;
    VALUE(t_uint8, &u8, "255");
    const uint64_t u64 = UINT64_MAX;
    VALUE(t_uint64, &u64, "18446744073709551615");
    VALUE(t_empty, NULL, "{}");
    const void *nowhere = NULL;
    VALUE(t_ptr, &nowhere, "ptr:0x0");

    const stringStruct s[] = {{"a \"b\" \\ \n\x7f\xc3\xa4\0z", 14}, {NULL, 0}};
    VALUE(t_string, &s[0], "\"a \\\"b\\\" \\\\ \\x0a\\x7f\\xc3\\xa4\\x00z\"");
    VALUE(t_string, &s[1], "\"\"");
    VALUE(t_strings, s + 0, "[\"a \\\"b\\\" \\\\ \\x0a\\x7f\\xc3\\xa4\\x00z\" \"\"]");

    unsigned char b[129] = {0x2a, 0, 0, 0, 1, 1, 1, 1, 2};
    VALUE(t_bytes16, b, "0x2a00000001*4,0200*7");
    VALUE(t_bytes129, b, "0x2a00000001*4,0200*120");

    padded p;
    memset(&p, 0xee, sizeof p);
    p.a = 1;
    p.b = 2;
    VALUE(t_padded, &p, "{1 2}");

    int64_t five = 5;
    const eface boxes[] = {{NULL, NULL}, {&t_int64, &five}, {&t_pointer, (void *)(uintptr_t)0x10}};
    VALUE(t_any, &boxes[0], "nil");
    VALUE(t_any, &boxes[1], "int64(5)");
    VALUE(t_any, &boxes[2], "unsafe.Pointer(ptr:0x10)");
    VALUE(t_pointer, &boxes[2].data, "ptr:0x10");
    VALUE(t_slice, boxes, "?");
}

/* ---- maps ------------------------------------------------------------- */

static uintptr_t constant(const rtype *key, const void *p, uintptr_t seed)
{
    (void)key;
    (void)p;
    (void)seed;
    return 0;
}

static maptype t;

static hmap *ints(intptr_t hint)
{
    test_type(&t, &t_int64, &t_int64, gm_exact);
    gm_rand_seed(1);
    hmap *h = makemap(&t, hint, NULL);
    CHECK(h != NULL);
    h->hash0 = 7;
    return h;
}

/* An empty map[string][129]uint8. */
static hmap *strings(void)
{
    MapOf(&t, &t_string, &t_bytes129, gm_exact);
    t.hasher = constant;
    hmap *h = makemap(&t, 0, NULL);
    CHECK(h != NULL);
    h->hash0 = 7;
    return h;
}

static void put_all(hmap *h, int64_t from, int64_t to)
{
    for (int64_t k = from; k <= to; k++) {
        CHECK(put(&t, h, k, 10 * k));
    }
}

static void del_all(hmap *h, int64_t from, int64_t to)
{
    for (int64_t k = from; k <= to; k++) {
        del(&t, h, k);
    }
}

static void test_small(void)
{
    hmap *h = ints(0);
    gm_dump(&t, NULL, sink);
    EXPECT("map nil\n");
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=0 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets -\n");
    put_all(h, 1, 3);
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=3 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main 05:1=10 05:2=20 05:3=30 .*5\n");
    /* Stale keys of pointer-free types stay, elems do not. */
    del_all(h, 2, 2);
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=2 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main 05:1=10 -~2 05:3=30 .*5\n");
    del_all(h, 3, 3);
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=1 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main 05:1=10 .~2 .~3 .*5\n");
    h->flags = hashWriting | 0x80;
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=1 flags=hashWriting|bit7 B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main 05:1=10 .~2 .~3 .*5\n");
    h->flags = 0;
    gm_map_free(&t, h);
}

/* 26 entries are the limit of four buckets: the next one begins a growth, and
 * evacuates its own bucket and bucket 0. */
static void test_growing(void)
{
    hmap *h = ints(20); /* B=2 */
    put_all(h, 0, 25);
    del_all(h, 24, 24);
    put_all(h, 27, 27);
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=26 flags=- B=2 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 4+0 next=-\n"
               "0 main 05:0=0 05:4=40 05:8=80 05:12=120 05:16=160 05:20=200 .~24 .\n"
               "1 main 05:1=10 05:5=50 05:9=90 05:13=130 05:17=170 05:21=210 05:25=250 .\n"
               "2 main 05:2=20 05:6=60 05:10=100 05:14=140 05:18=180 05:22=220 .*2\n"
               "3 main 05:3=30 05:7=70 05:11=110 05:15=150 05:19=190 05:23=230 05:27=270 .\n");
    put_all(h, 26, 26);
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=27 flags=- B=3 noverflow=0 hash0=0x00000007 nevacuate=1 growth=double\n"
               "buckets 8+0 next=-\n"
               "0 main 05:0=0 05:8=80 05:16=160 .*5\n"
               "1 empty\n"
               "2 main 05:2=20 05:10=100 05:18=180 05:26=260 .*4\n"
               "3 empty\n"
               "4 main 05:4=40 05:12=120 05:20=200 .*5\n"
               "5 empty\n"
               "6 main 05:6=60 05:14=140 05:22=220 .*5\n"
               "7 empty\n"
               "oldbuckets 4+0\n"
               "0 main X Y~4=40 X~8=80 Y~12=120 X~16=160 Y~20=200 E~24 E\n"
               "1 main 05:1=10 05:5=50 05:9=90 05:13=130 05:17=170 05:21=210 05:25=250 .\n"
               "2 main X~2=20 Y~6=60 X~10=100 Y~14=140 X~18=180 Y~22=220 E*2\n"
               "3 main 05:3=30 05:7=70 05:11=110 05:15=150 05:19=190 05:23=230 05:27=270 .\n");
    gm_map_free(&t, h);
}

static void test_chains(void)
{
    /* 1<<4 buckets with a tail of one, and more where the size class has room:
     * 17 buckets of 144 bytes (140 on 32-bit) are 2448 (2380), rounded to 2688. */
    hmap *h = ints(100);
    t.hasher = constant;
    put_all(h, 1, 9);
    gm_dump(&t, h, sink);
    const char *tail = PtrSize == 8 ? "2" : "3";
    char want[2048];
    snprintf(want, sizeof want,
             MAP "count=9 flags=- B=4 noverflow=1 hash0=0x00000007 nevacuate=0 growth=none\n"
                 "buckets 16+%s next=+1\n"
                 "0 main 05:1=10 05:2=20 05:3=30 05:4=40 05:5=50 05:6=60 05:7=70 05:8=80\n"
                 "0 +0 05:9=90 .*7\n"
                 "1..15 empty\n",
             tail);
    EXPECT(want);
    put_all(h, 10, 33);
    del_all(h, 4, 31);
    gm_dump(&t, h, sink);
    snprintf(want, sizeof want,
             MAP "count=5 flags=- B=4 noverflow=4 hash0=0x00000007 nevacuate=0 growth=none\n"
                 "buckets 16+%s next=-\n"
                 "0 main 05:1=10 05:2=20 05:3=30 -~4 -~5 -~6 -~7 -~8\n"
                 "0 +0 -~9 -~10 -~11 -~12 -~13 -~14 -~15 -~16\n"
                 "0 +1 -~17 -~18 -~19 -~20 -~21 -~22 -~23 -~24\n"
                 "0 %s -~25 -~26 -~27 -~28 -~29 -~30 -~31 05:32=320\n"
                 "0 heap 05:33=330 .*7\n"
                 "1..15 empty\n",
             tail, PtrSize == 8 ? "heap" : "+2");
    EXPECT(want);

    /* A chain that leads back is shown once. */
    bmap *b = h->buckets;
    gm_storep(add(b, t.bucketsize - (uintptr_t)PtrSize), b);
    gm_dump(&t, h, sink);
    CHECK(strstr(text, "\n0 cycle\n1..15 empty\n") != NULL);
    length = 0;
    gm_storep(add(b, t.bucketsize - (uintptr_t)PtrSize), add(b, 16 * (uintptr_t)t.bucketsize));
    gm_map_free(&t, h);
}

/* What slots without an entry hold may point nowhere. */
static void test_pointers(void)
{
    hmap *h = strings();
    const stringStruct keys[] = {{"one", 3}, {"two", 3}};
    for (size_t i = 0; i < 2; i++) {
        unsigned char *e = mapassign(&t, h, &keys[i]);
        CHECK(e != NULL);
        e[0] = (unsigned char)(i + 1);
    }
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=2 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main 05:\"one\"=0x0100*128 05:\"two\"=0x0200*128 .*6\n");
    bmap *b = h->buckets;
    b->tophash[0] = evacuatedX;
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=2 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main X~*=* 05:\"two\"=0x0200*128 .*6\n");
    b->tophash[0] = 5;
    mapdelete(&t, h, &keys[0]);
    gm_dump(&t, h, sink);
    EXPECT(MAP "count=1 flags=- B=0 noverflow=0 hash0=0x00000007 nevacuate=0 growth=none\n"
               "buckets 1+0 next=-\n"
               "0 main - 05:\"two\"=0x0200*128 .*6\n");
    gm_map_free(&t, h);
}

/* ---- iterators -------------------------------------------------------- */

/* Begins until the random word has chosen this start. */
static void begin(hmap *h, hiter *it, uintptr_t startBucket, uint8_t offset)
{
    do {
        gm_iter_end(it);
        mapiterinit(&t, h, it);
    } while (it->startBucket != startBucket || it->offset != offset);
}

static void test_iterators(void)
{
    hiter it = {0};
    gm_dump_iter(&it, sink);
    EXPECT("iter ended\n");

    hmap *h = ints(0);
    put_all(h, 1, 8);
    begin(h, &it, 0, 3);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=3 wrapped=true bucket=0 i=1 checkBucket=- buckets=new bptr=new:0 "
           "key=4 "
           "elem=40\n");

    /* The array of the iterator becomes the old one, then neither. */
    put_all(h, 9, 9);
    gm_dump_iter(&it, sink);
    CHECK(!hmap_growing(h));
    EXPECT("iter B=0 startBucket=0 offset=3 wrapped=true bucket=0 i=1 checkBucket=- buckets=gone bptr=gone:0 "
           "key=4 "
           "elem=40\n");
    mapiternext(&it);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=3 wrapped=true bucket=0 i=2 checkBucket=- buckets=gone bptr=gone:0 "
           "key=5 "
           "elem=50\n");

    /* Its entry is in an array that it does not hold; that goes away. */
    put_all(h, 10, 30);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=3 wrapped=true bucket=0 i=2 checkBucket=- buckets=gone bptr=gone:0 "
           "key=* "
           "elem=*\n");
    gm_iter_end(&it);
    gm_map_free(&t, h);

    /* Begun while growing, in a bucket that is not filled yet. */
    h = ints(20);
    put_all(h, 0, 26);
    CHECK(hmap_growing(h));
    begin(h, &it, 5, 0);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=3 startBucket=5 offset=0 wrapped=false bucket=6 i=2 checkBucket=5 buckets=new bptr=old:1 "
           "key=5 "
           "elem=50\n");
    gm_iter_end(&it);
    gm_map_free(&t, h);

    /* In the tail, in a heap bucket, and in one that clear has taken out. */
    h = ints(100);
    t.hasher = constant;
    put_all(h, 1, 40);
    begin(h, &it, 0, 0);
    for (int i = 0; i < 8; i++) {
        mapiternext(&it);
    }
    gm_dump_iter(&it, sink);
    EXPECT("iter B=4 startBucket=0 offset=0 wrapped=false bucket=1 i=1 checkBucket=- buckets=new "
           "bptr=new:0+0 key=9 "
           "elem=90\n");
    for (int i = 0; i < 24; i++) {
        mapiternext(&it);
    }
    gm_dump_iter(&it, sink);
    EXPECT("iter B=4 startBucket=0 offset=0 wrapped=false bucket=1 i=1 checkBucket=- buckets=new "
           "bptr=new:0.4 key=33 "
           "elem=330\n");
    mapclear(&t, h);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=4 startBucket=0 offset=0 wrapped=false bucket=1 i=1 checkBucket=- buckets=new "
           "bptr=new:parked "
           "key=33 elem=330\n");
    gm_iter_end(&it);
    gm_map_free(&t, h);
}

/* What the iterator points to may be gone after a write; it is not read then. */
static void test_stale_iterators(void)
{
    hmap *h = strings();
    const stringStruct keys[] = {{"one", 3}, {"two", 3}};
    for (size_t i = 0; i < 2; i++) {
        CHECK(mapassign(&t, h, &keys[i]) != NULL);
    }
    hiter it = {0};
    begin(h, &it, 0, 0);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=0 wrapped=true bucket=0 i=1 checkBucket=- buckets=new bptr=new:0 "
           "key=\"one\" elem=0x00*129\n");
    mapdelete(&t, h, &keys[0]);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=0 wrapped=true bucket=0 i=1 checkBucket=- buckets=new bptr=new:0 "
           "key=* elem=*\n");
    mapiternext(&it);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=0 wrapped=true bucket=0 i=2 checkBucket=- buckets=new bptr=new:0 "
           "key=\"two\" elem=0x00*129\n");
    /* Cleared, the entry's memory is parked for the iterator. */
    mapclear(&t, h);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=0 wrapped=true bucket=0 i=2 checkBucket=- buckets=new bptr=new:0 "
           "key=* elem=0x00*129\n");
    gm_iter_end(&it);
    gm_map_free(&t, h);

    /* But what that points to need not be there any more. */
    static const rtype strings17 = {.size = 17 * sizeof(stringStruct),
                                    .ptrdata = 17 * sizeof(stringStruct),
                                    .align = PtrSize,
                                    .kind = kindArray,
                                    .equal = arrayequal,
                                    .elem = &t_string,
                                    .len = 17,
                                    .name = "[17]string"};
    MapOf(&t, &t_int64, &strings17, gm_exact);
    h = makemap(&t, 0, NULL);
    const int64_t key = 5;
    CHECK(h != NULL && mapassign(&t, h, &key) != NULL);
    begin(h, &it, 0, 0);
    mapclear(&t, h);
    gm_dump_iter(&it, sink);
    EXPECT("iter B=0 startBucket=0 offset=0 wrapped=true bucket=0 i=1 checkBucket=- buckets=new bptr=new:0 "
           "key=0 elem=*\n");
    gm_iter_end(&it);
    gm_map_free(&t, h);
}

/* The bytes of a dump and of a file are the same. */
static void test_file(void)
{
    hmap *h = ints(0);
    FILE *f = tmpfile();
    CHECK(f != NULL);
    gm_dump(&t, h, gm_sink_file(f));
    gm_dump(&t, h, sink);
    char written[512];
    rewind(f);
    size_t n = fread(written, 1, sizeof written, f);
    fclose(f);
    CHECK(n == length && memcmp(written, text, n) == 0);
    length = 0;
    gm_map_free(&t, h);
}

int main(void)
{
    test_floats();
    test_values();
    test_small();
    test_growing();
    test_chains();
    test_pointers();
    test_iterators();
    test_stale_iterators();
    test_file();
    CHECK(gm_mem_stats_get().live_blocks == 0);
    return 0;
}
