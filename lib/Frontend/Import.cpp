// Graph -> mlc dialect. Generic over the op table: an op's operands, attributes,
// blocks and result types become those of the MLIR op of the same name. Refuses
// what the dialect cannot hold: several symbolic dimensions.

#include "Locations.h"

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Frontend/Frontend.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace mlc::ir {

static void setName(mlir::Value argument, const Value &value) {
  argument.setLoc(NameLoc::get(StringAttr::get(argument.getContext(), value.name)));
}

static void importBlock(OpBuilder &builder, const Function &function, const Block &block,
                        Region &region, std::vector<mlir::Value> &values);

static void importNode(OpBuilder &builder, const Function &function, const Node &node,
                       std::vector<mlir::Value> &values) {
  const OpInfo &info = opInfo(node.op);
  MLIRContext *context = builder.getContext();
  NodeNames names{node.name, {}, node.location};
  for (ValueId result : node.results)
    names.results.push_back(function.values[result].name);

  OperationState state(toLocation(context, names), "mlc." + std::string(info.name));
  for (ValueId operand : node.operands)
    state.operands.push_back(values[operand]);
  for (ValueId result : node.results)
    state.types.push_back(toMlir(context, function.values[result].type));
  for (const auto &[name, attribute] : node.attributes)
    state.addAttribute(name, toMlir(context, attribute));
  for (const Block &block : node.blocks)
    importBlock(builder, function, block, *state.addRegion(), values);
  Operation *op = builder.create(state);
  for (auto [id, value] : llvm::zip_equal(node.results, op->getResults()))
    values[id] = value;
}

static void importBlock(OpBuilder &builder, const Function &function, const Block &block,
                        Region &region, std::vector<mlir::Value> &values) {
  OpBuilder::InsertionGuard guard(builder);
  mlir::Block *made = builder.createBlock(&region);
  for (ValueId id : block.inputs) {
    values[id] = made->addArgument(toMlir(builder.getContext(), function.values[id].type),
                                   builder.getUnknownLoc());
    setName(values[id], function.values[id]);
  }
  for (const Node &node : block.nodes)
    importNode(builder, function, node, values);
  llvm::SmallVector<mlir::Value> outputs;
  for (ValueId id : block.outputs)
    outputs.push_back(values[id]);
  YieldOp::create(builder, builder.getUnknownLoc(), outputs);
}

static Status importFunction(OpBuilder &builder, const Function &function) {
  std::vector<std::string> dims = symbolicDims(function);
  if (dims.size() > 1)
    return unsupportedError(
        "function " + function.name +
        ": more than one symbolic dimension cannot be compiled: " + llvm::join(dims, ", "));
  MLIRContext *context = builder.getContext();
  auto types = [&](const std::vector<ValueId> &ids) {
    llvm::SmallVector<Type> types;
    for (ValueId id : ids)
      types.push_back(toMlir(context, function.values[id].type));
    return types;
  };
  auto func = func::FuncOp::create(
      builder, NameLoc::get(builder.getStringAttr(function.name)), function.name,
      builder.getFunctionType(types(function.body.inputs), types(function.body.outputs)));
  if (!dims.empty())
    func->setAttr(kDimsAttr, builder.getStrArrayAttr({dims[0]}));

  OpBuilder::InsertionGuard guard(builder);
  mlir::Block *block = func.addEntryBlock();
  builder.setInsertionPointToStart(block);
  std::vector<mlir::Value> values(function.values.size());
  // Set all at once: one by one, each would copy the list.
  llvm::SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  auto named = [&](llvm::StringRef kind, const std::string &name) {
    return builder.getDictionaryAttr(builder.getNamedAttr(kind, builder.getStringAttr(name)));
  };
  for (auto [i, id] : llvm::enumerate(function.body.inputs)) {
    values[id] = block->getArgument(i);
    setName(values[id], function.values[id]);
    argumentAttrs.push_back(named(kInputAttr, function.values[id].name));
  }
  for (const Node &node : function.body.nodes)
    importNode(builder, function, node, values);
  llvm::SmallVector<mlir::Value> outputs;
  for (auto [i, id] : llvm::enumerate(function.body.outputs)) {
    outputs.push_back(values[id]);
    resultAttrs.push_back(named(kOutputAttr, function.outputNames[i]));
  }
  func.setAllArgAttrs(argumentAttrs);
  func.setAllResultAttrs(resultAttrs);
  func::ReturnOp::create(builder, func.getLoc(), outputs);
  return {};
}

Result<OwningOpRef<ModuleOp>> importGraph(MLIRContext &context, const Graph &graph) {
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());

  llvm::SmallVector<mlir::Attribute> parameters;
  for (const Parameter &parameter : graph.parameters)
    parameters.push_back(builder.getArrayAttr(
        {builder.getStringAttr(parameter.name), TypeAttr::get(toMlir(&context, parameter.type))}));
  (*module)->setAttr(kParametersAttr, builder.getArrayAttr(parameters));
  for (const Function &function : graph.functions)
    if (Status status = importFunction(builder, function); !status)
      return status.takeError();

  // A valid graph gives a valid module; anything else is our defect.
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  if (failed(verify(*module)))
    return internalError("importing the graph made an invalid module: " + message);
  return module;
}

} // namespace mlc::ir
