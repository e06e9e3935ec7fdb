# SPDX-License-Identifier: BSD-3-Clause
#
# gomap-conform and the children that come with it: conform/child_ref, and
# conform/child_uthash, conform/child_go where they can be built.

add_executable(gomap-conform ${PROJECT_SOURCE_DIR}/fuzz/conform.c)
target_link_libraries(gomap-conform PRIVATE gomap_flags gomap_judge fuzzcore oracle gomap_objects)

add_executable(child_ref ${PROJECT_SOURCE_DIR}/fuzz/conform/child_ref.c)
target_link_libraries(child_ref PRIVATE gomap_flags gomap_judge fuzzcore oracle gomap_objects)
add_executable(child_uthash ${PROJECT_SOURCE_DIR}/fuzz/conform/child_uthash.c)
target_include_directories(child_uthash SYSTEM PRIVATE ${PROJECT_BINARY_DIR}/uthash)
target_link_libraries(child_uthash PRIVATE gomap_flags gomap_judge)
set_target_properties(child_ref child_uthash PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/conform)

# The built-in map of whatever Go there is.
set(GOMAP_CHILD_GO "")
if(NOT CMAKE_CROSSCOMPILING)
  find_program(GOMAP_ANY_GO go HINTS /usr/lib/go-1.19/bin DOC "a go of any version, for conform/child_go")
  mark_as_advanced(GOMAP_ANY_GO)
  if(GOMAP_ANY_GO)
    gomap_goarch(goarch)
    set(GOMAP_CHILD_GO ${PROJECT_BINARY_DIR}/conform/child_go)
    set(source ${PROJECT_SOURCE_DIR}/fuzz/conform/child_go/main.go)
    # As in go.cmake: builds side by side share what they compile of Go's library.
    set(cache ${PROJECT_BINARY_DIR}/gocache)
    if(PROJECT_BINARY_DIR MATCHES "^${PROJECT_SOURCE_DIR}/build/")
      set(cache ${PROJECT_SOURCE_DIR}/build/gocache)
    endif()
    add_custom_command(OUTPUT ${GOMAP_CHILD_GO}
      COMMAND ${CMAKE_COMMAND} -E env --unset=GOROOT GO111MODULE=off GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0
        GOOS=linux GOARCH=${goarch} GOCACHE=${cache}
        ${GOMAP_ANY_GO} build -p 2 -o ${GOMAP_CHILD_GO} ${source}
      DEPENDS ${source} JOB_POOL gomap_go VERBATIM COMMENT "child_go for ${goarch}")
    add_custom_target(child_go ALL DEPENDS ${GOMAP_CHILD_GO})
  endif()
endif()
