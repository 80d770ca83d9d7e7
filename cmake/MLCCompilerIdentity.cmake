# Writes build/include/mlc/CompilerIdentity.h: a text that changes whenever an image may
# come out differently, which is part of the keys of cached images.
#
# Included, it adds the target mlc-compiler-identity; as a script (cmake -P), it writes
# OUT from the files below SOURCE, and LLVM, the version.

set(rooms Abi Codegen Compiler Conversion Dialect Frontend Graph Pipelines Support Tensor
          Transforms)

function(mlc_compiler_sources out source)
  foreach(room ${rooms})
    file(GLOB_RECURSE more ${ARGN} ${source}/lib/${room}/* ${source}/include/mlc/${room}/*)
    list(APPEND found ${more})
  endforeach()
  list(SORT found)
  set(${out} ${found} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  mlc_compiler_sources(sources ${SOURCE})
  foreach(path ${sources})
    file(SHA256 ${path} hash)
    file(RELATIVE_PATH name ${SOURCE} ${path})
    string(APPEND all "${hash} ${name}\n")
  endforeach()
  string(SHA256 identity "${all}LLVM ${LLVM}\n")
  file(CONFIGURE OUTPUT ${OUT} CONTENT "#define MLC_COMPILER_IDENTITY \"${identity}\"\n")
else()
  mlc_compiler_sources(sources ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS)
  set(header ${PROJECT_BINARY_DIR}/include/mlc/CompilerIdentity.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D LLVM=${LLVM_PACKAGE_VERSION}
            -D OUT=${header} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${sources} ${CMAKE_CURRENT_LIST_FILE}
    VERBATIM)
  add_custom_target(mlc-compiler-identity DEPENDS ${header})
endif()
