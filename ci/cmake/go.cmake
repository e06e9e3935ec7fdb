# SPDX-License-Identifier: BSD-3-Clause
#
# gomap-go119: the real go1.19 runtime, as a child process of the judge go
# (oracle/go).  Built where a Go of that version is found; elsewhere the judge
# says that it is missing.  GOMAP_GO_BINARY is its path, or empty.

set(GOMAP_GO_BINARY "")
find_program(GOMAP_GO_TOOL go PATHS /usr/lib/go-1.19/bin NO_DEFAULT_PATH DOC "the go tool of go1.19")
find_program(GOMAP_GO_TOOL go)
if(GOMAP_GO_TOOL)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env GOTOOLCHAIN=local ${GOMAP_GO_TOOL} version
    OUTPUT_VARIABLE version ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(version MATCHES "^go version go1\\.19(\\.[0-9]+)? ")
    set(GOMAP_GO_BINARY ${PROJECT_BINARY_DIR}/go/gomap-go119)
  else()
    message(STATUS "no judge go: ${GOMAP_GO_TOOL} is '${version}', not go1.19")
  endif()
else()
  message(STATUS "no judge go: golang-1.19-go is not installed")
endif()

if(GOMAP_GO_BINARY)
  # The child's words must be as wide as the port's.
  set(GOMAP_GOARCH "" CACHE STRING "GOARCH of gomap-go119; default: that of the compiler's target")
  set(goarch ${GOMAP_GOARCH})
  if(NOT goarch)
    if(GOMAP_M32)
      set(goarch 386)
    else()
      execute_process(COMMAND ${GOMAP_GO_TOOL} env GOHOSTARCH OUTPUT_VARIABLE goarch OUTPUT_STRIP_TRAILING_WHITESPACE)
    endif()
  endif()
  # Builds side by side share what they compile of Go's library.
  set(cache ${PROJECT_BINARY_DIR}/go/cache)
  if(PROJECT_BINARY_DIR MATCHES "^${PROJECT_SOURCE_DIR}/build/")
    set(cache ${PROJECT_SOURCE_DIR}/build/gocache)
  endif()
  file(GLOB go_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/oracle/go/*)
  add_custom_command(OUTPUT ${GOMAP_GO_BINARY}
    COMMAND ${CMAKE_COMMAND} -E env --unset=GOROOT
      GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 GOOS=linux GOARCH=${goarch}
      GOCACHE=${cache} ${GOMAP_GO_TOOL} build -trimpath -o ${GOMAP_GO_BINARY} .
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/oracle/go DEPENDS ${go_sources} VERBATIM
    COMMENT "gomap-go119 for ${goarch}")
  add_custom_target(gomap-go119 ALL DEPENDS ${GOMAP_GO_BINARY})
endif()
