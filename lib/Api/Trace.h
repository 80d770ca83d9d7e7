//===- Trace.h - Recording a graph ------------------------------*- C++ -*-===//
#ifndef MLC_LIB_API_TRACE_H
#define MLC_LIB_API_TRACE_H

#include "mlc/Api/Ops.h"
#include "mlc/Graph/Rewrite.h"

#include <functional>
#include <memory>

namespace mlc {

/// A function while its body runs on traced tensors. Tensors with elements that ops
/// meet become constants, or parameters if they are larger than kLargestConstant.
/// Thread-safety: one thread at a time; that is the one that runs the body.
class Trace : public std::enable_shared_from_this<Trace> {
public:
  static constexpr int64_t kLargestConstant = 64; ///< Bytes.

  /// `named` gives the tensors that become parameters under names of their own; it
  /// is asked again for a tensor that it did not give before.
  Trace(const std::string &name, std::function<std::map<std::string, Tensor>()> named);

  Tensor input(const std::string &name, const TensorType &type);
  std::vector<Tensor> record(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                             const SourceLocation &where);
  /// Ends the trace. `outputs` are named "y0", "y1", ..., or "y" if there is one.
  void finish(const std::vector<Tensor> &outputs, const SourceLocation &where);
  /// Ends a trace that failed: its tensors are of no more use.
  void abandon() { finished = true; }

  /// Of a finished trace.
  Graph graph;
  std::map<std::string, Tensor> parameters;

private:
  std::string nameOf(const Tensor &tensor) const;
  ValueId valueOf(const Tensor &tensor, const SourceLocation &where);
  ValueId capture(const Tensor &tensor, const SourceLocation &where);

  FunctionBuilder builder;
  bool finished = false;
  struct Captured {
    Tensor tensor; ///< Keeps the memory, and so its address, from being used again.
    ValueId value;
  };
  std::multimap<const void *, Captured> captured; ///< By address of the elements.
  std::function<std::map<std::string, Tensor>()> named;
};

/// What a traced tensor stands for.
struct TraceSymbol : TracedValue {
  std::shared_ptr<Trace> trace;
  ValueId value = 0;
  TensorType type;
};

/// The type of a tensor, with the names of symbolic dimensions if it is traced.
TensorType typeOf(const Tensor &tensor);

/// The symbol of a traced tensor.
inline const TraceSymbol &symbolOf(const Tensor &tensor) {
  return static_cast<const TraceSymbol &>(*tensor.tracedValue());
}

} // namespace mlc

#endif // MLC_LIB_API_TRACE_H
