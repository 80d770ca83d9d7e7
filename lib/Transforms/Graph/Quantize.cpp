// Builds mlc ops that turn matrices of f32 into integers and scales, and back.

#include "Quantize.h"

using namespace mlir;

namespace mlc::ir {

static RankedTensorType typeOf(Value x) { return cast<RankedTensorType>(x.getType()); }

/// `x`, whose dimensions are `axes` of the result, in the shape of `type`.
static Value repeated(ImplicitLocOpBuilder &b, Value x, RankedTensorType type,
                      llvm::ArrayRef<int64_t> axes) {
  llvm::SmallVector<int64_t> shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return BroadcastOp::create(b, type.clone(typeOf(x).getElementType()), x,
                             b.getDenseI64ArrayAttr(shape), b.getDenseI64ArrayAttr(axes));
}

/// A number in each element of a tensor of that type.
static Value number(ImplicitLocOpBuilder &b, RankedTensorType type, TypedAttr value) {
  if (type.hasStaticShape())
    return ConstantOp::create(b, type, DenseElementsAttr::get(type, Attribute(value)));
  auto scalar = RankedTensorType::get({}, type.getElementType());
  Value one = ConstantOp::create(b, scalar, DenseElementsAttr::get(scalar, Attribute(value)));
  return repeated(b, one, type, {});
}

static Value reduced(ImplicitLocOpBuilder &b, Value x, llvm::StringRef kind, int64_t axis) {
  auto type = typeOf(x);
  auto result = RankedTensorType::get(type.getDimSize(1 - axis), type.getElementType());
  return ReduceOp::create(b, result, x, kind, axis, /*keep_dims=*/false);
}

Quantized quantizeAlong(ImplicitLocOpBuilder &b, Value x, int64_t axis, Type type) {
  Value largest = reduced(b, AbsOp::create(b, typeOf(x), x), "max", axis);
  auto perScale = typeOf(largest);
  auto all = [&](float value) { return number(b, perScale, b.getF32FloatAttr(value)); };
  // Of the smallest elements, and of zeros, the scale is still no denormal, nor its reciprocal.
  largest = MaxOp::create(b, perScale, largest, all(0x1p-119f));
  // An infinity becomes NaN: as an integer it would be like any other.
  Value nothing = SubOp::create(b, perScale, largest, largest);
  Value finite = AddOp::create(b, perScale, largest, nothing);
  Value scales = DivOp::create(b, perScale, finite, all(127));
  Value values =
      QuantizeOp::create(b, typeOf(x).clone(type), x, repeated(b, scales, typeOf(x), 1 - axis));
  return {values, scales};
}

Value scaled(ImplicitLocOpBuilder &b, Value x, Value scales, int64_t axis) {
  return MulOp::create(b, typeOf(x), x, repeated(b, scales, typeOf(x), axis));
}

Value withoutOffset(ImplicitLocOpBuilder &b, Value sums, Value values, int64_t axis) {
  Value wide =
      CastOp::create(b, typeOf(values).clone(b.getI32Type()), values, b.getStringAttr("i32"));
  Value ofColumns = reduced(b, wide, "sum", axis);
  Value offsets = MulOp::create(b, typeOf(ofColumns), ofColumns,
                                number(b, typeOf(ofColumns), b.getI32IntegerAttr(128)));
  return SubOp::create(b, typeOf(sums), sums, repeated(b, offsets, typeOf(sums), 1));
}

} // namespace mlc::ir
