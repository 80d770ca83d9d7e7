//===- Print.h - Graphs for people ------------------------------*- C++ -*-===//
#ifndef MLC_GRAPH_PRINT_H
#define MLC_GRAPH_PRINT_H

#include "mlc/Graph/Graph.h"

namespace mlc {

/// The way jaxpr does: one line per node, each with its result types. The graph
/// must be valid.
std::string print(const Graph &graph);
std::string print(const Function &function);

} // namespace mlc

#endif // MLC_GRAPH_PRINT_H
