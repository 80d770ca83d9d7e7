# The versions of the ABIs, which the headers state (docs/abi.md).

# mlc_version(OUTPUT HEADER REGEX): the number after REGEX in include/mlc/HEADER.
function(mlc_version output header regex)
  set(path ${PROJECT_SOURCE_DIR}/include/mlc/${header})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(STRINGS ${path} line REGEX "${regex}[0-9]+")
  if(NOT line MATCHES "${regex}([0-9]+)")
    message(FATAL_ERROR "${path} has no line with '${regex}' and a number")
  endif()
  set(${output} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

mlc_version(MLC_C_VERSION c/mlc.h "#define MLC_C_VERSION ")      # names libmlc.so.N
mlc_version(MLC_DOOR_VERSION Abi/Door.h "kDoorVersion = ")       # names libmlc-compiler.so.N
mlc_version(MLC_THREADS_VERSION Abi/Threads.h "MLC_THREADS_VERSION ") # names libmlc-threads.so.N
