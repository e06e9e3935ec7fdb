/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dump.h: a map and its iterators as canonical text, free of addresses and
 * the same on every CPU of one word size: what other ports diff against.
 *
 * A map is one line of header, then each array: a line with its size, and one
 * line for each bucket that is not all zero, chains in order.
 *
 *   map ptrsize=8 count=13 flags=oldIterator B=3 noverflow=0 hash0=0x00000007 nevacuate=1 growth=double
 *   buckets 8+0 next=-
 *   0 main 05:8=80 05:16=160 .*6
 *   1..3 empty
 *   4 main 05:4=40 .*7
 *   5..7 empty
 *   oldbuckets 4+0
 *   0 main Y~4=40 X~8=80 X~16=160 E~24 E*4
 *   1 main 05:1=10 -~5 05:9=90 05:13=130 .*4
 *   (and so on)
 *
 *   flags     names joined by |, or -
 *   growth    none, same or double
 *   buckets   main buckets + preallocated tail; next=+k: the first free tail bucket is number k of
 *             the tail, next=-: none is free.  `buckets -`: there is no array yet
 *   1..3      a run of buckets whose bytes are all zero
 *   0 main    main bucket 0; `0 +k`, `0 heap`: the following buckets of its chain, in the tail or
 *             allocated alone; `0 cycle`: the chain leads back into itself
 *
 *   05:K=E    a live slot: tophash in hex, key, elem
 *   . -       emptyRest, emptyOne
 *   X Y E     evacuatedX, evacuatedY, evacuatedEmpty
 *   .~K=E     what a slot without an entry still has: key and elem, =E or K left out where they are
 *             zero; * stands for a value with pointers, which may lead nowhere by now
 *   .*4       four slots in a row that look alike
 *
 *   values    7  true  nil  {} (no bytes)  "a\"\\\x00" (other than printable ASCII as \x)
 *             0x1.8p+1 (C's %a)  +inf  nan:0x7ff8000000000001 (its bits)  (re im)
 *             0x00*12,2a01 (bytes; four and more alike as *n)  [a b]  {a b} (fields, no padding)
 *             int64(5) (interface)  ptr:0x10 (pointer)  ? (slice, map, func)
 *
 * An iterator is one line: `iter ended`, or its fields; an array is `new`, `old`
 * or, if it is neither of the map's any more, `gone`:
 *
 *   iter B=0 startBucket=0 offset=3 wrapped=true bucket=0 i=2 checkBucket=- buckets=old
 *       bptr=old:0 key=4 elem=40                                             (one line)
 *
 *   bptr      array:bucket, then +k (tail) or .n (n-th of its chain, from 1) for overflow buckets;
 *             `parked`: out of the map; `unlinked`: cut off its chain
 *   key elem  what is there now; * where a write since has left nothing that can be shown: the
 *             memory is gone, or the slot has no entry and the value would have pointers
 */
#ifndef GOMAP_DUMP_H
#define GOMAP_DUMP_H

#include <stdio.h>

#include "map.h"

/* Receives the text in pieces, each of n bytes. */
typedef struct gm_sink {
    void (*write)(void *ctx, const char *s, size_t n);
    void *ctx;
} gm_sink;

/* Header, both arrays, chains, and the free preallocated bucket. */
GM_API void gm_dump(const maptype *t, hmap *h, gm_sink out);
/* One iterator: all its fields, positions as bucket numbers and chain depths. */
GM_API void gm_dump_iter(const hiter *it, gm_sink out);
/* One value of type t as dumps show it. */
GM_API void gm_dump_value(const rtype *t, const void *p, gm_sink out);

GM_API gm_sink gm_sink_file(FILE *f);

#endif
