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
gomap_wrong(fuzz-campaign-file "--campaign.*fine\\.txt is a file" ${fuzz} --campaign ${bad}/fine.txt)
gomap_wrong(fuzz-campaign-other "--campaign.*holds something else" ${fuzz} --campaign ${bad})
gomap_wrong(fuzz-campaign-folder "--campaign.*cannot make" ${fuzz} --campaign ${bad}/no-such-folder/campaign)
file(WRITE ${bad}-campaign/campaign.json "{\"gomap campaign\": 999}\n")
gomap_wrong(fuzz-campaign-version "--campaign.*another version" ${fuzz} --campaign ${bad}-campaign)
gomap_wrong(fuzz-campaign-work "--campaign.*--work" ${fuzz} --campaign ${bad}/campaign --work ${bad}/work)
gomap_wrong(fuzz-campaign-replay "--campaign.*--no-replay" ${fuzz} --campaign ${bad}/campaign --no-replay)
gomap_wrong(fuzz-slice "--slice is for --campaign" ${fuzz} --slice 5m)
gomap_wrong(fuzz-option "unrecognized arguments" ${fuzz} --frobnicate)
gomap_wrong(fuzz-word "unrecognized arguments" ${fuzz} frobnicate)

gomap_wrong(oss-fuzz-engine "--engine.*nonsense" ${oss_fuzz} --engine nonsense)
gomap_wrong(oss-fuzz-jobs "--jobs.*0" ${oss_fuzz} --jobs 0)

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
gomap_wrong(bugs-seeds "--seeds.*0" ${GOMAP_ROOT}/ci/bugs --fuzz --seeds 0)
gomap_wrong(bugs-targets "no target 'nonsense'.*best, all, " ${GOMAP_ROOT}/ci/bugs --fuzz --targets nonsense)
gomap_wrong(bugs-engine "--engine.*nonsense" ${GOMAP_ROOT}/ci/bugs --fuzz --engine nonsense)
gomap_wrong(bugs-time "--time.*fortnight" ${GOMAP_ROOT}/ci/bugs --fuzz --time fortnight)
gomap_wrong(bugs-without-fuzz "--seeds goes with --fuzz" ${GOMAP_ROOT}/ci/bugs --seeds 3)
gomap_wrong(bugs-option "unrecognized arguments" ${GOMAP_ROOT}/ci/bugs --frobnicate)

gomap_wrong(spec-clause "no clause 'S-NONSENSE-1'" ${GOMAP_ROOT}/ci/spec S-NONSENSE-1)
gomap_wrong(spec-option "unrecognized arguments" ${GOMAP_ROOT}/ci/spec --frobnicate)
gomap_wrong(docs-option "unrecognized arguments" ${GOMAP_ROOT}/ci/docs --frobnicate)
gomap_wrong(docs-both "do not go together" ${GOMAP_ROOT}/ci/docs --draw --mistakes)
gomap_wrong(bucket-kind "'nonsense' is no kind of elem" ${build}/gcc/bucket int64 nonsense)
gomap_wrong(bucket-nothing "usage" ${build}/gcc/bucket)

set(replay ${build}/gcc/replay)
file(WRITE ${bad}/mistake.txt "map key=int64 elem=int64\nassign 1..9\nassing 3\n")
file(WRITE ${bad}/fine.txt "map key=int64 elem=int64\nassign 1..9\n")
gomap_wrong(replay-nothing "usage" ${replay})
gomap_wrong(replay-option "--frobnicate" ${replay} --frobnicate)
gomap_wrong(replay-target "nonsense" ${replay} --target nonsense ${bad}/fine.txt)
gomap_wrong(replay-file "no-such-file" ${replay} --target ${last_target} ${bad}/no-such-file)
gomap_wrong(replay-mistake "mistake\\.txt:3:1: " ${replay} --target ${last_target} ${bad}/mistake.txt)
gomap_wrong(replay-budget "--budget" ${replay} --target ${last_target} --budget 0 ${bad}/fine.txt)
gomap_wrong(replay-budget-draw "--budget" ${replay} --budget 80 --draw ${bad}/map.svg ${bad}/fine.txt)
gomap_wrong(replay-until "--until" ${replay} --target ${last_target} --until x ${bad}/fine.txt)
gomap_wrong(compile-mistake "mistake\\.txt:3:1: " ${replay} --compile ${bad}/mistake.txt ${bad}/out)
gomap_wrong(compile-many "is no folder" ${replay} --compile ${bad}/fine.txt ${bad}/fine.txt ${bad}/out)
gomap_wrong(compile-binary "is not named" ${replay} --compile ${bad}/out ${bad})
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

gomap_wrong(conform-bugs-name "no bug 'nonsense'" ${GOMAP_ROOT}/ci/conform-bugs nonsense)
gomap_wrong(conform-bugs-seconds "--seconds.*0" ${GOMAP_ROOT}/ci/conform-bugs --seconds 0)
set(conform ${build}/gcc/gomap-conform)
gomap_wrong(conform-nothing "no child: its command stands behind --" ${conform})
gomap_wrong(conform-option "--frobnicate" ${conform} --frobnicate -- cat)
gomap_wrong(conform-word "behind --" ${conform} cat)
gomap_wrong(conform-time "--time.*such as 30s" ${conform} --time soon -- cat)
gomap_wrong(conform-seed "--seed" ${conform} --seed 1e3 -- cat)
gomap_wrong(conform-save "--save: '.*no-such-folder' is no folder" ${conform} --save ${bad}/no-such-folder -- cat)
gomap_wrong(conform-child "no-such-file: No such file" ${conform} -- ${bad}/no-such-file)
gomap_wrong(conform-greeting "has to begin with" ${conform} -- cat)
gomap_wrong(conform-levels "does not claim the level range" ${conform} --levels range -- ${build}/gcc/conform/child_uthash)
gomap_wrong(conform-level "knows map, range, structure and memory" ${conform} --levels maps -- ${build}/gcc/conform/child_ref)
gomap_wrong(conform-corpus "no folder of traces" ${conform} --corpus ${bad}/no-such-folder -- ${build}/gcc/conform/child_ref)
gomap_wrong(conform-mistake "mistake\\.txt:3:1: " ${conform} --only ${bad}/mistake.txt -- ${build}/gcc/conform/child_ref)

set(triage ${GOMAP_ROOT}/ci/triage --preset gcc)
gomap_wrong(triage-nothing "usage" ${triage})
gomap_wrong(triage-file "no-such-file is not a file" ${triage} ${bad}/no-such-file)
gomap_wrong(triage-target "nonsense" ${triage} --target nonsense ${bad}/fine.txt)
gomap_wrong(triage-mistake "mistake\\.txt:3:1: " ${triage} ${bad}/mistake.txt)
gomap_wrong(triage-form "--as.*perl" ${triage} --as perl ${bad}/fine.txt)
gomap_wrong(triage-promote "what-was-wrong" ${triage} --promote ../escape ${bad}/fine.txt)
gomap_wrong(draw-name "ends in .svg" ${replay} --draw ${bad}/fine.txt ${bad}/fine.txt)
gomap_wrong(draw-folder "no-such-folder" ${replay} --draw ${bad}/no-such-folder/map.svg ${bad}/fine.txt)
gomap_test(NAME tools/triage-unit COMMAND python3 -B ${GOMAP_ROOT}/ci/test_triage.py ${build}/gcc
  TIMEOUT 600 LABELS tools FIXTURES built-gcc)

# ref/layout.json, and the tables made of it: what the code says, and what Go says.
set(layout_says "on 386: .* are the same")
if(no_go)
  set(layout_says "skipped: not compared with Go")
elseif(no_m32)
  set(layout_says "on amd64: .* are the same")
endif()
gomap_test(NAME tools/layout COMMAND ${GOMAP_EXPECT} 0 ${layout_says} ${GOMAP_ROOT}/ci/layout --check TIMEOUT 300 LABELS tools)
gomap_wrong(layout-option "unrecognized arguments" ${GOMAP_ROOT}/ci/layout --frobnicate)
gomap_test(NAME tools/layout-unit COMMAND python3 -B ${GOMAP_ROOT}/ci/test_layout.py TIMEOUT 300 LABELS tools SKIP ${no_m32})

# ci/fuzz itself, with stand-ins for the engines where a real one takes long.
gomap_test(NAME tools/fuzz-unit COMMAND python3 -B ${GOMAP_ROOT}/ci/test_fuzz.py
  TIMEOUT 120 LABELS tools FIXTURES built-libfuzzer-asan-ubsan)

# A campaign: killed, taken up again, pruned, interrupted.  It leaves AFL++ out where it is not.
gomap_test(NAME tools/campaign COMMAND python3 -B ${GOMAP_ROOT}/ci/test_campaign.py
  TIMEOUT 300 LABELS tools FIXTURES built-libfuzzer-asan-ubsan built-aflpp-asan-ubsan)

gomap_test(NAME tools/draw COMMAND python3 -B ${GOMAP_ROOT}/ci/test_draw.py ${build}/gcc
  TIMEOUT 120 LABELS tools FIXTURES built-gcc)

# The shared library exports what the headers declare, no more and no less.
gomap_test(NAME tools/exports COMMAND ${GOMAP_ROOT}/ci/cmake/exports ${build}/gcc/libgomap.so
  TIMEOUT 60 LABELS tools FIXTURES built-gcc)
