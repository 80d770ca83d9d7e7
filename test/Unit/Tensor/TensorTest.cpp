// Element types and tensors.
#include "TestTensors.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

TEST_CASE("dtypes have names, sizes and kinds") {
  const int64_t bytes[] = {4, 8, 2, 2, 1, 1, 2, 4, 8, 1};
  int index = 0, executable = 0;
  for (DType dtype : kAllDTypes) {
    CHECK(static_cast<int>(dtype) == index);
    CHECK(parseDType(dtypeName(dtype)) == dtype);
    CHECK(dtypeBytes(dtype) == bytes[index++]);
    CHECK_FALSE((isFloat(dtype) && isInteger(dtype)));
    executable += isExecutable(dtype);
  }
  CHECK(executable == 6);
  CHECK(isExecutable(DType::Bool));
  CHECK_FALSE(isInteger(DType::Bool));
  CHECK_FALSE(isFloat(DType::Bool));
  CHECK_FALSE(parseDType("f33"));
  CHECK_FALSE(parseDType(""));
  CHECK_FALSE(parseDType("F32"));
}

TEST_CASE("elementCount is the product where there is one") {
  CHECK(elementCount({}) == 1);
  CHECK(elementCount({2, 3}) == 6);
  CHECK(elementCount({2, 0}) == 0);
  CHECK_FALSE(elementCount({-1}));
  CHECK_FALSE(elementCount({0, -1}));
  CHECK_FALSE(elementCount({int64_t(1) << 32, int64_t(1) << 31}));
  CHECK_FALSE(elementCount({int64_t(1) << 32, int64_t(1) << 31, 0}));
  CHECK_FALSE(elementCount({0, int64_t(1) << 32, int64_t(1) << 31}));
  CHECK(toString(Shape{2, 3}) == "[2, 3]");
  CHECK(toString(Shape{}) == "[]");
}

TEST_CASE("memory is aligned, zeroed and never null") {
  for (DType dtype : kAllDTypes)
    for (Shape shape : {Shape{}, Shape{0}, Shape{3, 5}, Shape{2, 0, 7}}) {
      Result<Tensor> tensor = Tensor::zeros(dtype, shape);
      REQUIRE(tensor.ok());
      REQUIRE(tensor->data() != nullptr);
      CHECK(reinterpret_cast<uintptr_t>(tensor->data()) % 64 == 0);
      CHECK(tensor->byteSize() == *elementCount(shape) * dtypeBytes(dtype));
      for (int64_t i = 0; i < tensor->byteSize(); ++i)
        REQUIRE(tensor->dataAs<char>()[i] == 0);
    }
  Tensor empty;
  CHECK(empty.shape() == Shape{0});
  CHECK(empty.data() != nullptr);
}

TEST_CASE("impossible tensors are errors") {
  Result<Tensor> negative = Tensor::zeros(DType::F32, {2, -1});
  REQUIRE_FALSE(negative.ok());
  CHECK(negative.error().kind == ErrorKind::BadInput);
  CHECK_THAT(negative.error().message, Contains("[2, -1]"));
  Result<Tensor> wide = Tensor::zeros(DType::F32, {int64_t(1) << 40, int64_t(1) << 40});
  REQUIRE_FALSE(wide.ok());
  CHECK(wide.error().kind == ErrorKind::ResourceLimit);
  // The elements can be counted, the bytes cannot.
  CHECK(Tensor::zeros(DType::F64, {std::numeric_limits<int64_t>::max() / 4}).error().kind ==
        ErrorKind::ResourceLimit);
  // The bytes can be counted, but no machine has them.
  CHECK(Tensor::zeros(DType::I8, {std::numeric_limits<int64_t>::max() / 4}).error().kind ==
        ErrorKind::ResourceLimit);
  Result<Tensor> shortened = Tensor::fromBytes(DType::F32, {2}, "1234567");
  REQUIRE_FALSE(shortened.ok());
  CHECK(shortened.error().kind == ErrorKind::BadInput);
  CHECK_THAT(shortened.error().message, Contains("8 bytes, not 7"));
}

TEST_CASE("copies share, clones do not") {
  Tensor a = tensorOf(DType::I32, {2}, "1 2");
  Tensor shared = a, cloned = a.clone();
  CHECK(cloned.identical(a));
  a.dataAs<int32_t>()[0] = 7;
  CHECK(shared.dataAs<int32_t>()[0] == 7);
  CHECK(cloned.dataAs<int32_t>()[0] == 1);
  CHECK_FALSE(cloned.identical(a));
  CHECK(Tensor().clone().identical(Tensor()));
}

TEST_CASE("reshaped shares memory and keeps the number of elements") {
  Tensor a = tensorOf(DType::F32, {2, 3}, "1 2 3 4 5 6");
  Result<Tensor> b = a.reshaped({3, 2});
  REQUIRE(b.ok());
  CHECK(b->data() == a.data());
  CHECK(b->shape() == Shape{3, 2});
  CHECK_FALSE(a.reshaped({5}).ok());
  CHECK_FALSE(a.reshaped({-2, -3}).ok());
}

TEST_CASE("identical looks at dtype, shape and bits") {
  Tensor nan = tensorOf(DType::F32, {1}, "nan");
  CHECK(nan.identical(tensorOf(DType::F32, {1}, "nan")));
  CHECK_FALSE(tensorOf(DType::F32, {1}, "0").identical(tensorOf(DType::F32, {1}, "-0")));
  CHECK_FALSE(tensorOf(DType::F32, {1}, "0").identical(tensorOf(DType::I32, {1}, "0")));
  CHECK_FALSE(tensorOf(DType::F32, {1}, "0").identical(tensorOf(DType::F32, {1, 1}, "0")));
}

TEST_CASE("a borrowed tensor keeps its owner alive") {
  auto owner = std::make_shared<std::vector<float>>(4, 2.0f);
  std::weak_ptr<std::vector<float>> watch = owner;
  {
    Tensor tensor = Tensor::borrow(DType::F32, {4}, owner->data(), owner);
    owner.reset();
    Tensor copy = tensor;
    tensor = Tensor();
    CHECK_FALSE(watch.expired());
    CHECK(copy.dataAs<float>()[3] == 2.0f);
  }
  CHECK(watch.expired());
}

TEST_CASE("spans go in and out without a copy") {
  std::vector<int32_t> numbers{1, 2, 3, 4, 5, 6};
  auto borrowed = Tensor::borrow(Span<int32_t>(numbers), {2, 3});
  REQUIRE(borrowed.ok());
  Tensor tensor = *borrowed;
  CHECK(tensor.dtype() == DType::I32);
  CHECK(tensor.span<int32_t>().data() == numbers.data());
  tensor.span<int32_t>()[5] = 60;
  CHECK(numbers.back() == 60);
  int32_t sum = 0;
  for (int32_t n : std::as_const(tensor).span<int32_t>())
    sum += n;
  CHECK(sum == 75);
  CHECK_THROWS_WITH(tensor.span<float>(), Contains("the elements are i32, not f32"));
  CHECK_THROWS_WITH(Tensor::traced(DType::F32, {1}, std::make_shared<TracedValue>()).span<float>(),
                    Contains("has no elements"));

  auto wrong = Tensor::borrow(Span<int32_t>(numbers), {2, 4});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message == "6 elements for a tensor of shape [2, 4]");
  CHECK_FALSE(Tensor::borrow(Span<int32_t>(numbers), {-1, -6}).ok());
  CHECK(dtypeOf<bool>() == DType::Bool);
  CHECK(dtypeOf<int8_t>() == DType::I8);
  CHECK(dtypeOf<uint8_t>() == DType::U8);
  CHECK(dtypeOf<long long>() == DType::I64);
}
