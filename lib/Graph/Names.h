//===- Names.h - Which names a graph may hold --------------------*- C++ -*-===//
#ifndef MLC_LIB_GRAPH_NAMES_H
#define MLC_LIB_GRAPH_NAMES_H

#include "mlc/Support/Version.h"

#include <string>
#include <string_view>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// 1 to 1024 bytes of UTF-8 without control characters.
bool isName(std::string_view name);

/// Letters, digits and _, not beginning with a digit, at most 64: a dimension's
/// name is never mistaken for a size.
bool isDimName(std::string_view name);

/// `name` for an error message: odd bytes replaced by '?', cut to 80 bytes.
std::string printable(std::string_view name);

/// Says why isName(name) is false; `what` is "value", "node", ...
std::string nameError(const char *what, std::string_view name);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_GRAPH_NAMES_H
