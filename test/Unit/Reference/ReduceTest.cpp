// Tests of the reference of reductions and softmax.

#include "Evaluate.h"

using namespace mlc;

static Tensor reduce(const char *kind, const Tensor &x, Ints axes, bool keepDims = false) {
  return evaluate(Op::Reduce, {x},
                  {{"kind", std::string(kind)}, {"axes", axes}, {"keep_dims", keepDims}});
}

TEST_CASE("reduce over any axes") {
  Tensor x = f32({2, 3}, {1, 2, 3, 4, 5, 7});
  checkSame(reduce("sum", x, {0}), f32({5, 7, 10}));
  checkSame(reduce("sum", x, {1}), f32({6, 16}));
  checkSame(reduce("sum", x, {0, 1}), f32(Shape{}, {22}));
  checkSame(reduce("sum", x, {}), x);
  checkSame(reduce("sum", x, {1}, true), f32({2, 1}, {6, 16}));
  checkSame(reduce("mean", x, {1}), f32({2, 16.0f / 3}));
  checkSame(reduce("max", x, {0}, true), f32({1, 3}, {4, 5, 7}));
  checkSame(reduce("min", x, {1}), f32({1, 4}));
  Tensor cube = i32({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  checkSame(reduce("sum", cube, {1}), i32({2, 2}, {4, 6, 12, 14}));
  checkSame(reduce("sum", cube, {0, 2}), i32({14, 22}));
}

TEST_CASE("reduce of nothing") {
  Tensor none = f32({2, 0}, {});
  checkSame(reduce("sum", none, {1}), f32({0, 0}));
  checkSame(reduce("max", none, {1}), f32({-kInf, -kInf}));
  checkSame(reduce("min", none, {1}), f32({kInf, kInf}));
  checkSame(reduce("mean", none, {1}), f32({kNaN, kNaN}));
  checkSame(reduce("max", i32({0}, {}), {0}), i32(Shape{}, {kMin32}));
  checkSame(reduce("min", i32({0}, {}), {0}), i32(Shape{}, {kMax32}));
  checkSame(reduce("max", i64({0}, {}), {0}), i64(Shape{}, {kMin64}));
  checkSame(reduce("min", i64({0}, {}), {0}), i64(Shape{}, {kMax64}));
  checkSame(reduce("sum", i64({0}, {}), {0}), i64(Shape{}, {0}));
  checkSame(reduce("sum", none, {0}), f32({0}, {}));
}

TEST_CASE("reduce: NaN, infinities, zeros and wrapping") {
  checkSame(reduce("max", f32({2, 2}, {1, kNaN, -kInf, 2}), {1}), f32({kNaN, 2}));
  checkSame(reduce("min", f32({2, 2}, {kNaN, 1, kInf, 2}), {1}), f32({kNaN, 2}));
  checkSame(reduce("max", f32({-0.0f, 0.0f}), {0}), f32(Shape{}, {0.0f}));
  checkSame(reduce("min", f32({0.0f, -0.0f}), {0}), f32(Shape{}, {-0.0f}));
  checkSame(reduce("sum", f32({kInf, -kInf}), {0}), f32(Shape{}, {kNaN}));
  checkSame(reduce("sum", i32({kMax32, 1}), {0}), i32(Shape{}, {kMin32}));
  checkSame(reduce("sum", i64({kMin64, -1}), {0}), i64(Shape{}, {kMax64}));
  // Sums are formed in double.
  checkSame(reduce("sum", f32({16777216, 1, 1, -16777216}), {0}), f32(Shape{}, {2}));
}

static Tensor softmax(const Tensor &x, int64_t axis) {
  return evaluate(Op::Softmax, {x}, {{"axis", axis}});
}

TEST_CASE("softmax along either axis") {
  checkSame(softmax(f32({0, 0}), 0), f32({0.5f, 0.5f}));
  constexpr float third = 0.26894142136999512f; // 1 / (1 + e)
  checkSame(softmax(f32({2, 2}, {0, 1, 5, 5}), 1),
            f32({2, 2}, {third, 0.73105857863000488f, 0.5f, 0.5f}));
  checkSame(softmax(f32({2, 2}, {0, 5, 1, 5}), 0),
            f32({2, 2}, {third, 0.5f, 0.73105857863000488f, 0.5f}));
}

TEST_CASE("softmax of large, infinite, NaN and no values") {
  checkSame(softmax(f32({3e38f, 3e38f}), 0), f32({0.5f, 0.5f}));
  checkSame(softmax(f32({-kInf, 7}), 0), f32({0, 1}));
  checkSame(softmax(f32({kInf, 1}), 0), f32({kNaN, kNaN}));
  checkSame(softmax(f32({2, 2}, {kNaN, 1, 3, 3}), 1), f32({2, 2}, {kNaN, kNaN, 0.5f, 0.5f}));
  checkSame(softmax(f32({0}, {}), 0), f32({0}, {}));
  checkSame(softmax(f32({2, 0}, {}), 1), f32({2, 0}, {}));
}
