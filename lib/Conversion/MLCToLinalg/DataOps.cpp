//===- DataOps.cpp - Ops that move elements -------------------------------===//
//
// Views (slices, reshapes) of the operand or the destination and copies between
// them, as linalg.generic.
//
//===----------------------------------------------------------------------===//

#include "TensorLowerings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlc::ir;

static Value copy(KernelLowering &kernel, Value from, AffineMap map, Value to) {
  int64_t rank = cast<RankedTensorType>(to.getType()).getRank();
  return kernel.generic({from}, to, {map, kernel.identity(rank)}, {},
                        [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
}

/// A constant with more than one value; splats are part of expressions.
FailureOr<Value> mlc::ir::lowerConstant(KernelLowering &kernel, Operation *op, Value destination) {
  auto dense = dyn_cast<DenseElementsAttr>(cast<ConstantOp>(op).getValue());
  if (!dense)
    return op->emitError() << "expected a dense constant";
  if (dense.getElementType().isInteger(1))
    dense =
        dense.mapValues(kernel.builder().getI8Type(), [](const APInt &bit) { return bit.zext(8); });
  Value tensor = arith::ConstantOp::create(kernel.builder(), dense);
  int64_t rank = cast<RankedTensorType>(destination.getType()).getRank();
  return copy(kernel, tensor, kernel.identity(rank), destination);
}

FailureOr<Value> mlc::ir::lowerTranspose(KernelLowering &kernel, Operation *op, Value destination) {
  auto transpose = cast<TransposeOp>(op);
  SmallVector<unsigned> permutation(transpose.getPermutation());
  // Result dimension i is operand dimension permutation[i].
  AffineMap map = inversePermutation(AffineMap::getPermutationMap(permutation, op->getContext()));
  return copy(kernel, kernel.materialize(transpose.getOperand()), map, destination);
}

FailureOr<Value> mlc::ir::lowerReshape(KernelLowering &kernel, Operation *op, Value destination) {
  ImplicitLocOpBuilder &b = kernel.builder();
  Value source = kernel.materialize(cast<ReshapeOp>(op).getOperand());
  auto from = cast<RankedTensorType>(source.getType());
  auto to = cast<RankedTensorType>(destination.getType());
  if (from.getShape() != to.getShape()) {
    auto allDims = [](int64_t rank) {
      SmallVector<ReassociationIndices> groups;
      if (rank > 0)
        groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
      return groups;
    };
    if (from.getRank() != 1)
      source =
          from.getRank() == 0
              ? tensor::ExpandShapeOp::create(b, RankedTensorType::get({1}, from.getElementType()),
                                              source, allDims(0))
                    .getResult()
              : tensor::CollapseShapeOp::create(b, source, allDims(from.getRank())).getResult();
    if (to.getRank() == 0) {
      source = tensor::CollapseShapeOp::create(b, to, source, allDims(0));
    } else if (to.getRank() != 1) {
      SmallVector<OpFoldResult> sizes;
      for (int64_t i = 0; i < to.getRank(); ++i)
        sizes.push_back(kernel.sizeOf(to, i));
      source = tensor::ExpandShapeOp::create(b, to, source, allDims(to.getRank()), sizes);
    }
  }
  return copy(kernel, source, kernel.identity(to.getRank()), destination);
}

Value mlc::ir::viewOf(KernelLowering &kernel, SliceOp slice) {
  ImplicitLocOpBuilder &b = kernel.builder();
  auto to = cast<RankedTensorType>(storageType(slice.getType()));
  SmallVector<OpFoldResult> offsets(to.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(to.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < to.getRank(); ++i)
    sizes.push_back(kernel.sizeOf(to, i));
  for (auto [axis, start, stride] :
       llvm::zip(slice.getAxes(), slice.getStarts(), slice.getStrides())) {
    offsets[axis] = b.getIndexAttr(start);
    strides[axis] = b.getIndexAttr(stride);
  }
  Value source = kernel.materialize(slice.getOperand());
  return tensor::ExtractSliceOp::create(b, to, source, offsets, sizes, strides);
}

FailureOr<Value> mlc::ir::lowerSlice(KernelLowering &kernel, Operation *op, Value destination) {
  auto slice = cast<SliceOp>(op);
  return copy(kernel, viewOf(kernel, slice), kernel.identity(slice.getType().getRank()),
              destination);
}

FailureOr<Value> mlc::ir::lowerConcat(KernelLowering &kernel, Operation *op, Value destination) {
  auto concat = cast<ConcatOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  auto to = cast<RankedTensorType>(destination.getType());
  int64_t start = 0, axis = concat.getAxis();
  Value result = destination;
  for (Value operand : concat.getOperands()) {
    Value source = kernel.materialize(operand);
    auto from = cast<RankedTensorType>(source.getType());
    SmallVector<OpFoldResult> offsets(to.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(to.getRank(), b.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes;
    for (int64_t i = 0; i < to.getRank(); ++i)
      sizes.push_back(kernel.sizeOf(from, i));
    offsets[axis] = b.getIndexAttr(start);
    start += from.getDimSize(axis);
    Value part = tensor::ExtractSliceOp::create(b, from, result, offsets, sizes, strides);
    part = copy(kernel, source, kernel.identity(to.getRank()), part);
    result = tensor::InsertSliceOp::create(b, part, result, offsets, sizes, strides);
  }
  return result;
}

/// The index as a place on an axis of `size` elements. mlc-check-indices ends a run
/// whose indices do not exist; clamping keeps reads inside in the meantime.
static Value placeOf(ImplicitLocOpBuilder &b, Value index, int64_t size) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, value); };
  Value zero = constant(0);
  Value place = arith::IndexCastOp::create(b, b.getIndexType(), index);
  Value fromEnd = arith::AddIOp::create(b, place, constant(size));
  Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, place, zero);
  place = arith::SelectOp::create(b, isNegative, fromEnd, place);
  place = arith::MaxSIOp::create(b, place, zero);
  return arith::MinSIOp::create(b, place, constant(size - 1));
}

/// What lies behind the leading indices `at`.
static tensor::ExtractSliceOp rowAt(ImplicitLocOpBuilder &b, Value tensor, ValueRange at) {
  auto type = cast<RankedTensorType>(tensor.getType());
  ArrayRef<int64_t> shape = type.getShape().drop_front(at.size());
  SmallVector<OpFoldResult> offsets(at.begin(), at.end());
  SmallVector<OpFoldResult> sizes(at.size(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  offsets.append(shape.size(), b.getIndexAttr(0));
  for (int64_t extent : shape)
    sizes.push_back(b.getIndexAttr(extent));
  return tensor::ExtractSliceOp::create(b, RankedTensorType::get(shape, type.getElementType()),
                                        tensor, offsets, sizes, strides);
}

/// A loop for every dimension up to the last of the indices, around the copy of
/// what lies behind the axis.
FailureOr<Value> mlc::ir::lowerTake(KernelLowering &kernel, Operation *op, Value destination) {
  auto take = cast<TakeOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  Value source = kernel.materialize(take.getOperand());
  Value indices = kernel.materialize(take.getIndices());
  auto to = cast<RankedTensorType>(destination.getType());
  int64_t axis = take.getAxis();
  int64_t size = cast<RankedTensorType>(source.getType()).getDimSize(axis);
  if (size == 0)
    return destination; // No index exists: there is nothing to copy.

  int64_t loops = axis + cast<RankedTensorType>(indices.getType()).getRank();
  SmallVector<Value> limits;
  for (int64_t i = 0; i < loops; ++i)
    limits.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), kernel.sizeOf(to, i)));
  SmallVector<Value> starts(loops, arith::ConstantIndexOp::create(b, 0));
  SmallVector<Value> steps(loops, arith::ConstantIndexOp::create(b, 1));
  auto nest = scf::buildLoopNest(
      b, b.getLoc(), starts, limits, steps, destination,
      [&](OpBuilder &, Location, ValueRange ivs, ValueRange carried) -> scf::ValueVector {
        Value index = tensor::ExtractOp::create(b, indices, ivs.drop_front(axis));
        SmallVector<Value> at(ivs.take_front(axis));
        at.push_back(placeOf(b, index, size));
        Value picked = rowAt(b, source, at);
        tensor::ExtractSliceOp place = rowAt(b, carried[0], ivs);
        Value copied =
            copy(kernel, picked, kernel.identity(place.getType().getRank()), place.getResult());
        return {tensor::InsertSliceOp::create(b, copied, carried[0], place.getMixedOffsets(),
                                              place.getMixedSizes(), place.getMixedStrides())};
      });
  return nest.results[0];
}

TensorLowering mlc::ir::findTensorLowering(Operation *op) {
  static const llvm::DenseMap<TypeID, TensorLowering> table = {
      {TypeID::get<MatMulOp>(), lowerMatMul},   {TypeID::get<PackedMatMulOp>(), lowerPackedMatMul},
      {TypeID::get<PackOp>(), lowerPack},       {TypeID::get<ReduceOp>(), lowerReduce},
      {TypeID::get<SoftmaxOp>(), lowerSoftmax}, {TypeID::get<ConstantOp>(), lowerConstant},
      {TypeID::get<ReshapeOp>(), lowerReshape}, {TypeID::get<TransposeOp>(), lowerTranspose},
      {TypeID::get<SliceOp>(), lowerSlice},     {TypeID::get<ConcatOp>(), lowerConcat},
      {TypeID::get<TakeOp>(), lowerTake},
  };
  return table.lookup(op->getName().getTypeID());
}
