//===- ImageWriter.h - Linked code as an ELF file ---------------*- C++ -*-===//
#ifndef MLC_LIB_CODEGEN_IMAGEWRITER_H
#define MLC_LIB_CODEGEN_IMAGEWRITER_H

#include "Link.h"

namespace mlc::codegen {

/// Bytes of ELF header and program headers, which the image starts with.
extern const uint64_t kImageHeaderBytes;

/// The image: docs/rationale/image.md describes its form.
std::string writeImage(const LinkedImage &image, const ImageInterface &interface);

} // namespace mlc::codegen

#endif // MLC_LIB_CODEGEN_IMAGEWRITER_H
