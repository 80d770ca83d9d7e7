// Small graphs and tensors that the tests of this room share.
#ifndef MLC_TEST_API_TESTGRAPHS_H
#define MLC_TEST_API_TESTGRAPHS_H

#include "mlc/Graph/Rewrite.h"
#include "mlc/mlc.h"

#include <catch2/catch.hpp>

/// The value of a Result, or a failed test with its message.
template <typename T> T get(mlc::Result<T> result) {
  if (!result)
    FAIL(result.error().message);
  return std::move(*result);
}
inline void check(const mlc::Status &status) {
  if (!status)
    FAIL(status.error().message);
}

/// The message of the mlc::Error that `function` throws.
template <typename F> std::string errorOf(F function) {
  try {
    function();
  } catch (const mlc::Error &error) {
    return error.what();
  }
  return "no error";
}

mlc::Tensor tensor(mlc::Shape shape, const std::vector<float> &values);
std::vector<float> values(const mlc::Tensor &tensor);
mlc::TensorType type(mlc::Dims dims, mlc::DType dtype = mlc::DType::F32);

/// y = relu(matmul(x, w) + bias), x: f32[batch,2], w: f32[2,3], bias: f32[3].
mlc::Graph denseGraph();
mlc::TensorMap denseParameters();

/// y = x + z, both f32[batch,2].
mlc::Graph addGraph();

/// main(a, b) = twice(a + b) with twice(x) = x + x; outputs: sum, and the input a
/// itself as "same".
mlc::Graph callGraph();

#endif // MLC_TEST_API_TESTGRAPHS_H
