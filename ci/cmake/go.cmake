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
