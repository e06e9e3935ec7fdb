# SPDX-License-Identifier: BSD-3-Clause
#
# The group "mutants": ci/mutants on a few functions (all of them take much
# longer), and that it fails where it has to.  Whatever is run, each entry of the
# list of equivalent mutants has to fit one.

set(more TIMEOUT 600 LABELS mutants FIXTURES built-gcc SKIP ${no_libclang})
set(mutants ${GOMAP_ROOT}/ci/mutants)
gomap_test(NAME mutants/few ${more} PROCESSORS ${GOMAP_JOBS}
  COMMAND ${GOMAP_EXPECT} 0 "100\\.0 % killed"
    ${mutants} --jobs ${GOMAP_JOBS} tophash overLoadFactor tooManyOverflowBuckets hashMightPanic)

set(bad ${PROJECT_BINARY_DIR}/bad)
file(MAKE_DIRECTORY ${bad})
file(WRITE ${bad}/fits-nothing.txt "map.c tophash negate\n- if (top < 6) {\n+ if (!(top < 6)) {\n= made up\n")
file(WRITE ${bad}/killed.txt
  "map.c tophash negate\n- if (top < minTopHash) {\n+ if (!(top < minTopHash)) {\n= made up\n")
file(WRITE ${bad}/no-entry.txt "map.c tophash negate\n- if (top < minTopHash) {\n= made up\n")
function(gomap_mutants_fail name status regex)
  gomap_test(NAME mutants/${name} COMMAND ${GOMAP_EXPECT} ${status} ${regex} ${mutants} ${ARGN} ${more})
endfunction()
gomap_mutants_fail(entry-fits-nothing 1 "fits-nothing.txt:4: fits no mutant"
  tophash --jobs 1 --equivalent ${bad}/fits-nothing.txt)
gomap_mutants_fail(entry-is-killed 1 "killed.txt:4: it need not stand there, it is killed: test_"
  tophash --jobs 1 --equivalent ${bad}/killed.txt)
gomap_mutants_fail(entry-incomplete 2 "no-entry.txt:3: not of the form" --list --equivalent ${bad}/no-entry.txt)
gomap_mutants_fail(list-missing 2 "no-such-file: No such file" --list --equivalent ${bad}/no-such-file)
gomap_mutants_fail(name 2 "no mutant of a file or function 'nonsense'" nonsense)
gomap_mutants_fail(id 2 "no mutant 'nonsense'" --show nonsense)
gomap_mutants_fail(sample 2 "--sample: 0" --sample 0)
gomap_mutants_fail(jobs 2 "--jobs: 0" --jobs 0)
gomap_mutants_fail(option 2 "unrecognized arguments" --frobnicate)
