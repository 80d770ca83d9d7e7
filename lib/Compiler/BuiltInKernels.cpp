//===- BuiltInKernels.cpp - Kernels that were compiled together with mlc --===//
//
// mlc-build-kernels has written the files; CMakeLists.txt tells the assembler where they are.
//
//===----------------------------------------------------------------------===//
#include "KernelLibrary.h"

// An array of millions of bytes in C++ would take a compiler minutes.
#define MLC_FILE(name, file)                                                                       \
  extern "C" const char name[], name##End[];                                                       \
  __asm__(".pushsection .rodata.mlc_kernels, \"a\", @progbits\n"                                   \
          ".balign 8\n"                                                                            \
          ".hidden " #name ", " #name "End\n"                                                      \
          ".global " #name ", " #name "End\n" #name ":\n"                                          \
          ".incbin \"" file "\"\n" #name "End:\n"                                                  \
          ".popsection")

MLC_FILE(mlcKernelsV3, "kernels-v3");
MLC_FILE(mlcKernelsV4, "kernels-v4");

llvm::ArrayRef<std::string_view> mlc::builtInKernels() {
  static const std::string_view files[] = {
      {mlcKernelsV4, static_cast<size_t>(mlcKernelsV4End - mlcKernelsV4)},
      {mlcKernelsV3, static_cast<size_t>(mlcKernelsV3End - mlcKernelsV3)}};
  return files;
}
