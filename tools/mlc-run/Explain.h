//===- Explain.h - What became of each op, and why --------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_EXPLAIN_H
#define MLC_TOOLS_RUN_EXPLAIN_H

#include "Arguments.h"

namespace mlc::run {

/// A node of the graph, calls being inlined.
struct ExplainedOp {
  std::string node, op, place;
  std::vector<size_t> kernels; ///< In Explanation::kernels; a broadcast may be in several.
  std::string note;            ///< Why its kernel ends with it, or why it has none; or empty.
};

struct Explanation {
  std::vector<ExplainedOp> ops;     ///< In the graph's order.
  std::vector<ImageKernel> kernels; ///< Those that run on parameters first.
  std::string dim;                  ///< The symbolic dimension; empty if there is none.
};

Result<Explanation> explain(const Engine &engine, const Arguments &arguments, const Graph &graph);

/// "8192 + 64 * batch"
std::string formula(const ImageCount &count, const std::string &dim);
/// "matmul1 (a.py:1:2)", or the op if the graph has no such node.
std::string nameOf(const ImageOp &op);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_EXPLAIN_H
