// Every numbered constraint of every op has a graph here that violates it and
// nothing else; validate() must name its number. The list is held against the op
// table, so that a new constraint without a test is reported by name.

#include "Build.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Validate.h"

#include <set>

using namespace mlc;

namespace {

struct Case {
  Op op;
  int constraint;
  std::vector<std::string> operands;
  Attributes attributes;
  std::string result;
  std::string says; ///< Part of the message.
};

Attributes slice(Ints axes, Ints starts, Ints limits, Ints strides) {
  return {{"axes", axes}, {"starts", starts}, {"limits", limits}, {"strides", strides}};
}
Attributes broadcast(Dims shape, Ints axes) { return {{"shape", shape}, {"axes", axes}}; }
Attributes reduce(const char *kind, Ints axes, bool keepDims = false) {
  return {{"kind", std::string(kind)}, {"axes", axes}, {"keep_dims", keepDims}};
}
Attributes text(const char *name, const char *value) { return {{name, std::string(value)}}; }

std::vector<Case> cases() {
  std::vector<Case> list = {
      {Op::Parameter, 1, {}, text("parameter", "v"), "f32[2]", "no parameter \"v\""},
      {Op::Parameter,
       2,
       {},
       text("parameter", "w"),
       "f32[3]",
       "result 0 is f32[3], expected f32[2]"},
      {Op::Constant, 1, {}, {{"value", zeros(DType::I32, {2})}}, "i32[3]", "expected i32[2]"},

      {Op::MatMul, 1, {"f32[2,2]", "f64[2,2]"}, {}, "f32[2,2]", "f32 and f64"},
      {Op::MatMul, 1, {"u8[2,2]", "u8[2,2]"}, {}, "u8[2,2]", "got u8"},
      {Op::MatMul, 1, {"bool[2,2]", "bool[2,2]"}, {}, "bool[2,2]", "got bool"},
      {Op::MatMul, 2, {"f32[2]", "f32[2]"}, {}, "f32[]", "ranks 1 and 1"},
      {Op::MatMul, 2, {"f32[2,2]", "f32[1,2,2]"}, {}, "f32[1,2,2]", "ranks 2 and 3"},
      {Op::MatMul, 3, {"f32[4,2,3]", "f32[5,3,2]"}, {}, "f32[4,2,2]", "dimension 0 is 4 and 5"},
      {Op::MatMul, 3, {"f32[n,2,3]", "f32[4,3,2]"}, {}, "f32[n,2,2]", "dimension 0 is n and 4"},
      {Op::MatMul,
       4,
       {"f32[2,3]", "f32[4,5]"},
       {},
       "f32[2,5]",
       "matmul [C4]: contracted dimensions differ: 3 (lhs dimension 1) and 4 (rhs dimension 0)"},
      {Op::MatMul,
       4,
       {"f32[2,3]", "f32[4,5]"},
       {{"transpose_a", true}, {"transpose_b", true}},
       "f32[3,4]",
       "2 (lhs dimension 0) and 5 (rhs dimension 1)"},
      {Op::MatMul,
       4,
       {"f32[7,2,3]", "f32[7,4,2]"},
       {{"transpose_b", true}},
       "f32[7,2,4]",
       "3 (lhs dimension 2) and 2 (rhs dimension 2)"},
      {Op::MatMul, 5, {"f32[2,3]", "f32[3,5]"}, {}, "f32[5,2]", "expected f32[2,5]"},
      {Op::MatMul,
       5,
       {"f32[9,3,2]", "f32[9,5,3]"},
       {{"transpose_a", true}, {"transpose_b", true}},
       "f32[9,3,3]",
       "expected f32[9,2,5]"},

      {Op::Gelu, 3, {"f32[2]"}, text("approximate", "none"), "f32[2]", "not \"none\""},
      {Op::Compare, 1, {"f32[2]", "f32[3]"}, text("direction", "lt"), "bool[2]", "f32[3]"},
      {Op::Compare, 2, {"f32[2]", "f32[2]"}, text("direction", "<"), "bool[2]", "not \"<\""},
      {Op::Compare, 3, {"bool[2]", "bool[2]"}, text("direction", "lt"), "bool[2]", "not lt"},
      {Op::Compare, 4, {"f32[2]", "f32[2]"}, text("direction", "lt"), "f32[2]", "expected bool[2]"},
      {Op::Select, 1, {"i32[2]", "f32[2]", "f32[2]"}, {}, "f32[2]", "got i32"},
      {Op::Select, 2, {"bool[2]", "f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {Op::Select, 2, {"bool[2]", "f32[2]", "f32[2]"}, {}, "f32[1]", "expected f32[2]"},
      {Op::Select, 3, {"bool[1]", "f32[2]", "f32[2]"}, {}, "f32[2]", "bool[1]"},

      {Op::Cast, 1, {"f32[2]"}, text("dtype", "float"), "f32[2]", "\"float\""},
      {Op::Cast, 2, {"f32[2]"}, text("dtype", "i32"), "i64[2]", "expected i32[2]"},
      {Op::Broadcast, 1, {"f32[2]"}, broadcast({3, 2}, {}), "f32[3,2]", "0 entries"},
      {Op::Broadcast, 1, {"f32[2]"}, broadcast({3, 2}, {2}), "f32[3,2]", "axis 2"},
      {Op::Broadcast, 1, {"f32[2]"}, broadcast({3, 2}, {-1}), "f32[3,2]", "axis -1"},
      {Op::Broadcast, 1, {"f32[2,2]"}, broadcast({2, 2}, {1, 0}), "f32[2,2]", "0 follows 1"},
      {Op::Broadcast, 1, {"f32[2,2]"}, broadcast({2, 2}, {1, 1}), "f32[2,2]", "1 follows 1"},
      {Op::Broadcast, 2, {"f32[2]"}, broadcast({3, 3}, {1}), "f32[3,3]", "neither 1 nor"},
      {Op::Broadcast, 2, {"f32[2]"}, broadcast({0}, {0}), "f32[0]", "shape[0], 0"},
      {Op::Broadcast, 3, {"f32[1]"}, broadcast({Dim("m")}, {0}), "f32[m]", "\"m\""},
      {Op::Broadcast, 4, {"f32[2]"}, broadcast({3, 2}, {1}), "f32[2,3]", "expected f32[3,2]"},
      {Op::Reshape, 1, {"f32[2,3]"}, {{"shape", Dims{4}}}, "f32[4]", "6 elements, `shape` has 4"},
      {Op::Reshape, 1, {"f32[2]"}, {{"shape", Dims{0}}}, "f32[0]", "2 elements, `shape` has 0"},
      {Op::Reshape, 2, {"f32[n,4]"}, {{"shape", Dims{Dim("n"), 2}}}, "f32[n,2]", "after `n`"},
      {Op::Reshape, 2, {"f32[2,n]"}, {{"shape", Dims{4, Dim("n")}}}, "f32[4,n]", "before `n`"},
      {Op::Reshape, 2, {"f32[2,n]"}, {{"shape", Dims{Dim("n"), 2}}}, "f32[n,2]", "2 and 1"},
      {Op::Reshape, 2, {"f32[n]"}, {{"shape", Dims{4}}}, "f32[4]", "symbolic dimensions differ"},
      {Op::Reshape,
       2,
       {"f32[n,m]"},
       {{"shape", Dims{Dim("m"), Dim("n")}}},
       "f32[m,n]",
       "symbolic dimensions differ"},
      {Op::Reshape, 3, {"f32[4]"}, {{"shape", Dims{2, 2}}}, "f32[4]", "expected f32[2,2]"},
      {Op::Transpose, 1, {"f32[2,3]"}, {{"permutation", Ints{0}}}, "f32[2,3]", "1 entries"},
      {Op::Transpose, 1, {"f32[2,3]"}, {{"permutation", Ints{0, 2}}}, "f32[2,3]", "out of range"},
      {Op::Transpose, 1, {"f32[2,3]"}, {{"permutation", Ints{1, 1}}}, "f32[2,3]", "1 occurs twice"},
      {Op::Transpose, 2, {"f32[2,3]"}, {{"permutation", Ints{1, 0}}}, "f32[2,3]", "f32[3,2]"},
      {Op::Slice, 1, {"f32[4]"}, slice({0}, {0, 0}, {4}, {1}), "f32[4]", "1, 2, 1 and 1"},
      {Op::Slice, 1, {"f32[4]"}, slice({1}, {0}, {4}, {1}), "f32[4]", "axis 1 is out of range"},
      {Op::Slice, 1, {"f32[4,4]"}, slice({1, 0}, {0, 0}, {4, 4}, {1, 1}), "f32[4,4]", "increase"},
      {Op::Slice, 2, {"f32[4]"}, slice({0}, {-1}, {4}, {1}), "f32[4]", "start -1 and limit 4"},
      {Op::Slice, 2, {"f32[4]"}, slice({0}, {3}, {2}, {1}), "f32[0]", "start 3 and limit 2"},
      {Op::Slice, 2, {"f32[4]"}, slice({0}, {0}, {5}, {1}), "f32[5]", "limit 5"},
      {Op::Slice, 3, {"f32[4]"}, slice({0}, {0}, {4}, {0}), "f32[4]", "at least 1, not 0"},
      {Op::Slice, 4, {"f32[n]"}, slice({0}, {0}, {4}, {1}), "f32[4]", "`n` is symbolic"},
      {Op::Slice, 5, {"f32[5,2]"}, slice({0}, {0}, {5}, {2}), "f32[2,2]", "expected f32[3,2]"},
      {Op::Concat, 1, {}, {{"axis", int64_t(0)}}, "f32[]", "at least one operand"},
      {Op::Concat, 2, {"f32[2]"}, {{"axis", int64_t(1)}}, "f32[2]", "axis 1"},
      {Op::Concat, 2, {"f32[2]"}, {{"axis", int64_t(-1)}}, "f32[2]", "axis -1"},
      {Op::Concat, 2, {"f32[]"}, {{"axis", int64_t(0)}}, "f32[]", "rank 0"},
      {Op::Concat, 3, {"f32[2]", "i32[2]"}, {{"axis", int64_t(0)}}, "f32[4]", "i32[2]"},
      {Op::Concat, 3, {"f32[2]", "f32[2,1]"}, {{"axis", int64_t(0)}}, "f32[4]", "f32[2,1]"},
      {Op::Concat, 3, {"f32[2,3]", "f32[2,4]"}, {{"axis", int64_t(0)}}, "f32[4,3]", "f32[2,4]"},
      {Op::Concat, 4, {"f32[n]", "f32[2]"}, {{"axis", int64_t(0)}}, "f32[n]", "`n`, is symbolic"},
      {Op::Concat, 5, {"f32[2]", "f32[3]"}, {{"axis", int64_t(0)}}, "f32[6]", "expected f32[5]"},

      {Op::Reduce, 1, {"f32[2]"}, reduce("prod", {0}), "f32[]", "not \"prod\""},
      {Op::Reduce, 2, {"bool[2]"}, reduce("max", {0}), "bool[]", "got bool"},
      {Op::Reduce, 2, {"i32[2]"}, reduce("mean", {0}), "i32[]", "expected a float dtype, got i32"},
      {Op::Reduce, 3, {"f32[2]"}, reduce("sum", {1}), "f32[]", "axis 1"},
      {Op::Reduce, 3, {"f32[2,2]"}, reduce("sum", {0, 0}), "f32[]", "0 follows 0"},
      {Op::Reduce, 4, {"f32[2,3]"}, reduce("sum", {1}), "f32[2,1]", "expected f32[2]"},
      {Op::Reduce, 4, {"f32[2,3]"}, reduce("sum", {1}, true), "f32[2]", "expected f32[2,1]"},
      {Op::Softmax, 1, {"f32[2,3]"}, {{"axis", int64_t(1)}}, "f32[2]", "expected f32[2,3]"},
      {Op::Softmax, 2, {"i32[2]"}, {{"axis", int64_t(0)}}, "i32[2]", "got i32"},
      {Op::Softmax, 3, {"f32[2]"}, {{"axis", int64_t(1)}}, "f32[2]", "axis 1"},

      {Op::Call, 1, {"f32[2]"}, text("callee", "g"), "f32[2]", "no function \"g\""},
      {Op::Call, 2, {}, text("callee", "twice"), "f32[2]", "takes 2 inputs, got 0"},
      {Op::Call, 2, {"f32[2]", "i32[2]"}, text("callee", "twice"), "f32[2]", "got i32[2]"},
      {Op::Call, 2, {"f32[2]", "f32[3]"}, text("callee", "twice"), "f32[2]", "`n` is 2"},
      {Op::Call, 3, {"f32[2]", "f32[2]"}, text("callee", "twice"), "f32[4]", "expected f32[2]"},
      {Op::Call, 4, {"f32[2]"}, text("callee", "main"), "f32[2]", "`main` -> `main`"},
  };
  for (Op op : {Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Max, Op::Min}) {
    list.push_back({op, 1, {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"});
    list.push_back({op, 1, {"f32[2]", "f32[1]"}, {}, "f32[2]", "f32[2] and f32[1]"});
    list.push_back({op, 1, {"f32[n]", "f32[n]"}, {}, "f32[2]", "expected f32[n]"});
    list.push_back({op, 2, {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"});
  }
  for (Op op : {Op::Neg, Op::Abs, Op::Relu}) {
    list.push_back({op, 1, {"f32[2]"}, {}, "f32[3]", "expected f32[2]"});
    list.push_back({op, 2, {"bool[2]"}, {}, "bool[2]", "got bool"});
  }
  for (Op op : {Op::Exp, Op::Log, Op::Sqrt, Op::Rsqrt, Op::Tanh, Op::Sigmoid, Op::Erf, Op::Gelu}) {
    list.push_back({op, 1, {"f32[2]"}, {}, "f64[2]", "expected f32[2]"});
    list.push_back({op, 2, {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"});
  }
  for (Op op : {Op::LogicalAnd, Op::LogicalOr}) {
    list.push_back({op, 1, {"bool[2]", "bool[3]"}, {}, "bool[2]", "bool[3]"});
    list.push_back({op, 2, {"i32[2]", "i32[2]"}, {}, "i32[2]", "got i32"});
  }
  list.push_back({Op::LogicalNot, 1, {"bool[2]"}, {}, "bool[3]", "expected bool[2]"});
  list.push_back({Op::LogicalNot, 2, {"u8[2]"}, {}, "u8[2]", "got u8"});
  return list;
}

std::string label(Op op, int constraint) {
  return std::string(opInfo(op).name) + " [C" + std::to_string(constraint) + ']';
}

Graph graphOf(const Case &c) {
  Graph graph;
  graph.parameters.push_back({"w", type("f32[2]")});
  Attributes attributes = c.attributes;
  // Complete what can be: some cases have no valid attributes.
  if (auto complete = completeAttributes(c.op, attributes))
    attributes = *complete;
  graph.functions.push_back(oneNode(c.op, types(c.operands), attributes, {type(c.result)}));
  Function twice = oneNode(Op::Add, types({"f32[n]", "f32[n]"}), {}, {type("f32[n]")});
  twice.name = "twice";
  graph.functions.push_back(twice);
  return graph;
}

} // namespace

TEST_CASE("every violated constraint is named by its number") {
  for (const Case &c : cases()) {
    Status status = validate(graphOf(c));
    INFO(label(c.op, c.constraint) << " " << c.says);
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::BadInput);
    CHECK_THAT(status.error().message, Catch::Contains(label(c.op, c.constraint) + ": "));
    CHECK_THAT(status.error().message, Catch::Contains(c.says));
  }
}

TEST_CASE("every constraint of the op table has a case that violates it") {
  std::set<std::string> tested;
  for (const Case &c : cases())
    tested.insert(label(c.op, c.constraint));
  for (int32_t i = 0; i < numOps(); ++i) {
    const OpInfo &info = opInfo(opAt(i));
    for (int32_t n = 1; n <= info.numConstraints; ++n) {
      INFO(label(info.op, n) << " has no violating case in ConstraintTest.cpp");
      CHECK(tested.count(label(info.op, n)) == 1);
    }
  }
}

TEST_CASE("the op table is complete and ordered") {
  CHECK(parseOp("matmul") == Op::MatMul);
  CHECK(parseOp("logical_not") == Op::LogicalNot);
  CHECK(!parseOp("mlc.matmul").has_value());
  CHECK(!parseOp("").has_value());
  for (int32_t i = 0; i < numOps(); ++i) {
    const OpInfo &info = opInfo(opAt(i));
    CHECK(static_cast<int32_t>(info.op) == i);
    CHECK(parseOp(info.name) == info.op);
    CHECK(info.constraints[0].substr(0, 5) == "[C1] ");
  }
  const OpInfo &gelu = opInfo(Op::Gelu);
  REQUIRE(gelu.numAttributes == 1);
  CHECK(gelu.attributes[0].name == "approximate");
  CHECK(gelu.attributes[0].kind == AttributeKind::String);
  CHECK(gelu.attributes[0].optional);
  CHECK(gelu.attributes[0].defaultText == "erf");
  CHECK(opInfo(Op::Broadcast).attributes[0].kind == AttributeKind::Dims);
  CHECK(opInfo(Op::Constant).attributes[0].kind == AttributeKind::Dense);
  CHECK(opInfo(Op::Concat).maxOperands == -1);
  CHECK(opInfo(Op::Call).numResults == -1);
  CHECK(opInfo(Op::Select).minOperands == 3);
}
