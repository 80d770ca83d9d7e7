//===- Ops.h - Ops on tensors, written as C++ -------------------*- C++ -*-===//
//
// Every op of docs/ops.md as a function, and the usual operators. Called on
// tensors with elements an op runs at once, compiled alone and cached in
// defaultEngine(); called on tensors of a trace (Jit.h) it is recorded.
//
// Element-wise ops broadcast as numpy does: shapes are aligned at their last
// dimension, and a dimension of size 1 stretches. dtypes never change by
// themselves; a C++ number takes the dtype of the tensor beside it. reshape, and
// a slice of whole rows, share memory with their operand; all else is new.
//
// Everything here throws mlc::Error, whose message names the caller's source
// line, the op, and the types that do not fit.
// Thread-safety: as of the tensors; two threads may run ops at once.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_API_OPS_H
#define MLC_API_OPS_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

#include <initializer_list>
#include <type_traits>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Where in the source of the caller something stands.
struct SourceLocation {
  const char *file = "";
  int line = 0;
  static SourceLocation here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};
/// "model.cpp:12".
std::string toString(const SourceLocation &location);

/// An argument of an op: a tensor or a C++ number, and the line of the call.
/// Made by implicit conversion; must not outlive the call.
class Operand {
public:
  Operand(const Tensor &tensor, SourceLocation where = SourceLocation::here())
      : tensor(&tensor), where(where) {}
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  Operand(T value, SourceLocation where = SourceLocation::here())
      : where(where), isBool(std::is_same_v<T, bool>), isReal(std::is_floating_point_v<T>) {
    if constexpr (std::is_floating_point_v<T>)
      real = static_cast<double>(value);
    else
      integer = static_cast<int64_t>(value);
  }

  const Tensor *tensor = nullptr; ///< Null for a number.
  SourceLocation where;
  bool isBool = false, isReal = false; ///< Of a number.
  double real = 0;
  int64_t integer = 0;
};

//===----------------------------------------------------------------------===//
// Making tensors
//===----------------------------------------------------------------------===//

Tensor zeros(Shape shape, DType dtype = DType::F32, SourceLocation where = SourceLocation::here());
Tensor ones(Shape shape, DType dtype = DType::F32, SourceLocation where = SourceLocation::here());
/// Every element `value`, rounded to the dtype, which must be able to hold it.
Tensor full(Shape shape, double value, DType dtype = DType::F32,
            SourceLocation where = SourceLocation::here());
/// 0, 1, ..., count - 1.
Tensor arange(int64_t count, DType dtype = DType::I64,
              SourceLocation where = SourceLocation::here());
/// A copy of `values` in row-major order; an empty `shape` means one dimension.
Tensor array(const std::vector<float> &values, Shape shape = {},
             SourceLocation where = SourceLocation::here());
Tensor array(const std::vector<int32_t> &values, Shape shape = {},
             SourceLocation where = SourceLocation::here());
Tensor array(const std::vector<int64_t> &values, Shape shape = {},
             SourceLocation where = SourceLocation::here());
inline Tensor array(std::initializer_list<float> values, Shape shape = {},
                    SourceLocation where = SourceLocation::here()) {
  return array(std::vector<float>(values), std::move(shape), where);
}
/// f32, evenly spread over [low, high). The same elements for the same seed, shape
/// and version of mlc, on every machine.
Tensor randomUniform(Shape shape, uint64_t seed, float low = 0, float high = 1,
                     SourceLocation where = SourceLocation::here());
/// f32, normally distributed: Box and Muller's transform of two uniform numbers.
Tensor randomNormal(Shape shape, uint64_t seed, float mean = 0, float deviation = 1,
                    SourceLocation where = SourceLocation::here());

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Tensor add(Operand lhs, Operand rhs);
Tensor sub(Operand lhs, Operand rhs);
Tensor mul(Operand lhs, Operand rhs);
Tensor div(Operand lhs, Operand rhs);
Tensor maximum(Operand lhs, Operand rhs);
Tensor minimum(Operand lhs, Operand rhs);
/// Matrix product of the last two dimensions; those before broadcast.
Tensor matmul(Operand lhs, Operand rhs, bool transposeLhs = false, bool transposeRhs = false);

Tensor neg(Operand x);
Tensor abs(Operand x);
Tensor exp(Operand x);
Tensor log(Operand x);
Tensor sqrt(Operand x);
Tensor rsqrt(Operand x);
Tensor tanh(Operand x);
Tensor sigmoid(Operand x);
Tensor relu(Operand x);
Tensor erf(Operand x);
/// `form` is "erf" or "tanh".
Tensor gelu(Operand x, const std::string &form = "erf");

inline Tensor operator+(Operand lhs, Operand rhs) { return add(lhs, rhs); }
inline Tensor operator-(Operand lhs, Operand rhs) { return sub(lhs, rhs); }
inline Tensor operator*(Operand lhs, Operand rhs) { return mul(lhs, rhs); }
inline Tensor operator/(Operand lhs, Operand rhs) { return div(lhs, rhs); }
inline Tensor operator-(Operand x) { return neg(x); }

//===----------------------------------------------------------------------===//
// Predicates. == and != compare nothing: write eq and ne.
//===----------------------------------------------------------------------===//

Tensor eq(Operand lhs, Operand rhs);
Tensor ne(Operand lhs, Operand rhs);
Tensor lt(Operand lhs, Operand rhs);
Tensor le(Operand lhs, Operand rhs);
Tensor gt(Operand lhs, Operand rhs);
Tensor ge(Operand lhs, Operand rhs);
inline Tensor operator<(Operand lhs, Operand rhs) { return lt(lhs, rhs); }
inline Tensor operator<=(Operand lhs, Operand rhs) { return le(lhs, rhs); }
inline Tensor operator>(Operand lhs, Operand rhs) { return gt(lhs, rhs); }
inline Tensor operator>=(Operand lhs, Operand rhs) { return ge(lhs, rhs); }
Tensor logicalAnd(Operand lhs, Operand rhs);
Tensor logicalOr(Operand lhs, Operand rhs);
Tensor logicalNot(Operand x);
/// `onTrue` where the predicate holds, else `onFalse`; all three broadcast.
Tensor select(Operand predicate, Operand onTrue, Operand onFalse);

//===----------------------------------------------------------------------===//
// Shape and dtype. Axes may count from the end: -1 is the last.
//===----------------------------------------------------------------------===//

Tensor cast(Operand x, DType dtype);
Tensor broadcastTo(Operand x, const Shape &shape);
/// One size may be -1: what the others leave. Shares memory with `x`.
Tensor reshape(Operand x, const Shape &shape);
/// Without a permutation, the dimensions in reverse.
Tensor transpose(Operand x, const std::vector<int64_t> &permutation = {});
/// Elements start, start + stride, ... below limit; negative ones count from the end.
Tensor slice(Operand x, int64_t axis, int64_t start, int64_t limit, int64_t stride = 1);
Tensor concat(const std::vector<Tensor> &operands, int64_t axis = 0,
              SourceLocation where = SourceLocation::here());
/// The slices of `x` along an axis that `indices` (i32 or i64, of any shape) pick, in
/// their place; negative indices count from the end. One that does not exist is an
/// error of the run: in compiled code it ends the call.
Tensor take(Operand x, const Tensor &indices, int64_t axis = 0);

//===----------------------------------------------------------------------===//
// Reductions, over all axes if none is named
//===----------------------------------------------------------------------===//

Tensor sum(Operand x, const std::vector<int64_t> &axes = {}, bool keepDims = false);
Tensor max(Operand x, const std::vector<int64_t> &axes = {}, bool keepDims = false);
Tensor min(Operand x, const std::vector<int64_t> &axes = {}, bool keepDims = false);
Tensor mean(Operand x, const std::vector<int64_t> &axes = {}, bool keepDims = false);
Tensor softmax(Operand x, int64_t axis = -1);

//===----------------------------------------------------------------------===//
// The host. While a function is traced, print and check are recorded whatever their
// operands are, and happen whenever the compiled graph runs.
//===----------------------------------------------------------------------===//

/// Shows a value under a label, by default on stderr: see EngineOptions::print.
void print(Operand x, const std::string &label);
/// Throws an Error with this message, or ends the compiled graph's run with it, unless
/// all elements of the condition, which is bool, are true.
void check(Operand condition, const std::string &message);
/// Applies the function that was given this name by defineCustomOp (Graph/HostOps.h).
Tensor customOp(const std::string &name, const std::vector<Tensor> &operands,
                SourceLocation where = SourceLocation::here());

//===----------------------------------------------------------------------===//
// Any op
//===----------------------------------------------------------------------===//

/// Applies an op of the vocabulary exactly as docs/ops.md says: nothing broadcasts.
/// `parameter` and `call` have a meaning in a model file only.
std::vector<Tensor> apply(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                          SourceLocation where = SourceLocation::here());

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_API_OPS_H
