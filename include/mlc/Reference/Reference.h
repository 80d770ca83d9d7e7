//===- Reference.h - The slow, obvious evaluator ----------------*- C++ -*-===//
//
// The oracle: one plain function per op, computing in the widest sensible type.
// It shares no code with the compiler's lowerings.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_REFERENCE_REFERENCE_H
#define MLC_REFERENCE_REFERENCE_H

#include "mlc/Graph/HostOps.h"
#include "mlc/Support/Version.h"

#include <map>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

using ParameterMap = std::map<std::string, Tensor>;

/// Evaluates `function` of a valid graph on one tensor per input. What its ops print
/// goes to `print`.
Result<std::vector<Tensor>> evaluateReference(const Graph &graph, const Function &function,
                                              const ParameterMap &parameters,
                                              const std::vector<Tensor> &inputs,
                                              const PrintFunction &print = {});

/// Evaluates one node; `resultTypes` have no symbolic dimension. A node whose op has an
/// effect has no results.
Result<std::vector<Tensor>> evaluateNode(const Node &node, const std::vector<Tensor> &operands,
                                         const std::vector<TensorType> &resultTypes,
                                         const PrintFunction &print = {});

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_REFERENCE_REFERENCE_H
