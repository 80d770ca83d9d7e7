// Tests of inference on what is well formed, of attributes and of arity.

#include "mlc/Graph/Infer.h"
#include "Build.h"

using namespace mlc;

static std::string infer(Op op, const std::vector<std::string> &operands,
                         Attributes attributes = {}) {
  auto complete = completeAttributes(op, std::move(attributes));
  if (!complete)
    return complete.error().message;
  auto result = inferTypes(op, types(operands), *complete);
  if (!result)
    return result.error().message;
  REQUIRE(result->size() == 1);
  return toString((*result)[0]);
}

TEST_CASE("matmul: rows of one and columns of the other") {
  CHECK(infer(Op::MatMul, {"f32[2,3]", "f32[3,5]"}) == "f32[2,5]");
  CHECK(infer(Op::MatMul, {"f32[3,2]", "f32[3,5]"}, {{"transpose_a", true}}) == "f32[2,5]");
  CHECK(infer(Op::MatMul, {"f32[2,3]", "f32[5,3]"}, {{"transpose_b", true}}) == "f32[2,5]");
  CHECK(infer(Op::MatMul, {"bf16[n,7,2,3]", "bf16[n,7,3,5]"}) == "bf16[n,7,2,5]");
  CHECK(infer(Op::MatMul, {"i64[n,3]", "i64[3,0]"}) == "i64[n,0]");
  CHECK(infer(Op::MatMul, {"f32[m,n]", "f32[n,k]"}) == "f32[m,k]");
}

TEST_CASE("element-wise ops take any shape") {
  CHECK(infer(Op::Add, {"u8[]", "u8[]"}) == "u8[]");
  CHECK(infer(Op::Gelu, {"f16[n,0]"}) == "f16[n,0]");
  CHECK(infer(Op::Compare, {"bool[2]", "bool[2]"}, {{"direction", "ne"}}) == "bool[2]");
  CHECK(infer(Op::Select, {"bool[n]", "i8[n]", "i8[n]"}) == "i8[n]");
  CHECK(infer(Op::Cast, {"f32[n,2]"}, {{"dtype", "u8"}}) == "u8[n,2]");
}

TEST_CASE("shape ops") {
  auto reshape = [](const char *operand, Dims shape) {
    return infer(Op::Reshape, {operand}, {{"shape", std::move(shape)}});
  };
  CHECK(reshape("f32[2,3]", {6}) == "f32[6]");
  CHECK(reshape("f32[]", {1, 1}) == "f32[1,1]");
  CHECK(reshape("f32[0,3]", {7, 0}) == "f32[7,0]");
  CHECK(reshape("f32[n,2,3]", {Dim("n"), 6}) == "f32[n,6]");
  CHECK(reshape("f32[2,3,n,4,m]", {6, Dim("n"), 2, 2, Dim("m"), 1}) == "f32[6,n,2,2,m,1]");
  // An overflowing product counts only where nothing is 0.
  CHECK(reshape("f32[4611686018427387904,4,0]", {0}) == "f32[0]");
  CHECK_THAT(reshape("f32[4611686018427387904,4]", {16}), Catch::Contains("overflows"));
  CHECK_THAT(reshape("f32[4]", {-4}), Catch::Contains("reshape [C3]"));
  CHECK(infer(Op::Broadcast, {"f32[n,1]"},
              {{"shape", Dims{3, Dim("n"), 5}}, {"axes", Ints{1, 2}}}) == "f32[3,n,5]");
  CHECK_THAT(infer(Op::Broadcast, {"f32[]"}, {{"shape", Dims{-1}}, {"axes", Ints{}}}),
             Catch::Contains("broadcast [C4]"));
  CHECK(infer(Op::Transpose, {"f32[n,2,3]"}, {{"permutation", Ints{2, 0, 1}}}) == "f32[3,n,2]");
  CHECK(
      infer(Op::Slice, {"f32[n,10]"},
            {{"axes", Ints{1}}, {"starts", Ints{1}}, {"limits", Ints{10}}, {"strides", Ints{4}}}) ==
      "f32[n,3]");
  CHECK(infer(Op::Slice, {"f32[10]"},
              {{"axes", Ints{0}},
               {"starts", Ints{0}},
               {"limits", Ints{10}},
               {"strides", Ints{std::numeric_limits<int64_t>::max()}}}) == "f32[1]");
  CHECK(infer(Op::Concat, {"f32[n,1]", "f32[n,0]", "f32[n,4]"}, {{"axis", int64_t(1)}}) ==
        "f32[n,5]");
  CHECK_THAT(infer(Op::Concat, {"f32[9223372036854775807]", "f32[1]"}, {{"axis", int64_t(0)}}),
             Catch::Contains("concat [C5]"));
  Attributes first{{"axis", int64_t(0)}}, second{{"axis", int64_t(1)}};
  CHECK(infer(Op::Take, {"f32[7,5]", "i32[n,3]"}, first) == "f32[n,3,5]");
  CHECK(infer(Op::Take, {"bool[n,5,2]", "i64[3]"}, second) == "bool[n,3,2]");
  CHECK(infer(Op::Take, {"i32[n,5]", "i64[]"}, second) == "i32[n]");
  CHECK(infer(Op::Take, {"f16[0]", "i32[2]"}, first) == "f16[2]");
}

TEST_CASE("reductions") {
  Attributes axes{{"kind", "max"}, {"axes", Ints{0, 2}}};
  CHECK(infer(Op::Reduce, {"i32[2,n,3]"}, axes) == "i32[n]");
  axes["keep_dims"] = true;
  CHECK(infer(Op::Reduce, {"i32[2,n,3]"}, axes) == "i32[1,n,1]");
  CHECK(infer(Op::Softmax, {"f32[n,3]"}, {{"axis", int64_t(1)}}) == "f32[n,3]");
}

TEST_CASE("arity and attributes are checked by the table") {
  CHECK(infer(Op::Add, {"f32[2]"}) == "add: takes 2 operands, got 1");
  CHECK(infer(Op::Neg, {"f32[2]", "f32[2]"}) == "neg: takes 1 operand, got 2");
  CHECK(infer(Op::Constant, {}) == "constant: attribute `value` is missing; expected a tensor");
  CHECK(infer(Op::Cast, {"f32[2]"}, {{"dtype", int64_t(1)}}) ==
        "cast: attribute `dtype` must be a string, not an integer");
  CHECK(infer(Op::MatMul, {"f32[2,2]", "f32[2,2]"}, {{"transpose", true}}) ==
        "matmul: attribute `transpose` is unknown; expected `transpose_a`, `transpose_b`");
  CHECK(infer(Op::Add, {"f32[2]", "f32[2]"}, {{"axis", int64_t(1)}}) ==
        "add: attribute `axis` is unknown; expected none");
  // Sizes alone do for dimensions, not the other way round.
  CHECK(infer(Op::Reshape, {"f32[4]"}, {{"shape", Ints{2, 2}}}) == "f32[2,2]");
  CHECK(infer(Op::Transpose, {"f32[4]"}, {{"permutation", Dims{0}}}) ==
        "transpose: attribute `permutation` must be a list of integers, not a list of dimensions");
  // inferTypes itself never trusts its attributes.
  auto incomplete = inferTypes(Op::MatMul, types({"f32[2,2]", "f32[2,2]"}), {});
  REQUIRE(!incomplete.ok());
  CHECK(incomplete.error().message ==
        "matmul: attribute `transpose_a` is missing; expected a bool");
}

TEST_CASE("parameter and call need the model") {
  auto call = inferTypes(Op::Call, {}, {{"callee", "f"}});
  REQUIRE(!call.ok());
  CHECK(call.error().kind == ErrorKind::Usage);
  auto parameter = inferTypes(Op::Parameter, {}, {{"parameter", "w"}});
  REQUIRE(!parameter.ok());
  CHECK(parameter.error().kind == ErrorKind::Usage);
}

TEST_CASE("a call's results have the caller's dimensions") {
  Graph graph;
  graph.functions.push_back(
      oneNode(Op::Add, types({"f32[n,m]", "f32[n,m]"}), {}, {type("f32[n,m]")}));
  InferContext context;
  context.graph = &graph;
  auto result =
      inferTypes(Op::Call, types({"f32[m,3]", "f32[m,3]"}), {{"callee", "main"}}, context);
  REQUIRE(result.ok());
  CHECK(toString((*result)[0]) == "f32[m,3]");
  // A name that no input binds cannot be given a meaning by the caller.
  graph.functions[0].values[2].type = type("f32[n,k]");
  result = inferTypes(Op::Call, types({"f32[m,3]", "f32[m,3]"}), {{"callee", "main"}}, context);
  REQUIRE(!result.ok());
  CHECK_THAT(result.error().message, Catch::Contains("call [C3]"));
}
