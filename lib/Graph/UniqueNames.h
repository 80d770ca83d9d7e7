//===- UniqueNames.h - Names that are not taken yet --------------*- C++ -*-===//
#ifndef MLC_LIB_GRAPH_UNIQUENAMES_H
#define MLC_LIB_GRAPH_UNIQUENAMES_H

#include "mlc/Support/Version.h"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// `wanted` if it is free, else `wanted` with the first free suffix "_1", "_2"
/// ...; takes it. `names` maps taken names to the next suffix to try.
inline std::string takeUniqueName(std::unordered_map<std::string, int64_t> &names,
                                  const std::string &wanted) {
  if (names.emplace(wanted, 1).second)
    return wanted;
  for (int64_t suffix = names[wanted];; ++suffix) {
    std::string name = wanted + '_' + std::to_string(suffix);
    if (!names.emplace(name, 1).second)
      continue;
    names[wanted] = suffix + 1;
    return name;
  }
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_GRAPH_UNIQUENAMES_H
