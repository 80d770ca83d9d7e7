# Compiler settings and the functions that add our libraries, tools and tests.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(MLC_CCACHE ccache)
if(MLC_CCACHE)
  # Paths below the sources do not count: the packages, and copies of the tree that tests
  # make, are built of what is known.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${MLC_CCACHE})
endif()

# The reference evaluator is the oracle: the host compiler may not contract its
# multiply-adds or it would depend on the machine that built it.
add_compile_options(-Wall -Wextra -ffp-contract=off)
if(MLC_WERROR)
  add_compile_options(-Werror)
endif()
if(MLC_SANITIZE)
  # -fno-sanitize=function: that check reads the bytes before a function, which
  # for an image's functions may not be mapped.
  add_compile_options(-fsanitize=${MLC_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${MLC_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND MLC_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=function)
  endif()
  if(MLC_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# mlc_add_library(NAME SOURCES a.cpp ... [LINK lib ...])
function(mlc_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                            $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# A library of the compiler half: sees MLIR's headers, waits for generated ones.
function(mlc_add_compiler_library name)
  mlc_add_library(${name} ${ARGN})
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_definitions(${name} PUBLIC ${MLC_LLVM_DEFINITIONS})
  target_compile_options(${name} PRIVATE -Wno-unused-parameter)
  # MLIR tells traits apart by the address of a variable in an inline function.
  # Hidden, it would differ between libMLIR and us: no terminators, no constants.
  target_compile_options(${name} PUBLIC -fvisibility=default -fno-visibility-inlines-hidden)
  add_dependencies(${name} mlc-generated)
endfunction()

# mlc_add_test(NAME SOURCES a.cpp ... [LINK lib ...]): a Catch2 program, one ctest.
function(mlc_add_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;ARGS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} mlc-test-main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/test)
endfunction()
