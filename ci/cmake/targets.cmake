# SPDX-License-Identifier: BSD-3-Clause
#
# gomap_targets(ROOT): reads ROOT/fuzz/targets.def into GOMAP_TARGETS and
# GOMAP_NEGATIVES, and has CMake run again when that file changes.

function(gomap_targets root)
  set(def ${root}/fuzz/targets.def)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${def})
  foreach(kind IN ITEMS TARGET NEGATIVE)
    file(STRINGS ${def} lines REGEX "^${kind}\\(")
    set(names "")
    foreach(line IN LISTS lines)
      if(NOT line MATCHES "^${kind}\\(([a-z][a-z0-9_]*), \"[^\"]+\"\\)$")
        message(FATAL_ERROR "fuzz/targets.def: cannot read the line: ${line}")
      endif()
      list(APPEND names ${CMAKE_MATCH_1})
    endforeach()
    set(GOMAP_${kind}S ${names} PARENT_SCOPE)
  endforeach()
endfunction()
