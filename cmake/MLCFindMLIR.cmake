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

# What the compiler half links: MLIR and LLVM, shared, or inside of a target with the
# property MLC_STATIC_LLVM. Of the archives only what is used gets in; as their targets
# ask for the shared LLVM, they go by their names.
if(MLC_STATIC_LLVM)
  get_property(libraries GLOBAL PROPERTY MLIR_ALL_LIBS)
  list(APPEND libraries ${LLVM_AVAILABLE_LIBS})
  set(archives)
  foreach(library ${libraries})
    set(archive ${LLVM_LIBRARY_DIRS}/lib${library}.a)
    if(EXISTS ${archive}) # the list has shared ones, too
      list(APPEND archives ${archive})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES archives)
  list(JOIN archives "," archives)
  add_library(mlc-mlir-static INTERFACE)
  target_link_libraries(mlc-mlir-static INTERFACE
    "$<LINK_GROUP:RESCAN,${archives}>" ZLIB::ZLIB zstd::libzstd_shared ${CMAKE_DL_LIBS} m)
  target_link_options(mlc-mlir-static INTERFACE LINKER:--as-needed)
endif()
add_library(mlc-mlir-shared INTERFACE)
target_link_libraries(mlc-mlir-shared INTERFACE MLIR LLVM)
add_library(mlc-mlir INTERFACE)
target_link_libraries(mlc-mlir INTERFACE
  $<IF:$<BOOL:$<TARGET_PROPERTY:MLC_STATIC_LLVM>>,mlc-mlir-static,mlc-mlir-shared>)

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
