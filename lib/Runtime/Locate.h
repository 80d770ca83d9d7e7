//===- Locate.h - Finding the compiler half's files -------------*- C++ -*-===//
#ifndef MLC_LIB_RUNTIME_LOCATE_H
#define MLC_LIB_RUNTIME_LOCATE_H

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

/// The paths as an indented list, one a line, for messages.
std::string listPaths(const std::vector<std::string> &paths);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_RUNTIME_LOCATE_H
