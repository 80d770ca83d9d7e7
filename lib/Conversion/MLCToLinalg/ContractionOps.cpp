//===- ContractionOps.cpp - matmul, packed_matmul and pack ----------------===//
//
// A contraction is a fill with zero and one linalg.generic over
// (batch..., m, n, k); how the right-hand side is laid out shows in its indexing
// map only. Sums of products of bf16 or f16 are of f32; who reads them rounds them.
// mlc-tile-contractions makes loops of it.
//
//===----------------------------------------------------------------------===//

#include "TensorLowerings.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlc::ir;

/// `x` in the accumulator's type, which holds it exactly. Bytes on the left have no sign.
static Value widened(ImplicitLocOpBuilder &b, Value x, Type type, bool isLeft) {
  Type from = x.getType();
  if (from == type)
    return x;
  if (isa<FloatType>(from))
    return arith::ExtFOp::create(b, type, x);
  if (isa<FloatType>(type))
    return arith::SIToFPOp::create(b, type, x);
  if (isLeft && from.isInteger(8))
    return arith::ExtUIOp::create(b, type, x);
  return arith::ExtSIOp::create(b, type, x);
}

/// `destination` is of the operands' computing type.
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
        Type sum = x[2].getType();
        Value left = widened(nested, x[0], sum, true), right = widened(nested, x[1], sum, false);
        if (isa<FloatType>(sum))
          return arith::AddFOp::create(nested, x[2], arith::MulFOp::create(nested, left, right));
        return arith::AddIOp::create(nested, x[2], arith::MulIOp::create(nested, left, right));
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
  auto rhs = cast<RankedTensorType>(matmul.getRhs().getType());
  int64_t tile = rhs.getDimSize(2);
  AffineExpr m = b.getAffineDimExpr(0), n = b.getAffineDimExpr(1), k = b.getAffineDimExpr(2);
  bool transpose = matmul.getTransposeA();
  AffineMap lhsMap = AffineMap::get(3, 0, {transpose ? k : m, transpose ? m : k}, b.getContext());
  SmallVector<AffineExpr> results{n.floorDiv(tile), k, n % tile};
  if (rhs.getRank() == 4) {
    int64_t depth = rhs.getDimSize(3);
    results = {n.floorDiv(tile), k.floorDiv(depth), n % tile, k % depth};
  }
  AffineMap rhsMap = AffineMap::get(3, 0, results, b.getContext());
  return contract(kernel, kernel.materialize(matmul.getLhs()), kernel.materialize(matmul.getRhs()),
                  destination, lhsMap, rhsMap);
}

namespace {

/// Parts of one size that a dimension is cut into.
struct Parts {
  int64_t first, count, size;
};

/// Lays a matrix out in panels, part by part: whole ones first, then odd ones in zeros.
class Packing {
public:
  Packing(KernelLowering &kernel, PackOp op)
      : kernel(kernel), b(kernel.builder()), transpose(op.getTranspose()), tile(op.getTile()),
        depth(op.getDepth()), source(kernel.materialize(op.getOperand())) {
    auto type = cast<RankedTensorType>(source.getType());
    columns = type.getDimSize(transpose ? 0 : 1);
    rows = type.getDimSize(transpose ? 1 : 0);
  }

  Value into(Value destination) {
    Value result = destination;
    for (Parts panels : cut(columns, tile))
      for (Parts groups : cut(rows, depth)) {
        if (panels.count * tile == columns && groups.count * depth == rows)
          return copy(destination, panels, groups);
        if (panels.size < tile || groups.size < depth) {
          Parts wholePanels = panels, wholeGroups = groups;
          wholePanels.size = tile, wholeGroups.size = depth;
          auto zero = b.getZeroAttr(cast<RankedTensorType>(result.getType()).getElementType());
          result = change(result, wholePanels, wholeGroups,
                          [&](Value part) { return kernel.fill(part, zero); });
        }
        result =
            change(result, panels, groups, [&](Value part) { return copy(part, panels, groups); });
      }
    return result;
  }

private:
  static SmallVector<Parts> cut(int64_t count, int64_t size) {
    SmallVector<Parts> parts;
    if (count >= size)
      parts.push_back({0, count / size, size});
    if (count % size != 0)
      parts.push_back({count / size, 1, count % size});
    return parts;
  }

  /// `result` with a part of it replaced.
  Value change(Value result, Parts panels, Parts groups, llvm::function_ref<Value(Value)> body) {
    SmallVector<OpFoldResult> offsets, sizes;
    auto add = [&](int64_t offset, int64_t size) {
      offsets.push_back(b.getIndexAttr(offset));
      sizes.push_back(b.getIndexAttr(size));
    };
    add(panels.first, panels.count);
    add(groups.first, groups.count);
    add(0, panels.size);
    if (depth > 1)
      add(0, groups.size);
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    Value part = tensor::ExtractSliceOp::create(b, result, offsets, sizes, strides);
    return tensor::InsertSliceOp::create(b, body(part), result, offsets, sizes, strides);
  }

  /// Row by row of the source, which is then read from its start to its end.
  Value copy(Value part, Parts panels, Parts groups) {
    unsigned loops = depth > 1 ? 4 : 3;
    AffineExpr p = b.getAffineDimExpr(transpose ? 0 : 1), k = b.getAffineDimExpr(transpose ? 1 : 0),
               i = b.getAffineDimExpr(2);
    AffineExpr column = (p + panels.first) * tile + i, row = k + groups.first;
    SmallVector<AffineExpr> into{p, k, i};
    if (depth > 1) {
      into.push_back(b.getAffineDimExpr(3));
      row = row * depth + into.back();
    }
    AffineMap from = AffineMap::get(loops, 0, {transpose ? column : row, transpose ? row : column},
                                    b.getContext());
    return kernel.generic({source}, part, {from, AffineMap::get(loops, 0, into, b.getContext())},
                          {}, [](ImplicitLocOpBuilder &, ValueRange x) { return x[0]; });
  }

  KernelLowering &kernel;
  ImplicitLocOpBuilder &b;
  bool transpose;
  int64_t tile, depth;
  Value source;
  int64_t rows = 0, columns = 0;
};

} // namespace

FailureOr<Value> mlc::ir::lowerPack(KernelLowering &kernel, Operation *op, Value destination) {
  return Packing(kernel, cast<PackOp>(op)).into(destination);
}
