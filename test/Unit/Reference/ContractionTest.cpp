// Tests of the matmul reference.

#include "Evaluate.h"

using namespace mlc;

TEST_CASE("matmul with every transposition gives one product") {
  Tensor a = f32({2, 3}, {1, 2, 3, 4, 5, 6}), at = f32({3, 2}, {1, 4, 2, 5, 3, 6});
  Tensor b = f32({3, 2}, {7, 8, 9, 10, 11, 12}), bt = f32({2, 3}, {7, 9, 11, 8, 10, 12});
  Tensor product = f32({2, 2}, {58, 64, 139, 154});
  checkSame(evaluate(Op::MatMul, {a, b}), product);
  checkSame(evaluate(Op::MatMul, {at, b}, {{"transpose_a", true}}), product);
  checkSame(evaluate(Op::MatMul, {a, bt}, {{"transpose_b", true}}), product);
  checkSame(evaluate(Op::MatMul, {at, bt}, {{"transpose_a", true}, {"transpose_b", true}}),
            product);
}

TEST_CASE("batched matmul multiplies batch by batch") {
  checkSame(evaluate(Op::MatMul, {i32({2, 1, 2}, {1, 2, 3, 4}), i32({2, 2, 1}, {5, 6, 7, 8})}),
            i32({2, 1, 1}, {17, 53}));
  checkSame(evaluate(Op::MatMul, {f32({2, 1, 2, 1}, {1, 2, 3, 4}), f32({2, 1, 1, 1}, {10, 100})}),
            f32({2, 1, 2, 1}, {10, 20, 300, 400}));
}

TEST_CASE("matmul of nothing") {
  checkSame(evaluate(Op::MatMul, {f32({2, 0}, {}), f32({0, 3}, {})}),
            f32({2, 3}, {0, 0, 0, 0, 0, 0}));
  checkSame(evaluate(Op::MatMul, {f32({0, 2}, {}), f32({2, 3}, {1, 2, 3, 4, 5, 6})}),
            f32({0, 3}, {}));
  checkSame(evaluate(Op::MatMul, {i64({0, 2, 2}, {}), i64({0, 2, 2}, {})}), i64({0, 2, 2}, {}));
}

TEST_CASE("matmul of integers wraps, of floats keeps infinities and NaN") {
  checkSame(evaluate(Op::MatMul, {i32({1, 2}, {kMax32, 1}), i32({2, 1}, {2, 3})}),
            i32({1, 1}, {1}));
  checkSame(evaluate(Op::MatMul, {i64({1, 1}, {kMin64}), i64({1, 1}, {-1})}),
            i64({1, 1}, {kMin64}));
  checkSame(evaluate(Op::MatMul, {f32({2, 2}, {kInf, 1, 0, kNaN}), f32({2, 1}, {0, 1})}),
            f32({2, 1}, {kNaN, kNaN}));
  // Sums are formed in double: 2^24 + 1 - 2^24 keeps the 1.
  checkSame(evaluate(Op::MatMul, {f32({1, 3}, {16777216, 1, -16777216}), f32({3, 1}, {1, 1, 1})}),
            f32({1, 1}, {1}));
}
