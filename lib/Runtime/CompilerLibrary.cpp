//===- CompilerLibrary.cpp - Opening libmlc-compiler ----------------------===//
//
// With RTLD_LOCAL, so that its symbols meet nobody else's, and never closed:
// LLVM does not survive being unloaded. Its name ends in the version of the
// door, so that another mlc in the process, or on the system, is not taken for ours.
//
//===----------------------------------------------------------------------===//
#include "mlc/Runtime/CompilerLibrary.h"
#include "Locate.h"

#include <dlfcn.h>

using namespace mlc;

Result<CompilerLibrary> CompilerLibrary::open(const std::string &path) {
  auto handle = openOwnLibrary("MLC_COMPILER", "compiler", kDoorVersion, path);
  if (!handle)
    return handle.takeError();
  CompilerLibrary library;
  library.door = reinterpret_cast<mlc_door_function>(dlsym(*handle, MLC_DOOR_SYMBOL));
  library.exitWithoutMemory = reinterpret_cast<mlc_door_exit_without_memory_function>(
      dlsym(*handle, MLC_DOOR_EXIT_WITHOUT_MEMORY_SYMBOL));
  if (!library.door || !library.exitWithoutMemory)
    return unsupportedError((path.empty() ? "libmlc-compiler" : path) +
                            " is not the compiler library of this version of mlc");
  return library;
}

std::string CompilerLibrary::call(std::string_view request,
                                  const Cancellation *cancellation) const {
  std::string reply;
  door(
      request.data(), request.size(), cancellation ? cancellation->address() : nullptr,
      [](void *context, const void *data, size_t size) {
        static_cast<std::string *>(context)->assign(static_cast<const char *>(data), size);
      },
      &reply);
  return reply;
}
