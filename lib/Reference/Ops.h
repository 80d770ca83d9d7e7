//===- Ops.h - The reference functions, by family ----------------*- C++ -*-===//
//
// Private to lib/Reference. A function takes a node of its family, tensors that
// fit it and the type of its one result. Float elements are widened to double,
// integers and bools to int64_t; results are rounded or wrapped once.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_REFERENCE_OPS_H
#define MLC_LIB_REFERENCE_OPS_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace reference {

struct ResultType {
  DType dtype;
  Shape shape;
};

using Operands = std::vector<Tensor>;

Result<Tensor> evaluateElementwise(const Node &node, const Operands &operands,
                                   const ResultType &type);
Result<Tensor> evaluateCompare(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateSelect(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateCast(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateMatMul(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateBroadcast(const Node &node, const Operands &operands,
                                 const ResultType &type);
Result<Tensor> evaluateReshape(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateTranspose(const Node &node, const Operands &operands,
                                 const ResultType &type);
Result<Tensor> evaluateSlice(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateConcat(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateTake(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateReduce(const Node &node, const Operands &operands, const ResultType &type);
Result<Tensor> evaluateSoftmax(const Node &node, const Operands &operands, const ResultType &type);

//===----------------------------------------------------------------------===//
// What they share
//===----------------------------------------------------------------------===//

template <typename T> const T &attribute(const Node &node, const char *name) {
  return std::get<T>(node.attributes.find(name)->second);
}

/// The elements of an f32, f16 or bf16 tensor, and of an i32, i64 or bool tensor.
std::vector<double> floats(const Tensor &tensor);
std::vector<int64_t> integers(const Tensor &tensor);
/// The inverses: rounded once to nearest even, or wrapped, to the dtype, which may be any for
/// integers.
Result<Tensor> fromFloats(const ResultType &type, const std::vector<double> &values);
Result<Tensor> fromIntegers(const ResultType &type, const std::vector<int64_t> &values);

/// Sums, differences and products that wrap.
int64_t wrappingAdd(int64_t a, int64_t b);
int64_t wrappingSub(int64_t a, int64_t b);
int64_t wrappingMul(int64_t a, int64_t b);

/// Larger and smaller: NaN if either is NaN, and +0 above -0.
double maximum(double a, double b);
double minimum(double a, double b);

/// Runs over all indices of a shape in row-major order:
///   for (MultiIndex at(shape); at.valid(); at.next()) ... at[i] ...
class MultiIndex {
public:
  explicit MultiIndex(const Shape &shape);
  bool valid() const { return inside; }
  void next();
  int64_t operator[](size_t i) const { return index[i]; }

private:
  Shape shape, index;
  bool inside;
};

/// The row-major place of `index` in `shape`.
int64_t flatIndex(const Shape &shape, const Shape &index);

} // namespace reference
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_REFERENCE_OPS_H
