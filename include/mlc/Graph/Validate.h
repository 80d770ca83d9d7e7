//===- Validate.h - Whether a graph is well formed --------------*- C++ -*-===//
#ifndef MLC_GRAPH_VALIDATE_H
#define MLC_GRAPH_VALIDATE_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Bounds that keep time and memory of everything after validation bounded.
struct GraphLimits {
  int64_t maxNodes = 1 << 20; ///< After inlining calls.
  int64_t maxRank = 8;
  int64_t maxTensorBytes = int64_t(1) << 36;
  int64_t maxBlockDepth = 64;
  int64_t maxConstantBytes = 1 << 20; ///< Of one constant; larger data is a parameter.
  int64_t maxCallDepth = 256;
  int64_t maxGraphBytes = 1 << 28; ///< Canonical bytes of a function after inlining calls.
};

/// Checks names, arity, dtypes, shapes, order of definition, call cycles and
/// sizes of every function. Lists every finding, one a line (at most 20).
Status validate(const Graph &graph, const GraphLimits &limits = {});

/// Whether the executors can run `function`: lists all unsupported dtypes, ops
/// and symbolic dimensions at once (ErrorKind::Unsupported). Today one symbolic
/// name, in leading position only, is supported.
Status checkExecutable(const Graph &graph, const Function &function);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_VALIDATE_H
