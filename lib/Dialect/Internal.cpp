// The ops that passes make: fusion with its text form, pack, packed_matmul, quantize, attend, slot,
// rows. Refuses fusions whose body is not of their kind, and panels of the wrong size.

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
      !(vocabularyOp(op) || isa<QuantizeOp>(op)))
    return BodyRole::Foreign;
  return BodyRole::Elementwise;
}

bool isElementwise(Operation *op) { return roleOf(op) == BodyRole::Elementwise; }

std::optional<Attention> Attention::of(mlir::Value result) {
  auto values = result.getDefiningOp<MatMulOp>();
  auto softmax = values ? values.getLhs().getDefiningOp<SoftmaxOp>() : SoftmaxOp();
  if (!softmax || values.getTransposeA() ||
      static_cast<int64_t>(softmax.getAxis()) + 1 != softmax.getType().getRank())
    return std::nullopt;
  for (Operation &op : *softmax->getBlock())
    if (auto scores = dyn_cast<MatMulOp>(op))
      if (scores != values && scores.getType() == softmax.getType())
        return Attention{scores, softmax, values};
  return std::nullopt;
}

LogicalResult FusionOp::verify() {
  bool known =
      llvm::StringSwitch<bool>(getKind())
          .Cases({"contraction", "elementwise", "reduction", "softmax", "attention", "data"}, true)
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

  int64_t roots = 0, contractions = 0, reductions = 0, elementwise = 0, slices = 0;
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
    default:
      contractions += roleOf(&op) == BodyRole::Contraction;
      reductions += roleOf(&op) == BodyRole::Reduction;
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
  if (kind == "attention" && (roots != 3 || contractions != 2 || yield.getNumOperands() != 1 ||
                              !Attention::of(yield.getOperand(0))))
    return fail(
        "a matmul, a softmax of rows of its shape, the matmul with that and element-wise ops");
  if (kind == "data" &&
      (roots + slices > 1 || elementwise != 0 || (roots == 1 && role != BodyRole::Data)))
    return fail("at most one op, which moves elements");
  return success();
}

//===----------------------------------------------------------------------===//
// pack, packed_matmul and quantize
//===----------------------------------------------------------------------===//

// As many parts of `size` as hold `count` elements.
static int64_t parts(int64_t count, int64_t size) { return count / size + (count % size != 0); }

LogicalResult PackOp::verify() {
  auto operand = getOperand().getType(), result = getResult().getType();
  bool transpose = getTranspose();
  if (operand.getRank() != 2 || operand.isDynamicDim(transpose ? 0 : 1))
    return emitError("pack [C1]: the operand is ")
           << operand << ", expected a matrix with a known number of columns";
  int64_t tile = getTileAttr().getInt(), depth = getDepth();
  if (tile < 1 || depth < 1)
    return emitError("pack [C2]: `tile` is ")
           << tile << " and `depth` " << depth << ", expected at least 1";
  int64_t columns = operand.getDimSize(transpose ? 0 : 1);
  int64_t rows = operand.getDimSize(transpose ? 1 : 0);
  if (depth > 1 && ShapedType::isDynamic(rows))
    return emitError("pack [C2]: `depth` is ") << depth << ", but the number of rows is not known";
  llvm::SmallVector<int64_t, 4> shape{parts(columns, tile), rows, tile};
  if (depth > 1)
    shape = {parts(columns, tile), parts(rows, depth), tile, depth};
  auto expected = RankedTensorType::get(shape, operand.getElementType());
  if (result != expected)
    return emitError("pack [C3]: the result is ") << result << ", expected " << expected;
  return success();
}

static bool canMultiply(Type lhs, Type rhs, Type result) {
  if (lhs == rhs)
    return lhs == result;
  if (lhs.isF32())
    return lhs == result && (rhs.isBF16() || rhs.isInteger(8));
  return (lhs.isUnsignedInteger(8) || lhs.isInteger(16)) && rhs.isSignlessInteger(8) &&
         result.isInteger(32);
}

LogicalResult PackedMatMulOp::verify() {
  auto lhs = getLhs().getType(), rhs = getRhs().getType(), result = getResult().getType();
  if (!canMultiply(lhs.getElementType(), rhs.getElementType(), result.getElementType()))
    return emitError("packed_matmul [C1]: a product of ")
           << lhs.getElementType() << " and " << rhs.getElementType() << " cannot be "
           << result.getElementType();
  bool isKnown = (rhs.getRank() == 3 || rhs.getRank() == 4) &&
                 llvm::none_of(rhs.getShape().drop_front(2), [](int64_t s) { return s < 1; });
  if (lhs.getRank() != 2 || !isKnown)
    return emitError("packed_matmul [C2]: expected operands of ranks 2 and 3, or 4, with a known "
                     "tile and depth, found ")
           << lhs << " and " << rhs;
  bool transpose = getTransposeA();
  int64_t rows = lhs.getDimSize(transpose ? 0 : 1);
  if (rhs.getRank() == 4 && !ShapedType::isDynamic(rows))
    rows = parts(rows, rhs.getDimSize(3));
  if (rows != rhs.getDimSize(1))
    return emitError("packed_matmul [C3]: the contracted dimensions of ")
           << lhs << " and " << rhs << " differ";
  if (result.getRank() != 2 || result.getDimSize(0) != lhs.getDimSize(transpose ? 1 : 0) ||
      result.isDynamicDim(1) || parts(result.getDimSize(1), rhs.getDimSize(2)) != rhs.getDimSize(0))
    return emitError("packed_matmul [C4]: the result ")
           << result << " does not have the rows of " << lhs << " and the columns packed in "
           << rhs;
  return success();
}

LogicalResult QuantizeOp::verify() {
  auto operand = getOperand().getType(), scale = getScale().getType();
  auto result = getResult().getType();
  if (!operand.getElementType().isF32() || operand != scale)
    return emitError("quantize [C1]: expected two operands of f32 and one shape, found ")
           << operand << " and " << scale;
  Type to = result.getElementType();
  bool isSmall = to.isSignlessInteger(8) || to.isSignlessInteger(16) || to.isUnsignedInteger(8);
  if (!isSmall || result.getShape() != operand.getShape())
    return emitError("quantize [C2]: the result is ")
           << result << ", expected i8, i16 or u8 in the shape of " << operand;
  return success();
}

//===----------------------------------------------------------------------===//
// attend
//===----------------------------------------------------------------------===//

LogicalResult AttendOp::verify() {
  auto elementOf = [](mlir::Value value) {
    return cast<ShapedType>(value.getType()).getElementType();
  };
  auto loops = static_cast<unsigned>(getQueries().getType().getRank()) + 2;
  auto fits = [&](mlir::Attribute map) {
    return cast<AffineMapAttr>(map).getValue().getNumDims() == loops;
  };
  if (getMaps().size() != getNumOperands() || !llvm::all_of(getMaps(), fits))
    return emitError("attend [C1]: expected ")
           << getNumOperands() << " maps of " << loops << " loops";
  for (mlir::Value operand : {getQueries(), getKeys(), getValues(), getOut()})
    if (!elementOf(operand).isF32())
      return emitError("attend [C2]: expected operands of f32, found ") << operand.getType();
  llvm::SmallVector<Type> elements{Float32Type::get(getContext())};
  for (mlir::Value other : getOthers())
    elements.push_back(elementOf(other));
  auto yield = dyn_cast<YieldOp>(getBlock()->getTerminator());
  if (getBody().getArgumentTypes() != TypeRange(elements) || !yield ||
      yield.getOperandTypes() != TypeRange(elements).take_front())
    return emitError("attend [C3]: expected a body of (")
           << elements << ") that yields " << elements.front();
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

//===----------------------------------------------------------------------===//
// rows
//===----------------------------------------------------------------------===//

LogicalResult RowsOp::verify() {
  auto source = dyn_cast<MemRefType>(getSource().getType());
  auto result = dyn_cast<MemRefType>(getResult().getType());
  auto elements = [](MemRefType type) {
    return ShapedType::getNumElements(type.getShape().drop_front());
  };
  auto areRows = [](MemRefType type) {
    return type && type.getRank() > 0 && type.getLayout().isIdentity() &&
           llvm::none_of(type.getShape().drop_front(), ShapedType::isDynamic);
  };
  if (!areRows(source) || !areRows(result) || source.getElementType() != result.getElementType() ||
      elements(result) > elements(source))
    return emitError("rows [C1]: ")
           << getResult().getType() << " is not rows of " << getSource().getType();
  return success();
}

mlir::Value RowsOp::getViewSource() { return getSource(); }

} // namespace mlc::ir
