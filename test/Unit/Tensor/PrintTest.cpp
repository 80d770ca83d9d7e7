// Tensors as text.
#include "TestTensors.h"

#include <catch2/catch.hpp>

using namespace mlc;
using namespace mlc::test;

TEST_CASE("small tensors print in full") {
  CHECK(toString(tensorOf(DType::F32, {}, "1.5")) == "f32[] 1.5");
  CHECK(toString(tensorOf(DType::F32, {3}, "1 0.1 nan")) == "f32[3] [1, 0.1, nan]");
  CHECK(toString(tensorOf(DType::Bool, {2}, "1 0")) == "bool[2] [true, false]");
  CHECK(toString(tensorOf(DType::I32, {2, 2}, "1 2 3 4")) == "i32[2,2]\n[[1, 2],\n [3, 4]]");
  CHECK(toString(tensorOf(DType::I32, {2, 1, 2}, "1 2 3 4")) ==
        "i32[2,1,2]\n[[[1, 2]],\n\n [[3, 4]]]");
  CHECK(toString(tensorOf(DType::I32, {2, 0}, "")) == "i32[2,0] []");
  CHECK(toString(*Tensor::zeros(DType::I32, {int64_t(1) << 40, 0})) == "i32[1099511627776,0] []");
}

TEST_CASE("large tensors are elided") {
  Tensor row = tensorOf(DType::I32, {8}, "0 1 2 3 4 5 6 7");
  CHECK(toString(row, 8) == "i32[8] [0, 1, 2, 3, 4, 5, 6, 7]");
  CHECK(toString(row, 7) == "i32[8] [0, 1, 2, ..., 5, 6, 7]");
  CHECK(toString(row, 4) == "i32[8] [0, 1, ..., 6, 7]");
  CHECK(toString(row, 3) == "i32[8] [0, ..., 7]");
  CHECK(toString(row, 0) == "i32[8] [...]");
  CHECK(toString(row, -1) == "i32[8] [...]");
  CHECK(toString(*row.reshaped({4, 2}), 4) == "i32[4,2]\n[[0, 1],\n ...,\n [6, 7]]");
  // However many dimensions: no more elements than asked for.
  Tensor deep = *Tensor::zeros(DType::I8, Shape(20, 2));
  CHECK(toString(deep, 100).size() < 200);
}
