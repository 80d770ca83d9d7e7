// How far two tensors are apart.
#include "TestTensors.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

static Difference ofF32(const std::string &got, const std::string &expected, double relative = 0,
                        double absolute = 0) {
  return compare(tensorOf(DType::F32, {}, got), tensorOf(DType::F32, {}, expected), relative,
                 absolute);
}

TEST_CASE("the worst element is named with its index and what was allowed") {
  Tensor got = tensorOf(DType::F32, {2, 3}, "1 2 3 4 5.5 6.25");
  Tensor expected = tensorOf(DType::F32, {2, 3}, "1 2 3 4 5 6");
  Difference d = compare(got, expected, 0, 0.125);
  CHECK_FALSE(d.equal);
  CHECK(d.index == 4);
  CHECK(d.got == 5.5);
  CHECK(d.expected == 5);
  CHECK(d.excess == 4);
  CHECK(d.message == "element [1, 1] is 5.5, expected 5 (differs by 0.5, allowed 0.125; 2 of 6 "
                     "elements disagree)");
  d = compare(got, expected, 0, 0.5);
  CHECK(d.equal);
  CHECK(d.message.empty());
  CHECK(d.index == 4);
  CHECK(d.excess == 1);
}

TEST_CASE("tolerances are absolute plus relative to what is expected") {
  CHECK(ofF32("101", "100", 0.01, 0).equal);
  CHECK_FALSE(ofF32("102", "100", 0.01, 0).equal);
  CHECK(ofF32("102", "100", 0.01, 1).equal);
  CHECK(ofF32("-101", "-100", 0.01, 0).equal);
  CHECK(ofF32("0", "-0").equal);
  CHECK_FALSE(ofF32("1", "2", std::nan(""), 1e9).equal);
  CHECK_FALSE(ofF32("1", "2", -1, 0).equal);
}

TEST_CASE("NaN agrees with NaN only, an infinity with itself only") {
  CHECK(ofF32("nan", "nan").equal);
  CHECK_FALSE(ofF32("nan", "1", 1e9, 1e9).equal);
  CHECK_FALSE(ofF32("1", "nan", 1e9, 1e9).equal);
  CHECK_FALSE(ofF32("inf", "nan", 1e9, 1e9).equal);
  CHECK(ofF32("inf", "inf").equal);
  CHECK_FALSE(ofF32("inf", "-inf", 1e9, 1e9).equal);
  CHECK_FALSE(ofF32("3e38", "inf", 1e9, 1e9).equal);
  CHECK_FALSE(ofF32("inf", "3e38", 1e9, 1e9).equal);
  // The NaN is the worst, whatever else differs.
  Difference d = compare(tensorOf(DType::F32, {3}, "1e30 nan 1"),
                         tensorOf(DType::F32, {3}, "0 1 1"), 0, 1e-30);
  CHECK(d.index == 1);
  CHECK_THAT(d.message, Contains("element [1] is nan, expected 1"));
}

TEST_CASE("integers and bools are equal or not") {
  Tensor a = tensorOf(DType::I64, {2}, "9007199254740993 5"),
         b = tensorOf(DType::I64, {2}, "9007199254740992 5");
  Difference d = compare(a, b, 1, 1e9);
  CHECK_FALSE(d.equal);
  CHECK(d.index == 0);
  CHECK_THAT(d.message, Contains("9007199254740993") && Contains("9007199254740992") &&
                            Contains("differs by 1,"));
  CHECK(compare(a, a, 0, 0).equal);
  CHECK_THAT(compare(tensorOf(DType::Bool, {}, "1"), tensorOf(DType::Bool, {}, "0"), 0, 0).message,
             Contains("the only element is true, expected false"));
}

TEST_CASE("other dtypes and shapes never agree") {
  Difference d = compare(tensorOf(DType::F32, {1}, "1"), tensorOf(DType::I32, {1}, "1"), 1, 1);
  CHECK_FALSE(d.equal);
  CHECK(d.index == -1);
  CHECK(d.message == "got f32[1], expected i32[1]");
  CHECK_FALSE(compare(tensorOf(DType::F32, {1}, "1"), tensorOf(DType::F32, {}, "1"), 1, 1).equal);
  CHECK(compare(Tensor(), Tensor(), 0, 0).equal);
}
