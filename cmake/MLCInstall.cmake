# cmake --install, by component: runtime (libmlc, no LLVM), threads, compiler (what it opens to
# compile), dev (headers, static libraries, package files), tools (mlc-run) and
# compiler-tools (mlc-opt and its like, which load plugins and so share LLVM and MLIR).
include(CMakePackageConfigHelpers)

# C++: mlc::mlc, static, since its classes have no stable ABI. C: mlc::runtime, libmlc.
set_target_properties(MLCApi PROPERTIES EXPORT_NAME mlc)
set_target_properties(mlc-shared PROPERTIES EXPORT_NAME runtime)
install(TARGETS MLCSupport MLCTensor MLCGraph MLCModel MLCReference MLCRuntime MLCApi
        EXPORT mlcTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
        INCLUDES DESTINATION include)
install(TARGETS mlc-shared EXPORT mlcTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
        INCLUDES DESTINATION include)
foreach(room Abi Api Graph Model Runtime Support Tensor c)
  install(DIRECTORY include/mlc/${room} DESTINATION include/mlc COMPONENT dev
          FILES_MATCHING PATTERN "*.h" PATTERN "*.inc")
endforeach()
install(FILES include/mlc/mlc.h DESTINATION include/mlc COMPONENT dev)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/mlc)
install(EXPORT mlcTargets NAMESPACE mlc:: DESTINATION ${package} COMPONENT dev)
configure_package_config_file(cmake/mlcConfig.cmake.in ${PROJECT_BINARY_DIR}/mlcConfig.cmake
                              INSTALL_DESTINATION ${package})
# Before 1.0 a minor version may break what used the last one.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mlcConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mlcConfig.cmake ${PROJECT_BINARY_DIR}/mlcConfigVersion.cmake
        DESTINATION ${package} COMPONENT dev)
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" up ${up})
configure_file(cmake/mlc.pc.in ${PROJECT_BINARY_DIR}/mlc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mlc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT dev)

if(MLC_BUILD_THREADS)
  install(TARGETS mlc-threads LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT threads
          NAMELINK_SKIP)
endif()

install(TARGETS mlc-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
if(MLC_BUILD_COMPILER)
  # LLVM and MLIR, where shared, are found where they were when this was built.
  set(tools mlc-opt mlc-reduce mlc-lsp-server)
  set_target_properties(${tools} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  if(NOT MLC_STATIC_LLVM)
    set_target_properties(mlc-compiler PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
  install(TARGETS mlc-compiler LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT compiler
          NAMELINK_SKIP)
  install(TARGETS mlc-compile-helper RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler)
  install(TARGETS ${tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler-tools)
endif()
