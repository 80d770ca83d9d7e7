//===- ExpandHalves.cpp - bf16 and f16 become integers of 16 bits ---------===//
//
// mlc-expand-halves: works on loops over buffers, where bf16 and f16 are moved, widened to
// f32 and rounded from it, and nothing else. Refuses what computes in them.
//
//===----------------------------------------------------------------------===//

#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace mlc::ir {

#define GEN_PASS_DEF_EXPANDHALVESPASS
#include "mlc/Transforms/Loop/Passes.h.inc"

namespace {

bool isHalf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isBF16() || element.isF16();
}

/// Arithmetic on scalars or vectors of one shape: of f32, i32, and what has 16 bits.
class Emitter {
public:
  Emitter(Operation *op)
      : b(op->getLoc(), op), shape(dyn_cast<VectorType>(op->getResult(0).getType())) {}

  Type of(Type element) { return shape ? Type(shape.clone(element)) : element; }
  Type floats() { return of(b.getF32Type()); }
  Type integers() { return of(b.getI32Type()); }

  Value constant(int32_t value) { return splat(integers(), b.getI32IntegerAttr(value)); }
  Value constant(float value) { return splat(floats(), b.getF32FloatAttr(value)); }

  Value bits(Value x) { return arith::BitcastOp::create(b, integers(), x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, floats(), x); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value add(Value x, int32_t y) { return add(x, constant(y)); }
  Value bitAnd(Value x, int32_t y) { return arith::AndIOp::create(b, x, constant(y)); }
  Value bitOr(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value shiftLeft(Value x, int32_t n) { return arith::ShLIOp::create(b, x, constant(n)); }
  Value shiftRight(Value x, int32_t n) { return arith::ShRUIOp::create(b, x, constant(n)); }
  Value less(Value x, int32_t y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, constant(y));
  }
  Value select(Value p, Value x, Value y) { return arith::SelectOp::create(b, p, x, y); }

  Value extend(Value x) { return arith::ExtUIOp::create(b, integers(), x); }
  Value truncate(Value x) { return arith::TruncIOp::create(b, of(b.getI16Type()), x); }

  /// x / 2^n, to nearest even, of x >= 0.
  Value divideRounding(Value x, int32_t n) {
    Value isOdd = bitAnd(shiftRight(x, n), 1);
    return shiftRight(add(add(x, isOdd), (1 << (n - 1)) - 1), n);
  }

  Value widenBFloat(Value x) { return fromBits(shiftLeft(extend(x), 16)); }

  /// In integers, as vcvtneps2bf16 flushes denormals.
  Value roundToBFloat(Value x) {
    Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
    Value quiet = shiftRight(bitOr(bits(x), constant(0x400000)), 16);
    return truncate(select(isNan, quiet, divideRounding(bits(x), 16)));
  }

  /// With F16C: its instructions keep denormals whatever MXCSR says.
  Value convertToFloat(Value x) {
    Value half = arith::BitcastOp::create(b, of(b.getF16Type()), x);
    return arith::ExtFOp::create(b, floats(), half);
  }
  Value convertToHalf(Value x) {
    Value half = arith::TruncFOp::create(b, of(b.getF16Type()), x);
    return arith::BitcastOp::create(b, of(b.getI16Type()), half);
  }

  // An f16 has 10 bits of mantissa where an f32 has 23, and a bias of 15, not 127.
  static constexpr int32_t kShift = 23 - 10, kRebias = (127 - 15) << 23;
  static constexpr int32_t kHalfNormal = 1 << 10, kHalfInfinity = 31 << 10;

  Value widenHalf(Value x) {
    Value extended = extend(x);
    Value magnitude = bitAnd(extended, 0x7fff);
    Value normal = add(shiftLeft(magnitude, kShift), kRebias);
    // Infinity and NaN: the largest exponent of the one becomes that of the other.
    Value special = add(normal, kRebias);
    Value number = arith::SIToFPOp::create(b, floats(), magnitude);
    Value denormal = bits(arith::MulFOp::create(b, number, constant(0x1p-24f)));
    Value wide = select(less(magnitude, kHalfInfinity), normal, special);
    wide = select(less(magnitude, kHalfNormal), denormal, wide);
    return fromBits(bitOr(wide, shiftLeft(bitAnd(extended, 0x8000), 16)));
  }

  Value roundToHalf(Value x) {
    constexpr int32_t kNormal = (127 - 14) << 23, kInfinity = 255 << 23;
    Value magnitude = bitAnd(bits(x), 0x7fffffff);
    Value normal = divideRounding(add(magnitude, -kRebias), kShift);
    Value finite = less(normal, kHalfInfinity);
    Value half = select(finite, normal, constant(kHalfInfinity));
    // The last place of 0.5 is 2^-24, that of denormals.
    Value sum = arith::AddFOp::create(b, fromBits(magnitude), constant(0.5f));
    Value denormal = add(bits(sum), -(126 << 23));
    half = select(less(magnitude, kNormal), denormal, half);
    Value isNumber = less(magnitude, kInfinity + 1);
    half = select(isNumber, half, constant(kHalfInfinity | 1 << 9));
    Value sign = bitAnd(shiftRight(bits(x), 16), 0x8000);
    return truncate(bitOr(half, sign));
  }

private:
  Value splat(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(b, value);
  }

  ImplicitLocOpBuilder b;
  VectorType shape;
};

/// A widening or a rounding, and which type it is of.
struct Conversion {
  Operation *op;
  bool widens, isBFloat;

  static std::optional<Conversion> of(Operation *op) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      return std::nullopt;
    bool widens = isa<arith::ExtFOp>(op);
    Type narrow = widens ? op->getOperand(0).getType() : op->getResult(0).getType();
    Type wide = widens ? op->getResult(0).getType() : op->getOperand(0).getType();
    if (!isHalf(narrow) || !getElementTypeOrSelf(wide).isF32())
      return std::nullopt;
    return Conversion{op, widens, getElementTypeOrSelf(narrow).isBF16()};
  }

  /// When what has been of the narrow type is of i16.
  Value expand(bool f16c) const {
    Emitter e(op);
    Value x = op->getOperand(0);
    if (isBFloat)
      return widens ? e.widenBFloat(x) : e.roundToBFloat(x);
    if (f16c)
      return widens ? e.convertToFloat(x) : e.convertToHalf(x);
    return widens ? e.widenHalf(x) : e.roundToHalf(x);
  }
};

bool movesOnly(Operation *op) {
  return !isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
         isa<arith::ConstantOp, arith::SelectOp>(op);
}

struct ExpandHalvesPass : impl::ExpandHalvesPassBase<ExpandHalvesPass> {
  using ExpandHalvesPassBase::ExpandHalvesPassBase;

  void runOnOperation() override {
    SmallVector<Conversion> conversions;
    WalkResult walked = getOperation().walk([&](Operation *op) {
      if (auto conversion = Conversion::of(op)) {
        conversions.push_back(*conversion);
      } else if (!movesOnly(op) && (llvm::any_of(op->getOperandTypes(), isHalf) ||
                                    llvm::any_of(op->getResultTypes(), isHalf))) {
        op->emitOpError("computes in bf16 or f16; expected arith.extf to f32, or arith.truncf "
                        "from it");
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();
    storeAsIntegers();
    for (const Conversion &conversion : conversions) {
      conversion.op->getResult(0).replaceAllUsesWith(conversion.expand(f16c));
      conversion.op->erase();
    }
  }

  /// In all that the module holds; its own attributes say what the model's types are.
  void storeAsIntegers() {
    Type integer = IntegerType::get(&getContext(), 16);
    using Replaced = std::pair<Attribute, WalkResult>;
    AttrTypeReplacer replacer;
    replacer.addReplacement([=](FloatType type) -> std::optional<Type> {
      return isHalf(type) ? std::optional(integer) : std::nullopt;
    });
    replacer.addReplacement([=](FloatAttr value) -> std::optional<Replaced> {
      if (!isHalf(value.getType()))
        return std::nullopt;
      return Replaced(IntegerAttr::get(integer, value.getValue().bitcastToAPInt()),
                      WalkResult::skip());
    });
    replacer.addReplacement([=](DenseElementsAttr values) -> std::optional<Replaced> {
      if (!isHalf(values.getType()))
        return std::nullopt;
      return Replaced(values.bitcast(integer), WalkResult::skip());
    });
    for (Operation &op : *getOperation().getBody())
      replacer.recursivelyReplaceElementsIn(&op, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                            /*replaceTypes=*/true);
  }
};

} // namespace
} // namespace mlc::ir
