/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_conform.c: what gomap-conform and its children have in common: keys and
 * elems as words and back, and a port that answers whatever it is asked.
 *
 *     build/gcc/tests/test_conform
 */
#include "../conform_port.h"

#include "../random_trace.h"
#include "../../ref/tests/test.h"

static uint64_t state = 7;

static size_t below(size_t n)
{
    return (size_t)(random_next(&state) >> 33) % n;
}

/* Every key of every kind is its word's key again. */
static void keys_survive(void)
{
    static uint64_t made[(key_max_size + 7) / 8], back[(key_max_size + 7) / 8];
    char word[wire_room];
    for (unsigned k = 0; k < wire_key_kinds; k++) {
        for (unsigned n = 0; n < key_numbers; n += k >= key_bytes127 && k <= key_bytes1000 ? 97 : 1) {
            uint32_t variant = (uint32_t)below(65536), payload = 0, again = 0;
            key_facts f = {.n = 0}, g = {.n = 0};
            key_make((key_kind)k, (uint16_t)n, variant, made);
            wire_put_key((key_kind)k, made, word);
            CHECK_ROW(k, wire_get_key((key_kind)k, word, variant, back) == wire_ok);
            CHECK_ROW(k,
                      key_read((key_kind)k, made, &f, &payload) && key_read((key_kind)k, back, &g, &again));
            CHECK_ROW(k, f.n == g.n && f.id == g.id && payload == again);
        }
    }
}

static void elems_survive(void)
{
    unsigned char made[elem_max_size], back[elem_max_size];
    char word[wire_room];
    for (unsigned e = 0; e < elem_kinds; e++) {
        for (uint64_t stamp = 0; stamp < 100000; stamp += 1 + stamp / 7) {
            elem_make((elem_kind)e, stamp, made);
            wire_put_elem((elem_kind)e, made, word);
            CHECK_ROW(e, wire_get_elem((elem_kind)e, word, back) == wire_ok);
            CHECK_ROW(e, elem_same((elem_kind)e, back, stamp));
        }
    }
}

static const struct {
    key_kind kind;
    const char *word;
    wire_answer want;
} words[] = {
    {key_int64, "i65536", wire_strange},
    {key_int64, "i", wire_unreadable},
    {key_int64, "i5x", wire_unreadable},
    {key_int64, "5", wire_unreadable},
    {key_int64, "", wire_unreadable},
    {key_int8, "i-1", wire_ok},
    {key_int8, "i255", wire_strange},
    {key_bytes16, "x00", wire_strange},
    {key_bytes16, "x0", wire_unreadable},
    {key_string, "x", wire_ok},
    {key_string, "x00", wire_strange},
    {key_string, "xZZ", wire_unreadable},
    {key_float64, "f7ff8000000000005", wire_ok},
    {key_float64, "f7ff9000000000005", wire_strange},
    {key_float64, "f7ff800000000000", wire_unreadable},
    {key_complex128, "c4010000000000000,3ff0000000000000", wire_ok},
    {key_complex128, "c4010000000000000", wire_unreadable},
    {key_complex128, "c", wire_unreadable},
    {key_iface, "n", wire_ok},
    {key_iface, "u3", wire_ok},
    {key_iface, "u4", wire_unreadable},
    {key_iface, "z", wire_unreadable},
    {key_padded, "s5,1407396358717445,9", wire_ok},
    {key_padded, "s5,1407396358717445", wire_ok},
    {key_padded, "s6,1407396358717445", wire_strange},
    {key_padded, "s5", wire_unreadable},
    {key_pointer, "p10010", wire_ok},
    {key_pointer, "p10011", wire_strange},
    {key_zero, "z", wire_ok},
    {key_zero, "z0", wire_unreadable},
};

static void foreign_words(void)
{
    static uint64_t key[(key_max_size + 7) / 8];
    for (size_t i = 0; i < LENGTH(words); i++) {
        CHECK_ROW(i, wire_get_key(words[i].kind, words[i].word, 0, key) == words[i].want);
    }
}

static bool says(port *p, const char *request, const char *want)
{
    const char *got = port_answer(p, request);
    if (want == NULL || got == NULL) {
        return want == got;
    }
    if (strcmp(got, want) != 0) {
        fprintf(stderr, "%s: `%s` instead of `%s`\n", request, got, want);
    }
    return strcmp(got, want) == 0;
}

/* A conversation. */
static void answers(void)
{
    static port p;
    CHECK(says(&p, "len", NULL)); /* no map yet */
    CHECK(says(&p, "map key=iface elem=int8 hint=0 hash=identity mode=exact seed=1", "ok 0"));
    CHECK(says(&p, "set i5 i-3", "ok 1"));
    CHECK(says(&p, "set x i4", "ok 2"));
    CHECK(says(&p, "get i5", "ok i-3"));
    CHECK(says(&p, "get f4014000000000000", "absent"));
    CHECK(says(&p, "get u0", "panic runtime error: hash of unhashable type []int"));
    CHECK(says(&p, "nil set i5 i1", "panic assignment to entry in nil map"));
    CHECK(says(&p, "nil len", "ok 0"));
    CHECK(says(&p, "next 0", "end"));
    CHECK(port_answer(&p, "iter 0") != NULL);
    CHECK(says(&p, "next 4", NULL));
    CHECK(says(&p, "set i5", NULL));
    CHECK(says(&p, "set i5 i5 i5", NULL));
    CHECK(says(&p, "", NULL));
    CHECK(says(&p, "map key=int65", "unsupported"));
    CHECK(says(&p, "map key=int64 hint=x", "unsupported"));
    CHECK(says(&p, "get i5", "ok i-3")); /* the map is still there */
    CHECK(says(&p, "free", "ok 0"));
}

/* Noise between requests that make sense: no answer, or one, and no crash. */
static void noise(void)
{
    static const char *const some[] = {"set i1 i2", "del i1",  "iter 0",  "next 0", "dump", "seed 5",
                                       "clear",     "nil get", "end 0 0", "fail",   "i",    "map key="};
    static port p;
    char text[64];
    CHECK(says(&p, "map key=int64", "ok 0"));
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "%s", some[below(LENGTH(some))]);
        if (below(2) == 0) {
            text[below(strlen(text))] = (char)(1 + below(255));
        }
        port_answer(&p, text);
    }
    CHECK(says(&p, "free", "ok 0"));
}

int main(void)
{
    keys_survive();
    elems_survive();
    foreign_words();
    answers();
    noise();
    return 0;
}
