//===- Trace.h - Recording a graph ------------------------------*- C++ -*-===//
#ifndef MLC_LIB_API_TRACE_H
#define MLC_LIB_API_TRACE_H

#include "mlc/Api/Flow.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Support/Version.h"

#include <functional>
#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// A function while its body runs on traced tensors. Tensors with elements that ops
/// meet become constants, or parameters if they are larger than kLargestConstant and
/// their elements differ.
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
  /// Records an op with blocks that take `blockInputs`, by running the functions. Values
  /// of around that they use become operands of the op, and more inputs of its blocks.
  std::vector<Tensor> recordFlow(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                                 const std::vector<TensorType> &blockInputs,
                                 const std::vector<detail::FlowBlock> &functions,
                                 const SourceLocation &where);
  /// Ends the trace. `outputs` are named "y0", "y1", ..., or "y" if there is one.
  void finish(const std::vector<Tensor> &outputs, const SourceLocation &where);
  /// Ends a trace that failed: its tensors are of no more use.
  void abandon() { finished = true; }
  /// The trace whose function runs on this thread, or null.
  static Trace *active();

  /// Of a finished trace.
  Graph graph;
  std::map<std::string, Tensor> parameters;

private:
  std::string nameOf(const Tensor &tensor) const;
  const std::string &valueName(ValueId value) const {
    return builder.values()[static_cast<size_t>(value)].name;
  }
  /// Throws for what the trace cannot use.
  void checkUsable(const Tensor &tensor, const SourceLocation &where) const;
  ValueId valueOf(const Tensor &tensor, const SourceLocation &where);
  std::vector<ValueId> valuesOf(const std::vector<Tensor> &tensors, const SourceLocation &where);
  ValueId capture(const Tensor &tensor, const SourceLocation &where);
  /// What stands for `value`, of this block or one around it, in the block at `depth`.
  ValueId atDepth(ValueId value, size_t depth);
  std::vector<Tensor> tracedResults(Op op, const std::vector<ValueId> &results,
                                    const SourceLocation &where);

  FunctionBuilder builder;
  bool finished = false;
  struct Captured {
    Tensor tensor; ///< Keeps the memory, and so its address, from being used again.
    ValueId value;
    std::string parameter; ///< Empty: it is a constant.
  };
  std::multimap<const void *, Captured> captured; ///< By address of the elements.
  /// A block that is being recorded.
  struct OpenBlock {
    /// Values of around that blocks of the op use, in order of first use.
    std::vector<ValueId> &outer;
    std::vector<ValueId> inner; ///< By place in `outer`: this block's input for it, or -1.
  };
  std::vector<OpenBlock> open; ///< The innermost last.
  std::function<std::map<std::string, Tensor>()> named;
};

/// What a traced tensor stands for.
struct TraceSymbol : TracedValue {
  std::shared_ptr<Trace> trace;
  ValueId value = 0;
  TensorType type;
};

/// Makes a trace the active one of the thread.
class TraceScope {
public:
  explicit TraceScope(Trace &trace);
  ~TraceScope();
  TraceScope(const TraceScope &) = delete;
  TraceScope &operator=(const TraceScope &) = delete;

private:
  Trace *before;
};

/// The type of a tensor, with the names of symbolic dimensions if it is traced.
TensorType typeOf(const Tensor &tensor);

/// The symbol of a traced tensor.
inline const TraceSymbol &symbolOf(const Tensor &tensor) {
  return static_cast<const TraceSymbol &>(*tensor.tracedValue());
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_TRACE_H
