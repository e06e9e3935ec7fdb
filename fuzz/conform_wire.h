/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_wire.h: keys and elems as the words of conform/PROTOCOL.md.
 */
#ifndef GOMAP_CONFORM_WIRE_H
#define GOMAP_CONFORM_WIRE_H

#include "../oracle/kinds.h"

enum { wire_room = 2 * elem_max_size + 64 }; /* of a word, with its NUL */

/* The kinds and hashers that the protocol has words for are the first ones. */
enum { wire_key_kinds = key_float32, wire_hash_kinds = hash_aes };

typedef enum wire_answer {
    wire_ok,
    wire_strange,   /* a word for such a value, but not one that a trace has */
    wire_unreadable /* no such word */
} wire_answer;

/* The word of the key or elem at p, whose type is of that kind. */
void wire_put_key(key_kind k, const void *p, char out[wire_room]);
void wire_put_elem(elem_kind e, const void *p, char out[wire_room]);

/* The opposite: key_type(k)->size or elem_type(e)->size bytes at out.  copy: of
 * what the word does not say, such as which copy of a string's bytes. */
wire_answer wire_get_key(key_kind k, const char *word, uint32_t copy, void *out);
wire_answer wire_get_elem(elem_kind e, const char *word, void *out);

/* A number as requests and answers have it.  False: it is none. */
bool wire_number(const char *word, int64_t *v);

#endif
