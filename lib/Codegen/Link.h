//===- Link.h - Compiling and linking with ORC and JITLink ------*- C++ -*-===//
#ifndef MLC_LIB_CODEGEN_LINK_H
#define MLC_LIB_CODEGEN_LINK_H

#include "Translate.h"

namespace mlc::codegen {

/// Code and constants, linked for their addresses relative to the image's start.
struct LinkedImage {
  struct Segment {
    uint64_t address = 0;
    std::vector<char> bytes;
    uint64_t end() const { return address + bytes.size(); }
  };
  struct Symbol {
    std::string name;
    uint64_t address = 0, size = 0;
    bool isFunction = false, isExported = false;
  };
  Segment readOnly;            ///< At `headerBytes`, or a little later when aligned.
  Segment text;                ///< On a page of its own.
  std::vector<Symbol> symbols; ///< By address.
};

inline constexpr uint64_t kPageBytes = 4096;

/// Compiles `module` with `machine` and links it with `objects`, leaving `headerBytes` free
/// at the start. Errors name an undefined symbol, an absolute relocation's section
/// or a writable section.
Result<LinkedImage> compileAndLink(std::unique_ptr<llvm::Module> module, Context context,
                                   llvm::TargetMachine &machine,
                                   llvm::ArrayRef<llvm::StringRef> objects, uint64_t headerBytes);

} // namespace mlc::codegen

#endif // MLC_LIB_CODEGEN_LINK_H
