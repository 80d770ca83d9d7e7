# Finds Debian's LLVM and MLIR 22 and generates the dialect's and passes' tables.

if(NOT MLIR_DIR)
  set(MLIR_DIR /usr/lib/llvm-22/lib/cmake/mlir)
endif()
# LLVM's version files accept only an exact major.minor, so the check is ours.
find_package(MLIR REQUIRED CONFIG)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "mlc needs LLVM and MLIR 22, but ${MLIR_DIR} has ${LLVM_PACKAGE_VERSION}")
endif()
separate_arguments(MLC_LLVM_DEFINITIONS UNIX_COMMAND "${LLVM_DEFINITIONS}")
list(TRANSFORM MLC_LLVM_DEFINITIONS REPLACE "^-D" "")
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
set(LLVM_EXTERNAL_LIT /usr/lib/llvm-22/bin/lit CACHE FILEPATH "lit")

add_custom_target(mlc-generated)

# mlc_tablegen(TD OUTPUT.inc FLAGS...): include/mlc/TD -> build/include/mlc/OUTPUT.
function(mlc_tablegen td output)
  set(out ${PROJECT_BINARY_DIR}/include/mlc/${output})
  get_filename_component(dir ${out} DIRECTORY)
  file(MAKE_DIRECTORY ${dir})
  file(GLOB_RECURSE tds ${PROJECT_SOURCE_DIR}/include/mlc/*.td)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${LLVM_TOOLS_BINARY_DIR}/mlir-tblgen ${ARGN} -I ${PROJECT_SOURCE_DIR}/include
            -I ${MLIR_INCLUDE_DIRS} ${PROJECT_SOURCE_DIR}/include/mlc/${td} -o ${out}
    DEPENDS ${tds}
    VERBATIM)
  string(MAKE_C_IDENTIFIER ${output} id)
  add_custom_target(mlc-gen-${id} DEPENDS ${out})
  add_dependencies(mlc-generated mlc-gen-${id})
endfunction()
