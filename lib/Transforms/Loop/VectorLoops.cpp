//===- VectorLoops.cpp - Building loops over vectors ----------------------===//

#include "VectorLoops.h"

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mlc::ir {

void noteStrategy(Operation *op, const Twine &choice) {
  auto kernel = op->getParentOfType<func::FuncOp>();
  std::string text;
  if (auto known = kernel->getAttrOfType<StringAttr>(kStrategyAttr))
    text = known.str() + "; ";
  std::string more = choice.str();
  if (text.find(more + "; ") == std::string::npos) // Several loops may be alike.
    kernel->setAttr(kStrategyAttr, StringAttr::get(op->getContext(), text + more));
}

Type Access::elementType() const { return getElementTypeOrSelf(memref.getType()); }

AccessPattern Access::along(unsigned loop) const {
  if (!map.isFunctionOfDim(loop))
    return AccessPattern::Invariant;
  MLIRContext *context = map.getContext();
  AffineExpr iv = getAffineDimExpr(loop, context);
  for (AffineExpr result : map.getResults().drop_back())
    if (result.isFunctionOfDim(loop))
      return AccessPattern::Other;
  AffineExpr last = map.getResults().back();
  AffineExpr step = simplifyAffineExpr(last.replace(iv, iv + 1) - last, map.getNumDims(), 0);
  SmallVector<int64_t> strides;
  int64_t offset;
  if (step != getAffineConstantExpr(1, context) ||
      failed(cast<MemRefType>(memref.getType()).getStridesAndOffset(strides, offset)) ||
      strides.back() != 1)
    return AccessPattern::Other;
  return AccessPattern::Contiguous;
}

SmallVector<Value> Access::indices(ImplicitLocOpBuilder &b, ValueRange ivs) const {
  SmallVector<Value> result;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      result.push_back(ivs[dim.getPosition()]);
    else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      result.push_back(indexConstant(b, constant.getValue()));
    else
      result.push_back(affine::expandAffineExpr(b, b.getLoc(), expr, ivs, {}));
  }
  return result;
}

Value Access::loadScalar(ImplicitLocOpBuilder &b, ValueRange ivs) const {
  if (!isa<MemRefType>(memref.getType()))
    return memref; // a scalar operand, as linalg.fill has
  return memref::LoadOp::create(b, memref, indices(b, ivs));
}

void Access::storeScalar(ImplicitLocOpBuilder &b, ValueRange ivs, Value value) const {
  memref::StoreOp::create(b, value, memref, indices(b, ivs));
}

Value Access::load(ImplicitLocOpBuilder &b, ValueRange ivs, unsigned loop, int64_t lanes,
                   Value mask) const {
  if (lanes == 1 && !mask)
    return loadScalar(b, ivs);
  if (along(loop) == AccessPattern::Invariant)
    return splat(b, loadScalar(b, ivs), lanes);
  auto type = VectorType::get({lanes}, elementType());
  SmallVector<Value> at = indices(b, ivs);
  if (!mask)
    return vector::LoadOp::create(b, type, memref, at);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, type, memref, at, mask, zero);
}

static bool isFirstLaneOnly(Value mask) {
  DenseElementsAttr bits;
  return mask && matchPattern(mask, m_Constant(&bits)) &&
         llvm::count(bits.getValues<bool>(), true) == 1;
}

void Access::store(ImplicitLocOpBuilder &b, ValueRange ivs, Value vector, Value mask) const {
  if (!isa<VectorType>(vector.getType()))
    return storeScalar(b, ivs, vector);
  SmallVector<Value> at = indices(b, ivs);
  // LLVM 22 turns a truncating masked store of one lane into a scalar store that
  // forgets the truncation and writes past the element.
  if (isFirstLaneOnly(mask))
    vector = vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{0});
  if (!isa<VectorType>(vector.getType()))
    memref::StoreOp::create(b, vector, memref, at);
  else if (mask)
    vector::MaskedStoreOp::create(b, memref, at, mask, vector);
  else
    vector::StoreOp::create(b, vector, memref, at);
}

SmallVector<Access> accessesOf(linalg::LinalgOp op) {
  SmallVector<Access> accesses;
  for (OpOperand &operand : op->getOpOperands())
    accesses.push_back({operand.get(), op.getMatchingIndexingMap(&operand)});
  return accesses;
}

Value indexConstant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

OpFoldResult loopSize(ImplicitLocOpBuilder &b, ArrayRef<Access> accesses, unsigned loop) {
  AffineExpr iv = getAffineDimExpr(loop, b.getContext());
  for (const Access &access : accesses)
    for (auto [i, expr] : llvm::enumerate(access.map.getResults()))
      if (expr == iv) {
        int64_t size = cast<MemRefType>(access.memref.getType()).getDimSize(i);
        if (ShapedType::isStatic(size))
          return b.getIndexAttr(size);
        return memref::DimOp::create(b, access.memref, i).getResult();
      }
  llvm_unreachable("the verifier of structured ops finds every loop's size");
}

OpFoldResult loopSize(ImplicitLocOpBuilder &b, linalg::LinalgOp op, unsigned loop) {
  return loopSize(b, accessesOf(op), loop);
}

Value asValue(ImplicitLocOpBuilder &b, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
}

Value constantMask(ImplicitLocOpBuilder &b, int64_t count, int64_t lanes) {
  if (count == lanes)
    return {};
  SmallVector<bool> bits(lanes, false);
  std::fill_n(bits.begin(), count, true);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get({lanes}, b.getI1Type()), bits));
}

Value dynamicMask(ImplicitLocOpBuilder &b, Value count, int64_t lanes) {
  auto type = VectorType::get({lanes}, b.getI32Type());
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, static_cast<int32_t>(lanes)));
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(numbers)));
  Value limit = arith::IndexCastOp::create(b, b.getI32Type(), count);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane,
                               vector::BroadcastOp::create(b, type, limit));
}

Value multiplyAdd(ImplicitLocOpBuilder &b, Value x, Value y, Value accumulator, bool fma) {
  if (!isa<FloatType>(getElementTypeOrSelf(x.getType())))
    return arith::AddIOp::create(b, accumulator, arith::MulIOp::create(b, x, y));
  if (fma && isa<VectorType>(x.getType()))
    return vector::FMAOp::create(b, x, y, accumulator);
  return arith::AddFOp::create(b, accumulator, arith::MulFOp::create(b, x, y));
}

Type lanesOf(Type type, int64_t lanes) {
  return lanes == 1 ? type : VectorType::get({lanes}, type);
}

Value splat(ImplicitLocOpBuilder &b, Value value, int64_t lanes) {
  if (lanes == 1)
    return value;
  return vector::BroadcastOp::create(b, lanesOf(value.getType(), lanes), value);
}

Value cloneBody(ImplicitLocOpBuilder &b, Block &body, ValueRange arguments, int64_t lanes) {
  IRMapping map;
  map.map(body.getArguments(), arguments);
  auto vectorOf = [&](Value value) {
    Value mapped = map.lookupOrDefault(value);
    return isa<VectorType>(mapped.getType()) ? mapped : splat(b, mapped, lanes);
  };
  for (Operation &op : body.without_terminator()) {
    if (lanes > 1)
      for (Value operand : op.getOperands())
        map.map(operand, vectorOf(operand));
    Operation *clone;
    if (auto constant = dyn_cast<arith::ConstantOp>(op); constant && lanes > 1) {
      auto type = VectorType::get({lanes}, constant.getType());
      clone = arith::ConstantOp::create(b, DenseElementsAttr::get(type, constant.getValue()));
    } else {
      clone = b.clone(op, map);
      for (Value result : clone->getResults())
        result.setType(lanesOf(getElementTypeOrSelf(result.getType()), lanes));
    }
    map.map(op.getResults(), clone->getResults());
  }
  return vectorOf(body.getTerminator()->getOperand(0));
}

scf::ForOp independentFor(ImplicitLocOpBuilder &b, Value from, Value to, Value step) {
  auto loop = scf::ForOp::create(b, from, to, step);
  loop->setAttr(kIndependentAttr, b.getUnitAttr());
  return loop;
}

void forEach(ImplicitLocOpBuilder &b, OpFoldResult size, llvm::function_ref<void(Value)> body) {
  std::optional<int64_t> known = getConstantIntValue(size);
  if (known && *known == 0)
    return;
  Value zero = indexConstant(b, 0);
  if (known && *known == 1)
    return body(zero);
  auto loop = independentFor(b, zero, asValue(b, size), indexConstant(b, 1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> either(ImplicitLocOpBuilder &b, Value condition, TypeRange types,
                          llvm::function_ref<SmallVector<Value>()> then,
                          llvm::function_ref<SmallVector<Value>()> otherwise) {
  auto branch = scf::IfOp::create(b, types, condition, /*addThenBlock=*/true,
                                  /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, then());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, otherwise());
  return SmallVector<Value>(branch.getResults());
}

SmallVector<Value> forCarried(ImplicitLocOpBuilder &b, Value from, Value to, Value step,
                              ValueRange values,
                              llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, step, values);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!values.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

} // namespace mlc::ir
