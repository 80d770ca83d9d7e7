//===- ContractionOps.cpp - matmul, packed_matmul and pack ----------------===//
//
// A contraction is a fill with zero and one linalg.generic over
// (batch..., m, n, k); how the right-hand side is laid out shows in its indexing
// map only. mlc-tile-contractions makes loops of it.
//
//===----------------------------------------------------------------------===//

#include "TensorLowerings.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlc::ir;

static FailureOr<Value> contract(KernelLowering &kernel, Value lhs, Value rhs, Value destination,
                                 AffineMap lhsMap, AffineMap rhsMap) {
  auto type = cast<RankedTensorType>(destination.getType());
  ImplicitLocOpBuilder &b = kernel.builder();
  unsigned k = type.getRank();
  SmallVector<AffineExpr> results;
  for (unsigned i = 0; i < k; ++i)
    results.push_back(b.getAffineDimExpr(i));
  AffineMap outMap = AffineMap::get(k + 1, 0, results, b.getContext());
  Value zero = kernel.fill(destination, b.getZeroAttr(type.getElementType()));
  return kernel.generic(
      {lhs, rhs}, zero, {lhsMap, rhsMap, outMap}, {k},
      [](ImplicitLocOpBuilder &nested, ValueRange x) -> Value {
        if (isa<FloatType>(x[0].getType()))
          return arith::AddFOp::create(nested, x[2], arith::MulFOp::create(nested, x[0], x[1]));
        return arith::AddIOp::create(nested, x[2], arith::MulIOp::create(nested, x[0], x[1]));
      });
}

FailureOr<Value> mlc::ir::lowerMatMul(KernelLowering &kernel, Operation *op, Value destination) {
  auto matmul = cast<MatMulOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  int64_t batch = cast<RankedTensorType>(op->getResult(0).getType()).getRank() - 2;
  AffineExpr m = b.getAffineDimExpr(batch), n = b.getAffineDimExpr(batch + 1),
             k = b.getAffineDimExpr(batch + 2);
  auto map = [&](AffineExpr row, AffineExpr column, bool transpose) {
    SmallVector<AffineExpr> results;
    for (int64_t i = 0; i < batch; ++i)
      results.push_back(b.getAffineDimExpr(i));
    results.append(transpose ? std::initializer_list<AffineExpr>{column, row}
                             : std::initializer_list<AffineExpr>{row, column});
    return AffineMap::get(batch + 3, 0, results, b.getContext());
  };
  return contract(kernel, kernel.materialize(matmul.getLhs()), kernel.materialize(matmul.getRhs()),
                  destination, map(m, k, matmul.getTransposeA()),
                  map(k, n, matmul.getTransposeB()));
}

FailureOr<Value> mlc::ir::lowerPackedMatMul(KernelLowering &kernel, Operation *op,
                                            Value destination) {
  auto matmul = cast<PackedMatMulOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  int64_t tile = cast<RankedTensorType>(matmul.getRhs().getType()).getDimSize(2);
  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1), k = b.getAffineDimExpr(2);
  bool transpose = matmul.getTransposeA();
  AffineMap lhsMap = AffineMap::get(3, 0, {transpose ? k : m, transpose ? m : k}, b.getContext());
  AffineMap rhsMap = AffineMap::get(3, 0, {n.floorDiv(tile), k, n % tile}, b.getContext());
  return contract(kernel, kernel.materialize(matmul.getLhs()), kernel.materialize(matmul.getRhs()),
                  destination, lhsMap, rhsMap);
}

/// Full panels first, then the odd columns into a last panel of zeros.
FailureOr<Value> mlc::ir::lowerPack(KernelLowering &kernel, Operation *op, Value destination) {
  auto pack = cast<PackOp>(op);
  ImplicitLocOpBuilder &b = kernel.builder();
  bool transpose = pack.getTranspose();
  Value source = kernel.materialize(pack.getOperand());
  auto sourceType = cast<RankedTensorType>(source.getType());
  int64_t columns = sourceType.getDimSize(transpose ? 0 : 1);
  int64_t rows = sourceType.getDimSize(transpose ? 1 : 0);
  int64_t tile = pack.getTile(), full = columns / tile, odd = columns % tile;
  // Row by row of the source, which is then read from its start to its end.
  AffineExpr p = b.getAffineDimExpr(transpose ? 0 : 1), k = b.getAffineDimExpr(transpose ? 1 : 0),
             i = b.getAffineDimExpr(2);

  auto copyPanels = [&](Value to, int64_t firstPanel) {
    AffineExpr column = (p + firstPanel) * tile + i;
    AffineMap from =
        AffineMap::get(3, 0, {transpose ? column : k, transpose ? k : column}, b.getContext());
    AffineMap into = AffineMap::get(3, 0, {p, k, i}, b.getContext());
    return kernel.generic({source}, to, {from, into}, {},
                          [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
  };
  auto panels = [&](Value tensor, int64_t offset, int64_t count, int64_t width, bool insertInto,
                    Value part) -> Value {
    SmallVector<OpFoldResult> offsets{b.getIndexAttr(offset), b.getIndexAttr(0), b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes{b.getIndexAttr(count), b.getIndexAttr(rows),
                                    b.getIndexAttr(width)};
    SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
    if (insertInto)
      return tensor::InsertSliceOp::create(b, part, tensor, offsets, sizes, strides);
    return tensor::ExtractSliceOp::create(b, tensor, offsets, sizes, strides);
  };

  if (odd == 0)
    return copyPanels(destination, 0);
  Value result = destination;
  if (full > 0)
    result = panels(result, 0, full, tile, true,
                    copyPanels(panels(result, 0, full, tile, false, {}), 0));
  auto zero = b.getZeroAttr(cast<RankedTensorType>(destination.getType()).getElementType());
  result = panels(result, full, 1, tile, true,
                  kernel.fill(panels(result, full, 1, tile, false, {}), zero));
  return panels(result, full, 1, odd, true,
                copyPanels(panels(result, full, 1, odd, false, {}), full));
}
