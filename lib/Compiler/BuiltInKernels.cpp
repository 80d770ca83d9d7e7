//===- BuiltInKernels.cpp - Kernels that were compiled together with mlc --===//
//
// MLC_KERNELS_V3 and MLC_KERNELS_V4 are files that mlc-build-kernels has written (CMakeLists.txt).
//
//===----------------------------------------------------------------------===//
#include "KernelLibrary.h"

// An array of millions of bytes in C++ would take a compiler minutes.
#define MLC_FILE(name, path)                                                                       \
  extern "C" const char name[], name##End[];                                                       \
  __asm__(".pushsection .rodata.mlc_kernels, \"a\", @progbits\n"                                   \
          ".balign 8\n"                                                                            \
          ".hidden " #name ", " #name "End\n"                                                      \
          ".global " #name ", " #name "End\n" #name ":\n"                                          \
          ".incbin \"" path "\"\n" #name "End:\n"                                                  \
          ".popsection")

MLC_FILE(mlcKernelsV3, MLC_KERNELS_V3);
MLC_FILE(mlcKernelsV4, MLC_KERNELS_V4);

llvm::ArrayRef<std::string_view> mlc::builtInKernels() {
  static const std::string_view files[] = {
      {mlcKernelsV4, static_cast<size_t>(mlcKernelsV4End - mlcKernelsV4)},
      {mlcKernelsV3, static_cast<size_t>(mlcKernelsV3End - mlcKernelsV3)}};
  return files;
}
