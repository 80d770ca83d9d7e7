//===- HostOps.h - What the host does for a graph ---------------*- C++ -*-===//
//
// print, check and custom mean the same in every executor because they all come
// here. The functions of custom ops live in one registry of the process.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_GRAPH_HOSTOPS_H
#define MLC_GRAPH_HOSTOPS_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

#include <functional>
#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Where printed values go. The memory of `value` is the graph's: clone() what is to
/// be kept. Called by the thread that runs the graph, so by several at once if
/// several do.
using PrintFunction = std::function<void(std::string_view label, const Tensor &value)>;

/// An op that the host adds. Both functions may be called from many threads at once;
/// they may apply ops to tensors, and fail by an Error or an exception.
struct CustomOp {
  /// The type of the result, or what is wrong with the operands' types, in which a
  /// dimension may be symbolic.
  std::function<Result<TensorType>(const std::vector<TensorType> &operands)> rule;
  /// Writes the elements of `result`, which has the type that the rule gave, or assigns
  /// a tensor of that type. It must depend on the operands alone, whose memory is the
  /// graph's. Bools are 0 or 1.
  std::function<Status(const std::vector<Tensor> &operands, Tensor &result)> run;
};

/// Makes a custom op known under a name, for good. Thread-safe.
Status defineCustomOp(const std::string &name, CustomOp op);
/// Unsupported if there is none. Thread-safe.
Result<std::shared_ptr<const CustomOp>> findCustomOp(const std::string &name);

/// The type of the result by the op's rule.
Result<TensorType> inferCustomOp(const CustomOp &op, const std::string &name,
                                 const std::vector<TensorType> &operands);
/// BadInput unless that is `declared`, which a node says.
Status checkCustomOp(const CustomOp &op, const std::string &name,
                     const std::vector<TensorType> &operands, const TensorType &declared);

/// Without a function, prints to stderr.
Status runPrint(const PrintFunction &print, const std::string &label, const Tensor &value);
/// BadInput unless all elements are true.
Status runCheck(const std::string &message, const Tensor &condition);
/// Errors begin with "custom: function `NAME`: ".
Status runCustomOp(const CustomOp &op, const std::string &name, const std::vector<Tensor> &operands,
                   Tensor &result);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_HOSTOPS_H
