// The verifier of all ops of the vocabulary: Graph's inference function decides,
// so that a model file, a traced graph and MLIR text obey the same rules.

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Graph/Infer.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace mlc::ir {

static Result<std::vector<TensorType>> toGraph(TypeRange types, const std::string &symbol) {
  std::vector<TensorType> converted;
  for (Type type : types) {
    Result<TensorType> one = toGraph(type, symbol);
    if (!one)
      return one.takeError();
    converted.push_back(std::move(*one));
  }
  return converted;
}

static LogicalResult fail(Operation *op, const Error &error) {
  // An error of inference begins with the op's name already.
  llvm::StringRef name = op->getName().stripDialect(), message = error.message;
  if (message.starts_with((name + " ").str()) || message.starts_with((name + ":").str()))
    return op->emitError(message);
  return op->emitError() << name << ": " << message;
}

static LogicalResult verifyTypes(Operation *op, const InferContext &context) {
  std::string symbol = symbolicDim(op);
  auto operands = toGraph(op->getOperandTypes(), symbol);
  if (!operands)
    return fail(op, operands.error());
  auto results = toGraph(op->getResultTypes(), symbol);
  if (!results)
    return fail(op, results.error());
  auto attributes = attributesOf(op, symbol, /*constants=*/false);
  if (!attributes)
    return fail(op, attributes.error());
  InferContext around = context;
  for (Region &region : op->getRegions()) {
    if (!isa<YieldOp>(region.front().getTerminator()))
      return fail(op, badInputError("a block does not end in mlc.yield"));
    auto inputs = toGraph(region.getArgumentTypes(), symbol);
    auto outputs = toGraph(region.front().getTerminator()->getOperandTypes(), symbol);
    if (!inputs || !outputs)
      return fail(op, (inputs ? outputs : inputs).error());
    around.blocks.push_back({std::move(*inputs), std::move(*outputs)});
  }
  auto expected = inferTypes(*vocabularyOp(op), *operands, *attributes, around);
  if (!expected)
    return fail(op, expected.error());
  if (Status status = checkResultTypes(*vocabularyOp(op), *expected, *results); !status)
    return fail(op, status.error());
  return success();
}

LogicalResult verifyByInference(Operation *op) {
  if (isa<ParameterOp>(op)) {
    // The list of parameters checks the ops that use it, see verifyParameters.
    auto module = op->getParentOfType<ModuleOp>();
    if (module && module->hasAttr(kParametersAttr))
      return success();
    return fail(op, badInputError("parameter [C1]: the module has no `mlc.parameters`"));
  }
  return verifyTypes(op, {});
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // Inference needs no more of the callee than its signature.
  Graph graph;
  auto callee = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getCalleeAttr());
  if (callee) {
    std::string symbol = symbolicDim(callee);
    auto inputs = toGraph(callee.getArgumentTypes(), symbol);
    auto outputs = toGraph(callee.getResultTypes(), symbol);
    if (!inputs || !outputs)
      return emitError("call [C1]: ")
             << getCalleeAttr() << ": " << (inputs ? outputs : inputs).error().message;
    Function function;
    function.name = getCallee().str();
    auto declare = [&](const TensorType &type) {
      function.values.push_back({std::to_string(function.values.size()), type});
      return static_cast<ValueId>(function.values.size() - 1);
    };
    for (const TensorType &type : *inputs)
      function.body.inputs.push_back(declare(type));
    for (const TensorType &type : *outputs)
      function.body.outputs.push_back(declare(type));
    graph.functions.push_back(std::move(function));
  }
  InferContext context;
  context.graph = &graph;
  return verifyTypes(*this, context);
}

} // namespace mlc::ir
