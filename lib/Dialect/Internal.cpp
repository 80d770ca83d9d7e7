// The ops that passes make: fusion with its text form, pack, packed_matmul, slot.
// Refuses fusions whose body is not of their kind, and panels of the wrong size.

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace mlc::ir {

//===----------------------------------------------------------------------===//
// fusion
//===----------------------------------------------------------------------===//

YieldOp FusionOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

ParseResult FusionOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr kind;
  llvm::SmallVector<OpAsmParser::Argument> arguments;
  llvm::SmallVector<OpAsmParser::UnresolvedOperand> operands;
  FunctionType type;
  if (parser.parseAttribute(kind, "kind", result.attributes) ||
      parser.parseAssignmentList(arguments, operands) || parser.parseColon())
    return failure();
  SMLoc typeLoc = parser.getCurrentLocation();
  if (parser.parseType(type))
    return failure();
  if (type.getNumInputs() != operands.size())
    return parser.emitError(typeLoc, "expected a type for each of the ")
           << operands.size() << " operands";
  for (auto [argument, input] : llvm::zip(arguments, type.getInputs()))
    argument.type = input;
  StringAttr reason;
  if (succeeded(parser.parseOptionalKeyword("reason")) &&
      parser.parseAttribute(reason, "reason", result.attributes))
    return failure();
  result.addTypes(type.getResults());
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.resolveOperands(operands, type.getInputs(), typeLoc, result.operands))
    return failure();
  return parser.parseRegion(*result.addRegion(), arguments);
}

void FusionOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getKindAttr() << " (";
  llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInputs()), printer, [&](auto pair) {
    printer << std::get<0>(pair) << " = " << std::get<1>(pair);
  });
  printer << ") : ";
  printer.printFunctionalType(getOperation());
  if (getReasonAttr())
    printer << " reason " << getReasonAttr();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"kind", "reason"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

namespace {
enum class BodyRole {
  Constant,
  Elementwise,
  Slice,
  Contraction,
  Reduction,
  Softmax,
  Data,
  Foreign
};
} // namespace

static BodyRole roleOf(Operation *op) {
  if (isa<ConstantOp>(op))
    return BodyRole::Constant;
  if (isa<MatMulOp, PackedMatMulOp>(op))
    return BodyRole::Contraction;
  if (isa<ReduceOp>(op))
    return BodyRole::Reduction;
  if (isa<SoftmaxOp>(op))
    return BodyRole::Softmax;
  if (isa<SliceOp>(op))
    return BodyRole::Slice;
  if (isa<ReshapeOp, TransposeOp, ConcatOp, TakeOp, PackOp>(op))
    return BodyRole::Data;
  if (isa<ParameterOp, CallOp, IfOp, WhileOp, ScanOp, FusionOp, PrintOp, CheckOp, CustomOp>(op) ||
      !vocabularyOp(op))
    return BodyRole::Foreign;
  return BodyRole::Elementwise;
}

LogicalResult FusionOp::verify() {
  bool known = llvm::StringSwitch<bool>(getKind())
                   .Cases({"contraction", "elementwise", "reduction", "softmax", "data"}, true)
                   .Default(false);
  if (!known)
    return emitError("fusion [C1]: unknown kind ") << getKindAttr();
  if (getBody().getArgumentTypes() != getInputs().getTypes())
    return emitError("fusion [C2]: the body's arguments differ from the operands in type");
  return success();
}

LogicalResult FusionOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getBlock()->getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes())
    return emitError("fusion [C3]: the body does not yield values of the results' types");

  int64_t roots = 0, reductions = 0, elementwise = 0, slices = 0;
  Operation *root = nullptr;
  for (Operation &op : getBlock()->without_terminator()) {
    switch (roleOf(&op)) {
    case BodyRole::Foreign:
      return op.emitError("fusion [C4]: ") << op.getName() << " cannot be in a fusion";
    case BodyRole::Constant:
      break;
    case BodyRole::Elementwise:
      ++elementwise;
      break;
    case BodyRole::Slice:
      ++slices;
      break;
    case BodyRole::Reduction:
      ++reductions;
      [[fallthrough]];
    default:
      ++roots;
      root = &op;
    }
  }
  llvm::StringRef kind = getKind();
  BodyRole role = root ? roleOf(root) : BodyRole::Elementwise;
  auto fail = [&](const char *expected) {
    return emitError("fusion [C5]: the body of ")
           << getKindAttr() << " must hold " << expected << ", constants aside";
  };
  if (kind == "elementwise" && roots != 0)
    return fail("element-wise ops, broadcasts and slices only");
  if (kind == "contraction" && (roots != 1 || role != BodyRole::Contraction))
    return fail("one matmul or packed_matmul and element-wise ops");
  if (kind == "reduction" && (roots == 0 || roots != reductions))
    return fail("reduces and element-wise ops");
  if (kind == "softmax" && (roots != 1 || role != BodyRole::Softmax))
    return fail("one softmax and element-wise ops");
  if (kind == "data" &&
      (roots + slices > 1 || elementwise != 0 || (roots == 1 && role != BodyRole::Data)))
    return fail("at most one op, which moves elements");
  return success();
}

//===----------------------------------------------------------------------===//
// pack and packed_matmul
//===----------------------------------------------------------------------===//

static int64_t panels(int64_t columns, int64_t tile) {
  return columns / tile + (columns % tile != 0);
}

LogicalResult PackOp::verify() {
  auto operand = getOperand().getType(), result = getResult().getType();
  bool transpose = getTranspose();
  if (operand.getRank() != 2 || operand.isDynamicDim(transpose ? 0 : 1))
    return emitError("pack [C1]: the operand is ")
           << operand << ", expected a matrix with a known number of columns";
  if (getTileAttr().getInt() < 1)
    return emitError("pack [C2]: `tile` is ") << getTile() << ", expected at least 1";
  int64_t tile = getTile(), columns = operand.getDimSize(transpose ? 0 : 1);
  auto expected =
      RankedTensorType::get({panels(columns, tile), operand.getDimSize(transpose ? 1 : 0), tile},
                            operand.getElementType());
  if (result != expected)
    return emitError("pack [C3]: the result is ") << result << ", expected " << expected;
  return success();
}

LogicalResult PackedMatMulOp::verify() {
  auto lhs = getLhs().getType(), rhs = getRhs().getType(), result = getResult().getType();
  if (lhs.getElementType() != rhs.getElementType() ||
      lhs.getElementType() != result.getElementType())
    return emitError("packed_matmul [C1]: operands and result differ in dtype");
  if (lhs.getRank() != 2 || rhs.getRank() != 3 || rhs.isDynamicDim(2) || rhs.getDimSize(2) < 1)
    return emitError("packed_matmul [C2]: expected operands of ranks 2 and 3 with a known tile, "
                     "found ")
           << lhs << " and " << rhs;
  bool transpose = getTransposeA();
  if (lhs.getDimSize(transpose ? 0 : 1) != rhs.getDimSize(1))
    return emitError("packed_matmul [C3]: the contracted dimensions of ")
           << lhs << " and " << rhs << " differ";
  if (result.getRank() != 2 || result.getDimSize(0) != lhs.getDimSize(transpose ? 1 : 0) ||
      result.isDynamicDim(1) ||
      panels(result.getDimSize(1), rhs.getDimSize(2)) != rhs.getDimSize(0))
    return emitError("packed_matmul [C4]: the result ")
           << result << " does not have the rows of " << lhs << " and the columns packed in "
           << rhs;
  return success();
}

//===----------------------------------------------------------------------===//
// slot
//===----------------------------------------------------------------------===//

LogicalResult SlotOp::verify() {
  auto source = dyn_cast<MemRefType>(getSource().getType());
  auto fits = [&] {
    return source && source.getRank() > 0 && source.getLayout().isIdentity() &&
           getResult().getType() ==
               MemRefType::get(source.getShape().drop_front(), source.getElementType());
  };
  if (!fits())
    return emitError("slot [C1]: ") << getResult().getType() << " is not " << getSource().getType()
                                    << " without its first dimension";
  return success();
}

mlir::Value SlotOp::getViewSource() { return getSource(); }

} // namespace mlc::ir
