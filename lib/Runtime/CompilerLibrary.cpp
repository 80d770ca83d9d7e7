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
  const std::string fileName = "libmlc-compiler.so." + std::to_string(kDoorVersion);
  std::vector<std::string> paths =
      path.empty() ? candidatePaths("MLC_COMPILER", fileName, {"../lib", MLC_BIN_TO_LIB})
                   : std::vector<std::string>{path};
  std::string found = firstReadable(paths);
  bool isInstalled = found.empty() && paths.size() > 1; // perhaps where the system looks
  void *handle =
      found.empty() && !isInstalled
          ? nullptr
          : dlopen(isInstalled ? fileName.c_str() : found.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle && found.empty())
    return unsupportedError("the compiler library was not found; looked for" + listPaths(paths));
  if (!handle) {
    const char *why = dlerror();
    return unsupportedError("cannot open the compiler library: " +
                            (why ? std::string(why) : found));
  }
  CompilerLibrary library;
  library.door = reinterpret_cast<mlc_door_function>(dlsym(handle, MLC_DOOR_SYMBOL));
  library.exitWithoutMemory = reinterpret_cast<mlc_door_exit_without_memory_function>(
      dlsym(handle, MLC_DOOR_EXIT_WITHOUT_MEMORY_SYMBOL));
  if (!library.door || !library.exitWithoutMemory)
    return unsupportedError(found + " is not the compiler library of this version of mlc");
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
