//===- OpKernel.h - One op, compiled alone ----------------------*- C++ -*-===//
#ifndef MLC_LIB_API_OPKERNEL_H
#define MLC_LIB_API_OPKERNEL_H

#include "mlc/Support/Version.h"

#include "State.h"

#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// An op for operands of known shapes, as a graph of one node, or run by the host.
/// Immutable.
struct OpKernel {
  Node node; ///< Op and attributes, without symbolic dimensions.
  std::vector<TensorType> resultTypes;
  std::vector<Shape> resultShapes;
  /// Without a compiler half, and for what the host does, there is none, and the
  /// reference evaluates.
  std::optional<Executable> executable;
  std::shared_ptr<const Printer> printer;
  std::shared_ptr<Memory> memory; ///< For results.

  /// `node` needs a name, for errors, an op and complete attributes.
  static Result<OpKernel> make(const Engine &engine, Node node,
                               const std::vector<const Tensor *> &operands,
                               const CompileOptions &options);
  /// Computes the results, into fresh memory, for operands of those shapes. Errors of
  /// what the host does begin with the op's name.
  Status run(const std::vector<const Tensor *> &operands, std::vector<Tensor> &results) const;
};

/// Scratch memory of the calling thread, of at least `bytes`: whatever kernel runs on
/// the thread uses it. Allocates only when it grows.
Result<void *> threadScratch(int64_t bytes);

/// The kernels of ops that C++ applied to tensors (Ops.h), each made once.
/// Thread-safe.
class OpKernelCache {
public:
  Result<std::shared_ptr<const OpKernel>> find(const Engine &engine, Op op,
                                               const std::vector<const Tensor *> &operands,
                                               const Attributes &attributes);

private:
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const OpKernel>> kernels;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_OPKERNEL_H
