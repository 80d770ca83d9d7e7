// mlc-check-indices: puts before every take an mlc.check that all its indices
// exist, on functions of mlc ops and the blocks in them. The take itself reads
// inside its operand whatever the indices are, so it may move away from there.

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_CHECKINDICESPASS
#include "mlc/Transforms/Graph/Passes.h.inc"

namespace {

bool areKnownToExist(Value indices, int64_t size) {
  auto constant = indices.getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return dense && llvm::all_of(dense.getValues<llvm::APInt>(), [&](const llvm::APInt &index) {
           return index.getSExtValue() >= -size && index.getSExtValue() < size;
         });
}

// Which of the indices exist.
Value whichExist(ImplicitLocOpBuilder &b, Value indices, int64_t size) {
  auto typeOf = [&](Type element) {
    return cast<RankedTensorType>(indices.getType()).clone(element);
  };
  Type wide = b.getI64Type();
  // In 64 bits, as the size of an axis may exceed what the indices can hold.
  if (cast<RankedTensorType>(indices.getType()).getElementType() != wide)
    indices = CastOp::create(b, typeOf(wide), indices, b.getStringAttr("i64"));
  llvm::SmallVector<int64_t> shape;
  for (int64_t extent : typeOf(wide).getShape())
    shape.push_back(ShapedType::isDynamic(extent) ? -1 : extent);
  auto compare = [&](llvm::StringRef direction, int64_t bound) -> Value {
    auto scalar = RankedTensorType::get({}, wide);
    Value one = ConstantOp::create(b, scalar, DenseElementsAttr::get(scalar, bound));
    Value all = BroadcastOp::create(b, typeOf(wide), one, b.getDenseI64ArrayAttr(shape),
                                    b.getDenseI64ArrayAttr({}));
    return CompareOp::create(b, typeOf(b.getI1Type()), indices, all, b.getStringAttr(direction));
  };
  Value exist = compare("ge", -size), isBelow = compare("lt", size);
  return LogicalAndOp::create(b, typeOf(b.getI1Type()), exist, isBelow);
}

void check(TakeOp take) {
  int64_t size = take.getOperand().getType().getDimSize(take.getAxis());
  if (areKnownToExist(take.getIndices(), size))
    return;
  ImplicitLocOpBuilder b(take.getLoc(), take);
  std::string range = "[" + std::to_string(-size) + ", " + std::to_string(size) + ")";
  CheckOp::create(b, whichExist(b, take.getIndices(), size),
                  b.getStringAttr("take: an index is not in " + range));
}

struct CheckIndicesPass : impl::CheckIndicesPassBase<CheckIndicesPass> {
  void runOnOperation() override { getOperation().walk(check); }
};

} // namespace
} // namespace mlc::ir
