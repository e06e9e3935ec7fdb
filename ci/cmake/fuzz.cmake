# SPDX-License-Identifier: BSD-3-Clause
#
# Judges, fuzz targets, replay and the compiled corpus.  The list of targets is
# fuzz/targets.def; nothing here names one.

include(${CMAKE_CURRENT_LIST_DIR}/targets.cmake)
gomap_targets(${PROJECT_SOURCE_DIR})

foreach(target IN LISTS GOMAP_TARGETS GOMAP_NEGATIVES)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/fuzz/fuzz_${target}.c)
    message(FATAL_ERROR "fuzz/targets.def names ${target}, but there is no fuzz/fuzz_${target}.c")
  endif()
endforeach()
file(GLOB target_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/fuzz_*.c)
foreach(source IN LISTS target_sources)
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "^fuzz_" "" name ${name})
  if(NOT name IN_LIST GOMAP_TARGETS AND NOT name IN_LIST GOMAP_NEGATIVES)
    message(FATAL_ERROR "fuzz/fuzz_${name}.c has no line in fuzz/targets.def")
  endif()
endforeach()

# uthash.h through a folder of its own: cross builds must not see the other
# headers that stand beside it.
find_path(GOMAP_UTHASH uthash.h DOC "folder of uthash.h")
if(NOT GOMAP_UTHASH)
  message(FATAL_ERROR "uthash.h not found: install uthash-dev (ci/setup does), or set GOMAP_UTHASH")
endif()
configure_file(${GOMAP_UTHASH}/uthash.h ${PROJECT_BINARY_DIR}/uthash/uthash.h COPYONLY)

file(GLOB oracle_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/oracle/*.c)
add_library(oracle STATIC ${oracle_sources})
target_include_directories(oracle SYSTEM PRIVATE ${PROJECT_BINARY_DIR}/uthash)
target_link_libraries(oracle PRIVATE gomap_flags gomap_judge)
# The judge go: the real runtime in a process of its own.
set(go_judge "")
if(GOMAP_GO119)
  set(go_judge ${PROJECT_BINARY_DIR}/go/gomap-go119)
  gomap_go_program(gomap-go119 ${PROJECT_SOURCE_DIR}/oracle/go ${go_judge})
endif()
target_compile_definitions(oracle PRIVATE GOMAP_GO_BINARY="${go_judge}")

# Everything in fuzz/ but the files with a main or an entry point.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.c)
list(FILTER fuzz_sources EXCLUDE REGEX "/fuzz/(bucket|conform|empty|engine|lockstep|replay|vector)\\.c$")
add_library(fuzzcore STATIC ${fuzz_sources})
target_link_libraries(fuzzcore PRIVATE gomap_flags gomap_judge PUBLIC oracle)

# What an engine looks at: the port, less the parts of it that only look at a
# map themselves, and less the hash that no trace uses.
set(seen ${ref_sources})
list(FILTER seen EXCLUDE REGEX "/ref/(aeshash|check|dump)\\.c$")
set(unseen ${ref_sources})
list(REMOVE_ITEM unseen ${seen})
if(GOMAP_ENGINE STREQUAL "aflpp")
  # File by file: a pattern for a folder would also hit ref/ in a clone that
  # stands below some fuzz/.
  file(GLOB judges CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/oracle/*.c ${PROJECT_SOURCE_DIR}/fuzz/*.c)
  # Hashing branches on keys and their sizes, never on the map.
  set(hashing ${PROJECT_SOURCE_DIR}/ref/alg.c)
  set(denied "")
  foreach(source IN LISTS unseen judges hashing)
    file(RELATIVE_PATH source ${PROJECT_SOURCE_DIR} ${source})
    string(APPEND denied "src: ${source}\n")
  endforeach()
  # Functions without a branch tell nothing that their callers do not, and the
  # checker calls them more often than the map does.
  foreach(function IN ITEMS bmap_overflow bucketMask bucketShift evacuated isEmpty)
    string(APPEND denied "fun: ${function}\n")
  endforeach()
  file(CONFIGURE OUTPUT ${GOMAP_AFL_DENYLIST} CONTENT "${denied}")
endif()

set(programs replay)
if(GOMAP_ENGINE STREQUAL "replay")
  list(APPEND programs bucket lockstep vector)
endif()
foreach(program IN LISTS programs)
  add_executable(${program} ${PROJECT_SOURCE_DIR}/fuzz/${program}.c)
  target_link_libraries(${program} PRIVATE gomap_flags gomap_judge fuzzcore oracle gomap_objects)
  if(TARGET gomap-go119)
    add_dependencies(${program} gomap-go119)
  endif()
endforeach()

if(GOMAP_ENGINE STREQUAL "replay")
  include(${CMAKE_CURRENT_LIST_DIR}/conform.cmake)
endif()

# libFuzzer's coverage hooks are known only to a binary that has the engine in
# it, so that replay keeps the plain objects.
set(engine_port gomap_objects)
if(GOMAP_ENGINE MATCHES "^(libfuzzer|aflpp)$")
  gomap_port(gomap_seen gomap_ref ${seen})
  target_link_libraries(gomap_seen PRIVATE gomap_coverage)
  gomap_port(gomap_unseen gomap_judge ${unseen})
  set(engine_port gomap_seen gomap_unseen)
endif()

if(NOT GOMAP_ENGINE STREQUAL "replay")
  foreach(target IN LISTS GOMAP_TARGETS GOMAP_NEGATIVES)
    set(binary fuzz_${target})
    add_executable(${binary} ${PROJECT_SOURCE_DIR}/fuzz/engine.c)
    target_compile_definitions(${binary} PRIVATE GM_TARGET=${target})
    target_link_libraries(${binary} PRIVATE gomap_flags gomap_judge fuzzcore oracle ${engine_port})
    if(GOMAP_ENGINE STREQUAL "custom")
      separate_arguments(engine_flags NATIVE_COMMAND "${GOMAP_CUSTOM_ENGINE}")
      target_link_libraries(${binary} PRIVATE ${engine_flags})
      set_target_properties(${binary} PROPERTIES LINKER_LANGUAGE CXX)
    else()
      target_link_options(${binary} PRIVATE -fsanitize=fuzzer)
    endif()
  endforeach()
endif()
if(GOMAP_ENGINE STREQUAL "aflpp")
  add_executable(empty ${PROJECT_SOURCE_DIR}/fuzz/empty.c)
  target_link_libraries(empty PRIVATE gomap_flags gomap_judge)
  target_link_options(empty PRIVATE -fsanitize=fuzzer)

  # The mutator as AFL++ loads it: into afl-fuzz itself, so that it must have
  # neither instrumentation nor sanitizers.  A plain compiler makes it.
  find_program(GOMAP_PLAIN_CC NAMES cc gcc clang DOC "compiler without instrumentation, for AFL++'s mutator.so" REQUIRED)
  set(mutator_sources ${ref_sources} ${PROJECT_SOURCE_DIR}/oracle/kinds.c)
  foreach(name IN ITEMS mutator_aflpp mutator recipe survey ops random_trace blocks spoil spoil_buckets spoil_header spoil_map
      spoil_run spoil_type targets)
    list(APPEND mutator_sources ${PROJECT_SOURCE_DIR}/fuzz/${name}.c)
  endforeach()
  foreach(target IN LISTS GOMAP_TARGETS GOMAP_NEGATIVES)
    list(APPEND mutator_sources ${PROJECT_SOURCE_DIR}/fuzz/fuzz_${target}.c)
  endforeach()
  file(GLOB mutator_headers CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/ref/*.h ${PROJECT_SOURCE_DIR}/oracle/*.h ${PROJECT_SOURCE_DIR}/fuzz/*.h)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/mutator.so
    COMMAND ${GOMAP_PLAIN_CC} -std=c11 -O2 -fPIC -shared -fvisibility=hidden -Wl,-z,defs -D_POSIX_C_SOURCE=200809L
      -o ${PROJECT_BINARY_DIR}/mutator.so ${mutator_sources}
    DEPENDS ${mutator_sources} ${mutator_headers} ${PROJECT_SOURCE_DIR}/fuzz/targets.def ${PROJECT_SOURCE_DIR}/fuzz/spoilers.def VERBATIM)
  add_custom_target(mutator ALL DEPENDS ${PROJECT_BINARY_DIR}/mutator.so)
endif()

# build/<preset>/corpus/<target>/: seeds compiled from their text, and the
# regression inputs as they are.  Engines and replay read this folder; for an
# engine to start from, min/ is there as well.
set(compiled "")
foreach(target IN LISTS GOMAP_TARGETS GOMAP_NEGATIVES)
  set(folder ${PROJECT_SOURCE_DIR}/corpus/${target})
  set(out ${PROJECT_BINARY_DIR}/corpus/${target})
  file(MAKE_DIRECTORY ${out})
  set(wanted "")
  file(GLOB seeds CONFIGURE_DEPENDS ${folder}/seed/*.txt)
  foreach(seed IN LISTS seeds)
    get_filename_component(name ${seed} NAME_WLE)
    list(APPEND wanted ${out}/${name})
  endforeach()
  if(seeds)
    # All in one call: under a sanitizer, or an emulator, a program is slow to start.
    add_custom_command(OUTPUT ${wanted}
      COMMAND replay --compile ${seeds} ${out}
      DEPENDS ${seeds} replay VERBATIM COMMENT "corpus/${target}/seed")
  endif()
  file(GLOB regress CONFIGURE_DEPENDS ${folder}/regress/*)
  list(FILTER regress EXCLUDE REGEX "\\.(txt|md)$")
  foreach(input IN LISTS regress)
    get_filename_component(name ${input} NAME)
    if(${out}/${name} IN_LIST wanted)
      message(FATAL_ERROR "corpus/${target}: both seed/ and regress/ have '${name}'")
    endif()
    list(APPEND wanted ${out}/${name})
    add_custom_command(OUTPUT ${out}/${name}
      COMMAND ${CMAKE_COMMAND} -E copy ${input} ${out}/${name} DEPENDS ${input} VERBATIM)
  endforeach()
  if(NOT GOMAP_ENGINE STREQUAL "replay")
    file(GLOB min CONFIGURE_DEPENDS ${folder}/min/*)
    set(copies ${min})
    list(TRANSFORM copies REPLACE "^.*/" "${out}/")
    if(min)
      list(APPEND wanted ${copies})
      add_custom_command(OUTPUT ${copies}
        COMMAND ${CMAKE_COMMAND} -E copy_directory ${folder}/min ${out} DEPENDS ${min} VERBATIM
        COMMENT "corpus/${target}/min")
    endif()
  endif()
  # An input that was renamed or removed must not live on here.
  file(GLOB present ${out}/*)
  if(wanted AND present)
    list(REMOVE_ITEM present ${wanted})
  endif()
  if(present)
    file(REMOVE ${present})
  endif()
  list(APPEND compiled ${wanted})
endforeach()
add_custom_target(corpus ALL DEPENDS ${compiled})
