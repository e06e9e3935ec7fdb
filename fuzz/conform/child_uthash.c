/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child_uthash.c: a uthash table as a child of gomap-conform, at the level map.
 *
 *     build/gcc/gomap-conform -- build/gcc/conform/child_uthash
 *
 * Keys are the words of the protocol themselves, compared by their bytes: so it
 * leaves out the kinds where equal keys can look different.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table's default one falls through its cases, which clang warns of. */
#define HASH_FUNCTION(key, len, hash) HASH_FNV(key, len, hash)
#include <uthash.h>

typedef struct entry {
    UT_hash_handle hh;
    char *key, *elem;
} entry;

static entry *table;

static const char greeting[] = "hello 1 levels=map "
                               "keys=int64,int8,int16,int32,bytes16,bytes127,bytes128,bytes129,bytes1000,"
                               "zero,string,pointer name=uthash";

static entry *find(const char *key)
{
    entry *e = NULL;
    HASH_FIND(hh, table, key, strlen(key), e);
    return e;
}

static void drop(entry *e)
{
    HASH_DEL(table, e);
    free(e->key);
    free(e->elem);
    free(e);
}

static void clear(void)
{
    entry *e, *next;
    HASH_ITER(hh, table, e, next)
    {
        drop(e);
    }
}

static char *copy(const char *text)
{
    char *p = strdup(text);
    if (p == NULL) {
        abort();
    }
    return p;
}

static void set(const char *key, const char *elem)
{
    entry *e = find(key);
    if (e != NULL) {
        free(e->elem);
        e->elem = copy(elem);
        return;
    }
    e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->key = copy(key);
    e->elem = copy(elem);
    HASH_ADD_KEYPTR(hh, table, e->key, strlen(e->key), e);
}

/* Without a key or an elem where the request has none. */
static void answer(const char *what, const char *key, const char *elem)
{
    if (strcmp(what, "hello") == 0) {
        puts(greeting);
        return;
    }
    if (strcmp(what, "get") == 0 && key != NULL) {
        const entry *e = find(key);
        printf(e != NULL ? "ok %s\n" : "absent\n", e != NULL ? e->elem : "");
        return;
    }
    if (strcmp(what, "set") == 0 && elem != NULL) {
        set(key, elem);
    } else if (strcmp(what, "del") == 0 && key != NULL) {
        entry *e = find(key);
        if (e != NULL) {
            drop(e);
        }
    } else if (strcmp(what, "map") == 0 || strcmp(what, "clear") == 0) {
        clear();
    } else if (strcmp(what, "len") != 0) {
        puts("unsupported");
        return;
    }
    printf("ok %u\n", HASH_COUNT(table));
}

int main(void)
{
    static char line[1 << 13];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line;
        const char *what = strtok_r(rest, " \n", &rest);
        const char *key = strtok_r(rest, " \n", &rest);
        answer(what != NULL ? what : "", key, strtok_r(rest, " \n", &rest));
        fflush(stdout);
    }
    clear();
    return 0;
}
