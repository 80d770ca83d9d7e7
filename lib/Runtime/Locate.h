//===- Locate.h - Finding mlc's own files -----------------------*- C++ -*-===//
#ifndef MLC_LIB_RUNTIME_LOCATE_H
#define MLC_LIB_RUNTIME_LOCATE_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Where `fileName` may lie: what the environment variable says when it is set
/// (and nothing else), otherwise beside the library or program that holds this
/// code, beside the program, and in the `folders` relative to either.
std::vector<std::string> candidatePaths(const char *environment, const std::string &fileName,
                                        const std::vector<std::string> &folders);

/// The first path that can be read, or empty.
std::string firstReadable(const std::vector<std::string> &paths);

/// The handle of libmlc-NAME.so.VERSION, which candidatePaths finds, or the system; or of
/// `path`, unless that is empty. Its symbols meet nobody else's. An Unsupported error
/// lists the search.
Result<void *> openOwnLibrary(const char *environment, const std::string &name, int64_t version,
                              const std::string &path = "");

/// The paths as an indented list, one a line, for messages.
std::string listPaths(const std::vector<std::string> &paths);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_RUNTIME_LOCATE_H
