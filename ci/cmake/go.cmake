# SPDX-License-Identifier: BSD-3-Clause
#
# GOMAP_GO119: the go command of go1.19, whose runtime the port is compared
# with, or NOTFOUND (the tests that need it are then skipped, by name).  Debian's
# golang-1.19-go first, then a `go` on PATH; any other version is refused.

set(GOMAP_GO119 GOMAP_GO119-NOTFOUND CACHE FILEPATH "the go command of go1.19; OFF: do without")

# What `command version` says, into the variable out.
function(gomap_go_version command out)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env GOTOOLCHAIN=local ${command} version
    OUTPUT_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${out} "${said}" PARENT_SCOPE)
endfunction()

function(gomap_find_go119)
  set(is_go119 "^go version go1\\.19(\\.[0-9]+)? ")
  if(GOMAP_GO119)
    gomap_go_version(${GOMAP_GO119} version)
    if(NOT version MATCHES "${is_go119}")
      message(FATAL_ERROR "GOMAP_GO119=${GOMAP_GO119} is not go1.19; it says: '${version}'")
    endif()
    return()
  endif()
  if(NOT GOMAP_GO119 MATCHES "NOTFOUND$")
    return()
  endif()
  find_program(GOMAP_GO_ON_PATH go DOC "a go of any version")
  mark_as_advanced(GOMAP_GO_ON_PATH)
  foreach(go IN ITEMS /usr/lib/go-1.19/bin/go ${GOMAP_GO_ON_PATH})
    if(NOT EXISTS ${go})
      continue()
    endif()
    gomap_go_version(${go} version)
    if(version MATCHES "${is_go119}")
      message(STATUS "go1.19: ${go}")
      set_property(CACHE GOMAP_GO119 PROPERTY VALUE ${go})
      return()
    endif()
    message(STATUS "${go} is refused, it is not go1.19: ${version}")
  endforeach()
  message(STATUS "no go1.19: nothing is compared with the Go runtime itself")
endfunction()
gomap_find_go119()

# What Go calls the machine that this build is for.
function(gomap_goarch out)
  set(machine ${CMAKE_SYSTEM_PROCESSOR})
  set(names x86_64 amd64 i.86 386 aarch64 arm64 armv.* arm mips mips ppc64 ppc64 riscv64 riscv64 s390x s390x)
  if(GOMAP_M32)
    set(machine i686)
  endif()
  set(${out} ${machine} PARENT_SCOPE)
  while(names)
    list(POP_FRONT names pattern goarch)
    if(machine MATCHES "^${pattern}$")
      set(${out} ${goarch} PARENT_SCOPE)
    endif()
  endwhile()
endfunction()

# Programs in Go one after the other: the first has its machine's library compiled,
# which those behind it find in the cache, and at once each would do it again.  For
# the same reason without -trimpath, whose library is another than the one installed.
set_property(GLOBAL APPEND PROPERTY JOB_POOLS gomap_go=1)

# Target `name`: the Go program in `folder` as the file `output`, for the machine
# of this build.  Where that is another one than the host, output is a script
# that runs it under the emulator.
function(gomap_go_program name folder output)
  gomap_goarch(goarch)
  set(program ${output})
  if(CMAKE_CROSSCOMPILING)
    set(program ${output}.${goarch})
    file(WRITE ${output} "#!/bin/sh\nexec ${CMAKE_CROSSCOMPILING_EMULATOR} ${program} \"$@\"\n")
    execute_process(COMMAND chmod +x ${output})
  endif()
  # Builds side by side share what they compile of Go's library.
  set(cache ${PROJECT_BINARY_DIR}/gocache)
  if(PROJECT_BINARY_DIR MATCHES "^${PROJECT_SOURCE_DIR}/build/")
    set(cache ${PROJECT_SOURCE_DIR}/build/gocache)
  endif()
  file(GLOB parts CONFIGURE_DEPENDS ${folder}/*.go ${folder}/*.s ${folder}/go.mod)
  add_custom_command(OUTPUT ${program}
    COMMAND ${CMAKE_COMMAND} -E env --unset=GOROOT GO111MODULE=on GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local
      CGO_ENABLED=0 GOOS=linux GOARCH=${goarch} GOCACHE=${cache}
      ${GOMAP_GO119} build -p 2 -buildvcs=false -o ${program} .
    WORKING_DIRECTORY ${folder} DEPENDS ${parts} JOB_POOL gomap_go VERBATIM COMMENT "${name} for ${goarch}")
  add_custom_target(${name} ALL DEPENDS ${program})
endfunction()
