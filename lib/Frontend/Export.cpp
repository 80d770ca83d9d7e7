// mlc dialect -> Graph, in the phases graph and fused: fusions are inlined,
// packing is undone and @prepare is joined with @run again. Refuses ops of other
// dialects than mlc and func, and control flow between blocks.

#include "Locations.h"

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Frontend/Frontend.h"
#include "mlc/Graph/Validate.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace mlc::ir {

namespace {

std::string where(Location location) {
  std::string place = fromLocation(location, 0).location;
  return place.empty() ? "" : place + ": ";
}

Error refuse(Operation *op, const std::string &message) {
  return badInputError(where(op->getLoc()) + message);
}

// Makes names unique: "x", "x_2", "x_3", ...
class Names {
public:
  std::string add(const std::string &wanted) {
    if (used.insert(wanted).second)
      return wanted;
    unsigned &next = counters.try_emplace(wanted, 2).first->second;
    while (true) {
      std::string name = wanted + "_" + std::to_string(next++);
      if (used.insert(name).second)
        return name;
    }
  }

private:
  llvm::StringSet<> used;
  llvm::StringMap<unsigned> counters;
};

// What an MLIR value is in the graph. A packed matrix stands for the matrix.
struct Exported {
  ValueId id = -1;
  bool isPacked = false;
  bool isTransposed = false;
};

// Builds one graph function out of one or two MLIR functions.
class FunctionExporter {
public:
  FunctionExporter(std::string name, std::string symbol) : symbol(std::move(symbol)) {
    function.name = std::move(name);
  }

  Status addInput(BlockArgument argument, StringAttr name) {
    Result<TensorType> type = toGraph(argument.getType(), symbol);
    if (!type)
      return badInputError("function " + function.name + ": " + type.error().message);
    std::string wanted = name ? name.str() : "arg" + std::to_string(function.body.inputs.size());
    ValueId id = addValue(wanted, std::move(*type));
    function.body.inputs.push_back(id);
    values[argument] = {id};
    return {};
  }

  Status addParameter(BlockArgument argument, StringAttr name) {
    Result<TensorType> type = toGraph(argument.getType(), symbol);
    if (!type)
      return badInputError("function " + function.name + ": " + type.error().message);
    Node node;
    node.name = nodeNames.add(name.str());
    node.op = Op::Parameter;
    node.attributes.emplace("parameter", name.str());
    node.results = {addValue(name.str(), std::move(*type))};
    values[argument] = {node.results[0]};
    nodes->push_back(std::move(node));
    return {};
  }

  void bind(mlir::Value value, mlir::Value known) { values[value] = values.lookup(known); }

  /// All ops of a block but its terminator, at the place of the ones before.
  Status addBlock(mlir::Block &block) {
    for (Operation &op : block.without_terminator())
      if (Status status = addOp(&op); !status)
        return status;
    return {};
  }

  Status addOutput(mlir::Value value, StringAttr name) {
    Exported exported = values.lookup(value);
    if (exported.isPacked)
      return badInputError("function " + function.name + " returns a packed matrix");
    function.body.outputs.push_back(exported.id);
    function.outputNames.push_back(name ? name.str()
                                        : "out" + std::to_string(function.outputNames.size()));
    return {};
  }

  Function finish() { return std::move(function); }

private:
  ValueId addValue(const std::string &name, TensorType type) {
    function.values.push_back({valueNames.add(name), std::move(type)});
    return static_cast<ValueId>(function.values.size() - 1);
  }

  Status addOp(Operation *op) {
    if (auto fusion = dyn_cast<FusionOp>(op))
      return addFusion(fusion);
    if (auto pack = dyn_cast<PackOp>(op)) {
      Exported operand = values.lookup(pack.getOperand());
      if (operand.isPacked)
        return refuse(op, "mlc.pack: the operand is packed already");
      values[pack.getResult()] = {operand.id, true, pack.getTranspose()};
      return {};
    }
    if (auto matmul = dyn_cast<PackedMatMulOp>(op))
      return addPackedMatMul(matmul);
    return addNode(op);
  }

  Status addFusion(FusionOp fusion) {
    for (auto [argument, input] :
         llvm::zip_equal(fusion.getBody().getArguments(), fusion.getInputs()))
      bind(argument, input);
    if (Status status = addBlock(*fusion.getBlock()); !status)
      return status;
    for (auto [result, yielded] :
         llvm::zip_equal(fusion.getResults(), fusion.getYield().getValues()))
      bind(result, yielded);
    return {};
  }

  Status addPackedMatMul(PackedMatMulOp op) {
    Exported lhs = values.lookup(op.getLhs()), rhs = values.lookup(op.getRhs());
    if (lhs.isPacked || !rhs.isPacked)
      return refuse(op, "mlc.packed_matmul: the right-hand side is not made by mlc.pack");
    if (op.getLhs().getType().getElementType() != op.getRhs().getType().getElementType())
      return refuse(op, "mlc.packed_matmul: weights that were reduced cannot be in a model");
    Attributes attributes{{"transpose_a", op.getTransposeA()}, {"transpose_b", rhs.isTransposed}};
    return appendNode(op, Op::MatMul, {lhs.id, rhs.id}, std::move(attributes));
  }

  Status addNode(Operation *op) {
    std::optional<Op> graphOp = vocabularyOp(op);
    if (!graphOp)
      return refuse(op, "op " + op->getName().getStringRef().str() +
                            " cannot be in a model; expected ops of the dialect mlc");
    if (auto constant = dyn_cast<ConstantOp>(op))
      if (Status status = checkSize(constant); !status)
        return status;
    std::vector<ValueId> operands;
    for (mlir::Value operand : op->getOperands()) {
      Exported exported = values.lookup(operand);
      // A block takes the matrix instead, see addInnerBlock.
      if (exported.isPacked && op->getNumRegions() == 0)
        return refuse(op, op->getName().getStringRef().str() + " uses a packed matrix");
      operands.push_back(exported.id);
    }
    auto attributes = attributesOf(op, symbol, /*constants=*/true);
    if (!attributes)
      return refuse(op, attributes.error().message);
    return appendNode(op, *graphOp, std::move(operands), std::move(*attributes));
  }

  // A splat is one element in the text however large its type is.
  static Status checkSize(ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    std::optional<int64_t> count =
        elementCount(Shape(type.getShape().begin(), type.getShape().end()));
    int64_t limit = GraphLimits().maxConstantBytes;
    if (!count || *count > limit / dtypeBytes(*toDType(type.getElementType())))
      return refuse(op, "mlc.constant: larger than " + std::to_string(limit) +
                            " bytes; larger data is a parameter");
    return {};
  }

  Status appendNode(Operation *op, Op graphOp, std::vector<ValueId> operands,
                    Attributes attributes) {
    NodeNames names = fromLocation(op->getLoc(), op->getNumResults());
    std::string stem = op->getName().stripDialect().str();
    Node node;
    node.op = graphOp;
    node.name = nodeNames.add(names.node.empty() ? stem : names.node);
    node.location = names.location;
    node.operands = std::move(operands);
    node.attributes = std::move(attributes);
    for (mlir::Value result : op->getResults()) {
      Result<TensorType> type = toGraph(result.getType(), symbol);
      if (!type)
        return refuse(op, type.error().message);
      size_t i = node.results.size();
      ValueId id =
          addValue(i < names.results.size() ? names.results[i] : node.name, std::move(*type));
      node.results.push_back(id);
      values[result] = {id};
    }
    for (Region &region : op->getRegions())
      if (Status status = addInnerBlock(region.front(), node.blocks.emplace_back()); !status)
        return status;
    nodes->push_back(std::move(node));
    return {};
  }

  Status addInnerBlock(mlir::Block &from, Block &to) {
    Operation *op = from.getParentOp();
    auto operands = op->getOperands().take_back(from.getNumArguments());
    for (auto [argument, operand] : llvm::zip_equal(from.getArguments(), operands)) {
      Exported outside = values.lookup(operand);
      Result<TensorType> type = toGraph(argument.getType(), symbol);
      if (outside.isPacked)
        type = TensorType(function.values[outside.id].type);
      if (!type)
        return refuse(op, type.error().message);
      NodeNames names = fromLocation(argument.getLoc(), 0);
      std::string wanted =
          names.node.empty() ? "arg" + std::to_string(to.inputs.size()) : names.node;
      to.inputs.push_back(addValue(wanted, std::move(*type)));
      values[argument] = {to.inputs.back(), outside.isPacked, outside.isTransposed};
    }
    std::vector<Node> *outer = std::exchange(nodes, &to.nodes);
    Status status = addBlock(from);
    nodes = outer;
    if (!status)
      return status;
    for (mlir::Value value : from.getTerminator()->getOperands()) {
      Exported exported = values.lookup(value);
      if (exported.isPacked)
        return refuse(from.getTerminator(), "mlc.yield returns a packed matrix");
      to.outputs.push_back(exported.id);
    }
    return {};
  }

  Function function;
  std::vector<Node> *nodes = &function.body.nodes; ///< Of the block that is being built.
  std::string symbol;
  Names nodeNames, valueNames;
  llvm::DenseMap<mlir::Value, Exported> values;
};

std::string symbolOf(func::FuncOp func) {
  std::string symbol = symbolicDim(func);
  return symbol == "?" ? "n" : symbol;
}

Status checkFunction(func::FuncOp func) {
  if (!llvm::hasSingleElement(func.getBody()))
    return refuse(func, "function " + func.getName().str() + ": expected a body of one block");
  if (!isa<func::ReturnOp>(func.getBody().front().getTerminator()))
    return refuse(func, "function " + func.getName().str() + " does not end in func.return");
  return {};
}

Status addOutputs(FunctionExporter &exporter, func::FuncOp func) {
  for (auto [i, value] : llvm::enumerate(func.getBody().front().getTerminator()->getOperands()))
    if (Status status =
            exporter.addOutput(value, func.getResultAttrOfType<StringAttr>(i, kOutputAttr));
        !status)
      return status;
  return {};
}

Result<Function> exportFunction(func::FuncOp func) {
  FunctionExporter exporter(func.getName().str(), symbolOf(func));
  for (BlockArgument argument : func.getArguments())
    if (Status status = exporter.addInput(
            argument, func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kInputAttr));
        !status)
      return status.takeError();
  if (Status status = exporter.addBlock(func.getBody().front()); !status)
    return status.takeError();
  if (Status status = addOutputs(exporter, func); !status)
    return status.takeError();
  return exporter.finish();
}

// The phase fused: what @prepare returns is what @run takes in addition.
Result<Function> joinPrepareAndRun(func::FuncOp prepare, func::FuncOp run) {
  FunctionExporter exporter(run.getName().str(), symbolOf(run));
  llvm::SmallVector<BlockArgument> prepared;
  for (BlockArgument argument : run.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (run.getArgAttr(i, kPreparedAttr)) {
      prepared.push_back(argument);
      continue;
    }
    auto name = run.getArgAttrOfType<StringAttr>(i, kInputAttr);
    if (Status status = exporter.addInput(argument, name); !status)
      return status.takeError();
  }
  for (BlockArgument argument : prepare.getArguments()) {
    auto name = prepare.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kParameterAttr);
    if (!name)
      return refuse(prepare, "@prepare has an argument without mlc.parameter");
    if (!argument.use_empty())
      if (Status status = exporter.addParameter(argument, name); !status)
        return status.takeError();
  }
  if (Status status = exporter.addBlock(prepare.getBody().front()); !status)
    return status.takeError();
  auto returned = prepare.getBody().front().getTerminator()->getOperands();
  for (BlockArgument argument : prepared) {
    auto index = run.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), kPreparedAttr);
    if (!index || index.getInt() < 0 || index.getInt() >= static_cast<int64_t>(returned.size()) ||
        returned[index.getInt()].getType() != argument.getType())
      return refuse(run, "@run takes a prepared tensor that @prepare does not return");
    exporter.bind(argument, returned[index.getInt()]);
  }
  if (Status status = exporter.addBlock(run.getBody().front()); !status)
    return status.takeError();
  if (Status status = addOutputs(exporter, run); !status)
    return status.takeError();
  return exporter.finish();
}

} // namespace

Result<Graph> exportGraph(ModuleOp module) {
  if (auto phase = module->getAttrOfType<StringAttr>(kPhaseAttr))
    if (phase != "graph" && phase != "fused")
      return refuse(module, "a module in the phase " + phase.str() +
                                " is no longer a graph; expected graph or fused");
  Graph graph;
  if (auto parameters = module->getAttrOfType<ArrayAttr>(kParametersAttr))
    for (mlir::Attribute entry : parameters) {
      auto pair = cast<ArrayAttr>(entry);
      Result<TensorType> type = toGraph(cast<TypeAttr>(pair[1]).getValue(), "?");
      if (!type)
        return type.takeError();
      graph.parameters.push_back({cast<StringAttr>(pair[0]).str(), std::move(*type)});
    }

  llvm::SmallVector<func::FuncOp> functions;
  for (Operation &op : *module.getBody()) {
    auto func = dyn_cast<func::FuncOp>(op);
    if (!func)
      return refuse(&op, "op " + op.getName().getStringRef().str() +
                             " cannot be at the top level of a model; expected func.func");
    if (Status status = checkFunction(func); !status)
      return status.takeError();
    functions.push_back(func);
  }

  auto prepare = module.lookupSymbol<func::FuncOp>(kPrepareFunction);
  auto run = module.lookupSymbol<func::FuncOp>(kRunFunction);
  auto isPrepared = [](func::FuncOp func) {
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      if (func.getArgAttr(i, kPreparedAttr) || func.getArgAttr(i, kParameterAttr))
        return true;
    return false;
  };
  if (prepare && run && (isPrepared(prepare) || isPrepared(run))) {
    if (functions.size() != 2)
      return refuse(module, "beside @prepare and @run there are other functions");
    Result<Function> function = joinPrepareAndRun(prepare, run);
    if (!function)
      return function.takeError();
    graph.functions.push_back(std::move(*function));
    return graph;
  }
  for (func::FuncOp func : functions) {
    Result<Function> function = exportFunction(func);
    if (!function)
      return function.takeError();
    graph.functions.push_back(std::move(*function));
  }
  return graph;
}

} // namespace mlc::ir
