/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_ops.c: bytes <-> ops <-> text lose nothing, and bad text is located.
 *
 *   cc -std=c11 -o test_ops fuzz/tests/test_ops.c fuzz/ops.c oracle/kinds.c \
 *      ref/aeshash.c ref/alg.c ref/maptype.c ref/runtime.c && ./test_ops [SEED]
 */
#include "../ops.h"

#include <inttypes.h>

static const char *where(void);
#define TEST_CASE where()
#include "../../ref/tests/test.h"

static uint64_t seed = 0x676f6d6170; /* an argument replaces it */

static const char *where(void)
{
    snprintf(test_case(), test_case_size, " (seed %" PRIu64 ")", seed);
    return test_case();
}

static uint64_t rnd_state;

static unsigned rnd(unsigned below)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 7;
    rnd_state ^= rnd_state << 17;
    return (unsigned)(rnd_state >> 32) % below;
}

static bool op_equal(const op *a, const op *b)
{
    return a->code == b->code && a->iter == b->iter && a->maker == b->maker && a->all == b->all &&
           a->count == b->count && a->key == b->key && a->step == b->step && a->hint == b->hint;
}

static bool trace_equal(const trace *a, const trace *b)
{
    bool header = a->key == b->key && a->elem == b->elem && a->hash == b->hash && a->mode == b->mode &&
                  a->maker == b->maker && a->seed == b->seed && a->hint == b->hint && a->nops == b->nops;
    for (size_t i = 0; header && i < a->nops; i++) {
        if (!op_equal(&a->ops[i], &b->ops[i])) {
            return false;
        }
    }
    return header;
}

/* Is every field in the range that ops.h gives, and 0 where it has no use? */
static bool op_canonical(const op *o)
{
    op want = {.code = o->code};
    int64_t odd;
    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        want.count = o->count;
        want.key = o->key;
        want.step = o->step;
        return op_equal(o, &want) && o->count >= 1 && o->count <= op_max_keys && o->step >= 1 &&
               o->step <= 128 && (o->step & (o->step - 1)) == 0 && (o->count > 1 || o->step == 1);
    case op_set_at:
    case op_del_at:
    case op_get_at:
    case op_iter:
    case op_end:
        want.iter = o->iter;
        return op_equal(o, &want) && o->iter < trace_iters;
    case op_next:
        want.iter = o->iter;
        want.all = o->all;
        want.count = o->count;
        return op_equal(o, &want) && o->iter < trace_iters && o->count <= op_max_steps &&
               o->all == (o->count == 0);
    case op_fail:
        want.count = o->count;
        want.key = o->key;
        return op_equal(o, &want) && o->count >= 1 && o->count <= 8;
    case op_seed:
    case op_nil:
        want.key = o->key;
        return op_equal(o, &want);
    case op_make:
        want.maker = o->maker;
        want.hint = o->hint;
        odd = o->hint;
        while (odd != 0 && odd % 2 == 0) {
            odd /= 2;
        }
        return op_equal(o, &want) && o->maker < op_makers && odd >= INT16_MIN && odd <= INT16_MAX;
    case op_clear:
    case op_check:
        return op_equal(o, &want);
    case op_codes:
        break;
    }
    return false;
}

static char *text_of(const trace *tr, size_t *len)
{
    static char text[256 * (trace_max_ops + 1)];
    char line[256];
    trace_print_header(tr, text, sizeof text);
    size_t n = strlen(text);
    text[n++] = '\n';
    for (size_t i = 0; i < tr->nops; i++) {
        op_print(tr, &tr->ops[i], line, sizeof line);
        size_t k = strlen(line);
        CHECK(k < 120);
        memcpy(text + n, line, k);
        n += k;
        text[n++] = '\n';
    }
    text[n] = '\0';
    *len = n;
    return text;
}

/* All ways round from what these bytes mean. */
static void round_trips(const uint8_t *data, size_t size)
{
    static trace a, b, c;
    static uint8_t bytes[trace_max_bytes], again[trace_max_bytes];
    trace_error err;
    size_t len;

    trace_decode(&a, data, size);
    CHECK(a.key < key_kinds && a.elem < elem_kinds && a.hash < hash_kinds && a.mode <= 1);
    CHECK(a.maker < op_makers && a.nops <= trace_max_ops);
    for (size_t i = 0; i < a.nops; i++) {
        CHECK(op_canonical(&a.ops[i]));
    }

    size_t n = trace_encode(&a, bytes);
    CHECK(n == trace_header_bytes + trace_op_bytes * a.nops);
    trace_decode(&b, bytes, n);
    CHECK(trace_equal(&a, &b));
    CHECK(trace_encode(&b, again) == n && memcmp(bytes, again, n) == 0);

    char *text = text_of(&a, &len);
    bool parsed = trace_parse(&c, text, len, &err);
    if (!parsed) {
        fprintf(stderr, "%u:%u: %s\n%s", err.line, err.column, err.message, text);
    }
    CHECK(parsed);
    CHECK(trace_equal(&a, &c));
}

static void test_random_bytes(void)
{
    static uint8_t data[trace_max_bytes + 64];
    for (unsigned i = 0; i < 200000; i++) {
        size_t size = i % 2000 == 0 ? sizeof data - rnd(80) : rnd(60);
        for (size_t j = 0; j < size; j++) {
            data[j] = (uint8_t)rnd(256);
        }
        round_trips(data, size);
    }
}

/* Every first and second byte, with keys at the edges. */
static void test_every_op(void)
{
    static const uint16_t keys[] = {0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff};
    uint8_t data[trace_header_bytes + trace_op_bytes] = {0};
    for (unsigned b0 = 0; b0 < 256; b0++) {
        for (unsigned b1 = 0; b1 < 256; b1++) {
            for (size_t k = 0; k < LENGTH(keys); k++) {
                data[12] = (uint8_t)b0;
                data[13] = (uint8_t)b1;
                data[14] = (uint8_t)keys[k];
                data[15] = (uint8_t)(keys[k] >> 8);
                round_trips(data, sizeof data);
            }
        }
    }
}

/* FORMAT.md's table of bytes, stated once more and independently. */
static void test_bytes(void)
{
    static trace tr;
    trace_decode(&tr, NULL, 0);
    CHECK(tr.key == key_int64 && tr.elem == elem_int64 && tr.hash == hash_real);
    CHECK(tr.mode == gm_exact && tr.maker == make_map && tr.hint == 0 && tr.seed == 0);
    CHECK(tr.nops == 0);

    static const uint8_t header[] = {
        key_kinds + 3, elem_kinds + 2, hash_kinds + 1, 0xfd, 0xfe, 0xff, 0x44, 0xaa, 1, 2, 3, 4};
    trace_decode(&tr, header, sizeof header);
    CHECK(tr.key == key_int32 && tr.elem == elem_int8 && tr.hash == hash_identity);
    CHECK(tr.mode == gm_strict && tr.maker == make_map64); /* 6 of three bits */
    CHECK(tr.hint == -32 && tr.seed == 0x04030201 && tr.nops == 0);

    static const uint8_t canonical[] = {3, 2, 1, 3, 0xe0, 0xff, 0, 0, 1, 2, 3, 4};
    static uint8_t encoded[trace_max_bytes];
    CHECK(trace_encode(&tr, encoded) == sizeof canonical);
    CHECK(memcmp(encoded, canonical, sizeof canonical) == 0);

    static const struct {
        uint8_t bytes[4];
        op want;
    } ops[] = {
        {{0, 0, 5, 0}, {.code = op_assign, .count = 1, .step = 1, .key = 5}},
        {{7 | 3 << 5, 255, 1, 2}, {.code = op_assign, .count = 64, .step = 8, .key = 513}},
        {{0 | 7 << 5, 0, 1, 2}, {.code = op_assign, .count = 1, .step = 1, .key = 513}},
        {{8 | 7 << 5, 1, 0, 0}, {.code = op_delete, .count = 2, .step = 128}},
        {{11, 0, 0, 0}, {.code = op_delete, .count = 1, .step = 1}},
        {{12, 9, 0, 0}, {.code = op_get, .count = 2, .step = 1}},
        {{5, 255, 0, 0}, {.code = op_assign, .count = 8, .step = 1}},
        {{10, 8, 0, 0}, {.code = op_delete, .count = 1, .step = 1}},
        {{14, 9, 0, 0}, {.code = op_get, .count = 10, .step = 1}},
        {{14, 64, 0, 0}, {.code = op_get, .count = 1, .step = 1}},
        {{15 | 2 << 5, 7, 7, 7}, {.code = op_set_at, .iter = 2}},
        {{16 | 6 << 5, 7, 7, 7}, {.code = op_set_at, .iter = 2}},
        {{17 | 3 << 5, 7, 7, 7}, {.code = op_del_at, .iter = 3}},
        {{18, 0, 0, 0}, {.code = op_del_at}},
        {{19, 0, 0, 0}, {.code = op_get_at}},
        {{20 | 1 << 5, 9, 9, 9}, {.code = op_iter, .iter = 1}},
        {{21, 9, 9, 9}, {.code = op_iter}},
        {{22 | 1 << 5, 0, 9, 9}, {.code = op_next, .iter = 1, .count = 1}},
        {{23, 255, 9, 9}, {.code = op_next, .count = 8}},
        {{24, 254, 9, 9}, {.code = op_next, .count = 63}},
        {{24, 255, 9, 9}, {.code = op_next, .all = true}},
        {{25 | 2 << 5, 9, 9, 9}, {.code = op_end, .iter = 2}},
        {{26 | 7 << 5, 9, 9, 9}, {.code = op_clear}},
        {{27 | 7 << 5, 9, 9, 9}, {.code = op_check}},
        {{28 | 7 << 5, 9, 2, 1}, {.code = op_fail, .count = 8, .key = 258}},
        {{29 | 7 << 5, 9, 2, 1}, {.code = op_seed, .key = 258}},
        {{30 | 7 << 5, 64 + 1, 0xff, 0xff}, {.code = op_make, .maker = 2, .hint = -2}},
        {{30 | 4 << 5, 0, 9, 0}, {.code = op_make, .maker = make_map_own, .hint = 9}},
        {{30, 63, 3, 0}, {.code = op_make, .hint = INT64_MIN}},
        {{30, 63, 2, 0}, {.code = op_make, .hint = 0}},
        {{31 | 7 << 5, 9, 2, 1}, {.code = op_nil, .key = 258}},
    };
    for (size_t i = 0; i < LENGTH(ops); i++) {
        uint8_t data[trace_header_bytes + trace_op_bytes] = {0};
        memcpy(data + trace_header_bytes, ops[i].bytes, 4);
        trace_decode(&tr, data, sizeof data);
        CHECK(tr.nops == 1 && op_equal(&tr.ops[0], &ops[i].want));
    }

    /* A piece of an op is an op whose other bytes are zero. */
    static const uint8_t piece[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 3, 200};
    trace_decode(&tr, piece, sizeof piece);
    CHECK(tr.nops == 1 && tr.ops[0].code == op_get && tr.ops[0].count == 4);
    CHECK(tr.ops[0].key == 200);
    trace_decode(&tr, piece, trace_header_bytes);
    CHECK(tr.nops == 0);

    /* What lies behind the last op does not exist. */
    static uint8_t most[trace_max_bytes + 100];
    trace_decode(&tr, most, sizeof most);
    CHECK(tr.nops == trace_max_ops);
    trace_decode(&tr, most, trace_max_bytes - 4);
    CHECK(tr.nops == trace_max_ops - 1);
}

static void parse_ok(trace *tr, const char *text)
{
    trace_error err;
    bool ok = trace_parse(tr, text, strlen(text), &err);
    if (!ok) {
        fprintf(stderr, "%s\n%u:%u: %s\n", text, err.line, err.column, err.message);
    }
    CHECK(ok);
}

static void test_sample(void)
{
    static const char sample[] = "map key=int64 elem=int64 hash=identity hint=0 seed=7 mode=exact\n"
                                 "assign 1..9\n"
                                 "iter a\n"
                                 "next a x3\n"
                                 "delete 4\n"
                                 "assign 100..140 step 8\n"
                                 "next a x*\n"
                                 "check\n";
    static const op want[] = {
        {.code = op_assign, .key = 1, .count = 9, .step = 1},
        {.code = op_iter},
        {.code = op_next, .count = 3},
        {.code = op_delete, .key = 4, .count = 1, .step = 1},
        {.code = op_assign, .key = 100, .count = 6, .step = 8},
        {.code = op_next, .all = true},
        {.code = op_check},
    };
    static trace tr;
    parse_ok(&tr, sample);
    CHECK(tr.key == key_int64 && tr.elem == elem_int64 && tr.hash == hash_identity);
    CHECK(tr.hint == 0 && tr.seed == 7 && tr.mode == gm_exact && tr.maker == make_map);
    CHECK(tr.nops == LENGTH(want));
    for (size_t i = 0; i < tr.nops; i++) {
        CHECK(op_equal(&tr.ops[i], &want[i]));
    }

    /* The sample is canonical: trace_print gives it back. */
    FILE *f = tmpfile();
    char back[sizeof sample + 16];
    CHECK(f != NULL);
    trace_print(&tr, f);
    rewind(f);
    size_t n = fread(back, 1, sizeof back, f);
    fclose(f);
    CHECK(n == strlen(sample) && memcmp(back, sample, n) == 0);
}

/* Each line is read, and printed as the second says (NULL: as itself). */
static void test_spellings(void)
{
    static const struct {
        const char *header, *line, *canonical;
    } table[] = {
        {"", "assign 5", NULL},
        {"", "assign 0..63", NULL},
        {"", "assign 65472..65535", NULL},
        {"", "assign 65473 x64", NULL},
        {"", "assign 65530 x10 step 2", NULL},
        {"", "assign 65535 x2 step 128", NULL},
        {"", "delete 1..9", NULL},
        {"", "get 100..140 step 8", NULL},
        {"", "get 0..8064 step 128", NULL},
        {"", "assign @a", NULL},
        {"", "delete @b", NULL},
        {"", "get @d", NULL},
        {"", "clear", NULL},
        {"", "iter c", NULL},
        {"", "next a", NULL},
        {"", "next b x63", NULL},
        {"", "next c x*", NULL},
        {"", "end a", NULL},
        {"", "check", NULL},
        {"", "fail after 2 x3", NULL},
        {"", "fail after 65535 x8", NULL},
        {"", "fail after 0", NULL},
        {"", "seed 77", NULL},
        {"", "make hint=27", NULL},
        {"", "make hint=-1 maker=makemap64", NULL},
        {"", "make hint=0 maker=makemap_small", NULL},
        {"", "make hint=0 maker=reflect_makemap", NULL},
        {"", "make hint=9 maker=own", NULL},
        {"", "make hint=-9223372036854775808", NULL},
        {"", "nil 5", NULL},
        {"", "nil 65535", NULL},

        {"", "assign 5 x3", "assign 5..7"},
        {"", "assign 5..5", "assign 5"},
        {"", "assign 5 step 64", "assign 5"},
        {"", "assign 5..5 step 2", "assign 5"},
        {"", "assign 5 x1 step 2", "assign 5"},
        {"", "assign 5..9 step 1", "assign 5..9"},
        {"", "assign 5 x1", "assign 5"},
        {"", "  get\t007\t", "get 7"},
        {"", "next a x1", "next a"},
        {"", "fail after 2 x1", "fail after 2"},
        {"", "make", "make hint=0"},
        {"", "make maker=makemap", "make hint=0"},
        {"", "make maker=makemap64 hint=3", "make hint=3 maker=makemap64"},
        {"", "make hint=1<<40", "make hint=1099511627776"},
        {"", "make hint=-1<<63", "make hint=-9223372036854775808"},
        {"", "make hint=-32768<<48", "make hint=-9223372036854775808"},
        {"", "make hint=2<<63", "make hint=0"},
        {"", "make hint=32767<<48", "make hint=9223090561878065152"},
        {"", "make hint=-0", "make hint=0"},
        {"", "check# all of it", "check"},
        {"", "check # assign nonsense", "check"},
        {"", "check\r", "check"},
        {"map key=float64\n", "assign nan x3", "assign 49152..49154"},
        {"map key=float64\n", "assign -0", "assign 1"},
        {"map key=float64\n", "get -0..inf", "get 1..2"},
        {"map key=complex128\n", "delete inf", "delete 2"},
        {"map key=iface\n", "nil slice", "nil 57344"},
        {"map key=iface\n", "assign -0..inf", "assign 32769..32770"},
        {"map key=iface\n", "assign nan", "assign 45056"},
    };
    static trace tr, back;
    char text[200], line[128];
    for (size_t i = 0; i < LENGTH(table); i++) {
        snprintf(text, sizeof text, "%s%s", table[i].header, table[i].line);
        parse_ok(&tr, text);
        CHECK(tr.nops == 1);
        op_print(&tr, &tr.ops[0], line, sizeof line);
        const char *want = table[i].canonical != NULL ? table[i].canonical : table[i].line;
        if (strcmp(line, want) != 0) {
            fprintf(stderr, "%s\n%s\n%s\n", table[i].line, want, line);
        }
        CHECK(strcmp(line, want) == 0);
        CHECK(op_canonical(&tr.ops[0]));

        uint8_t bytes[trace_max_bytes];
        trace_decode(&back, bytes, trace_encode(&tr, bytes));
        CHECK(trace_equal(&tr, &back));
    }
}

static void test_headers(void)
{
    static trace tr;
    char line[256];

    parse_ok(&tr, "");
    CHECK(tr.nops == 0);
    trace_print_header(&tr, line, sizeof line);
    CHECK(strcmp(line, "map key=int64 elem=int64 hash=real hint=0 seed=0 mode=exact") == 0);

    parse_ok(&tr, "\n# nothing\n\r\n   \nmap\r\n\nclear\r\n");
    CHECK(tr.nops == 1 && tr.ops[0].code == op_clear);

    static const char full[] = "map key=bytes1000 elem=bytes1025 hash=mintop hint=-2048 "
                               "seed=4294967295 mode=strict maker=reflect_makemap";
    parse_ok(&tr, full);
    CHECK(tr.key == key_bytes1000 && tr.elem == elem_bytes1025 && tr.hash == hash_mintop);
    CHECK(tr.hint == -2048 && tr.seed == UINT32_MAX && tr.mode == gm_strict);
    CHECK(tr.maker == make_map_reflect);
    trace_print_header(&tr, line, sizeof line);
    CHECK(strcmp(line, full) == 0);

    parse_ok(&tr, "map maker=makemap_small mode=strict seed=1 hint=3<<9 hash=random elem=zero "
                  "key=padded # any order");
    CHECK(tr.key == key_padded && tr.elem == elem_zero && tr.hash == hash_random);
    CHECK(tr.hint == 1536 && tr.seed == 1 && tr.mode == gm_strict && tr.maker == make_map_small);

    /* Every name of every kind, out and in. */
    for (unsigned i = 0; i < 256; i++) {
        uint8_t header[] = {(uint8_t)i, (uint8_t)i, (uint8_t)i, (uint8_t)i, (uint8_t)i, 0,
                            (uint8_t)i, 0,          (uint8_t)i, 0,          0,          0};
        round_trips(header, sizeof header);
    }
    /* Nothing is written past cap. */
    char small[8] = "1234567";
    trace_print_header(&tr, small, 5);
    CHECK(strcmp(small, "map ") == 0 && small[5] == '6');
    op_print(&tr, &(op){.code = op_assign, .count = 9, .step = 1}, small, 5);
    CHECK(strcmp(small, "assi") == 0 && small[5] == '6');
}

/* Malformed text: where, and a word that the message has to contain. */
static void test_errors(void)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *says;
    } table[] = {
        {"foo", 1, 1, "assign delete get clear iter next end check fail seed make or nil"},
        {"assign 1\n  Assign 2", 2, 3, "found \"Assign\""},
        {"assign 1\n\n# x\nclear 5", 4, 7, "the end of the line, found \"5\""},
        {"check check", 1, 7, "the end of the line"},
        {"assign", 1, 7, "found the end of the line"},
        {"assign  # 5", 1, 9, "found the end of the line"},
        {"assignment 5", 1, 1, "\"assignment\""},
        {"assign 65536", 1, 8, "0..65535"},
        {"assign 99999999999999999999999", 1, 8, "0..65535, found \"999999999999999...\""},
        {"assign -1", 1, 8, "a name that int64 keys have, found \"-1\""},
        {"assign nan", 1, 8, "a name that int64 keys have"},
        {"map key=float64\nassign slice", 2, 8, "a name that float64 keys have"},
        {"map key=iface\nassign NaN", 2, 8, "a name that iface keys have"},
        {"assign 5x3", 1, 9, "a blank"},
        {"assign 0x10", 1, 9, "a blank"},
        {"assign 5,6", 1, 9, "found \",6\""},
        {"assign 5 6", 1, 10, "the end of the line, found \"6\""},
        {"assign 5..", 1, 11, "a key number 0..65535"},
        {"assign 5...7", 1, 11, "found \".7\""},
        {"assign 5..70000", 1, 11, "0..65535"},
        {"assign 5 ..7", 1, 10, "the end of the line"},
        {"assign 5.7", 1, 9, "a blank"},
        {"assign 9..5", 1, 11, "at least 9"},
        {"assign 100..141 step 8", 1, 13, "100 plus a multiple of the step 8"},
        {"assign 0..64", 1, 11, "at most 64 keys, found 65"},
        {"assign 0..65535", 1, 11, "found 65536"},
        {"get 0..128 step 2", 1, 8, "found 65"},
        {"assign 5..9 x3", 1, 13, "the end of the line"},
        {"assign 5 x0", 1, 11, "1..64"},
        {"assign 5 x65", 1, 11, "1..64"},
        {"assign 5 x", 1, 11, "1..64"},
        {"assign 5 x*", 1, 11, "1..64"},
        {"assign 5 x3y", 1, 12, "a blank"},
        {"delete 5 step 3", 1, 15, "a step of 1, 2, 4, 8"},
        {"delete 5 step 256", 1, 15, "a step of 1, 2, 4, 8"},
        {"delete 5 step 0", 1, 15, "a step of 1, 2, 4, 8"},
        {"delete 5 step", 1, 14, "a step of 1, 2, 4, 8"},
        {"delete 5 step 2 x3", 1, 17, "the end of the line"},
        {"delete 5 stepp 2", 1, 10, "the end of the line"},
        {"assign @e", 1, 9, "a, b, c or d"},
        {"assign @", 1, 9, "a, b, c or d"},
        {"assign @ab", 1, 9, "a, b, c or d"},
        {"assign @a x2", 1, 11, "the end of the line"},
        {"iter", 1, 5, "a, b, c or d"},
        {"iter A", 1, 6, "a, b, c or d"},
        {"iter @a", 1, 6, "a, b, c or d"},
        {"end a b", 1, 7, "the end of the line"},
        {"next x3", 1, 6, "a, b, c or d"},
        {"next a 3", 1, 8, "the end of the line"},
        {"next a x64", 1, 9, "1..63"},
        {"next a x0", 1, 9, "1..63"},
        {"next a x*3", 1, 9, "1..63, or *"},
        {"fail", 1, 5, "after and a number"},
        {"fail 2", 1, 6, "after and a number"},
        {"fail after", 1, 11, "0..65535"},
        {"fail after -1", 1, 12, "0..65535"},
        {"fail after 65536", 1, 12, "0..65535"},
        {"fail after 1 x9", 1, 15, "1..8"},
        {"fail after 1 x0", 1, 15, "1..8"},
        {"fail after 1 x18446744073709551617", 1, 15, "1..8"},
        {"fail after 1x1", 1, 13, "a blank"},
        {"seed", 1, 5, "a seed 0..65535"},
        {"seed 65536", 1, 6, "a seed 0..65535"},
        {"seed nan", 1, 6, "a seed 0..65535"},
        {"seed 5 6", 1, 8, "the end of the line"},
        {"nil", 1, 4, "a key number"},
        {"nil 5..6", 1, 6, "a blank"},
        {"make 5", 1, 6, "hint= or maker="},
        {"make hint=1 hint=2", 1, 13, "hint= only once"},
        {"make maker=makemap maker=makemap", 1, 20, "maker= only once"},
        {"make maker=makemap32", 1, 12, "makemap makemap64 makemap_small reflect_makemap own"},
        {"make hint=", 1, 11, "16-bit number shifted left"},
        {"make hint=--1", 1, 11, "16-bit number shifted left"},
        {"make hint=+1", 1, 11, "16-bit number shifted left"},
        {"make hint=65537", 1, 11, "16-bit number shifted left"},
        {"make hint=32769", 1, 11, "16-bit number shifted left"},
        {"make hint=9223372036854775807", 1, 11, "16-bit number shifted left"},
        {"make hint=9223372036854775808", 1, 11, "16-bit number shifted left"},
        {"make hint=-9223372036854775809", 1, 11, "16-bit number shifted left"},
        {"make hint=1e6", 1, 11, "16-bit number shifted left"},
        {"make hint=1<<", 1, 14, "a shift 0..63"},
        {"make hint=1<<64", 1, 14, "a shift 0..63"},
        {"make hint=1<<4<<4", 1, 11, "16-bit number shifted left"},
        {"make hint=32768<<1", 1, 11, "-32768..32767 before <<"},
        {"make hint=-32769<<1", 1, 11, "-32768..32767 before <<"},
        {"map key=int65", 1, 9, "int64 int8 int16 int32 bytes16"},
        {"map key=notakindthatexists", 1, 9,
         "iface padded pointer float32 complex64 mixed, found \"notakindthatexi...\""},
        {"map key=", 1, 9, "found the end of the line"},
        {"map key= int64", 1, 9, "padded pointer"},
        {"map elem=string", 1, 10, "bytes1025 pointer, found \"string\""},
        {"map hash=md5", 1, 10, "mintop random aes, found \"md5\""},
        {"map mode=lax", 1, 10, "exact strict, found \"lax\""},
        {"map mode=strictly", 1, 10, "found \"strictly\""},
        {"map maker=new", 1, 11, "reflect_makemap own, found \"new\""},
        {"map seed=4294967296", 1, 10, "0..4294967295"},
        {"map seed=-1", 1, 10, "0..4294967295"},
        {"map seed=1x", 1, 11, "a blank"},
        {"map hint=100000001", 1, 10, "16-bit number shifted left"},
        {"map keys=int64", 1, 5, "key= elem= hash= hint= seed= mode= or maker="},
        {"map int64", 1, 5, "found \"int64\""},
        {"map seed=1 key=int8 seed=1", 1, 21, "seed= only once"},
        {"map\nmap", 2, 1, "only once and before all ops"},
        {"assign 1\n map", 2, 2, "only once and before all ops"},
        {"map\r\nassign 1\r\nfoo\r\n", 3, 1, "found \"foo\""},
        {"assign 1\rassign 2", 1, 9, "found \"?assign\""},
        {"clear\n\xef\xbb\xbfmap", 2, 1, "found \"???map\""},
    };
    static trace tr;
    trace_error err;
    for (size_t i = 0; i < LENGTH(table); i++) {
        const char *text = table[i].text;
        memset(&err, 0, sizeof err);
        bool ok = trace_parse(&tr, text, strlen(text), &err);
        bool right = !ok && err.line == table[i].line && err.column == table[i].column &&
                     strstr(err.message, table[i].says) != NULL && strstr(err.message, "expected") != NULL;
        if (!right) {
            fprintf(stderr, "%s\nis %s, %u:%u: %s\nshould be %u:%u: .. %s ..\n", text,
                    ok ? "accepted" : "refused", err.line, err.column, err.message, table[i].line,
                    table[i].column, table[i].says);
        }
        CHECK(right);
    }

    static const char nul[] = "clear\n# a\0b\n";
    CHECK(!trace_parse(&tr, nul, sizeof nul - 1, &err));
    CHECK(err.line == 2 && err.column == 4 && strstr(err.message, "NUL") != NULL);

    /* The text need not end in NUL or newline, and is not read past its end. */
    CHECK(trace_parse(&tr, "assign 12", 8, &err) && tr.nops == 1 && tr.ops[0].key == 1);
    CHECK(!trace_parse(&tr, "assign 1", 7, &err) && err.column == 8);

    static char many[6 * (trace_max_ops + 1) + 1];
    for (size_t i = 0; i <= trace_max_ops; i++) {
        memcpy(many + 6 * i, "clear\n", 6);
    }
    CHECK(trace_parse(&tr, many, 6 * (size_t)trace_max_ops, &err) && tr.nops == trace_max_ops);
    CHECK(!trace_parse(&tr, many, 6 * (size_t)trace_max_ops + 6, &err));
    CHECK(err.line == trace_max_ops + 1 && err.column == 1);
    CHECK(strstr(err.message, "at most 1021 ops") != NULL);
}

/* Text that is nearly right: whatever happens, the place is inside the text,
 * and what is accepted is canonical. */
static void test_random_text(void)
{
    static const char *const pieces[] = {
        "map ",   "key=",  "elem=",  "hash=", "hint=", "seed=", "mode=", "maker=", "int64", "iface", "exact",
        "assign", "get",   "delete", "next",  "iter",  "end",   "fail",  "after",  "make",  "nil",   "seed",
        "check",  "clear", " ",      " ",     " ",     " ",     "\n",    "\n",     "\r\n",  "\t",    "#",
        "@",      "a",     "x",      "x3",    "*",     "..",    "step ", "5",      "65535", "-",     "<<",
        "nan",    "-0",    "random", "99999", "\x80",  "8",     "16",    "makemap"};
    static trace tr, back;
    static uint8_t bytes[trace_max_bytes];
    char text[256];
    unsigned accepted = 0;
    for (unsigned i = 0; i < 300000; i++) {
        size_t len = 0;
        for (unsigned j = 1 + rnd(12); j > 0; j--) {
            const char *p = pieces[rnd(LENGTH(pieces))];
            memcpy(text + len, p, strlen(p));
            len += strlen(p);
        }
        trace_error err = {0, 0, ""};
        if (trace_parse(&tr, text, len, &err)) {
            accepted++;
            for (size_t j = 0; j < tr.nops; j++) {
                CHECK(op_canonical(&tr.ops[j]));
            }
            trace_decode(&back, bytes, trace_encode(&tr, bytes));
            CHECK(trace_equal(&tr, &back));
        } else {
            size_t line = 1, column = 1, at = 0;
            while (at < len && line < err.line) {
                line += text[at++] == '\n';
            }
            while (at < len && column < err.column && text[at] != '\n') {
                at++, column++;
            }
            CHECK(line == err.line && column == err.column && err.message[0] != '\0');
        }
    }
    CHECK(accepted > 1000);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        seed = strtoull(argv[1], NULL, 0);
    }
    rnd_state = seed != 0 ? seed : 1;
    printf("test_ops: seed %" PRIu64 "\n", seed);
    test_bytes();
    test_sample();
    test_spellings();
    test_headers();
    test_errors();
    test_every_op();
    test_random_bytes();
    test_random_text();
    return 0;
}
