//===- Inference.h - What an op's inference function sees -------*- C++ -*-===//
//
// Private to lib/Graph. An inference function takes an Inference, whose arity
// and attribute kinds are already checked, and gives result types or the
// violated constraint.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_GRAPH_INFERENCE_H
#define MLC_LIB_GRAPH_INFERENCE_H

#include "mlc/Graph/Infer.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

using InferredTypes = Result<std::vector<TensorType>>;

struct Inference {
  Op op;
  const std::vector<TensorType> &operands;
  const Attributes &attributes;
  const InferContext &context;

  template <typename T> const T &attribute(const char *name) const {
    return std::get<T>(attributes.find(name)->second);
  }
  /// "matmul [C4]: message".
  Error violates(int constraint, const std::string &message) const;
};

/// The inference function of `inference.op`.
InferredTypes inferOp(const Inference &inference);

/// Those of the ops with blocks (InferControl.cpp).
InferredTypes inferIf(const Inference &in);
InferredTypes inferWhile(const Inference &in);
InferredTypes inferScan(const Inference &in);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_GRAPH_INFERENCE_H
