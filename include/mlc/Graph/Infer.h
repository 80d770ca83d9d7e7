//===- Infer.h - Type inference ---------------------------------*- C++ -*-===//
#ifndef MLC_GRAPH_INFER_H
#define MLC_GRAPH_INFER_H

#include "mlc/Graph/Graph.h"

namespace mlc {

/// What inference may look up beside operands and attributes. Parameter and
/// call need it; null members make those two a Usage error.
struct InferContext {
  const Graph *graph = nullptr;
};

/// The result types of `op`. The one place where an op's constraints are
/// checked: validation, tracing and the MLIR verifier all call it. An error
/// names the violated constraint, "matmul [C2]: ...", and what was expected.
/// `attributes` must be complete (see completeAttributes).
Result<std::vector<TensorType>> inferTypes(Op op, const std::vector<TensorType> &operands,
                                           const Attributes &attributes,
                                           const InferContext &context = {});

/// Fills in defaults; refuses unknown or missing attributes and wrong kinds.
Result<Attributes> completeAttributes(Op op, Attributes attributes);

} // namespace mlc

#endif // MLC_GRAPH_INFER_H
