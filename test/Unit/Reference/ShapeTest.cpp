// Tests of the reference functions that move elements.

#include "Evaluate.h"

using namespace mlc;

TEST_CASE("constant") {
  Tensor value = i32({2, 2}, {1, 2, 3, kMin32});
  checkSame(evaluate(Op::Constant, {}, {{"value", value}}), value);
  // The result is not the graph's own memory.
  CHECK(evaluate(Op::Constant, {}, {{"value", value}}).data() != value.data());
}

TEST_CASE("broadcast along new dimensions and dimensions of size 1") {
  Tensor row = f32({2}, {1, 2});
  checkSame(evaluate(Op::Broadcast, {row}, {{"shape", Dims{3, 2}}, {"axes", Ints{1}}}),
            f32({3, 2}, {1, 2, 1, 2, 1, 2}));
  checkSame(evaluate(Op::Broadcast, {row}, {{"shape", Dims{2, 3}}, {"axes", Ints{0}}}),
            f32({2, 3}, {1, 1, 1, 2, 2, 2}));
  checkSame(evaluate(Op::Broadcast, {bools({2, 1}, {0, 1})},
                     {{"shape", Dims{2, 2}}, {"axes", Ints{0, 1}}}),
            bools({2, 2}, {0, 0, 1, 1}));
  checkSame(evaluate(Op::Broadcast, {i64(Shape{}, {9})}, {{"shape", Dims{2}}, {"axes", Ints{}}}),
            i64({9, 9}));
  checkSame(evaluate(Op::Broadcast, {f32({1}, {5})}, {{"shape", Dims{0, 4}}, {"axes", Ints{0}}}),
            f32({0, 4}, {}));
}

TEST_CASE("reshape keeps the order of elements") {
  checkSame(evaluate(Op::Reshape, {i32({2, 3}, {1, 2, 3, 4, 5, 6})}, {{"shape", Dims{3, 2}}}),
            i32({3, 2}, {1, 2, 3, 4, 5, 6}));
  checkSame(evaluate(Op::Reshape, {f32({1, 1}, {7})}, {{"shape", Dims{}}}), f32(Shape{}, {7}));
  checkSame(evaluate(Op::Reshape, {f32({0, 3}, {})}, {{"shape", Dims{5, 0}}}), f32({5, 0}, {}));
}

TEST_CASE("transpose") {
  checkSame(
      evaluate(Op::Transpose, {f32({2, 3}, {1, 2, 3, 4, 5, 6})}, {{"permutation", Ints{1, 0}}}),
      f32({3, 2}, {1, 4, 2, 5, 3, 6}));
  // Result dimension i is operand dimension permutation[i]; not its inverse.
  Tensor cube = i64({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  checkSame(evaluate(Op::Transpose, {cube}, {{"permutation", Ints{2, 0, 1}}}),
            i64({3, 2, 1}, {1, 4, 2, 5, 3, 6}));
  checkSame(evaluate(Op::Transpose, {f32({3, 0}, {})}, {{"permutation", Ints{1, 0}}}),
            f32({0, 3}, {}));
}

static Attributes slice(Ints axes, Ints starts, Ints limits, Ints strides) {
  return {{"axes", axes}, {"starts", starts}, {"limits", limits}, {"strides", strides}};
}

TEST_CASE("slice") {
  Tensor x = i32({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  checkSame(evaluate(Op::Slice, {x}, slice({1}, {1}, {4}, {2})), i32({2, 2}, {2, 4, 6, 8}));
  checkSame(evaluate(Op::Slice, {x}, slice({0, 1}, {1, 0}, {2, 3}, {1, 1})),
            i32({1, 3}, {5, 6, 7}));
  checkSame(evaluate(Op::Slice, {x}, slice({1}, {0}, {4}, {3})), i32({2, 2}, {1, 4, 5, 8}));
  checkSame(evaluate(Op::Slice, {x}, slice({1}, {2}, {2}, {1})), i32({2, 0}, {}));
  checkSame(evaluate(Op::Slice, {x}, slice({}, {}, {}, {})), x);
  checkSame(evaluate(Op::Slice, {x}, slice({1}, {3}, {4}, {kMax64})), i32({2, 1}, {4, 8}));
}

TEST_CASE("concat") {
  checkSame(evaluate(Op::Concat, {f32({1}), f32({2, 3}), f32({0}, {})}, {{"axis", int64_t(0)}}),
            f32({1, 2, 3}));
  checkSame(evaluate(Op::Concat, {i32({2, 1}, {1, 2}), i32({2, 2}, {3, 4, 5, 6})},
                     {{"axis", int64_t(1)}}),
            i32({2, 3}, {1, 3, 4, 2, 5, 6}));
  checkSame(evaluate(Op::Concat, {bools({1})}, {{"axis", int64_t(0)}}), bools({1}));
}

TEST_CASE("take") {
  Tensor x = i32({2, 3}, {1, 2, 3, 4, 5, 6});
  Attributes rows{{"axis", int64_t(0)}}, columns{{"axis", int64_t(1)}};
  checkSame(evaluate(Op::Take, {x, i64({1, 0, -1})}, rows),
            i32({3, 3}, {4, 5, 6, 1, 2, 3, 4, 5, 6}));
  checkSame(evaluate(Op::Take, {x, i32({2, 2}, {2, -3, 0, 1})}, columns),
            i32({2, 2, 2}, {3, 1, 1, 2, 6, 4, 4, 5}));
  checkSame(evaluate(Op::Take, {x, i32({}, {-2})}, columns), i32({2}, {2, 5}));
  checkSame(evaluate(Op::Take, {x, i32({}, {1})}, rows), i32({3}, {4, 5, 6}));
  checkSame(evaluate(Op::Take, {i32({1, 2}), i32({}, {1})}, rows), i32({}, {2}));
  checkSame(evaluate(Op::Take, {x, i32({0}, {})}, rows), i32({0, 3}, {}));
  checkSame(evaluate(Op::Take, {f32({0, 2}, {}), i32({0}, {})}, rows), f32({0, 2}, {}));
  auto errorOf = [&](const Tensor &from, const Tensor &indices) {
    auto outputs = evaluateAll(Op::Take, {from, indices}, rows);
    REQUIRE_FALSE(outputs.ok());
    CHECK(outputs.error().kind == ErrorKind::BadInput);
    return outputs.error().message;
  };
  for (int64_t index : {int64_t(2), int64_t(-3), kMax64, kMin64})
    CHECK_THAT(errorOf(x, i64({0, index})),
               Catch::EndsWith("take: index " + std::to_string(index) + " is not in [-2, 2)"));
  CHECK_THAT(errorOf(f32({0, 2}, {}), i32({0})), Catch::EndsWith("take: index 0 is not in [0, 0)"));
}
