// Tests of the element-wise reference functions against values worked out by hand
// or taken from tables.

#include "Evaluate.h"

#include <cmath>

using namespace mlc;

TEST_CASE("float arithmetic follows IEEE") {
  Tensor a = f32({1, kInf, 0, kNaN, 3e38f, 16777216}), b = f32({3, kInf, 0, 1, 3e38f, 1});
  checkSame(evaluate(Op::Add, {a, b}), f32({4, kInf, 0, kNaN, kInf, 16777216}));
  checkSame(evaluate(Op::Sub, {a, b}), f32({-2, kNaN, 0, kNaN, 0, 16777215}));
  checkSame(evaluate(Op::Mul, {a, b}), f32({3, kInf, 0, kNaN, kInf, 16777216}));
  checkSame(evaluate(Op::Div, {a, b}), f32({1.0f / 3.0f, kNaN, kNaN, kNaN, 1, 16777216}));
  checkSame(evaluate(Op::Div, {f32({1, -1, 1}), f32({0, 0, -0.0f})}), f32({kInf, -kInf, -kInf}));
  checkSame(evaluate(Op::Mul, {f32({1e-40f, 1e-30f}), f32({0.5f, 1e-15f})}),
            f32({0.5f * 1e-40f, 1.4e-45f}));
}

TEST_CASE("integer arithmetic wraps and divides without trapping") {
  checkSame(evaluate(Op::Add, {i32({kMax32, 1}), i32({1, 2})}), i32({kMin32, 3}));
  checkSame(evaluate(Op::Sub, {i32({kMin32, 1}), i32({1, 2})}), i32({kMax32, -1}));
  checkSame(evaluate(Op::Mul, {i32({65536, -3}), i32({65536, 7})}), i32({0, -21}));
  checkSame(evaluate(Op::Div, {i32({7, -7, 7, -7, 5, kMin32}), i32({2, 2, -2, -2, 0, -1})}),
            i32({3, -3, -3, 3, 0, kMin32}));
  checkSame(evaluate(Op::Add, {i64({kMax64}), i64({1})}), i64({kMin64}));
  checkSame(evaluate(Op::Sub, {i64({kMin64}), i64({1})}), i64({kMax64}));
  checkSame(evaluate(Op::Mul, {i64({int64_t(1) << 33}), i64({int64_t(1) << 33})}), i64({0}));
  checkSame(evaluate(Op::Div, {i64({kMin64, kMin64, 9}), i64({-1, 0, -2})}), i64({kMin64, 0, -4}));
}

TEST_CASE("max and min propagate NaN and order zeros") {
  Tensor a = f32({1, kNaN, 0, 0.0f, -0.0f, -kInf}), b = f32({2, 0, kNaN, -0.0f, 0.0f, 5});
  checkSame(evaluate(Op::Max, {a, b}), f32({2, kNaN, kNaN, 0.0f, 0.0f, 5}));
  checkSame(evaluate(Op::Min, {a, b}), f32({1, kNaN, kNaN, -0.0f, -0.0f, -kInf}));
  checkSame(evaluate(Op::Max, {i64({kMin64, 3}), i64({kMax64, -3})}), i64({kMax64, 3}));
  checkSame(evaluate(Op::Min, {i32({kMin32, 3}), i32({kMax32, -3})}), i32({kMin32, -3}));
}

TEST_CASE("neg and abs") {
  Tensor x = f32({1, -0.0f, 0.0f, -kInf, kNaN});
  Tensor negated = evaluate(Op::Neg, {x});
  checkSame(negated, f32({-1, 0.0f, -0.0f, kInf, kNaN}));
  CHECK(std::signbit(negated.dataAs<float>()[4]) != std::signbit(x.dataAs<float>()[4]));
  checkSame(evaluate(Op::Abs, {x}), f32({1, 0.0f, 0.0f, kInf, kNaN}));
  checkSame(evaluate(Op::Neg, {i32({1, kMin32})}), i32({-1, kMin32}));
  checkSame(evaluate(Op::Abs, {i32({-1, kMin32})}), i32({1, kMin32}));
  checkSame(evaluate(Op::Neg, {i64({5, kMin64})}), i64({-5, kMin64}));
  checkSame(evaluate(Op::Abs, {i64({-5, kMin64})}), i64({5, kMin64}));
}

TEST_CASE("relu keeps NaN and gives +0") {
  checkSame(evaluate(Op::Relu, {f32({-1, 2, -0.0f, kNaN, kInf, -kInf})}),
            f32({0, 2, 0.0f, kNaN, kInf, 0}));
  checkSame(evaluate(Op::Relu, {i32({-5, 5, kMin32})}), i32({0, 5, 0}));
  checkSame(evaluate(Op::Relu, {i64({-5, kMax64})}), i64({0, kMax64}));
}

TEST_CASE("exponential and logarithm") {
  checkSame(evaluate(Op::Exp, {f32({0, 1, -kInf, kInf, kNaN, 89, -104})}),
            f32({1, 2.71828182845904524f, 0, kInf, kNaN, kInf, 0}));
  checkSame(evaluate(Op::Exp, {f32({-100})}), f32({3.7835058e-44f})); // Denormals are kept.
  checkSame(evaluate(Op::Log, {f32({1, 0, -0.0f, -1, kInf, kNaN, 10})}),
            f32({0, -kInf, -kInf, kNaN, kInf, kNaN, 2.30258509299404568f}));
  checkSame(evaluate(Op::Log, {f32({1.4e-45f})}), f32({-103.278929903431851f}));
}

TEST_CASE("roots") {
  checkSame(evaluate(Op::Sqrt, {f32({4, 2, -1, -0.0f, kInf, kNaN})}),
            f32({2, 1.41421356237309505f, kNaN, -0.0f, kInf, kNaN}));
  checkSame(evaluate(Op::Rsqrt, {f32({4, 0, -0.0f, -1, kInf, kNaN})}),
            f32({0.5f, kInf, -kInf, kNaN, 0, kNaN}));
}

TEST_CASE("sigmoid, tanh and erf") {
  checkSame(evaluate(Op::Sigmoid, {f32({0, kInf, -kInf, kNaN, 1, -100})}),
            f32({0.5f, 1, 0, kNaN, 0.731058578630004879f, 3.7835058e-44f}));
  checkSame(evaluate(Op::Tanh, {f32({0, -0.0f, kInf, -kInf, kNaN, 1, 1e-20f})}),
            f32({0, -0.0f, 1, -1, kNaN, 0.761594155955764888f, 1e-20f}));
  checkSame(evaluate(Op::Erf, {f32({0, -0.0f, kInf, -kInf, kNaN, 1, -0.5f})}),
            f32({0, -0.0f, 1, -1, kNaN, 0.842700792949714869f, -0.520499877813046538f}));
}

TEST_CASE("gelu has two forms and the limit at -inf") {
  Attributes tanhForm{{"approximate", std::string("tanh")}};
  Tensor x = f32({0, 1, -1, kInf, -kInf, kNaN, -1e30f, 3});
  checkSame(evaluate(Op::Gelu, {x}), f32({0, 0.841344746068542949f, -0.158655253931457051f, kInf,
                                          -0.0f, kNaN, -0.0f, 2.99595030590511f}));
  checkSame(evaluate(Op::Gelu, {x}, tanhForm), f32({0, 0.841191990608276f, -0.158808009391724f,
                                                    kInf, -0.0f, kNaN, -0.0f, 2.99636260791445f}));
  // Far left, where 1 + erf(x) has no digits left: -10 * Phi(-10).
  checkSame(evaluate(Op::Gelu, {f32({-10})}), f32({-7.61985302416052e-23f}));
}

TEST_CASE("compare: NaN is unequal to all") {
  Tensor a = f32({1, 2, 3, kNaN, 0.0f}), b = f32({2, 2, 2, kNaN, -0.0f});
  auto compare = [&](const char *direction) {
    return evaluate(Op::Compare, {a, b}, {{"direction", std::string(direction)}});
  };
  checkSame(compare("eq"), bools({0, 1, 0, 0, 1}));
  checkSame(compare("ne"), bools({1, 0, 1, 1, 0}));
  checkSame(compare("lt"), bools({1, 0, 0, 0, 0}));
  checkSame(compare("le"), bools({1, 1, 0, 0, 1}));
  checkSame(compare("gt"), bools({0, 0, 1, 0, 0}));
  checkSame(compare("ge"), bools({0, 1, 1, 0, 1}));
}

TEST_CASE("compare: integers are signed and not rounded, bools are equal or not") {
  checkSame(evaluate(Op::Compare, {i64({kMax64, kMin64}), i64({kMax64 - 1, 0})},
                     {{"direction", std::string("gt")}}),
            bools({1, 0}));
  checkSame(
      evaluate(Op::Compare, {bools({0, 1}), bools({1, 1})}, {{"direction", std::string("eq")}}),
      bools({0, 1}));
}

TEST_CASE("logical ops and select") {
  Tensor a = bools({0, 0, 1, 1}), b = bools({0, 1, 0, 1});
  checkSame(evaluate(Op::LogicalAnd, {a, b}), bools({0, 0, 0, 1}));
  checkSame(evaluate(Op::LogicalOr, {a, b}), bools({0, 1, 1, 1}));
  checkSame(evaluate(Op::LogicalNot, {a}), bools({1, 1, 0, 0}));
  Tensor p = bools({1, 0});
  checkSame(evaluate(Op::Select, {p, f32({1, 2}), f32({3, -0.0f})}), f32({1, -0.0f}));
  checkSame(evaluate(Op::Select, {p, i64({kMin64, 2}), i64({3, kMax64})}), i64({kMin64, kMax64}));
  checkSame(evaluate(Op::Select, {p, bools({1, 1}), bools({0, 0})}), bools({1, 0}));
}

TEST_CASE("cast from float truncates and saturates") {
  Tensor x = f32({1.9f, -1.9f, kNaN, 1e20f, -1e20f, kInf, -kInf, 2147483648.0f, -2147483648.0f});
  checkSame(evaluate(Op::Cast, {x}, {{"dtype", std::string("i32")}}),
            i32({1, -1, 0, kMax32, kMin32, kMax32, kMin32, kMax32, kMin32}));
  checkSame(evaluate(Op::Cast, {x}, {{"dtype", std::string("i64")}}),
            i64({1, -1, 0, kMax64, kMin64, kMax64, kMin64, 2147483648, -2147483648}));
  checkSame(evaluate(Op::Cast, {f32({0, -0.0f, 0.1f, kNaN})}, {{"dtype", std::string("bool")}}),
            bools({0, 0, 1, 1}));
  checkSame(evaluate(Op::Cast, {f32({1.5f, kNaN})}, {{"dtype", std::string("f32")}}),
            f32({1.5f, kNaN}));
}

TEST_CASE("cast from integers and bools") {
  checkSame(evaluate(Op::Cast, {i64({(int64_t(1) << 32) + 5, -1, kMin64})},
                     {{"dtype", std::string("i32")}}),
            i32({5, -1, 0}));
  checkSame(evaluate(Op::Cast, {i32({kMin32})}, {{"dtype", std::string("i64")}}), i64({kMin32}));
  checkSame(evaluate(Op::Cast, {i32({0, 2, -1})}, {{"dtype", std::string("bool")}}),
            bools({0, 1, 1}));
  checkSame(evaluate(Op::Cast, {bools({0, 1})}, {{"dtype", std::string("f32")}}), f32({0, 1}));
  checkSame(evaluate(Op::Cast, {bools({0, 1})}, {{"dtype", std::string("i32")}}), i32({0, 1}));
  // One rounding only: by way of double this would tie to even and give 2^60.
  int64_t justAboveTie = (int64_t(1) << 60) + (int64_t(1) << 36) + 1;
  checkSame(evaluate(Op::Cast, {i64({justAboveTie})}, {{"dtype", std::string("f32")}}),
            f32({1152921642045800448.0f}));
  checkSame(evaluate(Op::Cast, {i32({16777217, kMin32})}, {{"dtype", std::string("f32")}}),
            f32({16777216, -2147483648.0f}));
}

TEST_CASE("element-wise ops on nothing and on a scalar") {
  checkSame(evaluate(Op::Add, {f32({0, 3}, {}), f32({0, 3}, {})}), f32({0, 3}, {}));
  checkSame(evaluate(Op::Neg, {i32(Shape{}, {7})}), i32(Shape{}, {-7}));
  checkSame(evaluate(Op::Compare, {f32({0}, {}), f32({0}, {})}, {{"direction", std::string("eq")}}),
            bools({0}, {}));
}
