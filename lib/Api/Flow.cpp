//===- Flow.cpp - Control flow on tensor values ---------------------------===//
//
// Works on ops with blocks that are C++ functions: records them in the trace of their
// operands, or of the function that runs, else runs them. Both have their types checked
// by inference.
//
//===----------------------------------------------------------------------===//
#include "mlc/Api/Flow.h"

#include "ControlFlow.h"
#include "Trace.h"

#include "mlc/Graph/Infer.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace detail {

namespace {

using Types = std::vector<TensorType>;

template <typename T> T check(Result<T> result, const SourceLocation &where) {
  if (!result)
    throw Error(result.error().kind, toString(where) + ": " + result.error().message);
  return std::move(*result);
}

Types typesOf(const std::vector<Tensor> &tensors) {
  Types types;
  for (const Tensor &tensor : tensors)
    types.push_back(typeOf(tensor));
  return types;
}

/// The op as inference sees it while its blocks become known one by one.
class FlowTypes {
public:
  FlowTypes(Op op, const std::vector<Tensor> &operands, const Attributes &attributes,
            const SourceLocation &where)
      : op(op), operands(typesOf(operands)), attributes(attributes), where(where) {
    const TensorType predicate{DType::Bool, {}};
    Types taken = this->operands;
    blocks.resize(static_cast<size_t>(opInfo(op).numBlocks));
    // What a block that is not known yet is expected to return.
    if (op == Op::If) {
      taken.erase(taken.begin());
      blocks[0].outputs = blocks[1].outputs = {predicate};
    } else if (op == Op::While) {
      blocks[0].outputs = {predicate};
      blocks[1].outputs = taken;
    } else {
      auto carried = std::get<int64_t>(attributes.at("carried"));
      auto sequences = std::get<int64_t>(attributes.at("sequences"));
      blocks[0].outputs = Types(taken.begin(), taken.begin() + carried);
      blocks[0].outputs.push_back(predicate);
      for (auto type = taken.begin() + carried; type != taken.begin() + carried + sequences; ++type)
        if (type->rank() > 0)
          type->dims.erase(type->dims.begin());
    }
    for (BlockTypes &block : blocks)
      block.inputs = taken;
    infer();
  }

  const Types &blockInputs() const { return blocks[0].inputs; }

  /// Throws if the op does not allow block `i` to return these.
  void setOutputs(size_t i, const std::vector<Tensor> &outputs) {
    Types types = typesOf(outputs);
    if (types == blocks[i].outputs)
      return;
    blocks[i].outputs = std::move(types);
    if (op == Op::If) // the other is not known, or is refused when it is
      blocks[1 - i].outputs = blocks[i].outputs;
    infer();
  }

private:
  void infer() {
    InferContext context;
    context.blocks = blocks;
    check(inferTypes(op, operands, attributes, context), where);
  }

  Op op;
  Types operands;
  const Attributes &attributes;
  SourceLocation where;
  std::vector<BlockTypes> blocks;
};

/// What a step of a scan without steps would collect: its function is traced.
std::vector<std::pair<DType, Shape>> traceCollected(const std::vector<Tensor> &operands,
                                                    const Attributes &attributes,
                                                    const Types &blockInputs,
                                                    const std::vector<FlowBlock> &blocks,
                                                    const SourceLocation &where) {
  auto trace = std::make_shared<Trace>("scan", nullptr);
  TraceScope scope(*trace);
  std::vector<Tensor> results =
      trace->recordFlow(Op::Scan, operands, attributes, blockInputs, blocks, where);
  trace->abandon();
  std::vector<std::pair<DType, Shape>> types;
  for (auto i = static_cast<size_t>(std::get<int64_t>(attributes.at("carried")));
       i < results.size(); ++i)
    types.emplace_back(results[i].dtype(),
                       Shape(results[i].shape().begin() + 1, results[i].shape().end()));
  return types;
}

} // namespace

void checkSameLeaves(const Leaves &got, const Leaves &expected, const std::string &what,
                     const SourceLocation &where) {
  if (got.size() != expected.size())
    throw Error(ErrorKind::Usage, toString(where) + ": " + what + " " + std::to_string(got.size()) +
                                      " tensors, expected " + std::to_string(expected.size()));
  if (got.staticBytes() != expected.staticBytes())
    throw Error(ErrorKind::Usage,
                toString(where) + ": " + what +
                    " other numbers or strings than expected: what changes must be a tensor");
}

std::vector<Tensor> applyFlow(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                              const std::vector<FlowBlock> &blocks, const SourceLocation &where) {
  Node node;
  node.op = op;
  node.attributes = check(completeAttributes(op, std::move(attributes)), where);
  FlowTypes types(op, operands, node.attributes, where);
  Trace *trace = Trace::active();
  for (const Tensor &operand : operands)
    if (operand.isTraced())
      trace = symbolOf(operand).trace.get();
  if (trace)
    return trace->recordFlow(op, operands, std::move(node.attributes), types.blockInputs(), blocks,
                             where);

  auto runBlock = [&](size_t i, const std::vector<Tensor> &inputs) -> Result<std::vector<Tensor>> {
    std::vector<Tensor> outputs = blocks[i](inputs);
    types.setOutputs(i, outputs);
    return outputs;
  };
  auto collected = [&] {
    return traceCollected(operands, node.attributes, types.blockInputs(), blocks, where);
  };
  return check(runControlFlow(node, operands, runBlock, collected), where);
}

} // namespace detail
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
