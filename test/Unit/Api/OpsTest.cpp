// Ops applied to tensors in C++: values, broadcasting, errors.
#include "TestGraphs.h"

#include <cmath>
#include <limits>

using namespace mlc;
using Catch::Contains;

namespace {

std::vector<int64_t> ints(const Tensor &tensor) {
  const auto *data = tensor.dataAs<int64_t>();
  return {data, data + tensor.size()};
}
std::vector<bool> bools(const Tensor &tensor) {
  const auto *data = tensor.dataAs<uint8_t>();
  return std::vector<bool>(data, data + tensor.size());
}

const Tensor x = array({1, -2, 3, -4, 5, -6}, {2, 3});
const Tensor row = array({10, 20, 30});
using Floats = std::vector<float>;

} // namespace

TEST_CASE("tensors are made of numbers") {
  CHECK(values(zeros({2})) == Floats{0, 0});
  CHECK(values(ones({2})) == Floats{1, 1});
  CHECK(values(full({2}, 0.1)) == Floats{0.1f, 0.1f});
  CHECK(ints(arange(3)) == std::vector<int64_t>{0, 1, 2});
  CHECK(values(arange(3, DType::F32)) == Floats{0, 1, 2});
  CHECK(row.shape() == Shape{3});
  CHECK(array({7}).shape() == Shape{1});
  CHECK(full({}, 1, DType::Bool).item<bool>());
  CHECK_THAT(errorOf([] { full({1}, 1.5, DType::I32); }), Contains("1.5 is not a value of i32"));
  CHECK_THAT(errorOf([] { full({1}, 300, DType::U8); }), Contains("300 is not a value of u8"));
  CHECK_THAT(errorOf([] { full({1}, std::nan(""), DType::I64); }), Contains("nan is not"));
  CHECK_THAT(errorOf([] { arange(200, DType::I8); }), Contains("199 is not a value of i8"));
  CHECK_THAT(errorOf([] { zeros({-1}); }), Contains("negative dimension"));
  CHECK_THAT(errorOf([] { array({1, 2}, {3}); }), Contains("12 bytes, not 8"));
}

TEST_CASE("random tensors depend on their seed alone") {
  Tensor a = randomUniform({1000}, 1, -1, 2), b = randomUniform({1000}, 1, -1, 2);
  CHECK(a.identical(b));
  CHECK(!a.identical(randomUniform({1000}, 2, -1, 2)));
  CHECK(min(a).item<float>() >= -1);
  CHECK(max(a).item<float>() < 2);
  CHECK(mean(a).item<float>() == Approx(0.5).margin(0.1));
  Tensor n = randomNormal({10000}, 1, 3, 2), centred = n - 3;
  CHECK(mean(n).item<float>() == Approx(3).margin(0.1));
  CHECK(mean(centred * centred).item<float>() == Approx(4).margin(0.2));
}

TEST_CASE("ops compute and broadcast as numpy does") {
  CHECK(values(x + row) == Floats{11, 18, 33, 6, 25, 24});
  CHECK(values(x - array({1, 2}, {2, 1})) == Floats{0, -3, 2, -6, 3, -8});
  CHECK(values(2 * x) == Floats{2, -4, 6, -8, 10, -12});
  CHECK(values(x / 2.0) == Floats{0.5, -1, 1.5, -2, 2.5, -3});
  CHECK(values(-x) == Floats{-1, 2, -3, 4, -5, 6});
  CHECK((array({1}, {1, 1}) + zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(values(maximum(x, 0)) == values(relu(x)));
  CHECK(values(minimum(x, 0)) == Floats{0, -2, 0, -4, 0, -6});
  CHECK(values(abs(x)) == Floats{1, 2, 3, 4, 5, 6});
  CHECK(values(sqrt(abs(array({4, -9})))) == Floats{2, 3});
  CHECK(values(rsqrt(array({4}))) == Floats{0.5});
  for (auto [ours, theirs] : {std::pair(exp(row / 10), static_cast<float (*)(float)>(std::exp)),
                              std::pair(log(row / 10), static_cast<float (*)(float)>(std::log)),
                              std::pair(tanh(row / 10), static_cast<float (*)(float)>(std::tanh)),
                              std::pair(erf(row / 10), static_cast<float (*)(float)>(std::erf))})
    for (size_t i = 0; i < 3; ++i)
      CHECK(values(ours)[i] == Approx(theirs(static_cast<float>(i + 1))).epsilon(1e-6));
  CHECK(values(sigmoid(array({0}))) == Floats{0.5});
  CHECK(values(gelu(array({1, 1})))[0] == Approx(0.8413447));
  CHECK(values(gelu(array({1, 1}), "tanh"))[0] == Approx(0.8411920));
}

TEST_CASE("predicates and selections") {
  CHECK(bools(x > 0) == std::vector<bool>{true, false, true, false, true, false});
  CHECK(bools(x <= row) == std::vector<bool>(6, true));
  CHECK(bools(eq(x, x)) == std::vector<bool>(6, true));
  CHECK(bools(ne(x, x)) == std::vector<bool>(6, false));
  CHECK(bools(logicalAnd(x > 0, x < 4)) ==
        std::vector<bool>{true, false, true, false, false, false});
  CHECK(bools(logicalOr(x > 4, x < -5)) ==
        std::vector<bool>{false, false, false, false, true, true});
  CHECK(bools(logicalNot(x >= 0)) == std::vector<bool>{false, true, false, true, false, true});
  CHECK(values(select(x > 0, x, 0)) == values(relu(x)));
  CHECK(values(select(x > 0, row, array({5}, {1, 1}))) == Floats{10, 5, 30, 5, 20, 5});
}

TEST_CASE("shapes") {
  CHECK(values(transpose(x)) == Floats{1, -4, -2, 5, 3, -6});
  CHECK(transpose(zeros({2, 3, 4}), {0, -1, 1}).shape() == Shape{2, 4, 3});
  CHECK(reshape(x, {3, -1}).shape() == Shape{3, 2});
  CHECK(reshape(x, {-1}).data() == x.data());
  CHECK(values(slice(x, 0, -1, 2)) == Floats{-4, 5, -6});
  CHECK(slice(x, 0, 1, 2).data() == x.dataAs<float>() + 3);
  CHECK(values(slice(x, -1, 0, 3, 2)) == Floats{1, 3, -4, -6});
  CHECK(values(slice(x, 1, 1, -1)) == Floats{-2, 5});
  CHECK(values(concat({x, x}, -1)) == Floats{1, -2, 3, 1, -2, 3, -4, 5, -6, -4, 5, -6});
  CHECK(values(take(x, array(std::vector<int32_t>{1, -2, 1}))) ==
        Floats{-4, 5, -6, 1, -2, 3, -4, 5, -6});
  CHECK(values(take(x, array(std::vector<int64_t>{2}, {}), -1)) == Floats{3, -6});
  CHECK(take(x, zeros({4, 0}, DType::I32), 1).shape() == Shape{2, 4, 0});
  CHECK(values(broadcastTo(row, {2, 3})) == Floats{10, 20, 30, 10, 20, 30});
  CHECK(ints(cast(x, DType::I64)) == std::vector<int64_t>{1, -2, 3, -4, 5, -6});
}

TEST_CASE("contractions and reductions") {
  CHECK(values(matmul(x, array({1, 2, 3}, {3, 1}))) == Floats{6, -12});
  CHECK(values(matmul(x, x, false, true)) == Floats{14, -32, -32, 77});
  CHECK(values(matmul(x, x, true)) == values(matmul(transpose(x), x)));
  CHECK(matmul(zeros({5, 1, 2, 3}), zeros({4, 3, 7})).shape() == Shape{5, 4, 2, 7});
  CHECK(sum(x).item<float>() == -3);
  CHECK(values(sum(x, {0})) == Floats{-3, 3, -3});
  CHECK(values(max(x, {-1})) == Floats{3, 5});
  CHECK(min(x, {1}, true).shape() == Shape{2, 1});
  CHECK(values(mean(x, {0})) == Floats{-1.5, 1.5, -1.5});
  CHECK(values(softmax(zeros({1, 4}))) == Floats{0.25, 0.25, 0.25, 0.25});
}

TEST_CASE("errors name the line, the op and the types") {
  int line = __LINE__ + 1;
  std::string message = errorOf([] { x + zeros({4}); });
  CHECK(message == "OpsTest.cpp:" + std::to_string(line) +
                       ": add: f32[2,3] and f32[4] do not broadcast to one shape");
  CHECK_THAT(errorOf([] { x + zeros({3}, DType::I32); }),
             Contains("add [C1]: ") && Contains("i32[2,3]"));
  CHECK_THAT(errorOf([] { zeros({3}, DType::I32) * 0.5; }),
             Contains("mul: 0.5 is not a value of i32"));
  CHECK_THAT(errorOf([] { zeros({3}, DType::I32) + (int64_t(1) << 31); }),
             Contains("2147483648 is not a value of i32"));
  CHECK_THAT(errorOf([] { x + true; }), Contains("true is not a value of f32"));
  CHECK_THAT(errorOf([] { exp(zeros({3}, DType::I32)); }), Contains("exp [C2]: "));
  CHECK_THAT(errorOf([] { matmul(x, x); }), Contains("matmul [C4]: "));
  CHECK_THAT(errorOf([] { matmul(x, row); }), Contains("expected two dimensions"));
  CHECK_THAT(errorOf([] { matmul(zeros({2, 1, 1}), zeros({3, 1, 1})); }),
             Contains("batch dimensions"));
  CHECK_THAT(errorOf([] { sum(x, {2}); }), Contains("no axis 2 in 2 dimensions"));
  CHECK_THAT(errorOf([] { reshape(x, {4, -1}); }), Contains("reshape: f32[2,3] cannot take"));
  CHECK_THAT(errorOf([] { reshape(x, {-1, -1}); }), Contains("cannot take the shape"));
  CHECK_THAT(errorOf([] { reshape(x, {7}); }), Contains("number of elements differs"));
  CHECK_THAT(errorOf([] { slice(x, 0, 1, 3); }), Contains("elements 1 to 3 of axis 0"));
  CHECK_THAT(errorOf([] { concat({}); }), Contains("expected one operand"));
  CHECK_THAT(errorOf([] { broadcastTo(x, {3}); }), Contains("does not broadcast to f32[3]"));
  CHECK_THAT(errorOf([] { take(x, x); }), Contains("take [C2]: expected indices"));
  CHECK_THAT(errorOf([] { take(x, array(std::vector<int32_t>{0}), 2); }),
             Contains("take: there is no axis 2 in 2 dimensions"));
  CHECK_THAT(errorOf([] { take(x, array(std::vector<int32_t>{2})); }),
             Contains("take: ") && Contains(" is not in [-2, 2)"));
  CHECK_THAT(errorOf([] { gelu(x, "fast"); }), Contains("gelu [C3]: "));
  CHECK_THAT(errorOf([] { add(zeros({1}, DType::F64), zeros({1}, DType::F64)); }),
             Contains("no executor runs this dtype"));
  CHECK_THAT(errorOf([] { apply(Op::Call, {}, {}); }), Contains("model file only"));
}

TEST_CASE("a tensor of one element is a number, no other is") {
  CHECK(array({2.75}).item<int32_t>() == 2);
  CHECK(bool(array({-1})));
  CHECK(!array({0}));
  CHECK(full({1, 1}, -5, DType::I64).item<double>() == -5);
  CHECK_THAT(errorOf([] { x.item<float>(); }), Contains("[2, 3]") && Contains("expected one"));
  CHECK_THAT(errorOf([] { bool(zeros({0})); }), Contains("0 elements"));
  for (float big : {0x1p31f, -0x1.000002p31f, std::numeric_limits<float>::infinity(), NAN})
    CHECK_THAT(errorOf([&] { full({}, big).item<int32_t>(); }), Contains("is not a value"));
  CHECK(full({}, -0x1p31).item<int32_t>() == INT32_MIN);
  CHECK_THAT(errorOf([] { full({}, 0x1p31, DType::I64).item<int32_t>(); }), Contains("2147483648"));
}
