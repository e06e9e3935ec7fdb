/* SPDX-License-Identifier: BSD-3-Clause
 *
 * answers.h: reads what ref/tests/hash_go printed, the format that the head of
 * its main.go describes, while test_runtime_hash.c computes the same.
 */
#ifndef GOMAP_ANSWERS_H
#define GOMAP_ANSWERS_H

#include <inttypes.h>

#include "../../ref/tests/test.h"

typedef struct answers {
    FILE *in;
    const char *name; /* of the input, for messages */
    char go[32], arch[32];
    bool aes, same_order; /* is its byte order this machine's? */
    unsigned compared, skipped, wrong;
} answers;

static answers runtime;

static _Noreturn void unreadable(const char *what, const char *found)
{
    fprintf(stderr, "%s: expected %s, found '%s'\n", runtime.name, what, found);
    exit(2);
}

enum { word_size = 2 * 128 + 2 };

static const char *next_word(const char *what)
{
    static char word[word_size];
    _Static_assert(sizeof word == 258, "the width below");
    if (fscanf(runtime.in, "%257s", word) != 1) {
        unreadable(what, "the end");
    }
    return word;
}

static void expect_word(const char *wanted)
{
    const char *word = next_word(wanted);
    if (strcmp(word, wanted) != 0) {
        unreadable(wanted, word);
    }
}

static uint64_t next_number(const char *what, int base)
{
    const char *word = next_word(what);
    char *end;
    uint64_t n = strtoull(word, &end, base);
    if (*end != '\0' || strlen(word) > 16) {
        unreadable(what, word);
    }
    return n;
}

/* Is the next word the first of two words? */
static bool next_is_first(const char *first, const char *second)
{
    const char *word = next_word(first);
    if (strcmp(word, first) != 0 && strcmp(word, second) != 0) {
        unreadable(first, word);
    }
    return strcmp(word, first) == 0;
}

static bool little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* Reads the header, and makes hashkey, aeskeysched and useAeshash what they
 * were in the runtime. */
static void read_header(void)
{
    expect_word("gomap-hashes");
    expect_word("1");
    snprintf(runtime.go, sizeof runtime.go, "%.31s", next_word("a version"));
    snprintf(runtime.arch, sizeof runtime.arch, "%.31s", next_word("a GOARCH"));
    if (strncmp(runtime.go, "go1.19", 6) != 0) {
        unreadable("answers of go1.19", runtime.go);
    }
    expect_word("word");
    expect_word(PtrSize == 8 ? "64" : "32");
    expect_word("order");
    runtime.same_order = next_is_first("little", "big") == little_endian();
    expect_word("mode");
    runtime.aes = next_is_first("aes", "fallback");

    expect_word("hashkey");
    for (size_t i = 0; i < LENGTH(hashkey); i++) {
        hashkey[i] = (uintptr_t)next_number("a word of hashkey", 16);
    }
    expect_word("aeskeysched");
    const char *word = next_word("aeskeysched's bytes");
    bool whole = strlen(word) == 2 * sizeof aeskeysched;
    for (size_t i = 0; i < sizeof aeskeysched; i++) {
        unsigned byte;
        if (!whole || sscanf(word + 2 * i, "%2x", &byte) != 1) {
            unreadable("aeskeysched's bytes", word);
        }
        aeskeysched[i] = (unsigned char)byte;
    }
    useAeshash = runtime.aes;
}

/* What a row hashes.  Numbers lie in memory in the machine's byte order, and so
 * hash differently on another; bytes do not if the hash goes by bytes, as that
 * by AES does. */
typedef enum content { numbers, bytes } content;

/* Compares number i of a series. */
static void row(const char *series, unsigned i, uint64_t hash, content c)
{
    if (i % 8 == 0) {
        expect_word(series);
        if (next_number(series, 10) != i) {
            unreadable("the next line of", series);
        }
    }
    uint64_t go = next_number(series, 16);
    if (!runtime.same_order && (c == numbers || !runtime.aes)) {
        runtime.skipped++;
        return;
    }
    runtime.compared++;
    if (hash != go && runtime.wrong++ < 10) {
        fprintf(stderr, "%s: %s, number %u: %" PRIx64 ", the runtime has %" PRIx64 "\n", runtime.name, series,
                i, hash, go);
    }
}

#endif
