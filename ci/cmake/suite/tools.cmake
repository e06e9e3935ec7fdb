# SPDX-License-Identifier: BSD-3-Clause
#
# The group "tools": what the commands do with arguments that make no sense
# (say so, exit 2, leave nothing behind), and the promises of ci/ itself.

set(bad ${PROJECT_BINARY_DIR}/bad)
file(MAKE_DIRECTORY ${bad})

# A wrong call: exits 2 and says what is wrong.
function(gomap_wrong name regex)
  gomap_test(NAME tools/${name} COMMAND ${GOMAP_EXPECT} 2 ${regex} ${ARGN} TIMEOUT 60 LABELS tools FIXTURES built-gcc)
endfunction()

gomap_test(NAME tools/setup-again COMMAND ${GOMAP_EXPECT} 0 "nothing to install" ${GOMAP_ROOT}/ci/setup
  TIMEOUT 60 LABELS tools)
gomap_wrong(setup-option "unknown argument" ${GOMAP_ROOT}/ci/setup --frobnicate)

gomap_wrong(test-group "no group 'nonsense'" ${GOMAP_ROOT}/ci/test nonsense)
gomap_wrong(test-option "unknown option" ${GOMAP_ROOT}/ci/test --frobnicate)
gomap_wrong(test-jobs "--jobs" ${GOMAP_ROOT}/ci/test --jobs 0)
gomap_wrong(test-jobs-missing "--jobs" ${GOMAP_ROOT}/ci/test --jobs)

set(fuzz ${GOMAP_ROOT}/ci/fuzz)
gomap_wrong(fuzz-target "no target 'nonsense'" ${fuzz} --target nonsense)
gomap_wrong(fuzz-engine "--engine.*nonsense" ${fuzz} --engine nonsense)
gomap_wrong(fuzz-time "--time.*fortnight" ${fuzz} --time fortnight)
gomap_wrong(fuzz-time-zero "--time.*0s" ${fuzz} --time 0s)
gomap_wrong(fuzz-jobs "--jobs.*-1" ${fuzz} --jobs -1)
gomap_wrong(fuzz-seed "--seed.*1e3" ${fuzz} --seed 1e3)
gomap_wrong(fuzz-sanitizer "--sanitizer.*tsan" ${fuzz} --sanitizer tsan)
gomap_wrong(fuzz-msan-aflpp "MSan.*libfuzzer" ${fuzz} --sanitizer msan --engine aflpp)
gomap_wrong(fuzz-json "--json.*no-such-folder" ${fuzz} --json ${bad}/no-such-folder/x.json)
gomap_wrong(fuzz-option "unrecognized arguments" ${fuzz} --frobnicate)
gomap_wrong(fuzz-word "unrecognized arguments" ${fuzz} frobnicate)

file(WRITE ${bad}/entry.list "map.c mapassign, true: h == NULL\n")
file(WRITE ${bad}/twice.list "never: for no reason\n    map.c mapassign, not called\n    map.c mapassign, not called\n")
gomap_wrong(coverage-list "--list.*no-such-file" ${GOMAP_ROOT}/ci/coverage --list ${bad}/no-such-file)
gomap_wrong(coverage-entry "entry\\.list:1: neither a section" ${GOMAP_ROOT}/ci/coverage --list ${bad}/entry.list)
gomap_wrong(coverage-twice "twice\\.list:3: .*twice" ${GOMAP_ROOT}/ci/coverage --list ${bad}/twice.list)
gomap_wrong(coverage-jobs "--jobs.*0" ${GOMAP_ROOT}/ci/coverage --jobs 0)
gomap_wrong(coverage-option "unrecognized arguments" ${GOMAP_ROOT}/ci/coverage --frobnicate)

gomap_wrong(corpus-target "no target 'nonsense'" ${GOMAP_ROOT}/ci/corpus --target nonsense)
gomap_wrong(corpus-into "--into.*no-such-folder" ${GOMAP_ROOT}/ci/corpus --into ${bad}/no-such-folder)
gomap_wrong(corpus-option "unrecognized arguments" ${GOMAP_ROOT}/ci/corpus --frobnicate)
gomap_test(NAME tools/corpus-unit COMMAND python3 -B ${GOMAP_ROOT}/ci/test_corpus.py
  TIMEOUT 180 LABELS tools FIXTURES built-libfuzzer-none)

gomap_wrong(bugs-name "no bug 'nonsense'" ${GOMAP_ROOT}/ci/bugs nonsense)
gomap_wrong(bugs-jobs "--jobs.*0" ${GOMAP_ROOT}/ci/bugs --jobs 0)
gomap_wrong(bugs-option "unrecognized arguments" ${GOMAP_ROOT}/ci/bugs --frobnicate)

set(replay ${build}/gcc/replay)
file(WRITE ${bad}/mistake.txt "map key=int64 elem=int64\nassign 1..9\nassing 3\n")
file(WRITE ${bad}/fine.txt "map key=int64 elem=int64\nassign 1..9\n")
gomap_wrong(replay-nothing "usage" ${replay})
gomap_wrong(replay-option "--frobnicate" ${replay} --frobnicate)
gomap_wrong(replay-target "nonsense" ${replay} --target nonsense ${bad}/fine.txt)
gomap_wrong(replay-file "no-such-file" ${replay} --target ${last_target} ${bad}/no-such-file)
gomap_wrong(replay-mistake "mistake\\.txt:3:1: " ${replay} --target ${last_target} ${bad}/mistake.txt)
gomap_wrong(replay-until "--until" ${replay} --target ${last_target} --until x ${bad}/fine.txt)
gomap_wrong(compile-mistake "mistake\\.txt:3:1: " ${replay} --compile ${bad}/mistake.txt ${bad}/out)
gomap_wrong(compile-folder "no-such-folder" ${replay} --compile ${bad}/fine.txt ${bad}/no-such-folder/out)

gomap_wrong(replay-judge "nonsense.*is not a judge" ${replay} --judge nonsense ${bad}/fine.txt)

set(lockstep ${GOMAP_ROOT}/ci/lockstep)
gomap_wrong(lockstep-ops "--ops.*few" ${lockstep} --ops few)
gomap_wrong(lockstep-bits "--bits.*16" ${lockstep} --bits 16)
gomap_wrong(lockstep-option "unrecognized arguments" ${lockstep} --frobnicate)
gomap_wrong(lockstep-kind "'nonsense' is no kind of key" ${build}/gcc/lockstep --kind nonsense)
gomap_wrong(lockstep-no-go "skipped: .*no-such-file" ${CMAKE_COMMAND} -E env GOMAP_GO=${bad}/no-such-file
  ${build}/gcc/lockstep --ops 1000)
gomap_wrong(vectors-build "no-such-folder.*build it first" ${GOMAP_ROOT}/ci/vectors --check ${bad}/no-such-folder)
gomap_wrong(vectors-option "unrecognized arguments" ${GOMAP_ROOT}/ci/vectors --frobnicate)
gomap_wrong(vector-option "usage" ${build}/gcc/vector --frobnicate)

set(triage ${GOMAP_ROOT}/ci/triage --preset gcc)
gomap_wrong(triage-nothing "usage" ${triage})
gomap_wrong(triage-file "no-such-file is not a file" ${triage} ${bad}/no-such-file)
gomap_wrong(triage-target "nonsense" ${triage} --target nonsense ${bad}/fine.txt)
gomap_wrong(triage-mistake "mistake\\.txt:3:1: " ${triage} ${bad}/mistake.txt)
gomap_wrong(triage-promote "what-was-wrong" ${triage} --promote ../escape ${bad}/fine.txt)
gomap_wrong(draw-name "ends in .svg" ${replay} --draw ${bad}/fine.txt ${bad}/fine.txt)
gomap_wrong(draw-folder "no-such-folder" ${replay} --draw ${bad}/no-such-folder/map.svg ${bad}/fine.txt)
gomap_test(NAME tools/triage-unit COMMAND python3 -B ${GOMAP_ROOT}/ci/test_triage.py ${build}/gcc
  TIMEOUT 180 LABELS tools FIXTURES built-gcc)

# ci/fuzz itself, with stand-ins for the engines where a real one takes long.
gomap_test(NAME tools/fuzz-unit COMMAND python3 -B ${GOMAP_ROOT}/ci/test_fuzz.py
  TIMEOUT 120 LABELS tools FIXTURES built-libfuzzer-asan-ubsan)

gomap_test(NAME tools/draw COMMAND python3 -B ${GOMAP_ROOT}/ci/test_draw.py ${build}/gcc
  TIMEOUT 120 LABELS tools FIXTURES built-gcc)

# The shared library exports what the headers declare, no more and no less.
gomap_test(NAME tools/exports COMMAND ${GOMAP_ROOT}/ci/cmake/exports ${build}/gcc/libgomap.so
  TIMEOUT 60 LABELS tools FIXTURES built-gcc)
