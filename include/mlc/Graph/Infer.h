//===- Infer.h - Type inference ---------------------------------*- C++ -*-===//
#ifndef MLC_GRAPH_INFER_H
#define MLC_GRAPH_INFER_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

#include <set>
#include <unordered_map>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Functions and parameters by name, for graphs too large to search linearly.
/// Must not outlive the graph; of equal names the first counts.
class GraphIndex {
public:
  explicit GraphIndex(const Graph &graph);
  const Function *findFunction(std::string_view name) const;
  const Parameter *findParameter(std::string_view name) const;

private:
  std::unordered_map<std::string_view, const Function *> functions;
  std::unordered_map<std::string_view, const Parameter *> parameters;
};

/// What a block takes and returns.
struct BlockTypes {
  std::vector<TensorType> inputs, outputs;
};

/// What inference may look up beside operands and attributes.
struct InferContext {
  /// Parameter and call need one of the two; without, they are a Usage error.
  const Graph *graph = nullptr;
  const GraphIndex *index = nullptr;
  /// The symbolic names that broadcast may introduce; null: any.
  const std::set<std::string> *dims = nullptr;
  /// Of the op's blocks, if it has any: as many as the op table says.
  std::vector<BlockTypes> blocks;
};

/// The result types of `op`. The one place where an op's constraints are
/// checked: validation, tracing and the MLIR verifier all call it. An error
/// names the violated constraint, "matmul [C2]: ...", and what was expected.
/// `attributes` must be complete (see completeAttributes).
Result<std::vector<TensorType>> inferTypes(Op op, const std::vector<TensorType> &operands,
                                           const Attributes &attributes,
                                           const InferContext &context = {});

/// What the blocks of a node of `function` take and return.
std::vector<BlockTypes> blockTypes(const Function &function, const Node &node);

/// Refuses declared result types other than the inferred ones. The error names
/// the op's last constraint that speaks of the result.
Status checkResultTypes(Op op, const std::vector<TensorType> &inferred,
                        const std::vector<TensorType> &declared);

/// Fills in defaults; refuses unknown or missing attributes and wrong kinds. A
/// list of integers does for a list of dimensions.
Result<Attributes> completeAttributes(Op op, Attributes attributes);

/// Matches `types` with the types of `callee`'s inputs: the dimensions that its
/// symbolic names stand for. The error does not name the op.
Result<std::map<std::string, Dim>> bindDims(const Function &callee,
                                            const std::vector<TensorType> &types);

/// `type` with its symbolic names replaced where `bindings` has them.
TensorType substituteDims(TensorType type, const std::map<std::string, Dim> &bindings);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_INFER_H
