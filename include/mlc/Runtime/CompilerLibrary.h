//===- CompilerLibrary.h - Opening libmlc-compiler --------------*- C++ -*-===//
#ifndef MLC_RUNTIME_COMPILERLIBRARY_H
#define MLC_RUNTIME_COMPILERLIBRARY_H

#include "mlc/Abi/Door.h"
#include "mlc/Support/Cancellation.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The entry points of the compiler half, valid for the life of the process.
struct CompilerLibrary {
  mlc_door_function door = nullptr;
  mlc_door_exit_without_memory_function exitWithoutMemory = nullptr;

  /// Opens `path`, or searches as CompilerClient::inProcess() says. It is never
  /// closed. A missing library is an Unsupported error that lists the search.
  static Result<CompilerLibrary> open(const std::string &path = "");

  /// The encoded reply to an encoded request. `cancellation` may be null.
  std::string call(std::string_view request, const Cancellation *cancellation = nullptr) const;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_RUNTIME_COMPILERLIBRARY_H
