//===- Print.h - Graphs for people ------------------------------*- C++ -*-===//
#ifndef MLC_GRAPH_PRINT_H
#define MLC_GRAPH_PRINT_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The way jaxpr does: one line per node, each with its result types. The graph
/// must be valid.
std::string print(const Graph &graph);
std::string print(const Function &function);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_PRINT_H
