# cpack: a Debian package of each component. scripts/package calls it; docs/packaging.md
# says what is in which and why.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mlc)
set(CPACK_PACKAGE_VENDOR "mlc")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "mlc developers <mlc@localhost>")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(release ${PROJECT_VERSION}-1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_COMPONENTS_ALL runtime threads compiler dev tools compiler-tools)

# What a package that links them statically has to say of LLVM and nlohmann-json.
function(mlc_notice output package)
  set(path /usr/share/doc/${package}/copyright)
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "${path} is missing: the packages carry it. Install ${package}, "
                        "or configure with MLC_STATIC_LLVM=OFF")
  endif()
  file(READ ${path} text)
  set(${output} "${text}" PARENT_SCOPE)
endfunction()
mlc_notice(llvm_notice llvm-22)
mlc_notice(json_notice nlohmann-json3-dev)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, if it is set

# mlc_package(COMPONENT SECTION SUMMARY TEXT [LIBRARY] [INSIDE llvm json] [DEPENDS ...]
#             [RECOMMENDS ...] [SUGGESTS ...]); LIBRARY: the dynamic linker finds one in it.
function(mlc_package component section summary text)
  cmake_parse_arguments(ARG "LIBRARY" "" "INSIDE;DEPENDS;RECOMMENDS;SUGGESTS" ${ARGN})
  string(TOUPPER ${component} upper)
  set(package mlc-${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
  foreach(relation DEPENDS RECOMMENDS SUGGESTS)
    list(TRANSFORM ARG_${relation} REPLACE "^(mlc-.*)$" "\\1 (= ${release})")
    list(JOIN ARG_${relation} ", " list)
    set(CPACK_DEBIAN_${upper}_PACKAGE_${relation} "${list}" PARENT_SCOPE)
  endforeach()

  if(ARG_LIBRARY)
    file(WRITE ${PROJECT_BINARY_DIR}/doc/triggers "activate-noawait ldconfig\n")
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/doc/triggers PARENT_SCOPE)
  endif()

  set(doc ${PROJECT_BINARY_DIR}/doc/${package})
  set(notices)
  foreach(library ${ARG_INSIDE})
    string(APPEND notices "\n\nThis package contains code of ${${library}_name}, whose notice follows.\n\n"
                          "${${library}_notice}")
  endforeach()
  file(WRITE ${doc}/copyright
       "mlc\nCopyright 2026 the mlc developers\nLicense: Apache-2.0, on Debian systems in "
       "/usr/share/common-licenses/Apache-2.0\n${notices}")
  file(WRITE ${doc}/changelog.Debian
       "mlc (${release}) unstable; urgency=medium\n\n  * Release ${PROJECT_VERSION}; "
       "changelog.gz says what is new.\n\n -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}\n")
  file(COPY_FILE ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${doc}/changelog)
  execute_process(COMMAND gzip -9nf ${doc}/changelog ${doc}/changelog.Debian
                  COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${doc}/copyright ${doc}/changelog.gz ${doc}/changelog.Debian.gz
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${component})
endfunction()
set(llvm_name "LLVM and MLIR ${LLVM_PACKAGE_VERSION}")
set(json_name "nlohmann-json")

mlc_package(runtime libs "small neural networks as native functions: library"
"libmlc runs neural networks that were compiled to native code, behind a C ABI.
It needs no LLVM. To compile a model it opens the library of mlc-compiler."
  LIBRARY INSIDE json RECOMMENDS mlc-compiler SUGGESTS mlc-threads)
mlc_package(threads libs "small neural networks as native functions: threads"
"libmlc-threads spreads long kernels over threads of oneTBB. libmlc opens it when
a program asks for more than one."
  LIBRARY)
mlc_package(compiler libs "small neural networks as native functions: compiler"
"libmlc-compiler turns the graph of a model into native code, for libmlc and for
programs that have mlc inside. LLVM and MLIR are inside of it and hidden, so
that it disturbs no other version of them in the same process."
  LIBRARY INSIDE llvm)
mlc_package(dev libdevel "small neural networks as native functions: development files"
"Headers, the static C++ libraries, and what CMake and pkg-config ask for."
  INSIDE json DEPENDS mlc-runtime RECOMMENDS mlc-compiler SUGGESTS cmake pkgconf)
mlc_package(tools utils "small neural networks as native functions: mlc-run"
"mlc-run runs, checks, times and prints model files."
  INSIDE json DEPENDS mlc-compiler)
mlc_package(compiler-tools devel "small neural networks as native functions: tools for passes"
"mlc-opt, mlc-reduce and mlc-lsp-server, for those who write passes of the
compiler. They load plugins and so use the shared LLVM and MLIR of the system."
  SUGGESTS mlc-tools)

include(CPack)
