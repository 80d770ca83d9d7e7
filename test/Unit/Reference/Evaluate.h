// Evaluates one op on given tensors, and compares tensors bit for bit.
#ifndef MLC_TEST_UNIT_REFERENCE_EVALUATE_H
#define MLC_TEST_UNIT_REFERENCE_EVALUATE_H

#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Reference/Reference.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

namespace mlc {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax32 = std::numeric_limits<int32_t>::max();
constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

using Ints = std::vector<int64_t>;

template <typename T> Tensor tensor(DType dtype, Shape shape, const std::vector<T> &values) {
  auto made =
      Tensor::fromBytes(dtype, std::move(shape),
                        {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)});
  REQUIRE(made.ok());
  return *made;
}
inline Tensor f32(Shape shape, std::vector<float> values) {
  return tensor(DType::F32, std::move(shape), values);
}
inline Tensor i32(Shape shape, std::vector<int32_t> values) {
  return tensor(DType::I32, std::move(shape), values);
}
inline Tensor i64(Shape shape, std::vector<int64_t> values) {
  return tensor(DType::I64, std::move(shape), values);
}
inline Tensor bools(Shape shape, std::vector<uint8_t> values) {
  return tensor(DType::Bool, std::move(shape), values);
}
// One-dimensional.
inline Tensor f32(std::vector<float> values) {
  auto size = static_cast<int64_t>(values.size());
  return f32(Shape{size}, std::move(values));
}
inline Tensor i32(std::vector<int32_t> values) {
  auto size = static_cast<int64_t>(values.size());
  return i32(Shape{size}, std::move(values));
}
inline Tensor i64(std::vector<int64_t> values) {
  auto size = static_cast<int64_t>(values.size());
  return i64(Shape{size}, std::move(values));
}
inline Tensor bools(std::vector<uint8_t> values) {
  auto size = static_cast<int64_t>(values.size());
  return bools(Shape{size}, std::move(values));
}

inline TensorType typeOf(const Tensor &tensor) {
  return {tensor.dtype(), Dims(tensor.shape().begin(), tensor.shape().end())};
}

/// What a function that holds just this op gives.
inline Result<std::vector<Tensor>> evaluateAll(Op op, const std::vector<Tensor> &operands,
                                               Attributes attributes) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  std::vector<ValueId> ids;
  for (const Tensor &operand : operands)
    ids.push_back(builder.input("x", typeOf(operand)));
  auto result = builder.node(op, ids, std::move(attributes));
  INFO((result ? "" : result.error().message));
  REQUIRE(result.ok());
  builder.output(*result, "y");
  graph.functions.push_back(builder.finish());
  REQUIRE(validate(graph).ok());
  return evaluateReference(graph, graph.functions[0], {}, operands);
}

/// Its value.
inline Tensor evaluate(Op op, const std::vector<Tensor> &operands, Attributes attributes = {}) {
  auto outputs = evaluateAll(op, operands, std::move(attributes));
  REQUIRE(outputs.ok());
  REQUIRE(outputs->size() == 1);
  return outputs->front();
}

/// Same dtype, shape and bits, but any NaN equals any NaN.
inline void checkSame(const Tensor &got, const Tensor &expected) {
  INFO("got " << toString(got) << "\nexpected " << toString(expected));
  REQUIRE(got.dtype() == expected.dtype());
  REQUIRE(got.shape() == expected.shape());
  if (got.dtype() != DType::F32) {
    CHECK(got.identical(expected));
    return;
  }
  for (int64_t i = 0; i < got.size(); ++i) {
    float a = got.dataAs<float>()[i], b = expected.dataAs<float>()[i];
    CHECK(((a != a && b != b) || std::memcmp(&a, &b, sizeof a) == 0));
  }
}

} // namespace mlc

#endif // MLC_TEST_UNIT_REFERENCE_EVALUATE_H
