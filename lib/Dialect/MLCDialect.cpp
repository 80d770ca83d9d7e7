// The mlc dialect: its ops, the constants that folding makes, and the checks of
// the attributes it puts on modules and functions.

#include "mlc/Dialect/MLCDialect.h"

#include "mlc/Dialect/Convert.h"
#include "mlc/Graph/Infer.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/PatternMatch.h"

#include "llvm/ADT/DenseSet.h"

#include "mlc/Dialect/MLCDialect.cpp.inc"

#define GET_OP_CLASSES
#include "mlc/Dialect/MLCOps.cpp.inc"

using namespace mlir;

namespace mlc::ir {

void MLCDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "mlc/Dialect/MLCOps.cpp.inc"
      >();
}

Operation *MLCDialect::materializeConstant(OpBuilder &builder, mlir::Attribute value, Type type,
                                           Location loc) {
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}

// mlc.parameters: [["name", type], ...]. One walk checks every parameter op
// against it, so that the cost is linear.
static LogicalResult verifyParameters(ModuleOp module, mlir::Attribute attribute) {
  auto list = dyn_cast<ArrayAttr>(attribute);
  if (!list)
    return module.emitError("`mlc.parameters` is not an array of [name, type]");
  llvm::DenseMap<StringAttr, TensorType> parameters;
  for (mlir::Attribute entry : list) {
    auto pair = dyn_cast<ArrayAttr>(entry);
    auto name = pair && pair.size() == 2 ? dyn_cast<StringAttr>(pair[0]) : StringAttr();
    auto type = pair && pair.size() == 2 ? dyn_cast<TypeAttr>(pair[1]) : TypeAttr();
    if (!name || !type)
      return module.emitError("`mlc.parameters` is not an array of [name, type]");
    Result<TensorType> converted = toGraph(type.getValue(), "?");
    if (!converted)
      return module.emitError("parameter ") << name << ": " << converted.error().message;
    name = StringAttr::get(module.getContext(), name.getValue());
    if (!parameters.try_emplace(name, std::move(*converted)).second)
      return module.emitError("parameter ") << name << " is listed twice";
  }

  WalkResult result = module.walk([&](ParameterOp op) {
    StringAttr name = op.getParameterAttr();
    if (!name)
      return WalkResult::advance(); // The op's own verifier says so.
    Graph graph;
    if (auto found = parameters.find(name); found != parameters.end())
      graph.parameters.push_back({name.str(), found->second});
    InferContext context;
    context.graph = &graph;
    auto types = inferTypes(Op::Parameter, {}, {{"parameter", name.str()}}, context);
    if (!types)
      return WalkResult(op.emitError(types.error().message));
    Result<TensorType> actual = toGraph(op.getType(), "?");
    Status status = actual ? checkResultTypes(Op::Parameter, *types, {*actual}) : Status();
    if (!status)
      return WalkResult(op.emitError(status.error().message));
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult MLCDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kParametersAttr) {
    auto module = dyn_cast<ModuleOp>(op);
    if (!module)
      return op->emitError("`mlc.parameters` belongs on a module");
    return verifyParameters(module, attribute.getValue());
  }
  if (attribute.getName() == kDimsAttr) {
    auto dims = dyn_cast<ArrayAttr>(attribute.getValue());
    auto name = dims && dims.size() == 1 ? dyn_cast<StringAttr>(dims[0]) : StringAttr();
    if (!name || name.empty())
      return op->emitError("`mlc.dims` is not an array of one name");
  }
  return success();
}

} // namespace mlc::ir
