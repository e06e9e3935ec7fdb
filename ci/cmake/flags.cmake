# SPDX-License-Identifier: BSD-3-Clause
#
# Compiler and sanitizer flags, as interface libraries to link with:
#   gomap_flags     warnings, optimisation, -m32
#   gomap_ref       the sanitizers of the port
#   gomap_judge     those of oracle/, fuzz/ and the tests, and POSIX for them
#   gomap_coverage  what the engine needs to see of the port

foreach(choice IN ITEMS
    "GOMAP_ENGINE replay libfuzzer aflpp custom"
    "GOMAP_SANITIZE none asan-ubsan msan tsan"
    "GOMAP_JUDGE_SANITIZE full address none")
  separate_arguments(choice)
  list(POP_FRONT choice option)
  set_property(CACHE ${option} PROPERTY STRINGS ${choice})
  if(NOT ${option} IN_LIST choice)
    list(JOIN choice ", " choice)
    message(FATAL_ERROR "${option} is '${${option}}'; it can be: ${choice}")
  endif()
endforeach()

set(gomap_clang OFF)
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
  set(gomap_clang ON)
endif()
if(NOT GOMAP_SANITIZE STREQUAL "none" AND NOT gomap_clang)
  message(FATAL_ERROR "GOMAP_SANITIZE=${GOMAP_SANITIZE} needs clang; the compiler is ${CMAKE_C_COMPILER}")
endif()
if(GOMAP_COVERAGE AND NOT gomap_clang)
  message(FATAL_ERROR "GOMAP_COVERAGE needs clang; the compiler is ${CMAKE_C_COMPILER}")
endif()
if(GOMAP_ENGINE STREQUAL "libfuzzer" AND NOT gomap_clang)
  message(FATAL_ERROR "GOMAP_ENGINE=libfuzzer needs clang; the compiler is ${CMAKE_C_COMPILER}")
endif()
if(GOMAP_ENGINE STREQUAL "aflpp" AND NOT CMAKE_C_COMPILER MATCHES "afl-clang")
  message(FATAL_ERROR "GOMAP_ENGINE=aflpp needs CMAKE_C_COMPILER=afl-clang-fast")
endif()
if(GOMAP_ENGINE STREQUAL "aflpp" AND GOMAP_SANITIZE STREQUAL "msan")
  message(FATAL_ERROR "GOMAP_SANITIZE=msan works with libfuzzer only")
endif()
if(GOMAP_M32 AND GOMAP_SANITIZE MATCHES "msan|tsan")
  message(FATAL_ERROR "there is no 32-bit ${GOMAP_SANITIZE}")
endif()

add_library(gomap_flags INTERFACE)
target_compile_options(gomap_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align -Wpointer-arith
  -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wnull-dereference -Wswitch-enum -Wimplicit-fallthrough)
if(GOMAP_M32)
  # Debian's gcc-12-multilib, unlike gcc-multilib, leaves asm/ where only the 64-bit compiler looks.
  target_compile_options(gomap_flags INTERFACE -m32 "SHELL:-idirafter /usr/include/x86_64-linux-gnu")
  target_link_options(gomap_flags INTERFACE -m32)
endif()

add_library(gomap_ref INTERFACE)
add_library(gomap_judge INTERFACE)
# The port is plain C11; what stands around it reads folders, maps files and starts threads.
# Without 64-bit offsets a 32-bit program cannot read the folders of some file systems.
target_compile_definitions(gomap_judge INTERFACE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64)
add_library(gomap_coverage INTERFACE)

if(GOMAP_ENGINE STREQUAL "custom")
  # OSS-Fuzz's convention: sanitizers, optimisation and coverage come in CFLAGS,
  # the engine in LIB_FUZZING_ENGINE, and the link is done by the C++ compiler.
  if(NOT GOMAP_SANITIZE STREQUAL "none")
    message(FATAL_ERROR "GOMAP_ENGINE=custom takes its sanitizers from CFLAGS; leave GOMAP_SANITIZE=none")
  endif()
  if("$ENV{LIB_FUZZING_ENGINE}" STREQUAL "" AND NOT GOMAP_CUSTOM_ENGINE)
    message(FATAL_ERROR "GOMAP_ENGINE=custom needs LIB_FUZZING_ENGINE in the environment")
  endif()
  set(GOMAP_CUSTOM_ENGINE "$ENV{LIB_FUZZING_ENGINE}" CACHE STRING "LIB_FUZZING_ENGINE of the first configuration")
  enable_language(CXX)
  return()
endif()

if(GOMAP_WERROR)
  target_compile_options(gomap_flags INTERFACE -Werror)
endif()
target_compile_options(gomap_flags INTERFACE -fno-omit-frame-pointer)
if(GOMAP_SANITIZE STREQUAL "none" AND NOT GOMAP_COVERAGE AND NOT CMAKE_CROSSCOMPILING)
  target_compile_options(gomap_flags INTERFACE -g)
else()
  # Lines and functions, which reports name; variables, for a debugger, are a fifth of the compiler's work.
  target_compile_options(gomap_flags INTERFACE -g1)
endif()
if(NOT CMAKE_BUILD_TYPE)
  target_compile_options(gomap_flags INTERFACE -O2)
endif()

set(no_recover -fno-sanitize-recover=all)
if(GOMAP_SANITIZE STREQUAL "asan-ubsan")
  set(full -fsanitize=address,undefined,nullability,float-divide-by-zero,local-bounds ${no_recover})
  set(ref ${full})
  # Unsigned wrap-around and implicit narrowing are defined in C; in the port
  # each one is deliberate and marked, so an unmarked one is a mistake.
  set(GOMAP_REF_SANITIZE "integer,implicit-conversion" CACHE STRING "sanitizers for ref/ beyond asan-ubsan")
  if(GOMAP_REF_SANITIZE)
    list(APPEND ref -fsanitize=${GOMAP_REF_SANITIZE})
  endif()
  target_compile_definitions(gomap_judge INTERFACE GOMAP_ASAN) # in the program, if not in the judges
  set(judge_full ${full})
  set(judge_address -fsanitize=address ${no_recover})
  set(judge_none "")
  set(judge ${judge_${GOMAP_JUDGE_SANITIZE}})
  set(link ${full})
elseif(GOMAP_SANITIZE STREQUAL "msan")
  # MSan knows memory only through instrumented code: all of it, judges too.
  set(ref -fsanitize=memory -fsanitize-memory-track-origins ${no_recover})
  set(judge ${ref})
  set(link ${ref})
elseif(GOMAP_SANITIZE STREQUAL "tsan")
  set(ref -fsanitize=thread)
  set(judge ${ref})
  set(link ${ref})
else()
  set(ref "")
  set(judge "")
  set(link "")
endif()
if(GOMAP_COVERAGE)
  # ci/coverage: counters in the port alone.
  list(APPEND ref -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc)
  list(APPEND link -fprofile-instr-generate -Wl,--wrap=_Exit,--wrap=abort)
  add_library(gomap_profile OBJECT ${CMAKE_CURRENT_LIST_DIR}/profile.c)
  target_link_libraries(gomap_profile PRIVATE gomap_flags)
  target_link_libraries(gomap_judge INTERFACE $<TARGET_OBJECTS:gomap_profile>)
endif()
target_compile_options(gomap_ref INTERFACE ${ref})
target_link_options(gomap_ref INTERFACE ${link})
target_compile_options(gomap_judge INTERFACE ${judge})
target_link_options(gomap_judge INTERFACE ${link})

# The engines look at the port only: coverage of the judges would fill the
# corpus with inputs that are new to a judge and nothing new to the map.
if(GOMAP_ENGINE STREQUAL "libfuzzer")
  # Edges without comparisons: keys are numbers of the trace, there is no magic
  # value to find, and tracing comparisons costs a third of the speed.
  target_compile_options(gomap_coverage INTERFACE -fsanitize-coverage=inline-8bit-counters,pc-table)
elseif(GOMAP_ENGINE STREQUAL "aflpp")
  # afl-clang-fast instruments whatever it compiles, unless a list says no
  # (written by fuzz.cmake).
  set(GOMAP_AFL_DENYLIST ${PROJECT_BINARY_DIR}/afl-denylist.txt)
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env AFL_QUIET=1 AFL_LLVM_DENYLIST=${GOMAP_AFL_DENYLIST})
  set(CMAKE_C_LINKER_LAUNCHER ${CMAKE_COMMAND} -E env AFL_QUIET=1)
  # A fifth faster: the checker calls small functions of the port all the time.
  # clang's own lld is the linker that can do it; without it there is none.  Of the
  # thin kind, whose code for the port and its judges one program leaves in a folder
  # for the next: a target has one file of its own.
  find_program(GOMAP_LLD NAMES ld.lld DOC "linker for link-time optimisation, of AFL++'s clang or newer")
  if(GOMAP_LLD)
    target_compile_options(gomap_flags INTERFACE -flto=thin)
    target_link_options(gomap_flags INTERFACE -flto=thin -fuse-ld=lld -Wl,--thinlto-cache-dir=${PROJECT_BINARY_DIR}/thinlto)
  endif()
endif()
