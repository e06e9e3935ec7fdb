# SPDX-License-Identifier: BSD-3-Clause
#
# The tests of one build, for ctest in that build's own folder and for ci/test,
# which runs those of several builds side by side (ci/cmake/suite).
#
#   gomap_test_executables()                  builds tests/<name> of this build, all of them as unit_tests
#   gomap_unit_tests(BINARIES folder ...)     runs them
#   gomap_corpus_tests(BINARIES folder ...)   replays corpus/, target by target
#   gomap_vector_test(BINARIES folder ...)    compares with the recordings of corpus/vectors/
#   gomap_go_tests(BINARIES folder ...)       the same beside the real go1.19, and what
#                                             becomes of a child process that fails
#   gomap_conform_tests(BINARIES folder ...)  gomap-conform and the children that come with it
#   gomap_spec_tests()                        what ref/SPEC.md and ref/PORTING.md show, with build/gcc
#
# Options of the five before the last: PREFIX of the tests' names, LABELS, FIXTURES that
# they need, SKIP with a reason, EMULATOR that runs the programs of another
# machine; gomap_unit_tests: ONLY, a regex on the name; gomap_go_tests: OPS, how
# many random ones; gomap_vector_test: LEAVE_OUT, vectors with these flags.

set(GOMAP_ROOT ${CMAKE_CURRENT_LIST_DIR}/../..)
get_filename_component(GOMAP_ROOT ${GOMAP_ROOT} ABSOLUTE)
# The end of a judge's verdict.
set(GOMAP_VERDICT ": (op #[0-9]+|at the end)$")
set(GOMAP_EXPECT ${CMAKE_CURRENT_LIST_DIR}/expect)

file(GLOB GOMAP_REF_TESTS CONFIGURE_DEPENDS ${GOMAP_ROOT}/ref/tests/test_*.c)
file(GLOB GOMAP_FUZZ_TESTS CONFIGURE_DEPENDS ${GOMAP_ROOT}/oracle/tests/test_*.c ${GOMAP_ROOT}/fuzz/tests/test_*.c)

function(gomap_test_executables)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(Threads REQUIRED)
  add_custom_target(unit_tests)
  foreach(source IN LISTS GOMAP_REF_TESTS GOMAP_FUZZ_TESTS)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    target_include_directories(${name} SYSTEM PRIVATE ${PROJECT_BINARY_DIR}/uthash)
    target_link_libraries(${name} PRIVATE gomap_flags gomap_judge)
    if(source IN_LIST GOMAP_FUZZ_TESTS)
      target_link_libraries(${name} PRIVATE fuzzcore oracle)
    endif()
    target_link_libraries(${name} PRIVATE gomap_objects Threads::Threads)
    add_dependencies(unit_tests ${name})
  endforeach()
  # It reads the seeds that must fail, and the sources whose rules they break.
  target_compile_definitions(test_spoil PRIVATE GOMAP_ROOT="${GOMAP_ROOT}")
  gomap_runtime_hash()
endfunction()

# What test_runtime_hash compares with: recordings, and the Go runtime itself
# where this machine can run it.
function(gomap_runtime_hash)
  set(source ${GOMAP_ROOT}/ref/tests/hash_go)
  target_compile_definitions(test_runtime_hash PRIVATE GOMAP_HASH_RECORDED="${source}/recorded")
  if(NOT GOMAP_GO119)
    return()
  endif()
  set(hash_go ${PROJECT_BINARY_DIR}/tests/hash_go)
  gomap_go_program(hash_go ${source} ${hash_go})
  add_dependencies(test_runtime_hash hash_go)
  target_compile_definitions(test_runtime_hash PRIVATE GOMAP_HASH_GO="${hash_go}")
endfunction()

# One ctest test.  With SKIP it is listed as skipped, with the reason, instead.
function(gomap_test)
  cmake_parse_arguments(arg "" "NAME;TIMEOUT;PROCESSORS;SKIP;SETUP" "COMMAND;LABELS;FIXTURES" ${ARGN})
  if(arg_SKIP)
    set(arg_COMMAND ${GOMAP_EXPECT} skip ${arg_SKIP})
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND})
  set_tests_properties(${arg_NAME} PROPERTIES
    LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1;UBSAN_OPTIONS=print_stacktrace=1")
  if(arg_PROCESSORS)
    set_tests_properties(${arg_NAME} PROPERTIES PROCESSORS ${arg_PROCESSORS})
  endif()
  if(arg_SETUP)
    set_tests_properties(${arg_NAME} PROPERTIES FIXTURES_SETUP ${arg_SETUP})
  endif()
  if(arg_FIXTURES)
    set_tests_properties(${arg_NAME} PROPERTIES FIXTURES_REQUIRED "${arg_FIXTURES}")
  endif()
endfunction()

function(gomap_unit_tests)
  cmake_parse_arguments(arg "" "BINARIES;PREFIX;SKIP;EMULATOR;ONLY;WITHOUT" "LABELS;FIXTURES" ${ARGN})
  foreach(source IN LISTS GOMAP_REF_TESTS GOMAP_FUZZ_TESTS)
    get_filename_component(name ${source} NAME_WE)
    if((arg_ONLY AND NOT name MATCHES "${arg_ONLY}") OR (arg_WITHOUT AND name MATCHES "${arg_WITHOUT}"))
      continue()
    endif()
    gomap_test(NAME ${arg_PREFIX}${name} COMMAND ${arg_EMULATOR} ${arg_BINARIES}/tests/${name} TIMEOUT 300
      LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES} SKIP ${arg_SKIP})
    if(name STREQUAL "test_runtime_hash")
      gomap_test(NAME ${arg_PREFIX}${name}-live COMMAND ${arg_EMULATOR} ${arg_BINARIES}/tests/${name} --live TIMEOUT 300
        LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES} SKIP ${arg_SKIP})
    endif()
  endforeach()
endfunction()

function(gomap_corpus_tests)
  cmake_parse_arguments(arg "" "BINARIES;PREFIX;SKIP;EMULATOR" "LABELS;FIXTURES" ${ARGN})
  include(${GOMAP_ROOT}/ci/cmake/targets.cmake)
  gomap_targets(${GOMAP_ROOT})
  set(more LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES} SKIP ${arg_SKIP})
  set(replay ${arg_EMULATOR} ${arg_BINARIES}/replay)
  foreach(target IN LISTS GOMAP_TARGETS)
    # An empty folder is no success.
    set(all_well ${GOMAP_EXPECT} 0 "^[1-9][0-9]* files, 0 failed" ${replay} --target ${target})
    gomap_test(NAME ${arg_PREFIX}replay/${target} TIMEOUT 300 ${more}
      COMMAND ${all_well} --whole ${arg_BINARIES}/corpus/${target})
    # What runs to its end within the budget on one word size need not on the other.
    gomap_test(NAME ${arg_PREFIX}min/${target} TIMEOUT 300 ${more}
      COMMAND ${all_well} ${GOMAP_ROOT}/corpus/${target}/min)
    gomap_test(NAME ${arg_PREFIX}roundtrip/${target} TIMEOUT 300 ${more}
      COMMAND ${all_well} --roundtrip ${GOMAP_ROOT}/corpus/${target})
  endforeach()
  foreach(target IN LISTS GOMAP_NEGATIVES)
    # Each of its seeds has to fail.
    gomap_test(NAME ${arg_PREFIX}replay/${target} TIMEOUT 300 ${more}
      COMMAND ${GOMAP_EXPECT} 1 "^([0-9]+) files, \\1 failed" ${replay} --target ${target} ${arg_BINARIES}/corpus/${target})
  endforeach()
endfunction()

function(gomap_vector_test)
  cmake_parse_arguments(arg "" "BINARIES;PREFIX;SKIP;EMULATOR" "LABELS;FIXTURES;LEAVE_OUT" ${ARGN})
  set(options "")
  if(arg_EMULATOR)
    list(APPEND options --emulator ${arg_EMULATOR})
  endif()
  foreach(flag IN LISTS arg_LEAVE_OUT)
    list(APPEND options --skip ${flag})
  endforeach()
  gomap_test(NAME ${arg_PREFIX}vectors TIMEOUT 300 LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES} SKIP ${arg_SKIP}
    COMMAND ${GOMAP_EXPECT} 0 "[1-9][0-9]* vectors of go1\\.19.* 0 differ"
      ${GOMAP_ROOT}/ci/vectors --check ${arg_BINARIES} ${options})
endfunction()

function(gomap_go_tests)
  cmake_parse_arguments(arg "" "BINARIES;PREFIX;SKIP;EMULATOR;OPS" "LABELS;FIXTURES" ${ARGN})
  set(more LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES} SKIP ${arg_SKIP})
  foreach(target IN LISTS GOMAP_TARGETS)
    set(inputs ${arg_BINARIES}/corpus/${target})
    if(NOT arg_EMULATOR) # where Go's own runtime is slow, without the many
      list(APPEND inputs ${GOMAP_ROOT}/corpus/${target}/min)
    endif()
    gomap_test(NAME ${arg_PREFIX}go/${target} TIMEOUT 300 ${more}
      COMMAND ${GOMAP_EXPECT} 0 "^[1-9][0-9]* files, 0 failed.* agrees: [1-9][0-9]* states"
        ${arg_EMULATOR} ${arg_BINARIES}/replay --judge go --target ${target} ${inputs})
  endforeach()
  gomap_test(NAME ${arg_PREFIX}go/lockstep TIMEOUT 300 ${more}
    COMMAND ${GOMAP_EXPECT} 0 " 0 differences"
      ${arg_EMULATOR} ${arg_BINARIES}/lockstep --ops ${arg_OPS} --save ${arg_BINARIES})
  if(NOT arg_EMULATOR)
    gomap_test(NAME ${arg_PREFIX}go/faults TIMEOUT 300 ${more} COMMAND ${GOMAP_ROOT}/fuzz/tests/go_faults ${arg_BINARIES})
  endif()
endfunction()

function(gomap_spec_tests)
  cmake_parse_arguments(arg "" "" "LABELS;FIXTURES" ${ARGN})
  set(more LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES})
  gomap_test(NAME spec/examples TIMEOUT 300 ${more}
    COMMAND ${GOMAP_EXPECT} 0 "^[1-9][0-9]* traces .* 0 wrong" ${GOMAP_ROOT}/ci/docs)
  gomap_test(NAME spec/mistakes TIMEOUT 600 ${more}
    COMMAND ${GOMAP_EXPECT} 0 "^([1-9][0-9]*) mistakes, \\1 seen, 0 not" ${GOMAP_ROOT}/ci/docs --mistakes)
endfunction()

# Each child at all levels that it claims, and children at fault.
function(gomap_conform_tests)
  cmake_parse_arguments(arg "" "BINARIES;PREFIX;SKIP;EMULATOR" "LABELS;FIXTURES" ${ARGN})
  set(more LABELS ${arg_LABELS} FIXTURES ${arg_FIXTURES} SKIP ${arg_SKIP})
  set(conform ${arg_EMULATOR} ${arg_BINARIES}/gomap-conform --time 10s --timeout 60s)
  gomap_test(NAME ${arg_PREFIX}conform/ref TIMEOUT 300 ${more}
    COMMAND ${GOMAP_EXPECT} 0 "level structure +holds, [1-9]"
      ${conform} -- ${arg_EMULATOR} ${arg_BINARIES}/conform/child_ref)
  gomap_test(NAME ${arg_PREFIX}conform/uthash TIMEOUT 300 ${more}
    COMMAND ${GOMAP_EXPECT} 0 "level map +holds, [1-9]"
      ${conform} -- ${arg_EMULATOR} ${arg_BINARIES}/conform/child_uthash)
  if(arg_EMULATOR)
    return()
  endif()
  gomap_test(NAME ${arg_PREFIX}conform/dict TIMEOUT 300 ${more}
    COMMAND ${GOMAP_EXPECT} 0 "level map +holds, [1-9]"
      ${conform} -- python3 -B ${GOMAP_ROOT}/fuzz/conform/child_dict.py)
  gomap_test(NAME ${arg_PREFIX}conform/go TIMEOUT 300 ${more}
    COMMAND ${GOMAP_ROOT}/fuzz/tests/conform_go ${arg_BINARIES})
  gomap_test(NAME ${arg_PREFIX}conform/faults TIMEOUT 600 ${more}
    COMMAND python3 -B ${GOMAP_ROOT}/fuzz/tests/conform_faults.py ${arg_BINARIES})
endfunction()
