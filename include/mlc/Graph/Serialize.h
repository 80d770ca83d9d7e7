//===- Serialize.h - Canonical bytes of a graph -----------------*- C++ -*-===//
#ifndef MLC_GRAPH_SERIALIZE_H
#define MLC_GRAPH_SERIALIZE_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The canonical bytes: equal graphs give equal bytes on every platform. Weights
/// are not part of them.
std::string serialize(const Graph &graph);
std::string serialize(const Function &function);
/// The inverse; checks only the encoding, so validate() what comes from outside.
Result<Graph> deserialize(std::string_view bytes);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_SERIALIZE_H
