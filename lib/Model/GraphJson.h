//===- GraphJson.h - Pieces of the graph's JSON that others read --*- C++ -*-===//
#ifndef MLC_LIB_MODEL_GRAPHJSON_H
#define MLC_LIB_MODEL_GRAPHJSON_H

#include "Json.h"
#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

inline constexpr int64_t kFormatVersion = 1;

/// The graph of a document; types and shapes are left to validate(). Messages
/// start with `name`.
Result<Graph> graphFromDocument(const JsonDocument &document, const std::string &name);

/// One line without spaces, for metadata, or laid out for people.
std::string writeGraph(const Graph &graph, bool compact);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_MODEL_GRAPHJSON_H
