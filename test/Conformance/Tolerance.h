//===- Tolerance.h - How far a result may be from the exact one -*- C++ -*-===//
//
// The one place that gives the tolerance classes of the op table their meaning.
// u = 2^-24, the unit roundoff of f32; an ulp is the spacing of floats at the
// exact result. NaN agrees with any NaN, an infinity with itself only. Integers
// and bools are always exact. f16 and bf16 are computed in f32 and then rounded,
// for which there is half an ulp of theirs more; what is exact stays it.
//
//   exact        the same bits, so also the sign of a zero
//   ulp4         4 ulp; an exact zero keeps its sign
//   contraction  min(n, 4 sqrt(n)) u sum |a_i b_i| over the n contracted elements
//   reduction    sum: min(n, 4 sqrt(n)) u sum |a_i|; mean: that / n and an ulp;
//                max and min: exact, but for the sign of a zero
//   composite    softmax: relative (16 + 4 sqrt(n) + |x - m| + the mean of
//                |x_j - m| weighted with the results) u, and 2 ulp at least,
//                where m is the maximum: x - m rounds before exp sees it
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TEST_CONFORMANCE_TOLERANCE_H
#define MLC_TEST_CONFORMANCE_TOLERANCE_H

#include "mlc/Graph/Graph.h"

#include <string>
#include <vector>

namespace mlc::test {

/// Spacing of the elements of a float dtype at x, denormals included.
double ulp(double x, DType dtype = DType::F32);

/// Per element of a result, what |got - exact| may be.
struct Allowance {
  bool bitwise = false; ///< Otherwise `error` holds one bound per element.
  bool signedZero = false;
  std::vector<double> error;
};

/// The rounding of a sum of n terms in any order, relative to the sum of their
/// magnitudes: what "contraction" and "reduction" promise.
double sumError(int64_t n);

/// |A| |B|, for magnitudes of the operands of a matmul of these shapes.
std::vector<double> sumProducts(const Node &matmul, const Shape &shapeA, const Shape &shapeB,
                                const std::vector<double> &a, const std::vector<double> &b);
/// The index of the result that each element of a reduction's operand goes to.
std::vector<int64_t> reductionTargets(const Node &reduce, const Shape &shape);
/// Contracted elements of a result of a matmul or reduce.
int64_t contractedCount(const Node &node, const Shape &firstOperand);

/// For the only result of `node` applied to `operands` exactly as given;
/// `exact` is that result.
Allowance allowance(const Node &node, const std::vector<Tensor> &operands,
                    const std::vector<double> &exact);

/// What `error` becomes when a value near x, computed in f32, is rounded to `dtype`.
double roundedError(double x, double error, DType dtype);

/// Where `got`, of floats, breaks `allowance`: names the worst element, or is empty.
std::string disagreement(const Tensor &got, const std::vector<double> &exact,
                         const Allowance &allowance);

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_TOLERANCE_H
