/* SPDX-License-Identifier: BSD-3-Clause
 *
 * clause.c: which clause of ref/SPEC.md a judge's rule looks after.  One line for
 * each rule that a failure can be reported under; ci/spec sees to it that none
 * is missing and that the words are still the clause's first.
 *
 * A rule looks at a state, and many mistakes lead to it: the clause is the one
 * that this state breaks, not always the one that the code broke.
 */
#include <string.h>

#include "oracle.h"

/* Where the id is NULL the words say why there is no clause. */
static const oracle_clause table[] = {
    {"check", "flags", "S-BUCKET-2", "flags MUST hold iterator (1), oldIterator (2), hashWriting"},
    {"check", "buckets-exist", "S-MAKE-4", "With B=0 a map MUST be made without buckets."},
    {"check", "spare-returned", "S-MEMORY-13", "An evacuation MUST set aside the overflow buckets that it"},
    {"check", "generation-current", "S-MEMORY-5", "The list of generations MUST have each generation of"},
    {"check", "generation-size", "S-MAKE-7", "An array with B of 4 or more MUST get a tail of overflow"},
    {"check", "growing-fields", "S-BUCKET-4", "oldbuckets MUST be the array before, while a growth goes"},
    {"check", "nevacuate-range", "S-BUCKET-5", "While a growth goes on nevacuate MUST be less than the"},
    {"check", "nevacuate-next", "S-EVACUATE-16", "Advancing the mark MUST add 1 to nevacuate, and then 1"},
    {"check", "load", "S-ASSIGN-7", "An insertion MUST start a growth first if none goes on and"},
    {"check", "prealloc-next", "S-OVERFLOW-1", "An overflow bucket MUST come from the tail as long as"},
    {"check", "chain-in-generation", "S-BUCKET-8", "A chain MUST go from a main bucket over overflow"},
    {"check", "chain-not-cyclic", "S-BUCKET-8", "A chain MUST go from a main bucket over overflow pointers"},
    {"check", "chain-not-shared", "S-BUCKET-8", "A chain MUST go from a main bucket over overflow pointers"},
    {"check", "nevacuate-prefix", "S-BUCKET-5", "While a growth goes on nevacuate MUST be less than the"},
    {"check", "destination-empty", "S-EVACUATE-18", "Nothing MUST be stored in a new bucket before the old"},
    {"check", "evacuated-all-or-none", "S-TOPHASH-5", "Either all slots of a chain MUST be in an evacuated"},
    {"check", "evacuated-in-current", "S-TOPHASH-5", "Either all slots of a chain MUST be in an evacuated"},
    {"check", "evacuated-side", "S-EVACUATE-9", "The old slot of an entry MUST become evacuatedX or"},
    {"check", "evacuated-wiped", "S-EVACUATE-14", "When the flag oldIterator is not set, the main bucket"},
    {"check", "emptyRest-is-rest", "S-TOPHASH-6", "Behind a slot that is emptyRest there MUST be nothing"},
    {"check", "emptyOne-not-last", "S-TOPHASH-7", "A free slot with no entry behind it in its chain MUST"},
    {"check", "fresh-slot-zero", "S-BUCKET-9", "A free slot MUST hold a zero elem, and a zero key where"},
    {"check", "indirect-live", "S-BUCKET-7", "An indirect slot MUST hold the address of the key or elem"},
    {"check", "indirect-unique", "S-MEMORY-7", "The memory of an indirect key or elem MUST belong to one"},
    {"check", "bucket-of-hash", "S-BUCKET-3", "buckets MUST be an array of 1<<B main buckets, and the main"},
    {"check", "tophash-of-hash", "S-TOPHASH-8", "The tophash beside an entry MUST be that of its key's"},
    {"check", "key-unique", "S-BUCKET-10", "No two entries of a map MUST have equal keys."},
    {"check", "count-exact", "S-BUCKET-1", "count MUST be the number of entries, which is what len"},
    {"check", "noverflow-exact", "S-OVERFLOW-4", "Every overflow bucket that is chained MUST add 1 to"},
    {"check", "prealloc-linked", "S-OVERFLOW-1", "An overflow bucket MUST come from the tail as long as"},
    {"check", "prealloc-free-is-free", "S-MAKE-10", "A new array MUST be all zero, and so MUST an array"},
    {"check", "prealloc-sentinel", "S-MAKE-9", "The last bucket of a tail MUST have a sentinel as overflow"},
    {"check", "overflow-linked", "S-MEMORY-6", "An overflow bucket MUST be listed with the generation in"},
    {"check", "generation-list", "S-MEMORY-5", "The list of generations MUST have each generation of the"},
    {"check", "generation-holders", "S-MEMORY-2", "A generation MUST be freed when the last of map and"},
    {"check", "overflow-list", "S-MEMORY-6", "An overflow bucket MUST be listed with the generation in"},
    {"check", "parked-list", "S-MEMORY-8", "What leaves the map while an iteration can still read it"},
    {"check", "parked-needs-iterator", "S-MEMORY-8", "What leaves the map while an iteration can still"},
    {"check", "iterator-holds", "S-MEMORY-3", "An iteration MUST hold the array that it walks and, where"},
    {"check", "iterator-flag", "S-ITERATE-4", "The beginning of an iteration MUST set the flags iterator"},
    {"check", "iterator-position", "S-ITERATE-17", "A step MUST leave behind where it stood: bucket, the"},
    {"check", "hint", "S-MAKE-3", "makemap MUST choose the smallest B for which hint entries"},
    {"check", "assigned-in-place", "S-ASSIGN-11", "An insertion MUST copy the key, set the slot's tophash"},
    {"check", "checker-memory", NULL, "the checker itself found no memory"},
    {"uthash", "fresh-elem-zero", "S-ASSIGN-12", "An assignment MUST return the address of the entry's"},
    {"uthash", "elem-current", "S-LOOKUP-7", "A lookup that finds the key MUST give the elem's address, in"},
    {"uthash", "membership", "S-LOOKUP-6", "A search MUST compare a key only with keys that have its"},
    {"uthash", "access-agree", "S-LOOKUP-8", "A lookup that does not find the key MUST give the address of"},
    {"uthash", "missing-elem-zero", "S-LOOKUP-8", "A lookup that does not find the key MUST give the"},
    {"uthash", "key-current", "S-ASSIGN-4", "An update MUST store the key again where the type needs it"},
    {"uthash", "key-wellformed", "S-ITERATE-15", "An entry that has not been evacuated, or whose key"},
    {"uthash", "length", "S-BUCKET-1", "count MUST be the number of entries, which is what len"},
    {"range", "after-end", "S-ITERATE-7", "At the end of an iteration key and elem MUST be nil."},
    {"range", "fault", "S-PANIC-6", "In exact mode a step that reads a key through a nil pointer"},
    {"range", "missed", "S-ITERATE-18", "An iteration MUST produce every entry that is there from its"},
    {"range", "deleted", "S-ITERATE-16", "An entry that has been evacuated MUST be looked up by its"},
    {"range", "twice", "S-ITERATE-18", "An iteration MUST produce every entry that is there from its"},
    {"alloc", "null-without-failure", "S-MEMORY-19", "A call MUST fail only where an allocation has"},
    {"memory", "leak", "S-MEMORY-10", "Freeing a map MUST free all that it and its iterations hold."},
    {"determinism", "digest", "S-MEMORY-20", "The same calls with the same seed MUST lead to the same"},
    {"panic", "unexpected", NULL, "which clause is a matter of its words"},
    {"throw", "unexpected", "S-PANIC-4", "An evacuation that meets a slot in an evacuated state in a"},
    {"fatal", "unexpected", "S-CONCURRENT-4", "An assignment, deletion or clearing MUST set hashWriting"},
    {"panic", "missing", "S-PANIC-2", "Hashing an interface whose value has no equality MUST panic"},
    {"panic", "words", "S-PANIC-2", "Hashing an interface whose value has no equality MUST panic"},
    {"panic", "randomness", "S-HASH-17", "A map MUST draw from the generator in these places and in no"},
    {"panic", "trace-left", "S-PANIC-3", "A panic MUST leave the map as it was, and no write going on."},
    {"panic", "nil-map", "S-PANIC-1", "An assignment to a nil map MUST panic with `assignment to"},
    {"go", "rand", "S-HASH-17", "A map MUST draw from the generator in these places and in no"},
    {"go", "ptrsize", NULL, "the machine, not the map"},
    {"go", "count", "S-BUCKET-1", "count MUST be the number of entries, which is what len"},
    {"go", "flags", "S-BUCKET-2", "flags MUST hold iterator (1), oldIterator (2), hashWriting"},
    {"go", "B", "S-BUCKET-3", "buckets MUST be an array of 1<<B main buckets, and the main"},
    {"go", "noverflow", "S-OVERFLOW-4", "Every overflow bucket that is chained MUST add 1 to"},
    {"go", "hash0", "S-MAKE-2", "A new map MUST get one fastrand as hash0."},
    {"go", "nevacuate", "S-EVACUATE-16", "Advancing the mark MUST add 1 to nevacuate, and then 1 for"},
    {"go", "growth", "S-GROW-4", "The flag sameSizeGrow MUST be set while a growth that keeps"},
    {"go", "ended", NULL, "the two dumps do not even have the same fields"},
    {"go", "first", "S-OVERFLOW-1", "An overflow bucket MUST come from the tail as long as there"},
    {"go", "sentinel", "S-MAKE-9", "The last bucket of a tail MUST have a sentinel as overflow"},
    {"go", "buckets", "S-MAKE-7", "An array with B of 4 or more MUST get a tail of overflow"},
    {"go", "nextOverflow", "S-OVERFLOW-1", "An overflow bucket MUST come from the tail as long as there"},
    {"go", "oldbuckets", "S-BUCKET-4", "oldbuckets MUST be the array before, while a growth goes on"},
    {"go", "tophash", "S-TOPHASH-2", "A tophash byte MUST be one of the states below or, from 5"},
    {"go", "key", "S-ASSIGN-11", "An insertion MUST copy the key, set the slot's tophash, and"},
    {"go", "elem", "S-ASSIGN-12", "An assignment MUST return the address of the entry's elem"},
    {"go", "overflow", "S-BUCKET-8", "A chain MUST go from a main bucket over overflow pointers to"},
    {"go", "iter.B", "S-ITERATE-2", "An iteration MUST walk the array that is the map's when it"},
    {"go", "iter.buckets", "S-ITERATE-2", "An iteration MUST walk the array that is the map's when it"},
    {"go", "iter.startBucket", "S-ITERATE-3", "An iteration MUST draw one random word r and start at"},
    {"go", "iter.offset", "S-ITERATE-3", "An iteration MUST draw one random word r and start at bucket"},
    {"go", "iter.wrapped", "S-ITERATE-6", "An iteration MUST go through all buckets in order of number"},
    {"go", "iter.bucket", "S-ITERATE-6", "An iteration MUST go through all buckets in order of number"},
    {"go", "iter.i", "S-ITERATE-17", "A step MUST leave behind where it stood: bucket, the number"},
    {"go", "iter.bptr", "S-ITERATE-17", "A step MUST leave behind where it stood: bucket, the number"},
    {"go", "iter.checkBucket", "S-ITERATE-10", "While the map grows and has the iteration's B, a bucket"},
    {"go", "iter.ended", "S-ITERATE-6", "An iteration MUST go through all buckets in order of number"},
    {"go", "result.seen", "S-LOOKUP-8", "A lookup that does not find the key MUST give the address of"},
    {"go", "result.panic", "S-PANIC-2", "Hashing an interface whose value has no equality MUST panic"},
    {"go", "result.key", "S-ITERATE-16", "An entry that has been evacuated MUST be looked up by its"},
    {"go", "result.elem", "S-ITERATE-16", "An entry that has been evacuated MUST be looked up by its"},
    {"go", "result.hash", NULL, "it stands for all results up to here"},
    {"go", "result.ended", NULL, "the two dumps do not even have the same fields"},
    {"go", "dump", NULL, "the two dumps do not even have the same lines"},
    {"go", "digest", NULL, "what differs is in no dump"},
    {"go", "differs", NULL, "where is not known"},
    {"go", "unsteady", NULL, "the two runs of the port differ, not port and runtime"},
    {"go", "no-answer", NULL, "go1.19 did not answer"},
};

const oracle_clause *oracle_clause_of(const oracle_report *r)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].judge, r->judge) == 0 && strcmp(table[i].rule, r->rule) == 0) {
            return table[i].id != NULL ? &table[i] : NULL;
        }
    }
    return NULL;
}
